#include "audit/schedule.h"

#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/keeper.h"
#include "base/log.h"
#include "base/memory.h"

#define ROUND_LIMIT_MS 500 /* closing waits for the keeper */
#define CLOSE_LIMIT_MS 500 /* nobody likes to wait for the end */
#define LEAST_MS 1000      /* between two rounds, however much there is: a round costs a dozen syncs */
#define RETRY_MS 1000      /* another process is at it */
#define MS INT64_C(1000000)

/* What belongs to one process; a forked child makes its own. */
struct ticking {
    obs__schedule *schedule;
    struct ticking *previous;
    unsigned generation;
    atomic_uint waiting; /* records since the last round */
    obs__task *task;
    pthread_mutex_t lock;
    obs_error last; /* under the lock */
};

struct obs__schedule {
    obs__log_place place;
    obs__tenants tenants;
    int64_t opened_ns;
    int only_read;
    int is_reader;
    struct ticking *_Atomic ticking;
};

/* ---- One for each process. ---- */

static void run(void *user);

static int is_ours(const struct ticking *ticking)
{
    return ticking && ticking->generation == obs__generation();
}

static void ticking_free(struct ticking *ticking)
{
    if (!ticking)
        return;
    obs__task_free(ticking->task);
    obs__free(ticking);
}

static struct ticking *ticking_new(obs__schedule *schedule, struct ticking *previous)
{
    struct ticking *ticking = obs__calloc(1, sizeof *ticking);
    if (!ticking)
        return NULL;
    *ticking = (struct ticking){.schedule = schedule, .previous = previous, .generation = obs__generation()};
    pthread_mutex_init(&ticking->lock, NULL);
    obs_error_init(&ticking->last, sizeof ticking->last);
    if (obs__task_new(&ticking->task, run, ticking, NULL) == OBS_OK)
        return ticking;
    ticking_free(ticking);
    return NULL;
}

/* NULL without memory: the next record tries again. */
static struct ticking *ticking_get(obs__schedule *schedule)
{
    struct ticking *seen = atomic_load_explicit(&schedule->ticking, memory_order_acquire);
    if (is_ours(seen))
        return seen;
    struct ticking *made = ticking_new(schedule, seen);
    if (!made)
        return NULL;
    if (atomic_compare_exchange_strong(&schedule->ticking, &seen, made))
        return made;
    ticking_free(made);
    return seen; /* another thread was faster */
}

obs_status obs__schedule_new(obs__schedule **out, const obs__log_place *place, const obs__tenants *tenants, obs_error *error)
{
    *out = obs__calloc(1, sizeof **out);
    if (!*out)
        return obs__fail_memory(error);
    (*out)->place = *place;
    (*out)->tenants = *tenants;
    (*out)->opened_ns = obs__monotonic_ns();
    if (ticking_get(*out)) /* now, when a failure can still be told; a forked child makes its own with its first record */
        return OBS_OK;
    obs__free(*out);
    *out = NULL;
    return obs__fail_memory(error);
}

void obs__schedule_only_read(obs__schedule *schedule)
{
    schedule->only_read = 1;
}

void obs__schedule_of_reader(obs__schedule *schedule)
{
    schedule->only_read = schedule->is_reader = 1;
}

int obs__schedule_is_reader(const obs__schedule *schedule)
{
    return schedule->is_reader;
}

const obs__log_place *obs__schedule_place(const obs__schedule *schedule)
{
    return &schedule->place;
}

const obs__tenants *obs__schedule_tenants(const obs__schedule *schedule)
{
    return schedule->tenants.each ? &schedule->tenants : NULL;
}

/* ---- Rounds. ---- */

/* INT64_MAX when there is none; below zero when the clock jumped. */
static int64_t age_ms(const char *base, const char *name)
{
    char path[PATH_MAX];
    struct stat found;
    if (obs__log_path(path, sizeof path, base, name, NULL) != OBS_OK || stat(path, &found) != 0)
        return INT64_MAX;
    return (obs__now_ns() - ((int64_t)found.st_mtim.tv_sec * 1000 * MS + found.st_mtim.tv_nsec)) / MS;
}

static int64_t shown(int64_t age)
{
    return age == INT64_MAX ? -1 : age < 0 ? 0 : age;
}

int64_t obs__schedule_checkpoint_age_ms(const obs__schedule *schedule)
{
    return shown(age_ms(schedule->place.workspace, "log/checkpoint"));
}

int64_t obs__schedule_anchor_age_ms(const obs__schedule *schedule)
{
    return shown(age_ms(schedule->place.state, "anchor/last"));
}

/* An interval when there is none, or when the clock jumped. */
static int64_t checkpoint_age_ms(const obs__schedule *schedule)
{
    int64_t age = age_ms(schedule->place.workspace, "log/checkpoint");
    return age < 0 || age > OBS__LOG_INTERVAL_MS ? OBS__LOG_INTERVAL_MS : age;
}

static void keep_last(struct ticking *ticking, const obs_error *why)
{
    pthread_mutex_lock(&ticking->lock);
    int is_new = why->status != OBS_OK && strcmp(why->message, ticking->last.message) != 0;
    obs__copy_error(&ticking->last, why);
    pthread_mutex_unlock(&ticking->lock);
    if (is_new)
        obs__log(why->status == OBS_DATA_LOSS ? OBS_LOG_ERROR : OBS_LOG_WARNING, "audit", NULL, "%s; %s", why->message,
                 why->detail);
}

