/*
 * The gate: the one pipeline that every public call goes through: authorise, execute, audit.
 *
 * The modules (store, event, catalog, audit) only know this interface; the client implements it with auth, audit and
 * catalog. A public function of a module reads:
 *
 *     obs__scope scope;
 *     obs_status status = obs__gate_enter(&scope, store->gate, OBS__READ, "store.get", key, key_size, call, error);
 *     if (status == OBS_OK)
 *         status = do_it(…);
 *     return obs__gate_leave(&scope, status, error);
 *
 * and a change collects effects and ends in obs__gate_commit() before it leaves.
 */
#ifndef OBS_JOURNAL_GATE_H
#define OBS_JOURNAL_GATE_H

#include "base/call.h"
#include "base/text.h"
#include "journal/journal.h"

typedef struct obs__gate obs__gate;

/* Given by an effect: this change was done before, under the same idempotency key. Its effects are undone, and the call
 * ends with OBS_OK. Never leaves the library. */
#define OBS__REPEATED ((obs_status)-1)

/* How a call is audited: changes and refusals in the commit, reads within a second. */
typedef enum obs__class { OBS__READ, OBS__CHANGE } obs__class;

/* One public call, on the caller's stack. */
typedef struct obs__scope {
    obs__gate *gate;
    obs__limit limit;
    obs__class kind;
    const char *action;          /* "store.put": module and verb */
    obs__view object;            /* the key or other name it is about */
    const char *subject;         /* for whom */
    const char *idempotency_key; /* or NULL */
    char traceparent[56];        /* this call as W3C traceparent; the trace id begins at [3], 32 digits */
    char parent_id[17];          /* span id of the parent, or "" */
    int64_t start_ns;            /* wall clock */
    uint64_t bytes;              /* for the audit record; the module sets it */
    int create_only;             /* the caller may make what is new, and replace nothing */
    int repeated;                /* the same change was done before: whatever becomes of this one, the answer is OBS_OK */
    int recorded;                /* its audit record is in a commit already, also of a refusal */
    struct obs__spare *spare;    /* what was given back to a full disk for this call; NULL: nothing */
    uint64_t count;              /* for the audit record; 0: one call */
    int over_quota;              /* a quota of the tenant refused it */
} obs__scope;

/* How many bytes of an object are looked into at most. */
#define OBS__SHOWN_SIZE ((size_t)1 << 20)

/* What the catalog is told about an object or record. All borrowed. */
typedef struct obs__entry {
    const char *kind; /* "object", "record" */
    obs__view key;
    const char *type; /* media type, or definition name of a record */
    uint64_t size;
    const char *sha256; /* hexadecimal, or "" */
    int64_t time_ns;
    const obs_pair *labels;
    size_t label_count;
    const char *values; /* JSON object, or NULL */
    const char *const *made_from;
    size_t made_from_count;
    obs__view head;    /* the first bytes of an object that is to be looked into, or empty */
    const char *found; /* JSON object of what was seen there: where it says the same as `values`, those stay; or NULL */
} obs__entry;

typedef struct obs__gate_ops {
    obs_status (*enter)(obs__scope *scope, const obs_call *call, obs_error *error);
    /* Adds the audit record of the scope, as an effect. */
    obs_status (*record)(obs__scope *scope, obs__effects *effects, obs_error *error);
    /* Adds or replaces the catalog entry. */
    obs_status (*entry)(obs__scope *scope, const obs__entry *entry, obs__effects *effects, obs_error *error);
    /* Removes the catalog entry. */
    obs_status (*forget)(obs__scope *scope, obs__view key, obs__effects *effects, obs_error *error);
    /* Changes labels where the object is stored, too (the catalog did its own). */
    obs_status (*relabel)(obs__scope *scope, obs__view key, const obs_pair *labels, size_t count, obs__effects *effects,
                          obs_error *error);
    /* Ends the span, counts, audits reads and failures. */
    void (*leave)(obs__scope *scope, obs_status status);
    obs__gate *(*retain)(obs__gate *gate);
    void (*free)(obs__gate *gate);
    /* Whether the caller may touch this, too, where the object alone does not say it. NULL: yes. */
    obs_status (*allow)(obs__scope *scope, obs__view what, obs_error *error);
    /* Adds the audit record of the scope for the trail of another tenant, whose database the effects are for. */
    obs_status (*record_in)(obs__scope *scope, const char *tenant, obs__effects *effects, obs_error *error);
    /* The disk is full: makes some room for this call, if it is one that may have it. 1 when it may try again; leave() ends it.
     * NULL: there never is any. */
    int (*spare)(obs__scope *scope);
    /* The call failed for want of space: adds to the message what can be done about it. May be NULL. */
    void (*explain)(const obs__gate *gate, const char *action, obs_error *error);
    /* Adds what the commit is held to, around all other effects. May be NULL. */
    obs_status (*guard)(obs__scope *scope, obs__effects *effects, obs_error *error);
} obs__gate_ops;

/* Embedded as first member by the client. Reference-counted: a handle that outlives its client keeps its gate. */
struct obs__gate {
    const obs__gate_ops *ops;
    obs__journal *journal;
    const char *tenant;
    const char *workspace; /* absolute folder */
    int read_only;
};

/* Begins a call. On failure the scope is already left: return the status. */
obs_status obs__gate_enter(obs__scope *scope, obs__gate *gate, obs__class kind, const char *action, const char *object,
                           size_t object_size, const obs_call *call, obs_error *error);

/* Asks for something besides the object, as for the type of an event. */
obs_status obs__gate_allow(obs__scope *scope, obs__view what, obs_error *error);

/* Commits the effects together with the audit record of the scope. Frees the effects, whatever happens. */
obs_status obs__gate_commit(obs__scope *scope, obs__effects *effects, obs_error *error);

/* Whether a call that came to this status may be tried once more: the disk is full, and the audit reserve gave some room.
 * What obs__gate_commit() does is tried again by itself; this is for what comes before and behind it. */
int obs__gate_spare(obs__scope *scope, obs_status status);

/* Adds to an error, when it is that the disk is full, what can be done about it: obs__gate_leave() does it; this is for a piece
 * of a call that has no scope yet. Returns status. */
obs_status obs__gate_explain(obs__gate *gate, const char *action, obs_status status, obs_error *error);

/* Ends a call, once: a second time does nothing. On success the error is set to OK. Returns status. */
obs_status obs__gate_leave(obs__scope *scope, obs_status status, obs_error *error);

#endif
