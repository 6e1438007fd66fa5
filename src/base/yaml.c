/* From libyaml's events to a tree, with the place of every value. */
#include "base/yaml.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/url.h"
#include "base/yaml_scalar.h"

/* Where a value stands: the number `index` of `parent`, which is NULL for the root. Places of values come before those of
 * the values inside them. */
struct place {
    const json_t *parent;
    size_t index;
    int line, column, key_line, key_column;
};

struct obs__yaml {
    json_t *root;
    char *name;
    struct place *places;
    size_t count;
    size_t capacity;
};

struct reader {
    yaml_parser_t parser;
    obs__yaml *yaml;
    obs_error *error;
    unsigned depth;
};

static obs_status fail_mark(struct reader *reader, const yaml_mark_t *mark, obs_status status, const char *what)
{
    return obs__fail_at(reader->error, status, reader->yaml->name, (int)mark->line + 1, (int)mark->column + 1, what);
}

static obs_status refuse(struct reader *reader, const yaml_event_t *event, const char *what)
{
    return fail_mark(reader, &event->start_mark, OBS_INVALID_ARGUMENT, what);
}

static obs_status next_event(struct reader *reader, yaml_event_t *event)
{
    yaml_parser_t *parser = &reader->parser;
    if (yaml_parser_parse(parser, event))
        return OBS_OK;
    memset(event, 0, sizeof *event);
    if (parser->error == YAML_MEMORY_ERROR)
        return obs__fail_memory(reader->error);
    const yaml_mark_t *mark = parser->error == YAML_READER_ERROR ? &parser->mark : &parser->problem_mark;
    return fail_mark(reader, mark, OBS_INVALID_ARGUMENT, parser->problem ? parser->problem : "not valid YAML");
}

/* Remembers where a value stands; `key` is NULL in a list and for the root. */
static obs_status add_place(struct reader *reader, const json_t *parent, size_t index, const yaml_mark_t *key,
                            const yaml_mark_t *value)
{
    obs__yaml *yaml = reader->yaml;
    if (yaml->count == OBS__YAML_NODE_LIMIT)
        return fail_mark(reader, value, OBS_RESOURCE_EXHAUSTED, "more values than a YAML file may have");
    if (yaml->count == yaml->capacity) {
        size_t capacity = yaml->capacity ? yaml->capacity * 2 : 32;
        struct place *places = obs__realloc(yaml->places, capacity * sizeof *places);
        if (!places)
            return obs__fail_memory(reader->error);
        yaml->places = places;
        yaml->capacity = capacity;
    }
    const yaml_mark_t *name = key ? key : value;
    yaml->places[yaml->count++] =
        (struct place){parent, index, (int)value->line + 1, (int)value->column + 1, (int)name->line + 1, (int)name->column + 1};
    return OBS_OK;
}

static obs_status check_properties(struct reader *reader, const yaml_event_t *event, const yaml_char_t *anchor,
                                   const yaml_char_t *tag)
{
    if (anchor)
        return refuse(reader, event, "anchors (&name) are not supported: write the value out where it is needed");
    if (tag)
        return refuse(reader, event, "tags (!name) are not supported: remove it");
    return OBS_OK;
}

static obs_status read_value(struct reader *reader, json_t **out, const yaml_event_t *event);

static obs_status read_scalar(struct reader *reader, json_t **out, const yaml_event_t *event)
{
    const char *text = (const char *)event->data.scalar.value;
    size_t size = event->data.scalar.length;
    const char *fault = NULL;
    obs_status status = check_properties(reader, event, event->data.scalar.anchor, event->data.scalar.tag);
    if (status != OBS_OK)
        return status;
    if (memchr(text, '\0', size))
        return refuse(reader, event, "a text contains the character NUL");
    *out = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE ? obs__yaml_plain(text, size, &fault) : json_stringn(text, size);
    if (fault)
        return refuse(reader, event, fault);
    return *out ? OBS_OK : obs__fail_memory(reader->error);
}

