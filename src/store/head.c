#include "store/head.h"

#include <sys/mman.h>

#include "base/memory.h"

static size_t head_size(uint64_t size)
{
    return size < OBS__SHOWN_SIZE ? (size_t)size : OBS__SHOWN_SIZE;
}

void obs__head_of_body(obs__head *out, const obs__body *body)
{
    size_t size = head_size(body->digest.size);
    *out = (obs__head){.bytes = {"", 0}};
    if (!size)
        return;
    if (body->fd < 0) {
        out->bytes = (obs__view){body->small.data, size < body->small.size ? size : body->small.size};
        return;
    }
    void *mapped = mmap(NULL, size, PROT_READ, MAP_PRIVATE, body->fd, 0);
    if (mapped == MAP_FAILED)
        return;
    out->mapped = mapped;
    out->bytes = (obs__view){mapped, size};
}

void obs__head_of_source(obs__head *out, obs__source *source, const obs__limit *limit)
{
    size_t size = head_size(source->size);
    obs__view known = source->entry;
    *out = (obs__head){.bytes = {"", 0}, .copied = size ? obs__alloc(size) : NULL};
    if (!out->copied)
        return;
    source->entry = (obs__view){"", 0}; /* the checksums are of what was there before */
    if (source->ops->read(source, 0, out->copied, size, limit, NULL) == OBS_OK)
        out->bytes = (obs__view){out->copied, size};
    source->entry = known;
}

void obs__head_free(obs__head *head)
{
    if (head->mapped)
        munmap(head->mapped, head->bytes.size);
    obs__free(head->copied);
    *head = (obs__head){.bytes = {"", 0}};
}
