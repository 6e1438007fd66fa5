#include "shim.h"

obs_error *go_audit_query(obs_rows **out, obs_audit *audit, const obs_audit_options *options)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_audit_query(out, audit, options, &error);
    return go_failed(&error);
}

obs_error *go_audit_sequence(obs_audit *audit, const obs_call *call)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_audit_sequence(audit, call, &error);
    return go_failed(&error);
}

obs_error *go_audit_verify(obs_buffer **out, obs_audit *audit, const obs_audit_verify_options *options)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_audit_verify(out, audit, options, &error);
    return go_failed(&error);
}

obs_error *go_audit_prove(obs_buffer **out, obs_audit *audit, const char *id, int32_t clear, const obs_call *call)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_audit_prove(out, audit, id, clear, call, &error);
    return go_failed(&error);
}

obs_error *go_audit_check_proof(obs_buffer **out, const char *proof, size_t size, const char *key)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_audit_check_proof(out, proof ? proof : "", size, key, &error); /* no bytes are nowhere in Go */
    return go_failed(&error);
}

obs_error *go_audit_key(obs_buffer **out, obs_audit *audit)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_audit_key(out, audit, &error);
    return go_failed(&error);
}

obs_error *go_audit_erase(uint64_t *count, obs_audit *audit, const char *subject, const obs_call *call)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_audit_erase(count, audit, subject, call, &error);
    return go_failed(&error);
}

obs_error *go_audit_policy(obs_buffer **out, obs_audit *audit)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_audit_policy(out, audit, &error);
    return go_failed(&error);
}

obs_error *go_audit_policy_set(obs_audit *audit, const char *policy, size_t size, const obs_call *call)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_audit_policy_set(audit, policy, size, call, &error);
    return go_failed(&error);
}

obs_error *go_audit_seal(uint64_t *count, obs_audit *audit, const obs_call *call)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_audit_seal(count, audit, call, &error);
    return go_failed(&error);
}
