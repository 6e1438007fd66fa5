/*
 * Sealing: what is older than the policy keeps becomes a segment that is compressed and only proved, no longer searched.
 *
 * Whole bundles from the beginning of the log on, in this order:
 *
 *     1. all is sequenced and anchored, and the whole log verified: what goes away cannot be looked at later
 *     2. a record says how many records from the first on are sealed; it is sequenced and anchored
 *     3. the note `audit/sealed` is signed (src/audit/sealed.h): from now on rows may be missing
 *     4. each bundle is packed (src/audit/segment.h), read again and compared; then the plain one is removed
 *     5. the rows of each tenant are removed and overwritten, but for the leaf of the last of them
 *
 * Whoever dies in between leaves a log that verifies, and the next call goes on there: 4 and 5 look at all that is sealed. They
 * need no lease, as they change nothing that a reader could miss.
 */
#ifndef OBS_AUDIT_SEAL_H
#define OBS_AUDIT_SEAL_H

#include "audit/sequence.h"
#include "journal/gate.h"

typedef struct obs__seal_options {
    const obs__log_place *place;
    const obs__tenants *tenants;
    obs__scope *scope; /* the limit of the call, and who may be asked for room on a full disk */
    int64_t before_ns; /* records of before this time */
    /* Commits the record, in any tenant: action OBS__SEAL_ACTION, and `end` as its count. */
    obs_status (*record)(void *user, uint64_t first, uint64_t end, obs_error *error);
    void *user;
    void (*step)(const char *name); /* for tests: what comes next; or NULL */
} obs__seal_options;

/* *out_count: how many records were sealed now. OBS_DATA_LOSS when the log does not verify, OBS_FAILED_PRECONDITION without an
 * anchor: then nothing was touched. OBS_NO_SPACE, OBS_DEADLINE_EXCEEDED, OBS_CANCELLED: the same again goes on. */
obs_status obs__audit_seal_log(uint64_t *out_count, const obs__seal_options *options, obs_error *error);

/* Step 5, for the records [0, end) of the log. */
obs_status obs__seal_rows(const obs__seal_options *options, uint64_t end, obs_error *error);
void obs__seal_step(const obs__seal_options *options, const char *name);

#endif
