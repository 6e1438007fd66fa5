/* Values of JSON as JSON Schema compares them. */
#ifndef OBS_BASE_SCHEMA_VALUE_H
#define OBS_BASE_SCHEMA_VALUE_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

/* A number as mantissa × 10^exponent, exactly as it is written shortest. */
typedef struct obs__decimal {
    uint64_t mantissa;
    int exponent;
} obs__decimal;

int obs__value_equal(const json_t *a, const json_t *b);   /* 1 equals 1.0 */
uint64_t obs__value_hash(const json_t *value);            /* equal values have equal hashes */
int obs__value_compare(const json_t *a, const json_t *b); /* two numbers, exactly: -1, 0, 1 */
int obs__value_is_integer(const json_t *value);
obs__decimal obs__decimal_of(const json_t *number);
int obs__decimal_multiple(obs__decimal value, obs__decimal divisor);
/* A short text of a value for messages. */
void obs__value_show(char *out, size_t capacity, const json_t *value);
/* A real number as it is written shortest; out holds 32 bytes. */
void obs__real_format(char *out, double value);

#endif
