/*
 * Group commit on the callers' own threads.
 *
 * Requests queue under the core's mutex. The first becomes the leader: it waits for the writer lock, takes everything that
 * is queued by then, runs it in one transaction with one sync, and passes the lead on to the first of those who came
 * meanwhile. While one batch is synced the next gathers.
 */
#include "base/clock.h"
#include "base/error.h"
#include "journal/core.h"

/* Whether the request leads at once. */
static int enqueue(obs__core *core, obs__request *request)
{
    pthread_mutex_lock(&core->mutex);
    if (core->last)
        core->last->next = request;
    else
        core->first = request;
    core->last = request;
    int leads = !core->led;
    core->led = 1;
    atomic_init(&request->state, leads ? OBS__LEADING : OBS__QUEUED);
    pthread_mutex_unlock(&core->mutex);
    return leads;
}

/* Under the mutex. */
static void unlink_request(obs__core *core, obs__request *request)
{
    obs__request *before = NULL;
    for (obs__request *at = core->first; at != request; at = at->next)
        before = at;
    if (before)
        before->next = request->next;
    else
        core->first = request->next;
    if (core->last == request)
        core->last = before;
}

/* Leaves the queue unless the request was taken or told to lead meanwhile. */
static int leave(obs__core *core, obs__request *request, obs_status status)
{
    pthread_mutex_lock(&core->mutex);
    int left = atomic_load(&request->state) == OBS__QUEUED;
    if (left) {
        unlink_request(core, request);
        request->status = status;
    }
    pthread_mutex_unlock(&core->mutex);
    return left;
}

/* Waits for the outcome, for the lead, or for the end of the limit. Returns 1 when the request is to lead. */
static int follow(obs__core *core, obs__request *request)
{
    for (;;) {
        uint32_t state = atomic_load_explicit(&request->state, memory_order_acquire);
        if (state == OBS__LEADING || state == OBS__DONE)
            return state == OBS__LEADING;
        int64_t end = OBS__FOREVER;
        if (state == OBS__QUEUED) {
            obs_status status = obs__limit_check(request->limit, request->error);
            if (status != OBS_OK && leave(core, request, status))
                return 0;
            end = request->limit->cancel ? obs__slice_end(request->limit) : request->limit->end_ns;
        }
        obs__park(&request->state, state, end);
    }
}

static obs__request *take_all(obs__core *core)
{
    pthread_mutex_lock(&core->mutex);
    obs__request *batch = core->first;
    core->first = core->last = NULL;
    for (obs__request *request = batch; request; request = request->next)
        atomic_store_explicit(&request->state, OBS__TAKEN, memory_order_relaxed);
    pthread_mutex_unlock(&core->mutex);
    return batch;
}

/* `own` is the caller's. A follower may return, and its request be gone, as soon as it is done. */
static void publish(obs__request *batch, const obs__request *own)
{
    for (obs__request *next; batch; batch = next) {
        next = batch->next;
        if (batch == own)
            continue;
        atomic_store_explicit(&batch->state, OBS__DONE, memory_order_release);
        obs__unpark(&batch->state);
    }
}

static void pass_lead(obs__core *core)
{
    pthread_mutex_lock(&core->mutex);
    obs__request *next = core->first;
    core->led = next != NULL;
    if (next) {
        atomic_store_explicit(&next->state, OBS__LEADING, memory_order_release);
        obs__unpark(&next->state);
    } else if (core->lock) {
        obs__lock_forgo(core->lock);
    }
    pthread_mutex_unlock(&core->mutex);
}

static void lead(obs__core *core, obs__request *own)
{
    obs_status status = obs__lock_take(core->lock, own->limit, own->error);
    if (status != OBS_OK) {
        pthread_mutex_lock(&core->mutex);
        unlink_request(core, own);
        pthread_mutex_unlock(&core->mutex);
        own->status = status;
        pass_lead(core);
        return;
    }
    obs__request *batch = take_all(core);
    obs__batch_run(core, batch);
    publish(batch, own);
    obs__writer_checkpoint(core);
    obs__lock_release(core->lock);
    pass_lead(core);
}

obs_status obs__journal_commit(obs__journal *journal, const obs__effects *effects, const obs__limit *limit, obs_error *error)
{
    obs__core *core;
    obs_error own_error; /* the outcome is told through it also when the caller wants none */
    obs_error_init(&own_error, sizeof own_error);
    if (!effects->first)
        return OBS_OK;
    obs_status status = obs__core_of(&core, journal, limit, error);
    if (status == OBS_OK)
        status = obs__limit_check(limit, error);
    if (status == OBS_OK && !core->can_write) {
        status = obs__fail(error, OBS_FAILED_PRECONDITION, "the tenant can only be read here");
        obs__detail(error, "folder %s", journal->folder);
    }
    if (status != OBS_OK)
        return status;
    obs__request request = {.effects = effects, .limit = limit, .error = &own_error};
    if (enqueue(core, &request) || follow(core, &request))
        lead(core, &request);
    return request.status == OBS_OK ? OBS_OK : (obs__copy_error(error, &own_error), request.status);
}
