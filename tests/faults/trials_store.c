/* The calls that open clients and change objects, for test_public_memory.c. */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "faults/trial.h"

#define LARGE 200000

static char bytes[LARGE];

static int is_there(void)
{
    return has_object(stage.client, stage.key);
}

static int is_gone(void)
{
    return !is_there();
}

static void make(void)
{
    ck_assert_ok(obs_store_put(NULL, the_store(), stage.key, OBS_TEXT, "bytes", 5, NULL, &error));
}

static obs_status open_and_close(void)
{
    obs_client *client = NULL;
    obs_open_options options;
    obs_open_options_init(&options, sizeof options);
    options.workspace = stage.path;
    obs_status status = obs_client_open(&client, &options, &error);
    fits((status == OBS_OK) == (client != NULL), "status and client");
    obs_client_close(client);
    return status;
}

static obs_status act_for_another(void)
{
    obs_client *client = NULL;
    obs_as_options options;
    obs_as_options_init(&options, sizeof options);
    options.subject = "user:ada";
    obs_status status = obs_client_as(&client, stage.client, &options, &error);
    fits((status == OBS_OK) == (client != NULL), "status and client");
    obs_client_close(client);
    return status;
}

static obs_status put_small(void)
{
    const obs_pair night = {"night", "2026-11-20"};
    obs_stat *stat = NULL;
    obs_put_options options;
    obs_put_options_init(&options, sizeof options);
    options.labels = &night;
    options.label_count = 1;
    options.values = "{\"exposure\":30}";
    obs_status status = obs_store_put(&stat, the_store(), stage.key, OBS_TEXT, "bytes", 5, &options, &error);
    fits((status == OBS_OK) == (stat != NULL), "status and stat");
    obs_stat_free(stat);
    return status;
}

static obs_status write_large(void)
{
    obs_writer *writer = NULL;
    obs_status status = obs_writer_open(&writer, the_store(), stage.key, OBS_TEXT, NULL, &error);
    for (size_t at = 0; status == OBS_OK && at < LARGE; at += LARGE / 4)
        status = obs_writer_write(writer, bytes + at, LARGE / 4, &error);
    if (status == OBS_OK)
        status = obs_writer_commit(NULL, writer, &error);
    obs_writer_free(writer);
    return status;
}

static obs_status get(void)
{
    obs_buffer *got = NULL;
    obs_status status = obs_store_get(&got, the_store(), stage.key, OBS_TEXT, NULL, &error);
    fits(status != OBS_OK || (got && obs_buffer_size(got) == 5 && memcmp(obs_buffer_data(got), "bytes", 5) == 0), "bytes");
    obs_buffer_free(got);
    return status;
}

static obs_status get_into(void)
{
    char room[8] = {0};
    size_t size = 0;
    obs_status status = obs_store_get_into(&size, the_store(), stage.key, OBS_TEXT, room, sizeof room, NULL, &error);
    fits(status != OBS_OK || (size == 5 && memcmp(room, "bytes", 5) == 0), "bytes");
    return status;
}

static obs_status head(void)
{
    obs_stat *stat = NULL;
    obs_status status = obs_store_head(&stat, the_store(), stage.key, OBS_TEXT, NULL, &error);
    fits(status != OBS_OK || (stat && stat->size == 5), "size");
    obs_stat_free(stat);
    return status;
}

static obs_status list(void)
{
    obs_page *page = NULL;
    obs_status status = obs_store_list(&page, the_store(), stage.key, NULL, &error);
    fits(status != OBS_OK || obs_page_count(page) == 1, "what is listed");
    obs_page_free(page);
    return status;
}

static obs_status delete (void)
{
    return obs_store_delete(the_store(), stage.key, OBS_TEXT, NULL, &error);
}

static obs_status copy(void)
{
    return obs_store_copy(NULL, the_store(), "source", OBS_TEXT, stage.key, OBS_TEXT, NULL, &error);
}

static void make_source(void)
{
    if (!has_object(stage.client, "source"))
        ck_assert_ok(obs_store_put(NULL, the_store(), "source", OBS_TEXT, "bytes", 5, NULL, &error));
}

/* A file that another tool made. */
static void make_outside(void)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/store/%s", stage.path, stage.key);
    *strrchr(path, '/') = '\0';
    mkdir(path, 0777);
    path[strlen(path)] = '/';
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, "outside", 7), 7);
    close(fd);
}

static obs_status adopt(void)
{
    return obs_store_adopt(NULL, the_store(), stage.key, OBS_TEXT, NULL, &error);
}

static int is_adopted(void)
{
    obs_stat *stat = NULL;
    ck_assert_ok(obs_store_head(&stat, the_store(), stage.key, OBS_TEXT, NULL, &error));
    int adopted = !stat->changed_outside;
    obs_stat_free(stat);
    return adopted;
}

/* Starts an operation and waits for its end. Its own status comes from a thread for which nothing fails. */
static obs_status run(obs_status (*start)(obs_operation **out, obs_queue *queue))
{
    obs_queue *queue = NULL;
    obs_operation *operation = NULL;
    obs_completion done;
    size_t count = 0;
    obs_status status = obs_queue_new(&queue, &error);
    if (status == OBS_OK)
        status = start(&operation, queue);
    if (status == OBS_OK)
        status = obs_queue_wait(queue, &done, 1, &count, -1, NULL, &error);
    if (status == OBS_OK) {
        fits(count == 1 && done.operation == operation, "completion");
        status = obs_operation_status(operation, &error);
    }
    obs_operation_free(operation);
    obs_queue_free(queue);
    return status;
}

static obs_status start_put(obs_operation **out, obs_queue *queue)
{
    return obs_store_put_start(out, queue, 1, the_store(), stage.key, OBS_TEXT, "bytes", 5, NULL, &error);
}

static obs_status start_get(obs_operation **out, obs_queue *queue)
{
    return obs_store_get_start(out, queue, 1, the_store(), stage.key, OBS_TEXT, NULL, &error);
}

static obs_status start_head(obs_operation **out, obs_queue *queue)
{
    return obs_store_head_start(out, queue, 1, the_store(), stage.key, OBS_TEXT, NULL, &error);
}

static obs_status start_delete(obs_operation **out, obs_queue *queue)
{
    return obs_store_delete_start(out, queue, 1, the_store(), stage.key, OBS_TEXT, NULL, &error);
}

static obs_status put_started(void)
{
    return run(start_put);
}

static obs_status get_started(void)
{
    return run(start_get);
}

static obs_status head_started(void)
{
    return run(start_head);
}

static obs_status delete_started(void)
{
    return run(start_delete);
}

obs_error *store_error(void)
{
    obs_error_init(&error, sizeof error);
    return &error;
}

const struct trial store_trials[] = {{"open", NULL, open_and_close, NULL},
                                     {"as", NULL, act_for_another, NULL},
                                     {"put", NULL, put_small, is_there},
                                     {"writer", NULL, write_large, is_there},
                                     {"get", make, get, NULL},
                                     {"get_into", make, get_into, NULL},
                                     {"head", make, head, NULL},
                                     {"list", make, list, NULL},
                                     {"delete", make, delete, is_gone},
                                     {"copy", make_source, copy, is_there},
                                     {"adopt", make_outside, adopt, is_adopted},
                                     {"put_start", NULL, put_started, is_there},
                                     {"get_start", make, get_started, NULL},
                                     {"head_start", make, head_started, NULL},
                                     {"delete_start", make, delete_started, is_gone},
                                     {0}};
