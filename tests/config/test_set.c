/* Changing values: in place, checked before, one of two writers, recorded. */
#include <pthread.h>
#include <sys/wait.h>

#include "config/config_support.h"

static void assert_file(const char *path, const char *name, const char *expected)
{
    char *text = test_read(test_path(path, name), NULL);
    ck_assert_str_eq(text, expected);
    free(text);
}

static void etag_of(char out[160], obs_config *config, const char *name)
{
    obs_rows *rows;
    ck_assert_ok(obs_config_explain(&rows, config, name, NULL, &error));
    char *text = text_of_rows(rows);
    const char *at = strstr(text, "\"etag\":\"\\\"");
    ck_assert_ptr_nonnull(at);
    ck_assert_int_eq(sscanf(at, "\"etag\":\"\\\"%128[0-9a-f]", out + 1), 1);
    out[0] = '"';
    strcat(out, "\"");
    free(text);
}

START_TEST(a_value_is_set_and_comments_stay)
{
    const char *path = config_workspace("", "# the camera\nccd:\n  gain: 1.5  # e-/ADU\n");
    obs_client *client = open_at(path);
    obs_config *config = obs_client_config(client);
    obs_setting *gain;
    ck_assert_ok(obs_setting_open(&gain, config, "ccd.gain", OBS_SETTING_FLOAT, NULL, &error));
    ck_assert_ok(obs_config_set(config, "ccd.gain", "1.7", NULL, &error));
    assert_file(path, "config.yaml", "# the camera\nccd:\n  gain: 1.7  # e-/ADU\n");
    ck_assert_double_eq(obs_setting_float(gain), 1.7); /* at once in this process */
    ck_assert_uint_eq(obs_config_version(config), 2);
    ck_assert_ok(obs_config_set(config, "ccd.filters", "[B, V]", NULL, &error));
    ck_assert_ok(obs_config_set(config, "site.name", "La Silla", NULL, &error));
    assert_file(path, "config.yaml", "# the camera\nccd:\n  gain: 1.7  # e-/ADU\n  filters: [B, V]\nsite:\n  name: La Silla\n");
    ck_assert_ok(obs_config_set(config, "site.name", NULL, NULL, &error));
    assert_file(path, "config.yaml", "# the camera\nccd:\n  gain: 1.7  # e-/ADU\n  filters: [B, V]\n");
    ck_assert_uint_eq(count_audit(client, "config.set", "\"class\":\"config\""), 4);
    ck_assert_uint_eq(
        count_audit(client, "config.set",
                    "{\\\"name\\\":\\\"ccd.gain\\\",\\\"layer\\\":\\\"file:config.yaml\\\",\\\"old\\\":1.5,\\\"new\\\":1.7}"),
        1);
    ck_assert_uint_eq(count_audit(client, "config.set", "\\\"old\\\":\\\"La Silla\\\",\\\"new\\\":null"), 1);
    obs_setting_free(gain);
    obs_client_close(client);
}
END_TEST

START_TEST(a_missing_document_is_made)
{
    const char *path = config_workspace("", NULL);
    obs_client *client = open_at(path);
    struct stat found;
    ck_assert_ok(obs_config_set(obs_client_config(client), "ccd.gain", "1.7", NULL, &error));
    assert_file(path, "config.yaml", "ccd:\n  gain: 1.7\n");
    ck_assert_int_eq(stat(test_path(path, "config.yaml"), &found), 0);
    ck_assert_uint_eq(found.st_mode & 0777, 0644);
    ck_assert_double_eq(float_of(obs_client_config(client), "ccd.gain"), 1.7);
    obs_client_close(client);
}
END_TEST

