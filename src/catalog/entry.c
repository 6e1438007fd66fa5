/* Entries are made, replaced, labelled and forgotten: the effects. What they do to the tables stands in apply.c. */
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "catalog/apply.h"
#include "catalog/catalog.h"
#include "catalog/labels.h"

#define LONGEST_KEY 1024
#define LONGEST_VALUES ((size_t)1 << 20)
#define MOST_BYTES ((size_t)64 << 20)

/* One kind of effect for all three; `data` holds every byte that the others point to. */
typedef struct entry_effect {
    obs__effect effect;
    obs__row row;
    obs__builder data;
    obs_pair *labels; /* of a change of labels */
    size_t label_count;
} entry_effect;

static obs_status apply_entry(obs__effect *effect, obs__txn *txn, obs_error *error)
{
    return obs__apply_entry(txn, &((entry_effect *)effect)->row, error);
}

static obs_status apply_forget(obs__effect *effect, obs__txn *txn, obs_error *error)
{
    return obs__apply_forget(txn, ((entry_effect *)effect)->row.key, error);
}

static obs_status apply_labels(obs__effect *effect, obs__txn *txn, obs_error *error)
{
    entry_effect *entry = (entry_effect *)effect;
    return obs__apply_labels(txn, entry->row.key, entry->labels, entry->label_count, error);
}

static void free_effect(obs__effect *effect)
{
    entry_effect *entry = (entry_effect *)effect;
    obs__builder_free(&entry->data);
    obs__free(entry->labels);
    obs__free(entry);
}

static const obs__effect_ops entry_ops = {.apply = apply_entry, .free = free_effect, .repeatable = 1};
static const obs__effect_ops forget_ops = {.apply = apply_forget, .free = free_effect, .repeatable = 1};
static const obs__effect_ops labels_ops = {.apply = apply_labels, .free = free_effect, .repeatable = 1};

static obs_status check_key(obs__view key, obs_error *error)
{
    if (!key.size || key.size > LONGEST_KEY)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "a key has 1 to %d bytes", LONGEST_KEY);
    if (!obs__utf8_valid(key.data, key.size))
        return obs__fail(error, OBS_INVALID_ARGUMENT, "the key is not valid UTF-8");
    return OBS_OK;
}

static obs_status new_effect(entry_effect **out, const obs__effect_ops *ops, obs__view key, obs_error *error)
{
    obs_status status = check_key(key, error);
    if (status != OBS_OK)
        return status;
    entry_effect *entry = obs__calloc(1, sizeof *entry);
    if (!entry)
        return obs__fail_memory(error);
    entry->effect.ops = ops;
    obs__builder_init(&entry->data, MOST_BYTES);
    *out = entry;
    return OBS_OK;
}

/* Adds the effect, or frees it. */
static obs_status finish(obs__effects *effects, entry_effect *entry, obs_status status)
{
    if (status == OBS_OK)
        obs__effects_add(effects, &entry->effect);
    else
        free_effect(&entry->effect);
    return status;
}

static int is_object(const char *at, const char *end)
{
    obs__view name, value;
    int more = 1;
    if (at == end || *at != '{' || !obs__utf8_valid(at, (size_t)(end - at)))
        return 0;
    for (const char *c = at; c < end; c++)
        if ((unsigned char)*c < 0x20)
            return 0;
    for (at++; more == 1;)
        more = obs__values_member(&at, end, &name, &value);
    return more == 0 && end - at == 1;
}

static int has_member(obs__view object, obs__view wanted)
{
    const char *at = object.data + 1, *end = object.data + object.size;
    obs__view name, value;
    while (obs__values_member(&at, end, &name, &value) == 1)
        if (obs__view_equal(name, wanted))
            return 1;
    return 0;
}

/* What was found goes behind what was given, without what that says already. */
static obs_status add_found(obs__builder *data, size_t start, const char *found, obs_error *error)
{
    const char *at = found + 1, *end = found + strlen(found);
    obs__view name, value;
    if (data->size == start)
        obs__add_text(data, "{}");
    size_t given = data->size - start;
    while (!data->failed && obs__values_member(&at, end, &name, &value) == 1) {
        if (has_member((obs__view){data->data + start, given}, name))
            continue;
        if (data->data[--data->size - 1] != '{') /* goes on where the object was closed */
            obs__add_char(data, ',');
        obs__add(data, name.data, name.size);
        obs__add_char(data, ':');
        obs__add(data, value.data, value.size);
        obs__add_char(data, '}');
    }
    return obs__builder_status(data, error);
}

static obs_status add_given(obs__builder *data, const char *json, obs_error *error)
{
    size_t start = data->size;
    if (!json)
        return OBS_OK;
    obs__values_compact(data, obs__view_of(json, OBS_TEXT));
    if (data->failed)
        return obs__builder_status(data, error);
    if (data->size - start > LONGEST_VALUES)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "the values of an entry have at most %zu bytes", LONGEST_VALUES);
    if (!is_object(data->data + start, data->data + data->size))
        return obs__fail(error, OBS_INVALID_ARGUMENT, "the values of an entry are one JSON object");
    return OBS_OK;
}

