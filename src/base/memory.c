#include "base/memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

void *obs__alloc(size_t size)
{
    return malloc(size ? size : 1);
}

void *obs__calloc(size_t count, size_t size)
{
    return calloc(count ? count : 1, size ? size : 1);
}

void *obs__realloc(void *memory, size_t size)
{
    return realloc(memory, size ? size : 1);
}

void obs__free(void *memory)
{
    free(memory);
}

char *obs__memdup(const void *data, size_t size)
{
    char *copy = size == SIZE_MAX ? NULL : obs__alloc(size + 1);
    if (copy) {
        if (size)
            memcpy(copy, data, size);
        copy[size] = '\0';
    }
    return copy;
}

char *obs__strdup(const char *text)
{
    return text ? obs__memdup(text, strlen(text)) : NULL;
}
