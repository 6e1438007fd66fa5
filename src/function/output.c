/* The outputs of a handler, as they are handed to the runner. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/memory.h"
#include "function/function.h"

static void options_of(void *out, size_t size, const void *options)
{
    size_t given = 0;
    memset(out, 0, size);
    if (options)
        memcpy(&given, options, sizeof given);
    if (given)
        memcpy(out, options, given < size ? given : size);
}

obs_status obs__output_begin(obs__builder *line, obs_function_call *call, const char *what, obs_error *error)
{
    obs_status status = obs__function_check(call, error);
    obs__builder_init(line, OBS__OUTPUT_LINE_LIMIT);
    if (status == OBS_OK && call->outputs >= OBS__OUTPUTS_MAX)
        status = obs__fail(error, OBS_RESOURCE_EXHAUSTED, "an event has at most %d inputs and outputs", OBS__OUTPUTS_MAX);
    obs__add_char(line, '{');
    obs__add_json_member(line, "do", what);
    return status;
}

obs_status obs__output_end(obs_function_call *call, obs__builder *line, const void *data, size_t size, obs_error *error)
{
    if (data)
        obs__add_json_integer(line, "size", (int64_t)size);
    obs__add_json_end(line);
    obs__add_char(line, '\n');
    obs_status status = obs__builder_status(line, error);
    if (status == OBS_OK && call->body.size + line->size + size + 1 > OBS__OUTPUTS_LIMIT)
        status = obs__fail(error, OBS_RESOURCE_EXHAUSTED,
                           "the outputs of one event are larger than %zu bytes: put large data "
                           "as files",
                           OBS__OUTPUTS_LIMIT);
    if (status == OBS_OK) {
        obs__add(&call->body, line->data, line->size);
        obs__add(&call->lines, line->data, line->size);
        if (data) {
            obs__add(&call->body, data, size);
            obs__add_char(&call->body, '\n');
        }
        if ((status = obs__builder_status(&call->body, error)) == OBS_OK)
            status = obs__builder_status(&call->lines, error);
        call->outputs++;
    }
    obs__builder_free(line);
    return status;
}

static obs_status add_key(obs__builder *line, const char *key, size_t size, obs_error *error)
{
    obs__view view = obs__view_of(key, size);
    if (!view.size || view.size > OBS_KEY_MAX || !obs__utf8_valid(view.data, view.size) || memchr(view.data, '\0', view.size))
        return obs__fail(error, OBS_INVALID_ARGUMENT, "a key is 1 to %d bytes of UTF-8", OBS_KEY_MAX);
    obs__add_text(line, "\"key\":");
    obs__add_json(line, view.data, view.size);
    obs__add_char(line, ',');
    return OBS_OK;
}

static void add_pairs(obs__builder *line, const char *name, const obs_pair *pairs, size_t count)
{
    if (!count)
        return;
    obs__add_format(line, "\"%s\":{", name);
    for (size_t i = 0; i < count; i++)
        obs__add_json_member(line, pairs[i].name ? pairs[i].name : "", pairs[i].value ? pairs[i].value : "");
    obs__add_json_end(line);
    obs__add_char(line, ',');
}

static void add_text(obs__builder *line, const char *name, const char *text)
{
    if (text)
        obs__add_json_member(line, name, text);
}

static void add_options(obs__builder *line, const obs_put_options *options)
{
    add_text(line, "type", options->content_type);
    add_text(line, "if_match", options->if_match);
    add_text(line, "if_none_match", options->if_none_match);
    add_text(line, "sha256", options->sha256);
    add_text(line, "values", options->values);
    add_pairs(line, "metadata", options->metadata, options->metadata_count);
    add_pairs(line, "labels", options->labels, options->label_count);
    if (options->no_index)
        obs__add_json_integer(line, "no_index", 1);
    if (!options->made_from_count)
        return;
    obs__add_text(line, "\"made_from\":[");
    for (size_t i = 0; i < options->made_from_count; i++) {
        if (i)
            obs__add_char(line, ',');
        obs__add_json(line, options->made_from[i], strlen(options->made_from[i]));
    }
    obs__add_text(line, "],");
}

/* What is large goes by a file of the call's folder, which nobody has to hold in memory twice. */
static obs_status put_large(char name[32], obs_function_call *call, const void *data, size_t size, obs_error *error)
{
    const char *folder;
    char *path = NULL;
    int fd = -1;
    snprintf(name, 32, ".put-%d", call->files);
    obs_status status = obs_function_folder(&folder, call, error);
    if (status == OBS_OK && asprintf(&path, "%s/%s", folder, name) < 0) {
        path = NULL;
        status = obs__fail_memory(error);
    }
    if (status == OBS_OK)
        status = obs__open_at(&fd, AT_FDCWD, path, O_WRONLY | O_CREAT | O_EXCL, 0600, error);
    if (status == OBS_OK)
        status = obs__write_all(fd, data, size, path, error);
    if (fd >= 0)
        close(fd);
    free(path);
    call->files += status == OBS_OK;
    return status;
}

static obs_status put(obs_function_call *call, const char *key, size_t key_size, const char *name, const void *data,
                      size_t size, const obs_put_options *options, obs_error *error)
{
    obs__builder line;
    obs_put_options wanted;
    char large[32];
    options_of(&wanted, sizeof wanted, options);
    obs_status status = obs__output_begin(&line, call, "put", error);
    if (status == OBS_OK)
        status = add_key(&line, key, key_size, error);
    if (status == OBS_OK && !name && size > OBS__OUTPUT_INLINE) {
        status = put_large(large, call, data, size, error);
        name = large;
    }
    if (status == OBS_OK) {
        add_text(&line, "file", name);
        add_options(&line, &wanted);
        return obs__output_end(call, &line, name ? NULL : data, name ? 0 : size, error);
    }
    obs__builder_free(&line);
    return status;
}

