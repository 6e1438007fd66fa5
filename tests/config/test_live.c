/* Change: the watch, settings, snapshots, schemas, secrets; and readers on many threads while it happens. */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>

#include "config/config_support.h"

START_TEST(a_change_is_noticed_by_itself)
{
    const char *path = config_workspace("", "gain: 1\n");
    obs_client *client = open_at(path);
    obs_config *config = obs_client_config(client);
    uint64_t version;
    ck_assert_int_eq(int_of(config, "gain"), 1);
    ck_assert_uint_eq(obs_config_version(config), 1);
    replace_text(path, "config.yaml", "gain: 2\n");
    wait_for_version(config, 1);
    ck_assert_int_eq(int_of(config, "gain"), 2);
    assert_source(config, "\"state\":\"ok\"");
    assert_source(config, "\"lag_ms\":");
    ck_assert_ok(obs_config_wait(&version, config, 1, NULL, &error));
    ck_assert_uint_eq(version, 2);
    obs_call call;
    obs_call_init(&call, sizeof call);
    call.timeout_ms = 20;
    ck_assert_int_eq(obs_config_wait(&version, config, 2, &call, &error), OBS_DEADLINE_EXCEEDED);
    ck_assert_ok(obs_cancel_new(&call.cancel, &error));
    call.timeout_ms = -1;
    obs_cancel_set(call.cancel);
    ck_assert_int_eq(obs_config_wait(&version, config, 2, &call, &error), OBS_CANCELLED);
    obs_cancel_free(call.cancel);
    obs_buffer *metrics;
    ck_assert_ok(obs_metrics_text(&metrics, &error));
    ck_assert_ptr_nonnull(strstr(obs_buffer_data(metrics), "obs_config_lag_seconds_count 1"));
    obs_buffer_free(metrics);
    obs_client_close(client);
}
END_TEST

/* As Kubernetes does it: `config.yaml` is a link to `..data/config.yaml`, and `..data` is exchanged as a whole. */
START_TEST(a_mounted_configmap_is_followed)
{
    const char *mount = test_folder();
    char line[512];
    obs_client *client;
    ck_assert_int_eq(mkdir(test_path(mount, "..1"), 0755), 0);
    ck_assert_int_eq(mkdir(test_path(mount, "..2"), 0755), 0);
    write_text(test_path(mount, "..1"), "config.yaml", "gain: 1\n");
    write_text(test_path(mount, "..2"), "config.yaml", "gain: 2\n");
    ck_assert_int_eq(symlink("..1", test_path(mount, "..data")), 0);
    ck_assert_int_eq(symlink("..data/config.yaml", test_path(mount, "config.yaml")), 0);
    snprintf(line, sizeof line, "config: 'file:%s/config.yaml'\n", mount);
    client = open_at(config_workspace(line, NULL));
    ck_assert_int_eq(int_of(obs_client_config(client), "gain"), 1);
    ck_assert_int_eq(symlink("..2", test_path(mount, "..new")), 0);
    ck_assert_int_eq(rename(test_path(mount, "..new"), test_path(mount, "..data")), 0);
    wait_for_version(obs_client_config(client), 1);
    ck_assert_int_eq(int_of(obs_client_config(client), "gain"), 2);
    obs_client_close(client);
}
END_TEST

/* Same size, same inode, and the time of change put back: the bytes tell. */
START_TEST(a_change_within_the_same_tick_is_noticed)
{
    const char *path = config_workspace("", "gain: 1\n");
    const char *file = test_path(path, "config.yaml");
    obs_client *client = open_at(path);
    struct stat found;
    ck_assert_int_eq(int_of(obs_client_config(client), "gain"), 1);
    ck_assert_int_eq(stat(file, &found), 0);
    int fd = open(file, O_WRONLY);
    ck_assert_int_eq(write(fd, "gain: 2\n", 8), 8);
    const struct timespec times[] = {found.st_atim, found.st_mtim};
    ck_assert_int_eq(futimens(fd, times), 0);
    close(fd);
    ck_assert_ok(obs_config_refresh(obs_client_config(client), NULL, &error));
    ck_assert_int_eq(int_of(obs_client_config(client), "gain"), 2);
    obs_client_close(client);
}
END_TEST

