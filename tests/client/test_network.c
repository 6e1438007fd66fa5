/* A workspace on a network file system is refused, when made and when opened; faked, as the tests have no such disk. */
#include "base/file.h"
#include "client/workspace.h"

#define NFS 0x6969

START_TEST(network_file_systems_are_refused)
{
    const char *path = new_workspace();
    const char *other = test_path(test_folder(), "other");
    obs_client *client;
    obs_open_options options;
    obs_open_options_init(&options, sizeof options);
    options.workspace = path;
    obs__local_check_fake(NFS);
    ck_assert_int_eq(obs_workspace_init(other, NULL, &error), OBS_FAILED_PRECONDITION);
    ck_assert_ptr_nonnull(strstr(error.message, "NFS"));
    ck_assert_int_eq(obs_client_open(&client, &options, &error), OBS_FAILED_PRECONDITION);
    ck_assert_ptr_null(client);
    obs__local_check_fake(0);
    ck_assert_ok(obs_client_open(&client, &options, &error));
    ck_assert_uint_eq(count_audit(client, "client.open", NULL), 1);
    ck_assert_uint_eq(count_entries(client, "") + count_log(client, NULL) + count_events(client, "c"), 0);
    ck_assert_int_eq(has_object(client, "a"), 0);
    obs_client_close(client);
    ck_assert_ok(obs_workspace_init(other, NULL, &error));
}
END_TEST

int main(void)
{
    const TTest *tests[] = {network_file_systems_are_refused};
    obs_error_init(&error, sizeof error);
    return test_main("client/network", tests, sizeof tests / sizeof tests[0]);
}
