#include "base/json_differ.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct walk {
    json_t *found;
    size_t most;
    int failed; /* no memory */
} walk;

static void differ(walk *self, const char *path, json_t *before, json_t *now);

static int is_over(const walk *self)
{
    return self->failed || json_array_size(self->found) >= self->most;
}

static void add(walk *self, const char *path, json_t *before, json_t *now)
{
    json_t *one = json_object();
    if (!one || json_object_set_new(one, "name", json_stringn_nocheck(path, strlen(path))) != 0 ||
        json_object_set_new(one, "before", before ? json_incref(before) : json_null()) != 0 ||
        json_object_set_new(one, "now", now ? json_incref(now) : json_null()) != 0)
        self->failed = 1;
    if (json_array_append_new(self->found, one) != 0)
        self->failed = 1;
}

/* A point inside of a key is written with a backslash before it. */
static void go_on(walk *self, const char *path, const char *key, json_t *before, json_t *now)
{
    char *inner = malloc(strlen(path) + 2 * strlen(key) + 2), *end = inner;
    if (!inner) {
        self->failed = 1;
        return;
    }
    end += sprintf(end, "%s%s", path, *path ? "." : "");
    for (; *key; key++) {
        if (*key == '.' || *key == '\\')
            *end++ = '\\';
        *end++ = *key;
    }
    *end = '\0';
    differ(self, inner, before, now);
    free(inner);
}

static void differ_objects(walk *self, const char *path, json_t *before, json_t *now)
{
    const char *key;
    json_t *value;
    json_object_foreach(before, key, value)
    {
        if (is_over(self))
            return;
        go_on(self, path, key, value, json_object_get(now, key));
    }
    json_object_foreach(now, key, value)
    {
        if (is_over(self))
            return;
        if (!json_object_get(before, key))
            go_on(self, path, key, NULL, value);
    }
}

static void differ_lists(walk *self, const char *path, json_t *before, json_t *now)
{
    size_t count = json_array_size(before) > json_array_size(now) ? json_array_size(before) : json_array_size(now);
    for (size_t i = 0; i < count && !is_over(self); i++) {
        char key[24];
        snprintf(key, sizeof key, "%zu", i);
        go_on(self, path, key, json_array_get(before, i), json_array_get(now, i));
    }
}

static void differ(walk *self, const char *path, json_t *before, json_t *now)
{
    if (is_over(self) || json_equal(before, now))
        return;
    if (json_is_object(before) && json_is_object(now))
        differ_objects(self, path, before, now);
    else if (json_is_array(before) && json_is_array(now))
        differ_lists(self, path, before, now);
    else
        add(self, path, before, now);
}

json_t *obs__json_differences(const json_t *before, const json_t *now, size_t most)
{
    walk self = {json_array(), most, 0};
    self.failed = !self.found;
    if (!self.failed) /* jansson only counts who holds a value */
        differ(&self, "", (json_t *)(uintptr_t)before, (json_t *)(uintptr_t)now);
    if (!self.failed)
        return self.found;
    json_decref(self.found);
    return NULL;
}
