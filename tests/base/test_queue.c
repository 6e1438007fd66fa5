#include "base/queue.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/memory.h"
#include "support.h"

static obs_error error;
static const obs__limit unlimited = {INT64_MAX, NULL};

/* What an operation of these tests does. */
struct job {
    const char *text; /* gives these bytes */
    obs_status fails_with;
    int waits; /* until it is cancelled or its time is over */
    atomic_int *began;
    atomic_int *freed;
    int steps; /* of progress */
};

static obs_status run(obs_operation *operation, void *state, const obs__limit *limit, obs_error *fault)
{
    struct job *job = state;
    obs_buffer *buffer;
    int ready;
    if (job->began)
        atomic_fetch_add(job->began, 1);
    for (int i = 1; i <= job->steps; i++)
        obs__operation_progress(operation, (uint64_t)i);
    while (job->waits) {
        obs_status status = obs__limit_wait(limit, -1, 10000, &ready, fault);
        if (status != OBS_OK)
            return status;
    }
    if (job->fails_with != OBS_OK)
        return obs__fail(fault, job->fails_with, "as asked");
    if (!job->text)
        return OBS_OK;
    obs_status status = obs__buffer_copy(&buffer, job->text, strlen(job->text), fault);
    if (status == OBS_OK)
        obs__operation_set_buffer(operation, buffer);
    return status;
}

static void free_job(void *state)
{
    struct job *job = state;
    if (job->freed)
        atomic_fetch_add(job->freed, 1);
    free(job);
}

static const obs__operation_ops ops = {.run = run, .free = free_job};

static obs_operation *start(obs_queue *queue, uint64_t tag, struct job what, const obs__limit *limit)
{
    obs_operation *operation;
    struct job *job = malloc(sizeof *job);
    *job = what;
    ck_assert_ok(obs__operation_start(&operation, queue, tag, &ops, job, limit, what.steps > 0, &error));
    return operation;
}

static obs_completion next(obs_queue *queue)
{
    obs_completion done;
    size_t count;
    ck_assert_ok(obs_queue_wait(queue, &done, 1, &count, 60000, NULL, &error));
    ck_assert_uint_eq(count, 1);
    return done;
}

static int is_readable(obs_queue *queue)
{
    struct pollfd fd = {obs_queue_fd(queue), POLLIN, 0};
    return poll(&fd, 1, 0) == 1;
}

static obs_queue *new_queue(void)
{
    obs_queue *queue;
    ck_assert_ok(obs_queue_new(&queue, &error));
    return queue;
}

static void wait_for(atomic_int *value, int least)
{
    for (int i = 0; atomic_load(value) < least; i++) {
        ck_assert_int_lt(i, 60000);
        poll(NULL, 0, 1);
    }
}

START_TEST(an_operation_gives_its_bytes)
{
    obs_queue *queue = new_queue();
    obs_buffer *buffer;
    ck_assert_uint_eq(sizeof(obs_completion), 32);
    ck_assert(!is_readable(queue));
    obs_operation *operation = start(queue, 7, (struct job){.text = "bytes"}, &unlimited);
    struct pollfd fd = {obs_queue_fd(queue), POLLIN, 0};
    ck_assert_int_eq(poll(&fd, 1, 60000), 1);
    ck_assert(is_readable(queue));
    obs_completion done = next(queue);
    ck_assert(!is_readable(queue));
    ck_assert_ptr_eq(done.operation, operation);
    ck_assert_uint_eq(done.tag, 7);
    ck_assert_uint_eq(done.kind, OBS_COMPLETION_DONE);
    ck_assert_int_eq(done.status, OBS_OK);
    ck_assert_ok(obs_operation_take_buffer(&buffer, operation, &error));
    ck_assert_str_eq(obs_buffer_data(buffer), "bytes");
    obs_buffer_free(buffer);
    ck_assert_int_eq(obs_operation_take_buffer(&buffer, operation, &error), OBS_FAILED_PRECONDITION);
    obs_queue_free(queue);
    ck_assert_ok(obs_operation_status(operation, &error)); /* outlives its queue */
    obs_operation_free(operation);
}
END_TEST

