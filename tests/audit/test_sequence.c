/* The sequencer: every leaf once and in order whatever happens, and every reason not to go on. */
#include "audit/sequence.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "audit/leaf.h"
#include "audit/log_fixture.h"
#include "audit/runs.h"
#include "audit/tiles.h"
#include "base/error.h"
#include "support.h"

static obs_error error;
static obs__sequenced done;

/* ---- What must hold of every log. ---- */

struct expected {
    const char *name;
    uint64_t seen;
    sqlite3_stmt *statement;
    obs__snapshot *snapshot;
};

static void expect_open(struct expected *out, const char *name, obs__journal *journal)
{
    static const char sql[] = "SELECT leaf FROM audit_leaf ORDER BY seq";
    *out = (struct expected){.name = name};
    ck_assert_ok(obs__snapshot_begin(&out->snapshot, journal, &error));
    ck_assert_ok(obs__snapshot_prepare(&out->statement, out->snapshot, sql, &error));
}

static void expect_leaf(struct expected *expected, obs__view leaf)
{
    ck_assert_int_eq(sqlite3_step(expected->statement), SQLITE_ROW);
    obs__view wanted = {sqlite3_column_blob(expected->statement, 0), (size_t)sqlite3_column_bytes(expected->statement, 0)};
    ck_assert(obs__view_equal(wanted, leaf));
    expected->seen++;
}

static uint64_t checkpoint_size(const log_fixture *fixture, obs__checkpoint *out)
{
    static char *note; /* the checkpoint has views on it */
    obs__verifier key;
    size_t size;
    free(note);
    note = test_read(log_file(fixture, "audit/log/checkpoint"), &size);
    ck_assert_ok(obs__log_key(&key, &fixture->place, &error));
    ck_assert_ok(obs__checkpoint_open(out, (obs__view){note, size}, &key, &error));
    return out->size;
}

/* The log holds each committed leaf of each tenant once, in order, and nothing else; its root and the runs are right. */
static void check_log(const log_fixture *fixture)
{
    struct expected expected[LOG_TENANTS];
    obs__checkpoint checkpoint;
    obs__tree_hasher *hasher;
    obs__tree_range range = {0};
    obs__tree_hash hash;
    uint64_t size = checkpoint_size(fixture, &checkpoint), total = 0, index;
    int folder = open(log_file(fixture, "audit/log"), O_RDONLY | O_DIRECTORY);
    int runs = open(log_file(fixture, "audit/runs"), O_RDONLY | O_DIRECTORY);
    ck_assert_ok(obs__tree_hasher_new(&hasher, &error));
    for (size_t i = 0; i < fixture->count; i++)
        expect_open(&expected[i], fixture->names[i], fixture->journals[i]);
    for (uint64_t at = 0; at < size; at += OBS__TILE_WIDTH) {
        obs__bundle bundle;
        obs__tile_name name = obs__tile_in(size, OBS__TILE_ENTRIES, at / OBS__TILE_WIDTH);
        ck_assert_ok(obs__bundle_read(&bundle, folder, name.index, name.width, &error));
        for (unsigned i = 0; i < name.width; i++) {
            obs__view id, tenant;
            size_t t = 0;
            ck_assert(obs__audit_leaf_peek(&id, &tenant, bundle.entries[i]));
            while (t < fixture->count && !obs__view_is(tenant, fixture->names[t]))
                t++;
            ck_assert_uint_lt(t, fixture->count);
            expect_leaf(&expected[t], bundle.entries[i]);
            ck_assert_ok(obs__runs_find(&index, runs, fixture->names[t], expected[t].seen, &error));
            ck_assert_uint_eq(index, at + i);
            obs__tree_leaf(hasher, &hash, bundle.entries[i]);
            obs__tree_range_add(&range, hasher, 0, &hash);
        }
        obs__bundle_free(&bundle);
    }
    for (size_t i = 0; i < fixture->count; i++) {
        ck_assert_int_eq(sqlite3_step(expected[i].statement), SQLITE_DONE);
        ck_assert_int_eq(obs__runs_find(&index, runs, fixture->names[i], expected[i].seen + 1, &error), OBS_NOT_FOUND);
        total += expected[i].seen;
        sqlite3_finalize(expected[i].statement);
        obs__snapshot_end(expected[i].snapshot);
    }
    ck_assert_uint_eq(total, size);
    obs__tree_range_root(&range, hasher, &hash);
    ck_assert(obs__tree_equal(&hash, &checkpoint.root));
    obs__tree_hasher_free(hasher);
    close(folder);
    close(runs);
}

