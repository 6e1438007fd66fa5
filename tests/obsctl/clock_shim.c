/* The wall clock as the file OBS_CLOCK says: the first eight bytes are the seconds that it is off, at any moment. */
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static int (*next)(clockid_t, struct timespec *);
static const volatile int64_t *off;

static void start(void)
{
    const char *path = getenv("OBS_CLOCK");
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    void *page = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof *off, PROT_READ, MAP_SHARED, fd, 0);
    if (fd >= 0)
        close(fd);
    off = page == MAP_FAILED ? NULL : page;
    *(void **)&next = dlsym(RTLD_NEXT, "clock_gettime"); /* as POSIX shows it */
}

int clock_gettime(clockid_t id, struct timespec *out)
{
    pthread_once(&once, start);
    int code = next(id, out);
    if (code == 0 && off && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE))
        out->tv_sec += *off;
    return code;
}

time_t time(time_t *out)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (out)
        *out = now.tv_sec;
    return now.tv_sec;
}

int gettimeofday(struct timeval *out, void *zone)
{
    struct timespec now;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &now);
    *out = (struct timeval){now.tv_sec, now.tv_nsec / 1000};
    return 0;
}
