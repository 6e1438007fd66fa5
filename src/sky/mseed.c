/*
 * miniSEED 2 and 3: the headers of all records that are there.
 *
 * Not libmseed: what it has to say goes to the standard error of the process, by settings that all users of the library in
 * the process share (docs/decisions/sky.md).
 */
#include <ctype.h>
#include <math.h>
#include <string.h>

#include "base/error.h"
#include "sky/values.h"

#define HEADER_SIZE 48
#define HEADER3_SIZE 40
#define LEAST_RECORD 128
#define MOST_BLOCKETTES 64
#define SECOND_NS INT64_C(1000000000)

typedef struct record {
    obs__view network;
    obs__view station;
    obs__view location;
    obs__view channel;
    int64_t start_ns;
    double rate;
    uint32_t samples;
    size_t size; /* 0: not said */
} record;

typedef struct found {
    obs__names network;
    obs__names station;
    obs__names location;
    obs__names channel;
    obs__span_of span;
    double rate;
    int rates_differ;
    int64_t samples;
    int64_t records;
} found;

static unsigned read16(const char *at, int little)
{
    const unsigned char *bytes = (const unsigned char *)at;
    return little ? bytes[0] | (unsigned)bytes[1] << 8 : bytes[1] | (unsigned)bytes[0] << 8;
}

static uint32_t read32(const char *at, int little)
{
    return little ? read16(at, 1) | (uint32_t)read16(at + 2, 1) << 16 : read16(at + 2, 0) | (uint32_t)read16(at, 0) << 16;
}

static int digits_or(const char *at, size_t size, const char *others)
{
    for (size_t i = 0; i < size; i++)
        if (!isdigit((unsigned char)at[i]) && !strchr(others, at[i] ? at[i] : '?'))
            return 0;
    return 1;
}

static int is_data_header(const char *at)
{
    return digits_or(at, 6, " ") && strchr("DRQM", at[6] ? at[6] : '?') && (at[7] == ' ' || at[7] == '\0') &&
           (unsigned char)at[24] < 24 && (unsigned char)at[25] < 60 && (unsigned char)at[26] <= 60;
}

/* Control headers of a full SEED volume; blockette 10 says how long all of them are. */
static int is_control_header(const char *at)
{
    return digits_or(at, 6, "") && strchr("VAST", at[6] ? at[6] : '?') && (at[7] == ' ' || at[7] == '*');
}

static int is_header3(const char *at)
{
    return memcmp(at, "MS\003", 3) == 0 && (unsigned char)at[12] < 24 && (unsigned char)at[13] < 60;
}

int obs__is_mseed(obs__view head)
{
    if (head.size >= HEADER3_SIZE && is_header3(head.data))
        return 1;
    return head.size >= HEADER_SIZE && (is_data_header(head.data) || (is_control_header(head.data) && head.data[8] == '0' &&
                                                                      digits_or(head.data + 9, 2, "")));
}

/* The nominal rate from its two factors. */
static double rate_of(int factor, int multiplier)
{
    double rate = factor > 0 ? factor : factor < 0 ? -1.0 / factor : 0;
    return multiplier > 0 ? rate * multiplier : multiplier < 0 ? -rate / multiplier : 0;
}

/* What stands behind the fixed header: the length of the record, microseconds, the actual rate. */
static void read_blockettes(record *out, obs__view rest, size_t at, int little)
{
    for (int i = 0; i < MOST_BLOCKETTES && at >= HEADER_SIZE && at + 8 <= rest.size; i++) {
        unsigned type = read16(rest.data + at, little), next = read16(rest.data + at + 2, little);
        unsigned exponent = (unsigned char)rest.data[at + 6];
        if (type == 1000 && exponent >= 7 && exponent <= 24)
            out->size = (size_t)1 << exponent;
        else if (type == 1001)
            out->start_ns += 1000 * (int64_t)(signed char)rest.data[at + 5];
        else if (type == 100) {
            uint32_t bits = read32(rest.data + at + 4, little);
            float rate;
            memcpy(&rate, &bits, sizeof rate);
            if (rate > 0 && isfinite(rate))
                out->rate = rate;
        }
        if (next <= at)
            break;
        at = next;
    }
}

static int read_data_header(record *out, obs__view rest)
{
    const char *at = rest.data;
    unsigned year = read16(at + 20, 0);
    int little = year < 1900 || year > 2100;
    int64_t day;
    if (!obs__sky_year_day(&day, (int)read16(at + 20, little), (int)read16(at + 22, little)))
        return 0;
    int seconds = (unsigned char)at[24] * 3600 + (unsigned char)at[25] * 60 + (unsigned char)at[26];
    out->start_ns = day + seconds * SECOND_NS + (int64_t)read16(at + 28, little) * 100000;
    if (!(at[36] & 2)) /* else the correction is in the time already */
        out->start_ns += (int64_t)(int32_t)read32(at + 40, little) * 100000;
    out->samples = read16(at + 30, little);
    out->rate = rate_of((int16_t)read16(at + 32, little), (int16_t)read16(at + 34, little));
    out->station = (obs__view){at + 8, 5};
    out->location = (obs__view){at + 13, 2};
    out->channel = (obs__view){at + 15, 3};
    out->network = (obs__view){at + 18, 2};
    read_blockettes(out, rest, read16(at + 46, little), little);
    return 1;
}

