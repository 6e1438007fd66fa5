/* The source's audit log: it must go on from the checkpoint that the target has, and its newest one is kept there, as
 * `sites/<site>/audit.checkpoint`, beside the key that it was first seen with. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "audit/note.h"
#include "audit/tiles.h"
#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "relay/relay.h"

#define NOTE_MAX 65536
#define NAME_SIZE 128

/* The log of the source as it is now. */
typedef struct source_log {
    int folder; /* its descriptor, or -1 */
    obs_buffer *note;
    obs_buffer *key_line;
    obs__verifier key;
    obs__checkpoint checkpoint;
} source_log;

static obs_status open_log(source_log *out, const obs__relay *relay, obs_error *error)
{
    char *path = NULL;
    obs_status status = obs_audit_key(&out->key_line, obs_client_audit(relay->from), error);
    if (status == OBS_OK)
        status =
            obs__verifier_read(&out->key, (obs__view){obs_buffer_data(out->key_line), obs_buffer_size(out->key_line)}, error);
    if (status != OBS_OK)
        return status;
    path = obs__alloc(strlen(obs_client_workspace(relay->from)) + 16);
    if (!path)
        return obs__fail_memory(error);
    sprintf(path, "%s/audit/log", obs_client_workspace(relay->from));
    out->folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    obs__free(path);
    if (out->folder < 0)
        return obs__fail(error, OBS_DATA_LOSS, "the audit log of the source is gone");
    status = obs__file_read(&out->note, out->folder, "checkpoint", NOTE_MAX, error);
    if (status == OBS_OK)
        status = obs__checkpoint_open(&out->checkpoint, (obs__view){obs_buffer_data(out->note), obs_buffer_size(out->note)},
                                      &out->key, error);
    return status;
}

static void close_log(source_log *log)
{
    if (log->folder >= 0)
        close(log->folder);
    obs_buffer_free(log->note);
    obs_buffer_free(log->key_line);
}

static obs_status root_at(obs__tree_hash *out, const source_log *log, uint64_t size, obs_error *error)
{
    obs__tree_hasher *hasher = NULL;
    obs__tiles *tiles = NULL;
    obs_status status = obs__tree_hasher_new(&hasher, error);
    if (status == OBS_OK)
        status = obs__tiles_open(&tiles, log->folder, log->checkpoint.size, hasher, error);
    if (status == OBS_OK) {
        obs__tree_reader reader = obs__tiles_reader(tiles);
        status = obs__tree_root_at(out, hasher, &reader, size, error);
    }
    if (status == OBS_OK)
        status = obs__tree_hasher_status(hasher, error);
    obs__tiles_free(tiles);
    obs__tree_hasher_free(hasher);
    return status;
}

/* Whether the log is one that had this checkpoint once. */
static obs_status goes_on(const source_log *log, const char *site, obs__view note, obs_error *error)
{
    obs__checkpoint before;
    obs__tree_hash root, now;
    obs_status status = obs__checkpoint_open(&before, note, &log->key, error);
    if (status != OBS_OK && status != OBS_DATA_LOSS)
        return status;
    if (status != OBS_OK)
        return obs__fail(error, OBS_DATA_LOSS,
                         "the audit log of site '%s' has another key than when it was last relayed, or what the target has of "
                         "it was changed: nothing is taken from it",
                         site);
    if (before.size > log->checkpoint.size)
        return obs__fail(error, OBS_DATA_LOSS,
                         "the audit log of site '%s' was rolled back: it had %llu records when it was last relayed, and has "
                         "%llu now; nothing is taken from it",
                         site, (unsigned long long)before.size, (unsigned long long)log->checkpoint.size);
    status = root_at(&root, log, before.size, error);
    if (status == OBS_OK)
        status = root_at(&now, log, log->checkpoint.size, error);
    if (status != OBS_OK)
        return status;
    if (!obs__tree_equal(&root, &before.root) || !obs__tree_equal(&now, &log->checkpoint.root))
        return obs__fail(error, OBS_DATA_LOSS,
                         "the audit log of site '%s' was rewritten since it was last relayed, within its first %llu records: "
                         "nothing is taken from it",
                         site, (unsigned long long)before.size);
    return OBS_OK;
}

