/* The hooks of the process, and the ring that obs_log_take() empties. */
#include "base/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/metrics.h"
#include "base/text.h"

#define RING_SIZE 1024
#define LINE_LIMIT 8192

/* Read on every record without the lock; the rest under it. */
static atomic_int wanted_level;
static atomic_int wanted_spans;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
    obs_log_hook hook;
    void *user;
    obs_log_level level;
    obs_log_level ring_level; /* 0 until the first obs_log_take() */
    char *lines[RING_SIZE];
    size_t count;
    obs_span_hook span_hook;
    void *span_user;
} state;

static obs__counter dropped = {"obs_log_dropped", "Log records that obs_log_take() could not keep.", 0, 0, NULL};

static void take_lock(void)
{
    pthread_mutex_lock(&lock);
}

static void give_lock(void)
{
    pthread_mutex_unlock(&lock);
}

/* Another thread may hold the lock when this one forks; the child would then wait for ever. */
static void survive_forks(void)
{
    pthread_atfork(take_lock, give_lock, give_lock);
}

static void lock_state(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, survive_forks);
    take_lock();
}

static void update_wanted(void)
{
    int of_hook = state.hook ? (int)state.level : 0;
    atomic_store(&wanted_level, of_hook > (int)state.ring_level ? of_hook : (int)state.ring_level);
}

void obs_log_set(obs_log_hook hook, void *user, obs_log_level level)
{
    lock_state();
    state.hook = hook;
    state.user = user;
    state.level = level;
    update_wanted();
    give_lock();
}

const char *obs_log_level_name(obs_log_level level)
{
    static const char *const names[] = {"none", "error", "warning", "info", "debug"};
    return level >= OBS_LOG_ERROR && level <= OBS_LOG_DEBUG ? names[level] : "unknown";
}

int obs__log_wanted(obs_log_level level)
{
    return (int)level <= atomic_load_explicit(&wanted_level, memory_order_relaxed);
}

static char *line_of(const obs_log_record *record)
{
    char time[OBS__TIME_SIZE];
    obs__builder line;
    obs__time_format(time, record->time_ns);
    obs__builder_init(&line, LINE_LIMIT);
    obs__add_char(&line, '{');
    obs__add_json_member(&line, "time", time);
    obs__add_json_member(&line, "level", obs_log_level_name(record->level));
    obs__add_json_member(&line, "subject", record->subject);
    obs__add_json_member(&line, "message", record->message);
    if (*record->trace_id)
        obs__add_json_member(&line, "trace_id", record->trace_id);
    obs__add_json_end(&line);
    if (!line.failed)
        return line.data;
    obs__builder_free(&line);
    return NULL;
}

static void keep_line(const obs_log_record *record)
{
    char *line = line_of(record);
    lock_state();
    int keep = line && state.count < RING_SIZE;
    if (keep)
        state.lines[state.count++] = line;
    give_lock();
    if (!keep) {
        obs__free(line);
        obs__counter_add(&dropped, 1);
    }
}

static void deliver(const obs_log_record *record)
{
    lock_state();
    obs_log_hook hook = record->level <= state.level ? state.hook : NULL;
    void *user = state.user;
    int to_ring = record->level <= state.ring_level;
    give_lock();
    if (to_ring)
        keep_line(record);
    if (hook)
        hook(user, record);
}

void obs__log(obs_log_level level, const char *subject, const char *trace_id, const char *format, ...)
{
    char raw[1024];
    char message[sizeof raw + 256];
    char trace[33] = "";
    va_list arguments;
    if (!obs__log_wanted(level))
        return;
    va_start(arguments, format);
    int size = vsnprintf(raw, sizeof raw, format, arguments);
    va_end(arguments);
    obs__escape_display(message, sizeof message, raw, size < 0 ? 0 : strlen(raw));
    if (trace_id)
        snprintf(trace, sizeof trace, "%.32s", trace_id);
    const obs_log_record record = {sizeof record, obs__now_ns(), level, subject, message, trace};
    deliver(&record);
}

/* All lines in one text; they are freed by the caller. */
static obs_status join_lines(obs_buffer **out, char *const *lines, size_t count, obs_error *error)
{
    obs__builder text;
    obs__builder_init(&text, (size_t)RING_SIZE * (LINE_LIMIT + 1));
    for (size_t i = 0; i < count; i++) {
        obs__add_text(&text, lines[i]);
        obs__add_char(&text, '\n');
    }
    return obs__builder_finish(out, &text, error);
}

obs_status obs_log_take(obs_buffer **out, obs_log_level level, obs_error *error)
{
    if (!out)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "out is required");
    *out = NULL;
    lock_state();
    state.ring_level = level;
    update_wanted();
    obs_status status = join_lines(out, state.lines, state.count, error);
    /* Without memory nothing is lost: the lines stay for the next call. */
    if (status == OBS_OK)
        while (state.count)
            obs__free(state.lines[--state.count]);
    give_lock();
    return status == OBS_OK ? obs__ok(error) : status;
}

void obs_span_set(obs_span_hook hook, void *user)
{
    lock_state();
    state.span_hook = hook;
    state.span_user = user;
    atomic_store(&wanted_spans, hook != NULL);
    give_lock();
}

int obs__span_wanted(void)
{
    return atomic_load_explicit(&wanted_spans, memory_order_relaxed);
}

void obs__span_emit(const obs_span_record *record)
{
    if (!obs__span_wanted())
        return;
    lock_state();
    obs_span_hook hook = state.span_hook;
    void *user = state.span_user;
    give_lock();
    if (hook)
        hook(user, record);
}
