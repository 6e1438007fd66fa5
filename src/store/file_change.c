/* Changes as effects: a row in the commit, renames after it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "store/file.h"

/* The table of what was committed but may not be visible or durable in the folder yet; one row for each key. Ids grow for
 * ever: the row with the largest one is never deleted. */
const char obs__store_schema[] = "CREATE TABLE IF NOT EXISTS pending ("
                                 " id INTEGER PRIMARY KEY, root TEXT NOT NULL, key BLOB NOT NULL, operation INTEGER NOT NULL,"
                                 " size INTEGER NOT NULL, modified INTEGER NOT NULL, entry TEXT NOT NULL, staged TEXT NOT NULL,"
                                 " body BLOB, UNIQUE (root, key))";

static const char put_sql[] = "INSERT OR REPLACE INTO pending (id, root, key, operation, size, modified, entry, staged, body)"
                              " VALUES ((SELECT coalesce(max(id), 0) + 1 FROM pending), ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
static const char relabel_sql[] =
    "UPDATE pending SET id = (SELECT max(id) + 1 FROM pending), entry = ?3 WHERE root = ?1 AND key = ?2 AND operation <> 2";

typedef struct obs__file_effect {
    obs__effect base;
    obs__file_root *root;
    unsigned generation; /* of the process whose staging files these are, and whose locks */
    int operation;
    int relabels;  /* a DESCRIBE whose entry is made from the current one */
    obs__view key; /* behind this struct, as the condition's texts */
    obs__condition condition;
    obs__builder entry;
    obs__builder body; /* a small body */
    obs__tag tag;      /* of the body */
    obs_pair *labels;  /* to be merged */
    size_t label_count;
    char staged[OBS__STAGED_SIZE];
    int has_body; /* files in staging that are ours to remove */
    int has_meta;
    int locked; /* holds the lock of a shared root */
    obs__key_form form;
    int64_t id;     /* of the row */
    int64_t clears; /* rows up to this one were deleted */
} obs__file_effect;

static void meta_name(char out[OBS__STAGED_SIZE + 8], const obs__file_effect *self)
{
    snprintf(out, OBS__STAGED_SIZE + 8, "%s.meta", self->staged);
}

static obs_status insert_row(obs__file_effect *self, obs__txn *txn, obs_error *error)
{
    sqlite3_stmt *row = NULL;
    obs_status status = obs__txn_statement(&row, txn, put_sql, error);
    if (status != OBS_OK)
        return status;
    sqlite3_bind_text(row, 1, self->root->name, -1, SQLITE_STATIC);
    sqlite3_bind_blob(row, 2, self->key.data, (int)self->key.size, SQLITE_STATIC);
    sqlite3_bind_int(row, 3, self->operation);
    sqlite3_bind_int64(row, 4, (int64_t)self->tag.size);
    sqlite3_bind_int64(row, 5, self->tag.modified_ns);
    sqlite3_bind_text64(row, 6, self->entry.data ? self->entry.data : "", self->entry.size, SQLITE_STATIC, SQLITE_UTF8);
    sqlite3_bind_text(row, 7, self->staged, -1, SQLITE_STATIC);
    if (self->operation == OBS__ROW_PUT && self->tag.size <= OBS__SMALL_SIZE)
        sqlite3_bind_blob64(row, 8, self->body.data ? self->body.data : "", self->body.size, SQLITE_STATIC);
    status = obs__txn_run(txn, row, error);
    self->id = sqlite3_last_insert_rowid(obs__txn_database(txn));
    return status;
}

/* A row of an earlier change that is still there takes the new entry; its place in the order is ours then. */
static obs_status update_row(int *updated, obs__file_effect *self, obs__txn *txn, obs_error *error)
{
    sqlite3_stmt *row = NULL;
    obs_status status = obs__txn_statement(&row, txn, relabel_sql, error);
    if (status != OBS_OK)
        return status;
    sqlite3_bind_text(row, 1, self->root->name, -1, SQLITE_STATIC);
    sqlite3_bind_blob(row, 2, self->key.data, (int)self->key.size, SQLITE_STATIC);
    sqlite3_bind_text64(row, 3, self->entry.data, self->entry.size, SQLITE_STATIC, SQLITE_UTF8);
    status = obs__txn_run(txn, row, error);
    *updated = sqlite3_changes(obs__txn_database(txn)) > 0;
    return status;
}

