/* What the log is signed with, and what was said about it outside: the reasons not to go on. */
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "audit/round.h"
#include "base/error.h"
#include "base/file.h"
#include "base/keyfile.h"

#define CHECKPOINT_MODE 0644 /* below `audit`, which decides who may come here */
#define PUBLIC_MODE 0644

void obs__log_origin(char out[OBS__LOG_ORIGIN_SIZE], const char *workspace_id)
{
    snprintf(out, OBS__LOG_ORIGIN_SIZE, "audit.obs.internal/%.40s", workspace_id);
}

obs_status obs__log_path(char *out, size_t capacity, const char *base, const char *name, obs_error *error)
{
    int size = snprintf(out, capacity, "%s/audit%s%s", base, *name ? "/" : "", name);
    if (size > 0 && (size_t)size < capacity)
        return OBS_OK;
    return obs__fail(error, OBS_INVALID_ARGUMENT, "the path of the audit log is longer than %zu bytes", capacity - 1);
}

obs_status obs__log_key(obs__verifier *out, const obs__log_place *place, obs_error *error)
{
    char path[PATH_MAX];
    obs_buffer *line = NULL;
    obs_status status = obs__log_path(path, sizeof path, place->state, "key.pub", error);
    if (status == OBS_OK)
        status = obs__file_read_trusted(&line, path, OBS__KEY_LINE_MAX, error);
    if (status == OBS_OK)
        status = obs__verifier_read(out, (obs__view){obs_buffer_data(line), obs_buffer_size(line)}, error);
    obs_buffer_free(line);
    return status;
}

obs_status obs__log_folder(int *out, obs__verifier *key, const obs__log_place *place, obs_error *error)
{
    char path[PATH_MAX];
    obs_status status = obs__log_key(key, place, error);
    if (status == OBS_OK)
        status = obs__log_path(path, sizeof path, place->workspace, "log", error);
    return status == OBS_OK ? obs__open_at(out, AT_FDCWD, path, O_RDONLY | O_DIRECTORY, 0, error) : status;
}

/* ---- The way out of what must not go on. ---- */

static void add_remedy(const obs__round *round, obs_error *error)
{
    obs__detail(error,
                "restore 'audit' and 'tenants' of %.120s from a later state; if there is none, move %.120s/audit/log, its "
                "audit/runs and %.120s/audit aside together: a new log begins, and the old ones stay as evidence",
                round->place->workspace, round->place->workspace, round->place->state);
}

static obs_status refuse(const obs__round *round, obs_error *error, const char *why)
{
    obs_status status = obs__fail(
        error, OBS_DATA_LOSS, "the audit log must not go on: %s (run 'obsctl audit verify'; the detail says what to do)", why);
    add_remedy(round, error);
    return status;
}

/* ---- The key. ---- */

/* Where tiles are there was a log, whatever became of its key or checkpoint. */
static int has_tiles(const obs__round *round)
{
    int fd;
    if (obs__open_at(&fd, round->log, "tile", O_PATH | O_DIRECTORY, 0, NULL) != OBS_OK)
        return 0;
    close(fd);
    return 1;
}

static obs_status make_key(obs__round *round, const char *path, obs_error *error)
{
    char public[PATH_MAX];
    obs__builder line;
    obs_status status = obs__log_path(public, sizeof public, round->place->state, "key.pub", error);
    if (status == OBS_OK)
        status = obs__signer_new(&round->signer, round->place->origin, OBS__KEY_LOG, error);
    if (status != OBS_OK)
        return status;
    obs__builder_init(&line, OBS__KEY_LINE_MAX);
    obs__verifier_add(&line, obs__signer_verifier(round->signer));
    obs__add_char(&line, '\n');
    status = obs__builder_status(&line, error);
    /* The public half first: with the key there is always what verifies. */
    if (status == OBS_OK)
        status = obs__file_write(AT_FDCWD, public, line.data, line.size, PUBLIC_MODE, error);
    if (status == OBS_OK)
        status = obs__signer_store(round->signer, path, error);
    obs__builder_free(&line);
    return status;
}

