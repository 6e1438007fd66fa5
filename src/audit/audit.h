/* What the client wires from the audit module; the public side is <obs/audit.h>. */
#ifndef OBS_AUDIT_AUDIT_H
#define OBS_AUDIT_AUDIT_H

#include <obs/audit.h>

#include "journal/gate.h"

/* Tables `audit_leaf`, `audit_clear`, `subject`. */
extern const char obs__audit_schema[];

/* One audit record. All borrowed. */
typedef struct obs__audit_record {
    int64_t time_ns;
    const char *kind; /* "change", "read", "refusal", "grant", "login", "config" */
    const char *action;
    obs_status status;
    const char *subject; /* for whom: "user:ada" */
    const char *actor;   /* who did it for them, when somebody else; or "" */
    obs__view object;
    const char *client; /* program and address: "loader/1.0 pid 4711" */
    const char *trace;  /* 32 digits */
    uint64_t bytes;
    uint64_t count; /* how many equal calls it stands for (reads) */
    /* Fail-open: when its rows cannot be written the rest of the commit goes on, and the loss is counted here; else NULL. */
    obs_audit *lossy;
} obs__audit_record;

obs_status obs__audit_open(obs_audit **out, obs__gate *gate, obs_error *error);
/* Writes what was noted since the last flush, without much waiting. */
void obs__audit_free(obs_audit *audit);

/* Where the log of the workspace is, for an audit trail whose process may write it: taken over, at most once. */
struct obs__schedule;
void obs__audit_attach(obs_audit *audit, struct obs__schedule *schedule);
/* NULL where the process has no part in the log: another account has its key. */
struct obs__schedule *obs__audit_log(const obs_audit *audit);
/* How the log is, in words for health: how old the checkpoint is, what waits, what was lost. Not OBS_OK when it does not go
 * on. */
obs_status obs__audit_health(obs_audit *audit, obs__builder *text, obs_error *error);
/* The same of a tenant as numbers, for metrics. `log` may be NULL. */
typedef struct obs__audit_numbers {
    int64_t records; /* ever */
    int64_t waiting; /* for the log; -1: not known here */
    int64_t gaps;
    int64_t lost; /* calls, in the gaps */
} obs__audit_numbers;
obs_status obs__audit_measure(obs__audit_numbers *out, const struct obs__schedule *log, obs__journal *journal,
                              const char *tenant, obs_error *error);
/* Records are being committed, other than by obs__audit_note(). */
void obs__audit_count(obs_audit *audit, unsigned count);

/* Whether a call is refused when its record, of this class, cannot be written: the policy, at most a second old. */
int obs__audit_is_closed(obs_audit *audit, const char *kind);
/* Records that could not be written: the loss is itself recorded as soon as that can be. */
void obs__audit_lose(obs_audit *audit, uint64_t count);

/* The record as an effect: the leaf with its salted commitments, the clear values beside it. */
obs_status obs__audit_effect(obs__effects *effects, const char *tenant, const obs__audit_record *record, obs_error *error);

/* Reads: noted in memory, equal ones counted together, durable within a second by the keeper thread or with the next
 * commit; a note that finds no room is counted as lost and the loss is itself recorded. Never blocks on the disk. */
void obs__audit_note(obs_audit *audit, const obs__audit_record *record);
/* Writes what was noted; called by the keeper, before queries, and at close. */
obs_status obs__audit_flush(obs_audit *audit, const obs__limit *limit, obs_error *error);
/* The same for a call that wants to see all of it: on a full disk with what the reserve gives that call. */
obs_status obs__audit_flush_for(obs_audit *audit, obs__scope *scope, obs_error *error);

#endif