/* A clock that jumps changes what is shown, never whether a change is noticed. */
START_TEST(a_file_of_tomorrow_is_taken_today)
{
    const char *path = config_workspace("", "gain: 1\n");
    struct timespec times[2];
    obs_client *client = open_at(path);
    obs_config *config = obs_client_config(client);
    ck_assert_int_eq(int_of(config, "gain"), 1);
    for (int days = 1; days >= -1; days -= 2) {
        uint64_t version = obs_config_version(config);
        write_text(path, ".other", days > 0 ? "gain: 2\n" : "gain: 3\n");
        clock_gettime(CLOCK_REALTIME, &times[0]);
        times[0].tv_sec += days * 86400;
        times[1] = times[0];
        ck_assert_int_eq(utimensat(AT_FDCWD, test_path(path, ".other"), times, 0), 0);
        ck_assert_int_eq(rename(test_path(path, ".other"), test_path(path, "config.yaml")), 0);
        wait_for_version(config, version);
        ck_assert_int_eq(int_of(config, "gain"), days > 0 ? 2 : 3);
        obs_rows *rows;
        long long lag = -1;
        ck_assert_ok(obs_config_sources(&rows, config, &error));
        char *text = text_of_rows(rows);
        const char *at = strstr(text, "\"lag_ms\":");
        ck_assert_msg(at && sscanf(at, "\"lag_ms\":%lld", &lag) == 1 && lag >= 0 && lag < 600000, "%s", text);
        free(text);
    }
    obs_client_close(client);
}
END_TEST

START_TEST(a_change_reaches_many_processes)
{
    enum { PROCESSES = 20 };
    const char *path = config_workspace("", "gain: 1\n");
    pid_t children[PROCESSES];
    int ready[2];
    char byte;
    ck_assert_int_eq(pipe(ready), 0);
    for (int i = 0; i < PROCESSES; i++) {
        children[i] = fork();
        ck_assert_int_ge(children[i], 0);
        if (children[i])
            continue;
        int64_t gain = 0;
        uint64_t version = 0;
        obs_call call;
        obs_call_init(&call, sizeof call);
        call.timeout_ms = 300000; /* until the last of them is there */
        obs_client *client = open_at(path);
        obs_config *config = obs_client_config(client);
        int fine = obs_config_int(&gain, config, "gain", &error) == OBS_OK && gain == 1 && write(ready[1], "r", 1) == 1;
        fine = fine && obs_config_wait(&version, config, 1, &call, &error) == OBS_OK;
        fine = fine && obs_config_int(&gain, config, "gain", &error) == OBS_OK && gain == 2;
        obs_client_close(client);
        _exit(fine ? 0 : 1);
    }
    for (int i = 0; i < PROCESSES; i++)
        ck_assert_int_eq(read(ready[0], &byte, 1), 1);
    replace_text(path, "config.yaml", "gain: 2\n");
    for (int i = 0; i < PROCESSES; i++) {
        int code = 1;
        ck_assert_int_eq(waitpid(children[i], &code, 0), children[i]);
        ck_assert_int_eq(code, 0);
    }
    close(ready[0]), close(ready[1]);
}
END_TEST

START_TEST(a_document_that_vanishes_keeps_its_values)
{
    const char *path = config_workspace("", "gain: 1\n");
    obs_client *client = open_at(path);
    obs_config *config = obs_client_config(client);
    ck_assert_int_eq(int_of(config, "gain"), 1);
    ck_assert_int_eq(unlink(test_path(path, "config.yaml")), 0);
    ck_assert_ok(obs_config_refresh(config, NULL, &error));
    ck_assert_int_eq(int_of(config, "gain"), 1);
    assert_source(config, "\"state\":\"absent\"");
    assert_source(config, "is gone: its values stay");
    write_text(path, "config.yaml", "gain: 3\n");
    ck_assert_ok(obs_config_refresh(config, NULL, &error));
    ck_assert_int_eq(int_of(config, "gain"), 3);
    assert_source(config, "\"state\":\"ok\"");
    obs_client_close(client);
}
END_TEST

