/* Every allocation of looking into an observation fails once, those of cfitsio included: either that is said, or what comes out
 * is whole; no crash, nothing leaked. */
#include "faults/failing_malloc.h"
#include "sky/sky_support.h"

#define BLOCK 2880

static char frame[BLOCK];

static void make_frame(void)
{
    static const char *const cards[] = {"SIMPLE  =                    T",     "BITPIX  =                    8",
                                        "NAXIS   =                    0",     "OBJECT  = 'M 51    '",
                                        "RA      =             202.4696",     "DEC     =              47.1952",
                                        "DATE-OBS= '2026-11-20T21:15:03.25'", "END"};
    memset(frame, ' ', sizeof frame);
    for (size_t i = 0; i < sizeof cards / sizeof *cards; i++)
        memcpy(frame + 80 * i, cards[i], strlen(cards[i]));
}

/* 1 when no allocation failed. */
static int try_one(long nth, int and_all_after, obs__view bytes)
{
    obs__builder out;
    const obs__arrival arrival = {bytes, bytes.size, "", {"x", 1}, INT64_C(1795000000000000000)};
    obs__builder_init(&out, (size_t)1 << 20);
    failing_malloc_arm(nth, and_all_after);
    obs__sky_values(&out, &arrival);
    int failed = failing_malloc_disarm();
    if (!out.failed && out.size) {
        json_t *values = json_loads(out.data, JSON_REJECT_DUPLICATES, NULL);
        ck_assert_msg(json_is_object(values), "allocation %ld: %s", nth, out.data);
        json_decref(values);
    }
    ck_assert(failed || !out.failed);
    obs__builder_free(&out);
    return !failed;
}

/* Gives what is left behind in blocks. */
static long sweep(obs__view bytes)
{
    long before = failing_malloc_live();
    for (int and_all_after = 0; and_all_after < 2; and_all_after++)
        for (long nth = 1; !try_one(nth, and_all_after, bytes); nth++)
            ck_assert_int_lt(nth, 10000);
    return failing_malloc_live() - before;
}

static void fail_each(const char *data, size_t size)
{
    obs__view bytes = {data, size};
    sweep(bytes); /* what is loaded once stays */
    sweep(bytes);
    ck_assert_int_eq(sweep(bytes), 0);
}

START_TEST(test_fits)
{
    if (!failing_malloc_arm) {
        test_skipped("failing allocations", "the allocator that fails is not there (not glibc, or a sanitizer has its own)");
        return;
    }
    make_frame();
    fail_each(frame, sizeof frame);
    ck_assert_ptr_nonnull(look(frame, sizeof frame));
    ck_assert_text("object", "M 51");
}
END_TEST

START_TEST(test_texts)
{
    static const char line[] = "     K14A00A  C2014 01 01.26257 05 07 57.27 +15 05 50.7          19.1 R      G96\n";
    static const char report[] = "METAR KJFK 170551Z 36007G15KT 1 1/2SM FEW085 SCT250 11/M07 A2979 RMK AO2";
    if (!failing_malloc_arm) {
        test_skipped("failing allocations", "the allocator that fails is not there (not glibc, or a sanitizer has its own)");
        return;
    }
    fail_each(line, strlen(line));
    fail_each(report, strlen(report));
    ck_assert_ptr_nonnull(look(line, strlen(line)));
    ck_assert_text("object", "2014 AA");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {test_fits, test_texts};
    return test_main("memory of the sky", tests, sizeof tests / sizeof *tests);
}