static void open_two(log_fixture *fixture)
{
    log_open(fixture, test_folder());
    log_tenant(fixture, "default");
    log_tenant(fixture, "sky");
}

/* ---- Growing. ---- */

START_TEST(all_tenants_go_into_one_log)
{
    log_fixture fixture;
    struct stat info;
    open_two(&fixture);
    ck_assert_ok(log_sequence(&fixture, &done, &error)); /* an empty log is one */
    ck_assert_uint_eq(done.size, 0);
    check_log(&fixture);
    log_commit(&fixture, "sky", 300);
    log_commit(&fixture, "default", 5);
    ck_assert_ok(log_sequence(&fixture, &done, &error));
    ck_assert_uint_eq(done.size, 305);
    ck_assert_uint_eq(done.added, 305);
    check_log(&fixture);
    log_tenant(&fixture, "weather");
    log_commit(&fixture, "weather", 1);
    log_commit(&fixture, "sky", 2);
    ck_assert_ok(log_sequence(&fixture, &done, &error));
    ck_assert_uint_eq(done.added, 3);
    ck_assert_ok(log_sequence(&fixture, &done, &error));
    ck_assert_uint_eq(done.added, 0);
    check_log(&fixture);
    /* The key is secret, outside of the workspace, and the checkpoint was copied there. */
    ck_assert_int_eq(stat(log_state(&fixture, "audit/key"), &info), 0);
    ck_assert_uint_eq(info.st_mode & 0777, 0600);
    size_t size, anchored;
    char *note = test_read(log_file(&fixture, "audit/log/checkpoint"), &size);
    char *last = test_read(log_state(&fixture, "audit/anchor/last"), &anchored);
    ck_assert_uint_eq(size, anchored);
    ck_assert_int_eq(memcmp(note, last, size), 0);
    free(note);
    free(last);
    log_close(&fixture);
}
END_TEST

START_TEST(a_large_backlog_takes_several_rounds)
{
    log_fixture fixture;
    open_two(&fixture);
    log_commit(&fixture, "default", OBS__LOG_BATCH - 1);
    log_commit(&fixture, "sky", 2000);
    obs__limit limit = obs__limit_in(120000, NULL);
    ck_assert_ok(obs__audit_sequence_round(&done, &fixture.place, &fixture.tenants, &limit, &error));
    ck_assert_uint_eq(done.added, OBS__LOG_BATCH);
    ck_assert_int_eq(done.more, 1);
    ck_assert_ok(log_sequence(&fixture, &done, &error));
    ck_assert_uint_eq(done.added, 1999);
    ck_assert_int_eq(done.more, 0);
    check_log(&fixture);
    log_close(&fixture);
}
END_TEST

/* ---- Dying. ---- */

static const char *die_at;

static void die_before(const char *tenant, int after)
{
    if (!after && strcmp(tenant, die_at) == 0)
        kill(getpid(), SIGKILL);
}

static obs_status die_writing(obs__anchor *anchor, obs__view checkpoint, obs_error *failed)
{
    (void)anchor, (void)checkpoint, (void)failed;
    kill(getpid(), SIGKILL);
    return OBS_OK;
}

static obs_status read_nothing(obs_buffer **out, obs__anchor *anchor, obs_error *failed)
{
    (void)anchor;
    *out = NULL;
    return obs__fail(failed, OBS_UNAVAILABLE, "not there");
}

static const obs__anchor_ops deadly_ops = {.write = die_writing, .read_last = read_nothing};

