/*
 * YAML files, as a tree of JSON values: libyaml's events with the scalars of the YAML 1.2 core schema, so that `no` and
 * `2026-11-20` stay texts. Refused, with the place: duplicate and complex keys, merge keys, anchors, aliases, tags, several
 * documents, infinities, and integers that 64 bits do not hold.
 */
#ifndef OBS_BASE_YAML_H
#define OBS_BASE_YAML_H

#include "base/json.h"

#define OBS__YAML_SIZE_LIMIT ((size_t)1 << 20)
#define OBS__YAML_DEPTH_LIMIT 64
#define OBS__YAML_NODE_LIMIT 100000

/* A document that remembers where each of its values stands. */
typedef struct obs__yaml obs__yaml;

/* Reads one document. `name` is the file, for messages (`obs.yaml:7:3: …`); NULL: none. Free with obs__yaml_free(). */
obs_status obs__yaml_load(obs__yaml **out, const char *data, size_t size, const char *name, obs_error *error);
void obs__yaml_free(obs__yaml *yaml);
/* The tree; belongs to the document and must not be changed. An empty document is null. */
const json_t *obs__yaml_root(const obs__yaml *yaml);

/* Line and column (from 1) of the value at a JSON Pointer (RFC 6901), or with `of_key` of its name. A pointer to nothing gives
 * the nearest value above, as for something that is missing. */
void obs__yaml_place(const obs__yaml *yaml, const char *pointer, int of_key, int *line, int *column);
/* The same for the value number `index` of the whole tree, counted from the root (0) with each value before those inside it:
 * for whoever walks through all of it. */
void obs__yaml_place_at(const obs__yaml *yaml, size_t index, int *line, int *column);
/* Fails with the place in front: `obs.yaml:7:3: what`. */
obs_status obs__yaml_fail(obs_error *error, obs_status status, const obs__yaml *yaml, const char *pointer, const char *what);
/* Fails at the first name of a mapping that is none of these: with the one that was meant, or with all there are. The mapping
 * is a member of the root, or with "" the root; without it nothing is wrong. */
obs_status obs__yaml_check_names(const obs__yaml *yaml, const char *member, const char *const *known, obs_error *error);

#endif
