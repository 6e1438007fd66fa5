/* Opening a workspace: as the user of the system, as the bearer of a token, or for somebody else. */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "client/client.h"

void obs_open_options_init(obs_open_options *options, size_t size)
{
    if (!options || size < sizeof(size_t))
        return;
    memset(options, 0, size);
    options->size = size;
}

void obs_as_options_init(obs_as_options *options, size_t size)
{
    if (!options || size < sizeof(size_t))
        return;
    memset(options, 0, size);
    options->size = size;
}

/* The plan of a bearer: for the subject and tenant of the token, which nobody asks it to be another. */
static obs_status bind(obs__client_plan *plan, obs__bearer *bearer, const char *subject, const char *tenant, obs_error *error)
{
    plan->bearer = bearer;
    plan->subject = obs__bearer_subject(bearer);
    plan->tenant = obs__bearer_tenant(bearer);
    if (tenant && strcmp(tenant, plan->tenant) != 0)
        return obs__auth_refuse_tenant(plan->subject, tenant, plan->workspace->owner, error);
    if (subject && strcmp(subject, plan->subject) != 0)
        return obs__fail(error, OBS_PERMISSION_DENIED, "the token is of %s and not of %.200s", plan->subject, subject);
    return OBS_OK;
}

/* Whether the process's user may use the workspace at all. */
static obs_status check_open(obs_client *client, const obs_call *call, obs_error *error)
{
    obs__scope scope;
    obs_status status = obs__gate_enter(&scope, &client->gate->gate, OBS__READ, "client.open", "", 0, call, error);
    return status == OBS_OK ? obs__gate_leave(&scope, status, error) : status;
}

/* A token that is refused is recorded where the user of the system would have gone. */
static void record_refusal(obs__client_plan *plan, const char *tenant, const obs_call *call, obs_status outcome)
{
    obs_client *client = NULL;
    obs__scope scope;
    plan->bearer = NULL;
    plan->subject = NULL;
    plan->tenant = tenant ? tenant : OBS__DEFAULT_TENANT;
    if (obs__client_make(&client, plan, NULL) != OBS_OK)
        return;
    if (obs__gate_enter(&scope, &client->gate->gate, OBS__READ, "client.open", "", 0, call, NULL) == OBS_OK)
        obs__gate_leave(&scope, outcome, NULL);
    obs__client_release(client, &plan->limit);
}

/* With the workspace open. */
static obs_status open_client(obs_client **out, obs__client_plan *plan, const obs_open_options *wanted, obs_error *error)
{
    const char *named = getenv("OBS_TENANT");
    const char *tenant = wanted->tenant ? wanted->tenant : named && *named ? named : NULL;
    obs__bearer *bearer = NULL;
    obs_status status = OBS_OK;
    if (wanted->token && !*wanted->token) /* a parent's secret reads as "" in a forked child: that must not make it the owner */
        status = obs__fail(error, OBS_UNAUTHENTICATED, "the token is empty: leave it out, or '-' is the user of the system");
    else if (!wanted->token || strcmp(wanted->token, "-") != 0)
        status = obs__bearer_open(&bearer, plan->workspace, wanted->token, error);
    plan->tenant = tenant ? tenant : OBS__DEFAULT_TENANT;
    if (status == OBS_OK && bearer && (status = bind(plan, bearer, NULL, tenant, error)) != OBS_OK)
        obs__bearer_free(bearer);
    if (status == OBS_UNAUTHENTICATED || status == OBS_PERMISSION_DENIED)
        record_refusal(plan, tenant, wanted->call, status);
    if (status == OBS_OK)
        status = obs__client_make(out, plan, error);
    if (status == OBS_OK && (status = check_open(*out, wanted->call, error)) != OBS_OK) {
        obs_client_close(*out);
        *out = NULL;
    }
    return status;
}

obs_status obs_client_open(obs_client **out, const obs_open_options *options, obs_error *error)
{
    obs_open_options wanted;
    obs__client_plan plan = {0};
    if (!out)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "out is required");
    *out = NULL;
    obs__client_options(&wanted, sizeof wanted, options);
    obs_status status = obs__workspace_open(&plan.workspace, wanted.workspace, error);
    if (status != OBS_OK)
        return status;
    plan.program = wanted.program;
    plan.read_only = wanted.read_only;
    plan.limit = obs__limit_of(wanted.call);
    status = open_client(out, &plan, &wanted, error);
    obs__workspace_free(plan.workspace);
    return status;
}

/* "loader/1.0" of "loader/1.0 pid 4711"; free with obs__free(). NULL without memory. */
static char *plain_program(const obs__client_gate *gate)
{
    char *program = obs__strdup(gate->program);
    char *pid = program ? strstr(program, " pid ") : NULL;
    if (pid)
        *pid = '\0';
    return program;
}

/* By the owner's word, or with a token. */
static obs_status make_as(obs_client **out, obs_client *client, const obs_as_options *wanted, obs_error *error)
{
    obs__client_gate *gate = client->gate;
    obs__bearer *bearer = NULL;
    obs_status status = OBS_OK;
    obs__client_plan plan = {.workspace = gate->workspace,
                             .tenant = wanted->tenant ? wanted->tenant : gate->tenant,
                             .subject = wanted->subject ? wanted->subject : gate->subject,
                             .read_only = gate->gate.read_only,
                             .limit = obs__limit_of(wanted->call),
                             .sibling = client};
    if (wanted->token)
        status = obs__bearer_open(&bearer, gate->workspace, wanted->token, error);
    if (status == OBS_OK && bearer)
        status = bind(&plan, bearer, wanted->subject, wanted->tenant, error);
    if (status == OBS_OK)
        status = obs__auth_check_subject(plan.subject, error);
    char *program = plain_program(gate);
    plan.program = program;
    if (status == OBS_OK && !program)
        status = obs__fail_memory(error);
    if (status == OBS_OK)
        status = obs__client_make(out, &plan, error);
    else
        obs__bearer_free(bearer);
    obs__free(program);
    return status;
}

obs_status obs_client_as(obs_client **out, obs_client *client, const obs_as_options *options, obs_error *error)
{
    obs_as_options wanted;
    obs__scope scope;
    if (!out || !client)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "out and client are required");
    *out = NULL;
    obs__client_options(&wanted, sizeof wanted, options);
    obs__client_gate *gate = client->gate;
    obs_status status =
        obs__gate_enter(&scope, &gate->gate, OBS__READ, "client.as", wanted.subject, OBS_TEXT, wanted.call, error);
    if (status != OBS_OK)
        return status;
    const obs__request request = {.subject = scope.subject};
    if (!wanted.token && !obs__auth_is_owner(&gate->rights, &request))
        status =
            obs__fail(error, OBS_PERMISSION_DENIED,
                      "only a client of the owner, %s, can act for others without a token of theirs", gate->workspace->owner);
    else
        status = make_as(out, client, &wanted, error);
    return obs__gate_leave(&scope, status, error);
}
