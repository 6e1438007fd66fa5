#include "base/base64.h"

static const char standard[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* What the two alphabets do not share is marked, so that one table serves both: a character is wrong when its value has a bit
 * that is not allowed. */
#define ONLY_URL 0x40
#define ONLY_STANDARD 0x80

static const unsigned char values[128] = {
    0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
    0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
    0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xBE, 0xFF, 0x7E, 0xFF, 0xBF, 0x34, 0x35, 0x36, 0x37, 0x38, 0x39, 0x3A, 0x3B, 0x3C,
    0x3D, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0A,
    0x0B, 0x0C, 0x0D, 0x0E, 0x0F, 0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18, 0x19, 0xFF, 0xFF, 0xFF, 0xFF,
    0x7F, 0xFF, 0x1A, 0x1B, 0x1C, 0x1D, 0x1E, 0x1F, 0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27, 0x28, 0x29, 0x2A,
    0x2B, 0x2C, 0x2D, 0x2E, 0x2F, 0x30, 0x31, 0x32, 0x33, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
};

static unsigned value_of(char c)
{
    return (unsigned char)c < 128 ? values[(unsigned char)c] : 0xFF;
}

size_t obs__base64_size(size_t size)
{
    return (size + 2) / 3 * 4;
}

size_t obs__base64url_size(size_t size)
{
    return size / 3 * 4 + (size % 3 ? size % 3 + 1 : 0);
}

/* All characters but the padding; returns what is behind them. */
static char *encode(char *out, const unsigned char *bytes, size_t size, const char *alphabet)
{
    for (; size >= 3; bytes += 3, size -= 3) {
        uint32_t group = (uint32_t)bytes[0] << 16 | (uint32_t)bytes[1] << 8 | bytes[2];
        *out++ = alphabet[group >> 18];
        *out++ = alphabet[group >> 12 & 63];
        *out++ = alphabet[group >> 6 & 63];
        *out++ = alphabet[group & 63];
    }
    if (size) {
        uint32_t group = (uint32_t)bytes[0] << 16 | (size > 1 ? (uint32_t)bytes[1] << 8 : 0);
        *out++ = alphabet[group >> 18];
        *out++ = alphabet[group >> 12 & 63];
        if (size > 1)
            *out++ = alphabet[group >> 6 & 63];
    }
    return out;
}

void obs__base64_encode(char *out, const void *data, size_t size)
{
    char *end = out + obs__base64_size(size);
    for (char *at = encode(out, data, size, standard); at < end; at++)
        *at = '=';
}

void obs__base64url_encode(char *out, const void *data, size_t size)
{
    encode(out, data, size, url);
}

void obs__add_base64url(obs__builder *builder, const void *data, size_t size)
{
    size_t length = obs__base64url_size(size);
    char *room = obs__builder_room(builder, length);
    if (!room)
        return;
    obs__base64url_encode(room, data, size);
    builder->size += length;
    builder->data[builder->size] = '\0';
}

/* The last two or three characters, without padding; bits that belong to no byte must be zero. */
static int decode_rest(unsigned char **out, const char *text, size_t size, unsigned wrong)
{
    uint32_t group = 0, seen = 0;
    for (size_t i = 0; i < size; i++) {
        seen |= value_of(text[i]);
        group |= (value_of(text[i]) & 63) << (18 - 6 * i);
    }
    if (size == 1 || seen & wrong || group & (0xFFFFFF >> 8 * (size - 1)))
        return 0;
    for (size_t i = 0; i < size - 1; i++)
        *(*out)++ = (unsigned char)(group >> (16 - 8 * i));
    return 1;
}

static int decode(void *out, size_t *out_size, const char *text, size_t size, unsigned wrong)
{
    unsigned char *bytes = out;
    uint32_t seen = 0;
    *out_size = 0;
    for (; size >= 4; text += 4, size -= 4) {
        uint32_t a = value_of(text[0]), b = value_of(text[1]), c = value_of(text[2]), d = value_of(text[3]);
        uint32_t group = (a & 63) << 18 | (b & 63) << 12 | (c & 63) << 6 | (d & 63);
        seen |= a | b | c | d;
        *bytes++ = (unsigned char)(group >> 16);
        *bytes++ = (unsigned char)(group >> 8);
        *bytes++ = (unsigned char)group;
    }
    if (seen & wrong || (size && !decode_rest(&bytes, text, size, wrong)))
        return 0;
    *out_size = (size_t)(bytes - (unsigned char *)out);
    return 1;
}

int obs__base64_decode(void *out, size_t *out_size, const char *text, size_t size)
{
    *out_size = 0;
    if (size % 4)
        return 0;
    if (size && text[size - 1] == '=')
        size -= text[size - 2] == '=' ? 2 : 1;
    return decode(out, out_size, text, size, ONLY_URL);
}

int obs__base64url_decode(void *out, size_t *out_size, const char *text, size_t size)
{
    return decode(out, out_size, text, size, ONLY_STANDARD);
}
