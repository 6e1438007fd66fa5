/*
 * The catalog against the store. An object's sidecar has a checksum of its own and goes before the catalog; where the sidecar
 * is damaged or is about other bytes, the catalog knows their SHA-256: with the same bytes all else is told anew from it.
 */
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/memory.h"
#include "client/check.h"

#define TRIES 3 /* a change shows itself in one place a moment before the other */
#define PAUSE_MS 20
#define MOST_PAIRS 256

/* An object as both have it. */
struct object {
    obs_stat *stat;
    obs__object_state state;
    json_t *entry; /* as <obs/catalog.h> documents it; NULL: the catalog does not know it any more */
};

static void object_free(struct object *object)
{
    obs_stat_free(object->stat);
    json_decref(object->entry);
    *object = (struct object){0};
}

static obs_status read_entry(json_t **out, obs__gate *gate, obs__view key, obs_error *error)
{
    obs_buffer *text = NULL;
    const obs__json_options options = {.size_limit = (size_t)64 << 20};
    obs_status status = obs__catalog_read(&text, gate, key, error);
    if (status == OBS_NOT_FOUND)
        return OBS_OK;
    if (status == OBS_OK)
        status = obs__json_load(out, obs_buffer_data(text), obs_buffer_size(text), &options, error);
    if (status == OBS_INVALID_ARGUMENT)
        status = obs__fail(error, OBS_DATA_LOSS, "the catalog entry of '%.*s' is damaged", (int)key.size, key.data);
    obs_buffer_free(text);
    return status;
}

static const char *text_of(const json_t *entry, const char *name)
{
    const char *text = json_string_value(json_object_get(entry, name));
    return text ? text : "";
}

static int same_labels(const obs_stat *stat, const json_t *labels)
{
    if (json_object_size(labels) != stat->label_count)
        return 0;
    for (size_t i = 0; i < stat->label_count; i++) {
        const char *value = json_string_value(json_object_get(labels, stat->labels[i].name));
        if (!value || strcmp(value, stat->labels[i].value) != 0)
            return 0;
    }
    return 1;
}

/* What the catalog says otherwise than the store, or NULL. */
static const char *difference(const struct object *object)
{
    const obs_stat *stat = object->stat;
    if (json_integer_value(json_object_get(object->entry, "size")) != (json_int_t)stat->size)
        return "the catalog says another size than the store";
    if (*stat->sha256 && strcmp(text_of(object->entry, "sha256"), stat->sha256) != 0)
        return "the catalog says another SHA-256 than the store";
    if (strcmp(text_of(object->entry, "type"), stat->content_type) != 0)
        return "the catalog says another type than the store";
    if (!same_labels(stat, json_object_get(object->entry, "labels")))
        return "the catalog says other labels than the store";
    return NULL;
}

/* Both, and again as long as they differ: one may just be changing. OBS_NOT_FOUND: the store does not have it. */
static obs_status look(struct object *out, const obs__inspection *check, const obs_client *client, obs__view key,
                       obs_error *error)
{
    obs_status status = OBS_OK;
    for (int tries = 0, ready; tries < TRIES && status == OBS_OK; tries++) {
        object_free(out);
        if (tries)
            status = obs__limit_wait(check->limit, -1, PAUSE_MS, &ready, error);
        if (status == OBS_OK)
            status = obs__store_look(&out->stat, &out->state, client->store, key, check->limit, error);
        if (status == OBS_OK || status == OBS_NOT_FOUND)
            status = read_entry(&out->entry, &client->gate->gate, key, error);
        if (status != OBS_OK || !out->entry || (out->stat && (out->state != OBS__OBJECT_WHOLE || !difference(out))))
            return status;
    }
    return status == OBS_OK && !out->stat ? OBS_NOT_FOUND : status;
}

/* The labels, or what it was made from, as the options of a put have them; they point into the entry. */
static size_t labels_of(obs_pair out[MOST_PAIRS], json_t *labels)
{
    const char *name;
    json_t *value;
    size_t count = 0;
    json_object_foreach(labels, name, value)
    {
        if (count < MOST_PAIRS && json_is_string(value))
            out[count++] = (obs_pair){name, json_string_value(value)};
    }
    return count;
}

static size_t origins_of(const char *out[MOST_PAIRS], const json_t *made_from)
{
    size_t count = 0;
    for (size_t i = 0; i < json_array_size(made_from) && count < MOST_PAIRS; i++)
        if (json_is_string(json_array_get(made_from, i)))
            out[count++] = json_string_value(json_array_get(made_from, i));
    return count;
}

