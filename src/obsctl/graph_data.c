/* What a picture shows: values of entries of the catalog, and the ingestion log. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "obsctl/graph.h"

#define MJD_1970 40587
#define DAY 86400
#define HOUR 3600
#define NO_VALUE "\001" /* of a series: named by nothing */

/* Which values of an entry a picture takes. */
struct choice {
    const char *const *x; /* the first of these names that is there; ends with NULL */
    const char *y[GRAPH_SERIES];
    int y_count;
    const char *by[4]; /* the first that is there names the series */
    int by_count;
};

/* `2026-11-20T21:15:03.5Z`, also with an offset, and a date alone. */
static int parse_time(const char *text, double *out)
{
    struct tm parts = {0};
    double seconds = 0;
    int hours = 0, minutes = 0;
    const char *rest = strptime(text, "%Y-%m-%d", &parts);
    if (rest && (*rest == 'T' || *rest == 't' || *rest == ' ')) {
        rest = strptime(rest + 1, "%H:%M", &parts);
        if (rest && *rest == ':') {
            char *end;
            seconds = strtod(rest + 1, &end);
            rest = end;
        }
    }
    if (!rest)
        return 0;
    if ((*rest == '+' || *rest == '-') && sscanf(rest + 1, "%2d:%2d", &hours, &minutes) == 2) {
        seconds -= (*rest == '-' ? -60 : 60) * (60 * hours + minutes);
        rest += 6;
    }
    *out = (double)timegm(&parts) + seconds;
    return *rest == '\0' || strcmp(rest, "Z") == 0 || strcmp(rest, "z") == 0;
}

static const json_t *find_value(const json_t *entry, const char *name)
{
    static const char *const own[] = {"time", "size"};
    const json_t *value = json_object_get(json_object_get(entry, "values"), name);
    value = value ? value : json_object_get(json_object_get(entry, "labels"), name);
    for (size_t i = 0; !value && i < sizeof own / sizeof own[0]; i++)
        if (strcmp(name, own[i]) == 0)
            value = json_object_get(entry, name);
    return value;
}

static int is_mjd(const char *name)
{
    return strcmp(name, "mjd") == 0 || strcmp(name, "mjd_end") == 0;
}

int graph_number(const json_t *entry, const char *name, double *out)
{
    const json_t *value = find_value(entry, name);
    const char *text = json_string_value(value);
    char *end;
    if (json_is_number(value))
        *out = json_number_value(value);
    else if (!text || !*text)
        return 0;
    else if (parse_time(text, out))
        return 2;
    else if ((*out = strtod(text, &end)), *end)
        return 0;
    if (!isfinite(*out))
        return 0;
    if (is_mjd(name)) {
        *out = (*out - MJD_1970) * DAY;
        return 2;
    }
    return 1;
}

static const char *text_of(const json_t *entry, const struct choice *choice, char number[40])
{
    for (int i = 0; i < choice->by_count; i++) {
        const json_t *value = find_value(entry, choice->by[i]);
        if (json_is_string(value))
            return json_string_value(value);
        if (json_is_number(value)) {
            snprintf(number, 40, "%.10g", json_number_value(value));
            return number;
        }
    }
    return choice->by_count ? NO_VALUE : "";
}

void graph_print_point(const json_t *entry, const char *series, int is_time, double x, double y)
{
    char time[40];
    json_t *row =
        json_pack("{s:O*,s:o,s:f,s:f}", "key", json_object_get(entry, "key"), "series", ctl_text(series), "x", x, "y", y);
    if (row && is_time) {
        ctl_format_time(time, sizeof time, "%Y-%m-%dT%H:%M:%S", (int64_t)llround(x * 1e3) * 1000000);
        json_object_set_new(row, "time", ctl_text(time));
    }
    ctl_print_json(row);
}

static obs_status add_point(ctl *ctl, graph *graph, const json_t *entry, const char *name, double x, double y)
{
    graph_panel *panel = graph->panels[0];
    const char *shown = strcmp(name, NO_VALUE) == 0 ? "none" : name;
    if (ctl->json) {
        graph_print_point(entry, shown, panel->x.is_time, x, y);
        return OBS_OK;
    }
    graph_series *series = graph_find_series(panel, shown);
    if (!series)
        return ctl_fail_memory(ctl);
    graph_add(panel, series, x, y, graph->width);
    return OBS_OK;
}

