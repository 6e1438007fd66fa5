/* Values of JSON as JSON Schema compares them: 1 equals 1.0, and numbers are exact. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/schema_value.h"

enum { SHOWN_MAX = 60 };

int obs__value_is_integer(const json_t *value)
{
    if (json_is_integer(value))
        return 1;
    double real = json_real_value(value);
    return json_is_real(value) && isfinite(real) && real == trunc(real);
}

static int compare_reals(double a, double b)
{
    return (a > b) - (a < b);
}

/* Exactly, although a double cannot hold every 64-bit integer. */
static int compare_mixed(json_int_t integer, double real)
{
    if (real >= 9223372036854775808.0)
        return -1;
    if (real < -9223372036854775808.0)
        return 1;
    json_int_t whole = (json_int_t)trunc(real);
    if (integer != whole)
        return integer < whole ? -1 : 1;
    return compare_reals(0, real - trunc(real));
}

int obs__value_compare(const json_t *a, const json_t *b)
{
    if (json_is_integer(a) && json_is_integer(b)) {
        json_int_t x = json_integer_value(a);
        json_int_t y = json_integer_value(b);
        return (x > y) - (x < y);
    }
    if (json_is_integer(a))
        return compare_mixed(json_integer_value(a), json_real_value(b));
    if (json_is_integer(b))
        return -compare_mixed(json_integer_value(b), json_real_value(a));
    return compare_reals(json_real_value(a), json_real_value(b));
}

static int equal_objects(const json_t *a, const json_t *b)
{
    const char *name;
    json_t *value;
    if (json_object_size(a) != json_object_size(b))
        return 0;
    json_object_foreach((json_t *)a, name, value)
    {
        const json_t *other = json_object_get(b, name);
        if (!other || !obs__value_equal(value, other))
            return 0;
    }
    return 1;
}

static int equal_arrays(const json_t *a, const json_t *b)
{
    if (json_array_size(a) != json_array_size(b))
        return 0;
    for (size_t i = 0; i < json_array_size(a); i++)
        if (!obs__value_equal(json_array_get(a, i), json_array_get(b, i)))
            return 0;
    return 1;
}

int obs__value_equal(const json_t *a, const json_t *b)
{
    if (json_is_number(a) && json_is_number(b))
        return obs__value_compare(a, b) == 0;
    if (json_typeof(a) != json_typeof(b))
        return 0;
    if (json_is_string(a))
        return json_string_length(a) == json_string_length(b) &&
               memcmp(json_string_value(a), json_string_value(b), json_string_length(a)) == 0;
    if (json_is_array(a))
        return equal_arrays(a, b);
    return json_is_object(a) ? equal_objects(a, b) : 1;
}

static uint64_t mix(uint64_t a, uint64_t b)
{
    a = (a ^ b) * 0x9E3779B97F4A7C15u;
    return a ^ (a >> 29);
}

static uint64_t hash_bytes(const char *data, size_t size)
{
    uint64_t hash = 0xCBF29CE484222325u;
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ (unsigned char)data[i]) * 0x100000001B3u;
    return mix(hash, size);
}

static uint64_t hash_number(const json_t *value)
{
    double real = json_number_value(value);
    uint64_t bits;
    if (real == 0)
        real = 0; /* -0 equals 0 */
    memcpy(&bits, &real, sizeof bits);
    return mix(bits, 1);
}

static uint64_t hash_object(const json_t *value)
{
    const char *name;
    json_t *member;
    uint64_t sum = 2;
    json_object_foreach((json_t *)value, name, member) sum += mix(hash_bytes(name, strlen(name)), obs__value_hash(member));
    return sum;
}

uint64_t obs__value_hash(const json_t *value)
{
    uint64_t hash = (uint64_t)json_typeof(value) + 16;
    if (json_is_number(value))
        return hash_number(value);
    if (json_is_string(value))
        return hash_bytes(json_string_value(value), json_string_length(value));
    if (json_is_object(value))
        return hash_object(value);
    for (size_t i = 0; i < json_array_size(value); i++)
        hash = mix(hash, obs__value_hash(json_array_get(value, i)));
    return hash;
}

void obs__real_format(char *out, double value)
{
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(out, 32, "%.*g", digits, value);
        if (strtod(out, NULL) == value)
            break;
    }
    for (char *c = out; *c; c++) /* some locales write a comma */
        if (*c == ',')
            *c = '.';
}

obs__decimal obs__decimal_of(const json_t *number)
{
    obs__decimal decimal = {0, 0};
    char text[32];
    if (json_is_integer(number)) {
        json_int_t value = json_integer_value(number);
        decimal.mantissa = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
        return decimal;
    }
    obs__real_format(text, json_real_value(number));
    int behind_point = 0;
    for (const char *c = text; *c; c++) {
        if (*c >= '0' && *c <= '9') {
            decimal.mantissa = decimal.mantissa * 10 + (uint64_t)(*c - '0');
            decimal.exponent -= behind_point;
        } else if (*c == '.')
            behind_point = 1;
        else if (*c == 'e') {
            decimal.exponent += atoi(c + 1);
            break;
        }
    }
    return decimal;
}

__extension__ typedef unsigned __int128 wide;

static uint64_t power_of_ten(unsigned exponent, uint64_t modulus)
{
    wide result = 1 % modulus;
    wide factor = 10 % modulus;
    for (; exponent; exponent >>= 1) {
        if (exponent & 1)
            result = result * factor % modulus;
        factor = factor * factor % modulus;
    }
    return (uint64_t)result;
}

int obs__decimal_multiple(obs__decimal value, obs__decimal divisor)
{
    int shift = value.exponent - divisor.exponent;
    if (!value.mantissa || !divisor.mantissa)
        return !value.mantissa;
    if (shift >= 0) {
        wide rest = (wide)(value.mantissa % divisor.mantissa) * power_of_ten((unsigned)shift, divisor.mantissa);
        return rest % divisor.mantissa == 0;
    }
    wide scaled = divisor.mantissa;
    for (; shift < 0 && scaled <= value.mantissa; shift++)
        scaled *= 10;
    return shift == 0 && value.mantissa % scaled == 0;
}

void obs__value_show(char *out, size_t capacity, const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_STRING:
        snprintf(out, capacity, json_string_length(value) > SHOWN_MAX ? "\"%.60s…\"" : "\"%.60s\"", json_string_value(value));
        break;
    case JSON_INTEGER:
        snprintf(out, capacity, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        break;
    case JSON_REAL: {
        char digits[32];
        obs__real_format(digits, json_real_value(value));
        snprintf(out, capacity, "%s", digits);
        break;
    }
    case JSON_ARRAY:
        snprintf(out, capacity, "this array");
        break;
    case JSON_OBJECT:
        snprintf(out, capacity, "this object");
        break;
    default:
        snprintf(out, capacity, "%s", json_is_true(value) ? "true" : json_is_false(value) ? "false" : "null");
    }
}
