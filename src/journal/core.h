/*
 * The inside of a journal.
 *
 * obs__journal is what callers hold; it survives fork(). Behind it is a core with all descriptors and connections, which
 * belongs to one process: a child makes its own at its first call and leaves the parent's alone.
 */
#ifndef OBS_JOURNAL_CORE_H
#define OBS_JOURNAL_CORE_H

#include <pthread.h>
#include <sys/types.h>

#include "journal/connection.h"
#include "journal/journal.h"
#include "journal/lock.h"
#include "journal/park.h"

#define OBS__POOL_SIZE 16

/* One call of obs__journal_commit(), on its caller's stack. */
typedef struct obs__request {
    struct obs__request *next;
    const obs__effects *effects;
    const obs__limit *limit;
    obs_error *error; /* of the caller; may be NULL */
    obs_status status;
    obs__word state; /* enum obs__request_state */
} obs__request;

enum obs__request_state {
    OBS__QUEUED,  /* may still leave */
    OBS__LEADING, /* is to run the next batch */
    OBS__TAKEN,   /* in a batch: waits for the outcome */
    OBS__DONE
};

typedef struct obs__core {
    unsigned generation;
    const struct obs__journal *journal;
    obs__place place;
    int can_write; /* the folder can be written and that was asked for */
    obs__access reading;
    obs__lock *lock; /* NULL when it cannot be written */
    int wake;        /* descriptor of the file `wake`, or -1 */

    pthread_mutex_t mutex; /* the queue */
    obs__request *first;
    obs__request *last;
    int led; /* somebody leads */

    /* Of the leader while it holds the lock. */
    obs__connection *writer;
    int recover_due;
    unsigned last_frames;   /* of the log at the commit before */
    unsigned checkpoint_at; /* frames */
    int log_found;          /* the log was there before this writer, and was not begun anew since */
    unsigned careful;       /* so many batches are still run with savepoints: one failed without */

    pthread_mutex_t pool_mutex;
    obs__connection *idle[OBS__POOL_SIZE];
    size_t idle_count;
} obs__core;

struct obs__journal {
    struct obs__journal *next; /* in the registry, under its mutex; so are holders */
    size_t holders;
    dev_t device;
    ino_t inode;
    char *folder; /* absolute */
    char *path;   /* of the database */
    const char **schemas;
    int read_only;
    obs_status (*recover)(void *user, obs__txn *txn, obs_error *error);
    void *user;
    _Atomic(obs__core *) core;
};

struct obs__txn {
    obs__connection *connection;
    const obs__limit *limit; /* of the request whose effects are applied; NULL in a recovery */
    int wake;
};

obs_status obs__core_open(obs__core **out, const obs__journal *journal, int create, const obs__limit *limit, obs_error *error);
void obs__core_free(obs__core *core);
/* The core of this process; a child of fork() opens its own, within the limit (NULL: 30 seconds). */
obs_status obs__core_of(obs__core **out, obs__journal *journal, const obs__limit *limit, obs_error *error);

/* With the lock held: makes the writer's connection ready, and completes what a dead holder left. */
obs_status obs__writer_ready(obs__core *core, int create, obs_error *error);
/* With the lock held: runs a list of requests in one transaction and sets the status of each. */
void obs__batch_run(obs__core *core, obs__request *batch);
/* With the lock held: moves the log into the database when it has grown. */
void obs__writer_checkpoint(obs__core *core);

#endif
