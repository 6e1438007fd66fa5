/*
 * Any bytes as an event, as a batch and as headers: nothing may crash, and what is read must come back the same after it was
 * written. The first byte chooses: 0x01 headers of one binding, else JSON.
 */
#include <obs/event.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int right)
{
    if (!right)
        abort();
}

static int same_text(const char *a, const char *b)
{
    return (!a || !*a) == (!b || !*b) && (!a || strcmp(a, b) == 0);
}

static void must_equal(const obs_event *a, const obs_event *b)
{
    must(same_text(a->id, b->id) && same_text(a->source, b->source) && same_text(a->type, b->type));
    must(same_text(a->subject, b->subject) && same_text(a->time, b->time) && same_text(a->dataschema, b->dataschema));
    must(same_text(a->datacontenttype, b->datacontenttype) && a->extension_count == b->extension_count);
    for (size_t i = 0; i < a->extension_count; i++)
        must(same_text(a->extensions[i].name, b->extensions[i].name) &&
             same_text(a->extensions[i].value, b->extensions[i].value));
    must(!a->data == !b->data);
}

/* An event that was read can be written, unless its data is not what its media type says or too large as JSON. */
static void write_again(const obs_event *event)
{
    obs_buffer *json = NULL;
    obs_event *back = NULL;
    obs_error error;
    obs_error_init(&error, sizeof error);
    if (obs_event_encode(&json, event, &error) != OBS_OK) {
        must(strstr(error.message, "data is not JSON") || strstr(error.message, "larger than"));
        return;
    }
    must(obs_event_decode(&back, obs_buffer_data(json), obs_buffer_size(json), &error) == OBS_OK);
    must_equal(event, back);
    obs_event_free(back);
    obs_buffer_free(json);
}

static void write_message(const obs_event *event, obs_event_binding binding)
{
    obs_event_message *message = NULL;
    obs_event *back = NULL;
    obs_error error;
    obs_error_init(&error, sizeof error);
    must(obs_event_to_message(&message, event, binding, &error) == OBS_OK);
    /* Headers are lines: nothing that ends one may be in them. */
    for (size_t i = 0; i < message->header_count; i++)
        must(!strpbrk(message->headers[i].value, "\r\n"));
    obs_status status = obs_event_from_message(&back, message, binding, &error);
    /* The content type of a message may say that the data is itself an event. */
    must(status == OBS_OK ||
         (event->datacontenttype && strncasecmp(event->datacontenttype, "application/cloudevents", 23) == 0));
    obs_event_free(back);
    obs_event_message_free(message);
}

static void read_json(const char *json, size_t size)
{
    obs_event *event = NULL;
    obs_event_batch *batch = NULL;
    obs_error error;
    obs_error_init(&error, sizeof error);
    if (obs_event_decode(&event, json, size, &error) == OBS_OK) {
        write_again(event);
        for (int binding = OBS_EVENT_HTTP; binding <= OBS_EVENT_NATS; binding++)
            write_message(event, (obs_event_binding)binding);
        obs_event_free(event);
    } else
        must(error.line >= 1 && error.column >= 1 && *error.message);
    if (obs_event_decode_batch(&batch, json, size, &error) != OBS_OK)
        return;
    for (size_t i = 0; i < obs_event_batch_count(batch); i++) {
        const obs_event *one = NULL;
        if (obs_event_batch_at(&one, batch, i, &error) == OBS_OK)
            write_again(one);
    }
    obs_event_batch_free(batch);
}

/* Lines `name: value`, an empty line, the body. */
static void read_headers(char *text, size_t size, obs_event_binding binding)
{
    obs_pair headers[80];
    obs_event_message message = {headers, 0, "", 0};
    obs_event *event = NULL;
    for (char *line = text; line && line < text + size && message.header_count < 80;) {
        char *end = memchr(line, '\n', (size_t)(text + size - line));
        if (end)
            *end = '\0';
        char *colon = strstr(line, ": ");
        if (!colon) {
            message.body = end ? end + 1 : line + strlen(line);
            message.body_size = (size_t)(text + size - (const char *)message.body);
            break;
        }
        *colon = '\0';
        headers[message.header_count++] = (obs_pair){line, colon + 2};
        line = end ? end + 1 : NULL;
    }
    if (obs_event_from_message(&event, &message, binding, NULL) == OBS_OK)
        write_again(event);
    obs_event_free(event);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size >= 2 && data[0] == 1) {
        char *text = malloc(size - 1);
        memcpy(text, data + 2, size - 2);
        text[size - 2] = '\0';
        read_headers(text, size - 2, (obs_event_binding)(OBS_EVENT_HTTP + data[1] % 5));
        free(text);
    } else
        read_json((const char *)data, size);
    return 0;
}
