#include "shim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A Go string is no C text yet: no NUL ends it, and one may stand inside. Names of usual length cost no allocation. */
struct name {
    char *text;
    char room[256];
};

static void refuse(obs_error *error, obs_status status, const char *message)
{
    error->status = status;
    error->retryable = obs_status_retryable(status);
    snprintf(error->message, sizeof error->message, "%s", message);
}

static int name_begin(struct name *name, const char *given, size_t size, obs_error *error)
{
    name->text = name->room;
    if (size && memchr(given, '\0', size))
        return refuse(error, OBS_INVALID_ARGUMENT, "a name of the configuration has no NUL in it"), 0;
    if (size >= sizeof name->room && !(name->text = malloc(size + 1)))
        return refuse(error, OBS_RESOURCE_EXHAUSTED, "not enough memory"), 0;
    if (size)
        memcpy(name->text, given, size);
    name->text[size] = '\0';
    return 1;
}

static void name_end(struct name *name)
{
    if (name->text != name->room)
        free(name->text);
}

static void get_number(go_number *out, obs_config *config, const char *name, obs_setting_type type, obs_error *error)
{
    int32_t flag = 0;
    switch (type) {
    case OBS_SETTING_BOOL:
        obs_config_bool(&flag, config, name, error);
        out->integer = flag;
        break;
    case OBS_SETTING_INT:
        obs_config_int(&out->integer, config, name, error);
        break;
    case OBS_SETTING_FLOAT:
        obs_config_float(&out->real, config, name, error);
        break;
    case OBS_SETTING_DURATION:
        obs_config_duration(&out->integer, config, name, error);
        break;
    default:
        obs_config_bytes((uint64_t *)&out->integer, config, name, error);
    }
}

go_number go_config_number(obs_config *config, const char *name, size_t size, obs_setting_type type)
{
    obs_error error;
    struct name named;
    go_number number = {0};
    obs_error_init(&error, sizeof error);
    if (name_begin(&named, name, size, &error))
        get_number(&number, config, named.text, type, &error);
    name_end(&named);
    number.failed = go_failed(&error);
    return number;
}

go_bytes go_config_text(obs_config *config, const char *name, size_t size)
{
    obs_error error;
    struct name named;
    obs_buffer *buffer = NULL;
    obs_error_init(&error, sizeof error);
    if (name_begin(&named, name, size, &error))
        obs_config_text(&buffer, config, named.text, &error);
    name_end(&named);
    return (go_bytes){go_failed(&error), buffer, obs_buffer_data(buffer), obs_buffer_size(buffer)};
}

go_bytes go_config_json(obs_config *config, const char *name, size_t size)
{
    obs_error error;
    struct name named;
    obs_buffer *buffer = NULL;
    obs_error_init(&error, sizeof error);
    if (name_begin(&named, name, size, &error))
        obs_config_json(&buffer, config, named.text, &error);
    name_end(&named);
    return (go_bytes){go_failed(&error), buffer, obs_buffer_data(buffer), obs_buffer_size(buffer)};
}

obs_error *go_config_secret(obs_secret **out, obs_config *config, const char *name, size_t size)
{
    obs_error error;
    struct name named;
    obs_error_init(&error, sizeof error);
    if (name_begin(&named, name, size, &error))
        obs_config_secret(out, config, named.text, &error);
    name_end(&named);
    return go_failed(&error);
}

obs_error *go_config_snapshot(obs_config **out, obs_config *config, const obs_call *call)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_config_snapshot(out, config, call, &error);
    return go_failed(&error);
}

obs_error *go_config_wait(uint64_t *out, obs_config *config, uint64_t version, const obs_call *call)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_config_wait(out, config, version, call, &error);
    return go_failed(&error);
}

obs_error *go_config_refresh(obs_config *config, const obs_call *call)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_config_refresh(config, call, &error);
    return go_failed(&error);
}

obs_error *go_config_set(obs_config *config, const char *name, size_t size, const char *value,
                         const obs_config_set_options *options)
{
    obs_error error;
    struct name named;
    obs_error_init(&error, sizeof error);
    if (name_begin(&named, name, size, &error))
        obs_config_set(config, named.text, value, options, &error);
    name_end(&named);
    return go_failed(&error);
}

/* Without a name all. */
obs_error *go_config_explain(obs_rows **out, obs_config *config, const char *name, size_t size, const obs_call *call)
{
    obs_error error;
    struct name named;
    obs_error_init(&error, sizeof error);
    if (name_begin(&named, name, size, &error))
        obs_config_explain(out, config, size ? named.text : NULL, call, &error);
    name_end(&named);
    return go_failed(&error);
}

obs_error *go_config_sources(obs_rows **out, obs_config *config)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_config_sources(out, config, &error);
    return go_failed(&error);
}

/* No bytes are nowhere in Go, but an empty text in C. */
obs_error *go_config_validate(obs_config *config, const char *data, size_t size, const char *name)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_config_validate(config, data ? data : "", size, name, &error);
    return go_failed(&error);
}

obs_error *go_config_sign(obs_buffer **out, obs_config *config, const char *data, size_t size, obs_buffer **key,
                          const obs_call *call)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_config_sign(out, config, data ? data : "", size, key, call, &error);
    return go_failed(&error);
}

obs_error *go_setting_open(obs_setting **out, obs_config *config, const char *name, size_t size, obs_setting_type type,
                           const obs_setting_options *options)
{
    obs_error error;
    struct name named;
    obs_error_init(&error, sizeof error);
    if (name_begin(&named, name, size, &error))
        obs_setting_open(out, config, named.text, type, options, &error);
    name_end(&named);
    return go_failed(&error);
}

go_bytes go_setting_text(obs_setting *setting, const char *known, size_t known_size)
{
    obs_error error;
    obs_buffer *buffer = NULL;
    obs_error_init(&error, sizeof error);
    obs_setting_text(&buffer, setting, &error);
    size_t size = obs_buffer_size(buffer);
    if (buffer && size == known_size && (!size || memcmp(obs_buffer_data(buffer), known, size) == 0)) {
        obs_buffer_free(buffer);
        return (go_bytes){0};
    }
    return (go_bytes){go_failed(&error), buffer, obs_buffer_data(buffer), size};
}

obs_error *go_secret_new(obs_secret **out, const void *bytes, size_t size)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_secret_new(out, bytes, size, &error);
    return go_failed(&error);
}
