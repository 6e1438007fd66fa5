#include "bare.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench.h"

#define BLOCK 1024 /* entries that the catalog's index takes at once */
#define SAMPLE 1200
#define TABLES 32
#define COLUMNS 16
#define ROWS 256

/* What takes the place of the sample's own. */
enum { AS_SAMPLED, OWN_KEY, OWN_EVENT, OWN_TRACE, OWN_NUMBER, OWN_KINDS };

typedef struct row {
    sqlite3_value *values[COLUMNS];
} row;

typedef struct table {
    char name[64];
    sqlite3_stmt *insert;
    int columns;
    int own[COLUMNS];
    int64_t before; /* rows in the middle of sampling */
    row rows[ROWS];
    int row_count;
} table;

static struct {
    table each[TABLES]; /* for each record */
    int each_count;
    table block[TABLES]; /* for each full block */
    int block_count;
    char own[OWN_KINDS][256]; /* the values of the sample, then of the record that is inserted */
    char words[512];
    int key_prefix;
    sqlite3 *handle;
    sqlite3_stmt *begin, *commit, *text;
    int64_t items;
    uint64_t random;
    pthread_mutex_t mutex;
    pthread_cond_t done;
    uint64_t waiting, committed;
    int led;
} bare = {.random = 20261121, .mutex = PTHREAD_MUTEX_INITIALIZER, .done = PTHREAD_COND_INITIALIZER};

static sqlite3_stmt *prepare(sqlite3 *handle, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(handle, sql, -1, &statement, NULL) != SQLITE_OK) {
        fprintf(stderr, "%s\n", sql);
        bench_die(sqlite3_errmsg(handle), NULL);
    }
    return statement;
}

static void run(sqlite3 *handle, const char *sql)
{
    char *message = NULL;
    if (sqlite3_exec(handle, sql, NULL, NULL, &message) != SQLITE_OK)
        bench_die(message, NULL);
}

static void step(sqlite3_stmt *statement)
{
    if (sqlite3_step(statement) != SQLITE_DONE)
        bench_die(sqlite3_errmsg(bare.handle), NULL);
    sqlite3_reset(statement);
}

static void read_text(char *out, size_t size, sqlite3 *handle, const char *sql)
{
    sqlite3_stmt *statement = prepare(handle, sql);
    if (sqlite3_step(statement) == SQLITE_ROW)
        snprintf(out, size, "%s", (const char *)sqlite3_column_text(statement, 0));
    sqlite3_finalize(statement);
}

/* ---- Sampling. ---- */

static void ingest_sample(const char *workspace)
{
    static const obs_pair labels[] = {{"night", "2026-11-20"}, {"telescope", "north"}};
    static uint64_t number;
    obs_client *client = bench_open(workspace);
    obs_ingest_counts counts = {.size = sizeof counts};
    obs_ingest_options options;
    obs_error error;
    size_t size = 0;
    char *lines = malloc((size_t)SAMPLE * BENCH_RECORD_SIZE);
    obs_error_init(&error, sizeof error);
    obs_ingest_options_init(&options, sizeof options);
    options.labels = labels;
    options.label_count = 2;
    options.origin = "bench";
    if (!lines)
        bench_die("memory", NULL);
    bench_define(client);
    for (int i = 0; i < SAMPLE; i++) {
        size += bench_record(lines + size, number++);
        lines[size++] = '\n';
    }
    if (obs_ingest_records(&counts, client, "bench.obs80", lines, size, &options, &error) != OBS_OK || counts.refused)
        bench_die("sample", &error);
    free(lines);
    obs_client_close(client);
}

static int64_t count_rows(sqlite3 *from, const char *name)
{
    char sql[160];
    snprintf(sql, sizeof sql, "SELECT count(*) FROM \"%s\"", name);
    sqlite3_stmt *statement = prepare(from, sql);
    int64_t rows = sqlite3_step(statement) == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
    sqlite3_finalize(statement);
    return rows;
}

