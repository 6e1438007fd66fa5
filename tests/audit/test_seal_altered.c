/* Nothing but a seal may take rows away, and each change of what is sealed is found. */
#include <fcntl.h>

#include "audit/seal_support.h"
#include "audit/segment.h"
#include "audit/tiles.h"
#include "base/hash.h"

/* ---- Attackers. ---- */

static void change_rows(log_fixture *fixture, const char *tenant, const char *sql)
{
    log_close(fixture);
    log_sql(fixture->workspace, tenant, sql);
    open_all(fixture);
}

START_TEST(rows_beyond_the_seal_must_be_there)
{
    static const struct {
        const char *tenant;
        const char *sql;
        uint64_t index;
    } edits[] = {{"sky", "DELETE FROM audit_leaf WHERE seq = 213", 512},
                 {"sky", "DELETE FROM audit_leaf WHERE seq < 220", 512},
                 {"sky", "DELETE FROM audit_clear WHERE seq = 213", 512},
                 {"default", "DELETE FROM audit_leaf WHERE seq = 201; DELETE FROM audit_clear WHERE seq = 201", 700},
                 {"past", "DELETE FROM audit_leaf", 299},
                 {"past", "UPDATE audit_leaf SET time = time + 1000000000", 299},
                 {"past", "UPDATE audit_leaf SET seq = 1", 200},
                 /* Nobody may put back something else. */
                 {"sky", "INSERT INTO audit_leaf SELECT 5, time, leaf FROM audit_leaf WHERE seq = 300", 304}};
    log_fixture fixture;
    make_sealed(&fixture);
    for (size_t i = 0; i < sizeof edits / sizeof edits[0]; i++) {
        const char *name = test_path("tenants", edits[i].tenant);
        log_close(&fixture);
        log_copy(log_file(&fixture, name), log_file(&fixture, "kept"));
        change_rows(&fixture, edits[i].tenant, edits[i].sql);
        const obs__finding *first = refused(&fixture, 1);
        ck_assert_msg(first->index == edits[i].index && strcmp(first->tenant, edits[i].tenant) == 0, "%s: %s", edits[i].sql,
                      error.message);
        log_close(&fixture);
        log_remove(log_file(&fixture, name));
        ck_assert_int_eq(rename(log_file(&fixture, "kept"), log_file(&fixture, name)), 0);
        open_all(&fixture);
    }
    sound(&fixture, 512);
    log_close(&fixture);
}
END_TEST

START_TEST(what_says_what_is_sealed_cannot_be_changed)
{
    log_fixture fixture;
    size_t size;
    make_sealed(&fixture);
    const char *path = log_file(&fixture, "audit/sealed");
    char *note = test_read(path, &size);
    for (size_t at = 0; at < size; at++) {
        note[at] = (char)(note[at] ^ 1 << at % 8);
        test_write(path, note, size);
        refused(&fixture, 0);
        note[at] = (char)(note[at] ^ 1 << at % 8);
    }
    test_write(path, note, size / 2);
    refused_as(&fixture, 0, OBS__DAMAGE_SEAL, OBS__NO_INDEX);
    refused_as(&fixture, 1, OBS__DAMAGE_ROW, 0);
    ck_assert_int_eq(unlink(path), 0);
    refused_as(&fixture, 1, OBS__DAMAGE_ROW, 0);
    test_write(path, note, size);
    sound(&fixture, 512);
    /* An older one, after more was sealed. */
    seal(&fixture, -1, 768 - 512);
    sound(&fixture, 768);
    test_write(path, note, size);
    refused_as(&fixture, 1, OBS__DAMAGE_ROW, 512);
    free(note);
    log_close(&fixture);
}
END_TEST

/* The log's key signs that more is sealed than is, and rows are deleted. */
static void sign_more(log_fixture *fixture, uint64_t end, uint64_t at)
{
    obs__signer *signer;
    obs__verifier key;
    obs__sealed sealed;
    ck_assert_ok(obs__signer_open(&signer, log_state(fixture, "audit/key"), &error));
    ck_assert_ok(obs__log_key(&key, &fixture->place, &error));
    ck_assert_ok(obs__sealed_read(&sealed, &fixture->place, &key, &error));
    sealed.end = end;
    sealed.record = at;
    ck_assert_ok(obs__sealed_write(&sealed, &fixture->place, signer, &error));
    obs__signer_free(signer);
}

