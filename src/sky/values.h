/* How the readers of formats say what they found. */
#ifndef OBS_SKY_VALUES_H
#define OBS_SKY_VALUES_H

#include "base/angle.h"
#include "sky/sky.h"

/* Members of the object of values that is being written; each name once. */
void obs__sky_number(obs__builder *out, const char *name, double number, int decimals); /* left out when not finite */
void obs__sky_integer(obs__builder *out, const char *name, int64_t number);
void obs__sky_text(obs__builder *out, const char *name, obs__view text); /* without blanks around; left out when empty */
/* `start`, `end`, `mjd`, `mjd_end`. */
void obs__sky_times(obs__builder *out, int64_t start_ns, int64_t end_ns);
/* `ra`, `dec` */
void obs__sky_place(obs__builder *out, double ra, double dec);
/* `index`: why the rest is missing. */
void obs__sky_why_not(obs__builder *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Texts without blanks around them. */
obs__view obs__sky_trim(obs__view text);

/* Short words, each once. */
#define OBS__NAMES_MOST 16
#define OBS__NAME_SIZE 16
typedef struct obs__names {
    char names[OBS__NAMES_MOST][OBS__NAME_SIZE];
    size_t count; /* beyond OBS__NAMES_MOST: there were more */
} obs__names;
void obs__names_add(obs__names *names, obs__view name);
/* All of them with blanks between, unless they are too many. */
void obs__sky_names(obs__builder *out, const char *name, const obs__names *names);

/* Times that were seen. */
typedef struct obs__span_of {
    int64_t start_ns;
    int64_t end_ns;
    int any;
} obs__span_of;
void obs__span_add(obs__span_of *span, int64_t start_ns, int64_t end_ns);

/* Nanoseconds since 1970 of the beginning of a day; 0 when there is no such day from 1800 to 2200. */
int obs__sky_day(int64_t *ns, int year, int month, int day);
int obs__sky_year_day(int64_t *ns, int year, int day_of_year);

/* Lines of a text, without their ends. What a text that was cut off ends with is left out. */
typedef struct obs__lines {
    obs__view rest;
    int cut;
} obs__lines;
int obs__line_next(obs__view *line, obs__lines *lines);

/* Digits only; 0 when there is anything else. */
int obs__sky_digits(int *out, obs__view text);

/* The readers: each adds values, or why not. */
void obs__sky_fits(obs__builder *out, const obs__arrival *arrival);
void obs__sky_mseed(obs__builder *out, const obs__arrival *arrival);
void obs__sky_obs80(obs__builder *out, const obs__arrival *arrival);
void obs__sky_metar(obs__builder *out, const obs__arrival *arrival);

/* Whether the bytes are of that kind. */
int obs__is_fits(obs__view head);
int obs__is_mseed(obs__view head);
int obs__is_obs80(obs__view head);
int obs__is_metar(obs__view head);

#endif
