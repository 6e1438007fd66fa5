/* The shared state of a consumer: its file, its lock and its members. The claims themselves: claims_choose.c. */
#include "event/claims.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "journal/fork.h"

#define HEADER_SIZE 4096
#define FIRST_CAPACITY 256
#define WHOLE_SIZE (HEADER_SIZE + OBS__CLAIMS_MAX * sizeof(obs__claim))

static const char magic[8] = "obsclm1";

_Static_assert(sizeof(obs__claims_header) <= HEADER_SIZE, "the header has a page of its own");
_Static_assert(sizeof(obs__claim) == 32, "the file has one form");

/* Locks `count` bytes from `at`, or asks who has them: 1 when that could be had. */
static int lock_bytes(int fd, int command, short type, off_t at, off_t count)
{
    struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = at, .l_len = count};
    int done = fcntl(fd, command, &lock) == 0;
    return command == F_OFD_GETLK ? done && lock.l_type == F_UNLCK : done;
}

static void read_boot(char out[40])
{
    obs_buffer *id = NULL;
    memset(out, 0, 40);
    if (obs__file_read(&id, AT_FDCWD, "/proc/sys/kernel/random/boot_id", 64, NULL) == OBS_OK)
        memcpy(out, obs_buffer_data(id), obs_buffer_size(id) < 39 ? obs_buffer_size(id) : 39);
    obs_buffer_free(id);
}

/* Room on the disk, so that no write to the mapping can find the disk full. */
static obs_status reserve(obs__claims *claims, uint32_t capacity, obs_error *error)
{
    int failed = posix_fallocate(claims->fd, 0, (off_t)(HEADER_SIZE + capacity * sizeof(obs__claim)));
    if (failed)
        return obs__fail_system(error, failed, "cannot make room for the events of a consumer");
    claims->header->capacity = capacity;
    return OBS_OK;
}

static obs_status map(obs__claims *claims, obs_error *error)
{
    struct stat found;
    off_t least = (off_t)(HEADER_SIZE + FIRST_CAPACITY * sizeof(obs__claim));
    if (fstat(claims->fd, &found) != 0)
        return obs__fail_system(error, errno, "cannot look at the file of a consumer");
    int failed = found.st_size < least ? posix_fallocate(claims->fd, 0, least) : 0;
    if (failed)
        return obs__fail_system(error, failed, "cannot make the file of a consumer");
    void *memory = mmap(NULL, WHOLE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, claims->fd, 0);
    if (memory == MAP_FAILED)
        return obs__fail_system(error, errno, "cannot map the file of a consumer");
    claims->header = memory;
    claims->items = (obs__claim *)((char *)memory + HEADER_SIZE);
    return OBS_OK;
}

static obs_status path_of(char *out, size_t capacity, const obs__gate *gate, const char *consumer, obs_error *error)
{
    int size = snprintf(out, capacity, "%s/tenants/%s/consumer-%s", gate->workspace, gate->tenant, consumer);
    if (size < 0 || (size_t)size >= capacity)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "the path of the workspace is too long");
    return OBS_OK;
}

obs_status obs__claims_open(obs__claims **out, const obs__gate *gate, const char *consumer, obs_error *error)
{
    char path[256 + 4096], what[160];
    *out = NULL;
    obs_status status = path_of(path, sizeof path, gate, consumer, error);
    if (status != OBS_OK)
        return status;
    snprintf(what, sizeof what, "the file of the consumer '%.128s'", consumer);
    obs__claims *claims = obs__calloc(1, sizeof *claims);
    if (!claims)
        return obs__fail_memory(error);
    pthread_mutex_init(&claims->mutex, NULL);
    claims->generation = obs__generation();
    claims->member = OBS__MEMBERS_MAX;
    status = obs__kept_open(&claims->fd, AT_FDCWD, path, what, error);
    if (status == OBS_OK)
        status = map(claims, error);
    if (status == OBS_OK)
        *out = claims;
    else
        obs__claims_close(claims);
    return status;
}

static void release(obs__claims *claims, unsigned member)
{
    for (uint32_t i = 0; i < claims->header->used; i++)
        if (claims->items[i].state == OBS__CLAIM_HELD && claims->items[i].member == member)
            claims->items[i].state = OBS__CLAIM_WAITING;
}

