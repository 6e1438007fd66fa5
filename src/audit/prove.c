/* The public side of proofs. */
#include <stdio.h>
#include <string.h>

#include "audit/proof.h"
#include "audit/schedule.h"
#include "audit/sealed.h"
#include "audit/seen.h"
#include "audit/trail.h"
#include "base/error.h"

#define RECORD_MAX 65536

/* What is proved must be the record that was asked for: the places are only an index. */
static obs_status check_id(const obs__builder *proof, const obs__log_place *place, const char *id, obs_error *error)
{
    char begin[64];
    obs__verifier key;
    obs__builder record;
    size_t size = (size_t)snprintf(begin, sizeof begin, "{\"id\":\"%.40s\"", id);
    obs__builder_init(&record, RECORD_MAX);
    obs_status status = obs__log_key(&key, place, error);
    if (status == OBS_OK)
        status = obs__proof_check(&record, (obs__view){proof->data, proof->size}, &key, error);
    if (status == OBS_OK && (record.size < size || memcmp(record.data, begin, size) != 0))
        status = obs__fail(error, OBS_DATA_LOSS,
                           "audit record '%.40s' is not at its place in the log: run 'obsctl audit verify'", id);
    obs__builder_free(&record);
    return status;
}

static obs_status not_yet(obs_error *error, const char *id)
{
    return obs__fail(error, OBS_UNAVAILABLE,
                     "audit record '%.40s' is in no checkpoint yet: wait 10 seconds, or run 'obsctl audit checkpoint'", id);
}

/* How many records are sealed; 0 before there is a log. */
static obs_status read_sealed(uint64_t *out, const obs__log_place *place, obs_error *error)
{
    obs__verifier key;
    obs__sealed sealed = {0};
    obs_error why;
    obs_error_init(&why, sizeof why);
    obs_status status = obs__log_key(&key, place, &why);
    if (status == OBS_OK)
        status = obs__sealed_read(&sealed, place, &key, &why);
    *out = sealed.end;
    return status == OBS_OK || status == OBS_NOT_FOUND ? OBS_OK : obs__copy_error(error, &why);
}

/* Of the own tenant, which has what opens it; of a sealed one nobody has. The row is looked for first, as it goes away after it
 * is said to be sealed. */
static obs_status find_own(uint64_t *index, obs__builder *opening, const obs__scope *scope, const obs__log_place *place,
                           const char *id, int clear, obs_error *error)
{
    uint64_t seq, sealed;
    const obs__gate *gate = scope->gate;
    obs_error why;
    obs_error_init(&why, sizeof why);
    obs_status found = obs__proof_find(&seq, gate->journal, id, &why);
    if (found != OBS_OK && found != OBS_NOT_FOUND)
        return obs__copy_error(error, &why);
    obs_status status = read_sealed(&sealed, place, error);
    if (status != OBS_OK)
        return status;
    if (found == OBS_NOT_FOUND)
        return sealed ? obs__proof_find_sealed(index, place, sealed, gate->tenant, id, &scope->limit, error)
                      : obs__copy_error(error, &why);
    if ((status = obs__proof_place(index, place, gate->tenant, seq, error)) == OBS_NOT_FOUND)
        return not_yet(error, id);
    return status == OBS_OK && clear && *index >= sealed ? obs__proof_opening(opening, gate->journal, seq, error) : status;
}

/* Whether the caller may hear of the records of all tenants: the owner and auditors. */
static int may_prove_any(const obs__scope *scope, const char *id)
{
    obs__scope any = *scope;
    any.action = "audit.prove_any";
    return obs__gate_allow(&any, obs__view_of(id, OBS_TEXT), NULL) == OBS_OK;
}

/* Of another tenant: its commitments are all that the log has. */
static obs_status find_any(uint64_t *index, const obs__scope *scope, const obs__log_place *place, const char *id, int clear,
                           obs_error *error)
{
    obs_status status = obs__proof_search(index, place, id, &scope->limit, error);
    if (status == OBS_OK && clear)
        return obs__fail(error, OBS_FAILED_PRECONDITION,
                         "audit record '%.40s' is another tenant's, whose database has its clear values: prove it there, or "
                         "without them",
                         id);
    return status;
}

static obs_status prove_at(obs__builder *out, const obs__scope *scope, const obs__log_place *place, const char *id, int clear,
                           obs_error *error)
{
    uint64_t index;
    obs__builder opening;
    obs_error why;
    obs_error_init(&why, sizeof why);
    obs__builder_init(&opening, RECORD_MAX);
    obs_status status = find_own(&index, &opening, scope, place, id, clear, &why);
    if (status == OBS_NOT_FOUND && may_prove_any(scope, id))
        status = find_any(&index, scope, place, id, clear, &why);
    if (status == OBS_OK &&
        (status = obs__proof_make(out, place, index, (obs__view){opening.data, opening.size}, &why)) == OBS_NOT_FOUND)
        status = not_yet(&why, id);
    if (status == OBS_OK)
        status = check_id(out, place, id, &why);
    obs__builder_free(&opening);
    return status == OBS_OK ? status : obs__copy_error(error, &why);
}

static obs_status prove(obs_buffer **out, obs_audit *audit, const obs__scope *scope, const char *id, int clear,
                        obs_error *error)
{
    obs__schedule *log;
    obs__builder proof;
    obs_status status = obs__audit_need_log(&log, audit, error);
    if (status == OBS_OK)
        status = obs__audit_flush(audit, &scope->limit, error);
    if (status == OBS_NO_SPACE) /* what waits for space is in no checkpoint; all else is proved */
        status = OBS_OK;
    if (status == OBS_OK)
        status = obs__seen_need(log, error);
    if (status != OBS_OK)
        return status;
    obs__builder_init(&proof, OBS__PROOF_MAX);
    status = prove_at(&proof, scope, obs__schedule_place(log), id, clear, error);
    if (status == OBS_OK)
        status = obs__builder_finish(out, &proof, error);
    obs__builder_free(&proof);
    return status;
}

obs_status obs_audit_prove(obs_buffer **out, obs_audit *audit, const char *id, int32_t clear, const obs_call *call,
                           obs_error *error)
{
    obs__scope scope;
    if (!out || !audit || !id)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "out, audit and id are required");
    *out = NULL;
    obs_status status = obs__gate_enter(&scope, obs__audit_gate(audit), OBS__READ, "audit.prove", id, OBS_TEXT, call, error);
    if (status != OBS_OK)
        return status;
    status = prove(out, audit, &scope, id, clear, error);
    return obs__gate_leave(&scope, status, error);
}

obs_status obs_audit_check_proof(obs_buffer **out, const char *proof, size_t size, const char *key, obs_error *error)
{
    obs__verifier verifier;
    obs__builder record;
    if (!out || !proof || !key)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "out, proof and key are required");
    *out = NULL;
    obs__builder_init(&record, RECORD_MAX);
    obs_status status = obs__verifier_read(&verifier, obs__view_of(key, OBS_TEXT), error);
    if (status == OBS_OK)
        status = obs__proof_check(&record, obs__view_of(proof, size), &verifier, error);
    if (status == OBS_OK)
        status = obs__builder_finish(out, &record, error);
    obs__builder_free(&record);
    return status == OBS_OK ? obs__ok(error) : status;
}
