/* What obs.yaml says about configuration, and about the witnesses of the audit log:
 *
 *     config:
 *       - file:config.yaml
 *       - {url: 'https://conf.example.org/site.yaml', token: '${secret:env:CONF_TOKEN}', key: …, keep: 30d}
 *       - env:OBSERVATORY_
 *     schema: file:config.schema.json
 *     secrets: ['env:MPC_PASSWORD', 'file:/run/secrets/archive']
 *     locked: [safety]
 *     anchors: [{url: 'https://witness.example.org/night', token: '${secret:file:/run/secrets/witness}'}]
 */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/url.h"
#include "base/yaml.h"
#include "client/workspace.h"
#include "config/config.h"

static const char layer_expected[] = "the URL of a document is expected here, as in file:config.yaml, or a mapping of 'url', "
                                     "'key', 'keep' and 'token'";

static void free_line(obs__config_line *line)
{
    obs__free(line->url);
    obs__free(line->key);
    obs__free(line->token);
}

static void free_texts(char **texts)
{
    for (size_t i = 0; texts && texts[i]; i++)
        obs__free(texts[i]);
    obs__free(texts);
}

void obs__config_lines_free(obs__config *config)
{
    for (size_t i = 0; i < config->layer_count; i++)
        free_line(&config->layers[i]);
    obs__free(config->layers);
    for (size_t i = 0; i < config->anchor_count; i++)
        free_line(&config->anchors[i]);
    obs__free(config->anchors);
    free_line(&config->schema);
    free_texts(config->secrets);
    free_texts(config->locked);
}

static obs_status check_url(const obs__yaml *yaml, const char *pointer, const char *text, obs_error *error)
{
    obs__url *url = NULL;
    obs_error inner;
    obs_error_init(&inner, sizeof inner);
    obs_status status = obs__url_parse(&url, text, strlen(text), &inner);
    obs__url_free(url);
    return status == OBS_OK ? OBS_OK : obs__yaml_fail(error, status, yaml, pointer, inner.message);
}

/* Only these two kinds exist in this release. */
static int is_secret(const char *text)
{
    return (strncmp(text, "env:", 4) == 0 && text[4] && !strchr(text, '=')) || strncmp(text, "file:/", 6) == 0;
}

/* By its name only: the secret itself has no place in a file that everybody reads. */
static obs_status read_token(char **out, const obs__yaml *yaml, const char *pointer, const char *token, obs_error *error)
{
    size_t size = token ? strlen(token) : 0;
    if (!token)
        return OBS_OK;
    if (size > 10 && strncmp(token, "${secret:", 9) == 0 && token[size - 1] == '}') {
        if (!(*out = obs__memdup(token + 9, size - 10)))
            return obs__fail_memory(error);
        if (is_secret(*out))
            return OBS_OK;
    }
    return obs__yaml_fail(error, OBS_INVALID_ARGUMENT, yaml, pointer,
                          "'token' names a secret, as in '${secret:env:CONF_TOKEN}' or '${secret:file:/run/secrets/conf}'");
}

static obs_status read_mapping(obs__config_line *out, const char **url, const obs__yaml *yaml, const char *pointer,
                               const json_t *mapping, obs_error *error)
{
    const char *key = NULL, *keep = NULL, *token = NULL;
    size_t known = 0;
    *url = json_string_value(json_object_get(mapping, "url"));
    key = json_string_value(json_object_get(mapping, "key"));
    keep = json_string_value(json_object_get(mapping, "keep"));
    token = json_string_value(json_object_get(mapping, "token"));
    known = (size_t)(*url != NULL) + (size_t)(key != NULL) + (size_t)(keep != NULL) + (size_t)(token != NULL);
    if (!*url || known != json_object_size(mapping))
        return obs__yaml_fail(error, OBS_INVALID_ARGUMENT, yaml, pointer, layer_expected);
    if (keep && (!obs__duration_parse(&out->keep_ns, keep) || out->keep_ns <= 0))
        return obs__yaml_fail(error, OBS_INVALID_ARGUMENT, yaml, pointer, "'keep' is a time span, as in 7d");
    if (key && !(out->key = obs__strdup(key)))
        return obs__fail_memory(error);
    return read_token(&out->token, yaml, pointer, token, error);
}

static obs_status read_line(obs__config_line *out, const obs__yaml *yaml, const char *pointer, const json_t *value,
                            obs_error *error)
{
    const char *url = json_string_value(value);
    obs_status status = OBS_OK;
    if (json_is_object(value))
        status = read_mapping(out, &url, yaml, pointer, value, error);
    else if (!url || !*url)
        return obs__yaml_fail(error, OBS_INVALID_ARGUMENT, yaml, pointer, layer_expected);
    if (status == OBS_OK)
        status = check_url(yaml, pointer, url, error);
    if (status == OBS_OK && !(out->url = obs__strdup(url)))
        status = obs__fail_memory(error);
    return status;
}

