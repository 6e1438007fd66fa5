/*
 * Making and replacing keys. Everything here happens under the lock of the folder, and the order of the steps decides what a
 * crash leaves: the private key is written first, then issuer.json, which alone says what counts, then what it no longer names
 * is removed. A private key that issuer.json does not name was left by a crash, or is about to be removed.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "auth/issuer_inside.h"
#include "base/error.h"
#include "base/file.h"
#include "base/keyfile.h"

/* A key that waits for longer than this was made while the clock was wrong. */
#define WAIT_MOST_S 86400

/* The id in `key-<id>.pem`, or NULL for another file. */
static const char *id_in(const char *name, char id[OBS__THUMBPRINT_SIZE])
{
    size_t size = strlen(name), part = OBS__THUMBPRINT_SIZE - 1;
    if (size != 4 + part + 4 || strncmp(name, "key-", 4) != 0 || strcmp(name + 4 + part, ".pem") != 0)
        return NULL;
    memcpy(id, name + 4, part);
    id[part] = '\0';
    return id;
}

static int is_named(const obs__issuer_list *list, const char *id)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(obs__key_id(list->entries[i].key), id) == 0)
            return 1;
    return 0;
}

static obs_status open_folder(DIR **out, const obs__issuer *issuer, obs_error *error)
{
    *out = opendir(issuer->folder);
    return *out ? OBS_OK : obs__fail_system(error, errno, "cannot look into '%s'", issuer->folder);
}

/* Removes private keys that issuer.json does not name, and what a crash left half written. */
static obs_status sweep(const obs__issuer *issuer, const obs__issuer_list *list, obs_error *error)
{
    DIR *folder;
    char id[OBS__THUMBPRINT_SIZE];
    int removed = 0;
    obs_status status = open_folder(&folder, issuer, error);
    if (status != OBS_OK)
        return status;
    for (struct dirent *entry; status == OBS_OK && (entry = readdir(folder));) {
        int is_key = id_in(entry->d_name, id) != NULL;
        if (!(is_key ? !is_named(list, id) : strncmp(entry->d_name, ".obs-tmp-", 9) == 0))
            continue;
        removed = 1;
        if (unlinkat(dirfd(folder), entry->d_name, 0) != 0 && errno != ENOENT)
            status = obs__fail_system(error, errno, "cannot remove '%s/%s'", issuer->folder, entry->d_name);
    }
    if (status == OBS_OK && removed)
        status = obs__folder_sync(dirfd(folder), issuer->folder, error);
    closedir(folder);
    return status;
}

static int by_age(const void *a, const void *b)
{
    const obs__issuer_entry *x = a, *y = b;
    return (x->signs_s > y->signs_s) - (x->signs_s < y->signs_s);
}

/* A public key does not come without its private part out of issuer_read_signer(); as text it loses it. */
static obs_status public_part(obs__key **out, const obs__key *key, obs_error *error)
{
    obs__builder text;
    obs__builder_init(&text, OBS__JWK_SIZE_LIMIT);
    obs__jwk_add(&text, key);
    obs_status status = obs__builder_status(&text, error);
    if (status == OBS_OK)
        status = obs__jwk_parse(out, text.data, text.size, 0, error);
    obs__builder_free(&text);
    return status;
}

static obs_status adopt_one(obs__issuer_list *list, const obs__issuer *issuer, int folder, const char *name, const char *id,
                            obs_error *error)
{
    struct stat found;
    obs__key *key = NULL, *public = NULL;
    if (fstatat(folder, name, &found, AT_SYMLINK_NOFOLLOW) != 0)
        return obs__fail_system(error, errno, "cannot look at '%s/%s'", issuer->folder, name);
    obs_status status = obs__issuer_read_signer(&key, issuer, id, error);
    if (status == OBS_OK)
        status = public_part(&public, key, error);
    obs__key_free(key);
    return status == OBS_OK ? obs__issuer_add(list, public, (int64_t)found.st_mtim.tv_sec, error) : status;
}

/* There is no issuer.json: a crash came before the first one was written, or somebody removed it. Keys that are there count,
 * from when they were made. */
static obs_status adopt(obs__issuer_list *list, const obs__issuer *issuer, obs_error *error)
{
    DIR *folder;
    char id[OBS__THUMBPRINT_SIZE];
    obs_status status = open_folder(&folder, issuer, error);
    if (status != OBS_OK)
        return status;
    for (struct dirent *entry; status == OBS_OK && (entry = readdir(folder));)
        if (id_in(entry->d_name, id))
            status = adopt_one(list, issuer, dirfd(folder), entry->d_name, id, error);
    closedir(folder);
    qsort(list->entries, list->count, sizeof *list->entries, by_age);
    return status;
}

static void drop(obs__issuer_list *list, size_t index)
{
    obs__key_free(list->entries[index].key);
    memmove(&list->entries[index], &list->entries[index + 1], (list->count - index - 1) * sizeof *list->entries);
    list->count--;
}

