/* One run of a relay: events first, then what changed without one, until all is there or the time is over. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/memory.h"
#include "relay/relay.h"

#define LOOK_MS 1000 /* changes without an event wake nobody: how often they are looked for */

void obs_relay_options_init(obs_relay_options *options, size_t size)
{
    if (!options || size < sizeof(size_t))
        return;
    memset(options, 0, size);
    options->size = size;
}

static obs_status take_site(obs__relay *relay, const char *wanted, obs_error *error)
{
    const obs__workspace *from = relay->from->gate->workspace, *to = relay->to->gate->workspace;
    const char *site = wanted ? wanted : from->config.site;
    if (!site)
        return obs__fail(error, OBS_FAILED_PRECONDITION,
                         "%.200s/obs.yaml does not say which site this is: add a line like 'site: roof'", from->folder);
    if (!obs__tenant_valid(site))
        return obs__fail(error, OBS_INVALID_ARGUMENT,
                         "the name of a site has 1 to 63 of [a-z0-9-] and begins with a letter, as in roof");
    relay->here = to->config.site ? to->config.site : "";
    if (strcmp(site, relay->here) == 0)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "source and target are both called site '%.63s'", site);
    memcpy(relay->site, site, strlen(site) + 1);
    return OBS_OK;
}

/* The tenant of a target is named where it is not the default one. */
static void name_all(obs__relay *relay)
{
    const obs__client_gate *from = relay->from->gate, *to = relay->to->gate;
    int is_default = strcmp(to->tenant, OBS__DEFAULT_TENANT) == 0;
    snprintf(relay->name, sizeof relay->name, "%s/%s", from->workspace->format.id, from->tenant);
    snprintf(relay->member, sizeof relay->member, "relay.%s%s%s", to->workspace->format.id, is_default ? "" : ".",
             is_default ? "" : to->tenant);
}

static obs_status ask(obs_client *client, obs__class kind, const char *action, const obs_call *call, obs_error *error)
{
    obs__scope scope;
    obs_status status = obs__gate_enter(&scope, &client->gate->gate, kind, action, "", 0, call, error);
    return status == OBS_OK ? obs__gate_leave(&scope, OBS_OK, error) : status;
}

static obs_status open_relay(obs__relay *relay, const obs_relay_options *options, obs_error *error)
{
    const obs__client_gate *from = relay->from->gate, *to = relay->to->gate;
    relay->call = options->call;
    relay->limit = obs__limit_in(-1, options->call ? options->call->cancel : NULL);
    relay->keep_both = options->conflict == OBS_RELAY_KEEP_BOTH;
    relay->rate = options->limit;
    relay->stop_ns = options->slice_ms > 0 ? obs__monotonic_ns() + options->slice_ms * 1000000 : INT64_MAX;
    if (options->conflict != OBS_RELAY_REFUSE && options->conflict != OBS_RELAY_KEEP_BOTH)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "the conflict is OBS_RELAY_REFUSE or OBS_RELAY_KEEP_BOTH");
    if (strcmp(from->workspace->format.id, to->workspace->format.id) == 0 && strcmp(from->tenant, to->tenant) == 0)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "source and target are the same workspace, or copies of one");
    obs_status status = take_site(relay, options->site, error);
    name_all(relay);
    if (status == OBS_OK)
        status = ask(relay->from, OBS__READ, "relay.read", relay->call, error);
    return status == OBS_OK ? ask(relay->to, OBS__CHANGE, "relay.write", relay->call, error) : status;
}

static obs_status subscribe(obs_subscription **out, const obs__relay *relay, obs_error *error)
{
    obs_subscribe_options options;
    obs_subscribe_options_init(&options, sizeof options);
    options.call = relay->call;
    options.exclusive = 1;
    options.attempts = -1; /* an outage of days is no event's fault */
    return obs_bus_subscribe(out, obs_client_bus(relay->from), relay->member, &options, error);
}

