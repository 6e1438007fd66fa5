/*
 * How fast the journal is, each figure beside its yardstick in the same run and on the same disk. Not a test: it judges
 * nothing.
 *
 *     bench_journal FOLDER [one|threads|processes|all]
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "journal/journal.h"

#define ROUNDS 1000
#define SECONDS 2.0
#define ROW_SIZE 300

static const char schema[] = "CREATE TABLE IF NOT EXISTS item(id INTEGER PRIMARY KEY, body BLOB)";
static const char insert[] = "INSERT INTO item(body) VALUES(?)";
static const char *const schemas[] = {schema, NULL};
static char body[ROW_SIZE];

static void die(const char *what, const obs_error *error)
{
    fprintf(stderr, "%s: %s %s\n", what, error ? error->message : "", error ? error->detail : "");
    exit(1);
}

static obs_status apply(obs__effect *effect, obs__txn *txn, obs_error *error)
{
    sqlite3_stmt *statement;
    (void)effect;
    obs_status status = obs__txn_statement(&statement, txn, insert, error);
    if (status != OBS_OK)
        return status;
    sqlite3_bind_blob(statement, 1, body, sizeof body, SQLITE_STATIC);
    return obs__txn_run(txn, statement, error);
}

static void free_nothing(obs__effect *effect)
{
    (void)effect;
}

static void commit_one(obs__journal *journal)
{
    static const obs__effect_ops ops = {.apply = apply, .free = free_nothing, .repeatable = 1};
    obs__effect effect = {.ops = &ops};
    obs__effects effects = {0};
    obs__limit none = obs__limit_in(-1, NULL);
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs__effects_add(&effects, &effect);
    if (obs__journal_commit(journal, &effects, &none, &error) != OBS_OK)
        die("commit", &error);
}

static obs__journal *open_journal(const char *folder, const char *name)
{
    char path[4096];
    obs_error error;
    obs__journal *journal;
    obs__limit none = obs__limit_in(-1, NULL);
    obs_error_init(&error, sizeof error);
    snprintf(path, sizeof path, "%s/%s", folder, name);
    mkdir(path, 0700);
    obs__journal_options options = {.folder = path, .schemas = schemas, .create = 1};
    if (obs__journal_open(&journal, &options, &none, &error) != OBS_OK)
        die("open", &error);
    return journal;
}

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

static double middle_ms(int64_t *times, size_t count)
{
    qsort(times, count, sizeof *times, compare);
    return (double)times[count / 2] / 1e6;
}

/* A file with its bytes written once, so that a sync writes data and no metadata. */
static int open_yardstick(const char *folder)
{
    static char zeros[8 << 20];
    char path[4096];
    snprintf(path, sizeof path, "%s/yardstick", folder);
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, zeros, sizeof zeros) != (ssize_t)sizeof zeros || fsync(fd) != 0)
        die("yardstick", NULL);
    return fd;
}

/* The two kinds take turns, so that both see the same moods of the disk. */
static void bench_one(const char *folder)
{
    static int64_t ours[ROUNDS], bare[ROUNDS];
    static char page[4096 + 24];
    obs__journal *journal = open_journal(folder, "one");
    int fd = open_yardstick(folder);
    for (int i = 0; i < 1200; i++) /* until the log was reset once */
        commit_one(journal);
    for (int i = 0; i < ROUNDS; i++) {
        int64_t begin = obs__monotonic_ns();
        commit_one(journal);
        ours[i] = obs__monotonic_ns() - begin;
        begin = obs__monotonic_ns();
        if (pwrite(fd, page, sizeof page, (off_t)(i % 1000) * (off_t)sizeof page) < 0 || fdatasync(fd) != 0)
            die("fdatasync", NULL);
        bare[i] = obs__monotonic_ns() - begin;
    }
    double a = middle_ms(ours, ROUNDS), b = middle_ms(bare, ROUNDS), goal = 1.3 * b + 0.2;
    printf("one row, one writer: p50 %.3f ms, fdatasync %.3f ms, goal %.3f ms, p99 %.3f and %.3f ms: %s\n", a, b, goal,
           (double)ours[ROUNDS * 99 / 100] / 1e6, (double)bare[ROUNDS * 99 / 100] / 1e6, a <= goal ? "reached" : "MISSED");
    close(fd);
    obs__journal_free(journal);
}

/* The bare loop: one queue, one condition, one connection, no file lock, no savepoints, no deadlines. */
static struct {
    pthread_mutex_t mutex;
    pthread_cond_t done;
    sqlite3 *handle;
    sqlite3_stmt *begin, *insert, *commit;
    uint64_t waiting, committed;
    int led;
} bare = {.mutex = PTHREAD_MUTEX_INITIALIZER, .done = PTHREAD_COND_INITIALIZER};

static void step(sqlite3_stmt *statement)
{
    if (sqlite3_step(statement) != SQLITE_DONE)
        die(sqlite3_errmsg(bare.handle), NULL);
    sqlite3_reset(statement);
}

static void open_bare(const char *folder)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/bare.db", folder);
    if (sqlite3_open(path, &bare.handle) != SQLITE_OK)
        die("bare", NULL);
    sqlite3_exec(bare.handle, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=1000", NULL, NULL,
                 NULL);
    sqlite3_exec(bare.handle, schema, NULL, NULL, NULL);
    sqlite3_prepare_v2(bare.handle, "BEGIN IMMEDIATE", -1, &bare.begin, NULL);
    sqlite3_prepare_v2(bare.handle, insert, -1, &bare.insert, NULL);
    sqlite3_prepare_v2(bare.handle, "COMMIT", -1, &bare.commit, NULL);
}

