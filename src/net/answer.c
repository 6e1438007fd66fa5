#include "net/answer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/error.h"

#define HEADERS_MAX ((size_t)65536) /* all of one answer */
#define SECOND_NS INT64_C(1000000000)
#define RETRY_MAX_S 86400 /* who asks for more means: not today */

static int header_is(obs__view line, const char *name, obs__view *value)
{
    size_t size = strlen(name);
    if (line.size <= size || line.data[size] != ':' || strncasecmp(line.data, name, size) != 0)
        return 0;
    *value = obs__view_of(line.data + size + 1, line.size - size - 1);
    while (value->size && strchr(" \t", *value->data))
        value->data++, value->size--;
    while (value->size && strchr(" \t\r\n", value->data[value->size - 1]))
        value->size--;
    return 1;
}

/* What does not fit or is no visible text counts as not told: half of it would be something else. */
static void copy_text(char *out, size_t capacity, obs__view value)
{
    out[0] = '\0';
    if (value.size >= capacity)
        return;
    for (size_t i = 0; i < value.size; i++)
        if (value.data[i] < ' ' || value.data[i] > '~')
            return;
    memcpy(out, value.data, value.size);
    out[value.size] = '\0';
}

static int64_t read_time(const obs__answer *answer, obs__view value)
{
    char text[64];
    copy_text(text, sizeof text, value);
    time_t seconds = *text ? answer->curl->getdate(text, NULL) : -1;
    return seconds > 0 ? (int64_t)seconds * SECOND_NS : 0;
}

/* Seconds, or a date. */
static int64_t read_retry(const obs__answer *answer, obs__view value)
{
    char text[64], *end;
    copy_text(text, sizeof text, value);
    int64_t seconds = strtol(text, &end, 10);
    if (end == text || *end) {
        int64_t when = read_time(answer, value);
        seconds = when ? (when - obs__now_ns()) / SECOND_NS : 0;
    }
    return (seconds < 0 ? 0 : seconds > RETRY_MAX_S ? RETRY_MAX_S : seconds) * SECOND_NS;
}

/* A new answer: after `100 Continue`, or after what a proxy said. */
static void begin(obs__answer *answer, obs__view line)
{
    char text[32] = "";
    *answer->response = (obs__http_response){0};
    snprintf(text, sizeof text, "%.*s", (int)(line.size < 31 ? line.size : 31), line.data);
    const char *blank = strchr(text, ' ');
    answer->response->status = blank ? atoi(blank + 1) : 0;
    answer->has_end = strncmp(text, "HTTP/1", 6) != 0; /* the newer ones frame everything */
}

static void read_header(obs__answer *answer, obs__view line)
{
    obs__http_response *response = answer->response;
    obs__view value;
    for (size_t i = 0; i < OBS__HTTP_WANTED; i++)
        if (answer->request->wanted[i] && header_is(line, answer->request->wanted[i], &value))
            copy_text(response->found[i], sizeof response->found[i], value);
    if (obs__starts_with(line, obs__view_of("HTTP/", OBS_TEXT)))
        begin(answer, line);
    else if (header_is(line, "ETag", &value))
        copy_text(response->etag, sizeof response->etag, value);
    else if (header_is(line, "Last-Modified", &value))
        response->modified_ns = read_time(answer, value);
    else if (header_is(line, "Retry-After", &value))
        response->retry_ns = read_retry(answer, value);
    else if (header_is(line, "X-Request-Id", &value))
        copy_text(response->request_id, sizeof response->request_id, value);
    else if (header_is(line, "Location", &value)) {
        copy_text(response->location, sizeof response->location, value);
        response->location[strcspn(response->location, "?#")] = '\0';
    } else if (header_is(line, "Content-Length", &value) || header_is(line, "Transfer-Encoding", &value))
        answer->has_end = 1;
}

size_t obs__answer_header(char *data, size_t size, size_t count, void *user)
{
    obs__answer *answer = user;
    size_t bytes = size * count;
    answer->header_bytes += bytes;
    answer->header_overflow = answer->header_bytes > HEADERS_MAX;
    if (answer->header_overflow)
        return 0;
    read_header(answer, obs__view_of(data, bytes));
    return bytes;
}

size_t obs__answer_body(char *data, size_t size, size_t count, void *user)
{
    obs__answer *answer = user;
    size_t bytes = size * count;
    obs__add(&answer->body, data, bytes);
    return answer->body.failed ? 0 : bytes;
}

static obs_status status_of(int status)
{
    switch (status) {
    case 400:
        return OBS_INVALID_ARGUMENT;
    case 401:
        return OBS_UNAUTHENTICATED;
    case 403:
        return OBS_PERMISSION_DENIED;
    case 404:
    case 410:
        return OBS_NOT_FOUND;
    case 409:
        return OBS_ABORTED;
    case 405:
    case 501:
        return OBS_UNIMPLEMENTED;
    case 413:
    case 507:
        return OBS_RESOURCE_EXHAUSTED;
    case 416:
        return OBS_OUT_OF_RANGE;
    case 408:
    case 425:
    case 429:
        return OBS_UNAVAILABLE;
    default:
        return status >= 500 ? OBS_UNAVAILABLE : OBS_FAILED_PRECONDITION;
    }
}

static const char *words_of(int status)
{
    switch (status) {
    case 401:
        return "the server wants to know who asks: give a token that it knows";
    case 403:
        return "the server does not allow it";
    case 404:
    case 410:
        return "the server has no such thing";
    case 409:
    case 412:
        return "it was changed by somebody else in the meantime";
    case 405:
        return "the server does not do that";
    case 413:
        return "it is too large for the server";
    case 429:
        return "the server is asked too often";
    default:
        return status >= 500 ? "the server has trouble" : "the server refuses the request";
    }
}

obs_status obs__http_fail(const obs__http_response *response, const char *what, obs_error *error)
{
    obs_status status = status_of(response->status);
    if (response->status >= 300 && response->status < 400)
        obs__fail(error, status, "'%.200s' leads elsewhere (HTTP %d): write the address where it is now%s%.200s", what,
                  response->status, *response->location ? ", " : "", response->location);
    else
        obs__fail(error, status, "'%.200s': %s (HTTP %d)", what, words_of(response->status), response->status);
    if (response->body)
        obs__detail(error, "%.*s", obs_buffer_size(response->body) < 300 ? (int)obs_buffer_size(response->body) : 300,
                    (const char *)obs_buffer_data(response->body));
    obs__remote(error, response->status, response->request_id);
    return status;
}
