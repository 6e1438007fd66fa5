/* Reading functions/NAME/function.yaml. */
#include "function/manifest.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/url.h"
#include "base/yaml.h"

#define FILE_NAME "function.yaml"
#define MS INT64_C(1000000)
#define SCOPES_LIMIT ((size_t)8192)
#define LONGEST_MS (INT64_C(12) * 3600 * 1000)

static const char *const members[] = {"name",    "command",  "on",    "reads",       "writes", "publishes", "limits",
                                      "workers", "attempts", "retry", "environment", "sees",   "isolation", NULL};
static const char *const on_members[] = {"type", "subject", "filter", "from", NULL};
static const char *const limit_members[] = {"time", "start", "memory", "files", "file-size", NULL};

static int name_valid(const char *name)
{
    size_t size = strlen(name);
    if (size == 0 || size >= OBS__FUNCTION_NAME_SIZE || !isalnum((unsigned char)*name))
        return 0;
    for (; *name; name++)
        if (!islower((unsigned char)*name) && !isdigit((unsigned char)*name) && !strchr("._-", *name))
            return 0;
    return 1;
}

static void free_texts(char **texts)
{
    for (size_t i = 0; texts && texts[i]; i++)
        obs__free(texts[i]);
    obs__free(texts);
}

void obs__manifest_free(obs__manifest *manifest)
{
    if (!manifest)
        return;
    obs__free(manifest->folder);
    free_texts(manifest->command);
    free_texts(manifest->environment);
    free_texts(manifest->sees);
    obs__free(manifest->type);
    obs__free(manifest->about);
    obs__free(manifest->filter);
    obs__free(manifest->read_scope);
    obs__free(manifest->write_scope);
    obs__free(manifest);
}

static obs_status wrong(const obs__yaml *yaml, const char *pointer, obs_error *error, const char *what)
{
    return obs__yaml_fail(error, OBS_INVALID_ARGUMENT, yaml, pointer, what);
}

static obs_status check_members(const obs__yaml *yaml, const json_t *object, const char *above, const char *const *known,
                                obs_error *error)
{
    const char *name;
    json_t *value;
    if (!json_is_object(object))
        return wrong(yaml, above, error, "a mapping of names and values is expected here");
    json_object_foreach((json_t *)(uintptr_t)object, name, value)
    {
        char pointer[300], what[400];
        size_t i = 0;
        while (known[i] && strcmp(known[i], name) != 0)
            i++;
        snprintf(pointer, sizeof pointer, "%s/%.200s", above, name);
        snprintf(what, sizeof what, "'%.100s' is not known here", name);
        if (!known[i])
            return wrong(yaml, pointer, error, what);
    }
    return OBS_OK;
}

static obs_status take_text(char **out, const obs__yaml *yaml, const json_t *object, const char *above, const char *name,
                            obs_error *error)
{
    char pointer[100];
    const json_t *value = json_object_get(object, name);
    snprintf(pointer, sizeof pointer, "%s/%s", above, name);
    if (!value || json_is_null(value))
        return OBS_OK;
    if (!json_is_string(value) || !*json_string_value(value))
        return wrong(yaml, pointer, error, "a text is expected here");
    *out = obs__strdup(json_string_value(value));
    return *out ? OBS_OK : obs__fail_memory(error);
}

static obs_status take_texts(char ***out, const obs__yaml *yaml, const json_t *value, const char *pointer, obs_error *error)
{
    size_t count = json_array_size(value);
    if (!json_is_array(value) || !count || count > 256)
        return wrong(yaml, pointer, error, "a list of 1 to 256 texts is expected here, as in [python3, handler.py]");
    if (!(*out = obs__calloc(count + 1, sizeof **out)))
        return obs__fail_memory(error);
    for (size_t i = 0; i < count; i++) {
        const char *text = json_string_value(json_array_get(value, i));
        if (!text)
            return wrong(yaml, pointer, error, "only texts are expected in this list: put numbers in quotation marks");
        if (!((*out)[i] = obs__strdup(text)))
            return obs__fail_memory(error);
    }
    return OBS_OK;
}

