/* Decimal numbers as doubles: the nearest one, of any length, in any locale. */
#include "base/number.h"

#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "support.h"

static obs_error error;

static int reads(double *out, const char *text, size_t *digits)
{
    return obs__number_read(out, obs__view_of(text, OBS_TEXT), digits);
}

START_TEST(the_nearest_double)
{
    static const struct {
        const char *text;
        double value;
        size_t digits;
    } rows[] = {
        {"0", 0, 0},
        {"-0.000e999999999999999999999", 0, 0},
        {"+12.50", 12.5, 4},
        {"-2.5E-7", -2.5e-7, 2},
        {"007", 7, 1},
        {"123456789012345678901234567890", 123456789012345678901234567890.0, 30},
        {"9007199254740993", 9007199254740992.0, 16}, /* in the middle: to the even one */
        {"9007199254740993.0000000000000000000000000001", 9007199254740994.0, 44},
        {"1.7976931348623157e308", 0x1.fffffffffffffp+1023, 17},
        {"4.9e-324", 0x1p-1074, 2},
        {"1e-400", 0, 1},
        {"1e-99999999999999999999999999", 0, 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        double value = 77;
        size_t digits = 77;
        ck_assert_msg(reads(&value, rows[i].text, &digits), "%s", rows[i].text);
        ck_assert_msg(value == rows[i].value, "%s: %.17g", rows[i].text, value);
        ck_assert_msg(digits == rows[i].digits, "%s: %zu digits", rows[i].text, digits);
        ck_assert_msg(!signbit(value) == (*rows[i].text != '-'), "%s: sign", rows[i].text);
    }
}
END_TEST

START_TEST(what_is_no_number)
{
    static const char *const rows[] = {
        "",    "-",   "+-1", ".5",  "1.",   "1.e5", "1e", "1e+",   "1 ",     " 1",
        "1,5", "0x1", "inf", "nan", "1e5x", "--1",  "e5", "1e400", "-1e400", "1e99999999999999999999"};
    double value;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        ck_assert_msg(!reads(&value, rows[i], NULL), "%s", rows[i]);
    ck_assert(!obs__number_read(&value, (obs__view){"1\0", 2}, NULL));
}
END_TEST

/* `head`, so many of `digit`, `tail`. */
static double read_long(const char *head, char digit, size_t count, const char *tail)
{
    size_t size = strlen(head);
    double value = NAN;
    char *text = malloc(size + count + strlen(tail) + 1);
    ck_assert_ptr_nonnull(text);
    memcpy(text, head, size);
    memset(text + size, digit, count);
    strcpy(text + size + count, tail);
    ck_assert(reads(&value, text, NULL));
    free(text);
    return value;
}

START_TEST(long_texts_are_read_to_the_end)
{
    /* What decides stands behind thousands of digits. */
    ck_assert(read_long("9007199254740993.", '0', 5000, "") == 9007199254740992.0);
    ck_assert(read_long("9007199254740993.", '0', 5000, "1") == 9007199254740994.0);
    ck_assert(read_long("0.", '0', 1999999, "15e2000000") == 1.5);
    ck_assert(read_long("1", '0', 2000000, "e-2000000") == 1.0);
    ck_assert(read_long("0.", '9', 3000, "") == 1.0);
    ck_assert(read_long("0.", '3', 3000, "") == 1.0 / 3);
}
END_TEST

/* A locale with a decimal comma, made here as few machines have one; 0 when its sources are not there. */
static int use_decimal_comma(void)
{
    const char *folder = test_folder();
    char command[512];
    double value;
    snprintf(command, sizeof command, "localedef -i de_DE -f UTF-8 '%s' >/dev/null 2>&1", test_path(folder, "de_DE.UTF-8"));
    if (system(command) != 0 || setenv("LOCPATH", folder, 1) != 0 || !setlocale(LC_ALL, "de_DE.UTF-8"))
        return 0;
    value = strtod("1,5", NULL);
    ck_assert(value == 1.5);
    return 1;
}

START_TEST(the_locale_is_ignored)
{
    static const char text[] = "[17.3,0.1,1e+300,1.234567890123456789e-200]";
    json_t *json;
    obs_buffer *dump;
    if (!use_decimal_comma()) {
        test_skipped("a decimal comma", "localedef or the sources of the locale de_DE are not there");
        return;
    }
    ck_assert_ok(obs__json_load(&json, text, sizeof text - 1, NULL, &error));
    ck_assert_ok(obs__json_dump(&dump, json, 0, 1000, &error));
    setlocale(LC_ALL, "C");
    ck_assert_str_eq(obs_buffer_data(dump), "[17.3,0.1,1e+300,1.2345678901234569e-200]");
    ck_assert(json_real_value(json_array_get(json, 3)) == 1.234567890123456789e-200);
    obs_buffer_free(dump);
    json_decref(json);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {the_nearest_double, what_is_no_number, long_texts_are_read_to_the_end, the_locale_is_ignored};
    obs_error_init(&error, sizeof error);
    return test_main("number", tests, sizeof tests / sizeof tests[0]);
}
