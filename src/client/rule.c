/* The state and the quotas of a tenant, as they lie in its database, and changing them. */
#include "client/rule.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/memory.h"

/*
 * The counters are kept by the database itself, in the transaction that changes what they count: no crash and no piece of
 * code can part them. Without a quota there is no row to count in, and no page is written for it.
 */
const char obs__rule_schema[] =
    "CREATE TABLE IF NOT EXISTS tenant_rule("
    " id INTEGER PRIMARY KEY CHECK(id = 1),"
    " state INTEGER NOT NULL,"    /* 0 active, 1 suspended, 2 being deleted, 3 deleted */
    " closed INTEGER NOT NULL,"   /* 1: reads are refused, too */
    " since_ns INTEGER NOT NULL," /* of the state */
    " subject INTEGER,"           /* who set it, a pseudonym of `subject` */
    " reason TEXT NOT NULL,"
    " most_bytes INTEGER, most_objects INTEGER, most_entries INTEGER, most_day INTEGER, most_minute INTEGER) STRICT;"
    "CREATE TABLE IF NOT EXISTS tenant_usage("
    " id INTEGER PRIMARY KEY CHECK(id = 1),"
    " bytes INTEGER NOT NULL, objects INTEGER NOT NULL, entries INTEGER NOT NULL,"
    " events INTEGER NOT NULL,"                                   /* published since it is counted */
    " day INTEGER NOT NULL, day_events INTEGER NOT NULL,"         /* of the last day with events, days since 1970 */
    " level INTEGER NOT NULL, level_ns INTEGER NOT NULL) STRICT;" /* of the minute's bucket: used millionths, and when */
    "CREATE TRIGGER IF NOT EXISTS tenant_entry_in AFTER INSERT ON entry BEGIN"
    " UPDATE tenant_usage SET bytes = bytes + new.size, objects = objects + (new.kind <> 'record'), entries = entries + 1;"
    " END;"
    "CREATE TRIGGER IF NOT EXISTS tenant_entry_out AFTER DELETE ON entry BEGIN"
    " UPDATE tenant_usage SET bytes = bytes - old.size, objects = objects - (old.kind <> 'record'), entries = entries - 1;"
    " END;"
    "CREATE TRIGGER IF NOT EXISTS tenant_entry_now AFTER UPDATE OF size, kind ON entry BEGIN"
    " UPDATE tenant_usage SET bytes = bytes - old.size + new.size,"
    " objects = objects - (old.kind <> 'record') + (new.kind <> 'record');"
    " END;"
    "CREATE TRIGGER IF NOT EXISTS tenant_event_in AFTER INSERT ON event BEGIN"
    " UPDATE tenant_usage SET events = events + 1;"
    " END;";

const char *const obs__quota_names[OBS__QUOTAS] = {"bytes", "objects", "entries", "events_per_day", "events_per_minute"};

int obs__rule_has_quota(const obs__rule *rule)
{
    for (int i = 0; i < OBS__QUOTAS; i++)
        if (rule->most[i] >= 0)
            return 1;
    return 0;
}

/* ---- Reading. ---- */

static void take_text(char *out, size_t size, sqlite3_stmt *row, int column)
{
    const char *text = (const char *)sqlite3_column_text(row, column);
    snprintf(out, size, "%s", text ? text : "");
}

static void take_rule(obs__rule *out, sqlite3_stmt *row)
{
    out->state = (obs__tenant_state)sqlite3_column_int(row, 0);
    out->closed = sqlite3_column_int(row, 1);
    out->since_ns = sqlite3_column_int64(row, 2);
    take_text(out->by, sizeof out->by, row, 3);
    take_text(out->reason, sizeof out->reason, row, 4);
    for (int i = 0; i < OBS__QUOTAS; i++)
        out->most[i] = sqlite3_column_type(row, 5 + i) == SQLITE_NULL ? -1 : sqlite3_column_int64(row, 5 + i);
    out->counted = sqlite3_column_type(row, 10) != SQLITE_NULL;
    for (int i = 0; i < OBS__QUOTAS; i++)
        out->used[i] = sqlite3_column_int64(row, 10 + i);
}

