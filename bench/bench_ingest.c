/*
 * One writer, durable: the median of a record and of a small file, in turns with what the disk itself costs, so that both
 * see the same moods of the disk.
 *
 *     bench_ingest FOLDER
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench.h"

#define WARM 400
#define ROUNDS 600
#define FILE_SIZE 4096

static char content[FILE_SIZE];

static void measure_records(obs_client *client, bench_disk *disk)
{
    static int64_t ours[ROUNDS], bare[ROUNDS];
    for (int i = 0; i < WARM; i++)
        bench_ingest(client, (uint64_t)i);
    for (int i = 0; i < ROUNDS; i++) {
        int64_t begin = bench_now();
        bench_ingest(client, (uint64_t)(WARM + i));
        int64_t middle = bench_now();
        bench_disk_sync(disk);
        ours[i] = middle - begin;
        bare[i] = bench_now() - middle;
    }
    bench_print("disk", (const bench_number[]){
                            {"p50_ms", bench_ms(bare, ROUNDS, 0.5)}, {"p99_ms", bench_ms(bare, ROUNDS, 0.99)}, {NULL, 0}});
    bench_print("stream", (const bench_number[]){{"ours_ms", bench_ms(ours, ROUNDS, 0.5)},
                                                 {"ours_p99_ms", bench_ms(ours, ROUNDS, 0.99)},
                                                 {"fdatasync_ms", bench_ms(bare, ROUNDS, 0.5)},
                                                 {NULL, 0}});
}

static void ingest_file(obs_client *client, int number)
{
    char key[64];
    obs_error error;
    obs_error_init(&error, sizeof error);
    snprintf(key, sizeof key, "frames/2026-11-20/frame-%06d.dat", number);
    memcpy(content, &number, sizeof number);
    if (obs_ingest_file(client, key, OBS_TEXT, content, sizeof content, NULL, &error) != OBS_OK)
        bench_die("ingest file", &error);
}

/* A new file with its bytes, synced; then a page of a log, synced. */
static void bare_file(const char *folder, bench_disk *disk, int number)
{
    char name[32];
    snprintf(name, sizeof name, "bare/%06d", number);
    int fd = open(bench_path(folder, name), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, content, sizeof content) != FILE_SIZE || fsync(fd) != 0 || close(fd) != 0)
        bench_die("cannot write a file", NULL);
    bench_disk_sync(disk);
}

static void measure_files(const char *folder, obs_client *client, bench_disk *disk)
{
    static int64_t ours[ROUNDS], bare[ROUNDS];
    for (int i = -WARM / 4; i < ROUNDS; i++) {
        int64_t begin = bench_now();
        ingest_file(client, i + WARM);
        int64_t middle = bench_now();
        bare_file(folder, disk, i + WARM);
        if (i < 0)
            continue;
        ours[i] = middle - begin;
        bare[i] = bench_now() - middle;
    }
    bench_print("file", (const bench_number[]){{"ours_ms", bench_ms(ours, ROUNDS, 0.5)},
                                               {"ours_p99_ms", bench_ms(ours, ROUNDS, 0.99)},
                                               {"bare_ms", bench_ms(bare, ROUNDS, 0.5)},
                                               {NULL, 0}});
}

int main(int argc, char **argv)
{
    bench_disk disk;
    if (argc != 2)
        bench_die("usage: bench_ingest FOLDER", NULL);
    bench_check_disk(argv[1]);
    bench_workspace(bench_path(argv[1], "night"));
    obs_client *client = bench_open(bench_path(argv[1], "night"));
    bench_define(client);
    bench_disk_open(&disk, argv[1]);
    measure_records(client, &disk);
    if (mkdir(bench_path(argv[1], "bare"), 0700) != 0)
        bench_die("cannot make a folder", NULL);
    measure_files(argv[1], client, &disk);
    bench_disk_close(&disk);
    obs_client_close(client);
    return 0;
}
