/*
 * What the members of a consumer share while events are on their way: which ones, whose they are, how often they were handed
 * out. A file `tenants/<tenant>/consumer-<name>`, mapped by every member in every process and never synced: a killed process
 * leaves it as it was, so that attempts are counted and what it held comes to others; after a power cut it begins anew from the
 * tables (src/event/group.c), which hold all that must not be lost.
 *
 * Who changes it holds the lock of byte 0; a member holds the lock of the byte with its own number as long as it lives. Both
 * are the kernel's and end with their holder. Each claim is written so that a member killed in between leaves it free or whole.
 * What the file says is not believed: numbers in it are checked before they lead anywhere.
 */
#ifndef OBS_EVENT_CLAIMS_H
#define OBS_EVENT_CLAIMS_H

#include <pthread.h>

#include "journal/gate.h"

#define OBS__CLAIMS_MAX 16384 /* events of a consumer that are on their way at the same time */
#define OBS__MEMBERS_MAX 1024
#define OBS__PRIORITIES 3 /* from 1 down to -1 */

enum obs__claim_state {
    OBS__CLAIM_FREE,
    OBS__CLAIM_WAITING, /* for a member, or for its time */
    OBS__CLAIM_HELD     /* was handed out */
};

/* One event on its way. */
typedef struct obs__claim {
    uint64_t sequence;
    uint64_t key;     /* hash of its partition key; 0: it has none */
    int64_t due_ms;   /* not before this time of the wall clock */
    uint32_t attempt; /* how often it was handed out */
    uint16_t member;  /* who holds it */
    uint8_t state;    /* enum obs__claim_state */
    int8_t priority;
} obs__claim;

/* The beginning of the file. */
typedef struct obs__claims_header {
    char magic[8];
    char boot[40];                    /* of this run of the machine */
    uint64_t consumer;                /* which consumer of this name: consumer.id */
    uint64_t filter;                  /* hash of what its members want */
    uint64_t cursor[OBS__PRIORITIES]; /* up to here all events are claims, done, dead or not wanted */
    int64_t paused_ms;                /* nothing is handed out before this time; INT64_MAX: until it is resumed */
    uint32_t capacity;                /* claims that have room on the disk */
    uint32_t used;                    /* all behind these are free */
    uint32_t exclusive;               /* the member that wants to be alone, and 1; 0: none */
} obs__claims_header;

typedef struct obs__claims {
    pthread_mutex_t mutex; /* between threads with one handle: the kernel's lock is the file's */
    obs__claims_header *header;
    obs__claim *items;
    int fd;
    unsigned generation;
    unsigned member;
    uint32_t found;  /* where the last one was found: the next is mostly behind it */
    uint32_t filled; /* where the last one was added */
} obs__claims;

/* What a member brings along. */
typedef struct obs__claims_join {
    uint64_t consumer;
    uint64_t filter;
    uint64_t position; /* all up to it is done */
    int64_t paused_ms;
    int exclusive;
} obs__claims_join;

obs_status obs__claims_open(obs__claims **out, const obs__gate *gate, const char *consumer, obs_error *error);
/* Gives back what the member held. */
void obs__claims_close(obs__claims *claims);

obs_status obs__claims_lock(obs__claims *claims, const obs__limit *limit, obs_error *error);
void obs__claims_unlock(obs__claims *claims);

/* With the lock: becomes a member. *first says whether nobody else is one: then the claims are as the last ones left them, or
 * empty. OBS_ABORTED when one of the members must be alone; OBS_FAILED_PRECONDITION when they want other events. */
obs_status obs__claims_join_in(obs__claims *claims, const obs__claims_join *join, int *first, obs_error *error);
/* With the lock: what members held who are not there any more waits again. */
void obs__claims_reap(obs__claims *claims);
/* How many members a consumer has. */
unsigned obs__claims_count(const obs__gate *gate, const char *consumer);

/* With the lock: adds an event unless it is there. OBS_RESOURCE_EXHAUSTED when there is no room. */
obs_status obs__claims_add(obs__claims *claims, const obs__claim *claim, obs_error *error);
obs__claim *obs__claims_find(obs__claims *claims, uint64_t sequence);
void obs__claims_remove(obs__claims *claims, obs__claim *claim);
/* No event waits longer than a year: what seems to has its time from a clock that was set back since. */
#define OBS__DUE_MOST_MS (INT64_C(366) * 86400000)
/* The next one for this member: of the highest priority the oldest that is due, of whose key nothing older is with others or
 * waits. NULL when there is none; *due_ms is then when to look again (INT64_MAX: when something happens). */
obs_status obs__claims_choose(obs__claim **out, int64_t *due_ms, obs__claims *claims, obs_error *error);
/* All up to this one are done as soon as those in `done` are, which is sorted. */
uint64_t obs__claims_position(const obs__claims *claims, const uint64_t *done, size_t count);
/* Sorts, each once. */
void obs__claims_sort(uint64_t *sequences, size_t *count);
int obs__claims_is_mine(const obs__claims *claims, const obs__claim *claim);

/* The tables were changed by others than a member, and that stands: members learn of it at once where that can be done, else
 * when they read on in the log, or begin anew. */
void obs__claims_told(obs__gate *gate, const char *consumer);

#endif
