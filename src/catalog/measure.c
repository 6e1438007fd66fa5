/* Numbers of the ingestion log, for metrics. */
#include "base/error.h"
#include "catalog/catalog.h"

obs_status obs__ingest_measure(obs__ingest_numbers *out, obs__journal *journal, obs_error *error)
{
    /* The refused ones have an index of their own. */
    static const char sql[] = "SELECT ifnull((SELECT max(id) FROM ingest_log), 0),"
                              " (SELECT count(*) FROM ingest_log WHERE accepted = 0)";
    obs__snapshot *snapshot;
    sqlite3_stmt *statement;
    *out = (obs__ingest_numbers){0};
    obs_status status = obs__snapshot_begin(&snapshot, journal, error);
    if (status != OBS_OK)
        return status;
    status = obs__snapshot_statement(&statement, snapshot, sql, error);
    if (status == OBS_OK) {
        int code = sqlite3_step(statement);
        if (code == SQLITE_ROW)
            *out = (obs__ingest_numbers){sqlite3_column_int64(statement, 0), sqlite3_column_int64(statement, 1)};
        else
            status = obs__sqlite_fail(error, obs__snapshot_database(snapshot), code, "cannot measure the ingestion log");
        sqlite3_reset(statement);
    }
    obs__snapshot_end(snapshot);
    return status;
}
