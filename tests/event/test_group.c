/* Several members of one consumer: sharing, order of a key, priorities, pauses, removal. */
#include "event/group.h"

START_TEST(each_event_goes_to_one_member)
{
    begin();
    publish("1", NULL);
    publish("2", NULL);
    publish("3", NULL);
    obs_subscription *a = subscribe(), *b = subscribe();
    uint64_t one = expect(a, "1", 1);
    uint64_t two = expect(b, "2", 1);
    uint64_t three = expect(a, "3", 1);
    expect_nothing(b);
    /* In any order; what one member holds another one cannot settle. */
    ck_assert_int_eq(obs_subscription_acknowledge(a, two, &error), OBS_ABORTED);
    acknowledge(a, three);
    acknowledge(b, two);
    acknowledge(a, one);
    acknowledge(a, one);
    obs_subscription_free(a);
    expect_nothing(b);
    obs_subscription_free(b);
    restart();
    a = subscribe();
    expect_nothing(a);
    assert_has(rows_of(ask_consumers, NULL), "\"position\":3,\"behind\":0,");
    obs_subscription_free(a);
    end();
}
END_TEST

START_TEST(what_is_done_behind_a_gap_survives_a_restart)
{
    begin();
    publish("1", NULL);
    publish("2", NULL);
    publish("3", NULL);
    obs_subscription *a = subscribe();
    expect(a, "1", 1);
    acknowledge(a, expect(a, "2", 1));
    assert_has(rows_of(ask_consumers, NULL), "\"position\":0,\"behind\":2,");
    obs_subscription_free(a);
    restart();
    a = subscribe();
    expect(a, "1", 2);
    expect(a, "3", 1);
    expect_nothing(a);
    obs_subscription_free(a);
    end();
}
END_TEST

START_TEST(a_key_is_with_one_member_at_a_time)
{
    begin();
    publish("k1", "k");
    publish("k2", "k");
    publish("m1", "m");
    publish("k3", "k");
    obs_subscription *a = subscribe(), *b = subscribe();
    uint64_t k1 = expect(a, "k1", 1);
    acknowledge(b, expect(b, "m1", 1));
    expect_nothing(b);
    uint64_t k2 = expect(a, "k2", 1);
    acknowledge(a, k1);
    expect_nothing(b);
    acknowledge(a, k2);
    /* Nothing of the key is with anybody: it may change its member. */
    acknowledge(b, expect(b, "k3", 1));
    obs_subscription_free(a);
    obs_subscription_free(b);
    end();
}
END_TEST

START_TEST(a_member_that_ends_gives_back_what_it_held)
{
    begin();
    publish("1", "k");
    publish("2", "k");
    obs_subscription *a = subscribe(), *b = subscribe();
    expect(a, "1", 1);
    expect_nothing(b);
    obs_subscription_free(a);
    expect(b, "1", 2);
    expect(b, "2", 1);
    obs_subscription_free(b);
    end();
}
END_TEST

START_TEST(the_higher_priority_comes_first)
{
    begin();
    publish_as("low", NULL, -1);
    publish_as("one", NULL, 0);
    publish_as("two", NULL, 0);
    publish_as("high", NULL, 1);
    obs_subscription *a = subscribe();
    expect(a, "high", 1);
    expect(a, "one", 1);
    expect(a, "two", 1);
    uint64_t low = expect(a, "low", 1);
    expect_nothing(a);
    ck_assert_ok(obs_subscription_acknowledge_all(a, 4, &error));
    ck_assert_ok(obs_subscription_acknowledge(a, low, &error));
    assert_has(rows_of(ask_consumers, NULL), "\"position\":4,");
    obs_event event;
    obs_publish_options options;
    obs_event_init(&event, sizeof event);
    obs_publish_options_init(&options, sizeof options);
    event.type = "t";
    options.priority = 2;
    ck_assert_int_eq(obs_bus_publish(NULL, bus, &event, &options, &error), OBS_INVALID_ARGUMENT);
    obs_subscription_free(a);
    end();
}
END_TEST

