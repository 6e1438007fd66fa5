/* What became of an event that was handed out, as an effect: done, comes again, or a dead letter. */
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/memory.h"
#include "event/bus_internal.h"

typedef struct outcome_effect {
    obs__effect base;
    obs__member *member;
    obs__outcome outcome;
    uint64_t id;      /* consumer.id */
    const char *name; /* of the consumer; with the reason behind the struct */
} outcome_effect;

static obs_status run(const outcome_effect *self, obs__txn *txn, const char *sql, obs_error *error)
{
    const obs__outcome *outcome = &self->outcome;
    sqlite3_stmt *statement = NULL;
    obs_status status = obs__txn_statement(&statement, txn, sql, error);
    if (status != OBS_OK)
        return status;
    int most = sqlite3_bind_parameter_count(statement);
    const int64_t numbers[] = {(int64_t)outcome->sequence, (int64_t)outcome->position, (int64_t)self->id, outcome->attempts,
                               outcome->dead ? obs__now_ns() : outcome->due_ms};
    sqlite3_bind_text(statement, 1, self->name, -1, SQLITE_STATIC);
    for (int i = 0; i < 5 && i + 2 <= most; i++)
        sqlite3_bind_int64(statement, i + 2, numbers[i]);
    if (most >= 7)
        sqlite3_bind_text(statement, 7, outcome->reason, -1, SQLITE_STATIC);
    return obs__txn_run(txn, statement, error);
}

static const char forget_done[] =
    "DELETE FROM done WHERE consumer = ?1 AND sequence <= (SELECT position FROM consumer WHERE name = ?1)";

/* The position moves forward, never back, and only for the consumer that this was handed out by. */
static obs_status move(const outcome_effect *self, obs__txn *txn, obs_error *error)
{
    static const char sql[] = "UPDATE consumer SET position = max(position, ?3) WHERE name = ?1 AND id = ?4";
    obs_status status = run(self, txn, sql, error);
    if (status == OBS_OK && !sqlite3_changes(obs__txn_database(txn)))
        status = obs__fail(error, OBS_ABORTED, "the consumer '%s' was removed: subscribe again", self->name);
    return status;
}

/* Other members may have moved it further: then nothing is written, and nothing synced. */
static obs_status pass(const outcome_effect *self, obs__txn *txn, obs_error *error)
{
    static const char sql[] = "UPDATE consumer SET position = ?3 WHERE name = ?1 AND id = ?4 AND position < ?3";
    obs_status status = run(self, txn, sql, error);
    return status == OBS_OK ? run(self, txn, forget_done, error) : status;
}

static obs_status give_back(const outcome_effect *self, obs__txn *txn, obs_error *error)
{
    static const char sql[] = "INSERT INTO delivery(consumer, sequence, attempts, due_ms, reason) VALUES(?1, ?2, ?5, ?6, ?7)"
                              " ON CONFLICT(consumer, sequence) DO UPDATE SET attempts = ?5, due_ms = ?6, reason = ?7";
    return run(self, txn, sql, error);
}

static obs_status end_event(const outcome_effect *self, obs__txn *txn, obs_error *error)
{
    static const char dead[] = "INSERT INTO dead(consumer, sequence, attempts, time_ns, reason) VALUES(?1, ?2, ?5, ?6, ?7)"
                               " ON CONFLICT(consumer, sequence) DO UPDATE SET attempts = ?5, time_ns = ?6, reason = ?7";
    static const char *const sqls[] = {
        "DELETE FROM delivery WHERE consumer = ?1 AND sequence = ?2",
        "INSERT OR IGNORE INTO done(consumer, sequence) VALUES(?1, ?2)",
        forget_done,
    };
    obs_status status = self->outcome.dead ? run(self, txn, dead, error) : OBS_OK;
    for (size_t i = 0; status == OBS_OK && i < sizeof sqls / sizeof sqls[0]; i++)
        status = run(self, txn, sqls[i], error);
    return status;
}

static obs_status apply(obs__effect *effect, obs__txn *txn, obs_error *error)
{
    const outcome_effect *self = (const outcome_effect *)effect;
    if (atomic_load(&self->member->ended))
        return obs__fail(error, OBS_ABORTED, "the subscription to '%s' was taken over or closed: its events come again",
                         self->name);
    if (self->outcome.passed)
        return pass(self, txn, error);
    obs_status status = move(self, txn, error);
    if (status != OBS_OK)
        return status;
    return self->outcome.due_ms ? give_back(self, txn, error) : end_event(self, txn, error);
}

static void finish(obs__effect *effect)
{
    const outcome_effect *self = (const outcome_effect *)effect;
    if (self->outcome.due_ms)
        return;
    if (!self->outcome.passed)
        obs__member_settled(self->member, self->outcome.sequence);
    obs__retention_look(self->member->retention);
}

static void free_effect(obs__effect *effect)
{
    obs__member_free(((outcome_effect *)effect)->member);
    obs__free(effect);
}

obs_status obs__outcome_stage(obs__effects *effects, obs_subscription *subscription, const obs__outcome *outcome,
                              obs_error *error)
{
    static const obs__effect_ops ops = {.apply = apply, .finish = finish, .free = free_effect, .repeatable = 1};
    const char *reason = outcome->reason ? outcome->reason : "";
    size_t name_size = strlen(subscription->consumer) + 1, reason_size = strlen(reason) + 1;
    outcome_effect *effect = obs__alloc(sizeof *effect + name_size + reason_size);
    if (!effect)
        return obs__fail_memory(error);
    *effect = (outcome_effect){.base.ops = &ops, .outcome = *outcome, .id = subscription->id};
    effect->name = memcpy(effect + 1, subscription->consumer, name_size);
    effect->outcome.reason = memcpy((char *)(effect + 1) + name_size, reason, reason_size);
    effect->member = obs__member_stage(subscription->member);
    if (!effect->member) {
        obs__free(effect);
        return obs__fail_memory(error);
    }
    obs__effects_add(effects, &effect->base);
    return OBS_OK;
}
