/* What a client is made of, and the services that it hands out. */
#include "client/client.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/memory.h"
#include "client/config_source.h"
#include "client/rule.h"

#define PROGRAM_MAX 200
#define CLOSE_LIMIT_MS 5000

void obs__client_options(void *out, size_t size, const void *options)
{
    size_t given = 0;
    memset(out, 0, size);
    if (options)
        memcpy(&given, options, sizeof given);
    memcpy(out, options ? options : &given, given < size ? given : size);
}

static obs_status recover(void *user, obs__txn *txn, obs_error *error)
{
    return obs__store_recover(user, txn, error);
}

obs_status obs__client_journal(obs__journal **out, const obs__workspace *workspace, const char *folder, int create,
                               const obs__limit *limit, obs_error *error)
{
    static const char *const schemas[] = {
        obs__store_schema,  obs__catalog_schema, obs__event_schema,   obs__audit_schema,   obs__repeat_schema,
        obs__tenant_schema, obs__rule_schema,    obs__deliver_schema, obs__relayed_schema, NULL};
    obs__journal_options options = {.folder = folder,
                                    .schemas = schemas,
                                    .create = create,
                                    .read_only = workspace->read_only,
                                    .recover = recover,
                                    .user = (void *)(uintptr_t)workspace->folder};
    return obs__journal_open(out, &options, limit, error);
}

/* Who is not the owner is told the same of a tenant that does not exist and of one that is not for him. */
static obs_status check_tenant(const obs__client_plan *plan, const char *folder, obs_error *error)
{
    const obs__workspace *workspace = plan->workspace;
    int valid = obs__tenant_valid(plan->tenant);
    if (obs__workspace_is_owner(workspace) && !plan->bearer) {
        if (valid && access(folder, F_OK) == 0)
            return OBS_OK;
        return obs__tenant_missing(plan->tenant, error);
    }
    if (valid && faccessat(AT_FDCWD, folder, R_OK | W_OK | X_OK, AT_EACCESS) == 0)
        return OBS_OK;
    return obs__auth_refuse_tenant(plan->subject ? plan->subject : workspace->identity, plan->tenant, workspace->owner, error);
}

static obs_status open_journal(obs__client_gate *gate, const obs__client_plan *plan, obs__spare **spare, obs_error *error)
{
    char *folder = obs__tenant_folder(plan->workspace->folder, plan->tenant);
    if (!folder)
        return obs__fail_memory(error);
    obs_status status = check_tenant(plan, folder, error);
    if (status == OBS_OK)
        do
            status = obs__client_journal(&gate->gate.journal, plan->workspace, folder, 0, &plan->limit, error);
        while (obs__client_spare_opening(spare, plan, status));
    obs__free(folder);
    return status;
}

/* "loader/1.0 pid 4711". */
static char *name_program(const char *program)
{
    char *text = NULL;
    if (!program || !*program)
        program = program_invocation_short_name;
    return asprintf(&text, "%.*s pid %ld", PROGRAM_MAX, program, (long)getpid()) < 0 ? NULL : text;
}

static obs_status fill_gate(obs__client_gate *gate, const obs__client_plan *plan, obs__spare **spare, obs_error *error)
{
    const char *subject = plan->subject ? plan->subject : plan->workspace->identity;
    snprintf(gate->tenant, sizeof gate->tenant, "%s", plan->tenant);
    snprintf(gate->subject, sizeof gate->subject, "%s", subject);
    gate->rights = (obs__rights){.owner = gate->workspace->owner,
                                 .identity = gate->workspace->identity,
                                 .subject = gate->subject,
                                 .is_owner = obs__workspace_is_owner(gate->workspace),
                                 .is_internal = plan->is_internal,
                                 .has_token = plan->bearer != NULL,
                                 .is_member = gate->workspace->config.shared,
                                 .operators = (const char *const *)gate->workspace->config.operators,
                                 .auditors = (const char *const *)gate->workspace->config.auditors};
    gate->gate.tenant = gate->tenant;
    gate->gate.workspace = gate->workspace->folder;
    gate->gate.read_only = plan->read_only || plan->workspace->read_only;
    if (!(gate->program = name_program(plan->program)))
        return obs__fail_memory(error);
    obs_status status = open_journal(gate, plan, spare, error);
    if (status == OBS_OK)
        status = obs__audit_open(&gate->audit, &gate->gate, error);
    if (status == OBS_OK)
        status = obs__client_log_attach(gate, error);
    return status == OBS_OK && !plan->sibling ? obs__client_reserve_attach(gate, error) : status;
}

static obs_status make_gate(obs__client_gate **out, const obs__client_plan *plan, obs__spare **spare, obs_error *error)
{
    obs__client_gate *gate = obs__calloc(1, sizeof *gate);
    if (!gate) {
        obs__bearer_free(plan->bearer);
        return obs__fail_memory(error);
    }
    gate->bearer = plan->bearer;
    gate->gate.ops = &obs__client_gate_ops;
    atomic_init(&gate->holders, 1);
    gate->workspace = obs__workspace_retain(plan->workspace);
    obs_status status = fill_gate(gate, plan, spare, error);
    if (status == OBS_OK)
        *out = gate;
    else
        gate->gate.ops->free(&gate->gate);
    return status;
}

