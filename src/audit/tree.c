#include "audit/tree.h"

#include <string.h>

#include "base/error.h"
#include "base/memory.h"

struct obs__tree_hasher {
    obs__sha256_stream *stream;
    int failed;
};

int obs__tree_equal(const obs__tree_hash *a, const obs__tree_hash *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

obs_status obs__tree_hasher_new(obs__tree_hasher **out, obs_error *error)
{
    *out = NULL;
    obs__tree_hasher *hasher = obs__calloc(1, sizeof *hasher);
    if (!hasher)
        return obs__fail_memory(error);
    obs_status status = obs__sha256_begin(&hasher->stream, error);
    if (status == OBS_OK)
        *out = hasher;
    else
        obs__free(hasher);
    return status;
}

void obs__tree_hasher_free(obs__tree_hasher *hasher)
{
    if (!hasher)
        return;
    obs__sha256_free(hasher->stream);
    obs__free(hasher);
}

obs_status obs__tree_hasher_status(const obs__tree_hasher *hasher, obs_error *error)
{
    return hasher->failed ? obs__fail_memory(error) : OBS_OK;
}

static void hash(obs__tree_hasher *hasher, obs__tree_hash *out, const void *prefix, size_t prefix_size, obs__view rest)
{
    obs__sha256_stream *stream = hasher->stream;
    if (hasher->failed || obs__sha256_restart(stream, NULL) != OBS_OK ||
        obs__sha256_add(stream, prefix, prefix_size, NULL) != OBS_OK ||
        (rest.size && obs__sha256_add(stream, rest.data, rest.size, NULL) != OBS_OK) ||
        obs__sha256_end(out->bytes, stream, NULL) != OBS_OK) {
        hasher->failed = 1;
        memset(out, 0, sizeof *out);
    }
}

void obs__tree_empty(obs__tree_hasher *hasher, obs__tree_hash *out)
{
    hash(hasher, out, "", 0, (obs__view){"", 0});
}

void obs__tree_leaf(obs__tree_hasher *hasher, obs__tree_hash *out, obs__view leaf)
{
    hash(hasher, out, "\0", 1, leaf);
}

void obs__tree_node(obs__tree_hasher *hasher, obs__tree_hash *out, const obs__tree_hash *left, const obs__tree_hash *right)
{
    char message[1 + 2 * sizeof *left] = {1};
    memcpy(message + 1, left, sizeof *left);
    memcpy(message + 1 + sizeof *left, right, sizeof *right);
    hash(hasher, out, message, sizeof message, (obs__view){"", 0});
}

/* ---- Growing. ---- */

static size_t bits_set(uint64_t number)
{
    return (size_t)__builtin_popcountll(number);
}

void obs__tree_range_add(obs__tree_range *range, obs__tree_hasher *hasher, unsigned level, const obs__tree_hash *node)
{
    obs__tree_hash sum = *node;
    size_t count = bits_set(range->size);
    /* As in counting: each bit carried over is two nodes of one level that become one. */
    for (uint64_t rest = range->size >> level; rest & 1; rest >>= 1)
        obs__tree_node(hasher, &sum, &range->nodes[--count], &sum);
    range->nodes[count] = sum;
    range->size += UINT64_C(1) << level;
}

void obs__tree_range_root(const obs__tree_range *range, obs__tree_hasher *hasher, obs__tree_hash *out)
{
    size_t count = bits_set(range->size);
    if (!count) {
        obs__tree_empty(hasher, out);
        return;
    }
    *out = range->nodes[--count];
    while (count)
        obs__tree_node(hasher, out, &range->nodes[--count], out);
}

/* ---- Checking proofs. ---- */

/* Whether the leaves [start, end) are what one node could stand for, perhaps one that is not whole yet. */
static int is_subtree(uint64_t start, uint64_t end)
{
    if (start >= end)
        return 0;
    uint64_t more = end - start - 1;
    if (!more)
        return 1;
    int width = 64 - __builtin_clzll(more);
    return width < 64 ? !(start & ((UINT64_C(1) << width) - 1)) : !start;
}

int obs__tree_check_inclusion(obs__tree_hasher *hasher, const obs__tree_hash *leaf, uint64_t index, uint64_t size,
                              const obs__tree_proof *proof, const obs__tree_hash *root)
{
    if (index >= size || proof->count > OBS__TREE_PROOF_MAX)
        return 0;
    obs__tree_hash sum = *leaf;
    uint64_t node = index, last = size - 1;
    for (size_t i = 0; i < proof->count; i++) {
        if (!last)
            return 0; /* more hashes than levels */
        if (node & 1 || node == last) {
            obs__tree_node(hasher, &sum, &proof->hashes[i], &sum);
            for (; !(node & 1) && node; node >>= 1) /* the right edge has no sibling on these levels */
                last >>= 1;
        } else {
            obs__tree_node(hasher, &sum, &sum, &proof->hashes[i]);
        }
        node >>= 1;
        last >>= 1;
    }
    return !last && obs__tree_equal(&sum, root) && obs__tree_hasher_status(hasher, NULL) == OBS_OK;
}

int obs__tree_check_subtree_inclusion(obs__tree_hasher *hasher, const obs__tree_hash *leaf, uint64_t index, uint64_t start,
                                      uint64_t end, const obs__tree_proof *proof, const obs__tree_hash *root)
{
    if (!is_subtree(start, end) || index < start)
        return 0;
    return obs__tree_check_inclusion(hasher, leaf, index - start, end - start, proof, root);
}

int obs__tree_check_consistency(obs__tree_hasher *hasher, uint64_t from, const obs__tree_hash *from_root, uint64_t to,
                                const obs__tree_hash *to_root, const obs__tree_proof *proof)
{
    return obs__tree_check_subtree_consistency(hasher, 0, from, from_root, to, to_root, proof);
}

/* Where the way from the subtree to the root is: its first and last node, and the last of the tree, on one level. */
struct way {
    uint64_t first;
    uint64_t last;
    uint64_t end;
};

static void up(struct way *way)
{
    way->first >>= 1;
    way->last >>= 1;
    way->end >>= 1;
}

/* The hashes of the proof after the seed: *subtree is built from those to the left of its last node, *root from all. */
static int follow(obs__tree_hasher *hasher, struct way way, obs__tree_hash *subtree, obs__tree_hash *root,
                  const obs__tree_hash *hashes, size_t count)
{
    for (size_t i = 0; i < count; i++, up(&way)) {
        if (!way.end)
            return 0;
        if (way.last & 1 || way.last == way.end) {
            if (way.first < way.last)
                obs__tree_node(hasher, subtree, &hashes[i], subtree);
            obs__tree_node(hasher, root, &hashes[i], root);
            while (!(way.last & 1) && way.last)
                up(&way);
        } else {
            obs__tree_node(hasher, root, root, &hashes[i]);
        }
    }
    return !way.end;
}

/* "Merkle Tree Certificates", 4.4.3; with start 0 it is RFC 9162, 2.1.4.2. */
int obs__tree_check_subtree_consistency(obs__tree_hasher *hasher, uint64_t start, uint64_t end, const obs__tree_hash *subtree,
                                        uint64_t size, const obs__tree_hash *root, const obs__tree_proof *proof)
{
    obs__tree_hash sum, whole, empty;
    if (start == end && end <= size) {
        obs__tree_empty(hasher, &empty);
        return !proof->count && obs__tree_equal(subtree, &empty) && (size || obs__tree_equal(root, &empty)) &&
               obs__tree_hasher_status(hasher, NULL) == OBS_OK;
    }
    if (!is_subtree(start, end) || end > size || proof->count > OBS__TREE_PROOF_MAX)
        return 0;
    struct way way = {start, end - 1, size - 1};
    /* Up to the node that the proof begins at: the largest whole one at the subtree's end, or the subtree itself. */
    while (way.first != way.last && (end == size || way.last & 1))
        up(&way);
    size_t used = way.first != way.last;
    if (used > proof->count)
        return 0;
    sum = whole = used ? proof->hashes[0] : *subtree;
    return follow(hasher, way, &sum, &whole, proof->hashes + used, proof->count - used) && obs__tree_equal(&sum, subtree) &&
           obs__tree_equal(&whole, root) && obs__tree_hasher_status(hasher, NULL) == OBS_OK;
}
