/* Sealing the old part of a log: it stays proved, its rows go, and whatever cuts it off is made good. */
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "audit/proof.h"
#include "audit/seal_support.h"
#include "audit/tiles.h"

/* ---- Sealing. ---- */

START_TEST(what_is_old_is_sealed_and_the_log_goes_on)
{
    log_fixture fixture;
    make_log(&fixture);
    ck_assert_int_gt(has_bytes(&fixture, "past", "user:past"), 0);
    seal(&fixture, 50, 0); /* nothing is as old as that */
    sound(&fixture, 0);
    ck_assert(!has(&fixture, "audit/sealed"));
    seal(&fixture, 30, 512);
    expect_sealed(&fixture);
    sound(&fixture, 512);
    ck_assert_uint_eq(found.size, 1001); /* with the record of it */
    ck_assert_uint_eq(found.erased, 0);
    ck_assert_int_eq(has_bytes(&fixture, "past", "user:past"), 0); /* overwritten, not only deleted */
    seal(&fixture, 30, 0);
    seal(&fixture, 50, 0); /* a longer retention takes nothing back */
    ck_assert_int_eq(number(&fixture, "default", "SELECT max(seq) FROM audit_leaf"), 351);
    sound(&fixture, 512);
    /* Numbers go on where they were, also of a tenant whose records are all sealed. */
    log_commit(&fixture, "past", 3);
    log_commit(&fixture, "sky", 300);
    ck_assert_ok(log_sequence(&fixture, &done, &error));
    ck_assert_uint_eq(done.added, 303);
    ck_assert_int_eq(number(&fixture, "past", "SELECT max(seq) FROM audit_leaf"), 103);
    sound(&fixture, 512);
    /* And once more. */
    seal(&fixture, -1, 1280 - 512);
    sound(&fixture, 1280);
    ck_assert_int_eq(number(&fixture, "past", "SELECT count(*) FROM audit_leaf"), 1);
    log_close(&fixture);
}
END_TEST

START_TEST(places_are_counted_again_from_segments)
{
    log_fixture fixture;
    make_sealed(&fixture);
    log_remove(log_file(&fixture, "audit/runs"));
    log_commit(&fixture, "past", 1);
    ck_assert_ok(log_sequence(&fixture, &done, &error));
    ck_assert_uint_eq(done.added, 1);
    sound(&fixture, 512);
    /* Places that somebody changed take no rows away. */
    log_close(&fixture);
    static const char more[24] = {0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0};
    test_write(log_file(&fixture, "audit/runs/sky"), more, sizeof more);
    open_all(&fixture);
    uint64_t count;
    obs__scope scope = {.limit = obs__limit_in(20000, NULL)};
    obs__seal_options options = {.place = &fixture.place, .tenants = &fixture.tenants, .scope = &scope};
    ck_assert_int_eq(obs__seal_rows(&options, 512, &error), OBS_DATA_LOSS);
    ck_assert_int_eq(number(&fixture, "sky", "SELECT min(seq) FROM audit_leaf"), 212);
    log_remove(log_file(&fixture, "audit/runs"));
    ck_assert_ok(seal_with(&fixture, 30, &count, NULL));
    sound(&fixture, 512);
    log_close(&fixture);
}
END_TEST

static void prove(obs__builder *out, const log_fixture *fixture, uint64_t index)
{
    obs__builder_init(out, OBS__PROOF_MAX);
    ck_assert_ok(obs__proof_make(out, &fixture->place, index, (obs__view){"", 0}, &error));
}

static void holds(const obs__builder *proof, const obs__verifier *key)
{
    obs__builder text;
    obs__builder_init(&text, OBS__PROOF_MAX);
    ck_assert_ok(obs__proof_check(&text, (obs__view){proof->data, proof->size}, key, &error));
    obs__builder_free(&text);
}

