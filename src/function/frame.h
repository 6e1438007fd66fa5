/*
 * One message of HTTP/1.1 (RFC 9112) on the socket between the runner and a worker, each of which treats the other as a
 * stranger: everything has a limit, and what is not exactly right is refused.
 */
#ifndef OBS_FUNCTION_FRAME_H
#define OBS_FUNCTION_FRAME_H

#include <obs/call.h>

#include "base/text.h"

#define OBS__FRAME_HEADERS_MAX 128
#define OBS__FRAME_HEAD_LIMIT ((size_t)256 << 10)

typedef struct obs__frame {
    obs__builder bytes; /* as they came; the head is cut into texts in place */
    size_t body_limit;
    size_t head_size; /* with the empty line; 0: it is not complete */
    size_t body_size;
    int is_complete;
    int is_begun;                             /* at least one byte is there */
    const char *line;                         /* the first one */
    obs_pair headers[OBS__FRAME_HEADERS_MAX]; /* names in lower case */
    size_t header_count;
} obs__frame;

void obs__frame_init(obs__frame *frame, size_t body_limit);
void obs__frame_free(obs__frame *frame);
/* Ready for the next message; keeps the memory. */
void obs__frame_clear(obs__frame *frame);
/* Where the next bytes go: *room of them. NULL: no memory, or the message is complete. */
char *obs__frame_room(obs__frame *frame, size_t *room);
/* So many bytes came. OBS_INVALID_ARGUMENT or OBS_RESOURCE_EXHAUSTED when this can be no message. */
obs_status obs__frame_came(obs__frame *frame, size_t size, obs_error *error);

/* The value of a header, or NULL. */
const char *obs__frame_header(const obs__frame *frame, const char *name);
/* The same as a number of at most 15 digits; -1 when there is none. */
int64_t obs__frame_number(const obs__frame *frame, const char *name);
obs__view obs__frame_body(const obs__frame *frame);
/* The three digits of a response's first line; 0: it is no response. */
int obs__frame_status(const obs__frame *frame);

/* Appends a header; a value with control characters is left out. */
void obs__frame_add(obs__builder *out, const char *name, const char *value);

#endif
