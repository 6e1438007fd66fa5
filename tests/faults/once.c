/* The function of runner_cut.py. Each time it handles an event its product gets another key: an event that was handled twice
 * has two. */
#include <obs/obs.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static obs_status handle(obs_function_call *call, void *context, obs_error *error)
{
    const obs_event *event = obs_function_event(call);
    obs_buffer *bytes = NULL;
    struct timespec now;
    char key[300];
    obs_event made;
    (void)context;
    clock_gettime(CLOCK_MONOTONIC, &now);
    snprintf(key, sizeof key, "products/%s/%d-%lld%09ld", event->id, (int)getpid(), (long long)now.tv_sec, now.tv_nsec);
    obs_event_init(&made, sizeof made);
    made.type = "org.example.product";
    made.subject = event->id;
    obs_status status = obs_function_get(&bytes, call, event->subject, OBS_TEXT, error);
    if (status == OBS_OK)
        status = obs_function_put(call, key, OBS_TEXT, obs_buffer_data(bytes), obs_buffer_size(bytes), NULL, error);
    obs_buffer_free(bytes);
    return status == OBS_OK ? obs_function_publish(call, &made, NULL, error) : status;
}

int main(int count, char **words)
{
    return obs_function_main(count, words, handle, NULL);
}
