/* The values of an entry: JSON that was checked when it came in, read again at the speed of a search. */
#include <string.h>

#include "catalog/row.h"

static const char *skip_blanks(const char *at, const char *end)
{
    while (at < end && (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r'))
        at++;
    return at;
}

/* Behind the closing quote, or NULL. */
static const char *skip_string(const char *at, const char *end)
{
    for (at++; at < end; at++) {
        if (*at == '"')
            return at + 1;
        if (*at == '\\')
            at++;
    }
    return NULL;
}

/* Behind one value, or NULL. Nested ones are only counted through: no recursion, whatever the depth. */
static const char *skip_value(const char *at, const char *end)
{
    size_t depth = 0;
    while (at < end) {
        if (*at == '"') {
            at = skip_string(at, end);
            if (!at || !depth)
                return at;
            continue;
        }
        if (!depth && (*at == ',' || *at == '}' || *at == ']' || *at == ' ' || *at == '\t' || *at == '\n' || *at == '\r'))
            return at;
        depth += *at == '{' || *at == '[';
        if (*at == '}' || *at == ']') {
            if (--depth == 0)
                return at + 1;
        }
        at++;
    }
    return depth ? NULL : at;
}

int obs__values_member(const char **at, const char *end, obs__view *name, obs__view *value)
{
    const char *next = skip_blanks(*at, end);
    if (next < end && *next == ',')
        next = skip_blanks(next + 1, end);
    if (next < end && *next == '}')
        return 0;
    const char *behind = next < end && *next == '"' ? skip_string(next, end) : NULL;
    if (!behind)
        return -1;
    *name = (obs__view){next, (size_t)(behind - next)};
    next = skip_blanks(behind, end);
    if (next == end || *next != ':')
        return -1;
    next = skip_blanks(next + 1, end);
    behind = next < end ? skip_value(next, end) : NULL;
    if (!behind || behind == next)
        return -1;
    *value = (obs__view){next, (size_t)(behind - next)};
    *at = behind;
    return 1;
}

static int hex4(const char *at, const char *end, uint32_t *out)
{
    unsigned char bytes[2];
    char digits[5] = {0};
    if (end - at < 4)
        return 0;
    memcpy(digits, at, 4);
    if (!obs__unhex(bytes, 2, digits))
        return 0;
    *out = (uint32_t)bytes[0] << 8 | bytes[1];
    return 1;
}

/* `at` stands behind `\u`. Returns where to go on. */
static const char *add_unicode(obs__builder *out, const char *at, const char *end)
{
    uint32_t character = 0xFFFD, second;
    char bytes[4];
    if (hex4(at, end, &character))
        at += 4;
    if (character >= 0xD800 && character < 0xDC00 && end - at >= 6 && at[0] == '\\' && at[1] == 'u' &&
        hex4(at + 2, end, &second) && second >= 0xDC00 && second < 0xE000) {
        character = 0x10000 + ((character - 0xD800) << 10) + (second - 0xDC00);
        at += 6;
    }
    if (character >= 0xD800 && character < 0xE000)
        character = 0xFFFD;
    obs__add(out, bytes, obs__utf8_encode(bytes, character));
    return at;
}

obs__view obs__values_text(obs__view quoted, obs__builder *scratch)
{
    obs__view inside = {quoted.data + 1, quoted.size - 2};
    if (!memchr(inside.data, '\\', inside.size))
        return inside;
    obs__builder_clear(scratch);
    const char *at = inside.data, *end = at + inside.size;
    while (at < end) {
        const char *stop = memchr(at, '\\', (size_t)(end - at));
        if (!stop || stop + 1 == end) {
            obs__add(scratch, at, (size_t)(end - at));
            break;
        }
        obs__add(scratch, at, (size_t)(stop - at));
        at = stop + 2;
        static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
        const char *known = strchr(from, stop[1]);
        if (stop[1] == 'u')
            at = add_unicode(scratch, at, end);
        else
            obs__add_char(scratch, known && stop[1] ? to[known - from] : stop[1]);
    }
    return (obs__view){scratch->data, scratch->size};
}

void obs__values_compact(obs__builder *out, obs__view json)
{
    const char *at = json.data, *end = at + json.size;
    while (at < end) {
        const char *start = at = skip_blanks(at, end);
        while (at && at < end && *at != ' ' && *at != '\t' && *at != '\n' && *at != '\r')
            at = *at == '"' ? skip_string(at, end) : at + 1;
        if (!at)
            at = end;
        obs__add(out, start, (size_t)(at - start));
    }
}
