/* The observations of one object. */
#ifndef DEMO_CURVE_H
#define DEMO_CURVE_H

#include <jansson.h>
#include <stddef.h>

/*
 * Reads a file of observations: lines of 80 columns, or a JSON array with them in `original_record`. The answer is
 * {"object":…, "lines":…, "observations":[…]} of the object with most observations, in the order of time; free with
 * json_decref(). NULL: no memory. A file without observations has no object.
 */
json_t *curve_read(const char *content, size_t size);
/* The year as a number, as in 2019.02, of an RFC 3339 time. */
double curve_year(const char *time);

#endif
