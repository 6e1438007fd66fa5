/* Configuration from a web server: changes, outages, writes, and what a server may do wrong. */
#include "base/clock.h"
#include "config/engine.h"
#include "net/ask.h"

#include "config/config_support.h"
#include "config/scheduled.h"

#define RETRY_NS INT64_C(1000000000)
#define LOOK_NS INT64_C(5000000000) /* how long the library looks for what became of a write */

/* A workspace whose one layer is the server's document, as it is at first. */
static const char *web_workspace(const char *more)
{
    char lines[1024];
    change("mode", "");
    change("token", "");
    change("bytes", "a: 1 # one\nb: 2\n");
    snprintf(lines, sizeof lines, "config: [{url: 'https://127.0.0.1:%d/doc?ca=%s/ca.pem'%s}]\n", server.tls, server.folder,
             more);
    return config_workspace(lines, NULL);
}

START_TEST(a_server_starts)
{
    server_start(OBS_TEST_SERVER);
    ck_assert_int_gt(server.plain, 0);
}
END_TEST

START_TEST(a_change_is_seen_by_a_running_process)
{
    uint64_t version;
    obs_call call;
    obs_client *client = open_at(web_workspace(""));
    obs_config *config = obs_client_config(client);
    ck_assert_int_eq(int_of(config, "a"), 1);
    version = obs_config_version(config);
    change("bytes", "a: 2\n");
    obs_call_init(&call, sizeof call);
    call.timeout_ms = 120000;
    ck_assert_ok(obs_config_wait(&version, config, version, &call, &error));
    ck_assert_int_eq(int_of(config, "a"), 2);
    obs_client_close(client);
}
END_TEST

START_TEST(what_did_not_change_costs_a_304)
{
    uint64_t before, after;
    obs_client *client = open_at(web_workspace(""));
    obs_config *config = obs_client_config(client);
    ck_assert_int_eq(int_of(config, "a"), 1);
    before = obs_config_version(config);
    int whole = count("GET 200"), same = count("GET 304");
    for (int i = 0; i < 5; i++)
        ck_assert_ok(obs_config_refresh(config, NULL, &error));
    ck_assert_int_ge(count("GET 304"), same + 5); /* the watch may have asked, too */
    /* Those of the counting itself. */
    ck_assert_int_le(count("GET 200"), whole + 4);
    after = obs_config_version(config);
    ck_assert_uint_eq(before, after);
    obs_client_close(client);
}
END_TEST

START_TEST(a_server_without_strong_tags)
{
    static const char *const modes[] = {"weak", "none"};
    for (size_t i = 0; i < 2; i++) {
        uint64_t before, after;
        const char *path = web_workspace("");
        change("mode", modes[i]);
        obs_client *client = open_at(path);
        obs_config *config = obs_client_config(client);
        ck_assert_int_eq(int_of(config, "a"), 1);
        before = obs_config_version(config);
        ck_assert_ok(obs_config_refresh(config, NULL, &error));
        after = obs_config_version(config);
        ck_assert_uint_eq(before, after);
        ck_assert_refused(obs_config_set(config, "a", "7", NULL, &error), OBS_FAILED_PRECONDITION, "has no strong ETag");
        change("bytes", "a: 3\n");
        ck_assert_ok(obs_config_refresh(config, NULL, &error));
        ck_assert_int_eq(int_of(config, "a"), 3);
        obs_client_close(client);
    }
}
END_TEST

START_TEST(an_outage_keeps_what_is_good)
{
    const char *path = web_workspace("");
    obs_client *client = open_at(path);
    obs_config *config = obs_client_config(client);
    ck_assert_int_eq(int_of(config, "a"), 1);
    change("mode", "down");
    ck_assert_refused(obs_config_refresh(config, NULL, &error), OBS_UNAVAILABLE, "the server has trouble (HTTP 503)");
    assert_source(config, "\"state\":\"stale\"");
    ck_assert_int_eq(int_of(config, "a"), 1);
    obs_client_close(client);
    /* Nor does a process that starts now stand there with nothing. */
    client = open_at(path);
    config = obs_client_config(client);
    ck_assert_int_eq(int_of(config, "a"), 1);
    assert_source(config, "\"state\":\"last-known-good\"");
    change("bytes", "a: 5\n");
    change("mode", "");
    ck_assert_ok(obs_config_refresh(config, NULL, &error));
    assert_source(config, "\"state\":\"ok\"");
    ck_assert_int_eq(int_of(config, "a"), 5);
    /* A document that is gone, too, is most likely a mishap. */
    web("POST", "/gone", NULL, 0);
    ck_assert_ok(obs_config_refresh(config, NULL, &error));
    ck_assert_int_eq(int_of(config, "a"), 5);
    obs_client_close(client);
}
END_TEST

