/* Keeping what functions print. */
#include "function/log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/span.h"

#define LINE_LIMIT ((size_t)8192)
#define TEXT_LIMIT ((size_t)256 << 10)
#define EVENT_LIMIT ((uint64_t)1 << 20) /* of what one event may print */
#define FILE_LIMIT ((off_t)8 << 20)
#define KEPT 4

obs_status obs__function_log_open(obs__function_log *out, const obs__manifest *manifest, const char *tenant, obs_error *error)
{
    char folder[PATH_MAX];
    memset(out, 0, sizeof *out);
    obs__builder_init(&out->line, LINE_LIMIT);
    obs__builder_init(&out->text, TEXT_LIMIT);
    out->tenant = tenant;
    snprintf(folder, sizeof folder, "%s/logs", manifest->folder);
    obs_status status = obs__folder_make(AT_FDCWD, folder, 0700, error);
    if (status == OBS_OK && asprintf(&out->path, "%s/output.jsonl", folder) < 0) {
        out->path = NULL;
        status = obs__fail_memory(error);
    }
    return status;
}

void obs__function_log_close(obs__function_log *log)
{
    if (log->path)
        obs__function_log_flush(log, 1);
    obs__builder_free(&log->line);
    obs__builder_free(&log->text);
    free(log->path);
    log->path = NULL;
}

static void add_record(obs__function_log *log, const char *from, const char *data, size_t size)
{
    char time[OBS__TIME_SIZE];
    obs__time_format(time, obs__now_ns());
    obs__add_char(&log->text, '{');
    obs__add_json_member(&log->text, "time", time);
    obs__add_json_member(&log->text, "tenant", log->tenant);
    obs__add_json_member(&log->text, "trace", log->trace);
    obs__add_json_member(&log->text, "event", log->event);
    obs__add_json_integer(&log->text, "attempt", log->attempt);
    obs__add_json_member(&log->text, "from", from);
    obs__add_text(&log->text, "\"text\":");
    obs__add_json(&log->text, data, size);
    obs__add_text(&log->text, "}\n");
}

static void take_line(obs__function_log *log, const char *data, size_t size)
{
    if (size && data[size - 1] == '\r')
        size--;
    add_record(log, "program", data, size);
    if (log->text.size > TEXT_LIMIT / 2)
        obs__function_log_flush(log, 0);
}

void obs__function_log_add(obs__function_log *log, const char *data, size_t size)
{
    while (size) {
        const char *end = memchr(data, '\n', size);
        size_t piece = end ? (size_t)(end - data) : size;
        size_t fits = LINE_LIMIT - 1 - log->line.size;
        size_t whole = piece + (end != NULL);
        if (log->taken + piece > EVENT_LIMIT)
            log->dropped += piece;
        else {
            log->taken += piece;
            obs__add(&log->line, data, piece < fits ? piece : fits);
            log->dropped += piece < fits ? 0 : piece - fits;
        }
        if (end) {
            if (log->line.size || log->taken < EVENT_LIMIT)
                take_line(log, log->line.size ? log->line.data : "", log->line.size);
            obs__builder_clear(&log->line);
        }
        data += whole;
        size -= whole;
    }
}

void obs__function_log_say(obs__function_log *log, const char *text)
{
    obs__function_log_flush(log, 1);
    add_record(log, "runner", text, strlen(text));
    obs__function_log_flush(log, 0);
}

void obs__function_log_about(obs__function_log *log, const char *traceparent, const char *event, uint32_t attempt)
{
    obs__trace trace;
    obs__function_log_flush(log, 1);
    log->trace[0] = log->event[0] = '\0';
    if (traceparent && obs__trace_parse(&trace, traceparent))
        snprintf(log->trace, sizeof log->trace, "%s", trace.trace_id);
    if (event)
        snprintf(log->event, sizeof log->event, "%.255s", event);
    log->attempt = attempt;
    log->taken = log->dropped = 0;
}

/* Under a lock of its own, as several runners may find the file full. */
static void rotate(obs__function_log *log, int fd)
{
    char from[PATH_MAX], to[PATH_MAX];
    struct stat mine, now;
    size_t stem = strlen(log->path) - sizeof ".jsonl" + 1;
    if (flock(fd, LOCK_EX) != 0 || fstat(fd, &mine) != 0 || stat(log->path, &now) != 0 || mine.st_ino != now.st_ino)
        return; /* the lock ends with the descriptor */
    for (int i = KEPT - 1; i >= 1; i--) {
        snprintf(from, sizeof from, "%.*s.%d.jsonl", (int)stem, log->path, i);
        snprintf(to, sizeof to, "%.*s.%d.jsonl", (int)stem, log->path, i + 1);
        rename(from, to);
    }
    snprintf(to, sizeof to, "%.*s.1.jsonl", (int)stem, log->path);
    rename(log->path, to);
}

static void write_records(obs__function_log *log)
{
    struct stat found;
    int fd = open(log->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return;
    /* Whole records in one write: several workers append. */
    obs__write_all(fd, log->text.data, log->text.size, log->path, NULL);
    if (fstat(fd, &found) == 0 && found.st_size > FILE_LIMIT)
        rotate(log, fd);
    close(fd);
}

void obs__function_log_flush(obs__function_log *log, int whole)
{
    char text[64];
    if (whole && log->line.size) {
        add_record(log, "program", log->line.data, log->line.size);
        obs__builder_clear(&log->line);
    }
    if (whole && log->dropped) {
        snprintf(text, sizeof text, "%llu bytes more were not kept", (unsigned long long)log->dropped);
        add_record(log, "runner", text, strlen(text));
        log->dropped = 0;
    }
    if (log->text.size && !log->text.failed)
        write_records(log);
    obs__builder_clear(&log->text);
}
