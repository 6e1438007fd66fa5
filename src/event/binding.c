/*
 * Binary mode: attributes are headers, data is the body. One table says how the bindings differ.
 *
 * The content type of the protocol is the header `content-type` in all of them; a transport whose protocol has a field of
 * its own for it (MQTT, AMQP) puts it there.
 */
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "base/memory.h"
#include "event/decode.h"

typedef struct binding {
    const char *prefix;
    const char *other_prefix; /* also read, or NULL */
    int percent;              /* values are percent-encoded */
    int any_case;             /* names are compared without case */
} binding;

static const binding bindings[] = {
    [OBS_EVENT_HTTP] = {"ce-", NULL, 1, 1}, [OBS_EVENT_KAFKA] = {"ce_", NULL, 0, 0},
    [OBS_EVENT_MQTT] = {"", NULL, 0, 0},    [OBS_EVENT_AMQP] = {"cloudEvents:", "cloudEvents_", 0, 0},
    [OBS_EVENT_NATS] = {"ce-", NULL, 1, 1},
};

static const char content_type[] = "content-type";

static const binding *binding_of(obs_event_binding number, obs_error *error)
{
    if ((unsigned)number >= OBS_EVENT_HTTP && (unsigned)number <= OBS_EVENT_NATS)
        return &bindings[number];
    obs__fail(error, OBS_INVALID_ARGUMENT, "there is no binding %d: use one of obs_event_binding", (int)number);
    return NULL;
}

static int needs_percent(char c)
{
    return c <= ' ' || c > '~' || c == '"' || c == '%';
}

/* Writes a value and its NUL; with `out` NULL only counts. Returns the size with the NUL. */
static size_t put_value(char *out, const char *value, int percent)
{
    static const char digits[] = "0123456789ABCDEF";
    size_t size = 0;
    for (const char *c = value; *c; c++) {
        if (!percent || !needs_percent(*c)) {
            if (out)
                out[size] = *c;
            size++;
            continue;
        }
        if (out) {
            out[size] = '%';
            out[size + 1] = digits[(unsigned char)*c >> 4];
            out[size + 2] = digits[*c & 15];
        }
        size += 3;
    }
    if (out)
        out[size] = '\0';
    return size + 1;
}

/* Where headers are written; counted in a first pass with `to` NULL. */
typedef struct header_writer {
    const binding *binding;
    obs_pair *headers;
    char *to;
    size_t count;
    size_t size;
} header_writer;

static void put_header(header_writer *writer, const char *prefix, const char *name, const char *value, int percent)
{
    size_t prefix_size = strlen(prefix);
    size_t name_size = prefix_size + strlen(name) + 1;
    size_t value_size = put_value(writer->to ? writer->to + name_size : NULL, value, percent);
    if (writer->to) {
        memcpy(writer->to, prefix, prefix_size);
        memcpy(writer->to + prefix_size, name, name_size - prefix_size);
        writer->headers[writer->count] = (obs_pair){writer->to, writer->to + name_size};
        writer->to += name_size + value_size;
    }
    writer->count++;
    writer->size += name_size + value_size;
}

static void put_headers(header_writer *writer, const obs_event *event)
{
    const char *prefix = writer->binding->prefix;
    int percent = writer->binding->percent;
    const char *media_type = event->datacontenttype;
    put_header(writer, prefix, "specversion", "1.0", 0);
    for (size_t i = 0; i < OBS__CORE_COUNT; i++) {
        const char *value = obs__attribute_get(event, &obs__core_attributes[i]);
        if (value && value != media_type)
            put_header(writer, prefix, obs__core_attributes[i].name, value, percent);
    }
    for (size_t i = 0; i < event->extension_count; i++)
        if (event->extensions[i].value && *event->extensions[i].value)
            put_header(writer, prefix, event->extensions[i].name, event->extensions[i].value, percent);
    if (media_type || event->data)
        put_header(writer, "", content_type, media_type ? media_type : "application/json", 0);
}

obs_status obs_event_to_message(obs_event_message **out, const obs_event *event, obs_event_binding number, obs_error *error)
{
    obs_event checked;
    if (!out)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "out is required");
    *out = NULL;
    header_writer writer = {.binding = binding_of(number, error)};
    if (!writer.binding)
        return OBS_INVALID_ARGUMENT;
    obs_status status = obs__event_check(&checked, event, 1, error);
    if (status != OBS_OK)
        return status;
    put_headers(&writer, &checked);
    size_t fixed = sizeof(obs_event_message) + writer.count * sizeof(obs_pair);
    obs_event_message *message = obs__alloc(fixed + writer.size);
    if (!message)
        return obs__fail_memory(error);
    writer = (header_writer){writer.binding, (obs_pair *)(message + 1), (char *)message + fixed, 0, 0};
    put_headers(&writer, &checked);
    *message = (obs_event_message){writer.headers, writer.count, checked.data ? checked.data : "", checked.data_size};
    *out = message;
    return obs__ok(error);
}

void obs_event_message_free(obs_event_message *message)
{
    obs__free(message);
}

static int names_equal(const binding *self, const char *a, const char *b)
{
    return self->any_case ? strcasecmp(a, b) == 0 : strcmp(a, b) == 0;
}

static int has_prefix(const binding *self, const char *name, const char *prefix)
{
    size_t size = strlen(prefix);
    return self->any_case ? strncasecmp(name, prefix, size) == 0 : strncmp(name, prefix, size) == 0;
}

