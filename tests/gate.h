/*
 * A small gate over a real journal, for tests of the modules between journal and client. It lets everything pass, counts what
 * it is told, and can be made to refuse.
 */
#ifndef OBS_TESTS_GATE_H
#define OBS_TESTS_GATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "journal/gate.h"

#define TEST_TRACEPARENT "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

typedef struct test_gate {
    obs__gate base; /* tenant "default" */
    atomic_int holders;
    atomic_int entered;
    atomic_int left;
    atomic_int recorded; /* audit records that went into commits */
    atomic_int entries;  /* catalog entries */
    atomic_int forgotten;
    atomic_int relabelled;
    const char *refuse;    /* an action that gives OBS_PERMISSION_DENIED, or NULL */
    const char *no_record; /* an action whose audit record fails with OBS_INTERNAL, or NULL */
    pthread_mutex_t mutex; /* guards what follows */
    char action[64];       /* the last one that entered */
    char object[256];
    char subject[64];
    uint64_t bytes; /* of the last scope that was left */
} test_gate;

/* Opens `workspace`/tenants/default/tenant.db, made when it is not there, with these scripts (the last one NULL).
 * Fails the test when it cannot. Close with test_gate_close(). */
test_gate *test_gate_open(const char *workspace, const char *const *schemas);
/* Gives the test's own hold back; fails the test when somebody still has one. */
void test_gate_close(test_gate *gate);

#endif
