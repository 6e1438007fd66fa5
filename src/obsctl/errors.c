/* metrics, errors */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "obsctl/ctl.h"

#define GROUPS_MOST 1000

obs_status ctl_run_metrics(ctl *ctl)
{
    obs_buffer *text = NULL;
    obs_status status = ctl_open(ctl);
    if (status == OBS_OK)
        status = obs_client_metrics(&text, ctl->client, &ctl->call, &ctl->error);
    if (status != OBS_OK)
        return status;
    if (ctl->json)
        ctl_print_json(json_pack("{s:s%}", "metrics", (const char *)obs_buffer_data(text), obs_buffer_size(text)));
    else
        fwrite(obs_buffer_data(text), 1, obs_buffer_size(text), stdout);
    obs_buffer_free(text);
    return OBS_OK;
}

/* `90s`, `15m`, `1h`, `2d`: the time so long ago. Anything else is a time itself, as the audit trail reads it. */
obs_status ctl_since(ctl *ctl, const char *text, char *out, size_t size)
{
    static const char units[] = "smhd";
    static const long seconds[] = {1, 60, 3600, 86400};
    char *end;
    long long number = strtoll(text, &end, 10);
    const char *unit = *end ? strchr(units, *end) : NULL;
    if (!unit || end == text || end[1]) {
        snprintf(out, size, "%s", text);
        return strlen(text) < size ? OBS_OK : ctl_fail(ctl, OBS_INVALID_ARGUMENT, "'%.40s' is no time", text);
    }
    if (number < 1 || number > 1000000)
        return ctl_fail(ctl, OBS_INVALID_ARGUMENT, "'%.40s': 1 to 1000000, with s, m, h or d behind", text);
    time_t since = time(NULL) - (time_t)(number * seconds[unit - units]);
    ctl_format_time(out, size, "%Y-%m-%dT%H:%M:%S", (int64_t)since * 1000000000);
    return OBS_OK;
}

static const char *text_of(const json_t *row, const char *name)
{
    const char *text = json_string_value(json_object_get(row, name));
    return text ? text : "";
}

