/* What only the `file:` driver has: paths, sidecars, other tools that meddle, links. */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/fixture.h"

static test_space *space;
static obs_store *store;
static const char *folder;

static void open_file(void)
{
    folder = test_folder();
    space = space_open(folder, "default");
    store = space_store(space, "file:store");
}

static void close_file(void)
{
    obs_store_free(store);
    space_close(space);
}

static const char *path_of(const char *path)
{
    return test_path(test_path(folder, "store"), path);
}

static void expect(obs_status status, obs_status wanted)
{
    ck_assert_msg(status == wanted, "%s, not %s: %s", obs_status_name(status), obs_status_name(wanted), error.message);
}

static void expect_text(const char *key, const char *wanted)
{
    char *text = get_text(store, key);
    ck_assert_msg(text && strcmp(text, wanted) == 0, "%s: '%s', not '%s'", key, text ? text : "(none)", wanted);
    free(text);
}

static int exists(const char *path)
{
    struct stat found;
    return lstat(path_of(path), &found) == 0;
}

/* Changes a byte and leaves the times as they were, as a dying disk does. */
static void damage(const char *path, off_t at)
{
    struct stat before;
    char byte;
    int fd = open(path_of(path), O_RDWR);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(fstat(fd, &before), 0);
    ck_assert_int_eq(pread(fd, &byte, 1, at), 1);
    byte ^= 0x10;
    ck_assert_int_eq(pwrite(fd, &byte, 1, at), 1);
    struct timespec times[2] = {before.st_atim, before.st_mtim};
    ck_assert_int_eq(futimens(fd, times), 0);
    close(fd);
}

/* Writes as another tool does, some time later: where the clock of files is coarse, at once may be the same time. */
static void write_later(const char *path, const char *text)
{
    struct stat before;
    ck_assert_int_eq(stat(path_of(path), &before), 0);
    test_write(path_of(path), text, strlen(text));
    struct timespec times[2] = {before.st_atim, before.st_mtim};
    times[1].tv_sec++;
    ck_assert_int_eq(utimensat(AT_FDCWD, path_of(path), times, 0), 0);
}

START_TEST(any_tool_can_read_an_object)
{
    open_file();
    put_text(store, "raw/night/a.txt", "hello");
    size_t size;
    char *text = test_read(path_of("raw/night/a.txt"), &size);
    ck_assert_str_eq(text, "hello");
    free(text);
    text = test_read(path_of(".obs/meta/raw/night/a.txt%"), &size);
    ck_assert_int_eq(strncmp(text, "obs-sidecar 1\nfile ", 19), 0);
    free(text);
    ck_assert_ok(obs_store_delete(store, "raw/night/a.txt", OBS_TEXT, NULL, &error));
    ck_assert(!exists("raw") && !exists(".obs/meta/raw"));
    close_file();
}
END_TEST

START_TEST(an_object_and_a_folder_share_a_name)
{
    open_file();
    put_text(store, "a", "object");
    put_text(store, "a/b", "below");
    put_text(store, "a/b/c/d", "deep");
    ck_assert(exists("a%") && exists("a/b%") && exists("a/b/c/d"));
    expect_text("a", "object");
    expect_text("a/b", "below");
    put_text(store, "a", "again");
    expect_text("a", "again");
    put_text(store, "x/y", "first the folder");
    put_text(store, "x", "then the object");
    expect_text("x", "then the object");
    char *all = list_text(store, "", NULL, 2);
    ck_assert_str_eq(all, "a a/b a/b/c/d x x/y");
    free(all);
    ck_assert_ok(obs_store_delete(store, "a/b/c/d", OBS_TEXT, NULL, &error));
    ck_assert_ok(obs_store_delete(store, "a/b", OBS_TEXT, NULL, &error));
    expect_text("a", "again");
    put_text(store, "a", "still one");
    expect_text("a", "still one");
    ck_assert_ok(obs_store_delete(store, "a", OBS_TEXT, NULL, &error));
    ck_assert_ptr_null(get_text(store, "a"));
    ck_assert(!exists("a") && !exists("a%"));
    close_file();
}
END_TEST

