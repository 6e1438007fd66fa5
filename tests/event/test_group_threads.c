/* Members of one consumer in threads of one process, publishers beside them: each event is done once, those of a key in order.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "event/group.h"

#define EVENTS 240
#define KEYS 6
#define MEMBERS 4
#define PUBLISHERS 2

static atomic_int done[EVENTS];
static _Atomic uint64_t last[KEYS]; /* the highest that was acknowledged of a key */
static atomic_int total;
static atomic_int wrong; /* the number of a line below */

static void *publish_all(void *user)
{
    int first = *(int *)user;
    for (int i = first; i < EVENTS; i += PUBLISHERS) {
        obs_event event;
        obs_publish_options options;
        char id[16], key[16];
        obs_event_init(&event, sizeof event);
        obs_publish_options_init(&options, sizeof options);
        snprintf(id, sizeof id, "%d", i);
        snprintf(key, sizeof key, "key %d", i % KEYS);
        event.id = id;
        event.type = "t";
        options.partition_key = key;
        if (obs_bus_publish(NULL, bus, &event, &options, NULL) != OBS_OK)
            atomic_store(&wrong, __LINE__);
    }
    return NULL;
}

static obs_subscription *join(void)
{
    obs_subscription *subscription = NULL;
    obs_subscribe_options options;
    obs_subscribe_options_init(&options, sizeof options);
    options.attempts = -1;
    if (obs_bus_subscribe(&subscription, bus, "group", &options, NULL) != OBS_OK)
        atomic_store(&wrong, __LINE__);
    return subscription;
}

/* Before the acknowledgement: behind it another member may have the key. */
static void finish(obs_subscription *subscription, const obs_delivery *delivery)
{
    int number = atoi(delivery->event->id);
    if (atomic_exchange(&last[number % KEYS], delivery->sequence) >= delivery->sequence)
        atomic_store(&wrong, __LINE__);
    if (atomic_fetch_add(&done[number], 1))
        atomic_store(&wrong, __LINE__);
    if (obs_subscription_acknowledge(subscription, delivery->sequence, NULL) != OBS_OK)
        atomic_store(&wrong, __LINE__);
    atomic_fetch_add(&total, 1);
}

static void *consume(void *user)
{
    unsigned seed = *(unsigned *)user;
    obs_reject_options again;
    obs_reject_options_init(&again, sizeof again);
    again.delay_ms = -1;
    obs_subscription *subscription = join();
    while (subscription && !atomic_load(&wrong) && atomic_load(&total) < EVENTS) {
        const obs_delivery *delivery = NULL;
        if (obs_subscription_next(&delivery, subscription, 50, NULL, NULL) != OBS_OK)
            atomic_store(&wrong, __LINE__);
        if (!delivery)
            continue;
        int dice = rand_r(&seed) % 16;
        if (dice == 0) {
            obs_subscription_free(subscription); /* with what it held */
            subscription = join();
        } else if (dice == 1) {
            if (obs_subscription_reject(subscription, delivery->sequence, &again, NULL) != OBS_OK)
                atomic_store(&wrong, __LINE__);
        } else {
            finish(subscription, delivery);
        }
    }
    obs_subscription_free(subscription);
    return NULL;
}

START_TEST(threads_share_a_consumer)
{
    pthread_t members[MEMBERS], publishers[PUBLISHERS];
    unsigned seeds[MEMBERS];
    int firsts[PUBLISHERS];
    begin();
    for (int i = 0; i < MEMBERS; i++) {
        seeds[i] = (unsigned)i + 1;
        ck_assert_int_eq(pthread_create(&members[i], NULL, consume, &seeds[i]), 0);
    }
    for (int i = 0; i < PUBLISHERS; i++) {
        firsts[i] = i;
        ck_assert_int_eq(pthread_create(&publishers[i], NULL, publish_all, &firsts[i]), 0);
    }
    for (int i = 0; i < PUBLISHERS; i++)
        pthread_join(publishers[i], NULL);
    for (int i = 0; i < MEMBERS; i++)
        pthread_join(members[i], NULL);
    ck_assert_msg(!atomic_load(&wrong), "line %d", atomic_load(&wrong));
    for (int i = 0; i < EVENTS; i++)
        ck_assert_msg(atomic_load(&done[i]) == 1, "event %d was done %d times", i, atomic_load(&done[i]));
    end();
}
END_TEST

/* ---- One handle: somebody waits, others say what is done. ---- */

#define PIPED 64

typedef struct pipe {
    obs_subscription *subscription;
    _Atomic uint64_t handed[PIPED];
    atomic_int failed;
} pipe_of;

static void *say_done(void *user)
{
    pipe_of *self = user;
    for (int i = 0; i < PIPED && !atomic_load(&self->failed); i++) {
        while (!atomic_load(&self->handed[i]) && !atomic_load(&self->failed))
            sched_yield();
        if (obs_subscription_acknowledge(self->subscription, atomic_load(&self->handed[i]), NULL) != OBS_OK)
            atomic_store(&self->failed, 1);
    }
    return NULL;
}

START_TEST(one_waits_while_another_acknowledges)
{
    static pipe_of shared;
    pthread_t worker;
    begin();
    shared.subscription = subscribe();
    ck_assert_int_eq(pthread_create(&worker, NULL, say_done, &shared), 0);
    for (int i = 0; i < PIPED; i++) {
        const obs_delivery *delivery = NULL;
        publish(NULL, NULL);
        obs_status status = obs_subscription_next(&delivery, shared.subscription, 20000, NULL, &error);
        if (status != OBS_OK || !delivery) {
            atomic_store(&shared.failed, 1);
            break;
        }
        atomic_store(&shared.handed[i], delivery->sequence);
    }
    pthread_join(worker, NULL);
    ck_assert_int_eq(atomic_load(&shared.failed), 0);
    expect_nothing(shared.subscription);
    obs_subscription_free(shared.subscription);
    end();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {threads_share_a_consumer, one_waits_while_another_acknowledges};
    obs_error_init(&error, sizeof error);
    return test_main("a consumer in threads", tests, sizeof tests / sizeof tests[0]);
}
