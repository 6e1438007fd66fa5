/* What every driver does alike: each test runs on `file:` and on `mem:`. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/fixture.h"

#define DRIVERS 2

static test_space *space;
static obs_store *store;

static void open_on(int driver)
{
    static int count;
    char url[32];
    snprintf(url, sizeof url, driver == 0 ? "file:store" : "mem:test%d", count++);
    space = space_open(test_folder(), "default");
    store = space_store_immutable(space, url, "raw/");
}

static void close_all(void)
{
    obs_store_free(store);
    space_close(space);
}

static void expect(obs_status status, obs_status wanted)
{
    ck_assert_msg(status == wanted, "%s, not %s: %s", obs_status_name(status), obs_status_name(wanted), error.message);
    ck_assert_int_eq(error.status, wanted);
}

START_TEST(a_put_is_read_back)
{
    open_on(_i);
    obs_stat *stat = NULL;
    obs_stat *head = NULL;
    ck_assert_ok(obs_store_put(&stat, store, "a/b.txt", OBS_TEXT, "hello", 5, NULL, &error));
    ck_assert_str_eq(stat->sha256, "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824");
    ck_assert_uint_eq(stat->size, 5);
    char *text = get_text(store, "a/b.txt");
    ck_assert_str_eq(text, "hello");
    free(text);
    ck_assert_ok(obs_store_head(&head, store, "a/b.txt", OBS_TEXT, NULL, &error));
    ck_assert_str_eq(head->etag, stat->etag);
    ck_assert_str_eq(head->key, "a/b.txt");
    ck_assert_str_eq(head->sha256, stat->sha256);
    ck_assert_int_eq(head->modified_ns, stat->modified_ns);
    ck_assert_int_eq(head->changed_outside, 0);
    obs_stat_free(head);
    obs_stat_free(stat);
    expect(obs_store_head(&head, store, "a", OBS_TEXT, NULL, &error), OBS_NOT_FOUND);
    ck_assert_str_eq(error.message, "there is no object 'a'");
    close_all();
}
END_TEST

START_TEST(metadata_labels_and_type_are_kept)
{
    open_on(_i);
    const obs_pair metadata[] = {{"Observer", "Ada \xC3\xA9 L%20"}, {"a-b", ""}};
    const obs_pair labels[] = {{"night", "2026-11-20"}, {"band", "V\nR"}};
    obs_put_options options;
    obs_stat *stat = NULL;
    obs_put_options_init(&options, sizeof options);
    options.content_type = "application/fits";
    options.metadata = metadata;
    options.metadata_count = 2;
    options.labels = labels;
    options.label_count = 2;
    ck_assert_ok(obs_store_put(NULL, store, "k", OBS_TEXT, "", 0, &options, &error));
    ck_assert_ok(obs_store_head(&stat, store, "k", OBS_TEXT, NULL, &error));
    ck_assert_uint_eq(stat->size, 0);
    ck_assert_str_eq(stat->content_type, "application/fits");
    ck_assert_uint_eq(stat->metadata_count, 2);
    ck_assert_str_eq(stat->metadata[0].name, "a-b");
    ck_assert_str_eq(stat->metadata[0].value, "");
    ck_assert_str_eq(stat->metadata[1].name, "observer");
    ck_assert_str_eq(stat->metadata[1].value, "Ada \xC3\xA9 L%20");
    ck_assert_uint_eq(stat->label_count, 2);
    ck_assert_str_eq(stat->labels[0].name, "band");
    ck_assert_str_eq(stat->labels[0].value, "V\nR");
    obs_stat_free(stat);
    close_all();
}
END_TEST

START_TEST(bad_options_are_refused_with_a_reason)
{
    open_on(_i);
    const obs_pair twice[] = {{"a", "1"}, {"A", "2"}};
    obs_put_options options;
    obs_put_options_init(&options, sizeof options);
    options.metadata = twice;
    options.metadata_count = 2;
    expect(obs_store_put(NULL, store, "k", OBS_TEXT, "x", 1, &options, &error), OBS_INVALID_ARGUMENT);
    ck_assert_str_eq(error.message, "metadata 'A' is given twice");
    options.metadata_count = 65;
    expect(obs_store_put(NULL, store, "k", OBS_TEXT, "x", 1, &options, &error), OBS_INVALID_ARGUMENT);
    options.metadata_count = 0;
    options.content_type = "text/plain\r\nX: y";
    expect(obs_store_put(NULL, store, "k", OBS_TEXT, "x", 1, &options, &error), OBS_INVALID_ARGUMENT);
    options.content_type = NULL;
    options.sha256 = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
    expect(obs_store_put(NULL, store, "k", OBS_TEXT, "hellO", 5, &options, &error), OBS_DATA_LOSS);
    ck_assert_ok(obs_store_put(NULL, store, "k", OBS_TEXT, "hello", 5, &options, &error));
    options.sha256 = "2cf2";
    expect(obs_store_put(NULL, store, "k", OBS_TEXT, "hello", 5, &options, &error), OBS_INVALID_ARGUMENT);
    expect(obs_store_put(NULL, store, "", OBS_TEXT, "x", 1, NULL, &error), OBS_INVALID_ARGUMENT);
    expect(obs_store_put(NULL, store, "k", OBS_TEXT, NULL, 1, NULL, &error), OBS_INVALID_ARGUMENT);
    close_all();
}
END_TEST

START_TEST(conditions_hold)
{
    open_on(_i);
    obs_put_options put;
    obs_get_options get;
    obs_change_options change;
    obs_stat *first = NULL;
    obs_stat *second = NULL;
    obs_buffer *buffer = NULL;
    obs_put_options_init(&put, sizeof put);
    obs_get_options_init(&get, sizeof get);
    obs_change_options_init(&change, sizeof change);
    put.if_match = "*";
    expect(obs_store_put(NULL, store, "k", OBS_TEXT, "0", 1, &put, &error), OBS_FAILED_PRECONDITION);
    put.if_match = NULL;
    put.if_none_match = "*";
    ck_assert_ok(obs_store_put(&first, store, "k", OBS_TEXT, "1", 1, &put, &error));
    expect(obs_store_put(NULL, store, "k", OBS_TEXT, "2", 1, &put, &error), OBS_ALREADY_EXISTS);
    put.if_none_match = NULL;
    put.if_match = first->etag;
    /* The same bytes: the entity tag changes with every write all the same. */
    ck_assert_ok(obs_store_put(&second, store, "k", OBS_TEXT, "1", 1, &put, &error));
    ck_assert_str_ne(first->etag, second->etag);
    expect(obs_store_put(NULL, store, "k", OBS_TEXT, "3", 1, &put, &error), OBS_FAILED_PRECONDITION);
    get.if_match = first->etag;
    expect(obs_store_get(&buffer, store, "k", OBS_TEXT, &get, &error), OBS_FAILED_PRECONDITION);
    get.if_match = second->etag;
    ck_assert_ok(obs_store_get(&buffer, store, "k", OBS_TEXT, &get, &error));
    obs_buffer_free(buffer);
    get.if_match = NULL;
    get.if_none_match = second->etag;
    expect(obs_store_get(&buffer, store, "k", OBS_TEXT, &get, &error), OBS_FAILED_PRECONDITION);
    change.if_match = first->etag;
    expect(obs_store_delete(store, "k", OBS_TEXT, &change, &error), OBS_FAILED_PRECONDITION);
    change.if_match = second->etag;
    ck_assert_ok(obs_store_delete(store, "k", OBS_TEXT, &change, &error));
    expect(obs_store_delete(store, "k", OBS_TEXT, NULL, &error), OBS_NOT_FOUND);
    obs_stat_free(first);
    obs_stat_free(second);
    close_all();
}
END_TEST

