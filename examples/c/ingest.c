/* Ingestion: records are checked against their definition, and each leaves a line in the log. */
#include <obs/obs.h>
#include <stdio.h>
#include <string.h>

static const char star[] = "{\"type\":\"object\",\"required\":[\"name\",\"mag\"],"
                           "\"properties\":{\"name\":{\"type\":\"string\"},\"mag\":{\"type\":\"number\",\"maximum\":30}}}";
static const char stars[] = "{\"name\":\"Vega\",\"mag\":0.03}\n"
                            "{\"name\":\"Deneb\"}\n"
                            "{\"name\":\"Altair\",\"mag\":0.76}\n";

static obs_status ingest(obs_client *client, obs_error *error)
{
    obs_ingest_counts counts = {.size = sizeof counts};
    obs_ingest_options options;
    obs_ingest_options_init(&options, sizeof options);
    options.origin = "stars.txt"; /* the lines are counted */
    if (obs_ingest_definition(client, "example.star", star, OBS_TEXT, NULL, error) == OBS_OK &&
        obs_ingest_records(&counts, client, "example.star", stars, OBS_TEXT, &options, error) == OBS_OK)
        printf("%d accepted, %d refused\n", (int)counts.accepted, (int)counts.refused);
    return error->status;
}

static obs_status print_refused(obs_client *client, obs_error *error)
{
    obs_rows *rows = NULL;
    const char *line;
    obs_ingest_log_options options;
    obs_ingest_log_options_init(&options, sizeof options);
    options.result = "refused";
    if (obs_ingest_log(&rows, client, &options, error) == OBS_OK)
        while (obs_rows_next(rows, &line, NULL, error) == OBS_OK && line) {
            const char *origin = strstr(line, "\"origin\":\""); /* real programs read the JSON; "reason" says why */
            if (origin)
                printf("%.*s was refused\n", (int)strcspn(origin + 10, "\""), origin + 10);
        }
    obs_rows_free(rows);
    return error->status;
}

int main(void)
{
    obs_client *client = NULL;
    obs_error error;
    obs_error_init(&error, sizeof error);
    if (obs_client_open(&client, NULL, &error) == OBS_OK && ingest(client, &error) == OBS_OK)
        print_refused(client, &error);
    if (error.status != OBS_OK)
        fprintf(stderr, "%s\n", error.message);
    obs_client_close(client);
    return obs_status_exit_code(error.status);
}
