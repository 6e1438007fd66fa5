/* The files of the log: names, the published log, appending in pieces, cutting what an interrupted writer left, damage. */
#include "audit/append.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit/note.h"
#include "base/error.h"
#include "support.h"

static obs_error error;
static obs__tree_hasher *hasher;

START_TEST(names_are_those_of_the_standard)
{
    static const struct {
        obs__tile_name name;
        const char *path;
    } known[] = {
        {{0, 0, 256}, "tile/0/000"},
        {{1, 7, 12}, "tile/1/007.p/12"},
        {{0, 1234067, 256}, "tile/0/x001/x234/067"},
        {{OBS__TILE_ENTRIES, 1234067, 1}, "tile/entries/x001/x234/067.p/1"},
        {{2, 1000, 256}, "tile/2/x001/000"},
        {{OBS__TILE_ENTRIES, UINT64_MAX / 256, 255}, "tile/entries/x072/x057/x594/x037/x927/935.p/255"},
    };
    char path[OBS__TILE_PATH];
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        obs__tile_path(path, known[i].name);
        ck_assert_str_eq(path, known[i].path);
    }
    /* The example of the standard: 70,000 records. */
    ck_assert_uint_eq(obs__tile_in(70000, 0, 272).width, 256);
    ck_assert_uint_eq(obs__tile_in(70000, 0, 273).width, 112);
    ck_assert_uint_eq(obs__tile_in(70000, 0, 274).width, 0);
    ck_assert_uint_eq(obs__tile_in(70000, 1, 0).width, 256);
    ck_assert_uint_eq(obs__tile_in(70000, 1, 1).width, 17);
    ck_assert_uint_eq(obs__tile_in(70000, 2, 0).width, 1);
    ck_assert_uint_eq(obs__tile_in(70000, 3, 0).width, 0);
    ck_assert_uint_eq(obs__tile_in(70000, OBS__TILE_ENTRIES, 273).width, 112);
}
END_TEST

START_TEST(bundles_are_taken_apart_strictly)
{
    obs__view entries[OBS__TILE_WIDTH];
    static const char two[] = {0, 1, 'a', 0, 2, 'b', 'c'};
    ck_assert_int_eq(obs__bundle_split(entries, 2, (obs__view){two, sizeof two}), 1);
    ck_assert(obs__view_is(entries[0], "a") && obs__view_is(entries[1], "bc"));
    ck_assert_int_eq(obs__bundle_split(entries, 1, (obs__view){two, sizeof two}), 0);
    ck_assert_int_eq(obs__bundle_split(entries, 3, (obs__view){two, sizeof two}), 0);
    for (size_t size = 0; size < sizeof two; size++)
        ck_assert_int_eq(obs__bundle_split(entries, 2, (obs__view){two, size}), 0);
    ck_assert_int_eq(obs__bundle_split(entries, 0, (obs__view){two, 0}), 0);
}
END_TEST

/* ---- The published log. ---- */

static void check_published_root(const char *path, const char *name, const obs__tree_range *range)
{
    static const char key[] = "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx";
    obs__verifier verifier;
    obs__checkpoint checkpoint;
    obs__tree_hash root;
    size_t size;
    char *note = test_read(test_path(path, name), &size);
    ck_assert_ok(obs__verifier_read(&verifier, obs__view_of(key, OBS_TEXT), &error));
    ck_assert_ok(obs__checkpoint_open(&checkpoint, (obs__view){note, size}, &verifier, &error));
    ck_assert_uint_eq(checkpoint.size, range->size);
    obs__tree_range_root(range, hasher, &root);
    ck_assert(obs__tree_equal(&root, &checkpoint.root));
    free(note);
}

/* The tile and the bundle of each size: the same hashes, and the same records, as of the size before, and one more. */
static void check_published_size(int folder, uint64_t size, obs__tree_range *range)
{
    obs__tile tile;
    obs__bundle bundle;
    obs__tree_hash leaf;
    ck_assert_ok(obs__tile_read(&tile, folder, obs__tile_in(size, 0, 0), &error));
    ck_assert_ok(obs__bundle_read(&bundle, folder, 0, (unsigned)size, &error));
    *range = (obs__tree_range){0};
    for (uint64_t i = 0; i < size; i++) {
        obs__tree_leaf(hasher, &leaf, bundle.entries[i]);
        ck_assert(obs__tree_equal(&leaf, &tile.hashes[i]));
        obs__tree_range_add(range, hasher, 0, &leaf);
    }
    obs__bundle_free(&bundle);
}

START_TEST(the_published_log_is_read)
{
    enum { SIZE = 15 };
    const char *path = test_shared("vectors/tlog");
    obs__tree_range range = {0};
    int checkpoints = 0;
    if (!path) {
        test_skipped("tlog tiles", "../shared/vectors/tlog is not here");
        return;
    }
    int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    check_published_root(path, "checkpoint.0", &range);
    for (uint64_t size = 1; size <= SIZE; size++) {
        char name[32];
        check_published_size(folder, size, &range);
        snprintf(name, sizeof name, size == SIZE ? "checkpoint" : "checkpoint.%d", (int)size);
        if (access(test_path(path, name), R_OK) != 0)
            continue;
        check_published_root(path, name, &range);
        checkpoints++;
    }
    ck_assert_int_eq(checkpoints, 8);
    close(folder);
}
END_TEST

