#include "audit/seen.h"

#include <limits.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"

#define STATE_MODE 0700
#define KEY_MODE 0644

obs_status obs__seen_need(const obs__schedule *log, obs_error *error)
{
    obs__verifier key;
    if (!obs__schedule_is_reader(log))
        return OBS_OK;
    obs_status status = obs__log_key(&key, obs__schedule_place(log), error);
    if (status != OBS_NOT_FOUND)
        return status;
    return obs__fail(error, OBS_FAILED_PRECONDITION,
                     "the key of the audit log is not known here yet: 'obsctl audit verify --key …' with the line that 'obsctl "
                     "audit key' prints for the account of the workspace");
}

static obs_status keep_key(const obs__log_place *place, const obs__verifier *key, obs_error *error)
{
    char path[PATH_MAX];
    obs__verifier known;
    obs__builder line;
    if (obs__log_key(&known, place, NULL) == OBS_OK) /* another one was for this time only */
        return OBS_OK;
    obs_status status = obs__log_path(path, sizeof path, place->state, "", error);
    if (status == OBS_OK)
        status = obs__folder_make(AT_FDCWD, path, STATE_MODE, error);
    if (status == OBS_OK)
        status = obs__log_path(path, sizeof path, place->state, "key.pub", error);
    if (status != OBS_OK)
        return status;
    obs__builder_init(&line, OBS__KEY_LINE_MAX);
    obs__verifier_add(&line, key);
    obs__add_char(&line, '\n');
    status = obs__builder_status(&line, error);
    if (status == OBS_OK)
        status = obs__file_write(AT_FDCWD, path, line.data, line.size, KEY_MODE, error);
    obs__builder_free(&line);
    return status;
}

/* The checkpoint on disk, unless a newer one than what was verified is there by now. */
static obs_status read_note(obs_buffer **out, const obs__log_place *place, const obs__verifier *key,
                            const obs__verified *verified, obs_error *error)
{
    char path[PATH_MAX];
    obs__checkpoint checkpoint;
    obs_status status = obs__log_path(path, sizeof path, place->workspace, "log/checkpoint", error);
    if (status == OBS_OK)
        status = obs__file_read(out, AT_FDCWD, path, OBS__NOTE_MAX, error);
    if (status != OBS_OK)
        return status;
    obs__view note = {obs_buffer_data(*out), obs_buffer_size(*out)};
    status = obs__checkpoint_open(&checkpoint, note, key, error);
    if (status == OBS_OK && checkpoint.size == verified->size && obs__tree_equal(&checkpoint.root, &verified->root))
        return OBS_OK;
    obs_buffer_free(*out);
    *out = NULL;
    return status;
}

static int is_same(const obs_buffer *a, const obs_buffer *b)
{
    return a && obs_buffer_size(a) == obs_buffer_size(b) &&
           memcmp(obs_buffer_data(a), obs_buffer_data(b), obs_buffer_size(b)) == 0;
}

static obs_status keep_checkpoint(const obs__log_place *place, const obs_buffer *note, obs_error *error)
{
    char path[PATH_MAX];
    obs__anchor *own = NULL;
    obs_buffer *last = NULL;
    obs_status status = obs__log_path(path, sizeof path, place->state, "anchor", error);
    if (status == OBS_OK)
        status = obs__anchor_folder(&own, path, error);
    if (status == OBS_OK)
        status = own->ops->read_last(&last, own, error);
    if (status == OBS_OK && !is_same(last, note))
        status = own->ops->write(own, (obs__view){obs_buffer_data(note), obs_buffer_size(note)}, error);
    obs_buffer_free(last);
    obs__anchor_free(own);
    return status;
}

obs_status obs__seen_keep(const obs__schedule *log, const obs__verifier *key, const obs__verified *verified, obs_error *error)
{
    const obs__log_place *place = obs__schedule_place(log);
    obs__verifier known;
    obs_buffer *note = NULL;
    if (!obs__schedule_is_reader(log))
        return OBS_OK;
    obs_status status = key ? keep_key(place, key, error) : OBS_OK;
    if (status == OBS_OK)
        status = obs__log_key(&known, place, error);
    if (status == OBS_OK)
        status = read_note(&note, place, &known, verified, error);
    if (status == OBS_OK && note)
        status = keep_checkpoint(place, note, error);
    obs_buffer_free(note);
    return status;
}
