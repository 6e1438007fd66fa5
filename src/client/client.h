/* Between the files of the client. */
#ifndef OBS_CLIENT_CLIENT_H
#define OBS_CLIENT_CLIENT_H

#include <obs/client.h>
#include <obs/unit.h>

#include "audit/audit.h"
#include "audit/reserve.h"
#include "auth/decide.h"
#include "catalog/catalog.h"
#include "client/bearer.h"
#include "client/workspace.h"
#include "config/config.h"
#include "deliver/deliver.h"
#include "event/bus.h"
#include "store/store.h"

/*
 * What stands behind every handle that a client hands out. The client holds it, and so does each store, subscription, reader
 * and result; the last one to go writes what was noted and gives the journal back.
 */
typedef struct obs__client_gate {
    obs__gate gate;
    atomic_uint holders;
    obs__workspace *workspace;
    obs__rights rights;
    char tenant[OBS__TENANT_SIZE];
    char subject[OBS__SUBJECT_SIZE]; /* for whom the client acts */
    char *program;                   /* "loader/1.0 pid 4711" */
    obs__bearer *bearer;             /* its token; NULL: it has none */
    obs_audit *audit;
    struct obs__client_log *log;         /* NULL: no part in the audit log */
    struct obs__client_reserve *reserve; /* who keeps the reserve whole; NULL: not this gate */
    _Atomic int64_t look_ns;             /* monotonic: when somebody looks again whether the tenant is active */
    atomic_int is_stopped;               /* it was not */
    atomic_uint over_quota;              /* calls that a quota refused since somebody looked */
    obs_store *_Atomic store;            /* the client's, while it lives: it holds this gate, not the other way round */
} obs__client_gate;

/* Held by its user and by each unit. */
struct obs_client {
    atomic_uint holders;
    obs__client_gate *gate;
    obs_store *store;
    obs_bus *bus;
    obs_catalog *catalog;
    obs_config *config;
};

obs_client *obs__client_retain(obs_client *client);
/* The last holder closes: the limit is for writing what was noted. */
void obs__client_release(obs_client *client, const obs__limit *limit);

/* One more client of the same workspace. */
typedef struct obs__client_plan {
    obs__workspace *workspace;
    const char *tenant;
    const char *subject; /* NULL: the process's own */
    const char *program;
    int read_only;
    obs__bearer *bearer; /* taken over, whatever happens; NULL: none */
    int is_internal;     /* made behind a decision, for a part of what was allowed: may do everything */
    obs__limit limit;
    obs_client *sibling; /* lends its store when it is of the same tenant, or NULL */
} obs__client_plan;
obs_status obs__client_make(obs_client **out, const obs__client_plan *plan, obs_error *error);

/* The database of a tenant; `create` makes it. */
obs_status obs__client_journal(obs__journal **out, const obs__workspace *workspace, const char *folder, int create,
                               const obs__limit *limit, obs_error *error);

/* Whether the caller of a scope may do an action to an object. `action` NULL: its own action, to something besides the object.
 */
obs_status obs__client_decide(obs__scope *scope, const char *action, obs__view object, obs_error *error);

/* In the environment of a function's program: the function's name. */
#define OBS__FUNCTION_VARIABLE "OBS_FUNCTION"

/* The part of a gate in the audit log of the workspace (log.c): only of its owner, who has the key. One that cannot be had, for
 * want of a folder for state, is reported by the health of the client. */
obs_status obs__client_log_attach(obs__client_gate *gate, obs_error *error);
void obs__client_log_free(struct obs__client_log *log);
obs_status obs__client_log_health(const obs__client_gate *gate, obs__builder *text, obs_error *error);

/* The audit reserve (reserve.c): the table of who may use it, and of whom it is no condition that he is recorded. */
int obs__client_unrecorded(const char *action);
int obs__client_spare(obs__scope *scope);
void obs__client_explain(const obs__gate *gate, const char *action, obs_error *error);
/* Takes back what a call was given; what is missing then the keeper takes as soon as it can. */
void obs__client_spare_end(obs__client_gate *gate, obs__spare *spare);
/* An opening that the full disk kept from its few pages: 1 when it may try again. */
int obs__client_spare_opening(obs__spare **spare, const obs__client_plan *plan, obs_status status);
/* Makes a gate one of those that keep the reserve whole, and takes what is missing. */
obs_status obs__client_reserve_attach(obs__client_gate *gate, obs_error *error);
void obs__client_reserve_free(struct obs__client_reserve *reserve);
/* OBS_NO_SPACE when it is not whole; 0 in *shown where it is none of the caller's business. */
obs_status obs__client_reserve_health(const obs__client_gate *gate, int *shown, obs__builder *text, obs_error *error);

