/*
 * Signed notes (C2SP signed-note v1.0.0): text, an empty line, and who signs it.
 *
 *     20852163
 *
 *     — night.example/audit Az3grlgtzPIC…           name, and in base64 the key's id and the signature
 *     — witness.example/w1 jWbPPwAAAABk…            cosignatures: kept as they are, checked with the witness's key
 */
#ifndef OBS_BASE_NOTE_H
#define OBS_BASE_NOTE_H

#include "base/note_key.h"

#define OBS__NOTE_MAX (128 * 1024)
#define OBS__NOTE_SIGNATURES 32

typedef struct obs__note_signature {
    obs__view name;
    uint32_t id;
    obs__view text; /* base64 of id and signature */
} obs__note_signature;

/* Views on the bytes that were read. */
typedef struct obs__note {
    obs__view text; /* what is signed: with its last newline, without the empty line */
    size_t count;
    obs__note_signature signatures[OBS__NOTE_SIGNATURES];
} obs__note;

/* OBS_INVALID_ARGUMENT when these bytes are no note. Says nothing about whether a signature is right. */
obs_status obs__note_read(obs__note *out, obs__view bytes, obs_error *error);
/* Checks all signatures by this key. OBS_NOT_FOUND when there is none, OBS_UNTRUSTED when one is not right. `out_time`, in
 * seconds since 1970, is what a witness stated, 0 for a log's key; may be NULL. */
obs_status obs__note_check(const obs__note *note, const obs__verifier *verifier, int64_t *out_time, obs_error *error);
/* Writes `text` (which ends with a newline) as a note that this key signs; `time` counts for a witness's key only. */
obs_status obs__note_sign(obs__builder *out, obs__view text, const obs__signer *signer, int64_t time, obs_error *error);
/* Adds the signature of one more key to a note that was read. */
obs_status obs__note_cosign(obs__builder *out, obs__view bytes, const obs__signer *signer, int64_t time, obs_error *error);

#endif
