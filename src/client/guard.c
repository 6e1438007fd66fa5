/*
 * What each commit is held to: the state of the tenant and its quotas.
 *
 * Two effects stand around those of a call, in the same transaction and under the lock of the one writer: the first refuses
 * what the state forbids and notes the counters, the second looks what they have become. So neither threads nor processes can
 * exceed a quota together, and a unit passes whole or not at all. What only frees space passes always.
 */
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/memory.h"
#include "client/client.h"
#include "client/rule.h"

#define SECOND_NS 1000000000
#define MINUTE_NS (60 * (int64_t)SECOND_NS)
#define DAY_NS (1440 * MINUTE_NS)
#define MILLION 1000000
#define REFUSALS_FREE 20 /* so many a second are told at once */
#define REFUSAL_MS 20

enum { BYTES, OBJECTS, ENTRIES, EVENTS, DAY, DAY_EVENTS, LEVEL, LEVEL_NS, COUNTERS };

struct guard {
    obs__effect end; /* owns the whole */
    obs__effect begin;
    obs__scope *scope; /* its caller waits for the commit */
    int is_read;       /* refused only where reads are */
    int counted;
    int64_t most[OBS__QUOTAS];
    int64_t before[COUNTERS];
};

/* What is no matter of the tenant's data: it goes on, so that somebody can find out and mend. */
static int is_exempt(const obs__scope *scope)
{
    static const char *const modules[] = {"audit.", "client.", "config.", "event.consumers", "tenant.", "token.", "workspace."};
    if (((const obs__client_gate *)scope->gate)->rights.is_internal)
        return 1;
    for (size_t i = 0; i < sizeof modules / sizeof modules[0]; i++)
        if (strncmp(scope->action, modules[i], strlen(modules[i])) == 0)
            return 1;
    return 0;
}

/* Whoever subscribes joins a consumer, which is a row. */
static int is_read(const obs__scope *scope)
{
    return scope->kind == OBS__READ || strcmp(scope->action, "event.subscribe") == 0;
}

/* ---- The state. ---- */

static obs_status refuse_state(const obs__scope *scope, const obs__rule *rule, obs_error *error)
{
    const obs__client_gate *gate = (const obs__client_gate *)scope->gate;
    char time[OBS__TIME_SIZE];
    obs__time_format(time, rule->since_ns);
    int named = *rule->by != '\0';
    if (rule->state != OBS__SUSPENDED)
        return obs__fail(error, OBS_FAILED_PRECONDITION, "tenant '%s' was deleted at %s%s%.100s: only its audit trail is left",
                         gate->tenant, time, named ? " by " : "", rule->by);
    return obs__fail(error, OBS_FAILED_PRECONDITION,
                     "tenant '%s' is suspended since %s%s%.100s%s%s: nothing is %s until %.80s says 'obsctl tenant resume %s'",
                     gate->tenant, time, named ? " by " : "", rule->by, *rule->reason ? ": " : "", rule->reason,
                     rule->closed ? "read or changed" : "changed", gate->workspace->owner, gate->tenant);
}

static void take_state(obs__rule *out, sqlite3_stmt *row)
{
    out->state = (obs__tenant_state)sqlite3_column_int(row, 0);
    out->closed = sqlite3_column_int(row, 1);
    out->since_ns = sqlite3_column_int64(row, 2);
    const char *reason = (const char *)sqlite3_column_text(row, 3);
    const char *by = (const char *)sqlite3_column_text(row, 4);
    snprintf(out->reason, sizeof out->reason, "%s", reason ? reason : "");
    snprintf(out->by, sizeof out->by, "%s", by ? by : "");
}

/* ---- The counters. ---- */

static obs_status read_counters(int64_t out[COUNTERS], obs__txn *txn, obs_error *error)
{
    static const char sql[] = "SELECT bytes, objects, entries, events, day, day_events, level, level_ns FROM tenant_usage";
    sqlite3_stmt *row;
    obs_status status = obs__txn_statement(&row, txn, sql, error);
    if (status != OBS_OK)
        return status;
    int code = sqlite3_step(row);
    if (code != SQLITE_ROW)
        status = code == SQLITE_DONE
                     ? obs__fail(error, OBS_DATA_LOSS,
                                 "what the quota is measured by is missing: run 'obsctl workspace check --repair'")
                     : obs__sqlite_fail(error, obs__txn_database(txn), code, "cannot read the quota");
    for (int i = 0; i < COUNTERS && status == OBS_OK; i++)
        out[i] = sqlite3_column_int64(row, i);
    sqlite3_reset(row);
    return status;
}

