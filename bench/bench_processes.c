/*
 * Many processes that ingest records into one tenant: is each let in, and how long do all of them take together? Beside it one
 * row each by SQLite's own waiting (busy timeout, no lock of ours), which starves some.
 *
 *     bench_processes FOLDER COUNT             all of them without pause
 *     bench_processes FOLDER COUNT at-once     each one record, all at the same moment, every 3 seconds
 */
#include <spawn.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

#define MOST 64
#define BEGIN_NS 700000000 /* until all of them have started */
#define RUN_NS 3000000000
#define ROUNDS 3
#define ROUND_NS 3000000000

extern char **environ;

typedef struct share {
    uint64_t items;
    int64_t longest;
} share;

/* How a worker works, and the words for it on its command line. */
typedef struct way {
    const char *path;
    int is_bare;
    int at_once;
    int64_t begin;
} way;

/* ---- A worker: prints its share. ---- */

static sqlite3 *open_bare(const char *path)
{
    sqlite3 *handle = NULL;
    if (sqlite3_open(path, &handle) != SQLITE_OK)
        bench_die("cannot open the database", NULL);
    sqlite3_busy_timeout(handle, 60000);
    if (sqlite3_exec(handle, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE IF NOT EXISTS item(body)", NULL,
                     NULL, NULL) != SQLITE_OK)
        bench_die(sqlite3_errmsg(handle), NULL);
    return handle;
}

static void insert_bare(sqlite3 *handle)
{
    if (sqlite3_exec(handle, "BEGIN IMMEDIATE; INSERT INTO item VALUES(randomblob(1500)); COMMIT", NULL, NULL, NULL) !=
        SQLITE_OK)
        bench_die(sqlite3_errmsg(handle), NULL);
}

static void commit(obs_client *client, sqlite3 *handle, uint64_t number)
{
    if (client)
        bench_ingest(client, number);
    else
        insert_bare(handle);
}

static void wait_until(int64_t time)
{
    struct timespec at = {time / 1000000000, time % 1000000000};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) != 0)
        ;
}

static share run_worker(obs_client *client, sqlite3 *handle, int64_t begin)
{
    share own = {0};
    wait_until(begin);
    for (int64_t now = begin; now < begin + RUN_NS; own.items++) {
        commit(client, handle, own.items);
        int64_t after = bench_now();
        own.longest = after - now > own.longest ? after - now : own.longest;
        now = after;
    }
    return own;
}

/* Prints for each round how long after its moment the record was durable. The first round opens what opens late. */
static void run_rounds(obs_client *client, sqlite3 *handle, int64_t begin)
{
    for (int i = 0; i <= ROUNDS; i++) {
        int64_t moment = begin + i * (int64_t)ROUND_NS;
        wait_until(moment);
        commit(client, handle, (uint64_t)i);
        if (i)
            printf("%lld ", (long long)(bench_now() - moment));
    }
    printf("\n");
}

static void work(const way *way)
{
    obs_client *client = way->is_bare ? NULL : bench_open(way->path);
    sqlite3 *handle = way->is_bare ? open_bare(way->path) : NULL;
    if (way->at_once) {
        run_rounds(client, handle, way->begin);
    } else {
        share own = run_worker(client, handle, way->begin);
        printf("%llu %lld\n", (unsigned long long)own.items, (long long)own.longest);
    }
    sqlite3_close(handle);
    obs_client_close(client);
}

/* ---- The parent. ---- */

static void start_worker(pid_t *out_pid, int *out_fd, const way *way)
{
    char time[32];
    int ends[2];
    char *arguments[] = {"bench_processes",
                         (char *)(uintptr_t)way->path,
                         way->is_bare ? "bare" : "ours",
                         way->at_once ? "at-once" : "on",
                         time,
                         NULL};
    posix_spawn_file_actions_t actions;
    snprintf(time, sizeof time, "%lld", (long long)way->begin);
    if (pipe(ends) != 0)
        bench_die("pipe", NULL);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
    posix_spawn_file_actions_addclose(&actions, ends[0]);
    if (posix_spawn(out_pid, "/proc/self/exe", &actions, NULL, arguments, environ) != 0)
        bench_die("cannot start a process", NULL);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    *out_fd = ends[0];
}

