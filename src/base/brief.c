#include "base/brief.h"

#include <sched.h>

#include "base/call.h"

#define SPINS 64

/* The lock holds the number of the process that took it: another number is that of a parent, none of whose threads is here. */
static int try(obs__brief *lock, unsigned own)
{
    unsigned seen = 0;
    if (atomic_compare_exchange_weak_explicit(lock, &seen, own, memory_order_acquire, memory_order_relaxed))
        return 1;
    return seen && seen != own &&
           atomic_compare_exchange_strong_explicit(lock, &seen, own, memory_order_acquire, memory_order_relaxed);
}

void obs__brief_take(obs__brief *lock)
{
    unsigned own = obs__generation() + 1;
    for (unsigned tries = 1; !try(lock, own); tries++)
        if (tries % SPINS == 0)
            sched_yield();
}

void obs__brief_release(obs__brief *lock)
{
    atomic_store_explicit(lock, 0, memory_order_release);
}
