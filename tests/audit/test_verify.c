/* Verifying: what is sound passes, and whatever is changed, removed, cut, rolled back or written anew is found and named. */
#include "audit/verify.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/history.h"
#include "audit/tiles.h"
#include "audit/verifying.h"
#include "base/clock.h"
#include "support.h"

/* ---- Sound. ---- */

START_TEST(a_sound_log_passes)
{
    log_fixture fixture;
    make_log(&fixture);
    log_commit(&fixture, "sky", 3);
    ck_assert_ok(verify(&fixture, 1));
    ck_assert_uint_eq(found.size, 1100);
    ck_assert_uint_eq(found.verified, 1100);
    ck_assert_uint_eq(found.anchored, 1100);
    ck_assert_str_eq(found.anchor, log_state(&fixture, "audit/anchor"));
    ck_assert_uint_eq(found.waiting, 3);
    ck_assert_uint_eq(found.erased, 0);
    ck_assert_uint_eq(found.count, 0);
    ck_assert_ok(verify(&fixture, 0));
    log_close(&fixture);
}
END_TEST

START_TEST(no_log_and_an_empty_log)
{
    log_fixture fixture;
    log_open(&fixture, test_folder());
    log_tenant(&fixture, "default");
    ck_assert_int_eq(verify(&fixture, 1), OBS_NOT_FOUND);
    ck_assert_ok(log_sequence(&fixture, &done, &error));
    ck_assert_ok(verify(&fixture, 1));
    ck_assert_uint_eq(found.size, 0);
    log_close(&fixture);
}
END_TEST

/* A process that ended while it began the log has altered nothing; one that was begun is not to be taken away. */
START_TEST(a_log_that_was_about_to_begin)
{
    log_fixture fixture;
    log_open(&fixture, test_folder());
    log_tenant(&fixture, "default");
    ck_assert_ok(log_sequence(&fixture, &done, &error));
    log_copy(log_state(&fixture, "audit/anchor"), log_file(&fixture, "anchor"));
    log_remove(log_file(&fixture, "audit/log/checkpoint"));
    ck_assert_int_eq(verify(&fixture, 1), OBS_DATA_LOSS);
    ck_assert_int_eq(first()->damage, OBS__DAMAGE_MISSING);
    log_remove(log_state(&fixture, "audit/anchor"));
    ck_assert_int_eq(verify(&fixture, 1), OBS_NOT_FOUND); /* with its key, which is made first */
    ck_assert_ok(log_sequence(&fixture, &done, &error));
    ck_assert_ok(verify(&fixture, 1));
    log_commit(&fixture, "default", 3);
    ck_assert_ok(log_sequence(&fixture, &done, &error));
    log_remove(log_state(&fixture, "audit/anchor"));
    log_remove(log_file(&fixture, "audit/log/checkpoint"));
    ck_assert_int_eq(verify(&fixture, 1), OBS_DATA_LOSS); /* there are tiles */
    log_remove(log_file(&fixture, "audit"));
    log_remove(log_state(&fixture, "audit/key"));
    log_remove(log_state(&fixture, "audit/key.pub"));
    log_copy(log_file(&fixture, "anchor"), log_state(&fixture, "audit/anchor"));
    ck_assert_int_eq(verify(&fixture, 1), OBS_DATA_LOSS); /* nothing but the anchor is left */
    log_close(&fixture);
}
END_TEST

START_TEST(what_was_erased_is_no_damage)
{
    log_fixture fixture;
    make_log(&fixture);
    log_close(&fixture);
    log_sql(fixture.workspace, "sky",
            "UPDATE audit_clear SET subject_salt = NULL WHERE subject = (SELECT pseudonym FROM subject WHERE subject = "
            "'user:sky'); DELETE FROM subject WHERE subject = 'user:sky'");
    open_all(&fixture);
    ck_assert_ok(verify(&fixture, 1));
    ck_assert_uint_eq(found.erased, 500);
    log_close(&fixture);
}
END_TEST

START_TEST(without_an_anchor_it_does_not_say_yes)
{
    log_fixture fixture;
    make_log(&fixture);
    size_t size;
    char *note = test_read(log_file(&fixture, "audit/log/checkpoint"), &size);
    log_remove(log_state(&fixture, "audit/anchor"));
    ck_assert_int_eq(verify(&fixture, 1), OBS_FAILED_PRECONDITION);
    ck_assert_uint_eq(found.verified, 1100);
    ck_assert_uint_eq(found.anchored, 0);
    obs__verify_options options = {.place = &fixture.place, .unanchored = 1};
    ck_assert_ok(obs__audit_verify(&found, &options, &error));
    /* One that somebody kept. */
    options = (obs__verify_options){.place = &fixture.place, .checkpoint = {note, size}};
    ck_assert_ok(obs__audit_verify(&found, &options, &error));
    ck_assert_uint_eq(found.anchored, 1100);
    note[0] ^= 1;
    ck_assert_int_ne(obs__audit_verify(&found, &options, &error), OBS_OK);
    free(note);
    log_close(&fixture);
}
END_TEST

