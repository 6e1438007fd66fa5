/*
 * Getting 4 KiB in a program that does nothing else: what the turns of C in the processes of others are checked against.
 *
 *     bench_get WORKSPACE      reads lines `mem get`, `mem into`, `file get`, `file into`; answers nanoseconds for each call
 */
#include <string.h>

#include "get_round.h"

int main(int argc, char **argv)
{
    char line[64];
    if (argc != 2)
        return 2;
    get_open(argv[1]);
    while (fgets(line, sizeof line, stdin)) {
        printf("%.1f\n", get_round(strncmp(line, "file", 4) == 0, strstr(line, "into") != NULL));
        fflush(stdout);
    }
    return 0;
}
