/* What stands behind `${secret:…}`: resolved when it is asked for, read again when it has changed. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/secret.h"
#include "config/engine.h"

#define PATH_SIZE 4096

struct kept {
    struct kept *next;
    obs_secret *secret;
    struct stat found; /* what the file was when it was read */
    char path[];
};

struct obs__config_secrets {
    pthread_mutex_t lock;
    struct kept *files;
};

obs_status obs__config_secrets_new(obs__config_secrets **out, obs_error *error)
{
    *out = obs__calloc(1, sizeof **out);
    if (!*out)
        return obs__fail_memory(error);
    pthread_mutex_init(&(*out)->lock, NULL);
    return OBS_OK;
}

void obs__config_secrets_free(obs__config_secrets *secrets)
{
    if (!secrets)
        return;
    while (secrets->files) {
        struct kept *next = secrets->files->next;
        obs_secret_free(secrets->files->secret);
        obs__free(secrets->files);
        secrets->files = next;
    }
    pthread_mutex_destroy(&secrets->lock);
    obs__free(secrets);
}

static int is_same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
           a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

static struct kept *find_kept(obs__config_secrets *secrets, const char *path)
{
    struct kept *kept = secrets->files;
    while (kept && strcmp(kept->path, path) != 0)
        kept = kept->next;
    if (kept || !(kept = obs__calloc(1, sizeof *kept + strlen(path) + 1)))
        return kept;
    strcpy(kept->path, path);
    kept->next = secrets->files;
    secrets->files = kept;
    return kept;
}

/* With the lock. */
static obs_status read_again(struct kept *kept, obs_error *error)
{
    obs_secret *secret = NULL;
    struct stat found;
    obs_status status = obs__secret_read_private(&secret, &found, kept->path, OBS__SECRET_SIZE_LIMIT, error);
    if (status != OBS_OK)
        return status;
    obs__secret_trim(secret);
    obs_secret_free(kept->secret);
    kept->secret = secret;
    kept->found = found;
    return OBS_OK;
}

static obs_status file_secret(obs_secret **out, obs__config_secrets *secrets, const char *path, obs_error *error)
{
    struct stat now;
    obs_status status = OBS_OK;
    pthread_mutex_lock(&secrets->lock);
    struct kept *kept = find_kept(secrets, path);
    if (!kept)
        status = obs__fail_memory(error);
    else if (!kept->secret || stat(path, &now) != 0 || !is_same_file(&now, &kept->found))
        status = read_again(kept, error);
    if (status == OBS_OK)
        *out = obs_secret_retain(kept->secret);
    pthread_mutex_unlock(&secrets->lock);
    return status;
}

/* Whatever is wrong, the program cannot mend it, and it may be there later; but for memory. */
static obs_status fail_unreadable(obs__view reference, const obs_error *inner, obs_error *error)
{
    if (obs__lacks_memory(inner))
        return obs__copy_error(error, inner);
    return obs__fail(error, inner->status == OBS_UNTRUSTED ? OBS_PERMISSION_DENIED : OBS_UNAVAILABLE,
                     "the secret '%.*s' cannot be read: %.300s", (int)reference.size, reference.data, inner->message);
}

obs_status obs__config_secret_get(obs_secret **out, obs__config_engine *engine, obs__view reference, obs_error *error)
{
    char name[PATH_SIZE];
    obs_error inner;
    obs_error_init(&inner, sizeof inner);
    obs_status status = obs__config_engine_ours(engine, error);
    if (status != OBS_OK)
        return status;
    int size = snprintf(name, sizeof name, "%.*s", (int)reference.size, reference.data);
    if (size < 0 || (size_t)size >= sizeof name)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "the name of a secret is longer than %d bytes", PATH_SIZE - 1);
    if (strncmp(name, "env:", 4) == 0)
        status = obs__secret_take_variable(out, name + 4, &inner);
    else if (strncmp(name, "file:", 5) == 0)
        status = file_secret(out, engine->secrets, name + 5, &inner);
    else
        status = obs__fail(&inner, OBS_UNIMPLEMENTED, "there are 'env:NAME' and 'file:/path'");
    return status == OBS_OK ? OBS_OK : fail_unreadable(reference, &inner, error);
}
