/**
 * @file workspace.h
 * Workspaces: making one, checking one, and its tenants.
 *
 * @code
 * obs_workspace_init("night", NULL, &error);      // night/obs.yaml, format, store/, tenants/default/, audit/
 * @endcode
 *
 * @defgroup workspace Workspaces
 * @{
 */
#ifndef OBS_WORKSPACE_H
#define OBS_WORKSPACE_H

#include <obs/client.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Makes a workspace.
 * @param path  a folder that does not exist yet or is empty
 * @param call  how the call is made, or NULL
 * @param error may be NULL
 * @return ::OBS_OK; ::OBS_ALREADY_EXISTS; ::OBS_FAILED_PRECONDITION on a network file system
 */
OBS_API obs_status obs_workspace_init(const char *path, const obs_call *call, obs_error *error);

/** Whom the parts of a workspace are kept apart for. */
typedef enum obs_mode {
    OBS_PERSONAL = 0, /**< One user of the system: tenants guard against mistakes. */
    OBS_SHARED = 1    /**< Several: each tenant belongs to a Unix group, and the system keeps all others out. */
} obs_mode;

/** How a workspace is made. */
typedef struct obs_workspace_options {
    size_t size;          /**< sizeof(obs_workspace_options), by obs_workspace_options_init(). */
    const obs_call *call; /**< How the call is made, or NULL. */
    obs_mode mode;        /**< Personal or shared. */
    const char *account;  /**< Shared: the user, by name or number, who owns the workspace and its keys; NULL: the caller. Only
                             root  can name another one. */
    const char *group;    /**< Shared: the Unix group of the tenant `default`, by name or number; NULL: the account's own. */
} obs_workspace_options;

/** Defaults. @param options the caller's struct @param size its sizeof */
OBS_API void obs_workspace_options_init(obs_workspace_options *options, size_t size);

/**
 * Makes a workspace, personal or shared.
 *
 * In a shared one obs.yaml, format and the audit log belong to the account, and each tenant's database and store to a Unix
 * group: its members read and write, others are told the same whether a tenant exists or not. Whoever is neither the account
 * nor root names the account as trusted first, by the line `<folder> <account>` in `~/.config/obs/trusted` (or root does so for
 * all, in
 * `/etc/obs/trusted`).
 * @param path    a folder that does not exist yet or is empty
 * @param options NULL for a personal one
 * @param error   may be NULL
 * @return ::OBS_OK; ::OBS_ALREADY_EXISTS; ::OBS_NOT_FOUND for an account or group that the system does not have;
 *         ::OBS_PERMISSION_DENIED for one that the caller cannot give files to; ::OBS_UNTRUSTED for a shared one in a folder
 * that others may change; ::OBS_FAILED_PRECONDITION on a network file system, or for a shared one on one without access lists
 */
OBS_API obs_status obs_workspace_init_with(const char *path, const obs_workspace_options *options, obs_error *error);

/** What obs_workspace_check() may do. */
typedef enum obs_check_mode {
    OBS_CHECK_ONLY = 0,  /**< Look only. */
    OBS_CHECK_REPAIR = 1 /**< Roll forward what is pending and remove what nothing refers to. */
} obs_check_mode;

/**
 * Checks every object, row and checksum of all tenants.
 * @param out    receives rows `{"tenant":…,"key":…,"problem":…,"remedy":…}` and a last one `{"objects":…,"records":…,"bytes":…,
 *               "problems":…}`; free with obs_rows_free()
 * @param client the client
 * @param mode   what may be done
 * @param call   how the call is made, or NULL
 * @param error  may be NULL
 * @return ::OBS_OK although problems were found
 */
OBS_API obs_status obs_workspace_check(obs_rows **out, obs_client *client, obs_check_mode mode, const obs_call *call,
                                       obs_error *error);

