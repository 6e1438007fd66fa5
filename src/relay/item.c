/* One object or record by its key: what the target does not have of it joins the unit. */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "relay/relay.h"

obs_status obs__relay_unit_begin(obs__relay_unit *out, obs__relay *relay, obs_error *error)
{
    *out = (obs__relay_unit){.relay = relay};
    return obs_unit_begin(&out->unit, relay->to, relay->call, error);
}

obs_status obs__relay_unit_commit(obs__relay_unit *unit, obs_error *error)
{
    obs_relay_counts *sum = &unit->relay->counts;
    const obs_relay_counts *more = &unit->counts;
    obs_status status = obs_unit_commit(unit->unit, error);
    if (status != OBS_OK)
        return status;
    sum->events += more->events;
    sum->objects += more->objects;
    sum->records += more->records;
    sum->entries += more->entries;
    sum->bytes += more->bytes;
    sum->lines += more->lines;
    return OBS_OK;
}

void obs__relay_unit_free(obs__relay_unit *unit)
{
    for (size_t i = 0; i < unit->key_count; i++)
        obs__free(unit->keys[i]);
    unit->key_count = 0;
    obs_unit_free(unit->unit);
    unit->unit = NULL;
}

/* Where the site's own bytes of a key are when the target has others; "" when that is too long for a key. */
static void name_other(obs__relay_unit *unit, const char *key)
{
    int size = snprintf(unit->other, sizeof unit->other, "sites/%s/%s", unit->relay->site, key);
    if (size < 0 || (size_t)size >= sizeof unit->other)
        *unit->other = '\0';
}

/* Whether this unit has looked at a key already. */
static int has_key(obs__relay_unit *unit, const char *key)
{
    for (size_t i = 0; i < unit->key_count; i++)
        if (strcmp(unit->keys[i], key) == 0) {
            if (unit->moved[i])
                name_other(unit, key);
            return 1;
        }
    return 0;
}

static void keep_key(obs__relay_unit *unit, const char *key)
{
    if (unit->key_count == OBS__RELAY_BATCH || !(unit->keys[unit->key_count] = obs__strdup(key)))
        return; /* then it is looked at again */
    unit->moved[unit->key_count++] = *unit->other != '\0';
}

static void origin_of(char out[OBS__TENANT_SIZE + 8], const char *site)
{
    snprintf(out, OBS__TENANT_SIZE + 8, "site:%s", site);
}

obs_status obs__relay_line(obs__effects *effects, obs__relay_unit *unit, const obs__scope *scope, const char *table,
                           const obs__relay_entry *entry, obs_error *error)
{
    char trace[33], origin[OBS__TENANT_SIZE + 8];
    (void)unit;
    memcpy(trace, scope->traceparent + 3, 32);
    trace[32] = '\0';
    origin_of(origin, entry->site);
    const obs__ingest_line line = {.time_ns = scope->start_ns,
                                   .result = "accepted",
                                   .reason = "",
                                   .table = table,
                                   .key = scope->object,
                                   .bytes = entry->size,
                                   .origin = origin,
                                   .trace = trace,
                                   .excerpt = {"", 0}};
    return obs__ingest_line_effect(effects, &line, error);
}

obs_status obs__relay_refuse(int *is_new, obs__relay *relay, const char *key, const char *reason, obs_error *error)
{
    obs__relay_unit unit;
    obs__scope scope;
    obs__effects part = {0};
    char trace[33], origin[OBS__TENANT_SIZE + 8];
    int known = 0;
    *is_new = 0;
    obs_status status = obs__relayed_conflict_find(&known, relay->to, relay->name, obs__view_of(key, OBS_TEXT), reason, error);
    if (status != OBS_OK || known)
        return status;
    status = obs__relay_unit_begin(&unit, relay, error);
    if (status == OBS_OK)
        status = obs__unit_part_begin(&scope, unit.unit, "relay.write", key, OBS_TEXT, error);
    if (status == OBS_OK) {
        memcpy(trace, scope.traceparent + 3, 32);
        trace[32] = '\0';
        origin_of(origin, relay->site);
        const obs__ingest_line line = {scope.start_ns, "refused", reason, "objects", scope.object, 0, origin, trace, {"", 0}};
        status = obs__ingest_line_effect(&part, &line, error);
        if (status == OBS_OK)
            status = obs__relayed_conflict_effect(&part, relay->name, scope.object, reason, error);
        status = obs__unit_part_end(&scope, unit.unit, &part, status, error);
    }
    if (status == OBS_OK)
        status = obs__relay_unit_commit(&unit, error);
    obs__relay_unit_free(&unit);
    *is_new = status == OBS_OK;
    return status;
}