START_TEST(long_names_and_those_of_ours_are_ordinary)
{
    open_file();
    char key[800];
    memset(key, 'k', sizeof key);
    key[255] = '/';
    key[600] = '/';
    key[799] = '\0';
    static const char *const odd[] = {".obs/staging/x", ".obs", "a%", "a.meta", "../out", "//", ".", "b/..", "%e"};
    put_text(store, key, "long");
    key[255] = '\0';
    put_text(store, key, "beside a folder of 255 bytes");
    expect_text(key, "beside a folder of 255 bytes");
    key[255] = '/';
    expect_text(key, "long");
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++)
        put_text(store, odd[i], odd[i]);
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++)
        expect_text(odd[i], odd[i]);
    obs_page *page = NULL;
    ck_assert_ok(obs_store_list(&page, store, NULL, NULL, &error));
    ck_assert_uint_eq(obs_page_count(page), sizeof odd / sizeof odd[0] + 2);
    obs_page_free(page);
    ck_assert(access(test_path(folder, "out"), F_OK) != 0);
    close_file();
}
END_TEST

START_TEST(links_are_not_followed)
{
    open_file();
    obs_buffer *buffer = NULL;
    test_write(test_path(folder, "secret"), "secret", 6);
    mkdir(test_path(folder, "outside"), 0777);
    ck_assert_int_eq(symlink("../secret", path_of("leak")), 0);
    ck_assert_int_eq(symlink("../outside", path_of("way")), 0);
    expect(obs_store_get(&buffer, store, "leak", OBS_TEXT, NULL, &error), OBS_PERMISSION_DENIED);
    ck_assert_ptr_nonnull(strstr(error.message, "symbolic link"));
    expect(obs_store_put(NULL, store, "leak", OBS_TEXT, "x", 1, NULL, &error), OBS_PERMISSION_DENIED);
    expect(obs_store_put(NULL, store, "way/x", OBS_TEXT, "x", 1, NULL, &error), OBS_PERMISSION_DENIED);
    expect(obs_store_put(NULL, store, "way/new/x", OBS_TEXT, "x", 1, NULL, &error), OBS_PERMISSION_DENIED);
    expect(obs_store_delete(store, "leak", OBS_TEXT, NULL, &error), OBS_PERMISSION_DENIED);
    ck_assert(access(test_path(folder, "outside/x"), F_OK) != 0 && access(test_path(folder, "outside/new"), F_OK) != 0);
    char *all = list_text(store, "", NULL, 0);
    ck_assert_str_eq(all, "");
    free(all);
    close_file();
}
END_TEST

START_TEST(a_damaged_byte_is_noticed_in_whole_and_ranges)
{
    open_file();
    enum { SIZE = (3 << 20) + 100 };
    char *bytes = make_bytes(SIZE, 5);
    char room[16];
    size_t got;
    obs_buffer *buffer = NULL;
    obs_reader *reader = NULL;
    obs_get_options options;
    obs_get_options_init(&options, sizeof options);
    ck_assert_ok(obs_store_put(NULL, store, "d/big", OBS_TEXT, bytes, SIZE, NULL, &error));
    damage("d/big", (2 << 20) + 5);
    expect(obs_store_get(&buffer, store, "d/big", OBS_TEXT, NULL, &error), OBS_DATA_LOSS);
    ck_assert_ptr_nonnull(strstr(error.message, "block 2 (bytes 2097152 to 3145727) of 'd/big'"));
    ck_assert_ptr_null(buffer);
    options.offset = (2 << 20) + 1000;
    options.length = 10; /* not the byte itself, but its block */
    expect(obs_store_get(&buffer, store, "d/big", OBS_TEXT, &options, &error), OBS_DATA_LOSS);
    options.offset = (2 << 20) - 10;
    ck_assert_ok(obs_store_get(&buffer, store, "d/big", OBS_TEXT, &options, &error));
    ck_assert_int_eq(memcmp(obs_buffer_data(buffer), bytes + options.offset, 10), 0);
    obs_buffer_free(buffer);
    ck_assert_ok(obs_reader_open(&reader, store, "d/big", OBS_TEXT, NULL, &error));
    ck_assert_ok(obs_reader_read(&got, reader, room, sizeof room, &error));
    ck_assert_ok(obs_reader_seek(reader, 2 << 20, &error));
    expect(obs_reader_read(&got, reader, room, sizeof room, &error), OBS_DATA_LOSS);
    obs_reader_free(reader);
    expect(obs_store_copy(NULL, store, "d/big", OBS_TEXT, "copy", OBS_TEXT, NULL, &error), OBS_DATA_LOSS);
    ck_assert(!exists("copy"));
    /* One that was cut short without a trace is damaged as well, not shorter. */
    put_text(store, "small", "0123456789");
    damage("small", 3);
    expect(obs_store_get(&buffer, store, "small", OBS_TEXT, NULL, &error), OBS_DATA_LOSS);
    free(bytes);
    close_file();
}
END_TEST

