/* Several events at once, through a completion queue. */
#include <obs/queue.h>
#include <obs/store.h>

#include "event/group.h"

static obs_completion wait_for(obs_queue *queue)
{
    obs_completion done;
    size_t count = 0;
    ck_assert_ok(obs_queue_wait(queue, &done, 1, &count, 20000, NULL, &error));
    ck_assert_uint_eq(count, 1);
    return done;
}

START_TEST(a_queue_tells_when_they_are_there)
{
    obs_deliveries *deliveries = NULL;
    obs_operation *operation = NULL;
    obs_queue *queue = NULL;
    begin();
    ck_assert_ok(obs_queue_new(&queue, &error));
    obs_subscription *a = subscribe();
    ck_assert_ok(obs_subscription_next_start(&operation, queue, 7, a, 64, -1, &error));
    ck_assert_int_eq(obs_operation_take_deliveries(&deliveries, operation, &error), OBS_FAILED_PRECONDITION);
    publish("0", NULL);
    obs_completion done = wait_for(queue);
    ck_assert_uint_eq(done.tag, 7);
    ck_assert_ptr_eq(done.operation, operation);
    obs_stat *stat = NULL;
    obs_buffer *buffer = NULL; /* of another kind */
    ck_assert_int_eq(obs_operation_take_stat(&stat, operation, &error), OBS_FAILED_PRECONDITION);
    ck_assert_int_eq(obs_operation_take_buffer(&buffer, operation, &error), OBS_FAILED_PRECONDITION);
    ck_assert_ok(obs_operation_take_deliveries(&deliveries, operation, &error));
    ck_assert_ok(obs_subscription_acknowledge_all(a, check_ids(deliveries, 0, 1), &error));
    obs_deliveries_free(deliveries);
    ck_assert_int_eq(obs_operation_take_deliveries(&deliveries, operation, &error), OBS_FAILED_PRECONDITION);
    obs_operation_free(operation);
    /* Time that runs out is no failure; a cancelled wait is one. */
    ck_assert_ok(obs_subscription_next_start(&operation, queue, 8, a, 64, 0, &error));
    ck_assert_int_eq(wait_for(queue).status, OBS_OK);
    ck_assert_ok(obs_operation_take_deliveries(&deliveries, operation, &error));
    ck_assert_ptr_null(deliveries);
    obs_operation_free(operation);
    ck_assert_ok(obs_subscription_next_start(&operation, queue, 9, a, 64, -1, &error));
    obs_operation_cancel(operation);
    ck_assert_int_eq(wait_for(queue).status, OBS_CANCELLED);
    obs_operation_free(operation);
    ck_assert_int_eq(obs_subscription_next_start(&operation, NULL, 9, a, 64, -1, &error), OBS_INVALID_ARGUMENT);
    ck_assert_int_eq(obs_subscription_next_start(&operation, queue, 9, NULL, 64, -1, &error), OBS_INVALID_ARGUMENT);
    /* What nobody took is given back, in its order, and was no attempt; also when the subscription is gone. */
    publish("1", "k");
    publish("2", "k");
    ck_assert_ok(obs_subscription_next_start(&operation, queue, 10, a, 64, -1, &error));
    wait_for(queue);
    expect_nothing(a);
    obs_operation_free(operation);
    expect(a, "1", 1);
    ck_assert_ok(obs_subscription_next_start(&operation, queue, 11, a, 64, -1, &error));
    wait_for(queue);
    obs_subscription_free(a);
    a = subscribe();
    expect_nothing(a);
    obs_operation_free(operation);
    expect(a, "1", 2);
    expect(a, "2", 1);
    obs_subscription_free(a);
    obs_queue_free(queue);
    end();
}
END_TEST

