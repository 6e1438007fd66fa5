/* Running functions: a thread for each worker of each function. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/memory.h"
#include "client/client.h"
#include "function/lane.h"

#define MS INT64_C(1000000)
#define MOST_LANES 256
#define LOOK_MS 20 /* how often `once` asks whether all is done */
#define FIRST_PAUSE_MS 500
#define LONGEST_PAUSE_MS 60000

typedef struct run run;

typedef struct seat {
    run *run;
    pthread_t thread;
    int is_started;
    obs__lane lane;
    atomic_ullong idle_at; /* run.moves when nothing waited for it; 0: it is busy */
    atomic_int has_ended;
    int64_t pause_ms;
    obs_error error; /* why it ended */
} seat;

struct run {
    obs_client *client;
    obs_cancel *cancel; /* of the run: set when it is to end */
    obs__limit limit;   /* the caller's */
    int once;
    atomic_ullong moves; /* events that were taken or done */
    size_t count;
    seat *seats;
};

void obs_function_run_options_init(obs_function_run_options *options, size_t size)
{
    if (!options || size < sizeof(size_t))
        return;
    memset(options, 0, size);
    options->size = size;
}

static int is_over(const run *self)
{
    return obs_cancel_is_set(self->cancel);
}

/* Opens what is closed; a program that died while nothing waited is started again. */
static obs_status prepare(seat *self, obs_error *error)
{
    obs__lane *lane = &self->lane;
    obs_status status = OBS_OK;
    if (lane->manifest && obs__lane_is_old(lane))
        obs__lane_close(lane);
    if (!lane->manifest) {
        status = obs__lane_open(lane, error);
        if (status == OBS_OK)
            status = obs__lane_start(lane, error);
        if (status == OBS_OK)
            status = obs__lane_subscribe(lane, error);
        if (status != OBS_OK)
            obs__lane_close(lane);
        return status;
    }
    return obs__lane_start(lane, error);
}

/* One event, or the wait for one. */
static obs_status turn(seat *self, obs_error *error)
{
    run *all = self->run;
    const obs_delivery *delivery = NULL;
    unsigned long long moves = atomic_load(&all->moves);
    obs_status status = prepare(self, error);
    if (status == OBS_OK)
        status = obs_subscription_next(&delivery, self->lane.subscription, all->once ? LOOK_MS : 60000, all->cancel, error);
    if (status != OBS_OK)
        return status;
    if (!delivery) {
        atomic_store(&self->idle_at, moves);
        return OBS_OK;
    }
    atomic_store(&self->idle_at, 0);
    atomic_fetch_add(&all->moves, 1);
    status = obs__lane_handle(&self->lane, delivery, error);
    atomic_fetch_add(&all->moves, 1);
    return status;
}

/* Whether a failure may end by itself: a program that is being built, a full disk. */
static int may_wait(const seat *self, obs_status status)
{
    return !self->run->once && status != OBS_CANCELLED && status != OBS_PERMISSION_DENIED && status != OBS_INVALID_ARGUMENT;
}

static void pause_a_while(seat *self)
{
    self->pause_ms = self->pause_ms ? self->pause_ms * 2 : FIRST_PAUSE_MS;
    if (self->pause_ms > LONGEST_PAUSE_MS)
        self->pause_ms = LONGEST_PAUSE_MS;
    obs__limit limit = obs__limit_in(self->pause_ms, self->run->cancel);
    int ready;
    obs__limit_wait(&limit, -1, (int)self->pause_ms, &ready, NULL);
}

static void *serve(void *argument)
{
    seat *self = argument;
    obs_error error;
    obs_error_init(&error, sizeof error);
    while (!is_over(self->run)) {
        obs_status status = turn(self, &error);
        if (status == OBS_OK) {
            self->pause_ms = 0;
            continue;
        }
        if (status == OBS_CANCELLED && is_over(self->run))
            break;
        obs__copy_error(&self->error, &error);
        if (!may_wait(self, status))
            break;
        obs__lane_close(&self->lane);
        pause_a_while(self);
    }
    obs__lane_close(&self->lane);
    atomic_store(&self->has_ended, 1);
    return NULL;
}

/* Nothing waits for anybody, and nobody is at work: each looked after the last move. */
static int all_idle(run *self)
{
    unsigned long long moves = atomic_load(&self->moves);
    for (size_t i = 0; i < self->count; i++)
        if (!atomic_load(&self->seats[i].has_ended) && atomic_load(&self->seats[i].idle_at) != moves)
            return 0;
    return atomic_load(&self->moves) == moves;
}

static int all_ended(run *self)
{
    for (size_t i = 0; i < self->count; i++)
        if (!atomic_load(&self->seats[i].has_ended))
            return 0;
    return 1;
}

