/* One worker of one function: from an event to the commit of what was made of it. */
#include "function/lane.h"

#include <obs/token.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "function/config.h"
#include "function/replay.h"

#define S INT64_C(1000000000)
#define RENEW_S 1800
#define REASON_MAX 4096

static obs_status issue(obs_secret **out, const obs__lane *lane, const char *scope, obs_error *error)
{
    const obs_call call = obs__limit_call(&lane->limit);
    obs_token_options options;
    obs_token_options_init(&options, sizeof options);
    options.call = &call;
    options.subject = lane->manifest->subject;
    options.tenant = obs_client_tenant(lane->owner);
    options.scope = scope;
    options.lifetime_s = lane->manifest->time_ms / 1000 + 2 * RENEW_S;
    return obs_token_issue(out, lane->owner, &options, error);
}

static obs_status become(obs__lane *lane, obs_error *error)
{
    obs_secret *token = NULL;
    obs_as_options options;
    obs_as_options_init(&options, sizeof options);
    obs_status status = issue(&token, lane, lane->manifest->write_scope, error);
    if (status == OBS_OK) {
        options.token = obs_secret_bytes(token);
        status = obs_client_as(&lane->client, lane->owner, &options, error);
    }
    obs_secret_free(token);
    if (status == OBS_OK)
        status = issue(&lane->token, lane, lane->manifest->read_scope, error);
    lane->opened_ns = obs__monotonic_ns();
    return status;
}

obs_status obs__lane_open(obs__lane *lane, obs_error *error)
{
    char *work = NULL;
    obs__builder_init(&lane->request, OBS__REQUEST_LIMIT);
    obs_status status =
        obs__manifest_read(&lane->manifest, obs_client_workspace(lane->owner), lane->name, lane->account, error);
    if (status == OBS_OK)
        status = become(lane, error);
    if (status == OBS_OK)
        status = obs__function_log_open(&lane->log, lane->manifest, obs_client_tenant(lane->owner), error);
    if (status == OBS_OK && asprintf(&work, "%s/work/%s", lane->manifest->folder, obs_client_tenant(lane->owner)) < 0) {
        work = NULL;
        status = obs__fail_memory(error);
    }
    if (status == OBS_OK)
        status = obs__folder_make(AT_FDCWD, work, 0700, error);
    if (status == OBS_OK && asprintf(&lane->folder, "%s/%ld-%d", work, (long)getpid(), lane->number) < 0) {
        lane->folder = NULL;
        status = obs__fail_memory(error);
    }
    free(work);
    if (status == OBS_OK)
        obs__lane_sweep(lane);
    return status;
}

obs_status obs__lane_subscribe(obs__lane *lane, obs_error *error)
{
    const obs__manifest *manifest = lane->manifest;
    obs_subscribe_options options;
    char consumer[OBS__FUNCTION_NAME_SIZE + 16];
    obs_subscribe_options_init(&options, sizeof options);
    options.type = manifest->type;
    options.subject = manifest->about;
    options.filter = manifest->filter;
    options.from_now = manifest->from_now;
    options.attempts = (int32_t)manifest->attempts;
    options.retry_ms = manifest->retry_ms;
    snprintf(consumer, sizeof consumer, "function.%s", manifest->name);
    return obs_bus_subscribe(&lane->subscription, obs_client_bus(lane->client), consumer, &options, error);
}

obs_status obs__lane_start(obs__lane *lane, obs_error *error)
{
    if (lane->worker && obs__worker_is_alive(lane->worker))
        return OBS_OK;
    obs__function_log_about(&lane->log, NULL, NULL, 0);
    obs__worker_stop(lane->worker);
    lane->worker = NULL;
    return obs__worker_start(&lane->worker, lane->manifest, lane->client, lane->token, &lane->log, &lane->limit, error);
}

int obs__lane_is_old(const obs__lane *lane)
{
    return obs__monotonic_ns() - lane->opened_ns > RENEW_S * S;
}