/* The attribute behind a header name, or an empty view when the header is none of the event's. */
static obs__view attribute_of(const binding *self, obs__draft *draft, const char *name)
{
    obs__view attribute = {name, 0};
    if (has_prefix(self, name, self->prefix))
        attribute = obs__view_of(name + strlen(self->prefix), OBS_TEXT);
    else if (self->other_prefix && has_prefix(self, name, self->other_prefix))
        attribute = obs__view_of(name + strlen(self->other_prefix), OBS_TEXT);
    /* Without a prefix there are foreign properties, too: those that cannot be attributes. */
    if (!*self->prefix && !obs__core_attribute_of(attribute) && !obs__view_is(attribute, "specversion") &&
        obs__attribute_check_name(attribute, NULL) != OBS_OK)
        attribute.size = 0;
    char *lower = self->any_case && attribute.size ? obs__draft_name(draft, attribute.size) : NULL;
    if (!lower)
        return attribute;
    for (size_t i = 0; i < attribute.size; i++)
        lower[i] = attribute.data[i] >= 'A' && attribute.data[i] <= 'Z' ? (char)(attribute.data[i] | 32) : attribute.data[i];
    return (obs__view){lower, attribute.size};
}

/* The content type of the protocol; else, where it is only a property, datacontenttype. */
static const char *content_type_of(const binding *self, const obs_event_message *message)
{
    for (size_t i = 0; i < message->header_count; i++)
        if (message->headers[i].name && names_equal(self, message->headers[i].name, content_type) && message->headers[i].value)
            return *message->headers[i].value ? message->headers[i].value : NULL;
    return NULL;
}

static int is_json(const void *data, size_t size)
{
    obs__json json;
    obs__view value;
    obs__json_begin(&json, data, size);
    return obs__json_skip(&json, &value) && obs__json_end(&json);
}

static obs_status add_content_type(obs__draft *draft, const obs_event_message *message, const char *media_type,
                                   obs_error *error)
{
    static const char name[] = "datacontenttype";
    for (size_t i = 0; !media_type && i < draft->count; i++)
        if (obs__view_is(draft->values[i].name, name))
            return OBS_OK;
    /* An event without a media type means JSON; bytes that are something else must say so. */
    if (!media_type && message->body_size && !is_json(message->body, message->body_size))
        media_type = "application/octet-stream";
    if (!media_type)
        return OBS_OK;
    return obs__draft_add(draft, obs__view_of(name, OBS_TEXT), obs__view_of(media_type, OBS_TEXT), OBS__PLAIN, error);
}

static obs_status read_headers(obs__draft *draft, const binding *self, const obs_event_message *message, const char *media_type,
                               obs_error *error)
{
    obs_status status = OBS_OK;
    for (size_t i = 0; status == OBS_OK && i < message->header_count; i++) {
        const obs_pair *header = &message->headers[i];
        if (!header->name || names_equal(self, header->name, content_type))
            continue;
        obs__view name = attribute_of(self, draft, header->name);
        if (!name.size || (media_type && obs__view_is(name, "datacontenttype")))
            continue;
        status = obs__draft_add(draft, name, obs__view_of(header->value, OBS_TEXT), self->percent ? OBS__PERCENT : OBS__PLAIN,
                                error);
    }
    return status == OBS_OK ? add_content_type(draft, message, media_type, error) : status;
}

/* A structured message through the same door: the content type says what it is. */
static obs_status read_structured(obs_event **out, const obs_event_message *message, const char *media_type, obs_error *error)
{
    static const char batch[] = "application/cloudevents-batch";
    static const char json[] = "application/cloudevents+json";
    if (strncasecmp(media_type, batch, sizeof batch - 1) == 0)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "the body is a batch: read it with obs_event_decode_batch()");
    if (strncasecmp(media_type, json, sizeof json - 1) != 0)
        return obs__fail(error, OBS_INVALID_ARGUMENT,
                         "the event format '%s' is not supported: send application/cloudevents+json", media_type);
    return obs_event_decode(out, message->body ? message->body : "", message->body_size, error);
}

obs_status obs_event_from_message(obs_event **out, const obs_event_message *message, obs_event_binding number, obs_error *error)
{
    obs__draft draft;
    if (!out || !message || (message->header_count && !message->headers) || (message->body_size && !message->body))
        return obs__fail(error, OBS_INVALID_ARGUMENT, "out and a message with headers and body are required");
    *out = NULL;
    const binding *self = binding_of(number, error);
    if (!self)
        return OBS_INVALID_ARGUMENT;
    const char *media_type = content_type_of(self, message);
    if (media_type && strncasecmp(media_type, "application/cloudevents", strlen("application/cloudevents")) == 0)
        return read_structured(out, message, media_type, error);
    if (message->body_size > OBS_EVENT_MAX)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "the body is larger than %d bytes", OBS_EVENT_MAX);
    obs__draft_begin(&draft);
    obs_status status = read_headers(&draft, self, message, media_type, error);
    if (status == OBS_OK && message->body_size)
        draft.data = (obs__draft_value){{"data", 4}, {message->body, message->body_size}, OBS__PLAIN};
    if (status == OBS_OK)
        status = obs__draft_build(out, &draft, error);
    return status == OBS_OK ? obs__ok(error) : status;
}
