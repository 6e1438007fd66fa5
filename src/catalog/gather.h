/* The points of a block's entries, gathered by name until they are written as columns. */
#ifndef OBS_CATALOG_GATHER_H
#define OBS_CATALOG_GATHER_H

#include "catalog/column.h"
#include "journal/journal.h"

typedef struct obs__gathered obs__gathered;
obs_status obs__gathered_new(obs__gathered **out, obs_error *error);
void obs__gathered_free(obs__gathered *gathered);

/* Adds an entry; entries come in the order of their numbers. */
obs_status obs__gather(obs__gathered *gathered, const obs__row *row, obs_error *error);

/* Replaces the columns of the block. */
obs_status obs__gathered_write(obs__gathered *gathered, obs__txn *txn, int64_t block, obs_error *error);

/* The columns of a field are neighbours: number of the field, then numbers before texts, then the block. */
static inline int64_t obs__column_id(int64_t field, int is_text, int64_t block)
{
    return field << 33 | (int64_t)is_text << 32 | block;
}

#endif
