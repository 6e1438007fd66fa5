/*
 * Checkpoints (C2SP tlog-checkpoint v1.0.0), which are written as signed notes:
 *
 *     night.example/audit                           the origin: which log
 *     20852163                                      how many records
 *     CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=  the root of their tree
 *
 *     — night.example/audit Az3grlgtzPIC…           who signs
 */
#ifndef OBS_AUDIT_NOTE_H
#define OBS_AUDIT_NOTE_H

#include "audit/tree.h"
#include "base/note.h"

typedef struct obs__checkpoint {
    obs__view origin;
    uint64_t size;
    obs__tree_hash root;
} obs__checkpoint;

/* From the text of a note. OBS_INVALID_ARGUMENT when it is no checkpoint. Lines that follow the root are allowed. */
obs_status obs__checkpoint_read(obs__checkpoint *out, obs__view text, obs_error *error);
void obs__checkpoint_add(obs__builder *text, const char *origin, uint64_t size, const obs__tree_hash *root);
/* Reads a note, requires that it is a checkpoint of `origin` and that the log's key signed it. What cannot be read or is not
 * signed gives OBS_DATA_LOSS. */
obs_status obs__checkpoint_open(obs__checkpoint *out, obs__view note, const obs__verifier *verifier, obs_error *error);

#endif
