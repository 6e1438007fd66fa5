/*
 * The sequencer: moves what all tenants committed (`audit_leaf` in each tenant's database), in the order of each tenant's
 * commits, into the one log of the workspace, and signs and anchors a checkpoint.
 *
 *     <workspace>/audit/log      tiles and checkpoint (src/audit/tiles.h)
 *     <workspace>/audit/runs     how far each tenant was moved (src/audit/runs.h)
 *     <workspace>/audit/lease    one process at a time (src/audit/seat.h)
 *     <state>/audit/key          the signing key, mode 0600; key.pub is the line that verifies
 *     <state>/audit/anchor       the standard anchor (src/audit/anchor.h)
 *     <state>/audit/lease        two copies of a workspace have one key, so one lease
 *
 * A round: take the leases; read the checkpoint and require that it goes on from what every anchor was told; cut what an
 * interrupted round left behind it; append the leaves, durably; sign the new checkpoint and put it in place; tell the anchors;
 * note how far each tenant got. A crash between any two of these loses no leaf and repeats none: what no checkpoint covers is
 * cut and moved again, what one covers is counted again from the leaves themselves.
 *
 * A log that is older than its anchor, or says something else, is refused for good (OBS_DATA_LOSS): going on would make two
 * logs that both are signed.
 */
#ifndef OBS_AUDIT_SEQUENCE_H
#define OBS_AUDIT_SEQUENCE_H

#include "audit/anchor.h"
#include "audit/note.h"
#include "journal/journal.h"

#define OBS__LOG_BATCH 16384 /* records of one round */

/* Where a log lies and what it is called. All borrowed. */
typedef struct obs__log_place {
    const char *workspace;       /* absolute folder */
    const char *state;           /* absolute folder outside of it (obs__home_of_workspace()) */
    const char *origin;          /* the name of the log and its key, by obs__log_origin() */
    obs__anchor *const *anchors; /* besides the standard one */
    size_t anchor_count;
} obs__log_place;

#define OBS__LOG_ORIGIN_SIZE 64
/* `audit.obs.internal/<workspace id>`. */
void obs__log_origin(char out[OBS__LOG_ORIGIN_SIZE], const char *workspace_id);

/* All tenants of the workspace: calls visit for each with its open journal. The client has one, tests have theirs. */
typedef obs_status obs__tenant_visit(void *visitor, const char *tenant, obs__journal *journal, obs_error *error);
typedef struct obs__tenants {
    obs_status (*each)(void *user, obs__tenant_visit *visit, void *visitor, obs_error *error);
    void *user;
} obs__tenants;

typedef struct obs__sequenced {
    uint64_t size;  /* of the log now */
    uint64_t added; /* records that were moved */
    uint64_t cut;   /* files of an interrupted round that were removed */
    int more;       /* there may be more to move */
} obs__sequenced;

/* One round. OBS_ABORTED while another process has the lease; OBS_DATA_LOSS when the log must not go on;
 * OBS_FAILED_PRECONDITION without its key, OBS_PERMISSION_DENIED where that is another account's; OBS_UNAVAILABLE when a
 * checkpoint was made but an anchor could not be told. A tenant whose records cannot be moved does not hold up the others: its
 * error is returned when the rest is done. When the time is over, what was moved until then becomes the round. */
obs_status obs__audit_sequence_round(obs__sequenced *out, const obs__log_place *place, const obs__tenants *tenants,
                                     const obs__limit *limit, obs_error *error);
/* Rounds until nothing is left of what was committed when it began; *out has the sums. */
obs_status obs__audit_sequence_now(obs__sequenced *out, const obs__log_place *place, const obs__tenants *tenants,
                                   const obs__limit *limit, obs_error *error);

/* The key that verifies the log; OBS_NOT_FOUND before the first round. */
obs_status obs__log_key(obs__verifier *out, const obs__log_place *place, obs_error *error);
/* The folder of the log, for reading, and the key that verifies it. */
obs_status obs__log_folder(int *out, obs__verifier *key, const obs__log_place *place, obs_error *error);
/* A path below the folder `audit` of the state or the workspace; OBS_INVALID_ARGUMENT when it is too long. */
obs_status obs__log_path(char *out, size_t capacity, const char *base, const char *name, obs_error *error);

#endif
