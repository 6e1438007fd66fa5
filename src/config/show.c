/* Showing: values as JSON without secrets, where each comes from, how the sources are. */
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/error.h"
#include "config/engine.h"

#define ROWS_MAX ((size_t)64 << 20)

static void add_object(obs__builder *out, const json_t *json)
{
    json_t *object = (json_t *)(uintptr_t)json; /* jansson's iterators only read, but do not say so */
    obs__add_char(out, '{');
    for (void *i = json_object_iter(object); i; i = json_object_iter_next(object, i)) {
        const char *key = json_object_iter_key(i);
        if (i != json_object_iter(object))
            obs__add_char(out, ',');
        obs__add_json(out, key, strlen(key));
        obs__add_char(out, ':');
        obs__config_json_add(out, json_object_iter_value(i));
    }
    obs__add_char(out, '}');
}

void obs__config_json_add(obs__builder *out, const json_t *json)
{
    obs__view reference = obs__config_reference(json);
    if (reference.size) {
        obs__add_text(out, "{\"secret\":");
        obs__add_json(out, reference.data, reference.size);
        obs__add_char(out, '}');
    } else if (json_is_object(json))
        add_object(out, json);
    else if (json_is_array(json)) {
        obs__add_char(out, '[');
        for (size_t i = 0; i < json_array_size(json); i++) {
            if (i)
                obs__add_char(out, ',');
            obs__config_json_add(out, json_array_get(json, i));
        }
        obs__add_char(out, ']');
    } else
        obs__json_add(out, json, 0);
}

static void add_value(obs__builder *out, const json_t *json)
{
    obs__add_text(out, "\"value\":");
    obs__config_json_add(out, json);
    obs__add_char(out, ',');
}

static void add_overrides(obs__builder *out, const obs__config_whole *whole, const obs__config_value *value)
{
    int any = 0;
    obs__add_text(out, "\"overrides\":[");
    for (int i = value->layer - 1; i >= 0; i--) {
        char place[OBS__CONFIG_PLACE_SIZE];
        const obs__config_value *below = obs__config_table_find(&whole->layers[i]->table, value->name, value->name_size);
        if (!below)
            continue;
        if (any++)
            obs__add_char(out, ',');
        obs__config_place(place, whole->layers[i], below);
        obs__add_char(out, '{');
        obs__add_json_member(out, "layer", whole->layers[i]->url);
        add_value(out, below->json);
        obs__add_json_member(out, "place", place);
        obs__add_json_end(out);
    }
    obs__add_text(out, "],");
}

static void add_row(obs__builder *out, const obs__config_whole *whole, const obs__config_value *value)
{
    char place[OBS__CONFIG_PLACE_SIZE];
    const obs__config_document *layer = whole->layers[value->layer];
    obs__config_whole_place(place, whole, value);
    obs__add_char(out, '{');
    obs__add_json_member(out, "name", value->name);
    add_value(out, value->json);
    obs__add_json_member(out, "layer", layer->url);
    obs__add_json_member(out, "place", place);
    obs__add_json_member(out, "etag", *layer->etag ? layer->etag : NULL);
    add_overrides(out, whole, value);
    obs__add_json_end(out);
    obs__add_char(out, '\n');
}

/* A mapping is shown by its values, a list as one. */
static obs_status add_rows(obs__builder *out, const obs__config_whole *whole, const char *name, obs_error *error)
{
    const obs__config_value *asked = NULL;
    const char *list = NULL;
    obs_status status = *name ? obs__config_whole_find(&asked, whole, name, error) : OBS_OK;
    for (size_t i = 0; i < whole->table.count && status == OBS_OK; i++) {
        const obs__config_value *value = &whole->table.values[i];
        if (!obs__config_name_within(value->name, name) || (list && obs__config_name_within(value->name, list)))
            continue;
        if (value->kind == OBS__CONFIG_MAPPING && json_object_size(value->json))
            continue;
        list = value->kind == OBS__CONFIG_LIST ? value->name : NULL;
        add_row(out, whole, value);
    }
    return status;
}

