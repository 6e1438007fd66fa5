/*
 * A workspace on a small disk of its own that is filled: to the last byte, and so that some pages are left, from one up to
 * where most calls succeed. Each call that writes either succeeds or says that the disk is full; what was acknowledged, and
 * nothing else, is there afterwards; reads are served all the time; with some space everything goes on in the same client.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/workspace.h"
#include "faults/calls.h"

#define DISK "size=32m,mode=700"
#define PAGE ((uint64_t)4096)
#define MOST_KEYS 1024

static calls_space space;
static const char *disk;
static int round_number;

/* What was acknowledged. */
static struct {
    char keys[MOST_KEYS][64];
    size_t count;
    int records, lines, events, definitions, tenants, adopted;
} known;

/* Audit records of successful changes. */
static struct {
    const char *action;
    int count;
} recorded[] = {{"store.put", 0},         {"store.delete", 0},  {"store.copy", 0},      {"store.adopt", 0},
                {"catalog.label", 0},     {"event.publish", 0}, {"event.subscribe", 0}, {"event.acknowledge", 0},
                {"event.pause", 0},       {"event.resume", 0},  {"ingest.record", 0},   {"ingest.file", 0},
                {"ingest.definition", 0}, {"tenant.create", 0}};
#define ACTION_COUNT (sizeof recorded / sizeof recorded[0])

static void record(const char *action, int count)
{
    for (size_t i = 0; i < ACTION_COUNT; i++)
        if (!strcmp(recorded[i].action, action)) {
            recorded[i].count += count;
            return;
        }
    ck_abort_msg("%s is no action", action);
}

/* A small file system of its own, or NULL when this user may not mount one. */
static const char *mount_disk(void)
{
    const char *folder = test_path(test_folder(), "disk");
    ck_assert_int_eq(mkdir(folder, 0700), 0);
    if (mount("none", folder, "tmpfs", 0, DISK) == 0)
        return folder;
    test_skipped("every call on a full disk", "mounting a small tmpfs needs root");
    return NULL;
}

static void unmount_disk(void)
{
    if (disk)
        umount2(disk, MNT_DETACH);
}

static uint64_t space_left(void)
{
    struct statvfs found;
    ck_assert_int_eq(statvfs(disk, &found), 0);
    return (uint64_t)found.f_bavail * found.f_frsize;
}

