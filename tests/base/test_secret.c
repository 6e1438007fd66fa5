#include "base/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "support.h"

static obs_error error;

/* The flags that the kernel keeps for the pages of an address: `rd wr mr mw me lo dd wf …`. */
static void flags_of(char out[512], const void *address)
{
    char line[512];
    int inside = 0;
    FILE *maps = fopen("/proc/self/smaps", "r");
    *out = '\0';
    ck_assert_ptr_nonnull(maps);
    while (fgets(line, sizeof line, maps)) {
        unsigned long from, to;
        if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
            inside = (uintptr_t)address >= from && (uintptr_t)address < to;
        else if (inside && strncmp(line, "VmFlags:", 8) == 0)
            snprintf(out, 512, "%s", line + 8);
    }
    fclose(maps);
}

START_TEST(bytes_go_in_and_come_out)
{
    obs_secret *secret = NULL;
    ck_assert_ok(obs_secret_new(&secret, "s3cret", OBS_TEXT, &error));
    ck_assert_uint_eq(obs_secret_size(secret), 6);
    ck_assert_str_eq(obs_secret_bytes(secret), "s3cret");
    ck_assert_ptr_eq(obs_secret_retain(secret), secret);
    obs_secret_free(secret);
    ck_assert_str_eq(obs_secret_bytes(secret), "s3cret");
    obs_secret_free(secret);
    ck_assert_ok(obs_secret_new(&secret, NULL, 0, &error));
    ck_assert_uint_eq(obs_secret_size(secret), 0);
    obs_secret_free(secret);
    obs_secret_free(NULL);
    ck_assert_ptr_null(obs_secret_retain(NULL));
    ck_assert_str_eq(obs_secret_bytes(NULL), "");
    ck_assert_uint_eq(obs_secret_size(NULL), 0);
}
END_TEST

START_TEST(a_secret_has_a_largest_size)
{
    static char large[OBS__SECRET_SIZE_LIMIT + 2];
    obs_secret *secret = NULL;
    memset(large, 'x', sizeof large - 1);
    ck_assert_ok(obs_secret_new(&secret, large, OBS__SECRET_SIZE_LIMIT, &error));
    ck_assert_int_eq(memcmp(obs_secret_bytes(secret), large, OBS__SECRET_SIZE_LIMIT), 0);
    ck_assert_int_eq(((const char *)obs_secret_bytes(secret))[OBS__SECRET_SIZE_LIMIT], '\0');
    obs_secret_free(secret);
    ck_assert_int_eq(obs_secret_new(&secret, large, OBS__SECRET_SIZE_LIMIT + 1, &error), OBS_INVALID_ARGUMENT);
    ck_assert_ptr_null(secret);
    ck_assert_int_eq(obs_secret_new(&secret, large, OBS_TEXT, &error), OBS_INVALID_ARGUMENT);
    ck_assert_str_eq(error.message, "a secret has at most 65536 bytes");
    ck_assert_int_eq(obs_secret_new(NULL, large, 1, &error), OBS_INVALID_ARGUMENT);
    ck_assert_int_eq(obs_secret_new(&secret, NULL, 1, &error), OBS_INVALID_ARGUMENT);
}
END_TEST

START_TEST(no_dump_and_no_child_has_the_pages)
{
    static const size_t sizes[] = {5, 3000, 60000};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        static char bytes[60000];
        char flags[512];
        obs_secret *secret = NULL;
        ck_assert_ok(obs_secret_new(&secret, bytes, sizes[i], &error));
        flags_of(flags, obs_secret_bytes(secret));
        ck_assert_msg(strstr(flags, " dd") != NULL, "in core dumps: %s", flags);
        ck_assert_msg(strstr(flags, " wf") != NULL || strstr(flags, " dc") != NULL, "in children: %s", flags);
        if (!strstr(flags, " lo"))
            test_skipped("locked memory", "the limit of locked memory of this user is used up");
        obs_secret_free(secret);
    }
}
END_TEST

