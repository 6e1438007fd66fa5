/* Keys and the paths they become. */
#include "store/key.h"

#include <stdlib.h>
#include <string.h>

#include <obs/store.h>

#include "support.h"

static obs_error error = {.size = sizeof error};

static void check_path(const char *key, size_t size, const char *path)
{
    char out[OBS__KEY_PATH_SIZE];
    char back[OBS_KEY_MAX];
    obs__key_form form;
    obs__view view = obs__view_of(key, size);
    obs__key_path(out, view, OBS__KEY_PLAIN);
    ck_assert_str_eq(out, path);
    ck_assert_uint_eq(obs__key_of_path(back, out, &form), view.size);
    ck_assert_mem_eq(back, view.data, view.size);
    ck_assert_int_eq(form, OBS__KEY_PLAIN);
}

START_TEST(an_ordinary_key_is_its_own_path)
{
    check_path("raw/2026-11-20/ccd-0421.fits", OBS_TEXT, "raw/2026-11-20/ccd-0421.fits");
    check_path("\xC3\xA9toile \xE2\x98\x86+~=&\\", OBS_TEXT, "\xC3\xA9toile \xE2\x98\x86+~=&\\");
    check_path(".hidden/..x/a.", OBS_TEXT, ".hidden/..x/a.");
    check_path("x/.obs", OBS_TEXT, "x/.obs");
}
END_TEST

START_TEST(what_a_file_system_cannot_hold_is_escaped)
{
    check_path(".", OBS_TEXT, "%2E");
    check_path("../../etc/passwd", OBS_TEXT, "%2E./%2E./etc/passwd");
    check_path("a//b/", OBS_TEXT, "a/%e/b/%e");
    check_path("/", OBS_TEXT, "%e/%e");
    check_path("a\0b", 3, "a%00b");
    check_path("\n\x7F%41", OBS_TEXT, "%0A%7F%2541");
    check_path(".obs/meta/x", OBS_TEXT, "%2Eobs/meta/x");
    check_path("%e", OBS_TEXT, "%25e");
    check_path("a%+", OBS_TEXT, "a%25+");
}
END_TEST

START_TEST(long_parts_are_cut)
{
    char key[400];
    char path[OBS__KEY_PATH_SIZE];
    memset(key, 'x', sizeof key);
    ck_assert_uint_eq(obs__key_path(path, (obs__view){key, 255}, OBS__KEY_PLAIN), 255);
    ck_assert_uint_eq(obs__key_path(path, (obs__view){key, 255}, OBS__KEY_BESIDE), 255 + 1 + 3);
    obs__key_path(path, (obs__view){key, 300}, OBS__KEY_PLAIN);
    char *slash = strchr(path, '/');
    ck_assert_ptr_nonnull(slash);
    ck_assert_int_eq(slash - path, 255);
    ck_assert_str_eq(slash - 2 + strlen("%+/"), slash + 1);
    /* Never inside an escape or a character. */
    for (int shift = 0; shift < 6; shift++) {
        for (int i = 0; i < 400; i++)
            key[i] = i < 248 + shift ? 'x' : "\n\xC3\xA9"[(i - 248 - shift) % 3];
        obs__key_path(path, (obs__view){key, 248u + (unsigned)shift + 51}, OBS__KEY_PLAIN);
        slash = strchr(path, '/');
        ck_assert_ptr_nonnull(slash);
        ck_assert(obs__utf8_valid(path, (size_t)(slash - path)) && obs__utf8_valid(slash, strlen(slash)));
        check_path(key, 248u + (unsigned)shift + 51, path);
    }
}
END_TEST

START_TEST(the_place_beside_a_folder_agrees_with_the_path)
{
    char part[256];
    char plain[OBS__KEY_PATH_SIZE];
    char beside[OBS__KEY_PATH_SIZE];
    char expected[OBS__KEY_PATH_SIZE];
    for (size_t size = 1; size < 256; size++) {
        memset(part, 'y', size);
        obs__key_path(plain, (obs__view){part, size}, OBS__KEY_PLAIN);
        obs__key_path(expected, (obs__view){part, size}, OBS__KEY_BESIDE);
        obs__key_beside(beside, plain);
        ck_assert_str_eq(beside, expected);
    }
}
END_TEST

START_TEST(names_of_no_key_are_none)
{
    static const char *const paths[] = {"%41",  "a%4",   "a%zz", "%2e", "x/../y", ".obs", ".obs/meta/x%",
                                        "a%/b", "x%+/y", "a//b", "%e%", "%",      "%%",   "\xFF"};
    char key[OBS_KEY_MAX];
    obs__key_form form;
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        int is_empty_beside = strcmp(paths[i], "%e%") == 0; /* the key "" beside its folder: empty, so no key */
        size_t size = obs__key_of_path(key, paths[i], &form);
        ck_assert_msg(size == 0 || (is_empty_beside && size == 0), "%s", paths[i]);
    }
}
END_TEST

