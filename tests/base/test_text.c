#include "base/clock.h"
#include "base/hash.h"
#include "base/text.h"
#include "support.h"

START_TEST(json_strings_are_escaped)
{
    obs__builder builder;
    obs__builder_init(&builder, 100);
    obs__add_json(&builder, "a\"\\\n\x01\xC3\xA9\xFF", 8);
    ck_assert_str_eq(builder.data, "\"a\\\"\\\\\\n\\u0001\xC3\xA9\xEF\xBF\xBD\"");
    obs__builder_free(&builder);
}
END_TEST

START_TEST(a_builder_keeps_its_limit)
{
    obs__builder builder;
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs__builder_init(&builder, 4);
    obs__add_text(&builder, "abcd");
    ck_assert_int_eq(obs__builder_status(&builder, &error), OBS_OK);
    obs__add_char(&builder, 'e');
    ck_assert_int_eq(obs__builder_status(&builder, &error), OBS_RESOURCE_EXHAUSTED);
    ck_assert_uint_eq(builder.size, 4);
    obs__builder_free(&builder);
}
END_TEST

START_TEST(utf8_is_checked_strictly)
{
    ck_assert(obs__utf8_valid("\xF0\x9F\x94\xAD", 4));
    ck_assert(!obs__utf8_valid("\xC0\x80", 2));
    ck_assert(!obs__utf8_valid("\xED\xA0\x80", 3));
    ck_assert(!obs__utf8_valid("\xF4\x90\x80\x80", 4));
    ck_assert(!obs__utf8_valid("\xE2\x82", 2));
}
END_TEST

START_TEST(hidden_characters_are_shown)
{
    char out[64];
    obs__escape_display(out, sizeof out, "a\x1b[31m\xE2\x80\xAE", 9);
    ck_assert_str_eq(out, "a\\x1b[31m\\u{202e}");
}
END_TEST

START_TEST(times_go_there_and_back)
{
    int64_t ns;
    char text[OBS__TIME_SIZE];
    ck_assert(obs__time_parse(&ns, "2024-02-29T23:59:60.5+01:00"));
    obs__time_format(text, ns);
    ck_assert_str_eq(text, "2024-02-29T23:00:00.500000Z");
    ck_assert(obs__time_parse(&ns, "1763-01-01"));
    obs__time_format(text, ns);
    ck_assert_str_eq(text, "1763-01-01T00:00:00.000000Z");
    ck_assert(!obs__time_parse(&ns, "2023-02-29"));
    ck_assert(!obs__time_parse(&ns, "2023-01-01T10:00:00"));
    ck_assert(!obs__time_parse(&ns, "9999-01-01"));
}
END_TEST

START_TEST(crc32c_is_castagnoli)
{
    ck_assert_uint_eq(obs__crc32c(0, "123456789", 9), 0xE3069283);
    ck_assert_uint_eq(obs__crc32c(obs__crc32c(0, "1234", 4), "56789", 5), 0xE3069283);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {json_strings_are_escaped,    a_builder_keeps_its_limit, utf8_is_checked_strictly,
                                  hidden_characters_are_shown, times_go_there_and_back,   crc32c_is_castagnoli};
    return test_main("text", tests, sizeof tests / sizeof tests[0]);
}
