/* Decimal numbers without the locale: strtod() reads `17.3` as 17 where the program runs under a German one. */
#ifndef OBS_BASE_NUMBER_H
#define OBS_BASE_NUMBER_H

#include "base/text.h"

/* The double nearest to `-12.5e+3`: a sign or none, digits, perhaps a point and digits, perhaps an exponent; of any length,
 * and without memory. What is too small becomes zero. 1; 0 when the text is something else or too large for a double.
 * *digits, unless NULL: how many digits there are between the first and the last that is no leading zero. */
int obs__number_read(double *out, obs__view text, size_t *digits);

/* Appends a number with up to `decimals` (at most 12) digits behind the point, without zeros at its end. What is not finite, or
 * has no room in 18 digits, becomes `null`. */
void obs__add_number(obs__builder *builder, double number, int decimals);

#endif
