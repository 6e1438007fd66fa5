/*
 * The loader of the tenant `planets`, in C: observations and orbits of minor planets.
 *
 *     planets DEFINITIONS FILE...
 *
 * Each file goes in whole, as an object (batch); each observation or orbit in it goes in by itself, as a record (stream), on
 * sixteen threads, whose commits share their syncs. A file is lines, or a JSON array whose elements hold a line in
 * `original_record`; one whose name begins with MPCORB holds orbits. Prints one JSON object for each file.
 */
#include <jansson.h>
#include <obs/ingest.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mpc.h"

#define THREADS 16

struct line {
    const char *text;
    size_t size;
    long number;
};

typedef const char *line_parser(char *out, size_t capacity, const char *line, size_t size);

/* One file on its way in. */
struct job {
    obs_client *client;
    const char *table;
    obs_pair family; /* the label of all that goes in */
    line_parser *parse;
    const char *name;
    struct line *lines;
    size_t count;
    atomic_size_t next;
    atomic_size_t accepted;
    atomic_size_t refused;
    atomic_int failed;
    obs_error error; /* of the thread that failed first */
};

static char *read_file(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    char *content = NULL;
    if (!file)
        return NULL;
    if (fseek(file, 0, SEEK_END) == 0 && ftell(file) >= 0) {
        *size = (size_t)ftell(file);
        rewind(file);
        content = malloc(*size + 1);
        if (content && fread(content, 1, *size, file) != *size) {
            free(content);
            content = NULL;
        }
    }
    fclose(file);
    if (content)
        content[*size] = '\0';
    return content;
}

static obs_status send_line(struct job *job, const struct line *line, obs_error *error)
{
    char record[512];
    char origin[300];
    obs_ingest_options options;
    obs_ingest_options_init(&options, sizeof options);
    snprintf(origin, sizeof origin, "%s:%ld", job->name, line->number);
    options.origin = origin;
    options.labels = &job->family;
    options.label_count = 1;
    options.reason = job->parse(record, sizeof record, line->text, line->size);
    obs_status status;
    if (options.reason) {
        status = obs_ingest_refuse(job->client, job->table, line->text, line->size, &options, error);
        atomic_fetch_add(&job->refused, status == OBS_OK);
        return status;
    }
    status = obs_ingest_record(NULL, job->client, job->table, record, OBS_TEXT, &options, error);
    atomic_fetch_add(&job->accepted, status == OBS_OK);
    atomic_fetch_add(&job->refused, status == OBS_REFUSED);
    return status == OBS_REFUSED ? OBS_OK : status;
}

static void *work(void *argument)
{
    struct job *job = argument;
    obs_error error;
    obs_error_init(&error, sizeof error);
    while (!atomic_load(&job->failed)) {
        size_t index = atomic_fetch_add(&job->next, 1);
        if (index >= job->count)
            break;
        if (send_line(job, &job->lines[index], &error) != OBS_OK && !atomic_exchange(&job->failed, 1))
            job->error = error;
    }
    return NULL;
}

static void show_progress(const struct job *job)
{
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "\r\033[K%s  %zu/%zu", job->name, atomic_load(&job->accepted) + atomic_load(&job->refused), job->count);
}

static obs_status send_lines(struct job *job)
{
    pthread_t threads[THREADS];
    int started = 0;
    while (started < THREADS && pthread_create(&threads[started], NULL, work, job) == 0)
        started++;
    if (!started)
        work(job);
    for (; started && atomic_load(&job->next) < job->count && !atomic_load(&job->failed); usleep(100000))
        show_progress(job);
    while (started--)
        pthread_join(threads[started], NULL);
    if (isatty(STDERR_FILENO))
        fputs("\r\033[K", stderr);
    return atomic_load(&job->failed) ? job->error.status : OBS_OK;
}

