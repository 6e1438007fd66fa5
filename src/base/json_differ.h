/* What differs between two JSON documents. Needs nothing but jansson. */
#ifndef OBS_BASE_JSON_DIFFER_H
#define OBS_BASE_JSON_DIFFER_H

#include <jansson.h>

/* A list of at most `most` `{"name":…,"before":…,"now":…}`, in the order of the first document, then what only the second one
 * has. A name is the path with points, as that of a setting: `sites.3.name`, "" for the whole; what one of them lacks is null
 * there. NULL without memory. */
json_t *obs__json_differences(const json_t *before, const json_t *now, size_t most);

#endif
