/* What becomes durable together: units, ingestion, idempotency keys. */
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/workspace.h"

static const char schema[] = "{\"type\":\"object\",\"required\":[\"mag\"],\"properties\":{\"mag\":{\"type\":\"number\"}}}";

START_TEST(a_unit_is_done_as_a_whole)
{
    obs_client *client = open_at(new_workspace());
    obs_unit *unit;
    obs_event event;
    const obs_pair night = {"night", "2026-11-20"};
    obs_event_init(&event, sizeof event);
    event.type = "org.example.made";
    ck_assert_ok(obs_unit_begin(&unit, client, NULL, &error));
    ck_assert_ok(obs_unit_put(unit, "products/a", OBS_TEXT, "aaa", OBS_TEXT, NULL, &error));
    ck_assert_ok(obs_unit_label(unit, "products/a", OBS_TEXT, &night, 1, &error));
    ck_assert_ok(obs_unit_publish(unit, &event, NULL, &error));
    ck_assert_int_eq(has_object(client, "products/a"), 0);
    ck_assert_ok(obs_unit_commit(unit, &error));
    ck_assert_int_eq(obs_unit_commit(unit, &error), OBS_FAILED_PRECONDITION);
    obs_unit_free(unit);
    ck_assert_int_eq(has_object(client, "products/a"), 1);
    ck_assert_uint_eq(count_entries(client, "night=2026-11-20"), 1);
    ck_assert_uint_eq(count_events(client, "c"), 1);
    ck_assert_uint_eq(count_audit(client, "store.put", "products/a"), 1);
    ck_assert_uint_eq(count_audit(client, "event.publish", NULL), 1);
    obs_client_close(client);
}
END_TEST

/* The last part fails: what the others did must not be seen anywhere. */
START_TEST(a_unit_that_fails_leaves_nothing)
{
    obs_client *client = open_at(new_workspace());
    obs_unit *unit;
    obs_event event;
    obs_put_options options;
    obs_event_init(&event, sizeof event);
    event.type = "org.example.made";
    obs_put_options_init(&options, sizeof options);
    options.if_match = "\"nothing-has-this-tag\"";
    ck_assert_ok(obs_unit_begin(&unit, client, NULL, &error));
    ck_assert_ok(obs_unit_put(unit, "products/a", OBS_TEXT, "aaa", 3, NULL, &error));
    ck_assert_ok(obs_unit_publish(unit, &event, NULL, &error));
    obs_unit_put(unit, "products/b", OBS_TEXT, "bbb", 3, &options, &error);
    ck_assert_int_eq(obs_unit_commit(unit, &error), OBS_FAILED_PRECONDITION);
    obs_unit_free(unit);
    ck_assert_int_eq(has_object(client, "products/a"), 0);
    ck_assert_uint_eq(count_entries(client, ""), 0);
    ck_assert_uint_eq(count_events(client, "c"), 0);
    ck_assert_uint_eq(count_audit(client, "store.put", "\"OK\""), 0);
    ck_assert_uint_eq(count_audit(client, "unit.commit", "FAILED_PRECONDITION"), 1);
    obs_client_close(client);
}
END_TEST

START_TEST(a_unit_without_commit_does_nothing)
{
    const char *path = new_workspace();
    obs_client *client = open_at(path);
    obs_unit *unit;
    ck_assert_ok(obs_unit_begin(&unit, client, NULL, &error));
    ck_assert_ok(obs_unit_put(unit, "products/a", OBS_TEXT, "aaa", 3, NULL, &error));
    obs_client_close(client); /* the unit keeps what it needs */
    ck_assert_ok(obs_unit_put(unit, "products/b", OBS_TEXT, "bbb", 3, NULL, &error));
    obs_unit_free(unit);
    client = open_at(path);
    ck_assert_int_eq(has_object(client, "products/a"), 0);
    ck_assert_uint_eq(count_entries(client, ""), 0);
    obs_client_close(client);
}
END_TEST

START_TEST(a_record_is_one_row_everywhere)
{
    obs_client *client = open_at(new_workspace());
    obs_buffer *key;
    obs_ingest_options options;
    obs_ingest_options_init(&options, sizeof options);
    options.origin = "file:1";
    ck_assert_ok(obs_ingest_definition(client, "test.mag", schema, OBS_TEXT, NULL, &error));
    ck_assert_ok(obs_ingest_record(&key, client, "test.mag", "{\"mag\":17.3}", OBS_TEXT, &options, &error));
    ck_assert_ptr_nonnull(strstr(obs_buffer_data(key), "records/test.mag/"));
    ck_assert_uint_eq(count_entries(client, "kind=record mag<18"), 1);
    ck_assert_uint_eq(count_log(client, "accepted"), 1);
    ck_assert_uint_eq(count_log(client, NULL), 1);
    ck_assert_uint_eq(count_events(client, "c"), 1);
    ck_assert_uint_eq(count_audit(client, "ingest.record", obs_buffer_data(key)), 1);
    ck_assert_uint_eq(count_audit(client, "ingest.record", NULL), 1);
    obs_buffer_free(key);
    obs_client_close(client);
}
END_TEST

