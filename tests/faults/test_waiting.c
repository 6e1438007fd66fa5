/*
 * Every call that can wait ends in time: another process holds the writer lock of a tenant, the lock of a store that tenants
 * share, or a consumer; each call is made with little time and is cancelled by another thread. Nothing of it is done, and
 * once the lock is free everything goes on in the same client.
 */
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "client/workspace.h"
#include "faults/calls.h"

#define TIMEOUT_MS 100
#define CANCEL_AFTER_MS 30
#define BOUND_MS 25000 /* far more than it takes, as this process may stand still meanwhile; the default is 30,000 */

static calls_space space;
static obs_store *shared; /* outside of the workspace: other tenants may write it, too */

/* Another process that holds a lock. */
typedef struct holder {
    pid_t pid;
    int ready[2];
} holder;

static holder hold(const char *file)
{
    holder made;
    char byte;
    ck_assert_int_eq(pipe2(made.ready, O_CLOEXEC), 0);
    made.pid = fork();
    if (made.pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        int fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        struct flock first = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1}; /* what the members of a consumer lock */
        if (fd < 0 || flock(fd, LOCK_EX) != 0 || fcntl(fd, F_OFD_SETLK, &first) != 0 || write(made.ready[1], "x", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    ck_assert_int_eq(read(made.ready[0], &byte, 1), 1);
    return made;
}

static void let_go(holder *held)
{
    kill(held->pid, SIGKILL);
    waitpid(held->pid, NULL, 0);
    close(held->ready[0]);
    close(held->ready[1]);
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void *set_later(void *cancel)
{
    const struct timespec pause = {0, CANCEL_AFTER_MS * 1000000L};
    nanosleep(&pause, NULL);
    obs_cancel_set(cancel);
    return NULL;
}

static obs_status query_audit(calls_space *at, const obs_call *call, obs_error *failed)
{
    obs_rows *rows = NULL;
    obs_audit_options options;
    obs_audit_options_init(&options, sizeof options);
    options.call = call;
    obs_status status = obs_audit_query(&rows, obs_client_audit(at->client), &options, failed);
    obs_rows_free(rows);
    return status;
}

static obs_status check_workspace(calls_space *at, const obs_call *call, obs_error *failed)
{
    obs_rows *rows = NULL;
    obs_status status = obs_workspace_check(&rows, at->client, OBS_CHECK_ONLY, call, failed);
    obs_rows_free(rows);
    return status;
}

static obs_status repair_workspace(calls_space *at, const obs_call *call, obs_error *failed)
{
    obs_rows *rows = NULL;
    obs_status status = obs_workspace_check(&rows, at->client, OBS_CHECK_REPAIR, call, failed);
    obs_rows_free(rows);
    return status;
}

/* A tenant that this process has not opened. */
static obs_status open_other(calls_space *at, const obs_call *call, obs_error *failed)
{
    obs_client *other = NULL;
    obs_open_options options;
    obs_open_options_init(&options, sizeof options);
    options.call = call;
    options.workspace = at->path;
    options.tenant = "other";
    obs_status status = obs_client_open(&other, &options, failed);
    obs_client_close(other);
    return status;
}

static obs_status act_for_other(calls_space *at, const obs_call *call, obs_error *failed)
{
    obs_client *other = NULL;
    obs_as_options options;
    obs_as_options_init(&options, sizeof options);
    options.call = call;
    options.tenant = "other";
    obs_status status = obs_client_as(&other, at->client, &options, failed);
    obs_client_close(other);
    return status;
}

static obs_status show_other(calls_space *at, const obs_call *call, obs_error *failed)
{
    obs_rows *rows = NULL;
    obs_status status = obs_tenant_show(&rows, at->client, "other", call, failed);
    obs_rows_free(rows);
    return status;
}

static obs_status put_shared(calls_space *at, const obs_call *call, obs_error *failed)
{
    obs_put_options options;
    (void)at;
    obs_put_options_init(&options, sizeof options);
    options.call = call;
    return obs_store_put(NULL, shared, "late", OBS_TEXT, "x", 1, &options, failed);
}

static obs_status delete_shared(calls_space *at, const obs_call *call, obs_error *failed)
{
    obs_change_options options;
    (void)at;
    obs_change_options_init(&options, sizeof options);
    options.call = call;
    return obs_store_delete(shared, "kept", OBS_TEXT, &options, failed);
}

static const writing_call looking[] = {{.name = "query the audit trail", .call = query_audit},
                                       {.name = "check the workspace", .call = check_workspace},
                                       {.name = "repair the workspace", .call = repair_workspace}};

static const writing_call opening[] = {{.name = "open a client", .call = open_other},
                                       {.name = "act for another tenant", .call = act_for_other},
                                       {.name = "show a tenant", .call = show_other},
                                       {.name = "check the workspace", .call = check_workspace},
                                       {.name = "repair the workspace", .call = repair_workspace}};

static const writing_call sharing[] = {{.name = "put to a shared store", .call = put_shared},
                                       {.name = "delete from a shared store", .call = delete_shared}};

static void expect_end(const writing_call *waiting, const obs_call *call, obs_status wanted)
{
    int64_t begin = now_ms();
    obs_status status = waiting->call(&space, call, &error);
    int64_t took = now_ms() - begin;
    ck_assert_msg(status == wanted, "%s: %s instead of %s: %s", waiting->name, obs_status_name(status), obs_status_name(wanted),
                  error.message);
    ck_assert_int_eq(error.status, wanted);
    ck_assert_msg(took < BOUND_MS, "%s took %lld ms", waiting->name, (long long)took);
}

static void expect_deadline(const writing_call *waiting)
{
    obs_call call;
    obs_call_init(&call, sizeof call);
    call.timeout_ms = TIMEOUT_MS;
    expect_end(waiting, &call, OBS_DEADLINE_EXCEEDED);
}

static void expect_cancelled(const writing_call *waiting, obs_cancel *cancel)
{
    pthread_t thread;
    obs_call call;
    obs_call_init(&call, sizeof call);
    call.cancel = cancel;
    ck_assert_int_eq(pthread_create(&thread, NULL, set_later, cancel), 0);
    expect_end(waiting, &call, OBS_CANCELLED);
    pthread_join(thread, NULL);
    obs_cancel_reset(cancel);
}

/* Whatever is called by that name from now on waits as the call says. */
static void read_with(int64_t timeout_ms, obs_cancel *cancel)
{
    obs_call call;
    obs_call_init(&call, sizeof call);
    call.timeout_ms = timeout_ms;
    call.cancel = cancel;
    calls_read(&space, "first", &call);
}

static void open_all(void)
{
    calls_open(&space, new_workspace());
    calls_prepare(&space, 1);
    ck_assert_ok(obs_tenant_create(space.client, "other", NULL, &error));
}

/* Files in staging but the locks of sessions. */
static size_t count_staged(void)
{
    size_t count = 0;
    DIR *folder = opendir(test_path(space.path, "store/.obs/staging"));
    ck_assert_ptr_nonnull(folder);
    for (struct dirent *entry; (entry = readdir(folder));)
        count += *entry->d_name != '.' && !strstr(entry->d_name, ".lock");
    closedir(folder);
    return count;
}

/* As it was before: what was late left nothing behind. */
static void expect_nothing_done(void)
{
    ck_assert_uint_eq(count_entries(space.client, "key=new/*"), 0);
    ck_assert_uint_eq(count_entries(space.client, "late-1=yes"), 0);
    ck_assert_uint_eq(count_entries(space.client, "key=doomed/*"), 3);
    ck_assert_uint_eq(count_entries(space.client, "kind=record"), 0);
    ck_assert_uint_eq(count_log(space.client, NULL), 0);
    ck_assert_uint_eq(count_events(space.client, "counting"), 1);
    ck_assert(has_object(space.client, "doomed/a-1"));
    ck_assert_int_ne(access(test_path(space.path, "tenants/late-1"), F_OK), 0);
    ck_assert_int_ne(access(test_path(space.path, "store/new"), F_OK), 0);
    ck_assert_uint_eq(count_staged(), 0);
}

/* Everything that can write, and what waits for nothing but its own notes. */
static void expect_all(obs_cancel *cancel)
{
    for (size_t i = 0; i < writing_call_count + sizeof looking / sizeof looking[0]; i++) {
        const writing_call *call = i < writing_call_count ? &writing_calls[i] : &looking[i - writing_call_count];
        if (!strcmp(call->name, "create a tenant"))
            continue; /* it is made, and recorded, in a folder that nobody else knows yet: there is nothing to wait for */
        if (cancel)
            expect_cancelled(call, cancel);
        else
            expect_deadline(call);
    }
}

START_TEST(the_writer_lock)
{
    obs_cancel *cancel;
    open_all();
    ck_assert_ok(obs_cancel_new(&cancel, &error));
    for (int turn = 0; turn < 2; turn++) {
        read_with(turn ? 0 : TIMEOUT_MS, turn ? cancel : NULL);
        holder other = hold(test_path(space.path, "tenants/default/lock"));
        expect_all(turn ? cancel : NULL);
        let_go(&other);
        expect_nothing_done();
    }
    read_with(0, NULL);
    for (size_t i = 0; i < writing_call_count; i++)
        ck_assert_msg(writing_calls[i].call(&space, NULL, &error) == writing_calls[i].done, "%s afterwards: %s",
                      writing_calls[i].name, error.message);
    obs_cancel_free(cancel);
    calls_close(&space);
}
END_TEST

/* Opened anew, so that this process has not opened the other tenant. */
static void open_again(void)
{
    const char *path = space.path;
    calls_close(&space);
    space = (calls_space){.path = path, .client = open_at(path)};
}

START_TEST(the_first_opening_of_a_tenant)
{
    obs_cancel *cancel;
    open_all();
    open_again();
    ck_assert_ok(obs_cancel_new(&cancel, &error));
    holder other = hold(test_path(space.path, "tenants/other/lock"));
    for (size_t i = 0; i < sizeof opening / sizeof opening[0]; i++) {
        expect_deadline(&opening[i]);
        expect_cancelled(&opening[i], cancel);
    }
    let_go(&other);
    for (size_t i = 0; i < sizeof opening / sizeof opening[0]; i++)
        ck_assert_msg(opening[i].call(&space, NULL, &error) == OBS_OK, "%s: %s", opening[i].name, error.message);
    obs_cancel_free(cancel);
    calls_close(&space);
}
END_TEST

static obs_status replay_function(calls_space *at, const obs_call *call, obs_error *failed)
{
    obs_rows *rows = NULL;
    obs_status status = obs_function_replay(&rows, at->client, "e1", "again", call, failed);
    obs_rows_free(rows);
    return status;
}

static obs_status reproduce_product(calls_space *at, const obs_call *call, obs_error *failed)
{
    obs_buffer *answer = NULL;
    obs_reproduce_options options;
    obs_reproduce_options_init(&options, sizeof options);
    options.call = call;
    options.present_code = 1;
    obs_status status = obs_function_reproduce(&answer, at->client, "again", OBS_TEXT, &options, failed);
    obs_buffer_free(answer);
    return status;
}

static const writing_call again[] = {{.name = "replay a function", .call = replay_function},
                                     {.name = "reproduce a product", .call = reproduce_product}};

static void write_file(const char *name, const char *text)
{
    const char *path = test_path(space.path, name);
    test_write(path, text, strlen(text));
    ck_assert_int_eq(chmod(path, 0600), 0);
}

/* A function whose program is never ready, its event, and a product of it. */
static void make_function(void)
{
    char digest[65] = "";
    memset(digest, 'a', 64);
    const obs_pair labels[] = {{"function", "again"}, {"digest", digest}}, metadata[] = {{"event", "{\"id\":\"e1\"}"}};
    obs_put_options options;
    obs_event event;
    obs_put_options_init(&options, sizeof options);
    options.labels = labels;
    options.label_count = 2;
    options.metadata = metadata;
    options.metadata_count = 1;
    obs_event_init(&event, sizeof event);
    event.id = "e1";
    event.type = "org.example.again";
    mkdir(test_path(space.path, "functions"), 0700);
    mkdir(test_path(space.path, "functions/again"), 0700);
    write_file("functions/again/function.yaml", "name: again\ncommand: [sleep, 1d]\non: {type: org.example.again}\n"
                                                "limits: {start: 1h}\n");
    ck_assert_ok(obs_store_put(NULL, space.store, "again", OBS_TEXT, "x", 1, &options, &error));
    ck_assert_ok(obs_bus_publish(NULL, obs_client_bus(space.client), &event, NULL, &error));
}

/* The lock first, then a program that is never ready. */
START_TEST(functions)
{
    obs_cancel *cancel;
    open_all();
    make_function();
    ck_assert_ok(obs_cancel_new(&cancel, &error));
    for (int locked = 1; locked >= 0; locked--) {
        holder other = hold(test_path(space.path, locked ? "tenants/default/lock" : "unused"));
        for (size_t i = 0; i < sizeof again / sizeof again[0]; i++) {
            expect_deadline(&again[i]);
            expect_cancelled(&again[i], cancel);
        }
        let_go(&other);
    }
    obs_cancel_free(cancel);
    calls_close(&space);
}
END_TEST

static void *open_slowly(void *cancel)
{
    obs_client *other = NULL;
    obs_open_options options;
    obs_call call;
    obs_call_init(&call, sizeof call);
    obs_open_options_init(&options, sizeof options);
    options.call = &call;
    options.workspace = space.path;
    options.tenant = "other";
    call.cancel = cancel;
    obs_status status = obs_client_open(&other, &options, NULL);
    obs_client_close(other);
    return (void *)(intptr_t)status;
}

/* One thread waits in an opening: another one, of another workspace or with less patience, does not wait for it. */
START_TEST(an_opening_beside_one_that_waits)
{
    pthread_t thread;
    obs_cancel *cancel;
    void *status;
    open_all();
    open_again();
    ck_assert_ok(obs_cancel_new(&cancel, &error));
    holder other = hold(test_path(space.path, "tenants/other/lock"));
    ck_assert_int_eq(pthread_create(&thread, NULL, open_slowly, cancel), 0);
    for (int i = 0; i < 3; i++)
        expect_deadline(&opening[0]);
    obs_cancel_set(cancel);
    pthread_join(thread, &status);
    ck_assert_int_eq((intptr_t)status, OBS_CANCELLED);
    let_go(&other);
    obs_cancel_free(cancel);
    calls_close(&space);
}
END_TEST

START_TEST(the_lock_of_a_shared_store)
{
    obs_cancel *cancel;
    char url[512];
    open_all();
    snprintf(url, sizeof url, "file:%s", test_path(test_folder(), "shared"));
    ck_assert_ok(obs_client_store_open(&shared, space.client, url, NULL, &error));
    ck_assert_ok(obs_store_put(NULL, shared, "kept", OBS_TEXT, "x", 1, NULL, &error));
    ck_assert_ok(obs_cancel_new(&cancel, &error));
    holder other = hold(test_path(url + 5, ".obs/lock"));
    for (size_t i = 0; i < sizeof sharing / sizeof sharing[0]; i++) {
        expect_deadline(&sharing[i]);
        expect_cancelled(&sharing[i], cancel);
    }
    let_go(&other);
    obs_stat *found = NULL;
    ck_assert_int_eq(obs_store_head(&found, shared, "late", OBS_TEXT, NULL, &error), OBS_NOT_FOUND);
    ck_assert_ok(obs_store_head(&found, shared, "kept", OBS_TEXT, NULL, &error));
    obs_stat_free(found);
    for (size_t i = 0; i < sizeof sharing / sizeof sharing[0]; i++)
        ck_assert_msg(sharing[i].call(&space, NULL, &error) == OBS_OK, "%s: %s", sharing[i].name, error.message);
    obs_store_free(shared);
    obs_cancel_free(cancel);
    calls_close(&space);
}
END_TEST

static obs_status subscribe_to(obs_subscription **out, const char *consumer)
{
    obs_call call;
    obs_subscribe_options options;
    obs_call_init(&call, sizeof call);
    obs_subscribe_options_init(&options, sizeof options);
    call.timeout_ms = TIMEOUT_MS;
    options.call = &call;
    return obs_bus_subscribe(out, obs_client_bus(space.client), consumer, &options, &error);
}

/* A member that was stopped while it chose: the others wait as long as they were told. */
START_TEST(a_consumer_whose_member_is_stopped)
{
    open_all();
    obs_subscription *subscription = NULL, *late = NULL;
    const obs_delivery *delivery = NULL;
    obs_deliveries *several = NULL;
    obs_operation *started = NULL;
    obs_completion done;
    const uint64_t one = 1;
    size_t count = 0;
    ck_assert_ok(subscribe_to(&subscription, "held"));
    holder other = hold(test_path(space.path, "tenants/default/consumer-held"));
    int64_t begin = now_ms();
    ck_assert_int_eq(subscribe_to(&late, "held"), OBS_DEADLINE_EXCEEDED);
    ck_assert_ok(obs_subscription_next(&delivery, subscription, 10, NULL, &error));
    ck_assert_ptr_null(delivery);
    ck_assert_int_eq(obs_subscription_acknowledge(subscription, 1, &error), OBS_DEADLINE_EXCEEDED);
    ck_assert_int_eq(obs_subscription_acknowledge_all(subscription, 1, &error), OBS_DEADLINE_EXCEEDED);
    ck_assert_int_eq(obs_subscription_acknowledge_many(NULL, subscription, &one, 1, &error), OBS_DEADLINE_EXCEEDED);
    ck_assert_int_eq(obs_subscription_reject(subscription, 1, NULL, &error), OBS_DEADLINE_EXCEEDED);
    ck_assert_ok(obs_subscription_next_many(&several, subscription, 4, 10, NULL, &error));
    ck_assert_ptr_null(several);
    ck_assert_ok(obs_subscription_next_start(&started, space.queue, 1, subscription, 4, 10, &error));
    ck_assert_ok(obs_queue_wait(space.queue, &done, 1, &count, BOUND_MS, NULL, &error));
    ck_assert_uint_eq(count, 1);
    ck_assert_ok(obs_operation_take_deliveries(&several, started, &error));
    ck_assert_ptr_null(several);
    obs_operation_free(started);
    /* They go on without it: members hear of it when they read on. */
    ck_assert_ok(obs_bus_pause(obs_client_bus(space.client), "held", 0, NULL, NULL, &error));
    ck_assert_ok(obs_bus_resume(obs_client_bus(space.client), "held", NULL, &error));
    ck_assert_int_lt(now_ms() - begin, 4 * BOUND_MS);
    let_go(&other);
    ck_assert_ok(obs_subscription_next(&delivery, subscription, 0, NULL, &error));
    ck_assert_ptr_nonnull(delivery);
    obs_subscription_free(subscription);
    calls_close(&space);
}
END_TEST

/* A health check and a refusal under a held lock; closing must not take for ever, either. */
START_TEST(calls_that_only_want_to_note_something)
{
    obs_buffer *health = NULL;
    obs_stat *found = NULL;
    obs_call call;
    open_all();
    obs_call_init(&call, sizeof call);
    call.timeout_ms = TIMEOUT_MS;
    holder other = hold(test_path(space.path, "tenants/default/lock"));
    int64_t begin = now_ms();
    /* A read whose record cannot be written: what was read before may be on record already. */
    ck_assert_ok(obs_store_head(&found, space.store, "kept/a", OBS_TEXT, NULL, &error));
    obs_stat_free(found);
    ck_assert_ok(obs_client_health(&health, space.client, &call, &error));
    ck_assert_ptr_nonnull(strstr(obs_buffer_data(health), "degraded"));
    obs_buffer_free(health);
    obs_as_options options;
    obs_client *guest = NULL, *more = NULL;
    obs_as_options_init(&options, sizeof options);
    options.subject = "user:guest";
    ck_assert_ok(obs_client_as(&guest, space.client, &options, &error));
    options.call = &call;
    ck_assert_int_eq(obs_client_as(&more, guest, &options, &error), OBS_PERMISSION_DENIED);
    ck_assert_int_lt(now_ms() - begin, BOUND_MS);
    begin = now_ms();
    obs_client_close(guest);
    ck_assert_int_lt(now_ms() - begin, BOUND_MS); /* the lock is never given back */
    let_go(&other);
    calls_close(&space);
}
END_TEST

START_TEST(waits_for_what_does_not_come)
{
    obs_completion done;
    size_t count;
    pthread_t thread;
    obs_cancel *cancel;
    const obs_delivery *delivery;
    obs_deliveries *several = NULL;
    obs_operation *started = NULL;
    open_all();
    read_with(0, NULL);
    ck_assert_ok(obs_cancel_new(&cancel, &error));
    int64_t begin = now_ms();
    ck_assert_ok(obs_queue_wait(space.queue, &done, 1, &count, TIMEOUT_MS, NULL, &error));
    ck_assert_uint_eq(count, 0);
    ck_assert_ok(obs_subscription_next(&delivery, space.reader, TIMEOUT_MS, NULL, &error));
    ck_assert_ptr_null(delivery);
    ck_assert_int_eq(pthread_create(&thread, NULL, set_later, cancel), 0);
    ck_assert_int_eq(obs_queue_wait(space.queue, &done, 1, &count, -1, cancel, &error), OBS_CANCELLED);
    pthread_join(thread, NULL);
    obs_cancel_reset(cancel);
    ck_assert_int_eq(pthread_create(&thread, NULL, set_later, cancel), 0);
    ck_assert_int_eq(obs_subscription_next(&delivery, space.reader, -1, cancel, &error), OBS_CANCELLED);
    pthread_join(thread, NULL);
    ck_assert_ok(obs_subscription_next_many(&several, space.reader, 4, TIMEOUT_MS, NULL, &error));
    ck_assert_ptr_null(several);
    obs_cancel_reset(cancel);
    ck_assert_int_eq(pthread_create(&thread, NULL, set_later, cancel), 0);
    ck_assert_int_eq(obs_subscription_next_many(&several, space.reader, 4, -1, cancel, &error), OBS_CANCELLED);
    pthread_join(thread, NULL);
    ck_assert_ok(obs_subscription_next_start(&started, space.queue, 1, space.reader, 4, -1, &error));
    obs_operation_cancel(started);
    ck_assert_ok(obs_queue_wait(space.queue, &done, 1, &count, -1, NULL, &error));
    ck_assert_int_eq(obs_operation_take_deliveries(&several, started, &error), OBS_CANCELLED);
    obs_operation_free(started);
    ck_assert_int_lt(now_ms() - begin, BOUND_MS);
    obs_cancel_free(cancel);
    calls_close(&space);
}
END_TEST

int main(void)
{
    const TTest *tests[] = {the_writer_lock,
                            the_first_opening_of_a_tenant,
                            an_opening_beside_one_that_waits,
                            the_lock_of_a_shared_store,
                            functions,
                            a_consumer_whose_member_is_stopped,
                            calls_that_only_want_to_note_something,
                            waits_for_what_does_not_come};
    obs_error_init(&error, sizeof error);
    return test_main("faults/waiting", tests, sizeof tests / sizeof tests[0]);
}
