/* What the client wires from the event module; the public side is <obs/event.h>. */
#ifndef OBS_EVENT_BUS_H
#define OBS_EVENT_BUS_H

#include <obs/event.h>

#include "journal/gate.h"

/* Tables `event`, `consumer`. */
extern const char obs__event_schema[];

/* `local:`; unknown schemes give OBS_UNIMPLEMENTED with the list of the known ones. */
obs_status obs__bus_open(obs_bus **out, obs__gate *gate, const char *url, obs_error *error);
void obs__bus_free(obs_bus *bus);

/* How long and how many events are kept (retention.h). */
typedef struct obs__bus_bounds {
    int64_t keep_ns;     /* what nobody needs any more, so long */
    int64_t limit;       /* bytes of all events in their JSON form */
    int64_t remember_ns; /* the identity of an event that was removed, so long */
} obs__bus_bounds;
#define OBS__BUS_KEEP_NS (INT64_C(7) * 86400 * 1000000000)
#define OBS__BUS_LIMIT ((int64_t)1 << 30)
#define OBS__BUS_LIMIT_LEAST ((int64_t)8 << 20)
/* A bus with other bounds than the standard ones. */
obs_status obs__bus_open_bounded(obs_bus **out, obs__gate *gate, const char *url, const obs__bus_bounds *bounds,
                                 obs_error *error);

/* Whether the caller of a scope may publish events of this type. */
obs_status obs__bus_allow(obs__scope *scope, const obs_event *event, obs_error *error);

/* The event with this id, and this source if one is given, that a consumer with these wishes (NULL: with none) would get; the
 * newest of several. *out NULL: there is none (any more). Free with obs_event_free(). */
obs_status obs__bus_find(obs_event **out, obs_bus *bus, const char *source, const char *id, const obs_subscribe_options *wants,
                         const obs_call *call, obs_error *error);

/* Parts of a unit. out_id holds 256 bytes, or NULL. */
obs_status obs__bus_stage_publish(obs__effects *effects, char *out_id, obs_bus *bus, obs__scope *scope, const obs_event *event,
                                  const obs_publish_options *options, obs_error *error);
obs_status obs__bus_stage_acknowledge(obs__effects *effects, obs_subscription *subscription, uint64_t sequence,
                                      obs_error *error);
/* These effects acknowledge something, too: what they publish may go an eighth above the limit. Who is slow must be able to get
 * on, and a function that publishes what it made acknowledges in the same commit. */
void obs__bus_spare(obs__effects *effects);

/* How full the log is; OBS_RESOURCE_EXHAUSTED, with what to do, from 80 % on. */
obs_status obs__bus_health(char *out, size_t size, obs_bus *bus, obs_error *error);
/* Counts the bytes of all events; `problem` is "" when the log knows the same number. */
obs_status obs__bus_check(char *problem, size_t size, obs__gate *gate, int repair, const obs__limit *limit, obs_error *error);
obs_status obs__bus_count(uint64_t *out, obs__gate *gate, obs_error *error);

/* For metrics: cheap whatever there is, from the numbers of events. */
typedef struct obs__bus_numbers {
    int64_t kept;      /* places in the event log */
    int64_t published; /* ever */
} obs__bus_numbers;
typedef struct obs__consumer_numbers {
    const char *name;
    int64_t paused_ms; /* until when; 0 or past: it is not */
    int64_t lag;       /* events that lie before it, wanted or not */
    int64_t retrying;
    int64_t dead;
    int64_t oldest_ns; /* of what lies before it; 0: nothing */
} obs__consumer_numbers;
typedef void obs__consumer_visit(void *user, const obs__consumer_numbers *numbers);
obs_status obs__bus_measure(obs__bus_numbers *out, obs__journal *journal, obs__consumer_visit *visit, void *user,
                            obs_error *error);

#endif