START_TEST(what_another_tool_writes_is_served_and_can_be_adopted)
{
    open_file();
    const obs_pair label = {"night", "one"};
    obs_put_options options;
    obs_stat *stat = NULL;
    obs_put_options_init(&options, sizeof options);
    options.labels = &label;
    options.label_count = 1;
    ck_assert_ok(obs_store_put(NULL, store, "k", OBS_TEXT, "before", 6, &options, &error));
    write_later("k", "after!");
    expect_text("k", "after!");
    ck_assert_ok(obs_store_head(&stat, store, "k", OBS_TEXT, NULL, &error));
    ck_assert_int_eq(stat->changed_outside, 1);
    ck_assert_str_eq(stat->sha256, "");
    options.if_match = "\"something\"";
    expect(obs_store_put(NULL, store, "k", OBS_TEXT, "x", 1, &options, &error), OBS_FAILED_PRECONDITION);
    obs_stat_free(stat);
    ck_assert_ok(obs_store_adopt(&stat, store, "k", OBS_TEXT, NULL, &error));
    ck_assert_int_eq(stat->changed_outside, 0);
    ck_assert_str_eq(stat->labels[0].value, "one");
    obs_stat_free(stat);
    ck_assert_ok(obs_store_head(&stat, store, "k", OBS_TEXT, NULL, &error));
    ck_assert_int_eq(stat->changed_outside, 0);
    ck_assert_str_ne(stat->sha256, "");
    ck_assert_str_eq(stat->labels[0].name, "night");
    obs_stat_free(stat);
    damage("k", 1);
    obs_buffer *buffer = NULL;
    expect(obs_store_get(&buffer, store, "k", OBS_TEXT, NULL, &error), OBS_DATA_LOSS);
    mkdir(path_of("new"), 0777);
    test_write(path_of("new/file"), "by hand", 7);
    expect_text("new/file", "by hand");
    char *all = list_text(store, "new/", "/", 0);
    ck_assert_str_eq(all, "new/file");
    free(all);
    ck_assert_ok(obs_store_adopt(NULL, store, "new/file", OBS_TEXT, NULL, &error));
    expect(obs_store_adopt(NULL, store, "none", OBS_TEXT, NULL, &error), OBS_NOT_FOUND);
    close_file();
}
END_TEST

START_TEST(a_lost_or_damaged_sidecar_loses_no_bytes)
{
    open_file();
    obs_stat *stat = NULL;
    put_text(store, "k", "bytes");
    damage(".obs/meta/k%", 30);
    expect_text("k", "bytes");
    ck_assert_ok(obs_store_head(&stat, store, "k", OBS_TEXT, NULL, &error));
    ck_assert_int_eq(stat->changed_outside, 1);
    obs_stat_free(stat);
    ck_assert_int_eq(unlink(path_of(".obs/meta/k%")), 0);
    expect_text("k", "bytes");
    ck_assert_ok(obs_store_adopt(NULL, store, "k", OBS_TEXT, NULL, &error));
    ck_assert_ok(obs_store_head(&stat, store, "k", OBS_TEXT, NULL, &error));
    ck_assert_int_eq(stat->changed_outside, 0);
    obs_stat_free(stat);
    close_file();
}
END_TEST

START_TEST(names_of_no_key_are_not_listed)
{
    open_file();
    test_write(path_of("%zz"), "x", 1);
    test_write(path_of("\xFF"), "x", 1);
    mkdir(path_of("empty"), 0777);
    mkdir(path_of("empty/er"), 0777);
    char *all = list_text(store, "", "/", 0);
    ck_assert_str_eq(all, "");
    free(all);
    close_file();
}
END_TEST

/* One writer that never pauses, one reader: what is read is always one whole version. */
struct hot {
    atomic_int stop;
    atomic_int writes;
};

static void *write_hot(void *user)
{
    struct hot *hot = user;
    obs_error fault = {.size = sizeof fault};
    char *bytes = malloc(80000);
    for (int i = 0; !atomic_load(&hot->stop); i++) {
        size_t size = i % 25 == 0 ? 70000u + (size_t)i % 1000 : (size_t)i % 5000 + 1;
        memset(bytes, 'a' + i % 26, size);
        obs_status status = obs_store_put(NULL, store, "hot", OBS_TEXT, bytes, size, NULL, &fault);
        ck_assert_msg(status == OBS_OK, "the writer: %s", fault.message);
        atomic_fetch_add(&hot->writes, 1);
    }
    free(bytes);
    return NULL;
}

