/* What a consumer cannot do: it comes again in its order and in its time, or ends as a dead letter. */
#include "event/group.h"

START_TEST(what_is_rejected_comes_again_in_its_order)
{
    begin();
    publish("k1", "k");
    publish("k2", "k");
    publish("m1", "m");
    obs_subscription *a = subscribe(), *b = subscribe();
    uint64_t k1 = expect(a, "k1", 1);
    uint64_t k2 = expect(a, "k2", 1);
    reject(a, k1, -1, "no link");
    /* The one behind it was taken back. */
    ck_assert_int_eq(obs_subscription_acknowledge(a, k2, &error), OBS_ABORTED);
    assert_has(error.message, "taken back");
    k1 = expect(b, "k1", 2);
    expect(a, "m1", 1);
    expect_nothing(a);
    acknowledge(b, k1);
    acknowledge(b, expect(b, "k2", 1));
    ck_assert_int_eq(obs_subscription_reject(b, k1, NULL, &error), OBS_ABORTED);
    assert_has(error.message, "is done");
    obs_subscription_free(a);
    obs_subscription_free(b);
    end();
}
END_TEST

START_TEST(a_rejected_event_waits_for_its_time)
{
    begin();
    publish("1", "k");
    publish("2", "k");
    publish("3", NULL);
    obs_subscription *a = subscribe();
    const obs_delivery *delivery = NULL;
    reject(a, expect(a, "1", 1), 300, NULL);
    int64_t before = obs__monotonic_ns();
    acknowledge(a, expect(a, "3", 1));
    ck_assert_ok(obs_subscription_next(&delivery, a, 60000, NULL, &error));
    ck_assert_str_eq(delivery->event->id, "1");
    ck_assert_int_gt(obs__monotonic_ns() - before, 250000000);
    obs_subscription_free(a);
    end();
}
END_TEST

START_TEST(the_wait_and_the_attempts_survive_a_restart)
{
    begin();
    publish("1", NULL);
    publish("2", NULL);
    obs_subscription *a = subscribe();
    reject(a, expect(a, "1", 1), 3600000, "later");
    acknowledge(a, expect(a, "2", 1));
    obs_subscription_free(a);
    restart();
    a = subscribe();
    expect_nothing(a);
    assert_has(rows_of(ask_consumers, NULL), "\"retrying\":1,");
    obs_subscription_free(a);
    end();
}
END_TEST

START_TEST(too_many_attempts_make_a_dead_letter)
{
    begin();
    publish("bad", "k");
    publish("good", "k");
    obs_subscription *a = subscribe_as(3, 1);
    for (uint32_t attempt = 1; attempt <= 3; attempt++)
        reject(a, expect(a, "bad", attempt), -1, "a lens cap \"in\" the way");
    acknowledge(a, expect(a, "good", 1));
    expect_nothing(a);
    const char *rows = rows_of(ask_dead, "group");
    assert_has(rows, "{\"consumer\":\"group\",\"sequence\":1,\"attempts\":3,\"time\":\"2");
    assert_has(rows, "\"reason\":\"a lens cap \\\"in\\\" the way\",\"event\":{");
    assert_has(rows, "\"id\":\"bad\"");
    ck_assert_str_eq(rows_of(ask_dead, "other"), "");
    obs_subscription_free(a);
    restart();
    a = subscribe();
    expect_nothing(a);
    assert_has(rows_of(ask_consumers, NULL), "\"position\":2,\"behind\":0,\"retrying\":0,\"dead\":1,");
    obs_subscription_free(a);
    end();
}
END_TEST

START_TEST(members_that_die_over_an_event_make_a_dead_letter)
{
    begin();
    publish("bad", NULL);
    publish("good", NULL);
    for (uint32_t attempt = 1; attempt <= 2; attempt++) {
        obs_subscription *a = subscribe_as(2, 1);
        expect(a, "bad", attempt);
        obs_subscription_free(a);
    }
    obs_subscription *a = subscribe_as(2, 1);
    expect(a, "good", 1);
    assert_has(rows_of(ask_dead, NULL), "nobody acknowledged or rejected it");
    obs_subscription_free(a);
    end();
}
END_TEST

START_TEST(dead_letters_are_replayed_and_discarded)
{
    begin();
    uint64_t count = 7;
    obs_reject_options now;
    obs_reject_options_init(&now, sizeof now);
    now.dead = 1;
    publish("1", NULL);
    publish("2", NULL);
    publish("3", NULL);
    obs_subscription *a = subscribe();
    for (int i = 1; i <= 3; i++) {
        char id[2] = {(char)('0' + i), 0};
        ck_assert_ok(obs_subscription_reject(a, expect(a, id, 1), &now, &error));
    }
    ck_assert_int_eq(obs_bus_replay(&count, bus, "group", 9, NULL, &error), OBS_NOT_FOUND);
    ck_assert_uint_eq(count, 0);
    ck_assert_ok(obs_bus_replay(&count, bus, "group", 2, NULL, &error));
    ck_assert_uint_eq(count, 1);
    acknowledge(a, expect(a, "2", 1));
    expect_nothing(a);
    ck_assert_ok(obs_bus_discard(&count, bus, "group", 1, NULL, &error));
    obs_subscription_free(a);
    /* With nobody there, and after a restart, too. */
    ck_assert_ok(obs_bus_replay(&count, bus, "group", 0, NULL, &error));
    ck_assert_uint_eq(count, 1);
    restart();
    a = subscribe();
    acknowledge(a, expect(a, "3", 1));
    expect_nothing(a);
    ck_assert_str_eq(rows_of(ask_dead, NULL), "");
    ck_assert_int_eq(obs_bus_discard(NULL, bus, "group", 0, NULL, &error), OBS_NOT_FOUND);
    ck_assert_int_eq(obs_bus_replay(NULL, bus, "nobody", 0, NULL, &error), OBS_NOT_FOUND);
    obs_subscription_free(a);
    end();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        what_is_rejected_comes_again_in_its_order,         a_rejected_event_waits_for_its_time,
        the_wait_and_the_attempts_survive_a_restart,       too_many_attempts_make_a_dead_letter,
        members_that_die_over_an_event_make_a_dead_letter, dead_letters_are_replayed_and_discarded,
    };
    obs_error_init(&error, sizeof error);
    return test_main("given back", tests, sizeof tests / sizeof tests[0]);
}
