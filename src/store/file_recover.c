/* Rolling forward: what a commit promised becomes visible, whatever was lost after it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/memory.h"
#include "store/file.h"
#include "store/store.h"

static const char rows_sql[] = "SELECT id, operation, key, size, modified, entry, staged, body FROM pending"
                               " WHERE root = ?1 AND id > ?2 AND id <= ?3 ORDER BY id";
#define ROOTS_MAX 64

static const char roots_sql[] = "SELECT DISTINCT root FROM pending";

/* A row as it was read; its texts belong to the statement. */
typedef struct obs__row {
    int64_t id;
    int operation;
    obs__view key;
    uint64_t size;
    int64_t modified_ns;
    obs__view entry;
    const char *staged;
    int has_body;
    obs__view body;
} obs__row;

static obs__row read_row(sqlite3_stmt *statement)
{
    obs__row row = {.id = sqlite3_column_int64(statement, 0), .operation = sqlite3_column_int(statement, 1)};
    row.key = obs__view_of(sqlite3_column_blob(statement, 2), (size_t)sqlite3_column_bytes(statement, 2));
    row.size = (uint64_t)sqlite3_column_int64(statement, 3);
    row.modified_ns = sqlite3_column_int64(statement, 4);
    row.entry = obs__view_of((const char *)sqlite3_column_text(statement, 5), (size_t)sqlite3_column_bytes(statement, 5));
    row.staged = (const char *)sqlite3_column_text(statement, 6);
    row.has_body = sqlite3_column_type(statement, 7) != SQLITE_NULL;
    row.body = obs__view_of(sqlite3_column_blob(statement, 7), (size_t)sqlite3_column_bytes(statement, 7));
    return row;
}

/* Whether the bytes of an open file are those that an entry describes. */
static obs_status matches(int *out, int fd, uint64_t size, obs__view entry, obs_error *error)
{
    struct stat found;
    uint32_t crc = 0;
    char *room = obs__alloc(OBS__BLOCK_SIZE);
    *out = fstat(fd, &found) == 0 && (uint64_t)found.st_size == size;
    for (uint64_t at = 0; room && *out && at < size; at += OBS__BLOCK_SIZE) {
        size_t piece = size - at < OBS__BLOCK_SIZE ? (size_t)(size - at) : OBS__BLOCK_SIZE;
        ssize_t got = pread(fd, room, piece, (off_t)at);
        *out = got == (ssize_t)piece && obs__entry_crc(&crc, entry, at / OBS__BLOCK_SIZE) && crc == obs__crc32c(0, room, piece);
    }
    obs__free(room);
    return room ? OBS_OK : obs__fail_memory(error);
}

/* The sidecar of the body in place, anew. */
static obs_status write_sidecar(obs__file_root *root, const obs__row *row, const obs__tag *tag, obs_error *error)
{
    char name[OBS__STAGED_SIZE];
    obs__builder text;
    obs_status status = obs__file_stage_name(name, root, error);
    if (status != OBS_OK)
        return status;
    status = obs__sidecar_write(&text, NULL, (obs__view){"", 0}, tag, row->entry, error);
    if (status == OBS_OK)
        status = obs__file_stage(NULL, root, name, text.data, text.size, 0, error);
    if (status == OBS_OK)
        status = obs__place_put(root, OBS__SIDECARS, row->key, OBS__KEY_BESIDE, name, error);
    obs__builder_free(&text);
    return status;
}

/* The right bytes are in place: they get their time and their entry, unless they have them. Only who made a file may set its
 * time: what another user of a shared workspace left is then put in place anew (*done 0). */
static obs_status set_right(int *done, obs__file_root *root, const obs__row *row, obs__source *source, obs_error *error)
{
    struct stat found;
    *done = 1;
    if (source->modified_ns == row->modified_ns && obs__view_equal(source->entry, row->entry))
        return OBS_OK;
    struct timespec times[2] = {{0, UTIME_OMIT}, {row->modified_ns / 1000000000, row->modified_ns % 1000000000}};
    int code = source->modified_ns == row->modified_ns ? 0 : futimens(source->fd, times);
    if (code != 0 && errno == EPERM && row->operation == OBS__ROW_PUT) {
        *done = 0;
        return OBS_OK;
    }
    if (code != 0 || fstat(source->fd, &found) != 0)
        return obs__fail_system(error, errno, "cannot set the time of '%.*s'", (int)row->key.size, row->key.data);
    obs__tag tag = obs__tag_of(&found);
    return write_sidecar(root, row, &tag, error);
}

