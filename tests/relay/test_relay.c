/* The relay by its C call: days without a link, who may, and what is wrong to ask. The clock of the library is set here. */
#include <stdio.h>

#include "base/clock.h"
#include "client/workspace.h"

#define HOUR (INT64_C(3600) * 1000000000)

static _Atomic int64_t offset_ns;

/* The linker puts these in the place of the library's own (--wrap). */
int64_t __real_obs__now_ns(void);
int64_t __wrap_obs__now_ns(void);

int64_t __wrap_obs__now_ns(void)
{
    return __real_obs__now_ns() + offset_ns;
}

static obs_client *make(const char *name, const char *site)
{
    char line[128];
    size_t size;
    const char *path = test_path(test_folder(), name);
    ck_assert_ok(obs_workspace_init(path, NULL, &error));
    if (site) {
        const char *file = test_path(path, "obs.yaml");
        char *text = test_read(file, &size);
        char *whole = malloc(size + sizeof line);
        int more = snprintf(line, sizeof line, "site: %s\n", site);
        memcpy(whole, text, size);
        memcpy(whole + size, line, (size_t)more);
        test_write(file, whole, size + (size_t)more);
        free(whole);
        free(text);
    }
    return open_at(path);
}

static void fresh(obs_client **roof, obs_client **centre)
{
    offset_ns = 0;
    setenv("HOME", test_folder(), 1);
    unsetenv("XDG_STATE_HOME");
    unsetenv("XDG_CONFIG_HOME");
    *roof = make("roof", "roof");
    *centre = make("centre", NULL);
}

/* An object and an event about it. */
static void observe(obs_client *client, int number)
{
    char key[32], id[16];
    obs_event event;
    obs_publish_options options;
    snprintf(key, sizeof key, "raw/%03d", number);
    snprintf(id, sizeof id, "%d", number);
    ck_assert_ok(obs_store_put(NULL, obs_client_store(client), key, OBS_TEXT, key, strlen(key), NULL, &error));
    obs_event_init(&event, sizeof event);
    event.type = "org.example.frame.stored";
    event.subject = key;
    event.id = id;
    obs_publish_options_init(&options, sizeof options);
    options.partition_key = "night";
    ck_assert_ok(obs_bus_publish(NULL, obs_client_bus(client), &event, &options, &error));
}

static obs_relay_counts relay(obs_client *from, obs_client *to)
{
    obs_relay_counts counts = {.size = sizeof counts};
    ck_assert_ok(obs_relay_run(&counts, from, to, NULL, &error));
    return counts;
}

/* The events that are on a bus, in their order: the id of each is its number. */
static void assert_events(obs_client *client, int count)
{
    obs_subscription *subscription;
    const obs_delivery *delivery;
    ck_assert_ok(obs_bus_subscribe(&subscription, obs_client_bus(client), "reader", NULL, &error));
    for (int i = 0; i < count; i++) {
        ck_assert_ok(obs_subscription_next(&delivery, subscription, 0, NULL, &error));
        ck_assert_msg(delivery != NULL, "event %d is missing", i);
        ck_assert_int_eq(atoi(delivery->event->id), i);
        ck_assert_ok(obs_subscription_acknowledge(subscription, delivery->sequence, &error));
    }
    ck_assert_ok(obs_subscription_next(&delivery, subscription, 0, NULL, &error));
    ck_assert_ptr_null(delivery);
    obs_subscription_free(subscription);
}

START_TEST(seventy_two_hours_without_a_link)
{
    obs_client *roof, *centre;
    fresh(&roof, &centre);
    observe(roof, 0);
    relay(roof, centre);
    for (int hour = 1; hour <= 72; hour++) {
        offset_ns = hour * HOUR;
        observe(roof, hour);
    }
    obs_relay_counts counts = relay(roof, centre);
    ck_assert_uint_eq(counts.events, 72);
    ck_assert_uint_eq(counts.objects, 72);
    ck_assert_uint_eq(counts.dead, 0);
    assert_events(centre, 73);
    ck_assert_uint_eq(count_entries(centre, "site=roof"), 73);
    /* After a reset the clock of the site begins in 1970. */
    offset_ns = -__real_obs__now_ns() + HOUR;
    observe(roof, 73);
    counts = relay(roof, centre);
    ck_assert_uint_eq(counts.events, 1);
    ck_assert_uint_eq(counts.objects, 1);
    offset_ns = 0;
    ck_assert_uint_eq(count_entries(centre, "site=roof"), 74);
    obs_client_close(roof);
    obs_client_close(centre);
}
END_TEST

START_TEST(an_outage_of_the_target_buries_nothing)
{
    obs_client *roof, *centre, *closed;
    obs_open_options options;
    fresh(&roof, &centre);
    obs_open_options_init(&options, sizeof options);
    options.workspace = obs_client_workspace(centre);
    options.read_only = 1;
    ck_assert_ok(obs_client_open(&closed, &options, &error));
    observe(roof, 0);
    for (int i = 0; i < 12; i++)
        ck_assert_int_ne(obs_relay_run(NULL, roof, closed, NULL, &error), OBS_OK);
    obs_client_close(closed);
    obs_relay_counts counts = relay(roof, centre);
    ck_assert_uint_eq(counts.events, 1);
    ck_assert_uint_eq(counts.dead, 0);
    obs_client_close(roof);
    obs_client_close(centre);
}
END_TEST

