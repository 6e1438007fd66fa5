/* What the policy says is what happens when the audit trail cannot be written. */
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/workspace.h"

static const char refuse_rows[] =
    "CREATE TRIGGER stopped BEFORE INSERT ON audit_leaf BEGIN SELECT RAISE(ABORT, 'stopped'); END";
static const char take_rows[] = "DROP TRIGGER stopped";

/* Waits while the library writes: what was read is recorded a little later. */
static sqlite3 *open_database(const char *workspace)
{
    sqlite3 *database;
    ck_assert_int_eq(sqlite3_open(test_path(workspace, "tenants/default/tenant.db"), &database), SQLITE_OK);
    ck_assert_int_eq(sqlite3_busy_timeout(database, 60000), SQLITE_OK);
    return database;
}

static void change_database(const char *workspace, const char *sql)
{
    sqlite3 *database = open_database(workspace);
    int code = sqlite3_exec(database, sql, NULL, NULL, NULL);
    ck_assert_msg(code == SQLITE_OK, "%s: %s", sql, sqlite3_errmsg(database));
    sqlite3_close(database);
}

/* How many records of an action are in the database now, without anybody who flushes. */
static int in_database(const char *workspace, const char *action)
{
    sqlite3 *database = open_database(workspace);
    sqlite3_stmt *statement;
    ck_assert_int_eq(sqlite3_prepare_v2(database, "SELECT count(*) FROM audit_clear WHERE action = ?1", -1, &statement, NULL),
                     SQLITE_OK);
    sqlite3_bind_text(statement, 1, action, -1, SQLITE_STATIC);
    ck_assert_int_eq(sqlite3_step(statement), SQLITE_ROW);
    int count = sqlite3_column_int(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(database);
    return count;
}

static obs_status set_policy(obs_client *client, const char *json)
{
    return obs_audit_policy_set(obs_client_audit(client), json, OBS_TEXT, NULL, &error);
}

static void expect_policy(obs_client *client, const char *wanted)
{
    obs_buffer *policy;
    ck_assert_ok(obs_audit_policy(&policy, obs_client_audit(client), &error));
    ck_assert_msg(strstr(obs_buffer_data(policy), wanted) != NULL, "%s", (const char *)obs_buffer_data(policy));
    obs_buffer_free(policy);
}

static obs_status put(obs_client *client, const char *key)
{
    return obs_store_put(NULL, obs_client_store(client), key, OBS_TEXT, "bytes", 5, NULL, &error);
}

static obs_status head(obs_client *client, const char *key)
{
    obs_stat *stat;
    obs_status status = obs_store_head(&stat, obs_client_store(client), key, OBS_TEXT, NULL, &error);
    obs_stat_free(stat);
    return status;
}

START_TEST(a_change_is_a_record_with_old_and_new)
{
    const char *workspace = new_workspace();
    unlink(test_path(workspace, "audit/policy.json")); /* the standard */
    obs_client *client = open_at(workspace);
    expect_policy(client, "{\"change\":\"fail-closed\",\"refusal\":\"fail-closed\",\"login\":\"fail-closed\","
                          "\"grant\":\"fail-closed\",\"read\":\"fail-open\",\"config\":\"fail-closed\",\"retention_days\":0,"
                          "\"reserve_bytes\":67108864}");
    ck_assert_ok(set_policy(client, "{\"read\":\"fail-closed\",\"retention_days\":30}"));
    expect_policy(client, "\"read\":\"fail-closed\",\"config\":\"fail-closed\",\"retention_days\":30,");
    ck_assert_uint_eq(count_audit(client, "audit.policy_set",
                                  "{\\\"read\\\":[\\\"fail-open\\\",\\\"fail-closed\\\"],\\\"retention_days\\\":[0,30]}"),
                      1);
    obs_client_close(client);
    client = open_at(workspace);
    expect_policy(client, "\"retention_days\":30,");
    obs_client_close(client);
}
END_TEST

START_TEST(what_is_no_policy_changes_nothing)
{
    static const char *const bad[] = {"",
                                      "[]",
                                      "{\"read\":\"sometimes\"}",
                                      "{\"read\":true}",
                                      "{\"write\":\"fail-open\"}",
                                      "{\"retention_days\":-1}",
                                      "{\"retention_days\":\"30\"}",
                                      "{\"reserve_bytes\":1e30}",
                                      "{\"read\":\"fail-closed\",\"read\":\"fail-open\"}",
                                      "{\"read\":\"fail-closed\",\"x\":1}"};
    obs_client *client = open_at(new_workspace());
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_msg(set_policy(client, bad[i]) == OBS_INVALID_ARGUMENT, "%s: %s", bad[i], error.message);
    expect_policy(client, "\"read\":\"fail-open\"");
    obs_client_close(client);
}
END_TEST

START_TEST(an_auditor_and_never_an_operator)
{
    const char *workspace = new_workspace();
    size_t size;
    char *text = test_read(test_path(workspace, "obs.yaml"), &size);
    char *with;
    ck_assert_int_gt(asprintf(&with, "%s\nroles: {operator: [user:bob], auditor: [user:eve]}\n", text), 0);
    test_write(test_path(workspace, "obs.yaml"), with, strlen(with));
    free(text);
    free(with);
    obs_client *client = open_at(workspace);
    obs_call call;
    obs_call_init(&call, sizeof call);
    static const char *const refused[] = {"user:bob", "user:ada"};
    for (size_t i = 0; i < 2; i++) {
        call.subject = refused[i];
        ck_assert_int_eq(obs_audit_policy_set(obs_client_audit(client), "{\"change\":\"fail-open\"}", OBS_TEXT, &call, &error),
                         OBS_PERMISSION_DENIED);
    }
    expect_policy(client, "\"change\":\"fail-closed\"");
    call.subject = "user:eve";
    ck_assert_ok(obs_audit_policy_set(obs_client_audit(client), "{\"change\":\"fail-open\"}", OBS_TEXT, &call, &error));
    expect_policy(client, "\"change\":\"fail-open\"");
    ck_assert_uint_eq(count_audit(client, "audit.policy_set", "PERMISSION_DENIED"), 2);
    obs_client_close(client);
}
END_TEST

START_TEST(fail_closed_reads_wait_for_their_record)
{
    const char *workspace = new_workspace();
    obs_client *client = open_at(workspace);
    ck_assert_ok(put(client, "a"));
    ck_assert_ok(set_policy(client, "{\"read\":\"fail-closed\"}"));
    ck_assert_int_eq(in_database(workspace, "store.head"), 0);
    ck_assert_ok(head(client, "a"));
    ck_assert_int_eq(in_database(workspace, "store.head"), 1);
    change_database(workspace, refuse_rows);
    ck_assert_int_ne(head(client, "a"), OBS_OK);
    ck_assert_ptr_nonnull(strstr(error.message, "nothing is read without its audit record"));
    expect_policy(client, "fail-closed"); /* what it takes to mend it still works */
    change_database(workspace, take_rows);
    ck_assert_ok(head(client, "a"));
    obs_client_close(client);
}
END_TEST

START_TEST(fail_closed_changes_are_not_made)
{
    const char *workspace = new_workspace();
    obs_client *client = open_at(workspace);
    ck_assert_ok(put(client, "a"));
    change_database(workspace, refuse_rows);
    ck_assert_int_ne(put(client, "b"), OBS_OK);
    change_database(workspace, take_rows);
    ck_assert_int_eq(head(client, "b"), OBS_NOT_FOUND);
    obs_client_close(client);
}
END_TEST

START_TEST(fail_open_changes_go_on_and_the_loss_is_counted)
{
    const char *workspace = new_workspace();
    obs_client *client = open_at(workspace);
    ck_assert_ok(set_policy(client, "{\"change\":\"fail-open\"}"));
    ck_assert_ok(put(client, "a"));
    change_database(workspace, refuse_rows);
    for (int i = 0; i < 3; i++)
        ck_assert_ok(put(client, "b"));
    change_database(workspace, take_rows);
    ck_assert_ok(head(client, "b"));
    ck_assert_uint_eq(count_audit(client, "store.put", "\"object\":\"b\""), 0);
    ck_assert_uint_eq(count_audit(client, "store.put", "\"object\":\"a\""), 1);
    ck_assert_uint_eq(count_audit(client, "audit.lost", "\"class\":\"loss\""), 1);
    ck_assert_uint_eq(count_audit(client, "audit.lost", "\"count\":3"), 1);
    obs_buffer *report;
    ck_assert_ok(obs_audit_sequence(obs_client_audit(client), NULL, &error));
    ck_assert_ok(obs_audit_verify(&report, obs_client_audit(client), NULL, &error));
    ck_assert_ptr_nonnull(strstr(obs_buffer_data(report), "\"gaps\":3"));
    obs_buffer_free(report);
    obs_client_close(client);
}
END_TEST

START_TEST(a_policy_that_cannot_be_read_is_strict)
{
    const char *workspace = new_workspace();
    obs_client *client = open_at(workspace);
    obs_buffer *policy;
    ck_assert_ok(put(client, "a"));
    ck_assert_ok(set_policy(client, "{\"change\":\"fail-open\"}"));
    obs_client_close(client);
    test_write(test_path(workspace, "audit/policy.json"), "{\"change\":", 10);
    client = open_at(workspace);
    ck_assert_int_eq(obs_audit_policy(&policy, obs_client_audit(client), &error), OBS_DATA_LOSS);
    change_database(workspace, refuse_rows);
    ck_assert_int_ne(put(client, "b"), OBS_OK);
    ck_assert_int_ne(head(client, "a"), OBS_OK);
    change_database(workspace, take_rows);
    ck_assert_ok(set_policy(client, "{}")); /* writes it anew */
    expect_policy(client, "\"read\":\"fail-closed\"");
    obs_client_close(client);
}
END_TEST

int main(void)
{
    const TTest *tests[] = {a_change_is_a_record_with_old_and_new, what_is_no_policy_changes_nothing,
                            an_auditor_and_never_an_operator,      fail_closed_reads_wait_for_their_record,
                            fail_closed_changes_are_not_made,      fail_open_changes_go_on_and_the_loss_is_counted,
                            a_policy_that_cannot_be_read_is_strict};
    obs_error_init(&error, sizeof error);
    return test_main("audit/policy", tests, sizeof tests / sizeof tests[0]);
}
