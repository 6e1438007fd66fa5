/* Changing a tenant: its quotas, whether it is suspended. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "client/client.h"
#include "client/rule.h"
#include "client/tenant.h"

obs_status obs__tenant_journal(obs__journal **out, obs_client *client, const char *name, obs__scope *scope, obs_error *error)
{
    const obs__workspace *workspace = client->gate->workspace;
    *out = NULL;
    obs_status status = obs__tenant_check(workspace, name, error);
    if (status != OBS_OK)
        return status;
    char *folder = obs__tenant_folder(workspace->folder, name);
    if (!folder)
        return obs__fail_memory(error);
    if (!workspace->read_only && access(folder, R_OK | W_OK | X_OK) != 0)
        status = obs__auth_refuse_tenant(scope->subject, name, workspace->owner, error);
    else
        status = obs__client_journal(out, workspace, folder, 0, &scope->limit, error);
    free(folder);
    return status;
}

/* In the trail of the tenant that it is about, in the commit that does it; then in that of the caller's own. */
obs_status obs__tenant_commit(obs__scope *scope, const char *name, obs__journal *journal, obs__effects *effects,
                              obs_error *error)
{
    obs__effects whole = {0};
    obs_status status = scope->gate->ops->record_in(scope, name, &whole, error);
    obs__effects_move(&whole, effects); /* behind the record, which knows whose pseudonym is which */
    if (status == OBS_OK)
        do
            status = obs__journal_commit(journal, &whole, &scope->limit, error);
        while (obs__gate_spare(scope, status));
    obs__effects_free(&whole);
    if (status == OBS__REPEATED) {
        scope->repeated = 1;
        return OBS_OK;
    }
    scope->recorded = status == OBS_OK && strcmp(name, scope->gate->tenant) == 0;
    if (status == OBS_OK && !scope->recorded)
        obs__tenant_tell(scope);
    return status;
}

static obs_status change(obs_client *client, obs__scope *scope, const obs__rule_change *wanted, obs_error *error)
{
    obs__journal *journal = NULL;
    obs__effects effects = {0};
    obs_status status = obs__tenant_journal(&journal, client, wanted->tenant, scope, error);
    if (status == OBS_OK && scope->idempotency_key)
        status = obs__repeat_find(&scope->repeated, journal, scope->idempotency_key, scope->action, error);
    if (status == OBS_OK && !scope->repeated)
        status = obs__rule_effect(&effects, wanted, error);
    if (status == OBS_OK && !scope->repeated)
        status = obs__tenant_commit(scope, wanted->tenant, journal, &effects, error);
    obs__effects_free(&effects);
    obs__journal_free(journal);
    return status;
}

static obs_status run(obs_client *client, const char *action, obs__rule_change *wanted, const obs_call *call, obs_error *error)
{
    obs__scope scope;
    obs_status status =
        obs__gate_enter(&scope, &client->gate->gate, OBS__CHANGE, action, wanted->tenant, OBS_TEXT, call, error);
    if (status != OBS_OK)
        return status;
    wanted->subject = scope.subject;
    if (!scope.repeated)
        status = change(client, &scope, wanted, error);
    return obs__gate_leave(&scope, status, error);
}

static obs_status check_quotas(const int64_t most[OBS__QUOTAS], obs_error *error)
{
    int any = 0;
    for (int i = 0; i < OBS__QUOTAS; i++) {
        if (most[i] < -1 || most[i] > (int64_t)1 << 50 || (i == OBS__QUOTA_MINUTE && most[i] > 1000000000))
            return obs__fail(error, OBS_INVALID_ARGUMENT, "a quota of %s is 1 or more, or -1 for none", obs__quota_names[i]);
        any |= most[i] != 0;
    }
    return any ? OBS_OK
               : obs__fail(error, OBS_INVALID_ARGUMENT,
                           "which quota? bytes, objects, entries, events a day or events a minute; -1 removes one");
}

obs_status obs_tenant_modify(obs_client *client, const char *name, const obs_tenant_options *options, obs_error *error)
{
    obs_tenant_options wanted;
    if (!client || !name)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "client and name are required");
    obs__client_options(&wanted, sizeof wanted, options);
    obs__rule_change made = {
        .quotas_only = 1,
        .tenant = name,
        .most = {wanted.most_bytes, wanted.most_objects, wanted.most_entries, wanted.events_per_day, wanted.events_per_minute}};
    obs_status status = check_quotas(made.most, error);
    return status == OBS_OK ? run(client, "tenant.modify", &made, wanted.call, error) : status;
}

obs_status obs__tenant_reason(const char *reason, obs_error *error)
{
    size_t size = reason ? strnlen(reason, OBS__REASON_SIZE) : 0;
    if (size >= OBS__REASON_SIZE || (size && !obs__utf8_valid(reason, size)))
        return obs__fail(error, OBS_INVALID_ARGUMENT, "a reason is UTF-8 text of up to %d bytes", OBS__REASON_SIZE - 1);
    for (size_t i = 0; i < size; i++)
        if ((unsigned char)reason[i] < 0x20 || reason[i] == 0x7F)
            return obs__fail(error, OBS_INVALID_ARGUMENT, "a reason is one line without control characters");
    return OBS_OK;
}

obs_status obs_tenant_suspend(obs_client *client, const char *name, const obs_tenant_options *options, obs_error *error)
{
    obs_tenant_options wanted;
    if (!client || !name)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "client and name are required");
    obs__client_options(&wanted, sizeof wanted, options);
    obs_status status = obs__tenant_reason(wanted.reason, error);
    if (status != OBS_OK)
        return status;
    obs__rule_change made = {
        .state = OBS__SUSPENDED, .closed = wanted.refuse_reads != 0, .tenant = name, .reason = wanted.reason};
    return run(client, "tenant.suspend", &made, wanted.call, error);
}

obs_status obs_tenant_resume(obs_client *client, const char *name, const obs_tenant_options *options, obs_error *error)
{
    obs_tenant_options wanted;
    if (!client || !name)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "client and name are required");
    obs__client_options(&wanted, sizeof wanted, options);
    obs__rule_change made = {.state = OBS__ACTIVE, .tenant = name};
    return run(client, "tenant.resume", &made, wanted.call, error);
}
