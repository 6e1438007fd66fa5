/* Engines: finding or making the one of a workspace, and taking turns in it. */
#include "config/engine.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/own.h"

#define START_MS 30000

struct registry {
    obs__own own;
    obs__config_engine *engines;
};

static obs__own *_Atomic current;

static struct registry *registry_get(void)
{
    return obs__own_get(&current, sizeof(struct registry));
}

static void free_source(obs__config_source *source)
{
    if (source->ops && source->ops->free)
        source->ops->free(source->user);
    obs__free(source->url);
    obs__free(source->label);
    obs__free(source->key);
}

static void free_list(char **list)
{
    for (size_t i = 0; list && list[i]; i++)
        obs__free(list[i]);
    obs__free(list);
}

void obs__config_setup_free(obs__config_setup *setup)
{
    for (size_t i = 0; i < setup->layer_count; i++)
        free_source(&setup->layers[i]);
    free_source(&setup->schema);
    free_list(setup->secrets);
    free_list(setup->locked);
    obs__free(setup->state);
    *setup = (obs__config_setup){0};
}

static void engine_free(obs__config_engine *engine)
{
    obs__config_watch_stop(engine);
    for (size_t i = 0; i < engine->source_count; i++) {
        obs__config_document_free(engine->layers[i].accepted);
        obs__config_document_free(engine->layers[i].seen);
        obs__config_document_free(engine->layers[i].kept);
    }
    obs__config_whole_free(atomic_load(&engine->live.whole));
    obs__config_rules_free(engine->rules);
    obs__config_secrets_free(engine->secrets);
    obs__config_setup_free(&engine->setup);
    obs_cancel_free(engine->stop);
    if (engine->gate)
        engine->gate->ops->free(engine->gate);
    pthread_mutex_destroy(&engine->lock);
    obs__free(engine->key);
    obs__free(engine);
}

static void list_sources(obs__config_engine *engine)
{
    engine->layer_count = engine->setup.layer_count;
    for (size_t i = 0; i < engine->layer_count; i++)
        engine->layers[i].source = engine->setup.layers[i];
    engine->source_count = engine->layer_count;
    if (engine->setup.schema.ops)
        engine->layers[engine->source_count++].source = engine->setup.schema;
    for (size_t i = 0; i < engine->source_count; i++) {
        engine->layers[i].lag_ns = -1;
        engine->layers[i].checked_ns = obs__monotonic_ns(); /* a minute to answer for the first time */
    }
}

static obs_status engine_new(obs__config_engine **out, obs_config *config, obs_error *error)
{
    obs__config_engine *engine = obs__calloc(1, sizeof *engine);
    if (!engine)
        return obs__fail_memory(error);
    pthread_mutex_init(&engine->lock, NULL);
    engine->holders = 1;
    engine->generation = obs__generation();
    engine->gate = config->gate->ops->retain(config->gate);
    obs_error_init(&engine->fault, sizeof engine->fault);
    obs_status status = (engine->key = obs__strdup(config->host.key)) ? OBS_OK : obs__fail_memory(error);
    if (status == OBS_OK)
        status = obs_cancel_new(&engine->stop, error);
    if (status == OBS_OK)
        status = obs__config_secrets_new(&engine->secrets, error);
    if (status == OBS_OK)
        status = config->host.setup(&engine->setup, config->host.user, engine->gate, error);
    if (status != OBS_OK) {
        engine_free(engine);
        return status;
    }
    list_sources(engine);
    *out = engine;
    return OBS_OK;
}

static obs_status find_or_make(obs__config_engine **out, obs_config *config, obs_error *error)
{
    struct registry *registry = registry_get();
    obs_status status = OBS_OK;
    if (!registry)
        return obs__fail_memory(error);
    pthread_mutex_lock(&registry->own.lock);
    obs__config_engine *engine = atomic_load(&config->engine);
    if (!engine) {
        for (engine = registry->engines; engine && strcmp(engine->key, config->host.key) != 0;)
            engine = engine->next;
        if (engine)
            engine->holders++;
        else if ((status = engine_new(&engine, config, error)) == OBS_OK) {
            engine->next = registry->engines;
            registry->engines = engine;
        }
        if (status == OBS_OK)
            atomic_store(&config->engine, engine);
    }
    pthread_mutex_unlock(&registry->own.lock);
    *out = engine;
    return status;
}

