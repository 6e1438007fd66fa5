/*
 * What becomes of events, and of their destination, after a delivery.
 *
 * Failures in a row are the destination's. When there are too many it is suspended: its consumer is paused for a time; the
 * first event behind that is the probe, and its failure suspends again. A dead letter is an event that failed too often while
 * the destination worked for others, or was down too long.
 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/metrics.h"
#include "deliver/courier.h"

#define RETRY_MOST_NS (INT64_C(3600) * 1000000000) /* who asks to be left alone for longer is asked again then */

static obs__counter delivered = {"obs_deliver_events", "Events that destinations took.", 0, 0, NULL};
static obs__counter failed = {"obs_deliver_failures", "Deliveries that failed.", 0, 0, NULL};

static int is_clean(const obs__deliver_state *state)
{
    return !state->failures && !state->incident_ns && !state->until_ms;
}

/* The last acknowledgement of a parcel goes with the news that the destination works again, if it is news. */
static obs_status done(obs__courier *courier, const obs__parcel *parcel, obs_error *error)
{
    obs__deliver_state *state = &courier->state;
    obs__incident incident;
    obs_status status = OBS_OK;
    int is_news = !is_clean(state), is_told = state->incident_ns != 0;
    obs__counter_add(&delivered, parcel->count);
    courier->delivered += parcel->count;
    for (size_t i = 0; i + is_news < parcel->count && status == OBS_OK; i++)
        status = obs_subscription_acknowledge(courier->subscription, parcel->sequences[i], error);
    if (status != OBS_OK || !is_news)
        return status;
    if (is_told)
        status = obs__incident_make(&incident, courier, OBS__TOLD_RECOVERED, error);
    state->failures = state->since_ns = state->incident_ns = state->until_ms = 0;
    state->last_error[0] = '\0';
    if (status == OBS_OK)
        status = obs__deliver_save(courier, is_told ? &incident.event : NULL, parcel->sequences[parcel->count - 1], error);
    if (is_told) {
        obs__incident_free(&incident);
        obs__log(OBS_LOG_INFO, "deliver", NULL, "destination '%s' takes events again", obs__to_text(courier->to, OBS__TO_NAME));
    }
    return status;
}

/* Up to a tenth longer, so that destinations that failed together are not tried together. */
static int64_t suspended_ns(const obs__destination *to)
{
    uint32_t random = 0;
    int64_t ns = obs__to_number(to, OBS__TO_SUSPEND_FOR);
    (void)obs__random(&random, sizeof random, NULL);
    return ns + (int64_t)((double)ns * ((double)random / 4294967296.0) / 10);
}

/* How long nothing is tried. */
static int64_t until_of(const obs__courier *courier, const obs__answered *answered, int is_down)
{
    int64_t wait_ns = answered->retry_ns < RETRY_MOST_NS ? answered->retry_ns : RETRY_MOST_NS;
    int64_t suspended = is_down ? suspended_ns(courier->to) : 0;
    if (answered->came == OBS__CAME_GONE)
        return OBS__FOR_EVER;
    if (suspended > wait_ns)
        wait_ns = suspended;
    return wait_ns ? (obs__now_ns() + wait_ns) / 1000000 + 1 : 0;
}

static int is_down(const obs__courier *courier)
{
    return courier->state.failures >= obs__to_number(courier->to, OBS__TO_SUSPEND_AFTER);
}

static int is_over(const obs__courier *courier, uint32_t attempt)
{
    if (attempt < obs__to_number(courier->to, OBS__TO_TRIES))
        return 0;
    int64_t down_ns = obs__now_ns() - courier->state.since_ns;
    return !is_down(courier) || down_ns >= obs__to_number(courier->to, OBS__TO_SUSPEND_MOST);
}

static obs_status give_back(const obs__courier *courier, uint64_t sequence, const char *reason, int dead, int64_t delay_ms,
                            obs_error *error)
{
    obs_reject_options options;
    obs_reject_options_init(&options, sizeof options);
    options.reason = reason;
    options.dead = dead;
    options.delay_ms = delay_ms;
    obs_status status = obs_subscription_reject(courier->subscription, sequence, &options, error);
    return status == OBS_ABORTED ? OBS_OK : status; /* taken back with one before it of its key */
}

/* Whether dead letters are news: there were none, or all of those that were told of are gone. */
static obs_status is_first_dead(int *out, const obs__courier *courier, obs_error *error)
{
    json_t *row = NULL;
    *out = 1;
    if (!courier->state.gave_up)
        return OBS_OK;
    obs_status status = obs__deliver_consumer(&row, courier->host, courier->to->consumer, NULL, error);
    *out = json_integer_value(json_object_get(row, "dead")) == 0;
    json_decref(row);
    return status;
}

