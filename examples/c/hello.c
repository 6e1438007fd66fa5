/* Put an object, read it back, and find it by its label. Build: cc hello.c $(pkg-config --cflags --libs obs) */
#include <obs/obs.h>
#include <stdio.h>

int main(void)
{
    obs_client *client = NULL;
    obs_buffer *frame = NULL;
    obs_rows *rows = NULL;
    obs_error error;
    obs_error_init(&error, sizeof error);

    const obs_pair labels[] = {{"night", "2026-11-20"}, {"filter", "V"}};
    obs_put_options options;
    obs_put_options_init(&options, sizeof options);
    options.labels = labels;
    options.label_count = 2;

    if (obs_client_open(&client, NULL, &error) != OBS_OK)
        goto out;
    obs_store *store = obs_client_store(client);
    if (obs_store_put(NULL, store, "products/hello.txt", OBS_TEXT, "hello, sky\n", 11, &options, &error) != OBS_OK ||
        obs_store_get(&frame, store, "products/hello.txt", OBS_TEXT, NULL, &error) != OBS_OK)
        goto out;
    fwrite(obs_buffer_data(frame), 1, obs_buffer_size(frame), stdout);

    if (obs_catalog_search(&rows, obs_client_catalog(client), "night=2026-11-20", NULL, &error) != OBS_OK)
        goto out;
    const char *entry;
    while (obs_rows_next(rows, &entry, NULL, &error) == OBS_OK && entry)
        puts(entry);

out:
    if (error.status != OBS_OK)
        fprintf(stderr, "%s\n", error.message);
    obs_rows_free(rows);
    obs_buffer_free(frame);
    obs_client_close(client);
    return obs_status_exit_code(error.status);
}
