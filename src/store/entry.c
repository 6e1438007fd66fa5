/* The lines about an object: checked, written, read. */
#include "store/entry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "base/memory.h"
#include "store/key.h"

#define NAME_MAX_SIZE 128
#define VALUE_MAX_SIZE 4096
#define TYPE_MAX_SIZE 256
#define ENTRY_LIMIT ((size_t)256 << 20)

static int is_plain(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7F)
            return 0;
    return 1;
}

static obs_status check_pair(const obs_pair *pair, const char *what, obs_error *error)
{
    size_t name = pair->name ? strlen(pair->name) : 0;
    size_t value = pair->value ? strlen(pair->value) : 0;
    if (!name || name > NAME_MAX_SIZE || !is_plain(pair->name) || !obs__utf8_valid(pair->name, name))
        return obs__fail(error, OBS_INVALID_ARGUMENT, "a %s name is 1 to %d bytes of UTF-8 without control characters", what,
                         NAME_MAX_SIZE);
    if (!pair->value || value > VALUE_MAX_SIZE || !obs__utf8_valid(pair->value, value))
        return obs__fail(error, OBS_INVALID_ARGUMENT, "the value of %s '%s' must be UTF-8 of up to %d bytes", what, pair->name,
                         VALUE_MAX_SIZE);
    return OBS_OK;
}

obs_status obs__pairs_check(const obs_pair *pairs, size_t count, const char *what, obs_error *error)
{
    if (count > OBS__PAIRS_MAX || (count && !pairs))
        return obs__fail(error, OBS_INVALID_ARGUMENT, "an object takes up to %d %s pairs, not %zu", OBS__PAIRS_MAX, what,
                         count);
    for (size_t i = 0; i < count; i++) {
        obs_status status = check_pair(&pairs[i], what, error);
        if (status != OBS_OK)
            return status;
        for (size_t other = 0; other < i; other++)
            if (strcasecmp(pairs[i].name, pairs[other].name) == 0 &&
                (*what == 'm' || !strcmp(pairs[i].name, pairs[other].name)))
                return obs__fail(error, OBS_INVALID_ARGUMENT, "%s '%s' is given twice", what, pairs[i].name);
    }
    return OBS_OK;
}

obs_status obs__about_check(const obs__about *about, obs_error *error)
{
    const char *type = about->content_type ? about->content_type : "";
    if (strlen(type) > TYPE_MAX_SIZE || !is_plain(type) || !obs__utf8_valid(type, strlen(type)))
        return obs__fail(error, OBS_INVALID_ARGUMENT, "a content type is up to %d bytes without control characters",
                         TYPE_MAX_SIZE);
    obs_status status = obs__pairs_check(about->metadata, about->metadata_count, "metadata", error);
    return status == OBS_OK ? obs__pairs_check(about->labels, about->label_count, "label", error) : status;
}

obs_status obs__pairs_copy(obs_pair **out, const obs_pair *pairs, size_t count, obs_error *error)
{
    size_t size = count * sizeof *pairs;
    for (size_t i = 0; i < count; i++)
        size += strlen(pairs[i].name) + strlen(pairs[i].value) + 2;
    *out = obs__alloc(size);
    if (!*out)
        return obs__fail_memory(error);
    char *room = (char *)(*out + count);
    for (size_t i = 0; i < count; i++) {
        (*out)[i].name = room;
        room = stpcpy(room, pairs[i].name) + 1;
        (*out)[i].value = room;
        room = stpcpy(room, pairs[i].value) + 1;
    }
    return OBS_OK;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const obs_pair *)a)->name, ((const obs_pair *)b)->name);
}

static void add_pair(obs__builder *out, const char *kind, const obs_pair *pair)
{
    obs__add_text(out, kind);
    obs__add_percent(out, pair->name, strlen(pair->name));
    obs__add_char(out, ' ');
    obs__add_percent(out, pair->value, strlen(pair->value));
    obs__add_char(out, '\n');
}

/* Metadata names are lower-cased, as servers do; everything is sorted by name. */
static void add_metadata(obs__builder *out, const obs__about *about)
{
    obs_pair sorted[OBS__PAIRS_MAX];
    char names[OBS__PAIRS_MAX][NAME_MAX_SIZE + 1];
    for (size_t i = 0; i < about->metadata_count; i++) {
        size_t size = strlen(about->metadata[i].name);
        for (size_t at = 0; at <= size; at++) {
            char c = about->metadata[i].name[at];
            names[i][at] = c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
        }
        sorted[i] = (obs_pair){names[i], about->metadata[i].value};
    }
    qsort(sorted, about->metadata_count, sizeof sorted[0], by_name);
    for (size_t i = 0; i < about->metadata_count; i++)
        add_pair(out, "meta ", &sorted[i]);
}

