/* Starting the program of a function. Between fork and exec only what is safe there is called. */
#include "function/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "client/client.h"
#include "function/function.h"

#define FIRST_FREE 10 /* what the child is given lies above, before it takes its places */

extern char **environ;

/* Passed on as they are; nothing else of the runner's environment is. */
static const char *const inherited[] = {"PATH", "HOME", "USER", "LANG", "LC_ALL", "TZ", "TMPDIR"};
#define INHERITED (sizeof inherited / sizeof inherited[0])
#define OWN 3

typedef struct start {
    const obs__manifest *manifest;
    char *program; /* absolute */
    char **environment;
    pid_t parent;
    int socket;
    int output;
    int token;
    int null;
    int ruleset; /* -1: not isolated */
    int report;  /* receives errno when the program cannot be run */
} start;

static obs_status add_variable(char **out, const char *name, const char *value, obs_error *error)
{
    size_t size = strlen(name) + strlen(value) + 2;
    *out = obs__alloc(size);
    if (!*out)
        return obs__fail_memory(error);
    snprintf(*out, size, "%s=%s", name, value);
    return OBS_OK;
}

static void free_environment(char **environment)
{
    for (size_t i = 0; environment && environment[i]; i++)
        obs__free(environment[i]);
    obs__free(environment);
}

/* An isolated program has a home of its own: the runner's would only be in its way. */
static const char *inherited_value(const char *name, const char *home)
{
    return home && (strcmp(name, "HOME") == 0 || strcmp(name, "TMPDIR") == 0) ? home : getenv(name);
}

static obs_status make_environment(char ***out, const obs__manifest *manifest, obs_client *client, const char *home,
                                   obs_error *error)
{
    const struct {
        const char *name, *value;
    } own[OWN] = {{OBS__FUNCTION_VARIABLE, manifest->name},
                  {"OBS_WORKSPACE", obs_client_workspace(client)},
                  {"OBS_TENANT", obs_client_tenant(client)}};
    size_t count = 0, used = 0;
    while (manifest->environment && manifest->environment[count])
        count++;
    char **all = obs__calloc(count + INHERITED + OWN + 1, sizeof *all);
    obs_status status = all ? OBS_OK : obs__fail_memory(error);
    for (size_t i = 0; status == OBS_OK && i < count; i++)
        if (!(all[used++] = obs__strdup(manifest->environment[i])))
            status = obs__fail_memory(error);
    for (size_t i = 0; status == OBS_OK && i < INHERITED; i++)
        if (inherited_value(inherited[i], home))
            status = add_variable(&all[used++], inherited[i], inherited_value(inherited[i], home), error);
    for (size_t i = 0; status == OBS_OK && i < OWN; i++)
        status = add_variable(&all[used++], own[i].name, own[i].value, error);
    if (status == OBS_OK)
        *out = all;
    else
        free_environment(all);
    return status;
}

/* `./handler` lies in the folder of the function, `python3` where PATH says, and an absolute path where it says itself. */
static obs_status find_program(char **out, const obs__manifest *manifest, obs_error *error)
{
    const char *command = manifest->command[0];
    char path[PATH_MAX];
    const char *at = getenv("PATH") ? getenv("PATH") : "/usr/local/bin:/usr/bin:/bin";
    int found = 0;
    if (*command == '/')
        found = snprintf(path, sizeof path, "%s", command) < (int)sizeof path && access(path, X_OK) == 0;
    else if (strchr(command, '/'))
        found = snprintf(path, sizeof path, "%s/%s", manifest->folder, command) < (int)sizeof path && access(path, X_OK) == 0;
    else
        while (!found && *at) {
            size_t size = strcspn(at, ":");
            found = *at == '/' && snprintf(path, sizeof path, "%.*s/%s", (int)size, at, command) < (int)sizeof path &&
                    access(path, X_OK) == 0;
            at += size + (at[size] == ':');
        }
    if (!found)
        return obs__fail(error, OBS_UNAVAILABLE, "the function '%s' does not start: there is no program '%s'", manifest->name,
                         command);
    *out = obs__strdup(path);
    return *out ? OBS_OK : obs__fail_memory(error);
}

static void limit_to(int resource, rlim_t most)
{
    struct rlimit limit = {most, most};
    setrlimit(resource, &limit);
}

static void close_others(int first)
{
#ifdef SYS_close_range
    if (syscall(SYS_close_range, (unsigned)first, ~0u, 0u) == 0)
        return;
#endif
    for (int fd = first; fd < 65536; fd++)
        close(fd);
}

