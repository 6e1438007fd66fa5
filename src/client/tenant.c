/* Tenants: what they are called, where they lie, and the call that makes one. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "client/client.h"
#include "client/rule.h"
#include "client/tenant.h"

int obs__tenant_valid(const char *name)
{
    size_t size = strlen(name);
    return size >= 1 && size < OBS__TENANT_SIZE && name[0] >= 'a' && name[0] <= 'z' &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == size;
}

char *obs__tenant_folder(const char *folder, const char *name)
{
    char *path = NULL;
    return asprintf(&path, "%s/tenants/%s", folder, name) < 0 ? NULL : path;
}

obs_status obs__tenant_missing(const char *name, obs_error *error)
{
    return obs__fail(error, OBS_NOT_FOUND, "there is no tenant '%.63s': run 'obsctl tenant create %.63s'", name, name);
}

obs_status obs__tenant_check(const obs__workspace *workspace, const char *name, obs_error *error)
{
    char *folder = obs__tenant_folder(workspace->folder, name);
    if (!folder)
        return obs__fail_memory(error);
    obs_status status = obs__tenant_valid(name) && access(folder, F_OK) == 0 ? OBS_OK : obs__tenant_missing(name, error);
    free(folder);
    return status;
}

/* The default tenant has what obs.yaml says. Another one has the same in its own folder, or beside it where the folder lies
 * outside of the workspace: `file:store` becomes `file:tenants/weather/store`, `file:/data/x` `file:/data/x.weather`. */
char *obs__tenant_store(const obs__workspace *workspace, const char *tenant)
{
    const char *url = workspace->config.store;
    char *path = NULL;
    int size;
    if (!strcmp(tenant, OBS__DEFAULT_TENANT))
        size = asprintf(&path, "%s", url);
    else if (!strncmp(url, "file:", 5) && url[5] != '/')
        size = asprintf(&path, "file:tenants/%s/%s", tenant, url + 5);
    else
        size = asprintf(&path, "%.*s.%s", (int)strcspn(url, "?#, "), url, tenant);
    return size < 0 ? NULL : path;
}

const char obs__tenant_schema[] = "CREATE TABLE IF NOT EXISTS tenant (created INTEGER NOT NULL);";

obs_status obs__tenant_created(int64_t *out, obs__journal *journal, obs_error *error)
{
    obs__snapshot *snapshot;
    sqlite3_stmt *statement;
    *out = 0;
    obs_status status = obs__snapshot_begin(&snapshot, journal, error);
    if (status != OBS_OK)
        return status;
    status = obs__snapshot_statement(&statement, snapshot, "SELECT min(created) FROM tenant", error);
    if (status == OBS_OK) {
        int code = sqlite3_step(statement);
        if (code == SQLITE_ROW)
            *out = sqlite3_column_int64(statement, 0);
        else
            status = obs__sqlite_fail(error, obs__snapshot_database(snapshot), code, "cannot read the tenant");
        sqlite3_reset(statement);
    }
    obs__snapshot_end(snapshot);
    return status;
}

/* The key of its making lies in the tenant's own database, also when the power failed before the maker's had it. */
static obs_status find_repeated(obs__scope *scope, const obs__workspace *workspace, const char *name, obs_error *error)
{
    obs__journal *journal = NULL;
    char *folder = obs__tenant_folder(workspace->folder, name);
    if (!folder)
        return obs__fail_memory(error);
    obs_status status = obs__client_journal(&journal, workspace, folder, 0, &scope->limit, error);
    if (status == OBS_OK)
        status = obs__repeat_find(&scope->repeated, journal, scope->idempotency_key, scope->action, error);
    obs__journal_free(journal);
    free(folder);
    return status;
}

