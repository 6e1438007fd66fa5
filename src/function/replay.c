/* Running functions again without any effect: what would be made now, and whether it is there already. */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/span.h"
#include "client/client.h"
#include "function/lane.h"
#include "function/replay.h"

#define USUAL_MS 30000
#define ROWS_LIMIT ((size_t)64 << 20)

obs_call obs__limit_call(const obs__limit *limit)
{
    obs_call call;
    obs_call_init(&call, sizeof call);
    call.cancel = limit->cancel;
    int left_ms = obs__limit_left_ms(limit, USUAL_MS);
    call.timeout_ms = left_ms ? left_ms : 1;
    return call;
}

void obs__lane_hurry(obs__lane *lane)
{
    int left_ms = obs__limit_left_ms(&lane->limit, INT_MAX);
    if (lane->limit.end_ns == INT64_MAX)
        return;
    if (lane->manifest->time_ms > left_ms)
        lane->manifest->time_ms = left_ms ? left_ms : 1;
    if (lane->manifest->start_ms > left_ms)
        lane->manifest->start_ms = left_ms ? left_ms : 1;
}

/* Beside the workers of a runner in the same process, each of which has its own. */
int obs__lane_number(void)
{
    return 1000 + (int)(obs__unique() % 1000000000);
}

typedef struct replay {
    obs_client *client;
    const char *event;
    obs__limit limit;
    obs__builder rows;
    int found; /* functions that want the event */
} replay;

static void begin_row(replay *self, const obs__manifest *manifest, const char *what)
{
    obs__add_char(&self->rows, '{');
    obs__add_json_member(&self->rows, "function", manifest->name);
    obs__add_json_member(&self->rows, "digest", manifest->digest);
    obs__add_json_member(&self->rows, "do", what);
}

static void end_row(replay *self)
{
    obs__add_json_end(&self->rows);
    obs__add_char(&self->rows, '\n');
}

static void add_identical(replay *self, int identical)
{
    obs__add_json_raw(&self->rows, "identical",
                      identical < 0 ? "null"
                      : identical   ? "true"
                                    : "false",
                      identical < 0 ? 4
                      : identical   ? 4
                                    : 5);
}

/* 1 when these bytes are there already, 0 when not, -1 when the caller may not know. */
static obs_status is_there(int *out, const replay *self, obs__lane *lane, const char *key, const char *sha256, obs_error *error)
{
    obs_stat *stat = NULL;
    const obs_call call = obs__limit_call(&self->limit);
    obs_status status = obs_store_head(&stat, obs_client_store(lane->owner), key, OBS_TEXT, &call, error);
    *out = status == OBS_PERMISSION_DENIED ? -1 : status == OBS_OK && strcmp(stat->sha256, sha256) == 0;
    obs_stat_free(stat);
    return status == OBS_NOT_FOUND || status == OBS_PERMISSION_DENIED ? OBS_OK : status;
}

static obs_status show_put(replay *self, obs__lane *lane, const obs__product *product, obs_error *error)
{
    unsigned char hash[OBS__SHA256_SIZE];
    char hex[2 * OBS__SHA256_SIZE + 1];
    const char *key = json_string_value(json_object_get(product->line, "key"));
    int identical;
    obs_status status = obs__sha256(hash, product->bytes.data ? product->bytes.data : "", product->bytes.size, error);
    if (status != OBS_OK)
        return status;
    obs__hex(hex, hash, sizeof hash);
    status = is_there(&identical, self, lane, key ? key : "", hex, error);
    if (status != OBS_OK)
        return status;
    begin_row(self, lane->manifest, "put");
    obs__add_json_member(&self->rows, "key", key);
    obs__add_json_integer(&self->rows, "size", (int64_t)product->bytes.size);
    obs__add_json_member(&self->rows, "sha256", hex);
    add_identical(self, identical);
    end_row(self);
    return OBS_OK;
}

static int same_data(const obs_event *a, const obs_event *b)
{
    size_t size_a = a->data && a->data_size == OBS_TEXT ? strlen(a->data) : a->data_size;
    size_t size_b = b->data && b->data_size == OBS_TEXT ? strlen(b->data) : b->data_size;
    const char *subject_a = a->subject ? a->subject : "", *subject_b = b->subject ? b->subject : "";
    return strcmp(a->type, b->type) == 0 && strcmp(subject_a, subject_b) == 0 && !a->data == !b->data &&
           (!a->data || (size_a == size_b && memcmp(a->data, b->data, size_a) == 0));
}

static obs_status show_publish(replay *self, obs__lane *lane, const obs__products *products, size_t index, obs_error *error)
{
    char id[OBS__UUID_SIZE], source[512];
    obs_event *event = NULL, *there = NULL;
    const obs_call call = obs__limit_call(&self->limit);
    obs_status status = obs__product_event(&event, id, source, products, index, error);
    if (status == OBS_OK)
        status = obs__bus_find(&there, obs_client_bus(self->client), event->source, event->id, NULL, &call, error);
    if (status == OBS_OK) {
        begin_row(self, lane->manifest, "publish");
        obs__add_json_member(&self->rows, "key", event->id);
        obs__add_json_member(&self->rows, "type", event->type);
        obs__add_json_integer(&self->rows, "size", (int64_t)products->list[index].bytes.size);
        add_identical(self, there && same_data(there, event));
        end_row(self);
    }
    obs_event_free(event);
    obs_event_free(there);
    return status;
}