static obs_status enter(struct reader *reader, const yaml_event_t *event)
{
    if (reader->depth == OBS__YAML_DEPTH_LIMIT)
        return fail_mark(reader, &event->start_mark, OBS_RESOURCE_EXHAUSTED, "nested too deeply");
    reader->depth++;
    return OBS_OK;
}

static obs_status read_item(struct reader *reader, json_t *list, const yaml_event_t *event)
{
    json_t *value = NULL;
    obs_status status = add_place(reader, list, json_array_size(list), NULL, &event->start_mark);
    if (status == OBS_OK)
        status = read_value(reader, &value, event);
    if (status == OBS_OK && json_array_append(list, value) != 0)
        status = obs__fail_memory(reader->error);
    json_decref(value);
    return status;
}

typedef obs_status read_one(struct reader *reader, json_t *into, const yaml_event_t *event);

/* What a list and a mapping have in common: one thing after the other, up to their end. */
static obs_status read_all(struct reader *reader, json_t *into, yaml_event_type_t last, read_one *one)
{
    yaml_event_t event;
    obs_status status = into ? OBS_OK : obs__fail_memory(reader->error);
    for (int end = 0; status == OBS_OK && !end;) {
        status = next_event(reader, &event);
        end = event.type == last;
        if (status == OBS_OK && !end)
            status = one(reader, into, &event);
        yaml_event_delete(&event);
    }
    reader->depth--;
    return status;
}

static obs_status read_list(struct reader *reader, json_t **out, const yaml_event_t *start)
{
    obs_status status = check_properties(reader, start, start->data.sequence_start.anchor, start->data.sequence_start.tag);
    if (status == OBS_OK)
        status = enter(reader, start);
    if (status != OBS_OK)
        return status;
    *out = json_array();
    return read_all(reader, *out, YAML_SEQUENCE_END_EVENT, read_item);
}

static obs_status check_key(struct reader *reader, const json_t *object, const yaml_event_t *key)
{
    if (key->type == YAML_ALIAS_EVENT)
        return refuse(reader, key, "aliases (*name) are not supported: write the value out");
    if (key->type != YAML_SCALAR_EVENT)
        return refuse(reader, key, "a key must be a text");
    const char *name = (const char *)key->data.scalar.value;
    obs_status status = check_properties(reader, key, key->data.scalar.anchor, key->data.scalar.tag);
    if (status != OBS_OK)
        return status;
    if (strlen(name) != key->data.scalar.length)
        return refuse(reader, key, "a key contains the character NUL");
    if (strcmp(name, "<<") == 0 && key->data.scalar.style == YAML_PLAIN_SCALAR_STYLE)
        return refuse(reader, key, "merge keys (<<) are not supported: write the keys out");
    if (json_object_get(object, name)) {
        char what[160];
        snprintf(what, sizeof what, "the key '%.100s' is there twice", name);
        return refuse(reader, key, what);
    }
    return OBS_OK;
}

static obs_status read_member(struct reader *reader, json_t *object, const yaml_event_t *key)
{
    yaml_event_t event;
    json_t *value = NULL;
    obs_status status = check_key(reader, object, key);
    if (status != OBS_OK)
        return status;
    status = next_event(reader, &event);
    if (status == OBS_OK)
        status = add_place(reader, object, json_object_size(object), &key->start_mark, &event.start_mark);
    if (status == OBS_OK)
        status = read_value(reader, &value, &event);
    if (status == OBS_OK && json_object_set(object, (const char *)key->data.scalar.value, value) != 0)
        status = obs__fail_memory(reader->error);
    json_decref(value);
    yaml_event_delete(&event);
    return status;
}

static obs_status read_object(struct reader *reader, json_t **out, const yaml_event_t *start)
{
    obs_status status = check_properties(reader, start, start->data.mapping_start.anchor, start->data.mapping_start.tag);
    if (status == OBS_OK)
        status = enter(reader, start);
    if (status != OBS_OK)
        return status;
    *out = json_object();
    return read_all(reader, *out, YAML_MAPPING_END_EVENT, read_member);
}

