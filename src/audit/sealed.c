#include "audit/sealed.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "audit/tiles.h"
#include "base/error.h"
#include "base/file.h"

#define NAME "sealed"
#define FILE_MODE 0644 /* below `audit`, which decides who may come here */
#define TEXT_MAX 1024

/* ---- The note. ---- */

static obs_status damaged(obs_error *error, const char *why)
{
    return obs__fail(error, OBS_DATA_LOSS, "the file 'audit/" NAME "', which says which records are sealed, %s", why);
}

static void name_of(char out[OBS__LOG_ORIGIN_SIZE + sizeof "/" NAME], const char *origin)
{
    snprintf(out, OBS__LOG_ORIGIN_SIZE + sizeof "/" NAME, "%.*s/" NAME, OBS__LOG_ORIGIN_SIZE - 1, origin);
}

/* The text as it is written, so that reading is writing and comparing: there is one way to say it. */
static void add_text(obs__builder *text, const obs__sealed *sealed, const char *origin)
{
    char name[OBS__LOG_ORIGIN_SIZE + sizeof "/" NAME];
    name_of(name, origin);
    obs__checkpoint_add(text, name, sealed->end, &sealed->root);
    obs__add_format(text, "record %llu\n", (unsigned long long)sealed->record);
}

/* The number in the last line; 0 when there is none. */
static uint64_t record_in(obs__view text)
{
    static const char before[] = "\nrecord ";
    const char *found = text.size ? memmem(text.data, text.size, before, sizeof before - 1) : NULL;
    uint64_t number = 0;
    if (!found)
        return 0;
    for (found += sizeof before - 1; found < text.data + text.size && *found >= '0' && *found <= '9'; found++)
        number = number * 10 + (uint64_t)(*found - '0');
    return number;
}

static obs_status read_text(obs__sealed *out, obs__view text, const obs__log_place *place, obs_error *error)
{
    obs__checkpoint checkpoint;
    obs__builder again;
    if (obs__checkpoint_read(&checkpoint, text, NULL) != OBS_OK)
        return damaged(error, "cannot be read");
    obs__sealed found = {checkpoint.size, checkpoint.root, record_in(text)};
    obs__builder_init(&again, TEXT_MAX);
    add_text(&again, &found, place->origin);
    obs_status status = obs__builder_status(&again, error);
    if (status == OBS_OK && !obs__view_equal((obs__view){again.data, again.size}, text))
        status = damaged(error, "is of another log, or cannot be read");
    if (status == OBS_OK && (!found.end || found.end % OBS__TILE_WIDTH || found.record < found.end))
        status = damaged(error, "says what cannot be");
    obs__builder_free(&again);
    if (status == OBS_OK)
        *out = found;
    return status;
}

static obs_status read_note(obs__sealed *out, obs__view bytes, const obs__log_place *place, const obs__verifier *key,
                            obs_error *error)
{
    obs__note note;
    obs_error why;
    obs_error_init(&why, sizeof why);
    if (obs__note_read(&note, bytes, NULL) != OBS_OK)
        return damaged(error, "cannot be read");
    obs_status status = obs__note_check(&note, key, NULL, &why);
    if (status == OBS_NOT_FOUND || status == OBS_UNTRUSTED)
        return damaged(error, "is not signed with the log's key");
    return status == OBS_OK ? read_text(out, note.text, place, error) : obs__copy_error(error, &why);
}

obs_status obs__sealed_read(obs__sealed *out, const obs__log_place *place, const obs__verifier *key, obs_error *error)
{
    char path[PATH_MAX];
    obs_buffer *bytes = NULL;
    obs_error why;
    obs_error_init(&why, sizeof why);
    memset(out, 0, sizeof *out);
    obs_status status = obs__log_path(path, sizeof path, place->workspace, NAME, &why);
    if (status == OBS_OK)
        status = obs__file_read(&bytes, AT_FDCWD, path, OBS__NOTE_MAX, &why);
    if (status == OBS_NOT_FOUND)
        return OBS_OK;
    if ((status == OBS_RESOURCE_EXHAUSTED && !obs__lacks_memory(&why)) || status == OBS_FAILED_PRECONDITION)
        return damaged(error, "cannot be read");
    if (status != OBS_OK)
        return obs__copy_error(error, &why);
    status = read_note(out, (obs__view){obs_buffer_data(bytes), obs_buffer_size(bytes)}, place, key, error);
    obs_buffer_free(bytes);
    return status;
}

obs_status obs__sealed_write(const obs__sealed *sealed, const obs__log_place *place, const obs__signer *signer,
                             obs_error *error)
{
    char path[PATH_MAX];
    obs__builder text, note;
    obs__builder_init(&text, TEXT_MAX);
    obs__builder_init(&note, OBS__NOTE_MAX);
    add_text(&text, sealed, place->origin);
    obs_status status = obs__builder_status(&text, error);
    if (status == OBS_OK)
        status = obs__note_sign(&note, (obs__view){text.data, text.size}, signer, 0, error);
    if (status == OBS_OK)
        status = obs__log_path(path, sizeof path, place->workspace, NAME, error);
    if (status == OBS_OK)
        status = obs__file_write(AT_FDCWD, path, note.data, note.size, FILE_MODE, error);
    obs__builder_free(&text);
    obs__builder_free(&note);
    return status;
}

/* ---- The record. ---- */

obs_status obs__sealed_says(int *out, obs__view bytes, uint64_t end, obs_error *error)
{
    obs__audit_leaf leaf;
    *out = 0;
    /* Most records are of something else. */
    if (!bytes.size || !memmem(bytes.data, bytes.size, "\"" OBS__SEAL_ACTION "\"", sizeof OBS__SEAL_ACTION + 1))
        return OBS_OK;
    obs_status status = obs__audit_leaf_read(&leaf, bytes, error);
    if (status != OBS_OK)
        return status == OBS_DATA_LOSS ? OBS_OK : status;
    *out = strcmp(leaf.action, OBS__SEAL_ACTION) == 0 && strcmp(leaf.kind, "change") == 0 && strcmp(leaf.status, "OK") == 0 &&
           leaf.count >= 0 && (uint64_t)leaf.count == end;
    obs__audit_leaf_free(&leaf);
    return OBS_OK;
}
