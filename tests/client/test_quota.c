/* Quotas and suspension: what is refused, when, in which words, and that nothing half is let through. */
#include "client/workspace.h"

#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void assert_refused(obs_status status, obs_status wanted, const char *part)
{
    ck_assert_msg(status == wanted, "%s: %s", obs_status_name(status), error.message);
    ck_assert_msg(strstr(error.message, part) != NULL, "'%s' lacks '%s'", error.message, part);
}

static obs_client *open_tenant(const char *path, const char *tenant)
{
    obs_client *client;
    obs_open_options options;
    obs_open_options_init(&options, sizeof options);
    options.workspace = path;
    options.tenant = tenant;
    ck_assert_ok(obs_client_open(&client, &options, &error));
    return client;
}

static obs_status put(obs_client *client, const char *key, size_t size)
{
    static const char bytes[4096];
    return obs_store_put(NULL, obs_client_store(client), key, OBS_TEXT, bytes, size, NULL, &error);
}

static obs_status get(obs_client *client, const char *key)
{
    obs_buffer *bytes = NULL;
    obs_status status = obs_store_get(&bytes, obs_client_store(client), key, OBS_TEXT, NULL, &error);
    obs_buffer_free(bytes);
    return status;
}

static obs_status publish(obs_client *client)
{
    obs_event event;
    obs_event_init(&event, sizeof event);
    event.type = "org.example.made";
    return obs_bus_publish(NULL, obs_client_bus(client), &event, NULL, &error);
}

static obs_tenant_options wants(void)
{
    obs_tenant_options options;
    obs_tenant_options_init(&options, sizeof options);
    return options;
}

static size_t count_tenants(obs_client *client, const char *name, const char *part)
{
    obs_rows *rows;
    ck_assert_ok(obs_tenant_show(&rows, client, name, NULL, &error));
    return count_rows(rows, part);
}

START_TEST(sizes)
{
    const char *path = new_workspace();
    obs_client *owner = open_at(path);
    ck_assert_ok(obs_tenant_create(owner, "sky", NULL, &error));
    obs_client *sky = open_tenant(path, "sky");
    ck_assert_ok(put(sky, "a", 1000)); /* before there is a quota: counted when it is set */
    obs_tenant_options options = wants();
    options.most_bytes = 2500;
    options.most_objects = 2;
    ck_assert_ok(obs_tenant_modify(owner, "sky", &options, &error));
    assert_refused(put(sky, "b", 1501), OBS_RESOURCE_EXHAUSTED, "has used 1000 of 2500 bytes, and this needs 1501 more");
    ck_assert_ptr_nonnull(strstr(error.message, "ask user:"));
    ck_assert_int_eq(get(sky, "b"), OBS_NOT_FOUND);
    ck_assert_ok(put(sky, "b", 1500));
    assert_refused(put(sky, "c", 0), OBS_RESOURCE_EXHAUSTED, "has used 2 of 2 objects");
    ck_assert_ok(put(sky, "b", 10)); /* replaced by a smaller one */
    ck_assert_uint_eq(count_tenants(owner, "sky", "\"bytes\":{\"used\":1010,\"most\":2500}"), 1);
    options = wants();
    options.most_objects = 1;
    ck_assert_ok(obs_tenant_modify(owner, "sky", &options, &error));
    ck_assert_ok(put(sky, "a", 999)); /* above the quota: what makes it no worse passes */
    ck_assert_ok(obs_store_delete(obs_client_store(sky), "a", OBS_TEXT, NULL, &error));
    assert_refused(put(sky, "a", 1), OBS_RESOURCE_EXHAUSTED, "1 of 1 objects");
    options.most_bytes = options.most_objects = -1;
    ck_assert_ok(obs_tenant_modify(owner, "sky", &options, &error));
    ck_assert_ok(put(sky, "a", 4000));
    ck_assert_uint_eq(count_tenants(owner, "sky", "quota"), 0);
    ck_assert_uint_eq(count_audit(sky, "tenant.modify", NULL), 3);
    ck_assert_uint_eq(count_audit(owner, "tenant.modify", "\"object\":\"sky\""), 3);
    obs_client_close(sky);
    obs_client_close(owner);
}
END_TEST

