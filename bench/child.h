/* A second process of a measuring program: the program itself, started with other words, and a pipe to read from it. */
#ifndef OBS_BENCH_CHILD_H
#define OBS_BENCH_CHILD_H

#include <stdint.h>
#include <sys/types.h>

typedef struct bench_child {
    pid_t pid;
    int input;  /* it reads what is written here */
    int output; /* what it prints is read here */
} bench_child;

/* `words` ends with NULL; the first is the name of the program. */
void bench_child_start(bench_child *out, const char *const *words);
/* One number in binary form, from or to the child; 0 when the other side has ended. */
int bench_read_number(int fd, int64_t *out);
int bench_write_number(int fd, int64_t number);
/* Ends it, with SIGKILL unless `signal` says otherwise, and waits for it. How much processor time it had. */
int64_t bench_child_end(bench_child *child, int signal);

#endif
