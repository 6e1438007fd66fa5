/* What a client and its workspace are: whoami, health, tenants. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/memory.h"
#include "client/client.h"
#include "client/rule.h"

#define ROW_MAX 8192
#define ROWS_MAX ((size_t)16 << 20)
#define LOW_SPACE ((uint64_t)64 << 20)

/* What the token says, never the token. */
static obs_status add_token(obs__builder *out, obs__bearer *bearer, obs_error *error)
{
    char expires[OBS__TIME_SIZE], where[1024];
    obs__grant *grant = NULL;
    obs_status status = obs__bearer_grant(&grant, bearer, obs__now_ns(), error);
    if (status != OBS_OK)
        return status;
    obs__time_format(expires, grant->claims->expires_ns);
    obs__bearer_where(where, sizeof where, bearer);
    obs__add_text(out, "\"token\":{");
    obs__add_json_member(out, "scope", grant->claims->scope);
    obs__add_json_member(out, "expires", expires);
    obs__add_json_member(out, "id", grant->claims->id);
    obs__add_json_member(out, "source", where);
    obs__add_json_end(out);
    obs__add_char(out, ',');
    obs__grant_release(grant);
    return OBS_OK;
}

obs_status obs_client_whoami(obs_buffer **out, obs_client *client, obs_error *error)
{
    obs__scope scope;
    obs__builder row;
    if (!out || !client)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "out and client are required");
    *out = NULL;
    const obs__client_gate *gate = client->gate;
    obs_status status = obs__gate_enter(&scope, &client->gate->gate, OBS__READ, "client.whoami", NULL, 0, NULL, error);
    if (status != OBS_OK)
        return status;
    obs__builder_init(&row, ROW_MAX);
    obs__add_char(&row, '{');
    obs__add_json_member(&row, "subject", gate->subject);
    obs__add_json_member(&row, "tenant", gate->tenant);
    obs__add_json_member(&row, "workspace", gate->workspace->folder);
    obs__add_json_member(&row, "id", gate->workspace->format.id);
    obs__add_json_member(&row, "mode", gate->workspace->config.shared ? "shared" : "personal");
    obs__add_json_member(&row, "boundary", gate->workspace->config.shared ? "unix" : "none");
    obs__add_json_member(&row, "issuer", gate->workspace->config.identity);
    if (strcmp(gate->subject, gate->workspace->identity) != 0)
        obs__add_json_member(&row, "actor", gate->workspace->identity);
    if (gate->bearer)
        status = add_token(&row, gate->bearer, error);
    obs__add_json_end(&row);
    if (status != OBS_OK) {
        obs__builder_free(&row);
        return obs__gate_leave(&scope, status, error);
    }
    status = obs__builder_finish(out, &row, error);
    obs__builder_free(&row);
    return obs__gate_leave(&scope, status, error);
}

static void add_part(obs__builder *out, int *degraded, const char *name, obs_status status, const char *message)
{
    *degraded |= status != OBS_OK;
    obs__add_char(out, '{');
    obs__add_json_member(out, "name", name);
    obs__add_json_member(out, "status", status == OBS_OK ? "ok" : "degraded");
    obs__add_json_member(out, "message", message);
    obs__add_json_end(out);
    obs__add_char(out, ',');
}

static void add_database(obs__builder *out, int *degraded, obs_client *client)
{
    obs__catalog_counts counts;
    char text[OBS_ERROR_TEXT_SIZE];
    obs_error inner;
    obs_error_init(&inner, sizeof inner);
    obs_status status = obs__catalog_count(&counts, &client->gate->gate, &inner);
    add_part(out, degraded, "catalog", status, inner.message);
    status = obs__bus_health(text, sizeof text, client->bus, &inner);
    add_part(out, degraded, "events", status, status == OBS_OK ? text : inner.message);
}

static void add_audit(obs__builder *out, int *degraded, obs_client *client, obs__scope *scope)
{
    obs_error inner;
    obs__builder text;
    obs_error_init(&inner, sizeof inner);
    obs__builder_init(&text, ROW_MAX / 4);
    obs_status status = obs__audit_flush_for(client->gate->audit, scope, &inner);
    if (status == OBS_OK)
        status = obs__client_log_health(client->gate, &text, &inner);
    obs__add_char(&text, '\0');
    if (status == OBS_OK)
        status = obs__builder_status(&text, &inner);
    add_part(out, degraded, "audit", status, status == OBS_OK ? text.data : inner.message);
    obs__builder_free(&text);
}

