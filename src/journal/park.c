#include "journal/park.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

static void sleep_on(obs__word *word, int operation, uint32_t seen, int64_t end_ns, uint32_t mask)
{
    int number = errno;
    struct timespec end = {end_ns / 1000000000, end_ns % 1000000000};
    syscall(SYS_futex, word, operation, seen, end_ns == OBS__FOREVER ? NULL : &end, NULL, mask);
    errno = number;
}

static void wake_on(obs__word *word, int operation, uint32_t mask)
{
    int number = errno;
    syscall(SYS_futex, word, operation, INT_MAX, NULL, NULL, mask);
    errno = number;
}

void obs__park(obs__word *word, uint32_t seen, int64_t end_ns)
{
    sleep_on(word, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, seen, end_ns, FUTEX_BITSET_MATCH_ANY);
}

void obs__unpark(obs__word *word)
{
    wake_on(word, FUTEX_WAKE_BITSET | FUTEX_PRIVATE_FLAG, FUTEX_BITSET_MATCH_ANY);
}

void obs__park_shared(obs__word *word, uint32_t seen, int64_t end_ns, uint32_t channel)
{
    sleep_on(word, FUTEX_WAIT_BITSET, seen, end_ns, 1U << channel % 32);
}

void obs__unpark_shared(obs__word *word, uint32_t channel)
{
    wake_on(word, FUTEX_WAKE_BITSET, 1U << channel % 32);
}

int64_t obs__slice_end(const obs__limit *limit)
{
    int64_t end = obs__monotonic_ns() + OBS__SLICE_NS;
    return limit->end_ns < end ? limit->end_ns : end;
}

enum { FREE, TAKEN, WANTED };

obs_status obs__turn_take(obs__turn *turn, const obs__limit *limit, obs_error *error)
{
    uint32_t seen = FREE;
    if (atomic_compare_exchange_strong(turn, &seen, TAKEN))
        return OBS_OK;
    while (atomic_exchange(turn, WANTED) != FREE) {
        obs_status status = obs__limit_check(limit, error);
        if (status != OBS_OK)
            return status; /* that it is wanted stays: at worst somebody is woken for nothing */
        obs__park(turn, WANTED, obs__slice_end(limit));
    }
    return OBS_OK;
}

void obs__turn_give(obs__turn *turn)
{
    if (atomic_exchange(turn, FREE) == WANTED)
        obs__unpark(turn);
}

void obs__turn_reset(obs__turn *turn)
{
    atomic_store(turn, FREE);
}
