#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <obs/log.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/memory.h"

obs__view obs__view_of(const char *data, size_t size)
{
    obs__view view = {data ? data : "", 0};
    if (data)
        view.size = size == OBS_TEXT ? strlen(data) : size;
    return view;
}

int obs__view_equal(obs__view a, obs__view b)
{
    return a.size == b.size && memcmp(a.data, b.data, a.size) == 0;
}

int obs__view_is(obs__view view, const char *text)
{
    return obs__view_equal(view, obs__view_of(text, OBS_TEXT));
}

int obs__starts_with(obs__view view, obs__view prefix)
{
    return view.size >= prefix.size && memcmp(view.data, prefix.data, prefix.size) == 0;
}

void obs__builder_init(obs__builder *builder, size_t limit)
{
    memset(builder, 0, sizeof *builder);
    builder->limit = limit;
}

void obs__builder_free(obs__builder *builder)
{
    obs__free(builder->data);
    obs__builder_init(builder, builder->limit);
}

void obs__builder_clear(obs__builder *builder)
{
    builder->size = 0;
    builder->failed = 0;
    if (builder->data)
        builder->data[0] = '\0';
}

char *obs__builder_room(obs__builder *builder, size_t more)
{
    if (builder->failed)
        return NULL;
    if (more > builder->limit || builder->size > builder->limit - more) {
        builder->failed = 2;
        return NULL;
    }
    size_t needed = builder->size + more + 1;
    if (needed > builder->capacity) {
        size_t capacity = builder->capacity ? builder->capacity : 64;
        while (capacity < needed)
            capacity = capacity > needed / 2 ? needed : capacity * 2;
        if (capacity < builder->capacity * 2 && builder->capacity * 2 <= builder->limit + 1)
            capacity = builder->capacity * 2;
        char *data = obs__realloc(builder->data, capacity);
        if (!data) {
            builder->failed = 1;
            return NULL;
        }
        builder->data = data;
        builder->capacity = capacity;
    }
    return builder->data + builder->size;
}

void obs__add(obs__builder *builder, const void *data, size_t size)
{
    char *room = obs__builder_room(builder, size);
    if (!room)
        return;
    if (size)
        memcpy(room, data, size);
    builder->size += size;
    builder->data[builder->size] = '\0';
}

void obs__add_text(obs__builder *builder, const char *text)
{
    obs__add(builder, text, strlen(text));
}

void obs__add_char(obs__builder *builder, char c)
{
    obs__add(builder, &c, 1);
}

void obs__add_format(obs__builder *builder, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    char *room = size < 0 ? NULL : obs__builder_room(builder, (size_t)size);
    if (!room)
        return;
    va_start(arguments, format);
    vsnprintf(room, (size_t)size + 1, format, arguments);
    va_end(arguments);
    builder->size += (size_t)size;
}

void obs__add_integer(obs__builder *builder, int64_t number)
{
    char digits[24];
    char *at = digits + sizeof digits;
    uint64_t rest = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
    do
        *--at = (char)('0' + rest % 10);
    while (rest /= 10);
    if (number < 0)
        *--at = '-';
    obs__add(builder, at, (size_t)(digits + sizeof digits - at));
}

static void add_json_escape(obs__builder *builder, unsigned char c)
{
    static const char *const shorts = "\bb\tt\nn\ff\rr\"\"\\\\";
    for (const char *s = shorts; *s; s += 2)
        if ((unsigned char)*s == c) {
            char two[2] = {'\\', s[1]};
            obs__add(builder, two, 2);
            return;
        }
    obs__add_format(builder, "\\u%04x", c);
}

#define ONES (~(uint64_t)0 / 255) /* 0x0101… */

/* Not zero when a byte of the word is special: below a blank, a quote, a backslash, DEL, or not ASCII. */
static uint64_t special_bytes(uint64_t word)
{
    uint64_t quote = word ^ ONES * '"';
    uint64_t backslash = word ^ ONES * '\\';
    uint64_t erase = word ^ ONES * 0x7F;
    uint64_t below = ((word - ONES * ' ') & ~word) | ((quote - ONES) & ~quote) | ((backslash - ONES) & ~backslash) |
                     ((erase - ONES) & ~erase);
    return (below | word) & ONES * 0x80;
}

size_t obs__plain_size(const char *data, size_t size)
{
    size_t at = 0;
    uint64_t word;
    for (; at + sizeof word <= size; at += sizeof word) {
        memcpy(&word, data + at, sizeof word);
        if (special_bytes(word))
            break;
    }
    while (at < size && data[at] >= ' ' && data[at] < 0x7F && data[at] != '"' && data[at] != '\\')
        at++;
    return at;
}

void obs__add_json(obs__builder *builder, const char *data, size_t size)
{
    size_t from = 0;
    size_t at = 0;
    obs__builder_room(builder, size + 2); /* at once; what must be escaped makes more room */
    obs__add_char(builder, '"');
    while ((at += obs__plain_size(data + at, size - at)) < size) {
        unsigned char c = (unsigned char)data[at];
        uint32_t character;
        size_t length = obs__utf8_decode(&character, data + at, size - at);
        if (c >= 0x20 && c != '"' && c != '\\' && length) {
            at += length;
            continue;
        }
        obs__add(builder, data + from, at - from);
        if (length)
            add_json_escape(builder, c);
        else
            obs__add(builder, "\xEF\xBF\xBD", 3);
        from = ++at;
    }
    obs__add(builder, data + from, at - from);
    obs__add_char(builder, '"');
}