/* Sequences in a child that is killed on the way. */
static void sequence_and_die(log_fixture *fixture, const char *tenant, int in_anchor)
{
    static obs__anchor deadly = {&deadly_ops, "deadly"};
    obs__anchor *const anchors[] = {&deadly};
    int status;
    pid_t child = fork();
    if (!child) {
        die_at = tenant;
        fixture->visited = tenant ? die_before : NULL;
        fixture->place.anchors = anchors;
        fixture->place.anchor_count = (size_t)in_anchor;
        log_sequence(fixture, &done, &error);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFSIGNALED(status));
}

START_TEST(a_death_at_any_step_loses_nothing_and_repeats_nothing)
{
    log_fixture fixture;
    open_two(&fixture);
    log_commit(&fixture, "default", 700);
    sequence_and_die(&fixture, "sky", 0); /* two tiles written, in the very first round */
    ck_assert_int_eq(access(log_file(&fixture, "audit/log/tile/0/001"), F_OK), 0);
    ck_assert_ok(log_sequence(&fixture, &done, &error));
    ck_assert_uint_eq(done.cut, 4);
    ck_assert_ok(log_sequence(&fixture, &done, &error));
    check_log(&fixture);
    log_commit(&fixture, "default", 700);
    log_commit(&fixture, "sky", 700);
    sequence_and_die(&fixture, "sky", 0);
    log_commit(&fixture, "default", 3); /* what comes next is not what the dead one had */
    ck_assert_ok(log_sequence(&fixture, &done, &error));
    ck_assert_uint_gt(done.cut, 0);
    ck_assert_ok(log_sequence(&fixture, &done, &error));
    check_log(&fixture);
    log_commit(&fixture, "default", 300);
    log_commit(&fixture, "sky", 300);
    sequence_and_die(&fixture, NULL, 1); /* a checkpoint, but no runs */
    ck_assert_ok(log_sequence(&fixture, &done, &error));
    ck_assert_uint_eq(done.added, 0);
    ck_assert_uint_eq(done.cut, 0);
    check_log(&fixture);
    log_close(&fixture);
}
END_TEST

/* Of what was cut there is a record in the log itself. */
START_TEST(a_cut_is_recorded)
{
    log_fixture fixture;
    open_two(&fixture);
    log_commit(&fixture, "default", 300);
    ck_assert_ok(log_sequence(&fixture, &done, &error));
    log_commit(&fixture, "default", 300);
    sequence_and_die(&fixture, "sky", 0);
    ck_assert_ok(log_sequence(&fixture, &done, &error));
    ck_assert_uint_eq(done.added, 301);
    size_t size;
    char *bytes = test_read(log_file(&fixture, "audit/log/tile/entries/002.p/89"), &size);
    int found = 0;
    for (size_t i = 0; i + 24 < size; i++)
        found |= memcmp(bytes + i, "\"action\":\"audit.recover\"", 24) == 0;
    ck_assert(found);
    free(bytes);
    check_log(&fixture);
    log_close(&fixture);
}
END_TEST

START_TEST(runs_are_counted_again)
{
    static const char *const hurt[] = {"rm -f '%s'/default",
                                       "rm -f '%s'/*",
                                       "truncate -s -30 '%s'/sky",
                                       "truncate -s -24 '%s'/sky",
                                       "head -c 240 /dev/zero > '%s'/sky",
                                       "cp '%s'/sky '%s'/default",
                                       "echo >> '%s'/sky"};
    log_fixture fixture;
    char command[1024];
    open_two(&fixture);
    for (int i = 0; i < 3; i++) {
        log_commit(&fixture, "default", 200);
        log_commit(&fixture, "sky", 200);
        ck_assert_ok(log_sequence(&fixture, &done, &error));
    }
    const char *runs = log_file(&fixture, "audit/runs");
    for (size_t i = 0; i < sizeof hurt / sizeof hurt[0]; i++) {
        snprintf(command, sizeof command, hurt[i], runs, runs);
        ck_assert_int_eq(system(command), 0);
        log_commit(&fixture, "sky", 1);
        ck_assert_ok(log_sequence(&fixture, &done, &error));
        ck_assert_uint_eq(done.added, 1);
        check_log(&fixture);
    }
    log_close(&fixture);
}
END_TEST

