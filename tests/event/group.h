/* What the tests of the bus and its consumers share: a bus, publishing, a member, and what it is handed. */
#ifndef OBS_TESTS_EVENT_GROUP_H
#define OBS_TESTS_EVENT_GROUP_H

#include <stddef.h>
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

static test_gate *gate;
static obs_bus *bus;

static inline void begin(void)
{
    gate = test_gate_open(test_folder(), schemas);
    ck_assert_ok(obs__bus_open(&bus, &gate->base, "local:", &error));
}

static inline void end(void)
{
    obs__bus_free(bus);
    test_gate_close(gate);
}

static inline void restart(void)
{
    char *workspace = strdup(gate->base.workspace);
    end();
    gate = test_gate_open(workspace, schemas);
    ck_assert_ok(obs__bus_open(&bus, &gate->base, "local:", &error));
    free(workspace);
}

static inline void publish_as(const char *id, const char *key, int priority)
{
    obs_event event;
    obs_publish_options options;
    obs_event_init(&event, sizeof event);
    obs_publish_options_init(&options, sizeof options);
    event.id = id;
    event.type = "t";
    options.partition_key = key;
    options.priority = priority;
    ck_assert_ok(obs_bus_publish(NULL, bus, &event, &options, &error));
}

static inline void publish(const char *id, const char *key)
{
    publish_as(id, key, 0);
}

static inline obs_subscription *subscribe_as(int32_t attempts, int64_t retry_ms)
{
    obs_subscription *subscription = NULL;
    obs_subscribe_options options;
    obs_subscribe_options_init(&options, sizeof options);
    options.attempts = attempts;
    options.retry_ms = retry_ms;
    ck_assert_ok(obs_bus_subscribe(&subscription, bus, "group", &options, &error));
    return subscription;
}

static inline obs_subscription *subscribe(void)
{
    return subscribe_as(0, 0);
}

static inline uint64_t expect(obs_subscription *subscription, const char *id, uint32_t attempt)
{
    const obs_delivery *delivery = NULL;
    ck_assert_ok(obs_subscription_next(&delivery, subscription, 0, NULL, &error));
    ck_assert_msg(delivery != NULL, "nothing where %s is expected", id);
    ck_assert_str_eq(delivery->event->id, id);
    ck_assert_msg(delivery->attempt == attempt, "%s: attempt %u", id, delivery->attempt);
    return delivery->sequence;
}

static inline void expect_nothing(obs_subscription *subscription)
{
    const obs_delivery *delivery = NULL;
    ck_assert_ok(obs_subscription_next(&delivery, subscription, 0, NULL, &error));
    ck_assert_msg(!delivery, "%s where nothing is expected", delivery->event->id);
}

static inline void acknowledge(obs_subscription *subscription, uint64_t sequence)
{
    ck_assert_ok(obs_subscription_acknowledge(subscription, sequence, &error));
}

static inline void reject(obs_subscription *subscription, uint64_t sequence, int64_t delay_ms, const char *reason)
{
    obs_reject_options options;
    obs_reject_options_init(&options, sizeof options);
    options.delay_ms = delay_ms;
    options.reason = reason;
    ck_assert_ok(obs_subscription_reject(subscription, sequence, &options, &error));
}

static inline void publish_many(int first, int count)
{
    char id[16];
    for (int i = first; i < first + count; i++) {
        snprintf(id, sizeof id, "%d", i);
        publish(id, i % 2 ? "k" : NULL);
    }
}

/* What is there now, up to `most`. */
static inline obs_deliveries *take(obs_subscription *subscription, size_t most)
{
    obs_deliveries *deliveries = NULL;
    ck_assert_ok(obs_subscription_next_many(&deliveries, subscription, most, 0, NULL, &error));
    return deliveries;
}

static inline uint64_t check_ids(const obs_deliveries *deliveries, int first, size_t count)
{
    ck_assert_uint_eq(obs_deliveries_count(deliveries), count);
    for (size_t i = 0; i < count; i++)
        ck_assert_int_eq(atoi(obs_deliveries_at(deliveries, i)->event->id), first + (int)i);
    ck_assert_ptr_null(obs_deliveries_at(deliveries, count));
    return obs_deliveries_at(deliveries, count - 1)->sequence;
}

/* "id id id": all of them, in their order. */
static inline const char *ids_of(const obs_deliveries *deliveries)
{
    static char text[256];
    text[0] = '\0';
    for (size_t i = 0; i < obs_deliveries_count(deliveries); i++)
        strcat(strcat(text, i ? " " : ""), obs_deliveries_at(deliveries, i)->event->id);
    return text;
}

static inline size_t sequences_of(uint64_t *out, const obs_deliveries *deliveries)
{
    for (size_t i = 0; i < obs_deliveries_count(deliveries); i++)
        out[i] = obs_deliveries_at(deliveries, i)->sequence;
    return obs_deliveries_count(deliveries);
}

/* All rows, one after the other. */
static inline const char *rows_of(obs_status (*ask)(obs_rows **, obs_bus *, const char *, obs_error *), const char *consumer)
{
    static char text[8192];
    obs_rows *rows = NULL;
    const char *row = NULL;
    size_t size = 0;
    text[0] = '\0';
    ck_assert_ok(ask(&rows, bus, consumer, &error));
    while (obs_rows_next(rows, &row, &size, &error) == OBS_OK && row) {
        ck_assert_uint_eq(size, strlen(row));
        ck_assert_uint_lt(strlen(text) + size + 2, sizeof text);
        strcat(strcat(text, row), "\n");
    }
    ck_assert_int_eq(error.status, OBS_OK);
    obs_rows_free(rows);
    return text;
}

static inline obs_status ask_dead(obs_rows **out, obs_bus *of, const char *consumer, obs_error *why)
{
    return obs_bus_dead_letters(out, of, consumer, NULL, why);
}

static inline obs_status ask_consumers(obs_rows **out, obs_bus *of, const char *consumer, obs_error *why)
{
    (void)consumer;
    return obs_bus_consumers(out, of, NULL, why);
}

static inline void assert_has(const char *text, const char *part)
{
    ck_assert_msg(strstr(text, part) != NULL, "no %s in %s", part, text);
}

#endif
