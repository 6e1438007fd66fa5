/*
 * One of several who publish, for runner_cut.py:
 *
 *     publisher WORKSPACE SAYING NAME COUNT FIRST KEYS
 *
 * Puts an object and publishes an event about it, COUNT times, over KEYS keys from the FIRST on. Lines appended to SAYING:
 * `ready`, and after each event of which it was told that it is there, `done ID`.
 */
#include <fcntl.h>
#include <obs/obs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static obs_client *client;
static obs_error error;
static int saying;

static void say(const char *line)
{
    if (write(saying, line, strlen(line)) != (ssize_t)strlen(line))
        abort();
}

static obs_status publish(const char *id, const char *key)
{
    obs_event event;
    obs_event_init(&event, sizeof event);
    event.type = "org.example.raw";
    event.id = id;
    event.subject = key;
    obs_status status = obs_store_put(NULL, obs_client_store(client), key, OBS_TEXT, key, strlen(key), NULL, &error);
    return status == OBS_OK ? obs_bus_publish(NULL, obs_client_bus(client), &event, NULL, &error) : status;
}

int main(int count, char **words)
{
    obs_open_options options;
    char id[64], key[64], line[80];
    obs_error_init(&error, sizeof error);
    obs_open_options_init(&options, sizeof options);
    if (count != 7)
        return 2;
    options.workspace = words[1];
    saying = open(words[2], O_WRONLY | O_APPEND | O_CLOEXEC);
    obs_status status = saying < 0 ? OBS_NOT_FOUND : obs_client_open(&client, &options, &error);
    if (status == OBS_OK)
        say("ready\n");
    for (int number = 0; status == OBS_OK && number < atoi(words[4]); number++) {
        snprintf(id, sizeof id, "%s-%d", words[3], number);
        snprintf(key, sizeof key, "data/%d", (atoi(words[5]) + number) % atoi(words[6]));
        snprintf(line, sizeof line, "done %s\n", id);
        status = publish(id, key);
        if (status == OBS_OK)
            say(line);
    }
    if (status != OBS_OK)
        fprintf(stderr, "publisher: %s (%s)\n", error.message, error.detail);
    obs_client_close(client);
    return status == OBS_OK ? 0 : 1;
}
