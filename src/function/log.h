/*
 * What functions print: `logs/output.jsonl` in the folder of each, a line of JSON for each line of text, with the trace of the
 * event. Several processes append; a full file becomes output.1.jsonl, up to 4 of them are kept.
 */
#ifndef OBS_FUNCTION_LOG_H
#define OBS_FUNCTION_LOG_H

#include "base/text.h"
#include "function/manifest.h"

typedef struct obs__function_log {
    char *path;
    const char *tenant; /* borrowed */
    char trace[33];     /* of the event that is handled, or "" */
    char event[256];    /* its id, shortened */
    uint32_t attempt;
    uint64_t taken; /* bytes for this event */
    uint64_t dropped;
    obs__builder line; /* that is not complete */
    obs__builder text; /* records on their way */
} obs__function_log;

obs_status obs__function_log_open(obs__function_log *out, const obs__manifest *manifest, const char *tenant, obs_error *error);
void obs__function_log_close(obs__function_log *log);
/* What comes now is about this event; NULL: about none. */
void obs__function_log_about(obs__function_log *log, const char *traceparent, const char *event, uint32_t attempt);
/* Bytes that the program wrote. Never fails: what cannot be kept is counted. */
void obs__function_log_add(obs__function_log *log, const char *data, size_t size);
/* A line of the runner's own. */
void obs__function_log_say(obs__function_log *log, const char *text);
/* Writes what is complete; `whole`: the line that is not, too. */
void obs__function_log_flush(obs__function_log *log, int whole);

#endif
