/*
 * fork() in the middle of work. A child that inherits every kind of handle frees them all and opens anew; its parent goes on
 * with each of them and keeps its locks. And a process whose threads are inside calls forks 200 times: no child waits for a
 * lock that nobody will give back.
 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "client/workspace.h"
#include "faults/calls.h"

#define FORKS 200
#define CHILD_SECONDS 300
#define LARGE 300000
#define PENDING 24
#define ENTRIES 300

static char large[LARGE];

/* One of each handle, all of them in use. */
typedef struct handles {
    calls_space space; /* client, queue, and a subscription with an event that is not acknowledged */
    obs_client *guest; /* acts for somebody else in another tenant */
    obs_store *memory;
    obs_store *shared;
    obs_writer *writer; /* has written more than stays in memory */
    obs_reader *reader; /* is in the middle */
    obs_unit *unit;     /* has a small and a large object, an event and a deletion */
    obs_rows *found;    /* some rows were taken */
    obs_rows *trail;
    obs_page *page;
    obs_buffer *bytes;
    obs_stat *stat;
    obs_cancel *cancel;
    obs_function *function; /* handles an event by hand, with a configuration and an output */
    obs_function_call *call;
    obs_operation *operations[PENDING];
    size_t started;
    obs_queue *quiet;
    obs_operation *waiting; /* for an event that does not come */
} handles;

/* AddressSanitizer's allocator can be locked for ever in a child, ThreadSanitizer cannot start a thread there. */
static int is_sanitized(void)
{
#if defined __SANITIZE_THREAD__ || defined __SANITIZE_ADDRESS__
    test_skipped("a fork beside threads", "the allocators of sanitizers do not survive it");
    return 1;
#else
    return 0;
#endif
}

static void open_services(handles *all)
{
    char url[512];
    obs_as_options options;
    obs_as_options_init(&options, sizeof options);
    options.subject = "user:guest";
    options.tenant = "other";
    calls_open(&all->space, new_workspace());
    calls_prepare(&all->space, 1);
    ck_assert_ok(obs_tenant_create(all->space.client, "other", NULL, &error));
    ck_assert_ok(obs_client_as(&all->guest, all->space.client, &options, &error));
    ck_assert_ok(obs_client_store_open(&all->memory, all->space.client, "mem:fork", NULL, &error));
    snprintf(url, sizeof url, "file:%s", test_path(test_folder(), "shared"));
    ck_assert_ok(obs_client_store_open(&all->shared, all->space.client, url, NULL, &error));
}

static void begin_reading(handles *all)
{
    const char *row;
    char room[1000];
    size_t size;
    obs_store *store = all->space.store;
    obs_search_options options;
    obs_search_options_init(&options, sizeof options);
    calls_read(&all->space, "parent", NULL);
    ck_assert_ok(obs_store_put(NULL, store, "kept/large", OBS_TEXT, large, LARGE, NULL, &error));
    ck_assert_ok(
        obs_store_put(NULL, all->guest ? obs_client_store(all->guest) : store, "kept/guest", OBS_TEXT, "g", 1, NULL, &error));
    ck_assert_ok(obs_store_put(NULL, all->memory, "kept", OBS_TEXT, "m", 1, NULL, &error));
    ck_assert_ok(obs_store_put(NULL, all->shared, "kept", OBS_TEXT, "s", 1, NULL, &error));
    for (int i = 0; i < ENTRIES; i++) {
        snprintf(room, sizeof room, "{\"mag\":%d}", i);
        ck_assert_ok(obs_ingest_record(NULL, all->space.client, "test.mag", room, OBS_TEXT, NULL, &error));
    }
    ck_assert_ok(obs_reader_open(&all->reader, store, "kept/large", OBS_TEXT, NULL, &error));
    ck_assert_ok(obs_reader_read(&size, all->reader, room, sizeof room, &error));
    ck_assert_ok(obs_catalog_search(&all->found, obs_client_catalog(all->space.client), "kind=record", &options, &error));
    ck_assert_ok(obs_rows_next(all->found, &row, NULL, &error));
    ck_assert_ok(obs_audit_query(&all->trail, obs_client_audit(all->space.client), NULL, &error));
    ck_assert_ok(obs_rows_next(all->trail, &row, NULL, &error));
    ck_assert_ok(obs_store_list(&all->page, store, "", NULL, &error));
    ck_assert_ok(obs_store_get(&all->bytes, store, "kept/a", OBS_TEXT, NULL, &error));
    ck_assert_ok(obs_store_head(&all->stat, store, "kept/a", OBS_TEXT, NULL, &error));
}

