/* Log records and spans: making them, for the hooks of <obs/log.h>. Nothing is built unless somebody listens. */
#ifndef OBS_BASE_LOG_H
#define OBS_BASE_LOG_H

#include <obs/log.h>

/* Whether anybody wants records of this level: one atomic load. Ask before preparing something costly. */
int obs__log_wanted(obs_log_level level);
/* Makes a record. `subject` is a constant (`store`); `trace_id` has 32 digits and need not end there, or is NULL. Never give
 * secrets or bytes of objects. Control and bidi characters are escaped. */
void obs__log(obs_log_level level, const char *subject, const char *trace_id, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

int obs__span_wanted(void);
void obs__span_emit(const obs_span_record *record);

#endif