obs_status obs__rule_read(obs__rule *out, obs__journal *journal, obs_error *error)
{
    static const char sql[] =
        "SELECT r.state, r.closed, r.since_ns, s.subject, r.reason, most_bytes, most_objects, most_entries, most_day,"
        " most_minute, u.bytes, u.objects, u.entries, CASE WHEN u.day = ?1 / 86400000000000 THEN u.day_events ELSE 0 END,"
        " max(0, u.level - max(0, ?1 - u.level_ns) / 60000 * most_minute) / 1000000"
        " FROM tenant_rule r LEFT JOIN tenant_usage u ON u.id = r.id LEFT JOIN subject s ON s.pseudonym = r.subject";
    obs__snapshot *snapshot;
    sqlite3_stmt *row;
    *out = (obs__rule){.most = {-1, -1, -1, -1, -1}};
    obs_status status = obs__snapshot_begin(&snapshot, journal, error);
    if (status != OBS_OK)
        return status;
    status = obs__snapshot_statement(&row, snapshot, sql, error);
    if (status == OBS_OK) {
        sqlite3_bind_int64(row, 1, obs__now_ns());
        int code = sqlite3_step(row);
        if (code == SQLITE_ROW)
            take_rule(out, row);
        else if (code != SQLITE_DONE)
            status = obs__sqlite_fail(error, obs__snapshot_database(snapshot), code, "cannot read the rules of the tenant");
        sqlite3_reset(row);
    }
    obs__snapshot_end(snapshot);
    return status;
}

/* ---- Changing. ---- */

struct change {
    obs__effect effect;
    obs__rule_change is;
    int64_t time_ns;
};

static const char add_rule[] =
    "INSERT INTO tenant_rule(id, state, closed, since_ns, reason) VALUES(1, 0, 0, 0, '') ON CONFLICT DO NOTHING";
/* All that a quota is measured by, from what it counts; what was published today goes on if it was counted before. */
static const char count_again[] =
    "INSERT INTO tenant_usage(id, bytes, objects, entries, events, day, day_events, level, level_ns)"
    " SELECT 1, coalesce(sum(size), 0), coalesce(sum(kind <> 'record'), 0), count(*), 0, 0, 0, 0, 0 FROM entry WHERE true"
    " ON CONFLICT DO UPDATE SET bytes = excluded.bytes, objects = excluded.objects, entries = excluded.entries";
static const char count_first[] =
    "INSERT INTO tenant_usage(id, bytes, objects, entries, events, day, day_events, level, level_ns)"
    " SELECT 1, coalesce(sum(size), 0), coalesce(sum(kind <> 'record'), 0), count(*), 0, 0, 0, 0, 0 FROM entry"
    " WHERE NOT EXISTS (SELECT 1 FROM tenant_usage) ON CONFLICT DO NOTHING";
static const char forget_count[] = "DELETE FROM tenant_usage WHERE (SELECT coalesce(most_bytes, most_objects, most_entries,"
                                   " most_day, most_minute) FROM tenant_rule) IS NULL";

static obs_status run(obs__txn *txn, const char *sql, obs_error *error)
{
    sqlite3_stmt *statement;
    obs_status status = obs__txn_statement(&statement, txn, sql, error);
    return status == OBS_OK ? obs__txn_run(txn, statement, error) : status;
}

/* A deleted tenant stays deleted. */
static obs_status check_state(const struct change *self, obs__txn *txn, obs_error *error)
{
    sqlite3_stmt *row;
    obs_status status = obs__txn_statement(&row, txn, "SELECT state FROM tenant_rule", error);
    if (status != OBS_OK)
        return status;
    int state = sqlite3_step(row) == SQLITE_ROW ? sqlite3_column_int(row, 0) : OBS__ACTIVE;
    sqlite3_reset(row);
    if (state < OBS__DELETING || (!self->is.quotas_only && self->is.state >= OBS__DELETING))
        return OBS_OK;
    return obs__fail(error, OBS_FAILED_PRECONDITION, "tenant '%.63s' was deleted: only its audit trail is left",
                     self->is.tenant);
}

