/*
 * Records of miniSEED one after the other, as a seismogram is read: each lies within the bytes, leads on, and either has all of
 * its samples or says what is wrong.
 */
#include <stdlib.h>
#include <string.h>

#include "obsctl/graph_mseed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int right)
{
    if (!right)
        abort();
}

static void check_samples(mseed_record *record, const unsigned char *bytes)
{
    size_t room = record->samples < 1u << 16 ? record->samples : 1u << 16;
    double *samples = malloc(room ? room * sizeof *samples : 1); /* so that a sanitizer sees what is written beyond */
    if (!samples)
        return;
    for (size_t i = 0; i < room; i++)
        samples[i] = -0.5e300;
    int right = mseed_read_samples(samples, room, record, bytes);
    must(right == !record->wrong[0]);
    must(!right || record->samples <= room);
    for (size_t i = 0; right && record->encoding >= 10 && i < room; i++)
        must(samples[i] >= INT32_MIN && samples[i] <= INT32_MAX);
    free(samples);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned char *copy = malloc(size ? size : 1); /* so that a sanitizer sees what is read beyond */
    mseed_found found = MSEED_OTHER;
    size_t at = 0;
    if (!copy)
        return 0;
    if (size)
        memcpy(copy, data, size);
    while (at < size && (found == MSEED_OTHER || found == MSEED_RECORD)) {
        mseed_record record;
        found = mseed_read_record(&record, copy + at, size - at);
        must((found == MSEED_NONE) == (record.wrong[0] != '\0'));
        must(found != MSEED_MORE || record.size > size - at);
        must(strlen(record.channel) < sizeof record.channel);
        if (found == MSEED_RECORD) {
            must(record.size <= size - at && record.data_size <= record.size);
            must(!record.data_size || record.data + record.data_size <= record.size);
            check_samples(&record, copy + at);
        }
        must(found == MSEED_NONE || record.size > 0);
        at += found == MSEED_NONE || record.size > size - at ? size - at : record.size;
    }
    free(copy);
    return 0;
}
