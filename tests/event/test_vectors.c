/* The examples of the CloudEvents specification, and the JSON parsing test suite, through the event reader. */
#include <dirent.h>
#include <obs/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/json_read.h"
#include "base/schema.h"
#include "support.h"

static obs_error error;

/* Files that do not decode, and why. Everything else ending in .json must decode and come back the same. */
static const struct {
    const char *name;
    const char *reason;
} deviations[] = {
    {"verifiability-10.json", "its subject is empty, which the specification forbids"},
    {"verifiability-11.json", "its subject is empty, which the specification forbids"},
};

/* Files that are no JSON events: wire messages, XML, fragments with `...` in them. */
static const struct {
    const char *name;
    const char *reason;
} fragments[] = {
    {"amqp-protocol-binding-01.txt", "a drawing of a message; its attributes are tested below"},
    {"amqp-protocol-binding-02.txt", "a drawing of a message with left-out parts"},
    {"http-protocol-binding-01.txt", "a drawing of a message; its attributes are tested below"},
    {"json-format-06.txt", "binary mode; tested below"},
    {"json-format-08.txt", "binary mode; tested below"},
    {"json-format-12.txt", "binary mode; tested below"},
    {"kafka-protocol-binding-01.txt", "a drawing of a message; its attributes are tested below"},
    {"mqtt-protocol-binding-01.txt", "a drawing of a message; its attributes are tested below"},
    {"mqtt-protocol-binding-02.txt", "a drawing of a message with left-out parts"},
    {"mqtt-protocol-binding-03.txt", "a drawing of a message with left-out parts"},
    {"opcua-02.txt", "a drawing of a message with left-out parts"},
    {"verifiability-05.txt", "an HTTP request; its body is tested below"},
    {"verifiability-06.txt", "an HTTP request; tested below"},
    {"xml-format-01.xml", "XML"},
    {"xml-format-02.xml", "XML"},
    {"xml-format-05.xml", "XML"},
};

static const char *reason_of(const char *name)
{
    for (size_t i = 0; i < sizeof deviations / sizeof deviations[0]; i++)
        if (strcmp(deviations[i].name, name) == 0)
            return deviations[i].reason;
    return NULL;
}

static const char *fragment_of(const char *name)
{
    for (size_t i = 0; i < sizeof fragments / sizeof fragments[0]; i++)
        if (strcmp(fragments[i].name, name) == 0)
            return fragments[i].reason;
    return NULL;
}

static void expect_equal(const obs_event *a, const obs_event *b, const char *name)
{
    ck_assert_str_eq(a->id, b->id);
    ck_assert_str_eq(a->source, b->source);
    ck_assert_str_eq(a->type, b->type);
    ck_assert_msg(!a->subject == !b->subject && (!a->subject || strcmp(a->subject, b->subject) == 0), "%s", name);
    ck_assert_msg(!a->time == !b->time && (!a->time || strcmp(a->time, b->time) == 0), "%s", name);
    ck_assert_uint_eq(a->extension_count, b->extension_count);
    for (size_t i = 0; i < a->extension_count; i++)
        ck_assert_str_eq(a->extensions[i].value, b->extensions[i].value);
    ck_assert_uint_eq(a->data_size, b->data_size);
    ck_assert_msg(!a->data_size || memcmp(a->data, b->data, a->data_size) == 0, "%s", name);
}

static obs__schema *schema;

/* The schema of the specification. It says draft-07 but uses nothing that 2020-12 has not. */
START_TEST(the_schema_of_the_specification)
{
    const char *path = test_shared("vectors/cloudevents/schema/cloudevents.json");
    if (!path) {
        test_skipped("CloudEvents JSON Schema", "../shared/vectors/cloudevents is not there");
        return;
    }
    size_t size;
    json_t *document = NULL;
    char *text = test_read(path, &size);
    ck_assert_ok(obs__json_load(&document, text, size, NULL, &error));
    ck_assert_int_eq(json_object_del(document, "$schema"), 0);
    ck_assert_ok(obs__schema_compile(&schema, document, OBS__SCHEMA_FORMATS, &error));
    json_decref(document);
    free(text);
}
END_TEST