/* ---- Own logs. ---- */

static obs__view entry_of(char out[64], uint64_t index)
{
    int size =
        snprintf(out, 64, "{\"record\":%llu,\"more\":\"%.*s\"}", (unsigned long long)index, (int)(index % 11), "abcdefghijk");
    return (obs__view){out, (size_t)size};
}

struct log {
    const char *path;
    int folder;
    uint64_t size;
    obs__tree_hash root;
    obs__tree_range range; /* what it must be */
};

static void begin(struct log *log)
{
    *log = (struct log){.path = test_folder()};
    log->folder = open(log->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    obs__tree_empty(hasher, &log->root);
}

/* Without flush it is as if the process had died. */
static void append(struct log *log, uint64_t count, int flush)
{
    obs__appender *appender;
    obs__tree_hash root, wanted, leaf;
    char text[64];
    ck_assert_ok(obs__appender_open(&appender, log->folder, log->size, &log->root, hasher, &error));
    for (uint64_t i = 0; i < count; i++)
        ck_assert_ok(obs__appender_add(appender, entry_of(text, log->size + i), &error));
    if (flush) {
        ck_assert_ok(obs__appender_flush(appender, &root, &error));
        obs__appender_tidy(appender);
        for (uint64_t i = 0; i < count; i++) {
            obs__tree_leaf(hasher, &leaf, entry_of(text, log->size + i));
            obs__tree_range_add(&log->range, hasher, 0, &leaf);
        }
        obs__tree_range_root(&log->range, hasher, &wanted);
        ck_assert(obs__tree_equal(&root, &wanted));
        log->root = root;
        log->size += count;
        ck_assert_uint_eq(obs__appender_size(appender), log->size);
    }
    obs__appender_free(appender);
}

static void check_records(const struct log *log)
{
    for (uint64_t index = 0; index * OBS__TILE_WIDTH < log->size; index++) {
        obs__bundle bundle;
        char text[64];
        unsigned width = obs__tile_in(log->size, OBS__TILE_ENTRIES, index).width;
        ck_assert_ok(obs__bundle_read(&bundle, log->folder, index, width, &error));
        for (unsigned i = 0; i < width; i++)
            ck_assert(obs__view_equal(bundle.entries[i], entry_of(text, index * OBS__TILE_WIDTH + i)));
        obs__bundle_free(&bundle);
    }
}

static void check_proofs(const struct log *log, unsigned step)
{
    obs__tiles *tiles;
    obs__tree_proof proof;
    obs__tree_hash leaf, before;
    char text[64];
    ck_assert_ok(obs__tiles_open(&tiles, log->folder, log->size, hasher, &error));
    obs__tree_reader reader = obs__tiles_reader(tiles);
    for (uint64_t i = 0; i < log->size; i += step) {
        obs__tree_leaf(hasher, &leaf, entry_of(text, i));
        ck_assert_ok(obs__tree_prove_inclusion(&proof, hasher, &reader, i, log->size, &error));
        ck_assert(obs__tree_check_inclusion(hasher, &leaf, i, log->size, &proof, &log->root));
        ck_assert_ok(obs__tree_root_at(&before, hasher, &reader, i, &error));
        ck_assert_ok(obs__tree_prove_consistency(&proof, hasher, &reader, i, log->size, &error));
        ck_assert(obs__tree_check_consistency(hasher, i, &before, log->size, &log->root, &proof));
    }
    obs__tiles_free(tiles);
}

static int is_there(const struct log *log, const char *name)
{
    return access(test_path(log->path, name), F_OK) == 0;
}

START_TEST(a_log_grows_in_pieces)
{
    static const uint64_t pieces[] = {1, 1, 253, 1, 1, 255, 300, 5, 1, 700, 0, 66000};
    struct log log;
    begin(&log);
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        append(&log, pieces[i], 1);
        check_records(&log);
        check_proofs(&log, log.size < 2000 ? 13 : 1009);
    }
    ck_assert_uint_eq(log.size, 67518);
    ck_assert(is_there(&log, "tile/0/000") && !is_there(&log, "tile/0/000.p"));
    ck_assert(is_there(&log, "tile/1/000") && !is_there(&log, "tile/1/000.p"));
    ck_assert(is_there(&log, "tile/0/263.p/190") && is_there(&log, "tile/entries/263.p/190"));
    ck_assert(is_there(&log, "tile/1/001.p/7") && is_there(&log, "tile/2/000.p/1"));
    close(log.folder);
}
END_TEST

