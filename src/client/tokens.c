#include "client/tokens.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/brief.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/file.h"
#include "base/home.h"
#include "base/memory.h"
#include "client/revoked.h"

#define KEYS "/keys.json"
#define KEPT "/token"
#define CHECKERS_MOST 8

/* A verifier for one way of checking; never taken from the list again. */
typedef struct checker {
    struct checker *next;
    unsigned algorithms;
    int64_t leeway_ns;
    obs__token_verifier *verifier;
} checker;

/* What `keys.json` held when it was read last. */
typedef struct published {
    struct stat seen;
    obs__keys *keys;
} published;

struct obs__tokens {
    obs__issuer *issuer;
    checker *_Atomic checkers;
    obs__brief lock; /* of published */
    published published;
    obs__revocations revocations;
};

static int is_account(const obs__workspace *workspace)
{
    return workspace->account == geteuid();
}

void obs__tokens_free(struct obs__tokens *tokens)
{
    if (!tokens)
        return;
    for (checker *at = atomic_load(&tokens->checkers), *next; at; at = next) {
        next = at->next;
        obs__token_verifier_free(at->verifier);
        obs__free(at);
    }
    obs__keys_free(tokens->published.keys);
    obs__revocations_release(&tokens->revocations);
    obs__issuer_free(tokens->issuer);
    obs__free(tokens);
}

static int keys_path(char out[PATH_MAX], const obs__workspace *workspace)
{
    return snprintf(out, PATH_MAX, "%s" KEYS, workspace->folder) < PATH_MAX;
}

static obs_status make(struct obs__tokens **out, const obs__workspace *workspace, obs_error *error)
{
    char path[PATH_MAX];
    obs__issuer_options options = {.workspace = workspace->format.id};
    options.is_known = keys_path(path, workspace) && access(path, F_OK) == 0;
    struct obs__tokens *tokens = obs__calloc(1, sizeof *tokens);
    if (!tokens)
        return obs__fail_memory(error);
    obs_status status = obs__issuer_open(&tokens->issuer, &options, error);
    if (status == OBS_OK)
        *out = tokens;
    else
        obs__tokens_free(tokens);
    return status;
}

static obs_status tokens_of(struct obs__tokens **out, obs__workspace *workspace, obs_error *error)
{
    struct obs__tokens *none = NULL;
    *out = atomic_load(&workspace->tokens);
    if (*out)
        return OBS_OK;
    obs_status status = make(out, workspace, error);
    if (status == OBS_OK && !atomic_compare_exchange_strong(&workspace->tokens, &none, *out)) {
        obs__tokens_free(*out); /* another thread was faster */
        *out = none;
    }
    return status;
}

void obs__tokens_issuer(char out[OBS__ISSUER_SIZE], const obs__workspace *workspace)
{
    snprintf(out, OBS__ISSUER_SIZE, "obs:%s", workspace->format.id);
}

obs_status obs__tokens_kept(char out[PATH_MAX], const obs__workspace *workspace, obs_error *error)
{
    obs_status status = obs__home_of_workspace(out, workspace->format.id, error);
    if (status == OBS_OK && strlen(out) + sizeof KEPT > PATH_MAX)
        status = obs__fail(error, OBS_INVALID_ARGUMENT, "the path of the state folder is longer than %d bytes", PATH_MAX - 1);
    if (status == OBS_OK)
        strcat(out, KEPT);
    return status;
}

obs_status obs__tokens_signer(obs__issuer **out, obs__workspace *workspace, obs_error *error)
{
    struct obs__tokens *tokens;
    *out = NULL;
    if (!is_account(workspace))
        return obs__fail(error, OBS_PERMISSION_DENIED, "the keys of this workspace belong to %s: ask there for a token",
                         workspace->owner);
    obs_status status = tokens_of(&tokens, workspace, error);
    if (status == OBS_OK)
        *out = tokens->issuer;
    return status;
}

static obs__keys *remembered(struct obs__tokens *tokens, const struct stat *now)
{
    obs__keys *keys = NULL;
    obs__brief_take(&tokens->lock);
    const struct stat *seen = &tokens->published.seen;
    if (tokens->published.keys && now->st_dev == seen->st_dev && now->st_ino == seen->st_ino && now->st_size == seen->st_size &&
        now->st_mtim.tv_sec == seen->st_mtim.tv_sec && now->st_mtim.tv_nsec == seen->st_mtim.tv_nsec)
        keys = obs__keys_retain(tokens->published.keys);
    obs__brief_release(&tokens->lock);
    return keys;
}

