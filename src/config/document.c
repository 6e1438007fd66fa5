#include "config/document.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/yaml.h"

#define NAME_MAX_SIZE ((size_t)65536)

obs__config_document *obs__config_document_retain(obs__config_document *document)
{
    if (document)
        atomic_fetch_add(&document->holders, 1);
    return document;
}

void obs__config_document_free(obs__config_document *document)
{
    if (!document || atomic_fetch_sub(&document->holders, 1) != 1)
        return;
    obs__config_table_free(&document->table);
    json_decref(document->tree);
    obs_buffer_free(document->bytes);
    obs__free(document->url);
    obs__free(document->label);
    obs__free(document);
}

void obs__config_document_set(obs__config_document **place, obs__config_document *document)
{
    obs__config_document *before = *place;
    *place = obs__config_document_retain(document);
    obs__config_document_free(before);
}

static obs_status make(obs__config_document **out, const char *url, const char *label, obs_error *error)
{
    obs__config_document *document = obs__calloc(1, sizeof *document);
    *out = NULL;
    if (!document)
        return obs__fail_memory(error);
    atomic_init(&document->holders, 1);
    obs__config_table_init(&document->table);
    document->url = obs__strdup(url);
    document->label = obs__strdup(label);
    if (!document->url || !document->label) {
        obs__config_document_free(document);
        return obs__fail_memory(error);
    }
    *out = document;
    return OBS_OK;
}

struct walk {
    obs__config_table *table;
    const struct obs__yaml *yaml;
    const char *what;
    obs__builder name;
    size_t index; /* of the next value, as obs__yaml_place_at() counts */
    obs_error *error;
};

static obs_status walk_inside(struct walk *walk, const json_t *json);

static obs_status walk_one(struct walk *walk, const char *key, const json_t *json)
{
    obs__config_value *value = NULL;
    size_t before = walk->name.size;
    obs__config_name_add(&walk->name, key);
    obs_status status = obs__builder_status(&walk->name, walk->error);
    if (status == OBS_OK && !*key)
        status = obs__fail(walk->error, OBS_INVALID_ARGUMENT, "%s: a name in '%.200s' is empty", walk->what, walk->name.data);
    if (status == OBS_OK)
        status = obs__config_table_add(&value, walk->table, obs__view_of(walk->name.data, walk->name.size), json, walk->what,
                                       walk->error);
    if (status == OBS_OK && walk->yaml)
        obs__yaml_place_at(walk->yaml, walk->index, &value->line, &value->column);
    walk->index++;
    if (status == OBS_OK)
        status = walk_inside(walk, json);
    walk->name.size = before;
    return status;
}

static obs_status walk_inside(struct walk *walk, const json_t *json)
{
    obs_status status = OBS_OK;
    json_t *tree = (json_t *)(uintptr_t)json; /* jansson's iterators only read, but do not say so */
    for (void *i = json_object_iter(tree); i && status == OBS_OK; i = json_object_iter_next(tree, i))
        status = walk_one(walk, json_object_iter_key(i), json_object_iter_value(i));
    for (size_t i = 0; i < json_array_size(tree) && status == OBS_OK; i++) {
        char number[24];
        snprintf(number, sizeof number, "%zu", i);
        status = walk_one(walk, number, json_array_get(tree, i));
    }
    return status;
}

obs_status obs__config_names_of(obs__config_table *table, const json_t *tree, const struct obs__yaml *yaml, const char *what,
                                obs_error *error)
{
    struct walk walk = {.table = table, .yaml = yaml, .what = what, .index = 1, .error = error};
    obs__builder_init(&walk.name, NAME_MAX_SIZE);
    obs_status status = walk_inside(&walk, tree);
    obs__builder_free(&walk.name);
    return status == OBS_OK ? obs__config_table_seal(table, error) : status;
}

static int is_json(const char *label)
{
    size_t size = strlen(label);
    return size >= 5 && strcmp(label + size - 5, ".json") == 0;
}

/* The YAML; beside JSON that was read already it only tells the places, and where it reads it in another way, none. */
static obs_status read_yaml(obs__yaml **out, obs__view text, const char *label, const json_t *strict, obs_error *error)
{
    obs_error inner;
    obs_error_init(&inner, sizeof inner);
    obs_status status = obs__yaml_load(out, text.data, text.size, label, &inner);
    if (status != OBS_OK && (!strict || status == OBS_RESOURCE_EXHAUSTED))
        return obs__copy_error(error, &inner);
    if (strict && *out && !json_equal(obs__yaml_root(*out), strict)) {
        obs__yaml_free(*out);
        *out = NULL;
    }
    return OBS_OK;
}

