/* Tokens that were revoked: refused here at once, elsewhere within a second, whoever remembers that they were right. */
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "client/workspace.h"

#define WAIT_MS 20000 /* the machine may be busy; a second is what is promised */
#define WRITERS 4
#define EACH 5

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static obs_secret *issue_for(obs_client *owner, const char *subject)
{
    obs_secret *token;
    obs_token_options options;
    obs_token_options_init(&options, sizeof options);
    options.subject = subject;
    options.scope = "storage.read:/";
    ck_assert_ok(obs_token_issue(&token, owner, &options, &error));
    return token;
}

static obs_status verify(obs_client *client, const obs_secret *token, char id[64])
{
    obs_buffer *claims = NULL;
    obs_verify_options options;
    obs_verify_options_init(&options, sizeof options);
    options.algorithms = "EdDSA ES256";
    obs_status status = obs_token_verify(&claims, client, obs_secret_bytes(token), obs_secret_size(token), &options, &error);
    if (status == OBS_OK && id)
        ck_assert_int_eq(sscanf(strstr(obs_buffer_data(claims), "\"jti\":\""), "\"jti\":\"%63[^\"]", id), 1);
    obs_buffer_free(claims);
    return status;
}

static obs_client *bearer_of(const char *path, const obs_secret *token)
{
    obs_client *client;
    obs_open_options options;
    obs_open_options_init(&options, sizeof options);
    options.workspace = path;
    options.token = obs_secret_bytes(token);
    ck_assert_ok(obs_client_open(&client, &options, &error));
    return client;
}

static obs_status reads(obs_client *client)
{
    obs_buffer *bytes = NULL;
    obs_status status = obs_store_get(&bytes, obs_client_store(client), "raw/a", OBS_TEXT, NULL, &error);
    obs_buffer_free(bytes);
    return status;
}

static obs_client *owner_of(const char *path)
{
    obs_client *owner = open_at(path);
    ck_assert_ok(obs_store_put(NULL, obs_client_store(owner), "raw/a", OBS_TEXT, "bytes", 5, NULL, &error));
    return owner;
}

static void assert_refused(obs_status status, obs_status wanted, const char *part)
{
    ck_assert_msg(status == wanted, "%s: %s", obs_status_name(status), error.message);
    ck_assert_msg(strstr(error.message, part) != NULL, "'%s' lacks '%s'", error.message, part);
}

START_TEST(a_token_ends_at_once)
{
    const char *path = new_workspace_without_token();
    char id[64], part[100];
    obs_client *owner = owner_of(path);
    obs_secret *stolen = issue_for(owner, "function:a"), *other = issue_for(owner, "function:a");
    obs_client *bearer = bearer_of(path, stolen), *beside = bearer_of(path, other);
    for (int i = 0; i < 3; i++) /* it is known by now: replaying it costs a lookup, and is allowed until it ends */
        ck_assert_ok(verify(owner, stolen, id));
    ck_assert_ok(reads(bearer));
    ck_assert_ok(obs_token_revoke(owner, id, NULL, NULL, &error));
    assert_refused(verify(owner, stolen, NULL), OBS_UNAUTHENTICATED, "was revoked");
    ck_assert_ok(verify(owner, other, NULL));
    int64_t end_ms = now_ms() + WAIT_MS;
    obs_status status;
    while ((status = reads(bearer)) == OBS_OK && now_ms() < end_ms)
        usleep(10000);
    assert_refused(status, OBS_UNAUTHENTICATED, "the token of function:a was revoked");
    ck_assert_ok(reads(beside));
    obs_open_options options;
    obs_open_options_init(&options, sizeof options);
    options.workspace = path;
    options.token = obs_secret_bytes(stolen);
    obs_client *again = NULL;
    assert_refused(obs_client_open(&again, &options, &error), OBS_UNAUTHENTICATED, "was revoked");
    ck_assert_ptr_null(again);
    snprintf(part, sizeof part, "\"object\":\"%s\"", id);
    ck_assert_uint_eq(count_audit(owner, "token.revoke", part), 1);
    ck_assert_uint_eq(count_audit(owner, "token.revoke", "\"class\":\"grant\""), 1);
    obs_client_close(bearer);
    obs_client_close(beside);
    obs_client_close(owner);
    obs_secret_free(stolen);
    obs_secret_free(other);
}
END_TEST

