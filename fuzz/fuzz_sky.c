/*
 * The first byte says which media type, the rest is a file (or its beginning, for odd bytes): whatever it is, what comes out is
 * nothing or one JSON object with different names, which says the format, in which numbers that say a place are one.
 */
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/memory.h"
#include "sky/sky.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int right)
{
    if (!right)
        abort();
}

static void check_number(const json_t *values, const char *name, double least, double greatest)
{
    const json_t *value = json_object_get(values, name);
    must(!value || (json_number_value(value) >= least && json_number_value(value) <= greatest));
}

static void check(const char *text)
{
    json_t *values = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    must(json_is_object(values));
    must(json_is_string(json_object_get(values, "format")));
    check_number(values, "ra", 0, 360);
    check_number(values, "dec", -90, 90);
    must(!json_object_get(values, "ra") == !json_object_get(values, "dec"));
    must(!json_object_get(values, "start") == !json_object_get(values, "mjd_end"));
    json_decref(values);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const types[] = {"",           "image/fits",         "application/vnd.fdsn.mseed",
                                        "text/plain", "text/vnd.mpc.obs80", "text/vnd.metar"};
    obs__builder out;
    if (!size)
        return 0;
    char *copy = obs__memdup(data + 1, size - 1); /* so that a sanitizer sees what is read beyond */
    obs__arrival arrival = {.head = {copy ? copy : "", copy ? size - 1 : 0},
                            .size = size - 1 + data[0] % 2 * 1000000,
                            .type = types[data[0] / 2 % 6],
                            .key = {"raw/2026-11-20/x", 16},
                            .time_ns = INT64_C(1795000000000000000)};
    obs__builder_init(&out, (size_t)1 << 20);
    obs__sky_values(&out, &arrival);
    must(!out.failed);
    if (out.size)
        check(out.data);
    obs__builder_free(&out);
    obs__free(copy);
    return 0;
}
