/* Counters of the process, and their OpenMetrics 1.0 text. */
#include "base/metrics.h"

#include <obs/log.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"

#define TABLE_SIZE 1024 /* a power of two */
#define TABLE_LIMIT 768
#define TEXT_LIMIT ((size_t)16 << 20)

/* Upper bounds of the buckets of durations: from a read in memory to a transfer that takes minutes. */
static const struct {
    int64_t ns;
    const char *text;
} bounds[] = {{1000, "1e-06"},     {10000, "1e-05"},    {100000, "0.0001"},    {500000, "0.0005"},     {1000000, "0.001"},
              {2500000, "0.0025"}, {5000000, "0.005"},  {10000000, "0.01"},    {25000000, "0.025"},    {100000000, "0.1"},
              {500000000, "0.5"},  {1000000000, "1.0"}, {10000000000, "10.0"}, {100000000000, "100.0"}};
#define BOUNDS (sizeof bounds / sizeof bounds[0])
_Static_assert(BOUNDS + 1 == OBS__HISTOGRAM_BUCKETS, "as many buckets as bounds, and one more");

/* The calls of one combination of labels. Made once and never removed, so that readers need no lock. */
struct calls {
    char action[48];
    char tenant[64];
    obs_status status;
    _Atomic uint64_t bytes;
    _Atomic uint64_t sum_ns;
    _Atomic uint64_t buckets[BOUNDS + 1];
};

static _Atomic(struct calls *) table[TABLE_SIZE];
static atomic_size_t used;
static struct calls other = {.action = "other.other", .tenant = "other", .status = OBS_UNKNOWN};
static _Atomic(obs__counter *) counters;
static _Atomic(obs__histogram *) histograms;

void obs__counter_add(obs__counter *counter, uint64_t more)
{
    atomic_fetch_add_explicit(&counter->value, more, memory_order_relaxed);
    if (atomic_load_explicit(&counter->listed, memory_order_relaxed) || atomic_exchange(&counter->listed, 1))
        return;
    counter->next = atomic_load(&counters);
    while (!atomic_compare_exchange_weak(&counters, &counter->next, counter))
        ;
}

uint64_t obs__counter_value(const obs__counter *counter)
{
    return atomic_load_explicit(&((obs__counter *)(uintptr_t)counter)->value, memory_order_relaxed);
}

static size_t bucket_of(int64_t duration_ns)
{
    size_t bucket = 0;
    while (bucket < BOUNDS && duration_ns > bounds[bucket].ns)
        bucket++;
    return bucket;
}

void obs__histogram_add(obs__histogram *histogram, int64_t duration_ns)
{
    atomic_fetch_add_explicit(&histogram->buckets[bucket_of(duration_ns)], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&histogram->sum_ns, duration_ns > 0 ? (uint64_t)duration_ns : 0, memory_order_relaxed);
    if (atomic_load_explicit(&histogram->listed, memory_order_relaxed) || atomic_exchange(&histogram->listed, 1))
        return;
    histogram->next = atomic_load(&histograms);
    while (!atomic_compare_exchange_weak(&histograms, &histogram->next, histogram))
        ;
}

/* FNV-1a: short keys, and only the spread counts. */
static uint64_t hash_text(uint64_t hash, const char *text)
{
    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * 0x100000001B3;
    return (hash ^ 0xFF) * 0x100000001B3;
}

static int is_same(const struct calls *calls, const char *action, const char *tenant, obs_status status)
{
    return calls->status == status && strcmp(calls->action, action) == 0 && strcmp(calls->tenant, tenant) == 0;
}

static struct calls *make_calls(const char *action, const char *tenant, obs_status status)
{
    struct calls *calls = atomic_load(&used) < TABLE_LIMIT ? obs__calloc(1, sizeof *calls) : NULL;
    if (calls) {
        snprintf(calls->action, sizeof calls->action, "%s", action);
        snprintf(calls->tenant, sizeof calls->tenant, "%s", tenant);
        calls->status = status;
    }
    return calls;
}

static struct calls *find_calls(const char *action, const char *tenant, obs_status status)
{
    if (strlen(action) >= sizeof other.action || strlen(tenant) >= sizeof other.tenant)
        return &other;
    uint64_t hash = hash_text(hash_text(0xCBF29CE484222325 + (uint64_t)status, action), tenant);
    struct calls *made = NULL;
    for (size_t i = 0; i < TABLE_SIZE; i++) {
        _Atomic(struct calls *) *slot = &table[(hash + i) & (TABLE_SIZE - 1)];
        struct calls *found = atomic_load_explicit(slot, memory_order_acquire);
        if (!found) {
            if (!made && !(made = make_calls(action, tenant, status)))
                return &other;
            if (atomic_compare_exchange_strong(slot, &found, made)) {
                atomic_fetch_add(&used, 1);
                return made;
            }
        }
        if (is_same(found, action, tenant, status)) {
            obs__free(made);
            return found;
        }
    }
    obs__free(made);
    return &other;
}

void obs__count_call(const char *action, const char *tenant, obs_status status, int64_t duration_ns, uint64_t bytes)
{
    struct calls *calls = find_calls(action, tenant, status);
    atomic_fetch_add_explicit(&calls->buckets[bucket_of(duration_ns)], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&calls->sum_ns, duration_ns > 0 ? (uint64_t)duration_ns : 0, memory_order_relaxed);
    if (bytes)
        atomic_fetch_add_explicit(&calls->bytes, bytes, memory_order_relaxed);
}

