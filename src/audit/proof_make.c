/* Finding a record and making its proof. */
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "audit/check.h"
#include "audit/proof.h"
#include "audit/runs.h"
#include "base/base64.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"

#define SECOND_NS INT64_C(1000000000)

/* ---- By id. ---- */

int64_t obs__proof_time(const char *id)
{
    unsigned char bytes[6];
    char digits[13];
    if (strlen(id) != OBS__UUID_SIZE - 1 || id[8] != '-')
        return 0;
    snprintf(digits, sizeof digits, "%.8s%.4s", id, id + 9);
    if (!obs__unhex(bytes, sizeof bytes, digits))
        return 0;
    int64_t ms = 0;
    for (size_t i = 0; i < sizeof bytes; i++)
        ms = ms << 8 | bytes[i];
    return ms * 1000000;
}

static obs_status search(uint64_t *out, obs__snapshot *snapshot, const char *id, int64_t since, int64_t until, obs_error *error)
{
    static const char sql[] = "SELECT seq, leaf FROM audit_leaf WHERE time >= ?1 AND time < ?2 ORDER BY time";
    sqlite3_stmt *statement;
    int code;
    obs_status status = obs__snapshot_statement(&statement, snapshot, sql, error);
    if (status != OBS_OK)
        return status;
    sqlite3_bind_int64(statement, 1, since);
    sqlite3_bind_int64(statement, 2, until);
    while ((code = sqlite3_step(statement)) == SQLITE_ROW && !*out) {
        obs__view found, tenant;
        obs__view leaf = {sqlite3_column_blob(statement, 1), (size_t)sqlite3_column_bytes(statement, 1)};
        if (obs__audit_leaf_peek(&found, &tenant, leaf) && obs__view_is(found, id))
            *out = (uint64_t)sqlite3_column_int64(statement, 0);
    }
    if (code != SQLITE_DONE && code != SQLITE_ROW)
        status = obs__sqlite_fail(error, obs__snapshot_database(snapshot), code, "cannot read the audit trail");
    sqlite3_reset(statement);
    return status;
}

/* An id is made when its call ends, and the record's time is when it began: most are found near, the others further back. */
obs_status obs__proof_find(uint64_t *out_seq, obs__journal *journal, const char *id, obs_error *error)
{
    obs__snapshot *snapshot;
    int64_t time = obs__proof_time(id);
    *out_seq = 0;
    obs_status status = obs__snapshot_begin(&snapshot, journal, error);
    if (status != OBS_OK)
        return status;
    if (time)
        status = search(out_seq, snapshot, id, time - 5 * SECOND_NS, time + SECOND_NS, error);
    if (status == OBS_OK && !*out_seq)
        status = search(out_seq, snapshot, id, INT64_MIN, INT64_MAX, error);
    obs__snapshot_end(snapshot);
    if (status == OBS_OK && !*out_seq)
        status = obs__fail(error, OBS_NOT_FOUND, "there is no audit record '%.40s'", id);
    return status;
}

/* ---- What opens it. ---- */

static void add_opening(obs__builder *out, sqlite3_stmt *row)
{
    char salt[2 * OBS__AUDIT_SALT_SIZE + 1];
    obs__add_char(out, '{');
    for (int i = 0; i < OBS__AUDIT_FIELDS; i++) {
        const char *value = sqlite3_column_blob(row, 5 + 2 * i);
        const void *bytes = sqlite3_column_blob(row, 6 + 2 * i);
        if (!value || !bytes)
            continue;
        obs__hex(salt, bytes, OBS__AUDIT_SALT_SIZE);
        obs__add_format(out, "\"%s\":{\"value\":", obs__audit_field_name((obs__audit_field)i));
        obs__add_json(out, value, (size_t)sqlite3_column_bytes(row, 5 + 2 * i));
        obs__add_format(out, ",\"salt\":\"%s\"},", salt);
    }
    if (out->size && out->data[out->size - 1] == ',')
        obs__add_json_end(out);
    else
        obs__add_char(out, '}');
}

/* Only a row that fits its leaf opens it. */
static obs_status read_opening(obs__builder *out, obs__snapshot *snapshot, uint64_t seq, obs_error *error)
{
    static const char sql[] = "SELECT " OBS__ROW_COLUMNS " FROM " OBS__ROW_TABLES " WHERE l.seq = ?1";
    sqlite3_stmt *row;
    obs__row_check check;
    obs_status status = obs__snapshot_statement(&row, snapshot, sql, error);
    if (status != OBS_OK)
        return status;
    sqlite3_bind_int64(row, 1, (int64_t)seq);
    int code = sqlite3_step(row);
    if (code == SQLITE_DONE)
        status = obs__fail(error, OBS_NOT_FOUND, "there is no audit record %llu", (unsigned long long)seq);
    else if (code != SQLITE_ROW)
        status = obs__sqlite_fail(error, obs__snapshot_database(snapshot), code, "cannot read the audit trail");
    if (status == OBS_OK)
        status = obs__row_check_of(&check, row, error);
    if (status == OBS_OK && check.what)
        status = obs__fail(error, OBS_DATA_LOSS, "audit record %llu does not match the log: its %s was changed",
                           (unsigned long long)seq, check.what);
    if (status == OBS_OK)
        add_opening(out, row);
    sqlite3_reset(row);
    return status == OBS_OK ? obs__builder_status(out, error) : status;
}

