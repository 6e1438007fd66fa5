/* What the index knows about one query. */
#include "catalog/source.h"

#include <string.h>

#include "base/error.h"
#include "catalog/gather.h"

#define BEYOND INT64_MAX
#define STEPS_BEFORE_SEEK 64
#define FEW 8 /* entries that are sooner looked at than looked up in the full text */

static obs_status step(obs__source *source, sqlite3 *database, int64_t mask, obs_error *error)
{
    int code = sqlite3_step(source->statement);
    if (code == SQLITE_ROW) {
        source->at = sqlite3_column_int64(source->statement, 0) & mask;
        return OBS_OK;
    }
    source->at = BEYOND;
    return code == SQLITE_DONE ? OBS_OK : obs__sqlite_fail(error, database, code, "cannot search the catalog");
}

/* A column's id ends in the block. */
static obs_status column_to(obs__source *source, sqlite3 *database, int64_t block, obs_error *error)
{
    obs_status status = OBS_OK;
    while (status == OBS_OK && source->at < block)
        status = step(source, database, UINT32_MAX, error);
    return status;
}

/* A list of entry numbers: `at` is a number here. */
static obs_status list_to(obs__source *source, sqlite3 *database, int64_t id, obs_error *error)
{
    obs_status status = OBS_OK;
    while (status == OBS_OK && source->at < id)
        status = step(source, database, INT64_MAX, error);
    return status;
}

static obs_status open_column(obs__source *source, obs__snapshot *snapshot, int64_t field, int is_text, int64_t block,
                              obs_error *error)
{
    static const char sql[] = "SELECT id, data FROM entry_column WHERE id >= ?1 AND id < ?2 ORDER BY id";
    obs_status status = obs__snapshot_prepare(&source->statement, snapshot, sql, error);
    if (status != OBS_OK)
        return status;
    sqlite3_bind_int64(source->statement, 1, obs__column_id(field, is_text, block));
    sqlite3_bind_int64(source->statement, 2, obs__column_id(field, is_text, 0) + (INT64_C(1) << 32));
    return step(source, obs__snapshot_database(snapshot), UINT32_MAX, error);
}

static obs_status find_field(int64_t *out, obs__snapshot *snapshot, obs__view name, obs_error *error)
{
    static const char sql[] = "SELECT id FROM field WHERE name = ?1";
    sqlite3_stmt *statement;
    obs_status status = obs__snapshot_statement(&statement, snapshot, sql, error);
    if (status != OBS_OK)
        return status;
    obs__bind_blob(statement, 1, name);
    int code = sqlite3_step(statement);
    *out = code == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        status = obs__sqlite_fail(error, obs__snapshot_database(snapshot), code, "cannot search the catalog");
    sqlite3_reset(statement);
    return status;
}

static obs_status open_columns(obs__source columns[2], const obs__condition *condition, obs__snapshot *snapshot, int64_t block,
                               obs_error *error)
{
    int64_t field = 0;
    obs_status status = find_field(&field, snapshot, condition->name, error);
    for (int is_text = 0; field && is_text < 2 && status == OBS_OK; is_text++)
        status = open_column(&columns[is_text], snapshot, field, is_text, block, error);
    return status;
}

/* Each phrase in quotes, so that nothing in it is an operator of FTS5. */
static void add_phrase(obs__builder *out, const obs__condition *condition)
{
    obs__add_char(out, '"');
    for (size_t i = 0; i < condition->text.size; i++) {
        if (condition->text.data[i] == '"')
            obs__add_char(out, '"');
        obs__add_char(out, condition->text.data[i]);
    }
    obs__add_text(out, condition->prefix ? "\" * " : "\" ");
}

static obs_status open_words(obs__sources *sources, obs__snapshot *snapshot, int64_t block, obs_error *error)
{
    static const char sql[] = "SELECT rowid FROM entry_text WHERE entry_text MATCH ?1 AND rowid >= ?2 ORDER BY rowid";
    obs__builder match;
    obs__builder_init(&match, (size_t)1 << 20);
    for (size_t i = 0; i < sources->query->count; i++)
        if (sources->query->conditions[i].is_words)
            add_phrase(&match, &sources->query->conditions[i]);
    obs_status status = obs__builder_status(&match, error);
    if (status == OBS_OK)
        status = obs__snapshot_prepare(&sources->words.statement, snapshot, sql, error);
    if (status == OBS_OK) {
        int code = sqlite3_bind_text64(sources->words.statement, 1, match.data, match.size, SQLITE_TRANSIENT, SQLITE_UTF8);
        if (code != SQLITE_OK)
            status = obs__sqlite_fail(error, sources->database, code, "cannot search");
    }
    if (status == OBS_OK) {
        sqlite3_bind_int64(sources->words.statement, 2, block * OBS__BLOCK_SIZE);
        status = step(&sources->words, sources->database, INT64_MAX, error);
    }
    obs__builder_free(&match);
    return status;
}

obs_status obs__sources_open(obs__sources *sources, const obs__query *query, obs__snapshot *snapshot, int64_t block,
                             obs_error *error)
{
    static const char stale[] = "SELECT entry FROM stale WHERE entry >= ?1 ORDER BY entry";
    memset(sources, 0, sizeof *sources);
    sources->query = query;
    sources->database = obs__snapshot_database(snapshot);
    sources->words.at = BEYOND;
    for (size_t i = 0; i < query->count; i++)
        sources->columns[i][0].at = sources->columns[i][1].at = BEYOND;
    obs_status status = obs__snapshot_prepare(&sources->stale.statement, snapshot, stale, error);
    if (status == OBS_OK) {
        sqlite3_bind_int64(sources->stale.statement, 1, block * OBS__BLOCK_SIZE);
        status = step(&sources->stale, sources->database, INT64_MAX, error);
    }
    for (size_t i = 0; i < query->count && status == OBS_OK; i++)
        if (!query->conditions[i].is_words)
            status = open_columns(sources->columns[i], &query->conditions[i], snapshot, block, error);
    return status == OBS_OK && query->words ? open_words(sources, snapshot, block, error) : status;
}

