/*
 * An anchor: a place outside of the workspace, better yet under other credentials, that is told every checkpoint. Whoever has
 * the whole workspace and its keys can write another log and sign it; it does not go on from what the anchor was told.
 *
 * Each kind of anchor embeds obs__anchor as its first member.
 */
#ifndef OBS_AUDIT_ANCHOR_H
#define OBS_AUDIT_ANCHOR_H

#include "base/text.h"

typedef struct obs__anchor obs__anchor;

typedef struct obs__anchor_ops {
    /* Keeps a checkpoint (a signed note) and does not forget the ones before; durable when it returns OBS_OK. */
    obs_status (*write)(obs__anchor *anchor, obs__view checkpoint, obs_error *error);
    /* The checkpoint that was written last; *out NULL and OBS_OK when there was none. OBS_UNAVAILABLE when the
     * anchor cannot be asked now: the log goes on if another one can. */
    obs_status (*read_last)(obs_buffer **out, obs__anchor *anchor, obs_error *error);
    /* Calls visit for every checkpoint it still has, oldest first. May be NULL: then only the last one is known. */
    obs_status (*each)(obs__anchor *anchor, obs_status (*visit)(void *user, obs__view checkpoint, obs_error *error), void *user,
                       obs_error *error);
    void (*free)(obs__anchor *anchor);
} obs__anchor_ops;

struct obs__anchor {
    const obs__anchor_ops *ops;
    const char *name; /* for people: a path or URL */
};

void obs__anchor_free(obs__anchor *anchor); /* NULL is fine */

/* The standard one, a folder of the user: `last` is the last checkpoint, `history` a line for each that was kept
 * (src/audit/history.h). The folder is made, mode 0700, with the first checkpoint. */
obs_status obs__anchor_folder(obs__anchor **out, const char *path, obs_error *error);

#endif