static void add_labels(obs__builder *out, const obs_pair *labels, size_t count)
{
    obs_pair sorted[OBS__PAIRS_MAX];
    for (size_t i = 0; i < count; i++)
        sorted[i] = labels[i];
    qsort(sorted, count, sizeof sorted[0], by_name);
    for (size_t i = 0; i < count; i++)
        add_pair(out, "label ", &sorted[i]);
}

obs_status obs__entry_write(obs__builder *out, const char *etag, const obs__digest *digest, const obs__about *about,
                            obs_error *error)
{
    char hash[2 * OBS__SHA256_SIZE + 1];
    obs__hex(hash, digest->hash, OBS__SHA256_SIZE);
    obs__builder_init(out, ENTRY_LIMIT);
    obs__add_format(out, "etag %s\n", etag);
    if (about->content_type && *about->content_type)
        obs__add_format(out, "type %s\n", about->content_type);
    obs__add_format(out, "sha256 %s\n", hash);
    if (about->metadata_count)
        add_metadata(out, about);
    if (about->label_count)
        add_labels(out, about->labels, about->label_count);
    obs__add_text(out, "crc32c");
    obs__add(out, digest->blocks.data, digest->blocks.size);
    obs__add_char(out, '\n');
    return obs__builder_status(out, error);
}

/* The next line without its end; 0 when there is none. */
static int next_line(obs__view *line, obs__view *rest)
{
    const char *end = rest->size ? memchr(rest->data, '\n', rest->size) : NULL;
    if (!end)
        return 0;
    *line = (obs__view){rest->data, (size_t)(end - rest->data)};
    rest->size -= line->size + 1;
    rest->data = end + 1;
    return 1;
}

/* What follows `name ` in a line. */
static int line_is(obs__view *value, obs__view line, const char *name)
{
    size_t size = strlen(name);
    if (line.size < size || memcmp(line.data, name, size) != 0 || (line.size > size && line.data[size] != ' '))
        return 0;
    size += line.size > size;
    *value = (obs__view){line.data + size, line.size - size};
    return 1;
}

obs__view obs__entry_field(obs__view entry, const char *name)
{
    obs__view line;
    obs__view value = {"", 0};
    while (next_line(&line, &entry))
        if (line_is(&value, line, name))
            break;
    return value;
}

int obs__entry_crc(uint32_t *out, obs__view entry, uint64_t block)
{
    unsigned char bytes[4];
    obs__view all = obs__entry_field(entry, "crc32c");
    if (block >= (all.size + 1) / 9 || !obs__unhex(bytes, 4, all.data + 9 * block))
        return 0;
    *out = (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
    return 1;
}

/* Splits `name value`, both escaped, into texts at `room`; returns how much was used. */
static size_t read_pair(obs_pair *pair, char *room, obs__view line)
{
    const char *blank = memchr(line.data, ' ', line.size);
    size_t name = blank ? (size_t)(blank - line.data) : line.size;
    size_t used = obs__unpercent(room, line.data, name);
    room[used++] = '\0';
    pair->name = room;
    pair->value = room + used;
    if (blank)
        used += obs__unpercent(room + used, blank + 1, line.size - name - 1);
    room[used++] = '\0';
    return used;
}

/* Metadata or labels of an entry; returns the memory behind the texts. */
static char *read_pairs(obs_pair *pairs, size_t *count, char *room, obs__view entry, const char *kind)
{
    obs__view line;
    obs__view value;
    *count = 0;
    while (next_line(&line, &entry))
        if (line_is(&value, line, kind) && *count < OBS__PAIRS_MAX)
            room += read_pair(&pairs[(*count)++], room, value);
    return room;
}

static size_t count_lines(obs__view entry, const char *kind)
{
    obs__view line;
    obs__view value;
    size_t count = 0;
    while (next_line(&line, &entry))
        count += (size_t)line_is(&value, line, kind);
    return count;
}

/* The lines before the checksums of the blocks, which may be long. */
static obs__view head_of(obs__view entry)
{
    obs__view crc = obs__entry_field(entry, "crc32c");
    if (crc.data >= entry.data && crc.data <= entry.data + entry.size)
        entry.size = (size_t)(crc.data - entry.data);
    return entry;
}

/* Replaces, appends or (value "") removes one label. */
static obs_status merge_label(obs_pair *labels, size_t *count, const obs_pair *label, obs_error *error)
{
    size_t at = 0;
    while (at < *count && strcmp(labels[at].name, label->name) != 0)
        at++;
    if (!*label->value) {
        if (at < *count)
            labels[at] = labels[--*count];
        return OBS_OK;
    }
    if (at == OBS__PAIRS_MAX)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "an object takes up to %d labels", OBS__PAIRS_MAX);
    labels[at] = *label;
    *count += at == *count;
    return OBS_OK;
}

