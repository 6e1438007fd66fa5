/*
 * Questions to the audit trail, page by page. What a row shows comes from the leaf, which must be what the signed log has at
 * its place, once it is there; a clear value is shown only when it is what the leaf committed to.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/in_log.h"
#include "audit/leaf.h"
#include "audit/schedule.h"
#include "audit/trail.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/memory.h"

#define PAGE_ROWS 1024
#define PAGE_SIZE ((size_t)1 << 20) /* a page ends with the row that goes beyond */
#define ROW_MAX 65536
#define MOST_VALUES 12
#define FIRST_CLEAR_COLUMN 5

/* A condition's value: an integer, or a text. */
struct bound {
    int64_t integer;
    char *text;
};

struct audit_rows {
    obs_rows rows;
    obs__gate *gate;
    const obs__schedule *log; /* NULL: this process has no part in it */
    obs__in_log *in_log;      /* from page to page */
    obs__builder where;       /* conditions on every page */
    struct bound bounds[MOST_VALUES];
    int bound_count;
    int by_clear;  /* a condition on audit_clear that an index helps with */
    uint64_t left; /* how many rows may still be given */
    int64_t after; /* the last record looked at */
    int64_t most;  /* the last record that can fit */
    obs__builder page;
    size_t starts[PAGE_ROWS + 1];
    int64_t sequences[PAGE_ROWS];
    size_t count;
    size_t at;
    int ended;
    obs_error failure; /* comes after the rows before it */
    char position[24];
};

void obs_audit_options_init(obs_audit_options *options, size_t size)
{
    if (!options || size < sizeof(size_t))
        return;
    memset(options, 0, size);
    options->size = size;
}

static obs_status add_bound(struct audit_rows *self, int64_t integer, const char *text, size_t size, obs_error *error)
{
    struct bound *bound = &self->bounds[self->bound_count];
    *bound = (struct bound){.integer = integer};
    if (text && !(bound->text = obs__memdup(text, size)))
        return obs__fail_memory(error);
    self->bound_count++;
    return OBS_OK;
}

/* The smallest text that is larger than all that begin with the same bytes. UTF-8 has no byte 0xFF. */
static obs_status add_prefix(struct audit_rows *self, const char *column, const char *text, size_t size, obs_error *error)
{
    obs_status status = add_bound(self, 0, text, size, error);
    if (status == OBS_OK)
        status = add_bound(self, 0, text, size, error);
    if (status != OBS_OK)
        return status;
    self->bounds[self->bound_count - 1].text[size - 1]++;
    obs__add_format(&self->where, " AND +%s >= ?%d AND +%s < ?%d", column, self->bound_count - 1, column, self->bound_count);
    return OBS_OK;
}

static obs_status add_text_condition(struct audit_rows *self, const char *column, const char *text, obs_error *error)
{
    size_t size = text ? strlen(text) : 0;
    if (!text || !strcmp(text, "*"))
        return OBS_OK;
    if (size > OBS__AUDIT_VALUE_MAX)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "a condition is longer than %d bytes", OBS__AUDIT_VALUE_MAX);
    self->by_clear = 1;
    if (size > 1 && text[size - 1] == '*')
        return add_prefix(self, column, text, size - 1, error);
    obs__add_format(&self->where, " AND %s = ?%d", column, self->bound_count + 1);
    return add_bound(self, 0, text, size, error);
}

static obs_status add_time(struct audit_rows *self, const char *compare, const char *name, const char *text, obs_error *error)
{
    int64_t ns;
    if (!text)
        return OBS_OK;
    if (!obs__time_parse(&ns, text))
        return obs__fail(error, OBS_INVALID_ARGUMENT, "%s '%s' is no time: write it as 2026-11-20 or 2026-11-20T21:15:00Z",
                         name, text);
    obs__add_format(&self->where, " AND +l.time %s ?%d", compare, self->bound_count + 1);
    return add_bound(self, ns, NULL, 0, error);
}