obs_status obs_function_put(obs_function_call *call, const char *key, size_t key_size, const void *data, size_t size,
                            const obs_put_options *options, obs_error *error)
{
    if (!call || !key || (!data && size))
        return obs__fail(error, OBS_INVALID_ARGUMENT, "call, key and data are required");
    obs__view bytes = obs__view_of(data ? data : "", size);
    obs_status status = put(call, key, key_size, NULL, bytes.data, bytes.size, options, error);
    return status == OBS_OK ? obs__ok(error) : status;
}

/* A relative path without `..`, of the folder. */
static int is_inside(const char *name)
{
    if (*name == '/' || !*name || strlen(name) > 1024)
        return 0;
    for (const char *at = name; at; at = strchr(at, '/')) {
        at += *at == '/';
        size_t size = strcspn(at, "/");
        if (size == 0 || (size == 1 && *at == '.') || (size == 2 && at[0] == '.' && at[1] == '.'))
            return 0;
    }
    return 1;
}

obs_status obs_function_put_file(obs_function_call *call, const char *key, size_t key_size, const char *name,
                                 const obs_put_options *options, obs_error *error)
{
    if (!call || !key || !name)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "call, key and name are required");
    if (!is_inside(name))
        return obs__fail(error, OBS_INVALID_ARGUMENT, "'%s' is no path in the folder of the call", name);
    obs_status status = put(call, key, key_size, name, NULL, 0, options, error);
    return status == OBS_OK ? obs__ok(error) : status;
}

obs_status obs_function_publish(obs_function_call *call, const obs_event *event, const obs_publish_options *options,
                                obs_error *error)
{
    obs__builder line;
    obs_event given;
    obs_publish_options wanted;
    obs_buffer *json = NULL;
    if (!call || !event)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "call and event are required");
    options_of(&given, sizeof given, event);
    options_of(&wanted, sizeof wanted, options);
    obs_status status = obs__output_begin(&line, call, "publish", error);
    if (!given.id || !*given.id)
        given.id = "-"; /* the runner derives it */
    else
        obs__add_json_integer(&line, "own_id", 1);
    if (!given.source || !*given.source)
        given.source = "-";
    else
        obs__add_json_integer(&line, "own_source", 1);
    if (status == OBS_OK)
        status = obs_event_encode(&json, &given, error);
    if (status == OBS_OK) {
        add_text(&line, "type", given.type); /* for people */
        add_text(&line, "partition_key", wanted.partition_key);
        obs__add_json_integer(&line, "priority", wanted.priority);
        status = obs__output_end(call, &line, obs_buffer_data(json), obs_buffer_size(json), error);
    } else
        obs__builder_free(&line);
    obs_buffer_free(json);
    return status == OBS_OK ? obs__ok(error) : status;
}

obs_status obs_function_label(obs_function_call *call, const char *key, size_t key_size, const obs_pair *labels, size_t count,
                              obs_error *error)
{
    obs__builder line;
    if (!call || !key || (!labels && count))
        return obs__fail(error, OBS_INVALID_ARGUMENT, "call, key and labels are required");
    obs_status status = obs__output_begin(&line, call, "label", error);
    if (status == OBS_OK)
        status = add_key(&line, key, key_size, error);
    if (status == OBS_OK) {
        add_pairs(&line, "labels", labels, count);
        status = obs__output_end(call, &line, NULL, 0, error);
    } else
        obs__builder_free(&line);
    return status == OBS_OK ? obs__ok(error) : status;
}

obs_status obs_function_record(obs_function_call *call, const char *definition, const char *json, size_t size, obs_error *error)
{
    obs__builder line;
    if (!call || !definition || !json)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "call, definition and json are required");
    obs__view bytes = obs__view_of(json, size);
    obs_status status = obs__output_begin(&line, call, "record", error);
    if (status == OBS_OK) {
        obs__add_json_member(&line, "definition", definition);
        status = obs__output_end(call, &line, bytes.data, bytes.size, error);
    } else
        obs__builder_free(&line);
    return status == OBS_OK ? obs__ok(error) : status;
}

/* What was read is named with its checksum, which is that of the store's own record of the object. */
static obs_status note_input(obs_function_call *call, const char *key, size_t key_size, const obs_buffer *bytes,
                             obs_error *error)
{
    unsigned char hash[OBS__SHA256_SIZE];
    char hex[2 * OBS__SHA256_SIZE + 1];
    obs__builder line;
    obs_status status = obs__output_begin(&line, call, "input", error);
    if (status == OBS_OK)
        status = add_key(&line, key, key_size, error);
    if (status == OBS_OK)
        status = obs__sha256(hash, obs_buffer_data(bytes), obs_buffer_size(bytes), error);
    if (status != OBS_OK) {
        obs__builder_free(&line);
        return status;
    }
    obs__hex(hex, hash, sizeof hash);
    obs__add_json_member(&line, "sha256", hex);
    return obs__output_end(call, &line, NULL, 0, error);
}

obs_status obs_function_get(obs_buffer **out, obs_function_call *call, const char *key, size_t key_size, obs_error *error)
{
    obs_client *client;
    if (!out || !call || !key)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "out, call and key are required");
    *out = NULL;
    obs_status status = obs_function_client(&client, call, error);
    if (status == OBS_OK)
        status = obs_store_get(out, obs_client_store(client), key, key_size, NULL, error);
    if (status == OBS_OK && (status = note_input(call, key, key_size, *out, error)) != OBS_OK) {
        obs_buffer_free(*out);
        *out = NULL;
    }
    return status == OBS_OK ? obs__ok(error) : status;
}
