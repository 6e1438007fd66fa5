/* Checking a workspace: every object, row and checksum of all tenants. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "client/check.h"

#define ROWS_MAX ((size_t)64 << 20)

static const char restore_database[] = "restore tenant.db from a backup";

void obs__check_problem(obs__inspection *check, const char *tenant, const char *key, const char *problem, const char *remedy)
{
    obs__add_char(&check->rows, '{');
    obs__add_json_member(&check->rows, "tenant", tenant);
    obs__add_json_member(&check->rows, "key", key);
    obs__add_json_member(&check->rows, "problem", problem);
    obs__add_json_member(&check->rows, "remedy", remedy);
    obs__add_json_end(&check->rows);
    obs__add_char(&check->rows, '\n');
    check->problems++;
}

/* SQLite's check calls a page damaged for which it found no memory: SQLITE_NOMEM (7) or SQLITE_IOERR_NOMEM (3082). */
static int lacks_memory(const char *row)
{
    const char *at = strstr(row, "error code=");
    long code = at ? strtol(at + strlen("error code="), NULL, 10) : 0;
    return code == SQLITE_NOMEM || code == SQLITE_IOERR_NOMEM;
}

/* SQLite's own look at all pages and indexes; each row that is not "ok" is a problem. */
static obs_status check_database(obs__inspection *check, obs__gate *gate, obs_error *error)
{
    obs__snapshot *snapshot;
    sqlite3_stmt *statement = NULL;
    int code = SQLITE_DONE;
    obs_status status = obs__snapshot_begin(&snapshot, gate->journal, error);
    if (status != OBS_OK)
        return status;
    status = obs__snapshot_prepare(&statement, snapshot, "PRAGMA integrity_check", error);
    while (status == OBS_OK && (code = sqlite3_step(statement)) == SQLITE_ROW) {
        const char *text = (const char *)sqlite3_column_text(statement, 0);
        if (!text || lacks_memory(text)) {
            status = obs__fail_memory(error);
            break;
        }
        if (strcmp(text, "ok") != 0)
            obs__check_problem(check, gate->tenant, "tenant.db", text, restore_database);
        status = obs__limit_check(check->limit, error);
    }
    if (status == OBS_OK && (code & 0xFF) == SQLITE_NOMEM)
        status = obs__fail_memory(error);
    else if (status == OBS_OK && code != SQLITE_DONE)
        obs__check_problem(check, gate->tenant, "tenant.db", sqlite3_errmsg(obs__snapshot_database(snapshot)),
                           restore_database);
    sqlite3_finalize(statement);
    obs__snapshot_end(snapshot);
    return status;
}

obs_call obs__check_call(const obs__inspection *check)
{
    const obs__limit *limit = check->limit;
    obs_call call;
    obs_call_init(&call, sizeof call);
    int left = obs__limit_left_ms(limit, INT_MAX);
    call.timeout_ms = limit->end_ns == INT64_MAX ? -1 : left ? left : 1;
    call.cancel = limit->cancel;
    return call;
}

/* Reading an audit record compares its clear values with its leaf. */
static obs_status check_audit(obs__inspection *check, obs_client *client, obs_error *error)
{
    obs_rows *rows = NULL;
    const char *text = "";
    obs_error inner;
    obs_error_init(&inner, sizeof inner);
    obs_call call = obs__check_call(check);
    obs_audit_options options = {.size = sizeof options, .call = &call};
    obs_status status = obs_audit_query(&rows, obs_client_audit(client), &options, error);
    while (status == OBS_OK && text && (status = obs__limit_check(check->limit, error)) == OBS_OK)
        if (obs_rows_next(rows, &text, NULL, &inner) != OBS_OK) {
            if (inner.status != OBS_DATA_LOSS) {
                status = obs__copy_error(error, &inner);
                break;
            }
            obs__check_problem(check, client->gate->tenant, "audit", inner.message,
                               "the audit trail was changed: find out by whom");
            break;
        }
    obs_rows_free(rows);
    return status;
}

static obs_status check_store(obs__inspection *check, obs_client *client, obs_error *error)
{
    obs__store_counts counts = {0};
    obs_status status =
        obs__store_check(&check->rows, &counts, client->store, check->mode == OBS_CHECK_REPAIR, check->limit, error);
    check->objects += counts.objects;
    check->bytes += counts.bytes;
    check->problems += counts.problems;
    return status;
}

static obs_status check_rows(obs__inspection *check, obs_client *client, obs_error *error)
{
    return obs__check_records(check, &client->gate->gate, error);
}

static obs_status check_pages(obs__inspection *check, obs_client *client, obs_error *error)
{
    return check_database(check, &client->gate->gate, error);
}

