/*
 * Three tenants work at an even pace while a fourth publishes as fast as it can, from a process of its own with many threads;
 * alone and beside it in alternating slices of one run. How long do the requests of the three take, the slowest in a hundred?
 *
 *     bench_flood FOLDER SLICES [PER_MINUTE]     with a quota of so many events a minute for the one that floods
 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench.h"
#include "child.h"
#include "load.h"

#define NEIGHBOURS 3
#define PER_S 90 /* of all neighbours together */
#define SLICE_S 2
#define FLOODING 8 /* threads */
#define SLICES_MOST 200

static const char *const tenants[NEIGHBOURS] = {"north", "south", "east"};

static obs_client *open_tenant(const char *path, const char *tenant)
{
    obs_client *client = NULL;
    obs_error error;
    obs_open_options options;
    obs_error_init(&error, sizeof error);
    obs_open_options_init(&options, sizeof options);
    options.workspace = path;
    options.tenant = tenant;
    options.program = "bench/1";
    if (obs_client_open(&client, &options, &error) != OBS_OK)
        bench_die("open", &error);
    return client;
}

static obs_status publish(obs_client *client, uint64_t number, obs_error *error)
{
    char subject[64];
    obs_event event;
    obs_event_init(&event, sizeof event);
    snprintf(subject, sizeof subject, "raw/%u", (unsigned)(number % 64));
    event.type = "org.example.bench";
    event.subject = subject;
    event.data = "{\"mag\":17.3125,\"filter\":\"Sloan r\",\"exposure\":120}";
    event.data_size = OBS_TEXT;
    event.datacontenttype = "application/json";
    return obs_bus_publish(NULL, obs_client_bus(client), &event, NULL, error);
}

/* ---- The one that floods: while the parent says so. ---- */

typedef struct flood {
    obs_client *client;
    atomic_int on;
    atomic_llong done;
    atomic_llong refused;
} flood;

static void *flood_on(void *context)
{
    flood *all = context;
    obs_error error;
    obs_error_init(&error, sizeof error);
    for (uint64_t i = 0;; i++) {
        while (!atomic_load(&all->on))
            nanosleep(&(struct timespec){0, 1000000}, NULL);
        obs_status status = publish(all->client, i, &error);
        if (status == OBS_OK)
            atomic_fetch_add(&all->done, 1);
        else if (status == OBS_RESOURCE_EXHAUSTED)
            atomic_fetch_add(&all->refused, 1);
        else
            bench_die("flood", &error);
    }
    return NULL;
}

/* Answers each word with how many events there were, and how many were refused. */
static void serve_flood(const char *path)
{
    pthread_t threads[FLOODING];
    static flood all;
    int64_t word;
    all.client = open_tenant(path, "flood");
    for (int i = 0; i < FLOODING; i++)
        if (pthread_create(&threads[i], NULL, flood_on, &all) != 0)
            bench_die("cannot start a thread", NULL);
    while (bench_read_number(0, &word)) {
        atomic_store(&all.on, (int)word);
        if (!bench_write_number(1, atomic_load(&all.done)) || !bench_write_number(1, atomic_load(&all.refused)))
            return;
    }
}

static void tell_flood(int64_t counts[2], const bench_child *child, int on)
{
    if (!bench_write_number(child->input, on) || !bench_read_number(child->output, &counts[0]) ||
        !bench_read_number(child->output, &counts[1]))
        bench_die("the process that floods ended", NULL);
}

/* ---- The neighbours. ---- */

/* A third each: an object is put, one is read, an event is published. */
static void ask(void *context, uint64_t number)
{
    static const char product[] = "{\"object\":\"12893\",\"mag\":17.3125,\"band\":\"V\"}\n";
    obs_client *client = ((obs_client **)context)[number % NEIGHBOURS];
    obs_buffer *bytes = NULL;
    obs_error error;
    char key[64];
    obs_error_init(&error, sizeof error);
    obs_status status;
    uint64_t kind = number / NEIGHBOURS % 3;
    snprintf(key, sizeof key, "products/%u.json", (unsigned)(number / 9 % 100));
    if (kind == 0)
        status = obs_store_put(NULL, obs_client_store(client), key, OBS_TEXT, product, sizeof product - 1, NULL, &error);
    else if (kind == 1)
        status = obs_store_get(&bytes, obs_client_store(client), key, OBS_TEXT, NULL, &error);
    else
        status = publish(client, number, &error);
    obs_buffer_free(bytes);
    if (status != OBS_OK && (kind != 1 || status != OBS_NOT_FOUND))
        bench_die("a neighbour", &error);
}

