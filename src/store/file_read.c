/* Reading: a body, its entry, and every block checked. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "store/file.h"

/* What opening one file gave. */
typedef struct obs__opened {
    int fd;
    obs__tag tag;
} obs__opened;

static obs_status open_form(obs__opened *out, obs__file_root *root, obs__view key, obs__key_form form, obs_error *error)
{
    char path[OBS__KEY_PATH_SIZE];
    struct stat found;
    obs__key_path(path, key, form);
    obs_status status = obs__open_at(&out->fd, root->fd, path, O_RDONLY | O_NONBLOCK, 0, error);
    if (status != OBS_OK)
        return status;
    if (fstat(out->fd, &found) != 0)
        status = obs__fail_system(error, errno, "cannot read '%s'", path);
    else if (S_ISDIR(found.st_mode))
        status = obs__fail(error, OBS_NOT_FOUND, "'%s' is a folder", path);
    else if (!S_ISREG(found.st_mode))
        status = obs__fail(error, OBS_FAILED_PRECONDITION, "'%s' is not an ordinary file", path);
    out->tag = obs__tag_of(&found);
    if (status != OBS_OK)
        close(out->fd);
    return status;
}

static obs_status open_body(obs__opened *out, obs__file_root *root, obs__view key, obs_error *error)
{
    obs_status status = open_form(out, root, key, OBS__KEY_PLAIN, NULL);
    if (status == OBS_NOT_FOUND)
        status = open_form(out, root, key, OBS__KEY_BESIDE, NULL);
    if (status == OBS_OK)
        return OBS_OK;
    if (status == OBS_NOT_FOUND)
        return obs__fail(error, OBS_NOT_FOUND, "there is no object '%.*s'", (int)key.size, key.data);
    /* Once more, for the sentence. */
    status = open_form(out, root, key, OBS__KEY_PLAIN, error);
    if (status == OBS_OK)
        return OBS_OK;
    return status == OBS_NOT_FOUND ? open_form(out, root, key, OBS__KEY_BESIDE, error) : status;
}

/* Whether the body in place is still the opened one; as long as we hold it no other file gets its inode. */
static obs_status is_same(int *same, const obs__opened *opened, obs__file_root *root, obs__view key, obs_error *error)
{
    obs__opened again;
    obs_status status = open_body(&again, root, key, error);
    *same = status == OBS_OK && obs__tag_equal(&again.tag, &opened->tag);
    if (status == OBS_OK)
        close(again.fd);
    return status;
}

static obs_status read_all(int fd, char *data, size_t size, uint64_t offset, size_t *got, obs_error *error)
{
    *got = 0;
    while (*got < size) {
        ssize_t count = pread(fd, data + *got, size - *got, (off_t)(offset + *got));
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return obs__fail_system(error, errno, "cannot read the object");
        if (count == 0)
            break;
        *got += (size_t)count;
    }
    return OBS_OK;
}

/* Bytes do not match: damaged, unless another tool is writing to the file at this moment. */
static obs_status mismatch(obs__source *source, uint64_t block, obs_error *error)
{
    struct stat found = {0};
    if (fstat(source->fd, &found) == 0) {
        obs__tag tag = obs__tag_of(&found);
        if (tag.size != source->size || tag.modified_ns != source->modified_ns)
            return obs__fail(error, OBS_ABORTED, "another program changed '%.*s' while it was read: read it again",
                             (int)source->key.size, source->key.data);
    }
    obs_status status =
        obs__fail(error, OBS_DATA_LOSS,
                  "block %llu (bytes %llu to %llu) of '%.*s' does not match its checksum: restore it from a "
                  "copy, or write it anew",
                  (unsigned long long)block, (unsigned long long)(block * OBS__BLOCK_SIZE),
                  (unsigned long long)((block + 1) * OBS__BLOCK_SIZE - 1), (int)source->key.size, source->key.data);
    obs__detail(error, "inode %llu", (unsigned long long)found.st_ino);
    return status;
}

/* One block, whole: `data` holds all of it. */
static obs_status read_block(obs__source *source, uint64_t block, char *data, size_t size, obs_error *error)
{
    size_t got = 0;
    uint32_t crc = 0;
    obs_status status = read_all(source->fd, data, size, block * OBS__BLOCK_SIZE, &got, error);
    if (status != OBS_OK || (!source->entry.size && got == size))
        return status;
    if (got < size || !obs__entry_crc(&crc, source->entry, block) || crc != obs__crc32c(0, data, size))
        return mismatch(source, block, error);
    return OBS_OK;
}

