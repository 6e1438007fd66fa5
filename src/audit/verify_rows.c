/* The rows of all tenants beside the log: for each record the next row of its tenant, and nothing left at the end. */
#include <stdio.h>
#include <string.h>

#include "audit/check.h"
#include "base/error.h"
#include "base/memory.h"

#define PAGE_ROWS 256
#define PAGE_MAX ((size_t)PAGE_ROWS * (OBS__AUDIT_LEAF_MAX + 64))

static const obs__view none = {"", 0};

struct row {
    uint64_t seq;
    size_t end; /* of the leaf in the page */
    obs__row_check check;
};

/* The rows of a tenant, page by page. */
struct cursor {
    char tenant[64];
    obs__journal *journal;
    uint64_t seq;   /* of the last one that was taken */
    uint64_t bare;  /* the place of the last record, when it is sealed and has no row any more; or OBS__NO_INDEX */
    uint64_t after; /* the page goes on behind this one */
    struct row *rows;
    obs__builder leaves;
    size_t count;
    size_t at;
    int ended;
};

struct obs__rows_check {
    struct cursor *cursors;
    size_t count;
    size_t capacity;
    size_t last;  /* the tenant of the record before */
    int is_blind; /* there were sealed records that cannot be read: it is not known whose they are */
};

/* ---- Opening. ---- */

static obs_status add_cursor(void *user, const char *tenant, obs__journal *journal, obs_error *error)
{
    obs__rows_check *rows = user;
    if (rows->count == rows->capacity) {
        size_t capacity = rows->capacity ? 2 * rows->capacity : 8;
        struct cursor *larger = obs__realloc(rows->cursors, capacity * sizeof *larger);
        if (!larger)
            return obs__fail_memory(error);
        rows->cursors = larger;
        rows->capacity = capacity;
    }
    struct cursor *cursor = &rows->cursors[rows->count++];
    *cursor = (struct cursor){.journal = obs__journal_retain(journal), .bare = OBS__NO_INDEX};
    snprintf(cursor->tenant, sizeof cursor->tenant, "%s", tenant);
    obs__builder_init(&cursor->leaves, PAGE_MAX);
    return OBS_OK;
}

obs_status obs__rows_open(obs__check *check, obs_error *error)
{
    const obs__tenants *tenants = check->options->tenants;
    check->rows = obs__calloc(1, sizeof *check->rows);
    if (!check->rows)
        return obs__fail_memory(error);
    return tenants->each(tenants->user, add_cursor, check->rows, error);
}

void obs__rows_free(obs__rows_check *rows)
{
    if (!rows)
        return;
    for (size_t i = 0; i < rows->count; i++) {
        obs__journal_free(rows->cursors[i].journal);
        obs__builder_free(&rows->cursors[i].leaves);
        obs__free(rows->cursors[i].rows);
    }
    obs__free(rows->cursors);
    obs__free(rows);
}

/* ---- Pages. ---- */

static obs_status take_row(struct cursor *cursor, sqlite3_stmt *statement, obs_error *error)
{
    struct row *row = &cursor->rows[cursor->count++];
    row->seq = (uint64_t)sqlite3_column_int64(statement, 0);
    obs__add(&cursor->leaves, sqlite3_column_blob(statement, 2), (size_t)sqlite3_column_bytes(statement, 2));
    row->end = cursor->leaves.size;
    cursor->after = row->seq;
    return obs__row_check_of(&row->check, statement, error);
}

static obs_status read_rows(struct cursor *cursor, obs__snapshot *snapshot, obs_error *error)
{
    static const char sql[] = "SELECT " OBS__ROW_COLUMNS " FROM " OBS__ROW_TABLES " WHERE l.seq > ?1 ORDER BY l.seq LIMIT ?2";
    sqlite3_stmt *statement;
    int code = SQLITE_ROW;
    obs_status status = obs__snapshot_statement(&statement, snapshot, sql, error);
    if (status != OBS_OK)
        return status;
    sqlite3_bind_int64(statement, 1, (int64_t)cursor->after);
    sqlite3_bind_int64(statement, 2, PAGE_ROWS);
    while (status == OBS_OK && (code = sqlite3_step(statement)) == SQLITE_ROW)
        status = take_row(cursor, statement, error);
    if (status == OBS_OK && code != SQLITE_DONE)
        status = obs__sqlite_fail(error, obs__snapshot_database(snapshot), code, "cannot read the audit trail");
    sqlite3_reset(statement);
    cursor->ended = cursor->count < PAGE_ROWS;
    return status == OBS_OK ? obs__builder_status(&cursor->leaves, error) : status;
}

