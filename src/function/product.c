/* Making what a worker answered. */
#include "function/product.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/memory.h"
#include "function/config.h"

#define MOST_PAIRS 64
#define OWN_LABELS 5
#define OWN_METADATA 2
#define LONGEST_VALUE 4096
#define MADE_FROM_MOST 256

static obs_status wrong(obs_error *error, const char *what)
{
    return obs__fail(error, OBS_ABORTED, "the program answered what no function answers: %s", what);
}

void obs__products_free(obs__products *products)
{
    for (size_t i = 0; products && i < products->count; i++) {
        json_decref(products->list[i].line);
        obs_buffer_free(products->list[i].file);
    }
    obs__free(products);
}

/* A file of the call's folder, read whole: nobody can shorten it while it is made. */
static obs_status take_file(obs__product *product, const obs__products *self, const char *name, obs_error *error)
{
    int folder = -1;
    obs_status status = self->folder ? obs__open_at(&folder, AT_FDCWD, self->folder, O_RDONLY | O_DIRECTORY, 0, error)
                                     : wrong(error, "it names a file, and has no folder");
    if (status == OBS_OK)
        status = obs__file_read(&product->file, folder, name, OBS__OUTPUT_FILE_LIMIT, error);
    if (folder >= 0)
        close(folder);
    product->bytes = (obs__view){obs_buffer_data(product->file), obs_buffer_size(product->file)};
    if (status == OBS_OK)
        return OBS_OK;
    char why[300];
    snprintf(why, sizeof why, "%.250s", error ? error->message : "");
    return obs__fail(error, OBS_ABORTED, "a file that the program puts cannot be read: %s", why);
}

static obs_status note_input(obs__products *self, const json_t *line, obs_error *error)
{
    const char *key = json_string_value(json_object_get(line, "key"));
    const char *sha256 = json_string_value(json_object_get(line, "sha256"));
    if (!key || !obs__is_sha256(sha256))
        return wrong(error, "an input without key or checksum");
    for (size_t i = 0; i < self->input_count; i++)
        if (strcmp(self->inputs[i], key) == 0)
            return OBS_OK;
    if (self->input_count == sizeof self->inputs / sizeof self->inputs[0])
        return OBS_OK; /* the lineage has a limit, the function none: the first ones are named */
    self->inputs[self->input_count++] = key;
    return OBS_OK;
}

/* What was read twice is named once, as it was the first time. */
static int is_named(const obs__products *self, size_t index, const char *key)
{
    for (size_t i = 0; i < index; i++)
        if (strcmp(self->list[i].what, "input") == 0 &&
            strcmp(json_string_value(json_object_get(self->list[i].line, "key")), key) == 0)
            return 1;
    return 0;
}

/* `{"raw/a.fits":"<sha256>",…}`, as many as have room. */
static void name_versions(obs__products *self)
{
    obs__builder text;
    obs__builder_init(&text, sizeof self->versions - 1);
    obs__add_char(&text, '{');
    for (size_t i = 0; i < self->count; i++) {
        const json_t *line = self->list[i].line;
        size_t before = text.size;
        const char *key = json_string_value(json_object_get(line, "key"));
        if (strcmp(self->list[i].what, "input") != 0 || is_named(self, i, key))
            continue;
        if (before + 6 * strlen(key) + 80 > sizeof self->versions)
            break;
        obs__add_json_member(&text, key, json_string_value(json_object_get(line, "sha256")));
    }
    if (text.size > 1) {
        obs__add_json_end(&text);
        if (!text.failed)
            memcpy(self->versions, text.data, text.size);
    }
    obs__builder_free(&text);
}

static void name_origin(obs__products *self)
{
    obs__builder text;
    obs__builder_init(&text, sizeof self->origin - 1);
    obs__add_char(&text, '{');
    obs__add_json_member(&text, "source", self->event->source);
    obs__add_json_member(&text, "id", self->event->id);
    obs__add_json_end(&text);
    if (!text.failed)
        memcpy(self->origin, text.data, text.size);
    obs__builder_free(&text);
}

