/* Consumers seen and changed from outside: what there is, pausing, resuming, removing. */
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/memory.h"
#include "event/bus_internal.h"
#include "event/manage.h"

#define ROWS_MAX ((size_t)64 << 20)

static const char *state_of(int64_t paused_ms, unsigned members)
{
    return paused_ms > obs__now_ns() / 1000000 ? "paused" : members ? "active" : "idle";
}

static void add_time(obs__builder *out, const char *name, int64_t ns, int known)
{
    char text[OBS__TIME_SIZE];
    obs__time_format(text, ns);
    obs__add_json_member(out, name, known ? text : NULL);
}

static void add_consumer(obs__builder *out, const obs__gate *gate, sqlite3_stmt *row)
{
    const char *name = (const char *)sqlite3_column_text(row, 0);
    int64_t paused_ms = sqlite3_column_int64(row, 2);
    unsigned members = obs__claims_count(gate, name);
    obs__add_char(out, '{');
    obs__add_json_member(out, "consumer", name);
    obs__add_json_member(out, "state", state_of(paused_ms, members));
    obs__add_json_integer(out, "members", members);
    obs__add_json_integer(out, "position", sqlite3_column_int64(row, 1));
    obs__add_json_integer(out, "behind", sqlite3_column_int64(row, 4));
    obs__add_json_integer(out, "retrying", sqlite3_column_int64(row, 5));
    obs__add_json_integer(out, "dead", sqlite3_column_int64(row, 6));
    add_time(out, "oldest", sqlite3_column_int64(row, 7), sqlite3_column_type(row, 7) != SQLITE_NULL);
    add_time(out, "until", paused_ms < INT64_MAX / 1000000 ? paused_ms * 1000000 : 0,
             paused_ms > obs__now_ns() / 1000000 && paused_ms != INT64_MAX);
    obs__add_json_member(out, "reason", (const char *)sqlite3_column_text(row, 3));
    obs__add_json_end(out);
    obs__add_char(out, '\n');
}

static obs_status read_consumers(obs__builder *out, const obs__gate *gate, obs_error *error)
{
    static const char sql[] =
        "SELECT name, position, paused_ms, reason,"
        " (SELECT count(*) FROM event WHERE sequence > position)"
        " - (SELECT count(*) FROM done WHERE done.consumer = name AND done.sequence > position),"
        " (SELECT count(*) FROM delivery WHERE delivery.consumer = name),"
        " (SELECT count(*) FROM dead WHERE dead.consumer = name),"
        " (SELECT time_ns FROM event WHERE sequence > position ORDER BY sequence LIMIT 1) FROM consumer ORDER BY name";
    obs__snapshot *snapshot = NULL;
    sqlite3_stmt *statement = NULL;
    int code = SQLITE_DONE;
    obs_status status = obs__snapshot_begin(&snapshot, gate->journal, error);
    if (status == OBS_OK)
        status = obs__snapshot_statement(&statement, snapshot, sql, error);
    if (status == OBS_OK) {
        while ((code = sqlite3_step(statement)) == SQLITE_ROW)
            add_consumer(out, gate, statement);
        if (code != SQLITE_DONE)
            status = obs__sqlite_fail(error, obs__snapshot_database(snapshot), code, "read the consumers");
        sqlite3_reset(statement);
    }
    obs__snapshot_end(snapshot);
    return status;
}

obs_status obs_bus_consumers(obs_rows **out, obs_bus *bus, const obs_call *call, obs_error *error)
{
    obs__scope scope;
    obs__builder text;
    obs_buffer *lines = NULL;
    if (!out || !bus)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "out and bus are required");
    *out = NULL;
    obs_status status = obs__gate_enter(&scope, bus->gate, OBS__READ, "event.consumers", "", 0, call, error);
    if (status != OBS_OK)
        return status;
    obs__builder_init(&text, ROWS_MAX);
    status = read_consumers(&text, bus->gate, error);
    if (status == OBS_OK)
        status = obs__builder_finish(&lines, &text, error);
    obs__builder_free(&text);
    if (status == OBS_OK)
        status = obs__rows_from_lines(out, lines, error);
    return obs__gate_leave(&scope, status, error);
}