/* Writes the sidecar that finish() puts in place: with the entry of the body that is there until then. */
static obs_status stage_sidecar(obs__file_effect *self, const obs__current *current, obs_error *error)
{
    obs__builder text;
    char name[OBS__STAGED_SIZE + 8];
    int keep = self->operation == OBS__ROW_PUT && current->exists;
    obs__view before = {current->entry.data, keep ? current->entry.size : 0};
    obs__view entry = {self->entry.data, self->entry.size};
    meta_name(name, self);
    obs_status status = obs__sidecar_write(&text, &current->tag, before, &self->tag, entry, error);
    if (status == OBS_OK)
        status = obs__file_stage(NULL, self->root, name, text.data, text.size, 0, error);
    self->has_meta = status == OBS_OK;
    obs__builder_free(&text);
    return status;
}

/* Makes the folders before the commit, so that a full disk is noticed while nothing is promised yet. */
static obs_status make_folders(obs__file_effect *self, obs_error *error)
{
    obs__place place;
    obs_status status = obs__place_open(&place, self->root, OBS__BODIES, self->key, self->form, 1, error);
    if (status != OBS_OK)
        return status;
    obs__place_close(&place);
    status = obs__place_open(&place, self->root, OBS__SIDECARS, self->key, OBS__KEY_BESIDE, 1, error);
    if (status == OBS_OK)
        obs__place_close(&place);
    return status;
}

static obs_status check(obs__file_effect *self, const obs__current *current, obs_error *error)
{
    char changed[OBS__CHANGED_ETAG_SIZE];
    obs__view etag = obs__entry_field((obs__view){current->entry.data, current->entry.size}, "etag");
    if (!current->exists) {
        etag = (obs__view){"", 0};
    } else if (!current->entry.size) {
        obs__changed_etag(changed, &current->tag);
        etag = obs__view_of(changed, OBS_TEXT);
    }
    return obs__condition_check(&self->condition, self->key, etag, error);
}

static obs_status apply_put(obs__file_effect *self, const obs__current *current, obs__txn *txn, obs_error *error)
{
    self->form = current->form;
    obs_status status = current->bare ? make_folders(self, error) : OBS_OK;
    if (status == OBS_OK)
        status = stage_sidecar(self, current, error);
    return status == OBS_OK ? insert_row(self, txn, error) : status;
}

/* The entry anew with other labels. */
static obs_status relabel(obs__file_effect *self, const obs__current *current, obs_error *error)
{
    obs__view entry = {current->entry.data, current->entry.size};
    if (!entry.size)
        return obs__fail(error, OBS_FAILED_PRECONDITION, "'%.*s' was changed by another program: adopt it first",
                         (int)self->key.size, self->key.data);
    obs__builder_free(&self->entry);
    self->tag = current->tag;
    return obs__entry_relabel(&self->entry, entry, self->labels, self->label_count, error);
}

static obs_status apply_describe(obs__file_effect *self, const obs__current *current, obs__txn *txn, obs_error *error)
{
    int updated = 0;
    obs_status status = OBS_OK;
    if (self->relabels)
        status = relabel(self, current, error);
    else if (!obs__tag_equal(&self->tag, &current->tag))
        status = obs__fail(error, OBS_ABORTED, "'%.*s' was changed meanwhile: try again", (int)self->key.size, self->key.data);
    if (status == OBS_OK)
        status = stage_sidecar(self, current, error);
    if (status == OBS_OK && self->relabels)
        status = update_row(&updated, self, txn, error);
    if (status != OBS_OK || !updated)
        return status == OBS_OK ? insert_row(self, txn, error) : status;
    return obs__file_last_id(&self->id, txn, error);
}

obs_status obs__file_stage_gone(obs__file_root *root, const char *name, int64_t when_ns, obs_error *error)
{
    obs__builder text;
    obs_status status = obs__sidecar_write_gone(&text, when_ns, error);
    if (status == OBS_OK)
        status = obs__file_stage(NULL, root, name, text.data, text.size, 0, error);
    obs__builder_free(&text);
    return status;
}

static obs_status apply_remove(obs__file_effect *self, obs__txn *txn, obs_error *error)
{
    char name[OBS__STAGED_SIZE + 8];
    meta_name(name, self);
    if (self->root->shared) {
        obs_status status = obs__file_stage_gone(self->root, name, self->tag.modified_ns, error);
        if (status != OBS_OK)
            return status;
        self->has_meta = 1;
    }
    return insert_row(self, txn, error);
}

