/*
 * Configuration:
 *
 *     bench_config lookup FOLDER              64 readers and a writer: processor time for one lookup, by name and by handle
 *     bench_config validate FOLDER            100 values against a schema, without reading the text
 *     bench_config processes FOLDER SOURCE    a change until 100 processes have it; SOURCE: file or store
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/schema.h"
#include "bench.h"

#define READERS 64
#define PROCESSES 100
#define CHANGES 5
#define BATCH 1000
#define LOOKUP_NS 1000000000
#define KEYS 100

static obs_error error;

static void write_file(const char *path, const char *text)
{
    char made[512];
    snprintf(made, sizeof made, "%s.new", path);
    FILE *file = fopen(made, "w");
    if (!file || fputs(text, file) < 0 || fclose(file) != 0 || rename(made, path) != 0)
        bench_die(path, NULL);
}

/* Valid until the next one. */
static const char *new_workspace(const char *folder, const char *lines)
{
    static char path[512];
    char text[512];
    snprintf(path, sizeof path, "%s", bench_path(folder, "config"));
    char command[600];
    snprintf(command, sizeof command, "rm -rf '%s'", path);
    if (system(command) != 0)
        bench_die(command, NULL);
    bench_workspace(path);
    snprintf(text, sizeof text, "store: file:store\n%s", lines);
    write_file(bench_path(path, "obs.yaml"), text);
    return path;
}

/* As many values as a large workspace has; one of them is asked for. */
static char *document(int number)
{
    static char text[16384];
    size_t size = (size_t)snprintf(text, sizeof text, "number: %d\n", number);
    for (int group = 0; group < 10; group++) {
        size += (size_t)snprintf(text + size, sizeof text - size, "group%d:\n", group);
        for (int i = 0; i < KEYS / 10; i++)
            size += (size_t)snprintf(text + size, sizeof text - size, "  value%d: %d.5\n", i, group * 10 + i + number);
    }
    return text;
}

struct race {
    obs_config *config;
    obs_setting *setting;
    atomic_int stop;
    int by_name;
    atomic_llong lookups, cpu_ns;
};

static int64_t cpu_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static void *read_on(void *user)
{
    struct race *race = user;
    obs_error own;
    double sum = 0, value = 0;
    long long lookups = 0;
    obs_error_init(&own, sizeof own);
    int64_t begin = cpu_now();
    for (; !atomic_load(&race->stop); lookups += BATCH)
        for (int i = 0; i < BATCH; i++) {
            if (!race->by_name)
                value = obs_setting_float(race->setting);
            else if (obs_config_float(&value, race->config, "group5.value7", &own) != OBS_OK)
                bench_die("lookup", &own);
            sum += value;
        }
    atomic_fetch_add(&race->cpu_ns, cpu_now() - begin);
    atomic_fetch_add(&race->lookups, sum > 0 ? lookups : 0);
    return NULL;
}

static double run_race(struct race *race, const char *path, int by_name, int changes)
{
    pthread_t threads[READERS];
    struct timespec pause = {0, LOOKUP_NS / 10};
    race->by_name = by_name;
    atomic_store(&race->stop, 0);
    atomic_store(&race->lookups, 0);
    atomic_store(&race->cpu_ns, 0);
    for (int i = 0; i < READERS; i++)
        if (pthread_create(&threads[i], NULL, read_on, race) != 0)
            bench_die("thread", NULL);
    for (int i = 0; i < 10; i++) {
        nanosleep(&pause, NULL);
        if (!changes)
            continue;
        write_file(bench_path(path, "config.yaml"), document(i));
        if (obs_config_refresh(race->config, NULL, &error) != OBS_OK)
            bench_die("refresh", &error);
    }
    atomic_store(&race->stop, 1);
    for (int i = 0; i < READERS; i++)
        pthread_join(threads[i], NULL);
    return (double)atomic_load(&race->cpu_ns) / (double)atomic_load(&race->lookups);
}

static void lookup(const char *folder)
{
    char path[512];
    snprintf(path, sizeof path, "%s", new_workspace(folder, ""));
    write_file(bench_path(path, "config.yaml"), document(0));
    obs_client *client = bench_open(path);
    struct race race = {.config = obs_client_config(client)};
    if (obs_setting_open(&race.setting, race.config, "group5.value7", OBS_SETTING_FLOAT, NULL, &error) != OBS_OK)
        bench_die("setting", &error);
    double name = run_race(&race, path, 1, 1), handle = run_race(&race, path, 0, 1);
    bench_print("config_lookup", (bench_number[]){{"name_ns", name}, {"handle_ns", handle}, {NULL, 0}});
    obs_setting_free(race.setting);
    obs_client_close(client);
}

static json_t *schema_of(void)
{
    json_t *groups = json_object();
    for (int group = 0; group < 10; group++) {
        char name[32];
        json_t *values = json_object();
        for (int i = 0; i < KEYS / 10; i++) {
            snprintf(name, sizeof name, "value%d", i);
            json_object_set_new(values, name, json_pack("{s:s,s:i,s:i}", "type", "number", "minimum", 0, "maximum", 1000));
        }
        snprintf(name, sizeof name, "group%d", group);
        json_object_set_new(groups, name,
                            json_pack("{s:s,s:b,s:o}", "type", "object", "additionalProperties", 0, "properties", values));
    }
    return json_pack("{s:s,s:o}", "type", "object", "properties", groups);
}

