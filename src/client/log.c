/* The part of a client in the audit log of its workspace: where it lies, who may read it, and all tenants for the sequencer.
 *
 * The account of the workspace has the key and writes the log. In a shared one root and the auditors whom obs.yaml names read
 * it, with a state folder of their own: what they saw of the log until now is their anchor. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audit/schedule.h"
#include "base/error.h"
#include "base/file.h"
#include "base/home.h"
#include "base/log.h"
#include "base/memory.h"
#include "client/anchor.h"
#include "client/client.h"

#define OPEN_LIMIT_MS 1000

struct obs__client_log {
    obs__workspace *workspace;
    obs__anchor **anchors;
    size_t anchor_count;
    char state[PATH_MAX];
    char origin[OBS__LOG_ORIGIN_SIZE];
    int writes;        /* this process is the account's */
    obs_status status; /* why there is no state folder */
};

/* A walk over the tenants, for whoever visits their databases. */
struct walk {
    const obs__workspace *workspace;
    obs__tenant_visit *visit;
    void *visitor;
    obs_error failure; /* of the first one that could not be opened */
};

static obs_status open_tenant(obs__journal **out, const obs__workspace *workspace, const char *name, obs_error *error)
{
    obs__limit limit = obs__limit_in(OPEN_LIMIT_MS, NULL);
    char *folder = obs__tenant_folder(workspace->folder, name);
    if (!folder)
        return obs__fail_memory(error);
    obs_status status = obs__client_journal(out, workspace, folder, 0, &limit, error);
    obs__free(folder);
    return status;
}

static obs_status visit_tenant(void *user, const char *name, obs_error *error)
{
    struct walk *walk = user;
    obs__journal *journal = NULL;
    obs_error failure;
    obs_error_init(&failure, sizeof failure);
    if (open_tenant(&journal, walk->workspace, name, &failure) != OBS_OK) {
        if (walk->failure.status == OBS_OK)
            obs__copy_error(&walk->failure, &failure);
        return OBS_OK;
    }
    obs_status status = walk->visit(walk->visitor, name, journal, error);
    obs__journal_free(journal);
    return status;
}

static obs_status each_tenant(void *user, obs__tenant_visit *visit, void *visitor, obs_error *error)
{
    const struct obs__client_log *log = user;
    struct walk walk = {.workspace = log->workspace, .visit = visit, .visitor = visitor};
    obs_error_init(&walk.failure, sizeof walk.failure);
    obs_status status = obs__tenant_each(log->workspace, NULL, visit_tenant, &walk, error);
    return status == OBS_OK && walk.failure.status != OBS_OK ? obs__copy_error(error, &walk.failure) : status;
}

static obs_status open_anchors(struct obs__client_log *log, obs_error *error)
{
    const obs__config *config = &log->workspace->config;
    obs_status status = OBS_OK;
    if (!config->anchor_count)
        return OBS_OK;
    if (!(log->anchors = obs__calloc(config->anchor_count, sizeof *log->anchors)))
        return obs__fail_memory(error);
    for (size_t i = 0; i < config->anchor_count && status == OBS_OK; i++) {
        obs__anchor **anchor = &log->anchors[log->anchor_count];
        status = obs__anchor_site(anchor, &config->anchors[i], log->workspace->folder, error);
        log->anchor_count += status == OBS_OK;
        if (!log->writes) /* the secret that opens an anchor's door may be the account's alone */
            status = OBS_OK;
    }
    return status;
}

/* ---- Who may read. ---- */

#define USER "user:"

static int by_number(const void *a, const void *b)
{
    uid_t first = *(const uid_t *)a, second = *(const uid_t *)b;
    return (first > second) - (first < second);
}

/* The auditors that are users of the system, each once. */
static size_t find_readers(uid_t *out, const obs__workspace *workspace)
{
    size_t count = 0, kept = 0;
    gid_t group;
    for (char **name = workspace->config.auditors; name && *name; name++)
        if (strncmp(*name, USER, strlen(USER)) == 0 &&
            obs__auth_find_user(&out[count], &group, *name + strlen(USER), NULL) == OBS_OK)
            count += out[count] != workspace->account && out[count] != 0;
    qsort(out, count, sizeof *out, by_number);
    for (size_t i = 0; i < count; i++)
        if (!i || out[i] != out[i - 1])
            out[kept++] = out[i];
    return kept;
}

