/* A workspace without its client: a real journal and stores on it, behind a gate that lets everything pass. */
#ifndef OBS_TESTS_STORE_FIXTURE_H
#define OBS_TESTS_STORE_FIXTURE_H

#include <stdatomic.h>

#include "journal/gate.h"
#include "store/store.h"
#include "support.h"

typedef struct test_space {
    obs__gate gate;
    atomic_uint holders;
    atomic_uint recorded;
    atomic_uint entries;
    atomic_uint forgotten;
} test_space;

extern obs_error error;

/* Opens (and makes) the tenant `default` of a folder; what a crash left is recovered. */
test_space *space_open(const char *folder, const char *tenant);
void space_close(test_space *space);

/* A store on it; "file:store" is the tenant's own. Fails the test when it cannot. */
obs_store *space_store(test_space *space, const char *url);
obs_store *space_store_immutable(test_space *space, const char *url, const char *prefix);

/* Puts a text under a key that is a text. */
void put_text(obs_store *store, const char *key, const char *text);
/* What a key holds, as a text to be freed with free(); NULL when there is no such object. */
char *get_text(obs_store *store, const char *key);
/* All keys of a listing, joined by blanks (groups as they are). Free with free(). */
char *list_text(obs_store *store, const char *prefix, const char *delimiter, size_t limit);

/* Commits effects without a public call, and frees them. */
obs_status space_commit(test_space *space, obs__effects *effects);
/* Bytes that look random but are always the same for a seed. Free with free(). */
char *make_bytes(size_t size, unsigned seed);

#endif