static void begin_function(handles *all)
{
    obs_config *config;
    ck_assert_int_eq(setenv("OBS_WORKSPACE", all->space.path, 1), 0);
    ck_assert_ok(obs_function_open(&all->function, "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/x\",\"type\":\"t\"}",
                                   OBS_TEXT, &error));
    ck_assert_ok(obs_function_next(&all->call, all->function, &error));
    ck_assert_ok(obs_function_config(&config, all->call, &error));
    ck_assert_ok(obs_function_put(all->call, "made", OBS_TEXT, "x", 1, NULL, &error));
}

static void end_function(handles *all)
{
    obs_buffer *made = NULL, *bytes = NULL;
    ck_assert_ok(obs_function_get(&bytes, all->call, "kept/a", OBS_TEXT, &error));
    obs_buffer_free(bytes);
    ck_assert_ok(obs_function_finish(&made, all->call, OBS_OK, NULL, &error));
    ck_assert(strstr(obs_buffer_data(made), "\"do\":\"configuration\"") && strstr(obs_buffer_data(made), "\"do\":\"input\""));
    obs_buffer_free(made);
}

static void begin_writing(handles *all)
{
    obs_event event;
    obs_event_init(&event, sizeof event);
    event.type = "test.unit";
    ck_assert_ok(obs_cancel_new(&all->cancel, &error));
    ck_assert_ok(obs_writer_open(&all->writer, all->space.store, "new/writer", OBS_TEXT, NULL, &error));
    ck_assert_ok(obs_writer_write(all->writer, large, LARGE / 2, &error));
    ck_assert_ok(obs_unit_begin(&all->unit, all->space.client, NULL, &error));
    ck_assert_ok(obs_unit_put(all->unit, "new/unit/small", OBS_TEXT, "x", 1, NULL, &error));
    ck_assert_ok(obs_unit_put(all->unit, "new/unit/large", OBS_TEXT, large, LARGE, NULL, &error));
    ck_assert_ok(obs_unit_publish(all->unit, &event, NULL, &error));
    ck_assert_ok(obs_unit_delete(all->unit, "doomed/unit-1", OBS_TEXT, NULL, &error));
    ck_assert_ok(obs_queue_new(&all->quiet, &error));
    ck_assert_ok(obs_subscription_next_start(&all->waiting, all->quiet, 0, all->space.reader, 4, -1, &error));
    for (all->started = 0; all->started < PENDING; all->started++) {
        char key[32];
        snprintf(key, sizeof key, "new/started/%zu", all->started);
        ck_assert_ok(obs_store_put_start(&all->operations[all->started], all->space.queue, all->started, all->space.store, key,
                                         OBS_TEXT, large, LARGE, NULL, &error));
    }
}

/* In one order or the other. */
static void free_all(handles *all, int backwards)
{
    if (backwards)
        obs_client_close(all->space.client);
    for (size_t i = 0; i < all->started; i++)
        obs_operation_free(all->operations[i]);
    obs_operation_free(all->waiting);
    obs_unit_free(all->unit);
    obs_writer_free(all->writer);
    obs_reader_free(all->reader);
    obs_rows_free(all->found);
    obs_rows_free(all->trail);
    obs_page_free(all->page);
    obs_buffer_free(all->bytes);
    obs_stat_free(all->stat);
    obs_subscription_free(all->space.reader);
    obs_queue_free(all->space.queue);
    obs_queue_free(all->quiet);
    obs_store_free(all->memory);
    obs_store_free(all->shared);
    obs_client_close(all->guest);
    obs_cancel_free(all->cancel);
    obs_function_free(all->function);
    if (!backwards)
        obs_client_close(all->space.client);
}

