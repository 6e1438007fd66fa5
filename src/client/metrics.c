/*
 * A workspace in numbers, as OpenMetrics 1.0 text: what is true of it whoever works in it, read from its files. What a process
 * itself did is obs_metrics_text().
 *
 * Labels are bounded: tenants beyond TENANTS_MOST are only counted, and consumers of a tenant beyond CONSUMERS_MOST are added
 * up as `other`.
 */
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "audit/schedule.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/metrics.h"
#include "client/client.h"

#define TENANTS_MOST 500
#define CONSUMERS_MOST 100
#define OPEN_LIMIT_MS 1000
#define TEXT_MOST ((size_t)64 << 20)
#define LAYERS_MOST OBS__CONFIG_LAYERS_MAX

/* A number that is not known is left out. */
#define UNKNOWN INT64_MIN

struct consumer {
    size_t tenant;
    char name[132];
    int64_t lag, retrying, dead, age_ns, paused;
};

struct tenant {
    char name[OBS__TENANT_SIZE];
    int64_t up, objects, records, bytes, events, published, lines, refused, database, log;
    int64_t audited, unsequenced, gaps, lost;
    size_t consumer_count;
};

struct layer {
    char label[256];
    int64_t well, lag_ns, age_ns;
};

struct numbers {
    obs_client *client;
    const obs__limit *limit;
    int64_t now_ns;
    int64_t tenant_total;
    struct tenant *tenants;
    size_t tenant_count;
    struct consumer *consumers;
    size_t consumer_count, consumer_capacity;
    struct layer layers[LAYERS_MOST];
    size_t layer_count;
    int failed; /* memory */
};

/* ---- Reading. ---- */

static struct consumer *new_consumer(struct numbers *all)
{
    if (all->consumer_count == all->consumer_capacity) {
        size_t capacity = all->consumer_capacity ? 2 * all->consumer_capacity : 16;
        struct consumer *grown = obs__realloc(all->consumers, capacity * sizeof *grown);
        if (!grown)
            return NULL;
        all->consumers = grown;
        all->consumer_capacity = capacity;
    }
    struct consumer *consumer = &all->consumers[all->consumer_count++];
    *consumer = (struct consumer){.tenant = all->tenant_count};
    return consumer;
}

static void note_consumer(void *user, const obs__consumer_numbers *found)
{
    struct numbers *all = user;
    struct tenant *tenant = &all->tenants[all->tenant_count];
    int is_other = tenant->consumer_count >= CONSUMERS_MOST;
    struct consumer *to =
        tenant->consumer_count > CONSUMERS_MOST ? &all->consumers[all->consumer_count - 1] : new_consumer(all);
    if (!to) {
        all->failed = 1;
        return;
    }
    int64_t age_ns = found->oldest_ns && found->oldest_ns < all->now_ns ? all->now_ns - found->oldest_ns : 0;
    snprintf(to->name, sizeof to->name, "%s", is_other ? "other" : found->name);
    to->lag += found->lag;
    to->retrying += found->retrying;
    to->dead += found->dead;
    to->paused += found->paused_ms > all->now_ns / 1000000;
    to->age_ns = age_ns > to->age_ns ? age_ns : to->age_ns;
    tenant->consumer_count += tenant->consumer_count <= CONSUMERS_MOST;
}

static int64_t size_of(const char *folder, const char *name)
{
    char path[PATH_MAX];
    struct stat found;
    int size = snprintf(path, sizeof path, "%s/%s", folder, name);
    return size > 0 && (size_t)size < sizeof path && stat(path, &found) == 0 ? (int64_t)found.st_size : UNKNOWN;
}

static obs_status read_database(struct numbers *all, struct tenant *tenant, obs__journal *journal, obs_error *error)
{
    obs__gate gate = all->client->gate->gate;
    obs__catalog_counts counts;
    obs__ingest_numbers ingested;
    obs__bus_numbers bus;
    obs__audit_numbers audit;
    gate.journal = journal;
    gate.tenant = tenant->name;
    obs_status status = obs__catalog_count(&counts, &gate, error);
    if (status == OBS_OK)
        status = obs__ingest_measure(&ingested, journal, error);
    if (status == OBS_OK)
        status = obs__bus_measure(&bus, journal, note_consumer, all, error);
    if (status == OBS_OK)
        status = obs__audit_measure(&audit, obs__audit_log(all->client->gate->audit), journal, tenant->name, error);
    if (status != OBS_OK)
        return status;
    tenant->objects = (int64_t)counts.objects;
    tenant->records = (int64_t)counts.records;
    tenant->bytes = (int64_t)counts.bytes;
    tenant->events = bus.kept;
    tenant->published = bus.published;
    tenant->lines = ingested.lines;
    tenant->refused = ingested.refused;
    tenant->audited = audit.records;
    tenant->unsequenced = audit.waiting < 0 ? UNKNOWN : audit.waiting;
    tenant->gaps = audit.gaps;
    tenant->lost = audit.lost;
    return OBS_OK;
}

