/*
 * One HTTP request and its answer, on the caller's own thread.
 *
 * Always: certificates are verified, TLS 1.2 or newer, no redirect is followed, nothing but http and https, the answer has a
 * limit, deadline and cancel hold at every moment. Plain http only goes to this very machine, unless it is allowed. The
 * environment's proxy is used as curl does; `~/.netrc` is not.
 */
#ifndef OBS_NET_HTTP_H
#define OBS_NET_HTTP_H

#include <obs/secret.h>

#include "base/call.h"
#include "base/text.h"
#include "base/url.h"

#define OBS__HTTP_ETAG_SIZE 256
#define OBS__HTTP_WANTED 2

/* What is asked. All is borrowed; zero is the default. */
typedef struct obs__http_request {
    const char *method; /* NULL: GET */
    const char *url;
    const obs_pair *headers;
    size_t header_count;
    const obs_secret *bearer;             /* for `Authorization: Bearer`, or NULL */
    obs__view body;                       /* data NULL: none */
    size_t limit;                         /* of the answer's body, in bytes */
    const char *ca;                       /* a file of the certificates that are believed, in place of the system's */
    int public_only;                      /* only to addresses of the internet, whatever the name; never through a proxy */
    int allow_plain;                      /* plain http also to other machines */
    int repeatable;                       /* may be sent twice, so that an idle connection can be used */
    int stall_s;                          /* so many seconds without a byte end it; 0: only the limit does */
    const char *wanted[OBS__HTTP_WANTED]; /* names of headers of the answer that are to be told */
} obs__http_request;

/* What was answered. */
typedef struct obs__http_response {
    int status;                     /* 200 … */
    obs_buffer *body;               /* the caller's; cut at the limit when the status is an error */
    char etag[OBS__HTTP_ETAG_SIZE]; /* as it stands there, or "" */
    int64_t modified_ns;            /* Last-Modified; 0: not told */
    int64_t retry_ns;               /* Retry-After: how long from now; 0: not told */
    char request_id[OBS_ERROR_ID_SIZE];
    int sent;                                          /* the server may have got the request; told without an answer, too */
    char location[OBS__HTTP_ETAG_SIZE];                /* where a redirect leads, without query */
    char found[OBS__HTTP_WANTED][OBS__HTTP_ETAG_SIZE]; /* the values of the headers that were wanted, or "" */
} obs__http_response;

/* Asks. OBS_OK as soon as there is a whole answer, whatever its status; then free the body. A failure says that there is none:
 * OBS_UNAVAILABLE (no connection, or it broke), OBS_FAILED_PRECONDITION (the certificate), OBS_RESOURCE_EXHAUSTED (too large),
 * OBS_CANCELLED, OBS_DEADLINE_EXCEEDED. Nothing is asked a second time. */
obs_status obs__http_call(obs__http_response *out, const obs__http_request *request, const obs__limit *limit, obs_error *error);
/* Turns a status that is no success into a failure; `what` names the thing in its sentence. */
obs_status obs__http_fail(const obs__http_response *response, const char *what, obs_error *error);
/* OBS_INVALID_ARGUMENT, with what to write instead, for a URL that is never asked: plain http to another machine, a user. */
obs_status obs__http_check(const obs__url *url, obs_error *error);
obs_status obs__http_check_plain(const obs__url *url, int allow_plain, obs_error *error);

#endif