/* A round with its outcome kept; that another process is at it is none. */
static obs_status round_of(obs__sequenced *out, struct ticking *ticking, int64_t limit_ms)
{
    obs_error why;
    const obs__schedule *schedule = ticking->schedule;
    obs__limit limit = obs__limit_in(limit_ms, NULL);
    obs_error_init(&why, sizeof why);
    obs_status status = obs__audit_sequence_round(out, &schedule->place, &schedule->tenants, &limit, &why);
    if (status == OBS_OK)
        obs__ok(&why);
    if (status != OBS_ABORTED)
        keep_last(ticking, &why);
    return status;
}

/* Comes back for `waiting` records. */
static void come_back(struct ticking *ticking, unsigned waiting, int64_t delay_ms)
{
    atomic_fetch_add(&ticking->waiting, waiting);
    obs__task_in(ticking->task, delay_ms, NULL);
}

static void run(void *user)
{
    struct ticking *ticking = user;
    obs__sequenced done;
    unsigned waiting = atomic_exchange(&ticking->waiting, 0);
    int64_t age = checkpoint_age_ms(ticking->schedule);
    int64_t wanted = waiting < OBS__LOG_RECORDS ? OBS__LOG_INTERVAL_MS : LEAST_MS;
    if (age < wanted) {
        come_back(ticking, waiting, wanted - age);
        return;
    }
    obs_status status = round_of(&done, ticking, ROUND_LIMIT_MS);
    if (status == OBS_ABORTED)
        come_back(ticking, waiting, RETRY_MS);
    else if (status != OBS_OK) /* one tenant, perhaps: the others go on */
        come_back(ticking, waiting, OBS__LOG_INTERVAL_MS);
    else if (done.more)
        come_back(ticking, OBS__LOG_RECORDS, 0);
    else if (done.added) /* one that was counted may have been committed behind the round's back */
        come_back(ticking, 1, OBS__LOG_INTERVAL_MS);
}

void obs__schedule_count(obs__schedule *schedule, unsigned count)
{
    struct ticking *ticking = schedule->only_read ? NULL : ticking_get(schedule);
    if (!ticking)
        return;
    unsigned before = atomic_fetch_add(&ticking->waiting, count);
    if (before < OBS__LOG_RECORDS && before + count >= OBS__LOG_RECORDS)
        obs__task_in(ticking->task, 0, NULL);
    else if (!before)
        obs__task_in(ticking->task, OBS__LOG_INTERVAL_MS, NULL);
}

obs_status obs__schedule_now(obs__sequenced *out, obs__schedule *schedule, const obs__limit *limit, obs_error *error)
{
    if (schedule->is_reader)
        return obs__fail(error, OBS_PERMISSION_DENIED,
                         "only the account of the workspace writes its audit log, as it has the key: run this as that account");
    if (schedule->only_read)
        return obs__fail(error, OBS_FAILED_PRECONDITION, "this workspace was opened for reading only: its log is not written");
    struct ticking *ticking = ticking_get(schedule);
    obs_error why;
    if (!ticking)
        return obs__fail_memory(error);
    obs_error_init(&why, sizeof why);
    obs_status status = obs__audit_sequence_now(out, &schedule->place, &schedule->tenants, limit, &why);
    if (status == OBS_OK)
        obs__ok(&why);
    if (status != OBS_ABORTED && status != OBS_DEADLINE_EXCEEDED && status != OBS_CANCELLED)
        keep_last(ticking, &why);
    return status == OBS_OK ? OBS_OK : obs__copy_error(error, &why);
}

obs_status obs__schedule_last(obs__schedule *schedule, obs_error *error)
{
    struct ticking *ticking = atomic_load(&schedule->ticking);
    obs_status status = OBS_OK;
    if (!is_ours(ticking))
        return OBS_OK;
    pthread_mutex_lock(&ticking->lock);
    if (ticking->last.status != OBS_OK)
        status = obs__copy_error(error, &ticking->last);
    pthread_mutex_unlock(&ticking->lock);
    return status;
}

/* A short program does not pay for a checkpoint each time it ends; a long one leaves nothing behind. */
static void end(struct ticking *ticking)
{
    obs__sequenced done;
    int64_t lived_ms = (obs__monotonic_ns() - ticking->schedule->opened_ns) / MS;
    obs__task_free(ticking->task);
    ticking->task = NULL;
    if (atomic_load(&ticking->waiting) &&
        (lived_ms >= OBS__LOG_INTERVAL_MS || checkpoint_age_ms(ticking->schedule) >= OBS__LOG_INTERVAL_MS))
        round_of(&done, ticking, CLOSE_LIMIT_MS);
}

void obs__schedule_free(obs__schedule *schedule)
{
    if (!schedule)
        return;
    struct ticking *ticking = atomic_load(&schedule->ticking);
    if (is_ours(ticking))
        end(ticking);
    while (ticking) {
        struct ticking *previous = ticking->previous;
        ticking_free(ticking);
        ticking = previous;
    }
    obs__free(schedule);
}
