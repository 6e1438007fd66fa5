/* tenant create, show, modify, suspend, resume, export, delete; du; ingest stats */
#include <stdlib.h>
#include <string.h>

#include "obsctl/ctl.h"

static obs_status tell(ctl *ctl, obs_status status)
{
    if (status == OBS_OK && ctl->json)
        ctl_print_json(json_pack("{s:o}", "name", ctl_text(ctl->arguments[0])));
    return status;
}

obs_status ctl_run_tenant_create(ctl *ctl)
{
    obs_tenant_options options;
    obs_tenant_options_init(&options, sizeof options);
    options.call = &ctl->call;
    options.group = ctl_get(ctl, "group");
    obs_status status = ctl_open(ctl);
    if (status == OBS_OK)
        status = obs_tenant_create_with(ctl->client, ctl->arguments[0], &options, &ctl->error);
    return tell(ctl, status);
}

obs_status ctl_run_tenant_show(ctl *ctl)
{
    static const ctl_column columns[] = {
        {"name", "NAME", 0},     {"objects", "OBJECTS", 1}, {"records", "RECORDS", 1}, {"bytes", "BYTES", 1},
        {"events", "EVENTS", 1}, {"state", "STATE", 0},     {"created", "CREATED", 0}, {NULL, NULL, 0},
    };
    obs_rows *rows = NULL;
    obs_status status = ctl_open(ctl);
    if (status == OBS_OK)
        status = obs_tenant_show(&rows, ctl->client, ctl->argument_count ? ctl->arguments[0] : NULL, &ctl->call, &ctl->error);
    return status == OBS_OK ? ctl_print_rows(ctl, rows, columns) : status;
}

/* "10G", "none"; 0 when it was not given. */
static obs_status take_quota(ctl *ctl, const char *name, int64_t *out)
{
    static const char units[] = "KMGT";
    const char *text = ctl_get(ctl, name);
    char *end = NULL;
    if (!text)
        return OBS_OK;
    *out = -1;
    if (strcmp(text, "none") == 0)
        return OBS_OK;
    long long number = *text >= '0' && *text <= '9' && strlen(text) < 17 ? strtoll(text, &end, 10) : 0;
    const char *unit = end && *end ? strchr(units, *end) : NULL;
    for (long power = unit ? unit - units + 1 : 0; power > 0 && number <= 1LL << 40; power--)
        number *= 1024;
    if (number < 1 || (unit ? end[1] : *end))
        return ctl_fail(ctl, OBS_INVALID_ARGUMENT, "--%s is a number from 1 on, as in 5000 or 10G, or 'none': not '%.40s'",
                        name, text);
    *out = number;
    return OBS_OK;
}

obs_status ctl_run_tenant_modify(ctl *ctl)
{
    obs_tenant_options options;
    obs_tenant_options_init(&options, sizeof options);
    options.call = &ctl->call;
    obs_status status = take_quota(ctl, "bytes", &options.most_bytes);
    if (status == OBS_OK)
        status = take_quota(ctl, "objects", &options.most_objects);
    if (status == OBS_OK)
        status = take_quota(ctl, "entries", &options.most_entries);
    if (status == OBS_OK)
        status = take_quota(ctl, "events-per-day", &options.events_per_day);
    if (status == OBS_OK)
        status = take_quota(ctl, "events-per-minute", &options.events_per_minute);
    if (status == OBS_OK)
        status = ctl_open(ctl);
    if (status == OBS_OK)
        status = obs_tenant_modify(ctl->client, ctl->arguments[0], &options, &ctl->error);
    return tell(ctl, status);
}

obs_status ctl_run_tenant_suspend(ctl *ctl)
{
    obs_tenant_options options;
    obs_tenant_options_init(&options, sizeof options);
    options.call = &ctl->call;
    options.reason = ctl_get(ctl, "reason");
    options.refuse_reads = ctl_get(ctl, "reads") != NULL;
    obs_status status = ctl_open(ctl);
    if (status == OBS_OK)
        status = obs_tenant_suspend(ctl->client, ctl->arguments[0], &options, &ctl->error);
    return tell(ctl, status);
}

obs_status ctl_run_tenant_resume(ctl *ctl)
{
    obs_tenant_options options;
    obs_tenant_options_init(&options, sizeof options);
    options.call = &ctl->call;
    obs_status status = ctl_open(ctl);
    if (status == OBS_OK)
        status = obs_tenant_resume(ctl->client, ctl->arguments[0], &options, &ctl->error);
    return tell(ctl, status);
}

obs_status ctl_run_tenant_export(ctl *ctl)
{
    obs_tenant_options options;
    obs_tenant_options_init(&options, sizeof options);
    if (!ctl_get(ctl, "timeout"))
        ctl->call.timeout_ms = -1; /* all bytes are read */
    options.call = &ctl->call;
    obs_status status = ctl_open(ctl);
    if (status == OBS_OK)
        status = obs_tenant_export(ctl->client, ctl->arguments[0], ctl->arguments[1], &options, &ctl->error);
    return tell(ctl, status);
}

obs_status ctl_run_tenant_delete(ctl *ctl)
{
    obs_tenant_options options;
    obs_tenant_options_init(&options, sizeof options);
    options.call = &ctl->call;
    options.reason = ctl_get(ctl, "reason");
    options.confirm = ctl_get(ctl, "yes");
    obs_status status = ctl_open(ctl);
    if (status == OBS_OK)
        status = obs_tenant_delete(ctl->client, ctl->arguments[0], &options, &ctl->error);
    return tell(ctl, status);
}

obs_status ctl_run_ingest_stats(ctl *ctl)
{
    static const ctl_column columns[] = {
        {"tenant", "TENANT", 0},     {"hour", "HOUR", 0},       {"day", "DAY", 0},     {"table", "TABLE", 0},
        {"accepted", "ACCEPTED", 1}, {"refused", "REFUSED", 1}, {"bytes", "BYTES", 1}, {"rate", "RATE", 1},
        {"reason", "REASON", 0},     {NULL, NULL, 0},
    };
    obs_ingest_stats_options options;
    obs_rows *rows = NULL;
    const char *by = ctl_get(ctl, "by");
    obs_ingest_stats_options_init(&options, sizeof options);
    options.call = &ctl->call;
    options.by = by ? by : "tenant,reason,hour";
    options.since = ctl_get(ctl, "since");
    options.until = ctl_get(ctl, "until");
    obs_status status = ctl_open(ctl);
    if (status == OBS_OK)
        status = obs_ingest_stats(&rows, ctl->client, &options, &ctl->error);
    return status == OBS_OK ? ctl_print_rows(ctl, rows, columns) : status;
}

obs_status ctl_run_du(ctl *ctl)
{
    static const ctl_column columns[] = {
        {"objects", "OBJECTS", 1}, {"records", "RECORDS", 1}, {"bytes", "BYTES", 1}, {"prefix", "PREFIX", 0}, {NULL, NULL, 0}};
    obs_usage_options options;
    obs_rows *rows = NULL;
    long long depth = 1;
    obs_usage_options_init(&options, sizeof options);
    obs_status status = ctl_number(ctl, "depth", 1, 32, &depth);
    options.call = &ctl->call;
    options.prefix = ctl->argument_count ? ctl->arguments[0] : NULL;
    options.depth = (int32_t)depth;
    if (status == OBS_OK)
        status = ctl_open(ctl);
    if (status == OBS_OK)
        status = obs_catalog_usage(&rows, obs_client_catalog(ctl->client), &options, &ctl->error);
    return status == OBS_OK ? ctl_print_rows(ctl, rows, columns) : status;
}
