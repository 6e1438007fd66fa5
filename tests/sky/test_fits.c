/* FITS headers: keywords, times, places in all the ways they are written, more parts, and files that are broken. */
#include <unistd.h>

#include "sky_support.h"

#define BLOCK 2880

static char file[16 * BLOCK];
static size_t size;

/* Appends a header of cards, which are separated by '|', and `data` blocks of zeros. */
static void add_part(const char *cards, size_t data)
{
    size_t start = size;
    while (*cards) {
        size_t length = strcspn(cards, "|");
        memset(file + size, ' ', 80);
        memcpy(file + size, cards, length < 80 ? length : 80);
        size += 80;
        cards += length + (cards[length] == '|');
    }
    memset(file + size, ' ', BLOCK);
    memcpy(file + size, "END", 3);
    size += 80;
    size = start + (size - start + BLOCK - 1) / BLOCK * BLOCK;
    memset(file + size, 0, data * BLOCK);
    size += data * BLOCK;
}

#define PRIMARY "SIMPLE  =                    T|BITPIX  =                    8|NAXIS   =                    0|"
#define PICTURE                                                                                                                \
    "SIMPLE  =                    T|BITPIX  =                   16|NAXIS   =                    2|"                            \
    "NAXIS1  =                   10|NAXIS2  =                   20|"

static void one(const char *cards)
{
    size = 0;
    add_part(cards, 1);
    ck_assert_ptr_nonnull(look(file, size));
    ck_assert_text("format", "fits");
    ck_assert_none("index");
}

START_TEST(test_keywords)
{
    one(PICTURE "OBJECT  = 'M 51    '|FILTER  = 'O''III'|INSTRUME= 'CCD'|TELESCOP= 'T1'|EXPTIME =                 30.5|"
                "DATE-OBS= '2026-11-20T21:15:03.25'|AIRMASS =               1.25D0|RA      =          202.4696|DEC     =       "
                "    47.1952");
    ck_assert_text("object", "M 51");
    ck_assert_text("filter", "O'III");
    ck_assert_text("instrument", "CCD");
    ck_assert_text("telescope", "T1");
    ck_assert_number("exposure", 30.5, 0);
    ck_assert_number("airmass", 1.25, 0);
    ck_assert_number("naxis", 2, 0);
    ck_assert_number("naxis1", 10, 0);
    ck_assert_number("naxis2", 20, 0);
    ck_assert_number("bitpix", 16, 0);
    ck_assert_number("hdus", 1, 0);
    ck_assert_text("start", "2026-11-20T21:15:03.250000Z");
    ck_assert_text("end", "2026-11-20T21:15:33.750000Z");
    ck_assert_number("mjd", 61364.885454282, 1e-9);
    ck_assert_number("mjd_end", 61364.885807292, 1e-9);
    ck_assert_number("ra", 202.4696, 1e-9);
    ck_assert_number("dec", 47.1952, 1e-9);
}
END_TEST

START_TEST(test_dates)
{
    one(PRIMARY "DATE-OBS= '20/11/98'|TIME-OBS= '21:15:03'");
    ck_assert_text("start", "1998-11-20T21:15:03.000000Z");
    one(PRIMARY "DATE-OBS= '2026-11-20'|UT      = '01:02:03.5'|EXPOSURE=     60");
    ck_assert_text("end", "2026-11-20T01:03:03.500000Z");
    one(PRIMARY "MJD-OBS =        61364.25");
    ck_assert_text("start", "2026-11-20T06:00:00.000000Z");
    one(PRIMARY "DATE-OBS= '2026-11-20T23:59:59'|DATE-END= '2026-11-21T00:00:10'|EXPTIME =  1");
    ck_assert_text("end", "2026-11-21T00:00:10.000000Z");
    one(PRIMARY "DATE-OBS= '2026-11-20T23:59:59'|DATE-END= '2020-01-01'|EXPTIME =  1");
    ck_assert_text("end", "2026-11-21T00:00:00.000000Z");
    static const char *const wrong[] = {"2026-02-30", "2026-13-01", "0000-00-00", "soon",
                                        "",           "20261120",   "99/99/99",   "9999-01-01"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char cards[512];
        snprintf(cards, sizeof cards, PRIMARY "DATE-OBS= '%s'", wrong[i]);
        one(cards);
        ck_assert_none("start");
        ck_assert_none("mjd");
    }
}
END_TEST

