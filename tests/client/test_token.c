/* Tokens in the client: issued, found, bound, renewed, refused; and what is recorded of it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "client/workspace.h"

#define WAIT_MS 120000

static obs_secret *issue_for(obs_client *client, const char *subject, const char *scope, int64_t lifetime_s)
{
    obs_secret *token;
    obs_token_options options;
    obs_token_options_init(&options, sizeof options);
    options.subject = subject;
    options.scope = scope;
    options.lifetime_s = lifetime_s;
    ck_assert_ok(obs_token_issue(&token, client, &options, &error));
    return token;
}

static obs_status open_as(obs_client **out, const char *path, const char *token, const char *tenant)
{
    obs_open_options options;
    obs_open_options_init(&options, sizeof options);
    options.workspace = path;
    options.tenant = tenant;
    options.token = token;
    return obs_client_open(out, &options, &error);
}

static void write_token(const char *path, const obs_secret *token)
{
    char name[300];
    snprintf(name, sizeof name, "%s.new", path);
    int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, obs_secret_bytes(token), obs_secret_size(token)), (ssize_t)obs_secret_size(token));
    ck_assert_int_eq(close(fd), 0);
    ck_assert_int_eq(rename(name, path), 0);
}

static obs_status put(obs_client *client, const char *key)
{
    return obs_store_put(NULL, obs_client_store(client), key, OBS_TEXT, "bytes", 5, NULL, &error);
}

static obs_status get(obs_client *client, const char *key)
{
    obs_buffer *bytes = NULL;
    obs_status status = obs_store_get(&bytes, obs_client_store(client), key, OBS_TEXT, NULL, &error);
    obs_buffer_free(bytes);
    return status;
}

static void assert_denied(obs_status status, const char *part)
{
    ck_assert_msg(status == OBS_PERMISSION_DENIED, "%s: %s", obs_status_name(status), error.message);
    ck_assert_msg(strstr(error.message, part) != NULL, "'%s' lacks '%s'", error.message, part);
}

START_TEST(a_bearer_has_its_scopes)
{
    const char *path = new_workspace_without_token();
    obs_client *owner = open_at(path), *bearer;
    obs_error before;
    ck_assert_ok(put(owner, "raw/a"));
    ck_assert_ok(put(owner, "secret/a"));
    obs_secret *token = issue_for(owner, "function:photometry", "storage.read:/raw storage.create:/products", 3600);
    ck_assert_ok(open_as(&bearer, path, obs_secret_bytes(token), NULL));
    ck_assert_str_eq(obs_client_subject(bearer), "function:photometry");
    ck_assert_str_eq(obs_client_tenant(bearer), "default");
    ck_assert_ok(get(bearer, "raw/a"));
    ck_assert_int_eq(get(bearer, "raw/none"), OBS_NOT_FOUND);
    /* Outside of its scopes the answer is the same whether the object exists or not. */
    assert_denied(get(bearer, "secret/a"), "function:photometry");
    before = error;
    assert_denied(get(bearer, "secret/b"), "store.get");
    ck_assert_str_eq(before.message, error.message);
    ck_assert_str_eq(before.detail, error.detail);
    assert_denied(put(bearer, "raw/b"), "store.put");
    /* It makes what is new, and replaces nothing. */
    ck_assert_ok(put(bearer, "products/a"));
    assert_denied(put(bearer, "products/a"), "storage.modify");
    assert_denied(obs_store_delete(obs_client_store(bearer), "products/a", OBS_TEXT, NULL, &error), "store.delete");
    ck_assert_ok(get(owner, "products/a"));
    obs_store *other;
    assert_denied(obs_client_store_open(&other, bearer, "file:/etc", NULL, &error), "store.open");
    assert_denied(obs_tenant_create(bearer, "sky", NULL, &error), "tenant.create");
    obs_client_close(bearer);
    obs_client_close(owner);
    obs_secret_free(token);
}
END_TEST