/* One that cannot be read is down, which is a number, too; the others are told. */
static obs_status read_tenant(struct numbers *all, struct tenant *tenant, obs_error *error)
{
    obs__limit limit = *all->limit;
    obs__journal *journal = NULL;
    obs_error why;
    obs_error_init(&why, sizeof why);
    char *folder = obs__tenant_folder(all->client->gate->workspace->folder, tenant->name);
    if (!folder)
        return obs__fail_memory(error);
    tenant->database = size_of(folder, "tenant.db");
    tenant->log = size_of(folder, "tenant.db-wal");
    obs_status status = obs__client_journal(&journal, all->client->gate->workspace, folder, 0, &limit, &why);
    if (status == OBS_OK)
        status = read_database(all, tenant, journal, &why);
    obs__journal_free(journal);
    obs__free(folder);
    tenant->up = status == OBS_OK;
    return obs__lacks_memory(&why) || all->failed ? obs__fail_memory(error) : obs__limit_check(all->limit, error);
}

static obs_status visit_tenant(void *user, const char *name, obs_error *error)
{
    struct numbers *all = user;
    all->tenant_total++;
    if (all->tenant_count == TENANTS_MOST)
        return OBS_OK;
    struct tenant *tenant = &all->tenants[all->tenant_count];
    *tenant = (struct tenant){.objects = UNKNOWN,
                              .records = UNKNOWN,
                              .bytes = UNKNOWN,
                              .events = UNKNOWN,
                              .published = UNKNOWN,
                              .lines = UNKNOWN,
                              .refused = UNKNOWN,
                              .audited = UNKNOWN,
                              .unsequenced = UNKNOWN,
                              .gaps = UNKNOWN,
                              .lost = UNKNOWN};
    snprintf(tenant->name, sizeof tenant->name, "%s", name);
    obs_status status = read_tenant(all, tenant, error);
    all->tenant_count += status == OBS_OK;
    return status;
}

/* Who does not administrate sees the own tenant. */
static obs_status read_tenants(struct numbers *all, obs__scope *scope, obs_error *error)
{
    const obs__client_gate *gate = all->client->gate;
    all->tenants = obs__calloc(TENANTS_MOST, sizeof *all->tenants);
    if (!all->tenants)
        return obs__fail_memory(error);
    const char *only = obs__client_decide(scope, "tenant.list", scope->object, NULL) == OBS_OK ? NULL : gate->tenant;
    return only ? visit_tenant(all, only, error) : obs__tenant_each(gate->workspace, NULL, visit_tenant, all, error);
}

static void note_layer(void *user, const obs__config_numbers *found)
{
    struct numbers *all = user;
    if (all->layer_count == LAYERS_MOST)
        return;
    struct layer *layer = &all->layers[all->layer_count++];
    snprintf(layer->label, sizeof layer->label, "%s", found->label);
    layer->well = found->is_well;
    layer->lag_ns = found->lag_ns < 0 ? UNKNOWN : found->lag_ns;
    layer->age_ns = found->age_ns < 0 ? UNKNOWN : found->age_ns;
}

/* ---- Writing. ---- */

/* A family of samples, one for each element of an array: the number lies at `offset`. */
struct family {
    const char *name;
    const char *type;
    const char *unit; /* the name ends with it; NULL: none */
    const char *help;
    size_t offset;
};

#define SECONDS "seconds"
#define BYTES "bytes"

static void add_head(obs__builder *out, const struct family *family)
{
    obs__add_format(out, "# TYPE %s %s\n", family->name, family->type);
    if (family->unit)
        obs__add_format(out, "# UNIT %s %s\n", family->name, family->unit);
    obs__add_format(out, "# HELP %s %s\n", family->name, family->help);
}

/* Times are kept in nanoseconds. */
static void add_number(obs__builder *out, const struct family *family, int64_t number)
{
    if (family->unit && strcmp(family->unit, SECONDS) == 0)
        obs__add_format(out, " %lld.%03lld\n", (long long)(number / 1000000000), (long long)(number / 1000000 % 1000));
    else
        obs__add_format(out, " %lld\n", (long long)number);
}