/* The size of what is there, all of whose bytes are equal. */
static size_t read_hot(void)
{
    obs_buffer *buffer = NULL;
    obs_stat *stat = NULL;
    ck_assert_ok(obs_store_get(&buffer, store, "hot", OBS_TEXT, NULL, &error));
    const char *bytes = obs_buffer_data(buffer);
    size_t size = obs_buffer_size(buffer);
    ck_assert_msg(size <= 1 || memcmp(bytes, bytes + 1, size - 1) == 0, "%zu bytes of two versions", size);
    obs_buffer_free(buffer);
    ck_assert_ok(obs_store_head(&stat, store, "hot", OBS_TEXT, NULL, &error));
    ck_assert_int_eq(stat->changed_outside, 0);
    obs_stat_free(stat);
    return size;
}

/* The one that is slower decides how long it takes: enough is written, and read while it is written. */
START_TEST(a_reader_never_meets_half_of_a_hot_write)
{
    const int enough_writes = test_times(1000), enough_versions = 10 + test_times(40);
    struct hot hot = {0};
    pthread_t thread;
    size_t last = 0;
    open_file();
    put_text(store, "hot", "a");
    ck_assert_int_eq(pthread_create(&thread, NULL, write_hot, &hot), 0);
    for (int versions = 0; versions < enough_versions || atomic_load(&hot.writes) < enough_writes;) {
        size_t size = read_hot();
        versions += size != last;
        last = size;
    }
    atomic_store(&hot.stop, 1);
    pthread_join(thread, NULL);
    close_file();
}
END_TEST

START_TEST(other_tenants_folders_are_refused)
{
    open_file();
    static const char *const urls[] = {"file:tenants/other/store", "file:audit", "file:store/x", "file:other/../tenants",
                                       "file:x/.."};
    obs_store *other = NULL;
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        const obs__store_options options = {.url = urls[i]};
        expect(obs__store_open(&other, &space->gate, &options, &error), OBS_PERMISSION_DENIED);
    }
    const obs__store_options unknown = {.url = "s4://bucket"};
    expect(obs__store_open(&other, &space->gate, &unknown, &error), OBS_UNIMPLEMENTED);
    ck_assert_ptr_nonnull(strstr(error.message, "mem"));
    const obs__store_options host = {.url = "file://host/x"};
    expect(obs__store_open(&other, &space->gate, &host, &error), OBS_INVALID_ARGUMENT);
    close_file();
}
END_TEST

START_TEST(the_check_finds_what_is_wrong)
{
    open_file();
    obs__builder rows;
    obs__store_counts counts = {0};
    const obs__limit limit = obs__limit_in(-1, NULL);
    obs__builder_init(&rows, 1 << 20);
    put_text(store, "fine", "1");
    put_text(store, "damaged", "22");
    put_text(store, "changed", "333");
    damage("damaged", 0);
    test_write(path_of("changed"), "other", 5);
    test_write(path_of("%zz"), "x", 1);
    ck_assert_int_eq(symlink("fine", path_of("link")), 0);
    ck_assert_ok(obs__store_check(&rows, &counts, store, 0, &limit, &error));
    ck_assert_uint_eq(counts.objects, 3);
    ck_assert_uint_eq(counts.bytes, 1 + 2 + 5);
    ck_assert_uint_eq(counts.problems, 4);
    ck_assert_ptr_nonnull(strstr(rows.data, "{\"key\":\"damaged\",\"problem\":\"block 0 "));
    ck_assert_ptr_nonnull(strstr(rows.data, "{\"key\":\"changed\",\"problem\":\"another program"));
    obs__builder_free(&rows);
    close_file();
}
END_TEST

START_TEST(a_cancelled_put_leaves_nothing)
{
    open_file();
    char *bytes = make_bytes(300000, 9);
    obs_call call;
    obs_put_options options;
    obs_call_init(&call, sizeof call);
    obs_put_options_init(&options, sizeof options);
    ck_assert_ok(obs_cancel_new(&call.cancel, &error));
    options.call = &call;
    obs_cancel_set(call.cancel);
    expect(obs_store_put(NULL, store, "k", OBS_TEXT, bytes, 300000, &options, &error), OBS_CANCELLED);
    ck_assert(!exists("k"));
    obs_cancel_reset(call.cancel);
    obs_writer *writer = NULL;
    ck_assert_ok(obs_writer_open(&writer, store, "k", OBS_TEXT, &options, &error));
    ck_assert_ok(obs_writer_write(writer, bytes, 300000, &error));
    obs_cancel_set(call.cancel);
    expect(obs_writer_write(writer, bytes, 300000, &error), OBS_CANCELLED);
    expect(obs_writer_commit(NULL, writer, &error), OBS_FAILED_PRECONDITION);
    obs_writer_free(writer);
    obs_cancel_free(call.cancel);
    ck_assert(!exists("k"));
    free(bytes);
    close_file();
}
END_TEST

