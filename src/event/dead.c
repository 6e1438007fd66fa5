/* Dead letters: asking for them, replaying and discarding. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/memory.h"
#include "event/manage.h"

#define ROW_MAX ((size_t)4 * OBS_EVENT_MAX)

/* One after the other, each read when it is asked for: an event may have a megabyte. */
typedef struct dead_rows {
    obs_rows rows;
    obs__gate *gate;
    char *only;         /* consumer, or NULL */
    char consumer[132]; /* of the row before */
    int64_t sequence;
    obs__builder row;
    char position[160];
} dead_rows;

static void add_row(dead_rows *self, sqlite3_stmt *row)
{
    char time[OBS__TIME_SIZE];
    snprintf(self->consumer, sizeof self->consumer, "%s", (const char *)sqlite3_column_text(row, 0));
    self->sequence = sqlite3_column_int64(row, 1);
    snprintf(self->position, sizeof self->position, "%s/%lld", self->consumer, (long long)self->sequence);
    obs__time_format(time, sqlite3_column_int64(row, 3));
    obs__builder_clear(&self->row);
    obs__add_char(&self->row, '{');
    obs__add_json_member(&self->row, "consumer", self->consumer);
    obs__add_json_integer(&self->row, "sequence", self->sequence);
    obs__add_json_integer(&self->row, "attempts", sqlite3_column_int64(row, 2));
    obs__add_json_member(&self->row, "time", time);
    obs__add_json_member(&self->row, "reason", (const char *)sqlite3_column_text(row, 4));
    if (sqlite3_column_type(row, 5) == SQLITE_NULL)
        obs__add_json_member(&self->row, "event", NULL);
    else
        obs__add_json_raw(&self->row, "event", sqlite3_column_blob(row, 5), (size_t)sqlite3_column_bytes(row, 5));
    obs__add_json_end(&self->row);
}

static obs_status read_row(int *found, dead_rows *self, obs__snapshot *snapshot, obs_error *error)
{
    static const char sql[] = "SELECT consumer, sequence, attempts, time_ns, reason,"
                              " (SELECT json FROM event WHERE event.sequence = dead.sequence) FROM dead"
                              " WHERE (consumer, sequence) > (?1, ?2) AND (?3 IS NULL OR consumer = ?3)"
                              " ORDER BY consumer, sequence LIMIT 1";
    sqlite3_stmt *statement = NULL;
    obs_status status = obs__snapshot_statement(&statement, snapshot, sql, error);
    if (status != OBS_OK)
        return status;
    sqlite3_bind_text(statement, 1, self->consumer, -1, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 2, self->sequence);
    sqlite3_bind_text(statement, 3, self->only, -1, SQLITE_STATIC);
    int code = sqlite3_step(statement);
    *found = code == SQLITE_ROW;
    if (*found)
        add_row(self, statement);
    else if (code != SQLITE_DONE)
        status = obs__sqlite_fail(error, obs__snapshot_database(snapshot), code, "read the dead letters");
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    return status == OBS_OK && *found ? obs__builder_status(&self->row, error) : status;
}

static obs_status next(obs_rows *rows, const char **text, size_t *size, obs_error *error)
{
    dead_rows *self = (dead_rows *)rows;
    obs__snapshot *snapshot = NULL;
    int found = 0;
    *text = NULL;
    obs_status status = obs__snapshot_begin(&snapshot, self->gate->journal, error);
    if (status == OBS_OK)
        status = read_row(&found, self, snapshot, error);
    obs__snapshot_end(snapshot);
    if (status != OBS_OK)
        return status;
    if (!found)
        self->position[0] = '\0';
    *text = found ? self->row.data : NULL;
    if (size)
        *size = found ? self->row.size : 0;
    return obs__ok(error);
}

static const char *position(const obs_rows *rows)
{
    return ((const dead_rows *)rows)->position;
}

static void free_rows(obs_rows *rows)
{
    dead_rows *self = (dead_rows *)rows;
    obs__builder_free(&self->row);
    obs__free(self->only);
    self->gate->ops->free(self->gate);
    obs__free(self);
}

obs_status obs_bus_dead_letters(obs_rows **out, obs_bus *bus, const char *consumer, const obs_call *call, obs_error *error)
{
    static const obs__rows_ops ops = {next, position, free_rows};
    obs__scope scope;
    if (!out || !bus)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "out and bus are required");
    *out = NULL;
    obs_status status =
        obs__gate_enter(&scope, bus->gate, OBS__READ, "event.dead_letters", consumer ? consumer : "", OBS_TEXT, call, error);
    if (status != OBS_OK)
        return status;
    dead_rows *self = obs__calloc(1, sizeof *self);
    char *only = consumer ? obs__strdup(consumer) : NULL;
    if (!self || (consumer && !only)) {
        obs__free(self);
        obs__free(only);
        return obs__gate_leave(&scope, obs__fail_memory(error), error);
    }
    self->rows.ops = &ops;
    self->only = only;
    self->gate = bus->gate->ops->retain(bus->gate);
    obs__builder_init(&self->row, ROW_MAX);
    *out = &self->rows;
    return obs__gate_leave(&scope, OBS_OK, error);
}

#define NO_LETTER "the consumer '%.128s' has no such dead letter: 'obsctl journal dead' shows them"

obs_status obs_bus_replay(uint64_t *count, obs_bus *bus, const char *consumer, uint64_t sequence, const obs_call *call,
                          obs_error *error)
{
    uint64_t own = 0;
    const obs__manage what = {
        "event.replay",
        {"INSERT OR REPLACE INTO delivery(consumer, sequence, attempts, due_ms, reason) SELECT consumer, sequence, 0, 1, reason"
         " FROM dead WHERE consumer = ?1 AND (?2 = 0 OR sequence = ?2)",
         "DELETE FROM done WHERE consumer = ?1 AND sequence IN (SELECT sequence FROM delivery WHERE consumer = ?1 AND ?2 IS "
         "NOT NULL)",
         "DELETE FROM dead WHERE consumer = ?1 AND (?2 = 0 OR sequence = ?2)"},
        (int64_t)sequence,
        NULL,
        count ? count : &own,
        NO_LETTER};
    if (count)
        *count = 0;
    return obs__bus_manage(bus, consumer, &what, call, error);
}

obs_status obs_bus_discard(uint64_t *count, obs_bus *bus, const char *consumer, uint64_t sequence, const obs_call *call,
                           obs_error *error)
{
    uint64_t own = 0;
    const obs__manage what = {"event.discard",      {"DELETE FROM dead WHERE consumer = ?1 AND (?2 = 0 OR sequence = ?2)"},
                              (int64_t)sequence,    NULL,
                              count ? count : &own, NO_LETTER};
    if (count)
        *count = 0;
    return obs__bus_manage(bus, consumer, &what, call, error);
}
