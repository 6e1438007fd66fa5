/*
 * Runs gnuplot: without a shell, without the caller's environment and settings, in an empty folder, and not for ever. No text
 * of users is in the script (graph_svg.c); this is for the day when gnuplot itself goes wrong.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "obsctl/graph.h"

#define LIMIT_SECONDS 60
#define LIMIT_MEMORY ((rlim_t)2 << 30)
#define LIMIT_FILE ((rlim_t)1 << 28)
#define SLICE_MS 200

/* One run of it. */
struct child {
    char program[4096];
    char folder[4096];
    int input, output, errors; /* files in memory, so that neither side can wait for the other */
    pid_t pid;
};

/* Only in folders with a full name: the child goes to another one. */
static obs_status find_program(ctl *ctl, char *out, size_t size)
{
    const char *path = getenv("PATH");
    for (const char *at = path && *path ? path : "/usr/local/bin:/usr/bin:/bin"; *at; at += *at == ':') {
        size_t length = strcspn(at, ":");
        struct stat info;
        int fits = *at == '/' && snprintf(out, size, "%.*s/gnuplot", (int)length, at) < (int)size;
        if (fits && stat(out, &info) == 0 && S_ISREG(info.st_mode) && access(out, X_OK) == 0)
            return OBS_OK;
        at += length;
    }
    return ctl_fail(ctl, OBS_FAILED_PRECONDITION,
                    "SVG needs gnuplot, which is not installed: 'apt install gnuplot-nox' (elsewhere the package is called "
                    "gnuplot); without -o and --format the picture is drawn in the terminal");
}

static obs_status prepare(ctl *ctl, struct child *child, const char *script, size_t size)
{
    const char *parent = getenv("TMPDIR");
    obs_status status = find_program(ctl, child->program, sizeof child->program);
    if (status != OBS_OK)
        return status;
    snprintf(child->folder, sizeof child->folder, "%s/obsctl-graph-XXXXXX", parent && *parent == '/' ? parent : "/tmp");
    if (!mkdtemp(child->folder)) {
        status = ctl_fail_system(ctl, "make a folder", child->folder);
        child->folder[0] = '\0';
        return status;
    }
    child->input = memfd_create("gnuplot-in", MFD_CLOEXEC);
    child->output = memfd_create("gnuplot-out", MFD_CLOEXEC);
    child->errors = memfd_create("gnuplot-errors", MFD_CLOEXEC);
    if (child->input < 0 || child->output < 0 || child->errors < 0)
        return ctl_fail_system(ctl, "make", "a file in memory");
    ctl_target target = {.fd = child->input, .path = "memory"};
    status = ctl_target_write(ctl, &target, script, size);
    if (status == OBS_OK && lseek(child->input, 0, SEEK_SET) != 0)
        status = ctl_fail_system(ctl, "read", "a file in memory");
    return status;
}

static void limit(int what, rlim_t most)
{
    struct rlimit limit = {most, most};
    (void)setrlimit(what, &limit);
}

/* In the child: only calls that are allowed between fork and exec. */
static void become_gnuplot(const struct child *child, char *const environment[])
{
    char *const words[] = {(char *)"gnuplot", (char *)"--default-settings", (char *)"-", NULL};
    sigset_t nothing;
    sigemptyset(&nothing);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    limit(RLIMIT_CPU, LIMIT_SECONDS);
    limit(RLIMIT_AS, LIMIT_MEMORY);
    limit(RLIMIT_FSIZE, LIMIT_FILE);
    limit(RLIMIT_CORE, 0);
    if (sigprocmask(SIG_SETMASK, &nothing, NULL) == 0 && chdir(child->folder) == 0 && dup2(child->input, STDIN_FILENO) >= 0 &&
        dup2(child->output, STDOUT_FILENO) >= 0 && dup2(child->errors, STDERR_FILENO) >= 0)
        execve(child->program, words, environment);
    _exit(127);
}

