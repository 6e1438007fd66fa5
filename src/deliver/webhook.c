/* Events as HTTP requests: the HTTP binding of CloudEvents 1.0.2, its rules for webhooks, and Standard Webhooks. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/secret.h"
#include "deliver/courier.h"
#include "net/http.h"

#define ANSWER_MAX ((size_t)16384)
#define HEADERS_OWN 5
#define HEADERS_MAX (OBS__HEADERS_OF_EVENT + HEADERS_OWN)
#define OBS__HEADERS_OF_EVENT 80
#define STALL_S 15
#define SIGNATURES_MAX ((size_t)256)

/* One request as it is made. */
struct letter {
    obs_pair headers[HEADERS_MAX];
    size_t header_count;
    obs_event_message *message; /* of the binary mode */
    obs_buffer *json;           /* of the others */
    obs__view body;
    char id[OBS__WEBHOOK_ID_SIZE];
    char time[24];
    obs__builder signatures;
};

static void add(struct letter *letter, const char *name, const char *value)
{
    if (value && letter->header_count < HEADERS_MAX)
        letter->headers[letter->header_count++] = (obs_pair){name, value};
}

static obs_status write_binary(struct letter *letter, const obs_event *event, obs_error *error)
{
    obs_status status = obs_event_to_message(&letter->message, event, OBS_EVENT_HTTP, error);
    if (status != OBS_OK)
        return status;
    for (size_t i = 0; i < letter->message->header_count; i++)
        add(letter, letter->message->headers[i].name, letter->message->headers[i].value);
    letter->body = obs__view_of(letter->message->body, letter->message->body_size);
    return OBS_OK;
}

static obs_status write_body(struct letter *letter, const obs__courier *courier, const obs__parcel *parcel, obs_error *error)
{
    obs_status status;
    switch ((obs__delivery_mode)obs__to_number(courier->to, OBS__TO_MODE)) {
    case OBS__MODE_BINARY:
        return write_binary(letter, parcel->events[0], error);
    case OBS__MODE_STRUCTURED:
        add(letter, "Content-Type", "application/cloudevents+json; charset=UTF-8");
        status = obs_event_encode(&letter->json, parcel->events[0], error);
        break;
    case OBS__MODE_BATCH:
    default:
        add(letter, "Content-Type", "application/cloudevents-batch+json; charset=UTF-8");
        status = obs_event_encode_batch(&letter->json, (const obs_event *const *)parcel->events, parcel->count, error);
        break;
    }
    if (status == OBS_OK)
        letter->body = obs__view_of(obs_buffer_data(letter->json), obs_buffer_size(letter->json));
    return status;
}

static const char *extension(const obs_event *event, const char *name)
{
    for (size_t i = 0; i < event->extension_count; i++)
        if (strcmp(event->extensions[i].name, name) == 0)
            return event->extensions[i].value;
    return NULL;
}

static obs_status write_letter(struct letter *letter, const obs__courier *courier, const obs__parcel *parcel, obs_error *error)
{
    int64_t seconds = obs__now_ns() / 1000000000;
    obs_status status = write_body(letter, courier, parcel, error);
    if (status == OBS_OK)
        status = obs__webhook_id(letter->id, parcel, error);
    if (status != OBS_OK)
        return status;
    snprintf(letter->time, sizeof letter->time, "%lld", (long long)seconds);
    add(letter, "webhook-id", letter->id);
    add(letter, "webhook-timestamp", letter->time);
    if (parcel->count == 1)
        add(letter, "traceparent", extension(parcel->events[0], "traceparent"));
    if (!courier->to->sign[0])
        return OBS_OK;
    status = obs__webhook_sign(&letter->signatures, courier->to, letter->id, seconds, letter->body, error);
    if (status == OBS_OK)
        add(letter, "webhook-signature", letter->signatures.data);
    return status;
}

static void free_letter(struct letter *letter)
{
    obs_event_message_free(letter->message);
    obs_buffer_free(letter->json);
    obs__builder_free(&letter->signatures);
}

