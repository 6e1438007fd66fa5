/* The side of a function, and what is asked of functions, for test_public_memory.c. */
#include <sys/stat.h>
#include <unistd.h>

#include "faults/trial.h"

static const char event_json[] =
    "{\"specversion\":\"1.0\",\"id\":\"e1\",\"source\":\"/test\",\"type\":\"org.example.raw\",\"subject\":"
    "\"kept\"}";
static const char seen[] = "{\"limit\":3}";
static const char seen_name[] = "a7175ed78ef07ac44431637962e4f5f94a66ffd04e15d47f6a1547a155491fc3";

static void write_file(const char *name, const char *text)
{
    char path[8400];
    snprintf(path, sizeof path, "%s/%s", stage.path, name);
    test_write(path, text, strlen(text));
    chmod(path, 0600);
}

static void make_folder(const char *name)
{
    char path[4200];
    snprintf(path, sizeof path, "%s/%s", stage.path, name);
    mkdir(path, 0700);
}

/* A function in the language of the shell, which makes one product; its event, and the product. Once. */
static void make_function(void)
{
    static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.obs.outputs\r\nContent-Length: 48\r\n\r\n"
                                 "{\"do\":\"put\",\"key\":\"products/again\",\"size\":2}\n{}\n";
    char path[4200];
    snprintf(path, sizeof path, "%s/functions/again/answer", stage.path);
    if (access(path, F_OK) == 0)
        return;
    make_folder("functions");
    make_folder("functions/again");
    make_folder("functions/.configurations");
    write_file("functions/again/answer", answer);
    write_file("functions/again/handler.sh",
               "while read -r line <&3; do case $line in GET*|POST*) cat answer >&3;; esac; done\n");
    write_file("functions/again/function.yaml",
               "name: again\ncommand: [/bin/sh, handler.sh]\non: {type: org.example.raw}\nwrites: [products/]\n");
    snprintf(path, sizeof path, "functions/.configurations/%s.json", seen_name);
    write_file(path, seen);
}

static void make_product(void)
{
    obs_event event;
    obs_stat *stat = NULL;
    obs_function_run_options options;
    make_function();
    if (obs_store_head(&stat, the_store(), "products/again", OBS_TEXT, NULL, &error) == OBS_OK) {
        obs_stat_free(stat);
        return;
    }
    obs_event_init(&event, sizeof event);
    event.id = "e1";
    event.type = "org.example.raw";
    ck_assert_ok(obs_bus_publish(NULL, obs_client_bus(stage.client), &event, NULL, &error));
    obs_function_run_options_init(&options, sizeof options);
    options.once = 1;
    ck_assert_ok(obs_function_run(stage.client, &options, &error));
    ck_assert_ok(obs_store_head(&stat, the_store(), "products/again", OBS_TEXT, NULL, &error));
    obs_stat_free(stat);
}

/* What a function reads: found by the environment, as by hand. */
static void make_input(void)
{
    ck_assert_int_eq(setenv("OBS_WORKSPACE", stage.path, 1), 0);
    write_file("config.yaml", "limit: 3\n");
    if (!stage.n)
        ck_assert_ok(obs_store_put(NULL, the_store(), "kept", OBS_TEXT, "x", 1, NULL, &error));
}

static obs_status handle(obs_function_call *call)
{
    const obs_pair label = {"night", "2026-11-20"};
    obs_buffer *bytes = NULL;
    obs_config *config = NULL;
    obs_event made;
    int64_t limit = 0;
    obs_event_init(&made, sizeof made);
    made.type = "org.example.made";
    obs_status status = obs_function_get(&bytes, call, obs_function_event(call)->subject, OBS_TEXT, &error);
    if (status == OBS_OK)
        status = obs_function_config(&config, call, &error);
    if (status == OBS_OK)
        status = obs_config_int(&limit, config, "limit", &error);
    fits(status != OBS_OK || limit == 3, "a setting");
    if (status == OBS_OK)
        status = obs_function_put(call, "products/x", OBS_TEXT, obs_buffer_data(bytes), obs_buffer_size(bytes), NULL, &error);
    if (status == OBS_OK)
        status = obs_function_publish(call, &made, NULL, &error);
    if (status == OBS_OK)
        status = obs_function_label(call, "kept", OBS_TEXT, &label, 1, &error);
    if (status == OBS_OK)
        status = obs_function_record(call, "test", "{}", OBS_TEXT, &error);
    obs_buffer_free(bytes);
    return status;
}

