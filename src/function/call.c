/* The side of the function: taking an event from the runner, and answering it. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/call.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/secret.h"
#include "client/client.h"
#include "function/function.h"

#define MS INT64_C(1000000)

void obs_function_free(obs_function *function)
{
    if (!function)
        return;
    if (function->call && function->generation == obs__generation())
        obs_function_finish(NULL, function->call, OBS_CANCELLED, "the function ended", NULL);
    obs_client_close(function->client);
    obs_secret_free(function->token);
    obs__frame_free(&function->request);
    obs__free(function->event);
    obs_buffer_free(function->config_text);
    if (function->socket >= 0 && function->generation == obs__generation())
        close(function->socket);
    obs__free(function);
}

/* What the handler starts inherits neither. */
static obs_status take_descriptors(obs_function *self, obs_error *error)
{
    struct stat found;
    if (!getenv(OBS__FUNCTION_VARIABLE) || fstat(OBS__FUNCTION_SOCKET, &found) != 0 || !S_ISSOCK(found.st_mode))
        return obs__fail(error, OBS_FAILED_PRECONDITION,
                         "no runner started this program: 'obsctl function run' does, and '--event FILE' handles one event");
    self->socket = OBS__FUNCTION_SOCKET;
    fcntl(self->socket, F_SETFD, FD_CLOEXEC);
    obs_status status = obs__secret_read_fd(&self->token, OBS__FUNCTION_TOKEN, "the token", OBS__SECRET_SIZE_LIMIT, error);
    close(OBS__FUNCTION_TOKEN);
    return status;
}

obs_status obs_function_open(obs_function **out, const char *event, size_t size, obs_error *error)
{
    if (!out)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "out is required");
    *out = NULL;
    obs_function *self = obs__calloc(1, sizeof *self);
    if (!self)
        return obs__fail_memory(error);
    self->socket = -1;
    self->generation = obs__generation();
    obs__frame_init(&self->request, OBS__REQUEST_LIMIT);
    obs_status status = OBS_OK;
    if (event) {
        obs__view text = obs__view_of(event, size);
        if (!(self->event = obs__memdup(text.data, text.size)))
            status = obs__fail_memory(error);
    } else
        status = take_descriptors(self, error);
    if (status != OBS_OK) {
        obs_function_free(self);
        return status;
    }
    *out = self;
    return obs__ok(error);
}

