/* The engine with sources of the test's own: outages, sources that hang, the alarm, pauses that grow, records that fail. */
#include "config/engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/memory.h"
#include "config/config_support.h"
#include "config/scheduled.h"
#include "gate.h"

/* What the source does at the moment; the watch asks it, too, whenever it is due. */
static struct source {
    pthread_mutex_t lock; /* guards text and put */
    const char *text;     /* NULL: there is no document */
    char put[256];
    int puts;
    atomic_int down, hangs, asked;
} source = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void set_text(const char *text)
{
    pthread_mutex_lock(&source.lock);
    source.text = text;
    pthread_mutex_unlock(&source.lock);
}

static obs_status answer(struct source *self, const char *known, obs__config_answer *out, obs_error *failure)
{
    if (!self->text) {
        out->found = OBS__CONFIG_ABSENT;
        return OBS_OK;
    }
    snprintf(out->etag, sizeof out->etag, "\"%zu-%.100s\"", strlen(self->text), self->text);
    if (strcmp(out->etag, known) == 0)
        return OBS_OK;
    out->found = OBS__CONFIG_DOCUMENT;
    out->changed_ns = obs__now_ns();
    return obs__buffer_copy(&out->bytes, self->text, strlen(self->text), failure);
}

static obs_status fetch(void *user, const char *known, obs__config_answer *out, const obs__limit *limit, obs_error *failure)
{
    struct source *self = user;
    int ready;
    obs_status status = OBS_OK;
    atomic_fetch_add(&self->asked, 1);
    *out = (obs__config_answer){.found = OBS__CONFIG_SAME};
    while (self->hangs && status == OBS_OK)
        status = obs__limit_wait(limit, -1, 10, &ready, failure);
    if (status != OBS_OK)
        return status;
    if (self->down)
        return obs__fail(failure, OBS_UNAVAILABLE, "the test has cut the line");
    pthread_mutex_lock(&self->lock);
    status = answer(self, known, out, failure);
    pthread_mutex_unlock(&self->lock);
    return status;
}

static obs_status put(void *user, const char *if_match, obs__view bytes, char etag[OBS__CONFIG_ETAG_SIZE],
                      const obs__limit *limit, obs_error *failure)
{
    struct source *self = user;
    (void)if_match, (void)limit, (void)failure;
    self->puts++;
    pthread_mutex_lock(&self->lock);
    snprintf(self->put, sizeof self->put, "%.*s", (int)bytes.size, bytes.data);
    self->text = self->put;
    pthread_mutex_unlock(&self->lock);
    snprintf(etag, OBS__CONFIG_ETAG_SIZE, "\"%zu-%.100s\"", bytes.size, self->put);
    return OBS_OK;
}

static obs_status set_up(obs__config_setup *out, void *user, obs__gate *gate, obs_error *failure)
{
    static const obs__config_source_ops ops = {fetch, put, NULL};
    (void)gate, (void)failure;
    *out = (obs__config_setup){.layer_count = 1};
    out->layers[0] = (obs__config_source){.ops = &ops,
                                          .user = user,
                                          .kind = OBS__CONFIG_REMOTE,
                                          .url = obs__strdup("test:site"),
                                          .label = obs__strdup("test:site")};
    return OBS_OK;
}

static test_gate *gate;

static obs_config *begin(const char *text)
{
    static const char *const schemas[] = {NULL};
    obs_config *config;
    gate = test_gate_open(test_folder(), schemas);
    set_text(text);
    source.puts = 0;
    atomic_store(&source.down, 0);
    atomic_store(&source.hangs, 0);
    atomic_store(&source.asked, 0);
    obs__config_host host = {.key = gate->base.workspace, .setup = set_up, .user = &source};
    ck_assert_ok(obs__config_new(&config, &gate->base, &host, &error));
    return config;
}

static void end(obs_config *config)
{
    obs__config_close(config);
    test_gate_close(gate);
}

static obs__config_layer *layer_of(obs_config *config)
{
    return &atomic_load(&config->engine)->layers[0];
}

START_TEST(an_outage_leaves_the_values_and_is_told)
{
    char text[OBS_ERROR_TEXT_SIZE];
    obs_config *config = begin("a: 1\n");
    ck_assert_int_eq(int_of(config, "a"), 1);
    source.down = 1;
    ck_assert_refused(obs_config_refresh(config, NULL, &error), OBS_UNAVAILABLE,
                      "test:site does not answer: the test has cut the line");
    ck_assert_int_eq(int_of(config, "a"), 1);
    assert_source(config, "\"state\":\"stale\"");
    ck_assert_int_eq(obs__config_health(config, text, sizeof text), OBS_OK); /* a minute's grace */
    source.down = 0;
    set_text("a: 2\n");
    ck_assert_ok(obs_config_refresh(config, NULL, &error));
    ck_assert_int_eq(int_of(config, "a"), 2);
    assert_source(config, "\"state\":\"ok\"");
    end(config);
}
END_TEST

