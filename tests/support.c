#include "support.h"

#include <ftw.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[256];

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *at)
{
    (void)status, (void)kind, (void)at;
    return remove(path);
}

static void remove_folder(void)
{
    if (*folder)
        nftw(folder, remove_one, 32, FTW_DEPTH | FTW_PHYS);
}

const char *test_folder(void)
{
    static int count;
    if (!*folder) {
        const char *base = getenv("TMPDIR");
        snprintf(folder, sizeof folder, "%s/obs-test-XXXXXX", base ? base : "/tmp");
        ck_assert_ptr_nonnull(mkdtemp(folder));
        atexit(remove_folder);
        char state[300];
        snprintf(state, sizeof state, "%s/state", folder);
        setenv("XDG_STATE_HOME", state, 1); /* what a workspace keeps outside of itself is not for the user's own */
    }
    char name[32];
    snprintf(name, sizeof name, "%d", ++count);
    const char *path = test_path(folder, name);
    char command[512];
    snprintf(command, sizeof command, "mkdir -p '%s'", path);
    ck_assert_int_eq(system(command), 0);
    return path;
}

const char *test_path(const char *base, const char *name)
{
    struct path {
        struct path *next;
        char text[];
    };
    static struct path *paths; /* live as long as the program: few and small */
    size_t size = strlen(base) + strlen(name) + 2;
    struct path *path = malloc(sizeof *path + size);
    ck_assert_ptr_nonnull(path);
    snprintf(path->text, size, "%s/%s", base, name);
    path->next = paths;
    paths = path;
    return path->text;
}

const char *test_shared(const char *path)
{
    const char *base = getenv("OBS_TEST_SHARED");
    const char *whole = test_path(base ? base : "../shared", path);
    return access(whole, R_OK) == 0 ? whole : NULL;
}

void test_skipped(const char *what, const char *why)
{
    printf("SKIPPED %s: %s\n", what, why);
}

int test_times(int count)
{
    const char *slow = getenv("OBS_TEST_SLOW");
    int turns = slow && atoi(slow) > 1 ? count / atoi(slow) : count;
    return turns > 0 ? turns : 1;
}

/* The locks of its allocator stay as they are at a fork, held by threads that the child does not have. */
#if defined(__SANITIZE_ADDRESS__) && !defined(__clang__) && __GNUC__ < 13
static const char *const fork_trouble = "the AddressSanitizer of gcc 12 may hang in the child; the other builds run this test";
#else
static const char *const fork_trouble = NULL;
#endif

int test_can_fork_beside_threads(void)
{
    if (fork_trouble)
        test_skipped("fork beside threads", fork_trouble);
    return !fork_trouble;
}

char *test_read(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    ck_assert_msg(file != NULL, "cannot open %s", path);
    fseek(file, 0, SEEK_END);
    long end = ftell(file);
    rewind(file);
    char *data = malloc((size_t)end + 1);
    ck_assert_ptr_nonnull(data);
    ck_assert_uint_eq(fread(data, 1, (size_t)end, file), (size_t)end);
    fclose(file);
    data[end] = '\0';
    if (size)
        *size = (size_t)end;
    return data;
}

void test_write(const char *path, const void *data, size_t size)
{
    FILE *file = fopen(path, "wb");
    ck_assert_msg(file != NULL, "cannot create %s", path);
    ck_assert_uint_eq(fwrite(data, 1, size, file), size);
    ck_assert_int_eq(fclose(file), 0);
}

static const char *running = "";
static SFun before_each, after_each;
static pid_t program;

void test_failed(const char *file, int line, const char *expression, const char *message, ...)
{
    static atomic_int told;
    char text[2048];
    va_list arguments;
    while (atomic_exchange(&told, 1)) /* what fails in other threads, now or because of the end, says nothing more */
        pause();
    va_start(arguments, message);
    if (message)
        vsnprintf(text, sizeof text, message, arguments);
    va_end(arguments);
    fflush(stdout);
    fprintf(stderr, "FAILED %s: %s:%d: %s\n", running, file, line, message ? text : expression);
    fflush(stderr);
    if (getpid() == program) /* a child leaves the folders of its parent */
        remove_folder();
    _exit(1);
}

/* Each test is named before it begins, so that the last line tells which one crashed or never ended. */
static int run(const TTest *test, int turn)
{
    Suite *suite = suite_create(test->name);
    TCase *alone = tcase_create(test->name);
    running = test->name;
    printf("  %s", running);
    printf(turn ? " %d\n" : "\n", turn);
    fflush(stdout);
    if (before_each)
        tcase_add_checked_fixture(alone, before_each, after_each);
    tcase_add_loop_test(alone, test, turn, turn + 1);
    suite_add_tcase(suite, alone);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_SILENT);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed;
}

int test_main_times(const char *topic, const TTest *const *tests, size_t count, int times)
{
    int failed = 0;
    program = getpid();
    printf("%s:\n", topic);
    for (size_t i = 0; i < count; i++)
        for (int turn = 0; turn < times; turn++)
            failed += run(tests[i], turn);
    printf("%s: %zu tests, %d failed\n", topic, count * (size_t)times, failed);
    return failed ? 1 : 0;
}

int test_main_between(const char *topic, const TTest *const *tests, size_t count, SFun set_up, SFun tear_down)
{
    before_each = set_up;
    after_each = tear_down;
    return test_main(topic, tests, count);
}

int test_main(const char *topic, const TTest *const *tests, size_t count)
{
    return test_main_times(topic, tests, count, 1);
}
