#include "audit/segment.h"

#include <string.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/hash.h"

/* Most of a record is random digits: higher levels take longer and find nothing more. */
#define LEVEL 3
#define HEAD_SIZE 8
#define TAIL_SIZE (HEAD_SIZE + OBS__SHA256_SIZE)

/* A skippable frame: magic number and size, little-endian. */
static const unsigned char tail_head[HEAD_SIZE] = {0x5b, 0x2a, 0x4d, 0x18, OBS__SHA256_SIZE, 0, 0, 0};

size_t obs__segment_most(size_t bytes)
{
    return ZSTD_compressBound(bytes) + TAIL_SIZE;
}

static obs_status damaged(obs_error *error)
{
    return obs__fail(error, OBS_DATA_LOSS, "the sealed records are not what was sealed");
}

static obs_status failed(size_t code, obs_error *error)
{
    if (ZSTD_getErrorCode(code) == ZSTD_error_memory_allocation)
        return obs__fail_memory(error);
    return damaged(error);
}

static obs_status add_tail(char *data, size_t size, obs_error *error)
{
    memcpy(data + size, tail_head, HEAD_SIZE);
    return obs__sha256((unsigned char *)data + size + HEAD_SIZE, data, size, error);
}

static obs_status compress(size_t *size, ZSTD_CCtx *context, char *data, size_t capacity, obs__view bytes, obs_error *error)
{
    ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, LEVEL);
    ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
    *size = ZSTD_compress2(context, data, capacity, bytes.data, bytes.size);
    if (!ZSTD_isError(*size))
        return OBS_OK;
    return ZSTD_getErrorCode(*size) == ZSTD_error_memory_allocation
               ? obs__fail_memory(error)
               : obs__fail(error, OBS_INTERNAL, "cannot compress records: %s", ZSTD_getErrorName(*size));
}

obs_status obs__segment_pack(obs_buffer **out, obs__view bytes, obs_error *error)
{
    char *data;
    size_t size = 0, capacity = ZSTD_compressBound(bytes.size);
    obs_status status = obs__buffer_new(out, &data, capacity + TAIL_SIZE, error);
    if (status != OBS_OK)
        return status;
    ZSTD_CCtx *context = ZSTD_createCCtx();
    status = context ? compress(&size, context, data, capacity, bytes, error) : obs__fail_memory(error);
    ZSTD_freeCCtx(context);
    if (status == OBS_OK)
        status = add_tail(data, size, error);
    if (status == OBS_OK) {
        obs__buffer_shrink(*out, size + TAIL_SIZE);
        return OBS_OK;
    }
    obs_buffer_free(*out);
    *out = NULL;
    return status;
}

/* One frame of a known size and the digest of it, and nothing else. */
static obs_status check(obs__view *frame, size_t *size, obs__view packed, size_t most, obs_error *error)
{
    unsigned char digest[OBS__SHA256_SIZE];
    if (packed.size <= TAIL_SIZE)
        return damaged(error);
    *frame = (obs__view){packed.data, packed.size - TAIL_SIZE};
    const char *tail = packed.data + frame->size;
    obs_status status = obs__sha256(digest, frame->data, frame->size, error);
    if (status != OBS_OK)
        return status;
    if (memcmp(tail, tail_head, HEAD_SIZE) != 0 || memcmp(tail + HEAD_SIZE, digest, sizeof digest) != 0)
        return damaged(error);
    unsigned long long content = ZSTD_getFrameContentSize(frame->data, frame->size);
    if (content > most || ZSTD_findFrameCompressedSize(frame->data, frame->size) != frame->size) /* errors are large, too */
        return damaged(error);
    *size = (size_t)content;
    return OBS_OK;
}

obs_status obs__segment_unpack(obs_buffer **out, obs__view packed, size_t most, obs_error *error)
{
    obs__view frame = {"", 0};
    char *data;
    size_t size = 0;
    *out = NULL;
    obs_status status = check(&frame, &size, packed, most, error);
    if (status == OBS_OK)
        status = obs__buffer_new(out, &data, size, error);
    if (status != OBS_OK)
        return status;
    size_t got = ZSTD_decompress(data, size, frame.data, frame.size);
    if (got == size)
        return OBS_OK;
    obs_buffer_free(*out);
    *out = NULL;
    return ZSTD_isError(got) ? failed(got, error) : damaged(error);
}