static obs_status read_value(struct reader *reader, json_t **out, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        return read_scalar(reader, out, event);
    case YAML_SEQUENCE_START_EVENT:
        return read_list(reader, out, event);
    case YAML_MAPPING_START_EVENT:
        return read_object(reader, out, event);
    default:
        return refuse(reader, event, "aliases (*name) are not supported: write the value out");
    }
}

static obs_status read_root(struct reader *reader, const yaml_event_t *event)
{
    if (reader->yaml->root)
        return refuse(reader, event, "a second document (---) in one file");
    obs_status status = add_place(reader, NULL, 0, NULL, &event->start_mark);
    return status == OBS_OK ? read_value(reader, &reader->yaml->root, event) : status;
}

static obs_status read_stream(struct reader *reader)
{
    yaml_event_t event;
    obs_status status = OBS_OK;
    for (int end = 0; status == OBS_OK && !end;) {
        status = next_event(reader, &event);
        end = event.type == YAML_STREAM_END_EVENT;
        if (status == OBS_OK && event.type >= YAML_ALIAS_EVENT)
            status = read_root(reader, &event);
        yaml_event_delete(&event);
    }
    if (status == OBS_OK && !reader->yaml->root)
        reader->yaml->root = json_null();
    return status;
}

static obs_status check_text(const char *data, size_t size, const char *name, obs_error *error)
{
    int line = 1;
    if (size > OBS__YAML_SIZE_LIMIT)
        return obs__fail(error, OBS_RESOURCE_EXHAUSTED, "%s is larger than the limit of %zu bytes", name ? name : "a YAML text",
                         OBS__YAML_SIZE_LIMIT);
    if (size >= 3 && memcmp(data, "\xEF\xBB\xBF", 3) == 0)
        return obs__fail_at(error, OBS_INVALID_ARGUMENT, name, 1, 1,
                            "begins with a byte order mark: save it as UTF-8 without one");
    if (obs__utf8_valid(data, size))
        return OBS_OK;
    for (const char *end; (end = memchr(data, '\n', size)) && obs__utf8_valid(data, (size_t)(end - data)); line++) {
        size -= (size_t)(end - data) + 1;
        data = end + 1;
    }
    return obs__fail_at(error, OBS_INVALID_ARGUMENT, name, line, 1, "this line is not valid UTF-8");
}

obs_status obs__yaml_load(obs__yaml **out, const char *data, size_t size, const char *name, obs_error *error)
{
    struct reader reader = {.error = error};
    *out = NULL;
    obs_status status = check_text(data, size, name, error);
    if (status != OBS_OK)
        return status;
    obs__yaml *yaml = reader.yaml = obs__calloc(1, sizeof *yaml);
    if (!yaml || (name && !(yaml->name = obs__strdup(name))) || !yaml_parser_initialize(&reader.parser)) {
        obs__yaml_free(yaml);
        return obs__fail_memory(error);
    }
    yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&reader.parser, (const unsigned char *)data, size);
    status = read_stream(&reader);
    yaml_parser_delete(&reader.parser);
    if (status == OBS_OK)
        *out = yaml;
    else
        obs__yaml_free(yaml);
    return status;
}

void obs__yaml_free(obs__yaml *yaml)
{
    if (!yaml)
        return;
    json_decref(yaml->root);
    obs__free(yaml->places);
    obs__free(yaml->name);
    obs__free(yaml);
}

const json_t *obs__yaml_root(const obs__yaml *yaml)
{
    return yaml->root;
}

static const struct place *find_place(const obs__yaml *yaml, const json_t *parent, size_t index)
{
    for (size_t i = 0; i < yaml->count; i++)
        if (yaml->places[i].parent == parent && yaml->places[i].index == index)
            return &yaml->places[i];
    return NULL;
}

