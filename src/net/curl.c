#include "net/curl.h"

#include <dlfcn.h>
#include <malloc.h>
#include <openssl/crypto.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

#define LIBRARY "libcurl.so.4"
#define OLDEST 0x075500 /* 7.85: protocols by their names */

struct function {
    const char *name;
    size_t offset;
};

static const struct function functions[] = {
    {"curl_global_init_mem", offsetof(obs__curl, global_init_mem)},
    {"curl_version_info", offsetof(obs__curl, version_info)},
    {"curl_getdate", offsetof(obs__curl, getdate)},
    {"curl_slist_append", offsetof(obs__curl, slist_append)},
    {"curl_slist_free_all", offsetof(obs__curl, slist_free_all)},
    {"curl_easy_init", offsetof(obs__curl, easy_init)},
    {"curl_easy_cleanup", offsetof(obs__curl, easy_cleanup)},
    {"curl_easy_setopt", offsetof(obs__curl, easy_setopt)},
    {"curl_easy_getinfo", offsetof(obs__curl, easy_getinfo)},
    {"curl_easy_strerror", offsetof(obs__curl, easy_strerror)},
    {"curl_multi_init", offsetof(obs__curl, multi_init)},
    {"curl_multi_cleanup", offsetof(obs__curl, multi_cleanup)},
    {"curl_multi_setopt", offsetof(obs__curl, multi_setopt)},
    {"curl_multi_add_handle", offsetof(obs__curl, multi_add_handle)},
    {"curl_multi_remove_handle", offsetof(obs__curl, multi_remove_handle)},
    {"curl_multi_perform", offsetof(obs__curl, multi_perform)},
    {"curl_multi_poll", offsetof(obs__curl, multi_poll)},
    {"curl_multi_info_read", offsetof(obs__curl, multi_info_read)},
};

/* A fork waits for the lock, so that the child never finds libcurl half set up. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static obs__curl curl;
static const obs__curl *_Atomic current;

static void before_fork(void)
{
    pthread_mutex_lock(&lock);
}

static void after_fork(void)
{
    pthread_mutex_unlock(&lock);
}

static void watch_forks(void)
{
    pthread_atfork(before_fork, after_fork, after_fork);
}

/* libcurl copies headers, and with them tokens, as often as it likes: what it gives back is wiped. */
static void wipe_free(void *memory)
{
    if (memory)
        OPENSSL_cleanse(memory, malloc_usable_size(memory));
    free(memory);
}

static void *wipe_realloc(void *memory, size_t size)
{
    void *moved = malloc(size ? size : 1);
    if (moved && memory) {
        size_t before = malloc_usable_size(memory);
        memcpy(moved, memory, before < size ? before : size);
        wipe_free(memory);
    }
    return moved;
}

static obs_status fail_load(const char *why, obs_error *error)
{
    obs__fail(error, OBS_UNIMPLEMENTED,
              "http needs libcurl 7.85 or newer, which is not here: install it (on Debian and Ubuntu: apt install libcurl4)");
    obs__detail(error, "%s", why ? why : "unknown");
    return OBS_UNIMPLEMENTED;
}

static obs_status find_functions(void *library, obs_error *error)
{
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        void *found = dlsym(library, functions[i].name);
        if (!found)
            return fail_load(functions[i].name, error);
        memcpy((char *)&curl + functions[i].offset, &found, sizeof found); /* ISO C has no other way from one to the other */
    }
    return OBS_OK;
}

/* With the lock. What was loaded stays: threads that still run at the end of the process may be in it. */
static obs_status load(obs_error *error)
{
    void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (!library)
        return fail_load(dlerror(), error);
    obs_status status = find_functions(library, error);
    if (status == OBS_OK && curl.version_info(CURLVERSION_NOW)->version_num < OLDEST)
        status = fail_load(curl.version_info(CURLVERSION_NOW)->version, error);
    if (status != OBS_OK)
        return status;
    /* Before libcurl does so: OpenSSL must not end under those threads. */
    OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, NULL);
    if (curl.global_init_mem(CURL_GLOBAL_DEFAULT, malloc, wipe_free, wipe_realloc, strdup, calloc) != CURLE_OK)
        return obs__fail_memory(error);
    atomic_store(&current, &curl);
    return OBS_OK;
}

obs_status obs__curl_get(const obs__curl **out, obs_error *error)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    obs_status status = OBS_OK;
    if (!atomic_load(&current)) {
        pthread_once(&once, watch_forks);
        pthread_mutex_lock(&lock);
        if (!atomic_load(&current))
            status = load(error);
        pthread_mutex_unlock(&lock);
    }
    *out = atomic_load(&current);
    return status;
}
