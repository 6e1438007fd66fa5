/*
 * A preloaded library that writes down what a program does to the files below one folder: every write, truncation, creation,
 * rename, removal and sync, in order. powercut.py rebuilds from it what a disk could hold after a power cut at any moment:
 * what was synced, plus a random, torn part of what was not.
 *
 * OBS_DISK_ROOT   the folder; OBS_DISK_LOG  where to write; OBS_DISK_NOSYNC=1  syncs are not written down, as on a disk (or
 * in a build) whose sync does nothing. Lines written to the file OBS_DISK_ACK become entries too: what the program has been
 * told is safe. Several programs may write one log: each entry is written together with what it tells of, under a lock on the
 * log (flock) that whoever adds entries of his own takes, too.
 *
 * An entry: a 32-byte header {kind, size, a, b, c} of native 32- and 64-bit numbers, then `size` bytes.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum kind {
    WRITE = 1,
    TRUNCATE,
    CREATE,
    MAKE_FOLDER,
    RENAME,
    REMOVE,
    REMOVE_FOLDER,
    SYNC_FILE,
    SYNC_ALL,
    ACKNOWLEDGE,
    SET_TIME,
    LINK
};

struct header {
    uint32_t kind;
    uint32_t size;
    uint64_t a, b, c;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static int log_fd = -1;
static int nosync;
static char root[PATH_MAX];
static dev_t root_device;
static ino_t ack_inode;
static dev_t ack_device;

#define HIGH 200 /* programs that are started put what they are given at the lowest numbers */

static int open_log(void)
{
    const char *path = getenv("OBS_DISK_LOG");
    int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    int high = fcntl(fd, F_DUPFD_CLOEXEC, HIGH);
    close(fd);
    return high;
}

/* Nothing is under way at a fork, and the lock on the log is of one process: the child opens it for itself. */
static void before_fork(void)
{
    pthread_mutex_lock(&lock);
}

static void after_fork(void)
{
    pthread_mutex_unlock(&lock);
}

static void in_child(void)
{
    if (log_fd >= 0) {
        close(log_fd);
        log_fd = open_log();
    }
    pthread_mutex_unlock(&lock);
}

static void start(void)
{
    struct stat status;
    const char *path = getenv("OBS_DISK_LOG");
    const char *folder = getenv("OBS_DISK_ROOT");
    const char *ack = getenv("OBS_DISK_ACK");
    nosync = getenv("OBS_DISK_NOSYNC") != NULL;
    if (!path || !folder || !realpath(folder, root) || stat(root, &status) != 0)
        return;
    root_device = status.st_dev;
    if (ack && stat(ack, &status) == 0) {
        ack_inode = status.st_ino;
        ack_device = status.st_dev;
    }
    log_fd = open_log();
    pthread_atfork(before_fork, after_fork, in_child);
}

/* Alone among the threads of this process, and among the processes. */
static void hold(void)
{
    pthread_once(&once, start);
    pthread_mutex_lock(&lock);
    while (log_fd >= 0 && flock(log_fd, LOCK_EX) != 0)
        if (errno != EINTR)
            abort();
}

static void release(void)
{
    int number = errno;
    if (log_fd >= 0)
        flock(log_fd, LOCK_UN);
    pthread_mutex_unlock(&lock);
    errno = number;
}

static void put(const void *data, size_t size)
{
    for (const char *at = data; size;) {
        long done = syscall(SYS_write, log_fd, at, size);
        if (done <= 0)
            abort();
        at += done;
        size -= (size_t)done;
    }
}

static void note(enum kind kind, uint64_t a, uint64_t b, uint64_t c, const void *data, size_t size)
{
    struct header header = {kind, (uint32_t)size, a, b, c};
    put(&header, sizeof header);
    put(data, size);
}

/* Whether a path of /proc/self/fd lies below the root; the path relative to it. */
static const char *below_root(const char *path)
{
    size_t size = strlen(root);
    if (strncmp(path, root, size) != 0 || (path[size] != '/' && path[size]))
        return NULL;
    return path[size] ? path + size + 1 : "";
}

static int path_of(int fd, char *out)
{
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t size = readlink(link, out, PATH_MAX - 1);
    if (size < 0)
        return 0;
    out[size] = '\0';
    return 1;
}