static obs_status check_events(obs__inspection *check, obs_client *client, obs_error *error)
{
    char problem[256];
    int repair = check->mode == OBS_CHECK_REPAIR;
    obs_status status = obs__bus_check(problem, sizeof problem, &client->gate->gate, repair, check->limit, error);
    if (status == OBS_OK && *problem)
        obs__check_problem(check, client->gate->tenant, "events", problem,
                           repair ? "counted again" : "run 'obsctl workspace check --repair'");
    return status;
}

static obs_status count_records(obs__inspection *check, obs_client *client, obs_error *error)
{
    obs__catalog_counts counts = {0};
    obs_status status = obs__catalog_count(&counts, &client->gate->gate, error);
    check->records += counts.records;
    return status;
}

/* What a part finds damaged keeps nobody from the others. */
static obs_status check_client(obs__inspection *check, obs_client *client, obs_error *error)
{
    /* Objects before the store: what is mended there is well when the store is read. */
    static const struct {
        obs_status (*run)(obs__inspection *check, obs_client *client, obs_error *error);
        const char *key;
        const char *remedy;
    } parts[] = {{check_pages, "tenant.db", restore_database},       {obs__check_objects, "tenant.db", restore_database},
                 {check_store, "store", "restore it from a backup"}, {check_rows, "tenant.db", restore_database},
                 {check_audit, "tenant.db", restore_database},       {count_records, "tenant.db", restore_database},
                 {check_events, "tenant.db", restore_database},      {obs__check_quota, "tenant.db", restore_database}};
    obs_status status = OBS_OK;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0] && status == OBS_OK; i++) {
        obs_error inner;
        obs_error_init(&inner, sizeof inner);
        status = parts[i].run(check, client, &inner);
        if (status == OBS_DATA_LOSS) {
            obs__check_problem(check, client->gate->tenant, parts[i].key, inner.message, parts[i].remedy);
            status = OBS_OK;
        } else if (status != OBS_OK)
            obs__copy_error(error, &inner);
    }
    return status;
}

static obs_status check_tenant(void *user, const char *name, obs_error *error)
{
    obs__inspection *check = user;
    obs_client *client = NULL;
    obs_error inner;
    obs__client_gate *gate = check->client->gate;
    obs__client_plan plan = {.workspace = gate->workspace,
                             .tenant = name,
                             .subject = gate->subject,
                             .is_internal = 1,
                             .read_only = check->mode == OBS_CHECK_ONLY,
                             .limit = *check->limit,
                             .sibling = check->client};
    obs_error_init(&inner, sizeof inner);
    obs_status status = obs__client_make(&client, &plan, &inner);
    if (status == OBS_DATA_LOSS) {
        obs__check_problem(check, name, "tenant.db", inner.message, restore_database);
        return OBS_OK;
    }
    if (status != OBS_OK)
        return obs__copy_error(error, &inner);
    status = check_client(check, client, error);
    obs__client_release(client, check->limit);
    return status;
}

static void add_summary(obs__inspection *check)
{
    obs__add_char(&check->rows, '{');
    obs__add_json_integer(&check->rows, "objects", (int64_t)check->objects);
    obs__add_json_integer(&check->rows, "records", (int64_t)check->records);
    obs__add_json_integer(&check->rows, "bytes", (int64_t)check->bytes);
    obs__add_json_integer(&check->rows, "problems", (int64_t)check->problems);
    obs__add_json_end(&check->rows);
    obs__add_char(&check->rows, '\n');
}

obs_status obs_workspace_check(obs_rows **out, obs_client *client, obs_check_mode mode, const obs_call *call, obs_error *error)
{
    obs__scope scope;
    obs_buffer *lines = NULL;
    if (!out || !client || (mode != OBS_CHECK_ONLY && mode != OBS_CHECK_REPAIR))
        return obs__fail(error, OBS_INVALID_ARGUMENT, "out, client and a known mode are required");
    *out = NULL;
    obs__gate *gate = &client->gate->gate;
    if (mode == OBS_CHECK_REPAIR && gate->read_only)
        return obs__fail(error, OBS_FAILED_PRECONDITION, "this client is read-only");
    obs_status status = obs__gate_enter(&scope, gate, OBS__READ,
                                        mode == OBS_CHECK_ONLY ? "workspace.check" : "workspace.repair", NULL, 0, call, error);
    if (status != OBS_OK)
        return status;
    obs__inspection check = {.client = client, .mode = mode, .limit = &scope.limit};
    obs__builder_init(&check.rows, ROWS_MAX);
    do {
        check = (obs__inspection){.client = client, .mode = mode, .limit = &scope.limit, .rows = check.rows};
        obs__builder_clear(&check.rows);
        status = obs__tenant_each(client->gate->workspace, NULL, check_tenant, &check, error);
    } while (obs__gate_spare(&scope, status));
    if (status == OBS_OK) {
        add_summary(&check);
        status = obs__builder_finish(&lines, &check.rows, error);
    }
    if (status == OBS_OK)
        status = obs__rows_from_lines(out, lines, error);
    obs__builder_free(&check.rows);
    return obs__gate_leave(&scope, status, error);
}
