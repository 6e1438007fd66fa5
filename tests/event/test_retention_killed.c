/*
 * Publishers, consumers and whoever removes old events, killed at any moment on a log that is nearly full: no event is lost
 * or done twice, what was removed stays known, and the log knows its size.
 */
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>

#include "event/group.h"
#include "event/retention.h"

#define EVENTS 600
#define LIMIT 65536 /* bytes: some fifty of these events */
#define DATA 1000
#define KILLS 24

enum role { PUBLISHES, CONSUMES, REMOVES, ROLES };

/* What the processes tell each other beside the bus, to be compared with it. */
typedef struct board {
    atomic_int published;     /* so many publishes returned */
    atomic_int begun[EVENTS]; /* acknowledgements that were begun */
    atomic_int done[EVENTS];  /* and returned */
    atomic_int total;
    atomic_int removed;
    atomic_int progress[ROLES];
} board;

static board *shared;

static void open_bus(const char *workspace)
{
    static const obs__bus_bounds bounds = {INT64_C(3600) * 1000000000, LIMIT, INT64_C(3600) * 1000000000};
    gate = test_gate_open(workspace, schemas);
    ck_assert_ok(obs__bus_open_bounded(&bus, &gate->base, "local:", &bounds, &error));
}

static obs_status publish_number(int number)
{
    char id[16], data[DATA + 3];
    obs_event event;
    obs_event_init(&event, sizeof event);
    snprintf(id, sizeof id, "%d", number);
    memset(data, 'x', DATA + 2);
    data[0] = data[DATA + 1] = '"';
    data[DATA + 2] = '\0';
    event.id = id;
    event.type = "t";
    event.data = data;
    event.data_size = OBS_TEXT;
    return obs_bus_publish(NULL, bus, &event, NULL, &error);
}

/* One that was killed in between does not know whether its event is on the bus: it publishes it once more. */
static void publish_all(void)
{
    for (int i = atomic_load(&shared->published); i < EVENTS;) {
        obs_status status = publish_number(i);
        if (status == OBS_RESOURCE_EXHAUSTED) { /* who consumes is behind */
            usleep(1000);
            continue;
        }
        if (status != OBS_OK)
            _exit(2);
        atomic_store(&shared->published, ++i);
        atomic_fetch_add(&shared->progress[PUBLISHES], 1);
    }
}

static void consume(void)
{
    obs_deliveries *deliveries = NULL;
    uint64_t sequences[8];
    obs_subscription *subscription = subscribe_as(-1, 0);
    while (obs_subscription_next_many(&deliveries, subscription, 8, -1, NULL, &error) == OBS_OK) {
        size_t count = sequences_of(sequences, deliveries), done = 0;
        for (size_t i = 0; i < count; i++)
            atomic_fetch_add(&shared->begun[atoi(obs_deliveries_at(deliveries, i)->event->id)], 1);
        if (obs_subscription_acknowledge_many(&done, subscription, sequences, count, &error) != OBS_OK || done != count)
            _exit(3);
        for (size_t i = 0; i < count; i++)
            atomic_fetch_add(&shared->done[atoi(obs_deliveries_at(deliveries, i)->event->id)], 1);
        atomic_fetch_add(&shared->total, (int)count);
        atomic_fetch_add(&shared->progress[CONSUMES], 1);
        obs_deliveries_free(deliveries);
    }
    _exit(4);
}

typedef struct step {
    obs__effect base;
    obs__sweep sweep;
} step;

static obs_status apply(obs__effect *effect, obs__txn *txn, obs_error *why)
{
    return obs__sweep_run(&((step *)effect)->sweep, txn, why);
}

static void keep(obs__effect *effect)
{
    (void)effect;
}

/* What nobody needs, whatever its age: as when the log comes to its limit. */
static unsigned remove_some(unsigned most)
{
    static const obs__effect_ops ops = {.apply = apply, .free = keep};
    step one = {{.ops = &ops},
                {.last = INT64_MAX,
                 .before_ns = INT64_MAX,
                 .down_to = -1,
                 .now_ns = obs__now_ns(),
                 .most = most,
                 .limit = LIMIT,
                 .remember_ns = INT64_C(3600) * 1000000000}};
    obs__effects effects = {0};
    obs__limit limit = obs__limit_in(60000, NULL);
    obs__effects_add(&effects, &one.base);
    ck_assert_ok(obs__journal_commit(gate->base.journal, &effects, &limit, &error));
    return one.sweep.removed;
}

