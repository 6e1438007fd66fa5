#include "base/file.h"

#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "support.h"

static obs_error error;

static int open_folder(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    return fd;
}

START_TEST(a_file_is_written_whole_and_read_back)
{
    const char *path = test_path(test_folder(), "a.txt");
    obs_buffer *read = NULL;
    struct stat found;
    ck_assert_ok(obs__file_write(AT_FDCWD, path, "one", 3, 0640, &error));
    ck_assert_ok(obs__file_write(AT_FDCWD, path, "three", 5, 0600, &error));
    ck_assert_ok(obs__file_read(&read, AT_FDCWD, path, 5, &error));
    ck_assert_str_eq(obs_buffer_data(read), "three");
    obs_buffer_free(read);
    ck_assert_int_eq(stat(path, &found), 0);
    ck_assert_uint_eq(found.st_mode & 07777, 0600);
    ck_assert_int_eq(obs__file_read(&read, AT_FDCWD, path, 4, &error), OBS_RESOURCE_EXHAUSTED);
    ck_assert_ptr_null(read);
    ck_assert_int_eq(obs__file_create(AT_FDCWD, path, "x", 1, 0600, &error), OBS_ALREADY_EXISTS);
    ck_assert_int_eq(obs__file_read(&read, AT_FDCWD, test_path(test_folder(), "none"), 4, &error), OBS_NOT_FOUND);
    ck_assert_int_eq(obs__file_read(&read, AT_FDCWD, "/", 4, &error), OBS_FAILED_PRECONDITION);
}
END_TEST

START_TEST(files_without_a_size_are_read_too)
{
    obs_buffer *read = NULL;
    ck_assert_ok(obs__file_read(&read, AT_FDCWD, "/proc/self/status", 1 << 20, &error));
    ck_assert_uint_gt(obs_buffer_size(read), 100);
    obs_buffer_free(read);
    ck_assert_int_eq(obs__file_read(&read, AT_FDCWD, "/dev/zero", 100000, &error), OBS_RESOURCE_EXHAUSTED);
    ck_assert_ptr_nonnull(strstr(error.message, "'/dev/zero' is larger than the limit of 100000 bytes"));
}
END_TEST

START_TEST(nothing_is_left_behind_when_a_write_fails)
{
    const char *folder = test_folder();
    char command[600];
    ck_assert_int_eq(mkdir(test_path(folder, "taken"), 0700), 0);
    ck_assert_int_ne(obs__file_write(AT_FDCWD, test_path(folder, "taken"), "x", 1, 0600, &error), OBS_OK);
    ck_assert_int_eq(obs__file_create(AT_FDCWD, test_path(folder, "taken"), "x", 1, 0600, &error), OBS_ALREADY_EXISTS);
    snprintf(command, sizeof command, "test \"$(ls -A '%s')\" = taken", folder);
    ck_assert_int_eq(system(command), 0);
}
END_TEST

START_TEST(links_below_a_folder_are_not_followed)
{
    const char *base = test_folder();
    int folder = open_folder(base);
    int fd;
    ck_assert_ok(obs__folder_make(folder, "a/b", 0700, &error));
    ck_assert_ok(obs__file_write(folder, "a/b/file", "in", 2, 0600, &error));
    ck_assert_int_eq(symlink("/etc", test_path(base, "out")), 0);
    ck_assert_int_eq(symlink("b", test_path(base, "a/inner")), 0);
    ck_assert_int_eq(symlink("file", test_path(base, "a/b/last")), 0);
    for (int without = 0; without < 2; without++) {
        obs__open_at_fake(without);
        ck_assert_ok(obs__open_at(&fd, folder, "a//./b/file", O_RDONLY, 0, &error));
        close(fd);
        static const char *const links[] = {"out/passwd", "out", "a/inner/file", "a/b/last"};
        for (size_t i = 0; i < 4; i++) {
            ck_assert_int_eq(obs__open_at(&fd, folder, links[i], O_RDONLY, 0, &error), OBS_PERMISSION_DENIED);
            ck_assert_ptr_nonnull(strstr(error.message, "symbolic link"));
            ck_assert_int_eq(fd, -1);
        }
        static const char *const outside[] = {"/etc/passwd", "../x", "a/../../x", "a/..", ""};
        for (size_t i = 0; i < 5; i++)
            ck_assert_int_eq(obs__open_at(&fd, folder, outside[i], O_RDONLY, 0, &error), OBS_INVALID_ARGUMENT);
        ck_assert_int_eq(obs__open_at(&fd, folder, "a/b/file/c", O_RDONLY, 0, &error), OBS_NOT_FOUND);
        ck_assert_int_eq(obs__open_at(&fd, folder, "a/b/file/", O_RDONLY, 0, &error), OBS_NOT_FOUND);
        ck_assert_int_eq(obs__file_write(folder, "out/obs-test", "x", 1, 0600, &error), OBS_PERMISSION_DENIED);
        ck_assert_int_eq(obs__file_write(folder, "/obs-test", "x", 1, 0600, &error), OBS_INVALID_ARGUMENT);
        ck_assert_int_eq(obs__folder_make(folder, "out/obs-test", 0700, &error), OBS_PERMISSION_DENIED);
        ck_assert_int_eq(obs__file_write(folder, "a/b/..", "x", 1, 0600, &error), OBS_INVALID_ARGUMENT);
    }
    obs__open_at_fake(0);
    close(folder);
}
END_TEST

