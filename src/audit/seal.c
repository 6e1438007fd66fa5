/* The public side of sealing. */
#include "audit/seal.h"

#include "audit/policy.h"
#include "audit/schedule.h"
#include "audit/sealed.h"
#include "audit/trail.h"
#include "base/clock.h"
#include "base/error.h"

#define DAY_NS (INT64_C(86400) * 1000000000)
#define OBJECT_MAX 256

struct seal {
    obs__scope *scope;
    int64_t days;
    int64_t before_ns;
};

/* Its object says which records and how old; its count, which is not for a person's sake hidden, how many from the first on. */
static obs_status record(void *user, uint64_t first, uint64_t end, obs_error *error)
{
    const struct seal *seal = user;
    obs__scope *scope = seal->scope;
    char before[OBS__TIME_SIZE] = "";
    obs__effects effects = {0};
    obs__builder object;
    obs__time_format(before, seal->before_ns);
    obs__builder_init(&object, OBJECT_MAX);
    obs__add_char(&object, '{');
    obs__add_json_integer(&object, "first", (int64_t)first);
    obs__add_json_integer(&object, "count", (int64_t)(end - first));
    obs__add_json_member(&object, "before", seal->days ? before : NULL);
    obs__add_json_integer(&object, "retention_days", seal->days);
    obs__add_json_end(&object);
    obs_status status = obs__builder_status(&object, error);
    scope->object = (obs__view){object.data, object.size};
    scope->count = end > first ? end : 0;
    if (status == OBS_OK)
        status = obs__gate_commit(scope, &effects, error);
    scope->object = (obs__view){"", 0};
    scope->count = 0;
    obs__builder_free(&object);
    /* The same call was made before, a moment ago: that one seals. */
    if (status == OBS_OK && scope->repeated)
        return obs__fail(error, OBS_ABORTED, "another call with the same key is sealing");
    return status;
}

static obs_status seal_old(uint64_t *count, obs_audit *audit, struct seal *seal, obs_error *error)
{
    obs__schedule *log;
    obs_status status = obs__audit_need_log(&log, audit, error);
    if (status == OBS_OK)
        status = obs__audit_flush_for(audit, seal->scope, error);
    if (status != OBS_OK)
        return status;
    obs__seal_options options = {.place = obs__schedule_place(log),
                                 .tenants = obs__schedule_tenants(log),
                                 .scope = seal->scope,
                                 .before_ns = seal->before_ns,
                                 .record = record,
                                 .user = seal};
    return obs__audit_seal_log(count, &options, error);
}

static obs_status seal_by_policy(uint64_t *count, obs_audit *audit, obs__scope *scope, obs_error *error)
{
    obs__policy policy;
    obs__schedule *log;
    obs_status status = obs__audit_need_log(&log, audit, error);
    if (status == OBS_OK && obs__schedule_is_reader(log))
        return obs__fail(error, OBS_PERMISSION_DENIED,
                         "what is sealed is signed with the log's key: only the account of the workspace has it");
    if (status == OBS_OK)
        status = obs__policy_read(&policy, scope->gate->workspace, error);
    if (status != OBS_OK)
        return status;
    struct seal seal = {scope, policy.retention_days, scope->start_ns - policy.retention_days * DAY_NS};
    if (policy.retention_days)
        status = seal_old(count, audit, &seal, error);
    /* That there was nothing is recorded, too. */
    return status == OBS_OK && !*count && !scope->repeated ? record(&seal, 0, 0, error) : status;
}

/* What was cut off for want of space goes on when there is some. */
static obs_status seal_in_room(uint64_t *count, obs_audit *audit, obs__scope *scope, obs_error *error)
{
    obs_status status;
    do {
        uint64_t now = 0;
        status = seal_by_policy(&now, audit, scope, error);
        *count += now;
    } while (obs__gate_spare(scope, status));
    return status;
}

obs_status obs_audit_seal(uint64_t *count, obs_audit *audit, const obs_call *call, obs_error *error)
{
    obs__scope scope;
    uint64_t ignored;
    count = count ? count : &ignored;
    *count = 0;
    if (!audit)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "audit is required");
    obs_status status = obs__gate_enter(&scope, obs__audit_gate(audit), OBS__CHANGE, "audit.seal", NULL, 0, call, error);
    if (status != OBS_OK)
        return status;
    if (!scope.repeated)
        status = seal_in_room(count, audit, &scope, error);
    return obs__gate_leave(&scope, status, error);
}
