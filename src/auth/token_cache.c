#include "auth/token_cache.h"

#include <string.h>

#include "base/brief.h"
#include "base/memory.h"

#define WAYS 4
#define SETS (OBS__TOKEN_CACHE_COUNT / WAYS)

/* Empty without claims, which are therefore the first to go and the last to come. */
typedef struct entry {
    obs__claims *_Atomic claims;
    uint64_t generation;
    uint32_t used;
    unsigned char hash[OBS__SHA256_SIZE];
} entry;

/* The hash of a token says in which set it is; what is in one set does not wait for the others. */
typedef struct set {
    obs__brief lock;
    uint32_t clock;
    uint64_t hits;
    entry entries[WAYS];
} set;

struct obs__token_cache {
    set sets[SETS];
};

obs__token_cache *obs__token_cache_new(void)
{
    return obs__calloc(1, sizeof(obs__token_cache));
}

void obs__token_cache_free(obs__token_cache *cache)
{
    if (!cache)
        return;
    for (size_t i = 0; i < SETS; i++)
        for (size_t j = 0; j < WAYS; j++)
            obs__claims_release(atomic_load(&cache->sets[i].entries[j].claims));
    obs__free(cache);
}

static set *set_of(obs__token_cache *cache, const unsigned char *hash)
{
    return &cache->sets[(hash[0] | (unsigned)hash[1] << 8) % SETS];
}

static int fits(const entry *entry, const unsigned char *hash, uint64_t generation)
{
    return atomic_load_explicit(&entry->claims, memory_order_relaxed) && entry->generation == generation &&
           memcmp(entry->hash, hash, sizeof entry->hash) == 0;
}

obs__claims *obs__token_cache_find(obs__token_cache *cache, const unsigned char hash[OBS__SHA256_SIZE], uint64_t generation)
{
    obs__claims *found = NULL;
    set *set = set_of(cache, hash);
    obs__brief_take(&set->lock);
    for (size_t i = 0; i < WAYS && !found; i++)
        if (fits(&set->entries[i], hash, generation)) {
            set->entries[i].used = ++set->clock;
            set->hits++;
            found = obs__claims_retain(atomic_load_explicit(&set->entries[i].claims, memory_order_relaxed));
        }
    obs__brief_release(&set->lock);
    return found;
}

/* The same token again, an empty entry, a useless one, or the one that was used longest ago. */
static entry *place_of(set *set, const unsigned char *hash, uint64_t generation, int64_t now_ns)
{
    entry *best = NULL;
    uint32_t best_worth = 0;
    for (size_t i = 0; i < WAYS; i++) {
        entry *entry = &set->entries[i];
        obs__claims *claims = atomic_load_explicit(&entry->claims, memory_order_relaxed);
        if (fits(entry, hash, generation))
            return entry;
        int is_useless = !claims || entry->generation != generation || claims->expires_ns <= now_ns;
        uint32_t worth = is_useless ? 0 : UINT32_MAX - (set->clock - entry->used);
        if (!best || worth < best_worth) {
            best = entry;
            best_worth = worth;
        }
    }
    return best;
}

void obs__token_cache_put(obs__token_cache *cache, const unsigned char hash[OBS__SHA256_SIZE], uint64_t generation,
                          obs__claims *claims, int64_t now_ns)
{
    set *set = set_of(cache, hash);
    obs__claims_retain(claims);
    obs__brief_take(&set->lock);
    entry *entry = place_of(set, hash, generation, now_ns);
    obs__claims *old = atomic_exchange(&entry->claims, NULL);
    memcpy(entry->hash, hash, sizeof entry->hash);
    entry->generation = generation;
    entry->used = ++set->clock;
    atomic_store(&entry->claims, claims);
    obs__brief_release(&set->lock);
    obs__claims_release(old);
}

uint64_t obs__token_cache_hits(obs__token_cache *cache)
{
    uint64_t hits = 0;
    for (size_t i = 0; i < SETS; i++) {
        obs__brief_take(&cache->sets[i].lock);
        hits += cache->sets[i].hits;
        obs__brief_release(&cache->sets[i].lock);
    }
    return hits;
}