/* The number of the step that went wrong, or 0. */
static int use_anew(const char *path, const char *key)
{
    obs_client *client = NULL;
    obs_buffer *bytes = NULL;
    obs_rows *rows = NULL;
    obs_open_options options;
    obs_event event;
    int step = 1;
    obs_open_options_init(&options, sizeof options);
    obs_event_init(&event, sizeof event);
    options.workspace = path;
    event.type = "test.child";
    if (obs_client_open(&client, &options, &error) == OBS_OK && ++step &&
        obs_store_put(NULL, obs_client_store(client), key, OBS_TEXT, large, LARGE, NULL, &error) == OBS_OK && ++step &&
        obs_store_get(&bytes, obs_client_store(client), key, OBS_TEXT, NULL, &error) == OBS_OK && ++step &&
        obs_bus_publish(NULL, obs_client_bus(client), &event, NULL, &error) == OBS_OK && ++step &&
        obs_ingest_record(NULL, client, "test.mag", "{\"mag\":2}", OBS_TEXT, NULL, &error) == OBS_OK && ++step &&
        obs_audit_query(&rows, obs_client_audit(client), NULL, &error) == OBS_OK)
        step = 0;
    obs_rows_free(rows);
    obs_buffer_free(bytes);
    obs_client_close(client);
    return step;
}

/* What the parent holds cannot be taken, and what it began cannot be ended here. */
static int check_inherited(handles *all)
{
    obs_subscription *taken = NULL;
    const obs_delivery *delivery;
    obs_deliveries *several = NULL;
    obs_operation *started = NULL;
    obs_subscribe_options alone;
    obs_subscribe_options_init(&alone, sizeof alone);
    alone.exclusive = 1;
    if (obs_bus_subscribe(&taken, obs_client_bus(all->space.client), "parent", &alone, &error) != OBS_ABORTED)
        return 31;
    if (obs_subscription_next(&delivery, all->space.reader, 0, NULL, &error) != OBS_FAILED_PRECONDITION ||
        obs_subscription_acknowledge(all->space.reader, all->space.sequence, &error) != OBS_FAILED_PRECONDITION ||
        obs_subscription_reject(all->space.reader, all->space.sequence, NULL, &error) != OBS_FAILED_PRECONDITION)
        return 32;
    if (obs_subscription_next_many(&several, all->space.reader, 4, 0, NULL, &error) != OBS_FAILED_PRECONDITION ||
        obs_subscription_next_start(&started, all->space.queue, 1, all->space.reader, 4, 0, &error) !=
            OBS_FAILED_PRECONDITION ||
        obs_operation_take_deliveries(&several, all->waiting, &error) != OBS_FAILED_PRECONDITION ||
        obs_subscription_acknowledge_many(NULL, all->space.reader, &all->space.sequence, 1, &error) !=
            OBS_FAILED_PRECONDITION ||
        obs_subscription_acknowledge_all(all->space.reader, all->space.sequence, &error) != OBS_FAILED_PRECONDITION)
        return 36;
    if (obs_unit_put(all->unit, "child", OBS_TEXT, "x", 1, NULL, &error) != OBS_FAILED_PRECONDITION ||
        obs_unit_commit(all->unit, &error) != OBS_FAILED_PRECONDITION)
        return 33;
    if (obs_writer_write(all->writer, "x", 1, &error) != OBS_FAILED_PRECONDITION ||
        obs_writer_commit(NULL, all->writer, &error) != OBS_FAILED_PRECONDITION)
        return 34;
    obs_config *config;
    if (obs_function_config(&config, all->call, &error) != OBS_FAILED_PRECONDITION ||
        obs_function_put(all->call, "child", OBS_TEXT, "x", 1, NULL, &error) != OBS_FAILED_PRECONDITION ||
        obs_function_finish(NULL, all->call, OBS_OK, NULL, &error) != OBS_FAILED_PRECONDITION)
        return 37;
    if (obs_store_put(NULL, all->space.store, "inherited", OBS_TEXT, "x", 1, NULL, &error) != OBS_OK ||
        obs_store_put(NULL, all->shared, "inherited", OBS_TEXT, "x", 1, NULL, &error) != OBS_OK ||
        obs_store_put(NULL, all->memory, "inherited", OBS_TEXT, "x", 1, NULL, &error) != OBS_OK ||
        obs_store_put(NULL, obs_client_store(all->guest), "inherited", OBS_TEXT, "x", 1, NULL, &error) != OBS_OK)
        return 35;
    return 0;
}

