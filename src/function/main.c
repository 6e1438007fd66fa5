/* The main() of a function in C. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "function/function.h"

static const char help[] =
    "This program is a function of libobs: it handles events that the runner gives it.\n"
    "\n"
    "  --event FILE   handle the event in FILE (JSON) alone, and print what would be made; nothing is made\n"
    "  --help         this text\n"
    "\n"
    "'obsctl function run' starts it; 'obsctl help function run' says more.\n";

static int fail(const obs_error *error)
{
    fprintf(stderr, "%s\n", error->message);
    return 1;
}

static obs_status handle(obs_buffer **made, obs_function_call *call, obs_function_handler handler, void *context,
                         obs_error *error)
{
    obs_error why;
    obs_error_init(&why, sizeof why);
    obs_status outcome = handler(call, context, &why);
    const char *reason = *why.message ? why.message : obs_status_text(outcome);
    obs_status status = obs_function_finish(made, call, outcome, reason, error);
    if (status == OBS_OK && made && outcome != OBS_OK)
        status = obs__fail(error, outcome, "%s", reason);
    return status;
}

static int serve(obs_function *function, obs_function_handler handler, void *context, int show)
{
    obs_function_call *call = NULL;
    obs_error error;
    obs_error_init(&error, sizeof error);
    for (;;) {
        obs_buffer *made = NULL;
        if (obs_function_next(&call, function, &error) != OBS_OK)
            return fail(&error);
        if (!call)
            return 0;
        if (handle(show ? &made : NULL, call, handler, context, &error) != OBS_OK)
            return fail(&error);
        if (show)
            fwrite(obs_buffer_data(made), 1, obs_buffer_size(made), stdout);
        obs_buffer_free(made);
    }
}

int obs_function_main(int argc, char *const *argv, obs_function_handler handler, void *context)
{
    obs_function *function = NULL;
    obs_buffer *event = NULL;
    obs_error error;
    obs_error_init(&error, sizeof error);
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        fputs(help, stdout);
        return 0;
    }
    int by_hand = argc == 3 && strcmp(argv[1], "--event") == 0;
    if (!handler || (argc > 1 && !by_hand)) {
        fputs(help, stderr);
        return 2;
    }
    if (by_hand && obs__file_read(&event, AT_FDCWD, argv[2], OBS_EVENT_MAX, &error) != OBS_OK)
        return fail(&error);
    obs_status status = obs_function_open(&function, by_hand ? obs_buffer_data(event) : NULL, obs_buffer_size(event), &error);
    int code = status == OBS_OK ? serve(function, handler, context, by_hand) : fail(&error);
    obs_buffer_free(event);
    obs_function_free(function);
    return code;
}
