/*
 * The rows of sealed records: removed and overwritten, tenant by tenant, a few thousand in each commit so that others get their
 * turn. The leaf of the last one stays: the next record is numbered after it, and the sequencer sees by it that the database is
 * still the one that was moved. Who is named by no row any more goes as well.
 */
#include <limits.h>
#include <unistd.h>

#include "audit/runs.h"
#include "audit/seal.h"
#include "audit/tiles.h"
#include "audit/trail.h"
#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"

#define BATCH 2048

struct removing {
    const obs__seal_options *options;
    uint64_t end;
    int log; /* descriptors, or -1 */
    int runs;
    obs_error failure; /* of the first tenant whose rows could not be removed */
};

/* The sealed records of a tenant. */
struct part {
    uint64_t last;  /* the number of the last one; 0: none */
    uint64_t index; /* its place */
    uint64_t first; /* the number of the first one that still has a row to be removed; 0: none has */
};

/* ---- One commit. ---- */

struct removal {
    obs__effect effect;
    uint64_t until; /* the rows up to this number */
    uint64_t last;
};

static obs_status delete_rows(const struct removal *self, obs__txn *txn, const char *sql, obs_error *error)
{
    sqlite3_stmt *statement;
    obs_status status = obs__txn_statement(&statement, txn, sql, error);
    if (status != OBS_OK)
        return status;
    if (sqlite3_bind_parameter_count(statement) > 0)
        sqlite3_bind_int64(statement, 1, (int64_t)self->until);
    if (sqlite3_bind_parameter_count(statement) > 1)
        sqlite3_bind_int64(statement, 2, (int64_t)self->last);
    return obs__txn_run(txn, statement, error);
}

static obs_status delete_all(const struct removal *self, obs__txn *txn, obs_error *error)
{
    static const char clear[] = "DELETE FROM audit_clear WHERE seq <= ?1";
    static const char leaves[] = "DELETE FROM audit_leaf WHERE seq <= ?1 AND seq < ?2";
    static const char subjects[] =
        "DELETE FROM subject WHERE NOT EXISTS (SELECT 1 FROM audit_clear c WHERE c.subject = pseudonym)"
        " AND NOT EXISTS (SELECT 1 FROM audit_clear c WHERE c.actor = pseudonym)";
    /* Splitting a page leaves copies, which are not overwritten. */
    static const char again[][64] = {"REINDEX subject", "REINDEX audit_clear_object"};
    obs_status status = delete_rows(self, txn, clear, error);
    if (status == OBS_OK)
        status = delete_rows(self, txn, leaves, error);
    if (status != OBS_OK || self->until < self->last)
        return status;
    status = delete_rows(self, txn, subjects, error);
    for (size_t i = 0; i < 2 && status == OBS_OK; i++)
        status = delete_rows(self, txn, again[i], error);
    return status;
}

static obs_status apply(obs__effect *effect, obs__txn *txn, obs_error *error)
{
    obs_status status = obs__audit_overwrite(txn, 1, error);
    if (status == OBS_OK)
        status = delete_all((const struct removal *)effect, txn, error);
    obs__audit_overwrite(txn, 0, NULL);
    return status;
}

static void free_effect(obs__effect *effect)
{
    obs__free(effect);
}

static obs_status remove_until(obs__journal *journal, uint64_t until, uint64_t last, const obs__limit *limit, obs_error *error)
{
    static const obs__effect_ops ops = {.apply = apply, .free = free_effect};
    obs__effects effects = {0};
    struct removal *self = obs__calloc(1, sizeof *self);
    if (!self)
        return obs__fail_memory(error);
    *self = (struct removal){{&ops, NULL}, until, last};
    obs__effects_add(&effects, &self->effect);
    obs_status status = obs__journal_commit(journal, &effects, limit, error);
    obs__effects_free(&effects);
    return status;
}

/* ---- One tenant. ---- */

/* The places are only an index: the row must be the record that stands there. */
static obs_status check_last(const struct removing *removing, const char *tenant, const struct part *part, obs__view leaf,
                             obs_error *error)
{
    obs__bundle bundle;
    obs_status status = obs__bundle_read(&bundle, removing->log, part->index / OBS__TILE_WIDTH, OBS__TILE_WIDTH, error);
    if (status != OBS_OK)
        return status;
    if (!obs__view_equal(bundle.entries[part->index % OBS__TILE_WIDTH], leaf))
        status = obs__fail(error, OBS_DATA_LOSS, "audit record %llu of the tenant '%s' is not what the log has: its rows stay",
                           (unsigned long long)part->last, tenant);
    obs__bundle_free(&bundle);
    return status;
}

