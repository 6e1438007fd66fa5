/* Rights that one holder has, kept by the kernel: flock() on a file in `leases`. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/text.h"
#include "journal/core.h"
#include "journal/fork.h"

#define NAME_LIMIT 200 /* of a file name made of the lease's name; a longer one becomes its hash */

struct obs__lease {
    int fd;
    unsigned generation;
};

static int is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
}

/* `leases/` and the name with all but [A-Za-z0-9._-] as %XX; `=` and the SHA-256 when that is too long. */
static obs_status file_name(char *out, size_t capacity, const char *name, obs_error *error)
{
    static const char digits[] = "0123456789ABCDEF";
    unsigned char hash[OBS__SHA256_SIZE];
    size_t at = strlen(strcpy(out, "leases/"));
    size_t begin = at;
    for (const char *c = name; *c && at + 4 < capacity; c++) {
        if (is_plain(*c) && !(*c == '.' && at == begin)) {
            out[at++] = *c;
        } else {
            out[at++] = '%';
            out[at++] = digits[(unsigned char)*c >> 4];
            out[at++] = digits[(unsigned char)*c & 15];
        }
    }
    out[at] = '\0';
    if (at + 4 < capacity)
        return OBS_OK;
    obs_status status = obs__sha256(hash, name, strlen(name), error);
    out[begin] = '=';
    if (status == OBS_OK)
        obs__hex(out + begin + 1, hash, sizeof hash);
    return status;
}

static obs_status lock_file(obs__lease *lease, int folder, const char *path, const char *name, obs_error *error)
{
    char what[300];
    snprintf(what, sizeof what, "the lease '%.200s'", name);
    obs_status status = obs__kept_open(&lease->fd, folder, path, what, error);
    if (status != OBS_OK || flock(lease->fd, LOCK_EX | LOCK_NB) == 0)
        return status;
    status = errno == EWOULDBLOCK ? obs__fail(error, OBS_ABORTED, "%s is held by another one: wait until it ends", what)
                                  : obs__fail_system(error, errno, "cannot take %s", what);
    obs__kept_close(lease->fd, lease->generation);
    return status;
}

obs_status obs__lease_take(obs__lease **out, obs__journal *journal, const char *name, obs_error *error)
{
    obs__core *core;
    char path[NAME_LIMIT + 16];
    *out = NULL;
    obs_status status = obs__core_of(&core, journal, NULL, error);
    if (status == OBS_OK)
        status = file_name(path, sizeof path, name, error);
    if (status == OBS_OK && mkdirat(core->place.folder, "leases", 0770) != 0 && errno != EEXIST)
        status = obs__fail_system(error, errno, "cannot make the folder 'leases' of the tenant");
    if (status != OBS_OK)
        return status;
    obs__lease *lease = obs__calloc(1, sizeof *lease);
    if (!lease)
        return obs__fail_memory(error);
    lease->generation = core->generation;
    status = lock_file(lease, core->place.folder, path, name, error);
    if (status == OBS_OK)
        *out = lease;
    else
        obs__free(lease);
    return status;
}

void obs__lease_free(obs__lease *lease)
{
    if (!lease)
        return;
    obs__kept_close(lease->fd, lease->generation);
    obs__free(lease);
}
