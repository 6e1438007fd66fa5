#include "net/http.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/metrics.h"
#include "net/address.h"
#include "net/answer.h"
#include "net/lane.h"

#define LABEL_SIZE 256

static obs__histogram requests = {.name = "obs_net_request_seconds", .help = "HTTP requests, from the first byte to the last."};

/* One request on its way. */
struct exchange {
    const obs__curl *curl;
    const obs__http_request *request;
    obs__lane *lane;
    obs__answer answer;
    struct curl_slist *headers;
    char label[LABEL_SIZE];         /* the URL as it may be shown */
    int stays_here;                 /* plain, and not allowed to leave this machine */
    int left_machine;               /* a name of this machine led elsewhere */
    char refused[INET6_ADDRSTRLEN]; /* an address that is not public; "": none */
};

static int is_loopback(const char *host)
{
    return strcmp(host, "localhost") == 0 || obs__address_is_loopback(host);
}

obs_status obs__http_check(const obs__url *url, obs_error *error)
{
    return obs__http_check_plain(url, 0, error);
}

obs_status obs__http_check_plain(const obs__url *url, int allow_plain, obs_error *error)
{
    char label[LABEL_SIZE];
    obs__url_print(label, sizeof label, url);
    int plain = strcmp(url->scheme, "http") == 0;
    if (!plain && strcmp(url->scheme, "https") != 0)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "'%.200s' is not the address of a web server: it begins with https://",
                         label);
    if (!*url->host || strpbrk(url->host, "\\,@"))
        return obs__fail(error, OBS_INVALID_ARGUMENT, "'%.200s' names no host", label);
    if (*url->user || *url->password)
        return obs__fail(error, OBS_INVALID_ARGUMENT,
                         "'%.200s': a user does not belong into the URL of a web server: give a "
                         "token",
                         label);
    for (size_t i = 0; i < url->setting_count; i++)
        if (strncmp(url->settings[i].value, "${", 2) == 0)
            return obs__fail(error, OBS_INVALID_ARGUMENT,
                             "'%.200s': a secret does not belong into the URL of a web server: give a token", label);
    if (plain && !allow_plain && !is_loopback(url->host))
        return obs__fail(error, OBS_INVALID_ARGUMENT,
                         "'%.200s' is not encrypted, which is only for this very machine: write https://", label);
    return OBS_OK;
}

/* Where a connection really leads, whatever its name said: 0 when it must not. */
static int may_lead_to(struct exchange *exchange, const char *address)
{
    if (exchange->stays_here && !is_loopback(address)) {
        exchange->left_machine = 1;
        return 0;
    }
    if (exchange->request->public_only && !obs__address_is_public(address)) {
        snprintf(exchange->refused, sizeof exchange->refused, "%s", *address ? address : "?");
        return 0;
    }
    return 1;
}

