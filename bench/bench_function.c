/*
 * Functions, warm, in a runner that is a process of its own: from the event to its product.
 *
 *     bench_function FOLDER call             one at a time: from before the publish until the product is there, with the event
 *                                            acknowledged in the same commit; a commit of this disk in turns
 *     bench_function FOLDER rate EVENTS      how many a second, of events that wait
 *     bench_function FOLDER kill EVENTS      runner and workers are killed 20 times; each event must have one product, made
 * once
 */
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"
#include "child.h"
#include "commit.h"

#define CALLS 1000
#define WARM 50
#define WARM_EVENTS 500
#define UNIT 500 /* events that are published together */
#define KILLS 20
#define WORKERS 16
#define TYPE "org.example.bench"
#define CONSUMER "function.bench"

static obs_error error;

/* The runner: until the parent ends it. */
static void run(const char *path)
{
    obs_client *client = bench_open(path);
    bench_write_number(1, bench_now());
    if (obs_function_run(client, NULL, &error) != OBS_OK)
        bench_die("run", &error);
}

static void start_runner(bench_child *out, const char *self, const char *path)
{
    int64_t time;
    bench_child_start(out, (const char *const[]){self, path, "run", NULL});
    if (!bench_read_number(out->output, &time))
        bench_die("the runner ended", NULL);
}

/* The function, whose program lies beside this one. */
static void install(const char *path, int workers)
{
    char program[4096 - 64], folder[4096], text[8192];
    ssize_t size = readlink("/proc/self/exe", program, sizeof program - 1);
    program[size < 0 ? 0 : size] = '\0';
    char *name = strrchr(program, '/');
    snprintf(folder, sizeof folder, "%s/functions", path);
    mkdir(folder, 0700);
    snprintf(folder, sizeof folder, "%s/functions/bench", path);
    mkdir(folder, 0700);
    int length = snprintf(text, sizeof text,
                          "name: bench\ncommand: [%.*s/bench_handler]\non: {type: '" TYPE "'}\nreads: [raw/]\n"
                          "writes: [products/]\npublishes: [org.example.product]\nretry: 10ms\nattempts: 1000\nworkers: %d\n",
                          name ? (int)(name - program) : 0, program, workers);
    FILE *file = fopen(bench_path(folder, "function.yaml"), "w");
    if (!file || fwrite(text, 1, (size_t)length, file) != (size_t)length || fclose(file) != 0)
        bench_die("cannot write the function's manifest", NULL);
    chmod(bench_path(folder, "function.yaml"), 0600);
}

static obs_event event_of(char id[32], int number)
{
    obs_event event;
    obs_event_init(&event, sizeof event);
    snprintf(id, 32, "e%06d", number);
    event.id = id;
    event.source = "/bench";
    event.type = TYPE;
    return event;
}

static void publish_all(obs_client *client, int first, int count)
{
    char id[32];
    for (int i = first; i < first + count;) {
        obs_unit *unit;
        if (obs_unit_begin(&unit, client, NULL, &error) != OBS_OK)
            bench_die("unit", &error);
        do {
            obs_event event = event_of(id, i);
            if (obs_unit_publish(unit, &event, NULL, &error) != OBS_OK)
                bench_die("publish", &error);
        } while (++i % UNIT && i < first + count);
        if (obs_unit_commit(unit, &error) != OBS_OK)
            bench_die("commit", &error);
        obs_unit_free(unit);
    }
}

static void pause_us(long us)
{
    nanosleep(&(struct timespec){us / 1000000, us % 1000000 * 1000}, NULL);
}

/* How many events of the log are not done; -1: the runner did not subscribe yet. */
static long behind(obs_client *client)
{
    obs_rows *rows = NULL;
    const char *row;
    long count = -1;
    if (obs_bus_consumers(&rows, obs_client_bus(client), NULL, &error) != OBS_OK)
        bench_die("consumers", &error);
    while (obs_rows_next(rows, &row, NULL, &error) == OBS_OK && row) {
        const char *number = strstr(row, "\"behind\":");
        if (strstr(row, "\"" CONSUMER "\"") && number)
            count = atol(number + 9);
    }
    obs_rows_free(rows);
    return count;
}

static int is_made(obs_client *client, const char *key)
{
    obs_stat *found = NULL;
    obs_status status = obs_store_head(&found, obs_client_store(client), key, OBS_TEXT, NULL, &error);
    obs_stat_free(found);
    if (status != OBS_OK && status != OBS_NOT_FOUND)
        bench_die("head", &error);
    return status == OBS_OK;
}

