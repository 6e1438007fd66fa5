/* The embedded bus within one process: publish, order, filters, acknowledge, restart, attempts, waiting. */
#include "event/group.h"

static void publish_of(const char *id, const char *type, const char *subject)
{
    obs_event event;
    obs_event_init(&event, sizeof event);
    event.id = id;
    event.type = type;
    event.subject = subject;
    ck_assert_ok(obs_bus_publish(NULL, bus, &event, NULL, &error));
}

static obs_subscription *subscribe_to(const char *consumer, const char *type, const char *subject)
{
    obs_subscription *subscription = NULL;
    obs_subscribe_options options;
    obs_subscribe_options_init(&options, sizeof options);
    options.type = type;
    options.subject = subject;
    ck_assert_ok(obs_bus_subscribe(&subscription, bus, consumer, &options, &error));
    return subscription;
}

static const obs_delivery *next(obs_subscription *subscription)
{
    const obs_delivery *delivery = NULL;
    ck_assert_ok(obs_subscription_next(&delivery, subscription, 0, NULL, &error));
    return delivery;
}

START_TEST(unknown_schemes_are_told_the_known_ones)
{
    begin();
    obs_bus *other = NULL;
    ck_assert_int_eq(obs__bus_open(&other, &gate->base, "kafka://user:secret@host/topic", &error), OBS_UNIMPLEMENTED);
    ck_assert_str_eq(error.message, "no bus speaks 'kafka:': known are local:");
    ck_assert_int_eq(obs__bus_open(&other, &gate->base, "local", &error), OBS_INVALID_ARGUMENT);
    ck_assert_int_eq(obs__bus_open(&other, &gate->base, NULL, &error), OBS_INVALID_ARGUMENT);
    ck_assert_int_eq(obs__bus_open(&other, &gate->base, "local:x", &error), OBS_INVALID_ARGUMENT);
    ck_assert_ptr_null(other);
    end();
}
END_TEST

START_TEST(what_is_left_open_is_filled_in)
{
    begin();
    obs_event event;
    obs_buffer *id = NULL;
    obs_event_init(&event, sizeof event);
    event.type = "org.example.made";
    event.data = "{}";
    event.data_size = OBS_TEXT;
    ck_assert_ok(obs_bus_publish(&id, bus, &event, NULL, &error));
    ck_assert_uint_eq(obs_buffer_size(id), 36);
    ck_assert_str_eq(gate->action, "event.publish");
    ck_assert_str_eq(gate->object, "org.example.made");
    ck_assert_uint_gt(gate->bytes, 100);
    obs_subscription *subscription = subscribe_to("a", NULL, NULL);
    const obs_delivery *delivery = next(subscription);
    int64_t time;
    ck_assert_str_eq(delivery->event->id, obs_buffer_data(id));
    ck_assert_str_eq(delivery->event->source, "/obs/default");
    ck_assert_str_eq(delivery->event->datacontenttype, "application/json");
    ck_assert(obs__time_parse(&time, delivery->event->time));
    ck_assert_int_lt(obs__now_ns() - time, 60000000000);
    ck_assert_uint_eq(delivery->event->extension_count, 1);
    ck_assert_str_eq(delivery->event->extensions[0].name, "traceparent");
    ck_assert_str_eq(delivery->event->extensions[0].value, TEST_TRACEPARENT);
    obs_subscription_free(subscription);
    obs_buffer_free(id);
    end();
}
END_TEST