static void prune(obs__issuer_list *list, int64_t now_s)
{
    while (list->count && !obs__issuer_verifies(list, 0, now_s))
        drop(list, 0);
}

static int can_sign(const obs__issuer *issuer, const obs__issuer_list *list, int64_t now_s)
{
    obs__key *signer = NULL;
    size_t current = obs__issuer_current(list, now_s);
    int can = list->count && obs__issuer_read_signer(&signer, issuer, obs__key_id(list->entries[current].key), NULL) == OBS_OK;
    obs__key_free(signer);
    return can;
}

/* A key that was to sign in a far future comes at its turn; one that the others cannot wait for, now. Returns whether one
 * waits. */
static int settle_waiting(const obs__issuer *issuer, obs__issuer_list *list, int works, int64_t now_s)
{
    int waits = 0;
    for (size_t i = 1; i < list->count; i++) {
        obs__issuer_entry *entry = &list->entries[i];
        if (entry->signs_s > now_s && !works)
            entry->signs_s = now_s;
        else if (entry->signs_s > now_s + issuer->announce_s + WAIT_MOST_S)
            entry->signs_s = now_s + issuer->announce_s;
        waits |= entry->signs_s > now_s;
    }
    return waits;
}

static obs_status make_key(obs__key **out, const obs__issuer *issuer, obs_error *error)
{
    char path[PATH_MAX];
    char *pem = NULL;
    size_t size = 0;
    obs__key *key = NULL;
    obs_status status = obs__key_generate(&key, issuer->algorithm, error);
    if (status == OBS_OK)
        status = obs__issuer_key_path(path, issuer, obs__key_id(key), error);
    if (status == OBS_OK)
        status = obs__key_to_pem(&pem, &size, key, error);
    if (status == OBS_OK)
        status = obs__keyfile_create(path, pem, size, error);
    if (status == OBS_OK)
        status = public_part(out, key, error);
    obs__key_pem_free(pem, size);
    obs__key_free(key);
    return status;
}

/* `begin_s`: from when on it signs. */
static obs_status add_key(const obs__issuer *issuer, obs__issuer_list *list, int64_t begin_s, obs_error *error)
{
    obs__key *key = NULL;
    int64_t last_s = list->count ? list->entries[list->count - 1].signs_s : 0;
    if (list->count == OBS__ISSUER_KEYS_MOST)
        return obs__issuer_add(list, NULL, 0, error); /* says so before a key is made */
    obs_status status = make_key(&key, issuer, error);
    return status == OBS_OK ? obs__issuer_add(list, key, begin_s > last_s ? begin_s : last_s, error) : status;
}

/* Changes the list in memory; *changed says whether it is to be written. Nobody waits for the new key when there is none that
 * could sign meanwhile. */
static obs_status renew(const obs__issuer *issuer, obs__issuer_list *list, int at_once, int64_t now_s, int *changed,
                        obs_error *error)
{
    int works = can_sign(issuer, list, now_s);
    *changed = 1;
    prune(list, now_s);
    if (settle_waiting(issuer, list, works, now_s) && works && !at_once)
        return OBS_OK;
    while (at_once && list->count)
        drop(list, list->count - 1);
    return add_key(issuer, list, works && !at_once ? now_s + issuer->announce_s : now_s, error);
}

static obs_status rotate(const obs__issuer *issuer, int only_first, int at_once, int64_t now_s, obs_error *error)
{
    obs__issuer_list *list = NULL;
    int changed = 0;
    obs_status status = obs__issuer_load(&list, issuer, error);
    if (status == OBS_OK && !list->count) {
        status = adopt(list, issuer, error);
        changed = 1;
    }
    if (status == OBS_OK && !(only_first && list->count))
        status = renew(issuer, list, at_once, now_s, &changed, error);
    if (status == OBS_OK && changed)
        status = obs__issuer_store(issuer, list, error);
    if (status == OBS_OK)
        status = sweep(issuer, list, error);
    obs__issuer_release(list);
    return status;
}

obs_status obs__issuer_change(obs__issuer *issuer, int only_first, int at_once, const obs__limit *limit, int64_t now_ns,
                              obs_error *error)
{
    char path[PATH_MAX];
    int lock = -1;
    obs_status status = obs__issuer_path(path, issuer, "lock", error);
    if (status == OBS_OK)
        status = obs__folder_make(AT_FDCWD, issuer->folder, 0700, error);
    if (status == OBS_OK)
        status = obs__file_lock_take(&lock, path, limit, error);
    if (status == OBS_OK)
        status = rotate(issuer, only_first, at_once, now_ns / OBS__NS_PER_S, error);
    obs__file_lock_release(lock);
    return status;
}

obs_status obs__issuer_rotate(obs__issuer *issuer, int at_once, const obs__limit *limit, int64_t now_ns, obs_error *error)
{
    return obs__issuer_change(issuer, 0, at_once, limit, now_ns, error);
}
