/* Measuring pauses of the watch. */
#ifndef OBS_TESTS_CONFIG_SCHEDULED_H
#define OBS_TESTS_CONFIG_SCHEDULED_H

#include "base/clock.h"
#include "config/engine.h"

#define SHARP_NS INT64_C(10000000)

/* The pause until it is asked again; measured once more when this thread stood still meanwhile. */
static inline int64_t scheduled(obs__config_layer *layer)
{
    for (;;) {
        int64_t before = obs__monotonic_ns();
        obs__config_schedule(layer);
        if (obs__monotonic_ns() - before < SHARP_NS)
            return layer->due_ns - before;
    }
}

#endif