/* `name`, with `_total` where the type wants it. */
static void add_name(obs__builder *out, const struct family *family)
{
    obs__add_text(out, family->name);
    if (strcmp(family->type, "counter") == 0)
        obs__add_text(out, "_total");
}

static int64_t number_at(const void *element, const struct family *family)
{
    int64_t number;
    memcpy(&number, (const char *)element + family->offset, sizeof number);
    return number;
}

static void add_tenants(obs__builder *out, const struct numbers *all)
{
#define AT(member) offsetof(struct tenant, member)
    static const struct family families[] = {
        {"obs_tenant_up", "gauge", NULL, "Whether the database of the tenant can be read.", AT(up)},
        {"obs_tenant_objects", "gauge", NULL, "Objects in the catalog.", AT(objects)},
        {"obs_tenant_records", "gauge", NULL, "Records in the catalog.", AT(records)},
        {"obs_tenant_stored_bytes", "gauge", BYTES, "Bytes of the objects and records in the catalog.", AT(bytes)},
        {"obs_tenant_events", "gauge", NULL, "Events that are kept.", AT(events)},
        {"obs_tenant_events_published", "counter", NULL, "Events that were published.", AT(published)},
        {"obs_tenant_ingested", "counter", NULL, "Items that came in, accepted or refused.", AT(lines)},
        {"obs_tenant_refused", "gauge", NULL, "Refused items in the ingestion log.", AT(refused)},
        {"obs_tenant_database_bytes", "gauge", BYTES, "Size of the tenant's database.", AT(database)},
        {"obs_tenant_wal_bytes", "gauge", BYTES, "Size of its write-ahead log.", AT(log)},
        {"obs_audit_records", "counter", NULL, "Audit records that were made.", AT(audited)},
        {"obs_audit_unsequenced", "gauge", NULL, "Audit records that are not in the signed log yet.", AT(unsequenced)},
        {"obs_audit_gaps", "gauge", NULL, "Gaps in the audit trail.", AT(gaps)},
        {"obs_audit_lost_calls", "gauge", NULL, "Calls that were lost in gaps of the audit trail.", AT(lost)},
    };
#undef AT
    for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
        add_head(out, &families[i]);
        for (size_t t = 0; t < all->tenant_count; t++) {
            const struct tenant *tenant = &all->tenants[t];
            int64_t number = number_at(tenant, &families[i]);
            if (number == UNKNOWN)
                continue;
            add_name(out, &families[i]);
            obs__add_char(out, '{');
            obs__add_label(out, "tenant", tenant->name, strlen(tenant->name));
            obs__add_char(out, '}');
            add_number(out, &families[i], number);
        }
    }
}

static void add_consumers(obs__builder *out, const struct numbers *all)
{
#define AT(member) offsetof(struct consumer, member)
    static const struct family families[] = {
        {"obs_consumer_lag_events", "gauge", "events", "Events that lie before the consumer, wanted or not.", AT(lag)},
        {"obs_consumer_oldest_age_seconds", "gauge", SECONDS, "Age of the oldest of these.", AT(age_ns)},
        {"obs_consumer_retrying_events", "gauge", "events", "Events that come again.", AT(retrying)},
        {"obs_consumer_dead_events", "gauge", "events", "Dead letters.", AT(dead)},
        {"obs_consumer_paused", "gauge", NULL, "Whether the consumer is paused.", AT(paused)},
    };
#undef AT
    for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
        add_head(out, &families[i]);
        for (size_t c = 0; c < all->consumer_count; c++) {
            const struct consumer *consumer = &all->consumers[c];
            const char *tenant = all->tenants[consumer->tenant].name;
            add_name(out, &families[i]);
            obs__add_char(out, '{');
            obs__add_label(out, "tenant", tenant, strlen(tenant));
            obs__add_char(out, ',');
            obs__add_label(out, "consumer", consumer->name, strlen(consumer->name));
            obs__add_char(out, '}');
            add_number(out, &families[i], number_at(consumer, &families[i]));
        }
    }
}