START_TEST(a_document_that_is_too_large_is_refused)
{
    size_t size = OBS__CONFIG_DOCUMENT_MAX + 100;
    obs_client *client = open_at(web_workspace(""));
    obs_config *config = obs_client_config(client);
    char *large = malloc(size);
    ck_assert_ptr_nonnull(large);
    memset(large, '#', size);
    ck_assert_int_eq(int_of(config, "a"), 1);
    web("POST", "/change/bytes", large, size);
    ck_assert_int_ne(obs_config_refresh(config, NULL, &error), OBS_OK);
    assert_source(config, "\"state\":\"refused\"");
    assert_source(config, "is larger than the limit of 1048576 bytes");
    ck_assert_int_eq(int_of(config, "a"), 1);
    obs_client_close(client);
    free(large);
}
END_TEST

static obs_status set(obs_config *config, const char *mode, const char *value)
{
    change("mode", mode);
    obs_status status = obs_config_set(config, "a", value, NULL, &error);
    obs_error kept = error;
    change("mode", "");
    error = kept;
    return status;
}

static void assert_document(const char *text)
{
    ck_assert_str_eq(web("GET", "/doc", NULL, 0), text);
}

START_TEST(changes_are_written_with_if_match)
{
    obs_client *client = open_at(web_workspace(""));
    obs_config *config = obs_client_config(client);
    ck_assert_ok(set(config, "", "10"));
    assert_document("a: 10 # one\nb: 2\n");
    ck_assert_int_eq(int_of(config, "a"), 10);
    ck_assert_ok(set(config, "silent", "11")); /* no ETag in the answer */
    assert_document("a: 11 # one\nb: 2\n");
    ck_assert_ok(set(config, "", "12"));
    ck_assert_refused(set(config, "race", "13"), OBS_ABORTED, "changed by somebody else");
    ck_assert_refused(set(config, "refuse", "13"), OBS_PERMISSION_DENIED, "does not allow it (HTTP 403)");
    ck_assert_int_eq(error.http_status, 403);
    assert_document("a: 12 # one\nb: 2\nc: 3\n");
    ck_assert_int_eq(int_of(config, "a"), 12);
    obs_client_close(client);
}
END_TEST

/* It is either done and said to be, or not done and said not to be, or nobody can know and that is said. */
START_TEST(a_connection_that_breaks_while_writing)
{
    obs_client *client = open_at(web_workspace(""));
    obs_config *config = obs_client_config(client);
    ck_assert_int_eq(int_of(config, "a"), 1);
    ck_assert_refused(set(config, "cut before", "20"), OBS_UNAVAILABLE, "the connection broke");
    assert_document("a: 1 # one\nb: 2\n");
    ck_assert_msg(strstr(error.message, "is not known"), "%s", error.message); /* it could still be on its way */
    ck_assert_uint_eq(count_audit(client, "config.set", "OK"), 0);
    ck_assert_uint_eq(count_audit(client, "config.attempt", "OK"), 1);
    int64_t before = obs__monotonic_ns();
    if (set(config, "cut after", "21") == OBS_OK) {
        ck_assert_int_eq(int_of(config, "a"), 21);
        ck_assert_uint_eq(count_audit(client, "config.set", "\"status\":\"OK\""), 1);
    } else { /* it could not look what became of it in time */
        ck_assert_int_ge(obs__monotonic_ns() - before, LOOK_NS);
        ck_assert_refused(error.status, OBS_UNAVAILABLE, "whether the document was changed is not known");
    }
    assert_document("a: 21 # one\nb: 2\n");
    ck_assert_refused(set(config, "cut and die", "22"), OBS_UNAVAILABLE, "whether the document was changed is not known");
    obs_client_close(client);
}
END_TEST

START_TEST(a_token_opens_the_door)
{
    int64_t number;
    const char *path = web_workspace(", token: '${secret:env:OBS_TEST_CONF_TOKEN}'");
    change("token", "open-sesame");
    setenv("OBS_TEST_CONF_TOKEN", "open-sesame", 1);
    obs_client *client = open_at(path);
    ck_assert_int_eq(int_of(obs_client_config(client), "a"), 1);
    ck_assert_ptr_null(getenv("OBS_TEST_CONF_TOKEN"));
    obs_client_close(client);
    /* From a file, which may be exchanged while the process runs. */
    char more[256];
    snprintf(more, sizeof more, ", token: '${secret:file:%s/token}'", server.folder);
    path = web_workspace(more);
    change("token", "open-sesame");
    write_text(server.folder, "token", "wrong\n");
    ck_assert_int_eq(chmod(test_path(server.folder, "token"), 0600), 0);
    client = open_at(path);
    obs_config *config = obs_client_config(client);
    ck_assert_refused(obs_config_int(&number, config, "a", &error), OBS_UNAVAILABLE, "give a token that it knows (HTTP 401)");
    ck_assert_ptr_null(strstr(error.message, "wrong"));
    write_text(server.folder, "token", "open-sesame\n");
    ck_assert_ok(obs_config_refresh(config, NULL, &error));
    ck_assert_int_eq(int_of(config, "a"), 1);
    obs_client_close(client);
}
END_TEST