void obs__lane_close(obs__lane *lane)
{
    obs__worker_stop(lane->worker);
    obs_subscription_free(lane->subscription);
    obs_client_close(lane->client);
    obs_secret_free(lane->token);
    obs__function_log_close(&lane->log);
    obs__lane_sweep(lane);
    free(lane->folder);
    obs__builder_free(&lane->request);
    obs__manifest_free(lane->manifest);
    *lane = (obs__lane){
        .owner = lane->owner, .name = lane->name, .account = lane->account, .number = lane->number, .limit = lane->limit};
}

static const char *trace_of(const obs_event *event)
{
    for (size_t i = 0; i < event->extension_count; i++)
        if (strcmp(event->extensions[i].name, "traceparent") == 0)
            return event->extensions[i].value;
    return NULL;
}

/* Binary mode, as every server of CloudEvents understands it; structured mode where attributes are too large for headers. */
static obs_status write_request(obs__lane *lane, const obs_event *event, uint32_t attempt, obs_error *error)
{
    obs_event_message *message = NULL;
    obs_buffer *json = NULL;
    obs__builder *out = &lane->request;
    size_t head = 0;
    obs__builder_clear(out);
    obs_status status = obs_event_to_message(&message, event, OBS_EVENT_HTTP, error);
    for (size_t i = 0; status == OBS_OK && i < message->header_count; i++)
        head += strlen(message->headers[i].name) + strlen(message->headers[i].value) + 4;
    int structured = head > OBS__FRAME_HEAD_LIMIT / 2 || (message && message->header_count > OBS__FRAME_HEADERS_MAX - 16);
    if (status == OBS_OK && structured)
        status = obs_event_encode(&json, event, error);
    if (status == OBS_OK) {
        const void *body = json ? obs_buffer_data(json) : message->body;
        size_t size = json ? obs_buffer_size(json) : message->body_size;
        obs__add_format(out, "POST / HTTP/1.1\r\nHost: function\r\nContent-Length: %zu\r\n", size);
        obs__add_format(out, OBS__ATTEMPT_HEADER ": %u\r\n" OBS__DEADLINE_HEADER ": %lld\r\n", (unsigned)attempt,
                        (long long)lane->manifest->time_ms);
        obs__frame_add(out, OBS__FOLDER_HEADER, lane->folder);
        if (json)
            obs__frame_add(out, "content-type", "application/cloudevents+json");
        for (size_t i = 0; !json && i < message->header_count; i++)
            obs__frame_add(out, message->headers[i].name, message->headers[i].value);
        obs__add_text(out, "\r\n");
        obs__add(out, body, size);
        status = obs__builder_status(out, error);
    }
    obs_event_message_free(message);
    obs_buffer_free(json);
    return status;
}

/* A problem document, or whatever stands in its place. */
static obs_status read_problem(const obs__frame *answer, obs_error *error)
{
    const obs__json_options options = {.size_limit = 65536, .depth_limit = 8};
    obs__view body = obs__frame_body(answer);
    json_t *problem = NULL;
    int code = obs__frame_status(answer);
    if (body.size)
        obs__json_load(&problem, body.data, body.size, &options, NULL);
    const char *detail = json_string_value(json_object_get(problem, "detail"));
    const char *title = json_string_value(json_object_get(problem, "title"));
    obs_status status = code == 422 ? OBS_REFUSED : OBS_FAILED_PRECONDITION;
    if (detail)
        status = obs__fail(error, status, "the handler failed: %.900s%s%.60s%s", detail, title ? " (" : "", title ? title : "",
                           title ? ")" : "");
    else
        status = obs__fail(error, status, "the handler failed with HTTP status %d", code);
    json_decref(problem);
    return status;
}