/* One entry; several y give a series each. */
static obs_status add_entry(ctl *ctl, graph *graph, const json_t *entry, const struct choice *choice)
{
    double x, y;
    char number[40];
    int kind = 0, added = 0;
    obs_status status = OBS_OK;
    graph_axis *axis = &graph->panels[0]->x;
    for (int i = 0; choice->x[i] && !kind; i++)
        kind = graph_number(entry, choice->x[i], &x);
    if (!graph->kind)
        axis->is_time = (graph->kind = kind) == 2;
    kind = kind == graph->kind ? kind : 0; /* a time among numbers */
    for (int i = 0; kind && status == OBS_OK && i < choice->y_count; i++) {
        if (!graph_number(entry, choice->y[i], &y))
            continue;
        char name[2 * GRAPH_NAME];
        const char *by = text_of(entry, choice, number);
        snprintf(name, sizeof name, choice->by_count && choice->y_count > 1 ? "%s %s" : "%s",
                 choice->by_count      ? by
                 : choice->y_count > 1 ? choice->y[i]
                                       : "",
                 choice->y[i]);
        status = add_point(ctl, graph, entry, name, x, y);
        added++;
    }
    graph->left_out += !added;
    return status;
}

static obs_status add_rows(ctl *ctl, graph *graph, obs_rows *rows, const struct choice *choice)
{
    const char *text;
    size_t size;
    obs_status status;
    ctl_progress progress;
    unsigned long long done = 0;
    ctl_progress_begin(&progress, ctl, "entries", 0);
    while ((status = obs_rows_next(rows, &text, &size, &ctl->error)) == OBS_OK && text && !ferror(stdout)) {
        json_t *entry = json_loadb(text, size, JSON_ALLOW_NUL, NULL);
        status = entry ? add_entry(ctl, graph, entry, choice) : ctl_fail_memory(ctl);
        json_decref(entry);
        ctl_progress_set(&progress, done++);
        if (status == OBS_OK)
            status = ctl_check_cancel(ctl);
        if (status != OBS_OK)
            break;
    }
    ctl_progress_end(&progress);
    return status;
}

static obs_status search(ctl *ctl, graph *graph, const char *query, const struct choice *choice)
{
    obs_rows *rows = NULL;
    obs_search_options options;
    obs_search_options_init(&options, sizeof options);
    options.call = &ctl->call;
    obs_status status = obs_catalog_search(&rows, obs_client_catalog(ctl->client), query, &options, &ctl->error);
    if (status == OBS_OK)
        status = add_rows(ctl, graph, rows, choice);
    obs_rows_free(rows);
    if (status == OBS_OK && !ctl->json && !graph->panels[0]->series_count)
        return ctl_fail(ctl, OBS_NOT_FOUND, "nothing to draw: of %llu entries found none has %s and %s", graph->left_out,
                        choice->x[0], choice->y[0]);
    return status;
}

static void set_labels(graph_panel *panel, const char *x, const char *y)
{
    graph_copy_text(panel->x.label, sizeof panel->x.label, x);
    graph_copy_text(panel->y.label, sizeof panel->y.label, y);
}

/* What the command line says takes the place of what the kind would. */
static void take_options(ctl *ctl, struct choice *choice, const char *x[2])
{
    int position = 0;
    const char *name = ctl_get(ctl, "x");
    if (name) {
        x[0] = name;
        choice->x = x;
    }
    if (ctl_get(ctl, "y"))
        choice->y_count = 0;
    while (choice->y_count < GRAPH_SERIES && (name = ctl_next(ctl, "y", &position)))
        choice->y[choice->y_count++] = name;
    if ((name = ctl_get(ctl, "by"))) {
        choice->by[0] = name;
        choice->by_count = 1;
    }
}

static const char *const times[] = {"mjd", "start", "date", "time", NULL};

obs_status graph_light_curve(ctl *ctl, graph *graph, const char *query)
{
    const char *x[2] = {0};
    struct choice choice = {.x = times, .y = {"mag"}, .y_count = 1, .by = {"band", "filter"}, .by_count = 2};
    graph_panel *panel = graph_add_panel(graph, "");
    if (!panel)
        return ctl_fail_memory(ctl);
    take_options(ctl, &choice, x);
    panel->y.reversed = 1; /* bright is up */
    set_labels(panel, x[0] ? x[0] : "time (UTC)", choice.y_count > 1 ? "magnitude" : choice.y[0]);
    if (strcmp(panel->y.label, "mag") == 0)
        strcpy(panel->y.label, "magnitude");
    return search(ctl, graph, query, &choice);
}

obs_status graph_series_of(ctl *ctl, graph *graph, const char *query)
{
    const char *x[2] = {0};
    struct choice choice = {.x = times};
    graph_panel *panel = graph_add_panel(graph, "");
    take_options(ctl, &choice, x);
    if (!panel)
        return ctl_fail_memory(ctl);
    if (!choice.y_count)
        return ctl_fail(ctl, OBS_INVALID_ARGUMENT, "a series needs the name of a value: obsctl graph series --y temperature");
    panel->joined = !ctl_get(ctl, "points");
    set_labels(panel, x[0] ? x[0] : "time (UTC)", choice.y_count == 1 ? choice.y[0] : "");
    return search(ctl, graph, query, &choice);
}