START_TEST(many_of_each_priority_move_the_position)
{
    begin();
    char id[16];
    for (int i = 0; i < 120; i++) {
        snprintf(id, sizeof id, "%d", i);
        publish_as(id, i % 5 ? NULL : "k", i % 3 - 1);
    }
    obs_subscription *a = subscribe();
    const obs_delivery *delivery = NULL;
    int count = 0;
    while (obs_subscription_next(&delivery, a, 0, NULL, &error) == OBS_OK && delivery) {
        acknowledge(a, delivery->sequence);
        count++;
    }
    ck_assert_int_eq(count, 120);
    assert_has(rows_of(ask_consumers, NULL), "\"position\":120,\"behind\":0,");
    obs_subscription_free(a);
    end();
}
END_TEST

START_TEST(a_pause_holds_and_ends)
{
    begin();
    publish("1", NULL);
    publish("2", NULL);
    obs_subscription *a = subscribe();
    const obs_delivery *delivery = NULL;
    uint64_t one = expect(a, "1", 1);
    ck_assert_ok(obs_bus_pause(bus, "group", 0, "the dome is open", NULL, &error));
    expect_nothing(a);
    acknowledge(a, one);
    assert_has(rows_of(ask_consumers, NULL), "\"state\":\"paused\",\"members\":1,");
    assert_has(rows_of(ask_consumers, NULL), "\"until\":null,\"reason\":\"the dome is open\"}");
    obs_subscription_free(a);
    a = subscribe();
    expect_nothing(a);
    ck_assert_ok(obs_bus_resume(bus, "group", NULL, &error));
    expect(a, "2", 1);
    obs_subscription_free(a);
    assert_has(rows_of(ask_consumers, NULL), "\"state\":\"idle\",\"members\":0,");
    /* A pause with an end goes on by itself. */
    a = subscribe();
    ck_assert_ok(obs_bus_pause(bus, "group", obs__now_ns() / 1000000 + 200, NULL, NULL, &error));
    ck_assert_ok(obs_subscription_next(&delivery, a, 60000, NULL, &error));
    ck_assert_ptr_nonnull(delivery);
    ck_assert_int_eq(obs_bus_pause(bus, "nobody", 0, NULL, NULL, &error), OBS_NOT_FOUND);
    ck_assert_int_eq(obs_bus_pause(bus, "group", -1, NULL, NULL, &error), OBS_INVALID_ARGUMENT);
    ck_assert_int_eq(obs_bus_resume(bus, "nobody", NULL, &error), OBS_NOT_FOUND);
    obs_subscription_free(a);
    end();
}
END_TEST

START_TEST(a_removed_consumer_begins_again)
{
    begin();
    publish("1", NULL);
    publish("2", NULL);
    obs_subscription *a = subscribe();
    const obs_delivery *delivery = NULL;
    uint64_t one = expect(a, "1", 1);
    ck_assert_ok(obs_bus_remove(bus, "group", NULL, &error));
    ck_assert_int_eq(obs_subscription_acknowledge(a, one, &error), OBS_ABORTED);
    assert_has(error.message, "was removed");
    ck_assert_int_eq(obs_subscription_next(&delivery, a, 0, NULL, &error), OBS_ABORTED);
    obs_subscription *b = subscribe();
    expect(b, "1", 1);
    ck_assert_int_eq(obs_subscription_acknowledge(a, one, &error), OBS_ABORTED);
    ck_assert_int_eq(obs_subscription_next(&delivery, a, 0, NULL, &error), OBS_ABORTED);
    obs_subscription_free(a);
    acknowledge(b, one);
    expect(b, "2", 1);
    obs_subscription_free(b);
    ck_assert_ok(obs_bus_remove(bus, "group", NULL, &error));
    ck_assert_str_eq(rows_of(ask_consumers, NULL), "");
    ck_assert_int_eq(obs_bus_remove(bus, "group", NULL, &error), OBS_NOT_FOUND);
    end();
}
END_TEST

START_TEST(members_want_the_same)
{
    begin();
    obs_subscription *a = subscribe(), *b = NULL;
    obs_subscribe_options options;
    obs_subscribe_options_init(&options, sizeof options);
    options.type = "other";
    ck_assert_int_eq(obs_bus_subscribe(&b, bus, "group", &options, &error), OBS_FAILED_PRECONDITION);
    ck_assert_ptr_null(b);
    obs_subscription_free(a);
    ck_assert_ok(obs_bus_subscribe(&b, bus, "group", &options, &error));
    obs_subscription_free(b);
    end();
}
END_TEST

