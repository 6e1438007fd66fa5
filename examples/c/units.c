/* Units: several changes that become durable together, or not at all. */
#include <obs/obs.h>
#include <stdio.h>

/* Adds an object and its event; with good 0 the unit ends without a commit. */
static obs_status product(obs_client *client, const char *key, int good, obs_error *error)
{
    obs_unit *unit = NULL;
    obs_event event;
    obs_event_init(&event, sizeof event);
    event.type = "org.example.product.created";
    event.subject = key;
    if (obs_unit_begin(&unit, client, NULL, error) == OBS_OK &&
        obs_unit_put(unit, key, OBS_TEXT, "{\"mag\":5.8}", OBS_TEXT, NULL, error) == OBS_OK &&
        obs_unit_publish(unit, &event, NULL, error) == OBS_OK && good)
        obs_unit_commit(unit, error);
    obs_unit_free(unit);
    return error->status;
}

static int exists(obs_client *client, const char *key)
{
    obs_stat *stat = NULL;
    obs_status status = obs_store_head(&stat, obs_client_store(client), key, OBS_TEXT, NULL, NULL);
    obs_stat_free(stat);
    return status == OBS_OK;
}

int main(void)
{
    obs_client *client = NULL;
    obs_error error;
    obs_error_init(&error, sizeof error);
    if (obs_client_open(&client, NULL, &error) != OBS_OK || product(client, "products/m13.json", 1, &error) != OBS_OK)
        goto out;
    if (exists(client, "products/m13.json"))
        puts("both became visible together");
    if (product(client, "products/m92.json", 0, &error) == OBS_OK && !exists(client, "products/m92.json"))
        puts("nothing of the second unit happened");
out:
    if (error.status != OBS_OK)
        fprintf(stderr, "%s\n", error.message);
    obs_client_close(client);
    return obs_status_exit_code(error.status);
}
