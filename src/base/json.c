/* Reading JSON: the tree of jansson, built by the pull reader. jansson's own reader goes on with a byte less when its buffer
 * cannot grow, and asks the locale for the decimal point. */
#include "base/json.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/json_read.h"
#include "base/number.h"

obs_status obs__fail_at(obs_error *error, obs_status status, const char *name, int line, int column, const char *what)
{
    if (name)
        obs__fail(error, status, "%s:%d:%d: %s", name, line, column, what);
    else
        obs__fail(error, status, "line %d, column %d: %s", line, column, what);
    obs__at(error, line, column);
    return status;
}

typedef struct loader {
    obs__json reader;
    obs__json_options options;
    obs__builder text; /* the string at hand as its characters, with NUL behind */
    unsigned depth;
    char too_deep[64];
} loader;

/* Functions that return a document return NULL if and only if the reader has a fault. */
static json_t *refuse(loader *loader, const char *at, const char *fault)
{
    obs__json_fault(&loader->reader, at, fault);
    return NULL;
}

static const char no_memory[] = "not enough memory";

static json_t *made(loader *loader, json_t *json)
{
    return json ? json : refuse(loader, loader->reader.at, no_memory);
}

/* The characters of a string, until the next call; NULL after a fault. */
static const char *characters(loader *loader, obs__json_text text, int allow_nul)
{
    obs__builder_clear(&loader->text);
    char *out = obs__builder_room(&loader->text, text.raw.size);
    if (!out) {
        refuse(loader, text.raw.data, no_memory);
        return NULL;
    }
    loader->text.size = obs__json_unescape(out, text);
    out[loader->text.size] = '\0';
    if (!allow_nul && text.escaped && memchr(out, '\0', loader->text.size)) {
        refuse(loader, text.raw.data - 1, "a string with the character NUL (\\u0000) in it");
        return NULL;
    }
    return out;
}

static json_t *read_string(loader *loader)
{
    obs__json_text text;
    if (!obs__json_string(&loader->reader, &text))
        return NULL;
    if (!text.escaped)
        return made(loader, json_stringn_nocheck(text.raw.data, text.raw.size));
    const char *data = characters(loader, text, loader->options.flags & OBS__JSON_ALLOW_NUL);
    return data ? made(loader, json_stringn_nocheck(data, loader->text.size)) : NULL;
}

/* Digits, perhaps behind a minus sign; 0 when there is something else or 64 bits do not hold them. */
static int read_integer(int64_t *out, obs__view raw)
{
    int negative = *raw.data == '-';
    uint64_t most = (uint64_t)INT64_MAX + (negative ? 1 : 0);
    uint64_t number = 0;
    for (size_t i = negative ? 1 : 0; i < raw.size; i++) {
        uint64_t digit = (uint64_t)raw.data[i] - '0';
        if (digit > 9 || number > (most - digit) / 10)
            return 0;
        number = number * 10 + digit;
    }
    *out = (int64_t)(negative ? 0 - number : number);
    return 1;
}

static int is_real(obs__view raw)
{
    for (size_t i = 0; i < raw.size; i++)
        if (raw.data[i] == '.' || raw.data[i] == 'e' || raw.data[i] == 'E')
            return 1;
    return 0;
}

static json_t *read_number(loader *loader)
{
    obs__view raw;
    int64_t integer;
    double real;
    if (!obs__json_skip(&loader->reader, &raw))
        return NULL;
    if (read_integer(&integer, raw))
        return made(loader, json_integer(integer));
    if ((!(loader->options.flags & OBS__JSON_BIG_AS_REAL) && !is_real(raw)) || !obs__number_read(&real, raw, NULL))
        return refuse(loader, raw.data, "a number that does not fit into 64 bits");
    return made(loader, json_real(real));
}

static int enter(loader *loader, char bracket)
{
    if (loader->depth == loader->options.depth_limit) {
        snprintf(loader->too_deep, sizeof loader->too_deep, "nested deeper than %u levels", loader->depth);
        refuse(loader, loader->reader.at, loader->too_deep);
        return 0;
    }
    loader->depth++;
    return obs__json_enter(&loader->reader, bracket);
}

static json_t *read_value(loader *loader);

