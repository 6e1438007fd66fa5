#include "journal/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/memory.h"
#include "journal/fork.h"
#include "journal/park.h"

#define PAGE_SIZE 4096
#define GONE_COUNT 256

/* The mapped page. Tickets are counted modulo 2^32. */
typedef struct page {
    obs__word next;             /* the ticket that is drawn next */
    obs__word served;           /* the ticket whose turn it is */
    obs__word dirty;            /* obs__lock_mark() */
    obs__word gone[GONE_COUNT]; /* ~ticket of those who stopped waiting, at ticket modulo GONE_COUNT */
} page;

struct obs__lock {
    int folder;
    int fd;
    unsigned generation;
    page *page;
    uint32_t ticket;
    int waiting; /* the ticket was drawn and is not used up */
};

static obs_status map_page(obs__lock *lock, obs_error *error)
{
    /* Allocated, not only sized: writing to a hole on a full disk would be SIGBUS. */
    struct stat info;
    if (fstat(lock->fd, &info) != 0)
        return obs__fail_system(error, errno, "cannot examine the file 'lock' of the tenant");
    int number = info.st_size < PAGE_SIZE ? posix_fallocate(lock->fd, 0, PAGE_SIZE) : 0;
    if (number)
        return obs__fail_system(error, number, "cannot make room for the file 'lock' of the tenant");
    void *memory = mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, lock->fd, 0);
    if (memory == MAP_FAILED)
        return obs__fail_system(error, errno, "cannot map the file 'lock' of the tenant");
    lock->page = memory;
    return OBS_OK;
}

static obs_status open_file(obs__lock *lock, obs_error *error)
{
    obs_status status = obs__kept_open(&lock->fd, lock->folder, "lock", "the tenant's lock", error);
    if (status == OBS_OK && (status = map_page(lock, error)) != OBS_OK) {
        obs__kept_close(lock->fd, lock->generation);
        lock->fd = -1;
    }
    return status;
}

static void close_file(obs__lock *lock)
{
    if (lock->page)
        munmap(lock->page, PAGE_SIZE);
    if (lock->fd >= 0)
        obs__kept_close(lock->fd, lock->generation);
    lock->page = NULL;
    lock->fd = -1;
    lock->waiting = 0;
}

obs_status obs__lock_open(obs__lock **out, int folder, obs_error *error)
{
    *out = NULL;
    obs__lock *lock = obs__calloc(1, sizeof *lock);
    if (!lock)
        return obs__fail_memory(error);
    lock->folder = folder;
    lock->fd = -1;
    lock->generation = obs__generation();
    obs_status status = open_file(lock, error);
    if (status == OBS_OK)
        *out = lock;
    else
        obs__free(lock);
    return status;
}

void obs__lock_free(obs__lock *lock)
{
    if (!lock)
        return;
    obs__lock_forgo(lock);
    close_file(lock);
    obs__free(lock);
}

/* Gives the turn to the first ticket from `ticket` on that somebody still waits with. */
static void serve(page *page, uint32_t ticket)
{
    uint32_t next = atomic_load(&page->next);
    while (ticket != next && atomic_load(&page->gone[ticket % GONE_COUNT]) == ~ticket)
        ticket++;
    atomic_store(&page->served, ticket);
    if (ticket != next)
        obs__unpark_shared(&page->served, ticket);
}

void obs__lock_forgo(obs__lock *lock)
{
    if (!lock->waiting)
        return;
    lock->waiting = 0;
    atomic_store(&lock->page->gone[lock->ticket % GONE_COUNT], ~lock->ticket);
    /* The turn may have come just now, and nobody else would pass it on. */
    if (atomic_load(&lock->page->served) == lock->ticket)
        serve(lock->page, lock->ticket);
}

/* Whether the kernel gave the lock: 1 or 0; a failure other than "held by another" is in *status. */
static int try_kernel(obs__lock *lock, obs_status *status, obs_error *error)
{
    if (flock(lock->fd, LOCK_EX | LOCK_NB) == 0)
        return 1;
    if (errno != EWOULDBLOCK && errno != EINTR)
        *status = obs__fail_system(error, errno, "cannot take the writer lock of the tenant");
    return 0;
}

/* Sleeps until the turn may have come. Returns 1 when nothing has moved for a whole slice. */
static int sleep_slice(obs__lock *lock, int is_turn, const obs__limit *limit)
{
    page *page = lock->page;
    uint32_t served = atomic_load(&page->served);
    if (!is_turn && (int32_t)(lock->ticket - served) <= 0)
        return 0;
    int64_t end = obs__slice_end(limit);
    /* Its turn, but another one was faster (it passed over a ticket that came back late): look again soon. */
    if (is_turn && end > obs__monotonic_ns() + 1000000)
        end = obs__monotonic_ns() + 1000000;
    obs__park_shared(&page->served, served, end, lock->ticket);
    return atomic_load(&page->served) == served && obs__monotonic_ns() >= end;
}

static obs_status wait_turn(obs__lock *lock, const obs__limit *limit, obs_error *error)
{
    obs_status status = OBS_OK;
    int stalled = 0;
    while (status == OBS_OK) {
        int is_turn = (int32_t)(lock->ticket - atomic_load(&lock->page->served)) <= 0;
        if ((is_turn || stalled) && try_kernel(lock, &status, error))
            return OBS_OK;
        if (status == OBS_OK)
            status = obs__limit_check(limit, error);
        if (status == OBS_OK)
            stalled = sleep_slice(lock, is_turn, limit);
    }
    return status;
}

/* Somebody may have removed the file, and another process locks a new one. */
static int is_removed(const obs__lock *lock)
{
    struct stat info;
    return fstat(lock->fd, &info) != 0 || info.st_nlink == 0;
}

obs_status obs__lock_take(obs__lock *lock, const obs__limit *limit, obs_error *error)
{
    for (;;) {
        obs_status status = lock->fd < 0 ? open_file(lock, error) : OBS_OK;
        if (status != OBS_OK)
            return status;
        if (!lock->waiting)
            lock->ticket = atomic_fetch_add(&lock->page->next, 1);
        lock->waiting = 1;
        status = wait_turn(lock, limit, error);
        if (status != OBS_OK)
            return status;
        if (!is_removed(lock))
            break;
        close_file(lock);
    }
    lock->waiting = 0;
    atomic_store(&lock->page->served, lock->ticket);
    return OBS_OK;
}

void obs__lock_release(obs__lock *lock)
{
    flock(lock->fd, LOCK_UN);
    serve(lock->page, lock->ticket + 1);
}

void obs__lock_mark(obs__lock *lock, int dirty)
{
    atomic_store(&lock->page->dirty, (uint32_t)dirty);
}

int obs__lock_marked(const obs__lock *lock)
{
    return atomic_load(&lock->page->dirty) != 0;
}
