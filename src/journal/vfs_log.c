/*
 * The log of the database (`tenant.db-wal`): what SQLite writes to it is gathered and written in large pieces.
 *
 * SQLite writes each page of a commit with two small calls, which cost more than the bytes. What is gathered goes out at the
 * sync that ends the commit, or before anything else looks at the file. No other connection misses it: they are told of a
 * commit, in the shared index, only after its sync (`synchronous=FULL`, always), and what is not committed they never read.
 */
#include <string.h>

#include "base/memory.h"
#include "journal/vfs.h"

#define PIECE ((size_t)64 << 10) /* SQLite's own layer takes less than 128 KiB at a time */

typedef struct log_file {
    sqlite3_file base;
    char *piece; /* of PIECE bytes, made with the first write: readers have none */
    size_t size;
    sqlite3_int64 offset; /* of the piece in the file */
} log_file;

_Static_assert(sizeof(log_file) <= OBS__LOG_FILE_SIZE, "room for it in front of the ordinary file");

static log_file *self(sqlite3_file *base)
{
    return (log_file *)(void *)base;
}

static sqlite3_file *below(sqlite3_file *base)
{
    return (sqlite3_file *)(void *)((char *)base + OBS__LOG_FILE_SIZE);
}

/* A piece that cannot be written is dropped: its commit fails, and the next one begins at the same place. */
static int flush(sqlite3_file *base)
{
    log_file *log = self(base);
    size_t size = log->size;
    log->size = 0;
    return size ? below(base)->pMethods->xWrite(below(base), log->piece, (int)size, log->offset) : SQLITE_OK;
}

static int close_log(sqlite3_file *base)
{
    int code = flush(base);
    obs__free(self(base)->piece);
    self(base)->piece = NULL;
    int closed = below(base)->pMethods->xClose(below(base));
    return code == SQLITE_OK ? closed : code;
}

static int read_log(sqlite3_file *base, void *out, int size, sqlite3_int64 offset)
{
    int code = flush(base);
    return code == SQLITE_OK ? below(base)->pMethods->xRead(below(base), out, size, offset) : code;
}

static int write_log(sqlite3_file *base, const void *data, int size, sqlite3_int64 offset)
{
    log_file *log = self(base);
    int code = SQLITE_OK;
    if (log->size && (offset != log->offset + (sqlite3_int64)log->size || log->size + (size_t)size > PIECE))
        code = flush(base);
    if (!log->piece)
        log->piece = obs__alloc(PIECE);
    if (code != SQLITE_OK || !log->piece || (size_t)size > PIECE)
        return code == SQLITE_OK ? below(base)->pMethods->xWrite(below(base), data, size, offset) : code;
    if (!log->size)
        log->offset = offset;
    memcpy(log->piece + log->size, data, (size_t)size);
    log->size += (size_t)size;
    return SQLITE_OK;
}

static int truncate_log(sqlite3_file *base, sqlite3_int64 size)
{
    int code = flush(base);
    return code == SQLITE_OK ? below(base)->pMethods->xTruncate(below(base), size) : code;
}

static int sync_log(sqlite3_file *base, int flags)
{
    int code = flush(base);
    return code == SQLITE_OK ? below(base)->pMethods->xSync(below(base), flags) : code;
}

static int size_of_log(sqlite3_file *base, sqlite3_int64 *out)
{
    int code = flush(base);
    return code == SQLITE_OK ? below(base)->pMethods->xFileSize(below(base), out) : code;
}

static int control(sqlite3_file *base, int operation, void *argument)
{
    int code = flush(base);
    return code == SQLITE_OK ? below(base)->pMethods->xFileControl(below(base), operation, argument) : code;
}

static int lock(sqlite3_file *base, int level)
{
    return below(base)->pMethods->xLock(below(base), level);
}

static int unlock(sqlite3_file *base, int level)
{
    return below(base)->pMethods->xUnlock(below(base), level);
}

static int check_reserved(sqlite3_file *base, int *out)
{
    return below(base)->pMethods->xCheckReservedLock(below(base), out);
}

static int sector_size(sqlite3_file *base)
{
    return below(base)->pMethods->xSectorSize(below(base));
}

static int characteristics(sqlite3_file *base)
{
    return below(base)->pMethods->xDeviceCharacteristics(below(base));
}

static const sqlite3_io_methods methods = {
    .iVersion = 1,
    .xClose = close_log,
    .xRead = read_log,
    .xWrite = write_log,
    .xTruncate = truncate_log,
    .xSync = sync_log,
    .xFileSize = size_of_log,
    .xLock = lock,
    .xUnlock = unlock,
    .xCheckReservedLock = check_reserved,
    .xFileControl = control,
    .xSectorSize = sector_size,
    .xDeviceCharacteristics = characteristics,
};

int obs__log_open(sqlite3_vfs *real, const char *path, sqlite3_file *base, int flags, int *out_flags)
{
    log_file *log = self(base);
    *log = (log_file){0};
    below(base)->pMethods = NULL;
    int code = real->xOpen(real, path, below(base), flags, out_flags);
    if (code == SQLITE_OK)
        base->pMethods = &methods;
    else if (below(base)->pMethods)
        below(base)->pMethods->xClose(below(base));
    return code;
}