START_TEST(what_an_interrupted_writer_left_is_cut)
{
    struct log log;
    uint64_t cut;
    begin(&log);
    append(&log, 300, 1);
    append(&log, 1500, 0); /* five full tiles and bundles, nothing signed */
    ck_assert(is_there(&log, "tile/entries/005"));
    ck_assert_ok(obs__log_cut(&cut, log.folder, log.size, &error));
    ck_assert_uint_eq(cut, 12);
    ck_assert(!is_there(&log, "tile/entries/001") && !is_there(&log, "tile/0/006"));
    ck_assert(is_there(&log, "tile/entries/001.p/44") && is_there(&log, "tile/0/001.p/44"));
    ck_assert_ok(obs__log_cut(&cut, log.folder, log.size, &error));
    ck_assert_uint_eq(cut, 0);
    check_records(&log);
    /* Flushed, but no checkpoint was written: partial tiles go as well. */
    struct log ahead = log;
    append(&ahead, 10, 1);
    ck_assert(is_there(&log, "tile/0/001.p/54"));
    ck_assert_ok(obs__log_cut(&cut, log.folder, log.size, &error));
    ck_assert_uint_eq(cut, 2);
    append(&log, 700, 1);
    check_records(&log);
    check_proofs(&log, 7);
    /* Never the only file that holds records of the log. */
    ahead = log;
    ahead.size = 700, ahead.range = (obs__tree_range){0};
    ck_assert_ok(obs__log_cut(&cut, log.folder, 700, &error));
    check_records(&ahead);
    close(log.folder);
}
END_TEST

/* Each changed byte of the files at the edge is found before anything is added to them. */
START_TEST(a_damaged_end_is_not_appended_to)
{
    static const char *const files[] = {"tile/entries/002.p/100", "tile/0/002.p/100", "tile/1/000.p/2"};
    struct log log;
    obs__appender *appender;
    begin(&log);
    append(&log, 612, 1);
    for (size_t f = 0; f < sizeof files / sizeof files[0]; f++) {
        const char *path = test_path(log.path, files[f]);
        size_t size;
        char *bytes = test_read(path, &size);
        for (size_t at = 0; at < size; at += 1 + size / 23) {
            bytes[at] ^= 0x20;
            test_write(path, bytes, size);
            ck_assert_int_eq(obs__appender_open(&appender, log.folder, log.size, &log.root, hasher, &error), OBS_DATA_LOSS);
            ck_assert_ptr_null(appender);
            bytes[at] ^= 0x20;
        }
        test_write(path, bytes, size - 1);
        ck_assert_int_eq(obs__appender_open(&appender, log.folder, log.size, &log.root, hasher, &error), OBS_DATA_LOSS);
        ck_assert_int_eq(unlink(path), 0);
        ck_assert_int_eq(obs__appender_open(&appender, log.folder, log.size, &log.root, hasher, &error), OBS_DATA_LOSS);
        ck_assert_ptr_nonnull(strstr(error.message, files[f]));
        test_write(path, bytes, size);
        free(bytes);
    }
    log.root.bytes[0] ^= 1;
    ck_assert_int_eq(obs__appender_open(&appender, log.folder, log.size, &log.root, hasher, &error), OBS_DATA_LOSS);
    log.root.bytes[0] ^= 1;
    append(&log, 1, 1);
    close(log.folder);
}
END_TEST

START_TEST(records_have_limits)
{
    struct log log;
    obs__appender *appender;
    obs__tree_hash root;
    obs__bundle bundle;
    char *large = calloc(1, OBS__ENTRY_MAX + 1);
    begin(&log);
    ck_assert_ok(obs__appender_open(&appender, log.folder, 0, &log.root, hasher, &error));
    ck_assert_int_eq(obs__appender_add(appender, (obs__view){large, 0}, &error), OBS_INVALID_ARGUMENT);
    ck_assert_int_eq(obs__appender_add(appender, (obs__view){large, OBS__ENTRY_MAX + 1}, &error), OBS_INVALID_ARGUMENT);
    ck_assert_ok(obs__appender_add(appender, (obs__view){large, OBS__ENTRY_MAX}, &error));
    ck_assert_ok(obs__appender_flush(appender, &root, &error));
    ck_assert_ok(obs__bundle_read(&bundle, log.folder, 0, 1, &error));
    ck_assert_uint_eq(bundle.entries[0].size, OBS__ENTRY_MAX);
    obs__bundle_free(&bundle);
    obs__appender_free(appender);
    free(large);
    close(log.folder);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {names_are_those_of_the_standard,
                                  bundles_are_taken_apart_strictly,
                                  the_published_log_is_read,
                                  a_log_grows_in_pieces,
                                  what_an_interrupted_writer_left_is_cut,
                                  a_damaged_end_is_not_appended_to,
                                  records_have_limits};
    obs_error_init(&error, sizeof error);
    if (obs__tree_hasher_new(&hasher, &error) != OBS_OK)
        return 1;
    int failed = test_main("tiles", tests, sizeof tests / sizeof tests[0]);
    obs__tree_hasher_free(hasher);
    return failed;
}
