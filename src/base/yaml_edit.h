/*
 * Changing one value in the text of a YAML document, so that everything else stays as somebody wrote it, comments too.
 *
 * The new text is a proposal: whoever asks reads it again and compares it with what it should say.
 */
#ifndef OBS_BASE_YAML_EDIT_H
#define OBS_BASE_YAML_EDIT_H

#include "base/text.h"

/* What to change: the value under these keys, one inside the other; of a list, the number of its item. */
typedef struct obs__yaml_change {
    const char *const *keys;
    size_t count;      /* at least 1 */
    const char *value; /* as it is to be written, on one line; NULL: removes the member, and mappings that become empty */
    int json;          /* the document is JSON: new keys are quoted */
} obs__yaml_change;

/* `text` must be readable by obs__yaml_load(). OBS_INVALID_ARGUMENT when the keys lead into something that is no mapping, or
 * nothing can be put there; OBS_NOT_FOUND when there is nothing to remove. */
obs_status obs__yaml_edit(obs__builder *out, obs__view text, const obs__yaml_change *change, obs_error *error);

#endif
