/* Shared workspaces: real users of the system in child processes, and what each of them can and cannot reach. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/workspace.h"

/* Numbers are enough: the system needs no names for them. */
enum { ACCOUNT = 53001, ADA = 53002, BOB = 53003, EVE = 53004, EARTH = 54001, SKY = 54002, NOBODYS = 54003 };

#define PUTS 16

/* What a child of a user has to say: how its work ended, and with which sentence. */
typedef struct answer {
    obs_status status;
    int number; /* errno of a system call, or whatever the work counts */
    char message[OBS_ERROR_TEXT_SIZE];
} answer;

typedef void work(answer *out);

static const char *place; /* the workspace */
static const char *homes;
static const char *tenant = "default";
static const char *what; /* for the work: a key or a path */

static int is_root(void)
{
    if (geteuid() == 0)
        return 1;
    test_skipped("shared workspaces", "only root can become other users; run as root in a container, it is tested");
    return 0;
}

static void become(uid_t user, gid_t group, mode_t mask)
{
    char home[300];
    snprintf(home, sizeof home, "%s/%u", homes, (unsigned)user);
    setenv("HOME", home, 1);
    unsetenv("XDG_CONFIG_HOME");
    unsetenv("XDG_STATE_HOME");
    umask(mask);
    gid_t groups[1] = {group};
    if (setgroups(1, groups) != 0 || setgid(NOBODYS) != 0 || setuid(user) != 0)
        _exit(99);
}

static pid_t begin(int *fd, uid_t user, gid_t group, mode_t mask, work *run)
{
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    fflush(NULL);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        answer out = {.status = OBS_UNKNOWN};
        become(user, group, mask);
        run(&out);
        _exit(write(ends[1], &out, sizeof out) == (ssize_t)sizeof out ? 0 : 98);
    }
    close(ends[1]);
    *fd = ends[0];
    return child;
}

static answer end(pid_t child, int fd)
{
    answer out;
    int code = -1;
    ssize_t size = read(fd, &out, sizeof out);
    close(fd);
    ck_assert_int_eq(waitpid(child, &code, 0), child);
    ck_assert_int_eq(code, 0);
    ck_assert_int_eq(size, (ssize_t)sizeof out);
    return out;
}

static answer as(uid_t user, gid_t group, work *run)
{
    int fd;
    pid_t child = begin(&fd, user, group, 077, run);
    return end(child, fd);
}

static void told(answer *out, obs_status status)
{
    out->status = status;
    snprintf(out->message, sizeof out->message, "%s", error.message);
}

static obs_status open_tenant(obs_client **client)
{
    obs_open_options options;
    obs_open_options_init(&options, sizeof options);
    options.workspace = place;
    options.tenant = tenant;
    return obs_client_open(client, &options, &error);
}

static void opens(answer *out)
{
    obs_client *client = NULL;
    told(out, open_tenant(&client));
    obs_client_close(client);
}

/* Objects, small and large, under the user's own number. */
static void writes(answer *out)
{
    obs_client *client = NULL;
    static char large[200000];
    obs_status status = open_tenant(&client);
    for (int i = 0; i < PUTS && status == OBS_OK; i++) {
        char key[64];
        snprintf(key, sizeof key, "frames/%u-%d", (unsigned)geteuid(), i);
        status = obs_store_put(NULL, obs_client_store(client), key, OBS_TEXT, large, i % 4 ? 100 : sizeof large, NULL, &error);
        out->number += status == OBS_OK;
    }
    /* One that all of them write, each over the others' bytes. */
    for (int i = 0; i < PUTS && status == OBS_OK; i++)
        status = obs_store_put(NULL, obs_client_store(client), "frames/common", OBS_TEXT, "bytes", i % 2 ? 5 : 4, NULL, &error);
    told(out, status);
    obs_client_close(client);
}

