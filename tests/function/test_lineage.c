/* What a product says about how it was made: function, digest, event, configuration, inputs. */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "support.h"

static obs_error error;

static void expect_failure(obs_status status, obs_status wanted, const char *says)
{
    ck_assert_int_eq(status, wanted);
    ck_assert_msg(strstr(error.message, says) != NULL, "not '%s' in: %s", says, error.message);
}

/* Into the file of the configuration, seen by the programs that start from now on. */
static void configure(const site *site, const char *text)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/config.yaml", site->folder);
    test_write(path, text, strlen(text));
    chmod(path, 0600);
}

/* A label of an object, or "" ; until the next call. */
static const char *label_of(const site *site, const char *key, const char *name)
{
    static char text[4200];
    obs_stat *stat = NULL;
    *text = '\0';
    ck_assert_ok(obs_store_head(&stat, obs_client_store(site->client), key, OBS_TEXT, NULL, &error));
    for (size_t i = 0; i < stat->label_count; i++)
        if (strcmp(stat->labels[i].name, name) == 0) {
            ck_assert_str_eq(text, ""); /* once */
            snprintf(text, sizeof text, "%s", stat->labels[i].value);
        }
    obs_stat_free(stat);
    return text;
}

static const char *metadata_of(const site *site, const char *key, const char *name)
{
    static char text[4200];
    obs_stat *stat = NULL;
    *text = '\0';
    ck_assert_ok(obs_store_head(&stat, obs_client_store(site->client), key, OBS_TEXT, NULL, &error));
    for (size_t i = 0; i < stat->metadata_count; i++)
        if (strcmp(stat->metadata[i].name, name) == 0)
            snprintf(text, sizeof text, "%s", stat->metadata[i].value);
    obs_stat_free(stat);
    return text;
}

static void run_config(const site *site, const char *id)
{
    site_publish(site, "org.example.raw.config", id, "raw/a");
    ck_assert_ok(site_run(site, &error));
    ck_assert_str_eq(site_dead(site), "");
}

START_TEST(the_configuration_is_named)
{
    site here;
    obs_buffer *seen = NULL;
    site_open(&here);
    site_function(&here, "maker", "org.example.raw.*", NULL);
    configure(&here, "version: 7\nquality: {limit: 3, name: 'x'}\n");
    run_config(&here, "e1");
    char *limit = site_get(&here, "products/limit");
    ck_assert_pstr_eq(limit, "3");
    free(limit);
    ck_assert_str_eq(label_of(&here, "products/limit", "configuration_version"), "7");
    ck_assert_str_eq(label_of(&here, "products/limit", "event"), "e1");
    ck_assert_str_eq(label_of(&here, "products/limit", "night"), "2026-11-20");
    ck_assert_ptr_nonnull(strstr(metadata_of(&here, "products/limit", "event"), "\"id\":\"e1\"}"));
    const char *name = label_of(&here, "products/limit", "configuration");
    /* sha256 of {"quality":{"limit":3,"name":"x"},"version":7} */
    ck_assert_str_eq(name, "d3625ede34159741ae1696ae49b428c67b61312e6ebba91f6b84d68fe561e7e7");
    ck_assert_ok(obs_function_configuration(&seen, here.client, name, NULL, &error));
    ck_assert_str_eq(obs_buffer_data(seen), "{\"quality\":{\"limit\":3,\"name\":\"x\"},\"version\":7}");
    obs_buffer_free(seen);
    char first[65];
    snprintf(first, sizeof first, "%s", name);
    ck_assert_str_eq(label_of(&here, "products/first", "configuration"), first); /* put before it was asked */
    site_close(&here);
}
END_TEST

/* Nothing is claimed where the handler did not ask. */
START_TEST(one_that_does_not_ask)
{
    site here;
    site_open(&here);
    site_function(&here, "maker", "org.example.raw.*", NULL);
    configure(&here, "quality: {limit: 3}\n");
    site_publish(&here, "org.example.raw.make", "e1", "raw/a");
    ck_assert_ok(site_run(&here, &error));
    ck_assert_str_eq(label_of(&here, "products/e1.txt", "configuration"), "");
    ck_assert_str_eq(label_of(&here, "products/e1.txt", "configuration_version"), "");
    ck_assert_str_eq(label_of(&here, "products/e1.txt", "event"), "e1");
    ck_assert_str_eq(label_of(&here, "products/e1.txt", "function"), "maker");
    site_close(&here);
}
END_TEST

