/*
 * The index over finished blocks.
 *
 * When the first entry of a new block arrives, the block before it is complete: its 1,024 entries are read once, their
 * points are gathered by name into columns, and their texts go to the full text table. Entries that change later are
 * marked stale, which makes searches look at them; when a block has many of them its columns are made again.
 */
#include "catalog/seal.h"

#include <string.h>

#include "base/error.h"
#include "catalog/gather.h"
#include "catalog/words.h"

#define MOST_STALE 128
#define LOOK_EVERY 64 /* numbers; a look costs one row */

static int64_t is_record(const obs__row *row)
{
    return obs__view_is(row->kind, "record");
}

typedef struct sums {
    int64_t objects;
    int64_t records;
    int64_t bytes;
} sums;

static void add_to_sums(sums *sums, const obs__row *row, int sign)
{
    sums->objects += sign * !is_record(row);
    sums->records += sign * is_record(row);
    sums->bytes += sign * (int64_t)row->size;
}

static obs_status text_changed(obs__txn *txn, const obs__row *row, int remove, obs_error *error)
{
    static const char insert[] = "INSERT INTO entry_text(rowid, text) VALUES(?1, ?2)";
    static const char delete[] = "INSERT INTO entry_text(entry_text, rowid, text) VALUES('delete', ?1, ?2)";
    sqlite3_stmt *statement;
    obs__builder text;
    obs__builder_init(&text, (size_t)16 << 20);
    obs_status status = obs__words_of(&text, row, error);
    if (status == OBS_OK)
        status = obs__txn_statement(&statement, txn, remove ? delete : insert, error);
    if (status == OBS_OK) {
        sqlite3_bind_int64(statement, 1, row->id);
        obs__bind_text(statement, 2, (obs__view){text.data, text.size});
        status = obs__txn_run(txn, statement, error);
    }
    obs__builder_free(&text);
    return status;
}

/* Puts the block's entries into columns, and into the full text if this is the first time. */
static obs_status read_block(obs__txn *txn, obs__gathered *gathered, int64_t block, int with_text, sums *sums, obs_error *error)
{
    static const char sql[] = "SELECT " OBS__ROW_COLUMNS " FROM entry WHERE id >= ?1 AND id < ?2 ORDER BY id";
    sqlite3_stmt *statement;
    obs_status status = obs__txn_statement(&statement, txn, sql, error);
    if (status != OBS_OK)
        return status;
    sqlite3_bind_int64(statement, 1, block * OBS__BLOCK_SIZE);
    sqlite3_bind_int64(statement, 2, (block + 1) * OBS__BLOCK_SIZE);
    int code = SQLITE_DONE;
    while (status == OBS_OK && (code = sqlite3_step(statement)) == SQLITE_ROW) {
        obs__row row;
        obs__row_read(&row, statement);
        add_to_sums(sums, &row, 1);
        status = obs__gather(gathered, &row, error);
        if (status == OBS_OK && with_text)
            status = text_changed(txn, &row, 0, error);
    }
    if (status == OBS_OK && code != SQLITE_DONE)
        status = obs__sqlite_fail(error, obs__txn_database(txn), code, "cannot read the catalog");
    sqlite3_reset(statement);
    return status;
}

static obs_status index_block(obs__txn *txn, int64_t block, int with_text, sums *sums, obs_error *error)
{
    obs__gathered *gathered = NULL;
    obs_status status = obs__gathered_new(&gathered, error);
    if (status == OBS_OK)
        status = read_block(txn, gathered, block, with_text, sums, error);
    if (status == OBS_OK)
        status = obs__gathered_write(gathered, txn, block, error);
    obs__gathered_free(gathered);
    return status;
}

static obs_status seal(obs__txn *txn, int64_t block, obs_error *error)
{
    static const char sql[] = "INSERT INTO block(id, objects, records, bytes) VALUES(?1, ?2, ?3, ?4)";
    sqlite3_stmt *statement;
    sums sums = {0};
    obs_status status = index_block(txn, block, 1, &sums, error);
    if (status == OBS_OK)
        status = obs__txn_statement(&statement, txn, sql, error);
    if (status != OBS_OK)
        return status;
    sqlite3_bind_int64(statement, 1, block);
    sqlite3_bind_int64(statement, 2, sums.objects);
    sqlite3_bind_int64(statement, 3, sums.records);
    sqlite3_bind_int64(statement, 4, sums.bytes);
    return obs__txn_run(txn, statement, error);
}