/* All of a unit, or nothing: not even its events. */
START_TEST(units)
{
    obs_unit *unit;
    const char *path = new_workspace();
    obs_client *client = open_at(path);
    obs_tenant_options options = wants();
    options.most_entries = 2;
    ck_assert_ok(obs_tenant_modify(client, "default", &options, &error));
    for (int last = 3; last >= 2; last--) {
        char key[8];
        ck_assert_ok(obs_unit_begin(&unit, client, NULL, &error));
        for (int i = 0; i < last; i++) {
            snprintf(key, sizeof key, "k%d", i);
            ck_assert_ok(obs_unit_put(unit, key, OBS_TEXT, "x", 1, NULL, &error));
        }
        if (last == 3)
            assert_refused(obs_unit_commit(unit, &error), OBS_RESOURCE_EXHAUSTED, "0 of 2 catalog entries, and this needs 3");
        else
            ck_assert_ok(obs_unit_commit(unit, &error));
        obs_unit_free(unit);
        ck_assert_uint_eq(count_entries(client, ""), last == 3 ? 0 : 2);
        ck_assert_int_eq(get(client, "k0"), last == 3 ? OBS_NOT_FOUND : OBS_OK);
    }
    obs_client_close(client);
}
END_TEST

START_TEST(events)
{
    const char *path = new_workspace();
    obs_client *client = open_at(path);
    obs_tenant_options options = wants();
    options.events_per_minute = 3;
    ck_assert_ok(obs_tenant_modify(client, "default", &options, &error));
    for (int i = 0; i < 3; i++)
        ck_assert_ok(publish(client));
    assert_refused(publish(client), OBS_RESOURCE_EXHAUSTED, "of 3 events of a minute");
    ck_assert_ptr_nonnull(strstr(error.message, "try again later"));
    options.events_per_minute = -1;
    options.events_per_day = 5;
    ck_assert_ok(obs_tenant_modify(client, "default", &options, &error));
    ck_assert_ok(publish(client));
    ck_assert_ok(publish(client));
    assert_refused(publish(client), OBS_RESOURCE_EXHAUSTED, "5 of 5 events of this day");
    ck_assert_uint_eq(count_events(client, "all"), 5);
    obs_client_close(client);
}
END_TEST

/* Whoever does not look at the answer is held up: of sixty refusals at most forty are told at once, if a second ends in
 * between. */
START_TEST(endless_asking)
{
    const char *path = new_workspace();
    obs_client *client = open_at(path);
    obs_tenant_options options = wants();
    options.events_per_day = 1;
    ck_assert_ok(obs_tenant_modify(client, "default", &options, &error));
    ck_assert_ok(publish(client));
    struct timespec begin, end;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    for (int i = 0; i < 60; i++)
        assert_refused(publish(client), OBS_RESOURCE_EXHAUSTED, "1 of 1 events of this day");
    clock_gettime(CLOCK_MONOTONIC, &end);
    ck_assert_int_ge((end.tv_sec - begin.tv_sec) * 1000 + (end.tv_nsec - begin.tv_nsec) / 1000000, 20 * 20);
    obs_client_close(client);
}
END_TEST

/* A refusal by a quota stands in the ingestion log, and is told as what it is. */
START_TEST(ingestion)
{
    static const char lines[] = "{\"n\":1}\n{\"n\":2}\n";
    obs_ingest_counts counts = {.size = sizeof counts};
    const char *path = new_workspace();
    obs_client *client = open_at(path);
    obs_tenant_options options = wants();
    ck_assert_ok(obs_ingest_definition(client, "d", "{\"type\":\"object\"}", OBS_TEXT, NULL, &error));
    options.most_entries = 1;
    ck_assert_ok(obs_tenant_modify(client, "default", &options, &error));
    assert_refused(obs_ingest_records(&counts, client, "d", lines, OBS_TEXT, NULL, &error), OBS_RESOURCE_EXHAUSTED, "needs 2");
    ck_assert_uint_eq(counts.accepted, 0);
    ck_assert_ok(obs_ingest_record(NULL, client, "d", "{}", OBS_TEXT, NULL, &error));
    assert_refused(obs_ingest_record(NULL, client, "d", "{}", OBS_TEXT, NULL, &error), OBS_RESOURCE_EXHAUSTED, "1 of 1");
    assert_refused(obs_ingest_file(client, "f", OBS_TEXT, "x", 1, NULL, &error), OBS_RESOURCE_EXHAUSTED, "1 of 1");
    ck_assert_uint_eq(count_log(client, "refused"), 3);
    ck_assert_uint_eq(count_log(client, "accepted"), 1);
    ck_assert_uint_eq(count_entries(client, ""), 1);
    obs_client_close(client);
}
END_TEST

