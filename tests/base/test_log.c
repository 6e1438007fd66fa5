#include "base/log.h"

#include <jansson.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/metrics.h"
#include "base/span.h"
#include "support.h"

static obs_error error;

struct seen {
    int count;
    obs_log_record record;
    char message[1024];
    char trace[40];
};

static void see(void *user, const obs_log_record *record)
{
    struct seen *seen = user;
    seen->count++;
    seen->record = *record;
    snprintf(seen->message, sizeof seen->message, "%s", record->message);
    snprintf(seen->trace, sizeof seen->trace, "%s", record->trace_id);
}

START_TEST(a_hook_receives_what_it_asked_for)
{
    struct seen seen = {0};
    ck_assert(!obs__log_wanted(OBS_LOG_ERROR));
    obs__log(OBS_LOG_ERROR, "store", NULL, "nobody listens");
    obs_log_set(see, &seen, OBS_LOG_WARNING);
    ck_assert(obs__log_wanted(OBS_LOG_WARNING) && !obs__log_wanted(OBS_LOG_INFO));
    obs__log(OBS_LOG_INFO, "store", NULL, "not asked for");
    ck_assert_int_eq(seen.count, 0);
    obs__log(OBS_LOG_WARNING, "store", "4bf92f3577b34da6a3ce929d0e0e4736-00f0", "key %s\n", "a\x1b[31m");
    ck_assert_int_eq(seen.count, 1);
    ck_assert_str_eq(seen.record.subject, "store");
    ck_assert_str_eq(seen.message, "key a\\x1b[31m\\x0a");
    ck_assert_str_eq(seen.trace, "4bf92f3577b34da6a3ce929d0e0e4736");
    ck_assert_int_gt(seen.record.time_ns, 1600000000000000000);
    obs_log_set(NULL, NULL, OBS_LOG_DEBUG);
    ck_assert(!obs__log_wanted(OBS_LOG_ERROR));
    ck_assert_str_eq(obs_log_level_name(OBS_LOG_INFO), "info");
    ck_assert_str_eq(obs_log_level_name((obs_log_level)77), "unknown");
}
END_TEST

static char *metrics(void)
{
    obs_buffer *text;
    ck_assert_int_eq(obs_metrics_text(&text, NULL), OBS_OK); /* several threads do this */
    char *copy = strdup(obs_buffer_data(text));
    obs_buffer_free(text);
    return copy;
}

START_TEST(records_are_kept_as_json_lines)
{
    obs_buffer *lines;
    ck_assert_ok(obs_log_take(&lines, OBS_LOG_INFO, &error));
    ck_assert_uint_eq(obs_buffer_size(lines), 0);
    obs_buffer_free(lines);
    obs__log(OBS_LOG_DEBUG, "journal", NULL, "not asked for");
    obs__log(OBS_LOG_INFO, "journal", "4bf92f3577b34da6a3ce929d0e0e4736", "a \"quoted\" \xFF text");
    ck_assert_ok(obs_log_take(&lines, OBS_LOG_INFO, &error));
    json_t *json = json_loads(obs_buffer_data(lines), 0, NULL);
    ck_assert_str_eq(json_string_value(json_object_get(json, "message")), "a \"quoted\" \\xff text");
    ck_assert_str_eq(json_string_value(json_object_get(json, "level")), "info");
    ck_assert_str_eq(json_string_value(json_object_get(json, "trace_id")), "4bf92f3577b34da6a3ce929d0e0e4736");
    json_decref(json);
    obs_buffer_free(lines);
    for (int i = 0; i < 1030; i++)
        obs__log(OBS_LOG_ERROR, "journal", NULL, "%d", i);
    char *text = metrics();
    ck_assert_ptr_nonnull(strstr(text, "\nobs_log_dropped_total 6\n"));
    free(text);
    ck_assert_ok(obs_log_take(&lines, OBS_LOG_INFO, &error));
    size_t count = 0;
    for (const char *at = obs_buffer_data(lines); (at = strchr(at, '\n')); at++)
        count++;
    ck_assert_uint_eq(count, 1024);
    obs_buffer_free(lines);
    ck_assert_int_eq(obs_log_take(NULL, OBS_LOG_INFO, &error), OBS_INVALID_ARGUMENT);
}
END_TEST

