/* Keeping the log small: what the keeper does, a few events at a time, and who tells whom. */
#include "event/retention.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/keeper.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/metrics.h"

#define SOON_MS 1000
#define AGAIN_MS 20       /* there was more: others of the keeper come first */
#define SOME_DAY_MS 60000 /* events grow old without anything happening */
#define STEPS 16          /* commits in one round */
#define ROUND_LIMIT_MS 500

static obs__counter removed = {"obs_event_removed", "Events that were removed from the bus, as nobody needed them.", 0, 0,
                               NULL};

typedef struct sweep_effect {
    obs__effect base;
    obs__sweep *sweep; /* the keeper waits for the commit */
} sweep_effect;

static obs_status apply(obs__effect *effect, obs__txn *txn, obs_error *error)
{
    const sweep_effect *self = (const sweep_effect *)effect;
    uint64_t after = self->sweep->after;
    obs_status status = obs__sweep_run(self->sweep, txn, error);
    if (status != OBS_OK)
        self->sweep->after = after;
    return status;
}

/* The effect is the caller's own. */
static void keep(obs__effect *effect)
{
    (void)effect;
}

static obs_status commit(obs__sweep *sweep, obs__journal *journal, const obs__limit *limit, obs_error *error)
{
    static const obs__effect_ops ops = {.apply = apply, .free = keep};
    sweep_effect effect = {{&ops, NULL}, sweep};
    obs__effects effects = {0};
    obs__effects_add(&effects, &effect.base);
    obs_status status = obs__journal_commit(journal, &effects, limit, error);
    obs__effects_free(&effects);
    if (status == OBS_OK)
        obs__counter_add(&removed, sweep->removed);
    return status;
}

/* How large the log is decides how old events may become. */
static obs_status look(int *found, obs__sweep *sweep, const obs__retention *retention, obs_error *error)
{
    obs__snapshot *snapshot = NULL;
    sqlite3_stmt *statement = NULL;
    *found = 0;
    obs_status status = obs__snapshot_begin(&snapshot, retention->journal, error);
    if (status == OBS_OK)
        status = obs__snapshot_statement(&statement, snapshot, "SELECT bytes FROM event_log", error);
    if (status == OBS_OK) {
        int64_t bytes = sqlite3_step(statement) == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
        int presses = bytes > retention->bounds.limit / 4 * 3;
        sqlite3_reset(statement);
        sweep->now_ns = obs__now_ns();
        sweep->before_ns = presses ? INT64_MAX : sweep->now_ns - retention->bounds.keep_ns;
        sweep->down_to = presses ? retention->bounds.limit / 4 * 3 : -1;
        status = obs__sweep_look(found, sweep, snapshot, error);
    }
    obs__snapshot_end(snapshot);
    return status;
}

/* 1: there is more. */
static int sweep_round(obs__retention *retention)
{
    obs__limit limit = obs__limit_in(ROUND_LIMIT_MS, NULL);
    obs__sweep sweep = {.last = INT64_MAX,
                        .most = OBS__SWEEP_MAX,
                        .limit = retention->bounds.limit,
                        .remember_ns = retention->bounds.remember_ns};
    obs_status status = OBS_OK;
    int found = 1;
    for (int i = 0; status == OBS_OK && found && i < STEPS; i++) {
        status = look(&found, &sweep, retention, NULL);
        if (status == OBS_OK && found)
            status = commit(&sweep, retention->journal, &limit, NULL);
    }
    return status == OBS_OK && found;
}

static void tell(const obs__retention *retention)
{
    char text[OBS_ERROR_TEXT_SIZE] = "";
    obs__snapshot *snapshot = NULL;
    sqlite3_stmt *size = NULL, *slowest = NULL;
    if (obs__snapshot_begin(&snapshot, retention->journal, NULL) == OBS_OK &&
        obs__snapshot_statement(&size, snapshot, "SELECT bytes FROM event_log", NULL) == OBS_OK &&
        obs__snapshot_statement(&slowest, snapshot, obs__room_slowest, NULL) == OBS_OK) {
        int64_t bytes = sqlite3_step(size) == SQLITE_ROW ? sqlite3_column_int64(size, 0) : 0;
        sqlite3_reset(size);
        obs__room_describe(text, sizeof text, bytes, retention->bounds.limit, slowest);
    }
    obs__snapshot_end(snapshot);
    obs__log(OBS_LOG_WARNING, "event", NULL, "the bus of the tenant '%s' is nearly full: %s", retention->tenant, text);
}

static void run(void *user)
{
    obs__retention *retention = user;
    atomic_store(&retention->appointed, 0);
    if (atomic_exchange(&retention->alarmed, 0))
        tell(retention);
    obs__task_in(retention->task, sweep_round(retention) ? AGAIN_MS : SOME_DAY_MS, NULL);
}

void obs__retention_look(obs__retention *retention)
{
    int soon = atomic_load(&retention->alarmed) ? 0 : SOON_MS;
    if (!atomic_exchange(&retention->appointed, 1) || !soon)
        (void)obs__task_in(retention->task, soon, NULL); /* in a forked child publishers make room themselves */
}

obs_status obs__retention_new(obs__retention **out, obs__gate *gate, const obs__bus_bounds *bounds, obs_error *error)
{
    obs__retention *retention = obs__calloc(1, sizeof *retention);
    *out = retention;
    if (!retention)
        return obs__fail_memory(error);
    atomic_init(&retention->holders, 1);
    retention->bounds = *bounds;
    retention->journal = obs__journal_retain(gate->journal);
    retention->tenant = obs__strdup(gate->tenant);
    obs_status status = retention->tenant ? obs__task_new(&retention->task, run, retention, error) : obs__fail_memory(error);
    if (status == OBS_OK)
        return OBS_OK;
    obs__retention_free(retention);
    *out = NULL;
    return status;
}

obs__retention *obs__retention_retain(obs__retention *retention)
{
    atomic_fetch_add(&retention->holders, 1);
    return retention;
}

void obs__retention_free(obs__retention *retention)
{
    if (!retention || atomic_fetch_sub(&retention->holders, 1) != 1)
        return;
    obs__task_free(retention->task);
    obs__journal_free(retention->journal);
    obs__free(retention->tenant);
    obs__free(retention);
}
