/* Whatever way an object comes in, the catalog has looked into it; what was given wins, and nothing is refused for its bytes.
 */
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/workspace.h"

#define BLOCK 2880
#define CARDS                                                                                                                  \
    "SIMPLE  =                    T                                                  "                                         \
    "BITPIX  =                    8                                                  "                                         \
    "NAXIS   =                    0                                                  "                                         \
    "OBJECT  = 'M 51    '                                                            "                                         \
    "RA      =             202.4696                                                  "                                         \
    "DEC     =              47.1952                                                  "                                         \
    "DATE-OBS= '2026-11-20T21:15:03'                                                 "                                         \
    "END"
#define ON_SKY "cone=202.4696,47.1952,1s during=2026-11-20 object=\"M 51\" format=fits"

static char frame[2 << 20]; /* larger than what is looked at */
static obs_client *client;

static void set_up(void)
{
    memset(frame, ' ', BLOCK);
    memcpy(frame, CARDS, strlen(CARDS));
    client = open_at(new_workspace());
}

static void tear_down(void)
{
    obs_client_close(client);
}

static void put(const char *key, size_t size, const obs_put_options *options)
{
    ck_assert_ok(obs_store_put(NULL, obs_client_store(client), key, OBS_TEXT, frame, size, options, &error));
}

START_TEST(every_way_in)
{
    obs_writer *writer;
    obs_unit *unit;
    char *at = frame;
    put("small", BLOCK, NULL);
    ck_assert_uint_eq(count_entries(client, ON_SKY), 1);
    put("large", sizeof frame, NULL);
    ck_assert_uint_eq(count_entries(client, ON_SKY), 2);
    ck_assert_ok(obs_writer_open(&writer, obs_client_store(client), "stream", OBS_TEXT, NULL, &error));
    for (size_t piece = 1; at < frame + 300000; at += piece, piece = piece < 1000 ? piece + 7 : 100000)
        ck_assert_ok(obs_writer_write(writer, at, piece, &error));
    ck_assert_ok(obs_writer_commit(NULL, writer, &error));
    obs_writer_free(writer);
    ck_assert_uint_eq(count_entries(client, ON_SKY), 3);
    ck_assert_ok(obs_unit_begin(&unit, client, NULL, &error));
    ck_assert_ok(obs_unit_put(unit, "unit", OBS_TEXT, frame, BLOCK, NULL, &error));
    ck_assert_ok(obs_unit_commit(unit, &error));
    obs_unit_free(unit);
    ck_assert_uint_eq(count_entries(client, ON_SKY), 4);
    ck_assert_ok(obs_ingest_file(client, "raw/ingested", OBS_TEXT, frame, BLOCK, NULL, &error));
    ck_assert_uint_eq(count_entries(client, ON_SKY), 5);
    ck_assert_ok(obs_store_copy(NULL, obs_client_store(client), "small", OBS_TEXT, "copy", OBS_TEXT, NULL, &error));
    ck_assert_uint_eq(count_entries(client, ON_SKY), 6);
}
END_TEST

START_TEST(switched_off)
{
    obs_put_options options;
    obs_ingest_options ingest;
    obs_put_options_init(&options, sizeof options);
    obs_ingest_options_init(&ingest, sizeof ingest);
    options.no_index = ingest.no_index = 1;
    put("small", BLOCK, &options);
    put("large", sizeof frame, &options);
    ck_assert_ok(obs_ingest_file(client, "raw/ingested", OBS_TEXT, frame, BLOCK, &ingest, &error));
    ck_assert_uint_eq(count_entries(client, ""), 3);
    ck_assert_uint_eq(count_entries(client, "format=fits"), 0);
    /* Adopting it looks at it again. */
    ck_assert_ok(obs_store_adopt(NULL, obs_client_store(client), "large", OBS_TEXT, NULL, &error));
    ck_assert_uint_eq(count_entries(client, ON_SKY), 1);
}
END_TEST

START_TEST(what_is_given_wins)
{
    obs_put_options options;
    obs_put_options_init(&options, sizeof options);
    options.values = "{ \"object\" : \"NGC 5194\", \"ra\": 10, \"dec\": 20, \"mag\": 8.4 }";
    put("given", BLOCK, &options);
    ck_assert_uint_eq(count_entries(client, "cone=10,20,1s object=\"NGC 5194\" mag=8.4 format=fits mjd>61364"), 1);
    ck_assert_uint_eq(count_entries(client, "object=\"M 51\""), 0);
    options.values = "{}";
    put("given", BLOCK, &options);
    ck_assert_uint_eq(count_entries(client, ON_SKY), 1);
    options.values = "[1]"; /* wrong as ever */
    ck_assert_int_eq(obs_store_put(NULL, obs_client_store(client), "given", OBS_TEXT, frame, BLOCK, &options, &error),
                     OBS_INVALID_ARGUMENT);
    ck_assert_uint_eq(count_entries(client, ON_SKY), 1);
}
END_TEST

START_TEST(bad_bytes_are_stored)
{
    obs_put_options options;
    obs_put_options_init(&options, sizeof options);
    options.content_type = "image/fits";
    put("short", 100, &options);
    put("empty", 0, &options);
    memset(frame + 80, 'x', BLOCK - 80);
    put("broken", BLOCK, &options);
    ck_assert_uint_eq(count_entries(client, "format=fits cone=0,0,180"), 0);
    ck_assert_uint_eq(count_entries(client, "key=short index=these*"), 1);
    ck_assert_uint_eq(count_entries(client, "key=broken index=the*"), 1);
    ck_assert_int_eq(has_object(client, "short") + has_object(client, "empty") + has_object(client, "broken"), 3);
}
END_TEST

/* cfitsio was used before the fork: the child can go on with it. */
START_TEST(a_child_looks_too)
{
#ifdef __SANITIZE_THREAD__
    test_skipped("a forked child that reads", "ThreadSanitizer cannot start a thread after a fork");
    return;
#endif
    put("parent", BLOCK, NULL);
    pid_t child = fork();
    if (child == 0) {
        obs_client *own = open_at(obs_client_workspace(client));
        ck_assert_ok(obs_store_put(NULL, obs_client_store(own), "child", OBS_TEXT, frame, BLOCK, NULL, &error));
        obs_client_close(own);
        _exit(0);
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    ck_assert_uint_eq(count_entries(client, ON_SKY), 2);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {every_way_in, switched_off, what_is_given_wins, bad_bytes_are_stored, a_child_looks_too};
    return test_main_between("index", tests, sizeof tests / sizeof *tests, set_up, tear_down);
}
