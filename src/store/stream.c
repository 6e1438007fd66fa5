/* Objects piece by piece. */
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "store/private.h"

struct obs_writer {
    obs_store *store;
    unsigned generation;
    obs__put_kept *kept;
    obs__body body;
    obs__limit limit; /* of the writes: no end, but cancelled as the call is */
    int closed;       /* failed or committed: only to be freed */
    size_t key_size;
    char key[];
};

struct obs_reader {
    obs_store *store;
    obs_stat *stat;
    obs_cancel *cancel;
    obs__limit limit;
    uint64_t at;
    obs__source source; /* not moved: its entry points inside */
    int opened;
    char *block;       /* the last one that was read only in part */
    uint64_t block_at; /* where it begins */
    size_t block_size; /* 0: none */
    size_t key_size;
    char key[];
};

/* Whether the caller may write there at all, before any byte is taken. */
static obs_status enter_writer(obs_store *store, obs__view key, const obs_put_options *options, obs_error *error)
{
    obs__scope scope;
    obs_status status =
        obs__gate_enter(&scope, store->gate, OBS__CHANGE, "store.put", key.data, key.size, options->call, error);
    if (status != OBS_OK)
        return status;
    return obs__gate_leave(&scope, obs__change_check(store, options, error), error);
}

obs_status obs_writer_open(obs_writer **out, obs_store *store, const char *key, size_t key_size, const obs_put_options *options,
                           obs_error *error)
{
    obs_put_options given;
    obs__view view;
    if (!out || !store)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "out and store are required");
    *out = NULL;
    obs__options_take(&given, sizeof given, options);
    obs_status status = obs__key_check(&view, key, key_size, error);
    if (status == OBS_OK)
        status = enter_writer(store, view, &given, error);
    if (status != OBS_OK)
        return status;
    obs_writer *writer = obs__calloc(1, sizeof *writer + view.size);
    if (!writer)
        return obs__fail_memory(error);
    memcpy(writer->key, view.data, view.size);
    writer->key_size = view.size;
    writer->store = obs__store_retain(store);
    writer->generation = obs__generation();
    store->driver->body_init(&writer->body, store->volume);
    status = obs__put_keep(&writer->kept, options, error);
    if (status != OBS_OK) {
        obs_writer_free(writer);
        return status;
    }
    writer->limit = obs__limit_in(-1, writer->kept->cancel);
    *out = writer;
    return obs__ok(error);
}

static obs_status check_open(const obs_writer *writer, obs_error *error)
{
    if (writer->generation != obs__generation())
        return obs__fail(error, OBS_FAILED_PRECONDITION,
                         "this writer belongs to the parent process: open a new one after fork");
    if (writer->closed)
        return obs__fail(error, OBS_FAILED_PRECONDITION, "this writer failed or was committed: it can only be freed");
    return OBS_OK;
}

obs_status obs_writer_write(obs_writer *writer, const void *data, size_t size, obs_error *error)
{
    if (!writer || (!data && size))
        return obs__fail(error, OBS_INVALID_ARGUMENT, "writer and data are required");
    obs_status status = check_open(writer, error);
    if (status == OBS_OK)
        status = obs__body_fill(&writer->body, data, size, &writer->limit, error);
    writer->closed |= status != OBS_OK;
    return status == OBS_OK ? obs__ok(error) : obs__gate_explain(writer->store->gate, "store.put", status, error);
}

static obs_status commit(obs_stat **out, obs_writer *writer, obs__scope *scope, obs_error *error)
{
    obs__effects effects = {0};
    obs__builder entry;
    obs__builder_init(&entry, 0);
    obs_status status = obs__change_stage(&effects, writer->store, scope, &writer->body, &writer->kept->options, &entry, error);
    if (status == OBS_OK)
        status = obs__change_stat(out, scope->object, &writer->body, &entry, error);
    if (status == OBS_OK)
        status = obs__gate_commit(scope, &effects, error);
    else
        obs__effects_free(&effects);
    obs__builder_free(&entry);
    if (status != OBS_OK && out) {
        obs_stat_free(*out);
        *out = NULL;
    }
    return status;
}

obs_status obs__store_stage_writer(obs__effects *effects, obs_writer *writer, obs__scope *scope, obs_error *error)
{
    obs__builder entry;
    obs_status status = check_open(writer, error);
    if (status != OBS_OK)
        return status;
    writer->closed = 1;
    obs__builder_init(&entry, 0);
    status = obs__change_stage(effects, writer->store, scope, &writer->body, &writer->kept->options, &entry, error);
    obs__builder_free(&entry);
    return status;
}

obs_status obs_writer_commit(obs_stat **out, obs_writer *writer, obs_error *error)
{
    obs__scope scope;
    if (out)
        *out = NULL;
    if (!writer)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "writer is required");
    obs_status status = check_open(writer, error);
    if (status != OBS_OK)
        return status;
    writer->closed = 1;
    status = obs__gate_enter(&scope, writer->store->gate, OBS__CHANGE, "store.put", writer->key, writer->key_size,
                             writer->kept->options.call, error);
    if (status != OBS_OK)
        return status;
    status = commit(out, writer, &scope, error);
    return obs__gate_leave(&scope, status, error);
}

