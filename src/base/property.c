/* Tables of settings: reading values, and the reference page. */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/url.h"

struct unit {
    const char *name;
    int64_t factor;
};

/* A decimal number with a unit, as integer multiples of the smallest one. */
static int parse_with_unit(int64_t *out, const char *text, const struct unit *units)
{
    size_t digits = strspn(text, "0123456789");
    const char *fraction = text[digits] == '.' ? text + digits + 1 : NULL;
    size_t places = fraction ? strspn(fraction, "0123456789") : 0;
    const char *unit = fraction ? fraction + places : text + digits;
    if (!digits || digits > 18 || (fraction && (!places || places > 9)))
        return 0;
    while (units->name && strcmp(units->name, unit) != 0)
        units++;
    int64_t whole = strtoll(text, NULL, 10);
    if (!units->name || whole > INT64_MAX / units->factor - 1)
        return 0;
    int64_t power = 1;
    int64_t part = 0;
    for (size_t i = 0; i < places; i++) {
        power *= 10;
        part = part * 10 + (fraction[i] - '0');
    }
    /* What is smaller than one of the smallest unit is dropped; neither product exceeds 64 bits. */
    *out = whole * units->factor + units->factor / power * part + units->factor % power * part / power;
    return 1;
}

int obs__duration_parse(int64_t *out_ns, const char *text)
{
    static const struct unit units[] = {{"ns", 1},          {"us", 1000},         {"ms", 1000000},       {"s", 1000000000},
                                        {"m", 60000000000}, {"h", 3600000000000}, {"d", 86400000000000}, {NULL, 0}};
    int64_t sum = 0;
    if (strcmp(text, "0") == 0)
        return *out_ns = 0, 1;
    do { /* `1h30m`: one part after the other */
        char part[40];
        int64_t ns = 0;
        size_t size = strspn(text, "0123456789.");
        size += strcspn(text + size, "0123456789.");
        if (size >= sizeof part)
            return 0;
        memcpy(part, text, size);
        part[size] = '\0';
        if (!parse_with_unit(&ns, part, units) || ns > INT64_MAX - sum)
            return 0;
        sum += ns;
        text += size;
    } while (*text);
    *out_ns = sum;
    return 1;
}

int obs__size_parse(int64_t *out_bytes, const char *text)
{
    static const struct unit units[] = {{"", 1},
                                        {"B", 1},
                                        {"KiB", 1024},
                                        {"MiB", 1048576},
                                        {"GiB", 1073741824},
                                        {"TiB", 1099511627776},
                                        {"kB", 1000},
                                        {"MB", 1000000},
                                        {"GB", 1000000000},
                                        {"TB", 1000000000000},
                                        {NULL, 0}};
    return parse_with_unit(out_bytes, text, units);
}

#define MOST_ROWS 64

static obs_status fail_unknown(const obs__property *table, size_t count, const char *name, obs_error *error)
{
    const char *names[MOST_ROWS + 1];
    obs__builder list;
    obs__builder_init(&list, 256);
    for (size_t i = 0; i < count && i < MOST_ROWS; i++) {
        names[i] = table[i].name;
        if (i)
            obs__add_text(&list, ", ");
        obs__add_text(&list, table[i].name);
    }
    names[count < MOST_ROWS ? count : MOST_ROWS] = NULL;
    const char *nearest = obs__nearest(name, names);
    if (nearest)
        obs__fail(error, OBS_INVALID_ARGUMENT, "unknown setting '%.64s': did you mean '%s'?", name, nearest);
    else
        obs__fail(error, OBS_INVALID_ARGUMENT, "unknown setting '%.64s'; known are: %s", name, list.data ? list.data : "none");
    obs__builder_free(&list);
    return OBS_INVALID_ARGUMENT;
}

static int parse_integer(int64_t *out, const char *text)
{
    const char *digits = text + (*text == '-');
    size_t size = strspn(digits, "0123456789");
    if (!size || digits[size] || size > 18)
        return 0;
    *out = strtoll(text, NULL, 10);
    return 1;
}

static int parse_boolean(int64_t *out, const char *text)
{
    *out = strcmp(text, "true") == 0;
    return *out || strcmp(text, "false") == 0;
}

