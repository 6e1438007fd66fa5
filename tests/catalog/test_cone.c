/* Cones and periods: what they find, beside what angles alone say, at the poles, across 0 h, and what is refused. */
#include <math.h>

#include "base/number.h"
#include "catalog/cone.h"
#include "catalog/query.h"
#include "catalog_support.h"

static void add_at(const char *key, double ra, double dec)
{
    obs__builder values;
    obs__builder_init(&values, 256);
    obs__add_text(&values, "{\"ra\":");
    obs__add_number(&values, ra, 9);
    obs__add_text(&values, ",\"dec\":");
    obs__add_number(&values, dec, 9);
    obs__add_char(&values, '}');
    add_object(key, "a=b", values.data);
    obs__builder_free(&values);
}

START_TEST(test_angles)
{
    static const struct angle {
        const char *text;
        obs__angle_kind kind;
        double degrees;
    } angles[] = {
        {"202.47", OBS__RIGHT_ASCENSION, 202.47},
        {"202.47d", OBS__RIGHT_ASCENSION, 202.47},
        {"13h29m", OBS__RIGHT_ASCENSION, 202.25},
        {"13h", OBS__RIGHT_ASCENSION, 195},
        {"13h29m52.7s", OBS__RIGHT_ASCENSION, 202.469583333333333},
        {"13h 29m 52.7s", OBS__RIGHT_ASCENSION, 202.469583333333333},
        {"13:29:52.7", OBS__RIGHT_ASCENSION, 202.469583333333333},
        {" 13 29 52.7 ", OBS__RIGHT_ASCENSION, 202.469583333333333},
        {"13 29.5", OBS__RIGHT_ASCENSION, 202.375},
        {"+47d12m", OBS__DECLINATION, 47.2},
        {"47:12:00", OBS__DECLINATION, 47.2},
        {"-00 57 45.2", OBS__DECLINATION, -(57 / 60.0 + 45.2 / 3600)},
        {"-0d30m", OBS__DECLINATION, -0.5},
        {"30m", OBS__DECLINATION, 0.5},
        {"90m", OBS__DECLINATION, 1.5},
        {"36s", OBS__DECLINATION, 0.01},
    };
    static const char *const none[] = {
        "",        " ",        "-",          "+ 5", "1e3",    "nan", "inf",  "13:60:00", "13h60m", "13h29h", "13m29h",
        "1.5h20m", "13:29 52", "13:29:52:1", "1,5", "13:29:", ":13", "0x10", "5d5",      "1..2",   "--1",    "13:2.5:3"};
    double degrees;
    for (size_t i = 0; i < sizeof angles / sizeof *angles; i++) {
        ck_assert_msg(obs__angle_read(&degrees, obs__view_of(angles[i].text, OBS_TEXT), angles[i].kind), "%s", angles[i].text);
        ck_assert_msg(fabs(degrees - angles[i].degrees) < 1e-12, "%s: %.15g", angles[i].text, degrees);
    }
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        ck_assert_msg(!obs__angle_read(&degrees, obs__view_of(none[i], OBS_TEXT), OBS__RIGHT_ASCENSION), "%s", none[i]);
    ck_assert(!obs__angle_read(&degrees, obs__view_of("13h", OBS_TEXT), OBS__DECLINATION));
}
END_TEST

/* Angles known from elsewhere: of right triangles, and of a small one where the cosine alone is noise. */
START_TEST(test_separation)
{
    obs__direction a = obs__direction_of(0, 0), b = obs__direction_of(90, 0), pole = obs__direction_of(123, 90);
    double ra, dec;
    ck_assert_double_eq_tol(obs__separation(&a, &b), 90, 1e-12);
    ck_assert_double_eq_tol(obs__separation(&a, &pole), 90, 1e-12);
    b = obs__direction_of(180, 0);
    ck_assert_double_eq_tol(obs__separation(&a, &b), 180, 1e-12);
    a = obs__direction_of(200, 60);
    b = obs__direction_of(200 + 1e-9, 60);
    ck_assert_double_eq_tol(obs__separation(&a, &b), 0.5e-9, 1e-13);
    b = obs__direction_of(359.25, -12.5);
    obs__direction_angles(&ra, &dec, &b);
    ck_assert_double_eq_tol(ra, 359.25, 1e-12);
    ck_assert_double_eq_tol(dec, -12.5, 1e-12);
}
END_TEST