/* The same values have the same name, in whatever order and form they are written; others have another. */
START_TEST(names_of_configurations)
{
    site here;
    char first[65];
    site_open(&here);
    site_function(&here, "maker", "org.example.raw.*", NULL);
    configure(&here, "quality: {limit: 3, name: a}\nsite: roof\n");
    run_config(&here, "e1");
    snprintf(first, sizeof first, "%s", label_of(&here, "products/limit", "configuration"));
    ck_assert_uint_eq(strlen(first), 64);
    configure(&here, "site: 'roof'\nquality:\n  name: a\n  limit: 3\n");
    ck_assert_ok(obs_config_refresh(obs_client_config(here.client), NULL, &error));
    run_config(&here, "e2");
    ck_assert_str_eq(label_of(&here, "products/limit", "event"), "e2");
    ck_assert_str_eq(label_of(&here, "products/limit", "configuration"), first);
    configure(&here, "site: roof\nquality: {limit: 4, name: a}\n");
    run_config(&here, "e3");
    ck_assert_str_ne(label_of(&here, "products/limit", "configuration"), first);
    char *limit = site_get(&here, "products/limit");
    ck_assert_pstr_eq(limit, "4");
    free(limit);
    site_close(&here);
}
END_TEST

START_TEST(configurations_that_are_not_known)
{
    site here;
    obs_buffer *seen = NULL;
    char path[4200], name[65];
    site_open(&here);
    memset(name, 'a', 64);
    name[64] = '\0';
    expect_failure(obs_function_configuration(&seen, here.client, name, NULL, &error), OBS_NOT_FOUND, "not known here");
    expect_failure(obs_function_configuration(&seen, here.client, "../../../obs.yaml", NULL, &error), OBS_INVALID_ARGUMENT,
                   "64 hexadecimal digits");
    expect_failure(obs_function_configuration(&seen, here.client, NULL, NULL, &error), OBS_INVALID_ARGUMENT, "required");
    site_function(&here, "maker", "org.example.raw.*", NULL);
    configure(&here, "quality: {limit: 3}\n");
    run_config(&here, "e1");
    snprintf(name, sizeof name, "%s", label_of(&here, "products/limit", "configuration"));
    snprintf(path, sizeof path, "%s/functions/.configurations/%s.json", here.folder, name);
    test_write(path, "{}", 2);
    expect_failure(obs_function_configuration(&seen, here.client, name, NULL, &error), OBS_DATA_LOSS, "is damaged");
    ck_assert_ptr_null(seen);
    site_close(&here);
}
END_TEST

/* What cannot be kept for people who ask later keeps no product from being made; the log says so. */
START_TEST(a_configuration_that_cannot_be_kept)
{
    site here;
    obs_rows *rows = NULL;
    const char *row;
    char path[4200];
    int told = 0;
    site_open(&here);
    site_function(&here, "maker", "org.example.raw.*", NULL);
    snprintf(path, sizeof path, "%s/functions/.configurations", here.folder);
    test_write(path, "in the way", 10);
    configure(&here, "quality: {limit: 3}\n");
    run_config(&here, "e1");
    ck_assert_uint_eq(strlen(label_of(&here, "products/limit", "configuration")), 64);
    ck_assert_ok(obs_function_logs(&rows, here.client, "maker", "e1", &error));
    while (obs_rows_next(rows, &row, NULL, &error) == OBS_OK && row)
        told += strstr(row, "cannot be kept") != NULL;
    obs_rows_free(rows);
    ck_assert_int_eq(told, 1);
    site_close(&here);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {the_configuration_is_named, one_that_does_not_ask, names_of_configurations,
                                  configurations_that_are_not_known, a_configuration_that_cannot_be_kept};
    obs_error_init(&error, sizeof error);
    return test_main("lineage", tests, sizeof tests / sizeof tests[0]);
}
