/*
 * Proofs of single records, for anybody to check offline: C2SP tlog-proof v1.
 *
 *     c2sp.org/tlog-proof@v1
 *     extra eyJ2IjoxLCJpZCI6…      base64 of the leaf; behind a newline what opens its commitments, if that is to be shown
 *     index 73894                  its place in the log, from 0
 *     gSKyXoYZUgZ6jduWYrkDOARinOM…  the hashes beside its way to the root, from the leaf upwards
 *
 *     audit.obs.internal/0198…     the checkpoint, with all signatures it had
 *     …
 *
 * What opens is an object with a member for each field that is shown, `"subject":{"value":"user:ada","salt":"<64 hex>"}`.
 */
#ifndef OBS_AUDIT_PROOF_H
#define OBS_AUDIT_PROOF_H

#include "audit/sequence.h"

#define OBS__PROOF_MAX (256 * 1024)

/* ---- Making. ---- */

/* The number of a record in a tenant's database by its id; OBS_NOT_FOUND. */
obs_status obs__proof_find(uint64_t *out_seq, obs__journal *journal, const char *id, obs_error *error);
/* The place in the log of any tenant's record, by its id; reads the log backwards. OBS_NOT_FOUND. */
obs_status obs__proof_search(uint64_t *out_index, const obs__log_place *place, const char *id, const obs__limit *limit,
                             obs_error *error);
/* The time in a UUID of version 7, in nanoseconds; 0 when it is none. */
int64_t obs__proof_time(const char *id);
/* The place of a sealed record of a tenant, which has no row any more, by its id: searched for in the `end` sealed ones, where
 * its time says that it should be, and from there in both directions. OBS_NOT_FOUND. */
obs_status obs__proof_find_sealed(uint64_t *out_index, const obs__log_place *place, uint64_t end, const char *tenant,
                                  const char *id, const obs__limit *limit, obs_error *error);
/* What opens the commitments of a record: its clear values and salts, without those that were erased. */
obs_status obs__proof_opening(obs__builder *out, obs__journal *journal, uint64_t seq, obs_error *error);
/* The place of a tenant's record in the log. OBS_NOT_FOUND while it is in no checkpoint. */
obs_status obs__proof_place(uint64_t *out_index, const obs__log_place *place, const char *tenant, uint64_t seq,
                            obs_error *error);
/* The proof of the record at a place, against the checkpoint that is there now; `opening` may be empty. */
obs_status obs__proof_make(obs__builder *out, const obs__log_place *place, uint64_t index, obs__view opening, obs_error *error);

/* ---- Checking: needs nothing but the key. ---- */

/* Writes the record as JSON: what the leaf says, the clear values that the proof opens (null for the others), and `index`,
 * `size` and `origin` of the log. OBS_INVALID_ARGUMENT when it cannot be read, OBS_DATA_LOSS when it does not hold. */
obs_status obs__proof_check(obs__builder *out, obs__view proof, const obs__verifier *key, obs_error *error);

#endif
