/* An export's tables, as JSON lines. */
#include <string.h>

#include "base/error.h"
#include "client/export.h"

#define PAGE 256

/* What a public question answers, row by row. Frees the rows. */
static obs_status write_rows(obs__export *export, const char *name, obs_rows *rows, obs_error *error)
{
    obs__export_file file;
    const char *text = "";
    size_t size;
    obs_status status = obs__export_open(&file, export, name, error);
    while (status == OBS_OK && (status = obs_rows_next(rows, &text, &size, error)) == OBS_OK && text) {
        status = obs__export_line(&file, text, size, error);
        if (status == OBS_OK)
            status = obs__limit_check(export->limit, error);
    }
    obs_rows_free(rows);
    return obs__export_finish(&file, status, error);
}

/* A table that is read page by page, by its number. */
struct table {
    const char *file;
    const char *sql; /* number, text, then what `line` needs; of numbers above ?1 */
    void (*line)(obs__builder *out, sqlite3_stmt *row);
};

static void add_text_member(obs__builder *out, const char *name, sqlite3_stmt *row, int column)
{
    const char *text = (const char *)sqlite3_column_text(row, column);
    obs__add_json(out, name, strlen(name));
    obs__add_char(out, ':');
    obs__add_json(out, text ? text : "", (size_t)sqlite3_column_bytes(row, column));
    obs__add_char(out, ',');
}

static void add_record(obs__builder *out, sqlite3_stmt *row)
{
    char time[OBS__TIME_SIZE];
    obs__time_format(time, sqlite3_column_int64(row, 5));
    obs__add_char(out, '{');
    add_text_member(out, "key", row, 2);
    add_text_member(out, "definition", row, 3);
    obs__add_json_integer(out, "version", sqlite3_column_int64(row, 4));
    obs__add_json_member(out, "time", time);
    obs__add_text(out, "\"record\":");
    obs__add(out, sqlite3_column_blob(row, 1), (size_t)sqlite3_column_bytes(row, 1));
    obs__add_char(out, '}');
}

static void add_event(obs__builder *out, sqlite3_stmt *row)
{
    obs__add(out, sqlite3_column_blob(row, 1), (size_t)sqlite3_column_bytes(row, 1));
}

static obs_status write_page(obs__export_file *file, const struct table *table, sqlite3_stmt *row, sqlite3 *database,
                             int64_t *last, int *count, obs_error *error)
{
    obs__builder line;
    obs_status status = OBS_OK;
    int code = SQLITE_ROW;
    obs__builder_init(&line, (size_t)64 << 20);
    for (*count = 0; status == OBS_OK && (code = sqlite3_step(row)) == SQLITE_ROW; ++*count) {
        *last = sqlite3_column_int64(row, 0);
        obs__builder_clear(&line);
        table->line(&line, row);
        status = obs__builder_status(&line, error);
        if (status == OBS_OK)
            status = obs__export_line(file, line.data, line.size, error);
    }
    if (status == OBS_OK && code != SQLITE_DONE)
        status = obs__sqlite_fail(error, database, code, "cannot read a table of the tenant");
    obs__builder_free(&line);
    return status;
}

/* In one snapshot: the table is of one moment. */
static obs_status write_table(obs__export *export, const struct table *table, obs_error *error)
{
    obs__export_file file;
    obs__snapshot *snapshot;
    sqlite3_stmt *row;
    int64_t last = 0;
    int count = PAGE;
    obs_status status = obs__export_open(&file, export, table->file, error);
    if (status != OBS_OK)
        return obs__export_finish(&file, status, error);
    status = obs__snapshot_begin(&snapshot, export->client->gate->gate.journal, error);
    if (status != OBS_OK)
        return obs__export_finish(&file, status, error);
    while (status == OBS_OK && count == PAGE) {
        status = obs__limit_check(export->limit, error);
        if (status == OBS_OK)
            status = obs__snapshot_statement(&row, snapshot, table->sql, error);
        if (status != OBS_OK)
            break;
        sqlite3_bind_int64(row, 1, last);
        status = write_page(&file, table, row, obs__snapshot_database(snapshot), &last, &count, error);
        sqlite3_reset(row);
    }
    obs__snapshot_end(snapshot);
    return obs__export_finish(&file, status, error);
}

static const struct table tables[] = {
    {"records.jsonl",
     "SELECT id, data, CAST(key AS TEXT), definition, version, time_ns FROM record WHERE id > ?1 ORDER BY id LIMIT 256",
     add_record},
    {"events.jsonl", "SELECT sequence, CAST(json AS BLOB) FROM event WHERE sequence > ?1 ORDER BY sequence LIMIT 256",
     add_event},
};

obs_status obs__export_tables(obs__export *export, obs_error *error)
{
    obs_rows *rows = NULL;
    obs_client *client = export->client;
    const obs_call call = {.size = sizeof call, .timeout_ms = -1, .cancel = export->limit->cancel};
    const obs_search_options search = {.size = sizeof search, .call = &call};
    const obs_ingest_log_options log = {.size = sizeof log, .call = &call};
    const obs_audit_options audit = {.size = sizeof audit, .call = &call};
    obs_status status = obs_catalog_search(&rows, obs_client_catalog(client), "", &search, error);
    if (status == OBS_OK)
        status = write_rows(export, "entries.jsonl", rows, error);
    for (size_t i = 0; i < sizeof tables / sizeof tables[0] && status == OBS_OK; i++)
        status = write_table(export, &tables[i], error);
    if (status == OBS_OK && (status = obs_ingest_definitions(&rows, client, &call, error)) == OBS_OK)
        status = write_rows(export, "definitions.jsonl", rows, error);
    if (status == OBS_OK && (status = obs_ingest_log(&rows, client, &log, error)) == OBS_OK)
        status = write_rows(export, "ingest.jsonl", rows, error);
    if (status == OBS_OK && (status = obs_audit_query(&rows, obs_client_audit(client), &audit, error)) == OBS_OK)
        status = write_rows(export, "audit.jsonl", rows, error);
    return status;
}
