/* Staging files whose session ended: nobody will ever refer to them, except rows of large bodies. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/error.h"
#include "store/file.h"

#define SESSION_SIZE 16

static int open_lock(obs__file_root *root, const char *session)
{
    char name[SESSION_SIZE + 8];
    snprintf(name, sizeof name, "%.*s.lock", SESSION_SIZE, session);
    return openat(root->staging, name, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
}

/* Whether the process of a session still runs. */
static int is_alive(obs__file_root *root, const char *session)
{
    int fd = open_lock(root, session);
    if (fd < 0)
        return errno != ENOENT;
    int alive = flock(fd, LOCK_EX | LOCK_NB) != 0;
    close(fd);
    return alive;
}

static int is_named(sqlite3_stmt *rows, const char *name)
{
    sqlite3_bind_text(rows, 1, name, -1, SQLITE_STATIC);
    int named = sqlite3_step(rows) == SQLITE_ROW;
    sqlite3_reset(rows);
    return named;
}

static int is_ours(const obs__file_root *root, const char *name)
{
    char owner[9];
    snprintf(owner, sizeof owner, "%08x", (unsigned)root->owner);
    return strlen(name) > SESSION_SIZE && name[SESSION_SIZE] == '.' && (!root->shared || strncmp(name, owner, 8) == 0);
}

obs_status obs__file_sweep(obs__file_root *root, sqlite3 *database, obs_error *error)
{
    sqlite3_stmt *rows = NULL;
    int fd = openat(root->fd, ".obs/staging", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);
    if (!folder)
        return obs__fail_system(error, errno, "cannot read the staging folder of '%s'", root->path);
    int code = sqlite3_prepare_v2(database, "SELECT 1 FROM pending WHERE staged = ?1 AND body IS NULL", -1, &rows, NULL);
    for (struct dirent *entry; code == SQLITE_OK && (entry = readdir(folder));) {
        const char *name = entry->d_name;
        if (!is_ours(root, name) || is_alive(root, name) || is_named(rows, name))
            continue;
        unlinkat(root->staging, name, 0);
    }
    sqlite3_finalize(rows);
    closedir(folder);
    return code == SQLITE_OK ? OBS_OK : obs__sqlite_fail(error, database, code, "cannot read what is pending");
}
