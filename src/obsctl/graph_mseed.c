/*
 * The headers of miniSEED 2 and 3, in bytes that may be anything. Why not libmseed: docs/decisions/sky.md.
 */
#include "obsctl/graph_mseed.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define HEADER 48
#define HEADER3 40
#define MOST_BLOCKETTES 64
#define MOST_DATA ((size_t)1 << 21) /* of a record of version 3; one of version 2 has at most twice that */
#define STEP 256                    /* records of a full SEED volume begin at multiples of it */

static unsigned read16(const unsigned char *at, int little)
{
    return little ? at[0] | (unsigned)at[1] << 8 : at[1] | (unsigned)at[0] << 8;
}

static uint32_t read32(const unsigned char *at, int little)
{
    return little ? read16(at, 1) | (uint32_t)read16(at + 2, 1) << 16 : read16(at + 2, 0) | (uint32_t)read16(at, 0) << 16;
}

/* The first of January and days after it; 0 when there is no such day. */
static int read_day(double *out, unsigned year, unsigned day)
{
    struct tm parts = {.tm_year = (int)year - 1900, .tm_mday = (int)day};
    if (year < 1900 || year > 2500 || !day || day > 366)
        return 0;
    *out = (double)timegm(&parts);
    return 1;
}

static int is_number(const unsigned char *at)
{
    for (int i = 0; i < 6; i++)
        if (!isdigit(at[i]) && at[i] != ' ' && at[i])
            return 0;
    return 1;
}

static int is_data(const unsigned char *at)
{
    return is_number(at) && at[6] && strchr("DRQM", at[6]) && (at[7] == ' ' || !at[7]) && at[24] < 24 && at[25] < 60 &&
           at[26] <= 60;
}

static int is_control(const unsigned char *at)
{
    return is_number(at) && at[6] && strchr("VAST", at[6]) && (at[7] == ' ' || at[7] == '*');
}

static int is_version3(const unsigned char *at)
{
    return memcmp(at, "MS\003", 3) == 0 && at[12] < 24 && at[13] < 60;
}

/* One of the codes that name a channel, without the blanks that fill it up. */
static void add_code(mseed_record *out, const char *before, const unsigned char *code, size_t length)
{
    while (length && (code[length - 1] == ' ' || !code[length - 1]))
        length--;
    size_t used = strlen(out->channel);
    snprintf(out->channel + used, sizeof out->channel - used, "%s%.*s", before, (int)length, (const char *)code);
}

static double rate_of(int factor, int multiplier)
{
    double rate = factor > 0 ? factor : factor < 0 ? -1.0 / factor : 0;
    return multiplier > 0 ? rate * multiplier : multiplier < 0 ? -rate / multiplier : 0;
}

static void take_blockette(mseed_record *out, const unsigned char *at, int little)
{
    unsigned type = read16(at, little);
    if (type == 1000 && at[6] >= 7 && at[6] <= 22) {
        out->encoding = at[4];
        out->little = at[5] == 0;
        out->size = (size_t)1 << at[6];
    } else if (type == 1001) {
        out->start += 1e-6 * (signed char)at[5];
    } else if (type == 100) {
        uint32_t bits = read32(at + 4, little);
        float rate;
        memcpy(&rate, &bits, sizeof rate);
        if (rate > 0 && isfinite(rate))
            out->rate = rate;
    }
}

static mseed_found fail(mseed_record *out, const char *wrong)
{
    snprintf(out->wrong, sizeof out->wrong, "%s", wrong);
    return MSEED_NONE;
}

