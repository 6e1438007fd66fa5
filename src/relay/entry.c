/* Catalog entries of both sides: reading, marking with the site, and what one says that the other does not. */
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"
#include "base/memory.h"
#include "relay/relay.h"

#define SITE "site"

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text ? text : "";
}

static obs_status dump(char **out, const json_t *json, obs_error *error)
{
    obs__builder text;
    obs__builder_init(&text, OBS__JSON_SIZE_LIMIT);
    obs__json_add(&text, json, 1);
    obs_status status = obs__builder_status(&text, error);
    if (status == OBS_OK && !(*out = obs__strdup(text.data)))
        status = obs__fail_memory(error);
    obs__builder_free(&text);
    return status;
}

static obs_status take(obs__relay_entry *out, obs_error *error)
{
    const char *name;
    json_t *value;
    size_t index;
    json_t *labels = json_object_get(out->json, "labels"), *values = json_object_get(out->json, "values");
    out->key = text_of(out->json, "key");
    out->kind = text_of(out->json, "kind");
    out->type = text_of(out->json, "type");
    out->sha256 = text_of(out->json, "sha256");
    out->size = (uint64_t)json_integer_value(json_object_get(out->json, "size"));
    json_object_foreach(labels, name, value)
    {
        if (out->label_count < OBS__RELAY_LABELS && json_is_string(value))
            out->labels[out->label_count++] = (obs_pair){name, json_string_value(value)};
    }
    json_array_foreach(json_object_get(out->json, "made_from"), index, value)
    {
        if (out->made_from_count < OBS__RELAY_SOURCES && json_is_string(value))
            out->made_from[out->made_from_count++] = json_string_value(value);
    }
    out->site = text_of(labels, SITE);
    if (!*out->site)
        out->site = text_of(values, SITE);
    return json_object_size(values) ? dump(&out->values, values, error) : OBS_OK;
}

obs_status obs__relay_entry_get(obs__relay_entry *out, obs_client *client, const char *key, const obs_call *call,
                                obs_error *error)
{
    obs_buffer *text = NULL;
    obs_error why;
    *out = (obs__relay_entry){.key = key, .site = ""};
    obs_error_init(&why, sizeof why);
    obs_status status = obs_catalog_get(&text, obs_client_catalog(client), key, OBS_TEXT, call, &why);
    if (status == OBS_NOT_FOUND || status == OBS_INVALID_ARGUMENT) /* what no key can be is no item */
        return OBS_OK;
    if (status != OBS_OK)
        return obs__copy_error(error, &why);
    static const obs__json_options options = {.flags = OBS__JSON_BIG_AS_REAL | OBS__JSON_ALLOW_NUL};
    status = obs__json_load(&out->json, obs_buffer_data(text), obs_buffer_size(text), &options, error);
    obs_buffer_free(text);
    return status == OBS_OK ? take(out, error) : status;
}

void obs__relay_entry_release(obs__relay_entry *entry)
{
    obs__free(entry->values);
    json_decref(entry->json);
    *entry = (obs__relay_entry){0};
}

obs_status obs__relay_entry_mark(obs__relay_entry *entry, const char *site, obs_error *error)
{
    if (*entry->site)
        return OBS_OK; /* it came there from another site, which it keeps */
    entry->site = site;
    if (entry->label_count < OBS__RELAY_LABELS) {
        entry->labels[entry->label_count++] = (obs_pair){SITE, site};
        return OBS_OK;
    }
    json_t *values = json_object_get(entry->json, "values");
    if (!values && json_object_set_new(entry->json, "values", values = json_object()) != 0)
        return obs__fail_memory(error);
    if (json_object_set_new(values, SITE, json_string(site)) != 0)
        return obs__fail_memory(error);
    obs__free(entry->values);
    entry->values = NULL;
    return dump(&entry->values, values, error);
}

static const char *label_of(const obs__relay_entry *entry, const char *name)
{
    for (size_t i = 0; i < entry->label_count; i++)
        if (strcmp(entry->labels[i].name, name) == 0)
            return entry->labels[i].value;
    return NULL;
}

static int same_values(const obs__relay_entry *entry, const obs__relay_entry *there)
{
    if (!entry->values || !there->values)
        return !entry->values;
    return strcmp(entry->values, there->values) == 0;
}

static int same_sources(const obs__relay_entry *entry, const obs__relay_entry *there)
{
    if (entry->made_from_count != there->made_from_count)
        return 0;
    for (size_t i = 0; i < entry->made_from_count; i++)
        if (strcmp(entry->made_from[i], there->made_from[i]) != 0)
            return 0;
    return 1;
}

/* What the object is: with the labels that the target has of its own. */
static obs_status replace(obs_unit *unit, const obs__relay_entry *entry, const obs__relay_entry *there, obs_error *error)
{
    obs__scope scope;
    obs__effects part = {0};
    const obs__entry told = {.kind = there->kind,
                             .key = obs__view_of(there->key, OBS_TEXT),
                             .type = there->type,
                             .size = there->size,
                             .sha256 = there->sha256,
                             .time_ns = obs__now_ns(),
                             .labels = there->labels,
                             .label_count = there->label_count,
                             .values = entry->values ? entry->values : there->values,
                             .made_from = entry->made_from,
                             .made_from_count = entry->made_from_count};
    obs_status status = obs__unit_part_begin(&scope, unit, "catalog.label", there->key, OBS_TEXT, error);
    if (status != OBS_OK)
        return status;
    return obs__unit_part_end(&scope, unit, &part, obs__catalog_entry(&part, &told, error), error);
}

obs_status obs__relay_entry_update(int *done, obs_unit *unit, const obs__relay_entry *entry, const obs__relay_entry *there,
                                   obs_error *error)
{
    obs_pair changed[OBS__RELAY_LABELS];
    size_t count = 0;
    obs_status status = OBS_OK;
    *done = 0;
    if (strcmp(entry->site, there->site) != 0)
        return OBS_OK; /* the target has it of its own, or from another site: its entry stays */
    for (size_t i = 0; i < entry->label_count; i++) {
        const char *is = label_of(there, entry->labels[i].name);
        if (!is || strcmp(is, entry->labels[i].value) != 0)
            changed[count++] = entry->labels[i];
    }
    if (!same_values(entry, there) || !same_sources(entry, there)) {
        *done = 1;
        status = replace(unit, entry, there, error);
    }
    if (status == OBS_OK && count) {
        *done = 1;
        status = obs_unit_label(unit, there->key, OBS_TEXT, changed, count, error);
    }
    return status;
}
