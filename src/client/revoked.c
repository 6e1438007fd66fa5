#include "client/revoked.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/home.h"

#define LOOK_NS INT64_C(1000000000)
#define NAME "/revoked.json"
#define LOCK "/revoked.lock"

void obs__revocations_release(obs__revocations *revocations)
{
    obs__revoked_free(revocations->list);
}

static int list_path(char out[PATH_MAX], const obs__workspace *workspace)
{
    return snprintf(out, PATH_MAX, "%s" NAME, workspace->folder) < PATH_MAX;
}

static int is_seen(obs__revocations *self, const struct stat *now)
{
    obs__brief_take(&self->lock);
    const struct stat *seen = &self->seen;
    int is_same = self->list && now->st_dev == seen->st_dev && now->st_ino == seen->st_ino && now->st_size == seen->st_size &&
                  now->st_mtim.tv_sec == seen->st_mtim.tv_sec && now->st_mtim.tv_nsec == seen->st_mtim.tv_nsec;
    obs__brief_release(&self->lock);
    return is_same;
}

/* Takes the list over. In this order: a child that was forked in between finds another file than it has seen, and reads it. */
static void remember(obs__revocations *self, const struct stat *now, obs__revoked *list)
{
    obs__brief_take(&self->lock);
    obs__revoked *old = self->list;
    self->list = list;
    atomic_store(&self->is_there, 1);
    atomic_thread_fence(memory_order_release);
    self->seen = *now;
    obs__brief_release(&self->lock);
    obs__revoked_free(old);
}

static obs_status read_list(obs__revoked **out, const char *path, uid_t account, obs_error *error)
{
    obs_buffer *text = NULL;
    obs_status status = obs__file_read_trusted_of(&text, path, account, OBS__REVOKED_SIZE_LIMIT, error);
    if (status == OBS_OK)
        status = obs__revoked_read(out, obs_buffer_data(text), obs_buffer_size(text), error);
    obs_buffer_free(text);
    return status;
}

/* A list that is gone stays: what was revoked once is not taken back by removing a file. */
static obs_status look(obs__revocations *self, const obs__workspace *workspace, obs_error *error)
{
    char path[PATH_MAX];
    struct stat now;
    obs__revoked *list = NULL;
    if (!list_path(path, workspace))
        return OBS_OK; /* then there is no keys.json either */
    if (stat(path, &now) != 0)
        return errno == ENOENT ? OBS_OK : obs__fail_system(error, errno, "cannot read '%s'", path);
    if (is_seen(self, &now))
        return OBS_OK;
    obs_status status = read_list(&list, path, workspace->account, error);
    if (status == OBS_OK)
        remember(self, &now, list);
    return status;
}

obs_status obs__revocations_check(obs__revocations *self, const obs__workspace *workspace, const obs__claims *claims,
                                  obs_error *error)
{
    int64_t monotonic_ns = obs__monotonic_ns();
    if (monotonic_ns >= atomic_load_explicit(&self->look_ns, memory_order_relaxed)) {
        obs_status status = look(self, workspace, error);
        if (status != OBS_OK)
            return status; /* and the next one looks again */
        atomic_store(&self->look_ns, monotonic_ns + LOOK_NS);
    }
    if (!atomic_load(&self->is_there))
        return OBS_OK;
    obs__brief_take(&self->lock);
    obs__revoked *list = obs__revoked_retain(self->list);
    obs__brief_release(&self->lock);
    int is_revoked = obs__revoked_has(list, claims);
    obs__revoked_free(list);
    return is_revoked ? obs__fail(error, OBS_UNAUTHENTICATED, "the token was revoked: ask %s for a new one", workspace->owner)
                      : OBS_OK;
}

/* ---- Adding. ---- */

static obs_status write_list(const char *path, const obs__workspace *workspace, const char *id, const char *subject,
                             int64_t now_ns, obs_error *error)
{
    obs__revoked *before = NULL;
    obs_buffer *text = NULL;
    obs_status status = access(path, F_OK) == 0 ? read_list(&before, path, workspace->account, error) : OBS_OK;
    if (status == OBS_OK)
        status = obs__revoked_add(&text, before, id, subject, now_ns, error);
    if (status == OBS_OK)
        status = obs__file_write(AT_FDCWD, path, obs_buffer_data(text), obs_buffer_size(text), 0644, error);
    obs_buffer_free(text);
    obs__revoked_free(before);
    return status;
}

obs_status obs__revocations_add(obs__revocations *self, const obs__workspace *workspace, const char *id, const char *subject,
                                const obs__limit *limit, int64_t now_ns, obs_error *error)
{
    char path[PATH_MAX], folder[PATH_MAX], lock[PATH_MAX + sizeof LOCK];
    int fd = -1;
    if (!list_path(path, workspace))
        return obs__fail(error, OBS_INVALID_ARGUMENT, "the path of the workspace is longer than %d bytes", PATH_MAX - 1);
    obs_status status = obs__home_of_workspace(folder, workspace->format.id, error);
    if (status == OBS_OK)
        status = obs__folder_make(AT_FDCWD, folder, 0700, error);
    snprintf(lock, sizeof lock, "%s" LOCK, status == OBS_OK ? folder : "");
    if (status == OBS_OK)
        status = obs__file_lock_take(&fd, lock, limit, error);
    if (status != OBS_OK)
        return status;
    status = write_list(path, workspace, id, subject, now_ns, error);
    obs__file_lock_release(fd);
    atomic_store(&self->look_ns, 0);
    return status;
}
