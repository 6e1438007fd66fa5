/* What the tests on published vectors of JOSE share. */
#ifndef OBS_TESTS_AUTH_VECTORS_H
#define OBS_TESTS_AUTH_VECTORS_H

#include <dirent.h>
#include <jansson.h>

#include "auth/jws.h"

/* A file below ../shared/vectors; NULL when they are not there, which is said. Free with json_decref(). */
json_t *vectors_load(const char *name);
const char *vectors_text(const json_t *object, const char *name);
/* Whether a token is accepted by these keys (NULL: none of them is one here), whatever its algorithm. */
int vectors_accept(const obs__keys *keys, const char *token);
/* Why the last one was not. */
const char *vectors_fault(void);
/* All JSON files of a folder below ../shared/vectors, in order; -1: not there. Free each and the list with free(). */
int vectors_list(struct dirent ***out, const char *folder);

#endif
