/* Counters and histograms, for obs_metrics_text(). Counting never waits and never fails. */
#ifndef OBS_BASE_METRICS_H
#define OBS_BASE_METRICS_H

#include <stdatomic.h>
#include <stdint.h>

#include <obs/error.h>

#include "base/text.h"

/* A counter without labels: a static variable of whoever counts, as in
 * `static obs__counter recovered = {"obs_journal_recovered", "Changes completed after a crash.", 0, 0, NULL};`
 * The name is without `_total`. It is listed from its first use on. */
typedef struct obs__counter {
    const char *name;
    const char *help;
    _Atomic uint64_t value;
    atomic_int listed;
    struct obs__counter *next;
} obs__counter;

void obs__counter_add(obs__counter *counter, uint64_t more);
uint64_t obs__counter_value(const obs__counter *counter);

/* A histogram of durations without labels, kept and listed in the same way. The name ends with `_seconds`. */
#define OBS__HISTOGRAM_BUCKETS 15
typedef struct obs__histogram {
    const char *name;
    const char *help;
    _Atomic uint64_t buckets[OBS__HISTOGRAM_BUCKETS];
    _Atomic uint64_t sum_ns;
    atomic_int listed;
    struct obs__histogram *next;
} obs__histogram;

void obs__histogram_add(obs__histogram *histogram, int64_t duration_ns);

/* `name="value"` of a sample: backslash, quote and newline are escaped. The value is UTF-8. */
void obs__add_label(obs__builder *out, const char *name, const char *value, size_t size);

/* Counts one call that ended: calls, bytes and a histogram of durations by module, action (`store.put`), tenant and status.
 * There are at most 768 combinations; further ones are counted together as `other`. */
void obs__count_call(const char *action, const char *tenant, obs_status status, int64_t duration_ns, uint64_t bytes);

#endif
