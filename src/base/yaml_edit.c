/* From libyaml's events to a tree of places, and from there to the bytes that are put in or left out. */
#include "base/yaml_edit.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/yaml_scalar.h"

#define ROOM ((size_t)1 << 20) /* of what is put in */
#define STEP 2                 /* how far an inner mapping is moved to the right */

typedef enum kind { SCALAR, LIST, MAPPING } kind;

/* A value and where it lies in the text, in bytes. */
struct node {
    struct node *next, *parent, *first, *last;
    kind kind;
    int flow;  /* a collection in braces */
    int block; /* a text after | or > */
    int empty; /* nothing is written there, or null */
    char *key; /* of a member, or NULL */
    size_t key_start, key_end, key_column;
    size_t start, end; /* end: of what is written, not of the blank lines behind it */
};

struct reader {
    yaml_parser_t parser;
    obs__view text;
    size_t index, byte; /* a character and its byte, from where the next ones are found */
    obs_error *error;
    struct node *root;
};

static void free_node(struct node *node)
{
    while (node) {
        struct node *next = node->next;
        free_node(node->first);
        obs__free(node->key);
        obs__free(node);
        node = next;
    }
}

/* libyaml counts characters. Marks come nearly in order, so that this walks the text about once. */
static size_t byte_of(struct reader *reader, const yaml_mark_t *mark)
{
    const char *data = reader->text.data;
    for (; reader->index < mark->index && reader->byte < reader->text.size; reader->index++)
        do
            reader->byte++;
        while (reader->byte < reader->text.size && ((unsigned char)data[reader->byte] & 0xC0) == 0x80);
    for (; reader->index > mark->index && reader->byte > 0; reader->index--)
        do
            reader->byte--;
        while (reader->byte > 0 && ((unsigned char)data[reader->byte] & 0xC0) == 0x80);
    return reader->byte;
}

static struct node *add_node(struct node *parent, kind kind)
{
    struct node *node = obs__calloc(1, sizeof *node);
    if (!node)
        return NULL;
    node->kind = kind;
    node->parent = parent;
    if (parent && parent->last)
        parent->last->next = node;
    else if (parent)
        parent->first = node;
    if (parent)
        parent->last = node;
    return node;
}

struct pending_key {
    char *text;
    size_t start, end, column;
};

