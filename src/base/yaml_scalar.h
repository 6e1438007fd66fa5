/* The inside of yaml.c: what a plain scalar means. */
#ifndef OBS_BASE_YAML_SCALAR_H
#define OBS_BASE_YAML_SCALAR_H

#include <jansson.h>
#include <stddef.h>

/* The value of a plain (not quoted) scalar by the YAML 1.2 core schema. Returns NULL with *fault set to a sentence when JSON
 * cannot hold it, or with *fault NULL when memory is out. */
json_t *obs__yaml_plain(const char *text, size_t size, const char **fault);

#endif
