#include <stdatomic.h>

#include "audit/notes.h"
#include "audit/policy.h"
#include "audit/reserve.h"
#include "audit/schedule.h"
#include "audit/trail.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/keeper.h"
#include "base/log.h"
#include "base/memory.h"
#include "journal/park.h"

/* Notes are written so long after the first of them, in milliseconds: well within the second that is promised. */
#define DELAY_MS 400
#define RETRY_MS 1000
/* The keeper waits no longer at a time for others, as closing waits for the keeper. Its own work takes the time it takes. */
#define KEEPER_LIMIT_MS 500
/* How old what is known of the policy may be. */
#define POLICY_NS INT64_C(1000000000)

enum { NOT_ARMED, ARMED, ARMED_HURRY };

/* What belongs to one process; a forked child makes its own and leaves the parent's alone. */
struct noting {
    obs__notes *notes;
    obs__task *task;
    obs__turn flush; /* one flush at a time */
    atomic_int armed;
    obs_audit *audit;
    struct noting *previous;
};

struct obs_audit {
    obs__gate *gate; /* borrowed: the gate owns this */
    struct noting *_Atomic noting;
    _Atomic uint64_t lost; /* where there was not even memory for notes */
    obs__schedule *schedule;
    _Atomic int64_t policy_ns; /* when the policy was read; 0: it was not */
    atomic_uint closed;        /* its classes, see policy.h */
};

obs_status obs__audit_open(obs_audit **out, obs__gate *gate, obs_error *error)
{
    *out = obs__calloc(1, sizeof **out);
    if (!*out)
        return obs__fail_memory(error);
    (*out)->gate = gate;
    return OBS_OK;
}

obs__gate *obs__audit_gate(const obs_audit *audit)
{
    return audit->gate;
}

void obs__audit_attach(obs_audit *audit, obs__schedule *schedule)
{
    audit->schedule = schedule;
}

obs__schedule *obs__audit_log(const obs_audit *audit)
{
    return audit->schedule;
}

obs_status obs__audit_need_log(obs__schedule **out, const obs_audit *audit, obs_error *error)
{
    *out = audit->schedule;
    if (*out)
        return OBS_OK;
    return obs__fail(
        error, OBS_PERMISSION_DENIED,
        "the audit log is for the account of the workspace, and for those whom its obs.yaml names as auditors: ask "
        "there, or set HOME to an absolute path if that is you");
}

void obs__audit_count(obs_audit *audit, unsigned count)
{
    if (audit->schedule)
        obs__schedule_count(audit->schedule, count);
}

static obs_status flush(struct noting *noting, const obs__limit *limit, obs_error *error);

static void run_flush(void *user)
{
    struct noting *noting = user;
    if (flush(noting, NULL, NULL) != OBS_OK && obs__task_in(noting->task, RETRY_MS, NULL) == OBS_OK)
        atomic_store(&noting->armed, ARMED);
}

static void noting_free(struct noting *noting)
{
    if (!noting)
        return;
    obs__task_free(noting->task);
    obs__notes_free(noting->notes);
    obs__free(noting);
}

static struct noting *noting_new(obs_audit *audit, struct noting *previous)
{
    struct noting *noting = obs__calloc(1, sizeof *noting);
    if (!noting)
        return NULL;
    noting->audit = audit;
    if (obs__notes_new(&noting->notes, NULL) != OBS_OK || obs__task_new(&noting->task, run_flush, noting, NULL) != OBS_OK) {
        noting_free(noting);
        return NULL;
    }
    noting->previous = previous;
    return noting;
}

static int is_ours(const struct noting *noting)
{
    return noting && obs__notes_generation(noting->notes) == obs__generation();
}

/* Made with the first note of a process. */
static struct noting *noting_get(obs_audit *audit)
{
    struct noting *seen = atomic_load_explicit(&audit->noting, memory_order_acquire);
    if (is_ours(seen))
        return seen;
    struct noting *made = noting_new(audit, seen);
    if (!made)
        return NULL;
    if (atomic_compare_exchange_strong(&audit->noting, &seen, made)) {
        obs__notes_lose(made->notes, atomic_exchange(&audit->lost, 0));
        return made;
    }
    noting_free(made);
    return seen; /* another thread was faster */
}

static void arm(struct noting *noting, int wanted)
{
    if (atomic_load_explicit(&noting->armed, memory_order_relaxed) >= wanted)
        return;
    atomic_store(&noting->armed, wanted);
    if (obs__task_in(noting->task, wanted == ARMED_HURRY ? 0 : DELAY_MS, NULL) != OBS_OK)
        atomic_store(&noting->armed, NOT_ARMED); /* the next note tries again */
}

void obs__audit_policy_forget(obs_audit *audit)
{
    atomic_store(&audit->policy_ns, 0);
}

