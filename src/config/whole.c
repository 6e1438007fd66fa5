#include "config/whole.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/memory.h"

obs__config_whole *obs__config_whole_retain(obs__config_whole *whole)
{
    if (whole)
        atomic_fetch_add(&whole->holders, 1);
    return whole;
}

void obs__config_whole_free(obs__config_whole *whole)
{
    if (!whole || atomic_fetch_sub(&whole->holders, 1) != 1)
        return;
    obs__config_table_free(&whole->table);
    json_decref(whole->tree);
    for (size_t i = 0; i < whole->layer_count; i++)
        obs__config_document_free(whole->layers[i]);
    obs__free(whole);
}

obs__view obs__config_reference(const json_t *json)
{
    const char *text = json_string_value(json);
    size_t size = json_string_length(json);
    if (!text || size < 10 || strncmp(text, "${secret:", 9) != 0 || strchr(text, '}') != text + size - 1)
        return (obs__view){0};
    return obs__view_of(text + 9, size - 10);
}

static int is_listed(char *const *list, obs__view wanted)
{
    for (; list && *list; list++)
        if (obs__view_is(wanted, *list))
            return 1;
    return 0;
}

/* References are whole values, and only those that obs.yaml names. Nothing else of a text is ever expanded. */
static obs_status check_secrets(const obs__config_document *document, const obs__config_limits *limits, obs_error *error)
{
    char place[OBS__CONFIG_PLACE_SIZE];
    for (size_t i = 0; i < document->table.count; i++) {
        const obs__config_value *value = &document->table.values[i];
        const char *text = json_string_value(value->json);
        if (!text || !strstr(text, "${secret:"))
            continue;
        obs__config_place(place, document, value);
        obs__view reference = obs__config_reference(value->json);
        if (!reference.size)
            obs__fail(error, OBS_REFUSED,
                      "%s: '%.100s' has a secret inside of a text: write ${secret:…} alone, as the whole value", place,
                      value->name);
        else if (!is_listed(limits->secrets, reference))
            obs__fail(error, OBS_PERMISSION_DENIED,
                      "%s: obs.yaml does not name the secret '%.*s': add it there under 'secrets:' if documents may use it",
                      place, (int)reference.size, reference.data);
        else
            continue;
        obs__at(error, value->line, value->column);
        return reference.size ? OBS_PERMISSION_DENIED : OBS_REFUSED;
    }
    return OBS_OK;
}

static obs_status check_locked(const obs__config_document *document, const obs__config_limits *limits, obs_error *error)
{
    for (size_t i = 0; i < document->table.count; i++) {
        const obs__config_value *value = &document->table.values[i];
        for (char *const *name = limits->locked; value->variable && name && *name; name++)
            if (obs__config_name_within(value->name, *name) || obs__config_name_within(*name, value->name))
                return obs__fail(error, OBS_REFUSED,
                                 "the environment variable %.200s would change '%.100s', which obs.yaml locks: unset it",
                                 value->variable, *name);
    }
    return OBS_OK;
}

static obs_status merge(obs__config_whole *whole, obs_error *error)
{
    const json_t *trees[OBS__CONFIG_LAYERS_MAX];
    for (size_t i = 0; i < whole->layer_count; i++)
        trees[i] = whole->layers[i]->tree;
    whole->tree = obs__config_merge(trees, whole->layer_count);
    obs__config_table_init(&whole->table);
    return whole->tree ? obs__config_names_of(&whole->table, whole->tree, NULL, "the configuration", error)
                       : obs__fail_memory(error);
}

/* A value of the whole stands in the highest layer that has its name: had one above replaced what it lies in, the name would
 * not be in the whole. */
static void find_places(obs__config_whole *whole)
{
    for (size_t i = 0; i < whole->table.count; i++) {
        obs__config_value *value = &whole->table.values[i];
        for (int layer = (int)whole->layer_count - 1; layer >= 0; layer--) {
            const obs__config_value *found =
                obs__config_table_find(&whole->layers[layer]->table, value->name, value->name_size);
            if (!found)
                continue;
            value->layer = layer;
            value->line = found->line;
            value->column = found->column;
            value->variable = found->variable;
            break;
        }
    }
}

void obs__config_whole_place(char out[OBS__CONFIG_PLACE_SIZE], const obs__config_whole *whole, const obs__config_value *value)
{
    obs__config_place(out, whole->layers[value->layer], value);
}

/* The schema's validator speaks of `/ccd/gain`: says where that stands. */
static obs_status fail_schema(const obs__config_whole *whole, const obs_error *inner, obs_error *error)
{
    const char *message = inner->message, *colon = strstr(message, ": ");
    char place[OBS__CONFIG_PLACE_SIZE] = "";
    const obs__config_value *value = NULL;
    obs__builder name;
    obs__builder_init(&name, OBS_ERROR_TEXT_SIZE);
    if (*message == '/' && colon) {
        char pointer[OBS_ERROR_TEXT_SIZE];
        snprintf(pointer, sizeof pointer, "%.*s", (int)(colon - message), message);
        char *rest = NULL;
        for (char *part = strtok_r(pointer, "/", &rest); part; part = strtok_r(NULL, "/", &rest))
            obs__config_name_add(&name, part);
        if (name.size && !name.failed)
            value = obs__config_table_find(&whole->table, name.data, name.size);
    }
    if (value) {
        obs__config_whole_place(place, whole, value);
        obs__fail(error, OBS_REFUSED, "%s: '%.100s' does not fit the schema: %s", place, value->name, colon + 2);
        obs__at(error, value->line, value->column);
    } else
        obs__fail(error, OBS_REFUSED, "the configuration does not fit its schema: %s", message);
    obs__builder_free(&name);
    return OBS_REFUSED;
}