/* The number that a constant statement gives, with up to two numbers bound. */
static obs_status ask(int64_t *out, obs__txn *txn, const char *sql, int64_t first, int64_t second, obs_error *error)
{
    sqlite3_stmt *statement;
    obs_status status = obs__txn_statement(&statement, txn, sql, error);
    if (status != OBS_OK)
        return status;
    int parameters = sqlite3_bind_parameter_count(statement);
    if (parameters > 0)
        sqlite3_bind_int64(statement, 1, first);
    if (parameters > 1)
        sqlite3_bind_int64(statement, 2, second);
    int code = sqlite3_step(statement);
    if (code == SQLITE_ROW)
        *out = sqlite3_column_int64(statement, 0);
    else
        status = obs__sqlite_fail(error, obs__txn_database(txn), code, "cannot read the index of the catalog");
    sqlite3_reset(statement);
    return status;
}

obs_status obs__seal_after(obs__txn *txn, int64_t id, obs_error *error)
{
    static const char sql[] = "SELECT coalesce(max(id) + 1, 0) FROM block";
    int64_t next = 0;
    if (id % LOOK_EVERY || id < OBS__BLOCK_SIZE)
        return OBS_OK;
    obs_status status = ask(&next, txn, sql, 0, 0, error);
    for (; status == OBS_OK && next < id / OBS__BLOCK_SIZE; next++)
        status = seal(txn, next, error);
    return status;
}

static obs_status make_again(obs__txn *txn, int64_t block, obs_error *error)
{
    static const char clear[] = "DELETE FROM stale WHERE entry >= ?1 AND entry < ?2";
    sqlite3_stmt *statement;
    sums ignored = {0};
    obs_status status = index_block(txn, block, 0, &ignored, error);
    if (status == OBS_OK)
        status = obs__txn_statement(&statement, txn, clear, error);
    if (status != OBS_OK)
        return status;
    sqlite3_bind_int64(statement, 1, block * OBS__BLOCK_SIZE);
    sqlite3_bind_int64(statement, 2, (block + 1) * OBS__BLOCK_SIZE);
    return obs__txn_run(txn, statement, error);
}

static obs_status mark_stale(obs__txn *txn, int64_t id, obs_error *error)
{
    static const char mark[] = "INSERT INTO stale(entry) VALUES(?1) ON CONFLICT DO NOTHING";
    static const char count[] = "SELECT count(*) FROM stale WHERE entry >= ?1 AND entry < ?2";
    sqlite3_stmt *statement;
    int64_t many = 0, block = id / OBS__BLOCK_SIZE;
    obs_status status = obs__txn_statement(&statement, txn, mark, error);
    if (status != OBS_OK)
        return status;
    sqlite3_bind_int64(statement, 1, id);
    status = obs__txn_run(txn, statement, error);
    if (status == OBS_OK)
        status = ask(&many, txn, count, block * OBS__BLOCK_SIZE, (block + 1) * OBS__BLOCK_SIZE, error);
    return status == OBS_OK && many >= MOST_STALE ? make_again(txn, block, error) : status;
}

/* *sealed says whether the entry's block is indexed. */
static obs_status change_sums(int *sealed, obs__txn *txn, const obs__row *before, const obs__row *now, obs_error *error)
{
    static const char sql[] =
        "UPDATE block SET objects = objects + ?2, records = records + ?3, bytes = bytes + ?4 WHERE id = ?1";
    sqlite3_stmt *statement;
    sums change = {0};
    add_to_sums(&change, before, -1);
    if (now)
        add_to_sums(&change, now, 1);
    obs_status status = obs__txn_statement(&statement, txn, sql, error);
    if (status != OBS_OK)
        return status;
    sqlite3_bind_int64(statement, 1, before->id / OBS__BLOCK_SIZE);
    sqlite3_bind_int64(statement, 2, change.objects);
    sqlite3_bind_int64(statement, 3, change.records);
    sqlite3_bind_int64(statement, 4, change.bytes);
    status = obs__txn_run(txn, statement, error);
    *sealed = sqlite3_changes(obs__txn_database(txn)) > 0;
    return status;
}

obs_status obs__seal_changed(obs__txn *txn, const obs__row *before, const obs__row *now, obs_error *error)
{
    int sealed = 0;
    obs_status status = change_sums(&sealed, txn, before, now, error);
    if (status != OBS_OK || !sealed)
        return status;
    status = text_changed(txn, before, 1, error);
    if (status == OBS_OK && now)
        status = text_changed(txn, now, 0, error);
    return status == OBS_OK && now ? mark_stale(txn, before->id, error) : status;
}
