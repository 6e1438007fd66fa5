/* Objects: write once, read a part, look. */
#include <obs/obs.h>
#include <stdio.h>
#include <string.h>

static const char key[] = "raw/m13.txt";

static obs_status write_once(obs_store *store, const char *text, obs_error *error)
{
    const obs_pair labels[] = {{"night", "2026-11-20"}};
    obs_put_options options;
    obs_put_options_init(&options, sizeof options);
    options.labels = labels;
    options.label_count = 1;
    options.if_none_match = "*"; /* only if there is none yet */
    return obs_store_put(NULL, store, key, OBS_TEXT, text, strlen(text), &options, error);
}

static obs_status read_part(obs_store *store, obs_error *error)
{
    obs_buffer *word = NULL;
    obs_get_options options;
    obs_get_options_init(&options, sizeof options);
    options.length = 8; /* any part of it, checked */
    if (obs_store_get(&word, store, key, OBS_TEXT, &options, error) == OBS_OK)
        printf("the first word is %s\n", (const char *)obs_buffer_data(word));
    obs_buffer_free(word);
    return error->status;
}

static obs_status show(obs_store *store, obs_error *error)
{
    obs_stat *stat = NULL;
    if (obs_store_head(&stat, store, key, OBS_TEXT, NULL, error) == OBS_OK)
        printf("%s %s=%s\n", stat->key, stat->labels[0].name, stat->labels[0].value);
    obs_stat_free(stat);
    return error->status;
}

int main(void)
{
    obs_client *client = NULL;
    obs_error error;
    obs_error_init(&error, sizeof error);
    if (obs_client_open(&client, NULL, &error) != OBS_OK)
        goto out;
    obs_store *store = obs_client_store(client);
    if (write_once(store, "globular cluster\n", &error) != OBS_OK)
        goto out;
    puts("stored 17 bytes");
    if (read_part(store, &error) == OBS_OK && write_once(store, "something else", &error) == OBS_ALREADY_EXISTS)
        puts("it is there already");
    show(store, &error);
out:
    if (error.status != OBS_OK)
        fprintf(stderr, "%s\n", error.message);
    obs_client_close(client);
    return obs_status_exit_code(error.status);
}
