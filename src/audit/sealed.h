/*
 * What is sealed: the file `audit/sealed`, a note that the log's key signs. Its text is a checkpoint of the sealed beginning of
 * the log under a name of its own, and the place of the record that says so:
 *
 *     audit.obs.internal/0198…/sealed
 *     512                                           the records 0 to 511 are sealed
 *     CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=  the root of their tree
 *     record 700
 *
 * Only both together count: the note, which nobody without the key can make, and the record, which nobody can put into the log
 * unseen.
 */
#ifndef OBS_AUDIT_SEALED_H
#define OBS_AUDIT_SEALED_H

#include "audit/leaf.h"
#include "audit/sequence.h"

#define OBS__SEAL_ACTION "audit.seal"

typedef struct obs__sealed {
    uint64_t end; /* how many records from the first on, whole bundles; 0: none */
    obs__tree_hash root;
    uint64_t record; /* the place of the record that says so, behind them */
} obs__sealed;

/* *out is all zero when nothing is sealed. OBS_DATA_LOSS when the file is no such note, or `key` did not sign it. */
obs_status obs__sealed_read(obs__sealed *out, const obs__log_place *place, const obs__verifier *key, obs_error *error);
/* Replaces it, durably. */
obs_status obs__sealed_write(const obs__sealed *sealed, const obs__log_place *place, const obs__signer *signer,
                             obs_error *error);

/* Whether a leaf is the record of a seal of the first `end` records; 1 or 0. */
obs_status obs__sealed_says(int *out, obs__view leaf, uint64_t end, obs_error *error);

#endif
