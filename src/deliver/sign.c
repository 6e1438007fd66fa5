/* Standard Webhooks: what proves to a server that a delivery is ours and new. */
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

#include "base/base64.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/secret.h"
#include "deliver/courier.h"

#define KEY_LEAST ((size_t)24) /* bytes, as the specification has it */
#define KEY_PREFIX "whsec_"

/* The same for the same events, whenever and by whomever they are sent. */
obs_status obs__webhook_id(char *out, const obs__parcel *parcel, obs_error *error)
{
    unsigned char hash[OBS__SHA256_SIZE];
    obs__sha256_stream *stream = NULL;
    obs_status status = obs__sha256_begin(&stream, error);
    for (size_t i = 0; i < parcel->count && status == OBS_OK; i++) {
        const obs_event *event = parcel->events[i];
        status = obs__sha256_add(stream, event->source, strlen(event->source) + 1, error);
        if (status == OBS_OK)
            status = obs__sha256_add(stream, event->id, strlen(event->id) + 1, error);
    }
    if (status == OBS_OK)
        status = obs__sha256_end(hash, stream, error);
    obs__sha256_free(stream);
    if (status == OBS_OK) {
        memcpy(out, "msg_", 4);
        obs__hex(out + 4, hash, 16);
    }
    return status;
}

/* `whsec_` and base64, or the bytes themselves. */
static obs_status key_of(obs_secret **out, const obs_secret *secret, const char *name, obs_error *error)
{
    const char *text = obs_secret_bytes(secret);
    size_t size = obs_secret_size(secret), prefix = strlen(KEY_PREFIX);
    char *data = NULL;
    size_t got = size;
    obs_status status = obs__secret_room(out, &data, size + 4, error);
    if (status != OBS_OK)
        return status;
    int is_coded = size > prefix && memcmp(text, KEY_PREFIX, prefix) == 0;
    if (!is_coded)
        memcpy(data, text, size);
    if ((is_coded && !obs__base64_decode(data, &got, text + prefix, size - prefix)) || got < KEY_LEAST) {
        obs_secret_free(*out);
        *out = NULL;
        return obs__fail(error, OBS_FAILED_PRECONDITION,
                         "the secret '%.200s' is no key for signatures: 'whsec_' and base64 of 24 bytes or more", name);
    }
    obs__secret_shrink(*out, got);
    return OBS_OK;
}

static obs_status add_signature(obs__builder *out, const char *name, obs__view content, obs_error *error)
{
    unsigned char mac[OBS__SHA256_SIZE];
    char text[64] = "";
    obs_secret *secret = NULL, *key = NULL;
    obs_status status = obs__secret_find(&secret, name, error);
    if (status == OBS_OK)
        status = key_of(&key, secret, name, error);
    if (status == OBS_OK)
        status = obs__hmac_sha256(mac, obs_secret_bytes(key), obs_secret_size(key), content.data, content.size, error);
    if (status == OBS_OK) {
        obs__base64_encode(text, mac, sizeof mac);
        obs__add_format(out, "%sv1,%s", out->size ? " " : "", text);
    }
    OPENSSL_cleanse(mac, sizeof mac);
    obs_secret_free(key);
    obs_secret_free(secret);
    return status;
}

obs_status obs__webhook_sign(obs__builder *out, const obs__destination *to, const char *id, int64_t seconds, obs__view body,
                             obs_error *error)
{
    obs__builder content;
    obs_status status = OBS_OK;
    obs__builder_init(&content, body.size + 128);
    obs__add_format(&content, "%s.%lld.", id, (long long)seconds);
    obs__add(&content, body.data, body.size);
    status = obs__builder_status(&content, error);
    for (size_t i = 0; i < OBS__SIGN_MAX && to->sign[i] && status == OBS_OK; i++)
        status = add_signature(out, to->sign[i], obs__view_of(content.data, content.size), error);
    obs__builder_free(&content);
    return status == OBS_OK ? obs__builder_status(out, error) : status;
}
