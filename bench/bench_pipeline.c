/*
 * What the pipeline costs in front of and behind every call: noting a read, and entering and leaving a call that does nothing.
 *
 *     bench_pipeline FOLDER
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "client/client.h"

#define CALLS 2000000
#define KEYS 64

struct job {
    obs_client *client;
    int distinct;
};

static void *call(void *user)
{
    const struct job *job = user;
    char keys[KEYS][64];
    for (int i = 0; i < KEYS; i++)
        snprintf(keys[i], sizeof keys[i], "raw/2026-11-20/ccd-%04d.fits", i);
    for (int i = 0; i < CALLS; i++) {
        obs__scope scope;
        const char *key = keys[job->distinct ? i % KEYS : 0];
        if (obs__gate_enter(&scope, &job->client->gate->gate, OBS__READ, "store.get", key, OBS_TEXT, NULL, NULL) == OBS_OK)
            obs__gate_leave(&scope, OBS_OK, NULL);
    }
    return NULL;
}

static void *note(void *user)
{
    const struct job *job = user;
    obs__audit_record record = {.time_ns = 1,
                                .kind = "read",
                                .action = "store.get",
                                .subject = "user:ada",
                                .client = "bench pid 1",
                                .trace = "4bf92f3577b34da6a3ce929d0e0e4736",
                                .object = obs__view_of("raw/2026-11-20/ccd-0421.fits", OBS_TEXT)};
    for (int i = 0; i < CALLS; i++)
        obs__audit_note(job->client->gate->audit, &record);
    return NULL;
}

static void measure(const char *what, void *(*work)(void *), struct job job, int count)
{
    pthread_t threads[16];
    int64_t start = obs__monotonic_ns();
    for (int i = 0; i < count; i++)
        pthread_create(&threads[i], NULL, work, &job);
    for (int i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
    printf("%-40s %2d threads  %6.0f ns each\n", what, count, (double)(obs__monotonic_ns() - start) / CALLS);
}

int main(int count, char **arguments)
{
    obs_client *client = NULL;
    obs_open_options options;
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_open_options_init(&options, sizeof options);
    options.workspace = count > 1 ? arguments[1] : "bench-pipeline";
    obs_workspace_init(options.workspace, NULL, &error);
    int64_t start = obs__monotonic_ns();
    if (obs_client_open(&client, &options, &error) != OBS_OK) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    printf("%-40s             %6.0f us\n", "open", (double)(obs__monotonic_ns() - start) / 1e3);
    measure("note the same read", note, (struct job){client, 0}, 1);
    measure("enter and leave, same key", call, (struct job){client, 0}, 1);
    measure("enter and leave, 64 keys", call, (struct job){client, 1}, 1);
    measure("enter and leave, 64 keys", call, (struct job){client, 1}, 2);
    measure("enter and leave, 64 keys", call, (struct job){client, 1}, 8);
    obs_client_close(client);
    return 0;
}