/* The inode of an open file below the root, or 0. Memory-mapped helpers of SQLite (-shm) hold nothing that must last. */
static uint64_t inode_of(int fd)
{
    struct stat status;
    char path[PATH_MAX];
    pthread_once(&once, start);
    if (log_fd < 0 || fstat(fd, &status) != 0 || status.st_dev != root_device || !path_of(fd, path) || !below_root(path))
        return 0;
    return strstr(path, "-shm") ? 0 : status.st_ino;
}

static int is_ack(int fd)
{
    struct stat status;
    return ack_inode && fstat(fd, &status) == 0 && status.st_ino == ack_inode && status.st_dev == ack_device;
}

/* dirfd + path as a path relative to the root; 0 when it lies outside. */
static int resolve(int folder, const char *path, char *out)
{
    char whole[2 * PATH_MAX];
    char base[PATH_MAX] = "";
    pthread_once(&once, start);
    if (log_fd < 0)
        return 0;
    if (*path != '/') {
        if (folder == AT_FDCWD ? !getcwd(base, sizeof base) : !path_of(folder, base))
            return 0;
        snprintf(whole, sizeof whole, "%s/%s", base, path);
    } else {
        snprintf(whole, sizeof whole, "%s", path);
    }
    /* The parent is resolved, the last component is not: it may be a link, or not be there. */
    char *slash = strrchr(whole, '/');
    char parent[PATH_MAX];
    *slash = '\0';
    if (!realpath(*whole ? whole : "/", parent))
        return 0;
    const char *below = below_root(parent);
    if (!below)
        return 0;
    snprintf(out, PATH_MAX, "%.*s%s%s", PATH_MAX / 2, below, *below ? "/" : "", slash + 1);
    return 1;
}

/* Opens, and writes down a file that was made or emptied by it. `fd` comes from the real call made under the lock. */
static int opened(int fd, int existed, int flags, const char *relative)
{
    struct stat status;
    if (fd < 0 || !relative || fstat(fd, &status) != 0 || !S_ISREG(status.st_mode) || strstr(relative, "-shm"))
        return fd;
    if (!existed)
        note(CREATE, status.st_ino, 0, 0, relative, strlen(relative));
    else if (flags & O_TRUNC)
        note(TRUNCATE, status.st_ino, 0, 0, NULL, 0);
    return fd;
}

static int open_noted(int folder, const char *path, int flags, const struct open_how *how, mode_t mode)
{
    char relative[PATH_MAX];
    struct stat status;
    long fd;
    int inside = (flags & (O_CREAT | O_TRUNC)) && resolve(folder, path, relative);
    if (!inside)
        return (int)(how ? syscall(SYS_openat2, folder, path, how, sizeof *how)
                         : syscall(SYS_openat, folder, path, flags, mode));
    hold();
    int existed = fstatat(folder, path, &status, 0) == 0;
    fd = how ? syscall(SYS_openat2, folder, path, how, sizeof *how) : syscall(SYS_openat, folder, path, flags, mode);
    opened((int)fd, existed, flags, relative);
    release();
    return (int)fd;
}

#define MODE_OF(flags)                                                                                                         \
    mode_t mode = 0;                                                                                                           \
    if ((flags) & (O_CREAT | O_TMPFILE)) {                                                                                     \
        va_list arguments;                                                                                                     \
        va_start(arguments, flags);                                                                                            \
        mode = (mode_t)va_arg(arguments, int);                                                                                 \
        va_end(arguments);                                                                                                     \
    }

int open(const char *path, int flags, ...)
{
    MODE_OF(flags)
    return open_noted(AT_FDCWD, path, flags, NULL, mode);
}

int open64(const char *path, int flags, ...)
{
    MODE_OF(flags)
    return open_noted(AT_FDCWD, path, flags, NULL, mode);
}

int openat(int folder, const char *path, int flags, ...)
{
    MODE_OF(flags)
    return open_noted(folder, path, flags, NULL, mode);
}

int openat64(int folder, const char *path, int flags, ...)
{
    MODE_OF(flags)
    return open_noted(folder, path, flags, NULL, mode);
}

/* libobs calls openat2 through syscall(): glibc has no wrapper. */
long syscall(long number, ...)
{
    static __typeof__(&syscall) real;
    va_list list;
    long a[6];
    va_start(list, number);
    for (int i = 0; i < 6; i++)
        a[i] = va_arg(list, long);
    va_end(list);
    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "syscall"); /* as POSIX shows it */
    char relative[PATH_MAX];
    const struct open_how *how = (const struct open_how *)a[2];
    static __thread int inside;
    if (number == SYS_openat2 && !inside && (how->flags & (O_CREAT | O_TRUNC)) &&
        resolve((int)a[0], (const char *)a[1], relative)) {
        inside = 1;
        int fd = open_noted((int)a[0], (const char *)a[1], (int)how->flags, how, 0);
        inside = 0;
        return fd;
    }
    return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

