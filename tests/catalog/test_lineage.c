/* Lineage: both directions, versions, circles, limits, what is missing; and what was different the time before. */
#include "catalog_support.h"

/* An entry made from `from` ("a b"), with labels ("name=value"). */
static void make(const char *key, const char *from, const char *sha256, const char *label, const char *values)
{
    char *text = strdup(from), *rest = text, *copy = strdup(label);
    const char *made_from[600];
    size_t count = 0;
    for (char *one = strtok_r(text, " ", &rest); one; one = strtok_r(NULL, " ", &rest))
        made_from[count++] = one;
    char *equals = strchr(copy, '=');
    obs_pair pair = {copy, equals ? equals + 1 : ""};
    if (equals)
        *equals = '\0';
    add_entry(&(obs__entry){.kind = "object",
                            .key = {key, strlen(key)},
                            .type = "image/fits",
                            .size = 1,
                            .sha256 = sha256,
                            .time_ns = INT64_C(1795000000000000000),
                            .labels = &pair,
                            .label_count = equals != NULL,
                            .values = values,
                            .made_from = made_from,
                            .made_from_count = count});
    free(text);
    free(copy);
}

static obs_rows *ask(const char *key, int direction, uint32_t depth, size_t nodes)
{
    obs_rows *rows = NULL;
    obs_lineage_options options;
    obs_lineage_options_init(&options, sizeof options);
    options.direction = direction;
    options.depth = depth;
    options.nodes = nodes;
    ck_assert_ok(obs_catalog_lineage(&rows, catalog, key, OBS_TEXT, &options, &error));
    return rows;
}

/* Member of a row as text, without quotes. */
static void member(char *out, size_t size, const char *row, const char *name)
{
    char wanted[32];
    snprintf(wanted, sizeof wanted, "\"%s\":", name);
    const char *at = strstr(row, wanted);
    ck_assert_ptr_nonnull(at);
    at += strlen(wanted);
    at += *at == '"';
    snprintf(out, size, "%.*s", (int)strcspn(at, ",\"}"), at);
}

/* "key@depth" of each row; "?" behind what has no entry, "+" behind what was cut off. */
static char *walk(const char *key, int direction, uint32_t depth, size_t nodes)
{
    obs_rows *rows = ask(key, direction, depth, nodes);
    const char *row;
    char one[64], steps[16], known[8], more[8];
    obs__builder all;
    obs__builder_init(&all, 1 << 24);
    for (;;) {
        ck_assert_ok(obs_rows_next(rows, &row, NULL, &error));
        ck_assert_str_eq(obs_rows_position(rows), "");
        if (!row)
            break;
        member(one, sizeof one, row, "key");
        member(steps, sizeof steps, row, "depth");
        member(known, sizeof known, row, "known");
        member(more, sizeof more, row, "more");
        obs__add_format(&all, "%s@%s%s%s ", one, steps, *known == 'f' ? "?" : "", *more == 't' ? "+" : "");
    }
    obs_rows_free(rows);
    char *copy = strdup(all.data ? all.data : "");
    obs__builder_free(&all);
    return copy;
}

#define ck_assert_walk(key, direction, depth, nodes, expected)                                                                 \
    do {                                                                                                                       \
        char *ck_walk = walk(key, direction, depth, nodes);                                                                    \
        ck_assert_str_eq(ck_walk, expected);                                                                                   \
        free(ck_walk);                                                                                                         \
    } while (0)

#define UP OBS_LINEAGE_UP
#define DOWN OBS_LINEAGE_DOWN

