/* The ingestion log: one line for each item that came in, accepted or refused. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/memory.h"
#include "catalog/catalog.h"
#include "catalog/paged.h"
#include "catalog/row.h"

#define MOST_EXCERPT 4096
#define MOST_BYTES ((size_t)1 << 20)

/* ---- Writing ---- */

typedef struct line_effect {
    obs__effect effect;
    int64_t time_ns;
    int accepted;
    uint64_t bytes;
    obs__builder data;
    obs__view texts[6]; /* reason, table, key, origin, trace, excerpt */
} line_effect;

static obs_status apply_line(obs__effect *effect, obs__txn *txn, obs_error *error)
{
    static const char sql[] =
        "INSERT INTO ingest_log(time_ns, accepted, bytes, reason, item_table, key, origin, trace, excerpt)"
        " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    line_effect *line = (line_effect *)effect;
    sqlite3_stmt *statement;
    obs_status status = obs__txn_statement(&statement, txn, sql, error);
    if (status != OBS_OK)
        return status;
    sqlite3_bind_int64(statement, 1, line->time_ns);
    sqlite3_bind_int(statement, 2, line->accepted);
    sqlite3_bind_int64(statement, 3, (int64_t)line->bytes);
    obs__bind_text(statement, 4, line->texts[0]);
    obs__bind_text(statement, 5, line->texts[1]);
    obs__bind_blob(statement, 6, line->texts[2]);
    obs__bind_text(statement, 7, line->texts[3]);
    obs__bind_text(statement, 8, line->texts[4]);
    if (line->texts[5].size) /* else NULL: accepted data is stored elsewhere */
        obs__bind_blob(statement, 9, line->texts[5]);
    return obs__txn_run(txn, statement, error);
}

static void free_line(obs__effect *effect)
{
    line_effect *line = (line_effect *)effect;
    obs__builder_free(&line->data);
    obs__free(line);
}

static const obs__effect_ops line_ops = {.apply = apply_line, .free = free_line, .repeatable = 1};

static obs_status keep_texts(line_effect *effect, const obs__ingest_line *line, obs_error *error)
{
    obs__view texts[] = {obs__view_of(line->reason, OBS_TEXT), obs__view_of(line->table, OBS_TEXT), line->key,
                         obs__view_of(line->origin, OBS_TEXT), obs__view_of(line->trace, OBS_TEXT), line->excerpt};
    if (texts[5].size > MOST_EXCERPT)
        texts[5].size = MOST_EXCERPT;
    for (size_t i = 0; i < 6; i++)
        obs__add(&effect->data, texts[i].data, texts[i].size);
    const char *at = effect->data.data;
    for (size_t i = 0; i < 6; at += at ? texts[i].size : 0, i++)
        effect->texts[i] = (obs__view){at, at ? texts[i].size : 0};
    return obs__builder_status(&effect->data, error);
}

obs_status obs__ingest_line_effect(obs__effects *effects, const obs__ingest_line *line, obs_error *error)
{
    line_effect *effect = obs__calloc(1, sizeof *effect);
    if (!effect)
        return obs__fail_memory(error);
    effect->effect.ops = &line_ops;
    effect->time_ns = line->time_ns;
    effect->accepted = strcmp(line->result, "accepted") == 0;
    effect->bytes = line->bytes;
    obs__builder_init(&effect->data, MOST_BYTES);
    obs_status status = keep_texts(effect, line, error);
    if (status == OBS_OK)
        obs__effects_add(effects, &effect->effect);
    else
        free_line(&effect->effect);
    return status;
}

/* ---- Reading ---- */

typedef struct log_rows {
    obs__paged paged;
    char *table;  /* or NULL: all */
    int accepted; /* 1, 0, or -1: both */
    char *origin; /* `site:<name>`, or NULL: all */
} log_rows;

static void add_text(obs__builder *out, const char *name, obs__view text)
{
    obs__add_char(out, '"');
    obs__add_text(out, name);
    obs__add_text(out, "\":");
    obs__add_json(out, text.data, text.size);
    obs__add_char(out, ',');
}

/* What was refused may be anything, so what is not plain text in it is shown as escapes. */
static void add_excerpt(obs__builder *out, obs__view bytes)
{
    obs__builder shown;
    size_t room = 16 * bytes.size + 1;
    obs__builder_init(&shown, room + 1);
    char *to = obs__builder_room(&shown, room);
    if (to) {
        obs__escape_display(to, room, bytes.data, bytes.size);
        add_text(out, "excerpt", obs__view_of(to, OBS_TEXT));
    } else
        out->failed = 1;
    obs__builder_free(&shown);
}

static void add_line(obs__builder *out, sqlite3_stmt *statement, const char *tenant)
{
    char time[OBS__TIME_SIZE];
    obs__time_format(time, sqlite3_column_int64(statement, 1));
    obs__add_char(out, '{');
    obs__add_json_member(out, "time", time);
    obs__add_json_member(out, "tenant", tenant);
    obs__add_json_member(out, "result", sqlite3_column_int(statement, 2) ? "accepted" : "refused");
    add_text(out, "reason", obs__column_view(statement, 3));
    add_text(out, "table", obs__column_view(statement, 4));
    add_text(out, "key", obs__column_view(statement, 5));
    obs__add_json_integer(out, "bytes", sqlite3_column_int64(statement, 6));
    add_text(out, "origin", obs__column_view(statement, 7));
    add_text(out, "trace", obs__column_view(statement, 8));
    if (sqlite3_column_type(statement, 9) != SQLITE_NULL)
        add_excerpt(out, obs__column_view(statement, 9));
    obs__add_json_end(out);
}

