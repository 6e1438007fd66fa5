/* Events as JSON: what comes out, what goes in, and what is refused with which words. */
#include <obs/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"

static obs_error error;

static obs_event basic(void)
{
    obs_event event;
    obs_event_init(&event, sizeof event);
    event.id = "1";
    event.source = "/telescope/1";
    event.type = "org.example.frame.stored";
    return event;
}

/* Encodes, and compares with the JSON behind the attributes that all events of this file have. */
static void expect_json(const obs_event *event, const char *rest)
{
    obs_buffer *json = NULL;
    ck_assert_ok(obs_event_encode(&json, event, &error));
    static const char begin[] =
        "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/telescope/1\",\"type\":\"org.example.frame.stored\"";
    const char *text = obs_buffer_data(json);
    ck_assert_msg(strncmp(text, begin, sizeof begin - 1) == 0, "%s", text);
    ck_assert_str_eq(text + sizeof begin - 1, rest);
    obs_buffer_free(json);
}

static void expect_refused(const obs_event *event, const char *words)
{
    obs_buffer *json = (obs_buffer *)(uintptr_t)1;
    ck_assert_int_eq(obs_event_encode(&json, event, &error), OBS_INVALID_ARGUMENT);
    ck_assert_ptr_null(json);
    ck_assert_msg(strstr(error.message, words) != NULL, "'%s' does not say '%s'", error.message, words);
}

static obs_event *decode(const char *json)
{
    obs_event *event = NULL;
    ck_assert_msg(obs_event_decode(&event, json, OBS_TEXT, &error) == OBS_OK, "%s: %s", json, error.message);
    return event;
}

#define CORE "\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/s\",\"type\":\"t\""

