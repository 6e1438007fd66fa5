/* Several events at once. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "event/group.h"

struct sql {
    obs__effect base;
    const char *text;
};

static obs_status apply_sql(obs__effect *effect, obs__txn *txn, obs_error *why)
{
    sqlite3_stmt *statement = NULL;
    obs_status status = obs__txn_statement(&statement, txn, ((struct sql *)effect)->text, why);
    return status == OBS_OK ? obs__txn_run(txn, statement, why) : status;
}

static void keep(obs__effect *effect)
{
    (void)effect;
}

/* A statement in a commit of its own. */
static void run_sql(const char *text)
{
    static const obs__effect_ops ops = {.apply = apply_sql, .free = keep};
    struct sql effect = {{.ops = &ops}, text};
    obs__effects effects = {0};
    obs__limit limit = obs__limit_in(60000, NULL);
    obs__effects_add(&effects, &effect.base);
    ck_assert_ok(obs__journal_commit(gate->base.journal, &effects, &limit, &error));
}

START_TEST(those_that_are_there_come_together)
{
    obs_deliveries *deliveries = NULL;
    begin();
    publish_many(0, 70);
    obs_subscription *a = subscribe();
    ck_assert_ok(obs_subscription_next_many(&deliveries, a, 64, 0, NULL, &error));
    uint64_t last = check_ids(deliveries, 0, 64);
    ck_assert_ok(obs_subscription_acknowledge_all(a, last, &error));
    obs_deliveries_free(deliveries);
    ck_assert_ok(obs_subscription_next_many(&deliveries, a, 64, 20000, NULL, &error));
    last = check_ids(deliveries, 64, 6);
    ck_assert_ok(obs_subscription_acknowledge_all(a, last, &error));
    obs_subscription_free(a);
    check_ids(deliveries, 64, 6); /* they are the caller's */
    obs_deliveries_free(deliveries);
    a = subscribe();
    ck_assert_ok(obs_subscription_next_many(&deliveries, a, 1, 0, NULL, &error));
    ck_assert_ptr_null(deliveries);
    ck_assert_uint_eq(obs_deliveries_count(NULL), 0);
    obs_deliveries_free(NULL);
    ck_assert_int_eq(obs_subscription_next_many(&deliveries, a, 0, 0, NULL, &error), OBS_INVALID_ARGUMENT);
    ck_assert_int_eq(obs_subscription_next_many(&deliveries, a, 4097, 0, NULL, &error), OBS_INVALID_ARGUMENT);
    assert_has(error.message, "1 to 4096");
    ck_assert_int_eq(obs_subscription_next_many(&deliveries, a, SIZE_MAX, 0, NULL, &error), OBS_INVALID_ARGUMENT);
    ck_assert_int_eq(obs_subscription_next_many(&deliveries, NULL, 1, 0, NULL, &error), OBS_INVALID_ARGUMENT);
    ck_assert_int_eq(obs_subscription_next_many(NULL, a, 1, 0, NULL, &error), OBS_INVALID_ARGUMENT);
    obs_subscription_free(a);
    end();
}
END_TEST

START_TEST(priorities_and_keys_keep_their_order)
{
    begin();
    publish_as("a1", "a", 0);
    publish_as("late", NULL, -1);
    publish_as("b1", "b", 0);
    publish_as("a2", "a", 0);
    publish_as("urgent", NULL, 1);
    obs_subscription *one = subscribe(), *two = subscribe();
    obs_deliveries *first = take(one, 2), *second = take(two, 64), *third = take(one, 64);
    ck_assert_str_eq(ids_of(first), "urgent a1");
    ck_assert_str_eq(ids_of(second), "b1 late"); /* a2 waits for a1, which is with another member */
    ck_assert_str_eq(ids_of(third), "a2");
    obs_deliveries_free(first);
    obs_deliveries_free(second);
    obs_deliveries_free(third);
    obs_subscription_free(one);
    /* What was with it comes to the other one, counted. */
    third = take(two, 64);
    ck_assert_str_eq(ids_of(third), "urgent a1 a2");
    for (size_t i = 0; i < 3; i++)
        ck_assert_uint_eq(obs_deliveries_at(third, i)->attempt, 2);
    obs_deliveries_free(third);
    obs_subscription_free(two);
    end();
}
END_TEST

