/* Events as mails. */
#include "net/mail.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/secret.h"
#include "deliver/courier.h"

#define TEXT_MAX ((size_t)262144)

/* `name: value` for each member, the sentence and the command first: people read it on a telephone. */
static void add_member(obs__builder *out, const char *key, const json_t *value)
{
    char text[1024];
    if (json_is_string(value)) {
        obs__escape_display(text, sizeof text, json_string_value(value), json_string_length(value));
        obs__add_format(out, "%-14s %s\n", key, text);
    } else if (json_is_integer(value))
        obs__add_format(out, "%-14s %lld\n", key, (long long)json_integer_value(value));
}

static void add_incident(obs__builder *out, const json_t *data)
{
    const char *key;
    json_t *value;
    const char *message = json_string_value(json_object_get(data, "message"));
    const char *command = json_string_value(json_object_get(data, "command"));
    obs__add_format(out, "%s\n\n    %s\n\n", message ? message : "", command ? command : "");
    json_object_foreach((json_t *)(uintptr_t)data, key, value)
    {
        if (strcmp(key, "message") != 0 && strcmp(key, "command") != 0)
            add_member(out, key, value);
    }
}

static obs_status add_event(obs__builder *out, const obs_event *event, obs_error *error)
{
    obs_buffer *json = NULL;
    obs_status status = obs_event_encode(&json, event, error);
    if (status == OBS_OK) {
        size_t size = obs_buffer_size(json);
        obs__add(out, obs_buffer_data(json), size < TEXT_MAX / 2 ? size : TEXT_MAX / 2);
        obs__add_char(out, '\n');
    }
    obs_buffer_free(json);
    return status;
}

static obs_status write_text(obs__builder *out, char *subject, size_t capacity, const obs_event *event, obs_error *error)
{
    json_t *data = NULL;
    int is_ours = strncmp(event->type, OBS__INCIDENT_TYPE, strlen(OBS__INCIDENT_TYPE)) == 0;
    if (is_ours && event->data)
        (void)obs__json_load(&data, event->data, event->data_size, NULL, NULL);
    const char *message = json_string_value(json_object_get(data, "message"));
    obs_status status = OBS_OK;
    char text[300];
    if (message)
        snprintf(text, sizeof text, "libobs: %s", message);
    else
        snprintf(text, sizeof text, "%.120s%s%.120s", event->type, event->subject ? ": " : "",
                 event->subject ? event->subject : "");
    obs__escape_display(subject, capacity, text, strlen(text));
    if (message)
        add_incident(out, data);
    else
        status = add_event(out, event, error);
    json_decref(data);
    return status == OBS_OK ? obs__builder_status(out, error) : status;
}

static obs_status send_mail(const obs__courier *courier, const obs_event *event, const char *id, obs__builder *text,
                            obs_error *error)
{
    const obs__smtp *smtp = &courier->host->all->smtp;
    obs_secret *password = NULL;
    char subject[400];
    obs_status status = write_text(text, subject, sizeof subject, event, error);
    if (status == OBS_OK && smtp->password)
        status = obs__secret_find(&password, smtp->password, error);
    if (status == OBS_OK) {
        obs__mail mail = {.server = smtp->url,
                          .user = smtp->user,
                          .password = password,
                          .ca = smtp->ca,
                          .from = smtp->from,
                          .to = obs__to_text(courier->to, OBS__TO_URL) + strlen("mailto:"),
                          .subject = subject,
                          .id = id,
                          .text = obs__view_of(text->data, text->size)};
        obs__limit limit = obs__limit_in(obs__to_number(courier->to, OBS__TO_TIMEOUT) / 1000000, courier->limit.cancel);
        if (courier->limit.end_ns < limit.end_ns)
            limit.end_ns = courier->limit.end_ns;
        status = obs__mail_send(&mail, &limit, error);
    }
    obs_secret_free(password);
    return status;
}

void obs__mail_deliver(obs__answered *out, const obs__courier *courier, const obs__parcel *parcel)
{
    char id[OBS__WEBHOOK_ID_SIZE];
    obs__builder text;
    obs_error why;
    *out = (obs__answered){.came = OBS__CAME_DONE};
    obs_error_init(&why, sizeof why);
    obs__builder_init(&text, TEXT_MAX);
    obs_status status = obs__webhook_id(id, parcel, &why);
    if (status == OBS_OK)
        status = send_mail(courier, parcel->events[0], id, &text, &why);
    if (status != OBS_OK)
        obs__answered_fail(out, courier, status, &why);
    if (status == OBS_INVALID_ARGUMENT && out->came == OBS__CAME_FAILED)
        out->came = OBS__CAME_REFUSED;
    obs__builder_free(&text);
}
