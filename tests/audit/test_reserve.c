/* The file of the reserve: made, made again, never over a link; given back in steps, and taken by who comes last. */
#include "audit/reserve.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "support.h"

#define MIB ((int64_t)1 << 20)

static obs_error error;

static void set_policy(const char *workspace, int64_t bytes)
{
    char text[64];
    int size = snprintf(text, sizeof text, "{\"reserve_bytes\":%lld}\n", (long long)bytes);
    test_write(test_path(workspace, "audit/policy.json"), text, (size_t)size);
}

static const char *new_place(int64_t bytes)
{
    const char *workspace = test_folder();
    ck_assert_int_eq(mkdir(test_path(workspace, "audit"), 0700), 0);
    set_policy(workspace, bytes);
    return workspace;
}

static const char *file_of(const char *workspace)
{
    return test_path(workspace, "audit/reserve");
}

static obs__reserve fill(const char *workspace)
{
    obs__reserve now;
    ck_assert_ok(obs__reserve_fill(&now, workspace, &error));
    return now;
}

static void expect_whole(const char *workspace, int64_t bytes)
{
    struct stat found;
    obs__reserve now = fill(workspace);
    ck_assert_int_eq(now.held, bytes);
    ck_assert_int_eq(obs__reserve_is_whole(&now), 1);
    ck_assert_int_eq(lstat(file_of(workspace), &found), 0);
    ck_assert_int_eq(S_ISREG(found.st_mode), 1);
    ck_assert_int_eq(found.st_mode & 0777, 0600);
    ck_assert_int_eq(found.st_size, bytes);
    ck_assert_int_ge((int64_t)found.st_blocks * 512, bytes);
}

static int64_t size_of(const char *workspace)
{
    struct stat found;
    ck_assert_int_eq(stat(file_of(workspace), &found), 0);
    return found.st_size;
}

START_TEST(it_is_really_allocated)
{
    const char *workspace = new_place(4 * MIB);
    obs__reserve now;
    ck_assert_ok(obs__reserve_look(&now, workspace, &error));
    ck_assert_int_eq(now.there, 0);
    expect_whole(workspace, 4 * MIB);
}
END_TEST

START_TEST(of_the_size_that_the_policy_says)
{
    const char *workspace = new_place(4 * MIB);
    expect_whole(workspace, 4 * MIB);
    set_policy(workspace, MIB);
    expect_whole(workspace, MIB);
    set_policy(workspace, 2 * MIB);
    expect_whole(workspace, 2 * MIB);
    set_policy(workspace, 0);
    ck_assert_int_eq(fill(workspace).held, 0);
    ck_assert_int_ne(access(file_of(workspace), F_OK), 0);
}
END_TEST

START_TEST(made_again_when_it_is_missing_short_or_a_hole)
{
    const char *workspace = new_place(2 * MIB);
    expect_whole(workspace, 2 * MIB);
    ck_assert_int_eq(unlink(file_of(workspace)), 0);
    expect_whole(workspace, 2 * MIB);
    ck_assert_int_eq(truncate(file_of(workspace), 1000), 0);
    expect_whole(workspace, 2 * MIB);
    ck_assert_int_eq(truncate(file_of(workspace), 0), 0);
    ck_assert_int_eq(truncate(file_of(workspace), 2 * MIB), 0);
    expect_whole(workspace, 2 * MIB);
    ck_assert_int_eq(truncate(file_of(workspace), 9 * MIB), 0);
    expect_whole(workspace, 2 * MIB);
}
END_TEST

/* What a link leads to keeps its bytes, whether the link is soft or hard. */
static void expect_untouched(int (*make)(const char *to, const char *path))
{
    const char *workspace = new_place(MIB);
    const char *precious = test_path(workspace, "precious");
    obs__spare *spare = NULL;
    obs__reserve now;
    size_t size;
    test_write(precious, "bytes", 5);
    ck_assert_int_eq(make(precious, file_of(workspace)), 0);
    ck_assert_int_eq(obs__reserve_look(&now, workspace, &error), OBS_FAILED_PRECONDITION);
    ck_assert_ptr_nonnull(strstr(error.message, "remove what has its name"));
    ck_assert_int_eq(obs__spare_release(&spare, workspace, OBS__SHARE_ALL), 0);
    ck_assert_ptr_null(spare);
    expect_whole(workspace, MIB);
    char *text = test_read(precious, &size);
    ck_assert_uint_eq(size, 5);
    ck_assert_mem_eq(text, "bytes", 5);
    free(text);
}

START_TEST(never_over_a_link)
{
    expect_untouched(symlink);
}
END_TEST

START_TEST(never_over_a_second_name)
{
    expect_untouched(link);
}
END_TEST

START_TEST(what_is_no_file)
{
    const char *workspace = new_place(MIB);
    obs__reserve now;
    ck_assert_int_eq(mkdir(file_of(workspace), 0700), 0);
    ck_assert_int_eq(obs__reserve_fill(&now, workspace, &error), OBS_FAILED_PRECONDITION);
    ck_assert_int_eq(rmdir(file_of(workspace)), 0);
    ck_assert_int_eq(mkfifo(file_of(workspace), 0600), 0);
    expect_whole(workspace, MIB);
}
END_TEST