START_TEST(test_places)
{
    one(PRIMARY "OBJCTRA = '13 29 52.7'|OBJCTDEC= '-00 11 43'");
    ck_assert_number("ra", 202.469583333, 1e-9);
    ck_assert_number("dec", -0.195277778, 1e-9);
    one(PRIMARY "RA      = '13:29:52.7'|DEC     = '+47:11:43'");
    ck_assert_number("dec", 47.195277778, 1e-9);
    one(PRIMARY "RA      = '202.47  '|DEC     = '47.2    '"); /* a number in quotes is degrees */
    ck_assert_number("ra", 202.47, 1e-9);
    one(PRIMARY "RA      = 'unknown'|DEC     = '47.2    '|OBJCTRA = '1 0 0'|OBJCTDEC= '2 0 0'");
    ck_assert_number("ra", 15, 1e-9);
    one(PRIMARY "RA      =  400.0|DEC     =  10.0");
    ck_assert_none("ra");
    one(PRIMARY "RA      =  10.0|DEC     =  -91.0");
    ck_assert_none("ra");
    ck_assert_none("dec");
}
END_TEST

/* What astropy 8.0 gives: SkyCoord(..., frame=FK4 or FK5).icrs; it knows some hundredths of an arcsecond better. */
START_TEST(test_frames)
{
    one(PRIMARY "RA      = '16 39 54'|DEC     = '+36 33 00'|EQUINOX =  1950.0");
    ck_assert_number("ra", 250.421917373, 1e-4);
    ck_assert_number("dec", 36.455717716, 1e-4);
    one(PRIMARY "RA      =  250.0|DEC     =  36.5|RADECSYS= 'FK4'");
    ck_assert_number("ra", 250.447314777, 1e-4);
    ck_assert_number("dec", 36.405853734, 1e-4);
    one(PRIMARY "RA      =  250.0|DEC     =  36.5|EQUINOX =  2026.5|RADESYS = 'FK5'");
    ck_assert_number("ra", 249.763058803, 2e-5);
    ck_assert_number("dec", 36.550736059, 2e-5);
    one(PRIMARY "RA      =  250.0|DEC     =  36.5|EPOCH   =  1975.0");
    ck_assert_number("ra", 250.223494422, 2e-5);
    ck_assert_number("dec", 36.452647620, 2e-5);
    one(PRIMARY "RA      =  250.0|DEC     =  36.5|EQUINOX =  2000.0|RADESYS = 'FK5'");
    ck_assert_number("ra", 250, 0);
    one(PRIMARY "RA      =  250.0|DEC     =  36.5|EQUINOX =  1950.0|RADESYS = 'ICRS'");
    ck_assert_number("ra", 250, 0);
}
END_TEST

START_TEST(test_pictures)
{
    one(PICTURE "CTYPE1  = 'RA---TAN'|CTYPE2  = 'DEC--TAN'|CRVAL1  =   202.47|CRVAL2  =    47.2|CRPIX1  =  5.5|CRPIX2  =  10.5|"
                "CDELT1  =    -0.1|CDELT2  =     0.1");
    ck_assert_number("ra", 202.47, 1e-9);
    ck_assert_number("dec", 47.2, 1e-9);
    /* The middle is far from the reference, and the picture turned: WCS(...).pixel_to_world() of astropy 8.0. */
    one(PICTURE
        "CTYPE1  = 'RA---TAN'|CTYPE2  = 'DEC--TAN'|CRVAL1  =   202.47|CRVAL2  =    47.2|CRPIX1  = -100.|CRPIX2  =  300.|"
        "CDELT1  =    -.01|CDELT2  =     .01|CROTA2  =     30.");
    ck_assert_number("ra", 203.213158938, 1e-8);
    ck_assert_number("dec", 44.165780477, 1e-8);
    one(PICTURE "CTYPE1  = 'DEC--SIN'|CTYPE2  = 'RA---SIN'|CRVAL1  =    47.2|CRVAL2  =  -157.53");
    ck_assert_number("ra", 202.47, 1e-9);
    ck_assert_number("dec", 47.2, 1e-9);
    one(PICTURE "CTYPE1  = 'GLON-TAN'|CTYPE2  = 'GLAT-TAN'|CRVAL1  =   202.47|CRVAL2  =    47.2");
    ck_assert_none("ra");
}
END_TEST