obs_status obs__proof_opening(obs__builder *out, obs__journal *journal, uint64_t seq, obs_error *error)
{
    obs__snapshot *snapshot;
    obs_status status = obs__snapshot_begin(&snapshot, journal, error);
    if (status != OBS_OK)
        return status;
    status = read_opening(out, snapshot, seq, error);
    obs__snapshot_end(snapshot);
    return status;
}

obs_status obs__proof_place(uint64_t *out_index, const obs__log_place *place, const char *tenant, uint64_t seq,
                            obs_error *error)
{
    char path[PATH_MAX];
    int folder;
    *out_index = 0;
    obs_status status = obs__log_path(path, sizeof path, place->workspace, "runs", error);
    if (status == OBS_OK)
        status = obs__open_at(&folder, AT_FDCWD, path, O_RDONLY | O_DIRECTORY, 0, error);
    if (status != OBS_OK)
        return status;
    status = obs__runs_find(out_index, folder, tenant, seq, error);
    close(folder);
    return status;
}

/* ---- Making. ---- */

static void add_base64(obs__builder *out, const void *data, size_t size)
{
    char *room = obs__builder_room(out, obs__base64_size(size));
    if (!room)
        return;
    obs__base64_encode(room, data, size);
    out->size += obs__base64_size(size);
}

static obs_status add_extra(obs__builder *out, obs__view leaf, obs__view opening, obs_error *error)
{
    obs__builder extra;
    obs__builder_init(&extra, OBS__PROOF_MAX);
    obs__add(&extra, leaf.data, leaf.size);
    if (opening.size) {
        obs__add_char(&extra, '\n');
        obs__add(&extra, opening.data, opening.size);
    }
    obs_status status = obs__builder_status(&extra, error);
    if (status == OBS_OK) {
        obs__add_text(out, "c2sp.org/tlog-proof@v1\nextra ");
        add_base64(out, extra.data, extra.size);
    }
    obs__builder_free(&extra);
    return status;
}

static obs_status add_leaf(obs__builder *out, int log, uint64_t index, uint64_t size, obs__view opening, obs_error *error)
{
    obs__bundle bundle;
    obs__tile_name name = obs__tile_in(size, OBS__TILE_ENTRIES, index / OBS__TILE_WIDTH);
    obs_status status = obs__bundle_read(&bundle, log, name.index, name.width, error);
    if (status != OBS_OK)
        return status;
    status = add_extra(out, bundle.entries[index % OBS__TILE_WIDTH], opening, error);
    obs__bundle_free(&bundle);
    return status;
}

static obs_status add_hashes(obs__builder *out, int log, uint64_t index, uint64_t size, obs_error *error)
{
    obs__tree_hasher *hasher = NULL;
    obs__tiles *tiles = NULL;
    obs__tree_proof proof;
    obs_status status = obs__tree_hasher_new(&hasher, error);
    if (status == OBS_OK)
        status = obs__tiles_open(&tiles, log, size, hasher, error);
    if (status == OBS_OK) {
        obs__tree_reader reader = obs__tiles_reader(tiles);
        status = obs__tree_prove_inclusion(&proof, hasher, &reader, index, size, error);
    }
    if (status == OBS_OK) {
        obs__add_format(out, "\nindex %llu\n", (unsigned long long)index);
        for (size_t i = 0; i < proof.count; i++) {
            add_base64(out, &proof.hashes[i], sizeof proof.hashes[i]);
            obs__add_char(out, '\n');
        }
        obs__add_char(out, '\n');
    }
    obs__tiles_free(tiles);
    obs__tree_hasher_free(hasher);
    return status;
}

/* A proof that would not hold is not handed out. */
static obs_status check_made(const obs__builder *out, size_t start, const obs__verifier *key, obs_error *error)
{
    obs__builder ignored;
    obs__builder_init(&ignored, OBS__PROOF_MAX);
    obs_status status = obs__builder_status(out, error);
    if (status == OBS_OK)
        status = obs__proof_check(&ignored, (obs__view){out->data + start, out->size - start}, key, error);
    obs__builder_free(&ignored);
    return status;
}

static obs_status make(obs__builder *out, int log, const obs__verifier *key, uint64_t index, obs__view opening,
                       obs_error *error)
{
    obs_buffer *note;
    obs__checkpoint checkpoint;
    size_t start = out->size;
    obs_status status = obs__file_read(&note, log, "checkpoint", OBS__NOTE_MAX, error);
    if (status != OBS_OK)
        return status;
    obs__view bytes = {obs_buffer_data(note), obs_buffer_size(note)};
    status = obs__checkpoint_open(&checkpoint, bytes, key, error);
    if (status == OBS_OK && index >= checkpoint.size)
        status = obs__fail(error, OBS_NOT_FOUND, "record %llu is in no checkpoint yet", (unsigned long long)index);
    if (status == OBS_OK)
        status = add_leaf(out, log, index, checkpoint.size, opening, error);
    if (status == OBS_OK)
        status = add_hashes(out, log, index, checkpoint.size, error);
    obs__add(out, bytes.data, bytes.size);
    obs_buffer_free(note);
    return status == OBS_OK ? check_made(out, start, key, error) : status;
}

obs_status obs__proof_make(obs__builder *out, const obs__log_place *place, uint64_t index, obs__view opening, obs_error *error)
{
    obs__verifier key;
    int log;
    obs_status status = obs__log_folder(&log, &key, place, error);
    if (status != OBS_OK)
        return status;
    status = make(out, log, &key, index, opening, error);
    close(log);
    return status;
}
