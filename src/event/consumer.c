/* The rows of a consumer: made by its first subscription, read by the first member. */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/hash.h"
#include "base/memory.h"
#include "event/bus_internal.h"

typedef struct hold_effect {
    obs__effect base;
    const char *name; /* of the subscription, which waits for the commit */
    obs__claims_join *out;
    uint64_t id; /* for a new one */
    int from_now;
} hold_effect;

static obs_status make(const hold_effect *self, obs__txn *txn, obs_error *error)
{
    static const char sql[] = "INSERT INTO consumer(name, id, position, paused_ms, reason) VALUES(?1, ?3,"
                              " CASE WHEN ?2 THEN (SELECT coalesce(max(sequence), 0) FROM event) ELSE 0 END, 0, '')"
                              " ON CONFLICT(name) DO NOTHING";
    sqlite3_stmt *statement = NULL;
    obs_status status = obs__txn_statement(&statement, txn, sql, error);
    if (status != OBS_OK)
        return status;
    sqlite3_bind_text(statement, 1, self->name, -1, SQLITE_STATIC);
    sqlite3_bind_int(statement, 2, self->from_now);
    sqlite3_bind_int64(statement, 3, (int64_t)self->id);
    return obs__txn_run(txn, statement, error);
}

static obs_status apply(obs__effect *effect, obs__txn *txn, obs_error *error)
{
    static const char sql[] = "SELECT id, position, paused_ms FROM consumer WHERE name = ?1";
    const hold_effect *self = (const hold_effect *)effect;
    sqlite3_stmt *statement = NULL;
    obs_status status = make(self, txn, error);
    if (status == OBS_OK)
        status = obs__txn_statement(&statement, txn, sql, error);
    if (status != OBS_OK)
        return status;
    sqlite3_bind_text(statement, 1, self->name, -1, SQLITE_STATIC);
    int code = sqlite3_step(statement);
    if (code == SQLITE_ROW) {
        self->out->consumer = (uint64_t)sqlite3_column_int64(statement, 0);
        self->out->position = (uint64_t)sqlite3_column_int64(statement, 1);
        self->out->paused_ms = sqlite3_column_int64(statement, 2);
    } else {
        status = obs__sqlite_fail(error, obs__txn_database(txn), code, "open the consumer");
    }
    sqlite3_reset(statement);
    return status;
}

static void free_effect(obs__effect *effect)
{
    obs__free(effect);
}

obs_status obs__consumer_hold(obs__claims_join *out, obs_subscription *subscription, obs__scope *scope, int from_now,
                              obs_error *error)
{
    static const obs__effect_ops ops = {.apply = apply, .free = free_effect};
    obs__effects effects = {0};
    hold_effect *effect = obs__calloc(1, sizeof *effect);
    if (!effect)
        return obs__fail_memory(error);
    effect->base.ops = &ops;
    effect->name = subscription->consumer;
    effect->out = out;
    effect->from_now = from_now;
    obs_status status = obs__random(&effect->id, sizeof effect->id, error);
    effect->id >>= 1; /* SQLite's integers have a sign */
    obs__effects_add(&effects, &effect->base);
    if (status == OBS_OK)
        status = obs__gate_commit(scope, &effects, error);
    else
        obs__effects_free(&effects);
    return status;
}

static obs_status add_row(obs__claims *claims, sqlite3_stmt *statement, obs_error *error)
{
    obs__claim claim = {
        .sequence = (uint64_t)sqlite3_column_int64(statement, 0),
        .attempt = (uint32_t)sqlite3_column_int64(statement, 1),
        .due_ms = sqlite3_column_int64(statement, 2),
        .key = obs__text_hash((const char *)sqlite3_column_text(statement, 3)),
        .priority = (int8_t)sqlite3_column_int(statement, 4),
        .state = OBS__CLAIM_WAITING,
    };
    obs__claim *before = obs__claims_find(claims, claim.sequence);
    if (!before)
        return obs__claims_add(claims, &claim, error);
    before->due_ms = claim.due_ms;
    before->attempt = before->attempt > claim.attempt ? before->attempt : claim.attempt;
    return OBS_OK;
}

obs_status obs__consumer_load(obs__claims *claims, obs__gate *gate, const char *consumer, obs_error *error)
{
    static const char sql[] = "SELECT d.sequence, d.attempts, d.due_ms, e.partition_key, e.priority FROM delivery d"
                              " JOIN event e ON e.sequence = d.sequence WHERE d.consumer = ?1 ORDER BY d.sequence";
    obs__snapshot *snapshot = NULL;
    sqlite3_stmt *statement = NULL;
    int code = SQLITE_DONE;
    obs_status status = obs__snapshot_begin(&snapshot, gate->journal, error);
    if (status == OBS_OK)
        status = obs__snapshot_statement(&statement, snapshot, sql, error);
    if (status == OBS_OK) {
        sqlite3_bind_text(statement, 1, consumer, -1, SQLITE_STATIC);
        while (status == OBS_OK && (code = sqlite3_step(statement)) == SQLITE_ROW)
            status = add_row(claims, statement, error);
        if (status == OBS_OK && code != SQLITE_DONE)
            status = obs__sqlite_fail(error, obs__snapshot_database(snapshot), code, "read what comes again");
        sqlite3_reset(statement);
        sqlite3_clear_bindings(statement);
    }
    obs__snapshot_end(snapshot);
    return status;
}

