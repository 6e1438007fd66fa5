/* What was acknowledged is there, whatever happened after it: lost files, killed processes, full disks, rivals. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "store/fixture.h"

static test_space *space;
static obs_store *store;
static const char *folder;

static void reopen(void)
{
    space = space_open(folder, "default");
    store = space_store(space, "file:store");
}

static void close_all(void)
{
    obs_store_free(store);
    space_close(space);
}

static void expect_text(const char *key, const char *wanted)
{
    char *text = get_text(store, key);
    if (!wanted)
        ck_assert_msg(text == NULL, "%s: '%s' although it was deleted", key, text);
    else
        ck_assert_msg(text && strcmp(text, wanted) == 0, "%s: '%s', not '%s'", key, text ? text : "(none)", wanted);
    free(text);
}

static void run(const char *format, const char *argument)
{
    char command[1024];
    snprintf(command, sizeof command, format, argument);
    ck_assert_int_eq(system(command), 0);
}

static void check_ordinary(const char *key)
{
    obs_stat *stat = NULL;
    ck_assert_ok(obs_store_head(&stat, store, key, OBS_TEXT, NULL, &error));
    ck_assert_int_eq(stat->changed_outside, 0);
    obs_stat_free(stat);
}

static size_t count_staging(void)
{
    size_t count = 0;
    DIR *stream = opendir(test_path(folder, "store/.obs/staging"));
    ck_assert_ptr_nonnull(stream);
    for (struct dirent *entry; (entry = readdir(stream));)
        count += entry->d_name[0] != '.' && !strstr(entry->d_name, ".lock");
    closedir(stream);
    return count;
}

/* Lets the row of a large body name another staging file. */
static void rename_staged(const char *name)
{
    sqlite3 *database = NULL;
    char sql[128];
    ck_assert_int_eq(sqlite3_open(test_path(folder, "tenants/default/tenant.db"), &database), SQLITE_OK);
    snprintf(sql, sizeof sql, "UPDATE pending SET staged = '%s' WHERE body IS NULL AND operation = 1", name);
    ck_assert_int_eq(sqlite3_exec(database, sql, NULL, NULL, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_close(database), SQLITE_OK);
}

/* Nothing of the renames reached the disk: the folder is as it was before them. */
START_TEST(objects_come_back_when_the_folder_lost_them)
{
    const obs_pair label = {"night", "one"};
    obs__effects effects = {0};
    obs_stat *before = NULL;
    obs_stat *after = NULL;
    char *bytes = make_bytes(300000, 1);
    folder = test_folder();
    reopen();
    put_text(store, "kept", "as it is");
    put_text(store, "a/small", "first");
    put_text(store, "a/small", "second");
    put_text(store, "gone", "x");
    ck_assert_ok(obs_store_delete(store, "gone", OBS_TEXT, NULL, &error));
    put_text(store, "torn", "0123456789");
    put_text(store, "labelled", "x");
    ck_assert_ok(obs__store_stage_labels(&effects, store, obs__view_of("labelled", OBS_TEXT), &label, 1, &error));
    ck_assert_ok(space_commit(space, &effects));
    put_text(store, "b", "object");
    put_text(store, "b/c", "below");
    ck_assert_ok(obs_store_put(NULL, store, "large", OBS_TEXT, bytes, 300000, NULL, &error));
    ck_assert_ok(obs_store_head(&before, store, "a/small", OBS_TEXT, NULL, &error));
    close_all();

    /* The large body was renamed out of staging: back with it, as if the rename had been lost. */
    run("cd '%s/store' && rm .obs/finished && mkdir -p .obs/staging && mv large .obs/staging/lost", folder);
    rename_staged("lost");
    run("cd '%s/store' && rm -r a b .obs/meta/a* .obs/meta/b* && printf x > gone && printf '01234' > torn && printf '' > "
        "labelled",
        folder);
    reopen();
    expect_text("kept", "as it is");
    expect_text("a/small", "second");
    expect_text("gone", NULL);
    expect_text("torn", "0123456789");
    expect_text("labelled", "x");
    expect_text("b", "object");
    expect_text("b/c", "below");
    check_ordinary("torn");
    check_ordinary("labelled");
    ck_assert_ok(obs_store_head(&after, store, "a/small", OBS_TEXT, NULL, &error));
    ck_assert_str_eq(before->etag, after->etag);
    ck_assert_int_eq(before->modified_ns, after->modified_ns);
    obs_stat_free(after);
    ck_assert_ok(obs_store_head(&after, store, "labelled", OBS_TEXT, NULL, &error));
    ck_assert_uint_eq(after->label_count, 1);
    obs_buffer *buffer = NULL;
    ck_assert_ok(obs_store_get(&buffer, store, "large", OBS_TEXT, NULL, &error));
    ck_assert_int_eq(memcmp(obs_buffer_data(buffer), bytes, 300000), 0);
    obs_buffer_free(buffer);
    ck_assert_uint_eq(count_staging(), 0);
    obs_stat_free(before);
    obs_stat_free(after);
    free(bytes);
    close_all();
}
END_TEST

/* The very first upload dies: there is no row yet that would lead anybody to its rest. One that lives keeps its files. */
START_TEST(what_a_dead_session_staged_is_swept)
{
    folder = test_folder();
    reopen();
    close_all();
    test_write(test_path(folder, "store/.obs/staging/00000000deadbeef.0"), "rest", 4);
    test_write(test_path(folder, "store/.obs/staging/000000000000cafe.0"), "more to come", 12);
    int fd = open(test_path(folder, "store/.obs/staging/000000000000cafe.lock"), O_RDWR | O_CREAT, 0666);
    ck_assert_int_eq(flock(fd, LOCK_EX), 0);
    reopen();
    ck_assert_uint_eq(count_staging(), 1);
    close_all();
    close(fd);
    reopen();
    ck_assert_uint_eq(count_staging(), 0);
    close_all();
}
END_TEST

/* The mark says that all is visible: then nothing is looked at, and a tool's change afterwards stays what it is. */
START_TEST(a_clean_start_redoes_nothing)
{
    folder = test_folder();
    reopen();
    put_text(store, "k", "ours");
    close_all();
    test_write(test_path(folder, "store/k"), "theirs", 6);
    reopen();
    expect_text("k", "theirs");
    close_all();
}
END_TEST

static int64_t pending_rows(void)
{
    obs__snapshot *snapshot = NULL;
    sqlite3_stmt *rows = NULL;
    ck_assert_ok(obs__snapshot_begin(&snapshot, space->gate.journal, &error));
    ck_assert_ok(obs__snapshot_statement(&rows, snapshot, "SELECT count(*) FROM pending", &error));
    ck_assert_int_eq(sqlite3_step(rows), SQLITE_ROW);
    int64_t count = sqlite3_column_int64(rows, 0);
    sqlite3_reset(rows);
    obs__snapshot_end(snapshot);
    return count;
}

START_TEST(rows_are_settled_and_deleted)
{
    char key[32];
    folder = test_folder();
    reopen();
    for (int i = 0; i < 120; i++) {
        obs__effects effects = {0};
        for (int j = 0; j < 20; j++) {
            snprintf(key, sizeof key, "k/%d/%d", i, j);
            obs__scope scope = {.gate = &space->gate, .limit = obs__limit_in(-1, NULL)};
            scope.object = obs__view_of(key, OBS_TEXT);
            ck_assert_ok(obs__store_stage_put(&effects, store, &scope, key, strlen(key), NULL, &error));
        }
        ck_assert_ok(space_commit(space, &effects));
    }
    ck_assert_int_lt(pending_rows(), 1200);
    expect_text("k/0/0", "k/0/0");
    close_all();
    run("rm '%s/store/.obs/finished'", folder);
    reopen();
    ck_assert_int_eq(pending_rows(), 1);
    expect_text("k/119/19", "k/119/19");
    close_all();
}
END_TEST

/* Writes for ever, telling over a pipe what was acknowledged. */
static void write_until_killed(int pipe_fd, int round)
{
    char key[64];
    char *bytes = make_bytes(200008, 3);
    reopen();
    for (int i = 0;; i++) {
        size_t size = i % 7 == 3 ? 200000 : (size_t)i % 3000;
        snprintf(key, sizeof key, "k/%d", i % 17);
        memcpy(bytes, &i, sizeof i);
        memcpy(bytes + sizeof i, &round, sizeof round);
        obs_status status;
        if (i % 11 == 10)
            status = obs_store_delete(store, key, OBS_TEXT, NULL, &error);
        else
            status = obs_store_put(NULL, store, key, OBS_TEXT, bytes, size + 8, NULL, &error);
        if (status != OBS_OK && status != OBS_NOT_FOUND)
            _exit(3);
        int told[2] = {i % 17, i % 11 == 10 ? -1 : i};
        if (write(pipe_fd, told, sizeof told) != sizeof told)
            _exit(4);
    }
}

/* The last word about each key: what was acknowledged, or the one change that was on its way. */
static void check_key(int key_number, int acknowledged, int next, int round)
{
    char key[64];
    int got[2] = {-1, 0};
    obs_buffer *buffer = NULL;
    snprintf(key, sizeof key, "k/%d", key_number);
    obs_status status = obs_store_get(&buffer, store, key, OBS_TEXT, NULL, &error);
    if (status == OBS_OK) {
        ck_assert_uint_ge(obs_buffer_size(buffer), sizeof got);
        memcpy(got, obs_buffer_data(buffer), sizeof got);
        check_ordinary(key);
    } else {
        ck_assert_msg(status == OBS_NOT_FOUND, "%s: %s", key, error.message);
    }
    obs_buffer_free(buffer);
    if (acknowledged == -2) /* not written in this round */
        return;
    ck_assert_msg(got[0] == acknowledged || got[0] == next, "%s has %d, not %d", key, got[0], acknowledged);
    ck_assert(got[0] < 0 || got[1] == round);
}

static void kill_round(int round)
{
    int pipes[2];
    int last[17];
    int count = 0;
    ck_assert_int_eq(pipe(pipes), 0);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        close(pipes[0]);
        write_until_killed(pipes[1], round);
    }
    close(pipes[1]);
    for (int i = 0; i < 17; i++)
        last[i] = -2;
    int told[2];
    for (int wanted = 5 + round * 13 % 60; count < wanted && read(pipes[0], told, sizeof told) == sizeof told; count++)
        last[told[0]] = told[1];
    struct timespec pause = {0, (long)round * 137 % 1900 * 1000};
    nanosleep(&pause, NULL);
    kill(child, SIGKILL);
    int status;
    waitpid(child, &status, 0);
    ck_assert_msg(WIFSIGNALED(status), "the writer failed: %d", WEXITSTATUS(status));
    for (; read(pipes[0], told, sizeof told) == sizeof told; count++)
        last[told[0]] = told[1];
    close(pipes[0]);
    reopen();
    for (int i = 0; i < 17; i++) {
        int coming = i == count % 17 ? (count % 11 == 10 ? -1 : count) : -3;
        check_key(i, last[i], coming, round);
    }
    ck_assert_uint_eq(count_staging(), 0);
    close_all();
}

