#include "vectors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "support.h"

static obs_error error;

json_t *vectors_load(const char *name)
{
    char path[200];
    size_t size;
    json_t *json = NULL;
    obs_error_init(&error, sizeof error);
    snprintf(path, sizeof path, "vectors/%s", name);
    const char *file = test_shared(path);
    if (!file) {
        test_skipped("JOSE vectors", "../shared/vectors is not there");
        return NULL;
    }
    char *text = test_read(file, &size);
    ck_assert_ok(obs__json_load(&json, text, size, NULL, &error));
    free(text);
    return json;
}

const char *vectors_text(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

int vectors_accept(const obs__keys *keys, const char *token)
{
    obs__jws *jws = NULL;
    obs_error_init(&error, sizeof error);
    if (!keys)
        return 0;
    obs_status status = obs__jws_verify(&jws, keys, OBS__ALGORITHMS_PUBLIC | OBS__ALGORITHMS_SECRET, token, OBS_TEXT, &error);
    ck_assert_int_eq(status == OBS_OK, jws != NULL);
    ck_assert_msg(status == OBS_OK || status == OBS_UNAUTHENTICATED, "%s", error.message);
    obs__jws_free(jws);
    return status == OBS_OK;
}

const char *vectors_fault(void)
{
    return error.message;
}

static int is_json(const struct dirent *entry)
{
    const char *ending = strrchr(entry->d_name, '.');
    return ending && strcmp(ending, ".json") == 0;
}

int vectors_list(struct dirent ***out, const char *folder)
{
    char path[200];
    snprintf(path, sizeof path, "vectors/%s", folder);
    const char *whole = test_shared(path);
    return whole ? scandir(whole, out, is_json, alphasort) : -1;
}
