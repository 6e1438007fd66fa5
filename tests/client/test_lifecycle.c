/* Clients in one process and over fork; acting for others; reading only; what is audited when. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "client/workspace.h"

static void put(obs_client *client, const char *key)
{
    ck_assert_ok(obs_store_put(NULL, obs_client_store(client), key, OBS_TEXT, "bytes", 5, NULL, &error));
}

static void get(obs_client *client, const char *key)
{
    obs_buffer *bytes;
    ck_assert_ok(obs_store_get(&bytes, obs_client_store(client), key, OBS_TEXT, NULL, &error));
    ck_assert_uint_eq(obs_buffer_size(bytes), 5);
    obs_buffer_free(bytes);
}

START_TEST(a_newcomer_sees_all_of_it)
{
    obs_client *client = open_at(new_workspace());
    obs_buffer *text;
    const obs_pair night = {"night", "2026-11-20"};
    obs_put_options options;
    obs_put_options_init(&options, sizeof options);
    options.labels = &night;
    options.label_count = 1;
    ck_assert_ok(obs_store_put(NULL, obs_client_store(client), "raw/a", OBS_TEXT, "bytes", 5, &options, &error));
    get(client, "raw/a");
    ck_assert_uint_eq(count_entries(client, "night=2026-11-20"), 1);
    ck_assert_uint_eq(count_audit(client, "store.put", "\"raw/a\""), 1);
    ck_assert_uint_eq(count_audit(client, "store.get", "\"class\":\"read\""), 1);
    ck_assert_ok(obs_client_whoami(&text, client, &error));
    ck_assert_ptr_nonnull(strstr(obs_buffer_data(text), "\"boundary\":\"none\""));
    ck_assert_ptr_nonnull(strstr(obs_buffer_data(text), obs_client_subject(client)));
    obs_buffer_free(text);
    ck_assert_ok(obs_client_health(&text, client, NULL, &error));
    ck_assert_ptr_nonnull(strstr(obs_buffer_data(text), "{\"status\":\"ok\",\"parts\":["));
    obs_buffer_free(text);
    obs_client_close(client);
}
END_TEST

/* How many reads the trail has: equal ones are one row with a count, or several where some time passed between them. */
static int reads_of(obs_client *client, const char *key)
{
    const char *text;
    char object[64];
    int reads = 0;
    obs_rows *rows;
    obs_audit_options options;
    obs_audit_options_init(&options, sizeof options);
    options.action = "store.get";
    snprintf(object, sizeof object, "\"%s\"", key);
    ck_assert_ok(obs_audit_query(&rows, obs_client_audit(client), &options, &error));
    for (;;) {
        ck_assert_ok(obs_rows_next(rows, &text, NULL, &error));
        if (!text)
            break;
        if (strstr(text, object))
            reads += atoi(strstr(text, "\"count\":") + 8);
    }
    obs_rows_free(rows);
    return reads;
}

START_TEST(reads_are_durable_after_close)
{
    const char *path = new_workspace();
    obs_client *client = open_at(path);
    put(client, "a");
    for (int i = 0; i < 7; i++)
        get(client, "a");
    obs_client_close(client);
    client = open_at(path);
    ck_assert_int_eq(reads_of(client, "a"), 7);
    obs_client_close(client);
}
END_TEST

START_TEST(the_order_of_freeing_does_not_matter)
{
    obs_client *client = open_at(new_workspace());
    obs_rows *rows, *audit;
    obs_reader *reader;
    obs_store *store;
    obs_subscription *subscription;
    const char *text;
    char bytes[8];
    size_t size;
    put(client, "a");
    ck_assert_ok(obs_client_store_open(&store, client, "mem:scratch", NULL, &error));
    ck_assert_ok(obs_catalog_search(&rows, obs_client_catalog(client), "", NULL, &error));
    ck_assert_ok(obs_audit_query(&audit, obs_client_audit(client), NULL, &error));
    ck_assert_ok(obs_reader_open(&reader, obs_client_store(client), "a", OBS_TEXT, NULL, &error));
    ck_assert_ok(obs_bus_subscribe(&subscription, obs_client_bus(client), "c", NULL, &error));
    obs_client_close(client);
    ck_assert_ok(obs_rows_next(rows, &text, NULL, &error));
    ck_assert_ptr_nonnull(strstr(text, "\"a\""));
    ck_assert_ok(obs_rows_next(audit, &text, NULL, &error));
    ck_assert_ptr_nonnull(text);
    ck_assert_ok(obs_reader_read(&size, reader, bytes, sizeof bytes, &error));
    ck_assert_uint_eq(size, 5);
    ck_assert_ok(obs_store_put(NULL, store, "x", OBS_TEXT, "y", 1, NULL, &error));
    obs_subscription_free(subscription);
    obs_reader_free(reader);
    obs_rows_free(audit);
    obs_store_free(store);
    obs_rows_free(rows);
}
END_TEST

