/* Waiting for events: wake-up between threads and processes, cancel, time limits, a killed consumer, fork. */
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "event/bus.h"
#include "gate.h"
#include "support.h"

static obs_error error;
static const char *const schemas[] = {obs__event_schema, NULL};

typedef struct party {
    test_gate *gate;
    obs_bus *bus;
} party;

static party join(const char *workspace)
{
    party self = {test_gate_open(workspace, schemas), NULL};
    ck_assert_ok(obs__bus_open(&self.bus, &self.gate->base, "local:", &error));
    return self;
}

static void part(party *self)
{
    obs__bus_free(self->bus);
    test_gate_close(self->gate);
}

static obs_status publish(obs_bus *bus, const char *id)
{
    obs_event event;
    obs_error own;
    obs_error_init(&own, sizeof own);
    obs_event_init(&event, sizeof event);
    event.id = id;
    event.type = "t";
    return obs_bus_publish(NULL, bus, &event, NULL, &own);
}

static obs_subscription *subscribe(obs_bus *bus, const char *consumer)
{
    obs_subscription *subscription = NULL;
    ck_assert_ok(obs_bus_subscribe(&subscription, bus, consumer, NULL, &error));
    return subscription;
}

static const obs_delivery *next(obs_subscription *subscription, int64_t timeout_ms)
{
    const obs_delivery *delivery = NULL;
    ck_assert_ok(obs_subscription_next(&delivery, subscription, timeout_ms, NULL, &error));
    return delivery;
}

/* A child that says on a pipe how far it is and waits to be told to go on. */
typedef struct child {
    pid_t pid;
    int from; /* what it says */
    int to;   /* a byte lets it go on */
} child;

static child start(void (*run)(const char *workspace, int says, int hears), const char *workspace)
{
    int up[2], down[2];
    ck_assert_int_eq(pipe(up), 0);
    ck_assert_int_eq(pipe(down), 0);
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        close(up[0]);
        close(down[1]);
        run(workspace, up[1], down[0]);
        _exit(0);
    }
    close(up[1]);
    close(down[0]);
    return (child){pid, up[0], down[1]};
}

static void say(int fd, char c)
{
    if (write(fd, &c, 1) != 1)
        _exit(9);
}

static char hear(int fd)
{
    char c = 0;
    return read(fd, &c, 1) == 1 ? c : 0;
}

static void finish(child *self)
{
    int status;
    close(self->to);
    ck_assert_int_eq(waitpid(self->pid, &status, 0), self->pid);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the child ended with %d", status);
    close(self->from);
}

/* Children must not use the checks of the test: they would run the parent's exit handlers. */
static void must(int right, int code)
{
    if (!right)
        _exit(code);
}

static void child_publishes(const char *workspace, int says, int hears)
{
    test_gate *gate = test_gate_open(workspace, schemas);
    obs_bus *bus = NULL;
    must(obs__bus_open(&bus, &gate->base, "local:", NULL) == OBS_OK, 2);
    say(says, 'r');
    while (hear(hears) == 'p')
        must(publish(bus, NULL) == OBS_OK, 3);
}

START_TEST(another_process_wakes_the_consumer)
{
    const char *workspace = test_folder();
    child other = start(child_publishes, workspace);
    ck_assert_int_eq(hear(other.from), 'r');
    party self = join(workspace);
    obs_subscription *subscription = subscribe(self.bus, "c");
    /* Nothing but a wake-up makes the descriptor readable: the safety poll looks without it. */
    for (int i = 0; i < 5; i++) {
        ck_assert_ptr_null(next(subscription, 0));
        struct pollfd fd = {obs_subscription_fd(subscription), POLLIN, 0};
        ck_assert_int_eq(poll(&fd, 1, 0), 0);
        say(other.to, 'p');
        ck_assert_int_eq(poll(&fd, 1, 60000), 1);
        const obs_delivery *delivery = next(subscription, 60000);
        ck_assert_ptr_nonnull(delivery);
        ck_assert_ok(obs_subscription_acknowledge(subscription, delivery->sequence, &error));
    }
    obs_subscription_free(subscription);
    part(&self);
    finish(&other);
}
END_TEST