START_TEST(an_error_reaches_the_caller)
{
    obs_queue *queue = new_queue();
    obs_buffer *buffer;
    obs_operation *operation = start(queue, 1, (struct job){.fails_with = OBS_DATA_LOSS}, &unlimited);
    ck_assert_int_eq(next(queue).status, OBS_DATA_LOSS);
    ck_assert_int_eq(obs_operation_take_buffer(&buffer, operation, &error), OBS_DATA_LOSS);
    ck_assert_str_eq(error.message, "as asked");
    ck_assert_ptr_null(buffer);
    obs_operation_free(operation);
    obs_queue_free(queue);
}
END_TEST

START_TEST(running_and_waiting_operations_are_cancelled)
{
    obs_queue *queue = new_queue();
    obs_operation *all[8];
    atomic_int began = 0, freed = 0;
    obs_buffer *buffer;
    for (uint64_t i = 0; i < 8; i++)
        all[i] = start(queue, i, (struct job){.waits = 1, .began = &began, .freed = &freed}, &unlimited);
    wait_for(&began, 4);
    ck_assert_int_eq(obs_operation_status(all[0], &error), OBS_FAILED_PRECONDITION);
    ck_assert_int_eq(obs_operation_take_buffer(&buffer, all[0], &error), OBS_FAILED_PRECONDITION);
    for (int i = 7; i >= 0; i--)
        obs_operation_cancel(all[i]);
    for (int i = 0; i < 8; i++)
        ck_assert_int_eq(next(queue).status, OBS_CANCELLED);
    ck_assert_int_eq(atomic_load(&began), 4); /* those that waited never ran */
    ck_assert_int_eq(atomic_load(&freed), 8);
    for (int i = 0; i < 8; i++) {
        ck_assert_int_eq(obs_operation_status(all[i], &error), OBS_CANCELLED);
        obs_operation_free(all[i]);
    }
    obs_queue_free(queue);
}
END_TEST

START_TEST(the_callers_token_and_time_end_an_operation)
{
    obs_queue *queue = new_queue();
    obs_cancel *cancel;
    atomic_int began = 0;
    ck_assert_ok(obs_cancel_new(&cancel, &error));
    const obs__limit limit = {INT64_MAX, cancel};
    obs_operation *operation = start(queue, 1, (struct job){.waits = 1, .began = &began}, &limit);
    wait_for(&began, 1);
    obs_cancel_set(cancel);
    obs_cancel_free(cancel); /* the operation keeps it */
    ck_assert_int_eq(next(queue).status, OBS_CANCELLED);
    obs_operation_free(operation);
    const obs__limit brief = obs__limit_in(30, NULL);
    operation = start(queue, 2, (struct job){.waits = 1}, &brief);
    ck_assert_int_eq(next(queue).status, OBS_DEADLINE_EXCEEDED);
    obs_operation_free(operation);
    obs_queue_free(queue);
}
END_TEST

START_TEST(freeing_the_queue_ends_its_operations)
{
    obs_queue *queue = new_queue();
    obs_operation *all[6];
    atomic_int began = 0, freed = 0;
    for (uint64_t i = 0; i < 6; i++)
        all[i] = start(queue, i, (struct job){.waits = 1, .began = &began, .freed = &freed}, &unlimited);
    wait_for(&began, 4);
    obs_queue_free(queue);
    ck_assert_int_eq(atomic_load(&freed), 6); /* nothing is borrowed any more */
    for (int i = 0; i < 6; i++) {
        ck_assert_int_eq(obs_operation_status(all[i], &error), OBS_CANCELLED);
        obs_operation_free(all[i]);
    }
}
END_TEST