static void reads(answer *out)
{
    obs_client *client = NULL;
    obs_buffer *bytes = NULL;
    obs_status status = open_tenant(&client);
    if (status == OBS_OK)
        status = obs_store_get(&bytes, obs_client_store(client), what, OBS_TEXT, NULL, &error);
    told(out, status);
    obs_buffer_free(bytes);
    obs_client_close(client);
}

static void consumes(answer *out)
{
    obs_client *client = NULL;
    obs_subscription *subscription = NULL;
    const obs_delivery *delivery = NULL;
    obs_status status = open_tenant(&client);
    if (status == OBS_OK)
        status = obs_bus_subscribe(&subscription, obs_client_bus(client), "watcher", NULL, &error);
    if (status == OBS_OK)
        status = obs_subscription_next(&delivery, subscription, 0, NULL, &error);
    told(out, status);
    obs_subscription_free(subscription);
    obs_client_close(client);
}

static void checks(answer *out)
{
    obs_client *client = NULL;
    obs_rows *rows = NULL;
    obs_status status = open_tenant(&client);
    if (status == OBS_OK)
        status = obs_workspace_check(&rows, client, OBS_CHECK_ONLY, NULL, &error);
    if (status == OBS_OK)
        out->number = (int)count_rows(rows, "\"problems\":0}") - 1;
    told(out, status);
    obs_client_close(client);
}

static void creates(answer *out)
{
    obs_client *client = NULL;
    obs_tenant_options options;
    obs_tenant_options_init(&options, sizeof options);
    options.group = "54002";
    obs_status status = open_tenant(&client);
    if (status == OBS_OK)
        status = obs_tenant_create_with(client, what, &options, &error);
    told(out, status);
    obs_client_close(client);
}

static void shows(answer *out)
{
    obs_client *client = NULL;
    obs_rows *rows = NULL;
    obs_status status = open_tenant(&client);
    if (status == OBS_OK)
        status = obs_tenant_show(&rows, client, what, NULL, &error);
    told(out, status);
    if (status == OBS_OK)
        out->number = (int)count_rows(rows, NULL);
    obs_client_close(client);
}

static void acts_for_another(answer *out)
{
    obs_client *client = NULL, *other = NULL;
    obs_as_options options;
    obs_as_options_init(&options, sizeof options);
    options.subject = "user:ada";
    obs_status status = open_tenant(&client);
    if (status == OBS_OK)
        status = obs_client_as(&other, client, &options, &error);
    told(out, status);
    obs_client_close(other);
    obs_client_close(client);
}

static void names_another(answer *out)
{
    obs_client *client = NULL;
    obs_call call = {.size = sizeof call, .subject = "user:ada"};
    obs_status status = open_tenant(&client);
    if (status == OBS_OK)
        status = obs_store_delete(obs_client_store(client), "frames/common", OBS_TEXT, NULL, &error);
    if (status == OBS_OK) {
        obs_put_options options;
        obs_put_options_init(&options, sizeof options);
        options.call = &call;
        status = obs_store_put(NULL, obs_client_store(client), "frames/common", OBS_TEXT, "x", 1, &options, &error);
    }
    told(out, status);
    obs_client_close(client);
}

/* What the system itself says, without the library. */
static void opens_file(answer *out)
{
    int fd = open(what, O_RDONLY);
    out->number = fd >= 0 ? 0 : errno;
    out->status = fd >= 0 ? OBS_OK : OBS_PERMISSION_DENIED;
}

/* A token for a member, which the account hands over on a file that everybody may read here. */
static void issues(answer *out)
{
    obs_client *client = NULL;
    obs_secret *token = NULL;
    obs_token_options options;
    obs_token_options_init(&options, sizeof options);
    options.subject = geteuid() == ACCOUNT ? "function:photometry" : NULL;
    options.scope = "storage.read:/frames";
    obs_status status = open_tenant(&client);
    if (status == OBS_OK)
        status = obs_token_issue(&token, client, &options, &error);
    told(out, status);
    if (status == OBS_OK) {
        int fd = open(what, O_WRONLY | O_TRUNC);
        out->number = write(fd, obs_secret_bytes(token), obs_secret_size(token)) < 0;
        close(fd);
    }
    obs_secret_free(token);
    obs_client_close(client);
}

