/* Settings: values that are read again and again. A number is kept in one cell that is written when the whole is exchanged. */
#include <string.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/yaml_scalar.h"
#include "config/engine.h"

struct obs_setting {
    struct obs_setting *next; /* of the engine */
    obs__config_engine *engine;
    obs__config_whole *whole; /* of a snapshot; else NULL */
    obs_setting_type type;
    char *name, *renamed, *standard, *least, *most;
    uint64_t standard_cell, least_cell, most_cell;
    _Atomic uint64_t cell; /* an integer, or the bits of a double */
};

void obs_setting_options_init(obs_setting_options *options, size_t size)
{
    if (!options || size < sizeof(size_t))
        return;
    memset(options, 0, size);
    options->size = size;
}

static uint64_t bits_of(double number)
{
    uint64_t bits;
    memcpy(&bits, &number, sizeof bits);
    return bits;
}

static double double_of(uint64_t bits)
{
    double number;
    memcpy(&number, &bits, sizeof number);
    return number;
}

static const char *type_name(obs_setting_type type)
{
    static const char *const names[] = {
        "",      "true or false", "an integer", "a number", "a time span as in 250ms or 1h30m", "a size as in 64MiB or 4096",
        "a text"};
    return names[type];
}

/* What a value is for a setting of this type; 0 when it is something else. */
static int cell_of(uint64_t *out, const obs__config_value *value, obs_setting_type type)
{
    *out = 0;
    switch (type) {
    case OBS_SETTING_BOOL:
        return *out = (uint64_t)value->integer, value->kind == OBS__CONFIG_BOOL;
    case OBS_SETTING_INT:
        return *out = (uint64_t)value->integer, value->kind == OBS__CONFIG_INT;
    case OBS_SETTING_FLOAT:
        return *out = bits_of(value->real), value->kind == OBS__CONFIG_INT || value->kind == OBS__CONFIG_REAL;
    case OBS_SETTING_DURATION:
        return *out = (uint64_t)value->duration_ns, value->has_duration;
    case OBS_SETTING_BYTES:
        return *out = value->bytes, value->has_bytes && value->bytes <= INT64_MAX;
    default:
        return value->kind == OBS__CONFIG_TEXT;
    }
}

static int is_less(uint64_t a, uint64_t b, obs_setting_type type)
{
    return type == OBS_SETTING_FLOAT ? double_of(a) < double_of(b) : (int64_t)a < (int64_t)b;
}

/* What the value of a setting is in this whole, checked. */
static obs_status evaluate(uint64_t *out, obs_setting *setting, const obs__config_whole *whole, obs_error *error)
{
    char place[OBS__CONFIG_PLACE_SIZE];
    const obs__config_value *value = obs__config_table_find(&whole->table, setting->name, strlen(setting->name));
    if (!value && setting->renamed)
        value = obs__config_table_find(&whole->table, setting->renamed, strlen(setting->renamed));
    if (!value && setting->standard) {
        *out = setting->standard_cell;
        return OBS_OK;
    }
    if (!value)
        return obs__config_whole_find(&value, whole, setting->name, error);
    if (!cell_of(out, value, setting->type))
        return obs__config_wrong_kind(whole, value, type_name(setting->type), error);
    int low = setting->least && is_less(*out, setting->least_cell, setting->type);
    if (!low && !(setting->most && is_less(setting->most_cell, *out, setting->type)))
        return OBS_OK;
    obs__config_whole_place(place, whole, value);
    obs__fail(error, OBS_OUT_OF_RANGE, "%s: '%.128s' is %s than %.64s, which the program allows", place, value->name,
              low ? "less" : "more", low ? setting->least : setting->most);
    obs__at(error, value->line, value->column);
    return OBS_OUT_OF_RANGE;
}

obs_status obs__config_settings_check(obs__config_engine *engine, const obs__config_whole *whole, obs_error *error)
{
    uint64_t cell;
    obs_error inner;
    obs_error_init(&inner, sizeof inner);
    for (obs_setting *setting = engine->settings; setting; setting = setting->next) {
        obs_status status = evaluate(&cell, setting, whole, &inner);
        if (status == OBS_NOT_FOUND)
            return obs__fail(error, OBS_REFUSED, "'%.128s' is missing, which this program needs", setting->name);
        if (status != OBS_OK) {
            obs__copy_error(error, &inner);
            obs__fail(error, OBS_REFUSED, "%s", inner.message);
            obs__at(error, inner.line, inner.column);
            return OBS_REFUSED;
        }
    }
    return OBS_OK;
}

