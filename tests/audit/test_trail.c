/* The audit trail against a real journal: leaves, commitments, notes, questions, erasure, damage. */
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include "audit/leaf.h"
#include "audit/trail_support.h"
#include "base/clock.h"
#include "base/error.h"
#include <obs/log.h>

static void commit(struct fixture *fixture, const char *subject, const char *object, const char *action, int64_t time_ns)
{
    obs__effects effects = {0};
    obs__limit limit = obs__limit_in(120000, NULL);
    obs__audit_record record = {.time_ns = time_ns,
                                .kind = "change",
                                .action = action,
                                .subject = subject,
                                .actor = "",
                                .object = obs__view_of(object, OBS_TEXT),
                                .client = "loader/1.0 pid 7",
                                .trace = "4bf92f3577b34da6a3ce929d0e0e4736",
                                .bytes = 12,
                                .count = 1};
    ck_assert_ok(obs__audit_effect(&effects, "sky", &record, &error));
    ck_assert_ok(obs__journal_commit(fixture->gate.journal, &effects, &limit, &error));
    obs__effects_free(&effects);
}

/* Asks; returns how many rows there are, but for those about questions, and keeps the first. */
static size_t ask(struct fixture *fixture, const obs_audit_options *options, json_t **first)
{
    obs_rows *rows;
    const char *text;
    size_t count = 0;
    ck_assert_ok(obs_audit_query(&rows, fixture->audit, options, &error));
    for (;;) {
        ck_assert_ok(obs_rows_next(rows, &text, NULL, &error));
        if (!text)
            break;
        json_t *row = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
        ck_assert_msg(row != NULL, "no JSON: %s", text);
        int is_meant = (options && options->action) || strcmp(text_of(row, "action"), "audit.query") != 0;
        if (first && !count && is_meant)
            *first = row;
        else
            json_decref(row);
        count += (size_t)is_meant;
    }
    obs_rows_free(rows);
    return count;
}

static obs_audit_options with(void)
{
    obs_audit_options options;
    obs_audit_options_init(&options, sizeof options);
    return options;
}

START_TEST(leaf_is_canonical)
{
    obs__builder leaf;
    char commitments[OBS__AUDIT_FIELDS][OBS__AUDIT_COMMITMENT_SIZE] = {"aa", "", "bb", "cc"};
    obs__audit_record record = {.time_ns = 1763672399123456789,
                                .kind = "change",
                                .action = "store.put",
                                .trace = "4bf92f3577b34da6a3ce929d0e0e4736",
                                .bytes = 5,
                                .count = 1};
    obs__builder_init(&leaf, 4096);
    obs__audit_leaf_add(&leaf, "id-1", "sky", &record, (const char(*)[OBS__AUDIT_COMMITMENT_SIZE])commitments);
    ck_assert_str_eq(leaf.data, "{\"v\":1,\"id\":\"id-1\",\"time\":\"2025-11-20T20:59:59.123456Z\",\"tenant\":\"sky\","
                                "\"class\":\"change\",\"action\":\"store.put\",\"status\":\"OK\","
                                "\"trace\":\"4bf92f3577b34da6a3ce929d0e0e4736\",\"bytes\":5,\"count\":1,"
                                "\"subject\":\"aa\",\"actor\":null,\"object\":\"bb\",\"client\":\"cc\"}");
    obs__builder_free(&leaf);
}
END_TEST

