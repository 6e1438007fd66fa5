#include "journal/connection.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "journal/journal.h"
#include "journal/vfs.h"

#define APPLICATION_ID 0x4F42534A /* "OBSJ" */
#define FORMAT 1
#define VALUE_LIMIT (64 * 1024 * 1024)
/* Writers are kept apart by the writer lock, so only programs that are not ours are waited for. */
#define BUSY_MS 250

/* 0: there is no such file. */
static ino_t number_of(const obs__place *place, const char *name, dev_t *device)
{
    struct stat info;
    if (fstatat(place->folder, name, &info, AT_SYMLINK_NOFOLLOW) != 0)
        return 0;
    *device = info.st_dev;
    return info.st_ino;
}

/* 0: there is no database. */
static int look(obs__identity *out, const obs__place *place)
{
    *out = (obs__identity){0};
    out->log = number_of(place, OBS__DATABASE "-wal", &out->device);
    out->index = number_of(place, OBS__DATABASE "-shm", &out->device);
    out->database = number_of(place, OBS__DATABASE, &out->device);
    return out->database != 0;
}

int obs__connection_current(const obs__connection *connection, const obs__place *place)
{
    const obs__identity *seen = &connection->identity;
    obs__identity now;
    return look(&now, place) && now.device == seen->device && now.database == seen->database && now.log == seen->log &&
           now.index == seen->index;
}

static int note_frames(void *user, sqlite3 *handle, const char *name, int frames)
{
    (void)handle;
    (void)name;
    ((obs__connection *)user)->log_frames = (unsigned)frames;
    return SQLITE_OK;
}

