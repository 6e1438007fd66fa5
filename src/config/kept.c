/*
 * The last known good documents, on disk, for a start while a source is down: `<state>/config/last-good`, dated, and
 * authenticated with a key that only this user has.
 *
 *     obs-config-1 <digest of the whole> <HMAC-SHA256 of what follows>
 *     {"folder":…,"time":…,"documents":[{"url":…,"etag":…,"changed":…,"text":…}]}
 */
#include <errno.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/secret.h"
#include "config/engine.h"

#define SIZE_MAX_KEPT ((size_t)128 << 20)
#define KEY_SIZE 32
#define MARK "obs-config-1 "
#define HEAD_SIZE (sizeof MARK - 1 + 16 + 1 + 2 * OBS__SHA256_SIZE + 1)
#define STANDARD_NS (INT64_C(7) * 86400 * 1000000000)
#define RENEW_NS (INT64_C(3600) * 1000000000)
/* A date so far ahead was not written by this clock. */
#define AHEAD_NS (INT64_C(86400) * 1000000000)

static int path_of(char out[PATH_MAX], const obs__config_engine *engine, const char *name)
{
    int size = snprintf(out, PATH_MAX, "%s/config%s%s", engine->setup.state, *name ? "/" : "", name);
    return size > 0 && size < PATH_MAX;
}

/* Only the caller may look into the folder; obs__open_private() sees to the files. */
static obs_status check_folder(const char *path, obs_error *error)
{
    struct stat found;
    if (lstat(path, &found) != 0)
        return obs__fail_system(error, errno, "cannot look at '%s'", path);
    if (!S_ISDIR(found.st_mode) || found.st_uid != geteuid() || found.st_mode & 077)
        return obs__fail(error, OBS_UNTRUSTED, "'%s' must be a folder that only you can open: run 'chmod 700 %s'", path, path);
    return OBS_OK;
}

static obs_status read_key(obs_secret **out, const obs__config_engine *engine, int make, obs_error *error)
{
    char path[PATH_MAX];
    unsigned char bytes[KEY_SIZE];
    if (!path_of(path, engine, "key"))
        return obs__fail(error, OBS_INVALID_ARGUMENT, "the path of the state folder is too long");
    obs_status status = obs__secret_read_private(out, NULL, path, KEY_SIZE, error);
    if (status == OBS_NOT_FOUND && make) {
        status = obs__random(bytes, sizeof bytes, error);
        if (status == OBS_OK)
            status = obs__file_create(AT_FDCWD, path, bytes, sizeof bytes, 0600, error);
        OPENSSL_cleanse(bytes, sizeof bytes);
        if (status == OBS_OK || status == OBS_ALREADY_EXISTS)
            status = obs__secret_read_private(out, NULL, path, KEY_SIZE, error);
    }
    if (status == OBS_OK && obs_secret_size(*out) != KEY_SIZE) {
        obs_secret_free(*out);
        *out = NULL;
        status = obs__fail(error, OBS_UNTRUSTED, "'%s' is damaged: remove it", path);
    }
    return status;
}

static obs_status sign(char out[2 * OBS__SHA256_SIZE + 1], const obs_secret *key, const char *data, size_t size,
                       obs_error *error)
{
    unsigned char mac[OBS__SHA256_SIZE];
    obs_status status = obs__hmac_sha256(mac, obs_secret_bytes(key), obs_secret_size(key), data, size, error);
    if (status == OBS_OK)
        obs__hex(out, mac, sizeof mac);
    return status;
}

static void add_document(obs__builder *out, const obs__config_document *document)
{
    obs__add_char(out, '{');
    obs__add_json_member(out, "url", document->url);
    obs__add_json_member(out, "etag", document->etag);
    obs__add_json_integer(out, "changed", document->changed_ns);
    obs__add_text(out, "\"text\":");
    obs__add_json(out, obs_buffer_data(document->bytes), obs_buffer_size(document->bytes));
    obs__add_text(out, "},");
}

static int is_kept(const obs__config_layer *layer)
{
    return layer->source.kind != OBS__CONFIG_ENVIRONMENT && layer->accepted && layer->accepted->bytes;
}

static int has_any(const obs__config_engine *engine)
{
    for (size_t i = 0; i < engine->source_count; i++)
        if (is_kept(&engine->layers[i]))
            return 1;
    return 0;
}

