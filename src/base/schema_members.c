/* Reads the keywords of objects and arrays. */
#include <string.h>

#include "base/schema_tree.h"

uint32_t obs__schema_hash(const char *name)
{
    uint32_t hash = 2166136261u;
    for (; *name; name++)
        hash = (hash ^ (unsigned char)*name) * 16777619u;
    return hash ? hash : 1;
}

int obs__schema_read_names(obs__schema_maker *maker, const obs__schema_node *node, const char *name, const json_t *array)
{
    int fine = json_is_array(array);
    for (size_t i = 0; fine && i < json_array_size(array); i++)
        fine = json_is_string(json_array_get(array, i));
    return fine ? 1 : obs__schema_wrong(maker, node, "\"%s\" must be a list of names", name);
}

static const obs__schema_node *member_schema(obs__schema_maker *maker, const obs__schema_node *node, const char *keyword,
                                             const json_t *map, const char *name)
{
    static const obs__schema_node always = {.kind = OBS__NODE_ALWAYS};
    static const obs__schema_node never = {.kind = OBS__NODE_NEVER};
    const json_t *value = json_object_get(map, name);
    if (json_is_boolean(value))
        return json_is_true(value) ? &always : &never;
    if (json_is_object(value))
        return obs__schema_find(maker, value);
    obs__schema_wrong(maker, node, "\"%s\": \"%s\" must be a schema: an object, true or false", keyword, name);
    return NULL;
}

static obs__schema_slot *slot_for(obs__schema_object *object, const char *name)
{
    uint32_t hash = obs__schema_hash(name);
    size_t at = hash & object->slot_mask;
    while (object->slots[at].name && strcmp(object->slots[at].name, name) != 0)
        at = (at + 1) & object->slot_mask;
    object->slots[at].name = name;
    object->slots[at].hash = hash;
    return &object->slots[at];
}

static int make_slots(obs__schema_maker *maker, obs__schema_object *object, size_t count)
{
    size_t size = 4;
    while (size < count * 2)
        size *= 2;
    object->slots = obs__schema_alloc(maker, size, sizeof *object->slots);
    object->slot_mask = size - 1;
    return object->slots != NULL;
}

static int read_slots(obs__schema_maker *maker, const obs__schema_node *node, obs__schema_object *object, json_t *properties)
{
    const char *name;
    json_t *value;
    size_t needed = json_object_size(properties) + json_array_size(object->required);
    if (!needed)
        return 1;
    if (!make_slots(maker, object, needed))
        return 0;
    json_object_foreach(properties, name, value)
    {
        const obs__schema_node *child = member_schema(maker, node, "properties", properties, name);
        if (!child)
            return 0;
        slot_for(object, name)->node = child;
    }
    for (size_t i = 0; i < json_array_size(object->required); i++) {
        obs__schema_slot *slot = slot_for(object, json_string_value(json_array_get(object->required, i)));
        object->required_count += !slot->required;
        slot->required = 1;
    }
    return 1;
}

static int read_matches(obs__schema_maker *maker, const obs__schema_node *node, obs__schema_object *object, json_t *patterns)
{
    const char *pattern;
    json_t *value;
    object->matches = obs__schema_alloc(maker, json_object_size(patterns) + 1, sizeof *object->matches);
    if (!object->matches)
        return 0;
    json_object_foreach(patterns, pattern, value)
    {
        obs__schema_match *match = &object->matches[object->match_count++];
        match->node = member_schema(maker, node, "patternProperties", patterns, pattern);
        match->pattern = match->node ? obs__schema_regex(maker, node, "patternProperties", pattern, strlen(pattern)) : NULL;
        if (!match->pattern)
            return 0;
    }
    return 1;
}

/* A map, or NULL when it is not there or this vocabulary is off. */
static int read_map(obs__schema_maker *maker, const obs__schema_node *node, const char *keyword, json_t **out)
{
    *out = json_object_get(node->json, keyword);
    return !*out || json_is_object(*out) ? 1 : obs__schema_wrong(maker, node, "\"%s\" must be an object", keyword);
}

