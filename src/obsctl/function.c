/* function run/list/logs/replay */
#include <string.h>

#include "obsctl/ctl.h"

obs_status ctl_run_function_run(ctl *ctl)
{
    obs_function_run_options options;
    obs_call call = ctl->call;
    obs_function_run_options_init(&options, sizeof options);
    if (!ctl_get(ctl, "timeout"))
        call.timeout_ms = -1; /* until a signal */
    options.call = &call;
    options.names = ctl->argument_count ? ctl->arguments : NULL;
    options.name_count = (size_t)ctl->argument_count;
    options.once = ctl_get(ctl, "once") != NULL;
    obs_status status = ctl_open(ctl);
    return status == OBS_OK ? obs_function_run(ctl->client, &options, &ctl->error) : status;
}

obs_status ctl_run_function_list(ctl *ctl)
{
    static const ctl_column columns[] = {
        {"function", "FUNCTION", 0}, {"state", "STATE", 0},   {"workers", "WORKERS", 1},
        {"isolated", "ISOLATED", 0}, {"type", "TYPE", 0},     {"subject", "SUBJECT", 0},
        {"digest", "DIGEST", 0},     {"reason", "REASON", 0}, {NULL, NULL, 0},
    };
    obs_rows *rows = NULL;
    obs_status status = ctl_open(ctl);
    if (status == OBS_OK)
        status = obs_function_list(&rows, ctl->client, &ctl->error);
    return status == OBS_OK ? ctl_print_rows(ctl, rows, columns) : status;
}

obs_status ctl_run_function_logs(ctl *ctl)
{
    static const ctl_column columns[] = {
        {"time", "TIME", 0}, {"event", "EVENT", 0}, {"attempt", "ATTEMPT", 1},
        {"from", "FROM", 0}, {"text", "TEXT", 0},   {NULL, NULL, 0},
    };
    obs_rows *rows = NULL;
    obs_status status = ctl_open(ctl);
    if (status == OBS_OK)
        status = obs_function_logs(&rows, ctl->client, ctl->arguments[0], ctl_get(ctl, "trace"), &ctl->error);
    return status == OBS_OK ? ctl_print_rows(ctl, rows, columns) : status;
}

obs_status ctl_run_function_replay(ctl *ctl)
{
    static const ctl_column columns[] = {
        {"function", "FUNCTION", 0},   {"do", "DO", 0},         {"key", "KEY", 0}, {"size", "SIZE", 1},
        {"identical", "IDENTICAL", 0}, {"reason", "REASON", 0}, {NULL, NULL, 0},
    };
    obs_rows *rows = NULL;
    obs_call call = ctl->call;
    if (!ctl_get(ctl, "timeout"))
        call.timeout_ms = -1; /* the functions' own limits count */
    obs_status status = ctl_open(ctl);
    if (status == OBS_OK)
        status = obs_function_replay(&rows, ctl->client, ctl->arguments[0], ctl->argument_count > 1 ? ctl->arguments[1] : NULL,
                                     &call, &ctl->error);
    return status == OBS_OK ? ctl_print_rows(ctl, rows, columns) : status;
}
