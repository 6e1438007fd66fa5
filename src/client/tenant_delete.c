/*
 * Deleting a tenant. One commit says that it is deleted, with the record of the call; from then on nobody reads or changes its
 * data. What follows only frees space, and can be done again from any moment: by the same call, or by a repair of the
 * workspace.
 *
 *     1. all rows but those of the audit trail, in one commit; then the database is written anew without them
 *     2. the files of its store
 *     3. a commit that says that nothing is left to do
 *
 * Rows come before files: among them are those by which a recovery would make files again. The folder stays, with the audit
 * trail in its database, so that proofs still hold and a new tenant can never take the name, which old tokens have.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/memory.h"
#include "client/client.h"
#include "client/rule.h"
#include "client/tenant.h"

#define REMOVAL_TRIES 8

/* ---- The rows. ---- */

struct clearing {
    obs__effect effect;
    sqlite3 *database;
    int *code; /* of the caller, who waits */
};

static obs_status run(sqlite3 *database, const char *sql, obs_error *error)
{
    int code = sqlite3_exec(database, sql, NULL, NULL, NULL);
    return code == SQLITE_OK ? OBS_OK : obs__sqlite_fail(error, database, code, "cannot remove the rows of the tenant");
}

/* `DELETE FROM "x";` for every table but those of the audit trail and of the tenant itself; of the full text apart. */
static obs_status list_tables(obs__builder *out, obs__txn *txn, obs_error *error)
{
    static const char sql[] =
        "SELECT printf('DELETE FROM \"%w\";', name) FROM sqlite_master WHERE type = 'table'"
        " AND name NOT IN ('audit_leaf', 'audit_clear', 'subject', 'tenant', 'tenant_rule', 'idempotency')"
        " AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name NOT LIKE 'entry\\_text%' ESCAPE '\\'";
    sqlite3_stmt *row;
    int code;
    obs_status status = obs__txn_statement(&row, txn, sql, error);
    if (status != OBS_OK)
        return status;
    while ((code = sqlite3_step(row)) == SQLITE_ROW) {
        const char *text = (const char *)sqlite3_column_text(row, 0);
        obs__add_text(out, text ? text : "");
    }
    if (code != SQLITE_DONE)
        status = obs__sqlite_fail(error, obs__txn_database(txn), code, "cannot read the tables of the tenant");
    sqlite3_reset(row);
    obs__add_char(out, '\0');
    return status == OBS_OK ? obs__builder_status(out, error) : status;
}

/* Without the triggers a table is emptied page by page and not row by row. */
static obs_status apply_clearing(obs__effect *effect, obs__txn *txn, obs_error *error)
{
    static const char before[] =
        "DROP TRIGGER IF EXISTS tenant_entry_in; DROP TRIGGER IF EXISTS tenant_entry_out;"
        "DROP TRIGGER IF EXISTS tenant_entry_now; DROP TRIGGER IF EXISTS tenant_event_in;"
        "INSERT INTO entry_text(entry_text) VALUES('delete-all');"
        "UPDATE tenant_rule SET most_bytes = NULL, most_objects = NULL, most_entries = NULL, most_day = NULL,"
        " most_minute = NULL;";
    struct clearing *self = (struct clearing *)effect;
    obs__builder tables;
    self->database = obs__txn_database(txn);
    obs__builder_init(&tables, 65536);
    obs_status status = list_tables(&tables, txn, error);
    if (status == OBS_OK)
        status = run(self->database, before, error);
    if (status == OBS_OK)
        status = run(self->database, tables.data, error);
    if (status == OBS_OK)
        status = run(self->database, obs__rule_schema, error);
    obs__builder_free(&tables);
    return status;
}

