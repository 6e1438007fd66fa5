/* why, reproduce: what differs from the last time something was made, and from how it is made now. */
#include <stdlib.h>
#include <string.h>

#include "base/json_differ.h"
#include "obsctl/ctl.h"

#define SETTINGS_MOST 1000

static const char *text_of(const json_t *row, const char *name)
{
    const char *text = json_string_value(json_object_get(row, name));
    return text ? text : "";
}

static void print_value(const json_t *value)
{
    char *dumped = json_is_string(value) ? NULL : json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
    const char *text = json_is_string(value) ? json_string_value(value) : json_is_null(value) || !dumped ? "nothing" : dumped;
    ctl_print_text(stdout, text, strlen(text));
    free(dumped);
}

/* How the lineage of functions is called among people. */
static const char *called(const char *what, const char *name)
{
    if (strcmp(what, "code") == 0 || strcmp(what, "configuration") == 0)
        return what;
    if (strcmp(what, "label") != 0)
        return NULL;
    return strcmp(name, "digest") == 0                                        ? "code"
           : strcmp(name, "configuration") == 0 || strcmp(name, "event") == 0 ? name
                                                                              : NULL;
}

static void print_change(const char *indent, const char *what, const char *name, const json_t *before, const json_t *now)
{
    printf("%s%s%s", indent, what, *what && *name ? " " : "");
    ctl_print_text(stdout, name, strlen(name));
    fputs(": ", stdout);
    print_value(before);
    fputs(" -> ", stdout);
    print_value(now);
    putchar('\n');
}

/* Which settings differ between two configurations. */
static void print_settings(const json_t *one)
{
    const json_t *settings = json_object_get(one, "settings");
    size_t index;
    json_t *setting;
    if (json_is_null(settings))
        puts("    (which settings differ is not known any more)");
    json_array_foreach(settings, index, setting)
        print_change("    ", "", text_of(setting, "name"), json_object_get(setting, "before"), json_object_get(setting, "now"));
}

/* "input raw/a.fits: 00ff… -> 11ee…" */
static void print_differences(const char *title, const json_t *list, const char *before, const char *now)
{
    size_t index;
    json_t *one;
    if (json_array_size(list) && *title)
        puts(title);
    json_array_foreach(list, index, one)
    {
        const char *what = text_of(one, "what"), *name = text_of(one, "name"), *other = called(what, name);
        print_change("  ", other ? other : what, other ? "" : name, json_object_get(one, before), json_object_get(one, now));
        print_settings(one);
    }
}

static void print_why(const json_t *why)
{
    const json_t *made = json_object_get(why, "made"), *before = json_object_get(why, "before");
    const json_t *differs = json_object_get(why, "differs"), *since = json_object_get(why, "since");
    printf("made    %s  %.12s\n", text_of(made, "time"), text_of(made, "sha256"));
    if (json_is_object(before))
        printf("before  %s  %.12s\n", text_of(before, "time"), text_of(before, "sha256"));
    else
        puts("it was made once: there is no time before to compare with");
    if (json_is_object(before))
        puts(json_is_true(json_object_get(why, "same")) ? "the bytes are the same" : "the bytes differ");
    if (json_is_object(before) && !json_array_size(differs))
        puts("nothing that is known was different the time before");
    print_differences("different from the time before:", differs, "before", "now");
    print_differences("changed since it was made:", since, "used", "now");
    if (!json_array_size(since))
        puts("what it was made from is still the same");
}

/* A configuration that a function saw, if it is still known. */
static json_t *configuration(ctl *ctl, const char *sha256)
{
    obs_buffer *text = NULL;
    json_t *found = NULL;
    if (sha256 && obs_function_configuration(&text, ctl->client, sha256, &ctl->call, &ctl->error) == OBS_OK)
        found = json_loadb(obs_buffer_data(text), obs_buffer_size(text), JSON_ALLOW_NUL, NULL);
    obs_buffer_free(text);
    return found;
}