START_TEST(a_change_that_does_not_fit_the_schema_is_refused)
{
    const char *path = config_workspace("schema: file:schema.json\n", "ccd: {gain: 1.5}\n");
    obs_buffer *text;
    write_text(
        path, "schema.json",
        "{\"type\":\"object\",\"properties\":{\"ccd\":{\"properties\":{\"gain\":{\"type\":\"number\",\"maximum\":10}}}}}");
    obs_client *client = open_at(path);
    obs_config *config = obs_client_config(client);
    ck_assert_double_eq(float_of(config, "ccd.gain"), 1.5);
    ck_assert_ok(obs_client_health(&text, client, NULL, &error));
    ck_assert_ptr_nonnull(strstr(obs_buffer_data(text), "{\"name\":\"config\",\"status\":\"ok\""));
    obs_buffer_free(text);
    replace_text(path, "config.yaml", "# more\nccd:\n  gain: 11\n");
    ck_assert_refused(obs_config_refresh(config, NULL, &error), OBS_REFUSED,
                      "config.yaml:3:9: 'ccd.gain' does not fit the schema: 11 is greater than the maximum 10");
    ck_assert_int_eq(error.line, 3);
    ck_assert_double_eq(float_of(config, "ccd.gain"), 1.5);
    ck_assert_ok(obs_client_health(&text, client, NULL, &error));
    ck_assert_ptr_nonnull(
        strstr(obs_buffer_data(text), "{\"name\":\"config\",\"status\":\"degraded\",\"message\":\"config.yaml: "));
    obs_buffer_free(text);
    ck_assert_uint_eq(count_audit(client, "config.apply", "\"class\":\"config\""), 1);
    /* The schema allows it a moment later: what was refused is taken over without being written again. */
    replace_text(path, "schema.json", "{\"properties\":{\"ccd\":{\"properties\":{\"gain\":{\"maximum\":20}}}}}");
    ck_assert_ok(obs_config_refresh(config, NULL, &error));
    ck_assert_double_eq(float_of(config, "ccd.gain"), 11);
    /* A schema that cannot be used is refused itself. */
    replace_text(path, "schema.json", "{\"properties\":5}");
    ck_assert_refused(obs_config_refresh(config, NULL, &error), OBS_INVALID_ARGUMENT, "the schema schema.json: ");
    ck_assert_double_eq(float_of(config, "ccd.gain"), 11);
    /* It stands in nobody's way, and is told until it is mended, whoever was the first to see it. */
    replace_text(path, "config.yaml", "ccd: {gain: 12}\n");
    ck_assert_refused(obs_config_refresh(config, NULL, &error), OBS_INVALID_ARGUMENT, "the schema schema.json: ");
    ck_assert_double_eq(float_of(config, "ccd.gain"), 12);
    replace_text(path, "schema.json", "{}");
    ck_assert_ok(obs_config_refresh(config, NULL, &error));
    obs_client_close(client);
}
END_TEST

static char logged[8192];

static void note_log(void *user, const obs_log_record *record)
{
    (void)user;
    size_t size = strlen(logged);
    snprintf(logged + size, sizeof logged - size, "%s %s\n", record->subject, record->message);
}

static size_t times_logged(const char *part)
{
    size_t count = 0;
    for (const char *at = logged; (at = strstr(at, part)); at++)
        count++;
    return count;
}

