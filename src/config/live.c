#include "config/live.h"

#include <pthread.h>
#include <sched.h>

/* Threads lie far apart in memory, at addresses whose low bits are equal. */
static size_t slot_of_thread(void)
{
    return (size_t)(((uint64_t)(uintptr_t)pthread_self() * 0x9E3779B97F4A7C15) >> 59) % OBS__CONFIG_READER_SLOTS;
}

const obs__config_whole *obs__config_live_enter(obs__config_live *live, obs__config_slot **slot)
{
    *slot = &live->slots[atomic_load(&live->set)][slot_of_thread()];
    atomic_fetch_add(&(*slot)->readers, 1);
    return atomic_load(&live->whole);
}

void obs__config_live_leave(obs__config_slot *slot)
{
    atomic_fetch_sub_explicit(&slot->readers, 1, memory_order_release);
}

obs__config_whole *obs__config_live_hold(obs__config_live *live)
{
    obs__config_slot *slot;
    const obs__config_whole *whole = obs__config_live_enter(live, &slot);
    obs__config_whole *held = obs__config_whole_retain((obs__config_whole *)(uintptr_t)whole);
    obs__config_live_leave(slot);
    return held;
}

obs__config_whole *obs__config_live_exchange(obs__config_live *live, obs__config_whole *whole)
{
    return atomic_exchange(&live->whole, whole);
}

static void wait_for_set(obs__config_live *live, unsigned set)
{
    for (size_t i = 0; i < OBS__CONFIG_READER_SLOTS; i++)
        while (atomic_load(&live->slots[set][i].readers))
            sched_yield(); /* a lookup takes nanoseconds */
}

void obs__config_live_wait(obs__config_live *live)
{
    unsigned used = atomic_load(&live->set);
    wait_for_set(live, !used);
    atomic_store(&live->set, !used);
    wait_for_set(live, used);
}
