/*
 * Ingesting entries into the catalog and searching a million of them, beside the usual tables for the same questions: one
 * row for each label and each value, indexed. Not a test: it judges nothing.
 *
 *     bench_search FOLDER [ENTRIES]          fills FOLDER anew, then asks
 *     bench_search FOLDER ask QUERY          one question in a process of its own (used by the first form)
 *     bench_search FOLDER fill ENTRIES       only fills the tenant's folder of a workspace, and tables.db (for ./dev bench)
 *     bench_search FOLDER tables QUERY       the same question to tables.db, in a process of its own
 */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/angle.h"
#include "base/clock.h"
#include "base/error.h"
#include "catalog/catalog.h"
#include "gate.h"

#define BATCH 1000
#define ROUNDS 31

static void die(const char *what, const obs_error *error)
{
    fprintf(stderr, "%s: %s %s\n", what, error ? error->message : "", error ? error->detail : "");
    exit(1);
}

/* ---- The entries: half are labelled left and half lie below 0.5, but only 20 are both. ---- */

typedef struct made {
    char key[64];
    char night[16];
    char object[16];
    char values[320];
    char side[8];
    double mag;
    double depth;
    double ra;
    double dec;
} made;

static uint64_t seed = 20261121;

static double random_part(void)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (double)(seed >> 40) / (1 << 24);
}

static void make(made *entry, int i, int total)
{
    int left = i % 2 == 0, both = left && i % (total / 20) == 0;
    snprintf(entry->key, sizeof entry->key, "records/mpc.obs80/%08x-%04x-7abc-8def-%012x", i / 16, i * 37 % 65536, i);
    snprintf(entry->night, sizeof entry->night, "%04d-%02d-%02d", 2020 + i / 180000, 1 + i / 15000 % 12, 1 + i / 536 % 28);
    snprintf(entry->object, sizeof entry->object, "NGC %d", (int)(random_part() * 8000));
    strcpy(entry->side, left ? "left" : "right");
    entry->mag = 8 + 14 * random_part();
    entry->depth = (left && !both ? 0.5 : 0) + random_part() / 2;
    entry->ra = 360 * random_part();
    entry->dec = 180 * random_part() - 90;
    snprintf(entry->values, sizeof entry->values,
             "{\"mag\":%.2f,\"depth\":%.6f,\"ra\":%.5f,\"dec\":%.5f,\"exposure\":%d,\"seeing\":%.2f,\"airmass\":%.3f,"
             "\"object\":\"%s\",\"station\":\"Z%02d\",\"good\":%s}",
             entry->mag, entry->depth, entry->ra, entry->dec, 30 * (1 + i % 4), 1 + random_part(), 1 + random_part(),
             entry->object, i % 40, i % 50 ? "true" : "false");
}

static void add(obs__effects *effects, const made *entry, int i)
{
    static const char *const filters[] = {"B", "V", "R", "I", "clear"};
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_pair labels[] = {{"night", entry->night}, {"filter", filters[i % 5]}, {"side", entry->side}};
    if (obs__catalog_entry(effects,
                           &(obs__entry){.kind = "record",
                                         .key = {entry->key, strlen(entry->key)},
                                         .type = "mpc.obs80",
                                         .size = 80,
                                         .sha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
                                         .time_ns = INT64_C(1795000000000000000) + i,
                                         .labels = labels,
                                         .label_count = 3,
                                         .values = entry->values},
                           &error) != OBS_OK)
        die("entry", &error);
}

static double fill(obs__gate *gate, int total, int batch)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs__limit none = obs__limit_in(-1, NULL);
    int64_t slowest = 0, start = obs__monotonic_ns();
    for (int i = 0; i < total;) {
        obs__effects effects = {0};
        made entry;
        do {
            make(&entry, i, total);
            add(&effects, &entry, i);
        } while (++i % batch && i < total);
        int64_t before = obs__monotonic_ns();
        if (obs__journal_commit(gate->journal, &effects, &none, &error) != OBS_OK)
            die("commit", &error);
        obs__effects_free(&effects);
        int64_t took = obs__monotonic_ns() - before;
        slowest = took > slowest ? took : slowest;
    }
    printf("%8d entries in commits of %4d: slowest commit %.1f ms, ", total, batch, (double)slowest / 1e6);
    return (double)total / ((double)(obs__monotonic_ns() - start) / 1e9);
}