static void add_config(obs__builder *out, int *degraded, obs_client *client)
{
    char text[OBS_ERROR_TEXT_SIZE];
    obs_status status = obs__config_health(client->config, text, sizeof text);
    add_part(out, degraded, "config", status, text);
}

static void add_reserve(obs__builder *out, int *degraded, const obs_client *client)
{
    obs_error inner;
    obs__builder text;
    int shown;
    obs_error_init(&inner, sizeof inner);
    obs__builder_init(&text, ROW_MAX / 4);
    obs_status status = obs__client_reserve_health(client->gate, &shown, &text, &inner);
    obs__add_char(&text, '\0');
    if (shown)
        add_part(out, degraded, "reserve", status, *inner.message || text.failed ? inner.message : text.data);
    obs__builder_free(&text);
}

static void add_disk(obs__builder *out, int *degraded, const obs_client *client)
{
    struct statvfs disk;
    const obs__workspace *workspace = client->gate->workspace;
    char text[128] = "";
    obs_status status = OBS_OK;
    if (statvfs(workspace->folder, &disk) != 0)
        status = OBS_UNAVAILABLE;
    else {
        uint64_t left = (uint64_t)disk.f_bavail * disk.f_frsize;
        status = left < LOW_SPACE ? OBS_NO_SPACE : OBS_OK;
        snprintf(text, sizeof text, "%llu MiB free", (unsigned long long)(left >> 20));
    }
    add_part(out, degraded, "disk", status, text);
    if (client->gate->gate.read_only)
        add_part(out, degraded, "workspace", workspace->read_only ? OBS_FAILED_PRECONDITION : OBS_OK, "read-only");
}

obs_status obs_client_health(obs_buffer **out, obs_client *client, const obs_call *call, obs_error *error)
{
    obs__scope scope;
    obs__builder parts, all;
    int degraded = 0;
    if (!out || !client)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "out and client are required");
    *out = NULL;
    obs_status status = obs__gate_enter(&scope, &client->gate->gate, OBS__READ, "client.health", NULL, 0, call, error);
    if (status != OBS_OK)
        return status;
    obs__builder_init(&parts, ROW_MAX);
    obs__builder_init(&all, 2 * ROW_MAX);
    add_database(&parts, &degraded, client);
    add_reserve(&parts, &degraded, client); /* before the next, which may use some of it */
    add_audit(&parts, &degraded, client, &scope);
    add_config(&parts, &degraded, client);
    add_disk(&parts, &degraded, client);
    status = obs__builder_status(&parts, error);
    if (status == OBS_OK) {
        obs__add_format(&all, "{\"status\":\"%s\",\"parts\":[", degraded ? "degraded" : "ok");
        obs__add(&all, parts.data, parts.size - 1); /* without the last comma */
        obs__add_text(&all, "]}");
        status = obs__builder_finish(out, &all, error);
    }
    obs__builder_free(&parts);
    obs__builder_free(&all);
    return obs__gate_leave(&scope, status, error);
}

static void add_state(obs__builder *out, const obs__rule *rule)
{
    static const char *const names[] = {"active", "suspended", "deleted", "deleted"};
    char since[OBS__TIME_SIZE];
    obs__add_json_member(out, "state", names[rule->state]);
    if (rule->state == OBS__ACTIVE)
        return;
    obs__time_format(since, rule->since_ns);
    obs__add_json_member(out, "since", since);
    obs__add_json_member(out, "by", rule->by);
    obs__add_json_member(out, "reason", rule->reason);
    obs__add_json_member(out, "reads", rule->closed ? "refused" : "allowed");
}

static void add_quotas(obs__builder *out, const obs__rule *rule)
{
    if (!obs__rule_has_quota(rule))
        return;
    obs__add_text(out, "\"quota\":{");
    for (int i = 0; i < OBS__QUOTAS; i++)
        if (rule->most[i] >= 0) {
            obs__add_format(out, "\"%s\":{", obs__quota_names[i]);
            obs__add_json_integer(out, "used", rule->used[i]);
            obs__add_json_integer(out, "most", rule->most[i]);
            obs__add_json_end(out);
            obs__add_char(out, ',');
        }
    obs__add_json_end(out);
    obs__add_char(out, ',');
}