static obs_status take_number(int64_t *out, const obs__yaml *yaml, const json_t *object, const char *name, int64_t least,
                              int64_t most, obs_error *error)
{
    char pointer[100], what[100];
    const json_t *value = json_object_get(object, name);
    if (!value || json_is_null(value))
        return OBS_OK;
    snprintf(pointer, sizeof pointer, "/%s", name);
    snprintf(what, sizeof what, "a number from %lld to %lld is expected here", (long long)least, (long long)most);
    if (!json_is_integer(value) || json_integer_value(value) < least || json_integer_value(value) > most)
        return wrong(yaml, pointer, error, what);
    *out = json_integer_value(value);
    return OBS_OK;
}

/* A duration in milliseconds. */
static obs_status take_time(int64_t *out, const obs__yaml *yaml, const json_t *object, const char *above, const char *name,
                            obs_error *error)
{
    char pointer[100];
    int64_t ns;
    const json_t *value = json_object_get(object, name);
    if (!value || json_is_null(value))
        return OBS_OK;
    snprintf(pointer, sizeof pointer, "%s/%s", above, name);
    if (!json_is_string(value) || !obs__duration_parse(&ns, json_string_value(value)) || ns < MS || ns > LONGEST_MS * MS)
        return wrong(yaml, pointer, error, "a time from 1ms to 12h is expected here, as in 60s");
    *out = ns / MS;
    return OBS_OK;
}

static obs_status take_size(int64_t *out, const obs__yaml *yaml, const json_t *limits, const char *name, int64_t least,
                            obs_error *error)
{
    char pointer[100];
    const json_t *value = json_object_get(limits, name);
    if (!value || json_is_null(value))
        return OBS_OK;
    snprintf(pointer, sizeof pointer, "/limits/%s", name);
    if (json_is_integer(value))
        *out = json_integer_value(value);
    else if (!json_is_string(value) || !obs__size_parse(out, json_string_value(value)))
        *out = 0;
    return *out >= least ? OBS_OK : wrong(yaml, pointer, error, "a size of at least 1MiB is expected here, as in 512MiB");
}

static obs_status take_on(obs__manifest *self, const obs__yaml *yaml, const json_t *root, obs_error *error)
{
    const json_t *on = json_object_get(root, "on");
    const char *from = json_string_value(json_object_get(on, "from"));
    if (!on)
        return wrong(yaml, "", error, "'on' is missing: which events, as in on: {type: org.example.frame.stored}");
    obs_status status = check_members(yaml, on, "/on", on_members, error);
    if (status == OBS_OK)
        status = take_text(&self->type, yaml, on, "/on", "type", error);
    if (status == OBS_OK)
        status = take_text(&self->about, yaml, on, "/on", "subject", error);
    if (status == OBS_OK)
        status = take_text(&self->filter, yaml, on, "/on", "filter", error);
    if (status == OBS_OK && json_object_get(on, "from") && (!from || (strcmp(from, "now") != 0 && strcmp(from, "start") != 0)))
        status = wrong(yaml, "/on/from", error, "'start' (all events that are kept) or 'now' is expected here");
    self->from_now = from && strcmp(from, "now") == 0;
    return status;
}

