/* The `_start` forms: the same calls on a thread of the pool. */
#include <limits.h>
#include <string.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/queue.h"
#include "store/private.h"

#define PIECE_SIZE OBS__BLOCK_SIZE

/* What one operation needs until it ends. */
typedef struct obs__started {
    obs_store *store;
    obs__put_kept *kept; /* also holds what a get, head or delete is told */
    const void *data;
    size_t size;
    uint64_t offset;
    uint64_t length;
    int progress;
    size_t key_size;
    char key[];
} obs__started;

static void free_started(void *state)
{
    obs__started *self = state;
    obs__put_kept_free(self->kept);
    obs_store_free(self->store);
    obs__free(self);
}

static obs_status new_started(obs__started **out, obs_store *store, const char *key, size_t key_size,
                              const obs_put_options *options, obs_error *error)
{
    obs__view view;
    *out = NULL;
    if (!store)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "store is required");
    obs_status status = obs__key_check(&view, key, key_size, error);
    if (status != OBS_OK)
        return status;
    obs__started *self = obs__calloc(1, sizeof *self + view.size);
    if (!self)
        return obs__fail_memory(error);
    status = obs__put_keep(&self->kept, options, error);
    if (status != OBS_OK) {
        obs__free(self);
        return status;
    }
    self->store = obs__store_retain(store);
    memcpy(self->key, view.data, view.size);
    self->key_size = view.size;
    *out = self;
    return OBS_OK;
}

/* Hands the state over; a failure frees it. */
static obs_status start(obs_operation **out, obs_queue *queue, uint64_t tag, const obs__operation_ops *ops, obs__started *self,
                        obs_error *error)
{
    const obs__limit limit = obs__limit_of(&self->kept->call);
    obs_status status = queue ? obs__operation_start(out, queue, tag, ops, self, &limit, self->progress, error)
                              : obs__fail(error, OBS_INVALID_ARGUMENT, "a queue is required");
    if (status != OBS_OK)
        free_started(self);
    return status == OBS_OK ? obs__ok(error) : status;
}

/* The call as it goes on: with what is left of its time, and ended by the operation's own token, too. */
static void set_call(obs__started *self, const obs__limit *limit)
{
    obs_call *call = &self->kept->call;
    int left = obs__limit_left_ms(limit, INT_MAX);
    call->timeout_ms = limit->end_ns == INT64_MAX ? -1 : left ? left : 1;
    call->cancel = limit->cancel;
    self->kept->options.call = call;
}

static void free_stat(void *stat)
{
    obs_stat_free(stat);
}

static void leave_stat(obs_operation *operation, obs_stat *stat)
{
    if (stat)
        obs__operation_set_result(operation, stat, free_stat);
}

/* With progress, in pieces. */
static obs_status put_pieces(obs_stat **out, obs_operation *operation, obs__started *self, obs_error *error)
{
    obs_writer *writer = NULL;
    obs_status status = obs_writer_open(&writer, self->store, self->key, self->key_size, &self->kept->options, error);
    for (size_t at = 0; status == OBS_OK && at < self->size;) {
        size_t piece = self->size - at < PIECE_SIZE ? self->size - at : PIECE_SIZE;
        status = obs_writer_write(writer, (const char *)self->data + at, piece, error);
        at += piece;
        if (status == OBS_OK)
            obs__operation_progress(operation, at);
    }
    if (status == OBS_OK)
        status = obs_writer_commit(out, writer, error);
    obs_writer_free(writer);
    return status;
}

static obs_status run_put(obs_operation *operation, void *state, const obs__limit *limit, obs_error *error)
{
    obs__started *self = state;
    obs_stat *stat = NULL;
    obs_status status;
    set_call(self, limit);
    if (self->progress)
        status = put_pieces(&stat, operation, self, error);
    else
        status =
            obs_store_put(&stat, self->store, self->key, self->key_size, self->data, self->size, &self->kept->options, error);
    leave_stat(operation, stat);
    return status;
}

obs_status obs_store_put_start(obs_operation **out, obs_queue *queue, uint64_t tag, obs_store *store, const char *key,
                               size_t key_size, const void *data, size_t size, const obs_put_options *options, obs_error *error)
{
    static const obs__operation_ops ops = {.run = run_put, .free = free_started};
    obs__started *self = NULL;
    if (!out || (!data && size))
        return obs__fail(error, OBS_INVALID_ARGUMENT, "out and data are required");
    *out = NULL;
    obs_status status = new_started(&self, store, key, key_size, options, error);
    if (status != OBS_OK)
        return status;
    self->data = data;
    self->size = size;
    self->progress = self->kept->options.progress;
    return start(out, queue, tag, &ops, self, error);
}

static obs_get_options get_options(const obs__started *self)
{
    const obs_put_options *kept = &self->kept->options;
    return (obs_get_options){.size = sizeof(obs_get_options),
                             .call = kept->call,
                             .offset = self->offset,
                             .length = self->length,
                             .if_match = kept->if_match,
                             .if_none_match = kept->if_none_match};
}