static void add_layers(obs__builder *out, const struct numbers *all)
{
#define AT(member) offsetof(struct layer, member)
    static const struct family families[] = {
        {"obs_config_source_up", "gauge", NULL, "Whether the source of the configuration is well.", AT(well)},
        {"obs_config_lag_seconds", "gauge", SECONDS, "From the last change of the source to when it was taken over.",
         AT(lag_ns)},
        {"obs_config_checked_age_seconds", "gauge", SECONDS, "Since the source was asked.", AT(age_ns)},
    };
#undef AT
    for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
        add_head(out, &families[i]);
        for (size_t l = 0; l < all->layer_count; l++) {
            const struct layer *layer = &all->layers[l];
            if (number_at(layer, &families[i]) == UNKNOWN)
                continue;
            add_name(out, &families[i]);
            obs__add_char(out, '{');
            obs__add_label(out, "layer", layer->label, strlen(layer->label));
            obs__add_char(out, '}');
            add_number(out, &families[i], number_at(layer, &families[i]));
        }
    }
}

static void add_one(obs__builder *out, const struct family *family, int64_t number)
{
    if (number == UNKNOWN)
        return;
    add_head(out, family);
    add_name(out, family);
    add_number(out, family, number);
}

static void add_workspace(obs__builder *out, const struct numbers *all)
{
    static const struct family tenants = {"obs_tenants", "gauge", NULL, "Tenants of the workspace that the caller may see.", 0};
    static const struct family checkpoint = {"obs_audit_checkpoint_age_seconds", "gauge", SECONDS,
                                             "Since the audit log was signed.", 0};
    static const struct family anchor = {"obs_audit_anchor_age_seconds", "gauge", SECONDS,
                                         "Since a checkpoint was kept outside of the workspace.", 0};
    static const struct family size = {"obs_disk_size_bytes", "gauge", BYTES, "Size of the file system.", 0};
    static const struct family left = {"obs_disk_free_bytes", "gauge", BYTES, "What is free on it.", 0};
    static const struct family held = {"obs_reserve_held_bytes", "gauge", BYTES, "What is set aside for a full disk.", 0};
    static const struct family wanted = {"obs_reserve_wanted_bytes", "gauge", BYTES, "What there should be.", 0};
    const obs__client_gate *gate = all->client->gate;
    const obs__schedule *log = obs__audit_log(gate->audit);
    struct statvfs disk;
    obs__reserve reserve;
    add_one(out, &tenants, all->tenant_total);
    int64_t age_ms = log ? obs__schedule_checkpoint_age_ms(log) : -1;
    add_one(out, &checkpoint, age_ms < 0 ? UNKNOWN : age_ms * 1000000);
    age_ms = log ? obs__schedule_anchor_age_ms(log) : -1;
    add_one(out, &anchor, age_ms < 0 ? UNKNOWN : age_ms * 1000000);
    if (statvfs(gate->workspace->folder, &disk) == 0) {
        add_one(out, &size, (int64_t)((uint64_t)disk.f_blocks * disk.f_frsize));
        add_one(out, &left, (int64_t)((uint64_t)disk.f_bavail * disk.f_frsize));
    }
    if (obs__reserve_look(&reserve, gate->workspace->folder, NULL) == OBS_OK) {
        add_one(out, &held, reserve.held);
        add_one(out, &wanted, reserve.wanted);
    }
}

static obs_status write_text(obs_buffer **out, const struct numbers *all, obs_error *error)
{
    obs__builder text;
    obs__builder_init(&text, TEXT_MOST);
    add_workspace(&text, all);
    add_tenants(&text, all);
    add_consumers(&text, all);
    add_layers(&text, all);
    obs__add_text(&text, "# EOF\n");
    obs_status status = obs__builder_finish(out, &text, error);
    obs__builder_free(&text);
    return status;
}

obs_status obs_client_metrics(obs_buffer **out, obs_client *client, const obs_call *call, obs_error *error)
{
    obs__scope scope;
    obs_error unused;
    if (!out || !client)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "out and client are required");
    *out = NULL;
    obs_status status = obs__gate_enter(&scope, &client->gate->gate, OBS__READ, "client.metrics", NULL, 0, call, error);
    if (status != OBS_OK)
        return status;
    struct numbers all = {.client = client, .limit = &scope.limit, .now_ns = obs__now_ns()};
    status = read_tenants(&all, &scope, error);
    obs_error_init(&unused, sizeof unused); /* a configuration that cannot be read has no sources */
    if (status == OBS_OK)
        obs__config_measure(client->config, note_layer, &all, &unused);
    if (status == OBS_OK)
        status = write_text(out, &all, error);
    obs__free(all.tenants);
    obs__free(all.consumers);
    return obs__gate_leave(&scope, status, error);
}
