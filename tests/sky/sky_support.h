/* What the tests of the sky share: files made here, and the values found in them. */
#ifndef OBS_TESTS_SKY_SUPPORT_H
#define OBS_TESTS_SKY_SUPPORT_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "sky/sky.h"
#include "support.h"

static json_t *found; /* the values of the last file */

/* Forgets the values before, and takes those of these bytes; NULL when they are of no kind. */
static inline json_t *look_at(const void *data, size_t size, uint64_t whole, const char *type, const char *key, int64_t time_ns)
{
    obs__builder out;
    obs__arrival arrival = {{data, size}, whole, type, obs__view_of(key, OBS_TEXT), time_ns};
    char *copy = malloc(size ? size : 1); /* so that a sanitizer sees what is read beyond */
    memcpy(copy, data, size);
    arrival.head.data = copy;
    obs__builder_init(&out, (size_t)1 << 20);
    obs__sky_values(&out, &arrival);
    free(copy);
    json_decref(found);
    found = out.size ? json_loads(out.data, JSON_REJECT_DUPLICATES, NULL) : NULL;
    ck_assert_msg(!out.size || found, "%s", out.data);
    ck_assert_int_eq(out.failed, 0);
    obs__builder_free(&out);
    return found;
}

static inline json_t *look(const void *data, size_t size)
{
    return look_at(data, size, size, "", "x", INT64_C(1795000000000000000));
}

static inline const char *text_of(const char *name)
{
    const char *text = json_string_value(json_object_get(found, name));
    return text ? text : "(none)";
}

static inline double number_of(const char *name)
{
    const json_t *number = json_object_get(found, name);
    return json_is_number(number) ? json_number_value(number) : NAN;
}

#define ck_assert_text(name, expected) ck_assert_msg(strcmp(text_of(name), expected) == 0, "%s is %s", name, text_of(name))
#define ck_assert_number(name, expected, tolerance)                                                                            \
    ck_assert_msg(fabs(number_of(name) - (expected)) <= (tolerance), "%s is %.12g", name, number_of(name))
#define ck_assert_none(name) ck_assert_msg(!json_object_get(found, name), "%s is there", name)

#endif
