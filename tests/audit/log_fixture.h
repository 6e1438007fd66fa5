/* A workspace with tenants that have nothing but an audit trail, and the log of it all. */
#ifndef OBS_TESTS_AUDIT_LOG_FIXTURE_H
#define OBS_TESTS_AUDIT_LOG_FIXTURE_H

#include "audit/sequence.h"

#define LOG_TENANTS 8

typedef struct log_fixture {
    const char *workspace;
    const char *state;
    char origin[OBS__LOG_ORIGIN_SIZE];
    obs__log_place place;
    obs__tenants tenants;
    const char *names[LOG_TENANTS];
    obs__journal *journals[LOG_TENANTS];
    size_t count;
    /* Called before (0) and after (1) a tenant is visited; may be NULL. */
    void (*visited)(const char *tenant, int after);
    int64_t age_ns; /* records are committed as if so long ago */
} log_fixture;

/* In a new folder, or one that log_path() of another fixture gave. Tenants are made with log_tenant(). */
void log_open(log_fixture *out, const char *folder);
void log_close(log_fixture *fixture);
void log_tenant(log_fixture *fixture, const char *name);
/* Commits records of a tenant; the subject is `user:<name of the tenant>`. */
void log_commit(log_fixture *fixture, const char *tenant, unsigned count);
obs_status log_sequence(log_fixture *fixture, obs__sequenced *out, obs_error *error);
/* `folder/name` of the workspace or state. */
const char *log_file(const log_fixture *fixture, const char *name);
const char *log_state(const log_fixture *fixture, const char *name);
/* Copies a folder as `cp -a` does; `to` must not exist. */
void log_copy(const char *from, const char *to);
void log_remove(const char *path);
/* Runs SQL on a tenant's database behind the library's back. The tenant's journal must be closed: log_close() first. */
void log_sql(const char *workspace, const char *tenant, const char *sql);

#endif