/* What a client that acts for a token does with one that is renewed from its file. */
START_TEST(all_of_a_subject_end_and_new_ones_hold)
{
    const char *path = new_workspace_without_token();
    obs_client *owner = owner_of(path);
    obs_secret *a = issue_for(owner, "function:a"), *second = issue_for(owner, "function:a"),
               *b = issue_for(owner, "function:b");
    ck_assert_ok(verify(owner, a, NULL));
    ck_assert_ok(obs_token_revoke(owner, NULL, "function:a", NULL, &error));
    obs_secret *new = issue_for(owner, "function:a"); /* in the very next moment */
    ck_assert_int_eq(verify(owner, a, NULL), OBS_UNAUTHENTICATED);
    ck_assert_int_eq(verify(owner, second, NULL), OBS_UNAUTHENTICATED);
    ck_assert_ok(verify(owner, b, NULL));
    ck_assert_ok(verify(owner, new, NULL));
    obs_client *bearer = bearer_of(path, new);
    ck_assert_ok(reads(bearer));
    obs_client_close(bearer);
    obs_client_close(owner);
    obs_secret_free(a);
    obs_secret_free(second);
    obs_secret_free(b);
    obs_secret_free(new);
}
END_TEST

/* A process that knows the token already: asks until it is refused, which a busy machine makes later than it would be. */
static int other_process(const char *path, const obs_secret *token, int ready, int go)
{
    char byte;
    obs_client *client = open_at(path);
    if (verify(client, token, NULL) != OBS_OK || write(ready, "x", 1) != 1 || read(go, &byte, 1) != 1)
        return 99;
    int64_t began_ms = now_ms();
    obs_status status;
    while ((status = verify(client, token, NULL)) == OBS_OK && now_ms() < began_ms + WAIT_MS)
        usleep(1000);
    obs_client_close(client);
    return status == OBS_UNAUTHENTICATED ? 0 : 98;
}

START_TEST(another_process_hears_of_it)
{
#ifdef __SANITIZE_THREAD__
    test_skipped("a forked child that reads", "ThreadSanitizer cannot start a thread after a fork");
    return;
#endif
    const char *path = new_workspace_without_token();
    int ready[2], go[2], code;
    char byte, id[64];
    obs_client *owner = owner_of(path);
    obs_secret *token = issue_for(owner, "function:a");
    const char *file = test_path(test_folder(), "token");
    test_write(file, obs_secret_bytes(token), obs_secret_size(token));
    ck_assert_int_eq(pipe(ready), 0);
    ck_assert_int_eq(pipe(go), 0);
    pid_t child = fork();
    if (child == 0) {
        size_t size;
        char *text = test_read(file, &size);
        obs_secret *own = NULL;
        obs_secret_new(&own, text, size, &error); /* that of the parent is wiped here */
        _exit(other_process(path, own, ready[1], go[0]));
    }
    ck_assert_int_eq(read(ready[0], &byte, 1), 1);
    ck_assert_ok(verify(owner, token, id));
    ck_assert_ok(obs_token_revoke(owner, id, NULL, NULL, &error));
    ck_assert_int_eq(write(go[1], "x", 1), 1);
    ck_assert_int_eq(waitpid(child, &code, 0), child);
    ck_assert_int_eq(code, 0);
    obs_client_close(owner);
    obs_secret_free(token);
}
END_TEST

START_TEST(many_who_revoke_lose_nothing)
{
#ifdef __SANITIZE_THREAD__
    test_skipped("a forked child that reads", "ThreadSanitizer cannot start a thread after a fork");
    return;
#endif
    const char *path = new_workspace_without_token();
    obs_secret *tokens[WRITERS * EACH];
    char ids[WRITERS * EACH][64];
    int code;
    obs_client *owner = owner_of(path);
    for (int i = 0; i < WRITERS * EACH; i++) {
        tokens[i] = issue_for(owner, "function:a");
        ck_assert_ok(verify(owner, tokens[i], ids[i]));
    }
    for (int child = 0; child < WRITERS; child++)
        if (fork() == 0) {
            obs_client *own = open_at(path);
            for (int i = 0; i < EACH; i++)
                ck_assert_ok(obs_token_revoke(own, ids[child * EACH + i], NULL, NULL, &error));
            obs_client_close(own);
            _exit(0);
        }
    for (int child = 0; child < WRITERS; child++)
        ck_assert(wait(&code) > 0 && code == 0);
    char *list = test_read(test_path(path, "revoked.json"), NULL);
    for (int i = 0; i < WRITERS * EACH; i++) {
        ck_assert_ptr_nonnull(strstr(list, ids[i]));
        obs_secret_free(tokens[i]);
    }
    free(list);
    obs_client_close(owner);
}
END_TEST