START_TEST(acting_for_somebody_else)
{
    obs_client *client = open_at(new_workspace()), *ada, *other;
    obs_as_options options;
    char owner[300];
    obs_as_options_init(&options, sizeof options);
    options.subject = "user:ada";
    ck_assert_ok(obs_client_as(&ada, client, &options, &error));
    ck_assert_str_eq(obs_client_subject(ada), "user:ada");
    put(ada, "from-ada");
    get(client, "from-ada");
    snprintf(owner, sizeof owner, "\"subject\":\"user:ada\",\"actor\":\"%s\"", obs_client_subject(client));
    ck_assert_uint_eq(count_audit(client, "store.put", owner), 1);
    options.subject = "user:bob";
    ck_assert_int_eq(obs_client_as(&other, ada, &options, &error), OBS_PERMISSION_DENIED);
    ck_assert_ptr_null(other);
    obs_call call;
    obs_put_options put_options;
    obs_call_init(&call, sizeof call);
    call.subject = "user:bob";
    obs_put_options_init(&put_options, sizeof put_options);
    put_options.call = &call;
    obs_status status = obs_store_put(NULL, obs_client_store(ada), "x", OBS_TEXT, "y", 1, &put_options, &error);
    ck_assert_int_eq(status, OBS_PERMISSION_DENIED);
    ck_assert_uint_eq(count_audit(client, "store.put", "\"class\":\"refusal\""), 1);
    ck_assert_ok(obs_store_put(NULL, obs_client_store(client), "x", OBS_TEXT, "y", 1, &put_options, &error));
    options.subject = "nobody";
    ck_assert_int_eq(obs_client_as(&other, client, &options, &error), OBS_INVALID_ARGUMENT);
    options.subject = NULL;
    options.tenant = "mars";
    ck_assert_int_eq(obs_client_as(&other, client, &options, &error), OBS_NOT_FOUND);
    obs_client_close(client);
    put(ada, "still");
    obs_client_close(ada);
}
END_TEST

START_TEST(reading_only)
{
    const char *path = new_workspace();
    obs_client *client = open_at(path), *reader;
    obs_open_options options;
    put(client, "a");
    obs_open_options_init(&options, sizeof options);
    options.workspace = path;
    options.read_only = 1;
    ck_assert_ok(obs_client_open(&reader, &options, &error));
    get(reader, "a");
    obs_status status = obs_store_put(NULL, obs_client_store(reader), "b", OBS_TEXT, "x", 1, NULL, &error);
    ck_assert_int_eq(status, OBS_FAILED_PRECONDITION);
    ck_assert_int_eq(obs_tenant_create(reader, "sky", NULL, &error), OBS_FAILED_PRECONDITION);
    obs_client_close(reader);
    ck_assert_uint_eq(count_audit(client, "store.get", NULL), 1);
    ck_assert_uint_eq(count_audit(client, "store.put", "FAILED_PRECONDITION"), 1);
    obs_client_close(client);
}
END_TEST

START_TEST(two_clients_in_one_process)
{
    const char *path = new_workspace();
    obs_client *one = open_at(path), *two = open_at(path);
    put(one, "a");
    get(two, "a");
    obs_client_close(one);
    put(two, "b");
    ck_assert_uint_eq(count_entries(two, ""), 2);
    obs_client_close(two);
}
END_TEST

static int works(obs_client *client, const char *key)
{
    obs_buffer *bytes = NULL;
    obs_store *store = obs_client_store(client);
    int fine = obs_store_put(NULL, store, key, OBS_TEXT, "bytes", 5, NULL, NULL) == OBS_OK &&
               obs_store_get(&bytes, store, key, OBS_TEXT, NULL, NULL) == OBS_OK && obs_buffer_size(bytes) == 5;
    obs_buffer_free(bytes);
    return fine;
}

