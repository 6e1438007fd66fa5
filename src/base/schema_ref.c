/* What references point to, and references that never end. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/schema_tree.h"

static const obs__schema_node ALWAYS = {.kind = OBS__NODE_ALWAYS};
static const obs__schema_node NEVER = {.kind = OBS__NODE_NEVER};

const obs__schema_node *obs__schema_child(obs__schema_maker *maker, const obs__schema_node *node, const char *keyword)
{
    const json_t *value = json_object_get(node->json, keyword);
    if (!value)
        return NULL;
    if (json_is_boolean(value))
        return json_is_true(value) ? &ALWAYS : &NEVER;
    if (json_is_object(value))
        return obs__schema_find(maker, value);
    obs__schema_wrong(maker, node, "\"%s\" must be a schema: an object, true or false%s", keyword,
                      json_is_array(value) && strcmp(keyword, "items") == 0 ? "; for a list use \"prefixItems\"" : "");
    return NULL;
}

/* One token of a JSON pointer, from `*at` behind its '/'; unescapes in place. */
static char *pointer_token(char **at)
{
    char *token = *at;
    char *to = token;
    char *from = token;
    for (; *from && *from != '/'; from++) {
        if (from[0] == '~' && (from[1] == '0' || from[1] == '1'))
            *to++ = *++from == '0' ? '~' : '/';
        else
            *to++ = *from;
    }
    *at = *from ? from + 1 : NULL;
    *to = '\0';
    return token;
}

static const json_t *step(const json_t *json, const char *token)
{
    if (json_is_object(json))
        return json_object_get(json, token);
    if (!json_is_array(json) || !isdigit((unsigned char)*token) || (token[0] == '0' && token[1]))
        return NULL;
    char *end = NULL;
    unsigned long index = strtoul(token, &end, 10);
    return *end ? NULL : json_array_get(json, index);
}

/* The schema a JSON pointer leads to; what was not seen as a schema yet, because it stands at an unusual place, is now. */
static const obs__schema_node *point(obs__schema_maker *maker, const obs__schema_node *from, char *pointer)
{
    const json_t *json = from->json;
    char *at = pointer + 1;
    while (json && at) {
        json = step(json, pointer_token(&at));
        const obs__schema_node *known = json && json_is_object(json) ? obs__schema_find(maker, json) : NULL;
        if (known)
            from = known;
    }
    if (!json)
        return NULL;
    if (json_is_boolean(json))
        return json_is_true(json) ? &ALWAYS : &NEVER;
    if (json == from->json)
        return from;
    return obs__schema_scan(maker, json, from, "…", NULL, SIZE_MAX);
}

static const obs__schema_anchor *find_anchor(const obs__schema_maker *maker, const obs__schema_resource *resource,
                                             const char *name)
{
    for (const obs__schema_anchor *a = maker->schema->anchors; a; a = a->next)
        if (a->resource == resource && strcmp(a->name, name) == 0)
            return a;
    return NULL;
}

/* A document that calls itself otherwise than it was asked for is known by both names. */
static void add_alias(obs__schema_maker *maker, obs__schema_node *root, const char *uri)
{
    obs__schema_resource *alias = obs__schema_alloc(maker, 1, sizeof *alias);
    if (!alias)
        return;
    *alias = *root->resource;
    alias->uri = obs__schema_text(maker, uri, strlen(uri));
    alias->next = maker->schema->resources;
    if (alias->uri)
        maker->schema->resources = alias;
}

static const obs__schema_resource *find_resource(obs__schema_maker *maker, const char *uri)
{
    for (const obs__schema_resource *r = maker->schema->resources; r; r = r->next)
        if (strcmp(r->uri, uri) == 0)
            return r->root->resource;
    const json_t *document = maker->loader ? maker->loader->load(maker->loader->user, uri) : NULL;
    const json_t *copy = document ? obs__schema_keep(maker, document) : NULL;
    obs__schema_node *root = copy ? obs__schema_scan_document(maker, copy, uri) : NULL;
    if (root && strcmp(root->resource->uri, uri) != 0)
        add_alias(maker, root, uri);
    return root ? root->resource : NULL;
}

static void percent_decode(char *text)
{
    char *to = text;
    for (const char *from = text; *from; from++) {
        unsigned char byte;
        if (*from == '%' && from[1] && from[2] && obs__unhex(&byte, 1, from + 1)) {
            *to++ = (char)byte;
            from += 2;
        } else
            *to++ = *from;
    }
    *to = '\0';
}