static obs_status wait_for_end(run *self)
{
    int ready;
    obs_status status = OBS_OK;
    while (status == OBS_OK && !all_ended(self) && !(self->once && all_idle(self)))
        status = obs__limit_wait(&self->limit, -1, LOOK_MS * 5, &ready, NULL);
    return OBS_OK;
}

static obs_status start_all(run *self, obs_error *error)
{
    obs_status status = OBS_OK;
    for (size_t i = 0; status == OBS_OK && i < self->count; i++) {
        seat *one = &self->seats[i];
        int code = pthread_create(&one->thread, NULL, serve, one);
        if (code != 0)
            status = obs__fail_system(error, code, "cannot start a thread for '%s'", one->lane.name);
        one->is_started = code == 0;
        if (code != 0)
            atomic_store(&one->has_ended, 1);
    }
    return status;
}

/* The first error of a worker that gave up. */
static obs_status end_all(run *self, obs_status status, obs_error *error)
{
    obs_cancel_set(self->cancel);
    for (size_t i = 0; i < self->count; i++)
        if (self->seats[i].is_started)
            pthread_join(self->seats[i].thread, NULL);
    for (size_t i = 0; status == OBS_OK && i < self->count; i++) {
        const seat *one = &self->seats[i];
        if (one->error.status != OBS_OK && one->error.status != OBS_CANCELLED && !may_wait(one, one->error.status))
            status = obs__copy_error(error, &one->error);
    }
    return status;
}

/* Every manifest is read before anything starts: one that is wrong is told at once. */
static obs_status add_seats(run *self, const char *name, obs_error *error)
{
    obs__manifest *manifest = NULL;
    uid_t account = self->client->gate->workspace->account;
    obs_status status = obs__manifest_read(&manifest, obs_client_workspace(self->client), name, account, error);
    size_t more = status == OBS_OK ? (size_t)manifest->workers : 0;
    obs__manifest_free(manifest);
    if (status == OBS_OK && self->count + more > MOST_LANES)
        status = obs__fail(error, OBS_RESOURCE_EXHAUSTED, "at most %d workers run in one process: run fewer functions in it",
                           MOST_LANES);
    for (size_t i = 0; status == OBS_OK && i < more; i++) {
        seat *one = &self->seats[self->count];
        one->run = self;
        one->lane = (obs__lane){.owner = self->client,
                                .name = name,
                                .account = account,
                                .number = (int)self->count,
                                .limit = {INT64_MAX, self->cancel}};
        obs_error_init(&one->error, sizeof one->error);
        self->count++;
    }
    return status;
}

static obs_status run_names(run *self, const char *const *names, size_t count, obs_error *error)
{
    obs_status status = OBS_OK;
    for (size_t i = 0; status == OBS_OK && i < count; i++)
        status = add_seats(self, names[i], error);
    if (status == OBS_OK && !self->count)
        status = obs__fail(error, OBS_NOT_FOUND, "there are no functions here: 'obsctl function new NAME --python' makes one");
    if (status != OBS_OK)
        return status;
    status = start_all(self, error);
    if (status == OBS_OK)
        wait_for_end(self);
    return end_all(self, status, error);
}

static obs_status check_owner(obs_client *client, obs_error *error)
{
    if (client->gate->bearer || !obs__workspace_is_owner(client->gate->workspace))
        return obs__fail(error, OBS_PERMISSION_DENIED,
                         "functions are run by the owner of the workspace, %s, and without a token",
                         client->gate->workspace->owner);
    return OBS_OK;
}

obs_status obs_function_run(obs_client *client, const obs_function_run_options *options, obs_error *error)
{
    obs_function_run_options wanted;
    char **found = NULL;
    run self = {.client = client};
    if (!client)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "a client is required");
    obs__client_options(&wanted, sizeof wanted, options);
    obs_status status = check_owner(client, error);
    self.limit = (obs__limit){INT64_MAX, wanted.call ? wanted.call->cancel : NULL};
    if (wanted.call && wanted.call->timeout_ms > 0)
        self.limit = obs__limit_of(wanted.call);
    self.once = wanted.once;
    if (status == OBS_OK && !wanted.names)
        status = obs__manifest_names(&found, obs_client_workspace(client), error);
    while (status == OBS_OK && found && found[wanted.name_count])
        wanted.name_count++;
    if (status == OBS_OK)
        status = obs_cancel_new(&self.cancel, error);
    if (status == OBS_OK && !(self.seats = obs__calloc(MOST_LANES, sizeof *self.seats)))
        status = obs__fail_memory(error);
    atomic_init(&self.moves, 1);
    if (status == OBS_OK)
        status = run_names(&self, found ? (const char *const *)found : wanted.names, wanted.name_count, error);
    obs__free(self.seats);
    obs_cancel_free(self.cancel);
    obs__manifest_names_free(found);
    return status == OBS_OK ? obs__ok(error) : status;
}