/* What a relay brought has the origin `site:<name>`, and behind a blank what it was at the site. */
static int is_from(const char *wanted, obs__view origin)
{
    obs__view begin = obs__view_of(wanted, OBS_TEXT);
    return obs__starts_with(origin, begin) && (origin.size == begin.size || origin.data[begin.size] == ' ');
}

static int is_wanted(const log_rows *rows, sqlite3_stmt *statement)
{
    if (rows->origin && !is_from(rows->origin, obs__column_view(statement, 7)))
        return 0;
    return (rows->accepted < 0 || sqlite3_column_int(statement, 2) == rows->accepted) &&
           (!rows->table || obs__view_is(obs__column_view(statement, 4), rows->table));
}

static obs_status read_lines(log_rows *rows, sqlite3_stmt *statement, sqlite3 *database, const obs__limit *limit,
                             obs_error *error)
{
    obs__page *page = &rows->paged.page;
    int64_t end_ns = obs__monotonic_ns() + OBS__SNAPSHOT_NS;
    obs_status status = OBS_OK;
    int code = SQLITE_ROW, full = 0;
    for (unsigned i = 0; status == OBS_OK && !full && (code = sqlite3_step(statement)) == SQLITE_ROW; i++) {
        page->next_id = sqlite3_column_int64(statement, 0) + 1;
        if (is_wanted(rows, statement)) {
            add_line(&page->text, statement, rows->paged.gate->tenant);
            full = obs__page_add(page, page->next_id - 1);
        }
        if (i % 64 == 0) {
            full |= obs__monotonic_ns() > end_ns;
            status = obs__limit_check(limit, error);
        }
    }
    if (status == OBS_OK && code != SQLITE_ROW && code != SQLITE_DONE)
        status = obs__sqlite_fail(error, database, code, "cannot read the ingestion log");
    page->ended = code == SQLITE_DONE;
    return status;
}

#define LINE_COLUMNS "id, time_ns, accepted, reason, item_table, key, bytes, origin, trace, excerpt"

static obs_status scan(obs__paged *paged, const obs__limit *limit, obs_error *error)
{
    static const char all[] = "SELECT " LINE_COLUMNS " FROM ingest_log WHERE id >= ?1 ORDER BY id";
    static const char refused[] = "SELECT " LINE_COLUMNS " FROM ingest_log WHERE accepted = 0 AND id >= ?1 ORDER BY id";
    log_rows *rows = (log_rows *)paged;
    obs__snapshot *snapshot;
    sqlite3_stmt *statement;
    obs_status status = obs__snapshot_begin(&snapshot, paged->gate->journal, error);
    if (status != OBS_OK)
        return status;
    status = obs__snapshot_statement(&statement, snapshot, rows->accepted == 0 ? refused : all, error);
    if (status == OBS_OK) {
        sqlite3_bind_int64(statement, 1, paged->page.next_id);
        status = read_lines(rows, statement, obs__snapshot_database(snapshot), limit, error);
        sqlite3_reset(statement);
    }
    obs__snapshot_end(snapshot);
    return status;
}

static void done(obs__paged *paged)
{
    obs__free(((log_rows *)paged)->table);
    obs__free(((log_rows *)paged)->origin);
}

static obs_status take_options(log_rows *rows, const obs_ingest_log_options *options, obs_error *error)
{
    rows->accepted = -1;
    if (options->result && strcmp(options->result, "accepted") != 0 && strcmp(options->result, "refused") != 0)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "the result is 'accepted' or 'refused', not '%.40s'", options->result);
    if (options->result)
        rows->accepted = *options->result == 'a';
    if (options->table) {
        rows->table = obs__strdup(options->table);
        if (!rows->table)
            return obs__fail_memory(error);
    }
    if (options->site) {
        size_t size = strlen(options->site) + sizeof "site:";
        rows->origin = obs__alloc(size);
        if (!rows->origin)
            return obs__fail_memory(error);
        snprintf(rows->origin, size, "site:%s", options->site);
    }
    return OBS_OK;
}

obs_status obs__ingest_log_rows(obs_rows **out, obs__gate *gate, const obs_ingest_log_options *options, obs_error *error)
{
    obs_ingest_log_options wanted = {.size = sizeof wanted};
    *out = NULL;
    if (options)
        memcpy(&wanted, options, options->size < sizeof wanted ? options->size : sizeof wanted);
    log_rows *rows = obs__calloc(1, sizeof *rows);
    if (!rows)
        return obs__fail_memory(error);
    rows->paged.scan = scan;
    rows->paged.done = done;
    obs__limit limit = obs__limit_of(wanted.call);
    obs_status status = obs__paged_begin(&rows->paged, gate, 'l', wanted.after, wanted.limit, error);
    if (status == OBS_OK)
        status = take_options(rows, &wanted, error);
    if (status == OBS_OK)
        status = obs__paged_first(&rows->paged, &limit, error);
    if (status == OBS_OK)
        *out = &rows->paged.rows;
    else
        obs__paged_free(&rows->paged);
    return status;
}
