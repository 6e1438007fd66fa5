/*
 * A lane: one worker of one function, with the subscription that gives it events and the client that its outputs are made with.
 * For one thread.
 */
#ifndef OBS_FUNCTION_LANE_H
#define OBS_FUNCTION_LANE_H

#include "function/log.h"
#include "function/manifest.h"
#include "function/product.h"
#include "function/worker.h"

typedef struct obs__lane {
    obs_client *owner; /* borrowed: of whoever runs functions */
    const char *name;  /* borrowed */
    uid_t account;     /* who may own the manifest besides the caller */
    int number;
    obs__limit limit; /* of the run */
    obs__manifest *manifest;
    obs_client *client; /* function:NAME@DIGEST */
    obs_secret *token;  /* of the program */
    int64_t opened_ns;
    obs_subscription *subscription; /* NULL: nobody asked for events */
    obs__worker *worker;
    obs__function_log log;
    char *folder; /* of the call */
    obs__builder request;
    char configuration[65]; /* the last one that was kept */
} obs__lane;

/* Reads the manifest, gets the tokens. Everything is closed with obs__lane_close(), also after a failure. */
obs_status obs__lane_open(obs__lane *lane, obs_error *error);
obs_status obs__lane_subscribe(obs__lane *lane, obs_error *error);
/* A program that is ready; the same as before when it still is. */
obs_status obs__lane_start(obs__lane *lane, obs_error *error);
/* The tokens are about to end: close, and open again. */
int obs__lane_is_old(const obs__lane *lane);
void obs__lane_close(obs__lane *lane);

/* Asks the worker. *out are its outputs. OBS_REFUSED, when the handler says that repeating cannot help. */
obs_status obs__lane_ask(obs__products **out, obs__lane *lane, const obs_event *event, uint32_t attempt, obs_error *error);
/* One event from the worker to the commit, or given back. OBS_OK unless the lane cannot go on. */
obs_status obs__lane_handle(obs__lane *lane, const obs_delivery *delivery, obs_error *error);
/* kept.c: the folder of a call that failed is kept, the last ten of them; after one that did not, it is removed. */
void obs__lane_keep(obs__lane *lane, const obs_event *event, uint32_t attempt, const char *reason);
void obs__lane_sweep(obs__lane *lane);

#endif
