/* Finds all subschemas of a document, with their URIs, anchors and vocabularies. */
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/schema_tree.h"

static const char DRAFT[] = "https://json-schema.org/draft/2020-12/schema";

static size_t slot_of(const obs__schema_maker *maker, const json_t *json)
{
    uint64_t hash = (uint64_t)(uintptr_t)json * 0x9E3779B97F4A7C15u;
    size_t mask = maker->known_size - 1;
    size_t at = (size_t)(hash >> 32) & mask;
    while (maker->known[at] && maker->known[at]->json != json)
        at = (at + 1) & mask;
    return at;
}

obs__schema_node *obs__schema_find(const obs__schema_maker *maker, const json_t *json)
{
    return maker->known_size ? maker->known[slot_of(maker, json)] : NULL;
}

static int grow_known(obs__schema_maker *maker)
{
    size_t size = maker->known_size ? maker->known_size * 2 : 64;
    obs__schema_node **known = obs__calloc(size, sizeof(obs__schema_node *));
    if (!known) {
        maker->status = obs__fail_memory(maker->error);
        return 0;
    }
    obs__free(maker->known);
    maker->known = known;
    maker->known_size = size;
    for (obs__schema_node *node = maker->first; node; node = node->next)
        if (json_is_object(node->json))
            known[slot_of(maker, node->json)] = node;
    return 1;
}

static void append(obs__schema_maker *maker, obs__schema_node *node)
{
    if (maker->last)
        maker->last->next = node;
    else
        maker->first = node;
    maker->last = node;
    maker->node_count++;
}

static obs__schema_node *node_new(obs__schema_maker *maker, const obs__schema_node *like)
{
    if (maker->node_count >= OBS__SCHEMA_NODES_MAX) {
        obs__schema_wrong(maker, like, "the schema has more than %d subschemas", OBS__SCHEMA_NODES_MAX);
        return NULL;
    }
    if ((maker->node_count + 1) * 2 > maker->known_size && !grow_known(maker))
        return NULL;
    obs__schema_node *node = obs__schema_alloc(maker, 1, sizeof *node);
    if (!node)
        return NULL;
    *node = *like;
    append(maker, node);
    if (json_is_object(node->json))
        maker->known[slot_of(maker, node->json)] = node;
    return node;
}

static unsigned vocabulary_flag(const char *uri)
{
    static const struct {
        const char *name;
        unsigned flag;
    } names[] = {{"applicator", OBS__VOCABULARY_APPLICATOR},
                 {"validation", OBS__VOCABULARY_VALIDATION},
                 {"unevaluated", OBS__VOCABULARY_UNEVALUATED},
                 {"format-assertion", OBS__VOCABULARY_FORMAT},
                 {"core", 0x100},
                 {"meta-data", 0x100},
                 {"format-annotation", 0x100},
                 {"content", 0x100}};
    static const char base[] = "https://json-schema.org/draft/2020-12/vocab/";
    if (strncmp(uri, base, sizeof base - 1) != 0)
        return 0;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(uri + sizeof base - 1, names[i].name) == 0)
            return names[i].flag;
    return 0;
}

static int read_vocabularies(obs__schema_maker *maker, obs__schema_node *node, const json_t *meta, unsigned *out)
{
    const char *uri;
    json_t *needed;
    json_t *all = json_object_get(meta, "$vocabulary");
    *out = 0;
    json_object_foreach(all, uri, needed)
    {
        unsigned flag = vocabulary_flag(uri);
        if (!flag && json_is_true(needed))
            return obs__schema_wrong(maker, node, "the vocabulary \"%s\" is not known", uri);
        *out |= flag;
    }
    return 1;
}

static int read_dialect(obs__schema_maker *maker, obs__schema_node *node, unsigned *vocabulary)
{
    const json_t *value = json_object_get(node->json, "$schema");
    const char *uri = json_string_value(value);
    if (!value)
        return 1;
    if (!uri)
        return obs__schema_wrong(maker, node, "\"$schema\" must be a string");
    size_t size = strlen(uri);
    size -= size && uri[size - 1] == '#';
    if (size == sizeof DRAFT - 1 && memcmp(uri, DRAFT, size) == 0)
        return 1;
    const json_t *meta = maker->loader ? maker->loader->load(maker->loader->user, uri) : NULL;
    if (!meta)
        return obs__schema_wrong(maker, node, "\"$schema\" must be \"%s\", not \"%s\"", DRAFT, uri);
    return json_object_get(meta, "$vocabulary") ? read_vocabularies(maker, node, meta, vocabulary) : 1;
}

static int add_resource(obs__schema_maker *maker, obs__schema_node *node, const char *uri)
{
    for (const obs__schema_resource *r = maker->schema->resources; r; r = r->next)
        if (strcmp(r->uri, uri) == 0)
            return obs__schema_wrong(maker, node, "two schemas have the \"$id\" \"%s\"", uri);
    obs__schema_resource *resource = obs__schema_alloc(maker, 1, sizeof *resource);
    if (!resource)
        return 0;
    resource->uri = uri;
    resource->root = node;
    resource->vocabulary = node->resource ? node->resource->vocabulary : ~0u & ~(unsigned)OBS__VOCABULARY_FORMAT;
    if (!read_dialect(maker, node, &resource->vocabulary))
        return 0;
    resource->next = maker->schema->resources;
    maker->schema->resources = resource;
    node->resource = resource;
    return 1;
}

