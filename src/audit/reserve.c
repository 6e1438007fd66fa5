#include "audit/reserve.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "audit/policy.h"
#include "audit/sequence.h"
#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"

#define NAME "reserve"
#define MODE 0600
#define STEPS 4
#define DISK_SHARE 16
#define GRAIN ((int64_t)64 << 10)
#define BLOCK 512 /* of st_blocks, whatever the file system's own are */
#define LOCK_TRIES 500
#define LOCK_PAUSE_NS 2000000

/* ---- Finding. ---- */

static obs_status open_folder(int *out, const char *workspace, obs_error *error)
{
    char path[PATH_MAX];
    *out = -1;
    obs_status status = obs__log_path(path, sizeof path, workspace, "", error);
    return status == OBS_OK ? obs__open_at(out, AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, error) : status;
}

/* A file of this folder's account with no other name: what is cut off it, nobody else had. */
static int is_own(int folder, const struct stat *found)
{
    struct stat parent;
    if (!S_ISREG(found->st_mode) || found->st_nlink != 1 || fstat(folder, &parent) != 0)
        return 0;
    return found->st_uid == geteuid() || found->st_uid == parent.st_uid;
}

static obs_status not_own(obs_error *error)
{
    return obs__fail(error, OBS_FAILED_PRECONDITION,
                     "'audit/" NAME "' is not a file of its own, as the reserve must be: remove what has its name");
}

/* Never over a link: neither one that leads elsewhere, nor a second name of what is somebody's. */
static obs_status open_file(int *out, int folder, obs_error *error)
{
    struct stat found;
    *out = -1;
    if (fstatat(folder, NAME, &found, AT_SYMLINK_NOFOLLOW) != 0)
        return obs__fail_system(error, errno, "cannot look at 'audit/" NAME "'");
    if (!is_own(folder, &found))
        return not_own(error);
    obs_status status = obs__open_at(out, folder, NAME, O_RDWR | O_NONBLOCK, 0, error);
    if (status == OBS_OK && (fstat(*out, &found) != 0 || !is_own(folder, &found))) {
        close(*out);
        *out = -1;
        return not_own(error);
    }
    return status;
}

/* What is really there: a copied file may be one hole. */
static int64_t held_by(const struct stat *found)
{
    int64_t allocated = (int64_t)found->st_blocks * BLOCK;
    return found->st_size < allocated ? found->st_size : allocated;
}

static int64_t held_in(int fd)
{
    struct stat found;
    return fstat(fd, &found) == 0 ? held_by(&found) : 0;
}

/* All file systems of a workspace are small for somebody: a 16th is never missed. */
static obs_status measure(int64_t *wanted, int64_t *room, int folder, int64_t bytes, obs_error *error)
{
    struct statvfs disk;
    if (fstatvfs(folder, &disk) != 0)
        return obs__fail_system(error, errno, "cannot see how large the disk is");
    uint64_t most = (uint64_t)disk.f_blocks * disk.f_frsize / DISK_SHARE / (uint64_t)GRAIN * (uint64_t)GRAIN;
    *wanted = (uint64_t)bytes < most ? bytes : (int64_t)most;
    *room = (int64_t)((uint64_t)disk.f_bavail * disk.f_frsize);
    return OBS_OK;
}

static obs_status plan(obs__reserve *out, int64_t *room, const char *workspace, int folder, obs_error *error)
{
    obs__policy policy;
    obs__policy_read(&policy, workspace, NULL); /* a damaged one counts as the standard */
    *out = (obs__reserve){.policy = policy.reserve_bytes};
    return measure(&out->wanted, room, folder, out->policy, error);
}

static obs_status look(obs__reserve *out, int64_t *room, const char *workspace, int folder, obs_error *error)
{
    struct stat found;
    obs_status status = plan(out, room, workspace, folder, error);
    if (status != OBS_OK || fstatat(folder, NAME, &found, AT_SYMLINK_NOFOLLOW) != 0)
        return status;
    if (!is_own(folder, &found))
        return not_own(error);
    out->held = held_by(&found);
    out->size = found.st_size;
    out->there = 1;
    return OBS_OK;
}

