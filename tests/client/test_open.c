/* Making, finding, trusting and reading a workspace. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/workspace.h"

static obs_status try_open(const char *path)
{
    obs_client *client = NULL;
    obs_open_options options;
    obs_open_options_init(&options, sizeof options);
    options.workspace = path;
    obs_status status = obs_client_open(&client, &options, &error);
    ck_assert((client != NULL) == (status == OBS_OK));
    obs_client_close(client);
    return status;
}

static void write_text(const char *folder, const char *name, const char *text)
{
    test_write(test_path(folder, name), text, strlen(text));
}

static void assert_failed(obs_status status, obs_status expected, const char *part)
{
    ck_assert_msg(status == expected, "%s: %s", obs_status_name(status), error.message);
    ck_assert_msg(strstr(error.message, part) != NULL, "'%s' lacks '%s'", error.message, part);
}

START_TEST(init_makes_a_whole_workspace)
{
    struct stat found;
    const char *path = new_workspace();
    static const char *const parts[] = {"obs.yaml", "format", "store", "audit", "tenants/default/tenant.db"};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        ck_assert_msg(stat(test_path(path, parts[i]), &found) == 0, "%s is missing", parts[i]);
    ck_assert_int_eq(stat(path, &found), 0);
    ck_assert_int_eq(found.st_mode & 077, 0);
    assert_failed(obs_workspace_init(path, NULL, &error), OBS_ALREADY_EXISTS, "not empty");
    assert_failed(obs_workspace_init("/no/such/folder/night", NULL, &error), OBS_NOT_FOUND, "/no/such/folder");
    const char *empty = test_folder();
    ck_assert_ok(obs_workspace_init(test_path(empty, ""), NULL, &error));
    ck_assert_int_eq(try_open(empty), OBS_OK);
}
END_TEST

START_TEST(finding)
{
    const char *path = new_workspace();
    const char *elsewhere = test_folder();
    char *before = getcwd(NULL, 0);
    obs_client *client;
    unsetenv("OBS_WORKSPACE");
    unsetenv("XDG_CONFIG_HOME");
    setenv("HOME", elsewhere, 1);
    ck_assert_int_eq(chdir(test_path(path, "store")), 0);
    ck_assert_ok(obs_client_open(&client, NULL, &error));
    ck_assert_str_eq(obs_client_workspace(client), path);
    obs_client_close(client);
    ck_assert_int_eq(chdir(elsewhere), 0);
    assert_failed(obs_client_open(&client, NULL, &error), OBS_NO_WORKSPACE, "no workspace here: run 'obsctl init night'");
    setenv("OBS_WORKSPACE", path, 1);
    ck_assert_ok(obs_client_open(&client, NULL, &error));
    obs_client_close(client);
    setenv("OBS_WORKSPACE", elsewhere, 1);
    assert_failed(obs_client_open(&client, NULL, &error), OBS_NO_WORKSPACE, "from OBS_WORKSPACE");
    unsetenv("OBS_WORKSPACE");
    ck_assert_int_eq(mkdir(test_path(elsewhere, ".config"), 0755), 0);
    ck_assert_ok(obs_workspace_init(test_path(elsewhere, ".config/obs"), NULL, &error));
    ck_assert_ok(obs_client_open(&client, NULL, &error));
    ck_assert_str_eq(obs_client_workspace(client), test_path(elsewhere, ".config/obs"));
    obs_client_close(client);
    ck_assert_int_eq(chdir(before), 0);
    free(before);
}
END_TEST

START_TEST(trust)
{
    const char *path = new_workspace();
    const char *yaml = test_path(path, "obs.yaml");
    ck_assert_int_eq(chmod(yaml, 0666), 0);
    assert_failed(try_open(path), OBS_UNTRUSTED, "chmod go-w");
    ck_assert_int_eq(chmod(yaml, 0644), 0);
    ck_assert_int_eq(chmod(path, 0777), 0);
    assert_failed(try_open(path), OBS_UNTRUSTED, "can be changed by others");
    ck_assert_int_eq(chmod(path, 0755), 0);
    ck_assert_int_eq(try_open(path), OBS_OK);
    if (geteuid() != 0) {
        test_skipped("a workspace of another user", "only root can give files away");
        return;
    }
    ck_assert_int_eq(chown(yaml, 12345, 12345), 0);
    assert_failed(try_open(path), OBS_UNTRUSTED, "belongs to another user");
}
END_TEST

START_TEST(configuration_errors_have_a_place)
{
    static const struct {
        const char *text;
        obs_status status;
        const char *part;
        int line, column;
    } cases[] = {
        {"store: file:store\nstoer: x\n", OBS_INVALID_ARGUMENT, "did you mean 'store'", 2, 1},
        {"colour: red\n", OBS_INVALID_ARGUMENT, "administrators, smtp and site", 1, 1},
        {"store: [a\n", OBS_INVALID_ARGUMENT, "obs.yaml:", 0, 0},
        {"store: 'file:store'\nimmutable: raw/\n", OBS_INVALID_ARGUMENT, "a list of prefixes", 2, 12},
        {"immutable: [raw/, 7]\n", OBS_INVALID_ARGUMENT, "a prefix is expected", 1, 19},
        {"store: [x]\n", OBS_INVALID_ARGUMENT, "a URL is expected", 1, 8},
        {"store: s3://ada:hunter2@host/bucket\n", OBS_INVALID_ARGUMENT, "${secret:", 1, 8},
        {"store: nosuch:thing\n", OBS_UNIMPLEMENTED, "file", 0, 0},
        {"events: nosuch://host\n", OBS_UNIMPLEMENTED, "local", 0, 0},
        {"events: [local]\n", OBS_INVALID_ARGUMENT, "or a mapping of 'url'", 1, 9},
        {"events:\n", OBS_INVALID_ARGUMENT, "or a mapping of 'url'", 1, 8},
        {"events: {keep: 7d,\n  lmit: 1GiB}\n", OBS_INVALID_ARGUMENT, "did you mean 'limit'", 2, 3},
        {"events: {colour: red}\n", OBS_INVALID_ARGUMENT, "there are url, keep, limit and remember", 1, 10},
        {"events:\n  url: 7\n", OBS_INVALID_ARGUMENT, "the URL of a bus", 2, 8},
        {"events: {url: 'nosuch://host'}\n", OBS_UNIMPLEMENTED, "local", 0, 0},
        {"events:\n  keep: 7\n", OBS_INVALID_ARGUMENT, "a time span", 2, 9},
        {"events:\n  keep: 7 parsecs\n", OBS_INVALID_ARGUMENT, "a time span", 2, 9},
        {"events:\n  keep: -7d\n", OBS_INVALID_ARGUMENT, "a time span", 2, 9},
        {"events:\n  keep: 200000000d\n", OBS_INVALID_ARGUMENT, "a time span", 2, 9},
        {"events:\n  keep: [7d]\n", OBS_INVALID_ARGUMENT, "a time span", 2, 9},
        {"events:\n  keep: ''\n", OBS_INVALID_ARGUMENT, "a time span", 2, 9},
        {"events:\n  keep: 7d\n  remember: yes\n", OBS_INVALID_ARGUMENT, "a time span", 3, 13},
        {"events:\n  remember: -1s\n", OBS_INVALID_ARGUMENT, "a time span", 2, 13},
        {"events: {limit: 7MiB}\n", OBS_INVALID_ARGUMENT, "at least 8MiB", 1, 17},
        {"events: {limit: -1GiB}\n", OBS_INVALID_ARGUMENT, "at least 8MiB", 1, 17},
        {"events: {limit: 1GB/s}\n", OBS_INVALID_ARGUMENT, "at least 8MiB", 1, 17},
        {"events: {limit: 99999999TiB}\n", OBS_INVALID_ARGUMENT, "at least 8MiB", 1, 17},
        {"events: {limit: true}\n", OBS_INVALID_ARGUMENT, "at least 8MiB", 1, 17},
        {"catalog: mongodb://host/db\n", OBS_UNIMPLEMENTED, "there is local:", 1, 10},
        {"- store\n", OBS_INVALID_ARGUMENT, "store: file:store", 0, 0},
    };
    const char *path = new_workspace();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        write_text(path, "obs.yaml", cases[i].text);
        assert_failed(try_open(path), cases[i].status, cases[i].part);
        ck_assert_ptr_null(strstr(error.message, "hunter2"));
        ck_assert_ptr_null(strstr(error.detail, "hunter2"));
        if (cases[i].line) {
            ck_assert_int_eq(error.line, cases[i].line);
            ck_assert_int_eq(error.column, cases[i].column);
        }
    }
    static const char *const right[] = {
        "",
        "events: local\n",
        "events: {}\n",
        "events: {keep: 0, remember: '0'}\n",
        "events: {url: 'local:', keep: 1h30m, limit: 8MiB, remember: 30d}\n",
    };
    for (size_t i = 0; i < sizeof right / sizeof right[0]; i++) {
        write_text(path, "obs.yaml", right[i]);
        ck_assert_msg(try_open(path) == OBS_OK, "%s: %s", right[i], error.message);
    }
}
END_TEST

START_TEST(format_flags)
{
    const char *path = new_workspace();
    char *good = test_read(test_path(path, "format"), NULL);
    char text[1024];
    const char *id = strstr(good, "id: ");
    snprintf(text, sizeof text, "format: 1\n%.40s\nincompat: [tiles-2]\n", id);
    write_text(path, "format", text);
    assert_failed(try_open(path), OBS_UNIMPLEMENTED, "'tiles-2'");
    snprintf(text, sizeof text, "format: 2\n%.40s\n", id);
    write_text(path, "format", text);
    assert_failed(try_open(path), OBS_UNIMPLEMENTED, "use a newer one");
    write_text(path, "format", "\x01\x02");
    assert_failed(try_open(path), OBS_DATA_LOSS, "is damaged");
    ck_assert_int_eq(unlink(test_path(path, "format")), 0);
    assert_failed(try_open(path), OBS_DATA_LOSS, "is missing");
    snprintf(text, sizeof text, "format: 1\n%.40s\nro_compat: [index-3]\n", id);
    write_text(path, "format", text);
    obs_client *client = open_at(path);
    obs_status status = obs_store_put(NULL, obs_client_store(client), "a", OBS_TEXT, "x", 1, NULL, &error);
    assert_failed(status, OBS_FAILED_PRECONDITION, "read-only");
    obs_client_close(client);
    free(good);
}
END_TEST

START_TEST(tenants)
{
    const char *path = new_workspace();
    obs_client *client = open_at(path), *other;
    obs_open_options options;
    obs_rows *rows;
    ck_assert_ok(obs_tenant_create(client, "weather", NULL, &error));
    assert_failed(obs_tenant_create(client, "weather", NULL, &error), OBS_ALREADY_EXISTS, "'weather'");
    assert_failed(obs_tenant_create(client, "../x", NULL, &error), OBS_INVALID_ARGUMENT, "cannot name a tenant");
    ck_assert_ok(obs_tenant_show(&rows, client, NULL, NULL, &error));
    ck_assert_uint_eq(count_rows(rows, "\"created\":\"20"), 2);
    assert_failed(obs_tenant_show(&rows, client, "mars", NULL, &error), OBS_NOT_FOUND, "obsctl tenant create mars");
    obs_open_options_init(&options, sizeof options);
    options.workspace = path;
    options.tenant = "mars";
    assert_failed(obs_client_open(&other, &options, &error), OBS_NOT_FOUND, "there is no tenant 'mars'");
    options.tenant = "weather";
    ck_assert_ok(obs_client_open(&other, &options, &error));
    ck_assert_ok(obs_store_put(NULL, obs_client_store(other), "a", OBS_TEXT, "x", 1, NULL, &error));
    ck_assert_int_eq(has_object(client, "a"), 0);
    ck_assert_uint_eq(count_entries(client, ""), 0);
    ck_assert_uint_eq(count_entries(other, ""), 1);
    obs_client_close(other);
    obs_client_close(client);
}
END_TEST

/* In its own trail from its first commit on, and in the trail of the tenant whose client made it. */
START_TEST(a_tenant_has_the_record_of_its_making)
{
    obs_client *client = open_at(new_workspace()), *weather, *sky;
    obs_as_options options;
    obs_call call;
    obs_call_init(&call, sizeof call);
    obs_as_options_init(&options, sizeof options);
    call.idempotency_key = "sky-1";
    ck_assert_ok(obs_tenant_create(client, "weather", NULL, &error));
    options.tenant = "weather";
    ck_assert_ok(obs_client_as(&weather, client, &options, &error));
    ck_assert_uint_eq(count_audit(client, "tenant.create", "\"weather\""), 1);
    ck_assert_uint_eq(count_audit(weather, "tenant.create", "\"object\":\"weather\""), 1);
    ck_assert_ok(obs_tenant_create(client, "sky", &call, &error));
    ck_assert_ok(obs_tenant_create(client, "sky", &call, &error));
    /* A journal that has not heard of it, as after a power cut just before: the tenant itself knows. */
    ck_assert_ok(obs_tenant_create(weather, "sky", &call, &error));
    call.idempotency_key = "sky-2";
    assert_failed(obs_tenant_create(weather, "sky", &call, &error), OBS_ALREADY_EXISTS, "'sky'");
    options.tenant = "sky";
    ck_assert_ok(obs_client_as(&sky, client, &options, &error));
    ck_assert_uint_eq(count_audit(sky, "tenant.create", "\"class\":\"change\""), 1);
    obs_client_close(sky);
    obs_client_close(weather);
    obs_client_close(client);
}
END_TEST