START_TEST(lines_of_obs_yaml_that_are_refused)
{
    static const struct {
        const char *line;
        const char *message;
    } rows[] = {{"config: 'http://conf.example.org/x'\n", "write https://"},
                {"config: {url: 'https://conf.example.org/x', token: 'abc'}\n", "'token' names a secret"},
                {"config: {url: 'https://conf.example.org/x', token: '${secret:vault:x}'}\n", "'token' names a secret"},
                {"config: {url: 'file:config.yaml', token: '${secret:env:X}'}\n", "only a web server takes a token"},
                {"config: 'https://ada@conf.example.org/x'\n", "give a token"},
                {"config: 'https://ada:pw@conf.example.org/x'\n", "a password does not belong"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t number;
        obs_client *client = NULL;
        obs_open_options options;
        obs_open_options_init(&options, sizeof options);
        options.workspace = config_workspace(rows[i].line, NULL);
        obs_status status = obs_client_open(&client, &options, &error);
        if (status == OBS_OK)
            status = obs_config_int(&number, obs_client_config(client), "a", &error);
        ck_assert_refused(status, OBS_INVALID_ARGUMENT, rows[i].message);
        obs_client_close(client);
    }
}
END_TEST

/* Others may not choose whom we believe. */
START_TEST(certificates_that_others_may_write)
{
    int64_t number;
    obs_client *client = open_at(web_workspace(""));
    ck_assert_int_eq(chmod(test_path(server.folder, "ca.pem"), 0666), 0);
    obs_status status = obs_config_int(&number, obs_client_config(client), "a", &error);
    ck_assert_int_eq(chmod(test_path(server.folder, "ca.pem"), 0600), 0);
    ck_assert_refused(status, OBS_UNAVAILABLE, "ca.pem");
    obs_client_close(client);
}
END_TEST

/* How many of 50 clients come within the fullest of ten equal parts of the time from the first to the last. */
static void measure(unsigned failures, int64_t retry_ns, int64_t least_ns, int64_t most_ns)
{
    int parts[10] = {0}, fullest = 0;
    for (int i = 0; i < 50; i++) {
        obs__config_layer layer = {.source.kind = OBS__CONFIG_REMOTE, .failures = failures, .retry_ns = retry_ns};
        int64_t pause = scheduled(&layer);
        ck_assert_int_ge(pause, least_ns);
        ck_assert_int_le(pause, most_ns + SHARP_NS);
        int64_t part = (pause - least_ns) * 10 / (most_ns - least_ns);
        parts[part > 9 ? 9 : part]++;
    }
    for (int i = 0; i < 10; i++)
        fullest = parts[i] > fullest ? parts[i] : fullest;
    printf("  %u failures, Retry-After %d s: 50 clients within %.1f s, the fullest tenth has %d\n", failures,
           (int)(retry_ns / RETRY_NS), (double)(most_ns - least_ns) / 1e9, fullest);
    ck_assert_int_le(fullest, 20); /* 5 are expected; 20 would be seen once in 100 million times */
}

START_TEST(no_herd_comes_after_an_outage)
{
    measure(0, 0, 8 * RETRY_NS, 12 * RETRY_NS);
    measure(1, 0, 8 * RETRY_NS, 12 * RETRY_NS);
    measure(9, 0, 24 * RETRY_NS, 36 * RETRY_NS);
    measure(1, 9 * RETRY_NS, 9 * RETRY_NS, 27 * RETRY_NS / 2);
    measure(9, 50 * RETRY_NS, 50 * RETRY_NS, 75 * RETRY_NS);
    measure(1, 86400 * RETRY_NS, 60 * RETRY_NS, 90 * RETRY_NS);
}
END_TEST

int main(void)
{
    const TTest *tests[] = {a_server_starts,
                            a_change_is_seen_by_a_running_process,
                            what_did_not_change_costs_a_304,
                            a_server_without_strong_tags,
                            an_outage_keeps_what_is_good,
                            a_document_that_is_too_large_is_refused,
                            changes_are_written_with_if_match,
                            a_connection_that_breaks_while_writing,
                            a_token_opens_the_door,
                            lines_of_obs_yaml_that_are_refused,
                            certificates_that_others_may_write,
                            no_herd_comes_after_an_outage};
    obs_error_init(&error, sizeof error);
    if (system("python3 -c 'import ssl' && openssl version >/dev/null") != 0) {
        test_skipped("a web server", "Python 3 and the openssl command are needed for its server");
        return 0;
    }
    int result = test_main("http", tests, sizeof tests / sizeof tests[0]);
    server_stop();
    return result;
}
