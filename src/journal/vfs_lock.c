/* The locks of the database file, as SQLite's own Unix layer takes them (https://www.sqlite.org/lockingv3.html). */
#include <errno.h>
#include <fcntl.h>

#include "journal/vfs.h"

/* Bytes that no page ever uses; the same in every build of SQLite. */
#define PENDING 0x40000000
#define RESERVED (PENDING + 1)
#define SHARED (PENDING + 2)
#define SHARED_SIZE 510

int obs__lock_bytes(int fd, short type, sqlite3_int64 first, sqlite3_int64 count)
{
    struct flock range = {.l_type = type, .l_whence = SEEK_SET, .l_start = first, .l_len = count};
    if (fcntl(fd, F_OFD_SETLK, &range) == 0)
        return SQLITE_OK;
    return errno == EAGAIN || errno == EACCES || errno == EINTR ? SQLITE_BUSY : SQLITE_IOERR_LOCK;
}

static int lock_shared(const obs__file_lock *lock)
{
    /* Whoever wants to be alone holds PENDING, so that no new reader comes in. */
    int code = obs__lock_bytes(lock->fd, F_RDLCK, PENDING, 1);
    if (code != SQLITE_OK)
        return code;
    code = obs__lock_bytes(lock->fd, F_RDLCK, SHARED, SHARED_SIZE);
    int released = obs__lock_bytes(lock->fd, F_UNLCK, PENDING, 1);
    return code == SQLITE_OK && released != SQLITE_OK ? SQLITE_IOERR_UNLOCK : code;
}

int obs__file_lock_raise(obs__file_lock *lock, int level)
{
    int code = SQLITE_OK;
    if (lock->level >= level)
        return SQLITE_OK;
    if (level == SQLITE_LOCK_SHARED)
        code = lock_shared(lock);
    else if (level == SQLITE_LOCK_RESERVED)
        code = obs__lock_bytes(lock->fd, F_WRLCK, RESERVED, 1);
    else if (lock->level < SQLITE_LOCK_PENDING)
        code = obs__lock_bytes(lock->fd, F_WRLCK, PENDING, 1);
    if (code == SQLITE_OK && level == SQLITE_LOCK_EXCLUSIVE) {
        lock->level = SQLITE_LOCK_PENDING;
        code = obs__lock_bytes(lock->fd, F_WRLCK, SHARED, SHARED_SIZE);
    }
    if (code == SQLITE_OK)
        lock->level = level;
    return code;
}

int obs__file_lock_lower(obs__file_lock *lock, int level)
{
    int code = SQLITE_OK;
    if (lock->level <= level)
        return SQLITE_OK;
    if (level == SQLITE_LOCK_SHARED) {
        code = obs__lock_bytes(lock->fd, F_RDLCK, SHARED, SHARED_SIZE);
        if (code == SQLITE_OK)
            code = obs__lock_bytes(lock->fd, F_UNLCK, PENDING, 2);
    } else {
        code = obs__lock_bytes(lock->fd, F_UNLCK, PENDING, 2 + SHARED_SIZE);
    }
    if (code != SQLITE_OK)
        return SQLITE_IOERR_UNLOCK;
    lock->level = level;
    return SQLITE_OK;
}

int obs__file_lock_reserved(obs__file_lock *lock, int *out)
{
    struct flock range = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = RESERVED, .l_len = 1};
    *out = lock->level >= SQLITE_LOCK_RESERVED;
    if (*out)
        return SQLITE_OK;
    if (fcntl(lock->fd, F_OFD_GETLK, &range) != 0)
        return SQLITE_IOERR_CHECKRESERVEDLOCK;
    *out = range.l_type != F_UNLCK;
    return SQLITE_OK;
}