START_TEST(old_names_are_read_and_told_once)
{
    const char *path = config_workspace("schema: file:schema.json\n", "camera:\n  amplification: 1.5\nold: {deep: {x: 7}}\n");
    obs_setting *setting;
    obs_setting_options options;
    write_text(path, "schema.json",
               "{\"additionalProperties\":false,\"properties\":{\"ccd\":{\"properties\":{\"gain\":{\"x-renamed-from\":"
               "[\"camera.amplification\"]}}},\"new\":{\"x-renamed-from\":\"old.deep\"},\"label\":{},\"name\":{}}}");
    *logged = '\0';
    obs_log_set(note_log, NULL, OBS_LOG_WARNING);
    obs_client *client = open_at(path);
    obs_config *config = obs_client_config(client);
    ck_assert_double_eq(float_of(config, "ccd.gain"), 1.5);
    ck_assert_int_eq(int_of(config, "new.x"), 7);
    ck_assert_uint_eq(times_logged("config config.yaml:2:18: 'camera.amplification' is called 'ccd.gain' now"), 1);
    obs_rows *rows;
    ck_assert_ok(obs_config_explain(&rows, config, "ccd.gain", NULL, &error));
    ck_assert_uint_eq(count_rows(rows, "\"place\":\"config.yaml:2:18\""), 1);
    replace_text(path, "config.yaml", "camera: {amplification: 1}\nccd: {gain: 2}\nlabel: A\n");
    ck_assert_ok(obs_config_refresh(config, NULL, &error));
    ck_assert_double_eq(float_of(config, "ccd.gain"), 2);
    ck_assert_uint_eq(times_logged("'camera.amplification' is called"), 1);
    obs_setting_options_init(&options, sizeof options);
    options.renamed = "label";
    ck_assert_ok(obs_setting_open(&setting, config, "name", OBS_SETTING_TEXT, &options, &error));
    obs_buffer *text;
    ck_assert_ok(obs_setting_text(&text, setting, &error));
    ck_assert_str_eq(obs_buffer_data(text), "A");
    obs_buffer_free(text);
    ck_assert_uint_eq(times_logged("'label' is called 'name' now"), 1);
    obs_setting_free(setting);
    obs_log_set(NULL, NULL, OBS_LOG_ERROR);
    obs_client_close(client);
}
END_TEST

