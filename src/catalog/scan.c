/*
 * One page of a search.
 *
 * The index names entries that may fit; each of them is read and asked itself. Entries behind the last indexed block are
 * all read: they are few. A key or the beginning of one that few entries have is looked up instead.
 */
#include "catalog/scan.h"

#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "catalog/source.h"

#define MOST_BY_KEY 1024

typedef struct scan {
    obs__page *page;
    obs__query *query;
    obs__snapshot *snapshot;
    obs__words *words;
    const obs__limit *limit;
    int64_t end_ns;
    int64_t indexed; /* entries below are in the index */
    unsigned asked;
    int full;
} scan;

static obs_status fail_sqlite(const scan *scan, int code, obs_error *error)
{
    return obs__sqlite_fail(error, obs__snapshot_database(scan->snapshot), code, "cannot search the catalog");
}

/* Once for each entry or block: the clock is looked at now and then. */
static obs_status look_up(scan *scan, obs_error *error)
{
    if (scan->asked++ % 32)
        return OBS_OK;
    if (obs__monotonic_ns() > scan->end_ns)
        scan->full = 1;
    return obs__limit_check(scan->limit, error);
}

/* An entry that may fit. */
static obs_status visit(scan *scan, sqlite3_stmt *statement, obs_error *error)
{
    obs__page *page = scan->page;
    obs__row row;
    int holds = 0;
    obs__row_read(&row, statement);
    page->next_id = row.id + 1;
    obs_status status = obs__query_holds(&holds, scan->query, &row, scan->words, error);
    if (status == OBS_OK)
        status = look_up(scan, error);
    if (status != OBS_OK || !holds)
        return status;
    double distance = 0;
    int failed = 0;
    if (!scan->query->has_cone)
        obs__row_json(&page->text, &row);
    else if (obs__cone_distance(&distance, &scan->query->cone, &row, &failed))
        obs__row_json_at(&page->text, &row, distance);
    if (failed)
        return obs__fail_memory(error);
    scan->full |= obs__page_add(page, row.id);
    return obs__builder_status(&page->text, error);
}

static obs_status visit_id(scan *scan, int64_t id, obs_error *error)
{
    static const char sql[] = "SELECT " OBS__ROW_COLUMNS " FROM entry WHERE id = ?1";
    sqlite3_stmt *statement;
    scan->page->next_id = id + 1;
    obs_status status = obs__snapshot_statement(&statement, scan->snapshot, sql, error);
    if (status != OBS_OK)
        return status;
    sqlite3_bind_int64(statement, 1, id);
    int code = sqlite3_step(statement);
    if (code == SQLITE_ROW)
        status = visit(scan, statement, error);
    else if (code != SQLITE_DONE)
        status = fail_sqlite(scan, code, error);
    else
        status = look_up(scan, error);
    sqlite3_reset(statement);
    return status;
}

static obs_status scan_block(scan *scan, int64_t block, const uint64_t *set, obs_error *error)
{
    obs_status status = OBS_OK;
    int64_t start = block * OBS__BLOCK_SIZE;
    for (int64_t word = 0; word < OBS__BLOCK_WORDS; word++) {
        uint64_t bits = set[word];
        for (; bits && status == OBS_OK && !scan->full; bits &= bits - 1) {
            int64_t id = start + word * 64 + __builtin_ctzll(bits);
            if (id >= scan->page->next_id)
                status = visit_id(scan, id, error);
        }
    }
    if (status == OBS_OK && !scan->full)
        scan->page->next_id = start + OBS__BLOCK_SIZE;
    return status;
}

static obs_status scan_blocks(scan *scan, obs_error *error)
{
    obs__sources sources;
    uint64_t set[OBS__BLOCK_WORDS];
    obs_status status = obs__sources_open(&sources, scan->query, scan->snapshot, scan->page->next_id / OBS__BLOCK_SIZE, error);
    while (status == OBS_OK && !scan->full && scan->page->next_id < scan->indexed) {
        int64_t block = scan->page->next_id / OBS__BLOCK_SIZE;
        int64_t found = block;
        status = obs__sources_next(&found, set, &sources, error);
        if (status == OBS_OK && found == block)
            status = scan_block(scan, block, set, error);
        else if (status == OBS_OK)
            scan->page->next_id = found < scan->indexed / OBS__BLOCK_SIZE ? found * OBS__BLOCK_SIZE : scan->indexed;
        if (status == OBS_OK)
            status = look_up(scan, error);
    }
    obs__sources_close(&sources);
    return status;
}

static obs_status scan_rest(scan *scan, obs_error *error)
{
    static const char sql[] = "SELECT " OBS__ROW_COLUMNS " FROM entry WHERE id >= ?1 ORDER BY id";
    sqlite3_stmt *statement;
    int code = SQLITE_ROW;
    obs_status status = obs__snapshot_statement(&statement, scan->snapshot, sql, error);
    if (status != OBS_OK)
        return status;
    sqlite3_bind_int64(statement, 1, scan->page->next_id);
    while (status == OBS_OK && !scan->full && (code = sqlite3_step(statement)) == SQLITE_ROW)
        status = visit(scan, statement, error);
    if (status == OBS_OK && code != SQLITE_ROW && code != SQLITE_DONE)
        status = fail_sqlite(scan, code, error);
    scan->page->ended = code == SQLITE_DONE;
    sqlite3_reset(statement);
    return status;
}