/* The rest of a get with progress: the object stays the same through all pieces. */
static obs_status read_pieces(char *data, uint64_t size, obs_reader *reader, obs_operation *operation, obs_error *error)
{
    obs_status status = OBS_OK;
    for (uint64_t at = 0; status == OBS_OK && at < size;) {
        size_t got = 0;
        status = obs_reader_read(&got, reader, data + at, size - at < PIECE_SIZE ? (size_t)(size - at) : PIECE_SIZE, error);
        if (status == OBS_OK && !got)
            status = obs__fail(error, OBS_DATA_LOSS, "the object is shorter than it was");
        at += got;
        if (status == OBS_OK)
            obs__operation_progress(operation, at);
    }
    return status;
}

static obs_status get_pieces(obs_buffer **out, obs_operation *operation, obs__started *self, obs_error *error)
{
    obs_reader *reader = NULL;
    char *data = NULL;
    const obs_get_options options = get_options(self);
    obs_status status = obs_reader_open(&reader, self->store, self->key, self->key_size, options.call, error);
    if (status != OBS_OK)
        return status;
    const obs_stat *stat = obs_reader_stat(reader);
    uint64_t length = stat->size;
    const obs__condition condition = {.if_match = options.if_match, .if_none_match = options.if_none_match};
    obs__view key = {stat->key, stat->key_size};
    status = obs__condition_check(&condition, key, obs__view_of(stat->etag, OBS_TEXT), error);
    if (status == OBS_OK)
        status = obs__range_clip(&length, &options, key, error);
    if (status == OBS_OK)
        status = obs_reader_seek(reader, self->offset, error);
    if (status == OBS_OK)
        status = obs__buffer_new(out, &data, (size_t)length, error);
    if (status == OBS_OK)
        status = read_pieces(data, length, reader, operation, error);
    if (status != OBS_OK) {
        obs_buffer_free(*out);
        *out = NULL;
    }
    obs_reader_free(reader);
    return status;
}

static obs_status run_get(obs_operation *operation, void *state, const obs__limit *limit, obs_error *error)
{
    obs__started *self = state;
    obs_buffer *buffer = NULL;
    obs_status status;
    set_call(self, limit);
    const obs_get_options options = get_options(self);
    if (self->progress)
        status = get_pieces(&buffer, operation, self, error);
    else
        status = obs_store_get(&buffer, self->store, self->key, self->key_size, &options, error);
    if (buffer)
        obs__operation_set_buffer(operation, buffer);
    return status;
}

obs_status obs_store_get_start(obs_operation **out, obs_queue *queue, uint64_t tag, obs_store *store, const char *key,
                               size_t key_size, const obs_get_options *options, obs_error *error)
{
    static const obs__operation_ops ops = {.run = run_get, .free = free_started};
    obs__started *self = NULL;
    obs_get_options given;
    if (!out)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "out is required");
    *out = NULL;
    obs__options_take(&given, sizeof given, options);
    const obs_put_options kept = {
        .size = sizeof kept, .call = given.call, .if_match = given.if_match, .if_none_match = given.if_none_match};
    obs_status status = new_started(&self, store, key, key_size, &kept, error);
    if (status != OBS_OK)
        return status;
    self->offset = given.offset;
    self->length = given.length;
    self->progress = given.progress;
    return start(out, queue, tag, &ops, self, error);
}

static obs_status run_head(obs_operation *operation, void *state, const obs__limit *limit, obs_error *error)
{
    obs__started *self = state;
    obs_stat *stat = NULL;
    set_call(self, limit);
    obs_status status = obs_store_head(&stat, self->store, self->key, self->key_size, &self->kept->call, error);
    leave_stat(operation, stat);
    return status;
}

obs_status obs_store_head_start(obs_operation **out, obs_queue *queue, uint64_t tag, obs_store *store, const char *key,
                                size_t key_size, const obs_call *call, obs_error *error)
{
    static const obs__operation_ops ops = {.run = run_head, .free = free_started};
    obs__started *self = NULL;
    const obs_put_options kept = {.size = sizeof kept, .call = call};
    if (!out)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "out is required");
    *out = NULL;
    obs_status status = new_started(&self, store, key, key_size, &kept, error);
    return status == OBS_OK ? start(out, queue, tag, &ops, self, error) : status;
}

static obs_status run_delete(obs_operation *operation, void *state, const obs__limit *limit, obs_error *error)
{
    obs__started *self = state;
    (void)operation;
    set_call(self, limit);
    const obs_change_options options = {
        .size = sizeof options, .call = &self->kept->call, .if_match = self->kept->options.if_match};
    return obs_store_delete(self->store, self->key, self->key_size, &options, error);
}

obs_status obs_store_delete_start(obs_operation **out, obs_queue *queue, uint64_t tag, obs_store *store, const char *key,
                                  size_t key_size, const obs_change_options *options, obs_error *error)
{
    static const obs__operation_ops ops = {.run = run_delete, .free = free_started};
    obs__started *self = NULL;
    obs_change_options given;
    if (!out)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "out is required");
    *out = NULL;
    obs__options_take(&given, sizeof given, options);
    const obs_put_options kept = {.size = sizeof kept, .call = given.call, .if_match = given.if_match};
    obs_status status = new_started(&self, store, key, key_size, &kept, error);
    return status == OBS_OK ? start(out, queue, tag, &ops, self, error) : status;
}

obs_status obs_operation_take_stat(obs_stat **out, obs_operation *operation, obs_error *error)
{
    void *result = NULL;
    if (!out)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "out is required");
    *out = NULL;
    obs_status status = obs__operation_take_result(&result, operation, free_stat, error);
    *out = result;
    return status;
}
