/* Functions that hang, crash, lie, or want what is not theirs: each event ends in a dead letter with a reason that people
 * understand, nothing of it happens, and the runner goes on. */
#include "fixture.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support.h"

static obs_error error;

/* One event for a function that does `how`, and a good one behind it. */
static void expect_dead(const char *how, const char *limits, const char *reason)
{
    site here;
    char type[64];
    site_open(&here);
    site_function(&here, "bad", "org.example.try.*", limits);
    site_function(&here, "maker", "org.example.raw.*", NULL);
    snprintf(type, sizeof type, "org.example.try.%s", how);
    site_publish(&here, type, "e1", "raw/a");
    site_publish(&here, "org.example.raw.make", "e2", "raw/b");
    ck_assert_ok(site_run(&here, &error));
    usleep(20000); /* the second attempt comes a moment later */
    ck_assert_ok(site_run(&here, &error));
    ck_assert_msg(strstr(site_dead(&here), reason) != NULL, "%s: not '%s' in: %s", how, reason, site_dead(&here));
    ck_assert_int_eq(site_events(&here, "org.example.product.made"), 1);
    obs_page *page = NULL;
    ck_assert_ok(obs_store_list(&page, obs_client_store(here.client), "", NULL, &error));
    ck_assert_uint_eq(obs_page_count(page), 1); /* of the good one */
    obs_page_free(page);
    site_close(&here);
}

#define ONCE "attempts: 1\n"

START_TEST(one_that_hangs)
{
    expect_dead("hang", ONCE "limits: {time: 300ms}\n", "did not answer within 0.300 s");
}
END_TEST

START_TEST(one_that_crashes)
{
    expect_dead("crash", ONCE, "crashed: signal 11");
}
END_TEST

START_TEST(one_that_exits)
{
    expect_dead("exit", ONCE, "exit status 3");
}
END_TEST

START_TEST(one_that_closes_the_socket)
{
    expect_dead("close", ONCE, "closed the connection");
}
END_TEST

START_TEST(one_that_needs_too_much_memory)
{
    if (getenv("ASAN_OPTIONS") || getenv("TSAN_OPTIONS_ON"))
        return;
    expect_dead("memory", ONCE "limits: {memory: 64MiB}\n", "no more memory");
}
END_TEST

START_TEST(garbage)
{
    expect_dead("garbage", ONCE, "no message of HTTP/1.1");
}
END_TEST

START_TEST(two_answers)
{
    expect_dead("twice", ONCE, "more behind it");
}
END_TEST

START_TEST(an_answer_without_end)
{
    expect_dead("huge", ONCE, "larger than");
    expect_dead("negative", ONCE, "Content-Length");
}
END_TEST

START_TEST(outputs_that_lie)
{
    expect_dead("lie", ONCE, "another size than it says");
    expect_dead("config-lie", ONCE, "another checksum than it says");
    expect_dead("config-none", ONCE, "a configuration without checksum or bytes");
    expect_dead("unknown", ONCE, "of a kind that is not known");
    expect_dead("escape", ONCE, "cannot be read");
}
END_TEST

START_TEST(outputs_of_a_wrong_kind)
{
    static const char *const reasons[] = {
        "an output does not say what it is",
        "an output does not say what it is",
        "an output does not say what it is",
        "an object without key or bytes",
        "another size than it says",
        "another size than it says",
        "labels or metadata that are none",
        "an event without its bytes",
        "an event without its bytes",
        "labels or metadata that are none",
        "a record without definition or bytes",
    };
    char how[16];
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++) {
        snprintf(how, sizeof how, "wrong-%zu", i);
        expect_dead(how, ONCE, reasons[i]);
    }
    expect_dead("untyped", ONCE, "type");
}
END_TEST

START_TEST(a_product_outside_of_its_scope)
{
    expect_dead("outside", ONCE, "put raw/outside: the token of function:bad@");
}
END_TEST

START_TEST(an_object_outside_of_its_scope)
{
    expect_dead("forbidden", ONCE, "does not allow");
}
END_TEST

START_TEST(a_link_to_a_file_of_the_system)
{
    expect_dead("link", ONCE, "cannot be read");
}
END_TEST

START_TEST(an_event_that_it_refuses)
{
    expect_dead("refuse", "attempts: 50\n", "this is no frame");
}
END_TEST