static void live_shortly(void)
{
    signal(SIGALRM, SIG_DFL);
    alarm(CHILD_SECONDS); /* a child that waits for ever is killed, and seen */
}

static void expect_child(pid_t child)
{
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(!WIFSIGNALED(status), "a child was ended by signal %d", WTERMSIG(status));
    ck_assert_msg(WEXITSTATUS(status) == 0, "a child failed in step %d", WEXITSTATUS(status));
}

static void fork_child(handles *all, int number)
{
    pid_t child = fork();
    if (child == 0) {
        char key[32];
        live_shortly();
        int step = number >= 2 ? check_inherited(all) : 0;
        const char *path = all->space.path;
        free_all(all, number & 1);
        snprintf(key, sizeof key, "child/%d", number);
        if (!step)
            step = use_anew(path, key);
        if (step)
            fprintf(stderr, "step %d: %s (%s)\n", step, error.message, error.detail);
        _exit(step);
    }
    ck_assert_int_gt(child, 0);
    expect_child(child);
}

static void end_operations(handles *all)
{
    obs_completion done[PENDING];
    for (size_t taken = 0, count; taken < PENDING; taken += count) {
        ck_assert_ok(obs_queue_wait(all->space.queue, done, PENDING, &count, 120000, NULL, &error));
        ck_assert_uint_gt(count, 0);
        for (size_t i = 0; i < count; i++)
            ck_assert_int_eq(done[i].status, OBS_OK);
    }
}

/* The parent ends what it had begun. */
static void end_all(handles *all)
{
    obs_buffer *bytes = NULL;
    obs_store *store = all->space.store;
    static char room[LARGE];
    size_t size;
    end_operations(all);
    ck_assert_ok(obs_writer_write(all->writer, large, LARGE / 2, &error));
    ck_assert_ok(obs_writer_commit(NULL, all->writer, &error));
    ck_assert_ok(obs_unit_commit(all->unit, &error));
    ck_assert_ok(obs_subscription_acknowledge(all->space.reader, all->space.sequence, &error));
    ck_assert_ok(obs_reader_read(&size, all->reader, room, LARGE - 1000, &error));
    ck_assert_uint_eq(size, LARGE - 1000);
    ck_assert_uint_ge(count_rows(all->found, NULL), ENTRIES - 1);
    ck_assert_uint_ge(count_rows(all->trail, NULL), ENTRIES);
    all->found = all->trail = NULL;
    const char *const keys[] = {"new/writer", "new/unit/large", "new/started/0", "new/started/23", "kept/large"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        ck_assert_ok(obs_store_get(&bytes, store, keys[i], OBS_TEXT, NULL, &error));
        ck_assert_uint_eq(obs_buffer_size(bytes), LARGE);
        obs_buffer_free(bytes);
    }
    ck_assert(has_object(all->space.client, "new/unit/small"));
    ck_assert(!has_object(all->space.client, "doomed/unit-1"));
    ck_assert_ok(obs_store_put(NULL, all->shared, "more", OBS_TEXT, "s", 1, NULL, &error));
    ck_assert_ok(obs_store_put(NULL, all->memory, "more", OBS_TEXT, "m", 1, NULL, &error));
    ck_assert_ok(obs_store_put(NULL, obs_client_store(all->guest), "more", OBS_TEXT, "g", 1, NULL, &error));
}

