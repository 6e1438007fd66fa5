/* The query language: what is understood, what is refused and where, and that nothing in it is ever code. */
#include "catalog/query.h"
#include "catalog_support.h"

static const struct bad {
    const char *query;
    int column;
    const char *message;
} bad[] = {
    {"mag<", 5, "a value is missing: write name=value without blanks, or name=\"\" for the empty text"},
    {"a=1 mag< 18", 9, "a value is missing: write name=value without blanks, or name=\"\" for the empty text"},
    {"mag <18", 5, "a name is missing before the operator: write name=value without blanks"},
    {"=x", 1, "a name is missing before the operator: write name=value without blanks"},
    {"a==b", 3, "two operators stand together: write name=value"},
    {"a=b=c", 4, "a value with an operator in it is written in quotes"},
    {"x \"abc", 3, "this quote is never closed"},
    {"a=\"b\\", 3, "this quote is never closed"},
    {"a=\"b\\n\"", 5, "inside quotes a backslash stands before a quote or another backslash"},
    {"a=b\"c\"", 4, "a quote stands at the beginning of a name or value, around all of it"},
    {"a=\"b\"c", 6, "a blank is missing behind the quote"},
    {"\"a\"b", 4, "a blank or an operator is missing behind the quote"},
    {"size>big", 6, "size is compared with a number of bytes, as in size>1000000"},
    {"\xC3\xA4=1 time>yesterday", 10, "this is no time: write 2026-11-20 or 2026-11-20T21:15:00Z"},
    {"size=1*", 6, "size and time are compared with <, <=, >, >=, =, !=; they have no ending to leave open"},
    {"a=1 ---", 5, "there is no word to look for: words are made of letters and digits"},
    {"a=1 \"\"", 5, "there is no word to look for: words are made of letters and digits"},
};

START_TEST(test_errors)
{
    open_catalog();
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        obs_rows *rows = NULL;
        ck_assert_int_eq(obs_catalog_search(&rows, catalog, bad[i].query, NULL, &error), OBS_INVALID_ARGUMENT);
        ck_assert_ptr_null(rows);
        ck_assert_str_eq(error.message, bad[i].message);
        ck_assert_msg(error.column == bad[i].column, "%s: column %d", bad[i].query, error.column);
    }
    close_catalog();
}
END_TEST

START_TEST(test_too_much)
{
    obs_rows *rows = NULL;
    char *query = malloc(70001);
    open_catalog();
    memset(query, 'a', 70000);
    query[70000] = '\0';
    ck_assert_int_eq(obs_catalog_search(&rows, catalog, query, NULL, &error), OBS_INVALID_ARGUMENT);
    for (int i = 0; i < 65; i++)
        memcpy(query + 4 * i, "a=1 ", 4);
    query[4 * 64] = '\0';
    ck_assert_ok(obs_catalog_search(&rows, catalog, query, NULL, &error));
    obs_rows_free(rows);
    query[4 * 64] = 'a';
    query[4 * 65] = '\0';
    ck_assert_int_eq(obs_catalog_search(&rows, catalog, query, NULL, &error), OBS_INVALID_ARGUMENT);
    ck_assert_int_eq(error.column, 257);
    ck_assert_int_eq(obs_catalog_search(&rows, catalog, "a=\xFF", NULL, &error), OBS_INVALID_ARGUMENT);
    free(query);
    close_catalog();
}
END_TEST

START_TEST(test_language)
{
    open_catalog();
    add_object("raw/2026-11-20/ccd-0421.fits", "night=2026-11-20 filter=B seq=007 type=bias", "{\"mag\":18.5,\"good\":true}");
    add_object("raw/2026-11-21/ccd-0422.fits", "night=2026-11-21 filter=V",
               "{\"mag\":\"faint\",\"note\":\"Caf\xC3\xA9 d\\u00e9j\\u00e0 \\\"vu\\\"\"}");
    add_object("x", "", "{\"id\":\"9007199254740993\",\"a b\":\"c=d\"}");
#define A "raw/2026-11-20/ccd-0421.fits "
#define B "raw/2026-11-21/ccd-0422.fits "
    ck_assert_found("ccd-0421", A);
    ck_assert_found("0421", A);
    ck_assert_found("CCD", A B);
    ck_assert_found("ccd-04*", A B);
    ck_assert_found("\"ccd-04*\"", "");
    ck_assert_found("cafe DEJA", B); /* without accents, in any case */
    ck_assert_found("\"deja vu\"", B);
    ck_assert_found("\"vu deja\"", "");
    ck_assert_found("seq=7", A);
    ck_assert_found("seq=07.0", A);
    ck_assert_found("seq=00*", A);
    ck_assert_found("mag=18.50", A);
    ck_assert_found("mag<=18.5 mag>=1.85e1", A);
    ck_assert_found("mag=faint", B);
    ck_assert_found("good=true", A);
    ck_assert_found("night>=2026-11-21", B);
    ck_assert_found("night<2026-11-21", A);
    ck_assert_found("filter!=B", B "x ");
    ck_assert_found("id=9007199254740993", "x ");
    ck_assert_found("id=9007199254740992", ""); /* equal as doubles */
    ck_assert_found("\"a b\"=\"c=d\"", "x ");
    ck_assert_found("type=bias", "");
    ck_assert_found("\"type\"=bias", A);
    ck_assert_found("type=image/fits kind=object", A B "x ");
    ck_assert_found("size>2879 size<=2880 size=2880", A B "x ");
    ck_assert_found("time>=2026-11-18 time<2026-11-19", A B "x ");
    ck_assert_found("key=raw/2026* key!=raw/2026-11-21*", A);
    ck_assert_found("key=x", "x ");
    ck_assert_found("key=\"raw/2026*\"", "");
    ck_assert_found("key>raw/2026-11-21", B "x ");
    ck_assert_found(" \t\n ", A B "x ");
    ck_assert_found("wow!", "");
    close_catalog();
}
END_TEST

