/**
 * @file token.h
 * Tokens: who somebody is and what they may do, signed and short-lived (JWT, RFC 7519; scopes as in the WLCG profile).
 *
 * Each workspace has an issuer of its own whose keys lie outside of it, so that no copy of the workspace carries them. A token
 * is valid in its workspace only, for one tenant, and for what its scopes name.
 *
 * @code
 * obs_token_options options;
 * obs_token_options_init(&options, sizeof options);
 * options.subject = "function:photometry";
 * options.tenant = "earth";
 * options.scope = "storage.read:/raw storage.create:/products event.publish:/org.example";
 * options.lifetime_s = 600;
 * obs_token_issue(&token, client, &options, &error);           // never more than the issuer's caller may do himself
 * @endcode
 *
 * A client that is opened looks for a token in this order (WLCG Bearer Token Discovery): obs_open_options::token,
 * `BEARER_TOKEN`, the file that `BEARER_TOKEN_FILE` names, `$XDG_RUNTIME_DIR/bt_u<uid>`, `/tmp/bt_u<uid>`; the one that `obsctl
 * login` left; and acts as the user of the system when there is none.
 *
 * @defgroup token Tokens
 * @{
 */
#ifndef OBS_TOKEN_H
#define OBS_TOKEN_H

#include <obs/client.h>
#include <obs/secret.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What a token is to say. */
typedef struct obs_token_options {
    size_t size;          /**< sizeof(obs_token_options), by obs_token_options_init(). */
    const obs_call *call; /**< How the call is made, or NULL. */
    const char *subject;  /**< Whose, as in `user:ada`; NULL: the client's own. */
    const char *tenant;   /**< In which tenant; NULL: the client's own. */
    const char *scope;    /**< Scopes with blanks between them, as in `storage.read:/raw`; NULL: all that the client may. */
    int64_t lifetime_s;   /**< Seconds; 0: 3,600; at most 86,400. */
    const char *audience; /**< For another service than this workspace, or NULL. */
} obs_token_options;

/** Defaults. @param options the caller's struct @param size its sizeof */
OBS_API void obs_token_options_init(obs_token_options *options, size_t size);

/**
 * Issues a token. The audit trail has it (class `grant`), by its id.
 * @param out     receives the token; free with obs_secret_free()
 * @param client  the client
 * @param options NULL for the defaults
 * @param error   may be NULL
 * @return ::OBS_OK; ::OBS_PERMISSION_DENIED for more than the client may do itself, or where the keys belong to another
 * account;
 *         ::OBS_INVALID_ARGUMENT for a scope that cannot be read; ::OBS_NOT_FOUND for an unknown tenant
 */
OBS_API obs_status obs_token_issue(obs_secret **out, obs_client *client, const obs_token_options *options, obs_error *error);

/** Whose tokens are taken, and how they must be signed. */
typedef struct obs_verify_options {
    size_t size;            /**< sizeof(obs_verify_options), by obs_verify_options_init(). */
    const obs_call *call;   /**< How the call is made, or NULL. */
    const char *algorithms; /**< Required: with blanks between them, of RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512
                                 EdDSA. There is no default, and `none` and HS* do not exist. */
    const char *issuer;     /**< Required `iss`; NULL: this workspace. */
    const char *audience;   /**< Required in `aud`; NULL: this workspace. */
    const char *keys;       /**< JSON Web Key Set (RFC 7517); NULL: this workspace's. */
    size_t keys_size;       /**< Its size in bytes, or ::OBS_TEXT. */
    int64_t leeway_s;       /**< How far clocks may differ, in seconds; 0: 60; -1: none. */
} obs_verify_options;

/** Defaults. @param options the caller's struct @param size its sizeof */
OBS_API void obs_verify_options_init(obs_verify_options *options, size_t size);

/**
 * Checks a token (RFC 7515, 7519, 8725). A token that was checked before costs a lookup.
 * @param out     receives its claims as JSON; free with obs_buffer_free()
 * @param client  the client
 * @param token   the token
 * @param size    its size in bytes, at most 16,384; or ::OBS_TEXT
 * @param options with the algorithms
 * @param error   may be NULL; never holds any part of the token
 * @return ::OBS_OK; ::OBS_UNAUTHENTICATED; ::OBS_INVALID_ARGUMENT without algorithms
 */
OBS_API obs_status obs_token_verify(obs_buffer **out, obs_client *client, const char *token, size_t size,
                                    const obs_verify_options *options, obs_error *error);

/**
 * The issuer's public keys as a JSON Web Key Set, the next one and those that end included. The same lies in the
 * workspace as `keys.json`.
 * @param out    receives the JSON; free with obs_buffer_free()
 * @param client the client
 * @param error  may be NULL
 * @return ::OBS_OK
 */
OBS_API obs_status obs_token_keys(obs_buffer **out, obs_client *client, obs_error *error);

/**
 * Makes a new signing key. The one until now verifies until its last token has ended.
 * @param client the client
 * @param call   how the call is made, or NULL
 * @param error  may be NULL
 * @return ::OBS_OK; ::OBS_PERMISSION_DENIED
 */
OBS_API obs_status obs_token_rotate(obs_client *client, const obs_call *call, obs_error *error);

/**
 * Ends tokens before their time: a single one, or all that a subject has until now, in every tenant. For this client they count
 * no more when the call returns, for every other one a second later; a client that acts with one is refused. For the owner and
 * operators, where the keys are; the audit trail has it.
 * @param client  the client
 * @param id      the token's id (`jti`), as the records of token.issue have it; or NULL
 * @param subject whose, as in `user:ada`; or NULL. What is issued to it afterwards counts
 * @param call    how the call is made, or NULL
 * @param error   may be NULL
 * @return ::OBS_OK; ::OBS_INVALID_ARGUMENT for neither or both, or what cannot be an id; ::OBS_PERMISSION_DENIED
 */
OBS_API obs_status obs_token_revoke(obs_client *client, const char *id, const char *subject, const obs_call *call,
                                    obs_error *error);

/**
 * Keeps a token for this user and workspace, for every later client (`obsctl login`); checked first.
 * @param client the client
 * @param token  the token
 * @param size   its size in bytes, or ::OBS_TEXT
 * @param call   how the call is made, or NULL
 * @param error  may be NULL
 * @return ::OBS_OK; ::OBS_UNAUTHENTICATED
 */
OBS_API obs_status obs_token_login(obs_client *client, const char *token, size_t size, const obs_call *call, obs_error *error);

/**
 * Forgets the token that obs_token_login() kept.
 * @param client the client
 * @param call   how the call is made, or NULL
 * @param error  may be NULL
 * @return ::OBS_OK, also when there was none
 */
OBS_API obs_status obs_token_logout(obs_client *client, const obs_call *call, obs_error *error);

#ifdef __cplusplus
}
#endif

/** @} */
#endif
