/* Deliveries: obs.yaml names a web server. What it does not take now is kept, in its order, and tried again. */
#include <inttypes.h>
#include <obs/obs.h>
#include <stdio.h>
#include <string.h>

static obs_status publish(obs_bus *bus, obs_error *error)
{
    obs_event event;
    obs_event_init(&event, sizeof event);
    event.type = "org.example.frame.stored";
    event.subject = "raw/1.fits";
    event.data = "{\"exposure\":30}";
    event.data_size = OBS_TEXT;
    return obs_bus_publish(NULL, bus, &event, NULL, error);
}

static obs_status deliver(obs_client *client, obs_error *error)
{
    uint64_t count = 0;
    obs_journal_options options;
    obs_journal_options_init(&options, sizeof options);
    options.once = 1; /* a service leaves it out: it goes on until it is cancelled */
    if (obs_journal_run(&count, client, &options, error) == OBS_OK)
        printf("delivered %" PRIu64 "\n", count);
    return error->status;
}

/* A member of a row; real programs read its JSON with a parser. */
static void print_member(const char *row, const char *name, const char *after)
{
    const char *at = strstr(row, name);
    if (at)
        at += strlen(name) + 2; /* behind the quote and the colon */
    if (at && *at == '"')
        at++;
    if (at)
        printf("%.*s%s", (int)strcspn(at, "\",}"), at, after);
}

static void show(const char *row)
{
    print_member(row, "\"destination", ": ");
    print_member(row, "\"state", ", ");
    print_member(row, "\"waiting", " waiting\n");
}

int main(void)
{
    obs_client *client = NULL;
    obs_rows *rows = NULL;
    const char *row;
    obs_error error;
    obs_error_init(&error, sizeof error);
    if (obs_client_open(&client, NULL, &error) == OBS_OK && publish(obs_client_bus(client), &error) == OBS_OK &&
        deliver(client, &error) == OBS_OK && obs_journal_list(&rows, client, NULL, &error) == OBS_OK)
        while (obs_rows_next(rows, &row, NULL, &error) == OBS_OK && row)
            show(row);
    if (error.status != OBS_OK)
        fprintf(stderr, "%s\n", error.message);
    obs_rows_free(rows);
    obs_client_close(client);
    return obs_status_exit_code(error.status);
}
