/* The life of rows after their commit: visible at once, durable with the next syncfs(), deleted in the commit after that. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "store/file.h"

#define SETTLE_ROWS 1024
#define SETTLE_BYTES ((size_t)16 << 20)

/* The row with the largest id stays, so that ids never come back. */
static const char clear_sql[] = "DELETE FROM pending WHERE root = ?1 AND id <= ?2 AND id < (SELECT max(id) FROM pending)";
static const char last_sql[] = "SELECT coalesce(max(id), 0) FROM pending";

obs_status obs__file_last_id(int64_t *out, obs__txn *txn, obs_error *error)
{
    sqlite3_stmt *last = NULL;
    obs_status status = obs__txn_statement(&last, txn, last_sql, error);
    if (status != OBS_OK)
        return status;
    int code = sqlite3_step(last);
    if (code == SQLITE_ROW)
        *out = sqlite3_column_int64(last, 0);
    else
        status = obs__sqlite_fail(error, obs__txn_database(txn), code, "cannot read what is pending");
    sqlite3_reset(last);
    return status;
}

obs_status obs__file_clear_to(obs__file_root *root, obs__txn *txn, int64_t id, obs_error *error)
{
    sqlite3_stmt *clear = NULL;
    obs_status status = obs__txn_statement(&clear, txn, clear_sql, error);
    if (status != OBS_OK)
        return status;
    sqlite3_bind_text(clear, 1, root->name, -1, SQLITE_STATIC);
    sqlite3_bind_int64(clear, 2, id);
    return obs__txn_run(txn, clear, error);
}

obs_status obs__file_clear(int64_t *cleared, obs__file_root *root, obs__txn *txn, obs_error *error)
{
    int64_t settled = atomic_load(&root->settled_id);
    *cleared = 0;
    if (settled <= root->cleared_id)
        return OBS_OK;
    *cleared = settled;
    return obs__file_clear_to(root, txn, settled, error);
}

void obs__file_finished(obs__file_root *root, int64_t id, size_t bytes)
{
    if (id > atomic_load(&root->finished_id))
        atomic_store(&root->finished_id, id);
    atomic_fetch_add(&root->unsettled_rows, 1);
    atomic_fetch_add(&root->unsettled_bytes, bytes);
    if (!atomic_load(&root->behind))
        obs__file_mark(root, id);
}

void obs__file_behind(obs__file_root *root, int64_t id)
{
    if (id > atomic_load(&root->behind))
        atomic_store(&root->behind, id);
}

void obs__file_settle(obs__file_root *root)
{
    if (atomic_load(&root->unsettled_rows) < SETTLE_ROWS && atomic_load(&root->unsettled_bytes) < SETTLE_BYTES)
        return;
    if (atomic_flag_test_and_set(&root->settling))
        return;
    int64_t id = atomic_load(&root->finished_id);
    atomic_store(&root->unsettled_rows, 0);
    atomic_store(&root->unsettled_bytes, 0);
    /* Without success the rows just stay, and the next attempt takes them along. */
    if (syncfs(root->fd) == 0 && !atomic_load(&root->behind))
        atomic_store(&root->settled_id, id);
    atomic_flag_clear(&root->settling);
}

#define BOOT_ID_SIZE 37

/* A number that changes when the machine starts: then nothing is known about what was not synced. "" when it is unknown. */
static void read_boot_id(char out[BOOT_ID_SIZE])
{
    int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? 0 : read(fd, out, BOOT_ID_SIZE - 1);
    out[got == BOOT_ID_SIZE - 1 ? got : 0] = '\0';
    if (fd >= 0)
        close(fd);
}

#define MARK_SIZE (OBS__IDENTITY_SIZE + 64)

/* What makes this very file, mounted as it is since the machine started: a copy of the folder (a backup, a disk image) or
 * a disk that was pulled out and put back does not carry the trust along. */
static void identify(char out[OBS__IDENTITY_SIZE], int fd)
{
    struct statx found;
    char boot[BOOT_ID_SIZE];
    *out = '\0';
    read_boot_id(boot);
    if (!*boot || statx(fd, "", AT_EMPTY_PATH, STATX_INO | STATX_BTIME | STATX_MNT_ID, &found) != 0)
        return;
    snprintf(out, OBS__IDENTITY_SIZE, "%s %llu %llu %lld.%09u", boot, (unsigned long long)found.stx_mnt_id,
             (unsigned long long)found.stx_ino, (long long)found.stx_btime.tv_sec, (unsigned)found.stx_btime.tv_nsec);
}

static int mark_text(char out[MARK_SIZE], const obs__file_root *root, int64_t id)
{
    int length = snprintf(out, MARK_SIZE, "%s %020lld", root->identity, (long long)id);
    uint32_t crc = obs__crc32c(0, out, (size_t)length);
    return length + snprintf(out + length, MARK_SIZE - (size_t)length, " %08x\n", (unsigned)crc);
}

static int open_mark(obs__file_root *root, int flags)
{
    if (root->finished < 0 &&
        obs__open_at(&root->finished, root->fd, ".obs/finished", O_RDWR | flags, root->mode & 0666, NULL) == OBS_OK)
        identify(root->identity, root->finished);
    return root->finished >= 0 && *root->identity;
}

void obs__file_mark(obs__file_root *root, int64_t id)
{
    char text[MARK_SIZE];
    if (root->shared || !open_mark(root, O_CREAT))
        return;
    int length = mark_text(text, root, id);
    /* Not needed for anything but speed: without it the next opener looks at every row. An older mark says less, not more. */
    ssize_t written = pwrite(root->finished, text, (size_t)length, 0);
    (void)written;
}

int64_t obs__file_trusted(obs__file_root *root)
{
    char text[MARK_SIZE] = "";
    char again[MARK_SIZE];
    if (root->shared || !open_mark(root, 0))
        return 0;
    ssize_t got = pread(root->finished, text, sizeof text - 1, 0);
    size_t before = strlen(root->identity) + 1;
    int64_t id = got > (ssize_t)before ? strtoll(text + before, NULL, 10) : 0;
    mark_text(again, root, id);
    return strcmp(text, again) == 0 ? id : 0;
}
