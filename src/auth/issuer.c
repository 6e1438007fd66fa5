/* Signing tokens for a workspace. */
#include "auth/issuer.h"

#include <stdio.h>
#include <string.h>

#include "auth/identity.h"
#include "auth/issuer_inside.h"
#include "auth/jws.h"
#include "auth/scope.h"
#include "auth/token.h"
#include "base/base64.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/home.h"
#include "base/keyfile.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/secret.h"

#define ANNOUNCE_S 600
#define REPLACE_S (90 * INT64_C(86400))
#define TENANT_MOST 63
#define CLIENT_MOST 255
#define AUDIENCE_MOST 1024
#define PAYLOAD_LIMIT ((size_t)11 << 10) /* what a token of 16 KiB holds beside its header and signature */

static obs_status find_folder(obs__issuer *issuer, const obs__issuer_options *options, obs_error *error)
{
    size_t size;
    if (options->folder) {
        if (*options->folder != '/' || strlen(options->folder) >= PATH_MAX)
            return obs__fail(error, OBS_INVALID_ARGUMENT, "the folder of the keys must be an absolute path");
        strcpy(issuer->folder, options->folder);
        return OBS_OK;
    }
    obs_status status = obs__home_of_workspace(issuer->folder, options->workspace, error);
    if (status != OBS_OK)
        return status;
    size = strlen(issuer->folder);
    return snprintf(issuer->folder + size, PATH_MAX - size, "/keys") < (int)(PATH_MAX - size)
               ? OBS_OK
               : obs__fail(error, OBS_INVALID_ARGUMENT, "the path of the keys is longer than %d bytes", PATH_MAX - 1);
}

obs_status obs__issuer_open(obs__issuer **out, const obs__issuer_options *options, obs_error *error)
{
    *out = NULL;
    obs__algorithm algorithm = options->algorithm ? options->algorithm : OBS__EDDSA;
    if (algorithm != OBS__EDDSA && algorithm != OBS__ES256)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "an issuer signs with EdDSA or ES256");
    obs__issuer *issuer = obs__calloc(1, sizeof *issuer);
    if (!issuer)
        return obs__fail_memory(error);
    obs_status status = find_folder(issuer, options, error);
    int size = snprintf(issuer->name, sizeof issuer->name, "obs:%s", options->workspace);
    if (status == OBS_OK && size >= (int)sizeof issuer->name)
        status = obs__fail(error, OBS_INVALID_ARGUMENT, "'%.64s' is no id of a workspace", options->workspace);
    if (status != OBS_OK) {
        obs__issuer_free(issuer);
        return status;
    }
    issuer->algorithm = algorithm;
    issuer->is_known = options->is_known;
    issuer->announce_s = options->announce_ns ? options->announce_ns / OBS__NS_PER_S : ANNOUNCE_S;
    issuer->replace_s = options->replace_ns ? options->replace_ns / OBS__NS_PER_S : REPLACE_S;
    *out = issuer;
    return OBS_OK;
}

void obs__issuer_free(obs__issuer *issuer)
{
    if (!issuer)
        return;
    obs__issuer_release(atomic_load(&issuer->list));
    obs__free(issuer);
}

const char *obs__issuer_name(const obs__issuer *issuer)
{
    return issuer->name;
}

static int is_short(const char *text, size_t most)
{
    size_t size = strnlen(text, most + 1);
    return size && size <= most && obs__auth_is_plain(text, size);
}

static obs_status check_issue(const obs__issue *issue, obs_error *error)
{
    obs__token_scopes scopes;
    if (!issue->subject)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "a token needs a subject, as in user:ada");
    if (issue->lifetime_s < 0 || issue->lifetime_s > OBS__ISSUED_LIFETIME_MOST_S)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "a token is valid for 1 to %d seconds", OBS__ISSUED_LIFETIME_MOST_S);
    if (issue->tenant && !is_short(issue->tenant, TENANT_MOST))
        return obs__fail(error, OBS_INVALID_ARGUMENT, "a tenant's name has 1 to %d bytes", TENANT_MOST);
    if (issue->client && !is_short(issue->client, CLIENT_MOST))
        return obs__fail(error, OBS_INVALID_ARGUMENT, "a program's name has 1 to %d bytes", CLIENT_MOST);
    if (issue->audience && !is_short(issue->audience, AUDIENCE_MOST))
        return obs__fail(error, OBS_INVALID_ARGUMENT, "an audience has 1 to %d bytes", AUDIENCE_MOST);
    obs_status status = obs__auth_check_subject(issue->subject, error);
    return status == OBS_OK && issue->scope ? obs__scopes_read_strictly(&scopes, obs__view_of(issue->scope, OBS_TEXT), error)
                                            : status;
}

static obs_status make_id(char id[OBS__ISSUED_ID_SIZE], obs_error *error)
{
    unsigned char bytes[16];
    obs_status status = obs__random(bytes, sizeof bytes, error);
    *id = '\0';
    if (status != OBS_OK)
        return status;
    bytes[0] &= 0x7F; /* no '-' in front: to commands, which people give this id to, it would look like an option */
    obs__base64url_encode(id, bytes, sizeof bytes);
    id[OBS__ISSUED_ID_SIZE - 1] = '\0';
    return OBS_OK;
}