static void bears(answer *out)
{
    obs_client *client = NULL;
    obs_buffer *bytes = NULL;
    char *token = test_read(what, NULL);
    obs_open_options options;
    obs_open_options_init(&options, sizeof options);
    options.workspace = place;
    options.token = token;
    obs_status status = obs_client_open(&client, &options, &error);
    if (status == OBS_OK)
        status = obs_store_get(&bytes, obs_client_store(client), "frames/common", OBS_TEXT, NULL, &error);
    if (status == OBS_OK)
        out->number =
            obs_store_delete(obs_client_store(client), "frames/common", OBS_TEXT, NULL, &error) == OBS_PERMISSION_DENIED;
    told(out, status);
    obs_buffer_free(bytes);
    obs_client_close(client);
    free(token);
}

static void trust(uid_t user, const char *line)
{
    char home[300];
    snprintf(home, sizeof home, "%s/%u", homes, (unsigned)user);
    static const char *const parts[] = {"", "/.config", "/.config/obs"};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        const char *part = test_path(home, parts[i]);
        ck_assert(mkdir(part, 0700) == 0 || errno == EEXIST);
        ck_assert_int_eq(chown(part, user, NOBODYS), 0);
    }
    const char *list = test_path(home, ".config/obs/trusted");
    test_write(list, line, strlen(line));
    ck_assert_int_eq(chmod(list, 0600), 0);
    ck_assert_int_eq(chown(list, user, NOBODYS), 0);
}

static void set_up(void)
{
    obs_workspace_options options;
    obs_workspace_options_init(&options, sizeof options);
    options.mode = OBS_SHARED;
    options.account = "53001";
    options.group = "54001";
    const char *folder = test_folder();
    char line[600];
    ck_assert_int_eq(chmod(folder, 0755), 0);
    ck_assert_int_eq(chmod(test_path(folder, ".."), 0755), 0);
    homes = test_path(folder, "homes");
    place = test_path(folder, "night");
    tenant = "default";
    ck_assert_int_eq(mkdir(homes, 0755), 0);
    ck_assert_ok(obs_workspace_init_with(place, &options, &error));
    snprintf(line, sizeof line, "# who is trusted\n%s 53001\n", place);
    for (uid_t user = ACCOUNT; user <= EVE; user++)
        trust(user, line);
    what = "sky";
    answer made = as(ACCOUNT, SKY, creates);
    ck_assert_msg(made.status == OBS_OK, "%s", made.message);
}

START_TEST(members_of_a_group_write_together)
{
    if (!is_root())
        return;
    set_up();
    static const uid_t users[] = {ADA, BOB, ACCOUNT};
    static const mode_t masks[] = {077, 0, 027};
    pid_t children[3];
    int fds[3];
    for (int i = 0; i < 3; i++)
        children[i] = begin(&fds[i], users[i], users[i] == ACCOUNT ? NOBODYS : EARTH, masks[i], writes);
    for (int i = 0; i < 3; i++) {
        answer done = end(children[i], fds[i]);
        ck_assert_msg(done.status == OBS_OK, "%u: %s", (unsigned)users[i], done.message);
        ck_assert_int_eq(done.number, PUTS);
    }
    what = "frames/53002-0";
    ck_assert_int_eq(as(BOB, EARTH, reads).status, OBS_OK);
    ck_assert_int_eq(as(ACCOUNT, NOBODYS, reads).status, OBS_OK);
    ck_assert_int_eq(as(ADA, EARTH, consumes).status, OBS_OK);
    ck_assert_int_eq(as(BOB, EARTH, consumes).status, OBS_OK);
    answer found = as(ACCOUNT, NOBODYS, checks);
    ck_assert_msg(found.status == OBS_OK && found.number == 0, "%s", found.message);
}
END_TEST

