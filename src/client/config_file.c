/* Configuration from a file and from the environment. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/memory.h"
#include "client/config_source.h"

#define SECOND_NS INT64_C(1000000000)
#define ENVIRONMENT_MAX ((size_t)1 << 20)
#define LOCK_PAUSE_MS 5

/* Opened anew by its path each time: a mounted ConfigMap is exchanged by a link, and editors put a new file in the place. */
struct file {
    char *path;
    struct stat found; /* what it was when it was read last */
    int64_t read_ns;   /* and when, by the wall clock; 0: never */
};

static int64_t modified_ns(const struct stat *found)
{
    return found->st_mtim.tv_sec * SECOND_NS + found->st_mtim.tv_nsec;
}

/* A file that was written less than a second before it was read may have been written again within the same tick of its
 * clock: only its bytes tell. */
static int is_unchanged(const struct file *file, const struct stat *now)
{
    const struct stat *then = &file->found;
    return file->read_ns && file->read_ns - modified_ns(then) > SECOND_NS && now->st_dev == then->st_dev &&
           now->st_ino == then->st_ino && now->st_size == then->st_size && modified_ns(now) == modified_ns(then) &&
           now->st_ctim.tv_sec == then->st_ctim.tv_sec && now->st_ctim.tv_nsec == then->st_ctim.tv_nsec;
}

static obs_status make_etag(char etag[OBS__CONFIG_ETAG_SIZE], const void *data, size_t size, obs_error *error)
{
    unsigned char hash[OBS__SHA256_SIZE];
    obs_status status = obs__sha256(hash, data, size, error);
    if (status != OBS_OK)
        return status;
    etag[0] = '"';
    obs__hex(etag + 1, hash, 16);
    strcat(etag, "\"");
    return OBS_OK;
}

static obs_status read_file(struct file *file, int fd, const char *known, obs__config_answer *out, obs_error *error)
{
    struct stat now;
    if (fstat(fd, &now) != 0)
        return obs__fail_system(error, errno, "cannot look at '%s'", file->path);
    if (!S_ISREG(now.st_mode))
        return obs__fail(error, OBS_FAILED_PRECONDITION, "'%s' is not a file", file->path);
    out->found = OBS__CONFIG_SAME;
    if (*known && is_unchanged(file, &now))
        return OBS_OK;
    int64_t read_ns = obs__now_ns();
    obs_status status = obs__file_read_fd(&out->bytes, fd, file->path, OBS__CONFIG_DOCUMENT_MAX, error);
    if (status == OBS_OK)
        status = make_etag(out->etag, obs_buffer_data(out->bytes), obs_buffer_size(out->bytes), error);
    if (status == OBS_OK) {
        file->found = now;
        file->read_ns = read_ns;
        out->changed_ns = modified_ns(&now);
    }
    if (status == OBS_OK && strcmp(out->etag, known) != 0) {
        out->found = OBS__CONFIG_DOCUMENT;
        return OBS_OK;
    }
    obs_buffer_free(out->bytes);
    out->bytes = NULL;
    return status;
}

static obs_status file_fetch(void *user, const char *known, obs__config_answer *out, const obs__limit *limit, obs_error *error)
{
    struct file *file = user;
    (void)limit;
    *out = (obs__config_answer){.found = OBS__CONFIG_ABSENT};
    int fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return errno == ENOENT ? OBS_OK : obs__fail_system(error, errno, "cannot read '%s'", file->path);
    obs_status status = read_file(file, fd, known, out, error);
    close(fd);
    return status;
}

