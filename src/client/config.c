/* obs.yaml: where everything is. Holds nothing secret. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/url.h"
#include "base/yaml.h"
#include "client/workspace.h"

#define SIZE_LIMIT 65536

static const char *const keys[] = {"store",   "events",       "catalog",        "audit",  "identity", "immutable",
                                   "mode",    "roles",        "config",         "schema", "secrets",  "locked",
                                   "anchors", "destinations", "administrators", "smtp",   "site",     NULL};

const char *obs__config_text(void)
{
    return "# Where everything of this workspace is. Nothing secret belongs here: write ${secret:name} in its place.\n"
           "store: file:store     # objects; file:folder, mem:name\n"
           "events: 'local:'      # the event log in the tenant's database; {url: 'local:', keep: 7d, limit: 1GiB}\n"
           "catalog: 'local:'\n"
           "audit: 'local:'\n"
           "identity: 'local:'    # the user of this system\n"
           "immutable: [raw/]     # below these prefixes objects are made once and never changed\n"
           "config: file:config.yaml   # settings; a list of layers: [file:config.yaml, 'env:OBSERVATORY_']\n";
}

/* A list of URLs is written with blanks or commas; each must be readable and carry no password. */
static obs_status check_urls(const obs__yaml *yaml, const char *pointer, const char *text, obs_error *error)
{
    obs__view rest = obs__view_of(text, OBS_TEXT);
    obs_error inner;
    obs_error_init(&inner, sizeof inner);
    for (obs__view one = obs__url_next(&rest); one.size; one = obs__url_next(&rest)) {
        obs__url *url = NULL;
        obs_status status = obs__url_parse(&url, one.data, one.size, &inner);
        obs__url_free(url);
        if (status != OBS_OK)
            return obs__yaml_fail(error, status, yaml, pointer, inner.message);
    }
    return OBS_OK;
}

/* Only the embedded form exists in this release. */
static obs_status check_local(const obs__yaml *yaml, const char *pointer, const char *text, obs_error *error)
{
    if (strcmp(text, "local:") == 0)
        return OBS_OK;
    char message[256];
    snprintf(message, sizeof message, "'%.128s' is not known here: there is local:", text);
    return obs__yaml_fail(error, OBS_UNIMPLEMENTED, yaml, pointer, message);
}

static obs_status take_url(char **out, const obs__yaml *yaml, const char *pointer, const char *text, int local,
                           obs_error *error)
{
    if (!text)
        return obs__yaml_fail(error, OBS_INVALID_ARGUMENT, yaml, pointer, "a URL is expected here, as in file:store");
    if (!strcmp(text, "local")) /* what one writes without knowing that YAML wants quotes around `local:` */
        text = "local:";
    obs_status status = check_urls(yaml, pointer, text, error);
    if (status == OBS_OK && local)
        status = check_local(yaml, pointer, text, error);
    if (status == OBS_OK && !(*out = obs__strdup(text)))
        status = obs__fail_memory(error);
    return status;
}

static obs_status read_url(char **out, const obs__yaml *yaml, const char *name, const char *standard, int local,
                           obs_error *error)
{
    char pointer[32];
    const json_t *value = json_object_get(obs__yaml_root(yaml), name);
    snprintf(pointer, sizeof pointer, "/%s", name);
    return take_url(out, yaml, pointer, value ? json_string_value(value) : standard, local, error);
}

/* A list of texts; `what` says for each what belongs there. */
static obs_status read_texts(char ***out, const obs__yaml *yaml, const char *pointer, const json_t *list, const char *what,
                             obs_error *error)
{
    size_t count = json_array_size(list);
    *out = obs__calloc(count + 1, sizeof **out);
    if (!*out)
        return obs__fail_memory(error);
    for (size_t i = 0; i < count; i++) {
        char place[64];
        const char *text = json_string_value(json_array_get(list, i));
        snprintf(place, sizeof place, "%s/%zu", pointer, i);
        if (!text || !*text)
            return obs__yaml_fail(error, OBS_INVALID_ARGUMENT, yaml, place, what);
        if (!((*out)[i] = obs__strdup(text)))
            return obs__fail_memory(error);
    }
    return OBS_OK;
}

static obs_status read_immutable(obs__config *out, const obs__yaml *yaml, obs_error *error)
{
    const json_t *list = json_object_get(obs__yaml_root(yaml), "immutable");
    if (list && !json_is_array(list))
        return obs__yaml_fail(error, OBS_INVALID_ARGUMENT, yaml, "/immutable",
                              "a list of prefixes is expected here, as in [raw/]");
    if (list)
        return read_texts(&out->immutable, yaml, "/immutable", list, "a prefix is expected here, as in raw/", error);
    out->immutable = obs__calloc(2, sizeof *out->immutable);
    if (!out->immutable || !(out->immutable[0] = obs__strdup("raw/")))
        return obs__fail_memory(error);
    return OBS_OK;
}

static obs_status read_mode(obs__config *out, const obs__yaml *yaml, obs_error *error)
{
    const json_t *value = json_object_get(obs__yaml_root(yaml), "mode");
    const char *text = value ? json_string_value(value) : "personal";
    out->shared = text && !strcmp(text, "shared");
    if (!text || (!out->shared && strcmp(text, "personal") != 0))
        return obs__yaml_fail(error, OBS_INVALID_ARGUMENT, yaml, "/mode", "'personal' or 'shared' is expected here");
    return OBS_OK;
}

