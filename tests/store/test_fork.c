/* A child may be made while other threads are in the middle of a call. */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "store/fixture.h"

#define FORKS 100
#define READERS 3

static obs_store *store;
static atomic_int stop;

static void *read_on(void *ignored)
{
    char room[64];
    obs_error own;
    (void)ignored;
    obs_error_init(&own, sizeof own);
    while (!atomic_load(&stop))
        obs_store_get_into(NULL, store, "k", OBS_TEXT, room, sizeof room, NULL, &own);
    return NULL;
}

/* 0, the child's exit code, or -1 when it did not end in a hundred seconds. */
static int wait_for(pid_t child)
{
    struct timespec pause = {0, 1000000};
    int status;
    for (int i = 0; i < 100000; i++) {
        if (waitpid(child, &status, WNOHANG) == child)
            return WIFEXITED(status) ? WEXITSTATUS(status) : -2;
        nanosleep(&pause, NULL);
    }
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
    return -1;
}

START_TEST(a_child_of_a_busy_process_reads_memory)
{
    pthread_t threads[READERS];
    if (!test_can_fork_beside_threads())
        return;
    test_space *space = space_open(test_folder(), "default");
    store = space_store(space, "mem:busy");
    ck_assert_ok(obs_store_put(NULL, store, "k", OBS_TEXT, "value", 5, NULL, &error));
    for (int i = 0; i < READERS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, read_on, NULL), 0);
    for (int i = 0; i < FORKS; i++) {
        pid_t child = fork();
        if (child == 0) {
            char room[64];
            size_t size = 0;
            for (int turn = 0; turn < 64; turn++) {
                char key[16];
                snprintf(key, sizeof key, "%d", turn); /* every shard, one after the other */
                obs_store_get_into(NULL, store, key, OBS_TEXT, room, sizeof room, NULL, &error);
            }
            _exit(obs_store_get_into(&size, store, "k", OBS_TEXT, room, sizeof room, NULL, &error) == OBS_OK && size == 5 ? 0
                                                                                                                          : 1);
        }
        ck_assert_int_gt(child, 0);
        ck_assert_int_eq(wait_for(child), 0);
    }
    atomic_store(&stop, 1);
    for (int i = 0; i < READERS; i++)
        pthread_join(threads[i], NULL);
    obs_store_free(store);
    space_close(space);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {a_child_of_a_busy_process_reads_memory};
    return test_main("fork", tests, sizeof tests / sizeof tests[0]);
}
