/* The ingestion log, counted. */
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "catalog/catalog.h"
#include "catalog/row.h"

#define SECOND_NS INT64_C(1000000000)
#define STEPS 100000

static int must_stop(void *limit)
{
    return obs__limit_check(limit, NULL) != OBS_OK;
}

/* Of an hour or a day all of it counts; else from the first line to the last. */
static double rate_of(const obs__stats_question *question, sqlite3_stmt *row, int64_t count)
{
    int64_t span = question->period_ns;
    if (!span)
        span = sqlite3_column_int64(row, 7) - sqlite3_column_int64(row, 6);
    return (double)count / ((double)(span > SECOND_NS ? span : SECOND_NS) / (double)SECOND_NS);
}

static void add_view(obs__builder *out, const char *name, obs__view value)
{
    obs__add_json(out, name, strlen(name));
    obs__add_char(out, ':');
    obs__add_json(out, value.data, value.size);
    obs__add_char(out, ',');
}

static void add_row(obs__builder *out, const obs__stats_question *question, const char *tenant, sqlite3_stmt *row)
{
    char time[OBS__TIME_SIZE];
    int64_t accepted = sqlite3_column_int64(row, 3), refused = sqlite3_column_int64(row, 4);
    obs__add_char(out, '{');
    if (question->by_tenant)
        obs__add_json_member(out, "tenant", tenant);
    if (question->by_table)
        add_view(out, "table", obs__column_view(row, 0));
    if (question->by_reason)
        add_view(out, "reason", obs__column_view(row, 1));
    if (question->period_ns) {
        obs__time_format(time, sqlite3_column_int64(row, 2) * question->period_ns);
        obs__add_json_member(out, question->period_ns > 3600 * SECOND_NS ? "day" : "hour", time);
    }
    obs__add_json_integer(out, "accepted", accepted);
    obs__add_json_integer(out, "refused", refused);
    obs__add_json_integer(out, "bytes", sqlite3_column_int64(row, 5));
    obs__add_format(out, "\"rate\":%.6g}\n", rate_of(question, row, accepted + refused));
}

static obs_status read_rows(obs__builder *out, const obs__stats_question *question, const char *tenant, sqlite3_stmt *row,
                            sqlite3 *database, obs_error *error)
{
    int code;
    while ((code = sqlite3_step(row)) == SQLITE_ROW && !out->failed)
        if (sqlite3_column_int64(row, 3) + sqlite3_column_int64(row, 4))
            add_row(out, question, tenant, row);
    if (out->failed)
        return obs__builder_status(out, error);
    if (code == SQLITE_INTERRUPT)
        return obs__limit_check(question->limit, error);
    return code == SQLITE_DONE ? OBS_OK : obs__sqlite_fail(error, database, code, "cannot count the ingestion log");
}

obs_status obs__ingest_stats(obs__builder *out, obs__journal *journal, const char *tenant, const obs__stats_question *question,
                             obs_error *error)
{
    static const char sql[] = "SELECT iif(?1, item_table, '') AS t, iif(?2, reason, '') AS r, iif(?3, time_ns / ?3, 0) AS p,"
                              " sum(accepted), sum(accepted = 0), sum(iif(accepted, bytes, 0)), min(time_ns), max(time_ns)"
                              " FROM ingest_log WHERE time_ns >= ?4 AND time_ns < ?5 GROUP BY p, t, r ORDER BY p, t, r";
    obs__snapshot *snapshot;
    sqlite3_stmt *row;
    obs_status status = obs__snapshot_begin(&snapshot, journal, error);
    if (status != OBS_OK)
        return status;
    sqlite3 *database = obs__snapshot_database(snapshot);
    status = obs__snapshot_statement(&row, snapshot, sql, error);
    if (status == OBS_OK) {
        sqlite3_bind_int(row, 1, question->by_table);
        sqlite3_bind_int(row, 2, question->by_reason);
        sqlite3_bind_int64(row, 3, question->period_ns);
        sqlite3_bind_int64(row, 4, question->since_ns);
        sqlite3_bind_int64(row, 5, question->until_ns);
        sqlite3_progress_handler(database, STEPS, must_stop, (void *)(uintptr_t)question->limit);
        status = read_rows(out, question, tenant, row, database, error);
        sqlite3_progress_handler(database, 0, NULL, NULL);
        sqlite3_reset(row);
    }
    obs__snapshot_end(snapshot);
    return status;
}