/* All who write through libobs lock the folder: the file itself is another one after each change. */
static obs_status lock_folder(int *out, const char *path, const obs__limit *limit, obs_error *error)
{
    int ready;
    const char *name;
    obs_status status = obs__open_parent(out, &name, AT_FDCWD, path, error);
    while (status == OBS_OK && flock(*out, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            status = obs__fail_system(error, errno, "cannot lock the folder of '%s'", path);
        else
            status = obs__limit_wait(limit, -1, LOCK_PAUSE_MS, &ready, error);
    }
    return status;
}

static obs_status compare(struct file *file, const char *if_match, mode_t *mode, const obs__limit *limit, obs_error *error)
{
    obs__config_answer now = {.bytes = NULL};
    obs_status status = file_fetch(file, "", &now, limit, error);
    obs_buffer_free(now.bytes);
    if (status != OBS_OK)
        return status;
    if (strcmp(now.found == OBS__CONFIG_ABSENT ? "" : now.etag, if_match) != 0)
        return obs__fail(error, OBS_ABORTED, "'%s' was changed by somebody else in the meantime: look at it and try again",
                         file->path);
    if (now.found != OBS__CONFIG_ABSENT)
        *mode = file->found.st_mode & 0777;
    return OBS_OK;
}

static obs_status file_put(void *user, const char *if_match, obs__view bytes, char etag[OBS__CONFIG_ETAG_SIZE],
                           const obs__limit *limit, obs_error *error)
{
    struct file *file = user;
    char real[PATH_MAX];
    mode_t mode = 0644; /* nothing secret is in it */
    int folder = -1;
    const char *path = realpath(file->path, real) ? real : file->path;
    obs_status status = lock_folder(&folder, path, limit, error);
    if (status == OBS_OK)
        status = compare(file, if_match, &mode, limit, error);
    if (status == OBS_OK)
        status = obs__file_write(AT_FDCWD, path, bytes.data, bytes.size, mode, error);
    if (status == OBS_OK)
        status = make_etag(etag, bytes.data, bytes.size, error);
    file->read_ns = 0;
    if (folder >= 0)
        close(folder);
    return status;
}

static void file_free(void *user)
{
    struct file *file = user;
    obs__free(file->path);
    obs__free(file);
}

obs_status obs__config_file_source(obs__config_source *out, const char *folder, const char *path, obs_error *error)
{
    static const obs__config_source_ops ops = {file_fetch, file_put, file_free};
    char *whole = NULL;
    if (!*path)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "a file is expected after 'file:', as in file:config.yaml");
    if (*path != '/' && (strncmp(path, "../", 3) == 0 || strstr(path, "/../")))
        return obs__fail(error, OBS_INVALID_ARGUMENT,
                         "'%.200s' leaves the workspace: write the whole path, as in file:/etc/obs/site.yaml", path);
    struct file *file = obs__calloc(1, sizeof *file);
    if (*path == '/')
        whole = obs__strdup(path);
    else if ((whole = obs__alloc(strlen(folder) + strlen(path) + 2)))
        sprintf(whole, "%s/%s", folder, path);
    if (!file || !whole) {
        obs__free(file);
        obs__free(whole);
        return obs__fail_memory(error);
    }
    file->path = whole;
    out->ops = &ops;
    out->user = file;
    out->kind = OBS__CONFIG_LOCAL;
    return OBS_OK;
}

struct environment {
    char *prefix;
    char **secrets; /* names of variables, which are never values of the configuration */
};

static int is_secret(const struct environment *environment, const char *variable, size_t size)
{
    for (char **name = environment->secrets; *name; name++)
        if (strlen(*name) == size && memcmp(*name, variable, size) == 0)
            return 1;
    return 0;
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The variables with the prefix, in the order of their names, so that the same environment is the same document. */
static size_t choose(char **out, const struct environment *environment)
{
    size_t count = 0, size = strlen(environment->prefix);
    for (char **at = environ; at && *at; at++) {
        const char *equal = strchr(*at, '=');
        if (!equal || strncmp(*at, environment->prefix, size) != 0 || is_secret(environment, *at, (size_t)(equal - *at)))
            continue;
        if (out)
            out[count] = *at;
        count++;
    }
    if (out)
        qsort(out, count, sizeof *out, compare_texts);
    return count;
}

static obs_status environment_fetch(void *user, const char *known, obs__config_answer *out, const obs__limit *limit,
                                    obs_error *error)
{
    const struct environment *environment = user;
    obs__builder bytes;
    (void)known, (void)limit;
    *out = (obs__config_answer){.found = OBS__CONFIG_DOCUMENT};
    size_t count = choose(NULL, environment);
    char **variables = obs__calloc(count, sizeof *variables);
    if (!variables)
        return obs__fail_memory(error);
    choose(variables, environment);
    obs__builder_init(&bytes, ENVIRONMENT_MAX);
    for (size_t i = 0; i < count; i++) {
        const char *equal = strchr(variables[i], '=');
        obs__add(&bytes, variables[i], (size_t)(equal - variables[i]));
        obs__add_char(&bytes, '\0');
        obs__add(&bytes, equal + 1, strlen(equal + 1) + 1);
    }
    obs_status status = obs__builder_finish(&out->bytes, &bytes, error);
    obs__builder_free(&bytes);
    obs__free(variables);
    return status;
}

static void environment_free(void *user)
{
    struct environment *environment = user;
    for (char **name = environment->secrets; name && *name; name++)
        obs__free(*name);
    obs__free(environment->secrets);
    obs__free(environment->prefix);
    obs__free(environment);
}

static int copy_secrets(struct environment *environment, char *const *secrets)
{
    size_t count = 0;
    while (secrets && secrets[count])
        count++;
    environment->secrets = obs__calloc(count + 1, sizeof *environment->secrets);
    for (size_t i = 0, at = 0; environment->secrets && i < count; i++)
        if (strncmp(secrets[i], "env:", 4) == 0 && !(environment->secrets[at++] = obs__strdup(secrets[i] + 4)))
            return 0;
    return environment->secrets != NULL;
}

obs_status obs__config_environment_source(obs__config_source *out, const char *prefix, char *const *secrets, obs_error *error)
{
    static const obs__config_source_ops ops = {environment_fetch, NULL, environment_free};
    if (!*prefix)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "a prefix of variables is expected after 'env:', as in env:OBSERVATORY_");
    struct environment *environment = obs__calloc(1, sizeof *environment);
    if (!environment)
        return obs__fail_memory(error);
    environment->prefix = obs__strdup(prefix);
    if (!environment->prefix || !copy_secrets(environment, secrets)) {
        environment_free(environment);
        return obs__fail_memory(error);
    }
    out->ops = &ops;
    out->user = environment;
    out->kind = OBS__CONFIG_ENVIRONMENT;
    return OBS_OK;
}
