/*
 * Full text by hand, exactly as FTS5 does it: with its own tokenizer, which SQLite hands out by pointer
 * (sqlite.org/fts5.html, section 7).
 */
#include "catalog/words.h"

#include <string.h>

#include "base/error.h"
#include "base/memory.h"

#define LONGEST_TEXT ((size_t)16 << 20)

struct obs__words {
    fts5_tokenizer tokenizer;
    Fts5Tokenizer *instance;
    obs__builder text; /* of an entry, kept for the next one */
    obs__builder tokens;
};

static fts5_api *find_fts5(sqlite3 *database)
{
    fts5_api *api = NULL;
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(database, "SELECT fts5(?1)", -1, &statement, NULL) == SQLITE_OK) {
        sqlite3_bind_pointer(statement, 1, &api, "fts5_api_ptr", NULL);
        sqlite3_step(statement);
    }
    sqlite3_finalize(statement);
    return api;
}

obs_status obs__words_open(obs__words **out, sqlite3 *database, obs_error *error)
{
    /* The same as in the schema. */
    static const char *arguments[] = {"remove_diacritics", "2"};
    void *user = NULL;
    *out = NULL;
    fts5_api *api = find_fts5(database);
    if (!api)
        return obs__fail(error, OBS_UNIMPLEMENTED, "this SQLite was built without full text search (FTS5)");
    obs__words *words = obs__calloc(1, sizeof *words);
    if (!words)
        return obs__fail_memory(error);
    obs__builder_init(&words->text, LONGEST_TEXT);
    obs__builder_init(&words->tokens, 2 * LONGEST_TEXT);
    if (api->xFindTokenizer(api, "unicode61", &user, &words->tokenizer) != SQLITE_OK ||
        words->tokenizer.xCreate(user, arguments, 2, &words->instance) != SQLITE_OK) {
        obs__words_free(words);
        return obs__fail_memory(error);
    }
    *out = words;
    return OBS_OK;
}

void obs__words_free(obs__words *words)
{
    if (!words)
        return;
    if (words->instance)
        words->tokenizer.xDelete(words->instance);
    obs__builder_free(&words->text);
    obs__builder_free(&words->tokens);
    obs__free(words);
}

typedef struct tokens {
    obs__builder *out;
    size_t count;
} tokens;

static int add_token(void *context, int flags, const char *token, int size, int start, int end)
{
    (void)flags, (void)start, (void)end;
    tokens *to = context;
    if (!to->count++)
        obs__add_char(to->out, OBS__TOKEN_END);
    obs__add(to->out, token, (size_t)size);
    obs__add_char(to->out, OBS__TOKEN_END);
    return to->out->failed ? SQLITE_NOMEM : SQLITE_OK;
}

obs_status obs__words_split(obs__builder *out, size_t *count, obs__words *words, obs__view text, obs_error *error)
{
    tokens to = {.out = out};
    if (words->tokenizer.xTokenize(words->instance, &to, FTS5_TOKENIZE_DOCUMENT, text.data, (int)text.size, add_token) !=
        SQLITE_OK)
        return out->failed ? obs__builder_status(out, error) : obs__fail_memory(error);
    *count = to.count;
    return OBS_OK;
}

static void add_line(obs__builder *out, obs__view text)
{
    size_t start = out->size;
    obs__add(out, text.data, text.size);
    obs__add_char(out, '\n');
    if (out->failed)
        return;
    /* FTS5 may take a NUL for the end of a text. */
    for (char *at = out->data + start; (at = memchr(at, '\0', (size_t)(out->data + out->size - at))); at++)
        *at = '\n';
}

obs_status obs__words_of(obs__builder *out, const obs__row *row, obs_error *error)
{
    obs__points points;
    obs__point point;
    add_line(out, row->key);
    for (obs__points_begin(&points, row); obs__points_next(&points, &point);) {
        int own = *point.name.data == *OBS__OWN;
        if (point.is_text && !own) {
            obs__add(out, point.name.data, points.in_values ? 0 : point.name.size);
            obs__add_char(out, ' ');
            add_line(out, point.text);
        }
    }
    int failed = points.failed;
    obs__points_free(&points);
    return failed ? obs__fail_memory(error) : obs__builder_status(out, error);
}

obs_status obs__words_in(int *out, obs__words *words, obs__view tokens, const obs__row *row, obs_error *error)
{
    size_t count = 0;
    *out = 0;
    obs__builder_clear(&words->text);
    obs__builder_clear(&words->tokens);
    obs_status status = obs__words_of(&words->text, row, error);
    if (status == OBS_OK)
        status = obs__words_split(&words->tokens, &count, words, (obs__view){words->text.data, words->text.size}, error);
    if (status == OBS_OK && count)
        *out = memmem(words->tokens.data, words->tokens.size, tokens.data, tokens.size) != NULL;
    return status;
}
