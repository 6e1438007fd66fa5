/* config get set unset explain sources validate watch sign */
#include <stdlib.h>
#include <string.h>

#include "obsctl/input.h"

#define DOCUMENT_MAX ((size_t)1 << 20)

static const ctl_column explain_columns[] = {
    {"name", "NAME", 0}, {"value", "VALUE", 0}, {"layer", "LAYER", 0}, {"place", "PLACE", 0}, {NULL, NULL, 0},
};

static const ctl_column source_columns[] = {
    {"layer", "LAYER", 0},   {"state", "STATE", 0},     {"changed", "CHANGED", 0},
    {"lag_ms", "LAG ms", 1}, {"message", "MESSAGE", 0}, {NULL, NULL, 0},
};

static obs_status open_config(ctl *ctl, obs_config **out)
{
    obs_status status = ctl->client ? OBS_OK : ctl_open(ctl); /* open already when watching */
    *out = status == OBS_OK ? obs_client_config(ctl->client) : NULL;
    return status;
}

/* As YAML would have it in one line: a text without its quotes, all else as JSON. */
static void print_value(const json_t *value)
{
    char *dumped = json_is_string(value) ? NULL : json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(17));
    if (json_is_string(value))
        ctl_print_text(stdout, json_string_value(value), json_string_length(value));
    else if (dumped)
        ctl_print_text(stdout, dumped, strlen(dumped));
    putchar('\n');
    free(dumped);
}

static obs_status show(ctl *ctl, obs_config *config)
{
    obs_buffer *json = NULL;
    const char *name = ctl->argument_count ? ctl->arguments[0] : "";
    obs_status status = obs_config_json(&json, config, name, &ctl->error);
    if (status != OBS_OK)
        return status;
    json_t *value = json_loadb(obs_buffer_data(json), obs_buffer_size(json), JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    if (ctl->json)
        ctl_print_json(json_pack("{s:o,s:O}", "name", ctl_text(name), "value", value));
    else
        print_value(value);
    json_decref(value);
    obs_buffer_free(json);
    return OBS_OK;
}

obs_status ctl_run_config_get(ctl *ctl)
{
    obs_config *config;
    obs_status status = open_config(ctl, &config);
    return status == OBS_OK ? show(ctl, config) : status;
}

/* value NULL removes. */
static obs_status change(ctl *ctl, const char *value)
{
    obs_config *config;
    obs_config_set_options options;
    obs_config_set_options_init(&options, sizeof options);
    options.call = &ctl->call;
    options.layer = ctl_get(ctl, "layer");
    options.if_match = ctl_get(ctl, "if-match");
    options.dry_run = ctl_get(ctl, "dry-run") != NULL;
    obs_status status = open_config(ctl, &config);
    return status == OBS_OK ? obs_config_set(config, ctl->arguments[0], value, &options, &ctl->error) : status;
}

obs_status ctl_run_config_set(ctl *ctl)
{
    return change(ctl, ctl->arguments[1]);
}

obs_status ctl_run_config_unset(ctl *ctl)
{
    return change(ctl, NULL);
}

obs_status ctl_run_config_explain(ctl *ctl)
{
    obs_config *config;
    obs_rows *rows = NULL;
    const char *name = ctl->argument_count ? ctl->arguments[0] : NULL;
    obs_status status = open_config(ctl, &config);
    if (status == OBS_OK)
        status = obs_config_explain(&rows, config, name, &ctl->call, &ctl->error);
    return status == OBS_OK ? ctl_print_rows(ctl, rows, explain_columns) : status;
}

obs_status ctl_run_config_sources(ctl *ctl)
{
    obs_config *config;
    obs_rows *rows = NULL;
    obs_status status = open_config(ctl, &config);
    if (status == OBS_OK)
        status = obs_config_sources(&rows, config, &ctl->error);
    return status == OBS_OK ? ctl_print_rows(ctl, rows, source_columns) : status;
}

obs_status ctl_run_config_validate(ctl *ctl)
{
    obs_config *config;
    char *text = NULL;
    size_t size = 0;
    obs_status status = open_config(ctl, &config);
    if (status == OBS_OK)
        status = ctl_read_file(ctl, ctl->arguments[0], DOCUMENT_MAX, &text, &size);
    if (status == OBS_OK)
        status = obs_config_validate(config, text, size, ctl->arguments[0], &ctl->error);
    free(text);
    return status;
}

/* Shows it as it is at one moment, and says which version that was. */
static obs_status show_now(ctl *ctl, obs_config *config, uint64_t *version)
{
    obs_config *now = NULL;
    obs_status status = obs_config_snapshot(&now, config, &ctl->call, &ctl->error);
    if (status == OBS_OK)
        status = show(ctl, now);
    if (status == OBS_OK && fflush(stdout) != 0)
        status = ctl_fail_system(ctl, "write to", "standard output");
    *version = now ? obs_config_version(now) : 0;
    obs_config_free(now);
    return status;
}

obs_status ctl_run_config_watch(ctl *ctl)
{
    obs_config *config;
    uint64_t version;
    long long count = 0;
    obs_status status = ctl_number(ctl, "count", 1, 1000000000, &count);
    if (status == OBS_OK)
        status = open_config(ctl, &config);
    if (status == OBS_OK)
        status = show_now(ctl, config, &version);
    ctl->call.timeout_ms = -1;
    for (long long seen = 1; status == OBS_OK && (!count || seen < count); seen++) {
        status = obs_config_wait(&version, config, version, &ctl->call, &ctl->error);
        if (status == OBS_OK)
            status = show_now(ctl, config, &version);
    }
    return status;
}

obs_status ctl_run_config_sign(ctl *ctl)
{
    obs_config *config;
    obs_buffer *signed_text = NULL, *key = NULL;
    char *text = NULL;
    size_t size = 0;
    obs_status status = open_config(ctl, &config);
    if (status == OBS_OK)
        status = ctl_read_file(ctl, ctl->arguments[0], DOCUMENT_MAX, &text, &size);
    if (status == OBS_OK)
        status = obs_config_sign(&signed_text, config, text, size, &key, &ctl->call, &ctl->error);
    if (status == OBS_OK && ctl->json)
        ctl_print_json(
            json_pack("{s:o,s:o}", "document", ctl_text(obs_buffer_data(signed_text)), "key", ctl_text(obs_buffer_data(key))));
    else if (status == OBS_OK && ctl_get(ctl, "key"))
        puts(obs_buffer_data(key));
    else if (status == OBS_OK)
        fwrite(obs_buffer_data(signed_text), 1, obs_buffer_size(signed_text), stdout);
    obs_buffer_free(key);
    obs_buffer_free(signed_text);
    free(text);
    return status;
}
