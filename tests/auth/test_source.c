#include "auth/source.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support.h"

static obs_error error;
static const char *runtime, *temporary, *kept;
static char file_name[32];

static void set_up(void)
{
    static int count;
    char name[32];
    obs_error_init(&error, sizeof error);
    snprintf(file_name, sizeof file_name, "bt_u%u", (unsigned)geteuid());
    snprintf(name, sizeof name, "%d-run", count);
    runtime = test_path(test_folder(), name);
    snprintf(name, sizeof name, "%d-tmp", count);
    temporary = test_path(test_folder(), name);
    snprintf(name, sizeof name, "%d-kept", count++);
    kept = test_path(test_folder(), name);
    ck_assert_int_eq(mkdir(runtime, 0700), 0);
    ck_assert_int_eq(mkdir(temporary, 0777), 0);
    chmod(temporary, 01777);
    setenv("XDG_RUNTIME_DIR", runtime, 1);
    unsetenv("BEARER_TOKEN_FILE");
    obs__token_source_fake(temporary);
}

static void tear_down(void)
{
    obs__token_source_fake(NULL);
}

static const char *put(const char *path, const char *text)
{
    test_write(path, text, strlen(text));
    chmod(path, 0600);
    return path;
}

/* What a source gives now; "" for nothing. */
static void expect(obs__token_source *source, const char *text, const char *where)
{
    char place[4096];
    obs_secret *secret = NULL;
    ck_assert_ok(obs__token_source_get(&secret, source, &error));
    ck_assert_int_eq(secret == NULL, !*text);
    ck_assert_uint_eq(obs_secret_size(secret), strlen(text));
    ck_assert_str_eq(obs_secret_bytes(secret), text);
    obs__token_source_where(place, sizeof place, source);
    ck_assert_str_eq(place, where);
    obs_secret_free(secret);
}

static obs__token_source *open_source(const char *token)
{
    obs__token_source *source = NULL;
    ck_assert_ok(obs__token_source_open(&source, token, OBS_TEXT, kept, &error));
    return source;
}

START_TEST(the_order_of_places)
{
    const char *in_temporary = test_path(temporary, file_name), *in_runtime = test_path(runtime, file_name);
    const char *named = test_path(test_folder(), "named");
    obs__token_source *source = open_source(NULL);
    expect(source, "", "");
    put(kept, "e.kept.x");
    expect(source, "e.kept.x", kept);
    put(in_temporary, " e.temporary.x\r\n");
    obs__token_source_free(source);
    source = open_source(NULL);
    expect(source, "e.temporary.x", in_temporary);
    put(in_runtime, "e.runtime.x\n");
    obs__token_source_free(source);
    source = open_source(NULL);
    expect(source, "e.runtime.x", in_runtime);
    setenv("BEARER_TOKEN_FILE", put(named, "e.named.x"), 1);
    obs__token_source_free(source);
    source = open_source(NULL);
    expect(source, "e.named.x", named);
    obs__token_source_free(source);
    source = open_source("e.given.x");
    expect(source, "e.given.x", "the program");
    obs__token_source_free(source);
    unlink(named);
}
END_TEST

START_TEST(a_changed_file_is_read_again)
{
    const char *path = put(test_path(runtime, file_name), "e.one.x");
    obs__token_source *source = open_source(NULL);
    obs_secret *before = NULL;
    expect(source, "e.one.x", path);
    ck_assert_ok(obs__token_source_get(&before, source, &error));
    const char *next = put(test_path(runtime, "next"), "e.two.x");
    ck_assert_int_eq(rename(next, path), 0);
    expect(source, "e.two.x", path);
    put(path, "e.three.x");
    expect(source, "e.three.x", path);
    ck_assert_str_eq(obs_secret_bytes(before), "e.one.x"); /* whoever holds it goes on */
    obs_secret_free(before);
    /* In the middle of being written: what it held before counts. */
    put(path, "");
    expect(source, "e.three.x", path);
    put(path, "half a tok");
    expect(source, "e.three.x", path);
    put(path, "e.four.x");
    expect(source, "e.four.x", path);
    /* Logged out. */
    unlink(path);
    expect(source, "", "");
    put(kept, "e.kept.x");
    expect(source, "e.kept.x", kept);
    obs__token_source_free(source);
}
END_TEST

static void expect_failure(obs_status status, const char *why)
{
    obs_secret *secret = NULL;
    obs__token_source *source = open_source(NULL);
    ck_assert_int_eq(obs__token_source_get(&secret, source, &error), status);
    ck_assert_msg(strstr(error.message, why) != NULL, "'%s' instead of '%s'", error.message, why);
    ck_assert_ptr_null(strstr(error.message, "e.secret"));
    ck_assert_ptr_null(secret);
    obs__token_source_free(source);
}

START_TEST(files_that_others_could_read)
{
    const char *path = put(test_path(runtime, file_name), "e.secret.x");
    chmod(path, 0640);
    if (geteuid() != 0)
        expect_failure(OBS_UNTRUSTED, "chmod");
    chmod(path, 0644);
    expect_failure(OBS_UNTRUSTED, "chmod");
    chmod(path, 0602);
    expect_failure(OBS_UNTRUSTED, "chmod");
    unlink(path);
    path = put(test_path(temporary, file_name), "e.secret.x");
    chmod(path, 0640);
    expect_failure(OBS_UNTRUSTED, "chmod 600");
    chmod(path, 0600);
    /* Read before, open to others now: no more. */
    obs__token_source *source = open_source(NULL);
    obs_secret *secret = NULL;
    expect(source, "e.secret.x", path);
    put(path, "e.secret.y");
    chmod(path, 0666);
    ck_assert_int_eq(obs__token_source_get(&secret, source, &error), OBS_UNTRUSTED);
    obs__token_source_free(source);
}
END_TEST