static obs_status read_page(struct cursor *cursor, obs_error *error)
{
    obs__snapshot *snapshot;
    if (!cursor->rows && !(cursor->rows = obs__calloc(PAGE_ROWS, sizeof *cursor->rows)))
        return obs__fail_memory(error);
    cursor->count = cursor->at = 0;
    obs__builder_clear(&cursor->leaves);
    obs_status status = obs__snapshot_begin(&snapshot, cursor->journal, error);
    if (status != OBS_OK)
        return status;
    status = read_rows(cursor, snapshot, error);
    obs__snapshot_end(snapshot);
    return status;
}

/* The row that comes next, or NULL; stays the next one until take(). */
static obs_status next_row(const struct row **out, obs__view *leaf, struct cursor *cursor, obs_error *error)
{
    obs_status status = OBS_OK;
    *out = NULL;
    if (cursor->at == cursor->count && !cursor->ended)
        status = read_page(cursor, error);
    if (status != OBS_OK || cursor->at == cursor->count)
        return status;
    size_t start = cursor->at ? cursor->rows[cursor->at - 1].end : 0;
    *out = &cursor->rows[cursor->at];
    *leaf = (obs__view){cursor->leaves.data + start, (*out)->end - start};
    return OBS_OK;
}

/* ---- Records. ---- */

/* The tenant that a leaf names; NULL when it names none of these. */
static struct cursor *named(obs__rows_check *rows, obs__view leaf, obs__view *id, obs__view *tenant)
{
    if (!obs__audit_leaf_peek(id, tenant, leaf)) {
        *id = *tenant = none;
        return NULL;
    }
    for (size_t i = 0; i < rows->count; i++) {
        size_t at = (rows->last + i) % rows->count;
        if (obs__view_is(*tenant, rows->cursors[at].tenant)) {
            rows->last = at;
            return &rows->cursors[at];
        }
    }
    return NULL;
}

/* A record that is not what its tile says: the tenant whose next row is what the tile says. */
static obs_status by_hash(struct cursor **out, obs__check *check, const obs__tree_hash *tile, obs_error *error)
{
    obs_status status = OBS_OK;
    *out = NULL;
    for (size_t i = 0; i < check->rows->count && !*out && status == OBS_OK; i++) {
        const struct row *row;
        obs__view leaf;
        obs__tree_hash hash;
        status = next_row(&row, &leaf, &check->rows->cursors[i], error);
        if (status != OBS_OK || !row)
            continue;
        obs__tree_leaf(check->hasher, &hash, leaf);
        if (!obs__tree_equal(&hash, tile))
            continue;
        *out = &check->rows->cursors[i];
        if (check->rows->is_blind)
            (*out)->seq = row->seq - 1;
    }
    return status;
}

static int is_sealed(const obs__check *check, uint64_t index)
{
    return index < check->sealed.end;
}

static void judge_row(obs__check *check, uint64_t index, const struct row *row, obs__view tenant, obs__view id)
{
    char text[160];
    int is_rest = row->check.is_bare && is_sealed(check, index);
    if (row->check.what && !is_rest) {
        snprintf(text, sizeof text, "its row in the tenant's database was changed: %s", row->check.what);
        obs__check_add(check, row->check.is_clear ? OBS__DAMAGE_CLEAR : OBS__DAMAGE_ROW, index, tenant, id, text);
    }
    check->out->erased += row->check.erased && !is_rest;
    check->out->lost += row->check.lost;
}

/* A record whose row was sealed: what it counts is told by the log alone. */
static obs_status take_sealed(obs__check *check, struct cursor *cursor, uint64_t index, obs__view bytes, obs_error *error)
{
    obs__audit_leaf leaf;
    cursor->seq++;
    cursor->bare = index;
    if (!bytes.size || !memmem(bytes.data, bytes.size, "\"class\":\"loss\"", 14))
        return OBS_OK;
    obs_status status = obs__audit_leaf_read(&leaf, bytes, error);
    if (status != OBS_OK)
        return status == OBS_DATA_LOSS ? OBS_OK : status;
    check->out->lost += strcmp(leaf.kind, "loss") == 0 && leaf.count > 0 ? (uint64_t)leaf.count : 0;
    obs__audit_leaf_free(&leaf);
    return OBS_OK;
}