/* Behind the commit and still under the lock of the one writer: the file is written anew, and the log emptied. */
static void finish_clearing(obs__effect *effect)
{
    struct clearing *self = (struct clearing *)effect;
    *self->code = sqlite3_exec(self->database, "VACUUM", NULL, NULL, NULL);
    sqlite3_wal_checkpoint_v2(self->database, "main", SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
}

static void free_clearing(obs__effect *effect)
{
    obs__free(effect);
}

static obs_status clear_rows(obs__journal *journal, const obs__limit *limit, obs_error *error)
{
    static const obs__effect_ops ops = {.apply = apply_clearing, .finish = finish_clearing, .free = free_clearing};
    obs__effects effects = {0};
    int code = SQLITE_OK;
    struct clearing *self = obs__calloc(1, sizeof *self);
    if (!self)
        return obs__fail_memory(error);
    *self = (struct clearing){{&ops, NULL}, NULL, &code};
    obs__effects_add(&effects, &self->effect);
    obs_status status = obs__journal_commit(journal, &effects, limit, error);
    obs__effects_free(&effects);
    if (status != OBS_OK || code == SQLITE_OK)
        return status;
    return obs__fail(error, (code & 0xFF) == SQLITE_FULL ? OBS_NO_SPACE : OBS_UNAVAILABLE,
                     "the tenant is deleted, but its database could not be made smaller (%s): do the same once more",
                     sqlite3_errstr(code));
}

/* ---- The files. ---- */

/* How many entries the folder still has after all were removed that could be; -1: there is none. The folder itself stays, with
 * its group and rights, so that the tenant can still be opened for its audit trail. */
static int empty_folder(const char *path)
{
    struct dirent **entries = NULL;
    int count = scandir(path, &entries, NULL, NULL), left = 0;
    for (int i = 0; i < count; i++) {
        char *inner = NULL;
        int is_inner = strcmp(entries[i]->d_name, ".") != 0 && strcmp(entries[i]->d_name, "..") != 0;
        if (is_inner && asprintf(&inner, "%s/%s", path, entries[i]->d_name) >= 0) {
            obs__remove_folder(inner);
            left += faccessat(AT_FDCWD, inner, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
            free(inner);
        } else
            left += is_inner;
        free(entries[i]);
    }
    free(entries);
    return count < 0 ? -1 : left;
}

/* A call that was under way when the tenant was deleted may still be writing what it may no longer commit. */
static obs_status remove_files(const char *path, const obs__limit *limit, obs_error *error)
{
    obs_status status = OBS_OK;
    int left = 1;
    for (int tries = 0; status == OBS_OK && left > 0 && tries < REMOVAL_TRIES; tries++) {
        left = empty_folder(path);
        status = obs__limit_check(limit, error);
    }
    if (status == OBS_OK && left > 0)
        status = obs__fail(error, OBS_UNAVAILABLE,
                           "the tenant is deleted, but not all could be removed from '%s': do the same once more", path);
    return status;
}

static obs_status remove_store(const obs__workspace *workspace, const char *name, const obs__limit *limit, obs_error *error)
{
    char *path = NULL, *url = obs__tenant_store(workspace, name);
    if (!url)
        return obs__fail_memory(error);
    obs_status status = OBS_OK;
    int is_absolute = strncmp(url, "file:/", 6) == 0;
    if (strncmp(url, "file:", 5) == 0) {
        int size = asprintf(&path, "%s%s%s", is_absolute ? "" : workspace->folder, is_absolute ? "" : "/", url + 5);
        status = size < 0 ? obs__fail_memory(error) : remove_files(path, limit, error);
        if (size >= 0)
            free(path);
    }
    free(url);
    return status;
}

/* ---- All of it. ---- */

static obs_status apply_end(obs__effect *effect, obs__txn *txn, obs_error *error)
{
    sqlite3_stmt *statement;
    (void)effect;
    obs_status status = obs__txn_statement(&statement, txn, "UPDATE tenant_rule SET state = 3 WHERE state = 2", error);
    return status == OBS_OK ? obs__txn_run(txn, statement, error) : status;
}

/* The effect is the caller's own. */
static void keep(obs__effect *effect)
{
    (void)effect;
}

obs_status obs__tenant_clear(const obs__workspace *workspace, const char *name, obs__journal *journal, const obs__limit *limit,
                             obs_error *error)
{
    static const obs__effect_ops ops = {.apply = apply_end, .free = keep, .repeatable = 1};
    obs__effect end = {.ops = &ops};
    obs__effects effects = {0};
    obs_status status = clear_rows(journal, limit, error);
    if (status == OBS_OK)
        status = remove_store(workspace, name, limit, error);
    obs__effects_add(&effects, &end);
    if (status == OBS_OK)
        status = obs__journal_commit(journal, &effects, limit, error);
    obs__effects_free(&effects);
    return status;
}

static obs_status mark(obs__scope *scope, const char *name, const char *reason, obs__journal *journal, obs_error *error)
{
    obs__effects effects = {0};
    const obs__rule_change change = {
        .state = OBS__DELETING, .closed = 1, .tenant = name, .subject = scope->subject, .reason = reason};
    obs_status status = obs__rule_effect(&effects, &change, error);
    if (status == OBS_OK)
        status = obs__tenant_commit(scope, name, journal, &effects, error);
    obs__effects_free(&effects);
    return status;
}

static obs_status delete_open(obs_client *client, obs__scope *scope, const char *name, const char *reason,
                              obs__journal *journal, obs_error *error)
{
    obs__rule rule;
    obs_status status = obs__rule_read(&rule, journal, error);
    if (status == OBS_OK && scope->idempotency_key)
        status = obs__repeat_find(&scope->repeated, journal, scope->idempotency_key, scope->action, error);
    if (status != OBS_OK)
        return status;
    if (rule.state == OBS__DELETED)
        return scope->repeated ? OBS_OK
                               : obs__fail(error, OBS_FAILED_PRECONDITION,
                                           "tenant '%s' was deleted already: only its audit trail is left", name);
    if (rule.state != OBS__DELETING)
        status = mark(scope, name, reason, journal, error);
    while (status == OBS_OK) {
        status = obs__tenant_clear(client->gate->workspace, name, journal, &scope->limit, error);
        if (!obs__gate_spare(scope, status))
            break;
        status = OBS_OK;
    }
    return status;
}

static obs_status check_name(obs_client *client, const char *name, const char *confirm, obs_error *error)
{
    if (!confirm || strcmp(confirm, name) != 0)
        return obs__fail(error, OBS_INVALID_ARGUMENT,
                         "deleting tenant '%.63s' cannot be taken back: confirm it with its name, as in --yes %.63s", name,
                         name);
    if (strcmp(name, OBS__DEFAULT_TENANT) == 0)
        return obs__fail(error, OBS_FAILED_PRECONDITION,
                         "the tenant 'default' goes with its workspace: remove the folder of the workspace instead");
    if (strcmp(name, client->gate->tenant) == 0)
        return obs__fail(error, OBS_FAILED_PRECONDITION,
                         "this client is of tenant '%s' itself: delete it through one of another tenant", name);
    return OBS_OK;
}

obs_status obs_tenant_delete(obs_client *client, const char *name, const obs_tenant_options *options, obs_error *error)
{
    obs__scope scope;
    obs_tenant_options wanted;
    obs__journal *journal = NULL;
    if (!client || !name)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "client and name are required");
    obs__client_options(&wanted, sizeof wanted, options);
    obs_status status = obs__tenant_reason(wanted.reason, error);
    if (status != OBS_OK)
        return status;
    status = obs__gate_enter(&scope, &client->gate->gate, OBS__CHANGE, "tenant.delete", name, OBS_TEXT, wanted.call, error);
    if (status != OBS_OK)
        return status;
    status = check_name(client, name, wanted.confirm, error);
    if (status == OBS_OK)
        status = obs__tenant_journal(&journal, client, name, &scope, error);
    if (status == OBS_OK)
        status = delete_open(client, &scope, name, wanted.reason, journal, error);
    obs__journal_free(journal);
    return obs__gate_leave(&scope, status, error);
}
