/* Databases that are missing, damaged, too new or read-only, full disks: the status, the remedy, and nothing lost. */
#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>

#include "journal_support.h"

static obs_status open_with(obs__journal **out, const char *folder, int create, int read_only, obs_error *error)
{
    obs__journal_options options = {.folder = folder, .schemas = row_schemas, .create = create, .read_only = read_only};
    obs__limit none = obs__limit_in(-1, NULL);
    return obs__journal_open(out, &options, &none, error);
}

static void edit(const char *folder, const char *sql)
{
    sqlite3 *handle;
    ck_assert_int_eq(sqlite3_open(test_path(folder, "tenant.db"), &handle), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(handle, sql, NULL, NULL, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_close(handle), SQLITE_OK);
}

/* A folder with a database that holds one row, which nobody has open. */
static const char *folder_with_row(void)
{
    obs__journal *journal;
    obs_error error;
    obs_error_init(&error, sizeof error);
    const char *folder = test_folder();
    ck_assert_ok(row_open(&journal, folder, &error));
    ck_assert_ok(row_put(journal, "a", &error));
    obs__journal_free(journal);
    return folder;
}

START_TEST(a_missing_database_is_not_made)
{
    obs__journal *journal;
    obs_error error;
    obs_error_init(&error, sizeof error);
    const char *folder = test_folder();
    ck_assert_int_eq(open_with(&journal, folder, 0, 0, &error), OBS_NOT_FOUND);
    ck_assert_ptr_null(journal);
    ck_assert_ptr_nonnull(strstr(error.message, "obsctl tenant create"));
    ck_assert_ptr_nonnull(strstr(error.detail, folder));
    ck_assert_int_ne(access(test_path(folder, "tenant.db"), F_OK), 0);
    ck_assert_int_eq(open_with(&journal, test_path(folder, "none"), 1, 0, &error), OBS_NOT_FOUND);
    ck_assert_ptr_nonnull(strstr(error.detail, "none"));
}
END_TEST

START_TEST(others_cannot_read_it)
{
    static const char *const names[] = {"tenant.db", "tenant.db-wal", "tenant.db-shm", "lock"};
    const char *folder = folder_with_row();
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct stat info;
        ck_assert_int_eq(stat(test_path(folder, names[i]), &info), 0);
        ck_assert_uint_eq(info.st_mode & 07, 0);
    }
}
END_TEST

START_TEST(a_damaged_database_is_told_and_kept)
{
    obs__journal *journal;
    obs_error error;
    char junk[8192];
    size_t size;
    obs_error_init(&error, sizeof error);
    memset(junk, 'x', sizeof junk);
    const char *folder = test_folder();
    const char *path = test_path(folder, "tenant.db");
    test_write(path, junk, sizeof junk);
    for (int create = 0; create < 2; create++) {
        ck_assert_int_eq(open_with(&journal, folder, create, 0, &error), OBS_DATA_LOSS);
        ck_assert_ptr_nonnull(strstr(error.message, "obsctl workspace check"));
    }
    char *bytes = test_read(path, &size);
    ck_assert_uint_eq(size, sizeof junk);
    ck_assert_mem_eq(bytes, junk, size);
    free(bytes);
    test_write(path, "", 0);
    ck_assert_int_eq(open_with(&journal, folder, 0, 0, &error), OBS_DATA_LOSS);
}
END_TEST

START_TEST(a_foreign_or_newer_database_is_refused)
{
    obs__journal *journal;
    obs_error error;
    obs_error_init(&error, sizeof error);
    const char *folder = folder_with_row();
    edit(folder, "PRAGMA user_version=2");
    ck_assert_int_eq(open_with(&journal, folder, 1, 0, &error), OBS_UNIMPLEMENTED);
    ck_assert_ptr_nonnull(strstr(error.message, "upgrade"));
    edit(folder, "PRAGMA user_version=1; PRAGMA application_id=7");
    ck_assert_int_eq(open_with(&journal, folder, 1, 0, &error), OBS_DATA_LOSS);
    edit(folder, "PRAGMA application_id=0x4F42534A");
    ck_assert_ok(open_with(&journal, folder, 0, 0, &error));
    ck_assert_int_eq(row_total(journal), 1);
    obs__journal_free(journal);
}
END_TEST

