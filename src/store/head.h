/* The first bytes of an object, for whoever looks into what has arrived. */
#ifndef OBS_STORE_HEAD_H
#define OBS_STORE_HEAD_H

#include "store/driver.h"

/* No bytes when they cannot be had: nobody depends on them. */
typedef struct obs__head {
    obs__view bytes;
    void *mapped; /* of a staging file */
    void *copied; /* of a source */
} obs__head;

/* Of a sealed body, without a copy; valid as long as the body is not handed over. */
void obs__head_of_body(obs__head *out, const obs__body *body);
/* Of an object as its bytes are now. */
void obs__head_of_source(obs__head *out, obs__source *source, const obs__limit *limit);
void obs__head_free(obs__head *head);

#endif