static obs_status put(obs__relay *relay, const char *name, const obs_buffer *bytes, const char *etag, obs_error *error)
{
    obs_put_options options;
    obs_put_options_init(&options, sizeof options);
    options.call = relay->call;
    options.content_type = "text/plain";
    options.if_match = etag;
    options.if_none_match = etag ? NULL : "*";
    options.no_index = 1;
    return obs_store_put(NULL, obs_client_store(relay->to), name, OBS_TEXT, obs_buffer_data(bytes), obs_buffer_size(bytes),
                         &options, error);
}

/* What the target has under a name; NULL when there is nothing. */
static obs_status get(obs_buffer **out, obs_stat **stat, obs__relay *relay, const char *name, obs_error *error)
{
    obs_error why;
    obs_store *store = obs_client_store(relay->to);
    *out = NULL;
    *stat = NULL;
    obs_error_init(&why, sizeof why);
    obs_status status = obs_store_head(stat, store, name, OBS_TEXT, relay->call, &why);
    if (status == OBS_OK)
        status = obs_store_get(out, store, name, OBS_TEXT, NULL, &why);
    return status == OBS_OK || status == OBS_NOT_FOUND ? OBS_OK : obs__copy_error(error, &why);
}

static obs_status keep(obs__relay *relay, const source_log *log, const char *name, const obs_buffer *there,
                       const obs_stat *stat, obs_error *error)
{
    char key[NAME_SIZE];
    obs_status status = OBS_OK;
    relay->counts.audit = log->checkpoint.size;
    if (!there) {
        obs_error ignored;
        obs_error_init(&ignored, sizeof ignored);
        snprintf(key, sizeof key, "sites/%s/audit.key", relay->site);
        put(relay, key, log->key_line, NULL, &ignored); /* for people: the checkpoint is checked with the log's own */
        return put(relay, name, log->note, NULL, error);
    }
    if (obs_buffer_size(there) != obs_buffer_size(log->note) ||
        memcmp(obs_buffer_data(there), obs_buffer_data(log->note), obs_buffer_size(there)) != 0)
        status = put(relay, name, log->note, stat->etag, error);
    return status == OBS_FAILED_PRECONDITION ? OBS_OK : status; /* another tenant's relay was faster */
}

/* Whether the source has no log that this caller could read: then there is nothing to compare. */
static int is_closed(obs_status status)
{
    return status == OBS_PERMISSION_DENIED || status == OBS_NOT_FOUND;
}

obs_status obs__relay_anchor(obs__relay *relay, obs_error *error)
{
    char name[NAME_SIZE];
    source_log log = {.folder = -1};
    obs_buffer *there = NULL;
    obs_stat *stat = NULL;
    obs_error why;
    obs_error_init(&why, sizeof why);
    snprintf(name, sizeof name, "sites/%s/audit.checkpoint", relay->site);
    obs_status status = obs_audit_sequence(obs_client_audit(relay->from), relay->call, &why);
    if (status == OBS_OK)
        status = open_log(&log, relay, &why);
    if (is_closed(status)) {
        close_log(&log);
        return OBS_OK;
    }
    if (status != OBS_OK)
        obs__copy_error(error, &why);
    if (status == OBS_OK)
        status = get(&there, &stat, relay, name, error);
    if (status == OBS_OK && there)
        status = goes_on(&log, relay->site, (obs__view){obs_buffer_data(there), obs_buffer_size(there)}, error);
    if (status == OBS_OK)
        status = keep(relay, &log, name, there, stat, error);
    obs_stat_free(stat);
    obs_buffer_free(there);
    close_log(&log);
    return status;
}