START_TEST(a_refusal_is_logged_and_audited)
{
    obs_client *client = open_at(new_workspace());
    obs_buffer *key = NULL;
    obs_ingest_options options;
    obs_ingest_options_init(&options, sizeof options);
    ck_assert_ok(obs_ingest_definition(client, "test.mag", schema, OBS_TEXT, NULL, &error));
    ck_assert_int_eq(obs_ingest_record(&key, client, "test.mag", "{\"mag\":\"x\"}", OBS_TEXT, NULL, &error), OBS_REFUSED);
    ck_assert_ptr_nonnull(strstr(error.message, "mag"));
    ck_assert_ptr_null(key);
    ck_assert_int_eq(obs_ingest_record(NULL, client, "test.mag", "{\"mag\":", OBS_TEXT, NULL, &error), OBS_REFUSED);
    ck_assert_int_eq(obs_ingest_record(NULL, client, "no.such", "{}", OBS_TEXT, NULL, &error), OBS_NOT_FOUND);
    options.reason = "not 80 columns";
    ck_assert_ok(obs_ingest_refuse(client, "test.mag", "xyz", OBS_TEXT, &options, &error));
    ck_assert_uint_eq(count_entries(client, "kind=record"), 0);
    ck_assert_uint_eq(count_log(client, "refused"), 3);
    ck_assert_uint_eq(count_log(client, "accepted"), 0);
    ck_assert_uint_eq(count_events(client, "c"), 0);
    ck_assert_uint_eq(count_audit(client, "ingest.record", "\"refusal\""), 3);
    obs_client_close(client);
}
END_TEST

START_TEST(lines_are_accepted_or_refused_by_themselves)
{
    obs_client *client = open_at(new_workspace());
    obs_ingest_counts counts = {.size = sizeof counts};
    const char *lines = "{\"mag\":1}\r\n\n{\"mag\":\"x\"}\n{\"mag\":2}";
    ck_assert_ok(obs_ingest_definition(client, "test.mag", schema, OBS_TEXT, NULL, &error));
    ck_assert_ok(obs_ingest_records(&counts, client, "test.mag", lines, OBS_TEXT, NULL, &error));
    ck_assert_uint_eq(counts.accepted, 2);
    ck_assert_uint_eq(counts.refused, 1);
    ck_assert_uint_eq(count_entries(client, "kind=record"), 2);
    ck_assert_uint_eq(count_log(client, NULL), 3);
    ck_assert_uint_eq(count_events(client, "c"), 2);
    ck_assert_uint_eq(count_audit(client, "ingest.record", NULL), 3);
    obs_client_close(client);
}
END_TEST

START_TEST(a_file_goes_in_whole_or_is_refused)
{
    obs_client *client = open_at(new_workspace());
    obs_buffer *bytes;
    ck_assert_ok(obs_ingest_file(client, "raw/a.fits", OBS_TEXT, "SIMPLE", 6, NULL, &error));
    ck_assert_int_eq(obs_ingest_file(client, "raw/a.fits", OBS_TEXT, "other", 5, NULL, &error), OBS_REFUSED);
    ck_assert_uint_eq(count_entries(client, "key=raw/a.fits"), 1);
    ck_assert_uint_eq(count_log(client, "accepted"), 1);
    ck_assert_uint_eq(count_log(client, "refused"), 1);
    ck_assert_uint_eq(count_events(client, "c"), 1);
    ck_assert_uint_eq(count_audit(client, "ingest.file", "\"change\""), 1);
    ck_assert_uint_eq(count_audit(client, "ingest.file", "\"refusal\""), 1);
    ck_assert_ok(obs_store_get(&bytes, obs_client_store(client), "raw/a.fits", OBS_TEXT, NULL, &error));
    ck_assert_str_eq(obs_buffer_data(bytes), "SIMPLE");
    obs_buffer_free(bytes);
    obs_client_close(client);
}
END_TEST

