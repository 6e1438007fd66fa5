/* What administrators are told: an event on the bus, from which mails and webhooks are made as from any other. Its id comes
 * from the incident, so that it is there once, whoever tells it. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "deliver/courier.h"

#define DATA_MAX ((size_t)16384)
#define SECOND_NS INT64_C(1000000000)

static const char *const words[] = {"suspended", "recovered", "gave_up"};

static void add_time(obs__builder *out, const char *name, int64_t ns)
{
    char text[OBS__TIME_SIZE];
    obs__time_format(text, ns > 0 ? ns : 0);
    obs__add_json_member(out, name, ns > 0 ? text : NULL);
}

/* A sentence for people, and what they can do. */
static void add_words(obs__builder *out, const obs__courier *courier, obs__told told)
{
    const char *name = obs__to_text(courier->to, OBS__TO_NAME), *consumer = courier->to->consumer;
    char message[400], command[200];
    if (told == OBS__TOLD_SUSPENDED)
        snprintf(message, sizeof message, "destination '%s' is suspended after %lld failures in a row; nothing is lost", name,
                 (long long)courier->state.failures);
    else if (told == OBS__TOLD_RECOVERED)
        snprintf(message, sizeof message, "destination '%s' takes events again", name);
    else
        snprintf(message, sizeof message, "destination '%s' has events that could not be delivered: dead letters", name);
    if (told == OBS__TOLD_GAVE_UP)
        snprintf(command, sizeof command, "obsctl journal dead %s; obsctl journal replay %s --all", consumer, consumer);
    else if (told == OBS__TOLD_SUSPENDED)
        snprintf(command, sizeof command, "obsctl journal resume %s", consumer);
    else
        snprintf(command, sizeof command, "obsctl journal ls");
    obs__add_json_member(out, "message", message);
    obs__add_json_member(out, "command", command);
}

static void add_backlog(obs__builder *out, const json_t *row)
{
    int64_t oldest_ns;
    const char *oldest = json_string_value(json_object_get(row, "oldest"));
    obs__add_json_integer(out, "waiting", json_integer_value(json_object_get(row, "behind")));
    obs__add_json_integer(out, "dead", json_integer_value(json_object_get(row, "dead")));
    obs__add_json_member(out, "oldest", oldest);
    if (oldest && obs__time_parse(&oldest_ns, oldest))
        obs__add_json_integer(out, "oldest_age_s", (obs__now_ns() - oldest_ns) / SECOND_NS);
}

static obs_status write_data(obs__incident *out, const obs__courier *courier, obs__told told, obs_error *error)
{
    const obs__deliver_state *state = &courier->state;
    json_t *row = NULL;
    obs_status status = obs__deliver_consumer(&row, courier->host, courier->to->consumer, NULL, error);
    if (status != OBS_OK)
        return status;
    obs__add_char(&out->data, '{');
    obs__add_json_member(&out->data, "destination", obs__to_text(courier->to, OBS__TO_NAME));
    obs__add_json_member(&out->data, "url", courier->to->label);
    obs__add_json_member(&out->data, "state", words[told]);
    add_words(&out->data, courier, told);
    add_time(&out->data, "since", state->incident_ns ? state->incident_ns : state->since_ns);
    if (told == OBS__TOLD_SUSPENDED)
        add_time(&out->data, "until", state->until_ms == OBS__FOR_EVER ? 0 : state->until_ms * 1000000);
    obs__add_json_integer(&out->data, "failures", state->failures);
    add_backlog(&out->data, row);
    obs__add_json_member(&out->data, "last_error", *state->last_error ? state->last_error : NULL);
    obs__add_json_end(&out->data);
    json_decref(row);
    return obs__builder_status(&out->data, error);
}

obs_status obs__incident_make(obs__incident *out, const obs__courier *courier, obs__told told, obs_error *error)
{
    const char *name = obs__to_text(courier->to, OBS__TO_NAME);
    int64_t when = told == OBS__TOLD_GAVE_UP ? courier->state.gave_up : courier->state.incident_ns;
    obs_event_init(&out->event, sizeof out->event);
    obs__builder_init(&out->data, DATA_MAX);
    snprintf(out->type, sizeof out->type, OBS__INCIDENT_TYPE "%s", words[told]);
    snprintf(out->id, sizeof out->id, "%s-%lld-%s", name, (long long)(when / 1000000), words[told]);
    obs_status status = write_data(out, courier, told, error);
    out->event.id = out->id;
    out->event.type = out->type;
    out->event.subject = name;
    out->event.data = out->data.data;
    out->event.data_size = out->data.size;
    return status;
}

void obs__incident_free(obs__incident *incident)
{
    obs__builder_free(&incident->data);
}