/* What we write fits the schema of the specification. */
static obs_status validate(const char *json, size_t size)
{
    json_t *document = NULL;
    ck_assert_ok(obs__json_load(&document, json, size, NULL, &error));
    obs_status status = obs__schema_validate(schema, document, &error);
    json_decref(document);
    return status;
}

static void round_trip(const char *name, const char *json, size_t size)
{
    obs_event *event = NULL, *back = NULL;
    obs_buffer *text = NULL;
    obs_status status = obs_event_decode(&event, json, size, &error);
    if (reason_of(name)) {
        printf("%s is refused: %s\n", name, reason_of(name));
        ck_assert_msg(status == OBS_INVALID_ARGUMENT, "%s is listed as a deviation but passes", name);
        return;
    }
    ck_assert_msg(status == OBS_OK, "%s: %s", name, error.message);
    ck_assert_ok(obs_event_encode(&text, event, &error));
    if (schema)
        ck_assert_ok(validate(obs_buffer_data(text), obs_buffer_size(text)));
    ck_assert_ok(obs_event_decode(&back, obs_buffer_data(text), obs_buffer_size(text), &error));
    expect_equal(event, back, name);
    for (int binding = OBS_EVENT_HTTP; binding <= OBS_EVENT_NATS; binding++) {
        obs_event_message *message = NULL;
        obs_event_free(back);
        ck_assert_ok(obs_event_to_message(&message, event, (obs_event_binding)binding, &error));
        ck_assert_ok(obs_event_from_message(&back, message, (obs_event_binding)binding, &error));
        expect_equal(event, back, name);
        obs_event_message_free(message);
    }
    obs_buffer_free(text);
    obs_event_free(back);
    obs_event_free(event);
}

START_TEST(the_examples_of_the_specification)
{
    const char *folder = test_shared("vectors/cloudevents/examples");
    if (!folder) {
        test_skipped("CloudEvents examples", "../shared/vectors/cloudevents is not there");
        return;
    }
    DIR *entries = opendir(folder);
    size_t events = 0;
    ck_assert_ptr_nonnull(entries);
    for (struct dirent *entry = readdir(entries); entry; entry = readdir(entries)) {
        const char *ending = strrchr(entry->d_name, '.');
        size_t size;
        if (!ending || ending == entry->d_name || !ending[1])
            continue;
        if (strcmp(ending, ".json") != 0) {
            ck_assert_msg(fragment_of(entry->d_name) != NULL, "%s is neither JSON nor listed", entry->d_name);
            continue;
        }
        char *json = test_read(test_path(folder, entry->d_name), &size);
        round_trip(entry->d_name, json, size);
        free(json);
        events++;
    }
    closedir(entries);
    ck_assert_uint_ge(events, 11);
}
END_TEST

START_TEST(all_forms_fit_the_schema)
{
    static const char *const types[] = {NULL, "text/plain", "image/fits", "application/json"};
    static const char *const data[] = {"[null]", "a \"b\"\n", "\xFF", "true"};
    static const obs_pair extensions[] = {{"traceparent", "00-1"}, {"note", "\xE2\x82\xAC"}};
    if (!schema)
        return;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        obs_event event;
        obs_buffer *json = NULL;
        obs_event_init(&event, sizeof event);
        event.id = "1";
        event.source = "http://[::1]/a?b#c";
        event.type = "t";
        event.subject = "s";
        event.time = "2016-12-31T23:59:60.5+00:00";
        event.dataschema = "urn:x:y";
        event.datacontenttype = types[i];
        event.data = data[i];
        event.data_size = OBS_TEXT;
        event.extensions = extensions;
        event.extension_count = 2;
        ck_assert_ok(obs_event_encode(&json, &event, &error));
        ck_assert_ok(validate(obs_buffer_data(json), obs_buffer_size(json)));
        obs_buffer_free(json);
    }
    static const char bad[] = "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"s\"}";
    ck_assert_int_eq(validate(bad, sizeof bad - 1), OBS_REFUSED);
}
END_TEST