static obs_status change_quotas(const struct change *self, obs__txn *txn, obs_error *error)
{
    static const char sql[] = "UPDATE tenant_rule SET most_bytes = iif(?1, nullif(?1, -1), most_bytes),"
                              " most_objects = iif(?2, nullif(?2, -1), most_objects),"
                              " most_entries = iif(?3, nullif(?3, -1), most_entries),"
                              " most_day = iif(?4, nullif(?4, -1), most_day),"
                              " most_minute = iif(?5, nullif(?5, -1), most_minute)";
    static const char any[] = "SELECT 1 FROM tenant_rule WHERE"
                              " coalesce(most_bytes, most_objects, most_entries, most_day, most_minute) IS NOT NULL";
    sqlite3_stmt *statement;
    obs_status status = obs__txn_statement(&statement, txn, sql, error);
    if (status != OBS_OK)
        return status;
    for (int i = 0; i < OBS__QUOTAS; i++)
        sqlite3_bind_int64(statement, i + 1, self->is.most[i]);
    status = obs__txn_run(txn, statement, error);
    if (status == OBS_OK)
        status = obs__txn_statement(&statement, txn, any, error);
    if (status != OBS_OK)
        return status;
    int code = sqlite3_step(statement);
    sqlite3_reset(statement);
    return run(txn, code == SQLITE_ROW ? count_first : forget_count, error);
}

static obs_status change_state(const struct change *self, obs__txn *txn, obs_error *error)
{
    static const char sql[] =
        "UPDATE tenant_rule SET since_ns = iif(state = ?1, since_ns, ?3), state = ?1, closed = ?2, reason = ?4,"
        " subject = iif(?1 = 0, NULL, (SELECT pseudonym FROM subject WHERE subject = ?5))";
    sqlite3_stmt *statement;
    obs_status status = obs__txn_statement(&statement, txn, sql, error);
    if (status != OBS_OK)
        return status;
    sqlite3_bind_int(statement, 1, (int)self->is.state);
    sqlite3_bind_int(statement, 2, self->is.closed);
    sqlite3_bind_int64(statement, 3, self->is.state == OBS__ACTIVE ? 0 : self->time_ns);
    sqlite3_bind_text(statement, 4, self->is.reason ? self->is.reason : "", -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 5, self->is.subject, -1, SQLITE_STATIC);
    return obs__txn_run(txn, statement, error);
}

static obs_status apply_change(obs__effect *effect, obs__txn *txn, obs_error *error)
{
    const struct change *self = (const struct change *)effect;
    obs_status status = check_state(self, txn, error);
    if (status == OBS_OK)
        status = run(txn, add_rule, error);
    if (status == OBS_OK)
        status = (self->is.quotas_only ? change_quotas : change_state)(self, txn, error);
    return status;
}

static void free_effect(obs__effect *effect)
{
    obs__free(effect);
}

obs_status obs__rule_effect(obs__effects *effects, const obs__rule_change *change, obs_error *error)
{
    static const obs__effect_ops ops = {.apply = apply_change, .free = free_effect, .repeatable = 1};
    struct change *self = obs__alloc(sizeof *self);
    if (!self)
        return obs__fail_memory(error);
    *self = (struct change){{&ops, NULL}, *change, obs__now_ns()};
    obs__effects_add(effects, &self->effect);
    return OBS_OK;
}

static obs_status apply_recount(obs__effect *effect, obs__txn *txn, obs_error *error)
{
    (void)effect;
    return run(txn, count_again, error);
}

obs_status obs__rule_recount_effect(obs__effects *effects, obs_error *error)
{
    static const obs__effect_ops ops = {.apply = apply_recount, .free = free_effect, .repeatable = 1};
    obs__effect *effect = obs__calloc(1, sizeof *effect);
    if (!effect)
        return obs__fail_memory(error);
    effect->ops = &ops;
    obs__effects_add(effects, effect);
    return OBS_OK;
}
