/* The inside of the issuer. */
#ifndef OBS_AUTH_ISSUER_INSIDE_H
#define OBS_AUTH_ISSUER_INSIDE_H

#include <limits.h>
#include <sys/stat.h>

#include "auth/issuer.h"
#include "base/brief.h"

#define OBS__ISSUER_KEYS_MOST 32
#define OBS__ISSUER_NAME_SIZE 80
#define OBS__NS_PER_S INT64_C(1000000000)

/* One line of issuer.json. */
typedef struct obs__issuer_entry {
    obs__key *key; /* the public part */
    int64_t signs_s;
} obs__issuer_entry;

/* What issuer.json said when it was read; immutable and shared. In the order of `signs_s`. */
typedef struct obs__issuer_list {
    atomic_uint holders;
    struct stat seen; /* of the file, before it was read */
    size_t count;
    obs__issuer_entry entries[OBS__ISSUER_KEYS_MOST];
} obs__issuer_list;

struct obs__issuer {
    char name[OBS__ISSUER_NAME_SIZE];
    char folder[PATH_MAX];
    obs__algorithm algorithm;
    int is_known;
    int64_t announce_s;
    int64_t replace_s;
    obs__brief lock;
    obs__issuer_list *_Atomic list; /* under the lock */
};

/* issuer_list.c */
obs_status obs__issuer_path(char out[PATH_MAX], const obs__issuer *issuer, const char *name, obs_error *error);
obs_status obs__issuer_key_path(char out[PATH_MAX], const obs__issuer *issuer, const char *id, obs_error *error);
/* What is on disk; an empty list when there is no issuer.json. */
obs_status obs__issuer_load(obs__issuer_list **out, const obs__issuer *issuer, obs_error *error);
/* The same from memory when the file is the one that was read before. */
obs_status obs__issuer_look(obs__issuer_list **out, obs__issuer *issuer, obs_error *error);
void obs__issuer_release(obs__issuer_list *list);
obs_status obs__issuer_store(const obs__issuer *issuer, const obs__issuer_list *list, obs_error *error);
/* Which entry signs. */
size_t obs__issuer_current(const obs__issuer_list *list, int64_t now_s);
/* Whether tokens of an entry may still be valid. */
int obs__issuer_verifies(const obs__issuer_list *list, size_t index, int64_t now_s);
/* Takes the key over, also on failure. */
obs_status obs__issuer_add(obs__issuer_list *list, obs__key *key, int64_t signs_s, obs_error *error);
obs_status obs__issuer_read_signer(obs__key **out, const obs__issuer *issuer, const char *id, obs_error *error);

/* issuer_rotate.c. `only_first`: a key only when there is none. */
obs_status obs__issuer_change(obs__issuer *issuer, int only_first, int at_once, const obs__limit *limit, int64_t now_ns,
                              obs_error *error);

#endif
