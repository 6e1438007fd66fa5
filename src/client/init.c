/* Making a workspace: built beside and renamed, so that there is all of it or nothing. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "client/client.h"

/* `ownership` NULL: the caller's alone; else the folder becomes its group's. */
static obs_status make_folder(const char *base, const char *name, const obs__ownership *ownership, obs_error *error)
{
    char *path = NULL;
    if (asprintf(&path, "%s/%s", base, name) < 0)
        return obs__fail_memory(error);
    obs_status status = obs__folder_make(AT_FDCWD, path, 0700, error);
    if (status == OBS_OK && ownership->shared)
        status = obs__folder_share(path, ownership->account, ownership->group, error);
    free(path);
    return status;
}

static obs_status write_config(const char *folder, int shared, obs_error *error)
{
    char *path = NULL, *text = NULL;
    if (asprintf(&path, "%s/obs.yaml", folder) < 0)
        return obs__fail_memory(error);
    if (asprintf(&text, "%s%s", obs__config_text(),
                 shared ? "mode: shared          # each tenant belongs to a Unix group\n" : "") < 0) {
        free(path);
        return obs__fail_memory(error);
    }
    obs_status status = obs__file_write(AT_FDCWD, path, text, strlen(text), 0644, error);
    free(text);
    free(path);
    return status;
}

/* What is not a group's becomes the account's; everybody may pass through and read what it is, not which tenants there are.
 * Until now only the caller could enter, so nobody exchanged anything. */
static obs_status give(const char *folder, uid_t account, obs_error *error)
{
    static const struct {
        const char *name;
        mode_t mode;
    } parts[] = {{"format", 0644}, {"audit", 0700}, {"tenants", 0711}, {"obs.yaml", 0644}, {".", 0755}};
    obs_status status = OBS_OK;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0] && status == OBS_OK; i++) {
        char *path = NULL;
        if (asprintf(&path, "%s/%s", folder, parts[i].name) < 0)
            return obs__fail_memory(error);
        status = obs__folder_give(path, account, parts[i].mode, error);
        free(path);
    }
    return status;
}

/* Nobody reads the audit log yet; what is made in it can be opened for auditors later, by this one folder. */
static obs_status close_audit(const char *folder, obs_error *error)
{
    char *path = NULL;
    if (asprintf(&path, "%s/audit", folder) < 0)
        return obs__fail_memory(error);
    obs_status status = obs__folder_admit(path, NULL, 0, error);
    free(path);
    return status;
}

static obs_status build(const char *folder, const obs__ownership *ownership, obs_error *error)
{
    const obs__ownership own = {0};
    const obs__workspace workspace = {.folder = folder};
    obs_status status = obs__format_write(folder, error);
    if (status == OBS_OK)
        status = make_folder(folder, "store", ownership, error);
    if (status == OBS_OK)
        status = make_folder(folder, "audit", &own, error);
    if (status == OBS_OK)
        status = make_folder(folder, "tenants", &own, error);
    if (status == OBS_OK)
        status = obs__tenant_make(&workspace, OBS__DEFAULT_TENANT, ownership, NULL, error);
    if (status == OBS_OK)
        status = write_config(folder, ownership->shared, error);
    if (status == OBS_OK && ownership->shared)
        status = give(folder, ownership->account, error);
    return status == OBS_OK && ownership->shared ? close_audit(folder, error) : status;
}

static int is_empty(const char *folder)
{
    DIR *open = opendir(folder);
    struct dirent *entry;
    int count = 0;
    while (open && (entry = readdir(open)))
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    if (open)
        closedir(open);
    return open && count == 0;
}

/* In a folder that is there: its parts are moved in one by one, obs.yaml, which makes it a workspace, at last. */
static obs_status move_parts(const char *from, const char *to, obs_error *error)
{
    static const char *const parts[] = {"format", "store", "audit", "tenants", "obs.yaml"};
    obs_status status = OBS_OK;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0] && status == OBS_OK; i++) {
        char *old = NULL, *new = NULL;
        if (asprintf(&old, "%s/%s", from, parts[i]) < 0 || asprintf(&new, "%s/%s", to, parts[i]) < 0)
            status = obs__fail_memory(error);
        else if (rename(old, new) != 0)
            status = obs__fail_system(error, errno, "cannot make '%s'", new);
        else
            status = obs__folder_sync_path(AT_FDCWD, to, error);
        free(old);
        free(new);
    }
    return status;
}