/* One row by a consumer's name and id and an event's number. */
static obs_status ask(sqlite3_stmt **out, obs__snapshot **snapshot, const obs_subscription *subscription, const char *sql,
                      uint64_t sequence, obs_error *error)
{
    *out = NULL;
    obs_status status = obs__snapshot_begin(snapshot, subscription->gate->journal, error);
    if (status == OBS_OK)
        status = obs__snapshot_statement(out, *snapshot, sql, error);
    if (status != OBS_OK)
        return status;
    sqlite3_bind_text(*out, 1, subscription->consumer, -1, SQLITE_STATIC);
    sqlite3_bind_int64(*out, 2, (int64_t)sequence);
    sqlite3_bind_int64(*out, 3, (int64_t)subscription->id);
    int code = sqlite3_step(*out);
    if (code == SQLITE_DONE)
        return obs__fail(error, OBS_ABORTED, "the consumer '%s' was removed: subscribe again", subscription->consumer);
    return code == SQLITE_ROW ? OBS_OK : obs__sqlite_fail(error, obs__snapshot_database(*snapshot), code, "read an event");
}

static void end(sqlite3_stmt *statement, obs__snapshot *snapshot)
{
    if (statement) {
        sqlite3_reset(statement);
        sqlite3_clear_bindings(statement);
    }
    obs__snapshot_end(snapshot);
}

/* What comes again is not done, wherever the position is; what was removed is. */
#define IS_DONE                                                                                                                \
    "(?2 <= c.position OR EXISTS(SELECT 1 FROM done WHERE consumer = ?1 AND sequence = ?2)"                                    \
    " OR NOT EXISTS(SELECT 1 FROM event WHERE sequence = ?2))"                                                                 \
    " AND NOT EXISTS(SELECT 1 FROM delivery WHERE consumer = ?1 AND sequence = ?2)"

obs_status obs__consumer_is_done(int *out, obs_subscription *subscription, uint64_t sequence, obs_error *error)
{
    obs__snapshot *snapshot = NULL;
    sqlite3_stmt *statement = NULL;
    obs_status status = ask(&statement, &snapshot, subscription,
                            "SELECT " IS_DONE " FROM consumer c WHERE name = ?1 AND id = ?3", sequence, error);
    *out = status == OBS_OK && sqlite3_column_int(statement, 0);
    end(statement, snapshot);
    return status;
}

obs_status obs__consumer_read(int *out, obs_subscription *subscription, uint64_t sequence, obs_error *error)
{
    static const char sql[] = "SELECT CASE WHEN " IS_DONE " THEN NULL ELSE (SELECT json FROM event WHERE sequence = ?2) END"
                              " FROM consumer c WHERE name = ?1 AND id = ?3";
    obs__snapshot *snapshot = NULL;
    sqlite3_stmt *statement = NULL;
    *out = 0;
    obs__builder_clear(&subscription->json);
    obs_status status = ask(&statement, &snapshot, subscription, sql, sequence, error);
    if (status == OBS_OK && sqlite3_column_type(statement, 0) == SQLITE_BLOB) {
        *out = 1;
        obs__add(&subscription->json, sqlite3_column_blob(statement, 0), (size_t)sqlite3_column_bytes(statement, 0));
        status = obs__builder_status(&subscription->json, error);
    }
    end(statement, snapshot);
    return status;
}

static obs_status read_pause(uint64_t *id, int64_t *paused_ms, obs__gate *gate, const char *consumer, obs_error *error)
{
    obs__snapshot *snapshot = NULL;
    sqlite3_stmt *statement = NULL;
    obs_status status = obs__snapshot_begin(&snapshot, gate->journal, error);
    if (status == OBS_OK)
        status = obs__snapshot_statement(&statement, snapshot, "SELECT id, paused_ms FROM consumer WHERE name = ?1", error);
    if (status == OBS_OK) {
        sqlite3_bind_text(statement, 1, consumer, -1, SQLITE_STATIC);
        if (sqlite3_step(statement) == SQLITE_ROW) {
            *id = (uint64_t)sqlite3_column_int64(statement, 0);
            *paused_ms = sqlite3_column_int64(statement, 1);
        }
    }
    end(statement, snapshot);
    return status;
}

void obs__claims_told(obs__gate *gate, const char *consumer)
{
    obs__claims *claims = NULL;
    obs__limit limit = obs__limit_in(1000, NULL);
    uint64_t id = 0;
    int64_t paused_ms = 0;
    if (!obs__claims_count(gate, consumer) || obs__claims_open(&claims, gate, consumer, NULL) != OBS_OK)
        return; /* the first one reads the tables */
    if (obs__claims_lock(claims, &limit, NULL) == OBS_OK) {
        if (read_pause(&id, &paused_ms, gate, consumer, NULL) == OBS_OK && id && claims->header->consumer == id) {
            claims->header->paused_ms = paused_ms;
            (void)obs__consumer_load(claims, gate, consumer, NULL);
        }
        obs__claims_unlock(claims);
    }
    obs__claims_close(claims);
    obs__journal_wake(gate->journal);
}
