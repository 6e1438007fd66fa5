/*
 * What obs.yaml says about events: where they are, and how many there may be.
 *
 *     events: 'local:'
 *     events: {url: 'local:', keep: 7d, limit: 1GiB, remember: 7d}
 *
 *     keep       an event that every consumer has done stays so long
 *     limit      the bytes of all events in their JSON form; then nobody can publish before consumers get on
 *     remember   an event that was removed is still known so long, and not added again; without it as `keep`
 */

#include "base/error.h"
#include "base/url.h"
#include "base/yaml.h"
#include "client/workspace.h"
#include "event/bus.h"

static const char expected[] =
    "the URL of a bus is expected here, as in 'local:', or a mapping of 'url', 'keep', 'limit' and 'remember'";

static json_t *line_of(const obs__yaml *yaml)
{
    return json_object_get(obs__yaml_root(yaml), "events");
}

const char *obs__config_events_url(const obs__yaml *yaml)
{
    const json_t *line = line_of(yaml);
    const json_t *url = json_is_object(line) ? json_object_get(line, "url") : line;
    return url ? json_string_value(url) : "local:";
}

/* 0 needs no unit. */
static obs_status read_span(int64_t *out, const obs__yaml *yaml, const char *pointer, const json_t *value, obs_error *error)
{
    if (json_is_integer(value) && !json_integer_value(value))
        *out = 0;
    else if (value && (!json_is_string(value) || !obs__duration_parse(out, json_string_value(value)) || *out < 0))
        return obs__yaml_fail(error, OBS_INVALID_ARGUMENT, yaml, pointer, "a time span is expected here, as in 7d");
    return OBS_OK;
}

static obs_status read_limit(int64_t *out, const obs__yaml *yaml, const json_t *value, obs_error *error)
{
    if (value && (!json_is_string(value) || !obs__size_parse(out, json_string_value(value)) || *out < OBS__BUS_LIMIT_LEAST))
        return obs__yaml_fail(error, OBS_INVALID_ARGUMENT, yaml, "/events/limit",
                              "a size of at least 8MiB is expected here, as in 1GiB");
    return OBS_OK;
}

obs_status obs__config_events_read(obs__config *out, const obs__yaml *yaml, obs_error *error)
{
    static const char *const known[] = {"url", "keep", "limit", "remember", NULL};
    json_t *line = line_of(yaml);
    out->events_keep_ns = out->events_remember_ns = OBS__BUS_KEEP_NS;
    out->events_limit = OBS__BUS_LIMIT;
    if (!line || json_is_string(line))
        return OBS_OK;
    if (!json_is_object(line))
        return obs__yaml_fail(error, OBS_INVALID_ARGUMENT, yaml, "/events", expected);
    const json_t *url = json_object_get(line, "url");
    obs_status status = obs__yaml_check_names(yaml, "events", known, error);
    if (status == OBS_OK && url && !json_is_string(url))
        status =
            obs__yaml_fail(error, OBS_INVALID_ARGUMENT, yaml, "/events/url", "the URL of a bus is expected here: 'local:'");
    if (status == OBS_OK)
        status = read_span(&out->events_keep_ns, yaml, "/events/keep", json_object_get(line, "keep"), error);
    out->events_remember_ns = out->events_keep_ns;
    if (status == OBS_OK)
        status = read_span(&out->events_remember_ns, yaml, "/events/remember", json_object_get(line, "remember"), error);
    return status == OBS_OK ? read_limit(&out->events_limit, yaml, json_object_get(line, "limit"), error) : status;
}