obs_status obs__reserve_look(obs__reserve *out, const char *workspace, obs_error *error)
{
    int folder;
    int64_t room;
    *out = (obs__reserve){0};
    obs_status status = open_folder(&folder, workspace, error);
    if (status != OBS_OK)
        return status;
    status = look(out, &room, workspace, folder, error);
    close(folder);
    return status;
}

int obs__reserve_is_whole(const obs__reserve *reserve)
{
    return reserve->held >= reserve->wanted;
}

obs_status obs__reserve_check(const char *workspace, int64_t bytes, obs_error *error)
{
    int folder;
    int64_t room = 0, wanted = 0;
    obs__reserve now;
    obs_status status = open_folder(&folder, workspace, error);
    if (status != OBS_OK)
        return status;
    status = look(&now, &room, workspace, folder, error);
    if (status == OBS_OK)
        status = measure(&wanted, &room, folder, bytes, error);
    close(folder);
    if (status == OBS_OK && wanted - now.held > room / 2)
        return obs__fail(error, OBS_NO_SPACE, "a reserve of %lld bytes would fill the disk: %lld are free", (long long)bytes,
                         (long long)room);
    return status;
}

/* ---- Taking. ---- */

static int allocate(int fd, int64_t size)
{
    int code;
    do
        code = fallocate(fd, 0, 0, size) == 0 ? 0 : errno;
    while (code == EINTR);
    return code;
}

static int lacks_space(int code)
{
    return code == ENOSPC || code == EDQUOT || code == EFBIG;
}

/* Beyond the limit of the process for files the kernel would end it. */
static int64_t limited(int64_t size)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_FSIZE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur >= (rlim_t)size)
        return size;
    return (int64_t)limit.rlim_cur;
}

/* All of it, or as much as there is. */
static obs_status grow(int fd, int64_t wanted, obs_error *error)
{
    int64_t size = held_in(fd);
    wanted = limited(wanted);
    if (wanted <= size)
        return OBS_OK;
    int code = allocate(fd, wanted);
    for (int64_t step = (wanted - size) / 2; lacks_space(code) && step >= GRAIN;)
        if (allocate(fd, size + step) == 0)
            size += step;
        else
            step /= 2;
    if (!code || lacks_space(code))
        return OBS_OK;
    if (code == EOPNOTSUPP)
        return obs__fail(
            error, OBS_UNIMPLEMENTED,
            "this file system cannot set space aside for audit records: set reserve_bytes of the audit policy to 0");
    return obs__fail_system(error, code, "cannot set space aside for audit records");
}

static obs_status make_file(int *out, int folder, obs_error *error)
{
    obs_status status = obs__open_at(out, folder, NAME, O_RDWR | O_CREAT | O_EXCL, MODE, error);
    if (status == OBS_ALREADY_EXISTS) /* another process was faster */
        return open_file(out, folder, error);
    return status == OBS_OK ? obs__file_hand_over(*out, folder, "audit/" NAME, error) : status;
}

/* A new one; *fd stays -1 without room. One that could not be filled at all is no reserve. */
static obs_status make(int *fd, int folder, int64_t wanted, int64_t room, obs_error *error)
{
    if (room / 2 < wanted)
        return OBS_OK;
    obs_status status = make_file(fd, folder, error);
    if (status == OBS_OK)
        status = grow(*fd, wanted, error);
    if (status != OBS_OK && *fd >= 0)
        unlinkat(folder, NAME, 0);
    return status;
}

/* With no call in between: to the size that is wanted. */
static obs_status adjust(int fd, int folder, int64_t wanted, obs_error *error)
{
    struct stat found;
    if (flock(fd, LOCK_EX | LOCK_NB) != 0)
        return errno == EWOULDBLOCK || errno == EINTR ? OBS_OK : obs__fail_system(error, errno, "cannot lock 'audit/" NAME "'");
    obs_status status = OBS_OK;
    if (!wanted)
        unlinkat(folder, NAME, 0);
    else if (fstat(fd, &found) != 0 || (found.st_size > wanted && ftruncate(fd, wanted) != 0))
        status = obs__fail_system(error, errno, "cannot change the size of 'audit/" NAME "'");
    else if (held_by(&found) < wanted)
        status = grow(fd, wanted, error);
    flock(fd, LOCK_UN); /* a child that was forked meanwhile has the descriptor, too */
    return status;
}