/* Fills the disk, but for so many bytes. */
static void fill(uint64_t left)
{
    static const char zeros[4096];
    int fd = open(test_path(disk, "filler"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    ck_assert_int_ge(fd, 0);
    if (space_left() > left)
        posix_fallocate(fd, 0, (off_t)(space_left() - left));
    while (space_left() > left && write(fd, zeros, sizeof zeros) > 0)
        continue;
    close(fd);
    ck_assert_uint_le(space_left(), left);
}

static void make_room(void)
{
    ck_assert_int_eq(unlink(test_path(disk, "filler")), 0);
}

static size_t count_names(const char *path)
{
    size_t count = 0;
    DIR *folder = opendir(path);
    ck_assert_ptr_nonnull(folder);
    for (struct dirent *entry; (entry = readdir(folder));)
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(folder);
    return count;
}

static void add_key(const char *key)
{
    ck_assert_uint_lt(known.count, MOST_KEYS);
    snprintf(known.keys[known.count++], sizeof known.keys[0], "%s", key);
}

static void remove_key(const char *key)
{
    size_t at = 0;
    while (at < known.count && strcmp(known.keys[at], key) != 0)
        at++;
    ck_assert_uint_lt(at, known.count);
    memmove(known.keys[at], known.keys[--known.count], sizeof known.keys[0]);
}

static int is_known(const char *key)
{
    for (size_t i = 0; i < known.count; i++)
        if (strcmp(known.keys[i], key) == 0)
            return 1;
    return 0;
}

static void acknowledge(const writing_call *call)
{
    if (call->makes)
        add_key(calls_key(&space, call->makes));
    if (call->removes)
        remove_key(calls_key(&space, call->removes));
    known.records += call->records;
    known.lines += call->lines;
    known.events += call->events;
    known.definitions += !strcmp(call->name, "define");
    known.tenants += !strcmp(call->name, "create a tenant");
    known.adopted += !strcmp(call->name, "adopt");
    if (!strcmp(call->name, "commit of a unit")) { /* a record for each part */
        record("store.put", 1);
        record("store.delete", 1);
        record("ingest.record", 1);
    }
    if (strcmp(call->name, "ingest a bad record") != 0 && strcmp(call->name, "log a refusal") != 0)
        record(call->action, 1);
}

/* What a round needs: what it deletes, and a file that it adopts. */
static void prepare(void)
{
    static const char *const doomed[] = {"doomed/a", "doomed/started", "doomed/unit"};
    calls_prepare(&space, ++round_number);
    for (size_t i = 0; i < sizeof doomed / sizeof doomed[0]; i++)
        add_key(calls_key(&space, doomed[i]));
    add_key(calls_key(&space, "outside/a"));
    record("store.put", 3);
}

/* The store's keys, and the catalog's but for what was not adopted, are those that are known. */
static void expect_objects(void)
{
    obs_page *page;
    ck_assert_ok(obs_store_list(&page, space.store, "", NULL, &error));
    for (size_t i = 0; i < obs_page_count(page); i++)
        ck_assert_msg(is_known(obs_page_at(page, i)->key), "nobody acknowledged %s", obs_page_at(page, i)->key);
    ck_assert_uint_eq(obs_page_count(page), known.count);
    obs_page_free(page);
    ck_assert_int_eq((int)count_entries(space.client, "kind=object"), (int)known.count - round_number + known.adopted);
}

static void expect_reads(void)
{
    obs_buffer *bytes = NULL, *entry = NULL;
    obs_rows *rows = NULL;
    ck_assert_ok(obs_store_get(&bytes, space.store, "kept/a", OBS_TEXT, NULL, &error));
    ck_assert_uint_eq(obs_buffer_size(bytes), 5);
    obs_buffer_free(bytes);
    ck_assert_ok(obs_catalog_get(&entry, obs_client_catalog(space.client), "kept/a", OBS_TEXT, NULL, &error));
    obs_buffer_free(entry);
    ck_assert_ok(obs_client_health(&entry, space.client, NULL, &error));
    obs_buffer_free(entry);
    ck_assert_ok(obs_tenant_show(&rows, space.client, "default", NULL, &error));
    obs_rows_free(rows);
    expect_objects();
    ck_assert_int_eq((int)count_log(space.client, NULL), known.lines);
    ck_assert_int_eq((int)count_entries(space.client, "kind=record"), known.records);
    for (size_t i = 0; i < ACTION_COUNT; i++) {
        char part[128];
        snprintf(part, sizeof part, "\"class\":\"change\",\"action\":\"%s\",\"status\":\"OK\"", recorded[i].action);
        ck_assert_msg((int)count_audit(space.client, recorded[i].action, part) == recorded[i].count, "%s: %d audit records",
                      recorded[i].action, recorded[i].count);
    }
}

static size_t problems(void)
{
    obs_rows *rows;
    const char *text;
    size_t count = 0;
    ck_assert_ok(obs_workspace_check(&rows, space.client, OBS_CHECK_ONLY, NULL, &error));
    for (;;) {
        ck_assert_ok(obs_rows_next(rows, &text, NULL, &error));
        if (!text)
            break;
        /* What waits to be adopted is no problem that a full disk made. */
        if (strstr(text, "\"problem\":") && !strstr(text, "outside/a-")) {
            puts(text);
            count++;
        }
    }
    obs_rows_free(rows);
    return count;
}

/* One call; 1 when it was done. */
static int try_call(const writing_call *call)
{
    obs_status status = call->call(&space, NULL, &error);
    if (status == call->done) {
        acknowledge(call);
        return 1;
    }
    ck_assert_msg(status == OBS_NO_SPACE, "%s: %s: %s (%s)", call->name, obs_status_name(status), error.message, error.detail);
    ck_assert_msg(strstr(error.message, "full") || strstr(error.message, "No space"), "%s: %s", call->name, error.message);
    ck_assert_int_eq(error.retryable, 1);
    return 0;
}

/* Other processes, which open the workspace while there is no space at all. */
static void expect_other_process(void)
{
    int outcome;
#ifdef __SANITIZE_THREAD__
    test_skipped("a forked child that reads", "ThreadSanitizer cannot start a thread after a fork");
    return;
#endif
    pid_t child = fork();
    if (child == 0) {
        obs_client *client = NULL;
        obs_buffer *bytes = NULL;
        obs_open_options options;
        obs_open_options_init(&options, sizeof options);
        options.workspace = space.path;
        obs_status status = obs_client_open(&client, &options, &error);
        if (status == OBS_OK)
            status = obs_store_get(&bytes, obs_client_store(client), "kept/a", OBS_TEXT, NULL, &error);
        if (status != OBS_OK)
            fprintf(stderr, "another process: %s (%s)\n", error.message, error.detail);
        obs_client_close(client);
        _exit(status);
    }
    ck_assert_int_eq(waitpid(child, &outcome, 0), child);
    ck_assert_msg(WIFEXITED(outcome) && WEXITSTATUS(outcome) == OBS_OK, "another process ended with %x", outcome);
}

/* A repair has nothing to do; it may say that it has no space to note that. */
static void try_repair(void)
{
    obs_rows *rows = NULL;
    obs_status status = obs_workspace_check(&rows, space.client, OBS_CHECK_REPAIR, NULL, &error);
    ck_assert_msg(status == OBS_OK || status == OBS_NO_SPACE, "repair: %s", error.message);
    obs_rows_free(rows);
}

/* Everything is tried on a disk with so many pages left. Returns how much of it was done. */
static int try_all(uint64_t pages)
{
    int done = 0;
    prepare();
    fill(pages * PAGE);
    for (size_t i = 0; i < writing_call_count; i++)
        done += try_call(&writing_calls[i]);
    expect_reads();
    ck_assert_uint_eq(problems(), 0);
    if (pages % 16 == 0) {
        expect_other_process();
        try_repair();
    }
    make_room();
    ck_assert_uint_eq(problems(), 0);
    return done;
}

static void go_on(void)
{
    prepare();
    calls_read(&space, "second", NULL);
    record("event.subscribe", 1);
    for (size_t i = 0; i < writing_call_count; i++)
        ck_assert_msg(try_call(&writing_calls[i]), "%s with space again: %s (%s)", writing_calls[i].name, error.message,
                      error.detail);
    expect_reads();
    ck_assert_uint_eq(problems(), 0);
}

static void expect_all(void)
{
    obs_rows *rows;
    expect_objects();
    ck_assert_int_eq((int)count_events(space.client, "counting"), known.events);
    ck_assert_ok(obs_ingest_definitions(&rows, space.client, NULL, &error));
    ck_assert_int_eq((int)count_rows(rows, NULL), known.definitions);
    ck_assert_ok(obs_tenant_show(&rows, space.client, NULL, NULL, &error));
    ck_assert_int_eq((int)count_rows(rows, NULL), known.tenants);
}

static void open_space(void)
{
    const char *path = test_path(disk, "night");
    memset(&known, 0, sizeof known);
    round_number = 0;
    ck_assert_ok(obs_workspace_init(path, NULL, &error));
    calls_open(&space, path);
    add_key("kept/a");
    known.events = known.definitions = known.tenants = 1;
    for (size_t i = 0; i < ACTION_COUNT; i++)
        recorded[i].count = 0;
    record("store.put", 1);
    record("ingest.definition", 1);
    record("event.publish", 1);
    record("event.subscribe", 1);
}

/* Each record of what did not succeed says rightly what it was about. */
static void expect_failures(void)
{
    size_t failed = count_audit(space.client, "ingest.record", "\"status\":\"NO_SPACE\"");
    ck_assert_uint_ge(failed, 1);
    char part[256];
    snprintf(part, sizeof part, "\"status\":\"NO_SPACE\",\"subject\":\"%s\",\"object\":\"test.mag\"",
             obs_client_subject(space.client));
    ck_assert_uint_eq(failed, count_audit(space.client, "ingest.record", part));
}

/* From `first` pages on, in so many steps. */
static void run(uint64_t first, uint64_t step, int steps)
{
    int done = 0;
    disk = mount_disk();
    if (!disk)
        return;
    open_space();
    for (int i = 0; i < steps; i++) {
        calls_read(&space, calls_key(&space, "first"), NULL);
        record("event.subscribe", 1);
        done += try_all(first + (uint64_t)i * step);
    }
    ck_assert_msg(first == 0 || done > 0, "nothing was ever done");
    ck_assert_int_lt(done, steps * (int)writing_call_count);
    ck_assert_uint_ge(count_audit(space.client, "store.put", "\"status\":\"NO_SPACE\""), 1);
    expect_failures();
    go_on();
    expect_all();
    calls_close(&space);
    unmount_disk();
}

START_TEST(not_a_byte_is_left)
{
    run(0, 0, 2);
}
END_TEST

START_TEST(from_one_page_on)
{
    run(1, 1, 40);
}
END_TEST

START_TEST(from_a_quarter_of_a_mebibyte_on)
{
    run(64, 12, 12);
}
END_TEST

/* A workspace is made whole or not at all. */
START_TEST(a_new_workspace)
{
    int made = 0;
    disk = mount_disk();
    if (!disk)
        return;
    for (uint64_t pages = 0; pages < 96 && !made; pages++) {
        const char *path = test_path(disk, "night");
        fill(pages * PAGE);
        obs_status status = obs_workspace_init(path, NULL, &error);
        made = status == OBS_OK;
        ck_assert_msg(made || status == OBS_NO_SPACE, "%llu pages: %s", (unsigned long long)pages, error.message);
        ck_assert_int_eq(access(path, F_OK), made ? 0 : -1);
        make_room();
        ck_assert_uint_eq(count_names(disk), (size_t)made);
    }
    ck_assert_int_eq(made, 1);
    space.client = open_at(test_path(disk, "night"));
    ck_assert_uint_eq(problems(), 0);
    obs_client_close(space.client);
    unmount_disk();
}
END_TEST

int main(void)
{
    const TTest *tests[] = {not_a_byte_is_left, from_one_page_on, from_a_quarter_of_a_mebibyte_on, a_new_workspace};
    obs_error_init(&error, sizeof error);
    atexit(unmount_disk);
    return test_main("faults/full_disk", tests, sizeof tests / sizeof tests[0]);
}
