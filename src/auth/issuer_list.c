/* The keys of the issuer as they lie on disk. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "auth/issuer_inside.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/keyfile.h"
#include "base/memory.h"

#define LIST_LIMIT ((size_t)64 << 10)
#define PEM_LIMIT 4096
/* The longest token, and what clocks may differ. */
#define OVERLAP_S (OBS__ISSUED_LIFETIME_MOST_S + 600)

obs_status obs__issuer_path(char out[PATH_MAX], const obs__issuer *issuer, const char *name, obs_error *error)
{
    int size = snprintf(out, PATH_MAX, "%s/%s", issuer->folder, name);
    return size < PATH_MAX
               ? OBS_OK
               : obs__fail(error, OBS_INVALID_ARGUMENT, "the path of the keys is longer than %d bytes", PATH_MAX - 1);
}

obs_status obs__issuer_key_path(char out[PATH_MAX], const obs__issuer *issuer, const char *id, obs_error *error)
{
    char name[OBS__THUMBPRINT_SIZE + 16];
    snprintf(name, sizeof name, "key-%.*s.pem", OBS__THUMBPRINT_SIZE, id);
    return obs__issuer_path(out, issuer, name, error);
}

void obs__issuer_release(obs__issuer_list *list)
{
    if (!list || atomic_fetch_sub(&list->holders, 1) != 1)
        return;
    for (size_t i = 0; i < list->count; i++) {
        obs__key_free(list->entries[i].key);
    }
    obs__free(list);
}

obs_status obs__issuer_add(obs__issuer_list *list, obs__key *key, int64_t signs_s, obs_error *error)
{
    if (list->count == OBS__ISSUER_KEYS_MOST) {
        obs__key_free(key);
        return obs__fail(error, OBS_RESOURCE_EXHAUSTED,
                         "the issuer has %d keys whose tokens may still be valid: wait a day before it gets another one",
                         OBS__ISSUER_KEYS_MOST);
    }
    list->entries[list->count].key = key;
    list->entries[list->count++].signs_s = signs_s;
    return OBS_OK;
}

static obs_status damaged(const obs__issuer *issuer, obs_error *error)
{
    return obs__fail(
        error, OBS_DATA_LOSS,
        "'%s/issuer.json' is damaged: restore it from a backup, or remove it to have it made from the keys beside it",
        issuer->folder);
}

static obs_status read_entry(obs__issuer_list *list, const json_t *json, obs_error *error)
{
    obs__key *key = NULL;
    int64_t signs_s = 0;
    int64_t before = list->count ? list->entries[list->count - 1].signs_s : 0;
    obs_status status = obs__json_get_integer(&signs_s, json, "signs_from", 1, error);
    if (status == OBS_OK)
        status = obs__jwk_from_json(&key, json, 0, error);
    if (status != OBS_OK)
        return status;
    if (strcmp(obs__key_id(key), obs__key_thumbprint(key)) != 0 || signs_s < before) {
        obs__key_free(key);
        return obs__fail(error, OBS_INVALID_ARGUMENT, "the list of keys is in disorder");
    }
    return obs__issuer_add(list, key, signs_s, error);
}

static obs_status read_list(obs__issuer_list *list, const obs_buffer *text, obs_error *error)
{
    json_t *json = NULL;
    const json_t *keys = NULL;
    obs_status status = obs__json_load(&json, obs_buffer_data(text), obs_buffer_size(text), NULL, error);
    if (status == OBS_OK)
        status = json_is_object(json) ? obs__json_get_list(&keys, json, "keys", 1, error) : OBS_INVALID_ARGUMENT;
    for (size_t i = 0; i < json_array_size(keys) && status == OBS_OK; i++)
        status = read_entry(list, json_array_get(keys, i), error);
    json_decref(json);
    return status;
}

/* Nobody else may even look into the folder: a file that is made in it is never open to others, not for a moment. */
static obs_status check_folder(const obs__issuer *issuer, obs_error *error)
{
    struct stat found;
    if (stat(issuer->folder, &found) != 0)
        return errno == ENOENT ? OBS_OK : obs__fail_system(error, errno, "cannot look at '%s'", issuer->folder);
    if (found.st_uid != geteuid())
        return obs__fail(error, OBS_UNTRUSTED, "the keys in '%s' belong to another user (number %u)", issuer->folder,
                         (unsigned)found.st_uid);
    if (found.st_mode & (S_IRWXG | S_IRWXO))
        return obs__fail(error, OBS_UNTRUSTED, "the keys in '%s' are open to others: run 'chmod 700 %s'", issuer->folder,
                         issuer->folder);
    return OBS_OK;
}

