/*
 * The hash tree of the log: RFC 6962, section 2, over SHA-256. Hashing, appending with nothing but the right edge in memory,
 * proofs: making them from stored nodes and checking them with nothing else.
 *
 * A node is named by level and index: (0, 5) is the leaf 5, (3, 1) the root of the leaves 8 to 15. Only whole nodes are named.
 */
#ifndef OBS_AUDIT_TREE_H
#define OBS_AUDIT_TREE_H

#include "base/hash.h"
#include "base/text.h"

typedef struct obs__tree_hash {
    unsigned char bytes[OBS__SHA256_SIZE];
} obs__tree_hash;

int obs__tree_equal(const obs__tree_hash *a, const obs__tree_hash *b);

/* What computes hashes; for one thread at a time. A hash that fails (nothing but memory can be missing) is all zero bits, which
 * no proof fits, and obs__tree_hasher_status() says so from then on: ask it before what was computed is written or signed. */
typedef struct obs__tree_hasher obs__tree_hasher;
obs_status obs__tree_hasher_new(obs__tree_hasher **out, obs_error *error);
void obs__tree_hasher_free(obs__tree_hasher *hasher);
obs_status obs__tree_hasher_status(const obs__tree_hasher *hasher, obs_error *error);

/* SHA-256(), SHA-256(0x00 || leaf), SHA-256(0x01 || left || right). */
void obs__tree_empty(obs__tree_hasher *hasher, obs__tree_hash *out);
void obs__tree_leaf(obs__tree_hasher *hasher, obs__tree_hash *out, obs__view leaf);
void obs__tree_node(obs__tree_hasher *hasher, obs__tree_hash *out, const obs__tree_hash *left, const obs__tree_hash *right);

/* The right edge of a tree that grows: one whole node for each bit that is set in its size, the largest first. Zero is empty.
 */
typedef struct obs__tree_range {
    uint64_t size;
    obs__tree_hash nodes[64];
} obs__tree_range;

/* Appends a whole node; the size must be a multiple of the 2^level leaves below it. */
void obs__tree_range_add(obs__tree_range *range, obs__tree_hasher *hasher, unsigned level, const obs__tree_hash *node);
void obs__tree_range_root(const obs__tree_range *range, obs__tree_hasher *hasher, obs__tree_hash *out);

/* Where nodes are stored. */
typedef struct obs__tree_reader {
    obs_status (*node)(void *user, obs__tree_hash *out, unsigned level, uint64_t index, obs_error *error);
    void *user;
} obs__tree_reader;

#define OBS__TREE_PROOF_MAX 65

/* From the leaves upwards. */
typedef struct obs__tree_proof {
    size_t count;
    obs__tree_hash hashes[OBS__TREE_PROOF_MAX];
} obs__tree_proof;

/* The root that the tree had when it was so large. */
obs_status obs__tree_root_at(obs__tree_hash *out, obs__tree_hasher *hasher, const obs__tree_reader *reader, uint64_t size,
                             obs_error *error);
/* That leaf `index` is in the tree of `size`; index < size. */
obs_status obs__tree_prove_inclusion(obs__tree_proof *out, obs__tree_hasher *hasher, const obs__tree_reader *reader,
                                     uint64_t index, uint64_t size, obs_error *error);
/* That the tree of `to` leaves begins with the one of `from`; from <= to. */
obs_status obs__tree_prove_consistency(obs__tree_proof *out, obs__tree_hasher *hasher, const obs__tree_reader *reader,
                                       uint64_t from, uint64_t to, obs_error *error);

/* 1 when the proof holds, else 0. Nothing is assumed about the numbers. */
int obs__tree_check_inclusion(obs__tree_hasher *hasher, const obs__tree_hash *leaf, uint64_t index, uint64_t size,
                              const obs__tree_proof *proof, const obs__tree_hash *root);
/* Every tree goes on from the empty one, whose proof is empty. */
int obs__tree_check_consistency(obs__tree_hasher *hasher, uint64_t from, const obs__tree_hash *from_root, uint64_t to,
                                const obs__tree_hash *to_root, const obs__tree_proof *proof);

/* The same for the leaves [start, end), where `start` is a multiple of the smallest power of two that is not below their
 * number: of one of them in their root, and of their root in that of a tree of `size`. */
int obs__tree_check_subtree_inclusion(obs__tree_hasher *hasher, const obs__tree_hash *leaf, uint64_t index, uint64_t start,
                                      uint64_t end, const obs__tree_proof *proof, const obs__tree_hash *root);
int obs__tree_check_subtree_consistency(obs__tree_hasher *hasher, uint64_t start, uint64_t end, const obs__tree_hash *subtree,
                                        uint64_t size, const obs__tree_hash *root, const obs__tree_proof *proof);

#endif