/* A piece of a block: the whole block is read aside, so that it can be checked. */
static obs_status read_piece(obs__source *source, uint64_t block, size_t block_size, size_t from, char *data, size_t size,
                             obs_error *error)
{
    char *room = obs__alloc(block_size);
    if (!room)
        return obs__fail_memory(error);
    obs_status status = read_block(source, block, room, block_size, error);
    if (status == OBS_OK)
        memcpy(data, room + from, size);
    obs__free(room);
    return status;
}

static obs_status file_read(obs__source *source, uint64_t offset, void *data, size_t size, const obs__limit *limit,
                            obs_error *error)
{
    char *at = data;
    obs_status status = OBS_OK;
    while (size && status == OBS_OK) {
        uint64_t block = offset / OBS__BLOCK_SIZE;
        uint64_t left = source->size - block * OBS__BLOCK_SIZE;
        size_t block_size = left < OBS__BLOCK_SIZE ? (size_t)left : OBS__BLOCK_SIZE;
        size_t from = (size_t)(offset % OBS__BLOCK_SIZE);
        size_t piece = size < block_size - from ? size : block_size - from;
        if (piece == block_size)
            status = read_block(source, block, at, piece, error);
        else
            status = read_piece(source, block, block_size, from, at, piece, error);
        at += piece;
        offset += piece;
        size -= piece;
        if (size && status == OBS_OK)
            status = obs__limit_check(limit, error);
    }
    return status;
}

static void file_close(obs__source *source)
{
    close(source->fd);
    obs_buffer_free(source->sidecar);
}

void obs__changed_etag(char out[OBS__CHANGED_ETAG_SIZE], const obs__tag *tag)
{
    snprintf(out, OBS__CHANGED_ETAG_SIZE, "\"outside-%llx-%llx-%llx\"", (unsigned long long)tag->inode,
             (unsigned long long)tag->size, (unsigned long long)tag->modified_ns);
}

static void set_source(obs__source *out, const obs__opened *opened)
{
    static const obs__source_ops ops = {file_read, NULL, file_close};
    out->ops = &ops;
    out->fd = opened->fd;
    out->size = opened->tag.size;
    out->modified_ns = opened->tag.modified_ns;
    if (!out->entry.size)
        obs__changed_etag(out->changed_etag, &opened->tag);
}

/* Opens body and entry until they belong together. Only when the same body is still there and has no entry was it
 * changed by another tool: a writer of ours puts the entry there first. */
static obs_status open_pair(obs__source *out, obs__opened *opened, obs__file_root *root, obs__view key, const obs__limit *limit,
                            obs_error *error)
{
    obs__view text;
    int same = 0;
    for (;;) {
        obs_status status = open_body(opened, root, key, error);
        if (status != OBS_OK)
            return status;
        status = obs__sidecar_read(&text, out->text, sizeof out->text, &out->sidecar, root, key, error);
        if (status == OBS_OK) {
            out->entry = obs__sidecar_find(text, &opened->tag);
            if (out->entry.size)
                return OBS_OK;
            status = is_same(&same, opened, root, key, error);
        }
        if (status == OBS_OK && same) {
            out->former = obs__sidecar_last(text);
            out->spoiled = text.size && !obs__sidecar_is_whole(text);
            return OBS_OK;
        }
        obs_buffer_free(out->sidecar);
        out->sidecar = NULL;
        close(opened->fd);
        if (status == OBS_OK)
            status = obs__limit_check(limit, error);
        if (status != OBS_OK)
            return status;
    }
}

obs_status obs__file_source(obs__source *out, obs__volume *volume, obs__view key, const obs__limit *limit, obs_error *error)
{
    obs__opened opened;
    out->volume = volume;
    out->key = key;
    out->object = NULL;
    out->sidecar = NULL;
    out->spoiled = 0;
    out->entry = out->former = (obs__view){"", 0};
    obs_status status = open_pair(out, &opened, (obs__file_root *)volume, key, limit, error);
    if (status == OBS_OK)
        set_source(out, &opened);
    return status;
}
