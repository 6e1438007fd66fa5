/* What a checkpoint says, as the text of a signed note. */
#include <string.h>

#include "audit/note.h"
#include "base/base64.h"
#include "base/error.h"

#define HASH_TEXT 44 /* base64 of a hash */

/* Takes the next line off the text, without its newline; an empty view at the end. */
static obs__view take_line(obs__view *text)
{
    const char *end = text->size ? memchr(text->data, '\n', text->size) : NULL;
    obs__view line = {text->data, end ? (size_t)(end - text->data) : 0};
    size_t used = end ? line.size + 1 : text->size;
    *text = (obs__view){text->data + used, text->size - used};
    return line;
}

/* Decimal, without leading zeros, up to 2^63 - 1. 1 or 0. */
static int read_size(uint64_t *out, obs__view line)
{
    *out = 0;
    if (!line.size || line.size > 19 || (line.data[0] == '0' && line.size > 1))
        return 0;
    for (size_t i = 0; i < line.size; i++) {
        if (line.data[i] < '0' || line.data[i] > '9')
            return 0;
        *out = *out * 10 + (uint64_t)(line.data[i] - '0');
    }
    return *out <= INT64_MAX;
}

static int read_root(obs__tree_hash *out, obs__view line)
{
    char bytes[HASH_TEXT];
    size_t size;
    if (line.size != HASH_TEXT || !obs__base64_decode(bytes, &size, line.data, line.size) || size != sizeof *out)
        return 0;
    memcpy(out, bytes, sizeof *out);
    return 1;
}

obs_status obs__checkpoint_read(obs__checkpoint *out, obs__view text, obs_error *error)
{
    out->origin = take_line(&text);
    int fine = out->origin.size > 0 && read_size(&out->size, take_line(&text)) && read_root(&out->root, take_line(&text));
    while (fine && text.size)
        fine = take_line(&text).size > 0;
    if (fine)
        return OBS_OK;
    return obs__fail(error, OBS_INVALID_ARGUMENT, "this is no checkpoint of a log: origin, size, root, each on a line");
}

void obs__checkpoint_add(obs__builder *text, const char *origin, uint64_t size, const obs__tree_hash *root)
{
    char base64[HASH_TEXT];
    obs__base64_encode(base64, root, sizeof *root);
    obs__add_format(text, "%s\n%llu\n", origin, (unsigned long long)size);
    obs__add(text, base64, sizeof base64);
    obs__add_char(text, '\n');
}

obs_status obs__checkpoint_open(obs__checkpoint *out, obs__view bytes, const obs__verifier *verifier, obs_error *error)
{
    obs__note note;
    obs_status status = obs__note_read(&note, bytes, error);
    if (status == OBS_OK)
        status = obs__checkpoint_read(out, note.text, error);
    if (status == OBS_INVALID_ARGUMENT)
        return obs__fail(error, OBS_DATA_LOSS, "the checkpoint cannot be read");
    if (status != OBS_OK)
        return status;
    if (!obs__view_is(out->origin, verifier->name))
        return obs__fail(error, OBS_DATA_LOSS, "the checkpoint is of another log: '%.*s' instead of '%s'",
                         out->origin.size < 128 ? (int)out->origin.size : 128, out->origin.data, verifier->name);
    status = obs__note_check(&note, verifier, NULL, error);
    if (status == OBS_NOT_FOUND)
        return obs__fail(error, OBS_DATA_LOSS, "the checkpoint is not signed with the key %08x of '%s'", (unsigned)verifier->id,
                         verifier->name);
    return status == OBS_UNTRUSTED ? obs__fail(error, OBS_DATA_LOSS, "the signature of the checkpoint is not right") : status;
}