static obs_status take_limits(obs__manifest *self, const obs__yaml *yaml, const json_t *root, obs_error *error)
{
    const json_t *limits = json_object_get(root, "limits");
    if (!limits)
        return OBS_OK;
    obs_status status = check_members(yaml, limits, "/limits", limit_members, error);
    if (status == OBS_OK)
        status = take_time(&self->time_ms, yaml, limits, "/limits", "time", error);
    if (status == OBS_OK)
        status = take_time(&self->start_ms, yaml, limits, "/limits", "start", error);
    if (status == OBS_OK)
        status = take_size(&self->memory, yaml, limits, "memory", INT64_C(1) << 20, error);
    if (status == OBS_OK)
        status = take_size(&self->file_size, yaml, limits, "file-size", INT64_C(1) << 20, error);
    const json_t *files = json_object_get(limits, "files");
    if (status == OBS_OK && files &&
        (!json_is_integer(files) || json_integer_value(files) < 16 || json_integer_value(files) > 1048576))
        status = wrong(yaml, "/limits/files", error, "a number of open files from 16 to 1048576 is expected here");
    if (status == OBS_OK && files)
        self->files = json_integer_value(files);
    return status;
}

/* `raw/` becomes ` storage.read:/raw`, an event type `org.example.` likewise. "" or "/" is everything. */
static obs_status add_scope(obs__builder *out, const obs__yaml *yaml, const json_t *root, const char *name, const char *scope,
                            obs_error *error)
{
    const json_t *list = json_object_get(root, name);
    char pointer[100];
    snprintf(pointer, sizeof pointer, "/%s", name);
    if (list && !json_is_array(list))
        return wrong(yaml, pointer, error, "a list of prefixes is expected here, as in [raw/]");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *text = json_string_value(json_array_get(list, i));
        if (!text || !*text)
            return wrong(yaml, pointer, error, "only prefixes are expected in this list, as in raw/; all is '/'");
        size_t size = strlen(text);
        text += *text == '/';
        size = strlen(text);
        while (size && (text[size - 1] == '/' || text[size - 1] == '.' || text[size - 1] == '*'))
            size--;
        obs__add_format(out, "%s%s:/", out->size ? " " : "", scope);
        for (size_t k = 0; k < size; k++)
            if (strchr(" \"\\%", text[k]) || (unsigned char)text[k] < '!' || (unsigned char)text[k] > '~')
                obs__add_format(out, "%%%02X", (unsigned)(unsigned char)text[k]);
            else
                obs__add_char(out, text[k]);
    }
    return OBS_OK;
}

static obs_status take_scope(char **out, obs__builder *text, obs_error *error)
{
    obs_status status = obs__builder_status(text, error);
    if (status == OBS_OK && !(*out = obs__strdup(text->size ? text->data : "")))
        status = obs__fail_memory(error);
    obs__builder_free(text);
    return status;
}

/* The program may read; only the runner, on its behalf, may write what it made, and say that an event is done. */
static obs_status take_scopes(obs__manifest *self, const obs__yaml *yaml, const json_t *root, obs_error *error)
{
    obs__builder text;
    obs__builder_init(&text, SCOPES_LIMIT);
    obs__add_text(&text, "config.read");
    obs_status status = add_scope(&text, yaml, root, "reads", "storage.read", error);
    if (status == OBS_OK)
        status = take_scope(&self->read_scope, &text, error);
    obs__builder_free(&text);
    obs__builder_init(&text, SCOPES_LIMIT);
    obs__add_text(&text, "event.subscribe ingest.create ingest.read");
    if (status == OBS_OK)
        status = add_scope(&text, yaml, root, "writes", "storage.modify", error);
    if (status == OBS_OK)
        status = add_scope(&text, yaml, root, "publishes", "event.publish", error);
    if (status == OBS_OK)
        status = take_scope(&self->write_scope, &text, error);
    obs__builder_free(&text);
    return status;
}

