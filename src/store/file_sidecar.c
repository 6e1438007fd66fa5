/*
 * Sidecars: the lines about the body in place, and while it is being replaced about its successor, too.
 *
 *     obs-sidecar 1
 *     file <inode> <size> <modified, nanoseconds>
 *     etag …                     the lines of an entry, up to crc32c
 *     file …                     at most once more
 *     end <CRC-32C of all before this line, 8 hexadecimal digits>
 *
 * On a root that several tenants share, a deleted object leaves `gone <when, nanoseconds>` in place of its entries.
 *
 * A writer replaces the sidecar before the body: whoever opened the old body still finds it here, and whoever sees the new
 * one, too.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/file.h"
#include "store/file.h"

#define HEAD "obs-sidecar 1\n"
#define END_SIZE 13 /* "end " and 8 digits and the end of the line */

static void add_entry(obs__builder *out, const obs__tag *tag, obs__view entry)
{
    obs__add_format(out, "file %llu %llu %lld\n", (unsigned long long)tag->inode, (unsigned long long)tag->size,
                    (long long)tag->modified_ns);
    obs__add(out, entry.data, entry.size);
}

static void add_end(obs__builder *out)
{
    uint32_t crc = out->data ? obs__crc32c(0, out->data, out->size) : 0;
    obs__add_format(out, "end %08x\n", (unsigned)crc);
}

obs_status obs__sidecar_write(obs__builder *out, const obs__tag *before, obs__view before_entry, const obs__tag *tag,
                              obs__view entry, obs_error *error)
{
    obs__builder_init(out, OBS__SIDECAR_LIMIT);
    obs__add_text(out, HEAD);
    if (before && before_entry.size)
        add_entry(out, before, before_entry);
    add_entry(out, tag, entry);
    add_end(out);
    return obs__builder_status(out, error);
}

obs_status obs__sidecar_write_gone(obs__builder *out, int64_t when_ns, obs_error *error)
{
    obs__builder_init(out, OBS__SIDECAR_LIMIT);
    obs__add_format(out, HEAD "gone %lld\n", (long long)when_ns);
    add_end(out);
    return obs__builder_status(out, error);
}

int obs__sidecar_is_whole(obs__view text)
{
    char end[END_SIZE + 1];
    if (text.size < sizeof HEAD - 1 + END_SIZE || memcmp(text.data, HEAD, sizeof HEAD - 1) != 0)
        return 0;
    size_t size = text.size - END_SIZE;
    snprintf(end, sizeof end, "end %08x\n", (unsigned)obs__crc32c(0, text.data, size));
    return memcmp(text.data + size, end, END_SIZE) == 0;
}

/* The end of the entry at `from`: where the next `file` line begins, or the text's own end. */
static const char *entry_end(const char *from, const char *end)
{
    for (const char *at = from; at < end;) {
        if (end - at > 5 && memcmp(at, "file ", 5) == 0)
            return at;
        const char *line = memchr(at, '\n', (size_t)(end - at));
        at = line ? line + 1 : end;
    }
    return end;
}

/* The entry that follows the `file` line at *at, and the next `file` line; 0 at the end. */
static int next_entry(obs__view *line, obs__view *entry, const char **at, const char *end)
{
    const char *first = *at < end ? memchr(*at, '\n', (size_t)(end - *at)) : NULL;
    if (!first)
        return 0;
    *line = (obs__view){*at, (size_t)(first - *at)};
    *at = entry_end(first + 1, end);
    *entry = (obs__view){first + 1, (size_t)(*at - first - 1)};
    return 1;
}

obs__view obs__sidecar_find(obs__view text, const obs__tag *tag)
{
    char inode[32];
    char rest[64];
    obs__view line;
    obs__view entry;
    obs__view copied = {"", 0};
    if (!obs__sidecar_is_whole(text))
        return copied;
    size_t own = (size_t)snprintf(inode, sizeof inode, "file %llu", (unsigned long long)tag->inode);
    size_t size = (size_t)snprintf(rest, sizeof rest, " %llu %lld", (unsigned long long)tag->size, (long long)tag->modified_ns);
    const char *end = text.data + text.size - END_SIZE;
    for (const char *at = text.data + sizeof HEAD - 1; next_entry(&line, &entry, &at, end);) {
        if (line.size < size || memcmp(line.data + line.size - size, rest, size) != 0)
            continue;
        if (line.size == own + size && memcmp(line.data, inode, own) == 0)
            return entry;
        copied = entry;
    }
    return copied;
}

obs__view obs__sidecar_last(obs__view text)
{
    obs__view line;
    obs__view entry = {"", 0};
    if (!obs__sidecar_is_whole(text))
        return entry;
    const char *end = text.data + text.size - END_SIZE;
    for (const char *at = text.data + sizeof HEAD - 1; next_entry(&line, &entry, &at, end);)
        continue;
    return entry;
}

int64_t obs__sidecar_gone(obs__view text)
{
    static const char head[] = HEAD "gone ";
    if (!obs__sidecar_is_whole(text) || !obs__starts_with(text, (obs__view){head, sizeof head - 1}))
        return 0;
    return strtoll(text.data + sizeof head - 1, NULL, 10); /* ends at the line's end at the latest */
}

obs_status obs__sidecar_read(obs__view *out, char *room, size_t capacity, obs_buffer **large, obs__file_root *root,
                             obs__view key, obs_error *error)
{
    char path[OBS__KEY_PATH_SIZE];
    int fd = -1;
    *large = NULL;
    *out = (obs__view){"", 0};
    if (root->meta < 0)
        return OBS_OK;
    obs__key_path(path, key, OBS__KEY_BESIDE);
    obs_status status = obs__open_at(&fd, root->meta, path, O_RDONLY | O_NONBLOCK, 0, error);
    if (status != OBS_OK)
        return status == OBS_NOT_FOUND ? OBS_OK : status;
    ssize_t got = pread(fd, room, capacity, 0);
    if (got < 0 && errno != EISDIR) {
        status = obs__fail_system(error, errno, "cannot read the sidecar of '%s'", path);
    } else if (got < (ssize_t)capacity) {
        *out = (obs__view){room, got > 0 ? (size_t)got : 0};
    } else {
        status = obs__file_read_fd(large, fd, path, OBS__SIDECAR_LIMIT, error);
        *out = (obs__view){obs_buffer_data(*large), obs_buffer_size(*large)};
    }
    close(fd);
    return status;
}
