#include "base/driver.h"

#include <string.h>

#include "base/error.h"

#define MOST_DRIVERS 64

void obs__driver_list(obs__builder *out, const obs__drivers *drivers)
{
    for (size_t i = 0; i < drivers->count; i++)
        obs__add_format(out, "%s%s:", i ? ", " : "", drivers->list[i]->scheme);
}

static obs_status fail_unknown(const obs__drivers *drivers, const char *scheme, obs_error *error)
{
    const char *schemes[MOST_DRIVERS + 1] = {NULL};
    obs__builder list;
    for (size_t i = 0; i < drivers->count && i < MOST_DRIVERS; i++)
        schemes[i] = drivers->list[i]->scheme;
    obs__builder_init(&list, 300);
    obs__driver_list(&list, drivers);
    const char *nearest = obs__nearest(scheme, schemes);
    obs__fail(error, OBS_UNIMPLEMENTED, "no driver for '%.64s:': the URL of a %s begins with one of %s%s%s%s", scheme,
              drivers->what, list.data ? list.data : "none", nearest ? " (did you mean '" : "", nearest ? nearest : "",
              nearest ? ":'?)" : "");
    obs__builder_free(&list);
    return OBS_UNIMPLEMENTED;
}

obs_status obs__driver_find(const obs__driver **out, const obs__drivers *drivers, const obs__url *url, obs_error *error)
{
    *out = NULL;
    for (size_t i = 0; i < drivers->count; i++)
        if (strcmp(drivers->list[i]->scheme, url->scheme) == 0) {
            *out = drivers->list[i];
            return OBS_OK;
        }
    return fail_unknown(drivers, url->scheme, error);
}
