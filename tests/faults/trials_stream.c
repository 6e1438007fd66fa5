/* Streams, pages, other stores, results of started operations, and the rest of a unit, for test_public_memory.c. */
#include "faults/trial.h"

#define LARGE 200000
#define PAGES 3

static char bytes[LARGE];

static void put(const char *key, const void *data, size_t size)
{
    ck_assert_ok(obs_store_put(NULL, the_store(), key, OBS_TEXT, data, size, NULL, &error));
}

static void make(void)
{
    put(stage.key, "bytes", 5);
}

/* Several blocks, so that reading goes on after a failure. */
static void make_large(void)
{
    if (!has_object(stage.client, "large"))
        put("large", bytes, LARGE);
}

static obs_status read_all(obs_reader *reader, size_t *all)
{
    static char room[LARGE / 3];
    size_t size = 1;
    obs_status status = OBS_OK;
    while (status == OBS_OK && size) {
        status = obs_reader_read(&size, reader, room, sizeof room, &error);
        *all += status == OBS_OK ? size : 0;
    }
    return status;
}

static obs_status read_stream(void)
{
    obs_reader *reader = NULL;
    size_t all = 0, tail = 0;
    obs_status status = obs_reader_open(&reader, the_store(), "large", OBS_TEXT, NULL, &error);
    if (status == OBS_OK) {
        fits(obs_reader_stat(reader)->size == LARGE, "size of the stream");
        status = read_all(reader, &all);
    }
    if (status == OBS_OK)
        status = obs_reader_seek(reader, LARGE - 10, &error);
    if (status == OBS_OK)
        status = read_all(reader, &tail);
    fits(status != OBS_OK || (all == LARGE && tail == 10), "bytes of the stream");
    obs_reader_free(reader);
    return status;
}

static obs_status get_range(void)
{
    obs_buffer *got = NULL;
    obs_get_options options;
    obs_get_options_init(&options, sizeof options);
    options.offset = 1;
    options.length = 3;
    obs_status status = obs_store_get(&got, the_store(), stage.key, OBS_TEXT, &options, &error);
    fits(status != OBS_OK || (obs_buffer_size(got) == 3 && memcmp(obs_buffer_data(got), "yte", 3) == 0), "range");
    obs_buffer_free(got);
    return status;
}

/* `p/0/a`, `p/1/a` …: one common prefix on each page. */
static void make_pages(void)
{
    char key[16];
    for (int i = 0; i < PAGES && !has_object(stage.client, "p/2/a"); i++) {
        snprintf(key, sizeof key, "p/%d/a", i);
        put(key, "x", 1);
    }
}

static obs_status list_pages(void)
{
    char after[OBS_KEY_MAX + 1] = "";
    size_t found = 0;
    obs_status status = OBS_OK;
    obs_list_options options;
    obs_list_options_init(&options, sizeof options);
    options.delimiter = "/";
    options.limit = 1;
    options.after = after;
    do {
        obs_page *page = NULL;
        status = obs_store_list(&page, the_store(), "p/", &options, &error);
        found += status == OBS_OK ? obs_page_count(page) : 0;
        snprintf(after, sizeof after, "%s", status == OBS_OK ? obs_page_next(page) : "");
        obs_page_free(page);
    } while (*after);
    fits(status != OBS_OK || found == PAGES, "what the pages list");
    return status;
}

/* Put and get in a store that is opened for it. */
static obs_status use_store(const char *url)
{
    obs_store *store = NULL;
    obs_buffer *got = NULL;
    obs_status status = obs_client_store_open(&store, stage.client, url, NULL, &error);
    fits((status == OBS_OK) == (store != NULL), "status and store");
    if (status == OBS_OK)
        status = obs_store_put(NULL, store, "a", OBS_TEXT, "bytes", 5, NULL, &error);
    if (status == OBS_OK)
        status = obs_store_get(&got, store, "a", OBS_TEXT, NULL, &error);
    fits(status != OBS_OK || obs_buffer_size(got) == 5, "bytes of another store");
    obs_buffer_free(got);
    obs_store_free(store);
    return status;
}

static obs_status use_memory(void)
{
    return use_store("mem:trial");
}

static obs_status use_folder(void)
{
    return use_store("file:other");
}

static obs_status finish(obs_queue *queue, obs_operation *operation)
{
    obs_completion done;
    size_t count = 0;
    obs_status status = obs_queue_wait(queue, &done, 1, &count, -1, NULL, &error);
    fits(status != OBS_OK || done.operation == operation, "completion");
    return status;
}

