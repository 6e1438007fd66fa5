#include <obs/obs.h>
#include <stdio.h>

int main(void)
{
    obs_client *client = NULL;
    obs_unit *unit = NULL;
    obs_buffer *frame = NULL;
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_pair night = {"night", "2026-11-20"};
    obs_put_options put;
    obs_put_options_init(&put, sizeof put);
    put.labels = &night, put.label_count = 1, put.values = "{\"mag\":17.3}";
    obs_event created;
    obs_event_init(&created, sizeof created);
    created.type = "org.example.product.created", created.subject = "products/0421.json";

    if (obs_client_open(&client, NULL, &error) == OBS_OK &&
        obs_store_get(&frame, obs_client_store(client), "raw/ccd-0421.fits", OBS_TEXT, NULL, &error) == OBS_OK &&
        obs_unit_begin(&unit, client, NULL, &error) == OBS_OK && /* durable together, or not at all */
        obs_unit_put(unit, created.subject, OBS_TEXT, "{\"mag\":17.3}", OBS_TEXT, &put, &error) == OBS_OK &&
        obs_unit_publish(unit, &created, NULL, &error) == OBS_OK && obs_unit_commit(unit, &error) == OBS_OK)
        printf("measured %zu bytes\n", obs_buffer_size(frame));
    else
        fprintf(stderr, "%s\n", error.message);
    obs_unit_free(unit);
    obs_buffer_free(frame);
    obs_client_close(client);
    return obs_status_exit_code(error.status);
}