START_TEST(an_operation_that_was_freed_still_completes)
{
    obs_queue *queue = new_queue();
    atomic_int began = 0;
    obs_operation *operation = start(queue, 5, (struct job){.waits = 1, .began = &began}, &unlimited);
    wait_for(&began, 1);
    obs_operation_free(operation);
    obs_completion done = next(queue);
    ck_assert_ptr_null(done.operation);
    ck_assert_uint_eq(done.tag, 5);
    ck_assert_int_eq(done.status, OBS_CANCELLED);
    obs_queue_free(queue);
    obs_queue_free(NULL);
    obs_operation_free(NULL);
    obs_operation_cancel(NULL);
}
END_TEST

START_TEST(progress_is_told_before_the_end)
{
    obs_queue *queue = new_queue();
    obs_operation *operation = start(queue, 1, (struct job){.steps = 100}, &unlimited);
    uint64_t seen = 0;
    obs_completion done;
    while ((done = next(queue)).kind == OBS_COMPLETION_PROGRESS) {
        ck_assert_uint_ge(done.bytes, seen);
        seen = done.bytes;
    }
    ck_assert_uint_gt(seen, 0);
    ck_assert_uint_eq(done.bytes, 100);
    obs_operation_free(operation);
    obs_queue_free(queue);
}
END_TEST

START_TEST(waiting_has_an_end)
{
    obs_queue *queue = new_queue();
    obs_completion done;
    obs_cancel *cancel;
    size_t count = 9;
    int64_t before = obs__monotonic_ns();
    ck_assert_ok(obs_queue_wait(queue, &done, 1, &count, 0, NULL, &error));
    ck_assert_uint_eq(count, 0);
    ck_assert_ok(obs_queue_wait(queue, &done, 1, &count, 30, NULL, &error));
    ck_assert_uint_eq(count, 0);
    ck_assert_int_ge(obs__monotonic_ns() - before, 29000000);
    ck_assert_ok(obs_cancel_new(&cancel, &error));
    obs_cancel_set(cancel);
    ck_assert_int_eq(obs_queue_wait(queue, &done, 1, &count, -1, cancel, &error), OBS_CANCELLED);
    ck_assert_int_eq(obs_queue_wait(queue, &done, 1, &count, 0, cancel, &error), OBS_CANCELLED);
    obs_cancel_free(cancel);
    ck_assert_int_eq(obs_queue_wait(queue, &done, 0, &count, 0, NULL, &error), OBS_INVALID_ARGUMENT);
    ck_assert_int_eq(obs_queue_wait(NULL, &done, 1, &count, 0, NULL, &error), OBS_INVALID_ARGUMENT);
    obs_queue_free(queue);
}
END_TEST

#define MANY 65536

START_TEST(waiting_operations_are_bounded)
{
    obs_queue *queue = new_queue();
    atomic_int began = 0;
    obs_operation *blockers[4];
    obs_operation **all = calloc(MANY, sizeof *all);
    obs_operation *more;
    struct job *job = calloc(1, sizeof *job);
    for (uint64_t i = 0; i < 4; i++)
        blockers[i] = start(queue, i, (struct job){.waits = 1, .began = &began}, &unlimited);
    wait_for(&began, 4);
    for (uint64_t i = 0; i < MANY; i++)
        all[i] = start(queue, i, (struct job){.text = NULL}, &unlimited);
    ck_assert_int_eq(obs__operation_start(&more, queue, 0, &ops, job, &unlimited, 0, &error), OBS_RESOURCE_EXHAUSTED);
    ck_assert_ptr_nonnull(strstr(error.message, "65536 operations wait already"));
    ck_assert_ptr_null(more);
    free(job);
    for (int i = 0; i < 4; i++)
        obs_operation_free(blockers[i]);
    for (size_t left = MANY + 4; left;) {
        obs_completion done[256];
        size_t count;
        ck_assert_ok(obs_queue_wait(queue, done, 256, &count, 60000, NULL, &error));
        ck_assert_uint_gt(count, 0);
        left -= count;
    }
    for (size_t i = 0; i < MANY; i++)
        obs_operation_free(all[i]);
    free(all);
    obs_queue_free(queue);
}
END_TEST