static void expect_no_problem(obs_client *client)
{
    obs_rows *rows;
    const char *text;
    ck_assert_ok(obs_workspace_check(&rows, client, OBS_CHECK_ONLY, NULL, &error));
    for (;;) {
        ck_assert_ok(obs_rows_next(rows, &text, NULL, &error));
        if (!text)
            break;
        ck_assert_msg(!strstr(text, "\"problem\":") || strstr(text, "outside/a-1"), "%s", text);
    }
    obs_rows_free(rows);
}

START_TEST(every_handle)
{
    if (is_sanitized())
        return;
    handles all = {0};
    open_services(&all);
    begin_reading(&all);
    begin_writing(&all);
    begin_function(&all);
    for (int i = 0; i < 4; i++)
        fork_child(&all, i);
    end_all(&all);
    end_function(&all);
    expect_no_problem(all.space.client);
    free_all(&all, 0);
}
END_TEST

static handles busy;
static atomic_int stop;
static atomic_int failures;
static atomic_int turns;

static void expect_fine(obs_status status, const char *what, const obs_error *own)
{
    atomic_fetch_add(&turns, 1);
    if (status == OBS_OK)
        return;
    fprintf(stderr, "%s: %s (%s)\n", what, own->message, own->detail);
    atomic_fetch_add(&failures, 1);
}

static void *keep_putting(void *name)
{
    char key[64];
    obs_error own;
    obs_error_init(&own, sizeof own);
    for (int i = 0; !atomic_load(&stop); i++) {
        snprintf(key, sizeof key, "%s/%d", (const char *)name, i % 20);
        expect_fine(obs_store_put(NULL, busy.space.store, key, OBS_TEXT, large, i % 4 ? 10 : 100000, NULL, &own), key, &own);
        expect_fine(obs_store_put(NULL, busy.shared, key, OBS_TEXT, "x", 1, NULL, &own), "shared", &own);
        expect_fine(obs_store_put(NULL, busy.memory, key, OBS_TEXT, "x", 1, NULL, &own), "memory", &own);
    }
    return NULL;
}

static void *keep_reading(void *ignored)
{
    obs_error own;
    (void)ignored;
    obs_error_init(&own, sizeof own);
    while (!atomic_load(&stop)) {
        obs_buffer *bytes = NULL;
        obs_rows *rows = NULL;
        const char *row;
        expect_fine(obs_store_get(&bytes, busy.space.store, "kept/large", OBS_TEXT, NULL, &own), "get", &own);
        expect_fine(obs_catalog_search(&rows, obs_client_catalog(busy.space.client), "mag>100", NULL, &own), "search", &own);
        expect_fine(obs_rows_next(rows, &row, NULL, &own), "row", &own);
        expect_fine(obs_ingest_record(NULL, busy.space.client, "test.mag", "{\"mag\":7}", OBS_TEXT, NULL, &own), "record",
                    &own);
        obs_buffer_free(bytes);
        obs_rows_free(rows);
    }
    return NULL;
}

static void *keep_opening(void *ignored)
{
    obs_error own;
    (void)ignored;
    obs_error_init(&own, sizeof own);
    obs_open_options options;
    obs_as_options as;
    obs_open_options_init(&options, sizeof options);
    obs_as_options_init(&as, sizeof as);
    options.workspace = busy.space.path;
    options.tenant = "other";
    as.subject = "user:guest";
    while (!atomic_load(&stop)) {
        obs_client *client = NULL, *guest = NULL;
        obs_store *store = NULL;
        expect_fine(obs_client_open(&client, &options, &own), "open", &own);
        expect_fine(obs_client_as(&guest, client, &as, &own), "as", &own);
        expect_fine(obs_client_store_open(&store, client, "file:more", NULL, &own), "store", &own);
        expect_fine(obs_store_put(NULL, store, "x", OBS_TEXT, "x", 1, NULL, &own), "more", &own);
        obs_client_close(client);
        obs_store_free(store);
        obs_client_close(guest);
    }
    return NULL;
}

