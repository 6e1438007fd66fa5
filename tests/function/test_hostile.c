/*
 * A function that wants what is not its own: the environment and the memory of its parent, the issuer's keys, other tenants,
 * other functions, its own manifest. Each attempt is refused by the kernel, and each is made once more by a function that its
 * manifest leaves alone (`isolation: none`): there it has what it wants, so that a refusal says something.
 */
#include "fixture.h"

#include <dirent.h>
#include <errno.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "support.h"

#define NOBODY 65534
#define EVERYTHING "reads: [/]\nwrites: [products/]\nattempts: 1\nretry: 1ms\n"

static obs_error error;

/* What the kernel has; 0: nothing. The same question as the library asks, with the same number everywhere. */
static int landlock(void)
{
    long version = syscall(444, NULL, 0, 1);
    return version > 0 ? (int)version : 0;
}

static int is_isolated(void)
{
    if (landlock())
        return 1;
    test_skipped("isolated functions", "this kernel has no Landlock");
    return 0;
}

static void write_function(const site *here, const char *name, const char *wanted, const char *more)
{
    char path[4096], text[8192];
    snprintf(path, sizeof path, "%s/functions", here->folder);
    mkdir(path, 0700);
    snprintf(path, sizeof path, "%s/functions/%s", here->folder, name);
    mkdir(path, 0700);
    int size = snprintf(text, sizeof text,
                        "name: %s\ncommand: [%s]\non: {type: 'org.example.%s.*', from: start}\n" EVERYTHING
                        "environment: {WANTED: '%s'}\n%s",
                        name, OBS_TEST_HOSTILE, name, wanted, more);
    snprintf(path, sizeof path, "%s/functions/%s/function.yaml", here->folder, name);
    test_write(path, text, (size_t)size);
    chmod(path, 0600);
}

/* What `how` of a function says; "" when it made nothing. Free with free(). */
static char *ask(const site *here, const char *name, const char *how, const char *wanted, const char *more)
{
    static int number;
    char type[64], id[32], key[64];
    write_function(here, name, wanted, more);
    snprintf(type, sizeof type, "org.example.%s.%s", name, how);
    snprintf(id, sizeof id, "e%d", number++);
    snprintf(key, sizeof key, "products/%s", id);
    site_publish(here, type, id, "raw/a");
    ck_assert_ok(site_run(here, &error));
    char *text = site_get(here, key);
    return text ? text : strdup(site_dead(here));
}

static void expect(const site *here, const char *how, const char *wanted, const char *more, const char *expected)
{
    char *text = ask(here, "hostile", how, wanted, more);
    ck_assert_msg(strncmp(text, expected, strlen(expected)) == 0, "%s %s%s: '%s', not '%s'", how, wanted, more, text, expected);
    free(text);
}

/* Whether a child of this user may look into its parent when nothing else is in its way. */
static int may_trace(void)
{
    FILE *file = fopen("/proc/sys/kernel/yama/ptrace_scope", "re");
    int scope = 0;
    if (file && fscanf(file, "%d", &scope) != 1)
        scope = 3;
    if (file)
        fclose(file);
    return geteuid() == 0 ? scope < 2 : scope == 0;
}

/* Refused, and done where nobody refuses it. A file that is gone comes back. */
static void expect_only_isolated(const site *here, const char *how, const char *wanted)
{
    expect(here, how, wanted, "", "refused");
    expect(here, how, wanted, "isolation: none\n", "done");
}

static const char *in_site(const site *here, const char *name)
{
    static char path[4096];
    snprintf(path, sizeof path, "%s/%s", here->folder, name);
    return path;
}

/* The only file below `folder` with this name, at any depth. */
static int find(char out[4096], const char *folder, const char *name)
{
    struct dirent *entry;
    struct stat found;
    char path[4096];
    int is_there = 0;
    DIR *entries = opendir(folder);
    while (!is_there && entries && (entry = readdir(entries))) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
            snprintf(path, sizeof path, "%s/%s", folder, entry->d_name) >= (int)sizeof path || lstat(path, &found) != 0)
            continue;
        if (S_ISDIR(found.st_mode))
            is_there = find(out, path, name);
        else if (strcmp(entry->d_name, name) == 0)
            is_there = snprintf(out, 4096, "%s", path) > 0;
    }
    if (entries)
        closedir(entries);
    return is_there;
}