/* The operations of the gate (pipeline.c). */
extern const obs__gate_ops obs__client_gate_ops;

/* Repeated changes (repeat.c): `idempotency_key`, `done` before? */
extern const char obs__repeat_schema[];
obs_status obs__repeat_find(int *out, obs__journal *journal, const char *key, const char *action, obs_error *error);
obs_status obs__repeat_effect(obs__effects *effects, const char *key, const char *action, obs_error *error);

/* Tenants and new workspaces (tenant.c, making.c). */
extern const char obs__tenant_schema[];
obs_status obs__tenant_created(int64_t *out, obs__journal *journal, obs_error *error);
/* Makes a tenant, whole or not at all: with its store and with the audit record and idempotency key of the call that makes it.
 * Without a call, for a workspace that is being made, of which only the folder is known, it has neither yet. */
obs_status obs__tenant_make(const obs__workspace *workspace, const char *name, const obs__ownership *ownership,
                            obs__scope *scope, obs_error *error);
obs_status obs__tenant_exists(const char *name, obs_error *error); /* OBS_ALREADY_EXISTS, in words */
void obs__remove_folder(const char *path);
/* Makes a folder that was built beside its place durable and puts it there; OBS_ALREADY_EXISTS when something is there. */
obs_status obs__sync_and_rename(const char *from, const char *to, const char *parent, obs_error *error);

/* Calls visit for each tenant, or for one, in the order of their names; OBS_NOT_FOUND when that one is not there. */
obs_status obs__tenant_each(const obs__workspace *workspace, const char *only,
                            obs_status (*visit)(void *user, const char *name, obs_error *error), void *user, obs_error *error);

/* The parts of a unit and of an ingestion (stage.c): each is one audited call whose effects are added when it went well. */
typedef struct obs__item {
    const char *definition;
    obs__view json;
    const obs_ingest_options *options; /* never NULL; all fields of this library */
    const char *origin;
} obs__item;
/* Adds a record, its line, event and audit record; or the refusal's line and audit record and gives OBS_REFUSED. Then
 * *refused is 1 and the effects hold the refusal. out_key holds 256 bytes. */
obs_status obs__stage_record(obs__effects *effects, char *out_key, int *refused, obs_client *client, obs__scope *scope,
                             obs__definition *definition, const obs__item *item, obs_error *error);
obs_status obs__stage_file(obs__effects *effects, obs_client *client, obs__scope *scope, obs__view data,
                           const obs_ingest_options *options, obs_error *error);
obs_status obs__stage_refusal(obs__effects *effects, obs__scope *scope, const char *table, const char *reason,
                              const char *origin, obs__view data, obs_error *error);

/* A part of a unit that is made elsewhere (unit.c): one audited call, whose effects join the unit when it went well. Each
 * begin that gave OBS_OK has its end, which frees the part. */
obs_status obs__unit_part_begin(obs__scope *scope, obs_unit *unit, const char *action, const char *key, size_t key_size,
                                obs_error *error);
obs_status obs__unit_part_end(obs__scope *scope, obs_unit *unit, obs__effects *part, obs_status status, obs_error *error);

/* What a relay notes at its target (relayed.c): how far it came in each stream of a source, and which conflicts were told. */
extern const char obs__relayed_schema[];
obs_status obs__relayed_position(int64_t *out, obs_client *client, const char *source, const char *stream, obs_error *error);
obs_status obs__relayed_position_effect(obs__effects *effects, const char *source, const char *stream, int64_t position,
                                        obs_error *error);
obs_status obs__relayed_conflict_find(int *out, obs_client *client, const char *source, obs__view key, const char *sha256,
                                      obs_error *error);
obs_status obs__relayed_conflict_effect(obs__effects *effects, const char *source, obs__view key, const char *sha256,
                                        obs_error *error);

/* The audit record of a scope with a status and class of its own, as an effect. */
obs_status obs__client_record(obs__effects *effects, obs__scope *scope, const char *kind, obs_status outcome, obs_error *error);
/* What the first commit of a new tenant holds of the call that makes it: its audit record and its idempotency key. */
obs_status obs__client_record_birth(obs__effects *effects, const char *tenant, obs__scope *scope, obs_error *error);
/* The record without a commit of its own, as those of reads: durable within a second. */
void obs__client_note(const obs__scope *scope, const char *kind, obs_status outcome);

/* Option structs of an older or newer caller: what it knows is copied, the rest is zero. */
void obs__client_options(void *out, size_t size, const void *options);

#endif
