/*
 * Exporting a tenant: all that it has, in a folder that anybody can read without this library.
 *
 * It is filled beside its place, synced as a whole and renamed, so that there is all of it or nothing. The record of it is in
 * the tenant's trail before: nothing leaves unseen.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "client/export.h"
#include "client/tenant.h"
#include "store/key.h"

#define TEXT_MAX ((size_t)64 << 20)
#define FLUSH ((size_t)1 << 16)
#define PIECE 65536
#define SUFFIX ".partial-XXXXXX"
#define LISTED 500

/* ---- A file. ---- */

obs_status obs__export_open(obs__export_file *out, obs__export *export, const char *name, obs_error *error)
{
    *out = (obs__export_file){.export = export, .name = name, .fd = -1};
    obs__builder_init(&out->text, TEXT_MAX);
    obs_status status = obs__sha256_begin(&out->hash, error);
    return status == OBS_OK ? obs__open_at(&out->fd, export->folder, name, O_WRONLY | O_CREAT | O_EXCL, 0600, error) : status;
}

obs_status obs__export_write(obs__export_file *file, const void *data, size_t size, obs_error *error)
{
    file->size += size;
    obs_status status = obs__sha256_add(file->hash, data, size, error);
    return status == OBS_OK ? obs__write_all(file->fd, data, size, file->name, error) : status;
}

obs_status obs__export_line(obs__export_file *file, const char *text, size_t size, obs_error *error)
{
    size_t from = file->text.size;
    obs__add(&file->text, text, size);
    for (size_t i = from; i < file->text.size; i++)
        if (file->text.data[i] == '\n' || file->text.data[i] == '\r')
            file->text.data[i] = ' ';
    obs__add_char(&file->text, '\n');
    obs_status status = obs__builder_status(&file->text, error);
    file->lines++;
    if (status != OBS_OK || file->text.size < FLUSH)
        return status;
    status = obs__export_write(file, file->text.data, file->text.size, error);
    obs__builder_clear(&file->text);
    return status;
}

obs_status obs__export_close(char sha256[2 * OBS__SHA256_SIZE + 1], obs__export_file *file, obs_status status, obs_error *error)
{
    unsigned char hash[OBS__SHA256_SIZE];
    if (status == OBS_OK && file->text.size)
        status = obs__export_write(file, file->text.data, file->text.size, error);
    if (status == OBS_OK)
        status = obs__sha256_end(hash, file->hash, error);
    if (file->fd >= 0 && close(file->fd) != 0 && status == OBS_OK)
        status = obs__fail_system(error, errno, "cannot write '%s'", file->name);
    if (status == OBS_OK)
        obs__hex(sha256, hash, sizeof hash);
    obs__sha256_free(file->hash);
    obs__builder_free(&file->text);
    return status;
}

obs_status obs__export_finish(obs__export_file *file, obs_status status, obs_error *error)
{
    char sha256[2 * OBS__SHA256_SIZE + 1];
    obs__builder *out = &file->export->manifest;
    status = obs__export_close(sha256, file, status, error);
    if (status != OBS_OK)
        return status;
    obs__add_char(out, '{');
    obs__add_json_member(out, "file", file->name);
    obs__add_json_integer(out, "lines", (int64_t)file->lines);
    obs__add_json_integer(out, "bytes", (int64_t)file->size);
    obs__add_json_member(out, "sha256", sha256);
    obs__add_json_end(out);
    obs__add_text(out, ",\n");
    return obs__builder_status(out, error);
}

/* ---- The objects. ---- */

/* The path of the key, as in a store. Where that is taken, because there are `a` and `a/b`, the object's number below `.obs`,
 * which no key has. */
static obs_status open_object(obs__export_file *out, char path[OBS__KEY_PATH_SIZE + 16], obs__export *export, obs__view key,
                              obs_error *error)
{
    size_t begin = (size_t)sprintf(path, "objects/");
    obs__key_path(path + begin, key, OBS__KEY_PLAIN);
    for (int other = 0; other < 2; other++) {
        char *slash = strrchr(path, '/');
        *slash = '\0';
        obs_status status = obs__folder_make(export->folder, path, 0700, other ? error : NULL);
        *slash = '/';
        if (status == OBS_OK)
            status = obs__export_open(out, export, path, other ? error : NULL);
        if (status == OBS_OK || other || status == OBS_NO_SPACE)
            return status == OBS_NO_SPACE ? obs__fail(error, status, "there is no space left for the export") : status;
        if (out->hash || out->fd >= 0)
            obs__export_close(NULL, out, OBS_CANCELLED, NULL);
        *out = (obs__export_file){.fd = -1};
        snprintf(path, OBS__KEY_PATH_SIZE + 16, "objects/.obs/%llu", (unsigned long long)export->objects);
    }
    return OBS_OK;
}

