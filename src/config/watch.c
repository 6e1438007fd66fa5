/*
 * The watch: one task of the keeper for each engine. Only the monotonic clock counts, so that a clock that jumps neither
 * stretches nor hurries it. After an outage the pauses grow, and all pauses are spread, so that many processes do not come at
 * the same moment when a server is back.
 */
#include "base/clock.h"
#include "base/error.h"
#include "base/keeper.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/metrics.h"
#include "base/span.h"
#include "config/engine.h"

#define LOCAL_MS 500
#define REMOTE_MS 10000
#define LONGEST_MS 30000
#define PATIENCE_MS 60000
#define BUSY_MS 100

static obs__counter overdue = {"obs_config_overdue", "Times that a source was not heard of for a minute.", 0, 0, NULL};

struct obs__config_watch {
    obs__task *task;
    int stopped; /* under the lock of the engine */
};

/* Between 80 and 120 parts of a hundred. */
static int64_t spread(int64_t ms)
{
    return ms * 4 / 5 + (int64_t)(obs__unique() % (uint64_t)(ms * 2 / 5 + 1));
}

void obs__config_schedule(obs__config_layer *layer)
{
    int64_t ms = layer->source.kind == OBS__CONFIG_LOCAL ? LOCAL_MS : REMOTE_MS;
    if (layer->source.interval_ms)
        ms = layer->source.interval_ms;
    for (unsigned i = 1; i < layer->failures && ms < LONGEST_MS; i++)
        ms *= 2;
    if (ms > LONGEST_MS)
        ms = LONGEST_MS;
    /* Never before it was asked to; but a server that wants years is not believed. */
    int64_t least = layer->retry_ns / 1000000 < PATIENCE_MS ? layer->retry_ns / 1000000 : PATIENCE_MS;
    if (least > ms * 4 / 5)
        ms = least * 5 / 4; /* of which the shortest pause is `least` */
    layer->due_ns = obs__monotonic_ns() + spread(ms) * 1000000;
}

int obs__config_is_overdue(const obs__config_layer *layer)
{
    if (layer->source.kind == OBS__CONFIG_ENVIRONMENT && layer->accepted)
        return 0;
    return obs__monotonic_ns() - layer->checked_ns > OBS__CONFIG_ALARM_NS;
}

static void raise_alarms(obs__config_engine *engine)
{
    for (size_t i = 0; i < engine->source_count; i++) {
        obs__config_layer *layer = &engine->layers[i];
        if (layer->alarmed || !obs__config_is_overdue(layer))
            continue;
        layer->alarmed = 1;
        obs__counter_add(&overdue, 1);
        obs__log(OBS_LOG_ERROR, "config", NULL, "%s was not heard of for a minute: %s", layer->source.label, layer->message);
    }
}

static int64_t next_ms(const obs__config_engine *engine)
{
    int64_t due = INT64_MAX, now = obs__monotonic_ns();
    for (size_t i = 0; i < engine->source_count; i++)
        if (engine->layers[i].due_ns < due)
            due = engine->layers[i].due_ns;
    if (due == INT64_MAX)
        return REMOTE_MS;
    return due <= now ? 1 : (due - now) / 1000000 + 1;
}

static void appoint(obs__config_engine *engine, int64_t ms)
{
    pthread_mutex_lock(&engine->lock);
    if (!engine->watch->stopped)
        obs__task_in(engine->watch->task, ms, NULL);
    pthread_mutex_unlock(&engine->lock);
}

void obs__config_watch_round(obs__config_engine *engine)
{
    obs__limit soon = obs__limit_in(BUSY_MS, engine->stop), limit = obs__limit_in(LONGEST_MS, engine->stop);
    int64_t next = BUSY_MS;
    if (obs__config_turn_take(engine, &soon, NULL) == OBS_OK) {
        obs__config_update(engine, 0, &limit, NULL);
        raise_alarms(engine);
        next = next_ms(engine);
        obs__config_turn_give(engine);
    }
    appoint(engine, next);
}

/* Files are looked at here. */
static int is_quick(obs__config_engine *engine)
{
    int64_t now = obs__monotonic_ns();
    int quick = 1;
    pthread_mutex_lock(&engine->lock);
    for (size_t i = 0; i < engine->source_count; i++)
        quick &= engine->layers[i].source.kind != OBS__CONFIG_REMOTE || engine->layers[i].due_ns > now;
    pthread_mutex_unlock(&engine->lock);
    return quick;
}

static void run(void *user)
{
    obs__config_engine *engine = user;
    if (is_quick(engine) || !obs__config_errand_start(engine))
        obs__config_watch_round(engine);
}

void obs__config_watch_start(obs__config_engine *engine)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    struct obs__config_watch *watch = obs__calloc(1, sizeof *watch);
    engine->watch = watch;
    if (watch && obs__task_new(&watch->task, run, engine, &error) == OBS_OK &&
        obs__task_in(watch->task, next_ms(engine), &error) == OBS_OK)
        return;
    /* The health tells, too, as it goes by when a source answered last. */
    obs__log(OBS_LOG_ERROR, "config", NULL, "changes of the configuration are not noticed: %s",
             watch ? error.message : "not enough memory");
}

void obs__config_watch_stop(obs__config_engine *engine)
{
    if (!engine->watch)
        return;
    pthread_mutex_lock(&engine->lock);
    engine->watch->stopped = 1;
    pthread_mutex_unlock(&engine->lock);
    obs_cancel_set(engine->stop);        /* nobody waits for a source that hangs */
    obs__task_free(engine->watch->task); /* waits for its run, which may have sent an errand … */
    obs__config_errand_stop(engine);     /* … that makes no appointment any more */
    obs__free(engine->watch);
    engine->watch = NULL;
}
