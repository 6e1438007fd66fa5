/*
 * Lineage: what an entry was made from, and what was made from it, breadth first.
 *
 * Each entry that was met has a place in a queue, in the order in which it is told; the places also say who was met, so that
 * circles end and nobody comes twice. That is all that is kept: 16 bytes for a place and 8 of the table to find it, and, of
 * keys that the catalog does not know, the key. Rows are read page by page from there.
 */
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/memory.h"
#include "catalog/handle.h"
#include "catalog/made.h"
#include "catalog/paged.h"

#define NODES_DEFAULT 100000
#define NODES_MOST 1000000
#define NAMES_MOST ((size_t)1 << 30) /* as many keys as there may be, each of the longest */
#define SCRATCH_MOST ((size_t)64 << 20)

/* An entry that was met. */
typedef struct place {
    int64_t id; /* of the entry; a key without an entry: -1 - where it begins in `names` */
    uint32_t depth;
    uint32_t name_size;
} place;

typedef struct lineage_rows {
    obs__paged paged;
    int down;
    uint32_t depth; /* no further */
    size_t most;
    place *places;
    size_t count, capacity;
    uint32_t *slots; /* 1 + the place; twice as many as places */
    obs__builder names;
    obs__builder scratch; /* keys that have escapes */
} lineage_rows;

void obs_lineage_options_init(obs_lineage_options *options, size_t size)
{
    if (!options || size < sizeof options->size)
        return;
    memset(options, 0, size);
    options->size = size;
}

static uint64_t hash_id(int64_t id)
{
    uint64_t hash = (uint64_t)id * 0x9E3779B97F4A7C15;
    return hash ^ hash >> 32;
}

static uint64_t hash_name(obs__view name)
{
    uint64_t hash = 0xCBF29CE484222325;
    for (size_t i = 0; i < name.size; i++)
        hash = (hash ^ (unsigned char)name.data[i]) * 0x100000001B3;
    return hash_id((int64_t)(hash >> 1));
}

static obs__view name_of(const lineage_rows *rows, const place *at)
{
    return (obs__view){rows->names.data + (-1 - at->id), at->name_size};
}

static uint64_t hash_place(const lineage_rows *rows, const place *at)
{
    return at->id < 0 ? hash_name(name_of(rows, at)) : hash_id(at->id);
}

static int is_same(const lineage_rows *rows, const place *at, int64_t id, obs__view name)
{
    return id < 0 ? at->id < 0 && obs__view_equal(name_of(rows, at), name) : at->id == id;
}

/* Where it stands in the table, or belongs. */
static uint32_t *slot_of(const lineage_rows *rows, int64_t id, obs__view name)
{
    size_t mask = 2 * rows->capacity - 1;
    size_t at = (id < 0 ? hash_name(name) : hash_id(id)) & mask;
    while (rows->slots[at] && !is_same(rows, &rows->places[rows->slots[at] - 1], id, name))
        at = (at + 1) & mask;
    return &rows->slots[at];
}

static obs_status grow(lineage_rows *rows, obs_error *error)
{
    size_t capacity = rows->capacity ? 2 * rows->capacity : 64;
    place *places = obs__realloc(rows->places, capacity * sizeof *places);
    if (!places)
        return obs__fail_memory(error);
    rows->places = places;
    uint32_t *slots = obs__calloc(2 * capacity, sizeof *slots);
    if (!slots)
        return obs__fail_memory(error);
    for (size_t i = 0; i < rows->count; i++) {
        size_t at = hash_place(rows, &places[i]) & (2 * capacity - 1);
        while (slots[at])
            at = (at + 1) & (2 * capacity - 1);
        slots[at] = (uint32_t)(i + 1);
    }
    obs__free(rows->slots);
    rows->slots = slots;
    rows->capacity = capacity;
    return OBS_OK;
}

