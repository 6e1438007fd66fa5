/* Delivering to the destinations of obs.yaml: <obs/journal.h>. */
#include <obs/journal.h>

#include <stddef.h>

#include "base/buffer.h"
#include "base/error.h"
#include "client/client.h"

#define ROWS_MAX ((size_t)4 << 20)

void obs_journal_options_init(obs_journal_options *options, size_t size)
{
    if (size < sizeof options->size || !options)
        return;
    obs__client_options(options, sizeof *options < size ? sizeof *options : size, NULL);
    options->size = size;
}

static obs__deliver_host host_of(obs_client *client)
{
    return (obs__deliver_host){&client->gate->gate, client->bus, &client->gate->workspace->config.destinations};
}

/* A run ends when it is told to: the usual limit of a call is not for it. */
static obs_call call_of(const obs_call *given)
{
    obs_call call;
    obs__client_options(&call, sizeof call, given);
    call.size = sizeof call;
    if (!call.timeout_ms)
        call.timeout_ms = -1;
    return call;
}

obs_status obs_journal_run(uint64_t *delivered, obs_client *client, const obs_journal_options *options, obs_error *error)
{
    obs__scope scope;
    obs_journal_options own;
    uint64_t count = 0;
    if (delivered)
        *delivered = 0;
    if (!client)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "client is required");
    obs__client_options(&own, sizeof own, options);
    const obs_call call = call_of(own.call);
    obs_status status = obs__gate_enter(&scope, &client->gate->gate, OBS__READ, "journal.run",
                                        own.destination ? own.destination : "", OBS_TEXT, &call, error);
    if (status != OBS_OK)
        return status;
    const obs__deliver_host host = host_of(client);
    const obs__deliver_plan plan = {own.destination, own.once, scope.limit};
    status = obs__deliver_run(&count, &host, &plan, error);
    scope.count = count;
    if (delivered)
        *delivered = count;
    return obs__gate_leave(&scope, status, error);
}

obs_status obs_journal_list(obs_rows **out, obs_client *client, const obs_call *call, obs_error *error)
{
    obs__scope scope;
    obs__builder text;
    obs_buffer *lines = NULL;
    if (!out || !client)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "out and client are required");
    *out = NULL;
    obs_status status = obs__gate_enter(&scope, &client->gate->gate, OBS__READ, "journal.list", "", 0, call, error);
    if (status != OBS_OK)
        return status;
    const obs__deliver_host host = host_of(client);
    obs__builder_init(&text, ROWS_MAX);
    status = obs__deliver_list(&text, &host, call, error);
    if (status == OBS_OK)
        status = obs__builder_finish(&lines, &text, error);
    obs__builder_free(&text);
    if (status == OBS_OK)
        status = obs__rows_from_lines(out, lines, error);
    return obs__gate_leave(&scope, status, error);
}