START_TEST(what_was_given_stays)
{
    begin();
    obs_pair extensions[64];
    char names[64][8];
    obs_event event;
    obs_event_init(&event, sizeof event);
    for (int i = 0; i < 64; i++) {
        snprintf(names[i], sizeof names[i], "x%d", i);
        extensions[i] = (obs_pair){names[i], "1"};
    }
    event.id = "1";
    event.source = "urn:x";
    event.type = "t";
    event.time = "1850-01-01T00:00:00Z";
    event.extensions = extensions;
    event.extension_count = 64;
    ck_assert_ok(obs_bus_publish(NULL, bus, &event, NULL, &error));
    event.id = "2";
    event.extension_count = 1;
    extensions[0] = (obs_pair){"traceparent", "mine"};
    ck_assert_ok(obs_bus_publish(NULL, bus, &event, NULL, &error));
    obs_subscription *subscription = subscribe_to("a", NULL, NULL);
    const obs_delivery *delivery = next(subscription);
    ck_assert_uint_eq(delivery->event->extension_count, 64);
    ck_assert_str_eq(delivery->event->time, event.time);
    ck_assert_str_eq(delivery->event->source, "urn:x");
    delivery = next(subscription);
    ck_assert_uint_eq(delivery->event->extension_count, 1);
    ck_assert_str_eq(delivery->event->extensions[0].value, "mine");
    obs_subscription_free(subscription);
    end();
}
END_TEST

START_TEST(a_bad_event_is_not_published)
{
    begin();
    obs_event event;
    obs_buffer *id = (obs_buffer *)(uintptr_t)1;
    obs_publish_options options;
    char long_id[300];
    uint64_t count = 1;
    obs_event_init(&event, sizeof event);
    ck_assert_int_eq(obs_bus_publish(&id, bus, &event, NULL, &error), OBS_INVALID_ARGUMENT);
    ck_assert_ptr_null(id);
    ck_assert_ptr_nonnull(strstr(error.message, "type is missing"));
    event.type = "t";
    event.data = "{";
    event.data_size = OBS_TEXT;
    ck_assert_int_eq(obs_bus_publish(NULL, bus, &event, NULL, &error), OBS_INVALID_ARGUMENT);
    event.data = NULL;
    memset(long_id, 'a', 256);
    long_id[256] = '\0';
    event.id = long_id;
    ck_assert_int_eq(obs_bus_publish(NULL, bus, &event, NULL, &error), OBS_INVALID_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(error.message, "id is longer than 255 bytes"));
    event.id = NULL;
    obs_publish_options_init(&options, sizeof options);
    options.partition_key = "\x01";
    ck_assert_int_eq(obs_bus_publish(NULL, bus, &event, &options, &error), OBS_INVALID_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(error.message, "partition_key"));
    gate->refuse = "event.publish";
    ck_assert_int_eq(obs_bus_publish(NULL, bus, &event, NULL, &error), OBS_PERMISSION_DENIED);
    gate->refuse = NULL;
    gate->no_record = "event.publish";
    ck_assert_int_eq(obs_bus_publish(&id, bus, &event, NULL, &error), OBS_INTERNAL);
    ck_assert_ptr_null(id);
    ck_assert_ok(obs__bus_count(&count, &gate->base, &error));
    ck_assert_uint_eq(count, 0);
    ck_assert_int_eq(obs_bus_publish(NULL, NULL, &event, NULL, &error), OBS_INVALID_ARGUMENT);
    ck_assert_int_eq(obs_bus_publish(NULL, bus, NULL, NULL, &error), OBS_INVALID_ARGUMENT);
    end();
}
END_TEST

START_TEST(a_duplicate_is_not_added_again)
{
    begin();
    uint64_t count = 0;
    publish_of("1", "t", "a");
    publish_of("1", "other", "b");
    publish_of("2", "t", NULL);
    ck_assert_ok(obs__bus_count(&count, &gate->base, &error));
    ck_assert_uint_eq(count, 2);
    obs_subscription *subscription = subscribe_to("a", NULL, NULL);
    ck_assert_str_eq(next(subscription)->event->type, "t");
    expect(subscription, "2", 1);
    ck_assert_ptr_null(next(subscription));
    obs_subscription_free(subscription);
    end();
}
END_TEST

