/*
 * Configurations that products were made with: `functions/.configurations/<SHA-256>.json`, kept by the runner, so that it can
 * be said later what a configuration was that is no more.
 */
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "client/client.h"
#include "function/config.h"
#include "function/function.h"
#include "function/manifest.h"

#define FOLDER OBS__FUNCTIONS "/.configurations"
#define KEPT_MOST 1000
#define TEXT_LIMIT ((size_t)32 << 20)

int obs__is_sha256(const char *text)
{
    return text && strlen(text) == 64 && strspn(text, "0123456789abcdef") == 64;
}

static int is_kept(const struct dirent *entry)
{
    return *entry->d_name != '.';
}

/* The one that was taken into use longest ago goes. */
static void prune(const char *workspace)
{
    struct dirent **entries = NULL;
    char path[PATH_MAX], oldest[PATH_MAX] = "";
    struct timespec at = {0};
    snprintf(path, sizeof path, "%s/" FOLDER, workspace);
    int count = scandir(path, &entries, is_kept, NULL);
    for (int i = 0; i < count; i++) {
        struct stat found;
        if (snprintf(path, sizeof path, "%s/" FOLDER "/%s", workspace, entries[i]->d_name) < (int)sizeof path &&
            lstat(path, &found) == 0 &&
            (!*oldest || found.st_mtim.tv_sec < at.tv_sec ||
             (found.st_mtim.tv_sec == at.tv_sec && found.st_mtim.tv_nsec < at.tv_nsec))) {
            at = found.st_mtim;
            memcpy(oldest, path, strlen(path) + 1);
        }
        free(entries[i]);
    }
    free(entries);
    if (count > KEPT_MOST && *oldest)
        unlink(oldest);
}

obs_status obs__config_keep_seen(const char *workspace, const char *sha256, obs__view text, obs_error *error)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/" FOLDER, workspace);
    obs_status status = obs__folder_make(AT_FDCWD, path, 0700, error);
    if (status != OBS_OK)
        return status;
    snprintf(path, sizeof path, "%s/" FOLDER "/%s.json", workspace, sha256);
    if (utimensat(AT_FDCWD, path, NULL, 0) == 0)
        return OBS_OK;
    status = obs__file_create(AT_FDCWD, path, text.data, text.size, 0600, error);
    if (status == OBS_OK)
        prune(workspace);
    return status == OBS_ALREADY_EXISTS ? OBS_OK : status; /* another runner was faster */
}

static obs_status check(const obs_buffer *text, const char *path, const char *sha256, obs_error *error)
{
    unsigned char hash[OBS__SHA256_SIZE];
    char hex[2 * OBS__SHA256_SIZE + 1];
    obs_status status = obs__sha256(hash, obs_buffer_data(text), obs_buffer_size(text), error);
    if (status != OBS_OK)
        return status;
    obs__hex(hex, hash, sizeof hash);
    return strcmp(hex, sha256) == 0 ? OBS_OK : obs__fail(error, OBS_DATA_LOSS, "'%s' is damaged: remove it", path);
}

obs_status obs__config_seen(obs_buffer **out, const char *workspace, const char *sha256, obs_error *error)
{
    char path[PATH_MAX];
    *out = NULL;
    if (!obs__is_sha256(sha256))
        return obs__fail(error, OBS_INVALID_ARGUMENT, "a configuration is named by a SHA-256: 64 hexadecimal digits");
    snprintf(path, sizeof path, "%s/" FOLDER "/%s.json", workspace, sha256);
    obs_status status = obs__file_read(out, AT_FDCWD, path, TEXT_LIMIT, error);
    if (status == OBS_NOT_FOUND)
        return obs__fail(error, OBS_NOT_FOUND, "the configuration %.12s is not known here (any more)", sha256);
    if (status == OBS_OK && (status = check(*out, path, sha256, error)) != OBS_OK) {
        obs_buffer_free(*out);
        *out = NULL;
    }
    return status;
}

obs_status obs_function_configuration(obs_buffer **out, obs_client *client, const char *sha256, const obs_call *call,
                                      obs_error *error)
{
    obs__scope scope;
    if (!out || !client || !sha256)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "out, client and sha256 are required");
    *out = NULL;
    obs_status status = obs__gate_enter(&scope, &client->gate->gate, OBS__READ, "config.read", sha256, OBS_TEXT, call, error);
    if (status != OBS_OK)
        return status;
    status = obs__config_seen(out, obs_client_workspace(client), sha256, error);
    return obs__gate_leave(&scope, status, error);
}
