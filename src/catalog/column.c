/* Columns are read: which entries of a block may fulfil a comparison. Written in column_encode.c. */
#include "catalog/column.h"

#include <endian.h>
#include <string.h>

#include "catalog/column_inside.h"

static uint16_t read16(const char *at)
{
    uint16_t number;
    memcpy(&number, at, sizeof number);
    return le16toh(number);
}

static double read_number(const char *at)
{
    uint64_t bits;
    double number;
    memcpy(&bits, at, sizeof bits);
    bits = le64toh(bits);
    memcpy(&number, &bits, sizeof number);
    return number;
}

uint16_t obs__column_step(double number, double least, double greatest)
{
    /* Halves, because the difference of two doubles can be too large for one. Every step here is monotonous. */
    double range = greatest / 2 - least / 2;
    double part = range > 0 ? (number / 2 - least / 2) / range : 0;
    return part <= 0 ? 0 : part >= 1 ? 65535 : (uint16_t)(part * 65535);
}

uint16_t obs__column_hash(obs__view text)
{
    uint32_t hash = 2166136261u; /* FNV-1a */
    for (size_t i = 0; i < text.size; i++)
        hash = (hash ^ (unsigned char)text.data[i]) * 16777619u;
    return (uint16_t)(hash >> 16 ^ hash);
}

static int is_key(const obs__condition *condition)
{
    return obs__view_is(condition->name, OBS__OWN "key");
}

/* A key that begins like this. */
static int key_fits(const obs__condition *condition, obs__view beginning)
{
    size_t size = beginning.size < condition->text.size ? beginning.size : condition->text.size;
    int order = size ? memcmp(beginning.data, condition->text.data, size) : 0;
    switch (condition->comparison) {
    case OBS__LT:
    case OBS__LE:
        return order <= 0;
    case OBS__GT:
    case OBS__GE:
        return order >= 0;
    default:
        return order == 0;
    }
}

static int text_fits(const obs__condition *condition, obs__view text)
{
    return is_key(condition) ? key_fits(condition, text)
                             : obs__condition_meets(condition, &(obs__point){.text = text, .is_text = 1});
}

/* Whether a column can say something about this comparison: numbers that were texts compare as texts with a text. */
static int is_decided(const obs__condition *condition, int is_text, int *answer)
{
    *answer = 0;
    if (condition->within_count) /* places are numbers */
        return is_text;
    if (is_text || condition->is_number)
        return 0;
    *answer = condition->comparison > OBS__NE || condition->prefix;
    return 1;
}

static void add(uint64_t *set, size_t place, int holds)
{
    set[place >> 6] |= (uint64_t)(holds != 0) << (place & 63);
}

typedef struct reader {
    const char *at;
    const char *end;
    int kind;
    int dense;
    size_t count;
} reader;

static int begin(reader *reader, obs__view column)
{
    if (column.size < 4)
        return 0;
    reader->at = column.data + 4;
    reader->end = column.data + column.size;
    reader->kind = column.data[0];
    reader->dense = column.data[1];
    reader->count = read16(column.data + 2);
    return !reader->dense || reader->count == OBS__BLOCK_SIZE;
}

static int has(const reader *reader, size_t size)
{
    return (size_t)(reader->end - reader->at) >= size;
}

static size_t place_at(const reader *reader, const char *places, size_t i)
{
    return reader->dense ? i : read16(places + 2 * i) & (OBS__BLOCK_SIZE - 1);
}

static const char *take_places(reader *reader)
{
    const char *places = reader->at;
    size_t size = reader->dense ? 0 : 2 * reader->count;
    if (!has(reader, size))
        return NULL;
    reader->at += size;
    return places;
}

static int number_table(unsigned char *table, reader *reader, size_t distinct, const obs__condition *condition)
{
    if (!has(reader, 8 * distinct))
        return 0;
    for (size_t i = 0; i < distinct; i++, reader->at += 8)
        table[i] =
            (unsigned char)obs__condition_meets(condition, &(obs__point){.number = read_number(reader->at), .is_number = 1});
    return 1;
}

static int text_table(unsigned char *table, reader *reader, size_t distinct, const obs__condition *condition)
{
    const char *sizes = reader->at;
    if (!has(reader, 2 * distinct))
        return 0;
    reader->at += 2 * distinct;
    for (size_t i = 0; i < distinct; i++) {
        size_t size = read16(sizes + 2 * i);
        if (!has(reader, size))
            return 0;
        table[i] = (unsigned char)text_fits(condition, (obs__view){reader->at, size});
        reader->at += size;
    }
    return 1;
}

