/* Runner and workers are killed with -9 at seeded moments, also between what was made and the acknowledgement: each event has
 * one product and one event that follows from it, whatever happened. */
#include "fixture.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "support.h"

#define EVENTS 150
#define KILLS 20

static obs_error error;

/* A runner as a process of its own. */
static pid_t start_runner(void)
{
    pid_t pid = fork();
    if (pid == 0) {
        obs_client *client = NULL;
        if (obs_client_open(&client, NULL, NULL) != OBS_OK)
            _exit(2);
        obs_function_run(client, NULL, NULL);
        _exit(0);
    }
    ck_assert_int_gt(pid, 0);
    return pid;
}

/* The children of a process: workers. */
static pid_t worker_of(pid_t runner)
{
    char path[64], line[512];
    for (int pid = runner + 1; pid < runner + 200; pid++) {
        snprintf(path, sizeof path, "/proc/%d/stat", pid);
        FILE *stat = fopen(path, "r");
        if (!stat)
            continue;
        int parent = 0;
        char *end = fgets(line, sizeof line, stat) ? strrchr(line, ')') : NULL;
        fclose(stat);
        if (end && sscanf(end + 1, " %*c %d", &parent) == 1 && parent == runner)
            return pid;
    }
    return 0;
}

static void wait_ms(int ms)
{
    struct timespec pause = {ms / 1000, (long)(ms % 1000) * 1000000};
    nanosleep(&pause, NULL);
}

static int count_products(const site *site)
{
    obs_page *page = NULL;
    ck_assert_ok(obs_store_list(&page, obs_client_store(site->client), "products/", NULL, &error));
    int count = (int)obs_page_count(page);
    obs_page_free(page);
    return count;
}

static void publish_all(const site *site)
{
    char id[32], subject[32];
    for (int i = 0; i < EVENTS; i++) {
        snprintf(id, sizeof id, "e%d", i);
        snprintf(subject, sizeof subject, "raw/%d", i % 7);
        site_publish(site, "org.example.raw.make", id, subject);
    }
}

START_TEST(each_event_has_one_product)
{
    site here;
    site_open(&here);
    site_function(&here, "maker", "org.example.raw.*", "attempts: 1000\nworkers: 2\n");
    publish_all(&here);
    obs_client_close(here.client); /* its threads belong to no child */
    srand(20261121);
    for (int i = 0; i < test_times(KILLS); i++) {
        pid_t runner = start_runner();
        wait_ms(30 + rand() % 120);
        pid_t worker = i % 2 ? worker_of(runner) : 0;
        if (worker)
            kill(worker, SIGKILL); /* the runner goes on with another */
        wait_ms(worker ? rand() % 60 : 0);
        kill(runner, SIGKILL);
        waitpid(runner, NULL, 0);
    }
    ck_assert_ok(obs_client_open(&here.client, NULL, &error));
    for (int i = 0; i < 50 && count_products(&here) < EVENTS; i++) {
        ck_assert_ok(site_run(&here, &error));
        wait_ms(20);
    }
    ck_assert_int_eq(count_products(&here), EVENTS);
    ck_assert_int_eq(site_events(&here, "org.example.product.made"), EVENTS);
    ck_assert_str_eq(site_dead(&here), "");
    site_close(&here);
}
END_TEST

static int is_there(pid_t pid)
{
    return kill(pid, 0) == 0;
}

START_TEST(no_worker_outlives_its_runner)
{
    site here;
    pid_t worker = 0;
    site_open(&here);
    site_function(&here, "bad", "org.example.try.*", NULL);
    site_publish(&here, "org.example.try.hang", "e1", "raw/a");
    obs_client_close(here.client);
    pid_t runner = start_runner();
    for (int i = 0; i < 500 && !(worker = worker_of(runner)); i++)
        wait_ms(10);
    ck_assert_int_gt(worker, 0);
    kill(runner, SIGKILL);
    waitpid(runner, NULL, 0);
    for (int i = 0; i < 500 && is_there(worker); i++)
        wait_ms(10);
    ck_assert_int_eq(is_there(worker), 0);
}
END_TEST

int main(void)
{
    const TTest *tests[] = {each_event_has_one_product, no_worker_outlives_its_runner};
    obs_error_init(&error, sizeof error);
    return test_main("killed", tests, sizeof tests / sizeof tests[0]);
}
