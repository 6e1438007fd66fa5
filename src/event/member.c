/* What outlives the handle of a member: units may still hold an acknowledgement of it. */
#include "base/error.h"
#include "base/memory.h"
#include "event/bus_internal.h"

obs_status obs__member_new(obs__member **out, obs__retention *retention, obs_error *error)
{
    obs__member *member = obs__calloc(1, sizeof *member);
    *out = member;
    if (!member)
        return obs__fail_memory(error);
    pthread_mutex_init(&member->mutex, NULL);
    atomic_init(&member->holders, 1);
    member->retention = obs__retention_retain(retention);
    return OBS_OK;
}

obs__member *obs__member_retain(obs__member *member)
{
    atomic_fetch_add(&member->holders, 1);
    return member;
}

void obs__member_free(obs__member *member)
{
    if (!member || atomic_fetch_sub(&member->holders, 1) != 1)
        return;
    pthread_mutex_destroy(&member->mutex);
    obs__free(member->settled);
    obs__retention_free(member->retention);
    obs__free(member);
}

/* Room for one more, before the commit. */
static int make_room(obs__member *member)
{
    pthread_mutex_lock(&member->mutex);
    size_t holders = (size_t)atomic_load(&member->holders);
    size_t wanted = member->count + holders + 1;
    int room = wanted <= member->capacity;
    if (!room) {
        uint64_t *larger = obs__realloc(member->settled, 2 * wanted * sizeof *larger);
        if (larger) {
            member->settled = larger;
            member->capacity = 2 * wanted;
            room = 1;
        }
    }
    pthread_mutex_unlock(&member->mutex);
    return room;
}

obs__member *obs__member_stage(obs__member *member)
{
    return make_room(member) ? obs__member_retain(member) : NULL;
}

void obs__member_settled(obs__member *member, uint64_t sequence)
{
    pthread_mutex_lock(&member->mutex);
    if (member->count < member->capacity)
        member->settled[member->count++] = sequence;
    pthread_mutex_unlock(&member->mutex);
}

void obs__member_settle(obs_subscription *subscription, int *freed)
{
    obs__member *member = subscription->member;
    pthread_mutex_lock(&member->mutex);
    for (size_t i = 0; i < member->count; i++) {
        obs__claim *claim = obs__claims_find(subscription->claims, member->settled[i]);
        if (!claim)
            continue;
        *freed |= claim->key != 0;
        obs__claims_remove(subscription->claims, claim);
    }
    member->count = 0;
    pthread_mutex_unlock(&member->mutex);
}