static void assert_groups(const char *folder, gid_t group)
{
    struct dirent *entry;
    struct stat found;
    DIR *open = opendir(folder);
    ck_assert_ptr_nonnull(open);
    while ((entry = readdir(open))) {
        if (!strcmp(entry->d_name, ".."))
            continue;
        const char *path = test_path(folder, entry->d_name);
        ck_assert_int_eq(lstat(path, &found), 0);
        ck_assert_msg(found.st_gid == group, "%s has group %u", path, (unsigned)found.st_gid);
        mode_t mode = S_ISDIR(found.st_mode) ? 02770 : 0660;
        ck_assert_msg((found.st_mode & 07777) == mode, "%s has mode %o", path, (unsigned)found.st_mode & 07777);
        if (S_ISDIR(found.st_mode) && strcmp(entry->d_name, ".") != 0)
            assert_groups(path, group);
    }
    closedir(open);
}

START_TEST(whatever_is_made_has_the_group)
{
    if (!is_root())
        return;
    set_up();
    ck_assert_int_eq(as(ADA, EARTH, writes).status, OBS_OK); /* with a umask of 077 */
    ck_assert_int_eq(as(ADA, EARTH, consumes).status, OBS_OK);
    tenant = "sky";
    ck_assert_int_eq(as(EVE, SKY, writes).status, OBS_OK);
    assert_groups(test_path(place, "store"), EARTH);
    assert_groups(test_path(place, "tenants/default"), EARTH);
    assert_groups(test_path(place, "tenants/sky"), SKY);
}
END_TEST

/* The sentence without the tenant's name, which is the caller's own word. */
static void assert_same_but_name(const answer *a, const char *name_a, const answer *b, const char *name_b)
{
    const char *at_a = strstr(a->message, name_a), *at_b = strstr(b->message, name_b);
    ck_assert_int_eq(a->status, OBS_PERMISSION_DENIED);
    ck_assert_int_eq(b->status, OBS_PERMISSION_DENIED);
    ck_assert_msg(at_a && at_b, "'%s', '%s'", a->message, b->message);
    ck_assert_int_eq(at_a - a->message, at_b - b->message);
    ck_assert_mem_eq(a->message, b->message, (size_t)(at_a - a->message));
    ck_assert_str_eq(at_a + strlen(name_a), at_b + strlen(name_b));
}

START_TEST(others_are_told_nothing)
{
    if (!is_root())
        return;
    set_up();
    ck_assert_int_eq(as(ADA, EARTH, writes).status, OBS_OK);
    answer there = as(EVE, SKY, opens);
    tenant = "no-such";
    answer absent = as(EVE, SKY, opens);
    assert_same_but_name(&there, "default", &absent, "no-such");
    tenant = "../night";
    answer wrong = as(EVE, SKY, opens);
    assert_same_but_name(&there, "default", &wrong, "../night");
    tenant = "sky";
    what = "default";
    there = as(EVE, SKY, shows);
    what = "no-such";
    absent = as(EVE, SKY, shows);
    assert_same_but_name(&there, "default", &absent, "no-such");
    what = NULL;
    answer own = as(EVE, SKY, shows);
    ck_assert_msg(own.status == OBS_OK && own.number == 1, "%s", own.message);
    ck_assert_int_eq(as(ACCOUNT, NOBODYS, opens).status, OBS_OK);
}
END_TEST

START_TEST(the_system_keeps_others_out)
{
    if (!is_root())
        return;
    set_up();
    ck_assert_int_eq(as(ADA, EARTH, writes).status, OBS_OK);
    static const char *const parts[] = {
        "tenants/default", "tenants/default/tenant.db", "tenants/default/tenant.db-wal", "tenants/default/lock",
        "store",           "store/frames/53002-0",      "store/.obs/meta/frames",        "audit",
        "tenants"};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        struct stat found;
        what = test_path(place, parts[i]);
        ck_assert_msg(stat(what, &found) == 0, "%s is missing", what);
        answer out = as(EVE, SKY, opens_file);
        ck_assert_msg(out.number == EACCES, "%s: %s", what, strerror(out.number));
    }
    what = test_path(place, "store/frames/53002-0");
    ck_assert_int_eq(as(BOB, EARTH, opens_file).status, OBS_OK);
}
END_TEST