START_TEST(child_and_parent_go_on)
{
    obs_client *client = open_at(new_workspace());
    int status;
#ifdef __SANITIZE_THREAD__
    test_skipped("a forked child that reads", "ThreadSanitizer cannot start a thread after a fork");
    obs_client_close(client);
    return;
#endif
    put(client, "before");
    get(client, "before");
    pid_t child = fork();
    if (child == 0) {
        int fine = works(client, "child");
        obs_client_close(client);
        _exit(fine ? 0 : 1);
    }
    ck_assert(works(client, "parent"));
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    ck_assert_int_eq(has_object(client, "child"), 1);
    ck_assert_uint_eq(count_audit(client, "store.get", "\"child\""), 1);
    ck_assert_uint_eq(count_audit(client, "store.get", "\"before\""), 1);
    obs_client_close(client);
}
END_TEST

START_TEST(a_call_that_was_cancelled_does_nothing)
{
    obs_client *client = open_at(new_workspace());
    obs_call call;
    obs_put_options options;
    obs_call_init(&call, sizeof call);
    ck_assert_ok(obs_cancel_new(&call.cancel, &error));
    obs_cancel_set(call.cancel);
    obs_put_options_init(&options, sizeof options);
    options.call = &call;
    obs_status status = obs_store_put(NULL, obs_client_store(client), "a", OBS_TEXT, "x", 1, &options, &error);
    ck_assert_int_eq(status, OBS_CANCELLED);
    ck_assert_int_eq(has_object(client, "a"), 0);
    obs_cancel_free(call.cancel);
    obs_client_close(client);
}
END_TEST

START_TEST(one_trace_links_everything)
{
    static const char trace[] = "4bf92f3577b34da6a3ce929d0e0e4736";
    obs_client *client = open_at(new_workspace());
    obs_call call;
    obs_ingest_options options;
    obs_rows *rows;
    obs_audit_options asked;
    obs_call_init(&call, sizeof call);
    call.traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    obs_ingest_options_init(&options, sizeof options);
    options.call = &call;
    ck_assert_ok(obs_ingest_file(client, "raw/a", OBS_TEXT, "x", 1, &options, &error));
    ck_assert_ok(obs_ingest_log(&rows, client, NULL, &error));
    ck_assert_uint_eq(count_rows(rows, trace), 1);
    obs_audit_options_init(&asked, sizeof asked);
    asked.trace = trace;
    ck_assert_ok(obs_audit_query(&rows, obs_client_audit(client), &asked, &error));
    ck_assert_uint_eq(count_rows(rows, NULL), 1);
    obs_client_close(client);
}
END_TEST

START_TEST(checking_finds_damage)
{
    const char *path = new_workspace();
    obs_client *client = open_at(path);
    obs_rows *rows;
    put(client, "products/a");
    ck_assert_ok(obs_workspace_check(&rows, client, OBS_CHECK_ONLY, NULL, &error));
    ck_assert_uint_eq(count_rows(rows, "\"objects\":1,\"records\":0,\"bytes\":5,\"problems\":0"), 1);
    struct stat before;
    const char *file = test_path(path, "store/products/a");
    ck_assert_int_eq(stat(file, &before), 0);
    FILE *body = fopen(file, "r+");
    ck_assert_ptr_nonnull(body);
    fputc('X', body);
    fclose(body);
    struct timespec times[2] = {before.st_atim, before.st_mtim}; /* as a failing disk would do it */
    ck_assert_int_eq(utimensat(AT_FDCWD, file, times, 0), 0);
    ck_assert_ok(obs_workspace_check(&rows, client, OBS_CHECK_ONLY, NULL, &error));
    ck_assert_uint_eq(count_rows(rows, "\"problem\":"), 1);
    obs_client_close(client);
}
END_TEST

int main(void)
{
    const TTest *tests[] = {a_newcomer_sees_all_of_it,
                            reads_are_durable_after_close,
                            the_order_of_freeing_does_not_matter,
                            acting_for_somebody_else,
                            reading_only,
                            two_clients_in_one_process,
                            child_and_parent_go_on,
                            a_call_that_was_cancelled_does_nothing,
                            one_trace_links_everything,
                            checking_finds_damage};
    obs_error_init(&error, sizeof error);
    return test_main("client/lifecycle", tests, sizeof tests / sizeof tests[0]);
}
