/* The rules by which layers become one. */
#include "config/whole.h"

static json_t *merge_all(const json_t *const *layers, size_t count);

/* What the layers make of one member: *out NULL when it is removed. 0 without memory. */
static int merge_member(json_t **out, const json_t *const *layers, size_t count, const char *key)
{
    const json_t *inside[OBS__CONFIG_LAYERS_MAX];
    size_t first = OBS__CONFIG_LAYERS_MAX;
    const json_t *top = NULL;
    *out = NULL;
    for (size_t i = count; i-- > 0;) {
        const json_t *value = json_object_get(layers[i], key);
        if (!value)
            continue;
        if (!top)
            top = value;
        if (!json_is_object(value))
            break; /* what lies below was replaced */
        inside[--first] = value;
    }
    if (json_is_null(top))
        return 1;
    *out =
        json_is_object(top) ? merge_all(inside + first, OBS__CONFIG_LAYERS_MAX - first) : json_incref((json_t *)(uintptr_t)top);
    return *out != NULL;
}

static json_t *merge_all(const json_t *const *layers, size_t count)
{
    json_t *merged = json_object();
    int fine = merged != NULL;
    for (size_t i = 0; i < count && fine; i++) {
        json_t *layer = (json_t *)(uintptr_t)layers[i]; /* jansson's iterators only read, but do not say so */
        for (void *at = json_object_iter(layer); at && fine; at = json_object_iter_next(layer, at)) {
            json_t *value = NULL;
            const char *key = json_object_iter_key(at);
            if (json_object_get(merged, key))
                continue;
            fine = merge_member(&value, layers, count, key);
            if (value)
                fine = json_object_set_new(merged, key, value) == 0;
        }
    }
    if (fine)
        return merged;
    json_decref(merged);
    return NULL;
}

json_t *obs__config_merge(const json_t *const *layers, size_t count)
{
    return merge_all(layers, count);
}