static obs_status take_environment(obs__manifest *self, const obs__yaml *yaml, const json_t *root, obs_error *error)
{
    const json_t *object = json_object_get(root, "environment");
    const char *name;
    json_t *value;
    size_t count = 0;
    if (!object)
        return OBS_OK;
    if (!json_is_object(object) || json_object_size(object) > 64)
        return wrong(yaml, "/environment", error, "a mapping of at most 64 names and texts is expected here");
    if (!(self->environment = obs__calloc(json_object_size(object) + 1, sizeof *self->environment)))
        return obs__fail_memory(error);
    json_object_foreach((json_t *)(uintptr_t)object, name, value)
    {
        if (!json_is_string(value) || strchr(name, '=') || !*name)
            return wrong(yaml, "/environment", error, "only texts are expected here: put numbers in quotation marks");
        size_t size = strlen(name) + strlen(json_string_value(value)) + 2;
        if (!(self->environment[count] = obs__alloc(size)))
            return obs__fail_memory(error);
        snprintf(self->environment[count++], size, "%s=%s", name, json_string_value(value));
    }
    return OBS_OK;
}

static int is_plain_path(const char *path)
{
    if (*path != '/' || strlen(path) >= PATH_MAX)
        return 0;
    for (const unsigned char *at = (const unsigned char *)path; *at; at++)
        if (*at < ' ' || *at == 0x7F)
            return 0;
    return 1;
}

static obs_status take_isolation(obs__manifest *self, const obs__yaml *yaml, const json_t *root, obs_error *error)
{
    const json_t *value = json_object_get(root, "isolation"), *sees = json_object_get(root, "sees");
    const char *text = json_string_value(value);
    if (value && (!text || (strcmp(text, "required") != 0 && strcmp(text, "none") != 0)))
        return wrong(yaml, "/isolation", error,
                     "'required' or 'none' is expected here; without it functions are isolated where they can be");
    if (text)
        self->isolation = strcmp(text, "none") == 0 ? OBS__ISOLATION_NONE : OBS__ISOLATION_REQUIRED;
    obs_status status = sees ? take_texts(&self->sees, yaml, sees, "/sees", error) : OBS_OK;
    for (char **path = self->sees; status == OBS_OK && path && *path; path++)
        if (!is_plain_path(*path))
            status = wrong(yaml, "/sees", error,
                           "absolute paths without control characters are expected here, as in [/data/catalogues]");
    return status;
}

static obs_status take_name(const obs__manifest *self, const obs__yaml *yaml, const json_t *root, obs_error *error)
{
    const char *name = json_string_value(json_object_get(root, "name"));
    char what[200];
    snprintf(what, sizeof what, "the name is expected to be that of the folder, '%s'", self->name);
    return !name || strcmp(name, self->name) != 0 ? wrong(yaml, name ? "/name" : "", error, what) : OBS_OK;
}

static obs_status take_all(obs__manifest *self, const obs__yaml *yaml, obs_error *error)
{
    const json_t *root = obs__yaml_root(yaml);
    obs_status status = check_members(yaml, root, "", members, error);
    if (status == OBS_OK)
        status = take_name(self, yaml, root, error);
    if (status == OBS_OK && !json_object_get(root, "command"))
        status = wrong(yaml, "", error, "'command' is missing: what is run, as in [python3, handler.py]");
    if (status == OBS_OK)
        status = take_texts(&self->command, yaml, json_object_get(root, "command"), "/command", error);
    if (status == OBS_OK)
        status = take_on(self, yaml, root, error);
    if (status == OBS_OK)
        status = take_limits(self, yaml, root, error);
    if (status == OBS_OK)
        status = take_scopes(self, yaml, root, error);
    if (status == OBS_OK)
        status = take_environment(self, yaml, root, error);
    if (status == OBS_OK)
        status = take_isolation(self, yaml, root, error);
    if (status == OBS_OK)
        status = take_number(&self->workers, yaml, root, "workers", 1, 64, error);
    if (status == OBS_OK)
        status = take_number(&self->attempts, yaml, root, "attempts", 1, 1000, error);
    return status == OBS_OK ? take_time(&self->retry_ms, yaml, root, "", "retry", error) : status;
}

