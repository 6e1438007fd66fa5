/* The next whole: made, checked, and put in the place of the one before. */
#include "base/buffer.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/metrics.h"
#include "config/engine.h"

static obs__counter exchanged = {"obs_config_changes", "Changes of the configuration that were taken over.", 0, 0, NULL};
static obs__histogram lag = {.name = "obs_config_lag_seconds",
                             .help = "Time from the change of a document to its taking over."};

/* How long the change took to arrive, by the wall clock, which alone the source knows; a clock that jumped back gives 0. It
 * cannot be longer than since the document before was still there: what is put in place by a link may have been written long
 * ago. */
static void measure_lag(obs__config_layer *layer, int is_first)
{
    layer->taken_wall_ns = obs__now_ns();
    layer->lag_ns = -1;
    if (is_first || !layer->accepted->changed_ns || !layer->checked_wall_ns)
        return;
    layer->lag_ns = layer->taken_wall_ns - layer->accepted->changed_ns;
    int64_t longest = obs__monotonic_ns() - layer->before_ns;
    if (layer->lag_ns > longest)
        layer->lag_ns = longest;
    if (layer->lag_ns < 0)
        layer->lag_ns = 0;
}

/* With the lock. */
static void accept(obs__config_engine *engine, obs__config_document *const *documents, obs__config_rules *rules)
{
    for (size_t i = 0; i < engine->source_count; i++) {
        obs__config_layer *layer = &engine->layers[i];
        int is_first = !layer->accepted;
        if (layer->accepted == documents[i])
            continue;
        obs__config_document_set(&layer->accepted, documents[i]);
        measure_lag(layer, is_first);
        if (layer->lag_ns >= 0)
            obs__histogram_add(&lag, layer->lag_ns);
        if (documents[i] == layer->seen && documents[i]->bytes) {
            layer->state = OBS__CONFIG_STATE_OK;
            obs__config_layer_message(layer, "");
        }
    }
    if (rules != engine->rules) {
        obs__config_rules_free(engine->rules);
        engine->rules = rules;
    }
    obs_error_init(&engine->fault, sizeof engine->fault);
}

obs_status obs__config_exchange(obs__config_engine *engine, obs__config_whole *whole, obs__config_document *const *documents,
                                obs__config_rules *rules, obs_error *error)
{
    pthread_mutex_lock(&engine->lock);
    obs_status status = obs__config_settings_check(engine, whole, error);
    if (status != OBS_OK || !documents) {
        pthread_mutex_unlock(&engine->lock);
        return status;
    }
    const obs__config_whole *now = atomic_load(&engine->live.whole);
    whole->version = now ? now->version + 1 : 1;
    accept(engine, documents, rules);
    obs__config_whole *before = obs__config_live_exchange(&engine->live, whole);
    obs__config_settings_update(engine, whole);
    obs__config_wake(engine);
    pthread_mutex_unlock(&engine->lock);
    obs__config_live_wait(&engine->live);
    obs__config_whole_free(before);
    obs__counter_add(&exchanged, 1);
    return OBS_OK;
}

static obs_status rules_of(obs__config_rules **out, obs__config_engine *engine, obs__config_document *schema, obs_error *error)
{
    *out = engine->rules;
    if (engine->layer_count == engine->source_count || (engine->rules && engine->rules->document == schema))
        return OBS_OK;
    *out = NULL;
    if (!schema->bytes)
        return obs__fail(error, OBS_REFUSED,
                         "the schema %s is not there: put it there, or take the line 'schema:' out of obs.yaml", schema->label);
    return obs__config_rules_read(out, schema, error);
}

obs_status obs__config_take_over(obs__config_engine *engine, obs__config_document *const *documents, int dry, obs_error *error)
{
    obs__config_limits limits = {engine->setup.secrets, engine->setup.locked};
    obs__config_rules *rules = NULL;
    obs__config_whole *whole = NULL;
    obs_status status = rules_of(&rules, engine, documents[engine->layer_count], error);
    if (status == OBS_OK)
        status = obs__config_whole_make(&whole, documents, engine->layer_count, engine->setup.layers, rules, &limits, error);
    if (status == OBS_OK)
        status = obs__config_exchange(engine, whole, dry ? NULL : documents, rules, error);
    if (status == OBS_OK && !dry) {
        for (size_t i = 0; i < engine->source_count; i++)
            obs__config_version_note(engine, &engine->layers[i]);
        return OBS_OK;
    }
    obs__config_whole_free(whole);
    if (rules != engine->rules)
        obs__config_rules_free(rules);
    return status;
}

obs_status obs__config_check_text(obs__config_engine *engine, obs__view text, const char *name, obs_error *error)
{
    obs__config_limits limits = {engine->setup.secrets, engine->setup.locked};
    obs__config_source source = {.kind = OBS__CONFIG_REMOTE, .url = (char *)(uintptr_t)name, .label = (char *)(uintptr_t)name};
    obs__config_answer answer = {.found = OBS__CONFIG_DOCUMENT};
    obs__config_document *document = NULL;
    obs__config_whole *whole = NULL;
    obs_status status = obs__buffer_copy(&answer.bytes, text.data, text.size, error);
    if (status == OBS_OK)
        status = obs__config_document_read(&document, &source, &answer, error);
    if (status == OBS_OK)
        status = obs__config_whole_make(&whole, &document, 1, &source, engine->rules, &limits, error);
    if (status == OBS_OK)
        status = obs__config_exchange(engine, whole, NULL, NULL, error);
    obs__config_whole_free(whole);
    obs__config_document_free(document);
    return status;
}
