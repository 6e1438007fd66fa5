/* The 80 columns of the Minor Planet Center and METAR: what is found, and what is left alone. */
#include "sky_support.h"

/* An observation: the columns that are read. */
static void add_line(char *out, const char *name, const char *date, const char *ra, const char *dec, const char *mag,
                     const char *code)
{
    sprintf(out + strlen(out), "%-12s  C%-17s%-12s%-12s         %-6s      %3s\n", name, date, ra, dec, mag, code);
}

static void look_text(const char *text)
{
    look(text, strlen(text));
}

START_TEST(test_one_observation)
{
    char text[256] = "";
    add_line(text, "     K14A00A", "2014 01 01.26257", "05 07 57.27", "+15 05 50.7", "19.1 R", "G96");
    ck_assert_uint_eq(strlen(text), 81);
    look_text(text);
    ck_assert_text("format", "obs80");
    ck_assert_text("object", "2014 AA");
    ck_assert_text("observatory", "G96");
    ck_assert_text("start", "2014-01-01T06:18:06.048000Z");
    ck_assert_text("end", "2014-01-01T06:18:06.048000Z");
    ck_assert_number("ra", 76.988625, 1e-9);
    ck_assert_number("dec", 15.097416667, 1e-9);
    ck_assert_number("mag", 19.1, 0);
    ck_assert_text("band", "R");
    ck_assert_number("count", 1, 0);
    ck_assert_none("radius");
    ck_assert_none("other_lines");
}
END_TEST

START_TEST(test_designations)
{
    static const struct name {
        const char *packed, *unpacked;
    } names[] = {{"00433", "433"},
                 {"A0345", "100345"},
                 {"z9999", "619999"},
                 {"~0000", "620000"},
                 {"~AZaz", "3140113"},
                 {"0073P", "73P"},
                 {"     J95X01L", "1995 XL1"},
                 {"     K07Tf8A", "2007 TA418"},
                 {"     PLS2040", "2040 P-L"},
                 {"     T1S3138", "3138 T-1"},
                 {"     N009ags", "N009ags"},
                 {"     K1", "K1"}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char text[256] = "";
        add_line(text, names[i].packed, "2014 01 01.5", "05 07 57.27", "+15 05 50.7", "", "G96");
        look_text(text);
        ck_assert_text("object", names[i].unpacked);
        ck_assert_none("mag");
    }
}
END_TEST

START_TEST(test_many_observations)
{
    char text[4096] = "COD G96\nOBS A. Observer\n";
    add_line(text, "00433", "2014 01 02.5", "00 00 04.00", "+00 00 00.0", "12.5 V", "G96");
    add_line(text, "00433", "2014 01 01.5", "23 59 56.00", "+00 00 00.0", "11.5 V", "703");
    sprintf(text + strlen(text), "%-14ss%-62s703\n", "00433", "2014 01 01.50000 1 - 3484.5127 - 5749.6261 - 1405.6769");
    look_text(text);
    ck_assert_number("count", 2, 0);
    ck_assert_number("other_lines", 3, 0);
    ck_assert_text("object", "433");
    ck_assert_text("observatory", "G96 703");
    ck_assert_text("start", "2014-01-01T12:00:00.000000Z");
    ck_assert_text("end", "2014-01-02T12:00:00.000000Z");
    ck_assert_msg(number_of("ra") < 1e-6 || number_of("ra") > 360 - 1e-6, "%g", number_of("ra"));
    ck_assert_number("dec", 0, 1e-9);
    ck_assert_number("radius", 4 / 240.0, 1e-6);
    ck_assert_number("mag_min", 11.5, 0);
    ck_assert_number("mag_max", 12.5, 0);
    /* The beginning of a larger file: the last line is not whole. */
    ck_assert_ptr_nonnull(look_at(text, strlen(text) - 90, 1 << 20, "text/plain", "x", 0));
    ck_assert_number("count", 1, 0);
}
END_TEST

START_TEST(test_not_observations)
{
    char text[256] = "";
    static const char *const wrong[][3] = {
        {"2014 13 01.5", "05 07 57.27", "+15 05 50.7"}, {"2014 01 01x5", "05 07 57.27", "+15 05 50.7"},
        {"2014 01 01.5", "25 07 57.27", "+15 05 50.7"}, {"2014 01 01.5", "05 67 57.27", "+15 05 50.7"},
        {"2014 01 01.5", "05 07 57.27", "+95 05 50.7"}, {"", "05 07 57.27", "+15 05 50.7"}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        *text = '\0';
        add_line(text, "00433", wrong[i][0], wrong[i][1], wrong[i][2], "", "G96");
        ck_assert_ptr_null(look(text, strlen(text)));
    }
    *text = '\0';
    add_line(text, "00433", "2014 01 01.5", "05 07 57.27", "+15 05 50.7", "", "G96");
    ck_assert_ptr_null(look_at(text, strlen(text), strlen(text), "text/html", "x", 0));
    ck_assert_ptr_null(look_at(text, strlen(text), strlen(text), "application/json; charset=utf-8", "x", 0));
    ck_assert_ptr_nonnull(look_at(text, strlen(text), strlen(text), "Text/Plain; charset=us-ascii", "x", 0));
    ck_assert_ptr_null(look("", 0));
    ck_assert_ptr_null(look("hello, world\n", 13));
}
END_TEST

