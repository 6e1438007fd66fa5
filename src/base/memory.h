/* Memory. Every allocation can fail; whoever calls these says so upwards. */
#ifndef OBS_BASE_MEMORY_H
#define OBS_BASE_MEMORY_H

#include <stddef.h>

void *obs__alloc(size_t size);                /* not cleared */
void *obs__calloc(size_t count, size_t size); /* cleared; overflow gives NULL */
void *obs__realloc(void *memory, size_t size);
void obs__free(void *memory);                     /* NULL is fine */
char *obs__strdup(const char *text);              /* NULL gives NULL */
char *obs__memdup(const void *data, size_t size); /* with a NUL behind */

#endif
