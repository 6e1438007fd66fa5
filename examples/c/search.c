/* The catalog: what is stored is found by its labels and values. */
#include <obs/obs.h>
#include <stdio.h>
#include <string.h>

static obs_status store(obs_client *client, const char *key, const char *values, obs_error *error)
{
    const obs_pair labels[] = {{"class", "globular"}};
    obs_put_options options;
    obs_put_options_init(&options, sizeof options);
    options.labels = labels;
    options.label_count = 1;
    options.values = values;
    return obs_store_put(NULL, obs_client_store(client), key, OBS_TEXT, "{}", 2, &options, error);
}

/* The key of an entry; real programs read its JSON with a parser. */
static void print_key(const char *entry)
{
    const char *key = strstr(entry, "\"key\":\"");
    if (key)
        printf("%.*s\n", (int)strcspn(key + 7, "\""), key + 7);
}

int main(void)
{
    obs_client *client = NULL;
    obs_rows *rows = NULL;
    obs_error error;
    obs_error_init(&error, sizeof error);
    if (obs_client_open(&client, NULL, &error) != OBS_OK ||
        store(client, "products/m13.json", "{\"mag\":5.8}", &error) != OBS_OK ||
        store(client, "products/m92.json", "{\"mag\":6.4}", &error) != OBS_OK ||
        store(client, "products/ngc6229.json", "{\"mag\":9.4}", &error) != OBS_OK ||
        obs_catalog_search(&rows, obs_client_catalog(client), "class=globular mag<7", NULL, &error) != OBS_OK)
        goto out;
    const char *entry;
    while (obs_rows_next(rows, &entry, NULL, &error) == OBS_OK && entry)
        print_key(entry);
out:
    if (error.status != OBS_OK)
        fprintf(stderr, "%s\n", error.message);
    obs_rows_free(rows);
    obs_client_close(client);
    return obs_status_exit_code(error.status);
}