/* What to do about it, by the name of its status; the trace leads to the rest. */
static const char *advice_for(const char *status)
{
    static const struct {
        const char *status, *advice;
    } all[] = {
        {"PERMISSION_DENIED", "ask the owner for a role, or a token with the scope: 'obsctl whoami' shows what it allows"},
        {"UNAUTHENTICATED", "its token does not hold (any more): 'obsctl login' keeps a new one"},
        {"NOT_FOUND", "look for the name: 'obsctl ls', 'obsctl search', 'obsctl tenant show'"},
        {"ALREADY_EXISTS", "use another key: what exists below an immutable prefix is never replaced"},
        {"FAILED_PRECONDITION", "somebody else was faster, or a condition did not hold: read it again first"},
        {"ABORTED", "run it again: somebody else was faster"},
        {"NO_SPACE", "free some space: 'obsctl rm', 'obsctl audit seal'; 'obsctl doctor' shows how much there is"},
        {"DATA_LOSS", "'obsctl workspace check' shows what is damaged, and --repair mends what can be"},
        {"REFUSED", "'obsctl ingest log --result refused' shows the data; mend it, or the definition"},
        {"RESOURCE_EXHAUSTED", "a limit was reached: ask for less at a time"},
        {"UNAVAILABLE", "'obsctl doctor' shows what is down"},
        {"DEADLINE_EXCEEDED", "'obsctl doctor' shows what is slow; or give more time with --timeout"},
        {"INVALID_ARGUMENT", "the caller must mend its call: 'obsctl audit query --trace' shows who it was"},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (strcmp(all[i].status, status) == 0)
            return all[i].advice;
    return "'obsctl audit query --trace' shows the call";
}

/* One more of a kind. The groups are an object by what makes them equal; beyond a bound they are counted together. */
static obs_status add(ctl *ctl, json_t *groups, const char *action, const char *status, const char *reason, const json_t *row,
                      json_int_t count)
{
    char *name = NULL;
    if (json_object_size(groups) >= GROUPS_MOST)
        action = "other", status = "UNKNOWN", reason = "";
    if (asprintf(&name, "%s %s %s", action, status, reason) < 0)
        return ctl_fail_memory(ctl);
    json_t *group = json_object_get(groups, name);
    if (!group) {
        group = json_pack("{s:o,s:o,s:o,s:I,s:s,s:s,s:s}", "action", ctl_text(action), "status", ctl_text(status), "reason",
                          ctl_text(reason), "count", (json_int_t)0, "last", "", "trace", "", "next", advice_for(status));
        json_object_set_new(groups, name, group);
    }
    free(name);
    if (!group)
        return ctl_fail_memory(ctl);
    json_object_set_new(group, "count", json_integer(json_integer_value(json_object_get(group, "count")) + count));
    if (strcmp(text_of(row, "time"), text_of(group, "last")) >= 0) {
        json_object_set_new(group, "last", ctl_text(text_of(row, "time")));
        if (*text_of(row, "trace"))
            json_object_set_new(group, "trace", ctl_text(text_of(row, "trace")));
    }
    return OBS_OK;
}

static obs_status add_audit(ctl *ctl, json_t *groups, const json_t *row)
{
    const char *status = text_of(row, "status"), *action = text_of(row, "action");
    /* What was refused at ingestion has its reason in the log of it. */
    if (!*status || strcmp(status, "OK") == 0 || (strncmp(action, "ingest.", 7) == 0 && strcmp(status, "REFUSED") == 0))
        return OBS_OK;
    return add(ctl, groups, action, status, "", row, json_integer_value(json_object_get(row, "count")));
}

/* Numbers in a reason would make each one of its own kind. */
static void strip_numbers(char *out, size_t size, const char *reason)
{
    size_t used = 0;
    for (; *reason && used + 1 < size; reason++) {
        int is_digit = *reason >= '0' && *reason <= '9';
        if (!is_digit)
            out[used++] = *reason;
        else if (!used || out[used - 1] != '#')
            out[used++] = '#';
    }
    while (used && ((unsigned char)out[used - 1] & 0xC0) == 0x80) /* not in the middle of a character */
        used--;
    if (used && (unsigned char)out[used - 1] >= 0xC0)
        used--;
    out[used] = '\0';
}

static obs_status add_refused(ctl *ctl, json_t *groups, const json_t *row, const char *since)
{
    char reason[200], action[160];
    if (strcmp(text_of(row, "time"), since) < 0)
        return OBS_OK;
    strip_numbers(reason, sizeof reason, text_of(row, "reason"));
    snprintf(action, sizeof action, "ingest %.140s", text_of(row, "table"));
    return add(ctl, groups, action, "REFUSED", reason, row, 1);
}

static obs_status each_row(ctl *ctl, json_t *groups, obs_rows *rows, const char *since)
{
    const char *text;
    size_t size;
    obs_status status;
    while ((status = obs_rows_next(rows, &text, &size, &ctl->error)) == OBS_OK && text) {
        json_t *row = json_loadb(text, size, JSON_ALLOW_NUL, NULL);
        status = since ? add_refused(ctl, groups, row, since) : add_audit(ctl, groups, row);
        json_decref(row);
        if (status != OBS_OK)
            break;
    }
    obs_rows_free(rows);
    return status;
}

static obs_status gather(ctl *ctl, json_t *groups, const char *since)
{
    obs_audit_options audit;
    obs_ingest_log_options log;
    obs_rows *rows = NULL;
    obs_audit_options_init(&audit, sizeof audit);
    audit.call = &ctl->call;
    audit.since = since;
    obs_status status = obs_audit_query(&rows, obs_client_audit(ctl->client), &audit, &ctl->error);
    if (status == OBS_OK)
        status = each_row(ctl, groups, rows, NULL);
    obs_ingest_log_options_init(&log, sizeof log);
    log.call = &ctl->call;
    log.result = "refused";
    if (status == OBS_OK)
        status = obs_ingest_log(&rows, ctl->client, &log, &ctl->error);
    return status == OBS_OK ? each_row(ctl, groups, rows, since) : status;
}

static int by_count(const void *a, const void *b)
{
    const json_t *first = *(json_t *const *)a, *second = *(json_t *const *)b;
    json_int_t left = json_integer_value(json_object_get(first, "count"));
    json_int_t right = json_integer_value(json_object_get(second, "count"));
    return left != right ? (left < right) - (left > right) : strcmp(text_of(second, "last"), text_of(first, "last"));
}

json_t *ctl_errors(ctl *ctl, const char *since)
{
    json_t *groups = json_object(), *list = json_array();
    json_t **sorted = NULL;
    const char *name;
    json_t *group;
    size_t count = 0;
    obs_status status = groups && list ? gather(ctl, groups, since) : ctl_fail_memory(ctl);
    if (status == OBS_OK && !(sorted = calloc(json_object_size(groups) + 1, sizeof(json_t *))))
        status = ctl_fail_memory(ctl);
    if (status == OBS_OK) {
        json_object_foreach(groups, name, group) sorted[count++] = group;
        qsort(sorted, count, sizeof *sorted, by_count);
        for (size_t i = 0; i < count; i++)
            json_array_append(list, sorted[i]);
    }
    free(sorted);
    json_decref(groups);
    if (status == OBS_OK)
        return list;
    json_decref(list);
    return NULL;
}

static void print_field(const char *before, const char *text)
{
    fputs(before, stdout);
    ctl_print_text(stdout, text, strlen(text));
}

static void print_group(const json_t *group)
{
    const char *reason = text_of(group, "reason"), *trace = text_of(group, "trace");
    printf("%8lld  ", (long long)json_integer_value(json_object_get(group, "count")));
    print_field("", text_of(group, "action"));
    print_field("  ", text_of(group, "status"));
    if (*reason)
        print_field(": ", reason);
    print_field("\n          last ", text_of(group, "last"));
    if (*trace)
        print_field(", trace ", trace);
    print_field("\n          ", text_of(group, "next"));
    putchar('\n');
}

obs_status ctl_run_errors(ctl *ctl)
{
    char since[64];
    size_t index;
    json_t *group;
    const char *given = ctl_get(ctl, "since");
    obs_status status = ctl_since(ctl, given ? given : "1h", since, sizeof since);
    if (status == OBS_OK)
        status = ctl_open(ctl);
    json_t *list = status == OBS_OK ? ctl_errors(ctl, since) : NULL;
    if (!list)
        return status == OBS_OK ? ctl->error.status : status;
    json_array_foreach(list, index, group)
    {
        if (ctl->json)
            ctl_print_json(json_incref(group));
        else
            print_group(group);
    }
    if (!ctl->json && !json_array_size(list))
        printf("nothing was refused or failed since %s\n", since);
    json_decref(list);
    return OBS_OK;
}