/**
 * Makes a tenant.
 * @param client the client
 * @param name   1 to 63 of [a-z0-9-], beginning with a letter
 * @param call   how the call is made, or NULL
 * @param error  may be NULL
 * @return ::OBS_OK; ::OBS_ALREADY_EXISTS; ::OBS_INVALID_ARGUMENT
 */
OBS_API obs_status obs_tenant_create(obs_client *client, const char *name, const obs_call *call, obs_error *error);

/** How a tenant is made or changed. Each call takes the fields that its comment names. */
typedef struct obs_tenant_options {
    size_t size;               /**< sizeof(obs_tenant_options), by obs_tenant_options_init(). */
    const obs_call *call;      /**< How the call is made, or NULL. */
    const char *group;         /**< In a shared workspace: its Unix group, by name or number; NULL: one of the tenant's name. */
    int64_t most_bytes;        /**< Quota: bytes of all objects and records. Of each quota: 0: as it is; -1: no limit. */
    int64_t most_objects;      /**< Quota: objects. */
    int64_t most_entries;      /**< Quota: entries of the catalog, which are objects and records. */
    int64_t events_per_day;    /**< Quota: events published in one day (UTC), those about ingestion included. */
    int64_t events_per_minute; /**< Quota: a bucket of so many events that fills evenly within a minute. */
    const char *reason;        /**< Why it is suspended, for those who are refused: a line of up to 200 bytes; or NULL. */
    const char *confirm;       /**< obs_tenant_delete(): the name once more. */
    int32_t refuse_reads;      /**< obs_tenant_suspend(): 1: reads are refused, too, within a second. */
} obs_tenant_options;

/** Defaults. @param options the caller's struct @param size its sizeof */
OBS_API void obs_tenant_options_init(obs_tenant_options *options, size_t size);

/**
 * Makes a tenant, in a shared workspace with the Unix group whose members it is for.
 * @param client  the client, of the account or of root in a shared workspace
 * @param name    1 to 63 of [a-z0-9-], beginning with a letter
 * @param options NULL for the defaults
 * @param error   may be NULL
 * @return ::OBS_OK; ::OBS_ALREADY_EXISTS; ::OBS_INVALID_ARGUMENT, also for a group in a personal workspace; ::OBS_NOT_FOUND for
 * a group that the system does not have; ::OBS_PERMISSION_DENIED for one that the caller cannot give files to
 */
OBS_API obs_status obs_tenant_create_with(obs_client *client, const char *name, const obs_tenant_options *options,
                                          obs_error *error);

/**
 * Changes the quotas of a tenant. They hold from the commit on, for all processes: what would exceed one is refused whole with
 * ::OBS_RESOURCE_EXHAUSTED, in the commit that would have made it, so that no race can exceed it. What only frees space always
 * passes, also above a quota that was lowered. Who asks on and on all the same is held up: after twenty refusals a second each
 * further one takes 20 ms, or what is left of the call's time.
 * @param client  the client, of the owner or an operator
 * @param name    the tenant
 * @param options most_bytes, most_objects, most_entries, events_per_day, events_per_minute; at least one
 * @param error   may be NULL
 * @return ::OBS_OK; ::OBS_NOT_FOUND; ::OBS_INVALID_ARGUMENT; ::OBS_FAILED_PRECONDITION for a tenant that was deleted
 */
OBS_API obs_status obs_tenant_modify(obs_client *client, const char *name, const obs_tenant_options *options, obs_error *error);

/**
 * Suspends a tenant: from this commit on, for all processes, every change of its data is refused with
 * ::OBS_FAILED_PRECONDITION and a sentence that says since when, by whom and why. Nothing is lost: events that wait come again
 * after obs_tenant_resume(). Reading goes on, subscriptions included, which cannot acknowledge. What administrates goes on,
 * too: checks, repairs, the audit trail.
 * @param client  the client, of the owner or an operator
 * @param name    the tenant
 * @param options reason, refuse_reads; NULL for the defaults
 * @param error   may be NULL
 * @return ::OBS_OK, also for one that is suspended already, whose reason is then this one; ::OBS_NOT_FOUND;
 *         ::OBS_FAILED_PRECONDITION for a tenant that was deleted
 */
