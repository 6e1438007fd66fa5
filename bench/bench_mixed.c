/*
 * What an observatory asks of one process all night, 250 requests a second of all kinds, begun at set times. How long the
 * slowest in a hundred take, and whether memory and open files stay as they are: told are a tenth of the time, the half and the
 * end.
 *
 *     bench_mixed FOLDER SECONDS
 */
#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "load.h"

#define PER_S 250
#define THREADS 16
#define KINDS 6
#define FRAMES 512 /* objects that are put and read again and again */
#define FRAME_SIZE 16384
#define SLICES 10 /* memory is noted after each */
#define TYPE "org.example.bench"

typedef struct place {
    obs_client *client;
    obs_cancel *end;
    char *frame;
} place;

static void must(obs_status status, const char *what, const obs_error *error)
{
    if (status != OBS_OK)
        bench_die(what, error);
}

static void name_frame(char out[64], uint64_t number)
{
    snprintf(out, 64, "frames/ccd-%04u.fits", (unsigned)(number * 2654435761u % FRAMES));
}

static void put(const place *at, uint64_t number)
{
    obs_error error;
    char key[64];
    obs_error_init(&error, sizeof error);
    name_frame(key, number);
    size_t size = number % 4 ? 2000 : FRAME_SIZE;
    must(obs_store_put(NULL, obs_client_store(at->client), key, OBS_TEXT, at->frame, size, NULL, &error), "put", &error);
}

static void get(const place *at, uint64_t number)
{
    obs_buffer *bytes = NULL;
    obs_error error;
    char key[64];
    obs_error_init(&error, sizeof error);
    name_frame(key, number * 7);
    must(obs_store_get(&bytes, obs_client_store(at->client), key, OBS_TEXT, NULL, &error), "get", &error);
    obs_buffer_free(bytes);
}

static void search(const place *at, uint64_t number)
{
    obs_rows *rows = NULL;
    const char *row;
    obs_error error;
    char query[128];
    obs_search_options options;
    obs_error_init(&error, sizeof error);
    obs_search_options_init(&options, sizeof options);
    options.limit = 20;
    snprintf(query, sizeof query, "night=2026-11-20 mag>=%u mag<%u", 10 + (unsigned)number % 12, 11 + (unsigned)number % 12);
    must(obs_catalog_search(&rows, obs_client_catalog(at->client), query, &options, &error), "search", &error);
    do
        must(obs_rows_next(rows, &row, NULL, &error), "search", &error);
    while (row);
    obs_rows_free(rows);
}

static void publish(const place *at, uint64_t number)
{
    obs_event event;
    obs_error error;
    char subject[64];
    obs_error_init(&error, sizeof error);
    obs_event_init(&event, sizeof event);
    name_frame(subject, number);
    event.type = TYPE;
    event.subject = subject;
    event.datacontenttype = "application/json";
    event.data = "{\"mag\":17.3125,\"filter\":\"Sloan r\",\"exposure\":120}";
    event.data_size = OBS_TEXT;
    must(obs_bus_publish(NULL, obs_client_bus(at->client), &event, NULL, &error), "publish", &error);
}

static void read_setting(const place *at, uint64_t number)
{
    double value;
    obs_error error;
    (void)number;
    obs_error_init(&error, sizeof error);
    must(obs_config_float(&value, obs_client_config(at->client), "ccd.gain", &error), "setting", &error);
}

static void ingest(const place *at, uint64_t number)
{
    bench_ingest(at->client, number);
}

/* Of twenty requests in a row. */
static const struct kind {
    const char *name;
    int of_twenty;
    void (*ask)(const place *at, uint64_t number);
} kinds[KINDS] = {{"get", 6, get},         {"put", 3, put},       {"search", 2, search},
                  {"publish", 3, publish}, {"ingest", 3, ingest}, {"setting", 3, read_setting}};

static int kind_of(uint64_t number)
{
    int place = (int)(number * 7 % 20), kind = 0;
    while (place >= kinds[kind].of_twenty)
        place -= kinds[kind++].of_twenty;
    return kind;
}

static void ask(void *context, uint64_t number)
{
    kinds[kind_of(number)].ask(context, number);
}

/* What is published has somebody who takes it, or the log would grow. */
static void *consume(void *context)
{
    const place *at = context;
    obs_subscription *subscription = NULL;
    obs_error error;
    obs_subscribe_options options;
    obs_error_init(&error, sizeof error);
    obs_subscribe_options_init(&options, sizeof options);
    options.type = TYPE;
    must(obs_bus_subscribe(&subscription, obs_client_bus(at->client), "bench", &options, &error), "subscribe", &error);
    for (;;) {
        const obs_delivery *delivery;
        obs_status status = obs_subscription_next(&delivery, subscription, -1, at->end, &error);
        if (status == OBS_CANCELLED)
            break;
        must(status, "next", &error);
        if (delivery)
            must(obs_subscription_acknowledge(subscription, delivery->sequence, &error), "acknowledge", &error);
    }
    obs_subscription_free(subscription);
    return NULL;
}

