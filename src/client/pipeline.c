/* The one pipeline: authorise, execute, audit. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/metrics.h"
#include "base/span.h"
#include "client/client.h"
#include "client/rule.h"
#include "sky/sky.h"

#define KEY_MAX 128
#define TRACE_SIZE 33
/* How long the record of a refusal may take at least: the caller's own time may be over. */
#define REFUSAL_LEAST_MS 1000

static obs__client_gate *gate_of(const obs__scope *scope)
{
    return (obs__client_gate *)scope->gate;
}

static obs_status take_subject(obs__scope *scope, const obs_call *call, obs_error *error)
{
    scope->subject = gate_of(scope)->rights.subject;
    if (!call || !call->subject)
        return OBS_OK;
    obs_status status = obs__auth_check_subject(call->subject, error);
    if (status == OBS_OK)
        scope->subject = call->subject;
    return status;
}

static obs_status take_key(obs__scope *scope, const obs_call *call, obs_error *error)
{
    if (!call || !call->idempotency_key || scope->kind != OBS__CHANGE)
        return OBS_OK;
    size_t size = strnlen(call->idempotency_key, KEY_MAX + 1);
    if (size == 0 || size > KEY_MAX)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "an idempotency key has 1 to %d bytes", KEY_MAX);
    scope->idempotency_key = call->idempotency_key;
    return obs__repeat_find(&scope->repeated, scope->gate->journal, call->idempotency_key, scope->action, error);
}

static void emit_span(const obs__scope *scope, int64_t end_ns, obs_status status)
{
    obs_span_record span = {.size = sizeof span,
                            .start_ns = scope->start_ns,
                            .end_ns = end_ns,
                            .name = scope->action,
                            .traceparent = scope->traceparent,
                            .parent_id = scope->parent_id,
                            .tenant = gate_of(scope)->tenant,
                            .status = status};
    obs__span_emit(&span);
}

obs_status obs__client_decide(obs__scope *scope, const char *action, obs__view object, obs_error *error)
{
    const obs__client_gate *gate = gate_of(scope);
    obs__grant *grant = NULL;
    obs__request request = {.subject = scope->subject,
                            .tenant = gate->tenant,
                            .action = action ? action : scope->action,
                            .object = object,
                            .is_rest = !action};
    int create_only;
    obs_status status = gate->bearer ? obs__bearer_grant(&grant, gate->bearer, obs__now_ns(), error) : OBS_OK;
    if (status != OBS_OK)
        return status;
    request.scopes = grant ? &grant->scopes : NULL;
    status = obs__auth_decide(&create_only, &gate->rights, &request, error);
    obs__grant_release(grant);
    if (action == scope->action)
        scope->create_only = create_only;
    return status;
}

/* Where reads are fail-closed their record is durable before they begin. */
static obs_status record_before(obs__scope *scope, obs_error *error)
{
    obs__effects effects = {0};
    obs_error why;
    if (scope->kind != OBS__READ || obs__client_unrecorded(scope->action) ||
        obs__audit_is_closed(gate_of(scope)->audit, "read") == 0)
        return OBS_OK;
    obs_error_init(&why, sizeof why);
    obs_status status = obs__client_record(&effects, scope, "read", OBS_OK, &why);
    if (status == OBS_OK)
        do
            status = obs__journal_commit(scope->gate->journal, &effects, &scope->limit, &why);
        while (obs__gate_spare(scope, status));
    obs__effects_free(&effects);
    scope->recorded = status == OBS_OK;
    if (status == OBS_OK)
        return status;
    return obs__fail(error, status, "nothing is read without its audit record, which cannot be written: %.160s", why.message);
}

static obs_status enter(obs__scope *scope, const obs_call *call, obs_error *error)
{
    if (call && call->size < sizeof *call)
        call = NULL; /* older than the first release: cannot be */
    obs__trace_begin(scope->traceparent, scope->parent_id, call ? call->traceparent : NULL);
    scope->start_ns = obs__now_ns();
    if (obs__span_wanted())
        emit_span(scope, 0, OBS_OK);
    obs_status status = take_subject(scope, call, error);
    if (status != OBS_OK)
        return status;
    status = obs__client_decide(scope, scope->action, scope->object, error);
    if (status == OBS_OK)
        status = take_key(scope, call, error);
    if (status == OBS_OK)
        status = obs__guard_enter(scope, error);
    return status == OBS_OK ? record_before(scope, error) : status;
}

