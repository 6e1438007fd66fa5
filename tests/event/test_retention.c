/* How long events are kept: by age, by the limit of the log, by who needs them; what is remembered of those that went. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <obs/log.h>

#include "base/clock.h"
#include "event/bus.h"
#include "gate.h"
#include "support.h"

#define HOUR (INT64_C(3600) * 1000000000)
#define SIZE 1000 /* of the data of an event: with all about it, less than 1,400 bytes */
#define WAIT_MS 20000

static obs_error error;
static const char *const schemas[] = {obs__event_schema, NULL};
static test_gate *gate;
static obs_bus *bus;

static void begin(int64_t keep_ns, int64_t limit, int64_t remember_ns)
{
    const obs__bus_bounds bounds = {keep_ns, limit, remember_ns};
    gate = test_gate_open(test_folder(), schemas);
    ck_assert_ok(obs__bus_open_bounded(&bus, &gate->base, "local:", &bounds, &error));
}

static void end(void)
{
    obs__bus_free(bus);
    test_gate_close(gate);
}

static obs_status publish_as(const char *id, const char *type)
{
    static char data[SIZE + 3];
    obs_event event;
    obs_event_init(&event, sizeof event);
    memset(data, 'x', SIZE + 2);
    data[0] = data[SIZE + 1] = '"';
    event.id = id;
    event.type = type;
    event.data = data;
    event.data_size = OBS_TEXT;
    return obs_bus_publish(NULL, bus, &event, NULL, &error);
}

static void publish(const char *id)
{
    ck_assert_ok(publish_as(id, "t"));
}

static obs_subscription *subscribe_to(const char *consumer, const char *type)
{
    obs_subscription *subscription = NULL;
    obs_subscribe_options options;
    obs_subscribe_options_init(&options, sizeof options);
    options.type = type;
    ck_assert_ok(obs_bus_subscribe(&subscription, bus, consumer, &options, &error));
    return subscription;
}

static uint64_t expect(obs_subscription *subscription, const char *id)
{
    const obs_delivery *delivery = NULL;
    ck_assert_ok(obs_subscription_next(&delivery, subscription, 0, NULL, &error));
    ck_assert_msg(delivery != NULL, "nothing where %s is expected", id);
    ck_assert_str_eq(delivery->event->id, id);
    return delivery->sequence;
}

static void expect_nothing(obs_subscription *subscription)
{
    const obs_delivery *delivery = NULL;
    ck_assert_ok(obs_subscription_next(&delivery, subscription, 0, NULL, &error));
    ck_assert_ptr_null(delivery);
}

static void acknowledge(obs_subscription *subscription, uint64_t sequence)
{
    ck_assert_ok(obs_subscription_acknowledge(subscription, sequence, &error));
}

static uint64_t count(void)
{
    uint64_t number = 0;
    ck_assert_ok(obs__bus_count(&number, &gate->base, &error));
    return number;
}

static void rest(void)
{
    nanosleep(&(struct timespec){0, 20000000}, NULL);
}

/* Until the keeper has removed all but so many; it must not remove more. */
static void wait_for(uint64_t left)
{
    int64_t until = obs__monotonic_ns() + WAIT_MS * INT64_C(1000000);
    while (count() > left && obs__monotonic_ns() < until)
        rest();
    ck_assert_uint_eq(count(), left);
}

/* That the log says how many bytes its events have is looked at after each test. */
static void check_size(void)
{
    char problem[256];
    obs__limit limit = obs__limit_in(WAIT_MS, NULL);
    ck_assert_ok(obs__bus_check(problem, sizeof problem, &gate->base, 0, &limit, &error));
    ck_assert_str_eq(problem, "");
}

