/* Opening and closing a consumer. */
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/memory.h"
#include "event/bus_internal.h"

#define ATTEMPTS 10
#define RETRY_MS 1000
#define RETRY_MAX_MS 300000

static obs_status open_descriptors(obs_subscription *subscription, obs_error *error)
{
    struct epoll_event ready = {.events = EPOLLIN};
    subscription->ready_fd = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
    subscription->poll_fd = epoll_create1(EPOLL_CLOEXEC);
    subscription->is_ready = 1;
    if (subscription->ready_fd < 0 || subscription->poll_fd < 0 ||
        epoll_ctl(subscription->poll_fd, EPOLL_CTL_ADD, subscription->ready_fd, &ready) != 0 ||
        epoll_ctl(subscription->poll_fd, EPOLL_CTL_ADD, obs__watch_fd(subscription->watch), &ready) != 0)
        return obs__fail_system(error, errno, "cannot watch for events");
    return OBS_OK;
}

obs_status obs__subscription_lock(obs_subscription *subscription, const obs__limit *limit, obs_error *error)
{
    obs_status status = obs__claims_lock(subscription->claims, limit, error);
    if (status != OBS_OK || subscription->claims->header->consumer == subscription->id)
        return status;
    obs__claims_unlock(subscription->claims);
    return obs__fail(error, OBS_ABORTED, "the consumer '%s' was removed: subscribe again", subscription->consumer);
}

/* Becomes a member; the first one brings what the tables know. */
static obs_status join(obs_subscription *subscription, const obs__claims_join *as, const obs__limit *limit, obs_error *error)
{
    int first = 0;
    obs_status status = obs__claims_lock(subscription->claims, limit, error);
    if (status != OBS_OK)
        return status;
    status = obs__claims_join_in(subscription->claims, as, &first, error);
    if (status == OBS_OK && first)
        status = obs__consumer_load(subscription->claims, subscription->gate, subscription->consumer, error);
    obs__claims_unlock(subscription->claims);
    if (status == OBS_ABORTED)
        return obs__fail(error, OBS_ABORTED, "the consumer '%s' is held already: end the other one, or choose another name",
                         subscription->consumer);
    return status;
}

static obs_status open_subscription(obs_subscription *subscription, obs__scope *scope, const obs_subscribe_options *options,
                                    obs_error *error)
{
    obs__claims_join as = {.exclusive = options && options->exclusive};
    obs_status status = obs__filter_set(&subscription->filter, options, error);
    if (status == OBS_OK)
        status = obs__member_new(&subscription->member, subscription->retention, error);
    if (status == OBS_OK)
        status = obs__watch_open(&subscription->watch, scope->gate->journal, error);
    if (status == OBS_OK)
        status = open_descriptors(subscription, error);
    /* Before the commit: on a full disk there is no room for the file, and nothing must be on record. */
    if (status == OBS_OK)
        status = obs__claims_open(&subscription->claims, scope->gate, subscription->consumer, error);
    if (status == OBS_OK)
        status = obs__consumer_hold(&as, subscription, scope, options && options->from_now, error);
    as.filter = subscription->filter.hash;
    subscription->id = as.consumer;
    subscription->moved = as.position;
    subscription->moved_ns = obs__monotonic_ns();
    return status == OBS_OK ? join(subscription, &as, &scope->limit, error) : status;
}

static obs_status check_name(const char *consumer, obs_error *error)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    size_t size = consumer ? strlen(consumer) : 0;
    if (size < 1 || size > 128 || strspn(consumer, allowed) != size)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "a consumer's name is 1 to 128 of A-Z a-z 0-9 . _ -");
    return OBS_OK;
}

