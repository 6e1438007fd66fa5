/* Who may use the audit reserve, and who keeps it whole. */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/keeper.h"
#include "base/memory.h"
#include "client/client.h"

#define RETRY_MS 5000
#define MIB ((double)(1 << 20))

/*
 * What is needed to see what is wrong, and to mend it. `unrecorded`: it is done even if its record cannot be written. `share`:
 * how much of the reserve it may use on a full disk. An action, or with a dot at its end all of a module; what is not here has
 * to wait until there is space.
 */
static const struct rule {
    const char *action;
    int unrecorded;
    obs__share share;
} rules[] = {
    {"store.delete", 0, OBS__SHARE_ALL}, /* frees space */
    {"audit.", 1, OBS__SHARE_ALL},       /* erase, seal and policy; checkpoint and query, to see what was done */
    {"workspace.", 1, OBS__SHARE_ALL},   /* check and repair */
    {"config.set", 0, OBS__SHARE_ALL},   /* what fills the disk may be a setting */
    {"config.apply", 0, OBS__SHARE_ALL}, /* and others must take it over */
    {"client.", 1, OBS__SHARE_HALF},     /* open, health, whoami */
    {"store.list", 0, OBS__SHARE_HALF},  /* what could go */
    {"store.head", 0, OBS__SHARE_HALF},  /* how large it is */
    {"catalog.get", 0, OBS__SHARE_HALF}, /* what is known of it */
    {"catalog.search", 0, OBS__SHARE_HALF},
    {"tenant.show", 0, OBS__SHARE_HALF}, /* whose it is */
    {.action = "config.attempt", .share = OBS__SHARE_ALL},
};

static const struct rule *rule_of(const char *action)
{
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        size_t size = strlen(rules[i].action);
        int whole = rules[i].action[size - 1] != '.';
        if (strncmp(action, rules[i].action, size + (size_t)whole) == 0)
            return &rules[i];
    }
    return NULL;
}

int obs__client_unrecorded(const char *action)
{
    const struct rule *rule = rule_of(action);
    return rule && rule->unrecorded;
}

static obs__client_gate *gate_of(const obs__scope *scope)
{
    return (obs__client_gate *)scope->gate;
}

/* Only the account of the workspace gets into the folder; a client that may not write has nothing to record. */
static int has_part(const obs__client_gate *gate)
{
    return gate->workspace && !gate->gate.read_only && obs__workspace_is_owner(gate->workspace);
}

int obs__client_spare(obs__scope *scope)
{
    const struct rule *rule = rule_of(scope->action);
    if (!rule || !has_part(gate_of(scope)) || obs__limit_check(&scope->limit, NULL) != OBS_OK)
        return 0;
    return obs__spare_release(&scope->spare, scope->gate->workspace, rule->share);
}

/* Only where there is a reserve: without one deleting needs space, too. */
void obs__client_explain(const obs__gate *gate, const char *action, obs_error *error)
{
    const struct rule *rule = rule_of(action);
    obs__reserve reserve;
    if (!error || error->size < sizeof *error || error->status != OBS_NO_SPACE || !has_part((const obs__client_gate *)gate) ||
        obs__reserve_look(&reserve, gate->workspace, NULL) != OBS_OK || !reserve.there)
        return;
    size_t used = strnlen(error->message, sizeof error->message - 1);
    snprintf(error->message + used, sizeof error->message - used, "; %s",
             rule && rule->share == OBS__SHARE_ALL
                 ? "the reserve of the audit log is used up, too: make room outside of the workspace"
                 : "free space with 'obsctl rm KEY': the reserve of the audit log lets that be recorded");
}

/* ---- Keeping it whole. ---- */

struct obs__client_reserve {
    const char *workspace;
    obs__task *task;
    atomic_int is_short; /* it was not whole when somebody last looked */
};

static void fill(struct obs__client_reserve *self)
{
    obs__reserve now;
    int is_short = obs__reserve_fill(&now, self->workspace, NULL) == OBS_OK && !obs__reserve_is_whole(&now);
    atomic_store(&self->is_short, is_short);
    if (is_short)
        obs__task_in(self->task, RETRY_MS, NULL); /* in a forked child the next call or opening does it */
}

static void run(void *user)
{
    fill(user);
}

void obs__client_spare_end(obs__client_gate *gate, obs__spare *spare)
{
    int whole = obs__spare_end(spare);
    if (gate && gate->reserve && (!whole || atomic_load_explicit(&gate->reserve->is_short, memory_order_relaxed)))
        fill(gate->reserve);
}

int obs__client_spare_opening(obs__spare **spare, const obs__client_plan *plan, obs_status status)
{
    if (status != OBS_NO_SPACE || plan->read_only || plan->workspace->read_only || !obs__workspace_is_owner(plan->workspace))
        return 0;
    return obs__spare_release(spare, plan->workspace->folder, OBS__SHARE_HALF);
}

obs_status obs__client_reserve_attach(obs__client_gate *gate, obs_error *error)
{
    if (!has_part(gate))
        return OBS_OK;
    gate->reserve = obs__calloc(1, sizeof *gate->reserve);
    if (!gate->reserve)
        return obs__fail_memory(error);
    gate->reserve->workspace = gate->workspace->folder;
    obs_status status = obs__task_new(&gate->reserve->task, run, gate->reserve, error);
    if (status == OBS_OK)
        run(gate->reserve);
    return status;
}

void obs__client_reserve_free(struct obs__client_reserve *reserve)
{
    if (!reserve)
        return;
    obs__task_free(reserve->task);
    obs__free(reserve);
}

static void add_state(obs__builder *text, const obs__reserve *now)
{
    double held = (double)now->held / MIB, wanted = (double)now->wanted / MIB;
    if (!now->policy)
        obs__add_text(text, "off, as the audit policy says");
    else if (obs__reserve_is_whole(now))
        obs__add_format(text, "%.4g MiB set aside%s", held, now->wanted < now->policy ? ", a 16th of the disk" : "");
    else if (!now->there)
        obs__add_format(text, "none yet: %.4g MiB of free space are needed to set %.4g MiB aside", 2 * wanted, wanted);
    else
        obs__add_format(text, "%.4g of %.4g MiB set aside, for want of space: free some with 'obsctl rm KEY'", held, wanted);
}

obs_status obs__client_reserve_health(const obs__client_gate *gate, int *shown, obs__builder *text, obs_error *error)
{
    obs__reserve now;
    *shown = has_part(gate);
    if (!*shown)
        return OBS_OK;
    obs_status status = obs__reserve_fill(&now, gate->workspace->folder, error);
    if (status != OBS_OK)
        return status;
    add_state(text, &now);
    return obs__reserve_is_whole(&now) ? OBS_OK : OBS_NO_SPACE;
}