static void child_takes_two(const char *workspace, int says, int hears)
{
    const obs_delivery *delivery = NULL;
    obs_subscription *subscription = NULL;
    obs_bus *bus = NULL;
    test_gate *gate = test_gate_open(workspace, schemas);
    must(obs__bus_open(&bus, &gate->base, "local:", NULL) == OBS_OK, 2);
    must(obs_bus_subscribe(&subscription, bus, "c", NULL, NULL) == OBS_OK, 3);
    for (int i = 0; i < 3; i++) {
        must(obs_subscription_next(&delivery, subscription, 0, NULL, NULL) == OBS_OK && delivery, 4);
        if (i == 0)
            must(obs_subscription_acknowledge(subscription, delivery->sequence, NULL) == OBS_OK, 5);
    }
    say(says, 'd');
    hear(hears);
}

START_TEST(a_killed_consumer_gets_its_events_again)
{
    static const char *const ids[] = {"1", "2", "3", "4"};
    const char *workspace = test_folder();
    party self = join(workspace);
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(publish(self.bus, ids[i]), OBS_OK);
    part(&self);
    child other = start(child_takes_two, workspace);
    ck_assert_int_eq(hear(other.from), 'd');
    self = join(workspace);
    obs_subscription *subscription = NULL;
    obs_subscribe_options alone;
    obs_subscribe_options_init(&alone, sizeof alone);
    alone.exclusive = 1;
    ck_assert_int_eq(obs_bus_subscribe(&subscription, self.bus, "c", &alone, &error), OBS_ABORTED);
    kill(other.pid, SIGKILL);
    waitpid(other.pid, NULL, 0);
    close(other.from);
    close(other.to);
    ck_assert_ok(obs_bus_subscribe(&subscription, self.bus, "c", NULL, &error));
    for (int i = 1; i < 4; i++) {
        const obs_delivery *delivery = next(subscription, 0);
        ck_assert_ptr_nonnull(delivery);
        ck_assert_str_eq(delivery->event->id, ids[i]);
        ck_assert_uint_eq(delivery->attempt, i < 3 ? 2 : 1);
    }
    obs_subscription_free(subscription);
    part(&self);
}
END_TEST

START_TEST(time_runs_out)
{
    party self = join(test_folder());
    obs_subscription *subscription = subscribe(self.bus, "c");
    ck_assert_ptr_null(next(subscription, 0)); /* does not wait for ever */
    int64_t before = obs__monotonic_ns();
    ck_assert_ptr_null(next(subscription, 50));
    ck_assert_int_ge(obs__monotonic_ns() - before, 49000000);
    ck_assert_int_eq(error.status, OBS_OK);
    obs_subscription_free(subscription);
    part(&self);
}
END_TEST

typedef struct waiter {
    obs_subscription *subscription;
    obs_cancel *cancel;
    obs_status status;
    int got;
} waiter;

static void *wait_for_event(void *argument)
{
    waiter *self = argument;
    const obs_delivery *delivery = NULL;
    obs_error own;
    obs_error_init(&own, sizeof own);
    self->status = obs_subscription_next(&delivery, self->subscription, -1, self->cancel, &own);
    self->got = delivery != NULL;
    return NULL;
}

START_TEST(a_wait_is_cancelled_from_another_thread)
{
    party self = join(test_folder());
    waiter one = {subscribe(self.bus, "c"), NULL, OBS_OK, 0};
    const obs_delivery *delivery = NULL;
    pthread_t thread;
    ck_assert_ok(obs_cancel_new(&one.cancel, &error));
    ck_assert_int_eq(pthread_create(&thread, NULL, wait_for_event, &one), 0);
    obs_cancel_set(one.cancel);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_int_eq(one.status, OBS_CANCELLED);
    ck_assert(!one.got);
    /* Set before, it ends the call although there is an event; that event is not lost. */
    ck_assert_int_eq(publish(self.bus, "1"), OBS_OK);
    ck_assert_int_eq(obs_subscription_next(&delivery, one.subscription, -1, one.cancel, &error), OBS_CANCELLED);
    ck_assert_ptr_null(delivery);
    ck_assert_ptr_nonnull(next(one.subscription, 0));
    obs_subscription_free(one.subscription);
    obs_cancel_free(one.cancel);
    part(&self);
}
END_TEST

START_TEST(a_waiting_thread_gets_the_event)
{
    party self = join(test_folder());
    waiter one = {subscribe(self.bus, "c"), NULL, OBS_OK, 0};
    pthread_t thread;
    ck_assert_int_eq(pthread_create(&thread, NULL, wait_for_event, &one), 0);
    ck_assert_int_eq(publish(self.bus, "1"), OBS_OK);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_int_eq(one.status, OBS_OK);
    ck_assert(one.got);
    obs_subscription_free(one.subscription);
    part(&self);
}
END_TEST

