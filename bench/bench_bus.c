/*
 * From obs_bus_publish() until the handler in another process has the event: how long after the commit, that is, after the
 * publish returned. Beside it, in turns: a number through a pipe to another process that sleeps (what waking costs on this
 * machine), and a commit of this disk.
 *
 *     bench_bus FOLDER
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "bench.h"
#include "child.h"
#include "commit.h"

#define ROUNDS 2000
#define WARM 100 /* not counted */
#define TYPE "org.example.bench"

static obs_error error;

/* Tells the parent when it had each event. */
static void handle(const char *path)
{
    obs_client *client = bench_open(path);
    obs_subscription *subscription = NULL;
    obs_subscribe_options options;
    obs_subscribe_options_init(&options, sizeof options);
    options.type = TYPE;
    if (obs_bus_subscribe(&subscription, obs_client_bus(client), "bench", &options, &error) != OBS_OK)
        bench_die("subscribe", &error);
    bench_write_number(1, bench_now());
    for (;;) {
        const obs_delivery *delivery;
        if (obs_subscription_next(&delivery, subscription, -1, NULL, &error) != OBS_OK)
            bench_die("next", &error);
        int64_t now = bench_now();
        if (!delivery)
            continue;
        if (obs_subscription_acknowledge(subscription, delivery->sequence, &error) != OBS_OK)
            bench_die("acknowledge", &error);
        if (!bench_write_number(1, now))
            return;
    }
}

static void echo(void)
{
    int64_t ignored;
    bench_write_number(1, bench_now());
    while (bench_read_number(0, &ignored) && bench_write_number(1, bench_now()))
        ;
}

static int64_t answer(const bench_child *child)
{
    int64_t time;
    if (!bench_read_number(child->output, &time))
        bench_die("a process ended", NULL);
    return time;
}

static void publish(obs_client *client)
{
    obs_event event;
    obs_event_init(&event, sizeof event);
    event.type = TYPE;
    event.subject = "raw/2026-11-20/ccd-0421.fits";
    event.datacontenttype = "application/json";
    event.data = "{\"mag\":17.3125,\"filter\":\"Sloan r\",\"exposure\":120}";
    event.data_size = OBS_TEXT;
    if (obs_bus_publish(NULL, obs_client_bus(client), &event, NULL, &error) != OBS_OK)
        bench_die("publish", &error);
}

/* Until both sides sleep again. */
static void settle(void)
{
    nanosleep(&(struct timespec){0, 1000000}, NULL);
}

static void measure(obs_client *client, sqlite3 *bare, const bench_child *handler, const bench_child *echoing)
{
    static int64_t published[ROUNDS], after[ROUNDS], before[ROUNDS], woken[ROUNDS], committed[ROUNDS];
    for (int i = -WARM; i < ROUNDS; i++) {
        int at = i < 0 ? 0 : i;
        settle();
        int64_t start = bench_now();
        bench_commit(bare);
        committed[at] = bench_now() - start;
        settle();
        start = bench_now();
        if (!bench_write_number(echoing->input, start))
            bench_die("a process ended", NULL);
        woken[at] = answer(echoing) - start;
        settle();
        start = bench_now();
        publish(client);
        int64_t done = bench_now(), had = answer(handler);
        published[at] = done - start;
        after[at] = had - done;
        before[at] = had - start;
    }
    bench_print("deliver", (const bench_number[]){{"above_p50_us", 1000 * bench_ms(after, ROUNDS, 0.5)},
                                                  {"above_p99_us", 1000 * bench_ms(after, ROUNDS, 0.99)},
                                                  {"whole_p50_us", 1000 * bench_ms(before, ROUNDS, 0.5)},
                                                  {"publish_p50_us", 1000 * bench_ms(published, ROUNDS, 0.5)},
                                                  {"wake_p50_us", 1000 * bench_ms(woken, ROUNDS, 0.5)},
                                                  {"wake_p99_us", 1000 * bench_ms(woken, ROUNDS, 0.99)},
                                                  {"commit_p50_us", 1000 * bench_ms(committed, ROUNDS, 0.5)},
                                                  {NULL, 0}});
}

int main(int argc, char **argv)
{
    bench_child handler, echoing;
    obs_error_init(&error, sizeof error);
    if (argc == 3 && strcmp(argv[2], "handle") == 0) {
        handle(argv[1]);
        return 0;
    }
    if (argc == 3 && strcmp(argv[2], "echo") == 0) {
        echo();
        return 0;
    }
    if (argc != 2)
        bench_die("usage: bench_bus FOLDER", NULL);
    bench_check_disk(argv[1]);
    char path[4096];
    snprintf(path, sizeof path, "%s", bench_path(argv[1], "bus"));
    bench_workspace(path);
    obs_client *client = bench_open(path);
    sqlite3 *bare = bench_commit_open(bench_path(argv[1], "bus.db"));
    bench_child_start(&handler, (const char *const[]){argv[0], path, "handle", NULL});
    bench_child_start(&echoing, (const char *const[]){argv[0], path, "echo", NULL});
    answer(&handler);
    answer(&echoing);
    measure(client, bare, &handler, &echoing);
    bench_child_end(&handler, SIGTERM);
    bench_child_end(&echoing, SIGTERM);
    sqlite3_close(bare);
    obs_client_close(client);
    return 0;
}