/* Before a connection is made. */
static curl_socket_t open_socket(void *user, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct exchange *exchange = user;
    const void *bytes = &address->addr;
    char text[INET6_ADDRSTRLEN] = "";
    (void)purpose;
    if (address->family == AF_INET)
        inet_ntop(AF_INET, &((const struct sockaddr_in *)bytes)->sin_addr, text, sizeof text);
    else if (address->family == AF_INET6)
        inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)bytes)->sin6_addr, text, sizeof text);
    if (!may_lead_to(exchange, text))
        return CURL_SOCKET_BAD;
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* Before a request is sent, also on a connection that somebody else made. */
static int look_at_connection(void *user, char *remote, char *local, int remote_port, int local_port)
{
    struct exchange *exchange = user;
    (void)local, (void)remote_port, (void)local_port;
    return exchange->request->public_only && !may_lead_to(exchange, remote) ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

static int is_clean(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if ((unsigned char)text[i] < ' ' || text[i] == 0x7F)
            return 0;
    return 1;
}

static obs_status add_header(struct exchange *exchange, const char *name, const char *value, size_t size, obs_error *error)
{
    size_t room = strlen(name) + size + 4;
    if (!is_clean(name, strlen(name)) || !is_clean(value, size))
        return obs__fail(error, OBS_INVALID_ARGUMENT, "the header '%.64s' has a control character in it", name);
    char *line = obs__alloc(room);
    if (!line)
        return obs__fail_memory(error);
    /* A header without a value is written with ';', and taken away with ':'. */
    snprintf(line, room, "%s: %.*s", name, (int)size, value);
    struct curl_slist *more = exchange->curl->slist_append(exchange->headers, line);
    OPENSSL_cleanse(line, room);
    obs__free(line);
    if (!more)
        return obs__fail_memory(error);
    exchange->headers = more;
    return OBS_OK;
}

static obs_status add_bearer(struct exchange *exchange, const obs_secret *bearer, obs_error *error)
{
    size_t size = obs_secret_size(bearer);
    char *value = obs__alloc(size + 8);
    if (!value)
        return obs__fail_memory(error);
    memcpy(value, "Bearer ", 7);
    memcpy(value + 7, obs_secret_bytes(bearer), size);
    obs_status status = add_header(exchange, "Authorization", value, size + 7, error);
    OPENSSL_cleanse(value, size + 8);
    obs__free(value);
    return status;
}

static int has_header(const obs__http_request *request, const char *name)
{
    for (size_t i = 0; i < request->header_count; i++)
        if (strcasecmp(request->headers[i].name, name) == 0)
            return 1;
    return 0;
}

static obs_status add_headers(struct exchange *exchange, obs_error *error)
{
    const obs__http_request *request = exchange->request;
    obs_status status = add_header(exchange, "Expect", "", 0, error); /* never wait for `100 Continue` */
    if (status == OBS_OK && !has_header(request, "Content-Type"))     /* else a POST is said to be a form */
        status = add_header(exchange, "Content-Type", "", 0, error);
    for (size_t i = 0; i < request->header_count && status == OBS_OK; i++)
        status =
            add_header(exchange, request->headers[i].name, request->headers[i].value, strlen(request->headers[i].value), error);
    if (status == OBS_OK && request->bearer)
        status = add_bearer(exchange, request->bearer, error);
    return status;
}

/* How it is asked; the same for all. 0 when libcurl does not do one of these. */
static int set_rules(struct exchange *exchange)
{
    __typeof__(curl_easy_setopt) *set = exchange->curl->easy_setopt;
    CURL *easy = exchange->lane->easy;
    char agent[64];
    snprintf(agent, sizeof agent, "libobs/%s", obs_sdk_version_text());
    int bad = set(easy, CURLOPT_NOSIGNAL, 1L) || set(easy, CURLOPT_PROTOCOLS_STR, "http,https") ||
              set(easy, CURLOPT_FOLLOWLOCATION, 0L) || set(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED) ||
              set(easy, CURLOPT_SSL_VERIFYPEER, 1L) || set(easy, CURLOPT_SSL_VERIFYHOST, 2L) ||
              set(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) || set(easy, CURLOPT_PATH_AS_IS, 1L) ||
              set(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L) || set(easy, CURLOPT_USERAGENT, agent) ||
              set(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket) || set(easy, CURLOPT_OPENSOCKETDATA, exchange) ||
              set(easy, CURLOPT_PREREQFUNCTION, look_at_connection) || set(easy, CURLOPT_PREREQDATA, exchange) ||
              set(easy, CURLOPT_HEADERFUNCTION, obs__answer_header) || set(easy, CURLOPT_HEADERDATA, &exchange->answer) ||
              set(easy, CURLOPT_WRITEFUNCTION, obs__answer_body) || set(easy, CURLOPT_WRITEDATA, &exchange->answer) ||
              set(easy, CURLOPT_ERRORBUFFER, exchange->answer.trouble);
    set(easy, CURLOPT_QUICK_EXIT, 1L); /* since 7.87: a name that is being looked up is not waited for */
    return !bad;
}

static int set_method(struct exchange *exchange)
{
    __typeof__(curl_easy_setopt) *set = exchange->curl->easy_setopt;
    const obs__http_request *request = exchange->request;
    CURL *easy = exchange->lane->easy;
    const char *method = request->method ? request->method : "GET";
    int bad = 0;
    if (strcmp(method, "HEAD") == 0)
        return !set(easy, CURLOPT_NOBODY, 1L);
    if (request->body.data)
        bad = set(easy, CURLOPT_POSTFIELDS, request->body.data) ||
              set(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.size);
    /* A connection that died while it was idle makes libcurl ask again, which is right for questions only. */
    if (strcmp(method, "GET") != 0 && !request->repeatable)
        bad = bad || set(easy, CURLOPT_FRESH_CONNECT, 1L);
    return !bad && !set(easy, CURLOPT_CUSTOMREQUEST, method);
}

static obs_status set_options(struct exchange *exchange, obs_error *error)
{
    __typeof__(curl_easy_setopt) *set = exchange->curl->easy_setopt;
    const obs__http_request *request = exchange->request;
    CURL *easy = exchange->lane->easy;
    obs_status status = add_headers(exchange, error);
    if (status != OBS_OK)
        return status;
    int bad = !set_rules(exchange) || !set_method(exchange) || set(easy, CURLOPT_URL, request->url) ||
              set(easy, CURLOPT_HTTPHEADER, exchange->headers) ||
              set(easy, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)request->limit);
    if (exchange->stays_here || request->public_only)
        bad = bad || set(easy, CURLOPT_NOPROXY, "*");
    if (request->stall_s)
        bad = bad || set(easy, CURLOPT_LOW_SPEED_LIMIT, 1L) || set(easy, CURLOPT_LOW_SPEED_TIME, (long)request->stall_s);
    if (request->ca)
        bad = bad || set(easy, CURLOPT_CAINFO, request->ca) || set(easy, CURLOPT_CAPATH, NULL);
    if (request->ca)
        set(easy, CURLOPT_CA_CACHE_TIMEOUT, 0L); /* since 7.87: read anew for each connection */
    return bad ? obs__fail_memory(error) : OBS_OK;
}

