/* Reads the keywords that assert something about one value: type, enum, const, numbers, strings. */
#include <math.h>
#include <string.h>

#include "base/schema_tree.h"

static int type_flag(const char *name, unsigned *out)
{
    static const struct {
        const char *name;
        unsigned flag;
    } types[] = {{"null", OBS__TYPE_NULL},     {"boolean", OBS__TYPE_BOOLEAN}, {"integer", OBS__TYPE_INTEGER},
                 {"number", OBS__TYPE_NUMBER}, {"string", OBS__TYPE_STRING},   {"array", OBS__TYPE_ARRAY},
                 {"object", OBS__TYPE_OBJECT}};
    for (size_t i = 0; name && i < sizeof types / sizeof *types; i++)
        if (strcmp(name, types[i].name) == 0) {
            *out |= types[i].flag;
            return 1;
        }
    return 0;
}

static int read_type(obs__schema_maker *maker, obs__schema_node *node)
{
    const json_t *value = json_object_get(node->json, "type");
    size_t count = json_is_array(value) ? json_array_size(value) : 1;
    if (!value)
        return 1;
    for (size_t i = 0; i < count; i++) {
        const json_t *one = json_is_array(value) ? json_array_get(value, i) : value;
        if (!type_flag(json_string_value(one), &node->types))
            return obs__schema_wrong(maker, node,
                                     "\"type\" must be one of null, boolean, integer, number, string, array, object, "
                                     "or a list of those");
    }
    return node->types ? 1 : obs__schema_wrong(maker, node, "\"type\" is an empty list: nothing would fit");
}

static int read_values(obs__schema_maker *maker, obs__schema_node *node, const char *keyword, const obs__schema_values **out)
{
    const json_t *value = json_object_get(node->json, keyword);
    int constant = strcmp(keyword, "const") == 0;
    if (!value)
        return 1;
    if (!constant && !json_is_array(value))
        return obs__schema_wrong(maker, node, "\"enum\" must be a list of values");
    size_t count = constant ? 1 : json_array_size(value);
    obs__schema_values *values = obs__schema_alloc(maker, 1, sizeof *values);
    const json_t **items = obs__schema_alloc(maker, count + 1, sizeof(json_t *));
    if (!values || !items)
        return 0;
    for (size_t i = 0; i < count; i++)
        items[i] = constant ? value : json_array_get(value, i);
    *values = (obs__schema_values){count, items, constant};
    *out = values;
    return 1;
}

static int read_bound(obs__schema_maker *maker, const obs__schema_node *node, const char *keyword, const json_t **out, int *any)
{
    *out = json_object_get(node->json, keyword);
    if (*out && !json_is_number(*out))
        return obs__schema_wrong(maker, node, "\"%s\" must be a number", keyword);
    *any |= *out != NULL;
    return 1;
}

static int read_number(obs__schema_maker *maker, obs__schema_node *node)
{
    obs__schema_number number = {0};
    int any = 0;
    if (!read_bound(maker, node, "minimum", &number.minimum, &any) ||
        !read_bound(maker, node, "maximum", &number.maximum, &any) ||
        !read_bound(maker, node, "exclusiveMinimum", &number.above, &any) ||
        !read_bound(maker, node, "exclusiveMaximum", &number.below, &any) ||
        !read_bound(maker, node, "multipleOf", &number.multiple, &any))
        return 0;
    if (!any)
        return 1;
    if (number.multiple) {
        if (!(json_number_value(number.multiple) > 0))
            return obs__schema_wrong(maker, node, "\"multipleOf\" must be greater than 0");
        number.divisor = obs__decimal_of(number.multiple);
    }
    obs__schema_number *kept = obs__schema_alloc(maker, 1, sizeof *kept);
    if (!kept)
        return 0;
    *kept = number;
    node->number = kept;
    return 1;
}

int obs__schema_read_count(obs__schema_maker *maker, const obs__schema_node *node, const char *name, uint64_t *out)
{
    const json_t *value = json_object_get(node->json, name);
    if (!value)
        return 1;
    if (!json_is_number(value) || !obs__value_is_integer(value) || json_number_value(value) < 0)
        return obs__schema_wrong(maker, node, "\"%s\" must be a whole number, not negative", name);
    double real = json_number_value(value);
    *out = json_is_integer(value) ? (uint64_t)json_integer_value(value) : real < 9e18 ? (uint64_t)real : UINT64_MAX;
    return 1;
}

static int read_pattern(obs__schema_maker *maker, const obs__schema_node *node, obs__schema_string *string)
{
    const json_t *value = json_object_get(node->json, "pattern");
    if (!value)
        return 1;
    if (!json_is_string(value))
        return obs__schema_wrong(maker, node, "\"pattern\" must be a string");
    string->pattern_text = json_string_value(value);
    string->pattern = obs__schema_regex(maker, node, "pattern", string->pattern_text, json_string_length(value));
    return string->pattern != NULL;
}

static int read_format(obs__schema_maker *maker, const obs__schema_node *node, obs__schema_string *string)
{
    const json_t *value = json_object_get(node->json, "format");
    if (value && !json_is_string(value))
        return obs__schema_wrong(maker, node, "\"format\" must be a string");
    if (value && ((maker->flags & OBS__SCHEMA_FORMATS) || (node->resource->vocabulary & OBS__VOCABULARY_FORMAT)))
        string->format = obs__format_find(json_string_value(value));
    return 1;
}

static int read_string(obs__schema_maker *maker, obs__schema_node *node, int validation)
{
    obs__schema_string string = {.most = UINT64_MAX};
    if (validation && (!obs__schema_read_count(maker, node, "minLength", &string.least) ||
                       !obs__schema_read_count(maker, node, "maxLength", &string.most) || !read_pattern(maker, node, &string)))
        return 0;
    if (!read_format(maker, node, &string))
        return 0;
    if (!string.least && string.most == UINT64_MAX && !string.pattern && !string.format)
        return 1;
    obs__schema_string *kept = obs__schema_alloc(maker, 1, sizeof *kept);
    if (!kept)
        return 0;
    *kept = string;
    node->string = kept;
    return 1;
}

static int read_assertions(obs__schema_maker *maker, obs__schema_node *node)
{
    return read_type(maker, node) && read_values(maker, node, "const", &node->constant) &&
           read_values(maker, node, "enum", &node->values) && read_number(maker, node);
}

int obs__schema_read_node(obs__schema_maker *maker, obs__schema_node *node)
{
    int validation = (node->resource->vocabulary & OBS__VOCABULARY_VALIDATION) != 0;
    if (json_is_boolean(node->json)) {
        node->kind = json_is_true(node->json) ? OBS__NODE_ALWAYS : OBS__NODE_NEVER;
        return 1;
    }
    return (!validation || read_assertions(maker, node)) && read_string(maker, node, validation) &&
           obs__schema_read_array(maker, node) && obs__schema_read_object(maker, node) && obs__schema_read_combine(maker, node);
}
