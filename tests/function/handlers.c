/* A function for the tests: what it does follows from the last word of the event's type. */
#include <obs/obs.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static obs_status fail(obs_error *error, obs_status status, const char *what)
{
    error->status = status;
    snprintf(error->message, sizeof error->message, "%s", what);
    return status;
}

static obs_status put_text(obs_function_call *call, const char *key, const char *text, obs_error *error)
{
    return obs_function_put(call, key, OBS_TEXT, text, OBS_TEXT, NULL, error);
}

/* One product and one event for each event. */
static obs_status make(obs_function_call *call, obs_error *error)
{
    const obs_event *event = obs_function_event(call);
    char key[300], text[400];
    obs_event made;
    obs_event_init(&made, sizeof made);
    snprintf(key, sizeof key, "products/%s.txt", event->id);
    snprintf(text, sizeof text, "made of %s", event->subject);
    made.type = "org.example.product.made";
    made.subject = key;
    made.data = "{\"n\":1}";
    made.data_size = OBS_TEXT;
    printf("event %s\n", event->id);
    fflush(stdout);
    obs_status status = put_text(call, key, text, error);
    return status == OBS_OK ? obs_function_publish(call, &made, NULL, error) : status;
}

static obs_status copy(obs_function_call *call, obs_error *error)
{
    obs_buffer *bytes = NULL;
    obs_status status = obs_function_get(&bytes, call, obs_function_event(call)->subject, OBS_TEXT, error);
    if (status == OBS_OK)
        status = obs_function_put(call, "products/copy", OBS_TEXT, obs_buffer_data(bytes), obs_buffer_size(bytes), NULL, error);
    obs_buffer_free(bytes);
    return status;
}

/* All that it can see of what it was started with. */
static obs_status show_environment(obs_function_call *call, obs_error *error)
{
    static char text[65536];
    char link[64], target[300];
    size_t size = 0;
    for (char **at = environ; *at; at++)
        size += (size_t)snprintf(text + size, sizeof text - size, "%.500s\n", *at);
    for (int fd = 0; fd < 64; fd++) {
        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        ssize_t found = readlink(link, target, sizeof target - 1);
        if (found > 0)
            size += (size_t)snprintf(text + size, sizeof text - size, "fd %d %.*s\n", fd, (int)found, target);
    }
    return put_text(call, "products/environment", text, error);
}

/* What is put before the configuration is asked was made with it, too. */
static obs_status configure(obs_function_call *call, obs_error *error)
{
    obs_config *config = NULL, *again = NULL;
    obs_buffer *limit = NULL;
    const obs_pair forged[] = {{"configuration", "mine"}, {"event", "mine"}, {"night", "2026-11-20"}};
    obs_put_options options;
    obs_put_options_init(&options, sizeof options);
    options.labels = forged;
    options.label_count = 3;
    obs_status status = put_text(call, "products/first", "x", error);
    if (status == OBS_OK)
        status = obs_function_config(&config, call, error);
    if (status == OBS_OK)
        status = obs_function_config(&again, call, error);
    if (status == OBS_OK && again != config)
        status = fail(error, OBS_INTERNAL, "two snapshots in one call");
    if (status == OBS_OK)
        status = obs_config_json(&limit, config, "quality.limit", error);
    if (status == OBS_OK)
        status =
            obs_function_put(call, "products/limit", OBS_TEXT, obs_buffer_data(limit), obs_buffer_size(limit), &options, error);
    if (status == OBS_OK && strcmp(obs_buffer_data(limit), "3") == 0)
        status = put_text(call, "products/three", "x", error);
    obs_buffer_free(limit);
    return status;
}

/* Until somebody puts a hidden file, which is no part of the function, into its folder. */
static obs_status make_unless_slow(obs_function_call *call, obs_error *error)
{
    while (access(".slow", F_OK) == 0)
        pause();
    return make(call, error);
}

static obs_status read_forbidden(obs_function_call *call, obs_error *error)
{
    obs_buffer *bytes = NULL;
    obs_status status = obs_function_get(&bytes, call, "secret/plan", OBS_TEXT, error);
    obs_buffer_free(bytes);
    return status;
}