/* As many wait as the pool has threads, and some more: whose event comes is told nevertheless, and who was freed ends. */
START_TEST(those_that_wait_hold_up_nobody)
{
    obs_subscription *waiting[9];
    obs_operation *operations[9];
    obs_deliveries *deliveries = NULL;
    obs_queue *queue = NULL;
    char name[16];
    begin();
    ck_assert_ok(obs_queue_new(&queue, &error));
    for (uint64_t i = 0; i < 9; i++) {
        obs_subscribe_options options;
        obs_subscribe_options_init(&options, sizeof options);
        snprintf(name, sizeof name, "t%d", (int)i);
        options.type = name;
        ck_assert_ok(obs_bus_subscribe(&waiting[i], bus, name, &options, &error));
        ck_assert_ok(obs_subscription_next_start(&operations[i], queue, i, waiting[i], 4, -1, &error));
    }
    obs_event event;
    obs_event_init(&event, sizeof event);
    event.type = "t8";
    ck_assert_ok(obs_bus_publish(NULL, bus, &event, NULL, &error));
    ck_assert_uint_eq(wait_for(queue).tag, 8);
    ck_assert_ok(obs_operation_take_deliveries(&deliveries, operations[8], &error));
    ck_assert_uint_eq(obs_deliveries_count(deliveries), 1);
    obs_deliveries_free(deliveries);
    /* One at a time. */
    const obs_delivery *delivery = NULL;
    ck_assert_int_eq(obs_subscription_next(&delivery, waiting[0], 0, NULL, &error), OBS_FAILED_PRECONDITION);
    ck_assert_int_eq(obs_subscription_next_many(&deliveries, waiting[0], 1, 0, NULL, &error), OBS_FAILED_PRECONDITION);
    /* Operations take turns: one that runs out of time meanwhile has none, the next one begins when the first is cancelled. */
    obs_operation *second = NULL, *third = NULL;
    ck_assert_ok(obs_subscription_next_start(&second, queue, 10, waiting[0], 1, 1, &error));
    ck_assert_uint_eq(wait_for(queue).tag, 10);
    ck_assert_ok(obs_operation_take_deliveries(&deliveries, second, &error));
    ck_assert_ptr_null(deliveries);
    obs_operation_free(second);
    event.type = "t0";
    ck_assert_ok(obs_subscription_next_start(&third, queue, 11, waiting[0], 1, -1, &error));
    obs_operation_cancel(operations[0]);
    obs_completion done = wait_for(queue);
    ck_assert_uint_eq(done.tag, 0);
    ck_assert_int_eq(done.status, OBS_CANCELLED);
    ck_assert_ok(obs_bus_publish(NULL, bus, &event, NULL, &error));
    ck_assert_uint_eq(wait_for(queue).tag, 11);
    obs_operation_free(third);
    for (int i = 0; i < 9; i++)
        obs_subscription_free(waiting[i]);
    for (int i = 0; i < 9; i++)
        obs_operation_free(operations[i]);
    obs_queue_free(queue);
    end(); /* fails when anything is still held */
}
END_TEST

START_TEST(too_many_that_wait_are_refused)
{
    enum { MOST = 256 };
    obs_operation *operation = NULL, *waiting[MOST];
    obs_queue *queue = NULL;
    begin();
    ck_assert_ok(obs_queue_new(&queue, &error));
    obs_subscription *a = subscribe(), *b = subscribe();
    for (int i = 0; i < MOST; i++)
        ck_assert_ok(obs_subscription_next_start(&waiting[i], queue, 0, a, 1, -1, &error));
    ck_assert_int_eq(obs_subscription_next_start(&operation, queue, 0, b, 1, -1, &error), OBS_RESOURCE_EXHAUSTED);
    ck_assert_ptr_null(operation);
    assert_has(error.message, "256 operations wait for events already");
    expect_nothing(b); /* it was given back */
    for (int i = 0; i < MOST; i++)
        obs_operation_free(waiting[i]);
    obs_queue_free(queue);
    expect_nothing(a);
    obs_subscription_free(a);
    obs_subscription_free(b);
    end();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {a_queue_tells_when_they_are_there, those_that_wait_hold_up_nobody,
                                  too_many_that_wait_are_refused};
    obs_error_init(&error, sizeof error);
    return test_main("events through a queue", tests, sizeof tests / sizeof tests[0]);
}