/* Whatever the watch itself believes: the time of the last answer counts. */
START_TEST(a_watch_that_died_is_noticed)
{
    char text[OBS_ERROR_TEXT_SIZE];
    obs_config *config = begin("a: 1\n");
    ck_assert_int_eq(int_of(config, "a"), 1);
    obs__config_engine *engine = atomic_load(&config->engine);
    obs__config_watch_stop(engine);
    pthread_mutex_lock(&engine->lock);
    layer_of(config)->checked_ns -= OBS__CONFIG_ALARM_NS + INT64_C(5000000000);
    pthread_mutex_unlock(&engine->lock);
    ck_assert_int_eq(obs__config_health(config, text, sizeof text), OBS_UNAVAILABLE);
    const char *seconds = strstr(text, "test:site was not heard of for ");
    ck_assert_msg(seconds && atoi(seconds + strlen("test:site was not heard of for ")) >= 65, "%s", text);
    assert_source(config, "\"state\":\"stale\"");
    ck_assert_int_eq(int_of(config, "a"), 1);
    end(config);
}
END_TEST

static atomic_int alarms;

static void count_alarms(void *user, const obs_log_record *record)
{
    (void)user;
    if (record->level == OBS_LOG_ERROR && strstr(record->message, "test:site was not heard of for a minute"))
        atomic_fetch_add(&alarms, 1);
}

START_TEST(a_minute_without_an_answer_raises_one_alarm)
{
    obs_buffer *metrics;
    obs_config *config = begin("a: 1\n");
    ck_assert_int_eq(int_of(config, "a"), 1);
    obs_log_set(count_alarms, NULL, OBS_LOG_ERROR);
    obs__config_engine *engine = atomic_load(&config->engine);
    source.down = 1;
    for (int i = 0; i < 3; i++) {
        pthread_mutex_lock(&engine->lock);
        layer_of(config)->checked_ns = obs__monotonic_ns() - OBS__CONFIG_ALARM_NS - 1;
        layer_of(config)->due_ns = 0;
        pthread_mutex_unlock(&engine->lock);
        obs__config_watch_round(engine);
    }
    ck_assert_int_eq(atomic_load(&alarms), 1);
    ck_assert_ok(obs_metrics_text(&metrics, &error));
    ck_assert_ptr_nonnull(strstr(obs_buffer_data(metrics), "obs_config_overdue_total 1"));
    obs_buffer_free(metrics);
    obs_log_set(NULL, NULL, OBS_LOG_ERROR);
    end(config);
}
END_TEST

/* Who asks is told the same, whether the watch was faster or not. */
START_TEST(what_the_watch_refused_is_told_to_who_asks)
{
    obs_config *config = begin("a: 1\n");
    ck_assert_int_eq(int_of(config, "a"), 1);
    obs__config_engine *engine = atomic_load(&config->engine);
    set_text("# more\na: 1\na: 2\n");
    pthread_mutex_lock(&engine->lock);
    layer_of(config)->due_ns = 0;
    pthread_mutex_unlock(&engine->lock);
    obs__config_watch_round(engine);
    assert_source(config, "\"state\":\"refused\"");
    for (int i = 0; i < 2; i++) {
        ck_assert_refused(obs_config_refresh(config, NULL, &error), OBS_INVALID_ARGUMENT, "test:site:3:1: the key 'a'");
        ck_assert_int_eq(error.line, 3);
    }
    ck_assert_int_eq(int_of(config, "a"), 1);
    set_text("a: 3\n");
    ck_assert_ok(obs_config_refresh(config, NULL, &error));
    ck_assert_int_eq(int_of(config, "a"), 3);
    end(config);
}
END_TEST

START_TEST(pauses_grow_and_are_spread)
{
    obs__config_layer layer = {.source = {.kind = OBS__CONFIG_REMOTE}};
    static const int64_t expected_s[] = {10, 10, 20, 30, 30, 30};
    for (unsigned failures = 0; failures < 6; failures++) {
        int64_t least = INT64_MAX, most = 0;
        for (int i = 0; i < 500; i++) {
            layer.failures = failures;
            int64_t pause = scheduled(&layer);
            least = pause < least ? pause : least;
            most = pause > most ? pause : most;
        }
        int64_t middle = expected_s[failures] * 1000000000;
        ck_assert_int_ge(least, middle * 8 / 10);
        ck_assert_int_le(most, middle * 12 / 10 + SHARP_NS);
        ck_assert_int_gt(most - least, middle / 4); /* not all at the same moment */
    }
    layer.source.kind = OBS__CONFIG_LOCAL;
    layer.failures = 0;
    obs__config_schedule(&layer);
    ck_assert_int_le(layer.due_ns - obs__monotonic_ns(), INT64_C(1000000000));
}
END_TEST

