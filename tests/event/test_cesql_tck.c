/* The test kit of CloudEvents SQL: every case, on the event as JSON and, where its extensions are texts, as obs_event. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/yaml.h"
#include "event/cesql.h"
#include "support.h"

static obs_error error;
static size_t cases, as_texts;

static const char *const faults[] = {
    [OBS__CESQL_FINE] = "",
    [OBS__CESQL_MATH] = "math",
    [OBS__CESQL_CAST] = "cast",
    [OBS__CESQL_MISSING_ATTRIBUTE] = "missingAttribute",
    [OBS__CESQL_MISSING_FUNCTION] = "missingFunction",
    [OBS__CESQL_FUNCTION_EVALUATION] = "functionEvaluation",
};

/* The event of a case: its own, or any with what the case puts over it. */
static json_t *event_of(const json_t *test)
{
    json_t *event = json_deep_copy(json_object_get(test, "event"));
    if (!event)
        event = json_pack("{s:s,s:s,s:s,s:s}", "specversion", "1.0", "id", "1", "source", "/kit", "type", "org.example.kit");
    ck_assert_ptr_nonnull(event);
    json_object_update(event, json_object_get(test, "eventOverrides"));
    return event;
}

static int has_texts_only(const json_t *event)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)event, name, value) if (!json_is_string(value)) return 0;
    return 1;
}

static void check_value(const char *name, const obs__cesql_value *value, const json_t *wanted)
{
    if (json_is_boolean(wanted)) {
        ck_assert_msg(value->type == OBS__CESQL_BOOLEAN, "%s: type %d is not Boolean", name, value->type);
        ck_assert_msg(value->number == json_is_true(wanted), "%s: %d", name, value->number);
    } else if (json_is_integer(wanted)) {
        ck_assert_msg(value->type == OBS__CESQL_INTEGER, "%s: type %d is not Integer", name, value->type);
        ck_assert_msg(value->number == json_integer_value(wanted), "%s: %d", name, value->number);
    } else {
        ck_assert_msg(json_is_string(wanted), "%s: no result is told", name);
        ck_assert_msg(value->type == OBS__CESQL_STRING, "%s: type %d is not String", name, value->type);
        ck_assert_msg(obs__view_is(value->text, json_string_value(wanted)), "%s: '%.*s'", name, (int)value->text.size,
                      value->text.data);
    }
}

static void check_result(const char *name, const obs__cesql_result *result, const json_t *test)
{
    const char *fault = json_string_value(json_object_get(test, "error"));
    ck_assert_msg(strcmp(faults[result->fault], fault ? fault : "") == 0, "%s: error '%s'", name, faults[result->fault]);
    ck_assert_msg((result->place > 0) == (result->fault != OBS__CESQL_FINE), "%s: place %d", name, result->place);
    check_value(name, &result->value, json_object_get(test, "result"));
}

static void check_event(const char *name, const obs__cesql *program, const json_t *test, const json_t *json)
{
    obs__cesql_result result;
    obs_event *event = NULL;
    char *text = json_dumps(json, 0);
    ck_assert_ok(obs__cesql_evaluate_json(&result, program, obs__view_of(text, OBS_TEXT), &error));
    check_result(name, &result, test);
    obs__cesql_result_free(&result);
    if (has_texts_only(json)) {
        ck_assert_ok(obs_event_decode(&event, text, OBS_TEXT, &error));
        ck_assert_ok(obs__cesql_evaluate(&result, program, event, &error));
        check_result(name, &result, test);
        obs__cesql_result_free(&result);
        as_texts++;
    }
    obs_event_free(event);
    free(text);
}

static void check_case(const char *file, const json_t *test)
{
    char name[300];
    obs__cesql *program = NULL;
    const char *expression = json_string_value(json_object_get(test, "expression"));
    const char *fault = json_string_value(json_object_get(test, "error"));
    char *literal = expression ? NULL : json_dumps(json_object_get(test, "expression"), JSON_ENCODE_ANY); /* YAML's 0, TRUE */
    snprintf(name, sizeof name, "%s: %s: %s", file, json_string_value(json_object_get(test, "name")),
             expression ? expression : literal);
    obs_status status = obs__cesql_compile(&program, expression ? expression : literal, OBS_TEXT, &error);
    cases++;
    if (fault && strcmp(fault, "parse") == 0) {
        ck_assert_msg(status == OBS_INVALID_ARGUMENT && !program && error.column > 0, "%s: is parsed", name);
    } else {
        ck_assert_msg(status == OBS_OK, "%s: %s", name, error.message);
        json_t *event = event_of(test);
        check_event(name, program, test, event);
        json_decref(event);
    }
    obs__cesql_free(program);
    free(literal);
}

static void check_file(const char *path, const char *file)
{
    size_t size, index;
    json_t *test;
    obs__yaml *yaml = NULL;
    char *text = test_read(path, &size);
    ck_assert_ok(obs__yaml_load(&yaml, text, size, file, &error));
    json_t *tests = json_object_get(obs__yaml_root(yaml), "tests");
    ck_assert_uint_gt(json_array_size(tests), 0);
    json_array_foreach(tests, index, test) check_case(file, test);
    obs__yaml_free(yaml);
    free(text);
}

START_TEST(the_test_kit)
{
    const char *folder = test_shared("vectors/cesql-tck");
    size_t files = 0;
    if (!folder) {
        test_skipped("CESQL test kit", "../shared/vectors/cesql-tck is not there");
        return;
    }
    obs_error_init(&error, sizeof error);
    DIR *entries = opendir(folder);
    ck_assert_ptr_nonnull(entries);
    for (struct dirent *entry = readdir(entries); entry; entry = readdir(entries))
        if (strstr(entry->d_name, ".yaml")) {
            check_file(test_path(folder, entry->d_name), entry->d_name);
            files++;
        }
    closedir(entries);
    printf("%zu cases in %zu files, %zu of them also as obs_event\n", cases, files, as_texts);
    ck_assert_uint_eq(files, 18);
    ck_assert_uint_ge(cases, 275);
    ck_assert_uint_ge(as_texts, 271);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {the_test_kit};
    return test_main("cesql test kit", tests, sizeof tests / sizeof *tests);
}