START_TEST(folders_are_made_with_those_above)
{
    const char *base = test_folder();
    ck_assert_ok(obs__folder_make(AT_FDCWD, test_path(base, "x//y/z/"), 0700, &error));
    ck_assert_ok(obs__folder_make(AT_FDCWD, test_path(base, "x/y/z"), 0700, &error));
    ck_assert_ok(obs__folder_sync_path(AT_FDCWD, test_path(base, "x/y"), &error));
    test_write(test_path(base, "file"), "", 0);
    ck_assert_int_ne(obs__folder_make(AT_FDCWD, test_path(base, "file"), 0700, &error), OBS_OK);
    ck_assert_int_ne(obs__folder_make(AT_FDCWD, test_path(base, "file/x"), 0700, &error), OBS_OK);
}
END_TEST

START_TEST(what_others_may_write_is_not_trusted)
{
    const char *base = test_folder();
    const char *path = test_path(base, "obs.yaml");
    obs_buffer *read = NULL;
    char expected[600];
    ck_assert_int_eq(chmod(base, 0755), 0);
    ck_assert_ok(obs__file_write(AT_FDCWD, path, "a", 1, 0644, &error));
    ck_assert_ok(obs__trust_check(path, &error));
    ck_assert_ok(obs__trust_check(base, &error));
    ck_assert_int_eq(chmod(path, 0664), 0);
    ck_assert_int_eq(obs__trust_check(path, &error), OBS_UNTRUSTED);
    snprintf(expected, sizeof expected, "run 'chmod go-w %s'", path);
    ck_assert_ptr_nonnull(strstr(error.message, expected));
    ck_assert_int_eq(chmod(path, 0600), 0);
    ck_assert_ok(obs__file_read_trusted(&read, path, 10, &error));
    ck_assert_str_eq(obs_buffer_data(read), "a");
    obs_buffer_free(read);
    ck_assert_int_eq(chmod(base, 0777), 0);
    ck_assert_int_eq(obs__file_read_trusted(&read, path, 10, &error), OBS_UNTRUSTED);
    snprintf(expected, sizeof expected, "run 'chmod go-w %s'", base);
    ck_assert_ptr_nonnull(strstr(error.message, expected));
    ck_assert_int_eq(chmod(base, 0755), 0);
    ck_assert_int_eq(symlink("obs.yaml", test_path(base, "link")), 0);
    ck_assert_int_eq(obs__trust_check(test_path(base, "link"), &error), OBS_UNTRUSTED);
    ck_assert_int_eq(obs__trust_check(test_path(base, "none"), &error), OBS_NOT_FOUND);
    if (geteuid() == 0) {
        ck_assert_int_eq(chown(path, 12345, (gid_t)-1), 0);
        ck_assert_int_eq(obs__trust_check(path, &error), OBS_UNTRUSTED);
        ck_assert_ptr_nonnull(strstr(error.message, "another user (number 12345)"));
    }
}
END_TEST

START_TEST(network_file_systems_are_refused)
{
    const char *base = test_folder();
    static const long magics[] = {NFS_SUPER_MAGIC, 0xFF534D42, 0xFE534D42, 0x00C36400, 0x65735546, V9FS_MAGIC};
    ck_assert_ok(obs__local_check(base, &error));
    for (size_t i = 0; i < sizeof magics / sizeof magics[0]; i++) {
        obs__local_check_fake(magics[i]);
        ck_assert_int_eq(obs__local_check(base, &error), OBS_FAILED_PRECONDITION);
        ck_assert_ptr_nonnull(strstr(error.message, "put the workspace on a local disk"));
    }
    obs__local_check_fake((long)(int)0xFF534D42); /* as a signed 32-bit type hands it over */
    ck_assert_int_eq(obs__local_check(base, &error), OBS_FAILED_PRECONDITION);
    obs__local_check_fake(0);
    ck_assert_ok(obs__local_check(base, &error));
    ck_assert_int_eq(obs__local_check(test_path(base, "none"), &error), OBS_NOT_FOUND);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {a_file_is_written_whole_and_read_back,     files_without_a_size_are_read_too,
                                  nothing_is_left_behind_when_a_write_fails, links_below_a_folder_are_not_followed,
                                  folders_are_made_with_those_above,         what_others_may_write_is_not_trusted,
                                  network_file_systems_are_refused};
    obs_error_init(&error, sizeof error);
    return test_main("file", tests, sizeof tests / sizeof tests[0]);
}
