/* ingest, ingest log, ingest define, ingest definitions */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "obsctl/ctl.h"
#include "obsctl/input.h"

#define BATCH_RECORDS 500
#define BATCH_BYTES ((size_t)4 << 20)
#define OBJECT_LIMIT ((size_t)1 << 30)

/* Records that go in with one commit. */
struct batch {
    ctl *ctl;
    const char *definition;
    obs_ingest_options options;
    const char *path;
    char *lines;
    size_t size;
    long first; /* line of the first record in the file */
    long next;  /* line that what is added next would have */
    int records;
    unsigned long long accepted;
    unsigned long long refused;
};

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static obs_status send_batch(struct batch *batch)
{
    obs_ingest_counts counts = {.size = sizeof counts};
    obs_ingest_options options = batch->options;
    if (!batch->records)
        return OBS_OK;
    options.origin = base_name(batch->path);
    options.first_line = (uint64_t)batch->first;
    obs_status status = obs_ingest_records(&counts, batch->ctl->client, batch->definition, batch->lines, batch->size, &options,
                                           &batch->ctl->error);
    batch->accepted += counts.accepted;
    batch->refused += counts.refused;
    batch->records = 0;
    batch->size = 0;
    return status;
}

/* Empty lines between records are kept, so that each record is logged under its line in the file. */
static obs_status add_record(struct batch *batch, const ctl_record *record)
{
    obs_status status = OBS_OK;
    size_t gap = batch->records ? (size_t)(record->line - batch->next) : 0;
    if (batch->size + gap + record->size + 1 > BATCH_BYTES || batch->records == BATCH_RECORDS) {
        status = send_batch(batch);
        gap = 0;
    }
    if (status != OBS_OK)
        return status;
    if (!batch->records++)
        batch->first = record->line;
    memset(batch->lines + batch->size, '\n', gap);
    batch->size += gap;
    memcpy(batch->lines + batch->size, record->text, record->size);
    batch->lines[batch->size + record->size] = '\n';
    batch->size += record->size + 1;
    batch->next = record->line + 1;
    return OBS_OK;
}

static obs_status refuse_record(struct batch *batch, const ctl_record *record)
{
    char origin[512];
    obs_ingest_options options = batch->options;
    snprintf(origin, sizeof origin, "%.480s:%ld", base_name(batch->path), record->line);
    options.origin = origin;
    options.reason = record->reason;
    obs_status status = send_batch(batch);
    if (status == OBS_OK)
        status =
            obs_ingest_refuse(batch->ctl->client, batch->definition, record->text, record->size, &options, &batch->ctl->error);
    batch->refused += status == OBS_OK;
    return status;
}

/* A record that waits is sent before more input is waited for. */
static obs_status pass_records(struct batch *batch, ctl_records *records)
{
    ctl_record record;
    ctl_progress progress;
    obs_status status = OBS_OK;
    ctl_progress_begin(&progress, batch->ctl, base_name(batch->path), records->total);
    do {
        if (!ctl_records_ready(records))
            status = send_batch(batch);
        if (status == OBS_OK)
            status = ctl_records_next(records, &record);
        if (status == OBS_OK && record.text)
            status = record.reason ? refuse_record(batch, &record) : add_record(batch, &record);
        if (status == OBS_OK)
            status = ctl_check_cancel(batch->ctl);
        ctl_progress_set(&progress, ctl_records_done(records));
    } while (status == OBS_OK && record.text);
    ctl_progress_end(&progress);
    return status == OBS_OK ? send_batch(batch) : status;
}

static obs_status ingest_records(struct batch *batch, const char *path)
{
    ctl_records *records = NULL;
    batch->path = path;
    batch->records = 0;
    batch->size = 0;
    obs_status status =
        ctl_records_open(&records, batch->ctl, path, ctl_get(batch->ctl, "format"), ctl_get(batch->ctl, "member"));
    if (status == OBS_OK)
        status = pass_records(batch, records);
    ctl_records_free(records);
    return status;
}

static obs_status ingest_file(struct batch *batch, const char *path)
{
    char *content = NULL;
    char *key = NULL;
    size_t size;
    ctl *ctl = batch->ctl;
    const char *prefix = ctl_get(ctl, "prefix");
    if (strcmp(path, "-") == 0)
        return ctl_fail(ctl, OBS_INVALID_ARGUMENT, "standard input has no name to store it under: use 'obsctl put - KEY'");
    obs_status status = ctl_read_file(ctl, path, OBJECT_LIMIT, &content, &size);
    if (status == OBS_OK && asprintf(&key, "%s%s", prefix ? prefix : "raw/", base_name(path)) < 0) {
        key = NULL;
        status = ctl_fail_memory(ctl);
    }
    batch->options.origin = base_name(path);
    if (status == OBS_OK)
        status = obs_ingest_file(ctl->client, key, OBS_TEXT, content, size, &batch->options, &ctl->error);
    batch->accepted += status == OBS_OK;
    batch->refused += status == OBS_REFUSED;
    free(content);
    free(key);
    return status;
}

