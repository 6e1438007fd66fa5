#include "audit/notes.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/memory.h"

#define SHARDS 8
#define SLOTS 256
#define MOST_SLOTS 192 /* beyond that, looking one up takes too long */
#define TEXT_SIZE 32768
#define MOST_TEXT 1024 /* no leaf takes more */

struct slot {
    uint64_t hash;
    uint64_t count; /* 0: free */
    uint64_t bytes;
    int64_t time_ns; /* of the first */
    const char *action;
    const char *kind;
    obs_status status;
    uint16_t sizes[4]; /* subject, actor, object, client, one after the other, each with a NUL */
    uint32_t text;
    char trace[33];
};

struct table {
    uint32_t used;
    uint32_t text_used;
    struct slot slots[SLOTS];
    char text[TEXT_SIZE];
};

struct shard {
    pthread_mutex_t lock;
    struct table *active;
    struct table *spare; /* empty; NULL while it is being written */
    struct table *taken;
    struct table tables[2];
};

struct obs__notes {
    unsigned generation;
    _Atomic uint64_t lost;
    uint64_t lost_taken;
    struct shard shards[SHARDS];
};

obs_status obs__notes_new(obs__notes **out, obs_error *error)
{
    obs__notes *notes = obs__calloc(1, sizeof *notes);
    *out = notes;
    if (!notes)
        return obs__fail_memory(error);
    notes->generation = obs__generation();
    for (size_t i = 0; i < SHARDS; i++) {
        pthread_mutex_init(&notes->shards[i].lock, NULL);
        notes->shards[i].active = &notes->shards[i].tables[0];
        notes->shards[i].spare = &notes->shards[i].tables[1];
    }
    return OBS_OK;
}

void obs__notes_free(obs__notes *notes)
{
    obs__free(notes);
}

unsigned obs__notes_generation(const obs__notes *notes)
{
    return notes->generation;
}

static uint64_t mix(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * 0x9E3779B97F4A7C15u;
    return hash ^ hash >> 29;
}

static uint64_t hash_bytes(uint64_t hash, const char *data, size_t size)
{
    uint64_t word;
    for (; size >= sizeof word; data += sizeof word, size -= sizeof word) {
        memcpy(&word, data, sizeof word);
        hash = mix(hash, word);
    }
    word = size;
    for (size_t i = 0; i < size; i++)
        word = word << 8 | (unsigned char)data[i];
    return mix(hash, word);
}

/* The four texts of a record, cut to what a leaf takes. */
static void texts_of(obs__view out[4], const obs__audit_record *record)
{
    out[0] = obs__view_of(record->subject, OBS_TEXT);
    out[1] = obs__view_of(record->actor, OBS_TEXT);
    out[2] = record->object;
    out[3] = obs__view_of(record->client, OBS_TEXT);
    for (int i = 0; i < 4; i++)
        if (out[i].size > MOST_TEXT)
            out[i].size = MOST_TEXT;
}

static uint64_t hash_of(const obs__audit_record *record, const obs__view texts[4])
{
    uint64_t hash = mix((uint64_t)(uintptr_t)record->action, (uint64_t)record->status);
    hash = hash_bytes(hash, texts[2].data, texts[2].size);
    hash = hash_bytes(hash, texts[0].data, texts[0].size);
    return hash | 1;
}

static int is_same(const struct table *table, const struct slot *slot, const obs__audit_record *record,
                   const obs__view texts[4])
{
    if (slot->action != record->action || slot->status != record->status || slot->kind != record->kind)
        return 0;
    const char *at = table->text + slot->text;
    for (int i = 0; i < 4; at += slot->sizes[i] + 1, i++)
        if (slot->sizes[i] != texts[i].size || memcmp(at, texts[i].data, texts[i].size) != 0)
            return 0;
    return 1;
}

/* The slot of an equal record, else the free one where it belongs. */
static struct slot *find(struct table *table, uint64_t hash, const obs__audit_record *record, const obs__view texts[4])
{
    for (size_t at = hash >> 8;; at++) {
        struct slot *slot = &table->slots[at % SLOTS];
        if (!slot->count || (slot->hash == hash && is_same(table, slot, record, texts)))
            return slot;
    }
}

static int has_room(const struct table *table, const obs__view texts[4])
{
    size_t size = 4;
    for (int i = 0; i < 4; i++)
        size += texts[i].size;
    return table->used < MOST_SLOTS && table->text_used + size <= TEXT_SIZE;
}

static void fill(struct table *table, struct slot *slot, uint64_t hash, const obs__audit_record *record,
                 const obs__view texts[4])
{
    *slot = (struct slot){.hash = hash,
                          .time_ns = record->time_ns ? record->time_ns : obs__now_ns(),
                          .action = record->action,
                          .kind = record->kind,
                          .status = record->status,
                          .text = table->text_used};
    if (record->trace)
        memcpy(slot->trace, record->trace, strnlen(record->trace, sizeof slot->trace - 1));
    for (int i = 0; i < 4; i++) {
        slot->sizes[i] = (uint16_t)texts[i].size;
        memcpy(table->text + table->text_used, texts[i].data, texts[i].size);
        table->text_used += (uint32_t)texts[i].size;
        table->text[table->text_used++] = '\0';
    }
    table->used++;
}

