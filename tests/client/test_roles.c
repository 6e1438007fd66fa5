/* What the roles of obs.yaml allow, and what they keep apart. */
#include "client/workspace.h"

static obs_status put(obs_client *client, const char *key)
{
    return obs_store_put(NULL, obs_client_store(client), key, OBS_TEXT, "bytes", 5, NULL, &error);
}

static obs_status get(obs_client *client, const char *key)
{
    obs_buffer *bytes = NULL;
    obs_status status = obs_store_get(&bytes, obs_client_store(client), key, OBS_TEXT, NULL, &error);
    obs_buffer_free(bytes);
    return status;
}

static void assert_denied(obs_status status, const char *part)
{
    ck_assert_msg(status == OBS_PERMISSION_DENIED, "%s: %s", obs_status_name(status), error.message);
    ck_assert_msg(strstr(error.message, part) != NULL, "'%s' lacks '%s'", error.message, part);
}

static obs_client *acting_as(obs_client *owner, const char *subject)
{
    obs_client *client;
    obs_as_options options;
    obs_as_options_init(&options, sizeof options);
    options.subject = subject;
    ck_assert_ok(obs_client_as(&client, owner, &options, &error));
    return client;
}

static obs_status try_open(const char *path)
{
    obs_client *client = NULL;
    obs_open_options options;
    obs_open_options_init(&options, sizeof options);
    options.workspace = path;
    obs_status status = obs_client_open(&client, &options, &error);
    obs_client_close(client);
    return status;
}

START_TEST(roles)
{
    static const char yaml[] = "roles: {operator: [user:olga], auditor: [user:axel]}\n";
    const char *path = new_workspace();
    obs_error there;
    obs_rows *rows;
    test_write(test_path(path, "obs.yaml"), yaml, strlen(yaml));
    obs_client *owner = open_at(path);
    obs_client *operator= acting_as(owner, "user:olga"), *auditor = acting_as(owner, "user:axel"),
               *ada = acting_as(owner, "user:ada");
    ck_assert_ok(put(ada, "raw/a"));
    ck_assert_ok(obs_tenant_create(operator, "sky", NULL, &error));
    ck_assert_ok(obs_workspace_check(&rows, operator, OBS_CHECK_ONLY, NULL, &error));
    ck_assert_uint_eq(count_rows(rows, "\"problems\":0"), 1);
    ck_assert_ok(obs_tenant_show(&rows, operator, NULL, NULL, &error));
    ck_assert_uint_eq(count_rows(rows, NULL), 2);
    assert_denied(get(operator, "raw/a"), "user:olga");
    there = error;
    assert_denied(get(operator, "raw/none"), "user:olga");
    ck_assert_str_eq(there.message, error.message);
    assert_denied(obs_audit_query(&rows, obs_client_audit(operator), NULL, &error), "audit.query");
    ck_assert_ok(obs_audit_query(&rows, obs_client_audit(auditor), NULL, &error));
    obs_rows_free(rows);
    assert_denied(obs_audit_seal(NULL, obs_client_audit(operator), NULL, &error), "audit.seal");
    assert_denied(obs_audit_seal(NULL, obs_client_audit(ada), NULL, &error), "audit.seal");
    ck_assert_ok(obs_audit_seal(NULL, obs_client_audit(auditor), NULL, &error));
    assert_denied(get(auditor, "raw/a"), "user:axel");
    assert_denied(obs_tenant_create(auditor, "sea", NULL, &error), "user:axel");
    assert_denied(obs_tenant_create(ada, "sea", NULL, &error), "user:ada");
    assert_denied(obs_tenant_show(&rows, ada, "sky", NULL, &error), "'sky'");
    assert_denied(obs_token_rotate(ada, NULL, &error), "token.rotate");
    obs_client_close(operator);
    obs_client_close(auditor);
    obs_client_close(ada);
    obs_client_close(owner);
    test_write(test_path(path, "obs.yaml"), "roles: {king: [user:x]}\n", 24);
    ck_assert_int_eq(try_open(path), OBS_INVALID_ARGUMENT);
    test_write(test_path(path, "obs.yaml"), "mode: private\n", 14);
    ck_assert_int_eq(try_open(path), OBS_INVALID_ARGUMENT);
}
END_TEST

int main(void)
{
    const TTest *tests[] = {roles};
    obs_error_init(&error, sizeof error);
    return test_main("client/roles", tests, sizeof tests / sizeof tests[0]);
}