static void add_documents(obs__builder *out, const obs__config_engine *engine)
{
    obs__add_text(out, "\"documents\":[");
    for (size_t i = 0; i < engine->source_count; i++)
        if (is_kept(&engine->layers[i]))
            add_document(out, engine->layers[i].accepted);
    out->size -= !out->failed; /* the last comma */
    obs__add_text(out, "],");
}

/* Another process may have written the same a moment ago. */
static int is_written(const char *path, const char *digest)
{
    char head[HEAD_SIZE];
    struct stat found;
    int fd = -1, same = 0;
    if (obs__open_private(&fd, &found, path, NULL) != OBS_OK)
        return 0;
    if (read(fd, head, sizeof head) == (ssize_t)sizeof head)
        same = memcmp(head, MARK, sizeof MARK - 1) == 0 && memcmp(head + sizeof MARK - 1, digest, 16) == 0 &&
               obs__now_ns() - (found.st_mtim.tv_sec * INT64_C(1000000000) + found.st_mtim.tv_nsec) < RENEW_NS;
    close(fd);
    return same;
}

static obs_status write_kept(obs__config_engine *engine, const char *path, const char *digest, obs_error *error)
{
    char mac[2 * OBS__SHA256_SIZE + 1], head[HEAD_SIZE + 1];
    obs_secret *key = NULL;
    obs__builder text;
    obs__builder_init(&text, SIZE_MAX_KEPT);
    char *room = obs__builder_room(&text, HEAD_SIZE);
    if (room)
        text.size = HEAD_SIZE;
    obs__add_char(&text, '{');
    obs__add_json_member(&text, "folder", engine->key);
    obs__add_json_integer(&text, "time", obs__now_ns());
    add_documents(&text, engine);
    obs__add_json_end(&text);
    obs_status status = obs__builder_status(&text, error);
    if (status == OBS_OK)
        status = read_key(&key, engine, 1, error);
    if (status == OBS_OK)
        status = sign(mac, key, text.data + HEAD_SIZE, text.size - HEAD_SIZE, error);
    if (status == OBS_OK) {
        snprintf(head, sizeof head, MARK "%.16s %s\n", digest, mac);
        memcpy(text.data, head, HEAD_SIZE);
        status = obs__file_write(AT_FDCWD, path, text.data, text.size, 0600, error);
    }
    obs_secret_free(key);
    obs__builder_free(&text);
    return status;
}

void obs__config_keep(obs__config_engine *engine)
{
    char folder[PATH_MAX], path[PATH_MAX];
    obs_error error;
    const obs__config_whole *whole = atomic_load(&engine->live.whole);
    if (!engine->setup.state || !has_any(engine) || !path_of(folder, engine, "") || !path_of(path, engine, "last-good"))
        return;
    int64_t now = obs__monotonic_ns();
    if (strcmp(engine->kept_digest, whole->digest) == 0 && now - engine->kept_ns < RENEW_NS)
        return;
    memcpy(engine->kept_digest, whole->digest, sizeof engine->kept_digest);
    engine->kept_ns = now;
    obs_error_init(&error, sizeof error);
    obs_status status = OBS_OK;
    if (is_written(path, whole->digest))
        return;
    status = obs__folder_make(AT_FDCWD, folder, 0700, &error);
    if (status == OBS_OK)
        status = check_folder(folder, &error);
    if (status == OBS_OK)
        status = write_kept(engine, path, whole->digest, &error);
    if (status != OBS_OK)
        obs__log(OBS_LOG_WARNING, "config", NULL, "the last known good configuration could not be kept: %s", error.message);
}

static obs_status check_mac(const obs__config_engine *engine, const obs_buffer *file, const char *path, obs_error *error)
{
    char mac[2 * OBS__SHA256_SIZE + 1];
    obs_secret *key = NULL;
    const char *data = obs_buffer_data(file);
    size_t size = obs_buffer_size(file);
    obs_status status = read_key(&key, engine, 0, error);
    if (status == OBS_OK && size > HEAD_SIZE)
        status = sign(mac, key, data + HEAD_SIZE, size - HEAD_SIZE, error);
    if (status == OBS_OK && (size <= HEAD_SIZE || memcmp(data, MARK, sizeof MARK - 1) != 0 ||
                             CRYPTO_memcmp(data + HEAD_SIZE - 1 - 2 * OBS__SHA256_SIZE, mac, 2 * OBS__SHA256_SIZE) != 0))
        status = obs__fail(error, OBS_UNTRUSTED, "'%s' was changed: it is not used", path);
    obs_secret_free(key);
    return status;
}

