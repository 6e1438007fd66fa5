/* Changing one value in the document of a layer. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/yaml.h"
#include "base/yaml_edit.h"
#include "config/engine.h"

#define SHOWN_MAX 300 /* of the old and of the new value, in the audit trail */
#define DEPTH_MAX 64

/* One change, from what is there to what will be. */
struct change {
    obs__config_engine *engine;
    const char *name;
    const char *value; /* as written; NULL: removes */
    json_t *json;      /* the same, read */
    obs__config_layer *layer;
    size_t index;
    obs__config_answer now;
    obs__builder text; /* the new document */
    char etag[OBS__CONFIG_ETAG_SIZE];
    obs__config_document *before, *after;
};

void obs_config_set_options_init(obs_config_set_options *options, size_t size)
{
    if (!options || size < sizeof(size_t))
        return;
    memset(options, 0, size);
    options->size = size;
}

static int can_write(const obs__config_layer *layer)
{
    return layer->source.ops->put && !layer->source.key;
}

static obs_status choose_layer(struct change *change, const char *url, obs_error *error)
{
    obs__config_engine *engine = change->engine;
    for (size_t i = engine->layer_count; i-- > 0;) {
        obs__config_layer *layer = &engine->layers[i];
        if (url ? strcmp(layer->source.url, url) != 0 : !can_write(layer))
            continue;
        change->layer = layer;
        change->index = i;
        if (layer->source.key)
            return obs__fail(error, OBS_FAILED_PRECONDITION,
                             "%s is signed: change the document where it is made, and sign it anew", layer->source.label);
        return can_write(layer)
                   ? OBS_OK
                   : obs__fail(error, OBS_FAILED_PRECONDITION, "%s cannot be written from here", layer->source.label);
    }
    return url ? obs__fail(error, OBS_INVALID_ARGUMENT, "obs.yaml has no layer '%.200s' under 'config:'", url)
               : obs__fail(error, OBS_FAILED_PRECONDITION, "none of the layers that obs.yaml names can be written");
}

static obs_status read_value(struct change *change, obs_error *error)
{
    obs__yaml *yaml = NULL;
    obs_error inner;
    obs_error_init(&inner, sizeof inner);
    if (!change->value)
        return OBS_OK;
    if (strpbrk(change->value, "\r\n"))
        return obs__fail(error, OBS_INVALID_ARGUMENT, "write the value on one line, as in [a, b] or {x: 1}");
    obs_status status = obs__yaml_load(&yaml, change->value, strlen(change->value), "the value", &inner);
    if (status == OBS_OK && !(change->json = json_deep_copy(obs__yaml_root(yaml))))
        status = obs__fail_memory(&inner);
    obs__yaml_free(yaml);
    return status == OBS_OK ? OBS_OK : obs__copy_error(error, &inner);
}

/* The document as it is at this moment. */
static obs_status read_document(struct change *change, const char *if_match, const obs__limit *limit, obs_error *error)
{
    obs__config_source *source = &change->layer->source;
    obs__config_answer copy = {.found = OBS__CONFIG_DOCUMENT};
    obs_status status = source->ops->fetch(source->user, "", &change->now, limit, error);
    if (status != OBS_OK)
        return status;
    if (if_match && strcmp(if_match, change->now.etag) != 0)
        return obs__fail(error, OBS_ABORTED, "%s was changed by somebody else in the meantime: look at it and try again",
                         source->label);
    if (!change->now.bytes)
        return obs__config_document_empty(&change->before, source, error);
    copy.bytes = obs_buffer_retain(change->now.bytes);
    return obs__config_document_read(&change->before, source, &copy, error);
}

/* What the new document must say. */
static obs_status expect(json_t **out, const struct change *change, obs_error *error)
{
    obs__builder key;
    json_t *tree = json_deep_copy(change->before->tree);
    *out = tree;
    if (!tree)
        return obs__fail_memory(error);
    if (!change->json) /* with mappings that become empty, as obs__yaml_edit() does it */
        return obs__config_tree_remove(tree, change->name, error);
    obs__builder_init(&key, OBS_ERROR_TEXT_SIZE);
    json_t *parent = obs__config_tree_parent(tree, change->name, 1, &key);
    int fine = json_is_array(parent) ? json_array_set(parent, strtoul(key.data, NULL, 10), change->json) == 0
                                     : json_is_object(parent) && json_object_set(parent, key.data, change->json) == 0;
    obs_status status = obs__builder_status(&key, error);
    obs__builder_free(&key);
    if (status != OBS_OK)
        return status;
    return fine ? OBS_OK
                : obs__fail(error, OBS_INVALID_ARGUMENT, "'%.128s' leads into a value that is no mapping", change->name);
}

/* The parts of a name, each with its NUL, one behind the other; `keys` points to them. 0 when it is no name. */
static size_t split(char *parts, const char **keys, const char *name)
{
    size_t count = 0;
    keys[count++] = parts;
    for (; *name; name++) {
        if (*name == '\\' && name[1])
            *parts++ = *++name;
        else if (*name == '.') {
            *parts++ = '\0';
            if (count == DEPTH_MAX)
                return 0;
            keys[count++] = parts;
        } else
            *parts++ = *name;
    }
    *parts = '\0';
    for (size_t i = 0; i < count; i++)
        if (!*keys[i])
            return 0;
    return count;
}

