/* Asking one source, and what its answer means. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/metrics.h"
#include "config/engine.h"

#define REMOTE_MS 10000 /* how long one source may take */

static obs__counter refused = {"obs_config_refused", "Changes of the configuration that did not fit.", 0, 0, NULL};

void obs__config_layer_message(obs__config_layer *layer, const char *text)
{
    snprintf(layer->message, sizeof layer->message, "%s", text);
}

static void answered(obs__config_layer *layer)
{
    layer->alarmed = 0;
    layer->failures = 0;
    layer->before_ns = layer->checked_ns;
    layer->checked_ns = obs__monotonic_ns();
    layer->checked_wall_ns = obs__now_ns();
    if (layer->state == OBS__CONFIG_STATE_STALE || layer->state == OBS__CONFIG_STATE_KEPT ||
        layer->state == OBS__CONFIG_STATE_GONE) {
        layer->state = layer->seen == layer->accepted ? OBS__CONFIG_STATE_OK : OBS__CONFIG_STATE_REFUSED;
        if (layer->state == OBS__CONFIG_STATE_OK)
            obs__config_layer_message(layer, "");
    }
}

/* Whatever the reason, the caller learns which source it was; that it ran out of time itself stays what it is. */
static void did_not_answer(obs__config_layer *layer, obs_error *error)
{
    obs_error inner;
    obs_error_init(&inner, sizeof inner);
    obs__copy_error(&inner, error);
    layer->failures++;
    if (layer->state == OBS__CONFIG_STATE_OK || layer->state == OBS__CONFIG_STATE_GONE)
        layer->state = OBS__CONFIG_STATE_STALE;
    obs__config_layer_message(layer, inner.message);
    if (inner.status != OBS_CANCELLED && inner.status != OBS_DEADLINE_EXCEEDED && !obs__lacks_memory(&inner))
        obs__fail(error, OBS_UNAVAILABLE, "%.100s does not answer: %.350s", layer->source.label, inner.message);
}

/* A document does not fit: the one before stays, and everybody who may want to know is told. */
void obs__config_refuse(obs__config_engine *engine, obs__config_layer *layer, const obs_error *why)
{
    obs__scope scope;
    pthread_mutex_lock(&engine->lock);
    layer->state = OBS__CONFIG_STATE_REFUSED;
    obs__config_layer_message(layer, why->message);
    obs_error_init(&layer->refusal, sizeof layer->refusal);
    obs__copy_error(&layer->refusal, why);
    pthread_mutex_unlock(&engine->lock);
    obs__counter_add(&refused, 1);
    obs__log(OBS_LOG_ERROR, "config", NULL, "a change of %s is refused%s: %s", layer->source.label,
             layer->accepted ? ", what was before stays" : "", why->message);
    if (obs__gate_enter(&scope, engine->gate, OBS__READ, "config.apply", layer->source.url, OBS_TEXT, NULL, NULL) == OBS_OK)
        obs__gate_leave(&scope, OBS_REFUSED, NULL);
}

static obs_status read_document(obs__config_engine *engine, obs__config_layer *layer, obs__config_answer *answer,
                                obs_error *error)
{
    obs__config_document *document = NULL;
    char etag[OBS__CONFIG_ETAG_SIZE];
    memcpy(etag, answer->etag, sizeof etag);
    obs_status status = obs__config_document_read(&document, &layer->source, answer, error);
    if (status == OBS_OK && (status = obs__config_version_check(engine, layer, document, error)) != OBS_OK) {
        obs__config_document_free(document);
        document = NULL;
    }
    if (status != OBS_OK && obs__lacks_memory(error))
        return status; /* asked again */
    if (status != OBS_OK)
        obs__config_refuse(engine, layer, error);
    pthread_mutex_lock(&engine->lock);
    memcpy(layer->seen_etag, etag, sizeof layer->seen_etag);
    obs__config_document_set(&layer->seen, document ? document : layer->accepted);
    pthread_mutex_unlock(&engine->lock);
    obs__config_document_free(document);
    return status;
}

/* None: at the start that is a document without values; later the one that was there stays, as its loss may be a mishap. */
static obs_status note_absence(obs__config_engine *engine, obs__config_layer *layer, int *changed, obs_error *error)
{
    obs__config_document *empty = NULL;
    obs_status status = OBS_OK;
    int is_loss = layer->accepted && layer->accepted->bytes && layer->state != OBS__CONFIG_STATE_GONE;
    if (!layer->accepted && !layer->seen)
        status = obs__config_document_empty(&empty, &layer->source, error);
    pthread_mutex_lock(&engine->lock);
    if (empty) {
        layer->seen = empty;
        *changed = 1;
    }
    if (is_loss)
        obs__config_layer_message(layer,
                                  "the document is gone: its values stay until it is there again, or this process starts anew");
    layer->state = OBS__CONFIG_STATE_GONE;
    layer->seen_etag[0] = '\0';
    pthread_mutex_unlock(&engine->lock);
    if (is_loss)
        obs__log(OBS_LOG_WARNING, "config", NULL, "%s is gone: its values stay", layer->source.label);
    return status;
}

/* Notes whether the source answered, and when it is asked next. */
static void note_answer(obs__config_engine *engine, obs__config_layer *layer, const obs__config_answer *answer,
                        obs_status status, obs_error *error)
{
    int64_t before_ns = layer->before_ns;
    int was_alarmed = layer->alarmed, too_large = status == OBS_RESOURCE_EXHAUSTED && !obs__lacks_memory(error);
    pthread_mutex_lock(&engine->lock);
    if (status == OBS_OK || too_large)
        answered(layer);
    else
        did_not_answer(layer, error);
    if (answer->found == OBS__CONFIG_SAME && layer->seen != layer->accepted)
        layer->before_ns = before_ns; /* what waits to be taken over is as old as it was */
    layer->retry_ns = answer->retry_ns;
    obs__config_schedule(layer);
    pthread_mutex_unlock(&engine->lock);
    if (was_alarmed && !layer->alarmed)
        obs__log(OBS_LOG_INFO, "config", NULL, "%s answers again", layer->source.label);
    if (too_large && strcmp(layer->message, error->message) != 0)
        obs__config_refuse(engine, layer, error);
}

/* The environment of a process is read once. */
static obs_status never_again(obs__config_engine *engine, obs__config_layer *layer)
{
    pthread_mutex_lock(&engine->lock);
    layer->due_ns = INT64_MAX;
    pthread_mutex_unlock(&engine->lock);
    return OBS_OK;
}

obs_status obs__config_ask(obs__config_engine *engine, obs__config_layer *layer, int *changed, const obs__limit *limit,
                           obs_error *error)
{
    obs__config_answer answer = {.bytes = NULL};
    obs__limit own = obs__limit_in(REMOTE_MS, limit->cancel);
    *changed = 0;
    if (layer->source.kind == OBS__CONFIG_ENVIRONMENT && layer->accepted)
        return never_again(engine, layer);
    if (own.end_ns > limit->end_ns)
        own.end_ns = limit->end_ns;
    obs_status status = layer->source.ops->fetch(layer->source.user, layer->seen_etag, &answer, &own, error);
    note_answer(engine, layer, &answer, status, error);
    if (status != OBS_OK)
        return error->status; /* which may be another one now */
    if (answer.found == OBS__CONFIG_SAME)
        return OBS_OK;
    if (answer.found == OBS__CONFIG_ABSENT)
        return note_absence(engine, layer, changed, error);
    status = read_document(engine, layer, &answer, error);
    *changed = status == OBS_OK;
    return status;
}
