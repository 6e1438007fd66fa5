/* Publishing on the embedded bus. */
#include <stddef.h>
#include <string.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/memory.h"
#include "event/bus_internal.h"

#define ID_SIZE 256 /* with its NUL */

/* One event on its way to the table; all texts lie behind the struct. */
typedef struct publish_effect {
    obs__effect base;
    const char *id;
    const char *source;
    const char *type;
    const char *subject;
    const char *partition_key;
    int64_t time_ns;
    obs__retention *retention; /* of the bus, which a unit holds by its client */
    int is_own;                /* its id was made here: nobody else can have it */
    int spare;                 /* it may go above the limit */
    int added;
    int alarmed;
    unsigned char identity[OBS__IDENTITY_SIZE];
    int priority;
    const char *json;
    size_t json_size;
} publish_effect;

/* Whether it was on the bus before, and removed not long ago. */
static obs_status is_gone(int *out, const publish_effect *self, obs__txn *txn, obs_error *error)
{
    sqlite3_stmt *statement = NULL;
    *out = 0;
    if (self->is_own)
        return OBS_OK;
    obs_status status = obs__txn_statement(&statement, txn, "SELECT 1 FROM gone WHERE identity = ?1 AND time_ns > ?2", error);
    if (status != OBS_OK)
        return status;
    sqlite3_bind_blob(statement, 1, self->identity, OBS__IDENTITY_SIZE, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 2, self->time_ns - self->retention->bounds.remember_ns);
    int code = sqlite3_step(statement);
    *out = code == SQLITE_ROW;
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        status = obs__sqlite_fail(error, obs__txn_database(txn), code, "look for the event");
    sqlite3_reset(statement);
    return status;
}

static obs_status insert(const publish_effect *self, obs__txn *txn, obs_error *error)
{
    static const char sql[] = "INSERT INTO event(source, id, type, subject, partition_key, time_ns, priority, json)"
                              " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?8, ?7) ON CONFLICT(source, id) DO NOTHING";
    sqlite3_stmt *statement = NULL;
    obs_status status = obs__txn_statement(&statement, txn, sql, error);
    if (status != OBS_OK)
        return status;
    sqlite3_bind_text(statement, 1, self->source, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 2, self->id, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 3, self->type, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 4, self->subject, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 5, self->partition_key, -1, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 6, self->time_ns);
    sqlite3_bind_int(statement, 8, self->priority);
    sqlite3_bind_blob64(statement, 7, self->json, self->json_size, SQLITE_STATIC);
    return obs__txn_run(txn, statement, error);
}

static obs_status apply(obs__effect *effect, obs__txn *txn, obs_error *error)
{
    publish_effect *self = (publish_effect *)effect;
    int gone = 0;
    self->added = self->alarmed = 0;
    obs_status status = is_gone(&gone, self, txn, error);
    if (status != OBS_OK || gone)
        return status;
    status = insert(self, txn, error);
    if (status != OBS_OK || !sqlite3_changes(obs__txn_database(txn)))
        return status;
    self->added = 1;
    obs__txn_wake(txn);
    return obs__room_take(&self->alarmed, self->retention, txn, (int64_t)self->json_size, self->spare, error);
}

static void finish(obs__effect *effect)
{
    const publish_effect *self = (const publish_effect *)effect;
    if (self->alarmed)
        atomic_store(&self->retention->alarmed, 1);
    if (self->added)
        obs__retention_look(self->retention);
}

static void free_effect(obs__effect *effect)
{
    obs__free(effect);
}

static const char *take(char **at, const char *data, size_t size)
{
    char *text = *at;
    memcpy(text, data, size);
    text[size] = '\0';
    *at += size + 1;
    return text;
}

static const obs__effect_ops publish_ops = {.apply = apply, .finish = finish, .free = free_effect, .repeatable = 1};