START_TEST(what_all_have_done_goes)
{
    begin(0, 1 << 30, 0);
    obs_subscription *a = subscribe_to("a", NULL), *b = subscribe_to("b", NULL);
    publish("1");
    publish("2");
    publish("3");
    for (int i = 1; i <= 3; i++)
        acknowledge(a, expect(a, (char[]){(char)('0' + i), 0}));
    uint64_t one = expect(b, "1");
    uint64_t two = expect(b, "2");
    expect(b, "3");
    /* Out of order: only the one that both have done goes. */
    acknowledge(b, two);
    wait_for(2);
    acknowledge(b, two); /* once more, after it went */
    acknowledge(b, one);
    wait_for(1);
    obs_subscription_free(b);
    b = subscribe_to("b", NULL);
    acknowledge(b, expect(b, "3"));
    wait_for(0);
    /* A number is never used again, and nobody is confused by an empty log. */
    publish("4");
    ck_assert_uint_eq(expect(a, "4"), 4);
    ck_assert_uint_eq(expect(b, "4"), 4);
    check_size();
    obs_subscription_free(a);
    obs_subscription_free(b);
    end();
}
END_TEST

START_TEST(what_is_young_stays)
{
    begin(HOUR, 1 << 30, 0);
    obs_subscription *a = subscribe_to("a", NULL);
    publish("1");
    acknowledge(a, expect(a, "1"));
    for (int i = 0; i < 75; i++) /* longer than the keeper waits */
        rest();
    ck_assert_uint_eq(count(), 1);
    obs_subscription_free(a);
    end();
}
END_TEST

START_TEST(what_comes_again_or_is_dead_stays)
{
    begin(0, 1 << 30, 0);
    obs_reject_options later, dead;
    obs_reject_options_init(&later, sizeof later);
    obs_reject_options_init(&dead, sizeof dead);
    later.delay_ms = 3600000;
    dead.dead = 1;
    obs_subscription *a = subscribe_to("a", NULL);
    publish("1");
    publish("2");
    publish("3");
    uint64_t one = expect(a, "1"), two = expect(a, "2"), three = expect(a, "3");
    ck_assert_ok(obs_subscription_reject(a, one, &later, &error));
    ck_assert_ok(obs_subscription_reject(a, two, &dead, &error));
    acknowledge(a, three);
    wait_for(2);
    ck_assert_ok(obs_bus_discard(NULL, bus, "a", 0, NULL, &error));
    acknowledge(a, (publish("4"), expect(a, "4")));
    wait_for(1);
    ck_assert_ok(obs_bus_remove(bus, "a", NULL, &error));
    publish("5");
    wait_for(0);
    obs_subscription_free(a);
    check_size();
    end();
}
END_TEST

START_TEST(a_full_bus_takes_no_more)
{
    char id[16];
    int i = 0;
    begin(HOUR, 64 << 10, 0);
    obs_subscription *a = subscribe_to("fast", NULL), *b = subscribe_to("slow", NULL);
    while (publish_as((snprintf(id, sizeof id, "%d", i), id), "t") == OBS_OK) {
        acknowledge(a, expect(a, id));
        i++;
        ck_assert_int_lt(i, 100);
    }
    ck_assert_int_eq(error.status, OBS_RESOURCE_EXHAUSTED);
    ck_assert_ptr_nonnull(strstr(error.message, "the bus is full"));
    ck_assert_ptr_nonnull(strstr(error.message, "'slow' is the slowest"));
    ck_assert_ptr_nonnull(strstr(error.message, "obsctl journal rm slow"));
    ck_assert_int_gt(i, 40);
    ck_assert_uint_eq(count(), (uint64_t)i);
    check_size();
    /* Nothing was lost, and as soon as it gets on there is room, whatever their age. */
    for (int j = 0; j < i; j++)
        acknowledge(b, expect(b, (snprintf(id, sizeof id, "%d", j), id)));
    for (int j = 0; j < 200; j++) {
        ck_assert_ok(publish_as((snprintf(id, sizeof id, "more %d", j), id), "t"));
        acknowledge(a, expect(a, id));
        acknowledge(b, expect(b, id));
    }
    ck_assert_uint_lt(count(), 60);
    check_size();
    obs_subscription_free(a);
    obs_subscription_free(b);
    end();
}
END_TEST

