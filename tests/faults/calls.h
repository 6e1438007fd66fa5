/* Every public call that writes, made on one workspace, for tests that let all of them fail in the same way. */
#ifndef OBS_TESTS_FAULTS_CALLS_H
#define OBS_TESTS_FAULTS_CALLS_H

#include <obs/obs.h>

#define CALLS_LARGE 200000

/* What the calls are made on. */
typedef struct calls_space {
    const char *path;
    obs_client *client;
    obs_store *store;
    obs_queue *queue;
    obs_subscription *reader; /* has an event that is not acknowledged */
    uint64_t sequence;        /* of that event */
    int number;               /* of the round: part of every name that a call makes */
} calls_space;

/* Which object a call makes or takes away: a prefix of its key, before the number of the round. NULL: none. */
typedef struct writing_call {
    const char *name;
    obs_status (*call)(calls_space *space, const obs_call *call, obs_error *error);
    const char *action; /* of its audit record */
    const char *makes;
    const char *removes;
    int records; /* how many of each it adds */
    int lines;   /* of the ingestion log */
    int events;
    obs_status done; /* its status when it succeeds: OBS_OK, or OBS_REFUSED */
} writing_call;

extern const writing_call writing_calls[];
extern const size_t writing_call_count;

/* A workspace's client and what all calls need: `kept/a`, a definition, an event. */
void calls_open(calls_space *space, const char *path);
void calls_close(calls_space *space);
/* What the calls of the round `number` need: `doomed/…` and `outside/…`. */
void calls_prepare(calls_space *space, int number);
/* Opens the reader, with the call that its acknowledgement is to be made with. */
void calls_read(calls_space *space, const char *consumer, const obs_call *call);
/* `prefix` and the number of the round, valid until the next call. */
const char *calls_key(const calls_space *space, const char *prefix);

#endif
