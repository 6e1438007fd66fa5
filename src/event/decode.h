/* Reading one event out of a JSON text. */
#ifndef OBS_EVENT_DECODE_H
#define OBS_EVENT_DECODE_H

#include "base/json_read.h"
#include "event/event.h"

/* The object that comes next. On failure line and column are set; when the JSON itself is right the reader may stand within. */
obs_status obs__event_read(obs_event **out, obs__json *json, obs_error *error);

#endif
