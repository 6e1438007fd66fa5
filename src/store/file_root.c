/* Roots: opened once in a process for each journal, however many stores stand on them. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "store/file.h"

#define LOCK_TRIES 5000 /* of a millisecond */
#define NAME_LIMIT 511  /* what recovery has room for */

static struct {
    pthread_mutex_t mutex;
    obs__file_root *first;
} all = {PTHREAD_MUTEX_INITIALIZER, NULL};

static void close_if(int fd)
{
    if (fd >= 0)
        close(fd);
}

static void before_fork(void)
{
    pthread_mutex_lock(&all.mutex);
}

static void after_fork(void)
{
    pthread_mutex_unlock(&all.mutex);
}

/* What another thread was doing with a root when the parent forked is not done here. The locks stay the parent's: closing
 * these copies of their descriptors gives nothing back, keeping them would hold the locks beyond the parent's end. */
static void in_child(void)
{
    for (obs__file_root *root = all.first; root; root = root->next) {
        obs__file_session *session = atomic_load(&root->session);
        pthread_mutex_init(&root->mutex, NULL);
        atomic_flag_clear(&root->settling);
        root->lock_holders = 0;
        close_if(root->lock);
        root->lock = -1;
        if (session) {
            close_if(session->fd);
            session->fd = -1;
        }
    }
    after_fork();
}

static void watch_forks(void)
{
    pthread_atfork(before_fork, after_fork, in_child);
}

static void close_session(obs__file_root *root)
{
    char name[OBS__STAGED_SIZE];
    obs__file_session *session = atomic_load(&root->session);
    if (!session)
        return;
    /* After a fork it is the parent's. */
    if (session->generation == obs__generation()) {
        snprintf(name, sizeof name, "%s.lock", session->name);
        unlinkat(root->staging, name, 0);
        close(session->fd);
    }
    obs__free(session);
}

void obs__file_free(obs__volume *volume)
{
    obs__file_root *root = (obs__file_root *)volume;
    pthread_mutex_lock(&all.mutex);
    for (obs__file_root **at = &all.first; *at; at = &(*at)->next)
        if (*at == root) {
            *at = root->next;
            break;
        }
    pthread_mutex_unlock(&all.mutex);
    close_session(root);
    close_if(root->fd);
    close_if(root->meta);
    close_if(root->staging);
    close_if(root->finished);
    close_if(root->lock);
    pthread_mutex_destroy(&root->mutex);
    obs__free(root->path);
    obs__free(root->name);
    obs__free(root);
}

/* `.obs` and what is always in it. A store that may not be written may also lack it. */
static obs_status open_inside(obs__file_root *root, int read_only, obs_error *error)
{
    struct stat found;
    if (fstat(root->fd, &found) != 0)
        return obs__fail_system(error, errno, "cannot open the store '%s'", root->path);
    root->mode = found.st_mode & 0777;
    obs_status status = OBS_OK;
    if (!read_only) {
        status = obs__folder_make(root->fd, ".obs/meta", root->mode, error);
        if (status == OBS_OK)
            status = obs__folder_make(root->fd, ".obs/staging", root->mode, error);
    }
    if (status == OBS_OK)
        status = obs__open_at(&root->meta, root->fd, ".obs/meta", O_RDONLY | O_DIRECTORY, 0, error);
    if (status == OBS_OK)
        status = obs__open_at(&root->staging, root->fd, ".obs/staging", O_RDONLY | O_DIRECTORY, 0, error);
    return status == OBS_NOT_FOUND && read_only ? OBS_OK : status;
}

/* Takes `path` and `name` over. */
static obs_status new_root(obs__file_root **out, char *path, char *name, obs_error *error)
{
    obs__file_root *root = path && name ? obs__calloc(1, sizeof *root) : NULL;
    *out = root;
    if (!root) {
        obs__free(path);
        obs__free(name);
        return obs__fail_memory(error);
    }
    root->base.driver = &obs__store_file;
    atomic_init(&root->base.holders, 1);
    root->path = path;
    root->name = name;
    root->fd = root->meta = root->staging = root->finished = root->lock = -1;
    pthread_mutex_init(&root->mutex, NULL);
    atomic_flag_clear(&root->settling);
    return obs__open_at(&root->fd, AT_FDCWD, path, O_RDONLY | O_DIRECTORY, 0, error);
}

/* Whether a root is the tenant's own, which its writer lock alone guards. */
static int is_own(const char *name, const char *tenant)
{
    size_t size = strlen(tenant);
    if (strcmp(tenant, "default") == 0)
        return strcmp(name, "store") == 0;
    return strncmp(name, "tenants/", 8) == 0 && strncmp(name + 8, tenant, size) == 0 && strcmp(name + 8 + size, "/store") == 0;
}

