/* The cases of the YAML test suite. What we refuse on purpose, and where libyaml goes its own way, is in the table below with
 * its reason; a case that does something else than its line says fails the test, so the table stays true. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/yaml.h"
#include "support.h"

enum kind { REFUSED, ACCEPTED, DIFFERENT };

static const struct deviation {
    enum kind kind;
    const char *why;
    const char *said;  /* part of the message of what is refused */
    const char *cases; /* names of files, with the number of the case where a file has several */
} deviations[] = {
    {REFUSED, "a document with tags would need our types in every tool that reads it", "tags (!name) are not supported",
     "2XXW 33X3 35KP 565N 5TYM 6CK3 6WLZ 735Y 7FWL 8MK2 9WXW CC74 L94M P76L S4JQ U3C3 WZ62 Z9M4"},
    {REFUSED, "with anchors a small document can be a huge tree, and a value changes in a place where it does not stand",
     "anchors (&name) are not supported", "3R3P 6BFJ 6M2F BU8L CN3R PW8X Y2GN ZH7C ZWK4"},
    {REFUSED, "a list or a mapping as a key has no name in JSON, nor in a path", "a key must be a text",
     "4FJ6 6PBE KK5P LX3P RZP5 SBG9"},
    {REFUSED, "a file is one document: a second one would be overlooked", "a second document (---)",
     "6XDY JHB9 KSS4 L383 PUW8 U9NS"},
    {REFUSED, "a second document, which libyaml does not take without its '---'", "expected <document start>", "7Z25"},
    {REFUSED, "a second document, whose '%' libyaml takes for a directive inside the first", "expected directive name", "W4TN"},
    {REFUSED, "libyaml: the colon of a flow mapping must stand on the line of its key", "expected ',' or '}'",
     "4MUZ/0 4MUZ/1 4MUZ/2 5MUD 9SA2 K3WX NJ66 UT92 VJP3/1"},
    {REFUSED, "libyaml: no value of a flow mapping begins with a colon", "expected node content", "58MP"},
    {REFUSED, "libyaml: no document may end that did not begin", "expected node content", "QT73"},
    {REFUSED, "libyaml: no tab between what opens a line and its text", "found character that cannot start any token",
     "6BCT 6CA3 Y79Y/10"},
    {REFUSED, "libyaml: no tab behind the blanks that begin a line", "found a tab character", "Y79Y/1"},
    {ACCEPTED, "libyaml: a flow collection or quoted text may go on without indentation", NULL, "9C9N QB6E"},
    {ACCEPTED, "libyaml: a comment needs no blank in front of it where nothing else can stand", NULL, "CVW2 SU5Z X4QW"},
    {ACCEPTED, "libyaml: empty lines of a block text may have more blanks than its first line", NULL, "S98Z"},
    {ACCEPTED, "libyaml: a line of a flow collection may begin with a tab", NULL, "Y79Y/3"},
};

enum { DEVIATIONS = sizeof deviations / sizeof *deviations, NAME_SIZE = 32 };

static struct {
    int passed, deviated, failed;
    int seen[DEVIATIONS];
} counts;

static int has_word(const char *words, const char *word)
{
    size_t size = strlen(word);
    for (const char *at = words; (at = strstr(at, word)); at += size)
        if ((at == words || at[-1] == ' ') && (at[size] == ' ' || !at[size]))
            return 1;
    return 0;
}

static int count_words(const char *words)
{
    int count = *words != '\0';
    for (; *words; words++)
        count += *words == ' ';
    return count;
}

static int find_deviation(const char *name)
{
    for (int i = 0; i < DEVIATIONS; i++)
        if (has_word(deviations[i].cases, name))
            return i;
    return -1;
}

/* What happened, said in the words of the table; `fault` is the message of what was refused. */
static void count(const char *name, int right, enum kind kind, const char *fault)
{
    int at = find_deviation(name);
    int listed = !right && at >= 0 && deviations[at].kind == kind && (kind != REFUSED || strstr(fault, deviations[at].said));
    if (listed)
        counts.seen[at]++, counts.deviated++;
    else if (right && at < 0)
        counts.passed++;
    else {
        counts.failed++;
        printf("%s %s: %s\n",
               right              ? "PASSES NOW"
               : kind == REFUSED  ? "REFUSED"
               : kind == ACCEPTED ? "ACCEPTED"
                                  : "DIFFERENT",
               name, fault);
    }
}

