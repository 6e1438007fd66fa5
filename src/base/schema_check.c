/* Assertions about one value: its type, its range, its text. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/schema_run.h"

static unsigned type_of(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_NULL:
        return OBS__TYPE_NULL;
    case JSON_TRUE:
    case JSON_FALSE:
        return OBS__TYPE_BOOLEAN;
    case JSON_INTEGER:
        return OBS__TYPE_INTEGER | OBS__TYPE_NUMBER;
    case JSON_REAL:
        return OBS__TYPE_NUMBER | (obs__value_is_integer(value) ? OBS__TYPE_INTEGER : 0);
    case JSON_STRING:
        return OBS__TYPE_STRING;
    case JSON_ARRAY:
        return OBS__TYPE_ARRAY;
    default:
        return OBS__TYPE_OBJECT;
    }
}

static int report_type(obs__schema_run *run, const obs__schema_node *node, const obs__schema_place *place)
{
    static const char *const names[] = {"null", "a boolean", "an integer", "a number", "a string", "an array", "an object"};
    char shown[256];
    char list[128];
    size_t used = 0;
    list[0] = '\0';
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
        if (!(node->types & 1u << i))
            continue;
        const char *between = used ? " or " : "";
        size_t size = strlen(between) + strlen(names[i]);
        if (used + size < sizeof list)
            strcat(strcat(list, between), names[i]);
        used += size;
    }
    obs__value_show(shown, sizeof shown, place->value);
    return obs__schema_report(run, place->path, "%s is not %s", shown, list);
}

int obs__schema_check_type(obs__schema_run *run, const obs__schema_node *node, const obs__schema_place *place)
{
    if (!node->types || (node->types & type_of(place->value)))
        return 1;
    return run->failure ? report_type(run, node, place) : 0;
}

static int report_values(obs__schema_run *run, const obs__schema_values *values, const obs__schema_place *place)
{
    char shown[256];
    char list[200] = "";
    size_t used = 0;
    for (size_t i = 0; i < values->count; i++) {
        obs__value_show(shown, sizeof shown, values->items[i]);
        size_t size = strlen(shown) + 2;
        if (used + size + 8 > sizeof list) {
            strcat(list, ", …");
            break;
        }
        strcat(strcat(list, used ? ", " : ""), shown);
        used += size;
    }
    obs__value_show(shown, sizeof shown, place->value);
    return obs__schema_report(run, place->path, values->constant ? "%s is not %s" : "%s is not one of %s", shown, list);
}

static int check_values(obs__schema_run *run, const obs__schema_values *values, const obs__schema_place *place)
{
    if (!obs__schema_steps(run, values->count / 4))
        return 0;
    for (size_t i = 0; i < values->count; i++)
        if (obs__value_equal(values->items[i], place->value))
            return 1;
    return run->failure ? report_values(run, values, place) : 0;
}

static int report_number(obs__schema_run *run, const obs__schema_place *place, const char *is, const json_t *bound)
{
    char shown[256];
    char limit[256];
    if (!run->failure)
        return 0;
    obs__value_show(shown, sizeof shown, place->value);
    obs__value_show(limit, sizeof limit, bound);
    return obs__schema_report(run, place->path, "%s %s %s", shown, is, limit);
}

static int check_number(obs__schema_run *run, const obs__schema_number *number, const obs__schema_place *place)
{
    const json_t *value = place->value;
    if (number->minimum && obs__value_compare(value, number->minimum) < 0)
        return report_number(run, place, "is less than the minimum", number->minimum);
    if (number->maximum && obs__value_compare(value, number->maximum) > 0)
        return report_number(run, place, "is greater than the maximum", number->maximum);
    if (number->above && obs__value_compare(value, number->above) <= 0)
        return report_number(run, place, "is not greater than", number->above);
    if (number->below && obs__value_compare(value, number->below) >= 0)
        return report_number(run, place, "is not less than", number->below);
    if (number->multiple && !obs__decimal_multiple(obs__decimal_of(value), number->divisor))
        return report_number(run, place, "is not a multiple of", number->multiple);
    return 1;
}

static uint64_t characters(const char *text, size_t size)
{
    uint64_t count = 0;
    for (size_t i = 0; i < size; i++)
        count += ((unsigned char)text[i] & 0xC0) != 0x80;
    return count;
}

static int check_length(obs__schema_run *run, const obs__schema_string *string, const obs__schema_place *place, size_t size)
{
    /* Most texts are ASCII or far from the limits: count characters only when bytes do not decide. */
    if (size >= string->least * 4 && size <= string->most)
        return 1;
    unsigned long long count = characters(json_string_value(place->value), size);
    if (count < string->least)
        return obs__schema_report(run, place->path, "the text has %llu characters, fewer than %llu", count,
                                  (unsigned long long)string->least);
    if (count > string->most)
        return obs__schema_report(run, place->path, "the text has %llu characters, more than %llu", count,
                                  (unsigned long long)string->most);
    return 1;
}