static obs_status fill_existing(const char *path, const obs__ownership *ownership, obs_error *error)
{
    char *building = NULL;
    obs_status status = obs__local_check(path, error);
    if (status == OBS_OK && ownership->shared)
        status = obs__trust_above(path, ownership->account, error);
    if (status != OBS_OK)
        return status;
    if (!is_empty(path))
        return obs__fail(error, OBS_ALREADY_EXISTS, "'%s' is not empty: choose a folder that does not exist yet", path);
    if (asprintf(&building, "%s/.init-XXXXXX", path) < 0)
        return obs__fail_memory(error);
    if (!mkdtemp(building))
        status = obs__fail_system(error, errno, "cannot make a folder in '%s'", path);
    else if ((status = build(building, ownership, error)) == OBS_OK)
        status = move_parts(building, path, error);
    if (status == OBS_OK && ownership->shared)
        status = obs__folder_give(path, ownership->account, 0755, error);
    obs__remove_folder(building);
    free(building);
    return status;
}

static obs_status make_new(const char *path, const obs__ownership *ownership, obs_error *error)
{
    char *building = NULL, *parent = NULL;
    const char *slash = strrchr(path, '/');
    if (asprintf(&parent, "%.*s", slash ? (int)(slash - path) + 1 : 1, slash ? path : ".") < 0)
        return obs__fail_memory(error);
    obs_status status = obs__local_check(parent, error);
    if (status == OBS_OK && ownership->shared)
        status = obs__trust_above(parent, ownership->account, error);
    if (status == OBS_OK && asprintf(&building, "%s/.%s-XXXXXX", parent, slash ? slash + 1 : path) < 0)
        status = obs__fail_memory(error);
    if (status == OBS_OK && !mkdtemp(building))
        status = obs__fail_system(error, errno, "cannot make '%s'", path);
    else if (status == OBS_OK) {
        status = build(building, ownership, error);
        if (status == OBS_OK)
            status = obs__sync_and_rename(building, path, parent, error);
        if (status != OBS_OK)
            obs__remove_folder(building);
    }
    free(building);
    free(parent);
    return status;
}

/* Whose it will be. */
static obs_status plan(obs__ownership *out, const obs_workspace_options *options, obs_error *error)
{
    *out = (obs__ownership){.shared = options->mode == OBS_SHARED, .account = geteuid(), .group = getegid()};
    if (options->mode != OBS_SHARED && options->mode != OBS_PERSONAL)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "mode is OBS_PERSONAL or OBS_SHARED");
    if (!out->shared && (options->account || options->group))
        return obs__fail(error, OBS_INVALID_ARGUMENT, "an account and a group belong to a shared workspace: add --shared");
    obs_status status = OBS_OK;
    if (options->account)
        status = obs__auth_find_user(&out->account, &out->group, options->account, error);
    if (status == OBS_OK && options->group)
        status = obs__auth_find_group(&out->group, options->group, error);
    if (status == OBS_OK && out->account != geteuid() && geteuid() != 0)
        status =
            obs__fail(error, OBS_PERMISSION_DENIED, "only root can make a workspace for another account: run it with sudo");
    if (status == OBS_OK && out->group == (gid_t)-1)
        status = obs__fail(error, OBS_INVALID_ARGUMENT, "this system knows no group of user '%.64s': name one with --group",
                           options->account);
    return status;
}

void obs_workspace_options_init(obs_workspace_options *options, size_t size)
{
    if (!options || size < sizeof(size_t))
        return;
    memset(options, 0, size);
    options->size = size;
}

obs_status obs_workspace_init_with(const char *path, const obs_workspace_options *options, obs_error *error)
{
    obs_workspace_options wanted;
    obs__ownership ownership;
    if (!path || !*path)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "path is required");
    obs__client_options(&wanted, sizeof wanted, options);
    obs__limit limit = obs__limit_of(wanted.call);
    obs_status status = obs__limit_check(&limit, error);
    if (status == OBS_OK)
        status = plan(&ownership, &wanted, error);
    if (status != OBS_OK)
        return status;
    char *plain = obs__strdup(path);
    if (!plain)
        return obs__fail_memory(error);
    for (size_t size = strlen(plain); size > 1 && plain[size - 1] == '/';)
        plain[--size] = '\0';
    status = access(plain, F_OK) == 0 ? fill_existing(plain, &ownership, error) : make_new(plain, &ownership, error);
    obs__free(plain);
    return status == OBS_OK ? obs__ok(error) : status;
}

obs_status obs_workspace_init(const char *path, const obs_call *call, obs_error *error)
{
    obs_workspace_options options = {.size = sizeof options, .call = call};
    return obs_workspace_init_with(path, &options, error);
}