START_TEST(a_list_that_was_tampered_with_lets_nobody_in)
{
    static const char *const wrong[] = {"", "{", "[]", "{\"tokens\":{}}", "{\"tokens\":{\"a\":\"b\"},\"subjects\":{}}"};
    const char *path = new_workspace_without_token(), *list = test_path(path, "revoked.json");
    char id[64];
    obs_client *owner = owner_of(path);
    obs_secret *token = issue_for(owner, "function:a"), *other = issue_for(owner, "function:b");
    ck_assert_ok(verify(owner, token, id));
    ck_assert_ok(obs_token_revoke(owner, id, NULL, NULL, &error));
    char *good = test_read(list, NULL);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        test_write(list, wrong[i], strlen(wrong[i]));
        obs_client *fresh_look = open_at(path);
        ck_assert_int_ne(verify(fresh_look, other, NULL), OBS_OK);
        ck_assert_int_ne(obs_token_revoke(fresh_look, NULL, "function:c", NULL, &error), OBS_OK); /* nor is it replaced */
        obs_client_close(fresh_look);
    }
    test_write(list, good, strlen(good));
    ck_assert_int_eq(chmod(list, 0666), 0);
    obs_client *late = open_at(path);
    ck_assert_int_eq(verify(late, other, NULL), OBS_UNTRUSTED);
    ck_assert_int_eq(chmod(list, 0644), 0);
    ck_assert_ok(verify(late, other, NULL));
    /* Who knew of it does not forget because the file is gone. */
    ck_assert_int_eq(verify(late, token, NULL), OBS_UNAUTHENTICATED);
    ck_assert_int_eq(unlink(list), 0);
    usleep(1200000); /* they look again once a second */
    ck_assert_int_eq(verify(late, token, NULL), OBS_UNAUTHENTICATED);
    obs_client_close(late);
    obs_client_close(owner);
    obs_secret_free(token);
    obs_secret_free(other);
    free(good);
}
END_TEST

START_TEST(who_may_and_what)
{
    static const char *const wrong[] = {"", "x", "0123456789012345678901x", "../../../../etc/passwd", "' OR '1'='1' --12345"};
    const char *path = new_workspace_without_token();
    obs_client *owner = owner_of(path), *ada;
    obs_secret *token = issue_for(owner, "function:a");
    char id[64];
    ck_assert_ok(verify(owner, token, id));
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_refused(obs_token_revoke(owner, wrong[i], NULL, NULL, &error), OBS_INVALID_ARGUMENT, "22 letters");
    assert_refused(obs_token_revoke(owner, NULL, "ada", NULL, &error), OBS_INVALID_ARGUMENT, "is no subject");
    assert_refused(obs_token_revoke(owner, NULL, NULL, NULL, &error), OBS_INVALID_ARGUMENT, "either");
    assert_refused(obs_token_revoke(owner, id, "user:ada", NULL, &error), OBS_INVALID_ARGUMENT, "either");
    obs_client *bearer = bearer_of(path, token);
    assert_refused(obs_token_revoke(bearer, id, NULL, NULL, &error), OBS_PERMISSION_DENIED, "token.revoke");
    obs_as_options as;
    obs_as_options_init(&as, sizeof as);
    as.subject = "user:ada";
    ck_assert_ok(obs_client_as(&ada, owner, &as, &error));
    assert_refused(obs_token_revoke(ada, NULL, "function:a", NULL, &error), OBS_PERMISSION_DENIED, "token.revoke");
    ck_assert_int_ne(access(test_path(path, "revoked.json"), F_OK), 0);
    ck_assert_ok(verify(owner, token, NULL));
    obs_client_close(ada);
    obs_client_close(bearer);
    obs_client_close(owner);
    obs_secret_free(token);
}
END_TEST

int main(void)
{
    const TTest *tests[] = {
        a_token_ends_at_once,         all_of_a_subject_end_and_new_ones_hold,       another_process_hears_of_it,
        many_who_revoke_lose_nothing, a_list_that_was_tampered_with_lets_nobody_in, who_may_and_what};
    obs_error_init(&error, sizeof error);
    return test_main("client/revoked", tests, sizeof tests / sizeof tests[0]);
}