static obs_status read_rule(struct guard *self, obs__rule *rule, obs__txn *txn, obs_error *error)
{
    static const char sql[] =
        "SELECT state, closed, since_ns, reason, (SELECT s.subject FROM subject s WHERE s.pseudonym = r.subject),"
        " most_bytes, most_objects, most_entries, most_day, most_minute FROM tenant_rule r";
    sqlite3_stmt *row;
    obs_status status = obs__txn_statement(&row, txn, sql, error);
    if (status != OBS_OK)
        return status;
    int code = sqlite3_step(row);
    self->counted = 0;
    if (code == SQLITE_ROW) {
        take_state(rule, row);
        for (int i = 0; i < OBS__QUOTAS; i++) {
            self->most[i] = sqlite3_column_type(row, 5 + i) == SQLITE_NULL ? -1 : sqlite3_column_int64(row, 5 + i);
            self->counted |= self->most[i] >= 0;
        }
    } else if (code != SQLITE_DONE)
        status = obs__sqlite_fail(error, obs__txn_database(txn), code, "cannot read the rules of the tenant");
    sqlite3_reset(row);
    return status;
}

static obs_status apply_begin(obs__effect *effect, obs__txn *txn, obs_error *error)
{
    struct guard *self = (struct guard *)((char *)effect - offsetof(struct guard, begin));
    obs__rule rule = {0};
    obs_status status = read_rule(self, &rule, txn, error);
    if (status == OBS_OK && rule.state != OBS__ACTIVE && (rule.closed || !self->is_read))
        status = refuse_state(self->scope, &rule, error);
    return status == OBS_OK && self->counted ? read_counters(self->before, txn, error) : status;
}

/* ---- The quotas. ---- */

static obs_status refuse_quota(const struct guard *self, const char *what, int64_t used, int64_t most, int64_t more,
                               obs_error *error)
{
    const obs__client_gate *gate = (const obs__client_gate *)self->scope->gate;
    self->scope->over_quota = 1;
    return obs__fail(error, OBS_RESOURCE_EXHAUSTED,
                     "tenant '%s' has used %" PRId64 " of %" PRId64 " %s, and this needs %" PRId64
                     " more: nothing of it was done; %s, or ask %.100s for a larger quota",
                     gate->tenant, used, most, what, more,
                     strncmp(what, "events", 6) ? "delete some with 'obsctl rm KEY'" : "try again later",
                     gate->workspace->owner);
}

static obs_status check_sizes(const struct guard *self, const int64_t now[COUNTERS], obs_error *error)
{
    static const char *const names[] = {"bytes", "objects", "catalog entries"};
    for (int i = BYTES; i <= ENTRIES; i++)
        if (self->most[i] >= 0 && now[i] > self->most[i] && now[i] > self->before[i])
            return refuse_quota(self, names[i], self->before[i], self->most[i], now[i] - self->before[i], error);
    return OBS_OK;
}

/* A bucket that holds a minute's events and fills evenly. `level` is what was taken from it and has not come back. */
static int64_t level_at(const struct guard *self, const int64_t now[COUNTERS], int64_t time_ns)
{
    int64_t passed = time_ns - now[LEVEL_NS];
    if (passed < 0)
        passed = 0; /* the clock was set back */
    if (passed > MINUTE_NS)
        return 0;
    int64_t level = now[LEVEL] - passed / (MINUTE_NS / MILLION) * self->most[OBS__QUOTA_MINUTE];
    return level > 0 ? level : 0;
}

static obs_status check_events(const struct guard *self, int64_t now[COUNTERS], obs_error *error)
{
    int64_t more = now[EVENTS] - self->before[EVENTS], time_ns = obs__now_ns();
    int64_t day = time_ns / DAY_NS, most_day = self->most[OBS__QUOTA_DAY], most_minute = self->most[OBS__QUOTA_MINUTE];
    if (now[DAY] != day)
        now[DAY_EVENTS] = 0;
    now[DAY] = day;
    if (most_day >= 0 && now[DAY_EVENTS] + more > most_day)
        return refuse_quota(self, "events of this day (UTC)", now[DAY_EVENTS], most_day, more, error);
    now[DAY_EVENTS] += more;
    now[LEVEL] = most_minute >= 0 ? level_at(self, now, time_ns) : 0;
    now[LEVEL_NS] = time_ns;
    if (most_minute >= 0 && now[LEVEL] + more * MILLION > most_minute * MILLION)
        return refuse_quota(self, "events of a minute", (now[LEVEL] + MILLION - 1) / MILLION, most_minute, more, error);
    now[LEVEL] += more * MILLION;
    return OBS_OK;
}

