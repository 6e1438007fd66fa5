/*
 * Encoding and decoding one CloudEvent of 399 bytes: eight attributes and four members of JSON data.
 * Prints one JSON line for each figure; bench/peers/event_go does the same with the Go SDK.
 */
#include <obs/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROUNDS 2000
#define CALLS 100 /* for each timing: one call is too short for the clock */

static obs_error error;

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

static void die(void)
{
    fprintf(stderr, "%s\n", error.message);
    exit(1);
}

static obs_event sample(void)
{
    static const obs_pair extensions[] = {{"traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}};
    obs_event event;
    obs_event_init(&event, sizeof event);
    event.id = "01936f5c-1f5e-7a3c-9b1e-5d0c2f6a8e47";
    event.source = "/obs/night";
    event.type = "org.example.frame.stored";
    event.subject = "raw/2026-11-20/ccd-0421.fits";
    event.time = "2026-11-20T21:15:03.123456Z";
    event.datacontenttype = "application/json";
    event.data = "{\"mag\":17.3125,\"filter\":\"Sloan r\",\"frame\":\"light-4210\",\"exposure\":120,\"airmass\":1.25}";
    event.data_size = OBS_TEXT;
    event.extensions = extensions;
    event.extension_count = 1;
    return event;
}

static void encode(const obs_event *event, const char *json, size_t size)
{
    obs_buffer *out = NULL;
    (void)json, (void)size;
    if (obs_event_encode(&out, event, &error) != OBS_OK)
        die();
    obs_buffer_free(out);
}

static void decode(const obs_event *event, const char *json, size_t size)
{
    obs_event *out = NULL;
    (void)event;
    if (obs_event_decode(&out, json, size, &error) != OBS_OK)
        die();
    obs_event_free(out);
}

static void measure(const char *name, void (*call)(const obs_event *, const char *, size_t), const obs_event *event,
                    const char *json, size_t size)
{
    static double times[ROUNDS];
    for (int i = 0; i < ROUNDS; i++) {
        double start = now();
        for (int j = 0; j < CALLS; j++)
            call(event, json, size);
        times[i] = (now() - start) / CALLS;
    }
    qsort(times, ROUNDS, sizeof *times, by_size);
    printf("{\"figure\":\"%s\",\"by\":\"libobs\",\"bytes\":%zu,\"p50_ns\":%.0f,\"p99_ns\":%.0f}\n", name, size,
           times[ROUNDS / 2], times[ROUNDS * 99 / 100]);
}

int main(void)
{
    obs_event event = sample();
    obs_buffer *json = NULL;
    obs_error_init(&error, sizeof error);
    if (obs_event_encode(&json, &event, &error) != OBS_OK)
        die();
    measure("event encode", encode, &event, obs_buffer_data(json), obs_buffer_size(json));
    measure("event decode", decode, &event, obs_buffer_data(json), obs_buffer_size(json));
    obs_buffer_free(json);
    return 0;
}
