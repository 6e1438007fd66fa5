#include "auth/decide.h"

#include <string.h>

#include "base/error.h"

static int is_same(const char *a, const char *b)
{
    return a == b || strcmp(a, b) == 0;
}

static int is_in(const char *const *subjects, const char *subject)
{
    for (; subjects && *subjects; subjects++)
        if (strcmp(*subjects, subject) == 0)
            return 1;
    return 0;
}

/* Whom it acts for has less. */
int obs__auth_is_owner(const obs__rights *rights, const obs__request *request)
{
    return rights->is_owner && !rights->has_token && is_same(rights->subject, rights->identity) &&
           is_same(request->subject, rights->identity);
}

/* A client that acts for one subject does not hand itself on to another one, and only the owner acts for others without a token
 * of theirs. */
static int may_speak_for(const obs__rights *rights, const obs__request *request)
{
    int is_own = is_same(rights->subject, rights->identity);
    if (rights->has_token)
        return is_same(request->subject, rights->subject) && request->scopes != NULL;
    if (is_same(request->subject, rights->subject))
        return rights->is_owner || (rights->is_member && is_own);
    return rights->is_owner && is_own;
}

unsigned obs__auth_roles(const obs__rights *rights, const obs__request *request)
{
    unsigned roles = OBS__ROLE_ANYBODY;
    if (is_in(rights->operators, request->subject))
        roles |= OBS__ROLE_OPERATOR;
    if (is_in(rights->auditors, request->subject))
        roles |= OBS__ROLE_AUDITOR;
    /* Whom the system lets into the tenant's folder has its data, with or without a role. */
    if (roles == OBS__ROLE_ANYBODY || (rights->is_member && !rights->has_token && is_same(request->subject, rights->identity)))
        roles |= OBS__ROLE_DATA;
    return roles;
}

static int covers(const obs__need *need, unsigned permission, const obs__request *request)
{
    const obs__token_scopes *scopes = request->scopes;
    if (need->reach == OBS__OF_PREFIX)
        return obs__scopes_allow_prefix(scopes, (obs__permission)permission, request->object);
    if (need->reach == OBS__OF_OBJECT || request->is_rest)
        return obs__scopes_allow(scopes, (obs__permission)permission, request->object);
    for (size_t i = 0; i < scopes->count; i++)
        if (scopes->list[i].permissions & permission)
            return 1;
    return 0;
}

/* A token's scopes say what its bearer may do; of somebody who has a role, nothing beyond that. */
static int token_allows(int *create_only, const obs__need *need, unsigned roles, const obs__request *request)
{
    if (need->permission == OBS__NO_SCOPE || (!(roles & OBS__ROLE_DATA) && !(need->roles & roles)))
        return 0;
    if (!need->permission || covers(need, need->permission, request))
        return 1;
    *create_only = need->instead && covers(need, need->instead, request);
    return *create_only;
}

static int allows(int *create_only, const obs__rights *rights, const obs__request *request)
{
    if (rights->is_internal || obs__auth_is_owner(rights, request))
        return 1;
    const obs__need *need = may_speak_for(rights, request) ? obs__need_of(request->action) : NULL;
    if (!need)
        return 0;
    unsigned roles = obs__auth_roles(rights, request);
    return rights->has_token ? token_allows(create_only, need, roles, request) : (need->roles & roles) != 0;
}

obs_status obs__auth_decide(int *create_only, const obs__rights *rights, const obs__request *request, obs_error *error)
{
    *create_only = 0;
    if (allows(create_only, rights, request))
        return OBS_OK;
    if (rights->has_token)
        return obs__fail(error, OBS_PERMISSION_DENIED,
                         "the token of %s does not allow %s there: ask %s for one with a scope for it", request->subject,
                         request->action, rights->owner);
    return obs__fail(error, OBS_PERMISSION_DENIED, "%s may not do %s in tenant '%s': ask %s, who owns the workspace",
                     request->subject, request->action, request->tenant, rights->owner);
}

const char *obs__auth_role_scopes(obs__role role)
{
    switch (role) {
    case OBS__ROLE_DATA:
        return "storage.read:/ storage.modify:/ storage.stage:/ event.publish:/ event.subscribe ingest.read ingest.create "
               "ingest.modify config.read config.secret audit.read tenant.read";
    case OBS__ROLE_OPERATOR:
        return "tenant.read tenant.create config.read config.modify";
    case OBS__ROLE_AUDITOR:
        return "tenant.read audit.read audit.modify";
    case OBS__ROLE_ANYBODY:
        break;
    }
    return "";
}

obs_status obs__auth_refuse_tenant(const char *subject, const char *tenant, const char *owner, obs_error *error)
{
    return obs__fail(error, OBS_PERMISSION_DENIED,
                     "%s has no access to a tenant '%.63s': ask %s to make it, or to add you to its group", subject, tenant,
                     owner);
}