START_TEST(a_member_is_not_the_owner)
{
    if (!is_root())
        return;
    set_up();
    ck_assert_int_eq(as(ADA, EARTH, writes).status, OBS_OK);
    what = "moon";
    answer out = as(ADA, EARTH, creates);
    ck_assert_int_eq(out.status, OBS_PERMISSION_DENIED);
    ck_assert_ptr_nonnull(strstr(out.message, "tenant.create"));
    ck_assert_int_ne(access(test_path(place, "tenants/moon"), F_OK), 0);
    ck_assert_int_eq(as(ADA, EARTH, acts_for_another).status, OBS_PERMISSION_DENIED);
    ck_assert_int_eq(as(ADA, EARTH, names_another).status, OBS_PERMISSION_DENIED);
}
END_TEST

START_TEST(who_is_trusted)
{
    char line[600];
    if (!is_root())
        return;
    set_up();
    trust(ADA, "");
    answer out = as(ADA, EARTH, opens);
    ck_assert_int_eq(out.status, OBS_UNTRUSTED);
    snprintf(line, sizeof line, "'%s 53001'", place);
    ck_assert_msg(strstr(out.message, line) != NULL, "'%s' lacks the line to write", out.message);
    snprintf(line, sizeof line, "%s/x 53001\n%s 53003\n/ 53001\n%s\n%s 5300\n", place, place, place, place);
    trust(ADA, line);
    ck_assert_int_eq(as(ADA, EARTH, opens).status, OBS_UNTRUSTED);
    snprintf(line, sizeof line, "%s/  53001 ", place);
    trust(ADA, line);
    ck_assert_int_eq(as(ADA, EARTH, opens).status, OBS_OK);
    ck_assert_int_eq(chmod(test_path(homes, "53002/.config/obs/trusted"), 0666), 0);
    out = as(ADA, EARTH, opens);
    ck_assert_int_eq(out.status, OBS_UNTRUSTED);
    ck_assert_msg(strstr(out.message, "chmod go-w") != NULL, "%s", out.message);
}
END_TEST

START_TEST(the_keys_are_the_accounts)
{
    char folder[400];
    if (!is_root())
        return;
    set_up();
    ck_assert_int_eq(as(ADA, EARTH, writes).status, OBS_OK);
    what = test_path(homes, "token");
    test_write(what, "", 0);
    ck_assert_int_eq(chmod(what, 0666), 0);
    answer out = as(ADA, EARTH, issues);
    ck_assert_int_eq(out.status, OBS_PERMISSION_DENIED);
    ck_assert_msg(strstr(out.message, "keys of this workspace belong to user:53001") != NULL, "%s", out.message);
    out = as(ACCOUNT, NOBODYS, issues);
    ck_assert_msg(out.status == OBS_OK && out.number == 0, "%s", out.message);
    /* A member who bears it is checked with what the workspace publishes, and has its scopes instead of his own rights. */
    out = as(ADA, EARTH, bears);
    ck_assert_msg(out.status == OBS_OK && out.number == 1, "%s", out.message);
    /* It lets nobody past the system. */
    ck_assert_int_eq(as(EVE, SKY, bears).status, OBS_PERMISSION_DENIED);
    snprintf(folder, sizeof folder, "%s/53001/.local/state/obs", homes);
    what = folder;
    ck_assert_int_eq(access(what, F_OK), 0);
    ck_assert_int_eq(as(EVE, SKY, opens_file).number, EACCES);
    ck_assert_int_eq(as(ADA, EARTH, opens_file).number, EACCES);
    ck_assert_int_eq(as(ACCOUNT, NOBODYS, opens_file).number, 0);
}
END_TEST

