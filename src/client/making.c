/*
 * The making of a tenant. All of it is built in a folder beside its place: the store, and the database, whose first commit is
 * the audit record of the call that makes the tenant. Then the folder is renamed. So there is a tenant exactly when there is
 * its record, whatever moment the power fails at.
 *
 * The folder is locked while it is being built, so that what a maker left that died can be told from it, and removed.
 */
#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "client/client.h"

#define OPEN_LIMIT_MS 30000
#define BUILDING_TRIES 8
#define SUFFIX "-XXXXXX"

/* A tenant that is being made. */
struct making {
    const obs__workspace *workspace;
    const char *name;
    const obs__ownership *ownership;
    obs__scope *scope; /* the call that makes it; NULL: the workspace is being made, and not yet open */
    char *parent;
    char *building;
    int lock; /* on `building` */
};

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *at)
{
    (void)status, (void)kind, (void)at;
    return remove(path);
}

void obs__remove_folder(const char *path)
{
    nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

obs_status obs__sync_and_rename(const char *from, const char *to, const char *parent, obs_error *error)
{
    obs_status status = obs__folder_sync_path(AT_FDCWD, from, error);
    if (status != OBS_OK)
        return status;
    if (rename(from, to) != 0)
        return errno == ENOTEMPTY || errno == EEXIST
                   ? obs__fail(error, OBS_ALREADY_EXISTS, "there is something in '%s' already", to)
                   : obs__fail_system(error, errno, "cannot make '%s'", to);
    return obs__folder_sync_path(AT_FDCWD, parent, error);
}

static obs_status apply_birth(obs__effect *effect, obs__txn *txn, obs_error *error)
{
    sqlite3_stmt *statement;
    (void)effect;
    obs_status status = obs__txn_statement(&statement, txn, "INSERT INTO tenant (created) VALUES (?1)", error);
    if (status != OBS_OK)
        return status;
    sqlite3_bind_int64(statement, 1, obs__now_ns());
    return obs__txn_run(txn, statement, error);
}

/* The effect is the caller's own. */
static void keep(obs__effect *effect)
{
    (void)effect;
}

static const obs__effect_ops birth_ops = {.apply = apply_birth, .free = keep};

/* Shared while it is still empty, so that whatever is made in it has the group and the rights from the start. */
static obs_status share(const struct making *making, const char *path, obs_error *error)
{
    const obs__ownership *ownership = making->ownership;
    return ownership->shared ? obs__folder_share(path, ownership->account, ownership->group, error) : OBS_OK;
}

/* A store that the configuration puts outside of the tenant's folder gets its group, too, before anything is in it. */
static obs_status share_store(const struct making *making, const char *url, obs_error *error)
{
    if (!making->ownership->shared || strncmp(url, "file:/", 6) != 0)
        return OBS_OK;
    obs_status status = obs__folder_make(AT_FDCWD, url + 5, 0700, error);
    return status == OBS_OK ? share(making, url + 5, error) : status;
}

/* A store within the workspace is made where it is being built, one outside in its place. */
static obs_status make_store(const struct making *making, obs__journal *journal, obs_error *error)
{
    const obs__workspace *workspace = making->workspace;
    const char *place = strrchr(making->building, '/') + 1;
    int outside = strncmp(workspace->config.store, "file:", 5) != 0 || workspace->config.store[5] == '/';
    obs_store *store = NULL;
    /* Only for this call: the store has given its hold back when it ends. */
    obs__client_gate gate = {.gate = {&obs__client_gate_ops, journal, outside ? making->name : place, workspace->folder, 0}};
    atomic_init(&gate.holders, 1);
    char *url = obs__tenant_store(workspace, gate.gate.tenant);
    if (!url)
        return obs__fail_memory(error);
    obs__store_options options = {.url = url, .is_workspace = 1};
    obs_status status = share_store(making, url, error);
    if (status == OBS_OK)
        status = obs__store_open(&store, &gate.gate, &options, error);
    obs_store_free(store);
    free(url);
    return status;
}

static obs_status commit_birth(const struct making *making, obs__journal *journal, const obs__limit *limit, obs_error *error)
{
    obs__effect birth = {.ops = &birth_ops};
    obs__effects effects = {0};
    obs_status status = OBS_OK;
    obs__effects_add(&effects, &birth);
    if (making->scope)
        status = obs__client_record_birth(&effects, making->name, making->scope, error);
    if (status == OBS_OK)
        status = obs__journal_commit(journal, &effects, limit, error);
    obs__effects_free(&effects);
    return status;
}

static obs_status build(const struct making *making, obs_error *error)
{
    obs__journal *journal = NULL;
    obs__limit limit = making->scope ? making->scope->limit : obs__limit_in(OPEN_LIMIT_MS, NULL);
    obs_status status = share(making, making->building, error);
    if (status == OBS_OK)
        status = obs__client_journal(&journal, making->workspace, making->building, 1, &limit, error);
    if (status == OBS_OK && making->scope)
        status = make_store(making, journal, error);
    if (status == OBS_OK)
        status = commit_birth(making, journal, &limit, error);
    obs__journal_free(journal);
    return status;
}

/* Whether the folder is ours from now on: -1 with errno when it cannot be, 0 when a sweep was faster. */
static int lock_folder(int *out, const char *path)
{
    struct stat found;
    *out = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (*out < 0)
        return errno == ENOENT ? 0 : -1;
    int locked = flock(*out, LOCK_EX | LOCK_NB) == 0;
    if (!locked && errno != EWOULDBLOCK)
        return -1;
    return locked && fstat(*out, &found) == 0 && found.st_nlink > 0;
}

static void unlock_folder(int *lock)
{
    if (*lock >= 0)
        close(*lock);
    *lock = -1;
}

static obs_status begin_building(struct making *making, obs_error *error)
{
    for (int tries = 0, ours; tries < BUILDING_TRIES; tries++) {
        memcpy(making->building + strlen(making->building) - strlen(SUFFIX), SUFFIX, strlen(SUFFIX));
        ours = mkdtemp(making->building) ? lock_folder(&making->lock, making->building) : -1;
        if (ours < 0)
            return obs__fail_system(error, errno, "cannot make a folder in '%s'", making->parent);
        if (ours)
            return OBS_OK;
        unlock_folder(&making->lock);
    }
    return obs__fail(error, OBS_ABORTED, "another process cleared the folder in which the tenant was being made: try again");
}

/* `.weather-a1B2c3`. */
static int is_building(const struct dirent *entry)
{
    const char *dash = strrchr(entry->d_name, '-');
    return entry->d_name[0] == '.' && dash && strlen(dash) == strlen(SUFFIX);
}

/* Removes what makers left that died. What cannot be removed now is removed another time. */
static void sweep(const char *parent)
{
    struct dirent **entries = NULL;
    int count = scandir(parent, &entries, is_building, NULL);
    for (int i = 0; i < count; i++) {
        char *path = NULL;
        int lock = -1;
        if (asprintf(&path, "%s/%s", parent, entries[i]->d_name) >= 0 && lock_folder(&lock, path) > 0)
            obs__remove_folder(path);
        unlock_folder(&lock);
        free(path);
        free(entries[i]);
    }
    free(entries);
}

obs_status obs__tenant_exists(const char *name, obs_error *error)
{
    return obs__fail(error, OBS_ALREADY_EXISTS, "there is a tenant '%s' already", name);
}

static obs_status make(struct making *making, const char *path, obs_error *error)
{
    if (access(path, F_OK) == 0)
        return obs__tenant_exists(making->name, error);
    sweep(making->parent);
    obs_status status = begin_building(making, error);
    if (status != OBS_OK)
        return status;
    status = build(making, error);
    if (status == OBS_OK)
        status = obs__sync_and_rename(making->building, path, making->parent, error);
    if (status != OBS_OK)
        obs__remove_folder(making->building);
    return status;
}

obs_status obs__tenant_make(const obs__workspace *workspace, const char *name, const obs__ownership *ownership,
                            obs__scope *scope, obs_error *error)
{
    struct making making = {.workspace = workspace, .name = name, .ownership = ownership, .scope = scope, .lock = -1};
    char *path = obs__tenant_folder(workspace->folder, name);
    obs_status status;
    if (path && asprintf(&making.parent, "%s/tenants", workspace->folder) >= 0 &&
        asprintf(&making.building, "%s/.%s" SUFFIX, making.parent, name) >= 0)
        status = make(&making, path, error);
    else
        status = obs__fail_memory(error);
    unlock_folder(&making.lock);
    free(making.building);
    free(making.parent);
    free(path);
    return status;
}
