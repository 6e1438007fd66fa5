#include "base/yaml_edit.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/yaml.h"
#include "support.h"

static obs_error error;

/* Cuts `a.b.c` at its points. */
static size_t cut(char *name, const char **keys)
{
    size_t count = 0;
    for (char *part = strtok(name, "."); part; part = strtok(NULL, "."))
        keys[count++] = part;
    return count;
}

static obs_status edit(obs__builder *out, const char *text, const char *name, const char *value, int json)
{
    const char *keys[16];
    char copy[128];
    strcpy(copy, name);
    obs__yaml_change change = {.keys = keys, .count = cut(copy, keys), .value = value, .json = json};
    obs__builder_init(out, 1 << 20);
    return obs__yaml_edit(out, obs__view_of(text, OBS_TEXT), &change, &error);
}

static const struct {
    const char *text, *name, *value, *expected;
} edits[] = {
    /* A value in the place of another one; comments and blanks stay. */
    {"a: 1 # one\nb: 2\n", "a", "5", "a: 5 # one\nb: 2\n"},
    {"# head\n\nccd:\n  # why\n  gain: 1.5   # e-/ADU\n  bin: 2\n", "ccd.gain", "1.7",
     "# head\n\nccd:\n  # why\n  gain: 1.7   # e-/ADU\n  bin: 2\n"},
    {"a: 'x'\nb: \"y\"\n", "b", "z", "a: 'x'\nb: z\n"},
    {"name: Čerenkov\nother: ž # ü\n", "other", "1", "name: Čerenkov\nother: 1 # ü\n"},
    {"a: {b: 1, c: 2}\n", "a.b", "[1, 2]", "a: {b: [1, 2], c: 2}\n"},
    {"sites:\n- name: A\n- name: B # b\n", "sites.1.name", "C", "sites:\n- name: A\n- name: C # b\n"},
    {"list: [1, 2, 3]\n", "list.1", "9", "list: [1, 9, 3]\n"},
    {"a:\nb: 2\n", "a", "1", "a: 1\nb: 2\n"},
    {"a: |\n  long\n  text\nb: 2\n", "a", "short", "a: short\nb: 2\n"},
    {"a: one\n  two\nb: 2\n", "a", "1", "a: 1\nb: 2\n"},
    {"a:\n  b: 1\n  c: 2\nd: 3\n", "a", "{x: 1}", "a: {x: 1}\nd: 3\n"},
    {"a:\n- 1\n- 2\nd: 3\n", "a", "[]", "a: []\nd: 3\n"},
    {"a: 1\r\nb: 2\r\n", "b", "3", "a: 1\r\nb: 3\r\n"},
    {"a: 1", "a", "2", "a: 2"},
    /* A new member: behind the last one, indented like it. */
    {"", "a", "1", "a: 1\n"},
    {"# only words\n", "a.b", "1", "# only words\na:\n  b: 1\n"},
    {"a: 1\n", "b", "2", "a: 1\nb: 2\n"},
    {"a: 1", "b", "2", "a: 1\nb: 2\n"},
    {"ccd:\n    gain: 1 # x\n\n# next\nb: 2\n", "ccd.bin", "2", "ccd:\n    gain: 1 # x\n    bin: 2\n\n# next\nb: 2\n"},
    {"ccd:\n  gain: 1\n", "ccd.cooler.on", "true", "ccd:\n  gain: 1\n  cooler:\n    on: true\n"},
    {"a: {b: 1}\n", "a.c", "2", "a: {b: 1, c: 2}\n"},
    {"a: {}\n", "a.c", "2", "a: {c: 2}\n"},
    {"a: {b: {}}\n", "a.c.d.e", "2", "a: {b: {}, c: {d: {e: 2}}}\n"},
    {"a: {b: }\n", "a.b.c", "2", "a: {b: {c: 2}}\n"},
    {"a:\nb: 2\n", "a.c", "1", "a:\n  c: 1\nb: 2\n"},
    {"a: # later\nb: 2\n", "a.c", "1", "a: # later\n  c: 1\nb: 2\n"},
    {"a: ~\n", "a.c", "1", "a: \n  c: 1\n"},
    {"sites:\n- name: A\n- name: B\n", "sites.0.size", "3", "sites:\n- name: A\n  size: 3\n- name: B\n"},
    {"text: |\n  one\n", "b", "2", "text: |\n  one\nb: 2\n"},
    {"a: 1\n", "no", "2", "a: 1\nno: 2\n"},
    {"a: 1\n", "true", "2", "a: 1\n\"true\": 2\n"},
    {"a: 1\n", "12", "2", "a: 1\n\"12\": 2\n"},
    {"a: 1\n", "b c", "2", "a: 1\n\"b c\": 2\n"},
    /* A member less. */
    {"a: 1 # one\n# two\nb: 2\n", "a", NULL, "# two\nb: 2\n"},
    {"a: 1\nb: 2\n", "b", NULL, "a: 1\n"},
    {"a: {b: 1, c: 2, d: 3}\n", "a.c", NULL, "a: {b: 1, d: 3}\n"},
    {"a: {b: 1, c: 2}\n", "a.b", NULL, "a: {c: 2}\n"},
    {"a:\n  b:\n    c: 1\nd: 2\n", "a.b.c", NULL, "d: 2\n"},
    {"a: {b: 1}\n", "a.b", NULL, ""},
    {"s:\n- a: 1\n  b: 2\n", "s.0.a", NULL, "s:\n- b: 2\n"},
    {"a:\n  x: |\n    text\n  y: 1\n", "a.x", NULL, "a:\n  y: 1\n"},
};

