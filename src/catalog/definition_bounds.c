/* Whether one schema is narrower than another in the keywords that stand for themselves: types, values, bounds. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/schema_value.h"
#include "catalog/definition.h"

static int narrower(obs__narrowing *out, const char *keyword, const char *rule)
{
    snprintf(out->text, sizeof out->text, "\"%s\" %s", keyword, rule);
    return 1;
}

static unsigned one_type(const char *name)
{
    static const char *const names[] = {"null", "boolean", "integer", "number", "string", "array", "object"};
    for (unsigned i = 0; name && i < sizeof names / sizeof *names; i++)
        if (strcmp(name, names[i]) == 0)
            return strcmp(name, "number") == 0 ? 1u << i | 1u << (i - 1) : 1u << i; /* a number may be an integer */
    return 0;
}

static unsigned types_of(const json_t *schema)
{
    const json_t *type = json_object_get(schema, "type");
    unsigned types = one_type(json_string_value(type));
    for (size_t i = 0; i < json_array_size(type); i++)
        types |= one_type(json_string_value(json_array_get(type, i)));
    return type ? types : 0x7f;
}

int obs__narrower_types(obs__narrowing *out, const json_t *old, const json_t *now)
{
    if (types_of(old) & ~types_of(now))
        return narrower(out, "type", "may not be changed or narrowed");
    return 0;
}

static int has_value(const json_t *schema, const json_t *value)
{
    const json_t *constant = json_object_get(schema, "const");
    const json_t *list = json_object_get(schema, "enum");
    if (constant && !obs__value_equal(constant, value))
        return 0;
    for (size_t i = 0; i < json_array_size(list); i++)
        if (obs__value_equal(json_array_get(list, i), value))
            return 1;
    return !list;
}

int obs__narrower_values(obs__narrowing *out, const json_t *old, const json_t *now)
{
    const json_t *constant = json_object_get(old, "const");
    const json_t *list = json_object_get(old, "enum");
    const char *keyword = json_object_get(now, "const") ? "const" : "enum";
    char shown[256];
    if (!json_object_get(now, "const") && !json_object_get(now, "enum"))
        return 0;
    if (!constant && !list)
        return narrower(out, keyword, "may not be added");
    if (constant && !has_value(now, constant))
        return narrower(out, keyword, "may not be changed");
    for (size_t i = 0; !constant && i < json_array_size(list); i++)
        if (!has_value(now, json_array_get(list, i))) {
            obs__value_show(shown, sizeof shown, json_array_get(list, i));
            snprintf(out->text, sizeof out->text, "the value %.180s may not be removed", shown);
            return 1;
        }
    return 0;
}

/* `sign` 1: a lower bound, which may not rise; -1: an upper one. `nothing`: what the bound is when it is not there, or NULL. */
static int tighter(obs__narrowing *out, const json_t *old, const json_t *now, const char *keyword, int sign)
{
    const json_t *before = json_object_get(old, keyword);
    const json_t *after = json_object_get(now, keyword);
    char from[256];
    char to[256];
    if (!after ||
        (!before && sign > 0 && strncmp(keyword, "min", 3) == 0 && keyword[3] != 'i' && json_number_value(after) == 0))
        return 0; /* minLength 0 is the same as none */
    if (!before)
        return narrower(out, keyword, "may not be added");
    if (obs__value_compare(after, before) * sign <= 0)
        return 0;
    obs__value_show(from, sizeof from, before);
    obs__value_show(to, sizeof to, after);
    snprintf(out->text, sizeof out->text, "\"%s\" may not be tightened (from %.60s to %.60s)", keyword, from, to);
    return 1;
}

int obs__narrower_bounds(obs__narrowing *out, const json_t *old, const json_t *now)
{
    static const char *const lower[] = {"minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties", "minContains"};
    static const char *const upper[] = {"maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties", "maxContains"};
    for (size_t i = 0; i < sizeof lower / sizeof *lower; i++)
        if (tighter(out, old, now, lower[i], 1) || tighter(out, old, now, upper[i], -1))
            return 1;
    const json_t *before = json_object_get(old, "multipleOf");
    const json_t *after = json_object_get(now, "multipleOf");
    if (!after || (before && obs__decimal_multiple(obs__decimal_of(before), obs__decimal_of(after))))
        return 0;
    return narrower(out, "multipleOf",
                    before ? "may not be changed to what the old one is no multiple of" : "may not be added");
}

/* Every schema of `few` is in `many`. */
static int all_in(const json_t *few, const json_t *many)
{
    for (size_t i = 0; i < json_array_size(few); i++) {
        int found = 0;
        for (size_t j = 0; j < json_array_size(many) && !found; j++)
            found = obs__value_equal(json_array_get(few, i), json_array_get(many, j));
        if (!found)
            return 0;
    }
    return json_is_array(few) && json_is_array(many);
}

/* What cannot be compared may only be left as it is, or be taken away. */
int obs__narrower_rest(obs__narrowing *out, const json_t *old, const json_t *now)
{
    static const char *const keywords[] = {"pattern",
                                           "format",
                                           "contains",
                                           "propertyNames",
                                           "patternProperties",
                                           "dependentSchemas",
                                           "not",
                                           "oneOf",
                                           "if",
                                           "then",
                                           "else",
                                           "dependencies",
                                           "dependentRequired",
                                           "$dynamicRef",
                                           "unevaluatedItems",
                                           "unevaluatedProperties"};
    for (size_t i = 0; i < sizeof keywords / sizeof *keywords; i++) {
        const json_t *before = json_object_get(old, keywords[i]);
        const json_t *after = json_object_get(now, keywords[i]);
        if (after && !json_is_true(after) && (!before || !obs__value_equal(before, after)))
            return narrower(out, keywords[i], before ? "may not be changed" : "may not be added");
    }
    if (json_is_true(json_object_get(now, "uniqueItems")) && !json_is_true(json_object_get(old, "uniqueItems")))
        return narrower(out, "uniqueItems", "may not be added");
    if (json_object_get(now, "allOf") && !all_in(json_object_get(now, "allOf"), json_object_get(old, "allOf")))
        return narrower(out, "allOf", "may not be added to");
    if (json_object_get(now, "anyOf") && !all_in(json_object_get(old, "anyOf"), json_object_get(now, "anyOf")))
        return narrower(out, "anyOf", "may not lose an alternative, nor be added");
    return 0;
}