static struct line *split_lines(const char *content, size_t size, size_t *count)
{
    size_t most = 1;
    long number = 0;
    for (size_t i = 0; i < size; i++)
        most += content[i] == '\n';
    struct line *lines = calloc(most, sizeof *lines);
    *count = 0;
    for (const char *at = content; lines && at < content + size;) {
        const char *end = memchr(at, '\n', (size_t)(content + size - at));
        end = end ? end : content + size;
        number++;
        size_t length = (size_t)(end - at);
        if (length && at[length - 1] == '\r')
            length--;
        if (length)
            lines[(*count)++] = (struct line){at, length, number};
        at = end + 1;
    }
    return lines;
}

static struct line *split_array(const json_t *array, size_t *count)
{
    struct line *lines = calloc(json_array_size(array) + 1, sizeof *lines);
    *count = json_array_size(array);
    for (size_t i = 0; lines && i < *count; i++) {
        const json_t *text = json_object_get(json_array_get(array, i), "original_record");
        lines[i] = (struct line){json_is_string(text) ? json_string_value(text) : "", json_string_length(text), (long)i + 1};
    }
    return lines;
}

static obs_status load(obs_client *client, const char *path, obs_error *error)
{
    struct job job = {.client = client, .name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path};
    int is_orbits = strncmp(job.name, "MPCORB", 6) == 0;
    char key[300];
    size_t size = 0;
    char *content = read_file(path, &size);
    job.table = is_orbits ? "mpc.orbit" : "mpc.obs80";
    job.family = (obs_pair){"family", job.table};
    job.parse = is_orbits ? mpcorb_to_json : obs80_to_json;
    obs_ingest_options options;
    obs_ingest_options_init(&options, sizeof options);
    options.origin = job.name;
    options.content_type = "text/plain";
    options.labels = &job.family;
    options.label_count = 1;
    if (!content) {
        fprintf(stderr, "planets: cannot read '%s'\n", path);
        return OBS_NOT_FOUND;
    }
    snprintf(key, sizeof key, "raw/%s/%s", job.table + 4, job.name);
    obs_status status = obs_ingest_file(client, key, OBS_TEXT, content, size, &options, error);
    json_t *array = size && content[0] == '[' ? json_loadb(content, size, JSON_REJECT_DUPLICATES, NULL) : NULL;
    job.lines = array ? split_array(array, &job.count) : split_lines(content, size, &job.count);
    if (status == OBS_OK && job.lines) {
        status = send_lines(&job);
        *error = status == OBS_OK ? *error : job.error;
    }
    if (status == OBS_OK)
        printf("{\"tenant\":\"planets\",\"file\":\"%s\",\"table\":\"%s\",\"accepted\":%zu,\"refused\":%zu}\n", job.name,
               job.table, atomic_load(&job.accepted), atomic_load(&job.refused));
    json_decref(array);
    free(job.lines);
    free(content);
    return status;
}

static obs_status define(obs_client *client, const char *folder, const char *name, obs_error *error)
{
    char path[4096];
    size_t size = 0;
    snprintf(path, sizeof path, "%s/%s.json", folder, name);
    char *schema = read_file(path, &size);
    if (!schema) {
        fprintf(stderr, "planets: cannot read '%s'\n", path);
        return OBS_NOT_FOUND;
    }
    obs_status status = obs_ingest_definition(client, name, schema, size, NULL, error);
    free(schema);
    return status;
}

int main(int count, char **words)
{
    obs_client *client = NULL;
    obs_open_options options;
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_open_options_init(&options, sizeof options);
    options.tenant = "planets";
    options.program = "planets/1.0";
    if (count < 3) {
        fprintf(stderr, "usage: planets DEFINITIONS FILE...\n");
        return 2;
    }
    obs_status status = obs_client_open(&client, &options, &error);
    if (status == OBS_OK)
        status = define(client, words[1], "mpc.obs80", &error);
    if (status == OBS_OK)
        status = define(client, words[1], "mpc.orbit", &error);
    for (int i = 2; status == OBS_OK && i < count; i++)
        status = load(client, words[i], &error);
    if (status != OBS_OK)
        fprintf(stderr, "planets: %s\n", error.message);
    obs_client_close(client);
    return obs_status_exit_code(status);
}