obs_status obs__issuer_load(obs__issuer_list **out, const obs__issuer *issuer, obs_error *error)
{
    char path[PATH_MAX];
    obs_buffer *text = NULL;
    obs_error why;
    *out = NULL;
    obs_error_init(&why, sizeof why);
    obs_status status = obs__issuer_path(path, issuer, "issuer.json", error);
    if (status == OBS_OK)
        status = check_folder(issuer, error);
    if (status != OBS_OK)
        return status;
    obs__issuer_list *list = obs__calloc(1, sizeof *list);
    if (!list)
        return obs__fail_memory(error);
    atomic_init(&list->holders, 1);
    /* Looked at before it is read: a change in between is found the next time. */
    if (stat(path, &list->seen) != 0)
        memset(&list->seen, 0, sizeof list->seen);
    status = obs__file_read_trusted(&text, path, LIST_LIMIT, &why);
    if (status == OBS_OK && (status = read_list(list, text, &why)) != OBS_OK)
        status = obs__lacks_memory(&why) ? obs__fail_memory(error) : damaged(issuer, error);
    else if (status == OBS_NOT_FOUND)
        status = OBS_OK;
    else if (status != OBS_OK)
        obs__copy_error(error, &why);
    obs_buffer_free(text);
    if (status == OBS_OK)
        *out = list;
    else
        obs__issuer_release(list);
    return status;
}

static int is_same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static obs__issuer_list *remembered(obs__issuer *issuer)
{
    obs__brief_take(&issuer->lock);
    obs__issuer_list *list = atomic_load(&issuer->list);
    if (list)
        atomic_fetch_add(&list->holders, 1);
    obs__brief_release(&issuer->lock);
    return list;
}

static void remember(obs__issuer *issuer, obs__issuer_list *list)
{
    atomic_fetch_add(&list->holders, 1);
    obs__brief_take(&issuer->lock);
    obs__issuer_list *old = atomic_exchange(&issuer->list, list);
    obs__brief_release(&issuer->lock);
    obs__issuer_release(old);
}

obs_status obs__issuer_look(obs__issuer_list **out, obs__issuer *issuer, obs_error *error)
{
    char path[PATH_MAX];
    struct stat now = {0};
    obs_status status = obs__issuer_path(path, issuer, "issuer.json", error);
    *out = NULL;
    if (status != OBS_OK)
        return status;
    obs__issuer_list *list = remembered(issuer);
    if (list && list->count && stat(path, &now) == 0 && is_same_file(&now, &list->seen)) {
        *out = list;
        return OBS_OK;
    }
    obs__issuer_release(list);
    status = obs__issuer_load(out, issuer, error);
    if (status == OBS_OK)
        remember(issuer, *out);
    return status;
}

static void add_entry(obs__builder *text, const obs__issuer_entry *entry)
{
    obs__jwk_add(text, entry->key);
    if (text->size)
        text->size--; /* the brace, for one more member */
    obs__add_format(text, ",\"signs_from\":%lld}", (long long)entry->signs_s);
}

obs_status obs__issuer_store(const obs__issuer *issuer, const obs__issuer_list *list, obs_error *error)
{
    char path[PATH_MAX];
    obs__builder text;
    obs__builder_init(&text, LIST_LIMIT);
    obs__add_text(&text, "{\"keys\":[");
    for (size_t i = 0; i < list->count; i++) {
        obs__add_text(&text, i ? ",\n" : "\n");
        add_entry(&text, &list->entries[i]);
    }
    obs__add_text(&text, "]}\n");
    obs_status status = obs__builder_status(&text, error);
    if (status == OBS_OK)
        status = obs__issuer_path(path, issuer, "issuer.json", error);
    if (status == OBS_OK)
        status = obs__file_write(AT_FDCWD, path, text.data, text.size, 0600, error);
    obs__builder_free(&text);
    return status;
}

/* Where the clock went back before the first key, this signs nevertheless: with the oldest, which everybody has. */
size_t obs__issuer_current(const obs__issuer_list *list, int64_t now_s)
{
    size_t current = 0;
    for (size_t i = 0; i < list->count; i++)
        if (list->entries[i].signs_s <= now_s)
            current = i;
    return current;
}

int obs__issuer_verifies(const obs__issuer_list *list, size_t index, int64_t now_s)
{
    return index + 1 >= list->count || list->entries[index + 1].signs_s + OVERLAP_S > now_s;
}

obs_status obs__issuer_read_signer(obs__key **out, const obs__issuer *issuer, const char *id, obs_error *error)
{
    char path[PATH_MAX], pem[PEM_LIMIT] = "";
    size_t size = 0;
    *out = NULL;
    obs_status status = obs__issuer_key_path(path, issuer, id, error);
    if (status == OBS_OK)
        status = obs__keyfile_read(pem, sizeof pem, &size, path, error);
    if (status == OBS_NOT_FOUND)
        return obs__fail(error, OBS_FAILED_PRECONDITION,
                         "the signing key '%s' is gone: restore it from a backup, or run 'obsctl token rotate' for a new one",
                         path);
    if (status == OBS_OK)
        status = obs__key_from_pem(out, pem, size, error);
    obs__wipe(pem, sizeof pem);
    if (status == OBS_DATA_LOSS || (status == OBS_OK && strcmp(obs__key_id(*out), id) != 0)) {
        obs__key_free(*out);
        *out = NULL;
        return obs__fail(
            error, OBS_DATA_LOSS,
            "the signing key '%s' is damaged: restore it from a backup, or remove it and run 'obsctl token rotate'", path);
    }
    return status;
}