static json_t *instance_of(void)
{
    json_t *whole = json_object();
    for (int group = 0; group < 10; group++) {
        char name[32];
        json_t *values = json_object();
        for (int i = 0; i < KEYS / 10; i++) {
            snprintf(name, sizeof name, "value%d", i);
            json_object_set_new(values, name, json_real(i + 0.5));
        }
        snprintf(name, sizeof name, "group%d", group);
        json_object_set_new(whole, name, values);
    }
    return whole;
}

static void validate(void)
{
    obs__schema *schema = NULL;
    json_t *document = schema_of(), *instance = instance_of();
    enum { TIMES = 2001 };
    static int64_t times[TIMES];
    if (obs__schema_compile(&schema, document, 0, &error) != OBS_OK)
        bench_die("schema", &error);
    for (int i = 0; i < TIMES; i++) {
        int64_t begin = bench_now();
        if (obs__schema_validate(schema, instance, &error) != OBS_OK)
            bench_die("validate", &error);
        times[i] = bench_now() - begin;
    }
    bench_print("config_validate", (bench_number[]){{"p50_us", bench_ms(times, TIMES, 0.5) * 1000}, {NULL, 0}});
    obs__schema_free(schema);
    json_decref(document);
    json_decref(instance);
}

/* Tells each version that it sees: its number and when. */
static void child(const char *path, int out)
{
    obs_client *client = bench_open(path);
    obs_config *config = obs_client_config(client);
    obs_call call;
    obs_call_init(&call, sizeof call);
    call.timeout_ms = 60000;
    for (int64_t number = 0; number < CHANGES;) {
        uint64_t version = obs_config_version(config);
        int64_t told[2];
        if (obs_config_int(&number, config, "number", &error) != OBS_OK)
            bench_die("number", &error);
        told[0] = number, told[1] = bench_now();
        if (write(out, told, sizeof told) != sizeof told)
            bench_die("pipe", NULL);
        if (number < CHANGES && obs_config_wait(&version, config, version ? version : 1, &call, &error) != OBS_OK)
            bench_die("wait", &error);
    }
    obs_client_close(client);
}

/* Until all have told this number; their times, from `begin` on. */
static void collect(int in, int64_t number, int64_t begin, int64_t times[PROCESSES])
{
    for (int got = 0; got < PROCESSES;) {
        int64_t told[2];
        if (read(in, told, sizeof told) != sizeof told)
            bench_die("a process ended early", NULL);
        if (told[0] == number)
            times[got++] = told[1] - begin;
    }
}

static void change(obs_config *config, int number)
{
    char text[16];
    snprintf(text, sizeof text, "%d", number);
    if (obs_config_set(config, "number", text, NULL, &error) != OBS_OK)
        bench_die("set", &error);
}

static void processes(const char *folder, const char *source)
{
    static int64_t times[CHANGES * PROCESSES];
    char lines[512];
    int pipes[2];
    const char *objects = bench_path(folder, "objects");
    snprintf(lines, sizeof lines, "config: 'file:%s#config.yaml'\n", objects);
    char path[512];
    snprintf(path, sizeof path, "%s", new_workspace(folder, strcmp(source, "store") == 0 ? lines : ""));
    obs_client *client = bench_open(path);
    change(obs_client_config(client), 0);
    if (pipe(pipes) != 0)
        bench_die("pipe", NULL);
    for (int i = 0; i < PROCESSES; i++)
        if (fork() == 0) {
            child(path, pipes[1]);
            _exit(0);
        }
    collect(pipes[0], 0, 0, times);
    for (int i = 1; i <= CHANGES; i++) {
        int64_t begin = bench_now();
        change(obs_client_config(client), i);
        collect(pipes[0], i, begin, times + (i - 1) * PROCESSES);
    }
    while (wait(NULL) > 0)
        ;
    bench_print(strcmp(source, "store") == 0 ? "config_store" : "config_file",
                (bench_number[]){{"p50_ms", bench_ms(times, CHANGES * PROCESSES, 0.5)},
                                 {"p99_ms", bench_ms(times, CHANGES * PROCESSES, 0.99)},
                                 {NULL, 0}});
    obs_client_close(client);
}

int main(int argc, char **argv)
{
    obs_error_init(&error, sizeof error);
    if (argc == 3 && strcmp(argv[1], "lookup") == 0)
        lookup(argv[2]);
    else if (argc == 3 && strcmp(argv[1], "validate") == 0)
        validate();
    else if (argc == 4 && strcmp(argv[1], "processes") == 0)
        processes(argv[2], argv[3]);
    else
        bench_die("usage: bench_config lookup|validate FOLDER, bench_config processes FOLDER file|store", NULL);
    return 0;
}
