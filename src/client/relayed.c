/* What a relay notes at its target, in the database of the tenant: in the commit of what it brought. */
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "client/client.h"

/*
 * relay_position  how far the streams of a source (`<workspace id>/<tenant>`) were brought
 * relay_conflict  what was refused as there are other bytes under its key, so that it is told once
 */
const char obs__relayed_schema[] =
    "CREATE TABLE IF NOT EXISTS relay_position("
    " source TEXT NOT NULL, stream TEXT NOT NULL, position INTEGER NOT NULL, PRIMARY KEY(source, stream)) STRICT, WITHOUT "
    "ROWID;"
    "CREATE TABLE IF NOT EXISTS relay_conflict("
    " source TEXT NOT NULL, key BLOB NOT NULL, sha256 TEXT NOT NULL, PRIMARY KEY(source, key, sha256)) STRICT, WITHOUT ROWID;";

/* Both kinds of rows are three columns: source, name, and a number or a hash. */
typedef struct note {
    obs__effect effect;
    int64_t position;
    const char *sha256; /* NULL: a position */
    const char *name;
    size_t name_size;
    char source[];
} note;

static obs_status apply(obs__effect *effect, obs__txn *txn, obs_error *error)
{
    static const char position[] = "INSERT INTO relay_position(source, stream, position) VALUES(?1, ?2, ?3)"
                                   " ON CONFLICT(source, stream) DO UPDATE SET position = ?3";
    static const char conflict[] = "INSERT INTO relay_conflict(source, key, sha256) VALUES(?1, ?2, ?3) ON CONFLICT DO NOTHING";
    const note *self = (const note *)effect;
    sqlite3_stmt *statement;
    obs_status status = obs__txn_statement(&statement, txn, self->sha256 ? conflict : position, error);
    if (status != OBS_OK)
        return status;
    sqlite3_bind_text(statement, 1, self->source, -1, SQLITE_STATIC);
    if (self->sha256) {
        sqlite3_bind_blob64(statement, 2, self->name, self->name_size, SQLITE_STATIC);
        sqlite3_bind_text(statement, 3, self->sha256, -1, SQLITE_STATIC);
    } else {
        sqlite3_bind_text(statement, 2, self->name, -1, SQLITE_STATIC);
        sqlite3_bind_int64(statement, 3, self->position);
    }
    return obs__txn_run(txn, statement, error);
}

static void free_note(obs__effect *effect)
{
    obs__free(effect);
}

static obs_status add(obs__effects *effects, const char *source, obs__view name, const char *sha256, int64_t position,
                      obs_error *error)
{
    static const obs__effect_ops ops = {.apply = apply, .free = free_note, .repeatable = 1};
    size_t source_size = strlen(source) + 1, hash_size = sha256 ? strlen(sha256) + 1 : 0;
    note *self = obs__calloc(1, sizeof *self + source_size + name.size + 1 + hash_size);
    if (!self)
        return obs__fail_memory(error);
    char *at = self->source + source_size;
    self->effect.ops = &ops;
    self->position = position;
    memcpy(self->source, source, source_size);
    self->name = memcpy(at, name.data, name.size);
    self->name_size = name.size;
    if (sha256)
        self->sha256 = memcpy(at + name.size + 1, sha256, hash_size);
    obs__effects_add(effects, &self->effect);
    return OBS_OK;
}

obs_status obs__relayed_position_effect(obs__effects *effects, const char *source, const char *stream, int64_t position,
                                        obs_error *error)
{
    return add(effects, source, obs__view_of(stream, OBS_TEXT), NULL, position, error);
}

obs_status obs__relayed_conflict_effect(obs__effects *effects, const char *source, obs__view key, const char *sha256,
                                        obs_error *error)
{
    return add(effects, source, key, sha256, 0, error);
}

/* One row, or none: *out stays. */
static obs_status look(int64_t *out, obs_client *client, const char *sql, const char *source, obs__view name,
                       const char *sha256, obs_error *error)
{
    obs__snapshot *snapshot;
    sqlite3_stmt *statement;
    obs_status status = obs__snapshot_begin(&snapshot, client->gate->gate.journal, error);
    if (status != OBS_OK)
        return status;
    status = obs__snapshot_statement(&statement, snapshot, sql, error);
    if (status == OBS_OK) {
        sqlite3_bind_text(statement, 1, source, -1, SQLITE_STATIC);
        if (sha256) {
            sqlite3_bind_blob64(statement, 2, name.data, name.size, SQLITE_STATIC);
            sqlite3_bind_text(statement, 3, sha256, -1, SQLITE_STATIC);
        } else
            sqlite3_bind_text(statement, 2, name.data, (int)name.size, SQLITE_STATIC);
        int code = sqlite3_step(statement);
        if (code == SQLITE_ROW)
            *out = sqlite3_column_int64(statement, 0);
        else if (code != SQLITE_DONE)
            status = obs__sqlite_fail(error, obs__snapshot_database(snapshot), code, "cannot read what was relayed");
        sqlite3_reset(statement);
    }
    obs__snapshot_end(snapshot);
    return status;
}

obs_status obs__relayed_position(int64_t *out, obs_client *client, const char *source, const char *stream, obs_error *error)
{
    static const char sql[] = "SELECT position FROM relay_position WHERE source = ?1 AND stream = ?2";
    *out = -1;
    return look(out, client, sql, source, obs__view_of(stream, OBS_TEXT), NULL, error);
}

obs_status obs__relayed_conflict_find(int *out, obs_client *client, const char *source, obs__view key, const char *sha256,
                                      obs_error *error)
{
    static const char sql[] = "SELECT 1 FROM relay_conflict WHERE source = ?1 AND key = ?2 AND sha256 = ?3";
    int64_t found = 0;
    obs_status status = look(&found, client, sql, source, key, sha256, error);
    *out = found != 0;
    return status;
}