START_TEST(order_and_position_survive_a_restart)
{
    begin();
    char id[16];
    for (int i = 0; i < 200; i++) {
        snprintf(id, sizeof id, "%d", i);
        publish_of(id, "t", i % 2 ? "a" : "b");
    }
    obs_subscription *subscription = subscribe_to("a", NULL, NULL);
    uint64_t sequence = 0, last = 0;
    for (int i = 0; i < 150; i++) {
        snprintf(id, sizeof id, "%d", i);
        sequence = expect(subscription, id, 1);
        ck_assert_uint_gt(sequence, last);
        last = sequence;
        if (i == 99)
            ck_assert_ok(obs_subscription_acknowledge_all(subscription, sequence, &error));
    }
    obs_subscription_free(subscription);
    restart();
    subscription = subscribe_to("a", NULL, NULL);
    for (int i = 100; i < 200; i++) {
        snprintf(id, sizeof id, "%d", i);
        sequence = expect(subscription, id, i < 150 ? 2 : 1);
    }
    ck_assert_ptr_null(next(subscription));
    ck_assert_ok(obs_subscription_acknowledge_all(subscription, sequence, &error));
    obs_subscription_free(subscription);
    subscription = subscribe_to("a", NULL, NULL);
    ck_assert_ptr_null(next(subscription));
    obs_subscription_free(subscription);
    end();
}
END_TEST

START_TEST(attempts_rise_until_acknowledged)
{
    begin();
    publish_of("1", "t", NULL);
    publish_of("2", "t", NULL);
    for (uint32_t attempt = 1; attempt <= 3; attempt++) {
        obs_subscription *subscription = subscribe_to("a", NULL, NULL);
        uint64_t sequence = expect(subscription, "1", attempt);
        if (attempt == 3) {
            ck_assert_ok(obs_subscription_acknowledge(subscription, sequence, &error));
            expect(subscription, "2", 1);
        }
        obs_subscription_free(subscription);
    }
    obs_subscription *subscription = subscribe_to("a", NULL, NULL);
    expect(subscription, "2", 2);
    obs_subscription_free(subscription);
    /* A subscription that asked for nothing counts nothing. */
    obs_subscription_free(subscribe_to("a", NULL, NULL));
    subscription = subscribe_to("a", NULL, NULL);
    expect(subscription, "2", 3);
    obs_subscription_free(subscription);
    end();
}
END_TEST

START_TEST(filters_choose)
{
    static const struct {
        const char *type;
        const char *subject;
        const char *ids;
    } rows[] = {
        {NULL, NULL, "12345"}, {"a.b", NULL, "13"}, {"a.*", NULL, "123"}, {"*", NULL, "12345"}, {NULL, "raw/", "125"},
        {"a.*", "raw/", "12"}, {"", "", "12345"},   {"A.b", NULL, ""},    {"a%", NULL, ""},     {NULL, "\xC3\xA9", "4"},
    };
    begin();
    publish_of("1", "a.b", "raw/1");
    publish_of("2", "a.c", "raw/2");
    publish_of("3", "a.b", NULL);
    publish_of("4", "b", "\xC3\xA9\xC3\xA8");
    publish_of("5", "aXb", "raw/");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char consumer[8], ids[8] = "";
        snprintf(consumer, sizeof consumer, "c%zu", i);
        obs_subscription *subscription = subscribe_to(consumer, rows[i].type, rows[i].subject);
        for (const obs_delivery *delivery = next(subscription); delivery; delivery = next(subscription))
            strcat(ids, delivery->event->id);
        ck_assert_str_eq(ids, rows[i].ids);
        obs_subscription_free(subscription);
    }
    end();
}
END_TEST

/* The position of a consumer in the table. */
static int64_t position_of(const char *consumer)
{
    obs__snapshot *snapshot = NULL;
    sqlite3_stmt *statement = NULL;
    ck_assert_ok(obs__snapshot_begin(&snapshot, gate->base.journal, &error));
    ck_assert_ok(obs__snapshot_statement(&statement, snapshot, "SELECT position FROM consumer WHERE name = ?1", &error));
    sqlite3_bind_text(statement, 1, consumer, -1, SQLITE_STATIC);
    int64_t position = sqlite3_step(statement) == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : -1;
    sqlite3_reset(statement);
    obs__snapshot_end(snapshot);
    return position;
}

