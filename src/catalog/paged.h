/*
 * Rows that are read page by page, each page in short snapshots, so that a long result never keeps the log of the database
 * from being reset. Rows have rising numbers; a position is the number of a row.
 */
#ifndef OBS_CATALOG_PAGED_H
#define OBS_CATALOG_PAGED_H

#include "base/buffer.h"
#include "journal/gate.h"

#define OBS__PAGE_ROWS 256
#define OBS__SNAPSHOT_NS 50000000 /* a scan that took so long ends its snapshot and is called again */
#define OBS__PAGE_BYTES ((size_t)1 << 20)

/* Rows as JSON; the last one may be there only to know that more follow. */
typedef struct obs__page {
    obs__builder text; /* each row ends with NUL */
    size_t ends[OBS__PAGE_ROWS + 1];
    int64_t ids[OBS__PAGE_ROWS + 1];
    size_t count;
    size_t wanted;   /* at most OBS__PAGE_ROWS + 1 */
    int64_t next_id; /* where the scan goes on */
    int ended;       /* nothing beyond */
} obs__page;

/* The row whose text was just appended. Returns 1 when the page is full. */
int obs__page_add(obs__page *page, int64_t id);

typedef struct obs__paged obs__paged;
struct obs__paged {
    obs_rows rows;
    obs__gate *gate;    /* held */
    obs_cancel *cancel; /* of the question; held, or NULL */
    unsigned generation;
    char kind; /* of its positions, so that they cannot be mixed up */
    char position[24];
    obs__page page;
    size_t given;   /* of this page */
    size_t givable; /* of this page: without the row that only shows that more follow */
    size_t left;    /* of the limit */
    /* Adds rows until the page is full, nothing follows, or the snapshot was open for long enough. */
    obs_status (*scan)(obs__paged *paged, const obs__limit *limit, obs_error *error);
    void (*done)(obs__paged *paged); /* frees what the kind of rows has on its own; may be NULL */
};

/* Begins rows after a position (NULL, "": from the start), at most `most` (0: no limit). */
obs_status obs__paged_begin(obs__paged *paged, obs__gate *gate, char kind, const char *after, size_t most, obs_error *error);
/* Reads the first page, so that what is wrong with the question is said at once. */
obs_status obs__paged_first(obs__paged *paged, const obs__limit *limit, obs_error *error);
/* Instead of obs_rows_free() when the rows never reached the caller; frees the struct itself, too. */
void obs__paged_free(obs__paged *paged);

#endif
