#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

struct status_row {
    obs_status status;
    const char *name;
    const char *text;
    int retryable;
    int exit_code;
};

/* One row for each status. C texts, the reference page, the Python exceptions and the Go errors come from it. */
static const struct status_row rows[] = {
    {OBS_OK, "OK", "done", 0, 0},
    {OBS_CANCELLED, "CANCELLED", "the caller cancelled the call", 0, 1},
    {OBS_UNKNOWN, "UNKNOWN", "the call failed for a reason that was not told", 0, 1},
    {OBS_INVALID_ARGUMENT, "INVALID_ARGUMENT", "what was asked makes no sense", 0, 2},
    {OBS_DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED", "the time given for the call ran out", 1, 5},
    {OBS_NOT_FOUND, "NOT_FOUND", "there is no such thing", 0, 3},
    {OBS_ALREADY_EXISTS, "ALREADY_EXISTS", "it is there already", 0, 6},
    {OBS_PERMISSION_DENIED, "PERMISSION_DENIED", "the caller may not do that", 0, 4},
    {OBS_RESOURCE_EXHAUSTED, "RESOURCE_EXHAUSTED", "a quota, a limit or memory is used up", 1, 5},
    {OBS_FAILED_PRECONDITION, "FAILED_PRECONDITION", "the state does not fit what was asked", 0, 6},
    {OBS_ABORTED, "ABORTED", "another writer was faster", 1, 6},
    {OBS_OUT_OF_RANGE, "OUT_OF_RANGE", "the range lies outside", 0, 2},
    {OBS_UNIMPLEMENTED, "UNIMPLEMENTED", "this backend or library cannot do that", 0, 1},
    {OBS_INTERNAL, "INTERNAL", "libobs itself is at fault", 0, 1},
    {OBS_UNAVAILABLE, "UNAVAILABLE", "not reachable or busy at the moment", 1, 5},
    {OBS_DATA_LOSS, "DATA_LOSS", "stored bytes are damaged", 0, 7},
    {OBS_UNAUTHENTICATED, "UNAUTHENTICATED", "who is calling could not be established", 0, 4},
    {OBS_NO_WORKSPACE, "NO_WORKSPACE", "no workspace was found", 0, 3},
    {OBS_UNTRUSTED, "UNTRUSTED", "the workspace can be changed by others", 0, 4},
    {OBS_REFUSED, "REFUSED", "the data does not fit its definition", 0, 1},
    {OBS_NO_SPACE, "NO_SPACE", "the disk is full", 1, 5},
};

static const struct status_row *row_of(obs_status status)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].status == status)
            return &rows[i];
    return &rows[OBS_UNKNOWN];
}

const char *obs_status_name(obs_status status)
{
    return row_of(status)->name;
}

const char *obs_status_text(obs_status status)
{
    return row_of(status)->text;
}

int obs_status_retryable(obs_status status)
{
    return row_of(status)->retryable;
}

int obs_status_exit_code(obs_status status)
{
    return row_of(status)->exit_code;
}

int obs_status_at(size_t index, obs_status *out)
{
    if (index >= sizeof rows / sizeof rows[0] || !out)
        return 0;
    *out = rows[index].status;
    return 1;
}

void obs_error_init(obs_error *error, size_t size)
{
    if (!error || size < sizeof(size_t))
        return;
    if (size < sizeof *error) {
        memset(error, 0, size);
    } else { /* bindings do this for each call: of the texts their first byte is enough */
        memset(error, 0, offsetof(obs_error, message));
        error->message[0] = error->detail[0] = error->request_id[0] = '\0';
        memset((char *)error + sizeof *error, 0, size - sizeof *error);
    }
    error->size = size;
}

/* An older caller may have a smaller struct: what does not fit is not written. */
static int usable(const obs_error *error)
{
    return error && error->size >= sizeof *error;
}

obs_status obs__ok(obs_error *error)
{
    if (!usable(error))
        return OBS_OK;
    error->status = OBS_OK;
    error->retryable = error->http_status = error->line = error->column = error->system = 0;
    error->message[0] = error->detail[0] = error->request_id[0] = '\0';
    return OBS_OK;
}

static void write_text(char *out, const char *format, va_list arguments)
{
    char raw[OBS_ERROR_TEXT_SIZE];
    vsnprintf(raw, sizeof raw, format, arguments);
    obs__escape_display(out, OBS_ERROR_TEXT_SIZE, raw, strlen(raw));
}

static obs_status begin(obs_error *error, obs_status status)
{
    obs__ok(error);
    if (usable(error)) {
        error->status = status;
        error->retryable = obs_status_retryable(status);
    }
    return status;
}

obs_status obs__fail(obs_error *error, obs_status status, const char *format, ...)
{
    begin(error, status);
    if (usable(error)) {
        va_list arguments;
        va_start(arguments, format);
        write_text(error->message, format, arguments);
        va_end(arguments);
    }
    return status;
}

static obs_status status_of(int number)
{
    switch (number) {
    case ENOENT:
    case ENOTDIR:
        return OBS_NOT_FOUND;
    case EEXIST:
        return OBS_ALREADY_EXISTS;
    case EACCES:
    case EPERM:
        return OBS_PERMISSION_DENIED;
    case EROFS:
        return OBS_FAILED_PRECONDITION;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return OBS_NO_SPACE;
    case ENOMEM:
    case EMFILE:
    case ENFILE:
        return OBS_RESOURCE_EXHAUSTED;
    case EINTR:
    case EAGAIN:
    case EBUSY:
        return OBS_UNAVAILABLE;
    case EIO:
        return OBS_DATA_LOSS;
    default:
        return OBS_INTERNAL;
    }
}

obs_status obs__fail_system(obs_error *error, int number, const char *format, ...)
{
    obs_status status = begin(error, status_of(number));
    if (usable(error)) {
        va_list arguments;
        va_start(arguments, format);
        write_text(error->message, format, arguments);
        va_end(arguments);
        error->system = number;
        size_t used = strlen(error->message);
        /* strerror() is safe from every thread in glibc since 2.32 and in musl. */
        snprintf(error->message + used, sizeof error->message - used, ": %s", strerror(number));
    }
    return status;
}

void obs__detail(obs_error *error, const char *format, ...)
{
    if (!usable(error))
        return;
    va_list arguments;
    va_start(arguments, format);
    write_text(error->detail, format, arguments);
    va_end(arguments);
}

void obs__at(obs_error *error, int line, int column)
{
    if (!usable(error))
        return;
    error->line = line;
    error->column = column;
}

void obs__remote(obs_error *error, int http_status, const char *request_id)
{
    if (!usable(error))
        return;
    error->http_status = http_status;
    obs__escape_display(error->request_id, sizeof error->request_id, request_id, strlen(request_id));
}

static const char no_memory[] = "not enough memory";

obs_status obs__fail_memory(obs_error *error)
{
    return obs__fail(error, OBS_RESOURCE_EXHAUSTED, no_memory);
}

int obs__lacks_memory(const obs_error *error)
{
    return error->status == OBS_RESOURCE_EXHAUSTED && strcmp(error->message, no_memory) == 0;
}

obs_status obs__copy_error(obs_error *to, const obs_error *from)
{
    if (usable(to)) {
        size_t size = to->size;
        memcpy(to, from, sizeof *to);
        to->size = size;
    }
    return from->status;
}
