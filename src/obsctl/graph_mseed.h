/* The samples of miniSEED 2 and 3, read from bytes that may be anything. */
#ifndef OBSCTL_GRAPH_MSEED_H
#define OBSCTL_GRAPH_MSEED_H

#include <stddef.h>
#include <stdint.h>

#define MSEED_MOST_SAMPLES (1 << 20) /* of one record */
#define MSEED_TEXT 0                 /* an encoding */

/* One record. */
typedef struct mseed_record {
    char channel[64]; /* NET.STA.LOC.CHA */
    double start;     /* seconds since 1970 */
    double rate;      /* samples a second; 0: none (a log) */
    uint32_t samples;
    int encoding;
    int little; /* of the samples */
    size_t size;
    size_t data; /* where the samples begin */
    size_t data_size;
    int doubtful;   /* its last sample is not the one that it names */
    char wrong[96]; /* why it, or its samples, cannot be read: "" as long as nothing is wrong */
} mseed_record;

typedef enum mseed_found { MSEED_NONE, MSEED_RECORD, MSEED_OTHER, MSEED_MORE } mseed_found;

/* What the bytes begin with: a record, something of a full SEED volume (out->size says how long), nothing that can be read
 * (out->wrong), or too few bytes to know (out->size of them are needed). */
mseed_found mseed_read_record(mseed_record *out, const unsigned char *bytes, size_t size);

/* All of its samples, into room for out_room. 0 and record->wrong when they cannot be read: none of them is used then. */
int mseed_read_samples(double *out, size_t out_room, mseed_record *record, const unsigned char *bytes);

int mseed_is_integer(const mseed_record *record);

#endif
