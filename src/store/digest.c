/* Checksums of an object: SHA-256 of the whole, CRC-32C of each block. */
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "store/entry.h"

/* The text of all blocks of the largest object: 16 TiB. */
#define BLOCKS_LIMIT ((size_t)9 << 24)

void obs__digest_init(obs__digest *digest)
{
    memset(digest, 0, sizeof *digest);
    obs__builder_init(&digest->blocks, BLOCKS_LIMIT);
}

static void add_block(obs__digest *digest)
{
    obs__add_format(&digest->blocks, " %08x", (unsigned)digest->crc);
    digest->crc = 0;
}

obs_status obs__digest_add(obs__digest *digest, const void *data, size_t size, obs_error *error)
{
    const char *bytes = data;
    obs_status status = digest->sha256 ? OBS_OK : obs__sha256_begin(&digest->sha256, error);
    while (status == OBS_OK && size) {
        size_t left = OBS__BLOCK_SIZE - (size_t)(digest->size % OBS__BLOCK_SIZE);
        size_t piece = size < left ? size : left;
        digest->crc = obs__crc32c(digest->crc, bytes, piece);
        status = obs__sha256_add(digest->sha256, bytes, piece, error);
        digest->size += piece;
        bytes += piece;
        size -= piece;
        if (piece == left)
            add_block(digest);
    }
    return status;
}

obs_status obs__digest_end(obs__digest *digest, obs_error *error)
{
    obs_status status = digest->sha256 ? OBS_OK : obs__sha256_begin(&digest->sha256, error);
    if (status == OBS_OK)
        status = obs__sha256_end(digest->hash, digest->sha256, error);
    if (digest->size % OBS__BLOCK_SIZE)
        add_block(digest);
    return status == OBS_OK ? obs__builder_status(&digest->blocks, error) : status;
}

void obs__digest_free(obs__digest *digest)
{
    obs__sha256_free(digest->sha256);
    obs__builder_free(&digest->blocks);
    digest->sha256 = NULL;
}

obs_status obs__etag_new(char out[OBS__ETAG_SIZE], const unsigned char hash[OBS__SHA256_SIZE], obs_error *error)
{
    unsigned char unique[8];
    char left[25];
    char right[17];
    obs_status status = obs__random(unique, sizeof unique, error);
    if (status != OBS_OK)
        return status;
    obs__hex(left, hash, 12);
    obs__hex(right, unique, sizeof unique);
    snprintf(out, OBS__ETAG_SIZE, "\"%s-%s\"", left, right);
    return OBS_OK;
}

int64_t obs__write_time(void)
{
    static _Atomic int64_t last;
    int64_t before = last;
    int64_t now;
    do {
        now = obs__now_ns();
        if (now <= before)
            now = before + 1;
    } while (!atomic_compare_exchange_weak(&last, &before, now));
    return now;
}
