#include "audit/log_fixture.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "audit/audit.h"
#include "base/clock.h"
#include "support.h"

static obs_error error;

static obs_status each(void *user, obs__tenant_visit *visit, void *visitor, obs_error *failed)
{
    log_fixture *fixture = user;
    obs_status status = OBS_OK;
    for (size_t i = 0; i < fixture->count && status == OBS_OK; i++) {
        if (fixture->visited)
            fixture->visited(fixture->names[i], 0);
        status = visit(visitor, fixture->names[i], fixture->journals[i], failed);
        if (fixture->visited)
            fixture->visited(fixture->names[i], 1);
    }
    return status;
}

void log_open(log_fixture *out, const char *folder)
{
    memset(out, 0, sizeof *out);
    obs_error_init(&error, sizeof error);
    out->workspace = test_path(folder, "work");
    out->state = test_path(folder, "state");
    mkdir(out->workspace, 0700);
    mkdir(test_path(out->workspace, "tenants"), 0700);
    obs__log_origin(out->origin, "0198aaaa-0000-7000-8000-000000000001");
    out->place = (obs__log_place){.workspace = out->workspace, .state = out->state, .origin = out->origin};
    out->tenants = (obs__tenants){each, out};
}

void log_close(log_fixture *fixture)
{
    for (size_t i = 0; i < fixture->count; i++)
        obs__journal_free(fixture->journals[i]);
    fixture->count = 0;
}

void log_tenant(log_fixture *fixture, const char *name)
{
    const char *schemas[] = {obs__audit_schema, NULL};
    obs__limit limit = obs__limit_in(120000, NULL);
    const char *folder = test_path(test_path(fixture->workspace, "tenants"), name);
    struct stat found;
    obs__journal_options options = {.folder = folder, .schemas = schemas, .create = stat(folder, &found) != 0};
    mkdir(folder, 0700);
    ck_assert_uint_lt(fixture->count, LOG_TENANTS);
    ck_assert_ok(obs__journal_open(&fixture->journals[fixture->count], &options, &limit, &error));
    fixture->names[fixture->count++] = name;
}

static obs__journal *journal_of(const log_fixture *fixture, const char *tenant)
{
    for (size_t i = 0; i < fixture->count; i++)
        if (strcmp(fixture->names[i], tenant) == 0)
            return fixture->journals[i];
    ck_abort_msg("there is no tenant %s", tenant);
    return NULL;
}

void log_commit(log_fixture *fixture, const char *tenant, unsigned count)
{
    obs__effects effects = {0};
    obs__limit limit = obs__limit_in(120000, NULL);
    char subject[80], object[32];
    snprintf(subject, sizeof subject, "user:%s", tenant);
    for (unsigned i = 0; i < count; i++) {
        int size = snprintf(object, sizeof object, "raw/%u", i);
        obs__audit_record record = {.time_ns = obs__now_ns() - fixture->age_ns,
                                    .kind = "change",
                                    .action = "store.put",
                                    .subject = subject,
                                    .object = {object, (size_t)size},
                                    .client = "test",
                                    .trace = "4bf92f3577b34da6a3ce929d0e0e4736",
                                    .bytes = i,
                                    .count = 1};
        ck_assert_ok(obs__audit_effect(&effects, tenant, &record, &error));
    }
    ck_assert_ok(obs__journal_commit(journal_of(fixture, tenant), &effects, &limit, &error));
    obs__effects_free(&effects);
}

obs_status log_sequence(log_fixture *fixture, obs__sequenced *out, obs_error *failed)
{
    obs__limit limit = obs__limit_in(120000, NULL);
    return obs__audit_sequence_now(out, &fixture->place, &fixture->tenants, &limit, failed);
}

const char *log_file(const log_fixture *fixture, const char *name)
{
    return test_path(fixture->workspace, name);
}

const char *log_state(const log_fixture *fixture, const char *name)
{
    return test_path(fixture->state, name);
}

static void run(const char *format, const char *first, const char *second)
{
    char command[1024];
    snprintf(command, sizeof command, format, first, second);
    ck_assert_int_eq(system(command), 0);
}

void log_copy(const char *from, const char *to)
{
    run("cp -a '%s' '%s'", from, to);
}

void log_remove(const char *path)
{
    run("rm -rf '%s'%s", path, "");
}

void log_sql(const char *workspace, const char *tenant, const char *sql)
{
    sqlite3 *database;
    char name[80];
    snprintf(name, sizeof name, "tenants/%s/tenant.db", tenant);
    ck_assert_int_eq(sqlite3_open(test_path(workspace, name), &database), SQLITE_OK);
    ck_assert_msg(sqlite3_exec(database, sql, NULL, NULL, NULL) == SQLITE_OK, "%s: %s", sql, sqlite3_errmsg(database));
    sqlite3_close(database);
}
