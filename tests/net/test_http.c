/* HTTP requests against a real server: what is asked, every refusal, and every fault a server can have. */
#include "net/http.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "net/server.h"

#define LIMIT ((size_t)100000)

static obs_error error;
static obs__http_response response;

static char *url_of(int port, const char *rest)
{
    static char urls[4][256];
    static int turn;
    char *url = urls[turn++ % 4];
    snprintf(url, sizeof urls[0], "%s://127.0.0.1:%d%s", port == server.plain ? "http" : "https", port, rest);
    return url;
}

static obs_status ask(const char *url, const char *ca, int64_t timeout_ms)
{
    obs__http_request request = {.url = url, .limit = LIMIT, .ca = ca};
    obs__limit limit = obs__limit_in(timeout_ms, NULL);
    obs_buffer_free(response.body);
    return obs__http_call(&response, &request, &limit, &error);
}

static obs_status get(const char *rest)
{
    return ask(url_of(server.plain, rest), NULL, 60000);
}

static int has(const char *part)
{
    return strstr(obs_buffer_data(response.body), part) != NULL;
}

#define assert_fails(call, status, part)                                                                                       \
    do {                                                                                                                       \
        ck_assert_int_eq(call, status);                                                                                        \
        ck_assert_msg(strstr(error.message, part) != NULL, "'%s' is not in '%s'", part, error.message);                        \
    } while (0)

/* Check wants to be running before anything is asserted. */
START_TEST(a_server_starts)
{
    server_start(OBS_TEST_SERVER);
    ck_assert_int_gt(server.plain, 0);
}
END_TEST

/* Whoever asks no web server does not pay for libcurl at each start. */
START_TEST(libcurl_is_loaded_with_the_first_request)
{
    ck_assert_ptr_null(dlopen("libcurl.so.4", RTLD_NOW | RTLD_NOLOAD));
    ck_assert_ok(get("/echo"));
    void *library = dlopen("libcurl.so.4", RTLD_NOW | RTLD_NOLOAD);
    ck_assert_ptr_nonnull(library);
    dlclose(library);
}
END_TEST

START_TEST(an_answer_with_all_that_belongs_to_it)
{
    ck_assert_ok(get("/echo?a=b"));
    ck_assert_int_eq(response.status, 200);
    ck_assert_str_eq(response.etag, "\"e1\"");
    ck_assert_str_eq(response.request_id, "r-17");
    ck_assert_int_eq(response.modified_ns, INT64_C(10000000000));
    ck_assert(has("\"method\": \"GET\"") && has("\"/echo?a=b\"") && has("\"user-agent\": \"libobs/"));
    ck_assert(!has("authorization") && !has("accept-encoding"));
}
END_TEST

START_TEST(a_body_headers_and_a_token_are_sent)
{
    obs_pair headers[] = {{"X-One", "1"}, {"Content-Type", "text/plain"}};
    obs_secret *token;
    obs__limit limit = obs__limit_in(-1, NULL);
    ck_assert_ok(obs_secret_new(&token, "t0ken", OBS_TEXT, &error));
    obs__http_request request = {.method = "PUT",
                                 .url = url_of(server.plain, "/echo"),
                                 .headers = headers,
                                 .header_count = 2,
                                 .bearer = token,
                                 .body = obs__view_of("b\no\ndy", OBS_TEXT),
                                 .limit = LIMIT};
    obs_buffer_free(response.body);
    ck_assert_ok(obs__http_call(&response, &request, &limit, &error));
    ck_assert(has("\"method\": \"PUT\"") && has("\"x-one\": \"1\"") && has("\"content-type\": \"text/plain\""));
    ck_assert(has("\"authorization\": \"Bearer t0ken\"") && has("\"b\\no\\ndy\"") && !has("expect"));
    obs_secret_free(token);
    request.bearer = NULL;
    obs_buffer_free(response.body);
    headers[0].value = "1\r\nX-Two: 2";
    assert_fails(obs__http_call(&response, &request, &limit, &error), OBS_INVALID_ARGUMENT, "'X-One' has a control character");
    request.method = "POST";
    request.header_count = 0;
    ck_assert_ok(obs__http_call(&response, &request, &limit, &error));
    ck_assert(has("\"POST\"") && !has("content-type"));
    /* What the lane was told before is forgotten. */
    ck_assert_ok(get("/echo"));
    ck_assert(!has("authorization") && !has("x-one") && has("\"GET\""));
}
END_TEST

