/* Values by name. */
#include <string.h>

#include "base/buffer.h"
#include "base/error.h"
#include "config/engine.h"

#define KIND(kind) (1u << OBS__CONFIG_##kind)
#define JSON_MAX ((size_t)64 << 20)

static obs_status find(const obs__config_value **out, obs__config_reading *reading, obs_config *config, const char *name,
                       unsigned kinds, const char *what, obs_error *error)
{
    *reading = (obs__config_reading){0};
    if (!config || !name)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "out, config and name are required");
    obs_status status = obs__config_reading_begin(reading, config, error);
    return status == OBS_OK ? obs__config_whole_want(out, reading->whole, name, kinds, what, error) : status;
}

static obs_status end(obs__config_reading *reading, obs_status status, obs_error *error)
{
    obs__config_reading_end(reading);
    return status == OBS_OK ? obs__ok(error) : status;
}

static obs_status fail_out(obs_error *error)
{
    return obs__fail(error, OBS_INVALID_ARGUMENT, "out, config and name are required");
}

obs_status obs_config_bool(int32_t *out, obs_config *config, const char *name, obs_error *error)
{
    obs__config_reading reading;
    const obs__config_value *value = NULL;
    if (!out)
        return fail_out(error);
    *out = 0;
    obs_status status = find(&value, &reading, config, name, KIND(BOOL), "true or false", error);
    if (status == OBS_OK)
        *out = (int32_t)value->integer;
    return end(&reading, status, error);
}

obs_status obs_config_int(int64_t *out, obs_config *config, const char *name, obs_error *error)
{
    obs__config_reading reading;
    const obs__config_value *value = NULL;
    if (!out)
        return fail_out(error);
    *out = 0;
    obs_status status = find(&value, &reading, config, name, KIND(INT), "an integer", error);
    if (status == OBS_OK)
        *out = value->integer;
    return end(&reading, status, error);
}

obs_status obs_config_float(double *out, obs_config *config, const char *name, obs_error *error)
{
    obs__config_reading reading;
    const obs__config_value *value = NULL;
    if (!out)
        return fail_out(error);
    *out = 0;
    obs_status status = find(&value, &reading, config, name, KIND(INT) | KIND(REAL), "a number", error);
    if (status == OBS_OK)
        *out = value->real;
    return end(&reading, status, error);
}

obs_status obs_config_duration(int64_t *out, obs_config *config, const char *name, obs_error *error)
{
    static const char what[] = "a time span as in 250ms or 1h30m";
    obs__config_reading reading;
    const obs__config_value *value = NULL;
    if (!out)
        return fail_out(error);
    *out = 0;
    obs_status status = find(&value, &reading, config, name, KIND(INT) | KIND(TEXT), what, error);
    if (status == OBS_OK && !value->has_duration)
        status = obs__config_wrong_kind(reading.whole, value, what, error);
    if (status == OBS_OK)
        *out = value->duration_ns;
    return end(&reading, status, error);
}

obs_status obs_config_bytes(uint64_t *out, obs_config *config, const char *name, obs_error *error)
{
    static const char what[] = "a size as in 64MiB or 4096";
    obs__config_reading reading;
    const obs__config_value *value = NULL;
    if (!out)
        return fail_out(error);
    *out = 0;
    obs_status status = find(&value, &reading, config, name, KIND(INT) | KIND(TEXT), what, error);
    if (status == OBS_OK && !value->has_bytes)
        status = obs__config_wrong_kind(reading.whole, value, what, error);
    if (status == OBS_OK)
        *out = value->bytes;
    return end(&reading, status, error);
}

obs_status obs_config_text(obs_buffer **out, obs_config *config, const char *name, obs_error *error)
{
    obs__config_reading reading;
    const obs__config_value *value = NULL;
    if (!out)
        return fail_out(error);
    *out = NULL;
    obs_status status = find(&value, &reading, config, name, KIND(TEXT), "a text", error);
    if (status == OBS_OK)
        status = obs__buffer_copy(out, json_string_value(value->json), json_string_length(value->json), error);
    return end(&reading, status, error);
}

obs_status obs__config_json(obs_buffer **out, const json_t *json, obs_error *error)
{
    obs__builder text;
    obs__builder_init(&text, JSON_MAX);
    obs__config_json_add(&text, json);
    obs_status status = obs__builder_finish(out, &text, error);
    obs__builder_free(&text);
    return status;
}

obs_status obs_config_json(obs_buffer **out, obs_config *config, const char *name, obs_error *error)
{
    obs__config_whole *whole = NULL;
    const obs__config_value *value = NULL;
    if (!out || !config || !name)
        return fail_out(error);
    *out = NULL;
    obs_status status = obs__config_hold(&whole, config, NULL, error);
    if (status == OBS_OK && *name)
        status = obs__config_whole_find(&value, whole, name, error);
    if (status == OBS_OK)
        status = obs__config_json(out, value ? value->json : whole->tree, error);
    obs__config_whole_free(whole);
    return status == OBS_OK ? obs__ok(error) : status;
}

obs_status obs_config_secret(obs_secret **out, obs_config *config, const char *name, obs_error *error)
{
    obs__config_whole *whole = NULL;
    const obs__config_value *value = NULL;
    obs__scope scope;
    if (!out || !config || !name)
        return fail_out(error);
    *out = NULL;
    obs_status status = obs__gate_enter(&scope, config->gate, OBS__READ, "config.secret", name, OBS_TEXT, NULL, error);
    if (status != OBS_OK)
        return status;
    status = obs__config_hold(&whole, config, NULL, error);
    if (status == OBS_OK)
        status = obs__config_whole_want(&value, whole, name, KIND(SECRET),
                                        "a secret: write ${secret:env:NAME} or ${secret:file:/path} there", error);
    if (status == OBS_OK)
        status = obs__config_secret_get(out, atomic_load(&config->engine), obs__config_reference(value->json), error);
    obs__config_whole_free(whole);
    return obs__gate_leave(&scope, status, error);
}