/* A client with a token for these scopes. */
static obs_client *bearer(obs_client *owner, const char *scope)
{
    obs_secret *token;
    obs_client *client;
    obs_token_options options;
    obs_open_options open;
    obs_token_options_init(&options, sizeof options);
    options.subject = "function:relay";
    options.scope = scope;
    ck_assert_ok(obs_token_issue(&token, owner, &options, &error));
    obs_open_options_init(&open, sizeof open);
    open.workspace = obs_client_workspace(owner);
    open.token = obs_secret_bytes(token);
    ck_assert_ok(obs_client_open(&client, &open, &error));
    obs_secret_free(token);
    return client;
}

static void assert_denied(obs_client *owner, const char *scope, obs_client *other, int is_source, const char *says)
{
    obs_client *client = bearer(owner, scope);
    obs_status status = obs_relay_run(NULL, is_source ? client : other, is_source ? other : client, NULL, &error);
    ck_assert_msg(status == OBS_PERMISSION_DENIED, "%s: %s %s", scope, obs_status_name(status), error.message);
    ck_assert_ptr_nonnull(strstr(error.message, says));
    obs_client_close(client);
}

START_TEST(who_may_read_there_and_write_here)
{
    obs_client *roof, *centre;
    fresh(&roof, &centre);
    observe(roof, 0);
    assert_denied(roof, "storage.read:/raw event.subscribe", centre, 1, "relay.read");
    assert_denied(roof, "storage.read:/", centre, 1, "event.subscribe");
    assert_denied(centre, "storage.read:/", roof, 0, "relay.write");
    assert_denied(centre, "storage.read:/ storage.modify:/raw event.publish:/", roof, 0, "relay.write");
    assert_denied(centre, "storage.read:/ storage.modify:/", roof, 0, "event.publish");
    ck_assert_uint_eq(count_entries(centre, "site=roof"), 0);
    obs_client *reader = bearer(roof, "storage.read:/ event.subscribe");
    obs_client *writer = bearer(centre, "storage.read:/ storage.create:/ storage.modify:/ event.publish:/");
    obs_relay_counts counts = relay(reader, writer);
    ck_assert_uint_eq(counts.events, 1);
    ck_assert_uint_eq(counts.objects, 1);
    obs_client_close(reader);
    obs_client_close(writer);
    obs_client_close(roof);
    obs_client_close(centre);
}
END_TEST

START_TEST(wrong_questions)
{
    obs_client *roof, *centre;
    obs_relay_options options;
    fresh(&roof, &centre);
    ck_assert_int_eq(obs_relay_run(NULL, NULL, centre, NULL, &error), OBS_INVALID_ARGUMENT);
    ck_assert_int_eq(obs_relay_run(NULL, roof, NULL, NULL, &error), OBS_INVALID_ARGUMENT);
    ck_assert_int_eq(obs_relay_run(NULL, roof, roof, NULL, &error), OBS_INVALID_ARGUMENT);
    ck_assert_int_eq(obs_relay_run(NULL, centre, roof, NULL, &error), OBS_FAILED_PRECONDITION);
    ck_assert_ptr_nonnull(strstr(error.message, "site: roof"));
    obs_relay_options_init(&options, sizeof options);
    options.site = "roof";
    ck_assert_int_eq(obs_relay_run(NULL, centre, roof, &options, &error), OBS_INVALID_ARGUMENT);
    options.site = "Not a name";
    ck_assert_int_eq(obs_relay_run(NULL, roof, centre, &options, &error), OBS_INVALID_ARGUMENT);
    options.site = NULL;
    options.conflict = 7;
    ck_assert_int_eq(obs_relay_run(NULL, roof, centre, &options, &error), OBS_INVALID_ARGUMENT);
    obs_client_close(roof);
    obs_client_close(centre);
}
END_TEST

START_TEST(in_slices_and_until_it_is_cancelled)
{
    obs_client *roof, *centre;
    obs_relay_options options;
    obs_call call;
    uint64_t events = 0, slices = 0;
    obs_relay_counts counts = {.size = sizeof counts};
    fresh(&roof, &centre);
    for (int i = 0; i < 200; i++)
        observe(roof, i);
    obs_relay_options_init(&options, sizeof options);
    options.slice_ms = 1;
    do {
        ck_assert_ok(obs_relay_run(&counts, roof, centre, &options, &error));
        events += counts.events;
        slices++;
    } while (counts.more);
    ck_assert_uint_eq(events, 200);
    ck_assert_uint_gt(slices, 1);
    assert_events(centre, 200);
    obs_call_init(&call, sizeof call);
    ck_assert_ok(obs_cancel_new(&call.cancel, &error));
    obs_cancel_set(call.cancel);
    options.call = &call;
    options.wait_ms = -1;
    options.slice_ms = 0;
    ck_assert_int_eq(obs_relay_run(&counts, roof, centre, &options, &error), OBS_CANCELLED);
    obs_cancel_free(call.cancel);
    obs_client_close(roof);
    obs_client_close(centre);
}
END_TEST

int main(void)
{
    const TTest *tests[] = {seventy_two_hours_without_a_link, an_outage_of_the_target_buries_nothing,
                            who_may_read_there_and_write_here, wrong_questions, in_slices_and_until_it_is_cancelled};
    obs_error_init(&error, sizeof error);
    return test_main("relay", tests, sizeof tests / sizeof tests[0]);
}