START_TEST(what_does_not_fit_is_not_written)
{
    static const char before[] = "ccd: {gain: 1.5}\nlist: [1]\n";
    const char *path = config_workspace("schema: file:schema.json\nsecrets: ['env:OBSTEST_P']\n", before);
    obs_config_set_options options;
    obs_setting *gain;
    obs_setting_options bounds;
    write_text(path, "schema.json", "{\"properties\":{\"ccd\":{\"properties\":{\"gain\":{\"maximum\":10}}}}}");
    obs_client *client = open_at(path);
    obs_config *config = obs_client_config(client);
    ck_assert_refused(obs_config_set(config, "ccd.gain", "11", NULL, &error), OBS_REFUSED, "does not fit the schema");
    obs_setting_options_init(&bounds, sizeof bounds);
    bounds.most = "5";
    ck_assert_ok(obs_setting_open(&gain, config, "ccd.gain", OBS_SETTING_FLOAT, &bounds, &error));
    ck_assert_refused(obs_config_set(config, "ccd.gain", "6", NULL, &error), OBS_REFUSED, "more than 5");
    ck_assert_refused(obs_config_set(config, "p", "${secret:env:HOME}", NULL, &error), OBS_PERMISSION_DENIED,
                      "does not name the secret 'env:HOME'");
    ck_assert_refused(obs_config_set(config, "a", "[1", NULL, &error), OBS_INVALID_ARGUMENT, "the value:");
    ck_assert_refused(obs_config_set(config, "a", "1\nb: 2", NULL, &error), OBS_INVALID_ARGUMENT, "on one line");
    ck_assert_refused(obs_config_set(config, "a", "&x 1", NULL, &error), OBS_INVALID_ARGUMENT, "anchors");
    ck_assert_refused(obs_config_set(config, "ccd.gain.x", "1", NULL, &error), OBS_INVALID_ARGUMENT, "leads into a value");
    ck_assert_refused(obs_config_set(config, "a..b", "1", NULL, &error), OBS_INVALID_ARGUMENT, "");
    ck_assert_refused(obs_config_set(config, "../x", "1", NULL, &error), OBS_INVALID_ARGUMENT, "");
    ck_assert_refused(obs_config_set(config, "nothing", NULL, NULL, &error), OBS_NOT_FOUND, "nothing to remove");
    ck_assert_refused(obs_config_set(config, "list.3", "1", NULL, &error), OBS_INVALID_ARGUMENT, "");
    ck_assert_int_eq(obs_config_set(config, "", "1", NULL, &error), OBS_INVALID_ARGUMENT);
    obs_config_set_options_init(&options, sizeof options);
    options.layer = "file:other.yaml";
    ck_assert_refused(obs_config_set(config, "a", "1", &options, &error), OBS_INVALID_ARGUMENT,
                      "has no layer 'file:other.yaml'");
    options.layer = NULL;
    options.dry_run = 1;
    ck_assert_ok(obs_config_set(config, "ccd.gain", "2", &options, &error));
    ck_assert_refused(obs_config_set(config, "ccd.gain", "20", &options, &error), OBS_REFUSED, "schema");
    assert_file(path, "config.yaml", before);
    ck_assert_uint_eq(obs_config_version(config), 1);
    ck_assert_double_eq(obs_setting_float(gain), 1.5);
    obs_setting_free(gain);
    obs_client_close(client);
}
END_TEST

START_TEST(of_two_writers_one_is_told)
{
    const char *path = config_workspace("", "a: 1\n");
    obs_client *client = open_at(path);
    obs_config *config = obs_client_config(client);
    obs_config_set_options options;
    char etag[160];
    etag_of(etag, config, "a");
    replace_text(path, "config.yaml", "a: 2 # by somebody else\n");
    obs_config_set_options_init(&options, sizeof options);
    options.if_match = etag;
    ck_assert_refused(obs_config_set(config, "a", "3", &options, &error), OBS_ABORTED, "was changed by somebody else");
    assert_file(path, "config.yaml", "a: 2 # by somebody else\n");
    ck_assert_ok(obs_config_refresh(config, NULL, &error));
    etag_of(etag, config, "a");
    ck_assert_ok(obs_config_set(config, "a", "3", &options, &error));
    assert_file(path, "config.yaml", "a: 3 # by somebody else\n");
    obs_client_close(client);
}
END_TEST

