/* The catalog alone, behind a gate that lets everything pass. */
#ifndef OBS_BENCH_GATE_H
#define OBS_BENCH_GATE_H

#include "catalog/catalog.h"

/* Of the tenant in this folder. */
obs_catalog *bench_catalog(obs__gate *gate, const char *folder, int create);

#endif