START_TEST(a_child_has_no_access_and_can_make_its_own)
{
    obs_secret *secret = NULL;
    int code = 1;
    ck_assert_ok(obs_secret_new(&secret, "s3cret", OBS_TEXT, &error));
    pid_t child = fork();
    if (child == 0) {
        obs_secret *own = NULL;
        int right = obs_secret_size(secret) == 0 && strcmp(obs_secret_bytes(secret), "") == 0;
        obs_secret_free(secret);
        right = right && obs_secret_new(&own, "mine", OBS_TEXT, NULL) == OBS_OK && !strcmp(obs_secret_bytes(own), "mine");
        obs_secret_free(own);
        _exit(right ? 0 : 1);
    }
    ck_assert_int_eq(waitpid(child, &code, 0), child);
    ck_assert_int_eq(code, 0);
    ck_assert_str_eq(obs_secret_bytes(secret), "s3cret");
    obs_secret_free(secret);
}
END_TEST

START_TEST(what_is_given_back_is_wiped)
{
    obs_secret *keeps = NULL, *secret = NULL, *next = NULL;
    char *data = NULL;
    ck_assert_ok(obs_secret_new(&keeps, "keeps the region", OBS_TEXT, &error));
    ck_assert_ok(obs_secret_new(&secret, "s3cret", OBS_TEXT, &error));
    const volatile char *bytes = obs_secret_bytes(secret);
    obs_secret_free(secret);
    for (size_t i = 0; i < 6; i++)
        ck_assert_int_eq(bytes[i], 0);
    ck_assert_ok(obs__secret_room(&next, &data, 4, &error));
    memcpy(data, "abcd", 4);
    obs__secret_shrink(next, 2);
    ck_assert_int_eq(memcmp(data, "ab\0\0", 5), 0);
    obs_secret_free(next);
    obs_secret_free(keeps);
}
END_TEST

/* The kernel is asked to read there: it answers instead of ending the program. */
START_TEST(beside_the_pages_there_is_nothing)
{
    obs_secret *secret = NULL;
    static char bytes[60000];
    int pipes[2];
    ck_assert_int_eq(pipe(pipes), 0);
    ck_assert_ok(obs_secret_new(&secret, bytes, sizeof bytes, &error));
    const char *data = obs_secret_bytes(secret);
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    ck_assert_int_eq(write(pipes[1], data, 1), 1);
    ck_assert_int_eq(write(pipes[1], data - 1, 1), -1);
    ck_assert_int_eq(errno, EFAULT);
    ck_assert_int_eq(write(pipes[1], data + (sizeof bytes + page) / page * page, 1), -1);
    obs_secret_free(secret);
    close(pipes[0]), close(pipes[1]);
}
END_TEST

START_TEST(many_secrets_share_pages)
{
    enum { COUNT = 2000 };
    static obs_secret *secrets[COUNT];
    char text[64];
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < COUNT; i++) {
            snprintf(text, sizeof text, "secret number %d of %d", i, round);
            ck_assert_ok(obs_secret_new(&secrets[i], text, OBS_TEXT, &error));
        }
        for (int i = 0; i < COUNT; i += 2)
            obs_secret_free(secrets[i]);
        for (int i = 0; i < COUNT; i += 2)
            ck_assert_ok(obs_secret_new(&secrets[i], "again", OBS_TEXT, &error));
        for (int i = 0; i < COUNT; i++) {
            snprintf(text, sizeof text, "secret number %d of %d", i, round);
            ck_assert_str_eq(obs_secret_bytes(secrets[i]), i % 2 ? text : "again");
        }
        for (int i = 0; i < COUNT; i++)
            obs_secret_free(secrets[i]);
    }
}
END_TEST

