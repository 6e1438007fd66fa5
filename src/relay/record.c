/* One record with its key and time from the source to a unit of the target; its definition goes before it. */
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/memory.h"
#include "relay/relay.h"

/* The schema of a definition of the source, as JSON text. */
static obs_status schema_of(obs_buffer **out, obs__relay *relay, const char *name, obs_error *error)
{
    obs_rows *rows = NULL;
    const char *text = NULL;
    size_t size = 0;
    *out = NULL;
    obs_status status = obs_ingest_definitions(&rows, relay->from, relay->call, error);
    while (status == OBS_OK && !*out) {
        json_t *row = NULL;
        status = obs_rows_next(rows, &text, &size, error);
        if (status != OBS_OK || !text)
            break;
        status = obs__json_load(&row, text, size, NULL, error);
        const char *is = json_string_value(json_object_get(row, "name"));
        if (status == OBS_OK && is && strcmp(is, name) == 0)
            status = obs__json_dump(out, json_object_get(row, "schema"), 0, OBS__JSON_SIZE_LIMIT, error);
        json_decref(row);
    }
    obs_rows_free(rows);
    return status == OBS_OK && !*out ? obs__fail(error, OBS_NOT_FOUND, "no definition '%.100s'", name) : status;
}

/* The definition as the source has it; OBS_REFUSED when the target has one that it is no newer version of. */
static obs_status bring_definition(obs__relay *relay, const char *name, obs_error *error)
{
    obs_buffer *schema = NULL;
    obs_error why;
    obs_error_init(&why, sizeof why);
    obs_status status = schema_of(&schema, relay, name, error);
    if (status == OBS_OK)
        status = obs_ingest_definition(relay->to, name, obs_buffer_data(schema), obs_buffer_size(schema), relay->call, &why);
    obs_buffer_free(schema);
    if (why.status == OBS_FAILED_PRECONDITION)
        return obs__fail(error, OBS_REFUSED, "the definition '%.100s' is another one at the target: %.150s", name, why.message);
    return why.status != OBS_OK ? obs__copy_error(error, &why) : status;
}

static obs_status stage(obs__relay_unit *unit, const obs__relay_entry *entry, obs__definition *definition, obs__view json,
                        obs_error *error)
{
    obs__effects part = {0};
    obs__effects made = {0};
    obs__scope scope;
    /* First what may be refused: a part that fails spoils its unit. */
    obs_status status = obs__record_stage_as(&made, entry->key, definition, json, entry->labels, entry->label_count, error);
    if (status == OBS_OK)
        status = obs__unit_part_begin(&scope, unit->unit, "ingest.record", entry->key, OBS_TEXT, error);
    if (status == OBS_OK) {
        obs__effects_move(&part, &made);
        scope.bytes = json.size;
        status = obs__relay_line(&part, unit, &scope, entry->type, entry, error);
        status = obs__unit_part_end(&scope, unit->unit, &part, status, error);
    }
    obs__effects_free(&made);
    return status;
}

static obs_status carry(obs__relay_unit *unit, const obs__relay_entry *entry, obs__view json, obs_error *error)
{
    obs__relay *relay = unit->relay;
    obs__definition *definition = NULL;
    obs_error why;
    obs_error_init(&why, sizeof why);
    obs_status status = obs__definition_newest(&definition, relay->to->catalog, entry->type, &why);
    if (status == OBS_OK)
        status = stage(unit, entry, definition, json, &why);
    obs__definition_free(definition);
    definition = NULL;
    if (status != OBS_NOT_FOUND && status != OBS_REFUSED)
        return status == OBS_OK ? OBS_OK : obs__copy_error(error, &why);
    status = bring_definition(relay, entry->type, error);
    if (status == OBS_OK)
        status = obs__definition_newest(&definition, relay->to->catalog, entry->type, error);
    if (status == OBS_OK)
        status = stage(unit, entry, definition, json, error);
    obs__definition_free(definition);
    return status;
}

obs_status obs__relay_record(obs__relay_unit *unit, obs__relay_entry *entry, obs_error *error)
{
    obs__relay *relay = unit->relay;
    obs_buffer *json = NULL;
    obs_status status = obs__record_get(&json, &relay->from->gate->gate, obs__view_of(entry->key, OBS_TEXT), error);
    if (status == OBS_OK)
        status = carry(unit, entry, (obs__view){obs_buffer_data(json), obs_buffer_size(json)}, error);
    if (status == OBS_REFUSED)
        unit->is_conflict = 1;
    if (status == OBS_OK) {
        unit->counts.records++;
        unit->counts.bytes += obs_buffer_size(json);
    }
    obs_buffer_free(json);
    return status;
}