START_TEST(test_both_directions)
{
    open_catalog();
    make("a", "", "aa", "", NULL);
    make("b", "", "bb", "", NULL);
    make("c", "a b", "cc", "", NULL);
    make("d", "c a", "dd", "", NULL);
    make("e", "d", "ee", "", NULL);
    ck_assert_walk("e", UP, 0, 0, "e@0 d@1 c@2 a@2 b@3 ");
    ck_assert_walk("a", DOWN, 0, 0, "a@0 c@1 d@1 e@2 ");
    ck_assert_walk("a", UP, 0, 0, "a@0 ");
    ck_assert_walk("e", DOWN, 0, 0, "e@0 ");
    ck_assert_walk("e", UP, 1, 0, "e@0 d@1+ ");
    ck_assert_walk("e", UP, 2, 0, "e@0 d@1 c@2+ a@2 ");
    ck_assert_walk("a", DOWN, 1, 0, "a@0 c@1 d@1+ ");
    ck_assert_walk("e", UP, 0, 3, "e@0 d@1+ c@2+ ");
    ck_assert_walk("a", DOWN, 0, 2, "a@0+ c@1+ ");
    close_catalog();
}
END_TEST

START_TEST(test_row)
{
    const char *row;
    open_catalog();
    make("a \"x\"", "", "aa", "", NULL);
    add_entry(&(obs__entry){.kind = "object",
                            .key = {"c", 1},
                            .type = "text/plain",
                            .size = 7,
                            .sha256 = "cc",
                            .time_ns = INT64_C(1795000000123456789),
                            .labels = &(obs_pair){"night", "2026-11-20"},
                            .label_count = 1,
                            .values = "{\"mag\":1}",
                            .made_from = (const char *[]){"a \"x\"", "gone", "gone"},
                            .made_from_count = 3});
    obs_rows *rows = ask("c", UP, 0, 0);
    ck_assert_ok(obs_rows_next(rows, &row, NULL, &error));
    ck_assert_str_eq(row, "{\"key\":\"c\",\"depth\":0,\"kind\":\"object\",\"type\":\"text/plain\",\"size\":7,\"sha256\":\"cc\","
                          "\"time\":\"2026-11-18T11:06:40.123456Z\",\"labels\":{\"night\":\"2026-11-20\"},"
                          "\"made_from\":[\"a \\\"x\\\"\",\"gone\",\"gone\"],\"inputs\":{\"a \\\"x\\\"\":\"aa\",\"gone\":null},"
                          "\"known\":true,\"more\":false}");
    ck_assert_ok(obs_rows_next(rows, &row, NULL, &error));
    ck_assert_ptr_nonnull(strstr(row, "{\"key\":\"a \\\"x\\\"\",\"depth\":1,"));
    ck_assert_ok(obs_rows_next(rows, &row, NULL, &error));
    ck_assert_str_eq(row,
                     "{\"key\":\"gone\",\"depth\":1,\"kind\":null,\"type\":null,\"size\":null,\"sha256\":null,\"time\":null,"
                     "\"labels\":{},\"made_from\":[],\"inputs\":{},\"known\":false,\"more\":false}");
    ck_assert_ok(obs_rows_next(rows, &row, NULL, &error));
    ck_assert_ptr_null(row);
    obs_rows_free(rows);
    close_catalog();
}
END_TEST

START_TEST(test_circles)
{
    open_catalog();
    make("a", "a", "1", "", NULL);
    make("b", "c", "1", "", NULL);
    make("c", "d", "1", "", NULL);
    make("d", "b", "1", "", NULL);
    ck_assert_walk("a", UP, 0, 0, "a@0 ");
    ck_assert_walk("a", DOWN, 0, 0, "a@0 ");
    ck_assert_walk("b", UP, 0, 0, "b@0 c@1 d@2 ");
    ck_assert_walk("b", DOWN, 0, 0, "b@0 d@1 c@2 ");
    ck_assert_walk("b", UP, 2, 0, "b@0 c@1 d@2 "); /* nothing new lies beyond: nothing was cut off */
    close_catalog();
}
END_TEST

