/* Which functions there are, and what they printed. */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "client/client.h"
#include "function/function.h"
#include "function/isolate.h"
#include "function/manifest.h"

#define LIST_LIMIT ((size_t)16 << 20)

static void add_function(obs__builder *out, const obs__manifest *manifest)
{
    obs__add_json_member(out, "digest", manifest->digest);
    obs__add_json_member(out, "type", manifest->type);
    obs__add_json_member(out, "subject", manifest->about);
    obs__add_json_member(out, "filter", manifest->filter);
    obs__add_text(out, "\"command\":[");
    for (size_t i = 0; manifest->command[i]; i++) {
        if (i)
            obs__add_char(out, ',');
        obs__add_json(out, manifest->command[i], strlen(manifest->command[i]));
    }
    obs__add_text(out, "],");
    obs__add_json_integer(out, "workers", manifest->workers);
    obs__add_text(out, obs__isolate_applies(manifest) ? "\"isolated\":true," : "\"isolated\":false,");
    obs__add_json_member(out, "state", "ok");
}

obs_status obs_function_list(obs_rows **out, obs_client *client, obs_error *error)
{
    char **names = NULL;
    obs_buffer *lines = NULL;
    obs__builder text;
    if (!out || !client)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "out and client are required");
    *out = NULL;
    obs__builder_init(&text, LIST_LIMIT);
    obs_status status = obs__manifest_names(&names, obs_client_workspace(client), error);
    for (size_t i = 0; status == OBS_OK && names[i]; i++) {
        obs__manifest *manifest = NULL;
        obs_error why;
        obs_error_init(&why, sizeof why);
        obs__add_char(&text, '{');
        obs__add_json_member(&text, "function", names[i]);
        if (obs__manifest_read(&manifest, obs_client_workspace(client), names[i], client->gate->workspace->account, &why) ==
            OBS_OK)
            add_function(&text, manifest);
        else {
            obs__add_json_member(&text, "state", "wrong");
            obs__add_json_member(&text, "reason", why.message);
        }
        obs__add_json_end(&text);
        obs__add_char(&text, '\n');
        obs__manifest_free(manifest);
    }
    if (status == OBS_OK)
        status = obs__builder_finish(&lines, &text, error);
    if (status == OBS_OK)
        status = obs__rows_from_lines(out, lines, error);
    obs__builder_free(&text);
    obs__manifest_names_free(names);
    return status == OBS_OK ? obs__ok(error) : status;
}

#define LOG_FILE_LIMIT ((size_t)32 << 20)

/* Lines of JSON that a runner wrote; one that was cut by a crash is left out. */
static void add_lines(obs__builder *out, const obs_buffer *text, const char *tenant, const char *trace)
{
    const char *at = obs_buffer_data(text);
    for (const char *end; (end = strchr(at, '\n')); at = end + 1) {
        json_t *row = NULL;
        if (obs__json_load(&row, at, (size_t)(end - at), NULL, NULL) != OBS_OK)
            continue;
        const char *of = json_string_value(json_object_get(row, "tenant"));
        const char *about = json_string_value(json_object_get(row, "trace"));
        const char *event = json_string_value(json_object_get(row, "event"));
        if (of && strcmp(of, tenant) == 0 &&
            (!trace || (about && strcmp(about, trace) == 0) || (event && strcmp(event, trace) == 0)))
            obs__add(out, at, (size_t)(end + 1 - at));
        json_decref(row);
    }
}

obs_status obs_function_logs(obs_rows **out, obs_client *client, const char *name, const char *trace, obs_error *error)
{
    static const char *const files[] = {"output.4", "output.3", "output.2", "output.1", "output"};
    obs__manifest *manifest = NULL;
    obs_buffer *lines = NULL;
    obs__builder text;
    if (!out || !client || !name)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "out, client and name are required");
    *out = NULL;
    obs__builder_init(&text, 8 * LOG_FILE_LIMIT);
    obs_status status =
        obs__manifest_read(&manifest, obs_client_workspace(client), name, client->gate->workspace->account, error);
    for (size_t i = 0; status == OBS_OK && i < sizeof files / sizeof files[0]; i++) {
        char path[PATH_MAX];
        obs_buffer *file = NULL;
        snprintf(path, sizeof path, "%s/logs/%s.jsonl", manifest->folder, files[i]);
        status = obs__file_read(&file, AT_FDCWD, path, LOG_FILE_LIMIT, error);
        if (status == OBS_OK)
            add_lines(&text, file, obs_client_tenant(client), trace);
        if (status == OBS_NOT_FOUND)
            status = OBS_OK;
        obs_buffer_free(file);
    }
    if (status == OBS_OK)
        status = obs__builder_finish(&lines, &text, error);
    if (status == OBS_OK)
        status = obs__rows_from_lines(out, lines, error);
    obs__builder_free(&text);
    obs__manifest_free(manifest);
    return status == OBS_OK ? obs__ok(error) : status;
}