/* Meets an entry (id), or a key without one (-1). *cut when there is no place for it any more. */
static obs_status meet(lineage_rows *rows, int64_t id, obs__view name, uint32_t depth, int *cut, obs_error *error)
{
    obs_status status = rows->count == rows->capacity ? grow(rows, error) : OBS_OK;
    if (status != OBS_OK)
        return status;
    uint32_t *slot = slot_of(rows, id, name);
    if (*slot)
        return OBS_OK;
    if (rows->count == rows->most || depth > rows->depth) {
        *cut = 1;
        return OBS_OK;
    }
    place *met = &rows->places[rows->count];
    *met = (place){.id = id, .depth = depth};
    if (id < 0) {
        met->id = -1 - (int64_t)rows->names.size;
        met->name_size = (uint32_t)name.size;
        obs__add(&rows->names, name.data, name.size);
        status = obs__builder_status(&rows->names, error);
    }
    if (status == OBS_OK)
        *slot = (uint32_t)++rows->count;
    return status;
}

/* The entry of a key; -1: there is none. */
static obs_status find(int64_t *id, obs__snapshot *snapshot, obs__view key, obs_error *error)
{
    sqlite3_stmt *statement;
    *id = -1;
    obs_status status = obs__snapshot_statement(&statement, snapshot, "SELECT id FROM entry WHERE key = ?1", error);
    if (status != OBS_OK)
        return status;
    obs__bind_blob(statement, 1, key);
    int code = sqlite3_step(statement);
    if (code == SQLITE_ROW)
        *id = sqlite3_column_int64(statement, 0);
    else if (code != SQLITE_DONE)
        status = obs__sqlite_fail(error, obs__snapshot_database(snapshot), code, "cannot read the catalog");
    sqlite3_reset(statement);
    return status;
}

static obs_status meet_sources(lineage_rows *rows, obs__snapshot *snapshot, obs__view made_from, uint32_t depth, int *cut,
                               obs_error *error)
{
    obs__view key;
    int64_t id;
    obs_status status = OBS_OK;
    for (size_t at = 0; status == OBS_OK && !*cut && obs__made_from_next(&key, made_from, &at, &rows->scratch);) {
        status = find(&id, snapshot, key, error);
        if (status == OBS_OK)
            status = meet(rows, id, key, depth, cut, error);
    }
    return status == OBS_OK ? obs__builder_status(&rows->scratch, error) : status;
}

static obs_status meet_made(lineage_rows *rows, obs__snapshot *snapshot, obs__view key, uint32_t depth, int *cut,
                            obs_error *error)
{
    static const char sql[] = "SELECT entry FROM made_from WHERE source = ?1 ORDER BY entry";
    sqlite3_stmt *statement;
    int code = SQLITE_ROW;
    obs_status status = obs__snapshot_statement(&statement, snapshot, sql, error);
    if (status != OBS_OK)
        return status;
    obs__bind_blob(statement, 1, key);
    while (status == OBS_OK && !*cut && (code = sqlite3_step(statement)) == SQLITE_ROW)
        status = meet(rows, sqlite3_column_int64(statement, 0), (obs__view){0}, depth, cut, error);
    if (status == OBS_OK && code != SQLITE_ROW && code != SQLITE_DONE)
        status = obs__sqlite_fail(error, obs__snapshot_database(snapshot), code, "cannot read the lineage");
    sqlite3_reset(statement);
    return status;
}

static void add_text(obs__builder *out, const char *name, obs__view text)
{
    obs__add_char(out, '"');
    obs__add_text(out, name);
    obs__add_text(out, "\":");
    obs__add_json(out, text.data, text.size);
    obs__add_char(out, ',');
}

static void add_row(obs__builder *out, const obs__row *row, uint32_t depth, obs__view inputs, int cut)
{
    char time[OBS__TIME_SIZE];
    obs__time_format(time, row->time_ns);
    obs__add_char(out, '{');
    add_text(out, "key", row->key);
    obs__add_json_integer(out, "depth", depth);
    add_text(out, "kind", row->kind);
    add_text(out, "type", row->type);
    obs__add_json_integer(out, "size", (int64_t)row->size);
    add_text(out, "sha256", row->sha256);
    obs__add_json_member(out, "time", time);
    obs__row_labels(out, row->labels);
    obs__add_json_raw(out, "made_from", row->made_from.size ? row->made_from.data : "[]",
                      row->made_from.size ? row->made_from.size : 2);
    obs__add_json_raw(out, "inputs", inputs.size ? inputs.data : "{}", inputs.size ? inputs.size : 2);
    obs__add_text(out, cut ? "\"known\":true,\"more\":true," : "\"known\":true,\"more\":false,");
    obs__add_json_end(out);
}