#define CANARY_SIZE 24

/* Never in clear in this program itself. */
static char canary(size_t i)
{
    return (char)("\x29\x1c\x12\x70\x33\x2e\x04\x11\x38\x09\x17\x26\x2d\x30\x0b\x74\x2c\x3f\x06\x10\x36\x08\x14\x27"[i] ^ 'B');
}

/* How often the canary stands in a piece of memory. */
static int find_canary(const char *data, size_t size)
{
    int found = 0;
    for (size_t at = 0; at + CANARY_SIZE <= size; at++) {
        size_t same = 0;
        while (same < CANARY_SIZE && data[at + same] == canary(same))
            same++;
        found += same == CANARY_SIZE;
    }
    return found;
}

/* The same for all that a core dump of this process would hold, but for the page of the secret, which is not dumped. */
static int scan_memory(const obs_secret *secret)
{
    const size_t room = 1 << 16;
    char *piece =
        mmap(NULL, room, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0); /* shared: a mapping of its own */
    char line[512];
    int found = 0, memory = open("/proc/self/mem", O_RDONLY);
    FILE *maps = fopen("/proc/self/maps", "r");
    unsigned long begin, end, own = (unsigned long)obs_secret_bytes(secret);
    ck_assert(memory >= 0 && maps && piece != MAP_FAILED);
    while (fgets(line, sizeof line, maps)) {
        char rights[5];
        ck_assert_int_eq(sscanf(line, "%lx-%lx %4s", &begin, &end, rights), 3);
        if (rights[0] != 'r' || rights[1] != 'w' || end - begin > 1UL << 28 || (begin <= own && own < end) ||
            (begin <= (unsigned long)piece && (unsigned long)piece < end))
            continue;
        for (unsigned long at = begin; at < end; at += room - CANARY_SIZE) {
            ssize_t got = pread(memory, piece, end - at < room ? end - at : room, (off_t)at);
            found += got > 0 ? find_canary(piece, (size_t)got) : 0;
        }
    }
    munmap(piece, room);
    fclose(maps);
    close(memory);
    return found;
}

START_TEST(no_copy_of_a_token_stays_behind)
{
    static volatile char text[CANARY_SIZE];
    obs_secret *token;
    obs__limit limit = obs__limit_in(-1, NULL);
    for (size_t i = 0; i < CANARY_SIZE; i++)
        text[i] = canary(i);
    ck_assert_ok(obs_secret_new(&token, (const char *)text, CANARY_SIZE, &error));
    ck_assert_int_ge(scan_memory(token), 1); /* the scan can see one */
    for (size_t i = 0; i < CANARY_SIZE; i++)
        text[i] = 0;
    for (int i = 0; i < 2; i++) {
        obs__http_request request = {.url = url_of(i ? server.tls : server.plain, "/status/200"),
                                     .bearer = token,
                                     .limit = LIMIT,
                                     .ca = i ? test_path(server.folder, "ca.pem") : NULL};
        obs_buffer_free(response.body);
        ck_assert_ok(obs__http_call(&response, &request, &limit, &error));
        ck_assert_int_eq(response.status, 200);
        ck_assert_int_eq(scan_memory(token), 0);
    }
    obs_secret_free(token);
}
END_TEST

static int port_of_client(void)
{
    return atoi(strstr(obs_buffer_data(response.body), "\"port\": ") + 8);
}

START_TEST(a_connection_is_used_again)
{
    ck_assert_ok(get("/echo"));
    int port = port_of_client();
    ck_assert_ok(get("/echo"));
    ck_assert_int_eq(port_of_client(), port);
}
END_TEST

/* On a connection that died while it was idle libcurl would write a second time, unasked. */
START_TEST(a_change_has_a_connection_of_its_own)
{
    obs__limit limit = obs__limit_in(-1, NULL);
    obs__http_request request = {
        .method = "PUT", .url = url_of(server.plain, "/echo"), .body = obs__view_of("x", OBS_TEXT), .limit = LIMIT};
    ck_assert_ok(get("/echo"));
    int port = port_of_client();
    obs_buffer_free(response.body);
    ck_assert_ok(obs__http_call(&response, &request, &limit, &error));
    ck_assert_int_ne(port_of_client(), port);
}
END_TEST

