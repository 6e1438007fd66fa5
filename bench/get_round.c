/* The turns of C as a library, for get.py. */
#include "get_round.h"

void bench_get_open(const char *workspace);
double bench_get_round(int from_file, int into);

void bench_get_open(const char *workspace)
{
    get_open(workspace);
}

double bench_get_round(int from_file, int into)
{
    return get_round(from_file, into);
}