obs_status obs__lane_ask(obs__products **out, obs__lane *lane, const obs_event *event, uint32_t attempt, obs_error *error)
{
    const obs__frame *answer = NULL;
    *out = NULL;
    obs__function_log_about(&lane->log, trace_of(event), event->id, attempt);
    obs_status status = obs__lane_start(lane, error); /* while it waited, what its program sees may have been replaced */
    if (status == OBS_OK)
        status = write_request(lane, event, attempt, error);
    if (status != OBS_OK)
        return status;
    status = obs__worker_ask(&answer, lane->worker, &lane->request, lane->manifest->time_ms, &lane->limit, error);
    if (status == OBS_OK && obs__frame_status(answer) != 200)
        return read_problem(answer, error);
    const char *type = status == OBS_OK ? obs__frame_header(answer, "content-type") : NULL;
    if (status == OBS_OK && obs__frame_body(answer).size && (!type || strcmp(type, OBS__OUTPUTS_TYPE) != 0))
        status =
            obs__fail(error, OBS_ABORTED, "the program answered what no function answers: its type is not " OBS__OUTPUTS_TYPE);
    if (status == OBS_OK)
        status = obs__products_read(out, lane->manifest, event, lane->folder, obs__frame_body(answer), error);
    if (status != OBS_OK) { /* it broke the rules, or is gone */
        obs__products_free(*out);
        *out = NULL;
        obs__worker_stop(lane->worker);
        lane->worker = NULL;
    }
    return status;
}

/* It is only for people who ask later what it was: without it the products are made all the same. */
static void keep_configuration(obs__lane *lane, const obs__products *products)
{
    char text[400];
    obs_error why;
    obs_error_init(&why, sizeof why);
    if (!products->configuration || strcmp(products->configuration, lane->configuration) == 0)
        return;
    obs_status status =
        obs__config_keep_seen(obs_client_workspace(lane->owner), products->configuration, products->configuration_text, &why);
    if (status != OBS_OK) {
        snprintf(text, sizeof text, "the configuration of what is made cannot be kept: %.300s", why.message);
        obs__function_log_say(&lane->log, text);
    } else
        memcpy(lane->configuration, products->configuration, sizeof lane->configuration);
}

/* All that was made, and that the event is done, in one commit. */
static obs_status commit(obs__lane *lane, const obs__products *products, const obs_delivery *delivery, obs_error *error)
{
    obs_unit *unit = NULL;
    obs_call call;
    obs_call_init(&call, sizeof call);
    call.traceparent = trace_of(delivery->event);
    keep_configuration(lane, products);
    obs_status status = obs_unit_begin(&unit, lane->client, &call, error);
    if (status == OBS_OK)
        status = obs__products_add(products, unit, error);
    if (status == OBS_OK)
        status = obs_unit_acknowledge(unit, lane->subscription, delivery->sequence, error);
    if (status == OBS_OK)
        status = obs_unit_commit(unit, error);
    obs_unit_free(unit);
    return status;
}

static obs_status give_back(obs__lane *lane, const obs_delivery *delivery, const obs_error *why, obs_error *error)
{
    obs_reject_options options;
    char reason[REASON_MAX];
    obs_reject_options_init(&options, sizeof options);
    snprintf(reason, sizeof reason, "%s", why->message);
    obs__function_log_say(&lane->log, reason);
    obs__lane_keep(lane, delivery->event, delivery->attempt, reason);
    options.reason = reason;
    options.dead = why->status == OBS_REFUSED;
    obs_status status = obs_subscription_reject(lane->subscription, delivery->sequence, &options, error);
    return status == OBS_ABORTED ? OBS_OK : status; /* it is with somebody else */
}

obs_status obs__lane_handle(obs__lane *lane, const obs_delivery *delivery, obs_error *error)
{
    obs__products *products = NULL;
    obs_error why;
    obs_error_init(&why, sizeof why);
    obs_status status = obs__lane_ask(&products, lane, delivery->event, delivery->attempt, &why);
    if (status == OBS_CANCELLED)
        return obs__copy_error(error, &why); /* it comes again as if nothing had been */
    if (status == OBS_OK)
        status = commit(lane, products, delivery, &why);
    obs__products_free(products);
    if (status == OBS_OK)
        obs__lane_sweep(lane);
    else
        status = give_back(lane, delivery, &why, error);
    obs__function_log_about(&lane->log, NULL, NULL, 0);
    return status;
}
