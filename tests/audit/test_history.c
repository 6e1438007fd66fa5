/* The history of an anchor: which checkpoints stay when it is thinned, and that it stays small. */
#include "audit/history.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "audit/anchor.h"
#include "audit/note.h"
#include "base/clock.h"
#include "base/error.h"
#include "support.h"

#define SECOND INT64_C(1000000000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define LIMIT ((size_t)64 << 20)

static obs_error error;
static obs__signer *signer;

/* The checkpoint of so many records; the seed makes it one of another log. */
static void sign(obs__builder *out, uint64_t size, unsigned char seed)
{
    obs__tree_hash root = {{seed}};
    obs__builder text;
    obs__builder_init(out, OBS__NOTE_MAX);
    obs__builder_init(&text, OBS__NOTE_MAX);
    obs__checkpoint_add(&text, "night.example/audit", size, &root);
    ck_assert_ok(obs__note_sign(out, (obs__view){text.data, text.size}, signer, 0, &error));
    obs__builder_free(&text);
}

static void add(obs__builder *history, uint64_t size, unsigned char seed, int64_t time)
{
    obs__builder note;
    sign(&note, size, seed);
    obs__history_add(history, (obs__view){note.data, note.size}, time);
    obs__builder_free(&note);
}

static void thin(obs__builder *history, int64_t now)
{
    obs__builder thinned;
    obs__builder_init(&thinned, LIMIT);
    ck_assert_ok(obs__history_thin(&thinned, (obs__view){history->data, history->size}, now, &error));
    ck_assert_uint_le(thinned.size, history->size + 32);
    obs__builder_free(history);
    *history = thinned;
}

/* The sizes of the checkpoints in a history and their times; returns how many lines hold one. */
static size_t read_all(uint64_t *sizes, int64_t *times, size_t most, obs__view history)
{
    size_t count = 0;
    char *room = malloc(history.size + 1);
    for (const char *end; (end = memchr(history.data, '\n', history.size)) != NULL;) {
        obs__view line = {history.data, (size_t)(end - history.data)}, bytes;
        obs__note note;
        obs__checkpoint checkpoint;
        int64_t time;
        history = (obs__view){end + 1, history.size - line.size - 1};
        if (!obs__history_read(&bytes, &time, room, line) || obs__note_read(&note, bytes, NULL) != OBS_OK)
            continue;
        ck_assert_ok(obs__checkpoint_read(&checkpoint, note.text, &error));
        ck_assert_uint_lt(count, most);
        sizes[count] = checkpoint.size;
        times[count++] = time;
    }
    free(room);
    return count;
}

START_TEST(of_each_time_so_much_stays)
{
    static uint64_t sizes[400];
    static int64_t times[400];
    obs__builder history;
    int64_t now = 20000 * DAY + 12 * HOUR + 30 * MINUTE, begin = now - 4 * DAY;
    obs__builder_init(&history, LIMIT);
    for (int64_t i = 0; begin + i * MINUTE <= now; i++)
        add(&history, (uint64_t)i, 0, begin + i * MINUTE);
    thin(&history, now);
    size_t count = read_all(sizes, times, 400, (obs__view){history.data, history.size});
    size_t young = 0, today = 0, old = 0;
    for (size_t i = 0; i < count; i++) {
        int64_t age = now - times[i];
        ck_assert_int_eq(times[i], begin + (int64_t)sizes[i] * MINUTE);
        ck_assert(!i || sizes[i] > sizes[i - 1]);
        young += age < HOUR;
        today += age >= HOUR && age < DAY;
        old += age >= DAY;
        /* The last one of its hour or day. */
        if (age >= DAY + HOUR)
            ck_assert(times[i] % DAY == DAY - MINUTE || age < DAY + 2 * MINUTE);
    }
    ck_assert_uint_eq(young, 60);
    ck_assert_uint_ge(today, 23);
    ck_assert_uint_le(today, 25);
    ck_assert_uint_ge(old, 4);
    ck_assert_uint_le(old, 5);
    ck_assert_uint_eq(sizes[count - 1], 4 * 24 * 60);
    /* Once more changes nothing but what grew older. */
    obs__builder again;
    obs__builder_init(&again, LIMIT);
    ck_assert_ok(obs__history_thin(&again, (obs__view){history.data, history.size}, now, &error));
    ck_assert_uint_eq(again.size, history.size);
    ck_assert_int_eq(memcmp(again.data + 20, history.data + 20, again.size - 20), 0);
    obs__builder_free(&again);
    thin(&history, now + 30 * DAY);
    ck_assert_uint_eq(read_all(sizes, times, 400, (obs__view){history.data, history.size}), 5);
    ck_assert_uint_eq(sizes[4], 4 * 24 * 60);
    obs__builder_free(&history);
}
END_TEST

