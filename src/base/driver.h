/*
 * Drivers: what implements the schemes of URLs. Each module keeps its drivers in one static table.
 *
 * There are two kinds. A translator turns an operation into HTTP requests, and responses into results, without I/O, so that it
 * can be tested byte for byte. A direct driver does its own I/O. Which functions that means, the module says.
 */
#ifndef OBS_BASE_DRIVER_H
#define OBS_BASE_DRIVER_H

#include "base/url.h"

typedef enum obs__driver_kind { OBS__DRIVER_DIRECT = 1, OBS__DRIVER_TRANSLATOR = 2 } obs__driver_kind;

typedef struct obs__driver {
    const char *scheme; /* without its colon, in small letters */
    obs__driver_kind kind;
    const void *ops;               /* the module's table of functions for this kind */
    const obs__property *settings; /* what its URLs may carry, or NULL */
    size_t setting_count;
    const char *help; /* a sentence for the reference page: what its URLs look like */
} obs__driver;

/* All drivers of a module. */
typedef struct obs__drivers {
    const char *what; /* "store", "bus" … */
    const obs__driver *const *list;
    size_t count;
} obs__drivers;

/* The driver for a URL; OBS_UNIMPLEMENTED with the list of the known schemes for an unknown one. */
obs_status obs__driver_find(const obs__driver **out, const obs__drivers *drivers, const obs__url *url, obs_error *error);
/* `file:, mem:`; for messages and the reference page. */
void obs__driver_list(obs__builder *out, const obs__drivers *drivers);

#endif
