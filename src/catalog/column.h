/*
 * Columns: what the entries of one block have under one name, small enough that a search reads it for every block.
 *
 * A column may let an entry through that does not fit, never the reverse; whoever uses it looks at the entry itself.
 *
 *     bytes 0       how the codes are meant: OBS__COLUMN_…
 *     byte  1       1: one item for each of the 1,024 entries in order, so that no places follow
 *     bytes 2, 3    count of items (all numbers little-endian)
 *     NUMBERS       distinct (2), the distinct numbers sorted (8 each); codes: 1 byte each, none if there is one number only
 *     TEXTS         distinct (2), their sizes (2 each), their bytes; codes: the same
 *     RANGES        least, greatest (8 each); codes: 2 bytes each, place between them in 65,536 steps
 *     HASHES        codes: 2 bytes each, of a hash
 *     ANY           nothing: every entry may fit
 *     places        2 bytes each, rising: number of the entry in the block; then the codes
 */
#ifndef OBS_CATALOG_COLUMN_H
#define OBS_CATALOG_COLUMN_H

#include "catalog/query.h"

#define OBS__BLOCK_BITS 10
#define OBS__BLOCK_SIZE (1 << OBS__BLOCK_BITS)
#define OBS__BLOCK_WORDS (OBS__BLOCK_SIZE / 64)

typedef struct obs__item {
    uint16_t place;
    double number;
    obs__view text;
} obs__item;

/* Appends the column of these items, which stand in order of their places. */
obs_status obs__column_encode(obs__builder *out, const obs__item *items, size_t count, int is_text, obs_error *error);

/* Adds to the set the entries that may fulfil the comparison or, if asked for the sure ones, those that do beyond doubt.
 * OBS__NE is taken for OBS__EQ. A damaged column lets everything through and is sure of nothing. */
void obs__column_match(uint64_t set[OBS__BLOCK_WORDS], obs__view column, const obs__condition *condition, int is_text,
                       int sure);

/* Keys all differ, but they begin alike: cuts them to the longest beginnings that are few enough for a table. */
obs_status obs__column_cut_keys(obs__item *items, size_t count, obs_error *error);

#endif