/* Each process adds one to a counter, by If-Match, until it succeeded: none of them is lost. */
START_TEST(many_processes_lose_no_change)
{
    enum { PROCESSES = 4, TIMES = 5 };
    const char *path = config_workspace("", "count: 0\n");
    pid_t children[PROCESSES];
    for (int i = 0; i < PROCESSES; i++) {
        children[i] = fork();
        ck_assert_int_ge(children[i], 0);
        if (children[i])
            continue;
        obs_client *client = open_at(path);
        obs_config *config = obs_client_config(client);
        for (int done = 0; done < TIMES;) {
            char etag[160], value[32];
            obs_config_set_options options;
            obs_config_set_options_init(&options, sizeof options);
            obs_config *snapshot;
            ck_assert_ok(obs_config_refresh(config, NULL, &error));
            ck_assert_ok(obs_config_snapshot(&snapshot, config, NULL, &error));
            etag_of(etag, snapshot, "count");
            snprintf(value, sizeof value, "%d", (int)int_of(snapshot, "count") + 1);
            obs_config_free(snapshot);
            options.if_match = etag;
            obs_status status = obs_config_set(config, "count", value, &options, &error);
            ck_assert_msg(status == OBS_OK || status == OBS_ABORTED, "%s", error.message);
            done += status == OBS_OK;
        }
        obs_client_close(client);
        _exit(0);
    }
    for (int i = 0; i < PROCESSES; i++) {
        int code = 1;
        ck_assert_int_eq(waitpid(children[i], &code, 0), children[i]);
        ck_assert_int_eq(code, 0);
    }
    obs_client *client = open_at(path);
    ck_assert_int_eq(int_of(obs_client_config(client), "count"), PROCESSES * TIMES);
    ck_assert_uint_eq(count_audit(client, "config.set", "\"status\":\"OK\""), PROCESSES * TIMES);
    obs_client_close(client);
}
END_TEST

START_TEST(layers_that_cannot_be_written)
{
    const char *path = config_workspace("config: [file:config.yaml, 'mem:conf#site.yaml', 'env:OBSTEST_']\n", "a: 1\n");
    obs_client *client = open_at(path), *reader;
    obs_config *config = obs_client_config(client);
    obs_config_set_options options;
    obs_open_options open;
    obs_config_set_options_init(&options, sizeof options);
    options.layer = "env:OBSTEST_";
    ck_assert_refused(obs_config_set(config, "a", "2", &options, &error), OBS_FAILED_PRECONDITION, "cannot be written");
    /* The highest layer that can be is the object. */
    ck_assert_ok(obs_config_set(config, "a", "2", NULL, &error));
    ck_assert_int_eq(int_of(config, "a"), 2);
    assert_file(path, "config.yaml", "a: 1\n");
    ck_assert_ok(obs_config_set(config, "a", "3", NULL, &error));
    ck_assert_ok(obs_config_set(config, "a", NULL, NULL, &error));
    ck_assert_int_eq(int_of(config, "a"), 1);
    obs_open_options_init(&open, sizeof open);
    open.workspace = path;
    open.read_only = 1;
    ck_assert_ok(obs_client_open(&reader, &open, &error));
    ck_assert_int_eq(obs_config_set(obs_client_config(reader), "a", "5", NULL, &error), OBS_FAILED_PRECONDITION);
    ck_assert_int_eq(int_of(obs_client_config(reader), "a"), 1);
    obs_client_close(reader);
    obs_client_close(client);
}
END_TEST

START_TEST(json_documents_and_secrets)
{
    const char *path = config_workspace("config: file:config.json\nsecrets: ['env:OBSTEST_P', 'env:OBSTEST_Q']\n", NULL);
    write_text(path, "config.json", "{\"a\": 1,\n  \"p\": \"${secret:env:OBSTEST_P}\"}\n");
    obs_client *client = open_at(path);
    obs_config *config = obs_client_config(client);
    ck_assert_ok(obs_config_set(config, "a", "text with blanks", NULL, &error));
    ck_assert_ok(obs_config_set(config, "b.c", "{x: [1, no]}", NULL, &error));
    ck_assert_ok(obs_config_set(config, "p", "${secret:env:OBSTEST_Q}", NULL, &error));
    assert_file(path, "config.json",
                "{\"a\": \"text with blanks\",\n  \"p\": \"${secret:env:OBSTEST_Q}\", \"b\": {\"c\": {\"x\":[1,\"no\"]}}}\n");
    ck_assert_uint_eq(count_audit(client, "config.set", "\\\"old\\\":{\\\"secret\\\":\\\"env:OBSTEST_P\\\"}"), 1);
    obs_client_close(client);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {a_value_is_set_and_comments_stay, a_missing_document_is_made,
                                  what_does_not_fit_is_not_written, of_two_writers_one_is_told,
                                  many_processes_lose_no_change,    layers_that_cannot_be_written,
                                  json_documents_and_secrets};
    obs_error_init(&error, sizeof error);
    return test_main("set", tests, sizeof tests / sizeof tests[0]);
}