START_TEST(a_forked_child_has_connections_of_its_own)
{
    int status;
    ck_assert_ok(get("/echo"));
    int port = port_of_client();
    pid_t child = fork();
    if (child == 0) {
        int fine = get("/echo") == OBS_OK && port_of_client() != port;
        _exit(fine ? 0 : 1);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    ck_assert_ok(get("/echo"));
    ck_assert_int_eq(port_of_client(), port);
}
END_TEST

START_TEST(what_is_never_asked)
{
    static const char *const not_encrypted[] = {
        "http://conf.example.org/x", "http://10.0.0.1/", "http://localhost.example/",
        "http://128.0.0.1/",         "http://[::2]/",    "http://127.0.0.1.example.org/"};
    for (size_t i = 0; i < sizeof not_encrypted / sizeof not_encrypted[0]; i++)
        assert_fails(ask(not_encrypted[i], NULL, 60000), OBS_INVALID_ARGUMENT, "is not encrypted, which is only for this");
    assert_fails(ask("ftp://127.0.0.1/", NULL, 60000), OBS_INVALID_ARGUMENT, "begins with https://");
    assert_fails(ask("file:///etc/passwd", NULL, 60000), OBS_INVALID_ARGUMENT, "begins with https://");
    assert_fails(ask("https:///x", NULL, 60000), OBS_INVALID_ARGUMENT, "names no host");
    assert_fails(ask("https://ada@127.0.0.1/", NULL, 60000), OBS_INVALID_ARGUMENT, "give a token");
    assert_fails(ask("https://127.0.0.1/?token=${secret:x}", NULL, 60000), OBS_INVALID_ARGUMENT, "give a token");
    assert_fails(ask("https://ada:secret@127.0.0.1/", NULL, 60000), OBS_INVALID_ARGUMENT, "a password does not belong");
    /* What two readers of URLs could understand in two ways. */
    assert_fails(ask("http://localhost\\@example.org/", NULL, 60000), OBS_INVALID_ARGUMENT, "");
    assert_fails(ask("http://127.0.0.1%2eexample.org/", NULL, 60000), OBS_INVALID_ARGUMENT, "");
}
END_TEST

START_TEST(what_a_status_means)
{
    static const struct {
        int http;
        obs_status status;
        int retryable;
    } rows[] = {{400, OBS_INVALID_ARGUMENT, 0},
                {401, OBS_UNAUTHENTICATED, 0},
                {403, OBS_PERMISSION_DENIED, 0},
                {404, OBS_NOT_FOUND, 0},
                {409, OBS_ABORTED, 1},
                {412, OBS_FAILED_PRECONDITION, 0},
                {429, OBS_UNAVAILABLE, 1},
                {500, OBS_UNAVAILABLE, 1},
                {503, OBS_UNAVAILABLE, 1},
                {501, OBS_UNIMPLEMENTED, 0},
                {413, OBS_RESOURCE_EXHAUSTED, -1},
                {410, OBS_NOT_FOUND, 0}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char path[32], http[32];
        snprintf(path, sizeof path, "/status/%d?token=", rows[i].http);
        snprintf(http, sizeof http, "(HTTP %d)", rows[i].http);
        ck_assert_ok(get(path));
        ck_assert_int_eq(response.retry_ns, INT64_C(9000000000));
        assert_fails(obs__http_fail(&response, "site.yaml", &error), rows[i].status, http);
        if (rows[i].retryable >= 0)
            ck_assert_int_eq(error.retryable, rows[i].retryable);
        ck_assert_int_eq(error.http_status, rows[i].http);
        ck_assert_str_eq(error.request_id, "r-18");
        ck_assert_str_eq(error.detail, "the words of the server");
    }
    ck_assert_ok(get("/date"));
    ck_assert_int_gt(response.retry_ns, INT64_C(2000000000000)); /* of 3000 s that the server said a moment ago */
    ck_assert_int_le(response.retry_ns, INT64_C(3000000000000));
}
END_TEST

START_TEST(a_redirect_is_not_followed)
{
    ck_assert_ok(get("/redirect"));
    ck_assert_int_eq(response.status, 302);
    assert_fails(obs__http_fail(&response, "site.yaml", &error), OBS_FAILED_PRECONDITION, "leads elsewhere (HTTP 302)");
    ck_assert_ptr_nonnull(strstr(error.message, "/doc"));
    ck_assert_ptr_null(strstr(error.message, "hidden"));
}
END_TEST

START_TEST(an_answer_that_is_too_large)
{
    struct rusage before, after;
    getrusage(RUSAGE_SELF, &before);
    assert_fails(get("/huge"), OBS_RESOURCE_EXHAUSTED, "is larger than the limit of 100000 bytes");
    assert_fails(get("/endless?200"), OBS_RESOURCE_EXHAUSTED, "is larger than the limit of 100000 bytes");
    /* The words of an error are cut, but it stays that error. */
    ck_assert_ok(get("/endless?403"));
    ck_assert_int_eq(response.status, 403);
    ck_assert_uint_le(obs_buffer_size(response.body), LIMIT);
    assert_fails(get("/headers"), OBS_UNAVAILABLE, "has too many headers");
    getrusage(RUSAGE_SELF, &after);
    ck_assert_int_lt(after.ru_maxrss - before.ru_maxrss, 20000);
}
END_TEST

START_TEST(an_answer_that_is_not_whole)
{
    static const char *const broken[] = {"/cut", "/closed", "/garbage"};
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        assert_fails(get(broken[i]), OBS_UNAVAILABLE, "broke before the answer was complete");
        ck_assert_int_eq(error.retryable, 1);
        ck_assert_str_ne(error.detail, "");
        ck_assert_ptr_null(response.body);
    }
    assert_fails(get("/nolength"), OBS_UNAVAILABLE, "does not tell how long its answer is");
    ck_assert_ptr_null(response.body);
}
END_TEST

