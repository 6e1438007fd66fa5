/* What changes do to the tables of entries, inside the transaction. */
#include "catalog/apply.h"

#include "base/error.h"
#include "catalog/labels.h"
#include "catalog/made.h"
#include "catalog/seal.h"

#define MOST_BYTES ((size_t)64 << 20)

/* Runs a statement with (source, entry) for each key that an entry was made from. */
static obs_status each_source(obs__txn *txn, const char *sql, int64_t id, obs__view made_from, obs_error *error)
{
    sqlite3_stmt *statement;
    obs__builder scratch;
    obs__view key;
    obs_status status = OBS_OK;
    obs__builder_init(&scratch, MOST_BYTES);
    for (size_t at = 0; status == OBS_OK && obs__made_from_next(&key, made_from, &at, &scratch);) {
        status = obs__txn_statement(&statement, txn, sql, error);
        if (status == OBS_OK) {
            obs__bind_blob(statement, 1, key);
            sqlite3_bind_int64(statement, 2, id);
            status = obs__txn_run(txn, statement, error);
        }
    }
    if (status == OBS_OK)
        status = obs__builder_status(&scratch, error);
    obs__builder_free(&scratch);
    return status;
}

static obs_status add_sources(obs__txn *txn, int64_t id, obs__view made_from, obs_error *error)
{
    static const char sql[] = "INSERT INTO made_from(source, entry) VALUES(?1, ?2) ON CONFLICT DO NOTHING";
    return each_source(txn, sql, id, made_from, error);
}

static obs_status drop_sources(obs__txn *txn, int64_t id, obs__view made_from, obs_error *error)
{
    static const char sql[] = "DELETE FROM made_from WHERE source = ?1 AND entry = ?2";
    return each_source(txn, sql, id, made_from, error);
}

/* An entry as it is, with its bytes: the row itself changes while they are needed. */
typedef struct kept {
    obs__row row;
    obs__builder bytes;
    int found;
} kept;

static obs_status keep(kept *kept, sqlite3_stmt *statement, obs_error *error)
{
    obs__row *row = &kept->row;
    obs__view *views[] = {&row->key, &row->kind, &row->type, &row->sha256, &row->labels, &row->values, &row->made_from};
    obs__row_read(row, statement);
    for (size_t i = 0; i < sizeof views / sizeof *views; i++)
        obs__add(&kept->bytes, views[i]->data, views[i]->size);
    const char *at = kept->bytes.data;
    for (size_t i = 0; i < sizeof views / sizeof *views && at; at += views[i++]->size)
        views[i]->data = at;
    kept->found = 1;
    return obs__builder_status(&kept->bytes, error);
}

/* Free kept->bytes afterwards, whatever happens. */
static obs_status find(kept *kept, obs__txn *txn, obs__view key, obs_error *error)
{
    static const char sql[] = "SELECT " OBS__ROW_COLUMNS " FROM entry WHERE key = ?1";
    sqlite3_stmt *statement;
    kept->found = 0;
    obs__builder_init(&kept->bytes, MOST_BYTES);
    obs_status status = obs__txn_statement(&statement, txn, sql, error);
    if (status != OBS_OK)
        return status;
    obs__bind_blob(statement, 1, key);
    int code = sqlite3_step(statement);
    if (code == SQLITE_ROW)
        status = keep(kept, statement, error);
    else if (code != SQLITE_DONE)
        status = obs__sqlite_fail(error, obs__txn_database(txn), code, "cannot read the catalog");
    sqlite3_reset(statement);
    return status;
}

static void bind_row(sqlite3_stmt *statement, const obs__row *row)
{
    obs__bind_blob(statement, 1, row->key);
    obs__bind_text(statement, 2, row->kind);
    obs__bind_text(statement, 3, row->type);
    sqlite3_bind_int64(statement, 4, (int64_t)row->size);
    obs__bind_text(statement, 5, row->sha256);
    sqlite3_bind_int64(statement, 6, row->time_ns);
    obs__bind_blob(statement, 7, row->labels);
    obs__bind_blob(statement, 8, row->values);
    obs__bind_blob(statement, 9, row->made_from);
}

