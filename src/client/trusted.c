/*
 * Whose obs.yaml may be believed. It names files, hosts and secrets, so whoever wrote it decides what the caller's programs do:
 * it must be the caller's own, root's, or that of an account which the caller or root named for this very folder, by a line
 *
 *     /srv/night observatory
 *
 * in `~/.config/obs/trusted` or `/etc/obs/trusted`.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/home.h"
#include "base/memory.h"
#include "base/text.h"
#include "client/workspace.h"

#define SIZE_LIMIT ((size_t)1 << 20)
#define LIST "/trusted"
#define LINE_MAX_SIZE (PATH_MAX + 64)

/* The folder may contain blanks: the account is the last word. */
static int names(const char *line, size_t size, const char *folder, uid_t account)
{
    char text[LINE_MAX_SIZE];
    uid_t named;
    gid_t group;
    if (size >= sizeof text || *line != '/')
        return 0;
    memcpy(text, line, size);
    text[size] = '\0';
    for (size_t end = size; end > 0 && strchr(" \t\r", text[end - 1]);)
        text[--end] = '\0';
    char *blank = strrchr(text, ' ');
    if (!blank)
        return 0;
    const char *user = blank + 1;
    for (; blank > text && (*blank == ' ' || *blank == '/'); blank--)
        *blank = '\0';
    return strcmp(text, folder) == 0 && obs__auth_find_user(&named, &group, user, NULL) == OBS_OK && named == account;
}

/* A list that is not there names nobody; one that others may write is an error, lest it be taken for one that works. */
static obs_status look_in(int *found, const char *path, const char *folder, uid_t account, obs_error *error)
{
    obs_buffer *text = NULL;
    obs_status status = obs__file_read_trusted(&text, path, SIZE_LIMIT, error);
    if (status == OBS_NOT_FOUND)
        return OBS_OK;
    const char *at = status == OBS_OK ? obs_buffer_data(text) : "";
    while (status == OBS_OK && *at && !*found) {
        size_t size = strcspn(at, "\n");
        *found = names(at, size, folder, account);
        at += size + (at[size] == '\n');
    }
    obs_buffer_free(text);
    return status;
}

/* The caller's own list; the environment may name no place for it. */
static obs_status look_in_own(int *found, const char *folder, uid_t account, obs_error *error)
{
    char path[PATH_MAX];
    if (obs__home_folder(path, OBS__HOME_CONFIG, NULL) != OBS_OK || strlen(path) + sizeof LIST >= sizeof path)
        return OBS_OK;
    strcat(path, LIST);
    return look_in(found, path, folder, account, error);
}

static obs_status untrusted(const char *folder, uid_t account, obs_error *error)
{
    char subject[OBS__SUBJECT_SIZE];
    obs_status status = obs__auth_user(subject, account, error);
    if (status != OBS_OK)
        return status;
    const char *name = strchr(subject, ':') + 1;
    return obs__fail(error, OBS_UNTRUSTED,
                     "'%s' belongs to another user, %s: if you trust this account, write the line '%s %s' into "
                     "~/.config/obs/trusted",
                     folder, name, folder, name);
}

obs_status obs__workspace_account(uid_t *out, const char *folder, obs_error *error)
{
    char path[PATH_MAX];
    struct stat found;
    int named = 0;
    *out = 0;
    if (snprintf(path, sizeof path, "%s/obs.yaml", folder) >= (int)sizeof path)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "a path is longer than %d bytes", PATH_MAX - 1);
    if (lstat(path, &found) != 0)
        return obs__fail_system(error, errno, "cannot look at '%s'", path);
    *out = found.st_uid;
    if (found.st_uid == geteuid() || found.st_uid == 0)
        return OBS_OK;
    obs_status status = look_in_own(&named, folder, found.st_uid, error);
    if (status == OBS_OK && !named)
        status = look_in(&named, "/etc/obs" LIST, folder, found.st_uid, error);
    return status == OBS_OK && !named ? untrusted(folder, found.st_uid, error) : status;
}