obs_status graph_sky(ctl *ctl, graph *graph, const char *query)
{
    static const char *const ra[] = {"ra", NULL};
    const char *x[2] = {0};
    struct choice choice = {.x = ra, .y = {"dec"}, .y_count = 1, .by = {"object"}, .by_count = 1};
    double cone[3] = {0, 0, -1};
    graph_panel *panel = graph_add_panel(graph, "");
    if (!panel)
        return ctl_fail_memory(ctl);
    take_options(ctl, &choice, x);
    choice.x = ra;
    choice.y[0] = "dec";
    choice.y_count = 1;
    panel->thinning = GRAPH_BY_PLACE;
    set_labels(panel, "right ascension (J2000)", "declination (J2000)");
    obs_status status = search(ctl, graph, query, &choice);
    const char *text = ctl_get(ctl, "cone");
    if (text && !graph_parse_cone(text, cone))
        cone[2] = -1;
    if (status == OBS_OK && !ctl->json)
        graph_project(graph, panel, cone, cone[2]);
    return status;
}

/* Accepted and refused of an hour. */
struct hour {
    int64_t hour;
    unsigned long long counts[2];
};

struct hours {
    struct hour *items;
    size_t count, room;
};

/* Lines come by time; one that is late is looked for. */
static struct hour *find_hour(struct hours *hours, int64_t hour)
{
    size_t at = hours->count;
    while (at && hours->items[at - 1].hour > hour)
        at--;
    if (at && hours->items[at - 1].hour == hour)
        return &hours->items[at - 1];
    if (hours->count == hours->room) {
        size_t room = hours->room ? 2 * hours->room : 64;
        struct hour *more = realloc(hours->items, room * sizeof *more);
        if (!more)
            return NULL;
        hours->items = more;
        hours->room = room;
    }
    memmove(hours->items + at + 1, hours->items + at, (hours->count - at) * sizeof *hours->items);
    hours->count++;
    hours->items[at] = (struct hour){.hour = hour};
    return &hours->items[at];
}

static obs_status count_rows(ctl *ctl, graph *graph, obs_rows *rows, struct hours *hours)
{
    const char *text;
    size_t size;
    obs_status status;
    while ((status = obs_rows_next(rows, &text, &size, &ctl->error)) == OBS_OK && text) {
        double seconds;
        json_t *row = json_loadb(text, size, JSON_ALLOW_NUL, NULL);
        const char *time = json_string_value(json_object_get(row, "time"));
        const char *result = json_string_value(json_object_get(row, "result"));
        int known = time && result && parse_time(time, &seconds);
        struct hour *hour = known ? find_hour(hours, (int64_t)floor(seconds / HOUR)) : NULL;
        if (hour)
            hour->counts[strcmp(result, "refused") == 0]++;
        json_decref(row);
        graph->left_out += !known;
        if ((known && !hour) || (status = ctl_check_cancel(ctl)) != OBS_OK)
            return known && !hour ? ctl_fail_memory(ctl) : status;
    }
    return status;
}

static void print_hour(const struct hour *hour)
{
    char time[40];
    ctl_format_time(time, sizeof time, "%Y-%m-%dT%H:%M:%S", hour->hour * HOUR * INT64_C(1000000000));
    ctl_print_json(json_pack("{s:s,s:I,s:I}", "time", time, "accepted", (json_int_t)hour->counts[0], "refused",
                             (json_int_t)hour->counts[1]));
}

static obs_status add_hours(ctl *ctl, graph *graph, const struct hours *hours)
{
    static const char *const names[] = {"accepted", "refused"};
    graph_panel *panel = graph->panels[0];
    for (size_t i = 0; i < hours->count; i++) {
        const struct hour *hour = &hours->items[i];
        if (ctl->json)
            print_hour(hour);
        for (int s = 0; s < 2 && !ctl->json; s++) {
            graph_series *series = graph_find_series(panel, names[s]);
            if (!series)
                return ctl_fail_memory(ctl);
            graph_add(panel, series, ((double)hour->hour + 0.5) * HOUR, (double)hour->counts[s], graph->width);
        }
    }
    if (!ctl->json && !hours->count)
        return ctl_fail(ctl, OBS_NOT_FOUND, "nothing to draw: the ingestion log is empty");
    return OBS_OK;
}

obs_status graph_ingest(ctl *ctl, graph *graph)
{
    obs_rows *rows = NULL;
    struct hours hours = {0};
    obs_ingest_log_options options;
    obs_ingest_log_options_init(&options, sizeof options);
    options.call = &ctl->call;
    graph_panel *panel = graph_add_panel(graph, "");
    if (!panel)
        return ctl_fail_memory(ctl);
    panel->bars = 1;
    panel->x.is_time = 1;
    set_labels(panel, "time (UTC)", "files and records in an hour");
    obs_status status = obs_ingest_log(&rows, ctl->client, &options, &ctl->error);
    if (status == OBS_OK)
        status = count_rows(ctl, graph, rows, &hours);
    obs_rows_free(rows);
    if (status == OBS_OK)
        status = add_hours(ctl, graph, &hours);
    free(hours.items);
    return status;
}