START_TEST(calls_are_counted)
{
    obs__count_call("store.put", "earth\"\n\\", OBS_OK, 700000, 4096);
    obs__count_call("store.put", "earth\"\n\\", OBS_OK, 200000000000, 4);
    obs__count_call("store.get", "sky", OBS_NOT_FOUND, 1, 0);
    char *text = metrics();
    static const char *const expected[] = {
        "# TYPE obs_calls counter\n",
        "\nobs_calls_total{module=\"store\",action=\"put\",tenant=\"earth\\\"\\n\\\\\",status=\"OK\"} 2\n",
        "\nobs_calls_total{module=\"store\",action=\"get\",tenant=\"sky\",status=\"NOT_FOUND\"} 1\n",
        "\nobs_call_bytes_total{module=\"store\",action=\"put\",tenant=\"earth\\\"\\n\\\\\",status=\"OK\"} 4100\n",
        "status=\"OK\",le=\"0.0005\"} 0\n",
        "status=\"OK\",le=\"0.001\"} 1\n",
        "status=\"OK\",le=\"100.0\"} 1\n",
        "status=\"OK\",le=\"+Inf\"} 2\n",
        "tenant=\"earth\\\"\\n\\\\\",status=\"OK\"} 200.000700000\n"};
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++)
        ck_assert_msg(strstr(text, expected[i]) != NULL, "%s is not in\n%s", expected[i], text);
    ck_assert_str_eq(text + strlen(text) - 6, "# EOF\n");
    free(text);
}
END_TEST

START_TEST(labels_are_bounded)
{
    char tenant[32];
    for (int i = 0; i < 1000; i++) {
        snprintf(tenant, sizeof tenant, "tenant-%d", i);
        obs__count_call("event.publish", tenant, OBS_OK, 5, 0);
    }
    char *text = metrics();
    unsigned long long other = 0;
    const char *at = strstr(text, "obs_calls_total{module=\"other\",action=\"other\",tenant=\"other\",status=\"other\"} ");
    ck_assert_ptr_nonnull(at);
    sscanf(strchr(at, ' '), "%llu", &other);
    ck_assert_uint_ge(other, 1000 - 768);
    ck_assert_uint_lt(other, 300);
    free(text);
}
END_TEST

static obs__counter shared = {"obs_test_shared", "For this test.", 0, 0, NULL};

static void *count_much(void *unused)
{
    char *text;
    (void)unused;
    for (int i = 0; i < 20000; i++) {
        obs__counter_add(&shared, 1);
        obs__count_call("store.head", i & 1 ? "a" : "b", OBS_OK, i, 1);
        if (i % 5000 == 0) {
            text = metrics();
            free(text);
            obs__log(OBS_LOG_ERROR, "test", NULL, "%d", i);
        }
    }
    return NULL;
}

START_TEST(threads_count_together)
{
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, count_much, NULL), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    ck_assert_uint_eq(obs__counter_value(&shared), 80000);
}
END_TEST

struct spans {
    int count;
    char name[32];
};

static void see_span(void *user, const obs_span_record *record)
{
    struct spans *spans = user;
    spans->count++;
    snprintf(spans->name, sizeof spans->name, "%s", record->name);
}

START_TEST(spans_reach_the_hook)
{
    struct spans spans = {0};
    const obs_span_record record = {sizeof record, 1, 0, "store.put", "", "", "t", OBS_OK};
    obs__span_emit(&record);
    obs_span_set(see_span, &spans);
    ck_assert(obs__span_wanted());
    obs__span_emit(&record);
    obs_span_set(NULL, NULL);
    obs__span_emit(&record);
    ck_assert_int_eq(spans.count, 1);
    ck_assert_str_eq(spans.name, "store.put");
}
END_TEST

