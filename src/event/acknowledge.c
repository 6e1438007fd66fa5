/* Done, or given back: what members say of the events that were handed out, alone or as part of a unit. */
#include <stddef.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/memory.h"
#include "event/bus_internal.h"

#define REASON_MAX 4096

/* An event that this handle does not hold: OBS_OK when it is done, which may be said twice. */
static obs_status explain(obs_subscription *subscription, uint64_t sequence, obs_error *error)
{
    int done = 0;
    if (sequence > subscription->delivered)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "event %llu was not delivered by this subscription, only up to %llu",
                         (unsigned long long)sequence, (unsigned long long)subscription->delivered);
    obs_status status = OBS_OK;
    if (!obs__claims_find(subscription->claims, sequence))
        status = obs__consumer_is_done(&done, subscription, sequence, error);
    if (status != OBS_OK || done)
        return status;
    return obs__fail(error, OBS_ABORTED, "event %llu was taken back from this subscription: it comes again",
                     (unsigned long long)sequence);
}

/* With the claims locked: what this handle holds. NULL: it is not with it. */
static obs__claim *held(obs_subscription *subscription, uint64_t sequence)
{
    obs__claim *claim = obs__claims_find(subscription->claims, sequence);
    return claim && obs__claims_is_mine(subscription->claims, claim) ? claim : NULL;
}

/* What somebody says is done. */
typedef struct wanted {
    const uint64_t *sequences;
    size_t count;
    int all;     /* all below the only one that this handle holds, too */
    int several; /* those that were taken back are no failure */
    size_t lost; /* so many were, and come again */
} wanted;

/* With the claims locked: those of them that this handle holds, each once, sorted. There is room for all. */
static obs_status collect(uint64_t *out, size_t *count, wanted *what, obs_subscription *subscription, obs_error *error)
{
    const obs__claims *claims = subscription->claims;
    obs_status status = OBS_OK;
    for (size_t i = 0; status == OBS_OK && i < what->count; i++) {
        if (held(subscription, what->sequences[i])) {
            out[(*count)++] = what->sequences[i];
            continue;
        }
        status = explain(subscription, what->sequences[i], error);
        if (status == OBS_ABORTED && what->several) {
            what->lost++;
            status = OBS_OK;
        }
    }
    for (uint32_t i = 0; status == OBS_OK && what->all && i < claims->header->used; i++)
        if (obs__claims_is_mine(claims, &claims->items[i]) && claims->items[i].sequence < what->sequences[0])
            out[(*count)++] = claims->items[i].sequence;
    if (status == OBS_OK)
        obs__claims_sort(out, count);
    return status;
}

/* With the claims locked. */
static obs_status stage_held(obs__effects *effects, obs_subscription *subscription, wanted *what, obs_error *error)
{
    uint64_t one = 0, *found = &one;
    size_t count = 0, most = what->all ? 1 + (size_t)subscription->claims->header->used : what->count;
    if (most > 1 && !(found = obs__alloc(most * sizeof *found)))
        return obs__fail_memory(error);
    obs_status status = collect(found, &count, what, subscription, error);
    obs__outcome outcome = {0};
    if (status == OBS_OK && count)
        outcome.position = obs__claims_position(subscription->claims, found, count);
    for (size_t i = 0; status == OBS_OK && i < count; i++) {
        outcome.sequence = found[i];
        status = obs__outcome_stage(effects, subscription, &outcome, error);
    }
    if (found != &one)
        obs__free(found);
    return status;
}

static obs_status stage(obs__effects *effects, obs_subscription *subscription, wanted *what, const obs__limit *limit,
                        obs_error *error)
{
    int freed = 0;
    obs_status status = obs__subscription_check(subscription, error);
    if (status == OBS_OK)
        status = obs__subscription_lock(subscription, limit, error);
    if (status != OBS_OK)
        return status;
    obs__member_settle(subscription, &freed);
    status = stage_held(effects, subscription, what, error);
    obs__claims_unlock(subscription->claims);
    return status;
}

