/* Labels as an entry keeps them: name NUL value NUL …, sorted by name, each name once. */
#ifndef OBS_CATALOG_LABELS_H
#define OBS_CATALOG_LABELS_H

#include "base/text.h"

#define OBS__MOST_LABELS 64

/* Checks names, values and their count. */
obs_status obs__labels_check(const obs_pair *labels, size_t count, obs_error *error);

/* Appends `before` with the changes made: a label with the value "" is removed. */
obs_status obs__labels_merge(obs__builder *out, obs__view before, const obs_pair *labels, size_t count, obs_error *error);

#endif
