/*
 * A client with secrets, all of them in use, that ends itself with a core dump: leak.py looks for them in it.
 *
 *     secrets WORKSPACE    the canary comes on standard input; descriptor 3 takes a token that is issued here
 *
 * The token is used by a bearer, issued, verified and refused; a secret of the configuration and one from the environment are
 * held; the audit log and a document are signed; a child is started. Logs and errors go to standard error.
 */
#include <fcntl.h>
#include <obs/obs.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define CANARY_SIZE 8192

static obs_error error;
static atomic_int logged;

static void log_line(void *user, const obs_log_record *record)
{
    (void)user;
    atomic_fetch_add(&logged, 1);
    fprintf(stderr, "log: %s: %s\n", record->subject, record->message);
}

static void need(obs_status status, const char *what)
{
    if (status == OBS_OK)
        return;
    fprintf(stderr, "%s: %s (%s)\n", what, error.message, error.detail);
    exit(1);
}

static void expect_refused(obs_status status, const char *what)
{
    fprintf(stderr, "%s: %s (%s)\n", what, error.message, error.detail);
    if (status == OBS_OK)
        exit(1);
}

static obs_client *open_client(const char *workspace, const char *token)
{
    obs_client *client;
    obs_open_options options;
    obs_open_options_init(&options, sizeof options);
    options.workspace = workspace;
    options.token = token;
    need(obs_client_open(&client, &options, &error), "open");
    return client;
}

static void use_tokens(obs_client *owner, const obs_secret *token)
{
    obs_buffer *claims;
    obs_verify_options options;
    obs_verify_options_init(&options, sizeof options);
    options.algorithms = "EdDSA";
    need(obs_token_verify(&claims, owner, obs_secret_bytes(token), obs_secret_size(token), &options, &error), "verify");
    obs_buffer_free(claims);
    options.audience = "another";
    expect_refused(obs_token_verify(&claims, owner, obs_secret_bytes(token), obs_secret_size(token), &options, &error),
                   "audience");
    need(obs_token_login(owner, obs_secret_bytes(token), obs_secret_size(token), NULL, &error), "login");
    need(obs_token_logout(owner, NULL, &error), "logout");
}

/* With the keys of the audit log and of the configuration. */
static void sign(obs_client *owner)
{
    static const char document[] = "version: 1\na: 1\n";
    obs_buffer *note = NULL;
    need(obs_audit_sequence(obs_client_audit(owner), NULL, &error), "sequence");
    need(obs_config_sign(&note, obs_client_config(owner), document, OBS_TEXT, NULL, NULL, &error), "sign");
    obs_buffer_free(note);
}

/* A token's file that others can read is told of while it is looked at for a newer one. */
static void make_it_log(obs_client *bearer, const char *key)
{
    const char *file = getenv("BEARER_TOKEN_FILE");
    if (!file || utimensat(AT_FDCWD, file, NULL, 0) != 0 || chmod(file, 0644) != 0)
        return;
    for (int tries = 0; tries < 2000 && !atomic_load(&logged); tries++) {
        obs_stat *found = NULL;
        obs_store_head(&found, obs_client_store(bearer), key, OBS_TEXT, NULL, &error);
        obs_stat_free(found);
        usleep(10000);
    }
    chmod(file, 0600);
}

static size_t read_all(char *out, size_t capacity)
{
    size_t size = 0;
    for (ssize_t got; size < capacity && (got = read(STDIN_FILENO, out + size, capacity - size)) > 0;)
        size += (size_t)got;
    return size;
}

static void run_child(void)
{
    int code;
    pid_t child = fork();
    if (child == 0)
        _exit(execl("/bin/sh", "sh", "-c", "cat /proc/$$/environ /proc/$$/cmdline; tr '\\0' '\\n' </proc/$PPID/environ", NULL));
    waitpid(child, &code, 0);
}

int main(int count, char **words)
{
    obs_secret *issued = NULL, *password = NULL, *inherited = NULL;
    if (count != 2)
        return 2;
    char *canary = calloc(1, CANARY_SIZE);
    if (!canary || !read_all(canary, CANARY_SIZE - 1))
        return 2;
    obs_error_init(&error, sizeof error);
    obs_log_set(log_line, NULL, OBS_LOG_DEBUG);
    obs_client *bearer = open_client(words[1], NULL); /* from the environment, or a file */
    obs_client *owner = open_client(words[1], "-");
    fprintf(stderr, "the bearer is %s\n", obs_client_subject(bearer));
    char key[300];
    snprintf(key, sizeof key, "products/%s", obs_client_subject(bearer));
    need(obs_store_put(NULL, obs_client_store(bearer), key, OBS_TEXT, "x", 1, NULL, &error), "put");
    expect_refused(obs_store_put(NULL, obs_client_store(bearer), "raw/a", OBS_TEXT, "x", 1, NULL, &error), "put elsewhere");
    need(obs_token_issue(&issued, owner, NULL, &error), "issue");
    if (write(3, obs_secret_bytes(issued), obs_secret_size(issued)) < 0)
        return 1;
    use_tokens(owner, issued);
    need(obs_config_secret(&password, obs_client_config(owner), "mpc.password", &error), "config");
    need(obs_config_secret(&inherited, obs_client_config(owner), "mpc.key", &error), "config");
    sign(owner);
    make_it_log(bearer, key);
    run_child();
    fprintf(stderr, "%zu and %zu bytes\n", obs_secret_size(password), obs_secret_size(inherited));
    fflush(NULL);
    abort();
}
