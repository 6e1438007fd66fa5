#include "base/driver.h"
#include "base/error.h"

#include <stdio.h>
#include <string.h>

#include "support.h"

static obs_error error;

static obs__url *parse(const char *text)
{
    obs__url *url;
    ck_assert_ok(obs__url_parse(&url, text, OBS_TEXT, &error));
    return url;
}

static void assert_refused(const char *text, const char *part)
{
    obs__url *url;
    ck_assert_int_eq(obs__url_parse(&url, text, OBS_TEXT, &error), OBS_INVALID_ARGUMENT);
    ck_assert_ptr_null(url);
    ck_assert_msg(strstr(error.message, part) != NULL, "%s: %s", text, error.message);
    ck_assert_ptr_null(strstr(error.message, "hunter2"));
}

START_TEST(urls_are_taken_apart)
{
    char shown[200];
    obs__url *url = parse("S3://ada@Bucket.example:9000/a%20b/c?timeout=30s&x=%26&e#f%23");
    ck_assert_str_eq(url->scheme, "s3");
    ck_assert_str_eq(url->user, "ada");
    ck_assert_str_eq(url->host, "bucket.example");
    ck_assert_int_eq(url->port, 9000);
    ck_assert_str_eq(url->path, "/a b/c");
    ck_assert_str_eq(url->fragment, "f#");
    ck_assert_str_eq(obs__url_setting(url, "timeout"), "30s");
    ck_assert_str_eq(obs__url_setting(url, "x"), "&");
    ck_assert_str_eq(obs__url_setting(url, "e"), "");
    ck_assert_ptr_null(obs__url_setting(url, "none"));
    obs__url_print(shown, sizeof shown, url);
    ck_assert_str_eq(shown, "s3://bucket.example:9000/a b/c");
    obs__url_free(url);

    url = parse("https://[2001:DB8::1]:8443/");
    ck_assert_str_eq(url->host, "2001:db8::1");
    ck_assert_int_eq(url->port, 8443);
    obs__url_print(shown, sizeof shown, url);
    ck_assert_str_eq(shown, "https://[2001:db8::1]:8443/");
    obs__url_free(url);

    static const char *const plain[][2] = {{"file:store", "store"},
                                           {"file:/a/b", "/a/b"},
                                           {"file:///a", "/a"},
                                           {"mem:", ""},
                                           {"oidc:https://idp/realm", "https://idp/realm"}};
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++) {
        url = parse(plain[i][0]);
        ck_assert_str_eq(url->path, plain[i][1]);
        ck_assert_str_eq(url->host, "");
        obs__url_free(url);
    }
    url = parse("kafka://a:9093,b:9093/topic");
    ck_assert_str_eq(url->host, "a:9093,b:9093");
    obs__url_free(url);
}
END_TEST

START_TEST(broken_urls_are_refused)
{
    assert_refused("", "begins with its scheme");
    assert_refused("store", "begins with its scheme");
    assert_refused("1a:x", "not the scheme");
    assert_refused("s3://h:70000/", "port");
    assert_refused("s3://h:0/", "port");
    assert_refused("s3://h:99999999999999999999/", "port");
    assert_refused("s3://[::1/", "IPv6");
    assert_refused("s3://[::1]x/", "IPv6");
    assert_refused("file:a%2", "escape");
    assert_refused("file:a%00", "escape");
    assert_refused("file:%FF", "escape");
    assert_refused("file:a b", "%20");
    assert_refused("file:a?x=1&x=2", "twice");
    assert_refused("file:\xFF", "UTF-8");
}
END_TEST