START_TEST(settings_follow_and_guard)
{
    const char *path = config_workspace("", "gain: 1.5\nbin: 2\nwait: 250ms\nroom: 64MiB\ncool: true\nname: A\n");
    static const struct {
        const char *name;
        obs_setting_type type;
        int64_t expected;
    } all[] = {{"bin", OBS_SETTING_INT, 2},
               {"wait", OBS_SETTING_DURATION, 250000000},
               {"room", OBS_SETTING_BYTES, 67108864},
               {"cool", OBS_SETTING_BOOL, 1}};
    obs_setting *setting = NULL, *gain, *missing;
    obs_setting_options options;
    obs_client *client = open_at(path);
    obs_config *config = obs_client_config(client), *snapshot;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        ck_assert_ok(obs_setting_open(&setting, config, all[i].name, all[i].type, NULL, &error));
        ck_assert_int_eq(obs_setting_int(setting), all[i].expected);
        ck_assert_double_eq(obs_setting_float(setting), 0);
        obs_setting_free(setting);
    }
    obs_setting_options_init(&options, sizeof options);
    options.standard = "2.5", options.least = "0.1", options.most = "10";
    ck_assert_ok(obs_setting_open(&gain, config, "gain", OBS_SETTING_FLOAT, &options, &error));
    ck_assert_ok(obs_setting_open(&missing, config, "missing", OBS_SETTING_FLOAT, &options, &error));
    ck_assert_double_eq(obs_setting_float(gain), 1.5);
    ck_assert_double_eq(obs_setting_float(missing), 2.5);
    ck_assert_int_eq(obs_setting_int(gain), 0);
    ck_assert_ok(obs_config_snapshot(&snapshot, config, NULL, &error));
    replace_text(path, "config.yaml", "gain: 3\nmissing: 4\nname: B\n");
    ck_assert_ok(obs_config_refresh(config, NULL, &error));
    ck_assert_double_eq(obs_setting_float(gain), 3);
    ck_assert_double_eq(obs_setting_float(missing), 4);
    ck_assert_double_eq(float_of(snapshot, "gain"), 1.5);
    ck_assert_ok(obs_setting_open(&setting, snapshot, "gain", OBS_SETTING_FLOAT, &options, &error));
    ck_assert_double_eq(obs_setting_float(setting), 1.5);
    obs_setting_free(setting);
    /* What a running program cannot live with is not taken over. */
    replace_text(path, "config.yaml", "gain: 11\nmissing: 5\n");
    ck_assert_refused(obs_config_refresh(config, NULL, &error), OBS_REFUSED,
                      "config.yaml:1:7: 'gain' is more than 10, which the program allows");
    replace_text(path, "config.yaml", "gain: high\n");
    ck_assert_refused(obs_config_refresh(config, NULL, &error), OBS_REFUSED, "config.yaml:1:7: 'gain' is a text, not a number");
    ck_assert_double_eq(obs_setting_float(gain), 3);
    ck_assert_double_eq(obs_setting_float(missing), 4);
    ck_assert_ok(obs_setting_open(&setting, config, "name", OBS_SETTING_TEXT, NULL, &error));
    replace_text(path, "config.yaml", "gain: 1\n");
    ck_assert_refused(obs_config_refresh(config, NULL, &error), OBS_REFUSED, "'name' is missing, which this program needs");
    obs_setting_free(setting);
    obs_setting_free(missing);
    ck_assert_int_eq(obs_setting_open(&setting, config, "nothing", OBS_SETTING_INT, NULL, &error), OBS_NOT_FOUND);
    ck_assert_refused(obs_setting_open(&setting, config, "name", OBS_SETTING_INT, NULL, &error), OBS_INVALID_ARGUMENT,
                      "is a text, not an integer");
    options.most = "2";
    ck_assert_refused(obs_setting_open(&setting, config, "gain", OBS_SETTING_FLOAT, &options, &error), OBS_OUT_OF_RANGE,
                      "'gain' is more than 2, which the program allows");
    options.most = "much";
    ck_assert_refused(obs_setting_open(&setting, config, "gain", OBS_SETTING_FLOAT, &options, &error), OBS_INVALID_ARGUMENT,
                      "the option 'most' of a setting is 'much', not a number");
    ck_assert_int_eq(obs_setting_open(&setting, config, "gain", (obs_setting_type)9, NULL, &error), OBS_INVALID_ARGUMENT);
    ck_assert_ptr_null(setting);
    obs_config_free(snapshot);
    /* A setting and what it follows outlive the client. */
    obs_client_close(client);
    ck_assert_double_eq(obs_setting_float(gain), 3);
    obs_setting_free(gain);
}
END_TEST

START_TEST(a_snapshot_stands_still_and_outlives)
{
    const char *path = config_workspace("", "a: 1\nb: 1\n");
    obs_client *client = open_at(path);
    obs_config *config = obs_client_config(client), *snapshot;
    uint64_t version;
    ck_assert_ok(obs_config_snapshot(&snapshot, config, NULL, &error));
    replace_text(path, "config.yaml", "a: 2\nb: 2\n");
    ck_assert_ok(obs_config_refresh(config, NULL, &error));
    ck_assert_uint_eq(obs_config_version(snapshot), 1);
    ck_assert_uint_eq(obs_config_version(config), 2);
    ck_assert_int_eq(obs_config_refresh(snapshot, NULL, &error), OBS_FAILED_PRECONDITION);
    ck_assert_int_eq(obs_config_wait(&version, snapshot, 1, NULL, &error), OBS_FAILED_PRECONDITION);
    obs_config_free(config); /* the client's own: nothing happens */
    obs_client_close(client);
    assert_json(snapshot, "", "{\"a\":1,\"b\":1}");
    obs_config_free(snapshot);
}
END_TEST