/* An INTEGER PRIMARY KEY numbers itself. */
static void take_columns(table *into, sqlite3 *from)
{
    char sql[160];
    int keys = 0, last = 0, is_integer = 0;
    snprintf(sql, sizeof sql, "PRAGMA table_info(\"%s\")", into->name);
    sqlite3_stmt *statement = prepare(from, sql);
    while (sqlite3_step(statement) == SQLITE_ROW && into->columns < COLUMNS) {
        if (sqlite3_column_int(statement, 5)) {
            keys++;
            last = into->columns;
            is_integer = sqlite3_stricmp((const char *)sqlite3_column_text(statement, 2), "INTEGER") == 0;
        }
        into->columns++;
    }
    if (keys == 1 && is_integer)
        into->own[last] = OWN_NUMBER;
    sqlite3_finalize(statement);
}

static int own_kind(sqlite3_value *value)
{
    const void *bytes = sqlite3_value_blob(value); /* unlike the text it leaves the value's type alone */
    size_t size = (size_t)sqlite3_value_bytes(value);
    for (int kind = OWN_KEY; bytes && kind <= OWN_TRACE; kind++)
        if (size && size == strlen(bare.own[kind]) && memcmp(bytes, bare.own[kind], size) == 0)
            return kind;
    return AS_SAMPLED;
}

static int is_own(const int *own, int columns)
{
    for (int i = 0; i < columns; i++)
        if (own[i] != AS_SAMPLED && own[i] != OWN_NUMBER)
            return 1;
    return 0;
}

static void take_row(table *into, sqlite3_stmt *statement)
{
    for (int i = 0; i < into->columns; i++) {
        sqlite3_value *value = sqlite3_value_dup(sqlite3_column_value(statement, i));
        into->rows[into->row_count].values[i] = value;
        int type = sqlite3_value_type(value);
        if (into->own[i] == AS_SAMPLED && (type == SQLITE_TEXT || type == SQLITE_BLOB))
            into->own[i] = own_kind(value);
    }
    into->row_count++;
}

static void drop_rows(table *of)
{
    for (; of->row_count; of->row_count--)
        for (int i = 0; i < of->columns; i++)
            sqlite3_value_free(of->rows[of->row_count - 1].values[i]);
}

/* The newest rows of a table. */
static void take_rows(table *into, sqlite3 *from, int64_t count)
{
    char sql[160];
    take_columns(into, from);
    snprintf(sql, sizeof sql, "SELECT * FROM \"%s\" ORDER BY rowid DESC LIMIT %lld", into->name,
             (long long)(count < ROWS ? count : ROWS));
    sqlite3_stmt *statement = prepare(from, sql);
    while (sqlite3_step(statement) == SQLITE_ROW)
        take_row(into, statement);
    sqlite3_finalize(statement);
}

/* The row of the last record: the trail may go on behind it. Without a value to know it by, one of its neighbours. */
static void take_last(table *into, sqlite3 *from)
{
    char sql[160];
    take_columns(into, from);
    snprintf(sql, sizeof sql, "SELECT * FROM \"%s\" ORDER BY rowid DESC LIMIT 8", into->name);
    sqlite3_stmt *statement = prepare(from, sql);
    while (!is_own(into->own, into->columns) && sqlite3_step(statement) == SQLITE_ROW) {
        drop_rows(into);
        take_row(into, statement);
    }
    sqlite3_finalize(statement);
}

#define OWN_TABLES                                                                                                             \
    " FROM sqlite_master WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name NOT LIKE 'entry\\_text\\_%' ESCAPE '\\' "

