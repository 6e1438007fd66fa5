/* A function that wants what is not its own. The last word of the event's type says what it tries, the variable WANTED of its
 * manifest where; the product is "refused" or "done", with what the system said. */
#include <obs/obs.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *wanted(void)
{
    const char *path = getenv("WANTED");
    return path ? path : "";
}

/* Each of these returns 1 when it had what it wanted, and 0, with errno, when it was refused. */
static int has_read(const char *path)
{
    char data[64];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t size = fd < 0 ? -1 : read(fd, data, sizeof data);
    int number = errno;
    if (fd >= 0)
        close(fd);
    errno = number;
    return size > 0;
}

static int read_wanted(void)
{
    return has_read(wanted());
}

static int list_wanted(void)
{
    return open(wanted(), O_RDONLY | O_DIRECTORY | O_CLOEXEC) >= 0;
}

/* Opened for writing; nothing is changed. */
static int write_wanted(void)
{
    return open(wanted(), O_WRONLY | O_CLOEXEC) >= 0;
}

static int truncate_wanted(void)
{
    struct stat found;
    return stat(wanted(), &found) == 0 && truncate(wanted(), found.st_size) == 0;
}

static int make_wanted(void)
{
    return open(wanted(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600) >= 0;
}

static int remove_wanted(void)
{
    return unlink(wanted()) == 0;
}

static int link_wanted(void)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/obs-test-linked-%d", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp", (int)getpid());
    int done = link(wanted(), path) == 0, number = errno;
    unlink(path);
    errno = number;
    return done;
}

static int of_parent(char *path, size_t size, const char *name)
{
    return snprintf(path, size, "/proc/%d/%s", (int)getppid(), name);
}

static int parent_environ(void)
{
    char path[64];
    of_parent(path, sizeof path, "environ");
    return has_read(path);
}

/* An address of the runner's, which is a forked test and has this page at the same place in no case: its own maps say. */
static unsigned long parent_address(void)
{
    char path[64];
    unsigned long address = 0;
    of_parent(path, sizeof path, "maps");
    FILE *maps = fopen(path, "re");
    if (maps && fscanf(maps, "%lx-", &address) != 1)
        address = 0;
    int number = errno;
    if (maps)
        fclose(maps);
    errno = number;
    return address;
}

static int parent_memory(void)
{
    char path[64], data[16];
    unsigned long address = parent_address();
    of_parent(path, sizeof path, "mem");
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    return fd >= 0 && address && pread(fd, data, sizeof data, (off_t)address) > 0;
}

static int parent_vm(void)
{
    char data[16];
    struct iovec here = {data, sizeof data}, there = {(void *)parent_address(), sizeof data};
    return process_vm_readv(getppid(), &here, 1, &there, 1, 0) > 0;
}

static int parent_files(void)
{
    char path[64];
    of_parent(path, sizeof path, "fd/0");
    return has_read(path) || open(path, O_RDONLY | O_CLOEXEC) >= 0;
}

static int parent_trace(void)
{
    if (ptrace(PTRACE_SEIZE, getppid(), NULL, NULL) != 0)
        return 0;
    _exit(9); /* which lets it go */
}

static int parent_signal(void)
{
    return kill(getppid(), 0) == 0;
}

static int parent_group(void)
{
    return kill(-getpgid(getppid()), 0) == 0;
}

static int abstract_socket(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    snprintf(address.sun_path + 1, sizeof address.sun_path - 1, "%s", wanted());
    return connect(fd, (struct sockaddr *)&address,
                   (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(wanted()))) == 0;
}

/* What holds for it holds for all that it starts, in whatever session. */
static int by_a_child(void)
{
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        setsid();
        _exit(has_read(wanted()) ? 1 : errno == EACCES ? 0 : 2);
    }
    waitpid(child, &status, 0);
    errno = EACCES;
    return !WIFEXITED(status) || WEXITSTATUS(status) != 0;
}

/* A file system of its own, laid over what hides the other. */
static int by_a_mount(void)
{
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        if (geteuid() != 0 && unshare(CLONE_NEWUSER) != 0)
            _exit(0);
        if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
            _exit(0);
        _exit(1);
    }
    waitpid(child, &status, 0);
    errno = EPERM;
    return !WIFEXITED(status) || WEXITSTATUS(status) != 0;
}

static int has_setting(obs_function_call *call, char *text, size_t size)
{
    obs_client *client = NULL;
    obs_config *config = NULL;
    int64_t value = 0;
    obs_status status = obs_function_client(&client, call, NULL);
    if (status == OBS_OK)
        status = obs_config_snapshot(&config, obs_client_config(client), NULL, NULL);
    if (status == OBS_OK)
        status = obs_config_int(&value, config, "gain", NULL);
    snprintf(text, size, "%s %lld", obs_status_name(status), (long long)value);
    obs_config_free(config);
    return 1;
}

static const struct {
    const char *name;
    int (*attempt)(void);
} attempts[] = {
    {"read", read_wanted},     {"list", list_wanted},     {"write", write_wanted},     {"truncate", truncate_wanted},
    {"make", make_wanted},     {"remove", remove_wanted}, {"link", link_wanted},       {"environ", parent_environ},
    {"memory", parent_memory}, {"vm", parent_vm},         {"files", parent_files},     {"trace", parent_trace},
    {"signal", parent_signal}, {"group", parent_group},   {"socket", abstract_socket}, {"child", by_a_child},
    {"mount", by_a_mount},
};

/* The runner reads for it what its folder holds: a link must not lead it elsewhere. */
static obs_status put_by_link(obs_function_call *call, obs_error *error)
{
    const char *folder;
    char path[4096], above[4096];
    obs_status status = obs_function_folder(&folder, call, error);
    if (status != OBS_OK)
        return status;
    snprintf(above, sizeof above, "%s", wanted());
    *strrchr(above, '/') = '\0';
    snprintf(path, sizeof path, "%s/there", folder);
    if (symlink(above, path) != 0)
        return OBS_INTERNAL;
    snprintf(path, sizeof path, "there/%s", strrchr(wanted(), '/') + 1);
    return obs_function_put_file(call, "products/stolen", OBS_TEXT, path, NULL, error);
}

static obs_status handle(obs_function_call *call, void *context, obs_error *error)
{
    const obs_event *event = obs_function_event(call);
    const char *how = strrchr(event->type, '.') + 1;
    char text[300] = "unknown", key[300];
    (void)context;
    snprintf(key, sizeof key, "products/%s", event->id);
    if (strcmp(how, "stolen") == 0)
        return put_by_link(call, error);
    if (strcmp(how, "setting") == 0)
        has_setting(call, text, sizeof text);
    for (size_t i = 0; i < sizeof attempts / sizeof *attempts; i++)
        if (strcmp(how, attempts[i].name) == 0) {
            errno = 0;
            int done = attempts[i].attempt();
            snprintf(text, sizeof text, "%s: %s", done ? "done" : "refused", done ? "" : strerror(errno));
        }
    return obs_function_put(call, key, OBS_TEXT, text, OBS_TEXT, NULL, error);
}

int main(int argc, char **argv)
{
    return obs_function_main(argc, argv, handle, NULL);
}
