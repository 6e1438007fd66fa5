/*
 * A worker: the program of a function as a child process that is kept warm. One thread starts it, asks it and ends it. Whatever
 * it does, from crashing to answering nonsense, ends in an error of the call and never harms the one who asks.
 */
#ifndef OBS_FUNCTION_WORKER_H
#define OBS_FUNCTION_WORKER_H

#include "base/call.h"
#include "function/function.h"
#include "function/log.h"
#include "function/manifest.h"

typedef struct obs__worker obs__worker;

/* Starts a program and waits until it is ready. `token` is what it may read with. OBS_UNAVAILABLE when it cannot be started. */
obs_status obs__worker_start(obs__worker **out, const obs__manifest *manifest, obs_client *client, const obs_secret *token,
                             obs__function_log *log, const obs__limit *limit, obs_error *error);
/* Ends it and all that it started: SIGTERM, and SIGKILL after a moment. NULL is accepted. */
void obs__worker_stop(obs__worker *worker);
/* Whether it can still be asked. */
int obs__worker_is_alive(obs__worker *worker);

/* Asks, and waits for the answer until the time of the manifest is over or the limit's cancel is set (OBS_CANCELLED). After
 * anything but OBS_OK the worker can only be stopped, which was begun already where it broke the rules. */
obs_status obs__worker_ask(const obs__frame **out, obs__worker *worker, const obs__builder *request, int64_t timeout_ms,
                           const obs__limit *limit, obs_error *error);

#endif
