/* The library stays in memory when the last who opened it closes it: its threads and its handlers of fork() may still run. */
#include <obs/obs.h>

#include <dlfcn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support.h"

typedef struct calls {
    __typeof__(obs_error_init) *error_init;
    __typeof__(obs_cancel_new) *cancel_new;
    __typeof__(obs_cancel_free) *cancel_free;
    __typeof__(obs_log_take) *log_take;
    __typeof__(obs_buffer_free) *buffer_free;
} calls;

static void *find(void *library, const char *name)
{
    void *symbol = dlsym(library, name);
    ck_assert_msg(symbol != NULL, "%s", name);
    return symbol;
}

static calls find_calls(void *library)
{
    calls calls;
    *(void **)&calls.error_init = find(library, "obs_error_init");
    *(void **)&calls.cancel_new = find(library, "obs_cancel_new");
    *(void **)&calls.cancel_free = find(library, "obs_cancel_free");
    *(void **)&calls.log_take = find(library, "obs_log_take");
    *(void **)&calls.buffer_free = find(library, "obs_buffer_free");
    return calls;
}

/* What leaves handlers of fork() behind. */
static void use(const calls *calls)
{
    obs_error error;
    obs_cancel *cancel = NULL;
    obs_buffer *lines = NULL;
    calls->error_init(&error, sizeof error);
    ck_assert_msg(calls->cancel_new(&cancel, &error) == OBS_OK, "%s", error.message);
    ck_assert_msg(calls->log_take(&lines, OBS_LOG_INFO, &error) == OBS_OK, "%s", error.message);
    calls->buffer_free(lines);
    calls->cancel_free(cancel);
}

START_TEST(closing_leaves_the_library_where_it_is)
{
    int status = -1;
    void *library = dlopen(OBS_LIBRARY, RTLD_NOW | RTLD_LOCAL);
    ck_assert_msg(library != NULL, "%s", dlerror());
    calls calls = find_calls(library);
    use(&calls);
    ck_assert_int_eq(dlclose(library), 0);
    library = dlopen(OBS_LIBRARY, RTLD_NOW | RTLD_NOLOAD);
    ck_assert_msg(library != NULL, "closing took the library out of memory");
    ck_assert_int_eq(dlclose(library), 0);
    use(&calls); /* as a thread of the library would go on */
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    ck_assert_int_gt(child, 0);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {closing_leaves_the_library_where_it_is};
    return test_main("unload", tests, sizeof tests / sizeof tests[0]);
}
