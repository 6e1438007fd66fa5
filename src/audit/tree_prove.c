/* Making proofs: RFC 6962, 2.1.1 and 2.1.2, from the top of the tree downwards. */
#include "audit/tree.h"

#include "base/error.h"

/* The root of the leaves [start, end), made of the largest whole nodes: one for each bit of their number. */
static obs_status root_of(obs__tree_hash *out, obs__tree_hasher *hasher, const obs__tree_reader *reader, uint64_t start,
                          uint64_t end, obs_error *error)
{
    obs__tree_range range = {0};
    obs_status status = OBS_OK;
    for (uint64_t rest = end - start; rest && status == OBS_OK;) {
        unsigned level = 63 - (unsigned)__builtin_clzll(rest);
        obs__tree_hash node;
        status = reader->node(reader->user, &node, level, (start + range.size) >> level, error);
        if (status == OBS_OK)
            obs__tree_range_add(&range, hasher, level, &node);
        rest &= ~(UINT64_C(1) << level);
    }
    if (status == OBS_OK)
        obs__tree_range_root(&range, hasher, out);
    return status == OBS_OK ? obs__tree_hasher_status(hasher, error) : status;
}

obs_status obs__tree_root_at(obs__tree_hash *out, obs__tree_hasher *hasher, const obs__tree_reader *reader, uint64_t size,
                             obs_error *error)
{
    return root_of(out, hasher, reader, 0, size, error);
}

/* How many of n > 1 leaves stand to the left: the largest power of two below n. */
static uint64_t left_of(uint64_t n)
{
    return UINT64_C(1) << (63 - __builtin_clzll(n - 1));
}

/* Found from the top downwards, wanted from the leaves upwards. */
static void reverse(obs__tree_proof *proof)
{
    for (size_t i = 0; i < proof->count / 2; i++) {
        obs__tree_hash other = proof->hashes[i];
        proof->hashes[i] = proof->hashes[proof->count - 1 - i];
        proof->hashes[proof->count - 1 - i] = other;
    }
}

obs_status obs__tree_prove_inclusion(obs__tree_proof *out, obs__tree_hasher *hasher, const obs__tree_reader *reader,
                                     uint64_t index, uint64_t size, obs_error *error)
{
    obs_status status = OBS_OK;
    out->count = 0;
    if (index >= size)
        return obs__fail(error, OBS_OUT_OF_RANGE, "there is no record %llu in a log of %llu", (unsigned long long)index,
                         (unsigned long long)size);
    for (uint64_t start = 0, end = size; end - start > 1 && status == OBS_OK;) {
        uint64_t middle = start + left_of(end - start);
        obs__tree_hash *sibling = &out->hashes[out->count++];
        if (index < middle) {
            status = root_of(sibling, hasher, reader, middle, end, error);
            end = middle;
        } else {
            status = root_of(sibling, hasher, reader, start, middle, error);
            start = middle;
        }
    }
    reverse(out);
    return status;
}

obs_status obs__tree_prove_consistency(obs__tree_proof *out, obs__tree_hasher *hasher, const obs__tree_reader *reader,
                                       uint64_t from, uint64_t to, obs_error *error)
{
    obs_status status = OBS_OK;
    uint64_t start = 0, end = to;
    out->count = 0;
    if (from > to)
        return obs__fail(error, OBS_OUT_OF_RANGE, "a log of %llu records does not go on from %llu", (unsigned long long)to,
                         (unsigned long long)from);
    while (from && from != end && status == OBS_OK) {
        uint64_t middle = start + left_of(end - start);
        obs__tree_hash *sibling = &out->hashes[out->count++];
        if (from <= middle) {
            status = root_of(sibling, hasher, reader, middle, end, error);
            end = middle;
        } else {
            status = root_of(sibling, hasher, reader, start, middle, error);
            start = middle;
        }
    }
    /* Where the way ends is the old tree itself, which the verifier has, or a part of it, which it has not. */
    if (from && start && status == OBS_OK)
        status = root_of(&out->hashes[out->count++], hasher, reader, start, end, error);
    reverse(out);
    return status;
}
