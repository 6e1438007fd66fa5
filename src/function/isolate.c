/* Isolating the program of a function: the side of the kernel. */
#include "function/isolate.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"

/* What headers older than the kernel do not know. */
#ifndef LANDLOCK_ACCESS_FS_REFER
#define LANDLOCK_ACCESS_FS_REFER (1ULL << 13)
#endif
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14)
#endif
#ifndef LANDLOCK_ACCESS_FS_IOCTL_DEV
#define LANDLOCK_ACCESS_FS_IOCTL_DEV (1ULL << 15)
#endif
#ifndef LANDLOCK_SCOPE_SIGNAL
#define LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET (1ULL << 0)
#define LANDLOCK_SCOPE_SIGNAL (1ULL << 1)
#endif

/* struct landlock_ruleset_attr as version 6 has it. */
typedef struct attributes {
    uint64_t files;
    uint64_t net;
    uint64_t scoped;
} attributes;

#define OF_FILES                                                                                                               \
    (LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_TRUNCATE | \
     LANDLOCK_ACCESS_FS_IOCTL_DEV)

int obs__isolate_version(void)
{
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    return version > 0 ? (int)version : 0;
}

int obs__isolate_applies(const obs__manifest *manifest)
{
    return manifest->isolation != OBS__ISOLATION_NONE && obs__isolate_version() > 0;
}

/* All rights that a version knows: what is not known to it is not held back. */
static uint64_t known_rights(int version)
{
    uint64_t rights = LANDLOCK_ACCESS_FS_REFER - 1;
    if (version >= 2)
        rights |= LANDLOCK_ACCESS_FS_REFER;
    if (version >= 3)
        rights |= LANDLOCK_ACCESS_FS_TRUNCATE;
    if (version >= 5)
        rights |= LANDLOCK_ACCESS_FS_IOCTL_DEV;
    return rights;
}

static uint64_t rights_of(obs__sight sight)
{
    uint64_t rights = LANDLOCK_ACCESS_FS_READ_DIR;
    if (sight >= OBS__SIGHT_READ)
        rights |= LANDLOCK_ACCESS_FS_READ_FILE;
    if (sight == OBS__SIGHT_RUN || sight == OBS__SIGHT_CHANGE)
        rights |= LANDLOCK_ACCESS_FS_EXECUTE;
    if (sight >= OBS__SIGHT_WRITE)
        rights |= LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_TRUNCATE;
    if (sight >= OBS__SIGHT_CHANGE)
        rights |= LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_SYM |
                  LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_REMOVE_FILE |
                  LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REFER;
    return rights;
}

obs_status obs__isolation_allow(const obs__isolation *isolation, const char *path, obs__sight sight, obs_error *error)
{
    struct stat found;
    struct landlock_path_beneath_attr rule = {.allowed_access = rights_of(sight) & known_rights(obs__isolate_version())};
    rule.parent_fd = open(path, O_PATH | O_CLOEXEC);
    if (rule.parent_fd < 0 || fstat(rule.parent_fd, &found) != 0) {
        obs_status status = errno == ENOENT || errno == ENOTDIR || errno == EACCES ? OBS_NOT_FOUND : OBS_UNAVAILABLE;
        return obs__fail(error, status, "there is no '%.500s', or it cannot be looked at", path);
    }
    if (!S_ISDIR(found.st_mode))
        rule.allowed_access &= OF_FILES;
    long code =
        rule.allowed_access ? syscall(SYS_landlock_add_rule, isolation->ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) : 0;
    int number = errno;
    close(rule.parent_fd);
    return code == 0 ? OBS_OK : obs__fail_system(error, number, "cannot let a function see '%.500s'", path);
}