/* The event behind the dead letter, so that who is told finds it. */
static obs_status tell_dead(obs__courier *courier, obs_error *error)
{
    obs__incident incident;
    courier->state.gave_up = obs__now_ns();
    obs_status status = obs__incident_make(&incident, courier, OBS__TOLD_GAVE_UP, error);
    if (status == OBS_OK)
        status = obs__deliver_save(courier, &incident.event, 0, error);
    obs__incident_free(&incident);
    return status;
}

static obs_status bury(obs__courier *courier, uint64_t sequence, const char *reason, obs_error *error)
{
    int is_first = 0;
    obs_status status = is_first_dead(&is_first, courier, error);
    if (status == OBS_OK)
        status = give_back(courier, sequence, reason, 1, 0, error);
    obs__log(OBS_LOG_WARNING, "deliver", NULL, "destination '%s': event %llu is given up: %s",
             obs__to_text(courier->to, OBS__TO_NAME), (unsigned long long)sequence, reason);
    return status == OBS_OK && is_first ? tell_dead(courier, error) : status;
}

/* Together they were refused: each one alone says whose fault it is. */
static obs_status refused(obs__courier *courier, const obs__parcel *parcel, const obs__answered *answered, obs_error *error)
{
    obs_status status = OBS_OK;
    snprintf(courier->state.last_error, sizeof courier->state.last_error, "%s", answered->reason);
    if (parcel->count == 1)
        return bury(courier, parcel->sequences[0], answered->reason, error);
    courier->single = parcel->count;
    for (size_t i = 0; i < parcel->count && status == OBS_OK; i++)
        status = give_back(courier, parcel->sequences[i], answered->reason, 0, -1, error);
    return status;
}

static obs_status save_failure(obs__courier *courier, int is_new, obs_error *error)
{
    obs__incident incident;
    if (!is_new)
        return obs__deliver_save(courier, NULL, 0, error);
    obs_status status = obs__incident_make(&incident, courier, OBS__TOLD_SUSPENDED, error);
    if (status == OBS_OK)
        status = obs__deliver_save(courier, &incident.event, 0, error);
    obs__incident_free(&incident);
    return status;
}

/* The state first: who finds it after a crash goes on from there, and tells nobody a second time. */
static obs_status suspend(obs__courier *courier, const obs__answered *answered, obs_error *error)
{
    obs__deliver_state *state = &courier->state;
    state->failures++;
    if (!state->since_ns)
        state->since_ns = obs__now_ns();
    if (answered->came == OBS__CAME_GONE && !is_down(courier))
        state->failures = obs__to_number(courier->to, OBS__TO_SUSPEND_AFTER);
    snprintf(state->last_error, sizeof state->last_error, "%s", answered->reason);
    int is_new = is_down(courier) && !state->incident_ns;
    if (is_new)
        state->incident_ns = obs__now_ns();
    state->until_ms = until_of(courier, answered, is_down(courier));
    obs_status status = save_failure(courier, is_new, error);
    if (status == OBS_OK && state->until_ms)
        status = obs_bus_pause(courier->host->bus, courier->to->consumer,
                               state->until_ms == OBS__FOR_EVER ? 0 : state->until_ms, answered->reason, NULL, error);
    obs__log(is_new ? OBS_LOG_ERROR : OBS_LOG_WARNING, "deliver", NULL, "destination '%s'%s: %s",
             obs__to_text(courier->to, OBS__TO_NAME), is_new ? " is suspended" : "", answered->reason);
    return status;
}

static obs_status later(obs__courier *courier, const obs__parcel *parcel, const obs__answered *answered, obs_error *error)
{
    obs__counter_add(&failed, 1);
    obs_status status = suspend(courier, answered, error);
    for (size_t i = 0; i < parcel->count && status == OBS_OK; i++) {
        if (is_over(courier, parcel->attempts[i]))
            status = bury(courier, parcel->sequences[i], answered->reason, error);
        else
            status = give_back(courier, parcel->sequences[i], answered->reason, 0, 0, error);
    }
    return status;
}

obs_status obs__outcome_of(obs__courier *courier, const obs__parcel *parcel, const obs__answered *answered, obs_error *error)
{
    switch (answered->came) {
    case OBS__CAME_DONE:
        return done(courier, parcel, error);
    case OBS__CAME_REFUSED:
        return refused(courier, parcel, answered, error);
    case OBS__CAME_GONE:
    case OBS__CAME_FAILED:
        return later(courier, parcel, answered, error);
    case OBS__CAME_ENDED:
    default:
        return obs__limit_check(&courier->limit, error);
    }
}