/* With the lock. 0 when there is no room. */
static int add(struct shard *shard, uint64_t hash, const obs__audit_record *record, const obs__view texts[4])
{
    struct slot *slot = find(shard->active, hash, record, texts);
    if (!slot->count) {
        if (!has_room(shard->active, texts))
            return 0;
        fill(shard->active, slot, hash, record, texts);
    }
    slot->count += record->count ? record->count : 1;
    slot->bytes += record->bytes;
    return 1;
}

obs__noted obs__notes_add(obs__notes *notes, const obs__audit_record *record)
{
    obs__view texts[4];
    texts_of(texts, record);
    uint64_t hash = hash_of(record, texts);
    struct shard *shard = &notes->shards[hash >> 32 & (SHARDS - 1)];
    pthread_mutex_lock(&shard->lock);
    int added = add(shard, hash, record, texts);
    int filling = shard->active->used > MOST_SLOTS / 2 || shard->active->text_used > TEXT_SIZE / 2;
    pthread_mutex_unlock(&shard->lock);
    if (!added)
        obs__notes_lose(notes, 1);
    return !added || filling ? OBS__NOTED_HURRY : OBS__NOTED;
}

void obs__notes_lose(obs__notes *notes, uint64_t count)
{
    atomic_fetch_add(&notes->lost, count);
}

static obs_status slot_effect(obs__effects *effects, const struct table *table, const struct slot *slot, const char *tenant,
                              obs_error *error)
{
    const char *texts[4] = {table->text + slot->text};
    for (int i = 1; i < 4; i++)
        texts[i] = texts[i - 1] + slot->sizes[i - 1] + 1;
    obs__audit_record record = {.time_ns = slot->time_ns,
                                .kind = slot->kind,
                                .action = slot->action,
                                .status = slot->status,
                                .subject = texts[0],
                                .actor = texts[1],
                                .object = {texts[2], slot->sizes[2]},
                                .client = texts[3],
                                .trace = slot->trace,
                                .bytes = slot->bytes,
                                .count = slot->count};
    return obs__audit_effect(effects, tenant, &record, error);
}

static obs_status table_effects(obs__effects *effects, const struct table *table, const char *tenant, obs_error *error)
{
    obs_status status = OBS_OK;
    for (size_t i = 0; i < SLOTS && status == OBS_OK; i++)
        if (table->slots[i].count)
            status = slot_effect(effects, table, &table->slots[i], tenant, error);
    return status;
}

static obs_status loss_effect(obs__effects *effects, uint64_t count, const char *tenant, obs_error *error)
{
    obs__audit_record record = {.time_ns = obs__now_ns(),
                                .kind = "loss",
                                .action = "audit.lost",
                                .status = OBS_RESOURCE_EXHAUSTED,
                                .object = {"", 0},
                                .count = count};
    return obs__audit_effect(effects, tenant, &record, error);
}

obs_status obs__notes_take(obs__notes *notes, obs__effects *effects, const char *tenant, obs_error *error)
{
    obs_status status = OBS_OK;
    for (size_t i = 0; i < SHARDS && status == OBS_OK; i++) {
        struct shard *shard = &notes->shards[i];
        pthread_mutex_lock(&shard->lock);
        if (!shard->taken && shard->active->used) {
            shard->taken = shard->active;
            shard->active = shard->spare;
            shard->spare = NULL;
        }
        pthread_mutex_unlock(&shard->lock);
        if (shard->taken)
            status = table_effects(effects, shard->taken, tenant, error);
    }
    notes->lost_taken = atomic_load(&notes->lost);
    if (status == OBS_OK && notes->lost_taken)
        status = loss_effect(effects, notes->lost_taken, tenant, error);
    return status;
}

static uint64_t count_of(const struct table *table)
{
    uint64_t count = 0;
    for (size_t i = 0; i < SLOTS; i++)
        count += table->slots[i].count;
    return count;
}

static uint64_t clear(struct table *table)
{
    uint64_t count = count_of(table);
    memset(table->slots, 0, sizeof table->slots);
    table->used = table->text_used = 0;
    return count;
}

void obs__notes_given(obs__notes *notes, int done)
{
    if (!done)
        return;
    for (size_t i = 0; i < SHARDS; i++) {
        struct shard *shard = &notes->shards[i];
        if (!shard->taken)
            continue;
        uint64_t count = clear(shard->taken);
        if (done < 0)
            obs__notes_lose(notes, count);
        pthread_mutex_lock(&shard->lock);
        shard->spare = shard->taken;
        shard->taken = NULL;
        pthread_mutex_unlock(&shard->lock);
    }
    if (done > 0)
        atomic_fetch_sub(&notes->lost, notes->lost_taken);
}

int obs__notes_any(obs__notes *notes)
{
    int any = atomic_load(&notes->lost) != 0;
    for (size_t i = 0; i < SHARDS && !any; i++) {
        pthread_mutex_lock(&notes->shards[i].lock);
        any = notes->shards[i].taken || notes->shards[i].active->used;
        pthread_mutex_unlock(&notes->shards[i].lock);
    }
    return any;
}

uint64_t obs__notes_count(obs__notes *notes)
{
    uint64_t count = atomic_load(&notes->lost);
    for (size_t i = 0; i < SHARDS; i++) {
        struct shard *shard = &notes->shards[i];
        pthread_mutex_lock(&shard->lock);
        count += count_of(&shard->tables[0]) + count_of(&shard->tables[1]);
        pthread_mutex_unlock(&shard->lock);
    }
    return count;
}
