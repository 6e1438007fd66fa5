/* The vectors of the JSON Schema test suite, draft 2020-12. Every deviation is in the table below, with its reason; one that
 * starts to pass fails the test, so the table stays true. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/schema.h"
#include "support.h"

static const struct deviation {
    const char *file, *group, *test, *why;
} deviations[] = {
    {NULL, NULL, NULL, NULL}, /* the end; there is none at present */
};

enum { DEVIATIONS = sizeof deviations / sizeof *deviations - 1, DOCUMENTS_MAX = 64 };

static struct {
    int passed, deviated, failed, files;
    int seen[DEVIATIONS + 1];
} counts;

static struct {
    char *uri;
    json_t *json;
} documents[DOCUMENTS_MAX];
static size_t document_count;

static json_t *load(const char *path)
{
    static const obs__json_options options = {.flags = OBS__JSON_BIG_AS_REAL | OBS__JSON_ALLOW_NUL};
    obs_error error;
    json_t *json = NULL;
    size_t size = 0;
    char *text = test_read(path, &size);
    obs_error_init(&error, sizeof error);
    ck_assert_ok(obs__json_load(&json, text, size, &options, &error));
    free(text);
    return json;
}

static const json_t *remote(void *user, const char *uri)
{
    static const char host[] = "http://localhost:1234/";
    (void)user;
    if (strncmp(uri, host, sizeof host - 1) != 0)
        return NULL;
    for (size_t i = 0; i < document_count; i++)
        if (strcmp(documents[i].uri, uri) == 0)
            return documents[i].json;
    char relative[512];
    snprintf(relative, sizeof relative, "vectors/json-schema/remotes/%s", uri + sizeof host - 1);
    const char *path = test_shared(relative);
    if (!path || document_count == DOCUMENTS_MAX)
        return NULL;
    documents[document_count].uri = strdup(uri);
    documents[document_count].json = load(path);
    return documents[document_count++].json;
}

static void forget_documents(void)
{
    while (document_count) {
        document_count--;
        free(documents[document_count].uri);
        json_decref(documents[document_count].json);
    }
}

static int find_deviation(const char *file, const char *group, const char *test)
{
    for (int i = 0; i < DEVIATIONS; i++)
        if (strcmp(deviations[i].file, file) == 0 && strcmp(deviations[i].group, group) == 0 &&
            strcmp(deviations[i].test, test) == 0)
            return i;
    return -1;
}

static void count(const char *file, const char *group, const char *test, int right, const char *message)
{
    int at = find_deviation(file, group, test);
    if (at >= 0)
        counts.seen[at]++;
    if (right && at < 0)
        counts.passed++;
    else if (!right && at >= 0)
        counts.deviated++;
    else {
        counts.failed++;
        printf("%s: %s | %s | %s: %s\n", right ? "PASSES NOW" : "FAILED", file, group, test, message);
    }
}

static void run_group(const char *file, const json_t *group, unsigned flags)
{
    static const obs__schema_loader loader = {remote, NULL};
    const char *name = json_string_value(json_object_get(group, "description"));
    json_t *tests = json_object_get(group, "tests");
    size_t i;
    json_t *test;
    obs_error error;
    obs__schema *schema = NULL;
    obs_error_init(&error, sizeof error);
    obs_status compiled = obs__schema_compile_with(&schema, json_object_get(group, "schema"), flags, &loader, &error);
    json_array_foreach(tests, i, test)
    {
        const char *title = json_string_value(json_object_get(test, "description"));
        int valid = json_is_true(json_object_get(test, "valid"));
        obs_status status = compiled;
        if (compiled == OBS_OK)
            status = obs__schema_validate(schema, json_object_get(test, "data"), &error);
        int right = compiled == OBS_OK && status == (valid ? OBS_OK : OBS_REFUSED);
        count(file, name, title, right, status ? error.message : "accepted");
    }
    obs__schema_free(schema);
}

static void run_file(const char *folder, const char *file, unsigned flags)
{
    json_t *groups = load(test_path(folder, file));
    size_t i;
    json_t *group;
    json_array_foreach(groups, i, group) run_group(file, group, flags);
    counts.files++;
    json_decref(groups);
}

static int is_vector(const struct dirent *entry)
{
    const char *ending = strrchr(entry->d_name, '.');
    return ending && strcmp(ending, ".json") == 0;
}

static void run_folder(const char *relative, unsigned flags)
{
    const char *folder = test_shared(relative);
    struct dirent **entries = NULL;
    ck_assert_ptr_nonnull(folder);
    int found = scandir(folder, &entries, is_vector, alphasort);
    ck_assert_int_gt(found, 0);
    for (int i = 0; i < found; i++) {
        run_file(folder, entries[i]->d_name, flags);
        free(entries[i]);
    }
    free(entries);
}

START_TEST(suite)
{
    if (!test_shared("vectors/json-schema/draft2020-12/type.json")) {
        test_skipped("JSON Schema test suite", "../shared/vectors/json-schema is not there");
        return;
    }
    run_folder("vectors/json-schema/draft2020-12", 0);
    run_folder("vectors/json-schema/draft2020-12/optional", 0);
    run_folder("vectors/json-schema/draft2020-12/optional/format", OBS__SCHEMA_FORMATS);
    forget_documents();
    printf("JSON Schema suite: %d files, %d tests passed, %d deviations, %d wrong\n", counts.files, counts.passed,
           counts.deviated, counts.failed);
    for (int i = 0; i < DEVIATIONS; i++)
        ck_assert_msg(counts.seen[i] == 1, "%s | %s | %s: seen %d times", deviations[i].file, deviations[i].group,
                      deviations[i].test, counts.seen[i]);
    ck_assert_int_eq(counts.failed, 0);
    ck_assert_int_gt(counts.passed, 500);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {suite};
    return test_main("JSON Schema suite", tests, sizeof tests / sizeof *tests);
}