static void add_tenant(obs__builder *out, const char *name, const obs__catalog_counts *counts, uint64_t events, int64_t created,
                       const obs__rule *rule)
{
    char time[OBS__TIME_SIZE];
    obs__time_format(time, created);
    obs__add_char(out, '{');
    obs__add_json_member(out, "name", name);
    obs__add_json_integer(out, "objects", (int64_t)counts->objects);
    obs__add_json_integer(out, "records", (int64_t)counts->records);
    obs__add_json_integer(out, "bytes", (int64_t)counts->bytes);
    obs__add_json_integer(out, "events", (int64_t)events);
    obs__add_json_member(out, "created", time);
    add_state(out, rule);
    add_quotas(out, rule);
    obs__add_json_end(out);
    obs__add_char(out, '\n');
}

/* Only its database is needed: a gate of its own, without services. */
static obs_status show_tenant(obs__builder *out, obs_client *client, const char *name, const obs__limit *limit,
                              obs_error *error)
{
    obs__gate gate = client->gate->gate;
    obs__catalog_counts counts;
    obs__rule rule;
    uint64_t events = 0;
    int64_t created = 0;
    char *folder = obs__tenant_folder(gate.workspace, name);
    if (!folder)
        return obs__fail_memory(error);
    gate.tenant = name;
    obs_status status = obs__client_journal(&gate.journal, client->gate->workspace, folder, 0, limit, error);
    if (status == OBS_OK) {
        status = obs__tenant_created(&created, gate.journal, error);
        if (status == OBS_OK)
            status = obs__catalog_count(&counts, &gate, error);
        if (status == OBS_OK)
            status = obs__bus_count(&events, &gate, error);
        if (status == OBS_OK)
            status = obs__rule_read(&rule, gate.journal, error);
        if (status == OBS_OK)
            add_tenant(out, name, &counts, events, created, &rule);
        obs__journal_free(gate.journal);
    }
    obs__free(folder);
    return status;
}

static int is_tenant(const struct dirent *entry)
{
    return obs__tenant_valid(entry->d_name);
}

obs_status obs__tenant_each(const obs__workspace *workspace, const char *only,
                            obs_status (*visit)(void *user, const char *name, obs_error *error), void *user, obs_error *error)
{
    struct dirent **entries = NULL;
    char *folder = NULL;
    obs_status status = OBS_OK;
    int found = 0;
    if (asprintf(&folder, "%s/tenants", workspace->folder) < 0)
        return obs__fail_memory(error);
    int count = scandir(folder, &entries, is_tenant, alphasort);
    if (count < 0)
        status = obs__fail_system(error, errno, "cannot read '%s'", folder);
    for (int i = 0; i < count; i++) {
        if (status == OBS_OK && (!only || !strcmp(only, entries[i]->d_name))) {
            found = 1;
            status = visit(user, entries[i]->d_name, error);
        }
        free(entries[i]);
    }
    free(entries);
    free(folder);
    if (status == OBS_OK && only && !found)
        status = obs__tenant_missing(only, error);
    return status;
}

struct show {
    obs__builder rows;
    obs_client *client;
    const obs__limit *limit;
};

static obs_status show_one(void *user, const char *name, obs_error *error)
{
    struct show *show = user;
    obs_status status = obs__limit_check(show->limit, error);
    return status == OBS_OK ? show_tenant(&show->rows, show->client, name, show->limit, error) : status;
}

/* Who does not administrate sees the own tenant, and of all others that they are not for him. */
static obs_status show_all(struct show *show, obs__scope *scope, const char *name, obs_error *error)
{
    const obs__client_gate *gate = show->client->gate;
    if (obs__client_decide(scope, "tenant.list", scope->object, NULL) == OBS_OK)
        return obs__tenant_each(gate->workspace, name, show_one, show, error);
    if (name && strcmp(name, gate->tenant) != 0)
        return obs__auth_refuse_tenant(scope->subject, name, gate->workspace->owner, error);
    return show_one(show, gate->tenant, error);
}

obs_status obs_tenant_show(obs_rows **out, obs_client *client, const char *name, const obs_call *call, obs_error *error)
{
    obs__scope scope;
    obs_buffer *lines = NULL;
    if (!out || !client)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "out and client are required");
    *out = NULL;
    obs_status status = obs__gate_enter(&scope, &client->gate->gate, OBS__READ, "tenant.show", name, OBS_TEXT, call, error);
    if (status != OBS_OK)
        return status;
    struct show show = {.client = client, .limit = &scope.limit};
    obs__builder_init(&show.rows, ROWS_MAX);
    status = show_all(&show, &scope, name, error);
    if (status == OBS_OK)
        status = obs__builder_finish(&lines, &show.rows, error);
    if (status == OBS_OK)
        status = obs__rows_from_lines(out, lines, error);
    obs__builder_free(&show.rows);
    return obs__gate_leave(&scope, status, error);
}
