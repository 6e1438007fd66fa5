/* Time and identifiers. */
#ifndef OBS_BASE_CLOCK_H
#define OBS_BASE_CLOCK_H

#include <stdint.h>

#include <obs/error.h>

int64_t obs__now_ns(void);       /* since 1970-01-01T00:00:00Z; may jump */
int64_t obs__monotonic_ns(void); /* for durations; never jumps */

/* RFC 3339 in UTC with microseconds: `2026-11-20T21:15:03.123456Z`; out holds 32 bytes. */
#define OBS__TIME_SIZE 32
void obs__time_format(char *out, int64_t ns);
/* RFC 3339 with any offset, or a date alone (midnight UTC); 1 when it could be read. */
int obs__time_parse(int64_t *out_ns, const char *text);

/* A UUID version 7 (RFC 9562) as text: sorts by time, also within a millisecond in one process; out holds 37 bytes. */
#define OBS__UUID_SIZE 37
obs_status obs__uuid7(char *out, obs_error *error);

#endif
