/* Environment variables as a document: `OBSERVATORY_CCD__GAIN=1.7` says `ccd.gain: 1.7`. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/yaml_scalar.h"
#include "config/document.h"

#define NAME_LIMIT ((size_t)4096)

/* `CCD__GAIN` to `ccd.gain`; 0 when a part of it is empty. */
static int name_of(obs__builder *out, const char *variable)
{
    obs__builder_clear(out);
    for (const char *at = variable; *at; at++) {
        if (at[0] == '_' && at[1] == '_' && at > variable && at[2]) {
            if (!out->size || out->data[out->size - 1] == '.')
                return 0;
            obs__add_char(out, '.');
            at++;
        } else if (*at == '.' || *at == '\\')
            return 0;
        else
            obs__add_char(out, (char)(*at >= 'A' && *at <= 'Z' ? *at | 0x20 : *at));
    }
    return out->size && !out->failed;
}

static obs_status set(obs__config_document *document, const char *variable, const char *name, const char *text,
                      obs_error *error)
{
    const char *fault = NULL;
    obs__builder key;
    if (!obs__utf8_valid(text, strlen(text)))
        return obs__fail(error, OBS_INVALID_ARGUMENT, "the environment variable %.200s is not valid UTF-8", variable);
    json_t *value = obs__yaml_plain(text, strlen(text), &fault);
    if (fault)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "the environment variable %.200s is %s", variable, fault);
    if (!value)
        return obs__fail_memory(error);
    obs__builder_init(&key, NAME_LIMIT);
    json_t *parent = obs__config_tree_parent(document->tree, name, 1, &key);
    obs_status status = obs__builder_status(&key, error);
    if (status == OBS_OK && (!json_is_object(parent) || json_object_get(parent, key.data)))
        status = obs__fail(error, OBS_INVALID_ARGUMENT,
                           "the environment variable %.200s contradicts another one: '%.100s' is a value there, and a mapping "
                           "here or the reverse; unset one of them",
                           variable, name);
    else if (status == OBS_OK && json_object_set(parent, key.data, value) != 0)
        status = obs__fail_memory(error);
    json_decref(value);
    obs__builder_free(&key);
    return status;
}

/* Remembers which variable a name comes from; the texts lie in the document's bytes. */
static void note_variable(obs__config_document *document, const char *variable, const char *name)
{
    obs__config_value *value = (obs__config_value *)(uintptr_t)obs__config_table_find(&document->table, name, strlen(name));
    if (value)
        value->variable = variable;
}

typedef obs_status each_variable(obs__config_document *document, const char *variable, const char *name, const char *value,
                                 obs_error *error);

static obs_status note(obs__config_document *document, const char *variable, const char *name, const char *value,
                       obs_error *error)
{
    (void)value, (void)error;
    note_variable(document, variable, name);
    return OBS_OK;
}

/* Goes through `NAME`, NUL, `value`, NUL. What is empty counts as not set. */
static obs_status each(obs__config_document *document, size_t prefix, each_variable *visit, obs_error *error)
{
    const char *at = obs_buffer_data(document->bytes);
    const char *end = at + obs_buffer_size(document->bytes);
    obs__builder name;
    obs_status status = OBS_OK;
    obs__builder_init(&name, NAME_LIMIT);
    while (at < end && status == OBS_OK) {
        const char *variable = at, *value = variable + strlen(variable) + 1;
        at = value + strlen(value) + 1;
        if (!*value)
            continue;
        int fine = strlen(variable) >= prefix && name_of(&name, variable + prefix);
        status = obs__builder_status(&name, error);
        if (status == OBS_OK && !fine)
            status = obs__fail(error, OBS_INVALID_ARGUMENT,
                               "the environment variable %.200s names no setting: write it as in %.*sCCD__GAIN", variable,
                               (int)prefix, variable);
        else if (status == OBS_OK)
            status = visit(document, variable, name.data, value, error);
    }
    obs__builder_free(&name);
    return status;
}

obs_status obs__config_environment_read(obs__config_document *document, const obs__config_source *source, obs_error *error)
{
    size_t prefix = strlen(source->url) - strlen("env:");
    document->tree = json_object();
    if (!document->tree)
        return obs__fail_memory(error);
    obs_status status = each(document, prefix, set, error);
    if (status == OBS_OK)
        status = obs__config_names_of(&document->table, document->tree, NULL, document->label, error);
    return status == OBS_OK ? each(document, prefix, note, error) : status;
}