static void note_write(int fd, const void *data, ssize_t done, off_t offset)
{
    uint64_t inode = done > 0 ? inode_of(fd) : 0;
    if (inode)
        note(WRITE, inode, (uint64_t)offset, 0, data, (size_t)done);
    else if (done > 0 && is_ack(fd))
        note(ACKNOWLEDGE, 0, 0, 0, data, (size_t)done);
}

ssize_t write(int fd, const void *data, size_t size)
{
    struct stat status;
    pthread_once(&once, start);
    /* What may wait for another program is not done under the lock that this one may want. */
    if (fd == log_fd || log_fd < 0 || fstat(fd, &status) != 0 || !S_ISREG(status.st_mode))
        return syscall(SYS_write, fd, data, size);
    hold();
    int append = fcntl(fd, F_GETFL) & O_APPEND;
    off_t offset = lseek(fd, 0, append ? SEEK_END : SEEK_CUR);
    ssize_t done = syscall(SYS_write, fd, data, size);
    note_write(fd, data, done, offset);
    release();
    return done;
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t offset)
{
    hold();
    ssize_t done = syscall(SYS_pwrite64, fd, data, size, offset);
    note_write(fd, data, done, offset);
    release();
    return done;
}

ssize_t pwrite64(int fd, const void *data, size_t size, off_t offset)
{
    return pwrite(fd, data, size, offset);
}

ssize_t writev(int fd, const struct iovec *parts, int count)
{
    ssize_t all = 0;
    for (int i = 0; i < count; i++) {
        ssize_t done = write(fd, parts[i].iov_base, parts[i].iov_len);
        if (done < 0)
            return all ? all : done;
        all += done;
    }
    return all;
}

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset)
{
    ssize_t all = 0;
    for (int i = 0; i < count; i++) {
        ssize_t done = pwrite(fd, parts[i].iov_base, parts[i].iov_len, offset + all);
        if (done < 0)
            return all ? all : done;
        all += done;
    }
    return all;
}

/* Ways to copy that this library could not see: the caller falls back to read and write. */
ssize_t copy_file_range(int in, off64_t *from, int out, off64_t *to, size_t size, unsigned flags)
{
    (void)in, (void)from, (void)out, (void)to, (void)size, (void)flags;
    errno = EOPNOTSUPP;
    return -1;
}

int ftruncate(int fd, off_t size)
{
    hold();
    int done = (int)syscall(SYS_ftruncate, fd, size);
    uint64_t inode = done == 0 ? inode_of(fd) : 0;
    if (inode)
        note(TRUNCATE, inode, (uint64_t)size, 0, NULL, 0);
    release();
    return done;
}

int ftruncate64(int fd, off64_t size)
{
    return ftruncate(fd, size);
}

int fallocate(int fd, int mode, off_t offset, off_t size)
{
    struct stat status;
    hold();
    int done = (int)syscall(SYS_fallocate, fd, mode, offset, size);
    uint64_t inode = done == 0 ? inode_of(fd) : 0;
    if (inode && fstat(fd, &status) == 0)
        note(TRUNCATE, inode, (uint64_t)status.st_size, 0, NULL, 0);
    release();
    return done;
}

int posix_fallocate(int fd, off_t offset, off_t size)
{
    return fallocate(fd, 0, offset, size) == 0 ? 0 : errno;
}

int futimens(int fd, const struct timespec times[2])
{
    hold();
    int done = (int)syscall(SYS_utimensat, fd, NULL, times, 0);
    uint64_t inode = done == 0 && times ? inode_of(fd) : 0;
    if (inode)
        note(SET_TIME, inode, (uint64_t)times[1].tv_sec * 1000000000u + (uint64_t)times[1].tv_nsec, 0, NULL, 0);
    release();
    return done;
}

