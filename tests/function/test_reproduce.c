/* Products that are made again: identical, or what differs, or why it cannot be; and nothing of it happens. */
#include "fixture.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support.h"

static obs_error error;
static site here;

static void write_file(const char *name, const char *text)
{
    char path[4200];
    snprintf(path, sizeof path, "%s/%s", here.folder, name);
    test_write(path, text, strlen(text));
    chmod(path, 0600);
}

static void put(const char *key, const char *text)
{
    ck_assert_ok(obs_store_put(NULL, obs_client_store(here.client), key, OBS_TEXT, text, strlen(text), NULL, &error));
}

/* A workspace in which a function handled one event. */
static void make(const char *how, const char *subject)
{
    char type[64];
    site_open(&here);
    site_function(&here, "maker", "org.example.raw.*", "limits: {start: 10m, time: 10m}\n");
    write_file("config.yaml", "quality: {limit: 3}\n");
    put("data/a", "{\"n\": 1, \"list\": [1, 2, 3]}");
    snprintf(type, sizeof type, "org.example.raw.%s", how);
    site_publish(&here, type, "e1", subject);
    ck_assert_ok(site_run(&here, &error));
    ck_assert_str_eq(site_dead(&here), "");
}

static size_t count(obs_rows *rows)
{
    const char *row;
    size_t found = 0;
    while (obs_rows_next(rows, &row, NULL, &error) == OBS_OK && row)
        found++;
    obs_rows_free(rows);
    return found;
}

static size_t consumers(void)
{
    obs_rows *rows = NULL;
    ck_assert_ok(obs_bus_consumers(&rows, obs_client_bus(here.client), NULL, &error));
    return count(rows);
}

static size_t entries(void)
{
    obs_rows *rows = NULL;
    ck_assert_ok(obs_catalog_search(&rows, obs_client_catalog(here.client), "", NULL, &error));
    return count(rows);
}

/* Free with json_decref(). Nothing happens by it. */
static json_t *reproduce(const char *key, int present_code)
{
    obs_buffer *out = NULL;
    obs_reproduce_options options;
    size_t before = consumers(), known = entries();
    obs_reproduce_options_init(&options, sizeof options);
    options.present_code = present_code;
    ck_assert_ok(obs_function_reproduce(&out, here.client, key, OBS_TEXT, &options, &error));
    json_t *answer = json_loads(obs_buffer_data(out), 0, NULL);
    ck_assert_ptr_nonnull(answer);
    obs_buffer_free(out);
    ck_assert_uint_eq(consumers(), before);
    ck_assert_uint_eq(entries(), known);
    return answer;
}

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text ? text : "";
}

static void expect_verdict(const json_t *answer, const char *verdict, const char *reason)
{
    char *all = json_dumps(answer, 0);
    ck_assert_msg(strcmp(text_of(answer, "verdict"), verdict) == 0, "not %s: %s", verdict, all);
    ck_assert_msg(strstr(text_of(answer, "reason"), reason) != NULL, "not '%s' in: %s", reason, all);
    free(all);
}

/* The difference of that kind and name. */
static const json_t *difference(const json_t *answer, const char *what, const char *name)
{
    size_t index;
    json_t *one;
    json_array_foreach(json_object_get(answer, "differs"), index,
                       one) if (strcmp(text_of(one, "what"), what) == 0 && strcmp(text_of(one, "name"), name) == 0) return one;
    ck_abort_msg("no difference %s %s", what, name);
    return NULL;
}

START_TEST(identical)
{
    make("copy", "data/a");
    json_t *answer = reproduce("products/copy", 0);
    expect_verdict(answer, "identical", "");
    ck_assert_uint_eq(json_array_size(json_object_get(answer, "differs")), 0);
    ck_assert(json_equal(json_object_get(answer, "made"), json_object_get(answer, "now")));
    ck_assert_str_eq(text_of(json_object_get(answer, "event"), "id"), "e1");
    ck_assert(json_is_null(json_object_get(answer, "first")));
    json_decref(answer);
    site_close(&here);
}
END_TEST

