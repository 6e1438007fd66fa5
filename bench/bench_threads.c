/*
 * 64 threads that ingest records, each durable, beside a bare loop of group commit with the same syncs and rows (bare.h).
 *
 *     bench_threads FOLDER
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

#include "bare.h"
#include "bench.h"

#define THREADS 64
#define TURNS 5
#define TURN_NS 1500000000

typedef struct turn {
    obs_client *client; /* NULL: the bare loop */
    int64_t end;
    atomic_uint_fast64_t items;
} turn;

static atomic_uint_fast64_t numbers;

static void *work(void *user)
{
    turn *own = user;
    uint64_t items = 0;
    for (; bench_now() < own->end; items++) {
        if (own->client)
            bench_ingest(own->client, atomic_fetch_add(&numbers, 1));
        else
            bare_commit();
    }
    atomic_fetch_add(&own->items, items);
    return NULL;
}

/* Of all threads, in the kernel as well. */
static int64_t cpu_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

/* Items per second; the processor time of one is added up in *cpu_us. */
static double take_turn(obs_client *client, double *cpu_us)
{
    pthread_t threads[THREADS];
    int64_t begin = bench_now(), cpu_begin = cpu_now();
    turn own = {.client = client, .end = begin + TURN_NS};
    for (int i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, work, &own) != 0)
            bench_die("cannot start a thread", NULL);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    double items = (double)atomic_load(&own.items);
    *cpu_us += (double)(cpu_now() - cpu_begin) / 1e3 / items / TURNS;
    return items / ((double)(bench_now() - begin) / 1e9);
}

/* The median of the turns; of the ratios, because both see the same moods of the machine only within one turn. */
static double middle(double values[TURNS])
{
    int64_t scaled[TURNS];
    for (int i = 0; i < TURNS; i++)
        scaled[i] = (int64_t)(values[i] * 1e6);
    return bench_ms(scaled, TURNS, 0.5);
}

int main(int argc, char **argv)
{
    double ours[TURNS], bare[TURNS], ratio[TURNS], ours_us = 0, bare_us = 0;
    if (argc != 2)
        bench_die("usage: bench_threads FOLDER", NULL);
    bench_check_disk(argv[1]);
    bare_open(argv[1]);
    bench_workspace(bench_path(argv[1], "threads"));
    obs_client *client = bench_open(bench_path(argv[1], "threads"));
    bench_define(client);
    take_turn(client, &ours_us); /* warm */
    take_turn(NULL, &bare_us);
    ours_us = bare_us = 0;
    for (int i = 0; i < TURNS; i++) {
        ours[i] = take_turn(client, &ours_us);
        bare[i] = take_turn(NULL, &bare_us);
        ratio[i] = ours[i] / bare[i];
    }
    bench_print("threads", (const bench_number[]){{"ours_per_s", middle(ours)},
                                                  {"bare_per_s", middle(bare)},
                                                  {"ratio", middle(ratio)},
                                                  {"ours_cpu_us", ours_us},
                                                  {"bare_cpu_us", bare_us},
                                                  {"tables", bare_tables()},
                                                  {NULL, 0}});
    obs_client_close(client);
    bare_close();
    return 0;
}