static int rename_noted(int from_folder, const char *from, int to_folder, const char *to, unsigned flags)
{
    char paths[2 * PATH_MAX];
    char a[PATH_MAX], b[PATH_MAX];
    int inside = resolve(from_folder, from, a) && resolve(to_folder, to, b);
    hold();
    int done = (int)syscall(SYS_renameat2, from_folder, from, to_folder, to, flags);
    if (done == 0 && inside) {
        size_t size = (size_t)snprintf(paths, sizeof paths, "%s%c%s", a, 0, b) + 0;
        memcpy(paths, a, strlen(a) + 1);
        memcpy(paths + strlen(a) + 1, b, strlen(b));
        size = strlen(a) + 1 + strlen(b);
        note(RENAME, flags, 0, 0, paths, size);
    }
    release();
    return done;
}

int rename(const char *from, const char *to)
{
    return rename_noted(AT_FDCWD, from, AT_FDCWD, to, 0);
}

int renameat(int from_folder, const char *from, int to_folder, const char *to)
{
    return rename_noted(from_folder, from, to_folder, to, 0);
}

int renameat2(int from_folder, const char *from, int to_folder, const char *to, unsigned flags)
{
    return rename_noted(from_folder, from, to_folder, to, flags);
}

/* A second name for a file, as its only one may not replace another's. */
int linkat(int from_folder, const char *from, int to_folder, const char *to, int flags)
{
    char a[PATH_MAX], b[PATH_MAX], paths[2 * PATH_MAX];
    int inside = resolve(from_folder, from, a) && resolve(to_folder, to, b);
    hold();
    int done = (int)syscall(SYS_linkat, from_folder, from, to_folder, to, flags);
    if (done == 0 && inside) {
        size_t size = strlen(a) + 1;
        memcpy(paths, a, size);
        memcpy(paths + size, b, strlen(b));
        note(LINK, 0, 0, 0, paths, size + strlen(b));
    }
    release();
    return done;
}

int link(const char *from, const char *to)
{
    return linkat(AT_FDCWD, from, AT_FDCWD, to, 0);
}

int unlinkat(int folder, const char *path, int flags)
{
    char relative[PATH_MAX];
    int inside = resolve(folder, path, relative) && !strstr(relative, "-shm");
    hold();
    int done = (int)syscall(SYS_unlinkat, folder, path, flags);
    if (done == 0 && inside)
        note(flags & AT_REMOVEDIR ? REMOVE_FOLDER : REMOVE, 0, 0, 0, relative, strlen(relative));
    release();
    return done;
}

int unlink(const char *path)
{
    return unlinkat(AT_FDCWD, path, 0);
}

int rmdir(const char *path)
{
    return unlinkat(AT_FDCWD, path, AT_REMOVEDIR);
}

int mkdirat(int folder, const char *path, mode_t mode)
{
    char relative[PATH_MAX];
    int inside = resolve(folder, path, relative);
    hold();
    int done = (int)syscall(SYS_mkdirat, folder, path, mode);
    if (done == 0 && inside)
        note(MAKE_FOLDER, 0, 0, 0, relative, strlen(relative));
    release();
    return done;
}

int mkdir(const char *path, mode_t mode)
{
    return mkdirat(AT_FDCWD, path, mode);
}

/* glibc makes the folder without calling mkdir(). */
char *mkdtemp(char *template)
{
    static __typeof__(&mkdtemp) real;
    char relative[PATH_MAX];
    hold();
    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "mkdtemp");
    char *made = real(template);
    if (made && resolve(AT_FDCWD, made, relative))
        note(MAKE_FOLDER, 0, 0, 0, relative, strlen(relative));
    release();
    return made;
}

/* A sync covers what was done before it began: it is written down when it ended, with nothing in between. */
static int sync_noted(int fd, long number)
{
    struct stat status;
    hold();
    int done = (int)syscall(number, fd);
    uint64_t inode = done == 0 && !nosync && fstat(fd, &status) == 0 && S_ISREG(status.st_mode) ? inode_of(fd) : 0;
    char path[PATH_MAX];
    if (inode)
        note(SYNC_FILE, inode, 0, 0, NULL, 0);
    else if (done == 0 && !nosync && log_fd >= 0 && path_of(fd, path) && below_root(path))
        note(SYNC_ALL, number == SYS_syncfs, 0, 0, NULL, 0);
    release();
    return done;
}

int fsync(int fd)
{
    return sync_noted(fd, SYS_fsync);
}

int fdatasync(int fd)
{
    return sync_noted(fd, SYS_fdatasync);
}

int syncfs(int fd)
{
    return sync_noted(fd, SYS_syncfs);
}