/* Sizes around what is small, and around blocks. */
START_TEST(ranges_are_right_at_every_edge)
{
    static const size_t sizes[] = {0, 1, 65536, 65537, 1 << 20, (1 << 20) + 1, (3 << 20) + 12345};
    open_on(_i);
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        size_t size = sizes[s];
        char *bytes = make_bytes(size, (unsigned)size);
        ck_assert_ok(obs_store_put(NULL, store, "big", OBS_TEXT, bytes, size, NULL, &error));
        const uint64_t offsets[] = {0, 1, size / 2, size > 1 ? size - 1 : 0, (1 << 20) - 1, 1 << 20, size, size + 1};
        const uint64_t lengths[] = {0, 1, 100, 1 << 20, (2 << 20) + 5, UINT64_MAX};
        for (size_t o = 0; o < 8; o++)
            for (size_t l = 0; l < 6; l++) {
                obs_buffer *buffer = NULL;
                obs_get_options options;
                obs_get_options_init(&options, sizeof options);
                options.offset = offsets[o];
                options.length = lengths[l];
                obs_status status = obs_store_get(&buffer, store, "big", OBS_TEXT, &options, &error);
                if (offsets[o] > size || (offsets[o] == size && size)) {
                    expect(status, OBS_OUT_OF_RANGE);
                    continue;
                }
                expect(status, OBS_OK);
                uint64_t left = size - offsets[o];
                uint64_t wanted = lengths[l] && lengths[l] < left ? lengths[l] : left;
                ck_assert_uint_eq(obs_buffer_size(buffer), wanted);
                ck_assert_int_eq(memcmp(obs_buffer_data(buffer), bytes + offsets[o], wanted), 0);
                obs_buffer_free(buffer);
            }
        free(bytes);
    }
    close_all();
}
END_TEST

