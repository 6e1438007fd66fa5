/*
 * Whether a new version of a data definition still accepts what the old one did, as far as that can be decided: schemas at the
 * same place are compared, and what cannot be compared may not change. One thing is allowed although it narrows: an optional
 * member that is new may have a type, although the old definition let anything pass under its name.
 */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/schema_value.h"
#include "catalog/definition.h"

enum { PAIRS_MAX = 2000, DEPTH_MAX = 100 };

typedef struct comparison {
    const json_t *old, *now; /* the whole documents */
    struct {
        const json_t *old, *now;
    } seen[PAIRS_MAX]; /* recursive schemas come back to the same pair */
    size_t count;
    unsigned depth;
    obs_error *error;
} comparison;

typedef struct place {
    const struct place *up;
    const char *name;
} place;

static void add_place(obs__builder *out, const place *at)
{
    if (!at->up)
        return;
    add_place(out, at->up);
    obs__add_char(out, '/');
    obs__add_text(out, at->name);
}

static obs_status refuse(comparison *c, const place *at, const char *what)
{
    obs__builder text;
    obs__builder_init(&text, 200);
    add_place(&text, at);
    obs_status status = obs__fail(c->error, OBS_FAILED_PRECONDITION,
                                  "%s: %s, or records that were accepted would be refused; give the new form another name",
                                  text.failed ? "…"
                                  : text.size ? text.data
                                              : "/",
                                  what);
    obs__builder_free(&text);
    return status;
}

/* A schema behind its `$ref`, when that is a pointer inside the document. */
static const json_t *behind(const json_t *document, const json_t *schema)
{
    const char *reference = json_string_value(json_object_get(schema, "$ref"));
    if (!reference || strncmp(reference, "#/", 2) != 0)
        return reference && strcmp(reference, "#") == 0 ? document : schema;
    const json_t *at = document;
    char token[256];
    for (const char *from = reference + 2; at && from; from = *from ? from + 1 : NULL) {
        size_t size = strcspn(from, "/");
        if (size >= sizeof token || memchr(from, '~', size) || memchr(from, '%', size) || !json_is_object(at))
            return schema;
        memcpy(token, from, size);
        token[size] = '\0';
        at = json_object_get(at, token);
        from += size;
    }
    return at ? at : schema;
}

static int seen_before(comparison *c, const json_t *old, const json_t *now)
{
    for (size_t i = 0; i < c->count; i++)
        if (c->seen[i].old == old && c->seen[i].now == now)
            return 1;
    if (c->count < PAIRS_MAX) {
        c->seen[c->count].old = old;
        c->seen[c->count].now = now;
    }
    c->count++;
    return 0;
}

static obs_status compare(comparison *c, const place *at, const json_t *old, const json_t *now);

static obs_status compare_required(comparison *c, const place *at, const json_t *old, const json_t *now)
{
    const json_t *before = json_object_get(old, "required");
    const json_t *after = json_object_get(now, "required");
    for (size_t i = 0; i < json_array_size(after); i++) {
        const json_t *name = json_array_get(after, i);
        int known = 0;
        for (size_t j = 0; j < json_array_size(before) && !known; j++)
            known = json_equal(json_array_get(before, j), name);
        if (!known) {
            char what[200];
            snprintf(what, sizeof what, "member \"%.120s\" may not become required", json_string_value(name));
            return refuse(c, at, what);
        }
    }
    return OBS_OK;
}

static obs_status compare_members(comparison *c, const place *at, const json_t *old, const json_t *now)
{
    const char *name;
    json_t *before;
    const json_t *others = json_object_get(now, "additionalProperties");
    const json_t *members = json_object_get(now, "properties");
    json_object_foreach(json_object_get(old, "properties"), name, before)
    {
        const json_t *after = json_object_get(members, name);
        const place member = {at, name};
        if (!after && json_is_false(others) && !json_is_false(before))
            return refuse(c, &member, "the member may not be taken away while \"additionalProperties\" is false");
        after = after ? after : others;
        obs_status status = after ? compare(c, &member, before, after) : OBS_OK;
        if (status != OBS_OK)
            return status;
    }
    return OBS_OK;
}

