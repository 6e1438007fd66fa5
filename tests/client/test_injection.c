/* What callers bring along becomes the content of records, and nothing more: no line, no field, no secret, nothing to guess. */
#include <dirent.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/workspace.h"

static const char *const names[] = {
    "raw/a\r\nraw/b",
    "raw/\",\"status\":\"DENIED\",\"subject\":\"user:eve",
    "raw/\\\",\\u0000",
    "raw/\x1b[2J\x1b]0;owned\x07",
    ("raw/\xE2\x80\xAE"
     "fdp.exe\xE2\x81\xA6"),
    "raw/\x7F\xC2\x85\xE2\x80\xA8",
    "raw/{\"v\":1,\"id\":\"x\"}\n{\"v\":1}",
};
#define NAMES (sizeof names / sizeof names[0])

static obs_status put(obs_client *client, const char *key, size_t size, const obs_call *call)
{
    obs_put_options options;
    obs_put_options_init(&options, sizeof options);
    options.call = call;
    return obs_store_put(NULL, obs_client_store(client), key, size, "x", 1, &options, &error);
}

static obs_client *open_as_program(const char *path, const char *program)
{
    obs_client *client;
    obs_open_options options;
    obs_open_options_init(&options, sizeof options);
    options.workspace = path;
    options.program = program;
    ck_assert_ok(obs_client_open(&client, &options, &error));
    return client;
}

static size_t count_of(const char *text, const char *part)
{
    size_t count = 0;
    for (; (text = strstr(text, part)); text += strlen(part))
        count++;
    return count;
}

/* Each record one line of plain text with each member once. */
static size_t check_rows(obs_client *client)
{
    static const char *const members[] = {"\"id\":", "\"time\":", "\"status\":", "\"class\":", "\"subject\":", "\"object\":"};
    obs_rows *rows;
    const char *row;
    size_t size, count = 0;
    obs_audit_options options;
    obs_audit_options_init(&options, sizeof options);
    options.action = "store.put";
    ck_assert_ok(obs_audit_query(&rows, obs_client_audit(client), &options, &error));
    for (;; count++) {
        ck_assert_ok(obs_rows_next(rows, &row, &size, &error));
        if (!row)
            break;
        ck_assert_uint_eq(size, strlen(row));
        for (size_t i = 0; i < size; i++)
            ck_assert_msg((unsigned char)row[i] >= 0x20, "byte %zu of %s", i, row);
        for (size_t i = 0; i < sizeof members / sizeof members[0]; i++)
            ck_assert_msg(count_of(row, members[i]) == 1, "%s in %s", members[i], row);
    }
    obs_rows_free(rows);
    return count;
}

START_TEST(nothing_gets_out_of_its_field)
{
    const char *path = new_workspace();
    char program[3000];
    memset(program, 'p', sizeof program), memcpy(program, "load\n\x1b[2J\",\"status\":\"X", 22),
        program[sizeof program - 1] = '\0';
    obs_client *client = open_as_program(path, program);
    obs_call call = {.size = sizeof call, .traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n\"x"};
    for (size_t i = 0; i < NAMES; i++)
        ck_assert_ok(put(client, names[i], OBS_TEXT, &call));
    ck_assert_int_eq(put(client, "raw/\xFF\xC0\x80", 7, NULL), OBS_INVALID_ARGUMENT);
    static char large[5000];
    memset(large, 'k', sizeof large);
    ck_assert_int_eq(put(client, large, sizeof large, NULL), OBS_INVALID_ARGUMENT);
    ck_assert_uint_eq(check_rows(client), NAMES);
    ck_assert_uint_eq(count_audit(client, NULL, "4bf92f3577b34da6a3ce929d0e0e4736"), 0); /* no trace: taken for none */
    obs_buffer *report;
    ck_assert_ok(obs_audit_sequence(obs_client_audit(client), NULL, &error));
    ck_assert_ok(obs_audit_verify(&report, obs_client_audit(client), NULL, &error));
    obs_buffer_free(report);
    obs_client_close(client);
}
END_TEST

