/* The members of one JSON object, each name once. For headers and claims of tokens, which are read without a tree. */
#ifndef OBS_AUTH_MEMBERS_H
#define OBS_AUTH_MEMBERS_H

#include "base/json_read.h"

#define OBS__MEMBERS_MOST 128
#define OBS__MEMBER_NAME_MOST 256

typedef struct obs__members {
    obs__json json;
    size_t count;
    uint64_t seen[OBS__MEMBERS_MOST]; /* of each name, a hash: two that are equal refuse the object, meant or not */
    char name[OBS__MEMBER_NAME_MOST];
    size_t name_size;
} obs__members;

/* Goes into the object; 0 when there is none. */
int obs__members_begin(obs__members *members, const char *text, size_t size);
/* The next name is in name and name_size; its value comes next. 0 behind the last one, or at a fault. */
int obs__members_next(obs__members *members);
int obs__members_is(const obs__members *members, const char *name);
/* The value as text; a fault when it is something else. */
int obs__members_text(obs__members *members, obs__json_text *out);
/* OBS_OK when the whole text was one right object; else OBS_UNAUTHENTICATED, which says where in `what`. */
obs_status obs__members_end(obs__members *members, const char *what, obs_error *error);

#endif