START_TEST(values_are_changed_in_place)
{
    for (size_t i = 0; i < sizeof edits / sizeof edits[0]; i++) {
        obs__builder out;
        obs__yaml *yaml = NULL;
        obs_status status = edit(&out, edits[i].text, edits[i].name, edits[i].value, 0);
        const char *made = out.data ? out.data : "";
        ck_assert_msg(status == OBS_OK, "%s: %s", edits[i].text, error.message);
        ck_assert_msg(strcmp(made, edits[i].expected) == 0, "\n%s\nwith %s became\n%s\nnot\n%s", edits[i].text, edits[i].name,
                      made, edits[i].expected);
        ck_assert_ok(obs__yaml_load(&yaml, made, out.size, NULL, &error));
        obs__yaml_free(yaml);
        obs__builder_free(&out);
    }
}
END_TEST

START_TEST(json_stays_json)
{
    static const struct {
        const char *text, *name, *value, *expected;
    } all[] = {{"{\"a\": {\"b\": 1},\n \"c\": 2}", "a.b", "1.5", "{\"a\": {\"b\": 1.5},\n \"c\": 2}"},
               {"{\"a\": {\"b\": 1}}", "a.d.e", "\"x\"", "{\"a\": {\"b\": 1, \"d\": {\"e\": \"x\"}}}"},
               {"{}", "a", "1", "{\"a\": 1}"},
               {"{\"a\": 1, \"b\": 2}", "a", NULL, "{\"b\": 2}"}};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        obs__builder out;
        ck_assert_ok(edit(&out, all[i].text, all[i].name, all[i].value, 1));
        ck_assert_str_eq(out.data, all[i].expected);
        obs__builder_free(&out);
    }
}
END_TEST

START_TEST(what_cannot_be_changed_is_told)
{
    obs__builder out;
    ck_assert_int_eq(edit(&out, "a: 1\n", "a.b", "1", 0), OBS_INVALID_ARGUMENT);
    ck_assert_str_eq(error.message, "'a' is a value there, not a mapping: set or remove it first");
    obs__builder_free(&out);
    ck_assert_int_eq(edit(&out, "a: [1]\n", "a.1", "1", 0), OBS_INVALID_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(error.message, "the list has no item '1'"));
    obs__builder_free(&out);
    ck_assert_int_eq(edit(&out, "a: [1]\n", "a.0", NULL, 0), OBS_INVALID_ARGUMENT);
    obs__builder_free(&out);
    ck_assert_int_eq(edit(&out, "a: 1\n", "b", NULL, 0), OBS_NOT_FOUND);
    obs__builder_free(&out);
    ck_assert_int_eq(edit(&out, "a: [\n", "b", "1", 0), OBS_INVALID_ARGUMENT);
    obs__builder_free(&out);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {values_are_changed_in_place, json_stays_json, what_cannot_be_changed_is_told};
    obs_error_init(&error, sizeof error);
    return test_main("yaml_edit", tests, sizeof tests / sizeof tests[0]);
}