/* All that is known about a key without an entry. */
static void add_unknown(obs__builder *out, obs__view key, uint32_t depth, int cut)
{
    obs__add_char(out, '{');
    add_text(out, "key", key);
    obs__add_json_integer(out, "depth", depth);
    obs__add_text(out, "\"kind\":null,\"type\":null,\"size\":null,\"sha256\":null,\"time\":null,\"labels\":{},\"made_from\":[],"
                       "\"inputs\":{},");
    obs__add_text(out, cut ? "\"known\":false,\"more\":true," : "\"known\":false,\"more\":false,");
    obs__add_json_end(out);
}

static obs_status tell_unknown(lineage_rows *rows, obs__snapshot *snapshot, size_t at, obs_error *error)
{
    const place *place = &rows->places[at];
    uint32_t depth = place->depth;
    int cut = 0;
    obs_status status = OBS_OK;
    if (rows->down) /* what is met has an entry: no name moves */
        status = meet_made(rows, snapshot, name_of(rows, place), depth + 1, &cut, error);
    if (status == OBS_OK)
        add_unknown(&rows->paged.page.text, name_of(rows, &rows->places[at]), depth, cut);
    return status;
}

static obs_status tell_entry(lineage_rows *rows, obs__snapshot *snapshot, sqlite3_stmt *statement, uint32_t depth,
                             obs_error *error)
{
    obs__row row;
    int cut = 0;
    obs__row_read(&row, statement);
    obs_status status = rows->down ? meet_made(rows, snapshot, row.key, depth + 1, &cut, error)
                                   : meet_sources(rows, snapshot, row.made_from, depth + 1, &cut, error);
    if (status == OBS_OK)
        add_row(&rows->paged.page.text, &row, depth, obs__column_view(statement, 10), cut);
    return status;
}

/* Appends the row of a place, and meets those beyond it. *told 0: its entry was removed since it was met. */
static obs_status tell(lineage_rows *rows, obs__snapshot *snapshot, size_t at, int *told, obs_error *error)
{
    static const char sql[] = "SELECT " OBS__ROW_COLUMNS ", inputs FROM entry LEFT JOIN made ON made.entry = entry.id"
                              " WHERE entry.id = ?1";
    sqlite3_stmt *statement;
    const place place = rows->places[at];
    *told = 1;
    if (place.id < 0)
        return tell_unknown(rows, snapshot, at, error);
    obs_status status = obs__snapshot_statement(&statement, snapshot, sql, error);
    if (status != OBS_OK)
        return status;
    sqlite3_bind_int64(statement, 1, place.id);
    int code = sqlite3_step(statement);
    if (code == SQLITE_ROW)
        status = tell_entry(rows, snapshot, statement, place.depth, error);
    else if (code == SQLITE_DONE)
        *told = 0;
    else
        status = obs__sqlite_fail(error, obs__snapshot_database(snapshot), code, "cannot read the catalog");
    sqlite3_reset(statement);
    return status;
}

/* Numbers of rows are those of their places. A place that is told again, in the next page, meets nobody new. */
static obs_status tell_page(lineage_rows *rows, obs__snapshot *snapshot, const obs__limit *limit, obs_error *error)
{
    obs__page *page = &rows->paged.page;
    int64_t end_ns = obs__monotonic_ns() + OBS__SNAPSHOT_NS;
    obs_status status = OBS_OK;
    int told, full = 0;
    for (unsigned i = 1; status == OBS_OK && !full && (size_t)page->next_id < rows->count; i++) {
        status = tell(rows, snapshot, (size_t)page->next_id, &told, error);
        if (status == OBS_OK && told)
            full = obs__page_add(page, page->next_id);
        page->next_id += status == OBS_OK;
        if (status == OBS_OK && i % 64 == 0) {
            full |= obs__monotonic_ns() > end_ns;
            status = obs__limit_check(limit, error);
        }
    }
    page->ended = (size_t)page->next_id >= rows->count;
    return status;
}

static obs_status scan(obs__paged *paged, const obs__limit *limit, obs_error *error)
{
    obs__snapshot *snapshot;
    obs_status status = obs__snapshot_begin(&snapshot, paged->gate->journal, error);
    if (status == OBS_OK)
        status = tell_page((lineage_rows *)paged, snapshot, limit, error);
    obs__snapshot_end(snapshot);
    return status;
}

