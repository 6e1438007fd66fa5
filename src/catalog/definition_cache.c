/* Compiled data definitions of the process. A definition never changes, so nothing here can be stale: which version is the
 * newest is asked from the database at each call. */
#include <string.h>

#include "base/memory.h"
#include "base/own.h"
#include "catalog/definition.h"

enum { KEPT = 64 };

typedef struct cache {
    obs__own own;
    uint64_t uses;
    struct {
        obs__definition *definition; /* held */
        uint64_t used;
    } kept[KEPT];
} cache;

static obs__own *_Atomic current;

/* NULL without memory: then nothing is kept. */
static cache *cache_now(void)
{
    return obs__own_get(&current, sizeof(cache));
}

static int is_it(const obs__definition *definition, const char *name, int64_t version, const unsigned char *sha256)
{
    return definition && definition->version == version && memcmp(definition->sha256, sha256, OBS__SHA256_SIZE) == 0 &&
           strcmp(definition->name, name) == 0;
}

obs__definition *obs__definition_cached(const char *name, int64_t version, const unsigned char sha256[OBS__SHA256_SIZE])
{
    obs__definition *found = NULL;
    cache *now = cache_now();
    if (!now)
        return NULL;
    pthread_mutex_lock(&now->own.lock);
    for (size_t i = 0; i < KEPT && !found; i++)
        if (is_it(now->kept[i].definition, name, version, sha256)) {
            now->kept[i].used = ++now->uses;
            found = obs__definition_retain(now->kept[i].definition);
        }
    pthread_mutex_unlock(&now->own.lock);
    return found;
}

void obs__definition_remember(obs__definition *definition)
{
    cache *now = cache_now();
    if (!now)
        return;
    pthread_mutex_lock(&now->own.lock);
    size_t oldest = 0;
    for (size_t i = 1; i < KEPT; i++)
        if (now->kept[i].used < now->kept[oldest].used)
            oldest = i;
    obs__definition *gone = now->kept[oldest].definition;
    now->kept[oldest].definition = obs__definition_retain(definition);
    now->kept[oldest].used = ++now->uses;
    pthread_mutex_unlock(&now->own.lock);
    obs__definition_free(gone);
}

obs__definition *obs__definition_retain(obs__definition *definition)
{
    atomic_fetch_add(&definition->holders, 1);
    return definition;
}

void obs__definition_free(obs__definition *definition)
{
    if (!definition || atomic_fetch_sub(&definition->holders, 1) != 1)
        return;
    obs__schema_free(definition->schema);
    obs__free(definition);
}
