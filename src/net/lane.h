/* What a request runs on: a handle of libcurl of its own, and connections that are kept open, used by one thread at a time and
 * handed on. */
#ifndef OBS_NET_LANE_H
#define OBS_NET_LANE_H

#include "base/call.h"
#include "net/curl.h"

typedef struct obs__lane {
    struct obs__lane *next;
    unsigned generation; /* a forked child touches none of its parent's: their sockets are the parent's */
    CURL *easy;          /* while it is taken */
    CURLM *multi;        /* keeps the connections */
} obs__lane;

/* An idle one, the last used first, or a new one. NULL without memory. */
obs__lane *obs__lane_take(const obs__curl *curl);
/* Runs its handle to the end, within the limit; *code is what came of it. */
obs_status obs__lane_run(obs__lane *lane, const obs__curl *curl, CURLcode *code, const obs__limit *limit, obs_error *error);
/* Gives it back: the handle ends, the connections stay. */
void obs__lane_give(const obs__curl *curl, obs__lane *lane);

#endif