START_TEST(a_killed_writer_loses_nothing)
{
    folder = test_folder();
    for (int round = 0; round < 5 + test_times(20); round++)
        kill_round(round);
}
END_TEST

/* Two processes create and replace under conditions: of each pair exactly one wins. */
static void rival(const char *url, const char *tenant, int start_fd, int result_fd)
{
    char key[32];
    char byte;
    obs_put_options options;
    obs_put_options_init(&options, sizeof options);
    options.if_none_match = "*";
    space = space_open(folder, tenant);
    store = space_store(space, url);
    if (write(result_fd, "r", 1) != 1 || read(start_fd, &byte, 1) != 1)
        _exit(3);
    for (int i = 0; i < 60; i++) {
        snprintf(key, sizeof key, "race/%d", i);
        obs_status status = obs_store_put(NULL, store, key, OBS_TEXT, "x", 1, &options, &error);
        char won = status == OBS_OK ? '1' : status == OBS_ALREADY_EXISTS ? '0' : '?';
        if (write(result_fd, &won, 1) != 1)
            _exit(4);
    }
    _exit(0);
}

static void race(const char *url, const char *const tenants[2])
{
    int start[2];
    int results[2][2];
    char got[2][64];
    pid_t child[2];
    folder = test_folder();
    /* Both tenants exist before anybody races. */
    for (int i = 0; i < 2; i++)
        space_close(space_open(folder, tenants[i]));
    ck_assert_int_eq(pipe(start), 0);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(pipe(results[i]), 0);
        child[i] = fork();
        if (child[i] == 0)
            rival(url, tenants[i], start[0], results[i][1]);
        close(results[i][1]);
    }
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(read(results[i][0], got[i], 1), 1);
    ck_assert_int_eq(write(start[1], "go", 2), 2);
    for (int i = 0; i < 2; i++) {
        for (ssize_t used = 0, more = 1; used < 60 && more > 0; used += more)
            more = read(results[i][0], got[i] + used, 60 - (size_t)used);
        waitpid(child[i], NULL, 0);
        close(results[i][0]);
    }
    close(start[0]);
    close(start[1]);
    for (int i = 0; i < 60; i++)
        ck_assert_msg(got[0][i] - '0' + got[1][i] - '0' == 1, "race %d: '%c' and '%c'", i, got[0][i], got[1][i]);
}