START_TEST(files_are_read_into_locked_memory)
{
    const char *path = test_path(test_folder(), "password");
    obs_secret *secret = NULL;
    struct stat found;
    test_write(path, "s3cret\r\n", 8);
    ck_assert_int_eq(chmod(path, 0600), 0);
    ck_assert_ok(obs__secret_read_private(&secret, &found, path, 100, &error));
    ck_assert_uint_eq(found.st_size, 8);
    ck_assert_str_eq(obs_secret_bytes(secret), "s3cret\r\n");
    obs__secret_trim(secret);
    ck_assert_str_eq(obs_secret_bytes(secret), "s3cret");
    obs_secret_free(secret);
    ck_assert_ok(obs__secret_read_file(&secret, AT_FDCWD, path, 8, &error));
    obs_secret_free(secret);
    ck_assert_int_eq(obs__secret_read_file(&secret, AT_FDCWD, path, 7, &error), OBS_RESOURCE_EXHAUSTED);
    ck_assert_ptr_null(secret);
    ck_assert_int_eq(obs__secret_read_file(&secret, AT_FDCWD, "/proc/self", 7, &error), OBS_FAILED_PRECONDITION);
    ck_assert_int_eq(obs__secret_read_private(&secret, NULL, test_path(test_folder(), "no"), 7, &error), OBS_NOT_FOUND);
}
END_TEST

START_TEST(a_pipe_of_unknown_size_is_read_to_its_end)
{
    static char bytes[5000], read_back[sizeof bytes];
    obs_secret *secret = NULL;
    int pipes[2];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)(i % 251);
    ck_assert_int_eq(pipe(pipes), 0);
    ck_assert_int_eq(write(pipes[1], bytes, sizeof bytes), sizeof bytes);
    close(pipes[1]);
    ck_assert_ok(obs__secret_read_fd(&secret, pipes[0], "a pipe", sizeof bytes, &error));
    ck_assert_uint_eq(obs_secret_size(secret), sizeof bytes);
    memcpy(read_back, obs_secret_bytes(secret), sizeof bytes);
    ck_assert_int_eq(memcmp(read_back, bytes, sizeof bytes), 0);
    obs_secret_free(secret);
    close(pipes[0]);
}
END_TEST

START_TEST(a_file_that_others_may_read_or_change_is_refused)
{
    const char *folder = test_folder();
    const char *path = test_path(folder, "password"), *open = test_path(folder, "open"), *link = test_path(folder, "link");
    obs_secret *secret = NULL;
    ck_assert_int_eq(chmod(folder, 0755), 0);
    test_write(path, "s3cret", 6);
    ck_assert_int_eq(chmod(path, 0644), 0);
    ck_assert_int_eq(obs__secret_read_private(&secret, NULL, path, 100, &error), OBS_UNTRUSTED);
    ck_assert_ptr_nonnull(strstr(error.message, "can be read by others: run 'chmod go= "));
    ck_assert_int_eq(chmod(path, 0620), 0);
    ck_assert_int_eq(obs__secret_read_private(&secret, NULL, path, 100, &error), OBS_UNTRUSTED);
    ck_assert_int_eq(chmod(path, 0600), 0);
    ck_assert_int_eq(symlink("password", link), 0);
    ck_assert_ok(obs__secret_read_private(&secret, NULL, link, 100, &error));
    obs_secret_free(secret);
    ck_assert_int_eq(mkfifo(open, 0600), 0);
    ck_assert_int_eq(obs__secret_read_private(&secret, NULL, open, 100, &error), OBS_FAILED_PRECONDITION);
    ck_assert_int_eq(chmod(folder, 0777), 0);
    ck_assert_int_eq(obs__secret_read_private(&secret, NULL, link, 100, &error), OBS_UNTRUSTED);
    ck_assert_int_eq(chmod(folder, 0755), 0);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {bytes_go_in_and_come_out,
                                  a_secret_has_a_largest_size,
                                  no_dump_and_no_child_has_the_pages,
                                  a_child_has_no_access_and_can_make_its_own,
                                  what_is_given_back_is_wiped,
                                  beside_the_pages_there_is_nothing,
                                  many_secrets_share_pages,
                                  files_are_read_into_locked_memory,
                                  a_pipe_of_unknown_size_is_read_to_its_end,
                                  a_file_that_others_may_read_or_change_is_refused};
    obs_error_init(&error, sizeof error);
    return test_main("secret", tests, sizeof tests / sizeof tests[0]);
}