static const obs__schema_node *in_resource(obs__schema_maker *maker, const obs__schema_resource *resource, char *fragment,
                                           const obs__schema_anchor **out_anchor)
{
    percent_decode(fragment);
    if (!*fragment)
        return resource->root;
    if (*fragment == '/')
        return point(maker, resource->root, fragment);
    const obs__schema_anchor *anchor = find_anchor(maker, resource, fragment);
    if (anchor && out_anchor)
        *out_anchor = anchor;
    return anchor ? anchor->node : NULL;
}

static const obs__schema_node *resolve(obs__schema_maker *maker, const obs__schema_node *node, char *uri, const char *reference,
                                       const obs__schema_anchor **out_anchor)
{
    static char nothing[1];
    char *fragment = strchr(uri, '#');
    if (fragment)
        *fragment++ = '\0';
    const obs__schema_resource *resource = find_resource(maker, uri);
    if (!resource) {
        obs__schema_wrong(maker, node,
                          "the reference \"%s\" leads to another document, which is never fetched: "
                          "copy that schema into \"$defs\" and refer to it there",
                          reference);
        return NULL;
    }
    const obs__schema_node *found = in_resource(maker, resource, fragment ? fragment : nothing, out_anchor);
    if (!found)
        obs__schema_wrong(maker, node, "the reference \"%s\" leads to nothing", reference);
    return found;
}

const obs__schema_node *obs__schema_resolve(obs__schema_maker *maker, const obs__schema_node *node, const char *reference,
                                            const obs__schema_anchor **out_anchor)
{
    obs__builder uri;
    const obs__schema_node *found = NULL;
    obs__builder_init(&uri, 8192);
    obs__uri_resolve(&uri, node->resource->uri, reference);
    obs__add(&uri, "", 0);
    if (uri.failed)
        obs__schema_wrong(maker, node, "the reference \"%.60s…\" is too long", reference);
    else
        found = resolve(maker, node, uri.data, reference, out_anchor);
    obs__builder_free(&uri);
    return found;
}

static int visit(obs__schema_maker *maker, const obs__schema_node *node, unsigned depth);

static int visit_branches(obs__schema_maker *maker, const obs__schema_branches *branches, unsigned depth)
{
    for (size_t i = 0; i < branches->count; i++)
        if (!visit(maker, branches->nodes[i], depth))
            return 0;
    return 1;
}

static int visit_combined(obs__schema_maker *maker, const obs__schema_combine *combine, unsigned depth)
{
    const obs__schema_node *const ones[] = {combine->ref,       combine->dynamic_ref, combine->negated,
                                            combine->condition, combine->positive,    combine->negative};
    for (size_t i = 0; i < sizeof ones / sizeof *ones; i++)
        if (ones[i] && !visit(maker, ones[i], depth))
            return 0;
    return visit_branches(maker, &combine->all, depth) && visit_branches(maker, &combine->any, depth) &&
           visit_branches(maker, &combine->one, depth);
}

/* Follows what applies to the same value: coming back to a schema on the way would never end. */
static int visit(obs__schema_maker *maker, const obs__schema_node *node, unsigned depth)
{
    if (node->kind != OBS__NODE_CHECKS || node->visit == 2)
        return 1;
    obs__schema_node *own = obs__schema_find(maker, node->json);
    if (own->visit == 1)
        return obs__schema_wrong(maker, own, "this schema applies itself to the same value again, without end");
    if (depth > OBS__SCHEMA_CALLS_MAX)
        return obs__schema_wrong(maker, own, "more than %d references in a row", OBS__SCHEMA_CALLS_MAX);
    own->visit = 1;
    int fine = !own->combine || visit_combined(maker, own->combine, depth + 1);
    for (size_t i = 0; fine && own->object && i < own->object->dependency_count; i++)
        if (own->object->dependencies[i].node)
            fine = visit(maker, own->object->dependencies[i].node, depth + 1);
    own->visit = 2;
    return fine;
}

int obs__schema_check_cycles(obs__schema_maker *maker)
{
    for (const obs__schema_node *node = maker->first; node; node = node->next)
        if (!visit(maker, node, 0))
            return 0;
    return 1;
}
