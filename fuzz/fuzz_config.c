/*
 * The first line as a change (`name: value`, or `name` to remove), the rest as a document: nothing may crash, every failure has
 * a sentence, a document merged with itself is what it is alone, and each name is found again.
 */
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/yaml_edit.h"
#include "config/whole.h"

#define KEYS_MAX 16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static obs__config_source sources[] = {{.kind = OBS__CONFIG_LOCAL, .url = "file:fuzz.yaml", .label = "fuzz.yaml"},
                                       {.kind = OBS__CONFIG_LOCAL, .url = "file:fuzz.json", .label = "fuzz.json"}};

static void must(int right)
{
    if (!right)
        abort();
}

static obs__config_document *read_document(const obs__config_source *source, const char *text, size_t size)
{
    obs__config_document *document = NULL;
    obs__config_answer answer = {.found = OBS__CONFIG_DOCUMENT};
    obs_error error;
    obs_error_init(&error, sizeof error);
    if (obs__buffer_copy(&answer.bytes, text, size, &error) != OBS_OK)
        return NULL;
    obs_status status = obs__config_document_read(&document, source, &answer, &error);
    must(status == OBS_OK ? document != NULL : *error.message != '\0');
    return document;
}

static void merge_with_itself(obs__config_document *document)
{
    obs__config_document *layers[] = {document, document};
    obs__config_source both[] = {sources[0], sources[0]};
    obs__config_limits none = {NULL, NULL};
    obs__config_whole *one = NULL, *two = NULL;
    obs_status status = obs__config_whole_make(&one, layers, 1, both, NULL, &none, NULL);
    must(obs__config_whole_make(&two, layers, 2, both, NULL, &none, NULL) == status);
    if (status == OBS_OK) {
        must(json_equal(one->tree, two->tree));
        for (size_t i = 0; i < one->table.count; i++) {
            const obs__config_value *value = &one->table.values[i];
            must(obs__config_table_find(&two->table, value->name, value->name_size) != NULL);
            must(two->table.values[i].layer == 1 && value->line == two->table.values[i].line);
        }
    }
    obs__config_whole_free(one);
    obs__config_whole_free(two);
}

static void change_it(char *line, const char *text, size_t size)
{
    const char *keys[KEYS_MAX];
    char *rest = NULL, *value = strstr(line, ": ");
    obs__yaml_change change = {.keys = keys};
    obs__builder out;
    obs_error error;
    obs_error_init(&error, sizeof error);
    if (value) {
        *value = '\0';
        value += 2;
    }
    change.value = value;
    for (char *key = strtok_r(line, ".", &rest); key && change.count < KEYS_MAX; key = strtok_r(NULL, ".", &rest))
        keys[change.count++] = key;
    if (!change.count)
        return;
    obs__builder_init(&out, 2 * OBS__CONFIG_DOCUMENT_MAX);
    obs_status status = obs__yaml_edit(&out, obs__view_of(text, size), &change, &error);
    must(status == OBS_OK || *error.message);
    if (status == OBS_OK)
        obs__config_document_free(read_document(&sources[0], out.data ? out.data : "", out.size));
    obs__builder_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *end = memchr(data, '\n', size);
    if (!end || memchr(data, '\0', (size_t)(end - data)))
        return 0;
    /* Not by strndup(): sanitizers that are strict about strings want a NUL in the whole input. */
    char *line = calloc(1, (size_t)(end - data) + 1);
    if (line)
        memcpy(line, data, (size_t)(end - data));
    const char *text = (const char *)end + 1;
    size -= (size_t)(end - data) + 1;
    obs__config_document_free(read_document(&sources[1], text, size));
    obs__config_document *document = line ? read_document(&sources[0], text, size) : NULL;
    if (document) {
        merge_with_itself(document);
        change_it(line, text, size);
    }
    obs__config_document_free(document);
    free(line);
    return 0;
}
