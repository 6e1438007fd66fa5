/* Several events at once: those that are there when the first one comes. */
#include "base/error.h"
#include "base/memory.h"
#include "base/queue.h"
#include "event/bus_internal.h"

#define BYTES_MAX ((size_t)16 << 20) /* of JSON: then no more are taken along */

struct obs_deliveries {
    size_t count;
    size_t capacity;
    obs_delivery *items;    /* each with an event of its own */
    obs_subscription *from; /* held while they are in an operation: who nobody takes is given back */
};

void obs_deliveries_free(obs_deliveries *deliveries)
{
    if (!deliveries)
        return;
    for (size_t i = 0; i < deliveries->count; i++)
        obs_event_free((obs_event *)(uintptr_t)deliveries->items[i].event);
    obs__free(deliveries->items);
    obs__free(deliveries);
}

size_t obs_deliveries_count(const obs_deliveries *deliveries)
{
    return deliveries ? deliveries->count : 0;
}

const obs_delivery *obs_deliveries_at(const obs_deliveries *deliveries, size_t index)
{
    return deliveries && index < deliveries->count ? &deliveries->items[index] : NULL;
}

/* Before the event is handed out: then it has its place. */
static obs_status make_room(obs_deliveries *self, obs_error *error)
{
    if (self->count < self->capacity)
        return OBS_OK;
    size_t capacity = self->capacity ? 2 * self->capacity : 16;
    obs_delivery *items = obs__realloc(self->items, capacity * sizeof *items);
    if (!items)
        return obs__fail_memory(error);
    self->items = items;
    self->capacity = capacity;
    return OBS_OK;
}

/* The event changes its owner. */
static void take(obs_deliveries *self, obs_subscription *subscription, const obs_delivery *delivery)
{
    self->items[self->count++] = *delivery;
    subscription->event = NULL;
}

/* What goes wrong behind the first one is said by the next call: one that is damaged is handed out once more for that. */
static obs_status fill(obs_deliveries *self, obs_subscription *subscription, size_t most, const obs__limit *limit, int waits,
                       obs_error *error)
{
    const obs_delivery *delivery = NULL;
    const obs__limit now = {0, limit->cancel};
    size_t bytes = 0;
    obs_status status = make_room(self, error);
    if (status == OBS_OK)
        status = obs__subscription_take(&delivery, subscription, limit, waits ? OBS__WAITS : OBS__LOOKS_THROUGH, error);
    while (status == OBS_OK && delivery) {
        take(self, subscription, delivery);
        bytes += subscription->json.size;
        if (self->count == most || bytes >= BYTES_MAX)
            break;
        status = make_room(self, error);
        if (status == OBS_OK)
            status = obs__subscription_take(&delivery, subscription, &now, OBS__LOOKS_NEARBY, error);
    }
    if (!self->count || status == OBS_OK)
        return status;
    if (status == OBS_DATA_LOSS)
        obs__subscription_let_go(subscription, subscription->damaged, 0);
    return obs__ok(error);
}

static obs_status check(const obs_subscription *subscription, size_t most, obs_error *error)
{
    if (!subscription)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "out and subscription are required");
    if (!most || most > OBS_DELIVERIES_MAX)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "1 to %d events can be asked for at once", OBS_DELIVERIES_MAX);
    return OBS_OK;
}

/* None is a result, too. */
static obs_status next_many(obs_deliveries **out, obs_subscription *subscription, size_t most, const obs__limit *limit,
                            int waits, obs_error *error)
{
    obs_deliveries *deliveries = obs__calloc(1, sizeof *deliveries);
    if (!deliveries)
        return obs__fail_memory(error);
    obs_status status = fill(deliveries, subscription, most, limit, waits, error);
    if (status == OBS_OK)
        *out = deliveries;
    else
        obs_deliveries_free(deliveries);
    return status;
}

/* To the caller none is NULL. */
static void give(obs_deliveries **out, obs_deliveries *deliveries)
{
    if (obs_deliveries_count(deliveries))
        *out = deliveries;
    else
        obs_deliveries_free(deliveries);
}

