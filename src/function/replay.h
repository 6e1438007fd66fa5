/* What replaying and reproducing have in common: running a function for an event of the bus without any effect. */
#ifndef OBS_FUNCTION_REPLAY_H
#define OBS_FUNCTION_REPLAY_H

#include "function/lane.h"

/* A call that takes no longer than the limit, and no longer than calls usually do. */
obs_call obs__limit_call(const obs__limit *limit);
/* Its own limits, but no longer than the caller waits. */
void obs__lane_hurry(obs__lane *lane);
/* A number for a lane that is no runner's. */
int obs__lane_number(void);

#endif
