/* The public side of the policy, and what the pipeline asks of it. */
#include <limits.h>
#include <string.h>

#include "audit/policy.h"
#include "audit/reserve.h"
#include "audit/sequence.h"
#include "audit/trail.h"
#include "base/error.h"
#include "base/file.h"

#define TEXT_MAX 16384

static obs_status show(obs_buffer **out, const obs__gate *gate, obs_error *error)
{
    obs__policy policy;
    obs__builder text;
    obs_status status = obs__policy_read(&policy, gate->workspace, error);
    if (status != OBS_OK)
        return status;
    obs__builder_init(&text, TEXT_MAX);
    obs__policy_add(&text, &policy);
    status = obs__builder_finish(out, &text, error);
    obs__builder_free(&text);
    return status;
}

obs_status obs_audit_policy(obs_buffer **out, obs_audit *audit, obs_error *error)
{
    obs__scope scope;
    if (!out || !audit)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "out and audit are required");
    *out = NULL;
    obs_status status = obs__gate_enter(&scope, obs__audit_gate(audit), OBS__READ, "audit.policy", NULL, 0, NULL, error);
    if (status != OBS_OK)
        return status;
    status = show(out, obs__audit_gate(audit), error);
    return obs__gate_leave(&scope, status, error);
}

/* The record first: a policy that nobody recorded must never hold. When it then cannot be written, that is a record, too. */
static obs_status change(obs__scope *scope, obs__view json, obs_error *error)
{
    const char *workspace = scope->gate->workspace;
    obs__policy policy;
    obs__builder difference;
    obs__effects effects = {0};
    obs__policy_read(&policy, workspace, NULL); /* a damaged one counts as what it is taken for */
    obs__builder_init(&difference, TEXT_MAX);
    const int64_t before = policy.reserve_bytes;
    obs_status status = obs__policy_change(&policy, &difference, json, error);
    if (status == OBS_OK && policy.reserve_bytes > before)
        status = obs__reserve_check(workspace, policy.reserve_bytes, error);
    if (status == OBS_OK) {
        scope->object = (obs__view){difference.data, difference.size};
        status = obs__gate_commit(scope, &effects, error);
        scope->object = (obs__view){"", 0};
    }
    obs__builder_free(&difference);
    if (status != OBS_OK)
        return status;
    do
        status = obs__policy_write(&policy, workspace, error);
    while (obs__gate_spare(scope, status));
    return status;
}

static obs_status change_alone(obs__scope *scope, obs__view json, obs_error *error)
{
    char path[PATH_MAX];
    int lock = -1;
    obs__reserve now;
    obs_status status = obs__log_path(path, sizeof path, scope->gate->workspace, "policy.lock", error);
    if (status == OBS_OK)
        do
            status = obs__file_lock_take(&lock, path, &scope->limit, error);
        while (obs__gate_spare(scope, status));
    if (status != OBS_OK)
        return status;
    status = change(scope, json, error);
    if (status == OBS_OK) /* one that cannot be taken yet is no reason to say that the policy does not hold */
        obs__reserve_fill(&now, scope->gate->workspace, NULL);
    obs__file_lock_release(lock);
    return status;
}

obs_status obs_audit_policy_set(obs_audit *audit, const char *policy, size_t size, const obs_call *call, obs_error *error)
{
    obs__scope scope;
    if (!audit || !policy)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "audit and policy are required");
    obs_status status = obs__gate_enter(&scope, obs__audit_gate(audit), OBS__CHANGE, "audit.policy_set", NULL, 0, call, error);
    if (status != OBS_OK)
        return status;
    if (!scope.repeated)
        status = change_alone(&scope, obs__view_of(policy, size), error);
    obs__audit_policy_forget(audit);
    return obs__gate_leave(&scope, status, error);
}