static obs_status add_after(struct audit_rows *self, const char *after, obs_error *error)
{
    char *end = NULL;
    if (!after || !*after)
        return OBS_OK;
    self->after = strtoll(after, &end, 10);
    if (*end || self->after < 0)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "after '%s' is no position that obs_rows_position() gave", after);
    snprintf(self->position, sizeof self->position, "%lld", (long long)self->after);
    return OBS_OK;
}

static obs_status add_conditions(struct audit_rows *self, const obs_audit_options *options, obs_error *error)
{
    obs_status status = add_after(self, options->after, error);
    if (status == OBS_OK)
        status = add_text_condition(self, "s.subject", options->subject, error);
    if (status == OBS_OK)
        status = add_text_condition(self, "c.object", options->object, error);
    if (status == OBS_OK)
        status = add_text_condition(self, "c.action", options->action, error);
    if (status == OBS_OK)
        status = add_text_condition(self, "c.trace", options->trace, error);
    if (status == OBS_OK)
        status = add_time(self, ">=", "since", options->since, error);
    if (status == OBS_OK)
        status = add_time(self, "<", "until", options->until, error);
    self->left = options->limit ? options->limit : UINT64_MAX;
    return status == OBS_OK ? obs__builder_status(&self->where, error) : status;
}

static void bind_all(sqlite3_stmt *statement, const struct audit_rows *self)
{
    for (int i = 0; i < self->bound_count; i++)
        if (self->bounds[i].text)
            sqlite3_bind_text(statement, i + 1, self->bounds[i].text, -1, SQLITE_STATIC);
        else
            sqlite3_bind_int64(statement, i + 1, self->bounds[i].integer);
}

/* Where records of these times begin and end, found in the index: the pages then read that part of the log only. */
static obs_status narrow(struct audit_rows *self, obs__snapshot *snapshot, int64_t since, int64_t until, obs_error *error)
{
    static const char sql[] = "SELECT min(seq), max(seq) FROM audit_leaf WHERE time >= ?1 AND time < ?2";
    sqlite3_stmt *statement;
    obs_status status = obs__snapshot_statement(&statement, snapshot, sql, error);
    if (status != OBS_OK)
        return status;
    sqlite3_bind_int64(statement, 1, since);
    sqlite3_bind_int64(statement, 2, until);
    int code = sqlite3_step(statement);
    if (code != SQLITE_ROW)
        status = obs__sqlite_fail(error, obs__snapshot_database(snapshot), code, "cannot read the audit trail");
    else if (sqlite3_column_type(statement, 0) == SQLITE_NULL)
        self->ended = 1;
    else {
        int64_t first = sqlite3_column_int64(statement, 0);
        self->after = self->after < first ? first - 1 : self->after;
        self->most = sqlite3_column_int64(statement, 1);
    }
    sqlite3_reset(statement);
    return status;
}

static obs_status narrow_times(struct audit_rows *self, const obs_audit_options *options, obs_error *error)
{
    obs__snapshot *snapshot;
    int64_t since = INT64_MIN, until = INT64_MAX;
    if (!options->since && !options->until)
        return OBS_OK;
    obs__time_parse(&since, options->since);
    obs__time_parse(&until, options->until);
    obs_status status = obs__snapshot_begin(&snapshot, self->gate->journal, error);
    if (status != OBS_OK)
        return status;
    status = narrow(self, snapshot, since, until, error);
    obs__snapshot_end(snapshot);
    return status;
}

static obs_status mismatch(int64_t seq, const obs__audit_leaf *leaf, const char *what, obs_error *error)
{
    return obs__fail(error, OBS_DATA_LOSS, "audit record %lld (%s) does not match the log: its %s was changed", (long long)seq,
                     leaf->id, what);
}

static obs__view text_at(sqlite3_stmt *statement, int column)
{
    const char *text = sqlite3_column_blob(statement, column); /* as a text it would need memory */
    return (obs__view){text, text ? (size_t)sqlite3_column_bytes(statement, column) : 0};
}

