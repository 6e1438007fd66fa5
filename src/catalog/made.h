/* How entries were made: which versions of what they were made from, the last time and the time before. */
#ifndef OBS_CATALOG_MADE_H
#define OBS_CATALOG_MADE_H

#include "catalog/row.h"
#include "journal/journal.h"

/* One key of `["…","…"]`, an array that this module wrote, after the other: begin with *at = 0. 0 behind the last one, and when
 * memory is gone (see the status of `scratch`, which holds keys that have escapes). */
int obs__made_from_next(obs__view *key, obs__view made_from, size_t *at, obs__builder *scratch);

/* Whether an entry says how it was made: from something, or by a function (its label). */
int obs__made_is_told(const obs__row *row);
/* Keeps how such an entry was made just now; what was kept before becomes the time before. */
obs_status obs__made_now(obs__txn *txn, const obs__row *row, obs_error *error);
obs_status obs__made_forget(obs__txn *txn, int64_t id, obs_error *error);

#endif