START_TEST(a_seal_that_the_log_does_not_record_is_none)
{
    log_fixture fixture;
    make_sealed(&fixture);
    static const uint64_t marks[][2] = {{768, 1000}, {512, 999}, {256, 1000}, {768, 5000}};
    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
        sign_more(&fixture, marks[i][0], marks[i][1]);
        refused(&fixture, 0);
        refused(&fixture, 1);
    }
    /* A record that a tenant wrote itself is not enough, either: the note is not signed by it. */
    sign_more(&fixture, 512, 1000);
    sound(&fixture, 512);
    ck_assert_ok(record(&fixture, 0, 768, &error));
    ck_assert_ok(log_sequence(&fixture, &done, &error));
    change_rows(&fixture, "sky", "DELETE FROM audit_leaf WHERE seq = 213; DELETE FROM audit_clear WHERE seq = 213");
    refused_as(&fixture, 1, OBS__DAMAGE_ROW, 512);
    log_close(&fixture);
}
END_TEST

/* Note and record, both signed with the key, but behind the back of the anchors. */
START_TEST(a_seal_that_no_anchor_knows_is_not_vouched_for)
{
    log_fixture fixture;
    make_log(&fixture);
    log_copy(log_state(&fixture, "audit/anchor"), log_file(&fixture, "anchor"));
    seal(&fixture, 30, 512);
    log_remove(log_state(&fixture, "audit/anchor"));
    log_copy(log_file(&fixture, "anchor"), log_state(&fixture, "audit/anchor"));
    ck_assert_int_eq(verify(&fixture, 1), OBS_FAILED_PRECONDITION);
    ck_assert_ptr_nonnull(strstr(error.message, "the first 512 were sealed"));
    obs__verify_options options = {.place = &fixture.place, .tenants = &fixture.tenants, .unanchored = 1};
    ck_assert_ok(obs__audit_verify(&found, &options, &error));
    log_close(&fixture);
}
END_TEST

/* ---- Damaged segments. ---- */

static unsigned long long seed = 20261121;

static unsigned pick(unsigned most)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)((seed >> 33) % most);
}

START_TEST(each_change_of_a_segment_is_found)
{
    log_fixture fixture;
    size_t size;
    make_sealed(&fixture);
    const char *path = entries(&fixture, "001.zst");
    char *bytes = test_read(path, &size);
    /* The head, the tail, and places in between. */
    for (size_t i = 0; i < 16 * 8 + 150; i++) {
        size_t at = i < 8 * 8 ? i / 8 : i < 16 * 8 ? size - 1 - (i - 64) / 8 * 6 : pick((unsigned)size);
        char bit = (char)(1 << (i < 16 * 8 ? i % 8 : pick(8)));
        bytes[at] = (char)(bytes[at] ^ bit);
        test_write(path, bytes, size);
        refused_as(&fixture, i % 16 == 0, OBS__DAMAGE_RECORD, 256);
        bytes[at] = (char)(bytes[at] ^ bit);
    }
    ck_assert_ptr_nonnull(strstr(error.message, "001.zst' is damaged"));
    test_write(path, bytes, size - 1);
    refused_as(&fixture, 0, OBS__DAMAGE_RECORD, 256);
    test_write(path, bytes, 0);
    refused_as(&fixture, 0, OBS__DAMAGE_RECORD, 256);
    ck_assert_int_eq(unlink(path), 0);
    refused_as(&fixture, 1, OBS__DAMAGE_MISSING, 256);
    ck_assert_uint_eq(found.count, 1); /* what follows is not blamed for it */
    /* Another segment in its place: every record of it is another. */
    log_copy(entries(&fixture, "000.zst"), path);
    refused_as(&fixture, 1, OBS__DAMAGE_RECORD, 256);
    test_write(path, bytes, size);
    sound(&fixture, 512);
    free(bytes);
    log_close(&fixture);
}
END_TEST

/* A sound segment with another record in it: the record is named. */
START_TEST(a_record_that_was_changed_in_a_segment_is_named)
{
    log_fixture fixture;
    obs_buffer *plain, *packed;
    make_sealed(&fixture);
    int log = open(log_file(&fixture, "audit/log"), O_RDONLY | O_DIRECTORY);
    ck_assert_ok(obs__tile_sealed_file(&plain, log, 1, &error));
    size_t used;
    obs__view views[OBS__TILE_WIDTH];
    obs__view all = {obs_buffer_data(plain), obs_buffer_size(plain)};
    ck_assert_uint_eq(obs__bundle_take(views, 256, all, &used), 256);
    char *copy = malloc(all.size);
    memcpy(copy, all.data, all.size);
    char *record = copy + (views[44].data - all.data);
    memcpy(memmem(record, views[44].size, "store.put", 9), "store.get", 9);
    ck_assert_ok(obs__segment_pack(&packed, (obs__view){copy, all.size}, &error));
    test_write(entries(&fixture, "001.zst"), obs_buffer_data(packed), obs_buffer_size(packed));
    const obs__finding *first = refused(&fixture, 1);
    ck_assert_uint_eq(first->index, 300);
    ck_assert_int_eq(first->damage, OBS__DAMAGE_RECORD);
    obs_buffer_free(plain);
    obs_buffer_free(packed);
    free(copy);
    close(log);
    log_close(&fixture);
}
END_TEST