START_TEST(test_poles_and_zero)
{
    open_catalog();
    add_at("zero", 0, 0);
    add_at("west", 359.9, 0);
    add_at("east", 0.1, 0);
    add_at("full", 360, 0);
    add_at("north", 17, 89.95);
    add_at("north2", 197, 89.95);
    add_at("south", 300, -90);
    add_at("m51", 202.469583, 47.195278);
    add_object("far", "a=b", "{\"ra\":720,\"dec\":0}");
    add_object("half", "a=b", "{\"ra\":0}");
    add_object("text", "ra=0.05 dec=0", NULL);
    add_object("outside", "a=b", "{\"ra\":0,\"dec\":91}");
    ck_assert_found("cone=0,0,0.11", "zero west east full text ");
    ck_assert_found("cone=359.95,0,0.06", "zero west full ");
    ck_assert_found("cone=360,0,0.01", "zero full ");
    ck_assert_found("cone=100,90,0.06", "north north2 ");
    ck_assert_found("cone=197,89.99,0.05", "north2 ");
    ck_assert_found("cone=0,-90,1", "south ");
    ck_assert_found("cone=120,-89.99,0.02", "south ");
    ck_assert_found("cone=13h29m,+47d12m,0.5d", "m51 ");
    ck_assert_found("cone=\"13 29 52.7, +47 11 43, 1s\"", "m51 ");
    ck_assert_found("cone=13:29:52.7,47:11:43,1s a=b", "m51 ");
    ck_assert_found("cone=202.47,+47.2,20m key=m*", "m51 ");
    ck_assert_found("cone=22.47,-47.2,179", "zero west east full north north2 south text ");
    ck_assert_found("cone=0,0,180 a!=b", "text ");
    ck_assert_found("\"cone\"=1", "");
    char *rows = search_rows("cone=0,0.05,0.06");
    ck_assert_ptr_nonnull(strstr(rows, "\"distance\":0.05}"));
    free(rows);
    rows = search_rows("key=zero");
    ck_assert_ptr_null(strstr(rows, "distance"));
    free(rows);
    close_catalog();
}
END_TEST

START_TEST(test_during)
{
    open_catalog();
    add_object("night", "a=b", "{\"mjd\":61364.875,\"mjd_end\":61364.9}");
    add_object("long", "a=b", "{\"mjd\":61363.5,\"mjd_end\":61366.5}");
    add_object("later", "a=b", "{\"mjd\":61365,\"mjd_end\":61365}");
    add_object("never", "a=b", NULL);
    ck_assert_found("during=2026-11-20", "night long ");
    ck_assert_found("during=2026-11-20/2026-11-21", "night long ");
    ck_assert_found("during=2026-11-21/2026-11-22", "long later ");
    ck_assert_found("during=2026-11-20T22:00:00Z/2026-11-20T23:30:00+01:00", "long ");
    ck_assert_found("during=2026-11-20T21:36:00Z/2026-11-20T21:37:00Z", "night long ");
    ck_assert_found("during=2026-11-21/", "long later ");
    ck_assert_found("during=/2026-11-20", "long ");
    close_catalog();
}
END_TEST

static uint64_t seed = 20261121;

static double random_part(void)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (double)(seed >> 40) / (1 << 24);
}

enum { ENTRIES = 5000 };

