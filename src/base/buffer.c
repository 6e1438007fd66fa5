#include "base/buffer.h"

#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"

struct obs_buffer {
    atomic_size_t holders;
    size_t size;
    char bytes[];
};

obs_status obs__buffer_new(obs_buffer **out, char **data, size_t size, obs_error *error)
{
    *out = NULL;
    obs_buffer *buffer = size > SIZE_MAX - sizeof *buffer - 1 ? NULL : obs__alloc(sizeof *buffer + size + 1);
    if (!buffer)
        return obs__fail_memory(error);
    atomic_init(&buffer->holders, 1);
    buffer->size = size;
    buffer->bytes[size] = '\0';
    *data = buffer->bytes;
    *out = buffer;
    return OBS_OK;
}

obs_status obs__buffer_copy(obs_buffer **out, const void *data, size_t size, obs_error *error)
{
    char *bytes = NULL;
    obs_status status = obs__buffer_new(out, &bytes, size, error);
    if (status == OBS_OK && size)
        memcpy(bytes, data, size);
    return status;
}

void obs__buffer_shrink(obs_buffer *buffer, size_t size)
{
    if (size < buffer->size) {
        buffer->size = size;
        buffer->bytes[size] = '\0';
    }
}

const void *obs_buffer_data(const obs_buffer *buffer)
{
    return buffer ? buffer->bytes : "";
}

size_t obs_buffer_size(const obs_buffer *buffer)
{
    return buffer ? buffer->size : 0;
}

obs_buffer *obs_buffer_retain(obs_buffer *buffer)
{
    if (buffer)
        atomic_fetch_add(&buffer->holders, 1);
    return buffer;
}

void obs_buffer_free(obs_buffer *buffer)
{
    if (buffer && atomic_fetch_sub(&buffer->holders, 1) == 1)
        obs__free(buffer);
}

obs_status obs_rows_next(obs_rows *rows, const char **text, size_t *size, obs_error *error)
{
    size_t ignored;
    if (!rows || !text)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "rows and text are required");
    *text = NULL;
    obs__ok(error);
    return rows->ops->next(rows, text, size ? size : &ignored, error);
}

const char *obs_rows_position(const obs_rows *rows)
{
    return rows ? rows->ops->position(rows) : "";
}

void obs_rows_free(obs_rows *rows)
{
    if (rows)
        rows->ops->free(rows);
}

struct line_rows {
    obs_rows base;
    obs_buffer *lines;
    size_t at;
};

static obs_status line_next(obs_rows *rows, const char **text, size_t *size, obs_error *error)
{
    struct line_rows *self = (struct line_rows *)rows;
    char *bytes = self->lines->bytes;
    (void)error;
    if (self->at >= self->lines->size)
        return OBS_OK;
    char *end = memchr(bytes + self->at, '\n', self->lines->size - self->at);
    *text = bytes + self->at;
    *size = end ? (size_t)(end - *text) : self->lines->size - self->at;
    bytes[self->at + *size] = '\0';
    self->at += *size + 1;
    return OBS_OK;
}

static const char *line_position(const obs_rows *rows)
{
    (void)rows;
    return "";
}

static void line_free(obs_rows *rows)
{
    struct line_rows *self = (struct line_rows *)rows;
    obs_buffer_free(self->lines);
    obs__free(self);
}

obs_status obs__rows_from_lines(obs_rows **out, obs_buffer *lines, obs_error *error)
{
    static const obs__rows_ops ops = {line_next, line_position, line_free};
    struct line_rows *self = obs__calloc(1, sizeof *self);
    *out = NULL;
    if (!self) {
        obs_buffer_free(lines);
        return obs__fail_memory(error);
    }
    self->base.ops = &ops;
    self->lines = lines;
    *out = &self->base;
    return OBS_OK;
}