/* Who sweeps whose staging files on a shared root: the tenant of a workspace. */
static uint32_t owner_of(const char *workspace, const char *tenant)
{
    return obs__crc32c(obs__crc32c(0, workspace, strlen(workspace) + 1), tenant, strlen(tenant));
}

static char *join(const char *folder, const char *name)
{
    char *path = NULL;
    if (*name == '/')
        return obs__strdup(name);
    size_t size = strlen(folder) + strlen(name) + 2;
    path = obs__alloc(size);
    if (path)
        snprintf(path, size, "%s/%s", folder, name);
    return path;
}

/* The name that rows have: relative to the workspace when the root lies in it, so that the workspace can be moved. */
static const char *name_of(const char *workspace, const char *path)
{
    size_t size = strlen(workspace);
    if (strncmp(path, workspace, size) == 0 && path[size] == '/')
        return path + size + 1;
    return path;
}

obs_status obs__file_root_of(obs__file_root **out, const char *workspace, const char *tenant, const char *name,
                             obs_error *error)
{
    obs_status status = new_root(out, join(workspace, name), obs__strdup(name), error);
    if (status == OBS_OK)
        status = open_inside(*out, 0, error);
    if (status == OBS_OK) {
        (*out)->owner = owner_of(workspace, tenant);
        (*out)->shared = !is_own(name, tenant);
    }
    if (status != OBS_OK && *out) {
        obs__volume_free(&(*out)->base);
        *out = NULL;
    }
    return status;
}

/* One that is open already; a count of 0 is being freed. */
static obs__file_root *find_open(const char *path, const obs__journal *journal)
{
    for (obs__file_root *root = all.first; root; root = root->next) {
        unsigned holders = atomic_load(&root->base.holders);
        if (root->journal != journal || strcmp(root->path, path) != 0)
            continue;
        while (holders && !atomic_compare_exchange_weak(&root->base.holders, &holders, holders + 1))
            continue;
        if (holders)
            return root;
    }
    return NULL;
}

/* Whether a path is `folder` or lies in it. */
static int is_in(const char *path, const char *folder)
{
    size_t size = strlen(folder);
    return strncmp(path, folder, size) == 0 && (path[size] == '/' || path[size] == '\0');
}

/* The tenant's own folder, or one outside of what belongs to tenants: nobody reaches another tenant's objects as a "file:". */
static obs_status check_place(const char *name, const obs__gate *gate, obs_error *error)
{
    if (is_own(name, gate->tenant))
        return OBS_OK;
    if (is_in(name, "store") || is_in(name, "tenants") || is_in(name, "audit") || strstr(name, ".."))
        return obs__fail(error, OBS_PERMISSION_DENIED, "'%s' belongs to the workspace itself: choose another folder", name);
    return OBS_OK;
}

static obs_status open_new(obs__file_root **out, const char *path, obs__gate *gate, obs_error *error)
{
    const char *name = name_of(gate->workspace, path);
    obs_status status = check_place(name, gate, error);
    if (status == OBS_OK && strlen(name) > NAME_LIMIT)
        status = obs__fail(error, OBS_INVALID_ARGUMENT, "the path of a store has up to %d bytes", NAME_LIMIT);
    if (status == OBS_OK && !gate->read_only)
        status = obs__folder_make(AT_FDCWD, path, 0777, error);
    if (status == OBS_OK)
        status = obs__local_check(path, error);
    if (status == OBS_OK)
        status = new_root(out, obs__strdup(path), obs__strdup(name), error);
    if (status == OBS_OK)
        status = open_inside(*out, gate->read_only, error);
    if (status != OBS_OK)
        return status;
    (*out)->journal = gate->journal;
    (*out)->owner = owner_of(gate->workspace, gate->tenant);
    (*out)->shared = !is_own(name, gate->tenant);
    return OBS_OK;
}

obs_status obs__file_open(obs__volume **out, const char *path, obs__gate *gate, obs_error *error)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    obs_status status = OBS_OK;
    char *whole = join(gate->workspace, path);
    *out = NULL;
    if (!whole)
        return obs__fail_memory(error);
    for (size_t size = strlen(whole); size > 1 && whole[size - 1] == '/';)
        whole[--size] = '\0';
    pthread_once(&once, watch_forks);
    pthread_mutex_lock(&all.mutex);
    obs__file_root *root = find_open(whole, gate->journal);
    if (!root) {
        status = open_new(&root, whole, gate, error);
        if (status == OBS_OK) {
            root->next = all.first;
            all.first = root;
        }
    }
    pthread_mutex_unlock(&all.mutex);
    obs__free(whole);
    if (status == OBS_OK)
        *out = &root->base;
    else if (root)
        obs__volume_free(&root->base);
    return status;
}

