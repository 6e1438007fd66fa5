#include "base/call.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/memory.h"

#define DEFAULT_TIMEOUT_MS 30000

struct obs_cancel {
    atomic_int set;
    atomic_uint holders;
    int fd;           /* an eventfd, readable once set: waiting calls poll it */
    obs_cancel *also; /* counts as this one; held, or NULL */
};

void obs_call_init(obs_call *call, size_t size)
{
    if (!call || size < sizeof(size_t))
        return;
    memset(call, 0, size);
    call->size = size;
}

obs_status obs_cancel_new(obs_cancel **out, obs_error *error)
{
    if (!out)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "out is required");
    *out = NULL;
    obs_cancel *cancel = obs__calloc(1, sizeof *cancel);
    if (!cancel)
        return obs__fail_memory(error);
    cancel->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (cancel->fd < 0) {
        int number = errno;
        obs__free(cancel);
        return obs__fail_system(error, number, "cannot make a cancel token");
    }
    atomic_init(&cancel->holders, 1);
    *out = cancel;
    return obs__ok(error);
}

void obs_cancel_set(obs_cancel *cancel)
{
    if (!cancel || atomic_exchange(&cancel->set, 1))
        return;
    uint64_t one = 1;
    int number = errno;
    /* Fails only when the counter is full, and then it is readable already. */
    ssize_t written = write(cancel->fd, &one, sizeof one);
    (void)written;
    errno = number;
}

void obs_cancel_reset(obs_cancel *cancel)
{
    uint64_t count;
    if (!cancel || !atomic_load(&cancel->set))
        return;
    ssize_t taken = read(cancel->fd, &count, sizeof count);
    (void)taken;
    atomic_store(&cancel->set, 0);
}

int obs_cancel_is_set(const obs_cancel *cancel)
{
    for (obs_cancel *at = (obs_cancel *)(uintptr_t)cancel; at; at = at->also)
        if (atomic_load(&at->set))
            return 1;
    return 0;
}

void obs__cancel_chain(obs_cancel *cancel, obs_cancel *also)
{
    cancel->also = obs__cancel_retain(also);
}

obs_cancel *obs__cancel_retain(obs_cancel *cancel)
{
    if (cancel)
        atomic_fetch_add(&cancel->holders, 1);
    return cancel;
}

void obs_cancel_free(obs_cancel *cancel)
{
    if (!cancel || atomic_fetch_sub(&cancel->holders, 1) != 1)
        return;
    close(cancel->fd);
    obs_cancel_free(cancel->also);
    obs__free(cancel);
}

obs__limit obs__limit_in(int64_t timeout_ms, obs_cancel *cancel)
{
    obs__limit limit = {INT64_MAX, cancel};
    if (timeout_ms >= 0 && timeout_ms < INT64_MAX / 4000000)
        limit.end_ns = obs__monotonic_ns() + timeout_ms * 1000000;
    return limit;
}

obs__limit obs__limit_of(const obs_call *call)
{
    if (!call || call->size < sizeof *call)
        return obs__limit_in(DEFAULT_TIMEOUT_MS, NULL);
    return obs__limit_in(call->timeout_ms ? call->timeout_ms : DEFAULT_TIMEOUT_MS, call->cancel);
}

obs_status obs__limit_check(const obs__limit *limit, obs_error *error)
{
    if (obs_cancel_is_set(limit->cancel))
        return obs__fail(error, OBS_CANCELLED, "cancelled");
    if (limit->end_ns != INT64_MAX && obs__monotonic_ns() >= limit->end_ns)
        return obs__fail(error, OBS_DEADLINE_EXCEEDED, "the time given for the call ran out");
    return OBS_OK;
}

int obs__limit_left_ms(const obs__limit *limit, int most)
{
    if (limit->end_ns == INT64_MAX)
        return most;
    int64_t left = (limit->end_ns - obs__monotonic_ns() + 999999) / 1000000;
    return left <= 0 ? 0 : left < most ? (int)left : most;
}

obs_status obs__limit_wait(const obs__limit *limit, int fd, int most_ms, int *ready, obs_error *error)
{
    const obs_cancel *also = limit->cancel ? limit->cancel->also : NULL;
    struct pollfd fds[3] = {
        {fd, POLLIN, 0}, {limit->cancel ? limit->cancel->fd : -1, POLLIN, 0}, {also ? also->fd : -1, POLLIN, 0}};
    *ready = 0;
    int got = poll(fds, 3, obs__limit_left_ms(limit, most_ms));
    if (got < 0 && errno != EINTR)
        return obs__fail_system(error, errno, "cannot wait");
    *ready = got > 0 && fds[0].revents;
    return *ready ? OBS_OK : obs__limit_check(limit, error);
}

size_t obs__limit_fds(int out[OBS__LIMIT_FDS], const obs__limit *limit)
{
    size_t count = 0;
    for (const obs_cancel *at = limit->cancel; at && count < OBS__LIMIT_FDS; at = at->also)
        out[count++] = at->fd;
    return count;
}

static atomic_uint generation = 1;

static void forked(void)
{
    atomic_fetch_add(&generation, 1);
}

static void watch_forks(void)
{
    pthread_atfork(NULL, NULL, forked);
}

unsigned obs__generation(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, watch_forks);
    return atomic_load_explicit(&generation, memory_order_relaxed);
}