struct stress {
    obs_queue *queue;
    atomic_int taken;
    atomic_int freed;
};

#define STRESS_EACH 500

static void *start_many(void *argument)
{
    struct stress *stress = argument;
    for (uint64_t i = 0; i < STRESS_EACH; i++) {
        obs_operation *operation =
            start(stress->queue, i, (struct job){.text = "x", .freed = &stress->freed, .steps = (int)(i % 3)}, &unlimited);
        if (i % 5 == 0)
            obs_operation_cancel(operation);
        obs_operation_free(operation);
    }
    return NULL;
}

static void *take_many(void *argument)
{
    struct stress *stress = argument;
    while (atomic_load(&stress->taken) < 2 * STRESS_EACH) {
        obs_completion done[8];
        obs_error mine;
        size_t count = 0;
        obs_error_init(&mine, sizeof mine);
        ck_assert_int_eq(obs_queue_wait(stress->queue, done, 8, &count, 50, NULL, &mine), OBS_OK);
        for (size_t i = 0; i < count; i++)
            if (done[i].kind == OBS_COMPLETION_DONE)
                atomic_fetch_add(&stress->taken, 1);
    }
    return NULL;
}

START_TEST(threads_share_a_queue)
{
    struct stress stress = {.queue = new_queue()};
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, i < 2 ? start_many : take_many, &stress), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    ck_assert_int_eq(atomic_load(&stress.taken), 2 * STRESS_EACH);
    ck_assert_int_eq(atomic_load(&stress.freed), 2 * STRESS_EACH);
    ck_assert(!is_readable(stress.queue));
    obs_queue_free(stress.queue);
}
END_TEST

static int child_works(obs_queue *inherited, obs_operation *operation)
{
    obs_completion done;
    obs_queue *queue;
    size_t count;
    if (obs_queue_wait(inherited, &done, 1, &count, 0, NULL, &error) != OBS_FAILED_PRECONDITION)
        return 1;
    obs_operation_free(operation);
    obs_queue_free(inherited);
    if (fcntl(obs_queue_fd(inherited), F_GETFD) < 0)
        return 2;
    if (obs_queue_new(&queue, &error) != OBS_OK)
        return 3;
    struct job *job = calloc(1, sizeof *job);
    if (obs__operation_start(&operation, queue, 3, &ops, job, &unlimited, 0, &error) != OBS_OK)
        return 4;
    if (obs_queue_wait(queue, &done, 1, &count, 60000, NULL, &error) != OBS_OK || count != 1)
        return 5;
    obs_operation_free(operation);
    obs_queue_free(queue);
    return 0;
}

START_TEST(a_child_starts_fresh)
{
    obs_queue *queue = new_queue();
    atomic_int began = 0;
    int code;
    obs_operation *operation = start(queue, 1, (struct job){.waits = 1, .began = &began}, &unlimited);
    wait_for(&began, 1);
    pid_t child = fork();
    if (child == 0)
        _exit(child_works(queue, operation));
    ck_assert_int_eq(waitpid(child, &code, 0), child);
    ck_assert_int_eq(code, 0);
    obs_operation_cancel(operation);
    ck_assert_int_eq(next(queue).status, OBS_CANCELLED);
    obs_operation_free(operation);
    obs_queue_free(queue);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {an_operation_gives_its_bytes,
                                  an_error_reaches_the_caller,
                                  running_and_waiting_operations_are_cancelled,
                                  the_callers_token_and_time_end_an_operation,
                                  freeing_the_queue_ends_its_operations,
                                  an_operation_that_was_freed_still_completes,
                                  progress_is_told_before_the_end,
                                  waiting_has_an_end,
                                  waiting_operations_are_bounded,
                                  threads_share_a_queue,
                                  a_child_starts_fresh};
    obs_error_init(&error, sizeof error);
    return test_main("queue", tests, sizeof tests / sizeof tests[0]);
}
