#include "base/json.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "support.h"

static obs_error error;

static obs_status load(json_t **out, const char *text, const obs__json_options *options)
{
    return obs__json_load(out, text, strlen(text), options, &error);
}

static void assert_dump(const char *text, int sorted, const char *expected)
{
    json_t *json;
    obs_buffer *dump;
    const obs__json_options options = {.flags = OBS__JSON_BIG_AS_REAL | OBS__JSON_ALLOW_NUL};
    ck_assert_ok(load(&json, text, &options));
    ck_assert_ok(obs__json_dump(&dump, json, sorted, 1000, &error));
    ck_assert_str_eq(obs_buffer_data(dump), expected);
    obs_buffer_free(dump);
    json_decref(json);
}

START_TEST(documents_are_written_in_one_way)
{
    assert_dump("{\"b\":1, \"a\":[true,false,null, 0.1],\"\\u00e9\":\"\\u0000\\n\"}", 1,
                "{\"a\":[true,false,null,0.1],\"b\":1,\"\xC3\xA9\":\"\\u0000\\n\"}");
    assert_dump("{\"b\":1,\"a\":{\"d\":2,\"c\":[]}}", 0, "{\"b\":1,\"a\":{\"d\":2,\"c\":[]}}");
    assert_dump("[1.0,1e300,-2.5e-7,5e-324,123456789.125]", 0, "[1.0,1e+300,-2.5e-07,4.94065645841247e-324,123456789.125]");
    assert_dump("[0.30000000000000004]", 0, "[0.30000000000000004]");
    assert_dump("\"x\"", 0, "\"x\"");
}
END_TEST

START_TEST(integers_beyond_64_bits)
{
    json_t *json;
    assert_dump("[9223372036854775807,-9223372036854775808,9223372036854775808]", 0,
                "[9223372036854775807,-9223372036854775808,9.223372036854776e+18]");
    assert_dump("[\"99999999999999999999\",-99999999999999999999,1e-00000000000000000002,7]", 0,
                "[\"99999999999999999999\",-1e+20,0.01,7]");
    ck_assert_int_eq(load(&json, "[\n 9223372036854775808]", NULL), OBS_INVALID_ARGUMENT);
    ck_assert_int_eq(error.line, 2);
    ck_assert_ptr_nonnull(strstr(error.message, "does not fit into 64 bits"));
}
END_TEST

START_TEST(faults_say_where)
{
    json_t *json;
    const obs__json_options named = {.name = "obs.json"};
    ck_assert_int_eq(load(&json, "{\"a\": 1,\n \"a\": 2}", &named), OBS_INVALID_ARGUMENT);
    ck_assert_str_eq(error.message, "obs.json:2:2: a duplicate name in this object");
    ck_assert_int_eq(error.line, 2);
    ck_assert_int_eq(error.column, 2);
    ck_assert_int_eq(load(&json, "[\"pass\xC3\xA9word\" 7]", NULL), OBS_INVALID_ARGUMENT);
    ck_assert_ptr_null(strstr(error.message, "password"));
    ck_assert_ptr_nonnull(strstr(error.message, "line 1, column 14: "));
    ck_assert_int_eq(load(&json, "\xEF\xBB\xBF{}", &named), OBS_INVALID_ARGUMENT);
    ck_assert_str_eq(error.message, "obs.json:1:1: begins with a byte order mark: save it as UTF-8 without one");
    ck_assert_int_eq(load(&json, "\"\xFF\"", NULL), OBS_INVALID_ARGUMENT);
    ck_assert_int_eq(load(&json, "", NULL), OBS_INVALID_ARGUMENT);
    ck_assert_int_eq(load(&json, "{} {}", NULL), OBS_INVALID_ARGUMENT);
    ck_assert_int_eq(load(&json, "\"\\u0000\"", NULL), OBS_INVALID_ARGUMENT);
    ck_assert_int_eq(load(&json, "{\"a\\u0000b\":1}", &(obs__json_options){.flags = OBS__JSON_ALLOW_NUL}),
                     OBS_INVALID_ARGUMENT);
    ck_assert_str_eq(error.message, "line 1, column 2: a string with the character NUL (\\u0000) in it");
    ck_assert_int_eq(load(&json, "[1,\n 1e400]", NULL), OBS_INVALID_ARGUMENT);
    ck_assert_str_eq(error.message, "line 2, column 2: a number that does not fit into 64 bits");
    ck_assert_int_eq(load(&json, "{\"a\":{\"a\":1,\"b\":2,\"a\":3}}", NULL), OBS_INVALID_ARGUMENT);
    /* jansson's own reader passes over this byte. */
    ck_assert_int_eq(obs__json_load(&json, "[8\0]", 4, NULL, &error), OBS_INVALID_ARGUMENT);
    ck_assert_int_eq(obs__json_load(&json, NULL, 0, NULL, &error), OBS_INVALID_ARGUMENT);
    ck_assert_ptr_null(json);
}
END_TEST

