/* The schema of the whole, and the names that it says were renamed. */
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "config/whole.h"

#define RENAMES_MAX 1000
#define DEPTH_MAX 64

static void free_renames(obs__config_rules *rules)
{
    for (size_t i = 0; i < rules->rename_count; i++) {
        obs__free(rules->renames[i].old);
        obs__free(rules->renames[i].name);
    }
    obs__free(rules->renames);
}

void obs__config_rules_free(obs__config_rules *rules)
{
    if (!rules)
        return;
    free_renames(rules);
    obs__schema_free(rules->schema);
    obs__config_document_free(rules->document);
    obs__free(rules);
}

static obs_status add_rename(obs__config_rules *rules, const char *old, const char *name, obs_error *error)
{
    if (rules->rename_count == RENAMES_MAX)
        return obs__fail(error, OBS_RESOURCE_EXHAUSTED, "%s renames more than %d names", rules->document->label, RENAMES_MAX);
    obs__config_rename *renames = obs__realloc(rules->renames, (rules->rename_count + 1) * sizeof *renames);
    if (!renames)
        return obs__fail_memory(error);
    rules->renames = renames;
    renames[rules->rename_count] = (obs__config_rename){.old = obs__strdup(old), .name = obs__strdup(name)};
    obs__config_rename *made = &renames[rules->rename_count++];
    return made->old && made->name ? OBS_OK : obs__fail_memory(error);
}

/* `x-renamed-from` of one property: a name, or a list of names. */
static obs_status read_property(obs__config_rules *rules, const json_t *property, const char *name, obs_error *error)
{
    const json_t *from = json_object_get(property, "x-renamed-from");
    obs_status status = OBS_OK;
    if (!from)
        return OBS_OK;
    size_t count = json_is_array(from) ? json_array_size(from) : 1;
    for (size_t i = 0; i < count && status == OBS_OK; i++) {
        const char *old = json_string_value(json_is_array(from) ? json_array_get(from, i) : from);
        if (!old || !*old || obs__config_name_within(name, old))
            status = obs__fail(error, OBS_INVALID_ARGUMENT,
                               "%s: 'x-renamed-from' of '%.200s' must be another name, or a list of names, as in [old.name]",
                               rules->document->label, name);
        else
            status = add_rename(rules, old, name, error);
    }
    return status;
}

static obs_status read_properties(obs__config_rules *rules, const json_t *schema, obs__builder *name, unsigned depth,
                                  obs_error *error)
{
    obs_status status = OBS_OK;
    json_t *properties = json_object_get(schema, "properties");
    if (depth > DEPTH_MAX)
        return OBS_OK;
    for (void *i = json_object_iter(properties); i && status == OBS_OK; i = json_object_iter_next(properties, i)) {
        size_t before = name->size;
        obs__config_name_add(name, json_object_iter_key(i));
        status = obs__builder_status(name, error);
        if (status == OBS_OK && name->size > before)
            status = read_property(rules, json_object_iter_value(i), name->data, error);
        if (status == OBS_OK)
            status = read_properties(rules, json_object_iter_value(i), name, depth + 1, error);
        name->size = before;
        if (name->data)
            name->data[before] = '\0';
    }
    return status;
}

obs_status obs__config_rules_read(obs__config_rules **out, obs__config_document *document, obs_error *error)
{
    obs_error inner;
    obs__builder name;
    obs__config_rules *rules = obs__calloc(1, sizeof *rules);
    *out = NULL;
    if (!rules)
        return obs__fail_memory(error);
    rules->document = obs__config_document_retain(document);
    obs_error_init(&inner, sizeof inner);
    obs__builder_init(&name, OBS__CONFIG_NAMES_MAX);
    obs_status status = obs__schema_compile(&rules->schema, document->tree, 0, &inner);
    if (status != OBS_OK && obs__lacks_memory(&inner))
        obs__copy_error(error, &inner);
    else if (status != OBS_OK)
        obs__fail(error, status, "the schema %s: %s", document->label, inner.message);
    else
        status = read_properties(rules, document->tree, &name, 0, error);
    obs__builder_free(&name);
    if (status != OBS_OK)
        obs__config_rules_free(rules);
    else
        *out = rules;
    return status;
}