static void remember(struct obs__tokens *tokens, const struct stat *now, obs__keys *keys)
{
    obs__keys_retain(keys);
    obs__brief_take(&tokens->lock);
    obs__keys *old = tokens->published.keys;
    /* In this order: a child that was forked in between finds another file than it has seen, and reads it. */
    tokens->published.keys = keys;
    atomic_thread_fence(memory_order_release);
    tokens->published.seen = *now;
    obs__brief_release(&tokens->lock);
    obs__keys_free(old);
}

static obs_status read_published(obs__keys **out, struct obs__tokens *tokens, const obs__workspace *workspace, obs_error *error)
{
    char path[PATH_MAX];
    struct stat now;
    obs_buffer *text = NULL;
    if (!keys_path(path, workspace) || stat(path, &now) != 0)
        return obs__keys_make(out, NULL, 0, error); /* nobody issued a token yet */
    if ((*out = remembered(tokens, &now)))
        return OBS_OK;
    obs_status status = obs__file_read_trusted_of(&text, path, workspace->account, OBS__JWKS_SIZE_LIMIT, error);
    if (status == OBS_OK)
        status = obs__keys_parse(out, obs_buffer_data(text), obs_buffer_size(text), 0, error);
    if (status == OBS_OK)
        remember(tokens, &now, *out);
    obs_buffer_free(text);
    return status;
}

static obs_status find_keys(obs__keys **out, struct obs__tokens *tokens, const obs__workspace *workspace, int64_t now_ns,
                            obs_error *error)
{
    *out = NULL;
    obs_status status = is_account(workspace) ? obs__issuer_keys(out, tokens->issuer, now_ns, error) : OBS_OK;
    if (status != OBS_OK || (*out && obs__keys_count(*out)))
        return status;
    obs__keys_free(*out);
    *out = NULL;
    return read_published(out, tokens, workspace, error);
}

obs_status obs__tokens_keys(obs__keys **out, obs__workspace *workspace, int64_t now_ns, obs_error *error)
{
    struct obs__tokens *tokens;
    *out = NULL;
    obs_status status = tokens_of(&tokens, workspace, error);
    return status == OBS_OK ? find_keys(out, tokens, workspace, now_ns, error) : status;
}

static obs_status write_keys(const obs__workspace *workspace, const obs__builder *text, obs_error *error)
{
    char path[PATH_MAX];
    obs_buffer *before = NULL;
    if (!keys_path(path, workspace))
        return obs__fail(error, OBS_INVALID_ARGUMENT, "the path of the workspace is longer than %d bytes", PATH_MAX - 1);
    obs_status status = obs__file_read(&before, AT_FDCWD, path, OBS__JWKS_SIZE_LIMIT, NULL);
    int is_same = status == OBS_OK && obs_buffer_size(before) == text->size &&
                  memcmp(obs_buffer_data(before), text->data, text->size) == 0;
    obs_buffer_free(before);
    return is_same ? OBS_OK : obs__file_write(AT_FDCWD, path, text->data, text->size, 0644, error);
}

obs_status obs__tokens_publish(obs__workspace *workspace, int64_t now_ns, obs_error *error)
{
    obs__keys *keys = NULL;
    obs__builder text;
    if (workspace->read_only)
        return OBS_OK;
    obs__builder_init(&text, OBS__JWKS_SIZE_LIMIT);
    obs_status status = obs__tokens_keys(&keys, workspace, now_ns, error);
    if (status == OBS_OK) {
        obs__keys_add(&text, keys);
        obs__add_char(&text, '\n');
        status = obs__builder_status(&text, error);
    }
    if (status == OBS_OK)
        status = write_keys(workspace, &text, error);
    obs__builder_free(&text);
    obs__keys_free(keys);
    return status;
}

static obs_status new_checker(checker **out, const obs__token_policy *policy, obs_error *error)
{
    checker *made = obs__calloc(1, sizeof *made);
    *out = NULL;
    if (!made)
        return obs__fail_memory(error);
    made->algorithms = policy->algorithms;
    made->leeway_ns = policy->leeway_ns;
    obs_status status = obs__token_verifier_new(&made->verifier, policy, error);
    if (status == OBS_OK)
        *out = made;
    else
        obs__free(made);
    return status;
}