static void wait_made(obs_client *client, int number)
{
    char key[64];
    snprintf(key, sizeof key, "products/e%06d.json", number);
    int64_t end = bench_now() + INT64_C(60000000000);
    while (!is_made(client, key))
        if (bench_now() > end)
            bench_die("no product within a minute", NULL);
        else
            pause_us(10);
}

/* ---- One at a time. ---- */

/* The same product without a function. */
static int64_t put_one(obs_client *client, int number)
{
    static const char product[] =
        "{\"object\":\"12893\",\"mag\":17.3125,\"band\":\"V\",\"station\":\"Z07\",\"airmass\":1.25}\n";
    char key[64];
    snprintf(key, sizeof key, "others/%06d.json", number);
    int64_t start = bench_now();
    if (obs_store_put(NULL, obs_client_store(client), key, OBS_TEXT, product, sizeof product - 1, NULL, &error) != OBS_OK)
        bench_die("put", &error);
    return bench_now() - start;
}

static void measure_calls(const char *self, const char *path, const char *folder)
{
    static int64_t whole[CALLS], published[CALLS], bare[CALLS], put[CALLS];
    bench_child runner;
    char id[32];
    obs_client *client = bench_open(path);
    sqlite3 *yardstick = bench_commit_open(bench_path(folder, "call.db"));
    install(path, 1);
    prctl(PR_SET_TIMERSLACK, 1000); /* or each look for the product would be 50 µs late */
    start_runner(&runner, self, path);
    for (int i = -WARM; i < CALLS; i++) {
        int at = i < 0 ? 0 : i;
        pause_us(1000);
        int64_t start = bench_now();
        bench_commit(yardstick);
        bare[at] = bench_now() - start;
        put[at] = put_one(client, i + WARM);
        pause_us(1000);
        obs_event event = event_of(id, i + WARM);
        start = bench_now();
        if (obs_bus_publish(NULL, obs_client_bus(client), &event, NULL, &error) != OBS_OK)
            bench_die("publish", &error);
        published[at] = bench_now() - start;
        wait_made(client, i + WARM);
        whole[at] = bench_now() - start;
    }
    bench_child_end(&runner, SIGKILL);
    sqlite3_close(yardstick);
    obs_client_close(client);
    bench_print("call", (const bench_number[]){{"p50_ms", bench_ms(whole, CALLS, 0.5)},
                                               {"p99_ms", bench_ms(whole, CALLS, 0.99)},
                                               {"publish_ms", bench_ms(published, CALLS, 0.5)},
                                               {"put_ms", bench_ms(put, CALLS, 0.5)},
                                               {"commit_ms", bench_ms(bare, CALLS, 0.5)},
                                               {"p25_ms", bench_ms(whole, CALLS, 0.25)},
                                               {"publish_p25_ms", bench_ms(published, CALLS, 0.25)},
                                               {"put_p25_ms", bench_ms(put, CALLS, 0.25)},
                                               {"commit_p25_ms", bench_ms(bare, CALLS, 0.25)},
                                               {NULL, 0}});
}

/* ---- Many. ---- */

static void show(const char *what, long done, long all)
{
    fprintf(stderr, "\rbench: %s: %ld of %ld%s", what, done, all, done >= all ? "\n" : "");
}

/* Until so few are left; says how far it is. */
static void wait_left(obs_client *client, const char *what, long left, long all)
{
    long now;
    for (int i = 0; (now = behind(client)) < 0 || now > left; i++) {
        pause_us(2000);
        if (now >= 0 && i % 500 == 0)
            show(what, all - now, all);
    }
}

static void measure_rate(const char *self, const char *path, const char *folder, int count)
{
    bench_child runner;
    (void)folder;
    obs_client *client = bench_open(path);
    install(path, WORKERS);
    publish_all(client, 0, WARM_EVENTS);
    start_runner(&runner, self, path);
    wait_left(client, "functions, until warm", 0, WARM_EVENTS);
    publish_all(client, WARM_EVENTS, count);
    int64_t start = bench_now();
    long left = behind(client);
    wait_left(client, "functions", 0, count);
    double seconds = (double)(bench_now() - start) / 1e9;
    show("functions", count, count);
    double used_us = (double)bench_child_end(&runner, SIGKILL) / 1000;
    obs_client_close(client);
    bench_print("rate", (const bench_number[]){{"per_s", (double)left / seconds},
                                               {"workers", WORKERS},
                                               {"runner_us", used_us / (count + WARM_EVENTS)},
                                               {NULL, 0}});
}

/* ---- Killed. ---- */