/* Adds a personal field: its clear value, null when it was erased, nothing when it was empty from the start. */
static obs_status add_field(obs__builder *out, sqlite3_stmt *statement, const obs__audit_leaf *leaf, obs__audit_field field,
                            obs_error *error)
{
    char commitment[OBS__AUDIT_COMMITMENT_SIZE];
    int column = FIRST_CLEAR_COLUMN + 2 * (int)field;
    obs__view value = text_at(statement, column);
    const void *salt = sqlite3_column_blob(statement, column + 1);
    int salted = sqlite3_column_bytes(statement, column + 1) == OBS__AUDIT_SALT_SIZE;
    const char *name = obs__audit_field_name(field);
    if (!leaf->commitments[field])
        return value.data ? mismatch(sqlite3_column_int64(statement, 0), leaf, name, error) : OBS_OK;
    if (!value.data || !salt) {
        obs__add_json_member(out, name, NULL);
        return OBS_OK;
    }
    if (!salted)
        return mismatch(sqlite3_column_int64(statement, 0), leaf, name, error);
    obs_status status = obs__audit_commitment(commitment, field, salt, value, error);
    if (status != OBS_OK)
        return status;
    if (strcmp(commitment, leaf->commitments[field]) != 0)
        return mismatch(sqlite3_column_int64(statement, 0), leaf, name, error);
    obs__add_char(out, '"');
    obs__add_text(out, name);
    obs__add_text(out, "\":");
    obs__add_json(out, value.data, value.size);
    obs__add_char(out, ',');
    return OBS_OK;
}

/* The columns that are only there to be searched must say what the leaf says. */
static obs_status check_columns(sqlite3_stmt *statement, const obs__audit_leaf *leaf, obs_error *error)
{
    char time[OBS__TIME_SIZE];
    int64_t seq = sqlite3_column_int64(statement, 0);
    obs__view action = text_at(statement, 3);
    obs__view trace = text_at(statement, 4);
    obs__time_format(time, sqlite3_column_int64(statement, 1));
    if (strcmp(time, leaf->time) != 0)
        return mismatch(seq, leaf, "time", error);
    if (action.data && !obs__view_is(action, leaf->action))
        return mismatch(seq, leaf, "action", error);
    if (trace.data && !obs__view_is(trace, leaf->trace ? leaf->trace : ""))
        return mismatch(seq, leaf, "trace", error);
    return OBS_OK;
}

/* The last record that was sealed, of which the leaf stayed: says that, and by its number how many before it are. */
static obs_status add_sealed(obs__builder *out, sqlite3_stmt *statement, obs__in_log *log, obs_error *error)
{
    int64_t seq = sqlite3_column_int64(statement, 0);
    int is_sealed = 0;
    obs_status status = OBS_OK;
    if (sqlite3_column_type(statement, 3) == SQLITE_NULL) /* without a clear row; in all others it is the action */
        status = obs__in_log_is_sealed(&is_sealed, log, (uint64_t)seq, error);
    if (is_sealed)
        obs__add_json_integer(out, "sealed", seq);
    return status;
}

static obs_status add_leaf_row(obs__builder *out, sqlite3_stmt *statement, const obs__audit_leaf *leaf,
                               const obs__tree_hash *hash, obs__in_log *log, obs_error *error)
{
    char digits[2 * OBS__SHA256_SIZE + 1];
    obs_status status = check_columns(statement, leaf, error);
    obs__hex(digits, hash->bytes, sizeof hash->bytes);
    obs__add_char(out, '{');
    obs__add_json_member(out, "id", leaf->id);
    obs__add_json_member(out, "time", leaf->time);
    obs__add_json_member(out, "tenant", leaf->tenant);
    obs__add_json_member(out, "class", leaf->kind);
    obs__add_json_member(out, "action", leaf->action);
    obs__add_json_member(out, "status", leaf->status);
    for (int i = 0; i < OBS__AUDIT_FIELDS && status == OBS_OK; i++)
        status = add_field(out, statement, leaf, i, error);
    obs__add_json_member(out, "trace", leaf->trace);
    obs__add_json_integer(out, "bytes", leaf->bytes);
    obs__add_json_integer(out, "count", leaf->count);
    obs__add_json_member(out, "leaf", digits);
    if (status == OBS_OK)
        status = add_sealed(out, statement, log, error);
    obs__add_json_end(out);
    obs__add_char(out, '\n');
    return status == OBS_OK ? obs__builder_status(out, error) : status;
}

