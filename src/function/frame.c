/* Reading and writing messages of HTTP/1.1. */
#include "function/frame.h"

#include <ctype.h>
#include <string.h>

#include "base/error.h"

#define READ_SIZE ((size_t)16384)
#define SPARE 2 /* a message is one message: what comes behind it is seen, and refused */

void obs__frame_init(obs__frame *frame, size_t body_limit)
{
    memset(frame, 0, sizeof *frame);
    frame->body_limit = body_limit;
    obs__builder_init(&frame->bytes, OBS__FRAME_HEAD_LIMIT + body_limit + READ_SIZE + SPARE);
}

void obs__frame_free(obs__frame *frame)
{
    obs__builder_free(&frame->bytes);
}

void obs__frame_clear(obs__frame *frame)
{
    obs__builder_clear(&frame->bytes);
    frame->head_size = frame->body_size = frame->header_count = 0;
    frame->is_complete = frame->is_begun = 0;
    frame->line = NULL;
}

char *obs__frame_room(obs__frame *frame, size_t *room)
{
    if (frame->is_complete)
        return NULL;
    size_t missing = frame->head_size ? frame->head_size + frame->body_size - frame->bytes.size + 1 : 0;
    *room = missing > READ_SIZE ? missing : READ_SIZE;
    return obs__builder_room(&frame->bytes, *room);
}

static obs_status wrong(obs_error *error, const char *what)
{
    return obs__fail(error, OBS_INVALID_ARGUMENT, "this is no message of HTTP/1.1: %s", what);
}

static int is_token(const char *text)
{
    for (; *text; text++)
        if (!isalnum((unsigned char)*text) && !strchr("!#$%&'*+-.^_`|~", *text))
            return 0;
    return 1;
}

/* One line of the head, which ends with NUL now. */
static obs_status take_header(obs__frame *frame, char *line, obs_error *error)
{
    char *colon = strchr(line, ':');
    if (!colon || colon == line)
        return wrong(error, "a header has no name");
    if (frame->header_count == OBS__FRAME_HEADERS_MAX)
        return obs__fail(error, OBS_RESOURCE_EXHAUSTED, "a message has at most %d headers", OBS__FRAME_HEADERS_MAX);
    *colon = '\0';
    if (!is_token(line))
        return wrong(error, "the name of a header has characters that none may have");
    for (char *at = line; *at; at++)
        *at = (char)tolower((unsigned char)*at);
    char *value = colon + 1 + strspn(colon + 1, " \t");
    for (size_t end = strlen(value); end > 0 && strchr(" \t", value[end - 1]);)
        value[--end] = '\0';
    for (const char *at = value; *at; at++)
        if ((unsigned char)*at < ' ' && *at != '\t')
            return wrong(error, "the value of a header has control characters");
    frame->headers[frame->header_count++] = (obs_pair){line, value};
    return OBS_OK;
}

static obs_status cut_head(obs__frame *frame, obs_error *error)
{
    char *at = frame->bytes.data;
    char *end = at + frame->head_size - 2; /* the empty line */
    obs_status status = memchr(at, '\0', frame->head_size) ? wrong(error, "its head has a NUL") : OBS_OK;
    frame->line = at;
    for (int first = 1; status == OBS_OK && at < end; first = 0) {
        char *line_end = memmem(at, (size_t)(end - at), "\r\n", 2);
        *line_end = '\0';
        if (strchr(at, '\n') || strchr(at, '\r'))
            status = wrong(error, "a line of its head does not end with CR LF");
        else if (!first)
            status = take_header(frame, at, error);
        at = line_end + 2;
    }
    return status;
}

