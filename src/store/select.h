/* The smallest of many: a heap of bounded size, for listings that cost memory for a page only. */
#ifndef OBS_STORE_SELECT_H
#define OBS_STORE_SELECT_H

#include "base/text.h"

#define OBS__SELECT_MAX 1024

typedef struct obs__selected {
    obs__view key; /* what orders; part of the item */
    void *item;
} obs__selected;

typedef struct obs__select {
    void (*free)(void *item);
    size_t count;
    int more; /* something larger stayed out */
    obs__selected items[OBS__SELECT_MAX];
} obs__select;

/* The order of bytes. */
int obs__compare(obs__view a, obs__view b);

void obs__select_init(obs__select *select, void (*free)(void *item));
/* Whether an item of this key would be kept: asked before one is made. Notes that something stayed out. */
int obs__select_wants(obs__select *select, obs__view key);
/* Takes the item over; only after obs__select_wants(). */
void obs__select_add(obs__select *select, obs__view key, void *item);
/* Puts the items in order; nothing may be added afterwards. */
void obs__select_sort(obs__select *select);
/* Frees all items. */
void obs__select_clear(obs__select *select);

#endif