START_TEST(test_deleted)
{
    open_catalog();
    make("a", "", "1", "", NULL);
    make("b", "a", "1", "", NULL);
    make("c", "a b", "1", "", NULL);
    forget_entry("a");
    ck_assert_walk("c", UP, 0, 0, "c@0 a@1? b@1 ");
    ck_assert_walk("a", DOWN, 0, 0, "a@0? b@1 c@1 ");
    ck_assert_walk("a", DOWN, 0, 1, "a@0?+ ");
    ck_assert_walk("a", UP, 0, 0, "a@0? ");
    forget_entry("c");
    forget_entry("b"); /* nothing says any more that there ever was an `a` */
    obs_rows *rows = (obs_rows *)&error;
    ck_assert_int_eq(obs_catalog_lineage(&rows, catalog, "a", OBS_TEXT, NULL, &error), OBS_NOT_FOUND);
    ck_assert_str_eq(error.message, "no entry 'a' in the catalog");
    ck_assert_ptr_null(rows);
    close_catalog();
}
END_TEST

START_TEST(test_wrong)
{
    obs_rows *rows = NULL;
    obs_buffer *why = NULL;
    obs_lineage_options options;
    open_catalog();
    make("a", "", "1", "", NULL);
    obs_lineage_options_init(&options, sizeof options);
    options.direction = 2;
    ck_assert_int_eq(obs_catalog_lineage(&rows, catalog, "a", OBS_TEXT, &options, &error), OBS_INVALID_ARGUMENT);
    ck_assert_str_eq(error.message, "the direction of a lineage is up or down");
    options.direction = 0;
    options.nodes = 1000001;
    ck_assert_int_eq(obs_catalog_lineage(&rows, catalog, "a", OBS_TEXT, &options, &error), OBS_INVALID_ARGUMENT);
    ck_assert_int_eq(obs_catalog_lineage(&rows, catalog, "", OBS_TEXT, NULL, &error), OBS_INVALID_ARGUMENT);
    ck_assert_int_eq(obs_catalog_lineage(&rows, catalog, NULL, 0, NULL, &error), OBS_INVALID_ARGUMENT);
    ck_assert_int_eq(obs_catalog_lineage(NULL, catalog, "a", 1, NULL, &error), OBS_INVALID_ARGUMENT);
    ck_assert_int_eq(obs_catalog_why(NULL, catalog, "a", 1, NULL, &error), OBS_INVALID_ARGUMENT);
    ck_assert_int_eq(obs_catalog_why(&why, catalog, "", 0, NULL, &error), OBS_INVALID_ARGUMENT);
    gate->refuse = "catalog.lineage";
    ck_assert_int_eq(obs_catalog_lineage(&rows, catalog, "a", OBS_TEXT, NULL, &error), OBS_PERMISSION_DENIED);
    gate->refuse = "catalog.why";
    ck_assert_int_eq(obs_catalog_why(&why, catalog, "a", 1, NULL, &error), OBS_PERMISSION_DENIED);
    ck_assert_ptr_null(rows);
    ck_assert_ptr_null(why);
    close_catalog();
}
END_TEST

/* More than a page, and more than one growth of the table; entries that come and go between the pages. */
START_TEST(test_wide_and_deep)
{
    enum { WIDTH = 600, LENGTH = 700 };
    static char from[WIDTH * 8];
    char key[16], source[16];
    const char *row;
    open_catalog();
    for (int i = 0; i < WIDTH; i++) {
        snprintf(key, sizeof key, "w%03d", i);
        make(key, "root", "1", "", NULL);
        snprintf(from + strlen(from), sizeof from - strlen(from), "%s ", key);
    }
    make("all", from, "1", "", NULL);
    for (int i = 0; i < LENGTH; i++) {
        snprintf(key, sizeof key, "c%03d", i + 1);
        snprintf(source, sizeof source, "c%03d", i);
        make(key, i ? source : "all", "1", "", NULL);
    }
    snprintf(key, sizeof key, "c%03d", LENGTH);
    char *rows = walk(key, UP, 0, 0);
    size_t count = 0;
    for (char *at = rows; *at; at++)
        count += *at == '@';
    ck_assert_uint_eq(count, LENGTH + 1 + WIDTH + 1);
    ck_assert_ptr_nonnull(strstr(rows, " w000@701 w001@701 "));
    ck_assert_ptr_nonnull(strstr(rows, " root@702? "));
    free(rows);
    obs_rows *reading = ask("root", DOWN, 0, 0);
    ck_assert_ok(obs_rows_next(reading, &row, NULL, &error));
    forget_entry("w599"); /* met with the first page, told with the third */
    for (count = 1; row; count++) {
        ck_assert_ok(obs_rows_next(reading, &row, NULL, &error));
        ck_assert(!row || !strstr(row, "{\"key\":\"w599\""));
    }
    ck_assert_uint_eq(count - 1, 1 + WIDTH - 1 + 1 + LENGTH);
    obs_rows_free(reading);
    close_catalog();
}
END_TEST

