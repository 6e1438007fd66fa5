/* What an SQLite result code means to a user. */
#include <errno.h>

#include "base/error.h"
#include "journal/journal.h"

static obs_status fail_io(obs_error *error, int number, const char *what)
{
    if (number == ENOSPC || number == EDQUOT || number == EFBIG)
        return obs__fail(error, OBS_NO_SPACE, "%s: the disk is full: free some space and try again", what);
    if (number)
        return obs__fail_system(error, number, "%s", what);
    return obs__fail(error, OBS_UNAVAILABLE, "%s: the disk gave an error: look into the system log", what);
}

static obs_status fail_other(obs_error *error, int code, const char *what)
{
    switch (code & 0xFF) {
    case SQLITE_CONSTRAINT:
        if (code == SQLITE_CONSTRAINT_UNIQUE || code == SQLITE_CONSTRAINT_PRIMARYKEY || code == SQLITE_CONSTRAINT_ROWID)
            return obs__fail(error, OBS_ALREADY_EXISTS, "%s: it is there already", what);
        return obs__fail(error, OBS_INVALID_ARGUMENT, "%s: a value is not allowed", what);
    case SQLITE_TOOBIG:
        return obs__fail(error, OBS_RESOURCE_EXHAUSTED, "%s: a value is larger than 64 MiB: store it as an object", what);
    case SQLITE_INTERRUPT:
        return obs__fail(error, OBS_CANCELLED, "cancelled");
    default:
        return obs__fail(error, OBS_INTERNAL, "%s: unexpected answer of the database", what);
    }
}

static obs_status fail(obs_error *error, int code, int number, const char *what)
{
    if (code == SQLITE_IOERR_NOMEM)
        return obs__fail_memory(error);
    switch (code & 0xFF) {
    case SQLITE_NOMEM:
        return obs__fail_memory(error);
    case SQLITE_FULL:
        return obs__fail(error, OBS_NO_SPACE, "%s: the disk is full: free some space and try again", what);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_FORMAT:
        return obs__fail(error, OBS_DATA_LOSS,
                         "%s: it is damaged: restore it from a copy; 'obsctl workspace check' tells what else is", what);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:
        return obs__fail(error, OBS_UNAVAILABLE, "%s: another program is using it: try again", what);
    case SQLITE_READONLY:
        return obs__fail(error, OBS_FAILED_PRECONDITION, "%s: it can only be read", what);
    case SQLITE_PERM:
    case SQLITE_AUTH:
        return obs__fail(error, OBS_PERMISSION_DENIED, "%s: not allowed", what);
    case SQLITE_CANTOPEN:
    case SQLITE_IOERR:
        return fail_io(error, number, what);
    default:
        return fail_other(error, code, what);
    }
}

obs_status obs__sqlite_fail(obs_error *error, sqlite3 *database, int code, const char *what)
{
    /* Asked before anything else is: the next call on the handle changes them. */
    int number = database ? sqlite3_system_errno(database) : 0;
    const char *path = database ? sqlite3_db_filename(database, "main") : NULL;
    obs_status status = fail(error, code, number, what);
    obs__detail(error, "%s (SQLite %d), file %s", database ? sqlite3_errmsg(database) : sqlite3_errstr(code), code,
                path && *path ? path : "unknown");
    return status;
}