static void remove_all(void)
{
    for (;;) {
        unsigned removed = remove_some(1 + (unsigned)rand() % 8);
        atomic_fetch_add(&shared->removed, (int)removed);
        atomic_fetch_add(&shared->progress[REMOVES], 1);
        usleep(500);
    }
}

static pid_t start(const char *workspace, enum role role)
{
    static void (*const work[ROLES])(void) = {publish_all, consume, remove_all};
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        open_bus(workspace);
        work[role]();
        for (;;)
            pause();
    }
    return pid;
}

static void stop(pid_t pid)
{
    int status = 0;
    kill(pid, SIGKILL);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "a process ended with %d", WEXITSTATUS(status));
}

static int is_over(void)
{
    return atomic_load(&shared->published) == EVENTS && atomic_load(&shared->total) >= EVENTS;
}

/* Each is killed after it has got on by some steps, and a moment: so a slow machine gets on, too. */
static int kill_them(const char *workspace, pid_t *all)
{
    int kills = 0;
    for (; kills < KILLS && !is_over(); kills++) {
        enum role role = (enum role)(rand() % ROLES);
        int until = atomic_load(&shared->progress[role]) + 1 + rand() % 12;
        while (atomic_load(&shared->progress[role]) < until && !is_over()) {
            usleep(200);
            for (int i = 0; i < ROLES; i++)
                ck_assert_msg(waitpid(all[i], NULL, WNOHANG) == 0, "a process of role %d has ended", i);
            if (role == PUBLISHES && atomic_load(&shared->published) == EVENTS)
                break;
        }
        usleep((useconds_t)(rand() % 2000));
        stop(all[role]);
        all[role] = start(workspace, role);
    }
    return kills;
}

/* What a killed consumer acknowledged without hearing of it is done, though its total says nothing. */
static void wait_until_done(const char *workspace)
{
    char row[] = "\"behind\":0";
    while (atomic_load(&shared->published) < EVENTS)
        usleep(1000);
    open_bus(workspace);
    while (!strstr(rows_of(ask_consumers, NULL), row))
        usleep(1000);
    end();
}

START_TEST(nothing_is_lost_and_nothing_comes_back)
{
    const char *workspace = test_folder();
    char problem[256];
    uint64_t left = 0;
    pid_t all[ROLES];
    srand(7);
    open_bus(workspace); /* the consumer is known before anything can be removed: nothing waits for one who comes later */
    obs_subscription_free(subscribe_as(-1, 0));
    end();
    for (int i = 0; i < ROLES; i++)
        all[i] = start(workspace, (enum role)i);
    int kills = kill_them(workspace, all);
    wait_until_done(workspace);
    for (int i = 0; i < ROLES; i++)
        stop(all[i]);
    open_bus(workspace);
    for (int i = 0; i < EVENTS; i++) {
        ck_assert_msg(atomic_load(&shared->begun[i]) >= 1, "event %d was never done", i);
        ck_assert_msg(atomic_load(&shared->done[i]) <= 1, "event %d was done %d times", i, atomic_load(&shared->done[i]));
    }
    obs__limit limit = obs__limit_in(60000, NULL);
    ck_assert_ok(obs__bus_check(problem, sizeof problem, &gate->base, 0, &limit, &error));
    ck_assert_str_eq(problem, "");
    while (remove_some(OBS__SWEEP_MAX))
        ;
    ck_assert_ok(obs__bus_count(&left, &gate->base, &error));
    ck_assert_uint_eq(left, 0);
    /* Each is known: nothing is added, and nothing handed out. */
    for (int i = 0; i < EVENTS; i++)
        ck_assert_ok(publish_number(i));
    ck_assert_ok(obs__bus_count(&left, &gate->base, &error));
    ck_assert_uint_eq(left, 0);
    obs_subscription *subscription = subscribe_as(-1, 0);
    expect_nothing(subscription);
    obs_subscription_free(subscription);
    ck_assert_ok(obs__bus_check(problem, sizeof problem, &gate->base, 0, &limit, &error));
    ck_assert_str_eq(problem, "");
    end();
    printf("%d kills, %d events removed by those who were killed\n", kills, atomic_load(&shared->removed));
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
    const TTest *const tests[] = {nothing_is_lost_and_nothing_comes_back};
    obs_error_init(&error, sizeof error);
    return test_main_between("killed while events are removed", tests, sizeof tests / sizeof tests[0], set_up, tear_down);
}
