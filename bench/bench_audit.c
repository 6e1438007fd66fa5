/*
 * Verifying an audit log and proving one record, beside nothing but the hashing of the same records.
 *
 *     bench_audit FOLDER [RECORDS]     makes FOLDER anew; one JSON line for each figure
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "audit/append.h"
#include "audit/proof.h"
#include "audit/verify.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"

#define PROOFS 1001

static obs_error error;

static void need(obs_status status, const char *what)
{
    if (status == OBS_OK)
        return;
    fprintf(stderr, "%s: %s %s\n", what, error.message, error.detail);
    exit(1);
}

/* A record as a put leaves it. */
static obs__view leaf_of(char out[1024], uint64_t index)
{
    int size =
        snprintf(out, 1024,
                 "{\"v\":1,\"id\":\"0198aaaa-0000-7000-8000-%012llx\",\"time\":\"2026-11-20T21:15:03.123456Z\",\"tenant\":"
                 "\"sky\",\"class\":\"change\",\"action\":\"store.put\",\"status\":\"OK\",\"trace\":"
                 "\"4bf92f3577b34da6a3ce929d0e0e4736\",\"bytes\":2880,\"count\":1,\"subject\":\"%064llx\",\"actor\":null,"
                 "\"object\":\"%064llx\",\"client\":\"%064llx\"}",
                 (unsigned long long)index, (unsigned long long)index * 7919, (unsigned long long)index * 104729,
                 (unsigned long long)index * 1299709);
    return (obs__view){out, (size_t)size};
}

static void append_all(const obs__log_place *place, const obs__signer *signer, obs__tree_hasher *hasher, uint64_t count)
{
    char path[512], text[1024];
    obs__appender *appender;
    obs__tree_hash root;
    obs__builder checkpoint, note;
    int folder;
    need(obs__log_path(path, sizeof path, place->workspace, "log", &error), "path");
    need(obs__folder_make(AT_FDCWD, path, 0700, &error), "folder");
    need(obs__open_at(&folder, AT_FDCWD, path, O_RDONLY | O_DIRECTORY, 0, &error), "open");
    obs__tree_empty(hasher, &root);
    need(obs__appender_open(&appender, folder, 0, &root, hasher, &error), "appender");
    for (uint64_t i = 0; i < count; i++)
        need(obs__appender_add(appender, leaf_of(text, i), &error), "add");
    need(obs__appender_flush(appender, &root, &error), "flush");
    obs__appender_free(appender);
    obs__builder_init(&checkpoint, OBS__NOTE_MAX);
    obs__builder_init(&note, OBS__NOTE_MAX);
    obs__checkpoint_add(&checkpoint, place->origin, count, &root);
    need(obs__note_sign(&note, (obs__view){checkpoint.data, checkpoint.size}, signer, 0, &error), "sign");
    need(obs__file_write(folder, "checkpoint", note.data, note.size, 0600, &error), "checkpoint");
    obs__builder_free(&checkpoint);
    obs__builder_free(&note);
    close(folder);
}

static void make_log(const obs__log_place *place, obs__tree_hasher *hasher, uint64_t count)
{
    char path[512];
    obs__signer *signer;
    obs__builder line;
    need(obs__signer_new(&signer, place->origin, OBS__KEY_LOG, &error), "key");
    append_all(place, signer, hasher, count);
    obs__builder_init(&line, OBS__KEY_LINE_MAX);
    obs__verifier_add(&line, obs__signer_verifier(signer));
    need(obs__log_path(path, sizeof path, place->state, "", &error), "path");
    need(obs__folder_make(AT_FDCWD, path, 0700, &error), "folder");
    need(obs__log_path(path, sizeof path, place->state, "key.pub", &error), "path");
    need(obs__file_write(AT_FDCWD, path, line.data, line.size, 0600, &error), "key.pub");
    obs__builder_free(&line);
    obs__signer_free(signer);
}

/* Processor time: others on the machine do not count. */
static int64_t processor_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* The leaves and nodes of the same tree, hashed from memory. */
static double bare_rate(obs__tree_hasher *hasher, uint64_t count)
{
    char text[1024];
    obs__view leaf = leaf_of(text, count);
    obs__tree_range range = {0};
    obs__tree_hash hash;
    int64_t start = processor_ns();
    for (uint64_t i = 0; i < count; i++) {
        obs__tree_leaf(hasher, &hash, leaf);
        obs__tree_range_add(&range, hasher, 0, &hash);
    }
    return (double)count / (double)(processor_ns() - start) * 1e9;
}

static double verify_rate(const obs__log_place *place, uint64_t count)
{
    static obs__verified found;
    obs__verify_options options = {.place = place, .unanchored = 1};
    int64_t start = processor_ns();
    need(obs__audit_verify(&found, &options, &error), "verify");
    return (double)count / (double)(processor_ns() - start) * 1e9;
}

static int compare(const void *a, const void *b)
{
    int64_t first = *(const int64_t *)a, second = *(const int64_t *)b;
    return (first > second) - (first < second);
}

static void time_proofs(const obs__log_place *place, uint64_t count)
{
    static int64_t times[PROOFS], cpu[PROOFS];
    for (uint64_t i = 0; i < PROOFS; i++) {
        obs__builder proof;
        obs__builder_init(&proof, OBS__PROOF_MAX);
        int64_t start = obs__monotonic_ns(), cpu_start = processor_ns();
        need(obs__proof_make(&proof, place, i * 7919 % count, (obs__view){"", 0}, &error), "proof");
        cpu[i] = processor_ns() - cpu_start;
        times[i] = obs__monotonic_ns() - start;
        obs__builder_free(&proof);
    }
    qsort(times, PROOFS, sizeof times[0], compare);
    qsort(cpu, PROOFS, sizeof cpu[0], compare);
    printf("{\"figure\":\"proof\",\"p50_ns\":%lld,\"p99_ns\":%lld,\"p99_cpu_ns\":%lld}\n", (long long)times[PROOFS / 2],
           (long long)times[PROOFS * 99 / 100], (long long)cpu[PROOFS * 99 / 100]);
}

int main(int argc, char **argv)
{
    char workspace[300], state[300];
    obs__tree_hasher *hasher;
    uint64_t count = argc > 2 ? strtoull(argv[2], NULL, 10) : 500000;
    obs_error_init(&error, sizeof error);
    if (argc < 2 || !count)
        return 2;
    snprintf(workspace, sizeof workspace, "%s/work", argv[1]);
    snprintf(state, sizeof state, "%s/state", argv[1]);
    obs__log_place place = {.workspace = workspace, .state = state, .origin = "bench.example/audit"};
    need(obs__tree_hasher_new(&hasher, &error), "hasher");
    make_log(&place, hasher, count);
    double ours = verify_rate(&place, count);
    printf("{\"figure\":\"verify\",\"records\":%llu,\"per_s\":%.0f,\"bare_per_s\":%.0f}\n", (unsigned long long)count, ours,
           bare_rate(hasher, count));
    time_proofs(&place, count);
    obs__tree_hasher_free(hasher);
    return 0;
}