START_TEST(started_operations_do_the_same)
{
    open_file();
    char *bytes = make_bytes(3 << 20, 4);
    obs_queue *queue = NULL;
    obs_operation *operations[3] = {NULL};
    obs_completion done[8];
    obs_put_options put;
    obs_get_options get;
    obs_put_options_init(&put, sizeof put);
    obs_get_options_init(&get, sizeof get);
    put.progress = get.progress = 1;
    get.offset = 10;
    ck_assert_ok(obs_queue_new(&queue, &error));
    ck_assert_ok(obs_store_put_start(&operations[0], queue, 1, store, "k", OBS_TEXT, bytes, 3 << 20, &put, &error));
    uint64_t moved = 0;
    int ended = 0;
    while (!ended) {
        size_t count = 0;
        ck_assert_ok(obs_queue_wait(queue, done, 8, &count, 60000, NULL, &error));
        ck_assert_uint_gt(count, 0);
        for (size_t i = 0; i < count; i++) {
            ck_assert_uint_eq(done[i].tag, 1);
            ck_assert_uint_ge(done[i].bytes, moved);
            moved = done[i].bytes;
            ended |= done[i].kind == OBS_COMPLETION_DONE;
        }
    }
    ck_assert_uint_eq(moved, 3 << 20);
    obs_stat *stat = NULL;
    ck_assert_ok(obs_operation_take_stat(&stat, operations[0], &error));
    ck_assert_uint_eq(stat->size, 3 << 20);
    obs_stat_free(stat);
    expect(obs_operation_take_stat(&stat, operations[0], &error), OBS_FAILED_PRECONDITION);
    ck_assert_ok(obs_store_get_start(&operations[1], queue, 2, store, "k", OBS_TEXT, &get, &error));
    ck_assert_ok(obs_store_head_start(&operations[2], queue, 3, store, "none", OBS_TEXT, NULL, &error));
    for (int ends = 0; ends < 2;) {
        size_t count = 0;
        ck_assert_ok(obs_queue_wait(queue, done, 8, &count, 60000, NULL, &error));
        ck_assert_uint_gt(count, 0);
        for (size_t i = 0; i < count; i++)
            ends += done[i].kind == OBS_COMPLETION_DONE;
    }
    obs_buffer *buffer = NULL;
    ck_assert_ok(obs_operation_take_buffer(&buffer, operations[1], &error));
    ck_assert_uint_eq(obs_buffer_size(buffer), (3 << 20) - 10);
    ck_assert_int_eq(memcmp(obs_buffer_data(buffer), bytes + 10, (3 << 20) - 10), 0);
    obs_buffer_free(buffer);
    expect(obs_operation_take_stat(&stat, operations[2], &error), OBS_NOT_FOUND);
    obs_operation_free(operations[2]);
    ck_assert_ok(obs_store_delete_start(&operations[2], queue, 4, store, "k", OBS_TEXT, NULL, &error));
    size_t count = 0;
    ck_assert_ok(obs_queue_wait(queue, done, 8, &count, 60000, NULL, &error));
    ck_assert_int_eq(done[0].status, OBS_OK);
    ck_assert(!exists("k"));
    for (int i = 0; i < 3; i++)
        obs_operation_free(operations[i]);
    obs_queue_free(queue);
    free(bytes);
    close_file();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {any_tool_can_read_an_object,
                                  an_object_and_a_folder_share_a_name,
                                  long_names_and_those_of_ours_are_ordinary,
                                  links_are_not_followed,
                                  a_damaged_byte_is_noticed_in_whole_and_ranges,
                                  what_another_tool_writes_is_served_and_can_be_adopted,
                                  a_lost_or_damaged_sidecar_loses_no_bytes,
                                  names_of_no_key_are_not_listed,
                                  a_reader_never_meets_half_of_a_hot_write,
                                  other_tenants_folders_are_refused,
                                  the_check_finds_what_is_wrong,
                                  a_cancelled_put_leaves_nothing,
                                  started_operations_do_the_same};
    return test_main("file", tests, sizeof tests / sizeof tests[0]);
}
