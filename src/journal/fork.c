#include "journal/fork.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <unistd.h>

#include "base/call.h"
#include "base/error.h"
#include "base/memory.h"
#include "journal/park.h"

/* All descriptors given out by obs__kept_open(), under the mutex. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static int *fds;
static size_t count, capacity;

static pthread_mutex_t registry = PTHREAD_MUTEX_INITIALIZER;

/* One for some folders each: who waits for one tenant seldom keeps others waiting. */
#define OPENINGS 64
static obs__turn opening[OPENINGS];

/* SQLite's own mutexes, in the order in which it takes them. Held over fork(), or a child forked while another thread
 * allocates memory in SQLite would wait for that thread for ever. */
static const int sqlite_mutexes[] = {SQLITE_MUTEX_STATIC_PRNG, SQLITE_MUTEX_STATIC_MAIN, SQLITE_MUTEX_STATIC_OPEN,
                                     SQLITE_MUTEX_STATIC_VFS1, SQLITE_MUTEX_STATIC_LRU,  SQLITE_MUTEX_STATIC_PMEM,
                                     SQLITE_MUTEX_STATIC_MEM};
#define SQLITE_MUTEX_COUNT (sizeof sqlite_mutexes / sizeof sqlite_mutexes[0])

static void before_fork(void)
{
    pthread_mutex_lock(&registry);
    pthread_mutex_lock(&mutex);
    for (size_t i = 0; i < SQLITE_MUTEX_COUNT; i++)
        sqlite3_mutex_enter(sqlite3_mutex_alloc(sqlite_mutexes[i]));
}

static void after_fork(void)
{
    for (size_t i = SQLITE_MUTEX_COUNT; i-- > 0;)
        sqlite3_mutex_leave(sqlite3_mutex_alloc(sqlite_mutexes[i]));
    pthread_mutex_unlock(&mutex);
    pthread_mutex_unlock(&registry);
}

static void in_child(void)
{
    /* The parent's descriptors stand for the same locks: closing these copies gives nothing back. */
    for (size_t i = 0; i < count; i++)
        close(fds[i]);
    count = 0;
    /* May have been held by a thread that is not here, for the length of an opening: what it opened is abandoned. */
    for (size_t i = 0; i < OPENINGS; i++)
        obs__turn_reset(&opening[i]);
    after_fork();
}

static void watch_forks(void)
{
    pthread_atfork(before_fork, after_fork, in_child);
}

obs_status obs__opening_lock(ino_t folder, const obs__limit *limit, obs_error *error)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, watch_forks);
    return obs__turn_take(&opening[folder % OPENINGS], limit, error);
}

void obs__opening_unlock(ino_t folder)
{
    obs__turn_give(&opening[folder % OPENINGS]);
}

void obs__registry_lock(void)
{
    pthread_mutex_lock(&registry);
}

void obs__registry_unlock(void)
{
    pthread_mutex_unlock(&registry);
}

static int make_room(void)
{
    if (count < capacity)
        return 1;
    size_t more = capacity ? capacity * 2 : 16;
    int *larger = obs__realloc(fds, more * sizeof *fds);
    if (!larger)
        return 0;
    fds = larger;
    capacity = more;
    return 1;
}

obs_status obs__kept_open(int *out, int folder, const char *name, const char *what, obs_error *error)
{
    obs_status status = OBS_OK;
    *out = -1;
    pthread_mutex_lock(&mutex);
    int fd = -1;
    if (!make_room())
        status = obs__fail_memory(error);
    else if ((fd = openat(folder, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0660)) < 0)
        status = obs__fail_system(error, errno, "cannot open %s", what);
    else
        *out = fds[count++] = fd;
    pthread_mutex_unlock(&mutex);
    if (status != OBS_OK)
        obs__detail(error, "file %s", name);
    return status;
}

void obs__kept_close(int fd, unsigned generation)
{
    if (generation != obs__generation())
        return; /* closed by in_child(); the number may be another file's now */
    pthread_mutex_lock(&mutex);
    for (size_t i = 0; i < count; i++)
        if (fds[i] == fd) {
            fds[i] = fds[--count];
            close(fd);
            break;
        }
    pthread_mutex_unlock(&mutex);
}
