#include "gate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "support.h"

static test_gate *of(obs__gate *gate)
{
    return (test_gate *)gate;
}

static obs_status enter(obs__scope *scope, const obs_call *call, obs_error *error)
{
    test_gate *gate = of(scope->gate);
    atomic_fetch_add(&gate->entered, 1);
    scope->subject = call && call->subject ? call->subject : "user:test";
    scope->idempotency_key = call ? call->idempotency_key : NULL;
    scope->start_ns = 1;
    strcpy(scope->traceparent, call && call->traceparent ? call->traceparent : TEST_TRACEPARENT);
    pthread_mutex_lock(&gate->mutex);
    snprintf(gate->action, sizeof gate->action, "%s", scope->action);
    snprintf(gate->object, sizeof gate->object, "%.*s", (int)scope->object.size, scope->object.data);
    snprintf(gate->subject, sizeof gate->subject, "%s", scope->subject);
    pthread_mutex_unlock(&gate->mutex);
    if (gate->refuse && strcmp(gate->refuse, scope->action) == 0)
        return obs__fail(error, OBS_PERMISSION_DENIED, "the test does not allow %s", scope->action);
    return OBS_OK;
}

static obs_status record(obs__scope *scope, obs__effects *effects, obs_error *error)
{
    test_gate *gate = of(scope->gate);
    (void)effects;
    atomic_fetch_add(&gate->recorded, 1);
    if (gate->no_record && strcmp(gate->no_record, scope->action) == 0)
        return obs__fail(error, OBS_INTERNAL, "the test lets the record of %s fail", scope->action);
    return OBS_OK;
}

static obs_status entry(obs__scope *scope, const obs__entry *what, obs__effects *effects, obs_error *error)
{
    (void)what, (void)effects, (void)error;
    atomic_fetch_add(&of(scope->gate)->entries, 1);
    return OBS_OK;
}

static obs_status forget(obs__scope *scope, obs__view key, obs__effects *effects, obs_error *error)
{
    (void)key, (void)effects, (void)error;
    atomic_fetch_add(&of(scope->gate)->forgotten, 1);
    return OBS_OK;
}

static obs_status relabel(obs__scope *scope, obs__view key, const obs_pair *labels, size_t count, obs__effects *effects,
                          obs_error *error)
{
    (void)key, (void)labels, (void)count, (void)effects, (void)error;
    atomic_fetch_add(&of(scope->gate)->relabelled, 1);
    return OBS_OK;
}

static void leave(obs__scope *scope, obs_status status)
{
    (void)status;
    pthread_mutex_lock(&of(scope->gate)->mutex);
    of(scope->gate)->bytes = scope->bytes;
    pthread_mutex_unlock(&of(scope->gate)->mutex);
    atomic_fetch_add(&of(scope->gate)->left, 1);
}

static obs__gate *retain(obs__gate *gate)
{
    atomic_fetch_add(&of(gate)->holders, 1);
    return gate;
}

static void release(obs__gate *gate)
{
    if (atomic_fetch_sub(&of(gate)->holders, 1) != 1)
        return;
    obs__journal_free(gate->journal);
    pthread_mutex_destroy(&of(gate)->mutex);
    free((void *)(uintptr_t)gate->workspace);
    free(gate);
}

test_gate *test_gate_open(const char *workspace, const char *const *schemas)
{
    static const obs__gate_ops ops = {enter,   record, entry, forget, relabel, leave, retain,
                                      release, NULL,   NULL,  NULL,   NULL,    NULL};
    char command[1024];
    obs_error error;
    obs_error_init(&error, sizeof error);
    const char *folder = test_path(workspace, "tenants/default");
    snprintf(command, sizeof command, "mkdir -p '%s'", folder);
    ck_assert_int_eq(system(command), 0);
    obs__journal_options options = {.folder = folder, .schemas = schemas, .create = 1};
    obs__limit limit = obs__limit_in(30000, NULL);
    test_gate *gate = calloc(1, sizeof *gate);
    ck_assert_ptr_nonnull(gate);
    gate->base.ops = &ops;
    gate->base.tenant = "default";
    gate->base.workspace = strdup(workspace);
    atomic_init(&gate->holders, 1);
    pthread_mutex_init(&gate->mutex, NULL);
    ck_assert_ok(obs__journal_open(&gate->base.journal, &options, &limit, &error));
    return gate;
}

void test_gate_close(test_gate *gate)
{
    ck_assert_int_eq(atomic_load(&gate->holders), 1);
    ck_assert_int_eq(atomic_load(&gate->entered), atomic_load(&gate->left));
    release(&gate->base);
}
