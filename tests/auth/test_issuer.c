#include "issuer_support.h"

START_TEST(the_first_token_makes_the_first_key)
{
    const char *pem = NULL;
    ck_assert_uint_eq(count_keys(NOW), 0);
    ck_assert_int_ne(access(folder, F_OK), 0); /* asking makes nothing */
    obs_secret *token = sign(NOW);
    ck_assert_ok(verify(token, NOW));
    ck_assert_uint_eq(count_keys(NOW), 1);
    ck_assert_uint_eq(count_files("key-", &pem), 1);
    expect_mode(folder, 0700);
    expect_mode(pem, 0600);
    expect_mode(test_path(folder, "issuer.json"), 0600);
    /* Another client of the same workspace. */
    obs__issuer *other = open_issuer(0, 1);
    obs_secret *second = NULL;
    ck_assert_ok(try_sign(other, &second, NOW));
    ck_assert_ok(verify(second, NOW));
    ck_assert(obs_secret_size(second) != obs_secret_size(token) ||
              memcmp(obs_secret_bytes(second), obs_secret_bytes(token), obs_secret_size(token)) != 0);
    ck_assert_uint_eq(count_keys(NOW), 1);
    ck_assert_int_eq(verify(token, NOW + 2 * 3600 * S), OBS_UNAUTHENTICATED);
    obs_secret_free(token);
    obs_secret_free(second);
    obs__issuer_free(other);
}
END_TEST

START_TEST(what_a_token_of_ours_says)
{
    char id[OBS__ISSUED_ID_SIZE];
    obs__limit soon = limit(10000);
    obs_secret *token = NULL;
    obs__keys *keys = NULL;
    obs__jws *jws = NULL;
    obs__claims *claims = NULL;
    obs__token_policy policy = {.issuer = "obs:" ID, .audience = "other", .algorithms = OBS__EDDSA, .type = "at+jwt"};
    obs__issue issue = {.subject = "user:\"ö", .audience = "other", .lifetime_s = 86400};
    ck_assert_ok(obs__issuer_sign(&token, id, issuer, &issue, &soon, NOW + 1, &error));
    ck_assert_ok(obs__issuer_keys(&keys, issuer, NOW, &error));
    ck_assert_ok(obs__jws_verify(&jws, keys, OBS__EDDSA, obs_secret_bytes(token), obs_secret_size(token), &error));
    ck_assert_ok(obs__claims_read(&claims, jws, &policy, NOW, &error));
    ck_assert_str_eq(claims->subject, "user:\"ö");
    ck_assert_str_eq(claims->client, "libobs");
    ck_assert_str_eq(claims->tenant, "");
    ck_assert_str_eq(claims->scope, "");
    ck_assert_str_eq(claims->id, id);
    ck_assert_uint_eq(strlen(id), 22);
    ck_assert_int_eq(claims->issued_ns, NOW);
    ck_assert_int_eq(claims->begins_ns, NOW);
    ck_assert_int_eq(claims->expires_ns, NOW + DAY);
    obs__claims_release(claims);
    obs__jws_free(jws);
    obs__keys_free(keys);
    obs_secret_free(token);
}
END_TEST

/* base64url has '-' in its alphabet; the id of a token is an argument of `obsctl token revoke`, not an option. */
START_TEST(an_id_is_never_an_option)
{
    char id[OBS__ISSUED_ID_SIZE];
    obs__limit soon = limit(10000);
    obs__issue issue = {.subject = "user:ada"};
    for (int i = 0; i < 1000; i++) { /* one in 64 of plain random bytes would begin with it */
        obs_secret *token = NULL;
        ck_assert_ok(obs__issuer_sign(&token, id, issuer, &issue, &soon, NOW, &error));
        ck_assert_int_ne(id[0], '-');
        obs_secret_free(token);
    }
}
END_TEST

