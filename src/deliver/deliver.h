/* What the client wires from the delivery of events; the public side is <obs/journal.h>. */
#ifndef OBS_DELIVER_DELIVER_H
#define OBS_DELIVER_DELIVER_H

#include "deliver/destination.h"
#include "event/bus.h"

/* Table `destination`. */
extern const char obs__deliver_schema[];

/* Whose destinations, of which bus. */
typedef struct obs__deliver_host {
    obs__gate *gate;
    obs_bus *bus;
    const obs__destinations *all;
} obs__deliver_host;

/* Whether a destination is for the tenant of the host. */
int obs__deliver_is_for(const obs__deliver_host *host, const obs__destination *to);

/* Delivers until the limit ends it, or, with `once`, what is due now. `only`: the name of one destination, or NULL. */
typedef struct obs__deliver_plan {
    const char *only;
    int once;
    obs__limit limit;
} obs__deliver_plan;
obs_status obs__deliver_run(uint64_t *delivered, const obs__deliver_host *host, const obs__deliver_plan *plan,
                            obs_error *error);

/* The lines of obs_journal_list(). */
obs_status obs__deliver_list(obs__builder *out, const obs__deliver_host *host, const obs_call *call, obs_error *error);

#endif