/* Takes what stands before the next `_`. */
static obs__view take_code(obs__view *rest)
{
    const char *end = rest->size ? memchr(rest->data, '_', rest->size) : NULL;
    obs__view code = {rest->data, end ? (size_t)(end - rest->data) : rest->size};
    rest->data += code.size + (end != NULL);
    rest->size -= code.size + (end != NULL);
    return code;
}

/* `FDSN:NET_STA_LOC_B_S_SS`; the channel's three letters stand together in everybody's mind. */
static void read_source(record *out, obs__view source, char channel[OBS__NAME_SIZE])
{
    static const obs__view scheme = {"FDSN:", 5};
    if (!obs__starts_with(source, scheme))
        return;
    source = (obs__view){source.data + scheme.size, source.size - scheme.size};
    out->network = take_code(&source);
    out->station = take_code(&source);
    out->location = take_code(&source);
    size_t size = 0;
    for (size_t i = 0; i < source.size && size < OBS__NAME_SIZE; i++)
        if (source.data[i] != '_')
            channel[size++] = source.data[i];
    out->channel = (obs__view){channel, size};
}

static int read_header3(record *out, obs__view rest, char channel[OBS__NAME_SIZE])
{
    const char *at = rest.data;
    int64_t day;
    uint64_t bits = (uint64_t)read32(at + 20, 1) << 32 | read32(at + 16, 1);
    size_t name = (unsigned char)at[33];
    if (!obs__sky_year_day(&day, (int)read16(at + 8, 1), (int)read16(at + 10, 1)) || rest.size < HEADER3_SIZE + name)
        return 0;
    int seconds = (unsigned char)at[12] * 3600 + (unsigned char)at[13] * 60 + (unsigned char)at[14];
    out->start_ns = day + seconds * SECOND_NS + read32(at + 4, 1) % SECOND_NS;
    memcpy(&out->rate, &bits, sizeof bits);
    if (out->rate < 0) /* then it is a period */
        out->rate = -1 / out->rate;
    out->samples = read32(at + 24, 1);
    out->size = HEADER3_SIZE + name + read16(at + 34, 1) + read32(at + 36, 1);
    read_source(out, (obs__view){at + HEADER3_SIZE, name}, channel);
    return 1;
}

/* Without a length in the record: where the next one begins. */
static size_t find_size(obs__view rest)
{
    for (size_t size = LEAST_RECORD; size + HEADER_SIZE <= rest.size && size <= (size_t)1 << 16; size *= 2)
        if (is_data_header(rest.data + size) || is_control_header(rest.data + size))
            return size;
    return rest.size;
}

static void add_record(found *found, const record *record)
{
    int64_t end = record->start_ns;
    if (record->samples > 1 && record->rate > 0 && (record->samples - 1) / record->rate < 1e9)
        end += llround((record->samples - 1) / record->rate * 1e9);
    obs__names_add(&found->network, record->network);
    obs__names_add(&found->station, record->station);
    obs__names_add(&found->location, record->location);
    obs__names_add(&found->channel, record->channel);
    found->records++;
    found->samples += record->samples;
    if (!record->samples || !(record->rate > 0) || !isfinite(record->rate)) {
        obs__span_add(&found->span, record->start_ns, end);
        return; /* logs and detections have no rate */
    }
    obs__span_add(&found->span, record->start_ns, end);
    found->rates_differ |= found->rate > 0 && found->rate != record->rate;
    found->rate = record->rate;
}

/* The next record, whatever it is; 0 at the end and at what is none. */
static size_t take_record(found *found, obs__view rest, size_t *control_size)
{
    record record = {0};
    char channel[OBS__NAME_SIZE];
    int exponent = 0;
    if (rest.size >= HEADER3_SIZE && is_header3(rest.data)) {
        if (!read_header3(&record, rest, channel))
            return 0;
        add_record(found, &record);
        return record.size;
    }
    if (rest.size < HEADER_SIZE)
        return 0;
    if (is_control_header(rest.data)) {
        if (memcmp(rest.data + 8, "010", 3) == 0 && obs__sky_digits(&exponent, (obs__view){rest.data + 19, 2}) &&
            exponent >= 8 && exponent <= 16)
            *control_size = (size_t)1 << exponent;
        return *control_size ? *control_size : find_size(rest);
    }
    if (!is_data_header(rest.data) || !read_data_header(&record, rest))
        return 0;
    add_record(found, &record);
    return record.size ? record.size : find_size(rest);
}

static void add_values(obs__builder *out, const found *found)
{
    obs__sky_names(out, "network", &found->network);
    obs__sky_names(out, "station", &found->station);
    obs__sky_names(out, "location", &found->location);
    obs__sky_names(out, "channel", &found->channel);
    obs__sky_times(out, found->span.start_ns, found->span.end_ns);
    if (found->rate > 0 && !found->rates_differ)
        obs__sky_number(out, "rate", found->rate, 6);
    obs__sky_integer(out, "samples", found->samples);
    obs__sky_integer(out, "records", found->records);
}

void obs__sky_mseed(obs__builder *out, const obs__arrival *arrival)
{
    obs__view rest = arrival->head;
    found found = {0};
    size_t control_size = 0, size = 1;
    while (rest.size && size) {
        size = take_record(&found, rest, &control_size);
        size_t taken = size < rest.size ? size : rest.size;
        rest.data += taken;
        rest.size -= taken;
    }
    if (found.records)
        add_values(out, &found);
    if (!found.records || (rest.size && arrival->size == arrival->head.size))
        obs__sky_why_not(out, "there is no record of miniSEED at byte %zu", (size_t)(rest.data - arrival->head.data));
}
