/* What the client wires from the store module; the public side is <obs/store.h>. */
#ifndef OBS_STORE_STORE_H
#define OBS_STORE_STORE_H

#include <obs/store.h>

#include "journal/gate.h"

/* Tables `pending…`; goes to obs__journal_open(). */
extern const char obs__store_schema[];

typedef struct obs__store_options {
    const char *url;              /* "file:store", "file:/data/x", "mem:name" */
    const char *const *immutable; /* prefixes whose objects can be created but not changed; ends with NULL; or NULL */
    int is_workspace;             /* the tenant's own store: its puts go to the catalog */
} obs__store_options;

/* Opens a store. Unknown schemes give OBS_UNIMPLEMENTED with the list of the known ones. */
obs_status obs__store_open(obs_store **out, obs__gate *gate, const obs__store_options *options, obs_error *error);

/* The same store for another client (obs_client_as): another gate, the same driver state. */
obs_status obs__store_rebind(obs_store **out, const obs_store *store, obs__gate *gate, obs_error *error);

/* Parts of a unit: check what can be checked now, take the bytes over, add effects. The scope is the one of that part. */
obs_status obs__store_stage_put(obs__effects *effects, obs_store *store, obs__scope *scope, const void *data, size_t size,
                                const obs_put_options *options, obs_error *error);
/* The bytes that a writer took, for the key and with the options that it was opened with; then it is only to be freed. */
obs_status obs__store_stage_writer(obs__effects *effects, obs_writer *writer, obs__scope *scope, obs_error *error);
obs_status obs__store_stage_delete(obs__effects *effects, obs_store *store, obs__scope *scope,
                                   const obs_change_options *options, obs_error *error);
obs_status obs__store_stage_labels(obs__effects *effects, obs_store *store, obs__view key, const obs_pair *labels, size_t count,
                                   obs_error *error);

/* Completes what a crash left pending; for obs__journal_options.recover. `workspace` is the absolute folder. */
obs_status obs__store_recover(const char *workspace, obs__txn *txn, obs_error *error);

/* How an object stands to what is known about it. */
typedef enum obs__object_state {
    OBS__OBJECT_WHOLE,   /* the bytes in place are those that its sidecar is about */
    OBS__OBJECT_OUTSIDE, /* they were changed since, or only touched */
    OBS__OBJECT_SPOILED  /* the sidecar is damaged, or there is none */
} obs__object_state;
/* What the store knows of an object, also where the bytes were changed since; for the check, without the gate. */
obs_status obs__store_look(obs_stat **out, obs__object_state *state, obs_store *store, obs__view key, const obs__limit *limit,
                           obs_error *error);

/* Checks every object: adds a row for each problem, counts objects and bytes. */
typedef struct obs__store_counts {
    uint64_t objects;
    uint64_t bytes;
    uint64_t problems;
} obs__store_counts;
obs_status obs__store_check(obs__builder *rows, obs__store_counts *counts, obs_store *store, int repair,
                            const obs__limit *limit, obs_error *error);

#endif