static obs_status load(obs__manifest *self, uid_t account, obs_error *error)
{
    char path[PATH_MAX], shown[200];
    obs_buffer *text = NULL;
    obs__yaml *yaml = NULL;
    if (snprintf(path, sizeof path, "%s/" FILE_NAME, self->folder) >= (int)sizeof path)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "a path is longer than %d bytes", PATH_MAX - 1);
    snprintf(shown, sizeof shown, OBS__FUNCTIONS "/%s/" FILE_NAME, self->name);
    obs_status status = obs__file_read_trusted_of(&text, path, account, OBS__YAML_SIZE_LIMIT, error);
    if (status == OBS_NOT_FOUND)
        status = obs__fail(error, OBS_NOT_FOUND, "there is no function '%s': 'obsctl function new %s --python' makes one",
                           self->name, self->name);
    if (status == OBS_OK)
        status = obs__yaml_load(&yaml, obs_buffer_data(text), obs_buffer_size(text), shown, error);
    if (status == OBS_OK)
        status = take_all(self, yaml, error);
    obs__yaml_free(yaml);
    obs_buffer_free(text);
    return status;
}

obs_status obs__manifest_read(obs__manifest **out, const char *workspace, const char *name, uid_t account, obs_error *error)
{
    *out = NULL;
    if (!name_valid(name))
        return obs__fail(error, OBS_INVALID_ARGUMENT, "'%.64s' is no name of a function: 1 to %d of [a-z0-9._-]", name,
                         OBS__FUNCTION_NAME_SIZE - 1);
    obs__manifest *self = obs__calloc(1, sizeof *self);
    if (!self)
        return obs__fail_memory(error);
    size_t size = strlen(workspace) + sizeof "/" OBS__FUNCTIONS "/" + strlen(name);
    *self = (obs__manifest){.time_ms = 60000,
                            .start_ms = 30000,
                            .memory = INT64_C(512) << 20,
                            .file_size = INT64_C(1) << 30,
                            .files = 256,
                            .workers = 1,
                            .attempts = 5,
                            .retry_ms = 1000,
                            .folder = obs__alloc(size)};
    snprintf(self->name, sizeof self->name, "%s", name);
    obs_status status = self->folder ? OBS_OK : obs__fail_memory(error);
    if (status == OBS_OK) {
        snprintf(self->folder, size, "%s/" OBS__FUNCTIONS "/%s", workspace, name);
        status = load(self, account, error);
    }
    if (status == OBS_OK)
        status = obs__function_digest(self->digest, self->folder, account, error);
    if (status == OBS_OK) {
        snprintf(self->subject, sizeof self->subject, "function:%s@%.16s", name, self->digest);
        *out = self;
    } else
        obs__manifest_free(self);
    return status;
}

static int choose(const struct dirent *entry)
{
    return name_valid(entry->d_name);
}

void obs__manifest_names_free(char **names)
{
    free_texts(names);
}

/* Folders with a manifest, whatever it says. */
obs_status obs__manifest_names(char ***out, const char *workspace, obs_error *error)
{
    char path[PATH_MAX];
    struct dirent **entries = NULL;
    size_t used = 0;
    *out = NULL;
    snprintf(path, sizeof path, "%s/" OBS__FUNCTIONS, workspace);
    int count = scandir(path, &entries, choose, alphasort);
    if (count < 0 && errno != ENOENT)
        return obs__fail_system(error, errno, "cannot list '%s'", path);
    char **names = obs__calloc((size_t)(count < 0 ? 0 : count) + 1, sizeof *names);
    obs_status status = names ? OBS_OK : obs__fail_memory(error);
    for (int i = 0; i < count; i++) {
        snprintf(path, sizeof path, "%s/" OBS__FUNCTIONS "/%s/" FILE_NAME, workspace, entries[i]->d_name);
        if (status == OBS_OK && access(path, F_OK) == 0 && !(names[used++] = obs__strdup(entries[i]->d_name)))
            status = obs__fail_memory(error);
        free(entries[i]);
    }
    free(entries);
    if (status == OBS_OK)
        *out = names;
    else
        free_texts(names);
    return status;
}