/* One event by hand: all that a handler can do. */
static obs_status by_hand(void)
{
    obs_function *function = NULL;
    obs_function_call *call = NULL;
    obs_buffer *made = NULL;
    obs_status status = obs_function_open(&function, event_json, OBS_TEXT, &error);
    if (status == OBS_OK)
        status = obs_function_next(&call, function, &error);
    if (status == OBS_OK)
        status = handle(call);
    if (status == OBS_OK)
        status = obs_function_finish(&made, call, OBS_OK, NULL, &error);
    fits(status != OBS_OK ||
             (strstr(obs_buffer_data(made), "\"do\":\"configuration\"") && strstr(obs_buffer_data(made), "\"do\":\"record\"")),
         "what is made");
    obs_buffer_free(made);
    obs_function_free(function); /* ends a call that failed */
    return status;
}

static obs_status list(void)
{
    obs_rows *rows = NULL;
    size_t found = 0;
    obs_status status = obs_function_list(&rows, stage.client, &error);
    if (status == OBS_OK)
        status = count_quietly(rows, &found);
    fits(status != OBS_OK || found == 1, "the list of functions");
    return status;
}

static obs_status logs(void)
{
    obs_rows *rows = NULL;
    size_t found = 0;
    obs_status status = obs_function_logs(&rows, stage.client, "again", NULL, &error);
    return status == OBS_OK ? count_quietly(rows, &found) : status;
}

static obs_status configuration(void)
{
    obs_buffer *text = NULL;
    obs_status status = obs_function_configuration(&text, stage.client, seen_name, NULL, &error);
    fits(status != OBS_OK || strcmp(obs_buffer_data(text), seen) == 0, "a configuration that was seen");
    obs_buffer_free(text);
    return status;
}

/* The answer itself is what is odd about it; it outlives the text. */
static void fits_text(int fine, const char *text)
{
    static char answer[2048];
    snprintf(answer, sizeof answer, "%s", text ? text : "no answer");
    fits(fine, answer);
}

static obs_status reproduce(void)
{
    obs_buffer *text = NULL;
    obs_status status = obs_function_reproduce(&text, stage.client, "products/again", OBS_TEXT, NULL, &error);
    if (status == OBS_OK)
        fits_text(strstr(obs_buffer_data(text), "\"verdict\":\"identical\"") != NULL, obs_buffer_data(text));
    obs_buffer_free(text);
    return status;
}

static obs_status replay(void)
{
    obs_rows *rows = NULL;
    const char *row = NULL;
    obs_status status = obs_function_replay(&rows, stage.client, "e1", "again", NULL, &error);
    if (status == OBS_OK)
        status = obs_rows_next(rows, &row, NULL, &error);
    if (status == OBS_OK)
        fits_text(row && strstr(row, "\"do\":\"put\"") && strstr(row, "\"identical\":true"), row);
    obs_rows_free(rows);
    return status;
}

obs_error *function_error(void)
{
    obs_error_init(&error, sizeof error);
    return &error;
}

const struct trial function_trials[] = {{"by hand", make_input, by_hand, NULL},
                                        {"list", make_function, list, NULL},
                                        {"logs", make_product, logs, NULL},
                                        {"configuration", make_function, configuration, NULL},
                                        {"reproduce", make_product, reproduce, NULL},
                                        {"replay", make_product, replay, NULL},
                                        {0}};