START_TEST(with_the_configuration)
{
    make("config", "raw/a");
    json_t *answer = reproduce("products/limit", 0);
    expect_verdict(answer, "identical", "");
    json_decref(answer);
    write_file("config.yaml", "quality: {limit: 4}\nnew: 1\n");
    answer = reproduce("products/limit", 0);
    expect_verdict(answer, "differs", "");
    const json_t *settings = json_object_get(difference(answer, "configuration", ""), "settings");
    ck_assert_uint_eq(json_array_size(settings), 2);
    ck_assert_str_eq(text_of(json_array_get(settings, 0), "name"), "quality.limit");
    ck_assert_int_eq(json_integer_value(json_object_get(json_array_get(settings, 0), "now")), 4);
    ck_assert_int_eq(json_integer_value(json_object_get(json_object_get(answer, "first"), "byte")), 0);
    ck_assert_int_eq(json_integer_value(json_object_get(json_object_get(answer, "first"), "now")), 4);
    json_decref(answer);
    answer = reproduce("products/three", 0);
    expect_verdict(answer, "differs", "");
    ck_assert(json_is_null(json_object_get(answer, "now"))); /* it is not made any more */
    json_decref(answer);
    answer = reproduce("products/first", 0);
    expect_verdict(answer, "identical", ""); /* although it was made with another one */
    difference(answer, "configuration", "");
    json_decref(answer);
    write_file("config.yaml", "other: 1\n");
    answer = reproduce("products/limit", 0);
    expect_verdict(answer, "impossible", "quality.limit"); /* the handler fails */
    json_decref(answer);
    site_close(&here);
}
END_TEST

START_TEST(an_input_that_changed)
{
    make("copy", "data/a");
    put("data/a", "{\"n\": 1, \"list\": [1, 5, 3]}");
    json_t *answer = reproduce("products/copy", 0);
    expect_verdict(answer, "differs", "");
    const json_t *input = difference(answer, "input", "data/a");
    ck_assert_str_ne(text_of(input, "before"), text_of(input, "now"));
    ck_assert_uint_eq(strlen(text_of(input, "now")), 64);
    const json_t *first = json_object_get(answer, "first");
    ck_assert_int_eq(json_integer_value(json_object_get(first, "byte")), 21);
    ck_assert_str_eq(text_of(first, "member"), "list.1");
    ck_assert_int_eq(json_integer_value(json_object_get(first, "before")), 2);
    ck_assert_int_eq(json_integer_value(json_object_get(first, "now")), 5);
    json_decref(answer);
    put("data/a", "shorter");
    answer = reproduce("products/copy", 0);
    ck_assert_ptr_null(json_object_get(json_object_get(answer, "first"), "member"));
    json_decref(answer);
    ck_assert_ok(obs_store_delete(obs_client_store(here.client), "data/a", OBS_TEXT, NULL, &error));
    answer = reproduce("products/copy", 0);
    expect_verdict(answer, "impossible", "'data/a' is not there any more");
    ck_assert(json_is_null(json_object_get(difference(answer, "input", "data/a"), "now")));
    json_decref(answer);
    site_close(&here);
}
END_TEST

START_TEST(other_code)
{
    make("make", "raw/a");
    write_file("functions/maker/note.txt", "changed");
    json_t *answer = reproduce("products/e1.txt", 0);
    expect_verdict(answer, "impossible", "--present-code");
    const json_t *code = difference(answer, "code", "maker");
    ck_assert_str_ne(text_of(code, "before"), text_of(code, "now"));
    ck_assert_ptr_nonnull(strstr(text_of(answer, "reason"), "maker"));
    json_decref(answer);
    answer = reproduce("products/e1.txt", 1);
    expect_verdict(answer, "identical", "");
    difference(answer, "code", "maker");
    json_decref(answer);
    write_file("functions/maker/function.yaml", "name: [\n");
    answer = reproduce("products/e1.txt", 1);
    expect_verdict(answer, "impossible", "function.yaml");
    json_decref(answer);
    write_file("functions/maker/function.yaml", "name: maker\ncommand: [/bin/false]\non: {type: x}\n");
    answer = reproduce("products/e1.txt", 1);
    expect_verdict(answer, "impossible", "does not start");
    json_decref(answer);
    site_close(&here);
}
END_TEST

