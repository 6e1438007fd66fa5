#include "journal/gate.h"

#include <string.h>

#include "base/error.h"

obs_status obs__gate_enter(obs__scope *scope, obs__gate *gate, obs__class kind, const char *action, const char *object,
                           size_t object_size, const obs_call *call, obs_error *error)
{
    *scope = (obs__scope){.gate = gate, .kind = kind, .action = action};
    scope->limit = obs__limit_of(call);
    scope->object = obs__view_of(object, object_size);
    obs_status status = gate->ops->enter(scope, call, error);
    if (status == OBS_OK && kind == OBS__CHANGE && gate->read_only)
        status = obs__fail(error, OBS_FAILED_PRECONDITION, "this client is read-only");
    return status == OBS_OK ? OBS_OK : obs__gate_leave(scope, status, error);
}

obs_status obs__gate_allow(obs__scope *scope, obs__view what, obs_error *error)
{
    return scope->gate->ops->allow ? scope->gate->ops->allow(scope, what, error) : OBS_OK;
}

obs_status obs__gate_commit(obs__scope *scope, obs__effects *effects, obs_error *error)
{
    obs_status status = scope->repeated ? OBS__REPEATED : scope->gate->ops->record(scope, effects, error);
    if (status == OBS_OK && scope->gate->ops->guard)
        status = scope->gate->ops->guard(scope, effects, error);
    if (status == OBS_OK)
        do
            status = obs__journal_commit(scope->gate->journal, effects, &scope->limit, error);
        while (obs__gate_spare(scope, status));
    obs__effects_free(effects);
    if (status != OBS__REPEATED)
        return status;
    scope->repeated = 1;
    return OBS_OK;
}

int obs__gate_spare(obs__scope *scope, obs_status status)
{
    return status == OBS_NO_SPACE && scope->gate->ops->spare && scope->gate->ops->spare(scope);
}

obs_status obs__gate_explain(obs__gate *gate, const char *action, obs_status status, obs_error *error)
{
    if (status == OBS_NO_SPACE && gate->ops->explain)
        gate->ops->explain(gate, action, error);
    return status;
}

obs_status obs__gate_leave(obs__scope *scope, obs_status status, obs_error *error)
{
    if (scope->repeated)
        status = OBS_OK;
    if (scope->gate) {
        obs__gate_explain(scope->gate, scope->action, status, error);
        scope->gate->ops->leave(scope, status);
    }
    scope->gate = NULL;
    return status == OBS_OK ? obs__ok(error) : status;
}