static obs_status read_kept(json_t **out, const obs__config_engine *engine, obs_error *error)
{
    char folder[PATH_MAX], path[PATH_MAX];
    obs_buffer *file = NULL;
    int fd = -1;
    *out = NULL;
    if (!engine->setup.state || !path_of(folder, engine, "") || !path_of(path, engine, "last-good"))
        return obs__fail(error, OBS_NOT_FOUND, "nothing was kept");
    obs_status status = check_folder(folder, error);
    if (status == OBS_OK)
        status = obs__open_private(&fd, NULL, path, error);
    if (status == OBS_OK)
        status = obs__file_read_fd(&file, fd, path, SIZE_MAX_KEPT, error);
    if (status == OBS_OK)
        status = check_mac(engine, file, path, error);
    if (status == OBS_OK) {
        obs__json_options options = {.size_limit = SIZE_MAX_KEPT, .name = path};
        status = obs__json_load(out, (const char *)obs_buffer_data(file) + HEAD_SIZE, obs_buffer_size(file) - HEAD_SIZE,
                                &options, error);
    }
    if (fd >= 0)
        close(fd);
    obs_buffer_free(file);
    return status;
}

static obs_status take_document(const obs__config_engine *engine, obs__config_layer *layer, const json_t *kept,
                                obs_error *error)
{
    obs__config_document *document = NULL;
    obs__config_answer answer = {.found = OBS__CONFIG_DOCUMENT};
    const json_t *text = json_object_get(kept, "text");
    const char *etag = json_string_value(json_object_get(kept, "etag"));
    snprintf(answer.etag, sizeof answer.etag, "%s", etag ? etag : "");
    answer.changed_ns = json_integer_value(json_object_get(kept, "changed"));
    obs_status status = obs__buffer_copy(&answer.bytes, json_string_value(text), json_string_length(text), error);
    if (status == OBS_OK)
        status = obs__config_document_read(&document, &layer->source, &answer, error);
    if (status == OBS_OK)
        status = obs__config_version_check(engine, layer, document, error);
    if (status == OBS_OK)
        layer->kept = document;
    else
        obs__config_document_free(document);
    return status;
}

static const json_t *find_url(const json_t *documents, const char *url)
{
    for (size_t i = 0; i < json_array_size(documents); i++) {
        const json_t *document = json_array_get(documents, i);
        const char *found = json_string_value(json_object_get(document, "url"));
        if (found && strcmp(found, url) == 0)
            return document;
    }
    return NULL;
}

/* Documents that are not too old, of this very workspace. */
static obs_status take_all(obs__config_engine *engine, const json_t *kept, obs_error *error)
{
    const char *folder = json_string_value(json_object_get(kept, "folder"));
    int64_t time = json_integer_value(json_object_get(kept, "time")), age = obs__now_ns() - time;
    obs_status status = OBS_OK;
    if (!folder || strcmp(folder, engine->key) != 0)
        return obs__fail(error, OBS_FAILED_PRECONDITION, "what was kept is of another folder");
    if (age < -AHEAD_NS)
        return obs__fail(error, OBS_UNTRUSTED, "what was kept has a date that lies ahead: is the clock right?");
    for (size_t i = 0; i < engine->source_count && status == OBS_OK; i++) {
        obs__config_layer *layer = &engine->layers[i];
        const json_t *document = find_url(json_object_get(kept, "documents"), layer->source.url);
        if (!document || layer->kept)
            continue;
        if (age > (layer->source.keep_ns ? layer->source.keep_ns : STANDARD_NS))
            status = obs__fail(error, OBS_UNAVAILABLE, "what was kept of %s is %lld days old, which is too old",
                               layer->source.label, (long long)(age / 86400 / 1000000000));
        else
            status = take_document(engine, layer, document, error);
        layer->kept_ns = time;
    }
    return status;
}

obs_status obs__config_kept_load(obs__config_engine *engine, obs_error *error)
{
    json_t *kept = NULL;
    obs_status status = read_kept(&kept, engine, error);
    if (status == OBS_OK)
        status = take_all(engine, kept, error);
    json_decref(kept);
    return status;
}