START_TEST(all_ways_to_write_are_asked)
{
    const char *path = new_workspace_without_token();
    obs_client *owner = open_at(path), *bearer;
    obs_writer *writer;
    obs_unit *unit;
    obs_secret *token = issue_for(owner, "function:a", "storage.create:/products event.publish:/org.example", 3600);
    ck_assert_ok(put(owner, "products/old"));
    ck_assert_ok(open_as(&bearer, path, obs_secret_bytes(token), NULL));
    ck_assert_ok(obs_writer_open(&writer, obs_client_store(bearer), "products/old", OBS_TEXT, NULL, &error));
    ck_assert_ok(obs_writer_write(writer, "x", 1, &error));
    assert_denied(obs_writer_commit(NULL, writer, &error), "storage.modify");
    obs_writer_free(writer);
    ck_assert_int_eq(obs_writer_open(&writer, obs_client_store(bearer), "raw/x", OBS_TEXT, NULL, &error),
                     OBS_PERMISSION_DENIED);
    ck_assert_ok(obs_unit_begin(&unit, bearer, NULL, &error));
    assert_denied(obs_unit_put(unit, "raw/x", OBS_TEXT, "x", 1, NULL, &error), "store.put");
    obs_unit_free(unit);
    obs_event event = {.size = sizeof event, .type = "org.example.frame"};
    ck_assert_ok(obs_bus_publish(NULL, obs_client_bus(bearer), &event, NULL, &error));
    event.type = "org.examples";
    event.subject = "org.example";
    assert_denied(obs_bus_publish(NULL, obs_client_bus(bearer), &event, NULL, &error), "event.publish");
    ck_assert_ok(obs_unit_begin(&unit, bearer, NULL, &error));
    assert_denied(obs_unit_publish(unit, &event, NULL, &error), "event.publish");
    obs_unit_free(unit);
    obs_client_close(bearer);
    obs_client_close(owner);
    obs_secret_free(token);
}
END_TEST

START_TEST(a_token_is_of_one_tenant)
{
    const char *path = new_workspace_without_token();
    obs_client *owner = open_at(path), *bearer = NULL;
    obs_error there;
    obs_secret *token;
    obs_token_options options;
    ck_assert_ok(obs_tenant_create(owner, "earth", NULL, &error));
    ck_assert_ok(obs_tenant_create(owner, "venus", NULL, &error));
    obs_token_options_init(&options, sizeof options);
    options.tenant = "earth";
    options.subject = "user:ada";
    ck_assert_ok(obs_token_issue(&token, owner, &options, &error));
    ck_assert_ok(open_as(&bearer, path, obs_secret_bytes(token), NULL));
    ck_assert_str_eq(obs_client_tenant(bearer), "earth");
    obs_client_close(bearer);
    assert_denied(open_as(&bearer, path, obs_secret_bytes(token), "venus"), "'venus'");
    there = error;
    assert_denied(open_as(&bearer, path, obs_secret_bytes(token), "pluto"), "'pluto'");
    memcpy(strstr(there.message, "venus"), "pluto", 5);
    ck_assert_str_eq(there.message, error.message);
    setenv("OBS_TENANT", "venus", 1);
    assert_denied(open_as(&bearer, path, obs_secret_bytes(token), NULL), "'venus'");
    unsetenv("OBS_TENANT");
    options.tenant = "pluto";
    obs_secret *none;
    ck_assert_int_eq(obs_token_issue(&none, owner, &options, &error), OBS_NOT_FOUND);
    ck_assert_ptr_null(none);
    obs_client_close(owner);
    obs_secret_free(token);
}
END_TEST

