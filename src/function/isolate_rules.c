/* Isolating the program of a function: what it needs to see. */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/home.h"
#include "base/memory.h"
#include "client/client.h"
#include "function/isolate.h"

typedef struct rules {
    obs__isolation *out;
    const obs__manifest *manifest;
    const obs__workspace *workspace;
    const char *tenant;
    obs_status status; /* of the first that failed */
    obs_error *error;
} rules;

/* What is not there needs no rule. */
static void allow(rules *self, obs__sight sight, const char *format, ...) __attribute__((format(printf, 3, 4)));

static void allow(rules *self, obs__sight sight, const char *format, ...)
{
    char path[PATH_MAX];
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(path, sizeof path, format, arguments);
    va_end(arguments);
    if (self->status != OBS_OK || size >= (int)sizeof path)
        return;
    self->status = obs__isolation_allow(self->out, path, sight, self->error);
    if (self->status == OBS_NOT_FOUND)
        self->status = OBS_OK;
}

/* What could not be looked at for want of memory would be missing for the program, which would end without a word. */
static void look_for_memory(rules *self)
{
    if (errno == ENOMEM && self->status == OBS_OK)
        self->status = obs__fail_memory(self->error);
}

/* As realpath(); NULL: there is no such path. */
static const char *resolve(rules *self, char real[PATH_MAX], const char *path)
{
    const char *found = realpath(path, real);
    if (!found)
        look_for_memory(self);
    return found;
}

/* ---- The system. ---- */

static void add_system(rules *self)
{
    static const char *const programs[] = {"/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/opt", "/nix/store"};
    static const char *const data[] = {"/etc", "/proc", "/sys", "/run/systemd/resolve", "/var/cache/fontconfig"};
    static const char *const devices[] = {"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"};
    for (size_t i = 0; i < sizeof programs / sizeof *programs; i++)
        allow(self, OBS__SIGHT_RUN, "%s", programs[i]);
    for (size_t i = 0; i < sizeof data / sizeof *data; i++)
        allow(self, OBS__SIGHT_READ, "%s", data[i]);
    for (size_t i = 0; i < sizeof devices / sizeof *devices; i++)
        allow(self, OBS__SIGHT_WRITE, "%s", devices[i]);
}

/* ---- The program. ---- */

static int is_within(const char *path, const char *folder)
{
    size_t size = strlen(folder);
    while (size && folder[size - 1] == '/')
        size--;
    return strncmp(path, folder, size) == 0 && (path[size] == '/' || path[size] == '\0');
}

/* What a folder must not hold to be seen as a whole: the keys of the issuer, or the workspace. NULL: it holds neither. */
static const char *holds(rules *self, const char *folder)
{
    char state[PATH_MAX], real[PATH_MAX], own[PATH_MAX];
    if (!resolve(self, real, folder))
        return NULL;
    if (is_within(resolve(self, own, self->workspace->folder) ? own : self->workspace->folder, real))
        return "the workspace";
    obs_status status = obs__home_of_workspace(state, self->workspace->format.id, NULL);
    if (status == OBS_RESOURCE_EXHAUSTED && self->status == OBS_OK)
        self->status = obs__fail_memory(self->error);
    if (status == OBS_OK && is_within(resolve(self, own, state) ? own : state, real))
        return "the keys of the issuer";
    return NULL;
}

static void allow_folder(rules *self, const char *folder)
{
    if (*folder == '/' && !holds(self, folder))
        allow(self, OBS__SIGHT_RUN, "%s", folder);
}

static int has_python(rules *self, const char *prefix)
{
    char path[PATH_MAX];
    int found = 0;
    if (snprintf(path, sizeof path, "%s/pyvenv.cfg", prefix) < (int)sizeof path && access(path, F_OK) == 0)
        return 1;
    if (snprintf(path, sizeof path, "%s/lib", prefix) >= (int)sizeof path)
        return 0;
    DIR *folder = opendir(path);
    if (!folder)
        look_for_memory(self);
    for (struct dirent *entry; !found && folder && (entry = readdir(folder));)
        found = strncmp(entry->d_name, "python3", 7) == 0;
    if (folder)
        closedir(folder);
    return found;
}