static obs_status open_store(obs_client *client, const obs__client_plan *plan, obs__spare **spare, obs_error *error)
{
    if (plan->sibling && !strcmp(plan->sibling->gate->tenant, plan->tenant))
        return obs__store_rebind(&client->store, plan->sibling->store, &client->gate->gate, error);
    char *url = obs__tenant_store(plan->workspace, plan->tenant);
    if (!url)
        return obs__fail_memory(error);
    obs__store_options options = {
        .url = url, .immutable = (const char *const *)plan->workspace->config.immutable, .is_workspace = 1};
    obs_status status;
    do
        status = obs__store_open(&client->store, &client->gate->gate, &options, error);
    while (obs__client_spare_opening(spare, plan, status));
    obs__free(url);
    return status;
}

static obs_status open_bus(obs_client *client, const obs__config *config, obs_error *error)
{
    const obs__bus_bounds bounds = {config->events_keep_ns, config->events_limit, config->events_remember_ns};
    return obs__bus_open_bounded(&client->bus, &client->gate->gate, config->events, &bounds, error);
}

static obs_status open_config(obs_client *client, obs_error *error)
{
    obs__workspace *workspace = client->gate->workspace;
    obs__config_host host = {.key = workspace->folder, .setup = obs__config_source_setup, .user = workspace};
    return obs__config_new(&client->config, &client->gate->gate, &host, error);
}

obs_status obs__client_make(obs_client **out, const obs__client_plan *plan, obs_error *error)
{
    obs_client *client = obs__calloc(1, sizeof *client);
    *out = NULL;
    if (!client) {
        obs__bearer_free(plan->bearer);
        return obs__fail_memory(error);
    }
    atomic_init(&client->holders, 1);
    obs__spare *spare = NULL;
    obs_status status = make_gate(&client->gate, plan, &spare, error);
    if (status == OBS_OK)
        status = open_store(client, plan, &spare, error);
    if (status == OBS_OK)
        status = open_bus(client, &plan->workspace->config, error);
    if (status == OBS_OK)
        status = obs__catalog_open(&client->catalog, &client->gate->gate, error);
    if (status == OBS_OK)
        status = open_config(client, error);
    obs__client_spare_end(client->gate, spare);
    if (status != OBS_OK) {
        obs__client_release(client, &plan->limit);
        return status;
    }
    atomic_store(&client->gate->store, client->store);
    *out = client;
    return OBS_OK;
}

obs_client *obs__client_retain(obs_client *client)
{
    atomic_fetch_add(&client->holders, 1);
    return client;
}

void obs__client_release(obs_client *client, const obs__limit *limit)
{
    if (!client || atomic_fetch_sub(&client->holders, 1) != 1)
        return;
    if (client->gate) {
        atomic_store(&client->gate->store, NULL);
        if (client->gate->audit)
            obs__audit_flush(client->gate->audit, limit, NULL);
    }
    obs__config_close(client->config);
    obs__catalog_free(client->catalog);
    obs__bus_free(client->bus);
    obs_store_free(client->store);
    if (client->gate)
        client->gate->gate.ops->free(&client->gate->gate);
    obs__free(client);
}

/* Nobody can say how long a close may take, or end it early: it waits no longer than this for other writers. */
void obs_client_close(obs_client *client)
{
    const obs__limit limit = obs__limit_in(CLOSE_LIMIT_MS, NULL);
    obs__client_release(client, &limit);
}

obs_store *obs_client_store(obs_client *client)
{
    return client ? client->store : NULL;
}

obs_bus *obs_client_bus(obs_client *client)
{
    return client ? client->bus : NULL;
}

obs_catalog *obs_client_catalog(obs_client *client)
{
    return client ? client->catalog : NULL;
}

obs_audit *obs_client_audit(obs_client *client)
{
    return client ? client->gate->audit : NULL;
}

obs_config *obs_client_config(obs_client *client)
{
    return client ? client->config : NULL;
}

const char *obs_client_workspace(const obs_client *client)
{
    return client ? client->gate->workspace->folder : "";
}

const char *obs_client_tenant(const obs_client *client)
{
    return client ? client->gate->tenant : "";
}

const char *obs_client_subject(const obs_client *client)
{
    return client ? client->gate->subject : "";
}

obs_status obs_client_store_open(obs_store **out, obs_client *client, const char *url, const obs_call *call, obs_error *error)
{
    obs__scope scope;
    if (!out || !client || !url)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "out, client and url are required");
    *out = NULL;
    obs__store_options options = {.url = url};
    obs_status status = obs__gate_enter(&scope, &client->gate->gate, OBS__READ, "store.open", NULL, 0, call, error);
    if (status != OBS_OK)
        return status;
    status = obs__store_open(out, &client->gate->gate, &options, error);
    return obs__gate_leave(&scope, status, error);
}