/* Few distinct ones: each is compared once, and the answer is the truth. */
static int match_table(uint64_t *set, reader *reader, const obs__condition *condition)
{
    unsigned char table[256] = {0};
    if (!has(reader, 2))
        return 0;
    size_t distinct = read16(reader->at);
    reader->at += 2;
    if (!distinct || distinct > 256)
        return 0;
    if (!(reader->kind == OBS__COLUMN_NUMBERS ? number_table : text_table)(table, reader, distinct, condition))
        return 0;
    const char *places = take_places(reader);
    if (!places || !has(reader, distinct == 1 ? 0 : reader->count))
        return 0;
    for (size_t i = 0; i < reader->count; i++)
        add(set, place_at(reader, places, i), table[distinct == 1 ? 0 : (unsigned char)reader->at[i]]);
    return 1;
}

static int match_codes(uint64_t *set, reader *reader, unsigned from, unsigned to)
{
    const char *places = take_places(reader);
    if (!places || !has(reader, 2 * reader->count))
        return 0;
    for (size_t i = 0; i < reader->count; i++) {
        unsigned code = read16(reader->at + 2 * i);
        add(set, place_at(reader, places, i), code >= from && code <= to);
    }
    return 1;
}

static int match_ranges(uint64_t *set, reader *reader, const obs__condition *condition)
{
    if (!has(reader, 16))
        return 0;
    double least = read_number(reader->at), greatest = read_number(reader->at + 8), number = condition->number;
    unsigned step = obs__column_step(number, least, greatest), from = 0, to = 65535;
    reader->at += 16;
    switch (condition->comparison) {
    case OBS__LT:
    case OBS__LE:
        to = step;
        if (number < least)
            return 1;
        break;
    case OBS__GT:
    case OBS__GE:
        from = step;
        if (number > greatest)
            return 1;
        break;
    default:
        from = to = step;
        if (number < least || number > greatest)
            return 1;
    }
    return match_codes(set, reader, from, to);
}

/* Places of a cone: what lies between the bounds of an interval, in one go. */
static int match_intervals(uint64_t *set, reader *reader, const obs__condition *condition)
{
    if (!has(reader, 16))
        return 0;
    double least = read_number(reader->at), greatest = read_number(reader->at + 8);
    reader->at += 16;
    for (int i = 0; i < condition->within_count; i++) {
        struct reader again = *reader;
        const obs__interval *within = &condition->within[i];
        if (within->greatest < least || within->least > greatest)
            continue;
        if (!match_codes(set, &again, obs__column_step(within->least, least, greatest),
                         obs__column_step(within->greatest, least, greatest)))
            return 0;
    }
    return 1;
}

static int match_hashes(uint64_t *set, reader *reader, const obs__condition *condition)
{
    unsigned hash = obs__column_hash(condition->text);
    int is_equal = condition->comparison <= OBS__NE && !condition->prefix && !is_key(condition);
    return match_codes(set, reader, is_equal ? hash : 0, is_equal ? hash : 65535);
}

static int match(uint64_t *set, obs__view column, const obs__condition *condition, int is_text)
{
    reader reader;
    int answer;
    if (!begin(&reader, column))
        return 0;
    int decided = is_decided(condition, is_text, &answer);
    if (decided)
        return !answer;
    switch (reader.kind) {
    case OBS__COLUMN_NUMBERS:
    case OBS__COLUMN_TEXTS:
        return match_table(set, &reader, condition);
    case OBS__COLUMN_RANGES:
        if (condition->within_count)
            return match_intervals(set, &reader, condition);
        return match_ranges(set, &reader, condition);
    case OBS__COLUMN_HASHES:
        return match_hashes(set, &reader, condition);
    default:
        return 0;
    }
}

/* Only the tables hold what the entries hold, and none holds whole keys. */
static int is_exact(obs__view column, const obs__condition *condition)
{
    int kind = column.size ? column.data[0] : 0;
    return (kind == OBS__COLUMN_NUMBERS || kind == OBS__COLUMN_TEXTS) && !is_key(condition);
}

void obs__column_match(uint64_t set[OBS__BLOCK_WORDS], obs__view column, const obs__condition *condition, int is_text, int sure)
{
    uint64_t found[OBS__BLOCK_WORDS] = {0};
    int understood = match(found, column, condition, is_text);
    if (sure && (!understood || !is_exact(column, condition)))
        return;
    for (size_t i = 0; i < OBS__BLOCK_WORDS; i++)
        set[i] |= understood ? found[i] : UINT64_MAX;
}
