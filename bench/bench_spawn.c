/*
 * What whole processes cost, from posix_spawn to wait4, in turns; their output goes nowhere.
 *
 *     bench_spawn ROUNDS PROGRAM [ARGUMENT...] [-- PROGRAM [ARGUMENT...]]...
 *
 * Prints one line for each program: the median in milliseconds, and what it used of a processor.
 */
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "bench.h"

#define MOST 8
#define ROUNDS_MOST 1000

extern char **environ;

typedef struct program {
    char **arguments;
    int64_t wall[ROUNDS_MOST];
    int64_t used[ROUNDS_MOST];
} program;

static int64_t ns_of(struct timeval time)
{
    return ((int64_t)time.tv_sec * 1000000 + time.tv_usec) * 1000;
}

static void run(program *one, int round)
{
    posix_spawn_file_actions_t actions;
    struct rusage usage;
    pid_t child;
    int status = 0;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    int64_t begin = bench_now();
    if (posix_spawn(&child, one->arguments[0], &actions, NULL, one->arguments, environ) != 0 ||
        wait4(child, &status, 0, &usage) < 0 || status != 0)
        bench_die(one->arguments[0], NULL);
    one->wall[round] = bench_now() - begin;
    one->used[round] = ns_of(usage.ru_utime) + ns_of(usage.ru_stime);
    posix_spawn_file_actions_destroy(&actions);
}

int main(int argc, char **argv)
{
    static program programs[MOST];
    int count = 0, rounds = argc > 2 ? atoi(argv[1]) : 0;
    if (rounds < 1 || rounds > ROUNDS_MOST)
        bench_die("usage: bench_spawn ROUNDS PROGRAM [ARGUMENT...] [-- PROGRAM [ARGUMENT...]]...", NULL);
    programs[count++].arguments = argv + 2;
    for (int i = 2; i < argc; i++)
        if (strcmp(argv[i], "--") == 0 && count < MOST) {
            argv[i] = NULL;
            programs[count++].arguments = argv + i + 1;
        }
    for (int i = 0; i < count; i++) /* the first time reads from the disk */
        run(&programs[i], 0);
    for (int round = 0; round < rounds; round++)
        for (int i = 0; i < count; i++)
            run(&programs[i], round);
    for (int i = 0; i < count; i++)
        bench_print(programs[i].arguments[0],
                    (const bench_number[]){{"wall_ms", bench_ms(programs[i].wall, (size_t)rounds, 0.5)},
                                           {"used_ms", bench_ms(programs[i].used, (size_t)rounds, 0.5)},
                                           {NULL, 0}});
    return 0;
}