START_TEST(limits_are_checked_before_parsing)
{
    json_t *json;
    const obs__json_options small = {.size_limit = 4, .depth_limit = 2};
    ck_assert_ok(load(&json, "[[]]", &small));
    json_decref(json);
    ck_assert_int_eq(load(&json, "[[] ]", &small), OBS_RESOURCE_EXHAUSTED);
    const obs__json_options flat = {.depth_limit = 2};
    ck_assert_ok(load(&json, "[\"[[[\\\"[[[\",[1],[{}]]", &(obs__json_options){.depth_limit = 3}));
    json_decref(json);
    ck_assert_int_eq(load(&json, "[\"[[[[\",\n[ {}]]", &flat), OBS_RESOURCE_EXHAUSTED);
    ck_assert_str_eq(error.message, "line 2, column 3: nested deeper than 2 levels");
    char *deep = malloc(200001);
    memset(deep, '[', 200000);
    deep[200000] = '\0';
    ck_assert_int_eq(load(&json, deep, NULL), OBS_RESOURCE_EXHAUSTED);
    free(deep);
    obs_buffer *dump;
    ck_assert_ok(load(&json, "[1,2,3]", NULL));
    ck_assert_int_eq(obs__json_dump(&dump, json, 0, 6, &error), OBS_RESOURCE_EXHAUSTED);
    json_decref(json);
}
END_TEST

START_TEST(members_have_types)
{
    json_t *json;
    const char *text = "default";
    int64_t integer = 5;
    double number = 0;
    int boolean = 0;
    const json_t *list = NULL;
    const obs__json_options options = {.flags = OBS__JSON_ALLOW_NUL};
    ck_assert_ok(load(&json, "{\"t\":\"x\",\"i\":7,\"n\":1.5,\"b\":true,\"z\":\"a\\u0000\",\"l\":[],\"null\":null}", &options));
    ck_assert_ok(obs__json_get_text(&text, json, "none", 0, &error));
    ck_assert_ok(obs__json_get_text(&text, json, "null", 0, &error));
    ck_assert_str_eq(text, "default");
    ck_assert_ok(obs__json_get_text(&text, json, "t", 1, &error));
    ck_assert_str_eq(text, "x");
    ck_assert_ok(obs__json_get_integer(&integer, json, "i", 1, &error));
    ck_assert_int_eq(integer, 7);
    ck_assert_ok(obs__json_get_number(&number, json, "i", 1, &error));
    ck_assert_ok(obs__json_get_boolean(&boolean, json, "b", 1, &error));
    ck_assert_int_eq(boolean, 1);
    ck_assert_ok(obs__json_get_list(&list, json, "l", 1, &error));
    ck_assert_int_eq(obs__json_get_text(&text, json, "none", 1, &error), OBS_INVALID_ARGUMENT);
    ck_assert_str_eq(error.message, "'none' is missing");
    ck_assert_int_eq(obs__json_get_text(&text, json, "i", 0, &error), OBS_INVALID_ARGUMENT);
    ck_assert_str_eq(error.message, "'i' must be a text, not an integer");
    ck_assert_int_eq(obs__json_get_text(&text, json, "z", 0, &error), OBS_INVALID_ARGUMENT);
    ck_assert_int_eq(obs__json_get_integer(&integer, json, "n", 0, &error), OBS_INVALID_ARGUMENT);
    ck_assert_int_eq(obs__json_get_object(&list, json, "l", 0, &error), OBS_INVALID_ARGUMENT);
    ck_assert_int_eq(obs__json_get_boolean(&boolean, list, "l", 0, &error), OBS_INVALID_ARGUMENT);
    json_decref(json);
}
END_TEST

/* Vectors that must load and that we refuse, one by one. */
static const char *const deviations[] = {
    "y_object_duplicated_key.json",           /* two members of one name: which one counts differs between readers */
    "y_object_duplicated_key_and_value.json", /* the same */
    "y_object_escaped_null_in_key.json",      /* a name with NUL: jansson has none such */
};

static int deviates(const char *name)
{
    for (size_t i = 0; i < sizeof deviations / sizeof deviations[0]; i++)
        if (strcmp(deviations[i], name) == 0)
            return 1;
    return 0;
}

START_TEST(the_json_test_suite)
{
    const char *folder = test_shared("vectors/json-test-suite");
    const obs__json_options options = {.flags = OBS__JSON_ALLOW_NUL};
    int counts[3] = {0};
    if (!folder) {
        test_skipped("json-test-suite", "../shared/vectors is not there");
        return;
    }
    DIR *listing = opendir(folder);
    ck_assert_ptr_nonnull(listing);
    for (struct dirent *entry; (entry = readdir(listing));) {
        const char *name = entry->d_name;
        const char *kind = strstr(name, ".json") ? strchr("yni", name[0]) : NULL;
        if (!kind || name[1] != '_')
            continue;
        size_t size;
        json_t *json;
        char *data = test_read(test_path(folder, name), &size);
        obs_status status = obs__json_load(&json, data, size, &options, &error);
        int loads = *kind == 'y' && !deviates(name);
        ck_assert_msg(*kind == 'i' || (status == OBS_OK) == loads, "%s: %s", name, error.message);
        ck_assert((status == OBS_OK) == (json != NULL));
        counts[*kind == 'y' ? 0 : *kind == 'n' ? 1 : 2]++;
        json_decref(json);
        free(data);
    }
    closedir(listing);
    ck_assert_int_ge(counts[0], 40);
    ck_assert_int_ge(counts[1], 80);
    ck_assert_int_ge(counts[2], 10);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {documents_are_written_in_one_way,  integers_beyond_64_bits, faults_say_where,
                                  limits_are_checked_before_parsing, members_have_types,      the_json_test_suite};
    obs_error_init(&error, sizeof error);
    return test_main("json", tests, sizeof tests / sizeof tests[0]);
}
