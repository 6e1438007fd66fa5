/*
 * The shared index of the log: a file of 32 KiB regions that all connections map, and eight lock bytes in it
 * (https://www.sqlite.org/walformat.html#the_wal_index_file_format).
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "journal/vfs.h"

#define LOCKS 120                        /* the first lock byte */
#define ALIVE (LOCKS + SQLITE_SHM_NLOCK) /* held, shared, by everybody who has the index open */

/* Whoever comes first after all others are gone must not trust what a crash left in the index. */
static int enter(obs__index *index)
{
    struct flock others = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = ALIVE, .l_len = 1};
    if (index->read_only && (fcntl(index->fd, F_OFD_GETLK, &others) != 0 || others.l_type == F_UNLCK))
        return SQLITE_READONLY_CANTINIT; /* and who cannot write makes an index of its own in memory */
    if (!index->read_only && obs__lock_bytes(index->fd, F_WRLCK, ALIVE, 1) == SQLITE_OK && ftruncate(index->fd, 3) != 0)
        return SQLITE_IOERR_SHMOPEN;
    int code = obs__lock_bytes(index->fd, F_RDLCK, ALIVE, 1);
    index->entered = code == SQLITE_OK;
    return code;
}

static int open_index(obs__index *index, const char *database)
{
    char path[PATH_MAX];
    struct stat info;
    int size = snprintf(path, sizeof path, "%s-shm", database);
    if (size < 0 || (size_t)size >= sizeof path || stat(database, &info) != 0)
        return SQLITE_CANTOPEN;
    index->read_only = 0;
    /* As private as the database itself. */
    index->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, info.st_mode & 0777);
    if (index->fd < 0) {
        index->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        index->read_only = 1;
    }
    return index->fd < 0 ? SQLITE_CANTOPEN : SQLITE_OK;
}

/* Room for all regions up to this one, allocated: writing to a hole on a full disk would be SIGBUS. */
static int make_room(obs__index *index, sqlite3_int64 end, int extend, int *there)
{
    struct stat info;
    if (fstat(index->fd, &info) != 0)
        return SQLITE_IOERR_SHMSIZE;
    *there = info.st_size >= end;
    if (*there || !extend)
        return SQLITE_OK;
    if (index->read_only)
        return SQLITE_READONLY;
    int number = posix_fallocate(index->fd, 0, end);
    if (number)
        return number == ENOSPC ? SQLITE_FULL : SQLITE_IOERR_SHMSIZE;
    *there = 1;
    return SQLITE_OK;
}

/* How far a region begins behind the memory page that holds its first byte (pages may be larger than regions). */
static size_t lead_of(const obs__index *index, int region)
{
    return (size_t)index->size * (size_t)region % (size_t)sysconf(_SC_PAGESIZE);
}

static void *map_region(const obs__index *index, int region)
{
    size_t lead = lead_of(index, region), size = (size_t)index->size;
    int access = index->read_only ? PROT_READ : PROT_READ | PROT_WRITE;
    char *memory = mmap(NULL, size + lead, access, MAP_SHARED, index->fd, (off_t)(size * (size_t)region - lead));
    return memory == MAP_FAILED ? NULL : memory + lead;
}

int obs__index_map(obs__index *index, const char *database, int region, int size, int extend, void volatile **out)
{
    int there = 0;
    *out = NULL;
    int code = index->fd < 0 ? open_index(index, database) : SQLITE_OK;
    if (code == SQLITE_OK && !index->entered)
        code = enter(index);
    if (code == SQLITE_OK && region >= OBS__INDEX_REGIONS)
        return SQLITE_FULL; /* a log of 4 GiB */
    if (code == SQLITE_OK && region >= index->count)
        code = make_room(index, (sqlite3_int64)size * (region + 1), extend, &there);
    index->size = size;
    for (; code == SQLITE_OK && there && index->count <= region; index->count++)
        if (!(index->regions[index->count] = map_region(index, index->count)))
            return SQLITE_IOERR_SHMMAP;
    if (code == SQLITE_OK && region < index->count)
        *out = index->regions[region];
    return code == SQLITE_OK && index->read_only ? SQLITE_READONLY : code;
}

int obs__index_lock(obs__index *index, int offset, int count, int flags)
{
    short type = flags & SQLITE_SHM_UNLOCK ? F_UNLCK : flags & SQLITE_SHM_SHARED ? F_RDLCK : F_WRLCK;
    if (index->read_only && type == F_WRLCK)
        return SQLITE_BUSY;
    return obs__lock_bytes(index->fd, type, LOCKS + offset, count);
}

void obs__index_unmap(obs__index *index)
{
    for (int i = 0; i < index->count; i++)
        munmap((char *)index->regions[i] - lead_of(index, i), (size_t)index->size + lead_of(index, i));
    if (index->fd >= 0)
        close(index->fd);
    index->count = index->entered = 0;
    index->fd = -1;
}
