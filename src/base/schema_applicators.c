/* Reads the keywords of arrays, and those that apply other schemas to the same value. */
#include "base/schema_tree.h"

static int read_list(obs__schema_maker *maker, const obs__schema_node *node, const char *keyword, obs__schema_branches *out)
{
    static const obs__schema_node always = {.kind = OBS__NODE_ALWAYS};
    static const obs__schema_node never = {.kind = OBS__NODE_NEVER};
    const json_t *list = json_object_get(node->json, keyword);
    if (!list)
        return 1;
    size_t count = json_array_size(list);
    if (!json_is_array(list) || !count)
        return obs__schema_wrong(maker, node, "\"%s\" must be a list of schemas", keyword);
    out->nodes = obs__schema_alloc(maker, count, sizeof *out->nodes);
    if (!out->nodes)
        return 0;
    for (size_t i = 0; i < count; i++) {
        const json_t *value = json_array_get(list, i);
        if (!json_is_boolean(value) && !json_is_object(value))
            return obs__schema_wrong(maker, node, "\"%s\": item %zu must be a schema: an object, true or false", keyword, i);
        out->nodes[i] = json_is_object(value) ? obs__schema_find(maker, value) : json_is_true(value) ? &always : &never;
    }
    out->count = count;
    return 1;
}

static int read_array_counts(obs__schema_maker *maker, const obs__schema_node *node, obs__schema_array *array)
{
    const json_t *unique = json_object_get(node->json, "uniqueItems");
    if (unique && !json_is_boolean(unique))
        return obs__schema_wrong(maker, node, "\"uniqueItems\" must be true or false");
    array->unique = json_is_true(unique);
    return obs__schema_read_count(maker, node, "minItems", &array->least) &&
           obs__schema_read_count(maker, node, "maxItems", &array->most) &&
           obs__schema_read_count(maker, node, "minContains", &array->contains_least) &&
           obs__schema_read_count(maker, node, "maxContains", &array->contains_most);
}

static int read_array_schemas(obs__schema_maker *maker, const obs__schema_node *node, obs__schema_array *array)
{
    obs__schema_branches prefix = {0, NULL};
    if (!read_list(maker, node, "prefixItems", &prefix))
        return 0;
    array->prefix = prefix.nodes;
    array->prefix_count = prefix.count;
    array->items = obs__schema_child(maker, node, "items");
    array->contains = obs__schema_child(maker, node, "contains");
    return maker->status == OBS_OK;
}

int obs__schema_read_array(obs__schema_maker *maker, obs__schema_node *node)
{
    unsigned vocabulary = node->resource->vocabulary;
    obs__schema_array array = {.most = UINT64_MAX, .contains_least = 1, .contains_most = UINT64_MAX};
    if ((vocabulary & OBS__VOCABULARY_VALIDATION) && !read_array_counts(maker, node, &array))
        return 0;
    if ((vocabulary & OBS__VOCABULARY_APPLICATOR) && !read_array_schemas(maker, node, &array))
        return 0;
    if (vocabulary & OBS__VOCABULARY_UNEVALUATED)
        node->other_items = obs__schema_child(maker, node, "unevaluatedItems");
    if (maker->status != OBS_OK)
        return 0;
    if (!array.least && array.most == UINT64_MAX && !array.unique && !array.prefix_count && !array.items && !array.contains)
        return 1;
    obs__schema_array *kept = obs__schema_alloc(maker, 1, sizeof *kept);
    if (!kept)
        return 0;
    *kept = array;
    node->array = kept;
    return 1;
}

static int read_reference(obs__schema_maker *maker, const obs__schema_node *node, const char *keyword,
                          const obs__schema_node **out, const obs__schema_anchor **anchor)
{
    const json_t *value = json_object_get(node->json, keyword);
    if (!value)
        return 1;
    if (!json_is_string(value))
        return obs__schema_wrong(maker, node, "\"%s\" must be a string", keyword);
    *out = obs__schema_resolve(maker, node, json_string_value(value), anchor);
    return *out != NULL;
}

static int read_references(obs__schema_maker *maker, const obs__schema_node *node, obs__schema_combine *combine)
{
    const obs__schema_anchor *anchor = NULL;
    if (!read_reference(maker, node, "$ref", &combine->ref, NULL) ||
        !read_reference(maker, node, "$dynamicRef", &combine->dynamic_ref, &anchor))
        return 0;
    if (anchor && anchor->dynamic) {
        combine->dynamic_name = anchor->name;
        maker->schema->dynamic = 1;
    }
    return 1;
}

static int read_branches(obs__schema_maker *maker, const obs__schema_node *node, obs__schema_combine *combine)
{
    if (!read_list(maker, node, "allOf", &combine->all) || !read_list(maker, node, "anyOf", &combine->any) ||
        !read_list(maker, node, "oneOf", &combine->one))
        return 0;
    combine->negated = obs__schema_child(maker, node, "not");
    combine->condition = obs__schema_child(maker, node, "if");
    combine->positive = obs__schema_child(maker, node, "then");
    combine->negative = obs__schema_child(maker, node, "else");
    if (!combine->condition)
        combine->positive = combine->negative = NULL;
    return maker->status == OBS_OK;
}

int obs__schema_read_combine(obs__schema_maker *maker, obs__schema_node *node)
{
    obs__schema_combine combine = {0};
    if (!read_references(maker, node, &combine))
        return 0;
    if ((node->resource->vocabulary & OBS__VOCABULARY_APPLICATOR) && !read_branches(maker, node, &combine))
        return 0;
    if (!combine.ref && !combine.dynamic_ref && !combine.all.count && !combine.any.count && !combine.one.count &&
        !combine.negated && !combine.condition)
        return 1;
    obs__schema_combine *kept = obs__schema_alloc(maker, 1, sizeof *kept);
    if (!kept)
        return 0;
    *kept = combine;
    node->combine = kept;
    return 1;
}
