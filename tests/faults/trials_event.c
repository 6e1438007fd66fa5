/* The forms of events, and what is asked of the process, for test_public_memory.c. */
#include "faults/trial.h"

static const obs_pair extensions[] = {{"night", "2026-11-20"}, {"site", "north"}};

static obs_event whole_event(void)
{
    obs_event event;
    obs_event_init(&event, sizeof event);
    event.id = "1";
    event.source = "/night";
    event.type = "org.example.made";
    event.subject = "raw/\xc3\xa4 1";
    event.time = "2026-11-20T21:15:03Z";
    event.data = "{\"n\":[1,2,{\"m\":\"\\u00e4\"}]}";
    event.data_size = OBS_TEXT;
    event.extensions = extensions;
    event.extension_count = 2;
    return event;
}

static int is_whole(const obs_event *event)
{
    return event && strcmp(event->subject, "raw/\xc3\xa4 1") == 0 && event->extension_count == 2 && event->data_size;
}

/* To JSON and back. */
static obs_status json(void)
{
    obs_event event = whole_event(), *read = NULL;
    obs_buffer *text = NULL;
    obs_status status = obs_event_encode(&text, &event, &error);
    if (status == OBS_OK)
        status = obs_event_decode(&read, obs_buffer_data(text), obs_buffer_size(text), &error);
    fits(status != OBS_OK || is_whole(read), "event from JSON");
    obs_event_free(read);
    obs_buffer_free(text);
    return status;
}

static obs_status read_batch(const obs_buffer *text)
{
    obs_event_batch *batch = NULL;
    obs_status status = obs_event_decode_batch(&batch, obs_buffer_data(text), obs_buffer_size(text), &error);
    fits(status != OBS_OK || obs_event_batch_count(batch) == 2, "size of the batch");
    for (size_t i = 0; status == OBS_OK && i < 2; i++) {
        const obs_event *read = NULL;
        status = obs_event_batch_at(&read, batch, i, &error);
        fits(status != OBS_OK || is_whole(read), "event of a batch");
    }
    obs_event_batch_free(batch);
    return status;
}

static obs_status batch(void)
{
    const obs_event event = whole_event(), *const events[] = {&event, &event};
    obs_buffer *text = NULL;
    obs_status status = obs_event_encode_batch(&text, events, 2, &error);
    if (status == OBS_OK)
        status = read_batch(text);
    obs_buffer_free(text);
    return status;
}

/* To headers and a body, and back, for each protocol. */
static obs_status message(void)
{
    obs_event event = whole_event();
    obs_status status = OBS_OK;
    for (obs_event_binding binding = OBS_EVENT_HTTP; status == OBS_OK && binding <= OBS_EVENT_NATS; binding++) {
        obs_event_message *made = NULL;
        obs_event *read = NULL;
        status = obs_event_to_message(&made, &event, binding, &error);
        if (status == OBS_OK)
            status = obs_event_from_message(&read, made, binding, &error);
        fits(status != OBS_OK || is_whole(read), "event from a message");
        obs_event_free(read);
        obs_event_message_free(made);
    }
    return status;
}

static obs_status metrics(void)
{
    obs_buffer *text = NULL;
    obs_status status = obs_metrics_text(&text, &error);
    fits(status != OBS_OK || strstr(obs_buffer_data(text), "# EOF"), "metrics");
    obs_buffer_free(text);
    return status;
}

/* What the log keeps for the bindings. Nothing may be there: then there is no text. */
static obs_status log_lines(void)
{
    obs_buffer *text = NULL;
    obs_status status = obs_log_take(&text, OBS_LOG_INFO, &error);
    obs_buffer_free(text);
    return status;
}

obs_error *event_error(void)
{
    obs_error_init(&error, sizeof error);
    return &error;
}

const struct trial event_trials[] = {{"json", NULL, json, NULL},       {"batch", NULL, batch, NULL},
                                     {"message", NULL, message, NULL}, {"metrics", NULL, metrics, NULL},
                                     {"log", NULL, log_lines, NULL},   {0}};
