/*
 * The first line as a schema, the rest as a document: nothing may crash or take long, the same question gets the same answer,
 * every failure has a sentence, and a definition is compatible with itself.
 */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/schema.h"
#include "catalog/definition.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int right)
{
    if (!right)
        abort();
}

static json_t *parse(const uint8_t *data, size_t size)
{
    static const obs__json_options options = {.flags = OBS__JSON_BIG_AS_REAL | OBS__JSON_ALLOW_NUL};
    json_t *json = NULL;
    (void)obs__json_load(&json, (const char *)data, size, &options, NULL);
    return json;
}

static void check(const obs__schema *schema, const json_t *instance)
{
    obs_error first, second;
    obs_error_init(&first, sizeof first);
    obs_error_init(&second, sizeof second);
    obs_status status = obs__schema_validate(schema, instance, &first);
    must(status == OBS_OK || status == OBS_REFUSED || status == OBS_RESOURCE_EXHAUSTED);
    must(status == OBS_OK || *first.message);
    if (status == OBS_RESOURCE_EXHAUSTED) /* some limits are of time */
        return;
    must(obs__schema_validate(schema, instance, &second) == status);
    must(strcmp(first.message, second.message) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *end = memchr(data, '\n', size);
    size_t line = end ? (size_t)(end - data) : size;
    json_t *document = parse(data, line);
    json_t *instance = document && end ? parse(end + 1, size - line - 1) : NULL;
    obs__schema *schema = NULL;
    obs_error error;
    obs_error_init(&error, sizeof error);
    if (document && obs__schema_compile(&schema, document, OBS__SCHEMA_FORMATS, &error) == OBS_OK) {
        obs_status same = obs__definition_compare(document, document, &error);
        must(same == OBS_OK || same == OBS_RESOURCE_EXHAUSTED);
        if (instance)
            check(schema, instance);
    } else if (document)
        must(error.status != OBS_OK && *error.message);
    obs__schema_free(schema);
    json_decref(document);
    json_decref(instance);
    return 0;
}