static obs_status subscription_new(obs_subscription **out, obs_bus *bus, const char *consumer,
                                   const obs_subscribe_options *options, obs_error *error)
{
    const obs_call *call = options->call;
    if (call && call->size < sizeof *call)
        call = NULL;
    const char *subject = call ? call->subject : NULL;
    obs_subscription *subscription = obs__calloc(1, sizeof *subscription);
    *out = subscription;
    if (!subscription)
        return obs__fail_memory(error);
    atomic_init(&subscription->holders, 1);
    subscription->poll_fd = subscription->ready_fd = -1;
    subscription->generation = obs__generation();
    subscription->gate = bus->gate->ops->retain(bus->gate);
    subscription->retention = obs__retention_retain(bus->retention);
    obs__builder_init(&subscription->json, OBS_EVENT_MAX);
    subscription->consumer = obs__strdup(consumer);
    subscription->subject = obs__strdup(subject);
    subscription->timeout_ms = call ? call->timeout_ms : 0;
    subscription->attempts = options->attempts < 0 ? INT64_MAX : options->attempts ? options->attempts : ATTEMPTS;
    subscription->retry_ms = options->retry_ms > 0 ? options->retry_ms : RETRY_MS;
    subscription->retry_max_ms = options->retry_max_ms > 0 ? options->retry_max_ms : RETRY_MAX_MS;
    subscription->cancel = obs__cancel_retain(call ? call->cancel : NULL);
    return subscription->consumer && (subscription->subject || !subject) ? OBS_OK : obs__fail_memory(error);
}

obs_call obs__subscription_call(const obs_subscription *subscription)
{
    obs_call call;
    obs_call_init(&call, sizeof call);
    call.subject = subscription->subject;
    call.timeout_ms = subscription->timeout_ms;
    call.cancel = subscription->cancel;
    return call;
}

void obs_subscribe_options_init(obs_subscribe_options *options, size_t size)
{
    if (!options || size < sizeof options->size)
        return;
    memset(options, 0, size);
    options->size = size;
}

obs_status obs_bus_subscribe(obs_subscription **out, obs_bus *bus, const char *consumer, const obs_subscribe_options *options,
                             obs_error *error)
{
    obs__scope scope;
    obs_subscription *subscription = NULL;
    if (!out || !bus)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "out and bus are required");
    *out = NULL;
    obs_subscribe_options own;
    obs_subscribe_options_init(&own, sizeof own);
    if (options && options->size >= offsetof(obs_subscribe_options, filter))
        memcpy(&own, options, options->size < sizeof own ? options->size : sizeof own); /* an older caller's is shorter */
    options = &own;
    obs_status status = check_name(consumer, error);
    if (status != OBS_OK)
        return status;
    status = obs__gate_enter(&scope, bus->gate, OBS__CHANGE, "event.subscribe", consumer, OBS_TEXT, options->call, error);
    if (status != OBS_OK)
        return status;
    status = subscription_new(&subscription, bus, consumer, options, error);
    if (status == OBS_OK)
        status = open_subscription(subscription, &scope, options, error);
    if (status == OBS_OK)
        *out = subscription;
    else
        obs_subscription_free(subscription);
    return obs__gate_leave(&scope, status, error);
}

obs_status obs__subscription_check(const obs_subscription *subscription, obs_error *error)
{
    if (subscription->generation == obs__generation())
        return OBS_OK;
    return obs__fail(error, OBS_FAILED_PRECONDITION, "this subscription belongs to the parent process: subscribe again");
}

int obs_subscription_fd(const obs_subscription *subscription)
{
    return subscription ? subscription->poll_fd : -1;
}

void obs_subscription_free(obs_subscription *subscription)
{
    if (!subscription || atomic_fetch_sub(&subscription->holders, 1) != 1)
        return;
    int inherited = subscription->generation != obs__generation();
    if (!inherited && subscription->poll_fd >= 0)
        close(subscription->poll_fd);
    if (!inherited && subscription->ready_fd >= 0)
        close(subscription->ready_fd);
    obs__watch_free(subscription->watch);
    if (subscription->member)
        atomic_store(&subscription->member->ended, 1);
    obs__claims_close(subscription->claims);
    if (subscription->claims && !inherited)
        obs__journal_wake(subscription->gate->journal); /* others may take what it held */
    obs__member_free(subscription->member);
    obs__retention_free(subscription->retention);
    obs_event_free(subscription->event);
    obs__builder_free(&subscription->json);
    obs__filter_free(&subscription->filter);
    obs_cancel_free(subscription->cancel);
    obs__free(subscription->consumer);
    obs__free(subscription->subject);
    if (subscription->gate)
        subscription->gate->ops->free(subscription->gate);
    obs__free(subscription);
}