obs_status obs__bus_stage_acknowledge(obs__effects *effects, obs_subscription *subscription, uint64_t sequence,
                                      obs_error *error)
{
    obs_call call = obs__subscription_call(subscription);
    obs__limit limit = obs__limit_of(&call);
    wanted what = {.sequences = &sequence, .count = 1};
    return stage(effects, subscription, &what, &limit, error);
}

/* After the commit: others may go on with the same key. A claim that cannot be forgotten now is at the next call. */
static void settle(obs_subscription *subscription)
{
    obs__limit limit = obs__limit_in(1000, NULL);
    int freed = 0;
    if (obs__subscription_lock(subscription, &limit, NULL) != OBS_OK)
        return;
    obs__member_settle(subscription, &freed);
    obs__claims_unlock(subscription->claims);
    if (freed)
        obs__journal_wake(subscription->gate->journal);
}

static obs_status acknowledge(obs_subscription *subscription, wanted *what, obs_error *error)
{
    obs__scope scope;
    obs__effects effects = {0};
    if (!subscription)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "subscription is required");
    obs_status status = obs__subscription_check(subscription, error);
    if (status != OBS_OK)
        return status;
    obs_call call = obs__subscription_call(subscription);
    status = obs__gate_enter(&scope, subscription->gate, OBS__CHANGE, "event.acknowledge", subscription->consumer, OBS_TEXT,
                             &call, error);
    if (status != OBS_OK)
        return status;
    status = stage(&effects, subscription, what, &scope.limit, error);
    if (status == OBS_OK)
        status = obs__gate_commit(&scope, &effects, error);
    else
        obs__effects_free(&effects);
    if (status == OBS_OK)
        settle(subscription);
    return obs__gate_leave(&scope, status, error);
}

obs_status obs_subscription_acknowledge(obs_subscription *subscription, uint64_t sequence, obs_error *error)
{
    wanted what = {.sequences = &sequence, .count = 1};
    return acknowledge(subscription, &what, error);
}

obs_status obs_subscription_acknowledge_all(obs_subscription *subscription, uint64_t sequence, obs_error *error)
{
    wanted what = {.sequences = &sequence, .count = 1, .all = 1};
    return acknowledge(subscription, &what, error);
}

obs_status obs_subscription_acknowledge_many(size_t *done, obs_subscription *subscription, const uint64_t *sequences,
                                             size_t count, obs_error *error)
{
    wanted what = {.sequences = sequences, .count = count, .several = 1};
    if (done)
        *done = 0;
    if (!subscription || (count && !sequences))
        return obs__fail(error, OBS_INVALID_ARGUMENT, "subscription and sequences are required");
    if (count > OBS__CLAIMS_MAX)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "up to %d events can be acknowledged at once", OBS__CLAIMS_MAX);
    obs_status status = count ? acknowledge(subscription, &what, error) : obs__ok(error);
    if (done && status == OBS_OK)
        *done = count - what.lost;
    return status;
}

void obs_reject_options_init(obs_reject_options *options, size_t size)
{
    if (!options || size < sizeof options->size)
        return;
    memset(options, 0, size);
    options->size = size;
}

/* Doubled for each try, with up to a fifth more or less, so that what failed together does not come again together. */
static int64_t delay_of(const obs_subscription *subscription, const obs_reject_options *options, uint32_t attempt)
{
    uint32_t random = 0;
    if (options && options->delay_ms)
        return options->delay_ms < 0 ? 0 : options->delay_ms < OBS__DUE_MOST_MS ? options->delay_ms : OBS__DUE_MOST_MS;
    int64_t delay = subscription->retry_ms;
    for (uint32_t i = 1; i < attempt && delay < subscription->retry_max_ms; i++)
        delay *= 2;
    delay = delay < subscription->retry_max_ms ? delay : subscription->retry_max_ms;
    delay = delay < OBS__DUE_MOST_MS / 2 ? delay : OBS__DUE_MOST_MS / 2;
    (void)obs__random(&random, sizeof random, NULL); /* without it, no jitter */
    return delay - delay / 5 + (int64_t)((uint64_t)random * (uint64_t)(delay * 2 / 5 + 1) >> 32);
}

