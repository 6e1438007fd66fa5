/* Labels: their limits, and how changes are merged. */
#include "catalog/labels.h"

#include <string.h>

#include "base/error.h"

#define LONGEST_NAME 128
#define LONGEST_VALUE 4096

static int has_control(obs__view text)
{
    uint32_t character;
    for (size_t at = 0; at < text.size; at += obs__utf8_decode(&character, text.data + at, text.size - at))
        if ((unsigned char)text.data[at] < 0x20 || text.data[at] == 0x7F ||
            ((unsigned char)text.data[at] == 0xC2 && (unsigned char)text.data[at + 1] < 0xA0))
            return 1;
    return 0;
}

static obs_status check_label(const obs_pair *label, obs_error *error)
{
    if (!label->name || !label->value)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "a label needs a name and a value; the value \"\" removes it");
    obs__view name = {label->name, strnlen(label->name, LONGEST_NAME + 1)};
    obs__view value = {label->value, strnlen(label->value, LONGEST_VALUE + 1)};
    if (!name.size || name.size > LONGEST_NAME)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "the name of a label has 1 to %d bytes", LONGEST_NAME);
    if (!obs__utf8_valid(name.data, name.size) || has_control(name))
        return obs__fail(error, OBS_INVALID_ARGUMENT, "the name of a label is UTF-8 without control characters: '%s'",
                         label->name);
    if (value.size > LONGEST_VALUE)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "the value of label '%s' has more than %d bytes", label->name,
                         LONGEST_VALUE);
    if (!obs__utf8_valid(value.data, value.size))
        return obs__fail(error, OBS_INVALID_ARGUMENT, "the value of label '%s' is not valid UTF-8", label->name);
    return OBS_OK;
}

obs_status obs__labels_check(const obs_pair *labels, size_t count, obs_error *error)
{
    if (count > OBS__MOST_LABELS)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "%zu labels at once: at most %d", count, OBS__MOST_LABELS);
    if (count && !labels)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "labels are required");
    for (size_t i = 0; i < count; i++) {
        obs_status status = check_label(&labels[i], error);
        if (status != OBS_OK)
            return status;
    }
    return OBS_OK;
}

/* Indexes of the labels sorted by name; of equal names the last one counts. */
static size_t sort_labels(unsigned char order[OBS__MOST_LABELS], const obs_pair *labels, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        size_t at = kept;
        while (at > 0 && strcmp(labels[order[at - 1]].name, labels[i].name) > 0)
            at--;
        if (at > 0 && strcmp(labels[order[at - 1]].name, labels[i].name) == 0) {
            order[at - 1] = (unsigned char)i;
            continue;
        }
        memmove(order + at + 1, order + at, kept - at);
        order[at] = (unsigned char)i;
        kept++;
    }
    return kept;
}

static size_t add_label(obs__builder *out, const char *name, const char *value)
{
    if (!*value)
        return 0;
    obs__add(out, name, strlen(name) + 1);
    obs__add(out, value, strlen(value) + 1);
    return 1;
}

obs_status obs__labels_merge(obs__builder *out, obs__view before, const obs_pair *labels, size_t count, obs_error *error)
{
    unsigned char order[OBS__MOST_LABELS + 1];
    const char *old = before.data, *end = before.data + before.size;
    size_t total = 0, i = 0, sorted = sort_labels(order, labels, count);
    while (old < end || i < sorted) {
        const obs_pair *label = i < sorted ? &labels[order[i]] : NULL;
        int which = old >= end ? 1 : !label ? -1 : strcmp(old, label->name);
        if (which >= 0) {
            total += add_label(out, label->name, label->value);
            i++;
        }
        if (which < 0)
            total += add_label(out, old, old + strlen(old) + 1);
        if (which <= 0) {
            old += strlen(old) + 1;
            old += strlen(old) + 1;
        }
    }
    if (total > OBS__MOST_LABELS)
        return obs__fail(error, OBS_RESOURCE_EXHAUSTED, "this entry would have %zu labels: at most %d, so remove some first",
                         total, OBS__MOST_LABELS);
    return obs__builder_status(out, error);
}