/* In the child. Never returns. */
static _Noreturn void become(const start *self)
{
    sigset_t none;
    setpgid(0, 0);
    for (int number = 1; number < 65; number++)
        signal(number, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* no worker outlives its runner */
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (getppid() != self->parent)
        _exit(127);
    limit_to(RLIMIT_CORE, 0);
    limit_to(RLIMIT_DATA, (rlim_t)self->manifest->memory);
    limit_to(RLIMIT_FSIZE, (rlim_t)self->manifest->file_size);
    limit_to(RLIMIT_NOFILE, (rlim_t)self->manifest->files);
    umask(077);
    if (chdir(self->manifest->folder) == 0 && dup2(self->null, 0) >= 0 && dup2(self->output, 1) >= 0 &&
        dup2(self->output, 2) >= 0 && dup2(self->socket, OBS__FUNCTION_SOCKET) >= 0 &&
        dup2(self->token, OBS__FUNCTION_TOKEN) >= 0 && dup3(self->report, OBS__FUNCTION_TOKEN + 1, O_CLOEXEC) >= 0) {
        if (obs__isolation_enter(self->ruleset) == 0) {
            close_others(OBS__FUNCTION_TOKEN + 2);
            execve(self->program, self->manifest->command, self->environment);
        }
    }
    int number = errno;
    while (write(OBS__FUNCTION_TOKEN + 1, &number, sizeof number) < 0 && errno == EINTR)
        ;
    _exit(127);
}

/* Above the numbers that the child's descriptors get, so that none is overwritten before it was moved. */
static obs_status lift(int *fd, obs_error *error)
{
    int high = fcntl(*fd, F_DUPFD_CLOEXEC, FIRST_FREE);
    if (high < 0)
        return obs__fail_system(error, errno, "cannot start a function");
    close(*fd);
    *fd = high;
    return OBS_OK;
}

static obs_status make_pair(int out[2], int kind, obs_error *error)
{
    out[0] = out[1] = -1;
    int code = kind ? socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, out) : pipe2(out, O_CLOEXEC);
    if (code != 0)
        return obs__fail_system(error, errno, "cannot start a function");
    return lift(&out[1], error);
}

static void shut(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* The parent's and the child's end of each, in this order. */
typedef struct ends {
    int socket[2], output[2], token[2], report[2], null;
} ends;

static void shut_all(ends *all)
{
    int *pairs[] = {all->socket, all->output, all->token, all->report};
    for (size_t i = 0; i < 4; i++) {
        shut(&pairs[i][0]);
        shut(&pairs[i][1]);
    }
    shut(&all->null);
}

/* The token goes into the pipe whole, before anybody reads: it is smaller than a pipe holds. */
static obs_status make_ends(ends *all, const obs_secret *token, obs_error *error)
{
    obs_status status = make_pair(all->socket, 1, error);
    if (status == OBS_OK)
        status = make_pair(all->output, 0, error);
    if (status == OBS_OK)
        status = make_pair(all->report, 0, error);
    if (status == OBS_OK)
        status = make_pair(all->token, 0, error);
    if (status == OBS_OK)
        status = obs__write_all(all->token[1], obs_secret_bytes(token), obs_secret_size(token), "the token", error);
    shut(&all->token[1]);
    if (status == OBS_OK)
        status = lift(&all->token[0], error);
    if (status == OBS_OK)
        status = obs__open_at(&all->null, AT_FDCWD, "/dev/null", O_RDONLY, 0, error);
    if (status == OBS_OK)
        status = lift(&all->null, error);
    if (status == OBS_OK && fcntl(all->output[0], F_SETFL, O_NONBLOCK) != 0)
        status = obs__fail_system(error, errno, "cannot start a function");
    return status;
}

/* Memory and environment of the runner, with its keys, are nobody's business, also where the kernel isolates nothing. From now
 * on only root can look into this process or trace it. */
static void hide(const obs__manifest *manifest)
{
    if (manifest->isolation != OBS__ISOLATION_NONE)
        prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

/* Waits until the program runs, or could not be run. */
static obs_status see_started(ends *all, const start *self, obs_error *error)
{
    int number = 0;
    ssize_t size;
    shut(&all->report[1]);
    do
        size = read(all->report[0], &number, sizeof number);
    while (size < 0 && errno == EINTR);
    if (size == (ssize_t)sizeof number)
        return obs__fail_system(error, number, "the function '%s' does not start: cannot run '%s'", self->manifest->name,
                                self->program);
    return OBS_OK;
}

obs_status obs__spawn(obs__spawned *out, const obs__manifest *manifest, obs_client *client, const obs_secret *token,
                      obs_error *error)
{
    ends all = {{-1, -1}, {-1, -1}, {-1, -1}, {-1, -1}, -1};
    start self = {.manifest = manifest, .parent = getpid()};
    *out = (obs__spawned){.pid = -1, .socket = -1, .output = -1, .isolation = {.ruleset = -1}};
    obs_status status = find_program(&self.program, manifest, error);
    if (status == OBS_OK)
        status = obs__isolation_make(&out->isolation, manifest, client, self.program, error);
    if (status == OBS_OK && out->isolation.ruleset >= 0)
        status = lift(&out->isolation.ruleset, error);
    if (status == OBS_OK)
        status = make_environment(&self.environment, manifest, client, out->isolation.home, error);
    if (status == OBS_OK)
        status = make_ends(&all, token, error);
    if (status == OBS_OK) {
        self.socket = all.socket[1];
        self.output = all.output[1];
        self.token = all.token[0];
        self.null = all.null;
        self.report = all.report[1];
        self.ruleset = out->isolation.ruleset;
        hide(manifest);
        out->pid = fork();
        if (out->pid == 0)
            become(&self);
        if (out->pid < 0)
            status = obs__fail_system(error, errno, "cannot start a function");
        else
            setpgid(out->pid, out->pid); /* here, too: whoever comes first */
    }
    if (status == OBS_OK)
        status = see_started(&all, &self, error);
    if (out->pid > 0) { /* also when it failed: it has to be reaped */
        out->socket = all.socket[0];
        out->output = all.output[0];
        all.socket[0] = all.output[0] = -1;
    }
    shut_all(&all);
    obs__free(self.program);
    free_environment(self.environment);
    return status;
}