/* Behind sealed records that cannot be read, the number of the next row is not known. */
static void find_again(const obs__check *check, struct cursor *cursor, const struct row *row, obs__view found, obs__view leaf)
{
    if (check->rows->is_blind && row && obs__view_equal(found, leaf))
        cursor->seq = row->seq - 1;
}

/* Compares a record with the next row of its tenant, and takes that row unless it belongs to a later record. */
static obs_status compare(obs__check *check, struct cursor *cursor, uint64_t index, obs__view leaf, int fits, obs__view *id,
                          obs_error *error)
{
    const struct row *row;
    obs__view found, ignored;
    obs__view tenant = obs__view_of(cursor->tenant, OBS_TEXT);
    obs_status status = next_row(&row, &found, cursor, error);
    if (status != OBS_OK)
        return status;
    find_again(check, cursor, row, found, leaf);
    if ((!row || row->seq != cursor->seq + 1) && is_sealed(check, index))
        return take_sealed(check, cursor, index, leaf, error);
    cursor->bare = OBS__NO_INDEX;
    if (!row || row->seq != cursor->seq + 1) {
        obs__check_add(check, OBS__DAMAGE_ROW, index, tenant, *id, "its row in the tenant's database is missing");
        cursor->seq++;
        return OBS_OK;
    }
    if (!id->size)
        obs__audit_leaf_peek(id, &ignored, found);
    check->row_differs = fits && !obs__view_equal(found, leaf);
    if (check->row_differs)
        obs__check_add(check, OBS__DAMAGE_ROW, index, tenant, *id, OBS__ROW_DIFFERS);
    else
        judge_row(check, index, row, tenant, *id);
    cursor->seq++;
    cursor->at++;
    return OBS_OK;
}

obs_status obs__rows_leaf(obs__check *check, uint64_t index, obs__view leaf, const obs__tree_hash *tile, int fits,
                          obs__view *out_tenant, obs__view *out_id, obs_error *error)
{
    struct cursor *cursor = NULL;
    obs_status status = OBS_OK;
    *out_tenant = *out_id = none;
    check->row_differs = 0;
    if (!fits && tile)
        status = by_hash(&cursor, check, tile, error);
    if (!cursor)
        cursor = named(check->rows, leaf, out_id, out_tenant);
    if (status != OBS_OK)
        return status;
    if (cursor) {
        *out_tenant = obs__view_of(cursor->tenant, OBS_TEXT);
        return compare(check, cursor, index, leaf, fits, out_id, error);
    }
    check->rows->is_blind |= is_sealed(check, index);
    if (fits)
        obs__check_add(check, OBS__DAMAGE_TENANT, index, *out_tenant, *out_id, "there is no database of its tenant");
    return OBS_OK;
}

/* What the log does not have yet must follow without a gap. */
static obs_status end_cursor(obs__check *check, struct cursor *cursor, obs_error *error)
{
    const struct row *row;
    obs__view leaf, id, tenant = obs__view_of(cursor->tenant, OBS_TEXT);
    obs_status status = next_row(&row, &leaf, cursor, error);
    /* Of the last one the leaf stays: the next record is numbered after it. */
    if (cursor->bare != OBS__NO_INDEX)
        obs__check_add(check, OBS__DAMAGE_ROW, cursor->bare, tenant, none, "its row in the tenant's database is missing");
    for (; status == OBS_OK && row; status = next_row(&row, &leaf, cursor, error)) {
        if (!obs__audit_leaf_peek(&id, &tenant, leaf))
            id = none;
        tenant = obs__view_of(cursor->tenant, OBS_TEXT);
        if (row->seq != cursor->seq + 1 && !check->rows->is_blind)
            obs__check_add(check, OBS__DAMAGE_ROW, OBS__NO_INDEX, tenant, id,
                           "a row before this one, not logged yet, is missing");
        judge_row(check, OBS__NO_INDEX, row, tenant, id);
        cursor->seq = row->seq;
        cursor->at++;
        check->out->waiting++;
    }
    return status;
}

obs_status obs__rows_end(obs__check *check, obs_error *error)
{
    obs_status status = OBS_OK;
    for (size_t i = 0; i < check->rows->count && status == OBS_OK; i++)
        status = end_cursor(check, &check->rows->cursors[i], error);
    return status;
}
