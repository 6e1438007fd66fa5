/* What the tests of the client share: a fresh workspace, and counting what is in it. */
#ifndef OBS_TESTS_CLIENT_WORKSPACE_H
#define OBS_TESTS_CLIENT_WORKSPACE_H

#include <obs/obs.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"

static obs_error error;

static inline const char *new_workspace(void)
{
    static const char no_reserve[] = "{\"reserve_bytes\":0}"; /* thousands of workspaces would take 64 MiB each */
    const char *path = test_path(test_folder(), "night");
    ck_assert_ok(obs_workspace_init(path, NULL, &error));
    test_write(test_path(path, "audit/policy.json"), no_reserve, sizeof no_reserve - 1);
    return path;
}

/* In a home of this test alone, without any token. */
static inline const char *new_workspace_without_token(void)
{
    const char *home = test_folder();
    setenv("HOME", home, 1);
    setenv("XDG_RUNTIME_DIR", test_path(home, "run"), 1);
    unsetenv("XDG_STATE_HOME");
    unsetenv("XDG_CONFIG_HOME");
    unsetenv("BEARER_TOKEN");
    unsetenv("BEARER_TOKEN_FILE");
    unsetenv("OBS_TENANT");
    return new_workspace();
}

static inline obs_client *open_at(const char *path)
{
    obs_client *client;
    obs_open_options options;
    obs_open_options_init(&options, sizeof options);
    options.workspace = path;
    ck_assert_ok(obs_client_open(&client, &options, &error));
    return client;
}

/* The rows of a result that contain `part` (NULL: all). Frees them. */
static inline size_t count_rows(obs_rows *rows, const char *part)
{
    const char *text;
    size_t count = 0;
    for (;;) {
        ck_assert_ok(obs_rows_next(rows, &text, NULL, &error));
        if (!text)
            break;
        count += !part || strstr(text, part) != NULL;
    }
    obs_rows_free(rows);
    return count;
}

static inline size_t count_audit(obs_client *client, const char *action, const char *part)
{
    obs_rows *rows;
    obs_audit_options options;
    obs_audit_options_init(&options, sizeof options);
    options.action = action;
    ck_assert_ok(obs_audit_query(&rows, obs_client_audit(client), &options, &error));
    return count_rows(rows, part);
}

static inline size_t count_entries(obs_client *client, const char *query)
{
    obs_rows *rows;
    ck_assert_ok(obs_catalog_search(&rows, obs_client_catalog(client), query, NULL, &error));
    return count_rows(rows, NULL);
}

static inline size_t count_log(obs_client *client, const char *result)
{
    obs_rows *rows;
    obs_ingest_log_options options;
    obs_ingest_log_options_init(&options, sizeof options);
    options.result = result;
    ck_assert_ok(obs_ingest_log(&rows, client, &options, &error));
    return count_rows(rows, NULL);
}

/* All events that `consumer` has not acknowledged. */
static inline size_t count_events(obs_client *client, const char *consumer)
{
    obs_subscription *subscription;
    const obs_delivery *delivery;
    size_t count = 0;
    ck_assert_ok(obs_bus_subscribe(&subscription, obs_client_bus(client), consumer, NULL, &error));
    for (;;) {
        ck_assert_ok(obs_subscription_next(&delivery, subscription, 0, NULL, &error));
        if (!delivery)
            break;
        count++;
    }
    obs_subscription_free(subscription);
    return count;
}

static inline int has_object(obs_client *client, const char *key)
{
    obs_stat *found = NULL;
    obs_status status = obs_store_head(&found, obs_client_store(client), key, OBS_TEXT, NULL, &error);
    ck_assert(status == OBS_OK || status == OBS_NOT_FOUND);
    obs_stat_free(found);
    return status == OBS_OK;
}

#endif