static void add_json_name(obs__builder *builder, const char *name)
{
    obs__add_json(builder, name, strlen(name));
    obs__add_char(builder, ':');
}

void obs__add_json_raw(obs__builder *builder, const char *name, const char *json, size_t size)
{
    add_json_name(builder, name);
    obs__add(builder, json, size);
    obs__add_char(builder, ',');
}

void obs__add_json_member(obs__builder *builder, const char *name, const char *value)
{
    add_json_name(builder, name);
    if (value)
        obs__add_json(builder, value, strlen(value));
    else
        obs__add_text(builder, "null");
    obs__add_char(builder, ',');
}

void obs__add_json_integer(obs__builder *builder, const char *name, int64_t value)
{
    add_json_name(builder, name);
    obs__add_integer(builder, value);
    obs__add_char(builder, ',');
}

void obs__add_json_end(obs__builder *builder)
{
    if (builder->size && !builder->failed && builder->data[builder->size - 1] == ',')
        builder->data[builder->size - 1] = '}';
    else
        obs__add_char(builder, '}');
}

obs_status obs__builder_status(const obs__builder *builder, obs_error *error)
{
    if (builder->failed == 2)
        return obs__fail(error, OBS_RESOURCE_EXHAUSTED, "a text grew beyond its limit of %zu bytes", builder->limit);
    return builder->failed ? obs__fail_memory(error) : OBS_OK;
}

obs_status obs__builder_finish(obs_buffer **out, obs__builder *builder, obs_error *error)
{
    obs_status status = obs__builder_status(builder, error);
    if (status == OBS_OK)
        status = obs__buffer_copy(out, builder->data, builder->size, error);
    obs__builder_free(builder);
    return status;
}

size_t obs__utf8_decode(uint32_t *out, const char *data, size_t size)
{
    const unsigned char *s = (const unsigned char *)data;
    if (size == 0)
        return 0;
    if (s[0] < 0x80) {
        *out = s[0];
        return 1;
    }
    size_t length = s[0] >= 0xF0 ? 4 : s[0] >= 0xE0 ? 3 : 2;
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    if (s[0] < 0xC2 || s[0] > 0xF4 || size < length)
        return 0;
    uint32_t character = s[0] & (0x7Fu >> length);
    for (size_t i = 1; i < length; i++) {
        if ((s[i] & 0xC0) != 0x80)
            return 0;
        character = character << 6 | (s[i] & 0x3Fu);
    }
    if (character < least[length] || character > 0x10FFFF || (character >= 0xD800 && character < 0xE000))
        return 0;
    *out = character;
    return length;
}

size_t obs__utf8_encode(char out[4], uint32_t character)
{
    if (character < 0x80) {
        out[0] = (char)character;
        return 1;
    }
    size_t length = character < 0x800 ? 2 : character < 0x10000 ? 3 : 4;
    for (size_t i = length - 1; i > 0; i--) {
        out[i] = (char)(0x80 | (character & 0x3F));
        character >>= 6;
    }
    out[0] = (char)((0xF00u >> length & 0xFF) | character);
    return length;
}

int obs__utf8_valid(const char *data, size_t size)
{
    uint32_t character;
    for (size_t at = 0; at < size;) {
        size_t length = obs__utf8_decode(&character, data + at, size - at);
        if (!length)
            return 0;
        at += length;
    }
    return 1;
}

/* C0 and C1 controls, and the characters that reorder or hide text (UAX #9 and the zero-width ones). */
static int is_hidden(uint32_t c)
{
    return c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0x61C || (c >= 0x200B && c <= 0x200F) || (c >= 0x2028 && c <= 0x202E) ||
           (c >= 0x2060 && c <= 0x206F) || c == 0xFEFF || (c >= 0xE0000 && c < 0xE0080);
}

void obs__escape_display(char *out, size_t capacity, const char *data, size_t size)
{
    size_t used = 0;
    for (size_t at = 0; at < size;) {
        uint32_t character = 0;
        char piece[16];
        size_t length = obs__utf8_decode(&character, data + at, size - at);
        int written;
        if (!length)
            written = snprintf(piece, sizeof piece, "\\x%02x", (unsigned char)data[at]);
        else if (is_hidden(character))
            written = snprintf(piece, sizeof piece, character < 0x100 ? "\\x%02x" : "\\u{%x}", (unsigned)character);
        else {
            memcpy(piece, data + at, length);
            written = (int)length;
        }
        if (used + (size_t)written + 1 > capacity)
            break;
        memcpy(out + used, piece, (size_t)written);
        used += (size_t)written;
        at += length ? length : 1;
    }
    if (capacity)
        out[used] = '\0';
}

void obs_text_escape(char *out, size_t capacity, const char *data, size_t size)
{
    obs__view view = obs__view_of(data, size);
    if (out)
        obs__escape_display(out, capacity, view.data, view.size);
}

void obs__hex(char *out, const void *data, size_t size)
{
    static const char digits[] = "0123456789abcdef";
    const unsigned char *bytes = data;
    for (size_t i = 0; i < size; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
    out[2 * size] = '\0';
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

int obs__unhex(void *out, size_t size, const char *text)
{
    unsigned char *bytes = out;
    for (size_t i = 0; i < size; i++) {
        int high = hex_digit(text[2 * i]);
        int low = high < 0 ? -1 : hex_digit(text[2 * i + 1]);
        if (low < 0)
            return 0;
        bytes[i] = (unsigned char)(high << 4 | low);
    }
    return 1;
}
