/* Reading files: whole, and as JSON lines. Lines are read as they come, so that a pipe may stay open for days. */
#include "obsctl/input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_LIMIT ((size_t)1 << 30)
#define FIRST_CAPACITY ((size_t)65536)

static int open_path(const char *path)
{
    return strcmp(path, "-") == 0 ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
}

static void close_path(int fd)
{
    if (fd > STDIN_FILENO)
        close(fd);
}

/* Reads once more into a buffer that grows. *got is 0 at the end. */
static obs_status read_more(ctl *ctl, const char *path, int fd, char **data, size_t *size, size_t *capacity, size_t *got)
{
    *got = 0;
    if (*size == *capacity) {
        size_t larger = *capacity ? 2 * *capacity : FIRST_CAPACITY;
        char *more = realloc(*data, larger + 1);
        if (!more)
            return ctl_fail_memory(ctl);
        *data = more;
        *capacity = larger;
    }
    ssize_t count;
    while ((count = read(fd, *data + *size, *capacity - *size)) < 0) {
        if (errno != EINTR)
            return ctl_fail_system(ctl, "read", path);
        obs_status status = ctl_check_cancel(ctl);
        if (status != OBS_OK)
            return status;
    }
    *got = (size_t)count;
    *size += *got;
    return OBS_OK;
}

static obs_status read_whole(ctl *ctl, const char *path, int fd, size_t limit, char **out, size_t *size, size_t *capacity)
{
    size_t got = 1;
    obs_status status = OBS_OK;
    while (status == OBS_OK && got && *size <= limit)
        status = read_more(ctl, path, fd, out, size, capacity, &got);
    if (status == OBS_OK && *size > limit)
        return ctl_fail(ctl, OBS_RESOURCE_EXHAUSTED, "'%s' is larger than %zu MiB: write it with 'obsctl put'", path,
                        limit >> 20);
    if (status == OBS_OK)
        (*out)[*size] = '\0';
    return status;
}

obs_status ctl_read_file(ctl *ctl, const char *path, size_t limit, char **out, size_t *size)
{
    size_t capacity = 0;
    *out = NULL;
    *size = 0;
    int fd = open_path(path);
    if (fd < 0)
        return ctl_fail_system(ctl, "open", path);
    obs_status status = read_whole(ctl, path, fd, limit, out, size, &capacity);
    close_path(fd);
    if (status != OBS_OK) {
        free(*out);
        *out = NULL;
    }
    return status;
}

/* Makes room at the front and reads on. */
static obs_status fill(ctl_records *records)
{
    size_t got;
    memmove(records->content, records->content + records->at, records->size - records->at);
    records->dropped += records->at;
    records->size -= records->at;
    records->at = 0;
    obs_status status =
        read_more(records->ctl, records->path, records->fd, &records->content, &records->size, &records->capacity, &got);
    records->ended = status == OBS_OK && got == 0;
    return status;
}

/* The end of the line that begins at `at`; of one that is too long only its beginning is kept. NULL: read on. */
static char *end_of_line(ctl_records *records)
{
    char *begin = records->content + records->at;
    size_t left = records->size - records->at;
    char *end = memchr(begin, '\n', left);
    return end || !records->ended || !left ? end : begin + left;
}

/* What is left of a line that is too long. */
static obs_status skip_line(ctl_records *records)
{
    obs_status status = OBS_OK;
    while (status == OBS_OK) {
        char *end = memchr(records->content + records->at, '\n', records->size - records->at);
        records->at = end ? (size_t)(end - records->content) + 1 : records->size;
        if (end || records->ended)
            break;
        status = fill(records);
    }
    return status;
}

static obs_status next_long_line(ctl_records *records, ctl_record *out)
{
    free(records->text);
    records->text = strndup(records->content + records->at, 256);
    if (!records->text)
        return ctl_fail_memory(records->ctl);
    snprintf(records->reason, sizeof records->reason, "the record is larger than %zu MiB", CTL_RECORD_MAX >> 20);
    *out = (ctl_record){records->text, strlen(records->text), ++records->line, records->reason};
    return skip_line(records);
}