/* Where the old name still stands, when it is the one that is read; "" else. */
static void find_old_name(char place[OBS__CONFIG_PLACE_SIZE], const obs_setting *setting, const obs__config_whole *whole)
{
    *place = '\0';
    if (!setting->renamed || obs__config_table_find(&whole->table, setting->name, strlen(setting->name)))
        return;
    const obs__config_value *value = obs__config_table_find(&whole->table, setting->renamed, strlen(setting->renamed));
    if (value)
        obs__config_whole_place(place, whole, value);
}

void obs__config_settings_update(obs__config_engine *engine, const obs__config_whole *whole)
{
    uint64_t cell;
    for (obs_setting *setting = engine->settings; setting; setting = setting->next)
        if (evaluate(&cell, setting, whole, NULL) == OBS_OK)
            atomic_store_explicit(&setting->cell, cell, memory_order_relaxed);
}

/* A default or a bound, as it would be written. */
static obs_status read_option(char **text, uint64_t *cell, const char *given, const char *what, obs_setting_type type,
                              obs_error *error)
{
    obs__config_table table;
    obs__config_value *value = NULL;
    const char *fault = NULL;
    if (!given)
        return OBS_OK;
    if (!(*text = obs__strdup(given)))
        return obs__fail_memory(error);
    if (type == OBS_SETTING_TEXT)
        return OBS_OK;
    json_t *json = obs__yaml_plain(given, strlen(given), &fault);
    if (!json && !fault)
        return obs__fail_memory(error);
    obs__config_table_init(&table);
    obs_status status = OBS_OK;
    if (json)
        status = obs__config_table_add(&value, &table, obs__view_of(what, OBS_TEXT), json, what, error);
    if (status == OBS_OK && (!json || !cell_of(cell, value, type)))
        status = obs__fail(error, OBS_INVALID_ARGUMENT, "the option '%s' of a setting is '%.64s', not %s", what, given,
                           type_name(type));
    obs__config_table_free(&table);
    json_decref(json);
    return status;
}

static obs_status read_options(obs_setting *setting, const char *name, const obs_setting_options *options, obs_error *error)
{
    obs_setting_options given = {0};
    obs_setting_type type = setting->type;
    if (options)
        memcpy(&given, options, options->size < sizeof given ? options->size : sizeof given);
    if (!(setting->name = obs__strdup(name)) || (given.renamed && !(setting->renamed = obs__strdup(given.renamed))))
        return obs__fail_memory(error);
    if (type == OBS_SETTING_TEXT && (given.least || given.most))
        return obs__fail(error, OBS_INVALID_ARGUMENT, "a text has no smallest or largest value");
    obs_status status = read_option(&setting->standard, &setting->standard_cell, given.standard, "standard", type, error);
    if (status == OBS_OK)
        status = read_option(&setting->least, &setting->least_cell, given.least, "least", type, error);
    if (status == OBS_OK)
        status = read_option(&setting->most, &setting->most_cell, given.most, "most", type, error);
    return status;
}

static void discard(obs_setting *setting)
{
    obs__config_whole_free(setting->whole);
    obs__free(setting->name);
    obs__free(setting->renamed);
    obs__free(setting->standard);
    obs__free(setting->least);
    obs__free(setting->most);
    obs__free(setting);
}

