/* top: who does what at the moment, from the audit trails and the consumers; so it works beside any program. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "obsctl/ctl.h"

#define TENANTS_MOST 64
#define RECORDS_MOST 50000 /* of a tenant in the window; more are not read */
#define WINDOW_S 10

typedef struct top {
    ctl *ctl;
    obs_client *clients[TENANTS_MOST]; /* of each tenant that is shown; the first is ctl->client */
    size_t count;
    char own[64]; /* what this process is called in the audit trail: it is not shown */
    long long interval_s, window_s;
    int is_screen; /* a terminal that is drawn over */
} top;

static const char *text_of(const json_t *row, const char *name)
{
    const char *text = json_string_value(json_object_get(row, name));
    return text ? text : "";
}

static json_int_t integer_of(const json_t *row, const char *name)
{
    return json_integer_value(json_object_get(row, name));
}

/* ---- Reading. ---- */

static void add_to(json_t *row, const char *name, json_int_t more)
{
    json_object_set_new(row, name, json_integer(integer_of(row, name) + more));
}

/* One record stands for so many calls. */
static obs_status add_record(top *top, json_t *rates, const json_t *record)
{
    char *name = NULL;
    json_int_t calls = integer_of(record, "count");
    if (strcmp(text_of(record, "client"), top->own) == 0)
        return OBS_OK;
    if (asprintf(&name, "%s %s", text_of(record, "tenant"), text_of(record, "action")) < 0)
        return ctl_fail_memory(top->ctl);
    json_t *row = json_object_get(rates, name);
    if (!row) {
        row = json_pack("{s:o,s:o,s:i,s:i,s:i}", "tenant", ctl_text(text_of(record, "tenant")), "action",
                        ctl_text(text_of(record, "action")), "calls", 0, "failed", 0, "bytes", 0);
        json_object_set_new(rates, name, row);
    }
    free(name);
    if (!row)
        return ctl_fail_memory(top->ctl);
    add_to(row, "calls", calls);
    add_to(row, "failed", strcmp(text_of(record, "status"), "OK") != 0 ? calls : 0);
    add_to(row, "bytes", integer_of(record, "bytes"));
    return OBS_OK;
}

static obs_status read_records(top *top, json_t *rates, obs_client *client, const char *since)
{
    obs_audit_options options;
    obs_rows *rows = NULL;
    const char *text;
    size_t size;
    obs_audit_options_init(&options, sizeof options);
    options.call = &top->ctl->call;
    options.since = since;
    options.limit = RECORDS_MOST;
    obs_status status = obs_audit_query(&rows, obs_client_audit(client), &options, &top->ctl->error);
    while (status == OBS_OK && (status = obs_rows_next(rows, &text, &size, &top->ctl->error)) == OBS_OK && text) {
        json_t *record = json_loadb(text, size, JSON_ALLOW_NUL, NULL);
        status = add_record(top, rates, record);
        json_decref(record);
    }
    obs_rows_free(rows);
    return status;
}

static obs_status read_consumers(top *top, json_t *list, obs_client *client)
{
    obs_rows *rows = NULL;
    const char *text;
    size_t size;
    obs_status status = obs_bus_consumers(&rows, obs_client_bus(client), &top->ctl->call, &top->ctl->error);
    while (status == OBS_OK && (status = obs_rows_next(rows, &text, &size, &top->ctl->error)) == OBS_OK && text) {
        json_t *row = json_loadb(text, size, JSON_ALLOW_NUL, NULL);
        json_t *shown = json_pack("{s:s,s:O,s:O,s:O,s:O,s:O,s:O}", "tenant", obs_client_tenant(client), "consumer",
                                  json_object_get(row, "consumer"), "state", json_object_get(row, "state"), "behind",
                                  json_object_get(row, "behind"), "retrying", json_object_get(row, "retrying"), "dead",
                                  json_object_get(row, "dead"), "oldest", json_object_get(row, "oldest"));
        json_decref(row);
        if (!shown || json_array_append_new(list, shown) != 0)
            status = ctl_fail_memory(top->ctl);
    }
    obs_rows_free(rows);
    return status;
}

static int by_calls(const void *a, const void *b)
{
    const json_t *first = *(json_t *const *)a, *second = *(json_t *const *)b;
    json_int_t left = integer_of(first, "calls"), right = integer_of(second, "calls");
    return left != right ? (left < right) - (left > right) : strcmp(text_of(first, "action"), text_of(second, "action"));
}