obs_status obs__entry_relabel(obs__builder *out, obs__view entry, const obs_pair *labels, size_t count, obs_error *error)
{
    obs_pair merged[OBS__PAIRS_MAX];
    size_t merged_count;
    obs__view head = head_of(entry);
    obs__view line;
    obs__view value;
    obs_status status = OBS_OK;
    obs__builder_init(out, ENTRY_LIMIT);
    char *texts = obs__alloc(head.size + 2 * OBS__PAIRS_MAX);
    if (!texts)
        return obs__fail_memory(error);
    read_pairs(merged, &merged_count, texts, head, "label");
    for (size_t i = 0; i < count && status == OBS_OK; i++)
        status = merge_label(merged, &merged_count, &labels[i], error);
    while (status == OBS_OK && next_line(&line, &head))
        if (!line_is(&value, line, "label"))
            obs__add(out, line.data, line.size + 1);
    add_labels(out, merged, merged_count);
    value = obs__entry_field(entry, "crc32c");
    obs__add_text(out, value.size ? "crc32c " : "crc32c");
    obs__add(out, value.data, value.size);
    obs__add_char(out, '\n');
    obs__free(texts);
    return status == OBS_OK ? obs__builder_status(out, error) : status;
}

static char *add_field(const char **out, char *room, obs__view value)
{
    memcpy(room, value.data, value.size);
    room[value.size] = '\0';
    *out = room;
    return room + value.size + 1;
}

obs_status obs__stat_new(obs_stat **out, obs__view key, uint64_t size, int64_t modified_ns, obs__view entry, obs_error *error)
{
    obs__view head = head_of(entry);
    size_t pairs = count_lines(head, "meta") + count_lines(head, "label");
    obs_stat *stat = obs__calloc(1, sizeof *stat + pairs * sizeof(obs_pair) + key.size + head.size + 2 * pairs + 8);
    *out = stat;
    if (!stat)
        return obs__fail_memory(error);
    obs_pair *at = (obs_pair *)(stat + 1);
    char *room = (char *)(at + pairs);
    room = add_field(&stat->key, room, key);
    room = add_field(&stat->etag, room, obs__entry_field(head, "etag"));
    room = add_field(&stat->content_type, room, obs__entry_field(head, "type"));
    room = add_field(&stat->sha256, room, obs__entry_field(head, "sha256"));
    stat->key_size = key.size;
    stat->size = size;
    stat->modified_ns = modified_ns;
    stat->metadata = at;
    room = read_pairs(at, &stat->metadata_count, room, head, "meta");
    stat->labels = at + stat->metadata_count;
    read_pairs(at + stat->metadata_count, &stat->label_count, room, head, "label");
    return OBS_OK;
}

obs_status obs__stat_new_changed(obs_stat **out, obs__view key, uint64_t size, int64_t modified_ns, const char *etag,
                                 obs_error *error)
{
    char line[OBS__ETAG_SIZE + 64];
    int length = snprintf(line, sizeof line, "etag %s\n", etag);
    obs_status status = obs__stat_new(out, key, size, modified_ns, (obs__view){line, (size_t)length}, error);
    if (status == OBS_OK)
        (*out)->changed_outside = 1;
    return status;
}

obs_status obs__stat_new_prefix(obs_stat **out, obs__view key, obs_error *error)
{
    obs_status status = obs__stat_new(out, key, 0, 0, (obs__view){"", 0}, error);
    if (status == OBS_OK)
        (*out)->is_prefix = 1;
    return status;
}