static obs_status check_schema(const obs__config_whole *whole, const obs__config_rules *rules, obs_error *error)
{
    obs_error inner;
    if (!rules || !rules->schema)
        return OBS_OK;
    obs_error_init(&inner, sizeof inner);
    obs_status status = obs__schema_validate(rules->schema, whole->tree, &inner);
    if (status == OBS_OK || status == OBS_REFUSED)
        return status == OBS_OK ? OBS_OK : fail_schema(whole, &inner, error);
    return obs__copy_error(error, &inner);
}

static void tell_renames(const obs__config_document *document, obs__config_rules *rules)
{
    for (size_t i = 0; i < rules->rename_count; i++) {
        char place[OBS__CONFIG_PLACE_SIZE];
        obs__config_rename *rename = &rules->renames[i];
        const obs__config_value *value = obs__config_table_find(&document->table, rename->old, strlen(rename->old));
        if (!value || rename->told)
            continue;
        rename->told = 1;
        obs__config_place(place, document, value);
        obs__log(OBS_LOG_WARNING, "config", NULL, "%s: '%s' is called '%s' now: change it there", place, rename->old,
                 rename->name);
    }
}

static obs_status take_layer(obs__config_whole *whole, obs__config_document *document, const obs__config_source *source,
                             obs__config_rules *rules, const obs__config_limits *limits, obs_error *error)
{
    obs_status status = check_secrets(document, limits, error);
    if (status == OBS_OK && source->kind == OBS__CONFIG_ENVIRONMENT)
        status = check_locked(document, limits, error);
    if (status != OBS_OK)
        return status;
    obs__config_document **place = &whole->layers[whole->layer_count];
    if (rules) {
        tell_renames(document, rules);
        status = obs__config_document_renamed(place, document, rules->renames, rules->rename_count, error);
    } else
        *place = obs__config_document_retain(document);
    whole->layer_count += status == OBS_OK;
    return status;
}

static obs_status make_digest(obs__config_whole *whole, const obs__config_source *sources, const obs__config_rules *rules,
                              obs_error *error)
{
    obs__builder text;
    unsigned char hash[OBS__SHA256_SIZE];
    obs__builder_init(&text, ((size_t)OBS__CONFIG_LAYERS_MAX + 1) * 8192);
    for (size_t i = 0; i < whole->layer_count; i++)
        if (sources[i].kind != OBS__CONFIG_ENVIRONMENT)
            obs__add_format(&text, "%s %s\n", whole->layers[i]->url, whole->layers[i]->etag);
    if (rules && rules->document)
        obs__add_format(&text, "schema %s\n", rules->document->etag);
    obs_status status = obs__builder_status(&text, error);
    if (status == OBS_OK)
        status = obs__sha256(hash, text.data ? text.data : "", text.size, error);
    if (status == OBS_OK)
        obs__hex(whole->digest, hash, (sizeof whole->digest - 1) / 2);
    obs__builder_free(&text);
    return status;
}

obs_status obs__config_whole_make(obs__config_whole **out, obs__config_document *const *layers, size_t count,
                                  const obs__config_source *sources, obs__config_rules *rules, const obs__config_limits *limits,
                                  obs_error *error)
{
    obs__config_whole *whole = obs__calloc(1, sizeof *whole);
    obs_status status = whole ? OBS_OK : obs__fail_memory(error);
    *out = NULL;
    if (whole)
        atomic_init(&whole->holders, 1);
    for (size_t i = 0; i < count && status == OBS_OK; i++)
        status = take_layer(whole, layers[i], &sources[i], rules, limits, error);
    if (status == OBS_OK)
        status = merge(whole, error);
    if (status == OBS_OK) {
        find_places(whole);
        status = check_schema(whole, rules, error);
    }
    if (status == OBS_OK)
        status = make_digest(whole, sources, rules, error);
    if (status != OBS_OK)
        obs__config_whole_free(whole);
    else
        *out = whole;
    return status;
}

obs_status obs__config_whole_find(const obs__config_value **out, const obs__config_whole *whole, const char *name,
                                  obs_error *error)
{
    *out = obs__config_table_find(&whole->table, name, strlen(name));
    if (*out)
        return OBS_OK;
    const char *nearest = obs__config_table_nearest(&whole->table, name);
    return nearest ? obs__fail(error, OBS_NOT_FOUND, "there is no '%.128s' in the configuration: did you mean '%.128s'?", name,
                               nearest)
                   : obs__fail(error, OBS_NOT_FOUND, "there is no '%.128s' in the configuration", name);
}

obs_status obs__config_wrong_kind(const obs__config_whole *whole, const obs__config_value *value, const char *what,
                                  obs_error *error)
{
    char place[OBS__CONFIG_PLACE_SIZE];
    obs__config_whole_place(place, whole, value);
    if (value->kind == OBS__CONFIG_SECRET)
        obs__fail(error, OBS_INVALID_ARGUMENT, "%s: '%.128s' is a secret: ask for it with obs_config_secret()", place,
                  value->name);
    else
        obs__fail(error, OBS_INVALID_ARGUMENT, "%s: '%.128s' is %s, not %s", place, value->name,
                  obs__config_kind_name(value->kind), what);
    obs__at(error, value->line, value->column);
    return OBS_INVALID_ARGUMENT;
}

obs_status obs__config_whole_want(const obs__config_value **out, const obs__config_whole *whole, const char *name,
                                  unsigned kinds, const char *what, obs_error *error)
{
    obs_status status = obs__config_whole_find(out, whole, name, error);
    if (status != OBS_OK || kinds & 1u << (*out)->kind)
        return status;
    return obs__config_wrong_kind(whole, *out, what, error);
}