START_TEST(several_are_done_in_one_commit)
{
    uint64_t sequences[64];
    size_t done = 9;
    begin();
    publish_many(0, 8);
    publish_as("urgent", NULL, 1);
    obs_subscription *a = subscribe();
    obs_deliveries *deliveries = take(a, 4);
    ck_assert_str_eq(ids_of(deliveries), "urgent 0 1 2");
    size_t count = sequences_of(sequences, deliveries);
    int commits = atomic_load(&gate->recorded);
    ck_assert_ok(obs_subscription_acknowledge_many(&done, a, sequences, count, &error));
    ck_assert_uint_eq(done, 4);
    ck_assert_int_eq(atomic_load(&gate->recorded), commits + 1);
    ck_assert_ok(obs_subscription_acknowledge_many(&done, a, sequences, count, &error)); /* may be said twice */
    ck_assert_uint_eq(done, 4);
    ck_assert_ok(obs_subscription_acknowledge_many(&done, a, NULL, 0, &error));
    ck_assert_uint_eq(done, 0);
    obs_deliveries_free(deliveries);
    /* 5 and 7 have one key, 4 and 6 none. Who gives 5 back gives 7 back, too; the same twice is one. */
    deliveries = take(a, 64);
    ck_assert_str_eq(ids_of(deliveries), "3 4 5 6 7");
    count = sequences_of(sequences, deliveries);
    reject(a, sequences[2], 3600000, "not now");
    sequences[2] = sequences[3];
    ck_assert_ok(obs_subscription_acknowledge_many(&done, a, sequences, count, &error));
    ck_assert_uint_eq(done, 4);
    obs_deliveries_free(deliveries);
    assert_has(rows_of(ask_consumers, NULL), "\"behind\":2,\"retrying\":1"); /* 5, and 7 behind it */
    obs_subscription_free(a);
    end();
}
END_TEST

START_TEST(what_cannot_be_done_is_refused_whole)
{
    uint64_t sequences[3] = {0};
    size_t done = 9;
    begin();
    publish_many(0, 3);
    obs_subscription *a = subscribe();
    obs_deliveries *deliveries = take(a, 2);
    sequences_of(sequences, deliveries);
    obs_deliveries_free(deliveries);
    sequences[2] = 3; /* never handed out */
    ck_assert_int_eq(obs_subscription_acknowledge_many(&done, a, sequences, 3, &error), OBS_INVALID_ARGUMENT);
    assert_has(error.message, "event 3 was not delivered");
    ck_assert_uint_eq(done, 0);
    ck_assert_int_eq(obs_subscription_acknowledge_many(&done, a, NULL, 1, &error), OBS_INVALID_ARGUMENT);
    ck_assert_int_eq(obs_subscription_acknowledge_many(&done, NULL, sequences, 1, &error), OBS_INVALID_ARGUMENT);
    ck_assert_int_eq(obs_subscription_acknowledge_many(&done, a, sequences, 16385, &error), OBS_INVALID_ARGUMENT);
    gate->refuse = "event.acknowledge";
    ck_assert_int_eq(obs_subscription_acknowledge_many(&done, a, sequences, 2, &error), OBS_PERMISSION_DENIED);
    gate->refuse = NULL;
    assert_has(rows_of(ask_consumers, NULL), "\"behind\":3"); /* nothing of it was done */
    ck_assert_ok(obs_bus_remove(bus, "group", NULL, &error));
    ck_assert_int_eq(obs_subscription_acknowledge_many(&done, a, sequences, 2, &error), OBS_ABORTED);
    ck_assert_int_eq(obs_subscription_next_many(&deliveries, a, 2, 0, NULL, &error), OBS_ABORTED);
    obs_subscription_free(a);
    end();
}
END_TEST

START_TEST(large_ones_come_a_few_at_a_time)
{
    begin();
    char *data = malloc(900000);
    memset(data, 'x', 900000);
    for (int i = 0; i < 24; i++) {
        obs_event event;
        obs_event_init(&event, sizeof event);
        event.type = "t";
        event.datacontenttype = "text/plain";
        event.data = data;
        event.data_size = 900000;
        ck_assert_ok(obs_bus_publish(NULL, bus, &event, NULL, &error));
    }
    free(data);
    obs_subscription *a = subscribe();
    obs_deliveries *deliveries = take(a, 64);
    size_t first = obs_deliveries_count(deliveries);
    ck_assert_uint_ge(first, 16);
    ck_assert_uint_le(first, 19);
    obs_deliveries_free(deliveries);
    deliveries = take(a, 64);
    ck_assert_uint_eq(obs_deliveries_count(deliveries), 24 - first);
    obs_deliveries_free(deliveries);
    obs_subscription_free(a);
    end();
}
END_TEST