/* A message as printed: `name: value` lines, an empty line, the body. Lines without a colon, and a request line, are passed
 * over. */
static obs_event *read_printed(const char *name, obs_event_binding binding)
{
    size_t size;
    char *text = test_read(test_path(test_shared("vectors/cloudevents/examples"), name), &size);
    obs_pair headers[24];
    size_t count = 0;
    char *body = strstr(text, "\n\n");
    if (body) {
        *body = '\0';
        body += 2;
    }
    for (char *line = strtok(text, "\n"); line && count < 24; line = strtok(NULL, "\n")) {
        char *colon = strstr(line, ": ");
        if (!colon)
            continue;
        *colon = '\0';
        headers[count++] = (obs_pair){line, colon + 2};
    }
    while (body && *body && body[strlen(body) - 1] == '\n')
        body[strlen(body) - 1] = '\0';
    obs_event_message message = {headers, count, body, body ? strlen(body) : 0};
    obs_event *event = NULL;
    ck_assert_msg(obs_event_from_message(&event, &message, binding, &error) == OBS_OK, "%s: %s", name, error.message);
    free(text);
    return event;
}

START_TEST(the_messages_of_the_specification)
{
    if (!test_shared("vectors/cloudevents/examples")) {
        test_skipped("CloudEvents messages", "../shared/vectors/cloudevents is not there");
        return;
    }
    static const struct {
        const char *name;
        const char *id;
        const char *data;
    } rows[] = {
        {"json-format-06.txt", "C234-1234-1234",
         "{\n  \"appinfoA\" : \"abc\",\n  \"appinfoB\" : 123,\n  \"appinfoC\" : true\n}"},
        {"json-format-08.txt", "C234-1234-1234", "1.5"},
        {"json-format-12.txt", "D234-1234-1234", "{ \"xyz\": 123 }"},
        {"verifiability-06.txt", "1", "{\n  \"hello\" : \"world\"\n}"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        obs_event *event = read_printed(rows[i].name, OBS_EVENT_HTTP);
        ck_assert_str_eq(event->id, rows[i].id);
        ck_assert_str_eq(event->data, rows[i].data);
        obs_event_free(event);
    }
}
END_TEST

START_TEST(a_request_body_of_the_specification)
{
    const char *path = test_shared("vectors/cloudevents/examples/verifiability-05.txt");
    if (!path) {
        test_skipped("CloudEvents request", "../shared/vectors/cloudevents is not there");
        return;
    }
    char *text = test_read(path, NULL);
    const char *body = strstr(text, "\n\n");
    ck_assert_ptr_nonnull(body);
    round_trip("verifiability-05.txt", body + 2, strlen(body + 2));
    free(text);
}
END_TEST

/* Where the suite leaves the choice: what this reader refuses, and why. The other `i_` files are accepted. */
static const struct {
    const char *name;
    const char *reason;
} refused[] = {
    {"i_string_incomplete_surrogate_and_escape_valid.json", "lone surrogate"},
    {"i_string_incomplete_surrogate_pair.json", "lone surrogate"},
    {"i_string_invalid_lonely_surrogate.json", "lone surrogate"},
    {"i_string_invalid_surrogate.json", "lone surrogate"},
    {"i_string_invalid_utf-8.json", "not UTF-8"},
    {"i_string_inverted_surrogates_U+1D11E.json", "lone surrogate"},
    {"i_string_iso_latin_1.json", "not UTF-8"},
    {"i_string_not_in_unicode_range.json", "not UTF-8"},
    {"i_string_overlong_sequence_6_bytes.json", "not UTF-8"},
    {"i_string_overlong_sequence_6_bytes_null.json", "not UTF-8"},
    {"i_structure_UTF-8_BOM_empty_object.json", "byte order mark (RFC 8259, 8.1)"},
};

static int is_expected(const char *name)
{
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
        if (strcmp(refused[i].name, name) == 0)
            return 0;
    return *name != 'n';
}

static int is_accepted_alone(const char *text, size_t size)
{
    obs__json json;
    obs__view value;
    obs__json_begin(&json, text, size);
    obs__json_skip(&json, &value);
    obs__json_end(&json);
    ck_assert_int_eq(obs__json_status(&json, &error) == OBS_OK, json.fault == NULL);
    ck_assert_msg(!json.fault || (error.line >= 1 && error.column >= 1), "no place");
    return json.fault == NULL;
}

/* As data of an event: the same answer, and the bytes come back as they were. */
static int is_accepted_as_data(const char *text, size_t size)
{
    static const char begin[] = "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"s\",\"type\":\"t\",\"data\":";
    char *json = malloc(sizeof begin + size + 1);
    obs_event *event = NULL;
    memcpy(json, begin, sizeof begin - 1);
    memcpy(json + sizeof begin - 1, text, size);
    json[sizeof begin - 1 + size] = '}';
    obs_status status = obs_event_decode(&event, json, sizeof begin + size, &error);
    if (status == OBS_OK) {
        obs_buffer *out = NULL;
        ck_assert_ptr_nonnull(memmem(text, size, event->data, event->data_size));
        ck_assert_ok(obs_event_encode(&out, event, &error));
        ck_assert_ptr_nonnull(memmem(obs_buffer_data(out), obs_buffer_size(out), event->data, event->data_size));
        obs_buffer_free(out);
    }
    obs_event_free(event);
    free(json);
    return status == OBS_OK;
}

START_TEST(the_json_parsing_suite)
{
    const char *folder = test_shared("vectors/json-test-suite");
    if (!folder) {
        test_skipped("JSON parsing suite", "../shared/vectors/json-test-suite is not there");
        return;
    }
    DIR *entries = opendir(folder);
    size_t count = 0;
    ck_assert_ptr_nonnull(entries);
    for (struct dirent *entry = readdir(entries); entry; entry = readdir(entries)) {
        size_t size;
        if (!strchr("iny", entry->d_name[0]) || entry->d_name[1] != '_')
            continue;
        char *text = test_read(test_path(folder, entry->d_name), &size);
        int expected = is_expected(entry->d_name);
        ck_assert_msg(is_accepted_alone(text, size) == expected, "%s alone: %s", entry->d_name, error.message);
        ck_assert_msg(is_accepted_as_data(text, size) == expected, "%s as data: %s", entry->d_name, error.message);
        free(text);
        count++;
    }
    closedir(entries);
    ck_assert_uint_eq(count, 151);
}
END_TEST

START_TEST(nesting_has_a_limit)
{
    char text[2 * OBS__JSON_DEPTH + 3];
    obs__json json;
    obs__view value;
    memset(text, '[', OBS__JSON_DEPTH + 1);
    memset(text + OBS__JSON_DEPTH + 1, ']', OBS__JSON_DEPTH + 1);
    obs__json_begin(&json, text + 1, 2 * OBS__JSON_DEPTH);
    ck_assert(obs__json_skip(&json, &value) && obs__json_end(&json));
    obs__json_begin(&json, text, 2 * OBS__JSON_DEPTH + 2);
    ck_assert(!obs__json_skip(&json, &value));
    ck_assert_str_eq(json.fault, "the values are nested too deeply");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        the_schema_of_the_specification,
        all_forms_fit_the_schema,
        the_examples_of_the_specification,
        the_messages_of_the_specification,
        a_request_body_of_the_specification,
        the_json_parsing_suite,
        nesting_has_a_limit,
    };
    obs_error_init(&error, sizeof error);
    int failed = test_main("event vectors", tests, sizeof tests / sizeof tests[0]);
    obs__schema_free(schema);
    return failed;
}
