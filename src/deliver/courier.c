/* Serving one destination: what its consumer is handed goes out, one after the other. */
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "deliver/courier.h"

#define WAIT_MS 60000
#define TROUBLE_MS 1000 /* between tries to go on after what is wrong with the workspace itself */
#define PARCEL_MAX 1000
#define PARCEL_BYTES ((size_t)1 << 20)
#define MINUTE_NS INT64_C(60000000000)
#define SUSPEND_SPARE_NS (120 * MINUTE_NS) /* more than a server may ask for */
/* The bus's own limit is only for events over which the process dies: others are counted here. */
#define HANDED_OUT_MOST 100000

obs_status obs__courier_subscribe(obs__courier *courier, obs_error *error)
{
    const obs__destination *to = courier->to;
    obs_subscribe_options options;
    obs_subscribe_options_init(&options, sizeof options);
    options.type = obs__to_text(to, OBS__TO_TYPE);
    options.subject = obs__to_text(to, OBS__TO_SUBJECT);
    options.filter = obs__to_text(to, OBS__TO_FILTER);
    options.from_now = obs__to_number(to, OBS__TO_FROM) == 1;
    options.exclusive = 1;
    options.attempts = HANDED_OUT_MOST;
    options.retry_ms = obs__to_number(to, OBS__TO_RETRY) / 1000000;
    options.retry_max_ms = obs__to_number(to, OBS__TO_RETRY_MOST) / 1000000;
    /* What is told about destinations goes to those only that ask for it. */
    if (!options.type && !options.filter)
        options.filter = "NOT (type LIKE '" OBS__INCIDENT_TYPE "%')";
    obs_status status = obs_bus_subscribe(&courier->subscription, courier->host->bus, to->consumer, &options, error);
    if (status == OBS_OK)
        status = obs__deliver_load(&courier->state, courier->host->gate->journal, obs__to_text(to, OBS__TO_NAME), error);
    return status;
}

void obs__courier_leave(obs__courier *courier)
{
    obs_subscription_free(courier->subscription);
    courier->subscription = NULL;
}

/* A parcel and its room. */
struct packing {
    obs__parcel parcel;
    obs_event *events[PARCEL_MAX];
    uint64_t sequences[PARCEL_MAX];
    uint32_t attempts[PARCEL_MAX];
};

static void unpack(struct packing *packing)
{
    for (size_t i = 0; i < packing->parcel.count; i++)
        obs_event_free(packing->events[i]);
    packing->parcel.count = 0;
}

/* A copy, as the delivery ends with the next one. */
static obs_status pack(struct packing *packing, const obs_delivery *delivery, size_t *bytes, obs_error *error)
{
    obs_buffer *json = NULL;
    size_t at = packing->parcel.count;
    obs_status status = obs_event_encode(&json, delivery->event, error);
    if (status == OBS_OK)
        status = obs_event_decode(&packing->events[at], obs_buffer_data(json), obs_buffer_size(json), error);
    if (status == OBS_OK) {
        packing->sequences[at] = delivery->sequence;
        packing->attempts[at] = delivery->attempt;
        packing->parcel.count++;
        *bytes += obs_buffer_size(json);
    }
    obs_buffer_free(json);
    return status;
}

static size_t most_of(obs__courier *courier)
{
    if (obs__to_number(courier->to, OBS__TO_MODE) != OBS__MODE_BATCH || courier->to->is_mail)
        return 1;
    if (courier->single || courier->state.failures) {
        courier->single -= courier->single > 0;
        return 1;
    }
    return (size_t)obs__to_number(courier->to, OBS__TO_BATCH);
}

static obs_status gather(struct packing *packing, obs__courier *courier, obs_error *error)
{
    size_t bytes = 0, most = most_of(courier);
    int wait_ms = courier->once ? 0 : obs__limit_left_ms(&courier->limit, WAIT_MS);
    obs_status status = OBS_OK;
    while (status == OBS_OK && packing->parcel.count < most && bytes < PARCEL_BYTES) {
        const obs_delivery *delivery = NULL;
        status = obs_subscription_next(&delivery, courier->subscription, packing->parcel.count ? 0 : wait_ms,
                                       courier->limit.cancel, error);
        if (status != OBS_OK || !delivery)
            break;
        status = pack(packing, delivery, &bytes, error);
    }
    return status;
}

