/*
 * The `file:` driver: objects as files below a root folder, all else in `.obs/` of that folder.
 *
 *     <root>/raw/a.fits              a body
 *     <root>/.obs/meta/raw/a.fits%   its sidecar
 *     <root>/.obs/staging/<session>.<number>[.meta]   what is not visible yet
 *     <root>/.obs/staging/<session>.lock              locked as long as the session's process lives
 *     <root>/.obs/finished           the last row that is visible in the folder
 *     <root>/.obs/lock               writers of several tenants on one root
 *
 * docs/decisions/0001 tells why a change costs one sync. In short: the commit holds a row in `pending` that says what is to
 * become visible (small bodies whole); the renames follow without a sync; the row goes when a later syncfs() made them durable.
 */
#ifndef OBS_STORE_FILE_H
#define OBS_STORE_FILE_H

#include <pthread.h>
#include <sys/stat.h>

#include "store/driver.h"

#define OBS__STAGED_SIZE 48
#define OBS__IDENTITY_SIZE 128

/* What tells one file from another that had or will have its name. */
typedef struct obs__tag {
    uint64_t inode;
    uint64_t size;
    int64_t modified_ns;
} obs__tag;

typedef struct obs__file_session {
    unsigned generation;
    int fd;
    char name[17];
    atomic_uint_least64_t next;
} obs__file_session;

typedef struct obs__file_root {
    obs__volume base;
    struct obs__file_root *next; /* under the lock of all roots */
    obs__journal *journal;       /* whose writer lock orders the changes */
    char *path;                  /* absolute */
    char *name;                  /* as rows have it: relative to the workspace when it lies inside */
    uint32_t owner;              /* begins the names of our sessions: who may sweep them on a shared root */
    int shared;                  /* other tenants or workspaces may write here, too */
    int fd;
    int meta;
    int staging;
    mode_t mode; /* of the root: its read and write bits are those of what is made below */
    _Atomic(obs__file_session *) session;
    /* Under the writer lock of the journal. */
    int finished;                      /* the file of that name; -1: not opened */
    char identity[OBS__IDENTITY_SIZE]; /* of that file; "": unknown */
    int64_t cleared_id;                /* rows up to this one were deleted */
    /* A shared root's own lock, under the mutex. */
    pthread_mutex_t mutex;
    int lock; /* -1: not opened */
    int lock_holders;
    /* For all threads. */
    _Atomic int64_t behind;      /* a row that was committed but could not be made visible; 0: none */
    _Atomic int64_t finished_id; /* rows up to this one are visible */
    _Atomic int64_t settled_id;  /* rows up to this one are visible and durable */
    atomic_size_t unsettled_rows;
    atomic_size_t unsettled_bytes;
    atomic_flag settling;
} obs__file_root;

/* file_root.c */
obs_status obs__file_open(obs__volume **out, const char *path, obs__gate *gate, obs_error *error);
void obs__file_free(obs__volume *volume);
/* A root for the time of a recovery, which knows no gate. `name` as rows have it. */
obs_status obs__file_root_of(obs__file_root **out, const char *workspace, const char *tenant, const char *name,
                             obs_error *error);
/* Makes a name in staging: `<session>.<number>`. */
obs_status obs__file_stage_name(char out[OBS__STAGED_SIZE], obs__file_root *root, obs_error *error);
/* The lock of a shared root, held from the first apply() to the last finish() of a commit. Nothing for other roots. The limit
 * may be NULL. */
obs_status obs__file_lock(obs__file_root *root, const obs__limit *limit, obs_error *error);
void obs__file_unlock(obs__file_root *root);
/* Removes what sessions that ended left in staging, except what rows still name. */
obs_status obs__file_sweep(obs__file_root *root, sqlite3 *database, obs_error *error);

/* file_place.c: where a body or sidecar lies. */
typedef struct obs__place {
    int fd;           /* its folder */
    int own;          /* whether fd is to be closed */
    const char *name; /* in path */
    char path[OBS__KEY_PATH_SIZE];
} obs__place;

typedef enum obs__tree { OBS__BODIES, OBS__SIDECARS } obs__tree;

/* The folder that holds a path. `make`: makes what is missing; a body in the way of a folder goes beside it. */
obs_status obs__place_open(obs__place *out, obs__file_root *root, obs__tree tree, obs__view key, obs__key_form form, int make,
                           obs_error *error);
void obs__place_close(obs__place *place);
/* The body in place. Nothing there: OBS_NOT_FOUND, *form is the one in which it may be put, and *bare tells that its folder
 * is missing, too. */
obs_status obs__place_find(obs__tag *tag, obs__key_form *form, int *bare, obs__file_root *root, obs__view key,
                           obs_error *error);
/* Removes a file and the folders that are empty then. One that is not there is fine. */
obs_status obs__place_remove(obs__file_root *root, obs__tree tree, obs__view key, obs__key_form form, obs_error *error);
/* Moves a staged file to its place. */
obs_status obs__place_put(obs__file_root *root, obs__tree tree, obs__view key, obs__key_form form, const char *staged,
                          obs_error *error);
obs__tag obs__tag_of(const struct stat *status);
int obs__tag_equal(const obs__tag *a, const obs__tag *b);