static void assert_secret(obs_config *config, const char *name, const char *expected)
{
    obs_secret *secret;
    ck_assert_ok(obs_config_secret(&secret, config, name, &error));
    ck_assert_str_eq(obs_secret_bytes(secret), expected);
    obs_secret_free(secret);
}

START_TEST(secrets_are_asked_for_by_name_and_never_shown)
{
    const char *folder = test_folder();
    const char *file = test_path(folder, "archive");
    char lines[512], document[512], text[64];
    obs_buffer *buffer;
    obs_secret *secret;
    obs_setting *setting;
    obs_rows *rows;
    write_text(folder, "archive", "first-s3cret\n");
    ck_assert_int_eq(chmod(file, 0600), 0);
    setenv("OBSTEST_TRAP", "${secret:env:OBSTEST_PASSWORD}", 1);
    setenv("OBSTEST_PASSWORD", "env-s3cret", 1);
    setenv("OBSTEST_OTHER", "1", 1);
    snprintf(lines, sizeof lines,
             "secrets: ['env:OBSTEST_PASSWORD', 'file:%s', 'env:OBSTEST_NEVER', 'env:OBSTEST_TRAP']\n"
             "config: [file:config.yaml, 'env:OBSTEST_']\n",
             file);
    snprintf(document, sizeof document,
             "mpc: {password: '${secret:env:OBSTEST_PASSWORD}', user: ada}\narchive: ${secret:file:%s}\nnever: "
             "${secret:env:OBSTEST_NEVER}\ntrap: ${secret:env:OBSTEST_TRAP}\n",
             file);
    obs_client *client = open_at(config_workspace(lines, document));
    obs_config *config = obs_client_config(client);
    ck_assert_int_eq(int_of(config, "other"), 1);
    ck_assert_int_eq(obs_config_text(&buffer, config, "password", &error), OBS_NOT_FOUND); /* no value of the environment */
    assert_secret(config, "mpc.password", "env-s3cret");
    ck_assert_ptr_null(getenv("OBSTEST_PASSWORD"));
    assert_secret(config, "trap", "${secret:env:OBSTEST_PASSWORD}"); /* what was expanded is not expanded again */
    assert_secret(config, "mpc.password", "env-s3cret");
    assert_secret(config, "archive", "first-s3cret");
    write_text(folder, "new", "second-s3cret");
    ck_assert_int_eq(chmod(test_path(folder, "new"), 0600), 0);
    ck_assert_int_eq(rename(test_path(folder, "new"), file), 0);
    assert_secret(config, "archive", "second-s3cret"); /* rotated: at once */
    ck_assert_int_eq(chmod(file, 0644), 0);
    obs_status open_to_all = obs_config_secret(&secret, config, "archive", &error);
    ck_assert_refused(open_to_all, OBS_PERMISSION_DENIED, "can be read by others: run 'chmod go= ");
    ck_assert_int_eq(unlink(file), 0);
    ck_assert_refused(obs_config_secret(&secret, config, "archive", &error), OBS_UNAVAILABLE, "cannot be read");
    ck_assert_refused(obs_config_secret(&secret, config, "never", &error), OBS_UNAVAILABLE, "OBSTEST_NEVER is not set");
    ck_assert_refused(obs_config_secret(&secret, config, "mpc.user", &error), OBS_INVALID_ARGUMENT, "is a text, not a secret");
    ck_assert_refused(obs_config_text(&buffer, config, "mpc.password", &error), OBS_INVALID_ARGUMENT,
                      "'mpc.password' is a secret: ask for it with obs_config_secret()");
    ck_assert_int_eq(obs_setting_open(&setting, config, "mpc.password", OBS_SETTING_TEXT, NULL, &error), OBS_INVALID_ARGUMENT);
    assert_json(config, "mpc", "{\"password\":{\"secret\":\"env:OBSTEST_PASSWORD\"},\"user\":\"ada\"}");
    ck_assert_ok(obs_config_explain(&rows, config, NULL, NULL, &error));
    char *shown = text_of_rows(rows);
    ck_assert_ptr_null(strstr(shown, "s3cret"));
    ck_assert_ptr_null(strstr(shown, "${secret"));
    free(shown);
    ck_assert_uint_eq(count_audit(client, "config.secret", "\"mpc.password\""), 1);
    ck_assert_uint_eq(count_audit(client, NULL, "s3cret"), 0);
    /* A child does not inherit it. */
    FILE *child = popen("env", "r");
    while (fgets(text, sizeof text, child))
        ck_assert_ptr_null(strstr(text, "s3cret"));
    pclose(child);
    /* Nor does /proc show it. */
    FILE *own = fopen("/proc/self/environ", "r");
    for (int c, matched = 0; (c = getc(own)) != EOF;) {
        matched = c == "env-s3cret"[matched] ? matched + 1 : 0;
        ck_assert_int_lt(matched, 10);
    }
    fclose(own);
    unsetenv("OBSTEST_OTHER");
    obs_client_close(client);
}
END_TEST