/* As often a minute as the server said. */
static obs_status keep_rate(const obs__courier *courier, obs_error *error)
{
    int ready;
    if (!courier->state.rate || !courier->last_ns)
        return OBS_OK;
    int64_t wait_ns = courier->last_ns + MINUTE_NS / courier->state.rate - obs__monotonic_ns();
    return wait_ns > 0 ? obs__limit_wait(&courier->limit, -1, (int)(wait_ns / 1000000 + 1), &ready, error) : OBS_OK;
}

static obs_status deliver(obs__courier *courier, const obs__parcel *parcel, obs_error *error)
{
    obs__answered answered = {.came = OBS__CAME_DONE};
    if (!courier->to->is_mail && obs__to_number(courier->to, OBS__TO_HANDSHAKE) == 0)
        obs__webhook_ask(&answered, courier);
    if (answered.came == OBS__CAME_DONE) {
        obs_status status = keep_rate(courier, error);
        if (status != OBS_OK)
            return status;
        courier->last_ns = obs__monotonic_ns();
        if (courier->to->is_mail)
            obs__mail_deliver(&answered, courier, parcel);
        else
            obs__webhook_deliver(&answered, courier, parcel);
    }
    return obs__outcome_of(courier, parcel, &answered, error);
}

/* A suspension that ends later than any that begins now is of a clock that was set back since. One of a person stays. */
static obs_status keep_clock(obs__courier *courier, obs_error *error)
{
    json_t *row = NULL;
    int64_t until_ms = courier->state.until_ms;
    int64_t most_ms = (obs__to_number(courier->to, OBS__TO_SUSPEND_FOR) / 10 * 11 + SUSPEND_SPARE_NS) / 1000000;
    if (!until_ms || until_ms == OBS__FOR_EVER || until_ms - obs__now_ns() / 1000000 <= most_ms)
        return OBS_OK;
    courier->state.until_ms = 0;
    obs_status status = obs__deliver_consumer(&row, courier->host, courier->to->consumer, NULL, error);
    if (status == OBS_OK && json_is_string(json_object_get(row, "until")))
        status = obs_bus_resume(courier->host->bus, courier->to->consumer, NULL, error);
    json_decref(row);
    return status;
}

/* Until nothing is due (once), or something is wrong. */
static obs_status serve(obs__courier *courier, struct packing *packing, obs_error *error)
{
    obs_status status;
    do {
        status = obs__limit_check(&courier->limit, error);
        if (status == OBS_OK)
            status = keep_clock(courier, error);
        if (status == OBS_OK)
            status = gather(packing, courier, error);
        if (status != OBS_OK || (!packing->parcel.count && courier->once))
            break;
        if (packing->parcel.count)
            status = deliver(courier, &packing->parcel, error);
        unpack(packing);
    } while (status == OBS_OK);
    unpack(packing);
    return status;
}

/* Somebody else serves this destination: he may end. */
static obs_status stand_by(const obs__courier *courier, obs_status status, const obs_error *why, obs_error *error)
{
    int ready;
    if (status != OBS_ABORTED)
        obs__log(OBS_LOG_WARNING, "deliver", NULL, "destination '%s': %s", obs__to_text(courier->to, OBS__TO_NAME),
                 why->message);
    return obs__limit_wait(&courier->limit, -1, TROUBLE_MS, &ready, error);
}

static obs_status run(obs__courier *courier, struct packing *packing, obs_error *error)
{
    for (;;) {
        obs_error why;
        obs_error_init(&why, sizeof why);
        int was_held = 0;
        obs_status status = obs__courier_subscribe(courier, &why);
        if (status == OBS_OK)
            status = serve(courier, packing, &why);
        else
            was_held = status == OBS_ABORTED;
        obs__courier_leave(courier);
        if (courier->once || obs__limit_check(&courier->limit, NULL) != OBS_OK)
            return status == OBS_OK || (courier->once && was_held) ? OBS_OK : obs__copy_error(error, &why);
        status = stand_by(courier, status, &why, error);
        if (status != OBS_OK)
            return status;
    }
}

obs_status obs__courier_run(obs__courier *courier, obs_error *error)
{
    struct packing *packing = obs__calloc(1, sizeof *packing);
    if (!packing)
        return obs__fail_memory(error);
    packing->parcel = (obs__parcel){packing->events, packing->sequences, packing->attempts, 0};
    obs_status status = run(courier, packing, error);
    obs__free(packing);
    return status;
}