START_TEST(tokens_that_are_not_issued)
{
    static const obs__issue wrong[] = {
        {.subject = NULL},
        {.subject = "ada"},
        {.subject = "user:ada\n"},
        {.subject = "user:ada", .lifetime_s = -1},
        {.subject = "user:ada", .lifetime_s = 86401},
        {.subject = "user:ada", .tenant = ""},
        {.subject = "user:ada", .tenant = "\x1b[2J"},
        {.subject = "user:ada", .tenant = "0123456789012345678901234567890123456789012345678901234567890123"},
        {.subject = "user:ada", .scope = "storage.read:/../x"},
        {.subject = "user:ada", .scope = "everything"},
        {.subject = "user:ada", .audience = ""},
        {.subject = "user:ada", .client = "a\tb"},
    };
    char id[OBS__ISSUED_ID_SIZE];
    obs__limit soon = limit(10000);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        obs_secret *token = NULL;
        ck_assert_int_eq(obs__issuer_sign(&token, id, issuer, &wrong[i], &soon, NOW, &error), OBS_INVALID_ARGUMENT);
        ck_assert_ptr_null(token);
    }
    ck_assert_int_ne(access(folder, F_OK), 0);
    obs__issuer *other = NULL;
    obs__issuer_options options = {.workspace = ID, .folder = "relative"};
    ck_assert_int_eq(obs__issuer_open(&other, &options, &error), OBS_INVALID_ARGUMENT);
    options = (obs__issuer_options){.workspace = "../x"};
    ck_assert_int_eq(obs__issuer_open(&other, &options, &error), OBS_INVALID_ARGUMENT);
    options = (obs__issuer_options){.workspace = ID, .folder = folder, .algorithm = OBS__RS256};
    ck_assert_int_eq(obs__issuer_open(&other, &options, &error), OBS_INVALID_ARGUMENT);
}
END_TEST

START_TEST(the_folder_of_the_users_state)
{
    const char *state = test_path(test_folder(), "state");
    obs__issuer_options options = {.workspace = ID};
    obs__issuer *own = NULL;
    obs_secret *token = NULL;
    setenv("XDG_STATE_HOME", state, 1);
    ck_assert_ok(obs__issuer_open(&own, &options, &error));
    ck_assert_ok(try_sign(own, &token, NOW));
    ck_assert_int_eq(access(test_path(state, "obs/" ID "/keys/issuer.json"), F_OK), 0);
    expect_mode(state, 0700);
    unsetenv("XDG_STATE_HOME");
    obs_secret_free(token);
    obs__issuer_free(own);
}
END_TEST

START_TEST(a_new_key_is_published_before_it_signs)
{
    char first[OBS__KEY_ID_SIZE];
    obs_secret *before = sign(NOW);
    strcpy(first, signer_of(before, NOW));
    rotate(0, NOW + 10 * S);
    ck_assert_uint_eq(count_keys(NOW + 10 * S), 2);
    rotate(0, NOW + 20 * S); /* one waits already */
    ck_assert_uint_eq(count_keys(NOW + 20 * S), 2);
    ck_assert_uint_eq(count_files("key-", NULL), 2);
    obs_secret *meanwhile = sign(NOW + 609 * S), *after = sign(NOW + 610 * S);
    ck_assert_str_eq(signer_of(meanwhile, NOW + 609 * S), first);
    ck_assert_str_ne(signer_of(after, NOW + 610 * S), first);
    /* What the first one signed last counts until it ends, and the key a little longer than any of its tokens can. */
    ck_assert_ok(verify(meanwhile, NOW + 3000 * S));
    ck_assert_ok(verify(after, NOW + 3000 * S));
    ck_assert_uint_eq(count_keys(NOW + 610 * S + DAY), 2);
    ck_assert_uint_eq(count_keys(NOW + 610 * S + DAY + 600 * S), 1);
    /* Then it goes. */
    rotate(0, NOW + 3 * DAY);
    ck_assert_uint_eq(count_files("key-", NULL), 2);
    ck_assert_uint_eq(count_keys(NOW + 3 * DAY), 2);
    char name[OBS__KEY_ID_SIZE + 16];
    snprintf(name, sizeof name, "key-%s.pem", first);
    ck_assert_int_ne(access(test_path(folder, name), F_OK), 0);
    obs_secret_free(before);
    obs_secret_free(meanwhile);
    obs_secret_free(after);
}
END_TEST

START_TEST(a_key_that_others_know_ends_at_once)
{
    obs_secret *before = sign(NOW);
    rotate(0, NOW);
    ck_assert_ok(verify(before, NOW + S));
    rotate(1, NOW + S);
    ck_assert_int_eq(verify(before, NOW + S), OBS_UNAUTHENTICATED);
    ck_assert_uint_eq(count_files("key-", NULL), 1);
    obs_secret *after = sign(NOW + S);
    ck_assert_ok(verify(after, NOW + S));
    obs_secret_free(before);
    obs_secret_free(after);
}
END_TEST

START_TEST(the_algorithm_may_change)
{
    obs_secret *before = sign(NOW);
    obs__issuer_free(issuer);
    issuer = open_issuer(OBS__ES256, 0);
    rotate(0, NOW);
    obs_secret *after = sign(NOW + 600 * S);
    ck_assert_ok(verify(before, NOW + 600 * S));
    ck_assert_ok(verify(after, NOW + 600 * S));
    ck_assert_uint_eq(count_keys(NOW + 600 * S), 2);
    obs_secret_free(before);
    obs_secret_free(after);
}
END_TEST