/* Whose the new tenant will be. */
static obs_status plan_ownership(obs__ownership *out, const obs__workspace *workspace, const char *name, const char *group,
                                 obs_error *error)
{
    *out = (obs__ownership){.shared = workspace->config.shared, .account = workspace->account};
    if (!out->shared && group)
        return obs__fail(error, OBS_INVALID_ARGUMENT,
                         "in a personal workspace a tenant has no group: make one with 'obsctl init --shared'");
    if (!out->shared)
        return OBS_OK;
    obs_status status = obs__auth_find_group(&out->group, group ? group : name, error);
    if (status == OBS_NOT_FOUND && !group)
        return obs__fail(error, status, "which Unix group is tenant '%.63s' for? add --group GROUP", name);
    return status;
}

/* The name of a deleted tenant is not given to another one: there may be tokens for it. */
static obs_status tell_exists(obs__scope *scope, const obs__workspace *workspace, const char *name, obs_error *error)
{
    obs__journal *journal = NULL;
    obs__rule rule = {0};
    char *folder = obs__tenant_folder(workspace->folder, name);
    if (folder && obs__client_journal(&journal, workspace, folder, 0, &scope->limit, NULL) == OBS_OK)
        obs__rule_read(&rule, journal, NULL);
    obs__journal_free(journal);
    free(folder);
    if (rule.state < OBS__DELETING)
        return obs__tenant_exists(name, error);
    return obs__fail(
        error, OBS_ALREADY_EXISTS,
        "there was a tenant '%s', which was deleted: its name is not used again, so that no old token opens a new one", name);
}

static obs_status make_once(obs__scope *scope, const obs__workspace *workspace, const char *name, const char *group,
                            obs_error *error)
{
    obs__ownership ownership;
    obs_status status = plan_ownership(&ownership, workspace, name, group, error);
    if (status == OBS_OK)
        status = obs__tenant_make(workspace, name, &ownership, scope, error);
    if (status != OBS_ALREADY_EXISTS)
        return status;
    status = scope->idempotency_key ? find_repeated(scope, workspace, name, error) : OBS_OK;
    return status == OBS_OK && !scope->repeated ? tell_exists(scope, workspace, name, error) : status;
}

/* The tenant is there, or changed, and so is its record: in its own trail. The trail of the caller's has the record, too; when
 * that cannot be written now, it is written as soon as it can be. */
void obs__tenant_tell(obs__scope *scope)
{
    obs__effects none = {0};
    if (obs__gate_commit(scope, &none, NULL) != OBS_OK)
        obs__client_note(scope, "change", OBS_OK);
}

void obs_tenant_options_init(obs_tenant_options *options, size_t size)
{
    if (!options || size < sizeof(size_t))
        return;
    memset(options, 0, size);
    options->size = size;
}

obs_status obs_tenant_create_with(obs_client *client, const char *name, const obs_tenant_options *options, obs_error *error)
{
    obs__scope scope;
    obs_tenant_options wanted;
    if (!client || !name)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "client and name are required");
    obs__client_options(&wanted, sizeof wanted, options);
    obs__client_gate *gate = client->gate;
    obs_status status = obs__gate_enter(&scope, &gate->gate, OBS__CHANGE, "tenant.create", name, OBS_TEXT, wanted.call, error);
    if (status != OBS_OK)
        return status;
    if (!obs__tenant_valid(name))
        status = obs__fail(error, OBS_INVALID_ARGUMENT,
                           "'%.64s' cannot name a tenant: write 1 to 63 of a-z, 0-9 and -, beginning with a letter", name);
    else if (wanted.most_bytes || wanted.most_objects || wanted.most_entries || wanted.events_per_day ||
             wanted.events_per_minute)
        status = obs__fail(error, OBS_INVALID_ARGUMENT, "a new tenant has no quotas: set them with obs_tenant_modify()");
    else if (!scope.repeated)
        status = make_once(&scope, gate->workspace, name, wanted.group, error);
    if (status == OBS_OK && !scope.repeated)
        obs__tenant_tell(&scope);
    return obs__gate_leave(&scope, status, error);
}

obs_status obs_tenant_create(obs_client *client, const char *name, const obs_call *call, obs_error *error)
{
    obs_tenant_options options = {.size = sizeof options, .call = call};
    return obs_tenant_create_with(client, name, &options, error);
}
