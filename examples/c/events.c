/* Events: published durably, delivered until they are acknowledged. */
#include <obs/obs.h>
#include <stdio.h>

static obs_status publish(obs_bus *bus, const char *subject, obs_error *error)
{
    obs_event event;
    obs_event_init(&event, sizeof event);
    event.type = "org.example.frame.stored";
    event.subject = subject;
    event.data = "{\"exposure\":30}";
    event.data_size = OBS_TEXT;
    return obs_bus_publish(NULL, bus, &event, NULL, error);
}

static obs_status watch(obs_subscription *subscription, obs_error *error)
{
    const obs_delivery *delivery;
    while (obs_subscription_next(&delivery, subscription, 100, NULL, error) == OBS_OK && delivery) {
        printf("%s %s\n", delivery->event->type, delivery->event->subject);
        if (obs_subscription_acknowledge(subscription, delivery->sequence, error) != OBS_OK)
            break;
    }
    return error->status;
}

int main(void)
{
    obs_client *client = NULL;
    obs_subscription *subscription = NULL;
    obs_subscribe_options options;
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_subscribe_options_init(&options, sizeof options);
    options.type = "org.example.*";

    if (obs_client_open(&client, NULL, &error) != OBS_OK)
        goto out;
    obs_bus *bus = obs_client_bus(client);
    if (publish(bus, "raw/1.fits", &error) != OBS_OK || publish(bus, "raw/2.fits", &error) != OBS_OK ||
        obs_bus_subscribe(&subscription, bus, "watcher", &options, &error) != OBS_OK) /* its place is kept under its name */
        goto out;
    if (watch(subscription, &error) == OBS_OK)
        puts("no more");
out:
    if (error.status != OBS_OK)
        fprintf(stderr, "%s\n", error.message);
    obs_subscription_free(subscription);
    obs_client_close(client);
    return obs_status_exit_code(error.status);
}
