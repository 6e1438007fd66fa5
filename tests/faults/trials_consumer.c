/* The calls on consumers: batches, giving back, dead letters, pauses; for test_public_memory.c. */
#include "faults/trial.h"

#define EVENTS 3

static obs_bus *the_bus(void)
{
    return obs_client_bus(stage.client);
}

static void make_events(int count)
{
    obs_event event;
    obs_event_init(&event, sizeof event);
    event.type = "org.example.made";
    event.subject = stage.key;
    for (int i = 0; i < count; i++)
        ck_assert_ok(obs_bus_publish(NULL, the_bus(), &event, NULL, &error));
}

static void make_some(void)
{
    make_events(EVENTS);
}

static obs_status subscribe(obs_subscription **out)
{
    obs_subscribe_options options;
    obs_subscribe_options_init(&options, sizeof options);
    options.subject = stage.key;
    return obs_bus_subscribe(out, the_bus(), stage.name, &options, &error);
}

/* What is left of this attempt's events. */
static int are_acknowledged(void)
{
    obs_subscription *subscription = NULL;
    const obs_delivery *delivery = NULL;
    ck_assert_ok(subscribe(&subscription));
    ck_assert_ok(obs_subscription_next(&delivery, subscription, 0, NULL, &error));
    obs_subscription_free(subscription);
    return delivery == NULL;
}

static obs_status acknowledge(size_t *total, obs_subscription *subscription, const obs_deliveries *deliveries)
{
    uint64_t sequences[EVENTS];
    size_t count = obs_deliveries_count(deliveries), done = 0;
    fits(count >= 1 && count <= EVENTS, "how many come together");
    for (size_t i = 0; i < count && i < EVENTS; i++)
        sequences[i] = obs_deliveries_at(deliveries, i)->sequence;
    obs_status status = obs_subscription_acknowledge_many(&done, subscription, sequences, count, &error);
    fits(done == (status == OBS_OK ? count : 0), "how many are done");
    *total += done;
    return status;
}

/* What fails behind the first event is told by the next call. */
static obs_status batch(void)
{
    obs_subscription *subscription = NULL;
    size_t total = 0;
    obs_status status = subscribe(&subscription);
    while (status == OBS_OK && total < EVENTS && !stage.odd) {
        obs_deliveries *deliveries = NULL;
        status = obs_subscription_next_many(&deliveries, subscription, 8, 0, NULL, &error);
        fits((status == OBS_OK) == (deliveries != NULL), "status and events");
        if (status == OBS_OK)
            status = acknowledge(&total, subscription, deliveries);
        obs_deliveries_free(deliveries);
    }
    obs_subscription_free(subscription);
    return status;
}

static obs_status take_started(size_t *total, obs_queue *queue, obs_subscription *subscription)
{
    obs_operation *operation = NULL;
    obs_deliveries *deliveries = NULL;
    obs_completion done;
    size_t count = 0;
    obs_status status = obs_subscription_next_start(&operation, queue, 1, subscription, 8, -1, &error);
    if (status == OBS_OK)
        status = obs_queue_wait(queue, &done, 1, &count, -1, NULL, &error);
    if (status == OBS_OK)
        status = obs_operation_take_deliveries(&deliveries, operation, &error);
    if (status == OBS_OK)
        status = acknowledge(total, subscription, deliveries);
    obs_deliveries_free(deliveries);
    obs_operation_free(operation);
    return status;
}

static obs_status through_queue(void)
{
    obs_subscription *subscription = NULL;
    obs_queue *queue = NULL;
    size_t total = 0;
    obs_status status = obs_queue_new(&queue, &error);
    if (status == OBS_OK)
        status = subscribe(&subscription);
    while (status == OBS_OK && total < EVENTS && !stage.odd)
        status = take_started(&total, queue, subscription);
    obs_subscription_free(subscription);
    obs_queue_free(queue);
    return status;
}

/* ---- Dead letters. ---- */

