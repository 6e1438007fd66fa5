/* Tokens of this workspace: issuing, checking, and keeping one. */
#include <obs/token.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "client/client.h"
#include "client/tokens.h"

#define S INT64_C(1000000000)
#define SCOPES_SIZE 1024 /* of all roles together */

void obs_token_options_init(obs_token_options *options, size_t size)
{
    if (!options || size < sizeof(size_t))
        return;
    memset(options, 0, size);
    options->size = size;
}

void obs_verify_options_init(obs_verify_options *options, size_t size)
{
    if (!options || size < sizeof(size_t))
        return;
    memset(options, 0, size);
    options->size = size;
}

/* Records what was done as `kind`, durably: before anybody has the token that it is about. */
static obs_status record(obs__scope *scope, const char *kind, const char *object, obs_error *error)
{
    obs__effects effects = {0};
    scope->object = obs__view_of(object, OBS_TEXT);
    obs_status status = obs__client_record(&effects, scope, kind, OBS_OK, error);
    if (status == OBS_OK)
        status = obs__journal_commit(scope->gate->journal, &effects, &scope->limit, error);
    obs__effects_free(&effects);
    scope->recorded = status == OBS_OK;
    return status;
}

/* An issue on its way: what the caller may hand on, and for how long. */
typedef struct issuing {
    obs_client *client;
    obs__scope *scope;
    obs__grant *grant;        /* the caller's own, or NULL */
    char scopes[SCOPES_SIZE]; /* of the caller's roles */
    obs__token_scopes own;    /* what the caller may */
    obs__issue issue;
    int is_owner;
} issuing;

static obs__request request_of(const issuing *self)
{
    return (obs__request){.subject = self->scope->subject, .tenant = self->client->gate->tenant, .action = self->scope->action};
}

/* Adds the words of a list that are not there yet: two roles may have the same scope. */
static void add_words(char *to, size_t room, const char *words)
{
    char spaced[SCOPES_SIZE + 2], word[SCOPES_SIZE + 2];
    for (size_t length; *words; words += length + (words[length] == ' ')) {
        length = strcspn(words, " ");
        snprintf(spaced, sizeof spaced, " %s ", to);
        snprintf(word, sizeof word, " %.*s ", (int)length, words);
        if (!strstr(spaced, word)) {
            size_t size = strlen(to);
            snprintf(to + size, room - size, "%s%.*s", size ? " " : "", (int)length, words);
        }
    }
}

/* All that the caller may, as scopes. */
static obs_status find_own(issuing *self, obs_error *error)
{
    static const obs__role all[] = {OBS__ROLE_DATA, OBS__ROLE_OPERATOR, OBS__ROLE_AUDITOR};
    const obs__client_gate *gate = self->client->gate;
    const obs__request request = request_of(self);
    self->is_owner = obs__auth_is_owner(&gate->rights, &request);
    if (gate->bearer) {
        obs_status status = obs__bearer_grant(&self->grant, gate->bearer, self->scope->start_ns, error);
        if (status == OBS_OK)
            self->own = self->grant->scopes;
        return status;
    }
    unsigned roles = self->is_owner ? ~0u : obs__auth_roles(&gate->rights, &request);
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (roles & all[i])
            add_words(self->scopes, sizeof self->scopes, obs__auth_role_scopes(all[i]));
    return obs__scopes_read_strictly(&self->own, obs__view_of(self->scopes, OBS_TEXT), error);
}

static obs_status check_scope(const issuing *self, obs_error *error)
{
    obs__token_scopes wanted;
    obs_status status = obs__scopes_read_strictly(&wanted, obs__view_of(self->issue.scope, OBS_TEXT), error);
    if (status == OBS_OK && !obs__scopes_within(&wanted, &self->own))
        status = obs__fail(error, OBS_PERMISSION_DENIED, "%s may not hand on more than it may do itself: ask for less",
                           self->scope->subject);
    return status;
}

/* The owner issues to anybody in any tenant; whoever else may, to himself in his own: a token must not name another one than
 * whom it was given to. */
