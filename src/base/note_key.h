/*
 * Keys of signed notes (C2SP signed-note v1.0.0): Ed25519 for the log itself, timestamped Ed25519 for cosignatures of
 * witnesses (C2SP tlog-cosignature).
 *
 *     night.example/audit+1a2b3c4d+AZ…           a verifier key: name, id, and in base64 the kind and 32 bytes
 *     PRIVATE+KEY+night.example/audit+1a2b3c4d+AZ…   a signer key: the same with the 32 bytes of the seed
 *
 * Both are lines as golang.org/x/mod/sumdb/note writes them.
 */
#ifndef OBS_BASE_NOTE_KEY_H
#define OBS_BASE_NOTE_KEY_H

#include "base/text.h"

#define OBS__KEY_NAME_MAX 255
#define OBS__KEY_LINE_MAX 512
#define OBS__KEY_BYTES 32
#define OBS__SIGNATURE_BYTES 64

typedef enum obs__key_kind { OBS__KEY_LOG = 1, OBS__KEY_WITNESS = 4 } obs__key_kind;

typedef struct obs__verifier {
    char name[OBS__KEY_NAME_MAX + 1];
    uint32_t id;
    obs__key_kind kind;
    unsigned char key[OBS__KEY_BYTES];
} obs__verifier;

/* 1 when a key can be called so: not empty, no blanks of any script, no `+`, not too long. */
int obs__key_name_valid(obs__view name);
/* Reads a verifier key; a final newline is fine. OBS_INVALID_ARGUMENT when it is none. */
obs_status obs__verifier_read(obs__verifier *out, obs__view line, obs_error *error);
void obs__verifier_add(obs__builder *line, const obs__verifier *verifier); /* without a newline */
/* OBS_OK, or OBS_UNTRUSTED when this is not the key's signature of these bytes. */
obs_status obs__verifier_check(const obs__verifier *verifier, obs__view message,
                               const unsigned char signature[OBS__SIGNATURE_BYTES], obs_error *error);

/* A secret key. Its memory is wiped when it is freed. */
typedef struct obs__signer obs__signer;
/* Makes a new key. */
obs_status obs__signer_new(obs__signer **out, const char *name, obs__key_kind kind, obs_error *error);
/* From and to the file that holds it (src/base/keyfile.h); one that exists is never replaced. */
obs_status obs__signer_open(obs__signer **out, const char *path, obs_error *error);
obs_status obs__signer_store(const obs__signer *signer, const char *path, obs_error *error);
void obs__signer_free(obs__signer *signer);
const obs__verifier *obs__signer_verifier(const obs__signer *signer);
obs_status obs__signer_sign(const obs__signer *signer, unsigned char signature[OBS__SIGNATURE_BYTES], obs__view message,
                            obs_error *error);

#endif
