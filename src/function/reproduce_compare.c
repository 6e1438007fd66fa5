/* What a function made now, compared with the product that is there. */
#include <string.h>

#include "base/error.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/json_differ.h"
#include "client/client.h"
#include "function/config.h"
#include "function/reproduce.h"

#define JSON_LIMIT ((size_t)32 << 20)
#define SETTINGS_MOST 1000
#define INPUTS_KEPT 256 /* as many are named by a product */

json_t *obs__differs_text(const char *text)
{
    return text && *text ? json_string(text) : json_null();
}

void obs__differs_add(obs__reproduction *self, const char *what, const char *name, const char *before, const char *now)
{
    json_t *one = json_pack("{s:s,s:s,s:o,s:o}", "what", what, "name", name, "before", obs__differs_text(before), "now",
                            obs__differs_text(now));
    if (!one || json_array_append_new(self->differs, one) != 0)
        self->failed = 1;
}

/* NULL for what is no JSON. */
static json_t *parse(obs__reproduction *self, obs__view text)
{
    const obs__json_options options = {.size_limit = JSON_LIMIT, .flags = OBS__JSON_BIG_AS_REAL | OBS__JSON_ALLOW_NUL};
    json_t *found = NULL;
    obs_error why;
    obs_error_init(&why, sizeof why);
    if (text.size && obs__json_load(&found, text.data, text.size, &options, &why) != OBS_OK && obs__lacks_memory(&why))
        self->failed = 1;
    return found;
}

/* Which settings differ, as far as both configurations are known. */
static json_t *differing_settings(obs__reproduction *self, const obs__products *products)
{
    obs_buffer *kept = NULL;
    json_t *before = NULL, *now = NULL, *settings = NULL;
    obs_error why;
    obs_error_init(&why, sizeof why);
    if (self->configuration && obs__config_seen(&kept, obs_client_workspace(self->client), self->configuration, &why) == OBS_OK)
        before = parse(self, (obs__view){obs_buffer_data(kept), obs_buffer_size(kept)});
    else if (obs__lacks_memory(&why))
        self->failed = 1;
    if (products->configuration)
        now = parse(self, products->configuration_text);
    if (before && now && !(settings = obs__json_differences(before, now, SETTINGS_MOST)))
        self->failed = 1;
    obs_buffer_free(kept);
    json_decref(before);
    json_decref(now);
    return settings ? settings : json_null();
}

static void compare_configurations(obs__reproduction *self, const obs__products *products)
{
    const char *before = self->configuration ? self->configuration : "", *now = products->configuration;
    if (strcmp(before, now ? now : "") == 0)
        return;
    obs__differs_add(self, "configuration", "", before, now);
    json_t *one = json_array_get(self->differs, json_array_size(self->differs) - 1);
    if (json_object_set_new(one, "settings", differing_settings(self, products)) != 0)
        self->failed = 1;
}

static void add_input(obs__reproduction *self, const char *key, const char *before, const char *now)
{
    if (strcmp(before ? before : "", now ? now : "") != 0)
        obs__differs_add(self, "input", key, before, now);
}

/* What was read now, by key. */
static json_t *inputs_now(const obs__products *products)
{
    json_t *found = json_object();
    for (size_t i = 0; found && i < products->count; i++) {
        const json_t *line = products->list[i].line;
        const char *key = json_string_value(json_object_get(line, "key"));
        if (strcmp(products->list[i].what, "input") == 0 && !json_object_get(found, key) &&
            json_object_set(found, key, json_object_get(line, "sha256")) != 0) {
            json_decref(found);
            return NULL;
        }
    }
    return found;
}

