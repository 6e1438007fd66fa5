/* Each part of a workspace is damaged in turn: the check names it; what can be mended is mended by the repair. */
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/workspace.h"

static const char schema[] = "{\"type\":\"object\",\"required\":[\"mag\"],\"properties\":{\"mag\":{\"type\":\"number\"}}}";

/* A workspace with an object that has labels, a record and all that goes with them; closed. */
static const char *filled_workspace(void)
{
    const char *path = new_workspace();
    const obs_pair night = {"night", "2026-11-20"};
    obs_client *client = open_at(path);
    obs_put_options options;
    obs_put_options_init(&options, sizeof options);
    options.labels = &night;
    options.label_count = 1;
    ck_assert_ok(obs_store_put(NULL, obs_client_store(client), "raw/a", OBS_TEXT, "bytes", 5, &options, &error));
    ck_assert_ok(obs_ingest_definition(client, "test.mag", schema, OBS_TEXT, NULL, &error));
    ck_assert_ok(obs_ingest_record(NULL, client, "test.mag", "{\"mag\":17.5}", OBS_TEXT, NULL, &error));
    obs_client_close(client);
    return path;
}

static size_t problems(const char *path, obs_check_mode mode, const char *part)
{
    obs_client *client = open_at(path);
    obs_rows *rows;
    ck_assert_ok(obs_workspace_check(&rows, client, mode, NULL, &error));
    size_t found = count_rows(rows, part);
    obs_client_close(client);
    return found;
}

static void expect_problem(const char *path, const char *part)
{
    ck_assert_uint_eq(problems(path, OBS_CHECK_ONLY, "\"problems\":0"), 0);
    ck_assert_msg(problems(path, OBS_CHECK_ONLY, part) >= 1, "the check does not name %s", part);
}

static void change_rows(const char *path, const char *sql)
{
    sqlite3 *database;
    ck_assert_int_eq(sqlite3_open(test_path(path, "tenants/default/tenant.db"), &database), SQLITE_OK);
    int code = sqlite3_exec(database, sql, NULL, NULL, NULL);
    ck_assert_msg(code == SQLITE_OK && sqlite3_changes(database) > 0, "%s: %s", sql, sqlite3_errmsg(database));
    sqlite3_close(database);
}

START_TEST(nothing_is_wrong_at_first)
{
    ck_assert_uint_eq(problems(filled_workspace(), OBS_CHECK_ONLY, "\"objects\":1,\"records\":1,\"bytes\":5,\"problems\":0"),
                      1);
}
END_TEST

START_TEST(a_flipped_byte_of_an_object)
{
    const char *path = filled_workspace();
    const char *body = test_path(path, "store/raw/a");
    struct stat before;
    ck_assert_int_eq(stat(body, &before), 0);
    int fd = open(body, O_WRONLY | O_CLOEXEC);
    ck_assert_int_eq(pwrite(fd, "B", 1, 0), 1);
    const struct timespec times[2] = {before.st_atim, before.st_mtim}; /* as a failing disk would do it */
    ck_assert_int_eq(futimens(fd, times), 0);
    close(fd);
    expect_problem(path, "raw/a");
}
END_TEST

START_TEST(an_object_whose_bytes_are_gone)
{
    const char *path = filled_workspace();
    ck_assert_int_eq(unlink(test_path(path, "store/raw/a")), 0);
    expect_problem(path, "its bytes are gone");
}
END_TEST

START_TEST(data_of_a_record)
{
    const char *path = filled_workspace();
    change_rows(path, "UPDATE record SET data = CAST(replace(CAST(data AS TEXT), '17.5', '18.5') AS BLOB)");
    expect_problem(path, "records/test.mag/");
}
END_TEST

START_TEST(a_leaf_of_the_trail)
{
    const char *path = filled_workspace();
    change_rows(path, "UPDATE audit_leaf SET leaf = CAST('{' || CAST(leaf AS TEXT) AS BLOB) WHERE seq = 2");
    expect_problem(path, "\"key\":\"audit\"");
}
END_TEST

START_TEST(a_clear_value_of_the_trail)
{
    const char *path = filled_workspace();
    change_rows(path, "UPDATE audit_clear SET object = 'raw/b' WHERE object = 'raw/a'");
    expect_problem(path, "\"key\":\"audit\"");
}
END_TEST

START_TEST(a_page_of_the_database)
{
    const char *path = filled_workspace();
    char noise[3000];
    memset(noise, 0x5A, sizeof noise);
    change_rows(path, "DELETE FROM audit_clear WHERE seq = 1; PRAGMA wal_checkpoint(TRUNCATE)");
    int fd = open(test_path(path, "tenants/default/tenant.db"), O_WRONLY | O_CLOEXEC);
    for (off_t at = 4096; at < 400000; at += 4096)
        if (at < lseek(fd, 0, SEEK_END))
            ck_assert_int_eq(pwrite(fd, noise, sizeof noise, at + 500), (ssize_t)sizeof noise);
    close(fd);
    obs_client *client = NULL;
    obs_rows *rows = NULL;
    obs_open_options options;
    obs_open_options_init(&options, sizeof options);
    options.workspace = path;
    obs_status status = obs_client_open(&client, &options, &error);
    if (status == OBS_OK)
        status = obs_workspace_check(&rows, client, OBS_CHECK_ONLY, NULL, &error);
    if (status == OBS_OK)
        ck_assert_uint_eq(count_rows(rows, "\"problems\":0"), 0);
    else
        ck_assert_msg(status == OBS_DATA_LOSS, "%s: %s", obs_status_name(status), error.message);
    obs_client_close(client);
}
END_TEST

int main(void)
{
    const TTest *tests[] = {nothing_is_wrong_at_first, a_flipped_byte_of_an_object, an_object_whose_bytes_are_gone,
                            data_of_a_record,          a_leaf_of_the_trail,         a_clear_value_of_the_trail,
                            a_page_of_the_database};
    obs_error_init(&error, sizeof error);
    return test_main("client/damage", tests, sizeof tests / sizeof tests[0]);
}
