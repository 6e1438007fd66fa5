#include "base/note.h"

#include <string.h>

#include "base/base64.h"
#include "base/error.h"

#define DASH "\xE2\x80\x94 " /* U+2014 and a blank */
#define ID_BYTES 4
#define TIME_BYTES 8
#define WITNESS_BYTES (TIME_BYTES + OBS__SIGNATURE_BYTES)
#define SIGNATURE_MAX (ID_BYTES + WITNESS_BYTES)

static obs_status no_note(obs_error *error, const char *why)
{
    return obs__fail(error, OBS_INVALID_ARGUMENT, "this is no signed note: %s", why);
}

/* ---- Reading. ---- */

static int is_plain_text(obs__view bytes)
{
    for (size_t i = 0; i < bytes.size; i++)
        if ((unsigned char)bytes.data[i] < ' ' && bytes.data[i] != '\n')
            return 0;
    return obs__utf8_valid(bytes.data, bytes.size);
}

/* Where the last empty line begins: the newline that ends it. 0 when there is none. */
static size_t last_empty_line(obs__view bytes)
{
    for (size_t at = bytes.size; at-- > 1;)
        if (bytes.data[at] == '\n' && bytes.data[at - 1] == '\n')
            return at;
    return 0;
}

static uint32_t big_endian(const unsigned char *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/* How many bytes base64 stands for, the first six of them in `first`; 0 when it is none. What they mean belongs to whoever
 * knows the key. */
static size_t peek(unsigned char first[6], obs__view text)
{
    size_t whole = 0;
    for (size_t at = 0; at < text.size; at += 4) {
        unsigned char group[3];
        size_t size;
        if (whole % 3 || text.size - at < 4 || !obs__base64_decode(group, &size, text.data + at, 4))
            return 0;
        if (whole < 6)
            memcpy(first + whole, group, size);
        whole += size;
    }
    return whole;
}

/* One line without its newline: dash, blank, name, blank, base64. 1 or 0. */
static int read_signature(obs__note_signature *out, obs__view line)
{
    unsigned char first[6];
    obs__view dash = obs__view_of(DASH, OBS_TEXT);
    if (!obs__starts_with(line, dash))
        return 0;
    line = (obs__view){line.data + dash.size, line.size - dash.size};
    const char *blank = line.size ? memchr(line.data, ' ', line.size) : NULL;
    if (!blank)
        return 0;
    out->name = (obs__view){line.data, (size_t)(blank - line.data)};
    out->text = (obs__view){blank + 1, line.size - out->name.size - 1};
    if (!obs__key_name_valid(out->name) || peek(first, out->text) <= ID_BYTES)
        return 0;
    out->id = big_endian(first);
    return 1;
}

static obs_status read_signatures(obs__note *out, obs__view lines, obs_error *error)
{
    if (!lines.size || lines.data[lines.size - 1] != '\n')
        return no_note(error, "it does not end with lines of signatures");
    while (lines.size) {
        size_t size = (size_t)((const char *)memchr(lines.data, '\n', lines.size) - lines.data);
        if (out->count == OBS__NOTE_SIGNATURES)
            return no_note(error, "it has too many signatures");
        if (!read_signature(&out->signatures[out->count++], (obs__view){lines.data, size}))
            return no_note(error, "a line of its signatures cannot be read");
        lines = (obs__view){lines.data + size + 1, lines.size - size - 1};
    }
    return OBS_OK;
}

obs_status obs__note_read(obs__note *out, obs__view bytes, obs_error *error)
{
    out->count = 0;
    out->text = (obs__view){"", 0};
    if (bytes.size > OBS__NOTE_MAX)
        return no_note(error, "it is too long");
    if (!is_plain_text(bytes))
        return no_note(error, "it is not text");
    size_t end = last_empty_line(bytes);
    if (!end)
        return no_note(error, "there is no empty line before its signatures");
    out->text = (obs__view){bytes.data, end};
    return read_signatures(out, (obs__view){bytes.data + end + 1, bytes.size - end - 1}, error);
}

/* ---- Checking and signing. ---- */

/* What a witness signs: "cosignature/v1", the time, and the note's text. */
static void add_witnessed(obs__builder *out, obs__view text, int64_t time)
{
    obs__builder_init(out, OBS__NOTE_MAX + 64);
    obs__add_format(out, "cosignature/v1\ntime %lld\n", (long long)time);
    obs__add(out, text.data, text.size);
}

static obs_status check_witness(int64_t *time, obs__view text, const obs__verifier *verifier, const unsigned char *bytes,
                                obs_error *error)
{
    obs__builder message;
    *time = (int64_t)((uint64_t)big_endian(bytes) << 32 | big_endian(bytes + 4));
    if (*time < 0)
        return obs__fail(error, OBS_UNTRUSTED, "the signature of '%s' is not right", verifier->name);
    add_witnessed(&message, text, *time);
    obs_status status = obs__builder_status(&message, error);
    if (status == OBS_OK)
        status = obs__verifier_check(verifier, (obs__view){message.data, message.size}, bytes + TIME_BYTES, error);
    obs__builder_free(&message);
    return status;
}

static obs_status check_one(int64_t *time, obs__view text, const obs__note_signature *signature, const obs__verifier *verifier,
                            obs_error *error)
{
    unsigned char bytes[SIGNATURE_MAX + 8];
    size_t size = 0;
    int is_witness = verifier->kind == OBS__KEY_WITNESS;
    if (signature->text.size > obs__base64_size(SIGNATURE_MAX) ||
        !obs__base64_decode(bytes, &size, signature->text.data, signature->text.size) ||
        size != ID_BYTES + (is_witness ? WITNESS_BYTES : OBS__SIGNATURE_BYTES))
        return obs__fail(error, OBS_UNTRUSTED, "the signature of '%s' is not right", verifier->name);
    if (is_witness)
        return check_witness(time, text, verifier, bytes + ID_BYTES, error);
    return obs__verifier_check(verifier, text, bytes + ID_BYTES, error);
}

obs_status obs__note_check(const obs__note *note, const obs__verifier *verifier, int64_t *out_time, obs_error *error)
{
    int64_t time = 0;
    int found = 0;
    obs_status status = OBS_OK;
    for (size_t i = 0; i < note->count && status == OBS_OK; i++) {
        const obs__note_signature *signature = &note->signatures[i];
        if (signature->id != verifier->id || !obs__view_is(signature->name, verifier->name))
            continue;
        found = 1;
        status = check_one(&time, note->text, signature, verifier, error);
    }
    if (out_time)
        *out_time = status == OBS_OK ? time : 0;
    if (status == OBS_OK && !found)
        status = obs__fail(error, OBS_NOT_FOUND, "there is no signature of '%s' with the key %08x", verifier->name,
                           (unsigned)verifier->id);
    return status;
}

static void put_big_endian(unsigned char *out, uint64_t number, int size)
{
    for (int i = 0; i < size; i++)
        out[i] = (unsigned char)(number >> 8 * (size - 1 - i));
}

static obs_status sign_text(unsigned char *out, obs__view text, const obs__signer *signer, int64_t time, obs_error *error)
{
    obs__builder message;
    if (obs__signer_verifier(signer)->kind == OBS__KEY_LOG)
        return obs__signer_sign(signer, out, text, error);
    put_big_endian(out, (uint64_t)time, TIME_BYTES);
    add_witnessed(&message, text, time);
    obs_status status = obs__builder_status(&message, error);
    if (status == OBS_OK)
        status = obs__signer_sign(signer, out + TIME_BYTES, (obs__view){message.data, message.size}, error);
    obs__builder_free(&message);
    return status;
}

static obs_status add_signature(obs__builder *out, obs__view text, const obs__signer *signer, int64_t time, obs_error *error)
{
    const obs__verifier *verifier = obs__signer_verifier(signer);
    unsigned char bytes[SIGNATURE_MAX];
    char base64[(SIGNATURE_MAX + 2) / 3 * 4];
    size_t size = ID_BYTES + (verifier->kind == OBS__KEY_LOG ? OBS__SIGNATURE_BYTES : WITNESS_BYTES);
    put_big_endian(bytes, verifier->id, ID_BYTES);
    obs_status status = sign_text(bytes + ID_BYTES, text, signer, time, error);
    if (status != OBS_OK)
        return status;
    obs__base64_encode(base64, bytes, size);
    obs__add_text(out, DASH);
    obs__add_text(out, verifier->name);
    obs__add_char(out, ' ');
    obs__add(out, base64, obs__base64_size(size));
    obs__add_char(out, '\n');
    return obs__builder_status(out, error);
}

obs_status obs__note_sign(obs__builder *out, obs__view text, const obs__signer *signer, int64_t time, obs_error *error)
{
    if (!text.size || text.data[text.size - 1] != '\n' || !is_plain_text(text))
        return obs__fail(error, OBS_INVALID_ARGUMENT, "only text that ends with a newline can be signed as a note");
    obs__add(out, text.data, text.size);
    obs__add_char(out, '\n');
    return add_signature(out, text, signer, time, error);
}

obs_status obs__note_cosign(obs__builder *out, obs__view bytes, const obs__signer *signer, int64_t time, obs_error *error)
{
    obs__note note;
    obs_status status = obs__note_read(&note, bytes, error);
    if (status != OBS_OK)
        return status;
    obs__add(out, bytes.data, bytes.size);
    return add_signature(out, note.text, signer, time, error);
}
