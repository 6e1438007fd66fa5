/* Settings: read in a loop, changed in one place, told where they come from. */
#include <obs/obs.h>
#include <stdio.h>

static obs_status open_gain(obs_setting **gain, obs_config *config, obs_error *error)
{
    obs_setting_options options;
    obs_setting_options_init(&options, sizeof options);
    options.standard = "1.5"; /* where no document says anything */
    options.least = "0.1";
    options.most = "10"; /* a change beyond is refused */
    return obs_setting_open(gain, config, "ccd.gain", OBS_SETTING_FLOAT, &options, error);
}

static obs_status explain(obs_config *config, obs_error *error)
{
    obs_buffer *json = NULL;
    if (obs_config_json(&json, config, "ccd", error) == OBS_OK)
        printf("ccd is %s\n", (const char *)obs_buffer_data(json));
    obs_buffer_free(json);
    return error->status;
}

int main(void)
{
    obs_client *client = NULL;
    obs_setting *gain = NULL;
    obs_error error;
    obs_error_init(&error, sizeof error);
    if (obs_client_open(&client, NULL, &error) != OBS_OK)
        goto out;
    obs_config *config = obs_client_config(client);
    if (open_gain(&gain, config, &error) != OBS_OK)
        goto out;
    printf("gain %.1f\n", obs_setting_float(gain));
    if (obs_config_set(config, "ccd.gain", "1.7", NULL, &error) != OBS_OK)
        goto out;
    printf("gain %.1f\n", obs_setting_float(gain)); /* one load from memory; other processes see it within a second */
    if (obs_config_set(config, "ccd.gain", "70", NULL, &error) == OBS_REFUSED)
        printf("refused, still %.1f\n", obs_setting_float(gain));
    explain(config, &error);
out:
    if (error.status != OBS_OK)
        fprintf(stderr, "%s\n", error.message);
    obs_setting_free(gain);
    obs_client_close(client);
    return obs_status_exit_code(error.status);
}