/* The bytes are what their name says, so whoever finds them by it later finds the right ones. */
static obs_status note_configuration(obs__products *self, const obs__product *product, obs_error *error)
{
    unsigned char hash[OBS__SHA256_SIZE];
    char hex[2 * OBS__SHA256_SIZE + 1];
    const char *sha256 = json_string_value(json_object_get(product->line, "sha256"));
    const json_t *version = json_object_get(product->line, "version");
    if (self->configuration || !obs__is_sha256(sha256) || !product->bytes.data || (version && !json_is_integer(version)))
        return wrong(error, "a configuration without checksum or bytes, or more than one");
    obs_status status = obs__sha256(hash, product->bytes.data, product->bytes.size, error);
    if (status != OBS_OK)
        return status;
    obs__hex(hex, hash, sizeof hash);
    if (strcmp(hex, sha256) != 0)
        return wrong(error, "a configuration with another checksum than it says");
    self->configuration = sha256;
    self->configuration_text = product->bytes;
    if (version)
        snprintf(self->configuration_version, sizeof self->configuration_version, "%lld",
                 (long long)json_integer_value(version));
    return OBS_OK;
}

static obs_status take_line(json_t **out, obs__view *rest, obs_error *error)
{
    const obs__json_options options = {.size_limit = OBS__OUTPUT_LINE_LIMIT, .depth_limit = 8};
    const char *end = memchr(rest->data, '\n', rest->size < OBS__OUTPUT_LINE_LIMIT ? rest->size : OBS__OUTPUT_LINE_LIMIT);
    if (!end)
        return wrong(error, "an output that does not end");
    size_t size = (size_t)(end - rest->data);
    obs_error why;
    obs_error_init(&why, sizeof why);
    if (obs__json_load(out, rest->data, size, &options, &why) != OBS_OK)
        return obs__lacks_memory(&why) ? obs__fail_memory(error) : wrong(error, "an output is not JSON");
    *rest = (obs__view){end + 1, rest->size - size - 1};
    return OBS_OK;
}

static obs_status take_one(obs__products *self, obs__view *rest, obs_error *error)
{
    obs__product *product = &self->list[self->count];
    obs_status status = take_line(&product->line, rest, error);
    if (status != OBS_OK)
        return status;
    self->count++;
    product->what = json_string_value(json_object_get(product->line, "do"));
    const json_t *size = json_object_get(product->line, "size");
    const char *file = json_string_value(json_object_get(product->line, "file"));
    if (!product->what)
        return wrong(error, "an output does not say what it is");
    if (size) {
        json_int_t bytes = json_integer_value(size);
        if (!json_is_integer(size) || bytes < 0 || (uint64_t)bytes >= rest->size || rest->data[bytes] != '\n')
            return wrong(error, "an output has another size than it says");
        product->bytes = (obs__view){rest->data, (size_t)bytes};
        *rest = (obs__view){rest->data + bytes + 1, rest->size - (size_t)bytes - 1};
    }
    if (strcmp(product->what, "input") == 0)
        return note_input(self, product->line, error);
    if (strcmp(product->what, "configuration") == 0)
        return note_configuration(self, product, error);
    return file ? take_file(product, self, file, error) : OBS_OK;
}

obs_status obs__products_read(obs__products **out, const obs__manifest *manifest, const obs_event *event, const char *folder,
                              obs__view body, obs_error *error)
{
    obs__products *self = *out = obs__calloc(1, sizeof *self);
    if (!self)
        return obs__fail_memory(error);
    self->manifest = manifest;
    self->event = event;
    self->folder = folder;
    obs__view rest = body;
    obs_status status = OBS_OK;
    while (status == OBS_OK && rest.size)
        status = self->count < OBS__OUTPUTS_MAX ? take_one(self, &rest, error) : wrong(error, "more outputs than are allowed");
    if (status == OBS_OK)
        name_versions(self);
    name_origin(self);
    return status;
}