/* A product with a lineage that leads nowhere. */
static void forge(const char *key, const char *function, const char *event)
{
    char digest[65];
    memset(digest, 'a', 64);
    digest[64] = '\0';
    const obs_pair labels[] = {{"function", function}, {"digest", digest}}, metadata[] = {{"event", event}};
    obs_put_options options;
    obs_put_options_init(&options, sizeof options);
    options.labels = labels;
    options.label_count = *function ? 2 : 0;
    options.metadata = metadata;
    options.metadata_count = *event ? 1 : 0;
    ck_assert_ok(obs_store_put(NULL, obs_client_store(here.client), key, OBS_TEXT, "x", 1, &options, &error));
}

START_TEST(what_cannot_be_made_again)
{
    static const struct {
        const char *function, *event, *reason;
    } cases[] = {
        {"", "", "was not made by a function"},
        {"maker", "", "does not say for which event"},
        {"maker", "[1]", "does not say for which event"},
        {"maker", "{\"id\":7}", "does not say for which event"},
        {"maker", "{\"source\":\"/x\",\"id\":\"it's gone\\\\\"}", "is not on the bus any more"},
        {"maker", "{\"source\":\"/x\",\"id\":\"e1\"}", "is not on the bus any more"}, /* that of another source is */
        {"absent", "{\"source\":\"/x\",\"id\":\"e1\"}", "there is no function 'absent'"},
        {"../maker", "{\"source\":\"/x\",\"id\":\"e1\"}", "function"},
    };
    make("make", "raw/a");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        forge("forged", cases[i].function, cases[i].event);
        json_t *answer = reproduce("forged", 1);
        expect_verdict(answer, "impossible", cases[i].reason);
        json_decref(answer);
    }
    site_close(&here);
}
END_TEST

START_TEST(bad_calls)
{
    obs_buffer *out = NULL;
    make("make", "raw/a");
    ck_assert_int_eq(obs_function_reproduce(&out, here.client, "absent", OBS_TEXT, NULL, &error), OBS_NOT_FOUND);
    ck_assert_int_eq(obs_function_reproduce(&out, here.client, "", 0, NULL, &error), OBS_INVALID_ARGUMENT);
    ck_assert_int_eq(obs_function_reproduce(&out, NULL, "x", 1, NULL, &error), OBS_INVALID_ARGUMENT);
    ck_assert_int_eq(obs_function_reproduce(NULL, here.client, "x", 1, NULL, &error), OBS_INVALID_ARGUMENT);
    ck_assert_ptr_null(out);
    site_close(&here);
}
END_TEST

START_TEST(the_caller_does_not_wait)
{
    obs_buffer *out = NULL;
    obs_call call;
    obs_reproduce_options options;
    obs_call_init(&call, sizeof call);
    obs_reproduce_options_init(&options, sizeof options);
    options.call = &call;
    make("slow", "raw/a");
    write_file("functions/maker/.slow", "");
    call.timeout_ms = 500;
    ck_assert_int_eq(obs_function_reproduce(&out, here.client, "products/e1.txt", OBS_TEXT, &options, &error),
                     OBS_DEADLINE_EXCEEDED);
    ck_assert_ok(obs_cancel_new(&call.cancel, &error));
    obs_cancel_set(call.cancel);
    ck_assert_int_eq(obs_function_reproduce(&out, here.client, "products/e1.txt", OBS_TEXT, &options, &error), OBS_CANCELLED);
    ck_assert_ptr_null(out);
    obs_cancel_free(call.cancel);
    site_close(&here);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {identical, with_the_configuration,    an_input_that_changed,   other_code,
                                  bad_calls, what_cannot_be_made_again, the_caller_does_not_wait};
    obs_error_init(&error, sizeof error);
    return test_main("reproduce", tests, sizeof tests / sizeof tests[0]);
}