START_TEST(get_into_says_how_much_does_not_fit)
{
    open_on(_i);
    char room[8] = "";
    size_t size = 0;
    put_text(store, "k", "0123456789");
    expect(obs_store_get_into(&size, store, "k", OBS_TEXT, room, sizeof room, NULL, &error), OBS_OUT_OF_RANGE);
    ck_assert_uint_eq(size, 10);
    obs_get_options options;
    obs_get_options_init(&options, sizeof options);
    options.offset = 4;
    ck_assert_ok(obs_store_get_into(&size, store, "k", OBS_TEXT, room, sizeof room, &options, &error));
    ck_assert_uint_eq(size, 6);
    ck_assert_mem_eq(room, "456789", 6);
    close_all();
}
END_TEST

START_TEST(streams_write_and_read)
{
    open_on(_i);
    enum { SIZE = (2 << 20) + 777 };
    char *bytes = make_bytes(SIZE, 7);
    char *back = malloc(SIZE);
    obs_writer *writer = NULL;
    obs_reader *reader = NULL;
    obs_stat *stat = NULL;
    ck_assert_ok(obs_writer_open(&writer, store, "s/t", OBS_TEXT, NULL, &error));
    for (size_t at = 0; at < SIZE;) {
        size_t piece = at % 70001 + 1 < SIZE - at ? at % 70001 + 1 : SIZE - at;
        ck_assert_ok(obs_writer_write(writer, bytes + at, piece, &error));
        at += piece;
    }
    char *nothing = get_text(store, "s/t");
    ck_assert_ptr_null(nothing);
    ck_assert_ok(obs_writer_commit(&stat, writer, &error));
    ck_assert_uint_eq(stat->size, SIZE);
    obs_stat_free(stat);
    expect(obs_writer_write(writer, "x", 1, &error), OBS_FAILED_PRECONDITION);
    obs_writer_free(writer);
    ck_assert_ok(obs_reader_open(&reader, store, "s/t", OBS_TEXT, NULL, &error));
    /* The reader's object stays although the key gets another one. */
    put_text(store, "s/t", "new");
    ck_assert_uint_eq(obs_reader_stat(reader)->size, SIZE);
    size_t used = 0;
    for (size_t got = 1, step = 1; got; step = step * 3 % 1500007 + 1, used += got)
        ck_assert_ok(obs_reader_read(&got, reader, back + used, step < SIZE - used ? step : SIZE - used, &error));
    ck_assert_uint_eq(used, SIZE);
    ck_assert_int_eq(memcmp(bytes, back, SIZE), 0);
    ck_assert_ok(obs_reader_seek(reader, (1 << 20) - 2, &error));
    ck_assert_ok(obs_reader_read(&used, reader, back, 4, &error));
    ck_assert_uint_eq(used, 4);
    ck_assert_mem_eq(back, bytes + (1 << 20) - 2, 4);
    ck_assert_ok(obs_reader_seek(reader, UINT64_MAX, &error));
    ck_assert_ok(obs_reader_read(&used, reader, back, 4, &error));
    ck_assert_uint_eq(used, 0);
    obs_reader_free(reader);
    free(bytes);
    free(back);
    close_all();
}
END_TEST