START_TEST(old_keys_are_replaced_by_and_by)
{
    obs_secret *token = sign(NOW);
    obs_secret_free(token);
    obs_secret_free(sign(NOW + 89 * DAY));
    ck_assert_uint_eq(count_keys(NOW + 89 * DAY), 1);
    obs_secret_free(sign(NOW + 90 * DAY));
    ck_assert_uint_eq(count_keys(NOW + 90 * DAY), 2);
    obs_secret_free(sign(NOW + 90 * DAY + S));
    ck_assert_uint_eq(count_keys(NOW + 90 * DAY), 2);
}
END_TEST

START_TEST(not_too_many_keys)
{
    obs__limit soon = limit(10000);
    obs_status status = OBS_OK;
    obs_secret_free(sign(NOW));
    int count = 1;
    for (; status == OBS_OK && count < 100; count++)
        status = obs__issuer_rotate(issuer, 0, &soon, NOW + count * 700 * S, &error);
    ck_assert_int_eq(status, OBS_RESOURCE_EXHAUSTED);
    ck_assert_uint_eq(count_files("key-", NULL), OBS__ISSUER_KEYS_MOST);
    obs_secret_free(sign(NOW + count * 700 * S));
    rotate(0, NOW + 2 * DAY);
    ck_assert_uint_lt(count_files("key-", NULL), OBS__ISSUER_KEYS_MOST);
}
END_TEST

/* The clock is set back behind the rotation, and behind the first key. */
START_TEST(a_clock_that_goes_back)
{
    obs_secret_free(sign(NOW));
    rotate(0, NOW + DAY);
    obs_secret_free(sign(NOW + 2 * DAY));
    static const int64_t times[] = {NOW + DAY / 2, NOW, NOW - 3600 * S, NOW - 400 * DAY};
    for (size_t i = 0; i < 4; i++) {
        obs_secret *token = sign(times[i]);
        ck_assert_ok(verify(token, times[i]));
        obs_secret_free(token);
    }
    /* A key that was made in a far future does not keep others waiting for it. */
    rotate(0, NOW + 3000 * DAY);
    obs_secret_free(sign(NOW + 2 * DAY));
    rotate(0, NOW + 2 * DAY);
    obs_secret *token = sign(NOW + 2 * DAY + 600 * S);
    ck_assert_ok(verify(token, NOW + 2 * DAY + 600 * S));
    obs__keys *keys = NULL;
    ck_assert_ok(obs__issuer_keys(&keys, issuer, NOW + 2 * DAY, &error));
    ck_assert_str_eq(signer_of(token, NOW + 2 * DAY), obs__key_id(obs__keys_at(keys, obs__keys_count(keys) - 1)));
    obs__keys_free(keys);
    obs_secret_free(token);
}
END_TEST

static void expect_sign_fails(obs_status status, const char *why)
{
    obs_secret *token = NULL;
    obs__issuer *fresh = open_issuer(0, 0);
    obs_status got = try_sign(fresh, &token, NOW);
    ck_assert_msg(got == status, "%s", error.message);
    ck_assert_msg(strstr(error.message, why) != NULL, "'%s' instead of '%s'", error.message, why);
    ck_assert_ptr_null(strstr(error.message, "BEGIN"));
    ck_assert_ptr_null(token);
    obs__issuer_free(fresh);
}

START_TEST(keys_that_others_could_read)
{
    const char *pem = NULL, *list = test_path(folder, "issuer.json");
    obs_secret_free(sign(NOW));
    count_files("key-", &pem);
    chmod(pem, 0644);
    expect_sign_fails(OBS_UNTRUSTED, "run 'chmod 600 ");
    chmod(pem, 0600);
    chmod(folder, 0755);
    expect_sign_fails(OBS_UNTRUSTED, "run 'chmod 700 ");
    chmod(folder, 0700);
    chmod(list, 0666);
    expect_sign_fails(OBS_UNTRUSTED, "run 'chmod go-w ");
    chmod(list, 0600);
    obs_secret_free(sign(NOW));
    if (geteuid() == 0) {
        ck_assert_int_eq(chown(folder, 65534, (gid_t)-1), 0);
        expect_sign_fails(OBS_UNTRUSTED, "another user");
        ck_assert_int_eq(chown(folder, 0, (gid_t)-1), 0);
        ck_assert_int_eq(chown(pem, 65534, (gid_t)-1), 0);
        expect_sign_fails(OBS_UNTRUSTED, "another user");
        ck_assert_int_eq(chown(pem, 0, (gid_t)-1), 0);
    }
    /* A link is not followed. */
    const char *away = test_path(test_folder(), "away.pem");
    ck_assert_int_eq(rename(pem, away), 0);
    ck_assert_int_eq(symlink(away, pem), 0);
    expect_sign_fails(OBS_PERMISSION_DENIED, "symbolic link");
    unlink(pem);
    ck_assert_int_eq(rename(away, pem), 0);
}
END_TEST

