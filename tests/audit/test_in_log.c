/* Rows before the signed log: each is accepted at its place, nothing else is, at every size at which tiles begin and end. */
#include "audit/in_log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/leaf.h"
#include "audit/log_fixture.h"
#include "support.h"

#define MOST 1200

static obs_error error;
static obs__sequenced done;
static obs__tree_hash leaves[MOST]; /* of a tenant, by their number */

static unsigned read_leaves(const log_fixture *fixture, size_t tenant)
{
    obs__snapshot *snapshot;
    sqlite3_stmt *statement;
    unsigned count = 0;
    ck_assert_ok(obs__snapshot_begin(&snapshot, fixture->journals[tenant], &error));
    ck_assert_ok(
        obs__snapshot_statement(&statement, snapshot, "SELECT leaf FROM audit_leaf WHERE seq > 0 ORDER BY seq", &error));
    while (sqlite3_step(statement) == SQLITE_ROW) {
        obs__view leaf = {sqlite3_column_blob(statement, 0), (size_t)sqlite3_column_bytes(statement, 0)};
        ck_assert_uint_lt(++count, MOST);
        ck_assert_ok(obs__audit_leaf_hash(leaves[count].bytes, leaf, &error));
    }
    sqlite3_reset(statement);
    obs__snapshot_end(snapshot);
    return count;
}

/* Every row of a tenant, forwards and backwards; a row in the place of its neighbour is refused. */
static void check_tenant(const log_fixture *fixture, size_t tenant, obs__in_log **log)
{
    unsigned count = read_leaves(fixture, tenant);
    ck_assert_ok(obs__in_log_renew(log, &fixture->place, fixture->names[tenant], &error));
    ck_assert_ptr_nonnull(*log);
    for (unsigned i = 1; i <= count; i++)
        ck_assert_msg(obs__in_log_check(*log, i, &leaves[i], &error) == OBS_OK, "%u of %u: %s", i, count, error.message);
    for (unsigned i = count; i > 1; i--) {
        ck_assert_ok(obs__in_log_check(*log, i, &leaves[i], &error));
        ck_assert_int_eq(obs__in_log_check(*log, i, &leaves[i - 1], &error), OBS_DATA_LOSS);
    }
}

START_TEST(each_row_is_accepted_at_its_place_only)
{
    static const unsigned sizes[] = {1, 1, 1, 2, 249, 2, 1, 254, 1, 1, 300};
    log_fixture fixture;
    obs__in_log *of_default = NULL, *of_sky = NULL;
    log_open(&fixture, test_folder());
    log_tenant(&fixture, "default");
    log_tenant(&fixture, "sky");
    ck_assert_ok(obs__in_log_renew(&of_sky, &fixture.place, "sky", &error));
    ck_assert_ptr_null(of_sky);
    ck_assert_ok(obs__in_log_check(of_sky, 1, &leaves[0], &error));
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        log_commit(&fixture, "default", sizes[i]);
        log_commit(&fixture, "sky", i % 3);
        ck_assert_ok(log_sequence(&fixture, &done, &error));
        check_tenant(&fixture, 0, &of_default);
        check_tenant(&fixture, 1, &of_sky);
    }
    obs__in_log_free(of_default);
    obs__in_log_free(of_sky);
    log_close(&fixture);
}
END_TEST

/* What no checkpoint covers yet is accepted, and looked at as soon as one does. */
START_TEST(new_rows_are_looked_at_from_the_next_page_on)
{
    log_fixture fixture;
    obs__in_log *log = NULL;
    log_open(&fixture, test_folder());
    log_tenant(&fixture, "default");
    log_commit(&fixture, "default", 10);
    ck_assert_ok(log_sequence(&fixture, &done, &error));
    log_commit(&fixture, "default", 10);
    unsigned count = read_leaves(&fixture, 0);
    ck_assert_ok(obs__in_log_renew(&log, &fixture.place, "default", &error));
    ck_assert_ok(obs__in_log_check(log, count, &leaves[1], &error));
    ck_assert_ok(log_sequence(&fixture, &done, &error));
    obs__in_log *before = log;
    ck_assert_ok(obs__in_log_renew(&log, &fixture.place, "default", &error));
    ck_assert_ptr_ne(log, before);
    ck_assert_int_eq(obs__in_log_check(log, count, &leaves[1], &error), OBS_DATA_LOSS);
    ck_assert_ok(obs__in_log_check(log, count, &leaves[count], &error));
    before = log;
    ck_assert_ok(obs__in_log_renew(&log, &fixture.place, "default", &error));
    ck_assert_ptr_eq(log, before); /* nothing is proved twice */
    obs__in_log_free(log);
    log_close(&fixture);
}
END_TEST

/* One hash of a tile that was changed, of whatever record, makes all of its rows unproved, and those of no other tile. */
START_TEST(a_changed_tile_proves_nothing)
{
    log_fixture fixture;
    log_open(&fixture, test_folder());
    log_tenant(&fixture, "default");
    log_commit(&fixture, "default", 700);
    ck_assert_ok(log_sequence(&fixture, &done, &error));
    unsigned count = read_leaves(&fixture, 0);
    ck_assert_uint_eq(count, 700);
    const char *path = log_file(&fixture, "audit/log/tile/0/001");
    size_t size;
    char *bytes = test_read(path, &size);
    for (size_t at = 0; at < size; at += 997) {
        obs__in_log *log = NULL;
        bytes[at] ^= 1;
        test_write(path, bytes, size);
        ck_assert_ok(obs__in_log_renew(&log, &fixture.place, "default", &error));
        ck_assert_int_eq(obs__in_log_check(log, 257, &leaves[257], &error), OBS_DATA_LOSS);
        ck_assert_int_eq(obs__in_log_check(log, 512, &leaves[512], &error), OBS_DATA_LOSS);
        ck_assert_ok(obs__in_log_check(log, 256, &leaves[256], &error));
        obs__in_log_free(log);
        bytes[at] ^= 1;
    }
    free(bytes);
    log_close(&fixture);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {each_row_is_accepted_at_its_place_only, new_rows_are_looked_at_from_the_next_page_on,
                                  a_changed_tile_proves_nothing};
    obs_error_init(&error, sizeof error);
    return test_main("in_log", tests, sizeof tests / sizeof tests[0]);
}