START_TEST(a_reader_cannot_commit)
{
    obs__journal *reader, *writer;
    obs_error error;
    obs_error_init(&error, sizeof error);
    const char *folder = folder_with_row();
    ck_assert_ok(open_with(&reader, folder, 0, 1, &error));
    ck_assert_ok(open_with(&writer, folder, 0, 0, &error));
    ck_assert_int_eq(row_put(reader, "b", &error), OBS_FAILED_PRECONDITION);
    ck_assert_ok(row_put(writer, "b", &error));
    ck_assert_int_eq(row_total(reader), 2);
    obs__journal_free(reader);
    obs__journal_free(writer);
}
END_TEST

/* A small file system of its own, or NULL when this user may not mount one. */
static const char *mount_small(const char *test)
{
    const char *folder = test_path(test_folder(), "disk");
    ck_assert_int_eq(mkdir(folder, 0700), 0);
    if (mount("none", folder, "tmpfs", 0, "size=1m,mode=700") == 0)
        return folder;
    test_skipped(test, "mounting a small tmpfs needs root");
    return NULL;
}

START_TEST(a_read_only_disk_is_read)
{
    obs__journal *journal;
    obs_error error;
    obs_error_init(&error, sizeof error);
    const char *folder = mount_small("a_read_only_disk_is_read");
    if (!folder)
        return;
    ck_assert_ok(row_open(&journal, folder, &error));
    ck_assert_ok(row_put(journal, "a", &error));
    obs__journal_free(journal);
    int remounted = mount("none", folder, "tmpfs", MS_REMOUNT | MS_RDONLY, "");
    obs_status opened = open_with(&journal, folder, 0, 0, &error);
    int total = opened == OBS_OK ? row_total(journal) : -1;
    obs_status put = opened == OBS_OK ? row_put(journal, "b", &error) : OBS_OK;
    obs__journal_free(journal);
    umount2(folder, MNT_DETACH);
    ck_assert_int_eq(remounted, 0);
    ck_assert_int_eq(opened, OBS_OK);
    ck_assert_int_eq(total, 1);
    ck_assert_int_eq(put, OBS_FAILED_PRECONDITION);
}
END_TEST

/* Fills what is left of the disk; its file is removed to make room again. */
static void fill(const char *path)
{
    static char zeros[4096];
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    while (write(fd, zeros, sizeof zeros) > 0)
        ;
    close(fd);
}

START_TEST(a_full_disk_is_survived)
{
    obs__journal *journal;
    obs_error error;
    obs_status status = OBS_OK;
    int before = 0;
    obs_error_init(&error, sizeof error);
    const char *folder = mount_small("a_full_disk_is_survived");
    if (!folder)
        return;
    ck_assert_ok(row_open(&journal, folder, &error));
    fill(test_path(folder, "filler"));
    for (char name[16]; before < 1000 && status == OBS_OK; before += status == OBS_OK) {
        snprintf(name, sizeof name, "row %d", before);
        status = row_put(journal, name, &error);
    }
    int kept = row_total(journal);
    obs_status full = status;
    unlink(test_path(folder, "filler"));
    status = row_put(journal, "after", &error);
    int after = row_total(journal);
    obs__journal_free(journal);
    umount2(folder, MNT_DETACH);
    ck_assert_int_eq(full, OBS_NO_SPACE);
    ck_assert_int_eq(kept, before);
    ck_assert_ok(status);
    ck_assert_int_eq(after, before + 1);
}
END_TEST

int main(void)
{
    const TTest *tests[] = {others_cannot_read_it,
                            a_missing_database_is_not_made,
                            a_damaged_database_is_told_and_kept,
                            a_foreign_or_newer_database_is_refused,
                            a_reader_cannot_commit,
                            a_read_only_disk_is_read,
                            a_full_disk_is_survived};
    return test_main("faults", tests, sizeof tests / sizeof tests[0]);
}