static void print_counts(const struct batch *batch, double seconds)
{
    if (batch->ctl->json)
        ctl_print_json(json_pack("{s:I,s:I,s:f}", "accepted", (json_int_t)batch->accepted, "refused",
                                 (json_int_t)batch->refused, "seconds", seconds));
    else
        printf("%llu accepted, %llu refused in %.2f s%s\n", batch->accepted, batch->refused, seconds,
               batch->refused ? ": see 'obsctl ingest log --result refused'" : "");
}

/* A failure is reported and the other files are still done; the first one is the outcome. */
static obs_status each_file(struct batch *batch)
{
    ctl *ctl = batch->ctl;
    struct timespec from, to;
    obs_status outcome = OBS_OK;
    clock_gettime(CLOCK_MONOTONIC, &from);
    for (int i = 0; i < ctl->argument_count && outcome != OBS_CANCELLED; i++) {
        obs_status status = (batch->definition ? ingest_records : ingest_file)(batch, ctl->arguments[i]);
        if (status != OBS_OK)
            ctl_report(ctl, ctl->arguments[i]);
        if (outcome == OBS_OK || status == OBS_CANCELLED)
            outcome = status;
    }
    clock_gettime(CLOCK_MONOTONIC, &to);
    print_counts(batch, (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9);
    ctl->error.message[0] = '\0'; /* all were reported */
    if (outcome == OBS_OK && batch->refused && ctl_get(ctl, "strict"))
        return ctl_fail(ctl, OBS_REFUSED, "%llu were refused: 'obsctl ingest log --result refused' says why", batch->refused);
    return outcome;
}

obs_status ctl_run_ingest(ctl *ctl)
{
    obs_pair *labels = NULL;
    struct batch batch = {.ctl = ctl, .definition = ctl_get(ctl, "definition"), .lines = malloc(BATCH_BYTES)};
    obs_ingest_options_init(&batch.options, sizeof batch.options);
    batch.options.call = &ctl->call;
    obs_status status = batch.lines ? ctl_pairs(ctl, "label", &labels, &batch.options.label_count) : ctl_fail_memory(ctl);
    batch.options.labels = labels;
    batch.options.no_index = ctl_get(ctl, "no-index") != NULL;
    if (status == OBS_OK && !batch.definition && (ctl_get(ctl, "format") || ctl_get(ctl, "member")))
        status = ctl_fail(ctl, OBS_INVALID_ARGUMENT, "records need --definition NAME; 'obsctl ingest definitions' lists them");
    if (status == OBS_OK)
        status = ctl_open(ctl);
    if (status == OBS_OK)
        status = each_file(&batch);
    ctl_pairs_free(labels, batch.options.label_count);
    free(batch.lines);
    return status;
}

obs_status ctl_run_ingest_log(ctl *ctl)
{
    static const ctl_column columns[] = {
        {"time", "TIME", 0}, {"result", "RESULT", 0}, {"table", "TABLE", 0},   {"bytes", "BYTES", 1},
        {"key", "KEY", 0},   {"origin", "ORIGIN", 0}, {"reason", "REASON", 0}, {NULL, NULL, 0},
    };
    obs_ingest_log_options options;
    obs_rows *rows = NULL;
    long long limit = 0;
    obs_ingest_log_options_init(&options, sizeof options);
    obs_status status = ctl_number(ctl, "limit", 1, 1000000000, &limit);
    options.call = &ctl->call;
    options.table = ctl_get(ctl, "table");
    options.result = ctl_get(ctl, "result");
    options.site = ctl_get(ctl, "site");
    options.after = ctl_get(ctl, "after");
    options.limit = (size_t)limit;
    if (status == OBS_OK)
        status = ctl_open(ctl);
    if (status == OBS_OK)
        status = obs_ingest_log(&rows, ctl->client, &options, &ctl->error);
    return status == OBS_OK ? ctl_print_rows(ctl, rows, columns) : status;
}

obs_status ctl_run_ingest_define(ctl *ctl)
{
    char *schema = NULL;
    size_t size;
    obs_status status = ctl_read_file(ctl, ctl->arguments[1], (size_t)1 << 20, &schema, &size);
    if (status == OBS_OK)
        status = ctl_open(ctl);
    if (status == OBS_OK)
        status = obs_ingest_definition(ctl->client, ctl->arguments[0], schema, size, &ctl->call, &ctl->error);
    if (status == OBS_OK && ctl->json)
        ctl_print_json(json_pack("{s:o}", "name", ctl_text(ctl->arguments[0])));
    free(schema);
    return status;
}

obs_status ctl_run_ingest_definitions(ctl *ctl)
{
    static const ctl_column columns[] = {{"name", "NAME", 0}, {"version", "VERSION", 1}, {"time", "TIME", 0}, {NULL, NULL, 0}};
    obs_rows *rows = NULL;
    obs_status status = ctl_open(ctl);
    if (status == OBS_OK)
        status = obs_ingest_definitions(&rows, ctl->client, &ctl->call, &ctl->error);
    return status == OBS_OK ? ctl_print_rows(ctl, rows, columns) : status;
}