static void close_bare(void)
{
    sqlite3_finalize(bare.begin);
    sqlite3_finalize(bare.insert);
    sqlite3_finalize(bare.commit);
    sqlite3_close(bare.handle);
}

static void bare_commit(void)
{
    pthread_mutex_lock(&bare.mutex);
    uint64_t own = ++bare.waiting;
    while (bare.committed < own) {
        if (bare.led) {
            pthread_cond_wait(&bare.done, &bare.mutex);
            continue;
        }
        bare.led = 1;
        uint64_t first = bare.committed, last = bare.waiting;
        pthread_mutex_unlock(&bare.mutex);
        step(bare.begin);
        for (uint64_t i = first; i < last; i++) {
            sqlite3_bind_blob(bare.insert, 1, body, sizeof body, SQLITE_STATIC);
            step(bare.insert);
        }
        step(bare.commit);
        pthread_mutex_lock(&bare.mutex);
        bare.committed = last;
        bare.led = 0;
        pthread_cond_broadcast(&bare.done);
    }
    pthread_mutex_unlock(&bare.mutex);
}

struct worker {
    pthread_t thread;
    obs__journal *journal; /* NULL: the bare loop */
    int64_t end;
    uint64_t commits;
};

static void *work(void *user)
{
    struct worker *worker = user;
    for (; obs__monotonic_ns() < worker->end; worker->commits++) {
        if (worker->journal)
            commit_one(worker->journal);
        else
            bare_commit();
    }
    return NULL;
}

static double run_threads(obs__journal *journal, int count)
{
    struct worker workers[256] = {0};
    uint64_t commits = 0;
    int64_t begin = obs__monotonic_ns();
    for (int i = 0; i < count; i++) {
        workers[i] = (struct worker){.journal = journal, .end = begin + (int64_t)(SECONDS * 1e9)};
        pthread_create(&workers[i].thread, NULL, work, &workers[i]);
    }
    for (int i = 0; i < count; i++) {
        pthread_join(workers[i].thread, NULL);
        commits += workers[i].commits;
    }
    return (double)commits / ((double)(obs__monotonic_ns() - begin) / 1e9);
}

static void bench_threads(const char *folder, int count)
{
    obs__journal *journal = open_journal(folder, "threads");
    double ours = 0, loop = 0;
    open_bare(folder);
    run_threads(journal, count); /* warm */
    run_threads(NULL, count);
    for (int i = 0; i < 3; i++) {
        ours += run_threads(journal, count) / 3;
        loop += run_threads(NULL, count) / 3;
    }
    printf("%d threads: %.0f/s, bare loop %.0f/s, ratio %.2f (goal 0.80): %s\n", count, ours, loop, ours / loop,
           ours >= 0.8 * loop ? "reached" : "MISSED");
    close_bare();
    obs__journal_free(journal);
}

struct share {
    uint64_t commits;
    int64_t longest;
};

static void run_process(const char *folder, struct share *share, int64_t begin)
{
    obs__journal *journal = open_journal(folder, "processes");
    while (obs__monotonic_ns() < begin)
        usleep(1000);
    for (int64_t now = begin; now < begin + (int64_t)(2 * SECONDS * 1e9);) {
        commit_one(journal);
        int64_t after = obs__monotonic_ns();
        share->longest = after - now > share->longest ? after - now : share->longest;
        share->commits++;
        now = after;
    }
    obs__journal_free(journal);
}

static void bench_processes(const char *folder, int count)
{
    struct share *shares = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int64_t begin = obs__monotonic_ns() + 500000000;
    uint64_t sum = 0, least = UINT64_MAX;
    int64_t longest = 0;
    for (int i = 0; i < count; i++)
        if (fork() == 0) {
            run_process(folder, &shares[i], begin);
            _exit(0);
        }
    for (int i = 0; i < count; i++)
        wait(NULL);
    for (int i = 0; i < count; i++) {
        sum += shares[i].commits;
        least = shares[i].commits < least ? shares[i].commits : least;
        longest = shares[i].longest > longest ? shares[i].longest : longest;
    }
    double mean = (double)sum / count;
    printf("%d processes: %.0f/s, slowest %.2f of the mean (goal 0.50), longest wait %.0f ms (goal 1000): %s\n", count,
           (double)sum / (2 * SECONDS), (double)least / mean, (double)longest / 1e6,
           (double)least >= 0.5 * mean && longest <= 1000000000 ? "reached" : "MISSED");
    munmap(shares, 4096);
}

int main(int argc, char **argv)
{
    const char *what = argc > 2 ? argv[2] : "all";
    if (argc < 2) {
        fprintf(stderr, "usage: %s FOLDER [one|threads|processes|all]\n", argv[0]);
        return 2;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    int all = strcmp(what, "all") == 0;
    if (all || strcmp(what, "processes") == 0) { /* first: forks before there are threads and connections */
        bench_processes(argv[1], 8);
        bench_processes(argv[1], 32);
    }
    if (all || strcmp(what, "one") == 0)
        bench_one(argv[1]);
    if (all || strcmp(what, "threads") == 0)
        bench_threads(argv[1], 64);
    return 0;
}
