/* The samples of miniSEED: integers, floating point, and the differences of Steim 1 and 2. */
#include <stdio.h>
#include <string.h>

#include "obsctl/graph_mseed.h"

#define FRAME 64
#define WORDS 16
#define LEAST_RATE 1e-7 /* four months from one sample to the next */
#define MOST_RATE 1e9
#define MOST_SECONDS 3.2e9 /* a century in one record */

enum { INT16 = 1, INT32 = 3, FLOAT32 = 4, FLOAT64 = 5, STEIM1 = 10, STEIM2 = 11 };

static uint64_t read_word(const unsigned char *at, size_t size, int little)
{
    uint64_t word = 0;
    for (size_t i = 0; i < size; i++)
        word = word << 8 | at[little ? size - 1 - i : i];
    return word;
}

/* A number of some bits with a sign. */
static int32_t signed_of(uint32_t bits, int count)
{
    uint32_t sign = UINT32_C(1) << (count - 1), mask = count == 32 ? UINT32_MAX : (UINT32_C(1) << count) - 1;
    return (int32_t)(((bits & mask) ^ sign) - sign);
}

static double sample_of(uint64_t word, int encoding)
{
    uint32_t half = (uint32_t)word;
    float single;
    double whole;
    switch (encoding) {
    case INT16:
        return signed_of(half, 16);
    case INT32:
        return signed_of(half, 32);
    case FLOAT32:
        memcpy(&single, &half, sizeof single);
        return single;
    default:
        memcpy(&whole, &word, sizeof whole);
        return whole;
    }
}

static size_t read_plain(double *out, const mseed_record *record, const unsigned char *data)
{
    size_t width = record->encoding == INT16 ? 2 : record->encoding == FLOAT64 ? 8 : 4;
    size_t count = record->data_size / width;
    count = count < record->samples ? count : record->samples;
    for (size_t i = 0; i < count; i++)
        out[i] = sample_of(read_word(data + i * width, width, record->little), record->encoding);
    return count;
}

/* The differences in one word, of `count` with `bits` each, the first one highest. */
static int split(int32_t *out, uint32_t word, int count, int bits)
{
    for (int i = 0; i < count; i++)
        out[i] = signed_of(word >> (count - 1 - i) * bits, bits);
    return count;
}

/* Parts of whole bytes stand in the order of the file, each with its own byte order. */
static int split_bytes(int32_t *out, const unsigned char *at, int count, int little)
{
    size_t width = 4 / (size_t)count;
    for (int i = 0; i < count; i++)
        out[i] = signed_of((uint32_t)read_word(at + (size_t)i * width, width, little), (int)width * 8);
    return count;
}

/* What the two bits of the frame, and for Steim 2 those of the word, say is in it; 0: nothing. */
static int read_differences(int32_t out[7], const unsigned char *at, unsigned kind, int second, int little)
{
    static const int counts[4][4] = {{0}, {0}, {0, 1, 2, 3}, {5, 6, 7, 0}};
    static const int sizes[4][4] = {{0}, {0}, {0, 30, 15, 10}, {6, 5, 4, 0}};
    if (kind == 0)
        return 0;
    if (kind == 1)
        return split_bytes(out, at, 4, little);
    if (!second)
        return split_bytes(out, at, kind == 2 ? 2 : 1, little);
    uint32_t word = (uint32_t)read_word(at, 4, little);
    return split(out, word, counts[kind][word >> 30], sizes[kind][word >> 30]);
}

/* The first difference leads to the first sample from one that is not here; the sample itself is the first frame's second
 * word, and the last sample its third. */
static size_t read_steim(double *out, mseed_record *record, const unsigned char *data)
{
    size_t most = record->samples, count = 0;
    uint32_t value = record->data_size >= FRAME ? (uint32_t)read_word(data + 4, 4, record->little) : 0;
    for (size_t frame = 0; frame + FRAME <= record->data_size && count < most; frame += FRAME) {
        uint32_t kinds = (uint32_t)read_word(data + frame, 4, record->little);
        for (int word = frame ? 1 : 3; word < WORDS && count < most; word++) {
            int32_t differences[7];
            int found = read_differences(differences, data + frame + 4 * (size_t)word, kinds >> (30 - 2 * word) & 3,
                                         record->encoding == STEIM2, record->little);
            for (int i = 0; i < found && count < most; i++) {
                value += count ? (uint32_t)differences[i] : 0;
                out[count++] = (int32_t)value;
            }
        }
    }
    record->doubtful = count && value != (uint32_t)read_word(data + 8, 4, record->little);
    return count;
}

int mseed_is_integer(const mseed_record *record)
{
    return record->encoding != FLOAT32 && record->encoding != FLOAT64;
}

/* What the header says, before anything is believed. */
static int is_possible(mseed_record *record, size_t room)
{
    double seconds = record->samples / record->rate;
    if (!(record->rate >= LEAST_RATE && record->rate <= MOST_RATE && seconds <= MOST_SECONDS))
        snprintf(record->wrong, sizeof record->wrong, "its rate of %g samples a second is impossible", record->rate);
    else if (record->samples > room)
        snprintf(record->wrong, sizeof record->wrong,
                 "it says that it has %lu samples, more than the %zu that are read at once", (unsigned long)record->samples,
                 room);
    return !record->wrong[0];
}

int mseed_read_samples(double *out, size_t out_room, mseed_record *record, const unsigned char *bytes)
{
    const unsigned char *data = bytes + record->data;
    size_t count;
    if (!is_possible(record, out_room))
        return 0;
    switch (record->encoding) {
    case INT16:
    case INT32:
    case FLOAT32:
    case FLOAT64:
        count = read_plain(out, record, data);
        break;
    case STEIM1:
    case STEIM2:
        count = read_steim(out, record, data);
        break;
    default:
        snprintf(record->wrong, sizeof record->wrong, "its encoding %d is not known", record->encoding);
        return 0;
    }
    if (count < record->samples)
        snprintf(record->wrong, sizeof record->wrong, "it says that it has %lu samples, and holds %zu",
                 (unsigned long)record->samples, count);
    return count == record->samples;
}
