/* Which events a consumer wants. */
#include <string.h>

#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/metrics.h"
#include "event/bus_internal.h"

static obs__counter faults = {"obs_event_filter_faults", "Events that a filter could not be evaluated on.", 0, 0, NULL};

static obs_status copy_texts(obs__filter *filter, const obs_subscribe_options *options, obs_error *error)
{
    if (options->type && *options->type) {
        filter->type = obs__strdup(options->type);
        if (!filter->type)
            return obs__fail_memory(error);
        size_t size = strlen(filter->type);
        filter->type_is_prefix = filter->type[size - 1] == '*';
        if (filter->type_is_prefix)
            filter->type[size - 1] = '\0';
    }
    if (options->subject && *options->subject) {
        filter->subject_prefix = obs__strdup(options->subject);
        if (!filter->subject_prefix)
            return obs__fail_memory(error);
    }
    return OBS_OK;
}

uint64_t obs__text_hash(const char *text)
{
    uint64_t hash = 0xCBF29CE484222325u; /* FNV-1a */
    if (!text || !*text)
        return 0;
    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * 0x100000001B3u;
    return hash ? hash : 1;
}

static uint64_t hash_of(const obs_subscribe_options *options)
{
    const char *const texts[] = {options->type, options->subject, options->filter};
    uint64_t hash = 0;
    for (int i = 0; i < 3; i++)
        hash = hash * 0x100000001B3u + obs__text_hash(texts[i]);
    return hash;
}

obs_status obs__filter_set(obs__filter *filter, const obs_subscribe_options *options, obs_error *error)
{
    obs_status status = copy_texts(filter, options, error);
    filter->hash = hash_of(options);
    if (status == OBS_OK && options->filter && *options->filter)
        status = obs__cesql_compile_filter(&filter->expression, options->filter, OBS_TEXT, error);
    return status;
}

int obs__filter_bind(sqlite3_stmt *statement, const obs__filter *filter)
{
    int code = sqlite3_bind_text(statement, 2, filter->type_is_prefix ? NULL : filter->type, -1, SQLITE_STATIC);
    code |= sqlite3_bind_text(statement, 3, filter->type_is_prefix ? filter->type : NULL, -1, SQLITE_STATIC);
    return code | sqlite3_bind_text(statement, 4, filter->subject_prefix, -1, SQLITE_STATIC);
}

/* Told for each event: whoever wonders why one does not come finds it in the log of debugging. */
static void tell(const obs__cesql_result *result)
{
    char why[256];
    obs__counter_add(&faults, 1);
    if (!obs__log_wanted(OBS_LOG_DEBUG))
        return;
    obs__cesql_explain(why, sizeof why, result);
    obs__log(OBS_LOG_DEBUG, "event", NULL, "an event does not pass, because the filter cannot be evaluated: %s", why);
}

obs_status obs__filter_passes(int *out, const obs__filter *filter, obs__view json, obs_error *error)
{
    obs__cesql_result result;
    *out = 1;
    if (!filter->expression)
        return OBS_OK;
    obs_status status = obs__cesql_evaluate_json(&result, filter->expression, json, error);
    if (status == OBS_INVALID_ARGUMENT)
        status = OBS_OK; /* a damaged event is handed out, which says so */
    else if (status == OBS_OK)
        *out = obs__cesql_passes(&result);
    if (status == OBS_OK && result.fault != OBS__CESQL_FINE)
        tell(&result);
    obs__cesql_result_free(&result);
    return status;
}

void obs__filter_free(obs__filter *filter)
{
    obs__free(filter->type);
    obs__free(filter->subject_prefix);
    obs__cesql_free(filter->expression);
}
