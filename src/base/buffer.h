/* The inside of obs_buffer and obs_rows. */
#ifndef OBS_BASE_BUFFER_H
#define OBS_BASE_BUFFER_H

#include <obs/buffer.h>

/* A buffer of `size` bytes to be filled by the caller through *data before anybody else sees it. */
obs_status obs__buffer_new(obs_buffer **out, char **data, size_t size, obs_error *error);
obs_status obs__buffer_copy(obs_buffer **out, const void *data, size_t size, obs_error *error);
/* Fewer bytes than it was made for. */
void obs__buffer_shrink(obs_buffer *buffer, size_t size);

/* What is behind obs_rows: each module that gives rows embeds this as its first member. */
typedef struct obs__rows_ops {
    obs_status (*next)(obs_rows *rows, const char **text, size_t *size, obs_error *error);
    const char *(*position)(const obs_rows *rows);
    void (*free)(obs_rows *rows);
} obs__rows_ops;

struct obs_rows {
    const obs__rows_ops *ops;
};

/* Rows that were all made beforehand: lines separated by '\n'. Takes the buffer over, also on failure. */
obs_status obs__rows_from_lines(obs_rows **out, obs_buffer *lines, obs_error *error);

#endif
