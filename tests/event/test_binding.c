/* Binary mode: header names and values of each binding, and the way back. */
#include <obs/event.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"

static obs_error error;

static const obs_event_binding all[] = {OBS_EVENT_HTTP, OBS_EVENT_KAFKA, OBS_EVENT_MQTT, OBS_EVENT_AMQP, OBS_EVENT_NATS};

static const obs_pair extensions[] = {{"traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"},
                                      {"note", "Euro \xE2\x82\xAC \xF0\x9F\x98\x80 \"100%\" \\"}};

static obs_event sample(void)
{
    obs_event event;
    obs_event_init(&event, sizeof event);
    event.id = "A 1";
    event.source = "/telescope/1";
    event.type = "org.example.frame.stored";
    event.subject = "raw/\xC3\xA9.fits";
    event.time = "2026-11-20T21:15:03Z";
    event.datacontenttype = "application/json; charset=utf-8";
    event.dataschema = "https://example.org/s";
    event.data = "{\"mag\":17.3}";
    event.data_size = strlen(event.data);
    event.extensions = extensions;
    event.extension_count = 2;
    return event;
}

static const char *value_of(const obs_event_message *message, const char *name)
{
    for (size_t i = 0; i < message->header_count; i++)
        if (strcmp(message->headers[i].name, name) == 0)
            return message->headers[i].value;
    return NULL;
}

static void expect_same_text(const char *a, const char *b)
{
    ck_assert_ptr_nonnull(a);
    ck_assert_str_eq(a, b);
}

static void expect_same(const obs_event *a, const obs_event *b)
{
    expect_same_text(a->id, b->id);
    expect_same_text(a->source, b->source);
    expect_same_text(a->type, b->type);
    expect_same_text(a->subject, b->subject);
    expect_same_text(a->time, b->time);
    expect_same_text(a->datacontenttype, b->datacontenttype);
    expect_same_text(a->dataschema, b->dataschema);
    ck_assert_uint_eq(a->extension_count, b->extension_count);
    for (size_t i = 0; i < a->extension_count; i++) {
        ck_assert_str_eq(a->extensions[i].name, b->extensions[i].name);
        ck_assert_str_eq(a->extensions[i].value, b->extensions[i].value);
    }
    ck_assert_uint_eq(a->data_size, b->data_size);
    ck_assert_int_eq(memcmp(a->data, b->data, b->data_size), 0);
}

START_TEST(headers_are_named_as_the_binding_says)
{
    static const char *const names[] = {"ce-type", "ce_type", "type", "cloudEvents:type", "ce-type"};
    static const char *const subjects[] = {"ce-subject", "ce_subject", "subject", "cloudEvents:subject", "ce-subject"};
    for (size_t i = 0; i < 5; i++) {
        obs_event event = sample();
        obs_event_message *message = NULL;
        ck_assert_ok(obs_event_to_message(&message, &event, all[i], &error));
        ck_assert_uint_eq(message->header_count, 10);
        expect_same_text(value_of(message, names[i]), event.type);
        expect_same_text(value_of(message, subjects[i]),
                         all[i] == OBS_EVENT_HTTP || all[i] == OBS_EVENT_NATS ? "raw/%C3%A9.fits" : event.subject);
        expect_same_text(value_of(message, "content-type"), event.datacontenttype);
        ck_assert_ptr_null(value_of(message, "ce-datacontenttype"));
        ck_assert_ptr_eq(message->body, event.data);
        ck_assert_uint_eq(message->body_size, event.data_size);
        obs_event_message_free(message);
    }
}
END_TEST

START_TEST(http_values_are_percent_encoded)
{
    obs_event event = sample();
    obs_event_message *message = NULL;
    ck_assert_ok(obs_event_to_message(&message, &event, OBS_EVENT_HTTP, &error));
    expect_same_text(value_of(message, "ce-note"), "Euro%20%E2%82%AC%20%F0%9F%98%80%20%22100%25%22%20\\");
    expect_same_text(value_of(message, "ce-id"), "A%201");
    obs_event_message_free(message);
}
END_TEST