static obs_status copy_bytes(obs__export_file *file, obs_reader *reader, const obs__limit *limit, obs_error *error)
{
    char piece[PIECE];
    size_t size = 1;
    obs_status status = OBS_OK;
    while (status == OBS_OK && size) {
        status = obs_reader_read(&size, reader, piece, sizeof piece, error);
        if (status == OBS_OK && size)
            status = obs__export_write(file, piece, size, error);
        if (status == OBS_OK)
            status = obs__limit_check(limit, error);
    }
    return status;
}

static void add_pairs(obs__builder *out, const char *name, const obs_pair *pairs, size_t count)
{
    obs__add_format(out, "\"%s\":{", name);
    for (size_t i = 0; i < count; i++)
        obs__add_json_member(out, pairs[i].name, pairs[i].value);
    obs__add_json_end(out);
    obs__add_char(out, ',');
}

static obs_status add_object(obs__export_file *list, const obs_stat *stat, const char *path, const char *sha256,
                             obs_error *error)
{
    char time[OBS__TIME_SIZE];
    obs__builder line;
    obs__time_format(time, stat->modified_ns);
    obs__builder_init(&line, TEXT_MAX);
    obs__add_text(&line, "{\"key\":");
    obs__add_json(&line, stat->key, stat->key_size);
    obs__add_char(&line, ',');
    obs__add_json_member(&line, "file", path);
    obs__add_json_integer(&line, "size", (int64_t)stat->size);
    obs__add_json_member(&line, "sha256", sha256);
    obs__add_json_member(&line, "etag", stat->etag);
    obs__add_json_member(&line, "type", stat->content_type);
    obs__add_json_member(&line, "time", time);
    add_pairs(&line, "labels", stat->labels, stat->label_count);
    add_pairs(&line, "metadata", stat->metadata, stat->metadata_count);
    obs__add_json_end(&line);
    obs_status status = obs__builder_status(&line, error);
    if (status == OBS_OK)
        status = obs__export_line(list, line.data, line.size, error);
    obs__builder_free(&line);
    return status;
}

/* One that is deleted meanwhile is not there. */
static obs_status export_object(obs__export *export, obs__export_file *list, obs__view key, obs_error *error)
{
    char path[OBS__KEY_PATH_SIZE + 16], sha256[2 * OBS__SHA256_SIZE + 1] = "";
    obs__export_file file = {.fd = -1};
    obs_reader *reader = NULL;
    const obs_call call = {.size = sizeof call, .timeout_ms = -1, .cancel = export->limit->cancel};
    obs_status status = obs_reader_open(&reader, export->client->store, key.data, key.size, &call, error);
    if (status == OBS_NOT_FOUND)
        return OBS_OK;
    if (status != OBS_OK)
        return status;
    const obs_stat *stat = obs_reader_stat(reader);
    export->objects++;
    export->bytes += stat->size;
    status = open_object(&file, path, export, key, error);
    if (status == OBS_OK)
        status = copy_bytes(&file, reader, export->limit, error);
    status = obs__export_close(sha256, &file, status, error);
    if (status == OBS_OK && *stat->sha256 && strcmp(stat->sha256, sha256) != 0)
        status =
            obs__fail(error, OBS_DATA_LOSS, "the bytes of '%.200s' do not match its SHA-256: nothing was exported", stat->key);
    if (status == OBS_OK)
        status = add_object(list, stat, path, sha256, error);
    obs_reader_free(reader);
    return status;
}

static obs_status export_objects(obs__export *export, obs_error *error)
{
    obs__export_file list;
    obs_page *page = NULL;
    const obs_call call = {.size = sizeof call, .timeout_ms = -1, .cancel = export->limit->cancel};
    obs_list_options options = {.size = sizeof options, .call = &call, .limit = LISTED};
    obs_status status = obs__export_open(&list, export, "objects.jsonl", error);
    if (status == OBS_OK)
        status = obs__folder_make(export->folder, "objects", 0700, error);
    do {
        obs_page *next = NULL;
        options.after = page ? obs_page_next(page) : NULL;
        if (status == OBS_OK)
            status = obs_store_list(&next, export->client->store, "", &options, error);
        obs_page_free(page);
        page = next;
        for (size_t i = 0; status == OBS_OK && i < obs_page_count(page); i++) {
            const obs_stat *stat = obs_page_at(page, i);
            status = export_object(export, &list, (obs__view){stat->key, stat->key_size}, error);
        }
    } while (status == OBS_OK && *obs_page_next(page));
    obs_page_free(page);
    return obs__export_finish(&list, status, error);
}

/* ---- All of it. ---- */