static void give_back(obs__claims *claims)
{
    obs__limit limit = obs__limit_in(1000, NULL);
    if (claims->member == OBS__MEMBERS_MAX || obs__claims_lock(claims, &limit, NULL) != OBS_OK)
        return; /* whoever looks next finds this member gone */
    release(claims, claims->member);
    if (claims->header->exclusive == claims->member + 1)
        claims->header->exclusive = 0;
    lock_bytes(claims->fd, F_OFD_SETLK, F_UNLCK, 1 + (off_t)claims->member, 1);
    obs__claims_unlock(claims);
}

void obs__claims_close(obs__claims *claims)
{
    if (!claims)
        return;
    if (claims->header && claims->generation == obs__generation())
        give_back(claims);
    if (claims->header)
        munmap(claims->header, WHOLE_SIZE);
    if (claims->fd >= 0)
        obs__kept_close(claims->fd, claims->generation);
    pthread_mutex_destroy(&claims->mutex);
    obs__free(claims);
}

static int try_lock(obs__claims *claims)
{
    if (pthread_mutex_trylock(&claims->mutex) != 0) {
        errno = EAGAIN;
        return 0;
    }
    if (lock_bytes(claims->fd, F_OFD_SETLK, F_WRLCK, 0, 1))
        return 1;
    int number = errno;
    pthread_mutex_unlock(&claims->mutex);
    errno = number;
    return 0;
}

/* The lock is held for microseconds; a holder that is stopped in between must not stop others for ever. */
obs_status obs__claims_lock(obs__claims *claims, const obs__limit *limit, obs_error *error)
{
    obs_status status = OBS_OK;
    for (int64_t pause_ns = 10000; !try_lock(claims); pause_ns *= 2) {
        if (errno != EAGAIN && errno != EACCES && errno != EINTR)
            return obs__fail_system(error, errno, "cannot lock the file of a consumer");
        status = obs__limit_check(limit, error);
        if (status != OBS_OK)
            return status;
        pause_ns = pause_ns > 1000000 ? 1000000 : pause_ns;
        nanosleep(&(struct timespec){0, (long)pause_ns}, NULL);
    }
    return OBS_OK;
}

void obs__claims_unlock(obs__claims *claims)
{
    lock_bytes(claims->fd, F_OFD_SETLK, F_UNLCK, 0, 1);
    pthread_mutex_unlock(&claims->mutex);
}

static int is_there(const obs__claims *claims, unsigned member)
{
    return member < OBS__MEMBERS_MAX &&
           (member == claims->member || !lock_bytes(claims->fd, F_OFD_GETLK, F_WRLCK, 1 + (off_t)member, 1));
}

static int is_alone(const obs__claims *claims)
{
    return lock_bytes(claims->fd, F_OFD_GETLK, F_WRLCK, 1, OBS__MEMBERS_MAX);
}

unsigned obs__claims_count(const obs__gate *gate, const char *consumer)
{
    char path[256 + 4096];
    unsigned count = 0;
    obs__claims claims = {.fd = -1, .member = OBS__MEMBERS_MAX};
    if (path_of(path, sizeof path, gate, consumer, NULL) != OBS_OK ||
        obs__open_at(&claims.fd, AT_FDCWD, path, O_RDONLY | O_NOFOLLOW, 0, NULL) != OBS_OK)
        return 0;
    for (unsigned i = 0; i < OBS__MEMBERS_MAX; i++)
        count += (unsigned)is_there(&claims, i);
    close(claims.fd);
    return count;
}

void obs__claims_reap(obs__claims *claims)
{
    unsigned looked = OBS__MEMBERS_MAX;
    int there = 0;
    for (uint32_t i = 0; i < claims->header->used; i++) {
        obs__claim *claim = &claims->items[i];
        if (claim->state != OBS__CLAIM_HELD)
            continue;
        if (claim->member != looked) /* those of one member mostly stand together */
            there = is_there(claims, looked = claim->member);
        if (!there)
            claim->state = OBS__CLAIM_WAITING;
    }
}

