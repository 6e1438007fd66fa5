/* Every allocation of the calls of the store fails once: an error or success each time, and the object is as the answer says.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "faults/failing_malloc.h"
#include "store/fixture.h"

static test_space *space;
static obs_store *store;
static char *bytes;

/* Set when an answer and its result do not fit; nothing may be asserted while allocations fail. */
static int odd;

#define LARGE 200000

/* What a call is tried with: it writes version `n` of the key, or reads the version that is there. */
typedef obs_status (*change)(int n);

static size_t size_of(int n, int large)
{
    return large ? LARGE + (size_t)n : 100 + (size_t)n;
}

static obs_status put_small(int n)
{
    return obs_store_put(NULL, store, "k", OBS_TEXT, bytes, size_of(n, 0), NULL, &error);
}

static obs_status put_large(int n)
{
    obs_stat *stat = NULL;
    obs_status status = obs_store_put(&stat, store, "k", OBS_TEXT, bytes, size_of(n, 1), NULL, &error);
    odd |= (status == OBS_OK) != (stat != NULL);
    obs_stat_free(stat);
    return status;
}

static obs_status write_pieces(int n)
{
    obs_writer *writer = NULL;
    obs_status status = obs_writer_open(&writer, store, "k", OBS_TEXT, NULL, &error);
    for (size_t at = 0; status == OBS_OK && at < size_of(n, 1); at += 40000) {
        size_t left = size_of(n, 1) - at;
        status = obs_writer_write(writer, bytes + at, left < 40000 ? left : 40000, &error);
    }
    if (status == OBS_OK)
        status = obs_writer_commit(NULL, writer, &error);
    obs_writer_free(writer);
    return status;
}

static uint64_t size_now(void)
{
    obs_buffer *buffer = NULL;
    ck_assert_ok(obs_store_get(&buffer, store, "k", OBS_TEXT, NULL, &error));
    ck_assert_int_eq(memcmp(obs_buffer_data(buffer), bytes, obs_buffer_size(buffer)), 0);
    uint64_t size = obs_buffer_size(buffer);
    obs_buffer_free(buffer);
    return size;
}

static void fail_each_change(const char *name, change call, int large)
{
    uint64_t before = size_now();
    for (int n = 1; n < 5000; n++) {
        failing_malloc_arm(n, 0);
        obs_status status = call(n);
        int failed = failing_malloc_disarm();
        ck_assert_int_eq(odd, 0);
        ck_assert_msg(status == OBS_OK || *error.message, "%s: allocation %d: no message", name, n);
        uint64_t now = size_now();
        ck_assert_msg(now == (status == OBS_OK ? size_of(n, large) : before), "%s: allocation %d: %s, and %llu bytes", name, n,
                      obs_status_name(status), (unsigned long long)now);
        before = now;
        if (!failed) {
            ck_assert_int_eq(status, OBS_OK);
            ck_assert_int_gt(n, 1);
            return;
        }
    }
    ck_abort_msg("%s never succeeds", name);
}

static obs_status read_whole(void)
{
    obs_buffer *buffer = NULL;
    obs_status status = obs_store_get(&buffer, store, "k", OBS_TEXT, NULL, &error);
    odd |= (status == OBS_OK) != (buffer != NULL);
    obs_buffer_free(buffer);
    return status;
}

static obs_status read_range(void)
{
    obs_buffer *buffer = NULL;
    obs_get_options options;
    obs_get_options_init(&options, sizeof options);
    options.offset = 5;
    options.length = 10;
    obs_status status = obs_store_get(&buffer, store, "k", OBS_TEXT, &options, &error);
    obs_buffer_free(buffer);
    return status;
}

static obs_status read_stat(void)
{
    obs_stat *stat = NULL;
    obs_status status = obs_store_head(&stat, store, "k", OBS_TEXT, NULL, &error);
    obs_stat_free(stat);
    return status;
}

static obs_status read_pieces(void)
{
    char room[100];
    size_t got;
    obs_reader *reader = NULL;
    obs_status status = obs_reader_open(&reader, store, "k", OBS_TEXT, NULL, &error);
    if (status == OBS_OK)
        status = obs_reader_read(&got, reader, room, sizeof room, &error);
    obs_reader_free(reader);
    return status;
}

static obs_status read_list(void)
{
    obs_page *page = NULL;
    obs_list_options options;
    obs_list_options_init(&options, sizeof options);
    options.delimiter = "/";
    obs_status status = obs_store_list(&page, store, "", &options, &error);
    odd |= status == OBS_OK && obs_page_count(page) != 3;
    obs_page_free(page);
    return status;
}

static void fail_each_read(const char *name, obs_status (*call)(void), int allocates)
{
    ck_assert_ok(call());
    long before = failing_malloc_live();
    for (long n = 1; n < 5000; n++) {
        failing_malloc_arm(n, 0);
        obs_status status = call();
        int failed = failing_malloc_disarm();
        ck_assert_int_eq(odd, 0);
        ck_assert_msg(failing_malloc_live() == before, "%s: leaks when allocation %ld fails", name, n);
        if (!failed) {
            ck_assert_int_eq(status, OBS_OK);
            ck_assert(!allocates || n > 1);
            return;
        }
        ck_assert_msg(status == OBS_RESOURCE_EXHAUSTED && *error.message, "%s: allocation %ld failed unnoticed", name, n);
    }
    ck_abort_msg("%s never succeeds", name);
}

static void fail_all(const char *url, int is_file)
{
    if (!failing_malloc_arm) {
        test_skipped("failing allocations", "the allocator that fails is not there (not glibc, or a sanitizer has its own)");
        return;
    }
    space = space_open(test_folder(), "default");
    store = space_store(space, url);
    bytes = make_bytes(LARGE + 10000, 1);
    put_text(store, "a/1", "x");
    put_text(store, "a/2", "x");
    put_text(store, "b", "x");
    ck_assert_ok(put_small(0));
    fail_each_change("put of a small object", put_small, 0);
    fail_each_change("put of a large object", put_large, 1);
    fail_each_change("writer", write_pieces, 1);
    fail_each_read("get", read_whole, is_file);
    fail_each_read("get of a range", read_range, 1);
    fail_each_read("head", read_stat, 1);
    fail_each_read("reader", read_pieces, 1);
    fail_each_read("list", read_list, 1);
    free(bytes);
    obs_store_free(store);
    space_close(space);
}

START_TEST(files)
{
    fail_all("file:store", 1);
}
END_TEST

START_TEST(memory)
{
    fail_all("mem:faults", 0);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {files, memory};
    return test_main("store without memory", tests, sizeof tests / sizeof tests[0]);
}
