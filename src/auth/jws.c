#include "auth/jws.h"

#include <string.h>

#include "auth/members.h"
#include "base/base64.h"
#include "base/error.h"
#include "base/memory.h"

/* The three parts as they stand in the token. */
typedef struct parts {
    obs__view header;
    obs__view payload;
    obs__view signature;
    obs__view signed_text; /* header, dot and payload */
} parts;

static obs_status refuse(obs_error *error, const char *why)
{
    return obs__fail(error, OBS_UNAUTHENTICATED, "the token is refused: %s", why);
}

/* Nothing is allocated before this says that the token has a form. */
static obs_status split(parts *out, const char *token, size_t size, obs_error *error)
{
    if (size > OBS__TOKEN_SIZE_LIMIT)
        return refuse(error, "it is longer than 16 KiB");
    const char *end = token + size;
    const char *first = memchr(token, '.', size);
    const char *second = first ? memchr(first + 1, '.', (size_t)(end - first - 1)) : NULL;
    if (!second || memchr(second + 1, '.', (size_t)(end - second - 1)))
        return refuse(error, "it has not three parts with two dots between them");
    out->header = (obs__view){token, (size_t)(first - token)};
    out->payload = (obs__view){first + 1, (size_t)(second - first - 1)};
    out->signature = (obs__view){second + 1, (size_t)(end - second - 1)};
    out->signed_text = (obs__view){token, (size_t)(second - token)};
    if (out->header.size > obs__base64url_size(OBS__TOKEN_HEADER_LIMIT))
        return refuse(error, "its header is longer than 4 KiB");
    if (out->signature.size > obs__base64url_size(OBS__SIGNATURE_LIMIT))
        return refuse(error, "its signature is longer than any key makes");
    return out->header.size && out->signature.size ? OBS_OK : refuse(error, "its header or signature is missing");
}

/* Decodes to *at and goes behind it, with room for the decoder's last bytes. */
static int decode(obs__view *out, char **at, obs__view text)
{
    size_t size;
    if (!obs__base64url_decode(*at, &size, text.data, text.size))
        return 0;
    *out = (obs__view){*at, size};
    *at += size;
    return 1;
}

typedef struct header {
    obs__json_text algorithm, id, type;
    const char *fault;
} header;

static int read_member(header *out, obs__members *members)
{
    obs__view ignored;
    if (obs__members_is(members, "alg"))
        return obs__members_text(members, &out->algorithm);
    if (obs__members_is(members, "kid"))
        return obs__members_text(members, &out->id);
    if (obs__members_is(members, "typ"))
        return obs__members_text(members, &out->type);
    if (obs__members_is(members, "crit"))
        out->fault = "it asks for an extension ('crit') that is not understood";
    else if (obs__members_is(members, "b64"))
        out->fault = "it asks for a payload that is not encoded ('b64')";
    return obs__json_skip(&members->json, &ignored);
}

/* Unescapes in place, which never makes a text longer. */
static obs__view unescape(obs__json_text text)
{
    char *data = (char *)(uintptr_t)text.raw.data;
    return (obs__view){data, text.escaped ? obs__json_unescape(data, text) : text.raw.size};
}

static obs_status read_header(obs__jws *jws, obs__view text, unsigned algorithms, obs_error *error)
{
    obs__members members;
    header found = {0};
    if (obs__members_begin(&members, text.data, text.size))
        while (obs__members_next(&members) && read_member(&found, &members))
            ;
    obs_status status = obs__members_end(&members, "the header of the token", error);
    if (status != OBS_OK)
        return status;
    if (found.fault)
        return refuse(error, found.fault);
    if (!found.algorithm.raw.data)
        return refuse(error, "its header names no algorithm ('alg')");
    const obs__algorithm_row *row = obs__algorithm_find(unescape(found.algorithm));
    if (!row || !(algorithms & row->algorithm))
        return refuse(error, "its algorithm is not one that is accepted here");
    jws->algorithm = row->algorithm;
    if (found.id.raw.data)
        jws->id = unescape(found.id);
    if (found.type.raw.data)
        jws->type = unescape(found.type);
    return OBS_OK;
}

static obs_status verify(obs__jws *jws, char *room, const parts *parts, const obs__keys *keys, unsigned algorithms,
                         obs_error *error)
{
    obs__view header, signature;
    if (!decode(&header, &room, parts->header) || !decode(&jws->payload, &room, parts->payload) ||
        !decode(&signature, &room, parts->signature))
        return refuse(error, "a part of it is not strict base64url");
    obs_status status = read_header(jws, header, algorithms, error);
    if (status == OBS_OK && !(jws->key = obs__keys_find(keys, jws->id, jws->algorithm, error)))
        status = OBS_UNAUTHENTICATED;
    if (status == OBS_OK)
        status = obs__key_verify(jws->key, jws->algorithm, parts->signed_text.data, parts->signed_text.size, signature.data,
                                 signature.size, error);
    /* With the rest, which is no secret, it is the token. */
    explicit_bzero((char *)(uintptr_t)signature.data, signature.size);
    return status;
}

obs_status obs__jws_verify(obs__jws **out, const obs__keys *keys, unsigned algorithms, const char *token, size_t size,
                           obs_error *error)
{
    parts parts = {0};
    *out = NULL;
    if (!algorithms)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "a token can only be verified with a list of accepted algorithms");
    size = size == OBS_TEXT ? strlen(token) : size;
    obs_status status = split(&parts, token, size, error);
    if (status != OBS_OK)
        return status;
    /* The decoded parts lie behind the result; together they are shorter than the token. */
    obs__jws *jws = obs__alloc(sizeof *jws + size + 8);
    if (!jws)
        return obs__fail_memory(error);
    *jws = (obs__jws){0};
    status = verify(jws, (char *)(jws + 1), &parts, keys, algorithms, error);
    if (status == OBS_OK)
        *out = jws;
    else
        obs__jws_free(jws);
    return status;
}

void obs__jws_free(obs__jws *jws)
{
    obs__free(jws);
}

static void add_header(obs__builder *out, const obs__key *key, const obs__algorithm_row *row, const char *type)
{
    obs__add_char(out, '{');
    obs__add_json_member(out, "alg", row->name);
    if (*obs__key_id(key))
        obs__add_json_member(out, "kid", obs__key_id(key));
    if (type)
        obs__add_json_member(out, "typ", type);
    obs__add_json_end(out);
}

obs_status obs__jws_sign(obs__builder *out, const obs__key *key, obs__algorithm algorithm, const char *type, obs__view payload,
                         obs_error *error)
{
    unsigned char signature[OBS__SIGNATURE_LIMIT];
    const obs__algorithm_row *row = obs__algorithm_row_of(algorithm);
    size_t begin = out->size, size = 0;
    obs__builder header;
    if (!row)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "there is no such algorithm");
    obs__builder_init(&header, OBS__TOKEN_HEADER_LIMIT);
    add_header(&header, key, row, type);
    obs_status status = obs__builder_status(&header, error);
    if (status == OBS_OK) {
        obs__add_base64url(out, header.data, header.size);
        obs__add_char(out, '.');
        obs__add_base64url(out, payload.data, payload.size);
        status = obs__builder_status(out, error);
    }
    obs__builder_free(&header);
    if (status == OBS_OK)
        status = obs__key_sign(signature, &size, key, algorithm, out->data + begin, out->size - begin, error);
    if (status == OBS_OK) {
        obs__add_char(out, '.');
        obs__add_base64url(out, signature, size);
        status = obs__builder_status(out, error);
    }
    explicit_bzero(signature, sizeof signature);
    return status;
}
