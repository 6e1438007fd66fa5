/* login logout, token issue/verify/keys/rotate/revoke. A token never comes from the command line, and only `token issue` prints
 * one.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "obsctl/ctl.h"
#include "obsctl/input.h"

#define TOKEN_MAX 16384
#define KEYS_MAX ((size_t)64 << 10)

/* A token as text, in memory that is wiped. */
typedef struct token_text {
    size_t size;
    char data[TOKEN_MAX + 2];
} token_text;

static obs_status read_all(ctl *ctl, token_text *token, int fd, const char *path)
{
    ssize_t got = 1;
    while (got != 0 && token->size < sizeof token->data - 1) {
        got = read(fd, token->data + token->size, sizeof token->data - 1 - token->size);
        if (got < 0 && (errno != EINTR || ctl_check_cancel(ctl) != OBS_OK))
            return errno == EINTR ? ctl->error.status : ctl_fail_system(ctl, "read", path);
        token->size += got > 0 ? (size_t)got : 0;
    }
    while (token->size && strchr(" \t\r\n", token->data[token->size - 1]))
        token->size--;
    token->data[token->size] = '\0';
    if (token->size > TOKEN_MAX)
        return ctl_fail(ctl, OBS_INVALID_ARGUMENT, "a token has up to %d bytes", TOKEN_MAX);
    return token->size ? OBS_OK : ctl_fail(ctl, OBS_INVALID_ARGUMENT, "there is no token in '%s'", path);
}

/* `path` NULL or '-': standard input. */
static obs_status read_token(ctl *ctl, token_text *token, const char *path)
{
    token->size = 0;
    if (!path || strcmp(path, "-") == 0) {
        if (isatty(STDIN_FILENO))
            fputs("obsctl: the token, then Ctrl-D:\n", stderr);
        return read_all(ctl, token, STDIN_FILENO, "standard input");
    }
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return ctl_fail_system(ctl, "read", path);
    obs_status status = read_all(ctl, token, fd, path);
    close(fd);
    return status;
}

/* Opened as the user of the system: the token that is kept may be the one that no longer holds. */
static obs_status open_plainly(ctl *ctl)
{
    obs_open_options options;
    obs_open_options_init(&options, sizeof options);
    options.call = &ctl->call;
    options.workspace = ctl_get(ctl, "workspace");
    options.tenant = ctl_get(ctl, "tenant");
    options.program = "obsctl";
    options.token = "-";
    return obs_client_open(&ctl->client, &options, &ctl->error);
}

obs_status ctl_run_login(ctl *ctl)
{
    token_text token;
    obs_status status = open_plainly(ctl);
    if (status == OBS_OK)
        status = read_token(ctl, &token, ctl_get(ctl, "token-file"));
    if (status == OBS_OK)
        status = obs_token_login(ctl->client, token.data, token.size, &ctl->call, &ctl->error);
    explicit_bzero(&token, sizeof token);
    return status;
}

obs_status ctl_run_logout(ctl *ctl)
{
    obs_status status = open_plainly(ctl);
    return status == OBS_OK ? obs_token_logout(ctl->client, &ctl->call, &ctl->error) : status;
}

static void print_token(const ctl *ctl, const obs_secret *token)
{
    if (isatty(STDOUT_FILENO))
        fputs("obsctl: whoever reads this line can use it until it ends; better redirect it to a file\n", stderr);
    if (ctl->json)
        fputs("{\"token\":\"", stdout); /* base64url and points: nothing to escape */
    fwrite(obs_secret_bytes(token), 1, obs_secret_size(token), stdout);
    fputs(ctl->json ? "\"}\n" : "\n", stdout);
}

obs_status ctl_run_token_issue(ctl *ctl)
{
    obs_secret *token = NULL;
    obs_token_options options;
    long long lifetime = 0;
    obs_token_options_init(&options, sizeof options);
    options.call = &ctl->call;
    options.subject = ctl_get(ctl, "subject");
    options.scope = ctl_get(ctl, "scope");
    options.audience = ctl_get(ctl, "audience");
    obs_status status = ctl_number(ctl, "lifetime", 1, 86400, &lifetime);
    options.lifetime_s = lifetime;
    if (status == OBS_OK)
        status = ctl_open(ctl);
    if (status == OBS_OK)
        status = obs_token_issue(&token, ctl->client, &options, &ctl->error);
    if (status == OBS_OK)
        print_token(ctl, token);
    obs_secret_free(token);
    return status;
}

static obs_status verify(ctl *ctl, const token_text *token, const obs_verify_options *options)
{
    obs_buffer *claims = NULL;
    obs_status status = obs_token_verify(&claims, ctl->client, token->data, token->size, options, &ctl->error);
    if (status == OBS_OK)
        ctl_write_json(obs_buffer_data(claims), obs_buffer_size(claims));
    obs_buffer_free(claims);
    return status;
}

obs_status ctl_run_token_verify(ctl *ctl)
{
    token_text token;
    char *keys = NULL;
    obs_verify_options options;
    obs_verify_options_init(&options, sizeof options);
    options.call = &ctl->call;
    options.algorithms = ctl_get(ctl, "algorithms") ? ctl_get(ctl, "algorithms") : "EdDSA ES256";
    options.issuer = ctl_get(ctl, "issuer");
    options.audience = ctl_get(ctl, "audience");
    obs_status status = ctl_open(ctl);
    if (status == OBS_OK && ctl_get(ctl, "keys"))
        status = ctl_read_file(ctl, ctl_get(ctl, "keys"), KEYS_MAX, &keys, &options.keys_size);
    options.keys = keys;
    if (status == OBS_OK)
        status = read_token(ctl, &token, ctl->argument_count ? ctl->arguments[0] : NULL);
    if (status == OBS_OK)
        status = verify(ctl, &token, &options);
    explicit_bzero(&token, sizeof token);
    free(keys);
    return status;
}

obs_status ctl_run_token_keys(ctl *ctl)
{
    obs_buffer *keys = NULL;
    obs_status status = ctl_open(ctl);
    if (status == OBS_OK)
        status = obs_token_keys(&keys, ctl->client, &ctl->error);
    if (status == OBS_OK)
        ctl_write_json(obs_buffer_data(keys), obs_buffer_size(keys));
    obs_buffer_free(keys);
    return status;
}

obs_status ctl_run_token_rotate(ctl *ctl)
{
    obs_status status = ctl_open(ctl);
    return status == OBS_OK ? obs_token_rotate(ctl->client, &ctl->call, &ctl->error) : status;
}

obs_status ctl_run_token_revoke(ctl *ctl)
{
    const char *id = ctl->argument_count ? ctl->arguments[0] : NULL, *subject = ctl_get(ctl, "subject");
    if (!id == !subject)
        return ctl_fail(ctl, OBS_INVALID_ARGUMENT, "name the id of a token, or with --subject whose tokens end");
    obs_status status = ctl_open(ctl);
    return status == OBS_OK ? obs_token_revoke(ctl->client, id, subject, &ctl->call, &ctl->error) : status;
}