START_TEST(acting_with_a_token)
{
    const char *path = new_workspace_without_token();
    obs_client *owner = open_at(path), *ada, *bob;
    obs_as_options options;
    obs_secret *for_ada = issue_for(owner, "user:ada", "storage.read:/ storage.modify:/ada", 3600);
    obs_secret *for_bob = issue_for(owner, "user:bob", "storage.read:/", 3600);
    obs_as_options_init(&options, sizeof options);
    options.token = obs_secret_bytes(for_ada);
    ck_assert_ok(obs_client_as(&ada, owner, &options, &error));
    ck_assert_str_eq(obs_client_subject(ada), "user:ada");
    ck_assert_ok(put(ada, "ada/a"));
    assert_denied(put(ada, "bob/a"), "user:ada");
    options.subject = "user:bob";
    assert_denied(obs_client_as(&bob, owner, &options, &error), "user:ada");
    /* Somebody else's token counts for itself, whoever shows it; without one nobody acts for another. */
    options.subject = NULL;
    options.token = obs_secret_bytes(for_bob);
    ck_assert_ok(obs_client_as(&bob, ada, &options, &error));
    ck_assert_str_eq(obs_client_subject(bob), "user:bob");
    assert_denied(put(bob, "ada/a"), "user:bob");
    options.token = NULL;
    options.subject = "user:owen";
    obs_client *owen;
    assert_denied(obs_client_as(&owen, ada, &options, &error), "without a token");
    options.subject = NULL;
    options.token = "no.token.atall";
    ck_assert_int_eq(obs_client_as(&owen, owner, &options, &error), OBS_UNAUTHENTICATED);
    obs_call call = {.size = sizeof call, .subject = "user:bob"};
    obs_put_options put_options;
    obs_put_options_init(&put_options, sizeof put_options);
    put_options.call = &call;
    assert_denied(obs_store_put(NULL, obs_client_store(ada), "ada/b", OBS_TEXT, "x", 1, &put_options, &error), "user:bob");
    ck_assert_uint_eq(count_audit(owner, "store.put", "\"user:ada\""), 2);
    obs_client_close(bob);
    obs_client_close(ada);
    obs_client_close(owner);
    obs_secret_free(for_ada);
    obs_secret_free(for_bob);
}
END_TEST

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* A client whose token ends soon, but not before the client is open and has read. */
static obs_secret *open_briefly(obs_client **bearer, obs_client *owner, const char *path, const char *file)
{
    for (int64_t lifetime_s = 2;; lifetime_s *= 2) {
        time_t issued = time(NULL);
        obs_secret *token = issue_for(owner, "function:a", "storage.read:/raw", lifetime_s);
        write_token(file, token);
        obs_status status = open_as(bearer, path, NULL, NULL);
        if (status == OBS_OK && (status = get(*bearer, "raw/a")) == OBS_OK)
            return token;
        ck_assert_msg(status == OBS_UNAUTHENTICATED && time(NULL) >= issued + lifetime_s, "%s", error.message);
        obs_client_close(*bearer);
        obs_secret_free(token);
    }
}

START_TEST(a_client_outlives_its_tokens)
{
    const char *path = new_workspace_without_token();
    const char *file = test_path(test_folder(), "token");
    obs_client *owner = open_at(path), *bearer;
    obs_status status;
    ck_assert_ok(put(owner, "raw/a"));
    setenv("BEARER_TOKEN_FILE", file, 1);
    obs_secret *first = open_briefly(&bearer, owner, path, file);
    int64_t end_ms = now_ms() + WAIT_MS;
    while ((status = get(bearer, "raw/a")) == OBS_OK && now_ms() < end_ms)
        usleep(20000);
    ck_assert_msg(status == OBS_UNAUTHENTICATED, "%s", error.message);
    ck_assert_ptr_nonnull(strstr(error.message, "obsctl login"));
    /* One of somebody else does not go on as this client; one of its own does, at once. */
    obs_secret *other = issue_for(owner, "function:b", "storage.read:/raw", 3600);
    write_token(file, other);
    ck_assert_int_eq(get(bearer, "raw/a"), OBS_UNAUTHENTICATED);
    obs_secret *second = issue_for(owner, "function:a", "storage.read:/", 3600);
    write_token(file, second);
    ck_assert_ok(get(bearer, "raw/a"));
    ck_assert_int_eq(get(bearer, "other"), OBS_NOT_FOUND);
    ck_assert_str_eq(obs_client_subject(bearer), "function:a");
    /* A narrower one is taken over while the old one still holds. */
    obs_secret *third = issue_for(owner, "function:a", "storage.read:/none", 3600);
    write_token(file, third);
    for (end_ms = now_ms() + WAIT_MS; (status = get(bearer, "raw/a")) == OBS_OK && now_ms() < end_ms;)
        usleep(20000);
    ck_assert_int_eq(status, OBS_PERMISSION_DENIED);
    unsetenv("BEARER_TOKEN_FILE");
    obs_client_close(bearer);
    obs_client_close(owner);
    obs_secret_free(first);
    obs_secret_free(second);
    obs_secret_free(third);
    obs_secret_free(other);
}
END_TEST

