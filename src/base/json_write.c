/* Writing JSON documents, and their members with types. jansson's own writer prints 0.1 as 0.10000000000000001 before its
 * version 2.15, so that text, and with it every checksum over it, would depend on the version. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/memory.h"

/* The shortest decimal that reads back as the same number, always with a point or an exponent. */
static void add_real(obs__builder *builder, double number)
{
    char text[40];
    if (!isfinite(number)) {
        obs__add_text(builder, "null");
        return;
    }
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, number);
        if (strtod(text, NULL) == number)
            break;
    }
    /* The caller's locale may have another decimal point. */
    for (char *at = text; *at; at++)
        if (!strchr("0123456789+-e.", *at))
            *at = '.';
    obs__add_text(builder, text);
    if (!strpbrk(text, ".e"))
        obs__add(builder, ".0", 2);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void add_pair(obs__builder *builder, size_t index, const char *name, const json_t *value, int sorted)
{
    if (index)
        obs__add_char(builder, ',');
    obs__add_json(builder, name, strlen(name));
    obs__add_char(builder, ':');
    obs__json_add(builder, value, sorted);
}

static void add_sorted(obs__builder *builder, json_t *object)
{
    size_t count = json_object_size(object);
    const char **names = obs__calloc(count, sizeof *names);
    size_t at = 0;
    if (!names) {
        builder->failed = 1;
        return;
    }
    for (void *i = json_object_iter(object); i && at < count; i = json_object_iter_next(object, i))
        names[at++] = json_object_iter_key(i);
    qsort(names, at, sizeof *names, by_name);
    for (size_t i = 0; i < at; i++)
        add_pair(builder, i, names[i], json_object_get(object, names[i]), 1);
    obs__free(names);
}

static void add_object(obs__builder *builder, const json_t *json, int sorted)
{
    json_t *object = (json_t *)(uintptr_t)json; /* jansson's iterators only read, but do not say so */
    size_t index = 0;
    obs__add_char(builder, '{');
    if (sorted)
        add_sorted(builder, object);
    else
        for (void *i = json_object_iter(object); i; i = json_object_iter_next(object, i))
            add_pair(builder, index++, json_object_iter_key(i), json_object_iter_value(i), 0);
    obs__add_char(builder, '}');
}

static void add_list(obs__builder *builder, const json_t *json, int sorted)
{
    obs__add_char(builder, '[');
    for (size_t i = 0; i < json_array_size(json); i++) {
        if (i)
            obs__add_char(builder, ',');
        obs__json_add(builder, json_array_get(json, i), sorted);
    }
    obs__add_char(builder, ']');
}

void obs__json_add(obs__builder *builder, const json_t *json, int sorted)
{
    if (builder->failed)
        return;
    switch (json ? json_typeof(json) : JSON_NULL) {
    case JSON_OBJECT:
        add_object(builder, json, sorted);
        break;
    case JSON_ARRAY:
        add_list(builder, json, sorted);
        break;
    case JSON_STRING:
        obs__add_json(builder, json_string_value(json), json_string_length(json));
        break;
    case JSON_INTEGER:
        obs__add_integer(builder, json_integer_value(json));
        break;
    case JSON_REAL:
        add_real(builder, json_real_value(json));
        break;
    default:
        obs__add_text(builder, json_is_true(json) ? "true" : json_is_false(json) ? "false" : "null");
    }
}

obs_status obs__json_dump(obs_buffer **out, const json_t *json, int sorted, size_t limit, obs_error *error)
{
    obs__builder builder;
    *out = NULL;
    obs__builder_init(&builder, limit);
    obs__json_add(&builder, json, sorted);
    return obs__builder_finish(out, &builder, error);
}

const char *obs__json_type_name(const json_t *json)
{
    static const char *const names[] = {
        [JSON_OBJECT] = "an object", [JSON_ARRAY] = "a list",   [JSON_STRING] = "a text",  [JSON_INTEGER] = "an integer",
        [JSON_REAL] = "a number",    [JSON_TRUE] = "a boolean", [JSON_FALSE] = "a boolean"};
    int type = json ? (int)json_typeof(json) : JSON_NULL;
    return type < JSON_NULL ? names[type] : "null";
}

/* The member, or NULL with OBS_OK when it may be missing. */
static obs_status find(const json_t **out, const json_t *object, const char *name, int required, obs_error *error)
{
    *out = NULL;
    if (!json_is_object(object))
        return obs__fail(error, OBS_INVALID_ARGUMENT, "an object with '%s' is expected, not %s", name,
                         obs__json_type_name(object));
    *out = json_object_get(object, name);
    if (json_is_null(*out))
        *out = NULL;
    if (!*out && required)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "'%s' is missing", name);
    return OBS_OK;
}

static obs_status wrong_type(const json_t *value, const char *name, const char *expected, obs_error *error)
{
    return obs__fail(error, OBS_INVALID_ARGUMENT, "'%s' must be %s, not %s", name, expected, obs__json_type_name(value));
}

obs_status obs__json_get_text(const char **out, const json_t *object, const char *name, int required, obs_error *error)
{
    const json_t *value;
    obs_status status = find(&value, object, name, required, error);
    if (status != OBS_OK || !value)
        return status;
    if (!json_is_string(value))
        return wrong_type(value, name, "a text", error);
    if (strlen(json_string_value(value)) != json_string_length(value))
        return obs__fail(error, OBS_INVALID_ARGUMENT, "'%s' contains the character NUL", name);
    *out = json_string_value(value);
    return OBS_OK;
}

obs_status obs__json_get_integer(int64_t *out, const json_t *object, const char *name, int required, obs_error *error)
{
    const json_t *value;
    obs_status status = find(&value, object, name, required, error);
    if (status != OBS_OK || !value)
        return status;
    if (!json_is_integer(value))
        return wrong_type(value, name, "an integer", error);
    *out = json_integer_value(value);
    return OBS_OK;
}

obs_status obs__json_get_number(double *out, const json_t *object, const char *name, int required, obs_error *error)
{
    const json_t *value;
    obs_status status = find(&value, object, name, required, error);
    if (status != OBS_OK || !value)
        return status;
    if (!json_is_number(value))
        return wrong_type(value, name, "a number", error);
    *out = json_number_value(value);
    return OBS_OK;
}

obs_status obs__json_get_boolean(int *out, const json_t *object, const char *name, int required, obs_error *error)
{
    const json_t *value;
    obs_status status = find(&value, object, name, required, error);
    if (status != OBS_OK || !value)
        return status;
    if (!json_is_boolean(value))
        return wrong_type(value, name, "true or false", error);
    *out = json_is_true(value);
    return OBS_OK;
}

obs_status obs__json_get_object(const json_t **out, const json_t *object, const char *name, int required, obs_error *error)
{
    const json_t *value;
    obs_status status = find(&value, object, name, required, error);
    if (status != OBS_OK || !value)
        return status;
    if (!json_is_object(value))
        return wrong_type(value, name, "an object", error);
    *out = value;
    return OBS_OK;
}

obs_status obs__json_get_list(const json_t **out, const json_t *object, const char *name, int required, obs_error *error)
{
    const json_t *value;
    obs_status status = find(&value, object, name, required, error);
    if (status != OBS_OK || !value)
        return status;
    if (!json_is_array(value))
        return wrong_type(value, name, "a list", error);
    *out = value;
    return OBS_OK;
}