void obs_writer_free(obs_writer *writer)
{
    if (!writer)
        return;
    writer->store->driver->body_free(&writer->body);
    obs__put_kept_free(writer->kept);
    obs_store_free(writer->store);
    obs__free(writer);
}

static obs_status open_source(obs_reader *reader, obs__scope *scope, obs_error *error)
{
    obs_store *store = reader->store;
    obs__view key = {reader->key, reader->key_size};
    obs_status status = store->driver->source(&reader->source, store->volume, key, &scope->limit, error);
    reader->opened = status == OBS_OK;
    return reader->opened ? obs__source_stat(&reader->stat, key, &reader->source, error) : status;
}

obs_status obs_reader_open(obs_reader **out, obs_store *store, const char *key, size_t key_size, const obs_call *call,
                           obs_error *error)
{
    obs__scope scope;
    obs__view view;
    if (!out || !store)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "out and store are required");
    *out = NULL;
    obs_status status = obs__key_check(&view, key, key_size, error);
    if (status != OBS_OK)
        return status;
    status = obs__gate_enter(&scope, store->gate, OBS__READ, "store.get", view.data, view.size, call, error);
    if (status != OBS_OK)
        return status;
    obs_reader *reader = obs__calloc(1, sizeof *reader + view.size);
    if (!reader)
        return obs__gate_leave(&scope, obs__fail_memory(error), error);
    memcpy(reader->key, view.data, view.size);
    reader->key_size = view.size;
    reader->store = obs__store_retain(store);
    reader->cancel = obs__cancel_retain(scope.limit.cancel);
    reader->limit = obs__limit_in(-1, reader->cancel);
    status = open_source(reader, &scope, error);
    scope.bytes = status == OBS_OK ? reader->source.size : 0;
    if (status == OBS_OK)
        *out = reader;
    else
        obs_reader_free(reader);
    return obs__gate_leave(&scope, status, error);
}

const obs_stat *obs_reader_stat(const obs_reader *reader)
{
    return reader ? reader->stat : NULL;
}

/* The block around a place, kept for the next small read. */
static obs_status load_block(obs_reader *reader, uint64_t begin, obs_error *error)
{
    uint64_t left = reader->source.size - begin;
    size_t size = left < OBS__BLOCK_SIZE ? (size_t)left : OBS__BLOCK_SIZE;
    if (reader->block_size && reader->block_at == begin)
        return OBS_OK;
    if (!reader->block)
        reader->block = obs__alloc(reader->source.size < OBS__BLOCK_SIZE ? (size_t)reader->source.size : OBS__BLOCK_SIZE);
    if (!reader->block)
        return obs__fail_memory(error);
    reader->block_size = 0;
    obs_status status = reader->source.ops->read(&reader->source, begin, reader->block, size, &reader->limit, error);
    if (status != OBS_OK)
        return status;
    reader->block_at = begin;
    reader->block_size = size;
    return OBS_OK;
}

/* One step: whole blocks go straight to the caller, the rest by way of the kept block. */
static obs_status read_step(size_t *got, obs_reader *reader, char *data, size_t size, obs_error *error)
{
    uint64_t begin = reader->at - reader->at % OBS__BLOCK_SIZE;
    uint64_t left = reader->source.size - reader->at;
    size_t whole = size - size % OBS__BLOCK_SIZE;
    obs_status status;
    if (size >= left && reader->at == begin)
        whole = (size_t)left;
    if (whole && reader->at == begin) {
        *got = whole;
        return reader->source.ops->read(&reader->source, reader->at, data, whole, &reader->limit, error);
    }
    status = load_block(reader, begin, error);
    if (status != OBS_OK)
        return status;
    size_t from = (size_t)(reader->at - begin);
    *got = size < reader->block_size - from ? size : reader->block_size - from;
    memcpy(data, reader->block + from, *got);
    return OBS_OK;
}

obs_status obs_reader_read(size_t *out_size, obs_reader *reader, void *data, size_t capacity, obs_error *error)
{
    if (!out_size || !reader || (!data && capacity))
        return obs__fail(error, OBS_INVALID_ARGUMENT, "out_size, reader and data are required");
    *out_size = 0;
    uint64_t left = reader->at < reader->source.size ? reader->source.size - reader->at : 0;
    size_t wanted = capacity < left ? capacity : (size_t)left;
    obs_status status = obs__limit_check(&reader->limit, error);
    while (status == OBS_OK && *out_size < wanted) {
        size_t got = 0;
        status = read_step(&got, reader, (char *)data + *out_size, wanted - *out_size, error);
        if (status == OBS_OK) {
            *out_size += got;
            reader->at += got;
        }
    }
    if (status != OBS_OK)
        *out_size = 0;
    return status == OBS_OK ? obs__ok(error) : status;
}

obs_status obs_reader_seek(obs_reader *reader, uint64_t offset, obs_error *error)
{
    if (!reader)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "reader is required");
    reader->at = offset;
    return obs__ok(error);
}

void obs_reader_free(obs_reader *reader)
{
    if (!reader)
        return;
    if (reader->opened)
        reader->source.ops->close(&reader->source);
    obs_stat_free(reader->stat);
    obs_cancel_free(reader->cancel);
    obs_store_free(reader->store);
    obs__free(reader->block);
    obs__free(reader);
}
