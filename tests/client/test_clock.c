/* A clock that jumps: no token lives longer, no change is noticed later, no record is lost. The clock of the library is set
 * here. */
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit/log_fixture.h"
#include "audit/schedule.h"
#include "base/clock.h"
#include "client/workspace.h"

#define S INT64_C(1000000000)
#define DAY (INT64_C(86400) * S)
#define WAIT_NS (120 * S)

static _Atomic int64_t offset_ns;

/* The linker puts these in the place of the library's own (--wrap). */
int64_t __real_obs__now_ns(void);
int64_t __wrap_obs__now_ns(void);

int64_t __wrap_obs__now_ns(void)
{
    return __real_obs__now_ns() + offset_ns;
}

static const char *fresh(void)
{
    const char *home = test_folder();
    offset_ns = 0;
    setenv("HOME", home, 1);
    setenv("XDG_RUNTIME_DIR", test_path(home, "run"), 1);
    unsetenv("XDG_STATE_HOME");
    unsetenv("XDG_CONFIG_HOME");
    return new_workspace();
}

static obs_status put(obs_client *client)
{
    return obs_store_put(NULL, obs_client_store(client), "products/a", OBS_TEXT, "bytes", 5, NULL, &error);
}

START_TEST(setting_the_clock_back_gives_a_token_no_time)
{
    const char *path = fresh();
    obs_client *owner = open_at(path), *bearer;
    obs_secret *token = NULL;
    obs_token_options options;
    obs_token_options_init(&options, sizeof options);
    obs_open_options open;
    obs_open_options_init(&open, sizeof open);
    open.workspace = path;
    obs_status status = OBS_UNAUTHENTICATED;
    /* Not over before it is used, however long that takes. */
    for (options.lifetime_s = 3; status == OBS_UNAUTHENTICATED && options.lifetime_s < 60; options.lifetime_s *= 2) {
        obs_secret_free(token);
        ck_assert_ok(obs_token_issue(&token, owner, &options, &error));
        open.token = obs_secret_bytes(token);
        status = obs_client_open(&bearer, &open, &error);
    }
    ck_assert_ok(status);
    int64_t end_ns = obs__monotonic_ns() + WAIT_NS;
    offset_ns = -DAY;
    while ((status = put(bearer)) == OBS_OK && obs__monotonic_ns() < end_ns)
        usleep(10000);
    ck_assert_msg(status == OBS_UNAUTHENTICATED, "%s", error.message);
    ck_assert_ptr_nonnull(strstr(error.message, " ended at "));
    /* Nor does it begin again elsewhere: it is not yet valid, and then it has expired. */
    obs_client *again = NULL;
    ck_assert_int_eq(obs_client_open(&again, &open, &error), OBS_UNAUTHENTICATED);
    offset_ns = DAY;
    ck_assert_int_eq(obs_client_open(&again, &open, &error), OBS_UNAUTHENTICATED);
    ck_assert_ptr_nonnull(strstr(error.message, "expired"));
    offset_ns = 0;
    obs_client_close(bearer);
    obs_client_close(owner);
    obs_secret_free(token);
}
END_TEST

START_TEST(a_jump_does_not_stretch_the_watch)
{
    static const int64_t jumps[] = {-365 * DAY, 365 * DAY, 0};
    const char *path = fresh();
    char text[100];
    test_write(test_path(path, "config.yaml"), "a: 0\n", 5);
    obs_client *client = open_at(path);
    obs_config *config = obs_client_config(client);
    int64_t number = -1;
    ck_assert_ok(obs_config_int(&number, config, "a", &error));
    for (int i = 0; i < 3; i++) {
        offset_ns = jumps[i];
        snprintf(text, sizeof text, "a: %d\n", i + 1);
        test_write(test_path(path, "new"), text, strlen(text));
        ck_assert_int_eq(rename(test_path(path, "new"), test_path(path, "config.yaml")), 0);
        for (int64_t end_ns = obs__monotonic_ns() + WAIT_NS; number != i + 1 && obs__monotonic_ns() < end_ns;) {
            usleep(10000);
            ck_assert_ok(obs_config_int(&number, config, "a", &error));
        }
        ck_assert_int_eq(number, i + 1);
    }
    obs_client_close(client);
}
END_TEST

START_TEST(the_log_goes_on_through_jumps)
{
    static const int64_t jumps[] = {0, -DAY, 2 * DAY, -365 * DAY};
    const char *path = fresh();
    obs_client *client = open_at(path);
    obs_audit *audit = obs_client_audit(client);
    obs_buffer *report;
    for (size_t i = 0; i < sizeof jumps / sizeof jumps[0]; i++) {
        offset_ns = jumps[i];
        ck_assert_ok(put(client));
        ck_assert_ok(obs_audit_sequence(audit, NULL, &error));
        ck_assert_ok(obs_audit_verify(&report, audit, NULL, &error));
        ck_assert_ptr_nonnull(strstr(obs_buffer_data(report), "\"problems\":[]"));
        obs_buffer_free(report);
    }
    ck_assert_uint_eq(count_audit(client, "store.put", NULL), sizeof jumps / sizeof jumps[0]);
    offset_ns = 0;
    obs_client_close(client);
}
END_TEST

/* The checkpoint is of the future: nobody waits until then. */
START_TEST(a_checkpoint_of_the_future_holds_nothing_up)
{
    static log_fixture fixture;
    obs__schedule *schedule;
    struct stat before, after;
    offset_ns = 0;
    log_open(&fixture, test_folder());
    log_tenant(&fixture, "sky");
    log_commit(&fixture, "sky", 1);
    obs__sequenced done;
    ck_assert_ok(log_sequence(&fixture, &done, &error));
    ck_assert_int_eq(stat(log_file(&fixture, "audit/log/checkpoint"), &before), 0);
    offset_ns = -DAY;
    ck_assert_ok(obs__schedule_new(&schedule, &fixture.place, &fixture.tenants, &error));
    log_commit(&fixture, "sky", 1);
    for (int i = 0; i < OBS__LOG_RECORDS; i++)
        obs__schedule_count(schedule, 1);
    int64_t end_ns = obs__monotonic_ns() + WAIT_NS;
    do {
        usleep(10000);
        ck_assert_int_eq(stat(log_file(&fixture, "audit/log/checkpoint"), &after), 0);
    } while (after.st_ino == before.st_ino && obs__monotonic_ns() < end_ns);
    ck_assert_uint_ne(after.st_ino, before.st_ino);
    offset_ns = 0;
    obs__schedule_free(schedule);
    log_close(&fixture);
}
END_TEST

int main(void)
{
    const TTest *tests[] = {setting_the_clock_back_gives_a_token_no_time, a_jump_does_not_stretch_the_watch,
                            the_log_goes_on_through_jumps, a_checkpoint_of_the_future_holds_nothing_up};
    obs_error_init(&error, sizeof error);
    return test_main("client/clock", tests, sizeof tests / sizeof tests[0]);
}
