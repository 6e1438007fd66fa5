/*
 * Getting 4 KiB in C, in turns of a millisecond. What is compared with it includes this file, so that both run in one process,
 * one after the other: bench_get.c (C alone), get_round.c (for get.py) and get_go/main.go.
 */
#ifndef OBS_BENCH_GET_ROUND_H
#define OBS_BENCH_GET_ROUND_H

#include <obs/obs.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define ROUND_NS 1000000
#define BATCH 20 /* calls between looks at the clock */

static const char get_key[] = "bench/four";
static obs_error get_error;
static obs_store *get_memory, *get_file;

static void get_check(obs_status status)
{
    if (status == OBS_OK)
        return;
    fprintf(stderr, "bench: %s %s\n", get_error.message, get_error.detail);
    exit(1);
}

/* Opens the workspace and puts the object into `mem:bench`; `bench/four` lies in the workspace. */
static void get_open(const char *workspace)
{
    static const char content[4096];
    obs_client *client = NULL;
    obs_open_options options;
    obs_error_init(&get_error, sizeof get_error);
    obs_open_options_init(&options, sizeof options);
    options.workspace = workspace;
    options.tenant = "default";
    options.program = "bench/1";
    get_check(obs_client_open(&client, &options, &get_error));
    get_check(obs_client_store_open(&get_memory, client, "mem:bench", NULL, &get_error));
    get_check(obs_store_put(NULL, get_memory, get_key, sizeof get_key - 1, content, sizeof content, NULL, &get_error));
    get_file = obs_client_store(client);
}

static void get_once(obs_store *store)
{
    obs_buffer *buffer = NULL;
    get_check(obs_store_get(&buffer, store, get_key, sizeof get_key - 1, NULL, &get_error));
    obs_buffer_free(buffer);
}

static void get_into_once(obs_store *store)
{
    static char into[4096];
    size_t size = 0;
    get_check(obs_store_get_into(&size, store, get_key, sizeof get_key - 1, into, sizeof into, NULL, &get_error));
}

static int64_t get_now(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (int64_t)at.tv_sec * 1000000000 + at.tv_nsec;
}

/* Nanoseconds for each call of one turn. */
static double get_round(int from_file, int into)
{
    void (*call)(obs_store *) = into ? get_into_once : get_once;
    obs_store *store = from_file ? get_file : get_memory;
    int64_t begin = get_now(), now = begin;
    int calls = 0;
    for (; now < begin + ROUND_NS; now = get_now(), calls += BATCH)
        for (int i = 0; i < BATCH; i++)
            call(store);
    return (double)(now - begin) / calls;
}

#endif