static obs_status fail_transfer(const struct exchange *exchange, CURLcode code, obs_error *error)
{
    const char *label = exchange->label;
    switch (code) {
    case CURLE_OUT_OF_MEMORY:
        return obs__fail_memory(error);
    case CURLE_COULDNT_RESOLVE_HOST:
        return obs__fail(error, OBS_UNAVAILABLE, "'%.200s': the name of the host cannot be looked up", label);
    case CURLE_COULDNT_RESOLVE_PROXY:
        return obs__fail(error, OBS_UNAVAILABLE, "'%.200s': the name of the proxy cannot be looked up", label);
    case CURLE_COULDNT_CONNECT:
        return obs__fail(error, OBS_UNAVAILABLE, "'%.200s': nobody answers at this address", label);
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_INVALIDCERTSTATUS:
        return obs__fail(error, OBS_FAILED_PRECONDITION,
                         "'%.200s': the certificate of the server is not to be trusted (for a site with a CA of its own: name "
                         "the file of its certificate)",
                         label);
    case CURLE_SSL_CACERT_BADFILE:
        return obs__fail(error, OBS_FAILED_PRECONDITION, "'%.200s': the certificates in '%.200s' cannot be read", label,
                         exchange->request->ca ? exchange->request->ca : "the system's file");
    case CURLE_SSL_CONNECT_ERROR:
        return obs__fail(error, OBS_UNAVAILABLE, "'%.200s': no encrypted connection can be made (TLS 1.2 or newer)", label);
    case CURLE_OPERATION_TIMEDOUT:
        return obs__fail(error, OBS_UNAVAILABLE, "'%.200s': the server stopped answering", label);
    case CURLE_URL_MALFORMAT:
        return obs__fail(error, OBS_INVALID_ARGUMENT, "'%.200s' is not a URL", label);
    default:
        return obs__fail(error, OBS_UNAVAILABLE, "'%.200s': the connection broke before the answer was complete", label);
    }
}

/* There was no answer, or one that is not to be used. */
static obs_status fail_answer(const struct exchange *exchange, CURLcode code, obs_error *error)
{
    const obs__answer *answer = &exchange->answer;
    if (exchange->left_machine)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "'%.200s' is not on this machine and not encrypted: write https://",
                         exchange->label);
    if (*exchange->refused)
        return obs__fail(error, OBS_PERMISSION_DENIED, "'%.200s' leads to %s, which is no public address", exchange->label,
                         exchange->refused);
    if (answer->header_overflow)
        return obs__fail(error, OBS_UNAVAILABLE, "'%.200s': the answer has too many headers", exchange->label);
    if (answer->body.failed == 1)
        return obs__fail_memory(error);
    if (answer->body.failed || code == CURLE_FILESIZE_EXCEEDED)
        return obs__fail(error, OBS_RESOURCE_EXHAUSTED, "'%.200s' is larger than the limit of %zu bytes", exchange->label,
                         exchange->request->limit);
    return fail_transfer(exchange, code, error);
}

