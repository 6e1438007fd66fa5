/* The form of a proof, and checking it. */
#include "audit/proof.h"

#include <stdio.h>
#include <string.h>

#include "audit/leaf.h"
#include "audit/tiles.h"
#include "base/base64.h"
#include "base/error.h"
#include "base/json.h"
#include "base/memory.h"

#define HEADER "c2sp.org/tlog-proof@v1\n"
#define HASH_TEXT 44
#define EXTRA_MAX 65536

/* What a proof says; views on it, and on the decoded extra data. */
struct proof {
    char *extra;
    obs__view leaf;
    obs__view opening;
    uint64_t index;
    obs__tree_proof hashes;
    obs__view checkpoint;
};

static obs_status unreadable(obs_error *error)
{
    return obs__fail(error, OBS_INVALID_ARGUMENT, "this is no proof of an audit record: it begins with '%.22s'", HEADER);
}

static obs_status untrue(obs_error *error, const char *why)
{
    return obs__fail(error, OBS_DATA_LOSS, "the proof does not hold: %s", why);
}

/* ---- Reading. ---- */

/* Takes the next line off, without its newline; 0 at the end. */
static int take_line(obs__view *line, obs__view *rest)
{
    const char *end = rest->size ? memchr(rest->data, '\n', rest->size) : NULL;
    if (!end)
        return 0;
    *line = (obs__view){rest->data, (size_t)(end - rest->data)};
    *rest = (obs__view){end + 1, rest->size - line->size - 1};
    return 1;
}

static int take_word(obs__view *line, const char *word)
{
    obs__view wanted = obs__view_of(word, OBS_TEXT);
    if (!obs__starts_with(*line, wanted))
        return 0;
    *line = (obs__view){line->data + wanted.size, line->size - wanted.size};
    return 1;
}

/* The leaf, and behind a newline what opens it. */
static int read_extra(struct proof *out, obs__view text)
{
    size_t size;
    if (text.size > EXTRA_MAX || !obs__base64_decode(out->extra, &size, text.data, text.size))
        return 0;
    const char *newline = size ? memchr(out->extra, '\n', size) : NULL;
    out->leaf = (obs__view){out->extra, newline ? (size_t)(newline - out->extra) : size};
    if (newline)
        out->opening = (obs__view){newline + 1, size - out->leaf.size - 1};
    return out->leaf.size > 0;
}

static int read_index(uint64_t *out, obs__view digits)
{
    *out = 0;
    if (!digits.size || digits.size > 19 || (digits.data[0] == '0' && digits.size > 1))
        return 0;
    for (size_t i = 0; i < digits.size; i++) {
        if (digits.data[i] < '0' || digits.data[i] > '9')
            return 0;
        *out = *out * 10 + (uint64_t)(digits.data[i] - '0');
    }
    return 1;
}

static int read_hashes(obs__tree_proof *out, obs__view *rest)
{
    obs__view line;
    out->count = 0;
    while (take_line(&line, rest)) {
        char bytes[HASH_TEXT];
        size_t size;
        if (!line.size)
            return 1;
        if (line.size != HASH_TEXT || out->count == OBS__TREE_PROOF_MAX ||
            !obs__base64_decode(bytes, &size, line.data, line.size) || size != sizeof out->hashes[0])
            return 0;
        memcpy(&out->hashes[out->count++], bytes, size);
    }
    return 0;
}

static int read_proof(struct proof *out, obs__view text)
{
    obs__view line;
    if (text.size > OBS__PROOF_MAX || !take_word(&text, HEADER))
        return 0;
    /* Without the leaf there is nothing to look at: ours always has it. */
    if (!take_line(&line, &text) || !take_word(&line, "extra ") || !read_extra(out, line))
        return 0;
    if (!take_line(&line, &text) || !take_word(&line, "index ") || !read_index(&out->index, line))
        return 0;
    if (!read_hashes(&out->hashes, &text))
        return 0;
    out->checkpoint = text;
    return 1;
}

/* ---- Opening. ---- */

/* A salt, written in the one way that there is. */
static int read_salt(unsigned char salt[OBS__AUDIT_SALT_SIZE], const char *hex)
{
    char again[2 * OBS__AUDIT_SALT_SIZE + 1];
    if (!hex || strlen(hex) != 2 * OBS__AUDIT_SALT_SIZE || !obs__unhex(salt, OBS__AUDIT_SALT_SIZE, hex))
        return 0;
    obs__hex(again, salt, OBS__AUDIT_SALT_SIZE);
    return strcmp(again, hex) == 0;
}