/* What a maker that died left is removed by the next one; what a living one holds is not. */
START_TEST(a_half_made_tenant_is_swept_away)
{
    const char *path = new_workspace();
    const char *dead = test_path(path, "tenants/.sky-aB3dE6"), *alive = test_path(path, "tenants/.sky-Zz9yX0");
    obs_client *client = open_at(path);
    ck_assert_int_eq(mkdir(dead, 0700), 0);
    test_write(test_path(dead, "tenant.db"), "x", 1);
    ck_assert_int_eq(mkdir(alive, 0700), 0);
    int held = open(alive, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ck_assert_int_eq(flock(held, LOCK_EX), 0);
    ck_assert_ok(obs_tenant_create(client, "sky", NULL, &error));
    ck_assert_int_ne(access(dead, F_OK), 0);
    ck_assert_int_eq(access(alive, F_OK), 0);
    close(held);
    obs_client_close(client);
}
END_TEST

/* A store that cannot be made leaves no tenant. */
START_TEST(a_tenant_whose_store_cannot_be_made_is_none)
{
    const char *path = new_workspace();
    const char *outside = test_path(test_folder(), "data");
    char text[1024];
    snprintf(text, sizeof text, "store: file:%s\n", outside);
    write_text(path, "obs.yaml", text);
    obs_client *client = open_at(path);
    snprintf(text, sizeof text, "%s.sky", outside);
    test_write(text, "in the way", 10);
    ck_assert_int_ne(obs_tenant_create(client, "sky", NULL, &error), OBS_OK);
    ck_assert_ptr_nonnull(strstr(error.message, "data.sky"));
    ck_assert_int_ne(access(test_path(path, "tenants/sky"), F_OK), 0);
    ck_assert_uint_eq(count_audit(client, "tenant.create", "\"status\":\"OK\""), 0);
    ck_assert_int_eq(unlink(text), 0);
    ck_assert_ok(obs_tenant_create(client, "sky", NULL, &error));
    ck_assert_int_eq(access(text, F_OK), 0);
    obs_client_close(client);
}
END_TEST

int main(void)
{
    const TTest *tests[] = {init_makes_a_whole_workspace,
                            finding,
                            trust,
                            configuration_errors_have_a_place,
                            format_flags,
                            tenants,
                            a_tenant_has_the_record_of_its_making,
                            a_half_made_tenant_is_swept_away,
                            a_tenant_whose_store_cannot_be_made_is_none};
    obs_error_init(&error, sizeof error);
    return test_main("client/open", tests, sizeof tests / sizeof tests[0]);
}
