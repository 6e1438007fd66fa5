/* Verifying after random edits of any byte, in the files or in the index: each is found and named. */
#include "audit/verify.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audit/verifying.h"
#include "support.h"

static unsigned long long seed = 20261121;

static unsigned pick(unsigned most)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)((seed >> 33) % most);
}

/* The files that the log of 1,100 records consists of; their first record, and how many records a byte of them is about. */
static const struct {
    const char *name;
    uint64_t index;
    uint64_t per_hash; /* 0: a bundle */
} files[] = {
    {"tile/entries/000", 0, 0},
    {"tile/entries/001", 256, 0},
    {"tile/entries/002", 512, 0},
    {"tile/entries/003", 768, 0},
    {"tile/entries/004.p/76", 1024, 0},
    {"tile/0/000", 0, 1},
    {"tile/0/001", 256, 1},
    {"tile/0/003", 768, 1},
    {"tile/0/004.p/76", 1024, 1},
    {"tile/1/000.p/4", 0, 256},
};
#define FILES (sizeof files / sizeof files[0])

/* The record that holds byte `at` of a bundle. */
static uint64_t record_at(const char *bytes, size_t size, size_t at)
{
    uint64_t index = 0;
    for (size_t start = 0; start + 2 <= size; index++) {
        size_t next = start + 2 + ((size_t)(unsigned char)bytes[start] << 8 | (unsigned char)bytes[start + 1]);
        if (at < next)
            return index;
        start = next;
    }
    return index;
}

static void edit_file(log_fixture *fixture)
{
    unsigned f = pick(FILES), kind = pick(5);
    const char *path = test_path(log_file(fixture, "audit/log"), files[f].name);
    size_t size, at;
    char *bytes = test_read(path, &size), *changed = malloc(size + 8);
    at = pick((unsigned)size);
    uint64_t index =
        files[f].per_hash ? files[f].index + at / 32 * files[f].per_hash : files[f].index + record_at(bytes, size, at);
    memcpy(changed, bytes, size);
    if (kind <= 1) { /* a bit */
        changed[at] = (char)(changed[at] ^ 1 << pick(8));
        test_write(path, changed, size);
    } else if (kind == 2) { /* cut */
        test_write(path, changed, at);
    } else if (kind == 3) { /* longer */
        memcpy(changed + size, "\0\1x", 3);
        test_write(path, changed, size + 3);
    } else {
        ck_assert_int_eq(unlink(path), 0);
    }
    obs_status status = verify(fixture, (int)pick(2));
    ck_assert_msg(status == OBS_DATA_LOSS, "%s, kind %u, byte %zu: %s", files[f].name, kind, at, error.message);
    if (kind <= 1)
        ck_assert_msg(first()->index == index, "%s, byte %zu, record %llu: %s", files[f].name, at, (unsigned long long)index,
                      error.message);
    else
        ck_assert_msg(first()->index >= files[f].index && first()->index < files[f].index + 1024, "%s", error.message);
    test_write(path, bytes, size);
    free(bytes);
    free(changed);
}

static void edit_checkpoint(log_fixture *fixture)
{
    const char *path = log_file(fixture, "audit/log/checkpoint");
    size_t size;
    char *bytes = test_read(path, &size), *changed = malloc(size);
    memcpy(changed, bytes, size);
    size_t at = pick((unsigned)size);
    int cut = pick(4) == 0;
    changed[at] = (char)(changed[at] ^ 1 << pick(8));
    test_write(path, cut ? bytes : changed, cut ? at : size);
    obs_status status = verify(fixture, 0);
    ck_assert_msg(status == OBS_DATA_LOSS && first()->damage == OBS__DAMAGE_CHECKPOINT, "byte %zu: %s", at, error.message);
    ck_assert_uint_eq(found.verified, 0);
    test_write(path, bytes, size);
    free(bytes);
    free(changed);
}