/* With the claims locked. */
static obs_status reject_of(obs__outcome *out, obs_subscription *subscription, uint64_t sequence,
                            const obs_reject_options *options, obs_error *error)
{
    const obs__claim *claim = held(subscription, sequence);
    if (!claim) {
        obs_status status = explain(subscription, sequence, error);
        return status != OBS_OK
                   ? status
                   : obs__fail(error, OBS_ABORTED, "event %llu is done: it cannot be given back", (unsigned long long)sequence);
    }
    *out = (obs__outcome){
        .sequence = sequence,
        .position = obs__claims_position(subscription->claims, &sequence, 1),
        .attempts = claim->attempt,
        .dead = (options && options->dead) || claim->attempt >= subscription->attempts,
        .reason = options ? options->reason : NULL,
    };
    if (!out->dead) {
        out->due_ms = obs__now_ns() / 1000000 + delay_of(subscription, options, claim->attempt);
        out->position = 0;
    }
    return OBS_OK;
}

/* With the claims locked: it waits for its time, and what was handed out behind it in its key with it. */
static void take_back(obs_subscription *subscription, const obs__outcome *outcome)
{
    obs__claims *claims = subscription->claims;
    obs__claim *claim = held(subscription, outcome->sequence);
    if (!claim)
        return;
    uint64_t key = claim->key;
    claim->due_ms = outcome->due_ms;
    claim->state = OBS__CLAIM_WAITING;
    for (uint32_t i = 0; key && i < claims->header->used; i++) {
        obs__claim *behind = &claims->items[i];
        if (obs__claims_is_mine(claims, behind) && behind->key == key && behind->sequence > outcome->sequence) {
            behind->state = OBS__CLAIM_WAITING;
            behind->attempt -= behind->attempt > 0; /* it was not its fault */
        }
    }
}

static obs_status reject(obs_subscription *subscription, obs__scope *scope, uint64_t sequence,
                         const obs_reject_options *options, obs_error *error)
{
    obs__effects effects = {0};
    obs__outcome outcome;
    obs__limit limit = obs__limit_in(1000, NULL);
    obs_status status = obs__subscription_lock(subscription, &scope->limit, error);
    if (status != OBS_OK)
        return status;
    status = reject_of(&outcome, subscription, sequence, options, error);
    obs__claims_unlock(subscription->claims);
    if (status == OBS_OK)
        status = obs__outcome_stage(&effects, subscription, &outcome, error);
    if (status == OBS_OK)
        status = obs__gate_commit(scope, &effects, error);
    else
        obs__effects_free(&effects);
    if (status == OBS_OK && outcome.due_ms && obs__subscription_lock(subscription, &limit, NULL) == OBS_OK) {
        take_back(subscription, &outcome);
        obs__claims_unlock(subscription->claims);
    }
    return status;
}

obs_status obs_subscription_reject(obs_subscription *subscription, uint64_t sequence, const obs_reject_options *options,
                                   obs_error *error)
{
    obs__scope scope;
    if (!subscription)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "subscription is required");
    if (options && options->size < sizeof *options)
        options = NULL;
    if (options && options->reason && strlen(options->reason) > REASON_MAX)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "the reason is longer than %d bytes", REASON_MAX);
    obs_status status = obs__subscription_check(subscription, error);
    if (status != OBS_OK)
        return status;
    obs_call call = obs__subscription_call(subscription);
    status = obs__gate_enter(&scope, subscription->gate, OBS__CHANGE, "event.reject", subscription->consumer, OBS_TEXT, &call,
                             error);
    if (status != OBS_OK)
        return status;
    status = reject(subscription, &scope, sequence, options, error);
    if (status == OBS_OK)
        settle(subscription);
    return obs__gate_leave(&scope, status, error);
}
