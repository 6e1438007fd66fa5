/* All destinations at once: each on a thread of its own, so that one that hangs holds up no other. */
#include <pthread.h>
#include <signal.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "deliver/courier.h"

int obs__deliver_is_for(const obs__deliver_host *host, const obs__destination *to)
{
    return to->is_administrator || strcmp(obs__to_text(to, OBS__TO_TENANT), host->gate->tenant) == 0;
}

static void *work(void *user)
{
    obs__courier *courier = user;
    courier->status = obs__courier_run(courier, &courier->error);
    return NULL;
}

/* The program's signals are not for these threads. */
static int start(pthread_t *thread, obs__courier *courier)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int started = pthread_create(thread, NULL, work, courier) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return started;
}

static void run_all(obs__courier *couriers, size_t count, int administrators)
{
    pthread_t threads[64];
    int started[64] = {0};
    for (size_t i = 0; i < count; i++) {
        obs__courier *courier = &couriers[i];
        if (administrators >= 0 && courier->to->is_administrator != administrators)
            continue;
        started[i] = start(&threads[i], courier);
        if (!started[i])
            courier->status = obs__fail(&courier->error, OBS_RESOURCE_EXHAUSTED, "cannot start a thread");
    }
    for (size_t i = 0; i < count; i++)
        if (started[i])
            pthread_join(threads[i], NULL);
}

static size_t choose(obs__courier *couriers, const obs__deliver_host *host, const obs__deliver_plan *plan)
{
    size_t count = 0;
    for (size_t i = 0; i < host->all->count; i++) {
        const obs__destination *to = &host->all->items[i];
        if (!obs__deliver_is_for(host, to) || (plan->only && strcmp(plan->only, obs__to_text(to, OBS__TO_NAME)) != 0))
            continue;
        couriers[count] = (obs__courier){.host = host, .to = to, .once = plan->once, .limit = plan->limit};
        obs_error_init(&couriers[count].error, sizeof couriers[count].error);
        count++;
    }
    return count;
}

/* Administrators have their place on the bus before anything is told: their consumers begin with what comes from then on. One
 * that cannot be had now is tried again by its courier. */
static void introduce(obs__courier *couriers, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (couriers[i].to->is_administrator && obs__courier_subscribe(&couriers[i], NULL) == OBS_OK)
            obs__courier_leave(&couriers[i]);
}

static obs_status gather(uint64_t *delivered, obs__courier *couriers, size_t count, obs_error *error)
{
    obs_status status = OBS_OK;
    for (size_t i = 0; i < count; i++) {
        *delivered += couriers[i].delivered;
        if (status == OBS_OK && couriers[i].status != OBS_OK)
            status = obs__copy_error(error, &couriers[i].error);
    }
    return status;
}

obs_status obs__deliver_run(uint64_t *delivered, const obs__deliver_host *host, const obs__deliver_plan *plan, obs_error *error)
{
    obs__courier *couriers = obs__calloc(host->all->count + 1, sizeof *couriers);
    *delivered = 0;
    if (!couriers)
        return obs__fail_memory(error);
    size_t count = choose(couriers, host, plan);
    obs_status status = OBS_OK;
    if (plan->only && !count)
        status = obs__fail(error, OBS_NOT_FOUND, "there is no destination '%.64s' for tenant '%.63s' in obs.yaml", plan->only,
                           host->gate->tenant);
    else if (!count)
        status = obs__fail(error, OBS_NOT_FOUND,
                           "there is no destination for tenant '%.63s': name one in obs.yaml, as in "
                           "destinations: [{name: alerts, url: 'https://example.org/hook'}]",
                           host->gate->tenant);
    else
        introduce(couriers, count);
    if (status == OBS_OK && plan->once) {
        run_all(couriers, count, 0);
        run_all(couriers, count, 1);
    } else if (status == OBS_OK)
        run_all(couriers, count, -1);
    if (status == OBS_OK)
        status = gather(delivered, couriers, count, error);
    obs__free(couriers);
    return status;
}