/* Adds to a difference of configurations which settings differ; null when one of them is not known any more. */
static obs_status add_settings(ctl *ctl, const json_t *differs)
{
    size_t index;
    json_t *one;
    json_array_foreach(differs, index, one)
    {
        const char *what = called(text_of(one, "what"), text_of(one, "name"));
        if (!what || strcmp(what, "configuration") != 0)
            continue;
        json_t *before = configuration(ctl, json_string_value(json_object_get(one, "before")));
        json_t *now = configuration(ctl, json_string_value(json_object_get(one, "now")));
        json_t *settings = before && now ? obs__json_differences(before, now, SETTINGS_MOST) : json_null();
        json_decref(before);
        json_decref(now);
        if (json_object_set_new(one, "settings", settings) != 0)
            return ctl_fail_memory(ctl);
    }
    return OBS_OK;
}

/* A member of the answer with what was, and what is now; nothing without a difference. */
static void print_first(const json_t *answer)
{
    const json_t *first = json_object_get(answer, "first"), *made = json_object_get(answer, "made");
    const json_t *now = json_object_get(answer, "now");
    if (!json_is_object(first))
        return;
    printf("  bytes: %lld of %.12s -> %lld of %.12s, the first that differs is number %lld, counted from 0\n",
           (long long)json_integer_value(json_object_get(made, "size")), text_of(made, "sha256"),
           (long long)json_integer_value(json_object_get(now, "size")), text_of(now, "sha256"),
           (long long)json_integer_value(json_object_get(first, "byte")));
    if (json_object_get(first, "member"))
        print_change("  ", "member", text_of(first, "member"), json_object_get(first, "before"), json_object_get(first, "now"));
}

static void print_verdict(const json_t *answer)
{
    const char *key = text_of(answer, "key"), *verdict = text_of(answer, "verdict"), *reason = text_of(answer, "reason");
    ctl_print_text(stdout, key, strlen(key));
    fputs(*reason ? ": cannot be reproduced: " : ": ", stdout);
    ctl_print_text(stdout, *reason ? reason : verdict, strlen(*reason ? reason : verdict));
    if (!*reason && json_is_null(json_object_get(answer, "now")))
        fputs(": it is not made any more", stdout);
    putchar('\n');
    print_differences("", json_object_get(answer, "differs"), "before", "now");
    print_first(answer);
}

/* 0 identical, 1 it differs, 6 it cannot be reproduced. */
static obs_status status_of(const json_t *answer)
{
    const char *verdict = text_of(answer, "verdict");
    return strcmp(verdict, "identical") == 0 ? OBS_OK : strcmp(verdict, "differs") == 0 ? OBS_UNKNOWN : OBS_FAILED_PRECONDITION;
}

obs_status ctl_run_reproduce(ctl *ctl)
{
    obs_reproduce_options options;
    obs_buffer *out = NULL;
    obs_call call = ctl->call;
    obs_reproduce_options_init(&options, sizeof options);
    if (!ctl_get(ctl, "timeout"))
        call.timeout_ms = -1; /* the function's own limits count */
    options.call = &call;
    options.present_code = ctl_get(ctl, "present-code") != NULL;
    obs_status status = ctl_open(ctl);
    if (status == OBS_OK)
        status = obs_function_reproduce(&out, ctl->client, ctl->arguments[0], OBS_TEXT, &options, &ctl->error);
    if (status != OBS_OK)
        return status;
    json_t *answer = json_loadb(obs_buffer_data(out), obs_buffer_size(out), JSON_ALLOW_NUL, NULL);
    status = answer ? status_of(answer) : ctl_fail_memory(ctl);
    if (answer && ctl->json)
        ctl_write_json(obs_buffer_data(out), obs_buffer_size(out));
    else if (answer)
        print_verdict(answer);
    json_decref(answer);
    obs_buffer_free(out);
    return status;
}

obs_status ctl_run_why(ctl *ctl)
{
    obs_buffer *out = NULL;
    obs_status status = ctl_open(ctl);
    if (status == OBS_OK)
        status = obs_catalog_why(&out, obs_client_catalog(ctl->client), ctl->arguments[0], OBS_TEXT, &ctl->call, &ctl->error);
    if (status != OBS_OK)
        return status;
    json_t *why = json_loadb(obs_buffer_data(out), obs_buffer_size(out), JSON_ALLOW_NUL, NULL);
    obs_buffer_free(out);
    status = why ? add_settings(ctl, json_object_get(why, "differs")) : ctl_fail_memory(ctl);
    if (status == OBS_OK && ctl->json) {
        ctl_print_json(why);
        return OBS_OK;
    }
    if (status == OBS_OK)
        print_why(why);
    json_decref(why);
    return status;
}