START_TEST(keys_that_are_lost)
{
    const char *pem = NULL;
    obs_secret *before = sign(NOW);
    count_files("key-", &pem);
    ck_assert_int_eq(unlink(pem), 0);
    expect_sign_fails(OBS_FAILED_PRECONDITION, "restore it from a backup, or run 'obsctl token rotate'");
    rotate(0, NOW); /* nothing could sign meanwhile: at once */
    obs_secret *after = sign(NOW);
    ck_assert_ok(verify(after, NOW));
    ck_assert_ok(verify(before, NOW));
    obs_secret_free(after);
    /* The current one is lost while the next one waits. */
    rotate(0, NOW + S);
    char current[OBS__KEY_ID_SIZE + 16];
    snprintf(current, sizeof current, "key-%s.pem", signer_of(before, NOW));
    obs_secret *token = sign(NOW + S);
    snprintf(current, sizeof current, "key-%s.pem", signer_of(token, NOW + S));
    obs_secret_free(token);
    ck_assert_int_eq(unlink(test_path(folder, current)), 0);
    obs__issuer_free(issuer);
    issuer = open_issuer(0, 0);
    rotate(0, NOW + 2 * S);
    obs_secret_free(sign(NOW + 2 * S));
    obs_secret_free(before);
}
END_TEST

START_TEST(all_keys_are_lost)
{
    obs__issuer *known = open_issuer(0, 1);
    obs_secret *token = NULL;
    ck_assert_int_eq(try_sign(known, &token, NOW), OBS_FAILED_PRECONDITION);
    ck_assert_ptr_nonnull(strstr(error.message, "obsctl token rotate"));
    ck_assert_ptr_nonnull(strstr(error.message, folder));
    ck_assert_int_ne(access(folder, F_OK), 0);
    rotate(0, NOW);
    ck_assert_ok(try_sign(known, &token, NOW));
    obs_secret_free(token);
    obs__issuer_free(known);
}
END_TEST

START_TEST(damaged_keys)
{
    const char *pem = NULL, *list = test_path(folder, "issuer.json");
    size_t size;
    obs_secret_free(sign(NOW));
    count_files("key-", &pem);
    char *kept = test_read(pem, &size), *json = test_read(list, &(size_t){0});
    test_write(pem, kept, size / 2);
    expect_sign_fails(OBS_DATA_LOSS, "is damaged");
    test_write(pem, "", 0);
    expect_sign_fails(OBS_DATA_LOSS, "is damaged");
    /* Another key than the name says. */
    char *other = NULL;
    size_t other_size = 0;
    obs__key *key = NULL;
    ck_assert_ok(obs__key_generate(&key, OBS__EDDSA, &error));
    ck_assert_ok(obs__key_to_pem(&other, &other_size, key, &error));
    test_write(pem, other, other_size);
    expect_sign_fails(OBS_DATA_LOSS, "is damaged");
    obs__key_pem_free(other, other_size);
    obs__key_free(key);
    test_write(pem, kept, size);
    static const char *const wrong[] = {"", "{", "[]", "{}", "{\"keys\":[{}]}", "{\"keys\":[7]}", "{\"keys\":{}}"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        test_write(list, wrong[i], strlen(wrong[i]));
        expect_sign_fails(OBS_DATA_LOSS, "issuer.json' is damaged");
    }
    char *signs = strstr(json, "signs_from");
    signs[0] = 'x';
    test_write(list, json, strlen(json));
    expect_sign_fails(OBS_DATA_LOSS, "issuer.json' is damaged");
    ck_assert_uint_eq(count_files("key-", NULL), 1); /* nothing was removed meanwhile */
    /* Without it, it is made again from the keys. */
    unlink(list);
    obs_secret *token = sign(NOW);
    ck_assert_ok(verify(token, NOW));
    ck_assert_uint_eq(count_files("key-", NULL), 1);
    obs_secret_free(token);
    free(kept);
    free(json);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {the_first_token_makes_the_first_key,
                                  what_a_token_of_ours_says,
                                  an_id_is_never_an_option,
                                  tokens_that_are_not_issued,
                                  the_folder_of_the_users_state,
                                  a_new_key_is_published_before_it_signs,
                                  a_key_that_others_know_ends_at_once,
                                  the_algorithm_may_change,
                                  old_keys_are_replaced_by_and_by,
                                  not_too_many_keys,
                                  a_clock_that_goes_back,
                                  keys_that_others_could_read,
                                  keys_that_are_lost,
                                  all_keys_are_lost,
                                  damaged_keys};
    return test_main_between("auth/issuer", tests, sizeof tests / sizeof *tests, set_up, tear_down);
}
