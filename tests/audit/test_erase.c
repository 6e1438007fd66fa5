/* Erasing a person: nothing names them afterwards, and every proof still holds. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/workspace.h"

#define RECORDS 600

static obs_client *as_ada(obs_client *owner, const char *tenant)
{
    obs_client *client;
    obs_as_options options;
    obs_as_options_init(&options, sizeof options);
    options.subject = "user:ada-canary";
    options.tenant = tenant;
    ck_assert_ok(obs_client_as(&client, owner, &options, &error));
    return client;
}

static obs_rows *rows_of(obs_client *client, const char *action, const char *subject)
{
    obs_rows *rows;
    obs_audit_options options;
    obs_audit_options_init(&options, sizeof options);
    options.action = action;
    options.subject = subject;
    ck_assert_ok(obs_audit_query(&rows, obs_client_audit(client), &options, &error));
    return rows;
}

/* Ada asks for things that are not there: their names are in the trail and nowhere else. */
static void leave_traces(obs_client *owner, const char *tenant)
{
    obs_client *ada = as_ada(owner, tenant);
    for (int i = 0; i < RECORDS; i++) {
        char key[64];
        obs_stat *stat;
        snprintf(key, sizeof key, "thing-canary/%d/%d", i * 7919 % RECORDS, i);
        ck_assert_int_eq(obs_store_head(&stat, obs_client_store(ada), key, OBS_TEXT, NULL, &error), OBS_NOT_FOUND);
        if (i % 50 == 0) /* writes what was noted */
            obs_rows_free(rows_of(ada, "none", NULL));
    }
    obs_client_close(ada);
}

static void id_of(char out[64], obs_client *client)
{
    const char *text;
    obs_rows *rows = rows_of(client, "store.head", "user:ada-canary");
    ck_assert_ok(obs_rows_next(rows, &text, NULL, &error));
    ck_assert_ptr_nonnull(text);
    ck_assert_ptr_nonnull(strstr(text, "thing-canary"));
    ck_assert_int_eq(sscanf(text, "{\"id\":\"%36s", out), 1);
    obs_rows_free(rows);
}

/* Whether bytes are in a file of the tenant's database. */
static int has_bytes(const char *workspace, const char *tenant, const char *wanted)
{
    static const char *const names[] = {"tenant.db", "tenant.db-wal"};
    int found = 0;
    for (size_t i = 0; i < 2; i++) {
        char path[512];
        size_t size;
        snprintf(path, sizeof path, "%s/tenants/%s/%s", workspace, tenant, names[i]);
        if (access(path, R_OK) != 0)
            continue;
        char *data = test_read(path, &size);
        found |= memmem(data, size, wanted, strlen(wanted)) != NULL;
        free(data);
    }
    return found;
}

static void check_rows(obs_client *client)
{
    const char *text;
    int count = 0;
    obs_rows *rows = rows_of(client, "store.head", NULL);
    for (;; count++) {
        ck_assert_ok(obs_rows_next(rows, &text, NULL, &error));
        if (!text)
            break;
        ck_assert_ptr_nonnull(strstr(text, "\"subject\":null"));
        ck_assert_ptr_nonnull(strstr(text, "\"object\":null"));
        ck_assert_ptr_null(strstr(text, "canary"));
    }
    obs_rows_free(rows);
    ck_assert_int_eq(count, RECORDS);
}

static void check_proof(const obs_buffer *proof, const obs_buffer *key, const char *has)
{
    obs_buffer *record;
    ck_assert_ok(obs_audit_check_proof(&record, obs_buffer_data(proof), obs_buffer_size(proof), obs_buffer_data(key), &error));
    ck_assert_ptr_nonnull(strstr(obs_buffer_data(record), has));
    obs_buffer_free(record);
}

/* The record of it says who did it, and of whom only a number. */
static void check_recorded(obs_client *client)
{
    const char *text;
    obs_rows *rows = rows_of(client, "audit.erase", NULL);
    ck_assert_ok(obs_rows_next(rows, &text, NULL, &error));
    ck_assert_ptr_nonnull(text);
    ck_assert_ptr_nonnull(strstr(text, "\"class\":\"change\""));
    ck_assert_ptr_nonnull(strstr(text, "\"object\":\"pseudonym "));
    obs_rows_free(rows);
}

