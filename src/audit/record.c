/* An audit record as an effect: made whole on the caller's thread, so that the leader only writes rows. */
#include <string.h>

#include "audit/leaf.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/memory.h"

const char obs__audit_schema[] = "CREATE TABLE IF NOT EXISTS subject ("
                                 " pseudonym INTEGER PRIMARY KEY AUTOINCREMENT," /* never given to somebody else again */
                                 " subject TEXT NOT NULL UNIQUE);"
                                 "CREATE TABLE IF NOT EXISTS audit_leaf ("
                                 " seq INTEGER PRIMARY KEY," /* place in the log, from 1, without gaps */
                                 " time INTEGER NOT NULL,"
                                 " leaf BLOB NOT NULL);"
                                 "CREATE INDEX IF NOT EXISTS audit_leaf_time ON audit_leaf(time);"
                                 "CREATE TABLE IF NOT EXISTS audit_clear ("
                                 " seq INTEGER PRIMARY KEY,"
                                 " action TEXT NOT NULL, trace TEXT,"
                                 " subject INTEGER, subject_salt BLOB, actor INTEGER, actor_salt BLOB,"
                                 " object TEXT, object_salt BLOB, client TEXT, client_salt BLOB);"
                                 "CREATE INDEX IF NOT EXISTS audit_clear_subject ON audit_clear(subject);"
                                 "CREATE INDEX IF NOT EXISTS audit_clear_actor ON audit_clear(actor) WHERE actor IS NOT NULL;"
                                 "CREATE INDEX IF NOT EXISTS audit_clear_object ON audit_clear(object);"
                                 "CREATE INDEX IF NOT EXISTS audit_clear_action ON audit_clear(action);"
                                 "CREATE INDEX IF NOT EXISTS audit_clear_trace ON audit_clear(trace) WHERE trace IS NOT NULL;";

struct record {
    obs__effect effect;
    obs_audit *lossy; /* see obs__audit_record */
    enum { KEPT, LOST, LOST_FOR_GOOD } fate;
    int64_t time_ns;
    unsigned char salts[OBS__AUDIT_FIELDS][OBS__AUDIT_SALT_SIZE];
    size_t ends[OBS__AUDIT_FIELDS]; /* where each clear value ends in the text; the first begins at 0 */
    size_t action_end;
    size_t trace_end;
    obs__builder text;
    obs__builder leaf;
};

static obs__view value_of(const struct record *record, int field)
{
    size_t start = field ? record->ends[field - 1] : 0;
    return (obs__view){record->text.data + start, record->ends[field] - start};
}

static obs_status bind_and_look_up(int64_t *out, obs__txn *txn, obs__view subject, obs_error *error)
{
    sqlite3_stmt *statement;
    obs_status status = obs__txn_statement(&statement, txn, "SELECT pseudonym FROM subject WHERE subject = ?1", error);
    if (status != OBS_OK)
        return status;
    sqlite3_bind_text(statement, 1, subject.data, (int)subject.size, SQLITE_STATIC);
    int code = sqlite3_step(statement);
    *out = code == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
    sqlite3_reset(statement);
    if (code == SQLITE_ROW || code == SQLITE_DONE)
        return OBS_OK;
    return obs__sqlite_fail(error, obs__txn_database(txn), code, "cannot read who is in the audit trail");
}

/* The pseudonym of a subject, made when it is new; 0 for nobody. */
static obs_status pseudonym_of(int64_t *out, obs__txn *txn, obs__view subject, obs_error *error)
{
    sqlite3_stmt *statement;
    *out = 0;
    if (!subject.size)
        return OBS_OK;
    obs_status status = bind_and_look_up(out, txn, subject, error);
    if (status != OBS_OK || *out)
        return status;
    status = obs__txn_statement(&statement, txn, "INSERT INTO subject (subject) VALUES (?1)", error);
    if (status != OBS_OK)
        return status;
    sqlite3_bind_text(statement, 1, subject.data, (int)subject.size, SQLITE_STATIC);
    status = obs__txn_run(txn, statement, error);
    *out = sqlite3_last_insert_rowid(obs__txn_database(txn));
    return status;
}

static obs_status insert_leaf(const struct record *record, obs__txn *txn, obs_error *error)
{
    sqlite3_stmt *statement;
    obs_status status = obs__txn_statement(&statement, txn, "INSERT INTO audit_leaf (time, leaf) VALUES (?1, ?2)", error);
    if (status != OBS_OK)
        return status;
    sqlite3_bind_int64(statement, 1, record->time_ns);
    sqlite3_bind_blob(statement, 2, record->leaf.data, (int)record->leaf.size, SQLITE_STATIC);
    return obs__txn_run(txn, statement, error);
}

static void bind_text(sqlite3_stmt *statement, int at, const char *text, size_t size)
{
    if (size)
        sqlite3_bind_text(statement, at, text, (int)size, SQLITE_STATIC);
}

static obs_status insert_clear(const struct record *record, obs__txn *txn, int64_t seq, const int64_t pseudonyms[2],
                               obs_error *error)
{
    static const char sql[] = "INSERT INTO audit_clear (seq, action, trace, subject, subject_salt, actor, actor_salt,"
                              " object, object_salt, client, client_salt)"
                              " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
    sqlite3_stmt *statement;
    obs_status status = obs__txn_statement(&statement, txn, sql, error);
    if (status != OBS_OK)
        return status;
    const char *action = record->text.data + record->ends[OBS__AUDIT_CLIENT];
    sqlite3_bind_int64(statement, 1, seq);
    sqlite3_bind_text(statement, 2, action, (int)(record->action_end - record->ends[OBS__AUDIT_CLIENT]), SQLITE_STATIC);
    bind_text(statement, 3, record->text.data + record->action_end, record->trace_end - record->action_end);
    for (int i = 0; i < OBS__AUDIT_FIELDS; i++) {
        obs__view value = value_of(record, i);
        if (!value.size)
            continue;
        if (i <= OBS__AUDIT_ACTOR)
            sqlite3_bind_int64(statement, 4 + 2 * i, pseudonyms[i]);
        else
            bind_text(statement, 4 + 2 * i, value.data, value.size);
        sqlite3_bind_blob(statement, 5 + 2 * i, record->salts[i], OBS__AUDIT_SALT_SIZE, SQLITE_STATIC);
    }
    return obs__txn_run(txn, statement, error);
}

