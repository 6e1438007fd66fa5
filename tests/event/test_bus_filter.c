/* Consumers with an expression of CloudEvents SQL as their filter. */
#include <obs/log.h>
#include <poll.h>
#include <stddef.h>

#include "event/bus_internal.h"
#include "event/group.h"

static obs_event event_of(const char *id, const char *type, const char *subject, const obs_pair *site)
{
    obs_event event;
    obs_event_init(&event, sizeof event);
    event.id = id;
    event.type = type;
    event.subject = subject;
    event.extensions = site;
    event.extension_count = site != NULL;
    return event;
}

static void publish_from(const char *id, const char *type, const char *subject, const char *site)
{
    obs_pair pair = {"site", site};
    obs_event event = event_of(id, type, subject, site ? &pair : NULL);
    ck_assert_ok(obs_bus_publish(NULL, bus, &event, NULL, &error));
}

static obs_status try_subscribe(obs_subscription **out, const char *type, const char *subject, const char *filter)
{
    obs_subscribe_options options;
    obs_subscribe_options_init(&options, sizeof options);
    options.type = type;
    options.subject = subject;
    options.filter = filter;
    return obs_bus_subscribe(out, bus, "c", &options, &error);
}

static obs_subscription *subscribe_with(const char *filter)
{
    obs_subscription *subscription = NULL;
    ck_assert_ok(try_subscribe(&subscription, NULL, NULL, filter));
    return subscription;
}

static const obs_delivery *next(obs_subscription *subscription)
{
    const obs_delivery *delivery = NULL;
    ck_assert_ok(obs_subscription_next(&delivery, subscription, 0, NULL, &error));
    return delivery;
}

/* A number out of the database. */
static int64_t ask(const char *sql)
{
    obs__snapshot *snapshot = NULL;
    sqlite3_stmt *statement = NULL;
    ck_assert_ok(obs__snapshot_begin(&snapshot, gate->base.journal, &error));
    ck_assert_ok(obs__snapshot_statement(&statement, snapshot, sql, &error));
    int64_t number = sqlite3_step(statement) == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : -1;
    sqlite3_reset(statement);
    obs__snapshot_end(snapshot);
    return number;
}

START_TEST(type_subject_and_filter_must_all_hold)
{
    static const struct {
        const char *type, *subject, *filter, *ids;
    } rows[] = {
        {NULL, NULL, NULL, "12345"},
        {NULL, NULL, "", "12345"},
        {NULL, NULL, "TRUE", "12345"},
        {NULL, NULL, "site = 'Kitt Peak'", "13"},
        {NULL, NULL, "EXISTS site", "134"},
        {NULL, NULL, "NOT EXISTS site OR site LIKE '%Peak'", "1235"},
        {"a.*", NULL, "EXISTS site", "13"},
        {"a.*", "raw/", "EXISTS site", "1"},
        {NULL, "raw/", "type IN ('a.b', 'b') AND NOT EXISTS site", "5"},
        {NULL, NULL, "LENGTH(site) = 6", "4"},
        {NULL, NULL, "INT(id) % 2 = 1", "135"},
        {NULL, NULL, "source = '/obs/default'", "12345"},
        {NULL, NULL, "site", ""},
    };
    begin();
    publish_from("1", "a.b", "raw/1", "Kitt Peak");
    publish_from("2", "a.c", "raw/2", NULL);
    publish_from("3", "a.b", NULL, "Kitt Peak");
    publish_from("4", "b", "raw/4", "Oukaïm"); /* LENGTH counts characters of Unicode */
    publish_from("5", "b", "raw/5", NULL);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char ids[8] = "";
        obs_subscription *subscription = NULL;
        ck_assert_ok(try_subscribe(&subscription, rows[i].type, rows[i].subject, rows[i].filter));
        for (const obs_delivery *delivery = next(subscription); delivery; delivery = next(subscription))
            strcat(ids, delivery->event->id);
        ck_assert_msg(strcmp(ids, rows[i].ids) == 0, "%s gives %s", rows[i].filter, ids);
        obs_subscription_free(subscription);
    }
    end();
}
END_TEST

