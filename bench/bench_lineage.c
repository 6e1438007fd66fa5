/*
 * The lineage of an entry with many thousand others, beside the usual way in SQL: a table of edges and a recursive query. Two
 * trees: in one, everything was made from one raw frame over many steps; in the other one product was made from everything.
 *
 *     bench_lineage FOLDER fill NODES        adds the trees to the tenant's folder of a workspace, and writes lineage.db
 *     bench_lineage FOLDER ask NODES         how long both take
 */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/error.h"
#include "bench.h"
#include "gate.h"

#define ROUNDS 21
#define BATCH 1000
#define KEY_SIZE 64

static obs_error error;

static void name_node(char out[KEY_SIZE], const char *tree, int node)
{
    snprintf(out, KEY_SIZE, "lineage/%s/%06d.json", tree, node);
}

/* ---- The trees, and the same as tables. ---- */

static void run_sql(sqlite3 *database, const char *sql)
{
    char *message = NULL;
    if (sqlite3_exec(database, sql, NULL, NULL, &message) != SQLITE_OK)
        bench_die(message, NULL);
}

static void insert(sqlite3_stmt *statement, const char *a, const char *b)
{
    sqlite3_bind_text(statement, 1, a, -1, SQLITE_TRANSIENT);
    sqlite3_bind_text(statement, 2, b, -1, SQLITE_TRANSIENT);
    if (sqlite3_step(statement) != SQLITE_DONE)
        bench_die("cannot write the tables", NULL);
    sqlite3_reset(statement);
}

typedef struct tables {
    sqlite3 *database;
    sqlite3_stmt *entry;
    sqlite3_stmt *edge;
} tables;

static sqlite3_stmt *prepare(sqlite3 *database, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(database, sql, -1, &statement, NULL) != SQLITE_OK)
        bench_die(sqlite3_errmsg(database), NULL);
    return statement;
}

static sqlite3 *open_tables(const char *folder)
{
    sqlite3 *database = NULL;
    if (sqlite3_open(bench_path(folder, "lineage.db"), &database) != SQLITE_OK)
        bench_die("cannot open the tables", NULL);
    return database;
}

static void add(obs__effects *effects, const tables *also, const char *key, char sources[2][KEY_SIZE], size_t count,
                int64_t time)
{
    static const obs_pair labels[] = {{"night", "2026-11-20"}, {"function", "bench"}};
    const char *from[2] = {sources[0], sources[1]};
    char body[512];
    if (obs__catalog_entry(effects,
                           &(obs__entry){.kind = "object",
                                         .key = {key, strlen(key)},
                                         .type = "application/json",
                                         .size = 80,
                                         .sha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
                                         .time_ns = time,
                                         .labels = labels,
                                         .label_count = 2,
                                         .values = "{\"mag\":17.3}",
                                         .made_from = from,
                                         .made_from_count = count},
                           &error) != OBS_OK)
        bench_die("entry", &error);
    snprintf(body, sizeof body,
             "{\"key\":\"%s\",\"kind\":\"object\",\"type\":\"application/json\",\"size\":80,\"labels\":{\"function\":\"bench\","
             "\"night\":\"2026-11-20\"},\"values\":{\"mag\":17.3},\"made_from\":[\"%s\",\"%s\"]}",
             key, sources[0], sources[1]);
    insert(also->entry, key, body);
    for (size_t i = 0; i < count; i++)
        insert(also->edge, key, sources[i]);
}

/* One node: below it stand the two that are twice as far. In `up` it was made from them, in `down` they from it. */
static void add_node(obs__effects *effects, const tables *also, int up, int node, int nodes)
{
    char key[KEY_SIZE], sources[2][KEY_SIZE] = {"", ""};
    size_t count = 0;
    name_node(key, up ? "up" : "down", node);
    for (int i = 1; up && i <= 2; i++)
        if (2 * node + i < nodes)
            name_node(sources[count++], "up", 2 * node + i);
    if (!up && node)
        name_node(sources[count++], "down", (node - 1) / 2);
    if (!up && node > 2 && (node - 1) / 2 != node / 3)
        name_node(sources[count++], "down", node / 3);
    add(effects, also, key, sources, count, INT64_C(1795000000000000000) + node);
}