/* Behind the last member or element, or after a fault. */
static json_t *leave(loader *loader, json_t *json)
{
    loader->depth--;
    if (!loader->reader.fault)
        return json;
    json_decref(json);
    return NULL;
}

static void add_member(loader *loader, json_t *object, obs__json_text name)
{
    size_t before = json_object_size(object);
    json_t *value = read_value(loader);
    const char *key = value ? characters(loader, name, 0) : NULL; /* jansson's names end with NUL */
    if (!key)
        json_decref(value);
    else if (json_object_set_new_nocheck(object, key, value) != 0)
        refuse(loader, name.raw.data, no_memory);
    else if (json_object_size(object) == before)
        refuse(loader, name.raw.data - 1, "a duplicate name in this object");
}

static json_t *read_object(loader *loader)
{
    obs__json_text name;
    json_t *object = enter(loader, '{') ? made(loader, json_object()) : NULL;
    if (!object)
        return NULL;
    while (obs__json_member(&loader->reader, &name))
        add_member(loader, object, name);
    return leave(loader, object);
}

static json_t *read_list(loader *loader)
{
    json_t *list = enter(loader, '[') ? made(loader, json_array()) : NULL;
    if (!list)
        return NULL;
    while (obs__json_element(&loader->reader)) {
        json_t *value = read_value(loader);
        if (value && json_array_append_new(list, value) != 0)
            refuse(loader, loader->reader.at, no_memory);
    }
    return leave(loader, list);
}

/* As deep as the limit allows, which a small thread's stack holds. */
static json_t *read_value(loader *loader)
{
    obs__view raw;
    char kind = obs__json_peek(&loader->reader);
    switch (kind) {
    case '{':
        return read_object(loader);
    case '[':
        return read_list(loader);
    case '"':
        return read_string(loader);
    case '0':
        return read_number(loader);
    default: /* a word, or what is wrong here */
        if (!obs__json_skip(&loader->reader, &raw))
            return NULL;
        return kind == 't' ? json_true() : kind == 'f' ? json_false() : json_null();
    }
}

static obs_status explain(const loader *loader, obs_error *error)
{
    const obs__json *reader = &loader->reader;
    int line, column;
    if (reader->fault == no_memory)
        return obs__fail_memory(error);
    obs__json_place(reader, reader->at, &line, &column);
    return obs__fail_at(error, reader->fault == loader->too_deep ? OBS_RESOURCE_EXHAUSTED : OBS_INVALID_ARGUMENT,
                        loader->options.name, line, column, reader->fault);
}

static obs_status load(json_t **out, obs__view text, const obs__json_options *options, obs_error *error)
{
    loader loader = {.options = *options};
    obs__json_begin(&loader.reader, text.data, text.size);
    obs__builder_init(&loader.text, text.size);
    json_t *json = read_value(&loader);
    if (obs__json_end(&loader.reader))
        *out = json;
    else
        json_decref(json);
    obs__builder_free(&loader.text);
    return *out ? OBS_OK : explain(&loader, error);
}

/* Before the first object, as two threads at once would race for it. */
static void seed(void)
{
    json_object_seed(0);
}

obs_status obs__json_load(json_t **out, const char *data, size_t size, const obs__json_options *options, obs_error *error)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    obs__json_options all = {OBS__JSON_SIZE_LIMIT, OBS__JSON_DEPTH_LIMIT, 0, NULL};
    *out = NULL;
    if (options) {
        all.size_limit = options->size_limit ? options->size_limit : all.size_limit;
        all.depth_limit = options->depth_limit ? options->depth_limit : all.depth_limit;
        all.flags = options->flags;
        all.name = options->name;
    }
    if (size > all.size_limit)
        return obs__fail(error, OBS_RESOURCE_EXHAUSTED, "%s is larger than the limit of %zu bytes",
                         all.name ? all.name : "a JSON text", all.size_limit);
    if (size >= 3 && memcmp(data, "\xEF\xBB\xBF", 3) == 0)
        return obs__fail_at(error, OBS_INVALID_ARGUMENT, all.name, 1, 1,
                            "begins with a byte order mark: save it as UTF-8 without one");
    pthread_once(&once, seed);
    return load(out, obs__view_of(data, size), &all, error);
}
