#include "base/error.h"

#include <errno.h>
#include <string.h>

#include "support.h"

/* What is published stays: names, numbers and exit codes as they were in the first release. */
static const struct {
    int number;
    const char *name;
    int retryable;
    int exit_code;
} frozen[] = {{0, "OK", 0, 0},
              {1, "CANCELLED", 0, 1},
              {2, "UNKNOWN", 0, 1},
              {3, "INVALID_ARGUMENT", 0, 2},
              {4, "DEADLINE_EXCEEDED", 1, 5},
              {5, "NOT_FOUND", 0, 3},
              {6, "ALREADY_EXISTS", 0, 6},
              {7, "PERMISSION_DENIED", 0, 4},
              {8, "RESOURCE_EXHAUSTED", 1, 5},
              {9, "FAILED_PRECONDITION", 0, 6},
              {10, "ABORTED", 1, 6},
              {11, "OUT_OF_RANGE", 0, 2},
              {12, "UNIMPLEMENTED", 0, 1},
              {13, "INTERNAL", 0, 1},
              {14, "UNAVAILABLE", 1, 5},
              {15, "DATA_LOSS", 0, 7},
              {16, "UNAUTHENTICATED", 0, 4},
              {100, "NO_WORKSPACE", 0, 3},
              {101, "UNTRUSTED", 0, 4},
              {102, "REFUSED", 0, 1},
              {103, "NO_SPACE", 1, 5}};
#define FROZEN (sizeof frozen / sizeof frozen[0])

START_TEST(the_table_is_frozen)
{
    obs_status status;
    for (size_t i = 0; i < FROZEN; i++) {
        ck_assert_int_eq(obs_status_at(i, &status), 1);
        ck_assert_int_eq((int)status, frozen[i].number);
        ck_assert_str_eq(obs_status_name(status), frozen[i].name);
        ck_assert_int_eq(obs_status_retryable(status), frozen[i].retryable);
        ck_assert_int_eq(obs_status_exit_code(status), frozen[i].exit_code);
        ck_assert_uint_gt(strlen(obs_status_text(status)), 3);
    }
}
END_TEST

START_TEST(later_rows_are_whole)
{
    obs_status a, b;
    for (size_t i = 0; obs_status_at(i, &a); i++) {
        ck_assert_int_ge(obs_status_exit_code(a), 0);
        ck_assert_int_le(obs_status_exit_code(a), 7);
        ck_assert_int_eq(obs_status_exit_code(a) == 0, a == OBS_OK);
        for (size_t j = 0; j < i && obs_status_at(j, &b); j++) {
            ck_assert_str_ne(obs_status_name(a), obs_status_name(b));
            ck_assert_int_ne(a, b);
        }
    }
    ck_assert_int_eq(obs_status_at(0, NULL), 0);
    ck_assert_int_eq(obs_status_at(10000, &a), 0);
    ck_assert_str_eq(obs_status_name((obs_status)99), "UNKNOWN");
    ck_assert_int_eq(obs_status_exit_code((obs_status)-1), 1);
}
END_TEST

START_TEST(errors_are_filled_and_cleared)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    ck_assert_int_eq(obs__fail(&error, OBS_ABORTED, "lost '%s'", "a\x1b\xE2\x80\xAE"), OBS_ABORTED);
    ck_assert_str_eq(error.message, "lost 'a\\x1b\\u{202e}'");
    ck_assert_int_eq(error.retryable, 1);
    obs__detail(&error, "detail %d", 7);
    obs__at(&error, 3, 4);
    ck_assert_str_eq(error.detail, "detail 7");
    ck_assert_int_eq(obs__ok(&error), OBS_OK);
    ck_assert(error.status == OBS_OK && !error.retryable && !error.line && !error.column && !*error.message && !*error.detail);
    ck_assert_int_eq(obs__fail_system(&error, ENOSPC, "cannot write '%s'", "x"), OBS_NO_SPACE);
    ck_assert_int_eq(error.system, ENOSPC);
    ck_assert_str_eq(error.message, "cannot write 'x': No space left on device");
    static const struct {
        int number;
        obs_status status;
    } rows[] = {{ENOENT, OBS_NOT_FOUND},
                {EACCES, OBS_PERMISSION_DENIED},
                {EROFS, OBS_FAILED_PRECONDITION},
                {EMFILE, OBS_RESOURCE_EXHAUSTED},
                {EIO, OBS_DATA_LOSS},
                {EDQUOT, OBS_NO_SPACE},
                {EEXIST, OBS_ALREADY_EXISTS},
                {EAGAIN, OBS_UNAVAILABLE},
                {EDOM, OBS_INTERNAL}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        ck_assert_int_eq(obs__fail_system(&error, rows[i].number, "x"), rows[i].status);
}
END_TEST

START_TEST(nothing_is_written_beyond_the_callers_size)
{
    union {
        obs_error error;
        unsigned char bytes[sizeof(obs_error)];
    } small;
    memset(small.bytes, 0xAA, sizeof small.bytes);
    obs_error_init(&small.error, 64);
    ck_assert_uint_eq(small.bytes[64], 0xAA);
    ck_assert_int_eq(obs__fail(&small.error, OBS_NOT_FOUND, "x"), OBS_NOT_FOUND);
    ck_assert_int_eq(obs__fail_system(&small.error, EIO, "x"), OBS_DATA_LOSS);
    obs__detail(&small.error, "x");
    obs__at(&small.error, 1, 1);
    for (size_t i = 64; i < sizeof small.bytes; i++)
        ck_assert_uint_eq(small.bytes[i], 0xAA);
    ck_assert_int_eq(obs__fail(NULL, OBS_NOT_FOUND, "x"), OBS_NOT_FOUND);
    obs__detail(NULL, "x");
    ck_assert_int_eq(obs__ok(NULL), OBS_OK);
    obs_error_init(NULL, sizeof(obs_error));
}
END_TEST

START_TEST(long_texts_are_cut)
{
    obs_error error;
    char text[2000];
    obs_error_init(&error, sizeof error);
    memset(text, '\n', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    obs__fail(&error, OBS_INTERNAL, "%s", text);
    ck_assert_uint_lt(strlen(error.message), OBS_ERROR_TEXT_SIZE);
    obs__fail_system(&error, EIO, "%s", text);
    ck_assert_uint_lt(strlen(error.message), OBS_ERROR_TEXT_SIZE);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {the_table_is_frozen, later_rows_are_whole, errors_are_filled_and_cleared,
                                  nothing_is_written_beyond_the_callers_size, long_texts_are_cut};
    return test_main("error", tests, sizeof tests / sizeof tests[0]);
}
