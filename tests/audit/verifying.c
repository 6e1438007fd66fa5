/* See verifying.h. */
#include "audit/verifying.h"

#include "base/error.h"
#include "support.h"

obs_error error;
obs__sequenced done;
obs__verified found;

obs_status verify(log_fixture *fixture, int with_rows)
{
    obs__verify_options options = {.place = &fixture->place, .tenants = with_rows ? &fixture->tenants : NULL};
    return obs__audit_verify(&found, &options, &error);
}

void open_all(log_fixture *fixture)
{
    log_tenant(fixture, "default");
    log_tenant(fixture, "sky");
}

void make_log(log_fixture *fixture)
{
    log_open(fixture, test_folder());
    open_all(fixture);
    for (int i = 0; i < 4; i++) {
        log_commit(fixture, "default", 150);
        log_commit(fixture, "sky", 125);
        ck_assert_ok(log_sequence(fixture, &done, &error));
    }
    ck_assert_uint_eq(done.size, 1100);
}

const obs__finding *first(void)
{
    ck_assert_uint_gt(found.count, 0);
    return &found.findings[0];
}

void found_as(log_fixture *fixture, obs__damage damage, uint64_t index)
{
    obs_status status = verify(fixture, 1);
    ck_assert_msg(status == OBS_DATA_LOSS, "%s: %s", obs_status_name(status), error.message);
    ck_assert_msg(first()->damage == damage && first()->index == index, "%s", error.message);
}
