/* Cutting an expression of CloudEvents SQL into words. A sign is a word of its own: only the parser knows what it belongs to.
 */
#include "event/cesql_token.h"

#include <string.h>
#include <strings.h>

static const struct {
    const char *text;
    obs__token_kind kind;
} keywords[] = {
    {"AND", OBS__TOKEN_AND}, {"OR", OBS__TOKEN_OR},         {"XOR", OBS__TOKEN_XOR},
    {"NOT", OBS__TOKEN_NOT}, {"EXISTS", OBS__TOKEN_EXISTS}, {"LIKE", OBS__TOKEN_LIKE},
    {"IN", OBS__TOKEN_IN},   {"TRUE", OBS__TOKEN_TRUE},     {"FALSE", OBS__TOKEN_FALSE},
};

/* The longer ones come before those that they begin with. */
static const struct {
    const char *text;
    obs__token_kind kind;
} signs[] = {
    {"!=", OBS__TOKEN_UNEQUAL}, {"<>", OBS__TOKEN_UNEQUAL}, {"<=", OBS__TOKEN_LESS_EQUAL}, {">=", OBS__TOKEN_GREATER_EQUAL},
    {"=", OBS__TOKEN_EQUAL},    {"<", OBS__TOKEN_LESS},     {">", OBS__TOKEN_GREATER},     {"+", OBS__TOKEN_PLUS},
    {"-", OBS__TOKEN_MINUS},    {"*", OBS__TOKEN_STAR},     {"/", OBS__TOKEN_SLASH},       {"%", OBS__TOKEN_PERCENT},
    {"(", OBS__TOKEN_OPEN},     {")", OBS__TOKEN_CLOSE},    {",", OBS__TOKEN_COMMA},
};

static int is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static int is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '_';
}

static obs__token word(const char *at, const char *end)
{
    obs__token token = {OBS__TOKEN_INTEGER, {at, 0}};
    for (; at < end && is_word(*at); at++, token.text.size++)
        if (!is_digit(*at))
            token.kind = OBS__TOKEN_WORD;
    for (size_t i = 0; i < sizeof keywords / sizeof *keywords; i++)
        if (token.text.size == strlen(keywords[i].text) && strncasecmp(token.text.data, keywords[i].text, token.text.size) == 0)
            token.kind = keywords[i].kind;
    return token;
}

/* A backslash takes the character behind it along, so that a quote there does not end the text. */
static obs__token quoted(const char *from, const char *end)
{
    for (const char *at = from + 1; at < end; at++) {
        if (*at == *from)
            return (obs__token){OBS__TOKEN_TEXT, {from, (size_t)(at + 1 - from)}};
        at += *at == '\\' && end - at > 1;
    }
    return (obs__token){OBS__TOKEN_UNCLOSED, {from, (size_t)(end - from)}};
}

static obs__token sign(const char *at, const char *end)
{
    uint32_t character;
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
        size_t size = strlen(signs[i].text);
        if ((size_t)(end - at) >= size && memcmp(at, signs[i].text, size) == 0)
            return (obs__token){signs[i].kind, {at, size}};
    }
    return (obs__token){OBS__TOKEN_STRANGE, {at, obs__utf8_decode(&character, at, (size_t)(end - at))}};
}

obs__token obs__cesql_token(const char *at, const char *end)
{
    while (at < end && (*at == ' ' || *at == '\t' || *at == '\r' || *at == '\n'))
        at++;
    if (at == end)
        return (obs__token){OBS__TOKEN_END, {at, 0}};
    if (*at == '\'' || *at == '"')
        return quoted(at, end);
    return is_word(*at) ? word(at, end) : sign(at, end);
}
