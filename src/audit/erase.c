/*
 * Erasing a person from the trails of all tenants: one commit in each, that also holds the record of it, which names the
 * person by pseudonym only. Leaves stay as they are, and so does every proof.
 *
 * SQLite leaves deleted bytes where they were. So it is told to overwrite what this change deletes, the indexes over clear
 * values are written anew (splitting a page leaves copies), and the write-ahead log is emptied afterwards, also when a commit
 * before was cut off from it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "audit/leaf.h"
#include "audit/schedule.h"
#include "audit/trail.h"
#include "base/error.h"
#include "base/memory.h"

#define RETRY_MS 20

struct erasing {
    obs_audit *audit;
    obs__scope *scope;
    obs__view subject;
    uint64_t tenants;
    uint64_t count;
};

/* ---- One tenant's rows. ---- */

struct erasure {
    obs__effect effect;
    int64_t pseudonym;
    obs__view subject; /* of the caller, who waits */
    uint64_t *count;
};

/* Runs a statement with the pseudonym as ?1 and the subject as ?2, as far as it has them. */
static obs_status run(const struct erasure *self, obs__txn *txn, const char *sql, uint64_t *count, obs_error *error)
{
    sqlite3_stmt *statement;
    obs_status status = obs__txn_statement(&statement, txn, sql, error);
    if (status != OBS_OK)
        return status;
    int parameters = sqlite3_bind_parameter_count(statement);
    if (parameters > 0)
        sqlite3_bind_int64(statement, 1, self->pseudonym);
    if (parameters > 1)
        sqlite3_bind_text(statement, 2, self->subject.data, (int)self->subject.size, SQLITE_STATIC);
    status = obs__txn_run(txn, statement, error);
    if (status == OBS_OK && count)
        *count += (uint64_t)sqlite3_changes(obs__txn_database(txn));
    return status;
}

static obs_status erase_rows(const struct erasure *self, obs__txn *txn, obs_error *error)
{
    static const char of_person[] = "UPDATE audit_clear SET"
                                    " subject_salt = CASE WHEN subject = ?1 THEN NULL ELSE subject_salt END,"
                                    " actor_salt = CASE WHEN actor = ?1 THEN NULL ELSE actor_salt END,"
                                    " object = NULL, object_salt = NULL, client = NULL, client_salt = NULL"
                                    " WHERE subject = ?1 OR actor = ?1";
    static const char about_person[] = "UPDATE audit_clear SET object = NULL, object_salt = NULL WHERE ?1 AND object = ?2";
    static const char person[] = "DELETE FROM subject WHERE pseudonym = ?1";
    static const char again[][64] = {"REINDEX subject", "REINDEX audit_clear_object"};
    obs_status status = run(self, txn, of_person, self->count, error);
    if (status == OBS_OK)
        status = run(self, txn, about_person, self->count, error);
    if (status == OBS_OK)
        status = run(self, txn, person, NULL, error);
    for (size_t i = 0; i < 2 && status == OBS_OK; i++)
        status = run(self, txn, again[i], NULL, error);
    return status;
}

obs_status obs__audit_overwrite(obs__txn *txn, int on, obs_error *error)
{
    sqlite3 *database = obs__txn_database(txn);
    int code = sqlite3_exec(database, on ? "PRAGMA secure_delete=ON" : "PRAGMA secure_delete=OFF", NULL, NULL, NULL);
    return code == SQLITE_OK ? OBS_OK : obs__sqlite_fail(error, database, code, "cannot overwrite what is erased");
}

static obs_status apply_erasure(obs__effect *effect, obs__txn *txn, obs_error *error)
{
    const struct erasure *self = (const struct erasure *)effect;
    *self->count = 0; /* a batch may be applied again */
    obs_status status = obs__audit_overwrite(txn, 1, error);
    if (status == OBS_OK)
        status = erase_rows(self, txn, error);
    obs__audit_overwrite(txn, 0, NULL);
    return status;
}

static void free_effect(obs__effect *effect)
{
    obs__free(effect);
}

static obs_status add_erasure(obs__effects *effects, int64_t pseudonym, obs__view subject, uint64_t *count, obs_error *error)
{
    static const obs__effect_ops ops = {.apply = apply_erasure, .free = free_effect};
    struct erasure *self = obs__calloc(1, sizeof *self);
    if (!self)
        return obs__fail_memory(error);
    *self = (struct erasure){{&ops, NULL}, pseudonym, subject, count};
    obs__effects_add(effects, &self->effect);
    return OBS_OK;
}

/* ---- Emptying the write-ahead log. ---- */

struct emptying {
    obs__effect effect;
    sqlite3 *database;
    int *code; /* of the caller, who waits */
};

static obs_status apply_emptying(obs__effect *effect, obs__txn *txn, obs_error *error)
{
    (void)error;
    ((struct emptying *)effect)->database = obs__txn_database(txn);
    return OBS_OK;
}

