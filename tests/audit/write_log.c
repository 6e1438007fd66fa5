/* write_log FOLDER [seal]: writes a log of 67,000 records of two tenants into FOLDER/work/audit/log, its key into
 * FOLDER/state/audit, and the checkpoints on the way into FOLDER/older.1, .2 … Read by verifiers that are not ours
 * (test_go.py). With `seal` all whole bundles are sealed, and the log has one record more. */
#include <stdio.h>

#include "audit/seal_support.h"

static const char *folder;
static int sealed;

START_TEST(write_it)
{
    static const unsigned rounds[] = {1, 255, 300, 65536, 908};
    log_fixture fixture;
    char older[16];
    log_open(&fixture, folder);
    log_tenant(&fixture, "default");
    log_tenant(&fixture, "sky");
    for (int i = 0; i < 5; i++) {
        for (unsigned left = rounds[i], count; left; left -= count) {
            count = left < 4096 ? left : 4096;
            log_commit(&fixture, left % 3 ? "sky" : "default", count);
        }
        ck_assert_ok(log_sequence(&fixture, &done, &error));
        snprintf(older, sizeof older, "older.%d", i + 1);
        log_copy(log_file(&fixture, "audit/log/checkpoint"), test_path(folder, older));
    }
    ck_assert_uint_eq(done.size, 67000);
    if (sealed)
        seal(&fixture, -1, 66816);
    log_close(&fixture);
}
END_TEST

int main(int count, char **arguments)
{
    const TTest *const tests[] = {write_it};
    if (count < 2)
        return 2;
    sealed = count > 2 && strcmp(arguments[2], "seal") == 0;
    folder = arguments[1];
    obs_error_init(&error, sizeof error);
    return test_main("write_log", tests, 1);
}