/* The busiest first, with what they come to in a second. */
static json_t *sorted_rates(const top *top, json_t *rates)
{
    static const char *const names[][2] = {
        {"calls", "calls_per_second"}, {"failed", "failed_per_second"}, {"bytes", "bytes_per_second"}};
    json_t **sorted = calloc(json_object_size(rates) + 1, sizeof(json_t *));
    json_t *list = sorted ? json_array() : NULL;
    const char *name;
    json_t *row;
    size_t count = 0;
    if (list) {
        json_object_foreach(rates, name, row) sorted[count++] = row;
        qsort(sorted, count, sizeof *sorted, by_calls);
    }
    for (size_t i = 0; i < count; i++) {
        for (size_t n = 0; n < sizeof names / sizeof *names; n++) {
            double number = (double)integer_of(sorted[i], names[n][0]) / (double)top->window_s;
            json_object_set_new(sorted[i], names[n][1], json_real(number));
            json_object_del(sorted[i], names[n][0]);
        }
        json_array_append(list, sorted[i]);
    }
    free(sorted);
    return list;
}

/* All that is shown at one moment. */
static obs_status look(top *top, json_t **out)
{
    char now[64], since[64];
    struct timespec time;
    json_t *rates = json_object(), *consumers = json_array(), *list = NULL;
    obs_status status = rates && consumers ? OBS_OK : ctl_fail_memory(top->ctl);
    clock_gettime(CLOCK_REALTIME, &time);
    int64_t now_ns = (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
    ctl_format_time(now, sizeof now, "%Y-%m-%dT%H:%M:%S", now_ns);
    ctl_format_time(since, sizeof since, "%Y-%m-%dT%H:%M:%S", now_ns - top->window_s * 1000000000);
    for (size_t i = 0; status == OBS_OK && i < top->count; i++) {
        status = read_records(top, rates, top->clients[i], since);
        if (status == OBS_OK)
            status = read_consumers(top, consumers, top->clients[i]);
    }
    if (status == OBS_OK && !(list = sorted_rates(top, rates)))
        status = ctl_fail_memory(top->ctl);
    if (status == OBS_OK)
        *out = json_pack("{s:s,s:I,s:O,s:O}", "time", now, "window_seconds", (json_int_t)top->window_s, "rates", list,
                         "consumers", consumers);
    json_decref(list);
    json_decref(rates);
    json_decref(consumers);
    return status == OBS_OK && !*out ? ctl_fail_memory(top->ctl) : status;
}

/* ---- Showing. ---- */

static void write_rates(FILE *out, const json_t *rates)
{
    size_t index;
    json_t *row;
    fprintf(out, "%9s %9s %12s  %-28s %s\n", "CALLS/s", "FAILED/s", "BYTES/s", "ACTION", "TENANT");
    json_array_foreach(rates, index, row)
    {
        fprintf(out, "%9.1f %9.1f %12.0f  %-28s ", json_real_value(json_object_get(row, "calls_per_second")),
                json_real_value(json_object_get(row, "failed_per_second")),
                json_real_value(json_object_get(row, "bytes_per_second")), text_of(row, "action"));
        ctl_print_text(out, text_of(row, "tenant"), strlen(text_of(row, "tenant")));
        fputc('\n', out);
    }
    if (!json_array_size(rates))
        fputs("        -         -            -  (nothing happens)\n", out);
}

static void write_consumers(FILE *out, const json_t *consumers)
{
    size_t index;
    json_t *row;
    if (!json_array_size(consumers))
        return;
    fprintf(out, "\n%9s %9s %6s  %-8s %-28s %-20s %s\n", "BEHIND", "RETRYING", "DEAD", "STATE", "CONSUMER", "TENANT", "OLDEST");
    json_array_foreach(consumers, index, row)
        fprintf(out, "%9lld %9lld %6lld  %-8s %-28s %-20s %.19s\n", (long long)integer_of(row, "behind"),
                (long long)integer_of(row, "retrying"), (long long)integer_of(row, "dead"), text_of(row, "state"),
                text_of(row, "consumer"), text_of(row, "tenant"), text_of(row, "oldest"));
}

/* The lines that fit: so many, each cut at the width, between characters. */
static void draw(const top *top, const char *text)
{
    struct winsize window = {.ws_row = 24};
    int width = ctl_width(stdout), lines = 1;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) != 0 || !window.ws_row)
        window.ws_row = 24;
    fputs(top->ctl->color ? "\033[H\033[1m" : "\033[H", stdout);
    for (int column = 0; *text && lines < window.ws_row; text++) {
        if (*text == '\n') {
            fputs(lines == 1 && top->ctl->color ? "\033[0m\033[K\n" : "\033[K\n", stdout);
            column = 0;
            lines++;
        } else {
            column += ((unsigned char)*text & 0xC0) != 0x80;
            if (column <= width)
                putchar(*text);
        }
    }
    fputs("\033[J", stdout);
}