static int starts(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

/* The suite writes what is hard to see with marks: "␣", "———»", "←", "⇔", "↵" and, at the end, "∎". */
static char *unmark(const char *text)
{
    static const struct {
        const char *mark, *means;
    } marks[] = {{"␣", " "}, {"»", "\t"}, {"—", ""}, {"←", "\r"}, {"⇔", "\xEF\xBB\xBF"}, {"↵", ""}, {"∎\n", ""}};
    char *made = malloc(strlen(text) + 1), *to = made;
    ck_assert_ptr_nonnull(made);
    while (*text) {
        size_t i = 0;
        while (i < sizeof marks / sizeof *marks && !starts(text, marks[i].mark))
            i++;
        if (i == sizeof marks / sizeof *marks) {
            *to++ = *text++;
            continue;
        }
        memcpy(to, marks[i].means, strlen(marks[i].means));
        to += strlen(marks[i].means);
        text += strlen(marks[i].mark);
    }
    *to = '\0';
    return made;
}

static const json_t *load(obs__yaml **yaml, const char *path)
{
    obs_error error;
    size_t size = 0;
    char *text = test_read(path, &size);
    obs_error_init(&error, sizeof error);
    ck_assert_ok(obs__yaml_load(yaml, text, size, path, &error));
    free(text);
    return obs__yaml_root(*yaml);
}

/* Whether the tree is what the suite says; without JSON, as where a key is a list, there is nothing to compare. */
static int is_expected(const char *name, const json_t *tree, const char *marked)
{
    static const obs__json_options options = {.flags = OBS__JSON_ALLOW_NUL};
    obs_error error;
    json_t *json = NULL;
    if (!marked)
        return 1;
    if (!*marked)
        return json_is_null(tree); /* no document at all */
    char *text = unmark(marked);
    obs_error_init(&error, sizeof error);
    obs_status status = obs__json_load(&json, text, strlen(text), &options, &error);
    ck_assert_msg(status == OBS_OK, "%s: the expected JSON: %s", name, error.message);
    int equal = json_equal(tree, json);
    json_decref(json);
    free(text);
    return equal;
}

static void run_case(const char *name, const char *marked, int must_fail, const char *json)
{
    obs_error error;
    obs__yaml *yaml = NULL;
    char *text = unmark(marked);
    obs_error_init(&error, sizeof error);
    obs_status status = obs__yaml_load(&yaml, text, strlen(text), NULL, &error);
    if (status != OBS_OK) {
        ck_assert_int_eq(status, OBS_INVALID_ARGUMENT);
        ck_assert_msg(error.message[0], "%s: no message", name);
        count(name, must_fail, REFUSED, error.message);
    } else if (must_fail)
        count(name, 0, ACCEPTED, "must be refused");
    else
        count(name, is_expected(name, obs__yaml_root(yaml), json), DIFFERENT, "another tree than the suite has");
    obs__yaml_free(yaml);
    free(text);
}

/* A later case of a file has the texts of the one before, unless it has its own (or null, for none). */
static void inherit(const char **text, const json_t *object, const char *name)
{
    const json_t *own = json_object_get(object, name);
    if (own)
        *text = json_string_value(own);
}

static void run_file(const char *folder, const char *file)
{
    obs__yaml *yaml = NULL;
    const json_t *cases = load(&yaml, test_path(folder, file));
    const char *text = NULL, *json = NULL;
    char name[NAME_SIZE];
    size_t i;
    json_t *one;
    json_array_foreach(cases, i, one)
    {
        inherit(&text, one, "yaml");
        inherit(&json, one, "json");
        snprintf(name, sizeof name, json_array_size(cases) > 1 ? "%.4s/%zu" : "%.4s", file, i);
        run_case(name, text, json_is_true(json_object_get(one, "fail")), json);
    }
    obs__yaml_free(yaml);
}

static int is_vector(const struct dirent *entry)
{
    const char *ending = strrchr(entry->d_name, '.');
    return ending && strcmp(ending, ".yaml") == 0;
}

START_TEST(suite)
{
    const char *folder = test_shared("vectors/yaml-test-suite");
    struct dirent **entries = NULL;
    if (!folder) {
        test_skipped("YAML test suite", "../shared/vectors/yaml-test-suite is not there");
        return;
    }
    int found = scandir(folder, &entries, is_vector, alphasort);
    ck_assert_int_gt(found, 0);
    for (int i = 0; i < found; i++) {
        run_file(folder, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
    printf("YAML suite: %d files, %d cases passed, %d deviations, %d wrong\n", found, counts.passed, counts.deviated,
           counts.failed);
    ck_assert_int_eq(counts.failed, 0);
    for (int i = 0; i < DEVIATIONS; i++)
        ck_assert_msg(counts.seen[i] == count_words(deviations[i].cases), "%s: %d cases seen", deviations[i].why,
                      counts.seen[i]);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {suite};
    return test_main("YAML suite", tests, sizeof tests / sizeof *tests);
}
