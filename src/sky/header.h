/* The header of one part (HDU) of a FITS file: its keywords, and what several of them say together. */
#ifndef OBS_SKY_HEADER_H
#define OBS_SKY_HEADER_H

#include "sky/cfitsio.h"
#include "sky/values.h"

typedef struct obs__header {
    const obs__cfitsio *cfitsio;
    fitsfile *file; /* stands at this part */
} obs__header;

/* The value of a keyword as text without quotes, in `room`; 0 when there is none. */
#define OBS__CARD_SIZE 82
int obs__header_text(obs__view *out, char room[OBS__CARD_SIZE], const obs__header *header, const char *keyword);
/* As a number, also where it is written in quotes; 0 when it is none. */
int obs__header_number(double *out, const obs__header *header, const char *keyword);
/* The first of several keywords, until NULL. */
int obs__header_first_number(double *out, const obs__header *header, const char *const *keywords);

/* fits_time.c: when the observation began and ended. */
int obs__header_times(int64_t *start_ns, int64_t *end_ns, const obs__header *header);
/* fits_place.c: where the telescope looked: degrees, ICRS. */
int obs__header_place(double *ra, double *dec, const obs__header *header);

#endif