static void *keep_consuming(void *ignored)
{
    obs_error own;
    (void)ignored;
    obs_error_init(&own, sizeof own);
    while (!atomic_load(&stop)) {
        obs_operation *operation = NULL;
        obs_completion done;
        const obs_delivery *delivery = NULL;
        size_t count = 0;
        expect_fine(obs_subscription_next(&delivery, busy.space.reader, 0, NULL, &own), "next", &own);
        if (delivery)
            expect_fine(obs_subscription_acknowledge(busy.space.reader, delivery->sequence, &own), "acknowledge", &own);
        expect_fine(obs_store_put_start(&operation, busy.space.queue, 1, busy.space.store, "async/a", OBS_TEXT, large, 70000,
                                        NULL, &own),
                    "start", &own);
        expect_fine(obs_queue_wait(busy.space.queue, &done, 1, &count, 120000, NULL, &own), "wait", &own);
        obs_operation_free(operation);
    }
    return NULL;
}

static int use_inherited(void)
{
    obs_buffer *bytes = NULL;
    obs_rows *rows = NULL;
    const char *row;
    int step = 11;
    if (obs_store_put(NULL, busy.space.store, "child/inherited", OBS_TEXT, large, 70000, NULL, &error) == OBS_OK && ++step &&
        obs_store_get(&bytes, busy.space.store, "kept/large", OBS_TEXT, NULL, &error) == OBS_OK && ++step &&
        obs_store_put(NULL, busy.shared, "child", OBS_TEXT, "x", 1, NULL, &error) == OBS_OK && ++step &&
        obs_store_put(NULL, busy.memory, "child", OBS_TEXT, "x", 1, NULL, &error) == OBS_OK && ++step &&
        obs_ingest_record(NULL, busy.space.client, "test.mag", "{\"mag\":8}", OBS_TEXT, NULL, &error) == OBS_OK && ++step &&
        obs_catalog_search(&rows, obs_client_catalog(busy.space.client), "mag>100", NULL, &error) == OBS_OK && ++step &&
        obs_rows_next(rows, &row, NULL, &error) == OBS_OK)
        step = 0;
    obs_rows_free(rows);
    obs_buffer_free(bytes);
    return step;
}

static void fork_busy(int number)
{
    pid_t child = fork();
    if (child == 0) {
        live_shortly();
        int step = number % 2 ? use_inherited() : 0;
        if (number % 3 == 0)
            free_all(&busy, number & 1);
        if (!step)
            step = use_anew(busy.space.path, "child/anew");
        if (step)
            fprintf(stderr, "step %d: %s (%s)\n", step, error.message, error.detail);
        _exit(step);
    }
    ck_assert_int_gt(child, 0);
    expect_child(child);
}

START_TEST(threads_inside_calls)
{
    if (is_sanitized())
        return;
    void *(*const work[])(void *) = {keep_putting, keep_putting, keep_reading, keep_opening, keep_consuming};
    static char *const names[] = {"busy/1", "busy/2", NULL, NULL, NULL};
    pthread_t threads[sizeof work / sizeof work[0]];
    open_services(&busy);
    begin_reading(&busy);
    for (size_t i = 0; i < sizeof work / sizeof work[0]; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, work[i], names[i]), 0);
    for (int i = 0; i < FORKS && !atomic_load(&failures); i++)
        fork_busy(i);
    atomic_store(&stop, 1);
    for (size_t i = 0; i < sizeof work / sizeof work[0]; i++)
        pthread_join(threads[i], NULL);
    ck_assert_int_eq(atomic_load(&failures), 0);
    ck_assert_int_gt(atomic_load(&turns), FORKS);
    expect_no_problem(busy.space.client);
    free_all(&busy, 0);
}
END_TEST

int main(void)
{
    const TTest *tests[] = {every_handle, threads_inside_calls};
    obs_error_init(&error, sizeof error);
    memset(large, 'o', sizeof large);
    return test_main("faults/fork", tests, sizeof tests / sizeof tests[0]);
}
