/* What the files of the bus share. */
#ifndef OBS_EVENT_BUS_INTERNAL_H
#define OBS_EVENT_BUS_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "event/bus.h"
#include "event/cesql.h"
#include "event/claims.h"
#include "event/event.h"
#include "event/retention.h"

struct obs_bus {
    obs__gate *gate; /* borrowed: the client frees its bus before its gate */
    obs__retention *retention;
};

/* Which events a consumer wants; NULL: all. */
typedef struct obs__filter {
    char *type;
    int type_is_prefix;
    char *subject_prefix;
    obs__cesql *expression; /* not in SQL: obs__filter_passes() */
    uint64_t hash;          /* of all of it, to compare members by */
} obs__filter;

/* The filter as conditions on table `event`; bound by obs__filter_bind() to ?2 to ?4. */
#define OBS__FILTER_SQL                                                                                                        \
    "(?2 IS NULL OR type = ?2) AND (?3 IS NULL OR substr(type, 1, length(?3)) = ?3)"                                           \
    " AND (?4 IS NULL OR substr(subject, 1, length(?4)) = ?4)"
int obs__filter_bind(sqlite3_stmt *statement, const obs__filter *filter);
obs_status obs__filter_set(obs__filter *filter, const obs_subscribe_options *options, obs_error *error);
void obs__filter_free(obs__filter *filter);
/* The rest of the filter, on the JSON of an event: *out is 0 or 1. What cannot be evaluated is counted and told. */
obs_status obs__filter_passes(int *out, const obs__filter *filter, obs__view json, obs_error *error);
/* 0 for none; two texts with one hash only wait for each other. */
uint64_t obs__text_hash(const char *text);

/* A member of a consumer, as its handle and what it has in units know it. */
typedef struct obs__member {
    atomic_int holders;
    atomic_int ended; /* the handle is freed: what is still in a unit cannot be committed any more */
    obs__retention *retention;
    pthread_mutex_t mutex;
    uint64_t *settled; /* acknowledged, and still among the claims; under the mutex */
    size_t count;
    size_t capacity; /* room for all that were staged: nothing can fail behind a commit */
} obs__member;

obs_status obs__member_new(obs__member **out, obs__retention *retention, obs_error *error);
obs__member *obs__member_retain(obs__member *member);
void obs__member_free(obs__member *member);
/* A hold with room to remember one more; NULL without memory. */
obs__member *obs__member_stage(obs__member *member);
/* After the commit: its claim is to be forgotten. */
void obs__member_settled(obs__member *member, uint64_t sequence);

struct obs_subscription {
    atomic_uint holders; /* its owner, and an operation that waits for its events */
    atomic_int asked;    /* somebody waits for its events: what is below `watch` is theirs */
    obs__gate *gate;     /* a hold of its own */
    unsigned generation;
    char *consumer;
    char *subject;      /* for whom, as told at subscribe; or NULL */
    int64_t timeout_ms; /* of each acknowledgement, as told at subscribe */
    obs_cancel *cancel; /* held; or NULL */
    obs__filter filter;
    int64_t attempts; /* so many, then it is a dead letter; INT64_MAX: never */
    int64_t retry_ms;
    int64_t retry_max_ms;
    obs__claims *claims;
    obs__retention *retention;
    obs__member *member;
    obs__watch *watch;
    uint64_t id;                /* consumer.id */
    uint64_t passed;            /* all up to it is done or not wanted, as was seen when there was nothing to hand out */
    uint64_t moved;             /* so much of it is in the tables */
    int64_t moved_ns;           /* since then, by the monotonic clock */
    uint64_t damaged;           /* the last one that was looked at: who hears that it cannot be read asks which */
    _Atomic uint64_t delivered; /* the highest sequence handed out by this handle */
    obs__builder json;          /* of the current event */
    obs_event *event;
    obs_delivery delivery;
    int poll_fd;  /* epoll on the watch and on ready_fd: what obs_subscription_fd() gives */
    int ready_fd; /* an eventfd, readable while there may be more without a wake-up */
    int is_ready;
    int more; /* there are events that were not looked at yet */
};

/* consumer.c: the rows of a consumer. Makes it when it is new, and reads it. */
obs_status obs__consumer_hold(obs__claims_join *out, obs_subscription *subscription, obs__scope *scope, int from_now,
                              obs_error *error);
/* With the claims locked: what was given back before and comes again. */
obs_status obs__consumer_load(obs__claims *claims, obs__gate *gate, const char *consumer, obs_error *error);
/* deliver.c: an event that cannot be shown now is not with this member after all. */
void obs__subscription_let_go(obs_subscription *subscription, uint64_t sequence, int forget);
typedef enum obs__patience {
    OBS__LOOKS_NEARBY,  /* what is known, or among the next events of the log */
    OBS__LOOKS_THROUGH, /* what is there */
    OBS__WAITS          /* what comes in time */
} obs__patience;
/* deliver.c: the next event; *out stays NULL when time is over. Between begin and end. */
obs_status obs__subscription_take(const obs_delivery **out, obs_subscription *subscription, const obs__limit *limit,
                                  obs__patience patience, obs_error *error);
/* One at a time: OBS_FAILED_PRECONDITION when there is somebody. */
obs_status obs__subscription_begin(obs_subscription *subscription, obs_error *error);
void obs__subscription_end(obs_subscription *subscription);
/* Locks the claims. OBS_ABORTED when the consumer was removed. */
obs_status obs__subscription_lock(obs_subscription *subscription, const obs__limit *limit, obs_error *error);

/* Whether an event is done, as the tables say. */
obs_status obs__consumer_is_done(int *out, obs_subscription *subscription, uint64_t sequence, obs_error *error);
/* The JSON of an event that is not done, in subscription->json. *out says whether there is one. OBS_ABORTED when the consumer
 * was removed. */
obs_status obs__consumer_read(int *out, obs_subscription *subscription, uint64_t sequence, obs_error *error);

#define OBS__READ_WINDOW 4096 /* so many events are looked at before anybody asks whether time is over */
/* refill.c, with the claims locked: adds the next events of the log to the claims. *more says whether there may be others. */
obs_status obs__claims_refill(int *more, obs_subscription *subscription, obs_error *error);

/* outcome.c: what becomes of an event that was handed out. */
typedef struct obs__outcome {
    uint64_t sequence;
    uint64_t position; /* all up to it is done with this */
    uint32_t attempts;
    int64_t due_ms;     /* comes again then; 0: it is done */
    int dead;           /* it is a dead letter */
    int passed;         /* there is no event: only the position moves on */
    const char *reason; /* borrowed; or NULL */
} obs__outcome;
/* Adds the effect that writes it. */
obs_status obs__outcome_stage(obs__effects *effects, obs_subscription *subscription, const obs__outcome *outcome,
                              obs_error *error);
/* With the claims locked: forgets what was settled by commits. *freed says whether others may go on now. */
void obs__member_settle(obs_subscription *subscription, int *freed);

/* How later calls are made: for the same subject, with as much time and the same token as the subscribe. */
obs_call obs__subscription_call(const obs_subscription *subscription);
/* OBS_FAILED_PRECONDITION in a child of the process that subscribed. */
obs_status obs__subscription_check(const obs_subscription *subscription, obs_error *error);

#endif
