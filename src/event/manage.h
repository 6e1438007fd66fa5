/* How consumers are changed from outside: manage.c, dead.c. */
#ifndef OBS_EVENT_MANAGE_H
#define OBS_EVENT_MANAGE_H

#include "event/bus_internal.h"

#define OBS__MANAGE_STEPS 4

/* One change: statements on the tables of a consumer. */
typedef struct obs__manage {
    const char *action;
    const char *sqls[OBS__MANAGE_STEPS]; /* ?1 the consumer, ?2 number, ?3 text; the first one must change something */
    int64_t number;
    const char *text;
    uint64_t *count;     /* receives how many rows the first one changed; or NULL */
    const char *missing; /* the sentence when it changed none, with a %s for the consumer */
} obs__manage;

obs_status obs__bus_manage(obs_bus *bus, const char *consumer, const obs__manage *what, const obs_call *call, obs_error *error);

#endif
