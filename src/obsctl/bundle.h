/* doctor --bundle: an archive for support, with numbers in the place of names. */
#ifndef OBSCTL_BUNDLE_H
#define OBSCTL_BUNDLE_H

#include "obsctl/ctl.h"

typedef struct ctl_bundle {
    ctl *ctl;
    ctl_target target;
    json_t *names;     /* what stands for each name: the same in the whole bundle, and nothing follows from it */
    json_t *parts;     /* for the manifest: one row for each file that was added */
    obs_status failed; /* why the part that is added next could not be had; OBS_OK: it is whole */
} ctl_bundle;

/* bundle_archive.c: files of a POSIX tar archive, which is not compressed: it is small, and can be read before it is sent. */
obs_status ctl_bundle_add(ctl_bundle *bundle, const char *name, const char *data, size_t size);
/* The same of JSON, which it takes over; NULL: there was no memory for it. */
obs_status ctl_bundle_add_json(ctl_bundle *bundle, const char *name, json_t *json);
/* The manifest, and the end of the archive. */
obs_status ctl_bundle_end(ctl_bundle *bundle);

/* bundle_place.c: the system, the disk, and the files of the workspace. */
obs_status ctl_bundle_add_system(ctl_bundle *bundle, const char *folder);
obs_status ctl_bundle_add_layout(ctl_bundle *bundle, const char *folder);

/* bundle_names.c: what stands for a name: `name-7`. "" without memory. */
const char *ctl_bundle_name(ctl_bundle *bundle, const char *text);
/* A sentence without names: what is quoted, and what is not a plain word or number, is taken for one. Free with free(). */
char *ctl_bundle_sentence(ctl_bundle *bundle, const char *text);
/* JSON rows without names, in place: by their members it is known which texts are ours. */
void ctl_bundle_clean(ctl_bundle *bundle, json_t *json);
/* OpenMetrics without names: all values of labels are taken for some. Free with free(). */
char *ctl_bundle_metrics(ctl_bundle *bundle, const char *text);

#endif
