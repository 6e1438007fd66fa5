/* What changes do to the tables of entries, inside the transaction. */
#ifndef OBS_CATALOG_APPLY_H
#define OBS_CATALOG_APPLY_H

#include "catalog/row.h"
#include "journal/journal.h"

obs_status obs__apply_entry(obs__txn *txn, const obs__row *row, obs_error *error); /* row->id is not looked at */
obs_status obs__apply_forget(obs__txn *txn, obs__view key, obs_error *error);      /* fine when there is none */
obs_status obs__apply_labels(obs__txn *txn, obs__view key, const obs_pair *labels, size_t count, obs_error *error);

#endif