static void measure(obs_client **clients, const bench_child *child, int slices, int has_quota)
{
    enum { COUNT = PER_S * SLICE_S };
    int64_t *times[2], counts[2], begun[2] = {0, 0}, floods[2] = {0, 0}, one[COUNT];
    double seconds = 0;
    for (int on = 0; on < 2; on++)
        if (!(times[on] = calloc((size_t)slices * COUNT, sizeof **times)))
            bench_die("no memory", NULL);
    for (int i = -1; i < 2 * slices; i++) {
        int on = i >= 0 && i % 2;
        tell_flood(counts, child, on);
        begun[0] = counts[0];
        begun[1] = counts[1];
        int64_t start = bench_now();
        bench_load_run(&(bench_load){ask, clients, 9, PER_S, (uint64_t)(i + 1) * COUNT, COUNT, one}, NULL);
        tell_flood(counts, child, 0);
        seconds += on ? (double)(bench_now() - start) / 1e9 : 0;
        floods[0] += on ? counts[0] - begun[0] : 0;
        floods[1] += on ? counts[1] - begun[1] : 0;
        if (i >= 0)
            memcpy(times[on] + i / 2 * COUNT, one, sizeof one);
        fprintf(stderr, "\rbench: neighbours of a flood: %d of %d s%s", (i + 1) * SLICE_S, 2 * slices * SLICE_S,
                i + 1 < 2 * slices ? "" : "\n");
    }
    size_t count = (size_t)slices * COUNT;
    bench_print("flood", (const bench_number[]){{"alone_p50_ms", bench_ms(times[0], count, 0.5)},
                                                {"alone_p99_ms", bench_ms(times[0], count, 0.99)},
                                                {"beside_p50_ms", bench_ms(times[1], count, 0.5)},
                                                {"beside_p99_ms", bench_ms(times[1], count, 0.99)},
                                                {"flood_per_s", (double)floods[0] / seconds},
                                                {"refused_per_s", (double)floods[1] / seconds},
                                                {"has_quota", has_quota},
                                                {NULL, 0}});
    free(times[0]);
    free(times[1]);
}

static void create(obs_client *client, const char *name, int64_t per_minute)
{
    obs_error error;
    obs_tenant_options options;
    obs_error_init(&error, sizeof error);
    obs_tenant_options_init(&options, sizeof options);
    options.events_per_minute = per_minute;
    if (obs_tenant_create(client, name, NULL, &error) != OBS_OK ||
        (per_minute && obs_tenant_modify(client, name, &options, &error) != OBS_OK))
        bench_die("tenant", &error);
}

int main(int argc, char **argv)
{
    obs_client *clients[NEIGHBOURS];
    bench_child child;
    char path[4096];
    if (argc == 3 && strcmp(argv[2], "flood") == 0) {
        serve_flood(argv[1]);
        return 0;
    }
    int slices = argc == 3 || argc == 4 ? atoi(argv[2]) : 0, quota = argc == 4 ? atoi(argv[3]) : 0;
    if (slices < 1 || slices > SLICES_MOST)
        bench_die("usage: bench_flood FOLDER SLICES [PER_MINUTE]", NULL);
    bench_check_disk(argv[1]);
    snprintf(path, sizeof path, "%s", bench_path(argv[1], quota ? "flood-quota" : "flood"));
    bench_workspace(path);
    obs_client *owner = bench_open(path);
    create(owner, "flood", quota);
    for (int i = 0; i < NEIGHBOURS; i++) {
        create(owner, tenants[i], 0);
        clients[i] = open_tenant(path, tenants[i]);
    }
    bench_child_start(&child, (const char *const[]){argv[0], path, "flood", NULL});
    measure(clients, &child, slices, quota != 0);
    bench_child_end(&child, SIGKILL);
    for (int i = 0; i < NEIGHBOURS; i++)
        obs_client_close(clients[i]);
    obs_client_close(owner);
    return 0;
}
