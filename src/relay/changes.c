/* What changed at the source without an event: by its audit trail, which names the keys in their order; and its refusals. */
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "relay/relay.h"

#define ENTRIES "entries"
#define CHANGES "changes"
#define LINES "lines"
#define WRITTEN_EVERY 4096 /* how much of the trail may be read again after a restart */

static obs_status note(obs__relay_unit *unit, const char *stream, int64_t position, obs_error *error)
{
    obs__scope scope;
    obs__effects part = {0};
    obs_status status = obs__unit_part_begin(&scope, unit->unit, "relay.write", unit->relay->name, OBS_TEXT, error);
    if (status != OBS_OK)
        return status;
    status = obs__relayed_position_effect(&part, unit->relay->name, stream, position, error);
    return obs__unit_part_end(&scope, unit->unit, &part, status, error);
}

/* The trail does not reach back to what was read last when it was sealed since: then all entries are walked again. */
static obs_status begin_anew(obs__relay *relay, obs_error *error)
{
    static const char first[] = "SELECT coalesce(min(seq), 0) FROM audit_clear";
    static const char last[] = "SELECT coalesce(max(seq), 0) FROM audit_clear";
    int64_t begin = 0;
    obs_status status = obs__relay_number(&begin, relay->from, first, error);
    if (status != OBS_OK || (relay->changes >= 0 && relay->changes + 1 >= begin))
        return status;
    status = obs__relay_number(&relay->changes, relay->from, last, error);
    relay->entries = 0;
    return status;
}

obs_status obs__relay_begin_changes(obs__relay *relay, obs_error *error)
{
    obs__relay_unit unit = {0};
    int64_t before;
    obs_status status = obs__relayed_position(&relay->changes, relay->to, relay->name, CHANGES, error);
    if (status == OBS_OK)
        status = obs__relayed_position(&relay->entries, relay->to, relay->name, ENTRIES, error);
    if (status == OBS_OK)
        status = obs__relayed_position(&relay->lines, relay->to, relay->name, LINES, error);
    before = relay->changes;
    if (status == OBS_OK)
        status = begin_anew(relay, error);
    if (relay->lines < 0)
        relay->lines = 0;
    relay->written = relay->changes;
    if (status != OBS_OK || relay->changes == before)
        return status;
    status = obs__relay_unit_begin(&unit, relay, error);
    if (status == OBS_OK)
        status = note(&unit, CHANGES, relay->changes, error);
    if (status == OBS_OK)
        status = note(&unit, ENTRIES, 0, error);
    if (status == OBS_OK)
        status = obs__relay_unit_commit(&unit, error);
    obs__relay_unit_free(&unit);
    return status;
}

/* One key in a commit of its own. What cannot go is recorded at the target; the others go on. */
static obs_status carry_one(obs__relay *relay, const char *key, obs_error *error)
{
    obs__relay_unit unit;
    obs_error why;
    int is_new = 0;
    obs_error_init(&why, sizeof why);
    obs_status status = obs__relay_unit_begin(&unit, relay, &why);
    if (status == OBS_OK)
        status = obs__relay_item(&unit, key, &why);
    if (status == OBS_OK)
        status = obs__relay_unit_commit(&unit, &why);
    obs__relay_unit_free(&unit);
    if (status == OBS_OK)
        return OBS_OK;
    if (!obs__relay_is_its_fault(status))
        return obs__copy_error(error, &why);
    status = obs__relay_refuse(&is_new, relay, key, why.message, error);
    relay->counts.conflicts += status == OBS_OK && is_new;
    return status;
}

/* All of them with the position in one commit; 0 in *done when one of them is at fault. */
static obs_status carry_all(int *done, obs__relay *relay, char *const *keys, size_t count, const char *stream, int64_t position,
                            obs_error *error)
{
    obs__relay_unit unit;
    obs_error why;
    obs_error_init(&why, sizeof why);
    obs_status status = obs__relay_unit_begin(&unit, relay, &why);
    for (size_t i = 0; i < count && status == OBS_OK; i++)
        status = obs__relay_item(&unit, keys[i], &why);
    if (status == OBS_OK)
        status = note(&unit, stream, position, &why);
    if (status == OBS_OK)
        status = obs__relay_unit_commit(&unit, &why);
    obs__relay_unit_free(&unit);
    *done = status == OBS_OK;
    return status == OBS_OK || obs__relay_is_its_fault(status) ? OBS_OK : obs__copy_error(error, &why);
}

static obs_status carry(obs__relay *relay, char *const *keys, size_t count, const char *stream, int64_t position,
                        obs_error *error)
{
    int done = 0;
    obs_status status = carry_all(&done, relay, keys, count, stream, position, error);
    for (size_t i = 0; i < count && status == OBS_OK && !done; i++)
        status = carry_one(relay, keys[i], error);
    return status == OBS_OK && !done ? carry_all(&done, relay, NULL, 0, stream, position, error) : status;
}

static obs_status walk(int *more, obs__relay *relay, const char *sql, const char *stream, int64_t *position, obs_error *error)
{
    char *keys[OBS__RELAY_BATCH];
    size_t count = 0;
    int64_t next = *position;
    obs_status status = obs__relay_keys(keys, &count, &next, relay->from, sql, error);
    if (status == OBS_OK && count)
        status = carry(relay, keys, count, stream, next, error);
    if (status == OBS_OK)
        *position = next;
    *more = count != 0;
    for (size_t i = 0; i < count; i++)
        obs__free(keys[i]);
    return status;
}

