/* The function of bench_function: one product of each event, named after it. */
#include <obs/function.h>
#include <stdio.h>

static obs_status on_event(obs_function_call *call, void *context, obs_error *error)
{
    static const char product[] =
        "{\"object\":\"12893\",\"mag\":17.3125,\"band\":\"V\",\"station\":\"Z07\",\"airmass\":1.25}\n";
    char key[128];
    (void)context;
    snprintf(key, sizeof key, "products/%.100s.json", obs_function_event(call)->id);
    return obs_function_put(call, key, OBS_TEXT, product, sizeof product - 1, NULL, error);
}

int main(int argc, char **argv)
{
    return obs_function_main(argc, argv, on_event, NULL);
}