obs_status obs__product_id(char out[OBS__UUID_SIZE], const obs__manifest *manifest, const obs_event *event, size_t index,
                           obs_error *error)
{
    unsigned char hash[OBS__SHA256_SIZE];
    char hex[33];
    obs__builder text;
    obs__builder_init(&text, (size_t)1 << 20);
    obs__add(&text, manifest->digest, strlen(manifest->digest) + 1);
    obs__add(&text, event->source, strlen(event->source) + 1);
    obs__add(&text, event->id, strlen(event->id) + 1);
    obs__add_integer(&text, (int64_t)index);
    obs_status status = obs__builder_status(&text, error);
    if (status == OBS_OK)
        status = obs__sha256(hash, text.data, text.size, error);
    obs__builder_free(&text);
    if (status != OBS_OK)
        return status;
    hash[6] = (unsigned char)((hash[6] & 0x0F) | 0x80);
    hash[8] = (unsigned char)((hash[8] & 0x3F) | 0x80);
    obs__hex(hex, hash, 16);
    snprintf(out, OBS__UUID_SIZE, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
    return OBS_OK;
}

/* Names of the lineage: a handler cannot claim another one. */
static const char *const own_labels[OWN_LABELS + 1] = {"function", "digest", "event", "configuration", "configuration_version"};
static const char *const own_metadata[OWN_METADATA + 1] = {"inputs", "event"};

/* Names of metadata are the same in capitals. */
static int is_own(const char *name, const char *const *own)
{
    int (*const compare)(const char *, const char *) = own == own_metadata ? strcasecmp : strcmp;
    while (own && *own && compare(name, *own) != 0)
        own++;
    return own && *own;
}

static obs_status take_pairs(obs_pair *out, size_t *count, const json_t *object, const char *const *own, obs_error *error)
{
    const char *name;
    json_t *value;
    if (object && (!json_is_object(object) || json_object_size(object) > MOST_PAIRS))
        return wrong(error, "labels or metadata that are none");
    json_object_foreach((json_t *)(uintptr_t)object, name, value)
    {
        if (!json_is_string(value))
            return wrong(error, "a label that is no text");
        if (!is_own(name, own))
            out[(*count)++] = (obs_pair){name, json_string_value(value)};
    }
    return OBS_OK;
}

/* The inputs that were read, and those that the handler named. */
static obs_status take_made_from(const char **out, size_t *count, const obs__products *self, const json_t *list,
                                 obs_error *error)
{
    for (size_t i = 0; i < self->input_count; i++)
        out[(*count)++] = self->inputs[i];
    for (size_t i = 0; i < json_array_size(list) && *count < MADE_FROM_MOST; i++) {
        const char *key = json_string_value(json_array_get(list, i));
        int known = 0;
        if (!key)
            return wrong(error, "an input that is no key");
        for (size_t k = 0; k < *count; k++)
            known |= strcmp(out[k], key) == 0;
        if (!known)
            out[(*count)++] = key;
    }
    return OBS_OK;
}

static void add_pair(obs_pair *out, size_t *count, const char *name, const char *value)
{
    if (value && *value && strlen(value) <= LONGEST_VALUE)
        out[(*count)++] = (obs_pair){name, value};
}

static void name_lineage(obs_put_options *options, obs_pair *labels, obs_pair *metadata, const obs__products *self)
{
    const char *const values[OWN_LABELS] = {self->manifest->name, self->manifest->digest, self->event->id, self->configuration,
                                            self->configuration_version};
    for (size_t i = 0; i < OWN_LABELS; i++)
        add_pair(labels, &options->label_count, own_labels[i], values[i]);
    add_pair(metadata, &options->metadata_count, own_metadata[0], self->versions);
    add_pair(metadata, &options->metadata_count, own_metadata[1], self->origin);
    options->labels = labels;
    options->metadata = metadata;
}

static obs_status add_put(const obs__products *self, const obs__product *product, obs_unit *unit, obs_error *error)
{
    const json_t *line = product->line;
    const char *key = json_string_value(json_object_get(line, "key"));
    const char *made_from[MADE_FROM_MOST];
    obs_pair labels[MOST_PAIRS + OWN_LABELS], metadata[MOST_PAIRS + OWN_METADATA];
    obs_put_options options;
    obs_put_options_init(&options, sizeof options);
    if (!key || !product->bytes.data)
        return wrong(error, "an object without key or bytes");
    obs_status status = take_pairs(labels, &options.label_count, json_object_get(line, "labels"), own_labels, error);
    if (status == OBS_OK)
        status = take_pairs(metadata, &options.metadata_count, json_object_get(line, "metadata"), own_metadata, error);
    if (status == OBS_OK)
        status = take_made_from(made_from, &options.made_from_count, self, json_object_get(line, "made_from"), error);
    if (status != OBS_OK)
        return status;
    name_lineage(&options, labels, metadata, self);
    options.made_from = made_from;
    options.content_type = json_string_value(json_object_get(line, "type"));
    options.if_match = json_string_value(json_object_get(line, "if_match"));
    options.if_none_match = json_string_value(json_object_get(line, "if_none_match"));
    options.sha256 = json_string_value(json_object_get(line, "sha256"));
    options.values = json_string_value(json_object_get(line, "values"));
    options.no_index = json_integer_value(json_object_get(line, "no_index")) == 1;
    return obs_unit_put(unit, key, OBS_TEXT, product->bytes.data, product->bytes.size, &options, error);
}

obs_status obs__product_event(obs_event **out, char id[OBS__UUID_SIZE], char source[512], const obs__products *products,
                              size_t index, obs_error *error)
{
    const obs__product *product = &products->list[index];
    obs_error why;
    obs_error_init(&why, sizeof why);
    if (!product->bytes.data || obs_event_decode(out, product->bytes.data, product->bytes.size, &why) != OBS_OK)
        return obs__lacks_memory(&why) ? obs__fail_memory(error)
                                       : wrong(error, *why.message ? why.message : "an event without its bytes");
    obs_status status = obs__product_id(id, products->manifest, products->event, index, error);
    if (status == OBS_OK && !json_integer_value(json_object_get(product->line, "own_id")))
        (*out)->id = id;
    if (!json_integer_value(json_object_get(product->line, "own_source"))) {
        snprintf(source, 512, "/obs/functions/%s", products->manifest->name);
        (*out)->source = source;
    }
    return status;
}

static obs_status add_publish(const obs__products *self, size_t index, obs_unit *unit, obs_error *error)
{
    const json_t *line = self->list[index].line;
    char id[OBS__UUID_SIZE], source[512];
    obs_event *event = NULL;
    obs_publish_options options;
    obs_publish_options_init(&options, sizeof options);
    options.partition_key = json_string_value(json_object_get(line, "partition_key"));
    json_int_t priority = json_integer_value(json_object_get(line, "priority"));
    options.priority = priority > 0 ? 1 : priority < 0 ? -1 : 0;
    obs_status status = obs__product_event(&event, id, source, self, index, error);
    if (status == OBS_OK)
        status = obs_unit_publish(unit, event, &options, error);
    obs_event_free(event);
    return status;
}

static obs_status add_label(const obs__product *product, obs_unit *unit, obs_error *error)
{
    obs_pair labels[MOST_PAIRS];
    size_t count = 0;
    const char *key = json_string_value(json_object_get(product->line, "key"));
    if (!key)
        return wrong(error, "labels without a key");
    obs_status status = take_pairs(labels, &count, json_object_get(product->line, "labels"), NULL, error);
    return status == OBS_OK ? obs_unit_label(unit, key, OBS_TEXT, labels, count, error) : status;
}

static obs_status add_record(const obs__products *self, const obs__product *product, obs_unit *unit, obs_error *error)
{
    obs_ingest_options options;
    const char *definition = json_string_value(json_object_get(product->line, "definition"));
    obs_ingest_options_init(&options, sizeof options);
    options.origin = self->manifest->subject;
    if (!definition || !product->bytes.data)
        return wrong(error, "a record without definition or bytes");
    obs_status status = obs_unit_record(unit, definition, product->bytes.data, product->bytes.size, &options, error);
    return status == OBS_REFUSED ? OBS_OK : status; /* the refusal is in the ingestion log */
}

static obs_status add_one(const obs__products *self, size_t index, obs_unit *unit, obs_error *error)
{
    const obs__product *product = &self->list[index];
    if (strcmp(product->what, "put") == 0)
        return add_put(self, product, unit, error);
    if (strcmp(product->what, "publish") == 0)
        return add_publish(self, index, unit, error);
    if (strcmp(product->what, "label") == 0)
        return add_label(product, unit, error);
    if (strcmp(product->what, "record") == 0)
        return add_record(self, product, unit, error);
    if (strcmp(product->what, "input") == 0 || strcmp(product->what, "configuration") == 0)
        return OBS_OK;
    return wrong(error, "an output of a kind that is not known");
}

obs_status obs__products_add(const obs__products *products, obs_unit *unit, obs_error *error)
{
    obs_error why;
    obs_error_init(&why, sizeof why);
    for (size_t i = 0; i < products->count; i++) {
        const json_t *line = products->list[i].line;
        const char *key = json_string_value(json_object_get(line, "key"));
        obs_status status = add_one(products, i, unit, &why);
        if (status != OBS_OK)
            return obs__fail(error, status, "output %zu, %.16s %.200s: %s", i + 1, products->list[i].what, key ? key : "",
                             why.message);
    }
    return OBS_OK;
}