/* A session: a name that begins those of our staging files, and a lock that tells that we live. */
static obs_status new_session(obs__file_session **out, obs__file_root *root, obs_error *error)
{
    unsigned char bytes[4];
    char name[OBS__STAGED_SIZE];
    obs__file_session *session = obs__calloc(1, sizeof *session);
    obs_status status = session ? obs__random(bytes, sizeof bytes, error) : obs__fail_memory(error);
    if (status == OBS_OK) {
        snprintf(session->name, sizeof session->name, "%08x%02x%02x%02x%02x", (unsigned)root->owner, bytes[0], bytes[1],
                 bytes[2], bytes[3]);
        snprintf(name, sizeof name, "%s.lock", session->name);
        status = obs__open_at(&session->fd, root->staging, name, O_RDWR | O_CREAT | O_EXCL, root->mode & 0666, error);
    }
    struct stat found;
    /* A sweep may have seen the file before its lock: then it is gone, and another one is made. */
    if (status == OBS_OK &&
        (flock(session->fd, LOCK_EX | LOCK_NB) != 0 || fstat(session->fd, &found) != 0 || found.st_nlink == 0)) {
        close(session->fd);
        status = obs__fail(error, OBS_ABORTED, "another process cleared the staging folder: try again");
    }
    if (status != OBS_OK) {
        obs__free(session);
        return status;
    }
    session->generation = obs__generation();
    *out = session;
    return OBS_OK;
}

/* Lock-free, so that a fork at any moment leaves nothing locked in the child. */
static obs_status session_of(obs__file_session **out, obs__file_root *root, obs_error *error)
{
    obs__file_session *found = atomic_load(&root->session);
    if (found && found->generation == obs__generation()) {
        *out = found;
        return OBS_OK;
    }
    obs__file_session *made = NULL;
    obs_status status = OBS_ABORTED;
    for (int tries = 0; tries < 8 && status == OBS_ABORTED; tries++)
        status = new_session(&made, root, error);
    if (status != OBS_OK)
        return status;
    if (atomic_compare_exchange_strong(&root->session, &found, made)) {
        *out = made;
        return OBS_OK;
    }
    char name[OBS__STAGED_SIZE];
    snprintf(name, sizeof name, "%s.lock", made->name);
    unlinkat(root->staging, name, 0);
    close(made->fd);
    obs__free(made);
    *out = found;
    return OBS_OK;
}

obs_status obs__file_stage_name(char out[OBS__STAGED_SIZE], obs__file_root *root, obs_error *error)
{
    obs__file_session *session = NULL;
    *out = '\0';
    if (root->staging < 0)
        return obs__fail(error, OBS_FAILED_PRECONDITION, "the store '%s' was opened read-only", root->path);
    obs_status status = session_of(&session, root, error);
    if (status == OBS_OK)
        snprintf(out, OBS__STAGED_SIZE, "%s.%llu", session->name, (unsigned long long)atomic_fetch_add(&session->next, 1));
    return status;
}

static obs_status take_lock(obs__file_root *root, const obs__limit *limit, obs_error *error)
{
    obs_status status = OBS_OK;
    if (root->lock < 0)
        status = obs__open_at(&root->lock, root->fd, ".obs/lock", O_RDWR | O_CREAT, root->mode & 0666, error);
    const struct timespec pause = {0, 1000000};
    for (int tries = 0; tries < LOCK_TRIES && status == OBS_OK; tries++) {
        if (flock(root->lock, LOCK_EX | LOCK_NB) == 0)
            return OBS_OK;
        if (errno != EWOULDBLOCK && errno != EINTR)
            return obs__fail_system(error, errno, "cannot lock the store '%s'", root->path);
        status = limit ? obs__limit_check(limit, error) : OBS_OK;
        if (status == OBS_OK)
            nanosleep(&pause, NULL);
    }
    return status != OBS_OK
               ? status
               : obs__fail(error, OBS_UNAVAILABLE, "another process keeps the store '%s' locked: try again", root->path);
}

obs_status obs__file_lock(obs__file_root *root, const obs__limit *limit, obs_error *error)
{
    obs_status status = OBS_OK;
    if (!root->shared)
        return OBS_OK;
    pthread_mutex_lock(&root->mutex);
    if (root->lock_holders == 0)
        status = take_lock(root, limit, error);
    if (status == OBS_OK)
        root->lock_holders++;
    pthread_mutex_unlock(&root->mutex);
    return status;
}

void obs__file_unlock(obs__file_root *root)
{
    if (!root->shared)
        return;
    pthread_mutex_lock(&root->mutex);
    if (--root->lock_holders == 0)
        flock(root->lock, LOCK_UN);
    pthread_mutex_unlock(&root->mutex);
}