static void open_site(site *here)
{
    site_open(here);
    ck_assert_ok(obs_store_put(NULL, obs_client_store(here->client), "raw/a", OBS_TEXT, "bytes", 5, NULL, &error));
}

/* Another tenant with an object large enough to be a file. */
static void add_tenant(const site *here)
{
    static char bytes[300000];
    obs_client *other = NULL;
    obs_as_options options;
    obs_as_options_init(&options, sizeof options);
    options.tenant = "weather";
    memset(bytes, 'w', sizeof bytes);
    ck_assert_ok(obs_tenant_create(here->client, "weather", NULL, &error));
    ck_assert_ok(obs_client_as(&other, here->client, &options, &error));
    ck_assert_ok(obs_store_put(NULL, obs_client_store(other), "raw/w", OBS_TEXT, bytes, sizeof bytes, NULL, &error));
    obs_client_close(other);
}

START_TEST(the_parent)
{
    static const char *const ways[] = {"environ", "memory", "vm", "files", "trace"};
    site here;
    if (!is_isolated())
        return;
    open_site(&here);
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        expect(&here, ways[i], "", "", "refused");
        if (may_trace() && strcmp(ways[i], "trace") != 0 && strcmp(ways[i], "files") != 0)
            expect(&here, ways[i], "", "isolation: none\n", "done");
    }
    site_close(&here);
}
END_TEST

START_TEST(signals_and_sockets)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char name[64];
    site here;
    if (!is_isolated())
        return;
    if (landlock() < 6) {
        test_skipped("signals of isolated functions", "this kernel's Landlock does not know them");
        return;
    }
    open_site(&here);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    snprintf(name, sizeof name, "obs-test-%d", (int)getpid());
    memcpy(address.sun_path + 1, name, strlen(name));
    ck_assert_int_eq(
        bind(fd, (struct sockaddr *)&address, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name))), 0);
    ck_assert_int_eq(listen(fd, 8), 0);
    expect_only_isolated(&here, "signal", "");
    expect_only_isolated(&here, "group", "");
    expect_only_isolated(&here, "socket", name);
    close(fd);
    site_close(&here);
}
END_TEST

START_TEST(the_keys)
{
    char issuer[4096], audit[4096];
    site here;
    if (!is_isolated())
        return;
    open_site(&here);
    free(ask(&here, "hostile", "nothing", "", "")); /* the first token makes the key */
    ck_assert(find(issuer, getenv("XDG_STATE_HOME"), "issuer.json"));
    ck_assert(find(audit, getenv("XDG_STATE_HOME"), "key"));
    expect_only_isolated(&here, "read", issuer);
    expect_only_isolated(&here, "write", issuer);
    expect_only_isolated(&here, "link", issuer);
    expect_only_isolated(&here, "read", audit);
    expect(&here, "child", issuer, "", "refused");
    expect(&here, "child", issuer, "isolation: none\n", "done");
    *strrchr(issuer, '/') = '\0';
    expect_only_isolated(&here, "list", issuer);
    site_close(&here);
}
END_TEST