static obs_status read_site(obs__config *out, const obs__yaml *yaml, obs_error *error)
{
    const json_t *value = json_object_get(obs__yaml_root(yaml), "site");
    if (!value)
        return OBS_OK;
    if (!json_is_string(value) || !obs__tenant_valid(json_string_value(value)))
        return obs__yaml_fail(error, OBS_INVALID_ARGUMENT, yaml, "/site",
                              "the name of a site has 1 to 63 of [a-z0-9-] and begins with a letter, as in roof");
    out->site = obs__strdup(json_string_value(value));
    return out->site ? OBS_OK : obs__fail_memory(error);
}

static obs_status read_role(char ***out, const obs__yaml *yaml, const json_t *roles, const char *name, obs_error *error)
{
    char pointer[32];
    const json_t *list = json_object_get(roles, name);
    snprintf(pointer, sizeof pointer, "/roles/%s", name);
    if (!list)
        return OBS_OK;
    if (!json_is_array(list))
        return obs__yaml_fail(error, OBS_INVALID_ARGUMENT, yaml, pointer,
                              "a list of subjects is expected here, as in [user:ada]");
    obs_status status = read_texts(out, yaml, pointer, list, "a subject is expected here, as in user:ada", error);
    for (size_t i = 0; status == OBS_OK && (*out)[i]; i++) {
        obs_error inner;
        obs_error_init(&inner, sizeof inner);
        snprintf(pointer, sizeof pointer, "/roles/%s/%zu", name, i);
        if (obs__auth_check_subject((*out)[i], &inner) != OBS_OK)
            status = obs__yaml_fail(error, OBS_INVALID_ARGUMENT, yaml, pointer, inner.message);
    }
    return status;
}

static obs_status read_roles(obs__config *out, const obs__yaml *yaml, obs_error *error)
{
    const char *key;
    json_t *value;
    json_t *roles = json_object_get(obs__yaml_root(yaml), "roles");
    static const char expected[] = "roles are expected here, as in {operator: [user:bob], auditor: [user:eve]}";
    if (!roles)
        return OBS_OK;
    if (!json_is_object(roles))
        return obs__yaml_fail(error, OBS_INVALID_ARGUMENT, yaml, "/roles", expected);
    json_object_foreach(roles, key, value)
    {
        if (strcmp(key, "operator") != 0 && strcmp(key, "auditor") != 0)
            return obs__yaml_fail(error, OBS_INVALID_ARGUMENT, yaml, "/roles", expected);
    }
    obs_status status = read_role(&out->operators, yaml, roles, "operator", error);
    return status == OBS_OK ? read_role(&out->auditors, yaml, roles, "auditor", error) : status;
}

static obs_status read_all(obs__config *out, const obs__yaml *yaml, obs_error *error)
{
    const json_t *root = obs__yaml_root(yaml);
    if (!json_is_object(root) && !json_is_null(root))
        return obs__yaml_fail(error, OBS_INVALID_ARGUMENT, yaml, "", "lines like 'store: file:store' are expected here");
    obs_status status = json_is_object(root) ? obs__yaml_check_names(yaml, "", keys, error) : OBS_OK;
    if (status == OBS_OK)
        status = read_url(&out->store, yaml, "store", "file:store", 0, error);
    if (status == OBS_OK)
        status = obs__config_events_read(out, yaml, error);
    if (status == OBS_OK)
        status = take_url(&out->events, yaml, "/events", obs__config_events_url(yaml), 0, error);
    if (status == OBS_OK)
        status = read_url(&out->catalog, yaml, "catalog", "local:", 1, error);
    if (status == OBS_OK)
        status = read_url(&out->audit, yaml, "audit", "local:", 1, error);
    if (status == OBS_OK)
        status = read_url(&out->identity, yaml, "identity", "local:", 1, error);
    if (status == OBS_OK)
        status = read_immutable(out, yaml, error);
    if (status == OBS_OK)
        status = read_mode(out, yaml, error);
    if (status == OBS_OK)
        status = read_roles(out, yaml, error);
    if (status == OBS_OK)
        status = read_site(out, yaml, error);
    if (status == OBS_OK)
        status = obs__config_lines_read(out, yaml, error);
    return status == OBS_OK ? obs__destinations_read(&out->destinations, yaml, error) : status;
}

obs_status obs__config_read(obs__config *out, const char *folder, uid_t account, obs_error *error)
{
    char *path = NULL;
    obs_buffer *text = NULL;
    obs__yaml *yaml = NULL;
    *out = (obs__config){0};
    if (asprintf(&path, "%s/obs.yaml", folder) < 0)
        return obs__fail_memory(error);
    obs_status status = obs__file_read_trusted_of(&text, path, account, SIZE_LIMIT, error);
    if (status == OBS_OK)
        status = obs__yaml_load(&yaml, obs_buffer_data(text), obs_buffer_size(text), path, error);
    if (status == OBS_OK)
        status = read_all(out, yaml, error);
    if (status != OBS_OK)
        obs__config_free(out);
    obs__yaml_free(yaml);
    obs_buffer_free(text);
    free(path);
    return status;
}

static void free_texts(char **texts)
{
    for (size_t i = 0; texts && texts[i]; i++)
        obs__free(texts[i]);
    obs__free(texts);
}

void obs__config_free(obs__config *config)
{
    free_texts(config->immutable);
    free_texts(config->operators);
    free_texts(config->auditors);
    obs__config_lines_free(config);
    obs__destinations_free(&config->destinations);
    obs__free(config->store);
    obs__free(config->events);
    obs__free(config->catalog);
    obs__free(config->audit);
    obs__free(config->identity);
    obs__free(config->site);
    *config = (obs__config){0};
}