static obs_status add_values(obs__builder *data, const obs__entry *entry, obs_error *error)
{
    size_t start = data->size;
    obs_status status = add_given(data, entry->values, error);
    return status == OBS_OK && entry->found ? add_found(data, start, entry->found, error) : status;
}

static obs_status add_made_from(obs__builder *data, const obs__entry *entry, obs_error *error)
{
    for (size_t i = 0; i < entry->made_from_count; i++) {
        obs_status status = check_key(obs__view_of(entry->made_from[i], OBS_TEXT), error);
        if (status != OBS_OK)
            return status;
        obs__add_char(data, i ? ',' : '[');
        obs__add_json(data, entry->made_from[i], strlen(entry->made_from[i]));
    }
    if (entry->made_from_count)
        obs__add_char(data, ']');
    return obs__builder_status(data, error);
}

static void add_fixed(obs__builder *data, const obs__entry *entry)
{
    obs__add(data, entry->key.data, entry->key.size);
    obs__add_text(data, entry->kind);
    obs__add_text(data, entry->type ? entry->type : "");
    obs__add_text(data, entry->sha256 ? entry->sha256 : "");
}

/* All bytes first, then, when they do not move any more, the views on them. */
static obs_status fill(entry_effect *effect, const obs__entry *entry, obs_error *error)
{
    obs__builder *data = &effect->data;
    obs__row *row = &effect->row;
    obs__view *views[] = {&row->key, &row->kind, &row->type, &row->sha256, &row->labels, &row->values, &row->made_from};
    const size_t fixed[] = {entry->key.size, strlen(entry->kind), strlen(entry->type ? entry->type : "")};
    size_t ends[7];
    add_fixed(data, entry);
    for (size_t i = 0; i < 3; i++)
        ends[i] = fixed[i] + (i ? ends[i - 1] : 0);
    ends[3] = data->size;
    obs_status status = obs__labels_merge(data, (obs__view){"", 0}, entry->labels, entry->label_count, error);
    ends[4] = data->size;
    if (status == OBS_OK)
        status = add_values(data, entry, error);
    ends[5] = data->size;
    if (status == OBS_OK)
        status = add_made_from(data, entry, error);
    ends[6] = data->size;
    for (size_t i = 0, start = 0; i < 7 && status == OBS_OK; start = ends[i++])
        *views[i] = (obs__view){data->data + start, ends[i] - start};
    row->size = entry->size;
    row->time_ns = entry->time_ns;
    return status;
}

obs_status obs__catalog_entry(obs__effects *effects, const obs__entry *entry, obs_error *error)
{
    entry_effect *effect = NULL;
    obs_status status = obs__labels_check(entry->labels, entry->label_count, error);
    if (status == OBS_OK)
        status = new_effect(&effect, &entry_ops, entry->key, error);
    return status == OBS_OK ? finish(effects, effect, fill(effect, entry, error)) : status;
}

static obs_status keep_key(entry_effect *effect, obs__view key, obs_error *error)
{
    obs__add(&effect->data, key.data, key.size);
    effect->row.key = (obs__view){effect->data.data, key.size};
    return obs__builder_status(&effect->data, error);
}

obs_status obs__catalog_forget(obs__effects *effects, obs__view key, obs_error *error)
{
    entry_effect *effect = NULL;
    obs_status status = new_effect(&effect, &forget_ops, key, error);
    return status == OBS_OK ? finish(effects, effect, keep_key(effect, key, error)) : status;
}

static obs_status keep_labels(entry_effect *effect, obs__view key, const obs_pair *labels, size_t count, obs_error *error)
{
    effect->labels = obs__calloc(count, sizeof *labels);
    if (!effect->labels)
        return obs__fail_memory(error);
    effect->label_count = count;
    for (size_t i = 0; i < count; i++) {
        obs__add(&effect->data, labels[i].name, strlen(labels[i].name) + 1);
        obs__add(&effect->data, labels[i].value, strlen(labels[i].value) + 1);
    }
    obs_status status = keep_key(effect, key, error);
    const char *at = effect->data.data;
    for (size_t i = 0; i < count && status == OBS_OK; i++) {
        effect->labels[i].name = at;
        effect->labels[i].value = at += strlen(at) + 1;
        at += strlen(at) + 1;
    }
    effect->row.key.data = at; /* behind the labels */
    return status;
}

obs_status obs__catalog_labels(obs__effects *effects, obs__view key, const obs_pair *labels, size_t count, obs_error *error)
{
    entry_effect *effect = NULL;
    if (!count)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "no labels were given: 1 to %d", OBS__MOST_LABELS);
    obs_status status = obs__labels_check(labels, count, error);
    if (status == OBS_OK)
        status = new_effect(&effect, &labels_ops, key, error);
    return status == OBS_OK ? finish(effects, effect, keep_labels(effect, key, labels, count, error)) : status;
}
