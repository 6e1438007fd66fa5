/* Entries, labels, rows: what goes in comes out, and every limit is kept. */
#include "catalog_support.h"

static char *get(const char *key)
{
    obs_buffer *row = NULL;
    ck_assert_ok(obs_catalog_get(&row, catalog, key, OBS_TEXT, NULL, &error));
    char *text = strdup(obs_buffer_data(row));
    obs_buffer_free(row);
    return text;
}

#define ck_assert_row(key, expected)                                                                                           \
    do {                                                                                                                       \
        char *ck_row = get(key);                                                                                               \
        ck_assert_str_eq(ck_row, expected);                                                                                    \
        free(ck_row);                                                                                                          \
    } while (0)

START_TEST(test_row)
{
    const char *from[] = {"raw/a \"b\".fits", "raw/c.fits"};
    obs_pair labels[] = {{"night", "2026-11-20"}, {"filter", "V\n\"q\""}};
    open_catalog();
    add_entry(&(obs__entry){.kind = "record",
                            .key = {"products/0421.json", 18},
                            .type = "mpc.obs80",
                            .size = 12,
                            .sha256 = "ab12",
                            .time_ns = INT64_C(1795000000123456789),
                            .labels = labels,
                            .label_count = 2,
                            .values = " { \"mag\" : 17.30 ,\n \"name\":\"a b\", \"n\": {\"x\": [1, 2]} } ",
                            .made_from = from,
                            .made_from_count = 2});
    ck_assert_row("products/0421.json",
                  "{\"key\":\"products/0421.json\",\"kind\":\"record\",\"type\":\"mpc.obs80\",\"size\":12,\"sha256\":\"ab12\","
                  "\"time\":\"2026-11-18T11:06:40.123456Z\",\"labels\":{\"filter\":\"V\\n\\\"q\\\"\",\"night\":\"2026-11-20\"},"
                  "\"values\":{\"mag\":17.30,\"name\":\"a b\",\"n\":{\"x\":[1,2]}},"
                  "\"made_from\":[\"raw/a \\\"b\\\".fits\",\"raw/c.fits\"]}");
    close_catalog();
}
END_TEST

START_TEST(test_key_with_nul)
{
    obs_buffer *row = NULL;
    open_catalog();
    add_entry(&(obs__entry){.kind = "object", .key = {"a\0b", 3}});
    ck_assert_ok(obs_catalog_get(&row, catalog, "a\0b", 3, NULL, &error));
    ck_assert_ptr_nonnull(strstr(obs_buffer_data(row), "\"key\":\"a\\u0000b\""));
    obs_buffer_free(row);
    ck_assert_int_eq(obs_catalog_get(&row, catalog, "a", 1, NULL, &error), OBS_NOT_FOUND);
    ck_assert_str_eq(error.message, "no entry 'a' in the catalog");
    ck_assert_ptr_null(row);
    ck_assert_found("key=a*", "a\\u0000b ");
    ck_assert_found("b", "a\\u0000b ");
    close_catalog();
}
END_TEST

START_TEST(test_replace_and_forget)
{
    open_catalog();
    add_object("a", "x=1", NULL);
    add_object("b", "x=1", NULL);
    add_object("a", "x=2 y=3", "{\"mag\":1}");
    ck_assert_found("", "a b ");
    ck_assert_found("x=1", "b ");
    ck_assert_found("x=2 mag=1", "a ");
    forget_entry("a");
    forget_entry("a");
    ck_assert_found("", "b ");
    add_object("a", "x=1", NULL); /* made again: a new entry, behind the others */
    ck_assert_found("x=1", "b a ");
    close_catalog();
}
END_TEST

static obs_status label(const char *key, const char *name, const char *value)
{
    return obs_catalog_label(catalog, key, OBS_TEXT, &(obs_pair){name, value}, 1, NULL, &error);
}

START_TEST(test_labels)
{
    open_catalog();
    add_object("a", "night=2026-11-20 filter=B", NULL);
    obs_pair changes[] = {{"filter", "V"}, {"night", ""}, {"gone", ""}, {"b", "1"}, {"b", "2"}};
    ck_assert_ok(obs_catalog_label(catalog, "a", OBS_TEXT, changes, 5, NULL, &error));
    char *row = get("a");
    ck_assert_ptr_nonnull(strstr(row, "\"labels\":{\"b\":\"2\",\"filter\":\"V\"}"));
    free(row);
    ck_assert_uint_eq(atomic_load(&gate->relabelled), 1);
    ck_assert_uint_eq(atomic_load(&gate->recorded), 1);
    ck_assert_found("filter=B", "");
    ck_assert_found("filter=V", "a ");
    ck_assert_int_eq(label("b", "x", "y"), OBS_NOT_FOUND);
    ck_assert_str_eq(error.message, "no entry 'b' in the catalog");
    gate->refuse = "catalog.label";
    ck_assert_int_eq(label("a", "filter", "B"), OBS_PERMISSION_DENIED);
    gate->refuse = NULL;
    ck_assert_found("filter=V", "a ");
    close_catalog();
}
END_TEST

