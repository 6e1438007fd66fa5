/* The issuer under faults: crashes between any two steps, many processes and threads, a kill at any moment. */
#include "issuer_support.h"

/* What a crash leaves between any two steps. */
START_TEST(crashes_between_steps)
{
    const char *pem = NULL, *list = test_path(folder, "issuer.json");
    char first[OBS__KEY_ID_SIZE];
    /* The first private key was written, issuer.json was not. */
    obs_secret *token = sign(NOW);
    count_files("key-", &pem);
    strcpy(first, signer_of(token, NOW));
    unlink(list);
    obs__issuer_free(issuer);
    issuer = open_issuer(0, 0);
    obs_secret *again = sign(NOW);
    ck_assert_str_eq(signer_of(again, NOW), first);
    ck_assert_ok(verify(token, NOW));
    obs_secret_free(again);
    /* A further one was written, issuer.json does not name it, and one was not even finished. */
    char *json = test_read(list, &(size_t){0});
    rotate(0, NOW);
    ck_assert_uint_eq(count_files("key-", NULL), 2);
    test_write(list, json, strlen(json));
    test_write(test_path(folder, ".obs-tmp-0123456789abcdef"), "half", 4);
    ck_assert_uint_eq(count_keys(NOW), 1);
    rotate(0, NOW);
    ck_assert_uint_eq(count_files("key-", NULL), 2);
    ck_assert_uint_eq(count_files(".obs-tmp-", NULL), 0);
    ck_assert_uint_eq(count_keys(NOW), 2);
    /* issuer.json no longer names a key that is still there. */
    char *two = test_read(pem, &(size_t){0});
    rotate(1, NOW);
    test_write(pem, two, strlen(two));
    chmod(pem, 0600);
    ck_assert_int_eq(verify(token, NOW), OBS_UNAUTHENTICATED);
    rotate(0, NOW);
    ck_assert_int_ne(access(pem, F_OK), 0);
    obs_secret_free(token);
    free(json);
    free(two);
}
END_TEST

static int run_child(void (*work)(void))
{
    pid_t child = fork();
    if (child == 0) {
        alarm(300);
        work();
        _exit(0);
    }
    return child;
}

static void child_sign(void)
{
    obs_secret *token = NULL;
    obs__issuer *own = open_issuer(0, 0);
    if (try_sign(own, &token, NOW) != OBS_OK || verify(token, NOW) != OBS_OK)
        _exit(1);
}

static void child_rotate(void)
{
    obs__limit soon = limit(30000);
    obs__issuer *own = open_issuer(0, 0);
    obs_secret *token = NULL;
    if (obs__issuer_rotate(own, 0, &soon, NOW, NULL) != OBS_OK || try_sign(own, &token, NOW + 600 * S) != OBS_OK ||
        verify(token, NOW + 600 * S) != OBS_OK)
        _exit(1);
}

static void run_children(void (*work)(void))
{
    int children[6], code;
    for (int i = 0; i < 6; i++)
        children[i] = run_child(work);
    for (int i = 0; i < 6; i++) {
        ck_assert_int_eq(waitpid(children[i], &code, 0), children[i]);
        ck_assert_int_eq(code, 0);
    }
}

START_TEST(many_processes_at_once)
{
    run_children(child_sign);
    ck_assert_uint_eq(count_keys(NOW), 1);
    ck_assert_uint_eq(count_files("key-", NULL), 1);
    run_children(child_rotate);
    ck_assert_uint_eq(count_keys(NOW), 2);
    ck_assert_uint_eq(count_files("key-", NULL), 2);
}
END_TEST

static void child_rotate_for_ever(void)
{
    obs__limit soon = limit(30000);
    obs__issuer *own = open_issuer(0, 0);
    for (int64_t at = NOW; at < NOW + 900 * DAY; at += DAY / 2) /* not beyond what its parent takes for now */
        obs__issuer_rotate(own, at % 5 == 0, &soon, at, NULL);
    for (;;)
        pause();
}

/* Killed at any moment: what is left always signs and verifies, and the next rotation tidies up. */
START_TEST(killed_while_rotating)
{
    obs_secret_free(sign(NOW));
    for (int i = 0; i < 40; i++) {
        int code;
        pid_t child = run_child(child_rotate_for_ever);
        usleep((useconds_t)(1000 + i * 487 % 9000)); /* not to wait for something, but to end it somewhere */
        kill(child, SIGKILL);
        waitpid(child, &code, 0);
        int64_t now = NOW + 1000 * DAY;
        obs_secret *token = sign(now);
        ck_assert_ok(verify(token, now));
        obs_secret_free(token);
        rotate(1, NOW);
        ck_assert_uint_eq(count_files("key-", NULL), 1);
        ck_assert_uint_eq(count_files(".obs-tmp-", NULL), 0);
    }
}
END_TEST

START_TEST(a_lock_that_is_held)
{
    obs__limit soon = limit(50);
    obs_secret_free(sign(NOW));
    int fd = open(test_path(folder, "lock"), O_RDWR | O_CLOEXEC);
    ck_assert_int_eq(flock(fd, LOCK_EX), 0);
    ck_assert_int_eq(obs__issuer_rotate(issuer, 0, &soon, NOW, &error), OBS_DEADLINE_EXCEEDED);
    obs_secret_free(sign(NOW)); /* nobody waits for it to sign */
    flock(fd, LOCK_UN);
    rotate(0, NOW);
    close(fd);
}
END_TEST

static atomic_int failures;

static void *sign_often(void *user)
{
    for (int i = 0; i < 200; i++) {
        char id[OBS__ISSUED_ID_SIZE];
        obs_secret *token = NULL;
        obs__limit soon = limit(120000);
        obs__issue issue = {.subject = "user:ada"};
        if (obs__issuer_sign(&token, id, issuer, &issue, &soon, NOW + i * 10 * S, NULL) != OBS_OK)
            atomic_fetch_add(&failures, 1);
        obs_secret_free(token);
    }
    (void)user;
    return NULL;
}

START_TEST(threads_sign_while_keys_change)
{
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, sign_often, NULL), 0);
    for (int i = 0; i < 20; i++)
        rotate(0, NOW + i * 700 * S);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    ck_assert_int_eq(atomic_load(&failures), 0);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {crashes_between_steps, many_processes_at_once, killed_while_rotating, a_lock_that_is_held,
                                  threads_sign_while_keys_change};
    return test_main_between("auth/issuer_faults", tests, sizeof tests / sizeof *tests, set_up, tear_down);
}