START_TEST(a_failure_leaves_its_folder)
{
    char path[4096];
    int seen = 0;
    expect_dead("fail", "attempts: 1\n", "the dome is closed");
    snprintf(path, sizeof path, "%s/functions/bad/failed", getenv("OBS_WORKSPACE"));
    DIR *folder = opendir(path);
    ck_assert_ptr_nonnull(folder);
    for (struct dirent *entry; (entry = readdir(folder));)
        if (*entry->d_name != '.') {
            char file[8192];
            snprintf(file, sizeof file, "%s/%s/partial.dat", path, entry->d_name);
            ck_assert_int_eq(access(file, F_OK), 0);
            snprintf(file, sizeof file, "%s/%s/event.json", path, entry->d_name);
            ck_assert_int_eq(access(file, F_OK), 0);
            seen++;
        }
    closedir(folder);
    ck_assert_int_eq(seen, 1);
}
END_TEST

/* What a handler makes is there, and nothing beside it. */
static char *result_of(const char *how, const char *key)
{
    site here;
    char type[64];
    site_open(&here);
    site_function(&here, "odd", "org.example.try.*", ONCE);
    ck_assert_ok(obs_store_put(NULL, obs_client_store(here.client), "raw/a", OBS_TEXT, "bytes", 5, NULL, &error));
    snprintf(type, sizeof type, "org.example.try.%s", how);
    site_publish(&here, type, "e1", "raw/a");
    ck_assert_ok(site_run(&here, &error));
    ck_assert_str_eq(site_dead(&here), "");
    char *text = site_get(&here, key);
    ck_assert_ptr_nonnull(text);
    ck_assert_ptr_null(site_get(&here, "products/printed"));
    ck_assert_ptr_null(site_get(&here, "products/child"));
    site_close(&here);
    return text;
}

START_TEST(what_it_prints_is_no_answer)
{
    char path[4096];
    size_t size;
    free(result_of("print", "products/print"));
    snprintf(path, sizeof path, "%s/functions/odd/logs/output.jsonl", getenv("OBS_WORKSPACE"));
    char *log = test_read(path, &size);
    ck_assert_ptr_nonnull(strstr(log, "products/printed"));
    ck_assert_ptr_nonnull(strstr(log, "\"event\":\"e1\""));
    free(log);
}
END_TEST

START_TEST(a_forked_child_adds_nothing)
{
    free(result_of("fork", "products/parent"));
}
END_TEST

START_TEST(its_environment_is_clean)
{
    ck_assert_int_eq(setenv("MPC_PASSWORD", "hunter2", 1), 0);
    char *text = result_of("environ", "products/environment");
    ck_assert_ptr_null(strstr(text, "hunter2"));
    ck_assert_ptr_null(strstr(text, "XDG_STATE"));
    ck_assert_ptr_nonnull(strstr(text, "OBS_FUNCTION=odd"));
    ck_assert_ptr_nonnull(strstr(text, "fd 3 socket:"));
    ck_assert_ptr_null(strstr(text, "tenant.db")); /* no descriptor of the runner's */
    ck_assert_ptr_null(strstr(text, "fd 5"));
    free(text);
}
END_TEST

START_TEST(its_token_is_for_reading)
{
    char *text = result_of("itself", "products/attempts");
    ck_assert_pstr_eq(text, "PERMISSION_DENIED PERMISSION_DENIED");
    free(text);
}
END_TEST

/* The client of a program reads in a home that is not where the keys are: a log that it began would have a key of its own. */
START_TEST(it_begins_no_audit_log)
{
    site here;
    obs_client *client = NULL;
    obs_buffer *report = NULL;
    char state[4096];
    const char *home = test_path(test_folder(), "home");
    ck_assert_int_eq(mkdir(home, 0700), 0);
    ck_assert_int_eq(setenv("HOME", home, 1), 0);
    site_open(&here);
    snprintf(state, sizeof state, "%s", getenv("XDG_STATE_HOME"));
    unsetenv("XDG_STATE_HOME");
    setenv("OBS_FUNCTION", "odd", 1);
    ck_assert_ok(obs_client_open(&client, NULL, &error));
    ck_assert_ok(obs_store_put(NULL, obs_client_store(client), "raw/a", OBS_TEXT, "bytes", 5, NULL, &error));
    obs_client_close(client); /* any other client leaves its records in the log now */
    ck_assert_int_ne(access(test_path(home, ".local"), F_OK), 0);
    setenv("XDG_STATE_HOME", state, 1);
    unsetenv("OBS_FUNCTION");
    ck_assert_ok(obs_audit_sequence(obs_client_audit(here.client), NULL, &error));
    ck_assert_ok(obs_audit_verify(&report, obs_client_audit(here.client), NULL, &error));
    obs_buffer_free(report);
    site_close(&here);
}
END_TEST