static obs_status show(const top *top, json_t *seen)
{
    char *text = NULL;
    size_t size;
    if (top->ctl->json) {
        ctl_print_json(json_incref(seen));
        fflush(stdout);
        return OBS_OK;
    }
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return ctl_fail_memory(top->ctl);
    fprintf(out, "%.19s  calls of the last %lld s%s\n\n", text_of(seen, "time"), top->window_s,
            top->is_screen ? ", Ctrl-C ends" : "");
    write_rates(out, json_object_get(seen, "rates"));
    write_consumers(out, json_object_get(seen, "consumers"));
    int failed = fclose(out) != 0;
    if (!failed && top->is_screen)
        draw(top, text);
    else if (!failed)
        fputs(text, stdout);
    fflush(stdout);
    free(text);
    return failed ? ctl_fail_memory(top->ctl) : OBS_OK;
}

/* Sleeps until the next look; a signal ends it at once. */
static obs_status pause_for(top *top)
{
    for (long long left = top->interval_s * 20; left > 0; left--) {
        const struct timespec piece = {.tv_nsec = 50000000};
        obs_status status = ctl_check_cancel(top->ctl);
        if (status != OBS_OK)
            return status;
        nanosleep(&piece, NULL);
    }
    return ctl_check_cancel(top->ctl);
}

static obs_status watch(top *top, int once)
{
    obs_status status = OBS_OK;
    while (status == OBS_OK && !ferror(stdout)) {
        json_t *seen = NULL;
        status = look(top, &seen);
        if (status == OBS_OK)
            status = show(top, seen);
        json_decref(seen);
        if (once)
            return status;
        if (status == OBS_OK)
            status = pause_for(top);
    }
    return status == OBS_CANCELLED ? OBS_OK : status; /* this is how it is ended */
}

/* ---- Beginning and ending. ---- */

/* A client of one more tenant; one that is not for the caller is not shown. */
static void add_tenant(top *top, const char *name)
{
    obs_as_options options;
    obs_error unused;
    obs_error_init(&unused, sizeof unused);
    obs_as_options_init(&options, sizeof options);
    options.call = &top->ctl->call;
    options.tenant = name;
    if (top->count < TENANTS_MOST && strcmp(name, obs_client_tenant(top->ctl->client)) != 0 &&
        obs_client_as(&top->clients[top->count], top->ctl->client, &options, &unused) == OBS_OK)
        top->count++;
}

static obs_status open_tenants(top *top)
{
    ctl *ctl = top->ctl;
    obs_rows *rows = NULL;
    const char *text;
    size_t size;
    obs_status status = ctl_open(ctl);
    if (status != OBS_OK)
        return status;
    top->clients[top->count++] = ctl->client;
    if (ctl_get(ctl, "tenant"))
        return OBS_OK;
    status = obs_tenant_show(&rows, ctl->client, NULL, &ctl->call, &ctl->error);
    if (status == OBS_PERMISSION_DENIED)
        return OBS_OK;
    while (status == OBS_OK && (status = obs_rows_next(rows, &text, &size, &ctl->error)) == OBS_OK && text) {
        json_t *row = json_loadb(text, size, JSON_ALLOW_NUL, NULL);
        add_tenant(top, text_of(row, "name"));
        json_decref(row);
    }
    obs_rows_free(rows);
    return status;
}

static int has_screen(const ctl *ctl)
{
    const char *term = getenv("TERM");
    return !ctl->json && isatty(STDOUT_FILENO) && term && *term && strcmp(term, "dumb") != 0;
}

obs_status ctl_run_top(ctl *ctl)
{
    top top = {.ctl = ctl, .interval_s = 1, .window_s = WINDOW_S};
    obs_status status = ctl_number(ctl, "interval", 1, 3600, &top.interval_s);
    if (status == OBS_OK)
        status = ctl_number(ctl, "window", 1, 3600, &top.window_s);
    if (status == OBS_OK)
        status = open_tenants(&top);
    int once = ctl_get(ctl, "once") || (!ctl->json && !has_screen(ctl)); /* in a file, one table is what is wanted */
    top.is_screen = !once && has_screen(ctl);
    snprintf(top.own, sizeof top.own, "obsctl pid %ld", (long)getpid());
    if (status == OBS_OK && top.is_screen)
        fputs("\033[?1049h\033[?25l\033[2J", stdout); /* a screen of its own, without cursor */
    if (status == OBS_OK)
        status = watch(&top, once);
    if (top.is_screen) {
        fputs("\033[?25h\033[?1049l", stdout);
        fflush(stdout);
    }
    for (size_t i = 1; i < top.count; i++)
        obs_client_close(top.clients[i]);
    return status;
}
