/* Checkpoint, anchors, and the verdict. */
#include "audit/verify.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audit/check.h"
#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"

#define DISAGREEING 32

static const obs__view none = {"", 0};

const char *obs__damage_name(obs__damage damage)
{
    static const char *const names[] = {"none", "checkpoint", "missing", "record", "tile",   "root", "rollback",
                                        "fork", "anchor",     "row",     "clear",  "tenant", "seal"};
    return names[damage];
}

/* ---- What was found. ---- */

static void copy_text(char *out, size_t capacity, obs__view text)
{
    obs__escape_display(out, capacity, text.data, text.size);
}

void obs__check_add(obs__check *check, obs__damage damage, uint64_t index, obs__view tenant, obs__view id, const char *text)
{
    obs__verified *out = check->out;
    obs__finding finding = {.damage = damage, .index = index};
    copy_text(finding.tenant, sizeof finding.tenant, tenant);
    copy_text(finding.id, sizeof finding.id, id);
    snprintf(finding.text, sizeof finding.text, "%s", text);
    size_t at = out->count;
    while (at > 0 && out->findings[at - 1].index > index)
        at--;
    if (at == OBS__FINDINGS)
        return;
    size_t kept = out->count < OBS__FINDINGS ? out->count : OBS__FINDINGS - 1;
    memmove(&out->findings[at + 1], &out->findings[at], (kept - at) * sizeof finding);
    out->findings[at] = finding;
    out->count = kept + 1;
}

/* ---- Anchors. ---- */

struct asking {
    obs__check *check;
    const char *anchor;
    size_t capacity;
    int alone; /* one checkpoint, not a long history: its signature is checked at once */
};

/* 1 when these bytes can be read as a checkpoint; says nothing about its signature. */
static int read_told(obs__checkpoint *out, obs__view bytes)
{
    obs__note note;
    return obs__note_read(&note, bytes, NULL) == OBS_OK && obs__checkpoint_read(out, note.text, NULL) == OBS_OK;
}

static obs_status add_told(void *user, obs__view bytes, obs_error *error)
{
    struct asking *asking = user;
    obs__check *check = asking->check;
    obs__checkpoint checkpoint;
    if (!read_told(&checkpoint, bytes) ||
        (asking->alone && obs__checkpoint_open(&checkpoint, bytes, &check->key, NULL) == OBS_DATA_LOSS)) {
        obs__check_add(check, OBS__DAMAGE_ANCHOR, OBS__NO_INDEX, none, none,
                       "what an anchor has is no checkpoint that the log's key signed");
        return OBS_OK;
    }
    if (check->told_count == asking->capacity) {
        size_t capacity = asking->capacity ? 2 * asking->capacity : 64;
        obs__told *larger = obs__realloc(check->told, capacity * sizeof *larger);
        if (!larger)
            return obs__fail_memory(error);
        check->told = larger;
        asking->capacity = capacity;
    }
    check->told[check->told_count++] = (obs__told){.size = checkpoint.size, .root = checkpoint.root, .anchor = asking->anchor};
    return OBS_OK;
}