static long long now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Waits in slices: a signal may come just before the wait begins. */
static obs_status wait_for_end(ctl *ctl, const struct child *child)
{
    long long most = ctl->call.timeout_ms > 0 ? ctl->call.timeout_ms : LIMIT_SECONDS * 1000;
    long long end = now_ms() + most;
    struct pollfd wanted = {.fd = pidfd_open(child->pid, 0), .events = POLLIN};
    obs_status status = wanted.fd < 0 ? ctl_fail_system(ctl, "wait for", child->program) : OBS_OK;
    while (status == OBS_OK) {
        if (poll(&wanted, 1, SLICE_MS) > 0)
            break;
        status = ctl_check_cancel(ctl);
        if (status == OBS_OK && now_ms() >= end)
            status = ctl_fail(ctl, OBS_DEADLINE_EXCEEDED, "gnuplot did not end within %lld s", most / 1000);
    }
    if (wanted.fd >= 0)
        close(wanted.fd);
    return status;
}

static obs_status fail_child(ctl *ctl, const struct child *child, int how)
{
    char said[200] = "", shown[400];
    ssize_t size = pread(child->errors, said, sizeof said - 1, 0);
    size_t used = size > 0 ? (size_t)size : 0;
    while (used && strchr("\n ", said[used - 1]))
        used--;
    obs_text_escape(shown, sizeof shown, said, used);
    if (WIFSIGNALED(how))
        return ctl_fail(ctl, OBS_UNKNOWN, "gnuplot was ended by signal %d: %s", WTERMSIG(how), shown);
    return ctl_fail(ctl, OBS_UNKNOWN, "gnuplot failed with exit code %d: %s", WEXITSTATUS(how), shown);
}

static obs_status run(ctl *ctl, struct child *child)
{
    int how = 0;
    char home[sizeof child->folder + 8];
    char *environment[] = {home, (char *)"PATH=/usr/bin:/bin", (char *)"LC_ALL=C", (char *)"TZ=UTC", NULL};
    snprintf(home, sizeof home, "HOME=%s", child->folder);
    child->pid = fork();
    if (child->pid < 0)
        return ctl_fail_system(ctl, "start", child->program);
    if (child->pid == 0)
        become_gnuplot(child, environment);
    obs_status status = wait_for_end(ctl, child);
    if (status != OBS_OK)
        kill(child->pid, SIGKILL);
    while (waitpid(child->pid, &how, 0) < 0 && errno == EINTR)
        continue;
    if (status == OBS_OK && (!WIFEXITED(how) || WEXITSTATUS(how) != 0))
        status = fail_child(ctl, child, how);
    return status;
}

static obs_status take_output(ctl *ctl, const struct child *child, char **out, size_t *out_size)
{
    off_t size = lseek(child->output, 0, SEEK_END);
    char *text = size > 0 ? malloc((size_t)size + 1) : NULL;
    if (size > 0 && !text)
        return ctl_fail_memory(ctl);
    size_t got = 0;
    while (text && got < (size_t)size) {
        ssize_t part = pread(child->output, text + got, (size_t)size - got, (off_t)got);
        if (part <= 0)
            break;
        got += (size_t)part;
    }
    if (!got || got < (size_t)size) {
        free(text);
        return fail_child(ctl, child, 0);
    }
    text[got] = '\0';
    *out = text;
    *out_size = got;
    return OBS_OK;
}

obs_status graph_run_gnuplot(ctl *ctl, const char *script, size_t size, char **out, size_t *out_size)
{
    struct child child = {.input = -1, .output = -1, .errors = -1};
    *out = NULL;
    *out_size = 0;
    obs_status status = prepare(ctl, &child, script, size);
    if (status == OBS_OK)
        status = run(ctl, &child);
    if (status == OBS_OK)
        status = take_output(ctl, &child, out, out_size);
    int files[] = {child.input, child.output, child.errors};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        if (files[i] >= 0)
            close(files[i]);
    if (child.folder[0])
        rmdir(child.folder);
    return status;
}