START_TEST(an_older_caller_has_shorter_options)
{
    begin();
    obs_subscribe_options options;
    obs_subscription *a = NULL;
    memset(&options, 0xFF, sizeof options);
    obs_subscribe_options_init(&options, offsetof(obs_subscribe_options, exclusive));
    ck_assert_ok(obs_bus_subscribe(&a, bus, "group", &options, &error));
    obs_subscription *b = subscribe();
    obs_subscription_free(a);
    obs_subscription_free(b);
    end();
}
END_TEST

/* Whatever the file says that members share, nothing is lost and nobody crashes: an event may come again, or be a dead letter.
 */
START_TEST(a_damaged_file_loses_nothing)
{
    begin();
    publish("1", NULL);
    publish("2", NULL);
    obs_subscription *a = subscribe();
    acknowledge(a, expect(a, "1", 1));
    obs_subscription_free(a);
    const char *path = test_path(gate->base.workspace, "tenants/default/consumer-group");
    srand(1);
    for (int round = 0; round < 200; round++) {
        FILE *file = fopen(path, round % 10 ? "r+" : "w");
        ck_assert_ptr_nonnull(file);
        for (int i = 0; i < 40; i++) {
            ck_assert_int_eq(fseek(file, rand() % (round % 2 ? 160 : 8192), SEEK_SET), 0);
            ck_assert_int_ne(fputc(rand(), file), EOF);
        }
        fclose(file);
        const obs_delivery *delivery = NULL;
        a = subscribe();
        obs_status status = obs_subscription_next(&delivery, a, 0, NULL, &error);
        ck_assert(status == OBS_OK || status == OBS_DATA_LOSS);
        obs_subscription_free(a);
        if (round % 10 == 9)
            unlink(path);
    }
    unlink(path);
    (void)obs_bus_replay(NULL, bus, "group", 0, NULL, &error);
    a = subscribe_as(-1, 0);
    expect(a, "2", 1);
    obs_subscription_free(a);
    end();
}
END_TEST

START_TEST(too_many_without_an_answer_are_an_error)
{
    begin();
    char id[16];
    obs__effects effects = {0};
    obs__scope scope;
    ck_assert_ok(obs__gate_enter(&scope, &gate->base, OBS__CHANGE, "unit.commit", "", 0, NULL, &error));
    for (int i = 0; i < 16500; i++) {
        obs_event event;
        obs_event_init(&event, sizeof event);
        snprintf(id, sizeof id, "%d", i);
        event.id = id;
        event.type = "t";
        ck_assert_ok(obs__bus_stage_publish(&effects, NULL, bus, &scope, &event, NULL, &error));
    }
    ck_assert_ok(obs__gate_commit(&scope, &effects, &error));
    obs__gate_leave(&scope, OBS_OK, &error);
    obs_subscription *a = subscribe();
    const obs_delivery *delivery = NULL;
    obs_status status = OBS_OK;
    uint64_t count = 0, last = 0;
    while ((status = obs_subscription_next(&delivery, a, 0, NULL, &error)) == OBS_OK && delivery) {
        last = delivery->sequence;
        count++;
    }
    ck_assert_int_eq(status, OBS_RESOURCE_EXHAUSTED);
    ck_assert_uint_eq(count, 16384);
    ck_assert_ok(obs_subscription_acknowledge_all(a, last, &error));
    for (; obs_subscription_next(&delivery, a, 0, NULL, &error) == OBS_OK && delivery; count++)
        ck_assert_ok(obs_subscription_acknowledge(a, delivery->sequence, &error));
    ck_assert_uint_eq(count, 16500);
    obs_subscription_free(a);
    end();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        each_event_goes_to_one_member,
        what_is_done_behind_a_gap_survives_a_restart,
        a_key_is_with_one_member_at_a_time,
        a_member_that_ends_gives_back_what_it_held,
        the_higher_priority_comes_first,
        many_of_each_priority_move_the_position,
        a_pause_holds_and_ends,
        a_removed_consumer_begins_again,
        members_want_the_same,
        an_older_caller_has_shorter_options,
        a_damaged_file_loses_nothing,
        too_many_without_an_answer_are_an_error,
    };
    obs_error_init(&error, sizeof error);
    return test_main("consumer groups", tests, sizeof tests / sizeof tests[0]);
}