static int parent_of(int pid)
{
    char path[64], line[512];
    int parent = 0;
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    FILE *stat = fopen(path, "r");
    char *end = stat && fgets(line, sizeof line, stat) ? strrchr(line, ')') : NULL;
    if (stat)
        fclose(stat);
    return end && sscanf(end + 1, " %*c %d", &parent) == 1 ? parent : 0;
}

/* One of the workers, or 0. */
static pid_t worker_of(pid_t runner, unsigned seed)
{
    pid_t workers[WORKERS];
    unsigned count = 0;
    const struct dirent *entry;
    DIR *processes = opendir("/proc");
    while (processes && count < WORKERS && (entry = readdir(processes))) {
        int pid = atoi(entry->d_name);
        if (pid > 0 && parent_of(pid) == runner)
            workers[count++] = pid;
    }
    if (processes)
        closedir(processes);
    return count ? workers[seed % count] : 0;
}

/* Every third time only a worker. */
static void kill_one(bench_child *runner, const char *self, const char *path, int number)
{
    pid_t worker = number % 3 == 2 ? worker_of(runner->pid, (unsigned)number * 7919) : 0;
    if (worker) {
        kill(worker, SIGKILL);
        return;
    }
    bench_child_end(runner, SIGKILL);
    start_runner(runner, self, path);
}

/* How often each product was made, by the audit trail. */
static void count_made(obs_client *client, int count, int *lost, int *twice)
{
    unsigned char *made = calloc((size_t)count, 1);
    obs_audit_options options;
    obs_rows *rows = NULL;
    const char *row;
    obs_audit_options_init(&options, sizeof options);
    options.action = "store.put";
    if (!made || obs_audit_query(&rows, obs_client_audit(client), &options, &error) != OBS_OK)
        bench_die("audit", &error);
    while (obs_rows_next(rows, &row, NULL, &error) == OBS_OK && row) {
        const char *name = strstr(row, "products/e");
        int number = name && strstr(row, "\"OK\"") ? atoi(name + 10) : -1;
        if (number >= 0 && number < count && made[number] < 255)
            made[number]++;
    }
    if (error.status != OBS_OK)
        bench_die("audit", &error);
    obs_rows_free(rows);
    for (int i = 0; i < count; i++) {
        *lost += !made[i];
        *twice += made[i] > 1;
    }
    free(made);
}

static void measure_kills(const char *self, const char *path, const char *folder, int count)
{
    bench_child runner;
    int lost = 0, twice = 0;
    unsigned seed = 20261121;
    (void)folder;
    obs_client *client = bench_open(path);
    install(path, WORKERS);
    publish_all(client, 0, count);
    int64_t start = bench_now();
    start_runner(&runner, self, path);
    for (int i = 0; i < KILLS; i++) {
        seed = seed * 1664525 + 1013904223;
        long part = count / (KILLS + 1), done = part * (i + 1) - (long)(seed >> 8) % (part / 2 + 1);
        wait_left(client, "functions, with kills", count - done, count);
        pause_us((long)(seed >> 16) % 5000);
        kill_one(&runner, self, path, i);
    }
    wait_left(client, "functions, with kills", 0, count);
    double seconds = (double)(bench_now() - start) / 1e9;
    show("functions, with kills", count, count);
    bench_child_end(&runner, SIGKILL);
    count_made(client, count, &lost, &twice);
    obs_client_close(client);
    bench_print(
        "kill",
        (const bench_number[]){
            {"events", count}, {"kills", KILLS}, {"lost", lost}, {"twice", twice}, {"per_s", count / seconds}, {NULL, 0}});
}

int main(int argc, char **argv)
{
    obs_error_init(&error, sizeof error);
    const char *mode = argc >= 3 ? argv[2] : "";
    int count = argc == 4 ? atoi(argv[3]) : 0;
    if (argc == 3 && strcmp(mode, "run") == 0) {
        run(argv[1]);
        return 0;
    }
    int is_call = argc == 3 && strcmp(mode, "call") == 0, is_rate = strcmp(mode, "rate") == 0,
        is_kill = strcmp(mode, "kill") == 0;
    if (!is_call && (argc != 4 || count < KILLS || count > 1000000 || (!is_rate && !is_kill)))
        bench_die("usage: bench_function FOLDER call|rate EVENTS|kill EVENTS", NULL);
    bench_check_disk(argv[1]);
    char path[4096], name[32];
    snprintf(name, sizeof name, "functions-%.8s", mode);
    snprintf(path, sizeof path, "%s", bench_path(argv[1], name));
    bench_workspace(path);
    if (is_call)
        measure_calls(argv[0], path, argv[1]);
    else if (is_rate)
        measure_rate(argv[0], path, argv[1], count);
    else
        measure_kills(argv[0], path, argv[1], count);
    return 0;
}