START_TEST(a_unit_takes_records_and_refusals)
{
    obs_client *client = open_at(new_workspace());
    obs_unit *unit;
    ck_assert_ok(obs_ingest_definition(client, "test.mag", schema, OBS_TEXT, NULL, &error));
    ck_assert_ok(obs_unit_begin(&unit, client, NULL, &error));
    ck_assert_ok(obs_unit_record(unit, "test.mag", "{\"mag\":1}", OBS_TEXT, NULL, &error));
    ck_assert_int_eq(obs_unit_record(unit, "test.mag", "{}", OBS_TEXT, NULL, &error), OBS_REFUSED);
    ck_assert_uint_eq(count_log(client, NULL), 0);
    ck_assert_ok(obs_unit_commit(unit, &error));
    obs_unit_free(unit);
    ck_assert_uint_eq(count_log(client, "accepted"), 1);
    ck_assert_uint_eq(count_log(client, "refused"), 1);
    ck_assert_uint_eq(count_audit(client, "ingest.record", NULL), 2);
    obs_client_close(client);
}
END_TEST

static obs_call with_key(const char *key)
{
    obs_call call;
    obs_call_init(&call, sizeof call);
    call.idempotency_key = key;
    return call;
}

START_TEST(a_repeated_change_is_done_once)
{
    obs_client *client = open_at(new_workspace());
    obs_call call = with_key("upload-1");
    obs_put_options put;
    obs_publish_options publish;
    obs_event event;
    obs_put_options_init(&put, sizeof put);
    put.call = &call;
    put.if_none_match = "*";
    obs_publish_options_init(&publish, sizeof publish);
    publish.call = &call;
    obs_event_init(&event, sizeof event);
    event.type = "org.example.made";
    for (int i = 0; i < 3; i++) {
        ck_assert_ok(obs_store_put(NULL, obs_client_store(client), "a", OBS_TEXT, "x", 1, &put, &error));
        ck_assert_ok(obs_bus_publish(NULL, obs_client_bus(client), &event, &publish, &error));
    }
    ck_assert_uint_eq(count_audit(client, "store.put", "\"change\""), 1);
    ck_assert_uint_eq(count_events(client, "c"), 1);
    call = with_key("");
    ck_assert_int_eq(obs_store_put(NULL, obs_client_store(client), "b", OBS_TEXT, "x", 1, &put, &error), OBS_INVALID_ARGUMENT);
    obs_client_close(client);
}
END_TEST

/* The first number of the first row. */
static int ask_rows(const char *path, const char *sql)
{
    sqlite3 *database = NULL;
    sqlite3_stmt *statement = NULL;
    ck_assert_int_eq(sqlite3_open(test_path(path, "tenants/default/tenant.db"), &database), SQLITE_OK);
    ck_assert_int_eq(sqlite3_prepare_v2(database, sql, -1, &statement, NULL), SQLITE_OK);
    int found = sqlite3_step(statement) == SQLITE_ROW ? sqlite3_column_int(statement, 0) : sqlite3_changes(database);
    sqlite3_finalize(statement);
    sqlite3_close(database);
    return found;
}

static void publish_with(const char *path, const char *key)
{
    obs_client *client = open_at(path);
    obs_call call = with_key(key);
    obs_publish_options options;
    obs_event event;
    obs_publish_options_init(&options, sizeof options);
    options.call = &call;
    obs_event_init(&event, sizeof event);
    event.type = "org.example.made";
    ck_assert_ok(obs_bus_publish(NULL, obs_client_bus(client), &event, &options, &error));
    obs_client_close(client);
}

#define AGE_BY "UPDATE idempotency SET time = time - 3600000000000 * "

START_TEST(a_key_counts_for_a_day)
{
    char path[4096];
    snprintf(path, sizeof path, "%s", new_workspace());
    publish_with(path, "daily");
    ck_assert_int_eq(ask_rows(path, AGE_BY "23"), 1);
    publish_with(path, "daily");
    ck_assert_int_eq(ask_rows(path, "SELECT count(*) FROM event"), 1);
    ck_assert_int_eq(ask_rows(path, AGE_BY "2"), 1);
    publish_with(path, "daily"); /* anew, and again for a day */
    publish_with(path, "daily");
    ck_assert_int_eq(ask_rows(path, "SELECT count(*) FROM event"), 2);
    ck_assert_int_eq(ask_rows(path, "SELECT count(*) FROM idempotency"), 1);
    /* Old ones go, a few with each that comes. */
    ck_assert_int_eq(ask_rows(path, "INSERT INTO idempotency(key, action, time) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL"
                                    " SELECT i + 1 FROM n WHERE i < 20) SELECT i, 'store.put', i FROM n"),
                     20);
    for (int i = 0, left[] = {12, 4, 0}; i < 3; i++) {
        char key[8];
        snprintf(key, sizeof key, "new %d", i);
        publish_with(path, key);
        ck_assert_int_eq(ask_rows(path, "SELECT count(*) FROM idempotency WHERE time < 100"), left[i]);
    }
}
END_TEST

