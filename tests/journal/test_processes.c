/* Several processes on one tenant: the writer lock, death between commit and finish, fork, watches, leases. */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "journal_support.h"

/* Tells the child to end, and how it ended. */
static int end_of(pid_t child)
{
    int state;
    ck_assert_int_eq(waitpid(child, &state, 0), child);
    return state;
}

/* A process that holds the writer lock until it is killed. */
static pid_t hold_lock(const char *folder)
{
    int pipes[2];
    char byte;
    ck_assert_int_eq(pipe(pipes), 0);
    pid_t child = fork();
    if (child == 0) {
        int fd = open(test_path(folder, "lock"), O_RDWR | O_CLOEXEC);
        if (fd >= 0 && flock(fd, LOCK_EX) == 0 && write(pipes[1], "x", 1) == 1)
            for (;;)
                pause();
        _exit(1);
    }
    close(pipes[1]);
    ck_assert_int_eq(read(pipes[0], &byte, 1), 1);
    close(pipes[0]);
    return child;
}

static void *commit_with_timeout(void *user)
{
    obs__limit limit = obs__limit_in(100, NULL);
    obs_error error;
    row_effect row = {0};
    obs_error_init(&error, sizeof error);
    return (void *)(intptr_t)row_commit(user, &row, "late", &limit, &error);
}

START_TEST(a_deadline_ends_the_wait_of_leader_and_followers)
{
    obs__journal *journal;
    obs_error error;
    pthread_t threads[4];
    obs_error_init(&error, sizeof error);
    const char *folder = test_folder();
    ck_assert_ok(row_open(&journal, folder, &error));
    pid_t holder = hold_lock(folder);
    int64_t begin = obs__monotonic_ns();
    for (size_t i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, commit_with_timeout, journal), 0);
    for (size_t i = 0; i < 4; i++) {
        void *status;
        pthread_join(threads[i], &status);
        ck_assert_int_eq((intptr_t)status, OBS_DEADLINE_EXCEEDED);
    }
    ck_assert_int_lt(obs__monotonic_ns() - begin, INT64_C(100000000000)); /* without a limit it waits for ever */
    kill(holder, SIGKILL);
    end_of(holder);
    ck_assert_ok(row_put(journal, "b", &error)); /* the kernel gave the lock back */
    ck_assert_int_eq(row_total(journal), 1);
    obs__journal_free(journal);
}
END_TEST

struct cancelled {
    obs__journal *journal;
    obs_cancel *cancel;
    int number;
};

static void *commit_with_cancel(void *user)
{
    struct cancelled *own = user;
    obs__limit limit = obs__limit_in(-1, own->cancel);
    obs_error error;
    char name[16];
    row_effect row = {0};
    obs_error_init(&error, sizeof error);
    snprintf(name, sizeof name, "%d", own->number);
    return (void *)(intptr_t)row_commit(own->journal, &row, name, &limit, &error);
}

START_TEST(cancelling_ends_the_wait_of_leader_and_followers)
{
    obs__journal *journal;
    obs_error error;
    pthread_t threads[4];
    struct cancelled calls[4];
    obs_error_init(&error, sizeof error);
    const char *folder = test_folder();
    ck_assert_ok(row_open(&journal, folder, &error));
    pid_t holder = hold_lock(folder);
    for (int i = 0; i < 4; i++) {
        calls[i] = (struct cancelled){journal, NULL, i};
        ck_assert_ok(obs_cancel_new(&calls[i].cancel, &error));
        ck_assert_int_eq(pthread_create(&threads[i], NULL, commit_with_cancel, &calls[i]), 0);
    }
    for (int i = 0; i < 3; i++) {
        void *status;
        obs_cancel_set(calls[i].cancel);
        pthread_join(threads[i], &status);
        ck_assert_int_eq((intptr_t)status, OBS_CANCELLED);
    }
    kill(holder, SIGKILL);
    end_of(holder);
    void *status;
    pthread_join(threads[3], &status); /* was not cancelled */
    ck_assert_int_eq((intptr_t)status, OBS_OK);
    ck_assert_int_eq(row_total(journal), 1);
    for (int i = 0; i < 4; i++)
        obs_cancel_free(calls[i].cancel);
    obs__journal_free(journal);
}
END_TEST

static void die(void)
{
    kill(getpid(), SIGKILL);
}

static obs_status count_recovery(void *user, obs__txn *txn, obs_error *error)
{
    (void)txn;
    (void)error;
    ++*(int *)user;
    return OBS_OK;
}

START_TEST(a_living_process_completes_what_a_dead_one_left)
{
    obs__journal *journal;
    obs_error error;
    int recoveries = 0;
    obs_error_init(&error, sizeof error);
    obs__journal_options options = {
        .folder = test_folder(), .schemas = row_schemas, .create = 1, .recover = count_recovery, .user = &recoveries};
    obs__limit none = obs__limit_in(-1, NULL);
    ck_assert_ok(obs__journal_open(&journal, &options, &none, &error));
    ck_assert_int_eq(recoveries, 1); /* the first opening always looks */
    ck_assert_ok(row_put(journal, "a", &error));
    ck_assert_int_eq(recoveries, 1);
    pid_t child = fork();
    if (child == 0) {
        row_effect row = {.finish = die};
        row_commit(journal, &row, "b", NULL, &error);
        _exit(1);
    }
    ck_assert_int_eq(WTERMSIG(end_of(child)), SIGKILL);
    ck_assert_int_eq(row_total(journal), 2);
    ck_assert_ok(row_put(journal, "c", &error));
    ck_assert_int_eq(recoveries, 2);
    ck_assert_ok(row_put(journal, "d", &error));
    ck_assert_int_eq(recoveries, 2);
    obs__journal_free(journal);
}
END_TEST

