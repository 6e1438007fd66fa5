/**
 * @file client.h
 * The client: opens a workspace and hands out its services.
 *
 * @code
 * obs_client *client = NULL;
 * if (obs_client_open(&client, NULL, &error) != OBS_OK)   // OBS_WORKSPACE, else upwards from here, else the user's own
 *     fprintf(stderr, "%s\n", error.message);
 * obs_client_close(client);
 * @endcode
 *
 * @defgroup client Client
 * @{
 */
#ifndef OBS_CLIENT_H
#define OBS_CLIENT_H

#include <obs/audit.h>
#include <obs/catalog.h>
#include <obs/config.h>
#include <obs/event.h>
#include <obs/store.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A workspace that was opened, for one tenant and one subject. Safe from every thread. */
typedef struct obs_client obs_client;

/** How a workspace is opened. */
typedef struct obs_open_options {
    size_t size;           /**< sizeof(obs_open_options), by obs_open_options_init(). */
    const obs_call *call;  /**< How the call is made, or NULL. */
    const char *workspace; /**< Its folder; NULL: OBS_WORKSPACE, else searched upwards, else `~/.config/obs`. */
    const char *tenant;    /**< The tenant; NULL: OBS_TENANT, else `default`. */
    const char *program;   /**< Who is calling, for the audit trail, as in `loader/1.0`; NULL: the program's name. */
    int32_t read_only;     /**< 1: every change gives ::OBS_FAILED_PRECONDITION. */
    const char *token;     /**< The token to act with; NULL: where <obs/token.h> says, else as the user of the system;
                                `-`: as that user, whatever token there is. */
} obs_open_options;

/** Defaults. @param options the caller's struct @param size its sizeof */
OBS_API void obs_open_options_init(obs_open_options *options, size_t size);

/**
 * Opens a workspace. What a crash left half done is completed first.
 *
 * With a token (obs_open_options::token, or one that was found as <obs/token.h> says) the client is its bearer: for its tenant
 * and subject, and for what its scopes name. From a file it is read again when it changes, so that a client outlives its
 * tokens. `BEARER_TOKEN` is taken out of the environment by the first call, so that no child inherits it: other threads must
 * not use the environment meanwhile.
 * @param out     receives the client; free with obs_client_close()
 * @param options NULL for the defaults
 * @param error   may be NULL
 * @return ::OBS_OK; ::OBS_NO_WORKSPACE; ::OBS_UNTRUSTED; ::OBS_NOT_FOUND for an unknown tenant;
 *         ::OBS_PERMISSION_DENIED for one that is unknown or not for this caller; ::OBS_UNAUTHENTICATED for a token that does
 *         not hold; ::OBS_UNIMPLEMENTED for a workspace made by a newer library; ::OBS_DATA_LOSS when it is damaged
 */
OBS_API obs_status obs_client_open(obs_client **out, const obs_open_options *options, obs_error *error);

/**
 * Gives a client back. What came from it stays usable until it is freed itself; service handles do not.
 * @param client the client; NULL is accepted
 */
OBS_API void obs_client_close(obs_client *client);

/** The store of the workspace. @param client the client @return valid as long as the client */
OBS_API obs_store *obs_client_store(obs_client *client);
/** The bus of the workspace. @param client the client @return valid as long as the client */
OBS_API obs_bus *obs_client_bus(obs_client *client);
/** The catalog of the tenant. @param client the client @return valid as long as the client */
OBS_API obs_catalog *obs_client_catalog(obs_client *client);
/** The audit trail of the tenant. @param client the client @return valid as long as the client */
OBS_API obs_audit *obs_client_audit(obs_client *client);
/** The configuration of the workspace. @param client the client @return valid as long as the client */
OBS_API obs_config *obs_client_config(obs_client *client);