static obs_status apply(obs__effect *effect, obs__txn *txn, obs_error *error)
{
    const struct record *record = (const struct record *)effect;
    int64_t pseudonyms[2];
    obs_status status = pseudonym_of(&pseudonyms[0], txn, value_of(record, OBS__AUDIT_SUBJECT), error);
    if (status == OBS_OK)
        status = pseudonym_of(&pseudonyms[1], txn, value_of(record, OBS__AUDIT_ACTOR), error);
    if (status == OBS_OK)
        status = insert_leaf(record, txn, error);
    if (status == OBS_OK)
        status = insert_clear(record, txn, sqlite3_last_insert_rowid(obs__txn_database(txn)), pseudonyms, error);
    return status;
}

/* All rows or none: what was begun is undone, as long as SQLite did not give up the whole commit. */
static obs_status apply_lossy(obs__effect *effect, obs__txn *txn, obs_error *error)
{
    struct record *record = (struct record *)effect;
    sqlite3 *database = obs__txn_database(txn);
    record->fate = KEPT;
    if (sqlite3_exec(database, "SAVEPOINT audit_record", NULL, NULL, NULL) != SQLITE_OK)
        return obs__sqlite_fail(error, database, sqlite3_errcode(database), "cannot write the audit record");
    obs_status status = apply(effect, txn, error);
    if (sqlite3_get_autocommit(database))
        return status;
    if (status != OBS_OK)
        sqlite3_exec(database, "ROLLBACK TO audit_record", NULL, NULL, NULL);
    sqlite3_exec(database, "RELEASE audit_record", NULL, NULL, NULL);
    record->fate = status == OBS_OK ? KEPT : LOST;
    return OBS_OK;
}

/* What the record was of is done, without it. */
static void finish_lossy(obs__effect *effect)
{
    struct record *record = (struct record *)effect;
    if (record->fate == LOST)
        record->fate = LOST_FOR_GOOD;
}

static void free_record(obs__effect *effect)
{
    struct record *record = (struct record *)effect;
    if (record->fate == LOST_FOR_GOOD)
        obs__audit_lose(record->lossy, 1);
    obs__builder_free(&record->text);
    obs__builder_free(&record->leaf);
    obs__free(record);
}

static const obs__effect_ops record_ops = {.apply = apply, .free = free_record, .repeatable = 1};
static const obs__effect_ops lossy_ops = {.apply = apply_lossy, .finish = finish_lossy, .free = free_record};

static void add_texts(struct record *record, const obs__audit_record *from)
{
    const obs__view values[OBS__AUDIT_FIELDS] = {obs__view_of(from->subject, OBS_TEXT), obs__view_of(from->actor, OBS_TEXT),
                                                 from->object, obs__view_of(from->client, OBS_TEXT)};
    for (int i = 0; i < OBS__AUDIT_FIELDS; i++) {
        obs__audit_value_add(&record->text, values[i]);
        record->ends[i] = record->text.size;
    }
    obs__add_text(&record->text, from->action);
    record->action_end = record->text.size;
    obs__add_text(&record->text, from->trace ? from->trace : "");
    record->trace_end = record->text.size;
}

static obs_status fill(struct record *record, const char *tenant, const obs__audit_record *from, obs_error *error)
{
    char commitments[OBS__AUDIT_FIELDS][OBS__AUDIT_COMMITMENT_SIZE] = {{0}};
    char id[OBS__UUID_SIZE];
    add_texts(record, from);
    obs_status status = obs__builder_status(&record->text, error);
    if (status == OBS_OK)
        status = obs__random(record->salts, sizeof record->salts, error);
    if (status == OBS_OK)
        status = obs__uuid7(id, error);
    for (int i = 0; i < OBS__AUDIT_FIELDS && status == OBS_OK; i++)
        if (value_of(record, i).size)
            status = obs__audit_commitment(commitments[i], i, record->salts[i], value_of(record, i), error);
    if (status != OBS_OK)
        return status;
    obs__audit_leaf_add(&record->leaf, id, tenant, from, (const char(*)[OBS__AUDIT_COMMITMENT_SIZE])commitments);
    return obs__builder_status(&record->leaf, error);
}

obs_status obs__audit_effect(obs__effects *effects, const char *tenant, const obs__audit_record *from, obs_error *error)
{
    struct record *record = obs__calloc(1, sizeof *record);
    if (!record)
        return obs__fail_memory(error);
    record->effect.ops = from->lossy ? &lossy_ops : &record_ops;
    record->lossy = from->lossy;
    record->time_ns = from->time_ns;
    obs__builder_init(&record->text, (OBS__AUDIT_FIELDS + 1) * OBS__AUDIT_VALUE_MAX);
    obs__builder_init(&record->leaf, OBS__AUDIT_LEAF_MAX);
    obs_status status = fill(record, tenant, from, error);
    if (status != OBS_OK) {
        free_record(&record->effect);
        return status;
    }
    obs__effects_add(effects, &record->effect);
    return OBS_OK;
}
