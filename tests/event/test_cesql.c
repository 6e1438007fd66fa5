/* CloudEvents SQL: what the test kit does not ask. Grammar, casts, errors and their places, limits, Unicode. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "event/cesql.h"
#include "support.h"

static obs_error error;
static const obs_pair extensions[] = {{"hops", "7"}, {"site", "Kitt Peak"}, {"yes", "true"}, {"empty", ""}};

static obs_event sample(void)
{
    obs_event event;
    obs_event_init(&event, sizeof event);
    event.id = "1";
    event.source = "/dome/roof";
    event.type = "org.example.frame";
    event.subject = "raw/ccd-0421.fits";
    event.extensions = extensions;
    event.extension_count = 4;
    return event;
}

/* What an expression gives for the sample, as text: `true`, `7`, `'x'`, with its error behind it. */
static const char *result_of(const char *expression)
{
    static const char *const faults[] = {"", " math", " cast", " attribute", " function", " evaluation"};
    static char text[4096];
    obs__cesql *program = NULL;
    obs__cesql_result result;
    obs_event event = sample();
    obs_status status = obs__cesql_compile(&program, expression, OBS_TEXT, &error);
    ck_assert_msg(status == OBS_OK, "%s: %s", expression, error.message);
    ck_assert_ok(obs__cesql_evaluate(&result, program, &event, &error));
    const char *fault = faults[result.fault];
    if (result.value.type == OBS__CESQL_STRING)
        snprintf(text, sizeof text, "'%.*s'%s", (int)result.value.text.size, result.value.text.data, fault);
    else if (result.value.type == OBS__CESQL_INTEGER)
        snprintf(text, sizeof text, "%d%s", result.value.number, fault);
    else
        snprintf(text, sizeof text, "%s%s", result.value.number ? "true" : "false", fault);
    obs__cesql_result_free(&result);
    obs__cesql_free(program);
    return text;
}

typedef struct expectation {
    const char *expression;
    const char *result;
} expectation;

static void check_all(const expectation *all, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *result = result_of(all[i].expression);
        ck_assert_msg(strcmp(result, all[i].result) == 0, "%s gives %s, not %s", all[i].expression, result, all[i].result);
    }
}
#define CHECK_ALL(all) check_all(all, sizeof(all) / sizeof *(all))

START_TEST(operators_bind_as_the_specification_says)
{
    static const expectation all[] = {
        {"2 + 3 * 4", "14"},
        {"2 * 3 + 4", "10"},
        {"20 - 5 - 3", "12"},
        {"20 / 5 / 2", "2"},
        {"7 % 4 * 2", "6"},
        {"-7 % 4", "-3"},
        {"-7 / 2", "-3"},
        {"4-1", "3"},
        {"4 -1", "3"},
        {"4 - -1", "5"},
        {"4+-1", "3"},
        {"4 + +1", "5"},
        {"- 10", "-10"},
        {"-hops", "-7"},
        {"-1a = 1", "false attribute"}, /* 1a is a name */
        {"1 + 1 = 2", "true"},
        {"1 < 2 = TRUE", "true"}, /* one level, from the left */
        {"TRUE OR TRUE AND FALSE", "false"},
        {"FALSE AND FALSE OR TRUE", "true"},
        {"TRUE XOR TRUE XOR TRUE", "true"},
        {"TRUE OR 1 / 0 = 1 AND FALSE", "false"},
        {"NOT FALSE AND FALSE", "false"},
        {"NOT yes = FALSE", "true"}, /* NOT binds tighter than = */
        {"NOT NOT yes", "true"},
        {"NOT EXISTS nothing AND EXISTS hops", "true"},
        {"NOT 'false' LIKE 't%'", "true"}, /* (NOT 'false') LIKE */
        {"-hops IN (-7)", "true"},
        {"hops IN (1, 7) IN (TRUE)", "true"},
        {"1 + hops IN (7)", "2"}, /* IN binds tighter than + */
        {"site LIKE 'Kitt%' = TRUE", "true"},
        {"hops not in (1)", "true"},
        {"((((hops))))", "'7'"},
        {"SOURCE", "'/dome/roof'"},
        {"sPecVersion", "'1.0'"},
        {" \t\r\nTRUE\n", "true"},
    };
    CHECK_ALL(all);
}
END_TEST

