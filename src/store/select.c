/* A heap with the largest key on top: what is larger than all of a full heap stays out. */
#include "store/select.h"

#include <stdlib.h>
#include <string.h>

int obs__compare(obs__view a, obs__view b)
{
    size_t size = a.size < b.size ? a.size : b.size;
    int order = size ? memcmp(a.data, b.data, size) : 0;
    return order ? order : (a.size > b.size) - (a.size < b.size);
}

void obs__select_init(obs__select *select, void (*free)(void *item))
{
    select->free = free;
    select->count = 0;
    select->more = 0;
}

int obs__select_wants(obs__select *select, obs__view key)
{
    if (select->count < OBS__SELECT_MAX)
        return 1;
    select->more = 1;
    return obs__compare(key, select->items[0].key) < 0;
}

static int is_larger(const obs__select *select, size_t a, size_t b)
{
    return obs__compare(select->items[a].key, select->items[b].key) > 0;
}

static void swap(obs__select *select, size_t a, size_t b)
{
    obs__selected item = select->items[a];
    select->items[a] = select->items[b];
    select->items[b] = item;
}

static void sift_down(obs__select *select)
{
    for (size_t at = 0;;) {
        size_t largest = at;
        for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < select->count; child++)
            if (is_larger(select, child, largest))
                largest = child;
        if (largest == at)
            return;
        swap(select, at, largest);
        at = largest;
    }
}

void obs__select_add(obs__select *select, obs__view key, void *item)
{
    if (select->count == OBS__SELECT_MAX) {
        select->free(select->items[0].item);
        select->items[0] = (obs__selected){key, item};
        sift_down(select);
        return;
    }
    size_t at = select->count++;
    select->items[at] = (obs__selected){key, item};
    for (; at && is_larger(select, at, (at - 1) / 2); at = (at - 1) / 2)
        swap(select, at, (at - 1) / 2);
}

static int by_key(const void *a, const void *b)
{
    return obs__compare(((const obs__selected *)a)->key, ((const obs__selected *)b)->key);
}

void obs__select_sort(obs__select *select)
{
    qsort(select->items, select->count, sizeof select->items[0], by_key);
}

void obs__select_clear(obs__select *select)
{
    for (size_t i = 0; i < select->count; i++)
        select->free(select->items[i].item);
    select->count = 0;
    select->more = 0;
}