/* The lines of a key that is a list, or one of them alone. */
static obs_status read_lines(obs__config_line **out, size_t *out_count, const obs__yaml *yaml, const char *key,
                             obs_error *error)
{
    const json_t *value = json_object_get(obs__yaml_root(yaml), key);
    size_t count = json_is_array(value) ? json_array_size(value) : value != NULL;
    char pointer[32];
    snprintf(pointer, sizeof pointer, "/%s", key);
    if (count > OBS__CONFIG_LAYERS_MAX)
        return obs__yaml_fail(error, OBS_INVALID_ARGUMENT, yaml, pointer, "there can be 16 of them");
    *out = obs__calloc(count + 1, sizeof **out);
    if (!*out)
        return obs__fail_memory(error);
    obs_status status = OBS_OK;
    for (size_t i = 0; i < count && status == OBS_OK; i++) {
        if (json_is_array(value))
            snprintf(pointer, sizeof pointer, "/%s/%zu", key, i);
        (*out_count)++;
        status = read_line(&(*out)[i], yaml, pointer, json_is_array(value) ? json_array_get(value, i) : value, error);
    }
    return status;
}

static obs_status read_layers(obs__config *out, const obs__yaml *yaml, obs_error *error)
{
    obs_status status = read_lines(&out->layers, &out->layer_count, yaml, "config", error);
    if (status != OBS_OK || json_object_get(obs__yaml_root(yaml), "config"))
        return status;
    out->layer_count = 1;
    out->layers[0].url = obs__strdup("file:config.yaml");
    return out->layers[0].url ? OBS_OK : obs__fail_memory(error);
}

/* Only web servers in this release. */
static obs_status read_anchors(obs__config *out, const obs__yaml *yaml, obs_error *error)
{
    obs_status status = read_lines(&out->anchors, &out->anchor_count, yaml, "anchors", error);
    for (size_t i = 0; i < out->anchor_count && status == OBS_OK; i++)
        if (out->anchors[i].key || out->anchors[i].keep_ns || strncmp(out->anchors[i].url, "http", 4) != 0)
            status = obs__yaml_fail(error, OBS_INVALID_ARGUMENT, yaml, "/anchors",
                                    "web servers that keep the checkpoints of the audit log are expected here, as in "
                                    "[{url: 'https://witness.example.org/night', token: '${secret:env:WITNESS_TOKEN}'}]");
    return status;
}

static int is_name(const char *text)
{
    return *text && *text != '.';
}

static obs_status read_texts(char ***out, const obs__yaml *yaml, const char *key, int (*fits)(const char *text),
                             const char *expected, obs_error *error)
{
    char pointer[64];
    const json_t *list = json_object_get(obs__yaml_root(yaml), key);
    size_t count = json_array_size(list);
    snprintf(pointer, sizeof pointer, "/%s", key);
    if (list && !json_is_array(list))
        return obs__yaml_fail(error, OBS_INVALID_ARGUMENT, yaml, pointer, expected);
    if (!(*out = obs__calloc(count + 1, sizeof **out)))
        return obs__fail_memory(error);
    for (size_t i = 0; i < count; i++) {
        const char *text = json_string_value(json_array_get(list, i));
        snprintf(pointer, sizeof pointer, "/%s/%zu", key, i);
        if (!text || !fits(text))
            return obs__yaml_fail(error, OBS_INVALID_ARGUMENT, yaml, pointer, expected);
        if (!((*out)[i] = obs__strdup(text)))
            return obs__fail_memory(error);
    }
    return OBS_OK;
}

obs_status obs__config_lines_read(obs__config *out, const obs__yaml *yaml, obs_error *error)
{
    const json_t *schema = json_object_get(obs__yaml_root(yaml), "schema");
    obs_status status = read_layers(out, yaml, error);
    if (status == OBS_OK)
        status = read_anchors(out, yaml, error);
    if (status == OBS_OK && schema)
        status = read_line(&out->schema, yaml, "/schema", schema, error);
    if (status == OBS_OK)
        status =
            read_texts(&out->secrets, yaml, "secrets", is_secret,
                       "a list of secrets is expected here, as in ['env:MPC_PASSWORD', 'file:/run/secrets/archive']", error);
    if (status == OBS_OK)
        status = read_texts(&out->locked, yaml, "locked", is_name, "a list of names is expected here, as in [safety]", error);
    return status;
}