/* Lets the auditors whom obs.yaml names now into the folder of the log, and nobody else. */
static obs_status admit_auditors(const obs__workspace *workspace, obs_error *error)
{
    char path[PATH_MAX];
    size_t count = 0;
    for (char **name = workspace->config.auditors; name && *name; name++)
        count++;
    uid_t *readers = obs__calloc(count + 1, sizeof *readers);
    if (!readers)
        return obs__fail_memory(error);
    count = find_readers(readers, workspace);
    obs_status status = obs__log_path(path, sizeof path, workspace->folder, "", error);
    if (status == OBS_OK)
        status = obs__folder_admit(path, readers, count, error);
    obs__free(readers);
    return status;
}

/* An auditor who is kept out hears of it when he reads; the account's own work goes on. */
static void admit(const obs__workspace *workspace)
{
    obs_error why;
    obs_error_init(&why, sizeof why);
    if (workspace->config.shared && !workspace->read_only && admit_auditors(workspace, &why) != OBS_OK)
        obs__log(OBS_LOG_WARNING, "audit", NULL, "the auditors cannot read the audit log: %s", why.message);
}

static int is_auditor(const obs__workspace *workspace)
{
    for (char **name = workspace->config.auditors; name && *name; name++)
        if (strcmp(*name, workspace->identity) == 0)
            return workspace->config.shared;
    return 0;
}

/* Not a program that a runner started: its home is not where the keys are, and a log that it began would have a key of its own,
 * which nobody else finds. Its records are moved by the runner. */
static int keeps_the_log(const obs__client_gate *gate)
{
    return !gate->gate.read_only && !getenv(OBS__FUNCTION_VARIABLE);
}

static obs_status attach(obs__client_gate *gate, obs_error *error)
{
    obs__schedule *schedule;
    struct obs__client_log *log = gate->log;
    obs__log_place place = {.workspace = log->workspace->folder, .state = log->state, .origin = log->origin};
    obs_status status = open_anchors(log, error);
    if (status != OBS_OK)
        return status;
    place.anchors = log->anchors;
    place.anchor_count = log->anchor_count;
    /* An auditor reads no tenant's database, so that its rows cannot be compared. */
    obs__tenants tenants = {obs__workspace_is_owner(log->workspace) ? each_tenant : NULL, log};
    status = obs__schedule_new(&schedule, &place, &tenants, error);
    if (status != OBS_OK)
        return status;
    if (!log->writes)
        obs__schedule_of_reader(schedule);
    else if (!keeps_the_log(gate))
        obs__schedule_only_read(schedule);
    obs__audit_attach(gate->audit, schedule);
    return OBS_OK;
}

obs_status obs__client_log_attach(obs__client_gate *gate, obs_error *error)
{
    int writes = gate->workspace->account == geteuid();
    if (!writes && !obs__workspace_is_owner(gate->workspace) && !is_auditor(gate->workspace))
        return OBS_OK;
    gate->log = obs__calloc(1, sizeof *gate->log);
    if (!gate->log)
        return obs__fail_memory(error);
    gate->log->workspace = obs__workspace_retain(gate->workspace);
    if ((gate->log->writes = writes))
        admit(gate->workspace);
    obs__log_origin(gate->log->origin, gate->workspace->format.id);
    gate->log->status = obs__home_of_workspace(gate->log->state, gate->workspace->format.id, NULL);
    return gate->log->status == OBS_OK ? attach(gate, error) : OBS_OK;
}

void obs__client_log_free(struct obs__client_log *log)
{
    if (!log)
        return;
    for (size_t i = 0; i < log->anchor_count; i++)
        obs__anchor_free(log->anchors[i]);
    obs__free(log->anchors);
    obs__workspace_free(log->workspace);
    obs__free(log);
}

obs_status obs__client_log_health(const obs__client_gate *gate, obs__builder *text, obs_error *error)
{
    char folder[PATH_MAX];
    if (gate->log && gate->log->status != OBS_OK)
        return obs__home_of_workspace(folder, gate->workspace->format.id, error);
    return obs__audit_health(gate->audit, text, error);
}
