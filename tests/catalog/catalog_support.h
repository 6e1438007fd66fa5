/* What the tests of the catalog share: a catalog in a folder of its own, and rows as one text. */
#ifndef OBS_TESTS_CATALOG_SUPPORT_H
#define OBS_TESTS_CATALOG_SUPPORT_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "catalog/catalog.h"
#include "gate.h"
#include "support.h"

static obs_error error;
static test_gate *gate;
static obs_catalog *catalog;

static inline void open_catalog(void)
{
    static const char *const schemas[] = {obs__catalog_schema, NULL};
    obs_error_init(&error, sizeof error);
    gate = test_gate_open(test_folder(), schemas);
    ck_assert_ok(obs__catalog_open(&catalog, &gate->base, &error));
}

static inline void close_catalog(void)
{
    obs__catalog_free(catalog);
    ck_assert_uint_eq((unsigned)atomic_load(&gate->entered), (unsigned)atomic_load(&gate->left));
    test_gate_close(gate);
}

/* Commits effects without a public call, and frees them. */
static inline obs_status commit_effects(obs__effects *effects)
{
    obs__limit limit = obs__limit_in(30000, NULL);
    obs_status status = obs__journal_commit(gate->base.journal, effects, &limit, &error);
    obs__effects_free(effects);
    return status;
}

static inline void add_entry(const obs__entry *entry)
{
    obs__effects effects = {0};
    ck_assert_ok(obs__catalog_entry(&effects, entry, &error));
    ck_assert_ok(commit_effects(&effects));
}

/* An object with labels given as "name=value name=value". */
static inline void add_object(const char *key, const char *labels, const char *values)
{
    char *text = strdup(labels), *rest = text;
    obs_pair pairs[64];
    size_t count = 0;
    for (char *one = strtok_r(text, " ", &rest); one; one = strtok_r(NULL, " ", &rest)) {
        char *equals = strchr(one, '=');
        *equals = '\0';
        pairs[count++] = (obs_pair){one, equals + 1};
    }
    add_entry(&(obs__entry){.kind = "object",
                            .key = {key, strlen(key)},
                            .type = "image/fits",
                            .size = 2880,
                            .sha256 = "00ff",
                            .time_ns = INT64_C(1795000000000000000),
                            .labels = pairs,
                            .label_count = count,
                            .values = values});
    free(text);
}

static inline void forget_entry(const char *key)
{
    obs__effects effects = {0};
    ck_assert_ok(obs__catalog_forget(&effects, (obs__view){key, strlen(key)}, &error));
    ck_assert_ok(commit_effects(&effects));
}

/* All rows of a query, each with a newline behind. Free with free(). */
static inline char *search_rows(const char *query)
{
    obs_rows *rows = NULL;
    const char *text;
    obs__builder all;
    obs__builder_init(&all, (size_t)1 << 30);
    ck_assert_ok(obs_catalog_search(&rows, catalog, query, NULL, &error));
    for (;;) {
        ck_assert_ok(obs_rows_next(rows, &text, NULL, &error));
        if (!text)
            break;
        obs__add_text(&all, text);
        obs__add_char(&all, '\n');
    }
    obs_rows_free(rows);
    char *copy = strdup(all.data ? all.data : "");
    obs__builder_free(&all);
    return copy;
}

/* Only the keys, with a blank behind each. Free with free(). */
static inline char *search_keys(const char *query)
{
    char *rows = search_rows(query), *to = rows;
    for (char *at = rows; *at; at = strchr(at, '\n') + 1) {
        ck_assert_int_eq(strncmp(at, "{\"key\":\"", 8), 0);
        size_t size = strcspn(at + 8, "\"");
        memmove(to, at + 8, size);
        at += 8 + size;
        to += size;
        *to++ = ' ';
    }
    *to = '\0';
    return rows;
}

#define ck_assert_found(query, expected)                                                                                       \
    do {                                                                                                                       \
        char *ck_keys = search_keys(query);                                                                                    \
        ck_assert_str_eq(ck_keys, expected);                                                                                   \
        free(ck_keys);                                                                                                         \
    } while (0)

#endif
