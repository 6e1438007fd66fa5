/*
 * JSON documents on jansson: strict reading with limits, one way to write, and members with errors a user understands.
 * Not for the hot path of events, which uses the reader of json_read.h and views.
 */
#ifndef OBS_BASE_JSON_H
#define OBS_BASE_JSON_H

#include <jansson.h>

#include "base/text.h"

#define OBS__JSON_SIZE_LIMIT ((size_t)16 << 20)
#define OBS__JSON_DEPTH_LIMIT 128

typedef enum obs__json_flag {
    OBS__JSON_BIG_AS_REAL = 1, /* integers beyond 64 bits become reals; else they are refused */
    OBS__JSON_ALLOW_NUL = 2    /* "\u0000" inside texts; else refused, as C code would see a shorter text */
} obs__json_flag;

/* How a text is read. NULL and zero fields: the limits above, no flags, no name. */
typedef struct obs__json_options {
    size_t size_limit;
    unsigned depth_limit;
    int flags;        /* of obs__json_flag */
    const char *name; /* the file, for messages: `name:3:7: …` */
} obs__json_options;

/* Reads one document of any type (RFC 8259). Refused: duplicate names, a byte order mark, invalid UTF-8, anything behind the
 * document. OBS_INVALID_ARGUMENT with line and column, OBS_RESOURCE_EXHAUSTED beyond a limit. Free with json_decref(). */
obs_status obs__json_load(json_t **out, const char *data, size_t size, const obs__json_options *options, obs_error *error);

/* Says where a document is wrong: `name:3:7: what`, or `line 3, column 7: what`; sets line and column of the error. */
obs_status obs__fail_at(obs_error *error, obs_status status, const char *name, int line, int column, const char *what);

/* Appends a document without blanks. `sorted`: names in the order of their bytes, so that equal documents give equal text. */
void obs__json_add(obs__builder *builder, const json_t *json, int sorted);
/* The same as a buffer of at most `limit` bytes. */
obs_status obs__json_dump(obs_buffer **out, const json_t *json, int sorted, size_t limit, obs_error *error);

/* Members of an object. When there is none (or null), *out keeps what it was, and it is an error only if `required`. Texts are
 * borrowed from the document and contain no NUL. */
obs_status obs__json_get_text(const char **out, const json_t *object, const char *name, int required, obs_error *error);
obs_status obs__json_get_integer(int64_t *out, const json_t *object, const char *name, int required, obs_error *error);
obs_status obs__json_get_number(double *out, const json_t *object, const char *name, int required, obs_error *error);
obs_status obs__json_get_boolean(int *out, const json_t *object, const char *name, int required, obs_error *error);
obs_status obs__json_get_object(const json_t **out, const json_t *object, const char *name, int required, obs_error *error);
obs_status obs__json_get_list(const json_t **out, const json_t *object, const char *name, int required, obs_error *error);
/* What a value is, for a sentence: "a text", "a list" … */
const char *obs__json_type_name(const json_t *json);

#endif