/* PREFIX of PREFIX/bin/python3, when it is one of Python's: an environment, or an installation of its own. */
static void add_prefix(rules *self, const char *program)
{
    char prefix[PATH_MAX];
    snprintf(prefix, sizeof prefix, "%s", program);
    for (int i = 0; i < 2; i++) {
        char *slash = strrchr(prefix, '/');
        if (!slash || slash == prefix || (i == 0 && strcmp(slash, "/") == 0))
            return;
        *slash = '\0';
    }
    const char *folder = program + strlen(prefix);
    if (strncmp(folder, "/bin/", 5) == 0 && has_python(self, prefix))
        allow_folder(self, prefix);
}

static void add_interpreter(rules *self, const char *program)
{
    char real[PATH_MAX];
    allow(self, OBS__SIGHT_RUN, "%s", program);
    add_prefix(self, program);
    if (resolve(self, real, program))
        add_prefix(self, real);
}

/* `#!/home/ada/venv/bin/python`. */
static void add_first_line(rules *self, const char *program)
{
    char line[256] = "";
    FILE *file = fopen(program, "re");
    if (!file)
        look_for_memory(self);
    if (file && fgets(line, sizeof line, file) && strncmp(line, "#!", 2) == 0) {
        char *at = line + 2 + strspn(line + 2, " \t");
        at[strcspn(at, " \t\r\n")] = '\0';
        if (*at == '/')
            add_interpreter(self, at);
    }
    if (file)
        fclose(file);
}

/* Folders of a variable of the manifest, as PYTHONPATH has them. */
static void add_variable(rules *self, const char *name)
{
    size_t size = strlen(name);
    char folder[PATH_MAX];
    for (char **each = self->manifest->environment; each && *each; each++) {
        if (strncmp(*each, name, size) != 0 || (*each)[size] != '=')
            continue;
        for (const char *at = *each + size + 1; *at;) {
            size_t length = strcspn(at, ":");
            if (length && length < sizeof folder) {
                snprintf(folder, sizeof folder, "%.*s", (int)length, at);
                allow_folder(self, folder);
            }
            at += length + (at[length] == ':');
        }
    }
}

static void add_program(rules *self, const char *program)
{
    Dl_info library;
    add_interpreter(self, program);
    add_first_line(self, program);
    for (char **word = self->manifest->command + 1; *word; word++) /* files that the command names */
        if (**word == '/')
            allow_folder(self, *word);
    /* The library that the runner has is the one that its programs were most likely built with. */
    if (dladdr((const void *)(uintptr_t)obs__isolate_version, &library) && library.dli_fname && *library.dli_fname == '/')
        allow(self, OBS__SIGHT_RUN, "%s", library.dli_fname);
    add_variable(self, "PYTHONPATH");
    add_variable(self, "LD_LIBRARY_PATH");
}