/* Whether a text stands anywhere in a file of /proc. */
static int stands_in(const char *path, const char *text, size_t size)
{
    static char bytes[1 << 20];
    int fd = open(path, O_RDONLY);
    ck_assert_int_ge(fd, 0);
    ssize_t got = read(fd, bytes, sizeof bytes);
    close(fd);
    ck_assert_int_gt(got, 0);
    return memmem(bytes, (size_t)got, text, size) != NULL;
}

START_TEST(the_environment_gives_its_token_away_once)
{
    const char *path = new_workspace_without_token();
    obs_client *owner = open_at(path), *bearer, *again;
    obs_secret *token = issue_for(owner, "function:a", "storage.read:/", 3600);
    int code;
    setenv("BEARER_TOKEN", obs_secret_bytes(token), 1);
    ck_assert_ok(open_as(&bearer, path, NULL, NULL));
    ck_assert_str_eq(obs_client_subject(bearer), "function:a");
    ck_assert_ptr_null(getenv("BEARER_TOKEN"));
    pid_t child = fork();
    if (child == 0)
        _exit(execl("/bin/sh", "sh", "-c", "test -z \"$BEARER_TOKEN\" && ! grep -q eyJ /proc/self/environ", NULL));
    ck_assert_int_eq(waitpid(child, &code, 0), child);
    ck_assert_int_eq(code, 0);
    ck_assert(!stands_in("/proc/self/environ", obs_secret_bytes(token), obs_secret_size(token)));
    /* Later clients of the process have it, too. */
    ck_assert_ok(open_as(&again, path, NULL, NULL));
    ck_assert_str_eq(obs_client_subject(again), "function:a");
    obs_client_close(again);
    ck_assert_int_eq(open_as(&again, path, "", NULL), OBS_UNAUTHENTICATED);
    ck_assert_ok(open_as(&again, path, "-", NULL));
    ck_assert_str_eq(obs_client_subject(again), obs_client_subject(owner));
    obs_client_close(again);
    obs_client_close(bearer);
    obs_client_close(owner);
    obs_secret_free(token);
}
END_TEST

/* What BEARER_TOKEN held stays with the process: this one has a process of its own. */
static void in_a_child(void (*work)(const char *path), const char *path)
{
    int code;
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        work(path);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(child, &code, 0), child);
    ck_assert_int_eq(code, 0);
}

static void finds_a_foreign_token(const char *path)
{
    obs_client *client;
    /* {"alg":"RS256"} . {"iss":"https://grid.example","sub":"x"} . */
    setenv("BEARER_TOKEN", "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJodHRwczovL2dyaWQuZXhhbXBsZSIsInN1YiI6IngifQ.c2ln", 1);
    ck_assert_ok(open_as(&client, path, NULL, NULL));
    ck_assert_ptr_null(strstr(obs_client_subject(client), ":x"));
    obs_client_close(client);
    /* Given by the program it is an error. */
    ck_assert_int_eq(
        open_as(&client, path, "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJodHRwczovL2dyaWQuZXhhbXBsZSIsInN1YiI6IngifQ.c2ln", NULL),
        OBS_UNAUTHENTICATED);
}

