/* The inside of the event format: attributes, their checks, and how an event is put together in one block. */
#ifndef OBS_EVENT_EVENT_H
#define OBS_EVENT_EVENT_H

#include <obs/event.h>

#include "base/text.h"

#define OBS__EXTENSIONS_MAX 64
#define OBS__EXTENSION_NAME_MAX 64
#define OBS__ATTRIBUTE_MAX 4096 /* bytes of a value */

typedef enum obs__attribute_kind {
    OBS__EXTENSION,
    OBS__TEXT_VALUE,
    OBS__URI,
    OBS__URI_REFERENCE,
    OBS__TIME,
    OBS__MEDIA_TYPE,
    OBS__VERSION
} obs__attribute_kind;

/* One attribute that has a field in obs_event. */
typedef struct obs__core_attribute {
    const char *name;
    size_t offset; /* of its field */
    obs__attribute_kind kind;
    int required;
} obs__core_attribute;

#define OBS__CORE_COUNT 7
extern const obs__core_attribute obs__core_attributes[OBS__CORE_COUNT];

/* NULL when it is an extension. */
const obs__core_attribute *obs__core_attribute_of(obs__view name);
/* The value of a core attribute: NULL when absent or empty. */
const char *obs__attribute_get(const obs_event *event, const obs__core_attribute *core);
void obs__attribute_set(obs_event *event, const obs__core_attribute *core, const char *value);

/* [a-z0-9], not too long, and no name that the specification keeps for itself. */
obs_status obs__attribute_check_name(obs__view name, obs_error *error);
obs_status obs__attribute_check(obs__view name, obs__view value, obs__attribute_kind kind, obs_error *error);

/* Checks an event of a caller (of any version) and copies its fields: no "" but NULL, data_size is a number.
 * Without `complete` the required attributes may be missing. */
obs_status obs__event_check(obs_event *out, const obs_event *event, int complete, obs_error *error);

/* How the data of a media type stands in JSON. */
typedef enum obs__data_form { OBS__DATA_JSON, OBS__DATA_TEXT, OBS__DATA_BINARY } obs__data_form;
/* NULL stands for application/json. */
obs__data_form obs__data_form_of(const char *media_type);

/* How a value is written at its source. */
typedef enum obs__value_form {
    OBS__PLAIN,
    OBS__JSON_ESCAPED,
    OBS__PERCENT, /* percent-encoded, perhaps in double quotes */
    OBS__BASE64,
    OBS__ABSENT /* null: as if it were not there, but its name is used */
} obs__value_form;

typedef struct obs__draft_value {
    obs__view name;
    obs__view raw;
    obs__value_form form;
} obs__draft_value;

/* An event as it was found: all views borrow from the source. */
typedef struct obs__draft {
    size_t count;
    obs__draft_value data; /* without data: form OBS__ABSENT */
    const char *fault;     /* where it was wrong, or NULL */
    char names[(OBS__EXTENSIONS_MAX + OBS__CORE_COUNT + 1) *
               OBS__EXTENSION_NAME_MAX]; /* room for names that had to be unescaped or made lower-case */
    size_t names_used;
    obs__draft_value values[OBS__EXTENSIONS_MAX + OBS__CORE_COUNT + 1];
} obs__draft;

void obs__draft_begin(obs__draft *draft);
/* Takes one more attribute; names must not come twice. */
obs_status obs__draft_add(obs__draft *draft, obs__view name, obs__view raw, obs__value_form form, obs_error *error);
/* Room for a name of `size` bytes that lives as long as the draft, or NULL. */
char *obs__draft_name(obs__draft *draft, size_t size);
/* The event with all its strings in one block. Sets draft->fault on failure. */
obs_status obs__draft_build(obs_event **out, obs__draft *draft, obs_error *error);

/* Appends the JSON of an event that was checked. */
obs_status obs__event_write(obs__builder *json, const obs_event *event, obs_error *error);
/* OBS_INVALID_ARGUMENT with a message about the size when the builder hit its limit. */
obs_status obs__event_written(const obs__builder *json, obs_error *error);

#endif