static obs_status commit_many(int many, int spare)
{
    obs__scope scope;
    obs__effects effects = {0};
    char id[16], data[SIZE];
    memset(data, 'x', sizeof data);
    data[0] = data[SIZE - 1] = '"';
    ck_assert_ok(obs__gate_enter(&scope, &gate->base, OBS__CHANGE, "unit.commit", "", 0, NULL, &error));
    for (int i = 0; i < many; i++) {
        obs_event event;
        obs_event_init(&event, sizeof event);
        event.id = (snprintf(id, sizeof id, "unit %d", i), id);
        event.type = "t";
        event.data = data;
        event.data_size = sizeof data;
        ck_assert_ok(obs__bus_stage_publish(&effects, NULL, bus, &scope, &event, NULL, &error));
    }
    if (spare)
        obs__bus_spare(&effects);
    return obs__gate_leave(&scope, obs__gate_commit(&scope, &effects, &error), &error);
}

START_TEST(a_unit_is_refused_whole)
{
    char id[16];
    int i = 0;
    begin(HOUR, 64 << 10, 0);
    obs_subscription *a = subscribe_to("slow", NULL);
    for (; i < 40; i++)
        publish((snprintf(id, sizeof id, "%d", i), id));
    ck_assert_int_eq(commit_many(20, 0), OBS_RESOURCE_EXHAUSTED);
    ck_assert_uint_eq(count(), 40);
    check_size();
    /* One that acknowledges has an eighth more: who holds all up must be able to get on. */
    ck_assert_int_eq(commit_many(40, 1), OBS_RESOURCE_EXHAUSTED);
    while (publish_as((snprintf(id, sizeof id, "%d", i), id), "t") == OBS_OK)
        i++;
    ck_assert_int_eq(commit_many(3, 0), OBS_RESOURCE_EXHAUSTED);
    ck_assert_ok(commit_many(3, 1));
    check_size();
    obs_subscription_free(a);
    end();
}
END_TEST

START_TEST(without_consumers_it_is_never_full)
{
    char id[16];
    begin(HOUR, 64 << 10, HOUR);
    for (int i = 0; i < 300; i++)
        publish((snprintf(id, sizeof id, "%d", i), id));
    ck_assert_uint_lt(count(), 60);
    check_size();
    /* Who comes late begins with the oldest that is there. */
    obs_subscription *a = subscribe_to("late", NULL);
    const obs_delivery *delivery = NULL;
    uint64_t left = count(), seen = 0;
    while (obs_subscription_next(&delivery, a, 0, NULL, &error) == OBS_OK && delivery) {
        ck_assert_uint_eq(delivery->sequence, 300 - left + ++seen);
        acknowledge(a, delivery->sequence);
    }
    ck_assert_uint_eq(seen, left);
    obs_subscription_free(a);
    end();
}
END_TEST

START_TEST(what_was_removed_is_known_for_a_while)
{
    begin(0, 1 << 30, HOUR);
    publish("1");
    publish("2");
    wait_for(0);
    publish("1");
    ck_assert_uint_eq(count(), 0);
    publish("3");
    ck_assert_uint_eq(count(), 1);
    end();
    begin(0, 1 << 30, INT64_C(1000000));
    publish("1");
    wait_for(0);
    rest();
    publish("1");
    ck_assert_uint_eq(count(), 1);
    wait_for(0);
    publish(NULL);
    wait_for(0);
    end();
}
END_TEST

START_TEST(who_wants_nothing_holds_up_nothing)
{
    char id[16];
    begin(0, 1 << 30, 0);
    obs_subscription *a = subscribe_to("rare", "rare");
    for (int i = 0; i < 20; i++)
        publish((snprintf(id, sizeof id, "%d", i), id));
    int64_t until = obs__monotonic_ns() + WAIT_MS * INT64_C(1000000);
    for (; count() && obs__monotonic_ns() < until; rest())
        expect_nothing(a);
    ck_assert_uint_eq(count(), 0);
    ck_assert_ok(publish_as("wanted", "rare"));
    acknowledge(a, expect(a, "wanted"));
    obs_subscription_free(a);
    check_size();
    end();
}
END_TEST