/* ---- Several at once. ---- */

static void *sequence_often(void *user)
{
    for (int i = 0; i < 20; i++) {
        obs__sequenced out;
        obs_error failed;
        obs_error_init(&failed, sizeof failed);
        obs_status status = log_sequence(user, &out, &failed);
        if (status != OBS_OK)
            return "failed";
    }
    return NULL;
}

START_TEST(threads_take_turns)
{
    log_fixture fixture;
    pthread_t threads[3];
    open_two(&fixture);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, sequence_often, &fixture), 0);
    for (int i = 0; i < 40; i++)
        log_commit(&fixture, i % 3 ? "sky" : "default", 40);
    for (int i = 0; i < 3; i++) {
        void *failed;
        pthread_join(threads[i], &failed);
        ck_assert_ptr_null(failed);
    }
    ck_assert_ok(log_sequence(&fixture, &done, &error));
    ck_assert_uint_eq(done.size, 1600);
    check_log(&fixture);
    log_close(&fixture);
}
END_TEST

START_TEST(one_that_waits_says_so)
{
    log_fixture fixture;
    open_two(&fixture);
    ck_assert_ok(log_sequence(&fixture, &done, &error));
    int lease = open(log_file(&fixture, "audit/lease"), O_RDWR);
    ck_assert_int_eq(flock(lease, LOCK_EX), 0);
    obs__limit limit = obs__limit_in(50, NULL);
    ck_assert_int_eq(obs__audit_sequence_now(&done, &fixture.place, &fixture.tenants, &limit, &error), OBS_ABORTED);
    close(lease);
    log_close(&fixture);
}
END_TEST

/* ---- What must not go on. ---- */

static void refused(log_fixture *fixture, obs_status wanted, const char *words)
{
    obs_status status = log_sequence(fixture, &done, &error);
    ck_assert_msg(status == wanted && strstr(error.message, words), "%s: %s", obs_status_name(status), error.message);
    ck_assert(*error.detail);
}

START_TEST(a_log_from_a_backup_is_refused)
{
    log_fixture fixture;
    open_two(&fixture);
    log_commit(&fixture, "default", 100);
    ck_assert_ok(log_sequence(&fixture, &done, &error));
    log_copy(log_file(&fixture, "audit"), log_file(&fixture, "backup"));
    log_commit(&fixture, "default", 400);
    ck_assert_ok(log_sequence(&fixture, &done, &error));
    log_copy(log_file(&fixture, "audit"), log_file(&fixture, "later"));
    log_remove(log_file(&fixture, "audit"));
    log_copy(log_file(&fixture, "backup"), log_file(&fixture, "audit"));
    log_commit(&fixture, "sky", 500);
    refused(&fixture, OBS_DATA_LOSS, "it has 100 records, its anchor says 500");
    refused(&fixture, OBS_DATA_LOSS, "restored from a backup");
    /* Nothing was written; with the later state it goes on. */
    log_remove(log_file(&fixture, "audit"));
    log_copy(log_file(&fixture, "later"), log_file(&fixture, "audit"));
    ck_assert_ok(log_sequence(&fixture, &done, &error));
    ck_assert_uint_eq(done.size, 1000);
    check_log(&fixture);
    log_close(&fixture);
}
END_TEST

