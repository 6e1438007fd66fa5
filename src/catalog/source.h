/* What the index knows about one query: ordered sources, one for each column, that go through the blocks together. */
#ifndef OBS_CATALOG_SOURCE_H
#define OBS_CATALOG_SOURCE_H

#include "catalog/column.h"
#include "journal/journal.h"

typedef struct obs__source {
    sqlite3_stmt *statement; /* NULL: nothing there */
    int64_t at;              /* block of its current row; beyond all blocks at the end */
} obs__source;

typedef struct obs__sources {
    const obs__query *query;
    obs__source columns[OBS__MOST_CONDITIONS][2]; /* numbers, texts */
    obs__source words;                            /* rowids of all full text conditions together; may lag behind */
    obs__source stale;
    sqlite3 *database;
} obs__sources;

/* From this block on. */
obs_status obs__sources_open(obs__sources *sources, const obs__query *query, obs__snapshot *snapshot, int64_t block,
                             obs_error *error);
void obs__sources_close(obs__sources *sources);

/* Goes to the next block, `block` itself included, that may hold something, and says which of its entries may. */
obs_status obs__sources_next(int64_t *block, uint64_t set[OBS__BLOCK_WORDS], obs__sources *sources, obs_error *error);

#endif
