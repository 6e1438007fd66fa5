#include "sky/cfitsio.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stddef.h>
#include <string.h>

#include "base/error.h"

/* The versions whose functions below are the same. */
static const char *const libraries[] = {"libcfitsio.so.10", "libcfitsio.so.9"};

struct function {
    const char *name;
    size_t offset;
};

static const struct function functions[] = {
    {"ffomem", offsetof(obs__cfitsio, open_memory)},   {"ffclos", offsetof(obs__cfitsio, close)},
    {"ffmahd", offsetof(obs__cfitsio, move_to)},       {"ffgkey", offsetof(obs__cfitsio, get_key)},
    {"ffpmrk", offsetof(obs__cfitsio, mark_messages)}, {"ffcmrk", offsetof(obs__cfitsio, clear_messages)},
};

/* Its messages are one list for all threads, and a build of it may know no threads at all. A fork waits, so that the child
 * never finds it in the middle of something. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static obs__cfitsio cfitsio;
static int loaded; /* tried again until it is: it may be installed, and memory may come back */

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

/* With the lock. */
static int load(void)
{
    void *library = NULL;
    for (size_t i = 0; i < sizeof libraries / sizeof *libraries && !library; i++)
        library = dlopen(libraries[i], RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        void *found = library ? dlsym(library, functions[i].name) : NULL;
        if (!found)
            return 0;
        memcpy((char *)&cfitsio + functions[i].offset, &found, sizeof found); /* ISO C has no other way from one to the other */
    }
    return 1;
}

obs_status obs__cfitsio_begin(const obs__cfitsio **out, obs_error *error)
{
    pthread_once(&once, watch_forks);
    pthread_mutex_lock(&lock);
    if (!loaded)
        loaded = load();
    if (loaded) {
        *out = &cfitsio;
        return OBS_OK;
    }
    pthread_mutex_unlock(&lock);
    *out = NULL;
    return obs__fail(
        error, OBS_UNIMPLEMENTED,
        "fits headers need cfitsio, which is not here: install it (on Debian and Ubuntu: apt install libcfitsio10)");
}

void obs__cfitsio_end(void)
{
    pthread_mutex_unlock(&lock);
}