START_TEST(values_are_cast_as_the_specification_says)
{
    static const expectation all[] = {
        {"hops = 7", "true"},
        {"hops = '7'", "true"},
        {"hops = '07'", "false"},
        {"'07' = 7", "true"},
        {"'+7' = 7", "true"},
        {"' 7' = 7", "false cast"},
        {"'' = 7", "false cast"},
        {"'-' = 7", "false cast"},
        {"'2147483647' = 2147483647", "true"},
        {"'2147483648' = 0", "false cast"},
        {"'-2147483648' = -2147483648", "true"},
        {"'-2147483649' = 0", "false cast"},
        {"'99999999999999999999999999' = 0", "false cast"},
        {"'x' != 7", "false cast"},
        {"5 = TRUE", "true"},
        {"0 = FALSE", "true"},
        {"TRUE = 1", "true"},
        {"TRUE = 5", "false"},
        {"TRUE < 2", "true"},
        {"'TrUe' AND 1", "true"},
        {"0 OR 'false'", "false"},
        {"'maybe' OR TRUE", "false cast"},
        {"TRUE XOR 'maybe'", "false cast"},
        {"NOT 0", "true cast"},
        {"NOT 'maybe'", "true cast"},
        {"STRING(-2147483648)", "'-2147483648'"},
        {"CONCAT(1, TRUE, 'x')", "'1truex'"},
        {"LENGTH(-10)", "3"},
        {"1 IN ('x', 1)", "false cast"},
        {"1 IN (1, 'x')", "true"},
        {"hops IN (7)", "true"},
        {"TRUE IN (0, 3)", "true"},
        {"INT('0x1')", "0 cast"},
        {"'a' + 1", "0 cast"},
    };
    CHECK_ALL(all);
}
END_TEST

START_TEST(errors_end_the_evaluation)
{
    static const expectation all[] = {
        {"nothing", "false attribute"},
        {"empty", "false attribute"},
        {"EXISTS empty", "false"},
        {"EXISTS specversion", "true"},
        {"EXISTS time", "false"},
        {"EXISTS data", "false"},
        {"nothing = 'x' OR TRUE", "false attribute"},
        {"TRUE OR nothing = 'x'", "true"},
        {"EXISTS nothing AND nothing = 'x'", "false"},
        {"FALSE AND nothing", "false"},
        {"CONCAT('a', nothing)", "'' attribute"},
        {"LENGTH(nothing)", "0 attribute"},
        {"NOT (nothing = 1)", "false attribute"},
        {"1 + LEFT('1', -1)", "0 evaluation"},
        {"LEFT('abc', -1)", "'abc' evaluation"},
        {"2147483647 + 1", "0 math"},
        {"-2147483648 - 1", "0 math"},
        {"65536 * 65536", "0 math"},
        {"-2147483648 / -1", "0 math"},
        {"-2147483648 % -1", "0"},
        {"-(-2147483648)", "0 math"},
        {"ABS(-2147483648) > 0", "false math"},
        {"1 % 0", "0 math"},
        {"NOPE()", "false function"},
        {"NOPE(1 / 0, nothing)", "false function"},
        {"TRUE OR NOPE()", "true"},
        {"LENGTH(NOPE(1))", "0 function"},
        {"LENGTH()", "false function"},
        {"ABS(1, 2)", "false function"},
        {"SUBSTRING('a')", "false function"},
        {"1 IN (NOPE(1 IN (2, 3)), 1)", "false function"},
    };
    CHECK_ALL(all);
}
END_TEST