/**
 * Opens another store.
 * @param out    receives the store; free with obs_store_free()
 * @param client the client
 * @param url    `file:folder` (relative to the workspace), `mem:name`; a password in a URL is refused
 * @param call   how the call is made, or NULL
 * @param error  may be NULL; names the known schemes for an unknown one
 * @return ::OBS_OK; ::OBS_INVALID_ARGUMENT; ::OBS_UNIMPLEMENTED for an unknown scheme
 */
OBS_API obs_status obs_client_store_open(obs_store **out, obs_client *client, const char *url, const obs_call *call,
                                         obs_error *error);

/** For whom a client acts. */
typedef struct obs_as_options {
    size_t size;          /**< sizeof(obs_as_options), by obs_as_options_init(). */
    const obs_call *call; /**< How the call is made, or NULL. */
    const char *subject;  /**< The subject, as in `user:ada`; NULL: the client's own. */
    const char *tenant;   /**< The tenant; NULL: the client's own, or the token's. */
    const char *token;    /**< The token of the one to act for, which says subject and tenant; NULL: as the owner's word. */
} obs_as_options;

/** Defaults. @param options the caller's struct @param size its sizeof */
OBS_API void obs_as_options_init(obs_as_options *options, size_t size);

/**
 * A cheap client that acts for somebody else, for a service with many users or tenants.
 * The audit trail names both: the subject, and the owner of @p client as the one who acted. Without a token it has the data of
 * the tenant, or the role that obs.yaml gives the subject, and nothing more.
 * @param out     receives the new client; free with obs_client_close()
 * @param client  the client
 * @param options for whom
 * @param error   may be NULL
 * @return ::OBS_OK; ::OBS_NOT_FOUND for an unknown tenant; ::OBS_PERMISSION_DENIED unless @p client is the owner's
 *         or there is a token; ::OBS_UNAUTHENTICATED for one that does not hold
 */
OBS_API obs_status obs_client_as(obs_client **out, obs_client *client, const obs_as_options *options, obs_error *error);

/** The folder of the workspace. @param client the client @return valid as long as the client */
OBS_API const char *obs_client_workspace(const obs_client *client);
/** The tenant. @param client the client @return valid as long as the client */
OBS_API const char *obs_client_tenant(const obs_client *client);
/** The subject, as in `user:ada`. @param client the client @return valid as long as the client */
OBS_API const char *obs_client_subject(const obs_client *client);

/**
 * Who the caller is:
 * `{"subject":…,"tenant":…,"workspace":…,"id":…,"mode":"personal"|"shared","boundary":"none"|"unix","issuer":…}`.
 * `"actor"` when it acts for somebody else; with a token `"token":{"scope":…,"expires":…,"id":…,"source":…}`, never the token.
 * @param out    receives one JSON object; free with obs_buffer_free()
 * @param client the client
 * @param error  may be NULL
 * @return ::OBS_OK
 */
OBS_API obs_status obs_client_whoami(obs_buffer **out, obs_client *client, obs_error *error);

/**
 * How the parts are: `{"status":"ok"|"degraded","parts":[{"name":…,"status":…,"message":…}]}`.
 * @param out    receives one JSON object; free with obs_buffer_free()
 * @param client the client
 * @param call   how the call is made, or NULL
 * @param error  may be NULL
 * @return ::OBS_OK although parts are degraded
 */
OBS_API obs_status obs_client_health(obs_buffer **out, obs_client *client, const obs_call *call, obs_error *error);

/**
 * The workspace in numbers, as OpenMetrics 1.0 text: what is true of it whoever works in it, for each tenant that the caller
 * may see (docs/observing.md names them all). Cheap, so that it may be asked every few seconds. What this process itself did is
 * obs_metrics_text().
 * @param out    receives the text; free with obs_buffer_free()
 * @param client the client
 * @param call   how the call is made, or NULL
 * @param error  may be NULL
 * @return ::OBS_OK, also when a tenant cannot be read (`obs_tenant_up` is 0 then)
 */
OBS_API obs_status obs_client_metrics(obs_buffer **out, obs_client *client, const obs_call *call, obs_error *error);

#ifdef __cplusplus
}
#endif

/** @} */
#endif