/* Tokens of this workspace for this workspace are checked again and again: these verifiers remember. */
static obs_status checker_of(checker **out, struct obs__tokens *tokens, const obs__token_policy *policy, obs_error *error)
{
    size_t count = 0;
    checker *first = atomic_load(&tokens->checkers);
    for (*out = first; *out; *out = (*out)->next, count++)
        if ((*out)->algorithms == policy->algorithms && (*out)->leeway_ns == policy->leeway_ns)
            return OBS_OK;
    if (count >= CHECKERS_MOST)
        return OBS_OK; /* somebody tries all policies: each costs what it costs */
    obs_status status = new_checker(out, policy, error);
    if (status != OBS_OK)
        return status;
    (*out)->next = first;
    while (!atomic_compare_exchange_weak(&tokens->checkers, &(*out)->next, *out))
        ;
    return OBS_OK;
}

static obs_status check_once(obs__claims **out, const obs__token_policy *policy, obs__keys *keys, const char *token,
                             size_t size, int64_t now_ns, obs_error *error)
{
    obs__token_verifier *verifier = NULL;
    obs_status status = obs__token_verifier_new(&verifier, policy, error);
    if (status == OBS_OK)
        status = obs__token_verifier_set(verifier, keys, error);
    if (status == OBS_OK)
        status = obs__token_verifier_check(out, verifier, token, size, now_ns, error);
    obs__token_verifier_free(verifier);
    return status;
}

static obs_status check_own(obs__claims **out, struct obs__tokens *tokens, const obs__token_policy *policy, obs__keys *keys,
                            const char *token, size_t size, int64_t now_ns, obs_error *error)
{
    checker *checker = NULL;
    obs_status status = checker_of(&checker, tokens, policy, error);
    if (status != OBS_OK)
        return status;
    if (!checker)
        return check_once(out, policy, keys, token, size, now_ns, error);
    status = obs__token_verifier_set(checker->verifier, keys, error);
    return status == OBS_OK ? obs__token_verifier_check(out, checker->verifier, token, size, now_ns, error) : status;
}

obs_status obs__tokens_check(obs__claims **out, obs__workspace *workspace, const obs__token_policy *policy, obs__keys *keys,
                             const char *token, size_t size, int64_t now_ns, obs_error *error)
{
    char issuer[OBS__ISSUER_SIZE];
    struct obs__tokens *tokens;
    obs__keys *own = NULL;
    obs__token_policy whole = *policy;
    int is_own = !policy->issuer && !policy->audience && !keys;
    *out = NULL;
    obs__tokens_issuer(issuer, workspace);
    whole.issuer = policy->issuer ? policy->issuer : issuer;
    whole.audience = policy->audience ? policy->audience : issuer;
    obs_status status = tokens_of(&tokens, workspace, error);
    if (status == OBS_OK && !keys)
        status = find_keys(&own, tokens, workspace, now_ns, error);
    if (status == OBS_OK && is_own)
        status = check_own(out, tokens, &whole, own, token, size, now_ns, error);
    else if (status == OBS_OK)
        status = check_once(out, &whole, keys ? keys : own, token, size, now_ns, error);
    obs__keys_free(own);
    if (status == OBS_OK && !keys &&
        (status = obs__revocations_check(&tokens->revocations, workspace, *out, error)) != OBS_OK) {
        obs__claims_release(*out);
        *out = NULL;
    }
    return status;
}

obs_status obs__tokens_still(obs__workspace *workspace, const obs__claims *claims, obs_error *error)
{
    struct obs__tokens *tokens;
    obs_status status = tokens_of(&tokens, workspace, error);
    if (status == OBS_OK)
        atomic_store(&tokens->revocations.look_ns, 0); /* who asks this asks once a second */
    return status == OBS_OK ? obs__revocations_check(&tokens->revocations, workspace, claims, error) : status;
}

obs_status obs__tokens_revoke(obs__workspace *workspace, const char *id, const char *subject, const obs__limit *limit,
                              int64_t now_ns, obs_error *error)
{
    struct obs__tokens *tokens;
    obs__issuer *issuer;
    obs_status status = obs__tokens_signer(&issuer, workspace, error); /* the account's, as the keys are */
    if (status == OBS_OK)
        status = tokens_of(&tokens, workspace, error);
    return status == OBS_OK ? obs__revocations_add(&tokens->revocations, workspace, id, subject, limit, now_ns, error) : status;
}

obs_status obs__tokens_verify(obs__claims **out, obs__workspace *workspace, const char *token, size_t size, int64_t now_ns,
                              obs_error *error)
{
    const obs__token_policy policy = {.algorithms = OBS__EDDSA | OBS__ES256, .type = OBS__TOKEN_TYPE, .leeway_ns = -1};
    return obs__tokens_check(out, workspace, &policy, NULL, token, size, now_ns, error);
}