START_TEST(secrets_in_urls_are_refused)
{
    assert_refused("s3://ada:hunter2@h/b", "s3://\xE2\x80\xA6:${secret:s3-password}@");
    static const char *const names[] = {"password", "Secret",     "token", "api_key",
                                        "key",      "access-key", "sig",   "X-Amz-Signature"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char text[100];
        snprintf(text, sizeof text, "s3://h/b?%s=hunter2", names[i]);
        assert_refused(text, "=${secret:s3-");
    }
    obs__url *url = parse("s3://ada:${secret:x}@h/b?token=${secret:y}&monkey=1&key=");
    ck_assert_str_eq(url->password, "${secret:x}");
    char shown[100];
    obs__url_print(shown, sizeof shown, url);
    ck_assert_str_eq(shown, "s3://h/b");
    obs__url_free(url);
}
END_TEST

START_TEST(lists_are_cut)
{
    obs__view rest = obs__view_of("  s3://a/b?x=1,2 file:c, mem:d,kafka://e:1,f:2/t,s3://g\n", OBS_TEXT);
    static const char *const expected[] = {"s3://a/b?x=1,2", "file:c", "mem:d", "kafka://e:1,f:2/t", "s3://g"};
    for (size_t i = 0; i < 5; i++) {
        obs__view one = obs__url_next(&rest);
        ck_assert_msg(obs__view_is(one, expected[i]), "%.*s", (int)one.size, one.data);
    }
    ck_assert_uint_eq(obs__url_next(&rest).size, 0);
}
END_TEST

