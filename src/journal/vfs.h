/*
 * SQLite's view of the files of a tenant: the ordinary one for reading and writing, but with locks that belong to the open
 * file and not to the process (OFD locks), on the same bytes as everybody's.
 *
 * The ordinary locks are lost as soon as anything in the process closes the file, be it another copy of SQLite, and SQLite
 * remembers in process-wide lists that a forked child inherits which of them it holds. Neither can happen here: each
 * connection has its own descriptors, and the kernel alone knows who holds what.
 */
#ifndef OBS_JOURNAL_VFS_H
#define OBS_JOURNAL_VFS_H

#include <sqlite3.h>

#include <obs/error.h>

/* The name to open connections with. */
obs_status obs__vfs(const char **out, obs_error *error);

/* What a connection locks with; embedded in its file. */
typedef struct obs__file_lock {
    int fd;
    int level; /* SQLITE_LOCK_… */
} obs__file_lock;

/* Takes or gives back a range of bytes: F_RDLCK, F_WRLCK, F_UNLCK. SQLITE_OK, SQLITE_BUSY or an error. */
int obs__lock_bytes(int fd, short type, sqlite3_int64 first, sqlite3_int64 count);
int obs__file_lock_raise(obs__file_lock *lock, int level);
int obs__file_lock_lower(obs__file_lock *lock, int level);
int obs__file_lock_reserved(obs__file_lock *lock, int *out);

/* The shared index of the log (`tenant.db-shm`) of one connection. */
#define OBS__INDEX_REGIONS 256
typedef struct obs__index {
    int fd;      /* -1: not open yet */
    int entered; /* known to the others as being there */
    int read_only;
    int count;
    int size; /* of a region */
    void *regions[OBS__INDEX_REGIONS];
} obs__index;

int obs__index_map(obs__index *index, const char *database, int region, int size, int extend, void volatile **out);
int obs__index_lock(obs__index *index, int offset, int count, int flags);
void obs__index_unmap(obs__index *index);

/* Opens the log of a database (vfs_log.c): OBS__LOG_FILE_SIZE bytes, and the ordinary file behind them. */
#define OBS__LOG_FILE_SIZE 64
int obs__log_open(sqlite3_vfs *real, const char *path, sqlite3_file *base, int flags, int *out_flags);

#endif
