/* One connection to the database of a tenant, with its prepared statements. */
#ifndef OBS_JOURNAL_CONNECTION_H
#define OBS_JOURNAL_CONNECTION_H

#include <sqlite3.h>
#include <sys/types.h>

#include <obs/error.h>

#define OBS__DATABASE "tenant.db"

/* Where the database lies. Borrowed from the journal. */
typedef struct obs__place {
    const char *path; /* of the database, absolute */
    int folder;       /* descriptor of its folder */
} obs__place;

/* The files that stand behind the names now. */
typedef struct obs__identity {
    dev_t device;
    ino_t database;
    ino_t log;   /* tenant.db-wal */
    ino_t index; /* tenant.db-shm */
} obs__identity;

typedef enum obs__access { OBS__WRITER, OBS__READER, OBS__READER_ONLY } obs__access;

typedef struct obs__connection {
    sqlite3 *handle;
    struct obs__cached *cache; /* by address of the SQL text */
    size_t count;
    size_t capacity;
    obs__identity identity;
    unsigned log_frames; /* in the log after the last commit of this connection */
} obs__connection;

/* Opens and checks that it is ours. OBS__READER_ONLY is for a folder that cannot be written. */
obs_status obs__connection_open(obs__connection **out, const obs__place *place, obs__access access, obs_error *error);
/* Makes the database, or completes what an interrupted making left. */
obs_status obs__connection_create(obs__connection **out, const obs__place *place, obs_error *error);
void obs__connection_close(obs__connection *connection);
/* Whether the files it has open are still those behind the names: 1 or 0. */
int obs__connection_current(const obs__connection *connection, const obs__place *place);
/* A statement of the cache, reset and without bindings. */
obs_status obs__connection_statement(sqlite3_stmt **out, obs__connection *connection, const char *sql, obs_error *error);
obs_status obs__connection_prepare(sqlite3_stmt **out, obs__connection *connection, const char *sql, unsigned flags,
                                   obs_error *error);
/* Runs SQL that gives no rows and is used now and then. */
obs_status obs__connection_script(obs__connection *connection, const char *sql, const char *what, obs_error *error);
/* Resets whatever is still being stepped. */
void obs__connection_reset(obs__connection *connection);

#endif
