/* Apart from reading, which the command line is built with, too. */
#include <math.h>
#include <stdlib.h>

#include "base/number.h"

void obs__add_number(obs__builder *builder, double number, int decimals)
{
    int64_t scale = 1;
    for (int i = 0; i < decimals; i++)
        scale *= 10;
    double scaled = round(number * (double)scale);
    if (!(fabs(scaled) < 1e18)) {
        obs__add_text(builder, "null");
        return;
    }
    int64_t all = (int64_t)scaled, rest = llabs(all) % scale;
    if (all < 0)
        obs__add_char(builder, '-');
    obs__add_integer(builder, llabs(all) / scale);
    for (obs__add_text(builder, rest ? "." : ""); rest; rest = rest * 10 % scale)
        obs__add_char(builder, (char)('0' + rest * 10 / scale));
}