/* By what was read, which no change in between can spoil; what was only named is compared with what is there. */
static void compare_inputs(obs__reproduction *self, const obs__products *products)
{
    const char *key;
    json_t *before, *value, *now = inputs_now(products);
    if (!now)
        self->failed = 1;
    json_object_foreach(self->inputs, key, before)
    {
        const char *used = json_string_value(before), *found = json_string_value(json_object_get(now, key));
        if (found || json_object_get(self->read, key))
            add_input(self, key, used, found);
        else
            add_input(self, key, used, json_string_value(json_object_get(self->present, key)));
    }
    int is_whole = json_object_size(self->inputs) < INPUTS_KEPT; /* else there were more than are named */
    json_object_foreach(now, key, value) if (is_whole && !json_object_get(self->inputs, key))
        add_input(self, key, NULL, json_string_value(value));
    json_decref(now);
}

/* The last one: what is put twice in one commit is there as it was put last. */
static const obs__product *find_product(const obs__products *products, const char *key)
{
    for (size_t i = products->count; i > 0; i--) {
        const obs__product *one = &products->list[i - 1];
        const char *name = json_string_value(json_object_get(one->line, "key"));
        if (strcmp(one->what, "put") == 0 && name && strcmp(name, key) == 0)
            return one;
    }
    return NULL;
}

/* The place of the first difference: a byte, and of JSON the member. */
static void find_first(obs__reproduction *self, obs__view before, obs__view now)
{
    size_t at = 0, both = before.size < now.size ? before.size : now.size;
    while (at < both && before.data[at] == now.data[at])
        at++;
    self->first = json_pack("{s:I}", "byte", (json_int_t)at);
    json_t *old = parse(self, before), *new = parse(self, now);
    json_t *members = old && new ? obs__json_differences(old, new, 1) : NULL;
    json_t *member = json_array_get(members, 0);
    if (!self->first || (member && (json_object_set(self->first, "member", json_object_get(member, "name")) != 0 ||
                                    json_object_set(self->first, "before", json_object_get(member, "before")) != 0 ||
                                    json_object_set(self->first, "now", json_object_get(member, "now")) != 0)))
        self->failed = 1;
    json_decref(old);
    json_decref(new);
    json_decref(members);
}

static obs_status compare_bytes(obs__reproduction *self, const obs__product *product, obs_error *error)
{
    obs_buffer *bytes = NULL;
    const obs_call call = obs__limit_call(&self->limit);
    obs_get_options options;
    obs_get_options_init(&options, sizeof options);
    options.call = &call;
    options.if_match = self->stat->etag;
    obs_status status = obs_store_get(&bytes, obs_client_store(self->client), self->key, OBS_TEXT, &options, error);
    if (status == OBS_FAILED_PRECONDITION || status == OBS_NOT_FOUND)
        return obs__fail(error, OBS_ABORTED, "'%s' was changed while it was made again: try again", self->key);
    if (status != OBS_OK)
        return status;
    obs__view before = {obs_buffer_data(bytes), obs_buffer_size(bytes)};
    self->is_identical =
        before.size == product->bytes.size && (!before.size || memcmp(before.data, product->bytes.data, before.size) == 0);
    if (!self->is_identical)
        find_first(self, before, product->bytes);
    obs_buffer_free(bytes);
    return OBS_OK;
}

static obs_status compare_product(obs__reproduction *self, const obs__product *product, obs_error *error)
{
    unsigned char hash[OBS__SHA256_SIZE];
    char hex[2 * OBS__SHA256_SIZE + 1];
    obs_status status = obs__sha256(hash, product->bytes.size ? product->bytes.data : "", product->bytes.size, error);
    if (status != OBS_OK)
        return status;
    obs__hex(hex, hash, sizeof hash);
    self->now = json_pack("{s:I,s:s}", "size", (json_int_t)product->bytes.size, "sha256", hex);
    if (!self->now)
        return obs__fail_memory(error);
    self->is_identical = strcmp(hex, self->stat->sha256) == 0;
    return self->is_identical ? OBS_OK : compare_bytes(self, product, error);
}

obs_status obs__reproduction_compare(obs__reproduction *self, const obs__products *products, obs_error *error)
{
    const obs__product *product = find_product(products, self->key);
    compare_configurations(self, products);
    compare_inputs(self, products);
    return product ? compare_product(self, product, error) : OBS_OK;
}