static obs_status reject(void)
{
    obs_subscription *subscription = NULL;
    const obs_delivery *delivery = NULL;
    obs_reject_options options;
    obs_reject_options_init(&options, sizeof options);
    options.dead = 1;
    options.reason = "no link";
    obs_status status = subscribe(&subscription);
    if (status == OBS_OK)
        status = obs_subscription_next(&delivery, subscription, 0, NULL, &error);
    fits(status != OBS_OK || delivery, "no event");
    if (status == OBS_OK && delivery)
        status = obs_subscription_reject(subscription, delivery->sequence, &options, &error);
    obs_subscription_free(subscription);
    return status;
}

static void make_one(void)
{
    make_events(1);
}

static void make_dead(void)
{
    make_events(1);
    ck_assert_ok(reject());
}

static size_t dead_letters(void)
{
    obs_rows *rows = NULL;
    ck_assert_ok(obs_bus_dead_letters(&rows, the_bus(), stage.name, NULL, &error));
    return count_rows(rows, "no link");
}

static int is_dead(void)
{
    return dead_letters() == 1;
}

static int is_not_dead(void)
{
    return dead_letters() == 0;
}

static obs_status list_dead(void)
{
    obs_rows *rows = NULL;
    size_t found = 0;
    obs_status status = obs_bus_dead_letters(&rows, the_bus(), stage.name, NULL, &error);
    if (status == OBS_OK)
        status = count_quietly(rows, &found);
    fits(status != OBS_OK || found == 1, "dead letters");
    return status;
}

static obs_status replay(void)
{
    uint64_t count = 0;
    obs_status status = obs_bus_replay(&count, the_bus(), stage.name, 0, NULL, &error);
    fits(status != OBS_OK || count == 1, "how many are replayed");
    return status;
}

static obs_status discard(void)
{
    uint64_t count = 0;
    obs_status status = obs_bus_discard(&count, the_bus(), stage.name, 0, NULL, &error);
    fits(status != OBS_OK || count == 1, "how many are discarded");
    return status;
}

/* ---- Consumers: always the same ones, so that their list stays short. ---- */

static void make_consumer(void)
{
    obs_subscription *subscription = NULL;
    ck_assert_ok(obs_bus_subscribe(&subscription, the_bus(), "lasting", NULL, &error));
    obs_subscription_free(subscription);
    ck_assert_ok(obs_bus_resume(the_bus(), "lasting", NULL, &error));
}

static void make_paused(void)
{
    make_consumer();
    ck_assert_ok(obs_bus_pause(the_bus(), "lasting", 0, "maintenance", NULL, &error));
}

static size_t consumers(const char *part)
{
    obs_rows *rows = NULL;
    ck_assert_ok(obs_bus_consumers(&rows, the_bus(), NULL, &error));
    return count_rows(rows, part);
}

static obs_status pause_it(void)
{
    return obs_bus_pause(the_bus(), "lasting", 0, "maintenance", NULL, &error);
}

static obs_status resume(void)
{
    return obs_bus_resume(the_bus(), "lasting", NULL, &error);
}

static obs_status remove_it(void)
{
    return obs_bus_remove(the_bus(), "lasting", NULL, &error);
}

static obs_status list_consumers(void)
{
    obs_rows *rows = NULL;
    size_t found = 0;
    obs_status status = obs_bus_consumers(&rows, the_bus(), NULL, &error);
    if (status == OBS_OK)
        status = count_quietly(rows, &found);
    fits(status != OBS_OK || found == 1, "consumers");
    return status;
}

static int is_paused(void)
{
    return consumers("\"paused\"") == 1;
}

static int is_resumed(void)
{
    return !is_paused();
}

static int is_removed(void)
{
    return consumers(NULL) == 0;
}

obs_error *consumer_error(void)
{
    obs_error_init(&error, sizeof error);
    return &error;
}

const struct trial consumer_trials[] = {{"next_many", make_some, batch, are_acknowledged},
                                        {"through_queue", make_some, through_queue, are_acknowledged},
                                        {"reject", make_one, reject, is_dead},
                                        {"list_dead", make_dead, list_dead, NULL},
                                        {"replay", make_dead, replay, is_not_dead},
                                        {"discard", make_dead, discard, is_not_dead},
                                        {"pause", make_consumer, pause_it, is_paused},
                                        {"resume", make_paused, resume, is_resumed},
                                        {"remove", make_consumer, remove_it, is_removed},
                                        {"consumers", make_consumer, list_consumers, NULL},
                                        {0}};
