#include "config/table.h"

#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/span.h"
#include "base/url.h"

#define PIECE_SIZE ((size_t)32768)

/* Pieces of memory that do not move. */
struct obs__config_names {
    struct obs__config_names *next;
    size_t used, size;
    char text[];
};

void obs__config_table_init(obs__config_table *table)
{
    *table = (obs__config_table){.seed = obs__unique()};
}

void obs__config_table_free(obs__config_table *table)
{
    while (table->names) {
        struct obs__config_names *next = table->names->next;
        obs__free(table->names);
        table->names = next;
    }
    obs__free(table->values);
    obs__free(table->index);
    *table = (obs__config_table){0};
}

static char *keep(obs__config_table *table, obs__view name)
{
    struct obs__config_names *names = table->names;
    if (!names || names->size - names->used <= name.size) {
        size_t size = name.size < PIECE_SIZE ? PIECE_SIZE : name.size + 1;
        names = obs__alloc(sizeof *names + size);
        if (!names)
            return NULL;
        *names = (struct obs__config_names){.next = table->names, .size = size};
        table->names = names;
    }
    char *text = names->text + names->used;
    memcpy(text, name.data, name.size);
    text[name.size] = '\0';
    names->used += name.size + 1;
    table->names_size += name.size + 1;
    return text;
}

static int make_room(obs__config_table *table)
{
    if (table->count < table->capacity)
        return 1;
    size_t capacity = table->capacity ? 2 * table->capacity : 64;
    obs__config_value *values = obs__realloc(table->values, capacity * sizeof *values);
    if (!values)
        return 0;
    table->values = values;
    table->capacity = capacity;
    return 1;
}

static obs__config_kind kind_of(const json_t *json)
{
    switch (json_typeof(json)) {
    case JSON_OBJECT:
        return OBS__CONFIG_MAPPING;
    case JSON_ARRAY:
        return OBS__CONFIG_LIST;
    case JSON_STRING:
        return strncmp(json_string_value(json), "${secret:", 9) == 0 ? OBS__CONFIG_SECRET : OBS__CONFIG_TEXT;
    case JSON_INTEGER:
        return OBS__CONFIG_INT;
    case JSON_REAL:
        return OBS__CONFIG_REAL;
    case JSON_TRUE:
    case JSON_FALSE:
        return OBS__CONFIG_BOOL;
    default:
        return OBS__CONFIG_NULL;
    }
}

/* What a scalar means is read once, so that looking it up costs nothing. */
static void prepare(obs__config_value *value)
{
    int64_t bytes = 0;
    switch (value->kind) {
    case OBS__CONFIG_BOOL:
        value->integer = json_is_true(value->json);
        break;
    case OBS__CONFIG_INT:
        value->integer = json_integer_value(value->json);
        value->real = (double)value->integer;
        value->has_bytes = value->integer >= 0;
        value->bytes = value->has_bytes ? (uint64_t)value->integer : 0;
        value->has_duration = value->integer == 0;
        break;
    case OBS__CONFIG_REAL:
        value->real = json_real_value(value->json);
        break;
    case OBS__CONFIG_TEXT:
        value->has_duration = obs__duration_parse(&value->duration_ns, json_string_value(value->json));
        value->has_bytes = obs__size_parse(&bytes, json_string_value(value->json));
        value->bytes = (uint64_t)bytes;
        break;
    default:
        break;
    }
}

obs_status obs__config_table_add(obs__config_value **out, obs__config_table *table, obs__view name, const json_t *json,
                                 const char *what, obs_error *error)
{
    if (table->count == OBS__CONFIG_VALUES_MAX || table->names_size + name.size > OBS__CONFIG_NAMES_MAX)
        return obs__fail(error, OBS_RESOURCE_EXHAUSTED, "%s has more than %d values, or names that are too long", what,
                         OBS__CONFIG_VALUES_MAX);
    const char *kept = make_room(table) ? keep(table, name) : NULL;
    if (!kept)
        return obs__fail_memory(error);
    obs__config_value *value = &table->values[table->count++];
    *value = (obs__config_value){.name = kept, .name_size = (uint32_t)name.size, .json = json, .kind = kind_of(json)};
    prepare(value);
    *out = value;
    return OBS_OK;
}

/* Eight bytes at a time. The seed is another one in each table: nobody can prepare names that collide. */
static uint64_t hash_of(const char *name, size_t size, uint64_t seed)
{
    uint64_t hash = seed ^ size * 0x9E3779B97F4A7C15;
    while (size) {
        uint64_t piece = 0;
        size_t taken = size < sizeof piece ? size : sizeof piece;
        memcpy(&piece, name, taken);
        hash = (hash ^ piece) * 0xFF51AFD7ED558CCD;
        hash ^= hash >> 32;
        name += taken;
        size -= taken;
    }
    return hash;
}

obs_status obs__config_table_seal(obs__config_table *table, obs_error *error)
{
    size_t slots = 16;
    while (slots < 2 * table->count)
        slots *= 2;
    table->index = obs__calloc(slots, sizeof *table->index);
    if (!table->index)
        return obs__fail_memory(error);
    table->mask = slots - 1;
    for (size_t i = 0; i < table->count; i++) {
        obs__config_value *value = &table->values[i];
        value->hash = hash_of(value->name, value->name_size, table->seed);
        size_t at = value->hash & table->mask;
        while (table->index[at])
            at = (at + 1) & table->mask;
        table->index[at] = (uint32_t)i + 1;
    }
    return OBS_OK;
}

const obs__config_value *obs__config_table_find(const obs__config_table *table, const char *name, size_t size)
{
    if (!table->index)
        return NULL;
    uint64_t hash = hash_of(name, size, table->seed);
    for (size_t at = hash & table->mask; table->index[at]; at = (at + 1) & table->mask) {
        const obs__config_value *value = &table->values[table->index[at] - 1];
        if (value->hash == hash && value->name_size == size && memcmp(value->name, name, size) == 0)
            return value;
    }
    return NULL;
}

const char *obs__config_table_nearest(const obs__config_table *table, const char *name)
{
    const char *nearest = NULL;
    const char **names = obs__calloc(table->count + 1, sizeof *names);
    if (!names)
        return NULL;
    for (size_t i = 0; i < table->count; i++)
        names[i] = table->values[i].name;
    if (strlen(name) < 64)
        nearest = obs__nearest(name, names);
    obs__free(names);
    return nearest;
}

void obs__config_name_add(obs__builder *name, const char *key)
{
    if (name->size)
        obs__add_char(name, '.');
    for (; *key; key++) {
        if (*key == '.' || *key == '\\')
            obs__add_char(name, '\\');
        obs__add_char(name, *key);
    }
}

int obs__config_name_within(const char *name, const char *above)
{
    size_t size = strlen(above);
    return size == 0 || (strncmp(name, above, size) == 0 && (name[size] == '\0' || name[size] == '.'));
}

const char *obs__config_kind_name(obs__config_kind kind)
{
    static const char *const names[] = {"null",   "true or false", "an integer", "a number",
                                        "a text", "a secret",      "a list",     "a mapping"};
    return names[kind];
}