static obs_status check_bearer(issuing *self, const obs_token_options *options, obs_error *error)
{
    const obs__client_gate *gate = self->client->gate;
    self->issue.subject = options->subject ? options->subject : self->scope->subject;
    self->issue.tenant = options->tenant ? options->tenant : gate->tenant;
    if (self->is_owner)
        return strcmp(self->issue.tenant, gate->tenant) != 0 ? obs__tenant_check(gate->workspace, self->issue.tenant, error)
                                                             : OBS_OK;
    if (strcmp(self->issue.tenant, gate->tenant) != 0)
        return obs__auth_refuse_tenant(self->scope->subject, self->issue.tenant, gate->workspace->owner, error);
    if (strcmp(self->issue.subject, self->scope->subject) != 0)
        return obs__fail(error, OBS_PERMISSION_DENIED, "only the owner, %s, issues tokens to others", gate->workspace->owner);
    return OBS_OK;
}

/* No token outlives the one that it was made from. */
static obs_status check_lifetime(issuing *self, int64_t lifetime_s, obs_error *error)
{
    if (lifetime_s < 0 || lifetime_s > OBS__ISSUED_LIFETIME_MOST_S)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "a token is valid for 1 to %d seconds", OBS__ISSUED_LIFETIME_MOST_S);
    self->issue.lifetime_s = lifetime_s ? lifetime_s : OBS__ISSUED_LIFETIME_S;
    if (!self->grant)
        return OBS_OK;
    int64_t left_s = (self->grant->claims->expires_ns - self->scope->start_ns) / S;
    if (left_s < self->issue.lifetime_s)
        self->issue.lifetime_s = left_s;
    return left_s > 0 ? OBS_OK : obs__fail(error, OBS_UNAUTHENTICATED, "the own token is about to end: get a new one first");
}

static obs_status plan(issuing *self, const obs_token_options *options, obs_error *error)
{
    obs_status status = find_own(self, error);
    if (status == OBS_OK)
        status = check_bearer(self, options, error);
    self->issue.scope = options->scope ? options->scope : self->grant ? self->grant->claims->scope : self->scopes;
    self->issue.audience = options->audience;
    if (status == OBS_OK)
        status = check_scope(self, error);
    return status == OBS_OK ? check_lifetime(self, options->lifetime_s, error) : status;
}

/* Signed, published, recorded; only then it is handed out. */
static obs_status issue(obs_secret **out, issuing *self, obs_error *error)
{
    char id[OBS__ISSUED_ID_SIZE], object[OBS__ISSUED_ID_SIZE + OBS__SUBJECT_SIZE];
    obs__workspace *workspace = self->client->gate->workspace;
    obs__issuer *issuer = NULL;
    obs_secret *token = NULL;
    obs_status status = obs__tokens_signer(&issuer, workspace, error);
    if (status == OBS_OK)
        status = obs__issuer_sign(&token, id, issuer, &self->issue, &self->scope->limit, self->scope->start_ns, error);
    if (status == OBS_OK)
        status = obs__tokens_publish(workspace, self->scope->start_ns, error);
    if (status == OBS_OK) {
        snprintf(object, sizeof object, "%s %s", id, self->issue.subject);
        status = record(self->scope, "grant", object, error);
        self->scope->object = (obs__view){"", 0}; /* the text ends here */
    }
    if (status == OBS_OK)
        *out = token;
    else
        obs_secret_free(token);
    return status;
}

/* Begins a call that leaves a record of its own kind. */
static obs_status begin(obs__scope *scope, obs_client *client, const char *action, const char *object, const obs_call *call,
                        obs_error *error)
{
    obs__gate *gate = &client->gate->gate;
    obs_status status = obs__gate_enter(scope, gate, OBS__READ, action, object, OBS_TEXT, call, error);
    if (status == OBS_OK && gate->read_only) {
        status = obs__fail(error, OBS_FAILED_PRECONDITION, "this client is read-only");
        return obs__gate_leave(scope, status, error);
    }
    return status;
}

obs_status obs_token_issue(obs_secret **out, obs_client *client, const obs_token_options *options, obs_error *error)
{
    obs_token_options wanted;
    obs__scope scope;
    issuing self = {.client = client, .scope = &scope};
    if (!out || !client)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "out and client are required");
    *out = NULL;
    obs__client_options(&wanted, sizeof wanted, options);
    obs_status status = begin(&scope, client, "token.issue", wanted.subject, wanted.call, error);
    if (status != OBS_OK)
        return status;
    status = plan(&self, &wanted, error);
    if (status == OBS_OK)
        status = issue(out, &self, error);
    obs__grant_release(self.grant);
    return obs__gate_leave(&scope, status, error);
}