/* Everybody may make files in /tmp: another one's file is none, and no link is followed. */
START_TEST(what_others_leave_in_the_temporary_folder)
{
    const char *path = test_path(temporary, file_name), *away = put(test_path(test_folder(), "away"), "e.other.x");
    obs__token_source *source = open_source(NULL);
    ck_assert_int_eq(symlink(away, path), 0);
    expect(source, "", "");
    unlink(path);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    expect(source, "", "");
    unlink(path);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    expect(source, "", "");
    rmdir(path);
    if (geteuid() == 0) {
        put(path, "e.other.x");
        ck_assert_int_eq(chown(path, 65534, (gid_t)-1), 0);
        expect(source, "", "");
        put(kept, "e.kept.x");
        expect(source, "e.kept.x", kept);
    }
    obs__token_source_free(source);
}
END_TEST

START_TEST(what_is_no_token)
{
    static const char *const wrong[] = {"", " \n", "two words", "e.x\ny", "e.\x01.x", "\"e.x\"", "e.\xC3\xA9"};
    obs__token_source *source = NULL;
    const char *path = test_path(test_folder(), "named");
    setenv("BEARER_TOKEN_FILE", path, 1);
    expect_failure(OBS_NOT_FOUND, path);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        put(path, wrong[i]);
        expect_failure(OBS_UNAUTHENTICATED, "holds no token");
        ck_assert_int_eq(obs__token_source_open(&source, wrong[i], OBS_TEXT, NULL, &error), OBS_UNAUTHENTICATED);
        ck_assert_ptr_null(source);
    }
    char *large = malloc(20000);
    memset(large, 'x', 19999);
    large[19999] = '\0';
    put(path, large);
    expect_failure(OBS_RESOURCE_EXHAUSTED, "larger than");
    ck_assert_int_eq(obs__token_source_open(&source, large, 16385, NULL, &error), OBS_UNAUTHENTICATED);
    ck_assert_ok(obs__token_source_open(&source, large, 16384, NULL, &error));
    obs__token_source_free(source);
    free(large);
    unlink(path);
}
END_TEST

static obs__token_source *shared;
static atomic_int stop, wrong_count;

static void *get_often(void *user)
{
    while (!atomic_load(&stop)) {
        obs_secret *secret = NULL;
        obs_error own;
        obs_error_init(&own, sizeof own);
        if (obs__token_source_get(&secret, shared, &own) != OBS_OK || !secret ||
            (strcmp(obs_secret_bytes(secret), "e.one.x") != 0 && strcmp(obs_secret_bytes(secret), "e.two.x") != 0))
            atomic_fetch_add(&wrong_count, 1);
        obs_secret_free(secret);
    }
    (void)user;
    return NULL;
}

START_TEST(threads_while_the_file_is_renewed)
{
    pthread_t threads[3];
    const char *path = put(test_path(runtime, file_name), "e.one.x");
    shared = open_source(NULL);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, get_often, NULL), 0);
    for (int i = 0; i < 200; i++) {
        const char *next = put(test_path(runtime, "next"), i % 2 ? "e.one.x" : "e.two.x");
        ck_assert_int_eq(rename(next, path), 0);
    }
    atomic_store(&stop, 1);
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    ck_assert_int_eq(atomic_load(&wrong_count), 0);
    obs__token_source_free(shared);
}
END_TEST

/* The last one: a process keeps what it took. */
START_TEST(the_environment_is_read_once)
{
    int code;
    char *place;
    setenv("BEARER_TOKEN", "e.environment.x", 1);
    place = getenv("BEARER_TOKEN");
    put(kept, "e.kept.x");
    obs__token_source *source = open_source(NULL);
    ck_assert_ptr_null(getenv("BEARER_TOKEN"));
    ck_assert_ptr_null(memmem(place, 15, "environment", 11)); /* wiped where it stood */
    expect(source, "e.environment.x", "BEARER_TOKEN");
    obs__token_source *second = open_source(NULL);
    expect(second, "e.environment.x", "BEARER_TOKEN");
    obs__token_source_free(second);
    pid_t child = fork();
    if (child == 0) {
        obs_secret *secret = NULL;
        if (obs__token_source_get(&secret, source, &error) != OBS_FAILED_PRECONDITION || secret)
            _exit(1);
        _exit(system("env | grep -q environment.x") == 0 ? 2 : 0);
    }
    ck_assert_int_eq(waitpid(child, &code, 0), child);
    ck_assert_int_eq(code, 0);
    obs__token_source_free(source);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {the_order_of_places,
                                  a_changed_file_is_read_again,
                                  files_that_others_could_read,
                                  what_others_leave_in_the_temporary_folder,
                                  what_is_no_token,
                                  threads_while_the_file_is_renewed,
                                  the_environment_is_read_once};
    return test_main_between("auth/source", tests, sizeof tests / sizeof *tests, set_up, tear_down);
}
