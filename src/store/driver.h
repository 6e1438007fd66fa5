/*
 * What a direct driver of a store does: one table for each URL scheme. store.c, change.c, stream.c and list.c are the same
 * for all of them.
 */
#ifndef OBS_STORE_DRIVER_H
#define OBS_STORE_DRIVER_H

#include <stdatomic.h>

#include "journal/gate.h"
#include "store/entry.h"
#include "store/key.h"

/* Bodies up to this size travel in the commit itself and cost no sync of their own. */
#define OBS__SMALL_SIZE ((size_t)64 << 10)

typedef struct obs__store_driver obs__store_driver;

/* The state of one root (a folder, a name in memory), shared by all stores on it. Drivers embed it. */
typedef struct obs__volume {
    const obs__store_driver *driver;
    atomic_uint holders;
} obs__volume;

/* An object that was opened: it stays what it is although its key is written anew. Lives on the caller's stack. */
typedef struct obs__source obs__source;
typedef struct obs__source_ops {
    /* Bytes that lie inside the object, checked. */
    obs_status (*read)(obs__source *source, uint64_t offset, void *data, size_t size, const obs__limit *limit,
                       obs_error *error);
    /* All bytes without a copy; NULL when the driver has no such thing. */
    obs_buffer *(*whole)(obs__source *source);
    void (*close)(obs__source *source);
} obs__source_ops;

#define OBS__ENTRY_INLINE 2048

struct obs__source {
    const obs__source_ops *ops;
    obs__volume *volume; /* borrowed */
    obs__view key;       /* borrowed: for messages */
    uint64_t size;
    int64_t modified_ns;
    obs__view entry;       /* empty: changed outside */
    obs__view former;      /* file: then what was known before the change, or empty */
    int spoiled;           /* file: then the sidecar is there, and damaged */
    char changed_etag[80]; /* then this is the entity tag */
    void *object;          /* mem: the object, held */
    int fd;                /* file: the body */
    obs_buffer *sidecar;   /* file: the sidecar when it does not fit below */
    char text[OBS__ENTRY_INLINE];
};

/* Under which conditions a change is made; evaluated under the writer lock. All copied by the driver. */
typedef struct obs__condition {
    const char *if_match;
    const char *if_none_match;
    int create_only; /* an immutable prefix */
    int is_new;      /* the caller may not replace anything */
    int must_exist;  /* a deletion */
} obs__condition;

/* A body that is being collected: in memory as long as it is small, then where the driver keeps what is not visible yet. */
typedef struct obs__body {
    obs__volume *volume; /* borrowed */
    obs__digest digest;
    obs__builder small;  /* the bytes, as long as they are few (mem: always) */
    int64_t modified_ns; /* set by body_seal */
    unsigned generation; /* file: of the process whose staging file it is */
    int fd;              /* file: the staging file, or -1 */
    uint64_t inode;      /* file: of the staging file */
    char staged[48];     /* file: its name; "" when it was taken over */
} obs__body;

/* A new version of an object. */
typedef struct obs__draft {
    obs__view key;
    obs__condition condition;
    obs__body *body; /* sealed; its bytes are taken over */
    obs__view entry;
} obs__draft;

/* Where a listing collects: calls back for objects and folders in the order of their keys. */
typedef struct obs__scan {
    obs__view prefix;
    obs__view after; /* keys up to this one are left out */
    size_t limit;    /* how many are still wanted */
    int group;       /* 1: keys below the next `/` after the prefix are one common prefix */
    const obs__limit *time;
    void *user;
    /* entry: as in obs__source. *done is set when no more is wanted. */
    obs_status (*object)(struct obs__scan *scan, obs__view key, obs__source *source, int *done, obs_error *error);
    obs_status (*group_found)(struct obs__scan *scan, obs__view prefix, int *done, obs_error *error);
} obs__scan;

struct obs__store_driver {
    unsigned features; /* bit n: obs_store_feature n */
    /* `path` is what follows the scheme. */
    obs_status (*open)(obs__volume **out, const char *path, obs__gate *gate, obs_error *error);
    void (*free)(obs__volume *volume); /* the last hold was given back */

    obs_status (*source)(obs__source *out, obs__volume *volume, obs__view key, const obs__limit *limit, obs_error *error);

    void (*body_init)(obs__body *body, obs__volume *volume);
    obs_status (*body_add)(obs__body *body, const void *data, size_t size, obs_error *error);
    /* Nothing is added any more: a large body is made durable under its staging name. */
    obs_status (*body_seal)(obs__body *body, obs_error *error);
    void (*body_free)(obs__body *body);

    obs_status (*put)(obs__effect **out, obs__volume *volume, const obs__draft *draft, obs_error *error);
    obs_status (*remove)(obs__effect **out, obs__volume *volume, obs__view key, const obs__condition *condition,
                         obs_error *error);
    /* Labels are merged into those of the object. */
    obs_status (*relabel)(obs__effect **out, obs__volume *volume, obs__view key, const obs_pair *labels, size_t count,
                          obs_error *error);
    /* The bytes stay, as they were when `source` was opened; the entry is new. */
    obs_status (*describe)(obs__effect **out, obs__volume *volume, obs__view key, obs__source *source, obs__view entry,
                           obs_error *error);
    obs_status (*scan)(obs__volume *volume, obs__scan *scan, obs_error *error);
    /* What only this driver can find wrong: adds rows for what is no object. May be NULL. */
    obs_status (*check)(obs__volume *volume, obs__builder *rows, uint64_t *problems, int repair, const obs__limit *limit,
                        obs_error *error);
};

extern const obs__store_driver obs__store_file;
extern const obs__store_driver obs__store_mem;

obs__volume *obs__volume_retain(obs__volume *volume);
void obs__volume_free(obs__volume *volume);

/* What both drivers say when a condition does not hold. `etag` is "" when there is no such object. */
obs_status obs__condition_check(const obs__condition *condition, obs__view key, obs__view etag, obs_error *error);
/* One problem as a line of JSON. */
void obs__check_row(obs__builder *rows, obs__view key, const char *problem, const char *remedy);
obs__view obs__source_etag(const obs__source *source);

#endif
