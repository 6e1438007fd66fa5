/* Compiles a JSON Schema: memory, messages, and the order of the steps. The tree is immutable afterwards. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/schema_tree.h"

enum { BLOCK_SIZE = 16 * 1024 };

struct obs__schema_block {
    obs__schema_block *next;
    size_t used, size;
    max_align_t data[];
};

struct obs__schema_pattern {
    obs__schema_pattern *next;
    obs__regex *regex;
};

struct obs__schema_document {
    obs__schema_document *next;
    json_t *json;
};

static void *no_memory(obs__schema_maker *maker)
{
    if (maker->status == OBS_OK)
        maker->status = obs__fail_memory(maker->error);
    return NULL;
}

static obs__schema_block *block_for(obs__schema_maker *maker, size_t size)
{
    obs__schema_block *block = maker->schema->blocks;
    if (block && block->size - block->used >= size)
        return block;
    size_t whole = size > BLOCK_SIZE ? size : BLOCK_SIZE;
    block = obs__calloc(1, sizeof *block + whole);
    if (!block)
        return no_memory(maker);
    block->size = whole;
    block->next = maker->schema->blocks;
    maker->schema->blocks = block;
    return block;
}

void *obs__schema_alloc(obs__schema_maker *maker, size_t count, size_t size)
{
    if (count > SIZE_MAX / 2 / size)
        return no_memory(maker);
    size = (count * size + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);
    obs__schema_block *block = block_for(maker, size);
    if (!block)
        return NULL;
    void *memory = (char *)block->data + block->used;
    block->used += size;
    return memory;
}

const char *obs__schema_text(obs__schema_maker *maker, const char *text, size_t size)
{
    char *copy = obs__schema_alloc(maker, size + 1, 1);
    if (copy)
        memcpy(copy, text, size);
    return copy;
}

/* The JSON pointer of a node in the schema; long ones lose their beginning. */
static void where(char *out, size_t capacity, const obs__schema_node *node)
{
    char *at = out + capacity - 1;
    *at = '\0';
    for (; node && node->up; node = node->up) {
        char part[160];
        int size = 0;
        if (node->member)
            size = snprintf(part, sizeof part, "/%s/%.120s", node->keyword, node->member);
        else if (node->index != SIZE_MAX)
            size = snprintf(part, sizeof part, "/%s/%zu", node->keyword, node->index);
        else
            size = snprintf(part, sizeof part, "/%s", node->keyword);
        if (size < 0 || (size_t)size >= sizeof part || at - out < size + 1)
            break;
        at -= size;
        memcpy(at, part, (size_t)size);
    }
    *out = '#';
    memmove(out + 1, at, strlen(at) + 1);
}

int obs__schema_wrong(obs__schema_maker *maker, const obs__schema_node *node, const char *format, ...)
{
    char place[256];
    char text[384];
    if (maker->status != OBS_OK)
        return 0;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    where(place, sizeof place, node);
    maker->status = obs__fail(maker->error, OBS_INVALID_ARGUMENT, "%s: %s", place, text);
    return 0;
}

const obs__regex *obs__schema_regex(obs__schema_maker *maker, const obs__schema_node *node, const char *keyword,
                                    const char *text, size_t size)
{
    obs_error why;
    obs__schema_pattern *pattern = obs__schema_alloc(maker, 1, sizeof *pattern);
    obs_error_init(&why, sizeof why);
    if (!pattern)
        return NULL;
    obs_status status = obs__regex_compile(&pattern->regex, text, size, &why);
    if (status != OBS_OK && obs__lacks_memory(&why))
        return no_memory(maker);
    if (status != OBS_OK) {
        obs__schema_wrong(maker, node, "\"%s\": \"%.100s\" is %s", keyword, text, why.message);
        return NULL;
    }
    pattern->next = maker->schema->patterns;
    maker->schema->patterns = pattern;
    return pattern->regex;
}

json_t *obs__schema_keep(obs__schema_maker *maker, const json_t *document)
{
    obs__schema_document *kept = obs__schema_alloc(maker, 1, sizeof *kept);
    if (!kept)
        return NULL;
    kept->json = json_deep_copy(document);
    if (!kept->json)
        return no_memory(maker);
    kept->next = maker->schema->documents;
    maker->schema->documents = kept;
    return kept->json;
}

/* A node that is referred to at an unusual place is found while others are read: the list grows behind `compiled`. */
static int read_all(obs__schema_maker *maker)
{
    obs__schema_node *node = maker->first;
    while (node && obs__schema_read_node(maker, node))
        node = node->next;
    return maker->status == OBS_OK;
}

static void make(obs__schema_maker *maker, const json_t *document)
{
    json_t *copy = obs__schema_keep(maker, document);
    obs__schema_node *root = copy ? obs__schema_scan_document(maker, copy, "") : NULL;
    if (!root || !read_all(maker) || !obs__schema_check_cycles(maker))
        return;
    maker->schema->root = root;
}

obs_status obs__schema_compile_with(obs__schema **out, const json_t *document, unsigned flags, const obs__schema_loader *loader,
                                    obs_error *error)
{
    *out = NULL;
    obs__schema *schema = obs__calloc(1, sizeof *schema);
    if (!schema)
        return obs__fail_memory(error);
    obs__schema_maker maker = {.schema = schema, .loader = loader, .flags = flags, .error = error};
    make(&maker, document);
    obs__free(maker.known);
    if (maker.status == OBS_OK)
        *out = schema;
    else
        obs__schema_free(schema);
    return maker.status;
}

obs_status obs__schema_compile(obs__schema **out, const json_t *document, unsigned flags, obs_error *error)
{
    return obs__schema_compile_with(out, document, flags, NULL, error);
}

void obs__schema_free(obs__schema *schema)
{
    if (!schema)
        return;
    for (obs__schema_pattern *pattern = schema->patterns; pattern; pattern = pattern->next)
        obs__regex_free(pattern->regex);
    for (obs__schema_document *document = schema->documents; document; document = document->next)
        json_decref(document->json);
    for (obs__schema_block *block = schema->blocks; block;) {
        obs__schema_block *next = block->next;
        obs__free(block);
        block = next;
    }
    obs__free(schema);
}