START_TEST(tokens_of_others)
{
#ifdef __SANITIZE_THREAD__
    test_skipped("a forked child that reads", "ThreadSanitizer cannot start a thread after a fork");
    return;
#endif
    const char *path = new_workspace_without_token();
    in_a_child(finds_a_foreign_token, path);
    obs_client *owner = open_at(path), *bearer;
    const char *elsewhere = test_path(test_folder(), "elsewhere");
    ck_assert_ok(obs_workspace_init(elsewhere, NULL, &error));
    obs_client *other = open_at(elsewhere);
    obs_secret *token = issue_for(other, "user:ada", NULL, 3600);
    char *forged = strdup(obs_secret_bytes(token));
    ck_assert_int_eq(open_as(&bearer, path, forged, NULL), OBS_UNAUTHENTICATED);
    ck_assert_uint_eq(count_audit(owner, "client.open", "\"class\":\"refusal\""), 2); /* the child's, too */
    /* A copy of a workspace takes only what its own issuer signed. */
    obs_secret *own = issue_for(owner, "user:ada", NULL, 3600);
    free(forged);
    forged = strdup(obs_secret_bytes(own));
    char *last = strrchr(forged, '.') + 5;
    *last = *last == 'A' ? 'B' : 'A';
    ck_assert_int_eq(open_as(&bearer, path, forged, NULL), OBS_UNAUTHENTICATED);
    ck_assert_ptr_null(strstr(error.message, forged + strlen(forged) - 20));
    /* Without a signature at all. */
    last = strrchr(forged, '.');
    last[1] = '\0';
    ck_assert_int_eq(open_as(&bearer, path, forged, NULL), OBS_UNAUTHENTICATED);
    ck_assert_uint_eq(count_audit(owner, "client.open", "\"class\":\"refusal\""), 4);
    ck_assert_uint_eq(count_audit(owner, NULL, "eyJ"), 0);
    free(forged);
    obs_secret_free(own);
    obs_secret_free(token);
    obs_client_close(other);
    obs_client_close(owner);
}
END_TEST

START_TEST(nobody_hands_on_more_than_he_has)
{
    const char *path = new_workspace_without_token();
    obs_client *owner = open_at(path), *bearer, *narrow;
    obs_token_options options;
    obs_secret *token = issue_for(owner, "user:ada", "storage.read:/raw storage.create:/products", 60), *next = NULL;
    obs_buffer *claims;
    ck_assert_ok(open_as(&bearer, path, obs_secret_bytes(token), NULL));
    obs_token_options_init(&options, sizeof options);
    options.scope = "storage.read:/";
    assert_denied(obs_token_issue(&next, bearer, &options, &error), "more than it may do itself");
    options.scope = "storage.read:/raw storage.modify:/products";
    assert_denied(obs_token_issue(&next, bearer, &options, &error), "more than");
    options.scope = "storage.read:/raw";
    options.subject = "user:bob";
    assert_denied(obs_token_issue(&next, bearer, &options, &error), "only the owner");
    options.subject = NULL;
    options.tenant = "other";
    assert_denied(obs_token_issue(&next, bearer, &options, &error), "'other'");
    ck_assert_ptr_null(next);
    options.tenant = NULL;
    options.lifetime_s = 86400;
    ck_assert_ok(obs_token_issue(&next, bearer, &options, &error));
    ck_assert_ok(open_as(&narrow, path, obs_secret_bytes(next), NULL));
    ck_assert_int_eq(get(narrow, "raw/a"), OBS_NOT_FOUND);
    assert_denied(put(narrow, "products/a"), "store.put");
    /* It ends no later than the one it was made from. */
    obs_verify_options verify;
    obs_verify_options_init(&verify, sizeof verify);
    verify.algorithms = "EdDSA";
    ck_assert_ok(obs_token_verify(&claims, owner, obs_secret_bytes(next), OBS_TEXT, &verify, &error));
    long long expires = atoll(strstr(obs_buffer_data(claims), "\"exp\":") + 6);
    ck_assert_int_le(expires, time(NULL) + 3600);
    obs_buffer_free(claims);
    obs_secret_free(next);
    options.scope = "storage.write:/";
    ck_assert_int_eq(obs_token_issue(&next, owner, &options, &error), OBS_INVALID_ARGUMENT);
    options.scope = NULL;
    options.lifetime_s = 86401;
    ck_assert_int_eq(obs_token_issue(&next, owner, &options, &error), OBS_INVALID_ARGUMENT);
    obs_client_close(narrow);
    obs_client_close(bearer);
    obs_client_close(owner);
    obs_secret_free(token);
}
END_TEST