START_TEST(test_label_limits)
{
    static char name[130], value[4098];
    open_catalog();
    memset(name, 'n', 129);
    memset(value, 'v', 4097);
    add_object("a", "", NULL);
    ck_assert_int_eq(label("a", name, "x"), OBS_INVALID_ARGUMENT);
    ck_assert_str_eq(error.message, "the name of a label has 1 to 128 bytes");
    ck_assert_int_eq(label("a", "x", value), OBS_INVALID_ARGUMENT);
    ck_assert_str_eq(error.message, "the value of label 'x' has more than 4096 bytes");
    name[128] = value[4096] = '\0';
    ck_assert_ok(label("a", name, value));
    ck_assert_int_eq(label("a", "", "x"), OBS_INVALID_ARGUMENT);
    ck_assert_int_eq(label("a", "a\tb", "x"), OBS_INVALID_ARGUMENT);
    ck_assert_int_eq(label("a", "a\xC2\x85", "x"), OBS_INVALID_ARGUMENT);
    ck_assert_int_eq(label("a", "\xFF", "x"), OBS_INVALID_ARGUMENT);
    ck_assert_int_eq(label("a", "x", "\xFF"), OBS_INVALID_ARGUMENT);
    ck_assert_int_eq(label("a", NULL, "x"), OBS_INVALID_ARGUMENT);
    ck_assert_int_eq(label("a", "x", NULL), OBS_INVALID_ARGUMENT);
    ck_assert_int_eq(label("", "x", "y"), OBS_INVALID_ARGUMENT);
    ck_assert_int_eq(obs_catalog_label(catalog, "a", OBS_TEXT, NULL, 0, NULL, &error), OBS_INVALID_ARGUMENT);
    close_catalog();
}
END_TEST

START_TEST(test_many_labels)
{
    char names[65][8];
    obs_pair labels[65];
    open_catalog();
    add_object("a", "", NULL);
    for (int i = 0; i < 65; i++) {
        snprintf(names[i], sizeof names[i], "n%02d", i);
        labels[i] = (obs_pair){names[i], "1"};
    }
    ck_assert_int_eq(obs_catalog_label(catalog, "a", OBS_TEXT, labels, 65, NULL, &error), OBS_INVALID_ARGUMENT);
    ck_assert_ok(obs_catalog_label(catalog, "a", OBS_TEXT, labels, 64, NULL, &error));
    ck_assert_int_eq(label("a", "n64", "1"), OBS_RESOURCE_EXHAUSTED);
    ck_assert_str_eq(error.message, "this entry would have 65 labels: at most 64, so remove some first");
    ck_assert_found("n63=1", "a ");
    obs_pair swap[] = {{"n00", ""}, {"n64", "1"}};
    ck_assert_ok(obs_catalog_label(catalog, "a", OBS_TEXT, swap, 2, NULL, &error));
    ck_assert_found("n64=1", "a ");
    ck_assert_found("n00=1", "");
    close_catalog();
}
END_TEST

START_TEST(test_bad_entries)
{
    static const char *const values[] = {"[]", "{", "{\"a\"}", "{\"a\":1}x", "{\"a\":\"\xFF\"}", "1", "", "{\"a\":\"\n\"}"};
    obs__effects effects = {0};
    open_catalog();
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        obs__entry entry = {.kind = "object", .key = {"a", 1}, .values = values[i]};
        ck_assert_msg(obs__catalog_entry(&effects, &entry, &error) == OBS_INVALID_ARGUMENT, "'%s' was taken", values[i]);
    }
    static char long_key[1026];
    memset(long_key, 'k', 1025);
    ck_assert_int_eq(obs__catalog_entry(&effects, &(obs__entry){.kind = "object", .key = {long_key, 1025}}, &error),
                     OBS_INVALID_ARGUMENT);
    ck_assert_int_eq(obs__catalog_entry(&effects, &(obs__entry){.kind = "object", .key = {"\xFF", 1}}, &error),
                     OBS_INVALID_ARGUMENT);
    ck_assert_ptr_null(effects.first);
    close_catalog();
}
END_TEST

START_TEST(test_counts)
{
    obs__catalog_counts counts;
    char key[32];
    open_catalog();
    obs__effects effects = {0};
    for (int i = 0; i < 2500; i++) {
        snprintf(key, sizeof key, "k%d", i);
        ck_assert_ok(obs__catalog_entry(
            &effects, &(obs__entry){.kind = i % 5 ? "object" : "record", .key = {key, strlen(key)}, .size = 10}, &error));
    }
    ck_assert_ok(commit_effects(&effects));
    forget_entry("k0");         /* a record in an indexed block */
    forget_entry("k2499");      /* an object behind them */
    add_object("k1", "", NULL); /* 2,880 bytes in place of 10 */
    ck_assert_ok(obs__catalog_count(&counts, &gate->base, &error));
    ck_assert_uint_eq(counts.objects, 1999);
    ck_assert_uint_eq(counts.records, 499);
    ck_assert_uint_eq(counts.bytes, 24970 + 2880);
    close_catalog();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {test_row,          test_key_with_nul, test_replace_and_forget, test_labels,
                                  test_label_limits, test_many_labels,  test_bad_entries,        test_counts};
    return test_main("catalog", tests, sizeof tests / sizeof *tests);
}