static void done(obs__paged *paged)
{
    lineage_rows *rows = (lineage_rows *)paged;
    obs__builder_free(&rows->names);
    obs__builder_free(&rows->scratch);
    obs__free(rows->places);
    obs__free(rows->slots);
}

/* A key without an entry begins a lineage, too, when something was made from it. */
static obs_status begin(lineage_rows *rows, obs__view key, obs_error *error)
{
    static const char sql[] = "SELECT 1 FROM made_from WHERE source = ?1 LIMIT 1";
    obs__snapshot *snapshot;
    sqlite3_stmt *statement;
    int64_t id;
    int cut = 0, code;
    obs_status status = obs__snapshot_begin(&snapshot, rows->paged.gate->journal, error);
    if (status == OBS_OK)
        status = find(&id, snapshot, key, error);
    if (status == OBS_OK && id < 0)
        status = obs__snapshot_statement(&statement, snapshot, sql, error);
    if (status == OBS_OK && id < 0) {
        obs__bind_blob(statement, 1, key);
        code = sqlite3_step(statement);
        if (code == SQLITE_DONE)
            status = obs__fail(error, OBS_NOT_FOUND, "no entry '%.*s' in the catalog", (int)key.size, key.data);
        else if (code != SQLITE_ROW)
            status = obs__sqlite_fail(error, obs__snapshot_database(snapshot), code, "cannot read the lineage");
        sqlite3_reset(statement);
    }
    if (status == OBS_OK)
        status = meet(rows, id, key, 0, &cut, error);
    obs__snapshot_end(snapshot);
    return status;
}

static obs_status new_rows(lineage_rows **out, obs_catalog *catalog, const obs_lineage_options *options, obs_error *error)
{
    if (options->direction != OBS_LINEAGE_UP && options->direction != OBS_LINEAGE_DOWN)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "the direction of a lineage is up or down");
    if (options->nodes > NODES_MOST)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "a lineage has at most %d nodes", NODES_MOST);
    lineage_rows *rows = obs__calloc(1, sizeof *rows);
    if (!rows)
        return obs__fail_memory(error);
    rows->paged.scan = scan;
    rows->paged.done = done;
    rows->down = options->direction == OBS_LINEAGE_DOWN;
    rows->depth = options->depth && options->depth < UINT32_MAX ? (uint32_t)options->depth : UINT32_MAX - 1;
    rows->most = options->nodes ? options->nodes : NODES_DEFAULT;
    obs__builder_init(&rows->names, NAMES_MOST);
    obs__builder_init(&rows->scratch, SCRATCH_MOST);
    /* Its positions mean nothing to a later question: with this kind they are "". */
    obs_status status = obs__paged_begin(&rows->paged, catalog->gate, '\0', NULL, 0, error);
    if (status == OBS_OK)
        *out = rows;
    else
        obs__paged_free(&rows->paged);
    return status;
}

obs_status obs_catalog_lineage(obs_rows **out, obs_catalog *catalog, const char *key, size_t key_size,
                               const obs_lineage_options *options, obs_error *error)
{
    obs_lineage_options wanted = {.size = sizeof wanted};
    lineage_rows *rows = NULL;
    obs__scope scope;
    if (!out)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "out is required");
    *out = NULL;
    obs_status status = obs__catalog_require(catalog, key, key_size, error);
    if (options)
        memcpy(&wanted, options, options->size < sizeof wanted ? options->size : sizeof wanted);
    if (status == OBS_OK)
        status = new_rows(&rows, catalog, &wanted, error);
    if (status != OBS_OK)
        return status;
    status = obs__gate_enter(&scope, catalog->gate, OBS__READ, "catalog.lineage", key, key_size, wanted.call, error);
    if (status == OBS_OK) {
        status = obs__gate_allow(&scope, (obs__view){"", 0}, error); /* it leads anywhere */
        if (status == OBS_OK)
            status = begin(rows, scope.object, error);
        if (status == OBS_OK)
            status = obs__paged_first(&rows->paged, &scope.limit, error);
        status = obs__gate_leave(&scope, status, error);
    }
    if (status == OBS_OK)
        *out = &rows->paged.rows;
    else
        obs__paged_free(&rows->paged);
    return status;
}
