/*
 * The first line as a query, the rest as the labels and values of an entry: every failure has a sentence and a column inside
 * the query, a column never leaves out an entry that fits, and damaged columns are survived.
 */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "catalog/column.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int right)
{
    if (!right)
        abort();
}

static int is_set(const uint64_t *set, size_t place)
{
    return set[place >> 6] >> (place & 63) & 1;
}

/* A column of a single point: it may only be asked what the point itself would answer. */
static void check_column(const obs__condition *condition, const obs__point *point)
{
    obs__builder column;
    uint64_t may[OBS__BLOCK_WORDS] = {0}, sure[OBS__BLOCK_WORDS] = {0};
    int is_text = !point->is_number;
    obs__item item = {.place = 7, .number = point->number, .text = point->text};
    obs__builder_init(&column, (size_t)1 << 20);
    if (obs__column_encode(&column, &item, 1, is_text, NULL) == OBS_OK) {
        obs__view bytes = {column.data, column.size};
        obs__column_match(may, bytes, condition, is_text, 0);
        obs__column_match(sure, bytes, condition, is_text, 1);
        int meets = obs__condition_meets(condition, point);
        must(!meets || is_set(may, 7));
        must(meets || !is_set(sure, 7));
    }
    obs__builder_free(&column);
}

static int is_own(obs__view name)
{
    return name.size && *name.data == *OBS__OWN;
}

static void check_row(const obs__query *query, const char *text, size_t size)
{
    obs__row row = {.key = {"a/b", 3}, .kind = {"object", 6}, .type = {"", 0}, .labels = {"", 0}, .values = {text, size}};
    for (size_t i = 0; i < query->count; i++) {
        obs__points points;
        obs__point point;
        uint64_t set[OBS__BLOCK_WORDS] = {0};
        obs__column_match(set, (obs__view){text, size}, &query->conditions[i], i & 1, 0); /* bytes that are no column */
        obs__points_begin(&points, &row);
        while (!query->conditions[i].is_words && obs__points_next(&points, &point))
            if (is_own(query->conditions[i].name) == is_own(point.name)) /* own texts are never numbers, too */
                check_column(&query->conditions[i], &point);
        obs__points_free(&points);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *end = memchr(data, '\n', size);
    size_t line = end ? (size_t)(end - data) : size;
    char *text = obs__memdup(data, line);
    obs__query *query = obs__calloc(1, sizeof *query);
    obs_error error;
    obs_error_init(&error, sizeof error);
    if (text && query && obs__query_parse(query, text, &error) == OBS_OK) {
        check_row(query, end ? (const char *)end + 1 : "", end ? size - line - 1 : 0);
        obs__query_free(query);
    } else if (text && query) {
        must(*error.message != '\0');
        must(error.column >= 0 && (size_t)error.column <= strlen(text) + 1);
    }
    obs__free(query);
    obs__free(text);
    return 0;
}
