/*
 * Memory for secrets: pages of their own that are locked, left out of core dumps, empty in a forked child, and have a page
 * without access on either side. Small secrets share a region, as locked memory is scarce (often 64 KiB for each user); large
 * ones have one of their own. What describes them lies on the ordinary heap and says nothing about their contents.
 */
#include "base/secret.h"

#include <openssl/crypto.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/metrics.h"
#include "base/own.h"

#define GRAIN 64                      /* what a small secret is rounded up to */
#define SHARED_SIZE ((size_t)16384)   /* of a region for small ones, or one page where pages are larger */
#define SHARED_LARGEST ((size_t)4096) /* larger ones have a region of their own */
#define GRAINS_MAX 1024               /* a page has at most 64 KiB */

struct region {
    struct region *next;
    char *data;
    size_t size;
    size_t grains_taken;
    unsigned char taken[GRAINS_MAX]; /* one for each grain; unused in a region of one secret */
};

struct arena {
    obs__own own;
    struct region *shared;
};

struct obs_secret {
    atomic_size_t holders;
    struct arena *arena;
    struct region *region;
    char *bytes;
    size_t size;
    size_t room; /* bytes and their NUL */
};

static obs__own *_Atomic current;
static obs__counter unprotected = {"obs_secret_unprotected",
                                   "Times that memory for secrets could not be locked or kept out of core dumps.", 0, 0, NULL};