/* Every position of the language gets what would be code in SQL, in FTS5 or in JSON. */
static const char *const hostile[] = {
    "'",           "''",
    "' OR 1=1 --", "'; DROP TABLE entry; --",
    "\\\"",        "a\\\" OR \\\"b",
    "a OR b",      "a AND NOT b",
    "NEAR(a b)",   "text:a",
    "{text}:a",    "a*",
    "^a",          "a + b",
    "*",           "%",
    "_",           "?1",
    "$1",          ":a",
    "a NOT a",     "\xE2\x80\xAE",
    "\xC2\xA0",    "a(b",
    "}{",
};

START_TEST(test_injection)
{
    static const char *const forms[] = {"\"%s\"",     "\"%s\"=1",    "a=\"%s\"", "\"%s\"=\"%s\"", "a!=\"%s\"",
                                        "key=\"%s\"", "kind=\"%s\"", "a<\"%s\"", "\"%s\" \"%s\""};
    char query[200];
    open_catalog();
    for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++) {
        char name[100], *plain = name;
        for (const char *c = hostile[i]; *c; c++) /* as it is behind the quotes */
            if (*c != '\\' || c[1] != '"')
                *plain++ = *c;
        *plain = '\0';
        obs_pair labels[] = {{name, name}};
        add_entry(&(obs__entry){.kind = "object", .key = {name, strlen(name)}, .labels = labels, .label_count = 1});
        snprintf(query, sizeof query, "\"%s\"=\"%s\" key=\"%s\"", hostile[i], hostile[i], hostile[i]);
        char *rows = search_rows(query);
        ck_assert_msg(strchr(rows, '\n') && !strchr(rows, '\n')[1], "%s found %s", query, rows);
        free(rows);
    }
    for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++)
        for (size_t form = 0; form < sizeof forms / sizeof *forms; form++) {
            obs_rows *rows = NULL;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
            snprintf(query, sizeof query, forms[form], hostile[i], hostile[i]);
#pragma GCC diagnostic pop
            obs_status status = obs_catalog_search(&rows, catalog, query, NULL, &error);
            ck_assert_msg(status == OBS_OK || (status == OBS_INVALID_ARGUMENT && strstr(error.message, "no word")), "%s: %s",
                          query, error.message);
            obs_rows_free(rows);
        }
    obs__catalog_counts counts;
    ck_assert_ok(obs__catalog_count(&counts, &gate->base, &error));
    ck_assert_uint_eq(counts.objects, sizeof hostile / sizeof *hostile);
    close_catalog();
}
END_TEST

START_TEST(test_numbers)
{
    static const struct {
        const char *text;
        double number;
    } good[] = {{"0", 0},           {"-0", 0},    {"+7", 7},      {"1e3", 1000}, {"18.5", 18.5},
                {".", -1},          {"1.", -1},   {".5", -1},     {"0x10", -1},  {"inf", -1},
                {"nan", -1},        {"1e", -1},   {" 1", -1},     {"1e400", -1}, {"123456789.123456789", 123456789.123456789},
                {"1e-300", 1e-300}, {"0.1", 0.1}, {"4.35", 4.35}, {"1,5", -1},   {"", -1}};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        double number = -1;
        int read = obs__catalog_number(&number, obs__view_of(good[i].text, OBS_TEXT), 100);
        ck_assert_msg(read == (good[i].number >= 0), "'%s'", good[i].text);
        ck_assert_msg(!read || number == good[i].number, "'%s' is %.17g", good[i].text, number);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {test_errors, test_too_much, test_language, test_injection, test_numbers};
    return test_main("query", tests, sizeof tests / sizeof *tests);
}