static obs_status conflict(obs__relay_unit *unit, const obs__relay_entry *entry, const char *key, obs_error *error)
{
    unit->is_conflict = 1;
    return obs__fail(error, OBS_REFUSED,
                     "'%.200s' has other bytes at the target, which stay: of the source's, the SHA-256 is %s", key,
                     entry->sha256);
}

/* There are other bytes under the key: the source's go below the prefix of the site, or nowhere. */
static obs_status keep_both(obs__relay_unit *unit, obs__relay_entry *entry, obs_error *error)
{
    obs__relay *relay = unit->relay;
    obs__relay_entry there;
    if (!relay->keep_both || strcmp(entry->kind, "object") != 0)
        return conflict(unit, entry, entry->key, error);
    name_other(unit, entry->key);
    if (!*unit->other)
        return conflict(unit, entry, entry->key, error);
    obs_status status = obs__relay_entry_get(&there, relay->to, unit->other, relay->call, error);
    if (status == OBS_OK && !there.json)
        status = obs__relay_object(unit, entry, unit->other, error);
    else if (status == OBS_OK && strcmp(there.sha256, entry->sha256) != 0)
        status = conflict(unit, entry, unit->other, error);
    obs__relay_entry_release(&there);
    return status;
}

static obs_status carry(obs__relay_unit *unit, obs__relay_entry *entry, obs_error *error)
{
    obs__relay *relay = unit->relay;
    obs__relay_entry there;
    int changed = 0;
    obs_status status = obs__relay_entry_get(&there, relay->to, entry->key, relay->call, error);
    if (status == OBS_OK && there.json && strcmp(there.sha256, entry->sha256) == 0) {
        status = obs__relay_entry_update(&changed, unit->unit, entry, &there, error);
        unit->counts.entries += (uint64_t)changed;
    } else if (status == OBS_OK && there.json)
        status = keep_both(unit, entry, error);
    else if (status == OBS_OK && strcmp(entry->kind, "record") == 0)
        status = obs__relay_record(unit, entry, error);
    else if (status == OBS_OK)
        status = obs__relay_object(unit, entry, entry->key, error);
    obs__relay_entry_release(&there);
    return status;
}

/* What a relay to the source keeps of another site's log: each relay keeps its own. */
static int is_anchor(const char *key)
{
    const char *slash = strrchr(key, '/');
    return strncmp(key, "sites/", 6) == 0 && (strcmp(slash, "/audit.checkpoint") == 0 || strcmp(slash, "/audit.key") == 0);
}

obs_status obs__relay_item(obs__relay_unit *unit, const char *key, obs_error *error)
{
    obs__relay *relay = unit->relay;
    obs__relay_entry entry;
    unit->is_conflict = 0;
    *unit->other = '\0';
    if (!key || !*key || is_anchor(key) || has_key(unit, key))
        return OBS_OK;
    obs_status status = obs__relay_entry_get(&entry, relay->from, key, relay->call, error);
    if (status == OBS_OK && entry.json)
        status = obs__relay_entry_mark(&entry, relay->site, error);
    if (status == OBS_OK && entry.json && strcmp(entry.site, relay->here) != 0) {
        status = carry(unit, &entry, error);
        if (status == OBS_NOT_FOUND) /* deleted since */
            status = OBS_OK;
        if (status == OBS_OK)
            keep_key(unit, key);
    }
    obs__relay_entry_release(&entry);
    return status;
}

int obs__relay_is_its_fault(obs_status status)
{
    return status == OBS_REFUSED || status == OBS_INVALID_ARGUMENT || status == OBS_DATA_LOSS || status == OBS_ALREADY_EXISTS ||
           status == OBS_OUT_OF_RANGE;
}
