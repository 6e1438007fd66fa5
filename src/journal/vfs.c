#include "journal/vfs.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "base/error.h"

/* The main file of a database. SQLite allocates it with szOsFile bytes; the ordinary file lies behind. */
typedef struct file {
    sqlite3_file base;
    const char *path; /* SQLite's, valid until it is closed */
    obs__file_lock lock;
    obs__index index;
} file;

/* The ordinary layer without locks, and ours, which is a copy of it with another open. */
static sqlite3_vfs *real;
static sqlite3_vfs ours;
static char name[32];

static sqlite3_file *below(sqlite3_file *base)
{
    return (sqlite3_file *)(void *)((file *)(void *)base + 1);
}

static file *self(sqlite3_file *base)
{
    return (file *)(void *)base;
}

static int close_file(sqlite3_file *base)
{
    obs__index_unmap(&self(base)->index);
    if (self(base)->lock.fd >= 0)
        close(self(base)->lock.fd);
    return below(base)->pMethods ? below(base)->pMethods->xClose(below(base)) : SQLITE_OK;
}

static int read_file(sqlite3_file *base, void *out, int size, sqlite3_int64 offset)
{
    return below(base)->pMethods->xRead(below(base), out, size, offset);
}

static int write_file(sqlite3_file *base, const void *data, int size, sqlite3_int64 offset)
{
    return below(base)->pMethods->xWrite(below(base), data, size, offset);
}

static int truncate_file(sqlite3_file *base, sqlite3_int64 size)
{
    return below(base)->pMethods->xTruncate(below(base), size);
}

static int sync_file(sqlite3_file *base, int flags)
{
    return below(base)->pMethods->xSync(below(base), flags);
}

static int size_of_file(sqlite3_file *base, sqlite3_int64 *out)
{
    return below(base)->pMethods->xFileSize(below(base), out);
}

static int control(sqlite3_file *base, int operation, void *argument)
{
    return below(base)->pMethods->xFileControl(below(base), operation, argument);
}

static int sector_size(sqlite3_file *base)
{
    return below(base)->pMethods->xSectorSize(below(base));
}

static int characteristics(sqlite3_file *base)
{
    return below(base)->pMethods->xDeviceCharacteristics(below(base));
}

static int lock(sqlite3_file *base, int level)
{
    return obs__file_lock_raise(&self(base)->lock, level);
}

static int unlock(sqlite3_file *base, int level)
{
    return obs__file_lock_lower(&self(base)->lock, level);
}

static int check_reserved(sqlite3_file *base, int *out)
{
    return obs__file_lock_reserved(&self(base)->lock, out);
}

static int map_index(sqlite3_file *base, int region, int size, int extend, void volatile **out)
{
    return obs__index_map(&self(base)->index, self(base)->path, region, size, extend, out);
}

static int lock_index(sqlite3_file *base, int offset, int count, int flags)
{
    return obs__index_lock(&self(base)->index, offset, count, flags);
}

static void order_index(sqlite3_file *base)
{
    (void)base;
    atomic_thread_fence(memory_order_seq_cst);
}

/* The index is never removed: the log stays, and so does the index that a reader of a read-only disk needs. */
static int unmap_index(sqlite3_file *base, int remove)
{
    (void)remove;
    obs__index_unmap(&self(base)->index);
    return SQLITE_OK;
}

static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = close_file,
    .xRead = read_file,
    .xWrite = write_file,
    .xTruncate = truncate_file,
    .xSync = sync_file,
    .xFileSize = size_of_file,
    .xLock = lock,
    .xUnlock = unlock,
    .xCheckReservedLock = check_reserved,
    .xFileControl = control,
    .xSectorSize = sector_size,
    .xDeviceCharacteristics = characteristics,
    .xShmMap = map_index,
    .xShmLock = lock_index,
    .xShmBarrier = order_index,
    .xShmUnmap = unmap_index,
};

static int open_main(const char *path, sqlite3_file *base, int flags, int *out_flags)
{
    file *main = self(base);
    main->path = path;
    main->lock = (obs__file_lock){-1, SQLITE_LOCK_NONE};
    main->index = (obs__index){.fd = -1};
    int got = flags; /* a file that may not be written is opened to be read */
    int code = real->xOpen(real, path, below(base), flags, &got);
    if (out_flags)
        *out_flags = got;
    if (code == SQLITE_OK)
        main->lock.fd = open(path, (got & SQLITE_OPEN_READONLY ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NOFOLLOW);
    if (code == SQLITE_OK && main->lock.fd < 0)
        code = SQLITE_CANTOPEN;
    if (code == SQLITE_OK)
        base->pMethods = &methods;
    else
        close_file(base);
    return code;
}

static int open_file(sqlite3_vfs *vfs, const char *path, sqlite3_file *base, int flags, int *out_flags)
{
    (void)vfs;
    base->pMethods = NULL;
    if (flags & SQLITE_OPEN_WAL)
        return obs__log_open(real, path, base, flags, out_flags);
    if (!(flags & SQLITE_OPEN_MAIN_DB))
        return real->xOpen(real, path, base, flags, out_flags);
    below(base)->pMethods = NULL;
    return open_main(path, base, flags, out_flags);
}

_Static_assert(sizeof(file) >= OBS__LOG_FILE_SIZE, "the log fits as well");

static void set_up(void)
{
    real = sqlite3_vfs_find("unix-none");
    if (!real)
        return;
    ours = *real;
    ours.pNext = NULL;
    ours.szOsFile = (int)sizeof(file) + real->szOsFile;
    ours.xOpen = open_file;
    /* There may be another copy of this library in the process. */
    snprintf(name, sizeof name, "obs-%p", (void *)&ours);
    ours.zName = name;
    if (sqlite3_vfs_register(&ours, 0) != SQLITE_OK)
        real = NULL;
}

obs_status obs__vfs(const char **out, obs_error *error)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, set_up);
    *out = name;
    return real ? OBS_OK : obs__fail(error, OBS_INTERNAL, "this SQLite was built without its Unix file layer");
}

/* SQLite's list must not point into a library that was unloaded. */
__attribute__((destructor)) static void tear_down(void)
{
    if (real)
        sqlite3_vfs_unregister(&ours);
}
