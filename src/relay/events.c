/* Events in the order in which the source's bus hands them out, many in one commit of the target. */
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "relay/relay.h"

#define BATCH_BYTES ((uint64_t)8 << 20)
#define EXTENSIONS 64
#define ATTEMPTS 10
#define REASON_SIZE OBS_ERROR_TEXT_SIZE

/* One batch. What was refused is given back when the others are committed. */
typedef struct batch {
    obs__relay *relay;
    obs_subscription *subscription;
    obs__relay_unit unit;
    size_t most;
    size_t count;
    uint64_t sequences[OBS__RELAY_BATCH];
    uint32_t attempt; /* of the last one */
    size_t refused_count;
    struct {
        uint64_t sequence;
        char *subject;
        char reason[REASON_SIZE];
    } refused[OBS__RELAY_BATCH];
} batch;

static const char *extension_of(const obs_event *event, const char *name)
{
    for (size_t i = 0; i < event->extension_count; i++)
        if (strcmp(event->extensions[i].name, name) == 0)
            return event->extensions[i].value;
    return NULL;
}

/* The event as it was, with where it comes from, and under which key its object is when that is another one. */
static obs_status publish(batch *batch, const obs_event *event, uint64_t sequence, obs_error *error)
{
    obs__relay *relay = batch->relay;
    obs_event copy = *event;
    obs_pair extensions[EXTENSIONS];
    obs_publish_options options;
    char *key = NULL;
    int priority = 0;
    if (copy.extension_count)
        memcpy(extensions, copy.extensions, copy.extension_count * sizeof *extensions);
    if (!extension_of(event, "site") && copy.extension_count < EXTENSIONS)
        extensions[copy.extension_count++] = (obs_pair){"site", relay->site};
    if (*batch->unit.other && !extension_of(event, "relayedas") && copy.extension_count < EXTENSIONS)
        extensions[copy.extension_count++] = (obs_pair){"relayedas", batch->unit.other};
    copy.extensions = extensions;
    obs_status status = obs__relay_ordering(&key, &priority, relay->from, sequence, error);
    obs_publish_options_init(&options, sizeof options);
    options.partition_key = key;
    options.priority = priority;
    if (status == OBS_OK)
        status = obs_unit_publish(batch->unit.unit, &copy, &options, error);
    batch->unit.counts.events += status == OBS_OK;
    obs__free(key);
    return status;
}

static obs_status refuse(batch *batch, const obs_event *event, uint64_t sequence, const char *reason, obs_error *error)
{
    char *subject = obs__strdup(event->subject ? event->subject : "");
    if (!subject)
        return obs__fail_memory(error);
    batch->refused[batch->refused_count].sequence = sequence;
    batch->refused[batch->refused_count].subject = subject;
    memcpy(batch->refused[batch->refused_count].reason, reason, strlen(reason) + 1);
    batch->refused_count++;
    return OBS_OK;
}

static obs_status add(batch *batch, const obs_delivery *delivery, obs_error *error)
{
    const obs_event *event = delivery->event;
    const char *site = extension_of(event, "site");
    obs_error why;
    obs_error_init(&why, sizeof why);
    if (site && *batch->relay->here && strcmp(site, batch->relay->here) == 0)
        return OBS_OK; /* the target's own, that another relay brought here */
    obs_status status = obs__relay_item(&batch->unit, event->subject, &why);
    if (status == OBS_OK)
        return publish(batch, event, delivery->sequence, error);
    if (status == OBS_REFUSED && batch->unit.is_conflict) /* nothing of it is in the unit */
        return refuse(batch, event, delivery->sequence, why.message, error);
    return obs__copy_error(error, &why);
}

static obs_status fill(batch *batch, obs_error *error)
{
    obs_status status = OBS_OK;
    while (status == OBS_OK && batch->count < batch->most && batch->unit.counts.bytes < BATCH_BYTES) {
        const obs_delivery *delivery = NULL;
        status = obs_subscription_next(&delivery, batch->subscription, 0, batch->relay->limit.cancel, error);
        if (status != OBS_OK || !delivery)
            break;
        batch->sequences[batch->count++] = delivery->sequence;
        batch->attempt = delivery->attempt;
        status = add(batch, delivery, error);
    }
    return status;
}

static obs_status bury(batch *batch, uint64_t sequence, const char *reason, int dead, obs_error *error)
{
    obs_reject_options options;
    obs_reject_options_init(&options, sizeof options);
    options.reason = reason;
    options.dead = dead;
    obs_status status = obs_subscription_reject(batch->subscription, sequence, &options, error);
    batch->relay->counts.dead += status == OBS_OK && dead;
    return status == OBS_ABORTED ? OBS_OK : status; /* taken back: it comes again */
}

/* The target has it: then the source may forget. */
static obs_status settle(batch *batch, obs_error *error)
{
    obs_status status = OBS_OK;
    for (size_t i = 0; i < batch->refused_count && status == OBS_OK; i++) {
        int is_new;
        status = obs__relay_refuse(&is_new, batch->relay, batch->refused[i].subject, batch->refused[i].reason, error);
        batch->relay->counts.conflicts += status == OBS_OK && is_new;
        if (status == OBS_OK)
            status = bury(batch, batch->refused[i].sequence, batch->refused[i].reason, 1, error);
    }
    if (status == OBS_OK && batch->count > batch->refused_count)
        status = obs_subscription_acknowledge_many(NULL, batch->subscription, batch->sequences, batch->count, error);
    return status == OBS_ABORTED ? OBS_OK : status;
}

/* What may be mended at the source comes again for a while. */
static obs_status give_back(batch *batch, const obs_error *why, obs_error *error)
{
    int dead = why->status != OBS_DATA_LOSS || batch->attempt >= ATTEMPTS;
    return bury(batch, batch->sequences[batch->count - 1], why->message, dead, error);
}

static obs_status run(batch *batch, obs_error *error)
{
    obs_status status = obs__relay_unit_begin(&batch->unit, batch->relay, error);
    if (status == OBS_OK)
        status = fill(batch, error);
    if (status == OBS_OK && batch->count > batch->refused_count)
        status = obs__relay_unit_commit(&batch->unit, error);
    if (status == OBS_OK)
        status = settle(batch, error);
    return status;
}

obs_status obs__relay_events(int *more, obs__relay *relay, obs_subscription *subscription, obs_error *error)
{
    obs_error why;
    batch batch = {.relay = relay, .subscription = subscription, .most = relay->singly ? 1 : OBS__RELAY_BATCH};
    obs_error_init(&why, sizeof why);
    obs_status status = run(&batch, &why);
    *more = batch.count != 0;
    if (status != OBS_OK && obs__relay_is_its_fault(status) && batch.count == 1)
        status = give_back(&batch, &why, error);
    else if (status != OBS_OK && obs__relay_is_its_fault(status) && batch.count > 1) {
        relay->singly = OBS__RELAY_BATCH; /* which one it was shows when they come again one by one */
        relay->renew = 1;
        status = OBS_OK;
    } else if (status != OBS_OK)
        obs__copy_error(error, &why);
    else
        relay->singly -= relay->singly > 0;
    for (size_t i = 0; i < batch.refused_count; i++)
        obs__free(batch.refused[i].subject);
    obs__relay_unit_free(&batch.unit);
    return status;
}
