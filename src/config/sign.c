/*
 * Signed documents: the text of a C2SP signed note, whose member `version` never goes back. The highest version of each layer
 * that was ever taken over, and the hash of its text, are kept in `<state>/config/version-<hash of the URL>`.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/note.h"
#include "config/engine.h"

#define KEY_FILE "config/signing-key"
#define LINE_MAX_SIZE 128
#define DIGEST_SIZE (2 * OBS__SHA256_SIZE + 1)

obs_status obs__config_signed_text(obs__view *out, obs__view bytes, const obs__config_source *source, obs_error *error)
{
    obs__note note;
    obs__verifier verifier;
    obs_error inner;
    obs_error_init(&inner, sizeof inner);
    obs_status status = obs__verifier_read(&verifier, obs__view_of(source->key, OBS_TEXT), &inner);
    if (status != OBS_OK)
        return obs__fail(error, status, "the key of %s in obs.yaml cannot be read: %s", source->label, inner.message);
    status = obs__note_read(&note, bytes, &inner);
    if (status == OBS_OK)
        status = obs__note_check(&note, &verifier, NULL, &inner);
    if (status != OBS_OK && obs__lacks_memory(&inner))
        return obs__copy_error(error, &inner);
    if (status != OBS_OK)
        return obs__fail(error, OBS_REFUSED, "%s is not signed by the key that obs.yaml names: %s", source->label,
                         inner.message);
    *out = note.text;
    return OBS_OK;
}

obs_status obs__config_signed_version(int64_t *out, const json_t *tree, const char *label, obs_error *error)
{
    const json_t *version = json_object_get(tree, "version");
    *out = json_integer_value(version);
    if (json_is_integer(version) && *out > 0)
        return OBS_OK;
    return obs__fail(error, OBS_REFUSED,
                     "%s has no member 'version' that is an integer from 1 on, which a signed document needs", label);
}

/* What a layer had at most: its version, and the hash of that document. */
struct highest {
    int64_t version;
    char digest[DIGEST_SIZE];
};

static obs_status digest_of(char out[DIGEST_SIZE], const void *data, size_t size, obs_error *error)
{
    unsigned char hash[OBS__SHA256_SIZE];
    obs_status status = obs__sha256(hash, data, size, error);
    if (status == OBS_OK)
        obs__hex(out, hash, sizeof hash);
    return status;
}

static obs_status path_of(char out[PATH_MAX], const obs__config_engine *engine, const obs__config_source *source,
                          obs_error *error)
{
    char digest[DIGEST_SIZE];
    obs_status status = digest_of(digest, source->url, strlen(source->url), error);
    if (status != OBS_OK)
        return status;
    int size = snprintf(out, PATH_MAX, "%s/config/version-%.32s", engine->setup.state ? engine->setup.state : "", digest);
    return size > 0 && size < PATH_MAX && engine->setup.state
               ? OBS_OK
               : obs__fail(error, OBS_FAILED_PRECONDITION,
                           "%s is signed, and there is no folder that remembers its highest version: set HOME", source->label);
}

/* None yet is fine; one that somebody else could have changed is not. */
static obs_status read_highest(struct highest *out, const obs__config_engine *engine, const obs__config_source *source,
                               obs_error *error)
{
    char path[PATH_MAX];
    obs_buffer *text = NULL;
    int fd = -1;
    *out = (struct highest){0};
    obs_status status = path_of(path, engine, source, error);
    if (status != OBS_OK || access(path, F_OK) != 0)
        return status;
    status = obs__open_private(&fd, NULL, path, error);
    if (status == OBS_OK)
        status = obs__file_read_fd(&text, fd, path, LINE_MAX_SIZE, error);
    long long version = 0;
    if (status == OBS_OK && (sscanf(obs_buffer_data(text), "%lld %64[0-9a-f]", &version, out->digest) != 2 || version < 1))
        status = obs__fail(error, OBS_UNTRUSTED, "'%s' is damaged: remove it only if you know why", path);
    out->version = version;
    if (fd >= 0)
        close(fd);
    obs_buffer_free(text);
    return status;
}

obs_status obs__config_version_check(const obs__config_engine *engine, const obs__config_layer *layer,
                                     const obs__config_document *document, obs_error *error)
{
    struct highest highest;
    char digest[DIGEST_SIZE];
    if (!layer->source.key)
        return OBS_OK;
    obs_status status = read_highest(&highest, engine, &layer->source, error);
    if (status == OBS_OK && document->version < highest.version)
        return obs__fail(error, OBS_REFUSED, "%s has version %lld, but version %lld was here before: versions never go back",
                         layer->source.label, (long long)document->version, (long long)highest.version);
    if (status == OBS_OK && document->version == highest.version) {
        status = digest_of(digest, obs_buffer_data(document->bytes), obs_buffer_size(document->bytes), error);
        if (status == OBS_OK && strcmp(digest, highest.digest) != 0)
            return obs__fail(error, OBS_REFUSED,
                             "%s has version %lld, which was another document before: give each one a version of its own",
                             layer->source.label, (long long)document->version);
    }
    return status;
}

