/* From an ECMA-262 pattern (with the u flag) to one that means the same to PCRE2. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/regex.h"

/* White space and line ends of ECMA-262, and all other characters. */
static const char SPACE[] =
    "\\x{9}-\\x{d}\\x{20}\\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}\\x{205f}\\x{3000}"
    "\\x{feff}";
static const char NO_SPACE[] =
    "\\x{0}-\\x{8}\\x{e}-\\x{1f}\\x{21}-\\x{9f}\\x{a1}-\\x{167f}\\x{1681}-\\x{1fff}\\x{200b}-\\x{2027}"
    "\\x{202a}-\\x{202e}\\x{2030}-\\x{205e}\\x{2060}-\\x{2fff}\\x{3001}-\\x{d7ff}\\x{e000}-\\x{fefe}"
    "\\x{ff00}-\\x{10ffff}";
static const char ANY[] = "[^\\x{a}\\x{d}\\x{2028}\\x{2029}]"; /* what `.` means */

typedef struct translation {
    const char *from;
    const char *at;
    const char *end;
    obs__builder *out;
    const char *why; /* set when the pattern is wrong at `at` */
} translation;

enum item { ITEM_NONE, ITEM_CHARACTER, ITEM_SET };

static int peek(const translation *t, size_t ahead)
{
    return (size_t)(t->end - t->at) > ahead ? (unsigned char)t->at[ahead] : -1;
}

static int wrong(translation *t, const char *why)
{
    if (!t->why)
        t->why = why;
    return 0;
}

static void pass(translation *t, size_t size)
{
    obs__add(t->out, t->at, size);
    t->at += size;
}

static int add_character(translation *t, uint32_t character)
{
    obs__add_format(t->out, "\\x{%x}", (unsigned)character);
    return ITEM_CHARACTER;
}

/* Exactly `digits` hexadecimal digits at an offset; -1 when they are not there. */
static long hexadecimal(const translation *t, size_t offset, size_t digits)
{
    char text[8] = "";
    for (size_t i = 0; i < digits; i++) {
        int c = peek(t, offset + i);
        if (c < 0 || !isxdigit(c))
            return -1;
        text[i] = (char)c;
    }
    return strtol(text, NULL, 16);
}

static int braced_code_point(translation *t)
{
    size_t digits = 0;
    while (peek(t, 1 + digits) >= 0 && isxdigit(peek(t, 1 + digits)))
        digits++;
    long value = digits && digits < 7 ? hexadecimal(t, 1, digits) : -1;
    if (value < 0 || value > 0x10ffff || peek(t, 1 + digits) != '}')
        return wrong(t, "'\\u{' needs a code point and '}'");
    t->at += digits + 2;
    return add_character(t, (uint32_t)value);
}

/* After `\u`. Two escaped surrogates are one character. */
static int code_point(translation *t)
{
    if (peek(t, 0) == '{')
        return braced_code_point(t);
    long value = hexadecimal(t, 0, 4);
    if (value < 0)
        return wrong(t, "'\\u' needs four hexadecimal digits");
    t->at += 4;
    if (value >= 0xd800 && value < 0xdc00 && peek(t, 0) == '\\' && peek(t, 1) == 'u') {
        long low = hexadecimal(t, 2, 4);
        if (low >= 0xdc00 && low < 0xe000) {
            t->at += 6;
            value = 0x10000 + ((value - 0xd800) << 10) + (low - 0xdc00);
        }
    }
    if (value >= 0xd800 && value < 0xe000)
        return wrong(t, "half of a surrogate pair matches nothing");
    return add_character(t, (uint32_t)value);
}

static int property_name(translation *t, obs__view name)
{
    static const struct {
        const char *prefix, *becomes;
    } kinds[] = {{"Script=", "sc:"},        {"sc=", "sc:"}, {"Script_Extensions=", "scx:"}, {"scx=", "scx:"},
                 {"General_Category=", ""}, {"gc=", ""}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        obs__view prefix = obs__view_of(kinds[i].prefix, OBS_TEXT);
        if (!obs__starts_with(name, prefix))
            continue;
        obs__add_text(t->out, kinds[i].becomes);
        name.data += prefix.size;
        name.size -= prefix.size;
        break;
    }
    const char *category = obs__regex_category(name);
    if (category)
        obs__add_text(t->out, category);
    else
        obs__add(t->out, name.data, name.size);
    return ITEM_SET;
}