static obs_status open_key(obs__round *round, obs_error *error)
{
    char path[PATH_MAX];
    obs_status status = obs__log_path(path, sizeof path, round->place->state, "key", error);
    if (status == OBS_OK)
        status = obs__signer_open(&round->signer, path, error);
    if (status == OBS_OK && strcmp(obs__signer_verifier(round->signer)->name, round->place->origin) != 0)
        return obs__fail(error, OBS_FAILED_PRECONDITION, "the key '%s' is of another log", path);
    if (status != OBS_NOT_FOUND)
        return status;
    if (!round->note && !has_tiles(round))
        return make_key(round, path, error);
    status = obs__fail(error, OBS_FAILED_PRECONDITION,
                       "the key of the audit log is not here: copy '%.200s' from the machine that wrote the log", path);
    add_remedy(round, error);
    return status;
}

/* ---- Anchors. ---- */

static obs__anchor *anchor_at(const obs__round *round, size_t i)
{
    return i ? round->place->anchors[i - 1] : round->own;
}

/* That the log goes on from what this anchor was told last. */
static obs_status check_told(obs__round *round, const char *name, obs__view note, obs_error *error)
{
    char why[160];
    obs__checkpoint told;
    obs__tiles *tiles = NULL;
    obs__tree_hash root;
    obs_status status = obs__checkpoint_open(&told, note, obs__signer_verifier(round->signer), error);
    if (status != OBS_OK && status != OBS_DATA_LOSS)
        return status; /* it could not be looked at, which says nothing about it */
    if (status != OBS_OK) {
        snprintf(why, sizeof why, "its anchor '%.100s' is not signed with its key", name);
        return refuse(round, error, why);
    }
    if (told.size > round->checkpoint.size) {
        snprintf(why, sizeof why, "it has %llu records, its anchor says %llu: it was restored from a backup, or cut",
                 (unsigned long long)round->checkpoint.size, (unsigned long long)told.size);
        return refuse(round, error, why);
    }
    status = obs__tiles_open(&tiles, round->log, round->checkpoint.size, round->hasher, error);
    if (status != OBS_OK)
        return status;
    obs__tree_reader reader = obs__tiles_reader(tiles);
    status = told.size == round->checkpoint.size ? OBS_OK : obs__tree_root_at(&root, round->hasher, &reader, told.size, error);
    obs__tiles_free(tiles);
    if (status != OBS_OK)
        return status;
    if (!obs__tree_equal(told.size == round->checkpoint.size ? &round->checkpoint.root : &root, &told.root)) {
        snprintf(why, sizeof why, "its first %llu records are not those that its anchor was told",
                 (unsigned long long)told.size);
        return refuse(round, error, why);
    }
    round->anchored = told.size < round->anchored ? told.size : round->anchored;
    return OBS_OK;
}

static int is_away(obs_status status)
{
    return status == OBS_UNAVAILABLE || status == OBS_DEADLINE_EXCEEDED;
}

static obs_status check_anchor(obs__round *round, size_t i, int *asked, obs_error *error)
{
    obs__anchor *anchor = anchor_at(round, i);
    obs_buffer *last;
    obs_status status = anchor->ops->read_last(&last, anchor, error);
    if (is_away(status))
        return OBS_OK;
    *asked |= status == OBS_OK;
    if (status != OBS_OK)
        return status;
    obs__view note = {obs_buffer_data(round->note), obs_buffer_size(round->note)};
    if (last)
        status = check_told(round, anchor->name, (obs__view){obs_buffer_data(last), obs_buffer_size(last)}, error);
    else if (round->checkpoint.size && !i)
        status = refuse(round, error, "its anchor was removed");
    else
        status = anchor->ops->write(anchor, note, error); /* a new one */
    obs_buffer_free(last);
    return is_away(status) ? OBS_OK : status;
}

static obs_status check_anchors(obs__round *round, obs_error *error)
{
    obs_status status = OBS_OK;
    int asked = 0;
    round->anchored = round->checkpoint.size;
    for (size_t i = 0; i <= round->place->anchor_count && status == OBS_OK; i++)
        status = check_anchor(round, i, &asked, error);
    if (status == OBS_OK && !asked)
        status = obs__fail(error, OBS_UNAVAILABLE, "no anchor of the audit log can be asked now");
    return status;
}

