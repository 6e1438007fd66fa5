/*
 * `format`: which features of the workspace a reader and a writer must know, as ext4 does it. Nothing migrates on open.
 *
 *     incompat    who does not know one cannot open the workspace
 *     ro_compat   who does not know one may only read
 *     compat      for information
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/yaml.h"
#include "client/workspace.h"

#define VERSION 1
#define SIZE_LIMIT 65536

/* None so far. Each ends with NULL. */
static const char *const known_incompat[] = {NULL};
static const char *const known_ro_compat[] = {NULL};

static obs_status damaged(const char *folder, const char *why, obs_error *error)
{
    return obs__fail(error, OBS_DATA_LOSS, "'%s/format' %s: restore it from a backup of the workspace", folder, why);
}

/* The first feature of a list that is not known, or NULL; "?" for a list that is none. */
static const char *unknown(const json_t *root, const char *name, const char *const *known)
{
    const json_t *list = json_object_get(root, name);
    if (!list)
        return NULL;
    if (!json_is_array(list))
        return "?";
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *feature = json_string_value(json_array_get(list, i));
        const char *const *at = known;
        while (feature && *at && strcmp(*at, feature) != 0)
            at++;
        if (!feature || !*at)
            return feature ? feature : "?";
    }
    return NULL;
}

static obs_status read_root(obs__format *out, const json_t *root, const char *folder, obs_error *error)
{
    const char *id = json_string_value(json_object_get(root, "id"));
    const json_t *version = json_object_get(root, "format");
    if (!json_is_integer(version) || !id || strlen(id) != OBS__UUID_SIZE - 1)
        return damaged(folder, "is damaged", error);
    if (json_integer_value(version) > VERSION)
        return obs__fail(error, OBS_UNIMPLEMENTED,
                         "the workspace '%s' has format %lld, this library (%s) knows %d: use a newer one", folder,
                         (long long)json_integer_value(version), obs_sdk_version_text(), VERSION);
    const char *feature = unknown(root, "incompat", known_incompat);
    if (feature)
        return obs__fail(error, OBS_UNIMPLEMENTED,
                         "the workspace '%s' needs the feature '%.64s', which this library (%s) does not know: use a newer one",
                         folder, feature, obs_sdk_version_text());
    memcpy(out->id, id, OBS__UUID_SIZE);
    out->read_only = unknown(root, "ro_compat", known_ro_compat) != NULL;
    return OBS_OK;
}

obs_status obs__format_read(obs__format *out, const char *folder, uid_t account, obs_error *error)
{
    char *path = NULL;
    obs_buffer *text = NULL;
    obs__yaml *yaml = NULL;
    obs_error why;
    obs_error_init(&why, sizeof why);
    *out = (obs__format){0};
    if (asprintf(&path, "%s/format", folder) < 0)
        return obs__fail_memory(error);
    obs_status status = obs__file_read_trusted_of(&text, path, account, SIZE_LIMIT, error);
    if (status == OBS_NOT_FOUND)
        status = damaged(folder, "is missing", error);
    if (status == OBS_OK && obs__yaml_load(&yaml, obs_buffer_data(text), obs_buffer_size(text), path, &why) != OBS_OK)
        status = obs__lacks_memory(&why) ? obs__fail_memory(error) : damaged(folder, "is damaged", error);
    if (status == OBS_OK)
        status = read_root(out, obs__yaml_root(yaml), folder, error);
    obs__yaml_free(yaml);
    obs_buffer_free(text);
    free(path);
    return status;
}

obs_status obs__format_write(const char *folder, obs_error *error)
{
    char id[OBS__UUID_SIZE], now[OBS__TIME_SIZE], text[512];
    char *path = NULL;
    obs_status status = obs__uuid7(id, error);
    if (status != OBS_OK)
        return status;
    obs__time_format(now, obs__now_ns());
    int size = snprintf(text, sizeof text,
                        "# What a library must know to use this workspace. Written by libobs; not for editing.\n"
                        "format: %d\nid: %s\ncreated: %s\nlibrary: %s\ncompat: []\nro_compat: []\nincompat: []\n",
                        VERSION, id, now, obs_sdk_version_text());
    if (asprintf(&path, "%s/format", folder) < 0)
        return obs__fail_memory(error);
    status = obs__file_write(AT_FDCWD, path, text, (size_t)size, 0644, error);
    free(path);
    return status;
}