/* Four processes that race for 20 places: 20 get one. */
START_TEST(processes)
{
    const char *path = new_workspace();
    obs_client *client = open_at(path);
    obs_tenant_options options = wants();
    options.most_objects = 20;
    options.events_per_day = 20;
    ck_assert_ok(obs_tenant_modify(client, "default", &options, &error));
    obs_client_close(client);
    for (int child = 0; child < 4; child++)
        if (fork() == 0) {
            int made = 0;
            client = open_at(path);
            for (int i = 0; i < 12; i++) {
                char key[16];
                snprintf(key, sizeof key, "%d-%d", child, i);
                made += put(client, key, 1) == OBS_OK;
                made += publish(client) == OBS_OK;
            }
            obs_client_close(client);
            _exit(made);
        }
    int sum = 0, status;
    while (wait(&status) > 0)
        sum += WIFEXITED(status) ? WEXITSTATUS(status) : 1000;
    ck_assert_int_eq(sum, 40);
    client = open_at(path);
    ck_assert_uint_eq(count_entries(client, ""), 20);
    ck_assert_uint_eq(count_events(client, "all"), 20);
    obs_client_close(client);
}
END_TEST

START_TEST(suspended)
{
    obs_subscription *subscription;
    const obs_delivery *delivery;
    obs_unit *unit;
    const char *path = new_workspace();
    obs_client *owner = open_at(path);
    obs_tenant_options options = wants();
    ck_assert_ok(obs_tenant_create(owner, "sky", NULL, &error));
    obs_client *sky = open_tenant(path, "sky");
    ck_assert_ok(put(sky, "a", 1));
    ck_assert_ok(publish(sky));
    ck_assert_ok(obs_unit_begin(&unit, sky, NULL, &error));
    ck_assert_ok(obs_unit_put(unit, "in-a-unit", OBS_TEXT, "x", 1, NULL, &error));
    options.reason = "the bill";
    ck_assert_ok(obs_tenant_suspend(owner, "sky", &options, &error));
    assert_refused(put(sky, "b", 1), OBS_FAILED_PRECONDITION, "tenant 'sky' is suspended since 20");
    ck_assert_ptr_nonnull(strstr(error.message, "by user:"));
    ck_assert_ptr_nonnull(strstr(error.message, ": the bill: nothing is changed until user:"));
    ck_assert_ptr_nonnull(strstr(error.message, "'obsctl tenant resume sky'"));
    assert_refused(obs_unit_commit(unit, &error), OBS_FAILED_PRECONDITION, "suspended");
    obs_unit_free(unit);
    assert_refused(publish(sky), OBS_FAILED_PRECONDITION, "suspended");
    assert_refused(obs_store_delete(obs_client_store(sky), "a", OBS_TEXT, NULL, &error), OBS_FAILED_PRECONDITION, "suspended");
    assert_refused(obs_ingest_file(sky, "f", OBS_TEXT, "x", 1, NULL, &error), OBS_FAILED_PRECONDITION, "suspended");
    ck_assert_ok(get(sky, "a"));
    ck_assert_ok(obs_bus_subscribe(&subscription, obs_client_bus(sky), "c", NULL, &error));
    ck_assert_ok(obs_subscription_next(&delivery, subscription, 1000, NULL, &error));
    ck_assert_ptr_nonnull(delivery);
    assert_refused(obs_subscription_acknowledge(subscription, delivery->sequence, &error), OBS_FAILED_PRECONDITION,
                   "suspended");
    obs_subscription_free(subscription);
    ck_assert_ok(put(owner, "b", 1)); /* the neighbours */
    ck_assert_uint_eq(count_tenants(owner, "sky", "\"state\":\"suspended\""), 1);
    ck_assert_ok(obs_tenant_resume(owner, "sky", NULL, &error));
    ck_assert_ok(put(sky, "b", 1));
    ck_assert_uint_eq(count_events(sky, "c"), 1);
    ck_assert_uint_eq(count_audit(sky, "tenant.suspend", NULL), 1);
    ck_assert_uint_eq(count_audit(owner, "tenant.resume", "\"sky\""), 1);
    options.refuse_reads = 1;
    ck_assert_ok(obs_tenant_suspend(owner, "sky", &options, &error));
    obs_client *other = open_tenant(path, "sky");
    assert_refused(get(other, "a"), OBS_FAILED_PRECONDITION, "nothing is read or changed");
    assert_refused(obs_bus_subscribe(&subscription, obs_client_bus(other), "c", NULL, &error), OBS_FAILED_PRECONDITION, "read");
    ck_assert_uint_eq(count_audit(other, "tenant.suspend", NULL), 2);
    obs_client_close(other);
    obs_client_close(sky);
    obs_client_close(owner);
}
END_TEST

