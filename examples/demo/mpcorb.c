/* Orbits: one minor planet a line of 202 columns. */
#include "mpc.h"

#include <stdio.h>
#include <string.h>

#define LINE 103 /* up to the semi-major axis; what follows is optional */

static const struct {
    const char *name;
    int first, last;
    int required;
} numbers[] = {
    {"h", 9, 13, 0},  {"g", 15, 19, 0}, {"m", 27, 35, 1}, {"peri", 38, 46, 1}, {"node", 49, 57, 1},
    {"i", 60, 68, 1}, {"e", 71, 79, 1}, {"n", 81, 91, 1}, {"a", 93, 103, 1},
};

static const char *add_numbers(char *out, size_t capacity, int *used, const char *line)
{
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        char text[16];
        double value;
        mpc_columns(text, line, numbers[i].first, numbers[i].last);
        if (mpc_number(text, &value))
            *used += snprintf(out + *used, capacity - (size_t)*used, ",\"%s\":%.10g", numbers[i].name, value);
        else if (numbers[i].required)
            return "an element of the orbit is no number";
        if ((size_t)*used >= capacity)
            return "too long";
    }
    return NULL;
}

const char *mpcorb_to_json(char *out, size_t capacity, const char *line, size_t size)
{
    char object[16], epoch[16], text[40];
    double observations;
    if (size < LINE)
        return "shorter than 103 columns";
    if (!mpc_is_plain(line, size))
        return "holds characters that the format does not know";
    mpc_columns(object, line, 1, 7);
    mpc_columns(epoch, line, 21, 25);
    int used = snprintf(out, capacity, "{\"object\":\"%s\",\"epoch\":\"%s\"", object, epoch);
    const char *reason = add_numbers(out, capacity, &used, line);
    if (reason)
        return reason;
    if (size >= 122) {
        mpc_columns(text, line, 118, 122);
        if (mpc_number(text, &observations))
            used += snprintf(out + used, capacity - (size_t)used, ",\"observations\":%.0f", observations);
    }
    if (size >= 194 && (size_t)used < capacity) {
        mpc_columns(text, line, 167, 194);
        used += snprintf(out + used, capacity - (size_t)used, ",\"name\":\"%s\"", text);
    }
    if ((size_t)used + 2 > capacity)
        return "too long";
    strcpy(out + used, "}");
    return NULL;
}