static obs_status take_buffer(void)
{
    obs_queue *queue = NULL;
    obs_operation *operation = NULL;
    obs_buffer *got = NULL;
    obs_status status = obs_queue_new(&queue, &error);
    if (status == OBS_OK)
        status = obs_store_get_start(&operation, queue, 1, the_store(), stage.key, OBS_TEXT, NULL, &error);
    if (status == OBS_OK)
        status = finish(queue, operation);
    if (status == OBS_OK)
        status = obs_operation_take_buffer(&got, operation, &error);
    fits(status != OBS_OK || obs_buffer_size(got) == 5, "bytes taken");
    obs_buffer_free(got);
    obs_operation_free(operation);
    obs_queue_free(queue);
    return status;
}

static obs_status take_stat(void)
{
    obs_queue *queue = NULL;
    obs_operation *operation = NULL;
    obs_stat *stat = NULL;
    obs_status status = obs_queue_new(&queue, &error);
    if (status == OBS_OK)
        status = obs_store_head_start(&operation, queue, 1, the_store(), stage.key, OBS_TEXT, NULL, &error);
    if (status == OBS_OK)
        status = finish(queue, operation);
    if (status == OBS_OK)
        status = obs_operation_take_stat(&stat, operation, &error);
    fits(status != OBS_OK || stat->size == 5, "stat taken");
    obs_stat_free(stat);
    obs_operation_free(operation);
    obs_queue_free(queue);
    return status;
}

/* A token that is set, in a call that would otherwise wait for ever. */
static obs_status cancel(void)
{
    obs_cancel *token = NULL;
    obs_queue *queue = NULL;
    obs_completion done;
    size_t count = 0;
    obs_status status = obs_cancel_new(&token, &error);
    if (status == OBS_OK)
        status = obs_queue_new(&queue, &error);
    if (status == OBS_OK) {
        obs_cancel_set(token);
        status = obs_queue_wait(queue, &done, 1, &count, -1, token, &error);
        fits(status == OBS_CANCELLED, "a wait that was cancelled");
        status = status == OBS_CANCELLED ? OBS_OK : status;
    }
    obs_queue_free(queue);
    obs_cancel_free(token);
    return status;
}

/* An object that goes, one that gets a label, and an event that is acknowledged, together. */
static void make_rest(void)
{
    obs_event event;
    obs_event_init(&event, sizeof event);
    event.type = "org.example.made";
    event.subject = stage.key;
    make();
    put("kept", "x", 1);
    ck_assert_ok(obs_bus_publish(NULL, obs_client_bus(stage.client), &event, NULL, &error));
}

static obs_status subscribe(obs_subscription **out, const obs_delivery **delivery)
{
    obs_subscribe_options options;
    obs_subscribe_options_init(&options, sizeof options);
    options.subject = stage.key;
    obs_status status = obs_bus_subscribe(out, obs_client_bus(stage.client), stage.name, &options, &error);
    return status == OBS_OK ? obs_subscription_next(delivery, *out, 0, NULL, &error) : status;
}

static obs_status unit_rest(void)
{
    const obs_pair label = {"seen", stage.name};
    obs_unit *unit = NULL;
    obs_subscription *subscription = NULL;
    const obs_delivery *delivery = NULL;
    obs_status status = subscribe(&subscription, &delivery);
    fits(status != OBS_OK || delivery, "no event");
    if (status == OBS_OK)
        status = obs_unit_begin(&unit, stage.client, NULL, &error);
    if (status == OBS_OK)
        status = obs_unit_delete(unit, stage.key, OBS_TEXT, NULL, &error);
    if (status == OBS_OK)
        status = obs_unit_label(unit, "kept", OBS_TEXT, &label, 1, &error);
    if (status == OBS_OK && delivery)
        status = obs_unit_acknowledge(unit, subscription, delivery->sequence, &error);
    if (status == OBS_OK)
        status = obs_unit_commit(unit, &error);
    obs_unit_free(unit);
    obs_subscription_free(subscription);
    return status;
}

/* All three or none. */
static int is_rest_done(void)
{
    char query[80];
    obs_subscription *subscription = NULL;
    const obs_delivery *delivery = NULL;
    snprintf(query, sizeof query, "seen=%s", stage.name);
    int gone = !has_object(stage.client, stage.key);
    ck_assert_int_eq(count_entries(stage.client, query) == 1, gone);
    ck_assert_ok(subscribe(&subscription, &delivery));
    ck_assert_int_eq(delivery == NULL, gone);
    obs_subscription_free(subscription);
    return gone;
}

obs_error *stream_error(void)
{
    obs_error_init(&error, sizeof error);
    return &error;
}

const struct trial stream_trials[] = {{"reader", make_large, read_stream, NULL},
                                      {"range", make, get_range, NULL},
                                      {"pages", make_pages, list_pages, NULL},
                                      {"memory", NULL, use_memory, NULL},
                                      {"folder", NULL, use_folder, NULL},
                                      {"take_buffer", make, take_buffer, NULL},
                                      {"take_stat", make, take_stat, NULL},
                                      {"cancel", NULL, cancel, NULL},
                                      {"unit_rest", make_rest, unit_rest, is_rest_done},
                                      {0}};
