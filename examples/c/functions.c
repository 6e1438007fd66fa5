/*
 * A function: it makes a product of each frame that is stored, and tells the others.
 *
 *     ./functions --event frame-stored.json      what it would make of one event
 *     obsctl function new look --c               a folder for one of your own; 'obsctl function run' runs it
 */
#include <obs/obs.h>
#include <stdio.h>

static obs_status on_frame(obs_function_call *call, void *context, obs_error *error)
{
    const obs_event *event = obs_function_event(call);
    char key[512], look[1024];
    obs_event made;
    (void)context;
    /* obs_function_get() would read the frame, as an input of what is put. */
    snprintf(key, sizeof key, "products/%s.txt", event->id);
    snprintf(look, sizeof look, "a look at %s\n", event->subject);
    obs_status status = obs_function_put(call, key, OBS_TEXT, look, OBS_TEXT, NULL, error);
    if (status != OBS_OK)
        return status; /* nothing of it happens, and the event comes again */
    obs_event_init(&made, sizeof made);
    made.type = "org.example.product.made";
    made.subject = key;
    return obs_function_publish(call, &made, NULL, error);
}

int main(int argc, char **argv)
{
    return obs_function_main(argc, argv, on_frame, NULL);
}