/* With the date from which the month is known. */
static void look_report(const char *text, const char *key)
{
    ck_assert_ptr_nonnull(look_at(text, strlen(text), strlen(text), "", key, INT64_C(1795000000000000000))); /* 2026-11-18 */
}

START_TEST(test_one_report)
{
    look_report("2023/10/17 05:51\nKJFK 170551Z 36007G15KT 1 1/2SM FEW085 SCT250 11/M07 A2979 RMK AO2 SLP086 T01110072\n", "x");
    ck_assert_text("format", "metar");
    ck_assert_text("station", "KJFK");
    ck_assert_text("start", "2023-10-17T05:51:00.000000Z");
    ck_assert_number("wind_direction", 360, 0);
    ck_assert_number("wind_speed", 3.60, 0.005);
    ck_assert_number("wind_gust", 7.72, 0.005);
    ck_assert_number("visibility", 2414, 0);
    ck_assert_number("temperature", 11, 0);
    ck_assert_number("dew_point", -7, 0);
    ck_assert_number("pressure", 1008.8, 0.05);
    ck_assert_number("count", 1, 0);
    look_report("METAR EGLL 200550Z AUTO VRB03MPS 9999 4000SW NCD M00/ Q1013 TEMPO 22025KT 1000 NOSIG=", "x");
    ck_assert_text("wind", "variable");
    ck_assert_none("wind_direction");
    ck_assert_number("wind_speed", 3, 0);
    ck_assert_number("visibility", 10000, 0);
    ck_assert_number("temperature", 0, 0);
    ck_assert_none("dew_point");
    ck_assert_number("pressure", 1013, 0);
    look_report("METAR EHWO 011155Z AUTO 29011KT 240V330 9999 FEW029 21/14 Q1018 BLU 27010G20KT 1000 BKN035", "x");
    ck_assert_number("wind_direction", 290, 0);
    ck_assert_none("wind_gust");
    ck_assert_number("visibility", 10000, 0);
    look_report("SPECI LFPG 200550Z /////KT CAVOK 12/08 Q1020", "x");
    ck_assert_none("wind_speed");
    ck_assert_number("visibility", 10000, 0);
}
END_TEST

/* The month: by the first line, by the key, by when it arrived; never later than that. */
START_TEST(test_month)
{
    look_report("METAR KJFK 170551Z 36007KT 10SM 11/07 A2979", "x");
    ck_assert_text("start", "2026-11-17T05:51:00.000000Z");
    look_report("METAR KJFK 250551Z 36007KT 10SM 11/07 A2979", "x");
    ck_assert_text("start", "2026-10-25T05:51:00.000000Z");
    look_report("METAR KJFK 310551Z 36007KT 10SM 11/07 A2979", "x");
    ck_assert_text("start", "2026-10-31T05:51:00.000000Z");
    look_report("METAR KJFK 010551Z 36007KT 10SM 11/07 A2979", "raw/metar_20190701_1200.txt");
    ck_assert_text("start", "2019-07-01T05:51:00.000000Z");
    look_report("METAR KJFK 302350Z 36007KT 10SM 11/07 A2979", "raw/2019-07-01/metar.txt");
    ck_assert_text("start", "2019-06-30T23:50:00.000000Z");
    look_report("METAR KJFK 302350Z 36007KT 10SM 11/07 A2979", "raw/123456789/20191301/metar.txt");
    ck_assert_text("start", "2026-10-30T23:50:00.000000Z");
}
END_TEST

START_TEST(test_bulletin)
{
    look_report(
        "\001\r\r\n455 \r\r\nSAUS70 KWBC 011200\r\r\nMETAR\r\r\nKRCM 011155Z AUTO 00000KT 10SM CLR 21/20 A3005 RMK AO2=\r\r\n"
        "KIPJ 011150Z AUTO 00000KT 7SM CLR 21/21 A3002 RMK AO2 70004\r\r\n     T02120212=\r\r\nKGPH NIL=\r\r\n\003",
        "raw/20190701");
    ck_assert_number("count", 2, 0);
    ck_assert_text("station", "KRCM KIPJ");
    ck_assert_text("start", "2019-07-01T11:50:00.000000Z");
    ck_assert_text("end", "2019-07-01T11:55:00.000000Z");
    ck_assert_none("temperature");
    ck_assert_ptr_null(look("TAF KJFK 170520Z 1706/1812 36007KT P6SM FEW085", 46));
    ck_assert_ptr_null(look("the train ABCD 170551Z is late", 30));
    look_report("METAR KJFK 320551Z 36007KT=\nMETAR KJFK 170551Z 36007KT=", "x");
    ck_assert_number("count", 1, 0);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {test_one_observation, test_designations, test_many_observations, test_not_observations,
                                  test_one_report,      test_month,        test_bulletin};
    return test_main("sky text", tests, sizeof tests / sizeof *tests);
}
