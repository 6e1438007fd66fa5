/* What cgo calls for functions: each call with an error of its own. */
#include "shim.h"

obs_error *go_function_serve(obs_function **out)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_function_open(out, NULL, 0, &error);
    return go_failed(&error);
}

obs_error *go_function_try(obs_function **out, const char *json, size_t size)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_function_open(out, json, size, &error);
    return go_failed(&error);
}

obs_error *go_function_next(obs_function_call **out, obs_function *function)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_function_next(out, function, &error);
    return go_failed(&error);
}

obs_error *go_function_finish(obs_buffer **made, obs_function_call *call, obs_status outcome, const char *reason)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_function_finish(made, call, outcome, reason, &error);
    return go_failed(&error);
}

obs_error *go_function_folder(const char **out, obs_function_call *call)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_function_folder(out, call, &error);
    return go_failed(&error);
}

obs_error *go_function_client(obs_client **out, obs_function_call *call)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_function_client(out, call, &error);
    return go_failed(&error);
}

/* One of its own: the call's ends with it. */
obs_error *go_function_config(obs_config **out, obs_function_call *call)
{
    obs_error error;
    obs_config *config = NULL;
    obs_error_init(&error, sizeof error);
    if (obs_function_config(&config, call, &error) == OBS_OK)
        obs_config_snapshot(out, config, NULL, &error);
    return go_failed(&error);
}

obs_error *go_function_get(obs_buffer **out, obs_function_call *call, const char *key, size_t key_size)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_function_get(out, call, key, key_size, &error);
    return go_failed(&error);
}

obs_error *go_function_put(obs_function_call *call, const char *key, size_t key_size, const void *data, size_t size,
                           const obs_put_options *options)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_function_put(call, key, key_size, data, size, options, &error);
    return go_failed(&error);
}

obs_error *go_function_put_file(obs_function_call *call, const char *key, size_t key_size, const char *name,
                                const obs_put_options *options)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_function_put_file(call, key, key_size, name, options, &error);
    return go_failed(&error);
}

obs_error *go_function_publish(obs_function_call *call, const obs_event *event, const obs_publish_options *options)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_function_publish(call, event, options, &error);
    return go_failed(&error);
}

obs_error *go_function_label(obs_function_call *call, const char *key, size_t key_size, const obs_pair *labels, size_t count)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_function_label(call, key, key_size, labels, count, &error);
    return go_failed(&error);
}

obs_error *go_function_record(obs_function_call *call, const char *definition, const char *json, size_t size)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_function_record(call, definition, json, size, &error);
    return go_failed(&error);
}

obs_error *go_function_list(obs_rows **out, obs_client *client)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_function_list(out, client, &error);
    return go_failed(&error);
}

obs_error *go_function_logs(obs_rows **out, obs_client *client, const char *name, const char *trace)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_function_logs(out, client, name, trace, &error);
    return go_failed(&error);
}

obs_error *go_function_replay(obs_rows **out, obs_client *client, const char *event, const char *name, const obs_call *call)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_function_replay(out, client, event, name, call, &error);
    return go_failed(&error);
}

obs_error *go_function_reproduce(obs_buffer **out, obs_client *client, const char *key, size_t key_size,
                                 const obs_reproduce_options *options)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_function_reproduce(out, client, key, key_size, options, &error);
    return go_failed(&error);
}

obs_error *go_function_configuration(obs_buffer **out, obs_client *client, const char *sha256, const obs_call *call)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_function_configuration(out, client, sha256, call, &error);
    return go_failed(&error);
}
