/* Calls of the public side, each made to fail at every one of its allocations; see test_public_memory.c. */
#ifndef OBS_TESTS_FAULTS_TRIAL_H
#define OBS_TESTS_FAULTS_TRIAL_H

#include <stdio.h>

#include "client/workspace.h"
#include "faults/failing_malloc.h"

/* What the calls work with. */
struct stage {
    const char *path;
    obs_client *client;
    const char *odd; /* an answer and its result do not fit; nothing can be asserted while allocations fail */
    int n;           /* which attempt this is: each has names of its own */
    char key[64];
    char name[64]; /* of a tenant or a definition */
};

extern struct stage stage;

struct trial {
    const char *name;
    void (*prepare)(void); /* or NULL; nothing fails here */
    obs_status (*call)(void);
    int (*done)(void); /* whether what the call was to change is changed; NULL: the call only reads */
};

/* Each file of trials has its own error: where it lies, prepared. */
obs_error *store_error(void);
obs_error *data_error(void);
obs_error *workspace_error(void);
obs_error *stream_error(void);
obs_error *event_error(void);
obs_error *consumer_error(void);
obs_error *function_error(void);
extern const struct trial store_trials[];
extern const struct trial data_trials[];
extern const struct trial workspace_trials[];
extern const struct trial stream_trials[];
extern const struct trial event_trials[];
extern const struct trial consumer_trials[];
extern const struct trial function_trials[];

static inline obs_store *the_store(void)
{
    return obs_client_store(stage.client);
}

static inline void fits(int fine, const char *odd)
{
    if (!fine && !stage.odd)
        stage.odd = odd;
}

/* Counts the rows and frees them; nothing is asserted while allocations fail. */
static inline obs_status count_quietly(obs_rows *rows, size_t *found)
{
    const char *text = "";
    obs_status status = OBS_OK;
    while (status == OBS_OK && text) {
        status = obs_rows_next(rows, &text, NULL, &error);
        *found += status == OBS_OK && text;
    }
    obs_rows_free(rows);
    return status;
}

#endif
