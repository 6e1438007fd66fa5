/* Changes in memory: decided in the transaction, visible after its commit, so that they are audited like all others. */
#include <string.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/memory.h"
#include "store/mem.h"

typedef enum obs__mem_kind { MEM_PUT, MEM_REMOVE, MEM_RELABEL } obs__mem_kind;

typedef struct obs__mem_effect {
    obs__effect base;
    obs__mem_store *store;
    obs__mem_kind kind;
    obs__view key; /* behind this struct, as the condition's texts */
    obs__condition condition;
    obs__mem_object *object; /* what the key becomes, or NULL */
    obs_pair *labels;
    size_t label_count;
    int applied;
} obs__mem_effect;

/* The state that the next change finds: what one of the same commit (or of one that runs) made of it, or the current one.
 * Should that other change fail after all, a conditional one has failed for nothing: its caller tries again. */
static obs__mem_object *state_of(const obs__mem_node *node)
{
    return node->owner ? node->coming : node->current;
}

static obs_status relabel(obs__mem_effect *self, const obs__mem_object *before, obs_error *error)
{
    obs__builder entry;
    obs_status status = obs__entry_relabel(&entry, before->entry, self->labels, self->label_count, error);
    obs__mem_object_free(self->object);
    self->object = NULL;
    if (status == OBS_OK)
        status = obs__mem_object_new(&self->object, self->key, (obs__view){entry.data, entry.size}, before->body,
                                     before->modified_ns, error);
    obs__builder_free(&entry);
    return status;
}

static obs_status decide(obs__mem_effect *self, obs__mem_node *node, obs_error *error)
{
    const obs__mem_object *before = state_of(node);
    obs__view etag = before ? obs__entry_field(before->entry, "etag") : (obs__view){"", 0};
    obs_status status = obs__condition_check(&self->condition, self->key, etag, error);
    if (status == OBS_OK && self->kind == MEM_RELABEL)
        status = relabel(self, before, error);
    if (status != OBS_OK)
        return status;
    node->owner = self;
    node->coming = self->object;
    node->changes += !self->applied;
    self->applied = 1;
    return OBS_OK;
}

static obs_status mem_apply(obs__effect *effect, obs__txn *txn, obs_error *error)
{
    obs__mem_effect *self = (obs__mem_effect *)effect;
    obs__mem_node *node = NULL;
    uint32_t hash;
    obs__mem_shard *shard = obs__mem_shard_of(&hash, self->store, self->key);
    (void)txn;
    obs__mem_lock(shard);
    obs_status status = obs__mem_make(&node, shard, hash, self->key, error);
    if (status == OBS_OK) {
        status = decide(self, node, error);
        obs__mem_tidy(shard, node);
    }
    obs__mem_unlock(shard);
    return status;
}

/* Ends our hold on the node; `object` is what it becomes when the change was committed. */
static void let_go(obs__mem_effect *self, int committed)
{
    uint32_t hash;
    obs__mem_object *old = NULL;
    obs__mem_shard *shard = obs__mem_shard_of(&hash, self->store, self->key);
    obs__mem_lock(shard);
    obs__mem_node *node = obs__mem_find(shard, hash, self->key); /* kept by our count */
    if (node->owner == self) {
        node->owner = NULL;
        node->coming = NULL;
    }
    if (committed) {
        old = node->current;
        node->current = obs__mem_object_retain(self->object);
    }
    node->changes--;
    obs__mem_tidy(shard, node);
    obs__mem_unlock(shard);
    obs__mem_object_free(old);
    self->applied = 0;
}

static void mem_finish(obs__effect *effect)
{
    let_go((obs__mem_effect *)effect, 1);
}

static void mem_free(obs__effect *effect)
{
    obs__mem_effect *self = (obs__mem_effect *)effect;
    if (self->applied)
        let_go(self, 0);
    obs__mem_object_free(self->object);
    obs__free(self->labels);
    obs__volume_free(&self->store->base);
    obs__free(self);
}

static char *keep_text(const char **out, char *room, const char *text)
{
    *out = text ? room : NULL;
    return text ? stpcpy(room, text) + 1 : room;
}

static obs_status new_effect(obs__mem_effect **out, obs__volume *volume, obs__mem_kind kind, obs__view key,
                             const obs__condition *condition, obs_error *error)
{
    static const obs__effect_ops ops = {.apply = mem_apply, .finish = mem_finish, .free = mem_free};
    size_t texts = (condition->if_match ? strlen(condition->if_match) : 0) +
                   (condition->if_none_match ? strlen(condition->if_none_match) : 0) + 2;
    obs__mem_effect *self = obs__calloc(1, sizeof *self + key.size + texts);
    *out = self;
    if (!self)
        return obs__fail_memory(error);
    char *room = (char *)(self + 1);
    memcpy(room, key.data, key.size);
    self->base.ops = &ops;
    self->store = (obs__mem_store *)obs__volume_retain(volume);
    self->kind = kind;
    self->key = (obs__view){room, key.size};
    self->condition = *condition;
    room = keep_text(&self->condition.if_match, room + key.size, condition->if_match);
    keep_text(&self->condition.if_none_match, room, condition->if_none_match);
    return OBS_OK;
}

/* Gives the effect out, or frees it. */
static obs_status give(obs__effect **out, obs__mem_effect *self, obs_status status)
{
    if (status != OBS_OK && self)
        mem_free(&self->base);
    *out = status == OBS_OK ? &self->base : NULL;
    return status;
}

obs_status obs__mem_put(obs__effect **out, obs__volume *volume, const obs__draft *draft, obs_error *error)
{
    obs__mem_effect *self = NULL;
    obs_buffer *body = NULL;
    obs_status status = new_effect(&self, volume, MEM_PUT, draft->key, &draft->condition, error);
    if (status == OBS_OK)
        status = obs__builder_finish(&body, &draft->body->small, error);
    if (status == OBS_OK)
        status = obs__mem_object_new(&self->object, draft->key, draft->entry, body, draft->body->modified_ns, error);
    obs_buffer_free(body);
    return give(out, self, status);
}

obs_status obs__mem_remove(obs__effect **out, obs__volume *volume, obs__view key, const obs__condition *condition,
                           obs_error *error)
{
    obs__mem_effect *self = NULL;
    obs_status status = new_effect(&self, volume, MEM_REMOVE, key, condition, error);
    return give(out, self, status);
}

obs_status obs__mem_relabel(obs__effect **out, obs__volume *volume, obs__view key, const obs_pair *labels, size_t count,
                            obs_error *error)
{
    const obs__condition condition = {.must_exist = 1};
    obs__mem_effect *self = NULL;
    obs_status status = new_effect(&self, volume, MEM_RELABEL, key, &condition, error);
    if (status == OBS_OK)
        status = obs__pairs_copy(&self->labels, labels, count, error);
    if (status == OBS_OK)
        self->label_count = count;
    return give(out, self, status);
}

obs_status obs__mem_describe(obs__effect **out, obs__volume *volume, obs__view key, obs__source *source, obs__view entry,
                             obs_error *error)
{
    const obs__mem_object *object = source->object;
    char etag[OBS__ETAG_SIZE] = "";
    obs__view known = obs__source_etag(source);
    if (known.size < sizeof etag)
        memcpy(etag, known.data, known.size);
    const obs__condition condition = {.must_exist = 1, .if_match = etag};
    obs__mem_effect *self = NULL;
    obs_status status = new_effect(&self, volume, MEM_PUT, key, &condition, error);
    if (status == OBS_OK)
        status = obs__mem_object_new(&self->object, key, entry, object->body, object->modified_ns, error);
    return give(out, self, status);
}