START_TEST(a_store_is_a_source)
{
    obs_client *client = open_at(config_workspace("config: 'mem:conf#site.yaml'\n", NULL));
    obs_config *config = obs_client_config(client);
    obs_store *store;
    ck_assert_ok(obs_client_store_open(&store, client, "mem:conf", NULL, &error));
    ck_assert_ok(obs_store_put(NULL, store, "site.yaml", OBS_TEXT, "gain: 1\n", 8, NULL, &error));
    ck_assert_int_eq(int_of(config, "gain"), 1);
    ck_assert_ok(obs_store_put(NULL, store, "site.yaml", OBS_TEXT, "gain: 2\n", 8, NULL, &error));
    ck_assert_ok(obs_config_refresh(config, NULL, &error));
    ck_assert_int_eq(int_of(config, "gain"), 2);
    uint64_t version = obs_config_version(config);
    ck_assert_ok(obs_config_refresh(config, NULL, &error));
    ck_assert_uint_eq(obs_config_version(config), version);
    obs_store_free(store);
    obs_client_close(client);
}
END_TEST

START_TEST(clients_of_one_workspace_share_it)
{
    const char *path = config_workspace("", "gain: 1\n");
    obs_client *one = open_at(path), *two = open_at(path), *as;
    obs_as_options options;
    obs_as_options_init(&options, sizeof options);
    options.subject = "user:eve";
    ck_assert_ok(obs_client_as(&as, one, &options, &error));
    ck_assert_int_eq(int_of(obs_client_config(one), "gain"), 1);
    for (int i = 0; i < 10; i++)
        ck_assert_int_eq(int_of(obs_client_config(as), "gain"), 1);
    replace_text(path, "config.yaml", "gain: 2\n");
    ck_assert_ok(obs_config_refresh(obs_client_config(one), NULL, &error));
    ck_assert_int_eq(int_of(obs_client_config(two), "gain"), 2);
    obs_client_close(one);
    ck_assert_int_eq(int_of(obs_client_config(as), "gain"), 2);
    obs_client_close(as);
    /* Recorded once for each whole that a client read, not for each lookup. */
    size_t count = 0;
    obs_rows *rows;
    obs_audit_options query;
    obs_audit_options_init(&query, sizeof query);
    query.action = "config.read";
    query.subject = "user:eve";
    ck_assert_ok(obs_audit_query(&rows, obs_client_audit(two), &query, &error));
    char *text = text_of_rows(rows);
    for (const char *at = text; (at = strchr(at, '\n')); at++)
        count++;
    ck_assert_uint_eq(count, 2);
    free(text);
    obs_client_close(two);
}
END_TEST

START_TEST(a_forked_child_reads_but_does_not_change_it)
{
    const char *path = config_workspace("", "gain: 1\n");
    obs_client *client = open_at(path);
    obs_config *config = obs_client_config(client);
    int code = -1;
    ck_assert_int_eq(int_of(config, "gain"), 1);
    pid_t child = fork();
    if (child == 0) {
        double real = 0;
        int right = obs_config_float(&real, config, "gain", NULL) == OBS_OK && real == 1;
        right = right && obs_config_refresh(config, NULL, NULL) != OBS_OK;
        _exit(right ? 0 : 1);
    }
    ck_assert_int_eq(waitpid(child, &code, 0), child);
    ck_assert_int_eq(code, 0);
    obs_client_close(client);
}
END_TEST