static obs_status write_events(const int64_t now[COUNTERS], obs__txn *txn, obs_error *error)
{
    static const char sql[] = "UPDATE tenant_usage SET day = ?1, day_events = ?2, level = ?3, level_ns = ?4";
    sqlite3_stmt *statement;
    obs_status status = obs__txn_statement(&statement, txn, sql, error);
    if (status != OBS_OK)
        return status;
    for (int i = DAY; i < COUNTERS; i++)
        sqlite3_bind_int64(statement, i - DAY + 1, now[i]);
    return obs__txn_run(txn, statement, error);
}

static obs_status apply_end(obs__effect *effect, obs__txn *txn, obs_error *error)
{
    struct guard *self = (struct guard *)effect;
    int64_t now[COUNTERS];
    if (!self->counted)
        return OBS_OK;
    obs_status status = read_counters(now, txn, error);
    if (status == OBS_OK)
        status = check_sizes(self, now, error);
    if (status != OBS_OK || now[EVENTS] == self->before[EVENTS])
        return status;
    status = check_events(self, now, error);
    return status == OBS_OK ? write_events(now, txn, error) : status;
}

/* ---- Around the effects of a call. ---- */

static void free_end(obs__effect *effect)
{
    obs__free(effect);
}

/* It lies in the other one, which is freed later. */
static void free_begin(obs__effect *effect)
{
    (void)effect;
}

obs_status obs__guard(obs__scope *scope, obs__effects *effects, obs_error *error)
{
    static const obs__effect_ops begin = {.apply = apply_begin, .free = free_begin, .repeatable = 1};
    static const obs__effect_ops end = {.apply = apply_end, .free = free_end, .repeatable = 1};
    obs__effects whole = {0};
    if (is_exempt(scope))
        return OBS_OK;
    struct guard *self = obs__calloc(1, sizeof *self);
    if (!self)
        return obs__fail_memory(error);
    self->begin.ops = &begin;
    self->end.ops = &end;
    self->scope = scope;
    self->is_read = is_read(scope);
    obs__effects_add(&whole, &self->begin);
    obs__effects_move(&whole, effects);
    obs__effects_add(&whole, &self->end);
    *effects = whole;
    return OBS_OK;
}

/* ---- Before a call begins. ---- */

/* Who finds that a second has passed looks for all. What cannot be read now stays as it was: the call itself will tell. */
static void look(obs__client_gate *gate)
{
    obs__rule rule;
    int64_t now = obs__monotonic_ns(), due = atomic_load_explicit(&gate->look_ns, memory_order_relaxed);
    if (now < due || !atomic_compare_exchange_strong(&gate->look_ns, &due, now + SECOND_NS))
        return;
    atomic_store_explicit(&gate->over_quota, 0, memory_order_relaxed);
    if (obs__rule_read(&rule, gate->gate.journal, NULL) == OBS_OK)
        atomic_store(&gate->is_stopped, rule.state != OBS__ACTIVE);
}

obs_status obs__guard_enter(obs__scope *scope, obs_error *error)
{
    obs__client_gate *gate = (obs__client_gate *)scope->gate;
    obs__rule rule;
    if (is_exempt(scope))
        return OBS_OK;
    look(gate);
    if (!atomic_load_explicit(&gate->is_stopped, memory_order_relaxed))
        return OBS_OK;
    obs_status status = obs__rule_read(&rule, gate->gate.journal, error);
    if (status != OBS_OK || rule.state == OBS__ACTIVE || (is_read(scope) && !rule.closed))
        return status;
    return refuse_state(scope, &rule, error);
}

/* A refusal costs less than what was refused, so a loop that does not look at the answer would ask ten thousand times a second:
 * each is tried, and noted for the audit trail. That is at the cost of the other tenants of the machine. */
void obs__guard_slow(const obs__scope *scope)
{
    obs__client_gate *gate = (obs__client_gate *)scope->gate;
    int ready;
    if (atomic_fetch_add_explicit(&gate->over_quota, 1, memory_order_relaxed) >= REFUSALS_FREE)
        obs__limit_wait(&scope->limit, -1, REFUSAL_MS, &ready, NULL);
}