/* Its token must not let it write by itself, nor into another tenant. */
static obs_status write_itself(obs_function_call *call, obs_error *error)
{
    obs_client *client, *other = NULL;
    obs_as_options options;
    char text[200];
    obs_as_options_init(&options, sizeof options);
    options.tenant = "other";
    obs_status status = obs_function_client(&client, call, error);
    if (status != OBS_OK)
        return status;
    obs_status put = obs_store_put(NULL, obs_client_store(client), "products/itself", OBS_TEXT, "x", 1, NULL, NULL);
    obs_status as = obs_client_as(&other, client, &options, NULL);
    obs_client_close(other);
    snprintf(text, sizeof text, "%s %s", obs_status_name(put), obs_status_name(as));
    return put_text(call, "products/attempts", text, error);
}

/* Two processes come back from here. */
static obs_status fork_off(obs_function_call *call, obs_error *error)
{
    pid_t child = fork();
    if (child == 0) {
        obs_config *config = NULL;
        obs_status status = put_text(call, "products/child", "x", error);
        if (status == OBS_FAILED_PRECONDITION)
            status = obs_function_config(&config, call, error);
        _exit(status == OBS_FAILED_PRECONDITION && !config ? 0 : 1);
    }
    int status = 0;
    waitpid(child, &status, 0);
    return status == 0 ? put_text(call, "products/parent", "x", error) : fail(error, OBS_INTERNAL, "the child could add");
}

static void say(const char *text)
{
    send(3, text, strlen(text), MSG_NOSIGNAL);
}

static void say_outputs(const char *body)
{
    char text[1024];
    snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.obs.outputs\r\nContent-Length: %zu\r\n\r\n%s",
             strlen(body), body);
    say(text);
}

static obs_status use_memory(obs_error *error)
{
    for (int i = 0; i < 4096; i++) {
        char *piece = malloc((size_t)1 << 20);
        if (!piece)
            return fail(error, OBS_RESOURCE_EXHAUSTED, "no more memory");
        memset(piece, 1, (size_t)1 << 20);
    }
    return OBS_OK;
}

static obs_status put_large(obs_function_call *call, obs_error *error)
{
    size_t size = (size_t)3 << 20;
    char *bytes = malloc(size);
    const char *folder;
    char path[4096];
    if (!bytes)
        return fail(error, OBS_RESOURCE_EXHAUSTED, "no memory");
    memset(bytes, 'x', size);
    obs_status status = obs_function_put(call, "products/large", OBS_TEXT, bytes, size, NULL, error);
    free(bytes);
    if (status == OBS_OK)
        status = obs_function_folder(&folder, call, error);
    if (status != OBS_OK)
        return status;
    snprintf(path, sizeof path, "%s/plot.svg", folder);
    FILE *out = fopen(path, "w");
    fputs("<svg/>", out);
    fclose(out);
    status = obs_function_put_file(call, "products/plot.svg", OBS_TEXT, "plot.svg", NULL, error);
    if (status == OBS_OK &&
        obs_function_put_file(call, "products/passwd", OBS_TEXT, "../../function.yaml", NULL, NULL) == OBS_OK)
        return fail(error, OBS_INTERNAL, "a path that leads elsewhere was taken");
    return status;
}

/* A link in the folder of the call, to something that is not the function's. */
static obs_status put_link(obs_function_call *call, obs_error *error)
{
    const char *folder;
    char path[4096];
    obs_status status = obs_function_folder(&folder, call, error);
    snprintf(path, sizeof path, "%s/link", folder);
    if (symlink("/etc/passwd", path) != 0)
        return fail(error, OBS_INTERNAL, "no link");
    return status == OBS_OK ? obs_function_put_file(call, "products/link", OBS_TEXT, "link", NULL, error) : status;
}

static obs_status leave(obs_function_call *call, obs_error *error)
{
    const char *folder;
    char path[4096];
    obs_status status = obs_function_folder(&folder, call, error);
    snprintf(path, sizeof path, "%s/partial.dat", folder);
    FILE *out = fopen(path, "w");
    fputs("half", out);
    fclose(out);
    return status == OBS_OK ? fail(error, OBS_UNAVAILABLE, "the dome is closed") : status;
}

