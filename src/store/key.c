/* Keys and their paths. */
#include "store/key.h"

#include <string.h>

#include <obs/store.h>

#include "base/error.h"

#define NAME_SIZE 255 /* the longest name of a file */
#define CUT_SIZE 253  /* leaves room for "%+" */

obs_status obs__key_check(obs__view *out, const char *key, size_t size, obs_error *error)
{
    *out = obs__view_of(key, size);
    if (!out->size)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "a key needs at least one byte");
    if (out->size > OBS_KEY_MAX)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "a key of %zu bytes: %d is the most", out->size, OBS_KEY_MAX);
    if (!obs__utf8_valid(out->data, out->size))
        return obs__fail(error, OBS_INVALID_ARGUMENT, "a key must be valid UTF-8");
    return OBS_OK;
}

static size_t add_byte(char *out, unsigned char byte)
{
    static const char digits[] = "0123456789ABCDEF";
    out[0] = '%';
    out[1] = digits[byte >> 4];
    out[2] = digits[byte & 15];
    return 3;
}

/* Whether the first dot of a part must not stay one. */
static int is_reserved(obs__view part, int top)
{
    return obs__view_is(part, ".") || obs__view_is(part, "..") || (top && obs__view_is(part, ".obs"));
}

/* The whole part in one piece, however long. */
static size_t escape_part(char *out, obs__view part, int top)
{
    size_t size = 0;
    size_t from = 0;
    if (!part.size) {
        memcpy(out, "%e", 2);
        return 2;
    }
    if (is_reserved(part, top)) {
        size = add_byte(out, '.');
        from = 1;
    }
    for (size_t i = from; i < part.size; i++) {
        unsigned char byte = (unsigned char)part.data[i];
        if (byte < 0x20 || byte == 0x7F || byte == '%')
            size += add_byte(out + size, byte);
        else
            out[size++] = (char)byte;
    }
    return size;
}

/* Where to cut: neither inside an escape nor inside a character. */
static size_t cut_at(const char *text)
{
    size_t at = CUT_SIZE;
    while (((unsigned char)text[at] & 0xC0) == 0x80)
        at--;
    if (text[at - 1] == '%')
        return at - 1;
    if (text[at - 2] == '%')
        return at - 2;
    return at;
}

size_t obs__key_part(char *out, obs__view part, int top, obs__key_form form)
{
    char whole[3 * OBS_KEY_MAX + 2];
    size_t left = escape_part(whole, part, top);
    size_t size = 0;
    const char *at = whole;
    if (form == OBS__KEY_BESIDE)
        whole[left++] = '%';
    while (left > NAME_SIZE) {
        size_t cut = cut_at(at);
        memcpy(out + size, at, cut);
        memcpy(out + size + cut, "%+/", 3);
        size += cut + 3;
        at += cut;
        left -= cut;
    }
    memcpy(out + size, at, left);
    out[size + left] = '\0';
    return size + left;
}

size_t obs__key_path(char *out, obs__view key, obs__key_form form)
{
    size_t size = 0;
    for (size_t from = 0;;) {
        const char *slash = memchr(key.data + from, '/', key.size - from);
        size_t end = slash ? (size_t)(slash - key.data) : key.size;
        obs__view part = {key.data + from, end - from};
        size += obs__key_part(out + size, part, from == 0, slash ? OBS__KEY_PLAIN : form);
        if (!slash)
            return size;
        out[size++] = '/';
        from = end + 1;
    }
}

static int digit_of(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Undoes escape_part() over a path; what was no escape shows when the result is escaped again and compared. */
static int unescape_part(char *out, size_t *out_size, const char *path, size_t size)
{
    size_t used = 0;
    for (size_t i = 0; i < size; i++) {
        int high = i + 2 < size ? digit_of(path[i + 1]) : -1;
        if (used == OBS_KEY_MAX)
            return 0;
        if (path[i] != '%') {
            out[used++] = path[i];
        } else if (i + 2 < size && path[i + 1] == '+' && path[i + 2] == '/') {
            i += 2;
        } else if (high >= 0 && digit_of(path[i + 2]) >= 0) {
            out[used++] = (char)(high << 4 | digit_of(path[i + 2]));
            i += 2;
        } else {
            return 0;
        }
    }
    *out_size = used;
    return 1;
}

/* Most names are their own part: then nothing has to be undone and compared. */
static int is_ordinary(const char *path, size_t length, int top)
{
    if (length > NAME_SIZE || is_reserved((obs__view){path, length}, top))
        return 0;
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)path[i] < 0x20 || path[i] == 0x7F || path[i] == '%' || path[i] == '/')
            return 0;
    return 1;
}