/* Of a keyword whose value is a schema for what is not named otherwise; missing means that everything fits. */
static obs_status compare_others(comparison *c, const place *at, const json_t *old, const json_t *now, const char *keyword)
{
    static const char *const member = "*";
    const json_t *before = json_object_get(old, keyword);
    const json_t *after = json_object_get(now, keyword);
    const place others = {at, member};
    char what[100];
    if (!after || json_is_true(after) || json_is_false(before))
        return OBS_OK;
    snprintf(what, sizeof what, "\"%s\" may not be added", keyword);
    if (!before || json_is_true(before) || json_is_false(after))
        return refuse(c, at, what);
    return compare(c, &others, before, after);
}

static obs_status compare_prefix(comparison *c, const place *at, const json_t *old, const json_t *now)
{
    const json_t *before = json_object_get(old, "prefixItems");
    const json_t *after = json_object_get(now, "prefixItems");
    for (size_t i = 0; i < json_array_size(after) || i < json_array_size(before); i++) {
        char name[24];
        snprintf(name, sizeof name, "%zu", i);
        const place item = {at, name};
        const json_t *was = i < json_array_size(before) ? json_array_get(before, i) : json_object_get(old, "items");
        const json_t *is = i < json_array_size(after) ? json_array_get(after, i) : json_object_get(now, "items");
        if (!is || json_is_false(was))
            continue;
        obs_status status = was ? compare(c, &item, was, is) : refuse(c, &item, "an item may not get a schema");
        if (status != OBS_OK)
            return status;
    }
    return OBS_OK;
}

static obs_status compare_objects(comparison *c, const place *at, const json_t *old, const json_t *now)
{
    obs__narrowing why;
    if (obs__narrower_types(&why, old, now) || obs__narrower_values(&why, old, now) || obs__narrower_bounds(&why, old, now) ||
        obs__narrower_rest(&why, old, now))
        return refuse(c, at, why.text);
    obs_status status = compare_required(c, at, old, now);
    if (status == OBS_OK)
        status = compare_others(c, at, old, now, "additionalProperties");
    if (status == OBS_OK)
        status = compare_members(c, at, old, now);
    if (status == OBS_OK)
        status = compare_prefix(c, at, old, now);
    return status == OBS_OK ? compare_others(c, at, old, now, "items") : status;
}

static obs_status compare_behind(comparison *c, const place *at, const json_t *old, const json_t *now)
{
    const json_t *before = behind(c->old, old);
    const json_t *after = behind(c->now, now);
    if (before == old && after == now && json_object_get(now, "$ref") &&
        !json_equal(json_object_get(old, "$ref"), json_object_get(now, "$ref")))
        return refuse(c, at, "\"$ref\" may not be changed to what cannot be compared");
    if (before != old && after == now)
        return compare(c, at, before, now);
    obs_status status = after == now ? OBS_OK : compare(c, at, before, after);
    return status == OBS_OK ? compare_objects(c, at, old, now) : status;
}

static obs_status compare(comparison *c, const place *at, const json_t *old, const json_t *now)
{
    if (json_is_true(now) || json_is_false(old) || (json_is_object(now) && !json_object_size(now)))
        return OBS_OK;
    if (json_is_false(now))
        return refuse(c, at, "what was allowed may not be forbidden");
    if (seen_before(c, old, now))
        return OBS_OK;
    if (c->count > PAIRS_MAX || c->depth >= DEPTH_MAX)
        return obs__fail(c->error, OBS_RESOURCE_EXHAUSTED, "the definition is too large to be compared with the one before");
    c->depth++;
    obs_status status = compare_behind(c, at, old, now);
    c->depth--;
    return status;
}

obs_status obs__definition_compare(const json_t *old, const json_t *now, obs_error *error)
{
    const place root = {NULL, NULL};
    comparison c = {.old = old, .now = now, .error = error};
    return compare(&c, &root, old, now);
}