static void add_payload(obs__builder *out, const obs__issuer *issuer, const obs__issue *issue, const char *id, int64_t now_s)
{
    int64_t lifetime_s = issue->lifetime_s ? issue->lifetime_s : OBS__ISSUED_LIFETIME_S;
    obs__add_char(out, '{');
    obs__add_json_member(out, "iss", issuer->name);
    obs__add_json_member(out, "aud", issue->audience ? issue->audience : issuer->name);
    obs__add_json_member(out, "sub", issue->subject);
    obs__add_json_member(out, "client_id", issue->client ? issue->client : "libobs");
    obs__add_json_integer(out, "iat", now_s);
    obs__add_json_integer(out, "nbf", now_s);
    obs__add_json_integer(out, "exp", now_s + lifetime_s);
    obs__add_json_member(out, "jti", id);
    if (issue->tenant)
        obs__add_json_member(out, "tenant", issue->tenant);
    if (issue->scope)
        obs__add_json_member(out, "scope", issue->scope);
    obs__add_json_end(out);
}

/* Into locked memory; what was built in between is wiped. */
static obs_status sign(obs_secret **out, const obs__key *signer, obs__view payload, obs_error *error)
{
    obs__algorithm algorithm = obs__key_type_of(signer) == OBS__KEY_ED25519 ? OBS__EDDSA : OBS__ES256;
    obs__builder token;
    obs__builder_init(&token, OBS__TOKEN_SIZE_LIMIT);
    obs_status status = obs__builder_room(&token, OBS__TOKEN_SIZE_LIMIT) /* all at once: nothing is left where it grew */
                            ? obs__jws_sign(&token, signer, algorithm, OBS__TOKEN_TYPE, payload, error)
                            : obs__fail_memory(error);
    if (status == OBS_OK)
        status = obs_secret_new(out, token.data, token.size, error);
    obs__wipe(token.data, token.size);
    obs__builder_free(&token);
    return status;
}

static obs_status first_list(obs__issuer_list **out, obs__issuer *issuer, const obs__limit *limit, int64_t now_ns,
                             obs_error *error)
{
    obs_status status = obs__issuer_look(out, issuer, error);
    if (status != OBS_OK || (*out)->count)
        return status;
    obs__issuer_release(*out);
    *out = NULL;
    if (issuer->is_known)
        return obs__fail(
            error, OBS_FAILED_PRECONDITION,
            "the signing keys of this workspace are not in '%s': restore the folder from a backup, sign in with the "
            "account that has them, or run 'obsctl token rotate' for new ones, which ends all tokens",
            issuer->folder);
    status = obs__issuer_change(issuer, 1, 0, limit, now_ns, error);
    if (status == OBS_OK)
        status = obs__issuer_look(out, issuer, error);
    return status != OBS_OK || (*out)->count
               ? status
               : obs__fail(error, OBS_ABORTED, "the keys in '%s' were removed just now: try again", issuer->folder);
}

/* By and by: a token does not fail because the next key could not be made. */
static void replace_old(obs__issuer *issuer, const obs__issuer_list *list, const obs__limit *limit, int64_t now_ns)
{
    obs_error error;
    int64_t last_s = list->entries[list->count - 1].signs_s;
    if (issuer->replace_s < 0 || now_ns / OBS__NS_PER_S - last_s < issuer->replace_s)
        return;
    obs_error_init(&error, sizeof error);
    if (obs__issuer_rotate(issuer, 0, limit, now_ns, &error) == OBS_OK)
        obs__log(OBS_LOG_INFO, "auth", NULL, "a new signing key was made, as the one until now is old");
    else
        obs__log(OBS_LOG_WARNING, "auth", NULL, "no new signing key could be made: %s", error.message);
}

obs_status obs__issuer_sign(obs_secret **out, char id[OBS__ISSUED_ID_SIZE], obs__issuer *issuer, const obs__issue *issue,
                            const obs__limit *limit, int64_t now_ns, obs_error *error)
{
    obs__issuer_list *list = NULL;
    obs__key *signer = NULL; /* read for each token and freed at once: OpenSSL's memory is in every core dump */
    obs__builder payload;
    *out = NULL;
    *id = '\0';
    obs__builder_init(&payload, PAYLOAD_LIMIT);
    obs_status status = check_issue(issue, error);
    if (status == OBS_OK)
        status = first_list(&list, issuer, limit, now_ns, error);
    if (status == OBS_OK)
        status = make_id(id, error);
    if (status == OBS_OK) {
        add_payload(&payload, issuer, issue, id, now_ns / OBS__NS_PER_S);
        status = obs__builder_status(&payload, error);
    }
    if (status == OBS_OK) {
        const obs__issuer_entry *current = &list->entries[obs__issuer_current(list, now_ns / OBS__NS_PER_S)];
        status = obs__issuer_read_signer(&signer, issuer, obs__key_id(current->key), error);
    }
    if (status == OBS_OK)
        status = sign(out, signer, (obs__view){payload.data, payload.size}, error);
    obs__key_free(signer);
    if (status == OBS_OK)
        replace_old(issuer, list, limit, now_ns);
    obs__builder_free(&payload);
    obs__issuer_release(list);
    return status;
}

obs_status obs__issuer_keys(obs__keys **out, obs__issuer *issuer, int64_t now_ns, obs_error *error)
{
    obs__issuer_list *list = NULL;
    obs__key *keys[OBS__ISSUER_KEYS_MOST];
    size_t count = 0;
    *out = NULL;
    obs_status status = obs__issuer_look(&list, issuer, error);
    if (status != OBS_OK)
        return status;
    for (size_t i = 0; i < list->count; i++)
        if (obs__issuer_verifies(list, i, now_ns / OBS__NS_PER_S))
            keys[count++] = list->entries[i].key;
    status = obs__keys_make(out, keys, count, error);
    obs__issuer_release(list);
    return status;
}