static size_t random_key(char *out, unsigned *seed)
{
    static const char *const pieces[] = {"a",
                                         "b",
                                         "/",
                                         "//",
                                         ".",
                                         "..",
                                         "%",
                                         "%e",
                                         "%+",
                                         "%41",
                                         "\n",
                                         "",
                                         ".obs",
                                         "\0",
                                         "\x7F",
                                         "\xC3\xA9",
                                         "\xF0\x9F\x94\xAD",
                                         "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"};
    size_t size = 0;
    size_t count = 1 + (size_t)rand_r(seed) % (rand_r(seed) % 8 ? 6 : 60);
    for (size_t i = 0; i < count; i++) {
        size_t which = (size_t)rand_r(seed) % (sizeof pieces / sizeof pieces[0]);
        size_t length = which == 13 ? 1 : strlen(pieces[which]);
        if (size + length > OBS_KEY_MAX)
            break;
        memcpy(out + size, pieces[which], length);
        size += length;
    }
    if (!size)
        out[size++] = 'k';
    return size;
}

typedef struct path_of {
    char *path;
    char *key;
    size_t size;
} path_of;

static int by_path(const void *a, const void *b)
{
    return strcmp(((const path_of *)a)->path, ((const path_of *)b)->path);
}

/* Every key comes back from its path, and no two keys share one. */
START_TEST(a_hundred_thousand_keys_go_there_and_back)
{
    const int count = test_times(100000);
    path_of *all = calloc((size_t)count, sizeof *all);
    unsigned seed = 42;
    for (int i = 0; i < count; i++) {
        char key[OBS_KEY_MAX];
        char back[OBS_KEY_MAX];
        char path[OBS__KEY_PATH_SIZE];
        obs__key_form form;
        obs__key_form wanted = i % 2 ? OBS__KEY_BESIDE : OBS__KEY_PLAIN;
        size_t size = random_key(key, &seed);
        size_t length = obs__key_path(path, (obs__view){key, size}, wanted);
        ck_assert_uint_lt(length, sizeof path);
        ck_assert_uint_eq(strlen(path), length);
        ck_assert_uint_eq(obs__key_of_path(back, path, &form), size);
        ck_assert_mem_eq(back, key, size);
        ck_assert_int_eq(form, wanted);
        for (char *part = path, *end; part; part = end ? end + 1 : NULL) {
            end = strchr(part, '/');
            size_t part_size = end ? (size_t)(end - part) : strlen(part);
            ck_assert(part_size > 0 && part_size <= 255);
            ck_assert(!(part_size == 1 && *part == '.') && !(part_size == 2 && memcmp(part, "..", 2) == 0));
        }
        all[i] = (path_of){strdup(path), malloc(size), size};
        memcpy(all[i].key, key, size);
    }
    qsort(all, (size_t)count, sizeof *all, by_path);
    for (int i = 1; i < count; i++)
        if (strcmp(all[i].path, all[i - 1].path) == 0)
            ck_assert(all[i].size == all[i - 1].size && memcmp(all[i].key, all[i - 1].key, all[i].size) == 0);
    for (int i = 0; i < count; i++) {
        free(all[i].path);
        free(all[i].key);
    }
    free(all);
}
END_TEST

START_TEST(only_what_is_no_key_is_refused)
{
    obs__view view;
    char key[OBS_KEY_MAX + 1];
    memset(key, 'k', sizeof key);
    ck_assert_ok(obs__key_check(&view, key, OBS_KEY_MAX, &error));
    ck_assert_int_eq(obs__key_check(&view, key, OBS_KEY_MAX + 1, &error), OBS_INVALID_ARGUMENT);
    ck_assert_str_eq(error.message, "a key of 1025 bytes: 1024 is the most");
    ck_assert_int_eq(obs__key_check(&view, "", OBS_TEXT, &error), OBS_INVALID_ARGUMENT);
    ck_assert_int_eq(obs__key_check(&view, NULL, OBS_TEXT, &error), OBS_INVALID_ARGUMENT);
    ck_assert_int_eq(obs__key_check(&view, "a\xFF", OBS_TEXT, &error), OBS_INVALID_ARGUMENT);
    ck_assert_str_eq(error.message, "a key must be valid UTF-8");
    ck_assert_ok(obs__key_check(&view, "a\0b", 3, &error));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {an_ordinary_key_is_its_own_path,
                                  what_a_file_system_cannot_hold_is_escaped,
                                  long_parts_are_cut,
                                  the_place_beside_a_folder_agrees_with_the_path,
                                  names_of_no_key_are_none,
                                  a_hundred_thousand_keys_go_there_and_back,
                                  only_what_is_no_key_is_refused};
    return test_main("keys", tests, sizeof tests / sizeof tests[0]);
}