/* Reads of the trail are records of it, too: its end is noted, but not each time. */
static obs_status note_end(obs__relay *relay, int64_t end, obs_error *error)
{
    int done;
    relay->changes = end > relay->changes ? end : relay->changes;
    if (relay->changes - relay->written < WRITTEN_EVERY)
        return OBS_OK;
    relay->written = relay->changes;
    return carry_all(&done, relay, NULL, 0, CHANGES, relay->changes, error);
}

obs_status obs__relay_changes(int *more, obs__relay *relay, obs_error *error)
{
    static const char entries[] = "SELECT id, key FROM entry WHERE id > ?1 ORDER BY id";
    static const char changes[] = "SELECT seq, object FROM audit_clear WHERE seq > ?1 AND object IS NOT NULL AND action IN"
                                  " ('store.put', 'store.copy', 'store.adopt', 'catalog.label', 'ingest.file', 'ingest.record')"
                                  " ORDER BY seq";
    static const char last[] = "SELECT coalesce(max(seq), 0) FROM audit_clear";
    int64_t end = 0;
    obs_status status;
    if (relay->entries >= 0) {
        status = walk(more, relay, entries, ENTRIES, &relay->entries, error);
        if (status != OBS_OK || *more)
            return status;
        int done;
        relay->entries = -1;
        *more = 1;
        return carry_all(&done, relay, NULL, 0, ENTRIES, -1, error);
    }
    status = obs__relay_number(&end, relay->from, last, error); /* before: what comes meanwhile is not behind it */
    if (status == OBS_OK)
        status = walk(more, relay, changes, CHANGES, &relay->changes, error);
    if (status == OBS_OK && *more)
        relay->written = relay->changes;
    return status == OBS_OK && !*more ? note_end(relay, end, error) : status;
}

/* ---- Refused lines of the ingestion log: what the site turned away, and why. ---- */

typedef struct lines {
    obs__relay_unit unit;
    int64_t next;
    size_t count;
} lines;

static void bytes_of(obs__view *out, sqlite3_stmt *row, int column)
{
    const char *data = sqlite3_column_blob(row, column);
    *out = (obs__view){data ? data : "", (size_t)sqlite3_column_bytes(row, column)};
}

static obs_status add_line(lines *lines, obs__effects *part, sqlite3_stmt *row, obs_error *error)
{
    const char *site = lines->unit.relay->site, *from = (const char *)sqlite3_column_text(row, 6);
    obs__builder origin;
    obs__ingest_line line = {.time_ns = sqlite3_column_int64(row, 1),
                             .result = "refused",
                             .reason = (const char *)sqlite3_column_text(row, 2),
                             .table = (const char *)sqlite3_column_text(row, 3),
                             .bytes = (uint64_t)sqlite3_column_int64(row, 5),
                             .trace = (const char *)sqlite3_column_text(row, 7)};
    if (from && strncmp(from, "site:", 5) == 0)
        return OBS_OK; /* of another site, or of the target itself: known where it happened */
    bytes_of(&line.key, row, 4);
    bytes_of(&line.excerpt, row, 8);
    obs__builder_init(&origin, 65536);
    obs__add_format(&origin, "site:%s%s%s", site, from && *from ? " " : "", from ? from : "");
    line.origin = origin.data;
    obs_status status = line.reason && line.table && line.trace ? obs__builder_status(&origin, error) : obs__fail_memory(error);
    if (status == OBS_OK)
        status = obs__ingest_line_effect(part, &line, error);
    obs__builder_free(&origin);
    lines->unit.counts.lines += status == OBS_OK;
    return status;
}

static obs_status read_lines(lines *lines, obs__effects *part, obs_error *error)
{
    static const char sql[] = "SELECT id, time_ns, reason, item_table, key, bytes, origin, trace, excerpt FROM ingest_log"
                              " WHERE accepted = 0 AND id > ?1 ORDER BY id LIMIT 256";
    obs__snapshot *snapshot;
    sqlite3_stmt *row = NULL;
    int code = SQLITE_DONE;
    obs_status status = obs__snapshot_begin(&snapshot, lines->unit.relay->from->gate->gate.journal, error);
    if (status != OBS_OK)
        return status;
    status = obs__snapshot_statement(&row, snapshot, sql, error);
    if (status == OBS_OK)
        sqlite3_bind_int64(row, 1, lines->next);
    while (status == OBS_OK && (code = sqlite3_step(row)) == SQLITE_ROW) {
        lines->next = sqlite3_column_int64(row, 0);
        lines->count++;
        status = add_line(lines, part, row, error);
    }
    if (status == OBS_OK && code != SQLITE_DONE)
        status = obs__sqlite_fail(error, obs__snapshot_database(snapshot), code, "cannot read the ingestion log");
    sqlite3_reset(row);
    obs__snapshot_end(snapshot);
    return status;
}

obs_status obs__relay_lines(int *more, obs__relay *relay, obs_error *error)
{
    lines lines = {.next = relay->lines};
    obs__effects part = {0};
    obs__scope scope;
    *more = 0;
    obs_status status = obs__relay_unit_begin(&lines.unit, relay, error);
    if (status == OBS_OK)
        status = obs__unit_part_begin(&scope, lines.unit.unit, "relay.write", relay->name, OBS_TEXT, error);
    if (status == OBS_OK) {
        status = read_lines(&lines, &part, error);
        if (status == OBS_OK)
            status = obs__relayed_position_effect(&part, relay->name, LINES, lines.next, error);
        status = obs__unit_part_end(&scope, lines.unit.unit, &part, status, error);
    }
    if (status == OBS_OK && lines.count)
        status = obs__relay_unit_commit(&lines.unit, error);
    if (status == OBS_OK) {
        relay->lines = lines.next;
        *more = lines.count != 0;
    }
    obs__relay_unit_free(&lines.unit);
    return status;
}
