/*
 * Every allocation of the main public calls fails once, those of SQLite, OpenSSL and jansson included: each time an honest
 * error (or success with all its effects), nothing half done, nothing leaked, and the next call works.
 */
#include <poll.h>
#include <sys/statvfs.h>

#include "faults/trial.h"

#define ROOM_NEEDED ((uint64_t)256 << 20)

struct stage stage;
static obs_error *trial_error;

/* Threads of the library free the last of what a call used a moment after it: waits until the number rests. */
static long settled(void)
{
    long live = failing_malloc_live();
    for (int i = 0, rests = 0; i < 2000 && rests < 20; i++) {
        poll(NULL, 0, 1);
        long now = failing_malloc_live();
        rests = now == live ? rests + 1 : 0;
        live = now;
    }
    return live;
}

static void set_attempt(const struct trial *trial, int n)
{
    stage.n = n;
    snprintf(stage.key, sizeof stage.key, "%s/%05d", trial->name, n);
    snprintf(stage.name, sizeof stage.name, "%.3s%05d", trial->name, n);
}

static void judge(const struct trial *trial, obs_status status, int failed)
{
    const char *name = trial->name;
    obs_error told = *trial_error;
    ck_assert_msg(!stage.odd, "%s: allocation %d: %s: wrong: %s", name, stage.n, obs_status_name(status), stage.odd);
    ck_assert_msg(failed || status == OBS_OK, "%s: %s: %s", name, obs_status_name(status), told.message);
    ck_assert_msg(status == OBS_OK || status == OBS_RESOURCE_EXHAUSTED, "%s: allocation %d: %s: %s (%s)", name, stage.n,
                  obs_status_name(status), told.message, told.detail);
    ck_assert_msg(status == OBS_OK || *told.message, "%s: allocation %d: no message", name, stage.n);
    if (trial->done)
        ck_assert_msg(trial->done() == (status == OBS_OK), "%s: allocation %d: %s, but done is not: %s", name, stage.n,
                      obs_status_name(status), told.message);
}

/* 1 when nothing failed any more. */
static int attempt(const struct trial *trial, int n, long allocation)
{
    set_attempt(trial, n);
    if (trial->prepare)
        trial->prepare();
    failing_malloc_arm(allocation, 0);
    obs_status status = trial->call();
    int failed = failing_malloc_disarm();
    judge(trial, status, failed);
    return !failed;
}

static void expect_sound(void)
{
    obs_rows *rows;
    ck_assert_ok(obs_workspace_check(&rows, stage.client, OBS_CHECK_ONLY, NULL, &error));
    ck_assert_uint_eq(count_rows(rows, "\"problems\":0"), 1);
}

#define SWEEPS 8

/* How many blocks are left after all attempts. */
static long sweep_once(const struct trial *trial, int *n)
{
    int last = *n + 20000, first = *n;
    stage.client = open_at(stage.path);
    while (!attempt(trial, *n, *n - first + 1))
        ck_assert_int_lt((*n)++, last);
    ++*n;
    if (strcmp(trial->name, "adopt") != 0)
        expect_sound();
    obs_client_close(stage.client);
    return settled();
}

/* What libraries make once in a thread and keep (OpenSSL: its queue of errors) is there after one of the first sweeps, those of
 * the keeper when it had something to do; a leak leaks in every sweep. */
static void sweep(const struct trial *trial)
{
    int n = 0;
    long left[SWEEPS] = {sweep_once(trial, &n)};
    printf("%s: %d allocations\n", trial->name, n - 1);
    for (int turn = 1; turn < SWEEPS; turn++)
        if ((left[turn] = sweep_once(trial, &n)) <= left[turn - 1])
            return;
    for (int turn = 0; turn < SWEEPS; turn++)
        printf("%ld blocks after sweep %d\n", left[turn], turn + 1);
    ck_abort_msg("%s: each sweep leaks blocks", trial->name);
}

static void sweep_all(const struct trial *trials, obs_error *told)
{
    const char *only = getenv("OBS_TEST_TRIAL");
    if (!failing_malloc_arm) {
        test_skipped("failing allocations", "the allocator that fails is not there (not glibc, or a sanitizer has its own)");
        return;
    }
    trial_error = told;
    for (; trials->name; trials++) {
        if (only && strcmp(only, trials->name) != 0)
            continue;
        stage.path = new_workspace(); /* what one trial leaves is no concern of the next */
        sweep(trials);
    }
}

START_TEST(clients_and_objects)
{
    sweep_all(store_trials, store_error());
}
END_TEST

START_TEST(records_events_and_the_rest)
{
    sweep_all(data_trials, data_error());
}
END_TEST

START_TEST(streams_and_other_stores)
{
    sweep_all(stream_trials, stream_error());
}
END_TEST

START_TEST(forms_of_events)
{
    sweep_all(event_trials, event_error());
}
END_TEST

START_TEST(consumers_and_dead_letters)
{
    sweep_all(consumer_trials, consumer_error());
}
END_TEST

START_TEST(functions)
{
    sweep_all(function_trials, function_error());
}
END_TEST

START_TEST(workspaces_and_tenants)
{
    sweep_all(workspace_trials, workspace_error());
}
END_TEST

/* Nothing here is about the disk: in memory thousands of attempts wait for no sync. */
static void work_in_memory(void)
{
    struct statvfs memory;
    if (statvfs("/dev/shm", &memory) == 0 && (uint64_t)memory.f_bavail * memory.f_frsize > ROOM_NEEDED)
        setenv("TMPDIR", "/dev/shm", 0);
}

int main(void)
{
    work_in_memory();
    const TTest *const tests[] = {clients_and_objects,
                                  records_events_and_the_rest,
                                  streams_and_other_stores,
                                  forms_of_events,
                                  consumers_and_dead_letters,
                                  workspaces_and_tenants,
                                  functions};
    obs_error_init(&error, sizeof error);
    return test_main("public_memory", tests, sizeof tests / sizeof tests[0]);
}
