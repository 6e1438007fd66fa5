/* Making a product again: identical, or what differs. Nothing of it happens. */
#include "function/reproduce.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "client/client.h"
#include "function/config.h"

#define ANSWER_LIMIT ((size_t)128 << 20)
#define METADATA_LIMIT ((size_t)65536)
#define LINEAGE_LIMIT ((size_t)64 << 20)

static const obs__json_options row_options = {.size_limit = LINEAGE_LIMIT,
                                              .flags = OBS__JSON_BIG_AS_REAL | OBS__JSON_ALLOW_NUL};

void obs_reproduce_options_init(obs_reproduce_options *options, size_t size)
{
    if (!options || size < sizeof options->size)
        return;
    memset(options, 0, size);
    options->size = size;
}

/* It cannot be made again, which is an answer and no error. The first reason counts. */
__attribute__((format(printf, 2, 3))) static void cannot(obs__reproduction *self, const char *format, ...)
{
    va_list arguments;
    if (*self->reason)
        return;
    va_start(arguments, format);
    vsnprintf(self->reason, sizeof self->reason, format, arguments);
    va_end(arguments);
}

static const char *find_pair(const obs_pair *pairs, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(pairs[i].name, name) == 0 && *pairs[i].value)
            return pairs[i].value;
    return NULL;
}

/* What is no JSON object is somebody else's. */
static obs_status read_metadata(json_t **out, const obs_stat *stat, const char *name, obs_error *error)
{
    const obs__json_options options = {.size_limit = METADATA_LIMIT, .depth_limit = 4};
    const char *text = find_pair(stat->metadata, stat->metadata_count, name);
    json_t *found = NULL;
    obs_error why;
    obs_error_init(&why, sizeof why);
    if (text && obs__json_load(&found, text, strlen(text), &options, &why) != OBS_OK && obs__lacks_memory(&why))
        return obs__copy_error(error, &why);
    if (json_is_object(found))
        *out = found;
    else
        json_decref(found);
    return OBS_OK;
}

/* What the catalog knows of its inputs: also of those that the handler only named. */
static obs_status read_inputs(obs__reproduction *self, obs_error *error)
{
    obs_lineage_options options;
    obs_rows *rows = NULL;
    json_t *row = NULL;
    const char *text;
    size_t size;
    const obs_call call = obs__limit_call(&self->limit);
    obs_lineage_options_init(&options, sizeof options);
    options.call = &call;
    options.nodes = 1;
    obs_status status = obs_catalog_lineage(&rows, obs_client_catalog(self->client), self->key, OBS_TEXT, &options, error);
    if (status == OBS_OK && (status = obs_rows_next(rows, &text, &size, error)) == OBS_OK && text &&
        (status = obs__json_load(&row, text, size, &row_options, error)) == OBS_OK)
        self->inputs = json_deep_copy(json_object_get(row, "inputs"));
    if (status == OBS_NOT_FOUND) /* put without being indexed: what was read stands with the product */
        status = OBS_OK;
    if (status == OBS_OK && !self->inputs && !(self->inputs = json_object()))
        status = obs__fail_memory(error);
    if (status == OBS_OK && self->read && json_object_update(self->inputs, self->read) != 0)
        status = obs__fail_memory(error);
    obs_rows_free(rows);
    json_decref(row);
    return status;
}

static obs_status read_lineage(obs__reproduction *self, obs_error *error)
{
    const obs_call call = obs__limit_call(&self->limit);
    obs_status status = obs_store_head(&self->stat, obs_client_store(self->client), self->key, OBS_TEXT, &call, error);
    if (status == OBS_OK)
        status = read_metadata(&self->origin, self->stat, "event", error);
    if (status == OBS_OK)
        status = read_metadata(&self->read, self->stat, "inputs", error);
    if (status != OBS_OK)
        return status;
    const obs_stat *stat = self->stat;
    self->function = find_pair(stat->labels, stat->label_count, "function");
    self->digest = find_pair(stat->labels, stat->label_count, "digest");
    self->configuration = find_pair(stat->labels, stat->label_count, "configuration");
    if (!self->function || !obs__is_sha256(self->digest))
        cannot(self, "'%s' was not made by a function", self->key);
    else if (!json_string_value(json_object_get(self->origin, "id")))
        cannot(self, "'%s' does not say for which event it was made", self->key);
    return read_inputs(self, error);
}