void obs__bus_spare(obs__effects *effects)
{
    for (obs__effect *effect = effects->first; effect; effect = effect->next)
        if (effect->ops == &publish_ops)
            ((publish_effect *)effect)->spare = 1;
}

static obs_status effect_new(publish_effect **out, const obs_event *event, const char *key, int priority,
                             const obs__builder *json, obs_error *error)
{
    const char *subject = event->subject ? event->subject : "";
    size_t sizes[] = {strlen(event->id), strlen(event->source), strlen(event->type), strlen(subject), strlen(key)};
    size_t size = sizeof(publish_effect) + json->size + 1;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        size += sizes[i] + 1;
    publish_effect *effect = obs__alloc(size);
    if (!effect)
        return obs__fail_memory(error);
    char *at = (char *)(effect + 1);
    *effect =
        (publish_effect){.base.ops = &publish_ops, .time_ns = obs__now_ns(), .priority = priority, .json_size = json->size};
    effect->id = take(&at, event->id, sizes[0]);
    effect->source = take(&at, event->source, sizes[1]);
    effect->type = take(&at, event->type, sizes[2]);
    effect->subject = take(&at, subject, sizes[3]);
    effect->partition_key = take(&at, key, sizes[4]);
    effect->json = take(&at, json->data, json->size);
    *out = effect;
    return OBS_OK;
}

/* What is filled in when the caller left it open; lives as long as the staging. */
typedef struct defaults {
    char id[OBS__UUID_SIZE];
    char source[80];
    char time[OBS__TIME_SIZE];
    obs_pair extensions[OBS__EXTENSIONS_MAX];
} defaults;

static int has_extension(const obs_event *event, const char *name)
{
    for (size_t i = 0; i < event->extension_count; i++)
        if (strcmp(event->extensions[i].name, name) == 0)
            return 1;
    return 0;
}

/* The trace goes with the event, unless the caller gave one or there is no room left. */
static void add_trace(obs_event *event, defaults *own, const obs__scope *scope)
{
    if (!*scope->traceparent || event->extension_count == OBS__EXTENSIONS_MAX || has_extension(event, "traceparent"))
        return;
    if (event->extension_count)
        memcpy(own->extensions, event->extensions, event->extension_count * sizeof *own->extensions);
    own->extensions[event->extension_count++] = (obs_pair){"traceparent", scope->traceparent};
    event->extensions = own->extensions;
}

static obs_status add_defaults(obs_event *event, defaults *own, const obs__scope *scope, obs_error *error)
{
    obs_status status = OBS_OK;
    if (!event->type)
        return obs__fail(error, OBS_INVALID_ARGUMENT,
                         "type is missing: every event must have it, as in org.example.frame.stored");
    if (event->id && strlen(event->id) >= ID_SIZE)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "id is longer than %d bytes", ID_SIZE - 1);
    if (!event->id) {
        status = obs__uuid7(own->id, error);
        event->id = own->id;
    }
    if (!event->source) {
        static const char begin[] = "/obs/";
        memcpy(own->source, begin, sizeof begin);
        strncat(own->source, scope->gate->tenant, sizeof own->source - sizeof begin);
        event->source = own->source;
    }
    if (!event->time) {
        obs__time_format(own->time, obs__now_ns());
        event->time = own->time;
    }
    if (event->data && !event->datacontenttype)
        event->datacontenttype = "application/json";
    add_trace(event, own, scope);
    return status;
}

/* Options as this version knows them; an older caller's are shorter. */
static obs_publish_options options_of(const obs_publish_options *options)
{
    obs_publish_options own;
    obs_publish_options_init(&own, sizeof own);
    if (options && options->size >= offsetof(obs_publish_options, priority))
        memcpy(&own, options, options->size < sizeof own ? options->size : sizeof own);
    return own;
}