static obs_status fill(obs__reserve *out, const char *workspace, int folder, obs_error *error)
{
    int64_t room;
    int fd = -1;
    obs_status status = look(out, &room, workspace, folder, error);
    if (status == OBS_FAILED_PRECONDITION && unlinkat(folder, NAME, 0) == 0)
        status = look(out, &room, workspace, folder, error);
    if (status != OBS_OK || (out->held == out->wanted && out->size == out->wanted && out->there == (out->wanted > 0)))
        return status;
    if (out->there && out->size <= out->wanted && out->held < out->wanted && room < GRAIN)
        return OBS_OK; /* asking for what is not there takes its time, too */
    if (!out->there)
        status = make(&fd, folder, out->wanted, room, error);
    else if ((status = open_file(&fd, folder, error)) == OBS_OK)
        status = adjust(fd, folder, out->wanted, error);
    if (fd >= 0)
        close(fd);
    return status == OBS_OK ? look(out, &room, workspace, folder, error) : status;
}

obs_status obs__reserve_fill(obs__reserve *out, const char *workspace, obs_error *error)
{
    int folder;
    *out = (obs__reserve){0};
    obs_status status = open_folder(&folder, workspace, error);
    if (status != OBS_OK)
        return status;
    status = fill(out, workspace, folder, error);
    close(folder);
    return status;
}

/* ---- Giving back. ---- */

struct obs__spare {
    int fd; /* locked, shared */
    int64_t wanted;
    char workspace[];
};

/* Who takes holds the lock for a moment. */
static int lock_shared(int fd)
{
    const struct timespec pause = {0, LOCK_PAUSE_NS};
    for (int tries = 0; tries < LOCK_TRIES; tries++) {
        if (flock(fd, LOCK_SH | LOCK_NB) == 0)
            return 1;
        if (errno != EWOULDBLOCK && errno != EINTR)
            return 0;
        nanosleep(&pause, NULL);
    }
    return 0;
}

static obs__spare *spare_new(const char *workspace)
{
    int folder;
    obs__reserve now = {0};
    int64_t room;
    size_t size = strlen(workspace) + 1;
    if (open_folder(&folder, workspace, NULL) != OBS_OK)
        return NULL;
    obs__spare *spare = obs__calloc(1, sizeof *spare + size);
    if (spare) {
        memcpy(spare->workspace, workspace, size);
        spare->fd = -1;
        if (look(&now, &room, workspace, folder, NULL) == OBS_OK && now.held)
            open_file(&spare->fd, folder, NULL);
        spare->wanted = now.wanted;
    }
    close(folder);
    if (spare && spare->fd >= 0 && lock_shared(spare->fd))
        return spare;
    if (spare && spare->fd >= 0)
        close(spare->fd);
    obs__free(spare);
    return NULL;
}

/* Synced: some file systems hand out again what was freed only when that is on the disk. */
static int cut(int fd, int64_t size)
{
    return ftruncate(fd, size) == 0 && fsync(fd) == 0;
}

int obs__spare_release(obs__spare **spare, const char *workspace, obs__share share)
{
    struct stat found;
    if (share == OBS__SHARE_NONE)
        return 0;
    if (!*spare)
        *spare = spare_new(workspace);
    if (!*spare || fstat((*spare)->fd, &found) != 0)
        return 0;
    int64_t before = held_by(&found), size = found.st_size;
    int64_t step = (*spare)->wanted / STEPS > GRAIN ? (*spare)->wanted / STEPS : GRAIN;
    int64_t least = share == OBS__SHARE_HALF ? (*spare)->wanted / 2 : 0;
    /* Where a file has holes, cutting off its end may give nothing. */
    for (int64_t after = before; size > least && after == before; after = held_in((*spare)->fd)) {
        size = size - step > least ? size - step : least;
        if (!cut((*spare)->fd, size))
            return 0;
    }
    return held_in((*spare)->fd) < before;
}

int obs__spare_end(obs__spare *spare)
{
    obs__reserve now;
    if (!spare)
        return 1;
    flock(spare->fd, LOCK_UN);
    close(spare->fd);
    int whole = obs__reserve_fill(&now, spare->workspace, NULL) == OBS_OK && obs__reserve_is_whole(&now);
    obs__free(spare);
    return whole;
}