static int check_string(obs__schema_run *run, const obs__schema_string *string, const obs__schema_place *place)
{
    char shown[256];
    const char *text = json_string_value(place->value);
    size_t size = json_string_length(place->value);
    if (!check_length(run, string, place, size))
        return 0;
    if (string->pattern && !obs__schema_matches(run, string->pattern, text, size)) {
        obs__value_show(shown, sizeof shown, place->value);
        return obs__schema_report(run, place->path, "%s does not match the pattern %.120s", shown, string->pattern_text);
    }
    if (string->format && !string->format->fits(text, size)) {
        obs__value_show(shown, sizeof shown, place->value);
        return obs__schema_report(run, place->path, "%s is not a valid %s", shown, string->format->name);
    }
    return 1;
}

int obs__schema_check_value(obs__schema_run *run, const obs__schema_node *node, const obs__schema_place *place)
{
    int fits = !node->constant || check_values(run, node->constant, place);
    if ((fits || run->failure) && node->values)
        fits &= check_values(run, node->values, place);
    if ((fits || run->failure) && node->number && json_is_number(place->value))
        fits &= check_number(run, node->number, place);
    if ((fits || run->failure) && node->string && json_is_string(place->value))
        fits &= check_string(run, node->string, place);
    return fits;
}

typedef struct hashed {
    uint64_t hash;
    size_t index;
} hashed;

static int by_hash(const void *a, const void *b)
{
    const hashed *x = a;
    const hashed *y = b;
    if (x->hash != y->hash)
        return x->hash < y->hash ? -1 : 1;
    return (x->index > y->index) - (x->index < y->index);
}

static int find_twins(obs__schema_run *run, const json_t *array, const hashed *items, size_t *out_first, size_t *out_second)
{
    size_t count = json_array_size(array);
    for (size_t i = 0; i < count; i++)
        for (size_t j = i + 1; j < count && items[j].hash == items[i].hash; j++) {
            if (!obs__schema_steps(run, 1))
                return 0;
            if (obs__value_equal(json_array_get(array, items[i].index), json_array_get(array, items[j].index))) {
                *out_first = items[i].index;
                *out_second = items[j].index;
                return 0;
            }
        }
    return 1;
}

int obs__schema_unique(obs__schema_run *run, const json_t *array, size_t *out_first, size_t *out_second)
{
    hashed few[32];
    size_t count = json_array_size(array);
    hashed *items = count <= 32 ? few : obs__calloc(count, sizeof *items);
    if (!items)
        return obs__schema_no_memory(run);
    for (size_t i = 0; i < count; i++)
        items[i] = (hashed){obs__value_hash(json_array_get(array, i)), i};
    qsort(items, count, sizeof *items, by_hash);
    int unique = find_twins(run, array, items, out_first, out_second);
    if (items != few)
        obs__free(items);
    return unique;
}