START_TEST(units_are_read)
{
    int64_t number;
    static const struct {
        const char *text;
        int64_t expected;
    } durations[] = {{"0", 0},
                     {"30s", 30000000000},
                     {"1.5h", 5400000000000},
                     {"250ms", 250000000},
                     {"2d", 172800000000000},
                     {"1h30m", 5400000000000},
                     {"1m0.5s1ns", 60500000001}};
    for (size_t i = 0; i < sizeof durations / sizeof durations[0]; i++) {
        ck_assert(obs__duration_parse(&number, durations[i].text));
        ck_assert_int_eq(number, durations[i].expected);
    }
    ck_assert(obs__size_parse(&number, "64MiB") && number == 67108864);
    ck_assert(obs__size_parse(&number, "1.5KiB") && number == 1536);
    ck_assert(obs__size_parse(&number, "4096") && number == 4096);
    ck_assert(obs__size_parse(&number, "10GB") && number == 10000000000);
    static const char *const wrong[] = {"",    "s",    "1",    "1x",  "-1s",        "1.s", "99999999999d",
                                        "1 s", "1e3s", "1h30", "1hm", "106000d800d"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        ck_assert_msg(!obs__duration_parse(&number, wrong[i]), "%s", wrong[i]);
    ck_assert(!obs__size_parse(&number, "9223372036854775807TiB") && !obs__size_parse(&number, "1mib"));
}
END_TEST

static const obs__property table[] = {
    {"timeout", OBS__PROPERTY_DURATION, "30s", "1ms", "1h", NULL, "How long a request may take."},
    {"part-size", OBS__PROPERTY_SIZE, "8MiB", "5MiB", NULL, NULL, "Bytes of one part."},
    {"style", OBS__PROPERTY_CHOICE, "path", NULL, NULL, "path host", "How buckets are named."},
    {"verify", OBS__PROPERTY_BOOLEAN, "true", NULL, NULL, NULL, "Whether reads are checked."},
    {"region", OBS__PROPERTY_TEXT, NULL, NULL, NULL, NULL, "The region."},
    {"tries", OBS__PROPERTY_INTEGER, "3", "1", "10", NULL, "How often."}};
#define ROWS (sizeof table / sizeof table[0])

static void assert_setting_refused(const char *text, const char *message)
{
    obs__value values[ROWS];
    obs__url *url = parse(text);
    ck_assert_int_eq(obs__properties_of_url(values, table, ROWS, url, &error), OBS_INVALID_ARGUMENT);
    ck_assert_str_eq(error.message, message);
    obs__url_free(url);
}

START_TEST(settings_come_from_a_table)
{
    obs__value values[ROWS];
    obs__url *url = parse("s3://h/b?timeout=5s&style=host&verify=false");
    ck_assert_ok(obs__properties_of_url(values, table, ROWS, url, &error));
    ck_assert_int_eq(values[0].number, 5000000000);
    ck_assert_int_eq(values[0].is_set, 1);
    ck_assert_int_eq(values[1].number, 8388608);
    ck_assert_int_eq(values[1].is_set, 0);
    ck_assert_int_eq(values[2].number, 1);
    ck_assert_int_eq(values[3].number, 0);
    ck_assert_ptr_null(values[4].text);
    ck_assert_int_eq(values[5].number, 3);
    obs__url_free(url);
    assert_setting_refused("s3://h?timout=5s", "unknown setting 'timout': did you mean 'timeout'?");
    assert_setting_refused("s3://h?zzzzzz=5s",
                           "unknown setting 'zzzzzz'; known are: timeout, part-size, style, verify, region, tries");
    assert_setting_refused("s3://h?timeout=5", "'timeout' must be a duration as in 30s");
    assert_setting_refused("s3://h?timeout=2h", "'timeout' must be at most 1h");
    assert_setting_refused("s3://h?part-size=1MiB", "'part-size' must be at least 5MiB");
    assert_setting_refused("s3://h?style=x", "'style' must be one of: path host");
    assert_setting_refused("s3://h?verify=yes", "'verify' must be true or false");
    assert_setting_refused("s3://h?tries=0", "'tries' must be at least 1");
}
END_TEST

START_TEST(the_table_makes_its_page)
{
    obs__builder page;
    obs__builder_init(&page, 10000);
    obs__properties_markdown(&page, table, ROWS);
    ck_assert_int_eq(obs__builder_status(&page, &error), OBS_OK);
    ck_assert_ptr_nonnull(strstr(page.data, "| `timeout` | a duration as in 30s, 1ms to 1h | `30s` | How long"));
    ck_assert_ptr_nonnull(strstr(page.data, "| `part-size` | a size as in 64MiB, at least 5MiB | `8MiB` |"));
    ck_assert_ptr_nonnull(strstr(page.data, "| `style` | path host | `path` |"));
    obs__builder_free(&page);
}
END_TEST

START_TEST(drivers_are_found_by_scheme)
{
    static const obs__driver file = {"file", OBS__DRIVER_DIRECT, NULL, NULL, 0, "a folder"};
    static const obs__driver mem = {"mem", OBS__DRIVER_DIRECT, NULL, NULL, 0, "memory"};
    static const obs__driver *const list[] = {&file, &mem};
    const obs__drivers drivers = {"store", list, 2};
    const obs__driver *found;
    obs__url *url = parse("MEM:x");
    ck_assert_ok(obs__driver_find(&found, &drivers, url, &error));
    ck_assert_ptr_eq(found, &mem);
    obs__url_free(url);
    url = parse("fiel:x");
    ck_assert_int_eq(obs__driver_find(&found, &drivers, url, &error), OBS_UNIMPLEMENTED);
    ck_assert_str_eq(error.message,
                     "no driver for 'fiel:': the URL of a store begins with one of file:, mem: (did you mean 'file:'?)");
    obs__url_free(url);
    url = parse("gopher:x");
    ck_assert_int_eq(obs__driver_find(&found, &drivers, url, &error), OBS_UNIMPLEMENTED);
    ck_assert_str_eq(error.message, "no driver for 'gopher:': the URL of a store begins with one of file:, mem:");
    obs__url_free(url);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        urls_are_taken_apart, broken_urls_are_refused,    secrets_in_urls_are_refused, lists_are_cut,
        units_are_read,       settings_come_from_a_table, the_table_makes_its_page,    drivers_are_found_by_scheme};
    obs_error_init(&error, sizeof error);
    return test_main("url", tests, sizeof tests / sizeof tests[0]);
}