START_TEST(a_writer_that_is_dropped_leaves_nothing)
{
    open_on(_i);
    char *bytes = make_bytes(200000, 1);
    obs_writer *writer = NULL;
    ck_assert_ok(obs_writer_open(&writer, store, "w", OBS_TEXT, NULL, &error));
    ck_assert_ok(obs_writer_write(writer, bytes, 200000, &error));
    obs_writer_free(writer);
    char *all = list_text(store, "", NULL, 0);
    ck_assert_str_eq(all, "");
    free(all);
    free(bytes);
    close_all();
}
END_TEST

START_TEST(immutable_objects_are_only_made)
{
    open_on(_i);
    put_text(store, "raw/1", "one");
    expect(obs_store_put(NULL, store, "raw/1", OBS_TEXT, "two", 3, NULL, &error), OBS_ALREADY_EXISTS);
    ck_assert_ptr_nonnull(strstr(error.message, "can be made but not changed"));
    expect(obs_store_delete(store, "raw/1", OBS_TEXT, NULL, &error), OBS_FAILED_PRECONDITION);
    ck_assert_ptr_nonnull(strstr(error.message, "immutable"));
    expect(obs_store_copy(NULL, store, "raw/1", OBS_TEXT, "raw/1", OBS_TEXT, NULL, &error), OBS_ALREADY_EXISTS);
    ck_assert_ok(obs_store_copy(NULL, store, "raw/1", OBS_TEXT, "raw/2", OBS_TEXT, NULL, &error));
    ck_assert_ok(obs_store_copy(NULL, store, "raw/1", OBS_TEXT, "work/1", OBS_TEXT, NULL, &error));
    put_text(store, "work/1", "two");
    close_all();
}
END_TEST

START_TEST(a_copy_has_all_of_its_source)
{
    open_on(_i);
    const obs_pair label = {"night", "one"};
    char *bytes = make_bytes(100000, 3);
    obs_put_options options;
    obs_stat *from = NULL;
    obs_stat *to = NULL;
    obs_put_options_init(&options, sizeof options);
    options.labels = &label;
    options.label_count = 1;
    options.content_type = "x/y";
    ck_assert_ok(obs_store_put(&from, store, "from", OBS_TEXT, bytes, 100000, &options, &error));
    ck_assert_ok(obs_store_copy(&to, store, "from", OBS_TEXT, "deep/to", OBS_TEXT, NULL, &error));
    ck_assert_str_eq(to->sha256, from->sha256);
    ck_assert_str_eq(to->content_type, "x/y");
    ck_assert_str_eq(to->labels[0].value, "one");
    ck_assert_str_ne(to->etag, from->etag);
    expect(obs_store_copy(NULL, store, "none", OBS_TEXT, "deep/to", OBS_TEXT, NULL, &error), OBS_NOT_FOUND);
    obs_change_options change;
    obs_change_options_init(&change, sizeof change);
    change.if_none_match = "*";
    expect(obs_store_copy(NULL, store, "from", OBS_TEXT, "deep/to", OBS_TEXT, &change, &error), OBS_ALREADY_EXISTS);
    obs_stat_free(from);
    obs_stat_free(to);
    free(bytes);
    close_all();
}
END_TEST