START_TEST(proofs_of_before_hold_and_new_ones_are_made)
{
    log_fixture fixture;
    obs__verifier key;
    obs__builder before, after;
    make_log(&fixture);
    ck_assert_ok(obs__log_key(&key, &fixture.place, &error));
    prove(&before, &fixture, 300);
    seal(&fixture, 30, 512);
    for (uint64_t i = 0; i < 512; i += 37) {
        prove(&after, &fixture, i);
        holds(&after, &key);
        obs__builder_free(&after);
    }
    holds(&before, &key);
    obs__builder_free(&before);
    log_close(&fixture);
}
END_TEST

START_TEST(a_sealed_record_is_found_by_its_id)
{
    log_fixture fixture;
    obs__bundle bundle;
    make_sealed(&fixture);
    obs__limit limit = obs__limit_in(20000, NULL);
    int log = open(log_file(&fixture, "audit/log"), O_RDONLY | O_DIRECTORY);
    for (uint64_t i = 0; i < 512; i += 73) {
        obs__view id, tenant;
        char name[40], owner[64];
        uint64_t index;
        ck_assert_ok(obs__bundle_read(&bundle, log, i / 256, 256, &error));
        ck_assert(obs__audit_leaf_peek(&id, &tenant, bundle.entries[i % 256]));
        snprintf(name, sizeof name, "%.*s", (int)id.size, id.data);
        snprintf(owner, sizeof owner, "%.*s", (int)tenant.size, tenant.data);
        ck_assert_ok(obs__proof_find_sealed(&index, &fixture.place, 512, owner, name, &limit, &error));
        ck_assert_uint_eq(index, i);
        /* Another tenant's is as absent as one that does not exist. */
        ck_assert_int_eq(obs__proof_find_sealed(&index, &fixture.place, 512, "other", name, &limit, &error), OBS_NOT_FOUND);
        obs__bundle_free(&bundle);
    }
    close(log);
    log_close(&fixture);
}
END_TEST

/* ---- What must not be sealed. ---- */

START_TEST(nothing_is_sealed_of_a_log_that_does_not_verify)
{
    log_fixture fixture;
    uint64_t count;
    make_log(&fixture);
    log_close(&fixture);
    log_sql(fixture.workspace, "sky", "UPDATE audit_clear SET object = 'raw/other' WHERE seq = 7");
    open_all(&fixture);
    ck_assert_int_eq(seal_with(&fixture, 30, &count, NULL), OBS_DATA_LOSS);
    ck_assert_uint_eq(count, 0);
    ck_assert(!has(&fixture, "audit/sealed") && has(&fixture, "audit/log/tile/entries/000"));
    ck_assert_int_eq(number(&fixture, "sky", "SELECT count(*) FROM audit_leaf"), 550);
    log_close(&fixture);
}
END_TEST

START_TEST(nothing_is_sealed_that_no_anchor_knows)
{
    log_fixture fixture;
    uint64_t count;
    make_log(&fixture);
    log_remove(log_state(&fixture, "audit/anchor"));
    ck_assert_int_ne(seal_with(&fixture, 30, &count, NULL), OBS_OK);
    ck_assert_uint_eq(count, 0);
    ck_assert(!has(&fixture, "audit/sealed"));
    log_close(&fixture);
}
END_TEST

/* ---- Being cut off. ---- */

static int steps_left;

static void die_at(const char *name)
{
    (void)name;
    if (!steps_left--)
        kill(getpid(), SIGKILL);
}