START_TEST(what_is_filtered_out_is_passed_with_the_acknowledgement)
{
    begin();
    publish_of("1", "x", NULL);
    publish_of("2", "a", NULL);
    publish_of("3", "x", NULL);
    publish_of("4", "a", NULL);
    publish_of("5", "x", NULL);
    obs_subscription *subscription = subscribe_to("c", "a", NULL);
    uint64_t second = expect(subscription, "2", 1);
    ck_assert_int_eq(position_of("c"), 0);
    ck_assert_ok(obs_subscription_acknowledge(subscription, second, &error));
    ck_assert_int_eq(position_of("c"), 3);
    uint64_t fourth = expect(subscription, "4", 1);
    ck_assert_ok(obs_subscription_acknowledge(subscription, fourth, &error));
    ck_assert_int_eq(position_of("c"), 5);
    /* Never back. */
    ck_assert_ok(obs_subscription_acknowledge(subscription, second, &error));
    ck_assert_int_eq(position_of("c"), 5);
    obs_subscription_free(subscription);
    end();
}
END_TEST

START_TEST(a_new_consumer_can_begin_now)
{
    begin();
    publish_of("1", "t", NULL);
    obs_subscription *subscription = NULL;
    obs_subscribe_options options;
    obs_subscribe_options_init(&options, sizeof options);
    options.from_now = 1;
    ck_assert_ok(obs_bus_subscribe(&subscription, bus, "late", &options, &error));
    ck_assert_ptr_null(next(subscription));
    publish_of("2", "t", NULL);
    expect(subscription, "2", 1);
    obs_subscription_free(subscription);
    publish_of("3", "t", NULL);
    ck_assert_ok(obs_bus_subscribe(&subscription, bus, "late", &options, &error));
    expect(subscription, "2", 2);
    expect(subscription, "3", 1);
    obs_subscription_free(subscription);
    end();
}
END_TEST

START_TEST(an_acknowledgement_that_fails_moves_nothing)
{
    begin();
    publish_of("1", "t", NULL);
    obs_subscription *subscription = subscribe_to("c", NULL, NULL);
    ck_assert_int_eq(obs_subscription_acknowledge(subscription, 1, &error), OBS_INVALID_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(error.message, "was not delivered"));
    uint64_t sequence = expect(subscription, "1", 1);
    gate->no_record = "event.acknowledge";
    ck_assert_int_eq(obs_subscription_acknowledge(subscription, sequence, &error), OBS_INTERNAL);
    ck_assert_int_eq(position_of("c"), 0);
    gate->no_record = NULL;
    gate->refuse = "event.acknowledge";
    ck_assert_int_eq(obs_subscription_acknowledge(subscription, sequence, &error), OBS_PERMISSION_DENIED);
    gate->refuse = NULL;
    ck_assert_int_eq(obs_subscription_acknowledge(subscription, sequence + 1, &error), OBS_INVALID_ARGUMENT);
    ck_assert_ok(obs_subscription_acknowledge(subscription, sequence, &error));
    ck_assert_int_eq(position_of("c"), (int64_t)sequence);
    obs_subscription_free(subscription);
    end();
}
END_TEST

START_TEST(a_refused_receive_loses_nothing)
{
    begin();
    publish_of("1", "t", NULL);
    obs_subscription *subscription = subscribe_to("c", NULL, NULL);
    const obs_delivery *delivery = NULL;
    gate->refuse = "event.receive";
    ck_assert_int_eq(obs_subscription_next(&delivery, subscription, 0, NULL, &error), OBS_PERMISSION_DENIED);
    ck_assert_ptr_null(delivery);
    gate->refuse = NULL;
    expect(subscription, "1", 1);
    obs_subscription_free(subscription);
    end();
}
END_TEST