static obs_status add_row(obs__builder *out, sqlite3_stmt *statement, obs__in_log *log, obs_error *error)
{
    obs__audit_leaf leaf;
    obs__tree_hash hash;
    obs__view bytes = {sqlite3_column_blob(statement, 2), (size_t)sqlite3_column_bytes(statement, 2)};
    obs_status status = obs__audit_leaf_read(&leaf, bytes, error);
    if (status == OBS_DATA_LOSS)
        return obs__fail(error, status, "audit record %lld is damaged", (long long)sqlite3_column_int64(statement, 0));
    if (status == OBS_OK)
        status = obs__audit_leaf_hash(hash.bytes, bytes, error);
    if (status == OBS_OK)
        status = obs__in_log_check(log, (uint64_t)sqlite3_column_int64(statement, 0), &hash, error);
    if (status == OBS_OK)
        status = add_leaf_row(out, statement, &leaf, &hash, log, error);
    obs__audit_leaf_free(&leaf);
    return status;
}

/* A bad record ends the answer; the good ones before it are given first. */
static void take_row(struct audit_rows *self, sqlite3_stmt *statement)
{
    size_t start = self->page.size;
    self->after = sqlite3_column_int64(statement, 0);
    if (add_row(&self->page, statement, self->in_log, &self->failure) != OBS_OK) {
        self->page.size = start;
        self->ended = 1;
        return;
    }
    self->sequences[self->count++] = self->after;
    self->starts[self->count] = self->page.size;
}

static obs_status read_rows(struct audit_rows *self, obs__snapshot *snapshot, const char *sql, obs_error *error)
{
    sqlite3_stmt *statement;
    uint64_t wanted = self->left < PAGE_ROWS ? self->left : PAGE_ROWS;
    obs_status status = obs__snapshot_prepare(&statement, snapshot, sql, error);
    if (status != OBS_OK)
        return status;
    bind_all(statement, self);
    int code = SQLITE_ROW;
    while (self->count < wanted && self->page.size < PAGE_SIZE && !self->ended &&
           (code = sqlite3_step(statement)) == SQLITE_ROW)
        take_row(self, statement);
    if (code == SQLITE_DONE)
        self->ended = 1;
    else if (code != SQLITE_ROW)
        status = obs__sqlite_fail(error, obs__snapshot_database(snapshot), code, "cannot read the audit trail");
    sqlite3_finalize(statement);
    return status;
}

static void write_query(obs__builder *sql, const struct audit_rows *self)
{
    obs__add_text(sql, "SELECT l.seq, l.time, l.leaf, c.action, c.trace, s.subject, c.subject_salt, a.subject, c.actor_salt,"
                       " c.object, c.object_salt, c.client, c.client_salt FROM ");
    obs__add_text(sql, self->by_clear ? "audit_clear c JOIN audit_leaf l ON l.seq = c.seq"
                                      : "audit_leaf l LEFT JOIN audit_clear c ON c.seq = l.seq");
    obs__add_text(sql, " LEFT JOIN subject s ON s.pseudonym = c.subject LEFT JOIN subject a ON a.pseudonym = c.actor");
    obs__add_format(sql, " WHERE %s.seq > %lld AND %s.seq <= %lld", self->by_clear ? "c" : "l", (long long)self->after,
                    self->by_clear ? "c" : "l", (long long)self->most);
    obs__add(sql, self->where.data, self->where.size);
    obs__add_format(sql, " ORDER BY %s.seq LIMIT %d", self->by_clear ? "c" : "l", PAGE_ROWS);
}