static const obs__condition *find_key(const obs__query *query)
{
    const obs__condition *found = NULL;
    for (size_t i = 0; i < query->count; i++) {
        const obs__condition *condition = &query->conditions[i];
        if (condition->is_words || condition->comparison != OBS__EQ || !condition->text.size ||
            !obs__view_is(condition->name, OBS__OWN "key"))
            continue;
        if (!found || found->prefix)
            found = condition;
    }
    return found;
}

static int insert_sorted(int64_t *ids, int count, int64_t id)
{
    int at = count;
    for (; at > 0 && ids[at - 1] > id; at--)
        ids[at] = ids[at - 1];
    ids[at] = id;
    return count + 1;
}

/* The numbers of the entries with this key or beginning, in order; -1 when they are many. */
static obs_status list_keys(int64_t *ids, int *count, scan *scan, const obs__condition *key, obs_error *error)
{
    static const char sql[] = "SELECT id FROM entry WHERE key >= ?1 AND key < ?2 LIMIT 1025";
    sqlite3_stmt *statement;
    obs__builder end;
    int code = SQLITE_DONE;
    *count = 0;
    obs__builder_init(&end, (size_t)1 << 20);
    obs__add(&end, key->text.data, key->text.size + !key->prefix); /* the key itself ends before the key with a NUL */
    obs_status status = obs__builder_status(&end, error);
    if (status == OBS_OK)
        status = obs__snapshot_statement(&statement, scan->snapshot, sql, error);
    if (status != OBS_OK)
        goto out;
    if (key->prefix)
        end.data[end.size - 1]++; /* never overflows: no byte of UTF-8 is 255 */
    obs__bind_blob(statement, 1, key->text);
    obs__bind_blob(statement, 2, (obs__view){end.data, end.size});
    while (*count >= 0 && (code = sqlite3_step(statement)) == SQLITE_ROW)
        *count = *count == MOST_BY_KEY ? -1 : insert_sorted(ids, *count, sqlite3_column_int64(statement, 0));
    if (*count >= 0 && code != SQLITE_DONE)
        status = fail_sqlite(scan, code, error);
    sqlite3_reset(statement);
out:
    obs__builder_free(&end);
    return status;
}

static obs_status scan_list(scan *scan, const int64_t *ids, int count, obs_error *error)
{
    obs_status status = OBS_OK;
    int i = 0;
    for (; i < count && status == OBS_OK && !scan->full; i++)
        if (ids[i] >= scan->page->next_id)
            status = visit_id(scan, ids[i], error);
    scan->page->ended = i == count && !scan->full;
    return status;
}

static obs_status prepare(scan *scan, obs_error *error)
{
    static const char sql[] = "SELECT coalesce(max(id) + 1, 0) FROM block";
    sqlite3_stmt *statement;
    obs_status status = OBS_OK;
    if (scan->query->words) {
        status = obs__words_open(&scan->words, obs__snapshot_database(scan->snapshot), error);
        if (status == OBS_OK)
            status = obs__query_tokens(scan->query, scan->words, error);
    }
    if (status == OBS_OK)
        status = obs__snapshot_statement(&statement, scan->snapshot, sql, error);
    if (status != OBS_OK)
        return status;
    int code = sqlite3_step(statement);
    if (code == SQLITE_ROW)
        scan->indexed = sqlite3_column_int64(statement, 0) * OBS__BLOCK_SIZE;
    else
        status = fail_sqlite(scan, code, error);
    sqlite3_reset(statement);
    return status;
}

static obs_status run(scan *scan, obs_error *error)
{
    int64_t ids[MOST_BY_KEY];
    int count = -1;
    obs_status status = prepare(scan, error);
    const obs__condition *key = find_key(scan->query);
    if (status == OBS_OK && key)
        status = list_keys(ids, &count, scan, key, error);
    if (status != OBS_OK)
        return status;
    if (count >= 0)
        return scan_list(scan, ids, count, error);
    if (scan->page->next_id < scan->indexed)
        status = scan_blocks(scan, error);
    return status == OBS_OK && !scan->full ? scan_rest(scan, error) : status;
}

obs_status obs__scan(obs__page *page, obs__query *query, obs__journal *journal, const obs__limit *limit, obs_error *error)
{
    scan scan = {.page = page, .query = query, .limit = limit, .end_ns = obs__monotonic_ns() + OBS__SNAPSHOT_NS};
    obs_status status = obs__snapshot_begin(&scan.snapshot, journal, error);
    if (status != OBS_OK)
        return status;
    status = run(&scan, error);
    obs__words_free(scan.words);
    obs__snapshot_end(scan.snapshot);
    return status;
}