START_TEST(consumers_are_independent_and_held_by_one_if_it_asks)
{
    begin();
    publish_of("1", "t", NULL);
    obs_subscription *one = subscribe_to("one", NULL, NULL);
    obs_subscription *two = subscribe_to("two", NULL, NULL);
    obs_subscription *again = NULL;
    ck_assert_ok(obs_subscription_acknowledge(one, expect(one, "1", 1), &error));
    expect(two, "1", 1);
    obs_subscribe_options options;
    obs_subscribe_options_init(&options, sizeof options);
    options.exclusive = 1;
    ck_assert_int_eq(obs_bus_subscribe(&again, bus, "one", &options, &error), OBS_ABORTED);
    ck_assert_ptr_null(again);
    ck_assert_ptr_nonnull(strstr(error.message, "the consumer 'one' is held already"));
    obs_subscription_free(one);
    ck_assert_ok(obs_bus_subscribe(&again, bus, "one", &options, &error));
    ck_assert_int_eq(obs_bus_subscribe(&one, bus, "one", NULL, &error), OBS_ABORTED);
    ck_assert_ptr_null(next(again));
    obs_subscription_free(again);
    obs_subscription_free(two);
    end();
}
END_TEST

START_TEST(names_of_consumers_are_checked)
{
    begin();
    char longest[130];
    memset(longest, 'a', 129);
    longest[129] = '\0';
    static const char *const names[] = {NULL, "", "a/b", "a b", "\xC3\xA9"};
    obs_subscription *subscription = NULL;
    for (size_t i = 0; i < 5; i++)
        ck_assert_int_eq(obs_bus_subscribe(&subscription, bus, names[i], NULL, &error), OBS_INVALID_ARGUMENT);
    ck_assert_int_eq(obs_bus_subscribe(&subscription, bus, longest, NULL, &error), OBS_INVALID_ARGUMENT);
    longest[128] = '\0';
    obs_subscription_free(subscribe_to(longest, NULL, NULL));
    obs_subscription_free(subscribe_to("..", NULL, NULL));
    end();
}
END_TEST

START_TEST(a_unit_acknowledges_and_publishes_together)
{
    begin();
    publish_of("1", "t", NULL);
    obs_subscription *subscription = subscribe_to("c", NULL, NULL);
    uint64_t sequence = expect(subscription, "1", 1);
    for (int commit = 0; commit < 2; commit++) {
        obs__effects effects = {0};
        obs__scope scope;
        obs_event event;
        char id[256];
        uint64_t count;
        obs_event_init(&event, sizeof event);
        event.type = "done";
        ck_assert_ok(obs__gate_enter(&scope, &gate->base, OBS__CHANGE, "unit.commit", "", 0, NULL, &error));
        ck_assert_ok(obs__bus_stage_publish(&effects, id, bus, &scope, &event, NULL, &error));
        ck_assert_ok(obs__bus_stage_acknowledge(&effects, subscription, sequence, &error));
        ck_assert_int_eq((int)strlen(id), 36);
        if (commit)
            ck_assert_ok(obs__gate_commit(&scope, &effects, &error));
        else
            obs__effects_free(&effects);
        obs__gate_leave(&scope, OBS_OK, &error);
        ck_assert_ok(obs__bus_count(&count, &gate->base, &error));
        ck_assert_uint_eq(count, commit ? 2 : 1);
        ck_assert_int_eq(position_of("c"), commit ? 1 : 0);
    }
    obs_subscription_free(subscription);
    end();
}
END_TEST