static obs_status write_manifest(obs__export *export, obs_error *error)
{
    char time[OBS__TIME_SIZE];
    const obs__client_gate *gate = export->client->gate;
    obs__builder text;
    obs__time_format(time, obs__now_ns());
    obs__builder_init(&text, TEXT_MAX);
    obs__add_text(&text, "{\"format\":\"obs-tenant-export\",\"version\":1,");
    obs__add_json_member(&text, "workspace", gate->workspace->format.id);
    obs__add_json_member(&text, "tenant", gate->tenant);
    obs__add_json_member(&text, "time", time);
    obs__add_json_integer(&text, "objects", (int64_t) export->objects);
    obs__add_json_integer(&text, "bytes", (int64_t) export->bytes);
    obs__add_text(&text, "\n\"files\":[\n");
    obs__add(&text, export->manifest.data, export->manifest.size - 2); /* without the last comma */
    obs__add_text(&text, "]}\n");
    obs_status status = obs__builder_status(&text, error);
    if (status == OBS_OK)
        status = obs__file_create(export->folder, "manifest.json", text.data, text.size, 0600, error);
    obs__builder_free(&text);
    return status;
}

static obs_status fill(obs__export *export, obs_error *error)
{
    obs_status status = export_objects(export, error);
    if (status == OBS_OK)
        status = obs__export_tables(export, error);
    if (status == OBS_OK)
        status = write_manifest(export, error);
    if (status == OBS_OK && syncfs(export->folder) != 0)
        status = obs__fail_system(error, errno, "cannot make the export durable");
    return status;
}

static obs_status open_tenant(obs_client **out, obs_client *client, const char *name, obs__scope *scope, obs_error *error)
{
    const obs__client_plan plan = {.workspace = client->gate->workspace,
                                   .tenant = name,
                                   .subject = scope->subject,
                                   .is_internal = 1,
                                   .limit = scope->limit,
                                   .sibling = client};
    return obs__client_make(out, &plan, error);
}

/* The folder of a path, for the sync of the name in it. */
static char *parent_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? strndup(path, slash == path ? 1 : (size_t)(slash - path)) : strdup(".");
}

static obs_status put_in_place(obs__scope *scope, const char *name, obs__export *export, const char *building, const char *path,
                               obs_error *error)
{
    obs__effects none = {0};
    char *parent = parent_of(path);
    obs_status status =
        parent ? obs__tenant_commit(scope, name, export->client->gate->gate.journal, &none, error) : obs__fail_memory(error);
    if (status == OBS_OK && access(path, F_OK) == 0)
        status = obs__fail(error, OBS_ALREADY_EXISTS, "there is something at '%s' already", path);
    if (status == OBS_OK)
        status = obs__sync_and_rename(building, path, parent, error);
    free(parent);
    return status;
}

static obs_status export_to(obs_client *client, obs__scope *scope, const char *name, const char *path, obs_error *error)
{
    obs__export export = {.limit = &scope->limit, .folder = -1};
    char *building = NULL;
    if (access(path, F_OK) == 0)
        return obs__fail(error, OBS_ALREADY_EXISTS, "there is something at '%s' already: name a new folder", path);
    if (asprintf(&building, "%s" SUFFIX, path) < 0)
        return obs__fail_memory(error);
    obs__builder_init(&export.manifest, TEXT_MAX);
    obs_status status = open_tenant(&export.client, client, name, scope, error);
    int made = status == OBS_OK && mkdtemp(building);
    if (status == OBS_OK && !made)
        status = obs__fail_system(error, errno, "cannot make a folder beside '%s'", path);
    if (status == OBS_OK && (export.folder = open(building, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
        status = obs__fail_system(error, errno, "cannot open '%s'", building);
    if (status == OBS_OK)
        status = fill(&export, error);
    scope->bytes = export.bytes;
    if (status == OBS_OK)
        status = put_in_place(scope, name, &export, building, path, error);
    if (export.folder >= 0)
        close(export.folder);
    if (made && status != OBS_OK)
        obs__remove_folder(building);
    if (export.client)
        obs__client_release(export.client, &scope->limit);
    obs__builder_free(&export.manifest);
    free(building);
    return status;
}

static obs_status check(obs_client *client, const obs__scope *scope, const char *name, const char *path, obs_error *error)
{
    const obs__client_gate *gate = client->gate;
    const obs__request request = {.subject = scope->subject};
    size_t size = strlen(path);
    if (!size || path[size - 1] == '/')
        return obs__fail(error, OBS_INVALID_ARGUMENT, "write the folder of the export without '/' at its end");
    if (strcmp(name, gate->tenant) != 0 && !obs__auth_is_owner(&gate->rights, &request))
        return obs__auth_refuse_tenant(scope->subject, name, gate->workspace->owner, error);
    return obs__tenant_check(gate->workspace, name, error);
}

obs_status obs_tenant_export(obs_client *client, const char *name, const char *path, const obs_tenant_options *options,
                             obs_error *error)
{
    obs__scope scope;
    obs_tenant_options wanted;
    if (!client || !name || !path)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "client, name and path are required");
    obs__client_options(&wanted, sizeof wanted, options);
    obs_status status =
        obs__gate_enter(&scope, &client->gate->gate, OBS__CHANGE, "tenant.export", name, OBS_TEXT, wanted.call, error);
    if (status != OBS_OK)
        return status;
    status = check(client, &scope, name, path, error);
    if (status == OBS_OK && !scope.repeated)
        status = export_to(client, &scope, name, path, error);
    return obs__gate_leave(&scope, status, error);
}
