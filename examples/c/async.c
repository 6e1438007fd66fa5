/* Asynchronous calls: start many, wait on one queue (its descriptor fits poll and epoll), take the results. */
#include <obs/obs.h>
#include <stdio.h>

enum { FRAMES = 8 };
static const char frame[1000];
static obs_operation *operations[FRAMES];

static obs_status start(obs_queue *queue, obs_store *store, int writing, obs_error *error)
{
    for (unsigned i = 0; i < FRAMES; i++) {
        char key[32];
        snprintf(key, sizeof key, "raw/%u.fits", i);
        if ((writing ? obs_store_put_start(&operations[i], queue, i, store, key, OBS_TEXT, frame, sizeof frame, NULL, error)
                     : obs_store_get_start(&operations[i], queue, i, store, key, OBS_TEXT, NULL, error)) != OBS_OK)
            break;
    }
    return error->status;
}

/* Waits for all of them; gives the bytes that were read. */
static size_t finish(obs_queue *queue, int writing, obs_error *error)
{
    size_t bytes = 0, count = 0;
    for (size_t done = 0; done < FRAMES; done += count) {
        obs_completion completed[FRAMES];
        if (obs_queue_wait(queue, completed, FRAMES, &count, -1, NULL, error) != OBS_OK)
            return 0;
        for (size_t i = 0; i < count; i++) {
            obs_buffer *buffer = NULL;
            if (!writing && obs_operation_take_buffer(&buffer, completed[i].operation, error) == OBS_OK)
                bytes += obs_buffer_size(buffer);
            obs_buffer_free(buffer);
            obs_operation_free(completed[i].operation);
        }
    }
    return bytes;
}

int main(void)
{
    obs_client *client = NULL;
    obs_queue *queue = NULL;
    obs_error error;
    obs_error_init(&error, sizeof error);
    if (obs_client_open(&client, NULL, &error) != OBS_OK || obs_queue_new(&queue, &error) != OBS_OK ||
        start(queue, obs_client_store(client), 1, &error) != OBS_OK)
        goto out;
    finish(queue, 1, &error);
    printf("wrote %d frames\n", FRAMES);
    if (start(queue, obs_client_store(client), 0, &error) == OBS_OK)
        printf("read %zu bytes\n", finish(queue, 0, &error));
out:
    if (error.status != OBS_OK)
        fprintf(stderr, "%s\n", error.message);
    obs_queue_free(queue);
    obs_client_close(client);
    return obs_status_exit_code(error.status);
}
