/* Destinations as people see them: the line of obs.yaml, the consumer on the bus, and what is known of the last tries. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "deliver/courier.h"

static obs_status read_consumers(json_t **out, const obs__deliver_host *host, const obs_call *call, obs_error *error)
{
    obs_rows *rows = NULL;
    const char *line;
    size_t size;
    *out = json_array();
    obs_status status = *out ? obs_bus_consumers(&rows, host->bus, call, error) : obs__fail_memory(error);
    while (status == OBS_OK) {
        json_t *row = NULL;
        status = obs_rows_next(rows, &line, &size, error);
        if (status != OBS_OK || !line)
            break;
        status = obs__json_load(&row, line, size, NULL, error);
        if (status == OBS_OK && json_array_append_new(*out, row) != 0)
            status = obs__fail_memory(error);
    }
    obs_rows_free(rows);
    return status;
}

static json_t *find(const json_t *consumers, const char *name)
{
    size_t index;
    json_t *row;
    json_array_foreach((json_t *)(uintptr_t)consumers, index, row)
    {
        const char *text = json_string_value(json_object_get(row, "consumer"));
        if (text && strcmp(text, name) == 0)
            return row;
    }
    return NULL;
}

obs_status obs__deliver_consumer(json_t **out, const obs__deliver_host *host, const char *consumer, const obs_call *call,
                                 obs_error *error)
{
    json_t *all = NULL;
    obs_status status = read_consumers(&all, host, call, error);
    *out = status == OBS_OK ? json_incref(find(all, consumer)) : NULL;
    json_decref(all);
    return status;
}

static const char *state_of(const json_t *row, const obs__deliver_state *state)
{
    const char *bus = json_string_value(json_object_get(row, "state"));
    int is_paused = bus && strcmp(bus, "paused") == 0;
    if (!row)
        return "idle";
    if (is_paused && !state->until_ms)
        return "paused";
    if (state->incident_ns)
        return "suspended";
    return is_paused || state->failures ? "retrying" : "ok";
}

static void add_time(obs__builder *out, const char *name, int64_t ns)
{
    char text[OBS__TIME_SIZE];
    obs__time_format(text, ns > 0 ? ns : 0);
    obs__add_json_member(out, name, ns > 0 ? text : NULL);
}

static void add_row(obs__builder *out, const obs__destination *to, const json_t *row, const obs__deliver_state *state)
{
    obs__add_char(out, '{');
    obs__add_json_member(out, "destination", obs__to_text(to, OBS__TO_NAME));
    obs__add_json_member(out, "consumer", to->consumer);
    obs__add_json_member(out, "url", to->label);
    obs__add_json_member(out, "state", state_of(row, state));
    obs__add_json_integer(out, "waiting", json_integer_value(json_object_get(row, "behind")));
    obs__add_json_member(out, "oldest", json_string_value(json_object_get(row, "oldest")));
    obs__add_json_integer(out, "tries", state->failures);
    obs__add_json_integer(out, "dead", json_integer_value(json_object_get(row, "dead")));
    obs__add_json_member(out, "last_error", *state->last_error ? state->last_error : NULL);
    add_time(out, "since", state->since_ns);
    obs__add_json_member(out, "next", json_string_value(json_object_get(row, "until")));
    obs__add_json_end(out);
    obs__add_char(out, '\n');
}

obs_status obs__deliver_list(obs__builder *out, const obs__deliver_host *host, const obs_call *call, obs_error *error)
{
    json_t *consumers = NULL;
    obs_status status = read_consumers(&consumers, host, call, error);
    for (size_t i = 0; i < host->all->count && status == OBS_OK; i++) {
        const obs__destination *to = &host->all->items[i];
        obs__deliver_state state;
        if (!obs__deliver_is_for(host, to))
            continue;
        status = obs__deliver_load(&state, host->gate->journal, obs__to_text(to, OBS__TO_NAME), error);
        if (status == OBS_OK)
            add_row(out, to, find(consumers, to->consumer), &state);
    }
    json_decref(consumers);
    return status;
}