/* Nobody else is there: what is not of this consumer, this run of the machine and these events is thrown away. */
static obs_status begin(obs__claims *claims, const obs__claims_join *join, obs_error *error)
{
    obs__claims_header *header = claims->header;
    char boot[40];
    struct stat found;
    read_boot(boot);
    if (fstat(claims->fd, &found) != 0)
        return obs__fail_system(error, errno, "cannot look at the file of a consumer");
    uint64_t room = ((uint64_t)found.st_size - HEADER_SIZE) / sizeof(obs__claim);
    room = room > OBS__CLAIMS_MAX ? OBS__CLAIMS_MAX : room;
    if (memcmp(header->magic, magic, sizeof magic) != 0 || memcmp(header->boot, boot, sizeof boot) != 0 ||
        header->consumer != join->consumer || header->filter != join->filter || header->used > room)
        memset(header, 0, sizeof *header);
    for (uint32_t i = 0; i < header->used; i++)
        if (claims->items[i].state != OBS__CLAIM_FREE) {
            claims->items[i].state = OBS__CLAIM_WAITING;
            claims->items[i].due_ms = 0; /* when it is to wait, the table says so */
        }
    header->capacity = (uint32_t)room;
    header->consumer = join->consumer;
    header->filter = join->filter;
    header->paused_ms = join->paused_ms;
    header->exclusive = 0;
    for (int i = 0; i < OBS__PRIORITIES; i++)
        header->cursor[i] = join->position;
    memcpy(header->boot, boot, sizeof boot);
    memcpy(header->magic, magic, sizeof magic);
    return OBS_OK;
}

static obs_status take_number(obs__claims *claims, obs_error *error)
{
    for (unsigned i = 0; i < OBS__MEMBERS_MAX; i++)
        if (lock_bytes(claims->fd, F_OFD_SETLK, F_WRLCK, 1 + (off_t)i, 1)) {
            release(claims, i); /* what the last one with this number held is not ours */
            claims->member = i;
            return OBS_OK;
        }
    return obs__fail(error, OBS_RESOURCE_EXHAUSTED, "the consumer has %d members already", OBS__MEMBERS_MAX);
}

obs_status obs__claims_join_in(obs__claims *claims, const obs__claims_join *join, int *first, obs_error *error)
{
    obs__claims_header *header = claims->header;
    /* Members of a consumer that was removed find it out by themselves. */
    *first = is_alone(claims) || header->consumer != join->consumer;
    if (*first) {
        obs_status status = begin(claims, join, error);
        if (status != OBS_OK)
            return status;
    } else if (join->exclusive || (header->exclusive && is_there(claims, header->exclusive - 1))) {
        return obs__fail(error, OBS_ABORTED, "it is held already");
    } else if (header->filter != join->filter) {
        return obs__fail(error, OBS_FAILED_PRECONDITION,
                         "its other members want other events: give all of them the same filter");
    }
    obs_status status = take_number(claims, error);
    if (status == OBS_OK)
        header->exclusive = join->exclusive ? claims->member + 1 : 0;
    return status;
}

/* The first free one behind the last that was added, else the first of all. */
static uint32_t free_place(obs__claims *claims)
{
    uint32_t used = claims->header->used;
    for (uint32_t i = 0; i < used; i++) {
        uint32_t at = (claims->filled + i) % used;
        if (claims->items[at].state == OBS__CLAIM_FREE)
            return at;
        if (i == 16 && used < claims->header->capacity)
            break; /* there is room behind all of them */
    }
    return used;
}

obs_status obs__claims_add(obs__claims *claims, const obs__claim *claim, obs_error *error)
{
    obs__claims_header *header = claims->header;
    if (header->used > header->capacity || header->capacity > OBS__CLAIMS_MAX)
        return obs__fail(error, OBS_DATA_LOSS, "the file of the consumer is damaged: end all its members, and begin again");
    uint32_t at = free_place(claims);
    if (at == OBS__CLAIMS_MAX)
        return obs__fail(error, OBS_RESOURCE_EXHAUSTED,
                         "%d events of this consumer are not acknowledged: acknowledge or reject some", OBS__CLAIMS_MAX);
    if (at == header->capacity) {
        obs_status status = reserve(claims, at * 2 > OBS__CLAIMS_MAX ? OBS__CLAIMS_MAX : at * 2, error);
        if (status != OBS_OK)
            return status;
    }
    obs__claim *item = &claims->items[at];
    *item = *claim;
    claims->filled = at;
    if (at == header->used)
        header->used++;
    return OBS_OK;
}