/* After `\p` or `\P`. */
static int property(translation *t, char kind)
{
    const char *close = peek(t, 0) == '{' ? memchr(t->at, '}', (size_t)(t->end - t->at)) : NULL;
    if (!close || close == t->at + 1)
        return wrong(t, "'\\p' needs a property of Unicode in braces, as in '\\p{Letter}'");
    obs__view name = {t->at + 1, (size_t)(close - t->at - 1)};
    for (size_t i = 0; i < name.size; i++)
        if (!isalnum((unsigned char)name.data[i]) && name.data[i] != '_' && name.data[i] != '=')
            return wrong(t, "not a property of Unicode");
    obs__add_format(t->out, "\\%c{", kind);
    property_name(t, name);
    obs__add_char(t->out, '}');
    t->at = close + 1;
    return ITEM_SET;
}

static int hexadecimal_escape(translation *t)
{
    long value = hexadecimal(t, 0, 2);
    if (value < 0)
        return wrong(t, "'\\x' needs two hexadecimal digits");
    t->at += 2;
    return add_character(t, (uint32_t)value);
}

static int control_escape(translation *t)
{
    int c = peek(t, 0);
    if (c < 0 || !isalpha(c))
        return wrong(t, "'\\c' needs a letter");
    t->at++;
    return add_character(t, (uint32_t)c & 0x1f);
}

/* The escapes that mean the same inside and outside of a class; `c` was read already. */
static int common_escape(translation *t, int c)
{
    static const char names[] = "fnrtv";
    static const unsigned char values[] = "\f\n\r\t\v";
    const char *name = strchr(names, c);
    if (c > 0 && name)
        return add_character(t, values[name - names]);
    if (c == 'p' || c == 'P')
        return property(t, (char)c);
    if (c == 'u')
        return code_point(t);
    if (c == 'x')
        return hexadecimal_escape(t);
    if (c == 'c')
        return control_escape(t);
    if (c == '0' && (peek(t, 0) < 0 || !isdigit(peek(t, 0))))
        return add_character(t, 0);
    if (c > 0 && c < 0x80 && ispunct(c))
        return add_character(t, (uint32_t)c);
    t->at--;
    return wrong(t, "not an escape of ECMA-262");
}

static int set_escape(translation *t, int c, int in_class)
{
    if (c == 'd' || c == 'D' || c == 'w' || c == 'W')
        obs__add_format(t->out, "\\%c", c);
    else if (in_class)
        obs__add_text(t->out, c == 's' ? SPACE : NO_SPACE);
    else
        obs__add_format(t->out, "[%s%s]", c == 's' ? "" : "^", SPACE);
    return ITEM_SET;
}

static int is_set_letter(int c)
{
    return c > 0 && strchr("dDwWsS", c) != NULL;
}

static void back_reference(translation *t)
{
    obs__add_text(t->out, "\\g{");
    while (peek(t, 0) >= 0 && isdigit(peek(t, 0)))
        pass(t, 1);
    obs__add_char(t->out, '}'); /* in braces it can never be read as an octal number */
}

static void escape_outside(translation *t)
{
    int c = peek(t, 1);
    t->at += c < 0 ? 1 : 2;
    if (c < 0)
        wrong(t, "a single '\\' at the end");
    else if (c == 'b' || c == 'B')
        obs__add_format(t->out, "\\%c", c);
    else if (c == 'k' && peek(t, 0) == '<')
        obs__add_text(t->out, "\\k");
    else if (c >= '1' && c <= '9') {
        t->at--;
        back_reference(t);
    } else if (is_set_letter(c))
        set_escape(t, c, 0);
    else
        common_escape(t, c);
}

