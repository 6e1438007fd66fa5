#include "base/note_key.h"

#include <stdio.h>
#include <string.h>

#include "base/base64.h"
#include "base/crypto.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/keyfile.h"
#include "base/memory.h"

#define PRIVATE "PRIVATE+KEY+"

struct obs__signer {
    obs__verifier verifier;
    unsigned char seed[OBS__KEY_BYTES];
    EVP_PKEY *key;
};

/* ---- Names and ids. ---- */

/* White space of Unicode. */
static int is_space(uint32_t c)
{
    return c == ' ' || (c >= 9 && c <= 13) || c == 0x85 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) ||
           c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

int obs__key_name_valid(obs__view name)
{
    uint32_t c = 0;
    size_t length;
    for (size_t at = 0; at < name.size; at += length) {
        length = obs__utf8_decode(&c, name.data + at, name.size - at);
        if (!length || c == '+' || c < ' ' || is_space(c))
            return 0;
    }
    return name.size > 0 && name.size <= OBS__KEY_NAME_MAX;
}

/* The first four bytes of SHA-256(name, newline, kind, key). */
static obs_status set_id(obs__verifier *verifier, obs_error *error)
{
    unsigned char message[OBS__KEY_NAME_MAX + 2 + OBS__KEY_BYTES], hash[OBS__SHA256_SIZE];
    size_t size = strlen(verifier->name);
    memcpy(message, verifier->name, size);
    message[size] = '\n';
    message[size + 1] = (unsigned char)verifier->kind;
    memcpy(message + size + 2, verifier->key, OBS__KEY_BYTES);
    obs_status status = obs__sha256(hash, message, size + 2 + OBS__KEY_BYTES, error);
    if (status == OBS_OK)
        verifier->id = (uint32_t)hash[0] << 24 | (uint32_t)hash[1] << 16 | (uint32_t)hash[2] << 8 | hash[3];
    return status;
}

/* ---- Lines. ---- */

static void add_line(obs__builder *line, const obs__verifier *verifier, const unsigned char *bytes)
{
    unsigned char whole[1 + OBS__KEY_BYTES] = {(unsigned char)verifier->kind};
    char text[64];
    memcpy(whole + 1, bytes, OBS__KEY_BYTES);
    obs__base64_encode(text, whole, sizeof whole);
    obs__add_format(line, "%s+%08x+", verifier->name, (unsigned)verifier->id);
    obs__add(line, text, obs__base64_size(sizeof whole));
    obs__wipe(whole, sizeof whole);
    obs__wipe(text, sizeof text);
}

void obs__verifier_add(obs__builder *line, const obs__verifier *verifier)
{
    add_line(line, verifier, verifier->key);
}

static obs_status no_key(obs_error *error)
{
    return obs__fail(error, OBS_INVALID_ARGUMENT, "this is no key of a log: it reads name+8 hexadecimal digits+base64");
}

/* Takes a line apart: name and kind into *out, the 32 bytes into `bytes`, the id that it states into *id. 1 or 0. */
static int take_apart(obs__verifier *out, unsigned char bytes[OBS__KEY_BYTES], uint32_t *id, obs__view line)
{
    char whole[64];
    unsigned char id_bytes[4];
    size_t size;
    if (line.size && line.data[line.size - 1] == '\n')
        line.size--;
    const char *plus = line.size ? memchr(line.data, '+', line.size) : NULL;
    obs__view name = {line.data, plus ? (size_t)(plus - line.data) : 0};
    size_t text = obs__base64_size(1 + OBS__KEY_BYTES);
    if (!obs__key_name_valid(name) || line.size != name.size + 10 + text || plus[9] != '+')
        return 0;
    char digits[9];
    snprintf(digits, sizeof digits, "%.8s", plus + 1);
    int fine = obs__unhex(id_bytes, sizeof id_bytes, digits) && obs__base64_decode(whole, &size, plus + 10, text) &&
               size == 1 + OBS__KEY_BYTES && (whole[0] == OBS__KEY_LOG || whole[0] == OBS__KEY_WITNESS);
    if (fine) {
        memcpy(out->name, name.data, name.size);
        out->kind = (obs__key_kind)whole[0];
        memcpy(bytes, whole + 1, OBS__KEY_BYTES);
        *id = (uint32_t)id_bytes[0] << 24 | (uint32_t)id_bytes[1] << 16 | (uint32_t)id_bytes[2] << 8 | id_bytes[3];
    }
    obs__wipe(whole, sizeof whole);
    return fine;
}

obs_status obs__verifier_read(obs__verifier *out, obs__view line, obs_error *error)
{
    uint32_t id;
    memset(out, 0, sizeof *out);
    if (!take_apart(out, out->key, &id, line))
        return no_key(error);
    obs_status status = set_id(out, error);
    if (status == OBS_OK && out->id != id)
        status = obs__fail(error, OBS_INVALID_ARGUMENT, "the key of '%s' does not fit its id %08x: it was not copied whole",
                           out->name, (unsigned)id);
    return status;
}

/* ---- Signatures. ---- */

/* OpenSSL's queue of errors is the program's: what is put there meanwhile is taken away again. */
static int verify(const obs__crypto *crypto, const obs__verifier *verifier, obs__view message, const unsigned char *signature)
{
    obs__crypto_enter();
    EVP_PKEY *key = EVP_PKEY_new_raw_public_key_ex(crypto->context, "ED25519", NULL, verifier->key, OBS__KEY_BYTES);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    int ready = key && context && EVP_DigestVerifyInit_ex(context, NULL, NULL, crypto->context, NULL, key, NULL) == 1;
    int result = ready ? EVP_DigestVerify(context, signature, OBS__SIGNATURE_BYTES, (const unsigned char *)message.data,
                                          message.size) == 1
                       : -1;
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(key);
    return obs__crypto_leave() && !result ? -1 : result;
}