static void fill_small(const char *folder)
{
    for (int batch = 1; batch < BATCH; batch *= 10) {
        char path[4096];
        obs__gate gate;
        snprintf(path, sizeof path, "%s/commits-of-%d", folder, batch);
        mkdir(path, 0700);
        obs_catalog *catalog = bench_catalog(&gate, path, 1);
        printf("%.0f entries/s\n", fill(&gate, 2000 * batch, batch));
        obs__catalog_free(catalog);
        obs__journal_free(gate.journal);
    }
}

/* ---- The yardstick: label and value tables, and the question as SQL. ---- */

static void run_sql(sqlite3 *database, const char *sql)
{
    char *message = NULL;
    if (sqlite3_exec(database, sql, NULL, NULL, &message) != SQLITE_OK) {
        fprintf(stderr, "%s\n", message);
        exit(1);
    }
}

static sqlite3_stmt *prepare(sqlite3 *database, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(database, sql, -1, &statement, NULL) != SQLITE_OK) {
        fprintf(stderr, "%s\n", sqlite3_errmsg(database));
        exit(1);
    }
    return statement;
}

static void insert_text(sqlite3_stmt *statement, const char *name, const char *value, int id)
{
    sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 2, value, -1, SQLITE_STATIC);
    sqlite3_bind_int(statement, 3, id);
    sqlite3_step(statement);
    sqlite3_reset(statement);
}

static void insert_number(sqlite3_stmt *statement, const char *name, double value, int id)
{
    sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
    sqlite3_bind_double(statement, 2, value);
    sqlite3_bind_int(statement, 3, id);
    sqlite3_step(statement);
    sqlite3_reset(statement);
}

/* The place as a point of an R*Tree over unit vectors, with its exact form beside it. */
static void insert_place(sqlite3_stmt *statement, const made *entry, int id)
{
    obs__direction place = obs__direction_of(entry->ra, entry->dec);
    const double parts[] = {place.x, place.y, place.z};
    sqlite3_bind_int(statement, 1, id);
    for (int i = 0; i < 9; i++)
        sqlite3_bind_double(statement, 2 + i, parts[i < 6 ? i / 2 : i - 6]);
    sqlite3_step(statement);
    sqlite3_reset(statement);
}

