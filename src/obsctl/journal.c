/* journal ls/run/dead/replay/discard/pause/resume/rm: what waits on the bus, and for whom. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "obsctl/ctl.h"

static obs_status list_destinations(ctl *ctl)
{
    static const ctl_column columns[] = {
        {"destination", "DESTINATION", 0},
        {"state", "STATE", 0},
        {"waiting", "WAITING", 1},
        {"oldest", "OLDEST", 0},
        {"tries", "TRIES", 1},
        {"dead", "DEAD", 1},
        {"next", "NEXT", 0},
        {"last_error", "LAST ERROR", 0},
        {NULL, NULL, 0},
    };
    obs_rows *rows = NULL;
    obs_status status = ctl_open(ctl);
    if (status == OBS_OK)
        status = obs_journal_list(&rows, ctl->client, &ctl->call, &ctl->error);
    return status == OBS_OK ? ctl_print_rows(ctl, rows, columns) : status;
}

/* A run lasts until it is ended: the limit of other commands is for it only when it was given. */
obs_status ctl_run_journal_run(ctl *ctl)
{
    uint64_t delivered = 0;
    obs_journal_options options;
    obs_journal_options_init(&options, sizeof options);
    if (!ctl_get(ctl, "timeout"))
        ctl->call.timeout_ms = -1;
    options.call = &ctl->call;
    options.once = ctl_get(ctl, "once") != NULL;
    options.destination = ctl->argument_count ? ctl->arguments[0] : NULL;
    obs_status status = ctl_open(ctl);
    if (status == OBS_OK)
        status = obs_journal_run(&delivered, ctl->client, &options, &ctl->error);
    if (status == OBS_OK && ctl->json)
        ctl_print_json(json_pack("{s:I}", "delivered", (json_int_t)delivered));
    else if (status == OBS_OK && !ctl->quiet)
        printf("%llu delivered\n", (unsigned long long)delivered);
    return status;
}

obs_status ctl_run_journal_ls(ctl *ctl)
{
    if (ctl_get(ctl, "destinations"))
        return list_destinations(ctl);
    static const ctl_column columns[] = {
        {"consumer", "CONSUMER", 0}, {"state", "STATE", 0},       {"members", "MEMBERS", 1},
        {"behind", "BEHIND", 1},     {"retrying", "RETRYING", 1}, {"dead", "DEAD", 1},
        {"oldest", "OLDEST", 0},     {"reason", "REASON", 0},     {NULL, NULL, 0},
    };
    obs_rows *rows = NULL;
    obs_status status = ctl_open(ctl);
    if (status == OBS_OK)
        status = obs_bus_consumers(&rows, obs_client_bus(ctl->client), &ctl->call, &ctl->error);
    return status == OBS_OK ? ctl_print_rows(ctl, rows, columns) : status;
}

obs_status ctl_run_journal_dead(ctl *ctl)
{
    static const ctl_column columns[] = {
        {"consumer", "CONSUMER", 0}, {"sequence", "SEQUENCE", 1}, {"attempts", "ATTEMPTS", 1},
        {"time", "TIME", 0},         {"reason", "REASON", 0},     {NULL, NULL, 0},
    };
    obs_rows *rows = NULL;
    obs_status status = ctl_open(ctl);
    if (status == OBS_OK)
        status = obs_bus_dead_letters(&rows, obs_client_bus(ctl->client), ctl->argument_count ? ctl->arguments[0] : NULL,
                                      &ctl->call, &ctl->error);
    return status == OBS_OK ? ctl_print_rows(ctl, rows, columns) : status;
}

/* The number of an event, or 0 with --all; one of both must be given. */
static obs_status which(ctl *ctl, uint64_t *out)
{
    char *end = NULL;
    *out = 0;
    if ((ctl->argument_count == 2) == (ctl_get(ctl, "all") != NULL))
        return ctl_fail(ctl, OBS_INVALID_ARGUMENT, "say which one by its SEQUENCE, or --all: 'obsctl journal dead' shows them");
    if (ctl->argument_count < 2)
        return OBS_OK;
    *out = strtoull(ctl->arguments[1], &end, 10);
    if (!*out || *end || ctl->arguments[1][0] == '-')
        return ctl_fail(ctl, OBS_INVALID_ARGUMENT, "'%s' is not the number of an event", ctl->arguments[1]);
    return OBS_OK;
}

typedef obs_status change(uint64_t *count, obs_bus *bus, const char *consumer, uint64_t sequence, const obs_call *call,
                          obs_error *error);

static obs_status run_dead(ctl *ctl, change *run, const char *done)
{
    uint64_t sequence, count = 0;
    obs_status status = which(ctl, &sequence);
    if (status == OBS_OK)
        status = ctl_open(ctl);
    if (status == OBS_OK)
        status = run(&count, obs_client_bus(ctl->client), ctl->arguments[0], sequence, &ctl->call, &ctl->error);
    if (status == OBS_OK && ctl->json)
        ctl_print_json(json_pack("{s:I}", "count", (json_int_t)count));
    else if (status == OBS_OK && !ctl->quiet)
        printf("%llu %s\n", (unsigned long long)count, done);
    return status;
}

obs_status ctl_run_journal_replay(ctl *ctl)
{
    return run_dead(ctl, obs_bus_replay, "come again");
}

obs_status ctl_run_journal_discard(ctl *ctl)
{
    return run_dead(ctl, obs_bus_discard, "given up");
}

obs_status ctl_run_journal_pause(ctl *ctl)
{
    long long seconds = 0;
    struct timespec now;
    obs_status status = ctl_number(ctl, "for", 1, 31536000, &seconds);
    if (status == OBS_OK)
        status = ctl_open(ctl);
    if (status != OBS_OK)
        return status;
    clock_gettime(CLOCK_REALTIME, &now);
    int64_t until = seconds ? ((int64_t)now.tv_sec + seconds) * 1000 : 0;
    return obs_bus_pause(obs_client_bus(ctl->client), ctl->arguments[0], until, ctl_get(ctl, "reason"), &ctl->call,
                         &ctl->error);
}

obs_status ctl_run_journal_resume(ctl *ctl)
{
    obs_status status = ctl_open(ctl);
    return status == OBS_OK ? obs_bus_resume(obs_client_bus(ctl->client), ctl->arguments[0], &ctl->call, &ctl->error) : status;
}

obs_status ctl_run_journal_rm(ctl *ctl)
{
    obs_status status = ctl_open(ctl);
    return status == OBS_OK ? obs_bus_remove(obs_client_bus(ctl->client), ctl->arguments[0], &ctl->call, &ctl->error) : status;
}
