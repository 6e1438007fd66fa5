/* When the log is written. */
#include "audit/schedule.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "audit/log_fixture.h"
#include "base/clock.h"
#include "base/error.h"
#include "support.h"

static obs_error error;
static obs__sequenced done;
static log_fixture fixture;

static obs__schedule *begin(void)
{
    obs__schedule *schedule;
    log_open(&fixture, test_folder());
    log_tenant(&fixture, "sky");
    ck_assert_ok(obs__schedule_new(&schedule, &fixture.place, &fixture.tenants, &error));
    return schedule;
}

/* What the checkpoint says; 0 when there is none. */
static uint64_t logged(void)
{
    char text[128] = "";
    int fd = open(log_file(&fixture, "audit/log/checkpoint"), O_RDONLY);
    if (fd < 0 || read(fd, text, sizeof text - 1) <= 0)
        return 0;
    close(fd);
    return strtoull(strchr(text, '\n') + 1, NULL, 10);
}

static void wait_for(uint64_t size)
{
    int64_t end = obs__monotonic_ns() + INT64_C(120000000000);
    while (logged() != size && obs__monotonic_ns() < end)
        usleep(5000);
    ck_assert_uint_eq(logged(), size);
}

static void age_checkpoint(void)
{
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = obs__now_ns() / 1000000000 - 60}};
    ck_assert_int_eq(utimensat(AT_FDCWD, log_file(&fixture, "audit/log/checkpoint"), times, 0), 0);
}

START_TEST(a_thousand_records_do_not_wait)
{
    obs__schedule *schedule = begin();
    log_commit(&fixture, "sky", OBS__LOG_RECORDS);
    for (int i = 0; i < OBS__LOG_RECORDS; i++)
        obs__schedule_count(schedule, 1);
    wait_for(OBS__LOG_RECORDS);
    ck_assert_ok(obs__schedule_last(schedule, &error));
    obs__schedule_free(schedule);
    log_close(&fixture);
}
END_TEST

START_TEST(few_records_wait_for_an_interval)
{
    obs__schedule *schedule = begin();
    int64_t start = obs__monotonic_ns();
    ck_assert_ok(obs__schedule_now(&done, schedule, &(obs__limit){INT64_MAX, NULL}, &error));
    log_commit(&fixture, "sky", 3);
    obs__schedule_count(schedule, 3);
    wait_for(3);
    int64_t took_ms = (obs__monotonic_ns() - start) / 1000000;
    ck_assert_msg(took_ms > OBS__LOG_INTERVAL_MS - 2000, "%lld ms", (long long)took_ms);
    obs__schedule_free(schedule);
    log_close(&fixture);
}
END_TEST

START_TEST(the_end_writes_what_is_due)
{
    obs__schedule *schedule = begin();
    int64_t start = obs__monotonic_ns();
    log_commit(&fixture, "sky", 1);
    obs__schedule_count(schedule, 1);
    obs__schedule_free(schedule); /* no checkpoint yet */
    ck_assert_uint_eq(logged(), 1);
    for (uint64_t old = 0; old < 2; old++) {
        ck_assert_ok(obs__schedule_new(&schedule, &fixture.place, &fixture.tenants, &error));
        log_commit(&fixture, "sky", 1);
        obs__schedule_count(schedule, 1);
        if (old)
            age_checkpoint();
        obs__schedule_free(schedule);
        if (old)
            ck_assert_uint_eq(logged(), 3);
        else if (obs__monotonic_ns() - start < OBS__LOG_INTERVAL_MS * INT64_C(1000000)) /* not due, as far as time went */
            ck_assert_uint_eq(logged(), 1);
    }
    log_close(&fixture);
}
END_TEST

START_TEST(what_goes_wrong_is_remembered)
{
    obs__schedule *schedule = begin();
    obs__limit limit = obs__limit_in(120000, NULL);
    log_commit(&fixture, "sky", 1);
    ck_assert_ok(obs__schedule_now(&done, schedule, &limit, &error));
    ck_assert_uint_eq(done.added, 1);
    ck_assert_int_eq(rename(log_state(&fixture, "audit/anchor"), log_state(&fixture, "aside")), 0);
    ck_assert_int_eq(obs__schedule_now(&done, schedule, &limit, &error), OBS_DATA_LOSS);
    ck_assert_int_eq(obs__schedule_last(schedule, &error), OBS_DATA_LOSS);
    ck_assert_ptr_nonnull(strstr(error.message, "anchor was removed"));
    ck_assert_int_eq(rename(log_state(&fixture, "aside"), log_state(&fixture, "audit/anchor")), 0);
    ck_assert_ok(obs__schedule_now(&done, schedule, &limit, &error));
    ck_assert_ok(obs__schedule_last(schedule, &error));
    obs__schedule_free(schedule);
    log_close(&fixture);
}
END_TEST

/* A child has a keeper of its own, and leaves its parent's appointments alone. */
START_TEST(a_forked_child_writes_for_itself)
{
#ifdef __SANITIZE_THREAD__
    test_skipped("a forked child that reads", "ThreadSanitizer cannot start a thread after a fork");
    return;
#endif
    if (!test_can_fork_beside_threads())
        return;
    obs__schedule *schedule = begin();
    int status;
    log_commit(&fixture, "sky", 2);
    obs__schedule_count(schedule, 2);
    pid_t child = fork();
    if (!child) {
        log_commit(&fixture, "sky", 1);
        obs__schedule_count(schedule, OBS__LOG_RECORDS);
        for (int i = 0; i < 24000 && logged() != 3; i++)
            usleep(5000);
        obs__schedule_free(schedule);
        _exit(logged() == 3 ? 0 : 1);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    log_commit(&fixture, "sky", 1);
    age_checkpoint();
    obs__schedule_free(schedule);
    ck_assert_uint_eq(logged(), 4);
    log_close(&fixture);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {a_thousand_records_do_not_wait, few_records_wait_for_an_interval, the_end_writes_what_is_due,
                                  what_goes_wrong_is_remembered, a_forked_child_writes_for_itself};
    obs_error_init(&error, sizeof error);
    return test_main("schedule", tests, sizeof tests / sizeof tests[0]);
}