static obs_status next_line(ctl_records *records, ctl_record *out)
{
    obs_status status = OBS_OK;
    while (status == OBS_OK) {
        char *begin = records->content + records->at;
        char *end = records->size ? end_of_line(records) : NULL;
        size_t length = end ? (size_t)(end - begin) : records->size - records->at;
        if (length > CTL_RECORD_MAX)
            return next_long_line(records, out);
        if (end) {
            records->at += length + (records->at + length < records->size);
            records->line++;
            while (length && (begin[length - 1] == '\r' || begin[length - 1] == ' ' || begin[length - 1] == '\t'))
                length--;
            if (!length)
                continue;
            *out = (ctl_record){begin, length, records->line, NULL};
            return OBS_OK;
        }
        if (records->ended)
            break;
        status = fill(records);
    }
    return status;
}

static const char *format_of(const char *path)
{
    const char *ending = strrchr(path, '.');
    if (ending && strcmp(ending, ".csv") == 0)
        return "csv";
    return ending && (strcmp(ending, ".json") == 0 || strcmp(ending, ".geojson") == 0) ? "json" : "ndjson";
}

/* Editors of another world put a mark in front of UTF-8. */
static void skip_mark(ctl_records *records)
{
    if (records->size >= 3 && memcmp(records->content, "\xEF\xBB\xBF", 3) == 0)
        records->at = 3;
}

static obs_status begin(ctl_records *records, const char *format, const char *member)
{
    obs_status status = OBS_OK;
    int lines = strcmp(format, "ndjson") == 0;
    int csv = strcmp(format, "csv") == 0;
    if (!lines && !csv && strcmp(format, "json") != 0)
        return ctl_fail(records->ctl, OBS_INVALID_ARGUMENT, "unknown format '%s': ndjson, json and csv are known", format);
    if (member && (lines || csv))
        return ctl_fail(records->ctl, OBS_INVALID_ARGUMENT,
                        "--member is for a JSON document, '%s' is read as %s: add --format json", records->path, format);
    if (lines) {
        size_t got;
        records->next = next_line;
        status =
            read_more(records->ctl, records->path, records->fd, &records->content, &records->size, &records->capacity, &got);
        skip_mark(records);
        return status;
    }
    status =
        read_whole(records->ctl, records->path, records->fd, FILE_LIMIT, &records->content, &records->size, &records->capacity);
    records->ended = 1;
    if (status != OBS_OK)
        return status;
    skip_mark(records);
    return csv ? ctl_records_csv(records) : ctl_records_json(records, member);
}

obs_status ctl_records_open(ctl_records **out, ctl *ctl, const char *path, const char *format, const char *member)
{
    struct stat info;
    ctl_records *records = calloc(1, sizeof *records);
    *out = NULL;
    if (!records)
        return ctl_fail_memory(ctl);
    *records = (ctl_records){.ctl = ctl, .path = path, .fd = open_path(path)};
    obs_status status = records->fd < 0 ? ctl_fail_system(ctl, "open", path) : OBS_OK;
    if (status == OBS_OK && fstat(records->fd, &info) == 0 && S_ISREG(info.st_mode))
        records->total = (unsigned long long)info.st_size;
    if (status == OBS_OK)
        status = begin(records, format ? format : format_of(path), member);
    if (status == OBS_OK)
        *out = records;
    else
        ctl_records_free(records);
    return status;
}

obs_status ctl_records_next(ctl_records *records, ctl_record *out)
{
    *out = (ctl_record){0};
    obs_status status = records->next(records, out);
    if (status == OBS_OK && out->text && !out->reason && out->size > CTL_RECORD_MAX) {
        snprintf(records->reason, sizeof records->reason, "the record is larger than %zu MiB", CTL_RECORD_MAX >> 20);
        out->reason = records->reason;
        out->size = 256;
    }
    return status;
}

int ctl_records_ready(const ctl_records *records)
{
    return records->ended || memchr(records->content + records->at, '\n', records->size - records->at) != NULL;
}

unsigned long long ctl_records_done(const ctl_records *records)
{
    return records->dropped + (records->at < records->size ? records->at : records->size);
}

void ctl_records_free(ctl_records *records)
{
    if (!records)
        return;
    close_path(records->fd);
    for (int i = 0; i < records->column_count; i++)
        free(records->columns[i]);
    free(records->columns);
    free(records->content);
    free(records->text);
    free(records);
}