static obs_status check_options(const char **key, const obs_publish_options *options, const obs_event *event, obs_error *error)
{
    *key = event->subject ? event->subject : "";
    if (options->priority < -1 || options->priority > 1)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "the priority is -1, 0 or 1");
    if (!options->partition_key)
        return OBS_OK;
    *key = options->partition_key;
    return obs__attribute_check(obs__view_of("partition_key", OBS_TEXT), obs__view_of(*key, OBS_TEXT), OBS__EXTENSION, error);
}

static obs_status add_effect(obs__effects *effects, publish_effect *effect, const obs_bus *bus, int named, obs_error *error)
{
    effect->retention = bus->retention;
    effect->is_own = !named;
    obs__effects_add(effects, &effect->base);
    return named ? obs__identity(effect->identity, effect->source, effect->id, error) : OBS_OK;
}

obs_status obs__bus_stage_publish(obs__effects *effects, char *out_id, obs_bus *bus, obs__scope *scope, const obs_event *event,
                                  const obs_publish_options *options, obs_error *error)
{
    obs_event whole;
    defaults own;
    obs__builder json;
    const char *key = NULL;
    publish_effect *effect = NULL;
    const obs_publish_options how = options_of(options);
    obs__builder_init(&json, OBS_EVENT_MAX);
    obs_status status = obs__event_check(&whole, event, 0, error);
    if (status == OBS_OK)
        status = add_defaults(&whole, &own, scope, error);
    if (status == OBS_OK)
        status = check_options(&key, &how, &whole, error);
    if (status == OBS_OK)
        status = obs__event_write(&json, &whole, error);
    if (status == OBS_OK)
        status = obs__event_written(&json, error);
    if (status == OBS_OK)
        status = effect_new(&effect, &whole, key, how.priority, &json, error);
    if (status == OBS_OK)
        status = add_effect(effects, effect, bus, event && event->id, error);
    if (status == OBS_OK) {
        scope->bytes += json.size;
        if (out_id)
            memcpy(out_id, whole.id, strlen(whole.id) + 1);
    }
    obs__builder_free(&json);
    return status;
}

void obs_publish_options_init(obs_publish_options *options, size_t size)
{
    if (!options || size < sizeof options->size)
        return;
    memset(options, 0, size);
    options->size = size;
}

/* What the audit trail names: what the event is about, else its type. */
static const char *object_of(const obs_event *event)
{
    if (!event || event->size < sizeof *event)
        return "";
    return event->subject && *event->subject ? event->subject : event->type ? event->type : "";
}

obs_status obs__bus_allow(obs__scope *scope, const obs_event *event, obs_error *error)
{
    const char *type = event && event->size >= sizeof *event ? event->type : NULL;
    return obs__gate_allow(scope, obs__view_of(type ? type : "", OBS_TEXT), error);
}

obs_status obs_bus_publish(obs_buffer **out_id, obs_bus *bus, const obs_event *event, const obs_publish_options *options,
                           obs_error *error)
{
    obs__scope scope;
    obs__effects effects = {0};
    char id[ID_SIZE];
    if (out_id)
        *out_id = NULL;
    if (!bus || !event)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "bus and event are required");
    const obs_call *call = options_of(options).call;
    obs_status status =
        obs__gate_enter(&scope, bus->gate, OBS__CHANGE, "event.publish", object_of(event), OBS_TEXT, call, error);
    if (status != OBS_OK)
        return status;
    obs_buffer *copy = NULL;
    status = obs__bus_allow(&scope, event, error);
    if (status == OBS_OK)
        status = obs__bus_stage_publish(&effects, id, bus, &scope, event, options, error);
    /* Made before the commit: behind it nothing may fail any more. */
    if (status == OBS_OK && out_id)
        status = obs__buffer_copy(&copy, id, strlen(id), error);
    if (status == OBS_OK)
        status = obs__gate_commit(&scope, &effects, error);
    else
        obs__effects_free(&effects);
    if (status == OBS_OK && out_id)
        *out_id = copy;
    else
        obs_buffer_free(copy);
    return obs__gate_leave(&scope, status, error);
}
