/* One round of the sequencer, between its files: sequence.c drives, custody.c knows key and anchors, move.c moves leaves. */
#ifndef OBS_AUDIT_ROUND_H
#define OBS_AUDIT_ROUND_H

#include "audit/append.h"
#include "audit/runs.h"
#include "audit/seat.h"
#include "audit/sequence.h"

#define OBS__LOG_CHECKPOINT "checkpoint"

/* A tenant that was moved in this round. */
typedef struct obs__moved {
    struct obs__moved *next;
    char tenant[OBS__RUN_TENANT_SIZE];
    obs__run run;
} obs__moved;

typedef struct obs__round {
    const obs__log_place *place;
    const obs__tenants *tenants;
    const obs__limit *limit;
    obs__seat *workspace_seat;
    obs__seat *state_seat;
    int log;  /* descriptor of audit/log, or -1 */
    int runs; /* of audit/runs, or -1 */
    obs__tree_hasher *hasher;
    obs__anchor *own;
    obs__signer *signer;
    obs_buffer *note; /* the checkpoint on disk; what follows has views on it */
    obs__checkpoint checkpoint;
    uint64_t anchored; /* the smallest size that an anchor which can be asked was told last */
    obs__appender *appender;
    obs__moved *moved; /* in the order of the log */
    obs__moved *last_moved;
    uint64_t left; /* records that may still be moved */
    uint64_t cut;
    int cut_recorded;
    obs_error failure; /* of the first tenant that could not be moved */
    int is_broken;     /* the log itself could not be written */
} obs__round;

/* The leases, the folders and what obs__custody_open() does; round->place, tenants and limit are given. For whoever signs
 * something besides checkpoints. End it whatever the status; the descriptors must be -1 before. */
obs_status obs__round_open(obs__round *round, obs_error *error);
void obs__round_end(obs__round *round);
/* OBS_ABORTED when a lease is lost: ask before what was done becomes visible. */
obs_status obs__round_check(const obs__round *round, obs_error *error);

/* The key, made for a new log; the checkpoint, made for a new log; what the anchors were told. */
obs_status obs__custody_open(obs__round *round, obs_error *error);
/* Signs and puts in place a checkpoint of this size and root. */
obs_status obs__custody_sign(obs__round *round, uint64_t size, const obs__tree_hash *root, obs_error *error);
/* Tells all anchors the checkpoint that is in place. */
obs_status obs__custody_tell(obs__round *round, obs_error *error);

/* Appends what a tenant committed; an obs__tenant_visit of the round. Its own failure goes into round->failure. */
obs_status obs__move_tenant(void *round, const char *tenant, obs__journal *journal, obs_error *error);

#endif
