/* A token for somebody else: what it allows and what not, and how another program checks it. */
#include <obs/obs.h>
#include <stdio.h>

/* A service would be handed the token with a request; it never has more rights than the token. */
static obs_status act(obs_client *client, const obs_secret *token, obs_error *error)
{
    obs_client *bearer = NULL;
    obs_as_options options;
    obs_as_options_init(&options, sizeof options);
    options.token = obs_secret_bytes(token);
    if (obs_client_as(&bearer, client, &options, error) != OBS_OK)
        return error->status;
    obs_store *store = obs_client_store(bearer);
    printf("%s in tenant %s\n", obs_client_subject(bearer), obs_client_tenant(bearer));
    if (obs_store_put(NULL, store, "products/a.txt", OBS_TEXT, "a\n", 2, NULL, error) == OBS_OK)
        puts("made products/a.txt");
    if (obs_store_put(NULL, store, "raw/a.txt", OBS_TEXT, "a\n", 2, NULL, error) == OBS_PERMISSION_DENIED)
        puts("may not write raw/a.txt");
    if (obs_store_put(NULL, store, "products/a.txt", OBS_TEXT, "b\n", 2, NULL, error) == OBS_PERMISSION_DENIED)
        puts("may not replace products/a.txt");
    obs_client_close(bearer);
    return OBS_OK;
}

/* The algorithms are always the checker's choice, never the token's. */
static obs_status check(obs_client *client, const obs_secret *token, obs_error *error)
{
    obs_buffer *claims = NULL;
    obs_verify_options options;
    obs_verify_options_init(&options, sizeof options);
    options.algorithms = "EdDSA";
    if (obs_token_verify(&claims, client, obs_secret_bytes(token), obs_secret_size(token), &options, error) == OBS_OK)
        puts("it holds");
    obs_buffer_free(claims);
    options.algorithms = "RS256";
    if (obs_token_verify(&claims, client, obs_secret_bytes(token), obs_secret_size(token), &options, error) ==
        OBS_UNAUTHENTICATED)
        puts("not with RS256");
    return OBS_OK;
}

int main(void)
{
    obs_client *client = NULL;
    obs_secret *token = NULL;
    obs_error error;
    obs_error_init(&error, sizeof error);

    obs_token_options options;
    obs_token_options_init(&options, sizeof options);
    options.subject = "function:photometry";
    options.scope = "storage.read:/raw storage.create:/products";
    options.lifetime_s = 600;

    obs_status status = obs_client_open(&client, NULL, &error);
    if (status == OBS_OK)
        status = obs_token_issue(&token, client, &options, &error);
    if (status == OBS_OK)
        status = act(client, token, &error);
    if (status == OBS_OK)
        status = check(client, token, &error);
    if (status != OBS_OK)
        fprintf(stderr, "%s\n", error.message);
    obs_secret_free(token);
    obs_client_close(client);
    return obs_status_exit_code(status);
}
