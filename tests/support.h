/* What all C tests share. */
#ifndef OBS_TESTS_SUPPORT_H
#define OBS_TESTS_SUPPORT_H

#include <check.h>
#include <stddef.h>

/* A new empty folder of this test, removed with all it holds when the program ends; absolute. */
const char *test_folder(void);
/* `folder/name`, valid until the end of the program. */
const char *test_path(const char *folder, const char *name);
/* A file of the shared vectors or data, or NULL when they are not there: then say so with test_skipped() and return. */
const char *test_shared(const char *path);
/* Prints `SKIPPED <what>: <why>`, which the runner counts. */
void test_skipped(const char *what, const char *why);
/* So many turns, or fewer (at least one) where all is slow: $OBS_TEST_SLOW says how slow. */
int test_times(int count);
/* Whether a child may allocate that is forked while other threads do; skips otherwise. */
int test_can_fork_beside_threads(void);
/* Reads a file whole; fails the test when it cannot. Free with free(). */
char *test_read(const char *path, size_t *size);
void test_write(const char *path, const void *data, size_t size);

/* Runs one case of tests as a program: `int main(void) { return test_main("topic", tests, count); }`. */
int test_main(const char *topic, const TTest *const *tests, size_t count);
/* The same with set_up() before each test and tear_down() after it. */
int test_main_between(const char *topic, const TTest *const *tests, size_t count, SFun set_up, SFun tear_down);
/* The same with each test run for each `_i` below `times`. */
int test_main_times(const char *topic, const TTest *const *tests, size_t count, int times);

/*
 * What a check that fails calls, in any thread or child: says at once where and why, and ends the process. Check would jump
 * out of the test and go on with the next one, while threads still use what lay on the stack of the first, and would tell
 * what failed only at the end, if it got there.
 */
_Noreturn void test_failed(const char *file, int line, const char *expression, const char *message, ...)
    __attribute__((format(printf, 4, 5)));
#define _ck_assert_failed test_failed

#define ck_assert_ok(call)                                                                                                     \
    do {                                                                                                                       \
        obs_status ck_status = (call);                                                                                         \
        ck_assert_msg(ck_status == OBS_OK, "%s: %s: %s (%s)", #call, obs_status_name(ck_status), error.message, error.detail); \
    } while (0)

#endif