static obs_status allow(obs__scope *scope, obs__view what, obs_error *error)
{
    return obs__client_decide(scope, NULL, what, error);
}

static void describe(obs__audit_record *out, char trace[TRACE_SIZE], const obs__scope *scope, const char *kind,
                     obs_status outcome)
{
    const obs__client_gate *gate = gate_of(scope);
    /* Changes of the configuration, and those that do not fit, are of a kind of their own. */
    if (strncmp(scope->action, "config.", 7) == 0 && (outcome == OBS_REFUSED || strcmp(kind, "change") == 0))
        kind = "config";
    memcpy(trace, scope->traceparent + 3, TRACE_SIZE - 1);
    trace[TRACE_SIZE - 1] = '\0';
    *out = (obs__audit_record){.kind = kind,
                               .time_ns = scope->start_ns,
                               .action = scope->action,
                               .status = outcome,
                               .subject = scope->subject,
                               .object = scope->object,
                               .client = gate->program,
                               .trace = trace,
                               .bytes = scope->bytes,
                               .count = scope->count ? scope->count : 1};
    if (scope->subject != gate->rights.identity && strcmp(scope->subject, gate->rights.identity) != 0)
        out->actor = gate->rights.identity;
    if (gate->audit && !obs__audit_is_closed(gate->audit, kind))
        out->lossy = gate->audit;
}

obs_status obs__client_record(obs__effects *effects, obs__scope *scope, const char *kind, obs_status outcome, obs_error *error)
{
    char trace[TRACE_SIZE];
    obs__audit_record record;
    describe(&record, trace, scope, kind, outcome);
    obs__audit_count(gate_of(scope)->audit, 1);
    obs_status status = obs__audit_effect(effects, gate_of(scope)->tenant, &record, error);
    if (status == OBS_OK || !record.lossy)
        return status;
    obs__audit_lose(record.lossy, 1);
    return OBS_OK;
}

obs_status obs__client_record_birth(obs__effects *effects, const char *tenant, obs__scope *scope, obs_error *error)
{
    char trace[TRACE_SIZE];
    obs__audit_record record;
    describe(&record, trace, scope, "change", OBS_OK);
    obs_status status = obs__audit_effect(effects, tenant, &record, error);
    if (status == OBS_OK && scope->idempotency_key)
        status = obs__repeat_effect(effects, scope->idempotency_key, scope->action, error);
    return status;
}

static obs_status record(obs__scope *scope, obs__effects *effects, obs_error *error)
{
    obs_status status = OBS_OK;
    if (scope->idempotency_key)
        status = obs__repeat_effect(effects, scope->idempotency_key, scope->action, error);
    if (status == OBS_OK && !scope->recorded)
        status = obs__client_record(effects, scope, "change", OBS_OK, error);
    return status;
}

static obs_status record_in(obs__scope *scope, const char *tenant, obs__effects *effects, obs_error *error)
{
    obs__audit_count(gate_of(scope)->audit, 1);
    return obs__client_record_birth(effects, tenant, scope, error);
}

static obs_status entry(obs__scope *scope, const obs__entry *entry, obs__effects *effects, obs_error *error)
{
    obs__entry told = *entry;
    obs__builder found;
    const obs__arrival arrival = {entry->head, entry->size, entry->type, entry->key, entry->time_ns};
    (void)scope;
    obs__builder_init(&found, OBS__SHOWN_SIZE);
    if (entry->head.size)
        obs__sky_values(&found, &arrival);
    told.found = found.size ? found.data : NULL;
    obs_status status = obs__builder_status(&found, error);
    if (status == OBS_OK)
        status = obs__catalog_entry(effects, &told, error);
    obs__builder_free(&found);
    return status;
}