/* The cases of W3C Trace Context, level 1, sections 2.2 and 4. */
START_TEST(traceparents_are_checked)
{
#define IDS "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7"
    static const struct {
        const char *text;
        int valid;
        int flags;
    } rows[] = {{"00-" IDS "-01", 1, 1},
                {"00-" IDS "-00", 1, 0},
                {"00-" IDS "-ff", 1, 1},
                {"00-" IDS "-02", 1, 0},
                {"cc-" IDS "-01", 1, 1},
                {"cc-" IDS "-01-what-the-future", 1, 1},
                {"cc-" IDS "-01.what", 0, 0},
                {"cc-" IDS "-01x", 0, 0},
                {"00-" IDS "-01-", 0, 0},
                {"00-" IDS "-01-extra", 0, 0},
                {"ff-" IDS "-01", 0, 0},
                {"0-" IDS "-01", 0, 0},
                {"0g-" IDS "-01", 0, 0},
                {"00-" IDS "-1", 0, 0},
                {"00-" IDS "-0X", 0, 0},
                {"00-" IDS, 0, 0},
                {"00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01", 0, 0},
                {"00-00000000000000000000000000000000-00f067aa0ba902b7-01", 0, 0},
                {"00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01", 0, 0},
                {"00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", 0, 0},
                {" 00-" IDS "-01", 0, 0},
                {"", 0, 0},
                {NULL, 0, 0}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        obs__trace trace;
        ck_assert_msg(obs__trace_parse(&trace, rows[i].text) == rows[i].valid, "%s", rows[i].text);
        ck_assert_msg(!rows[i].valid || trace.flags == rows[i].flags, "%s", rows[i].text);
    }
}
END_TEST

START_TEST(a_span_continues_its_trace)
{
    char child[OBS__TRACEPARENT_SIZE], root[OBS__TRACEPARENT_SIZE], again[OBS__TRACEPARENT_SIZE], parent_id[17];
    obs__trace trace;
    obs__trace_begin(child, parent_id, "cc-" IDS "-02-later");
    ck_assert_str_eq(parent_id, "00f067aa0ba902b7");
    ck_assert(obs__trace_parse(&trace, child));
    ck_assert_str_eq(trace.trace_id, "4bf92f3577b34da6a3ce929d0e0e4736");
    ck_assert_str_ne(trace.span_id, parent_id);
    ck_assert_int_eq(trace.flags, 0);
    obs__trace_begin(root, parent_id, "ff-" IDS "-01");
    ck_assert_str_eq(parent_id, "");
    ck_assert(obs__trace_parse(&trace, root));
    ck_assert_str_ne(trace.trace_id, "4bf92f3577b34da6a3ce929d0e0e4736");
    obs__trace_format(again, &trace);
    ck_assert_str_eq(again, root);
}
END_TEST

START_TEST(ids_differ_after_fork)
{
    uint64_t there = 0;
    int pipes[2];
    obs__unique();
    ck_assert_int_eq(pipe(pipes), 0);
    pid_t child = fork();
    if (child == 0) {
        there = obs__unique();
        _exit(write(pipes[1], &there, sizeof there) != sizeof there);
    }
    uint64_t here = obs__unique();
    ck_assert_int_eq(read(pipes[0], &there, sizeof there), sizeof there);
    waitpid(child, NULL, 0);
    close(pipes[0]);
    close(pipes[1]);
    ck_assert_uint_ne(here, there);
    ck_assert_uint_ne(here, obs__unique());
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {a_hook_receives_what_it_asked_for,
                                  records_are_kept_as_json_lines,
                                  calls_are_counted,
                                  labels_are_bounded,
                                  threads_count_together,
                                  spans_reach_the_hook,
                                  traceparents_are_checked,
                                  a_span_continues_its_trace,
                                  ids_differ_after_fork};
    obs_error_init(&error, sizeof error);
    return test_main("log", tests, sizeof tests / sizeof tests[0]);
}
