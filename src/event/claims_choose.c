/* Which event comes next: priority, order, time, and one member at a time for each partition key. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/memory.h"
#include "event/claims.h"

obs__claim *obs__claims_find(obs__claims *claims, uint64_t sequence)
{
    uint32_t used = claims->header->used;
    for (uint32_t i = 0; i < used; i++) {
        uint32_t at = (claims->found + i) % used;
        if (claims->items[at].state != OBS__CLAIM_FREE && claims->items[at].sequence == sequence) {
            claims->found = at;
            return &claims->items[at];
        }
    }
    return NULL;
}

void obs__claims_remove(obs__claims *claims, obs__claim *claim)
{
    obs__claims_header *header = claims->header;
    claim->state = OBS__CLAIM_FREE;
    while (header->used && claims->items[header->used - 1].state == OBS__CLAIM_FREE)
        header->used--;
}

int obs__claims_is_mine(const obs__claims *claims, const obs__claim *claim)
{
    return claim->state == OBS__CLAIM_HELD && claim->member == claims->member;
}

static int compare(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

uint64_t obs__claims_position(const obs__claims *claims, const uint64_t *done, size_t count)
{
    uint64_t position = UINT64_MAX;
    for (int i = 0; i < OBS__PRIORITIES; i++)
        if (claims->header->cursor[i] < position)
            position = claims->header->cursor[i];
    for (uint32_t i = 0; i < claims->header->used; i++) {
        const obs__claim *claim = &claims->items[i];
        if (claim->state != OBS__CLAIM_FREE && claim->sequence <= position &&
            !(count && bsearch(&claim->sequence, done, count, sizeof *done, compare)))
            position = claim->sequence - 1;
    }
    return position;
}

void obs__claims_sort(uint64_t *sequences, size_t *count)
{
    size_t kept = 0;
    if (!*count)
        return;
    qsort(sequences, *count, sizeof *sequences, compare);
    for (size_t i = 1; i < *count; i++)
        if (sequences[i] != sequences[kept])
            sequences[++kept] = sequences[i];
    *count = kept + 1;
}

/* For each key the oldest event that is not with this member: what comes behind it must wait. Open addressing. */
typedef struct fronts {
    size_t mask;
    struct front {
        uint64_t key;
        uint64_t sequence;
    } places[];
} fronts;

static struct front *front_of(fronts *self, uint64_t key)
{
    size_t at = (size_t)key & self->mask;
    while (self->places[at].key && self->places[at].key != key)
        at = (at + 1) & self->mask;
    return &self->places[at];
}

static fronts *fronts_of(const obs__claims *claims)
{
    size_t size = 16;
    while (size < 2 * (size_t)claims->header->used)
        size *= 2;
    fronts *self = obs__calloc(1, sizeof *self + size * sizeof self->places[0]);
    if (!self)
        return NULL;
    self->mask = size - 1;
    for (uint32_t i = 0; i < claims->header->used; i++) {
        const obs__claim *claim = &claims->items[i];
        if (claim->state == OBS__CLAIM_FREE || !claim->key || obs__claims_is_mine(claims, claim))
            continue;
        struct front *front = front_of(self, claim->key);
        if (!front->key || claim->sequence < front->sequence)
            *front = (struct front){claim->key, claim->sequence};
    }
    return self;
}

static int comes_before(const obs__claim *a, const obs__claim *b)
{
    return !b || a->priority > b->priority || (a->priority == b->priority && a->sequence < b->sequence);
}

obs_status obs__claims_choose(obs__claim **out, int64_t *due_ms, obs__claims *claims, obs_error *error)
{
    int64_t now_ms = obs__now_ns() / 1000000;
    *out = NULL;
    *due_ms = INT64_MAX;
    if (claims->header->used > claims->header->capacity || claims->header->capacity > OBS__CLAIMS_MAX)
        return obs__fail(error, OBS_DATA_LOSS, "the file of the consumer is damaged: end all its members, and begin again");
    fronts *keys = fronts_of(claims);
    if (!keys)
        return obs__fail_memory(error);
    for (uint32_t i = 0; i < claims->header->used; i++) {
        obs__claim *claim = &claims->items[i];
        if (claim->state != OBS__CLAIM_WAITING || (claim->key && front_of(keys, claim->key)->sequence != claim->sequence))
            continue;
        if (claim->due_ms > now_ms && claim->due_ms - now_ms <= OBS__DUE_MOST_MS)
            *due_ms = claim->due_ms < *due_ms ? claim->due_ms : *due_ms;
        else if (comes_before(claim, *out))
            *out = claim;
    }
    obs__free(keys);
    return OBS_OK;
}