/* Whether another tenant of a shared root has gone on since. */
static int is_newer(const obs__file_root *root, const obs__row *row, const obs__source *source)
{
    return root->shared && source->modified_ns > row->modified_ns;
}

/* Whether another tenant of a shared root deleted the object since. */
static obs_status is_gone(int *out, obs__file_root *root, const obs__row *row, obs_error *error)
{
    char room[OBS__ENTRY_INLINE];
    obs_buffer *large = NULL;
    obs__view text;
    *out = 0;
    if (!root->shared)
        return OBS_OK;
    obs_status status = obs__sidecar_read(&text, room, sizeof room, &large, root, row->key, error);
    *out = status == OBS_OK && obs__sidecar_gone(text) > row->modified_ns;
    obs_buffer_free(large);
    return status;
}

/* Looks at the body in place; *done when nothing has to be moved there. */
static obs_status redo_in_place(int *done, obs__file_root *root, const obs__row *row, obs_error *error)
{
    const obs__limit none = obs__limit_in(-1, NULL);
    obs__source source;
    *done = 0;
    obs_status status = obs__file_source(&source, &root->base, row->key, &none, error);
    if (status == OBS_NOT_FOUND)
        return is_gone(done, root, row, error);
    if (status != OBS_OK)
        return status;
    *done = is_newer(root, row, &source);
    int same = 0;
    if (!*done)
        status = matches(&same, source.fd, row->size, row->entry, error);
    if (status == OBS_OK && same)
        status = set_right(done, root, row, &source, error);
    source.ops->close(&source);
    return status;
}

/* A large body in staging, made durable before the commit; *there 0: it is not (whole) there. */
static obs_status find_staged(int *there, obs__tag *tag, obs__file_root *root, const obs__row *row, obs_error *error)
{
    struct stat found;
    *there = 0;
    int fd = *row->staged ? openat(root->staging, row->staged, O_RDONLY | O_NOFOLLOW | O_CLOEXEC) : -1;
    if (fd < 0)
        return OBS_OK;
    obs_status status = matches(there, fd, row->size, row->entry, error);
    if (status == OBS_OK && fstat(fd, &found) != 0)
        status = obs__fail_system(error, errno, "cannot look at a staged object");
    if (status == OBS_OK)
        *tag = obs__tag_of(&found);
    close(fd);
    return status;
}

static obs_status redo_put(obs__file_root *root, const obs__row *row, obs_error *error)
{
    char name[OBS__STAGED_SIZE] = "";
    obs__tag tag = {0};
    obs__tag ignored;
    obs__key_form form;
    int done = 0;
    int bare;
    obs_status status = redo_in_place(&done, root, row, error);
    if (status != OBS_OK || done)
        return status;
    if (row->has_body) {
        status = obs__file_stage_name(name, root, error);
        if (status == OBS_OK)
            status = obs__file_stage(&tag, root, name, row->body.data, row->body.size, row->modified_ns, error);
    } else {
        status = find_staged(&done, &tag, root, row, error);
        /* Neither staged nor in place: damaged later; a reader and the check will say so, the others go on. */
        if (status != OBS_OK || !done)
            return status;
        snprintf(name, sizeof name, "%s", row->staged);
    }
    if (status == OBS_OK)
        status = write_sidecar(root, row, &tag, error);
    obs_status found = status == OBS_OK ? obs__place_find(&ignored, &form, &bare, root, row->key, error) : status;
    return found == OBS_OK || found == OBS_NOT_FOUND ? obs__place_put(root, OBS__BODIES, row->key, form, name, error) : found;
}

static obs_status redo_remove(obs__file_root *root, const obs__row *row, obs_error *error)
{
    obs__tag tag;
    obs__key_form form;
    int bare;
    obs_status status = obs__place_find(&tag, &form, &bare, root, row->key, error);
    int newer = status == OBS_OK && root->shared && tag.modified_ns > row->modified_ns;
    if (status == OBS_NOT_FOUND)
        status = is_gone(&newer, root, row, error);
    if (status != OBS_OK || newer)
        return status;
    char name[OBS__STAGED_SIZE] = "";
    if (root->shared) {
        status = obs__file_stage_name(name, root, error);
        if (status == OBS_OK)
            status = obs__file_stage_gone(root, name, row->modified_ns, error);
    }
    return status == OBS_OK ? obs__file_hide(root, row->key, name, error) : status;
}