START_TEST(a_holder_that_was_replaced_cannot_acknowledge)
{
    begin();
    publish_of("1", "t", NULL);
    obs_subscription *subscription = subscribe_to("c", NULL, NULL);
    uint64_t sequence = expect(subscription, "1", 1);
    obs__effects effects = {0};
    obs__scope scope;
    ck_assert_ok(obs__bus_stage_acknowledge(&effects, subscription, sequence, &error));
    obs_subscription_free(subscription);
    subscription = subscribe_to("c", NULL, NULL);
    ck_assert_ok(obs__gate_enter(&scope, &gate->base, OBS__CHANGE, "unit.commit", "", 0, NULL, &error));
    ck_assert_int_eq(obs__gate_commit(&scope, &effects, &error), OBS_ABORTED);
    ck_assert_ptr_nonnull(strstr(error.message, "taken over"));
    obs__gate_leave(&scope, OBS_ABORTED, &error);
    ck_assert_int_eq(position_of("c"), 0);
    expect(subscription, "1", 2);
    obs_subscription_free(subscription);
    end();
}
END_TEST

START_TEST(a_damaged_event_is_reported_and_can_be_passed)
{
    begin();
    publish_of("1", "t", NULL);
    publish_of("2", "t", NULL);
    sqlite3 *database = NULL;
    ck_assert_int_eq(sqlite3_open(test_path(gate->base.workspace, "tenants/default/tenant.db"), &database), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(database, "UPDATE event SET json = x'7b' WHERE sequence = 1", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(database);
    obs_subscription *subscription = subscribe_to("c", NULL, NULL);
    const obs_delivery *delivery = NULL;
    ck_assert_int_eq(obs_subscription_next(&delivery, subscription, 0, NULL, &error), OBS_DATA_LOSS);
    ck_assert_ptr_nonnull(strstr(error.message, "event 1 of the bus is damaged"));
    ck_assert_ok(obs_subscription_acknowledge(subscription, 1, &error));
    expect(subscription, "2", 1);
    obs_subscription_free(subscription);
    end();
}
END_TEST

START_TEST(a_late_handle_keeps_what_it_needs)
{
    begin();
    publish_of("1", "t", NULL);
    obs_subscription *subscription = subscribe_to("c", NULL, NULL);
    obs__bus_free(bus);
    bus = NULL;
    expect(subscription, "1", 1);
    obs_subscription_free(subscription);
    test_gate_close(gate);
}
END_TEST

START_TEST(a_subscription_acts_for_its_subject)
{
    begin();
    obs_call call;
    obs_subscribe_options options;
    obs_subscription *subscription = NULL;
    publish_of("1", "t", NULL);
    obs_call_init(&call, sizeof call);
    obs_subscribe_options_init(&options, sizeof options);
    char subject[] = "user:ada";
    call.subject = subject;
    options.call = &call;
    ck_assert_ok(obs_bus_subscribe(&subscription, bus, "c", &options, &error));
    subject[0] = 'x';
    uint64_t sequence = expect(subscription, "1", 1);
    ck_assert_str_eq(gate->action, "event.receive");
    ck_assert_str_eq(gate->subject, "user:ada");
    ck_assert_ok(obs_subscription_acknowledge(subscription, sequence, &error));
    ck_assert_str_eq(gate->subject, "user:ada");
    obs_subscription_free(subscription);
    end();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        unknown_schemes_are_told_the_known_ones,
        what_is_left_open_is_filled_in,
        what_was_given_stays,
        a_bad_event_is_not_published,
        a_duplicate_is_not_added_again,
        order_and_position_survive_a_restart,
        attempts_rise_until_acknowledged,
        filters_choose,
        what_is_filtered_out_is_passed_with_the_acknowledgement,
        a_new_consumer_can_begin_now,
        an_acknowledgement_that_fails_moves_nothing,
        a_refused_receive_loses_nothing,
        consumers_are_independent_and_held_by_one_if_it_asks,
        names_of_consumers_are_checked,
        a_unit_acknowledges_and_publishes_together,
        a_holder_that_was_replaced_cannot_acknowledge,
        a_damaged_event_is_reported_and_can_be_passed,
        a_late_handle_keeps_what_it_needs,
        a_subscription_acts_for_its_subject,
    };
    obs_error_init(&error, sizeof error);
    return test_main("event bus", tests, sizeof tests / sizeof tests[0]);
}
