#include "audit/leaf.h"

#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"
#include "base/memory.h"

#define VERSION 1

static const char *const field_names[OBS__AUDIT_FIELDS] = {"subject", "actor", "object", "client"};

const char *obs__audit_field_name(obs__audit_field field)
{
    return field_names[field];
}

void obs__audit_value_add(obs__builder *builder, obs__view value)
{
    size_t start = builder->size;
    for (size_t at = 0; at < value.size;) {
        uint32_t character;
        size_t length = obs__utf8_decode(&character, value.data + at, value.size - at);
        size_t added = length ? length : 3;
        if (builder->size - start + added > OBS__AUDIT_VALUE_MAX)
            return;
        if (length)
            obs__add(builder, value.data + at, length);
        else
            obs__add_text(builder, "\xEF\xBF\xBD"); /* U+FFFD */
        at += length ? length : 1;
    }
}

obs_status obs__audit_commitment(char out[OBS__AUDIT_COMMITMENT_SIZE], obs__audit_field field,
                                 const unsigned char salt[OBS__AUDIT_SALT_SIZE], obs__view value, obs_error *error)
{
    char message[16 + OBS__AUDIT_VALUE_MAX];
    unsigned char mac[OBS__SHA256_SIZE];
    size_t name_size = strlen(field_names[field]) + 1;
    if (value.size > OBS__AUDIT_VALUE_MAX)
        return obs__fail(error, OBS_DATA_LOSS, "a value in the audit trail is too long");
    memcpy(message, field_names[field], name_size);
    if (value.size)
        memcpy(message + name_size, value.data, value.size);
    obs_status status = obs__hmac_sha256(mac, salt, OBS__AUDIT_SALT_SIZE, message, name_size + value.size, error);
    if (status == OBS_OK)
        obs__hex(out, mac, sizeof mac);
    return status;
}

void obs__audit_leaf_add(obs__builder *builder, const char *id, const char *tenant, const obs__audit_record *record,
                         const char commitments[OBS__AUDIT_FIELDS][OBS__AUDIT_COMMITMENT_SIZE])
{
    char time[OBS__TIME_SIZE];
    obs__time_format(time, record->time_ns);
    obs__add_char(builder, '{');
    obs__add_json_integer(builder, "v", VERSION);
    obs__add_json_member(builder, "id", id);
    obs__add_json_member(builder, "time", time);
    obs__add_json_member(builder, "tenant", tenant);
    obs__add_json_member(builder, "class", record->kind);
    obs__add_json_member(builder, "action", record->action);
    obs__add_json_member(builder, "status", obs_status_name(record->status));
    obs__add_json_member(builder, "trace", record->trace && *record->trace ? record->trace : NULL);
    obs__add_json_integer(builder, "bytes", (int64_t)record->bytes);
    obs__add_json_integer(builder, "count", (int64_t)record->count);
    for (int i = 0; i < OBS__AUDIT_FIELDS; i++)
        obs__add_json_member(builder, field_names[i], *commitments[i] ? commitments[i] : NULL);
    obs__add_json_end(builder);
}

static obs_status damaged(obs__audit_leaf *out, obs_error *error)
{
    obs__audit_leaf_free(out);
    return obs__fail(error, OBS_DATA_LOSS, "a record of the audit trail is damaged");
}

/* A text of the document, or NULL when the member is null. Clears *fine when it is something else. */
static const char *text_of(const json_t *document, const char *name, int *fine)
{
    const json_t *value = json_object_get(document, name);
    *fine &= json_is_string(value) || json_is_null(value);
    return json_string_value(value);
}

static int64_t integer_of(const json_t *document, const char *name, int *fine)
{
    const json_t *value = json_object_get(document, name);
    *fine &= json_is_integer(value);
    return json_integer_value(value);
}

/* Whatever its form. */
static obs_status read_document(obs__audit_leaf *out, obs__view leaf, obs_error *error)
{
    static const obs__json_options options = {.size_limit = OBS__AUDIT_LEAF_MAX, .depth_limit = 1};
    int fine = 1;
    obs_error why;
    json_t *document;
    obs_error_init(&why, sizeof why);
    obs_status status = obs__json_load(&document, leaf.data, leaf.size, &options, &why);
    *out = (obs__audit_leaf){.document = document};
    if (status != OBS_OK && obs__lacks_memory(&why))
        return obs__fail_memory(error);
    if (!json_is_object(document) || integer_of(document, "v", &fine) != VERSION)
        return damaged(out, error);
    out->id = text_of(document, "id", &fine);
    out->time = text_of(document, "time", &fine);
    out->tenant = text_of(document, "tenant", &fine);
    out->kind = text_of(document, "class", &fine);
    out->action = text_of(document, "action", &fine);
    out->status = text_of(document, "status", &fine);
    out->trace = text_of(document, "trace", &fine);
    out->bytes = integer_of(document, "bytes", &fine);
    out->count = integer_of(document, "count", &fine);
    for (int i = 0; i < OBS__AUDIT_FIELDS; i++)
        out->commitments[i] = text_of(document, field_names[i], &fine);
    if (!fine || !out->id || !out->time || !out->tenant || !out->kind || !out->action || !out->status)
        return damaged(out, error);
    return OBS_OK;
}

/* Takes a literal off the beginning; 1 or 0. */
static int skip(obs__view *rest, const char *text)
{
    obs__view literal = obs__view_of(text, OBS_TEXT);
    if (!obs__starts_with(*rest, literal))
        return 0;
    *rest = (obs__view){rest->data + literal.size, rest->size - literal.size};
    return 1;
}

