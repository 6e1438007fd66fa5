/* How the log is: for health and metrics. */
#include <limits.h>
#include <unistd.h>

#include "audit/runs.h"
#include "audit/schedule.h"
#include "audit/trail.h"
#include "base/error.h"
#include "base/file.h"

/* What the tenant's database says. */
struct counts {
    int64_t last;  /* seq of the last record */
    int64_t gaps;  /* records of the class `loss` */
    int64_t calls; /* the calls they stand for */
};

static obs_status count(struct counts *out, obs__snapshot *snapshot, obs_error *error)
{
    static const char sql[] = "SELECT (SELECT ifnull(max(seq), 0) FROM audit_leaf), count(*),"
                              " ifnull(sum(json_extract(CAST(l.leaf AS TEXT), '$.count')), 0)"
                              " FROM audit_clear c JOIN audit_leaf l ON l.seq = c.seq WHERE c.action = 'audit.lost'";
    sqlite3_stmt *statement;
    obs_status status = obs__snapshot_statement(&statement, snapshot, sql, error);
    if (status != OBS_OK)
        return status;
    int code = sqlite3_step(statement);
    if (code == SQLITE_ROW) {
        out->last = sqlite3_column_int64(statement, 0);
        out->gaps = sqlite3_column_int64(statement, 1);
        out->calls = sqlite3_column_int64(statement, 2);
    } else
        status = obs__sqlite_fail(error, obs__snapshot_database(snapshot), code, "cannot read the audit trail");
    sqlite3_reset(statement);
    return status;
}

static obs_status count_tenant(struct counts *out, obs__journal *journal, obs_error *error)
{
    obs__snapshot *snapshot;
    obs_status status = obs__snapshot_begin(&snapshot, journal, error);
    if (status != OBS_OK)
        return status;
    status = count(out, snapshot, error);
    obs__snapshot_end(snapshot);
    return status;
}

/* How many records of the tenant are in the log; 0 when that cannot be seen. */
static int64_t moved(const obs__log_place *place, const char *tenant)
{
    char path[PATH_MAX];
    obs__run last = {0};
    int folder;
    if (obs__log_path(path, sizeof path, place->workspace, "runs", NULL) != OBS_OK ||
        obs__open_at(&folder, AT_FDCWD, path, O_RDONLY | O_DIRECTORY, 0, NULL) != OBS_OK)
        return 0;
    if (obs__runs_last(&last, folder, tenant, NULL) != OBS_OK)
        last.count = 0;
    close(folder);
    return last.count ? (int64_t)(last.seq + last.count - 1) : 0;
}

static void add_age(obs__builder *text, const char *what, int64_t age_ms)
{
    if (age_ms < 0)
        obs__add_format(text, "no %s yet", what);
    else
        obs__add_format(text, "%s %lld s old", what, (long long)(age_ms / 1000));
}

obs_status obs__audit_measure(obs__audit_numbers *out, const obs__schedule *log, obs__journal *journal, const char *tenant,
                              obs_error *error)
{
    struct counts counts = {0};
    *out = (obs__audit_numbers){.waiting = -1};
    obs_status status = count_tenant(&counts, journal, error);
    if (status != OBS_OK)
        return status;
    out->records = counts.last;
    out->gaps = counts.gaps;
    out->lost = counts.calls;
    if (log) {
        int64_t waiting = counts.last - moved(obs__schedule_place(log), tenant);
        out->waiting = waiting > 0 ? waiting : 0;
    }
    return OBS_OK;
}

obs_status obs__audit_health(obs_audit *audit, obs__builder *text, obs_error *error)
{
    const obs__gate *gate = obs__audit_gate(audit);
    obs__schedule *log = obs__audit_log(audit);
    obs__audit_numbers numbers;
    obs_status status = log ? obs__schedule_last(log, error) : OBS_OK;
    if (status == OBS_OK)
        status = obs__audit_measure(&numbers, log, gate->journal, gate->tenant, error);
    if (status != OBS_OK)
        return status;
    if (log) {
        add_age(text, "checkpoint", obs__schedule_checkpoint_age_ms(log));
        obs__add_text(text, ", ");
        add_age(text, "anchor", obs__schedule_anchor_age_ms(log));
        obs__add_format(text, ", %lld records wait for the next, ", (long long)numbers.waiting);
    }
    obs__add_format(text, "%lld calls lost in %lld gaps", (long long)numbers.lost, (long long)numbers.gaps);
    return OBS_OK;
}