/* Changes of the query index; %u is a record of the tenant. */
static const char *const edits[] = {
    "UPDATE audit_leaf SET leaf = CAST(replace(CAST(leaf AS TEXT), 'store.put', 'store.get') AS BLOB) WHERE seq = %u",
    "UPDATE audit_leaf SET time = time + 1000000000 WHERE seq = %u",
    "UPDATE audit_clear SET action = 'store.get' WHERE seq = %u",
    "UPDATE audit_clear SET trace = NULL WHERE seq = %u",
    "UPDATE audit_clear SET trace = '4bf92f3577b34da6a3ce929d0e0e4737' WHERE seq = %u",
    "UPDATE audit_clear SET object = 'raw/other' WHERE seq = %u",
    "UPDATE audit_clear SET object = NULL WHERE seq = %u",
    "UPDATE audit_clear SET object_salt = NULL WHERE seq = %u",
    "UPDATE audit_clear SET object_salt = randomblob(32) WHERE seq = %u",
    "UPDATE audit_clear SET client = 'other' WHERE seq = %u",
    "UPDATE audit_clear SET client_salt = x'00' WHERE seq = %u",
    "UPDATE audit_clear SET actor = 1, actor_salt = randomblob(32) WHERE seq = %u",
    "UPDATE audit_clear SET subject = NULL WHERE seq = %u",
    "UPDATE audit_clear SET seq = -5 WHERE seq = %u",
    "DELETE FROM audit_clear WHERE seq = %u",
    "DELETE FROM audit_leaf WHERE seq = %u",
    "UPDATE audit_leaf SET leaf = (SELECT leaf FROM audit_leaf WHERE seq = 7) WHERE seq = %u",
    "UPDATE audit_leaf SET leaf = x'' WHERE seq = %u",
};
#define EDITS (sizeof edits / sizeof edits[0])

/* The place of record `seq` of a tenant: rounds of 150 of default and 125 of sky. */
static uint64_t place_of(int is_sky, unsigned seq)
{
    unsigned per = is_sky ? 125 : 150, round = (seq - 1) / per;
    return round * 275 + (is_sky ? 150 : 0) + (seq - 1) % per;
}

static void edit_index(log_fixture *fixture)
{
    int is_sky = (int)pick(2);
    const char *tenant = is_sky ? "sky" : "default";
    unsigned seq = 8 + pick(is_sky ? 490 : 590), edit = pick(EDITS);
    char sql[256];
    snprintf(sql, sizeof sql, edits[edit], seq);
    log_close(fixture);
    const char *kept = log_file(fixture, "kept");
    log_copy(log_file(fixture, test_path("tenants", tenant)), kept);
    log_sql(fixture->workspace, tenant, sql);
    open_all(fixture);
    obs_status status = verify(fixture, 1);
    ck_assert_msg(status == OBS_DATA_LOSS, "%s: %s", sql, error.message);
    ck_assert_msg(first()->index == place_of(is_sky, seq) && strcmp(first()->tenant, tenant) == 0 && strlen(first()->id) == 36,
                  "%s: %s", sql, error.message);
    ck_assert(first()->damage == OBS__DAMAGE_ROW || first()->damage == OBS__DAMAGE_CLEAR);
    log_close(fixture);
    log_remove(log_file(fixture, test_path("tenants", tenant)));
    ck_assert_int_eq(rename(kept, log_file(fixture, test_path("tenants", tenant))), 0);
    open_all(fixture);
}

START_TEST(two_hundred_random_edits_are_found)
{
    log_fixture fixture;
    make_log(&fixture);
    for (int i = 0; i < 120; i++)
        edit_file(&fixture);
    for (int i = 0; i < 30; i++)
        edit_checkpoint(&fixture);
    for (int i = 0; i < 50; i++)
        edit_index(&fixture);
    ck_assert_ok(verify(&fixture, 1));
    log_close(&fixture);
}
END_TEST

START_TEST(each_edit_of_the_index_is_found)
{
    log_fixture fixture;
    make_log(&fixture);
    for (size_t i = 0; i < EDITS; i++) {
        char sql[256];
        snprintf(sql, sizeof sql, edits[i], 500);
        log_close(&fixture);
        log_copy(log_file(&fixture, "tenants/sky"), log_file(&fixture, "kept"));
        log_sql(fixture.workspace, "sky", sql);
        open_all(&fixture);
        ck_assert_msg(verify(&fixture, 1) == OBS_DATA_LOSS, "%s: %s", sql, error.message);
        ck_assert_uint_eq(first()->index, 1099);
        log_close(&fixture);
        log_remove(log_file(&fixture, "tenants/sky"));
        ck_assert_int_eq(rename(log_file(&fixture, "kept"), log_file(&fixture, "tenants/sky")), 0);
        open_all(&fixture);
    }
    log_close(&fixture);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {two_hundred_random_edits_are_found, each_edit_of_the_index_is_found};
    obs_error_init(&error, sizeof error);
    return test_main("verify edits", tests, sizeof tests / sizeof tests[0]);
}