/* One change of a consumer's rows. */
typedef struct manage_effect {
    obs__effect base;
    const obs__manage *what;
    const char *consumer; /* the caller waits for the commit */
} manage_effect;

static obs_status apply(obs__effect *effect, obs__txn *txn, obs_error *error)
{
    const manage_effect *self = (const manage_effect *)effect;
    const obs__manage *what = self->what;
    for (size_t i = 0; i < OBS__MANAGE_STEPS && what->sqls[i]; i++) {
        sqlite3_stmt *statement = NULL;
        obs_status status = obs__txn_statement(&statement, txn, what->sqls[i], error);
        if (status != OBS_OK)
            return status;
        int most = sqlite3_bind_parameter_count(statement);
        sqlite3_bind_text(statement, 1, self->consumer, -1, SQLITE_STATIC);
        if (most >= 2)
            sqlite3_bind_int64(statement, 2, what->number);
        if (most >= 3)
            sqlite3_bind_text(statement, 3, what->text ? what->text : "", -1, SQLITE_STATIC);
        status = obs__txn_run(txn, statement, error);
        if (status != OBS_OK)
            return status;
        if (i == 0 && what->count)
            *what->count = (uint64_t)sqlite3_changes64(obs__txn_database(txn));
        if (i == 0 && !sqlite3_changes64(obs__txn_database(txn)))
            return obs__fail(error, OBS_NOT_FOUND, what->missing, self->consumer);
    }
    obs__txn_wake(txn);
    return OBS_OK;
}

static void free_effect(obs__effect *effect)
{
    obs__free(effect);
}

obs_status obs__bus_manage(obs_bus *bus, const char *consumer, const obs__manage *what, const obs_call *call, obs_error *error)
{
    static const obs__effect_ops ops = {.apply = apply, .free = free_effect};
    obs__scope scope;
    obs__effects effects = {0};
    if (!bus || !consumer)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "bus and consumer are required");
    if (what->text && strlen(what->text) > 4096)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "the reason is longer than 4096 bytes");
    obs_status status = obs__gate_enter(&scope, bus->gate, OBS__CHANGE, what->action, consumer, OBS_TEXT, call, error);
    if (status != OBS_OK)
        return status;
    manage_effect *effect = obs__alloc(sizeof *effect);
    if (!effect)
        return obs__gate_leave(&scope, obs__fail_memory(error), error);
    *effect = (manage_effect){{&ops, NULL}, what, consumer};
    obs__effects_add(&effects, &effect->base);
    status = obs__gate_commit(&scope, &effects, error);
    if (status == OBS_OK)
        obs__claims_told(bus->gate, consumer);
    return obs__gate_leave(&scope, status, error);
}

#define NO_CONSUMER "there is no consumer '%.128s': 'obsctl journal ls' shows them"

obs_status obs_bus_pause(obs_bus *bus, const char *consumer, int64_t until_ms, const char *reason, const obs_call *call,
                         obs_error *error)
{
    const obs__manage what = {"event.pause",
                              {"UPDATE consumer SET paused_ms = ?2, reason = ?3 WHERE name = ?1"},
                              until_ms > 0 ? until_ms : INT64_MAX,
                              reason,
                              NULL,
                              NO_CONSUMER};
    if (until_ms < 0)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "until is before 1970");
    return obs__bus_manage(bus, consumer, &what, call, error);
}

obs_status obs_bus_resume(obs_bus *bus, const char *consumer, const obs_call *call, obs_error *error)
{
    static const obs__manage what = {
        "event.resume", {"UPDATE consumer SET paused_ms = 0, reason = '' WHERE name = ?1"}, 0, NULL, NULL, NO_CONSUMER};
    return obs__bus_manage(bus, consumer, &what, call, error);
}

obs_status obs_bus_remove(obs_bus *bus, const char *consumer, const obs_call *call, obs_error *error)
{
    static const obs__manage what = {"event.remove",
                                     {"DELETE FROM consumer WHERE name = ?1", "DELETE FROM done WHERE consumer = ?1",
                                      "DELETE FROM delivery WHERE consumer = ?1", "DELETE FROM dead WHERE consumer = ?1"},
                                     0,
                                     NULL,
                                     NULL,
                                     NO_CONSUMER};
    return obs__bus_manage(bus, consumer, &what, call, error);
}
