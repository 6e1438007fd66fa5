#include "audit/policy.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "audit/sequence.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"

#define FILE_LIMIT 16384
#define FILE_MODE 0640
#define DAYS_MAX 36500
#define RESERVE ((int64_t)64 << 20)
#define RESERVE_MAX ((int64_t)1 << 40)

static const char *const classes[] = {"change", "refusal", "login", "grant", "read", "config"};
#define CLASSES (sizeof classes / sizeof classes[0])
#define ALL ((1u << CLASSES) - 1)

unsigned obs__policy_bit(const char *name)
{
    for (unsigned i = 0; i < CLASSES; i++)
        if (strcmp(classes[i], name) == 0)
            return 1u << i;
    return 0;
}

static obs__policy standard(void)
{
    return (obs__policy){.closed = ALL & ~obs__policy_bit("read"), .reserve_bytes = RESERVE};
}

static const char *word(const obs__policy *policy, unsigned bit)
{
    return policy->closed & bit ? "fail-closed" : "fail-open";
}

void obs__policy_add(obs__builder *out, const obs__policy *policy)
{
    obs__add_char(out, '{');
    for (unsigned i = 0; i < CLASSES; i++)
        obs__add_json_member(out, classes[i], word(policy, 1u << i));
    obs__add_json_integer(out, "retention_days", policy->retention_days);
    obs__add_json_integer(out, "reserve_bytes", policy->reserve_bytes);
    obs__add_json_end(out);
}

/* ---- Changing. ---- */

static obs_status set_class(obs__policy *policy, const char *name, unsigned bit, const json_t *value, obs_error *error)
{
    const char *text = json_string_value(value);
    int closed = text && strcmp(text, "fail-closed") == 0;
    if (!closed && (!text || strcmp(text, "fail-open") != 0))
        return obs__fail(error, OBS_INVALID_ARGUMENT, "'%s' must be fail-closed or fail-open", name);
    policy->closed = closed ? policy->closed | bit : policy->closed & ~bit;
    return OBS_OK;
}

static obs_status set_number(int64_t *out, const char *name, int64_t most, const json_t *value, obs_error *error)
{
    if (!json_is_integer(value) || json_integer_value(value) < 0 || json_integer_value(value) > most)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "'%s' must be a whole number from 0 to %lld", name, (long long)most);
    *out = json_integer_value(value);
    return OBS_OK;
}

static obs_status set(obs__policy *policy, const char *name, const json_t *value, obs_error *error)
{
    unsigned bit = obs__policy_bit(name);
    if (bit)
        return set_class(policy, name, bit, value, error);
    if (strcmp(name, "retention_days") == 0)
        return set_number(&policy->retention_days, name, DAYS_MAX, value, error);
    if (strcmp(name, "reserve_bytes") == 0)
        return set_number(&policy->reserve_bytes, name, RESERVE_MAX, value, error);
    return obs__fail(error, OBS_INVALID_ARGUMENT,
                     "the audit policy has no '%.40s': it has change, refusal, login, grant, read, config, retention_days and "
                     "reserve_bytes",
                     name);
}

static void add_number(obs__builder *out, const char *name, int64_t old, int64_t new)
{
    if (old != new)
        obs__add_format(out, "\"%s\":[%lld,%lld],", name, (long long)old, (long long)new);
}

static void add_difference(obs__builder *out, const obs__policy *old, const obs__policy *new)
{
    obs__add_char(out, '{');
    for (unsigned i = 0; i < CLASSES; i++)
        if ((old->closed ^ new->closed) & 1u << i)
            obs__add_format(out, "\"%s\":[\"%s\",\"%s\"],", classes[i], word(old, 1u << i), word(new, 1u << i));
    add_number(out, "retention_days", old->retention_days, new->retention_days);
    add_number(out, "reserve_bytes", old->reserve_bytes, new->reserve_bytes);
    if (out->size > 1)
        obs__add_json_end(out);
    else
        obs__add_char(out, '}');
}

obs_status obs__policy_change(obs__policy *policy, obs__builder *difference, obs__view json, obs_error *error)
{
    static const obs__json_options options = {.size_limit = FILE_LIMIT, .depth_limit = 2};
    obs__policy changed = *policy;
    json_t *object = NULL, *value;
    const char *name;
    obs_status status = obs__json_load(&object, json.data, json.size, &options, error);
    if (status == OBS_OK && !json_is_object(object))
        status = obs__fail(error, OBS_INVALID_ARGUMENT, "the audit policy is a JSON object");
    json_object_foreach(object, name, value)
    {
        if (status == OBS_OK)
            status = set(&changed, name, value, error);
    }
    json_decref(object);
    if (status != OBS_OK)
        return status;
    if (difference)
        add_difference(difference, policy, &changed);
    *policy = changed;
    return difference ? obs__builder_status(difference, error) : OBS_OK;
}

/* ---- The file. ---- */

static obs_status damaged(obs__policy *out, obs_error *error, const char *why)
{
    *out = standard();
    out->closed = ALL;
    return obs__fail(error, OBS_DATA_LOSS,
                     "the audit policy cannot be read, and is taken as fail-closed throughout: %.120s (set it again, or remove "
                     "audit/policy.json)",
                     why);
}

obs_status obs__policy_read(obs__policy *out, const char *workspace, obs_error *error)
{
    char path[PATH_MAX];
    obs_buffer *bytes = NULL;
    obs_error why;
    obs_error_init(&why, sizeof why);
    *out = standard();
    obs_status status = obs__log_path(path, sizeof path, workspace, "policy.json", &why);
    if (status == OBS_OK)
        status = obs__file_read(&bytes, AT_FDCWD, path, FILE_LIMIT, &why);
    /* Who may not look into the folder has the standard. */
    if (status == OBS_NOT_FOUND || status == OBS_PERMISSION_DENIED)
        return OBS_OK;
    if (status == OBS_OK)
        status = obs__policy_change(out, NULL, (obs__view){obs_buffer_data(bytes), obs_buffer_size(bytes)}, &why);
    obs_buffer_free(bytes);
    return status == OBS_OK ? OBS_OK : damaged(out, error, why.message);
}

obs_status obs__policy_write(const obs__policy *policy, const char *workspace, obs_error *error)
{
    char path[PATH_MAX];
    obs__builder text;
    obs__builder_init(&text, FILE_LIMIT);
    obs__policy_add(&text, policy);
    obs__add_char(&text, '\n');
    obs_status status = obs__builder_status(&text, error);
    if (status == OBS_OK)
        status = obs__log_path(path, sizeof path, workspace, "policy.json", error);
    if (status == OBS_OK)
        status = obs__file_write(AT_FDCWD, path, text.data, text.size, FILE_MODE, error);
    obs__builder_free(&text);
    return status;
}