#define LONG_PART "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

START_TEST(nobody_is_there)
{
    assert_fails(ask("http://127.0.0.1:1/x?y=z", NULL, 60000), OBS_UNAVAILABLE, "'http://127.0.0.1:1/x': nobody answers");
    ck_assert(!response.sent);
    ck_assert_ok(get("/doc"));
    ck_assert(response.sent);
    /* No name has parts so long: nobody is asked, how ever the machine looks up names. */
    assert_fails(ask("https://" LONG_PART ".invalid/", NULL, 60000), OBS_UNAVAILABLE, "cannot be looked up");
}
END_TEST

START_TEST(the_time_holds_at_every_moment)
{
    static const char *const slow[] = {"/hang", "/drip"};
    for (size_t i = 0; i < sizeof slow / sizeof slow[0]; i++) {
        int64_t begin = obs__monotonic_ns();
        assert_fails(ask(url_of(server.plain, slow[i]), NULL, 300), OBS_DEADLINE_EXCEEDED, "ran out");
        int64_t took = (obs__monotonic_ns() - begin) / 1000000;
        ck_assert_int_ge(took, 300);
        ck_assert_int_lt(took, 100000); /* without a limit it would be for ever */
    }
    assert_fails(ask(url_of(server.plain, "/echo"), NULL, 0), OBS_DEADLINE_EXCEEDED, "ran out");
}
END_TEST

static void *cancel_soon(void *user)
{
    usleep(700000); /* by then libcurl sleeps soundly */
    obs_cancel_set(user);
    return NULL;
}

START_TEST(cancel_wakes_a_call)
{
    pthread_t thread;
    obs_cancel *cancel;
    obs__http_request request = {.url = url_of(server.plain, "/hang"), .limit = LIMIT};
    ck_assert_ok(obs_cancel_new(&cancel, &error));
    obs__limit limit = obs__limit_in(300000, cancel);
    int64_t begin = obs__monotonic_ns();
    ck_assert_int_eq(pthread_create(&thread, NULL, cancel_soon, cancel), 0);
    assert_fails(obs__http_call(&response, &request, &limit, &error), OBS_CANCELLED, "cancelled");
    int64_t took = (obs__monotonic_ns() - begin) / 1000000;
    pthread_join(thread, NULL);
    ck_assert_int_lt(took, 200000); /* and not until the time is over */
    obs_cancel_free(cancel);
}
END_TEST

