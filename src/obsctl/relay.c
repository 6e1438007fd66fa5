/* relay: what one workspace has goes to another one. */
#include <ctype.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "obsctl/ctl.h"

#define SLICE_MS 500
#define FOLLOW_MS 10000
#define LEAST_PAUSE_S 1
#define MOST_PAUSE_S 300

static obs_status open_at(ctl *ctl, obs_client **out, const char *folder, const char *tenant)
{
    obs_open_options options;
    obs_open_options_init(&options, sizeof options);
    options.call = &ctl->call;
    options.workspace = folder;
    options.tenant = tenant;
    options.program = "obsctl";
    return obs_client_open(out, &options, &ctl->error);
}

/* `1MiB/s`, `500k`, `2000000`: bytes a second. */
static obs_status take_rate(ctl *ctl, uint64_t *out)
{
    static const struct {
        const char *name;
        double bytes;
    } units[] = {{"", 1},     {"B", 1},         {"k", 1e3}, {"kB", 1e3}, {"KiB", 1024},         {"M", 1e6},
                 {"MB", 1e6}, {"MiB", 1048576}, {"G", 1e9}, {"GB", 1e9}, {"GiB", 1073741824.0}, {NULL, 0}};
    const char *text = ctl_get(ctl, "limit");
    char *end = NULL;
    if (!text)
        return OBS_OK;
    double number = isdigit((unsigned char)*text) ? strtod(text, &end) : 0;
    size_t size = end ? strcspn(end, "/") : 0;
    for (int i = 0; end && units[i].name; i++)
        if (strlen(units[i].name) == size && strncmp(units[i].name, end, size) == 0 &&
            (!end[size] || !strcmp(end + size, "/s")) && number * units[i].bytes >= 1 && number * units[i].bytes < 1e15) {
            *out = (uint64_t)(number * units[i].bytes);
            return OBS_OK;
        }
    return ctl_fail(ctl, OBS_INVALID_ARGUMENT, "--limit is bytes a second, as in 1MiB/s or 500kB/s, not '%.40s'", text);
}

static void add(obs_relay_counts *sum, const obs_relay_counts *more)
{
    sum->events += more->events;
    sum->objects += more->objects;
    sum->records += more->records;
    sum->entries += more->entries;
    sum->bytes += more->bytes;
    sum->lines += more->lines;
    sum->conflicts += more->conflicts;
    sum->dead += more->dead;
    sum->audit = more->audit ? more->audit : sum->audit;
    sum->more = more->more;
}

static void print_counts(const ctl *ctl, const obs_relay_counts *sum)
{
    if (ctl->json) {
        ctl_print_json(json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "events", (json_int_t)sum->events, "objects",
                                 (json_int_t)sum->objects, "records", (json_int_t)sum->records, "entries",
                                 (json_int_t)sum->entries, "bytes", (json_int_t)sum->bytes, "lines", (json_int_t)sum->lines,
                                 "conflicts", (json_int_t)sum->conflicts, "dead", (json_int_t)sum->dead, "audit",
                                 (json_int_t)sum->audit));
        fflush(stdout);
        return;
    }
    printf("%llu events, %llu objects, %llu records, %llu entries changed, %llu bytes, %llu refused lines\n",
           (unsigned long long)sum->events, (unsigned long long)sum->objects, (unsigned long long)sum->records,
           (unsigned long long)sum->entries, (unsigned long long)sum->bytes, (unsigned long long)sum->lines);
    fflush(stdout);
}

static obs_status tell_conflicts(ctl *ctl, const obs_relay_counts *sum, const char *to)
{
    if (!sum->conflicts && !sum->dead)
        return OBS_OK;
    return ctl_fail(ctl, OBS_ALREADY_EXISTS,
                    "%llu objects differ at the target or do not fit there, and %llu events wait as dead letters: nothing was "
                    "overwritten; see 'obsctl ingest log --result refused -w %.100s' and 'obsctl journal dead'",
                    (unsigned long long)sum->conflicts, (unsigned long long)sum->dead, to);
}

/* After a failure that may be over later: how long it waits is doubled each time. */
static obs_status pause_for(ctl *ctl, int *seconds)
{
    fprintf(stderr, "obsctl relay: %s; goes on in %d s\n", ctl->error.message, *seconds);
    for (int i = 0; i < *seconds * 10; i++) {
        poll(NULL, 0, 100);
        if (ctl_check_cancel(ctl) != OBS_OK)
            return OBS_CANCELLED;
    }
    *seconds = *seconds * 2 < MOST_PAUSE_S ? *seconds * 2 : MOST_PAUSE_S;
    return OBS_OK;
}

static obs_status run(ctl *ctl, obs_client *from, obs_client *to, obs_relay_options *options, obs_relay_counts *sum)
{
    ctl_progress progress;
    int follow = ctl_get(ctl, "follow") != NULL, pause = LEAST_PAUSE_S;
    obs_status status;
    ctl_progress_begin(&progress, ctl, "relayed", 0);
    options->slice_ms = SLICE_MS;
    do {
        obs_relay_counts counts = {.size = sizeof counts};
        status = obs_relay_run(&counts, from, to, options, &ctl->error);
        add(sum, &counts);
        ctl_progress_set(&progress, sum->bytes);
        if (status == OBS_OK && follow && !counts.more) {
            pause = LEAST_PAUSE_S;
            options->wait_ms = -1;
            options->slice_ms = FOLLOW_MS; /* then the audit log is compared again */
        } else if (follow && ctl->error.retryable && status != OBS_OK)
            status = pause_for(ctl, &pause);
    } while (status == OBS_OK && (sum->more || follow));
    ctl_progress_end(&progress);
    return status;
}

obs_status ctl_run_relay(ctl *ctl)
{
    obs_relay_options options;
    obs_relay_counts sum = {.size = sizeof sum};
    obs_client *from = NULL, *to = NULL;
    const char *tenant = ctl_get(ctl, "tenant"), *at = ctl_get(ctl, "to-tenant"), *conflict = ctl_get(ctl, "conflict");
    obs_relay_options_init(&options, sizeof options);
    options.call = &ctl->call;
    options.site = ctl_get(ctl, "site");
    obs_status status = take_rate(ctl, &options.limit);
    if (status == OBS_OK && conflict && strcmp(conflict, "keep") != 0 && strcmp(conflict, "refuse") != 0)
        status = ctl_fail(ctl, OBS_INVALID_ARGUMENT, "--conflict is 'refuse' or 'keep', not '%.40s'", conflict);
    if (status == OBS_OK && ctl_get(ctl, "once") && ctl_get(ctl, "follow"))
        status = ctl_fail(ctl, OBS_INVALID_ARGUMENT, "--once and --follow exclude each other");
    if (conflict && *conflict == 'k')
        options.conflict = OBS_RELAY_KEEP_BOTH;
    if (status == OBS_OK)
        status = open_at(ctl, &from, ctl->arguments[0], tenant);
    if (status == OBS_OK)
        status = open_at(ctl, &to, ctl->arguments[1], at ? at : tenant);
    if (status == OBS_OK) {
        status = run(ctl, from, to, &options, &sum);
        if (status == OBS_OK || sum.events || sum.objects || sum.records)
            print_counts(ctl, &sum);
    }
    if (status == OBS_OK)
        status = tell_conflicts(ctl, &sum, ctl->arguments[1]);
    obs_client_close(to);
    obs_client_close(from);
    return status;
}