/* The SHA-256 of an object or a record as it is now; null: there is none. What has no checksum, as a file that another tool
 * changed, counts as it was: it is compared when it is read. */
static obs_status version_now(json_t **out, const obs__reproduction *self, const char *key, json_t *used, obs_error *error)
{
    const obs_call call = obs__limit_call(&self->limit);
    obs_buffer *entry = NULL;
    obs_stat *stat = NULL;
    json_t *row = NULL;
    obs_status status = obs_catalog_get(&entry, obs_client_catalog(self->client), key, OBS_TEXT, &call, error);
    if (status == OBS_OK)
        status = obs__json_load(&row, obs_buffer_data(entry), obs_buffer_size(entry), &row_options, error);
    const char *sha256 = json_string_value(json_object_get(row, "sha256"));
    if (status == OBS_NOT_FOUND && /* put without being indexed */
        (status = obs_store_head(&stat, obs_client_store(self->client), key, OBS_TEXT, &call, error)) == OBS_OK)
        sha256 = stat->sha256;
    if (status == OBS_OK)
        *out = sha256 && *sha256 ? json_string(sha256) : json_incref(used);
    else if (status == OBS_NOT_FOUND) {
        *out = json_null();
        status = OBS_OK;
    }
    if (status == OBS_OK && !*out)
        status = obs__fail_memory(error);
    json_decref(row);
    obs_buffer_free(entry);
    obs_stat_free(stat);
    return status;
}

/* What is there of all that it was made from. */
static obs_status look_at_inputs(obs__reproduction *self, obs_error *error)
{
    const char *key;
    json_t *used;
    json_object_foreach(self->inputs, key, used)
    {
        json_t *now = NULL;
        obs_status status = version_now(&now, self, key, used, error);
        if (status != OBS_OK)
            return status;
        if (json_is_null(now) && !json_is_null(used)) {
            obs__differs_add(self, "input", key, json_string_value(used), NULL);
            cannot(self, "its input '%.500s' is not there any more", key);
        }
        if (json_object_set_new(self->present, key, now) != 0)
            return obs__fail_memory(error);
    }
    return OBS_OK;
}

/* The function as it is now; a manifest that cannot be used is an answer. */
static obs_status open_function(obs__lane *lane, obs__reproduction *self, obs_error *error)
{
    obs__manifest *manifest = NULL;
    obs_error why;
    obs_error_init(&why, sizeof why);
    obs_status status = obs__manifest_read(&manifest, obs_client_workspace(self->client), self->function, lane->account, &why);
    if (status == OBS_OK && strcmp(manifest->digest, self->digest) != 0) {
        obs__differs_add(self, "code", self->function, self->digest, manifest->digest);
        if (!self->present_code)
            cannot(
                self,
                "the code of '%s' is %.16s now and not %.16s any more: 'obsctl reproduce --present-code' runs it as it is now",
                self->function, manifest->digest, self->digest);
    }
    obs__manifest_free(manifest);
    if (status == OBS_NOT_FOUND || status == OBS_INVALID_ARGUMENT || status == OBS_UNTRUSTED)
        cannot(self, "%s", why.message);
    else if (status != OBS_OK)
        return obs__copy_error(error, &why);
    return *self->reason ? OBS_OK : obs__lane_open(lane, error);
}

/* That a program does not start or its handler fails is an answer; that the caller does not wait any longer is not. */
static obs_status explain(obs__reproduction *self, const obs_error *why, obs_error *error)
{
    obs_status status = obs__limit_check(&self->limit, error);
    if (status != OBS_OK)
        return status;
    if (why->status == OBS_CANCELLED || obs__lacks_memory(why))
        return obs__copy_error(error, why);
    cannot(self, "%s", why->message);
    return OBS_OK;
}

static obs_status ask(obs__reproduction *self, obs__lane *lane, const obs_event *event, obs_error *error)
{
    obs__products *products = NULL;
    obs_error why;
    obs_error_init(&why, sizeof why);
    obs__lane_hurry(lane);
    obs_status status = obs__lane_start(lane, &why);
    if (status == OBS_OK) {
        obs__lane_hurry(lane);
        status = obs__lane_ask(&products, lane, event, 1, &why);
    }
    status = status == OBS_OK ? obs__reproduction_compare(self, products, error) : explain(self, &why, error);
    obs__products_free(products);
    return status;
}