/* One step of each stream. */
static obs_status step(int *more, obs__relay *relay, obs_subscription **subscription, int look, obs_error *error)
{
    int events = 0, changes = 0, lines = 0;
    obs_status status = obs__relay_events(&events, relay, *subscription, error);
    if (status == OBS_OK && relay->renew) {
        obs_subscription_free(*subscription);
        relay->renew = 0;
        status = subscribe(subscription, relay, error);
    }
    if (status == OBS_OK && !events && look)
        status = obs__relay_changes(&changes, relay, error);
    if (status == OBS_OK && !events && look && !changes)
        status = obs__relay_lines(&lines, relay, error);
    *more = events || changes || lines;
    return status;
}

/* Waits for events, and at most until it is time to look for changes. *over: 1 when it waited long enough. */
static obs_status rest(int *over, const obs__relay *relay, const obs_subscription *subscription, int64_t until_ns,
                       obs_error *error)
{
    int ready;
    int64_t end_ns = until_ns < relay->stop_ns ? until_ns : relay->stop_ns;
    int64_t left_ms = (end_ns - obs__monotonic_ns()) / 1000000;
    *over = left_ms <= 0;
    if (*over)
        return OBS_OK;
    return obs__limit_wait(&relay->limit, obs_subscription_fd(subscription), left_ms < LOOK_MS ? (int)left_ms : LOOK_MS, &ready,
                           error);
}

static obs_status carry(obs__relay *relay, obs_subscription **subscription, int64_t wait_ms, obs_error *error)
{
    int more = 1, over = 0, steps = 0; /* a slice has one step at least: it gets on, however short it is */
    int64_t idle_ns = 0, looked_ns = 0;
    obs_status status = OBS_OK;
    while (status == OBS_OK && !over) {
        int64_t now = obs__monotonic_ns();
        int look = now - looked_ns >= (int64_t)LOOK_MS * 1000000 || more || !wait_ms;
        if (now >= relay->stop_ns && steps++) {
            relay->counts.more = (uint64_t)more;
            break;
        }
        status = obs__limit_check(&relay->limit, error);
        if (status == OBS_OK)
            status = step(&more, relay, subscription, look, error);
        looked_ns = look ? now : looked_ns;
        idle_ns = more || !idle_ns ? obs__monotonic_ns() : idle_ns;
        if (status == OBS_OK && !more && wait_ms)
            status = rest(&over, relay, *subscription, wait_ms < 0 ? INT64_MAX : idle_ns + wait_ms * 1000000, error);
        over |= !more && !wait_ms;
    }
    return status;
}

static obs_status run(obs__relay *relay, const obs_relay_options *options, obs_error *error)
{
    obs_subscription *subscription = NULL;
    obs_status status = open_relay(relay, options, error);
    if (status == OBS_OK)
        status = subscribe(&subscription, relay, error);
    if (status == OBS_OK)
        status = obs__relay_anchor(relay, error);
    if (status == OBS_OK)
        status = obs__relay_begin_changes(relay, error);
    if (status == OBS_OK)
        status = carry(relay, &subscription, options->wait_ms, error);
    if (status == OBS_OK && !relay->counts.more) /* of what was carried */
        status = obs__relay_anchor(relay, error);
    obs_subscription_free(subscription);
    return status;
}

obs_status obs_relay_run(obs_relay_counts *out, obs_client *from, obs_client *to, const obs_relay_options *options,
                         obs_error *error)
{
    obs_relay_options given;
    if (!from || !to || (out && out->size < sizeof out->size))
        return obs__fail(error, OBS_INVALID_ARGUMENT, "from and to are required, and the size of out");
    obs__client_options(&given, sizeof given, options);
    obs__relay relay = {.from = from, .to = to};
    obs_status status = run(&relay, &given, error);
    if (out) {
        size_t size = out->size;
        relay.counts.size = size;
        memcpy(out, &relay.counts, size < sizeof relay.counts ? size : sizeof relay.counts);
    }
    return status == OBS_OK ? obs__ok(error) : status;
}