START_TEST(verifying)
{
    const char *path = new_workspace_without_token();
    obs_client *owner = open_at(path);
    obs_buffer *claims, *keys;
    obs_verify_options options;
    obs_secret *token = issue_for(owner, "user:ada", "storage.read:/raw", 3600);
    const char *text = obs_secret_bytes(token);
    ck_assert_int_eq(obs_token_verify(&claims, owner, text, OBS_TEXT, NULL, &error), OBS_INVALID_ARGUMENT);
    obs_verify_options_init(&options, sizeof options);
    options.algorithms = "none";
    ck_assert_int_eq(obs_token_verify(&claims, owner, text, OBS_TEXT, &options, &error), OBS_INVALID_ARGUMENT);
    options.algorithms = "HS256";
    ck_assert_int_eq(obs_token_verify(&claims, owner, text, OBS_TEXT, &options, &error), OBS_INVALID_ARGUMENT);
    options.algorithms = "RS256 ES256";
    ck_assert_int_eq(obs_token_verify(&claims, owner, text, OBS_TEXT, &options, &error), OBS_UNAUTHENTICATED);
    options.algorithms = "ES256 EdDSA";
    ck_assert_ok(obs_token_verify(&claims, owner, text, OBS_TEXT, &options, &error));
    ck_assert_ptr_nonnull(strstr(obs_buffer_data(claims), "\"sub\":\"user:ada\",\"tenant\":\"default\""));
    ck_assert_ptr_nonnull(strstr(obs_buffer_data(claims), "\"scope\":\"storage.read:/raw\""));
    obs_buffer_free(claims);
    options.audience = "another service";
    ck_assert_int_eq(obs_token_verify(&claims, owner, text, OBS_TEXT, &options, &error), OBS_UNAUTHENTICATED);
    options.audience = NULL;
    options.issuer = "https://idp.example";
    ck_assert_int_eq(obs_token_verify(&claims, owner, text, OBS_TEXT, &options, &error), OBS_UNAUTHENTICATED);
    options.issuer = NULL;
    ck_assert_ok(obs_token_keys(&keys, owner, &error));
    options.keys = obs_buffer_data(keys);
    options.keys_size = obs_buffer_size(keys);
    ck_assert_ok(obs_token_verify(&claims, owner, text, OBS_TEXT, &options, &error));
    obs_buffer_free(claims);
    ck_assert_uint_eq(count_audit(owner, "token.verify", "\"class\":\"refusal\""), 3);
    /* The workspace publishes the same; both after the next key was made. */
    ck_assert_ok(obs_token_rotate(owner, NULL, &error));
    options.keys = NULL;
    ck_assert_ok(obs_token_verify(&claims, owner, text, OBS_TEXT, &options, &error));
    obs_buffer_free(claims);
    obs_buffer_free(keys);
    ck_assert_ok(obs_token_keys(&keys, owner, &error));
    char *published = test_read(test_path(path, "keys.json"), NULL);
    ck_assert_int_eq(strncmp(published, obs_buffer_data(keys), obs_buffer_size(keys)), 0);
    ck_assert_ptr_null(strstr(published, "\"d\""));
    ck_assert_ptr_nonnull(strstr(strstr(published, "\"kid\"") + 1, "\"kid\""));
    free(published);
    obs_buffer_free(keys);
    obs_client_close(owner);
    obs_secret_free(token);
}
END_TEST

