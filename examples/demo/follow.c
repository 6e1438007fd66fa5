/* follow TENANT SETTING VALUE: prints the setting now and when it changes, until it is VALUE. */
#include <obs/obs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The setting as it is at one moment, and which version of the configuration that was. */
static obs_status show(double *value, uint64_t *version, obs_config *config, const char *name, const obs_call *call,
                       obs_error *error)
{
    obs_config *now = NULL;
    obs_status status = obs_config_snapshot(&now, config, call, error);
    if (status == OBS_OK)
        status = obs_config_float(value, now, name, error);
    if (status == OBS_OK) {
        *version = obs_config_version(now);
        printf("C      sees %s = %g\n", name, *value);
        fflush(stdout);
    }
    obs_config_free(now);
    return status;
}

int main(int count, char **words)
{
    obs_client *client = NULL;
    obs_open_options options;
    obs_call call;
    obs_error error;
    uint64_t version;
    double value;
    if (count != 4)
        return 2;
    obs_error_init(&error, sizeof error);
    obs_open_options_init(&options, sizeof options);
    options.tenant = words[1];
    obs_call_init(&call, sizeof call);
    call.timeout_ms = 300000;

    obs_status status = obs_client_open(&client, &options, &error);
    obs_config *config = obs_client_config(client);
    if (status == OBS_OK)
        status = show(&value, &version, config, words[2], &call, &error);
    while (status == OBS_OK && value != atof(words[3])) {
        status = obs_config_wait(&version, config, version, &call, &error);
        if (status == OBS_OK)
            status = show(&value, &version, config, words[2], &call, &error);
    }
    if (status != OBS_OK)
        fprintf(stderr, "follow: %s\n", error.message);
    obs_client_close(client);
    return obs_status_exit_code(status);
}