static obs_status read_algorithms(unsigned *out, const char *names, obs_error *error)
{
    *out = 0;
    for (const char *at = names ? names : ""; *at;) {
        size_t size = strcspn(at, " ");
        const obs__algorithm_row *row = size ? obs__algorithm_find((obs__view){at, size}) : NULL;
        if (size && (!row || !(row->algorithm & OBS__ALGORITHMS_PUBLIC)))
            return obs__fail(
                error, OBS_INVALID_ARGUMENT,
                "there is no algorithm '%.*s': choose of RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA",
                size > 32 ? 32 : (int)size, at);
        *out |= row ? row->algorithm : 0u;
        at += size + (at[size] == ' ');
    }
    return *out ? OBS_OK : obs__fail(error, OBS_INVALID_ARGUMENT, "algorithms are required, as in \"EdDSA ES256\"");
}

static obs_status read_policy(obs__token_policy *out, const obs_verify_options *options, obs_error *error)
{
    *out = (obs__token_policy){.issuer = options->issuer, .audience = options->audience};
    if (options->leeway_s < -1 || options->leeway_s > 600)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "a leeway is up to 600 seconds");
    out->leeway_ns = options->leeway_s * S;
    return read_algorithms(&out->algorithms, options->algorithms, error);
}

static void add_time(obs__builder *out, const char *name, int64_t ns)
{
    if (ns)
        obs__add_json_integer(out, name, ns / S);
}

static void add_text(obs__builder *out, const char *name, const char *text)
{
    if (*text)
        obs__add_json_member(out, name, text);
}

static obs_status write_claims(obs_buffer **out, const obs__claims *claims, obs_error *error)
{
    obs__builder text;
    obs__builder_init(&text, OBS__TOKEN_SIZE_LIMIT * 2);
    obs__add_char(&text, '{');
    add_text(&text, "iss", claims->issuer);
    add_text(&text, "sub", claims->subject);
    add_text(&text, "tenant", claims->tenant);
    add_text(&text, "client_id", claims->client);
    add_text(&text, "jti", claims->id);
    add_text(&text, "scope", claims->scope);
    add_time(&text, "exp", claims->expires_ns);
    add_time(&text, "nbf", claims->begins_ns);
    add_time(&text, "iat", claims->issued_ns);
    obs__add_json_end(&text);
    obs_status status = obs__builder_finish(out, &text, error);
    obs__builder_free(&text);
    return status;
}

static obs_status verify(obs_buffer **out, obs_client *client, const char *token, size_t size,
                         const obs_verify_options *options, int64_t now_ns, obs_error *error)
{
    obs__token_policy policy;
    obs__keys *keys = NULL;
    obs__claims *claims = NULL;
    obs_status status = read_policy(&policy, options, error);
    if (status == OBS_OK && options->keys)
        status = obs__keys_parse(&keys, options->keys,
                                 options->keys_size == OBS_TEXT ? strlen(options->keys) : options->keys_size, 0, error);
    if (status == OBS_OK)
        status = obs__tokens_check(&claims, client->gate->workspace, &policy, keys, token, size, now_ns, error);
    if (status == OBS_OK)
        status = write_claims(out, claims, error);
    obs__claims_release(claims);
    obs__keys_free(keys);
    return status;
}

obs_status obs_token_verify(obs_buffer **out, obs_client *client, const char *token, size_t size,
                            const obs_verify_options *options, obs_error *error)
{
    obs_verify_options wanted;
    obs__scope scope;
    if (!out || !client || !token)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "out, client and token are required");
    *out = NULL;
    obs__client_options(&wanted, sizeof wanted, options);
    obs_status status = obs__gate_enter(&scope, &client->gate->gate, OBS__READ, "token.verify", NULL, 0, wanted.call, error);
    if (status != OBS_OK)
        return status;
    status = verify(out, client, token, size, &wanted, scope.start_ns, error);
    return obs__gate_leave(&scope, status, error);
}

obs_status obs_token_keys(obs_buffer **out, obs_client *client, obs_error *error)
{
    obs__scope scope;
    obs__keys *keys = NULL;
    obs__builder text;
    if (!out || !client)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "out and client are required");
    *out = NULL;
    obs_status status = obs__gate_enter(&scope, &client->gate->gate, OBS__READ, "token.keys", NULL, 0, NULL, error);
    if (status != OBS_OK)
        return status;
    obs__builder_init(&text, OBS__JWKS_SIZE_LIMIT);
    status = obs__tokens_keys(&keys, client->gate->workspace, scope.start_ns, error);
    if (status == OBS_OK) {
        obs__keys_add(&text, keys);
        status = obs__builder_finish(out, &text, error);
    }
    obs__builder_free(&text);
    obs__keys_free(keys);
    return obs__gate_leave(&scope, status, error);
}