START_TEST(of_two_processes_exactly_one_creates)
{
    race("file:store", (const char *const[]){"default", "default"});
}
END_TEST

START_TEST(of_two_tenants_on_one_root_exactly_one_creates)
{
    char url[512];
    const char *root = test_folder();
    snprintf(url, sizeof url, "file:%s", root);
    race(url, (const char *const[]){"default", "other"});
}
END_TEST

/* The row of a change that is visible waits in the tenant's database; others go on meanwhile. */
START_TEST(recovery_does_not_undo_what_another_tenant_did_later)
{
    char url[512];
    folder = test_folder();
    snprintf(url, sizeof url, "file:%s", test_folder());
    test_space *spaces[2] = {space_open(folder, "default"), space_open(folder, "other")};
    obs_store *stores[2] = {space_store(spaces[0], url), space_store(spaces[1], url)};
    put_text(stores[0], "deleted", "by default");
    put_text(stores[0], "replaced", "by default");
    ck_assert_ok(obs_store_delete(stores[1], "deleted", OBS_TEXT, NULL, &error));
    put_text(stores[1], "replaced", "by other");
    put_text(stores[1], "back", "by other");
    ck_assert_ok(obs_store_delete(stores[0], "back", OBS_TEXT, NULL, &error));
    put_text(stores[1], "back", "again");
    for (int i = 0; i < 2; i++) {
        obs_store_free(stores[i]);
        space_close(spaces[i]);
    }
    space = space_open(folder, "default");
    store = space_store(space, url);
    expect_text("deleted", NULL);
    expect_text("replaced", "by other");
    expect_text("back", "again");
    char *all = list_text(store, "", NULL, 0);
    ck_assert_str_eq(all, "back replaced");
    free(all);
    put_text(store, "deleted", "anew");
    check_ordinary("deleted");
    close_all();
}
END_TEST

