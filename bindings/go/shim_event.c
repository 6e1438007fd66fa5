/* What cgo calls for consumers of events: each call with an error of its own. */
#include "shim.h"

obs_error *go_subscription_next_many(obs_deliveries **out, obs_subscription *subscription, size_t most, int64_t timeout_ms,
                                     obs_cancel *cancel)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_subscription_next_many(out, subscription, most, timeout_ms, cancel, &error);
    return go_failed(&error);
}

obs_error *go_subscription_acknowledge_many(size_t *done, obs_subscription *subscription, const uint64_t *sequences,
                                            size_t count)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_subscription_acknowledge_many(done, subscription, sequences, count, &error);
    return go_failed(&error);
}

obs_error *go_subscription_acknowledge_all(obs_subscription *subscription, uint64_t sequence)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_subscription_acknowledge_all(subscription, sequence, &error);
    return go_failed(&error);
}

obs_error *go_subscription_reject(obs_subscription *subscription, uint64_t sequence, const obs_reject_options *options)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_subscription_reject(subscription, sequence, options, &error);
    return go_failed(&error);
}

obs_error *go_bus_consumers(obs_rows **out, obs_bus *bus, const obs_call *call)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_bus_consumers(out, bus, call, &error);
    return go_failed(&error);
}

obs_error *go_bus_pause(obs_bus *bus, const char *consumer, int64_t until_ms, const char *reason, const obs_call *call)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_bus_pause(bus, consumer, until_ms, reason, call, &error);
    return go_failed(&error);
}

obs_error *go_bus_resume(obs_bus *bus, const char *consumer, const obs_call *call)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_bus_resume(bus, consumer, call, &error);
    return go_failed(&error);
}

obs_error *go_bus_remove(obs_bus *bus, const char *consumer, const obs_call *call)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_bus_remove(bus, consumer, call, &error);
    return go_failed(&error);
}

obs_error *go_bus_dead_letters(obs_rows **out, obs_bus *bus, const char *consumer, const obs_call *call)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_bus_dead_letters(out, bus, consumer, call, &error);
    return go_failed(&error);
}

obs_error *go_bus_replay(uint64_t *count, obs_bus *bus, const char *consumer, uint64_t sequence, const obs_call *call)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_bus_replay(count, bus, consumer, sequence, call, &error);
    return go_failed(&error);
}

obs_error *go_bus_discard(uint64_t *count, obs_bus *bus, const char *consumer, uint64_t sequence, const obs_call *call)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_bus_discard(count, bus, consumer, sequence, call, &error);
    return go_failed(&error);
}

obs_error *go_journal_run(uint64_t *delivered, obs_client *client, const obs_journal_options *options)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_journal_run(delivered, client, options, &error);
    return go_failed(&error);
}

obs_error *go_journal_list(obs_rows **out, obs_client *client, const obs_call *call)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_journal_list(out, client, call, &error);
    return go_failed(&error);
}

obs_error *go_relay_run(obs_relay_counts *out, obs_client *from, obs_client *to, const obs_relay_options *options)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_relay_run(out, from, to, options, &error);
    return go_failed(&error);
}

obs_error *go_event_to_http(obs_event_message **out, const obs_event *event)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_event_to_message(out, event, OBS_EVENT_HTTP, &error);
    return go_failed(&error);
}

obs_error *go_event_from_http(obs_event **out, const obs_event_message *message)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_event_from_message(out, message, OBS_EVENT_HTTP, &error);
    return go_failed(&error);
}