obs_status obs__isolation_watch(obs__isolation *isolation, const char *path, obs_error *error)
{
    struct stat found;
    if (isolation->watched_count == OBS__ISOLATE_WATCHED)
        return obs__fail(error, OBS_RESOURCE_EXHAUSTED, "the configuration has more than %d files", OBS__ISOLATE_WATCHED);
    obs__watched *watched = &isolation->watched[isolation->watched_count];
    *watched = (obs__watched){.path = obs__strdup(path)};
    if (!watched->path)
        return obs__fail_memory(error);
    isolation->watched_count++;
    if (stat(path, &found) != 0)
        return OBS_OK;
    watched->device = found.st_dev;
    watched->number = found.st_ino;
    obs_status status = obs__isolation_allow(isolation, path, OBS__SIGHT_READ, error);
    return status == OBS_NOT_FOUND ? OBS_OK : status; /* it went this moment, and will be seen as stale */
}

int obs__isolation_is_stale(const obs__isolation *isolation)
{
    struct stat found;
    for (size_t i = 0; i < isolation->watched_count; i++) {
        const obs__watched *watched = &isolation->watched[i];
        int is_there = stat(watched->path, &found) == 0;
        if (is_there ? found.st_ino != watched->number || found.st_dev != watched->device : watched->number != 0)
            return 1;
    }
    return 0;
}

static obs_status make_ruleset(obs__isolation *out, int version, obs_error *error)
{
    attributes all = {.files = known_rights(version)};
    if (version >= 6)
        all.scoped = LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET | LANDLOCK_SCOPE_SIGNAL;
    size_t size = version >= 6 ? sizeof all : sizeof all.files;
    out->ruleset = (int)syscall(SYS_landlock_create_ruleset, &all, size, 0); /* closes at exec */
    return out->ruleset < 0 ? obs__fail_system(error, errno, "cannot isolate a function") : OBS_OK;
}

/* Where there is no Landlock. Said once in a process. */
static obs_status go_without(const obs__manifest *manifest, obs_error *error)
{
    static atomic_int was_said;
    if (manifest->isolation == OBS__ISOLATION_REQUIRED)
        return obs__fail(
            error, OBS_UNAVAILABLE,
            "the function '%s' does not start: it requires isolation, and this kernel has no Landlock: take one that has, "
            "or take 'isolation' out of its function.yaml",
            manifest->name);
    if (manifest->isolation == OBS__ISOLATION_USUAL && !atomic_exchange(&was_said, 1))
        obs__log(OBS_LOG_WARNING, "function", NULL,
                 "this kernel has no Landlock: functions are not isolated, and can read what their user can read");
    return OBS_OK;
}

obs_status obs__isolation_make(obs__isolation *out, const obs__manifest *manifest, obs_client *client, const char *program,
                               obs_error *error)
{
    *out = (obs__isolation){.ruleset = -1};
    if (!obs__isolate_applies(manifest))
        return go_without(manifest, error);
    obs_status status = make_ruleset(out, obs__isolate_version(), error);
    return status == OBS_OK ? obs__isolation_rules(out, manifest, client, program, error) : status;
}

void obs__isolation_free(obs__isolation *isolation)
{
    for (size_t i = 0; i < isolation->watched_count; i++)
        obs__free(isolation->watched[i].path);
    obs__free(isolation->home);
    if (isolation->ruleset >= 0)
        close(isolation->ruleset);
    *isolation = (obs__isolation){.ruleset = -1};
}

/* Of root's rights those that go past file systems, processes and Landlock: whoever has CAP_PERFMON or CAP_SYS_ADMIN reads the
 * environment of any process, and with CAP_DAC_READ_SEARCH files are opened without a path. Others have none to lose. */
static void drop_rights(void)
{
    static const int kept[] = {0 /* CHOWN */, 1 /* DAC_OVERRIDE */, 3 /* FOWNER */};
    for (int right = 0; prctl(PR_CAPBSET_READ, right, 0, 0, 0) >= 0; right++)
        if (right != kept[0] && right != kept[1] && right != kept[2])
            prctl(PR_CAPBSET_DROP, right, 0, 0, 0);
}

int obs__isolation_enter(int ruleset)
{
    if (ruleset < 0)
        return 0;
    drop_rights();
    return (int)syscall(SYS_landlock_restrict_self, ruleset, 0);
}
