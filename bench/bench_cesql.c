/*
 * A filter of CloudEvents SQL on the event of bench_event.c: as it is in memory, and as JSON, which is what the bus does for
 * each event that it looks at. Prints one JSON line for each figure; bench/peers/event_go does the first with the Go SDK.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "event/cesql.h"

#define ROUNDS 2000
#define CALLS 100 /* for each timing: one call is too short for the clock */

static const char filter[] = "type = 'org.example.frame.stored' AND subject LIKE 'raw/%.fits' AND "
                             "(source = '/obs/day' OR EXISTS traceparent)";
static const char json[] =
    "{\"specversion\":\"1.0\",\"id\":\"01936f5c-1f5e-7a3c-9b1e-5d0c2f6a8e47\",\"source\":\"/obs/night\","
    "\"type\":\"org.example.frame.stored\",\"subject\":\"raw/2026-11-20/"
    "ccd-0421.fits\",\"time\":\"2026-11-20T21:15:03.123456Z\","
    "\"datacontenttype\":\"application/json\",\"traceparent\":\"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\","
    "\"data\":{\"mag\":17.3125,\"filter\":\"Sloan r\",\"frame\":\"light-4210\",\"exposure\":120,\"airmass\":1.25}}";

static obs_error error;
static obs__cesql *program;
static obs_event *event;

static double now(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (double)at.tv_sec * 1e9 + (double)at.tv_nsec;
}

static int by_size(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static void must(int right)
{
    if (right)
        return;
    fprintf(stderr, "bench_cesql: %s\n", *error.message ? error.message : "the filter does not match");
    exit(1);
}

static void match_event(void)
{
    int matches = 0;
    must(obs__cesql_matches(&matches, program, event, &error) == OBS_OK && matches);
}

static void match_json(void)
{
    obs__cesql_result result;
    must(obs__cesql_evaluate_json(&result, program, (obs__view){json, sizeof json - 1}, &error) == OBS_OK);
    must(obs__cesql_passes(&result));
    obs__cesql_result_free(&result);
}

static void measure(const char *name, void (*call)(void))
{
    static double times[ROUNDS];
    for (int i = 0; i < ROUNDS; i++) {
        double start = now();
        for (int j = 0; j < CALLS; j++)
            call();
        times[i] = (now() - start) / CALLS;
    }
    qsort(times, ROUNDS, sizeof *times, by_size);
    printf("{\"figure\":\"%s\",\"by\":\"libobs\",\"bytes\":%zu,\"p50_ns\":%.0f,\"p99_ns\":%.0f}\n", name, sizeof json - 1,
           times[ROUNDS / 2], times[ROUNDS * 99 / 100]);
}

int main(void)
{
    obs_error_init(&error, sizeof error);
    must(obs__cesql_compile_filter(&program, filter, OBS_TEXT, &error) == OBS_OK);
    must(obs_event_decode(&event, json, sizeof json - 1, &error) == OBS_OK);
    measure("filter event", match_event);
    measure("filter json", match_json);
    obs_event_free(event);
    obs__cesql_free(program);
    return 0;
}
