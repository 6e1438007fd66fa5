/* The index over finished blocks of entries. All inside apply(), in the transaction of the change. */
#ifndef OBS_CATALOG_SEAL_H
#define OBS_CATALOG_SEAL_H

#include "catalog/row.h"
#include "journal/journal.h"

/* Indexes the blocks that are complete now that the entry with this number was added. */
obs_status obs__seal_after(obs__txn *txn, int64_t id, obs_error *error);

/* An entry changes (`now` NULL: goes away): if its block is indexed, keeps full text and sums in step, and marks it stale. */
obs_status obs__seal_changed(obs__txn *txn, const obs__row *before, const obs__row *now, obs_error *error);

#endif
