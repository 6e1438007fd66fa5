/* Each allocation of what goes over the network fails once: configuration from a web server, read and written, and an anchor
 * of the audit log. No crash, nothing leaked, and nobody is told that a document is as it was when it was changed. */
#include <openssl/err.h>

#include "base/error.h"
#include "client/anchor.h"
#include "client/config_source.h"
#include "faults/failing_malloc.h"
#include "net/ask.h"

#define TIMES_MAX 30000

static obs_error error;

typedef struct trial {
    const char *name;
    obs_status (*call)(void);
    void (*before)(void);             /* each time, with memory; or NULL */
    void (*after)(obs_status status); /* each time, with memory; or NULL */
    int step; /* of a new encrypted connection, which takes thousands of allocations, only each so-manieth fails */
} trial;

/* OpenSSL tells most of its troubles alike: only without it is each error about memory. */
static void check_error(const trial *trial, long n, obs_status status)
{
    int is_fine = obs__lacks_memory(&error) || (trial->step > 1 && status != OBS_OK && *error.message);
    ck_assert_msg(is_fine, "%s: allocation %ld: %s (%s)", trial->name, n, error.message, error.detail);
}

/* One attempt for each allocation; gives how many there are. */
static long sweep(const trial *trial)
{
    long n = 1;
    for (int failed = 1; failed; n += trial->step) {
        ck_assert_msg(n < TIMES_MAX, "%s never succeeds", trial->name);
        if (trial->before)
            trial->before();
        failing_malloc_arm(n, 0);
        obs_status status = trial->call();
        failed = failing_malloc_disarm();
        ERR_clear_error(); /* OpenSSL keeps errors, with texts of their own */
        ck_assert_msg(failed || status == OBS_OK, "%s: %s (%s)", trial->name, error.message, error.detail);
        if (status != OBS_OK)
            check_error(trial, n, status);
        if (trial->after)
            trial->after(status);
    }
    return n;
}

/* What libraries make once and keep is there after the first sweep; a leak leaks in the second, too, and each time. What an
 * encrypted connection leaves in caches differs by some blocks. */
static void fail_each(const trial *trial)
{
    sweep(trial);
    long before = failing_malloc_live();
    long count = sweep(trial);
    long left = failing_malloc_live() - before;
    printf("%s: %ld allocations\n", trial->name, count - trial->step);
    ck_assert_msg(left <= (trial->step > 1 ? 5 : 0), "%s: %ld blocks are left behind", trial->name, left);
}

/* ---- A document. ---- */

static obs__config_source source;
static char etag[OBS__CONFIG_ETAG_SIZE];

static obs_status open_source(const char *scheme, int port)
{
    char url[300];
    snprintf(url, sizeof url, "%s://127.0.0.1:%d/doc?ca=%s/ca.pem", scheme, port, server.folder);
    source = (obs__config_source){.url = url};
    obs_status status = obs__config_http_source(&source, NULL, "/", &error);
    source.url = NULL;
    return status;
}

static void close_source(void)
{
    if (source.ops)
        source.ops->free(source.user);
    source = (obs__config_source){.url = NULL};
}

static obs_status read_document(void)
{
    obs__config_answer answer = {.bytes = NULL};
    obs__limit limit = obs__limit_in(20000, NULL);
    obs_status status = source.ops->fetch(source.user, "", &answer, &limit, &error);
    if (status == OBS_OK && (obs_buffer_size(answer.bytes) != 5 || memcmp(obs_buffer_data(answer.bytes), "a: 1\n", 5) != 0))
        status = obs__fail(&error, OBS_INTERNAL, "another document");
    snprintf(etag, sizeof etag, "%s", answer.etag);
    obs_buffer_free(answer.bytes);
    return status;
}

static obs_status open_and_read(void)
{
    obs_status status = open_source("http", server.plain);
    if (status == OBS_OK)
        status = read_document();
    close_source();
    return status;
}

static obs_status open_and_read_tls(void)
{
    obs_status status = open_source("https", server.tls);
    if (status == OBS_OK)
        status = read_document();
    close_source();
    return status;
}

static void set_back(void)
{
    change("bytes", "a: 1\n");
}

static obs_status write_document(void)
{
    char made[OBS__CONFIG_ETAG_SIZE];
    obs__limit limit = obs__limit_in(20000, NULL);
    return source.ops->put(source.user, etag, (obs__view){"a: 2\n", 5}, made, &limit, &error);
}

static void check_written(obs_status status)
{
    int is_new = strcmp(web("GET", "/doc", NULL, 0), "a: 2\n") == 0;
    int is_unknown = status != OBS_OK && strstr(error.message, "is not known") != NULL;
    ck_assert_msg(is_unknown || is_new == (status == OBS_OK), "%s: %s", is_new ? "changed" : "as it was", error.message);
}

/* ---- An anchor. ---- */

static obs_status tell_and_ask(void)
{
    char url[300];
    obs__anchor *anchor = NULL;
    obs_buffer *last = NULL;
    snprintf(url, sizeof url, "http://127.0.0.1:%d/witness", server.plain);
    obs__config_line line = {.url = url};
    obs_status status = obs__anchor_site(&anchor, &line, "/", &error);
    if (status == OBS_OK)
        status = anchor->ops->write(anchor, (obs__view){"a checkpoint\n", 13}, &error);
    if (status == OBS_OK)
        status = anchor->ops->read_last(&last, anchor, &error);
    if (status == OBS_OK && (obs_buffer_size(last) != 13 || memcmp(obs_buffer_data(last), "a checkpoint\n", 13) != 0))
        status = obs__fail(&error, OBS_INTERNAL, "another checkpoint");
    obs_buffer_free(last);
    obs__anchor_free(anchor);
    return status;
}

START_TEST(each_allocation_fails_once)
{
    static const trial trials[] = {{"reading a document", open_and_read, NULL, NULL, 1},
                                   {"reading a document, encrypted", open_and_read_tls, NULL, NULL, 1},
                                   {"an anchor", tell_and_ask, NULL, NULL, 1}};
    static const trial writing = {"writing a document", write_document, set_back, check_written, 1};
    static const trial writing_tls = {"writing a document, encrypted", write_document, set_back, check_written, 83};
    server_start(OBS_TEST_SERVER);
    set_back();
    for (size_t i = 0; i < sizeof trials / sizeof *trials; i++)
        fail_each(&trials[i]);
    ck_assert_ok(open_source("http", server.plain));
    ck_assert_ok(read_document());
    fail_each(&writing);
    close_source();
    set_back();
    ck_assert_ok(open_source("https", server.tls));
    ck_assert_ok(read_document());
    fail_each(&writing_tls);
    close_source();
    server_stop();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {each_allocation_fails_once};
    obs_error_init(&error, sizeof error);
    if (!failing_malloc_arm) {
        test_skipped("failing allocations", "the allocator that fails is not there (not glibc, or a sanitizer has its own)");
        return 0;
    }
    if (system("python3 -c 'import ssl' && openssl version >/dev/null") != 0) {
        test_skipped("a web server", "Python 3 and the openssl command are needed for its server");
        return 0;
    }
    return test_main("net memory", tests, sizeof tests / sizeof *tests);
}