START_TEST(a_bomb_is_refused_before_it_is_unpacked)
{
    obs_buffer *bomb, *out;
    size_t size = (size_t)256 << 20;
    char *zeros = calloc(1, size);
    ck_assert_ok(obs__segment_pack(&bomb, (obs__view){zeros, size}, &error));
    free(zeros);
    obs__view packed = {obs_buffer_data(bomb), obs_buffer_size(bomb)};
    ck_assert_uint_lt(packed.size, 1 << 20);
    ck_assert_int_eq(obs__segment_unpack(&out, packed, OBS__BUNDLE_MAX, &error), OBS_DATA_LOSS);
    ck_assert_ptr_null(out);
    obs_buffer_free(bomb);
}
END_TEST

/* A frame that says that it is small, with a digest that fits: unpacking ends where the room ends. */
START_TEST(a_bomb_that_lies_is_refused)
{
    obs_buffer *bomb, *out;
    size_t size = (size_t)64 << 20;
    char *zeros = calloc(1, size);
    ck_assert_ok(obs__segment_pack(&bomb, (obs__view){zeros, size}, &error));
    free(zeros);
    size_t packed = obs_buffer_size(bomb), frame = packed - 8 - OBS__SHA256_SIZE;
    char *bytes = malloc(packed);
    memcpy(bytes, obs_buffer_data(bomb), packed);
    /* RFC 8878: the size is in the 4 bytes behind magic number, descriptor and, unless it is one segment, window. */
    size_t at = bytes[4] & 0x20 ? 5 : 6;
    ck_assert_int_eq(memcmp(bytes + at, "\0\0\0\4", 4), 0);
    memcpy(bytes + at, "\0\1\0\0", 4);
    ck_assert_ok(obs__sha256((unsigned char *)bytes + frame + 8, bytes, frame, &error));
    ck_assert_int_eq(obs__segment_unpack(&out, (obs__view){bytes, packed}, OBS__BUNDLE_MAX, &error), OBS_DATA_LOSS);
    ck_assert_ptr_null(out);
    free(bytes);
    obs_buffer_free(bomb);
}
END_TEST

START_TEST(segments_give_back_what_was_packed)
{
    static const size_t sizes[] = {1, 2, 255, 65536, OBS__BUNDLE_MAX};
    char *bytes = malloc(OBS__BUNDLE_MAX);
    for (size_t i = 0; i < OBS__BUNDLE_MAX; i++)
        bytes[i] = (char)pick(256);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        obs_buffer *packed, *again;
        ck_assert_ok(obs__segment_pack(&packed, (obs__view){bytes, sizes[i]}, &error));
        obs__view view = {obs_buffer_data(packed), obs_buffer_size(packed)};
        ck_assert_uint_le(view.size, obs__segment_most(sizes[i]));
        ck_assert_ok(obs__segment_unpack(&again, view, sizes[i], &error));
        ck_assert_uint_eq(obs_buffer_size(again), sizes[i]);
        ck_assert_int_eq(memcmp(obs_buffer_data(again), bytes, sizes[i]), 0);
        obs_buffer_free(again);
        ck_assert_int_eq(obs__segment_unpack(&again, view, sizes[i] - 1, &error), OBS_DATA_LOSS);
        obs_buffer_free(packed);
    }
    free(bytes);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {rows_beyond_the_seal_must_be_there,          what_says_what_is_sealed_cannot_be_changed,
                                  a_seal_that_the_log_does_not_record_is_none, a_seal_that_no_anchor_knows_is_not_vouched_for,
                                  each_change_of_a_segment_is_found,           a_record_that_was_changed_in_a_segment_is_named,
                                  a_bomb_is_refused_before_it_is_unpacked,     a_bomb_that_lies_is_refused,
                                  segments_give_back_what_was_packed};
    obs_error_init(&error, sizeof error);
    return test_main("seal_altered", tests, sizeof tests / sizeof tests[0]);
}