START_TEST(nothing_names_the_person_and_every_proof_holds)
{
    char id[64];
    uint64_t count;
    obs_buffer *before, *bare, *after, *key, *report;
    const char *workspace = new_workspace();
    obs_client *owner = open_at(workspace);
    ck_assert_ok(obs_tenant_create(owner, "second", NULL, &error));
    leave_traces(owner, "default");
    leave_traces(owner, "second");
    ck_assert_ok(obs_audit_sequence(obs_client_audit(owner), NULL, &error));
    id_of(id, owner);
    ck_assert_ok(obs_audit_prove(&before, obs_client_audit(owner), id, 1, NULL, &error));
    ck_assert_ok(obs_audit_prove(&bare, obs_client_audit(owner), id, 0, NULL, &error));
    ck_assert_ok(obs_audit_key(&key, obs_client_audit(owner), &error));
    ck_assert_int_eq(has_bytes(workspace, "default", "thing-canary"), 1); /* the search finds what is there */
    ck_assert_int_eq(has_bytes(workspace, "second", "ada-canary"), 1);

    ck_assert_ok(obs_audit_erase(&count, obs_client_audit(owner), "user:ada-canary", NULL, &error));
    ck_assert_uint_ge(count, 2 * RECORDS);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(has_bytes(workspace, i ? "second" : "default", "ada-canary"), 0);
        ck_assert_int_eq(has_bytes(workspace, i ? "second" : "default", "thing-canary"), 0);
    }
    check_rows(owner);
    check_recorded(owner);
    check_proof(before, key, "thing-canary"); /* who was told before knows it still */
    check_proof(bare, key, "\"subject\":null");
    ck_assert_ok(obs_audit_prove(&after, obs_client_audit(owner), id, 1, NULL, &error));
    check_proof(after, key, "\"subject\":null");
    ck_assert_ok(obs_audit_sequence(obs_client_audit(owner), NULL, &error));
    ck_assert_ok(obs_audit_verify(&report, obs_client_audit(owner), NULL, &error));
    ck_assert_ptr_null(strstr(obs_buffer_data(report), "\"erased\":0,"));

    /* Once more, as after a cut: there is nobody left, and nothing breaks. */
    ck_assert_int_eq(obs_audit_erase(&count, obs_client_audit(owner), "user:ada-canary", NULL, &error), OBS_NOT_FOUND);
    ck_assert_uint_eq(count, 0);
    obs_buffer *all[] = {before, bare, after, key, report};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        obs_buffer_free(all[i]);
    obs_client_close(owner);
}
END_TEST

START_TEST(who_may_not)
{
    obs_client *owner = open_at(new_workspace());
    leave_traces(owner, "default");
    obs_client *ada = as_ada(owner, "default");
    ck_assert_int_eq(obs_audit_erase(NULL, obs_client_audit(ada), "user:ada-canary", NULL, &error), OBS_PERMISSION_DENIED);
    obs_client_close(ada);
    /* Its refusal did not name whom it was about. */
    const char *text;
    obs_rows *rows = rows_of(owner, "audit.erase", NULL);
    ck_assert_ok(obs_rows_next(rows, &text, NULL, &error));
    ck_assert_ptr_nonnull(strstr(text, "\"class\":\"refusal\""));
    ck_assert_ptr_null(strstr(text, "\"object\""));
    obs_rows_free(rows);
    ck_assert_int_eq(obs_audit_erase(NULL, obs_client_audit(owner), "", NULL, &error), OBS_INVALID_ARGUMENT);
    obs_client_close(owner);
}
END_TEST

int main(void)
{
    const TTest *tests[] = {nothing_names_the_person_and_every_proof_holds, who_may_not};
    obs_error_init(&error, sizeof error);
    return test_main("audit/erase", tests, sizeof tests / sizeof tests[0]);
}