START_TEST(a_full_disk_leaves_nothing_half_done)
{
    folder = test_folder();
    const char *root = test_path(folder, "small");
    char url[512];
    mkdir(root, 0777);
    if (mount("none", root, "tmpfs", 0, "size=1m") != 0) {
        test_skipped("store: a full disk", "mounting a tmpfs is not permitted here");
        return;
    }
    snprintf(url, sizeof url, "file:%s", root);
    char *bytes = make_bytes(3 << 20, 2);
    space = space_open(folder, "default");
    store = space_store(space, url);
    put_text(store, "k", "before");
    obs_status status = obs_store_put(NULL, store, "k", OBS_TEXT, bytes, 3 << 20, NULL, &error);
    ck_assert_msg(status == OBS_NO_SPACE, "%s: %s", obs_status_name(status), error.message);
    expect_text("k", "before");
    /* Small ones until nothing fits any more; each either is there whole or was refused. */
    char key[32];
    int count = 0;
    for (; count < 200; count++) {
        snprintf(key, sizeof key, "d%d/k", count);
        status = obs_store_put(NULL, store, key, OBS_TEXT, bytes, 20000, NULL, &error);
        if (status != OBS_OK)
            break;
    }
    ck_assert_msg(status == OBS_NO_SPACE, "%s: %s", obs_status_name(status), error.message);
    ck_assert_int_gt(count, 5);
    for (int i = 0; i <= count; i++) {
        obs_buffer *buffer = NULL;
        snprintf(key, sizeof key, "d%d/k", i);
        status = obs_store_get(&buffer, store, key, OBS_TEXT, NULL, &error);
        ck_assert_int_eq(status, i < count ? OBS_OK : OBS_NOT_FOUND);
        obs_buffer_free(buffer);
    }
    ck_assert_ok(obs_store_delete(store, "d0/k", OBS_TEXT, NULL, &error));
    ck_assert_ok(obs_store_delete(store, "d1/k", OBS_TEXT, NULL, &error));
    put_text(store, "k", "after");
    expect_text("k", "after");
    close_all();
    free(bytes);
    ck_assert_int_eq(umount2(root, MNT_DETACH), 0); /* whoever else looks there now does not matter */
}
END_TEST