static int same(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static void assert_same(const obs__audit_leaf *a, const obs__audit_leaf *b, const char *text)
{
    int all = same(a->id, b->id) && same(a->time, b->time) && same(a->tenant, b->tenant) && same(a->kind, b->kind) &&
              same(a->action, b->action) && same(a->status, b->status) && same(a->trace, b->trace) && a->bytes == b->bytes &&
              a->count == b->count;
    for (int i = 0; i < OBS__AUDIT_FIELDS; i++)
        all = all && same(a->commitments[i], b->commitments[i]);
    ck_assert_msg(all, "%s", text);
}

/* The form in which leaves are written is read on a way of its own: a blank in front of it is JSON as well, and not that form.
 */
START_TEST(both_ways_to_read_a_leaf_say_the_same)
{
    static const char written[] =
        " {\"v\":1,\"id\":\"id-1\",\"time\":\"2025-11-20T20:59:59.123456Z\",\"tenant\":\"sky\","
        "\"class\":\"change\",\"action\":\"store.put\",\"status\":\"OK\",\"trace\":null,"
        "\"bytes\":50,\"count\":1,\"subject\":\"aa\",\"actor\":null,\"object\":\"bb\",\"client\":\"cc\"}";
    static const char put[] = "\0\"\\,}0-9.en\xFF";
    char text[sizeof written];
    unsigned good = 0;
    for (size_t at = 1; at < sizeof text - 1; at++)
        for (size_t i = 0; i < sizeof put; i++) {
            obs__audit_leaf plain, other;
            memcpy(text, written, sizeof text);
            if (i)
                text[at] = put[i - 1];
            obs_status status = obs__audit_leaf_read(&plain, (obs__view){text + 1, sizeof text - 2}, &error);
            ck_assert_int_eq(obs__audit_leaf_read(&other, (obs__view){text, sizeof text - 1}, &error), status);
            ck_assert_ptr_null(other.copy);
            if (status == OBS_OK)
                assert_same(&plain, &other, text);
            ck_assert(i || plain.copy);
            good += status == OBS_OK;
            obs__audit_leaf_free(&plain);
            obs__audit_leaf_free(&other);
        }
    ck_assert_uint_gt(good, sizeof text);
}
END_TEST

/* Computed with Python: hmac.new(bytes(range(32)), b'object\0raw/a', 'sha256'), sha256(b'\0' + b'{}'). */
START_TEST(commitment_and_leaf_hash)
{
    unsigned char salt[OBS__AUDIT_SALT_SIZE], hash[OBS__SHA256_SIZE];
    char out[OBS__AUDIT_COMMITMENT_SIZE];
    for (unsigned i = 0; i < sizeof salt; i++)
        salt[i] = (unsigned char)i;
    ck_assert_ok(obs__audit_commitment(out, OBS__AUDIT_OBJECT, salt, obs__view_of("raw/a", OBS_TEXT), &error));
    ck_assert_str_eq(out, "387997770a621471e33e601f87aa1b55cdaf11b364210efd6ef591a25987332d");
    ck_assert_ok(obs__audit_leaf_hash(hash, obs__view_of("{}", OBS_TEXT), &error));
    obs__hex(out, hash, sizeof hash);
    ck_assert_str_eq(out, "28a3a18f6cd6406b086e9ffda1f9b8a13dbcf44b0f3f32cb9031a11fd053acf9");
}
END_TEST

START_TEST(values_are_cut_and_cleaned)
{
    obs__builder out;
    char text[2000];
    obs__builder_init(&out, 4096);
    obs__audit_value_add(&out, (obs__view){"a\xFFz", 3});
    ck_assert_str_eq(out.data, "a\xEF\xBF\xBDz");
    obs__builder_clear(&out);
    for (size_t i = 0; i < sizeof text; i += 2)
        memcpy(text + i, "\xC3\xA9", 2);
    text[0] = 'x', text[1] = 'x', text[2] = 'x', text[3] = '\xC3', text[4] = '\xA9', text[5] = 'x';
    obs__audit_value_add(&out, (obs__view){text, sizeof text});
    ck_assert_uint_le(out.size, OBS__AUDIT_VALUE_MAX);
    ck_assert_int_eq(obs__utf8_valid(out.data, out.size), 1);
    obs__builder_free(&out);
}
END_TEST

START_TEST(query_by_everything)
{
    struct fixture fixture;
    open_fixture(&fixture);
    int64_t day = (int64_t)86400 * 1000000000;
    commit(&fixture, "user:ada", "raw/a", "store.put", 10 * day);
    commit(&fixture, "user:bob", "raw/b", "store.put", 11 * day);
    commit(&fixture, "user:ada", "products/\"c\"\n", "store.delete", 12 * day);
    obs_audit_options options = with();
    json_t *row = NULL;
    options.subject = "user:ada";
    ck_assert_uint_eq(ask(&fixture, &options, &row), 2);
    ck_assert_str_eq(text_of(row, "subject"), "user:ada");
    ck_assert_str_eq(text_of(row, "object"), "raw/a");
    ck_assert_str_eq(text_of(row, "client"), "loader/1.0 pid 7");
    ck_assert_ptr_null(json_object_get(row, "actor"));
    ck_assert_uint_eq(strlen(text_of(row, "leaf")), 64);
    json_decref(row);
    options = with();
    options.object = "products/\"c\"\n";
    ck_assert_uint_eq(ask(&fixture, &options, NULL), 1);
    options.object = "raw/*";
    ck_assert_uint_eq(ask(&fixture, &options, NULL), 2);
    options = with();
    options.action = "store.*";
    ck_assert_uint_eq(ask(&fixture, &options, NULL), 3);
    options.action = "store.put";
    ck_assert_uint_eq(ask(&fixture, &options, NULL), 2);
    options = with();
    options.trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    options.since = "1970-01-12";
    ck_assert_uint_eq(ask(&fixture, &options, NULL), 2);
    options.until = "1970-01-13";
    ck_assert_uint_eq(ask(&fixture, &options, NULL), 1);
    options.since = "yesterday";
    obs_rows *rows;
    ck_assert_int_eq(obs_audit_query(&rows, fixture.audit, &options, &error), OBS_INVALID_ARGUMENT);
    ck_assert_ptr_null(rows);
    ck_assert_ptr_nonnull(strstr(error.message, "since 'yesterday'"));
    close_fixture(&fixture);
}
END_TEST

START_TEST(pages_and_positions)
{
    struct fixture fixture;
    open_fixture(&fixture);
    for (int i = 0; i < 600; i++) {
        char object[32];
        snprintf(object, sizeof object, "raw/%d", i);
        commit(&fixture, "user:ada", object, "store.put", 1000 + i);
    }
    obs_audit_options options = with();
    options.action = "store.put";
    ck_assert_uint_eq(ask(&fixture, &options, NULL), 600);
    obs_rows *rows;
    const char *text;
    char position[32];
    options.limit = 100;
    ck_assert_ok(obs_audit_query(&rows, fixture.audit, &options, &error));
    for (int i = 0; i < 100; i++)
        ck_assert_ok(obs_rows_next(rows, &text, NULL, &error));
    ck_assert_ptr_nonnull(strstr(text, "\"raw/99\""));
    snprintf(position, sizeof position, "%s", obs_rows_position(rows));
    ck_assert_ok(obs_rows_next(rows, &text, NULL, &error));
    ck_assert_ptr_null(text);
    obs_rows_free(rows);
    options.limit = 0;
    options.after = position;
    json_t *row = NULL;
    ck_assert_uint_eq(ask(&fixture, &options, &row), 500);
    ck_assert_str_eq(text_of(row, "object"), "raw/100");
    json_decref(row);
    close_fixture(&fixture);
}
END_TEST

START_TEST(the_question_is_recorded)
{
    struct fixture fixture;
    open_fixture(&fixture);
    obs_audit_options options = with();
    options.action = "audit.query";
    ck_assert_uint_le(ask(&fixture, &options, NULL), 1); /* itself, when it took so long that the keeper was faster */
    json_t *row = NULL;
    ck_assert_uint_ge(ask(&fixture, &options, &row), 1);
    ck_assert_str_eq(text_of(row, "class"), "read");
    json_decref(row);
    close_fixture(&fixture);
}
END_TEST

static void note(struct fixture *fixture, const char *object)
{
    obs__audit_record record = {.kind = "read",
                                .action = "store.get",
                                .subject = "user:ada",
                                .object = obs__view_of(object, OBS_TEXT),
                                .client = "test",
                                .bytes = 10,
                                .count = 1};
    obs__audit_note(fixture->audit, &record);
}

static size_t count_leaves(struct fixture *fixture)
{
    obs__snapshot *snapshot;
    sqlite3_stmt *statement;
    ck_assert_ok(obs__snapshot_begin(&snapshot, fixture->gate.journal, &error));
    ck_assert_ok(obs__snapshot_prepare(&statement, snapshot, "SELECT count(*) FROM audit_leaf", &error));
    ck_assert_int_eq(sqlite3_step(statement), SQLITE_ROW);
    size_t count = (size_t)sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    obs__snapshot_end(snapshot);
    return count;
}

/* How long it took until so many leaves were there, in milliseconds; nothing but the keeper writes them. */
static int64_t wait_for_leaves(struct fixture *fixture, size_t count)
{
    int64_t begin = obs__monotonic_ns();
    while (count_leaves(fixture) < count) {
        ck_assert_msg(obs__monotonic_ns() - begin < 60 * INT64_C(1000000000), "nothing was written for a minute");
        usleep(2000);
    }
    return (obs__monotonic_ns() - begin) / 1000000;
}

START_TEST(equal_reads_are_counted_and_written_by_the_keeper)
{
    struct fixture fixture;
    open_fixture(&fixture);
    for (int i = 0; i < 1000; i++)
        note(&fixture, i % 2 ? "raw/a" : "raw/b");
    wait_for_leaves(&fixture, 2);
    /* Not always one: on a busy machine the keeper writes some before the last are noted. */
    obs_audit_options options = with();
    options.object = "raw/a";
    int64_t count, bytes;
    ck_assert_uint_le(sum_of(&fixture, &options, &count, &bytes), 100);
    ck_assert_int_eq(count, 500);
    ck_assert_int_eq(bytes, 5000);
    close_fixture(&fixture);
}
END_TEST

/* Within a second, where the machine has time for it. */
START_TEST(a_read_is_written_by_itself)
{
    struct fixture fixture;
    open_fixture(&fixture);
    note(&fixture, "raw/a");
    printf("a read was written after %d ms\n", (int)wait_for_leaves(&fixture, 1));
    close_fixture(&fixture);
}
END_TEST

/* More different reads in a moment than there is room for: each is either a record or counted as lost. */
START_TEST(a_flood_loses_nothing_silently)
{
    struct fixture fixture;
    open_fixture(&fixture);
    for (int i = 0; i < 20000; i++) {
        char object[32];
        snprintf(object, sizeof object, "raw/%d", i);
        note(&fixture, object);
    }
    ck_assert_ok(obs__audit_flush(fixture.audit, &patient, &error));
    int64_t sum, bytes;
    sum_of(&fixture, NULL, &sum, &bytes);
    ck_assert_int_eq(sum, 20000);
    close_fixture(&fixture);
}
END_TEST

static void keep_message(void *user, const obs_log_record *record)
{
    snprintf(user, 256, "%s", record->message);
}

/* Another process that holds the writer lock stops closing for half a second only. */
START_TEST(what_closing_cannot_write_is_told)
{
    struct fixture fixture;
    char seen[256] = "";
    open_fixture(&fixture);
    obs_log_set(keep_message, seen, OBS_LOG_ERROR);
    int fd = open(test_path(fixture.gate.workspace, "lock"), O_RDWR | O_CLOEXEC);
    ck_assert_int_eq(flock(fd, LOCK_EX), 0);
    for (int i = 0; i < 3; i++)
        note(&fixture, "raw/a");
    note(&fixture, "raw/b");
    close_fixture(&fixture);
    obs_log_set(NULL, NULL, OBS_LOG_ERROR);
    close(fd);
    ck_assert_msg(strstr(seen, "4 reads of tenant sky are not in the audit trail: "), "%s", seen);
}
END_TEST

START_TEST(a_child_notes_for_itself)
{
    struct fixture fixture;
    open_fixture(&fixture);
    note(&fixture, "raw/parent");
    pid_t child = fork();
    if (child == 0) {
        note(&fixture, "raw/child");
        _exit(obs__audit_flush(fixture.audit, &patient, NULL) == OBS_OK ? 0 : 1);
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    obs_audit_options options = with();
    options.object = "raw/parent";
    ck_assert_uint_eq(ask(&fixture, &options, NULL), 1);
    options.object = "raw/child";
    ck_assert_uint_eq(ask(&fixture, &options, NULL), 1);
    close_fixture(&fixture);
}
END_TEST

static void run_sql(const char *database, const char *sql)
{
    sqlite3 *open;
    char *message = NULL;
    ck_assert_int_eq(sqlite3_open(database, &open), SQLITE_OK);
    ck_assert_int_eq(sqlite3_busy_timeout(open, 60000), SQLITE_OK); /* the keeper may be writing */
    ck_assert_msg(sqlite3_exec(open, sql, NULL, NULL, &message) == SQLITE_OK, "%s", message);
    sqlite3_close(open);
}

START_TEST(an_erased_subject_is_null)
{
    struct fixture fixture;
    const char *database = open_fixture(&fixture);
    commit(&fixture, "user:ada", "raw/a", "store.put", 1000);
    run_sql(database, "DELETE FROM subject; UPDATE audit_clear SET subject_salt = NULL, object = NULL, object_salt = NULL");
    obs_audit_options options = with();
    options.action = "store.put";
    json_t *row = NULL;
    ck_assert_uint_eq(ask(&fixture, &options, &row), 1);
    ck_assert(json_is_null(json_object_get(row, "subject")));
    ck_assert(json_is_null(json_object_get(row, "object")));
    ck_assert_str_eq(text_of(row, "client"), "loader/1.0 pid 7");
    json_decref(row);
    run_sql(database, "DELETE FROM audit_clear");
    ck_assert_uint_eq(ask(&fixture, NULL, &row), 1);
    ck_assert(json_is_null(json_object_get(row, "client")));
    json_decref(row);
    close_fixture(&fixture);
}
END_TEST

START_TEST(a_changed_value_is_found)
{
    static const char *const changes[] = {"UPDATE subject SET subject = 'user:eve' WHERE subject = 'user:ada'",
                                          "UPDATE audit_clear SET object = 'raw/x' WHERE seq = 2",
                                          "UPDATE audit_clear SET client = 'other' WHERE seq = 2",
                                          "UPDATE audit_clear SET object_salt = client_salt WHERE seq = 2",
                                          "UPDATE audit_clear SET action = 'store.get' WHERE seq = 2",
                                          "UPDATE audit_leaf SET time = 5 WHERE seq = 2",
                                          "UPDATE audit_leaf SET leaf = '{}' WHERE seq = 2"};
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        struct fixture fixture;
        const char *database = open_fixture(&fixture);
        commit(&fixture, "user:bob", "raw/a", "store.put", 1000);
        commit(&fixture, "user:ada", "raw/b", "store.put", 2000);
        run_sql(database, changes[i]);
        obs_rows *rows;
        const char *text;
        ck_assert_ok(obs_audit_query(&rows, fixture.audit, NULL, &error));
        ck_assert_ok(obs_rows_next(rows, &text, NULL, &error));
        ck_assert_ptr_nonnull(strstr(text, "user:bob"));
        ck_assert_msg(obs_rows_next(rows, &text, NULL, &error) == OBS_DATA_LOSS, "%s: %s", changes[i], error.message);
        ck_assert_ptr_null(text);
        ck_assert_ptr_nonnull(strstr(error.message, "audit record 2"));
        obs_rows_free(rows);
        close_fixture(&fixture);
    }
}
END_TEST

int main(void)
{
    obs_error_init(&error, sizeof error);
    const TTest *tests[] = {leaf_is_canonical,
                            both_ways_to_read_a_leaf_say_the_same,
                            commitment_and_leaf_hash,
                            values_are_cut_and_cleaned,
                            query_by_everything,
                            pages_and_positions,
                            the_question_is_recorded,
                            equal_reads_are_counted_and_written_by_the_keeper,
                            a_read_is_written_by_itself,
                            a_flood_loses_nothing_silently,
                            what_closing_cannot_write_is_told,
                            a_child_notes_for_itself,
                            an_erased_subject_is_null,
                            a_changed_value_is_found};
    return test_main("audit/trail", tests, sizeof tests / sizeof tests[0]);
}
