/*
 * What is kept about an object besides its bytes, as lines of text: the same lines go to the pending row of a commit, to
 * the sidecar of a file and to an object in memory. docs/on-disk.md publishes them.
 *
 *     etag "3c7a…"
 *     type application/fits
 *     sha256 <64 hexadecimal digits>
 *     meta <name> <value>
 *     label <name> <value>
 *     crc32c <8 hexadecimal digits for each 1 MiB block>
 */
#ifndef OBS_STORE_ENTRY_H
#define OBS_STORE_ENTRY_H

#include <obs/store.h>

#include "base/hash.h"
#include "base/text.h"

#define OBS__BLOCK_SIZE ((size_t)1 << 20)
#define OBS__ETAG_SIZE 48
#define OBS__PAIRS_MAX 64

/* Checksums of bytes that come in pieces. */
typedef struct obs__digest {
    obs__sha256_stream *sha256;
    uint64_t size;
    uint32_t crc;        /* of the block that is not full yet */
    obs__builder blocks; /* the digits of each full block, as the entry has them */
    unsigned char hash[OBS__SHA256_SIZE];
} obs__digest;

void obs__digest_init(obs__digest *digest);
obs_status obs__digest_add(obs__digest *digest, const void *data, size_t size, obs_error *error);
/* Closes the last block and the hash. */
obs_status obs__digest_end(obs__digest *digest, obs_error *error);
void obs__digest_free(obs__digest *digest);

/* An entity tag that no other write has. */
obs_status obs__etag_new(char out[OBS__ETAG_SIZE], const unsigned char hash[OBS__SHA256_SIZE], obs_error *error);
/* A time that no other write of this process has, so that a file is told from its predecessor by it. */
int64_t obs__write_time(void);

/* What the caller tells about an object, checked. All borrowed. */
typedef struct obs__about {
    const char *content_type;
    const obs_pair *metadata;
    size_t metadata_count;
    const obs_pair *labels;
    size_t label_count;
} obs__about;

obs_status obs__about_check(const obs__about *about, obs_error *error);
/* Checks pairs: names of 1 to 128 bytes, values up to 4,096, each name once. `what` is "label" or "metadata". */
obs_status obs__pairs_check(const obs_pair *pairs, size_t count, const char *what, obs_error *error);

/* Copies of pairs in one allocation; obs__free(). */
obs_status obs__pairs_copy(obs_pair **out, const obs_pair *pairs, size_t count, obs_error *error);
/* Writes the lines. */
obs_status obs__entry_write(obs__builder *out, const char *etag, const obs__digest *digest, const obs__about *about,
                            obs_error *error);
/* Writes them anew with labels merged in; one with value "" is removed. The entity tag stays: the bytes do. */
obs_status obs__entry_relabel(obs__builder *out, obs__view entry, const obs_pair *labels, size_t count, obs_error *error);

/* The rest of the first line that begins with `name`; an empty view when there is none. */
obs__view obs__entry_field(obs__view entry, const char *name);
/* The checksum of a block; 0 when the entry has none for it. */
int obs__entry_crc(uint32_t *out, obs__view entry, uint64_t block);

/* The public form, in one allocation. An empty entry gives the stat of an object that was changed outside. */
obs_status obs__stat_new(obs_stat **out, obs__view key, uint64_t size, int64_t modified_ns, obs__view entry, obs_error *error);
/* The entity tag of an object that was changed outside is made from what the file system knows. */
obs_status obs__stat_new_changed(obs_stat **out, obs__view key, uint64_t size, int64_t modified_ns, const char *etag,
                                 obs_error *error);
obs_status obs__stat_new_prefix(obs_stat **out, obs__view key, obs_error *error);

#endif
