#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "support.h"

static obs_error error;

void site_open(site *out)
{
    const char *folder = test_folder();
    obs_error_init(&error, sizeof error);
    out->folder = test_path(folder, "night");
    ck_assert_int_eq(setenv("XDG_STATE_HOME", test_path(folder, "state"), 1), 0);
    ck_assert_int_eq(setenv("OBS_WORKSPACE", out->folder, 1), 0);
    ck_assert_ok(obs_workspace_init(out->folder, NULL, &error));
    ck_assert_ok(obs_client_open(&out->client, NULL, &error));
}

void site_close(site *site)
{
    obs_client_close(site->client);
}

void site_function(const site *site, const char *name, const char *type, const char *more)
{
    char path[4096], text[4096];
    snprintf(path, sizeof path, "%s/functions", site->folder);
    mkdir(path, 0700);
    snprintf(path, sizeof path, "%s/functions/%s", site->folder, name);
    mkdir(path, 0700);
    int size = snprintf(text, sizeof text,
                        "name: %s\ncommand: [%s]\non: {type: '%s'}\nreads: [raw/, data/]\nwrites: [products/]\n"
                        "publishes: [org.example.product]\nretry: 1ms\n%s",
                        name, OBS_TEST_FUNCTION, type, more ? more : "");
    snprintf(path, sizeof path, "%s/functions/%s/function.yaml", site->folder, name);
    test_write(path, text, (size_t)size);
    chmod(path, 0600);
}

void site_publish(const site *site, const char *type, const char *id, const char *subject)
{
    obs_event event;
    obs_event_init(&event, sizeof event);
    event.type = type;
    event.id = id;
    event.subject = subject;
    ck_assert_ok(obs_bus_publish(NULL, obs_client_bus(site->client), &event, NULL, &error));
}

obs_status site_run(const site *site, obs_error *why)
{
    obs_function_run_options options;
    obs_function_run_options_init(&options, sizeof options);
    options.once = 1;
    return obs_function_run(site->client, &options, why);
}

char *site_get(const site *site, const char *key)
{
    obs_buffer *bytes = NULL;
    if (obs_store_get(&bytes, obs_client_store(site->client), key, OBS_TEXT, NULL, &error) != OBS_OK)
        return NULL;
    char *text = strndup(obs_buffer_data(bytes), obs_buffer_size(bytes));
    obs_buffer_free(bytes);
    return text;
}

int site_events(const site *site, const char *type)
{
    static int number;
    char name[32];
    obs_subscription *subscription = NULL;
    const obs_delivery *delivery = NULL;
    obs_subscribe_options options;
    obs_subscribe_options_init(&options, sizeof options);
    options.type = type;
    options.attempts = -1;
    snprintf(name, sizeof name, "count-%d", number++);
    ck_assert_ok(obs_bus_subscribe(&subscription, obs_client_bus(site->client), name, &options, &error));
    int count = 0;
    for (;; count++) {
        ck_assert_ok(obs_subscription_next(&delivery, subscription, 0, NULL, &error));
        if (!delivery)
            break;
    }
    obs_subscription_free(subscription);
    ck_assert_ok(obs_bus_remove(obs_client_bus(site->client), name, NULL, &error));
    return count;
}

const char *site_dead(const site *site)
{
    static char text[8192];
    obs_rows *rows = NULL;
    const char *row;
    *text = '\0';
    ck_assert_ok(obs_bus_dead_letters(&rows, obs_client_bus(site->client), NULL, NULL, &error));
    while (obs_rows_next(rows, &row, NULL, &error) == OBS_OK && row)
        snprintf(text, sizeof text, "%s", row);
    obs_rows_free(rows);
    return text;
}