/* ---- Attackers. ---- */

/* A record is changed in its bundle, and the tile above made to fit. */
static void change_record(log_fixture *fixture, unsigned index)
{
    const char *bundle = log_file(fixture, "audit/log/tile/entries/001"), *tile = log_file(fixture, "audit/log/tile/0/001");
    obs__view entries[OBS__TILE_WIDTH];
    obs__tree_hasher *hasher;
    obs__tree_hash hash;
    size_t size, used, tile_size;
    char *bytes = test_read(bundle, &size), *hashes = test_read(tile, &tile_size);
    ck_assert_uint_eq(obs__bundle_take(entries, 256, (obs__view){bytes, size}, &used), 256);
    char *at = bytes + (entries[index - 256].data - bytes);
    memcpy(strstr(at, "store.put"), "store.get", 9);
    ck_assert_ok(obs__tree_hasher_new(&hasher, &error));
    obs__tree_leaf(hasher, &hash, entries[index - 256]);
    memcpy(hashes + (index - 256) * 32, &hash, 32);
    test_write(bundle, bytes, size);
    test_write(tile, hashes, tile_size);
    obs__tree_hasher_free(hasher);
    free(bytes);
    free(hashes);
}

START_TEST(a_record_that_was_changed_with_its_tile_is_named)
{
    log_fixture fixture;
    make_log(&fixture);
    change_record(&fixture, 300);
    found_as(&fixture, OBS__DAMAGE_RECORD, 300);
    ck_assert_str_eq(first()->tenant, "default");
    ck_assert_uint_eq(found.verified, 275); /* what the anchors still vouch for */
    /* Without the databases: the tile of the level above, and the anchors, say where about. */
    ck_assert_int_eq(verify(&fixture, 0), OBS_DATA_LOSS);
    ck_assert_uint_eq(first()->index, 256);
    log_close(&fixture);
}
END_TEST

/* The attacker has the whole workspace and its keys: a record is changed in the database, the log is written anew and signed.
 */
static void rewrite(log_fixture *fixture, const char *sql)
{
    log_close(fixture);
    log_sql(fixture->workspace, "default", sql);
    log_remove(log_file(fixture, "audit"));
    log_copy(log_state(fixture, "audit/anchor"), log_file(fixture, "anchor"));
    log_remove(log_state(fixture, "audit/anchor"));
    open_all(fixture);
    ck_assert_ok(log_sequence(fixture, &done, &error));
    log_remove(log_state(fixture, "audit/anchor"));
    log_copy(log_file(fixture, "anchor"), log_state(fixture, "audit/anchor"));
    log_remove(log_file(fixture, "anchor"));
}

START_TEST(a_log_written_anew_with_its_keys_is_found_by_the_anchor)
{
    log_fixture fixture;
    make_log(&fixture);
    rewrite(&fixture,
            "UPDATE audit_leaf SET leaf = CAST(replace(CAST(leaf AS TEXT), 'store.put', 'store.get') AS BLOB) WHERE seq = "
            "170; UPDATE audit_clear SET action = 'store.get' WHERE seq = 170");
    ck_assert_int_eq(verify(&fixture, 1), OBS_DATA_LOSS);
    ck_assert_int_eq(first()->damage, OBS__DAMAGE_FORK);
    /* Nothing but the anchor knows: without it, all agrees. */
    log_remove(log_state(&fixture, "audit/anchor"));
    ck_assert_int_eq(verify(&fixture, 1), OBS_FAILED_PRECONDITION);
    log_close(&fixture);
}
END_TEST

