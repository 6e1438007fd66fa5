/* What the tests of configuration share: a workspace with an obs.yaml and documents of its own. */
#ifndef OBS_TESTS_CONFIG_SUPPORT_H
#define OBS_TESTS_CONFIG_SUPPORT_H

#include <math.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "client/workspace.h"

static inline void write_text(const char *folder, const char *name, const char *text)
{
    test_write(test_path(folder, name), text, strlen(text));
}

/* As editors and libobs do it: a new file in the place of the old one. */
static inline void replace_text(const char *folder, const char *name, const char *text)
{
    const char *made = test_path(folder, ".new");
    test_write(made, text, strlen(text));
    ck_assert_int_eq(rename(made, test_path(folder, name)), 0);
}

/* A workspace whose obs.yaml ends with these lines, and whose config.yaml is this (NULL: none). Its state lies beside it. */
static inline const char *config_workspace(const char *lines, const char *document)
{
    const char *folder = test_folder(), *path = test_path(folder, "night");
    char text[4096];
    ck_assert_int_eq(setenv("XDG_STATE_HOME", test_path(folder, "state"), 1), 0);
    ck_assert_ok(obs_workspace_init(path, NULL, &error));
    snprintf(text, sizeof text, "store: file:store\n%s", lines);
    write_text(path, "obs.yaml", text);
    if (document)
        write_text(path, "config.yaml", document);
    return path;
}

static inline double float_of(obs_config *config, const char *name)
{
    double number = NAN;
    ck_assert_ok(obs_config_float(&number, config, name, &error));
    return number;
}

static inline int64_t int_of(obs_config *config, const char *name)
{
    int64_t number = -1;
    ck_assert_ok(obs_config_int(&number, config, name, &error));
    return number;
}

/* The rows of a result as one text of lines; free with free(). */
static inline char *text_of_rows(obs_rows *rows)
{
    const char *row;
    size_t size = 0;
    char *text = calloc(1, 1);
    for (;;) {
        ck_assert_ok(obs_rows_next(rows, &row, NULL, &error));
        if (!row)
            break;
        size_t more = strlen(row);
        text = realloc(text, size + more + 2);
        ck_assert_ptr_nonnull(text);
        memcpy(text + size, row, more);
        size += more + 1;
        strcpy(text + size - 1, "\n");
    }
    obs_rows_free(rows);
    return text;
}

static inline void assert_json(obs_config *config, const char *name, const char *expected)
{
    obs_buffer *json;
    ck_assert_ok(obs_config_json(&json, config, name, &error));
    ck_assert_str_eq(obs_buffer_data(json), expected);
    obs_buffer_free(json);
}

static inline void assert_source(obs_config *config, const char *part)
{
    obs_rows *rows;
    ck_assert_ok(obs_config_sources(&rows, config, &error));
    char *text = text_of_rows(rows);
    ck_assert_msg(strstr(text, part) != NULL, "'%s' is not in %s", part, text);
    free(text);
}

/* Waits for the watch. */
static inline void wait_for_version(obs_config *config, uint64_t known)
{
    uint64_t version;
    obs_call call;
    obs_call_init(&call, sizeof call);
    call.timeout_ms = 120000;
    ck_assert_ok(obs_config_wait(&version, config, known, &call, &error));
    ck_assert_uint_gt(version, known);
}

#define ck_assert_refused(call, status, part)                                                                                  \
    do {                                                                                                                       \
        ck_assert_int_eq(call, status);                                                                                        \
        ck_assert_msg(strstr(error.message, part) != NULL, "'%s' is not in '%s'", part, error.message);                        \
    } while (0)

#endif
