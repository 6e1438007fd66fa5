/*
 * What both ends of the socket agree on, and the side of the function.
 *
 * The runner asks, the worker answers, one at a time: `GET /ready` once, then `POST /` with an event in CloudEvents binary or
 * structured mode, and the headers below. The answer 200 holds the outputs: each a line of JSON, followed by as many bytes as
 * its "size" says and a line end. Anything else is a failure, with a problem document (RFC 9457) that says why.
 */
#ifndef OBS_FUNCTION_FUNCTION_H
#define OBS_FUNCTION_FUNCTION_H

#include <obs/function.h>

#include "base/text.h"
#include "function/frame.h"

#define OBS__FUNCTION_SOCKET 3 /* descriptors of the program */
#define OBS__FUNCTION_TOKEN 4

#define OBS__OUTPUTS_TYPE "application/vnd.obs.outputs"
#define OBS__PROBLEM_TYPE "application/problem+json"
#define OBS__ATTEMPT_HEADER "obs-attempt"
#define OBS__DEADLINE_HEADER "obs-deadline-ms" /* from now */
#define OBS__FOLDER_HEADER "obs-folder"

#define OBS__OUTPUTS_MAX 1000
#define OBS__OUTPUTS_LIMIT ((size_t)64 << 20)  /* of an answer */
#define OBS__OUTPUT_INLINE ((size_t)256 << 10) /* larger objects go by a file */
#define OBS__OUTPUT_LINE_LIMIT ((size_t)1 << 20)
#define OBS__OUTPUT_FILE_LIMIT ((size_t)4 << 30)
#define OBS__REASON_SIZE 1025
#define OBS__REQUEST_LIMIT ((size_t)4 << 20)

struct obs_function {
    unsigned generation;
    int socket;         /* -1: one event alone, without a runner */
    char *event;        /* that event, until it was handed out */
    obs_client *client; /* opened when the handler wants it */
    obs_secret *token;
    obs__frame request;
    obs_function_call *call;
    uint64_t config_version; /* of the process, which what follows is about (config.c) */
    obs_buffer *config_text; /* JSON; NULL: nobody asked yet */
    char config_name[65];    /* its SHA-256 */
    int config_is_numbered;  /* it has a member `version`: */
    int64_t config_number;
};

struct obs_function_call {
    obs_function *function;
    obs_event *event;
    uint32_t attempt;
    int64_t end_ns; /* monotonic; INT64_MAX: none */
    char *folder;
    int folder_is_there;
    int files;            /* that were made for large objects */
    size_t outputs;       /* and inputs */
    obs__builder body;    /* of the answer */
    obs__builder lines;   /* the same without the bytes */
    obs_config *snapshot; /* NULL: the handler did not ask, and nothing is claimed */
};

/* output.c: an output that a handler adds: the members of its line so far, then its bytes. */
obs_status obs__output_begin(obs__builder *line, obs_function_call *call, const char *what, obs_error *error);
obs_status obs__output_end(obs_function_call *call, obs__builder *line, const void *data, size_t size, obs_error *error);
/* OBS_FAILED_PRECONDITION in a child of the process that is asked. */
obs_status obs__function_check(const obs_function_call *call, obs_error *error);

#endif
