/*
 * Questions to the audit trail: 1,000 rows of it, each checked against the signed log.
 *
 *     bench_query FOLDER
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "bench.h"

#define RECORDS 20000
#define ROWS 1000
#define QUESTIONS 201

static obs_error error;

static void ingest_all(obs_client *client)
{
    obs_ingest_counts counts = {.size = sizeof counts};
    char *lines = malloc((size_t)RECORDS * BENCH_RECORD_SIZE);
    size_t size = 0;
    if (!lines)
        bench_die("memory", NULL);
    for (uint64_t i = 0; i < RECORDS; i++) {
        size += bench_record(lines + size, i);
        lines[size++] = '\n';
    }
    if (obs_ingest_records(&counts, client, "bench.obs80", lines, size, NULL, &error) != OBS_OK || counts.refused)
        bench_die("ingest", &error);
    free(lines);
}

/* Processor time of this thread: others on the machine do not count. */
static int64_t cpu_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static int64_t ask(obs_audit *audit, int after)
{
    char position[16];
    const char *row;
    size_t size, count = 0;
    obs_rows *rows;
    obs_audit_options options;
    obs_audit_options_init(&options, sizeof options);
    snprintf(position, sizeof position, "%d", after);
    options.after = position;
    options.limit = ROWS;
    int64_t begin = cpu_now();
    if (obs_audit_query(&rows, audit, &options, &error) != OBS_OK)
        bench_die("query", &error);
    while (obs_rows_next(rows, &row, &size, &error) == OBS_OK && row)
        count++;
    int64_t took = cpu_now() - begin;
    if (error.status != OBS_OK || count != ROWS)
        bench_die("rows", &error);
    obs_rows_free(rows);
    return took;
}

int main(int argc, char **argv)
{
    static int64_t times[QUESTIONS];
    if (argc != 2)
        bench_die("usage: bench_query FOLDER", NULL);
    obs_error_init(&error, sizeof error);
    bench_workspace(bench_path(argv[1], "query"));
    obs_client *client = bench_open(bench_path(argv[1], "query"));
    obs_audit *audit = obs_client_audit(client);
    bench_define(client);
    ingest_all(client);
    if (obs_audit_sequence(audit, NULL, &error) != OBS_OK)
        bench_die("sequence", &error);
    for (int i = 0; i < QUESTIONS; i++)
        times[i] = ask(audit, i * 7919 % (RECORDS - ROWS));
    bench_print("audit_query", (const bench_number[]){{"row_us", bench_ms(times, QUESTIONS, 0.5) * 1000 / ROWS},
                                                      {"row_p99_us", bench_ms(times, QUESTIONS, 0.99) * 1000 / ROWS},
                                                      {NULL, 0}});
    obs_client_close(client);
    return 0;
}
