#include "base/call.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/own.h"
#include "support.h"

static obs_error error;
static obs_cancel *by_signal;

static void on_alarm(int number)
{
    (void)number;
    obs_cancel_set(by_signal);
}

START_TEST(a_signal_handler_ends_a_wait)
{
    struct sigaction action = {.sa_handler = on_alarm};
    struct sigaction before;
    const struct itimerval soon = {{0, 0}, {0, 30000}};
    int ready;
    ck_assert_ok(obs_cancel_new(&by_signal, &error));
    const obs__limit limit = obs__limit_in(60000, by_signal);
    sigaction(SIGALRM, &action, &before);
    setitimer(ITIMER_REAL, &soon, NULL);
    obs_status status = OBS_OK;
    for (int i = 0; status == OBS_OK && i < 3; i++) /* the first one may be woken by the signal itself */
        status = obs__limit_wait(&limit, -1, 60000, &ready, &error);
    sigaction(SIGALRM, &before, NULL);
    ck_assert_int_eq(status, OBS_CANCELLED);
    ck_assert_int_eq(obs__limit_check(&limit, &error), OBS_CANCELLED);
    obs_cancel_free(by_signal);
}
END_TEST

static void *set_soon(void *cancel)
{
    usleep(20000);
    obs_cancel_set(cancel);
    return NULL;
}

START_TEST(another_thread_ends_a_wait)
{
    pthread_t thread;
    obs_cancel *cancel;
    obs_cancel *outer;
    int ready;
    for (int chained = 0; chained < 2; chained++) {
        ck_assert_ok(obs_cancel_new(&cancel, &error));
        ck_assert_ok(obs_cancel_new(&outer, &error));
        obs__cancel_chain(cancel, outer);
        const obs__limit limit = {INT64_MAX, cancel};
        int64_t before = obs__monotonic_ns();
        ck_assert_int_eq(pthread_create(&thread, NULL, set_soon, chained ? outer : cancel), 0);
        ck_assert_int_eq(obs__limit_wait(&limit, -1, 300000, &ready, &error), OBS_CANCELLED);
        ck_assert_int_lt(obs__monotonic_ns() - before, 200000000000); /* woken, not waited to the end */
        pthread_join(thread, NULL);
        ck_assert_int_eq(obs_cancel_is_set(cancel), 1);
        ck_assert_int_eq(obs_cancel_is_set(outer), chained);
        obs_cancel_free(outer);
        obs_cancel_free(cancel);
    }
}
END_TEST

START_TEST(a_token_can_be_used_again)
{
    obs_cancel *cancel;
    int ready;
    ck_assert_ok(obs_cancel_new(&cancel, &error));
    const obs__limit limit = {INT64_MAX, cancel};
    obs_cancel_set(cancel);
    obs_cancel_set(cancel);
    ck_assert_int_eq(obs_cancel_is_set(cancel), 1);
    obs_cancel_reset(cancel);
    obs_cancel_reset(cancel);
    ck_assert_int_eq(obs_cancel_is_set(cancel), 0);
    ck_assert_ok(obs__limit_wait(&limit, -1, 1, &ready, &error));
    obs_cancel_free(cancel);
    obs_cancel_set(NULL);
    obs_cancel_reset(NULL);
    obs_cancel_free(NULL);
    ck_assert_int_eq(obs_cancel_is_set(NULL), 0);
    ck_assert_int_eq(obs_cancel_new(NULL, &error), OBS_INVALID_ARGUMENT);
}
END_TEST

START_TEST(time_runs_out)
{
    int ready;
    int pipes[2];
    const obs__limit ample = obs__limit_in(100000, NULL);
    const obs__limit brief = obs__limit_in(20, NULL);
    ck_assert_ok(obs__limit_check(&ample, &error));
    ck_assert_int_eq(obs__limit_wait(&brief, -1, 20000, &ready, &error), OBS_DEADLINE_EXCEEDED);
    ck_assert_int_eq(obs__limit_check(&brief, &error), OBS_DEADLINE_EXCEEDED);
    ck_assert_int_eq(obs__limit_left_ms(&brief, 1000), 0);
    ck_assert_int_eq(pipe(pipes), 0);
    ck_assert_int_eq(write(pipes[1], "x", 1), 1);
    /* What is ready is told although the time is over. */
    ck_assert_ok(obs__limit_wait(&brief, pipes[0], 20000, &ready, &error));
    ck_assert_int_eq(ready, 1);
    const obs__limit none = obs__limit_in(-1, NULL);
    ck_assert(none.end_ns == INT64_MAX);
    ck_assert_int_eq(obs__limit_left_ms(&none, 77), 77);
    close(pipes[0]);
    close(pipes[1]);
}
END_TEST

START_TEST(calls_have_defaults)
{
    obs_call call;
    memset(&call, 0xAA, sizeof call);
    obs_call_init(&call, sizeof call);
    int64_t before = obs__monotonic_ns();
    obs__limit limit = obs__limit_of(&call);
    ck_assert(limit.end_ns >= before + INT64_C(30000000000) && limit.end_ns <= obs__monotonic_ns() + INT64_C(30000000000));
    ck_assert_int_le(obs__limit_left_ms(&limit, 1000000), 30000);
    call.timeout_ms = -1;
    limit = obs__limit_of(&call);
    ck_assert(limit.end_ns == INT64_MAX);
    limit = obs__limit_of(NULL);
    ck_assert_int_le(obs__limit_left_ms(&limit, 1000000), 30000);
    obs_call_init(NULL, sizeof call);
}
END_TEST

START_TEST(a_fork_is_a_new_generation)
{
    int code = -1;
    unsigned before = obs__generation();
    pid_t child = fork();
    if (child == 0)
        _exit(obs__generation() == before);
    ck_assert_int_eq(waitpid(child, &code, 0), child);
    ck_assert_int_eq(code, 0);
    ck_assert_uint_eq(obs__generation(), before);
}
END_TEST

struct counter {
    obs__own own;
    int count;
};

static obs__own *_Atomic current;

static void *get_own(void *unused)
{
    (void)unused;
    return obs__own_get(&current, sizeof(struct counter));
}

/* Threads that ask at once get the same; a child its own, also while the parent's is locked. */
START_TEST(each_generation_has_its_own)
{
    enum { THREADS = 8 };
    pthread_t threads[THREADS];
    void *got[THREADS];
    int code = -1;
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, get_own, NULL), 0);
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_join(threads[i], &got[i]), 0);
    struct counter *mine = got[0];
    for (int i = 1; i < THREADS; i++)
        ck_assert_ptr_eq(got[i], mine);
    ck_assert_int_eq(mine->count, 0);
    pthread_mutex_lock(&mine->own.lock);
    mine->count = 7;
    pid_t child = fork();
    if (child == 0) {
        struct counter *other = get_own(NULL);
        _exit(other == mine || pthread_mutex_trylock(&other->own.lock) != 0 || other->count != 0 || mine->count != 7 ||
              obs__own_is_ours(&mine->own) || other->own.previous != &mine->own || get_own(NULL) != other);
    }
    pthread_mutex_unlock(&mine->own.lock);
    ck_assert_int_eq(waitpid(child, &code, 0), child);
    ck_assert_int_eq(code, 0);
    ck_assert_ptr_eq(get_own(NULL), mine);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_signal_handler_ends_a_wait, another_thread_ends_a_wait, a_token_can_be_used_again,  time_runs_out,
        calls_have_defaults,          a_fork_is_a_new_generation, each_generation_has_its_own};
    obs_error_init(&error, sizeof error);
    return test_main("call", tests, sizeof tests / sizeof tests[0]);
}
