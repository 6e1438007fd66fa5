/* Environment variables that hold a secret: taken out once, so that neither children nor /proc show them. */
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/own.h"
#include "base/secret.h"

struct taken {
    struct taken *next;
    obs_secret *secret;
    char name[];
};

struct environment {
    obs__own own;
    struct taken *all; /* for the life of the process: the variable cannot be read a second time */
};

static obs__own *_Atomic current;

/* The bytes lie where the kernel put them at the start, and /proc/<pid>/environ shows that place for ever. */
static void remove_variable(const char *name)
{
    char *value = getenv(name);
    if (value)
        OPENSSL_cleanse(value, strlen(value));
    unsetenv(name);
}

static obs_status take(struct environment *environment, struct taken **out, const char *name, obs_error *error)
{
    const char *value = getenv(name);
    size_t size = strlen(name) + 1;
    if (!value || !*value)
        return obs__fail(error, OBS_NOT_FOUND, "the environment variable %.128s is not set", name);
    struct taken *taken = obs__calloc(1, sizeof *taken + size);
    if (!taken)
        return obs__fail_memory(error);
    obs_status status = obs_secret_new(&taken->secret, value, OBS_TEXT, error);
    if (status != OBS_OK) {
        obs__free(taken);
        return status;
    }
    memcpy(taken->name, name, size);
    remove_variable(name);
    taken->next = environment->all;
    environment->all = taken;
    *out = taken;
    return OBS_OK;
}

obs_status obs__secret_take_variable(obs_secret **out, const char *name, obs_error *error)
{
    struct environment *environment = obs__own_get(&current, sizeof *environment);
    obs_status status = OBS_OK;
    *out = NULL;
    if (!environment)
        return obs__fail_memory(error);
    pthread_mutex_lock(&environment->own.lock);
    struct taken *taken = environment->all;
    while (taken && strcmp(taken->name, name) != 0)
        taken = taken->next;
    /* Set again on purpose: the new value counts. */
    const char *again = taken ? getenv(name) : NULL;
    if (!taken)
        status = take(environment, &taken, name, error);
    else if (again && *again) {
        obs_secret *secret = NULL;
        status = obs_secret_new(&secret, again, OBS_TEXT, error);
        if (status == OBS_OK) {
            remove_variable(name);
            obs_secret_free(taken->secret);
            taken->secret = secret;
        }
    }
    if (status == OBS_OK)
        *out = obs_secret_retain(taken->secret);
    pthread_mutex_unlock(&environment->own.lock);
    return status;
}
