#include "load.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "bench.h"

#define LATE_NS 1000000
#define THREADS_MOST 64

typedef struct state {
    const bench_load *load;
    int64_t begin;
    atomic_size_t next;
    atomic_size_t late;
} state;

static void wait_until(int64_t time)
{
    struct timespec at = {time / 1000000000, time % 1000000000};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) != 0)
        ;
}

static void *work(void *context)
{
    state *all = context;
    const bench_load *load = all->load;
    for (;;) {
        size_t number = atomic_fetch_add(&all->next, 1);
        if (number >= load->count)
            return NULL;
        int64_t start = all->begin + (int64_t)((double)number * 1e9 / load->per_s);
        wait_until(start);
        if (bench_now() > start + LATE_NS)
            atomic_fetch_add(&all->late, 1);
        load->request(load->context, load->first + number);
        load->times_ns[number] = bench_now() - start;
    }
}

void bench_load_run(const bench_load *load, size_t *late)
{
    pthread_t threads[THREADS_MOST];
    state all = {.load = load, .begin = bench_now() + 10000000};
    int count = load->threads < THREADS_MOST ? load->threads : THREADS_MOST;
    for (int i = 0; i < count; i++)
        if (pthread_create(&threads[i], NULL, work, &all) != 0)
            bench_die("cannot start a thread", NULL);
    for (int i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
    if (late)
        *late = atomic_load(&all.late);
}
