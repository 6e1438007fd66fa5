/*
 * Tokens that were found right before: by SHA-256 of the token, never the token itself. An entry counts only under the number
 * of the set of keys that it was checked with.
 */
#ifndef OBS_AUTH_TOKEN_CACHE_H
#define OBS_AUTH_TOKEN_CACHE_H

#include "auth/token.h"
#include "base/hash.h"

#define OBS__TOKEN_CACHE_COUNT 1024

typedef struct obs__token_cache obs__token_cache;

obs__token_cache *obs__token_cache_new(void); /* NULL without memory */
void obs__token_cache_free(obs__token_cache *cache);
/* Held for the caller, or NULL. */
obs__claims *obs__token_cache_find(obs__token_cache *cache, const unsigned char hash[OBS__SHA256_SIZE], uint64_t generation);
/* Holds the claims; makes room by what is expired, of other keys, or was not asked for longest. */
void obs__token_cache_put(obs__token_cache *cache, const unsigned char hash[OBS__SHA256_SIZE], uint64_t generation,
                          obs__claims *claims, int64_t now_ns);
/* How often one was found. */
uint64_t obs__token_cache_hits(obs__token_cache *cache);

#endif
