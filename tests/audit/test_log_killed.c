/* Two sequencers at once, one of them killed in the middle, fifty times, while records are committed: every leaf stands in the
 * log once, in order, and the log verifies. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "audit/log_fixture.h"
#include "audit/verify.h"
#include "support.h"

#define KILLS 50

static obs_error error;

/* Sequences until it is killed. */
static pid_t begin(log_fixture *fixture)
{
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    while (!child) {
        obs__sequenced done;
        obs__limit limit = obs__limit_in(50, NULL);
        obs__audit_sequence_now(&done, &fixture->place, &fixture->tenants, &limit, NULL);
    }
    return child;
}

static void end(pid_t child)
{
    int status;
    ck_assert_int_eq(kill(child, SIGKILL), 0);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFSIGNALED(status));
}

START_TEST(killed_in_the_middle_nothing_is_lost)
{
    log_fixture fixture;
    obs__sequenced done;
    obs__verified found;
    uint64_t committed = 0;
    unsigned seed = 4711;
    log_open(&fixture, test_folder());
    log_tenant(&fixture, "default");
    log_tenant(&fixture, "sky");
    pid_t steady = begin(&fixture);
    for (int i = 0; i < KILLS; i++) {
        pid_t victim = begin(&fixture);
        seed = seed * 1103515245 + 12345;
        unsigned count = 1 + seed / 65536 % 700;
        log_commit(&fixture, i % 2 ? "sky" : "default", count);
        committed += count;
        usleep(seed / 65536 % 60000);
        end(i % 3 ? victim : steady);
        if (i % 3 == 0)
            steady = victim;
    }
    end(steady);
    ck_assert_ok(log_sequence(&fixture, &done, &error));
    obs__verify_options options = {.place = &fixture.place, .tenants = &fixture.tenants};
    obs_status status = obs__audit_verify(&found, &options, &error);
    ck_assert_msg(status == OBS_OK, "%s", error.message);
    ck_assert_uint_eq(found.waiting, 0);
    ck_assert_uint_ge(found.size, committed); /* and a record for each cut */
    ck_assert_uint_le(found.size, committed + 2 * KILLS);
    ck_assert_uint_eq(found.anchored, found.size);
    printf("%llu records, of them %llu about cuts\n", (unsigned long long)found.size,
           (unsigned long long)(found.size - committed));
    log_close(&fixture);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {killed_in_the_middle_nothing_is_lost};
    obs_error_init(&error, sizeof error);
    return test_main("log_killed", tests, sizeof tests / sizeof tests[0]);
}