START_TEST(listings_are_in_the_order_of_bytes)
{
    static const char *const keys[] = {"a",    "a-b",    "a.b",   "a/b",   "a/b/c", "a/b.c",    "a/c",    "a0",
                                       "b//x", "b/../y", "b/./z", "c/%41", "c/A",   "\xC3\xA9", ".obs/x", "~"};
    open_on(_i);
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        put_text(store, keys[i], keys[i]);
    for (size_t limit = 0; limit < 4; limit++) {
        char *all = list_text(store, "", NULL, limit);
        ck_assert_str_eq(all, ".obs/x a a-b a.b a/b a/b.c a/b/c a/c a0 b/../y b/./z b//x c/%41 c/A ~ \xC3\xA9");
        free(all);
        all = list_text(store, "", "/", limit);
        ck_assert_str_eq(all, ".obs/ a a-b a.b a/ a0 b/ c/ ~ \xC3\xA9");
        free(all);
        all = list_text(store, "a/", "/", limit);
        ck_assert_str_eq(all, "a/b a/b.c a/b/ a/c");
        free(all);
        all = list_text(store, "a/b", NULL, limit);
        ck_assert_str_eq(all, "a/b a/b.c a/b/c");
        free(all);
        all = list_text(store, "b/", "/", limit);
        ck_assert_str_eq(all, "b/../ b/./ b//");
        free(all);
        all = list_text(store, "a", ".", limit);
        ck_assert_str_eq(all, "a a-b a. a/b a/b. a/b/c a/c a0");
        free(all);
        all = list_text(store, "none/", "/", limit);
        ck_assert_str_eq(all, "");
        free(all);
    }
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        char *text = get_text(store, keys[i]);
        ck_assert_str_eq(text, keys[i]);
        free(text);
        ck_assert_ok(obs_store_delete(store, keys[i], OBS_TEXT, NULL, &error));
    }
    char *all = list_text(store, "", NULL, 0);
    ck_assert_str_eq(all, "");
    free(all);
    close_all();
}
END_TEST

START_TEST(a_page_ends_well_at_a_key_with_nul)
{
    open_on(_i);
    ck_assert_ok(obs_store_put(NULL, store,
                               "a\0"
                               "1",
                               3, "x", 1, NULL, &error));
    ck_assert_ok(obs_store_put(NULL, store,
                               "a\0"
                               "2%",
                               4, "x", 1, NULL, &error));
    put_text(store, "b", "x");
    obs_list_options options;
    obs_list_options_init(&options, sizeof options);
    options.limit = 1;
    char after[4096] = "";
    int count = 0;
    do {
        obs_page *page = NULL;
        options.after = after;
        ck_assert_ok(obs_store_list(&page, store, NULL, &options, &error));
        ck_assert_uint_eq(obs_page_count(page), 1);
        strcpy(after, obs_page_next(page));
        count++;
        obs_page_free(page);
    } while (*after);
    ck_assert_int_eq(count, 3);
    close_all();
}
END_TEST