obs_status obs_subscription_next_many(obs_deliveries **out, obs_subscription *subscription, size_t most, int64_t timeout_ms,
                                      obs_cancel *cancel, obs_error *error)
{
    if (!out)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "out and subscription are required");
    *out = NULL;
    obs_deliveries *deliveries = NULL;
    const obs__limit limit = obs__limit_in(timeout_ms, cancel);
    obs_status status = check(subscription, most, error);
    if (status == OBS_OK)
        status = obs__subscription_begin(subscription, error);
    if (status != OBS_OK)
        return status;
    status = next_many(&deliveries, subscription, most, &limit, timeout_ms != 0, error);
    obs__subscription_end(subscription);
    give(out, deliveries);
    return status == OBS_OK ? obs__ok(error) : status;
}

/* ---- Through a queue. ---- */

typedef struct asked {
    obs_subscription *subscription; /* held */
    size_t most;
    int waits;
    int64_t end_ns; /* no failure, so the operation has none */
} asked;

static void free_asked(void *state)
{
    asked *self = state;
    obs_subscription_free(self->subscription);
    obs__free(self);
}

/* Nobody has seen them: they come again at once, as if they had not been handed out. */
static void free_result(void *result)
{
    obs_deliveries *deliveries = result;
    obs_subscription *from = deliveries->from;
    for (size_t i = 0; from && i < deliveries->count; i++)
        obs__subscription_let_go(from, deliveries->items[i].sequence, 0);
    if (from && deliveries->count)
        obs__journal_wake(from->gate->journal);
    obs_subscription_free(from);
    obs_deliveries_free(deliveries);
}

/* Operations of one subscription take turns: one that was just cancelled has not ended yet when the next one begins. */
static obs_status take_turn(const asked *self, const obs__limit *limit, obs_error *error)
{
    int ready;
    obs_status status = obs__subscription_begin(self->subscription, error);
    for (int pause_ms = 1; status == OBS_FAILED_PRECONDITION; pause_ms = pause_ms < 16 ? 2 * pause_ms : 16) {
        status = obs__limit_wait(limit, -1, pause_ms, &ready, error);
        if (status == OBS_OK)
            status = obs__subscription_begin(self->subscription, error);
    }
    return status;
}

static obs_status run(obs_operation *operation, void *state, const obs__limit *limit, obs_error *error)
{
    const asked *self = state;
    const obs__limit until = {self->end_ns, limit->cancel};
    obs_deliveries *deliveries = NULL;
    obs_status status = take_turn(self, self->waits ? &until : limit, error);
    if (status == OBS_OK) {
        status = next_many(&deliveries, self->subscription, self->most, &until, self->waits, error);
        obs__subscription_end(self->subscription);
    } else if (status == OBS_DEADLINE_EXCEEDED) {
        deliveries = obs__calloc(1, sizeof *deliveries);
        status = deliveries ? OBS_OK : obs__fail_memory(error);
    }
    if (!deliveries)
        return status;
    atomic_fetch_add(&self->subscription->holders, 1);
    deliveries->from = self->subscription;
    obs__operation_set_result(operation, deliveries, free_result);
    return status;
}

obs_status obs_subscription_next_start(obs_operation **out, obs_queue *queue, uint64_t tag, obs_subscription *subscription,
                                       size_t most, int64_t timeout_ms, obs_error *error)
{
    static const obs__operation_ops ops = {.run = run, .free = free_asked, .waits = 1};
    if (!out || !queue)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "out and queue are required");
    *out = NULL;
    obs_status status = check(subscription, most, error);
    asked *state = status == OBS_OK ? obs__alloc(sizeof *state) : NULL;
    if (status == OBS_OK && !state)
        status = obs__fail_memory(error);
    if (status == OBS_OK)
        status = obs__subscription_check(subscription, error);
    if (status != OBS_OK) {
        obs__free(state);
        return status;
    }
    const obs__limit none = obs__limit_in(-1, NULL);
    *state = (asked){subscription, most, timeout_ms != 0, obs__limit_in(timeout_ms, NULL).end_ns};
    atomic_fetch_add(&subscription->holders, 1);
    status = obs__operation_start(out, queue, tag, &ops, state, &none, 0, error);
    if (status != OBS_OK)
        free_asked(state);
    return status == OBS_OK ? obs__ok(error) : status;
}

obs_status obs_operation_take_deliveries(obs_deliveries **out, obs_operation *operation, obs_error *error)
{
    void *taken = NULL;
    if (!out || !operation)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "out and operation are required");
    *out = NULL;
    obs_status status = obs__operation_take_result(&taken, operation, free_result, error);
    obs_deliveries *deliveries = taken;
    if (deliveries) {
        obs_subscription_free(deliveries->from);
        deliveries->from = NULL;
    }
    give(out, deliveries);
    return status;
}
