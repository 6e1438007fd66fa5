/* Asking sources that may take their time, on a thread of the pool: the keeper has other tasks that must not wait. */
#include "base/memory.h"
#include "base/pool.h"
#include "config/engine.h"

struct obs__config_errand {
    obs__task task; /* of the pool; first */
    obs__config_engine *engine;
    int out; /* under the lock of the engine */
};

static void run(obs__task *task)
{
    struct obs__config_errand *errand = (struct obs__config_errand *)task;
    obs__config_engine *engine = errand->engine;
    obs__config_watch_round(engine);
    pthread_mutex_lock(&engine->lock);
    errand->out = 0;
    obs__config_wake(engine);
    pthread_mutex_unlock(&engine->lock);
}

int obs__config_errand_start(obs__config_engine *engine)
{
    if (!engine->errand && !(engine->errand = obs__calloc(1, sizeof *engine->errand)))
        return 0;
    struct obs__config_errand *errand = engine->errand;
    pthread_mutex_lock(&engine->lock);
    int was_out = errand->out;
    errand->out = 1;
    pthread_mutex_unlock(&engine->lock);
    if (was_out)
        return 1;
    errand->engine = engine;
    errand->task.run = run;
    if (obs__pool_add(&errand->task, NULL) == OBS_OK)
        return 1;
    pthread_mutex_lock(&engine->lock);
    errand->out = 0;
    pthread_mutex_unlock(&engine->lock);
    return 0;
}

void obs__config_errand_stop(obs__config_engine *engine)
{
    obs__limit none = {INT64_MAX, NULL};
    struct obs__config_errand *errand = engine->errand;
    if (!errand)
        return;
    if (!obs__pool_remove(&errand->task)) {
        pthread_mutex_lock(&engine->lock);
        while (errand->out)
            obs__config_wait_change(engine, &none, NULL);
        pthread_mutex_unlock(&engine->lock);
    }
    obs__free(errand);
    engine->errand = NULL;
}