START_TEST(every_binding_goes_there_and_back)
{
    for (size_t i = 0; i < 5; i++) {
        obs_event event = sample();
        obs_event_message *message = NULL;
        obs_event *back = NULL, *again = NULL;
        obs_buffer *json = NULL;
        ck_assert_ok(obs_event_to_message(&message, &event, all[i], &error));
        ck_assert_ok(obs_event_from_message(&back, message, all[i], &error));
        expect_same(back, &event);
        ck_assert_ok(obs_event_encode(&json, back, &error));
        ck_assert_ok(obs_event_decode(&again, obs_buffer_data(json), obs_buffer_size(json), &error));
        expect_same(again, &event);
        obs_event_free(back);
        obs_event_free(again);
        obs_buffer_free(json);
        obs_event_message_free(message);
    }
}
END_TEST

/* Reads headers "name: value\n…" with a body. */
static obs_status read_message(obs_event **out, obs_event_binding binding, const char *headers, const char *body)
{
    obs_pair pairs[16];
    char *copy = strdup(headers);
    size_t count = 0;
    for (char *line = strtok(copy, "\n"); line && count < 16; line = strtok(NULL, "\n")) {
        char *colon = strstr(line, ": ");
        ck_assert_ptr_nonnull(colon);
        *colon = '\0';
        pairs[count++] = (obs_pair){line, colon + 2};
    }
    obs_event_message message = {pairs, count, body, strlen(body)};
    obs_status status = obs_event_from_message(out, &message, binding, &error);
    free(copy);
    return status;
}

#define HTTP "ce-specversion: 1.0\nce-id: 1\nce-source: /s\nce-type: t\n"

START_TEST(http_is_read_leniently_where_it_must)
{
    obs_event *event = NULL;
    ck_assert_ok(read_message(&event, OBS_EVENT_HTTP,
                              "Host: x\nCE-SpecVersion: 1.0\nCe-Id: \"a \\\"b\\\" %25\"\nce-source: /s\nce-type: %74\n"
                              "Ce-TraceParent: 00\nCONTENT-TYPE: text/plain\nUser-Agent: y\n",
                              "hello"));
    ck_assert_str_eq(event->id, "a \"b\" %");
    ck_assert_str_eq(event->type, "t");
    ck_assert_str_eq(event->datacontenttype, "text/plain");
    ck_assert_uint_eq(event->extension_count, 1);
    ck_assert_str_eq(event->extensions[0].name, "traceparent");
    ck_assert_str_eq(event->data, "hello");
    obs_event_free(event);
}
END_TEST

