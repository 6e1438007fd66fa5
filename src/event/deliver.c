/* Handing out events: choosing among the claims, reading on in the log, waiting, decoding. */
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "event/bus_internal.h"

#define SAFETY_POLL_MS 1000 /* should a wake-up be lost */
#define MOVE_NS INT64_C(1000000000)

/* Keeps obs_subscription_fd() readable as long as another call may find something at once. */
static void set_ready(obs_subscription *subscription, int ready)
{
    uint64_t one = 1;
    if (subscription->is_ready == ready)
        return;
    ssize_t moved = ready ? write(subscription->ready_fd, &one, sizeof one) : read(subscription->ready_fd, &one, sizeof one);
    (void)moved;
    subscription->is_ready = ready;
}

/* What is handed out next, or NULL, and when to look again. */
typedef struct choice {
    obs__claim claim; /* a copy; sequence 0: there is none */
    int64_t due_ms;   /* INT64_MAX: when something happens */
    int again;        /* at once */
} choice;

/* Everything is taken, and by this member too: it would wait for itself. */
static obs_status check_room(obs_subscription *subscription, obs_error *error)
{
    const obs__claims *claims = subscription->claims;
    if (claims->header->used < OBS__CLAIMS_MAX)
        return OBS_OK;
    for (uint32_t i = 0; i < claims->header->used; i++)
        if (obs__claims_is_mine(claims, &claims->items[i]))
            return obs__fail(error, OBS_RESOURCE_EXHAUSTED,
                             "%d events of '%s' are not acknowledged: acknowledge or reject some", OBS__CLAIMS_MAX,
                             subscription->consumer);
    return OBS_OK;
}

/* With the claims locked. */
static obs_status choose(choice *out, obs_subscription *subscription, obs_error *error)
{
    obs__claims *claims = subscription->claims;
    obs__claim *claim = NULL;
    int freed = 0;
    *out = (choice){.due_ms = INT64_MAX};
    obs__member_settle(subscription, &freed);
    if (claims->header->paused_ms > obs__now_ns() / 1000000) {
        out->due_ms = claims->header->paused_ms;
        return OBS_OK;
    }
    obs_status status = obs__claims_choose(&claim, &out->due_ms, claims, error);
    if (status == OBS_OK && !claim) {
        obs__claims_reap(claims);
        status = obs__claims_refill(&out->again, subscription, error);
        if (status == OBS_OK)
            status = obs__claims_choose(&claim, &out->due_ms, claims, error);
    }
    if (status == OBS_OK && !claim)
        subscription->passed = obs__claims_position(claims, NULL, 0);
    if (status == OBS_OK && !claim && !out->again)
        status = check_room(subscription, error);
    if (status != OBS_OK || !claim)
        return status;
    claim->member = (uint16_t)claims->member;
    claim->attempt++;
    claim->state = OBS__CLAIM_HELD;
    out->claim = *claim;
    return OBS_OK;
}

/* With another attempt taken back, or forgotten when it is done. */
void obs__subscription_let_go(obs_subscription *subscription, uint64_t sequence, int forget)
{
    obs__limit limit = obs__limit_in(1000, NULL);
    if (obs__subscription_lock(subscription, &limit, NULL) != OBS_OK)
        return; /* it comes to others when this subscription ends */
    obs__claim *claim = obs__claims_find(subscription->claims, sequence);
    if (claim && !obs__claims_is_mine(subscription->claims, claim))
        claim = NULL;
    if (claim && forget)
        obs__claims_remove(subscription->claims, claim);
    else if (claim) {
        claim->attempt -= claim->attempt > 0;
        claim->state = OBS__CLAIM_WAITING;
    }
    obs__claims_unlock(subscription->claims);
}

/* Its members died over it as often as they may: nobody is left to say why. */
static obs_status bury(obs_subscription *subscription, const obs__claim *claim, obs_error *error)
{
    obs_reject_options options;
    obs_reject_options_init(&options, sizeof options);
    options.dead = 1;
    options.reason = "was handed out as often as it may be, and nobody acknowledged or rejected it";
    subscription->delivered = claim->sequence > subscription->delivered ? claim->sequence : subscription->delivered;
    return obs_subscription_reject(subscription, claim->sequence, &options, error);
}

static obs_status decode(const obs_delivery **out, obs_subscription *subscription, const obs__claim *claim, obs_error *error)
{
    obs_status status = obs_event_decode(&subscription->event, subscription->json.data, subscription->json.size, error);
    if (status != OBS_OK && status != OBS_INVALID_ARGUMENT)
        return status;
    subscription->delivered = claim->sequence > subscription->delivered ? claim->sequence : subscription->delivered;
    subscription->damaged = claim->sequence;
    if (status != OBS_OK)
        return obs__fail(error, OBS_DATA_LOSS, "event %llu of the bus is damaged: acknowledge it to go on without it",
                         (unsigned long long)claim->sequence);
    subscription->delivery = (obs_delivery){subscription->event, claim->sequence, claim->attempt};
    *out = &subscription->delivery;
    return OBS_OK;
}