static obs_status file_apply(obs__effect *effect, obs__txn *txn, obs_error *error)
{
    obs__file_effect *self = (obs__file_effect *)effect;
    obs__current current = {0};
    obs_status status = self->locked ? OBS_OK : obs__file_lock(self->root, obs__txn_limit(txn), error);
    if (status != OBS_OK)
        return status;
    self->locked = 1;
    status = obs__file_clear(&self->clears, self->root, txn, error);
    if (status == OBS_OK && atomic_load(&self->root->behind))
        status = obs__file_recover(self->root, txn, atomic_load(&self->root->behind), error);
    if (status == OBS_OK)
        status = obs__current_read(&current, self->root, txn, self->key, error);
    if (status == OBS_OK)
        status = check(self, &current, error);
    if (status == OBS_OK && self->operation == OBS__ROW_PUT)
        status = apply_put(self, &current, txn, error);
    else if (status == OBS_OK && self->operation == OBS__ROW_DESCRIBE)
        status = apply_describe(self, &current, txn, error);
    else if (status == OBS_OK)
        status = apply_remove(self, txn, error);
    obs__current_free(&current);
    return status;
}

/* The sidecar first: whoever sees the new body finds its entry. */
static obs_status show(obs__file_effect *self)
{
    char name[OBS__STAGED_SIZE + 8];
    meta_name(name, self);
    obs_status status = obs__place_put(self->root, OBS__SIDECARS, self->key, OBS__KEY_BESIDE, name, NULL);
    if (status == OBS_OK && self->operation == OBS__ROW_PUT)
        status = obs__place_put(self->root, OBS__BODIES, self->key, self->form, self->staged, NULL);
    return status;
}

obs_status obs__file_hide(obs__file_root *root, obs__view key, const char *gone, obs_error *error)
{
    obs_status status = obs__place_remove(root, OBS__BODIES, key, OBS__KEY_PLAIN, error);
    if (status == OBS_OK)
        status = obs__place_remove(root, OBS__BODIES, key, OBS__KEY_BESIDE, error);
    if (status != OBS_OK)
        return status;
    if (root->shared)
        return obs__place_put(root, OBS__SIDECARS, key, OBS__KEY_BESIDE, gone, error);
    return obs__place_remove(root, OBS__SIDECARS, key, OBS__KEY_BESIDE, error);
}

static obs_status hide(obs__file_effect *self)
{
    char name[OBS__STAGED_SIZE + 8];
    meta_name(name, self);
    return obs__file_hide(self->root, self->key, name, NULL);
}

static void file_finish(obs__effect *effect)
{
    obs__file_effect *self = (obs__file_effect *)effect;
    obs_status status = self->operation == OBS__ROW_REMOVE ? hide(self) : show(self);
    /* What could not be shown now stays in staging: the next change of this root, or the next opener, does it. */
    self->has_body = self->has_meta = 0;
    if (status == OBS_OK)
        obs__file_finished(self->root, self->id, self->body.size);
    else
        obs__file_behind(self->root, self->id);
    if (self->clears > self->root->cleared_id)
        self->root->cleared_id = self->clears;
    if (self->locked)
        obs__file_unlock(self->root);
    self->locked = 0;
}

/* What an effect that did not come to its end leaves in staging. */
static void drop_staged(obs__file_effect *self)
{
    char name[OBS__STAGED_SIZE + 8];
    meta_name(name, self);
    if (self->has_meta)
        unlinkat(self->root->staging, name, 0);
    if (self->has_body)
        unlinkat(self->root->staging, self->staged, 0);
    if (self->locked)
        obs__file_unlock(self->root);
    obs__file_settle(self->root);
}

static void file_free(obs__effect *effect)
{
    obs__file_effect *self = (obs__file_effect *)effect;
    if (self->generation == obs__generation())
        drop_staged(self);
    obs__builder_free(&self->entry);
    obs__builder_free(&self->body);
    obs__free(self->labels);
    obs__volume_free(&self->root->base);
    obs__free(self);
}

static char *keep_text(const char **out, char *room, const char *text)
{
    *out = text ? room : NULL;
    return text ? stpcpy(room, text) + 1 : room;
}

/* An effect with its own copies of key and condition. */
static obs_status new_effect(obs__file_effect **out, obs__volume *volume, int operation, obs__view key,
                             const obs__condition *condition, obs_error *error)
{
    static const obs__effect_ops ops = {.apply = file_apply, .finish = file_finish, .free = file_free};
    static const obs__condition none = {0};
    condition = condition ? condition : &none;
    size_t texts = (condition->if_match ? strlen(condition->if_match) : 0) +
                   (condition->if_none_match ? strlen(condition->if_none_match) : 0) + 2;
    obs__file_effect *self = obs__calloc(1, sizeof *self + key.size + texts);
    *out = self;
    if (!self)
        return obs__fail_memory(error);
    char *room = (char *)(self + 1);
    memcpy(room, key.data, key.size);
    self->base.ops = &ops;
    self->root = (obs__file_root *)obs__volume_retain(volume);
    self->generation = obs__generation();
    self->operation = operation;
    self->key = (obs__view){room, key.size};
    self->condition = *condition;
    room = keep_text(&self->condition.if_match, room + key.size, condition->if_match);
    keep_text(&self->condition.if_none_match, room, condition->if_none_match);
    obs__builder_init(&self->entry, OBS__SIDECAR_LIMIT);
    obs__builder_init(&self->body, OBS__SMALL_SIZE);
    return OBS_OK;
}

