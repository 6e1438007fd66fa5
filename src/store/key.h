/*
 * Keys, and how a key becomes the path of a file: docs/on-disk.md publishes the escape.
 *
 * An ordinary key is its own path. `%` introduces what a file system could not hold otherwise:
 *   %XX   one byte: control characters, `%` itself, the first dot of a part that is `.` or `..`, or `.obs` at the top
 *   %e    a part that is empty
 *   %     at the end of a file's name: the object beside the folder of that name (`a` beside `a/b`)
 *   %+    at the end of a folder's name: a part longer than 255 bytes goes on in the next one
 */
#ifndef OBS_STORE_KEY_H
#define OBS_STORE_KEY_H

#include "base/text.h"

/* Holds the path of every key: each of up to 1,024 bytes takes at most three, and a cut adds three to at least 250. */
#define OBS__KEY_PATH_SIZE 3200
/* Holds the path of one part. */
#define OBS__KEY_PART_SIZE OBS__KEY_PATH_SIZE

/* The form of a file's name: of its own, or beside a folder. */
typedef enum obs__key_form { OBS__KEY_PLAIN, OBS__KEY_BESIDE } obs__key_form;

/* OBS_INVALID_ARGUMENT for what is no key: empty, over 1,024 bytes, not UTF-8. */
obs_status obs__key_check(obs__view *out, const char *key, size_t size, obs_error *error);

/* The path of the object; returns its length. `out` holds OBS__KEY_PATH_SIZE bytes. */
size_t obs__key_path(char *out, obs__view key, obs__key_form form);
/* The path of one part of a key: for a folder PLAIN. `top`: it is the first of its key. Returns the length. */
size_t obs__key_part(char *out, obs__view part, int top, obs__key_form form);

/* The key of a path below the store; `out` holds OBS_KEY_MAX bytes. 0 when no key has this path. */
size_t obs__key_of_path(char *out, const char *path, obs__key_form *form);
/* The part whose path this is (with `/` where it was cut). 0 when no part has it; *size may be 0 for the empty part. */
int obs__key_part_of(char *out, size_t *size, const char *path, int top, obs__key_form *form);
/* Where the object whose file has this name goes when a folder takes its place: a path from the same folder. */
void obs__key_beside(char *out, const char *name);
/* Whether the name of a folder says that the part goes on in it. */
int obs__key_is_cut(const char *name);

/* Percent-escapes control characters, blanks and `%`, for the lines of a sidecar and for page tokens. */
void obs__add_percent(obs__builder *builder, const char *data, size_t size);
/* The reverse, in place or elsewhere; returns the size. */
size_t obs__unpercent(char *out, const char *data, size_t size);

#endif