/* Adopts the bytes as they are, if they are still those: with what the sidecar says, and the catalog where it says nothing. */
static obs_status retell(const struct object *object, obs__inspection *check, obs_client *client, obs__view key,
                         obs_error *error)
{
    obs_pair labels[MOST_PAIRS];
    const char *made_from[MOST_PAIRS];
    obs__builder values;
    const obs_stat *stat = object->stat;
    const json_t *told = json_object_get(object->entry, "values");
    obs_call call = obs__check_call(check);
    obs_put_options options = {.size = sizeof options,
                               .call = &call,
                               .content_type = stat->content_type,
                               .metadata = stat->metadata,
                               .metadata_count = stat->metadata_count,
                               .labels = stat->labels,
                               .label_count = stat->label_count,
                               .made_from = made_from};
    if (object->state == OBS__OBJECT_SPOILED) {
        options.content_type = text_of(object->entry, "type");
        options.labels = labels;
        options.label_count = labels_of(labels, json_object_get(object->entry, "labels"));
    }
    options.sha256 = object->state == OBS__OBJECT_WHOLE ? stat->sha256 : text_of(object->entry, "sha256");
    options.made_from_count = origins_of(made_from, json_object_get(object->entry, "made_from"));
    obs__builder_init(&values, (size_t)8 << 20);
    if (json_object_size(told))
        obs__json_add(&values, told, 0);
    options.values = values.size ? values.data : NULL;
    obs_status status = obs__builder_status(&values, error);
    if (status == OBS_OK)
        status = obs_store_adopt(NULL, client->store, key.data, key.size, &options, error);
    obs__builder_free(&values);
    return status;
}

static const char *problem_of(const struct object *object)
{
    switch (object->state) {
    case OBS__OBJECT_SPOILED:
        return "its sidecar is damaged or missing: checksums and labels cannot be read";
    case OBS__OBJECT_OUTSIDE:
        return "another program touched its file: there is no checksum";
    default:
        return difference(object);
    }
}

/* What is wrong, and mended if that was asked for. Bytes that nobody vouches for are left to the check of the store. */
static obs_status judge(const struct object *object, obs__inspection *check, obs_client *client, obs__view key,
                        obs_error *error)
{
    obs_error inner;
    const char *tenant = client->gate->tenant;
    const char *problem = problem_of(object);
    if (!problem || (check->mode == OBS_CHECK_ONLY && object->state != OBS__OBJECT_WHOLE))
        return OBS_OK;
    if (check->mode == OBS_CHECK_ONLY) {
        obs__check_problem(check, tenant, key.data, problem,
                           "run the check with repair: the catalog is told what the store has");
        return OBS_OK;
    }
    obs_error_init(&inner, sizeof inner);
    obs_status status = retell(object, check, client, key, &inner);
    if (status == OBS_DATA_LOSS || status == OBS_ABORTED || status == OBS_NOT_FOUND)
        return OBS_OK;
    if (status != OBS_OK)
        return obs__copy_error(error, &inner);
    obs__check_problem(check, tenant, key.data, problem,
                       object->state == OBS__OBJECT_WHOLE
                           ? "the catalog was told what the store has"
                           : "the bytes are those that the catalog knows: it was described anew");
    return OBS_OK;
}

struct visit {
    obs__inspection *check;
    obs_client *client;
};

static obs_status check_object(void *user, obs__view key, obs_error *error)
{
    const struct visit *visit = user;
    const char *tenant = visit->client->gate->tenant;
    struct object object = {0};
    obs_error inner;
    obs_error_init(&inner, sizeof inner);
    obs_status status = look(&object, visit->check, visit->client, key, &inner);
    if (status == OBS_NOT_FOUND)
        obs__check_problem(visit->check, tenant, key.data, "the catalog knows this object, and its bytes are gone",
                           "restore its file from a backup, and `obsctl adopt` it");
    else if (status == OBS_DATA_LOSS)
        obs__check_problem(visit->check, tenant, key.data, inner.message, "restore it from a backup");
    else if (status != OBS_OK)
        obs__copy_error(error, &inner);
    else if (object.entry)
        status = judge(&object, visit->check, visit->client, key, error);
    object_free(&object);
    if (status == OBS_NOT_FOUND || status == OBS_DATA_LOSS)
        status = OBS_OK;
    return status == OBS_OK ? obs__limit_check(visit->check->limit, error) : status;
}

obs_status obs__check_objects(obs__inspection *check, obs_client *client, obs_error *error)
{
    struct visit visit = {check, client};
    return obs__catalog_each_object(&client->gate->gate, check_object, &visit, error);
}