/* What was anchored long ago is thinned: the last checkpoint of a day vouches for all before it. */
START_TEST(a_thinned_history_still_finds_what_was_rewritten)
{
    log_fixture fixture;
    size_t size;
    obs__builder thinned;
    make_log(&fixture);
    const char *path = log_state(&fixture, "audit/anchor/history");
    char *history = test_read(path, &size);
    obs__builder_init(&thinned, size + 64);
    ck_assert_ok(obs__history_thin(&thinned, (obs__view){history, size}, obs__now_ns() + INT64_C(864000000000000), &error));
    ck_assert_uint_lt(thinned.size, size);
    test_write(path, thinned.data, thinned.size);
    log_remove(log_state(&fixture, "audit/anchor/last"));
    ck_assert_ok(verify(&fixture, 1));
    ck_assert_uint_eq(found.anchored, 1100);
    rewrite(&fixture,
            "UPDATE audit_clear SET action = 'store.get' WHERE seq = 170;"
            "UPDATE audit_leaf SET leaf = CAST(replace(CAST(leaf AS TEXT), 'store.put', 'store.get') AS BLOB) WHERE seq = 170");
    log_remove(log_state(&fixture, "audit/anchor/last"));
    ck_assert_int_eq(verify(&fixture, 1), OBS_DATA_LOSS);
    ck_assert_int_eq(first()->damage, OBS__DAMAGE_FORK);
    obs__builder_free(&thinned);
    free(history);
    log_close(&fixture);
}
END_TEST

START_TEST(a_shorter_log_written_anew_is_found)
{
    log_fixture fixture;
    make_log(&fixture);
    rewrite(&fixture, "DELETE FROM audit_leaf WHERE seq > 590; DELETE FROM audit_clear WHERE seq > 590");
    ck_assert_int_eq(verify(&fixture, 1), OBS_DATA_LOSS);
    int rolled_back = 0;
    for (size_t i = 0; i < found.count; i++)
        rolled_back |= found.findings[i].damage == OBS__DAMAGE_ROLLBACK && found.findings[i].index == 1090;
    ck_assert(rolled_back);
    log_close(&fixture);
}
END_TEST

START_TEST(a_log_that_was_rolled_back_is_found)
{
    log_fixture fixture;
    log_open(&fixture, test_folder());
    open_all(&fixture);
    log_commit(&fixture, "default", 500);
    ck_assert_ok(log_sequence(&fixture, &done, &error));
    log_close(&fixture);
    log_copy(fixture.workspace, log_state(&fixture, "earlier"));
    open_all(&fixture);
    log_commit(&fixture, "default", 500);
    ck_assert_ok(log_sequence(&fixture, &done, &error));
    log_close(&fixture);
    log_remove(fixture.workspace);
    ck_assert_int_eq(rename(log_state(&fixture, "earlier"), fixture.workspace), 0);
    open_all(&fixture);
    found_as(&fixture, OBS__DAMAGE_ROLLBACK, 500);
    ck_assert_uint_eq(found.verified, 500);
    ck_assert_ptr_nonnull(strstr(error.message, "was told 1000 records"));
    log_close(&fixture);
}
END_TEST

START_TEST(another_log_with_another_key_is_found)
{
    log_fixture fixture, other;
    size_t size;
    make_log(&fixture);
    char *kept = test_read(log_state(&fixture, "audit/key.pub"), &size);
    make_log(&other);
    log_remove(log_file(&fixture, "audit"));
    log_copy(log_file(&other, "audit"), log_file(&fixture, "audit"));
    ck_assert_int_eq(verify(&fixture, 0), OBS_DATA_LOSS);
    ck_assert_int_eq(first()->damage, OBS__DAMAGE_CHECKPOINT);
    /* The key beside it as well: the anchor was told by another one. */
    log_copy(log_state(&fixture, "audit/anchor"), log_file(&fixture, "anchor"));
    log_remove(log_state(&fixture, "audit"));
    log_copy(log_state(&other, "audit"), log_state(&fixture, "audit"));
    log_remove(log_state(&fixture, "audit/anchor"));
    log_copy(log_file(&fixture, "anchor"), log_state(&fixture, "audit/anchor"));
    ck_assert_int_eq(verify(&fixture, 0), OBS_DATA_LOSS);
    ck_assert_int_eq(first()->damage, OBS__DAMAGE_ANCHOR);
    /* And the anchor: only somebody who has the key's other half still knows. */
    log_remove(log_state(&fixture, "audit"));
    log_copy(log_state(&other, "audit"), log_state(&fixture, "audit"));
    obs__verifier key;
    ck_assert_ok(obs__verifier_read(&key, (obs__view){kept, size}, &error));
    obs__verify_options options = {.place = &fixture.place, .key = &key};
    ck_assert_int_eq(obs__audit_verify(&found, &options, &error), OBS_DATA_LOSS);
    ck_assert_int_eq(first()->damage, OBS__DAMAGE_CHECKPOINT);
    free(kept);
    log_close(&fixture);
    log_close(&other);
}
END_TEST