static obs_status read_page(struct audit_rows *self, obs_error *error)
{
    obs__snapshot *snapshot = NULL;
    obs__builder sql;
    obs__builder_init(&sql, 8192);
    obs__builder_clear(&self->page);
    self->count = self->at = 0;
    write_query(&sql, self);
    obs_status status = obs__builder_status(&sql, error);
    if (status == OBS_OK && self->log)
        status = obs__in_log_renew(&self->in_log, obs__schedule_place(self->log), self->gate->tenant, error);
    if (status == OBS_OK)
        status = obs__snapshot_begin(&snapshot, self->gate->journal, error);
    if (status == OBS_OK) {
        status = read_rows(self, snapshot, sql.data, error);
        obs__snapshot_end(snapshot);
    }
    obs__builder_free(&sql);
    return status;
}

static obs_status next_row(obs_rows *rows, const char **text, size_t *size, obs_error *error)
{
    struct audit_rows *self = (struct audit_rows *)rows;
    obs_status status = OBS_OK;
    if (self->at == self->count && !self->ended && self->left)
        status = read_page(self, error);
    if (status != OBS_OK)
        return status;
    if (self->at == self->count && self->left)
        self->position[0] = '\0'; /* nothing follows */
    if (self->at == self->count || !self->left)
        return self->left && self->failure.status != OBS_OK ? obs__copy_error(error, &self->failure) : OBS_OK;
    char *start = self->page.data + self->starts[self->at];
    *size = self->starts[self->at + 1] - self->starts[self->at] - 1;
    start[*size] = '\0';
    *text = start;
    snprintf(self->position, sizeof self->position, "%lld", (long long)self->sequences[self->at++]);
    self->left--;
    return OBS_OK;
}

static const char *position(const obs_rows *rows)
{
    return ((const struct audit_rows *)rows)->position;
}

static void free_rows(obs_rows *rows)
{
    struct audit_rows *self = (struct audit_rows *)rows;
    for (int i = 0; i < self->bound_count; i++)
        obs__free(self->bounds[i].text);
    obs__builder_free(&self->where);
    obs__builder_free(&self->page);
    obs__in_log_free(self->in_log);
    self->gate->ops->free(self->gate);
    obs__free(self);
}

static const obs__rows_ops rows_ops = {next_row, position, free_rows};

static obs_status make_rows(obs_rows **out, obs_audit *audit, const obs_audit_options *options, obs__scope *scope,
                            obs_error *error)
{
    struct audit_rows *self = obs__calloc(1, sizeof *self);
    if (!self)
        return obs__fail_memory(error);
    self->rows.ops = &rows_ops;
    self->gate = obs__audit_gate(audit);
    self->log = obs__audit_log(audit); /* lives as long as the gate */
    self->gate->ops->retain(self->gate);
    self->most = INT64_MAX;
    obs_error_init(&self->failure, sizeof self->failure);
    obs__builder_init(&self->where, 2048);
    obs__builder_init(&self->page, PAGE_SIZE + ROW_MAX);
    obs_status status = add_conditions(self, options, error);
    if (status == OBS_OK)
        status = obs__audit_flush_for(audit, scope, error);
    if (status == OBS_NO_SPACE) /* the newest notes wait for space; nobody must wait for it to read the others */
        status = OBS_OK;
    if (status == OBS_OK)
        status = narrow_times(self, options, error);
    if (status != OBS_OK)
        free_rows(&self->rows);
    else
        *out = &self->rows;
    return status;
}

obs_status obs_audit_query(obs_rows **out, obs_audit *audit, const obs_audit_options *options, obs_error *error)
{
    obs_audit_options wanted = {0};
    obs__scope scope;
    if (!out || !audit)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "out and audit are required");
    *out = NULL;
    if (options)
        memcpy(&wanted, options, options->size < sizeof wanted ? options->size : sizeof wanted);
    const char *object = wanted.object ? wanted.object : wanted.subject;
    obs_status status =
        obs__gate_enter(&scope, obs__audit_gate(audit), OBS__READ, "audit.query", object, OBS_TEXT, wanted.call, error);
    if (status != OBS_OK)
        return status;
    status = make_rows(out, audit, &wanted, &scope, error);
    return obs__gate_leave(&scope, status, error);
}
