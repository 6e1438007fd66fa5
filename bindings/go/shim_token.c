#include "shim.h"

obs_error *go_token_issue(obs_secret **out, obs_client *client, const obs_token_options *options)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_token_issue(out, client, options, &error);
    return go_failed(&error);
}

obs_error *go_token_verify(obs_buffer **out, obs_client *client, const char *token, size_t size,
                           const obs_verify_options *options)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_token_verify(out, client, token ? token : "", size, options, &error); /* no bytes are nowhere in Go */
    return go_failed(&error);
}

obs_error *go_token_keys(obs_buffer **out, obs_client *client)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_token_keys(out, client, &error);
    return go_failed(&error);
}

obs_error *go_token_rotate(obs_client *client, const obs_call *call)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_token_rotate(client, call, &error);
    return go_failed(&error);
}

obs_error *go_token_revoke(obs_client *client, const char *id, const char *subject, const obs_call *call)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_token_revoke(client, id, subject, call, &error);
    return go_failed(&error);
}

obs_error *go_token_login(obs_client *client, const char *token, size_t size, const obs_call *call)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_token_login(client, token, size, call, &error);
    return go_failed(&error);
}

obs_error *go_token_logout(obs_client *client, const obs_call *call)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_token_logout(client, call, &error);
    return go_failed(&error);
}
