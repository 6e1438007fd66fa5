/* Reading files: whole, and as records. */
#ifndef OBSCTL_INPUT_H
#define OBSCTL_INPUT_H

#include "obsctl/ctl.h"

#define CTL_RECORD_MAX ((size_t)1 << 20)
#define CTL_REASON_SIZE 256

/* A file, or standard input for "-", of at most `limit` bytes; a NUL that is not counted follows. Free with free(). */
obs_status ctl_read_file(ctl *ctl, const char *path, size_t limit, char **out, size_t *size);

/* A JSON string with its quotes; NULL when the text is not UTF-8 or memory is gone. Free with free(). */
char *ctl_json_string(const char *text);
int ctl_is_number(const char *text); /* all of it is a number as JSON writes it */
int ctl_is_scalar(const char *text); /* a number, true or false */

/* One record. */
typedef struct ctl_record {
    const char *text; /* one JSON object on one line; NULL at the end. Valid until the next one. */
    size_t size;
    long line;          /* its line in the file; of a JSON document: the how many-th element it is */
    const char *reason; /* why it could not be read; text is then the raw input */
} ctl_record;

/* Records of a file, one after the other. */
typedef struct ctl_records ctl_records;
struct ctl_records {
    ctl *ctl;
    const char *path;
    int fd;
    char *content;
    size_t size;
    size_t capacity;
    size_t at;
    long line;
    int ended;                  /* all of the file is in content */
    unsigned long long dropped; /* bytes of the file that are no longer in content */
    unsigned long long total;   /* bytes of the file, 0 when not known */
    char **columns;             /* of a CSV file */
    int column_count;
    char *text; /* the row that was made last */
    char reason[CTL_REASON_SIZE];
    obs_status (*next)(ctl_records *records, ctl_record *out);
};

/* format: "ndjson", "json", "csv", or NULL: by the ending. member: of a JSON document, or NULL. */
obs_status ctl_records_open(ctl_records **out, ctl *ctl, const char *path, const char *format, const char *member);
obs_status ctl_records_next(ctl_records *records, ctl_record *out);
int ctl_records_ready(const ctl_records *records); /* whether the next record can be had without waiting for input */
unsigned long long ctl_records_done(const ctl_records *records); /* bytes */
void ctl_records_free(ctl_records *records);

/* input_csv.c, input_json.c: begin on the content */
obs_status ctl_records_csv(ctl_records *records);
obs_status ctl_records_json(ctl_records *records, const char *member);

#endif
