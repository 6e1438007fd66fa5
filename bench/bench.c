#include "bench.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096
#define PAGES 1000

int64_t bench_now(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (int64_t)at.tv_sec * 1000000000 + at.tv_nsec;
}

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

double bench_ms(int64_t *times_ns, size_t count, double part)
{
    qsort(times_ns, count, sizeof *times_ns, by_size);
    return (double)times_ns[(size_t)((double)(count - 1) * part)] / 1e6;
}

void bench_print(const char *figure, const bench_number *numbers)
{
    printf("{\"figure\":\"%s\"", figure);
    for (; numbers->name; numbers++)
        printf(",\"%s\":%.9g", numbers->name, numbers->value);
    puts("}");
    fflush(stdout);
}

noreturn void bench_die(const char *what, const obs_error *error)
{
    fprintf(stderr, "bench: %s", what);
    if (error)
        fprintf(stderr, ": %s %s", error->message, error->detail);
    fputc('\n', stderr);
    exit(1);
}

void bench_check_disk(const char *folder)
{
    enum { TMPFS = 0x01021994, RAMFS = (int)0x858458f6 };
    struct statfs info;
    if (statfs(folder, &info) != 0)
        bench_die("no such folder", NULL);
    if ((int)info.f_type == TMPFS || (int)info.f_type == RAMFS)
        bench_die("this folder lies in memory, where a sync costs nothing: build on a disk", NULL);
}

void bench_disk_open(bench_disk *disk, const char *folder)
{
    static char zeros[PAGES * PAGE];
    disk->next = 0;
    disk->fd = open(bench_path(folder, "yardstick"), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (disk->fd < 0 || write(disk->fd, zeros, sizeof zeros) != (ssize_t)sizeof zeros || fsync(disk->fd) != 0)
        bench_die("cannot write the yardstick's file", NULL);
}

void bench_disk_sync(bench_disk *disk)
{
    static char page[PAGE];
    memcpy(page, &disk->next, sizeof disk->next);
    if (pwrite(disk->fd, page, sizeof page, (off_t)(disk->next++ % PAGES) * PAGE) != PAGE || fdatasync(disk->fd) != 0)
        bench_die("fdatasync", NULL);
}

void bench_disk_close(bench_disk *disk)
{
    close(disk->fd);
}

const char *bench_path(const char *folder, const char *name)
{
    static char paths[4][4096];
    static unsigned next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

void bench_workspace(const char *path)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    if (obs_workspace_init(path, NULL, &error) != OBS_OK)
        bench_die("init", &error);
}

obs_client *bench_open(const char *path)
{
    obs_client *client = NULL;
    obs_error error;
    obs_open_options options;
    obs_error_init(&error, sizeof error);
    obs_open_options_init(&options, sizeof options);
    options.workspace = path;
    options.tenant = "default";
    options.program = "bench/1";
    if (obs_client_open(&client, &options, &error) != OBS_OK)
        bench_die("open", &error);
    return client;
}

void bench_define(obs_client *client)
{
    static const char schema[] =
        "{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\",\"type\":\"object\",\"properties\":{"
        "\"object\":{\"type\":\"string\",\"pattern\":\"^[0-9]{5}$\"},\"time\":{\"type\":\"string\",\"format\":\"date-time\"},"
        "\"ra\":{\"type\":\"number\",\"minimum\":0,\"exclusiveMaximum\":360},"
        "\"dec\":{\"type\":\"number\",\"minimum\":-90,\"maximum\":90},\"mag\":{\"type\":\"number\"},"
        "\"band\":{\"enum\":[\"B\",\"V\",\"R\",\"G\"]},\"station\":{\"type\":\"string\",\"minLength\":3,\"maxLength\":3},"
        "\"sequence\":{\"type\":\"integer\"}},\"required\":[\"object\",\"time\",\"ra\",\"dec\"],"
        "\"additionalProperties\":false}";
    obs_error error;
    obs_error_init(&error, sizeof error);
    if (obs_ingest_definition(client, "bench.obs80", schema, OBS_TEXT, NULL, &error) != OBS_OK)
        bench_die("definition", &error);
}

size_t bench_record(char *out, uint64_t number)
{
    unsigned n = (unsigned)number;
    int size = snprintf(out, BENCH_RECORD_SIZE,
                        "{\"object\":\"12893\",\"time\":\"2026-11-%02uT%02u:%02u:%02u.125Z\",\"ra\":%u.%05u,\"dec\":%u.%05u,"
                        "\"mag\":%u.%02u,\"band\":\"V\",\"station\":\"Z%02u\",\"sequence\":%u}",
                        1 + n / 86400 % 28, n / 3600 % 24, n / 60 % 60, n % 60, n % 360, n * 7919 % 100000, n % 90,
                        n * 104729 % 100000, 10 + n % 12, n % 100, n % 100, n);
    return (size_t)size;
}

void bench_ingest(obs_client *client, uint64_t number)
{
    static const obs_pair labels[] = {{"night", "2026-11-20"}, {"telescope", "north"}};
    char json[BENCH_RECORD_SIZE];
    obs_error error;
    obs_ingest_options options;
    obs_error_init(&error, sizeof error);
    obs_ingest_options_init(&options, sizeof options);
    options.labels = labels;
    options.label_count = sizeof labels / sizeof *labels;
    options.origin = "bench";
    if (obs_ingest_record(NULL, client, "bench.obs80", json, bench_record(json, number), &options, &error) != OBS_OK)
        bench_die("ingest", &error);
}
