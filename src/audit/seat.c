#include "audit/seat.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "journal/fork.h"

#define NAME "lease"
#define WAIT_MS 20
#define EPOCH_DIGITS 20

struct obs__seat {
    unsigned generation;
    int folder;
    int fd;
    uint64_t epoch;
};

static uint64_t read_epoch(int fd)
{
    char text[EPOCH_DIGITS + 1] = "";
    return pread(fd, text, EPOCH_DIGITS, 0) > 0 ? strtoull(text, NULL, 10) : 0;
}

static obs_status next_epoch(obs__seat *seat, obs_error *error)
{
    char text[EPOCH_DIGITS + 2];
    seat->epoch = read_epoch(seat->fd) + 1;
    int size = snprintf(text, sizeof text, "%0*" PRIu64 "\n", EPOCH_DIGITS, seat->epoch);
    if (pwrite(seat->fd, text, (size_t)size, 0) == size)
        return OBS_OK;
    return obs__fail_system(error, errno, "cannot write the lease of the audit log");
}

/* Whether the file behind the name is the one that is locked. */
static int is_current(const obs__seat *seat)
{
    struct stat held, named;
    return fstat(seat->fd, &held) == 0 && fstatat(seat->folder, NAME, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
           held.st_dev == named.st_dev && held.st_ino == named.st_ino;
}

/* *taken is 0 when somebody else has it, or the file changed behind the name. */
static obs_status try_once(obs__seat *seat, int *taken, obs_error *error)
{
    *taken = 0;
    obs_status status = obs__kept_open(&seat->fd, seat->folder, NAME, "the lease of the audit log", error);
    if (status != OBS_OK)
        return status;
    if (flock(seat->fd, LOCK_EX | LOCK_NB) == 0)
        *taken = is_current(seat);
    else if (errno != EWOULDBLOCK && errno != EINTR)
        status = obs__fail_system(error, errno, "cannot take the lease of the audit log");
    if (status == OBS_OK && *taken)
        return next_epoch(seat, error);
    obs__kept_close(seat->fd, seat->generation);
    seat->fd = -1;
    return status;
}

static obs_status wait_for(obs__seat *seat, const obs__limit *limit, obs_error *error)
{
    int taken, ready;
    for (;;) {
        obs_status status = try_once(seat, &taken, error);
        if (status != OBS_OK || taken)
            return status;
        if (obs__limit_left_ms(limit, WAIT_MS) == 0)
            return obs__fail(error, OBS_ABORTED, "another process is writing the audit log: try again in a moment");
        status = obs__limit_wait(limit, -1, WAIT_MS, &ready, error);
        if (status != OBS_OK && status != OBS_DEADLINE_EXCEEDED)
            return status;
    }
}

obs_status obs__seat_take(obs__seat **out, const char *folder, const obs__limit *limit, obs_error *error)
{
    *out = NULL;
    obs__seat *seat = obs__calloc(1, sizeof *seat);
    if (!seat)
        return obs__fail_memory(error);
    seat->generation = obs__generation();
    seat->fd = -1;
    obs_status status = obs__open_at(&seat->folder, AT_FDCWD, folder, O_RDONLY | O_DIRECTORY, 0, error);
    if (status == OBS_OK)
        status = wait_for(seat, limit, error);
    if (status == OBS_OK)
        *out = seat;
    else
        obs__seat_free(seat);
    return status;
}

obs_status obs__seat_check(const obs__seat *seat, obs_error *error)
{
    if (seat->generation == obs__generation() && is_current(seat) && read_epoch(seat->fd) == seat->epoch)
        return OBS_OK;
    return obs__fail(error, OBS_ABORTED, "the lease of the audit log was taken away: try again");
}

void obs__seat_free(obs__seat *seat)
{
    if (!seat)
        return;
    if (seat->fd >= 0)
        obs__kept_close(seat->fd, seat->generation);
    if (seat->folder >= 0)
        close(seat->folder);
    obs__free(seat);
}
