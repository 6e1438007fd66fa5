/* Every allocation of the main calls of base, and of reading an audit record, fails once: an error each time, no crash, nothing
 * leaked. */
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "audit/leaf.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/queue.h"
#include "base/url.h"
#include "base/yaml.h"
#include "event/cesql.h"
#include "faults/failing_malloc.h"
#include "support.h"

static obs_error error;

/* Threads of the pool free the last of what a call used a moment after it. Waits until no more blocks than `most` are left, or
 * (without bound) until their number rests; returns it. */
static long settled(long most)
{
    long live = failing_malloc_live();
    for (int i = 0, rests = 0; i < 2000 && rests < 20 && live > most; i++) {
        poll(NULL, 0, 1);
        long now = failing_malloc_live();
        rests = now == live && most < 0 ? rests + 1 : 0;
        live = now;
    }
    return live;
}

/* Runs a call that gives back all it took, once for every allocation it makes. */
static void fail_each(const char *name, obs_status (*call)(void), int and_all_after)
{
    ck_assert_msg(call() == OBS_OK, "%s: %s", name, error.message); /* what is made once and kept, is made now */
    long before = settled(-1);
    for (long n = 1; n < 10000; n++) {
        failing_malloc_arm(n, and_all_after);
        obs_status status = call();
        int failed = failing_malloc_disarm();
        ck_assert_msg(settled(before) == before, "%s: leaks when allocation %ld fails: %ld blocks", name, n,
                      failing_malloc_live() - before);
        if (!failed) {
            ck_assert_msg(status == OBS_OK, "%s: %s", name, error.message);
            ck_assert_int_gt(n, 1);
            return;
        }
        ck_assert_msg(status != OBS_OK, "%s: allocation %ld failed unnoticed", name, n);
        ck_assert_msg(error.status == status && *error.message, "%s: allocation %ld: no message", name, n);
    }
    ck_abort_msg("%s never succeeds", name);
}

/* Texts longer than any buffer begins with, escapes, and more members than a table begins with: what loads is all there. */
static obs_status load_json(void)
{
    static const char text[] =
        "{\"a\":[1,2.5,\"text\",{\"b\":null,\"c\":[true]}],\"big\":1e+300,\"exact\":1.2345678901234567e-200,"
        "\"lines\":\"one\\ntwo\\nthree, which makes more than sixteen bytes, and more than sixty-four with these\","
        "\"long\":\"0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789\","
        "\"m1\":1,\"m2\":2,\"m3\":[1,2,3,4,5,6,7,8,9,10,11,12],\"m4\":4,\"m5\":5,\"m6\":6,\"m7\":7,\"m8\":8,\"m9\":9,"
        "\"the name of a member that is longer than sixteen, thirty-two and even sixty-four characters\":false}";
    json_t *json = NULL;
    obs_buffer *dump = NULL;
    obs_status status = obs__json_load(&json, text, sizeof text - 1, NULL, &error);
    if (status == OBS_OK)
        status = obs__json_dump(&dump, json, 1, 10000, &error);
    if (status == OBS_OK && strcmp(obs_buffer_data(dump), text) != 0) /* Check's own assertions would allocate */
        ck_abort_msg("what was loaded is %s", (const char *)obs_buffer_data(dump));
    obs_buffer_free(dump);
    json_decref(json);
    return status;
}

static obs_status read_leaf(void)
{
    static const char text[] = "{\"v\":1,\"id\":\"01936f5c-1f5e-7a3c-9b1e-5d0c2f6a8e47\",\"time\":\"2026-11-20T21:15:03Z\","
                               "\"tenant\":\"night\",\"class\":\"data\",\"action\":\"store.put\",\"status\":\"ok\","
                               "\"trace\":null,\"bytes\":1,\"count\":1,\"subject\":null,\"actor\":null,\"object\":null,"
                               "\"client\":null}";
    obs__audit_leaf leaf;
    obs_status status = obs__audit_leaf_read(&leaf, (obs__view){text, sizeof text - 1}, &error);
    if (status != OBS_OK && status != OBS_RESOURCE_EXHAUSTED)
        ck_abort_msg("a whole record is called damaged: %s", error.message);
    obs__audit_leaf_free(&leaf);
    return status;
}

static obs_status load_yaml(void)
{
    static const char text[] =
        "store: file:store\nnumbers: [1, 2.5, 0x10, .5e3]\ntenants:\n  - name: a\n  - {name: b, on: true}\n";
    obs__yaml *yaml = NULL;
    obs_status status = obs__yaml_load(&yaml, text, sizeof text - 1, "obs.yaml", &error);
    obs__yaml_free(yaml);
    return status;
}

