/* Calls that make workspaces. */
#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include <obs/workspace.h>

#include "faults/trial.h"

static const char *workspace_path(void)
{
    static char path[512];
    snprintf(path, sizeof path, "%s-%d", stage.path, stage.n);
    return path;
}

static obs_status make_workspace(void)
{
    return obs_workspace_init(workspace_path(), NULL, &error);
}

static int is_workspace(void)
{
    return access(workspace_path(), F_OK) == 0;
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *at)
{
    (void)status, (void)kind, (void)at;
    return remove(path);
}

/* Always the same one: what is counted for each tenant stays as long as the process. */
static const char *tenant_path(void)
{
    static char path[512];
    snprintf(path, sizeof path, "%s/tenants/made", stage.path);
    return path;
}

/* Behind the library's back: the log, which may have its records by now, would rightly say that another one took its place. So
 * a new log begins, too. */
static void remove_tenant(void)
{
    static const char *const logs[] = {"log", "runs"};
    char path[512];
    nftw(tenant_path(), remove_one, 16, FTW_DEPTH | FTW_PHYS);
    snprintf(path, sizeof path, "%s/obs", getenv("XDG_STATE_HOME"));
    nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    for (size_t i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/audit/%s", stage.path, logs[i]);
        nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    }
}

static obs_status show_tenants(void)
{
    obs_rows *rows = NULL;
    size_t found = 0;
    obs_status status = obs_tenant_show(&rows, stage.client, NULL, NULL, &error);
    if (status == OBS_OK)
        status = count_quietly(rows, &found);
    fits(status != OBS_OK || found == 1, "tenants");
    return status;
}

/* The least there can be to look at: an object, a record, and what is written of them. */
static void make_little(const char *path)
{
    static const char no_reserve[] = "{\"reserve_bytes\":0}"; /* it would be copied some thousand times */
    ck_assert_ok(obs_workspace_init(path, NULL, &error));
    test_write(test_path(path, "audit/policy.json"), no_reserve, sizeof no_reserve - 1);
    obs_client *client = open_at(path);
    ck_assert_ok(obs_ingest_definition(client, "t", "{}", OBS_TEXT, NULL, &error));
    ck_assert_ok(obs_ingest_record(NULL, client, "t", "{}", OBS_TEXT, NULL, &error));
    ck_assert_ok(obs_store_put(NULL, obs_client_store(client), "a", OBS_TEXT, "x", 1, NULL, &error));
    obs_client_close(client);
}

static char little[512];

/* With its time of change, by which a store knows its own. */
static int copy_one(const char *path, const struct stat *status, int kind, struct FTW *at)
{
    char target[1024];
    size_t size;
    (void)at;
    snprintf(target, sizeof target, "%s%s", stage.path, path + strlen(little));
    if (kind == FTW_D)
        return mkdir(target, status->st_mode & 0777);
    char *bytes = test_read(path, &size);
    test_write(target, bytes, size);
    free(bytes);
    const struct timespec times[] = {status->st_mtim, status->st_mtim};
    return chmod(target, status->st_mode & 0777) != 0 || utimensat(AT_FDCWD, target, times, 0) != 0;
}

/* A check is itself recorded, and the next one checks the record: each attempt has the same workspace anew, or the attempts
 * needed more allocations with each of them and never came to an end. */
static void renew(void)
{
    snprintf(little, sizeof little, "%s-little", stage.path);
    if (access(little, F_OK) != 0)
        make_little(little);
    obs_client_close(stage.client);
    nftw(stage.path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    ck_assert_int_eq(nftw(little, copy_one, 16, FTW_PHYS), 0);
    stage.client = open_at(stage.path);
}

static obs_status check_with(obs_check_mode mode)
{
    obs_rows *rows = NULL;
    size_t found = 0;
    obs_status status = obs_workspace_check(&rows, stage.client, mode, NULL, &error);
    if (status == OBS_OK)
        status = count_quietly(rows, &found);
    fits(status != OBS_OK || found == 1, "a sound workspace has problems");
    return status;
}

static obs_status check(void)
{
    return check_with(OBS_CHECK_ONLY);
}

static obs_status repair(void)
{
    return check_with(OBS_CHECK_REPAIR);
}

static obs_status make_tenant(void)
{
    return obs_tenant_create(stage.client, "made", NULL, &error);
}

/* Made, with the record of its making and a store. */
static int is_tenant(void)
{
    obs_client *made;
    obs_as_options options;
    obs_as_options_init(&options, sizeof options);
    options.tenant = "made";
    if (access(tenant_path(), F_OK) != 0)
        return 0;
    ck_assert_ok(obs_client_as(&made, stage.client, &options, &error));
    ck_assert_uint_eq(count_audit(made, "tenant.create", "\"class\":\"change\""), 1);
    ck_assert_int_eq(has_object(made, "none"), 0);
    obs_client_close(made);
    return 1;
}

obs_error *workspace_error(void)
{
    obs_error_init(&error, sizeof error);
    return &error;
}

const struct trial workspace_trials[] = {{"init", NULL, make_workspace, is_workspace},
                                         {"tenant", remove_tenant, make_tenant, is_tenant},
                                         {"show", NULL, show_tenants, NULL},
                                         {"check", renew, check, NULL},
                                         {"repair", renew, repair, NULL},
                                         {0}};