obs_status obs__custody_tell(obs__round *round, obs_error *error)
{
    obs__view note = {obs_buffer_data(round->note), obs_buffer_size(round->note)};
    obs_status first = OBS_OK;
    for (size_t i = 0; i <= round->place->anchor_count; i++) {
        obs_error failure;
        obs__anchor *anchor = anchor_at(round, i);
        obs_error_init(&failure, sizeof failure);
        obs_status status = anchor->ops->write(anchor, note, &failure);
        if (status != OBS_OK && first == OBS_OK)
            first = is_away(status) ? obs__fail(error, OBS_UNAVAILABLE, "the anchor '%s' cannot be told now", anchor->name)
                                    : obs__copy_error(error, &failure);
    }
    return first;
}

/* ---- The checkpoint. ---- */

static obs_status read_note(obs__round *round, obs_error *error)
{
    obs_buffer_free(round->note);
    round->note = NULL;
    obs_status status = obs__file_read(&round->note, round->log, OBS__LOG_CHECKPOINT, OBS__NOTE_MAX, error);
    return status == OBS_NOT_FOUND ? OBS_OK : status;
}

obs_status obs__custody_sign(obs__round *round, uint64_t size, const obs__tree_hash *root, obs_error *error)
{
    obs__builder text, note;
    obs__builder_init(&text, OBS__NOTE_MAX);
    obs__builder_init(&note, OBS__NOTE_MAX);
    obs__checkpoint_add(&text, round->place->origin, size, root);
    obs_status status = obs__builder_status(&text, error);
    if (status == OBS_OK)
        status = obs__note_sign(&note, (obs__view){text.data, text.size}, round->signer, 0, error);
    /* The last moment: from the next line on others build on it. */
    if (status == OBS_OK)
        status = obs__round_check(round, error);
    if (status == OBS_OK)
        status = obs__file_write(round->log, OBS__LOG_CHECKPOINT, note.data, note.size, CHECKPOINT_MODE, error);
    if (status == OBS_OK) {
        obs_buffer_free(round->note);
        round->note = NULL;
        status = obs__builder_finish(&round->note, &note, error);
    }
    obs__builder_free(&text);
    obs__builder_free(&note);
    return status;
}

/* The first checkpoint is of no records and is anchored before there are any: from then on, no checkpoint means that one was
 * removed. */
static obs_status begin_log(obs__round *round, obs_error *error)
{
    obs_buffer *last;
    obs__tree_hash root;
    if (has_tiles(round))
        return refuse(round, error, "it has no checkpoint");
    obs_status status = round->own->ops->read_last(&last, round->own, error);
    obs_buffer_free(last);
    if (status == OBS_OK && last)
        return refuse(round, error, "its checkpoint was removed");
    if (status != OBS_OK)
        return status;
    obs__tree_empty(round->hasher, &root);
    status = obs__tree_hasher_status(round->hasher, error);
    if (status == OBS_OK)
        status = obs__custody_sign(round, 0, &root, error);
    obs__view note = {obs_buffer_data(round->note), obs_buffer_size(round->note)};
    return status == OBS_OK ? round->own->ops->write(round->own, note, error) : status;
}

static obs_status open_checkpoint(obs__round *round, obs_error *error)
{
    obs_error why;
    obs_error_init(&why, sizeof why);
    obs__view note = {obs_buffer_data(round->note), obs_buffer_size(round->note)};
    obs_status status = obs__checkpoint_open(&round->checkpoint, note, obs__signer_verifier(round->signer), &why);
    if (status == OBS_DATA_LOSS)
        return refuse(round, error, why.message);
    return status == OBS_OK ? status : obs__copy_error(error, &why);
}

obs_status obs__custody_open(obs__round *round, obs_error *error)
{
    char path[PATH_MAX];
    obs_status status = obs__log_path(path, sizeof path, round->place->state, "anchor", error);
    if (status == OBS_OK)
        status = obs__anchor_folder(&round->own, path, error);
    if (status == OBS_OK)
        status = read_note(round, error);
    if (status == OBS_OK)
        status = open_key(round, error);
    if (status == OBS_OK && !round->note)
        status = begin_log(round, error);
    if (status == OBS_OK)
        status = open_checkpoint(round, error);
    return status == OBS_OK ? check_anchors(round, error) : status;
}