START_TEST(a_wrong_filter_refuses_the_subscribe)
{
    begin();
    obs_subscription *subscription = (obs_subscription *)(uintptr_t)1;
    ck_assert_int_eq(try_subscribe(&subscription, NULL, NULL, "type =\n LIKE"), OBS_INVALID_ARGUMENT);
    ck_assert_ptr_null(subscription);
    ck_assert_int_eq(error.line, 2);
    ck_assert_int_eq(error.column, 2);
    ck_assert_ptr_nonnull(strstr(error.message, "expected a value"));
    ck_assert_int_eq(try_subscribe(&subscription, NULL, NULL, "subject"), OBS_INVALID_ARGUMENT);
    ck_assert_int_eq(ask("SELECT count(*) FROM consumer"), 0);
    obs_subscription_free(subscribe_with("TRUE")); /* nothing holds the consumer */
    end();
}
END_TEST

/* Callers of before had a shorter struct: what lies behind it is none of ours. */
START_TEST(an_older_caller_has_no_filter)
{
    begin();
    obs_subscribe_options options;
    obs_subscription *subscription = NULL;
    obs_subscribe_options_init(&options, sizeof options);
    options.size = offsetof(obs_subscribe_options, filter);
    options.filter = "(";
    options.type = "a";
    publish_from("1", "b", NULL, NULL);
    publish_from("2", "a", NULL, NULL);
    ck_assert_ok(obs_bus_subscribe(&subscription, bus, "c", &options, &error));
    expect(subscription, "2", 1);
    obs_subscription_free(subscription);
    end();
}
END_TEST

START_TEST(only_what_passed_is_counted_as_delivered)
{
    begin();
    publish_from("1", "a", NULL, "x");
    publish_from("2", "a", NULL, "y");
    publish_from("3", "a", NULL, NULL);
    publish_from("4", "a", NULL, "x");
    for (uint32_t attempt = 1; attempt <= 3; attempt++) {
        obs_subscription *subscription = subscribe_with("site = 'x'");
        expect(subscription, "1", attempt);
        expect(subscription, "4", attempt);
        ck_assert_ptr_null(next(subscription));
        obs_subscription_free(subscription);
    }
    end();
}
END_TEST

START_TEST(an_acknowledgement_passes_what_was_left_out)
{
    begin();
    publish_from("1", "a", NULL, NULL);
    publish_from("2", "a", NULL, "x");
    publish_from("3", "a", NULL, NULL);
    obs_subscription *subscription = subscribe_with("EXISTS site");
    ck_assert_ok(obs_subscription_acknowledge(subscription, expect(subscription, "2", 1), &error));
    ck_assert_int_eq(ask("SELECT position FROM consumer"), 3);
    obs_subscription_free(subscription);
    end();
}
END_TEST

static uint64_t faults(void)
{
    static const char name[] = "obs_event_filter_faults_total ";
    obs_buffer *text = NULL;
    ck_assert_ok(obs_metrics_text(&text, &error));
    const char *found = strstr(obs_buffer_data(text), name);
    uint64_t number = found ? strtoull(found + sizeof name - 1, NULL, 10) : 0;
    obs_buffer_free(text);
    return number;
}

static char told[512];

static void hear(void *user, const obs_log_record *record)
{
    (void)user;
    if (strcmp(record->subject, "event") == 0)
        snprintf(told, sizeof told, "%s", record->message);
}

START_TEST(what_cannot_be_evaluated_is_counted_and_told)
{
    begin();
    uint64_t before = faults();
    obs_log_set(hear, NULL, OBS_LOG_DEBUG);
    publish_from("1", "a", NULL, NULL);
    publish_from("2", "a", NULL, "x");
    publish_from("3", "a", NULL, "y");
    obs_subscription *subscription = subscribe_with("site = 'x'");
    expect(subscription, "2", 1);
    ck_assert_ptr_null(next(subscription));
    obs_log_set(NULL, NULL, OBS_LOG_ERROR);
    ck_assert_uint_eq(faults(), before + 1);
    ck_assert_str_eq(told,
                     "an event does not pass, because the filter cannot be evaluated: site at byte 1: the event has no such "
                     "attribute: write EXISTS before it");
    obs_subscription_free(subscription);
    end();
}
END_TEST

