/* What is behind obs_catalog. */
#ifndef OBS_CATALOG_HANDLE_H
#define OBS_CATALOG_HANDLE_H

#include <stdatomic.h>

#include "catalog/catalog.h"

#define OBS__KNOWN 16

struct obs_catalog {
    obs__gate *gate;                              /* held */
    _Atomic(obs__definition *) known[OBS__KNOWN]; /* held; by their names (definition_known.c) */
};

/* A catalog and a key were given. */
obs_status obs__catalog_require(const obs_catalog *catalog, const char *key, size_t size, obs_error *error);
void obs__definitions_forget(obs_catalog *catalog);

#endif