obs_status obs_token_rotate(obs_client *client, const obs_call *call, obs_error *error)
{
    obs__scope scope;
    obs__issuer *issuer = NULL;
    if (!client)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "client is required");
    obs_status status = begin(&scope, client, "token.rotate", NULL, call, error);
    if (status != OBS_OK)
        return status;
    status = obs__tokens_signer(&issuer, client->gate->workspace, error);
    if (status == OBS_OK)
        status = obs__issuer_rotate(issuer, 0, &scope.limit, scope.start_ns, error);
    if (status == OBS_OK)
        status = obs__tokens_publish(client->gate->workspace, scope.start_ns, error);
    if (status == OBS_OK)
        status = record(&scope, "change", "", error);
    return obs__gate_leave(&scope, status, error);
}

/* All that a subject has is told by the second of issue: what is issued in the next one counts. */
static void wait_for_next_second(int64_t since_ns, const obs__limit *limit)
{
    int ready;
    int64_t left_ns = (since_ns / S + 1) * S - obs__now_ns();
    if (left_ns > 0 && left_ns <= S)
        obs__limit_wait(limit, -1, (int)(left_ns / 1000000) + 1, &ready, NULL);
}

obs_status obs_token_revoke(obs_client *client, const char *id, const char *subject, const obs_call *call, obs_error *error)
{
    obs__scope scope;
    if (!client)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "client is required");
    const char *what = id ? id : subject;
    obs_status status = begin(&scope, client, "token.revoke", what, call, error);
    if (status != OBS_OK)
        return status;
    int64_t now_ns = obs__now_ns();
    status = obs__tokens_revoke(client->gate->workspace, id, subject, &scope.limit, now_ns, error);
    if (status == OBS_OK)
        status = record(&scope, "grant", what, error);
    if (status == OBS_OK && subject)
        wait_for_next_second(now_ns, &scope.limit);
    return obs__gate_leave(&scope, status, error);
}

/* The token as a line of its own, in a folder that is only the user's. */
static obs_status keep(const obs__workspace *workspace, const char *token, size_t size, obs_error *error)
{
    char path[PATH_MAX], folder[PATH_MAX];
    obs_status status = obs__tokens_kept(path, workspace, error);
    if (status != OBS_OK)
        return status;
    snprintf(folder, sizeof folder, "%.*s", (int)(strrchr(path, '/') - path), path);
    status = obs__folder_make(AT_FDCWD, folder, 0700, error);
    return status == OBS_OK ? obs__file_write(AT_FDCWD, path, token, size, 0600, error) : status;
}

static obs_status login(obs__scope *scope, obs_client *client, const char *token, size_t size, obs_error *error)
{
    char object[OBS__SUBJECT_SIZE + 300];
    obs__claims *claims = NULL;
    obs_status status = obs__tokens_verify(&claims, client->gate->workspace, token, size, scope->start_ns, error);
    if (status != OBS_OK)
        return status;
    snprintf(object, sizeof object, "%.256s %s", claims->id, claims->subject);
    obs__claims_release(claims);
    status = keep(client->gate->workspace, token, size, error);
    if (status == OBS_OK)
        status = record(scope, "login", object, error);
    scope->object = (obs__view){"", 0};
    return status;
}

obs_status obs_token_login(obs_client *client, const char *token, size_t size, const obs_call *call, obs_error *error)
{
    obs__scope scope;
    if (!client || !token)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "client and token are required");
    size = size == OBS_TEXT ? strlen(token) : size;
    obs_status status = begin(&scope, client, "token.login", NULL, call, error);
    if (status != OBS_OK)
        return status;
    status = login(&scope, client, token, size, error);
    return obs__gate_leave(&scope, status, error);
}

obs_status obs_token_logout(obs_client *client, const obs_call *call, obs_error *error)
{
    char path[PATH_MAX];
    obs__scope scope;
    if (!client)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "client is required");
    obs_status status = begin(&scope, client, "token.logout", NULL, call, error);
    if (status != OBS_OK)
        return status;
    status = obs__tokens_kept(path, client->gate->workspace, error);
    if (status == OBS_OK && unlink(path) != 0 && errno != ENOENT)
        status = obs__fail_system(error, errno, "cannot remove '%s'", path);
    if (status == OBS_OK)
        status = record(&scope, "login", "", error);
    return obs__gate_leave(&scope, status, error);
}