/* Its files, as they count for the digest: what others left in `logs`, `failed` and `work` may be of another tenant. */
static void add_own(rules *self)
{
    const char *folder = self->manifest->folder;
    struct dirent **entries = NULL;
    int count = scandir(folder, &entries, NULL, NULL);
    if (count < 0)
        look_for_memory(self);
    allow(self, OBS__SIGHT_LIST, "%s", folder);
    for (int i = 0; i < count; i++) {
        if (obs__function_is_kept(entries[i]->d_name) || strcmp(entries[i]->d_name, "__pycache__") == 0)
            allow(self, OBS__SIGHT_RUN, "%s/%s", folder, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
    allow(self, OBS__SIGHT_CHANGE, "%s/work/%s", folder, self->tenant);
}

/* What the manifest names besides. That it is wrong should be seen, and not end in a function that does not find its files. */
static void add_named(rules *self)
{
    for (char **path = self->manifest->sees; self->status == OBS_OK && path && *path; path++) {
        const char *what = holds(self, *path);
        if (what)
            self->status =
                obs__fail(self->error, OBS_INVALID_ARGUMENT,
                          "the function '%s' does not start: '%.500s' of its 'sees' holds %s: name a folder below it",
                          self->manifest->name, *path, what);
        else
            self->status = obs__isolation_allow(self->out, *path, OBS__SIGHT_RUN, self->error);
    }
}

/* ---- The workspace. ---- */

/* Its client reads and writes the tenant's database by itself, where its calls are recorded, too. */
static void add_tenant(rules *self)
{
    static const char *const written[] = {"tenant.db", "tenant.db-wal", "tenant.db-shm", "lock", "wake"};
    const char *folder = self->workspace->folder;
    allow(self, OBS__SIGHT_READ, "%s/tenants/%s", folder, self->tenant);
    for (size_t i = 0; i < sizeof written / sizeof *written; i++)
        allow(self, OBS__SIGHT_WRITE, "%s/tenants/%s/%s", folder, self->tenant, written[i]);
}

static void add_store(rules *self)
{
    char *url = obs__tenant_store(self->workspace, self->tenant);
    if (!url && self->status == OBS_OK)
        self->status = obs__fail_memory(self->error);
    if (url && strncmp(url, "file:", 5) == 0) {
        const char *path = url + 5;
        const char *folder = *path == '/' ? "" : self->workspace->folder, *slash = *path == '/' ? "" : "/";
        int size = (int)strcspn(path, "?#");
        allow(self, OBS__SIGHT_READ, "%s%s%.*s", folder, slash, size, path);
        allow(self, OBS__SIGHT_WRITE, "%s%s%.*s/.obs/finished", folder, slash, size, path);
    }
    free(url);
}

static void watch(rules *self, const char *url)
{
    char path[PATH_MAX];
    const char *name = strncmp(url, "file:", 5) == 0 ? url + 5 : url;
    int size = snprintf(path, sizeof path, "%s%s%.*s", *name == '/' ? "" : self->workspace->folder, *name == '/' ? "" : "/",
                        (int)strcspn(name, "?#"), name);
    if (self->status == OBS_OK && size < (int)sizeof path)
        self->status = obs__isolation_watch(self->out, path, self->error);
}

/* Its files, but for those of tenants, of functions and of the audit log. */
static void add_workspace(rules *self)
{
    static const char *const files[] = {"obs.yaml", "format", "keys.json", "revoked.json", "audit/policy.json"};
    const obs__config *config = &self->workspace->config;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        watch(self, files[i]);
    for (size_t i = 0; i < config->layer_count; i++)
        if (strncmp(config->layers[i].url, "file:", 5) == 0)
            watch(self, config->layers[i].url);
    if (config->schema.url && strncmp(config->schema.url, "file:", 5) == 0)
        watch(self, config->schema.url);
}

obs_status obs__isolation_rules(obs__isolation *out, const obs__manifest *manifest, obs_client *client, const char *program,
                                obs_error *error)
{
    rules self = {.out = out,
                  .manifest = manifest,
                  .workspace = client->gate->workspace,
                  .tenant = obs_client_tenant(client),
                  .error = error};
    if (asprintf(&out->home, "%s/work/%s/home", manifest->folder, self.tenant) < 0) {
        out->home = NULL;
        return obs__fail_memory(error);
    }
    self.status = obs__folder_make(AT_FDCWD, out->home, 0700, error);
    add_system(&self);
    add_program(&self, program);
    add_own(&self);
    add_tenant(&self);
    add_store(&self);
    add_workspace(&self);
    if (self.status == OBS_OK)
        add_named(&self);
    return self.status;
}