static obs_status take_tree(obs__config_document *document, const json_t *root, const obs__yaml *yaml, obs_error *error)
{
    if (!json_is_object(root) && !json_is_null(root))
        return obs__fail_at(error, OBS_INVALID_ARGUMENT, document->label, 1, 1, "lines like 'name: value' are expected");
    document->tree = json_is_null(root) ? json_object() : json_incref((json_t *)(uintptr_t)root);
    if (!document->tree)
        return obs__fail_memory(error);
    return obs__config_names_of(&document->table, document->tree, yaml, document->label, error);
}

/* JSON is read as JSON, which is strict; where its values stand, YAML tells, of which nearly all JSON is a part. */
static obs_status read_text(obs__config_document *document, obs__view text, obs_error *error)
{
    obs__yaml *yaml = NULL;
    json_t *strict = NULL;
    obs__json_options options = {
        .size_limit = OBS__YAML_SIZE_LIMIT, .depth_limit = OBS__YAML_DEPTH_LIMIT, .name = document->label};
    obs_status status = is_json(document->label) ? obs__json_load(&strict, text.data, text.size, &options, error) : OBS_OK;
    if (status == OBS_OK)
        status = read_yaml(&yaml, text, document->label, strict, error);
    if (status == OBS_OK)
        status = take_tree(document, strict ? strict : obs__yaml_root(yaml), yaml, error);
    json_decref(strict);
    obs__yaml_free(yaml);
    return status;
}

static obs_status read_bytes(obs__config_document *document, const obs__config_source *source, obs_error *error)
{
    obs__view text = {obs_buffer_data(document->bytes), obs_buffer_size(document->bytes)};
    if (source->kind == OBS__CONFIG_ENVIRONMENT)
        return obs__config_environment_read(document, source, error);
    obs_status status = source->key ? obs__config_signed_text(&text, text, source, error) : OBS_OK;
    if (status == OBS_OK)
        status = read_text(document, text, error);
    if (status == OBS_OK && source->key)
        status = obs__config_signed_version(&document->version, document->tree, document->label, error);
    return status;
}

obs_status obs__config_document_read(obs__config_document **out, const obs__config_source *source, obs__config_answer *answer,
                                     obs_error *error)
{
    obs__config_document *document = NULL;
    obs_status status = make(&document, source->url, source->label, error);
    *out = NULL;
    if (status != OBS_OK) {
        obs_buffer_free(answer->bytes);
        return status;
    }
    document->bytes = answer->bytes;
    document->changed_ns = answer->changed_ns;
    memcpy(document->etag, answer->etag, sizeof document->etag);
    status = read_bytes(document, source, error);
    if (status != OBS_OK)
        obs__config_document_free(document);
    else
        *out = document;
    return status;
}

obs_status obs__config_document_empty(obs__config_document **out, const obs__config_source *source, obs_error *error)
{
    obs_status status = make(out, source->url, source->label, error);
    if (status != OBS_OK)
        return status;
    (*out)->tree = json_object();
    status = (*out)->tree ? obs__config_table_seal(&(*out)->table, error) : obs__fail_memory(error);
    if (status != OBS_OK) {
        obs__config_document_free(*out);
        *out = NULL;
    }
    return status;
}

/* One part of a name, without its backslashes; 0 at the end. */
static int next_part(obs__builder *part, const char **at)
{
    obs__builder_clear(part);
    if (!*at)
        return 0;
    for (; **at && **at != '.'; ++*at) {
        if (**at == '\\' && (*at)[1])
            ++*at;
        obs__add_char(part, **at);
    }
    *at = **at ? *at + 1 : NULL;
    return part->failed ? 0 : 1;
}

json_t *obs__config_tree_parent(json_t *tree, const char *name, int make_it, obs__builder *key)
{
    const char *at = name;
    for (;;) {
        if (!next_part(key, &at) || !key->size)
            return NULL;
        if (!at)
            return tree;
        json_t *inner =
            json_is_array(tree) ? json_array_get(tree, strtoul(key->data, NULL, 10)) : json_object_get(tree, key->data);
        if (!inner && make_it && json_is_object(tree)) {
            if (json_object_set_new(tree, key->data, json_object()) != 0)
                key->failed = 1;
            inner = json_object_get(tree, key->data);
        }
        if (!json_is_object(inner) && !json_is_array(inner))
            return NULL;
        tree = inner;
    }
}