static obs_status replace(obs__txn *txn, const obs__row *before, const obs__row *now, obs_error *error)
{
    static const char sql[] = "UPDATE entry SET kind = ?2, type = ?3, size = ?4, sha256 = ?5, time_ns = ?6, labels = ?7,"
                              " vals = ?8, made_from = ?9 WHERE key = ?1";
    sqlite3_stmt *statement;
    obs_status status = obs__txn_statement(&statement, txn, sql, error);
    if (status != OBS_OK)
        return status;
    bind_row(statement, now);
    status = obs__txn_run(txn, statement, error);
    if (status == OBS_OK)
        status = drop_sources(txn, before->id, before->made_from, error);
    if (status == OBS_OK)
        status = add_sources(txn, before->id, now->made_from, error);
    return status == OBS_OK ? obs__seal_changed(txn, before, now, error) : status;
}

static obs_status replace_by_key(obs__txn *txn, const obs__row *row, obs_error *error)
{
    kept before;
    obs_status status = find(&before, txn, row->key, error);
    if (status == OBS_OK && before.found) {
        obs__row now = *row;
        now.id = before.row.id;
        status = replace(txn, &before.row, &now, error);
        if (status == OBS_OK)
            status = obs__made_now(txn, &now, error);
        if (status == OBS_OK && obs__made_is_told(&before.row) && !obs__made_is_told(&now))
            status = obs__made_forget(txn, now.id, error);
    }
    obs__builder_free(&before.bytes);
    return status;
}

obs_status obs__apply_entry(obs__txn *txn, const obs__row *row, obs_error *error)
{
    static const char sql[] = "INSERT INTO entry(key, kind, type, size, sha256, time_ns, labels, vals, made_from)"
                              " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT(key) DO NOTHING";
    sqlite3_stmt *statement;
    sqlite3 *database = obs__txn_database(txn);
    obs_status status = obs__txn_statement(&statement, txn, sql, error);
    if (status != OBS_OK)
        return status;
    bind_row(statement, row);
    status = obs__txn_run(txn, statement, error);
    if (status != OBS_OK)
        return status;
    if (!sqlite3_changes(database))
        return replace_by_key(txn, row, error);
    obs__row now = *row;
    now.id = sqlite3_last_insert_rowid(database);
    status = add_sources(txn, now.id, row->made_from, error);
    if (status == OBS_OK)
        status = obs__made_now(txn, &now, error);
    return status == OBS_OK ? obs__seal_after(txn, now.id, error) : status;
}

obs_status obs__apply_forget(obs__txn *txn, obs__view key, obs_error *error)
{
    static const char sql[] = "DELETE FROM entry WHERE id = ?1";
    sqlite3_stmt *statement;
    kept before;
    obs_status status = find(&before, txn, key, error);
    if (status != OBS_OK || !before.found)
        goto out;
    status = obs__txn_statement(&statement, txn, sql, error);
    if (status != OBS_OK)
        goto out;
    sqlite3_bind_int64(statement, 1, before.row.id);
    status = obs__txn_run(txn, statement, error);
    if (status == OBS_OK)
        status = drop_sources(txn, before.row.id, before.row.made_from, error);
    if (status == OBS_OK) /* whatever its labels were when it was made */
        status = obs__made_forget(txn, before.row.id, error);
    if (status == OBS_OK)
        status = obs__seal_changed(txn, &before.row, NULL, error);
out:
    obs__builder_free(&before.bytes);
    return status;
}

obs_status obs__apply_labels(obs__txn *txn, obs__view key, const obs_pair *labels, size_t count, obs_error *error)
{
    kept before;
    obs__builder merged;
    obs__builder_init(&merged, MOST_BYTES);
    obs_status status = find(&before, txn, key, error);
    if (status == OBS_OK && !before.found)
        status = obs__fail(error, OBS_NOT_FOUND, "no entry '%.*s' in the catalog", (int)key.size, key.data);
    if (status == OBS_OK)
        status = obs__labels_merge(&merged, before.row.labels, labels, count, error);
    if (status == OBS_OK) {
        obs__row now = before.row;
        now.labels = (obs__view){merged.data, merged.size};
        status = replace(txn, &before.row, &now, error);
    }
    obs__builder_free(&merged);
    obs__builder_free(&before.bytes);
    return status;
}