#define PUBLISHERS 4
#define EACH 50

static void *publish_many(void *argument)
{
    for (int i = 0; i < EACH; i++)
        if (publish(argument, NULL) != OBS_OK)
            return argument;
    return NULL;
}

START_TEST(many_publishers_lose_nothing)
{
    party self = join(test_folder());
    pthread_t threads[PUBLISHERS];
    obs_subscription *subscription = subscribe(self.bus, "c");
    for (int i = 0; i < PUBLISHERS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, publish_many, self.bus), 0);
    uint64_t last = 0;
    for (int i = 0; i < PUBLISHERS * EACH; i++) {
        const obs_delivery *delivery = next(subscription, 60000);
        ck_assert_ptr_nonnull(delivery);
        ck_assert_uint_gt(delivery->sequence, last);
        last = delivery->sequence;
    }
    ck_assert_ptr_null(next(subscription, 0));
    for (int i = 0; i < PUBLISHERS; i++) {
        void *failed;
        ck_assert_int_eq(pthread_join(threads[i], &failed), 0);
        ck_assert_ptr_null(failed);
    }
    ck_assert_ok(obs_subscription_acknowledge_all(subscription, last, &error));
    obs_subscription_free(subscription);
    part(&self);
}
END_TEST

START_TEST(the_descriptor_says_when_to_look)
{
    party self = join(test_folder());
    ck_assert_int_eq(publish(self.bus, "1"), OBS_OK);
    ck_assert_int_eq(publish(self.bus, "2"), OBS_OK);
    obs_subscription *subscription = subscribe(self.bus, "c");
    struct pollfd fd = {obs_subscription_fd(subscription), POLLIN, 0};
    /* What was there before counts, too, until a call found nothing. */
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(poll(&fd, 1, 0), 1);
        ck_assert_ptr_nonnull(next(subscription, 0));
    }
    ck_assert_int_eq(poll(&fd, 1, 0), 1);
    ck_assert_ptr_null(next(subscription, 0));
    ck_assert_int_eq(poll(&fd, 1, 0), 0);
    ck_assert_int_eq(publish(self.bus, "3"), OBS_OK);
    ck_assert_int_eq(poll(&fd, 1, 60000), 1);
    ck_assert_ptr_nonnull(next(subscription, 0));
    ck_assert_int_eq(obs_subscription_fd(NULL), -1);
    obs_subscription_free(subscription);
    part(&self);
}
END_TEST

START_TEST(a_child_leaves_the_subscription_of_its_parent_alone)
{
    party self = join(test_folder());
    ck_assert_int_eq(publish(self.bus, "1"), OBS_OK);
    ck_assert_int_eq(publish(self.bus, "2"), OBS_OK);
    obs_subscription *subscription = subscribe(self.bus, "c");
    const obs_delivery *delivery = next(subscription, 0);
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        const obs_delivery *other = NULL;
        must(obs_subscription_next(&other, subscription, 0, NULL, NULL) == OBS_FAILED_PRECONDITION, 2);
        must(obs_subscription_acknowledge(subscription, 1, NULL) == OBS_FAILED_PRECONDITION, 3);
        obs_subscription_free(subscription);
        _exit(0);
    }
    child other = {pid, -1, -1};
    finish(&other);
    ck_assert_ok(obs_subscription_acknowledge(subscription, delivery->sequence, &error));
    ck_assert_str_eq(next(subscription, 0)->event->id, "2");
    /* The child gave nothing of the parent's back. */
    obs_subscription *again = NULL;
    obs_subscribe_options alone;
    obs_subscribe_options_init(&alone, sizeof alone);
    alone.exclusive = 1;
    ck_assert_int_eq(obs_bus_subscribe(&again, self.bus, "c", &alone, &error), OBS_ABORTED);
    obs_subscription_free(subscription);
    part(&self);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        another_process_wakes_the_consumer,
        a_killed_consumer_gets_its_events_again,
        time_runs_out,
        a_wait_is_cancelled_from_another_thread,
        a_waiting_thread_gets_the_event,
        many_publishers_lose_nothing,
        the_descriptor_says_when_to_look,
        a_child_leaves_the_subscription_of_its_parent_alone,
    };
    obs_error_init(&error, sizeof error);
    return test_main("event waiting", tests, sizeof tests / sizeof tests[0]);
}
