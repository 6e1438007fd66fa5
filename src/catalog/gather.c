/* Gathers points into columns: a hash table of names, and one arena for all texts. */
#include "catalog/gather.h"

#include <string.h>

#include "base/error.h"
#include "base/memory.h"

typedef struct group {
    obs__view name;
    int is_text;
    size_t count;
    size_t capacity;
    obs__item *items;
} group;

typedef struct piece {
    struct piece *before;
    size_t used;
    size_t size;
    char bytes[];
} piece;

struct obs__gathered {
    group *groups;
    size_t count;
    size_t capacity;
    uint32_t *table; /* group + 1 by hash; its size is a power of two, at least twice the count */
    size_t table_size;
    piece *arena;
};

obs_status obs__gathered_new(obs__gathered **out, obs_error *error)
{
    *out = obs__calloc(1, sizeof **out);
    return *out ? OBS_OK : obs__fail_memory(error);
}

void obs__gathered_free(obs__gathered *gathered)
{
    if (!gathered)
        return;
    for (size_t i = 0; i < gathered->count; i++)
        obs__free(gathered->groups[i].items);
    while (gathered->arena) {
        piece *before = gathered->arena->before;
        obs__free(gathered->arena);
        gathered->arena = before;
    }
    obs__free(gathered->groups);
    obs__free(gathered->table);
    obs__free(gathered);
}

static int keep(obs__gathered *gathered, obs__view *text)
{
    piece *arena = gathered->arena;
    if (!arena || arena->size - arena->used < text->size) {
        size_t size = text->size > 65536 ? text->size : 65536;
        arena = obs__alloc(sizeof *arena + size);
        if (!arena)
            return 0;
        *arena = (piece){.before = gathered->arena, .size = size};
        gathered->arena = arena;
    }
    char *to = arena->bytes + arena->used;
    if (text->size)
        memcpy(to, text->data, text->size);
    arena->used += text->size;
    text->data = to;
    return 1;
}

static size_t hash_of(obs__view name, int is_text)
{
    uint64_t hash = 14695981039346656037u + (unsigned)is_text; /* FNV-1a */
    for (size_t i = 0; i < name.size; i++)
        hash = (hash ^ (unsigned char)name.data[i]) * 1099511628211u;
    return (size_t)(hash ^ hash >> 29);
}

static int grow(obs__gathered *gathered)
{
    size_t capacity = gathered->capacity ? 2 * gathered->capacity : 64;
    group *groups = obs__realloc(gathered->groups, capacity * sizeof *groups);
    if (!groups)
        return 0;
    gathered->groups = groups;
    uint32_t *table = obs__calloc(2 * capacity, sizeof *table);
    if (!table)
        return 0;
    for (size_t i = 0; i < gathered->count; i++) {
        size_t at = hash_of(groups[i].name, groups[i].is_text) & (2 * capacity - 1);
        while (table[at])
            at = (at + 1) & (2 * capacity - 1);
        table[at] = (uint32_t)i + 1;
    }
    obs__free(gathered->table);
    gathered->table = table;
    gathered->table_size = 2 * capacity;
    gathered->capacity = capacity;
    return 1;
}

static group *find_group(obs__gathered *gathered, obs__view name, int is_text)
{
    if (gathered->count == gathered->capacity && !grow(gathered))
        return NULL;
    size_t at = hash_of(name, is_text) & (gathered->table_size - 1);
    for (; gathered->table[at]; at = (at + 1) & (gathered->table_size - 1)) {
        group *group = &gathered->groups[gathered->table[at] - 1];
        if (group->is_text == is_text && obs__view_equal(group->name, name))
            return group;
    }
    if (!keep(gathered, &name))
        return NULL;
    gathered->groups[gathered->count] = (group){.name = name, .is_text = is_text};
    gathered->table[at] = (uint32_t)++gathered->count;
    return &gathered->groups[gathered->count - 1];
}