static void show_other(replay *self, obs__lane *lane, const obs__product *product)
{
    const char *key = json_string_value(json_object_get(product->line, "key"));
    const char *definition = json_string_value(json_object_get(product->line, "definition"));
    begin_row(self, lane->manifest, product->what);
    obs__add_json_member(&self->rows, "key", key ? key : definition);
    obs__add_json_integer(&self->rows, "size", (int64_t)product->bytes.size);
    add_identical(self, -1);
    end_row(self);
}

static obs_status show(replay *self, obs__lane *lane, const obs__products *products, obs_error *error)
{
    obs_status status = OBS_OK;
    for (size_t i = 0; status == OBS_OK && i < products->count; i++) {
        const obs__product *product = &products->list[i];
        if (strcmp(product->what, "put") == 0)
            status = show_put(self, lane, product, error);
        else if (strcmp(product->what, "publish") == 0)
            status = show_publish(self, lane, products, i, error);
        else if (strcmp(product->what, "label") == 0 || strcmp(product->what, "record") == 0)
            show_other(self, lane, product);
    }
    return status;
}

static obs_status show_failure(replay *self, const obs__lane *lane, const obs_error *why, obs_error *error)
{
    obs_status status = obs__limit_check(&self->limit, error);
    if (status != OBS_OK)
        return status;
    if (why->status == OBS_CANCELLED || obs__lacks_memory(why))
        return obs__copy_error(error, why); /* nothing that the handler did */
    begin_row(self, lane->manifest, "fail");
    obs__add_json_member(&self->rows, "reason", why->message);
    end_row(self);
    return OBS_OK;
}

static obs_status run_one(replay *self, obs__lane *lane, const obs_event *event, obs_error *error)
{
    obs__products *products = NULL;
    obs_error why;
    obs_error_init(&why, sizeof why);
    obs__lane_hurry(lane);
    obs_status status = obs__lane_start(lane, error);
    if (status != OBS_OK) {
        obs_status late = obs__limit_check(&self->limit, &why); /* then that is what counts */
        return late == OBS_OK ? status : obs__copy_error(error, &why);
    }
    obs__lane_hurry(lane);
    status = obs__lane_ask(&products, lane, event, 1, &why);
    status = status == OBS_OK ? show(self, lane, products, error) : show_failure(self, lane, &why, error);
    obs__products_free(products);
    return status;
}

/* The event, if the function wants it. */
static obs_status find_event(obs_event **out, const replay *self, const obs__manifest *manifest, obs_error *error)
{
    const obs_call call = obs__limit_call(&self->limit);
    obs_subscribe_options wants;
    obs_subscribe_options_init(&wants, sizeof wants);
    wants.type = manifest->type;
    wants.subject = manifest->about;
    wants.filter = manifest->filter;
    return obs__bus_find(out, obs_client_bus(self->client), NULL, self->event, &wants, &call, error);
}

static obs_status replay_function(replay *self, const char *name, obs_error *error)
{
    obs__lane lane = {.owner = self->client,
                      .name = name,
                      .account = self->client->gate->workspace->account,
                      .limit = self->limit,
                      .number = obs__lane_number()};
    obs_event *event = NULL;
    obs_status status = obs__lane_open(&lane, error);
    if (status == OBS_OK)
        status = find_event(&event, self, lane.manifest, error);
    if (status == OBS_OK && event) {
        self->found++;
        status = run_one(self, &lane, event, error);
    }
    obs_event_free(event);
    obs__lane_close(&lane);
    return status;
}

static obs_status replay_all(replay *self, obs_error *error)
{
    char **names = NULL;
    obs_status status = obs__manifest_names(&names, obs_client_workspace(self->client), error);
    for (size_t i = 0; status == OBS_OK && names[i]; i++)
        status = replay_function(self, names[i], error);
    obs__manifest_names_free(names);
    return status;
}

obs_status obs_function_replay(obs_rows **out, obs_client *client, const char *event, const char *name, const obs_call *call,
                               obs_error *error)
{
    obs_buffer *lines = NULL;
    if (!out || !client || !event)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "out, client and event are required");
    *out = NULL;
    replay self = {.client = client, .event = event, .limit = {INT64_MAX, call ? call->cancel : NULL}};
    if (call && call->timeout_ms > 0)
        self.limit = obs__limit_of(call);
    obs__builder_init(&self.rows, ROWS_LIMIT);
    obs_status status = name ? replay_function(&self, name, error) : replay_all(&self, error);
    if (status == OBS_OK && !self.found)
        status = obs__fail(error, OBS_NOT_FOUND, "no function wants an event '%.100s', or there is none on the bus", event);
    if (status == OBS_OK)
        status = obs__builder_finish(&lines, &self.rows, error);
    if (status == OBS_OK)
        status = obs__rows_from_lines(out, lines, error);
    obs__builder_free(&self.rows);
    return status == OBS_OK ? obs__ok(error) : status;
}