/* file_sidecar.c */
#define OBS__SIDECAR_LIMIT ((size_t)512 << 20)
/* The text with one or two entries. `before` may be NULL. */
obs_status obs__sidecar_write(obs__builder *out, const obs__tag *before, obs__view before_entry, const obs__tag *tag,
                              obs__view entry, obs_error *error);
/* The text of an object that was deleted on a shared root: who recovers an older change there must not bring it back. */
obs_status obs__sidecar_write_gone(obs__builder *out, int64_t when_ns, obs_error *error);
/* When it was deleted, or 0. */
int64_t obs__sidecar_gone(obs__view text);
/* The entry of the body with this tag; else one with its size and time but another inode: the folder was copied or restored.
 * (No two writes of one key have the same time, so the two entries of a sidecar are never mistaken for each other.)
 * Empty when there is none or the text is damaged. */
obs__view obs__sidecar_find(obs__view text, const obs__tag *tag);
/* Whether its own checksum holds. */
int obs__sidecar_is_whole(obs__view text);
/* The last entry, whatever body it is about; empty when there is none. */
obs__view obs__sidecar_last(obs__view text);
/* Reads a sidecar into `room` or, when it does not fit, into *large. No sidecar gives an empty text. */
obs_status obs__sidecar_read(obs__view *out, char *room, size_t capacity, obs_buffer **large, obs__file_root *root,
                             obs__view key, obs_error *error);

/* file_read.c */
#define OBS__CHANGED_ETAG_SIZE 80
/* The entity tag of a body that another tool changed. */
void obs__changed_etag(char out[OBS__CHANGED_ETAG_SIZE], const obs__tag *tag);
obs_status obs__file_source(obs__source *out, obs__volume *volume, obs__view key, const obs__limit *limit, obs_error *error);

/* file_body.c */
void obs__file_body_init(obs__body *body, obs__volume *volume);
obs_status obs__file_body_add(obs__body *body, const void *data, size_t size, obs_error *error);
obs_status obs__file_body_seal(obs__body *body, obs_error *error);
void obs__file_body_free(obs__body *body);
/* Writes a file in staging without a sync, with this time of change. */
obs_status obs__file_stage(obs__tag *tag, obs__file_root *root, const char *name, const void *data, size_t size,
                           int64_t modified_ns, obs_error *error);

/* file_change.c */
enum { OBS__ROW_PUT = 1, OBS__ROW_REMOVE = 2, OBS__ROW_DESCRIBE = 3 };
obs_status obs__file_put(obs__effect **out, obs__volume *volume, const obs__draft *draft, obs_error *error);
/* Removes an object; on a shared root `gone`, a file in staging, takes the place of its sidecar. */
obs_status obs__file_hide(obs__file_root *root, obs__view key, const char *gone, obs_error *error);
/* Writes that file. */
obs_status obs__file_stage_gone(obs__file_root *root, const char *name, int64_t when_ns, obs_error *error);
obs_status obs__file_remove(obs__effect **out, obs__volume *volume, obs__view key, const obs__condition *condition,
                            obs_error *error);
obs_status obs__file_relabel(obs__effect **out, obs__volume *volume, obs__view key, const obs_pair *labels, size_t count,
                             obs_error *error);
obs_status obs__file_describe(obs__effect **out, obs__volume *volume, obs__view key, obs__source *source, obs__view entry,
                              obs_error *error);

/* file_current.c: what a key is at this moment of a transaction. */
typedef struct obs__current {
    int exists;
    int bare;           /* not even its folder exists */
    obs__key_form form; /* where it lies, or may be put */
    obs__tag tag;
    obs__builder entry; /* empty: changed outside */
} obs__current;
obs_status obs__current_read(obs__current *out, obs__file_root *root, obs__txn *txn, obs__view key, obs_error *error);
void obs__current_free(obs__current *current);

/* file_settle.c: the life of rows after their commit. */
void obs__file_finished(obs__file_root *root, int64_t id, size_t bytes);
/* What was committed could not be shown: the next change of this root tries again. */
void obs__file_behind(obs__file_root *root, int64_t id);
/* Outside of all locks: makes what is visible durable, when it has become much. */
void obs__file_settle(obs__file_root *root);
/* In a transaction: deletes the rows that are settled; *cleared is the last of them, or 0. */
obs_status obs__file_clear(int64_t *cleared, obs__file_root *root, obs__txn *txn, obs_error *error);
obs_status obs__file_clear_to(obs__file_root *root, obs__txn *txn, int64_t id, obs_error *error);
obs_status obs__file_last_id(int64_t *out, obs__txn *txn, obs_error *error);
/* The last row that was visible when this very folder was last written since the machine started; 0: unknown. */
int64_t obs__file_trusted(obs__file_root *root);
void obs__file_mark(obs__file_root *root, int64_t id);

/* file_recover.c */
/* Redoes the rows of a root up to `last` that are not known to be visible. */
obs_status obs__file_recover(obs__file_root *root, obs__txn *txn, int64_t last, obs_error *error);

/* file_scan.c, file_check.c */
obs_status obs__file_scan(obs__volume *volume, obs__scan *scan, obs_error *error);
obs_status obs__file_check(obs__volume *volume, obs__builder *rows, uint64_t *problems, int repair, const obs__limit *limit,
                           obs_error *error);

#endif
