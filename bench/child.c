#include "child.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

extern char **environ;

void bench_child_start(bench_child *out, const char *const *words)
{
    int down[2], up[2];
    posix_spawn_file_actions_t actions;
    if (pipe(down) != 0 || pipe(up) != 0)
        bench_die("pipe", NULL);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, down[0], 0);
    posix_spawn_file_actions_adddup2(&actions, up[1], 1);
    const int ends[] = {down[0], down[1], up[0], up[1]};
    for (int i = 0; i < 4; i++)
        posix_spawn_file_actions_addclose(&actions, ends[i]);
    if (posix_spawn(&out->pid, "/proc/self/exe", &actions, NULL, (char *const *)(uintptr_t)words, environ) != 0)
        bench_die("cannot start a process", NULL);
    posix_spawn_file_actions_destroy(&actions);
    close(down[0]);
    close(up[1]);
    out->input = down[1];
    out->output = up[0];
}

int bench_read_number(int fd, int64_t *out)
{
    ssize_t size;
    while ((size = read(fd, out, sizeof *out)) < 0 && errno == EINTR)
        ;
    return size == sizeof *out;
}

int bench_write_number(int fd, int64_t number)
{
    return write(fd, &number, sizeof number) == sizeof number;
}

static int64_t ns_of(struct timeval time)
{
    return (int64_t)time.tv_sec * 1000000000 + (int64_t)time.tv_usec * 1000;
}

int64_t bench_child_end(bench_child *child, int signal)
{
    int status;
    struct rusage usage = {0};
    close(child->input);
    close(child->output);
    kill(child->pid, signal ? signal : SIGKILL);
    while (wait4(child->pid, &status, 0, &usage) < 0 && errno == EINTR)
        ;
    return ns_of(usage.ru_utime) + ns_of(usage.ru_stime);
}