START_TEST(nobody_calls_himself_something_else)
{
    static const char *const wrong[] = {"user:ada\nuser:eve", "user:\x1b[2J", "user:\xFF", "ada", ":ada", "user:", ""};
    obs_client *client = open_at(new_workspace());
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        obs_call call = {.size = sizeof call, .subject = wrong[i]};
        ck_assert_msg(put(client, "raw/a", OBS_TEXT, &call) == OBS_INVALID_ARGUMENT, "'%s'", wrong[i]);
    }
    ck_assert_uint_eq(count_audit(client, "store.put", "eve"), 0);
    obs_client_close(client);
}
END_TEST

START_TEST(no_secret_of_a_url_is_recorded)
{
    static const char *const urls[] = {
        "https://ada:hunter2@example.org/a", "s3://key:hunter2@host/b", "s3://host/b?X-Amz-Signature=hunter2",
        "file:x?password=hunter2",           "mem:a?sig=hunter2",       "https://example.org/a?token=hunter2#hunter2"};
    obs_client *client = open_at(new_workspace());
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        obs_store *store = NULL;
        ck_assert_int_ne(obs_client_store_open(&store, client, urls[i], NULL, &error), OBS_OK);
        ck_assert_ptr_null(strstr(error.message, "hunter2"));
        ck_assert_ptr_null(strstr(error.detail, "hunter2"));
    }
    ck_assert_uint_ge(count_audit(client, "store.open", NULL), 1);
    ck_assert_uint_eq(count_audit(client, NULL, "hunter2"), 0);
    obs_client_close(client);
}
END_TEST

/* The only bundle, whole or not. */
static char *read_bundle(const char *path, size_t *size)
{
    const char *folder = test_path(path, "audit/log/tile/entries/000.p");
    struct dirent *entry;
    char *bytes = NULL;
    DIR *open = opendir(folder);
    ck_assert_ptr_nonnull(open);
    while ((entry = readdir(open)))
        if (entry->d_name[0] != '.') {
            free(bytes);
            bytes = test_read(test_path(folder, entry->d_name), size);
        }
    closedir(open);
    ck_assert_ptr_nonnull(bytes);
    return bytes;
}

/* Few can be guessed: two hundred nights, ten users. What the log has of them is of no use to who tries all. */
START_TEST(equal_values_look_like_any_others)
{
    enum { TIMES = 20 };
    const char *path = new_workspace();
    char seen[TIMES + 1][65];
    size_t count = 0, size;
    obs_client *client = open_at(path);
    for (int i = 0; i < TIMES; i++)
        ck_assert_ok(put(client, "products/2026-11-20", OBS_TEXT, NULL));
    ck_assert_ok(obs_audit_sequence(obs_client_audit(client), NULL, &error));
    char *bytes = read_bundle(path, &size);
    ck_assert_ptr_null(memmem(bytes, size, "2026-11-20\"", 11)); /* times have more behind the date */
    ck_assert_ptr_null(memmem(bytes, size, "user:", 5));
    for (const char *at = bytes; (at = memmem(at, size - (size_t)(at - bytes), "\"store.put\"", 11)); at++) {
        const char *object = memmem(at, size - (size_t)(at - bytes), "\"object\":\"", 10);
        ck_assert_ptr_nonnull(object);
        ck_assert_uint_lt(count, TIMES + 1);
        snprintf(seen[count], sizeof seen[count], "%.64s", object + 10);
        for (size_t i = 0; i < count; i++)
            ck_assert_str_ne(seen[i], seen[count]);
        count++;
    }
    ck_assert_uint_eq(count, TIMES);
    free(bytes);
    obs_client_close(client);
}
END_TEST

int main(void)
{
    const TTest *tests[] = {nothing_gets_out_of_its_field, nobody_calls_himself_something_else, no_secret_of_a_url_is_recorded,
                            equal_values_look_like_any_others};
    obs_error_init(&error, sizeof error);
    return test_main("client/injection", tests, sizeof tests / sizeof tests[0]);
}