void obs__sources_close(obs__sources *sources)
{
    for (size_t i = 0; i < sources->query->count; i++)
        for (int is_text = 0; is_text < 2; is_text++)
            sqlite3_finalize(sources->columns[i][is_text].statement);
    sqlite3_finalize(sources->words.statement);
    sqlite3_finalize(sources->stale.statement);
}

/* The words of a block are only looked at when the columns leave many entries: a common word has long lists, which are
 * skipped by asking anew from here on. */
static obs_status words_to(obs__sources *sources, int64_t id, obs_error *error)
{
    obs__source *words = &sources->words;
    obs_status status = OBS_OK;
    for (int i = 0; status == OBS_OK && words->at < id; i++) {
        if (i == STEPS_BEFORE_SEEK) {
            sqlite3_reset(words->statement);
            sqlite3_bind_int64(words->statement, 2, id);
        }
        status = step(words, sources->database, INT64_MAX, error);
    }
    return status;
}

static obs_status advance(obs__sources *sources, int64_t block, obs_error *error)
{
    obs_status status = list_to(&sources->stale, sources->database, block * OBS__BLOCK_SIZE, error);
    for (size_t i = 0; i < sources->query->count && status == OBS_OK; i++)
        for (int is_text = 0; is_text < 2 && status == OBS_OK; is_text++)
            status = column_to(&sources->columns[i][is_text], sources->database, block, error);
    return status;
}

/* The first block, from where the sources stand, that none of them rules out. */
static int64_t first_possible(const obs__sources *sources, int64_t block)
{
    int64_t possible = block;
    for (size_t i = 0; i < sources->query->count; i++) {
        const obs__source *columns = sources->columns[i];
        const obs__condition *condition = &sources->query->conditions[i];
        if (condition->is_words || condition->comparison == OBS__NE)
            continue;
        int64_t at = columns[0].at < columns[1].at ? columns[0].at : columns[1].at;
        possible = at > possible ? at : possible;
    }
    int64_t words = sources->words.at == BEYOND ? BEYOND : sources->words.at / OBS__BLOCK_SIZE;
    if (sources->query->words && words > possible)
        possible = words;
    int64_t stale = sources->stale.at == BEYOND ? BEYOND : sources->stale.at / OBS__BLOCK_SIZE;
    return stale < possible ? stale : possible;
}

static void match_columns(uint64_t *set, const obs__source columns[2], const obs__condition *condition, int64_t block)
{
    uint64_t found[OBS__BLOCK_WORDS] = {0};
    int exclude = condition->comparison == OBS__NE;
    for (int is_text = 0; is_text < 2; is_text++)
        if (columns[is_text].at == block)
            obs__column_match(found, obs__column_view(columns[is_text].statement, 1), condition, is_text, exclude);
    for (size_t i = 0; i < OBS__BLOCK_WORDS; i++)
        set[i] &= exclude ? ~found[i] : found[i];
}

/* The numbers of a list that lie in this block. */
static obs_status take_list(uint64_t *set, obs__source *list, sqlite3 *database, int64_t block, obs_error *error)
{
    obs_status status = OBS_OK;
    while (status == OBS_OK && list->at < (block + 1) * OBS__BLOCK_SIZE) {
        set[list->at % OBS__BLOCK_SIZE >> 6] |= UINT64_C(1) << (list->at & 63);
        status = step(list, database, INT64_MAX, error);
    }
    return status;
}

static obs_status match_words(uint64_t *set, obs__sources *sources, int64_t block, obs_error *error)
{
    uint64_t listed[OBS__BLOCK_WORDS] = {0};
    obs_status status = words_to(sources, block * OBS__BLOCK_SIZE, error);
    if (status == OBS_OK)
        status = take_list(listed, &sources->words, sources->database, block, error);
    for (size_t i = 0; i < OBS__BLOCK_WORDS; i++)
        set[i] &= listed[i];
    return status;
}

static int count_bits(const uint64_t *set)
{
    int count = 0;
    for (size_t i = 0; i < OBS__BLOCK_WORDS; i++)
        count += __builtin_popcountll(set[i]);
    return count;
}

obs_status obs__sources_next(int64_t *block, uint64_t set[OBS__BLOCK_WORDS], obs__sources *sources, obs_error *error)
{
    obs_status status = advance(sources, *block, error);
    if (status != OBS_OK)
        return status;
    int64_t possible = first_possible(sources, *block);
    memset(set, 0, OBS__BLOCK_WORDS * sizeof *set);
    if (possible > *block) { /* the caller comes again if that is a block at all */
        *block = possible;
        return OBS_OK;
    }
    memset(set, 0xFF, OBS__BLOCK_WORDS * sizeof *set);
    for (size_t i = 0; i < sources->query->count; i++)
        if (!sources->query->conditions[i].is_words)
            match_columns(set, sources->columns[i], &sources->query->conditions[i], *block);
    if (sources->query->words && count_bits(set) > FEW)
        status = match_words(set, sources, *block, error);
    return status == OBS_OK ? take_list(set, &sources->stale, sources->database, *block, error) : status;
}
