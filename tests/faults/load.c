/*
 * What the power-cut and kill tests cut: four threads that ingest records and files, overwrite and delete objects, each
 * saying before a change what it is about to do and after it that it was told "done". One of them moves the audit records
 * into the log now and then.
 *
 *     load WORKSPACE SAYING COUNT SEED FIRST
 *
 * Lines appended to SAYING: `begin ID record`, `begin ID object KEY SHA256`, `begin ID over KEY SHA256`, `begin ID delete KEY`,
 * `done ID`, `sequenced SIZE`: the log has at least so many records, and its anchor was told.
 */
#include <fcntl.h>
#include <obs/obs.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define THREADS 4
#define LARGE 200000
#define ROUND 25 /* changes of a thread */

static obs_client *client;
static const char *workspace;
static int saying;
static int first, last; /* numbers of the changes */
static unsigned seed;

static void say(const char *line)
{
    if (write(saying, line, strlen(line)) != (ssize_t)strlen(line))
        abort();
}

static void fill(char *data, size_t size, unsigned *state)
{
    for (size_t i = 0; i < size; i++)
        data[i] = (char)(rand_r(state) >> 7);
}

static void sha_of(char *hex, const char *data, size_t size)
{
    unsigned char digest[32];
    EVP_Digest(data, size, digest, NULL, EVP_sha256(), NULL);
    for (int i = 0; i < 32; i++)
        sprintf(hex + 2 * i, "%02x", digest[i]);
}

static obs_status ingest_record(int id, obs_error *error)
{
    char json[128], line[160];
    snprintf(line, sizeof line, "begin %d record\n", id);
    say(line);
    snprintf(json, sizeof json, "{\"n\":%d,\"text\":\"record number %d\"}", id, id);
    return obs_ingest_record(NULL, client, "t.rec", json, OBS_TEXT, NULL, error);
}

static obs_status write_object(int id, int over, char *data, size_t size, obs_error *error)
{
    char key[64], hex[65], line[256];
    snprintf(key, sizeof key, over ? "over/%d" : "raw/%d", over ? id % 16 : id);
    sha_of(hex, data, size);
    snprintf(line, sizeof line, "begin %d %s %s %s\n", id, over ? "over" : "object", key, hex);
    say(line);
    if (over)
        return obs_store_put(NULL, obs_client_store(client), key, OBS_TEXT, data, size, NULL, error);
    return obs_ingest_file(client, key, OBS_TEXT, data, size, NULL, error);
}

static obs_status delete_object(int id, obs_error *error)
{
    char key[64], line[160];
    snprintf(key, sizeof key, "over/%d", id % 16);
    snprintf(line, sizeof line, "begin %d delete %s\n", id, key);
    say(line);
    obs_status status = obs_store_delete(obs_client_store(client), key, OBS_TEXT, NULL, error);
    return status == OBS_NOT_FOUND ? OBS_OK : status;
}

/* The size in the checkpoint that is in place; 0: there is none yet. */
static unsigned long long log_size(void)
{
    char path[4096];
    unsigned long long size = 0;
    snprintf(path, sizeof path, "%s/audit/log/checkpoint", workspace);
    FILE *file = fopen(path, "r");
    if (!file)
        return 0;
    if (fscanf(file, "%*[^\n] %llu", &size) != 1)
        abort();
    fclose(file);
    return size;
}

/* What was in place before a round is anchored after it. Nothing to say while the library's own thread has the turn. */
static obs_status sequence(obs_error *error)
{
    char line[64];
    snprintf(line, sizeof line, "sequenced %llu\n", log_size());
    obs_status status = obs_audit_sequence(obs_client_audit(client), NULL, error);
    if (status == OBS_OK)
        say(line);
    return status == OBS_ABORTED ? OBS_OK : status;
}

/* Thread t does the changes t, t + 4, …: so each of the sixteen overwritten keys belongs to one thread. */
static void *work(void *argument)
{
    unsigned state = seed + (unsigned)(size_t)argument;
    char *data = malloc(LARGE);
    obs_error error;
    obs_error_init(&error, sizeof error);
    for (int id = first + (int)(size_t)argument; id < last; id += THREADS) {
        char line[64];
        unsigned choice = rand_r(&state) % 100;
        size_t size = choice % 10 == 0 ? (size_t)rand_r(&state) % LARGE : (size_t)rand_r(&state) % 3000;
        obs_status status;
        fill(data, size, &state);
        if (choice < 40)
            status = ingest_record(id, &error);
        else if (choice < 60)
            status = write_object(id, 0, data, size, &error);
        else if (choice < 92)
            status = write_object(id, 1, data, size, &error);
        else
            status = delete_object(id, &error);
        if (status != OBS_OK) {
            fprintf(stderr, "load: %s (%s)\n", error.message, error.detail);
            exit(1);
        }
        snprintf(line, sizeof line, "done %d\n", id);
        say(line);
        if (!argument && id / THREADS % ROUND == ROUND - 1 && sequence(&error) != OBS_OK) {
            fprintf(stderr, "load: the log: %s (%s)\n", error.message, error.detail);
            exit(1);
        }
    }
    free(data);
    return NULL;
}

int main(int count, char **words)
{
    static const char schema[] = "{\"type\":\"object\",\"required\":[\"n\"],\"properties\":{\"n\":{\"type\":\"integer\"}}}";
    pthread_t threads[THREADS];
    obs_open_options options;
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_open_options_init(&options, sizeof options);
    if (count != 6)
        return 2;
    options.workspace = workspace = words[1];
    saying = open(words[2], O_WRONLY | O_APPEND | O_CLOEXEC);
    first = atoi(words[5]);
    last = first + atoi(words[3]);
    seed = (unsigned)atoi(words[4]);
    if (saying < 0 || obs_client_open(&client, &options, &error) != OBS_OK ||
        obs_ingest_definition(client, "t.rec", schema, OBS_TEXT, NULL, &error) != OBS_OK) {
        fprintf(stderr, "load: %s (%s)\n", error.message, error.detail);
        return 1;
    }
    say("ready\n");
    for (size_t i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, work, (void *)i);
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    say("end\n");
    obs_client_close(client);
    return 0;
}
