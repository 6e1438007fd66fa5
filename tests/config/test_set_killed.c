/* A process that ends while it changes a value, once before and once after each call that makes something durable: the
 * document is whole, and no change is without a record. */
#include <errno.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "config/config_support.h"

enum { KILLED = 77, NEVER = 1 << 30, STEPS_MAX = 200 };

static atomic_int steps_left = NEVER;

static void step(void)
{
    if (atomic_load(&steps_left) != NEVER && atomic_fetch_sub(&steps_left, 1) == 0)
        _exit(KILLED);
}

static int counted(long result)
{
    int number = errno;
    step();
    errno = number;
    return (int)result;
}

/* These stand in the place of the C library's, for libobs and SQLite, too. */
#define SEEN __attribute__((visibility("default")))

SEEN int fsync(int fd)
{
    step();
    return counted(syscall(SYS_fsync, fd));
}

SEEN int fdatasync(int fd)
{
    step();
    return counted(syscall(SYS_fdatasync, fd));
}

SEEN int renameat(int from, const char *old, int to, const char *new)
{
    step();
    return counted(syscall(SYS_renameat2, from, old, to, new, 0));
}

static const char *path;
static const char *document; /* the file of it */
static int turn;             /* the value that is set, from 1 */

/* Runs in a process of its own, so that this one never has a thread; gives its exit code. */
static int in_child(int (*what)(void))
{
    int code = -1;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0)
        _exit(what());
    ck_assert_int_eq(waitpid(child, &code, 0), child);
    ck_assert(WIFEXITED(code));
    return WEXITSTATUS(code);
}

static int change(void)
{
    char value[16];
    obs_client *client = open_at(path);
    obs_config *config = obs_client_config(client);
    snprintf(value, sizeof value, "%d", turn);
    ck_assert_ok(obs_config_refresh(config, NULL, &error));
    atomic_store(&steps_left, turn - 1);
    obs_status status = obs_config_set(config, "a", value, NULL, &error);
    atomic_store(&steps_left, NEVER);
    ck_assert_ok(status);
    obs_client_close(client);
    return 0;
}

static size_t count_records(obs_client *client, const char *action)
{
    char part[32];
    snprintf(part, sizeof part, "\\\"new\\\":%d}", turn);
    return count_audit(client, action, part);
}

/* What there is: the attempt, the change, its record. */
enum { ATTEMPTED = 1, CHANGED = 2, RECORDED = 4 };

static int look(void)
{
    obs_client *client = open_at(path);
    char *text = test_read(document, NULL);
    char after[32];
    snprintf(after, sizeof after, "a: %d # one\n", turn);
    int is_new = strcmp(text, after) == 0;
    int value = -1, end = 0;
    ck_assert_msg(sscanf(text, "a: %d # one\n%n", &value, &end) == 1 && !text[end] && value <= turn, "'%s'", text);
    ck_assert_int_eq(int_of(obs_client_config(client), "a"), value);
    size_t attempts = count_records(client, "config.attempt"), changes = count_records(client, "config.set");
    ck_assert(attempts <= 1 && changes <= 1);
    free(text);
    obs_client_close(client);
    return (attempts ? ATTEMPTED : 0) | (is_new ? CHANGED : 0) | (changes ? RECORDED : 0);
}

static void kill_at_each_step(void)
{
    int code = KILLED, alone = 0, unrecorded = 0;
    for (turn = 1; code == KILLED && turn < STEPS_MAX; turn++) {
        code = in_child(change);
        int found = in_child(look);
        ck_assert_msg(code == 0 || code == KILLED, "step %d: exit code %d", turn, code);
        ck_assert_msg(!(found & CHANGED) || found & ATTEMPTED, "step %d: a change without a record", turn);
        ck_assert_msg(!(found & RECORDED) || found & CHANGED, "step %d: a record without its change", turn);
        ck_assert(code != 0 || found == (ATTEMPTED | CHANGED | RECORDED));
        alone += found == ATTEMPTED;
        unrecorded += found == (ATTEMPTED | CHANGED);
    }
    printf("%d steps: %d ended before the change, %d before its record\n", turn - 2, alone, unrecorded);
    ck_assert_int_eq(code, 0);
    ck_assert_int_gt(alone, 0);
    ck_assert_int_gt(unrecorded, 0);
}

START_TEST(a_file)
{
    path = config_workspace("", "a: 0 # one\n");
    document = test_path(path, "config.yaml");
    kill_at_each_step();
}
END_TEST

START_TEST(an_object_of_a_store)
{
    char lines[512];
    const char *folder = test_folder();
    snprintf(lines, sizeof lines, "config: ['file:%s#site.yaml']\n", folder);
    write_text(folder, "site.yaml", "a: 0 # one\n");
    document = test_path(folder, "site.yaml");
    path = config_workspace(lines, NULL);
    kill_at_each_step();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {a_file, an_object_of_a_store};
    obs_error_init(&error, sizeof error);
    return test_main("changes of processes that end", tests, sizeof tests / sizeof *tests);
}