/* Whether a scalar says null; 0 without memory. */
static int read_null(int *out, const yaml_event_t *event)
{
    const char *fault = NULL;
    *out = 0;
    if (event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
        return 1;
    json_t *value = obs__yaml_plain((const char *)event->data.scalar.value, event->data.scalar.length, &fault);
    *out = json_is_null(value);
    int fine = value || fault;
    json_decref(value);
    return fine;
}

static int place_value(struct reader *reader, struct node *node, const yaml_event_t *event)
{
    node->start = byte_of(reader, &event->start_mark);
    node->end = byte_of(reader, &event->end_mark);
    if (event->type == YAML_SCALAR_EVENT) {
        node->block =
            event->data.scalar.style == YAML_LITERAL_SCALAR_STYLE || event->data.scalar.style == YAML_FOLDED_SCALAR_STYLE;
        return read_null(&node->empty, event);
    }
    if (event->type == YAML_SEQUENCE_START_EVENT)
        node->flow = event->data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE;
    else
        node->flow = event->data.mapping_start.style == YAML_FLOW_MAPPING_STYLE;
    return 1;
}

/* The end of a block collection is the end of its last value; of one in braces its brace. */
static void end_collection(struct reader *reader, struct node *node, const yaml_event_t *event)
{
    if (node->flow)
        node->end = byte_of(reader, &event->end_mark);
    else if (node->last)
        node->end = node->last->end;
}

static int take_key(struct reader *reader, struct pending_key *key, const yaml_event_t *event)
{
    key->text = obs__memdup(event->data.scalar.value, event->data.scalar.length);
    key->start = byte_of(reader, &event->start_mark);
    key->end = byte_of(reader, &event->end_mark);
    key->column = event->start_mark.column;
    return key->text != NULL;
}

static struct node *take_value(struct reader *reader, struct node *parent, struct pending_key *key, const yaml_event_t *event)
{
    kind kind = event->type == YAML_SCALAR_EVENT ? SCALAR : event->type == YAML_SEQUENCE_START_EVENT ? LIST : MAPPING;
    struct node *node = add_node(parent, kind);
    if (!node)
        return NULL;
    if (!parent)
        reader->root = node;
    node->key = key->text;
    node->key_start = key->start;
    node->key_end = key->end;
    node->key_column = key->column;
    *key = (struct pending_key){NULL, 0, 0, 0};
    return place_value(reader, node, event) ? node : NULL;
}

/* One event; *at is the collection that is open. 0 without memory. */
static int take_event(struct reader *reader, struct node **at, struct pending_key *key, const yaml_event_t *event)
{
    if (event->type == YAML_SEQUENCE_END_EVENT || event->type == YAML_MAPPING_END_EVENT) {
        end_collection(reader, *at, event);
        *at = (*at)->parent;
        return 1;
    }
    if (event->type == YAML_SCALAR_EVENT && *at && (*at)->kind == MAPPING && !key->text)
        return take_key(reader, key, event);
    if (event->type != YAML_SCALAR_EVENT && event->type != YAML_SEQUENCE_START_EVENT && event->type != YAML_MAPPING_START_EVENT)
        return 1;
    struct node *node = take_value(reader, *at, key, event);
    if (node && node->kind != SCALAR)
        *at = node;
    return node != NULL;
}

static obs_status read_places(struct reader *reader)
{
    struct pending_key key = {NULL, 0, 0, 0};
    struct node *at = NULL;
    int fine = 1;
    for (int end = 0; fine && !end;) {
        yaml_event_t event;
        if (!yaml_parser_parse(&reader->parser, &event)) {
            obs__free(key.text);
            if (reader->parser.error == YAML_MEMORY_ERROR)
                return obs__fail_memory(reader->error);
            return obs__fail(reader->error, OBS_INVALID_ARGUMENT, "the document cannot be read");
        }
        end = event.type == YAML_STREAM_END_EVENT;
        fine = take_event(reader, &at, &key, &event);
        yaml_event_delete(&event);
    }
    obs__free(key.text);
    return fine ? OBS_OK : obs__fail_memory(reader->error);
}

static struct node *child_of(const struct node *node, const char *key)
{
    struct node *child = node->first;
    if (node->kind == LIST) {
        char *end;
        size_t number = strtoul(key, &end, 10);
        while (*key && !*end && child && number--)
            child = child->next;
        return *key && !*end ? child : NULL;
    }
    while (child && strcmp(child->key, key) != 0)
        child = child->next;
    return child;
}

/* The text with [from, to) replaced. */
static void splice(obs__builder *out, obs__view text, size_t from, size_t to, obs__view put)
{
    obs__add(out, text.data, from);
    obs__add(out, put.data, put.size);
    obs__add(out, text.data + to, text.size - to);
}

/* Where the line that holds this byte ends: behind its newline, or at the end of the text. */
static size_t line_end(obs__view text, size_t at)
{
    if (at > 0 && text.data[at - 1] == '\n')
        return at;
    const char *end = at < text.size ? memchr(text.data + at, '\n', text.size - at) : NULL;
    return end ? (size_t)(end - text.data) + 1 : text.size;
}

static size_t line_start(obs__view text, size_t at)
{
    while (at > 0 && text.data[at - 1] != '\n')
        at--;
    return at;
}

static void add_key(obs__builder *out, const char *key, int json)
{
    const char *fault = NULL;
    size_t size = strlen(key);
    json_t *plain = obs__yaml_plain(key, size, &fault);
    if (!plain && !fault)
        out->failed = 1;
    int simple = !json && json_is_string(plain) &&
                 size == strspn(key, "abcdefghijklmnopqrstuvwxyz"
                                     "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
    json_decref(plain);
    if (simple)
        obs__add(out, key, size);
    else
        obs__add_json(out, key, size);
}

/* `a: {b: {c: value}}` */
static void add_flow(obs__builder *out, const obs__yaml_change *change, size_t from)
{
    for (size_t i = from; i < change->count; i++) {
        if (i > from)
            obs__add_char(out, '{');
        add_key(out, change->keys[i], change->json);
        obs__add_text(out, ": ");
    }
    obs__add_text(out, change->value);
    for (size_t i = from + 1; i < change->count; i++)
        obs__add_char(out, '}');
}

/* The same on lines of their own, each inner one further to the right. */
static void add_block(obs__builder *out, const obs__yaml_change *change, size_t from, size_t column)
{
    for (size_t i = from; i < change->count; i++) {
        for (size_t blank = 0; blank < column + STEP * (i - from); blank++)
            obs__add_char(out, ' ');
        add_key(out, change->keys[i], change->json);
        obs__add_text(out, i + 1 < change->count ? ":\n" : ": ");
    }
    obs__add_text(out, change->value);
    obs__add_char(out, '\n');
}

static int in_flow(const struct node *node)
{
    for (; node; node = node->parent)
        if (node->kind != SCALAR && node->flow)
            return 1;
    return 0;
}

/* Inside of braces, or in the place of nothing inside of them. */
static void insert_flow(obs__builder *out, obs__view text, const struct node *into, const obs__yaml_change *change, size_t from)
{
    int scalar = into->kind == SCALAR;
    size_t at = scalar ? into->start : into->last ? into->last->end : into->start + 1;
    size_t to = scalar ? into->end : at;
    obs__add(out, text.data, at);
    if (scalar)
        obs__add_text(out, text.data[at - 1] == ':' ? " {" : "{");
    else if (into->last)
        obs__add_text(out, ", ");
    add_flow(out, change, from);
    if (scalar)
        obs__add_char(out, '}');
    obs__add(out, text.data + to, text.size - to);
}

static void end_line(obs__builder *out)
{
    if (out->size && out->data[out->size - 1] != '\n')
        obs__add_char(out, '\n');
}

/* Below `ccd:` without a value, perhaps with a comment: what is written as null goes, lines follow. */
static void insert_below(obs__builder *out, obs__view text, const struct node *into, const obs__yaml_change *change,
                         size_t from)
{
    size_t at = line_end(text, into->end);
    obs__add(out, text.data, into->start);
    obs__add(out, text.data + into->end, at - into->end);
    end_line(out);
    add_block(out, change, from, into->key_column + STEP);
    obs__add(out, text.data + at, text.size - at);
}

/* Behind the last member of a mapping, or at the end of a text that has none. */
static void insert_lines(obs__builder *out, obs__view text, const struct node *into, const obs__yaml_change *change,
                         size_t from)
{
    size_t at = into && into->kind == MAPPING ? line_end(text, into->end) : text.size;
    obs__add(out, text.data, at);
    end_line(out);
    add_block(out, change, from, into && into->first ? into->first->key_column : 0);
    obs__add(out, text.data + at, text.size - at);
}

static obs_status replace(obs__builder *out, obs__view text, const struct node *node, const char *value, obs_error *error)
{
    obs__builder put;
    size_t from = node->start;
    obs__builder_init(&put, ROOM);
    if (node->key && ((node->kind != SCALAR && !node->flow) || node->start == node->end)) {
        /* Lines below `key:`, or nothing: the value goes behind the colon. */
        const char *colon = memchr(text.data + node->key_end, ':', text.size - node->key_end);
        from = colon ? (size_t)(colon - text.data) + 1 : from;
        obs__add_char(&put, ' ');
    }
    obs__add_text(&put, value);
    if (node->block)
        obs__add_char(&put, '\n');
    obs_status status = obs__builder_status(&put, error);
    if (status == OBS_OK)
        splice(out, text, from, node->end > from ? node->end : from, obs__view_of(put.data, put.size));
    obs__builder_free(&put);
    return status;
}

static obs_status remove_member(obs__builder *out, obs__view text, const struct node *node, obs_error *error)
{
    while (node->parent && node->parent->kind == MAPPING && node->parent->first == node && !node->next && node->parent->key)
        node = node->parent; /* the only member: the mapping goes, too */
    if (!node->key)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "an item of a list cannot be removed alone: set the whole list");
    struct node *before = node->parent->first;
    while (before != node && before->next != node)
        before = before->next;
    size_t line = line_start(text, node->key_start);
    size_t first = line; /* of the line, behind its blanks */
    while (first < node->key_start && text.data[first] == ' ')
        first++;
    if (node->parent->flow && before != node)
        splice(out, text, before->end, node->end, (obs__view){0});
    else if (node->parent->flow || first < node->key_start) /* the first one, or behind the dash of a list */
        splice(out, text, node->key_start, node->next ? node->next->key_start : node->end, (obs__view){0});
    else
        splice(out, text, line, line_end(text, node->end), (obs__view){0});
    return OBS_OK;
}

static obs_status change_text(obs__builder *out, obs__view text, struct node *root, const obs__yaml_change *change,
                              obs_error *error)
{
    struct node *at = root;
    size_t i = 0;
    for (; at && i < change->count; i++) {
        struct node *child = at->kind == SCALAR ? NULL : child_of(at, change->keys[i]);
        if (!child)
            break;
        at = child;
    }
    if (i == change->count && at)
        return change->value ? replace(out, text, at, change->value, error) : remove_member(out, text, at, error);
    if (!change->value)
        return obs__fail(error, OBS_NOT_FOUND, "there is nothing to remove");
    if (at && at->kind == LIST)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "the list has no item '%.64s': set the whole list", change->keys[i]);
    if (at && at->kind == SCALAR && !at->empty)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "'%.128s' is a value there, not a mapping: set or remove it first",
                         at->key ? at->key : "the document");
    if (at && in_flow(at))
        insert_flow(out, text, at, change, i);
    else if (at && at->kind == SCALAR && at->parent)
        insert_below(out, text, at, change, i);
    else
        insert_lines(out, text, at, change, i);
    return obs__builder_status(out, error);
}

obs_status obs__yaml_edit(obs__builder *out, obs__view text, const obs__yaml_change *change, obs_error *error)
{
    struct reader reader = {.text = text, .error = error};
    if (!yaml_parser_initialize(&reader.parser))
        return obs__fail_memory(error);
    yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&reader.parser, (const unsigned char *)text.data, text.size);
    obs_status status = read_places(&reader);
    yaml_parser_delete(&reader.parser);
    if (status == OBS_OK)
        status = change_text(out, text, reader.root, change, error);
    free_node(reader.root);
    return status == OBS_OK ? obs__builder_status(out, error) : status;
}
