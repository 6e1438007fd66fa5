/*
 * How long events are kept, and how many: what nobody needs any more goes after its time, or sooner when the log comes to its
 * limit; what a consumer still has to do never goes, and then nobody can publish.
 *
 *     gone     an event that was removed; its identity stays known for a while
 *     front    publishers, who have no time, begin to look here
 */
#ifndef OBS_EVENT_RETENTION_H
#define OBS_EVENT_RETENTION_H

#include <stdatomic.h>

#include "event/bus.h"

#define OBS__IDENTITY_SIZE 16 /* the first bytes of SHA-256 of source, NUL, id */
#define OBS__GONE_MAX 1000000 /* identities of events that were removed */

/* Of one bus, its subscriptions and what they have in units. */
typedef struct obs__retention {
    atomic_uint holders;
    obs__journal *journal;
    char *tenant;
    obs__bus_bounds bounds;
    struct obs__task *task;
    atomic_int appointed; /* soon, not some day */
    atomic_int alarmed;   /* a commit of this process found the log nearly full: it is to be told */
    _Atomic uint64_t front;
} obs__retention;

obs_status obs__retention_new(obs__retention **out, obs__gate *gate, const obs__bus_bounds *bounds, obs_error *error);
obs__retention *obs__retention_retain(obs__retention *retention);
void obs__retention_free(obs__retention *retention);
/* The keeper looks soon whether something can go: events were published, or done. */
void obs__retention_look(obs__retention *retention);

/* Whoever wants to know what an identity is: 16 bytes. */
obs_status obs__identity(unsigned char out[OBS__IDENTITY_SIZE], const char *source, const char *id, obs_error *error);

/* One small step: removes events that every consumer has done, and no table of theirs names. */
typedef struct obs__sweep {
    uint64_t after;    /* only those above this one; then how far it came */
    uint64_t last;     /* only up to this one */
    int64_t before_ns; /* only those published before */
    int64_t down_to;   /* ends when the log has no more bytes than this */
    int64_t now_ns;
    unsigned most; /* up to OBS__SWEEP_MAX */
    unsigned removed;
    int64_t bytes; /* of the log, when it ended */
    int64_t limit;
    int64_t remember_ns; /* 0: identities are not kept */
} obs__sweep;
#define OBS__SWEEP_MAX 128

obs_status obs__sweep_run(obs__sweep *sweep, obs__txn *txn, obs_error *error);
/* Whether there is anything to remove; *after moves on to it. */
obs_status obs__sweep_look(int *found, obs__sweep *sweep, obs__snapshot *snapshot, obs_error *error);

/* Inside of a publish, behind its INSERT: counts the event, makes room when it is needed and possible. `spare`: the unit
 * acknowledges, too, and may go above the limit, as it is what makes room. OBS_RESOURCE_EXHAUSTED when there is no room.
 * *alarmed says whether this was the change that made the log nearly full. */
obs_status obs__room_take(int *alarmed, obs__retention *retention, obs__txn *txn, int64_t size, int spare, obs_error *error);

/* Who holds up what, in a sentence. */
void obs__room_describe(char *out, size_t size, int64_t bytes, int64_t limit, sqlite3_stmt *slowest);
/* One row: consumer, how far behind, dead letters of all. Nothing when there are no consumers. */
extern const char obs__room_slowest[];

#endif