START_TEST(a_source_that_hangs_ends_with_the_call)
{
    obs_config *config = begin("a: 1\n");
    obs_call call;
    ck_assert_int_eq(int_of(config, "a"), 1);
    source.hangs = 1;
    obs_call_init(&call, sizeof call);
    call.timeout_ms = 50;
    int64_t before = obs__monotonic_ns();
    ck_assert_int_eq(obs_config_refresh(config, &call, &error), OBS_DEADLINE_EXCEEDED);
    ck_assert_int_lt(obs__monotonic_ns() - before, INT64_C(60000000000)); /* it hangs for ever */
    ck_assert_ok(obs_cancel_new(&call.cancel, &error));
    obs_cancel_set(call.cancel);
    ck_assert_int_eq(obs_config_refresh(config, &call, &error), OBS_CANCELLED);
    obs_cancel_free(call.cancel);
    ck_assert_int_eq(int_of(config, "a"), 1);
    source.hangs = 0;
    end(config);
}
END_TEST

START_TEST(closing_does_not_wait_for_a_source_that_hangs)
{
    obs_config *config = begin("a: 1\n");
    ck_assert_int_eq(int_of(config, "a"), 1);
    obs__config_engine *engine = atomic_load(&config->engine);
    int64_t before = obs__monotonic_ns();
    source.hangs = 1;
    pthread_mutex_lock(&engine->lock);
    layer_of(config)->due_ns = 0;
    pthread_mutex_unlock(&engine->lock);
    ck_assert(obs__config_errand_start(engine));
    while (atomic_load(&source.asked) < 2)
        ck_assert_int_lt(obs__monotonic_ns() - before, INT64_C(60000000000));
    end(config); /* or it hangs for ever */
}
END_TEST

START_TEST(a_change_without_its_record_is_taken_back)
{
    obs_config *config = begin("a: 1 # one\n");
    ck_assert_int_eq(int_of(config, "a"), 1);
    gate->no_record = "config.set";
    ck_assert_int_eq(obs_config_set(config, "a", "2", NULL, &error), OBS_INTERNAL);
    ck_assert_int_eq(source.puts, 2);
    ck_assert_str_eq(source.text, "a: 1 # one\n");
    ck_assert_int_eq(int_of(config, "a"), 1);
    gate->no_record = "config.attempt"; /* without this one nothing is written at all */
    ck_assert_int_eq(obs_config_set(config, "a", "2", NULL, &error), OBS_INTERNAL);
    ck_assert_int_eq(source.puts, 2);
    gate->no_record = NULL;
    ck_assert_ok(obs_config_set(config, "a", "2", NULL, &error));
    ck_assert_str_eq(source.text, "a: 2 # one\n");
    ck_assert_int_eq(int_of(config, "a"), 2);
    end(config);
}
END_TEST

START_TEST(who_may_not_read_reads_nothing)
{
    int64_t number;
    obs_config *snapshot, *config = begin("a: 1\n");
    obs_setting *setting;
    obs_secret *secret;
    obs_rows *rows;
    gate->refuse = "config.read";
    ck_assert_int_eq(obs_config_int(&number, config, "a", &error), OBS_PERMISSION_DENIED);
    ck_assert_int_eq(obs_config_int(&number, config, "a", &error), OBS_PERMISSION_DENIED);
    ck_assert_int_eq(obs_config_snapshot(&snapshot, config, NULL, &error), OBS_PERMISSION_DENIED);
    ck_assert_int_eq(obs_setting_open(&setting, config, "a", OBS_SETTING_INT, NULL, &error), OBS_PERMISSION_DENIED);
    ck_assert_int_eq(obs_config_explain(&rows, config, NULL, NULL, &error), OBS_PERMISSION_DENIED);
    gate->refuse = "config.secret";
    ck_assert_int_eq(obs_config_secret(&secret, config, "a", &error), OBS_PERMISSION_DENIED);
    gate->refuse = "config.set";
    ck_assert_int_eq(obs_config_set(config, "a", "2", NULL, &error), OBS_PERMISSION_DENIED);
    gate->refuse = "config.sources";
    ck_assert_int_eq(obs_config_sources(&rows, config, &error), OBS_PERMISSION_DENIED);
    gate->refuse = NULL;
    ck_assert_int_eq(source.puts, 0);
    ck_assert_int_eq(int_of(config, "a"), 1);
    end(config);
}
END_TEST

START_TEST(a_first_source_that_is_down_is_asked_again)
{
    int64_t number;
    obs_config *config = begin("a: 1\n");
    source.down = 1;
    ck_assert_refused(obs_config_int(&number, config, "a", &error), OBS_UNAVAILABLE, "test:site does not answer");
    ck_assert_uint_eq(obs_config_version(config), 0);
    source.down = 0;
    ck_assert_ok(obs_config_refresh(config, NULL, &error));
    ck_assert_int_eq(int_of(config, "a"), 1);
    end(config);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {an_outage_leaves_the_values_and_is_told,
                                  a_watch_that_died_is_noticed,
                                  a_minute_without_an_answer_raises_one_alarm,
                                  what_the_watch_refused_is_told_to_who_asks,
                                  pauses_grow_and_are_spread,
                                  a_source_that_hangs_ends_with_the_call,
                                  closing_does_not_wait_for_a_source_that_hangs,
                                  a_change_without_its_record_is_taken_back,
                                  who_may_not_read_reads_nothing,
                                  a_first_source_that_is_down_is_asked_again};
    obs_error_init(&error, sizeof error);
    return test_main("engine", tests, sizeof tests / sizeof tests[0]);
}