START_TEST(a_child_of_fork_works_on_its_own)
{
    folder = test_folder();
    reopen();
    put_text(store, "parent", "1");
    pid_t child = fork();
    if (child == 0) {
        close_all();
        reopen();
        obs_status status = obs_store_put(NULL, store, "child", OBS_TEXT, "2", 1, NULL, &error);
        close_all();
        _exit(status == OBS_OK ? 0 : 1);
    }
    int status;
    waitpid(child, &status, 0);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    put_text(store, "parent", "3");
    expect_text("parent", "3");
    expect_text("child", "2");
    close_all();
}
END_TEST

START_TEST(a_read_only_client_reads)
{
    folder = test_folder();
    reopen();
    put_text(store, "k", "x");
    obs_store_free(store);
    space->gate.read_only = 1;
    store = space_store(space, "file:store");
    expect_text("k", "x");
    ck_assert_int_eq(obs_store_put(NULL, store, "k", OBS_TEXT, "y", 1, NULL, &error), OBS_FAILED_PRECONDITION);
    close_all();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {objects_come_back_when_the_folder_lost_them,
                                  what_a_dead_session_staged_is_swept,
                                  a_clean_start_redoes_nothing,
                                  rows_are_settled_and_deleted,
                                  a_killed_writer_loses_nothing,
                                  of_two_processes_exactly_one_creates,
                                  of_two_tenants_on_one_root_exactly_one_creates,
                                  recovery_does_not_undo_what_another_tenant_did_later,
                                  a_full_disk_leaves_nothing_half_done,
                                  a_child_of_fork_works_on_its_own,
                                  a_read_only_client_reads};
    return test_main("recovery", tests, sizeof tests / sizeof tests[0]);
}