static obs_status read_answer(struct exchange *exchange, CURLcode code, obs_error *error)
{
    obs__answer *answer = &exchange->answer;
    obs__http_response *response = answer->response;
    int too_large = answer->body.failed == 2 || code == CURLE_FILESIZE_EXCEEDED;
    if (code != CURLE_OK && !(too_large && response->status >= 400)) {
        fail_answer(exchange, code, error);
        obs__detail(error, "%s", *answer->trouble ? answer->trouble : exchange->curl->easy_strerror(code));
        obs__remote(error, response->status, response->request_id);
        return error ? error->status : OBS_UNAVAILABLE;
    }
    if (!answer->has_end && answer->body.size && response->status < 300)
        return obs__fail(error, OBS_UNAVAILABLE,
                         "'%.200s': the server does not tell how long its answer is, so that nobody sees whether all is there",
                         exchange->label);
    answer->body.failed = 0; /* of an error's text the beginning is enough */
    return obs__builder_finish(&response->body, &answer->body, error);
}

/* Not every version and protocol counts the bytes: a connection that was ready to send them counts as well. */
static int may_have_sent(const struct exchange *exchange)
{
    long bytes = 0;
    curl_off_t ready_us = 0;
    __typeof__(curl_easy_getinfo) *get = exchange->curl->easy_getinfo;
    return get(exchange->lane->easy, CURLINFO_REQUEST_SIZE, &bytes) != CURLE_OK || bytes > 0 ||
           get(exchange->lane->easy, CURLINFO_PRETRANSFER_TIME_T, &ready_us) != CURLE_OK || ready_us > 0;
}

static obs_status exchange_on_lane(struct exchange *exchange, const obs__limit *limit, obs_error *error)
{
    obs__lane *lane = exchange->lane;
    CURLcode code = CURLE_OK;
    obs_status status = set_options(exchange, error);
    if (status != OBS_OK)
        return status;
    status = obs__lane_run(lane, exchange->curl, &code, limit, error);
    exchange->answer.response->sent = may_have_sent(exchange);
    return status == OBS_OK ? read_answer(exchange, code, error) : status;
}

static void tell(const struct exchange *exchange, int64_t begin_ns, obs_status status)
{
    int64_t duration = obs__monotonic_ns() - begin_ns;
    const char *method = exchange->request->method ? exchange->request->method : "GET";
    obs__histogram_add(&requests, duration);
    if (obs__log_wanted(OBS_LOG_DEBUG))
        obs__log(OBS_LOG_DEBUG, "net", NULL, "%s %s: %s, HTTP %d, %lld ms", method, exchange->label, obs_status_name(status),
                 exchange->answer.response->status, (long long)(duration / 1000000));
}

static obs_status begin(struct exchange *exchange, const obs__limit *limit, obs_error *error)
{
    obs__url *url = NULL;
    obs_status status = obs__url_parse(&url, exchange->request->url, OBS_TEXT, error);
    if (status == OBS_OK)
        status = obs__http_check_plain(url, exchange->request->allow_plain, error);
    if (status == OBS_OK) {
        obs__url_print(exchange->label, sizeof exchange->label, url);
        exchange->stays_here = strcmp(url->scheme, "http") == 0 && !exchange->request->allow_plain;
    }
    obs__url_free(url);
    if (status == OBS_OK)
        status = obs__limit_check(limit, error);
    return status == OBS_OK ? obs__curl_get(&exchange->curl, error) : status;
}

obs_status obs__http_call(obs__http_response *out, const obs__http_request *request, const obs__limit *limit, obs_error *error)
{
    struct exchange exchange = {.request = request, .answer = {.response = out, .request = request}};
    int64_t begin_ns = obs__monotonic_ns();
    obs_error inner;
    obs_error_init(&inner, sizeof inner);
    *out = (obs__http_response){0};
    obs_status status = begin(&exchange, limit, error);
    if (status != OBS_OK)
        return status;
    if (!(exchange.lane = obs__lane_take(exchange.curl)))
        return obs__fail_memory(error);
    exchange.answer.curl = exchange.curl;
    obs__builder_init(&exchange.answer.body, request->limit);
    status = exchange_on_lane(&exchange, limit, &inner);
    obs__lane_give(exchange.curl, exchange.lane);
    exchange.curl->slist_free_all(exchange.headers);
    obs__builder_free(&exchange.answer.body);
    tell(&exchange, begin_ns, status);
    return status == OBS_OK ? OBS_OK : obs__copy_error(error, &inner);
}