void obs__config_version_note(const obs__config_engine *engine, const obs__config_layer *layer)
{
    char path[PATH_MAX], folder[PATH_MAX], digest[DIGEST_SIZE], line[LINE_MAX_SIZE];
    const obs__config_document *document = layer->accepted;
    struct highest highest;
    obs_error error;
    obs_error_init(&error, sizeof error);
    if (!layer->source.key || !document || !document->bytes)
        return;
    obs_status status = read_highest(&highest, engine, &layer->source, &error);
    if (status == OBS_OK && document->version <= highest.version)
        return;
    if (status == OBS_OK)
        status = digest_of(digest, obs_buffer_data(document->bytes), obs_buffer_size(document->bytes), &error);
    if (status == OBS_OK)
        status = path_of(path, engine, &layer->source, &error);
    if (status == OBS_OK) {
        snprintf(line, sizeof line, "%lld %s\n", (long long)document->version, digest);
        snprintf(folder, sizeof folder, "%.*s", (int)(strrchr(path, '/') - path), path);
        status = obs__folder_make(AT_FDCWD, folder, 0700, &error);
    }
    if (status == OBS_OK)
        status = obs__file_write(AT_FDCWD, path, line, strlen(line), 0600, &error);
    if (status != OBS_OK)
        obs__log(OBS_LOG_ERROR, "config", NULL, "the version of %s could not be remembered: %s", layer->source.label,
                 error.message);
}

/* The workspace's key, made when it is needed for the first time. */
static obs_status open_key(obs__signer **out, const obs__config_engine *engine, obs_error *error)
{
    char path[PATH_MAX], name[OBS__KEY_NAME_MAX];
    if (!engine->setup.state)
        return obs__fail(error, OBS_FAILED_PRECONDITION, "there is no folder for the key: set HOME");
    int size = snprintf(path, sizeof path, "%s/" KEY_FILE, engine->setup.state);
    if (size < 0 || (size_t)size >= sizeof path)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "the path of the state folder is too long");
    obs_status status = obs__signer_open(out, path, error);
    if (status != OBS_NOT_FOUND)
        return status;
    const char *id = strrchr(engine->setup.state, '/');
    snprintf(name, sizeof name, "config.%.128s", id ? id + 1 : "workspace");
    status = obs__signer_new(out, name, OBS__KEY_LOG, error);
    if (status == OBS_OK && (status = obs__signer_store(*out, path, error)) != OBS_OK) {
        obs__signer_free(*out);
        *out = NULL;
        if (status == OBS_ALREADY_EXISTS) /* another process was faster */
            status = obs__signer_open(out, path, error);
    }
    return status;
}

static obs_status check_document(obs__view text, obs_error *error)
{
    obs__config_source source = {.kind = OBS__CONFIG_REMOTE, .url = "the document", .label = "the document"};
    obs__config_answer answer = {.found = OBS__CONFIG_DOCUMENT};
    obs__config_document *document = NULL;
    int64_t version;
    obs_status status = obs__buffer_copy(&answer.bytes, text.data, text.size, error);
    if (status == OBS_OK)
        status = obs__config_document_read(&document, &source, &answer, error);
    if (status == OBS_OK && obs__config_signed_version(&version, document->tree, source.label, error) != OBS_OK)
        status = obs__fail(error, OBS_INVALID_ARGUMENT,
                           "the document has no member 'version' that is an integer from 1 on: add it, higher each time");
    obs__config_document_free(document);
    return status;
}

static obs_status make_note(obs__builder *out, obs__builder *line, const obs__config_engine *engine, obs__view text,
                            obs_error *error)
{
    obs__signer *signer = NULL;
    obs__builder whole;
    obs__builder_init(&whole, OBS__NOTE_MAX);
    obs__add(&whole, text.data, text.size);
    if (!text.size || text.data[text.size - 1] != '\n')
        obs__add_char(&whole, '\n');
    obs_status status = obs__builder_status(&whole, error);
    if (status == OBS_OK)
        status = open_key(&signer, engine, error);
    if (status == OBS_OK)
        status = obs__note_sign(out, obs__view_of(whole.data, whole.size), signer, 0, error);
    if (status == OBS_OK)
        obs__verifier_add(line, obs__signer_verifier(signer));
    obs__signer_free(signer);
    obs__builder_free(&whole);
    return status;
}

static obs_status sign(obs_buffer **out, obs_buffer **key, const obs__config_engine *engine, obs__view text, obs_error *error)
{
    obs__builder note, line;
    obs__builder_init(&note, OBS__NOTE_MAX);
    obs__builder_init(&line, OBS__KEY_LINE_MAX);
    obs_status status = check_document(text, error);
    if (status == OBS_OK)
        status = make_note(&note, &line, engine, text, error);
    if (status == OBS_OK && key)
        status = obs__builder_finish(key, &line, error);
    if (status == OBS_OK)
        status = obs__builder_finish(out, &note, error);
    obs__builder_free(&note);
    obs__builder_free(&line);
    return status;
}

obs_status obs_config_sign(obs_buffer **out, obs_config *config, const char *data, size_t size, obs_buffer **key,
                           const obs_call *call, obs_error *error)
{
    obs__config_engine *engine = NULL;
    obs__scope scope;
    if (!out || !config || !data)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "out, config and data are required");
    *out = NULL;
    if (key)
        *key = NULL;
    obs_status status = obs__gate_enter(&scope, config->gate, OBS__CHANGE, "config.sign", NULL, 0, call, error);
    if (status != OBS_OK)
        return status;
    obs__effects effects = {0};
    status = obs__config_engine_of(&engine, config, &scope.limit, error);
    if (status == OBS_OK)
        status = sign(out, key, engine, obs__view_of(data, size), error);
    /* The record comes first: without it nobody gets the signature. */
    if (status == OBS_OK) {
        scope.bytes = obs_buffer_size(*out);
        status = obs__gate_commit(&scope, &effects, error);
    }
    if (status != OBS_OK) {
        obs_buffer_free(*out);
        *out = NULL;
        if (key) {
            obs_buffer_free(*key);
            *key = NULL;
        }
    }
    return obs__gate_leave(&scope, status, error);
}