START_TEST(certificates)
{
    const char *ca = test_path(server.folder, "ca.pem"), *other = test_path(server.folder, "other-ca.pem");
    ck_assert_ok(ask(url_of(server.tls, "/echo"), ca, 60000));
    ck_assert(has("\"method\": \"GET\""));
    assert_fails(ask(url_of(server.tls, "/echo"), NULL, 60000), OBS_FAILED_PRECONDITION, "is not to be trusted");
    ck_assert_int_eq(error.retryable, 0);
    /* The environment, which others may have made, names no authority. */
    static const char *const names[] = {"SSL_CERT_FILE", "CURL_CA_BUNDLE"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        setenv(names[i], ca, 1);
        assert_fails(ask(url_of(server.tls, "/echo?3"), NULL, 60000), OBS_FAILED_PRECONDITION, "is not to be trusted");
        unsetenv(names[i]);
    }
    assert_fails(ask(url_of(server.tls, "/echo"), other, 60000), OBS_FAILED_PRECONDITION, "is not to be trusted");
    assert_fails(ask(url_of(server.wrong, "/echo"), ca, 60000), OBS_FAILED_PRECONDITION, "is not to be trusted");
    assert_fails(ask(url_of(server.old, "/echo"), ca, 60000), OBS_UNAVAILABLE, "TLS 1.2 or newer");
    assert_fails(ask(url_of(server.tls, "/echo"), test_path(server.folder, "none.pem"), 60000), OBS_FAILED_PRECONDITION,
                 "cannot be read");
    ck_assert_ok(ask(url_of(server.tls, "/echo"), ca, 60000));
}
END_TEST

/* The environment's proxy would carry the bytes of plain http to another machine. */
START_TEST(plain_http_takes_no_proxy)
{
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    setenv("https_proxy", "http://127.0.0.1:1", 1);
    ck_assert_ok(get("/echo"));
    ck_assert_int_ne(ask(url_of(server.tls, "/echo?2"), test_path(server.folder, "other-ca.pem"), 60000), OBS_OK);
    ck_assert_int_eq(error.status, OBS_UNAVAILABLE);
    unsetenv("http_proxy");
    unsetenv("https_proxy");
}
END_TEST

static void *ask_often(void *user)
{
    obs_error own;
    obs__limit limit = obs__limit_in(-1, NULL);
    obs__http_request request = {.url = user, .limit = LIMIT};
    obs_error_init(&own, sizeof own);
    for (int i = 0; i < 20; i++) {
        obs__http_response answer;
        obs_status status = obs__http_call(&answer, &request, &limit, &own);
        ck_assert_msg(status == OBS_OK, "%s (%s)", own.message, own.detail);
        ck_assert_int_eq(answer.status, 200);
        obs_buffer_free(answer.body);
    }
    return NULL;
}

START_TEST(many_threads)
{
    pthread_t threads[12];
    char url[256];
    snprintf(url, sizeof url, "%s", url_of(server.plain, "/echo"));
    for (size_t i = 0; i < 12; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, ask_often, url), 0);
    for (size_t i = 0; i < 12; i++)
        pthread_join(threads[i], NULL);
}
END_TEST

int main(void)
{
    const TTest *tests[] = {a_server_starts,
                            libcurl_is_loaded_with_the_first_request,
                            an_answer_with_all_that_belongs_to_it,
                            a_body_headers_and_a_token_are_sent,
                            no_copy_of_a_token_stays_behind,
                            a_connection_is_used_again,
                            a_change_has_a_connection_of_its_own,
                            a_forked_child_has_connections_of_its_own,
                            what_is_never_asked,
                            what_a_status_means,
                            a_redirect_is_not_followed,
                            an_answer_that_is_too_large,
                            an_answer_that_is_not_whole,
                            nobody_is_there,
                            the_time_holds_at_every_moment,
                            cancel_wakes_a_call,
                            certificates,
                            plain_http_takes_no_proxy,
                            many_threads};
    obs_error_init(&error, sizeof error);
    if (system("python3 -c 'import ssl' && openssl version >/dev/null") != 0) {
        test_skipped("a web server", "Python 3 and the openssl command are needed for its server");
        return 0;
    }
    int result = test_main("http", tests, sizeof tests / sizeof tests[0]);
    server_stop();
    obs_buffer_free(response.body);
    return result;
}
