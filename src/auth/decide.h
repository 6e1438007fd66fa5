/*
 * The one place where it is decided who may do what. What nothing allows is denied.
 *
 * Each action of the pipeline has a row here: which roles may do it, and which scope a token must have for it. Roles:
 *
 *     owner       the account of the workspace (and root in a shared one), acting as itself: everything
 *     data        whose the tenant's data is: the tenant's group in a shared workspace, whoever the owner acts for, its tokens
 *     operator    administrates; reads no data and changes nothing about the audit trail
 *     auditor     reads the audit trail of all tenants, verifies it, changes its policy, erases; neither data nor configuration
 *
 * Whoever obs.yaml gives a role to has only this role where the owner acts for him or he shows a token: that nobody is both
 * is the use of roles.
 */
#ifndef OBS_AUTH_DECIDE_H
#define OBS_AUTH_DECIDE_H

#include "auth/scope.h"
#include "base/text.h"

/* One bit each. */
typedef enum obs__role {
    OBS__ROLE_DATA = 1,
    OBS__ROLE_OPERATOR = 2,
    OBS__ROLE_AUDITOR = 4,
    OBS__ROLE_ANYBODY = 8 /* whoever has a client at all */
} obs__role;

/* What a permission must be about. */
typedef enum obs__reach {
    OBS__OF_OBJECT, /* the object */
    OBS__OF_PREFIX, /* all that begins with the object */
    OBS__OF_REST    /* anything: what it is about is asked with obs__gate_allow() */
} obs__reach;

/* No token is enough. */
#define OBS__NO_SCOPE (~0u)

/* What an action asks for. */
typedef struct obs__need {
    const char *action;
    unsigned roles;      /* who may do it besides the owner */
    unsigned permission; /* which of obs__permission a token must have one of; 0: any token will do */
    obs__reach reach;
    unsigned instead; /* what is enough where nothing is replaced; 0: nothing else */
} obs__need;

/* The need of an action, or NULL. */
const obs__need *obs__need_of(const char *action);
/* All of them, in the order of their names; NULL behind the last. */
const obs__need *obs__need_at(size_t index);

/* What is known about a caller's rights; made once, then only read. */
typedef struct obs__rights {
    const char *owner;            /* the subject that owns the workspace */
    const char *identity;         /* who the process really is */
    const char *subject;          /* for whom its client acts; the same unless it was made by obs_client_as() or has a token */
    int is_owner;                 /* the process is the owner's */
    int is_internal;              /* the library's own, behind a decision */
    int has_token;                /* the subject comes from a token, and each request brings its scopes */
    int is_member;                /* the system let it open the tenant's folder in a shared workspace */
    const char *const *operators; /* subjects, ends with NULL; NULL: none */
    const char *const *auditors;
} obs__rights;

/* One question. */
typedef struct obs__request {
    const char *subject; /* for whom this call is made */
    const char *tenant;
    const char *action;
    obs__view object;
    int is_rest;                     /* what the object alone did not say: see OBS__OF_REST */
    const obs__token_scopes *scopes; /* of the client's token; NULL: it has none */
} obs__request;

/* OBS_OK or OBS_PERMISSION_DENIED; *create_only: as long as nothing is replaced. No allocation, no lock, no system call: it
 * stands in front of every call. */
obs_status obs__auth_decide(int *create_only, const obs__rights *rights, const obs__request *request, obs_error *error);
/* What a role comes to as scopes, to compare with those that are to be handed on. */
const char *obs__auth_role_scopes(obs__role role);
/* The roles of a subject, whom the client acts for or the owner lends this one call to. */
unsigned obs__auth_roles(const obs__rights *rights, const obs__request *request);
/* Whether nothing limits the caller: the owner, as itself and without a token. */
int obs__auth_is_owner(const obs__rights *rights, const obs__request *request);

/* OBS_PERMISSION_DENIED: the one answer about a tenant that is not there, or not for this caller. */
obs_status obs__auth_refuse_tenant(const char *subject, const char *tenant, const char *owner, obs_error *error);

#endif