static mseed_found read_version2(mseed_record *out, const unsigned char *at, size_t size)
{
    unsigned year = read16(at + 20, 0);
    int little = year < 1900 || year > 2100;
    size_t place = read16(at + 46, little);
    double day;
    if (!read_day(&day, read16(at + 20, little), read16(at + 22, little)))
        return fail(out, "a record has an impossible date");
    out->start = day + at[24] * 3600 + at[25] * 60 + at[26] + read16(at + 28, little) * 1e-4;
    if (!(at[36] & 2)) /* else the correction is in the time already */
        out->start += (int32_t)read32(at + 40, little) * 1e-4;
    out->samples = read16(at + 30, little);
    out->rate = rate_of((int16_t)read16(at + 32, little), (int16_t)read16(at + 34, little));
    out->data = read16(at + 44, little);
    add_code(out, "", at + 18, 2);
    add_code(out, ".", at + 8, 5);
    add_code(out, ".", at + 13, 2);
    add_code(out, ".", at + 15, 3);
    for (int i = 0; i < MOST_BLOCKETTES && place >= HEADER && place + 8 <= size; i++) {
        take_blockette(out, at + place, little);
        size = out->size && out->size < size ? out->size : size; /* what is behind it is not its own */
        size_t next = read16(at + place + 2, little);
        if (next <= place)
            break;
        place = next;
    }
    if (!out->size)
        return fail(out, "a record has no blockette 1000, which says how long it is and what is in it");
    out->data_size = out->data >= HEADER && out->data < out->size ? out->size - out->data : 0;
    return MSEED_RECORD;
}

/* `FDSN:NET_STA_LOC_B_S_SS`: the letters of the channel, between which it has marks, stand together elsewhere. */
static void read_source(mseed_record *out, const unsigned char *name, size_t size)
{
    static const char scheme[] = "FDSN:";
    size_t length = strlen(scheme), parts = 0, used = 0;
    if (size < length || memcmp(name, scheme, length) != 0) { /* somebody's own names */
        add_code(out, "", name, size);
        return;
    }
    for (size_t i = length; i < size && used + 1 < sizeof out->channel; i++) {
        parts += name[i] == '_';
        if (name[i] != '_')
            out->channel[used++] = (char)name[i];
        else if (parts <= 3)
            out->channel[used++] = '.';
    }
    out->channel[used] = '\0';
}

static mseed_found read_version3(mseed_record *out, const unsigned char *at, size_t size)
{
    uint64_t bits = (uint64_t)read32(at + 20, 1) << 32 | read32(at + 16, 1);
    size_t name = at[33], extra = read16(at + 34, 1), data = read32(at + 36, 1);
    double day;
    if (!read_day(&day, read16(at + 8, 1), read16(at + 10, 1)))
        return fail(out, "a record has an impossible date");
    if (data > MOST_DATA)
        return fail(out, "a record says that it is larger than 2 MiB");
    out->start = day + at[12] * 3600 + at[13] * 60 + at[14] + read32(at + 4, 1) * 1e-9;
    memcpy(&out->rate, &bits, sizeof bits);
    if (out->rate < 0) /* then it is a period */
        out->rate = -1 / out->rate;
    out->samples = read32(at + 24, 1);
    out->encoding = at[15];
    out->data = HEADER3 + name + extra;
    out->data_size = data;
    out->size = out->data + data;
    out->little = out->encoding < 10; /* Steim's frames are big-endian in every version */
    if (size >= HEADER3 + name)
        read_source(out, at + HEADER3, name);
    return MSEED_RECORD;
}

static mseed_found need(mseed_record *out, size_t size)
{
    out->size = size;
    return MSEED_MORE;
}

/* A full volume's control headers, up to the next header. */
static mseed_found skip_control(mseed_record *out, const unsigned char *bytes, size_t size)
{
    for (out->size = STEP; out->size + HEADER <= size; out->size += STEP)
        if (is_data(bytes + out->size) || is_control(bytes + out->size))
            break;
    return MSEED_OTHER;
}

mseed_found mseed_read_record(mseed_record *out, const unsigned char *bytes, size_t size)
{
    *out = (mseed_record){0};
    if (size < HEADER)
        return need(out, HEADER);
    if (is_control(bytes))
        return skip_control(out, bytes, size);
    mseed_found found = is_version3(bytes) ? read_version3(out, bytes, size)
                        : is_data(bytes)   ? read_version2(out, bytes, size)
                                           : fail(out, "there is no header of a record");
    return found == MSEED_RECORD && out->size > size ? need(out, out->size) : found;
}