static obs_status finish_rows(obs_rows **out, obs__builder *rows, obs_error *error)
{
    obs_buffer *lines = NULL;
    obs_status status = obs__builder_finish(&lines, rows, error);
    return status == OBS_OK ? obs__rows_from_lines(out, lines, error) : status;
}

obs_status obs_config_explain(obs_rows **out, obs_config *config, const char *name, const obs_call *call, obs_error *error)
{
    obs__config_whole *whole = NULL;
    obs__builder rows;
    if (!out || !config)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "out and config are required");
    *out = NULL;
    obs__builder_init(&rows, ROWS_MAX);
    obs_status status = obs__config_hold(&whole, config, call, error);
    if (status == OBS_OK)
        status = add_rows(&rows, whole, name ? name : "", error);
    if (status == OBS_OK)
        status = finish_rows(out, &rows, error);
    obs__builder_free(&rows);
    obs__config_whole_free(whole);
    return status == OBS_OK ? obs__ok(error) : status;
}

static const char *state_of(const obs__config_layer *layer)
{
    switch (layer->state) {
    case OBS__CONFIG_STATE_OK:
        return obs__config_is_overdue(layer) ? "stale" : "ok";
    case OBS__CONFIG_STATE_KEPT:
        return "last-known-good";
    case OBS__CONFIG_STATE_REFUSED:
        return "refused";
    case OBS__CONFIG_STATE_GONE:
        return "absent";
    default:
        return "stale";
    }
}

static void add_time(obs__builder *out, const char *name, int64_t ns)
{
    char text[OBS__TIME_SIZE];
    obs__time_format(text, ns);
    obs__add_json_member(out, name, ns ? text : NULL);
}

static void add_source(obs__builder *out, const obs__config_layer *layer)
{
    const obs__config_document *document = layer->accepted;
    obs__add_char(out, '{');
    obs__add_json_member(out, "layer", layer->source.url);
    obs__add_json_member(out, "state", state_of(layer));
    obs__add_json_member(out, "etag", document && *document->etag ? document->etag : NULL);
    add_time(out, "checked", layer->checked_wall_ns);
    add_time(out, "changed", document ? document->changed_ns : 0);
    if (layer->lag_ns >= 0)
        obs__add_json_integer(out, "lag_ms", layer->lag_ns / 1000000);
    else
        obs__add_json_member(out, "lag_ms", NULL);
    if (layer->source.key && document)
        obs__add_json_integer(out, "version", document->version);
    else
        obs__add_json_member(out, "version", NULL);
    obs__add_json_member(out, "message", layer->message);
    obs__add_json_end(out);
    obs__add_char(out, '\n');
}

obs_status obs_config_sources(obs_rows **out, obs_config *config, obs_error *error)
{
    obs__config_engine *engine = NULL;
    obs__scope scope;
    obs__builder rows;
    if (!out || !config)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "out and config are required");
    *out = NULL;
    obs_status status = obs__gate_enter(&scope, config->gate, OBS__READ, "config.sources", NULL, 0, NULL, error);
    if (status != OBS_OK)
        return status;
    obs__builder_init(&rows, ROWS_MAX);
    status = obs__config_engine_of(&engine, config, NULL, error);
    if (status == OBS_OK)
        status = obs__config_engine_ours(engine, error);
    if (status == OBS_OK) {
        pthread_mutex_lock(&engine->lock);
        for (size_t i = 0; i < engine->source_count; i++)
            add_source(&rows, &engine->layers[i]);
        pthread_mutex_unlock(&engine->lock);
        status = finish_rows(out, &rows, error);
    }
    obs__builder_free(&rows);
    return obs__gate_leave(&scope, status, error);
}