static void *publish_same(void *user)
{
    obs_call call = with_key("race");
    obs_publish_options options;
    obs_event event;
    obs_error failed;
    obs_error_init(&failed, sizeof failed);
    obs_publish_options_init(&options, sizeof options);
    options.call = &call;
    obs_event_init(&event, sizeof event);
    event.type = "org.example.made";
    return obs_bus_publish(NULL, obs_client_bus(user), &event, &options, &failed) == OBS_OK ? user : NULL;
}

START_TEST(a_race_of_the_same_key_is_done_once)
{
    obs_client *client = open_at(new_workspace());
    pthread_t threads[8];
    for (size_t i = 0; i < 8; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, publish_same, client), 0);
    for (size_t i = 0; i < 8; i++) {
        void *result;
        pthread_join(threads[i], &result);
        ck_assert_ptr_eq(result, client);
    }
    ck_assert_uint_eq(count_events(client, "c"), 1);
    obs_client_close(client);
}
END_TEST

static const char narrow[] = "{\"type\":\"object\",\"properties\":{\"mag\":{\"maximum\":30}}}";
static const char wide[] = "{\"type\":\"object\",\"properties\":{\"mag\":{\"maximum\":40}}}";
static const char wider[] = "{\"type\":\"object\",\"properties\":{\"mag\":{\"maximum\":50}}}";

static obs_status define(obs_client *client, const char *text)
{
    return obs_ingest_definition(client, "star", text, OBS_TEXT, NULL, &error);
}

static obs_status ingest_star(obs_client *client, int magnitude)
{
    char json[32];
    obs_buffer *key = NULL;
    int size = snprintf(json, sizeof json, "{\"mag\":%d}", magnitude);
    obs_status status = obs_ingest_record(&key, client, "star", json, (size_t)size, NULL, &error);
    ck_assert_int_eq(key != NULL, status == OBS_OK);
    obs_buffer_free(key);
    return status;
}

/* A process that defines once it is told to. */
static pid_t definer(int *tell, const char *path, const char *text)
{
    int ends[2];
    char word;
    ck_assert_int_eq(pipe(ends), 0);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        close(ends[1]);
        if (read(ends[0], &word, 1) != 1)
            _exit(2);
        obs_client *client = open_at(path);
        int fine = define(client, text) == OBS_OK;
        obs_client_close(client);
        _exit(fine ? 0 : 1);
    }
    close(ends[0]);
    *tell = ends[1];
    return child;
}

/* A client knows what it ingested by before; whoever puts a newer version, the next record is checked by that. */
START_TEST(the_newest_definition_counts)
{
    const char *path = new_workspace();
    obs_rows *log;
    int tell, status;
    pid_t child = definer(&tell, path, wider);
    obs_client *client = open_at(path), *other = open_at(path);
    ck_assert_ok(define(client, narrow));
    ck_assert_ok(ingest_star(client, 30));
    ck_assert_int_eq(ingest_star(client, 40), OBS_REFUSED);
    ck_assert_ok(define(other, wide));
    ck_assert_ok(ingest_star(client, 40));
    ck_assert_int_eq(ingest_star(client, 50), OBS_REFUSED);
    ck_assert_int_eq(write(tell, "x", 1), 1);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    close(tell);
    ck_assert_ok(ingest_star(client, 50));
    ck_assert_int_eq(ingest_star(client, 60), OBS_REFUSED);
    ck_assert_ptr_nonnull(strstr(error.message, "50"));
    /* What was tried by an older version left nothing behind: neither rows nor refusals. */
    ck_assert_uint_eq(count_entries(client, "mag>=0"), 3);
    ck_assert_ok(obs_ingest_log(&log, client, NULL, &error));
    ck_assert_uint_eq(count_rows(log, "\"refused\""), 3);
    ck_assert_uint_eq(count_audit(client, "ingest.record", "refusal"), 3);
    ck_assert_uint_eq(count_audit(client, "ingest.record", NULL), 6);
    obs_client_close(other);
    obs_client_close(client);
}
END_TEST

int main(void)
{
    const TTest *tests[] = {a_unit_is_done_as_a_whole,           a_unit_that_fails_leaves_nothing,
                            a_unit_without_commit_does_nothing,  a_record_is_one_row_everywhere,
                            a_refusal_is_logged_and_audited,     lines_are_accepted_or_refused_by_themselves,
                            a_file_goes_in_whole_or_is_refused,  a_unit_takes_records_and_refusals,
                            a_repeated_change_is_done_once,      a_key_counts_for_a_day,
                            a_race_of_the_same_key_is_done_once, the_newest_definition_counts};
    obs_error_init(&error, sizeof error);
    return test_main("client/commit", tests, sizeof tests / sizeof tests[0]);
}