START_TEST(texts_are_of_unicode)
{
    static const expectation all[] = {
        {"LENGTH('Čerenkov €')", "10"},
        {"LENGTH('😀')", "1"},
        {"LEFT('Čerenkov', 2)", "'Če'"},
        {"RIGHT('a€😀', 2)", "'€😀'"},
        {"RIGHT('abc', 0)", "''"},
        {"SUBSTRING('a€😀b', 2, 2)", "'€😀'"},
        {"SUBSTRING('a€😀b', -2)", "'😀b'"},
        {"SUBSTRING('abc', 1, -1)", "'' evaluation"},
        {"SUBSTRING('abc', 0, -1)", "'' evaluation"},
        {"SUBSTRING('abc', 2, 2147483647)", "'bc'"},
        {"SUBSTRING('abc', -2147483648)", "'' evaluation"},
        {"SUBSTRING('abc', 1, 0)", "''"},
        {"SUBSTRING('', 0)", "''"},
        {"SUBSTRING('', 1)", "'' evaluation"},
        {"UPPER('čerenkov ßÿ')", "'ČERENKOV ßŸ'"},
        {"LOWER('ČERENKOV ΑΩ ЯҐ İ')", "'čerenkov αω яґ i'"},
        {"UPPER('ɐ')", "'Ɐ'"}, /* two bytes become three */
        {"LOWER('K')", "'k'"}, /* U+212A: three become one */
        {"UPPER('ǅ𐐨')", "'Ǆ𐐀'"},
        {"TRIM('\u00A0\u2003 a b\u3000\t')", "'a b'"},
        {"TRIM('\u200Ba')", "'\u200Ba'"}, /* a zero width space is none */
        {"TRIM('  ')", "''"},
        {"CONCAT_WS('-', '', 'a', '')", "'-a-'"},
        {"'it\\'s' = \"it's\"", "true"},
        {"'a\\\\' ", "'a\\\\'"},
        {"'a\\\"b'", "'a\\\"b'"},
        {"\"a\\'b\"", "'a\\'b'"},
        {"'\n'", "'\n'"},
    };
    CHECK_ALL(all);
}
END_TEST

START_TEST(like_matches_characters)
{
    static const expectation all[] = {
        {"'' LIKE ''", "true"},
        {"'' LIKE '%'", "true"},
        {"'' LIKE '_'", "false"},
        {"'a' LIKE ''", "false"},
        {"'€' LIKE '_'", "true"},
        {"'€€' LIKE '%_'", "true"},
        {"'€' LIKE '%__'", "false"},
        {"'a€b' LIKE 'a_b'", "true"},
        {"'aab' LIKE '%ab'", "true"},
        {"'abab' LIKE '%ab'", "true"},
        {"'abcabd' LIKE '%ab_'", "true"},
        {"'mississippi' LIKE '%iss%ip%'", "true"},
        {"'mississippi' LIKE '%iss%iss%iss%'", "false"},
        {"'ABC' LIKE 'abc'", "false"},
        {"'100%' LIKE '100\\%'", "true"},
        {"'100x' LIKE '100\\%'", "false"},
        {"'a\\\\b' LIKE 'a\\\\b'", "true"},
        {"'a\\\\%' LIKE 'a\\\\\\%'", "true"}, /* a backslash, then % itself */
        {"'it\\'s' LIKE '%\\'s'", "true"},
        {"'a' LIKE '%%%%a%%%'", "true"},
        {"source LIKE '/%/roof'", "true"},
    };
    CHECK_ALL(all);
}
END_TEST

START_TEST(like_takes_no_more_than_both_sizes)
{
    char expression[8300], text[4097];
    obs__cesql *program = NULL;
    obs_event event = sample();
    struct timespec from, to;
    size_t size = (size_t)snprintf(expression, sizeof expression, "subject LIKE '");
    for (int i = 0; i < 1000; i++)
        size += (size_t)snprintf(expression + size, sizeof expression - size, "%%aaa_");
    snprintf(expression + size, sizeof expression - size, "%%b'");
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    event.subject = text;
    int matches = 1;
    ck_assert_ok(obs__cesql_compile_filter(&program, expression, OBS_TEXT, &error));
    clock_gettime(CLOCK_MONOTONIC, &from);
    ck_assert_ok(obs__cesql_matches(&matches, program, &event, &error));
    clock_gettime(CLOCK_MONOTONIC, &to);
    ck_assert_int_eq(matches, 0);
    ck_assert_int_lt(to.tv_sec - from.tv_sec, 5);
    obs__cesql_free(program);
}
END_TEST

static void refused(int filter, const char *expression, int line, int column, const char *words)
{
    obs__cesql *program = (obs__cesql *)(uintptr_t)1;
    obs_status status = filter ? obs__cesql_compile_filter(&program, expression, OBS_TEXT, &error)
                               : obs__cesql_compile(&program, expression, OBS_TEXT, &error);
    ck_assert_msg(status == OBS_INVALID_ARGUMENT && !program, "%s is compiled", expression);
    ck_assert_msg(strstr(error.message, words) != NULL, "%s: '%s' does not say '%s'", expression, error.message, words);
    ck_assert_msg(error.line == line && error.column == column, "%s: line %d, column %d", expression, error.line, error.column);
}