obs_status obs__config_tree_remove(json_t *tree, const char *name, obs_error *error)
{
    obs__builder key;
    char *above = obs__strdup(name);
    obs__builder_init(&key, NAME_MAX_SIZE);
    obs_status status = above ? OBS_OK : obs__fail_memory(error);
    for (char *end = above; end; *end = '\0') {
        json_t *parent = obs__config_tree_parent(tree, above, 0, &key);
        status = obs__builder_status(&key, error);
        if (!json_is_object(parent) || json_object_del(parent, key.data) != 0 || json_object_size(parent))
            break;
        end = strrchr(above, '.');
        while (end && end > above && end[-1] == '\\') /* a point inside of a key */
            end = memrchr(above, '.', (size_t)(end - above));
        if (!end)
            break;
    }
    obs__builder_free(&key);
    obs__free(above);
    return status;
}

/* Moves one value in a tree of our own; what the new name already says stays. */
static obs_status move(json_t *tree, const obs__config_rename *rename, obs_error *error)
{
    obs__builder key;
    obs__builder_init(&key, NAME_MAX_SIZE);
    json_t *parent = obs__config_tree_parent(tree, rename->old, 0, &key);
    json_t *value = json_is_object(parent) ? json_incref(json_object_get(parent, key.data)) : NULL;
    obs_status status = obs__builder_status(&key, error);
    if (value && status == OBS_OK)
        status = obs__config_tree_remove(tree, rename->old, error);
    json_t *place = value && status == OBS_OK ? obs__config_tree_parent(tree, rename->name, 1, &key) : NULL;
    if (status == OBS_OK)
        status = obs__builder_status(&key, error);
    if (json_is_object(place) && !json_object_get(place, key.data) && json_object_set(place, key.data, value) != 0)
        status = obs__fail_memory(error);
    json_decref(value);
    obs__builder_free(&key);
    return status;
}

/* The values below the new name stand where those below the old one stood. */
static void carry_places(obs__config_document *to, const obs__config_document *from, const obs__config_rename *renames,
                         size_t count)
{
    for (size_t i = 0; i < to->table.count; i++) {
        obs__config_value *value = &to->table.values[i];
        const obs__config_value *before = obs__config_table_find(&from->table, value->name, value->name_size);
        for (size_t r = 0; r < count && !before; r++) {
            char name[1024];
            if (!obs__config_name_within(value->name, renames[r].name))
                continue;
            int size = snprintf(name, sizeof name, "%s%s", renames[r].old, value->name + strlen(renames[r].name));
            if (size > 0 && (size_t)size < sizeof name)
                before = obs__config_table_find(&from->table, name, (size_t)size);
        }
        if (before) {
            value->line = before->line;
            value->column = before->column;
        }
    }
}

static obs_status rename_all(obs__config_document *made, const obs__config_document *document,
                             const obs__config_rename *renames, size_t count, obs_error *error)
{
    obs_status status = OBS_OK;
    made->tree = json_deep_copy(document->tree);
    if (!made->tree)
        return obs__fail_memory(error);
    made->bytes = obs_buffer_retain(document->bytes);
    made->changed_ns = document->changed_ns;
    made->version = document->version;
    memcpy(made->etag, document->etag, sizeof made->etag);
    for (size_t i = 0; i < count && status == OBS_OK; i++)
        status = move(made->tree, &renames[i], error);
    if (status == OBS_OK)
        status = obs__config_names_of(&made->table, made->tree, NULL, made->label, error);
    if (status == OBS_OK)
        carry_places(made, document, renames, count);
    return status;
}

obs_status obs__config_document_renamed(obs__config_document **out, obs__config_document *document, obs__config_rename *renames,
                                        size_t count, obs_error *error)
{
    obs__config_document *made = NULL;
    int found = 0;
    for (size_t i = 0; i < count; i++)
        found |= obs__config_table_find(&document->table, renames[i].old, strlen(renames[i].old)) != NULL;
    if (!found) {
        *out = obs__config_document_retain(document);
        return OBS_OK;
    }
    *out = NULL;
    obs_status status = make(&made, document->url, document->label, error);
    if (status == OBS_OK)
        status = rename_all(made, document, renames, count, error);
    if (status != OBS_OK)
        obs__config_document_free(made);
    else
        *out = made;
    return status;
}

void obs__config_place(char out[OBS__CONFIG_PLACE_SIZE], const obs__config_document *document, const obs__config_value *value)
{
    if (value && value->variable)
        snprintf(out, OBS__CONFIG_PLACE_SIZE, "env:%.300s", value->variable);
    else if (value && value->line)
        snprintf(out, OBS__CONFIG_PLACE_SIZE, "%.300s:%d:%d", document->label, value->line, value->column);
    else
        snprintf(out, OBS__CONFIG_PLACE_SIZE, "%.300s", document->label);
}