static size_t page_size(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

/* Best effort, as limits and sandboxes differ; what was not granted is counted, and told once. */
static void protect(void *data, size_t size)
{
    static atomic_int told;
    int kept_from_child = madvise(data, size, MADV_WIPEONFORK) == 0 || madvise(data, size, MADV_DONTFORK) == 0;
    int kept_from_dump = madvise(data, size, MADV_DONTDUMP) == 0;
    int locked = mlock(data, size) == 0;
    if (locked && kept_from_dump && kept_from_child)
        return;
    obs__counter_add(&unprotected, 1);
    if (!atomic_exchange(&told, 1))
        obs__log(OBS_LOG_WARNING, "secret", NULL, "%s",
                 locked ? "this system cannot keep secrets out of core dumps or child processes"
                        : "secrets could not be locked in memory and may be swapped out: raise the limit (ulimit -l)");
}

static struct region *region_new(size_t size)
{
    size_t page = page_size();
    struct region *region = obs__calloc(1, sizeof *region);
    if (!region)
        return NULL;
    region->size = (size + page - 1) / page * page;
    char *whole = mmap(NULL, region->size + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (whole == MAP_FAILED) {
        obs__free(region);
        return NULL;
    }
    region->data = whole + page;
    if (mprotect(region->data, region->size, PROT_READ | PROT_WRITE) != 0) {
        munmap(whole, region->size + 2 * page);
        obs__free(region);
        return NULL;
    }
    protect(region->data, region->size);
    return region;
}

static void region_free(struct region *region)
{
    size_t page = page_size();
    if (!region)
        return;
    munmap(region->data - page, region->size + 2 * page);
    obs__free(region);
}

/* Where so many free grains lie side by side in a region; its size when nowhere. */
static size_t find_grains(const struct region *region, size_t wanted)
{
    size_t grains = region->size / GRAIN, run = 0;
    for (size_t at = 0; at < grains; at++) {
        run = region->taken[at] ? 0 : run + 1;
        if (run == wanted)
            return at + 1 - run;
    }
    return grains;
}

static struct region *shared_region(struct arena *arena, size_t wanted, size_t *at)
{
    for (struct region *region = arena->shared; region; region = region->next)
        if ((*at = find_grains(region, wanted)) < region->size / GRAIN)
            return region;
    struct region *made = region_new(SHARED_SIZE);
    if (made) {
        made->next = arena->shared;
        arena->shared = made;
    }
    *at = 0;
    return made;
}

static void take_shared(obs_secret *secret)
{
    size_t wanted = (secret->room + GRAIN - 1) / GRAIN, at;
    pthread_mutex_lock(&secret->arena->own.lock);
    secret->region = shared_region(secret->arena, wanted, &at);
    if (secret->region) {
        memset(secret->region->taken + at, 1, wanted);
        secret->region->grains_taken += wanted;
        secret->bytes = secret->region->data + at * GRAIN;
    }
    pthread_mutex_unlock(&secret->arena->own.lock);
}

/* The last region stays, empty: a secret that is read again and again costs no system calls. */
static struct region *give_shared(const obs_secret *secret)
{
    struct arena *arena = secret->arena;
    struct region *region = secret->region, *unused = NULL;
    size_t taken = (secret->room + GRAIN - 1) / GRAIN;
    pthread_mutex_lock(&arena->own.lock);
    memset(region->taken + (size_t)(secret->bytes - region->data) / GRAIN, 0, taken);
    region->grains_taken -= taken;
    if (!region->grains_taken && arena->shared->next) {
        struct region **at = &arena->shared;
        while (*at != region)
            at = &(*at)->next;
        *at = region->next;
        unused = region;
    }
    pthread_mutex_unlock(&arena->own.lock);
    return unused;
}

obs_status obs__secret_room(obs_secret **out, char **data, size_t size, obs_error *error)
{
    *out = NULL;
    if (size > OBS__SECRET_SIZE_LIMIT + 1)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "a secret has at most %zu bytes", OBS__SECRET_SIZE_LIMIT);
    struct arena *arena = obs__own_get(&current, sizeof *arena);
    obs_secret *secret = arena ? obs__calloc(1, sizeof *secret) : NULL;
    if (!secret)
        return obs__fail_memory(error);
    atomic_init(&secret->holders, 1);
    secret->arena = arena;
    secret->size = size;
    secret->room = size + 1;
    if (secret->room <= SHARED_LARGEST)
        take_shared(secret);
    else if ((secret->region = region_new(secret->room)))
        secret->bytes = secret->region->data;
    if (!secret->region) {
        obs__free(secret);
        return obs__fail_memory(error);
    }
    *data = secret->bytes; /* memory was wiped when it was given back: the NUL behind is there */
    *out = secret;
    return OBS_OK;
}

void obs__secret_shrink(obs_secret *secret, size_t size)
{
    if (size >= secret->size)
        return;
    OPENSSL_cleanse(secret->bytes + size, secret->size - size);
    secret->size = size;
}

void obs__secret_trim(obs_secret *secret)
{
    size_t size = secret->size;
    if (size && secret->bytes[size - 1] == '\n')
        size -= size > 1 && secret->bytes[size - 2] == '\r' ? 2 : 1;
    obs__secret_shrink(secret, size);
}

obs_status obs_secret_new(obs_secret **out, const void *bytes, size_t size, obs_error *error)
{
    char *data = NULL;
    if (!out || (!bytes && size))
        return obs__fail(error, OBS_INVALID_ARGUMENT, "out and bytes are required");
    *out = NULL;
    if (size == OBS_TEXT)
        size = strnlen(bytes, OBS__SECRET_SIZE_LIMIT + 1);
    if (size > OBS__SECRET_SIZE_LIMIT)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "a secret has at most %zu bytes", OBS__SECRET_SIZE_LIMIT);
    obs_status status = obs__secret_room(out, &data, size, error);
    if (status != OBS_OK)
        return status;
    if (size)
        memcpy(data, bytes, size);
    return obs__ok(error);
}

/* A child's copy of the pages is empty or not there at all. */
static int is_ours(const obs_secret *secret)
{
    return secret && obs__own_is_ours(&secret->arena->own);
}

const void *obs_secret_bytes(const obs_secret *secret)
{
    return is_ours(secret) ? secret->bytes : "";
}

size_t obs_secret_size(const obs_secret *secret)
{
    return is_ours(secret) ? secret->size : 0;
}

obs_secret *obs_secret_retain(obs_secret *secret)
{
    if (secret)
        atomic_fetch_add(&secret->holders, 1);
    return secret;
}

void obs_secret_free(obs_secret *secret)
{
    if (!secret || atomic_fetch_sub(&secret->holders, 1) != 1)
        return;
    if (is_ours(secret)) {
        OPENSSL_cleanse(secret->bytes, secret->room);
        region_free(secret->room <= SHARED_LARGEST ? give_shared(secret) : secret->region);
    }
    obs__free(secret);
}