/* Only the names that the questions need: the catalog indexes all of them. */
static sqlite3 *fill_tables(const char *folder, int total)
{
    char path[4096];
    sqlite3 *database = NULL;
    made entry;
    snprintf(path, sizeof path, "%s/tables.db", folder);
    unlink(path);
    if (sqlite3_open(path, &database) != SQLITE_OK)
        die("tables.db", NULL);
    run_sql(database, "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF; PRAGMA cache_size=-65536;"
                      "CREATE TABLE entry(id INTEGER PRIMARY KEY, body TEXT);"
                      "CREATE TABLE label(name, value, entry, PRIMARY KEY(name, value, entry)) WITHOUT ROWID;"
                      "CREATE INDEX label_entry ON label(entry, name, value);"
                      "CREATE TABLE value(name, number, entry, PRIMARY KEY(name, number, entry)) WITHOUT ROWID;"
                      "CREATE INDEX value_entry ON value(entry, name, number);"
                      "CREATE VIRTUAL TABLE place USING rtree(id, x0, x1, y0, y1, z0, z1, +x, +y, +z); BEGIN");
    sqlite3_stmt *text = prepare(database, "INSERT INTO label VALUES(?, ?, ?)");
    sqlite3_stmt *number = prepare(database, "INSERT INTO value VALUES(?, ?, ?)");
    sqlite3_stmt *place = prepare(database, "INSERT INTO place VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    sqlite3_stmt *body = prepare(database, "INSERT INTO entry(body) VALUES(?)");
    seed = 20261121;
    for (int i = 0; i < total; i++) {
        make(&entry, i, total);
        sqlite3_bind_text(body, 1, entry.values, -1, SQLITE_STATIC);
        sqlite3_step(body);
        sqlite3_reset(body);
        insert_text(text, "night", entry.night, i + 1);
        insert_text(text, "side", entry.side, i + 1);
        insert_number(number, "mag", entry.mag, i + 1);
        insert_number(number, "depth", entry.depth, i + 1);
        insert_place(place, &entry, i + 1);
    }
    sqlite3_finalize(text);
    sqlite3_finalize(number);
    sqlite3_finalize(place);
    sqlite3_finalize(body);
    run_sql(database, "COMMIT; ANALYZE");
    return database;
}

/* ---- Measuring. ---- */

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double middle(double *times)
{
    qsort(times, ROUNDS, sizeof *times, compare);
    return times[ROUNDS / 2];
}

static size_t ask(obs_catalog *catalog, const char *query, int print)
{
    obs_rows *rows;
    const char *text;
    size_t count = 0;
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_search_options options;
    obs_search_options_init(&options, sizeof options);
    options.limit = 100;
    if (obs_catalog_search(&rows, catalog, query, &options, &error) != OBS_OK)
        die(query, &error);
    for (;;) {
        if (obs_rows_next(rows, &text, NULL, &error) != OBS_OK)
            die(query, &error);
        if (!text)
            break;
        count++;
        if (print)
            puts(text);
    }
    obs_rows_free(rows);
    return count;
}

static double ask_whole(const char *self, const char *folder, const char *query)
{
    extern char **environ;
    char *arguments[] = {(char *)(uintptr_t)self, (char *)(uintptr_t)folder, "ask", (char *)(uintptr_t)query, NULL};
    double times[ROUNDS];
    for (int i = 0; i < ROUNDS; i++) {
        posix_spawn_file_actions_t actions;
        pid_t child;
        int status = 0;
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
        int64_t start = obs__monotonic_ns();
        if (posix_spawn(&child, self, &actions, NULL, arguments, environ) != 0 || waitpid(child, &status, 0) < 0 || status)
            die("cannot start a process", NULL);
        times[i] = (double)(obs__monotonic_ns() - start) / 1e6;
        posix_spawn_file_actions_destroy(&actions);
    }
    return middle(times);
}

static double ask_tables(sqlite3 *database, const char *sql)
{
    double times[ROUNDS];
    if (!*sql)
        return 0;
    sqlite3_stmt *statement = prepare(database, sql);
    for (int i = 0; i < ROUNDS; i++) {
        int64_t start = obs__monotonic_ns();
        while (sqlite3_step(statement) == SQLITE_ROW)
            (void)sqlite3_column_text(statement, 0);
        sqlite3_reset(statement);
        times[i] = (double)(obs__monotonic_ns() - start) / 1e6;
    }
    sqlite3_finalize(statement);
    return middle(times);
}

#define FROM_LABEL "SELECT e.body FROM label l JOIN entry e ON e.id = l.entry WHERE l.name = "
#define AND_VALUE " AND EXISTS(SELECT 1 FROM value v WHERE v.entry = l.entry AND v.name = "

/* Of the cones below: what lies in the box around, then what lies inside. */
#define CX "(cos(radians(47.2)) * cos(radians(202.47)))"
#define CY "(cos(radians(47.2)) * sin(radians(202.47)))"
#define CZ "sin(radians(47.2))"
#define RADIUS(degrees) "radians(" #degrees ")"
#define NEAR(axis, centre, degrees) axis "0 <= " centre " + " RADIUS(degrees) " AND " axis "1 >= " centre " - " RADIUS(degrees)
#define IN_CONE(degrees)                                                                                                       \
    "SELECT e.body FROM place p JOIN entry e ON e.id = p.id WHERE " NEAR("x", CX, degrees) " AND " NEAR(                       \
        "y", CY, degrees) " AND " NEAR("z", CZ, degrees) " AND x * " CX " + y * " CY " + z * " CZ                              \
                                                         " >= cos(" RADIUS(degrees) ") ORDER BY e.id LIMIT 100"

static const struct question {
    const char *query;
    const char *sql;
} questions[] = {
    {"side=left depth<0.5",
     FROM_LABEL "'side' AND l.value = 'left'" AND_VALUE "'depth' AND v.number < 0.5) ORDER BY e.id LIMIT 100"},
    {"side=left mag<15", FROM_LABEL "'side' AND l.value = 'left'" AND_VALUE "'mag' AND v.number < 15) ORDER BY e.id LIMIT 100"},
    {"night=2024-06-07 mag<15",
     FROM_LABEL "'night' AND l.value = '2024-06-07'" AND_VALUE "'mag' AND v.number < 15) ORDER BY e.id LIMIT 100"},
    {"side=left mag<8.0005",
     FROM_LABEL "'side' AND l.value = 'left'" AND_VALUE "'mag' AND v.number < 8.0005) ORDER BY e.id LIMIT 100"},
    {"night=2024-06-07", FROM_LABEL "'night' AND l.value = '2024-06-07' ORDER BY e.id LIMIT 100"},
    {"night>=2024-06 night<2024-07 side=right mag>=21.99", ""},
    {"side=left depth<0.5 good=false filter!=B", ""},
    {"mag>30", ""},
    {"\"NGC 4258\" side=left depth<0.5", ""},
    {"\"NGC 4258\"", ""},
    {"mpc side=left depth<0.5", ""},
    {"key=records/mpc.obs80/00001* mag<15", ""},
    {"key=records/* side=left depth<0.5", ""},
    {"", ""},
    {"cone=202.47,47.2,0.5", IN_CONE(0.5)},
    {"cone=202.47,47.2,10", IN_CONE(10)},
    {"cone=13h29m,+47d12m,0.5d mag<15", ""},
    {"cone=0,89.9,0.5", ""},
};

static void measure(const char *self, const char *folder, obs_catalog *catalog, sqlite3 *tables)
{
    printf("%-52s %6s %10s %13s %10s\n", "first 100 rows of", "rows", "search ms", "process ms", "tables ms");
    for (size_t i = 0; i < sizeof questions / sizeof *questions; i++) {
        double times[ROUNDS];
        size_t rows = 0;
        for (int round = 0; round < ROUNDS; round++) {
            int64_t start = obs__monotonic_ns();
            rows = ask(catalog, questions[i].query, 0);
            times[round] = (double)(obs__monotonic_ns() - start) / 1e6;
        }
        double here = middle(times);
        double whole = ask_whole(self, folder, questions[i].query);
        double yardstick = ask_tables(tables, questions[i].sql);
        printf("%-52s %6zu %10.2f %13.2f", questions[i].query, rows, here, whole);
        if (yardstick > 0)
            printf(" %10.2f", yardstick);
        puts("");
    }
}

static void measure_count(obs__gate *gate)
{
    obs__catalog_counts counts;
    obs_error error;
    obs_error_init(&error, sizeof error);
    int64_t start = obs__monotonic_ns();
    if (obs__catalog_count(&counts, gate, &error) != OBS_OK)
        die("count", &error);
    printf("count of %llu entries: %.2f ms\n", (unsigned long long)(counts.objects + counts.records),
           (double)(obs__monotonic_ns() - start) / 1e6);
}

/* Opens the tables as a program does that asks once. */
static void ask_tables_once(const char *folder, const char *query)
{
    char path[4096];
    sqlite3 *database = NULL;
    snprintf(path, sizeof path, "%s/tables.db", folder);
    if (sqlite3_open_v2(path, &database, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK)
        die("tables.db", NULL);
    for (size_t i = 0; i < sizeof questions / sizeof *questions; i++) {
        if (strcmp(questions[i].query, query) != 0)
            continue;
        sqlite3_stmt *statement = prepare(database, questions[i].sql);
        while (sqlite3_step(statement) == SQLITE_ROW)
            puts((const char *)sqlite3_column_text(statement, 0));
        sqlite3_finalize(statement);
    }
    sqlite3_close(database);
}

static void fill_only(obs__gate *gate, const char *folder, int total)
{
    obs_catalog *catalog = bench_catalog(gate, folder, 0);
    double rate = fill(gate, total, BATCH);
    obs__catalog_free(catalog);
    obs__journal_free(gate->journal);
    sqlite3_close(fill_tables(folder, total));
    printf("%.0f entries/s\n", rate);
}

int main(int count, char **arguments)
{
    obs__gate gate;
    if (count < 2)
        die("usage: bench_search FOLDER [ENTRIES]", NULL);
    const char *folder = arguments[1];
    if (count == 4 && strcmp(arguments[2], "ask") == 0) {
        ask(bench_catalog(&gate, folder, 0), arguments[3], 1);
        return 0;
    }
    if (count == 4 && strcmp(arguments[2], "tables") == 0) {
        ask_tables_once(folder, arguments[3]);
        return 0;
    }
    if (count == 4 && strcmp(arguments[2], "fill") == 0) {
        fill_only(&gate, folder, atoi(arguments[3]));
        return 0;
    }
    int total = count > 2 ? atoi(arguments[2]) : 1000000;
    if (mkdir(folder, 0700) != 0 && errno != EEXIST)
        die("cannot make the folder", NULL);
    obs_catalog *catalog = bench_catalog(&gate, folder, 1);
    puts("entries with 3 labels and 10 values:");
    fill_small(folder);
    printf("%.0f entries/s\n", fill(&gate, total, BATCH));
    measure_count(&gate);
    sqlite3 *tables = fill_tables(folder, total);
    measure(arguments[0], folder, catalog, tables);
    sqlite3_close(tables);
    obs__catalog_free(catalog);
    obs__journal_free(gate.journal);
    return 0;
}
