/* Moving the leaves of one tenant, page by page: read in a snapshot that is over before the first file is written. */
#include <stdio.h>
#include <string.h>

#include "audit/leaf.h"
#include "audit/round.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"

#define PAGE_ROWS 1024
#define PAGE_MAX ((size_t)PAGE_ROWS * (OBS__AUDIT_LEAF_MAX + 64))
#define RECORD_LIMIT_MS 5000

struct page {
    uint64_t first; /* seq */
    size_t count;
    size_t ends[PAGE_ROWS];
    obs__builder bytes;
};

/* ---- Reading. ---- */

static obs_status no_table_answer(obs__snapshot *snapshot, int code, obs_error *error)
{
    return obs__sqlite_fail(error, obs__snapshot_database(snapshot), code, "cannot read the audit trail");
}

static obs_status take_rows(struct page *page, obs__snapshot *snapshot, uint64_t wanted, obs_error *error)
{
    static const char sql[] = "SELECT seq, leaf FROM audit_leaf WHERE seq >= ?1 ORDER BY seq LIMIT ?2";
    sqlite3_stmt *statement;
    int code = SQLITE_ROW;
    obs_status status = obs__snapshot_statement(&statement, snapshot, sql, error);
    if (status != OBS_OK)
        return status;
    sqlite3_bind_int64(statement, 1, (int64_t)page->first);
    sqlite3_bind_int64(statement, 2, (int64_t)wanted);
    while (status == OBS_OK && (code = sqlite3_step(statement)) == SQLITE_ROW) {
        uint64_t seq = (uint64_t)sqlite3_column_int64(statement, 0);
        if (seq != page->first + page->count)
            status = obs__fail(error, OBS_DATA_LOSS, "audit record %llu is missing",
                               (unsigned long long)(page->first + page->count));
        obs__add(&page->bytes, sqlite3_column_blob(statement, 1), (size_t)sqlite3_column_bytes(statement, 1));
        page->ends[page->count++] = page->bytes.size;
    }
    if (status == OBS_OK && code != SQLITE_DONE)
        status = no_table_answer(snapshot, code, error);
    sqlite3_reset(statement);
    return status == OBS_OK ? obs__builder_status(&page->bytes, error) : status;
}

static obs_status read_page(struct page *page, obs__journal *journal, uint64_t first, uint64_t wanted, obs_error *error)
{
    obs__snapshot *snapshot;
    page->first = first;
    page->count = 0;
    obs__builder_clear(&page->bytes);
    obs_status status = obs__snapshot_begin(&snapshot, journal, error);
    if (status != OBS_OK)
        return status;
    status = take_rows(page, snapshot, wanted < PAGE_ROWS ? wanted : PAGE_ROWS, error);
    obs__snapshot_end(snapshot);
    return status;
}

static obs__view leaf_at(const struct page *page, size_t i)
{
    size_t start = i ? page->ends[i - 1] : 0;
    return (obs__view){page->bytes.data + start, page->ends[i] - start};
}

/* ---- Whether the database still is the one that was moved so far. ---- */

static obs_status other_database(const char *tenant, uint64_t seq, obs_error *error)
{
    obs_status status =
        obs__fail(error, OBS_DATA_LOSS,
                  "audit record %llu of the tenant '%s' is not what the log has: its database was restored from "
                  "a backup, or changed",
                  (unsigned long long)seq, tenant);
    obs__detail(error, "restore tenants/%s from a later state; its records are not moved until then", tenant);
    return status;
}

/* The last leaf that was moved, in the log and in the database. The page's first row is that one. */
static obs_status check_last(obs__round *round, const char *tenant, const obs__run *last, const struct page *page,
                             obs_error *error)
{
    obs__bundle bundle;
    uint64_t index = last->index + last->count - 1, seq = last->seq + last->count - 1;
    if (!page->count)
        return other_database(tenant, seq, error);
    obs__tile_name name = obs__tile_in(round->checkpoint.size, OBS__TILE_ENTRIES, index / OBS__TILE_WIDTH);
    obs_status status = obs__bundle_read(&bundle, round->log, name.index, name.width, error);
    if (status != OBS_OK)
        return status;
    if (!obs__view_equal(bundle.entries[index % OBS__TILE_WIDTH], leaf_at(page, 0)))
        status = other_database(tenant, seq, error);
    obs__bundle_free(&bundle);
    return status;
}

/* ---- Appending. ---- */