static void makes_for_another(answer *out)
{
    obs_workspace_options options;
    obs_workspace_options_init(&options, sizeof options);
    options.mode = OBS_SHARED;
    options.account = "53003";
    told(out, obs_workspace_init_with(what, &options, &error));
}

static void makes_with_group(answer *out)
{
    obs_workspace_options options;
    obs_workspace_options_init(&options, sizeof options);
    options.mode = OBS_SHARED;
    options.group = "54001";
    told(out, obs_workspace_init_with(what, &options, &error));
}

START_TEST(making_one)
{
    const char *folder = test_folder();
    const char *path = test_path(folder, "night");
    obs_workspace_options options;
    obs_workspace_options_init(&options, sizeof options);
    options.group = "54001";
    ck_assert_int_eq(obs_workspace_init_with(path, &options, &error), OBS_INVALID_ARGUMENT);
    options.mode = OBS_SHARED;
    options.group = "no-such-group";
    ck_assert_int_eq(obs_workspace_init_with(path, &options, &error), OBS_NOT_FOUND);
    ck_assert_ptr_nonnull(strstr(error.message, "groupadd"));
    options.group = NULL;
    options.account = "no-such-user";
    ck_assert_int_eq(obs_workspace_init_with(path, &options, &error), OBS_NOT_FOUND);
    options.account = NULL;
    options.mode = (obs_mode)7;
    ck_assert_int_eq(obs_workspace_init_with(path, &options, &error), OBS_INVALID_ARGUMENT);
    options.mode = OBS_SHARED;
    ck_assert_int_eq(chmod(folder, 0777), 0);
    ck_assert_int_eq(obs_workspace_init_with(path, &options, &error), OBS_UNTRUSTED);
    ck_assert_int_ne(access(path, F_OK), 0);
    ck_assert_int_eq(chmod(folder, 0755), 0);
    ck_assert_ok(obs_workspace_init_with(path, &options, &error));
    obs_client *client = open_at(path);
    obs_buffer *text;
    ck_assert_ok(obs_client_whoami(&text, client, &error));
    ck_assert_ptr_nonnull(strstr(obs_buffer_data(text), "\"mode\":\"shared\",\"boundary\":\"unix\""));
    obs_buffer_free(text);
    obs_client_close(client);
    if (!is_root())
        return;
    homes = folder;
    ck_assert_int_eq(chmod(test_path(folder, ".."), 0755), 0);
    ck_assert_int_eq(mkdir(test_path(folder, "own"), 0755), 0);
    ck_assert_int_eq(chown(test_path(folder, "own"), ADA, NOBODYS), 0);
    what = test_path(folder, "own/night");
    ck_assert_int_eq(as(ADA, EARTH, makes_for_another).status, OBS_PERMISSION_DENIED);
    answer out = as(ADA, SKY, makes_with_group);
    ck_assert_msg(out.status == OBS_PERMISSION_DENIED && strstr(out.message, "a member of the group"), "%s", out.message);
    ck_assert_int_ne(access(what, F_OK), 0);
    ck_assert_int_eq(as(ADA, EARTH, makes_with_group).status, OBS_OK);
    /* What belongs to Ada is no safe place for a workspace of another account. */
    obs_workspace_options_init(&options, sizeof options);
    options.mode = OBS_SHARED;
    options.account = "53003";
    ck_assert_int_eq(obs_workspace_init_with(test_path(folder, "own/other"), &options, &error), OBS_UNTRUSTED);
}
END_TEST

int main(void)
{
    const TTest *tests[] = {making_one,
                            members_of_a_group_write_together,
                            whatever_is_made_has_the_group,
                            others_are_told_nothing,
                            the_system_keeps_others_out,
                            a_member_is_not_the_owner,
                            who_is_trusted,
                            the_keys_are_the_accounts};
    obs_error_init(&error, sizeof error);
    return test_main("client/shared", tests, sizeof tests / sizeof tests[0]);
}
