/*
 * An allocator that fails on demand, for tests of what happens without memory. It lies in a shared object that the test is run
 * with (LD_PRELOAD; `obs_test(… FAILING_MALLOC)` does it), so that the allocations of all libraries go through it.
 *
 *     for (long n = 1;; n++) {
 *         failing_malloc_arm(n, 0);
 *         status = call();
 *         if (!failing_malloc_disarm())
 *             break;                        // the call needs fewer than n allocations: status must be OBS_OK
 *     }                                     // else it must be an error, and failing_malloc_live() as before
 */
#ifndef OBS_TESTS_FAULTS_FAILING_MALLOC_H
#define OBS_TESTS_FAULTS_FAILING_MALLOC_H

/* Weak: NULL when the program runs without the shared object. */

/* The nth allocation of this thread from now on fails (1: the next one); with `and_all_after` those after it, too. */
__attribute__((weak)) void failing_malloc_arm(long nth, int and_all_after);
/* Ends it; 1 when an allocation was made to fail. */
__attribute__((weak)) int failing_malloc_disarm(void);
/* How many blocks are allocated, in the whole process. */
__attribute__((weak)) long failing_malloc_live(void);

#endif
