/* Other copies of SQLite that open and close the tenant database, in this process and behind our back. */
#include <dlfcn.h>

#include "journal_support.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

/* SQLite once more, with variables of its own. */
typedef struct copy {
    int (*open)(const char *, sqlite3 **);
    int (*exec)(sqlite3 *, const char *, int (*)(void *, int, char **, char **), void *, char **);
    int (*close)(sqlite3 *);
} copy;

static int load(copy *out)
{
    void *library = SANITIZED ? NULL : dlmopen(LM_ID_NEWLM, "libsqlite3.so.0", RTLD_NOW | RTLD_LOCAL);
    if (!library)
        return 0;
    *(void **)&out->open = dlsym(library, "sqlite3_open");
    *(void **)&out->exec = dlsym(library, "sqlite3_exec");
    *(void **)&out->close = dlsym(library, "sqlite3_close");
    return out->open && out->exec && out->close;
}

static int keep_number(void *user, int count, char **values, char **names)
{
    (void)count;
    (void)names;
    *(int *)user = atoi(values[0]);
    return 0;
}

static int total_by(const copy *copy, const char *path)
{
    sqlite3 *handle;
    int total = -1;
    ck_assert_int_eq(copy->open(path, &handle), SQLITE_OK);
    ck_assert_int_eq(copy->exec(handle, row_count, keep_number, &total, NULL), SQLITE_OK);
    ck_assert_int_eq(copy->close(handle), SQLITE_OK);
    return total;
}

START_TEST(a_second_copy_in_the_process_takes_nothing_away)
{
    obs__journal *journal;
    obs_error error;
    copy copy;
    struct stat before, after;
    obs_error_init(&error, sizeof error);
    if (!load(&copy)) {
        test_skipped("a_second_copy_in_the_process_takes_nothing_away", "a second SQLite cannot be loaded in this build");
        return;
    }
    const char *folder = test_folder();
    const char *path = test_path(folder, "tenant.db");
    ck_assert_ok(row_open(&journal, folder, &error));
    ck_assert_ok(row_put(journal, "a", &error));
    ck_assert_int_eq(stat(test_path(folder, "tenant.db-wal"), &before), 0);
    for (int i = 0; i < 20; i++) {
        char name[16];
        ck_assert_int_eq(total_by(&copy, path), 1 + i); /* closing it would move and remove the log were our locks gone */
        ck_assert_int_eq(stat(test_path(folder, "tenant.db-wal"), &after), 0);
        ck_assert_uint_eq(before.st_ino, after.st_ino);
        snprintf(name, sizeof name, "%d", i);
        ck_assert_ok(row_put(journal, name, &error));
    }
    obs__journal_free(journal);
    ck_assert_int_eq(total_by(&copy, path), 21);
}
END_TEST

static const copy same = {sqlite3_open, sqlite3_exec, sqlite3_close};

START_TEST(files_that_were_exchanged_are_opened_anew)
{
    obs__journal *journal;
    obs_error error;
    sqlite3 *handle;
    obs_error_init(&error, sizeof error);
    const char *folder = test_folder();
    const char *path = test_path(folder, "tenant.db");
    ck_assert_ok(row_open(&journal, folder, &error));
    ck_assert_ok(row_put(journal, "a", &error));
    ck_assert_int_eq(row_total(journal), 1);
    ck_assert_int_eq(sqlite3_open(path, &handle), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(handle, "PRAGMA wal_checkpoint(FULL)", NULL, NULL, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_close(handle), SQLITE_OK);
    ck_assert_int_eq(unlink(test_path(folder, "tenant.db-wal")), 0);
    ck_assert_int_eq(unlink(test_path(folder, "tenant.db-shm")), 0);
    ck_assert_ok(row_put(journal, "b", &error));
    ck_assert_int_eq(row_total(journal), 2);
    ck_assert_int_eq(total_by(&same, path), 2); /* went to files that have names */
    obs__journal_free(journal);
}
END_TEST

START_TEST(a_removed_lock_file_is_replaced)
{
    obs__journal *journal;
    obs_error error;
    obs_error_init(&error, sizeof error);
    const char *folder = test_folder();
    ck_assert_ok(row_open(&journal, folder, &error));
    ck_assert_int_eq(unlink(test_path(folder, "lock")), 0);
    ck_assert_ok(row_put(journal, "a", &error));
    ck_assert_int_eq(access(test_path(folder, "lock"), F_OK), 0);
    obs__journal_free(journal);
}
END_TEST

START_TEST(another_writer_is_not_waited_for_for_ever)
{
    obs__journal *journal;
    obs_error error;
    sqlite3 *handle;
    obs_error_init(&error, sizeof error);
    const char *folder = test_folder();
    ck_assert_ok(row_open(&journal, folder, &error));
    ck_assert_int_eq(sqlite3_open(test_path(folder, "tenant.db"), &handle), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(handle, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    ck_assert_int_eq(row_put(journal, "a", &error), OBS_UNAVAILABLE);
    ck_assert_int_eq(error.retryable, 1);
    ck_assert_int_eq(sqlite3_exec(handle, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    ck_assert_ok(row_put(journal, "a", &error));
    ck_assert_int_eq(sqlite3_close(handle), SQLITE_OK);
    obs__journal_free(journal);
}
END_TEST

int main(void)
{
    const TTest *tests[] = {a_second_copy_in_the_process_takes_nothing_away, files_that_were_exchanged_are_opened_anew,
                            a_removed_lock_file_is_replaced, another_writer_is_not_waited_for_for_ever};
    return test_main("copies", tests, sizeof tests / sizeof tests[0]);
}