/* One part of a JSON Pointer (RFC 6901), unescaped; *at goes to the next slash. 0 when it is too long. */
static int pointer_part(char *out, size_t capacity, const char **at)
{
    size_t size = 0;
    for (; **at && **at != '/'; (*at)++) {
        char c = **at;
        if (c == '~' && ((*at)[1] == '0' || (*at)[1] == '1'))
            c = *++*at == '0' ? '~' : '/';
        if (size + 1 == capacity)
            return 0;
        out[size++] = c;
    }
    out[size] = '\0';
    return 1;
}

/* The value called `name` inside `parent`, and which one of its values it is. */
static const json_t *child_of(const json_t *parent, const char *name, size_t *index)
{
    json_t *object = (json_t *)(uintptr_t)parent; /* jansson's iterators only read, but do not say so */
    *index = 0;
    if (json_is_array(parent)) {
        char *end;
        *index = *name ? strtoul(name, &end, 10) : SIZE_MAX;
        return *name && !*end ? json_array_get(parent, *index) : NULL;
    }
    for (void *i = json_object_iter(object); i; i = json_object_iter_next(object, i), ++*index)
        if (strcmp(json_object_iter_key(i), name) == 0)
            return json_object_iter_value(i);
    return NULL;
}

void obs__yaml_place(const obs__yaml *yaml, const char *pointer, int of_key, int *line, int *column)
{
    const struct place *place = find_place(yaml, NULL, 0);
    const json_t *value = yaml->root;
    char name[512];
    size_t index;
    while (place && *pointer == '/') {
        pointer++;
        const json_t *child = pointer_part(name, sizeof name, &pointer) ? child_of(value, name, &index) : NULL;
        const struct place *inner = child ? find_place(yaml, value, index) : NULL;
        if (!inner)
            break;
        place = inner;
        value = child;
    }
    *line = !place ? 1 : of_key ? place->key_line : place->line;
    *column = !place ? 1 : of_key ? place->key_column : place->column;
}

void obs__yaml_place_at(const obs__yaml *yaml, size_t index, int *line, int *column)
{
    *line = index < yaml->count ? yaml->places[index].line : 1;
    *column = index < yaml->count ? yaml->places[index].column : 1;
}

obs_status obs__yaml_fail(obs_error *error, obs_status status, const obs__yaml *yaml, const char *pointer, const char *what)
{
    int line;
    int column;
    obs__yaml_place(yaml, pointer, 0, &line, &column);
    return obs__fail_at(error, status, yaml->name, line, column, what);
}

/* `url, keep and limit`, as far as there is room. */
static void list_names(char *text, size_t room, const char *const *names)
{
    size_t size = 0;
    for (size_t i = 0; names[i] && size < room; i++)
        size += (size_t)snprintf(text + size, room - size, "%s%s", !i ? "" : names[i + 1] ? ", " : " and ", names[i]);
}

obs_status obs__yaml_check_names(const obs__yaml *yaml, const char *member, const char *const *known, obs_error *error)
{
    const char *name;
    json_t *value, *mapping = *member ? json_object_get(yaml->root, member) : yaml->root;
    json_object_foreach(mapping, name, value)
    {
        char pointer[200], list[256], text[360];
        int line, column;
        size_t i = 0;
        while (known[i] && strcmp(known[i], name) != 0)
            i++;
        if (known[i])
            continue;
        const char *nearest = obs__nearest(name, known);
        list_names(list, sizeof list, known);
        snprintf(pointer, sizeof pointer, "%s%.32s/%.128s", *member ? "/" : "", member, name);
        snprintf(text, sizeof text, nearest ? "'%.64s' is not known: did you mean '%s'?" : "'%.64s' is not known: there are %s",
                 name, nearest ? nearest : list);
        obs__yaml_place(yaml, pointer, 1, &line, &column);
        return obs__fail_at(error, OBS_INVALID_ARGUMENT, yaml->name, line, column, text);
    }
    return OBS_OK;
}
