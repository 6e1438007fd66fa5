/*
 * When the log is written: within OBS__LOG_INTERVAL_MS of a record, or, by the second, as soon as OBS__LOG_RECORDS are waiting,
 * by the keeper thread; and once more when the audit trail is closed, if a checkpoint is due or this process had a part in the
 * log for longer than an interval. Several processes share the work: who finds a young checkpoint waits until it is old.
 *
 * What goes wrong is logged once, not every time, and told to whoever asks for the health of the workspace.
 */
#ifndef OBS_AUDIT_SCHEDULE_H
#define OBS_AUDIT_SCHEDULE_H

#include "audit/sequence.h"

#define OBS__LOG_INTERVAL_MS 10000
#define OBS__LOG_RECORDS 1000

typedef struct obs__schedule obs__schedule;

/* What the place and the tenants point to must outlive the schedule. Tenants that `each` is NULL for: only the log is read. */
obs_status obs__schedule_new(obs__schedule **out, const obs__log_place *place, const obs__tenants *tenants, obs_error *error);
/* From now on nothing is written: for a process that only reads. Before it is used. */
void obs__schedule_only_read(obs__schedule *schedule);
/* The same for a process that is not the account's, whose state folder is its own: see seen.h. */
void obs__schedule_of_reader(obs__schedule *schedule);
int obs__schedule_is_reader(const obs__schedule *schedule);
/* One last round, if it is due. NULL is fine. */
void obs__schedule_free(obs__schedule *schedule);

/* So many records are being committed. Cheap; never fails. */
void obs__schedule_count(obs__schedule *schedule, unsigned count);
/* Moves all that was committed until now. */
obs_status obs__schedule_now(obs__sequenced *out, obs__schedule *schedule, const obs__limit *limit, obs_error *error);
/* How the last attempt of this process ended; OBS_OK before the first. */
obs_status obs__schedule_last(obs__schedule *schedule, obs_error *error);

/* How old the checkpoint is, whoever wrote it, and the standard anchor; -1 when there is none. */
int64_t obs__schedule_checkpoint_age_ms(const obs__schedule *schedule);
int64_t obs__schedule_anchor_age_ms(const obs__schedule *schedule);
/* What the schedule was made with, for verifying and proving. */
const obs__log_place *obs__schedule_place(const obs__schedule *schedule);
/* NULL: the tenants' databases are not this process's to read. */
const obs__tenants *obs__schedule_tenants(const obs__schedule *schedule);

#endif