static obs_status set_entry(obs__file_effect *self, obs__view entry, obs_error *error)
{
    obs__add(&self->entry, entry.data, entry.size);
    return obs__builder_status(&self->entry, error);
}

/* Takes the body over: large ones lie in staging already, small ones are written there now, on the caller's own thread. */
static obs_status take_body(obs__file_effect *self, obs__body *body, obs_error *error)
{
    if (body->fd >= 0) {
        memcpy(self->staged, body->staged, sizeof self->staged);
        self->tag = (obs__tag){body->inode, body->digest.size, body->modified_ns};
        body->staged[0] = '\0';
        self->has_body = 1;
        return OBS_OK;
    }
    self->body = body->small;
    obs__builder_init(&body->small, OBS__SMALL_SIZE);
    obs_status status = obs__file_stage_name(self->staged, self->root, error);
    if (status == OBS_OK)
        status =
            obs__file_stage(&self->tag, self->root, self->staged, self->body.data, self->body.size, body->modified_ns, error);
    self->has_body = status == OBS_OK;
    return status;
}

obs_status obs__file_put(obs__effect **out, obs__volume *volume, const obs__draft *draft, obs_error *error)
{
    obs__file_effect *self = NULL;
    obs_status status = new_effect(&self, volume, OBS__ROW_PUT, draft->key, &draft->condition, error);
    if (status == OBS_OK)
        status = set_entry(self, draft->entry, error);
    if (status == OBS_OK)
        status = take_body(self, draft->body, error);
    if (status != OBS_OK && self)
        file_free(&self->base);
    *out = status == OBS_OK ? &self->base : NULL;
    return status;
}

obs_status obs__file_remove(obs__effect **out, obs__volume *volume, obs__view key, const obs__condition *condition,
                            obs_error *error)
{
    obs__file_effect *self = NULL;
    obs_status status = new_effect(&self, volume, OBS__ROW_REMOVE, key, condition, error);
    if (status == OBS_OK)
        status = obs__file_stage_name(self->staged, self->root, error);
    if (status != OBS_OK && self)
        file_free(&self->base);
    if (status == OBS_OK)
        self->tag.modified_ns = obs__write_time();
    *out = status == OBS_OK ? &self->base : NULL;
    return status;
}

obs_status obs__file_relabel(obs__effect **out, obs__volume *volume, obs__view key, const obs_pair *labels, size_t count,
                             obs_error *error)
{
    const obs__condition condition = {.must_exist = 1};
    obs__file_effect *self = NULL;
    obs_status status = new_effect(&self, volume, OBS__ROW_DESCRIBE, key, &condition, error);
    if (status == OBS_OK)
        status = obs__pairs_copy(&self->labels, labels, count, error);
    if (status == OBS_OK)
        status = obs__file_stage_name(self->staged, self->root, error);
    if (status != OBS_OK && self)
        file_free(&self->base);
    if (status == OBS_OK) {
        self->label_count = count;
        self->relabels = 1;
    }
    *out = status == OBS_OK ? &self->base : NULL;
    return status;
}

obs_status obs__file_describe(obs__effect **out, obs__volume *volume, obs__view key, obs__source *source, obs__view entry,
                              obs_error *error)
{
    const obs__condition condition = {.must_exist = 1};
    obs__file_effect *self = NULL;
    struct stat found;
    /* Another tool wrote the bytes: whether it also synced them is not known. */
    if (fsync(source->fd) != 0 || fstat(source->fd, &found) != 0)
        return obs__fail_system(error, errno, "cannot write '%.*s' to the disk", (int)key.size, key.data);
    obs_status status = new_effect(&self, volume, OBS__ROW_DESCRIBE, key, &condition, error);
    if (status == OBS_OK)
        status = set_entry(self, entry, error);
    if (status == OBS_OK)
        status = obs__file_stage_name(self->staged, self->root, error);
    if (status != OBS_OK && self)
        file_free(&self->base);
    if (status == OBS_OK)
        self->tag = (obs__tag){(uint64_t)found.st_ino, source->size, source->modified_ns};
    *out = status == OBS_OK ? &self->base : NULL;
    return status;
}
