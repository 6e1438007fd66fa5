/* Every allocation of reading, merging, checking and showing configuration, of changing its text, and of secrets fails once: an
 * error each time, no crash, nothing leaked. */
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/file.h"
#include "base/secret.h"
#include "base/yaml_edit.h"
#include "config/whole.h"
#include "faults/failing_malloc.h"
#include "support.h"

static obs_error error;
static const char *secret_path;

/* One attempt for each allocation; gives what is left behind in blocks. */
static long sweep(const char *name, obs_status (*call)(void))
{
    long before = failing_malloc_live();
    for (long n = 1; n < 10000; n++) {
        failing_malloc_arm(n, 0);
        obs_status status = call();
        int failed = failing_malloc_disarm();
        ERR_clear_error(); /* OpenSSL keeps errors, with texts of their own */
        if (!failed) {
            ck_assert_msg(status == OBS_OK, "%s: %s", name, error.message);
            ck_assert_int_gt(n, 1);
            return failing_malloc_live() - before;
        }
        ck_assert_msg(status != OBS_OK, "%s: allocation %ld failed unnoticed", name, n);
        ck_assert_msg(obs__lacks_memory(&error), "%s: allocation %ld: %s", name, n, error.message);
    }
    ck_abort_msg("%s never succeeds", name);
    return 0;
}

/* What libraries make once in a thread and keep (OpenSSL: its queue of errors) is there after the first sweep; a leak leaks in
 * the second, too. */
static void fail_each(const char *name, obs_status (*call)(void))
{
    ck_assert_msg(call() == OBS_OK, "%s: %s", name, error.message);
    sweep(name, call);
    ck_assert_int_eq(sweep(name, call), 0);
}

static obs_status read_one(obs__config_document **out, const obs__config_source *source, const char *text, size_t size)
{
    obs__config_answer answer = {.found = OBS__CONFIG_DOCUMENT};
    obs_status status = obs__buffer_copy(&answer.bytes, text, size == OBS_TEXT ? strlen(text) : size, &error);
    return status == OBS_OK ? obs__config_document_read(out, source, &answer, &error) : status;
}

static obs__config_source sources[] = {
    {.kind = OBS__CONFIG_LOCAL, .url = "file:config.yaml", .label = "config.yaml"},
    {.kind = OBS__CONFIG_LOCAL, .url = "file:site.json", .label = "site.json"},
    {.kind = OBS__CONFIG_ENVIRONMENT, .url = "env:OBS_", .label = "env:OBS_"},
    {.kind = OBS__CONFIG_LOCAL, .url = "file:schema.json", .label = "schema.json"},
};

static const char merged[] = "{\"ccd\":{\"name\":\"B\",\"bin\":[1,2],\"gain\":1.5},\"p\":{\"secret\":\"env:A\"}}";

static obs_status make_whole(obs__config_document *const *documents)
{
    char *secrets[] = {"env:A", NULL};
    obs__config_limits limits = {secrets, NULL};
    obs__config_rules *rules = NULL;
    obs__config_whole *whole = NULL;
    obs_buffer *json = NULL;
    obs_status status = obs__config_rules_read(&rules, documents[3], &error);
    if (status == OBS_OK)
        status = obs__config_whole_make(&whole, documents, 3, sources, rules, &limits, &error);
    if (status == OBS_OK)
        status = obs__config_json(&json, whole->tree, &error);
    if (status == OBS_OK) /* no assertion, which allocates */
        status = strcmp(obs_buffer_data(json), merged) == 0 ? OBS_OK : obs__fail(&error, OBS_INTERNAL, "not all is there");
    obs_buffer_free(json);
    obs__config_whole_free(whole);
    obs__config_rules_free(rules);
    return status;
}

static obs_status read_and_merge(void)
{
    static const char *const texts[] = {
        "camera: {gain: 1.5}\nccd: {name: A, bin: [1, 2]}\np: ${secret:env:A}\n", "{\"ccd\":{\"name\":\"C\"}}",
        "OBS_CCD__NAME\0B\0",
        "{\"properties\":{\"ccd\":{\"properties\":{\"gain\":{\"type\":\"number\",\"x-renamed-from\":[\"camera.gain\"]}}}}}"};
    obs__config_document *documents[4] = {NULL};
    obs_status status = OBS_OK;
    for (int i = 0; i < 4 && status == OBS_OK; i++)
        status = read_one(&documents[i], &sources[i], texts[i], i == 2 ? 16 : OBS_TEXT);
    if (status == OBS_OK)
        status = make_whole(documents);
    for (int i = 0; i < 4; i++)
        obs__config_document_free(documents[i]);
    return status;
}

static obs_status change_text(void)
{
    static const char *const keys[] = {"ccd", "cooler", "on"};
    obs__yaml_change change = {.keys = keys, .count = 3, .value = "true"};
    obs__builder out;
    obs__builder_init(&out, 4096);
    obs_status status =
        obs__yaml_edit(&out, obs__view_of("ccd:\n  gain: 1.5 # e-\nsites: [{name: A}]\n", OBS_TEXT), &change, &error);
    obs__builder_free(&out);
    return status;
}

static obs_status read_secret(void)
{
    obs_secret *secret = NULL, *copy = NULL;
    obs_status status = obs__secret_read_private(&secret, NULL, secret_path, 60000, &error);
    if (status == OBS_OK)
        status = obs_secret_new(&copy, obs_secret_bytes(secret), obs_secret_size(secret), &error);
    obs_secret_free(copy);
    obs_secret_free(secret);
    return status;
}

START_TEST(each_allocation_fails_once)
{
    static char bytes[20000];
    if (!failing_malloc_arm) {
        test_skipped("failing allocations", "the allocator that fails is not there (not glibc, or a sanitizer has its own)");
        return;
    }
    memset(bytes, 's', sizeof bytes);
    secret_path = test_path(test_folder(), "secret");
    test_write(secret_path, bytes, sizeof bytes);
    ck_assert_int_eq(chmod(secret_path, 0600), 0);
    fail_each("reading and merging", read_and_merge);
    fail_each("changing a text", change_text);
    fail_each("a secret", read_secret);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {each_allocation_fails_once};
    obs_error_init(&error, sizeof error);
    return test_main("config memory", tests, sizeof tests / sizeof tests[0]);
}
