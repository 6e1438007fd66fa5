/* The name that somebody may have meant. By itself, so that the command line is built with it too. */
#include <string.h>

#include "base/url.h"

static size_t least_of(size_t a, size_t b, size_t c)
{
    size_t least = a < b ? a : b;
    return least < c ? least : c;
}

/* How many letters differ (Levenshtein), for names up to 63 bytes. */
static size_t distance(const char *a, const char *b)
{
    size_t row[64];
    size_t length = strlen(b);
    if (length >= 64 || strlen(a) >= 64)
        return 64;
    for (size_t i = 0; i <= length; i++)
        row[i] = i;
    for (size_t i = 0; a[i]; i++) {
        size_t above_left = row[0]++;
        for (size_t j = 0; j < length; j++) {
            size_t above = row[j + 1];
            row[j + 1] = least_of(above + 1, row[j] + 1, above_left + (a[i] != b[j]));
            above_left = above;
        }
    }
    return row[length];
}

const char *obs__nearest(const char *name, const char *const *names)
{
    const char *nearest = NULL;
    size_t least = 3;
    for (; *names; names++) {
        size_t apart = distance(name, *names);
        if (apart < least && apart < strlen(name)) {
            least = apart;
            nearest = *names;
        }
    }
    return nearest;
}