static void fill(const char *folder, int nodes)
{
    obs__gate gate;
    obs__limit none = obs__limit_in(-1, NULL);
    obs_catalog *catalog = bench_catalog(&gate, folder, 0);
    tables also = {.database = open_tables(folder)};
    run_sql(also.database, "PRAGMA synchronous=OFF; PRAGMA journal_mode=OFF; CREATE TABLE entry(key PRIMARY KEY, body);"
                           "CREATE TABLE edge(made, source, PRIMARY KEY(made, source)) WITHOUT ROWID;"
                           "CREATE INDEX edge_source ON edge(source, made); BEGIN");
    also.entry = prepare(also.database, "INSERT INTO entry VALUES(?, ?)");
    also.edge = prepare(also.database, "INSERT INTO edge VALUES(?, ?)");
    for (int i = 0; i < 2 * nodes;) {
        obs__effects effects = {0};
        do
            add_node(&effects, &also, i < nodes, i < nodes ? nodes - 1 - i : i - nodes, nodes);
        while (++i % BATCH && i < 2 * nodes);
        if (obs__journal_commit(gate.journal, &effects, &none, &error) != OBS_OK)
            bench_die("commit", &error);
        obs__effects_free(&effects);
    }
    sqlite3_finalize(also.entry);
    sqlite3_finalize(also.edge);
    run_sql(also.database, "COMMIT; ANALYZE");
    sqlite3_close(also.database);
    obs__catalog_free(catalog);
    obs__journal_free(gate.journal);
}

/* ---- Measuring. ---- */

/* Of this process, which has one thread. */
static int64_t used_ns(void)
{
    struct timespec at;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &at);
    return (int64_t)at.tv_sec * 1000000000 + at.tv_nsec;
}

static int64_t ask(obs_catalog *catalog, int up, int nodes)
{
    obs_rows *rows;
    const char *row;
    char key[KEY_SIZE];
    int count = 0;
    obs_lineage_options options;
    obs_lineage_options_init(&options, sizeof options);
    options.direction = up ? OBS_LINEAGE_UP : OBS_LINEAGE_DOWN;
    name_node(key, up ? "up" : "down", 0);
    int64_t start = bench_now();
    if (obs_catalog_lineage(&rows, catalog, key, OBS_TEXT, &options, &error) != OBS_OK)
        bench_die("lineage", &error);
    while (obs_rows_next(rows, &row, NULL, &error) == OBS_OK && row)
        count++;
    if (error.status != OBS_OK || count != nodes)
        bench_die("the lineage is not whole", &error);
    obs_rows_free(rows);
    return bench_now() - start;
}

static int64_t ask_tables(sqlite3 *database, int up, int nodes)
{
    static const char *const sql[] = {
        "WITH RECURSIVE met(key) AS (SELECT ?1 UNION SELECT made FROM met JOIN edge ON edge.source = met.key)"
        " SELECT body FROM met JOIN entry ON entry.key = met.key",
        "WITH RECURSIVE met(key) AS (SELECT ?1 UNION SELECT source FROM met JOIN edge ON edge.made = met.key)"
        " SELECT body FROM met JOIN entry ON entry.key = met.key"};
    char key[KEY_SIZE];
    int count = 0;
    name_node(key, up ? "up" : "down", 0);
    int64_t start = bench_now();
    sqlite3_stmt *statement = prepare(database, sql[up]);
    sqlite3_bind_text(statement, 1, key, -1, SQLITE_STATIC);
    for (; sqlite3_step(statement) == SQLITE_ROW; count++)
        (void)sqlite3_column_text(statement, 0);
    sqlite3_finalize(statement);
    if (count != nodes)
        bench_die("the tables are not whole", NULL);
    return bench_now() - start;
}

static void measure(const char *folder, int nodes)
{
    int64_t ours[ROUNDS], bare[ROUNDS], used[ROUNDS];
    obs__gate gate;
    obs_catalog *catalog = bench_catalog(&gate, folder, 0);
    sqlite3 *database = open_tables(folder);
    for (int up = 0; up <= 1; up++) {
        for (int i = 0; i < ROUNDS; i++) {
            int64_t before = used_ns();
            ours[i] = ask(catalog, up, nodes);
            used[i] = used_ns() - before;
            bare[i] = ask_tables(database, up, nodes);
        }
        bench_print(up ? "lineage up" : "lineage down", (const bench_number[]){{"nodes", nodes},
                                                                               {"p50_ms", bench_ms(ours, ROUNDS, 0.5)},
                                                                               {"used_ms", bench_ms(used, ROUNDS, 0.5)},
                                                                               {"bare_ms", bench_ms(bare, ROUNDS, 0.5)},
                                                                               {NULL, 0}});
    }
    sqlite3_close(database);
    obs__catalog_free(catalog);
    obs__journal_free(gate.journal);
}

int main(int argc, char **argv)
{
    int nodes = argc == 4 ? atoi(argv[3]) : 0;
    obs_error_init(&error, sizeof error);
    if (nodes < 1 || nodes > 100000)
        bench_die("usage: bench_lineage FOLDER fill|ask NODES", NULL);
    if (strcmp(argv[2], "fill") == 0)
        fill(argv[1], nodes);
    else
        measure(argv[1], nodes);
    return 0;
}
