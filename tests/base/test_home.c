/* Where a user's folders are, and locks that a fork cannot leave taken. */
#include "base/home.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/brief.h"
#include "base/file.h"
#include "support.h"

static obs_error error;

START_TEST(folders_of_a_user)
{
    char path[PATH_MAX], *home = strdup(getenv("HOME") ? getenv("HOME") : "/");
    setenv("HOME", "/home/ada", 1);
    unsetenv("XDG_STATE_HOME");
    ck_assert_ok(obs__home_folder(path, OBS__HOME_STATE, &error));
    ck_assert_str_eq(path, "/home/ada/.local/state/obs");
    setenv("XDG_STATE_HOME", "relative", 1); /* as if it were not there */
    ck_assert_ok(obs__home_of_workspace(path, "w1", &error));
    ck_assert_str_eq(path, "/home/ada/.local/state/obs/w1");
    setenv("XDG_STATE_HOME", "/var/state", 1);
    ck_assert_ok(obs__home_of_workspace(path, "w1", &error));
    ck_assert_str_eq(path, "/var/state/obs/w1");
    static const char *const wrong[] = {"", "..", "../x", "a/b", ".hidden"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        ck_assert_int_eq(obs__home_of_workspace(path, wrong[i], &error), OBS_INVALID_ARGUMENT);
    unsetenv("XDG_STATE_HOME");
    setenv("HOME", "relative", 1);
    ck_assert_int_eq(obs__home_folder(path, OBS__HOME_STATE, &error), OBS_FAILED_PRECONDITION);
    ck_assert_ptr_nonnull(strstr(error.message, "set HOME"));
    ck_assert_str_eq(path, "");
    setenv("HOME", home, 1);
    free(home);
}
END_TEST

static obs__brief lock;
static int counter;

static void *count_up(void *user)
{
    for (int i = 0; i < 20000; i++) {
        obs__brief_take(&lock);
        counter++;
        obs__brief_release(&lock);
    }
    return user;
}

START_TEST(a_brief_lock)
{
    pthread_t threads[4];
    int code;
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, count_up, NULL), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    ck_assert_int_eq(counter, 80000);
    /* Taken in the parent when the child is made: the child has it for the asking. */
    obs__brief_take(&lock);
    pid_t child = fork();
    if (child == 0) {
        alarm(120);
        obs__brief_take(&lock);
        obs__brief_release(&lock);
        obs__brief_take(&lock);
        _exit(0);
    }
    obs__brief_release(&lock);
    ck_assert_int_eq(waitpid(child, &code, 0), child);
    ck_assert_int_eq(code, 0);
}
END_TEST

START_TEST(a_lock_on_a_file)
{
    const char *folder = test_folder(), *path = test_path(folder, "lock"), *link = test_path(folder, "link");
    obs__limit soon = obs__limit_in(50, NULL), later = obs__limit_in(60000, NULL);
    int first = -1, second = -1, code;
    ck_assert_ok(obs__file_lock_take(&first, path, &soon, &error));
    ck_assert_int_eq(obs__file_lock_take(&second, path, &soon, &error), OBS_DEADLINE_EXCEEDED);
    ck_assert_int_eq(second, -1);
    /* A child that lives on does not keep it. */
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        char c;
        close(ends[1]);
        alarm(120);
        _exit(read(ends[0], &c, 1) == 0 ? 0 : 1);
    }
    obs__file_lock_release(first);
    ck_assert_ok(obs__file_lock_take(&second, path, &later, &error));
    /* Somebody removes the file: the next one locks another, and so does whoever waited for this one. */
    unlink(path);
    ck_assert_ok(obs__file_lock_take(&first, path, &later, &error));
    obs__file_lock_release(first);
    obs__file_lock_release(second);
    close(ends[0]);
    close(ends[1]);
    ck_assert_int_eq(waitpid(child, &code, 0), child);
    ck_assert_int_eq(code, 0);
    ck_assert_int_eq(symlink("elsewhere", link), 0);
    ck_assert_int_eq(obs__file_lock_take(&first, link, &later, &error), OBS_PERMISSION_DENIED);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {folders_of_a_user, a_brief_lock, a_lock_on_a_file};
    obs_error_init(&error, sizeof error);
    return test_main("home", tests, sizeof tests / sizeof *tests);
}