int obs__key_part_of(char *out, size_t *size, const char *path, int top, obs__key_form *form)
{
    char again[OBS__KEY_PART_SIZE];
    size_t length = strlen(path);
    *size = 0;
    if (!length || length >= sizeof again)
        return 0;
    if (is_ordinary(path, length, top)) {
        *form = OBS__KEY_PLAIN;
        memcpy(out, path, length);
        *size = length;
        return 1;
    }
    *form = path[length - 1] == '%' ? OBS__KEY_BESIDE : OBS__KEY_PLAIN;
    size_t escaped = length - (*form == OBS__KEY_BESIDE);
    int empty = escaped == 2 && memcmp(path, "%e", 2) == 0;
    if (!empty && !unescape_part(out, size, path, escaped))
        return 0;
    return obs__key_part(again, (obs__view){out, *size}, top, *form) == length && memcmp(again, path, length) == 0;
}

void obs__key_beside(char *out, const char *name)
{
    size_t size = strlen(name);
    size_t cut = size + 1 > NAME_SIZE ? cut_at(name) : 0;
    memcpy(out, name, cut);
    out += cut;
    if (cut) {
        memcpy(out, "%+/", 3);
        out += 3;
    }
    memcpy(out, name + cut, size - cut);
    memcpy(out + size - cut, "%", 2);
}

int obs__key_is_cut(const char *name)
{
    size_t size = strlen(name);
    return size > 2 && memcmp(name + size - 2, "%+", 2) == 0;
}

/* The end of the next part of a path, over the cuts in it. */
static const char *part_end(const char *path)
{
    const char *end = strchr(path, '/');
    while (end && end - path >= 2 && memcmp(end - 2, "%+", 2) == 0)
        end = strchr(end + 1, '/');
    return end;
}

size_t obs__key_of_path(char *out, const char *path, obs__key_form *form)
{
    char part[OBS__KEY_PATH_SIZE];
    char text[OBS_KEY_MAX];
    size_t used = 0;
    for (int top = 1;; top = 0) {
        size_t size;
        const char *end = part_end(path);
        size_t length = end ? (size_t)(end - path) : strlen(path);
        if (length >= sizeof part)
            return 0;
        memcpy(part, path, length);
        part[length] = '\0';
        if (!obs__key_part_of(text, &size, part, top, form) || used + size + (end != NULL) > OBS_KEY_MAX)
            return 0;
        memcpy(out + used, text, size);
        used += size;
        if (!end)
            return obs__utf8_valid(out, used) ? used : 0;
        if (*form == OBS__KEY_BESIDE)
            return 0;
        out[used++] = '/';
        path = end + 1;
    }
}

void obs__add_percent(obs__builder *builder, const char *data, size_t size)
{
    char escaped[3];
    for (size_t i = 0; i < size; i++) {
        unsigned char byte = (unsigned char)data[i];
        if (byte <= 0x20 || byte == 0x7F || byte == '%')
            obs__add(builder, escaped, add_byte(escaped, byte));
        else
            obs__add_char(builder, (char)byte);
    }
}

size_t obs__unpercent(char *out, const char *data, size_t size)
{
    size_t used = 0;
    for (size_t i = 0; i < size; i++) {
        int escape = data[i] == '%' && i + 2 < size && digit_of(data[i + 1]) >= 0 && digit_of(data[i + 2]) >= 0;
        out[used++] = escape ? (char)(digit_of(data[i + 1]) << 4 | digit_of(data[i + 2])) : data[i];
        i += escape ? 2 : 0;
    }
    return used;
}