/* Two copies of a workspace: one key, one anchor, so only one goes on. */
START_TEST(a_copy_does_not_fork_the_log)
{
    log_fixture fixture, copy;
    open_two(&fixture);
    log_commit(&fixture, "default", 100);
    ck_assert_ok(log_sequence(&fixture, &done, &error));
    log_close(&fixture);
    const char *folder = test_folder();
    log_copy(fixture.workspace, test_path(folder, "work"));
    log_open(&copy, folder);
    copy.place.state = fixture.state;
    log_tenant(&copy, "default");
    log_tenant(&copy, "sky");
    log_tenant(&fixture, "default");
    log_tenant(&fixture, "sky");
    log_commit(&fixture, "default", 10);
    log_commit(&copy, "default", 10);
    ck_assert_ok(log_sequence(&fixture, &done, &error));
    refused(&copy, OBS_DATA_LOSS, "its anchor says 110");
    log_commit(&copy, "default", 50);
    refused(&copy, OBS_DATA_LOSS, "its anchor says 110");
    log_close(&fixture);
    log_close(&copy);
}
END_TEST

START_TEST(what_was_removed_is_missed)
{
    log_fixture fixture;
    open_two(&fixture);
    log_commit(&fixture, "default", 600);
    ck_assert_ok(log_sequence(&fixture, &done, &error));
    log_commit(&fixture, "default", 1);
    static const struct {
        int state;
        const char *name;
        obs_status status;
        const char *words;
    } things[] = {
        {0, "audit/log/checkpoint", OBS_DATA_LOSS, "it has no checkpoint"},
        {1, "audit/key", OBS_FAILED_PRECONDITION, "the key of the audit log is not here"},
        {1, "audit/anchor", OBS_DATA_LOSS, "its anchor was removed"},
    };
    for (size_t i = 0; i < sizeof things / sizeof things[0]; i++) {
        const char *path = things[i].state ? log_state(&fixture, things[i].name) : log_file(&fixture, things[i].name);
        const char *aside = log_file(&fixture, "aside");
        ck_assert_int_eq(rename(path, aside), 0);
        refused(&fixture, things[i].status, things[i].words);
        ck_assert_int_eq(rename(aside, path), 0);
    }
    log_copy(log_file(&fixture, "audit/log"), log_file(&fixture, "aside"));
    log_remove(log_file(&fixture, "audit/log"));
    refused(&fixture, OBS_DATA_LOSS, "its checkpoint was removed");
    log_remove(log_file(&fixture, "audit/log"));
    ck_assert_int_eq(rename(log_file(&fixture, "aside"), log_file(&fixture, "audit/log")), 0);
    ck_assert_ok(log_sequence(&fixture, &done, &error));
    check_log(&fixture);
    /* The way out that the refusal names: everything aside together, and a new log of all that there is. */
    ck_assert_int_eq(rename(log_file(&fixture, "audit"), log_file(&fixture, "old")), 0);
    ck_assert_int_eq(rename(log_state(&fixture, "audit"), log_state(&fixture, "old")), 0);
    ck_assert_ok(log_sequence(&fixture, &done, &error));
    ck_assert_uint_eq(done.size, 601);
    check_log(&fixture);
    log_close(&fixture);
}
END_TEST

START_TEST(another_history_is_refused)
{
    log_fixture fixture;
    open_two(&fixture);
    log_commit(&fixture, "default", 300);
    ck_assert_ok(log_sequence(&fixture, &done, &error));
    /* As large, signed with the right key, of other records: what somebody with everything but the anchor makes. */
    log_copy(log_state(&fixture, "audit"), log_state(&fixture, "kept"));
    log_remove(log_state(&fixture, "audit/anchor"));
    log_remove(log_file(&fixture, "audit"));
    log_close(&fixture);
    log_remove(log_file(&fixture, "tenants/sky"));
    log_remove(log_file(&fixture, "tenants/default"));
    log_tenant(&fixture, "default");
    log_commit(&fixture, "default", 300);
    ck_assert_ok(log_sequence(&fixture, &done, &error));
    log_remove(log_state(&fixture, "audit/anchor"));
    log_copy(log_state(&fixture, "kept/anchor"), log_state(&fixture, "audit/anchor"));
    refused(&fixture, OBS_DATA_LOSS, "its first 300 records are not those that its anchor was told");
    log_commit(&fixture, "default", 300);
    refused(&fixture, OBS_DATA_LOSS, "not those that its anchor was told");
    log_close(&fixture);
}
END_TEST