obs_status obs__verifier_check(const obs__verifier *verifier, obs__view message,
                               const unsigned char signature[OBS__SIGNATURE_BYTES], obs_error *error)
{
    const obs__crypto *crypto;
    obs_status status = obs__crypto_get(&crypto, error);
    if (status != OBS_OK)
        return status;
    int result = verify(crypto, verifier, message, signature);
    if (result < 0)
        return obs__fail_memory(error);
    return result ? OBS_OK : obs__fail(error, OBS_UNTRUSTED, "the signature of '%s' is not right", verifier->name);
}

/* From the name, kind and seed that it has: the rest. */
static obs_status complete(obs__signer *signer, obs_error *error)
{
    const obs__crypto *crypto;
    size_t size = OBS__KEY_BYTES;
    obs_status status = obs__crypto_get(&crypto, error);
    if (status != OBS_OK)
        return status;
    signer->key = EVP_PKEY_new_raw_private_key_ex(crypto->context, "ED25519", NULL, signer->seed, OBS__KEY_BYTES);
    if (!signer->key || EVP_PKEY_get_raw_public_key(signer->key, signer->verifier.key, &size) != 1)
        return obs__fail_memory(error);
    return set_id(&signer->verifier, error);
}

obs_status obs__signer_new(obs__signer **out, const char *name, obs__key_kind kind, obs_error *error)
{
    *out = NULL;
    if (!obs__key_name_valid(obs__view_of(name, OBS_TEXT)))
        return obs__fail(error, OBS_INVALID_ARGUMENT, "'%.64s' cannot name a key: no blanks, no '+', at most %d bytes", name,
                         OBS__KEY_NAME_MAX);
    obs__signer *signer = obs__calloc(1, sizeof *signer);
    if (!signer)
        return obs__fail_memory(error);
    snprintf(signer->verifier.name, sizeof signer->verifier.name, "%s", name);
    signer->verifier.kind = kind;
    obs_status status = obs__random(signer->seed, sizeof signer->seed, error);
    if (status == OBS_OK)
        status = complete(signer, error);
    if (status == OBS_OK)
        *out = signer;
    else
        obs__signer_free(signer);
    return status;
}

static obs_status read_signer(obs__signer *signer, obs__view line, const char *path, obs_error *error)
{
    obs__view prefix = obs__view_of(PRIVATE, OBS_TEXT);
    uint32_t id;
    int fine = obs__starts_with(line, prefix) &&
               take_apart(&signer->verifier, signer->seed, &id, (obs__view){line.data + prefix.size, line.size - prefix.size});
    obs_status status = fine ? complete(signer, error) : OBS_OK;
    if (status == OBS_OK && (!fine || signer->verifier.id != id))
        status = obs__fail(error, OBS_DATA_LOSS, "the key '%s' is damaged: restore it from a backup", path);
    return status;
}

obs_status obs__signer_open(obs__signer **out, const char *path, obs_error *error)
{
    char line[OBS__KEY_LINE_MAX];
    size_t size;
    *out = NULL;
    obs_status status = obs__keyfile_read(line, sizeof line, &size, path, error);
    if (status != OBS_OK)
        return status;
    obs__signer *signer = obs__calloc(1, sizeof *signer);
    status = signer ? read_signer(signer, (obs__view){line, size}, path, error) : obs__fail_memory(error);
    obs__wipe(line, sizeof line);
    if (status == OBS_OK)
        *out = signer;
    else
        obs__signer_free(signer);
    return status;
}

obs_status obs__signer_store(const obs__signer *signer, const char *path, obs_error *error)
{
    obs__builder line;
    obs__builder_init(&line, OBS__KEY_LINE_MAX);
    /* All the room at once: a buffer that grew would leave a copy of the key behind. */
    obs__builder_room(&line, OBS__KEY_LINE_MAX - 1);
    obs__add_text(&line, PRIVATE);
    add_line(&line, &signer->verifier, signer->seed);
    obs__add_char(&line, '\n');
    obs_status status = obs__builder_status(&line, error);
    if (status == OBS_OK)
        status = obs__keyfile_create(path, line.data, line.size, error);
    obs__wipe(line.data, line.capacity);
    obs__builder_free(&line);
    return status;
}

void obs__signer_free(obs__signer *signer)
{
    if (!signer)
        return;
    EVP_PKEY_free(signer->key); /* wipes its own copy */
    obs__wipe(signer, sizeof *signer);
    obs__free(signer);
}

const obs__verifier *obs__signer_verifier(const obs__signer *signer)
{
    return &signer->verifier;
}

obs_status obs__signer_sign(const obs__signer *signer, unsigned char signature[OBS__SIGNATURE_BYTES], obs__view message,
                            obs_error *error)
{
    const obs__crypto *crypto;
    size_t size = OBS__SIGNATURE_BYTES;
    obs_status status = obs__crypto_get(&crypto, error);
    if (status != OBS_OK)
        return status;
    obs__crypto_enter();
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    int done = context && EVP_DigestSignInit_ex(context, NULL, NULL, crypto->context, NULL, signer->key, NULL) == 1 &&
               EVP_DigestSign(context, signature, &size, (const unsigned char *)message.data, message.size) == 1;
    EVP_MD_CTX_free(context);
    obs__crypto_leave();
    return done && size == OBS__SIGNATURE_BYTES ? OBS_OK : obs__fail_memory(error);
}