START_TEST(no_folder_no_reserve)
{
    const char *workspace = test_folder();
    obs__reserve now;
    obs__spare *spare = NULL;
    ck_assert_int_eq(obs__reserve_fill(&now, workspace, &error), OBS_NOT_FOUND);
    ck_assert_int_eq(obs__spare_release(&spare, workspace, OBS__SHARE_ALL), 0);
}
END_TEST

START_TEST(in_quarters_and_for_looking_only_half)
{
    const char *workspace = new_place(4 * MIB);
    obs__spare *spare = NULL;
    expect_whole(workspace, 4 * MIB);
    ck_assert_int_eq(obs__spare_release(&spare, workspace, OBS__SHARE_NONE), 0);
    ck_assert_int_eq(size_of(workspace), 4 * MIB);
    ck_assert_int_eq(obs__spare_release(&spare, workspace, OBS__SHARE_HALF), 1);
    ck_assert_int_eq(size_of(workspace), 3 * MIB);
    ck_assert_int_eq(obs__spare_release(&spare, workspace, OBS__SHARE_HALF), 1);
    ck_assert_int_eq(obs__spare_release(&spare, workspace, OBS__SHARE_HALF), 0);
    ck_assert_int_eq(size_of(workspace), 2 * MIB);
    ck_assert_int_eq(obs__spare_release(&spare, workspace, OBS__SHARE_ALL), 1);
    ck_assert_int_eq(obs__spare_release(&spare, workspace, OBS__SHARE_ALL), 1);
    ck_assert_int_eq(obs__spare_release(&spare, workspace, OBS__SHARE_ALL), 0);
    ck_assert_int_eq(size_of(workspace), 0);
    ck_assert_int_eq(obs__spare_end(spare), 1);
    expect_whole(workspace, 4 * MIB);
}
END_TEST

/* While a call uses what was given back nobody takes it, however he comes; the last one does. */
START_TEST(who_is_done_last_takes_it)
{
    const char *workspace = new_place(4 * MIB);
    obs__spare *one = NULL, *other = NULL;
    expect_whole(workspace, 4 * MIB);
    ck_assert_int_eq(obs__spare_release(&one, workspace, OBS__SHARE_ALL), 1);
    ck_assert_int_eq(obs__spare_release(&other, workspace, OBS__SHARE_ALL), 1);
    ck_assert_int_eq(size_of(workspace), 2 * MIB);
    ck_assert_int_eq(fill(workspace).held, 2 * MIB);
    ck_assert_int_eq(obs__spare_end(one), 0);
    ck_assert_int_eq(size_of(workspace), 2 * MIB);
    ck_assert_int_eq(obs__spare_end(other), 1);
    ck_assert_int_eq(size_of(workspace), 4 * MIB);
}
END_TEST

START_TEST(a_crash_in_between_is_mended_by_the_next)
{
    const char *workspace = new_place(4 * MIB);
    int outcome;
    expect_whole(workspace, 4 * MIB);
    pid_t child = fork();
    if (child == 0) {
        obs__spare *spare = NULL;
        _exit(obs__spare_release(&spare, workspace, OBS__SHARE_ALL));
    }
    ck_assert_int_eq(waitpid(child, &outcome, 0), child);
    ck_assert_int_eq(WEXITSTATUS(outcome), 1);
    ck_assert_int_eq(size_of(workspace), 3 * MIB);
    expect_whole(workspace, 4 * MIB);
}
END_TEST

/* A child has the descriptor, too: that it lives on keeps nobody from taking. */
START_TEST(a_child_keeps_no_lock)
{
    const char *workspace = new_place(4 * MIB);
    obs__spare *spare = NULL;
    int ends[2], outcome;
    expect_whole(workspace, 4 * MIB);
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(obs__spare_release(&spare, workspace, OBS__SHARE_ALL), 1);
    pid_t child = fork();
    if (child == 0) {
        char byte;
        close(ends[1]);
        _exit(read(ends[0], &byte, 1) == 0 ? 0 : 1);
    }
    ck_assert_int_eq(obs__spare_end(spare), 1);
    close(ends[1]);
    close(ends[0]);
    ck_assert_int_eq(waitpid(child, &outcome, 0), child);
    ck_assert_int_eq(outcome, 0);
    expect_whole(workspace, 4 * MIB);
}
END_TEST

int main(void)
{
    const TTest *tests[] = {it_is_really_allocated,
                            of_the_size_that_the_policy_says,
                            made_again_when_it_is_missing_short_or_a_hole,
                            never_over_a_link,
                            never_over_a_second_name,
                            what_is_no_file,
                            no_folder_no_reserve,
                            in_quarters_and_for_looking_only_half,
                            who_is_done_last_takes_it,
                            a_crash_in_between_is_mended_by_the_next,
                            a_child_keeps_no_lock};
    obs_error_init(&error, sizeof error);
    return test_main("audit/reserve", tests, sizeof tests / sizeof tests[0]);
}