static obs_status misbehave(const char *how, obs_function_call *call, obs_error *error)
{
    static const char fake[] = "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.obs.outputs\r\nContent-Length: 0\r\n\r\n";
    if (strcmp(how, "hang") == 0)
        for (signal(SIGTERM, SIG_IGN);;)
            pause();
    if (strcmp(how, "crash") == 0)
        raise(SIGSEGV);
    if (strcmp(how, "exit") == 0)
        _exit(3);
    if (strcmp(how, "close") == 0)
        close(3);
    if (strcmp(how, "memory") == 0)
        return use_memory(error);
    if (strcmp(how, "print") == 0) {
        printf("%s{\"do\":\"put\",\"key\":\"products/printed\",\"size\":1}\nx\n", fake);
        fflush(stdout);
        return put_text(call, "products/print", "x", error);
    }
    if (strcmp(how, "garbage") == 0)
        say("\x01\x02\x03 what is this?\r\n\r\n\r\n");
    if (strcmp(how, "twice") == 0)
        say("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    if (strcmp(how, "huge") == 0)
        say("HTTP/1.1 200 OK\r\nContent-Length: 999999999999\r\n\r\n");
    if (strcmp(how, "negative") == 0)
        say("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n");
    if (strcmp(how, "lie") == 0)
        say_outputs("{\"do\":\"put\",\"key\":\"products/lie\",\"size\":999}\nx\n");
    if (strcmp(how, "config-lie") == 0)
        say_outputs("{\"do\":\"configuration\",\"sha256\":\"0000000000000000000000000000000000000000000000000000000000000000\","
                    "\"size\":2}\n{}\n");
    if (strcmp(how, "config-none") == 0)
        say_outputs("{\"do\":\"configuration\",\"version\":1}\n");
    if (strcmp(how, "unknown") == 0)
        say_outputs("{\"do\":\"delete\",\"key\":\"raw/a\"}\n");
    if (strcmp(how, "escape") == 0)
        say_outputs("{\"do\":\"put\",\"key\":\"products/escape\",\"file\":\"../../../../obs.yaml\"}\n");
    for (;;)
        pause();
}

/* Outputs of a wrong kind, as a program writes them that speaks for itself. */
static void say_wrong(const char *which)
{
    static const char *const bodies[] = {
        "[]\n",
        "null\n",
        "{\"do\":1}\n",
        "{\"do\":\"put\",\"key\":5,\"size\":1}\nx\n",
        "{\"do\":\"put\",\"key\":\"products/a\",\"size\":\"1\"}\nx\n",
        "{\"do\":\"put\",\"key\":\"products/a\",\"size\":-1}\nx\n",
        "{\"do\":\"put\",\"key\":\"products/a\",\"size\":1,\"labels\":[\"a\"]}\nx\n",
        "{\"do\":\"publish\"}\n",
        "{\"do\":\"publish\",\"event\":\"x\"}\n",
        "{\"do\":\"label\",\"key\":\"raw/a\",\"labels\":\"x\"}\n",
        "{\"do\":\"record\",\"definition\":1}\n",
    };
    size_t number = (size_t)atoi(which);
    say_outputs(number < sizeof bodies / sizeof *bodies ? bodies[number] : "");
}

/* An event without the attributes that each needs. */
static obs_status publish_nothing(obs_function_call *call, obs_error *error)
{
    obs_event made;
    obs_event_init(&made, sizeof made);
    return obs_function_publish(call, &made, NULL, error);
}

static obs_status handle(obs_function_call *call, void *context, obs_error *error)
{
    const char *type = obs_function_event(call)->type;
    const char *how = strrchr(type, '.') + 1;
    (void)context;
    if (strcmp(how, "make") == 0)
        return make(call, error);
    if (strcmp(how, "copy") == 0)
        return copy(call, error);
    if (strcmp(how, "fail") == 0)
        return leave(call, error);
    if (strcmp(how, "refuse") == 0)
        return fail(error, OBS_REFUSED, "this is no frame");
    if (strcmp(how, "outside") == 0)
        return put_text(call, "raw/outside", "x", error);
    if (strcmp(how, "slow") == 0)
        return make_unless_slow(call, error);
    if (strcmp(how, "config") == 0)
        return configure(call, error);
    if (strcmp(how, "environ") == 0)
        return show_environment(call, error);
    if (strcmp(how, "forbidden") == 0)
        return read_forbidden(call, error);
    if (strcmp(how, "itself") == 0)
        return write_itself(call, error);
    if (strcmp(how, "fork") == 0)
        return fork_off(call, error);
    if (strcmp(how, "large") == 0)
        return put_large(call, error);
    if (strcmp(how, "link") == 0)
        return put_link(call, error);
    if (strcmp(how, "untyped") == 0)
        return publish_nothing(call, error);
    if (strncmp(how, "wrong-", 6) == 0)
        say_wrong(how + 6); /* and waits to be ended, as others that misbehave */
    return misbehave(how, call, error);
}

int main(int argc, char **argv)
{
    return obs_function_main(argc, argv, handle, NULL);
}