START_TEST(a_damaged_event_passes_every_filter)
{
    begin();
    publish_from("1", "a", NULL, "x");
    publish_from("2", "a", NULL, "x");
    sqlite3 *database = NULL;
    ck_assert_int_eq(sqlite3_open(test_path(gate->base.workspace, "tenants/default/tenant.db"), &database), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(database, "UPDATE event SET json = x'7b' WHERE sequence = 1", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(database);
    obs_subscription *subscription = subscribe_with("site = 'x'");
    const obs_delivery *delivery = NULL;
    ck_assert_int_eq(obs_subscription_next(&delivery, subscription, 0, NULL, &error), OBS_DATA_LOSS);
    ck_assert_ok(obs_subscription_acknowledge(subscription, 1, &error));
    expect(subscription, "2", 1);
    obs_subscription_free(subscription);
    end();
}
END_TEST

/* So many events in one commit. */
static void publish_noise(int count)
{
    obs__effects effects = {0};
    obs__scope scope;
    ck_assert_ok(obs__gate_enter(&scope, &gate->base, OBS__CHANGE, "unit.commit", "", 0, NULL, &error));
    for (int i = 0; i < count; i++) {
        obs_event event = event_of(NULL, "noise", NULL, NULL);
        ck_assert_ok(obs__bus_stage_publish(&effects, NULL, bus, &scope, &event, NULL, &error));
    }
    ck_assert_ok(obs__gate_commit(&scope, &effects, &error));
    obs__gate_leave(&scope, OBS_OK, &error);
}

static int is_readable(const obs_subscription *subscription)
{
    struct pollfd fd = {.fd = obs_subscription_fd(subscription), .events = POLLIN};
    return poll(&fd, 1, 0) == 1;
}

/* More events than are looked at in one go: whoever does not wait gets past them all the same; a cancel ends the way. */
START_TEST(a_long_way_to_the_next_event)
{
    begin();
    publish_noise(2 * OBS__READ_WINDOW + 100);
    publish_from("last", "wanted", NULL, NULL);
    obs_subscription *subscription = subscribe_with("type = 'wanted'");
    ck_assert(is_readable(subscription));
    expect(subscription, "last", 1);
    ck_assert_ptr_null(next(subscription));
    ck_assert(!is_readable(subscription));
    obs_subscription_free(subscription);
    subscription = subscribe_with("type = 'wanted'");
    const obs_delivery *delivery = NULL;
    obs_cancel *cancel = NULL;
    ck_assert_ok(obs_cancel_new(&cancel, &error));
    obs_cancel_set(cancel);
    ck_assert_int_eq(obs_subscription_next(&delivery, subscription, -1, cancel, &error), OBS_CANCELLED);
    obs_cancel_free(cancel);
    expect(subscription, "last", 2);
    obs_subscription_free(subscription);
    end();
}
END_TEST

/* The time runs out on the way: the next call goes on from there, and the descriptor says that it should be made. */
START_TEST(time_that_runs_out_on_the_way)
{
    begin();
    publish_noise(4 * OBS__READ_WINDOW);
    publish_from("last", "wanted", NULL, NULL);
    obs_subscription *subscription = subscribe_with("type = 'wanted'");
    const obs_delivery *delivery = NULL;
    for (int calls = 0; calls < 1000 && !delivery; calls++) {
        ck_assert(is_readable(subscription));
        ck_assert_ok(obs_subscription_next(&delivery, subscription, 1, NULL, &error));
    }
    ck_assert_ptr_nonnull(delivery);
    ck_assert_str_eq(delivery->event->id, "last");
    obs_subscription_free(subscription);
    end();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        type_subject_and_filter_must_all_hold,
        a_wrong_filter_refuses_the_subscribe,
        an_older_caller_has_no_filter,
        only_what_passed_is_counted_as_delivered,
        an_acknowledgement_passes_what_was_left_out,
        what_cannot_be_evaluated_is_counted_and_told,
        a_damaged_event_passes_every_filter,
        a_long_way_to_the_next_event,
        time_that_runs_out_on_the_way,
    };
    obs_error_init(&error, sizeof error);
    return test_main("event filters", tests, sizeof tests / sizeof *tests);
}
