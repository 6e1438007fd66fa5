/*
 * An open load: requests begin at times that were set before, whether those before them are done or not, and the time of each
 * counts from there. So whoever is slow is not asked less (coordinated omission).
 */
#ifndef OBS_BENCH_LOAD_H
#define OBS_BENCH_LOAD_H

#include <stddef.h>
#include <stdint.h>

typedef struct bench_load {
    void (*request)(void *context, uint64_t number); /* called by several threads at the same time */
    void *context;
    int threads;
    double per_s;
    uint64_t first; /* number of the first request */
    size_t count;
    int64_t *times_ns; /* receives how long each took */
} bench_load;

/* Makes all requests; *late is then how many began later than they should because all threads were busy; may be NULL. */
void bench_load_run(const bench_load *load, size_t *late);

#endif