START_TEST(large_products_go_by_files)
{
    free(result_of("large", "products/large"));
    char *plot = result_of("large", "products/plot.svg");
    ck_assert_pstr_eq(plot, "<svg/>");
    free(plot);
}
END_TEST

static obs_status publish_large(const site *here, const char *id, size_t size)
{
    obs_event event;
    char *data = malloc(size);
    memset(data, 'a', size);
    obs_event_init(&event, sizeof event);
    event.type = "org.example.raw.make";
    event.id = id;
    event.subject = "raw/a";
    event.datacontenttype = "text/plain";
    event.data = data;
    event.data_size = size;
    obs_status status = obs_bus_publish(NULL, obs_client_bus(here->client), &event, NULL, &error);
    free(data);
    return status;
}

START_TEST(an_event_of_a_megabyte)
{
    site here;
    site_open(&here);
    site_function(&here, "maker", "org.example.raw.*", ONCE);
    ck_assert_int_eq(publish_large(&here, "e1", OBS_EVENT_MAX), OBS_INVALID_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(error.message, "larger than 1048576 bytes"));
    ck_assert_ok(publish_large(&here, "e2", OBS_EVENT_MAX - 1024));
    site_publish(&here, "org.example.raw.make", "e3", "raw/a");
    ck_assert_ok(site_run(&here, &error));
    ck_assert_str_eq(site_dead(&here), "");
    ck_assert_int_eq(site_events(&here, "org.example.product.made"), 2);
    site_close(&here);
}
END_TEST

/* It waits for nobody, holds up nothing, and is there for who comes later. */
START_TEST(a_type_that_nobody_handles)
{
    site here;
    site_open(&here);
    site_function(&here, "maker", "org.example.raw.*", ONCE);
    for (int i = 0; i < 20; i++) {
        char id[16];
        snprintf(id, sizeof id, "n%d", i);
        site_publish(&here, "org.example.unknown.make", id, "raw/a");
    }
    site_publish(&here, "org.example.raw.make", "e1", "raw/a");
    ck_assert_ok(site_run(&here, &error));
    ck_assert_str_eq(site_dead(&here), "");
    ck_assert_int_eq(site_events(&here, "org.example.product.made"), 1);
    ck_assert_int_eq(site_events(&here, "org.example.unknown.*"), 20);
    site_function(&here, "late", "org.example.unknown.*", ONCE);
    ck_assert_ok(site_run(&here, &error));
    ck_assert_int_eq(site_events(&here, "org.example.product.made"), 21);
    site_close(&here);
}
END_TEST

START_TEST(a_program_that_does_not_start)
{
    site here;
    site_open(&here);
    site_function(&here, "odd", "org.example.raw.*", "limits: {start: 200ms}\n");
    char path[4096];
    const char *text = "name: odd\ncommand: [/bin/false]\non: {type: 'org.example.raw.*'}\n";
    snprintf(path, sizeof path, "%s/functions/odd/function.yaml", here.folder);
    test_write(path, text, strlen(text));
    site_publish(&here, "org.example.raw.make", "e1", "raw/a");
    ck_assert_int_eq(site_run(&here, &error), OBS_UNAVAILABLE);
    ck_assert_ptr_nonnull(strstr(error.message, "does not start"));
    ck_assert_str_eq(site_dead(&here), ""); /* no event was tried in vain */
    site_close(&here);
}
END_TEST

int main(void)
{
    const TTest *tests[] = {one_that_hangs,
                            one_that_crashes,
                            one_that_exits,
                            one_that_closes_the_socket,
                            one_that_needs_too_much_memory,
                            garbage,
                            two_answers,
                            an_answer_without_end,
                            outputs_that_lie,
                            outputs_of_a_wrong_kind,
                            an_event_of_a_megabyte,
                            a_type_that_nobody_handles,
                            a_product_outside_of_its_scope,
                            an_object_outside_of_its_scope,
                            a_link_to_a_file_of_the_system,
                            an_event_that_it_refuses,
                            a_failure_leaves_its_folder,
                            what_it_prints_is_no_answer,
                            a_forked_child_adds_nothing,
                            its_environment_is_clean,
                            its_token_is_for_reading,
                            it_begins_no_audit_log,
                            large_products_go_by_files,
                            a_program_that_does_not_start};
    obs_error_init(&error, sizeof error);
    return test_main("misbehaviour", tests, sizeof tests / sizeof tests[0]);
}