START_TEST(logging_in_and_out)
{
    char kept[400];
    struct stat found;
    const char *path = new_workspace_without_token();
    obs_client *owner = open_at(path), *client;
    obs_buffer *who;
    obs_secret *token = issue_for(owner, "user:ada", "storage.read:/", 3600);
    ck_assert_int_eq(obs_token_login(owner, "eyJ.eyJ.x", OBS_TEXT, NULL, &error), OBS_UNAUTHENTICATED);
    ck_assert_ok(obs_token_login(owner, obs_secret_bytes(token), obs_secret_size(token), NULL, &error));
    ck_assert_ok(obs_client_whoami(&who, owner, &error));
    const char *id = strstr(obs_buffer_data(who), "\"id\":\"") + 6;
    snprintf(kept, sizeof kept, "%s/.local/state/obs/%.36s/token", getenv("HOME"), id);
    obs_buffer_free(who);
    ck_assert_int_eq(stat(kept, &found), 0);
    ck_assert_int_eq(found.st_mode & 07777, 0600);
    ck_assert_ok(open_as(&client, path, NULL, NULL));
    ck_assert_str_eq(obs_client_subject(client), "user:ada");
    ck_assert_ok(obs_client_whoami(&who, client, &error));
    ck_assert_ptr_nonnull(strstr(obs_buffer_data(who), "\"token\":{\"scope\":\"storage.read:/\",\"expires\":\""));
    ck_assert_ptr_nonnull(strstr(obs_buffer_data(who), kept));
    ck_assert_ptr_null(strstr(obs_buffer_data(who), "eyJ"));
    obs_buffer_free(who);
    obs_client_close(client);
    ck_assert_int_eq(chmod(kept, 0640), 0);
    obs_status status = open_as(&client, path, NULL, NULL);
    ck_assert_msg(status == (geteuid() ? OBS_UNTRUSTED : OBS_OK) || status == OBS_UNTRUSTED, "%s", obs_status_name(status));
    if (status == OBS_OK)
        obs_client_close(client);
    ck_assert_ok(obs_token_logout(owner, NULL, &error));
    ck_assert_int_ne(access(kept, F_OK), 0);
    ck_assert_ok(obs_token_logout(owner, NULL, &error));
    ck_assert_ok(open_as(&client, path, NULL, NULL));
    ck_assert_str_eq(obs_client_subject(client), obs_client_subject(owner));
    obs_client_close(client);
    ck_assert_uint_eq(count_audit(owner, "token.login", "\"class\":\"login\""), 1);
    ck_assert_uint_eq(count_audit(owner, "token.logout", "\"class\":\"login\""), 2);
    ck_assert_uint_eq(count_audit(owner, "token.login", "\"class\":\"refusal\""), 1);
    ck_assert_uint_eq(count_audit(owner, "token.issue", "\"class\":\"grant\""), 1);
    ck_assert_uint_eq(count_audit(owner, "token.issue", " user:ada\""), 1);
    ck_assert_uint_eq(count_audit(owner, NULL, "eyJ"), 0);
    obs_client_close(owner);
    obs_secret_free(token);
}
END_TEST

static obs_client *inherited;

/* Longer than until the next look for a newer token, which in a child finds its parent's wiped. */
static void goes_on(const char *path)
{
    (void)path;
    ck_assert_ok(get(inherited, "raw/a"));
    usleep(1200000);
    ck_assert_ok(get(inherited, "raw/a"));
    assert_denied(put(inherited, "raw/b"), "store.put");
}

START_TEST(a_forked_child_goes_on_with_what_was_granted)
{
#ifdef __SANITIZE_THREAD__
    test_skipped("a forked child that reads", "ThreadSanitizer cannot start a thread after a fork");
    return;
#endif
    const char *path = new_workspace_without_token();
    const char *file = test_path(test_folder(), "token");
    obs_client *owner = open_at(path);
    ck_assert_ok(put(owner, "raw/a"));
    obs_secret *token = issue_for(owner, "function:a", "storage.read:/raw", 3600);
    ck_assert_ok(open_as(&inherited, path, obs_secret_bytes(token), NULL));
    in_a_child(goes_on, path);
    obs_client_close(inherited);
    write_token(file, token);
    setenv("BEARER_TOKEN_FILE", file, 1);
    ck_assert_ok(open_as(&inherited, path, NULL, NULL));
    in_a_child(goes_on, path);
    ck_assert_ok(get(inherited, "raw/a"));
    unsetenv("BEARER_TOKEN_FILE");
    obs_client_close(inherited);
    obs_client_close(owner);
    obs_secret_free(token);
}
END_TEST

int main(void)
{
    /* What BEARER_TOKEN held stays with the process: its test comes last. */
    const TTest *tests[] = {a_bearer_has_its_scopes,
                            all_ways_to_write_are_asked,
                            a_token_is_of_one_tenant,
                            acting_with_a_token,
                            a_client_outlives_its_tokens,
                            tokens_of_others,
                            nobody_hands_on_more_than_he_has,
                            verifying,
                            logging_in_and_out,
                            a_forked_child_goes_on_with_what_was_granted,
                            the_environment_gives_its_token_away_once};
    obs_error_init(&error, sizeof error);
    return test_main("client/token", tests, sizeof tests / sizeof tests[0]);
}
