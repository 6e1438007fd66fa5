/* What the client wires from the catalog module; the public side is <obs/catalog.h> and part of <obs/ingest.h>. */
#ifndef OBS_CATALOG_CATALOG_H
#define OBS_CATALOG_CATALOG_H

#include <obs/catalog.h>
#include <obs/ingest.h>

#include "journal/gate.h"

/* Tables `entry` and its index, `entry_text` (full text), `made_from`, `definition`, `record`, `ingest_log`: see schema.c. */
extern const char obs__catalog_schema[];

obs_status obs__catalog_open(obs_catalog **out, obs__gate *gate, obs_error *error);
void obs__catalog_free(obs_catalog *catalog);

/* Effects: everything borrowed is copied. */
obs_status obs__catalog_entry(obs__effects *effects, const obs__entry *entry, obs_error *error);
obs_status obs__catalog_forget(obs__effects *effects, obs__view key, obs_error *error);
obs_status obs__catalog_labels(obs__effects *effects, obs__view key, const obs_pair *labels, size_t count, obs_error *error);

/* One line of the ingestion log. */
typedef struct obs__ingest_line {
    int64_t time_ns;
    const char *result; /* "accepted", "refused" */
    const char *reason; /* "" when accepted */
    const char *table;  /* definition name, or "objects" */
    obs__view key;
    uint64_t bytes;
    const char *origin;
    const char *trace;
    obs__view excerpt; /* of refused data, up to 4,096 bytes */
} obs__ingest_line;
obs_status obs__ingest_line_effect(obs__effects *effects, const obs__ingest_line *line, obs_error *error);
/* The same log, counted. */
typedef struct obs__stats_question {
    int by_tenant, by_table, by_reason;
    int64_t period_ns; /* an hour, a day, or 0: all of it */
    int64_t since_ns, until_ns;
    const obs__limit *limit;
} obs__stats_question;
obs_status obs__ingest_stats(obs__builder *out, obs__journal *journal, const char *tenant, const obs__stats_question *question,
                             obs_error *error);
obs_status obs__ingest_log_rows(obs_rows **out, obs__gate *gate, const obs_ingest_log_options *options, obs_error *error);

/* A compiled data definition, shared and kept while somebody holds it. */
typedef struct obs__definition obs__definition;
/* The newest version; OBS_NOT_FOUND names those there are. Cached; a new version by another process is seen at the next call.
 */
obs_status obs__definition_get(obs__definition **out, obs_catalog *catalog, const char *name, obs_error *error);
/* The same, and from now on known to this handle. */
obs_status obs__definition_newest(obs__definition **out, obs_catalog *catalog, const char *name, obs_error *error);
/* What is known, which may be out of date: what is made of it begins with obs__definition_must_be_newest(), by which the commit
 * gives OBS__OUTDATED, and nothing is kept, when there is a newer version. */
#define OBS__OUTDATED ((obs_status)-2)
obs_status obs__definition_known(obs__definition **out, obs_catalog *catalog, const char *name, obs_error *error);
obs_status obs__definition_must_be_newest(obs__effects *effects, obs__definition *definition, obs_error *error);
void obs__definition_free(obs__definition *definition);
obs_status obs__definition_put(obs__effects *effects, obs_catalog *catalog, const char *name, obs__view schema,
                               obs_error *error); /* no effect when the same is stored already */
obs_status obs__definition_rows(obs_rows **out, obs__gate *gate, obs_error *error);

/* Checks a record and adds what makes it durable: the record, its catalog entry (values: its numbers, texts and booleans,
 * those of inner objects as `outer.inner`). OBS_REFUSED with the reason when it does not fit; then nothing is added.
 * out_key receives `records/<definition>/<uuid7>`; holds 256 bytes. */
obs_status obs__record_stage(obs__effects *effects, char *out_key, obs__definition *definition, obs__view json,
                             const obs_pair *labels, size_t label_count, obs_error *error);

/* The same under a key that the record got elsewhere, where nothing is yet. */
obs_status obs__record_stage_as(obs__effects *effects, const char *key, obs__definition *definition, obs__view json,
                                const obs_pair *labels, size_t label_count, obs_error *error);

/* The bytes of a record as they were given, checked; OBS_NOT_FOUND, OBS_DATA_LOSS. */
obs_status obs__record_get(obs_buffer **out, obs__gate *gate, obs__view key, obs_error *error);

/* For tenant show and workspace check. */
typedef struct obs__catalog_counts {
    uint64_t objects;
    uint64_t records;
    uint64_t bytes;
} obs__catalog_counts;
/* Calls `visit` with the key of each object that the catalog knows, in short snapshots; it ends at the first failure. */
typedef obs_status obs__object_visit(void *user, obs__view key, obs_error *error);
obs_status obs__catalog_each_object(obs__gate *gate, obs__object_visit *visit, void *user, obs_error *error);
/* The entry of now, as <obs/catalog.h> documents it, without the gate; or OBS_NOT_FOUND. */
obs_status obs__catalog_read(obs_buffer **out, obs__gate *gate, obs__view key, obs_error *error);
/* The values that the entry of a record has, made from its bytes again: a JSON object, or nothing. OBS_DATA_LOSS when they are
 * no JSON. */
obs_status obs__record_values(obs__builder *out, obs__view json, obs_error *error);
obs_status obs__catalog_count(obs__catalog_counts *out, obs__gate *gate, obs_error *error);

/* For metrics: how many lines the ingestion log ever had, and how many of those that are there were refused. */
typedef struct obs__ingest_numbers {
    int64_t lines;
    int64_t refused;
} obs__ingest_numbers;
obs_status obs__ingest_measure(obs__ingest_numbers *out, obs__journal *journal, obs_error *error);

#endif
