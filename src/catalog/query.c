/* The query language of <obs/catalog.h>: from text to conditions. */
#include "catalog/query.h"

#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/memory.h"

#define LONGEST_QUERY ((size_t)65536)

typedef struct parser {
    obs__query *query;
    const char *text;
    const char *at;
    const char *end;
    char *free_storage; /* the unescaped text is never longer than the query */
    obs_error *error;
} parser;

static int column_of(const parser *parser, const char *place)
{
    int column = 1;
    for (const char *at = parser->text; at < place; at++)
        column += ((unsigned char)*at & 0xC0) != 0x80;
    return column;
}

static obs_status fail_at(const parser *parser, const char *place, const char *message)
{
    obs_status status = obs__fail(parser->error, OBS_INVALID_ARGUMENT, "%s", message);
    obs__at(parser->error, 1, column_of(parser, place));
    return status;
}

static int is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* How long the operator here is: 0 when there is none. */
static size_t operator_at(const char *at, const char *end, obs__comparison *out)
{
    int equal = end - at > 1 && at[1] == '=';
    if (at == end)
        return 0;
    switch (*at) {
    case '=':
        *out = OBS__EQ;
        return 1;
    case '!':
        *out = OBS__NE;
        return equal ? 2 : 0;
    case '<':
        *out = equal ? OBS__LE : OBS__LT;
        return equal ? 2 : 1;
    case '>':
        *out = equal ? OBS__GE : OBS__GT;
        return equal ? 2 : 1;
    default:
        return 0;
    }
}

static obs_status read_quoted(parser *parser, obs__view *out)
{
    const char *start = parser->at++;
    char *to = parser->free_storage;
    out->data = to;
    for (; parser->at < parser->end && *parser->at != '"'; parser->at++) {
        if (*parser->at == '\\') {
            if (++parser->at == parser->end)
                break;
            if (*parser->at != '"' && *parser->at != '\\')
                return fail_at(parser, parser->at - 1, "inside quotes a backslash stands before a quote or another backslash");
        }
        *to++ = *parser->at;
    }
    if (parser->at == parser->end)
        return fail_at(parser, start, "this quote is never closed");
    parser->at++;
    out->size = (size_t)(to - out->data);
    *to = '\0';
    parser->free_storage = to + 1;
    return OBS_OK;
}

/* Up to a blank or an operator. */
static obs_status read_bare(parser *parser, obs__view *out)
{
    const char *start = parser->at;
    obs__comparison ignored;
    while (parser->at < parser->end && !is_blank(*parser->at) && !operator_at(parser->at, parser->end, &ignored)) {
        if (*parser->at == '"')
            return fail_at(parser, parser->at, "a quote stands at the beginning of a name or value, around all of it");
        parser->at++;
    }
    out->data = parser->free_storage;
    out->size = (size_t)(parser->at - start);
    memcpy(parser->free_storage, start, out->size);
    parser->free_storage[out->size] = '\0';
    parser->free_storage += out->size + 1;
    return OBS_OK;
}

static obs_status read_part(parser *parser, obs__view *out, int *quoted)
{
    *quoted = parser->at < parser->end && *parser->at == '"';
    return *quoted ? read_quoted(parser, out) : read_bare(parser, out);
}

static void take_star(obs__condition *condition)
{
    if (condition->text.size && condition->text.data[condition->text.size - 1] == '*') {
        condition->text.size--;
        condition->prefix = 1;
    }
}

/* Conditions that a word of the language brings along, for the index or instead of itself. */
static obs__condition *more_condition(parser *parser, const obs__condition *like)
{
    obs__query *query = parser->query;
    if (query->count == OBS__MOST_CONDITIONS)
        return NULL;
    obs__condition *condition = &query->conditions[query->count++];
    *condition = (obs__condition){.column = like->column, .comparison = OBS__EQ, .is_number = 1, .text = {"", 0}};
    return condition;
}

static obs_status fail_most(const parser *parser, const char *place)
{
    return fail_at(parser, place, "a query has at most 64 conditions (cone and during count as two)");
}