/* The absolute URI of a node's $id against `base`, kept; NULL after a failure. */
static const char *identify(obs__schema_maker *maker, const obs__schema_node *node, const char *base, const char *id)
{
    obs__builder uri;
    obs__builder_init(&uri, 4096);
    obs__uri_resolve(&uri, base, id);
    const char *kept = NULL;
    if (uri.failed)
        obs__schema_wrong(maker, node, "\"$id\" is too long");
    else {
        char *hash = strchr(uri.data, '#');
        if (hash && hash[1])
            obs__schema_wrong(maker, node, "\"$id\" must not have a fragment: \"%s\"", id);
        else
            kept = obs__schema_text(maker, uri.data, hash ? (size_t)(hash - uri.data) : uri.size);
    }
    obs__builder_free(&uri);
    return kept;
}

static int read_identity(obs__schema_maker *maker, obs__schema_node *node, const char *base)
{
    const json_t *value = json_object_get(node->json, "$id");
    if (value && !json_is_string(value))
        return obs__schema_wrong(maker, node, "\"$id\" must be a string");
    if (!value && node->resource)
        return 1;
    const char *uri =
        value ? identify(maker, node, base, json_string_value(value)) : obs__schema_text(maker, base, strlen(base));
    return uri && add_resource(maker, node, uri);
}

static int is_anchor(const char *name)
{
    const char *c = name;
    if (!((*c | 32) >= 'a' && (*c | 32) <= 'z') && *c != '_')
        return 0;
    return c[strspn(c, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")] == '\0';
}

static int read_anchor(obs__schema_maker *maker, obs__schema_node *node, const char *keyword, int dynamic)
{
    const json_t *value = json_object_get(node->json, keyword);
    if (!value)
        return 1;
    if (!json_is_string(value) || !is_anchor(json_string_value(value)))
        return obs__schema_wrong(maker, node, "\"%s\" must be a plain name", keyword);
    obs__schema_anchor *anchor = obs__schema_alloc(maker, 1, sizeof *anchor);
    if (!anchor)
        return 0;
    *anchor = (obs__schema_anchor){node->resource, json_string_value(value), node, dynamic, maker->schema->anchors};
    maker->schema->anchors = anchor;
    return 1;
}

static unsigned depth_of(const obs__schema_node *node)
{
    unsigned depth = 0;
    for (; node; node = node->up)
        depth++;
    return depth;
}

static int scan_one(obs__schema_maker *maker, const obs__schema_node *up, const char *keyword)
{
    const json_t *value = json_object_get(up->json, keyword);
    return !json_is_object(value) || obs__schema_scan(maker, value, up, keyword, NULL, SIZE_MAX);
}

static int scan_list(obs__schema_maker *maker, const obs__schema_node *up, const char *keyword)
{
    const json_t *list = json_object_get(up->json, keyword);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *value = json_array_get(list, i);
        if (json_is_object(value) && !obs__schema_scan(maker, value, up, keyword, NULL, i))
            return 0;
    }
    return 1;
}

static int scan_map(obs__schema_maker *maker, const obs__schema_node *up, const char *keyword)
{
    const char *name;
    json_t *value;
    json_t *map = json_object_get(up->json, keyword);
    json_object_foreach(map, name, value) if (json_is_object(value) &&
                                              !obs__schema_scan(maker, value, up, keyword, name, SIZE_MAX)) return 0;
    return 1;
}

static int scan_children(obs__schema_maker *maker, const obs__schema_node *node)
{
    static const char *const ones[] = {"additionalProperties",  "propertyNames", "items", "contains", "unevaluatedItems",
                                       "unevaluatedProperties", "not",           "if",    "then",     "else",
                                       "contentSchema"};
    static const char *const lists[] = {"prefixItems", "allOf", "anyOf", "oneOf"};
    static const char *const maps[] = {"properties", "patternProperties", "dependentSchemas", "dependencies",
                                       "$defs",      "definitions"};
    for (size_t i = 0; i < sizeof ones / sizeof *ones; i++)
        if (!scan_one(maker, node, ones[i]))
            return 0;
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        if (!scan_list(maker, node, lists[i]))
            return 0;
    for (size_t i = 0; i < sizeof maps / sizeof *maps; i++)
        if (!scan_map(maker, node, maps[i]))
            return 0;
    return 1;
}

static obs__schema_node *scan(obs__schema_maker *maker, const obs__schema_node *like, const char *base)
{
    if (!json_is_object(like->json) && !json_is_boolean(like->json)) {
        obs__schema_wrong(maker, like, "a schema must be an object, true or false");
        return NULL;
    }
    if (depth_of(like) > OBS__SCHEMA_DEPTH_MAX) {
        obs__schema_wrong(maker, like, "the schema is nested deeper than %d levels", OBS__SCHEMA_DEPTH_MAX);
        return NULL;
    }
    obs__schema_node *node = node_new(maker, like);
    if (!node || !read_identity(maker, node, base))
        return NULL;
    if (json_is_boolean(node->json))
        return node;
    if (!read_anchor(maker, node, "$anchor", 0) || !read_anchor(maker, node, "$dynamicAnchor", 1))
        return NULL;
    return scan_children(maker, node) ? node : NULL;
}

obs__schema_node *obs__schema_scan(obs__schema_maker *maker, const json_t *json, const obs__schema_node *up,
                                   const char *keyword, const char *member, size_t index)
{
    obs__schema_node *known = obs__schema_find(maker, json);
    if (known)
        return known;
    obs__schema_node like = {.json = json, .up = up, .keyword = keyword, .member = member, .index = index};
    like.resource = up->resource;
    return scan(maker, &like, up->resource->uri);
}

obs__schema_node *obs__schema_scan_document(obs__schema_maker *maker, const json_t *json, const char *uri)
{
    obs__schema_node like = {.json = json, .index = SIZE_MAX};
    return scan(maker, &like, uri);
}