/* One sentence for a source that is not well. */
static obs_status health_of(const obs__config_layer *layer, char *text, size_t capacity)
{
    const char *label = layer->source.label;
    if (layer->state == OBS__CONFIG_STATE_REFUSED) {
        snprintf(text, capacity, "%s: %s", label, layer->message);
        return OBS_REFUSED;
    }
    if (layer->state == OBS__CONFIG_STATE_KEPT)
        snprintf(text, capacity, "%s does not answer; the last known good document, %lld s old, is used: %s", label,
                 (long long)((obs__now_ns() - layer->kept_ns) / 1000000000), layer->message);
    else if (!obs__config_is_overdue(layer))
        return OBS_OK;
    else if (!layer->checked_wall_ns)
        snprintf(text, capacity, "%s never answered: %s", label, layer->message);
    else
        snprintf(text, capacity, "%s was not heard of for %lld s: %s", label,
                 (long long)((obs__monotonic_ns() - layer->checked_ns) / 1000000000), layer->message);
    return OBS_UNAVAILABLE;
}

obs_status obs__config_health(obs_config *config, char *text, size_t capacity)
{
    obs__config_engine *engine = NULL;
    obs_error error;
    obs_error_init(&error, sizeof error);
    *text = '\0';
    obs_status status = obs__config_engine_of(&engine, config, NULL, &error);
    if (status == OBS_OK)
        status = obs__config_engine_ours(engine, &error);
    if (status == OBS_OK) {
        pthread_mutex_lock(&engine->lock);
        if (!atomic_load(&engine->live.whole))
            status = obs__copy_error(&error, &engine->fault);
        for (size_t i = 0; i < engine->source_count && status == OBS_OK; i++)
            status = health_of(&engine->layers[i], text, capacity);
        pthread_mutex_unlock(&engine->lock);
    }
    if (status != OBS_OK && !*text)
        snprintf(text, capacity, "%s", error.message);
    return status;
}

obs_status obs__config_measure(obs_config *config, obs__config_visit *visit, void *user, obs_error *error)
{
    obs__config_engine *engine = NULL;
    obs_status status = obs__config_engine_of(&engine, config, NULL, error);
    if (status == OBS_OK)
        status = obs__config_engine_ours(engine, error);
    if (status != OBS_OK)
        return status;
    pthread_mutex_lock(&engine->lock);
    for (size_t i = 0; i < engine->source_count; i++) {
        const obs__config_layer *layer = &engine->layers[i];
        char unused[OBS_ERROR_TEXT_SIZE];
        const obs__config_numbers numbers = {
            .label = layer->source.label,
            .is_well = health_of(layer, unused, sizeof unused) == OBS_OK,
            .lag_ns = layer->lag_ns,
            .age_ns = layer->checked_wall_ns ? obs__monotonic_ns() - layer->checked_ns : -1,
        };
        visit(user, &numbers);
    }
    pthread_mutex_unlock(&engine->lock);
    return OBS_OK;
}

obs_status obs_config_validate(obs_config *config, const char *data, size_t size, const char *name, obs_error *error)
{
    obs__config_engine *engine = NULL;
    obs__scope scope;
    if (!config || !data)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "config and data are required");
    if (config->whole)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "a snapshot cannot check: ask the client's own configuration");
    obs_status status = obs__gate_enter(&scope, config->gate, OBS__READ, "config.validate", name, OBS_TEXT, NULL, error);
    if (status != OBS_OK)
        return status;
    status = obs__config_engine_of(&engine, config, &scope.limit, error);
    if (status == OBS_OK)
        status = obs__config_turn_take(engine, &scope.limit, error);
    if (status == OBS_OK) {
        status = obs__config_check_text(engine, obs__view_of(data, size), name ? name : "the document", error);
        obs__config_turn_give(engine);
    }
    /* That a text does not fit is the answer, not a refusal to be recorded. */
    obs__gate_leave(&scope, status == OBS_REFUSED ? OBS_OK : status, NULL);
    return status == OBS_OK ? obs__ok(error) : status;
}