static obs_status forget(obs__scope *scope, obs__view key, obs__effects *effects, obs_error *error)
{
    (void)scope;
    return obs__catalog_forget(effects, key, error);
}

static obs_status relabel(obs__scope *scope, obs__view key, const obs_pair *labels, size_t count, obs__effects *effects,
                          obs_error *error)
{
    obs_store *store = atomic_load(&gate_of(scope)->store);
    if (!store)
        return obs__fail(error, OBS_FAILED_PRECONDITION, "the client of this catalog was closed");
    return obs__store_stage_labels(effects, store, key, labels, count, error);
}

void obs__client_note(const obs__scope *scope, const char *kind, obs_status outcome)
{
    char trace[TRACE_SIZE];
    obs__audit_record record;
    describe(&record, trace, scope, kind, outcome);
    obs__audit_note(gate_of(scope)->audit, &record);
}

/* A refusal is durable before its caller hears of it, unless the policy says that it need not be. What cannot be written now is
 * noted. */
static void record_refusal(obs__scope *scope, obs_status outcome)
{
    if (!obs__audit_is_closed(gate_of(scope)->audit, "refusal")) {
        obs__client_note(scope, "refusal", outcome);
        return;
    }
    obs__effects effects = {0};
    obs__limit limit = obs__limit_in(REFUSAL_LEAST_MS, scope->limit.cancel);
    if (limit.end_ns < scope->limit.end_ns)
        limit.end_ns = scope->limit.end_ns;
    obs_status status = obs__client_record(&effects, scope, "refusal", outcome, NULL);
    if (status == OBS_OK)
        status = obs__journal_commit(scope->gate->journal, &effects, &limit, NULL);
    obs__effects_free(&effects);
    if (status != OBS_OK)
        obs__client_note(scope, "refusal", outcome);
}

static int is_refusal(obs_status status)
{
    return status == OBS_PERMISSION_DENIED || status == OBS_UNAUTHENTICATED || status == OBS_REFUSED;
}

static void leave(obs__scope *scope, obs_status status)
{
    int64_t end_ns = obs__now_ns();
    obs__count_call(scope->action, gate_of(scope)->tenant, status, end_ns - scope->start_ns, scope->bytes);
    if (obs__span_wanted())
        emit_span(scope, end_ns, status);
    if (is_refusal(status) && !scope->recorded)
        record_refusal(scope, status);
    else if (scope->kind == OBS__READ && (!scope->recorded || status != OBS_OK))
        obs__client_note(scope, "read", status);
    else if (scope->repeated)
        obs__client_note(scope, "repeat", status);
    else if (status != OBS_OK && !scope->recorded)
        obs__client_note(scope, "change", status);
    obs__client_spare_end(gate_of(scope), scope->spare);
    scope->spare = NULL;
    if (scope->over_quota && status == OBS_RESOURCE_EXHAUSTED)
        obs__guard_slow(scope);
}

static obs__gate *retain(obs__gate *gate)
{
    atomic_fetch_add(&((obs__client_gate *)gate)->holders, 1);
    return gate;
}

static void free_gate(obs__gate *base)
{
    obs__client_gate *gate = (obs__client_gate *)base;
    if (!gate || atomic_fetch_sub(&gate->holders, 1) != 1)
        return;
    obs__client_reserve_free(gate->reserve);
    obs__audit_free(gate->audit); /* writes what was noted */
    obs__client_log_free(gate->log);
    obs__bearer_free(gate->bearer);
    obs__journal_free(gate->gate.journal);
    obs__workspace_free(gate->workspace);
    obs__free(gate->program);
    obs__free(gate);
}

const obs__gate_ops obs__client_gate_ops = {.enter = enter,
                                            .allow = allow,
                                            .record_in = record_in,
                                            .record = record,
                                            .guard = obs__guard,
                                            .entry = entry,
                                            .forget = forget,
                                            .relabel = relabel,
                                            .leave = leave,
                                            .spare = obs__client_spare,
                                            .explain = obs__client_explain,
                                            .retain = retain,
                                            .free = free_gate};