START_TEST(a_tenant_from_a_backup_does_not_hold_up_the_others)
{
    log_fixture fixture;
    open_two(&fixture);
    log_commit(&fixture, "default", 10);
    log_commit(&fixture, "sky", 10);
    ck_assert_ok(log_sequence(&fixture, &done, &error));
    log_close(&fixture);
    log_copy(log_file(&fixture, "tenants/sky"), log_file(&fixture, "kept"));
    log_tenant(&fixture, "default");
    log_tenant(&fixture, "sky");
    log_commit(&fixture, "sky", 10);
    ck_assert_ok(log_sequence(&fixture, &done, &error));
    log_close(&fixture);
    log_remove(log_file(&fixture, "tenants/sky"));
    ck_assert_int_eq(rename(log_file(&fixture, "kept"), log_file(&fixture, "tenants/sky")), 0);
    log_tenant(&fixture, "sky");
    log_tenant(&fixture, "default");
    log_commit(&fixture, "default", 10);
    refused(&fixture, OBS_DATA_LOSS, "record 20 of the tenant 'sky' is not what the log has");
    ck_assert_uint_eq(done.added, 10);
    log_commit(&fixture, "sky", 15); /* other records under numbers that the log has already */
    refused(&fixture, OBS_DATA_LOSS, "record 20 of the tenant 'sky' is not what the log has");
    ck_assert_uint_eq(done.added, 0);
    log_close(&fixture);
}
END_TEST

START_TEST(a_hole_in_a_tenant_is_not_skipped)
{
    log_fixture fixture;
    open_two(&fixture);
    log_commit(&fixture, "sky", 10);
    log_close(&fixture);
    log_sql(fixture.workspace, "sky", "DELETE FROM audit_leaf WHERE seq = 5");
    log_tenant(&fixture, "sky");
    ck_assert_int_eq(log_sequence(&fixture, &done, &error), OBS_DATA_LOSS);
    ck_assert_ptr_nonnull(strstr(error.message, "audit record 5 is missing"));
    log_close(&fixture);
}
END_TEST

/* An anchor that cannot be asked does not stop the log, one that cannot be told is reported. */
static obs_status write_fails(obs__anchor *anchor, obs__view checkpoint, obs_error *failed)
{
    (void)anchor, (void)checkpoint;
    return obs__fail(failed, OBS_UNAVAILABLE, "not there");
}

START_TEST(an_anchor_that_is_away_is_reported)
{
    static const obs__anchor_ops away_ops = {.write = write_fails, .read_last = read_nothing};
    obs__anchor away = {&away_ops, "https://witness.example"};
    obs__anchor *const anchors[] = {&away};
    log_fixture fixture;
    open_two(&fixture);
    fixture.place.anchors = anchors;
    fixture.place.anchor_count = 1;
    log_commit(&fixture, "sky", 10);
    ck_assert_int_eq(log_sequence(&fixture, &done, &error), OBS_UNAVAILABLE);
    ck_assert_ptr_nonnull(strstr(error.message, "https://witness.example"));
    ck_assert_uint_eq(done.added, 10);
    fixture.place.anchor_count = 0;
    ck_assert_ok(log_sequence(&fixture, &done, &error));
    check_log(&fixture);
    log_close(&fixture);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {all_tenants_go_into_one_log,
                                  a_large_backlog_takes_several_rounds,
                                  a_death_at_any_step_loses_nothing_and_repeats_nothing,
                                  a_cut_is_recorded,
                                  runs_are_counted_again,
                                  threads_take_turns,
                                  one_that_waits_says_so,
                                  a_log_from_a_backup_is_refused,
                                  a_copy_does_not_fork_the_log,
                                  what_was_removed_is_missed,
                                  another_history_is_refused,
                                  a_tenant_from_a_backup_does_not_hold_up_the_others,
                                  a_hole_in_a_tenant_is_not_skipped,
                                  an_anchor_that_is_away_is_reported};
    obs_error_init(&error, sizeof error);
    return test_main("sequence", tests, sizeof tests / sizeof tests[0]);
}