static char *why_of(const char *key)
{
    obs_buffer *out = NULL;
    ck_assert_ok(obs_catalog_why(&out, catalog, key, OBS_TEXT, NULL, &error));
    char *text = strdup(obs_buffer_data(out));
    obs_buffer_free(out);
    return text;
}

#define ck_assert_why(key, expected)                                                                                           \
    do {                                                                                                                       \
        char *ck_why = why_of(key);                                                                                            \
        ck_assert_ptr_nonnull(strstr(ck_why, expected));                                                                       \
        free(ck_why);                                                                                                          \
    } while (0)

START_TEST(test_why)
{
    obs_buffer *out = NULL;
    open_catalog();
    make("a", "", "a1", "", NULL);
    make("b", "", "b1", "", NULL);
    make("p", "a b", "p1", "function=f@1", "{\"gain\":1.5}");
    ck_assert_why("p", "{\"key\":\"p\",\"made\":{\"time\":\"2026-11-18T11:06:40.000000Z\",\"sha256\":\"p1\"},\"before\":null,"
                       "\"same\":null,\"differs\":[],\"since\":[]}");
    make("a", "", "a2", "", NULL);
    ck_assert_why("p", "\"differs\":[],\"since\":[{\"what\":\"input\",\"name\":\"a\",\"used\":\"a1\",\"now\":\"a2\"}]}");
    make("p", "a c", "p1", "function=f@2", "{\"gain\":1.7}");
    ck_assert_why("p", "\"before\":{\"time\":\"2026-11-18T11:06:40.000000Z\",\"sha256\":\"p1\"},\"same\":true,\"differs\":["
                       "{\"what\":\"input\",\"name\":\"a\",\"before\":\"a1\",\"now\":\"a2\"},"
                       "{\"what\":\"input\",\"name\":\"c\",\"before\":null,\"now\":null},"
                       "{\"what\":\"input\",\"name\":\"b\",\"before\":\"b1\",\"now\":null},"
                       "{\"what\":\"label\",\"name\":\"function\",\"before\":\"f@1\",\"now\":\"f@2\"},"
                       "{\"what\":\"value\",\"name\":\"gain\",\"before\":1.5,\"now\":1.7}],\"since\":[]}");
    ck_assert_ok(obs_catalog_label(catalog, "p", OBS_TEXT, &(obs_pair){"checked", "yes"}, 1, NULL, &error));
    ck_assert_why("p", "\"now\":1.7}],\"since\":[]}"); /* a label that was set later was no part of making it */
    make("p", "a", "p2", "", NULL);
    ck_assert_why("p", "\"same\":false");
    forget_entry("a");
    ck_assert_why("p", "\"since\":[{\"what\":\"input\",\"name\":\"a\",\"used\":\"a2\",\"now\":null}]}");
    make("p", "", "p3", "", NULL);
    ck_assert_int_eq(obs_catalog_why(&out, catalog, "p", OBS_TEXT, NULL, &error), OBS_FAILED_PRECONDITION);
    ck_assert_str_eq(error.message,
                     "'p' does not say what it was made from: name it with made_from (obsctl put --from) when it is made");
    ck_assert_int_eq(obs_catalog_why(&out, catalog, "absent", OBS_TEXT, NULL, &error), OBS_NOT_FOUND);
    close_catalog();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {test_both_directions, test_row,           test_circles, test_deleted,
                                  test_wrong,           test_wide_and_deep, test_why};
    return test_main("lineage", tests, sizeof tests / sizeof *tests);
}