/* Laying another file system over its own would leave the rules behind, if it were allowed. */
/* Not in a chroot, nor in a container without the right to. */
static int may_mount(void)
{
    int status = 1;
    pid_t child = fork();
    if (child == 0)
        _exit(unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0);
    return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

START_TEST(a_mount)
{
    site here;
    if (!is_isolated())
        return;
    open_site(&here);
    expect(&here, "mount", "", "", "refused");
    if (may_mount())
        expect(&here, "mount", "", "isolation: none\n", "done");
    site_close(&here);
}
END_TEST

START_TEST(another_tenant)
{
    char object[4096];
    site here;
    if (!is_isolated())
        return;
    open_site(&here);
    add_tenant(&here);
    ck_assert(find(object, in_site(&here, "tenants/weather"), "w"));
    expect_only_isolated(&here, "read", object);
    expect_only_isolated(&here, "write", object);
    expect_only_isolated(&here, "read", in_site(&here, "tenants/weather/tenant.db"));
    expect_only_isolated(&here, "write", in_site(&here, "tenants/weather/tenant.db"));
    expect_only_isolated(&here, "read", in_site(&here, "tenants/weather/tenant.db-wal"));
    expect_only_isolated(&here, "make", in_site(&here, "tenants/weather/new"));
    expect_only_isolated(&here, "list", in_site(&here, "tenants/weather"));
    expect_only_isolated(&here, "list", in_site(&here, "tenants"));
    site_close(&here);
}
END_TEST

/* What runs for the other tenant does not see the first one's store, which lies in the workspace's own folder. */
START_TEST(the_first_tenant)
{
    obs_client *first;
    obs_as_options options;
    site here;
    if (!is_isolated())
        return;
    open_site(&here);
    add_tenant(&here);
    first = here.client;
    obs_as_options_init(&options, sizeof options);
    options.tenant = "weather";
    ck_assert_ok(obs_client_as(&here.client, first, &options, &error));
    expect_only_isolated(&here, "read", in_site(&here, "store/raw/a"));
    expect_only_isolated(&here, "write", in_site(&here, "tenants/default/tenant.db"));
    site_close(&here);
    obs_client_close(first);
}
END_TEST

/* Of its own tenant it may read, but neither change nor remove what others made. */
START_TEST(objects_of_its_own_tenant)
{
    site here;
    if (!is_isolated())
        return;
    open_site(&here);
    expect(&here, "read", in_site(&here, "store/raw/a"), "", "done");
    expect_only_isolated(&here, "write", in_site(&here, "store/raw/a"));
    if (landlock() >= 3)
        expect_only_isolated(&here, "truncate", in_site(&here, "store/raw/a"));
    expect_only_isolated(&here, "make", in_site(&here, "store/raw/b"));
    expect_only_isolated(&here, "remove", in_site(&here, "store/raw/a"));
    expect(&here, "write", in_site(&here, "obs.yaml"), "", "refused");
    expect(&here, "write", in_site(&here, "audit/log/checkpoint"), "", "refused");
    expect(&here, "read", in_site(&here, "audit/log/checkpoint"), "", "refused");
    expect(&here, "make", in_site(&here, "tenants/default/new"), "", "refused");
    expect(&here, "remove", in_site(&here, "tenants/default/tenant.db"), "", "refused");
    site_close(&here);
}
END_TEST

START_TEST(functions_and_its_own_folder)
{
    char path[4096];
    site here;
    if (!is_isolated())
        return;
    open_site(&here);
    write_function(&here, "other", "", "");
    expect_only_isolated(&here, "read", in_site(&here, "functions/other/function.yaml"));
    expect_only_isolated(&here, "write", in_site(&here, "functions/other/function.yaml"));
    expect_only_isolated(&here, "list", in_site(&here, "functions/other"));
    snprintf(path, sizeof path, "%s", in_site(&here, "functions/hostile/function.yaml"));
    expect(&here, "read", path, "", "done");
    expect_only_isolated(&here, "write", path);
    expect_only_isolated(&here, "make", in_site(&here, "functions/hostile/sitecustomize.py"));
    expect_only_isolated(&here, "make", in_site(&here, "functions/another"));
    test_write(in_site(&here, "functions/hostile/logs/of-others"), "x", 1);
    expect_only_isolated(&here, "read", in_site(&here, "functions/hostile/logs/of-others"));
    expect_only_isolated(&here, "remove", path);
    mkdir(in_site(&here, "functions/hostile/work/weather"), 0700);
    test_write(in_site(&here, "functions/hostile/work/weather/draft"), "x", 1);
    expect_only_isolated(&here, "read", in_site(&here, "functions/hostile/work/weather/draft"));
    expect(&here, "make", in_site(&here, "functions/hostile/work/default/mine"), "", "done");
    site_close(&here);
}
END_TEST

START_TEST(the_home)
{
    char path[4096];
    site here;
    if (!is_isolated())
        return;
    open_site(&here);
    const char *home = test_folder();
    snprintf(path, sizeof path, "%s/id_ed25519", home);
    test_write(path, "key", 3);
    ck_assert_int_eq(setenv("HOME", home, 1), 0);
    expect_only_isolated(&here, "read", path);
    snprintf(path, sizeof path, "%s/new", home);
    expect_only_isolated(&here, "make", path);
    site_close(&here);
}
END_TEST

/* Its folder is read by the runner, which may read everything. */
START_TEST(a_link_for_the_runner)
{
    char issuer[4096];
    site here;
    open_site(&here);
    free(ask(&here, "hostile", "nothing", "", ""));
    ck_assert(find(issuer, getenv("XDG_STATE_HOME"), "issuer.json"));
    char *text = ask(&here, "hostile", "stolen", issuer, "");
    ck_assert_msg(strstr(text, "cannot be read") != NULL, "%s", text);
    free(text);
    ck_assert_ptr_null(site_get(&here, "products/stolen"));
    site_close(&here);
}
END_TEST

START_TEST(what_the_manifest_names)
{
    char line[4200], path[4096], state[4096];
    site here;
    if (!is_isolated())
        return;
    open_site(&here);
    const char *folder = test_folder();
    snprintf(path, sizeof path, "%s/catalogue", folder);
    test_write(path, "stars", 5);
    expect(&here, "read", path, "", "refused");
    snprintf(line, sizeof line, "sees: ['%s']\n", folder);
    expect(&here, "read", path, line, "done");
    expect(&here, "write", path, line, "refused");
    snprintf(state, sizeof state, "%s", getenv("XDG_STATE_HOME"));
    const char *const wrong[] = {"sees: [relative]\n",     "sees: [\"/a\\u0007b\"]\n", "sees: /data\n",
                                 "isolation: sometimes\n", "isolation: true\n",        "sees: []\n"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        write_function(&here, "hostile", "", wrong[i]);
        ck_assert_msg(site_run(&here, &error) == OBS_INVALID_ARGUMENT, "%s: %s", wrong[i], error.message);
        ck_assert_ptr_nonnull(strstr(error.message, "functions/hostile/function.yaml:"));
    }
    const char *const holders[] = {here.folder, state, "/"};
    for (size_t i = 0; i < 3; i++) {
        snprintf(line, sizeof line, "sees: ['%s']\n", holders[i]);
        write_function(&here, "hostile", "", line);
        ck_assert_int_eq(site_run(&here, &error), OBS_INVALID_ARGUMENT);
        ck_assert_ptr_nonnull(strstr(error.message, "holds the"));
    }
    write_function(&here, "hostile", "", "sees: [/nonexistent/data]\n");
    ck_assert_int_eq(site_run(&here, &error), OBS_NOT_FOUND);
    ck_assert_ptr_nonnull(strstr(error.message, "/nonexistent/data"));
    site_close(&here);
}
END_TEST

/* A runner that goes on, in a process of its own. */
static pid_t start_runner(void)
{
    pid_t pid = fork();
    if (pid == 0) {
        obs_client *client = NULL;
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* when the test fails */
        if (obs_client_open(&client, NULL, NULL) != OBS_OK)
            _exit(2);
        obs_function_run(client, NULL, NULL);
        _exit(0);
    }
    ck_assert_int_gt(pid, 0);
    return pid;
}

static void expect_soon(const site *here, const char *key, const char *expected)
{
    const struct timespec pause = {0, 5000000};
    char *text = NULL;
    for (int i = 0; i < 6000 && !text; i++) {
        text = site_get(here, key);
        if (!text)
            nanosleep(&pause, NULL);
    }
    ck_assert_pstr_eq(text, expected);
    free(text);
}

/* Another file takes the place of the configuration, as `config set` does it, while the program is warm. */
START_TEST(a_file_that_is_replaced)
{
    char path[4096], part[4096];
    site here;
    open_site(&here);
    snprintf(path, sizeof path, "%s", in_site(&here, "config.yaml"));
    snprintf(part, sizeof part, "%s", in_site(&here, "config.part"));
    write_function(&here, "hostile", "", "");
    pid_t runner = start_runner();
    for (int gain = 0; gain < 4; gain++) {
        char text[32], id[16], key[32], expected[32];
        snprintf(text, sizeof text, "gain: %d\n", gain);
        snprintf(id, sizeof id, "gain-%d", gain);
        snprintf(key, sizeof key, "products/%s", id);
        snprintf(expected, sizeof expected, "OK %d", gain);
        test_write(part, text, strlen(text));
        ck_assert_int_eq(rename(part, path), 0);
        site_publish(&here, "org.example.hostile.setting", id, "raw/a");
        expect_soon(&here, key, expected);
    }
    kill(runner, SIGKILL);
    waitpid(runner, NULL, 0);
    site_close(&here);
}
END_TEST

/* From here on this process and its children have a kernel without Landlock. */
static void lose_landlock(void)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 444, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof code / sizeof *code, code};
    ck_assert_int_eq(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    ck_assert_int_eq(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
    ck_assert_int_eq(landlock(), 0);
}

static const char *listed(const site *here)
{
    static char text[4096];
    obs_rows *rows = NULL;
    const char *row;
    *text = '\0';
    ck_assert_ok(obs_function_list(&rows, here->client, &error));
    ck_assert_ok(obs_rows_next(rows, &row, NULL, &error));
    snprintf(text, sizeof text, "%s", row);
    obs_rows_free(rows);
    return text;
}

static int warnings;

static void note(void *user, const obs_log_record *record)
{
    (void)user;
    warnings += record->level == OBS_LOG_WARNING && strstr(record->message, "no Landlock") != NULL;
}

START_TEST(a_kernel_without_it)
{
    site here;
    open_site(&here);
    write_function(&here, "hostile", "", "");
    ck_assert_ptr_nonnull(strstr(listed(&here), landlock() ? "\"isolated\":true" : "\"isolated\":false"));
    write_function(&here, "hostile", "", "isolation: none\n");
    ck_assert_ptr_nonnull(strstr(listed(&here), "\"isolated\":false"));
    pid_t child = fork();
    if (child == 0) {
        lose_landlock();
        obs_client *client = NULL;
        ck_assert_ok(obs_client_open(&client, NULL, &error));
        here.client = client;
        obs_log_set(note, NULL, OBS_LOG_WARNING);
        expect(&here, "read", "/etc/passwd", "", "done");
        expect(&here, "read", in_site(&here, "obs.yaml"), "", "done");
        ck_assert_int_eq(warnings, 1);
        ck_assert_ptr_nonnull(strstr(listed(&here), "\"isolated\":false"));
        write_function(&here, "hostile", "", "isolation: required\n");
        site_publish(&here, "org.example.hostile.read", "required", "raw/a");
        ck_assert_int_eq(site_run(&here, &error), OBS_UNAVAILABLE);
        ck_assert_ptr_nonnull(strstr(error.message, "requires isolation"));
        ck_assert_str_eq(site_dead(&here), ""); /* no event was tried in vain */
        _exit(0);
    }
    int status = -1;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    if (landlock())
        expect(&here, "read", "/etc/passwd", "isolation: required\n", "done");
    site_close(&here);
}
END_TEST

/* Then the runner at least keeps its own memory and environment to itself: this needs no Landlock, but no root either. */
START_TEST(the_parent_without_it)
{
    static const char *const ways[] = {"environ", "memory", "vm", "trace"};
    char folder[] = "/tmp/obs-test-hostile-XXXXXX";
    if (geteuid() != 0) {
        test_skipped("runners of other users", "only root can become one");
        return;
    }
    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert_int_eq(chown(folder, NOBODY, NOBODY), 0);
    pid_t child = fork();
    if (child == 0) {
        site here = {.folder = test_path(folder, "night")};
        setenv("XDG_STATE_HOME", test_path(folder, "state"), 1);
        setenv("HOME", folder, 1);
        setenv("OBS_WORKSPACE", here.folder, 1);
        if (setgroups(0, NULL) != 0 || setgid(NOBODY) != 0 || setuid(NOBODY) != 0 || access(OBS_TEST_HOSTILE, X_OK) != 0)
            _exit(77); /* the build is not for others to see */
        prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
        lose_landlock();
        ck_assert_ok(obs_workspace_init(here.folder, NULL, &error));
        ck_assert_ok(obs_client_open(&here.client, NULL, &error));
        for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
            if (may_trace())
                expect(&here, ways[i], "", "isolation: none\n", strcmp(ways[i], "trace") == 0 ? "{" : "done");
            expect(&here, ways[i], "", "", "refused");
            prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
        }
        ck_assert_int_eq(prctl(PR_GET_DUMPABLE), 1);
        obs_client_close(here.client);
        _exit(0);
    }
    int status = -1;
    waitpid(child, &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
        test_skipped("runners of other users", "other users cannot run what lies in this build");
    else
        ck_assert_int_eq(status, 0);
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    ck_assert_int_eq(system(command), 0);
}
END_TEST

int main(void)
{
    const TTest *tests[] = {the_parent,
                            signals_and_sockets,
                            the_keys,
                            a_mount,
                            another_tenant,
                            the_first_tenant,
                            objects_of_its_own_tenant,
                            functions_and_its_own_folder,
                            the_home,
                            a_link_for_the_runner,
                            what_the_manifest_names,
                            a_file_that_is_replaced,
                            a_kernel_without_it,
                            the_parent_without_it};
    obs_error_init(&error, sizeof error);
    return test_main("hostile", tests, sizeof tests / sizeof tests[0]);
}
