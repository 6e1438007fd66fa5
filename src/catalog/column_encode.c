/* Columns are written: the smallest form that still says enough. Read in column.c. */
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "catalog/column.h"
#include "catalog/column_inside.h"

#define MOST_DISTINCT 256
#define MOST_TABLE_BYTES 8192
#define MOST_ITEMS 65535
#define LONGEST_KEY 1024
#define MOST_CUTS 64 /* so that the column stays below one page of the database */
#define MOST_CUT_BYTES 2048

static void add16(obs__builder *out, size_t number)
{
    uint16_t bytes = htole16((uint16_t)number);
    obs__add(out, &bytes, sizeof bytes);
}

static void add_number(obs__builder *out, double number)
{
    uint64_t bits;
    memcpy(&bits, &number, sizeof bits);
    bits = htole64(bits);
    obs__add(out, &bits, sizeof bits);
}

static int compare_number(const void *a, const void *b)
{
    double x = ((const obs__item *)a)->number, y = ((const obs__item *)b)->number;
    return (x > y) - (x < y);
}

static int compare_text(const void *a, const void *b)
{
    obs__view x = ((const obs__item *)a)->text, y = ((const obs__item *)b)->text;
    size_t size = x.size < y.size ? x.size : y.size;
    int order = size ? memcmp(x.data, y.data, size) : 0;
    return order ? order : (x.size > y.size) - (x.size < y.size);
}

/* Sorted, each once. Returns how many; MOST_DISTINCT + 1 for more. */
static size_t find_distinct(obs__item *sorted, size_t count, int is_text)
{
    int (*compare)(const void *, const void *) = is_text ? compare_text : compare_number;
    size_t distinct = 1, bytes = sorted[0].text.size;
    size_t same = 1;
    while (same < count && compare(&sorted[0], &sorted[same]) == 0)
        same++;
    if (same < count) { /* else all are equal, and most columns are like that */
        qsort(sorted, count, sizeof *sorted, compare);
        bytes = sorted[0].text.size;
        for (size_t i = 1; i < count && distinct <= MOST_DISTINCT; i++) {
            if (compare(&sorted[distinct - 1], &sorted[i]) == 0)
                continue;
            if (distinct < MOST_DISTINCT)
                sorted[distinct] = sorted[i];
            bytes += sorted[i].text.size;
            distinct++;
        }
    }
    return is_text && bytes > MOST_TABLE_BYTES ? MOST_DISTINCT + 1 : distinct;
}

static void add_places(obs__builder *out, const obs__item *items, size_t count, int dense)
{
    for (size_t i = 0; i < count && !dense; i++)
        add16(out, items[i].place);
}

static void add_table(obs__builder *out, const obs__item *items, size_t count, int dense, const obs__item *table,
                      size_t distinct, int is_text)
{
    add16(out, distinct);
    for (size_t i = 0; i < distinct; i++)
        is_text ? add16(out, table[i].text.size) : add_number(out, table[i].number);
    for (size_t i = 0; i < distinct && is_text; i++)
        obs__add(out, table[i].text.data, table[i].text.size);
    add_places(out, items, count, dense);
    for (size_t i = 0; i < count && distinct > 1; i++) {
        const obs__item *at = bsearch(&items[i], table, distinct, sizeof *table, is_text ? compare_text : compare_number);
        obs__add_char(out, (char)(at - table));
    }
}

static void add_codes(obs__builder *out, const obs__item *items, size_t count, int dense, const obs__item *sorted, int is_text)
{
    double least = sorted[0].number, greatest = least;
    for (size_t i = 0; i < count && !is_text; i++) {
        least = items[i].number < least ? items[i].number : least;
        greatest = items[i].number > greatest ? items[i].number : greatest;
    }
    if (!is_text) {
        add_number(out, least);
        add_number(out, greatest);
    }
    add_places(out, items, count, dense);
    for (size_t i = 0; i < count; i++)
        add16(out, is_text ? obs__column_hash(items[i].text) : obs__column_step(items[i].number, least, greatest));
}

static int is_dense(const obs__item *items, size_t count)
{
    size_t i = 0;
    while (i < count && items[i].place == i)
        i++;
    return i == count && count == OBS__BLOCK_SIZE;
}

static void begin(obs__builder *out, int kind, int dense, size_t count)
{
    obs__add_char(out, (char)kind);
    obs__add_char(out, (char)dense);
    add16(out, count);
}

obs_status obs__column_encode(obs__builder *out, const obs__item *items, size_t count, int is_text, obs_error *error)
{
    if (count > MOST_ITEMS) {
        begin(out, OBS__COLUMN_ANY, 0, 0);
        return obs__builder_status(out, error);
    }
    obs__item *sorted = obs__alloc(count * sizeof *sorted);
    if (!sorted)
        return obs__fail_memory(error);
    memcpy(sorted, items, count * sizeof *sorted);
    int dense = is_dense(items, count);
    size_t distinct = find_distinct(sorted, count, is_text);
    int small = distinct <= MOST_DISTINCT;
    begin(out, small ? OBS__COLUMN_NUMBERS + is_text : OBS__COLUMN_RANGES + is_text, dense, count);
    if (small)
        add_table(out, items, count, dense, sorted, distinct, is_text);
    else
        add_codes(out, items, count, dense, sorted, is_text);
    obs__free(sorted);
    return obs__builder_status(out, error);
}

static size_t alike(obs__view a, obs__view b)
{
    size_t i = 0;
    while (i < a.size && i < b.size && a.data[i] == b.data[i])
        i++;
    return i;
}

/* The greatest length at which the sorted keys have few enough different beginnings. */
static size_t find_cut(const obs__item *sorted, size_t count)
{
    uint16_t differ[LONGEST_KEY + 1] = {0}; /* how many neighbours first differ behind so many bytes */
    size_t length = 0, distinct = 1;
    for (size_t i = 1; i < count; i++) {
        size_t same = alike(sorted[i - 1].text, sorted[i].text);
        differ[same < LONGEST_KEY ? same : LONGEST_KEY]++;
    }
    while (length < LONGEST_KEY) {
        distinct += differ[length];
        if (distinct > MOST_CUTS || distinct * (length + 1) > MOST_CUT_BYTES)
            break;
        length++;
    }
    return length;
}

obs_status obs__column_cut_keys(obs__item *items, size_t count, obs_error *error)
{
    obs__item *sorted = obs__alloc(count * sizeof *sorted);
    if (!sorted)
        return obs__fail_memory(error);
    memcpy(sorted, items, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, compare_text);
    size_t cut = find_cut(sorted, count);
    for (size_t i = 0; i < count; i++)
        items[i].text.size = items[i].text.size < cut ? items[i].text.size : cut;
    obs__free(sorted);
    return OBS_OK;
}