static uint64_t least(sqlite3_stmt *row, int column)
{
    return sqlite3_column_type(row, column) == SQLITE_NULL ? UINT64_MAX : (uint64_t)sqlite3_column_int64(row, column);
}

static obs_status read_part(const struct removing *removing, const char *tenant, struct part *part, obs__snapshot *snapshot,
                            obs_error *error)
{
    static const char sql[] = "SELECT (SELECT min(seq) FROM audit_clear), (SELECT min(seq) FROM audit_leaf),"
                              " (SELECT leaf FROM audit_leaf WHERE seq = ?1)";
    sqlite3_stmt *row;
    obs_status status = obs__snapshot_statement(&row, snapshot, sql, error);
    if (status != OBS_OK)
        return status;
    sqlite3_bind_int64(row, 1, (int64_t)part->last);
    int code = sqlite3_step(row);
    if (code != SQLITE_ROW)
        status = obs__sqlite_fail(error, obs__snapshot_database(snapshot), code, "cannot read the audit trail");
    else {
        uint64_t clear = least(row, 0), leaf = least(row, 1);
        obs__view bytes = {sqlite3_column_blob(row, 2), (size_t)sqlite3_column_bytes(row, 2)};
        part->first = clear <= part->last || leaf < part->last ? clear < leaf ? clear : leaf : 0;
        status = check_last(removing, tenant, part, bytes, error);
    }
    sqlite3_reset(row);
    return status;
}

static obs_status find_part(struct part *part, const struct removing *removing, const char *tenant, obs__journal *journal,
                            obs_error *error)
{
    obs__snapshot *snapshot;
    obs_status status = obs__runs_before(&part->last, &part->index, removing->runs, tenant, removing->end, error);
    if (status != OBS_OK || !part->last)
        return status;
    status = obs__snapshot_begin(&snapshot, journal, error);
    if (status != OBS_OK)
        return status;
    status = read_part(removing, tenant, part, snapshot, error);
    obs__snapshot_end(snapshot);
    return status;
}

static obs_status remove_part(const struct removing *removing, const struct part *part, obs__journal *journal, obs_error *error)
{
    const obs__limit *limit = &removing->options->scope->limit;
    obs_status status = OBS_OK;
    for (uint64_t from = part->first; from && from <= part->last && status == OBS_OK; from += BATCH) {
        uint64_t until = part->last - from < BATCH ? part->last : from + BATCH - 1;
        obs__seal_step(removing->options, "batch");
        status = obs__limit_check(limit, error);
        if (status == OBS_OK)
            status = remove_until(journal, until, part->last, limit, error);
    }
    /* Also when the rows were removed before: that may have been cut off here. */
    obs__seal_step(removing->options, "empty");
    return status == OBS_OK ? obs__audit_empty_log(journal, removing->options->scope, error) : status;
}

/* One that cannot be read does not hold up the others. */
static obs_status remove_in(void *user, const char *tenant, obs__journal *journal, obs_error *error)
{
    struct removing *removing = user;
    struct part part = {0};
    obs_error failure;
    obs_error_init(&failure, sizeof failure);
    obs_status status = find_part(&part, removing, tenant, journal, &failure);
    if (status == OBS_OK && part.last)
        status = remove_part(removing, &part, journal, &failure);
    if (status == OBS_DEADLINE_EXCEEDED || status == OBS_CANCELLED)
        return obs__copy_error(error, &failure);
    if (status != OBS_OK && removing->failure.status == OBS_OK)
        obs__copy_error(&removing->failure, &failure);
    return OBS_OK;
}

/* ---- All of them. ---- */

static obs_status open_folder(int *out, const struct removing *removing, const char *name, obs_error *error)
{
    char path[PATH_MAX];
    obs_status status = obs__log_path(path, sizeof path, removing->options->place->workspace, name, error);
    return status == OBS_OK ? obs__open_at(out, AT_FDCWD, path, O_RDONLY | O_DIRECTORY, 0, error) : status;
}

obs_status obs__seal_rows(const obs__seal_options *options, uint64_t end, obs_error *error)
{
    struct removing removing = {.options = options, .end = end, .log = -1, .runs = -1};
    const obs__tenants *tenants = options->tenants;
    obs_error_init(&removing.failure, sizeof removing.failure);
    obs_status status = open_folder(&removing.log, &removing, "log", error);
    if (status == OBS_OK)
        status = open_folder(&removing.runs, &removing, "runs", error);
    if (status == OBS_OK)
        status = tenants->each(tenants->user, remove_in, &removing, error);
    if (status == OBS_OK && removing.failure.status != OBS_OK)
        status = obs__copy_error(error, &removing.failure);
    if (removing.log >= 0)
        close(removing.log);
    if (removing.runs >= 0)
        close(removing.runs);
    return status;
}