static obs_status run(obs__reproduction *self, obs__lane *lane, obs_error *error)
{
    const obs_call call = obs__limit_call(&self->limit);
    const char *id = json_string_value(json_object_get(self->origin, "id"));
    const char *source = json_string_value(json_object_get(self->origin, "source"));
    obs_event *event = NULL;
    obs_status status = obs__bus_find(&event, obs_client_bus(self->client), source, id, NULL, &call, error);
    if (status == OBS_OK && !event)
        cannot(self, "its event '%.300s' is not on the bus any more", id);
    else if (status == OBS_OK)
        status = ask(self, lane, event, error);
    obs_event_free(event);
    return status;
}

static obs_status reproduce(obs__reproduction *self, obs_error *error)
{
    obs__lane lane = {.owner = self->client,
                      .account = self->client->gate->workspace->account,
                      .limit = self->limit,
                      .number = obs__lane_number()};
    obs_status status = read_lineage(self, error);
    if (status != OBS_OK || *self->reason)
        return status;
    lane.name = self->function;
    status = open_function(&lane, self, error);
    if (status == OBS_OK)
        status = look_at_inputs(self, error);
    if (status == OBS_OK && !*self->reason)
        status = run(self, &lane, error);
    obs__lane_close(&lane);
    return status;
}

static obs_status answer(obs_buffer **out, const obs__reproduction *self, obs_error *error)
{
    const char *verdict = *self->reason ? "impossible" : self->is_identical ? "identical" : "differs";
    json_t *all = json_pack("{s:s,s:s,s:o,s:o,s:o,s:O,s:{s:I,s:o},s:O,s:O,s:O}", "key", self->key, "verdict", verdict, "reason",
                            obs__differs_text(self->reason), "function", obs__differs_text(self->function), "digest",
                            obs__differs_text(self->digest), "event", self->origin ? self->origin : json_null(), "made", "size",
                            (json_int_t)self->stat->size, "sha256", obs__differs_text(self->stat->sha256), "now",
                            self->now ? self->now : json_null(), "differs", self->differs, "first",
                            self->first ? self->first : json_null());
    if (!all || self->failed) {
        json_decref(all);
        return obs__fail_memory(error);
    }
    obs_status status = obs__json_dump(out, all, 0, ANSWER_LIMIT, error);
    json_decref(all);
    return status;
}

static void release(obs__reproduction *self)
{
    obs_stat_free(self->stat);
    json_decref(self->origin);
    json_decref(self->read);
    json_decref(self->inputs);
    json_decref(self->present);
    json_decref(self->differs);
    json_decref(self->first);
    json_decref(self->now);
}

obs_status obs_function_reproduce(obs_buffer **out, obs_client *client, const char *key, size_t key_size,
                                  const obs_reproduce_options *options, obs_error *error)
{
    obs_reproduce_options wanted;
    if (!out || !client || !key)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "out, client and key are required");
    *out = NULL;
    obs__view name = obs__view_of(key, key_size);
    if (!name.size || name.size > OBS_KEY_MAX || memchr(name.data, '\0', name.size) || !obs__utf8_valid(name.data, name.size))
        return obs__fail(error, OBS_INVALID_ARGUMENT, "a key is 1 to %d bytes of UTF-8", OBS_KEY_MAX);
    obs__client_options(&wanted, sizeof wanted, options);
    obs__reproduction self = {.client = client,
                              .present_code = wanted.present_code,
                              .limit = {INT64_MAX, wanted.call ? wanted.call->cancel : NULL},
                              .present = json_object(),
                              .differs = json_array()};
    memcpy(self.key, name.data, name.size);
    if (wanted.call && wanted.call->timeout_ms > 0)
        self.limit = obs__limit_of(wanted.call);
    obs_status status = self.present && self.differs ? obs__limit_check(&self.limit, error) : obs__fail_memory(error);
    if (status == OBS_OK)
        status = reproduce(&self, error);
    if (status == OBS_OK)
        status = answer(out, &self, error);
    release(&self);
    return status == OBS_OK ? obs__ok(error) : status;
}
