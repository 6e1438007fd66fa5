/* Hashes and randomness: OpenSSL EVP, and CRC-32C by ISA-L. The algorithms are fetched once. */
#ifndef OBS_BASE_HASH_H
#define OBS_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#include <obs/error.h>

#define OBS__SHA256_SIZE 32

obs_status obs__sha256(unsigned char out[OBS__SHA256_SIZE], const void *data, size_t size, obs_error *error);
obs_status obs__hmac_sha256(unsigned char out[OBS__SHA256_SIZE], const void *key, size_t key_size, const void *data,
                            size_t size, obs_error *error);

/* SHA-256 in pieces. */
typedef struct obs__sha256_stream obs__sha256_stream;
obs_status obs__sha256_begin(obs__sha256_stream **out, obs_error *error);
obs_status obs__sha256_add(obs__sha256_stream *stream, const void *data, size_t size, obs_error *error);
obs_status obs__sha256_end(unsigned char out[OBS__SHA256_SIZE], obs__sha256_stream *stream, obs_error *error);
/* Ready for another message, whatever became of the one before: cheaper than a new stream. */
obs_status obs__sha256_restart(obs__sha256_stream *stream, obs_error *error);
void obs__sha256_free(obs__sha256_stream *stream);

/* CRC-32C (Castagnoli, RFC 3720); begin with 0, go on with the result of the piece before. */
uint32_t obs__crc32c(uint32_t crc, const void *data, size_t size);

/* Bytes that nobody can guess. Safe after fork. */
obs_status obs__random(void *out, size_t size, obs_error *error);

#endif