void obs__config_engine_retain(obs__config_engine *engine)
{
    struct registry *registry = engine->generation == obs__generation() ? registry_get() : NULL;
    if (!registry)
        return;
    pthread_mutex_lock(&registry->own.lock);
    engine->holders++;
    pthread_mutex_unlock(&registry->own.lock);
}

void obs__config_engine_release(obs__config_engine *engine)
{
    struct registry *registry = engine && engine->generation == obs__generation() ? registry_get() : NULL;
    if (!registry)
        return;
    pthread_mutex_lock(&registry->own.lock);
    int last = --engine->holders == 0;
    for (obs__config_engine **at = &registry->engines; last && *at; at = &(*at)->next)
        if (*at == engine) {
            *at = engine->next;
            break;
        }
    pthread_mutex_unlock(&registry->own.lock);
    if (last)
        engine_free(engine);
}

obs_status obs__config_engine_ours(const obs__config_engine *engine, obs_error *error)
{
    if (engine->generation == obs__generation())
        return OBS_OK;
    return obs__fail(error, OBS_FAILED_PRECONDITION,
                     "this configuration belongs to the parent process: open the workspace again");
}

void obs__config_wake(obs__config_engine *engine)
{
    uint64_t one = 1;
    for (obs__config_waiter *waiter = engine->waiters; waiter; waiter = waiter->next) {
        ssize_t written = write(waiter->fd, &one, sizeof one); /* fails only when it is readable already */
        (void)written;
    }
}

obs_status obs__config_wait_change(obs__config_engine *engine, const obs__limit *limit, obs_error *error)
{
    obs__config_waiter waiter = {.next = engine->waiters, .fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    int ready = 0;
    if (waiter.fd < 0)
        return obs__fail_system(error, errno, "cannot wait");
    engine->waiters = &waiter;
    pthread_mutex_unlock(&engine->lock);
    obs_status status = obs__limit_wait(limit, waiter.fd, 1000, &ready, error);
    pthread_mutex_lock(&engine->lock);
    obs__config_waiter **at = &engine->waiters;
    while (*at != &waiter)
        at = &(*at)->next;
    *at = waiter.next;
    close(waiter.fd);
    return status;
}

obs_status obs__config_turn_take(obs__config_engine *engine, const obs__limit *limit, obs_error *error)
{
    obs_status status = obs__config_engine_ours(engine, error);
    if (status != OBS_OK)
        return status;
    pthread_mutex_lock(&engine->lock);
    while (engine->taken && status == OBS_OK)
        status = obs__config_wait_change(engine, limit, error);
    if (status == OBS_OK)
        engine->taken = 1;
    pthread_mutex_unlock(&engine->lock);
    return status;
}

void obs__config_turn_give(obs__config_engine *engine)
{
    pthread_mutex_lock(&engine->lock);
    engine->taken = 0;
    obs__config_wake(engine);
    pthread_mutex_unlock(&engine->lock);
}

/* The first one asks all sources; what they say or do not say, the lookup tells. */
static obs_status start(obs__config_engine *engine, const obs__limit *limit, obs_error *error)
{
    pthread_mutex_lock(&engine->lock);
    int started = engine->started;
    pthread_mutex_unlock(&engine->lock);
    if (started || engine->generation != obs__generation())
        return OBS_OK;
    obs_status status = obs__config_turn_take(engine, limit, error);
    if (status != OBS_OK)
        return status;
    if (!engine->started) {
        obs__config_update(engine, 1, limit, NULL);
        status = atomic_load(&engine->live.whole) ? OBS_OK : obs__limit_check(limit, error);
        pthread_mutex_lock(&engine->lock);
        engine->started = status == OBS_OK;
        pthread_mutex_unlock(&engine->lock);
        if (status == OBS_OK)
            obs__config_watch_start(engine);
    }
    obs__config_turn_give(engine);
    return status;
}

obs_status obs__config_engine_of(obs__config_engine **out, obs_config *config, const obs__limit *limit, obs_error *error)
{
    obs__limit standard = obs__limit_in(START_MS, NULL);
    obs_status status = OBS_OK;
    *out = atomic_load(&config->engine);
    if (!*out)
        status = find_or_make(out, config, error);
    return status == OBS_OK ? start(*out, limit ? limit : &standard, error) : status;
}