static int class_item(translation *t)
{
    int c = peek(t, 0);
    if (c != '\\') {
        if (c == '[')
            obs__add_char(t->out, '\\'); /* else `[[:alpha:]]` would be a POSIX class */
        uint32_t character;
        size_t size = obs__utf8_decode(&character, t->at, (size_t)(t->end - t->at));
        pass(t, size ? size : 1);
        return ITEM_CHARACTER;
    }
    c = peek(t, 1);
    t->at += c < 0 ? 1 : 2;
    if (c == 'b')
        return add_character(t, 8);
    return is_set_letter(c) ? set_escape(t, c, 1) : common_escape(t, c);
}

static int class_dash(translation *t, int last)
{
    t->at++;
    if (last != ITEM_CHARACTER || peek(t, 0) == ']' || peek(t, 0) < 0) {
        obs__add_text(t->out, "\\-");
        return ITEM_CHARACTER;
    }
    obs__add_char(t->out, '-');
    if (class_item(t) == ITEM_SET)
        wrong(t, "a range cannot end in a set of characters");
    return ITEM_NONE;
}

static void class(translation *t)
{
    int last = ITEM_NONE;
    pass(t, peek(t, 1) == '^' ? 2 : 1);
    while (!t->why && peek(t, 0) >= 0 && peek(t, 0) != ']')
        last = peek(t, 0) == '-' ? class_dash(t, last) : class_item(t);
    if (peek(t, 0) < 0)
        wrong(t, "'[' without ']'");
    else if (!t->why)
        pass(t, 1);
}

/* The size of a counted repetition `{1}`, `{1,}` or `{1,2}` at this place, or 0. */
static size_t counted(const translation *t)
{
    size_t i = 1;
    while (peek(t, i) >= 0 && isdigit(peek(t, i)))
        i++;
    if (i == 1 || i > 6)
        return 0;
    size_t comma = i;
    if (peek(t, i) == ',')
        for (i++; peek(t, i) >= 0 && isdigit(peek(t, i)); i++)
            ;
    return peek(t, i) == '}' && i - comma < 7 ? i + 1 : 0;
}

static void quantifier(translation *t)
{
    size_t size = peek(t, 0) == '{' ? counted(t) : 1;
    if (!size) {
        obs__add_char(t->out, '\\');
        pass(t, 1);
        return;
    }
    pass(t, size);
    if (peek(t, 0) == '?')
        pass(t, 1);
    int c = peek(t, 0);
    if (c == '*' || c == '+' || c == '?' || (c == '{' && counted(t)))
        wrong(t, "a repetition of a repetition");
}

static void group(translation *t)
{
    static const char *const kinds[] = {"(?:", "(?=", "(?!", "(?<=", "(?<!", "(?<"};
    if (peek(t, 1) == '*') {
        wrong(t, "nothing to repeat");
        return;
    }
    if (peek(t, 1) != '?') {
        pass(t, 1);
        return;
    }
    obs__view rest = {t->at, (size_t)(t->end - t->at)};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (obs__starts_with(rest, obs__view_of(kinds[i], OBS_TEXT))) {
            pass(t, strlen(kinds[i]));
            return;
        }
    wrong(t, "not a group of ECMA-262 (those are '(', '(?:', '(?=', '(?!', '(?<=', '(?<!', '(?<name>')");
}

static void next(translation *t)
{
    switch (peek(t, 0)) {
    case '\\':
        escape_outside(t);
        break;
    case '[':
        class(t);
        break;
    case '(':
        group(t);
        break;
    case '.':
        obs__add_text(t->out, ANY);
        t->at++;
        break;
    case '*':
    case '+':
    case '?':
    case '{':
        quantifier(t);
        break;
    default:
        pass(t, 1);
    }
}

obs_status obs__regex_translate(obs__builder *out, const char *text, size_t size, obs_error *error)
{
    translation t = {text, text, text + size, out, NULL};
    while (!t.why && t.at < t.end)
        next(&t);
    if (!t.why)
        return obs__builder_status(out, error);
    obs__fail(error, OBS_INVALID_ARGUMENT, "not a regular expression at character %d: %s", (int)(t.at - text) + 1, t.why);
    return OBS_INVALID_ARGUMENT;
}
