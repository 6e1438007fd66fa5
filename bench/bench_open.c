/*
 * The smallest useful program: opens the workspace, gets one object, closes. bench_spawn says what it costs as a whole.
 *
 *     bench_open WORKSPACE
 */
#include "bench.h"

int main(int argc, char **argv)
{
    obs_buffer *buffer = NULL;
    obs_error error;
    obs_error_init(&error, sizeof error);
    if (argc != 2)
        bench_die("usage: bench_open WORKSPACE", NULL);
    obs_client *client = bench_open(argv[1]);
    if (obs_store_get(&buffer, obs_client_store(client), "bench/four", OBS_TEXT, NULL, &error) != OBS_OK)
        bench_die("get", &error);
    obs_buffer_free(buffer);
    obs_client_close(client);
    return 0;
}