/* Everywhere on the sky, in blocks that are indexed and some that are not yet. */
static void fill_sky(obs__direction *places)
{
    obs__effects effects = {0};
    for (int i = 0; i < ENTRIES; i++) {
        char key[32], values[96];
        long ra = lround(random_part() * 3599999), dec = lround(asin(2 * random_part() - 1) * 57.29577951308232 * 10000);
        places[i] = obs__direction_of((double)ra / 10000, (double)dec / 10000);
        snprintf(key, sizeof key, "e%d", i);
        snprintf(values, sizeof values, "{\"ra\":%lde-4,\"dec\":%lde-4}", ra, dec);
        const obs__entry entry = {.kind = "object", .key = {key, strlen(key)}, .type = "", .sha256 = "", .values = values};
        ck_assert_ok(obs__catalog_entry(&effects, &entry, &error));
    }
    ck_assert_ok(commit_effects(&effects));
}

static int count_keys(const char *query)
{
    char *keys = search_keys(query);
    int count = 0;
    for (char *at = keys; *at; at++)
        count += *at == ' ';
    free(keys);
    return count;
}

/* Cones of all sizes everywhere find as many as angles alone say. */
START_TEST(test_all_sky)
{
    static obs__direction places[ENTRIES];
    open_catalog();
    fill_sky(places);
    for (int i = 0; i < 300; i++) {
        char query[96];
        obs__cone cone;
        int expected = 0;
        snprintf(query, sizeof query, "cone=%d,%d,%d", i * 37 % 361,
                 i % 3   ? i * 7 % 181 - 90
                 : i % 2 ? 89
                         : -89,
                 i % 5 ? 1 + i % 40 : 1 + i / 2);
        ck_assert_ptr_null(obs__cone_parse(&cone, obs__view_of(query + strlen("cone="), OBS_TEXT)));
        for (int k = 0; k < ENTRIES; k++)
            expected += obs__separation(&cone.centre, &places[k]) <= cone.radius;
        int found = count_keys(query);
        ck_assert_msg(found == expected, "%s: %d, not %d", query, found, expected);
    }
    close_catalog();
}
END_TEST

START_TEST(test_wrong)
{
    static const struct wrong {
        const char *query;
        int column;
        const char *part;
    } wrong[] = {
        {"cone=1,2", 6, "the radius of a cone"},
        {"a=b cone=m51", 10, "a cone is right ascension"},
        {"cone=361,2,1", 6, "0 to 360"},
        {"cone=1,91,1", 6, "-90 to +90"},
        {"cone=1,2,0", 6, "the radius"},
        {"cone=1,2,181", 6, "the radius"},
        {"cone=1,2,3,4", 6, "the radius"},
        {"cone=1,13h,3", 6, "the declination"},
        {"cone=nan,2,3", 6, "the right ascension"},
        {"cone<1,2,3", 6, "behind ="},
        {"cone!=1,2,3", 7, "behind ="},
        {"cone=1,2,3*", 6, "behind ="},
        {"cone=1,2,3 cone=4,5,6", 17, "one cone"},
        {"during=yesterday", 8, "FROM/TO"},
        {"during=2026-11-21/2026-11-20", 8, "before it begins"},
        {"during=/", 8, "FROM/TO"},
        {"during=2026-11-20T21:00:00Z", 8, "FROM/TO"},
        {"during>2026-11-20", 8, "behind ="},
    };
    open_catalog();
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        obs_rows *rows = NULL;
        ck_assert_int_eq(obs_catalog_search(&rows, catalog, wrong[i].query, NULL, &error), OBS_INVALID_ARGUMENT);
        ck_assert_ptr_null(rows);
        ck_assert_msg(strstr(error.message, wrong[i].part) != NULL, "%s: %s", wrong[i].query, error.message);
        ck_assert_msg(error.column == wrong[i].column, "%s: column %d", wrong[i].query, error.column);
    }
    char many[64 * 4 + 32] = "";
    for (int i = 0; i < 63; i++)
        strcat(many, "a=1 ");
    obs_rows *rows = NULL;
    strcat(many, "cone=1,2,3");
    ck_assert_int_eq(obs_catalog_search(&rows, catalog, many, NULL, &error), OBS_INVALID_ARGUMENT);
    close_catalog();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {test_angles, test_separation, test_poles_and_zero, test_during, test_all_sky, test_wrong};
    return test_main("cone", tests, sizeof tests / sizeof *tests);
}