static obs_status answer(obs_function *self, const char *line, const char *type, obs__view body, obs_error *error)
{
    char head[256];
    int head_size =
        snprintf(head, sizeof head, "HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n\r\n", line, type, body.size);
    struct iovec parts[] = {{head, (size_t)head_size}, {(void *)(uintptr_t)body.data, body.size}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    while (parts[0].iov_len + parts[1].iov_len) {
        ssize_t sent = sendmsg(self->socket, &message, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0)
            return obs__fail_system(error, errno, "cannot answer the runner");
        for (size_t i = 0; i < 2; i++) {
            size_t part = (size_t)sent < parts[i].iov_len ? (size_t)sent : parts[i].iov_len;
            parts[i].iov_base = (char *)parts[i].iov_base + part;
            parts[i].iov_len -= part;
            sent -= (ssize_t)part;
        }
    }
    return OBS_OK;
}

static obs_status answer_problem(obs_function *self, const char *line, const char *name, const char *reason, obs_error *error)
{
    obs__builder body;
    obs__builder_init(&body, 4 * OBS__REASON_SIZE + 256);
    obs__add_char(&body, '{');
    obs__add_json_member(&body, "title", name);
    obs__add_json_member(&body, "detail", reason);
    obs__add_json_end(&body);
    obs_status status = obs__builder_status(&body, error);
    if (status == OBS_OK)
        status = answer(self, line, OBS__PROBLEM_TYPE, (obs__view){body.data, body.size}, error);
    obs__builder_free(&body);
    return status;
}

/* One whole message, or *out 0: the runner has no more to ask. */
static obs_status receive(int *out, obs_function *self, obs_error *error)
{
    obs_status status = OBS_OK;
    obs__frame_clear(&self->request);
    *out = 0;
    while (status == OBS_OK && !self->request.is_complete) {
        size_t room;
        char *data = obs__frame_room(&self->request, &room);
        if (!data)
            return obs__fail_memory(error);
        ssize_t size = recv(self->socket, data, room, 0);
        if (size < 0 && errno == EINTR)
            continue;
        if (size == 0 || (size < 0 && errno == ECONNRESET))
            return self->request.is_begun ? obs__fail(error, OBS_UNAVAILABLE, "the runner went away") : OBS_OK;
        if (size < 0)
            return obs__fail_system(error, errno, "cannot read what the runner asks");
        status = obs__frame_came(&self->request, (size_t)size, error);
    }
    *out = status == OBS_OK;
    return status;
}

static obs_status read_event(obs_event **out, const obs__frame *request, obs_error *error)
{
    const char *type = obs__frame_header(request, "content-type");
    obs__view body = obs__frame_body(request);
    if (type && strncmp(type, "application/cloudevents+json", 28) == 0)
        return obs_event_decode(out, body.data, body.size, error);
    obs_event_message message = {request->headers, request->header_count, body.data, body.size};
    return obs_event_from_message(out, &message, OBS_EVENT_HTTP, error);
}

static void free_call(obs_function_call *call)
{
    if (!call)
        return;
    if (call->function->socket < 0 && call->folder_is_there)
        obs__remove_folder(call->folder);
    obs_config_free(call->snapshot);
    obs_event_free(call->event);
    obs__free(call->folder);
    obs__builder_free(&call->body);
    obs__builder_free(&call->lines);
    obs__free(call);
}

static obs_status new_call(obs_function_call **out, obs_function *self, obs_event *event, obs_error *error)
{
    obs_function_call *call = obs__calloc(1, sizeof *call);
    const char *folder = obs__frame_header(&self->request, OBS__FOLDER_HEADER);
    int64_t left_ms = obs__frame_number(&self->request, OBS__DEADLINE_HEADER);
    int64_t attempt = obs__frame_number(&self->request, OBS__ATTEMPT_HEADER);
    if (!call || (folder && !(call->folder = obs__strdup(folder)))) {
        obs__free(call);
        obs_event_free(event);
        return obs__fail_memory(error);
    }
    call->function = self;
    call->event = event;
    call->attempt = attempt > 0 && attempt <= UINT32_MAX ? (uint32_t)attempt : 1;
    call->end_ns = left_ms >= 0 ? obs__monotonic_ns() + left_ms * MS : INT64_MAX;
    obs__builder_init(&call->body, OBS__OUTPUTS_LIMIT);
    obs__builder_init(&call->lines, OBS__OUTPUTS_LIMIT);
    *out = self->call = call;
    return OBS_OK;
}

/* The one event of a function that is tried by hand. */
static obs_status next_alone(obs_function_call **out, obs_function *self, obs_error *error)
{
    obs_event *event = NULL;
    if (!self->event)
        return obs__ok(error);
    obs_status status = obs_event_decode(&event, self->event, OBS_TEXT, error);
    obs__free(self->event);
    self->event = NULL;
    if (status == OBS_OK)
        status = new_call(out, self, event, error);
    return status == OBS_OK ? obs__ok(error) : status;
}

/* *out stays NULL when it was a question that the library answers itself. */
static obs_status take_request(obs_function_call **out, obs_function *self, obs_error *error)
{
    obs_event *event = NULL;
    obs_error why;
    obs_error_init(&why, sizeof why);
    if (strcmp(self->request.line, "GET /ready HTTP/1.1") == 0)
        return answer(self, "200 OK", "text/plain", (obs__view){"", 0}, error);
    if (strcmp(self->request.line, "POST / HTTP/1.1") != 0)
        return answer_problem(self, "404 Not Found", "NOT_FOUND", "only GET /ready and POST / are answered here", error);
    if (read_event(&event, &self->request, &why) != OBS_OK)
        return answer_problem(self, "400 Bad Request", obs_status_name(why.status), why.message, error);
    return new_call(out, self, event, error);
}

obs_status obs_function_next(obs_function_call **out, obs_function *function, obs_error *error)
{
    if (!out || !function)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "out and function are required");
    *out = NULL;
    if (function->generation != obs__generation())
        return obs__fail(error, OBS_FAILED_PRECONDITION, "this function belongs to the parent process");
    if (function->call)
        return obs__fail(error, OBS_FAILED_PRECONDITION, "the call before is not finished");
    if (function->socket < 0)
        return next_alone(out, function, error);
    obs_status status = OBS_OK;
    int came = 1;
    while (status == OBS_OK && came && !*out) {
        status = receive(&came, function, error);
        if (status == OBS_OK && came)
            status = take_request(out, function, error);
    }
    return status == OBS_OK ? obs__ok(error) : status;
}