START_TEST(data_stands_as_its_media_type_says)
{
    static const struct {
        const char *type;
        const char *data;
        size_t size;
        const char *json;
    } rows[] = {
        {NULL, " {\"mag\": 17.3}\n", OBS_TEXT, ",\"data\":{\"mag\": 17.3}}"},
        {"application/json", "null", OBS_TEXT, ",\"datacontenttype\":\"application/json\",\"data\":null}"},
        {"application/vnd.x+json; charset=UTF-8", "[1]", OBS_TEXT,
         ",\"datacontenttype\":\"application/vnd.x+json; charset=UTF-8\",\"data\":[1]}"},
        {"text/plain", "a \"b\"\n\xC3\xA9", OBS_TEXT,
         ",\"datacontenttype\":\"text/plain\",\"data\":\"a \\\"b\\\"\\n\xC3\xA9\"}"},
        {"application/xml", "<a/>", OBS_TEXT, ",\"datacontenttype\":\"application/xml\",\"data\":\"<a/>\"}"},
        {"text/plain", "", 0, ",\"datacontenttype\":\"text/plain\",\"data\":\"\"}"},
        {"text/plain", "\xFF", 1, ",\"datacontenttype\":\"text/plain\",\"data_base64\":\"/w==\"}"},
        {"text/plain; charset=latin1", "a", 1, ",\"datacontenttype\":\"text/plain; charset=latin1\",\"data_base64\":\"YQ==\"}"},
        {"image/fits", "a\0b", 3, ",\"datacontenttype\":\"image/fits\",\"data_base64\":\"YQBi\"}"},
        {"image/fits", "", 0, ",\"datacontenttype\":\"image/fits\",\"data_base64\":\"\"}"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        obs_event event = basic();
        event.datacontenttype = rows[i].type;
        event.data = rows[i].data;
        event.data_size = rows[i].size;
        expect_json(&event, rows[i].json);
    }
}
END_TEST

START_TEST(all_attributes_are_written)
{
    static const obs_pair extensions[] = {{"traceparent", "00-1"}, {"empty", ""}, {"none", NULL}, {"x1", "a\\\"\xC3\xA9"}};
    obs_event event = basic();
    event.subject = "raw/1.fits";
    event.time = "2026-11-20T21:15:03.5+01:00";
    event.dataschema = "https://example.org/s#1";
    event.extensions = extensions;
    event.extension_count = 4;
    expect_json(&event, ",\"subject\":\"raw/1.fits\",\"time\":\"2026-11-20T21:15:03.5+01:00\","
                        "\"dataschema\":\"https://example.org/s#1\",\"traceparent\":\"00-1\",\"x1\":\"a\\\\\\\"\xC3\xA9\"}");
}
END_TEST

START_TEST(bad_attributes_are_named)
{
    static const struct {
        size_t field;
        const char *value;
        const char *words;
    } rows[] = {
        {offsetof(obs_event, id), "", "id is missing"},
        {offsetof(obs_event, id), NULL, "id is missing"},
        {offsetof(obs_event, id), "a\nb", "id 'a\\x0ab' has a control character"},
        {offsetof(obs_event, id), "a\xC2\x85", "has a control character"},
        {offsetof(obs_event, id), "a\xEF\xBF\xBF", "has a control character"},
        {offsetof(obs_event, id), "\xFF", "not UTF-8"},
        {offsetof(obs_event, source), NULL, "source is missing"},
        {offsetof(obs_event, source), "a b", "source 'a b' is not a URI-reference"},
        {offsetof(obs_event, source), "1a:b", "is not a URI-reference"},
        {offsetof(obs_event, source), "a%2", "is not a URI-reference"},
        {offsetof(obs_event, source), "a%zz", "is not a URI-reference"},
        {offsetof(obs_event, source), "#a#b", "is not a URI-reference"},
        {offsetof(obs_event, source), "/a[1]", "is not a URI-reference"},
        {offsetof(obs_event, source), "\xC3\xA9", "is not a URI-reference"},
        {offsetof(obs_event, type), NULL, "type is missing"},
        {offsetof(obs_event, subject), "\x7F", "subject"},
        {offsetof(obs_event, time), "2026-11-20", "time '2026-11-20' is not a time of RFC 3339"},
        {offsetof(obs_event, time), "2026-11-20 21:15:03Z", "time"},
        {offsetof(obs_event, time), "2026-02-29T21:15:03Z", "time"},
        {offsetof(obs_event, time), "2026-13-01T21:15:03Z", "time"},
        {offsetof(obs_event, time), "2026-11-20T24:15:03Z", "time"},
        {offsetof(obs_event, time), "2026-11-20T21:60:03Z", "time"},
        {offsetof(obs_event, time), "2026-11-20T21:15:61Z", "time"},
        {offsetof(obs_event, time), "2026-11-20T21:15:03.Z", "time"},
        {offsetof(obs_event, time), "2026-11-20T21:15:03+0100", "time"},
        {offsetof(obs_event, time), "2026-11-20T21:15:03+24:00", "time"},
        {offsetof(obs_event, time), "2026-11-20T21:15:03", "time"},
        {offsetof(obs_event, time), "2026-11-20T21:15:03Zx", "time"},
        {offsetof(obs_event, datacontenttype), "json", "datacontenttype 'json' is not a media type"},
        {offsetof(obs_event, datacontenttype), "a/", "is not a media type"},
        {offsetof(obs_event, datacontenttype), "a/b c", "is not a media type"},
        {offsetof(obs_event, dataschema), "/a", "dataschema '/a' is not a URI with a scheme"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        obs_event event = basic();
        memcpy((char *)&event + rows[i].field, &rows[i].value, sizeof rows[i].value);
        expect_refused(&event, rows[i].words);
    }
}
END_TEST

START_TEST(good_attributes_pass)
{
    static const char *const sources[] = {"1-555-123-4567",
                                          "mailto:a@b.org",
                                          "urn:uuid:6e8bc430-9c3a-11d9-9669-0800200c9a66",
                                          "http://[::1]:80/a?b#c",
                                          "cloudevents/spec/pull/123",
                                          "a%C3%A9",
                                          "?q",
                                          "#f"};
    for (size_t i = 0; i < sizeof sources / sizeof sources[0]; i++) {
        obs_event event = basic();
        obs_buffer *json = NULL;
        event.source = sources[i];
        event.time = "0001-02-28t23:59:60.123456789123z";
        ck_assert_ok(obs_event_encode(&json, &event, &error));
        obs_event *back = decode(obs_buffer_data(json));
        ck_assert_str_eq(back->source, sources[i]);
        ck_assert_str_eq(back->time, event.time);
        obs_event_free(back);
        obs_buffer_free(json);
    }
}
END_TEST

START_TEST(bad_extensions_are_named)
{
    static const struct {
        obs_pair pairs[2];
        const char *words;
    } rows[] = {
        {{{"Upper", "1"}, {"b", "1"}}, "'Upper' cannot name an attribute"},
        {{{"", "1"}, {"b", "1"}}, "'' cannot name an attribute"},
        {{{NULL, "1"}, {"b", "1"}}, "cannot name an attribute"},
        {{{"a-b", "1"}, {"b", "1"}}, "'a-b' cannot name an attribute"},
        {{{"a", "1"}, {"a", "2"}}, "a is given twice"},
        {{{"id", "1"}, {"b", "2"}}, "'id' cannot name an extension"},
        {{{"data", "1"}, {"b", "2"}}, "'data' cannot name an extension"},
        {{{"specversion", "1"}, {"b", "2"}}, "'specversion' cannot name an extension"},
        {{{"a", "\x1b"}, {"b", "2"}}, "a '\\x1b' has a control character"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        obs_event event = basic();
        event.extensions = rows[i].pairs;
        event.extension_count = 2;
        expect_refused(&event, rows[i].words);
    }
    obs_pair many[65];
    obs_event event = basic();
    event.extensions = many;
    event.extension_count = 65;
    expect_refused(&event, "at most 64 extension attributes");
}
END_TEST

START_TEST(sizes_have_limits)
{
    char *large = malloc(OBS_EVENT_MAX + 2);
    memset(large, 'a', OBS_EVENT_MAX + 1);
    large[OBS_EVENT_MAX + 1] = '\0';
    obs_event event = basic();
    event.datacontenttype = "text/plain";
    event.data = large;
    event.data_size = OBS_TEXT;
    expect_refused(&event, "data is larger than 1048576 bytes");
    event.data_size = OBS_EVENT_MAX;
    expect_refused(&event, "larger than 1048576 bytes as JSON");
    event.data = NULL;
    large[4097] = '\0';
    event.subject = large;
    expect_refused(&event, "subject is longer than 4,096 bytes");
    free(large);
    obs_event unprepared = {0};
    expect_refused(&unprepared, "obs_event_init");
    event = basic();
    event.data = "{";
    event.data_size = OBS_TEXT;
    expect_refused(&event, "data is not JSON");
    ck_assert_int_eq(error.line, 1);
    ck_assert_int_eq(error.column, 2);
}
END_TEST

START_TEST(members_become_fields)
{
    obs_event *event =
        decode("\n{" CORE ",\"subject\":null,\"time\":\"2026-11-20T21:15:03Z\",\"num\":-2147483648,\"flag\":true,"
               "\"no\":null,\"esc\\u0061pe\":\"a\\ud83d\\ude00\\\"\" ,\"data\" : { \"a\" : [1, 2] } }\n");
    ck_assert_str_eq(event->id, "1");
    ck_assert_ptr_null(event->subject);
    ck_assert_ptr_null(event->datacontenttype);
    ck_assert_str_eq(event->time, "2026-11-20T21:15:03Z");
    ck_assert_uint_eq(event->extension_count, 3);
    ck_assert_str_eq(event->extensions[0].name, "num");
    ck_assert_str_eq(event->extensions[0].value, "-2147483648");
    ck_assert_str_eq(event->extensions[1].value, "true");
    ck_assert_str_eq(event->extensions[2].name, "escape");
    ck_assert_str_eq(event->extensions[2].value, "a\xF0\x9F\x98\x80\"");
    ck_assert_uint_eq(event->data_size, strlen("{ \"a\" : [1, 2] }"));
    ck_assert_str_eq(event->data, "{ \"a\" : [1, 2] }");
    obs_event_free(event);
}
END_TEST

START_TEST(data_is_read_as_its_media_type_says)
{
    static const struct {
        const char *members;
        const char *data; /* NULL: none */
        size_t size;
    } rows[] = {
        {"\"data\":\"text\"", "\"text\"", 6},
        {"\"data\":null", "null", 4},
        {"\"data\":\"a\\n\\u0000\",\"datacontenttype\":\"text/plain\"", "a\n\0", 3},
        {"\"datacontenttype\":\"text/plain\",\"data\":null", NULL, 0},
        {"\"datacontenttype\":\"text/plain\",\"data\":\"\"", "", 0},
        {"\"datacontenttype\":\"text\\/json\",\"data\":\"x\"", "\"x\"", 3},
        {"\"datacontenttype\":\"image/png\",\"data\":\"x\"", "x", 1},
        {"\"datacontenttype\":\"image/png\",\"data_base64\":\"AP8=\"", "\0\xFF", 2},
        {"\"datacontenttype\":\"image/png\",\"data_base64\":\"\"", "", 0},
        {"\"data_base64\":null,\"data\":1", "1", 1},
        {"\"data_base64\":null", NULL, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char json[256];
        snprintf(json, sizeof json, "{" CORE ",%s}", rows[i].members);
        obs_event *event = decode(json);
        ck_assert_msg(!event->data == !rows[i].data, "%s", json);
        ck_assert_uint_eq(event->data_size, rows[i].size);
        ck_assert_msg(!rows[i].data || memcmp(event->data, rows[i].data, rows[i].size) == 0, "%s", json);
        obs_event_free(event);
    }
}
END_TEST

START_TEST(bad_json_events_are_refused_with_their_place)
{
    static const struct {
        const char *json;
        const char *words;
        int line, column;
    } rows[] = {
        {"", "an object is expected", 1, 1},
        {"[]", "an object is expected", 1, 1},
        {"{}", "specversion is missing", 1, 1},
        {"{\"specversion\":\"0.3\"}", "specversion '0.3' is not supported", 1, 17},
        {"{\"specversion\":1.0}", "specversion must be a string", 1, 16},
        {"{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"s\"}", "type is missing", 1, 1},
        {"{" CORE ",\n \"id\":\"2\"}", "id is given twice", 2, 8},
        {"{" CORE ",\n\"subject\":\"\"}", "subject must not be empty", 2, 12},
        {"{" CORE ",\n\"subject\":null,\"subject\":\"a\"}", "subject is given twice", 2, 27},
        {"{" CORE ",\n\"time\":\"now\"}", "time 'now' is not a time", 2, 9},
        {"{" CORE ",\n\"Foo\":\"now\"}", "'Foo' cannot name an attribute", 2, 8},
        {"{" CORE ",\n\"foo\":1.5}", "foo is not an integer", 2, 7},
        {"{" CORE ",\n\"foo\":2147483648}", "foo is not an integer", 2, 7},
        {"{" CORE ",\n\"foo\":-2147483649}", "foo is not an integer", 2, 7},
        {"{" CORE ",\n\"foo\":{}}", "foo must be a string", 2, 7},
        {"{" CORE ",\n\"subject\":1}", "subject must be a string", 2, 11},
        {"{" CORE ",\n\"subject\":\"\\u0000\"}", "subject", 2, 12},
        {"{" CORE ",\n\"data\":1,\"data_base64\":\"\"}", "exclude each other", 2, 24},
        {"{" CORE ",\n\"data\":1,\"data\":2}", "data is given twice", 2, 17},
        {"{" CORE ",\n\"data_base64\":1}", "data_base64 must be a string", 2, 15},
        {"{" CORE ",\n\"data_base64\":\"YQ\"}", "data_base64 is not base64", 2, 16},
        {"{" CORE ",\n\"data_base64\":\"YR==\"}", "data_base64 is not base64", 2, 16},
        {"{" CORE ",\n\"data_base64\":\"Y===\"}", "data_base64 is not base64", 2, 16},
        {"{" CORE ",\n\"datacontenttype\":\"text/plain\",\"data\":{}}", "data must be a string", 2, 39},
        {"{" CORE "}x", "nothing more is expected", 1, 56},
        {"{" CORE ",}", "a name in double quotes", 1, 56},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        obs_event *event = (obs_event *)(uintptr_t)1;
        ck_assert_msg(obs_event_decode(&event, rows[i].json, OBS_TEXT, &error) == OBS_INVALID_ARGUMENT, "%s", rows[i].json);
        ck_assert_ptr_null(event);
        ck_assert_msg(strstr(error.message, rows[i].words) != NULL, "'%s' does not say '%s'", error.message, rows[i].words);
        ck_assert_msg(error.line == rows[i].line && error.column == rows[i].column, "%s: %d:%d", rows[i].json, error.line,
                      error.column);
    }
}
END_TEST

START_TEST(a_bad_element_does_not_lose_the_batch)
{
    obs_event_batch *batch = NULL;
    const obs_event *event = NULL;
    ck_assert_ok(obs_event_decode_batch(&batch, "[ {" CORE "},\n {\"id\":1}, 7, {" CORE ",\"data\":2} ]", OBS_TEXT, &error));
    ck_assert_uint_eq(obs_event_batch_count(batch), 4);
    ck_assert_ok(obs_event_batch_at(&event, batch, 0, &error));
    ck_assert_str_eq(event->type, "t");
    ck_assert_int_eq(obs_event_batch_at(&event, batch, 1, &error), OBS_INVALID_ARGUMENT);
    ck_assert_ptr_null(event);
    ck_assert_str_eq(error.message, "id must be a string");
    ck_assert_str_eq(error.detail, "event 1 of the batch (from 0)");
    ck_assert_int_eq(error.line, 2);
    ck_assert_int_eq(error.column, 8);
    ck_assert_int_eq(obs_event_batch_at(&event, batch, 2, &error), OBS_INVALID_ARGUMENT);
    ck_assert_ok(obs_event_batch_at(&event, batch, 3, &error));
    ck_assert_str_eq(event->data, "2");
    ck_assert_int_eq(obs_event_batch_at(&event, batch, 4, &error), OBS_OUT_OF_RANGE);
    obs_event_batch_free(batch);
    ck_assert_int_eq(obs_event_decode_batch(&batch, "{}", OBS_TEXT, &error), OBS_INVALID_ARGUMENT);
    ck_assert_int_eq(obs_event_decode_batch(&batch, "[{},]", OBS_TEXT, &error), OBS_INVALID_ARGUMENT);
    ck_assert_ptr_null(batch);
}
END_TEST

START_TEST(batches_go_there_and_back)
{
    obs_event events[3] = {basic(), basic(), basic()};
    const obs_event *pointers[3] = {&events[0], &events[1], &events[2]};
    obs_buffer *json = NULL;
    obs_event_batch *batch = NULL;
    const obs_event *event = NULL;
    events[1].data = "[]";
    events[1].data_size = OBS_TEXT;
    ck_assert_ok(obs_event_encode_batch(&json, pointers, 3, &error));
    ck_assert_ok(obs_event_decode_batch(&batch, obs_buffer_data(json), obs_buffer_size(json), &error));
    ck_assert_uint_eq(obs_event_batch_count(batch), 3);
    ck_assert_ok(obs_event_batch_at(&event, batch, 1, &error));
    ck_assert_str_eq(event->data, "[]");
    obs_event_batch_free(batch);
    obs_buffer_free(json);
    events[2].type = NULL;
    ck_assert_int_eq(obs_event_encode_batch(&json, pointers, 3, &error), OBS_INVALID_ARGUMENT);
    ck_assert_ptr_null(json);
    ck_assert_str_eq(error.detail, "event 2 of the batch (from 0)");
    ck_assert_ok(obs_event_encode_batch(&json, NULL, 0, &error));
    ck_assert_str_eq(obs_buffer_data(json), "[]");
    obs_buffer_free(json);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        data_stands_as_its_media_type_says,
        all_attributes_are_written,
        bad_attributes_are_named,
        good_attributes_pass,
        bad_extensions_are_named,
        sizes_have_limits,
        members_become_fields,
        data_is_read_as_its_media_type_says,
        bad_json_events_are_refused_with_their_place,
        a_bad_element_does_not_lose_the_batch,
        batches_go_there_and_back,
    };
    obs_error_init(&error, sizeof error);
    return test_main("event codec", tests, sizeof tests / sizeof tests[0]);
}
