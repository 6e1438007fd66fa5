/* doctor --bundle: what goes into an archive for support. */
#include "obsctl/bundle.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define ROWS_MOST 1000

static const char about[] = "Made by obsctl doctor --bundle.\n\n"
                            "manifest.json   which files there are, which could not be had, what was left out\n"
                            "system.json     versions, system, memory, disk\n"
                            "layout.txt      files of the workspace: mode, size, time\n"
                            "whoami.json     how the workspace was opened\n"
                            "tenants.json    tenants and quotas\n"
                            "consumers.json  consumers of events, how far behind they are\n"
                            "destinations.json  destinations outside, and their state\n"
                            "functions.json  functions, and whether they can run\n"
                            "sources.json    layers of the configuration, and their state\n"
                            "config.json     settings: numbers, truths, and the names of secrets\n"
                            "health.json     what obsctl doctor says\n"
                            "metrics.txt     what obsctl metrics says\n"
                            "errors.json     what failed in the last day, by kind\n"
                            "recent.json     the last calls of an hour: when, what, how it ended\n"
                            "audit.json      state of the audit log\n\n"
                            "name-1, name-2 ... stand for names. There is no secret and no data in it.\n";

/* A part that cannot be had: that is what support wants to know, too. */
static obs_status add_failure(ctl_bundle *bundle, const char *name, obs_status status)
{
    const obs_error *error = &bundle->ctl->error;
    if (status == OBS_CANCELLED)
        return status;
    char *message = ctl_bundle_sentence(bundle, error->message), *detail = ctl_bundle_sentence(bundle, error->detail);
    json_t *json = json_pack("{s:s,s:s,s:s}", "status", obs_status_name(status), "message", message ? message : "", "detail",
                             detail ? detail : "");
    free(message);
    free(detail);
    bundle->failed = status;
    return ctl_bundle_add_json(bundle, name, json);
}

static obs_status add_clean(ctl_bundle *bundle, const char *name, json_t *json)
{
    ctl_bundle_clean(bundle, json);
    return ctl_bundle_add_json(bundle, name, json);
}

/* One document, which it frees. */
static obs_status add_buffer(ctl_bundle *bundle, const char *name, obs_buffer *buffer, obs_status status)
{
    if (status != OBS_OK)
        return add_failure(bundle, name, status);
    json_t *json = json_loadb(obs_buffer_data(buffer), obs_buffer_size(buffer), JSON_ALLOW_NUL, NULL);
    obs_buffer_free(buffer);
    return add_clean(bundle, name, json);
}

/* Rows as a list, which `pick` may shorten. Frees them. */
static obs_status add_rows(ctl_bundle *bundle, const char *name, obs_rows *rows, json_t *(*pick)(ctl_bundle *, json_t *),
                           obs_status status)
{
    const char *text;
    size_t size;
    json_t *list = json_array();
    while (status == OBS_OK && (status = obs_rows_next(rows, &text, &size, &bundle->ctl->error)) == OBS_OK && text) {
        json_t *row = json_loadb(text, size, JSON_ALLOW_NUL, NULL);
        if (json_array_append_new(list, pick ? pick(bundle, row) : row) != 0)
            status = ctl_fail_memory(bundle->ctl);
        if (json_array_size(list) > ROWS_MOST)
            json_array_remove(list, 0); /* the last ones say more */
    }
    obs_rows_free(rows);
    if (status == OBS_OK)
        return add_clean(bundle, name, list);
    json_decref(list);
    return add_failure(bundle, name, status);
}

/* Numbers, truths and references to secrets are shown; a text may be anything. */
static json_t *pick_setting(ctl_bundle *bundle, json_t *row)
{
    const char *setting = json_string_value(json_object_get(row, "name"));
    const char *secret = json_string_value(json_object_get(json_object_get(row, "value"), "secret"));
    json_t *value = json_object_get(row, "value"), *shown = NULL;
    if (secret) /* the path of a file is a name, too */
        shown = json_sprintf("%s", strchr(secret, '/') ? ctl_bundle_name(bundle, secret) : secret);
    else if (json_is_number(value) || json_is_boolean(value) || json_is_null(value))
        shown = json_incref(value);
    else
        shown = json_string(json_is_string(value) ? "(text)" : json_is_array(value) ? "(list)" : "(mapping)");
    json_t *out = json_pack("{s:s,s:o,s:O?}", "setting", setting ? setting : "", secret ? "secret" : "value", shown, "layer",
                            json_object_get(row, "layer"));
    json_decref(row);
    return out;
}