START_TEST(bad_headers_are_refused)
{
    static const struct {
        const char *headers;
        const char *words;
    } rows[] = {
        {"Host: x\n", "specversion is missing"},
        {"ce-specversion: 0.3\nce-id: 1\nce-source: /s\nce-type: t\n", "specversion '0.3' is not supported"},
        {"ce-specversion: 1.0\nce-id: 1\nce-source: /s\n", "type is missing"},
        {HTTP "ce-subject: %C0%A0\n", "subject"},
        {HTTP "ce-subject: 100%\n", "subject is not percent-encoded rightly"},
        {HTTP "ce-subject: %zz\n", "subject is not percent-encoded rightly"},
        {HTTP "ce-subject: \"a\n", "subject is not percent-encoded rightly"},
        {HTTP "ce-subject: %0A\n", "subject"},
        {HTTP "ce-id: 2\n", "id is given twice"},
        {HTTP "CE-ID: 2\n", "id is given twice"},
        {HTTP "ce-a-b: 2\n", "'a-b' cannot name an attribute"},
        {HTTP "Content-Type: application/cloudevents-batch+json\n", "obs_event_decode_batch"},
        {HTTP "Content-Type: application/cloudevents+xml\n", "'application/cloudevents+xml' is not supported"},
        {HTTP "Content-Type: nonsense\n", "datacontenttype 'nonsense' is not a media type"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        obs_event *event = (obs_event *)(uintptr_t)1;
        ck_assert_msg(read_message(&event, OBS_EVENT_HTTP, rows[i].headers, "1") == OBS_INVALID_ARGUMENT, "%s",
                      rows[i].headers);
        ck_assert_ptr_null(event);
        ck_assert_msg(strstr(error.message, rows[i].words) != NULL, "'%s' does not say '%s'", error.message, rows[i].words);
    }
    obs_event *event = NULL;
    ck_assert_int_eq(read_message(&event, (obs_event_binding)6, HTTP, "1"), OBS_INVALID_ARGUMENT);
    ck_assert_int_eq(read_message(&event, (obs_event_binding)0, HTTP, "1"), OBS_INVALID_ARGUMENT);
}
END_TEST

START_TEST(a_structured_message_is_recognised)
{
    obs_event *event = NULL;
    ck_assert_ok(read_message(&event, OBS_EVENT_KAFKA, "content-type: application/cloudevents+json; charset=UTF-8\n",
                              "{\"specversion\":\"1.0\",\"id\":\"7\",\"source\":\"s\",\"type\":\"t\"}"));
    ck_assert_str_eq(event->id, "7");
    obs_event_free(event);
}
END_TEST

START_TEST(the_content_type_is_found)
{
    obs_event *event = NULL;
    /* Without one, what is JSON is JSON, and what is not has to say so. */
    ck_assert_ok(read_message(&event, OBS_EVENT_HTTP, HTTP, "{ \"xyz\": 123 }"));
    ck_assert_ptr_null(event->datacontenttype);
    obs_event_free(event);
    ck_assert_ok(read_message(&event, OBS_EVENT_HTTP, HTTP, "\x89PNG"));
    ck_assert_str_eq(event->datacontenttype, "application/octet-stream");
    obs_event_free(event);
    /* No bytes are no data. */
    ck_assert_ok(read_message(&event, OBS_EVENT_HTTP, HTTP "Content-Type: text/plain\n", ""));
    ck_assert_ptr_null(event->data);
    obs_event_free(event);
    /* MQTT 3 has no field for it. */
    ck_assert_ok(
        read_message(&event, OBS_EVENT_MQTT,
                     "specversion: 1.0\nid: 1\nsource: /s\ntype: t\ndatacontenttype: text/plain\nForeign-Property: x\n", "a"));
    ck_assert_str_eq(event->datacontenttype, "text/plain");
    ck_assert_uint_eq(event->extension_count, 0);
    obs_event_free(event);
    /* Both: the protocol's own counts. */
    ck_assert_ok(read_message(&event, OBS_EVENT_HTTP, HTTP "ce-datacontenttype: text/plain\nContent-Type: text/csv\n", "a"));
    ck_assert_str_eq(event->datacontenttype, "text/csv");
    obs_event_free(event);
    ck_assert_ok(read_message(
        &event, OBS_EVENT_AMQP,
        "cloudEvents_specversion: 1.0\ncloudEvents_id: 1\ncloudEvents:source: /s\ncloudEvents:type: t\nto: q\n", "1"));
    ck_assert_str_eq(event->id, "1");
    obs_event_free(event);
}
END_TEST

START_TEST(data_without_a_type_is_said_to_be_json)
{
    obs_event event = sample();
    obs_event_message *message = NULL;
    event.datacontenttype = NULL;
    ck_assert_ok(obs_event_to_message(&message, &event, OBS_EVENT_HTTP, &error));
    expect_same_text(value_of(message, "content-type"), "application/json");
    obs_event_message_free(message);
    event.data = NULL;
    ck_assert_ok(obs_event_to_message(&message, &event, OBS_EVENT_HTTP, &error));
    ck_assert_ptr_null(value_of(message, "content-type"));
    ck_assert_ptr_nonnull(message->body);
    ck_assert_uint_eq(message->body_size, 0);
    obs_event_message_free(message);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        headers_are_named_as_the_binding_says,
        http_values_are_percent_encoded,
        every_binding_goes_there_and_back,
        http_is_read_leniently_where_it_must,
        bad_headers_are_refused,
        a_structured_message_is_recognised,
        the_content_type_is_found,
        data_without_a_type_is_said_to_be_json,
    };
    obs_error_init(&error, sizeof error);
    return test_main("event bindings", tests, sizeof tests / sizeof tests[0]);
}
