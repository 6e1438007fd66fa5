/* Asking the sources, and taking over what changed: all of it, or nothing. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "config/engine.h"

/* A source has no document, and nothing was kept. */
static obs_status fail_unknown(const obs__config_layer *layer, const obs_error *why, obs_error *error)
{
    if (layer->state == OBS__CONFIG_STATE_REFUSED)
        return obs__fail(error, OBS_REFUSED, "%s", layer->message);
    if (why->status == OBS_NOT_FOUND)
        return obs__fail(error, OBS_UNAVAILABLE, "%.100s does not answer, and no last known good document is here: %.300s",
                         layer->source.label, layer->message);
    return obs__fail(error, OBS_UNAVAILABLE, "%.100s does not answer: %.200s; nor is there a last known good document: %.150s",
                     layer->source.label, layer->message, why->message);
}

/* Puts what was kept in the place of what is missing; or, where that does not fit, in the place of all. */
static obs_status fill_up(obs__config_engine *engine, obs__config_document **documents, int all, obs_error *error)
{
    obs_error why;
    int missing = 0;
    obs_error_init(&why, sizeof why);
    for (size_t i = 0; i < engine->source_count; i++)
        missing |= !documents[i];
    if (!missing && !all)
        return OBS_OK;
    obs__config_kept_load(engine, &why);
    for (size_t i = 0; i < engine->source_count; i++) {
        if (engine->layers[i].kept && (all || !documents[i]))
            documents[i] = engine->layers[i].kept;
        if (!documents[i])
            return fail_unknown(&engine->layers[i], &why, error);
    }
    return OBS_OK;
}

/* What is in use came from the disk: says so, until the source answers. 1 when that is news. */
static int note_kept_layer(obs__config_layer *layer)
{
    char time[OBS__TIME_SIZE], why[OBS_ERROR_TEXT_SIZE];
    if (!layer->kept || layer->accepted != layer->kept || layer->state == OBS__CONFIG_STATE_KEPT)
        return 0;
    obs__time_format(time, layer->kept_ns);
    snprintf(why, sizeof why, "%s", layer->message);
    snprintf(layer->message, sizeof layer->message, "the last known good document, of %s, is used: %.400s", time, why);
    if (layer->state != OBS__CONFIG_STATE_REFUSED) {
        layer->state = OBS__CONFIG_STATE_KEPT;
        obs__config_document_set(&layer->seen, layer->kept);
        memcpy(layer->seen_etag, layer->kept->etag, sizeof layer->seen_etag);
    }
    return 1;
}

static void note_kept(obs__config_engine *engine)
{
    for (size_t i = 0; i < engine->source_count; i++) {
        obs__config_layer *layer = &engine->layers[i];
        pthread_mutex_lock(&engine->lock);
        int is_news = note_kept_layer(layer);
        pthread_mutex_unlock(&engine->lock);
        if (is_news) /* whoever listens is called without a lock; the message changes with the turn only */
            obs__log(OBS_LOG_WARNING, "config", NULL, "%s: %s", layer->source.label, layer->message);
    }
}

static obs_status adopt_kept(obs__config_engine *engine, obs__config_document **documents, int all, obs_error *error)
{
    obs_status status = fill_up(engine, documents, all, error);
    if (status == OBS_OK)
        status = obs__config_take_over(engine, documents, 0, error);
    if (status == OBS_OK)
        note_kept(engine);
    return status;
}

/* All that was seen last; if that does not fit, only what is new now, beside what is in use. */
static obs_status adopt(obs__config_engine *engine, unsigned changed, obs_error *error)
{
    obs__config_document *documents[OBS__CONFIG_LAYERS_MAX + 1] = {NULL};
    unsigned waiting = 0;
    for (size_t i = 0; i < engine->source_count; i++) {
        obs__config_layer *layer = &engine->layers[i];
        documents[i] = layer->seen ? layer->seen : layer->accepted;
        if (layer->accepted && layer->seen != layer->accepted && !(changed & 1u << i))
            waiting |= 1u << i;
    }
    obs_status status = adopt_kept(engine, documents, 0, error);
    if (status == OBS_OK || !waiting)
        return status;
    for (size_t i = 0; i < engine->source_count; i++)
        if (waiting & 1u << i)
            documents[i] = engine->layers[i].accepted;
    return obs__config_take_over(engine, documents, 0, error);
}

/* At the start nothing was in use that could stay: what was good the last time is better than nothing. */
static void adopt_what_was_good(obs__config_engine *engine)
{
    obs__config_document *documents[OBS__CONFIG_LAYERS_MAX + 1] = {NULL};
    for (size_t i = 0; i < engine->source_count; i++)
        documents[i] = engine->layers[i].seen;
    adopt_kept(engine, documents, 1, NULL);
}

static void note_fault(obs__config_engine *engine, const obs_error *error)
{
    pthread_mutex_lock(&engine->lock);
    obs__copy_error(&engine->fault, error);
    pthread_mutex_unlock(&engine->lock);
}

static void keep_first(obs_error *first, const obs_error *error)
{
    if (first->status == OBS_OK)
        obs__copy_error(first, error);
}

/* Whether what is in use is what the sources have. */
static int is_current(const obs__config_engine *engine)
{
    for (size_t i = 0; i < engine->source_count; i++)
        if (engine->layers[i].state != OBS__CONFIG_STATE_OK && engine->layers[i].state != OBS__CONFIG_STATE_GONE)
            return 0;
    return atomic_load(&engine->live.whole) != NULL;
}

/* Whoever asks is told of a document that does not fit, also when the watch was faster and it is no news. */
static void keep_refusals(const obs__config_engine *engine, obs_error *first)
{
    for (size_t i = 0; i < engine->source_count; i++)
        if (engine->layers[i].state == OBS__CONFIG_STATE_REFUSED)
            keep_first(first, &engine->layers[i].refusal);
}

obs_status obs__config_update(obs__config_engine *engine, int all, const obs__limit *limit, obs_error *error)
{
    obs_error first, inner;
    unsigned changed = 0;
    int64_t now = obs__monotonic_ns();
    obs_error_init(&first, sizeof first);
    obs_error_init(&inner, sizeof inner);
    for (size_t i = 0; i < engine->source_count; i++) {
        int is_new = 0;
        if (!all && engine->layers[i].due_ns > now)
            continue;
        if (obs__config_ask(engine, &engine->layers[i], &is_new, limit, &inner) != OBS_OK)
            keep_first(&first, &inner);
        changed |= (unsigned)is_new << i;
    }
    if (changed || !atomic_load(&engine->live.whole)) {
        obs_status status = adopt(engine, changed, &inner);
        for (size_t i = 0; i < engine->source_count && status != OBS_OK && status != OBS_UNAVAILABLE; i++)
            if (changed & 1u << i)
                obs__config_refuse(engine, &engine->layers[i], &inner);
        if (!atomic_load(&engine->live.whole)) {
            note_fault(engine, &inner);
            if (status != OBS_UNAVAILABLE)
                adopt_what_was_good(engine);
        }
        if (status != OBS_OK)
            keep_first(&first, &inner);
    }
    if (is_current(engine))
        obs__config_keep(engine);
    if (all)
        keep_refusals(engine, &first);
    if (first.status == OBS_OK)
        return OBS_OK;
    return obs__copy_error(error, &first);
}
