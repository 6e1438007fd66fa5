/* What holds for a tenant: its state and its quotas, which lie in its own database, and how each commit is held to them. */
#ifndef OBS_CLIENT_RULE_H
#define OBS_CLIENT_RULE_H

#include <obs/workspace.h>

#include "base/buffer.h"
#include "journal/gate.h"

/* Tables `tenant_rule` and `tenant_usage`, one row each at most; triggers count what is in the tenant while it has a quota. */
extern const char obs__rule_schema[];

typedef enum obs__tenant_state { OBS__ACTIVE, OBS__SUSPENDED, OBS__DELETING, OBS__DELETED } obs__tenant_state;

/* In the order of the columns of `tenant_rule`. */
enum { OBS__QUOTA_BYTES, OBS__QUOTA_OBJECTS, OBS__QUOTA_ENTRIES, OBS__QUOTA_DAY, OBS__QUOTA_MINUTE, OBS__QUOTAS };

#define OBS__REASON_SIZE 201

typedef struct obs__rule {
    obs__tenant_state state;
    int closed; /* reads are refused, too */
    int64_t since_ns;
    char by[256]; /* a subject; "" when it was erased */
    char reason[OBS__REASON_SIZE];
    int64_t most[OBS__QUOTAS]; /* -1: no limit */
    int64_t used[OBS__QUOTAS]; /* of today, for events a day; of the last minute's bucket, for events a minute */
    int counted;               /* `used` is known: there is a quota */
} obs__rule;

obs_status obs__rule_read(obs__rule *out, obs__journal *journal, obs_error *error);
int obs__rule_has_quota(const obs__rule *rule);
/* The names of quotas, as they are shown: "bytes", "events_per_day" … */
extern const char *const obs__quota_names[OBS__QUOTAS];

/* A change of the rule, as an effect; all borrowed from the caller, who waits for the commit. */
typedef struct obs__rule_change {
    obs__tenant_state state;
    int quotas_only; /* `most` counts, the rest stays */
    int closed;
    const char *tenant;
    const char *subject;       /* who does it */
    const char *reason;        /* or NULL */
    int64_t most[OBS__QUOTAS]; /* 0 stays, -1 none */
} obs__rule_change;
obs_status obs__rule_effect(obs__effects *effects, const obs__rule_change *change, obs_error *error);
/* Counts again what a quota is measured by. */
obs_status obs__rule_recount_effect(obs__effects *effects, obs_error *error);

/* Puts guards around the effects of a call: nothing is committed that the state or a quota forbids. */
obs_status obs__guard(obs__scope *scope, obs__effects *effects, obs_error *error);
/* Whether a call may begin at all: reads that are refused, and what would be refused in the end. Looks once a second: for a
 * change the commit decides. */
obs_status obs__guard_enter(obs__scope *scope, obs_error *error);
/* At the end of a call that a quota refused: whoever asks on and on is held up for a moment. */
void obs__guard_slow(const obs__scope *scope);

#endif