/* ---- Told once. ---- */

static atomic_int warnings;

static void hear(void *user, const obs_log_record *record)
{
    (void)user;
    if (record->level == OBS_LOG_WARNING && strstr(record->message, "nearly full") && strstr(record->message, "'slow'"))
        atomic_fetch_add(&warnings, 1);
}

START_TEST(nearly_full_is_told_once)
{
    char id[16], text[512];
    int i = 0;
    begin(HOUR, 64 << 10, 0);
    atomic_store(&warnings, 0);
    obs_log_set(hear, NULL, OBS_LOG_WARNING);
    obs_subscription *a = subscribe_to("slow", NULL);
    publish("first");
    ck_assert_ok(obs__bus_health(text, sizeof text, bus, &error));
    while (publish_as((snprintf(id, sizeof id, "%d", i), id), "t") == OBS_OK)
        i++;
    int64_t until = obs__monotonic_ns() + WAIT_MS * INT64_C(1000000);
    while (!atomic_load(&warnings) && obs__monotonic_ns() < until)
        rest();
    ck_assert_int_eq(obs__bus_health(text, sizeof text, bus, &error), OBS_RESOURCE_EXHAUSTED);
    ck_assert_ptr_nonnull(strstr(error.message, "'slow'"));
    const obs_delivery *delivery = NULL;
    while (obs_subscription_next(&delivery, a, 0, NULL, &error) == OBS_OK && delivery)
        acknowledge(a, delivery->sequence);
    publish("again");
    ck_assert_ok(obs__bus_health(text, sizeof text, bus, &error));
    obs_subscription_free(a);
    end();
    obs_log_set(NULL, NULL, OBS_LOG_WARNING);
    ck_assert_int_eq(atomic_load(&warnings), 1);
}
END_TEST

static obs_status break_size(obs__effect *effect, obs__txn *txn, obs_error *why)
{
    sqlite3_stmt *statement = NULL;
    (void)effect;
    obs_status status = obs__txn_statement(&statement, txn, "UPDATE event_log SET bytes = 7", why);
    return status == OBS_OK ? obs__txn_run(txn, statement, why) : status;
}

static void keep(obs__effect *effect)
{
    (void)effect;
}

START_TEST(a_wrong_size_is_found_and_mended)
{
    static const obs__effect_ops ops = {.apply = break_size, .free = keep};
    obs__effect effect = {.ops = &ops};
    obs__effects effects = {0};
    char problem[256];
    obs__limit limit = obs__limit_in(WAIT_MS, NULL);
    begin(HOUR, 1 << 30, 0);
    publish("1");
    check_size();
    obs__effects_add(&effects, &effect);
    ck_assert_ok(obs__journal_commit(gate->base.journal, &effects, &limit, &error));
    ck_assert_ok(obs__bus_check(problem, sizeof problem, &gate->base, 0, &limit, &error));
    ck_assert_ptr_nonnull(strstr(problem, "says that it has 7 bytes"));
    ck_assert_ok(obs__bus_check(problem, sizeof problem, &gate->base, 1, &limit, &error));
    ck_assert_str_ne(problem, "");
    check_size();
    end();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        what_all_have_done_goes,
        what_is_young_stays,
        what_comes_again_or_is_dead_stays,
        a_full_bus_takes_no_more,
        a_unit_is_refused_whole,
        without_consumers_it_is_never_full,
        what_was_removed_is_known_for_a_while,
        who_wants_nothing_holds_up_nothing,
        nearly_full_is_told_once,
        a_wrong_size_is_found_and_mended,
    };
    obs_error_init(&error, sizeof error);
    return test_main("how long events are kept", tests, sizeof tests / sizeof tests[0]);
}