START_TEST(wrong_expressions_are_told_where)
{
    static const struct {
        const char *expression;
        int column;
        const char *words;
    } all[] = {
        {"", 1,
         "expected a value: an attribute, a text in quotes, a number, TRUE, FALSE, a function or '(', but the expression"},
        {"  ", 3, "but the expression ends here"},
        {"type =", 7, "expected a value"},
        {"type == 'x'", 7, "not '='"},
        {"type = 'x' subject", 12, "expected an operator or the end, not 'subject'"},
        {"type = 'x", 8, "this quote is never closed"},
        {"'x\\'", 1, "this quote is never closed"},
        {"'it''s'", 5, "expected an operator or the end"},
        {"(type = 'x'", 12, "expected an operator or ')', but"},
        {"type = 'x')", 11, "not ')'"},
        {"ABS(1", 6, "expected an operator, ',' or ')'"},
        {"ABS(1,)", 7, "expected a value"},
        {"ABS(,1)", 5, "expected a value"},
        {"type LIKE subject", 11, "expected a text in quotes behind LIKE"},
        {"type LIKE", 10, "expected a text in quotes behind LIKE"},
        {"type NOT = 'x'", 10, "expected LIKE or IN behind NOT"},
        {"type IN 'x'", 9, "expected '(' behind IN"},
        {"type IN ()", 10, "expected a value"},
        {"EXISTS 'x'", 8, "expected the name of an attribute behind EXISTS"},
        {"EXISTS and", 8, "expected the name of an attribute"},
        {"EXISTS (x)", 8, "expected the name of an attribute"},
        {"2147483648", 1, "between -2147483648 and 2147483647"},
        {"-2147483649", 1, "between -2147483648 and 2147483647"},
        {"- 2147483648", 3, "between -2147483648 and 2147483647"},
        {"99999999999999999999", 1, "between"},
        {"+ 1", 3, "expected digits directly behind '+'"},
        {"+hops", 2, "expected digits directly behind '+'"},
        {"my_site = 1", 1, "only letters and digits"},
        {"my2(1)", 1, "only letters"},
        {"_my(1)", 1, "only letters"},
        {"a ! b", 3, "not '!'"},
        {"a = €", 5, "not '€'"},
        {"'€€' = #", 8, "not '#'"},
        {"type = \x01", 8, "expected a value"},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        refused(0, all[i].expression, 1, all[i].column, all[i].words);
    refused(0, "type = 'x'\n  AND (\n  1", 3, 4, "expected an operator or ')'");
    obs__cesql *program = NULL;
    ck_assert_int_eq(obs__cesql_compile(&program, "'\xFF'", OBS_TEXT, &error), OBS_INVALID_ARGUMENT);
    ck_assert_int_eq(obs__cesql_compile(&program, "'a\0b'", 5, &error), OBS_INVALID_ARGUMENT);
}
END_TEST

START_TEST(filters_that_let_nothing_pass_are_refused)
{
    refused(1, "type", 1, 1, "this is always a text: compare it");
    refused(1, "1 + 2", 1, 1, "this is always an integer");
    refused(1, "UPPER(hops)", 1, 1, "always a text");
    refused(1, "TRUE OR LENGHT(type) = 1", 1, 9, "there is no function LENGHT: did you mean LENGTH?");
    refused(1, "TRUE OR xyzzy(type)", 1, 9, "there is no function XYZZY");
    refused(1, "LEFT(type) = 'a'", 1, 1, "LEFT does not take 1 arguments");
    refused(1, "data LIKE '%x%'", 1, 1, "a filter sees the attributes of an event, not its data");
    static const char *const right[] = {"TRUE",     "yes",           "hops IN (1)", "NOT yes",
                                        "EXISTS x", "type LIKE 'a'", "BOOL(yes)",   "(yes)"};
    for (size_t i = 0; i < sizeof right / sizeof *right; i++) {
        obs__cesql *program = NULL;
        ck_assert_ok(obs__cesql_compile_filter(&program, right[i], OBS_TEXT, &error));
        obs__cesql_free(program);
    }
}
END_TEST

static int matches(const char *filter)
{
    int out = -1;
    obs__cesql *program = NULL;
    obs_event event = sample();
    ck_assert_ok(obs__cesql_compile(&program, filter, OBS_TEXT, &error));
    ck_assert_ok(obs__cesql_matches(&out, program, &event, &error));
    obs__cesql_free(program);
    return out;
}

START_TEST(only_true_passes)
{
    ck_assert_int_eq(matches("TRUE"), 1);
    ck_assert_int_eq(matches("FALSE"), 0);
    ck_assert_int_eq(matches("yes"), 0); /* the text 'true' */
    ck_assert_int_eq(matches("BOOL(yes)"), 1);
    ck_assert_int_eq(matches("1"), 0);
    ck_assert_int_eq(matches("NOT 10"), 0); /* true, with an error */
    ck_assert_int_eq(matches("nothing = 1"), 0);
    ck_assert_int_eq(matches("nothing != 1"), 0);
}
END_TEST

/* Fills `text` with `count` times `part` between `begin` and `end`. */
static char *repeated(const char *begin, const char *part, size_t count, const char *end)
{
    char *text = malloc(strlen(begin) + count * strlen(part) + strlen(end) + 1);
    ck_assert_ptr_nonnull(text);
    char *to = stpcpy(text, begin);
    for (size_t i = 0; i < count; i++)
        to = stpcpy(to, part);
    strcpy(to, end);
    return text;
}

static void limit(char *text, const char *words)
{
    obs__cesql *program = NULL;
    obs_status status = obs__cesql_compile(&program, text, OBS_TEXT, &error);
    if (words)
        ck_assert_msg(status == OBS_INVALID_ARGUMENT && strstr(error.message, words), "'%s' is not '%s'", error.message, words);
    else
        ck_assert_ok(status);
    obs__cesql_free(program);
    free(text);
}

START_TEST(limits_are_told)
{
    limit(repeated("", "NOT ", 63, "TRUE"), NULL);
    limit(repeated("", "NOT ", 64, "TRUE"), "nested too deeply");
    limit(repeated("", "(", 64, "TRUE"), "nested too deeply");
    limit(repeated("", "(", 8000, "TRUE"), "nested too deeply");
    limit(repeated("", "- ", 8000, "1"), "nested too deeply");
    limit(repeated("", "ABS(", 4000, "1"), "nested too deeply");
    limit(repeated("1 IN (", "1 IN (", 2000, "1"), "nested too deeply");
    limit(repeated("CONCAT('a'", ",'a'", 127, ")"), NULL);
    limit(repeated("CONCAT('a'", ",'a'", 128, ")"), "too many values wait");
    limit(repeated("1 IN (1", ",1", 2000, ")"), NULL);
    limit(repeated("1 IN (1", ",1", 2100, ")"), "too long: at most 4,096");
    limit(repeated("'", "x", 16382, "'"), NULL);
    limit(repeated("'", "x", 16383, "'"), "longer than 16384 bytes");
    char names[1024] = "a IN (";
    for (int i = 0; i < 63; i++)
        sprintf(names + strlen(names), "x%d,", i);
    limit(repeated(names, "a", 1, ")"), NULL);
    limit(repeated(names, "b", 1, ")"), "at most 64 different attributes");
}
END_TEST

START_TEST(made_texts_are_bounded)
{
    char name[4097], expression[512] = "LENGTH(CONCAT(subject";
    obs__cesql *program = NULL;
    obs__cesql_result result;
    obs_event event = sample();
    memset(name, 'a', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    event.subject = name;
    for (int i = 0; i < 15; i++)
        strcat(expression, ",subject");
    size_t size = strlen(expression);
    strcat(expression, "))");
    ck_assert_ok(obs__cesql_compile(&program, expression, OBS_TEXT, &error));
    ck_assert_ok(obs__cesql_evaluate(&result, program, &event, &error));
    ck_assert_int_eq(result.fault, OBS__CESQL_FINE);
    ck_assert_int_eq(result.value.number, OBS__CESQL_STRING_MAX);
    obs__cesql_result_free(&result);
    obs__cesql_free(program);
    strcpy(expression + size, ",'b'))");
    ck_assert_ok(obs__cesql_compile(&program, expression, OBS_TEXT, &error));
    ck_assert_ok(obs__cesql_evaluate(&result, program, &event, &error));
    ck_assert_int_eq(result.fault, OBS__CESQL_FUNCTION_EVALUATION);
    ck_assert_int_eq(result.place, 8);
    obs__cesql_result_free(&result);
    obs__cesql_free(program);
}
END_TEST

static const char *json_result(const char *expression, const char *json)
{
    static char text[256];
    obs__cesql *program = NULL;
    obs__cesql_result result;
    ck_assert_ok(obs__cesql_compile(&program, expression, OBS_TEXT, &error));
    obs_status status = obs__cesql_evaluate_json(&result, program, obs__view_of(json, OBS_TEXT), &error);
    snprintf(text, sizeof text, "%s", "refused");
    if (status == OBS_OK)
        snprintf(text, sizeof text, "%d %d %.*s %d", result.value.type, result.value.number, (int)result.value.text.size,
                 result.value.text.data, result.fault);
    obs__cesql_result_free(&result);
    obs__cesql_free(program);
    return text;
}

START_TEST(events_are_read_as_json)
{
    static const char json[] =
        "{\"specversion\":\"1.0\",\"id\":\"a\\\"\\u20acb\",\"n\":-3,\"yes\":true,\"no\":false,\"none\":null,"
        "\"big\":2147483648,\"real\":1.5,\"data\":{\"id\":\"inner\",\"last\":1},\"empty\":\"\",\"last\":7}";
    ck_assert_str_eq(json_result("id", json), "3 0 a\"€b 0");
    ck_assert_str_eq(json_result("n", json), "2 -3  0");
    ck_assert_str_eq(json_result("yes", json), "1 1  0");
    ck_assert_str_eq(json_result("no OR yes", json), "1 1  0");
    ck_assert_str_eq(json_result("EXISTS none OR EXISTS empty OR EXISTS data", json), "1 0  0");
    ck_assert_str_eq(json_result("big", json), "3 0 2147483648 0");
    ck_assert_str_eq(json_result("real", json), "3 0 1.5 0");
    ck_assert_str_eq(json_result("last + n", json), "2 4  0");
    ck_assert_str_eq(json_result("type", json), "1 0  3");
    ck_assert_str_eq(json_result("type", "[]"), "refused");
    ck_assert_str_eq(json_result("type", "{\"id\":\"a\",\"type\":"), "refused");
    ck_assert_str_eq(json_result("type", ""), "refused");
    ck_assert_str_eq(json_result("1 + 1", "[]"), "refused");
    ck_assert_str_eq(json_result("id", "{\"id\":\"a\", what follows is not read"), "3 0 a 0");
}
END_TEST

START_TEST(faults_are_explained)
{
    static const expectation all[] = {
        {"1 = nothing", "nothing at byte 5: the event has no such attribute: write EXISTS before it"},
        {"hops / 0 = 1", "at byte 6: a number is divided by zero, or becomes too large"},
        {"site = 1", "at byte 6: a value cannot be read as the type that is needed"},
        {"FOO()", "FOO at byte 1: there is no such function"},
        {"site", "it is neither true nor false"},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        char text[256];
        obs__cesql *program = NULL;
        obs__cesql_result result;
        obs_event event = sample();
        ck_assert_ok(obs__cesql_compile(&program, all[i].expression, OBS_TEXT, &error));
        ck_assert_ok(obs__cesql_evaluate(&result, program, &event, &error));
        obs__cesql_explain(text, sizeof text, &result);
        ck_assert_str_eq(text, all[i].result);
        obs__cesql_result_free(&result);
        obs__cesql_free(program);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        operators_bind_as_the_specification_says,
        values_are_cast_as_the_specification_says,
        errors_end_the_evaluation,
        texts_are_of_unicode,
        like_matches_characters,
        like_takes_no_more_than_both_sizes,
        wrong_expressions_are_told_where,
        filters_that_let_nothing_pass_are_refused,
        only_true_passes,
        limits_are_told,
        made_texts_are_bounded,
        events_are_read_as_json,
        faults_are_explained,
    };
    obs_error_init(&error, sizeof error);
    return test_main("cesql", tests, sizeof tests / sizeof *tests);
}