/* Goes through the gate as a read. *out stays NULL when the event is done by now. */
static obs_status hand_out(const obs_delivery **out, obs_subscription *subscription, const obs__claim *claim, obs_error *error)
{
    obs__scope scope;
    int there = 0;
    obs_call call = obs__subscription_call(subscription);
    if (claim->attempt > subscription->attempts)
        return bury(subscription, claim, error);
    obs_status status =
        obs__gate_enter(&scope, subscription->gate, OBS__READ, "event.receive", subscription->consumer, OBS_TEXT, &call, error);
    if (status == OBS_OK) {
        status = obs__consumer_read(&there, subscription, claim->sequence, error);
        scope.bytes = subscription->json.size;
        status = obs__gate_leave(&scope, status, error);
    }
    if (status == OBS_OK && there)
        status = decode(out, subscription, claim, error);
    if (!there || (status != OBS_OK && status != OBS_DATA_LOSS))
        obs__subscription_let_go(subscription, claim->sequence, status == OBS_OK && !there);
    return status;
}

static obs_status wait(obs_subscription *subscription, const choice *found, const obs__limit *limit, obs_error *error)
{
    int ready;
    int64_t left = found->due_ms == INT64_MAX ? SAFETY_POLL_MS : found->due_ms - obs__now_ns() / 1000000;
    left = left < 1 ? 1 : left > SAFETY_POLL_MS ? SAFETY_POLL_MS : left;
    obs_status status = obs__limit_wait(limit, obs__watch_fd(subscription->watch), (int)left, &ready, error);
    return status == OBS_OK ? obs__subscription_check(subscription, error) : status;
}

/* What this consumer does not want must not keep the log: without an acknowledgement the position moves on here, now and then.
 * What fails is tried again. */
static void move_on(obs_subscription *subscription, obs_cancel *cancel)
{
    int64_t now_ns = obs__monotonic_ns();
    obs__effects effects = {0};
    if (subscription->passed <= subscription->moved || now_ns < subscription->moved_ns + MOVE_NS)
        return;
    subscription->moved_ns = now_ns;
    const obs__limit limit = obs__limit_in(1000, cancel);
    obs__outcome outcome = {.position = subscription->passed, .passed = 1};
    if (obs__outcome_stage(&effects, subscription, &outcome, NULL) == OBS_OK &&
        obs__journal_commit(subscription->gate->journal, &effects, &limit, NULL) == OBS_OK)
        subscription->moved = subscription->passed;
    obs__effects_free(&effects);
}

/* Nothing was found: on to what was not looked at yet, or until there may be something. Whoever does not want to wait still
 * gets what is there, however many events are passed over on the way; one that comes along with others does not hold them up.
 */
static obs_status go_on(obs_subscription *subscription, const choice *found, const obs__limit *limit, obs__patience patience,
                        obs_error *error)
{
    obs__limit until = *limit;
    if (found->again && patience == OBS__LOOKS_THROUGH)
        until.end_ns = INT64_MAX;
    obs_status status = obs__limit_check(&until, error);
    return status == OBS_OK && !found->again ? wait(subscription, found, limit, error) : status;
}

/* Until something was handed out, or the limit ends the wait. */
static obs_status look(const obs_delivery **out, obs_subscription *subscription, const obs__limit *limit,
                       obs__patience patience, obs_error *error)
{
    obs_status status = OBS_OK;
    obs__limit least = obs__limit_in(1000, limit->cancel); /* for the lock */
    while (status == OBS_OK && !*out) {
        choice found;
        obs__watch_clear(subscription->watch);
        status = obs__subscription_lock(subscription, limit->end_ns > least.end_ns ? limit : &least, error);
        if (status != OBS_OK)
            break;
        status = choose(&found, subscription, error);
        obs__claims_unlock(subscription->claims);
        subscription->more = found.again;
        if (status == OBS_OK && found.claim.sequence)
            status = hand_out(out, subscription, &found.claim, error);
        else if (status == OBS_OK) {
            move_on(subscription, limit->cancel);
            status = go_on(subscription, &found, limit, patience, error);
        }
    }
    return status;
}

obs_status obs__subscription_take(const obs_delivery **out, obs_subscription *subscription, const obs__limit *limit,
                                  obs__patience patience, obs_error *error)
{
    *out = NULL;
    obs_status status = OBS_OK;
    if (obs_cancel_is_set(limit->cancel))
        status = obs__fail(error, OBS_CANCELLED, "cancelled");
    obs_event_free(subscription->event);
    subscription->event = NULL;
    if (status == OBS_OK)
        status = look(out, subscription, limit, patience, error);
    if (status == OBS_OK || status == OBS_DATA_LOSS)
        set_ready(subscription, 1);
    if (status != OBS_DEADLINE_EXCEEDED)
        return status;
    set_ready(subscription, subscription->more);
    return obs__ok(error);
}

obs_status obs__subscription_begin(obs_subscription *subscription, obs_error *error)
{
    obs_status status = obs__subscription_check(subscription, error);
    if (status == OBS_OK && atomic_exchange(&subscription->asked, 1))
        status = obs__fail(error, OBS_FAILED_PRECONDITION,
                           "somebody waits for events of this subscription: one at a time, or subscribe once more");
    return status;
}

void obs__subscription_end(obs_subscription *subscription)
{
    atomic_store(&subscription->asked, 0);
}

obs_status obs_subscription_next(const obs_delivery **out, obs_subscription *subscription, int64_t timeout_ms,
                                 obs_cancel *cancel, obs_error *error)
{
    if (out)
        *out = NULL;
    if (!out || !subscription)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "out and subscription are required");
    obs__limit limit = obs__limit_in(timeout_ms, cancel);
    obs_status status = obs__subscription_begin(subscription, error);
    if (status != OBS_OK)
        return status;
    status = obs__subscription_take(out, subscription, &limit, timeout_ms ? OBS__WAITS : OBS__LOOKS_THROUGH, error);
    obs__subscription_end(subscription);
    return status == OBS_OK ? obs__ok(error) : status;
}