static obs_status take_cone(parser *parser, obs__condition *condition, const char *value)
{
    obs__cone *cone = &parser->query->cone;
    if (parser->query->has_cone)
        return fail_at(parser, value, "a query has one cone");
    const char *wrong = condition->comparison == OBS__EQ && !condition->prefix ? obs__cone_parse(cone, condition->text)
                                                                               : "a cone stands behind =, without *";
    if (wrong)
        return fail_at(parser, value, wrong);
    obs__condition *ra = more_condition(parser, condition);
    if (!ra)
        return fail_most(parser, value);
    parser->query->has_cone = 1;
    condition->name = obs__view_of("dec", OBS_TEXT);
    condition->within[0] = cone->dec;
    condition->within_count = 1;
    ra->name = obs__view_of("ra", OBS_TEXT);
    memcpy(ra->within, cone->ra, sizeof ra->within);
    ra->within_count = cone->arcs;
    return OBS_OK;
}

/* Observations that had begun before the end of the period and had not ended before it began. */
static obs_status take_during(parser *parser, obs__condition *condition, const char *value)
{
    double from, to;
    const char *wrong = condition->comparison == OBS__EQ && !condition->prefix ? obs__period_parse(&from, &to, condition->text)
                                                                               : "a period stands behind =, without *";
    if (wrong)
        return fail_at(parser, value, wrong);
    obs__condition *end = more_condition(parser, condition);
    if (!end)
        return fail_most(parser, value);
    condition->name = obs__view_of("mjd", OBS_TEXT);
    condition->comparison = OBS__LT;
    condition->number = to;
    condition->is_number = 1;
    condition->is_text = 0;
    end->name = obs__view_of("mjd_end", OBS_TEXT);
    end->comparison = OBS__GE;
    end->number = from;
    return OBS_OK;
}

/* A bare name of the entry's own fields means that field; in quotes it is a label or value. */
static obs_status take_own(parser *parser, obs__condition *condition, const char *value)
{
    static const char *const own[] = {OBS__OWN "key", OBS__OWN "kind", OBS__OWN "type", OBS__OWN "size", OBS__OWN "time"};
    size_t which = 0;
    if (obs__view_is(condition->name, "cone"))
        return take_cone(parser, condition, value);
    if (obs__view_is(condition->name, "during"))
        return take_during(parser, condition, value);
    while (which < 5 && !obs__view_is(condition->name, own[which] + 1))
        which++;
    if (which == 5)
        return OBS_OK;
    condition->name = obs__view_of(own[which], OBS_TEXT);
    if (which < 3) {
        condition->is_number = 0;
        return OBS_OK;
    }
    condition->is_text = 0;
    if (condition->prefix)
        return fail_at(parser, value, "size and time are compared with <, <=, >, >=, =, !=; they have no ending to leave open");
    if (which == 3)
        return condition->is_number ? OBS_OK
                                    : fail_at(parser, value, "size is compared with a number of bytes, as in size>1000000");
    int64_t ns = 0;
    condition->is_number = obs__time_parse(&ns, condition->text.data);
    if (!condition->is_number)
        return fail_at(parser, value, "this is no time: write 2026-11-20 or 2026-11-20T21:15:00Z");
    condition->number = (double)(ns / 1000 - (ns % 1000 < 0));
    return OBS_OK;
}

static obs_status read_value(parser *parser, obs__condition *condition, int name_quoted)
{
    int quoted;
    obs__comparison ignored;
    const char *start = parser->at;
    obs_status status = read_part(parser, &condition->text, &quoted);
    if (status != OBS_OK)
        return status;
    if (parser->at < parser->end && operator_at(parser->at, parser->end, &ignored))
        return fail_at(parser, parser->at,
                       parser->at == start ? "two operators stand together: write name=value"
                                           : "a value with an operator in it is written in quotes");
    if (parser->at < parser->end && !is_blank(*parser->at))
        return fail_at(parser, parser->at, "a blank is missing behind the quote");
    if (!quoted && !condition->text.size)
        return fail_at(parser, start, "a value is missing: write name=value without blanks, or name=\"\" for the empty text");
    condition->is_number = obs__catalog_number(&condition->number, condition->text, 1 << 20);
    if (!quoted && condition->comparison <= OBS__NE)
        take_star(condition);
    condition->is_number &= !condition->prefix;
    condition->is_text = 1;
    return name_quoted ? OBS_OK : take_own(parser, condition, start);
}