static int read_dependency(obs__schema_maker *maker, const obs__schema_node *node, const char *keyword, json_t *map,
                           const char *name, obs__schema_dependency *out)
{
    const json_t *value = json_object_get(map, name);
    out->name = name;
    if (strcmp(keyword, "dependentRequired") == 0 || (json_is_array(value) && strcmp(keyword, "dependencies") == 0)) {
        out->required = value;
        return obs__schema_read_names(maker, node, keyword, value);
    }
    out->node = member_schema(maker, node, keyword, map, name);
    return out->node != NULL;
}

static int read_dependencies(obs__schema_maker *maker, const obs__schema_node *node, obs__schema_object *object,
                             unsigned vocabulary)
{
    static const char *const keywords[] = {"dependentRequired", "dependentSchemas", "dependencies"};
    static const unsigned needs[] = {OBS__VOCABULARY_VALIDATION, OBS__VOCABULARY_APPLICATOR, OBS__VOCABULARY_APPLICATOR};
    json_t *maps[3] = {NULL, NULL, NULL};
    size_t count = 0;
    for (size_t i = 0; i < 3; i++) {
        if ((vocabulary & needs[i]) && !read_map(maker, node, keywords[i], &maps[i]))
            return 0;
        count += json_object_size(maps[i]);
    }
    object->dependencies = count ? obs__schema_alloc(maker, count, sizeof *object->dependencies) : NULL;
    if (count && !object->dependencies)
        return 0;
    for (size_t i = 0; i < 3; i++) {
        const char *name;
        json_t *value;
        json_object_foreach(maps[i], name,
                            value) if (!read_dependency(maker, node, keywords[i], maps[i], name,
                                                        &object->dependencies[object->dependency_count++])) return 0;
    }
    return 1;
}

static int read_object_counts(obs__schema_maker *maker, const obs__schema_node *node, obs__schema_object *object)
{
    object->required = json_object_get(node->json, "required");
    return obs__schema_read_count(maker, node, "minProperties", &object->least) &&
           obs__schema_read_count(maker, node, "maxProperties", &object->most) &&
           (!object->required || obs__schema_read_names(maker, node, "required", object->required));
}

static int read_object_schemas(obs__schema_maker *maker, const obs__schema_node *node, obs__schema_object *object,
                               json_t **properties)
{
    json_t *patterns;
    if (!read_map(maker, node, "properties", properties) || !read_map(maker, node, "patternProperties", &patterns))
        return 0;
    if (patterns && !read_matches(maker, node, object, patterns))
        return 0;
    object->additional = obs__schema_child(maker, node, "additionalProperties");
    object->names = obs__schema_child(maker, node, "propertyNames");
    return maker->status == OBS_OK;
}

int obs__schema_read_object(obs__schema_maker *maker, obs__schema_node *node)
{
    unsigned vocabulary = node->resource->vocabulary;
    obs__schema_object object = {.most = UINT64_MAX};
    json_t *properties = NULL;
    if ((vocabulary & OBS__VOCABULARY_VALIDATION) && !read_object_counts(maker, node, &object))
        return 0;
    if ((vocabulary & OBS__VOCABULARY_APPLICATOR) && !read_object_schemas(maker, node, &object, &properties))
        return 0;
    if (!read_slots(maker, node, &object, properties) || !read_dependencies(maker, node, &object, vocabulary))
        return 0;
    if (vocabulary & OBS__VOCABULARY_UNEVALUATED)
        node->other_members = obs__schema_child(maker, node, "unevaluatedProperties");
    if (maker->status != OBS_OK)
        return 0;
    if (!object.least && object.most == UINT64_MAX && !object.slots && !object.match_count && !object.additional &&
        !object.names && !object.dependency_count)
        return 1;
    obs__schema_object *kept = obs__schema_alloc(maker, 1, sizeof *kept);
    if (!kept)
        return 0;
    *kept = object;
    node->object = kept;
    return 1;
}
