/* The relay: an edge site with a workspace of its own, and the observatory around us. Cut off or killed, it goes on where it
 * was. */
#include <inttypes.h>
#include <obs/obs.h>
#include <stdio.h>

static obs_status observe(obs_client *roof, obs_error *error)
{
    obs_event event;
    obs_unit *unit = NULL;
    obs_event_init(&event, sizeof event);
    event.type = "org.example.frame.stored";
    event.subject = "raw/1.fits";
    if (obs_unit_begin(&unit, roof, NULL, error) == OBS_OK &&
        obs_unit_put(unit, "raw/1.fits", OBS_TEXT, "frame", 5, NULL, error) == OBS_OK &&
        obs_unit_publish(unit, &event, NULL, error) == OBS_OK)
        obs_unit_commit(unit, error);
    obs_unit_free(unit);
    return error->status;
}

static obs_status carry(obs_client *roof, obs_client *observatory, obs_error *error)
{
    obs_relay_counts counts = {.size = sizeof counts};
    obs_relay_options options;
    obs_relay_options_init(&options, sizeof options);
    options.site = "roof";
    if (obs_relay_run(&counts, roof, observatory, &options, error) == OBS_OK)
        printf("%" PRIu64 " objects, %" PRIu64 " events\n", counts.objects, counts.events);
    return error->status;
}

static obs_status show(obs_client *observatory, obs_error *error)
{
    obs_stat *stat = NULL;
    if (obs_store_head(&stat, obs_client_store(observatory), "raw/1.fits", OBS_TEXT, NULL, error) == OBS_OK)
        for (size_t i = 0; i < stat->label_count; i++)
            printf("%s: %s=%s\n", stat->key, stat->labels[i].name, stat->labels[i].value);
    obs_stat_free(stat);
    return error->status;
}

int main(void)
{
    obs_client *roof = NULL, *observatory = NULL;
    obs_open_options options;
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_open_options_init(&options, sizeof options);
    options.workspace = "roof";
    if (obs_client_open(&observatory, NULL, &error) == OBS_OK && obs_workspace_init("roof", NULL, &error) == OBS_OK &&
        obs_client_open(&roof, &options, &error) == OBS_OK && observe(roof, &error) == OBS_OK &&
        carry(roof, observatory, &error) == OBS_OK && carry(roof, observatory, &error) == OBS_OK) /* then nothing is left */
        show(observatory, &error);
    if (error.status != OBS_OK)
        fprintf(stderr, "%s\n", error.message);
    obs_client_close(roof);
    obs_client_close(observatory);
    return obs_status_exit_code(error.status);
}