int obs__audit_is_closed(obs_audit *audit, const char *kind)
{
    int64_t now = obs__monotonic_ns();
    int64_t read = atomic_load_explicit(&audit->policy_ns, memory_order_acquire);
    unsigned bit = obs__policy_bit(kind);
    if (!read || now - read > POLICY_NS) {
        obs__policy policy;
        obs_error why;
        obs_error_init(&why, sizeof why);
        if (obs__policy_read(&policy, audit->gate->workspace, &why) != OBS_OK)
            obs__log(OBS_LOG_ERROR, "audit", NULL, "%s", why.message);
        atomic_store(&audit->closed, policy.closed);
        atomic_store_explicit(&audit->policy_ns, now, memory_order_release);
    }
    return !bit || (atomic_load(&audit->closed) & bit) != 0;
}

void obs__audit_lose(obs_audit *audit, uint64_t count)
{
    struct noting *noting = noting_get(audit);
    if (!noting) {
        atomic_fetch_add(&audit->lost, count);
        return;
    }
    obs__notes_lose(noting->notes, count);
    arm(noting, ARMED);
}

void obs__audit_note(obs_audit *audit, const obs__audit_record *record)
{
    struct noting *noting = noting_get(audit);
    if (!noting) {
        atomic_fetch_add(&audit->lost, 1);
        return;
    }
    obs__noted noted = obs__notes_add(noting->notes, record);
    arm(noting, noted == OBS__NOTED_HURRY ? ARMED_HURRY : ARMED);
}

static obs_status flush_once(struct noting *noting, const obs__limit *limit, obs_error *error)
{
    obs__effects effects = {0};
    obs__gate *gate = noting->audit->gate;
    obs_status status = obs__notes_take(noting->notes, &effects, gate->tenant, error);
    const obs__limit keepers = obs__limit_in(KEEPER_LIMIT_MS, NULL);
    if (status == OBS_OK)
        status = obs__journal_commit(gate->journal, &effects, limit ? limit : &keepers, error);
    if (status == OBS_OK)
        obs__audit_count(noting->audit, 1);
    obs__effects_free(&effects);
    /* A database that cannot be written at all is no reason to refuse reads: their records count as lost. */
    obs__notes_given(noting->notes, status == OBS_OK ? 1 : status == OBS_FAILED_PRECONDITION ? -1 : 0);
    return status;
}

/* Without a limit: as long as the keeper may wait. */
static obs_status flush(struct noting *noting, const obs__limit *limit, obs_error *error)
{
    const obs__limit keepers = obs__limit_in(KEEPER_LIMIT_MS, NULL);
    obs_status status = obs__turn_take(&noting->flush, limit ? limit : &keepers, error);
    if (status != OBS_OK)
        return status;
    atomic_store(&noting->armed, NOT_ARMED);
    /* Twice: the first time may take what a failed flush had left. */
    for (int i = 0; i < 2 && status == OBS_OK && obs__notes_any(noting->notes); i++)
        status = flush_once(noting, limit, error);
    obs__turn_give(&noting->flush);
    return status == OBS_FAILED_PRECONDITION ? OBS_OK : status;
}

obs_status obs__audit_flush(obs_audit *audit, const obs__limit *limit, obs_error *error)
{
    struct noting *noting = atomic_load(&audit->noting);
    return is_ours(noting) ? flush(noting, limit, error) : OBS_OK;
}

obs_status obs__audit_flush_for(obs_audit *audit, obs__scope *scope, obs_error *error)
{
    obs_status status;
    do
        status = obs__audit_flush(audit, &scope->limit, error);
    while (obs__gate_spare(scope, status));
    return status;
}

/* The last word: nobody notes any more. What cannot be written now is gone, and somebody should know. Until now it could wait
 * for space; now it may use what the reserve has for looking around. */
static void end(struct noting *noting)
{
    obs_error why;
    obs_status status;
    obs__spare *spare = NULL;
    obs_error_init(&why, sizeof why);
    obs__task_free(noting->task);
    noting->task = NULL;
    do
        status = flush(noting, NULL, &why);
    while (status == OBS_NO_SPACE && obs__spare_release(&spare, noting->audit->gate->workspace, OBS__SHARE_HALF));
    obs__spare_end(spare);
    if (status != OBS_OK)
        obs__log(OBS_LOG_ERROR, "audit", NULL, "%llu reads of tenant %s are not in the audit trail: %s",
                 (unsigned long long)obs__notes_count(noting->notes), noting->audit->gate->tenant, why.message);
}

void obs__audit_free(obs_audit *audit)
{
    if (!audit)
        return;
    struct noting *noting = atomic_load(&audit->noting);
    if (is_ours(noting))
        end(noting);
    while (noting) {
        struct noting *previous = noting->previous;
        noting_free(noting);
        noting = previous;
    }
    obs__schedule_free(audit->schedule);
    obs__free(audit);
}