START_TEST(bad_input)
{
    const char *path = new_workspace();
    obs_client *owner = open_at(path), *ada;
    obs_tenant_options options = wants();
    obs_as_options as;
    char reason[300];
    memset(reason, 'x', sizeof reason - 1);
    reason[sizeof reason - 1] = '\0';
    assert_refused(obs_tenant_modify(owner, "default", &options, &error), OBS_INVALID_ARGUMENT, "which quota");
    assert_refused(obs_tenant_modify(owner, "default", NULL, &error), OBS_INVALID_ARGUMENT, "which quota");
    options.most_bytes = -2;
    assert_refused(obs_tenant_modify(owner, "default", &options, &error), OBS_INVALID_ARGUMENT, "quota of bytes");
    options.most_bytes = INT64_MAX;
    assert_refused(obs_tenant_modify(owner, "default", &options, &error), OBS_INVALID_ARGUMENT, "quota of bytes");
    options.most_bytes = 5;
    assert_refused(obs_tenant_modify(owner, "../x", &options, &error), OBS_NOT_FOUND, "there is no tenant");
    assert_refused(obs_tenant_create_with(owner, "sky", &options, &error), OBS_INVALID_ARGUMENT, "obs_tenant_modify");
    options.reason = reason;
    assert_refused(obs_tenant_suspend(owner, "default", &options, &error), OBS_INVALID_ARGUMENT, "200 bytes");
    options.reason = "a\033[2Jb";
    assert_refused(obs_tenant_suspend(owner, "default", &options, &error), OBS_INVALID_ARGUMENT, "control characters");
    options.reason = "\xff";
    assert_refused(obs_tenant_suspend(owner, "default", &options, &error), OBS_INVALID_ARGUMENT, "UTF-8");
    obs_as_options_init(&as, sizeof as);
    as.subject = "user:ada";
    ck_assert_ok(obs_client_as(&ada, owner, &as, &error));
    options.reason = NULL;
    assert_refused(obs_tenant_modify(ada, "default", &options, &error), OBS_PERMISSION_DENIED, "tenant.modify");
    assert_refused(obs_tenant_suspend(ada, "default", NULL, &error), OBS_PERMISSION_DENIED, "tenant.suspend");
    assert_refused(obs_tenant_resume(ada, "default", NULL, &error), OBS_PERMISSION_DENIED, "tenant.resume");
    ck_assert_ok(put(ada, "a", 6));
    obs_client_close(ada);
    obs_client_close(owner);
}
END_TEST

/* The same key does it once, also through the client of another tenant. */
START_TEST(repeated)
{
    const char *path = new_workspace();
    obs_client *owner = open_at(path);
    obs_call call;
    obs_call_init(&call, sizeof call);
    call.idempotency_key = "once";
    obs_tenant_options options = wants();
    options.call = &call;
    ck_assert_ok(obs_tenant_create(owner, "sky", NULL, &error));
    obs_client *sky = open_tenant(path, "sky");
    ck_assert_ok(obs_tenant_suspend(owner, "sky", &options, &error));
    ck_assert_ok(obs_tenant_resume(owner, "sky", NULL, &error));
    ck_assert_ok(obs_tenant_suspend(owner, "sky", &options, &error));
    ck_assert_ok(obs_tenant_suspend(sky, "sky", &options, &error));
    ck_assert_ok(put(sky, "a", 1));
    ck_assert_uint_eq(count_audit(sky, "tenant.suspend", "\"class\":\"change\""), 1);
    obs_client_close(sky);
    obs_client_close(owner);
}
END_TEST

int main(void)
{
    const TTest *tests[] = {sizes, units, events, endless_asking, ingestion, processes, suspended, bad_input, repeated};
    obs_error_init(&error, sizeof error);
    return test_main("client/quota", tests, sizeof tests / sizeof tests[0]);
}