START_TEST(a_busy_log_keeps_one_for_ten_seconds)
{
    static uint64_t sizes[400];
    static int64_t times[400];
    obs__builder history;
    int64_t now = 20000 * DAY;
    obs__builder_init(&history, LIMIT);
    for (int64_t i = 0; i < 1000; i++)
        add(&history, 1000 * (uint64_t)i, 0, now - 100 * SECOND + i * SECOND / 10);
    thin(&history, now);
    ck_assert_uint_eq(read_all(sizes, times, 400, (obs__view){history.data, history.size}), 10);
    ck_assert_uint_eq(sizes[0], 99000);
    ck_assert_uint_eq(sizes[9], 999000);
    obs__builder_free(&history);
}
END_TEST

/* What the verifier has to see is not thinned away; what nobody could read is. */
START_TEST(evidence_stays)
{
    static uint64_t sizes[16];
    static int64_t times[16];
    obs__builder history;
    int64_t old = 20000 * DAY, now = old + 10 * DAY;
    obs__builder_init(&history, LIMIT);
    add(&history, 10, 0, old);
    add(&history, 20, 0, old + SECOND);     /* stays: what follows goes back */
    add(&history, 15, 0, old + 2 * SECOND); /* goes: the same is said again */
    add(&history, 15, 0, old + 3 * SECOND); /* stays: another log of that size follows */
    add(&history, 15, 7, old + 4 * SECOND); /* stays: a line that is no checkpoint follows */
    obs__add_text(&history, "bm8gY2hlY2twb2ludA== 2024-10-04T00:00:05.000000Z\n");
    add(&history, 30, 0, old + 6 * SECOND);
    obs__add_text(&history, "bm8gY2hlY2t"); /* torn, and closed by the next writer */
    obs__add_char(&history, '\n');
    add(&history, 40, 0, old + 7 * SECOND);
    obs__add_text(&history, "bm8gY2hl"); /* torn just now */
    thin(&history, now);
    ck_assert_uint_eq(read_all(sizes, times, 16, (obs__view){history.data, history.size}), 4);
    ck_assert(sizes[0] == 20 && sizes[1] == 15 && sizes[2] == 15 && sizes[3] == 40);
    ck_assert_ptr_nonnull(strstr(history.data, "\nbm8gY2hlY2twb2ludA== 2024-10-04T00:00:05.000000Z\n"));
    ck_assert_ptr_null(strstr(history.data, "bm8gY2hlY2t\n"));
    ck_assert_int_eq(history.data[history.size - 1], '\n');
    obs__builder_free(&history);
}
END_TEST

static obs_status count_told(void *user, obs__view checkpoint, obs_error *why)
{
    (void)checkpoint;
    (void)why;
    ++*(size_t *)user;
    return OBS_OK;
}

static size_t size_of(const char *path)
{
    struct stat found;
    ck_assert_int_eq(stat(path, &found), 0);
    return (size_t)found.st_size;
}

static void tell(obs__anchor *anchor, uint64_t size)
{
    obs__builder note;
    sign(&note, size, 0);
    ck_assert_ok(anchor->ops->write(anchor, (obs__view){note.data, note.size}, &error));
    obs__builder_free(&note);
}

