#include "base/own.h"

#include <stdatomic.h>
#include <time.h>

#include "base/call.h"
#include "base/memory.h"

static obs__own *own_new(obs__own *previous, size_t size)
{
    pthread_condattr_t attributes;
    obs__own *own = obs__calloc(1, size);
    if (!own || pthread_condattr_init(&attributes) != 0) {
        obs__free(own);
        return NULL;
    }
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&own->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&own->lock, NULL);
    own->generation = obs__generation();
    own->previous = previous;
    return own;
}

void *obs__own_find(obs__own *_Atomic *current)
{
    obs__own *seen = atomic_load(current);
    return seen && obs__own_is_ours(seen) ? seen : NULL;
}

void *obs__own_get(obs__own *_Atomic *current, size_t size)
{
    obs__own *seen = atomic_load(current);
    if (seen && obs__own_is_ours(seen))
        return seen;
    obs__own *made = own_new(seen, size);
    if (!made)
        return NULL;
    if (atomic_compare_exchange_strong(current, &seen, made))
        return made;
    pthread_cond_destroy(&made->changed);
    pthread_mutex_destroy(&made->lock);
    obs__free(made);
    return seen; /* another thread of the same generation was faster */
}

int obs__own_is_ours(const obs__own *own)
{
    return own->generation == obs__generation();
}
