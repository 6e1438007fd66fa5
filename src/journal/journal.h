/*
 * The journal: one SQLite database for each tenant (`tenants/<name>/tenant.db`, WAL, full sync) that holds what must become
 * durable together.
 *
 * A change is a list of effects. obs__journal_commit() runs them in one transaction; when several threads commit at the
 * same time one of them, the leader, runs the effects of all in one transaction with one sync (group commit). Between
 * processes a kernel file lock on `tenants/<name>/lock` is taken before BEGIN.
 */
#ifndef OBS_JOURNAL_JOURNAL_H
#define OBS_JOURNAL_JOURNAL_H

#include <sqlite3.h>
#include <stdint.h>

#include "base/call.h"

/* The database of a tenant, shared by all clients of the process that opened the same folder. Safe from every thread. */
typedef struct obs__journal obs__journal;
/* The transaction that effects are applied in; on the leader's thread, for the time of apply() only. */
typedef struct obs__txn obs__txn;
/* A read transaction on a connection of its own; for one thread at a time. */
typedef struct obs__snapshot obs__snapshot;
typedef struct obs__effect obs__effect;

typedef struct obs__effect_ops {
    /* Writes rows. An error undoes this whole change, but not those of other threads in the same commit.
     * Runs on the leader's thread: touches nothing but the effect and the transaction. */
    obs_status (*apply)(obs__effect *effect, obs__txn *txn, obs_error *error);
    /* After the commit and still under the writer lock: makes the change visible outside of the database (renames).
     * May be NULL. What it cannot do now the next opener rolls forward. */
    void (*finish)(obs__effect *effect);
    /* Called exactly once for every effect, whatever became of it. */
    void (*free)(obs__effect *effect);
    /* 1: apply() does nothing but write rows, so that it may be called once more after they were undone. Those who commit
     * together then need no savepoints. */
    int repeatable;
} obs__effect_ops;

/* Embedded as first member by each kind of effect. */
struct obs__effect {
    const obs__effect_ops *ops;
    obs__effect *next;
};

/* A list of effects in the order in which they are applied and finished. Zero is empty. */
typedef struct obs__effects {
    obs__effect *first;
    obs__effect *last;
} obs__effects;

void obs__effects_add(obs__effects *effects, obs__effect *effect);
void obs__effects_move(obs__effects *to, obs__effects *from); /* appends all, empties from */
void obs__effects_free(obs__effects *effects);

typedef struct obs__journal_options {
    const char *folder;         /* tenants/<name> */
    const char *const *schemas; /* SQL scripts of the modules, CREATE … IF NOT EXISTS; ends with NULL */
    int create;                 /* make the database when there is none (tenant create) */
    int read_only;              /* commits give OBS_FAILED_PRECONDITION */
    /* Under the writer lock, when an earlier holder died between its commit and its finish, and at the first open:
     * completes what is pending. */
    obs_status (*recover)(void *user, obs__txn *txn, obs_error *error);
    void *user; /* must outlive the journal */
} obs__journal_options;

/* Opens, or takes one more hold on the journal of the same folder. */
obs_status obs__journal_open(obs__journal **out, const obs__journal_options *options, const obs__limit *limit,
                             obs_error *error);
obs__journal *obs__journal_retain(obs__journal *journal);
void obs__journal_free(obs__journal *journal);

/* Makes all effects durable, or none. The caller frees the effects afterwards. Returns after finish() of all of them. */
obs_status obs__journal_commit(obs__journal *journal, const obs__effects *effects, const obs__limit *limit, obs_error *error);

/* Inside apply(): a prepared statement, reset and without bindings. `sql` must be a constant: it is cached by address. */
obs_status obs__txn_statement(sqlite3_stmt **out, obs__txn *txn, const char *sql, obs_error *error);
/* Steps a statement that gives no rows, and resets it. */
obs_status obs__txn_run(obs__txn *txn, sqlite3_stmt *statement, obs_error *error);
sqlite3 *obs__txn_database(obs__txn *txn);
/* How long the change that is applied may wait for what is not the journal's; NULL: as long as an opening may. */
const obs__limit *obs__txn_limit(const obs__txn *txn);
/* Asks that subscribers in all processes are woken after the commit. */
void obs__txn_wake(obs__txn *txn);

/* Wakes them at once, for what is not in the database. */
void obs__journal_wake(obs__journal *journal);

/* A consistent state of all tables. Keep it short: the log cannot be reset meanwhile. Long results read page by page. */
obs_status obs__snapshot_begin(obs__snapshot **out, obs__journal *journal, obs_error *error);
obs_status obs__snapshot_statement(sqlite3_stmt **out, obs__snapshot *snapshot, const char *sql,
                                   obs_error *error); /* cached by address */
obs_status obs__snapshot_prepare(sqlite3_stmt **out, obs__snapshot *snapshot, const char *sql,
                                 obs_error *error); /* sqlite3_finalize() it before the end */
sqlite3 *obs__snapshot_database(obs__snapshot *snapshot);
void obs__snapshot_end(obs__snapshot *snapshot);

/* Turns an SQLite result code into an error: SQLITE_FULL gives OBS_NO_SPACE, SQLITE_CORRUPT OBS_DATA_LOSS … */
obs_status obs__sqlite_fail(obs_error *error, sqlite3 *database, int code, const char *what);

/* A descriptor that becomes readable when a commit with obs__txn_wake() happened in any process (inotify); the holder
 * reads it empty with obs__watch_clear() and still looks once a second. */
typedef struct obs__watch obs__watch;
obs_status obs__watch_open(obs__watch **out, obs__journal *journal, obs_error *error);
int obs__watch_fd(const obs__watch *watch);
void obs__watch_clear(obs__watch *watch);
void obs__watch_free(obs__watch *watch);

/* A right that only one process (and one holder in it) has, kept by a kernel lock: ends with its holder, never by time.
 * OBS_ABORTED when another one has it. The name is escaped to a file name. */
typedef struct obs__lease obs__lease;
obs_status obs__lease_take(obs__lease **out, obs__journal *journal, const char *name, obs_error *error);
void obs__lease_free(obs__lease *lease);

#endif