/* What holds for every connection. None of these calls can fail in a way that matters but the pragmas. */
static obs_status configure(obs__connection *connection, obs_error *error)
{
    sqlite3 *handle = connection->handle;
    int yes = 1;
    sqlite3_extended_result_codes(handle, 1);
    sqlite3_busy_timeout(handle, BUSY_MS);
    sqlite3_limit(handle, SQLITE_LIMIT_LENGTH, VALUE_LIMIT);
    sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_db_config(handle, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, NULL);
    sqlite3_db_config(handle, SQLITE_DBCONFIG_ENABLE_FKEY, 0, NULL);
    /* Closing never moves or removes the log: another process may be using it, and it stays preallocated. */
    sqlite3_db_config(handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    sqlite3_file_control(handle, "main", SQLITE_FCNTL_PERSIST_WAL, &yes);
    obs_status status = obs__connection_script(
        connection, "PRAGMA synchronous=FULL; PRAGMA temp_store=MEMORY; PRAGMA wal_autocheckpoint=0; PRAGMA cache_size=-8192",
        "cannot set up the tenant database", error);
    sqlite3_wal_hook(handle, note_frames, connection); /* after wal_autocheckpoint, which sets a hook of its own */
    return status;
}

static obs_status open_handle(obs__connection **out, const obs__place *place, int flags, obs_error *error)
{
    const char *vfs;
    *out = NULL;
    obs_status status = obs__vfs(&vfs, error);
    if (status != OBS_OK)
        return status;
    obs__connection *connection = obs__calloc(1, sizeof *connection);
    if (!connection)
        return obs__fail_memory(error);
    flags |= SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_NOFOLLOW;
    int code = sqlite3_open_v2(place->path, &connection->handle, flags, vfs);
    if (code != SQLITE_OK)
        status = obs__sqlite_fail(error, connection->handle, code, "cannot open the tenant database");
    if (status == OBS_OK)
        status = configure(connection, error);
    if (status == OBS_OK)
        *out = connection;
    else
        obs__connection_close(connection);
    return status;
}

static obs_status read_number(int64_t *out, obs__connection *connection, const char *sql, obs_error *error)
{
    sqlite3_stmt *statement = NULL;
    obs_status status = obs__connection_prepare(&statement, connection, sql, 0, error);
    if (status == OBS_OK) {
        int code = sqlite3_step(statement);
        *out = code == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
        if (code != SQLITE_ROW)
            status = obs__sqlite_fail(error, connection->handle, code, "cannot read the tenant database");
    }
    sqlite3_finalize(statement);
    return status;
}

/* Whether the database is one of ours and of a version this library knows. *is_new: nothing is in it yet. */
static obs_status check_format(obs__connection *connection, int *is_new, obs_error *error)
{
    int64_t application = 0, version = 0, tables = 0;
    obs_status status = read_number(&application, connection, "PRAGMA application_id", error);
    if (status == OBS_OK)
        status = read_number(&version, connection, "PRAGMA user_version", error);
    if (status == OBS_OK)
        status = read_number(&tables, connection, "SELECT count(*) FROM sqlite_schema", error);
    *is_new = status == OBS_OK && application == 0 && version == 0 && tables == 0;
    if (status != OBS_OK || *is_new)
        return status;
    if (application != APPLICATION_ID || version < 1)
        status = obs__fail(
            error, OBS_DATA_LOSS,
            "the tenant database is not one of this library: restore it from a copy, or run 'obsctl workspace check'");
    else if (version > FORMAT)
        status = obs__fail(error, OBS_UNIMPLEMENTED,
                           "the tenant database was made by a newer version of this library: upgrade libobs");
    if (status != OBS_OK)
        obs__detail(error, "file %s, application %lld, version %lld", sqlite3_db_filename(connection->handle, "main"),
                    (long long)application, (long long)version);
    return status;
}

static obs_status check_there(const obs__place *place, obs_error *error)
{
    obs_status status = OBS_OK;
    if (faccessat(place->folder, OBS__DATABASE, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
        return OBS_OK;
    if (errno == ENOENT)
        status = obs__fail(error, OBS_NOT_FOUND,
                           "the tenant has no database: run 'obsctl tenant create', or restore it from a copy");
    else
        status = obs__fail_system(error, errno, "cannot open the tenant database");
    obs__detail(error, "file %s", place->path);
    return status;
}

obs_status obs__connection_open(obs__connection **out, const obs__place *place, obs__access access, obs_error *error)
{
    obs__connection *connection = NULL;
    int is_new = 0;
    *out = NULL;
    obs_status status = check_there(place, error);
    if (status == OBS_OK)
        status =
            open_handle(&connection, place, access == OBS__READER_ONLY ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE, error);
    if (status == OBS_OK)
        status = check_format(connection, &is_new, error);
    if (status == OBS_OK && is_new) {
        status = obs__fail(error, OBS_DATA_LOSS,
                           "the tenant database is empty: restore it from a copy, or run 'obsctl tenant create'");
        obs__detail(error, "file %s", place->path);
    }
    if (status == OBS_OK && access == OBS__READER)
        status = obs__connection_script(connection, "PRAGMA query_only=1", "cannot set up the tenant database", error);
    /* The checks have read, so the log is open: from here on it is known which one. */
    if (status == OBS_OK && !look(&connection->identity, place))
        status = obs__fail(error, OBS_UNAVAILABLE, "the tenant database was just replaced: try again");
    if (status == OBS_OK)
        *out = connection;
    else
        obs__connection_close(connection);
    return status;
}

static obs_status make(obs__connection *connection, const obs__place *place, obs_error *error)
{
    obs_status status = obs__connection_script(connection, "PRAGMA journal_mode=WAL", "cannot make the tenant database", error);
    if (status == OBS_OK)
        status = obs__connection_script(connection,
                                        "BEGIN IMMEDIATE; PRAGMA application_id=0x4F42534A; PRAGMA user_version=1; COMMIT",
                                        "cannot make the tenant database", error);
    if (status == OBS_OK)
        status = obs__folder_sync(place->folder, "the tenant's folder", error);
    return status;
}

/* Not readable for everybody, as SQLite would make it; log and index take their rights from it. */
static obs_status make_file(const obs__place *place, obs_error *error)
{
    int fd = openat(place->folder, OBS__DATABASE, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0660);
    if (fd >= 0)
        return close(fd), OBS_OK;
    obs_status status = obs__fail_system(error, errno, "cannot make the tenant database");
    obs__detail(error, "file %s", place->path);
    return status;
}

obs_status obs__connection_create(obs__connection **out, const obs__place *place, obs_error *error)
{
    obs__connection *connection = NULL;
    int is_new = 0;
    *out = NULL;
    obs_status status = make_file(place, error);
    if (status == OBS_OK)
        status = open_handle(&connection, place, SQLITE_OPEN_READWRITE, error);
    if (status == OBS_OK)
        status = check_format(connection, &is_new, error);
    if (status == OBS_OK && is_new)
        status = make(connection, place, error);
    if (status == OBS_OK && !look(&connection->identity, place))
        status = obs__fail(error, OBS_UNAVAILABLE, "the tenant database was just removed: try again");
    if (status == OBS_OK)
        *out = connection;
    else
        obs__connection_close(connection);
    return status;
}
