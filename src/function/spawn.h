/* Starting the program of a function: a child with nothing of the parent's but a socket, a pipe and a token. */
#ifndef OBS_FUNCTION_SPAWN_H
#define OBS_FUNCTION_SPAWN_H

#include <sys/types.h>

#include <obs/client.h>
#include <obs/secret.h>

#include "function/isolate.h"

typedef struct obs__spawned {
    pid_t pid;  /* and its process group */
    int socket; /* to ask it */
    int output; /* what it prints; does not block */
    obs__isolation isolation;
} obs__spawned;

/* Free what it is isolated by with obs__isolation_free(), also when it failed. */
obs_status obs__spawn(obs__spawned *out, const obs__manifest *manifest, obs_client *client, const obs_secret *token,
                      obs_error *error);

#endif
