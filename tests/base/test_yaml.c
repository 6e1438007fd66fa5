#include "base/yaml.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "support.h"

static obs_error error;

static obs_status load(obs__yaml **out, const char *text)
{
    return obs__yaml_load(out, text, strlen(text), "obs.yaml", &error);
}

static void assert_tree(const char *text, const char *expected)
{
    obs__yaml *yaml;
    obs_buffer *dump;
    ck_assert_ok(load(&yaml, text));
    ck_assert_ok(obs__json_dump(&dump, obs__yaml_root(yaml), 0, 4000, &error));
    ck_assert_str_eq(obs_buffer_data(dump), expected);
    obs_buffer_free(dump);
    obs__yaml_free(yaml);
}

static void assert_refused(const char *text, const char *message)
{
    obs__yaml *yaml;
    ck_assert_int_eq(load(&yaml, text), OBS_INVALID_ARGUMENT);
    ck_assert_ptr_null(yaml);
    ck_assert_msg(strncmp(error.message, message, strlen(message)) == 0, "%s", error.message);
    ck_assert_int_gt(error.line, 0);
    ck_assert_int_gt(error.column, 0);
}

START_TEST(scalars_follow_the_core_schema)
{
    assert_tree(
        "[yes, no, on, off, y, 2026-11-20, 12:30, 1_000, 0b1, 1e, +, -, ., '1', \"true\", 1.2.3, 0x, 0o8, e1]",
        "[\"yes\",\"no\",\"on\",\"off\",\"y\",\"2026-11-20\",\"12:30\",\"1_000\",\"0b1\",\"1e\",\"+\",\"-\",\".\",\"1\","
        "\"true\",\"1.2.3\",\"0x\",\"0o8\",\"e1\"]");
    assert_tree("[true, False, null, ~, 7, -12, +3, 007, 0o17, 0xfF, 1.5, -.5, 2., 1e3, +1.5E-2, 00.5, 0]",
                "[true,false,null,null,7,-12,3,7,15,255,1.5,-0.5,2.0,1000.0,0.015,0.5,0]");
    assert_tree("[9223372036854775807, -9223372036854775808]", "[9223372036854775807,-9223372036854775808]");
    assert_refused("a: 9223372036854775808", "obs.yaml:1:4: an integer that does not fit into 64 bits");
    assert_refused("a: 0x8000000000000000", "obs.yaml:1:4: an integer that does not fit");
    assert_refused("a: 1e999", "obs.yaml:1:4: a number that is too large");
    assert_refused("a: -.inf", "obs.yaml:1:4: infinities");
}
END_TEST

START_TEST(trees_keep_their_order)
{
    assert_tree("store: file:store\nlist:\n- a\n- {b: 1, c: [2]}\ntext: |\n  one\n  two\n",
                "{\"store\":\"file:store\",\"list\":[\"a\",{\"b\":1,\"c\":[2]}],\"text\":\"one\\ntwo\\n\"}");
    assert_tree("", "null");
    assert_tree("# nothing\n", "null");
    assert_tree("--- {}\n...\n", "{}");
}
END_TEST

START_TEST(what_surprises_is_refused)
{
    assert_refused("a: 1\nb: 2\na: 3\n", "obs.yaml:3:1: the key 'a' is there twice");
    assert_refused("a:\n  <<: {b: 1}\n", "obs.yaml:2:3: merge keys");
    assert_refused("a: &x 1\n", "obs.yaml:1:4: anchors (&name) are not supported");
    assert_refused("a: 1\nb: *x\n", "obs.yaml:2:4: ");
    assert_refused("a: !!str 1\n", "obs.yaml:1:4: tags (!name) are not supported");
    assert_refused("a: !x {b: 1}\n", "obs.yaml:1:4: tags");
    assert_refused("a: 1\n---\nb: 1\n", "obs.yaml:3:1: a second document");
    assert_refused("? [a]\n: 1\n", "obs.yaml:1:3: a key must be a text");
    assert_refused("a: \"x\\0\"\n", "obs.yaml:1:4: a text contains the character NUL");
    assert_refused("\xEF\xBB\xBF"
                   "a: 1\n",
                   "obs.yaml:1:1: begins with a byte order mark");
    assert_refused("a: 1\nb: \xFF\n", "obs.yaml:2:1: this line is not valid UTF-8");
    assert_refused("a: b: c\n", "obs.yaml:1:5: ");
    assert_refused("a:\n\t- b\n", "obs.yaml:2:1: ");
    assert_refused("a: [1, 2\n", "obs.yaml:2:1: ");
}
END_TEST

/* "Billion laughs": anchors are refused where the first one stands. */
START_TEST(bombs_do_not_explode)
{
    obs__yaml *yaml;
    assert_refused("a: &a [x,x]\nb: &b [*a,*a]\nc: [*b,*b]\n", "obs.yaml:1:4: anchors");
    size_t size = 300000;
    char *text = malloc(size + 1);
    memset(text, '[', size);
    text[size] = '\0';
    ck_assert_int_eq(load(&yaml, text), OBS_RESOURCE_EXHAUSTED);
    ck_assert_str_eq(error.message, "obs.yaml:1:65: nested too deeply");
    for (size_t i = 0; i < size; i += 2)
        memcpy(text + i, i ? "1," : "[ ", 2);
    ck_assert_int_eq(load(&yaml, text), OBS_RESOURCE_EXHAUSTED);
    ck_assert_ptr_nonnull(strstr(error.message, "more values than a YAML file may have"));
    free(text);
    text = calloc(1, OBS__YAML_SIZE_LIMIT + 2);
    memset(text, ' ', OBS__YAML_SIZE_LIMIT + 1);
    ck_assert_int_eq(load(&yaml, text), OBS_RESOURCE_EXHAUSTED);
    free(text);
}
END_TEST

START_TEST(places_are_remembered)
{
    obs__yaml *yaml;
    int line, column;
    ck_assert_ok(load(&yaml, "store: file:store\ntenants:\n  - name: a\n  - name: b\n    'x/y~': [1, 22,\n      333]\n"));
    static const struct {
        const char *pointer;
        int of_key, line, column;
    } rows[] = {{"", 0, 1, 1},
                {"/store", 0, 1, 8},
                {"/store", 1, 1, 1},
                {"/tenants/1/name", 0, 4, 11},
                {"/tenants/1/x~1y~0/2", 0, 6, 7},
                {"/tenants/1/x~1y~0", 1, 5, 5},
                {"/tenants/1/none/deeper", 0, 4, 5},
                {"/tenants/7", 0, 3, 3},
                {"/none", 0, 1, 1}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        obs__yaml_place(yaml, rows[i].pointer, rows[i].of_key, &line, &column);
        ck_assert_msg(line == rows[i].line && column == rows[i].column, "%s: %d:%d", rows[i].pointer, line, column);
    }
    ck_assert_int_eq(obs__yaml_fail(&error, OBS_INVALID_ARGUMENT, yaml, "/tenants/1/name", "no such tenant"),
                     OBS_INVALID_ARGUMENT);
    ck_assert_str_eq(error.message, "obs.yaml:4:11: no such tenant");
    ck_assert_int_eq(error.line, 4);
    obs__yaml_free(yaml);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {scalars_follow_the_core_schema, trees_keep_their_order, what_surprises_is_refused,
                                  bombs_do_not_explode, places_are_remembered};
    obs_error_init(&error, sizeof error);
    return test_main("yaml", tests, sizeof tests / sizeof tests[0]);
}