static obs_status read_again(struct change *change, obs_error *error)
{
    obs__config_answer answer = {.found = OBS__CONFIG_DOCUMENT, .changed_ns = obs__now_ns()};
    obs_status status = obs__buffer_copy(&answer.bytes, change->text.data ? change->text.data : "", change->text.size, error);
    obs__config_document_free(change->after);
    change->after = NULL;
    return status == OBS_OK ? obs__config_document_read(&change->after, &change->layer->source, &answer, error) : status;
}

/* Writes the value into the text; 1 when the text then says what it should. */
static int try_text(struct change *change, const obs__yaml_change *edit, const json_t *expected, obs_error *error)
{
    const obs_buffer *bytes = change->now.bytes;
    obs__builder_clear(&change->text);
    obs_status status =
        obs__yaml_edit(&change->text, obs__view_of(obs_buffer_data(bytes), obs_buffer_size(bytes)), edit, error);
    if (status == OBS_OK)
        status = read_again(change, error);
    return status == OBS_OK && json_equal(change->after->tree, expected);
}

static int is_json(const char *label)
{
    size_t size = strlen(label);
    return size >= 5 && strcmp(label + size - 5, ".json") == 0;
}

/* As it was written, and where that does not do, as JSON, which YAML reads the same in every place. */
static obs_status write_text(struct change *change, obs_error *error)
{
    const char *keys[DEPTH_MAX];
    json_t *expected = NULL;
    obs__builder json;
    obs_error inner;
    char *parts = obs__alloc(strlen(change->name) + 1);
    obs_error_init(&inner, sizeof inner);
    obs__builder_init(&json, OBS__CONFIG_DOCUMENT_MAX);
    obs_status status = parts ? expect(&expected, change, error) : obs__fail_memory(error);
    obs__yaml_change edit = {.keys = keys, .value = change->value, .json = is_json(change->layer->source.label)};
    if (status == OBS_OK && !(edit.count = split(parts, keys, change->name)))
        status =
            obs__fail(error, OBS_INVALID_ARGUMENT, "'%.128s' is no name of a value: write it as in ccd.gain", change->name);
    int fine = status == OBS_OK && !edit.json && try_text(change, &edit, expected, &inner);
    if (status == OBS_OK && !fine && change->json) {
        obs__json_add(&json, change->json, 0);
        edit.value = json.data;
        status = obs__builder_status(&json, error);
    }
    if (status == OBS_OK && !fine && (change->json || edit.json))
        fine = try_text(change, &edit, expected, &inner);
    if (status == OBS_OK && !fine)
        status = inner.status == OBS_OK
                     ? obs__fail(error, OBS_FAILED_PRECONDITION,
                                 "%s is written in a way that cannot be changed without touching more of it: edit it by hand",
                                 change->layer->source.label)
                     : obs__copy_error(error, &inner);
    obs__builder_free(&json);
    json_decref(expected);
    obs__free(parts);
    return status;
}

/* All documents, with the new one in its place. */
static obs_status check(struct change *change, int dry, obs_error *error)
{
    obs__config_document *documents[OBS__CONFIG_LAYERS_MAX + 1] = {NULL};
    obs__config_engine *engine = change->engine;
    for (size_t i = 0; i < engine->source_count; i++) {
        const obs__config_layer *layer = &engine->layers[i];
        documents[i] = i == change->index ? change->after : layer->accepted ? layer->accepted : layer->seen;
        if (!documents[i])
            return obs__fail(error, OBS_UNAVAILABLE, "%.100s does not answer: %.300s", layer->source.label, layer->message);
    }
    return obs__config_take_over(engine, documents, dry, error);
}

static void add_shown(obs__builder *out, const char *name, const json_t *value)
{
    obs__builder text;
    unsigned char hash[OBS__SHA256_SIZE];
    char digest[2 * OBS__SHA256_SIZE + 1];
    obs__builder_init(&text, OBS__CONFIG_DOCUMENT_MAX);
    if (value)
        obs__config_json_add(&text, value);
    if (!value)
        obs__add_json_member(out, name, NULL);
    else if (text.size <= SHOWN_MAX)
        obs__add_json_raw(out, name, text.data, text.size);
    else if (obs__sha256(hash, text.data, text.size, NULL) == OBS_OK) {
        obs__hex(digest, hash, sizeof hash);
        obs__add_format(out, "\"%s\":{\"sha256\":\"%s\",\"bytes\":%zu},", name, digest, text.size);
    }
    obs__builder_free(&text);
}

static const json_t *value_in(const obs__config_document *document, const char *name)
{
    const obs__config_value *value = obs__config_table_find(&document->table, name, strlen(name));
    return value ? value->json : NULL;
}

/* What was and what is, for the audit trail. */
static obs_status describe(obs__builder *out, const struct change *change, obs_error *error)
{
    obs__add_char(out, '{');
    obs__add_json_member(out, "name", change->name);
    obs__add_json_member(out, "layer", change->layer->source.url);
    add_shown(out, "old", value_in(change->before, change->name));
    add_shown(out, "new", value_in(change->after, change->name));
    obs__add_json_end(out);
    return obs__builder_status(out, error);
}