obs_status obs__function_check(const obs_function_call *call, obs_error *error)
{
    if (call->function->generation != obs__generation())
        return obs__fail(error, OBS_FAILED_PRECONDITION,
                         "this event belongs to the parent process: hand results over to it, it adds them");
    return OBS_OK;
}

static obs_status hand_over(obs_function_call *call, obs_status outcome, const char *reason, obs_error *error)
{
    char text[OBS__REASON_SIZE];
    obs_function *self = call->function;
    if (self->socket < 0)
        return OBS_OK;
    if (outcome == OBS_OK)
        return answer(self, "200 OK", OBS__OUTPUTS_TYPE, (obs__view){call->body.data, call->body.size}, error);
    snprintf(text, sizeof text, "%s", reason && *reason ? reason : "the handler failed and did not say why");
    const char *line = outcome == OBS_REFUSED ? "422 Unprocessable Content" : "500 Internal Server Error";
    return answer_problem(self, line, obs_status_name(outcome), text, error);
}

obs_status obs_function_finish(obs_buffer **made, obs_function_call *call, obs_status outcome, const char *reason,
                               obs_error *error)
{
    if (made)
        *made = NULL;
    if (!call)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "a call is required");
    obs_status status = obs__function_check(call, error);
    if (status == OBS_OK) {
        status = hand_over(call, outcome, reason, error);
        if (status == OBS_OK && made)
            status = obs__builder_finish(made, &call->lines, error);
        call->function->call = NULL;
        free_call(call);
    }
    return status == OBS_OK ? obs__ok(error) : status;
}

const obs_event *obs_function_event(const obs_function_call *call)
{
    return call ? call->event : NULL;
}

uint32_t obs_function_attempt(const obs_function_call *call)
{
    return call ? call->attempt : 0;
}

int64_t obs_function_remaining_ms(const obs_function_call *call)
{
    if (!call || call->end_ns == INT64_MAX)
        return -1;
    int64_t left = (call->end_ns - obs__monotonic_ns()) / MS;
    return left > 0 ? left : 0;
}

obs_status obs_function_folder(const char **out, obs_function_call *call, obs_error *error)
{
    if (!out || !call)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "out and call are required");
    *out = NULL;
    obs_status status = obs__function_check(call, error);
    if (status != OBS_OK)
        return status;
    if (!call->folder) {
        const char *above = getenv("TMPDIR");
        char *path = NULL;
        if (asprintf(&path, "%s/function-XXXXXX", above && *above ? above : "/tmp") < 0 || !mkdtemp(path) ||
            !(call->folder = obs__strdup(path)))
            status = obs__fail(error, OBS_UNAVAILABLE, "cannot make a folder below '%s'", above && *above ? above : "/tmp");
        free(path);
        call->folder_is_there = status == OBS_OK;
    }
    if (status == OBS_OK && !call->folder_is_there && mkdir(call->folder, 0700) != 0 && errno != EEXIST)
        status = obs__fail_system(error, errno, "cannot make '%s'", call->folder);
    if (status != OBS_OK)
        return status;
    call->folder_is_there = 1;
    *out = call->folder;
    return obs__ok(error);
}

obs_status obs_function_client(obs_client **out, obs_function_call *call, obs_error *error)
{
    obs_open_options options;
    if (!out || !call)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "out and call are required");
    *out = NULL;
    obs_function *self = call->function;
    obs_status status = obs__function_check(call, error);
    obs_open_options_init(&options, sizeof options);
    options.token = self->token ? obs_secret_bytes(self->token) : NULL;
    options.program = getenv(OBS__FUNCTION_VARIABLE);
    if (status == OBS_OK && !self->client)
        status = obs_client_open(&self->client, &options, error);
    if (status != OBS_OK)
        return status;
    *out = self->client;
    return obs__ok(error);
}