/* The first one of a size or a larger one. */
static size_t first_told(const obs__check *check, uint64_t size)
{
    size_t low = 0, high = check->told_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (check->told[middle].size < size)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Of those that disagree: who signed them. A history may be long, and a signature takes as long as a hundred records. */
static obs_status add_signed(void *user, obs__view bytes, obs_error *error)
{
    obs__check *check = ((struct asking *)user)->check;
    obs__checkpoint checkpoint;
    if (!read_told(&checkpoint, bytes))
        return OBS_OK;
    for (size_t i = first_told(check, checkpoint.size); i < check->told_count; i++) {
        obs__told *told = &check->told[i];
        if (told->size > checkpoint.size)
            return OBS_OK;
        if (!told->disagrees || told->size != checkpoint.size || !obs__tree_equal(&told->root, &checkpoint.root))
            continue;
        obs_status status = obs__checkpoint_open(&checkpoint, bytes, &check->key, error);
        told->is_signed |= status == OBS_OK;
        return status == OBS_DATA_LOSS ? OBS_OK : status;
    }
    return OBS_OK;
}

typedef obs_status visit_told(void *asking, obs__view checkpoint, obs_error *error);

static obs_status ask(struct asking *asking, obs__anchor *anchor, visit_told *visit, obs_error *error)
{
    obs_buffer *last = NULL;
    asking->anchor = anchor->name;
    asking->alone = !anchor->ops->each;
    if (anchor->ops->each)
        return anchor->ops->each(anchor, visit, asking, error);
    obs_status status = anchor->ops->read_last(&last, anchor, error);
    if (status == OBS_OK && last)
        status = visit(asking, (obs__view){obs_buffer_data(last), obs_buffer_size(last)}, error);
    obs_buffer_free(last);
    return status == OBS_UNAVAILABLE || status == OBS_DEADLINE_EXCEEDED ? OBS_OK : status;
}

static int by_size(const void *a, const void *b)
{
    uint64_t first = ((const obs__told *)a)->size, second = ((const obs__told *)b)->size;
    return (first > second) - (first < second);
}

static obs_status ask_all(obs__check *check, visit_told *visit, obs_error *error)
{
    const obs__verify_options *options = check->options;
    struct asking asking = {.check = check};
    obs_status status = ask(&asking, check->own, visit, error);
    for (size_t i = 0; i < options->place->anchor_count && status == OBS_OK; i++)
        status = ask(&asking, options->place->anchors[i], visit, error);
    asking.anchor = "the checkpoint that was given";
    asking.alone = 1;
    if (status == OBS_OK && options->checkpoint.data)
        status = visit(&asking, options->checkpoint, error);
    return status;
}

int obs__check_wants(const obs__check *check, uint64_t below)
{
    return check->told_next < check->told_count && check->told[check->told_next].size < below;
}

void obs__check_told(obs__check *check)
{
    obs__tree_hash root;
    uint64_t size = check->range.size;
    if (check->told_next == check->told_count || check->told[check->told_next].size != size)
        return;
    obs__tree_range_root(&check->range, check->hasher, &root);
    for (; check->told_next < check->told_count && check->told[check->told_next].size == size; check->told_next++) {
        obs__told *told = &check->told[check->told_next];
        told->agreed = check->agreed;
        told->disagrees = !obs__tree_equal(&told->root, &root);
        if (told->disagrees)
            continue;
        check->agreed = check->out->anchored = size;
        snprintf(check->out->anchor, sizeof check->out->anchor, "%s", told->anchor);
    }
}

/* One that the log does not go on from: the log's key signed two things, or it was not the log's key. */
static void disagree(obs__check *check, const obs__told *told)
{
    char text[160];
    if (!told->is_signed) {
        snprintf(text, sizeof text, "the checkpoint of %llu records at %.80s is not signed with the log's key",
                 (unsigned long long)told->size, told->anchor);
        obs__check_add(check, OBS__DAMAGE_ANCHOR, OBS__NO_INDEX, none, none, text);
    } else if (told->size > check->range.size) {
        snprintf(text, sizeof text, "the log ends here, but %.80s was told %llu records", told->anchor,
                 (unsigned long long)told->size);
        obs__check_add(check, OBS__DAMAGE_ROLLBACK, check->range.size, none, none, text);
    } else {
        snprintf(text, sizeof text, "one of its records %llu to %llu is not what %.60s was told",
                 (unsigned long long)told->agreed, (unsigned long long)told->size - (told->size > 0), told->anchor);
        obs__check_add(check, OBS__DAMAGE_FORK, OBS__NO_INDEX, none, none, text);
    }
}

/* After the walk: what it did not reach disagrees as well. */
static obs_status judge_told(obs__check *check, obs_error *error)
{
    size_t count = 0;
    for (size_t i = 0; i < check->told_count; i++) {
        obs__told *told = &check->told[i];
        /* A long history that is wrong throughout is as wrong by its first and its last ones. */
        told->disagrees = (told->disagrees || i >= check->told_next) && (count < DISAGREEING || i + 1 == check->told_count);
        count += told->disagrees != 0;
    }
    obs_status status = count ? ask_all(check, add_signed, error) : OBS_OK;
    for (size_t i = 0; i < check->told_count && status == OBS_OK; i++)
        if (check->told[i].disagrees)
            disagree(check, &check->told[i]);
    return status;
}

/* ---- Opening. ---- */

static obs_status open_key(obs__check *check, obs_error *error)
{
    if (check->options->key) {
        check->key = *check->options->key;
        return OBS_OK;
    }
    return obs__log_key(&check->key, check->options->place, error);
}

/* 1 when there is something to walk over. */
static int open_checkpoint(obs__check *check)
{
    obs_error why;
    obs_error_init(&why, sizeof why);
    obs__view note = {obs_buffer_data(check->note), obs_buffer_size(check->note)};
    if (obs__checkpoint_open(&check->checkpoint, note, &check->key, &why) == OBS_OK) {
        check->out->size = check->checkpoint.size;
        check->out->root = check->checkpoint.root;
        return 1;
    }
    check->checkpoint = (obs__checkpoint){0};
    obs__check_add(check, OBS__DAMAGE_CHECKPOINT, OBS__NO_INDEX, none, none, why.message);
    return 0;
}

static obs_status open_log(obs__check *check, obs_error *error)
{
    char path[PATH_MAX];
    obs_status status = obs__log_path(path, sizeof path, check->options->place->workspace, "log", error);
    if (status == OBS_OK)
        status = obs__open_at(&check->log, AT_FDCWD, path, O_RDONLY | O_DIRECTORY, 0, error);
    if (status == OBS_OK)
        status = obs__file_read(&check->note, check->log, "checkpoint", OBS__NOTE_MAX, error);
    return status == OBS_OK ? obs__tree_hasher_new(&check->hasher, error) : status;
}

static int has_tiles(const obs__check *check)
{
    return check->log >= 0 && faccessat(check->log, "tile", F_OK, 0) == 0;
}

/* No checkpoint: no log was begun, unless records or an anchor say otherwise, or somebody who has its key. The key alone, here,
 * says nothing: it is made before the first checkpoint, and its process may have ended in between. */
static obs_status no_log(obs__check *check, obs_error *error)
{
    if (check->told_count || check->out->count || check->options->key || has_tiles(check))
        obs__check_add(check, OBS__DAMAGE_MISSING, 0, none, none, "the file 'audit/log/checkpoint' is missing");
    else
        return obs__fail(error, OBS_NOT_FOUND, "there is no audit log yet: it begins within 10 seconds of the first record");
    return OBS_OK;
}

/* ---- The verdict. ---- */

/* With the signed root the records are right, and what differs from them is not; else it is the other way round. */
static void settle(obs__check *check)
{
    obs__tree_hash root;
    obs__verified *out = check->out;
    obs__tree_range_root(&check->range, check->hasher, &root);
    int is_sound = obs__tree_equal(&root, &check->checkpoint.root);
    size_t placed = 0;
    for (size_t i = 0; i < out->count; i++) {
        obs__finding *finding = &out->findings[i];
        placed += finding->index != OBS__NO_INDEX;
        if (is_sound && finding->damage == OBS__DAMAGE_RECORD && strncmp(finding->text, "its bytes", 9) == 0) {
            finding->damage = OBS__DAMAGE_TILE;
            snprintf(finding->text, sizeof finding->text, "its hash in the tile is another");
        } else if (!is_sound && finding->damage == OBS__DAMAGE_ROW && strcmp(finding->text, OBS__ROW_DIFFERS) == 0) {
            finding->damage = OBS__DAMAGE_RECORD;
            snprintf(finding->text, sizeof finding->text, "it is not what the tenant's database has");
        }
    }
    if (!is_sound && !placed)
        obs__check_add(check, OBS__DAMAGE_ROOT, OBS__NO_INDEX, none, none, "the records do not give the root that was signed");
}

static void count_sound(obs__check *check)
{
    obs__verified *out = check->out;
    out->verified = check->range.size;
    for (size_t i = 0; i < out->count; i++) {
        uint64_t until = out->findings[i].index != OBS__NO_INDEX ? out->findings[i].index
                         : out->findings[i].damage == OBS__DAMAGE_FORK || out->findings[i].damage == OBS__DAMAGE_ROOT
                             ? check->agreed
                             : out->verified;
        out->verified = until < out->verified ? until : out->verified;
    }
}

static obs_status say(const obs__check *check, obs_error *error)
{
    const obs__verified *out = check->out;
    const obs__finding *first = &out->findings[0];
    if (out->count && first->index != OBS__NO_INDEX)
        return obs__fail(error, OBS_DATA_LOSS, "the audit log was altered at record %llu%s%s%s%s: %s",
                         (unsigned long long)first->index, *first->tenant ? " of " : "", first->tenant, *first->id ? ", " : "",
                         first->id, first->text);
    if (out->count)
        return obs__fail(error, OBS_DATA_LOSS, "the audit log was altered: %s", first->text);
    int is_anchored = (out->anchored || !out->size) && check->told_count;
    /* Who has the key can write both the note and the record: only the anchor knows when that was. */
    int seal_is_anchored = !check->options->tenants || !check->sealed.end || check->sealed.record < out->anchored;
    if (check->options->unanchored || (is_anchored && seal_is_anchored))
        return OBS_OK;
    if (is_anchored)
        return obs__fail(
            error, OBS_FAILED_PRECONDITION,
            "all %llu records agree, but no anchor outside of the workspace knows that the first %llu were sealed: "
            "give a later checkpoint, or say that none is wanted",
            (unsigned long long)out->size, (unsigned long long)out->sealed);
    return obs__fail(
        error, OBS_FAILED_PRECONDITION,
        "all %llu records agree, but no anchor outside of the workspace vouches for them: name one, or say that none "
        "is wanted",
        (unsigned long long)out->size);
}

static obs_status walk(obs__check *check, obs_error *error)
{
    obs_status status = obs__check_sealed_open(check, error);
    if (status == OBS_OK && check->options->tenants)
        status = obs__rows_open(check, error);
    if (status == OBS_OK)
        status = obs__check_tree(check, error);
    if (status == OBS_OK)
        obs__check_sealed_end(check);
    if (status == OBS_OK && check->rows)
        status = obs__rows_end(check, error);
    if (status == OBS_OK)
        settle(check);
    return status;
}

static obs_status verify(obs__check *check, obs_error *error)
{
    obs_error why;
    obs_error_init(&why, sizeof why);
    obs_status status = open_log(check, &why);
    int is_there = status == OBS_OK;
    if (status != OBS_OK && status != OBS_NOT_FOUND)
        return obs__copy_error(error, &why);
    status = open_key(check, is_there ? error : NULL);
    if (!is_there)
        status = OBS_OK; /* without it, too, the anchors say whether there was a log */
    if (status == OBS_OK)
        status = ask_all(check, add_told, error);
    if (check->told_count)
        qsort(check->told, check->told_count, sizeof *check->told, by_size);
    if (status == OBS_OK && !is_there)
        status = no_log(check, error);
    else if (status == OBS_OK && open_checkpoint(check)) {
        status = walk(check, error);
        if (status == OBS_OK)
            status = judge_told(check, error);
    }
    if (status != OBS_OK)
        return status;
    count_sound(check);
    return say(check, error);
}

obs_status obs__audit_verify(obs__verified *out, const obs__verify_options *options, obs_error *error)
{
    char path[PATH_MAX];
    obs__check check = {.options = options, .out = out, .log = -1};
    memset(out, 0, sizeof *out);
    obs_status status = obs__log_path(path, sizeof path, options->place->state, "anchor", error);
    if (status == OBS_OK)
        status = obs__anchor_folder(&check.own, path, error);
    if (status == OBS_OK)
        status = verify(&check, error);
    obs__rows_free(check.rows);
    obs__free(check.told);
    obs__tree_hasher_free(check.hasher);
    obs_buffer_free(check.note);
    if (check.log >= 0)
        close(check.log);
    obs__anchor_free(check.own);
    return status;
}