/* These say that the events are wrong, not the server: the same bytes will never be taken. */
static int is_refusal(int status)
{
    return status == 400 || status == 413 || status == 415 || status == 422;
}

void obs__answered_fail(obs__answered *out, const obs__courier *courier, obs_status status, const obs_error *why)
{
    out->came = OBS__CAME_FAILED;
    if ((status == OBS_DEADLINE_EXCEEDED || status == OBS_CANCELLED) && obs__limit_check(&courier->limit, NULL) != OBS_OK)
        out->came = OBS__CAME_ENDED;
    else if (status == OBS_DEADLINE_EXCEEDED)
        snprintf(out->reason, sizeof out->reason, "'%.200s' did not answer within %s", courier->to->label,
                 obs__to_text(courier->to, OBS__TO_TIMEOUT));
    else
        snprintf(out->reason, sizeof out->reason, "%s", why->message);
}

/* A success counts as soon as it is said, whatever else the server has to tell. */
static void judge(obs__answered *out, const obs__courier *courier, const obs__http_response *response, obs_status status,
                  obs_error *why)
{
    if (response->status >= 200 && response->status < 300) {
        out->came = OBS__CAME_DONE;
        return;
    }
    if (status == OBS_OK)
        status = obs__http_fail(response, courier->to->label, why);
    obs__answered_fail(out, courier, status, why);
    if (out->came != OBS__CAME_FAILED)
        return;
    if (is_refusal(response->status))
        out->came = OBS__CAME_REFUSED;
    else if (response->status == 410)
        out->came = OBS__CAME_GONE;
    out->retry_ns = response->status == 429 || response->status == 503 ? response->retry_ns : 0;
    size_t size = strlen(out->reason);
    if (response->body && obs_buffer_size(response->body) && size + 8 < sizeof out->reason) {
        char excerpt[160];
        size_t some = obs_buffer_size(response->body);
        obs__escape_display(excerpt, sizeof excerpt, obs_buffer_data(response->body), some < 120 ? some : 120);
        snprintf(out->reason + size, sizeof out->reason - size, ": %s", excerpt);
    }
}

obs_status obs__webhook_call(obs__http_response *response, const obs__courier *courier, obs__http_request *request,
                             obs_error *error)
{
    const obs__destination *to = courier->to;
    obs_secret *token = NULL;
    obs__limit limit = obs__limit_in(obs__to_number(to, OBS__TO_TIMEOUT) / 1000000, courier->limit.cancel);
    if (courier->limit.end_ns < limit.end_ns)
        limit.end_ns = courier->limit.end_ns;
    request->url = obs__to_text(to, OBS__TO_URL);
    request->ca = obs__to_text(to, OBS__TO_CA);
    request->public_only = !to->allow_private;
    request->allow_plain = to->allow_plain;
    request->repeatable = 1;
    obs_status status = to->token ? obs__secret_find(&token, to->token, error) : OBS_OK;
    request->bearer = token;
    if (status == OBS_OK)
        status = obs__http_call(response, request, &limit, error);
    request->bearer = NULL;
    obs_secret_free(token);
    return status;
}

static obs_status send_letter(obs__http_response *response, const struct letter *letter, const obs__courier *courier,
                              obs_error *error)
{
    obs__http_request request = {.method = "POST",
                                 .headers = letter->headers,
                                 .header_count = letter->header_count,
                                 .body = letter->body,
                                 .limit = ANSWER_MAX,
                                 .stall_s = STALL_S};
    return obs__webhook_call(response, courier, &request, error);
}

void obs__webhook_deliver(obs__answered *out, const obs__courier *courier, const obs__parcel *parcel)
{
    struct letter letter = {.header_count = 0};
    obs__http_response response = {0};
    obs_error why;
    *out = (obs__answered){0};
    obs_error_init(&why, sizeof why);
    obs__builder_init(&letter.signatures, SIGNATURES_MAX);
    obs_status status = write_letter(&letter, courier, parcel, &why);
    if (status == OBS_OK)
        status = send_letter(&response, &letter, courier, &why);
    judge(out, courier, &response, status, &why);
    obs_buffer_free(response.body);
    free_letter(&letter);
}
