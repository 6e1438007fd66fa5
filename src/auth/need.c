/* What each action of the pipeline asks for. */
#include <string.h>

#include "auth/decide.h"

#define DATA OBS__ROLE_DATA
#define OPERATOR OBS__ROLE_OPERATOR
#define AUDITOR OBS__ROLE_AUDITOR
#define ANYBODY OBS__ROLE_ANYBODY

/* In the order of their names. A part of something that was allowed before, like a unit's commit, asks for no scope of its own.
 */
static const obs__need needs[] = {
    {"audit.check_proof", ANYBODY, 0, OBS__OF_OBJECT, 0},
    {"audit.erase", AUDITOR, OBS__MAY_SET_AUDIT, OBS__OF_OBJECT, 0},
    {"audit.key", ANYBODY, 0, OBS__OF_OBJECT, 0},
    {"audit.policy", DATA | OPERATOR | AUDITOR, OBS__MAY_READ_AUDIT, OBS__OF_OBJECT, 0},
    {"audit.policy_set", AUDITOR, OBS__MAY_SET_AUDIT, OBS__OF_OBJECT, 0},
    {"audit.prove", DATA | AUDITOR, OBS__MAY_READ_AUDIT, OBS__OF_OBJECT, 0},
    {"audit.prove_any", AUDITOR, OBS__MAY_SET_AUDIT, OBS__OF_OBJECT, 0}, /* a record of whatever tenant */
    {"audit.query", DATA | AUDITOR, OBS__MAY_READ_AUDIT, OBS__OF_OBJECT, 0},
    {"audit.seal", AUDITOR, OBS__MAY_SET_AUDIT, OBS__OF_OBJECT, 0},
    {"audit.sequence", OPERATOR | AUDITOR, OBS__NO_SCOPE, OBS__OF_OBJECT, 0},
    {"audit.verify", DATA | OPERATOR | AUDITOR, OBS__MAY_READ_AUDIT, OBS__OF_OBJECT, 0},
    {"catalog.get", DATA, OBS__MAY_READ, OBS__OF_OBJECT, 0},
    {"catalog.label", DATA, OBS__MAY_MODIFY, OBS__OF_OBJECT, 0},
    {"catalog.lineage", DATA, OBS__MAY_READ, OBS__OF_PREFIX, 0}, /* and of everything: it leads anywhere */
    {"catalog.search", DATA, OBS__MAY_READ, OBS__OF_PREFIX, 0},
    {"catalog.usage", DATA, OBS__MAY_READ, OBS__OF_PREFIX, 0},
    {"catalog.why", DATA, OBS__MAY_READ, OBS__OF_PREFIX, 0},
    {"client.as", ANYBODY, 0, OBS__OF_OBJECT, 0}, /* who may act for whom is asked there */
    {"client.health", ANYBODY, 0, OBS__OF_OBJECT, 0},
    {"client.metrics", DATA | OPERATOR | AUDITOR, OBS__MAY_READ_TENANTS, OBS__OF_OBJECT, 0},
    {"client.open", ANYBODY, 0, OBS__OF_OBJECT, 0},
    {"client.whoami", ANYBODY, 0, OBS__OF_OBJECT, 0},
    {"config.apply", ANYBODY, 0, OBS__OF_OBJECT, 0}, /* what a process takes over for itself */
    {"config.explain", DATA | OPERATOR, OBS__MAY_READ_CONFIG, OBS__OF_OBJECT, 0},
    {"config.read", DATA | OPERATOR, OBS__MAY_READ_CONFIG, OBS__OF_OBJECT, 0},
    {"config.refresh", ANYBODY, 0, OBS__OF_OBJECT, 0},
    {"config.secret", DATA, OBS__MAY_SEE_SECRETS, OBS__OF_OBJECT, 0},
    {"config.set", OPERATOR, OBS__MAY_SET_CONFIG, OBS__OF_OBJECT, 0},
    {"config.sign", OPERATOR, OBS__NO_SCOPE, OBS__OF_OBJECT, 0},
    {"config.sources", ANYBODY, 0, OBS__OF_OBJECT, 0},
    {"config.validate", ANYBODY, 0, OBS__OF_OBJECT, 0},
    {"config.wait", ANYBODY, 0, OBS__OF_OBJECT, 0}, /* for a number; what changed is asked with config.read */
    {"event.acknowledge", DATA, OBS__MAY_SUBSCRIBE, OBS__OF_OBJECT, 0},
    {"event.consumers", DATA | OPERATOR, OBS__MAY_SUBSCRIBE, OBS__OF_PREFIX, 0},
    {"event.dead_letters", DATA, OBS__MAY_SUBSCRIBE, OBS__OF_PREFIX, 0},
    {"event.discard", DATA, OBS__MAY_SUBSCRIBE, OBS__OF_OBJECT, 0},
    {"event.pause", DATA | OPERATOR, OBS__MAY_SUBSCRIBE, OBS__OF_OBJECT, 0},
    {"event.publish", DATA, OBS__MAY_PUBLISH, OBS__OF_REST, 0}, /* about its type, not about what it tells of */
    {"event.receive", DATA, OBS__MAY_SUBSCRIBE, OBS__OF_OBJECT, 0},
    {"event.reject", DATA, OBS__MAY_SUBSCRIBE, OBS__OF_OBJECT, 0},
    {"event.remove", DATA | OPERATOR, OBS__MAY_SUBSCRIBE, OBS__OF_OBJECT, 0},
    {"event.replay", DATA | OPERATOR, OBS__MAY_SUBSCRIBE, OBS__OF_OBJECT, 0},
    {"event.resume", DATA | OPERATOR, OBS__MAY_SUBSCRIBE, OBS__OF_OBJECT, 0},
    {"event.subscribe", DATA, OBS__MAY_SUBSCRIBE, OBS__OF_OBJECT, 0},
    {"ingest.definition", DATA, OBS__MAY_DEFINE, OBS__OF_OBJECT, 0},
    {"ingest.definitions", DATA, OBS__MAY_READ_INGEST, OBS__OF_OBJECT, 0},
    {"ingest.file", DATA, OBS__MAY_MODIFY, OBS__OF_OBJECT, OBS__MAY_CREATE},
    {"ingest.log", DATA, OBS__MAY_READ_INGEST, OBS__OF_OBJECT, 0},
    {"ingest.record", DATA, OBS__MAY_INGEST, OBS__OF_OBJECT, 0},
    {"ingest.stats", DATA, OBS__MAY_READ_INGEST, OBS__OF_OBJECT, 0},
    {"journal.list", DATA | OPERATOR, OBS__MAY_SUBSCRIBE, OBS__OF_PREFIX, 0},
    {"journal.run", DATA, OBS__NO_SCOPE, OBS__OF_OBJECT, 0}, /* events leave under the name of the site */
    {"journal.state", DATA, OBS__NO_SCOPE, OBS__OF_OBJECT, 0},
    {"relay.read", DATA, OBS__MAY_READ, OBS__OF_PREFIX, 0}, /* all of it: each object and event is asked for by itself, too */
    {"relay.write", DATA, OBS__MAY_MODIFY, OBS__OF_PREFIX, OBS__MAY_CREATE},
    {"store.adopt", DATA, OBS__MAY_MODIFY, OBS__OF_OBJECT, 0},
    {"store.copy", DATA, OBS__MAY_MODIFY, OBS__OF_OBJECT, OBS__MAY_CREATE},
    {"store.delete", DATA, OBS__MAY_MODIFY, OBS__OF_OBJECT, 0},
    {"store.get", DATA, OBS__MAY_READ, OBS__OF_OBJECT, 0},
    {"store.head", DATA, OBS__MAY_READ, OBS__OF_OBJECT, 0},
    {"store.list", DATA, OBS__MAY_READ, OBS__OF_PREFIX, 0},
    {"store.open", DATA, OBS__NO_SCOPE, OBS__OF_OBJECT, 0}, /* scopes speak of the workspace's own store */
    {"store.put", DATA, OBS__MAY_MODIFY, OBS__OF_OBJECT, OBS__MAY_CREATE},
    {"tenant.create", OPERATOR, OBS__MAY_MAKE_TENANTS, OBS__OF_OBJECT, 0},
    {"tenant.delete", OPERATOR, OBS__NO_SCOPE, OBS__OF_OBJECT, 0},
    {"tenant.export", DATA, OBS__NO_SCOPE, OBS__OF_OBJECT, 0}, /* of the own tenant; of others by the owner */
    /* To see others than the own: for who makes them, and who may erase in all of them. */
    {"tenant.list", OPERATOR | AUDITOR, OBS__MAY_MAKE_TENANTS | OBS__MAY_SET_AUDIT, OBS__OF_OBJECT, 0},
    {"tenant.modify", OPERATOR, OBS__MAY_MAKE_TENANTS, OBS__OF_OBJECT, 0},
    {"tenant.resume", OPERATOR, OBS__MAY_MAKE_TENANTS, OBS__OF_OBJECT, 0},
    {"tenant.show", DATA | OPERATOR | AUDITOR, OBS__MAY_READ_TENANTS, OBS__OF_OBJECT, 0},
    {"tenant.suspend", OPERATOR, OBS__MAY_MAKE_TENANTS, OBS__OF_OBJECT, 0},
    {"token.issue", DATA | OPERATOR, 0, OBS__OF_OBJECT, 0}, /* and never more than the caller's own rights */
    {"token.keys", ANYBODY, 0, OBS__OF_OBJECT, 0},
    {"token.login", ANYBODY, 0, OBS__OF_OBJECT, 0},
    {"token.logout", ANYBODY, 0, OBS__OF_OBJECT, 0},
    {"token.revoke", OPERATOR, OBS__NO_SCOPE, OBS__OF_OBJECT, 0},
    {"token.rotate", OPERATOR, OBS__NO_SCOPE, OBS__OF_OBJECT, 0},
    {"token.verify", ANYBODY, 0, OBS__OF_OBJECT, 0},
    {"unit.commit", DATA, 0, OBS__OF_OBJECT, 0},
    {"workspace.check", OPERATOR, OBS__NO_SCOPE, OBS__OF_OBJECT, 0},
    {"workspace.repair", OPERATOR, OBS__NO_SCOPE, OBS__OF_OBJECT, 0},
};

#define COUNT (sizeof needs / sizeof needs[0])

const obs__need *obs__need_of(const char *action)
{
    size_t low = 0, high = COUNT;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = strcmp(action, needs[middle].action);
        if (order == 0)
            return &needs[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

const obs__need *obs__need_at(size_t index)
{
    return index < COUNT ? &needs[index] : NULL;
}