/* One that is wanted, then more than are read at once of those that are not, then another one. */
START_TEST(the_first_does_not_wait_for_what_is_far_away)
{
    obs_subscription *a = NULL;
    obs_subscribe_options options;
    begin();
    publish("near", NULL);
    run_sql("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9000)"
            " INSERT INTO event(source, id, type, subject, partition_key, time_ns, priority, json)"
            " SELECT 's', i, 'unwanted', '', '', 1, 0, x'7B7D' FROM n");
    publish("far", NULL);
    obs_subscribe_options_init(&options, sizeof options);
    options.type = "t";
    ck_assert_ok(obs_bus_subscribe(&a, bus, "group", &options, &error));
    obs_deliveries *deliveries = take(a, 64);
    ck_assert_str_eq(ids_of(deliveries), "near");
    obs_deliveries_free(deliveries);
    deliveries = take(a, 64);
    ck_assert_str_eq(ids_of(deliveries), "far");
    obs_deliveries_free(deliveries);
    obs_subscription_free(a);
    end();
}
END_TEST

START_TEST(a_wait_ends_in_time_or_is_cancelled)
{
    obs_cancel *cancel = NULL;
    obs_deliveries *deliveries = (obs_deliveries *)&error;
    begin();
    ck_assert_ok(obs_cancel_new(&cancel, &error));
    obs_subscription *a = subscribe();
    ck_assert_ok(obs_subscription_next_many(&deliveries, a, 8, 20, cancel, &error));
    ck_assert_ptr_null(deliveries);
    obs_cancel_set(cancel);
    ck_assert_int_eq(obs_subscription_next_many(&deliveries, a, 8, -1, cancel, &error), OBS_CANCELLED);
    publish("0", NULL);
    ck_assert_int_eq(obs_subscription_next_many(&deliveries, a, 8, -1, cancel, &error), OBS_CANCELLED);
    expect(a, "0", 1);
    obs_subscription_free(a);
    obs_cancel_free(cancel);
    end();
}
END_TEST

/* A member that has a batch and dies: all of it comes again, and nothing that it had acknowledged. */
START_TEST(a_killed_member_leaves_its_batch)
{
    int told[2];
    char byte;
    begin();
    publish_many(0, 20);
    ck_assert_int_eq(pipe(told), 0);
    char *workspace = strdup(gate->base.workspace);
    end();
    pid_t child = fork();
    if (child == 0) {
        gate = test_gate_open(workspace, schemas);
        ck_assert_ok(obs__bus_open(&bus, &gate->base, "local:", &error));
        obs_subscription *a = subscribe();
        uint64_t sequences[20];
        sequences_of(sequences, take(a, 12));
        ck_assert_ok(obs_subscription_acknowledge_many(NULL, a, sequences, 5, &error));
        (void)!write(told[1], "!", 1);
        for (;;)
            pause();
    }
    close(told[1]);
    ck_assert_int_eq(read(told[0], &byte, 1), 1);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    close(told[0]);
    gate = test_gate_open(workspace, schemas);
    ck_assert_ok(obs__bus_open(&bus, &gate->base, "local:", &error));
    free(workspace);
    obs_subscription *a = subscribe();
    obs_deliveries *deliveries = take(a, 64);
    check_ids(deliveries, 5, 15);
    for (size_t i = 0; i < 15; i++)
        ck_assert_uint_eq(obs_deliveries_at(deliveries, i)->attempt, i < 7 ? 2 : 1);
    obs_deliveries_free(deliveries);
    obs_subscription_free(a);
    end();
}
END_TEST

START_TEST(a_damaged_one_is_told_by_the_next_call)
{
    obs_deliveries *deliveries = NULL;
    begin();
    publish("0", NULL);
    publish("1", NULL);
    publish("2", NULL);
    run_sql("UPDATE event SET json = x'7B' WHERE sequence = 2");
    obs_subscription *a = subscribe();
    ck_assert_ok(obs_subscription_next_many(&deliveries, a, 64, 0, NULL, &error));
    acknowledge(a, check_ids(deliveries, 0, 1));
    obs_deliveries_free(deliveries);
    ck_assert_int_eq(obs_subscription_next_many(&deliveries, a, 64, 0, NULL, &error), OBS_DATA_LOSS);
    ck_assert_ptr_null(deliveries);
    acknowledge(a, 2);
    ck_assert_ok(obs_subscription_next_many(&deliveries, a, 64, 0, NULL, &error));
    check_ids(deliveries, 2, 1);
    obs_deliveries_free(deliveries);
    obs_subscription_free(a);
    end();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {those_that_are_there_come_together,    priorities_and_keys_keep_their_order,
                                  several_are_done_in_one_commit,        what_cannot_be_done_is_refused_whole,
                                  large_ones_come_a_few_at_a_time,       the_first_does_not_wait_for_what_is_far_away,
                                  a_wait_ends_in_time_or_is_cancelled,   a_killed_member_leaves_its_batch,
                                  a_damaged_one_is_told_by_the_next_call};
    obs_error_init(&error, sizeof error);
    return test_main("several events at once", tests, sizeof tests / sizeof tests[0]);
}