/* ---- What it takes. ---- */

typedef struct taken {
    double resident_mib; /* without mapped files */
    int files;
} taken;

static taken look(void)
{
    taken out = {0};
    char line[256];
    FILE *status = fopen("/proc/self/status", "r");
    while (status && fgets(line, sizeof line, status))
        if (strncmp(line, "RssAnon:", 8) == 0)
            out.resident_mib = strtod(line + 8, NULL) / 1024;
    if (status)
        fclose(status);
    DIR *files = opendir("/proc/self/fd");
    while (files && readdir(files))
        out.files++;
    if (files)
        closedir(files);
    return out;
}

static void prepare(place *at, const char *path)
{
    FILE *file;
    char name[4096 + 32];
    bench_workspace(path);
    snprintf(name, sizeof name, "%s/config.yaml", path);
    if (!(file = fopen(name, "w")) || fputs("ccd:\n  gain: 1.5\n", file) < 0 || fclose(file) != 0)
        bench_die("cannot write the configuration", NULL);
    *at = (place){.client = bench_open(path), .frame = calloc(1, FRAME_SIZE)};
    if (!at->frame || obs_cancel_new(&at->end, NULL) != OBS_OK)
        bench_die("no memory", NULL);
    bench_define(at->client);
    for (uint64_t i = 0; i < FRAMES; i++) {
        obs_error error;
        char key[64];
        obs_error_init(&error, sizeof error);
        snprintf(key, sizeof key, "frames/ccd-%04u.fits", (unsigned)i);
        must(obs_store_put(NULL, obs_client_store(at->client), key, OBS_TEXT, at->frame, 2000, NULL, &error), "put", &error);
    }
}

static void print_kinds(const int64_t *times, size_t count)
{
    int64_t *own = malloc(count * sizeof *own);
    for (int kind = 0; own && kind < KINDS; kind++) {
        size_t found = 0;
        char name[32];
        for (size_t i = 0; i < count; i++)
            if (kind_of(i) == kind)
                own[found++] = times[i];
        snprintf(name, sizeof name, "mixed %s", kinds[kind].name);
        if (found)
            bench_print(name, (const bench_number[]){{"p50_ms", bench_ms(own, found, 0.5)},
                                                     {"p99_ms", bench_ms(own, found, 0.99)},
                                                     {"longest_ms", bench_ms(own, found, 1)},
                                                     {NULL, 0}});
    }
    free(own);
}

int main(int argc, char **argv)
{
    place at;
    taken all[SLICES];
    pthread_t consumer;
    size_t late = 0, slice = argc == 3 ? (size_t)atoi(argv[2]) * PER_S / SLICES : 0, count = slice * SLICES;
    if (!slice || slice > 1000000)
        bench_die("usage: bench_mixed FOLDER SECONDS", NULL);
    bench_check_disk(argv[1]);
    prepare(&at, bench_path(argv[1], "mixed"));
    int64_t *times = malloc(count * sizeof *times);
    if (!times || pthread_create(&consumer, NULL, consume, &at) != 0)
        bench_die("cannot start", NULL);
    memset(times, 0, count * sizeof *times);
    for (size_t i = 0; i < SLICES; i++) {
        size_t own = 0;
        bench_load_run(&(bench_load){ask, &at, THREADS, PER_S, i * slice, slice, times + i * slice}, &own);
        late += own;
        all[i] = look();
        fprintf(stderr, "\rbench: mixed load: %zu of %zu s, %.1f MiB, %d files%s", (i + 1) * slice / PER_S, count / PER_S,
                all[i].resident_mib, all[i].files, i + 1 < SLICES ? "" : "\n");
    }
    obs_cancel_set(at.end);
    pthread_join(consumer, NULL);
    print_kinds(times, count);
    bench_print("mixed", (const bench_number[]){{"seconds", (double)count / PER_S},
                                                {"p50_ms", bench_ms(times, count, 0.5)},
                                                {"p99_ms", bench_ms(times, count, 0.99)},
                                                {"longest_ms", bench_ms(times, count, 1)},
                                                {"late", (double)late},
                                                {"first_mib", all[0].resident_mib},
                                                {"half_mib", all[SLICES / 2 - 1].resident_mib},
                                                {"last_mib", all[SLICES - 1].resident_mib},
                                                {"first_files", all[0].files},
                                                {"half_files", all[SLICES / 2 - 1].files},
                                                {"last_files", all[SLICES - 1].files},
                                                {NULL, 0}});
    obs_client_close(at.client);
    obs_cancel_free(at.end);
    free(at.frame);
    free(times);
    return 0;
}