/* A failure of the log itself ends the round; *fatal says so. */
static obs_status append_page(obs__round *round, const char *tenant, const struct page *page, size_t from, obs__run *run,
                              int *fatal, obs_error *error)
{
    obs_status status = OBS_OK;
    for (size_t i = from; i < page->count && round->left && status == OBS_OK; i++) {
        obs__view id, named, leaf = leaf_at(page, i);
        if (!obs__audit_leaf_peek(&id, &named, leaf) || !obs__view_is(named, tenant))
            return obs__fail(error, OBS_DATA_LOSS, "audit record %llu of the tenant '%s' is not one of its own",
                             (unsigned long long)(page->first + i), tenant);
        status = obs__appender_add(round->appender, leaf, error);
        *fatal = status != OBS_OK;
        run->count += status == OBS_OK;
        round->left -= status == OBS_OK;
    }
    return status;
}

static obs_status note_moved(obs__round *round, const char *tenant, const obs__run *run, obs_error *error)
{
    obs__moved *moved = obs__calloc(1, sizeof *moved);
    if (!moved)
        return obs__fail_memory(error);
    snprintf(moved->tenant, sizeof moved->tenant, "%s", tenant);
    moved->run = *run;
    if (round->last_moved)
        round->last_moved->next = moved;
    else
        round->moved = moved;
    round->last_moved = moved;
    return OBS_OK;
}

static obs_status move_pages(obs__round *round, const char *tenant, obs__journal *journal, struct page *page, obs__run *run,
                             int *fatal, obs_error *error)
{
    obs__run last;
    obs_status status = obs__runs_last(&last, round->runs, tenant, error);
    uint64_t moved = last.count ? last.seq + last.count - 1 : 0;
    *run = (obs__run){moved + 1, obs__appender_size(round->appender), 0};
    /* With the last one that was moved before, to see that it is the same still. */
    if (status == OBS_OK)
        status = read_page(page, journal, moved ? moved : 1, round->left + 1, error);
    if (status == OBS_OK && moved)
        status = check_last(round, tenant, &last, page, error);
    for (size_t from = moved != 0; status == OBS_OK && page->count > from && round->left; from = 0) {
        status = append_page(round, tenant, page, from, run, fatal, error);
        /* When the time is over, what there is becomes the round. */
        if (status == OBS_OK && obs__limit_check(round->limit, NULL) != OBS_OK)
            round->left = 0;
        if (status == OBS_OK && round->left)
            status = read_page(page, journal, run->seq + run->count, round->left, error);
    }
    return status;
}

/* ---- What was cut is itself a record. ---- */

static void record_cut(obs__round *round, const char *tenant, obs__journal *journal)
{
    char object[64];
    obs__effects effects = {0};
    obs__limit limit = obs__limit_in(RECORD_LIMIT_MS, NULL);
    snprintf(object, sizeof object, "audit/log %llu", (unsigned long long)round->checkpoint.size);
    obs__audit_record record = {.time_ns = obs__now_ns(),
                                .kind = "change",
                                .action = "audit.recover",
                                .status = OBS_OK,
                                .object = obs__view_of(object, OBS_TEXT),
                                .count = round->cut};
    if (obs__audit_effect(&effects, tenant, &record, NULL) == OBS_OK &&
        obs__journal_commit(journal, &effects, &limit, NULL) == OBS_OK)
        round->cut_recorded = 1;
    obs__effects_free(&effects);
}

obs_status obs__move_tenant(void *user, const char *tenant, obs__journal *journal, obs_error *error)
{
    obs__round *round = user;
    obs__run run = {0};
    obs_error failure;
    int fatal = 0;
    obs_error_init(&failure, sizeof failure);
    if (round->cut && !round->cut_recorded)
        record_cut(round, tenant, journal);
    if (!round->left)
        return OBS_OK;
    struct page *page = obs__calloc(1, sizeof *page);
    if (!page)
        return obs__fail_memory(error);
    obs__builder_init(&page->bytes, PAGE_MAX);
    obs_status status = move_pages(round, tenant, journal, page, &run, &fatal, &failure);
    obs__builder_free(&page->bytes);
    obs__free(page);
    round->is_broken |= fatal;
    if (fatal)
        return obs__copy_error(error, &failure);
    if (status != OBS_OK && round->failure.status == OBS_OK)
        obs__copy_error(&round->failure, &failure);
    return run.count ? note_moved(round, tenant, &run, error) : OBS_OK;
}
