/* The core schema of YAML 1.2.2, section 10.3.2. */
#include "base/yaml_scalar.h"

#include <string.h>

#include "base/json.h"

static int is_one_of(const char *text, size_t size, const char *const *words)
{
    for (; *words; words++)
        if (strlen(*words) == size && memcmp(*words, text, size) == 0)
            return 1;
    return 0;
}

static size_t span(const char *text, size_t size, const char *set)
{
    size_t at = 0;
    while (at < size && text[at] && strchr(set, text[at]))
        at++;
    return at;
}

static json_t *integer(const char *digits, size_t size, int base, int negative, const char **fault)
{
    uint64_t number = 0;
    uint64_t most = (uint64_t)INT64_MAX + (negative ? 1 : 0);
    for (size_t i = 0; i < size; i++) {
        char c = digits[i];
        uint64_t digit = (uint64_t)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
        if (number > (most - digit) / (uint64_t)base) {
            *fault = "an integer that does not fit into 64 bits: write it in quotes";
            return NULL;
        }
        number = number * (uint64_t)base + digit;
    }
    return json_integer(negative ? (json_int_t)(0 - number) : (json_int_t)number);
}

/* Put together as JSON, which is read the same way in every locale. */
static json_t *real(const char *text, size_t whole, size_t fraction, const char *exponent, size_t exponent_size, int negative,
                    const char **fault)
{
    obs__builder builder;
    json_t *json = NULL;
    const char *first = text;
    size_t digits = whole;
    while (digits > 1 && *first == '0') {
        first++;
        digits--;
    }
    obs__builder_init(&builder, OBS__JSON_SIZE_LIMIT);
    obs__add_text(&builder, negative ? "-" : "");
    obs__add(&builder, digits ? first : "0", digits ? digits : 1);
    obs__add_char(&builder, '.');
    obs__add(&builder, fraction ? text + whole + 1 : "0", fraction ? fraction : 1);
    obs__add(&builder, exponent, exponent_size);
    obs_status status = obs__builder_status(&builder, NULL);
    if (status == OBS_OK)
        status = obs__json_load(&json, builder.data, builder.size, NULL, NULL);
    if (status == OBS_INVALID_ARGUMENT)
        *fault = "a number that is too large: write it in quotes";
    obs__builder_free(&builder);
    return json;
}

/* Sets *json (or *fault) when the text is a number; returns whether it is one. */
static int number(json_t **json, const char *text, size_t size, const char **fault)
{
    static const char digits[] = "0123456789";
    if (size > 2 && text[0] == '0' && text[1] == 'o' && span(text + 2, size - 2, "01234567") == size - 2)
        return *json = integer(text + 2, size - 2, 8, 0, fault), 1;
    if (size > 2 && text[0] == '0' && text[1] == 'x' && span(text + 2, size - 2, "0123456789abcdefABCDEF") == size - 2)
        return *json = integer(text + 2, size - 2, 16, 0, fault), 1;
    int negative = text[0] == '-';
    const char *body = text + (negative || text[0] == '+');
    size_t left = size - (size_t)(body - text);
    size_t whole = span(body, left, digits);
    int point = whole < left && body[whole] == '.';
    size_t fraction = point ? span(body + whole + 1, left - whole - 1, digits) : 0;
    const char *exponent = body + whole + (size_t)point + fraction;
    size_t rest = left - (size_t)(exponent - body);
    if (whole + fraction == 0)
        return 0;
    if (rest) {
        size_t sign = rest > 1 && (exponent[1] == '-' || exponent[1] == '+');
        if ((*exponent | 0x20) != 'e' || rest < 2 + sign ||
            span(exponent + 1 + sign, rest - 1 - sign, digits) != rest - 1 - sign)
            return 0;
    }
    *json = point || rest ? real(body, whole, fraction, exponent, rest, negative, fault)
                          : integer(body, whole, 10, negative, fault);
    return 1;
}

json_t *obs__yaml_plain(const char *text, size_t size, const char **fault)
{
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL", NULL};
    static const char *const trues[] = {"true", "True", "TRUE", NULL};
    static const char *const falses[] = {"false", "False", "FALSE", NULL};
    static const char *const unreal[] = {".inf",  ".Inf",  ".INF", "+.inf", "+.Inf", "+.INF", "-.inf",
                                         "-.Inf", "-.INF", ".nan", ".NaN",  ".NAN",  NULL};
    json_t *json = NULL;
    *fault = NULL;
    if (is_one_of(text, size, nulls))
        return json_null();
    if (is_one_of(text, size, trues))
        return json_true();
    if (is_one_of(text, size, falses))
        return json_false();
    if (is_one_of(text, size, unreal)) {
        *fault = "infinities and 'not a number' cannot be used here";
        return NULL;
    }
    return number(&json, text, size, fault) ? json : json_stringn(text, size);
}
