/* The hash tree: the roots of RFC 6962's usual example, the published proof vectors, and all proofs of small trees. */
#include "audit/tree.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/base64.h"
#include "support.h"

#define LEAVES 80

static obs_error error;
static obs__tree_hasher *hasher;

/* ---- The usual example. ---- */

static const struct {
    obs__view leaf;
    const char *root; /* of the tree up to this leaf */
} example[] = {
    {{"", 0}, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"},
    {{"\x00", 1}, "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"},
    {{"\x10", 1}, "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"},
    {{"\x20\x21", 2}, "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"},
    {{"\x30\x31", 2}, "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4"},
    {{"\x40\x41\x42\x43", 4}, "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef"},
    {{"\x50\x51\x52\x53\x54\x55\x56\x57", 8}, "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"},
    {{"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f", 16},
     "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"},
};

static void check_root(const obs__tree_range *range, const char *wanted)
{
    obs__tree_hash root;
    char text[65];
    obs__tree_range_root(range, hasher, &root);
    obs__hex(text, &root, sizeof root);
    ck_assert_str_eq(text, wanted);
}

START_TEST(the_roots_are_those_of_the_standard)
{
    obs__tree_range range = {0};
    check_root(&range, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    for (size_t i = 0; i < sizeof example / sizeof example[0]; i++) {
        obs__tree_hash leaf;
        obs__tree_leaf(hasher, &leaf, example[i].leaf);
        obs__tree_range_add(&range, hasher, 0, &leaf);
        check_root(&range, example[i].root);
    }
    ck_assert_ok(obs__tree_hasher_status(hasher, &error));
}
END_TEST

/* ---- Small trees, by the definition itself. ---- */

static obs__tree_hash leaves[LEAVES];

static void fill_leaves(void)
{
    for (int i = 0; i < LEAVES; i++) {
        char text[16];
        int size = snprintf(text, sizeof text, "leaf %d", i);
        obs__tree_leaf(hasher, &leaves[i], (obs__view){text, (size_t)size});
    }
}

static obs__tree_hash defined(size_t start, size_t end)
{
    obs__tree_hash sum, left, right;
    size_t half = 1;
    if (start == end)
        obs__tree_empty(hasher, &sum);
    if (end - start == 1)
        sum = leaves[start];
    if (end - start <= 1)
        return sum;
    while (half * 2 < end - start)
        half *= 2;
    left = defined(start, start + half);
    right = defined(start + half, end);
    obs__tree_node(hasher, &sum, &left, &right);
    return sum;
}

static obs_status stored_node(void *user, obs__tree_hash *out, unsigned level, uint64_t index, obs_error *failed)
{
    (void)failed;
    ck_assert_uint_le((index + 1) << level, *(size_t *)user);
    *out = defined(index << level, (index + 1) << level);
    return OBS_OK;
}

START_TEST(a_range_gives_the_root_of_the_definition)
{
    obs__tree_range range = {0};
    fill_leaves();
    for (size_t size = 0; size <= LEAVES; size++) {
        obs__tree_hash root, wanted = defined(0, size);
        obs__tree_range_root(&range, hasher, &root);
        ck_assert(obs__tree_equal(&root, &wanted));
        if (size < LEAVES)
            obs__tree_range_add(&range, hasher, 0, &leaves[size]);
    }
    /* Whole nodes at once give the same as their leaves. */
    obs__tree_range coarse = {0};
    obs__tree_hash node, root, wanted = defined(0, 77);
    for (size_t i = 0; i < 64; i += 16) {
        node = defined(i, i + 16);
        obs__tree_range_add(&coarse, hasher, 4, &node);
    }
    node = defined(64, 72);
    obs__tree_range_add(&coarse, hasher, 3, &node);
    for (size_t i = 72; i < 77; i++)
        obs__tree_range_add(&coarse, hasher, 0, &leaves[i]);
    obs__tree_range_root(&coarse, hasher, &root);
    ck_assert_uint_eq(coarse.size, 77);
    ck_assert(obs__tree_equal(&root, &wanted));
}
END_TEST

/* No proof with anything changed holds. */
static void check_changed(int (*holds)(const obs__tree_proof *, const void *), const void *what, const obs__tree_proof *proof)
{
    obs__tree_proof changed = *proof;
    for (size_t i = 0; i < proof->count; i++) {
        changed.hashes[i].bytes[i % 32] ^= (unsigned char)(1 << i % 8);
        ck_assert(!holds(&changed, what));
        changed.hashes[i] = proof->hashes[i];
    }
    changed.hashes[changed.count++] = leaves[0];
    ck_assert(!holds(&changed, what));
    if (proof->count) {
        changed.count = proof->count - 1;
        ck_assert(!holds(&changed, what));
    }
    changed.count = OBS__TREE_PROOF_MAX + 1;
    ck_assert(!holds(&changed, what));
}

struct statement {
    uint64_t from; /* or the index */
    uint64_t to;
    obs__tree_hash before; /* or the leaf */
    obs__tree_hash root;
};

static int includes(const obs__tree_proof *proof, const void *what)
{
    const struct statement *is = what;
    return obs__tree_check_inclusion(hasher, &is->before, is->from, is->to, proof, &is->root);
}

static int goes_on(const obs__tree_proof *proof, const void *what)
{
    const struct statement *is = what;
    return obs__tree_check_consistency(hasher, is->from, &is->before, is->to, &is->root, proof);
}

START_TEST(each_leaf_of_each_tree_is_proved)
{
    obs__tree_proof proof;
    fill_leaves();
    for (size_t size = 1; size <= LEAVES; size += size < 40 ? 1 : 13) {
        obs__tree_reader reader = {stored_node, &size};
        struct statement is = {.to = size, .root = defined(0, size)};
        for (is.from = 0; is.from < size; is.from++) {
            is.before = leaves[is.from];
            ck_assert_ok(obs__tree_prove_inclusion(&proof, hasher, &reader, is.from, size, &error));
            ck_assert(includes(&proof, &is));
            check_changed(includes, &is, &proof);
            struct statement other = is;
            other.from ^= 1;
            ck_assert(size == 1 || !includes(&proof, &other));
        }
        ck_assert_int_eq(obs__tree_prove_inclusion(&proof, hasher, &reader, size, size, &error), OBS_OUT_OF_RANGE);
    }
}
END_TEST

START_TEST(each_tree_is_proved_to_go_on_from_each_before_it)
{
    obs__tree_proof proof;
    fill_leaves();
    for (size_t size = 0; size <= LEAVES; size += size < 40 ? 1 : 13) {
        obs__tree_reader reader = {stored_node, &size};
        struct statement is = {.to = size, .root = defined(0, size)};
        for (is.from = 0; is.from <= size; is.from++) {
            is.before = defined(0, is.from);
            ck_assert_ok(obs__tree_prove_consistency(&proof, hasher, &reader, is.from, size, &error));
            ck_assert(goes_on(&proof, &is));
            check_changed(goes_on, &is, &proof);
            struct statement other = is;
            other.before.bytes[7] ^= 4;
            ck_assert(!goes_on(&proof, &other));
            ck_assert_ok(obs__tree_root_at(&other.before, hasher, &reader, is.from, &error));
            ck_assert(goes_on(&proof, &other));
            other.root.bytes[31] ^= 1;
            ck_assert(is.from == 0 || !goes_on(&proof, &other));
        }
        ck_assert_int_eq(obs__tree_prove_consistency(&proof, hasher, &reader, size + 1, size, &error), OBS_OUT_OF_RANGE);
    }
}
END_TEST

/* ---- The published vectors. ---- */

/* The number of a member: some do not fit into what a JSON reader gives. Absent: 0. */
static uint64_t number_of(const char *json, const char *name)
{
    char key[32];
    snprintf(key, sizeof key, "\"%s\":", name);
    const char *at = strstr(json, key);
    return at ? strtoull(at + strlen(key), NULL, 10) : 0;
}

/* A hash from base64 between quotes; *at moves behind it. 0 when it is none. */
static int take_hash(obs__tree_hash *out, const char **at)
{
    char bytes[256];
    size_t size;
    const char *end = strchr(*at + 1, '"');
    ck_assert_ptr_nonnull(end);
    ck_assert_uint_lt((size_t)(end - *at), 300);
    int fine = obs__base64_decode(bytes, &size, *at + 1, (size_t)(end - *at - 1)) && size == sizeof *out;
    if (fine)
        memcpy(out, bytes, sizeof *out);
    *at = end + 1;
    return fine;
}

static int hash_of(obs__tree_hash *out, const char *json, const char *name)
{
    char key[32];
    snprintf(key, sizeof key, "\"%s\": \"", name);
    const char *at = strstr(json, key);
    if (!at)
        return 0;
    at += strlen(key) - 1;
    return take_hash(out, &at);
}

static int proof_of(obs__tree_proof *out, const char *json)
{
    const char *at = strstr(json, "\"proof\":");
    int fine = 1;
    out->count = 0;
    ck_assert_ptr_nonnull(at);
    at += strspn(at + 8, " ") + 8;
    if (strncmp(at, "null", 4) == 0)
        return 1;
    while (*(at += strcspn(at, "\"]")) == '"') {
        ck_assert_uint_lt(out->count, OBS__TREE_PROOF_MAX);
        fine &= take_hash(&out->hashes[out->count++], &at);
    }
    return fine;
}

static int holds(const char *folder, const char *json)
{
    obs__tree_hash first, root;
    obs__tree_proof proof;
    int is_inclusion = strstr(folder, "inclusion") != NULL;
    int is_subtree = strstr(folder, "subtree") != NULL;
    /* A hash of another length is none: it never gets as far as the check. */
    if (!proof_of(&proof, json) || !hash_of(&first, json, is_inclusion ? "leafHash" : "root1") ||
        !hash_of(&root, json, is_inclusion ? "root" : "root2"))
        return 0;
    uint64_t index = number_of(json, "leafIdx"), start = number_of(json, "start"), end = number_of(json, "end");
    if (is_inclusion && is_subtree)
        return obs__tree_check_subtree_inclusion(hasher, &first, index, start, end, &proof, &root);
    if (is_inclusion)
        return obs__tree_check_inclusion(hasher, &first, index, number_of(json, "treeSize"), &proof, &root);
    if (is_subtree)
        return obs__tree_check_subtree_consistency(hasher, start, end, &first, number_of(json, "size"), &root, &proof);
    return obs__tree_check_consistency(hasher, number_of(json, "size1"), &first, number_of(json, "size2"), &root, &proof);
}

static void check_vector(const char *folder, const char *path, int counts[2])
{
    char *json = test_read(path, NULL);
    int wrong = strstr(json, "\"wantErr\": true") != NULL;
    ck_assert_msg(wrong || strstr(json, "\"wantErr\": false"), "%s says not what is expected", path);
    ck_assert_msg(holds(folder, json) == !wrong, "%s: %s", path, wrong ? "accepted" : "refused");
    counts[wrong]++;
    free(json);
}

static void check_folder(const char *folder, const char *path, int counts[2])
{
    struct stat info;
    DIR *entries = opendir(path);
    ck_assert_ptr_nonnull(entries);
    for (struct dirent *entry; (entry = readdir(entries)) != NULL;) {
        const char *inner = test_path(path, entry->d_name);
        if (*entry->d_name == '.')
            continue;
        ck_assert_int_eq(stat(inner, &info), 0);
        if (S_ISDIR(info.st_mode))
            check_folder(folder, inner, counts);
        else
            check_vector(folder, inner, counts);
    }
    closedir(entries);
}

START_TEST(the_published_vectors_are_judged_as_they_say)
{
    static const char *const folders[] = {"inclusion", "consistency", "subtreeinclusion", "subtreeconsistency"};
    int counts[2] = {0};
    const char *base = test_shared("vectors/merkle");
    if (!base) {
        test_skipped("Merkle proofs", "../shared/vectors/merkle is not here");
        return;
    }
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++)
        check_folder(folders[i], test_path(base, folders[i]), counts);
    printf("Merkle proofs: %d right ones accepted, %d wrong ones refused\n", counts[0], counts[1]);
    ck_assert_int_ge(counts[0], 16);
    ck_assert_int_ge(counts[1], 264);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {the_roots_are_those_of_the_standard, a_range_gives_the_root_of_the_definition,
                                  each_leaf_of_each_tree_is_proved, each_tree_is_proved_to_go_on_from_each_before_it,
                                  the_published_vectors_are_judged_as_they_say};
    obs_error_init(&error, sizeof error);
    if (obs__tree_hasher_new(&hasher, &error) != OBS_OK)
        return 1;
    int failed = test_main("tree", tests, sizeof tests / sizeof tests[0]);
    obs__tree_hasher_free(hasher);
    return failed;
}
