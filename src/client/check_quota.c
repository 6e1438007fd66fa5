/* What the quotas of a tenant are measured by, against what they count. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "client/check.h"
#include "client/rule.h"
#include "client/tenant.h"

#define SAID 4

/* What is counted, and what there is: bytes, objects, entries, and whether there is a row to count in where there is a quota.
 */
static obs_status compare(int64_t out[2][SAID], obs__snapshot *snapshot, obs_error *error)
{
    static const char sql[] =
        "SELECT coalesce(u.bytes, 0), coalesce(u.objects, 0), coalesce(u.entries, 0), u.id IS NOT NULL,"
        " (SELECT coalesce(sum(size), 0) FROM entry), (SELECT count(*) FROM entry WHERE kind <> 'record'),"
        " (SELECT count(*) FROM entry),"
        " EXISTS (SELECT 1 FROM tenant_rule WHERE"
        " coalesce(most_bytes, most_objects, most_entries, most_day, most_minute) IS NOT NULL)"
        " FROM (SELECT 1 AS id) one LEFT JOIN tenant_usage u ON u.id = one.id";
    sqlite3_stmt *row;
    obs_status status = obs__snapshot_statement(&row, snapshot, sql, error);
    if (status != OBS_OK)
        return status;
    int code = sqlite3_step(row);
    if (code != SQLITE_ROW)
        status = obs__sqlite_fail(error, obs__snapshot_database(snapshot), code, "cannot count for the quota");
    for (int i = 0; i < 2 * SAID && status == OBS_OK; i++)
        out[i / SAID][i % SAID] = sqlite3_column_int64(row, i);
    sqlite3_reset(row);
    return status;
}

static obs_status repair(obs__gate *gate, const obs__limit *limit, obs_error *error)
{
    obs__effects effects = {0};
    obs_status status = obs__rule_recount_effect(&effects, error);
    if (status == OBS_OK)
        status = obs__journal_commit(gate->journal, &effects, limit, error);
    obs__effects_free(&effects);
    return status;
}

/* A deletion that something ended before its end. */
static obs_status check_deleted(obs__inspection *check, obs__gate *gate, obs_error *error)
{
    obs__rule rule;
    char remedy[256];
    obs_status status = obs__rule_read(&rule, gate->journal, error);
    if (status != OBS_OK || rule.state != OBS__DELETING)
        return status;
    if (check->mode == OBS_CHECK_REPAIR)
        status = obs__tenant_clear(check->client->gate->workspace, gate->tenant, gate->journal, check->limit, error);
    snprintf(remedy, sizeof remedy, "run 'obsctl tenant delete %.63s --yes %.63s' again", gate->tenant, gate->tenant);
    obs__check_problem(check, gate->tenant, "", "it was deleted, but not all of it was removed",
                       check->mode == OBS_CHECK_REPAIR ? "removed" : remedy);
    return status;
}

obs_status obs__check_quota(obs__inspection *check, obs_client *client, obs_error *error)
{
    int64_t counts[2][SAID];
    obs__snapshot *snapshot;
    char problem[200];
    obs__gate *gate = &client->gate->gate;
    obs_status status = obs__snapshot_begin(&snapshot, gate->journal, error);
    if (status != OBS_OK)
        return status;
    status = compare(counts, snapshot, error);
    obs__snapshot_end(snapshot);
    if (status == OBS_OK)
        status = check_deleted(check, gate, error);
    const int64_t *said = counts[0], *is = counts[1];
    if (status != OBS_OK || !is[SAID - 1] || memcmp(said, is, sizeof counts[0]) == 0)
        return status;
    snprintf(problem, sizeof problem,
             "the quota is measured by %" PRId64 " bytes, %" PRId64 " objects, %" PRId64 " entries, and there are %" PRId64
             ", %" PRId64 ", %" PRId64,
             said[0], said[1], said[2], is[0], is[1], is[2]);
    if (check->mode == OBS_CHECK_REPAIR)
        status = repair(gate, check->limit, error);
    obs__check_problem(check, gate->tenant, "quota", problem,
                       check->mode == OBS_CHECK_REPAIR ? "counted again" : "run 'obsctl workspace check --repair'");
    return status;
}