static obs_status redo(obs__file_root *root, const obs__row *row, obs_error *error)
{
    int done;
    if (row->operation == OBS__ROW_PUT)
        return redo_put(root, row, error);
    return row->operation == OBS__ROW_REMOVE ? redo_remove(root, row, error) : redo_in_place(&done, root, row, error);
}

static obs_status redo_rows(int64_t *end, obs__file_root *root, obs__txn *txn, int64_t last, obs_error *error)
{
    sqlite3_stmt *rows = NULL;
    obs_status status = obs__txn_statement(&rows, txn, rows_sql, error);
    int code = SQLITE_DONE;
    *end = 0;
    if (status != OBS_OK)
        return status;
    sqlite3_bind_text(rows, 1, root->name, -1, SQLITE_STATIC);
    sqlite3_bind_int64(rows, 2, obs__file_trusted(root));
    sqlite3_bind_int64(rows, 3, last);
    while (status == OBS_OK && (code = sqlite3_step(rows)) == SQLITE_ROW) {
        obs__row row = read_row(rows);
        status = redo(root, &row, error);
        *end = row.id;
    }
    sqlite3_reset(rows);
    if (status == OBS_OK && code != SQLITE_DONE)
        return obs__sqlite_fail(error, obs__txn_database(txn), code, "cannot read what is pending");
    return status;
}

obs_status obs__file_recover(obs__file_root *root, obs__txn *txn, int64_t last, obs_error *error)
{
    int64_t end = 0;
    obs_status status = redo_rows(&end, root, txn, last, error);
    if (status != OBS_OK)
        return status;
    atomic_store(&root->behind, 0);
    if (!end)
        return OBS_OK;
    if (syncfs(root->fd) != 0)
        return obs__fail_system(error, errno, "cannot write the store '%s' to the disk", root->path);
    status = obs__file_clear_to(root, txn, end, error);
    if (status == OBS_OK)
        obs__file_mark(root, end);
    return status;
}

/* The tenant whose database this is: the name of its folder. */
static const char *tenant_of(char *room, size_t capacity, sqlite3 *database)
{
    const char *path = sqlite3_db_filename(database, "main");
    snprintf(room, capacity, "%s", path ? path : "");
    char *slash = strrchr(room, '/');
    if (!slash)
        return "";
    *slash = '\0';
    slash = strrchr(room, '/');
    return slash ? slash + 1 : room;
}

static obs_status recover_root(const char *workspace, const char *tenant, const char *name, obs__txn *txn, obs_error *error)
{
    obs__file_root *root = NULL;
    obs_status status = obs__file_root_of(&root, workspace, tenant, name, error);
    if (status == OBS_NOT_FOUND) /* a store on a disk that is not there now: its rows wait */
        return OBS_OK;
    if (status == OBS_OK)
        status = obs__file_lock(root, obs__txn_limit(txn), error);
    if (status == OBS_OK) {
        status = obs__file_recover(root, txn, INT64_MAX, error);
        if (status == OBS_OK)
            status = obs__file_sweep(root, obs__txn_database(txn), error);
        obs__file_unlock(root);
    }
    if (root)
        obs__volume_free(&root->base);
    return status;
}

/* The tenant's own store comes first, rows or none: an upload that died may have left something there. */
obs_status obs__store_recover(const char *workspace, obs__txn *txn, obs_error *error)
{
    char room[4096];
    char names[ROOTS_MAX][512];
    int count = 1;
    sqlite3_stmt *roots = NULL;
    const char *tenant = tenant_of(room, sizeof room, obs__txn_database(txn));
    snprintf(names[0], sizeof names[0], strcmp(tenant, "default") == 0 ? "store" : "tenants/%s/store", tenant);
    obs_status status = obs__txn_statement(&roots, txn, roots_sql, error);
    if (status != OBS_OK)
        return status;
    /* Copied first: recovering changes the table. More stores than that in one tenant wait for the next opener. */
    while (count < ROOTS_MAX && sqlite3_step(roots) == SQLITE_ROW) {
        const char *name = (const char *)sqlite3_column_text(roots, 0);
        if (name && strlen(name) < sizeof names[0] && strcmp(name, names[0]) != 0)
            snprintf(names[count++], sizeof names[0], "%s", name);
    }
    sqlite3_reset(roots);
    for (int i = 0; i < count && status == OBS_OK; i++)
        status = recover_root(workspace, tenant, names[i], txn, error);
    return status;
}
