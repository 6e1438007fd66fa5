/* What the writer and the reader of columns share; see column.h. */
#ifndef OBS_CATALOG_COLUMN_INSIDE_H
#define OBS_CATALOG_COLUMN_INSIDE_H

#include "base/text.h"

enum {
    OBS__COLUMN_ANY = 0,
    OBS__COLUMN_NUMBERS = 1,
    OBS__COLUMN_TEXTS = 2,
    OBS__COLUMN_RANGES = 3,
    OBS__COLUMN_HASHES = 4,
};

uint16_t obs__column_step(double number, double least, double greatest);
uint16_t obs__column_hash(obs__view text);

#endif
