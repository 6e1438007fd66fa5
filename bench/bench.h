/*
 * What the measuring programs share. Each prints its figures as JSON lines (`{"figure":…,<name>:<number>,…}`); goals
 * and the table are in bench/figures.py.
 */
#ifndef OBS_BENCH_H
#define OBS_BENCH_H

#include <obs/obs.h>
#include <stdint.h>
#include <stdnoreturn.h>

typedef struct bench_number {
    const char *name;
    double value;
} bench_number;

/* Nanoseconds of the monotonic clock. */
int64_t bench_now(void);

/* Milliseconds below which lies this part of the times (0.5: the median). Sorts them. */
double bench_ms(int64_t *times_ns, size_t count, double part);

/* Prints a figure; what follows the last number has no name. */
void bench_print(const char *figure, const bench_number *numbers);

/* Says what failed, with the error unless it is NULL, and ends the program. */
noreturn void bench_die(const char *what, const obs_error *error);

/* Ends the program when files in the folder do not reach a disk. */
void bench_check_disk(const char *folder);

/* One page into a file that has its blocks already, and fdatasync: what the disk itself costs. */
typedef struct bench_disk {
    int fd;
    int next;
} bench_disk;
void bench_disk_open(bench_disk *disk, const char *folder);
void bench_disk_sync(bench_disk *disk);
void bench_disk_close(bench_disk *disk);

/* `folder/name`, in a buffer of its own for each of the last four calls. */
const char *bench_path(const char *folder, const char *name);

/* A new workspace at this path. */
void bench_workspace(const char *path);
/* Opens a workspace; the default tenant. */
obs_client *bench_open(const char *path);

/* The data definition `bench.obs80`: one observation of a minor planet, eight members, two of them texts to search. */
void bench_define(obs_client *client);
/* A record that fits it, into a buffer of BENCH_RECORD_SIZE; returns its size. */
#define BENCH_RECORD_SIZE 512
size_t bench_record(char *out, uint64_t number);
/* Ingests the record, durable when this returns. */
void bench_ingest(obs_client *client, uint64_t number);

#endif
