/* The lines of obs.yaml about destinations. */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "deliver/lines.h"

#define COUNT_MAX 64

static size_t entries_of(const json_t *value)
{
    return json_is_array(value) ? json_array_size(value) : value != NULL;
}

static int is_taken(const obs__destinations *all, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (strcmp(all->items[i].consumer, all->items[index].consumer) == 0)
            return 1;
    return 0;
}

static obs_status read_list(obs__destinations *out, const obs__yaml *yaml, const char *key, int is_administrator,
                            obs_error *error)
{
    const json_t *value = json_object_get(obs__yaml_root(yaml), key);
    size_t count = entries_of(value);
    for (size_t i = 0; i < count; i++) {
        char pointer[48];
        obs_error inner;
        obs_error_init(&inner, sizeof inner);
        snprintf(pointer, sizeof pointer, json_is_array(value) ? "/%s/%zu" : "/%s", key, i);
        size_t index = out->count++;
        obs_status status = obs__destination_read(&out->items[index], json_is_array(value) ? json_array_get(value, i) : value,
                                                  is_administrator, &inner);
        if (status == OBS_OK && is_taken(out, index))
            status = obs__fail(&inner, OBS_INVALID_ARGUMENT, "there are two of this name");
        if (status != OBS_OK)
            return obs__lacks_memory(&inner) ? obs__copy_error(error, &inner)
                                             : obs__yaml_fail(error, status, yaml, pointer, inner.message);
    }
    return OBS_OK;
}

static obs_status copy(char **out, const char *text, obs_error *error)
{
    *out = obs__strdup(text);
    return *out || !text ? OBS_OK : obs__fail_memory(error);
}

static obs_status read_smtp_member(obs__smtp *out, const char *key, const json_t *value, obs_error *error)
{
    const char *text = json_string_value(value);
    if (strcmp(key, "password") == 0)
        return obs__secret_line(&out->password, "password", value, error);
    if (!text || !*text || strpbrk(text, "\r\n"))
        return obs__fail(error, OBS_INVALID_ARGUMENT, "'%.64s' needs a value", key);
    if (strcmp(key, "url") == 0)
        return copy(&out->url, text, error);
    if (strcmp(key, "from") == 0)
        return copy(&out->from, text, error);
    if (strcmp(key, "user") == 0)
        return copy(&out->user, text, error);
    if (strcmp(key, "ca") == 0)
        return copy(&out->ca, text, error);
    return obs__fail(error, OBS_INVALID_ARGUMENT, "'%.64s' is not known: there are url, from, user, password, ca", key);
}

static obs_status check_smtp(const obs__smtp *smtp, obs_error *error)
{
    obs__url *url = NULL;
    if (!smtp->url || !smtp->from)
        return obs__fail(error, OBS_INVALID_ARGUMENT,
                         "'smtp' needs 'url' and 'from', as in {url: 'smtps://mail.example.org', "
                         "from: obs@example.org}");
    if (!smtp->user != !smtp->password)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "'smtp' needs both 'user' and 'password', or none of them");
    obs_status status = obs__mail_address_check(smtp->from, error);
    if (status == OBS_OK)
        status = obs__url_parse(&url, smtp->url, OBS_TEXT, error);
    if (status == OBS_OK && ((strcmp(url->scheme, "smtp") != 0 && strcmp(url->scheme, "smtps") != 0) || !*url->host ||
                             *url->user || *url->password || strlen(url->path) > 1 || url->setting_count))
        status = obs__fail(error, OBS_INVALID_ARGUMENT,
                           "the URL of a mail server is smtps://host or smtp://host:587; user and password have lines of "
                           "their own");
    obs__url_free(url);
    return status;
}

static obs_status read_smtp(obs__smtp *out, const obs__yaml *yaml, obs_error *error)
{
    const json_t *value = json_object_get(obs__yaml_root(yaml), "smtp");
    const char *key;
    json_t *member;
    obs_error inner;
    obs_status status = OBS_OK;
    if (!value)
        return OBS_OK;
    obs_error_init(&inner, sizeof inner);
    json_object_foreach((json_t *)(uintptr_t)value, key, member)
    {
        if (status == OBS_OK)
            status = read_smtp_member(out, key, member, &inner);
    }
    if (status == OBS_OK)
        status = check_smtp(out, &inner);
    if (status == OBS_OK || obs__lacks_memory(&inner))
        return obs__copy_error(error, &inner);
    return obs__yaml_fail(error, status, yaml, "/smtp", inner.message);
}

static obs_status check_mail(const obs__destinations *all, const obs__yaml *yaml, obs_error *error)
{
    for (size_t i = 0; i < all->count; i++)
        if (all->items[i].is_mail && !all->smtp.url)
            return obs__yaml_fail(error, OBS_INVALID_ARGUMENT, yaml,
                                  all->items[i].is_administrator ? "/administrators" : "/destinations",
                                  "for mail a line 'smtp' is needed, as in smtp: {url: 'smtps://mail.example.org', from: "
                                  "obs@example.org}");
    return OBS_OK;
}

obs_status obs__destinations_read(obs__destinations *out, const obs__yaml *yaml, obs_error *error)
{
    const json_t *root = obs__yaml_root(yaml);
    size_t destinations = entries_of(json_object_get(root, "destinations"));
    size_t count = destinations + entries_of(json_object_get(root, "administrators"));
    *out = (obs__destinations){0};
    if (count > COUNT_MAX)
        return obs__yaml_fail(error, OBS_INVALID_ARGUMENT, yaml, destinations > COUNT_MAX ? "/destinations" : "/administrators",
                              "there can be 64 destinations and administrators");
    if (!(out->items = obs__calloc(count + 1, sizeof *out->items)))
        return obs__fail_memory(error);
    obs_status status = read_list(out, yaml, "destinations", 0, error);
    if (status == OBS_OK)
        status = read_list(out, yaml, "administrators", 1, error);
    if (status == OBS_OK)
        status = read_smtp(&out->smtp, yaml, error);
    return status == OBS_OK ? check_mail(out, yaml, error) : status;
}

void obs__destinations_free(obs__destinations *destinations)
{
    for (size_t i = 0; i < destinations->count; i++)
        obs__destination_free(&destinations->items[i]);
    obs__free(destinations->items);
    obs__free(destinations->smtp.url);
    obs__free(destinations->smtp.from);
    obs__free(destinations->smtp.user);
    obs__free(destinations->smtp.password);
    obs__free(destinations->smtp.ca);
    *destinations = (obs__destinations){0};
}