/* Old checkpoints, a quarter of a megabyte of them. */
static uint64_t write_old(const char *path)
{
    obs__builder history;
    uint64_t count = 0;
    obs__builder_init(&history, LIMIT);
    for (; history.size < 256 * 1024; count++)
        add(&history, count, 0, 20000 * DAY + (int64_t)count * 10 * SECOND);
    test_write(path, history.data, history.size);
    obs__builder_free(&history);
    return count;
}

START_TEST(the_file_stays_small)
{
    obs__anchor *anchor;
    obs_buffer *last;
    size_t told = 0;
    const char *folder = test_folder(), *path = test_path(folder, "history");
    uint64_t count = write_old(path);
    ck_assert_ok(obs__anchor_folder(&anchor, folder, &error));
    tell(anchor, count);
    size_t thinned = size_of(path);
    ck_assert_uint_lt(thinned, 2048);
    ck_assert_ok(anchor->ops->each(anchor, count_told, &told, &error));
    ck_assert_uint_eq(told, 3); /* of the day, of now, and `last` */
    /* It only grows until there is again as much. */
    tell(anchor, count + 1);
    ck_assert_uint_gt(size_of(path), thinned);
    ck_assert_ok(anchor->ops->read_last(&last, anchor, &error));
    ck_assert_ptr_nonnull(last);
    obs_buffer_free(last);
    obs__anchor_free(anchor);
}
END_TEST

START_TEST(it_is_thinned_when_it_has_grown_enough)
{
    static const char thinned[] = "thinned 0000100000\n";
    ck_assert_int_eq(obs__history_is_long(262144, (obs__view){"abc", 3}), 0);
    ck_assert_int_eq(obs__history_is_long(262145, (obs__view){"abc", 3}), 1);
    ck_assert_int_eq(obs__history_is_long(362144, (obs__view){thinned, sizeof thinned - 1}), 0);
    ck_assert_int_eq(obs__history_is_long(362145, (obs__view){thinned, sizeof thinned - 1}), 1);
    ck_assert_int_eq(obs__history_is_long(50, (obs__view){thinned, sizeof thinned - 1}), 0);
}
END_TEST

/* A writer that is killed leaves a history that was not begun to be thinned, or one that was thinned, and never less than
 * `last`. */
START_TEST(a_killed_writer_leaves_it_whole)
{
    static uint64_t sizes[2000];
    static int64_t times[2000];
    const char *folder = test_folder(), *path = test_path(folder, "history");
    uint64_t count = write_old(path);
    size_t whole, thinned = 0;
    char *old = test_read(path, &whole);
    for (unsigned i = 0; i < 40; i++) {
        size_t size;
        test_write(path, old, whole);
        pid_t child = fork();
        if (child == 0) {
            obs__anchor *anchor;
            if (obs__anchor_folder(&anchor, folder, &error) == OBS_OK)
                tell(anchor, count + i);
            _exit(0);
        }
        usleep(i * 100);
        kill(child, SIGKILL);
        ck_assert_int_eq(waitpid(child, NULL, 0), child);
        char *history = test_read(path, &size);
        size_t lines = read_all(sizes, times, 2000, (obs__view){history, size});
        ck_assert_msg(lines == count || lines == count + 1 || lines == 2, "%zu lines", lines);
        ck_assert(sizes[lines - 1] == count + i || (lines == count && sizes[lines - 1] == count - 1));
        thinned += lines == 2;
        free(history);
    }
    printf("%zu of 40 writers were killed after they had thinned\n", thinned);
    free(old);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        of_each_time_so_much_stays, a_busy_log_keeps_one_for_ten_seconds,   evidence_stays,
        the_file_stays_small,       it_is_thinned_when_it_has_grown_enough, a_killed_writer_leaves_it_whole};
    obs_error_init(&error, sizeof error);
    if (obs__signer_new(&signer, "night.example/audit", OBS__KEY_LOG, &error) != OBS_OK)
        return 1;
    int code = test_main("history", tests, sizeof tests / sizeof tests[0]);
    obs__signer_free(signer);
    return code;
}