/* The value of a field, or NULL when it is not shown; *fine is cleared when what is shown is not what was committed to. */
static const char *open_field(const json_t *opening, const obs__audit_leaf *leaf, obs__audit_field field, int *fine)
{
    char commitment[OBS__AUDIT_COMMITMENT_SIZE];
    unsigned char salt[OBS__AUDIT_SALT_SIZE];
    const json_t *shown = opening ? json_object_get(opening, obs__audit_field_name(field)) : NULL;
    const char *value = json_string_value(json_object_get(shown, "value"));
    if (!shown)
        return NULL;
    *fine &= json_object_size(shown) == 2 && value && read_salt(salt, json_string_value(json_object_get(shown, "salt"))) &&
             leaf->commitments[field] && strlen(value) <= OBS__AUDIT_VALUE_MAX &&
             obs__audit_commitment(commitment, field, salt, obs__view_of(value, OBS_TEXT), NULL) == OBS_OK &&
             strcmp(commitment, leaf->commitments[field]) == 0;
    return *fine ? value : NULL;
}

/* Nothing but fields of a record is in it. */
static int is_opening(const json_t *opening)
{
    size_t known = 0;
    for (int i = 0; i < OBS__AUDIT_FIELDS; i++)
        known += json_object_get(opening, obs__audit_field_name((obs__audit_field)i)) != NULL;
    return json_is_object(opening) && json_object_size(opening) == known;
}

static obs_status add_record(obs__builder *out, const struct proof *proof, const obs__audit_leaf *leaf, const json_t *opening,
                             const obs__checkpoint *checkpoint, obs_error *error)
{
    char origin[OBS__KEY_NAME_MAX + 1];
    int fine = 1;
    snprintf(origin, sizeof origin, "%.*s", (int)checkpoint->origin.size, checkpoint->origin.data);
    obs__add_char(out, '{');
    obs__add_json_member(out, "id", leaf->id);
    obs__add_json_member(out, "time", leaf->time);
    obs__add_json_member(out, "tenant", leaf->tenant);
    obs__add_json_member(out, "class", leaf->kind);
    obs__add_json_member(out, "action", leaf->action);
    obs__add_json_member(out, "status", leaf->status);
    for (int i = 0; i < OBS__AUDIT_FIELDS; i++)
        obs__add_json_member(out, obs__audit_field_name((obs__audit_field)i),
                             open_field(opening, leaf, (obs__audit_field)i, &fine));
    obs__add_json_member(out, "trace", leaf->trace);
    obs__add_json_integer(out, "bytes", leaf->bytes);
    obs__add_json_integer(out, "count", leaf->count);
    obs__add_json_integer(out, "index", (int64_t)proof->index);
    obs__add_json_integer(out, "size", (int64_t)checkpoint->size);
    obs__add_json_member(out, "origin", origin);
    obs__add_json_end(out);
    return fine ? obs__builder_status(out, error) : untrue(error, "a clear value is not what the record committed to");
}

static obs_status load_opening(json_t **out, obs__view opening, obs_error *error)
{
    static const obs__json_options options = {.size_limit = EXTRA_MAX, .depth_limit = 2};
    obs_error why;
    *out = NULL;
    if (!opening.size)
        return OBS_OK;
    obs_error_init(&why, sizeof why);
    obs_status status = obs__json_load(out, opening.data, opening.size, &options, &why);
    if (status == OBS_OK && is_opening(*out))
        return OBS_OK;
    return status != OBS_OK && obs__lacks_memory(&why) ? obs__fail_memory(error) : unreadable(error);
}

static obs_status show(obs__builder *out, const struct proof *proof, const obs__checkpoint *checkpoint, obs_error *error)
{
    obs__audit_leaf leaf;
    json_t *opening = NULL;
    obs_status status = obs__audit_leaf_read(&leaf, proof->leaf, error);
    if (status == OBS_OK)
        status = load_opening(&opening, proof->opening, error);
    if (status == OBS_OK)
        status = add_record(out, proof, &leaf, opening, checkpoint, error);
    json_decref(opening);
    obs__audit_leaf_free(&leaf);
    return status;
}

/* ---- Checking. ---- */

static obs_status check(obs__builder *out, const struct proof *proof, const obs__verifier *key, obs_error *error)
{
    obs__tree_hasher *hasher;
    obs__tree_hash leaf;
    obs__checkpoint checkpoint;
    obs_status status = obs__checkpoint_open(&checkpoint, proof->checkpoint, key, error);
    if (status == OBS_OK)
        status = obs__tree_hasher_new(&hasher, error);
    if (status != OBS_OK)
        return status;
    obs__tree_leaf(hasher, &leaf, proof->leaf);
    int holds = obs__tree_check_inclusion(hasher, &leaf, proof->index, checkpoint.size, &proof->hashes, &checkpoint.root);
    status = obs__tree_hasher_status(hasher, error);
    obs__tree_hasher_free(hasher);
    if (status == OBS_OK && !holds)
        status = untrue(error, "the record is not at this place of the log");
    return status == OBS_OK ? show(out, proof, &checkpoint, error) : status;
}

obs_status obs__proof_check(obs__builder *out, obs__view text, const obs__verifier *key, obs_error *error)
{
    struct proof proof = {.extra = obs__alloc(EXTRA_MAX)};
    obs_status status;
    if (!proof.extra)
        return obs__fail_memory(error);
    status = read_proof(&proof, text) ? check(out, &proof, key, error) : unreadable(error);
    obs__free(proof.extra);
    return status;
}
