/* Which workspace is meant, whether it can be trusted, and reading it. */
#include "client/workspace.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/home.h"
#include "base/memory.h"
#include "client/tokens.h"

static int has_config(const char *folder)
{
    char path[PATH_MAX];
    int size = snprintf(path, sizeof path, "%s/obs.yaml", folder);
    return size > 0 && size < PATH_MAX && faccessat(AT_FDCWD, path, F_OK, AT_EACCESS | AT_SYMLINK_NOFOLLOW) == 0;
}

/* The folder, absolute and without links. */
static obs_status resolve(char **out, const char *folder, obs_error *error)
{
    char path[PATH_MAX];
    if (!realpath(folder, path))
        return obs__fail(error, OBS_NO_WORKSPACE, "there is no folder '%s'", folder);
    *out = obs__strdup(path);
    return *out ? OBS_OK : obs__fail_memory(error);
}

static obs_status find_named(char **out, const char *folder, const char *from, obs_error *error)
{
    if (has_config(folder))
        return resolve(out, folder, error);
    return obs__fail(error, OBS_NO_WORKSPACE, "there is no workspace in '%s'%s: run 'obsctl init %s'", folder, from, folder);
}

/* From the current folder up to the root; 0 when there is none. */
static int find_upwards(char folder[PATH_MAX])
{
    if (!getcwd(folder, PATH_MAX))
        return 0;
    while (!has_config(folder)) {
        char *slash = strrchr(folder, '/');
        if (!slash || !folder[1])
            return 0;
        slash[slash == folder] = '\0';
    }
    return 1;
}

static int find_own(char folder[PATH_MAX])
{
    return obs__home_folder(folder, OBS__HOME_CONFIG, NULL) == OBS_OK && has_config(folder);
}

obs_status obs__workspace_find(char **out, const char *wanted, obs_error *error)
{
    char folder[PATH_MAX];
    const char *named = getenv("OBS_WORKSPACE");
    *out = NULL;
    if (wanted)
        return find_named(out, wanted, "", error);
    if (named && *named)
        return find_named(out, named, " (from OBS_WORKSPACE)", error);
    if (find_upwards(folder) || find_own(folder))
        return resolve(out, folder, error);
    return obs__fail(error, OBS_NO_WORKSPACE, "no workspace here: run 'obsctl init night'");
}

/* A journal is shared by all clients of a process and outlives the one that opened it, so the folder's name is kept for
 * ever: few, small, and found again. */
struct name {
    struct name *next;
    char text[];
};

static struct name *_Atomic names;

static const char *keep_name(const char *text)
{
    struct name *first = atomic_load(&names);
    for (struct name *at = first; at; at = at->next)
        if (strcmp(at->text, text) == 0)
            return at->text;
    size_t size = strlen(text) + 1;
    struct name *made = obs__alloc(sizeof *made + size);
    if (!made)
        return NULL;
    memcpy(made->text, text, size);
    made->next = first;
    while (!atomic_compare_exchange_weak(&names, &made->next, made))
        ;
    return made->text;
}

static obs_status read_identity(obs__workspace *out, obs_error *error)
{
    struct statvfs disk;
    out->read_only = out->format.read_only || (statvfs(out->folder, &disk) == 0 && disk.f_flag & ST_RDONLY);
    obs_status status = obs__auth_user(out->owner, out->account, error);
    return status == OBS_OK ? obs__auth_user(out->identity, geteuid(), error) : status;
}

static obs_status read_workspace(obs__workspace *out, const char *folder, obs_error *error)
{
    out->folder = keep_name(folder);
    obs_status status = out->folder ? obs__local_check(folder, error) : obs__fail_memory(error);
    if (status == OBS_OK)
        status = obs__workspace_account(&out->account, folder, error);
    if (status == OBS_OK)
        status = obs__config_read(&out->config, folder, out->account, error);
    if (status == OBS_OK)
        status = obs__format_read(&out->format, folder, out->account, error);
    return status == OBS_OK ? read_identity(out, error) : status;
}

obs_status obs__workspace_open(obs__workspace **out, const char *wanted, obs_error *error)
{
    char *folder = NULL;
    *out = NULL;
    obs_status status = obs__workspace_find(&folder, wanted, error);
    if (status != OBS_OK)
        return status;
    obs__workspace *workspace = obs__calloc(1, sizeof *workspace);
    status = workspace ? read_workspace(workspace, folder, error) : obs__fail_memory(error);
    obs__free(folder);
    if (workspace)
        atomic_init(&workspace->holders, 1);
    if (status != OBS_OK)
        obs__workspace_free(workspace);
    else
        *out = workspace;
    return status;
}

int obs__workspace_is_owner(const obs__workspace *workspace)
{
    uid_t user = geteuid();
    return user == workspace->account || (user == 0 && workspace->config.shared);
}

obs__workspace *obs__workspace_retain(obs__workspace *workspace)
{
    atomic_fetch_add(&workspace->holders, 1);
    return workspace;
}

void obs__workspace_free(obs__workspace *workspace)
{
    if (!workspace || atomic_fetch_sub(&workspace->holders, 1) != 1)
        return;
    obs__tokens_free(atomic_load(&workspace->tokens));
    obs__config_free(&workspace->config);
    obs__free(workspace);
}
