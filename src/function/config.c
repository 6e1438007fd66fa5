/*
 * The configuration in a function: one snapshot for the whole of a call. What the handler saw is told to the runner whole, as
 * JSON in one order of its names, and with its checksum; so equal configurations have the same name in every process.
 */
#include <string.h>

#include "base/error.h"
#include "base/hash.h"
#include "base/json.h"
#include "client/client.h"
#include "function/function.h"

#define TEXT_LIMIT ((size_t)32 << 20)

/* `{"version":7}` may stand in a document: people know a configuration by it. */
static void take_number(obs_function *self, const json_t *tree)
{
    const json_t *number = json_object_get(tree, "version");
    self->config_is_numbered = json_is_integer(number);
    self->config_number = json_integer_value(number);
}

static obs_status take_text(obs_function *self, const json_t *tree, obs_error *error)
{
    unsigned char hash[OBS__SHA256_SIZE];
    obs_buffer *text = NULL;
    obs_status status = obs__json_dump(&text, tree, 1, TEXT_LIMIT, error);
    if (status == OBS_OK)
        status = obs__sha256(hash, obs_buffer_data(text), obs_buffer_size(text), error);
    if (status != OBS_OK) {
        obs_buffer_free(text);
        return status;
    }
    obs_buffer_free(self->config_text);
    self->config_text = text;
    obs__hex(self->config_name, hash, sizeof hash);
    take_number(self, tree);
    return OBS_OK;
}

/* Once for each configuration that this process sees. */
static obs_status describe(obs_function *self, obs_config *snapshot, obs_error *error)
{
    const obs__json_options options = {.size_limit = TEXT_LIMIT, .flags = OBS__JSON_BIG_AS_REAL | OBS__JSON_ALLOW_NUL};
    obs_buffer *json = NULL;
    json_t *tree = NULL;
    if (self->config_text && self->config_version == obs_config_version(snapshot))
        return OBS_OK;
    obs_status status = obs_config_json(&json, snapshot, "", error);
    if (status == OBS_OK)
        status = obs__json_load(&tree, obs_buffer_data(json), obs_buffer_size(json), &options, error);
    if (status == OBS_OK)
        status = take_text(self, tree, error);
    if (status == OBS_OK)
        self->config_version = obs_config_version(snapshot);
    json_decref(tree);
    obs_buffer_free(json);
    return status;
}

static obs_status tell(obs_function_call *call, obs_error *error)
{
    const obs_function *self = call->function;
    obs__builder line;
    obs_status status = obs__output_begin(&line, call, "configuration", error);
    if (status != OBS_OK) {
        obs__builder_free(&line);
        return status;
    }
    obs__add_json_member(&line, "sha256", self->config_name);
    if (self->config_is_numbered)
        obs__add_json_integer(&line, "version", self->config_number);
    return obs__output_end(call, &line, obs_buffer_data(self->config_text), obs_buffer_size(self->config_text), error);
}

static obs_status take_snapshot(obs_function_call *call, obs_error *error)
{
    obs_client *client;
    obs_config *snapshot = NULL;
    obs_call how;
    obs_call_init(&how, sizeof how);
    int64_t left_ms = obs_function_remaining_ms(call);
    if (left_ms >= 0)
        how.timeout_ms = left_ms ? left_ms : 1;
    obs_status status = obs_function_client(&client, call, error);
    if (status == OBS_OK)
        status = obs_config_snapshot(&snapshot, obs_client_config(client), &how, error);
    if (status == OBS_OK)
        status = describe(call->function, snapshot, error);
    if (status == OBS_OK)
        status = tell(call, error);
    if (status == OBS_OK)
        call->snapshot = snapshot;
    else
        obs_config_free(snapshot);
    return status;
}

obs_status obs_function_config(obs_config **out, obs_function_call *call, obs_error *error)
{
    if (!out || !call)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "out and call are required");
    *out = NULL;
    obs_status status = obs__function_check(call, error);
    if (status == OBS_OK && !call->snapshot)
        status = take_snapshot(call, error);
    if (status != OBS_OK)
        return status;
    *out = call->snapshot;
    return obs__ok(error);
}