static void child_of_fork(obs__journal *journal, obs__snapshot *snapshot, int number)
{
    obs_error error;
    char name[32];
    obs_error_init(&error, sizeof error);
    obs__snapshot_end(snapshot);
    snprintf(name, sizeof name, "child %d", number);
    int good = row_put(journal, name, &error) == OBS_OK && row_total(journal) > 0;
    obs__journal_free(journal);
    _exit(good ? 0 : 1);
}

static atomic_int stop;

static void *commit_until_stopped(void *user)
{
    obs_error error;
    char name[32];
    intptr_t count = 0;
    obs_error_init(&error, sizeof error);
    for (; !atomic_load(&stop); count++) {
        snprintf(name, sizeof name, "parent %d", (int)count);
        if (row_put(user, name, &error) != OBS_OK || row_total(user) < count)
            return (void *)(intptr_t)-1;
    }
    return (void *)count;
}

START_TEST(a_forked_child_goes_on_with_connections_of_its_own)
{
    enum { CHILDREN = 20 };
    obs__journal *journal;
    obs_error error;
    pthread_t thread;
    void *count;
    if (!test_can_fork_beside_threads())
        return;
    obs_error_init(&error, sizeof error);
    ck_assert_ok(row_open(&journal, test_folder(), &error));
    ck_assert_int_eq(pthread_create(&thread, NULL, commit_until_stopped, journal), 0);
    for (int i = 0; i < CHILDREN; i++) {
        obs__snapshot *snapshot;
        ck_assert_ok(obs__snapshot_begin(&snapshot, journal, &error));
        pid_t child = fork();
        if (child == 0)
            child_of_fork(journal, snapshot, i);
        ck_assert_int_eq(end_of(child), 0);
        obs__snapshot_end(snapshot);
    }
    atomic_store(&stop, 1);
    pthread_join(thread, &count);
    ck_assert_int_ge((intptr_t)count, 0);
    ck_assert_int_eq(row_total(journal), (intptr_t)count + CHILDREN);
    obs__journal_free(journal);
}
END_TEST

static int is_readable(const obs__watch *watch, int wait_ms)
{
    struct pollfd fd = {obs__watch_fd(watch), POLLIN, 0};
    return poll(&fd, 1, wait_ms) == 1;
}

START_TEST(a_watch_is_woken_by_another_process)
{
    obs__journal *journal;
    obs__watch *watch;
    obs_error error;
    obs_error_init(&error, sizeof error);
    ck_assert_ok(row_open(&journal, test_folder(), &error));
    ck_assert_ok(obs__watch_open(&watch, journal, &error));
    ck_assert_ok(row_put(journal, "quiet", &error));
    ck_assert_int_eq(is_readable(watch, 0), 0);
    pid_t child = fork();
    if (child == 0) {
        row_effect row = {.wake = 1};
        _exit(row_commit(journal, &row, "loud", NULL, &error) == OBS_OK ? 0 : 1);
    }
    ck_assert_int_eq(is_readable(watch, 60000), 1);
    ck_assert_int_eq(end_of(child), 0);
    obs__watch_clear(watch);
    ck_assert_int_eq(is_readable(watch, 0), 0);
    obs__watch_free(watch);
    obs__journal_free(journal);
}
END_TEST

START_TEST(a_lease_has_one_holder)
{
    obs__journal *journal;
    obs__lease *lease, *other;
    obs_error error;
    char name[400];
    obs_error_init(&error, sizeof error);
    ck_assert_ok(row_open(&journal, test_folder(), &error));
    memset(name, '/', sizeof name);
    name[sizeof name - 1] = '\0';
    ck_assert_ok(obs__lease_take(&lease, journal, "../a b", &error));
    ck_assert_int_eq(obs__lease_take(&other, journal, "../a b", &error), OBS_ABORTED);
    ck_assert_ptr_null(other);
    ck_assert_ok(obs__lease_take(&other, journal, name, &error));
    obs__lease_free(other);
    pid_t child = fork();
    if (child == 0) { /* has a copy of the descriptor, and must neither hold nor end the lease with it */
        obs__lease_free(lease);
        for (;;)
            pause();
    }
    ck_assert_int_eq(obs__lease_take(&other, journal, "../a b", &error), OBS_ABORTED);
    obs__lease_free(lease);
    for (int i = 0; i < 60000 && obs__lease_take(&lease, journal, "../a b", &error) == OBS_ABORTED; i++)
        usleep(1000); /* until the child has run far enough to drop its copy */
    ck_assert_ptr_nonnull(lease);
    kill(child, SIGKILL);
    ck_assert_int_eq(WTERMSIG(end_of(child)), SIGKILL);
    obs__lease_free(lease);
    obs__journal_free(journal);
}
END_TEST

int main(void)
{
    const TTest *tests[] = {a_deadline_ends_the_wait_of_leader_and_followers,
                            cancelling_ends_the_wait_of_leader_and_followers,
                            a_living_process_completes_what_a_dead_one_left,
                            a_forked_child_goes_on_with_connections_of_its_own,
                            a_watch_is_woken_by_another_process,
                            a_lease_has_one_holder};
    return test_main("processes", tests, sizeof tests / sizeof tests[0]);
}