OBS_API obs_status obs_tenant_suspend(obs_client *client, const char *name, const obs_tenant_options *options,
                                      obs_error *error);

/**
 * Ends the suspension of a tenant.
 * @param client  the client, of the owner or an operator
 * @param name    the tenant
 * @param options NULL for the defaults
 * @param error   may be NULL
 * @return ::OBS_OK, also for one that is not suspended; ::OBS_NOT_FOUND; ::OBS_FAILED_PRECONDITION for a tenant that was
 * deleted
 */
OBS_API obs_status obs_tenant_resume(obs_client *client, const char *name, const obs_tenant_options *options, obs_error *error);

/**
 * Writes all that a tenant has into a new folder, which appears when all of it is there and durable: `objects/` with a file for
 * each object, `objects.jsonl` with what is known about them, `entries.jsonl` (catalog), `records.jsonl`, `definitions.jsonl`,
 * `ingest.jsonl` (ingestion log), `events.jsonl` (CloudEvents), `audit.jsonl`, and `manifest.json` with the SHA-256 of each
 * file. Each table is of one moment, and each object, but not all together: suspend the tenant first for that. The record of it
 * stands in the trail of the tenant before the folder appears. What an export that was killed left is called
 * `<path>.partial-…`.
 * @param client  the client; for another tenant than its own one of the owner
 * @param name    the tenant
 * @param path    a folder that does not exist yet; only the caller can enter it
 * @param options NULL for the defaults
 * @param error   may be NULL
 * @return ::OBS_OK; ::OBS_NOT_FOUND; ::OBS_ALREADY_EXISTS when there is something at `path`; ::OBS_DATA_LOSS when bytes do not
 * match their checksum: nothing is exported then
 */
OBS_API obs_status obs_tenant_export(obs_client *client, const char *name, const char *path, const obs_tenant_options *options,
                                     obs_error *error);

/**
 * Deletes a tenant, for ever: from the commit on nobody reads or changes its data, and then all of it is removed. What stays is
 * its audit trail, with every proof (obs_audit_erase() still erases persons from it), and its name, which no other tenant ever
 * gets: tokens that were issued for it open nothing. A deletion that is interrupted goes on when it is called again, or with
 * obs_workspace_check() and ::OBS_CHECK_REPAIR.
 * @param client  the client, of the owner or an operator and not by a token; of another tenant
 * @param name    the tenant, not `default`
 * @param options confirm, which must be the name once more; reason
 * @param error   may be NULL
 * @return ::OBS_OK when all is removed; ::OBS_INVALID_ARGUMENT when it is not confirmed; ::OBS_NOT_FOUND;
 *         ::OBS_FAILED_PRECONDITION for one that is deleted already, `default` and the client's own
 */
OBS_API obs_status obs_tenant_delete(obs_client *client, const char *name, const obs_tenant_options *options, obs_error *error);

/**
 * The tenants.
 * @param out    receives rows `{"name":…,"objects":…,"records":…,"bytes":…,"events":…,"created":…,"state":…}`; `state` is
 * `active`, `suspended` or `deleted`; those that are not active have `"since":…,"by":…,"reason":…,"reads":…`, those with quotas
 * `"quota":{"bytes":{"used":…,"most":…},…}`; free with obs_rows_free()
 * @param client the client
 * @param name   only this one, or NULL for all
 * @param call   how the call is made, or NULL
 * @param error  may be NULL
 * @return ::OBS_OK; ::OBS_NOT_FOUND
 */
OBS_API obs_status obs_tenant_show(obs_rows **out, obs_client *client, const char *name, const obs_call *call,
                                   obs_error *error);

#ifdef __cplusplus
}
#endif

/** @} */
#endif