/* Of a record of a call: when, what and how it ended, and who as a number. */
static json_t *pick_record(ctl_bundle *bundle, json_t *row)
{
    static const char *const wanted[] = {"time", "action", "status", "duration_us", "trace", "subject", "count"};
    json_t *out = json_object();
    (void)bundle;
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        if (json_object_get(row, wanted[i]))
            json_object_set(out, wanted[i], json_object_get(row, wanted[i]));
    json_decref(row);
    return out;
}

static json_t *pick_function(ctl_bundle *bundle, json_t *row)
{
    (void)bundle;
    json_object_del(row, "command"); /* may have anything among its arguments */
    json_object_del(row, "filter");
    return row;
}

static obs_status add_tenants(ctl_bundle *bundle)
{
    ctl *ctl = bundle->ctl;
    obs_rows *rows = NULL;
    obs_status status = obs_tenant_show(&rows, ctl->client, NULL, &ctl->call, &ctl->error);
    return add_rows(bundle, "tenants.json", rows, NULL, status);
}

static obs_status add_consumers(ctl_bundle *bundle)
{
    ctl *ctl = bundle->ctl;
    obs_rows *rows = NULL;
    obs_status status = obs_bus_consumers(&rows, obs_client_bus(ctl->client), &ctl->call, &ctl->error);
    return add_rows(bundle, "consumers.json", rows, NULL, status);
}

static obs_status add_destinations(ctl_bundle *bundle)
{
    ctl *ctl = bundle->ctl;
    obs_rows *rows = NULL;
    obs_status status = obs_journal_list(&rows, ctl->client, &ctl->call, &ctl->error);
    return add_rows(bundle, "destinations.json", rows, NULL, status);
}

static obs_status add_functions(ctl_bundle *bundle)
{
    ctl *ctl = bundle->ctl;
    obs_rows *rows = NULL;
    obs_status status = obs_function_list(&rows, ctl->client, &ctl->error);
    return add_rows(bundle, "functions.json", rows, pick_function, status);
}

static obs_status add_sources(ctl_bundle *bundle)
{
    ctl *ctl = bundle->ctl;
    obs_rows *rows = NULL;
    obs_status status = obs_config_sources(&rows, obs_client_config(ctl->client), &ctl->error);
    return add_rows(bundle, "sources.json", rows, NULL, status);
}

static obs_status add_config(ctl_bundle *bundle)
{
    ctl *ctl = bundle->ctl;
    obs_rows *rows = NULL;
    obs_status status = obs_config_explain(&rows, obs_client_config(ctl->client), NULL, &ctl->call, &ctl->error);
    return add_rows(bundle, "config.json", rows, pick_setting, status);
}

static obs_status add_whoami(ctl_bundle *bundle)
{
    obs_buffer *buffer = NULL;
    obs_status status = obs_client_whoami(&buffer, bundle->ctl->client, &bundle->ctl->error);
    return add_buffer(bundle, "whoami.json", buffer, status);
}

static obs_status add_health(ctl_bundle *bundle)
{
    size_t index;
    json_t *part;
    ctl *ctl = bundle->ctl;
    obs_buffer *buffer = NULL;
    obs_status status = obs_client_health(&buffer, ctl->client, &ctl->call, &ctl->error);
    if (status != OBS_OK)
        return add_failure(bundle, "health.json", status);
    json_t *health = json_loadb(obs_buffer_data(buffer), obs_buffer_size(buffer), JSON_ALLOW_NUL, NULL);
    json_array_foreach(json_object_get(health, "parts"), index, part)
    { /* their names are ours */
        json_object_set(part, "part", json_object_get(part, "name"));
        json_object_del(part, "name");
    }
    obs_buffer_free(buffer);
    return add_clean(bundle, "health.json", health);
}

static obs_status add_metrics(ctl_bundle *bundle)
{
    ctl *ctl = bundle->ctl;
    obs_buffer *buffer = NULL;
    obs_status status = obs_client_metrics(&buffer, ctl->client, &ctl->call, &ctl->error);
    if (status != OBS_OK)
        return add_failure(bundle, "metrics.txt", status);
    char *text = ctl_bundle_metrics(bundle, obs_buffer_data(buffer));
    obs_buffer_free(buffer);
    status = text ? ctl_bundle_add(bundle, "metrics.txt", text, strlen(text)) : ctl_fail_memory(ctl);
    free(text);
    return status;
}