/* Before anything is written, so that a change is never without a record, whenever the process ends: an attempt alone says
 * that it ended in between. */
static obs_status record_attempt(obs__scope *scope, obs__view diff, obs_error *error)
{
    obs__effects effects = {0};
    obs__scope attempt = *scope;
    attempt.action = "config.attempt";
    attempt.object = diff;
    attempt.idempotency_key = NULL; /* it is for the change */
    obs_status status = obs__gate_commit(&attempt, &effects, error);
    scope->spare = attempt.spare;
    return status;
}

/* Without its record there is no change: what was written is taken back. */
static void take_back(struct change *change)
{
    obs__config_source *source = &change->layer->source;
    obs__limit limit = obs__limit_in(10000, NULL);
    char etag[OBS__CONFIG_ETAG_SIZE];
    source->ops->put(source->user, change->etag,
                     obs__view_of(obs_buffer_data(change->now.bytes), obs_buffer_size(change->now.bytes)), etag, &limit, NULL);
}

static obs_status write_change(struct change *change, obs__scope *scope, obs_error *error)
{
    obs__config_source *source = &change->layer->source;
    obs__effects effects = {0};
    obs__builder diff;
    obs__builder_init(&diff, 65536);
    obs_status status = describe(&diff, change, error);
    if (status == OBS_OK)
        status = record_attempt(scope, obs__view_of(diff.data, diff.size), error);
    if (status == OBS_OK)
        do
            status = source->ops->put(source->user, change->now.etag, obs__view_of(change->text.data, change->text.size),
                                      change->etag, &scope->limit, error);
        while (obs__gate_spare(scope, status));
    if (status == OBS_OK) {
        obs__view name = scope->object;
        scope->object = obs__view_of(diff.data, diff.size);
        scope->bytes = change->text.size;
        status = obs__gate_commit(scope, &effects, error);
        scope->object = name; /* the other lives no longer than this */
        if (status != OBS_OK)
            take_back(change);
    }
    obs__builder_free(&diff);
    return status;
}

/* It is there: this process takes it over at once, the others when they notice. */
static obs_status use_change(struct change *change, obs_error *error)
{
    obs__config_layer *layer = change->layer;
    pthread_mutex_lock(&change->engine->lock);
    memcpy(change->after->etag, change->etag, sizeof change->after->etag);
    memcpy(layer->seen_etag, change->etag, sizeof layer->seen_etag);
    obs__config_document_set(&layer->seen, change->after);
    pthread_mutex_unlock(&change->engine->lock);
    obs_status status = check(change, 0, error);
    if (status == OBS_OK)
        obs__config_keep(change->engine);
    return status;
}

static obs_status set(struct change *change, obs__scope *scope, const obs_config_set_options *options, obs_error *error)
{
    obs_status status = choose_layer(change, options->layer, error);
    if (status == OBS_OK)
        status = read_value(change, error);
    if (status == OBS_OK)
        status = read_document(change, options->if_match, &scope->limit, error);
    if (status == OBS_OK)
        status = write_text(change, error);
    if (status == OBS_OK)
        status = check(change, 1, error);
    if (status != OBS_OK || options->dry_run)
        return status;
    status = write_change(change, scope, error);
    return status == OBS_OK ? use_change(change, error) : status;
}

static obs_status set_in_turn(struct change *change, obs_config *config, obs__scope *scope,
                              const obs_config_set_options *options, obs_error *error)
{
    obs_status status = obs__config_engine_of(&change->engine, config, &scope->limit, error);
    if (status == OBS_OK)
        status = obs__config_turn_take(change->engine, &scope->limit, error);
    if (status != OBS_OK)
        return status;
    obs__builder_init(&change->text, OBS__CONFIG_DOCUMENT_MAX);
    status = set(change, scope, options, error);
    obs__builder_free(&change->text);
    obs__config_document_free(change->before);
    obs__config_document_free(change->after);
    obs_buffer_free(change->now.bytes);
    json_decref(change->json);
    obs__config_turn_give(change->engine);
    return status;
}

obs_status obs_config_set(obs_config *config, const char *name, const char *value, const obs_config_set_options *options,
                          obs_error *error)
{
    struct change change = {.name = name, .value = value};
    obs_config_set_options given = {0};
    obs__scope scope;
    if (!config || !name || !*name)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "config and name are required");
    if (config->whole)
        return obs__fail(error, OBS_FAILED_PRECONDITION, "a snapshot never changes: set it in the client's own configuration");
    if (options)
        memcpy(&given, options, options->size < sizeof given ? options->size : sizeof given);
    obs_status status = obs__gate_enter(&scope, config->gate, OBS__CHANGE, "config.set", name, OBS_TEXT, given.call, error);
    if (status != OBS_OK)
        return status;
    if (!scope.repeated)
        status = set_in_turn(&change, config, &scope, &given, error);
    return obs__gate_leave(&scope, status, error);
}