static int add_item(obs__gathered *gathered, group *group, obs__item item)
{
    if (group->count == group->capacity) {
        size_t capacity = group->capacity ? 2 * group->capacity : 16;
        obs__item *items = obs__realloc(group->items, capacity * sizeof *items);
        if (!items)
            return 0;
        group->items = items;
        group->capacity = capacity;
    }
    if (group->is_text && !keep(gathered, &item.text))
        return 0;
    group->items[group->count++] = item;
    return 1;
}

obs_status obs__gather(obs__gathered *gathered, const obs__row *row, obs_error *error)
{
    obs__points points;
    obs__point point;
    int failed = 0;
    obs__points_begin(&points, row);
    while (!failed && obs__points_next(&points, &point)) {
        int is_text = !point.is_number;
        obs__item item = {.place = (uint16_t)(row->id % OBS__BLOCK_SIZE), .number = point.number, .text = point.text};
        group *group = find_group(gathered, point.name, is_text);
        failed = !group || !add_item(gathered, group, item);
    }
    failed |= points.failed;
    obs__points_free(&points);
    return failed ? obs__fail_memory(error) : OBS_OK;
}

static obs_status field_of(int64_t *out, obs__txn *txn, obs__view name, obs_error *error)
{
    static const char sql[] = "INSERT INTO field(name) VALUES(?1) ON CONFLICT(name) DO UPDATE SET name = name RETURNING id";
    sqlite3_stmt *statement;
    obs_status status = obs__txn_statement(&statement, txn, sql, error);
    if (status != OBS_OK)
        return status;
    obs__bind_blob(statement, 1, name);
    int code = sqlite3_step(statement);
    if (code == SQLITE_ROW)
        *out = sqlite3_column_int64(statement, 0);
    else
        status = obs__sqlite_fail(error, obs__txn_database(txn), code, "cannot index the catalog");
    sqlite3_reset(statement);
    return status;
}

static obs_status write_group(obs__txn *txn, const group *group, int64_t block, obs__builder *data, obs_error *error)
{
    static const char sql[] = "INSERT INTO entry_column(id, data) VALUES(?1, ?2)";
    sqlite3_stmt *statement;
    int64_t field = 0;
    obs_status status = field_of(&field, txn, group->name, error);
    if (status == OBS_OK && obs__view_is(group->name, OBS__OWN "key"))
        status = obs__column_cut_keys(group->items, group->count, error);
    if (status == OBS_OK)
        status = obs__column_encode(data, group->items, group->count, group->is_text, error);
    if (status == OBS_OK)
        status = obs__txn_statement(&statement, txn, sql, error);
    if (status != OBS_OK)
        return status;
    sqlite3_bind_int64(statement, 1, obs__column_id(field, group->is_text, block));
    obs__bind_blob(statement, 2, (obs__view){data->data, data->size});
    return obs__txn_run(txn, statement, error);
}

static obs_status clear_block(obs__txn *txn, int64_t block, obs_error *error)
{
    static const char sql[] = "DELETE FROM entry_column WHERE id IN (SELECT (id << 33) | (kind.value << 32) | ?1"
                              " FROM field, (SELECT 0 AS value UNION ALL SELECT 1) AS kind)";
    sqlite3_stmt *statement;
    obs_status status = obs__txn_statement(&statement, txn, sql, error);
    if (status != OBS_OK)
        return status;
    sqlite3_bind_int64(statement, 1, block);
    return obs__txn_run(txn, statement, error);
}

obs_status obs__gathered_write(obs__gathered *gathered, obs__txn *txn, int64_t block, obs_error *error)
{
    obs__builder data;
    obs__builder_init(&data, (size_t)1 << 20);
    obs_status status = clear_block(txn, block, error);
    for (size_t i = 0; i < gathered->count && status == OBS_OK; i++) {
        obs__builder_clear(&data);
        status = write_group(txn, &gathered->groups[i], block, &data, error);
    }
    obs__builder_free(&data);
    return status;
}