/* ---- The form that obs__audit_leaf_add() gives it, which is read much faster than any JSON. ---- */

/* A text or null behind its name. The text is ended in place, where its quote was: the bytes are a copy of our own. */
static int take_text(const char **out, obs__view *rest, const char *name)
{
    *out = NULL;
    if (!skip(rest, name))
        return 0;
    if (skip(rest, "null"))
        return 1;
    size_t size = skip(rest, "\"") ? obs__plain_size(rest->data, rest->size) : rest->size;
    if (size == rest->size || rest->data[size] != '"')
        return 0;
    ((char *)(uintptr_t)rest->data)[size] = '\0';
    *out = rest->data;
    *rest = (obs__view){rest->data + size + 1, rest->size - size - 1};
    return 1;
}

static int take_integer(int64_t *out, obs__view *rest, const char *name)
{
    size_t digits = 0;
    *out = 0;
    if (!skip(rest, name))
        return 0;
    for (; digits < rest->size && rest->data[digits] >= '0' && rest->data[digits] <= '9' && digits < 18; digits++)
        *out = 10 * *out + (rest->data[digits] - '0');
    int fine = digits > 0 && (digits == 1 || rest->data[0] != '0');
    *rest = (obs__view){rest->data + digits, rest->size - digits};
    return fine;
}

/* 0: it has another form, or is no leaf. */
static int take_all(obs__audit_leaf *out, obs__view rest)
{
    return skip(&rest, "{\"v\":1") && take_text(&out->id, &rest, ",\"id\":") && out->id &&
           take_text(&out->time, &rest, ",\"time\":") && out->time && take_text(&out->tenant, &rest, ",\"tenant\":") &&
           out->tenant && take_text(&out->kind, &rest, ",\"class\":") && out->kind &&
           take_text(&out->action, &rest, ",\"action\":") && out->action && take_text(&out->status, &rest, ",\"status\":") &&
           out->status && take_text(&out->trace, &rest, ",\"trace\":") && take_integer(&out->bytes, &rest, ",\"bytes\":") &&
           take_integer(&out->count, &rest, ",\"count\":") &&
           take_text(&out->commitments[OBS__AUDIT_SUBJECT], &rest, ",\"subject\":") &&
           take_text(&out->commitments[OBS__AUDIT_ACTOR], &rest, ",\"actor\":") &&
           take_text(&out->commitments[OBS__AUDIT_OBJECT], &rest, ",\"object\":") &&
           take_text(&out->commitments[OBS__AUDIT_CLIENT], &rest, ",\"client\":") && obs__view_is(rest, "}");
}

obs_status obs__audit_leaf_read(obs__audit_leaf *out, obs__view leaf, obs_error *error)
{
    *out = (obs__audit_leaf){0};
    if (leaf.size <= OBS__AUDIT_LEAF_MAX && !(out->copy = obs__memdup(leaf.data, leaf.size)))
        return obs__fail_memory(error);
    if (out->copy && take_all(out, (obs__view){out->copy, leaf.size}))
        return OBS_OK;
    obs__audit_leaf_free(out);
    return read_document(out, leaf, error);
}

void obs__audit_leaf_free(obs__audit_leaf *leaf)
{
    json_decref(leaf->document);
    obs__free(leaf->copy);
    leaf->document = leaf->copy = NULL;
}

/* Takes the inside of a text without escapes off the beginning, and the quote that ends it. */
static int take_plain(obs__view *out, obs__view *rest)
{
    const char *quote = rest->size ? memchr(rest->data, '"', rest->size) : NULL;
    if (!quote || memchr(rest->data, '\\', (size_t)(quote - rest->data)))
        return 0;
    *out = (obs__view){rest->data, (size_t)(quote - rest->data)};
    *rest = (obs__view){quote + 1, rest->size - out->size - 1};
    return 1;
}

static int peek(obs__view *id, obs__view *time, obs__view *tenant, obs__view leaf)
{
    return skip(&leaf, "{\"v\":1,\"id\":\"") && take_plain(id, &leaf) && skip(&leaf, ",\"time\":\"") &&
           take_plain(time, &leaf) && skip(&leaf, ",\"tenant\":\"") && take_plain(tenant, &leaf) && leaf.size &&
           leaf.data[0] == ',';
}

int obs__audit_leaf_peek(obs__view *id, obs__view *tenant, obs__view leaf)
{
    obs__view time;
    return peek(id, &time, tenant, leaf);
}

int obs__audit_leaf_time(int64_t *out_ns, obs__view leaf)
{
    obs__view id, time, tenant;
    char text[OBS__TIME_SIZE];
    if (!peek(&id, &time, &tenant, leaf) || time.size >= sizeof text)
        return 0;
    memcpy(text, time.data, time.size);
    text[time.size] = '\0';
    return obs__time_parse(out_ns, text);
}

obs_status obs__audit_leaf_hash(unsigned char out[OBS__SHA256_SIZE], obs__view leaf, obs_error *error)
{
    unsigned char message[1 + OBS__AUDIT_LEAF_MAX];
    if (leaf.size > OBS__AUDIT_LEAF_MAX)
        return obs__fail(error, OBS_DATA_LOSS, "a record of the audit trail is too long");
    message[0] = 0;
    memcpy(message + 1, leaf.data, leaf.size);
    return obs__sha256(out, message, 1 + leaf.size, error);
}