static obs_status read_length(obs__frame *frame, obs_error *error)
{
    int lengths = 0;
    for (size_t i = 0; i < frame->header_count; i++) {
        lengths += strcmp(frame->headers[i].name, "content-length") == 0;
        if (strcmp(frame->headers[i].name, "transfer-encoding") == 0)
            return wrong(error, "it has to say its length before");
    }
    int64_t length = obs__frame_number(frame, "content-length");
    if (lengths != 1 || length < 0)
        return wrong(error, "it needs one Content-Length, of digits");
    if ((uint64_t)length > frame->body_limit)
        return obs__fail(error, OBS_RESOURCE_EXHAUSTED, "a message of %lld bytes is larger than %zu: write large data to files",
                         (long long)length, frame->body_limit);
    frame->body_size = (size_t)length;
    return OBS_OK;
}

/* Once the head is there, room for the whole is made, and nothing moves any more. */
static obs_status take_head(obs__frame *frame, obs_error *error)
{
    const char *found = memmem(frame->bytes.data, frame->bytes.size, "\r\n\r\n", 4);
    if (!found && frame->bytes.size > OBS__FRAME_HEAD_LIMIT)
        return obs__fail(error, OBS_RESOURCE_EXHAUSTED, "the head of a message is larger than %zu bytes",
                         OBS__FRAME_HEAD_LIMIT);
    if (!found)
        return OBS_OK;
    frame->head_size = (size_t)(found - frame->bytes.data) + 4;
    obs_status status = cut_head(frame, error);
    if (status == OBS_OK)
        status = read_length(frame, error);
    if (status != OBS_OK)
        return status;
    uintptr_t before = (uintptr_t)frame->bytes.data;
    size_t whole = frame->head_size + frame->body_size + SPARE;
    if (frame->bytes.size < whole && !obs__builder_room(&frame->bytes, whole - frame->bytes.size))
        return obs__builder_status(&frame->bytes, error);
    const char *data = frame->line = frame->bytes.data;
    for (size_t i = 0; i < frame->header_count; i++)
        frame->headers[i] = (obs_pair){data + ((uintptr_t)frame->headers[i].name - before),
                                       data + ((uintptr_t)frame->headers[i].value - before)};
    return OBS_OK;
}

obs_status obs__frame_came(obs__frame *frame, size_t size, obs_error *error)
{
    obs_status status = OBS_OK;
    frame->bytes.size += size;
    frame->is_begun |= size > 0;
    if (!frame->head_size)
        status = take_head(frame, error);
    if (status != OBS_OK || !frame->head_size)
        return status;
    size_t whole = frame->head_size + frame->body_size;
    if (frame->bytes.size > whole)
        return wrong(error, "there is more behind it");
    frame->is_complete = frame->bytes.size == whole;
    return OBS_OK;
}

const char *obs__frame_header(const obs__frame *frame, const char *name)
{
    for (size_t i = 0; i < frame->header_count; i++)
        if (strcmp(frame->headers[i].name, name) == 0)
            return frame->headers[i].value;
    return NULL;
}

int64_t obs__frame_number(const obs__frame *frame, const char *name)
{
    const char *text = obs__frame_header(frame, name);
    int64_t number = 0;
    if (!text || !*text || strlen(text) > 15)
        return -1;
    for (; *text; text++) {
        if (*text < '0' || *text > '9')
            return -1;
        number = number * 10 + (*text - '0');
    }
    return number;
}

obs__view obs__frame_body(const obs__frame *frame)
{
    return (obs__view){frame->bytes.data + frame->head_size, frame->body_size};
}

int obs__frame_status(const obs__frame *frame)
{
    const char *line = frame->line ? frame->line : "";
    int code = 0;
    if (strncmp(line, "HTTP/1.1 ", 9) != 0)
        return 0;
    for (int i = 9; i < 12; i++) {
        if (line[i] < '0' || line[i] > '9')
            return 0;
        code = code * 10 + (line[i] - '0');
    }
    return line[12] == ' ' || line[12] == '\0' ? code : 0;
}

void obs__frame_add(obs__builder *out, const char *name, const char *value)
{
    for (const char *at = value; *at; at++)
        if ((unsigned char)*at < ' ' && *at != '\t')
            return;
    obs__add_format(out, "%s: %s\r\n", name, value);
}
