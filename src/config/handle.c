/* What users hold: the configuration of a client, and snapshots of it. */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "config/engine.h"

obs_status obs__config_new(obs_config **out, obs__gate *gate, const obs__config_host *host, obs_error *error)
{
    obs_config *config = obs__calloc(1, sizeof *config);
    *out = NULL;
    if (!config)
        return obs__fail_memory(error);
    config->gate = gate->ops->retain(gate);
    config->host = *host;
    *out = config;
    return OBS_OK;
}

void obs__config_close(obs_config *config)
{
    if (!config)
        return;
    obs__config_whole_free(config->whole);
    obs__config_engine_release(atomic_load(&config->engine));
    config->gate->ops->free(config->gate);
    obs__free(config);
}

void obs_config_free(obs_config *config)
{
    if (config && config->whole)
        obs__config_close(config);
}

/* Reading is allowed and recorded once for each whole that a client sees, not for each lookup. */
static obs_status grant(obs_config *config, obs__config_engine *engine, const obs_call *call, obs_error *error)
{
    obs__scope scope;
    obs__config_whole *whole = obs__config_live_hold(&engine->live);
    if (!whole) {
        pthread_mutex_lock(&engine->lock);
        obs_status fault = obs__copy_error(error, &engine->fault);
        pthread_mutex_unlock(&engine->lock);
        return fault != OBS_OK ? fault : obs__fail(error, OBS_UNAVAILABLE, "there is no configuration yet");
    }
    obs_status status = obs__gate_enter(&scope, config->gate, OBS__READ, "config.read", whole->digest, OBS_TEXT, call, error);
    if (status == OBS_OK)
        status = obs__gate_leave(&scope, status, error);
    if (status == OBS_OK)
        atomic_store(&config->granted, whole->version);
    obs__config_whole_free(whole);
    return status;
}

static obs_status begin_slowly(obs_config *config, const obs_call *call, obs_error *error)
{
    obs__config_engine *engine = NULL;
    obs__limit limit = obs__limit_of(call);
    obs_status status = obs__config_engine_of(&engine, config, &limit, error);
    return status == OBS_OK ? grant(config, engine, call, error) : status;
}

obs_status obs__config_reading_begin(obs__config_reading *out, obs_config *config, obs_error *error)
{
    *out = (obs__config_reading){.whole = config->whole};
    if (config->whole)
        return OBS_OK;
    for (;;) {
        obs__config_engine *engine = atomic_load_explicit(&config->engine, memory_order_acquire);
        if (engine) {
            out->whole = obs__config_live_enter(&engine->live, &out->slot);
            if (out->whole && out->whole->version == atomic_load_explicit(&config->granted, memory_order_relaxed))
                return OBS_OK;
            obs__config_reading_end(out);
        }
        obs_status status = begin_slowly(config, NULL, error);
        if (status != OBS_OK)
            return status;
    }
}

void obs__config_reading_end(obs__config_reading *reading)
{
    if (reading->slot)
        obs__config_live_leave(reading->slot);
    *reading = (obs__config_reading){0};
}

obs_status obs__config_hold(obs__config_whole **out, obs_config *config, const obs_call *call, obs_error *error)
{
    *out = obs__config_whole_retain(config->whole);
    if (*out)
        return OBS_OK;
    obs_status status = begin_slowly(config, call, error);
    if (status == OBS_OK)
        *out = obs__config_live_hold(&atomic_load(&config->engine)->live);
    return status;
}

obs_status obs_config_snapshot(obs_config **out, obs_config *config, const obs_call *call, obs_error *error)
{
    obs__config_whole *whole = NULL;
    if (!out || !config)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "out and config are required");
    *out = NULL;
    obs_status status = obs__config_hold(&whole, config, call, error);
    if (status != OBS_OK)
        return status;
    obs_config *snapshot = NULL;
    status = obs__config_new(&snapshot, config->gate, &config->host, error);
    if (status != OBS_OK) {
        obs__config_whole_free(whole);
        return status;
    }
    snapshot->whole = whole;
    atomic_store(&snapshot->engine, atomic_load(&config->engine));
    obs__config_engine_retain(atomic_load(&config->engine));
    *out = snapshot;
    return obs__ok(error);
}

uint64_t obs_config_version(const obs_config *config)
{
    obs__config_slot *slot;
    uint64_t version = 0;
    if (!config)
        return 0;
    if (config->whole)
        return config->whole->version;
    obs__config_engine *engine = atomic_load(&((obs_config *)(uintptr_t)config)->engine);
    if (!engine)
        return 0;
    const obs__config_whole *whole = obs__config_live_enter(&engine->live, &slot);
    if (whole)
        version = whole->version;
    obs__config_live_leave(slot);
    return version;
}

static obs_status fail_snapshot(obs_error *error)
{
    return obs__fail(error, OBS_FAILED_PRECONDITION, "a snapshot never changes: ask the client's own configuration");
}

obs_status obs_config_wait(uint64_t *out, obs_config *config, uint64_t version, const obs_call *call, obs_error *error)
{
    obs__config_engine *engine = NULL;
    obs__scope scope;
    if (!out || !config)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "out and config are required");
    *out = 0;
    if (config->whole)
        return fail_snapshot(error);
    obs_status status = obs__gate_enter(&scope, config->gate, OBS__READ, "config.wait", NULL, 0, call, error);
    if (status != OBS_OK)
        return status;
    status = obs__config_engine_of(&engine, config, &scope.limit, error);
    if (status == OBS_OK)
        status = obs__config_engine_ours(engine, error);
    if (status == OBS_OK) {
        pthread_mutex_lock(&engine->lock);
        while (status == OBS_OK && (*out = obs_config_version(config)) == version)
            status = obs__config_wait_change(engine, &scope.limit, error);
        pthread_mutex_unlock(&engine->lock);
    }
    return obs__gate_leave(&scope, status, error);
}

obs_status obs_config_refresh(obs_config *config, const obs_call *call, obs_error *error)
{
    obs__config_engine *engine = NULL;
    obs__scope scope;
    if (!config)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "config is required");
    if (config->whole)
        return fail_snapshot(error);
    obs_status status = obs__gate_enter(&scope, config->gate, OBS__READ, "config.refresh", NULL, 0, call, error);
    if (status != OBS_OK)
        return status;
    status = obs__config_engine_of(&engine, config, &scope.limit, error);
    if (status == OBS_OK)
        status = obs__config_turn_take(engine, &scope.limit, error);
    if (status == OBS_OK) {
        status = obs__config_update(engine, 1, &scope.limit, error);
        obs__config_turn_give(engine);
    }
    /* A change that does not fit was recorded when it was found. */
    obs__gate_leave(&scope, status == OBS_REFUSED ? OBS_OK : status, NULL);
    return status == OBS_OK ? obs__ok(error) : status;
}
