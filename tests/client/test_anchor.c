/* Checkpoints of the audit log at a web server: what an attacker with the whole workspace and its keys cannot take back. */
#include "base/clock.h"
#include "client/workspace.h"
#include "net/ask.h"

static const char *witnessed_workspace(void)
{
    const char *folder = test_folder(), *path = test_path(folder, "night");
    char text[1024];
    ck_assert_int_eq(setenv("XDG_STATE_HOME", test_path(folder, "state"), 1), 0);
    ck_assert_ok(obs_workspace_init(path, NULL, &error));
    change("witness", "");
    web("POST", "/forget", NULL, 0);
    snprintf(text, sizeof text, "store: file:store\nanchors: 'https://127.0.0.1:%d/witness?ca=%s/ca.pem'\n", server.tls,
             server.folder);
    test_write(test_path(path, "obs.yaml"), text, strlen(text));
    return path;
}

static void put(obs_client *client, const char *key)
{
    obs_stat *stat = NULL;
    ck_assert_ok(obs_store_put(&stat, obs_client_store(client), key, OBS_TEXT, "x", 1, NULL, &error));
    obs_stat_free(stat);
}

static obs_status sequence(obs_client *client)
{
    return obs_audit_sequence(obs_client_audit(client), NULL, &error);
}

#define PATIENCE_NS INT64_C(120000000000)
#define LEFT_ALONE_NS INT64_C(30000000000)

/* Makes a checkpoint, as a process of its own. A witness that took too long is away, and left alone for long by whoever met it
 * so: another one tells it. */
static obs_status tell(const char *path)
{
    obs_status status;
    int64_t end = obs__monotonic_ns() + PATIENCE_NS;
    do {
        obs_client *client = open_at(path);
        status = sequence(client);
        obs_client_close(client);
    } while (status == OBS_UNAVAILABLE && obs__monotonic_ns() < end);
    return status;
}

/* Puts and makes a checkpoint. */
static void work(const char *path, const char *key)
{
    obs_client *client = open_at(path);
    put(client, key);
    obs_client_close(client);
    ck_assert_ok(tell(path));
}

static obs_status verify(const char *path, char report[4096])
{
    obs_buffer *text = NULL;
    obs_client *client = open_at(path);
    obs_status status = obs_audit_verify(&text, obs_client_audit(client), NULL, &error);
    snprintf(report, 4096, "%.*s", (int)obs_buffer_size(text), (const char *)obs_buffer_data(text));
    obs_buffer_free(text);
    obs_client_close(client);
    return status;
}

static void run(const char *format, const char *folder)
{
    char command[1024];
    snprintf(command, sizeof command, format, folder);
    ck_assert_int_eq(system(command), 0);
}

START_TEST(a_server_starts)
{
    server_start(OBS_TEST_SERVER);
    ck_assert_int_gt(server.plain, 0);
}
END_TEST

START_TEST(the_whole_workspace_and_its_keys_set_back)
{
    char report[4096];
    const char *path = witnessed_workspace(), *folder = test_path(path, "..");
    work(path, "one");
    ck_assert_msg(verify(path, report) == OBS_OK, "%s: %s", error.message, report);
    run("cd '%s' && cp -a night night.old && cp -a state state.old", folder);
    work(path, "two");
    ck_assert_ptr_nonnull(strstr(web("GET", "/witness", NULL, 0), "\n"));
    run("cd '%s' && rm -rf night state && mv night.old night && mv state.old state", folder);
    int64_t end = obs__monotonic_ns() + PATIENCE_NS;
    while (verify(path, report) == OBS_OK && obs__monotonic_ns() < end)
        ; /* a witness that takes too long is not heard */
    ck_assert_int_eq(error.status, OBS_DATA_LOSS);
    ck_assert_msg(strstr(report, "127.0.0.1"), "%s", report);
    obs_client *client = open_at(path);
    put(client, "three");
    obs_client_close(client);
    ck_assert_int_eq(tell(path), OBS_DATA_LOSS);
    /* Nothing but the witness knows. */
    web("POST", "/forget", NULL, 0);
    ck_assert_ok(tell(path));
    ck_assert_msg(verify(path, report) == OBS_OK, "%s: %s", error.message, report);
}
END_TEST

/* It is left alone for a while. */
static int times_asked_since(int64_t begin)
{
    return 1 + (int)((obs__monotonic_ns() - begin) / LEFT_ALONE_NS);
}

START_TEST(a_witness_that_is_away_stops_nothing)
{
    char report[4096];
    const char *path = witnessed_workspace();
    work(path, "one");
    change("witness", "down");
    int asked = count("witness");
    int64_t begin = obs__monotonic_ns();
    obs_client *client = open_at(path);
    for (int i = 0; i < 5; i++) {
        put(client, "two");
        ck_assert_int_eq(sequence(client), OBS_UNAVAILABLE);
        ck_assert_ptr_nonnull(strstr(error.message, "cannot be told now"));
    }
    ck_assert_int_le(count("witness") - asked, times_asked_since(begin));
    obs_client_close(client);
    change("witness", "");
    work(path, "three");
    ck_assert_msg(verify(path, report) == OBS_OK, "%s: %s", error.message, report);
    ck_assert_ptr_nonnull(strstr(report, "\"problems\":[]"));
}
END_TEST

START_TEST(a_witness_that_hangs_takes_seconds_not_more)
{
    const char *path = witnessed_workspace();
    work(path, "one");
    change("witness", "hang");
    obs_client *client = open_at(path);
    put(client, "two");
    int asked = count("witness");
    int64_t begin = obs__monotonic_ns();
    ck_assert_int_eq(sequence(client), OBS_UNAVAILABLE);
    ck_assert_int_lt(obs__monotonic_ns() - begin, 2 * PATIENCE_NS); /* it hangs for ten minutes */
    put(client, "three");
    ck_assert_int_eq(sequence(client), OBS_UNAVAILABLE);
    ck_assert_int_le(count("witness") - asked, times_asked_since(begin));
    obs_client_close(client);
}
END_TEST

START_TEST(lines_of_obs_yaml_that_are_refused)
{
    static const char *const rows[][2] = {{"anchors: file:x\n", "web servers that keep the checkpoints"},
                                          {"anchors: {url: 'https://w.example/x', keep: 3d}\n", "web servers that keep"},
                                          {"anchors: 'http://w.example/x'\n", "write https://"},
                                          {"anchors: {url: 'https://w.example/x', token: abc}\n", "'token' names a secret"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        obs_client *client;
        obs_open_options options;
        obs_open_options_init(&options, sizeof options);
        options.workspace = witnessed_workspace();
        test_write(test_path(options.workspace, "obs.yaml"), rows[i][0], strlen(rows[i][0]));
        ck_assert_int_eq(obs_client_open(&client, &options, &error), OBS_INVALID_ARGUMENT);
        ck_assert_msg(strstr(error.message, rows[i][1]) != NULL, "'%s' is not in '%s'", rows[i][1], error.message);
    }
}
END_TEST

int main(void)
{
    const TTest *tests[] = {a_server_starts, the_whole_workspace_and_its_keys_set_back, a_witness_that_is_away_stops_nothing,
                            a_witness_that_hangs_takes_seconds_not_more, lines_of_obs_yaml_that_are_refused};
    obs_error_init(&error, sizeof error);
    if (system("python3 -c 'import ssl' && openssl version >/dev/null") != 0) {
        test_skipped("a web server", "Python 3 and the openssl command are needed for its server");
        return 0;
    }
    int result = test_main("anchor", tests, sizeof tests / sizeof tests[0]);
    server_stop();
    return result;
}