static obs_status add_errors(ctl_bundle *bundle)
{
    char since[64];
    obs_status status = ctl_since(bundle->ctl, "1d", since, sizeof since);
    json_t *list = status == OBS_OK ? ctl_errors(bundle->ctl, since) : NULL;
    return list ? add_clean(bundle, "errors.json", list) : add_failure(bundle, "errors.json", bundle->ctl->error.status);
}

static obs_status add_recent(ctl_bundle *bundle)
{
    ctl *ctl = bundle->ctl;
    char since[64];
    obs_rows *rows = NULL;
    obs_audit_options options;
    obs_audit_options_init(&options, sizeof options);
    options.call = &ctl->call;
    options.since = since;
    obs_status status = ctl_since(ctl, "1h", since, sizeof since);
    if (status == OBS_OK)
        status = obs_audit_query(&rows, obs_client_audit(ctl->client), &options, &ctl->error);
    return add_rows(bundle, "recent.json", rows, pick_record, status);
}

static obs_status add_audit(ctl_bundle *bundle)
{
    ctl *ctl = bundle->ctl;
    obs_buffer *report = NULL;
    obs_audit_verify_options options;
    obs_audit_verify_options_init(&options, sizeof options);
    options.call = &ctl->call;
    options.unanchored = 1;
    obs_status status = obs_audit_verify(&report, obs_client_audit(ctl->client), &options, &ctl->error);
    return add_buffer(bundle, "audit.json", report, status);
}

/* First those from which names are known that stand in the sentences of the others. */
static obs_status add_workspace(ctl_bundle *bundle)
{
    static obs_status (*const parts[])(ctl_bundle *) = {
        add_whoami, add_tenants, add_consumers, add_destinations, add_functions, add_sources,
        add_config, add_health,  add_metrics,   add_errors,       add_recent,    add_audit,
    };
    obs_status status = OBS_OK;
    for (size_t i = 0; status == OBS_OK && i < sizeof parts / sizeof *parts; i++)
        status = parts[i](bundle);
    return status;
}

static obs_status add_all(ctl_bundle *bundle, obs_status opened)
{
    const char *folder = opened == OBS_OK ? obs_client_workspace(bundle->ctl->client) : ".";
    obs_status status = ctl_bundle_add(bundle, "README", about, strlen(about));
    if (status == OBS_OK && opened != OBS_OK)
        status = add_failure(bundle, "open.json", opened);
    if (status == OBS_OK)
        status = ctl_bundle_add_system(bundle, folder);
    if (status == OBS_OK && opened == OBS_OK)
        status = add_workspace(bundle);
    if (status == OBS_OK && opened == OBS_OK)
        status = ctl_bundle_add_layout(bundle, folder);
    return status == OBS_OK ? ctl_bundle_end(bundle) : status;
}

/* With what stands for what: for the one who made it, to understand an answer. */
static void say_made(ctl_bundle *bundle, const char *path)
{
    int files = (int)json_array_size(bundle->parts);
    json_t *by_number = json_object(), *number;
    const char *name;
    if (bundle->ctl->json) {
        json_object_foreach(bundle->names, name, number)
            json_object_set_new(by_number, json_string_value(number), ctl_text(name));
        ctl_print_json(json_pack("{s:o,s:i,s:O}", "bundle", ctl_text(path), "files", files, "names", by_number));
    } else
        printf("%d files are in it: look through them before you send it\n", files);
    json_decref(by_number);
}

static obs_status make(ctl_bundle *bundle, const char *path)
{
    ctl *ctl = bundle->ctl;
    mode_t mask = umask(077); /* there is no other thread yet */
    obs_status status = ctl_target_open(ctl, &bundle->target, path);
    umask(mask);
    if (status != OBS_OK)
        return ctl_target_close(ctl, &bundle->target, status);
    obs_status opened = ctl_open(ctl);
    obs_error failure = ctl->error;
    status = opened == OBS_CANCELLED ? opened : add_all(bundle, opened);
    status = ctl_target_close(ctl, &bundle->target, status);
    if (status != OBS_OK)
        return status;
    if (strcmp(path, "-") != 0 && (opened == OBS_OK || !ctl->json))
        say_made(bundle, path);
    ctl->error = failure; /* it is written all the same */
    return opened;
}

obs_status ctl_make_bundle(ctl *ctl, const char *path)
{
    ctl_bundle bundle = {.ctl = ctl, .names = json_object(), .parts = json_array()};
    obs_status status = bundle.names && bundle.parts ? make(&bundle, path) : ctl_fail_memory(ctl);
    json_decref(bundle.names);
    json_decref(bundle.parts);
    return status;
}