START_TEST(missing_parts_are_damage)
{
    log_fixture fixture;
    make_log(&fixture);
    const char *aside = log_file(&fixture, "aside");
    static const struct {
        const char *name;
        obs__damage damage;
        uint64_t index;
    } parts[] = {{"audit/log/tile/entries/002", OBS__DAMAGE_MISSING, 512},
                 {"audit/log/tile/0/004.p/76", OBS__DAMAGE_MISSING, 1024},
                 {"audit/log/tile/1", OBS__DAMAGE_MISSING, 0},
                 {"audit/log/tile/entries", OBS__DAMAGE_MISSING, 0},
                 {"audit/log/checkpoint", OBS__DAMAGE_MISSING, 0},
                 {"audit/log", OBS__DAMAGE_MISSING, 0}};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        ck_assert_int_eq(rename(log_file(&fixture, parts[i].name), aside), 0);
        found_as(&fixture, parts[i].damage, parts[i].index);
        ck_assert_int_eq(rename(aside, log_file(&fixture, parts[i].name)), 0);
    }
    /* A tenant that is not there any more. */
    fixture.count = 1;
    found_as(&fixture, OBS__DAMAGE_TENANT, 150);
    fixture.count = 2;
    ck_assert_ok(verify(&fixture, 1));
    log_close(&fixture);
}
END_TEST

/* What an interrupted round left behind the checkpoint is no damage. */
START_TEST(a_torn_tail_is_no_damage)
{
    log_fixture fixture;
    make_log(&fixture);
    test_write(log_file(&fixture, "audit/log/tile/entries/004"), "torn", 4);
    test_write(log_file(&fixture, "audit/log/tile/entries/004.p/80"), "torn", 4);
    test_write(log_file(&fixture, "audit/log/tile/0/.staging"), "torn", 4);
    ck_assert_ok(verify(&fixture, 1));
    log_commit(&fixture, "sky", 300);
    ck_assert_ok(log_sequence(&fixture, &done, &error));
    ck_assert_uint_eq(done.cut, 2);
    ck_assert_ok(log_sequence(&fixture, &done, &error));
    ck_assert_ok(verify(&fixture, 1));
    ck_assert_uint_eq(found.size, 1401);
    log_close(&fixture);
}
END_TEST

/* A line of the history that a power cut tore is not held against the log; one that was changed is. */
START_TEST(the_history_of_an_anchor_counts)
{
    log_fixture fixture;
    make_log(&fixture);
    const char *path = log_state(&fixture, "audit/anchor/history");
    size_t size;
    char *history = test_read(path, &size), *torn = malloc(2 * size);
    size_t line = (size_t)(strchr(history, '\n') + 1 - history);
    memcpy(torn, history, size);
    memcpy(torn + size, history, line / 2);
    test_write(path, torn, size + line / 2);
    ck_assert_ok(verify(&fixture, 0));
    log_commit(&fixture, "sky", 1);
    ck_assert_ok(log_sequence(&fixture, &done, &error));
    ck_assert_ok(verify(&fixture, 0));
    ck_assert_uint_eq(found.anchored, 1101);
    log_remove(log_state(&fixture, "audit/anchor/last"));
    ck_assert_ok(verify(&fixture, 0));
    ck_assert_uint_eq(found.anchored, 1101);
    memcpy(torn, history, size);
    char *in_root = torn + line + 100; /* of the second line, which is of 275 records */
    *in_root = *in_root == 'A' ? 'B' : 'A';
    test_write(path, torn, size);
    ck_assert_int_eq(verify(&fixture, 0), OBS_DATA_LOSS);
    free(history);
    free(torn);
    log_close(&fixture);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {a_sound_log_passes,
                                  no_log_and_an_empty_log,
                                  a_log_that_was_about_to_begin,
                                  what_was_erased_is_no_damage,
                                  without_an_anchor_it_does_not_say_yes,
                                  a_record_that_was_changed_with_its_tile_is_named,
                                  a_log_written_anew_with_its_keys_is_found_by_the_anchor,
                                  a_thinned_history_still_finds_what_was_rewritten,
                                  a_shorter_log_written_anew_is_found,
                                  a_log_that_was_rolled_back_is_found,
                                  another_log_with_another_key_is_found,
                                  missing_parts_are_damage,
                                  a_torn_tail_is_no_damage,
                                  the_history_of_an_anchor_counts};
    obs_error_init(&error, sizeof error);
    return test_main("verify", tests, sizeof tests / sizeof tests[0]);
}
