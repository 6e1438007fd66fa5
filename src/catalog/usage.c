/* How much lies below a prefix, folder by folder: what the catalog knows, and quotas count. */
#include <string.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/memory.h"
#include "catalog/handle.h"
#include "catalog/row.h"

#define DEEPEST 32
#define PAGE 4096
#define KEY_SIZE 1024
#define ROWS_MAX ((size_t)64 << 20)

void obs_usage_options_init(obs_usage_options *options, size_t size)
{
    if (!options || size < sizeof(size_t))
        return;
    memset(options, 0, size);
    options->size = size;
}

struct sum {
    size_t size; /* of the folder's key, which is a beginning of `key` */
    int64_t objects, records, bytes;
};

/* Keys come in order, so that the folders around the last one are all that is open. */
struct walk {
    obs__builder rows;
    obs__view prefix;
    int depth;
    int open; /* how many of `folders`; [0] is all of it */
    struct sum folders[DEEPEST + 1];
    char key[KEY_SIZE]; /* the last one */
    size_t size;
    int ended;
};

static void add_sum(struct walk *walk, const struct sum *sum, int is_total)
{
    obs__builder *out = &walk->rows;
    obs__add_text(out, "{\"prefix\":");
    obs__add_json(out, is_total ? walk->prefix.data : walk->key, is_total ? walk->prefix.size : sum->size);
    obs__add_char(out, ',');
    obs__add_json_integer(out, "objects", sum->objects);
    obs__add_json_integer(out, "records", sum->records);
    obs__add_json_integer(out, "bytes", sum->bytes);
    if (is_total)
        obs__add_text(out, "\"total\":true,");
    obs__add_json_end(out);
    obs__add_char(out, '\n');
}

/* Ends the folders that this key is not in, and begins those that it is in. */
static void enter(struct walk *walk, obs__view key)
{
    while (walk->open > 1) {
        const struct sum *last = &walk->folders[walk->open - 1];
        if (key.size >= last->size && memcmp(key.data, walk->key, last->size) == 0)
            break;
        add_sum(walk, last, 0);
        walk->open--;
    }
    size_t at = walk->open > 1 ? walk->folders[walk->open - 1].size : walk->prefix.size;
    for (; walk->open <= walk->depth && at < key.size; at++)
        if (key.data[at] == '/')
            walk->folders[walk->open++] = (struct sum){.size = at + 1};
    memcpy(walk->key, key.data, key.size);
    walk->size = key.size;
}

static void count(struct walk *walk, sqlite3_stmt *row)
{
    obs__view key = obs__column_view(row, 0);
    if (key.size < walk->prefix.size || memcmp(key.data, walk->prefix.data, walk->prefix.size) != 0) {
        walk->ended = 1;
        return;
    }
    enter(walk, key);
    int is_record = obs__view_is(obs__column_view(row, 2), "record");
    for (int i = 0; i < walk->open; i++) {
        walk->folders[i].objects += !is_record;
        walk->folders[i].records += is_record;
        walk->folders[i].bytes += sqlite3_column_int64(row, 1);
    }
}

static obs_status read_page(struct walk *walk, obs__journal *journal, obs_error *error)
{
    static const char after[] = "SELECT key, size, kind FROM entry WHERE key > ?1 ORDER BY key LIMIT 4096";
    static const char from[] = "SELECT key, size, kind FROM entry WHERE key >= ?1 ORDER BY key LIMIT 4096";
    obs__snapshot *snapshot;
    sqlite3_stmt *row;
    int code = SQLITE_DONE, found = 0, first = !walk->size;
    obs_status status = obs__snapshot_begin(&snapshot, journal, error);
    if (status != OBS_OK)
        return status;
    status = obs__snapshot_statement(&row, snapshot, first ? from : after, error);
    if (status == OBS_OK) {
        char begin[KEY_SIZE];
        size_t size = first ? walk->prefix.size : walk->size;
        memcpy(begin, first ? walk->prefix.data : walk->key, size);
        sqlite3_bind_blob64(row, 1, begin, size, SQLITE_TRANSIENT);
        while (!walk->ended && (code = sqlite3_step(row)) == SQLITE_ROW) {
            count(walk, row);
            found++;
        }
        if (!walk->ended && code != SQLITE_DONE)
            status = obs__sqlite_fail(error, obs__snapshot_database(snapshot), code, "cannot read the catalog");
        sqlite3_reset(row);
    }
    obs__snapshot_end(snapshot);
    walk->ended |= found < PAGE;
    return status;
}

static obs_status walk_all(struct walk *walk, const obs__scope *scope, obs_error *error)
{
    obs_status status = OBS_OK;
    while (status == OBS_OK && !walk->ended) {
        status = obs__limit_check(&scope->limit, error);
        if (status == OBS_OK)
            status = read_page(walk, scope->gate->journal, error);
    }
    for (int i = walk->open - 1; status == OBS_OK && i >= 0; i--)
        add_sum(walk, &walk->folders[i], i == 0);
    return status;
}

static obs_status take_options(struct walk *walk, const obs_usage_options *options, obs_error *error)
{
    walk->prefix = obs__view_of(options->prefix ? options->prefix : "", OBS_TEXT);
    walk->depth = options->depth ? options->depth : 1;
    if (walk->depth < 0 || walk->depth > DEEPEST)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "the depth is 1 to %d", DEEPEST);
    if (walk->prefix.size >= KEY_SIZE || !obs__utf8_valid(walk->prefix.data, walk->prefix.size))
        return obs__fail(error, OBS_INVALID_ARGUMENT, "a prefix is UTF-8 and shorter than %d bytes", KEY_SIZE);
    return OBS_OK;
}

obs_status obs_catalog_usage(obs_rows **out, obs_catalog *catalog, const obs_usage_options *options, obs_error *error)
{
    obs__scope scope;
    obs_usage_options wanted = {.size = sizeof wanted};
    obs_buffer *lines = NULL;
    if (!out || !catalog)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "out and catalog are required");
    *out = NULL;
    if (options)
        memcpy(&wanted, options, options->size < sizeof wanted ? options->size : sizeof wanted);
    const char *prefix = wanted.prefix ? wanted.prefix : "";
    obs_status status =
        obs__gate_enter(&scope, catalog->gate, OBS__READ, "catalog.usage", prefix, OBS_TEXT, wanted.call, error);
    if (status != OBS_OK)
        return status;
    struct walk *walk = obs__calloc(1, sizeof *walk);
    status = walk ? take_options(walk, &wanted, error) : obs__fail_memory(error);
    if (walk) {
        obs__builder_init(&walk->rows, ROWS_MAX);
        walk->open = 1;
    }
    if (status == OBS_OK)
        status = walk_all(walk, &scope, error);
    if (status == OBS_OK)
        status = obs__builder_finish(&lines, &walk->rows, error);
    if (status == OBS_OK)
        status = obs__rows_from_lines(out, lines, error);
    if (walk)
        obs__builder_free(&walk->rows);
    obs__free(walk);
    return obs__gate_leave(&scope, status, error);
}