static obs_status read_condition(parser *parser)
{
    obs__query *query = parser->query;
    const char *start = parser->at;
    int quoted;
    obs__view part;
    if (query->count == OBS__MOST_CONDITIONS)
        return fail_at(parser, start, "a query has at most 64 conditions");
    obs__condition *condition = &query->conditions[query->count++];
    *condition = (obs__condition){.column = column_of(parser, start)};
    obs_status status = read_part(parser, &part, &quoted);
    if (status != OBS_OK)
        return status;
    size_t size = operator_at(parser->at, parser->end, &condition->comparison);
    if (size && !part.size)
        return fail_at(parser, start, "a name is missing before the operator: write name=value without blanks");
    if (size) {
        parser->at += size;
        condition->name = part;
        return read_value(parser, condition, quoted);
    }
    if (parser->at < parser->end && !is_blank(*parser->at))
        return fail_at(parser, parser->at, "a blank or an operator is missing behind the quote");
    condition->is_words = 1;
    condition->comparison = OBS__EQ;
    condition->text = part;
    query->words++;
    if (!quoted)
        take_star(condition);
    return OBS_OK;
}

obs_status obs__query_parse(obs__query *query, const char *text, obs_error *error)
{
    query->count = query->words = 0;
    query->storage = NULL;
    query->has_tokens = query->has_cone = 0;
    obs__builder_init(&query->tokens, 4 * LONGEST_QUERY);
    size_t size = text ? strnlen(text, LONGEST_QUERY + 1) : 0;
    if (size > LONGEST_QUERY)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "a query has at most %zu bytes", LONGEST_QUERY);
    if (!size)
        return OBS_OK;
    if (!obs__utf8_valid(text, size))
        return obs__fail(error, OBS_INVALID_ARGUMENT, "the query is not valid UTF-8");
    /* Each part takes its own bytes and one NUL; two parts stand at least one operator, blank or quote apart. */
    query->storage = obs__alloc(2 * size + 2);
    if (!query->storage)
        return obs__fail_memory(error);
    parser parser = {
        .query = query, .text = text, .at = text, .end = text + size, .free_storage = query->storage, .error = error};
    obs_status status = OBS_OK;
    while (status == OBS_OK) {
        while (parser.at < parser.end && is_blank(*parser.at))
            parser.at++;
        if (parser.at == parser.end)
            return OBS_OK;
        status = read_condition(&parser);
    }
    obs__query_free(query);
    return status;
}

void obs__query_free(obs__query *query)
{
    obs__free(query->storage);
    query->storage = NULL;
    obs__builder_free(&query->tokens);
    query->count = query->words = 0;
}

static obs_status split(obs__query *query, obs__condition *condition, obs__words *words, obs_error *error)
{
    size_t count = 0, start = query->tokens.size;
    obs_status status = obs__words_split(&query->tokens, &count, words, condition->text, error);
    if (status != OBS_OK)
        return status;
    if (!count) {
        status = obs__fail(error, OBS_INVALID_ARGUMENT, "there is no word to look for: words are made of letters and digits");
        obs__at(error, 1, condition->column);
        return status;
    }
    /* With an open ending the last token needs no end. */
    condition->tokens.size = query->tokens.size - start - (size_t)condition->prefix;
    return OBS_OK;
}

obs_status obs__query_tokens(obs__query *query, obs__words *words, obs_error *error)
{
    size_t before = 0;
    if (query->has_tokens)
        return OBS_OK;
    obs__builder_clear(&query->tokens);
    for (size_t i = 0; i < query->count; i++) {
        obs_status status = query->conditions[i].is_words ? split(query, &query->conditions[i], words, error) : OBS_OK;
        if (status != OBS_OK)
            return status;
    }
    for (size_t i = 0; i < query->count; i++) { /* only now the bytes do not move any more */
        obs__condition *condition = &query->conditions[i];
        if (!condition->is_words)
            continue;
        condition->tokens.data = query->tokens.data + before;
        before += condition->tokens.size + (size_t)condition->prefix;
    }
    query->has_tokens = 1;
    return OBS_OK;
}