enum { READERS = 64, CHANGES = 40 };

struct race {
    obs_config *config;
    obs_setting *setting;
    atomic_int stop;
    atomic_long lookups, faults;
};

/* Both values of a whole belong together; the text has as many letters as they say. */
static void *read_on(void *user)
{
    struct race *race = user;
    obs_error own;
    obs_error_init(&own, sizeof own);
    while (!atomic_load(&race->stop)) {
        int64_t number = 0, again = 0;
        obs_buffer *text = NULL;
        obs_config *snapshot = NULL;
        int fine = obs_config_int(&number, race->config, "a.number", &own) == OBS_OK && number >= 1;
        fine = fine && obs_setting_int(race->setting) >= 1;
        fine = fine && obs_config_snapshot(&snapshot, race->config, NULL, &own) == OBS_OK;
        fine = fine && obs_config_int(&number, snapshot, "a.number", &own) == OBS_OK;
        fine = fine && obs_config_int(&again, snapshot, "b.number", &own) == OBS_OK && number == again;
        fine = fine && obs_config_text(&text, snapshot, "a.text", &own) == OBS_OK && (int64_t)obs_buffer_size(text) == number;
        obs_buffer_free(text);
        obs_config_free(snapshot);
        atomic_fetch_add(&race->lookups, 1);
        atomic_fetch_add(&race->faults, !fine);
    }
    return NULL;
}

START_TEST(many_readers_and_a_writer)
{
    const char *path = config_workspace("", "a: {number: 1, text: x}\nb: {number: 1}\n");
    obs_client *client = open_at(path);
    struct race race = {.config = obs_client_config(client)};
    pthread_t threads[READERS];
    char letters[CHANGES + 2] = "", text[256];
    ck_assert_ok(obs_setting_open(&race.setting, race.config, "a.number", OBS_SETTING_INT, NULL, &error));
    for (int i = 0; i < READERS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, read_on, &race), 0);
    for (int i = 1; i <= CHANGES; i++) {
        memset(letters, 'x', (size_t)i + 1);
        snprintf(text, sizeof text, "a: {number: %d, text: %s}\nb: {number: %d}\n", i + 1, letters, i + 1);
        replace_text(path, "config.yaml", text);
        ck_assert_ok(obs_config_refresh(race.config, NULL, &error));
    }
    atomic_store(&race.stop, 1);
    for (int i = 0; i < READERS; i++)
        pthread_join(threads[i], NULL);
    ck_assert_int_eq(atomic_load(&race.faults), 0);
    ck_assert_int_ge(atomic_load(&race.lookups), READERS);
    ck_assert_int_eq(obs_setting_int(race.setting), CHANGES + 1);
    obs_setting_free(race.setting);
    obs_client_close(client);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {a_change_is_noticed_by_itself,
                                  a_mounted_configmap_is_followed,
                                  a_change_within_the_same_tick_is_noticed,
                                  a_file_of_tomorrow_is_taken_today,
                                  a_change_reaches_many_processes,
                                  a_document_that_vanishes_keeps_its_values,
                                  a_change_that_does_not_fit_the_schema_is_refused,
                                  old_names_are_read_and_told_once,
                                  settings_follow_and_guard,
                                  a_snapshot_stands_still_and_outlives,
                                  secrets_are_asked_for_by_name_and_never_shown,
                                  a_store_is_a_source,
                                  clients_of_one_workspace_share_it,
                                  a_forked_child_reads_but_does_not_change_it,
                                  many_readers_and_a_writer};
    obs_error_init(&error, sizeof error);
    return test_main("live", tests, sizeof tests / sizeof tests[0]);
}