static int parse_choice(int64_t *out, const char *text, const char *choices)
{
    size_t size = strlen(text);
    for (*out = 0; *choices; ++*out) {
        size_t length = strcspn(choices, " ");
        if (size == length && memcmp(text, choices, size) == 0)
            return 1;
        choices += length + strspn(choices + length, " ");
    }
    return 0;
}

static int parse_value(int64_t *out, const obs__property *row, const char *text)
{
    switch (row->type) {
    case OBS__PROPERTY_INTEGER:
        return parse_integer(out, text);
    case OBS__PROPERTY_BOOLEAN:
        return parse_boolean(out, text);
    case OBS__PROPERTY_DURATION:
        return obs__duration_parse(out, text);
    case OBS__PROPERTY_SIZE:
        return obs__size_parse(out, text);
    case OBS__PROPERTY_CHOICE:
        return parse_choice(out, text, row->choices);
    default:
        return 1;
    }
}

static const char *type_text(const obs__property *row)
{
    static const char *const texts[] = {"a text", "an integer", "true or false", "a duration as in 30s", "a size as in 64MiB"};
    return row->type == OBS__PROPERTY_CHOICE ? row->choices : texts[row->type];
}

/* The value itself is not repeated: it may be a secret in the wrong place. */
static obs_status set_value(obs__value *value, const obs__property *row, const char *text, obs_error *error)
{
    int64_t number = 0;
    int64_t bound;
    if (!parse_value(&number, row, text))
        return obs__fail(error, OBS_INVALID_ARGUMENT, "'%s' must be %s%s", row->name,
                         row->type == OBS__PROPERTY_CHOICE ? "one of: " : "", type_text(row));
    int low = row->least && parse_value(&bound, row, row->least) && number < bound;
    int high = row->most && parse_value(&bound, row, row->most) && number > bound;
    if (low || high)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "'%s' must be %s %s", row->name, low ? "at least" : "at most",
                         low ? row->least : row->most);
    value->text = text;
    value->number = number;
    return OBS_OK;
}

obs_status obs__properties_init(obs__value *values, const obs__property *table, size_t count, obs_error *error)
{
    obs_status status = OBS_OK;
    memset(values, 0, count * sizeof *values);
    for (size_t i = 0; i < count && status == OBS_OK; i++)
        if (table[i].standard)
            status = set_value(&values[i], &table[i], table[i].standard, error);
    return status;
}

obs_status obs__properties_set(obs__value *values, const obs__property *table, size_t count, const char *name, const char *text,
                               obs_error *error)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(table[i].name, name) == 0) {
            obs_status status = set_value(&values[i], &table[i], text, error);
            values[i].is_set |= status == OBS_OK;
            return status;
        }
    return fail_unknown(table, count, name, error);
}

obs_status obs__properties_of_url(obs__value *values, const obs__property *table, size_t count, const obs__url *url,
                                  obs_error *error)
{
    obs_status status = obs__properties_init(values, table, count, error);
    for (size_t i = 0; i < url->setting_count && status == OBS_OK; i++)
        status = obs__properties_set(values, table, count, url->settings[i].name, url->settings[i].value, error);
    return status;
}

static void add_range(obs__builder *out, const obs__property *row)
{
    if (row->least && row->most)
        obs__add_format(out, ", %s to %s", row->least, row->most);
    else if (row->least || row->most)
        obs__add_format(out, ", at %s %s", row->least ? "least" : "most", row->least ? row->least : row->most);
}

void obs__properties_markdown(obs__builder *out, const obs__property *table, size_t count)
{
    obs__add_text(out, "| setting | value | default | meaning |\n| --- | --- | --- | --- |\n");
    for (size_t i = 0; i < count; i++) {
        const obs__property *row = &table[i];
        obs__add_format(out, "| `%s` | %s", row->name, type_text(row));
        add_range(out, row);
        if (row->standard)
            obs__add_format(out, " | `%s` | %s |\n", row->standard, row->help);
        else
            obs__add_format(out, " | – | %s |\n", row->help);
    }
}