/* 1 when it was killed at that step, 0 when there are not so many. */
static int seal_and_die(log_fixture *fixture, int step)
{
    int status;
    uint64_t count;
    pid_t child = fork();
    if (!child) {
        steps_left = step;
        _exit(seal_with(fixture, 30, &count, die_at) == OBS_OK ? 0 : 1);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
    return WIFSIGNALED(status);
}

START_TEST(a_death_at_any_step_leaves_a_sound_log_and_is_made_good)
{
    log_fixture fixture;
    int step = 0, killed = 1;
    for (; killed; step++) {
        uint64_t count;
        make_log(&fixture);
        killed = seal_and_die(&fixture, step);
        ck_assert_ok(verify(&fixture, 1));
        ck_assert_ok(seal_with(&fixture, 30, &count, NULL));
        expect_sealed(&fixture);
        ck_assert_int_eq(has_bytes(&fixture, "past", "user:past"), 0);
        sound(&fixture, 512);
        log_commit(&fixture, "past", 2);
        ck_assert_ok(log_sequence(&fixture, &done, &error));
        sound(&fixture, 512);
        log_close(&fixture);
    }
    ck_assert_int_ge(step, 12);
}
END_TEST

static void cancel_at(const char *name)
{
    (void)name;
    if (!steps_left--)
        obs_cancel_set(cancel);
}

START_TEST(a_cancelled_call_goes_on_the_next_time)
{
    log_fixture fixture;
    uint64_t count;
    make_log(&fixture);
    ck_assert_ok(obs_cancel_new(&cancel, &error));
    int cancelled = 0;
    for (int step = 0; step < 16; step += 2) {
        steps_left = step;
        obs_status status = seal_with(&fixture, 30, &count, cancel_at);
        ck_assert(status == OBS_OK || status == OBS_CANCELLED);
        cancelled += status == OBS_CANCELLED;
        obs_cancel_reset(cancel);
        ck_assert_ok(verify(&fixture, 1));
    }
    ck_assert_int_ge(cancelled, 3);
    seal(&fixture, 30, 0);
    expect_sealed(&fixture);
    sound(&fixture, 512);
    obs_cancel_free(cancel);
    cancel = NULL;
    log_close(&fixture);
}
END_TEST

/* From the first segment on nothing larger than a page can be written, as on a disk that is full. */
static void fill_disk(const char *name)
{
    struct rlimit little;
    getrlimit(RLIMIT_FSIZE, &little);
    little.rlim_cur = strcmp(name, "pack") == 0 ? 4096 : little.rlim_max;
    setrlimit(RLIMIT_FSIZE, &little);
}

START_TEST(a_full_disk_loses_nothing)
{
    log_fixture fixture;
    uint64_t count;
    make_log(&fixture);
    signal(SIGXFSZ, SIG_IGN);
    obs_status status = seal_with(&fixture, 30, &count, fill_disk);
    fill_disk("");
    ck_assert_int_ne(status, OBS_OK);
    ck_assert(has(&fixture, "audit/log/tile/entries/000") && !has(&fixture, "audit/log/tile/entries/000.zst"));
    ck_assert_int_eq(number(&fixture, "sky", "SELECT count(*) FROM audit_leaf"), 550);
    sound(&fixture, 512);
    ck_assert_ok(seal_with(&fixture, 30, &count, NULL));
    expect_sealed(&fixture);
    sound(&fixture, 512);
    log_close(&fixture);
}
END_TEST

/* ---- Others. ---- */

START_TEST(zstd_unpacks_it_for_other_tools)
{
    log_fixture fixture;
    char command[512];
    if (system("command -v zstd >/dev/null") != 0) {
        test_skipped("unsealing", "there is no zstd");
        return;
    }
    make_sealed(&fixture);
    snprintf(command, sizeof command, "find '%s' -name '*.zst' -exec zstd -dq --rm {} +", log_file(&fixture, "audit/log"));
    ck_assert_int_eq(system(command), 0);
    ck_assert(has(&fixture, "audit/log/tile/entries/001") && !has(&fixture, "audit/log/tile/entries/001.zst"));
    sound(&fixture, 512);
    seal(&fixture, 30, 0); /* packs again what was unpacked */
    expect_sealed(&fixture);
    sound(&fixture, 512);
    log_close(&fixture);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {what_is_old_is_sealed_and_the_log_goes_on,
                                  places_are_counted_again_from_segments,
                                  proofs_of_before_hold_and_new_ones_are_made,
                                  a_sealed_record_is_found_by_its_id,
                                  nothing_is_sealed_of_a_log_that_does_not_verify,
                                  nothing_is_sealed_that_no_anchor_knows,
                                  a_death_at_any_step_leaves_a_sound_log_and_is_made_good,
                                  a_cancelled_call_goes_on_the_next_time,
                                  a_full_disk_loses_nothing,
                                  zstd_unpacks_it_for_other_tools};
    obs_error_init(&error, sizeof error);
    return test_main("seal", tests, sizeof tests / sizeof tests[0]);
}