/* From now on it follows, and no change that does not suit it is taken over. */
static obs_status enlist(obs_setting *setting, obs_config *config, obs_error *error)
{
    obs__config_engine *engine = atomic_load(&config->engine);
    char old_name[OBS__CONFIG_PLACE_SIZE] = "";
    uint64_t cell = 0;
    obs_status status = obs__config_engine_ours(engine, error);
    if (status != OBS_OK)
        return status;
    pthread_mutex_lock(&engine->lock);
    const obs__config_whole *whole = atomic_load(&engine->live.whole); /* stays, as it is exchanged with the lock */
    status = evaluate(&cell, setting, whole, error);
    if (status == OBS_OK) {
        atomic_store_explicit(&setting->cell, cell, memory_order_relaxed);
        setting->engine = engine;
        setting->next = engine->settings;
        engine->settings = setting;
        find_old_name(old_name, setting, whole);
    }
    pthread_mutex_unlock(&engine->lock);
    if (*old_name)
        obs__log(OBS_LOG_WARNING, "config", NULL, "%s: '%s' is called '%s' now: change it there", old_name, setting->renamed,
                 setting->name);
    if (status == OBS_OK)
        obs__config_engine_retain(engine);
    return status;
}

obs_status obs_setting_open(obs_setting **out, obs_config *config, const char *name, obs_setting_type type,
                            const obs_setting_options *options, obs_error *error)
{
    obs__config_whole *whole = NULL;
    uint64_t cell = 0;
    if (!out || !config || !name)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "out, config and name are required");
    *out = NULL;
    if (type < OBS_SETTING_BOOL || type > OBS_SETTING_TEXT)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "%d is no type of a setting", (int)type);
    obs_setting *setting = obs__calloc(1, sizeof *setting);
    if (!setting)
        return obs__fail_memory(error);
    setting->type = type;
    obs_status status = read_options(setting, name, options, error);
    if (status == OBS_OK)
        status = obs__config_hold(&whole, config, NULL, error);
    if (status == OBS_OK && config->whole) {
        setting->whole = obs__config_whole_retain(whole);
        status = evaluate(&cell, setting, whole, error);
        atomic_store_explicit(&setting->cell, cell, memory_order_relaxed);
    } else if (status == OBS_OK)
        status = enlist(setting, config, error);
    obs__config_whole_free(whole);
    if (status != OBS_OK) {
        discard(setting);
        return status;
    }
    *out = setting;
    return obs__ok(error);
}

int64_t obs_setting_int(const obs_setting *setting)
{
    if (!setting || setting->type == OBS_SETTING_FLOAT)
        return 0;
    return (int64_t)atomic_load_explicit(&((obs_setting *)(uintptr_t)setting)->cell, memory_order_relaxed);
}

double obs_setting_float(const obs_setting *setting)
{
    if (!setting || setting->type != OBS_SETTING_FLOAT)
        return 0;
    return double_of(atomic_load_explicit(&((obs_setting *)(uintptr_t)setting)->cell, memory_order_relaxed));
}

static obs_status copy_text(obs_buffer **out, const obs_setting *setting, const obs__config_whole *whole, obs_error *error)
{
    const obs__config_value *value = obs__config_table_find(&whole->table, setting->name, strlen(setting->name));
    if (!value && setting->renamed)
        value = obs__config_table_find(&whole->table, setting->renamed, strlen(setting->renamed));
    if (value)
        return obs__buffer_copy(out, json_string_value(value->json), json_string_length(value->json), error);
    return obs__buffer_copy(out, setting->standard, strlen(setting->standard), error);
}

obs_status obs_setting_text(obs_buffer **out, const obs_setting *setting, obs_error *error)
{
    obs__config_slot *slot;
    if (!out || !setting)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "out and setting are required");
    *out = NULL;
    if (setting->type != OBS_SETTING_TEXT)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "'%.128s' is a setting for %s, not for a text", setting->name,
                         type_name(setting->type));
    obs_status status;
    if (setting->whole)
        status = copy_text(out, setting, setting->whole, error);
    else {
        const obs__config_whole *whole = obs__config_live_enter(&setting->engine->live, &slot);
        status = copy_text(out, setting, whole, error);
        obs__config_live_leave(slot);
    }
    return status == OBS_OK ? obs__ok(error) : status;
}

void obs_setting_free(obs_setting *setting)
{
    if (!setting)
        return;
    obs__config_engine *engine = setting->engine;
    if (engine && engine->generation == obs__generation()) {
        pthread_mutex_lock(&engine->lock);
        for (obs_setting **at = &engine->settings; *at; at = &(*at)->next)
            if (*at == setting) {
                *at = setting->next;
                break;
            }
        pthread_mutex_unlock(&engine->lock);
    }
    discard(setting);
    obs__config_engine_release(engine);
}
