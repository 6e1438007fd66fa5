/* What a key is at this moment of a transaction: what an earlier change of the same commit made of it, or what lies there. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "store/file.h"

static const char row_sql[] = "SELECT id, operation, entry, staged, size, modified FROM pending WHERE root = ?1 AND key = ?2";

/* What lies in the folder. */
static obs_status read_disk(obs__current *out, obs__file_root *root, obs__view key, obs_error *error)
{
    char room[OBS__ENTRY_INLINE];
    obs_buffer *large = NULL;
    obs__view text;
    obs_status status = obs__place_find(&out->tag, &out->form, &out->bare, root, key, NULL);
    if (status != OBS_OK && status != OBS_NOT_FOUND) /* once more, for the sentence */
        status = obs__place_find(&out->tag, &out->form, &out->bare, root, key, error);
    if (status != OBS_OK)
        return status == OBS_NOT_FOUND ? OBS_OK : status;
    out->exists = 1;
    status = obs__sidecar_read(&text, room, sizeof room, &large, root, key, error);
    if (status == OBS_OK) {
        obs__view entry = obs__sidecar_find(text, &out->tag);
        obs__add(&out->entry, entry.data, entry.size);
        status = obs__builder_status(&out->entry, error);
    }
    obs_buffer_free(large);
    return status;
}

/* Whether a staged body is still there: then it was not made visible yet. */
static int is_staged(obs__tag *tag, obs__file_root *root, const char *name)
{
    struct stat found;
    if (!*name || fstatat(root->staging, name, &found, AT_SYMLINK_NOFOLLOW) != 0)
        return 0;
    *tag = obs__tag_of(&found);
    return 1;
}

/* A row that an earlier change of this very transaction wrote goes before what lies in the folder. Rows of other processes
 * that were finished look the same, and say what the folder says. */
static void read_row(obs__current *out, obs__file_root *root, sqlite3_stmt *row)
{
    int operation = sqlite3_column_int(row, 1);
    const char *staged = (const char *)sqlite3_column_text(row, 3);
    if (sqlite3_column_int64(row, 0) <= atomic_load(&root->finished_id))
        return;
    if (operation == OBS__ROW_REMOVE) {
        out->exists = 0;
        return;
    }
    if (operation == OBS__ROW_PUT && is_staged(&out->tag, root, staged ? staged : ""))
        out->exists = 1;
    else if (!out->exists || out->tag.size != (uint64_t)sqlite3_column_int64(row, 4) ||
             out->tag.modified_ns != sqlite3_column_int64(row, 5))
        return;
    obs__builder_clear(&out->entry);
    obs__add(&out->entry, sqlite3_column_text(row, 2), (size_t)sqlite3_column_bytes(row, 2));
}

obs_status obs__current_read(obs__current *out, obs__file_root *root, obs__txn *txn, obs__view key, obs_error *error)
{
    sqlite3_stmt *row = NULL;
    memset(out, 0, sizeof *out);
    obs__builder_init(&out->entry, OBS__SIDECAR_LIMIT);
    obs_status status = read_disk(out, root, key, error);
    if (status == OBS_OK)
        status = obs__txn_statement(&row, txn, row_sql, error);
    if (status != OBS_OK)
        return status;
    sqlite3_bind_text(row, 1, root->name, -1, SQLITE_STATIC);
    sqlite3_bind_blob(row, 2, key.data, (int)key.size, SQLITE_STATIC);
    int code = sqlite3_step(row);
    if (code == SQLITE_ROW)
        read_row(out, root, row);
    sqlite3_reset(row);
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        return obs__sqlite_fail(error, obs__txn_database(txn), code, "cannot read what is pending");
    return obs__builder_status(&out->entry, error);
}

void obs__current_free(obs__current *current)
{
    obs__builder_free(&current->entry);
}