static obs_status parse_url(void)
{
    obs__url *url = NULL;
    obs_status status = obs__url_parse(&url, "s3://h/b?x=1", OBS_TEXT, &error);
    obs__url_free(url);
    return status;
}

static obs_status read_file(void)
{
    obs_buffer *buffer = NULL;
    obs_status status = obs__file_read(&buffer, AT_FDCWD, "/proc/self/status", 1 << 20, &error);
    obs_buffer_free(buffer);
    return status;
}

static obs_status make_cancel(void)
{
    obs_cancel *cancel = NULL;
    obs_status status = obs_cancel_new(&cancel, &error);
    obs_cancel_free(cancel);
    return status;
}

static obs_status take_metrics(void)
{
    obs_buffer *text = NULL;
    obs_status status = obs_metrics_text(&text, &error);
    obs_buffer_free(text);
    return status;
}

static obs_status nothing(obs_operation *operation, void *state, const obs__limit *limit, obs_error *fault)
{
    (void)operation, (void)state, (void)limit, (void)fault;
    return OBS_OK;
}

static void forget(void *state)
{
    (void)state;
}

static obs_status use_queue(void)
{
    static const obs__operation_ops ops = {.run = nothing, .free = forget};
    const obs__limit limit = obs__limit_in(-1, NULL);
    obs_queue *queue = NULL;
    obs_operation *operation = NULL;
    obs_completion done;
    size_t count;
    obs_status status = obs_queue_new(&queue, &error);
    if (status == OBS_OK)
        status = obs__operation_start(&operation, queue, 1, &ops, NULL, &limit, 0, &error);
    if (status == OBS_OK)
        status = obs_queue_wait(queue, &done, 1, &count, -1, NULL, &error);
    obs_operation_free(operation);
    obs_queue_free(queue);
    return status;
}

/* Texts that are longer than what an evaluation has at hand, and an escape in the JSON. */
static obs_status run_cesql(void)
{
    static const char filter[] = "CONCAT_WS(' ', id, UPPER(id), TRIM(id)) LIKE '%\"B%' AND id IN ('a', LOWER(id))";
    char json[2100] = "{\"id\":\"a\\\"b";
    obs__cesql *program = NULL;
    obs__cesql_result result;
    size_t size = strlen(json);
    memset(json + size, 'x', 2000);
    strcpy(json + size + 2000, "\"}");
    obs_status status = obs__cesql_compile_filter(&program, filter, OBS_TEXT, &error);
    if (status == OBS_OK) {
        status = obs__cesql_evaluate_json(&result, program, obs__view_of(json, OBS_TEXT), &error);
        if (status == OBS_OK && !obs__cesql_passes(&result))
            ck_abort_msg("the filter lets nothing pass");
        obs__cesql_result_free(&result);
    }
    obs__cesql_free(program);
    return status;
}

START_TEST(every_allocation_fails_once)
{
    static const struct {
        const char *name;
        obs_status (*call)(void);
    } calls[] = {{"json", load_json},  {"yaml", load_yaml},         {"url", parse_url},
                 {"file", read_file},  {"cancel", make_cancel},     {"metrics", take_metrics},
                 {"queue", use_queue}, {"audit record", read_leaf}, {"filter", run_cesql}};
    if (!failing_malloc_arm) {
        test_skipped("failing allocations", "the allocator that fails is not there (not glibc, or a sanitizer has its own)");
        return;
    }
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++)
        for (int all = 0; all < 2; all++)
            fail_each(calls[i].name, calls[i].call, all);
}
END_TEST

/* Nothing that was told is lost for want of memory: the lines stay for the next obs_log_take(). */
START_TEST(log_lines_stay_without_memory)
{
    obs_buffer *lines = NULL;
    if (!failing_malloc_arm)
        return;
    ck_assert_ok(obs_log_take(&lines, OBS_LOG_INFO, &error));
    obs_buffer_free(lines);
    obs__log(OBS_LOG_INFO, "test", NULL, "kept");
    failing_malloc_arm(1, 1);
    obs_status status = obs_log_take(&lines, OBS_LOG_INFO, &error);
    failing_malloc_disarm();
    ck_assert_int_eq(status, OBS_RESOURCE_EXHAUSTED);
    ck_assert_ok(obs_log_take(&lines, OBS_LOG_INFO, &error));
    ck_assert_ptr_nonnull(strstr(obs_buffer_data(lines), "\"message\":\"kept\""));
    obs_buffer_free(lines);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {every_allocation_fails_once, log_lines_stay_without_memory};
    obs_error_init(&error, sizeof error);
    return test_main("base_memory", tests, sizeof tests / sizeof tests[0]);
}