static sqlite3 *open_sample(const char *workspace)
{
    sqlite3 *from = NULL;
    if (sqlite3_open_v2(bench_path(workspace, "tenants/default/tenant.db"), &from, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK)
        bench_die("cannot open the sample", NULL);
    sqlite3_db_config(from, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    return from;
}

/* How many rows all tables have, into `before` of the first entries of `each`, by name. */
static void count_before(const char *workspace)
{
    sqlite3 *from = open_sample(workspace);
    sqlite3_stmt *names =
        prepare(from, "SELECT name" OWN_TABLES "AND type = 'table' AND sql NOT LIKE '%VIRTUAL%' ORDER BY name");
    for (bare.each_count = 0; bare.each_count < TABLES && sqlite3_step(names) == SQLITE_ROW; bare.each_count++) {
        table *one = &bare.each[bare.each_count];
        snprintf(one->name, sizeof one->name, "%s", (const char *)sqlite3_column_text(names, 0));
        one->before = count_rows(from, one->name);
    }
    sqlite3_finalize(names);
    sqlite3_close(from);
}

static void take_tables(sqlite3 *from)
{
    int all = bare.each_count;
    bare.each_count = 0;
    for (int i = 0; i < all; i++) {
        table one = bare.each[i];
        int64_t grown = count_rows(from, one.name) - one.before;
        if (grown >= SAMPLE) {
            take_last(&one, from);
            bare.each[bare.each_count++] = one;
        } else if (grown > 0) {
            take_rows(&one, from, grown);
            bare.block[bare.block_count++] = one;
        }
    }
}

static void take_sample(const char *workspace)
{
    ingest_sample(workspace);
    count_before(workspace);
    ingest_sample(workspace);
    sqlite3 *from = open_sample(workspace);
    read_text(bare.own[OWN_KEY], sizeof bare.own[0], from, "SELECT key FROM record ORDER BY id DESC LIMIT 1");
    read_text(bare.own[OWN_EVENT], sizeof bare.own[0], from, "SELECT id FROM event ORDER BY sequence DESC LIMIT 1");
    read_text(bare.own[OWN_TRACE], sizeof bare.own[0], from, "SELECT trace FROM ingest_log ORDER BY id DESC LIMIT 1");
    const char *slash = strrchr(bare.own[OWN_KEY], '/');
    bare.key_prefix = slash ? (int)(slash + 1 - bare.own[OWN_KEY]) : 0;
    take_tables(from);
    sqlite3_close(from);
}

/* ---- The database. ---- */

static void copy_schema(const char *workspace)
{
    sqlite3 *from = open_sample(workspace);
    sqlite3_stmt *each = prepare(from, "SELECT sql" OWN_TABLES "AND sql IS NOT NULL ORDER BY rowid");
    while (sqlite3_step(each) == SQLITE_ROW)
        run(bare.handle, (const char *)sqlite3_column_text(each, 0));
    sqlite3_finalize(each);
    sqlite3_close(from);
}

static void prepare_inserts(table *tables, int count)
{
    for (int i = 0; i < count; i++) {
        char sql[256];
        int size = snprintf(sql, sizeof sql, "INSERT INTO \"%s\" VALUES(?", tables[i].name);
        for (int j = 1; j < tables[i].columns; j++)
            size += snprintf(sql + size, sizeof sql - (size_t)size, ",?");
        snprintf(sql + size, sizeof sql - (size_t)size, ")");
        tables[i].insert = prepare(bare.handle, sql);
    }
}

void bare_open(const char *folder)
{
    char workspace[4096];
    snprintf(workspace, sizeof workspace, "%s/sample", folder);
    bench_workspace(workspace);
    take_sample(workspace);
    if (sqlite3_open(bench_path(folder, "bare.db"), &bare.handle) != SQLITE_OK)
        bench_die("cannot make a database", NULL);
    run(bare.handle, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=1024;"
                     "PRAGMA cache_size=-8192; PRAGMA temp_store=MEMORY");
    copy_schema(workspace);
    prepare_inserts(bare.each, bare.each_count);
    prepare_inserts(bare.block, bare.block_count);
    bare.text = prepare(bare.handle, "INSERT INTO entry_text(text, rowid) VALUES(?, ?)");
    bare.begin = prepare(bare.handle, "BEGIN IMMEDIATE");
    bare.commit = prepare(bare.handle, "COMMIT");
}

int bare_tables(void)
{
    return bare.each_count;
}

static void close_tables(table *tables, int count)
{
    for (int i = 0; i < count; i++) {
        sqlite3_finalize(tables[i].insert);
        drop_rows(&tables[i]);
    }
}

void bare_close(void)
{
    close_tables(bare.each, bare.each_count);
    close_tables(bare.block, bare.block_count);
    sqlite3_finalize(bare.text);
    sqlite3_finalize(bare.begin);
    sqlite3_finalize(bare.commit);
    sqlite3_close(bare.handle);
}

/* ---- The rows of one record. ---- */

static uint64_t next_random(void)
{
    bare.random ^= bare.random << 13;
    bare.random ^= bare.random >> 7;
    bare.random ^= bare.random << 17;
    return bare.random;
}

/* Shaped like a UUID of version 7: the time leads, as with ours. */
static void make_id(char out[37])
{
    struct timespec at;
    clock_gettime(CLOCK_REALTIME, &at);
    uint64_t ms = (uint64_t)at.tv_sec * 1000 + (uint64_t)at.tv_nsec / 1000000, random = next_random();
    snprintf(out, 37, "%08x-%04x-7%03x-8%03x-%012llx", (unsigned)(ms >> 16 & 0xFFFFFFFF), (unsigned)(ms & 0xFFFF),
             (unsigned)(random & 0xFFF), (unsigned)(random >> 12 & 0xFFF), (unsigned long long)(next_random() >> 16));
}

static void make_own(void)
{
    make_id(bare.own[OWN_KEY] + bare.key_prefix);
    make_id(bare.own[OWN_EVENT]);
    snprintf(bare.own[OWN_TRACE], sizeof bare.own[0], "%016llx%016llx", (unsigned long long)next_random(),
             (unsigned long long)next_random());
}

static void insert_row(const table *into, const row *values)
{
    for (int i = 0; i < into->columns; i++) {
        int own = into->own[i];
        if (own == AS_SAMPLED)
            sqlite3_bind_value(into->insert, i + 1, values->values[i]);
        else if (own == OWN_NUMBER)
            sqlite3_bind_null(into->insert, i + 1);
        else if (sqlite3_value_type(values->values[i]) == SQLITE_BLOB)
            sqlite3_bind_blob(into->insert, i + 1, bare.own[own], (int)strlen(bare.own[own]), SQLITE_STATIC);
        else
            sqlite3_bind_text(into->insert, i + 1, bare.own[own], -1, SQLITE_STATIC);
    }
    step(into->insert);
}

static void insert_block(void)
{
    for (int i = 0; i < bare.block_count; i++)
        for (int j = 0; j < bare.block[i].row_count; j++)
            insert_row(&bare.block[i], &bare.block[i].rows[j]);
    for (int i = 0; i < BLOCK; i++) {
        make_own();
        snprintf(bare.words, sizeof bare.words, "%s 2026-11-20 north 12893 2026-11-20T21:15:03.125Z V Z%02d", bare.own[OWN_KEY],
                 i % 100);
        sqlite3_bind_text(bare.text, 1, bare.words, -1, SQLITE_STATIC);
        sqlite3_bind_int64(bare.text, 2, bare.items - BLOCK + i + 1);
        step(bare.text);
    }
}

static void insert_item(void)
{
    make_own();
    for (int i = 0; i < bare.each_count; i++)
        insert_row(&bare.each[i], &bare.each[i].rows[0]);
    if (++bare.items % BLOCK == 0)
        insert_block();
}

/* ---- The loop: one queue, one condition, one connection. ---- */

void bare_commit(void)
{
    pthread_mutex_lock(&bare.mutex);
    uint64_t own = ++bare.waiting;
    while (bare.committed < own) {
        if (bare.led) {
            pthread_cond_wait(&bare.done, &bare.mutex);
            continue;
        }
        bare.led = 1;
        uint64_t last = bare.waiting, count = last - bare.committed;
        pthread_mutex_unlock(&bare.mutex);
        step(bare.begin);
        for (; count; count--)
            insert_item();
        step(bare.commit);
        pthread_mutex_lock(&bare.mutex);
        bare.committed = last;
        bare.led = 0;
        pthread_cond_broadcast(&bare.done);
    }
    pthread_mutex_unlock(&bare.mutex);
}