START_TEST(units_see_their_own_changes)
{
    open_on(_i);
    const obs_pair one = {"a", "1"};
    const obs_pair two = {"b", "2"};
    obs__effects effects = {0};
    obs_put_options create;
    obs_stat *stat = NULL;
    obs__scope scope = {.gate = &space->gate, .object = obs__view_of("u/k", OBS_TEXT), .limit = obs__limit_in(-1, NULL)};
    obs_put_options_init(&create, sizeof create);
    create.if_none_match = "*";
    ck_assert_ok(obs__store_stage_put(&effects, store, &scope, "first", 5, &create, &error));
    ck_assert_ok(obs__store_stage_labels(&effects, store, scope.object, &one, 1, &error));
    ck_assert_ok(obs__store_stage_labels(&effects, store, scope.object, &two, 1, &error));
    ck_assert_ok(space_commit(space, &effects));
    ck_assert_ok(obs_store_head(&stat, store, "u/k", OBS_TEXT, NULL, &error));
    ck_assert_uint_eq(stat->label_count, 2);
    ck_assert_int_eq(stat->changed_outside, 0);
    obs_stat_free(stat);
    /* Once more, when the object is in place already; and the last put wins. */
    const obs_pair gone = {"a", ""};
    ck_assert_ok(obs__store_stage_labels(&effects, store, scope.object, &gone, 1, &error));
    ck_assert_ok(obs__store_stage_labels(&effects, store, scope.object, &one, 1, &error));
    ck_assert_ok(space_commit(space, &effects));
    ck_assert_ok(obs_store_head(&stat, store, "u/k", OBS_TEXT, NULL, &error));
    ck_assert_uint_eq(stat->label_count, 2);
    obs_stat_free(stat);
    effects = (obs__effects){0};
    ck_assert_ok(obs__store_stage_delete(&effects, store, &scope, NULL, &error));
    ck_assert_ok(obs__store_stage_put(&effects, store, &scope, "second", 6, &create, &error));
    ck_assert_ok(obs__store_stage_put(&effects, store, &scope, "third", 5, NULL, &error));
    ck_assert_ok(space_commit(space, &effects));
    char *text = get_text(store, "u/k");
    ck_assert_str_eq(text, "third");
    free(text);
    /* All or nothing. */
    effects = (obs__effects){0};
    ck_assert_ok(obs__store_stage_put(&effects, store, &scope, "fourth", 6, NULL, &error));
    ck_assert_ok(obs__store_stage_put(&effects, store, &scope, "fifth", 5, &create, &error));
    expect(space_commit(space, &effects), OBS_ALREADY_EXISTS);
    text = get_text(store, "u/k");
    ck_assert_str_eq(text, "third");
    free(text);
    close_all();
}
END_TEST

START_TEST(the_pipeline_is_told)
{
    open_on(_i);
    put_text(store, "k", "x");
    ck_assert_ok(obs_store_delete(store, "k", OBS_TEXT, NULL, &error));
    ck_assert_uint_eq(atomic_load(&space->recorded), 2);
    ck_assert_uint_eq(atomic_load(&space->entries), _i == 0 ? 1 : 0);
    ck_assert_uint_eq(atomic_load(&space->forgotten), _i == 0 ? 1 : 0);
    ck_assert_int_eq(obs_store_can(store, OBS_STORE_DURABLE), _i == 0);
    ck_assert_int_eq(obs_store_can(store, OBS_STORE_CONDITIONAL), 1);
    close_all();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {a_put_is_read_back,
                                  metadata_labels_and_type_are_kept,
                                  bad_options_are_refused_with_a_reason,
                                  conditions_hold,
                                  ranges_are_right_at_every_edge,
                                  get_into_says_how_much_does_not_fit,
                                  streams_write_and_read,
                                  a_writer_that_is_dropped_leaves_nothing,
                                  immutable_objects_are_only_made,
                                  a_copy_has_all_of_its_source,
                                  listings_are_in_the_order_of_bytes,
                                  a_page_ends_well_at_a_key_with_nul,
                                  units_see_their_own_changes,
                                  the_pipeline_is_told};
    return test_main_times("store", tests, sizeof tests / sizeof tests[0], DRIVERS);
}