/* Behind the commit and still under the writer lock: there are no other writers, but perhaps readers of what was before. */
static void finish_emptying(obs__effect *effect)
{
    struct emptying *self = (struct emptying *)effect;
    *self->code = sqlite3_wal_checkpoint_v2(self->database, "main", SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
}

static obs_status empty_once(int *code, obs__journal *journal, const obs__limit *limit, obs_error *error)
{
    static const obs__effect_ops ops = {.apply = apply_emptying, .finish = finish_emptying, .free = free_effect};
    obs__effects effects = {0};
    struct emptying *self = obs__calloc(1, sizeof *self);
    if (!self)
        return obs__fail_memory(error);
    *self = (struct emptying){{&ops, NULL}, NULL, code};
    *code = SQLITE_BUSY;
    obs__effects_add(&effects, &self->effect);
    obs_status status = obs__journal_commit(journal, &effects, limit, error);
    obs__effects_free(&effects);
    return status;
}

/* Moving the log into the database may need room in it. */
static int may_empty_again(obs__scope *scope, int code)
{
    return (code & 0xFF) == SQLITE_BUSY || (code & 0xFF) == SQLITE_LOCKED ||
           ((code & 0xFF) == SQLITE_FULL && obs__gate_spare(scope, OBS_NO_SPACE));
}

obs_status obs__audit_empty_log(obs__journal *journal, obs__scope *scope, obs_error *error)
{
    int code = SQLITE_BUSY, ready;
    obs_status status = empty_once(&code, journal, &scope->limit, error);
    while ((status == OBS_OK && may_empty_again(scope, code)) || obs__gate_spare(scope, status)) {
        status = obs__limit_wait(&scope->limit, -1, RETRY_MS, &ready, error);
        if (status == OBS_OK)
            status = empty_once(&code, journal, &scope->limit, error);
    }
    if (status == OBS_OK && code != SQLITE_OK)
        return obs__fail(error, OBS_UNAVAILABLE,
                         "removed, but the database's log still has the old bytes: do the same once more");
    return status;
}

/* ---- All tenants. ---- */

static obs_status look_up(int64_t *out, obs__snapshot *snapshot, obs__view subject, obs_error *error)
{
    sqlite3_stmt *statement;
    obs_status status =
        obs__snapshot_statement(&statement, snapshot, "SELECT pseudonym FROM subject WHERE subject = ?1", error);
    if (status != OBS_OK)
        return status;
    sqlite3_bind_text(statement, 1, subject.data, (int)subject.size, SQLITE_STATIC);
    int code = sqlite3_step(statement);
    *out = code == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        status = obs__sqlite_fail(error, obs__snapshot_database(snapshot), code, "cannot read who is in the audit trail");
    sqlite3_reset(statement);
    return status;
}

static obs_status find(int64_t *out, obs__journal *journal, obs__view subject, obs_error *error)
{
    obs__snapshot *snapshot;
    obs_status status = obs__snapshot_begin(&snapshot, journal, error);
    if (status != OBS_OK)
        return status;
    status = look_up(out, snapshot, subject, error);
    obs__snapshot_end(snapshot);
    return status;
}

static obs_status erase_found(struct erasing *erasing, const char *tenant, obs__journal *journal, int64_t pseudonym,
                              obs_error *error)
{
    char object[48];
    uint64_t count = 0;
    obs__effects effects = {0};
    obs__scope *scope = erasing->scope;
    snprintf(object, sizeof object, "pseudonym %" PRId64, pseudonym);
    scope->object = obs__view_of(object, OBS_TEXT);
    obs_status status = add_erasure(&effects, pseudonym, erasing->subject, &count, error);
    if (status == OBS_OK)
        status = scope->gate->ops->record_in(scope, tenant, &effects, error);
    if (status == OBS_OK)
        do
            status = obs__journal_commit(journal, &effects, &scope->limit, error);
        while (obs__gate_spare(scope, status));
    obs__effects_free(&effects);
    scope->object = (obs__view){"", 0};
    erasing->tenants += status == OBS_OK;
    erasing->count += status == OBS_OK ? count : 0;
    return status;
}

static obs_status erase_in(void *user, const char *tenant, obs__journal *journal, obs_error *error)
{
    struct erasing *erasing = user;
    int64_t pseudonym;
    obs_status status = find(&pseudonym, journal, erasing->subject, error);
    if (status == OBS_OK && pseudonym)
        status = erase_found(erasing, tenant, journal, pseudonym, error);
    return status == OBS_OK ? obs__audit_empty_log(journal, erasing->scope, error) : status;
}

/* The account's process has all tenants; another one's has only its own. */
static obs_status erase(struct erasing *erasing, obs_error *error)
{
    obs__schedule *log = obs__audit_log(erasing->audit);
    const obs__gate *gate = obs__audit_gate(erasing->audit);
    /* What this process noted of the person must not come afterwards. */
    obs_status status = obs__audit_flush_for(erasing->audit, erasing->scope, error);
    if (status != OBS_OK && status != OBS_NO_SPACE)
        return status;
    if (log && obs__schedule_tenants(log))
        status = obs__schedule_tenants(log)->each(obs__schedule_tenants(log)->user, erase_in, erasing, error);
    else
        status = erase_in(erasing, gate->tenant, gate->journal, error);
    if (status == OBS_OK && !erasing->tenants)
        status = obs__fail(error, OBS_NOT_FOUND, "this subject is not in the audit trail, or was erased already");
    return status;
}

obs_status obs_audit_erase(uint64_t *count, obs_audit *audit, const char *subject, const obs_call *call, obs_error *error)
{
    obs__scope scope;
    if (count)
        *count = 0;
    if (!audit || !subject || !*subject || strlen(subject) > OBS__AUDIT_VALUE_MAX)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "audit and subject are required, as in 'user:ada'");
    /* The person is not the object: its record would name whom it is about to forget. */
    obs_status status = obs__gate_enter(&scope, obs__audit_gate(audit), OBS__CHANGE, "audit.erase", NULL, 0, call, error);
    if (status != OBS_OK)
        return status;
    struct erasing erasing = {.audit = audit, .scope = &scope, .subject = obs__view_of(subject, OBS_TEXT)};
    if (!scope.repeated)
        status = erase(&erasing, error);
    if (count)
        *count = erasing.count;
    return obs__gate_leave(&scope, status, error);
}
