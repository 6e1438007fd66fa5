/* miniSEED: records of both versions and both byte orders, several channels, control headers, and broken ones. */
#include "sky_support.h"

static char file[1 << 16];
static size_t size;

static void put16(size_t at, unsigned number, int little)
{
    file[at + (size_t)!little] = (char)number;
    file[at + (size_t)little] = (char)(number >> 8);
}

static void put32(size_t at, uint32_t number, int little)
{
    put16(at, little ? number & 0xFFFF : number >> 16, little);
    put16(at + 2, little ? number >> 16 : number & 0xFFFF, little);
}

/* A record of 512 bytes: 2026, day 324 (November 20), 21:15:03.2500 plus `late` minutes. */
static void add_record(const char *names, unsigned late, unsigned samples, int rate, int multiplier, int little, int with_size)
{
    size_t at = size;
    memset(file + at, 0, 512);
    memcpy(file + at, "000001D ", 8);
    memcpy(file + at + 8, names, 12); /* station (5), location (2), channel (3), network (2) */
    put16(at + 20, 2026, little);
    put16(at + 22, 324, little);
    file[at + 24] = 21;
    file[at + 25] = (char)(15 + late);
    file[at + 26] = 3;
    put16(at + 28, 2500, little);
    put16(at + 30, samples, little);
    put16(at + 32, (unsigned)rate & 0xFFFF, little);
    put16(at + 34, (unsigned)multiplier & 0xFFFF, little);
    put16(at + 44, 64, little);
    put16(at + 46, with_size ? 48 : 0, little);
    put16(at + 48, 1000, little);
    file[at + 54] = 9;
    size += 512;
}

START_TEST(test_one)
{
    for (int little = 0; little < 2; little++) {
        size = 0;
        add_record("WLF  00BHZGE", 0, 101, 20, 1, little, 1);
        ck_assert_ptr_nonnull(look(file, size));
        ck_assert_text("format", "mseed");
        ck_assert_text("network", "GE");
        ck_assert_text("station", "WLF");
        ck_assert_text("location", "00");
        ck_assert_text("channel", "BHZ");
        ck_assert_text("start", "2026-11-20T21:15:03.250000Z");
        ck_assert_text("end", "2026-11-20T21:15:08.250000Z");
        ck_assert_number("mjd", 61364.885454282, 1e-9);
        ck_assert_number("rate", 20, 0);
        ck_assert_number("samples", 101, 0);
        ck_assert_number("records", 1, 0);
        ck_assert_none("index");
    }
}
END_TEST

START_TEST(test_many)
{
    size = 0;
    add_record("WLF    BHZGE", 1, 101, -10, -2, 0, 1); /* a sample in 20 seconds */
    add_record("WLF    BHEGE", 0, 1, -10, -2, 0, 1);
    ck_assert_ptr_nonnull(look(file, size));
    ck_assert_text("channel", "BHZ BHE");
    ck_assert_none("location");
    ck_assert_text("start", "2026-11-20T21:15:03.250000Z");
    ck_assert_text("end", "2026-11-20T21:49:23.250000Z");
    ck_assert_number("rate", 0.05, 1e-12);
    ck_assert_number("samples", 102, 0);
    ck_assert_number("records", 2, 0);
    /* Without blockette 1000 the next record shows how long this one is. */
    size = 0;
    add_record("WLF    BHZGE", 0, 10, 1, 1, 0, 0);
    add_record("WLF    BHZGE", 1, 10, 2, 1, 0, 0);
    ck_assert_ptr_nonnull(look(file, size));
    ck_assert_number("records", 2, 0);
    ck_assert_none("rate"); /* they differ */
    /* Blockettes 1001 and 100, and a correction of the time that was not made yet. */
    size = 0;
    add_record("WLF    BHZGE", 0, 3, 1, 1, 0, 1);
    put16(50, 56, 0);
    put16(56, 1001, 0);
    put16(58, 64, 0);
    file[61] = 7;
    put16(64, 100, 0);
    put32(68, 0x3F000000, 0); /* 0.5 */
    put32(40, (uint32_t)-5000, 0);
    ck_assert_ptr_nonnull(look(file, size));
    ck_assert_text("start", "2026-11-20T21:15:02.750007Z");
    ck_assert_text("end", "2026-11-20T21:15:06.750007Z");
    file[36] = 2;
    ck_assert_ptr_nonnull(look(file, size));
    ck_assert_text("start", "2026-11-20T21:15:03.250007Z");
}
END_TEST

START_TEST(test_version_3)
{
    static const char source[] = "FDSN:GE_WLF_00_B_H_Z";
    double rate = -20; /* a period */
    memset(file, 0, 512);
    memcpy(file, "MS\003", 3);
    put32(4, 250000000, 1);
    put16(8, 2026, 1);
    put16(10, 324, 1);
    file[12] = 21, file[13] = 15, file[14] = 3;
    memcpy(file + 16, &rate, sizeof rate);
    put32(24, 4, 1);
    file[33] = sizeof source - 1;
    put32(36, 16, 1);
    memcpy(file + 40, source, sizeof source - 1);
    size = 40 + sizeof source - 1 + 16;
    memcpy(file + size, file, size);
    size *= 2;
    ck_assert_ptr_nonnull(look(file, size));
    ck_assert_text("network", "GE");
    ck_assert_text("station", "WLF");
    ck_assert_text("location", "00");
    ck_assert_text("channel", "BHZ");
    ck_assert_text("end", "2026-11-20T21:16:03.250000Z");
    ck_assert_number("records", 2, 0);
    ck_assert_number("rate", 0.05, 1e-12);
}
END_TEST

START_TEST(test_broken)
{
    size = 0;
    add_record("WLF    BHZGE", 0, 10, 1, 1, 0, 1);
    ck_assert_ptr_null(look(file, 47));
    ck_assert_ptr_nonnull(look(file, 48)); /* the record is cut off, its header is not */
    memset(file + size, 'x', 512);
    ck_assert_ptr_nonnull(look(file, size + 512));
    ck_assert_number("records", 1, 0);
    ck_assert_text("index", "there is no record of miniSEED at byte 512");
    ck_assert_ptr_nonnull(look_at(file, size + 512, 1 << 20, "", "x", 0)); /* the beginning of a larger file */
    ck_assert_ptr_nonnull(json_object_get(found, "records"));
    put16(22, 367, 0);
    ck_assert_ptr_nonnull(look(file, 512));
    ck_assert_text("index", "there is no record of miniSEED at byte 0");
    /* A chain of blockettes that leads back, and one that leads out. */
    size = 0;
    add_record("WLF    BHZGE", 0, 10, 1, 1, 0, 1);
    put16(50, 48, 0);
    ck_assert_ptr_nonnull(look(file, 512));
    put16(50, 65535, 0);
    ck_assert_ptr_nonnull(look(file, 512));
    unsigned seed = 20261121;
    for (int round = 0; round < test_times(2000); round++) {
        size = 0;
        add_record("WLF  00BHZGE", 0, 10, 1, 1, round & 1, round & 2);
        add_record("WLF  00BHZGE", 1, 10, 1, 1, round & 1, round & 2);
        for (int i = 0; i < 8; i++) {
            seed = seed * 1664525 + 1013904223;
            file[8 + (seed >> 8) % (size - 8)] = (char)(seed >> 3);
        }
        look(file, round % 3 ? size : 48 + seed % (size - 48));
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {test_one, test_many, test_version_3, test_broken};
    return test_main("mseed", tests, sizeof tests / sizeof *tests);
}
