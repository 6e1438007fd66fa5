/* Members in several processes, killed at any moment: each event is done once, those of a key in their order. */
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "event/bus.h"
#include "gate.h"
#include "support.h"

#define EVENTS 210
#define KEYS 7
#define MEMBERS 3

static obs_error error;
static const char *const schemas[] = {obs__event_schema, NULL};

/* What the members tell each other beside the bus, to be compared with it. */
typedef struct board {
    atomic_int begun[EVENTS]; /* acknowledgements that were begun */
    atomic_int done[EVENTS];  /* and succeeded */
    atomic_int wrong;         /* an event that came before one of its key */
    atomic_int total;
} board;

static board *shared;

static void check_order(int number)
{
    for (int before = number - KEYS; before >= 0; before -= KEYS)
        if (!atomic_load(&shared->begun[before]))
            atomic_store(&shared->wrong, number + 1);
}

/* Runs until it is killed. */
static void consume(const char *workspace, unsigned seed)
{
    obs_bus *bus = NULL;
    obs_subscription *subscription = NULL;
    const obs_delivery *delivery = NULL;
    obs_subscribe_options options;
    obs_reject_options again;
    obs_subscribe_options_init(&options, sizeof options);
    obs_reject_options_init(&again, sizeof again);
    options.attempts = -1;
    again.delay_ms = -1;
    srand(seed);
    test_gate *gate = test_gate_open(workspace, schemas);
    if (obs__bus_open(&bus, &gate->base, "local:", NULL) != OBS_OK ||
        obs_bus_subscribe(&subscription, bus, "group", &options, NULL) != OBS_OK)
        _exit(2);
    while (obs_subscription_next(&delivery, subscription, -1, NULL, NULL) == OBS_OK) {
        int number = atoi(delivery->event->id);
        uint64_t sequence = delivery->sequence;
        check_order(number);
        if (rand() % 8 == 0) {
            if (obs_subscription_reject(subscription, sequence, &again, NULL) != OBS_OK)
                _exit(3);
            continue;
        }
        atomic_fetch_add(&shared->begun[number], 1);
        if (obs_subscription_acknowledge(subscription, sequence, NULL) != OBS_OK)
            _exit(4);
        atomic_fetch_add(&shared->done[number], 1);
        atomic_fetch_add(&shared->total, 1);
    }
    _exit(5);
}

static pid_t start(const char *workspace, unsigned seed)
{
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0)
        consume(workspace, seed);
    return pid;
}

static void stop(pid_t pid)
{
    int status = 0;
    kill(pid, SIGKILL);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "a member ended with %d", WEXITSTATUS(status));
}

static void publish_all(const char *workspace)
{
    obs_bus *bus = NULL;
    char id[16], key[16];
    test_gate *gate = test_gate_open(workspace, schemas);
    ck_assert_ok(obs__bus_open(&bus, &gate->base, "local:", &error));
    for (int i = 0; i < EVENTS; i++) {
        obs_event event;
        obs_event_init(&event, sizeof event);
        snprintf(id, sizeof id, "%d", i);
        snprintf(key, sizeof key, "k%d", i % KEYS);
        event.id = id;
        event.type = "t";
        event.subject = key;
        ck_assert_ok(obs_bus_publish(NULL, bus, &event, NULL, &error));
    }
    obs__bus_free(bus);
    test_gate_close(gate);
}

/* How many are done, as the bus says. */
static uint64_t behind(const char *workspace)
{
    obs_bus *bus = NULL;
    obs_rows *rows = NULL;
    const char *row = NULL;
    unsigned long long count = EVENTS;
    test_gate *gate = test_gate_open(workspace, schemas);
    ck_assert_ok(obs__bus_open(&bus, &gate->base, "local:", &error));
    ck_assert_ok(obs_bus_consumers(&rows, bus, NULL, &error));
    if (obs_rows_next(rows, &row, NULL, &error) == OBS_OK && row)
        ck_assert_int_eq(sscanf(strstr(row, "\"behind\":"), "\"behind\":%llu", &count), 1);
    obs_rows_free(rows);
    obs__bus_free(bus);
    test_gate_close(gate);
    return count;
}

START_TEST(killed_members_lose_and_reorder_nothing)
{
    const char *workspace = test_folder();
    pid_t members[MEMBERS];
    unsigned seed = 1;
    int kills = 0;
    publish_all(workspace);
    for (int i = 0; i < MEMBERS; i++)
        members[i] = start(workspace, seed++);
    while (behind(workspace) > 0) {
        nanosleep(&(struct timespec){0, 40000000 + rand() % 80000000}, NULL);
        int which = rand() % MEMBERS;
        stop(members[which]);
        members[which] = start(workspace, seed++);
        kills++;
    }
    for (int i = 0; i < MEMBERS; i++)
        stop(members[i]);
    ck_assert_msg(!atomic_load(&shared->wrong), "event %d came before one of its key", atomic_load(&shared->wrong) - 1);
    for (int i = 0; i < EVENTS; i++) {
        ck_assert_msg(atomic_load(&shared->begun[i]) >= 1, "event %d was never done", i);
        ck_assert_msg(atomic_load(&shared->done[i]) <= 1, "event %d was done %d times", i, atomic_load(&shared->done[i]));
    }
    printf("%d kills, %d of %d acknowledgements returned\n", kills, atomic_load(&shared->total), EVENTS);
}
END_TEST

/* A member that is stopped for good keeps what it holds, and nothing else. */
START_TEST(a_stopped_member_keeps_only_what_it_holds)
{
    const char *workspace = test_folder();
    publish_all(workspace);
    pid_t stopped = start(workspace, 1), other = start(workspace, 2);
    while (atomic_load(&shared->total) < 20)
        nanosleep(&(struct timespec){0, 1000000}, NULL);
    kill(stopped, SIGSTOP);
    /* It may hold one event, and with it the others of its key; the writer's lock only if it was stopped within a commit. */
    int before = atomic_load(&shared->total);
    for (int i = 0; i < 200 && atomic_load(&shared->total) < before + 10; i++)
        nanosleep(&(struct timespec){0, 10000000}, NULL);
    kill(stopped, SIGCONT);
    while (behind(workspace) > 0)
        nanosleep(&(struct timespec){0, 10000000}, NULL);
    stop(stopped);
    stop(other);
    for (int i = 0; i < EVENTS; i++)
        ck_assert_int_eq(atomic_load(&shared->done[i]), 1);
    ck_assert(!atomic_load(&shared->wrong));
}
END_TEST

static void set_up(void)
{
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(shared, MAP_FAILED);
}

static void tear_down(void)
{
    munmap(shared, sizeof *shared);
}

int main(void)
{
    const TTest *const tests[] = {killed_members_lose_and_reorder_nothing, a_stopped_member_keeps_only_what_it_holds};
    obs_error_init(&error, sizeof error);
    return test_main_between("killed members", tests, sizeof tests / sizeof tests[0], set_up, tear_down);
}