/* What it printed. */
static void finish_worker(char text[256], pid_t pid, int fd)
{
    int status = 0;
    waitpid(pid, &status, 0);
    ssize_t got = status == 0 ? read(fd, text, 255) : -1;
    if (got <= 0)
        bench_die("a process failed", NULL);
    text[got] = '\0';
    close(fd);
}

static share read_share(const char *text)
{
    unsigned long long items = 0;
    long long longest = 0;
    if (sscanf(text, "%llu %lld", &items, &longest) != 2)
        bench_die("a process failed", NULL);
    return (share){items, longest};
}

static void run_all(char texts[MOST][256], way way, int count)
{
    pid_t pids[MOST];
    int fds[MOST];
    way.begin = bench_now() + BEGIN_NS;
    for (int i = 0; i < count; i++)
        start_worker(&pids[i], &fds[i], &way);
    for (int i = 0; i < count; i++)
        finish_worker(texts[i], pids[i], fds[i]);
}

/* Until the last of them was durable, in the middle of the rounds. */
static void measure_rounds(const char *kind, way way, int count)
{
    static char texts[MOST][256];
    int64_t last[ROUNDS] = {0};
    run_all(texts, way, count);
    for (int i = 0; i < count; i++) {
        char *at = texts[i];
        for (int round = 0; round < ROUNDS; round++) {
            int64_t took = strtoll(at, &at, 10);
            last[round] = took > last[round] ? took : last[round];
        }
    }
    double ms = bench_ms(last, ROUNDS, 0.5);
    bench_print(kind, (const bench_number[]){{"processes", count}, {"all_ms", ms}, {"per_s", count / ms * 1000}, {NULL, 0}});
}

static void measure(const char *kind, way way, int count)
{
    static char texts[MOST][256];
    int64_t longest = 0;
    uint64_t sum = 0, least = UINT64_MAX;
    run_all(texts, way, count);
    for (int i = 0; i < count; i++) {
        share one = read_share(texts[i]);
        sum += one.items;
        least = one.items < least ? one.items : least;
        longest = one.longest > longest ? one.longest : longest;
    }
    double mean = (double)sum / count;
    bench_print(kind, (const bench_number[]){{"processes", count},
                                             {"per_s", (double)sum / (RUN_NS / 1e9)},
                                             {"least_of_mean", mean > 0 ? (double)least / mean : 0},
                                             {"longest_ms", (double)longest / 1e6},
                                             {NULL, 0}});
}

int main(int argc, char **argv)
{
    if (argc == 5) {
        way way = {argv[1], strcmp(argv[2], "bare") == 0, strcmp(argv[3], "at-once") == 0, strtoll(argv[4], NULL, 10)};
        work(&way);
        return 0;
    }
    int count = argc >= 3 ? atoi(argv[2]) : 0, at_once = argc == 4 && strcmp(argv[3], "at-once") == 0;
    if (count < 1 || count > MOST || argc > 3 + at_once)
        bench_die("usage: bench_processes FOLDER COUNT [at-once]", NULL);
    bench_check_disk(argv[1]);
    if (access(bench_path(argv[1], "shared"), F_OK) != 0) {
        bench_workspace(bench_path(argv[1], "shared"));
        obs_client *client = bench_open(bench_path(argv[1], "shared"));
        bench_define(client);
        obs_client_close(client);
    }
    sqlite3_close(open_bare(bench_path(argv[1], "shared.db")));
    way ours = {bench_path(argv[1], "shared"), 0, at_once, 0}, bare = {bench_path(argv[1], "shared.db"), 1, at_once, 0};
    (at_once ? measure_rounds : measure)("ours", ours, count);
    (at_once ? measure_rounds : measure)("bare", bare, count);
    return 0;
}
