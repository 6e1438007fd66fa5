/* The objects that the catalog knows, for the check of a workspace. */
#include "base/error.h"
#include "base/memory.h"
#include "catalog/catalog.h"

#define PAGE 256

/* A page of keys, copied, so that no snapshot is open while they are looked at. */
struct page {
    int64_t last; /* entry of the last key */
    size_t count;
    obs__view keys[PAGE];
};

static void page_clear(struct page *page)
{
    for (size_t i = 0; i < page->count; i++)
        obs__free((char *)page->keys[i].data);
    page->count = 0;
}

static obs_status add_key(struct page *page, sqlite3_stmt *row, obs_error *error)
{
    size_t size = (size_t)sqlite3_column_bytes(row, 1);
    char *key = obs__memdup(sqlite3_column_blob(row, 1), size);
    if (!key)
        return obs__fail_memory(error);
    page->keys[page->count++] = (obs__view){key, size};
    page->last = sqlite3_column_int64(row, 0);
    return OBS_OK;
}

static obs_status page_read(struct page *page, obs__gate *gate, obs_error *error)
{
    static const char sql[] = "SELECT id, key FROM entry WHERE id > ?1 AND kind = 'object' ORDER BY id LIMIT 256";
    obs__snapshot *snapshot;
    sqlite3_stmt *row;
    int code = SQLITE_DONE;
    obs_status status = obs__snapshot_begin(&snapshot, gate->journal, error);
    if (status != OBS_OK)
        return status;
    status = obs__snapshot_statement(&row, snapshot, sql, error);
    if (status == OBS_OK) {
        sqlite3_bind_int64(row, 1, page->last);
        while (status == OBS_OK && (code = sqlite3_step(row)) == SQLITE_ROW)
            status = add_key(page, row, error);
        if (status == OBS_OK && code != SQLITE_DONE)
            status = obs__sqlite_fail(error, obs__snapshot_database(snapshot), code, "cannot read the catalog");
        sqlite3_reset(row);
    }
    obs__snapshot_end(snapshot);
    return status;
}

obs_status obs__catalog_each_object(obs__gate *gate, obs__object_visit *visit, void *user, obs_error *error)
{
    struct page page = {.last = -1};
    obs_status status;
    do {
        page_clear(&page);
        status = page_read(&page, gate, error);
        for (size_t i = 0; status == OBS_OK && i < page.count; i++)
            status = visit(user, page.keys[i], error);
    } while (status == OBS_OK && page.count);
    page_clear(&page);
    return status;
}