void obs__add_label(obs__builder *out, const char *name, const char *value, size_t size)
{
    obs__add_format(out, "%s=\"", name);
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)value[i];
        if (c == '"' || c == '\\')
            obs__add_char(out, '\\');
        if (c == '\n')
            obs__add_text(out, "\\n");
        else
            obs__add_char(out, (char)c);
    }
    obs__add_char(out, '"');
}

/* `{module="store",action="put",…` without its end. */
static void add_labels(obs__builder *out, const char *name, const struct calls *calls)
{
    const char *point = strchr(calls->action, '.');
    const char *verb = point ? point + 1 : calls->action;
    char shown[256];
    obs__add_format(out, "%s{", name);
    obs__add_label(out, "module", calls->action, point ? (size_t)(point - calls->action) : 0);
    obs__add_char(out, ',');
    obs__add_label(out, "action", verb, strlen(verb));
    obs__add_char(out, ',');
    int valid = obs__utf8_valid(calls->tenant, strlen(calls->tenant));
    snprintf(shown, sizeof shown, "%s", valid ? calls->tenant : "invalid");
    obs__add_label(out, "tenant", shown, strlen(shown));
    obs__add_char(out, ',');
    const char *status = calls == &other ? "other" : obs_status_name(calls->status);
    obs__add_label(out, "status", status, strlen(status));
}

static uint64_t count_of(struct calls *calls)
{
    uint64_t count = 0;
    for (size_t i = 0; i <= BOUNDS; i++)
        count += atomic_load_explicit(&calls->buckets[i], memory_order_relaxed);
    return count;
}

static void add_count(obs__builder *out, struct calls *calls)
{
    add_labels(out, "obs_calls_total", calls);
    obs__add_format(out, "} %llu\n", (unsigned long long)count_of(calls));
}

static void add_bytes(obs__builder *out, struct calls *calls)
{
    add_labels(out, "obs_call_bytes_total", calls);
    obs__add_format(out, "} %llu\n", (unsigned long long)atomic_load_explicit(&calls->bytes, memory_order_relaxed));
}

static void add_durations(obs__builder *out, struct calls *calls)
{
    uint64_t count = 0;
    for (size_t i = 0; i <= BOUNDS; i++) {
        count += atomic_load_explicit(&calls->buckets[i], memory_order_relaxed);
        add_labels(out, "obs_call_duration_seconds_bucket", calls);
        obs__add_format(out, ",le=\"%s\"} %llu\n", i < BOUNDS ? bounds[i].text : "+Inf", (unsigned long long)count);
    }
    uint64_t sum = atomic_load_explicit(&calls->sum_ns, memory_order_relaxed);
    add_labels(out, "obs_call_duration_seconds_count", calls);
    obs__add_format(out, "} %llu\n", (unsigned long long)count);
    add_labels(out, "obs_call_duration_seconds_sum", calls);
    obs__add_format(out, "} %llu.%09llu\n", (unsigned long long)(sum / 1000000000), (unsigned long long)(sum % 1000000000));
}

static void add_family(obs__builder *out, const char *head, void (*add)(obs__builder *, struct calls *))
{
    obs__add_text(out, head);
    for (size_t i = 0; i < TABLE_SIZE; i++) {
        struct calls *calls = atomic_load_explicit(&table[i], memory_order_acquire);
        if (calls)
            add(out, calls);
    }
    if (count_of(&other))
        add(out, &other);
}

static void add_histogram(obs__builder *out, obs__histogram *histogram)
{
    uint64_t count = 0;
    const char *name = histogram->name;
    obs__add_format(out, "# TYPE %s histogram\n# UNIT %s seconds\n# HELP %s %s\n", name, name, name, histogram->help);
    for (size_t i = 0; i <= BOUNDS; i++) {
        count += atomic_load_explicit(&histogram->buckets[i], memory_order_relaxed);
        obs__add_format(out, "%s_bucket{le=\"%s\"} %llu\n", name, i < BOUNDS ? bounds[i].text : "+Inf",
                        (unsigned long long)count);
    }
    uint64_t sum = atomic_load_explicit(&histogram->sum_ns, memory_order_relaxed);
    obs__add_format(out, "%s_count %llu\n%s_sum %llu.%09llu\n", name, (unsigned long long)count, name,
                    (unsigned long long)(sum / 1000000000), (unsigned long long)(sum % 1000000000));
}

obs_status obs_metrics_text(obs_buffer **out, obs_error *error)
{
    obs__builder text;
    if (!out)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "out is required");
    *out = NULL;
    obs__builder_init(&text, TEXT_LIMIT);
    add_family(&text, "# TYPE obs_calls counter\n# HELP obs_calls Calls that ended.\n", add_count);
    add_family(&text,
               "# TYPE obs_call_bytes counter\n# UNIT obs_call_bytes bytes\n"
               "# HELP obs_call_bytes Bytes that calls moved.\n",
               add_bytes);
    add_family(&text,
               "# TYPE obs_call_duration_seconds histogram\n# UNIT obs_call_duration_seconds seconds\n"
               "# HELP obs_call_duration_seconds How long calls took.\n",
               add_durations);
    for (obs__counter *c = atomic_load(&counters); c; c = c->next)
        obs__add_format(&text, "# TYPE %s counter\n# HELP %s %s\n%s_total %llu\n", c->name, c->name, c->help, c->name,
                        (unsigned long long)obs__counter_value(c));
    for (obs__histogram *h = atomic_load(&histograms); h; h = h->next)
        add_histogram(&text, h);
    obs__add_text(&text, "# EOF\n");
    obs_status status = obs__builder_finish(out, &text, error);
    return status == OBS_OK ? obs__ok(error) : status;
}