#define TABLE                                                                                                                  \
    "XTENSION= 'IMAGE   '|BITPIX  =                    8|NAXIS   =                    2|NAXIS1  =                 2880|"       \
    "NAXIS2  =                    1|PCOUNT  =                    0|GCOUNT  =                    1|"

START_TEST(test_parts)
{
    size = 0;
    add_part(PRIMARY "OBJECT  = 'first'|EXTEND  =                    T", 0);
    add_part(TABLE "OBJECT  = 'second'|FILTER  = 'V'|RA      =  10.0|DEC     =  20.0", 1);
    add_part(TABLE "FILTER  = 'B'|RA      =  11.0|DEC     =  21.0|DATE-OBS= '2026-11-20'", 1);
    ck_assert_ptr_nonnull(look(file, size));
    ck_assert_number("hdus", 3, 0);
    ck_assert_text("object", "first");
    ck_assert_text("filter", "V");
    ck_assert_number("ra", 10, 0);
    ck_assert_number("naxis1", 2880, 0);
    ck_assert_text("start", "2026-11-20T00:00:00.000000Z");
    /* Only the beginning of a larger file: what is there counts, and nobody says how many parts there are. */
    ck_assert_ptr_nonnull(look_at(file, 2 * (size_t)BLOCK, 1 << 30, "image/fits", "x", 0));
    ck_assert_text("filter", "V");
    ck_assert_none("hdus");
    ck_assert_none("start");
}
END_TEST

START_TEST(test_broken)
{
    size = 0;
    add_part(PICTURE "OBJECT  = 'M 51'", 1);
    ck_assert_ptr_null(look(file, 2879));
    ck_assert_ptr_nonnull(look_at(file, 100, 100, "image/fits", "x", 0));
    ck_assert_text("index", "these bytes are no fits, although the media type says so");
    ck_assert_ptr_nonnull(look_at("", 0, 0, "image/fits", "x", 0));
    ck_assert_text("format", "fits");
    ck_assert_ptr_null(look_at(file, size, size, "image/png", "x", 0));
    memset(file + 80, ' ', BLOCK - 80); /* no END, no BITPIX */
    ck_assert_ptr_nonnull(look(file, BLOCK));
    ck_assert_text("format", "fits");
    ck_assert_ptr_nonnull(json_object_get(found, "index"));
    /* Every byte wrong once in a while, every length: values or a reason, never more. */
    unsigned seed = 20261121;
    for (int round = 0; round < test_times(300); round++) {
        size = 0;
        add_part(PICTURE "OBJECT  = 'M 51'|RA      =  10.0|DEC     =  20.0|DATE-OBS= '2026-11-20'", 1);
        add_part(TABLE "FILTER  = 'V'", 1);
        for (int i = 0; i < 20; i++) {
            seed = seed * 1664525 + 1013904223;
            file[9 + (seed >> 8) % (size - 9)] = (char)(i % 2 ? seed : '0' + seed % 75);
        }
        look(file, round % 3 ? size : BLOCK + seed % (size - BLOCK));
    }
}
END_TEST

/* Its extended file names begin with what files, addresses and programs are called; nothing here is ever taken for one. */
START_TEST(test_no_files)
{
    char folder[4096];
    ck_assert_ptr_nonnull(getcwd(folder, sizeof folder));
    ck_assert_int_eq(chdir(test_folder()), 0);
    size = 0;
    add_part(PICTURE "OBJECT  = 'wrong'", 1);
    test_write("observation", file, size);
    size = 0;
    add_part(PICTURE "OBJECT  = 'right'", 1);
    ck_assert_ptr_nonnull(look_at(file, size, size, "image/fits", "observation", 0));
    ck_assert_text("object", "right");
    ck_assert_ptr_nonnull(look_at(file, size, size, "image/fits", "http://127.0.0.1:1/x.fits[1][col a]", 0));
    ck_assert_text("object", "right");
    ck_assert_int_eq(chdir(folder), 0);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {test_keywords, test_dates, test_places, test_frames,
                                  test_pictures, test_parts, test_broken, test_no_files};
    return test_main("fits", tests, sizeof tests / sizeof *tests);
}
